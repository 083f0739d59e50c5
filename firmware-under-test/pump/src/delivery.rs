//! When strokes are due: exact integer schedules of a basal rate and of a dose, sharing one pump head.

use pump_link::State;

use crate::config::{PRIMING_RATE_NL_H, Stroke};
use crate::time::{Micros, earlier};

pub const US_PER_HOUR: u64 = 3_600_000_000;
const MS_PER_HOUR: u64 = 3_600_000;

/// A basal rate in force. Volume accumulates with time; a stroke is due each time that a stroke's volume has come together, first one period after the start.
#[derive(Debug, Clone)]
pub struct Basal {
    rate_nl_h: u32,
    /// Accumulated at `since`, in nL·µs/h: no division, so no rounding and no drift.
    accumulated: u64,
    since: Micros,
    due: Micros,
}

impl Basal {
    pub fn start(rate_nl_h: u32, now: Micros, stroke: &Stroke) -> Self {
        let mut basal = Self { rate_nl_h, accumulated: 0, since: now, due: now };
        basal.due = basal.next_due(stroke);
        basal
    }

    pub const fn rate_nl_h(&self) -> u32 {
        self.rate_nl_h
    }

    /// A new rate from now on; what has come together under the old one is kept.
    pub fn change_rate(&mut self, rate_nl_h: u32, now: Micros, stroke: &Stroke) {
        self.accumulate(now);
        self.rate_nl_h = rate_nl_h;
        self.due = self.next_due(stroke);
    }

    /// A stroke is begun now. Never owes more than one further stroke: a pump that was held up does not hurry to catch up.
    fn take(&mut self, now: Micros, stroke: &Stroke) -> u32 {
        self.accumulate(now);
        self.accumulated = self.accumulated.saturating_sub(whole(stroke)).min(whole(stroke));
        self.due = self.next_due(stroke);
        stroke.volume_nl.get()
    }

    fn accumulate(&mut self, now: Micros) {
        self.accumulated = self.accumulated.saturating_add(u64::from(self.rate_nl_h).saturating_mul(now.since(self.since)));
        self.since = now;
    }

    fn next_due(&self, stroke: &Stroke) -> Micros {
        let missing = whole(stroke).saturating_sub(self.accumulated);
        self.since.plus(missing.div_ceil(u64::from(self.rate_nl_h.max(1))))
    }
}

/// A stroke's volume in the unit of `accumulated`.
fn whole(stroke: &Stroke) -> u64 {
    u64::from(stroke.volume_nl.get()).saturating_mul(US_PER_HOUR)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DoseKind {
    Bolus,
    Priming,
}

/// A bolus or priming as programmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Programme {
    pub kind: DoseKind,
    pub volume_nl: u32,
    pub duration_us: u64,
}

impl Programme {
    pub fn bolus(volume_nl: u32, duration_ms: u32) -> Self {
        Self { kind: DoseKind::Bolus, volume_nl, duration_us: u64::from(duration_ms).saturating_mul(1_000) }
    }

    pub fn priming(volume_nl: u32) -> Self {
        const US_PER_NL: u64 = US_PER_HOUR / PRIMING_RATE_NL_H as u64;
        Self { kind: DoseKind::Priming, volume_nl, duration_us: u64::from(volume_nl).saturating_mul(US_PER_NL) }
    }
}

/// Whether `volume` over `duration` on top of `basal` stays within `limit`; by products, so that no quotient is rounded.
pub fn rate_within(volume_nl: u32, duration_ms: u64, basal_nl_h: u32, limit_nl_h: u64) -> bool {
    let dose = u64::from(volume_nl).saturating_mul(MS_PER_HOUR);
    let basal = u64::from(basal_nl_h).saturating_mul(duration_ms);
    dose.saturating_add(basal) <= limit_nl_h.saturating_mul(duration_ms)
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
}

impl Dose {
    fn start(programme: Programme, now: Micros, stroke: &Stroke) -> Self {
        let strokes = programme.volume_nl.div_ceil(stroke.volume_nl.get());
        Self { programme, started: now, strokes, begun: 0, left_nl: programme.volume_nl, due: (strokes > 0).then_some(now) }
    }

    pub const fn programme(&self) -> Programme {
        self.programme
    }

    /// Not yet begun.
    pub const fn left_nl(&self) -> u32 {
        self.left_nl
    }

    fn take(&mut self, stroke: &Stroke) -> u32 {
        let volume = self.left_nl.min(stroke.volume_nl.get());
        self.left_nl = self.left_nl.saturating_sub(volume);
        self.begun = self.begun.saturating_add(1);
        let offset = u64::from(self.begun).saturating_mul(self.programme.duration_us).checked_div(u64::from(self.strokes));
        self.due = offset.filter(|_| self.left_nl > 0).map(|offset| self.started.plus(offset));
        volume
    }
}

/// What runs, and the one pump head that it shares.
#[derive(Debug, Clone, Default)]
pub struct Delivery {
    basal: Option<Basal>,
    dose: Option<Dose>,
    /// Started together with a priming, which it waits for.
    basal_after_priming: Option<u32>,
    /// End of the stroke in progress.
    stroke_end: Option<Micros>,
}

impl Delivery {
    pub fn state(&self) -> State {
        match (&self.dose, &self.basal) {
            (Some(Dose { programme: Programme { kind: DoseKind::Priming, .. }, .. }), _) => State::Priming,
            (Some(_), _) => State::Bolus,
            (None, Some(_)) => State::Infusing,
            (None, None) => State::Stopped,
        }
    }

    pub const fn stroke_in_progress(&self) -> bool {
        self.stroke_end.is_some()
    }

    pub fn start_dose(&mut self, programme: Programme, now: Micros, stroke: &Stroke) {
        self.dose = Some(Dose::start(programme, now, stroke));
    }

    /// A new rate, or the first one. A priming is finished first: drug at the basal rate is wanted behind the tip, not in front of it.
    pub fn start_basal(&mut self, rate_nl_h: u32, now: Micros, stroke: &Stroke) {
        if self.state() == State::Priming {
            self.basal_after_priming = Some(rate_nl_h);
            return;
        }
        match &mut self.basal {
            Some(basal) => basal.change_rate(rate_nl_h, now, stroke),
            None => self.basal = Some(Basal::start(rate_nl_h, now, stroke)),
        }
    }

    pub const fn dose(&self) -> Option<&Dose> {
        self.dose.as_ref()
    }

    /// In force, or waiting for the end of a priming.
    pub fn basal_nl_h(&self) -> Option<u32> {
        self.basal.as_ref().map(Basal::rate_nl_h).or(self.basal_after_priming)
    }

    /// The end of the stroke in progress, or the next stroke that is due.
    pub fn due(&self) -> Option<Micros> {
        self.stroke_end.or_else(|| earlier(self.dose.as_ref().and_then(|dose| dose.due), self.basal.as_ref().map(|basal| basal.due)))
    }

    /// Ends the stroke in progress if its time has come.
    pub fn end_stroke(&mut self, now: Micros) -> bool {
        self.stroke_end.take_if(|end| *end <= now).is_some()
    }

    /// Begins a stroke if one is due and the pump head is free, and returns its volume. Of two the dose's goes first, as it must end in its time.
    pub fn begin_stroke(&mut self, now: Micros, stroke: &Stroke) -> Option<u32> {
        if self.stroke_end.is_some() {
            return None;
        }
        let volume = match (&mut self.dose, &mut self.basal) {
            (Some(dose), _) if dose.due.is_some_and(|due| due <= now) => dose.take(stroke),
            (_, Some(basal)) if basal.due <= now => basal.take(now, stroke),
            _ => return None,
        };
        self.stroke_end = Some(now.plus(u64::from(stroke.duration_of(volume))));
        Some(volume)
    }

    /// The dose if all of it has gone out; a basal rate that waited for it begins.
    pub fn take_finished_dose(&mut self, now: Micros, stroke: &Stroke) -> Option<Dose> {
        let finished = self.dose.take_if(|dose| dose.left_nl == 0)?;
        if let Some(rate) = self.basal_after_priming.take() {
            self.start_basal(rate, now, stroke);
        }
        Some(finished)
    }

    /// Nothing more is due; a stroke in progress goes on to its end.
    pub fn cancel(&mut self) -> Option<Dose> {
        self.basal = None;
        self.basal_after_priming = None;
        self.dose.take()
    }

    /// The stroke in progress is no more; whether there was one.
    pub fn abort_stroke(&mut self) -> bool {
        self.stroke_end.take().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_basal_rate_does_not_drift() {
        // 20,833 nL/h divides neither a stroke nor an hour: after 20,833 strokes of 1 µL exactly 1000 h must have passed.
        let stroke = Stroke::default();
        let mut basal = Basal::start(20_833, Micros(5), &stroke);
        for _ in 0..20_832 {
            let due = basal.due;
            basal.take(due, &stroke);
        }
        assert_eq!(basal.due, Micros(5 + 1_000 * US_PER_HOUR));
    }

    #[test]
    fn a_change_of_rate_keeps_what_has_come_together() {
        let stroke = Stroke::default();
        let mut basal = Basal::start(20_000, Micros::ZERO, &stroke);
        assert_eq!(basal.due, Micros(180_000_000));
        basal.change_rate(40_000, Micros(90_000_000), &stroke);
        assert_eq!(basal.due, Micros(135_000_000));
    }

    #[test]
    fn a_basal_rate_that_was_held_up_owes_one_stroke_at_the_most() {
        let stroke = Stroke::default();
        let mut basal = Basal::start(1_000_000, Micros::ZERO, &stroke);
        let late = Micros(US_PER_HOUR);
        basal.take(late, &stroke);
        assert_eq!(basal.due, late);
        basal.take(late, &stroke);
        assert_eq!(basal.due, late.plus(3_600_000));
    }

    #[test]
    fn rates_are_compared_without_rounding() {
        assert!(rate_within(220_000, 120_000, 0, 6_600_000));
        assert!(!rate_within(220_001, 120_000, 0, 6_600_000));
        assert!(rate_within(200_000, 120_000, 1_200_000, 7_200_000));
        assert!(!rate_within(200_000, 120_000, 1_200_001, 7_200_000));
        assert!(!rate_within(1, 0, 0, 7_200_000));
    }
}
