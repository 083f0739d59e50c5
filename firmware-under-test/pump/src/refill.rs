//! The refill: in one step as told, or as a session from the needle's going in to what came out and what went in.

use pump_link::{Alarm, LogCode, Refusal, State};

use crate::machine::{Machine, Out};
use crate::ranges;
use crate::recall::Answer;
use crate::time::Micros;

impl Machine {
    /// What the reservoir now holds.
    pub(crate) fn refill(&mut self, volume_nl: u32, now: Micros, out: Out<'_>) -> Answer {
        if volume_nl > self.config.reservoir.capacity_nl() {
            return Err(Refusal::VolumeOutOfRange);
        }
        self.reservoir_nl = volume_nl;
        self.note(now, LogCode::Refilled, volume_nl);
        if volume_nl >= self.config.low_nl {
            self.clear(Alarm::LowReservoir, now, out);
        }
        self.warn_if_low(now, out);
        self.release_empty(now, out);
        self.begin_patient_lockout(now);
        Ok(())
    }

    /// Delivery ends after the stroke in progress, whose volume is already taken from the account. Again within a session: what is expected is
    /// the same.
    pub(crate) fn begin_refill(&mut self, now: Micros, out: Out<'_>) {
        self.therapy.kept.expected_nl = Some(self.reservoir_nl);
        self.note(now, LogCode::RefillBegun, self.reservoir_nl);
        self.stop(now, out);
    }

    /// What came out, what went in, and of which concentration (0: as before). The account is what was filled in, whatever was expected.
    pub(crate) fn end_refill(&mut self, withdrawn_nl: u32, filled_nl: u32, ng_per_ul: u32, now: Micros, out: Out<'_>) -> Answer {
        let expected = self.therapy.kept.expected_nl.ok_or(Refusal::NoRefillSession)?;
        if withdrawn_nl > self.config.reservoir.capacity_nl() {
            return Err(Refusal::VolumeOutOfRange);
        }
        if ng_per_ul > 0 {
            ranges::concentration(ng_per_ul, &self.config)?;
        }
        self.refill(filled_nl, now, out)?;
        self.therapy.kept.expected_nl = None;
        self.note(now, LogCode::Withdrawn, withdrawn_nl);
        if self.is_discrepant(expected, withdrawn_nl) {
            self.raise(Alarm::RefillDiscrepancy, now, out);
        } else {
            self.clear(Alarm::RefillDiscrepancy, now, out);
        }
        if ng_per_ul > 0 && ng_per_ul != self.therapy.prescription().ng_per_ul {
            self.note(now, LogCode::ConcentrationProgrammed, ng_per_ul);
            // What is put aside was meant for the drug before, and nobody has confirmed it for this one.
            self.discard(now);
            self.drop_volumes_of_old_drug(false, false, false);
            self.change_concentration(ng_per_ul, now, out);
        }
        Ok(())
    }

    /// By products, so that no quotient is rounded.
    fn is_discrepant(&self, expected_nl: u32, withdrawn_nl: u32) -> bool {
        let rules = &self.config.rules;
        let difference = expected_nl.abs_diff(withdrawn_nl);
        let percents = u64::from(difference).saturating_mul(100);
        percents > u64::from(expected_nl).saturating_mul(u64::from(rules.discrepancy_percent)) && difference > rules.discrepancy_min_nl
    }

    /// There is new drug: the patient waits as after a new rule.
    fn begin_patient_lockout(&mut self, now: Micros) {
        if let Some(rule) = self.therapy.prescription().patient {
            self.therapy.patient.begin_lockout(rule, now);
        }
    }

    /// The empty alarm is latched until it was acknowledged and there is drug again, in either order.
    pub(crate) fn release_empty(&mut self, now: Micros, out: Out<'_>) {
        let empty = Alarm::EmptyReservoir;
        if self.alarms.acknowledged.contains(empty) && self.reservoir_nl >= self.config.empty_nl {
            self.clear(empty, now, out);
        }
        self.release(now, out);
    }

    pub(crate) fn stop(&mut self, now: Micros, out: Out<'_>) {
        if self.running() && !self.stopping {
            self.stop_after_stroke(now, out);
        }
    }

    /// Also while the last stroke is in progress.
    pub(crate) fn running(&self) -> bool {
        matches!(self.state, State::Infusing | State::Bolus | State::Priming | State::PatientBolus | State::Bridge)
    }
}
