//! Doses: a volume in a time, as strokes of the pump head. The more urgent one has the head, the others wait and go on behind it.

use heapless::Deque;
use pump_link::State;

use crate::basal::US_PER_HOUR;
use crate::config::Stroke;
use crate::rules::STEPS_MAX;
use crate::time::Micros;

/// In the order of precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DoseKind {
    /// What the patient asked for.
    Patient,
    Priming,
    Bridge,
    Bolus,
    /// With which a step of the schedule begins.
    Step,
    Microdose,
}

const KINDS: usize = 6;

impl DoseKind {
    /// Drug at the basal rate is wanted behind the tip, and behind the old drug, not in front of it.
    pub const fn holds_basal(self) -> bool {
        matches!(self, Self::Priming | Self::Bridge)
    }

    /// Part of the basal mode rather than on top of it.
    pub const fn is_basal(self) -> bool {
        matches!(self, Self::Step | Self::Microdose)
    }

    const fn state(self) -> State {
        match self {
            Self::Patient => State::PatientBolus,
            Self::Priming => State::Priming,
            Self::Bridge => State::Bridge,
            Self::Bolus | Self::Step => State::Bolus,
            Self::Microdose => State::Infusing,
        }
    }
}

/// A dose as programmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Programme {
    pub kind: DoseKind,
    pub volume_nl: u32,
    pub duration_us: u64,
}

impl Programme {
    pub fn new(kind: DoseKind, volume_nl: u32, duration_ms: u32) -> Self {
        Self { kind, volume_nl, duration_us: u64::from(duration_ms).saturating_mul(1_000) }
    }

    pub fn bolus(volume_nl: u32, duration_ms: u32) -> Self {
        Self::new(DoseKind::Bolus, volume_nl, duration_ms)
    }

    pub fn priming(volume_nl: u32, rate_nl_h: u32) -> Self {
        Self::at_rate(DoseKind::Priming, volume_nl, rate_nl_h)
    }

    pub fn at_rate(kind: DoseKind, volume_nl: u32, rate_nl_h: u32) -> Self {
        let duration_us = u64::from(volume_nl).saturating_mul(US_PER_HOUR).checked_div(u64::from(rate_nl_h));
        Self { kind, volume_nl, duration_us: duration_us.unwrap_or(u64::MAX) }
    }
}

/// A running dose of N strokes over D: stroke i is due at i·D/N, and the last one is what is left, at most a full stroke.
#[derive(Debug, Clone)]
pub struct Dose {
    programme: Programme,
    started: Micros,
    strokes: u32,
    begun: u32,
    left_nl: u32,
    due: Option<Micros>,
    /// Since when another one has the head.
    waits_since: Option<Micros>,
}

impl Dose {
    fn start(programme: Programme, now: Micros, stroke: &Stroke) -> Self {
        let strokes = programme.volume_nl.div_ceil(stroke.volume_nl.get());
        let due = (strokes > 0).then_some(now);
        Self { programme, started: now, strokes, begun: 0, left_nl: programme.volume_nl, due, waits_since: None }
    }

    pub const fn programme(&self) -> Programme {
        self.programme
    }

    /// Not yet begun.
    pub const fn left_nl(&self) -> u32 {
        self.left_nl
    }

    pub const fn due(&self) -> Option<Micros> {
        self.due
    }

    /// From the next stroke to the end, if nothing holds it up.
    fn left_us(&self) -> u64 {
        let begun = u64::from(self.begun).saturating_mul(self.programme.duration_us).checked_div(u64::from(self.strokes));
        self.programme.duration_us.saturating_sub(begun.unwrap_or(0))
    }

    /// Of the next stroke.
    pub fn stroke_nl(&self, stroke: &Stroke) -> u32 {
        self.left_nl.min(stroke.volume_nl.get())
    }

    fn take(&mut self, stroke: &Stroke) -> u32 {
        let volume = self.stroke_nl(stroke);
        self.left_nl = self.left_nl.saturating_sub(volume);
        self.begun = self.begun.saturating_add(1);
        let offset = u64::from(self.begun).saturating_mul(self.programme.duration_us).checked_div(u64::from(self.strokes));
        self.due = offset.filter(|_| self.left_nl > 0).map(|offset| self.started.plus(offset));
        volume
    }

    fn wait(&mut self, now: Micros) {
        self.waits_since.get_or_insert(now);
    }

    /// What is left comes as much later as it had to wait.
    fn go_on(&mut self, now: Micros) {
        if let Some(since) = self.waits_since.take() {
            let waited = now.since(since);
            self.started = self.started.plus(waited);
            self.due = self.due.map(|due| due.plus(waited));
        }
    }
}

/// At most one of each kind, the most urgent of which has the pump head.
#[derive(Debug, Clone, Default)]
pub struct Doses {
    places: [Option<Dose>; KINDS],
    /// Doses of steps that fell due while an earlier one was not through, in their order.
    later: Deque<Programme, { STEPS_MAX as usize }>,
}

impl Doses {
    pub fn start(&mut self, programme: Programme, now: Micros, stroke: &Stroke) {
        if let Some(place) = self.places.get_mut(programme.kind as usize) {
            *place = Some(Dose::start(programme, now, stroke));
        }
        self.arrange(now);
    }

    /// Begins the dose of a step, behind those that fell due before it; whether there is room for it.
    pub fn start_step(&mut self, programme: Programme, now: Micros, stroke: &Stroke) -> bool {
        if self.get(DoseKind::Step).is_some() {
            return self.later.push_back(programme).is_ok();
        }
        self.start(programme, now, stroke);
        true
    }

    /// Doses of steps that have not begun.
    pub fn later(&self) -> impl Iterator<Item = &Programme> {
        self.later.iter()
    }

    /// Not yet begun of the steps' doses that have fallen due, in nL, and how long that takes at the least, in µs.
    pub fn steps_left(&self) -> (u64, u64) {
        let first = self.get(DoseKind::Step).map_or((0, 0), |dose| (u64::from(dose.left_nl), dose.left_us()));
        self.later
            .iter()
            .fold(first, |(nl, us), later| (nl.saturating_add(u64::from(later.volume_nl)), us.saturating_add(later.duration_us)))
    }

    /// Ends those of the basal mode; what was left of them.
    pub fn take_basal(&mut self, now: Micros) -> Self {
        let mut taken = Self { later: core::mem::take(&mut self.later), ..Self::default() };
        for (place, to) in self.places.iter_mut().zip(&mut taken.places) {
            *to = place.take_if(|dose| dose.programme.kind.is_basal());
        }
        self.arrange(now);
        taken
    }

    pub fn get(&self, kind: DoseKind) -> Option<&Dose> {
        self.places.get(kind as usize)?.as_ref()
    }

    /// The one that has the head.
    pub fn first(&self) -> Option<&Dose> {
        self.places.iter().flatten().next()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Dose> {
        self.places.iter().flatten()
    }

    pub fn state(&self) -> Option<State> {
        self.first().map(|dose| dose.programme.kind.state())
    }

    /// Begins the next stroke of this one; its volume.
    pub fn take(&mut self, kind: DoseKind, stroke: &Stroke) -> u32 {
        self.places.get_mut(kind as usize).and_then(Option::as_mut).map_or(0, |dose| dose.take(stroke))
    }

    /// One of which all has gone out.
    pub fn take_finished(&mut self, now: Micros, stroke: &Stroke) -> Option<Dose> {
        let finished = self.places.iter_mut().find_map(|place| place.take_if(|dose| dose.left_nl == 0))?;
        self.go_on_behind(finished.programme.kind, now, stroke);
        Some(finished)
    }

    pub fn remove(&mut self, kind: DoseKind, now: Micros, stroke: &Stroke) -> Option<Dose> {
        let removed = self.places.get_mut(kind as usize)?.take();
        self.go_on_behind(kind, now, stroke);
        removed
    }

    /// One of this kind is over: behind a step's dose comes the next one that fell due meanwhile.
    fn go_on_behind(&mut self, kind: DoseKind, now: Micros, stroke: &Stroke) {
        let next = if kind == DoseKind::Step { self.later.pop_front() } else { None };
        match next {
            Some(next) => self.start(next, now, stroke),
            None => self.arrange(now),
        }
    }

    fn arrange(&mut self, now: Micros) {
        let mut has_head = true;
        for dose in self.places.iter_mut().flatten() {
            if core::mem::take(&mut has_head) {
                dose.go_on(now);
            } else {
                dose.wait(now);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dose_that_was_held_up_goes_on_as_much_later() {
        let stroke = Stroke::default();
        let mut doses = Doses::default();
        doses.start(Programme::bolus(4_000, 40_000), Micros::ZERO, &stroke);
        doses.take(DoseKind::Bolus, &stroke);
        assert_eq!(doses.first().and_then(Dose::due), Some(Micros(10_000_000)));
        doses.start(Programme::new(DoseKind::Patient, 1_000, 5_000), Micros(4_000_000), &stroke);
        doses.start(Programme::new(DoseKind::Step, 2_000, 20_000), Micros(5_000_000), &stroke);
        assert_eq!(doses.state(), Some(State::PatientBolus));
        assert_eq!(doses.first().and_then(Dose::due), Some(Micros(4_000_000)));
        doses.take(DoseKind::Patient, &stroke);
        assert!(doses.take_finished(Micros(4_500_000), &stroke).is_some());
        assert_eq!(doses.get(DoseKind::Bolus).map(|dose| (dose.left_nl(), dose.due())), Some((3_000, Some(Micros(10_500_000)))));
        assert!(doses.remove(DoseKind::Bolus, Micros(10_500_000), &stroke).is_some());
        assert_eq!(doses.first().and_then(Dose::due), Some(Micros(10_500_000)), "the step's begins when the head is free");
    }
}
