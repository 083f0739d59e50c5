//! The battery gauge: charge counted as it is used, and the voltage at rest as a second witness. The lesser of the two is believed.

use crate::config::{BATTERY_CURVE, BatteryLimits, Stroke};
use crate::time::Micros;

const DAY_US: u64 = 24 * 3_600_000_000;
/// nA·µs in a µC.
const NA_US: u64 = 1_000_000_000;
/// The use of a day counts for this part of what the days to come are expected to use, so that one busy day is no trend.
const DAYS_AVERAGED: u64 = 16;
const PERMILLE: u64 = 1_000;

/// What of it survives a loss of power.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counted {
    /// Used since the first power-on, in µC.
    pub used_uc: u64,
    /// Of a day, averaged; 0: no day has passed yet.
    pub daily_uc: u64,
}

#[derive(Debug, Clone, Default)]
pub struct Gauge {
    pub counted: Counted,
    /// By the last voltage at rest, in µC; nothing before the first.
    by_voltage_uc: Option<u64>,
    /// Idle current is counted up to here.
    since: Micros,
    day_began: Micros,
    /// Used when the day began.
    used_then_uc: u64,
}

impl Gauge {
    /// Power comes on, at 0 of the pump's clock.
    pub fn restored(counted: Counted) -> Self {
        Self { counted, used_then_uc: counted.used_uc, ..Self::default() }
    }

    pub fn stroke(&mut self, volume_nl: u32, stroke: &Stroke, limits: &BatteryLimits) {
        let used = limits.stroke_uc.saturating_mul(u64::from(volume_nl)).checked_div(u64::from(stroke.volume_nl.get()));
        self.counted.used_uc = self.counted.used_uc.saturating_add(used.unwrap_or(limits.stroke_uc));
    }

    /// Counts what was used while nothing happened, and ends the day if it is over.
    pub fn idle_until(&mut self, now: Micros, limits: &BatteryLimits) {
        let used = limits.idle_na.saturating_mul(now.since(self.since)) / NA_US;
        self.counted.used_uc = self.counted.used_uc.saturating_add(used);
        self.since = now;
        if now.since(self.day_began) < DAY_US {
            return;
        }
        let of_the_day = self.counted.used_uc.saturating_sub(self.used_then_uc);
        let before = self.daily_uc(limits).saturating_mul(DAYS_AVERAGED.saturating_sub(1));
        self.counted.daily_uc = before.saturating_add(of_the_day) / DAYS_AVERAGED;
        self.day_began = now;
        self.used_then_uc = self.counted.used_uc;
    }

    /// The voltage with the motor at rest.
    pub fn rest_voltage(&mut self, millivolt: u32, limits: &BatteryLimits) {
        self.by_voltage_uc = Some(limits.capacity_uc.saturating_mul(u64::from(permille_of(millivolt, &BATTERY_CURVE))) / PERMILLE);
    }

    pub fn left_uc(&self, limits: &BatteryLimits) -> u64 {
        let counted = limits.capacity_uc.saturating_sub(self.counted.used_uc);
        self.by_voltage_uc.map_or(counted, |by_voltage| by_voltage.min(counted))
    }

    pub fn left_permille(&self, limits: &BatteryLimits) -> u32 {
        let permille = self.left_uc(limits).saturating_mul(PERMILLE).checked_div(limits.capacity_uc);
        permille.and_then(|permille| u32::try_from(permille).ok()).unwrap_or(0)
    }

    /// Until it is spent, as it has been used so far.
    pub fn left_days(&self, limits: &BatteryLimits) -> u32 {
        let days = self.left_uc(limits).checked_div(self.daily_uc(limits));
        days.and_then(|days| u32::try_from(days).ok()).unwrap_or(u32::MAX)
    }

    pub fn spent(&self, limits: &BatteryLimits) -> bool {
        self.left_permille(limits) <= limits.spent_permille
    }

    fn daily_uc(&self, limits: &BatteryLimits) -> u64 {
        if self.counted.daily_uc == 0 { limits.daily_uc } else { self.counted.daily_uc }
    }
}

/// The charge that a voltage at rest tells of, in ‰: between two points of the curve as far as the voltage is between theirs.
fn permille_of(millivolt: u32, curve: &[(u32, u32)]) -> u32 {
    let mut above: Option<(u32, u32)> = None;
    for &(voltage, permille) in curve {
        if millivolt >= voltage {
            let Some((upper_mv, upper)) = above else { return permille };
            let part = millivolt.saturating_sub(voltage).saturating_mul(upper.saturating_sub(permille));
            return permille.saturating_add(part.checked_div(upper_mv.saturating_sub(voltage)).unwrap_or(0));
        }
        above = Some((voltage, permille));
    }
    above.map_or(0, |(_, permille)| permille)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000_000;

    fn used_for(days: u64, strokes_a_day: u64) -> Gauge {
        let limits = BatteryLimits::default();
        let mut gauge = Gauge::default();
        for hour in 1..=days * 24 {
            for _ in 0..strokes_a_day / 24 {
                gauge.stroke(1_000, &Stroke::default(), &limits);
            }
            gauge.idle_until(Micros(hour * HOUR), &limits);
        }
        gauge
    }

    #[test]
    fn a_full_battery_lasts_nearly_six_years_at_half_a_millilitre_a_day() {
        let limits = BatteryLimits::default();
        assert_eq!(Gauge::default().left_days(&limits), 2_131);
        // 504 strokes a day are 0.504 mL: a little sooner than the 365 days that have passed.
        assert_eq!(used_for(365, 504).left_days(&limits), 1_756);
    }

    #[test]
    fn what_is_used_more_lasts_less() {
        let limits = BatteryLimits::default();
        assert!(used_for(60, 24).left_days(&limits) > 5_000, "the idle current alone");
        assert!(used_for(60, 24_000).left_days(&limits) < 20, "24 mL/day");
    }

    #[test]
    fn the_lesser_of_charge_and_voltage_is_believed() {
        let limits = BatteryLimits::default();
        let mut gauge = Gauge::default();
        gauge.rest_voltage(2_350, &limits);
        assert_eq!(gauge.left_permille(&limits), 20);
        gauge.rest_voltage(3_150, &limits);
        assert_eq!(gauge.left_permille(&limits), 1_000);
        gauge.counted.used_uc = limits.capacity_uc / 2;
        assert_eq!(gauge.left_permille(&limits), 500);
        gauge.counted.used_uc = u64::MAX;
        assert!(gauge.spent(&limits) && gauge.left_days(&limits) == 0);
    }

    #[test]
    fn the_curve_is_read_between_its_points() {
        for (millivolt, permille) in
            [(9_999, 1_000), (3_150, 1_000), (3_075, 950), (2_850, 450), (2_450, 40), (2_350, 20), (2_225, 10), (2_100, 0), (0, 0)]
        {
            assert_eq!(permille_of(millivolt, &BATTERY_CURVE), permille, "{millivolt} mV");
        }
        assert_eq!(permille_of(3_000, &[]), 0);
    }
}
