//! What runs: the basal delivery and the doses, sharing one pump head, and which stroke is due.

use pump_link::{Mode, State};

use crate::basal::{Basal, Basis};
use crate::clock::Clock;
use crate::config::Stroke;
use crate::dose::{Dose, DoseKind, Doses, Programme};
use crate::prescription::us;
use crate::time::{Micros, earlier};

/// A stroke that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    pub volume_nl: u32,
    /// Of which dose; `None` is of the basal rate.
    pub dose: Option<DoseKind>,
}

impl Due {
    /// On top of the basal mode.
    pub fn is_bolus(self) -> bool {
        self.dose.is_some_and(|kind| !kind.is_basal())
    }
}

/// A turn of the basal mode that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// The dose of a step that can't wait behind so many.
    pub dropped: Option<Programme>,
}

/// What runs, and the one pump head that it shares.
#[derive(Debug, Clone, Default)]
pub struct Delivery {
    basis: Option<Basis>,
    basal: Option<Basal>,
    /// When the schedule may change, or the next microdose begins.
    turn: Option<Micros>,
    doses: Doses,
    /// Started together with a priming or a bridge, which it waits for.
    waiting: Option<Basis>,
    /// End of the stroke in progress.
    stroke_end: Option<Micros>,
}

impl Delivery {
    pub fn state(&self) -> State {
        let basal = if self.basis.is_some() { State::Infusing } else { State::Stopped };
        self.doses.state().unwrap_or(basal)
    }

    pub const fn stroke_in_progress(&self) -> bool {
        self.stroke_end.is_some()
    }

    pub const fn doses(&self) -> &Doses {
        &self.doses
    }

    pub fn start_dose(&mut self, programme: Programme, now: Micros, stroke: &Stroke) {
        self.doses.start(programme, now, stroke);
    }

    /// A new basal mode, or the first one; what has come together under the one before is kept. A priming or bridge is finished first.
    pub fn start_basal(&mut self, basis: Basis, clock: Clock, now: Micros, stroke: &Stroke) {
        if self.doses.iter().any(|dose| dose.programme().kind.holds_basal()) {
            self.waiting = Some(basis);
            return;
        }
        if let Basis::Microdose(_) = basis {
            (self.basis, self.basal, self.turn) = (Some(basis), None, Some(now));
        } else {
            self.change_rate(basis.rate_nl_h(clock, now), now, stroke);
            self.basis = Some(basis);
            self.plan_turn(clock, now);
        }
    }

    /// The doses of the basal mode end with it; what was left of them. A stroke in progress goes on to its end.
    pub fn end_basal_doses(&mut self, now: Micros) -> Doses {
        self.doses.take_basal(now)
    }

    /// The clock was set: a schedule goes on where it now is.
    pub fn clock_set(&mut self, clock: Clock, now: Micros, stroke: &Stroke) {
        if let Some(basis @ Basis::Schedule(_)) = &self.basis {
            let rate = basis.rate_nl_h(clock, now);
            self.change_rate(rate, now, stroke);
            self.plan_turn(clock, now);
        }
    }

    /// Not yet begun of the bolus, priming or bridge that has the head.
    pub fn bolus_left_nl(&self) -> u32 {
        self.doses.first().filter(|dose| dose.programme().kind != DoseKind::Microdose).map_or(0, Dose::left_nl)
    }

    /// In force, or waiting for the end of a priming or bridge.
    pub fn basis(&self) -> Option<&Basis> {
        self.basis.as_ref().or(self.waiting.as_ref())
    }

    pub fn mode(&self) -> Mode {
        self.basis().map_or(Mode::None, Basis::mode)
    }

    /// The rate of the moment.
    pub fn basal_nl_h(&self, clock: Clock, now: Micros) -> Option<u32> {
        self.basis().map(|basis| basis.rate_nl_h(clock, now))
    }

    /// The end of the stroke in progress, or the next stroke that is due, unless strokes wait; and the next turn of the basal mode.
    pub fn due(&self, waits: bool) -> Option<Micros> {
        let stroke = earlier(self.dose_due(), self.basal_due()).filter(|_| !waits);
        earlier(self.stroke_end.or(stroke), self.turn)
    }

    fn dose_due(&self) -> Option<Micros> {
        self.doses.first().and_then(Dose::due)
    }

    fn basal_due(&self) -> Option<Micros> {
        self.basal.as_ref().and_then(Basal::due)
    }

    /// Ends the stroke in progress if its time has come.
    pub fn end_stroke(&mut self, now: Micros) -> bool {
        self.stroke_end.take_if(|end| *end <= now).is_some()
    }

    /// Takes the turn of the basal mode that is due: a new rate, the bolus of a step, or a microdose.
    pub fn take_turn(&mut self, clock: Clock, now: Micros, stroke: &Stroke) -> Option<Turn> {
        let due = self.turn.take_if(|due| *due <= now)?;
        let programme = match &self.basis {
            Some(Basis::Schedule(schedule)) => {
                let step = clock.week_us(due).and_then(|week_us| schedule.beginning_at(week_us)).filter(|step| step.bolus_nl > 0);
                let programme = step.map(|step| Programme::new(DoseKind::Step, step.bolus_nl, step.bolus_ms));
                let rate = clock.week_us(now).map_or(0, |week_us| schedule.rate_at(week_us));
                self.change_rate(rate, now, stroke);
                programme
            }
            Some(Basis::Microdose(dose)) => {
                self.turn = Some(due);
                Some(Programme::new(DoseKind::Microdose, dose.volume_nl, dose.duration_ms))
            }
            _ => None,
        };
        self.plan_turn(clock, now);
        let mut turn = Turn { dropped: None };
        if let Some(programme) = programme {
            if programme.kind == DoseKind::Step {
                turn.dropped = (!self.doses.start_step(programme, now, stroke)).then_some(programme);
            } else if self.doses.get(programme.kind).is_none() {
                // A microdose that a bolus has held up until now takes the place of this one.
                self.doses.start(programme, now, stroke);
            }
        }
        Some(turn)
    }

    /// When the basal mode next turns, after now.
    fn plan_turn(&mut self, clock: Clock, now: Micros) {
        self.turn = match &self.basis {
            Some(Basis::Schedule(schedule)) => clock.week_us(now).map(|week_us| now.plus(schedule.until_next(week_us))),
            // From the last one's time, without drift, but never two to catch up.
            Some(Basis::Microdose(dose)) => self.turn.map(|last| {
                let next = last.plus(us(dose.every_s));
                if next > now { next } else { now.plus(us(dose.every_s)) }
            }),
            _ => None,
        };
    }

    fn change_rate(&mut self, rate_nl_h: u32, now: Micros, stroke: &Stroke) {
        match &mut self.basal {
            Some(basal) => basal.change_rate(rate_nl_h, now, stroke),
            None => self.basal = Some(Basal::start(rate_nl_h, now, stroke)),
        }
    }

    /// The stroke that is due, if the pump head is free. Of two a dose's goes first, as it must end in its time.
    pub fn due_stroke(&self, now: Micros, stroke: &Stroke) -> Option<Due> {
        let is_due = |due: Option<Micros>| due.is_some_and(|due| due <= now);
        let dose = self.doses.first().filter(|dose| is_due(dose.due()));
        match dose {
            _ if self.stroke_end.is_some() => None,
            Some(dose) => Some(Due { volume_nl: dose.stroke_nl(stroke), dose: Some(dose.programme().kind) }),
            None => is_due(self.basal_due()).then_some(Due { volume_nl: stroke.volume_nl.get(), dose: None }),
        }
    }

    /// Begins it.
    pub fn begin_stroke(&mut self, due: Due, now: Micros, stroke: &Stroke) {
        match (due.dose, &mut self.basal) {
            (Some(kind), _) => {
                self.doses.take(kind, stroke);
            }
            (None, Some(basal)) => {
                basal.take(now, stroke);
            }
            (None, None) => {}
        }
        self.stroke_end = Some(now.plus(u64::from(stroke.duration_of(due.volume_nl))));
    }

    /// The basal rate waits until then.
    pub fn hold_basal(&mut self, until: Micros, stroke: &Stroke) {
        if let Some(basal) = &mut self.basal {
            basal.hold(until, stroke);
        }
    }

    /// A dose is cut off.
    pub fn cut(&mut self, kind: DoseKind, clock: Clock, now: Micros, stroke: &Stroke) -> Option<Dose> {
        let cut = self.doses.remove(kind, now, stroke);
        self.go_on_with_basal(clock, now, stroke);
        cut
    }

    /// A dose of which all has gone out; a basal mode that waited for it begins.
    pub fn take_finished_dose(&mut self, clock: Clock, now: Micros, stroke: &Stroke) -> Option<Dose> {
        let finished = self.doses.take_finished(now, stroke)?;
        self.go_on_with_basal(clock, now, stroke);
        Some(finished)
    }

    fn go_on_with_basal(&mut self, clock: Clock, now: Micros, stroke: &Stroke) {
        if let Some(basis) = self.waiting.take() {
            self.start_basal(basis, clock, now, stroke);
        }
    }

    /// Nothing more is due; a stroke in progress goes on to its end.
    pub fn cancel(&mut self) -> Doses {
        let doses = core::mem::take(&mut self.doses);
        *self = Self { stroke_end: self.stroke_end, ..Self::default() };
        doses
    }

    /// The stroke in progress is no more; whether there was one.
    pub fn abort_stroke(&mut self) -> bool {
        self.stroke_end.take().is_some()
    }
}
