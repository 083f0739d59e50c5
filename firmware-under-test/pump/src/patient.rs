//! What the patient may ask for: the button, the lockouts, and what became of each request.

use heapless::Deque;
use pump_link::{Alarm, LogCode, Refusal, State};

use crate::config::Config;
use crate::dose::{DoseKind, Programme};
use crate::machine::{Machine, Out};
use crate::prescription::{PatientRule, us};
use crate::recall::Answer;
use crate::rules::ACTIVATIONS_MAX;
use crate::time::Micros;

#[derive(Debug, Clone, Default)]
pub struct Patient {
    /// The end of the initial lockout.
    not_before: Micros,
    /// When each of the last boluses was started.
    started: Deque<Micros, { ACTIVATIONS_MAX as usize }>,
    pub button: Button,
}

impl Patient {
    /// Nobody knows how long the power was off: the boluses before count as of just now, and the lockout begins anew.
    pub fn restored(activations: u16, first_after_s: u32) -> Self {
        let mut patient = Self { not_before: Micros(us(first_after_s)), ..Self::default() };
        for _ in 0..activations {
            // More than were stored would be more than are remembered.
            let _ = patient.started.push_back(Micros::ZERO);
        }
        patient
    }

    /// The initial lockout begins: the rule is new, or there is new drug.
    pub fn begin_lockout(&mut self, rule: PatientRule, now: Micros) {
        self.not_before = now.plus(us(rule.first_after_s));
    }

    pub fn locked_until(&self, rule: PatientRule) -> Micros {
        let last = self.started.back().map_or(Micros::ZERO, |last| last.plus(us(rule.lockout_s)));
        self.not_before.max(last)
    }

    /// In the period that ends now.
    pub fn activations(&self, rule: PatientRule, now: Micros) -> u16 {
        let recent = self.started.iter().filter(|at| at.plus(us(rule.period_s)) > now).count();
        u16::try_from(recent).unwrap_or(u16::MAX)
    }

    /// To be stored: those of the period that is in force, or those that may be of a later rule's.
    pub fn remembered(&self, rule: Option<PatientRule>, longest_period_s: u32, now: Micros) -> u16 {
        self.activations(rule.unwrap_or(PatientRule { period_s: longest_period_s, ..PatientRule::default() }), now)
    }

    /// Left of the initial lockout, in whole seconds rounded up.
    pub fn first_after_s(&self, now: Micros) -> u32 {
        u32::try_from(self.not_before.since(now).div_ceil(1_000_000)).unwrap_or(u32::MAX)
    }

    fn start(&mut self, now: Micros) {
        if self.started.is_full() {
            self.started.pop_front();
        }
        // There is room now.
        let _ = self.started.push_back(now);
    }
}

/// A contact that bounces. One press is one request, however long it lasts.
#[derive(Debug, Clone, Default)]
pub struct Button {
    pressed: bool,
    since: Micros,
    /// The press that goes on has been taken, or was no press.
    taken: bool,
}

impl Button {
    /// At an edge.
    pub fn edge(&mut self, pressed: bool, now: Micros, config: &Config) {
        if pressed == self.pressed {
            return;
        }
        // A release shorter than a press must last belongs to the press before.
        if pressed && now.since(self.since) >= config.rules.button_us {
            self.taken = false;
        }
        self.pressed = pressed;
        self.since = now;
    }

    /// When it counts as pressed.
    pub fn due(&self, config: &Config) -> Option<Micros> {
        (self.pressed && !self.taken).then(|| self.since.plus(config.rules.button_us))
    }

    pub fn take(&mut self) {
        self.taken = true;
    }
}

impl Machine {
    pub(crate) fn on_button(&mut self, now: Micros, pressed: bool) {
        self.therapy.patient.button.edge(pressed, now, &self.config);
    }

    /// The button has been down for long enough.
    pub(crate) fn button_pressed(&mut self, now: Micros, out: Out<'_>) {
        self.therapy.patient.button.take();
        // The patient hears of it by what follows, and the log tells the rest.
        let _ = self.patient_bolus(now, out);
    }

    /// The patient asks, by button or programmer.
    pub(crate) fn patient_bolus(&mut self, now: Micros, out: Out<'_>) -> Answer {
        match self.admit_patient(now) {
            Ok(rule) => {
                self.therapy.patient.start(now);
                self.note(now, LogCode::PatientBolusStarted, rule.volume_nl);
                let programme = Programme::new(DoseKind::Patient, rule.volume_nl, rule.duration_ms);
                self.delivery.start_dose(programme, now, &self.config.stroke);
                self.set_state(self.delivery.state(), now, out);
                Ok(())
            }
            Err(refusal) => {
                self.note(now, LogCode::PatientBolusDenied, u32::from(refusal.code()));
                let in_number = self.therapy.prescription().patient.is_some_and(|rule| self.is_used_up(rule, now));
                if refusal == Refusal::LimitReached && !in_number {
                    self.raise_anew(Alarm::DoseLimit, now, out);
                }
                Err(refusal)
            }
        }
    }

    /// The bolus that the patient may have now.
    fn admit_patient(&self, now: Micros) -> Result<PatientRule, Refusal> {
        match self.state {
            State::SelfTest => return Err(Refusal::SelfTestRunning),
            State::Halted => return Err(Refusal::AlarmLatched),
            State::Infusing | State::Bolus | State::PatientBolus if !self.stopping => {}
            _ => return Err(Refusal::OutOfOrder),
        }
        let rule = self.therapy.prescription().patient.ok_or(Refusal::NothingProgrammed)?;
        if self.therapy.patient.locked_until(rule) > now {
            return Err(Refusal::LockedOut);
        }
        if self.delivery.doses().get(DoseKind::Patient).is_some() {
            return Err(Refusal::AlreadyRunning);
        }
        if self.is_used_up(rule, now) || !self.fits_limit(rule.volume_nl, self.delivery.basis(), false, now) {
            return Err(Refusal::LimitReached);
        }
        if self.reservoir_nl < self.config.empty_nl.saturating_add(rule.volume_nl) {
            return Err(Refusal::ReservoirTooLow);
        }
        Ok(rule)
    }

    fn is_used_up(&self, rule: PatientRule, now: Micros) -> bool {
        self.therapy.patient.activations(rule, now) >= rule.activations
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Edges in ms and whether the contact is closed then; when requests come.
    fn presses(edges: &[(u64, bool)]) -> Vec<u64> {
        let config = Config::default();
        let mut button = Button { since: Micros::ZERO, ..Button::default() };
        let mut requests = Vec::new();
        for (at, pressed) in edges.iter().copied().chain([(u64::MAX / 1_000, false)]) {
            let at = Micros(at * 1_000);
            if let Some(due) = button.due(&config).filter(|due| *due <= at) {
                requests.push(due.0 / 1_000);
                button.take();
            }
            button.edge(pressed, at, &config);
        }
        requests
    }

    use std::vec::Vec;

    #[test]
    fn a_press_is_one_request_however_it_bounces() {
        for (edges, requests) in [
            (&[(100, true), (400, false)][..], &[150][..]),
            (&[(100, true), (149, false)], &[]),
            (&[(100, true), (150, false)], &[150]),
            (&[(100, true), (103, false), (105, true), (109, false), (112, true), (412, false), (414, true), (415, false)], &[162]),
            (&[(100, true), (110, false), (150, true), (170, false), (210, true), (230, false)], &[]),
            (&[(100, true), (10_000, false)], &[150]),
            (&[(100, true), (200, false), (249, true), (400, false)], &[150]),
            (&[(100, true), (200, false), (250, true), (400, false)], &[150, 300]),
            (&[(100, true), (120, true), (200, false)], &[150]),
        ] {
            assert_eq!(presses(edges), requests, "{edges:?}");
        }
    }
}
