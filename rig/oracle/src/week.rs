//! A week's schedule of rates: which rate holds at an instant of rig time, as far as the pump's clock can be known.

use rig_model::dut::{ScheduleStep, StepBolus};
use rig_model::time::{RigTime, Span};

use crate::course::Side;

const DAY: i64 = 86_400_000_000_000;
const WEEK: i64 = 7 * DAY;

/// The pump's time of the week: set when, to what, and how well the instant is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Clock {
    /// The rig time of a Monday 0:00 of the pump.
    pub monday: i64,
    pub set: RigTime,
    pub slack: Span,
}

impl Clock {
    /// Set to this time of the week somewhere between the command and its answer.
    pub fn set(time_of_week: Span, sent: RigTime, answered: RigTime) -> Self {
        let half = (answered.0 - sent.0) / 2;
        Self { monday: sent.0 + half - time_of_week.0, set: answered, slack: Span(half + 1_000_000_000) }
    }
}

/// The steps in the order of the week. From an entry on its rate holds until the next one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Week {
    entries: Vec<Entry>,
    pub clock: Clock,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Entry {
    at: i64,
    rate: f64,
    bolus: Option<StepBolus>,
}

impl Week {
    /// A rate holds until the next step of its day, or midnight; where no step holds nothing flows.
    pub fn new(steps: &[ScheduleStep], clock: Clock) -> Self {
        let mut entries = Vec::new();
        for day in 0..7 {
            let mut today: Vec<&ScheduleStep> = steps.iter().filter(|step| step.days.0 >> day & 1 == 1).collect();
            today.sort_by_key(|step| step.from);
            let midnight = i64::from(day) * DAY;
            if today.first().is_none_or(|first| first.from > Span::ZERO) {
                entries.push(Entry { at: midnight, rate: 0.0, bolus: None });
            }
            entries.extend(today.iter().map(|step| Entry { at: midnight + step.from.0, rate: step.rate.0, bolus: step.bolus }));
        }
        Self { entries, clock }
    }

    /// By how much the pump's clock may be off at this instant.
    pub fn slack(&self, at: RigTime, skew: f64) -> i64 {
        self.clock.slack.0 + ((at.0 - self.clock.set.0).max(0) as f64 * skew) as i64
    }

    /// The greatest (or least) rate that may hold at this instant, µL/h.
    pub fn rate(&self, at: RigTime, side: Side, skew: f64) -> f64 {
        let (from, to) = self.nominal(at, skew);
        let early = (from.0 - self.clock.monday).rem_euclid(WEEK);
        let held = self.entries.iter().rev().find(|entry| entry.at <= early).or(self.entries.last());
        let mut rate = held.map_or(0.0, |entry| entry.rate);
        for entry in &self.entries {
            if (entry.at - early).rem_euclid(WEEK) <= to.0 - from.0 {
                rate = if side == Side::Upper { rate.max(entry.rate) } else { rate.min(entry.rate) };
            }
        }
        rate
    }

    /// The next instant after `at` at which what [`Self::rate`] gives may change.
    pub fn next_change(&self, at: RigTime, skew: f64) -> RigTime {
        let (from, to) = self.nominal(at, skew);
        // How far off the clock is by then counts, and not how far it is now.
        let early = |entry| self.next(entry, to);
        let late = |entry| self.next(entry, from);
        let edges = self.entries.iter().flat_map(|entry| {
            [early(entry) - self.slack(RigTime(early(entry)), skew), late(entry) + self.slack(RigTime(late(entry)), skew)]
        });
        edges.map(|edge| edge.max(at.0) + 1).min().map_or(RigTime::MAX, RigTime)
    }

    /// The instants of a clock that is not off at all, the first and the last, which the pump's clock may show at this one.
    fn nominal(&self, at: RigTime, skew: f64) -> (RigTime, RigTime) {
        let set = self.clock.set.0;
        let instant = |slack: i64, runs: f64| {
            let since = at.0 - set + slack;
            RigTime(set + if since > 0 { (since as f64 / runs) as i64 } else { since })
        };
        let slack = self.clock.slack.0;
        (instant(-slack, 1.0 + skew), instant(slack, 1.0 - skew))
    }

    /// The next step bolus whose nominal instant is after `at`.
    pub fn next_bolus(&self, at: RigTime) -> Option<(RigTime, StepBolus)> {
        let boluses = self.entries.iter().filter_map(|entry| Some((RigTime(self.next(entry, at)), entry.bolus?)));
        boluses.min_by_key(|(at, _)| *at)
    }

    /// The highest rate of the week, µL/h.
    pub fn most(&self) -> f64 {
        self.entries.iter().map(|entry| entry.rate).fold(0.0, f64::max)
    }

    /// The most of step boluses that any span of this length has a part in, µL.
    pub fn most_doses(&self, length: Span) -> f64 {
        let dose = |entry: &Entry| entry.bolus.map_or(0.0, |bolus| bolus.volume.0);
        let last = self.entries.iter().map(dose).fold(0.0, f64::max);
        let weeks = (length.0 / WEEK) as f64 * self.entries.iter().map(dose).sum::<f64>();
        let from = |first: &Entry| {
            let within = self.entries.iter().filter(|entry| (entry.at - first.at).rem_euclid(WEEK) <= length.0 % WEEK);
            within.map(dose).sum::<f64>()
        };
        weeks + last + self.entries.iter().map(from).fold(0.0, f64::max)
    }

    /// When the entry's instant comes next after this one.
    fn next(&self, entry: &Entry, at: RigTime) -> i64 {
        let phase = self.clock.monday + entry.at;
        let ahead = (phase - at.0).rem_euclid(WEEK);
        at.0 + if ahead == 0 { WEEK } else { ahead }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rig_model::dut::Days;
    use rig_model::quantity::{Flow, Volume};

    const HOUR: i64 = 3_600_000_000_000;

    fn step(days: u8, from: i64, rate: f64) -> ScheduleStep {
        ScheduleStep { days: Days(days), from: Span::hours(from), rate: Flow(rate), bolus: None }
    }

    #[test]
    fn a_step_holds_to_the_next_or_to_midnight() {
        // The clock says Tuesday 6:00 at rig time 0.
        let clock = Clock::set(Span::hours(30), RigTime(0), RigTime(0));
        let week = Week::new(&[step(0x7f, 8, 30.0), step(0x7f, 22, 10.0), step(0b11, 12, 40.0)], clock);
        let rate = |hours: f64, side| week.rate(RigTime((hours * HOUR as f64) as i64), side, 0.0);
        for (hours, expected) in
            [(0.0, 0.0), (1.99, 0.0), (2.01, 30.0), (6.01, 40.0), (15.99, 40.0), (16.01, 10.0), (17.99, 10.0), (18.01, 0.0), (30.1, 30.0)]
        {
            assert_eq!((rate(hours, Side::Upper), rate(hours, Side::Lower)), (expected, expected), "{hours} h");
        }
        assert_eq!((rate(2.0, Side::Upper), rate(2.0, Side::Lower)), (30.0, 0.0), "at the step either may hold");
        assert_eq!(week.next_change(RigTime(0), 0.0), RigTime(2 * HOUR - 1_000_000_000 + 1));
        assert_eq!(week.most(), 40.0);
    }

    #[test]
    fn a_clock_that_drifts_is_off_by_what_has_grown_by_the_step() {
        let clock = Clock { monday: 0, set: RigTime(0), slack: Span::ZERO };
        let week = Week::new(&[step(0x7f, 0, 10.0), step(0x7f, 10, 30.0)], clock);
        let (skew, sides) =
            (0.01, |hours: f64| [Side::Lower, Side::Upper].map(|side| week.rate(RigTime((hours * HOUR as f64) as i64), side, 0.01)));
        for (hours, expected) in [(9.89, [10.0, 10.0]), (9.91, [10.0, 30.0]), (10.09, [10.0, 30.0]), (10.11, [30.0, 30.0])] {
            assert_eq!(sides(hours), expected, "{hours} h");
        }
        let changes = std::iter::successors(Some(RigTime(0)), |at| Some(week.next_change(*at, skew)));
        let hours: Vec<f64> = changes.skip(1).take(2).map(|at| (at.0 as f64 / HOUR as f64 * 1e3).round() / 1e3).collect();
        assert_eq!(hours, [9.9, 10.1]);
    }

    #[test]
    fn a_step_bolus_comes_each_week_on_its_days() {
        let bolus = StepBolus { volume: Volume(20.0), over: Span::minutes(1) };
        let clock = Clock::set(Span::ZERO, RigTime(0), RigTime(0));
        let week = Week::new(&[ScheduleStep { bolus: Some(bolus), ..step(0b100_0001, 8, 5.0) }], clock);
        let times: Vec<i64> =
            std::iter::successors(week.next_bolus(RigTime(0)), |(at, _)| week.next_bolus(*at)).take(3).map(|(at, _)| at.0 / HOUR).collect();
        assert_eq!(times, [8, 6 * 24 + 8, 7 * 24 + 8]);
    }
}
