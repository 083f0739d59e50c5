//! The pump's own clock against rig time, exact in both directions however long it runs and however much it is wrong.

use rig_model::time::{RigTime, Span};

/// A clock that goes right shows this many parts of a billion.
const BILLION: i64 = 1_000_000_000;
/// Parts of a nanosecond in a microsecond, each a billionth.
const PER_MICROSECOND: i128 = 1_000 * BILLION as i128;
/// A crystal is wrong by some ten ppm; beyond 10 % nothing is a clock.
const MAX_PPB: f64 = 1e8;

/// A clock that counts microseconds from power-on. Its reading at an instant is a whole number of billionths of a nanosecond, so that nothing is
/// ever rounded but what the firmware gets to see, which is the microsecond begun.
#[derive(Debug, Clone)]
pub(crate) struct PumpClock {
    /// Fast by so many parts in a billion.
    ppb: i64,
    since: RigTime,
    /// What it showed at `since`, in billionths of a nanosecond.
    shown: i128,
}

impl PumpClock {
    /// One that goes this much faster than it should, in ppm, from its first day on.
    pub fn new(ppm: f64) -> Self {
        Self { ppb: ppb(ppm), since: RigTime::ZERO, shown: 0 }
    }

    /// Power comes on: it shows 0.
    pub fn start(&mut self, at: RigTime) {
        (self.since, self.shown) = (at, 0);
    }

    /// From here on it goes this much faster than it should, in ppm; no number is none.
    pub fn set_error(&mut self, at: RigTime, ppm: f64) {
        let ppb = ppb(ppm);
        if ppb != self.ppb {
            self.shown = self.exact(at);
            (self.since, self.ppb) = (at, ppb);
        }
    }

    /// The microseconds that it shows.
    pub fn shows(&self, at: RigTime) -> u64 {
        if self.is_right() {
            return ((at - self.since).0 / 1_000).unsigned_abs();
        }
        u64::try_from(self.exact(at) / PER_MICROSECOND).unwrap_or(0)
    }

    /// The first instant at which it shows so many microseconds, held at the end of the scale.
    pub fn when(&self, us: u64) -> RigTime {
        let held = i64::try_from(us).unwrap_or(i64::MAX / 1_000);
        if self.is_right() {
            return self.since.saturating_add(Span(held.saturating_mul(1_000)));
        }
        let missing = i128::from(held) * PER_MICROSECOND - self.shown;
        let rate = i128::from(BILLION + self.ppb);
        let wait = missing.div_euclid(rate) + i128::from(missing.rem_euclid(rate) != 0);
        self.since.saturating_add(Span(i64::try_from(wait.max(0)).unwrap_or(i64::MAX)))
    }

    /// The first tick not before `at`.
    pub fn tick_after(&self, at: RigTime) -> RigTime {
        if self.is_right() {
            let part = (at - self.since).0.rem_euclid(1_000);
            return if part == 0 { at } else { at + Span(1_000 - part) };
        }
        let begun = self.shows(at);
        let tick = self.when(begun);
        // The tick of the microsecond begun is over unless it is now.
        if tick >= at { tick } else { self.when(begun + 1) }
    }

    /// How long it truly takes for so many of its microseconds to pass from the tick at `at`.
    pub fn lasts(&self, at: RigTime, us: u32) -> Span {
        if self.is_right() {
            return Span::microseconds(i64::from(us));
        }
        self.when(self.shows(at) + u64::from(us)) - at
    }

    fn is_right(&self) -> bool {
        self.ppb == 0 && self.shown == 0
    }

    fn exact(&self, at: RigTime) -> i128 {
        self.shown + i128::from((at - self.since).0) * i128::from(BILLION + self.ppb)
    }
}

/// Held within what is a clock; no number is none.
fn ppb(ppm: f64) -> i64 {
    (ppm * 1e3).round().clamp(-MAX_PPB, MAX_PPB) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONTH: u64 = 30 * 86_400 * 1_000_000;

    fn clock(ppm: f64) -> PumpClock {
        let mut clock = PumpClock::new(ppm);
        clock.start(RigTime(7_000_000_123));
        clock
    }

    #[test]
    fn a_month_ends_where_the_error_says_to_the_nanosecond() {
        // 30 days of a clock that is 100 ppm fast are 2,592,000 s / 1.0001 = 2,591,740.825917408259… s.
        let fast = clock(100.0);
        assert_eq!(fast.when(MONTH) - RigTime(7_000_000_123), Span(2_591_740_825_917_409));
        let slow = clock(-100.0);
        assert_eq!(slow.when(MONTH) - RigTime(7_000_000_123), Span(2_592_259_225_922_593));
        assert_eq!(clock(0.0).when(MONTH) - RigTime(7_000_000_123), Span(2_592_000_000_000_000));
    }

    #[test]
    fn there_and_back_is_the_same_microsecond() {
        for ppm in [0.0, 0.001, 100.0, -100.0, 33.333, 99_999.0, -99_999.0] {
            let clock = clock(ppm);
            for us in (0..2_000).chain(MONTH..MONTH + 2_000) {
                let at = clock.when(us);
                assert_eq!(clock.shows(at), us, "{ppm} ppm");
                assert_eq!(clock.tick_after(at), at);
                assert!(us == 0 || clock.shows(RigTime(at.0 - 1)) == us - 1, "the first instant of {us} µs at {ppm} ppm");
                assert_eq!(clock.tick_after(RigTime(at.0 + 1)), clock.when(us + 1));
            }
        }
    }

    #[test]
    fn a_change_of_the_error_on_the_way_loses_nothing() {
        let mut clock = clock(0.0);
        let middle = clock.when(MONTH / 2) + Span(333);
        clock.set_error(middle, 250.0);
        assert_eq!(clock.shows(middle), MONTH / 2);
        clock.set_error(middle + Span::seconds(1_000), 0.0);
        // 1000 s at 250 ppm are 0.25 s; the 333 ns of the microsecond begun are still there.
        assert_eq!(clock.when(MONTH), RigTime(7_000_000_123) + Span(MONTH as i64 * 1_000 - 250_000_000));
        let tick = clock.when(MONTH);
        assert!((clock.lasts(tick, 500_000).0 - 500_000_000).abs() <= 1);
    }
}
