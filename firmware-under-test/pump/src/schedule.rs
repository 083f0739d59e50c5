//! A week's schedule of rates: steps by day and minute, each perhaps begun with a bolus. Times in µs of the week, from Monday 0:00.

use heapless::Vec;
use pump_link::Refusal;

use crate::basal::US_PER_HOUR;
use crate::rules::STEPS_MAX;

const US_PER_MINUTE: u64 = 60_000_000;
pub const US_PER_DAY: u64 = 24 * US_PER_HOUR;
pub const US_PER_WEEK: u64 = 7 * US_PER_DAY;
pub const MINUTES_PER_DAY: u16 = 24 * 60;
const DAYS: u64 = 7;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Step {
    /// Bit 0: Monday … bit 6: Sunday.
    pub days: u8,
    pub minute: u16,
    /// 0: nothing.
    pub rate_nl_h: u32,
    /// 0: none.
    pub bolus_nl: u32,
    pub bolus_ms: u32,
}

impl Step {
    const fn is_on(&self, day: u64) -> bool {
        day < DAYS && self.days >> day & 1 == 1
    }

    /// From midnight, in µs.
    const fn begins(&self) -> u64 {
        (self.minute as u64).saturating_mul(US_PER_MINUTE)
    }

    /// From midnight, in µs: when its bolus is over.
    const fn bolus_ends(&self) -> u64 {
        self.begins().saturating_add((self.bolus_ms as u64).saturating_mul(1_000))
    }

    /// What of its bolus is due within this time of its begin: all strokes before the end of it.
    fn bolus_begun_nl(&self, within_us: u64, stroke_nl: u32) -> u32 {
        let strokes = u64::from(self.bolus_nl.div_ceil(stroke_nl.max(1)));
        let duration_us = u64::from(self.bolus_ms).saturating_mul(1_000);
        let begun = if within_us >= duration_us { strokes } else { within_us.saturating_mul(strokes).div_ceil(duration_us) };
        u32::try_from(begun.saturating_mul(u64::from(stroke_nl))).unwrap_or(u32::MAX).min(self.bolus_nl)
    }

    /// Whether both begin at one time on some day, or the bolus of this one lasts beyond the begin of the other, on the same day or the next.
    fn collides(&self, other: &Self) -> bool {
        (0..DAYS).filter(|day| self.is_on(*day)).any(|day| {
            let tomorrow = day.saturating_add(1) % DAYS;
            let same_time = other.is_on(day) && other.minute == self.minute;
            let into_today = other.is_on(day) && other.minute > self.minute && self.bolus_ends() > other.begins();
            let into_tomorrow = other.is_on(tomorrow) && self.bolus_ends() > other.begins().saturating_add(US_PER_DAY);
            same_time || into_today || into_tomorrow
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Schedule {
    pub steps: Vec<Step, { STEPS_MAX as usize }>,
}

impl Schedule {
    /// Adds a step, at most so many in all.
    pub fn add(&mut self, step: Step, at_most: u8) -> Result<(), Refusal> {
        if self.steps.iter().any(|other| other.collides(&step) || step.collides(other)) {
            return Err(Refusal::ScheduleOverlap);
        }
        if self.steps.len() >= usize::from(at_most) {
            return Err(Refusal::ScheduleFull);
        }
        self.steps.push(step).map_err(|_| Refusal::ScheduleFull)
    }

    /// The rate that holds at this time.
    pub fn rate_at(&self, week_us: u64) -> u32 {
        let (day, time) = split(week_us);
        let begun = self.steps.iter().filter(|step| step.is_on(day) && step.begins() <= time);
        begun.max_by_key(|step| step.minute).map_or(0, |step| step.rate_nl_h)
    }

    /// From this time until something may change: the next step of the day, or midnight. Above 0.
    pub fn until_next(&self, week_us: u64) -> u64 {
        let (day, time) = split(week_us);
        let begins = self.steps.iter().filter(|step| step.is_on(day)).map(Step::begins).filter(|begins| *begins > time);
        begins.min().unwrap_or(US_PER_DAY).saturating_sub(time).max(1)
    }

    /// The step that begins at exactly this time.
    pub fn beginning_at(&self, week_us: u64) -> Option<&Step> {
        let (day, time) = split(week_us);
        self.steps.iter().find(|step| step.is_on(day) && step.begins() == time)
    }

    pub fn peak_nl_h(&self) -> u32 {
        self.steps.iter().map(|step| step.rate_nl_h).max().unwrap_or(0)
    }

    /// All that is due from this time on for so long, rates and whole boluses, rounded up to whole nL.
    pub fn volume_in(&self, week_us: u64, length_us: u64) -> u64 {
        self.volume_by(week_us, length_us, |step, _| step.bolus_nl)
    }

    /// The same, of boluses only the strokes that are due in it.
    pub fn begins_in(&self, week_us: u64, length_us: u64, stroke_nl: u32) -> u64 {
        self.volume_by(week_us, length_us, |step, left_us| step.bolus_begun_nl(left_us, stroke_nl))
    }

    /// What counts of a bolus, when so much time is left from its begin on.
    fn volume_by(&self, week_us: u64, length_us: u64, counts: impl Fn(&Step, u64) -> u32) -> u64 {
        let (mut at, mut left) = (week_us % US_PER_WEEK, length_us);
        let (mut accumulated, mut boluses) = (0_u64, 0_u64);
        // Each turn ends at a step or at midnight.
        while left > 0 {
            let span = self.until_next(at).min(left);
            accumulated = accumulated.saturating_add(u64::from(self.rate_at(at)).saturating_mul(span));
            at = at.saturating_add(span) % US_PER_WEEK;
            left = left.saturating_sub(span);
            if let Some(step) = self.beginning_at(at).filter(|_| left > 0) {
                boluses = boluses.saturating_add(u64::from(counts(step, left)));
            }
        }
        boluses.saturating_add(accumulated.div_ceil(US_PER_HOUR))
    }

    /// Whether on some day rates and boluses come to more than this rate would in a day.
    pub fn is_beyond(&self, rate_nl_h: u32) -> bool {
        let at_rate = u64::from(rate_nl_h).saturating_mul(US_PER_DAY / US_PER_HOUR);
        (0..DAYS).map(|day| day.saturating_mul(US_PER_DAY)).any(|midnight| {
            let first = self.beginning_at(midnight).map_or(0, |step| u64::from(step.bolus_nl));
            self.volume_in(midnight, US_PER_DAY).saturating_add(first) > at_rate
        })
    }

    /// How long it delivers from this volume, from this time on; `None` for ever.
    pub fn time_for(&self, week_us: u64, volume_nl: u64) -> Option<u64> {
        let weeks = volume_nl.checked_div(self.volume_in(week_us, US_PER_WEEK))?;
        let mut left = volume_nl.checked_rem(self.volume_in(week_us, US_PER_WEEK))?;
        let (mut at, mut time) = (week_us % US_PER_WEEK, weeks.saturating_mul(US_PER_WEEK));
        // Less than a week is left: fewer turns than a week's steps and midnights.
        for _ in 0..=usize::from(STEPS_MAX).saturating_add(1).saturating_mul(DAYS as usize) {
            let span = self.until_next(at);
            let rate = u64::from(self.rate_at(at));
            let volume = rate.saturating_mul(span).div_ceil(US_PER_HOUR);
            if volume > left {
                return Some(time.saturating_add(left.saturating_mul(US_PER_HOUR).checked_div(rate).unwrap_or(0)));
            }
            at = at.saturating_add(span) % US_PER_WEEK;
            time = time.saturating_add(span);
            left = left.saturating_sub(volume);
            let bolus = self.beginning_at(at).map_or(0, |step| u64::from(step.bolus_nl));
            if bolus > left {
                return Some(time);
            }
            left = left.saturating_sub(bolus);
        }
        Some(time)
    }
}

/// Day of the week, and time of the day.
const fn split(week_us: u64) -> (u64, u64) {
    let week_us = week_us % US_PER_WEEK;
    (week_us / US_PER_DAY, week_us % US_PER_DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(days: u8, minute: u16, rate_nl_h: u32) -> Step {
        Step { days, minute, rate_nl_h, bolus_nl: 0, bolus_ms: 0 }
    }

    fn begun_with(step: Step, bolus_nl: u32, bolus_ms: u32) -> Step {
        Step { bolus_nl, bolus_ms, ..step }
    }

    const WORK: u8 = 0b001_1111;
    const DAILY: u8 = 0x7f;

    #[test]
    fn a_rate_holds_until_the_next_step_or_midnight() {
        let mut schedule = Schedule::default();
        schedule.add(step(DAILY, 480, 30_000), 16).unwrap();
        schedule.add(step(WORK, 1_320, 10_000), 16).unwrap();
        let at = |day: u64, minute: u64| day * US_PER_DAY + minute * US_PER_MINUTE;
        for (week_us, rate, until) in [
            (at(0, 0), 0, at(0, 480)),
            (at(0, 480) - 1, 0, 1),
            (at(0, 480), 30_000, at(0, 840)),
            (at(0, 1_320), 10_000, at(0, 120)),
            (at(1, 0), 0, at(0, 480)),
            (at(5, 1_320), 30_000, at(0, 120)),
            (at(6, 1_439), 30_000, at(0, 1)),
            (at(7, 500), 30_000, at(0, 820)),
        ] {
            assert_eq!((schedule.rate_at(week_us), schedule.until_next(week_us)), (rate, until), "{week_us}");
        }
        assert_eq!(schedule.peak_nl_h(), 30_000);
        // Five days of 14 h · 30 + 2 h · 10 and two of 16 h · 30.
        assert_eq!(schedule.volume_in(12_345, US_PER_WEEK), 5 * 440_000 + 2 * 480_000);
        assert_eq!(schedule.volume_in(at(0, 1_319), 2 * US_PER_MINUTE), 500 + 167);
    }

    #[test]
    fn a_volume_lasts_as_long_as_the_steps_let_it() {
        let mut schedule = Schedule::default();
        assert_eq!(schedule.time_for(0, 1_000), None);
        schedule.add(begun_with(step(DAILY, 480, 30_000), 20_000, 60_000), 16).unwrap();
        // 16 h · 30 µL/h and 20 µL a day.
        for (volume, time) in [
            (500_000, US_PER_DAY),
            (0, 8 * US_PER_HOUR),
            (20_000 + 15_000, 8 * US_PER_HOUR + 30 * US_PER_MINUTE),
            (20 * 500_000 + 19_999, 20 * US_PER_DAY + 8 * US_PER_HOUR),
        ] {
            let lasts = schedule.time_for(0, volume).unwrap();
            assert!(lasts.abs_diff(time) <= 8 * US_PER_HOUR && schedule.volume_in(0, lasts) <= volume, "{volume}: {lasts}");
        }
        assert_eq!(schedule.time_for(0, 35_000), Some(8 * US_PER_HOUR + 30 * US_PER_MINUTE));
    }

    #[test]
    fn steps_may_not_meet() {
        let morning = step(WORK, 480, 30_000);
        for (other, collides) in [
            (step(1, 480, 1), true),
            (step(0b110_0000, 480, 1), false),
            (step(WORK, 481, 1), false),
            (begun_with(step(1, 470, 1), 1_000, 600_000), false),
            (begun_with(step(1, 470, 1), 1_000, 600_001), true),
            (begun_with(step(0b100_0000, 470, 1), 1_000, 600_001), false),
            // From Sunday 23:00 to Monday 8:00 at the latest.
            (begun_with(step(0b100_0000, 1_380, 1), 1_000, 9 * 3_600_000), false),
            (begun_with(step(0b100_0000, 1_380, 1), 1_000, 9 * 3_600_000 + 1), true),
        ] {
            for pair in [[morning, other], [other, morning]] {
                let mut schedule = Schedule::default();
                schedule.add(pair[0], 16).unwrap();
                let expected = if collides { Err(Refusal::ScheduleOverlap) } else { Ok(()) };
                assert_eq!(schedule.add(pair[1], 16), expected, "{pair:?}");
            }
        }
    }

    #[test]
    fn a_day_is_held_against_a_rate_with_all_its_boluses() {
        for (steps, beyond) in [
            (&[step(DAILY, 0, 1_000_000)][..], false),
            (&[begun_with(step(DAILY, 0, 1_000_000), 1, 1)], true),
            (&[step(DAILY, 0, 1_000_000), begun_with(step(0b100_0000, 1_439, 1_000_000), 1, 1)], true),
            (&[begun_with(step(DAILY, 60, 1_000_000), 1_000_000, 600_000)], false),
            (&[begun_with(step(DAILY, 60, 1_000_000), 1_000_001, 600_000)], true),
            (&[step(1, 0, 1_000_001)], true),
            (&[step(1, 0, 1_000_001), step(1, 720, 999_999)], false),
        ] {
            let mut schedule = Schedule::default();
            steps.iter().for_each(|step| schedule.add(*step, 16).unwrap());
            assert_eq!(schedule.is_beyond(1_000_000), beyond, "{steps:?}");
        }
    }

    #[test]
    fn sixteen_steps_and_no_more() {
        let mut schedule = Schedule::default();
        for n in 0..16 {
            schedule.add(step(DAILY, n, 2_000), 16).unwrap();
        }
        assert_eq!(schedule.add(step(DAILY, 16, 2_000), 16), Err(Refusal::ScheduleFull));
    }

    #[test]
    fn of_a_bolus_at_the_end_of_the_span_its_strokes_within_it_count() {
        let mut schedule = Schedule::default();
        schedule.add(begun_with(step(1, 480, 0), 20_500, 21_000), 16).unwrap();
        let eight = 480 * US_PER_MINUTE;
        for (length, volume) in
            [(0, 0), (1, 1_000), (1_000_000, 1_000), (1_000_001, 2_000), (20_000_000, 20_000), (20_000_001, 20_500), (US_PER_HOUR, 20_500)]
        {
            assert_eq!(schedule.begins_in(eight - 1, length + 1, 1_000), volume, "{length}");
        }
        assert_eq!(schedule.begins_in(eight, US_PER_WEEK + 1, 1_000), 1_000);
    }

    #[test]
    fn a_bolus_within_the_span_counts() {
        let mut schedule = Schedule::default();
        schedule.add(begun_with(step(1, 480, 0), 20_000, 60_000), 16).unwrap();
        let eight = 480 * US_PER_MINUTE;
        for (from, length, volume) in
            [(eight - 1, 2, 20_000), (eight - 1, 1, 0), (eight, US_PER_WEEK, 0), (eight, US_PER_WEEK + 1, 20_000), (0, US_PER_WEEK, 20_000)]
        {
            assert_eq!(schedule.volume_in(from, length), volume, "{from} {length}");
        }
    }
}
