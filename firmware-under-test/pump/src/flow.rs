//! Each stroke passes here: it begins if the rolling limit lets it, and the therapy remembers it.

use pump_link::{Alarm, LogCode, State};

use crate::basal::Basis;
use crate::delivery::Due;
use crate::dose::DoseKind;
use crate::machine::{Machine, Out};
use crate::prescription::LimitRule;
use crate::time::{Micros, earlier};

impl Machine {
    /// Whether a bolus of this volume may be given: with the boluses of the period before, what is under way, and the basal delivery of a
    /// whole further period, and with all that has flowed. Counting only what has flowed would let a basal rate that stood still pass the limit
    /// later: SOURCES §3.3. The doses of steps that have fallen due are basal delivery, unless they end with their mode.
    pub(crate) fn fits_limit(&self, volume_nl: u32, basis: Option<&Basis>, steps_end: bool, now: Micros) -> bool {
        let Some(rule) = self.therapy.prescription().limit else { return true };
        let (used, boluses) = self.therapy.begun.used(now, rule);
        let doses = self.delivery.doses().iter().filter(|dose| !dose.programme().kind.is_basal());
        let under_way = doses.fold(0_u64, |left, dose| left.saturating_add(u64::from(dose.left_nl())));
        let asked = under_way.saturating_add(u64::from(volume_nl));
        let (steps, steps_us) = if steps_end { (0, 0) } else { self.delivery.doses().steps_left() };
        let stroke_nl = self.config.stroke.volume_nl.get();
        let basal = basis.map_or(0, |basis| basis.volume_in(rule.period_us(), self.therapy.clock, now, stroke_nl));
        let later = u64::from(boluses).saturating_add(asked).saturating_add(basal).saturating_add(steps);
        // When they are through, a part of what flowed before them is in no period with their end.
        let (still, _) = self.therapy.begun.used(now.plus(steps_us), rule);
        let then = u64::from(still).saturating_add(asked).saturating_add(steps);
        later.max(then).max(u64::from(used).saturating_add(asked)) <= u64::from(rule.volume_nl)
    }

    /// A stroke is due, and the head is free.
    pub(crate) fn begin_or_hold(&mut self, due: Due, now: Micros, out: Out<'_>) {
        if let Some(rule) = self.therapy.prescription().limit {
            if !self.therapy.begun.allows(due.volume_nl, now, rule) {
                self.hold(due, rule, now, out);
                return;
            }
            self.therapy.begun.record(due.volume_nl, due.is_bolus(), now, rule, self.config.stroke.volume_nl.get());
        }
        self.delivery.begin_stroke(due, now, &self.config.stroke);
        if due.dose == Some(DoseKind::Bridge) {
            let left = &mut self.therapy.kept.bridge_left_nl;
            *left = left.saturating_sub(due.volume_nl);
            if *left == 0 {
                self.therapy.kept.prescription.bridge = None;
            }
        }
        if due.dose.is_none() && !core::mem::take(&mut self.therapy.held) {
            self.release_limit(now, out);
        }
        self.stroke_begun(due.volume_nl, out);
    }

    /// The limit is reached: the basal rate waits until there is room, a dose is cut off.
    fn hold(&mut self, due: Due, rule: LimitRule, now: Micros, out: Out<'_>) {
        match due.dose {
            None => {
                let room = self.therapy.begun.room_at(due.volume_nl, now, rule);
                self.delivery.hold_basal(room, &self.config.stroke);
                self.therapy.held = true;
            }
            Some(kind) => {
                if let Some(dose) = self.delivery.cut(kind, self.therapy.clock, now, &self.config.stroke) {
                    self.note_dose_end(&dose, now);
                }
                self.settle_state(now, out);
            }
        }
        self.raise(Alarm::DoseLimit, now, out);
    }

    /// Who knows of the limit need not be told on, once nothing waits for it.
    pub(crate) fn release_limit(&mut self, now: Micros, out: Out<'_>) {
        if !self.therapy.held && self.alarms.acknowledged.contains(Alarm::DoseLimit) {
            self.clear(Alarm::DoseLimit, now, out);
        }
    }

    /// The limit may be another one: a basal rate that waits tries at once whether there is room under it.
    pub(crate) fn look_for_room(&mut self, now: Micros) {
        if self.therapy.held {
            self.delivery.hold_basal(now, &self.config.stroke);
        }
    }

    /// The state of what still runs, or of rest.
    pub(crate) fn settle_state(&mut self, now: Micros, out: Out<'_>) {
        match self.delivery.state() {
            State::Stopped => self.come_to_rest(now, out),
            state => self.set_state(state, now, out),
        }
    }

    /// The turn of a schedule or of a microdose, if it is due.
    pub(crate) fn take_turn(&mut self, now: Micros, out: Out<'_>) -> bool {
        let Some(turn) = self.delivery.take_turn(self.therapy.clock, now, &self.config.stroke) else { return false };
        if let Some(dropped) = turn.dropped {
            self.note(now, LogCode::DoseCut, dropped.volume_nl);
        }
        self.set_state(self.delivery.state(), now, out);
        true
    }

    /// A programme that is forgotten, or a button that counts as pressed.
    pub(crate) fn therapy_due(&self) -> Option<Micros> {
        earlier(self.therapy.forgotten_at(&self.config), self.therapy.patient.button.due(&self.config))
    }

    pub(crate) fn advance_therapy(&mut self, now: Micros, out: Out<'_>) {
        if self.therapy.patient.button.due(&self.config).is_some_and(|due| due <= now) {
            self.button_pressed(now, out);
        } else {
            self.discard(now);
        }
    }
}
