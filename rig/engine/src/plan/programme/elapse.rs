//! Time goes by in the programme: what a pump that does as it is told delivers meanwhile.

use rig_model::dut::{Alarm, PumpState};
use rig_model::scenario::Condition;
use rig_model::time::Span;

use super::Programme;

impl Programme<'_> {
    /// The most that comes in any window of this length, in µL, and all that comes in the case; or why that can't be told.
    pub fn fullest(&self, window: Span) -> Result<(f64, f64), String> {
        if let Some(why) = &self.unknown {
            return Err(why.clone());
        }
        let length = window.as_seconds();
        let ends = |at: f64| self.volume_by(at + length, true) - self.volume_by(at, false);
        let candidates = self.volume.iter().flat_map(|(at, _)| [*at, *at - length]);
        let most = candidates.map(ends).fold(0.0, f64::max);
        Ok((most, self.total()))
    }

    pub(super) fn total(&self) -> f64 {
        self.volume.last().map_or(0.0, |(_, v)| *v)
    }

    /// Volume up to an instant; `with` or without what came at that very instant.
    fn volume_by(&self, at: f64, with: bool) -> f64 {
        let after = self.volume.partition_point(|(t, _)| if with { *t <= at } else { *t < at });
        match (after.checked_sub(1).map(|i| self.volume[i]), self.volume.get(after)) {
            (None, _) => 0.0,
            (Some((_, v)), None) => v,
            (Some((t0, v0)), Some((t1, v1))) if t1 > &t0 => v0 + (v1 - v0) * (at - t0) / (t1 - t0),
            (Some((_, v)), Some(_)) => v,
        }
    }

    pub(super) fn rate(&self) -> f64 {
        self.infusing.unwrap_or(0.0) + self.dose.map_or(0.0, |d| d.rate)
    }

    pub(super) fn note_rate(&mut self) {
        self.rate_since = self.now;
        self.seen.fastest = self.seen.fastest.max(self.rate());
    }

    /// Nothing flows any more: at an alarm or without power the pump does not finish its stroke.
    pub(super) fn halt(&mut self) {
        if self.infusing.is_some() || self.dose.is_some() {
            self.seen.strokes += 1;
            self.rate_since = self.now;
        }
        // A dose that is broken off has delivered as much as its time says.
        (self.infusing, self.dose) = (None, None);
    }

    /// The scenario says that the pump is in this state now: a sound one is.
    pub(super) fn is_in(&mut self, state: PumpState) {
        match state {
            PumpState::Stopped | PumpState::Halted | PumpState::Fault | PumpState::SelfTest | PumpState::ShutDown => {
                self.halt();
                self.settled_at = self.now;
            }
            PumpState::Infusing if self.infusing.is_none() => {
                self.infusing = self.basal;
                self.note_rate();
            }
            PumpState::Infusing | PumpState::Bolus | PumpState::Priming | PumpState::PatientBolus | PumpState::Bridge => {}
        }
    }

    pub(super) fn wait_for(&mut self, what: &Condition, within: Span) {
        match what {
            Condition::State(state @ (PumpState::Stopped | PumpState::Halted)) => {
                if self.infusing.is_some() {
                    self.pass_untimed(within);
                }
                self.finish_dose();
                self.is_in(*state);
            }
            Condition::State(state) => {
                if *state == PumpState::Infusing {
                    self.finish_dose();
                }
                self.is_in(*state);
            }
            Condition::Alarm(alarm) => {
                self.pass_untimed(within);
                if *alarm != Alarm::LowReservoir {
                    self.halt();
                }
            }
            Condition::Quiet { lasts, .. } => {
                self.finish_dose();
                self.pass(lasts.as_seconds());
            }
            Condition::Volume { reaches, .. } => match self.infusing {
                Some(rate) if rate > 0.0 && self.dose.is_none() => self.pass(reaches.0 / rate * 3_600.0),
                _ => self.pass_untimed(within),
            },
            Condition::Restarted => {
                self.halt();
                self.seen.untimed += 1;
            }
            // At once, or nearly: nothing flows meanwhile that would count.
            Condition::NoAlarm | Condition::Tone(_) | Condition::NoTone(_) => {}
        }
    }

    /// It comes nobody knows when. What flows meanwhile is taken for the whole time, so that no window is fuller than it is laid out.
    fn pass_untimed(&mut self, within: Span) {
        self.seen.untimed += 1;
        if self.rate() > 0.0 {
            self.seen.unmeasured += 1;
            self.pass(within.as_seconds());
        }
    }

    pub(super) fn finish_dose(&mut self) {
        if let Some(dose) = self.dose {
            self.pass(dose.until - self.now);
        }
    }

    pub(super) fn pass(&mut self, seconds: f64) {
        let until = self.now + seconds.max(0.0);
        if self.infusing.is_some() && until > self.now {
            self.seen.strokes += 1;
        }
        while self.now < until {
            let to = self.dose.map_or(until, |d| d.until.min(until)).max(self.now);
            let volume = self.total() + self.rate() * (to - self.now) / 3_600.0;
            self.now = to;
            self.point(volume);
            if self.dose.is_some_and(|d| d.until <= to) {
                self.dose = None;
                self.rate_since = self.now;
            }
        }
    }

    /// One more point; on one straight line with the two before it, it takes the place of the last.
    fn point(&mut self, volume: f64) {
        if let [.., (t0, v0), (t1, v1)] = self.volume[..]
            && t1 > t0
            && self.now > t1
            && ((v1 - v0) * (self.now - t1) - (volume - v1) * (t1 - t0)).abs() <= 1e-9 * (t1 - t0) * (self.now - t1)
        {
            self.volume.pop();
        }
        self.volume.push((self.now, volume));
    }
}
