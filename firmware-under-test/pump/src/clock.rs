//! The time of the week, as the programmer has set it.

use crate::prescription::us;
use crate::schedule::US_PER_WEEK;
use crate::time::Micros;

/// Not set after a power-on: nobody knows how long the power was off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Clock {
    set: Option<(Micros, u32)>,
}

impl Clock {
    pub fn set(&mut self, second_of_week: u32, now: Micros) {
        self.set = Some((now, second_of_week));
    }

    pub const fn is_set(&self) -> bool {
        self.set.is_some()
    }

    /// Since Monday 0:00.
    pub fn week_us(&self, now: Micros) -> Option<u64> {
        let (at, second) = self.set?;
        Some(us(second).saturating_add(now.since(at)) % US_PER_WEEK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_week_begins_anew() {
        let mut clock = Clock::default();
        assert_eq!(clock.week_us(Micros(5)), None);
        clock.set(604_799, Micros(10));
        assert_eq!(clock.week_us(Micros(10)), Some(604_799_000_000));
        assert_eq!(clock.week_us(Micros(1_000_010)), Some(0));
        assert_eq!(clock.week_us(Micros(1_000_011 + 3 * US_PER_WEEK)), Some(1));
    }
}
