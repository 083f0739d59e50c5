//! The basal delivery: a rate that never drifts, and what it follows.

use pump_link::Mode;

use crate::clock::Clock;
use crate::config::Stroke;
use crate::prescription::{Microdose, us};
use crate::schedule::Schedule;
use crate::time::Micros;

pub const US_PER_HOUR: u64 = 3_600_000_000;
const MS_PER_HOUR: u64 = 3_600_000;

/// A basal rate in force. Volume accumulates with time; a stroke is due each time that a stroke's volume has come together, first one period after the start.
#[derive(Debug, Clone)]
pub struct Basal {
    rate_nl_h: u32,
    /// Accumulated at `since`, in nL·µs/h: no division, so no rounding and no drift.
    accumulated: u64,
    since: Micros,
    /// Never at a rate of 0 with nothing owed.
    due: Option<Micros>,
}

impl Basal {
    pub fn start(rate_nl_h: u32, now: Micros, stroke: &Stroke) -> Self {
        let mut basal = Self { rate_nl_h, accumulated: 0, since: now, due: None };
        basal.due = basal.next_due(stroke);
        basal
    }

    pub const fn due(&self) -> Option<Micros> {
        self.due
    }

    /// A new rate from now on; what has come together under the old one is kept.
    pub fn change_rate(&mut self, rate_nl_h: u32, now: Micros, stroke: &Stroke) {
        self.accumulate(now);
        self.rate_nl_h = rate_nl_h;
        self.due = self.next_due(stroke);
    }

    /// A stroke is begun now. Never owes more than one further stroke: a pump that was held up does not hurry to catch up.
    pub fn take(&mut self, now: Micros, stroke: &Stroke) -> u32 {
        self.accumulate(now);
        self.accumulated = self.accumulated.saturating_sub(whole(stroke)).min(whole(stroke));
        self.due = self.next_due(stroke);
        stroke.volume_nl.get()
    }

    /// No stroke before this time, and then one: what is missed meanwhile is not made up for.
    pub fn hold(&mut self, until: Micros, stroke: &Stroke) {
        (self.accumulated, self.since, self.due) = (whole(stroke), until, Some(until));
    }

    fn accumulate(&mut self, now: Micros) {
        self.accumulated = self.accumulated.saturating_add(u64::from(self.rate_nl_h).saturating_mul(now.since(self.since)));
        self.since = now;
    }

    fn next_due(&self, stroke: &Stroke) -> Option<Micros> {
        let missing = whole(stroke).saturating_sub(self.accumulated);
        if missing == 0 {
            return Some(self.since);
        }
        let wait = missing.div_ceil(u64::from(self.rate_nl_h.max(1)));
        (self.rate_nl_h > 0).then(|| self.since.plus(wait))
    }
}

/// A stroke's volume in the unit of `accumulated`.
fn whole(stroke: &Stroke) -> u64 {
    u64::from(stroke.volume_nl.get()).saturating_mul(US_PER_HOUR)
}

/// Whether `volume` over `duration` on top of `basal` stays within `limit`; by products, so that no quotient is rounded.
pub fn rate_within(volume_nl: u32, duration_ms: u64, basal_nl_h: u32, limit_nl_h: u64) -> bool {
    let dose = u64::from(volume_nl).saturating_mul(MS_PER_HOUR);
    let basal = u64::from(basal_nl_h).saturating_mul(duration_ms);
    dose.saturating_add(basal) <= limit_nl_h.saturating_mul(duration_ms)
}

/// What a basal delivery follows.
#[allow(clippy::large_enum_variant, reason = "there is one of it, and no heap to put a schedule on")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Basis {
    /// Continuous, or the minimum.
    Rate {
        mode: Mode,
        rate_nl_h: u32,
    },
    Schedule(Schedule),
    Microdose(Microdose),
}

impl Basis {
    pub const fn mode(&self) -> Mode {
        match self {
            Self::Rate { mode, .. } => *mode,
            Self::Schedule(_) => Mode::Schedule,
            Self::Microdose(_) => Mode::Microdose,
        }
    }

    /// The rate of the moment; of microdoses their mean.
    pub fn rate_nl_h(&self, clock: Clock, now: Micros) -> u32 {
        match self {
            Self::Rate { rate_nl_h, .. } => *rate_nl_h,
            Self::Schedule(schedule) => clock.week_us(now).map_or(0, |week_us| schedule.rate_at(week_us)),
            Self::Microdose(dose) => {
                let mean = u64::from(dose.volume_nl).saturating_mul(US_PER_HOUR).checked_div(us(dose.every_s));
                mean.and_then(|mean| u32::try_from(mean).ok()).unwrap_or(0)
            }
        }
    }

    /// The highest rate beside which a bolus must go out. Microdoses wait for it.
    pub fn peak_nl_h(&self) -> u32 {
        match self {
            Self::Rate { rate_nl_h, .. } => *rate_nl_h,
            Self::Schedule(schedule) => schedule.peak_nl_h(),
            Self::Microdose(_) => 0,
        }
    }

    /// All that it delivers from now on for so long, rounded up; without what has fallen due before.
    pub fn volume_in(&self, length_us: u64, clock: Clock, now: Micros, stroke_nl: u32) -> u64 {
        match self {
            Self::Rate { rate_nl_h, .. } => u64::from(*rate_nl_h).saturating_mul(length_us).div_ceil(US_PER_HOUR),
            Self::Schedule(schedule) => schedule.begins_in(clock.week_us(now).unwrap_or(0), length_us, stroke_nl),
            Self::Microdose(dose) => {
                let doses = length_us.saturating_add(us(dose.every_s).saturating_sub(1)).checked_div(us(dose.every_s)).unwrap_or(0);
                u64::from(dose.volume_nl).saturating_mul(doses)
            }
        }
    }

    /// How long it delivers from this volume; `None` for ever.
    pub fn time_for(&self, volume_nl: u32, clock: Clock, now: Micros) -> Option<u64> {
        let volume = u64::from(volume_nl);
        match self {
            Self::Rate { rate_nl_h, .. } => volume.saturating_mul(US_PER_HOUR).checked_div(u64::from(*rate_nl_h)),
            Self::Schedule(schedule) => schedule.time_for(clock.week_us(now).unwrap_or(0), volume),
            Self::Microdose(dose) => volume.checked_div(u64::from(dose.volume_nl)).map(|doses| doses.saturating_mul(us(dose.every_s))),
        }
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
            let due = basal.due.unwrap();
            basal.take(due, &stroke);
        }
        assert_eq!(basal.due, Some(Micros(5 + 1_000 * US_PER_HOUR)));
    }

    #[test]
    fn a_change_of_rate_keeps_what_has_come_together() {
        let stroke = Stroke::default();
        let mut basal = Basal::start(20_000, Micros::ZERO, &stroke);
        assert_eq!(basal.due, Some(Micros(180_000_000)));
        basal.change_rate(40_000, Micros(90_000_000), &stroke);
        assert_eq!(basal.due, Some(Micros(135_000_000)));
    }

    #[test]
    fn at_no_rate_nothing_is_due_but_what_is_owed() {
        let stroke = Stroke::default();
        let mut basal = Basal::start(0, Micros::ZERO, &stroke);
        assert_eq!(basal.due, None);
        basal.change_rate(20_000, Micros(5), &stroke);
        basal.change_rate(0, Micros(90_000_005), &stroke);
        assert_eq!(basal.due, None);
        basal.change_rate(20_000, Micros(500_000_000), &stroke);
        assert_eq!(basal.due, Some(Micros(590_000_000)));
        basal.change_rate(0, Micros(590_000_000), &stroke);
        assert_eq!(basal.due, Some(Micros(590_000_000)));
    }

    #[test]
    fn a_basal_rate_that_was_held_up_owes_one_stroke_at_the_most() {
        let stroke = Stroke::default();
        let mut basal = Basal::start(1_000_000, Micros::ZERO, &stroke);
        let late = Micros(US_PER_HOUR);
        basal.take(late, &stroke);
        assert_eq!(basal.due, Some(late));
        basal.take(late, &stroke);
        assert_eq!(basal.due, Some(late.plus(3_600_000)));
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
