//! The pump's battery: the charge that is left in it, and the voltage that it gives at rest and under the motor's load.
//!
//! A primary cell of lithium with a hybrid cathode, as implants have: its voltage falls slowly for most of its life and has a knee at the end,
//! while its resistance grows. Charge is counted in whole nanoseconds of each current, so that it does not depend on how time is cut.

use rig_model::quantity::Voltage;
use rig_model::time::{RigTime, Span};

/// What a battery is made of. The defaults make a full one last for about six years at 0.5 mL/day in strokes of 1 µL and 0.5 s.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BatteryParams {
    /// mAh. A little more than the firmware's gauge believes, as makers state what a cell gives at least.
    pub capacity: f64,
    /// µA that flow at all times while the pump has power: microcontroller asleep, clock, telemetry receiver.
    pub idle: f64,
    /// mA through the motor while a stroke lasts.
    pub motor: f64,
    /// Ω inside a full cell: what a small cell of this chemistry has.
    pub resistance_full: f64,
    /// Ω inside a spent one.
    pub resistance_spent: f64,
}

impl Default for BatteryParams {
    fn default() -> Self {
        Self { capacity: 1_450.0, idle: 10.0, motor: 6.0, resistance_full: 15.0, resistance_spent: 30.0 }
    }
}

impl BatteryParams {
    /// Of the external trial pump: a cell five times as large, with a motor that moves 2 µL a stroke.
    pub fn trial() -> Self {
        Self { capacity: 7_250.0, motor: 12.0, resistance_full: 4.0, resistance_spent: 8.0, ..Self::default() }
    }
}

/// Charge left, as a fraction, and voltage at rest: a slope, and a knee below 12 %.
const CURVE: [(f64, f64); 8] = [(1.0, 3.15), (0.9, 3.0), (0.6, 2.9), (0.3, 2.8), (0.12, 2.7), (0.06, 2.55), (0.02, 2.35), (0.0, 2.1)];

/// µA·ns in a mAh.
const UA_NS_PER_MAH: f64 = 3.6e15;

#[derive(Debug, Clone, PartialEq)]
pub struct Battery {
    params: BatteryParams,
    /// Fraction that was left when the counting began.
    left_then: f64,
    /// Counted since then.
    idle_ns: i64,
    motor_ns: i64,
    /// Counted up to here; `None` while nothing is connected.
    on_since: Option<RigTime>,
}

impl Battery {
    /// A full one that nothing is connected to.
    pub fn new(params: BatteryParams) -> Self {
        Self { params, left_then: 1.0, idle_ns: 0, motor_ns: 0, on_since: None }
    }

    /// It has this much of its charge, in %, from now on; what is beyond 0 to 100 is taken as the nearer of them, and no number as 0.
    pub fn set_percent(&mut self, percent: f64) {
        self.left_then = if percent > 0.0 { (percent / 100.0).min(1.0) } else { 0.0 };
        (self.idle_ns, self.motor_ns) = (0, 0);
    }

    /// The pump is connected from here on.
    pub fn connect(&mut self, at: RigTime) {
        self.advance(at);
        self.on_since = Some(at);
    }

    pub fn disconnect(&mut self, at: RigTime) {
        self.advance(at);
        self.on_since = None;
    }

    /// Counts what flows at all times.
    pub fn advance(&mut self, at: RigTime) {
        if let Some(since) = &mut self.on_since
            && at > *since
        {
            self.idle_ns = self.idle_ns.saturating_add((at - *since).0);
            *since = at;
        }
    }

    /// The motor runs for this long.
    pub fn stroke(&mut self, duration: Span) {
        self.motor_ns = self.motor_ns.saturating_add(duration.0.max(0));
    }

    /// Fraction of the charge that is left, 0 to 1.
    pub fn left(&self) -> f64 {
        let used = self.idle_ns as f64 * self.params.idle + self.motor_ns as f64 * self.params.motor * 1e3;
        (self.left_then - used / (self.params.capacity.max(f64::MIN_POSITIVE) * UA_NS_PER_MAH)).max(0.0)
    }

    /// The voltage at its terminals, with the motor at rest or running.
    pub fn voltage(&self, motor_runs: bool) -> Voltage {
        let left = self.left();
        let current = self.params.idle * 1e-6 + if motor_runs { self.params.motor * 1e-3 } else { 0.0 };
        let resistance = self.params.resistance_spent + (self.params.resistance_full - self.params.resistance_spent) * left;
        Voltage((open_circuit(left) - current * resistance).max(0.0))
    }
}

/// Linear between the points of the curve.
fn open_circuit(left: f64) -> f64 {
    let mut above = CURVE[0];
    for point in CURVE {
        if left >= point.0 {
            let share = if above.0 > point.0 { (left - point.0) / (above.0 - point.0) } else { 0.0 };
            return point.1 + (above.1 - point.1) * share.min(1.0);
        }
        above = point;
    }
    above.1
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Span = Span::seconds(86_400);

    /// Days of life at 500 strokes a day.
    fn used_up(params: BatteryParams) -> i64 {
        let mut battery = Battery::new(params);
        battery.connect(RigTime::ZERO);
        let mut days = 0;
        while battery.left() > 0.0 {
            days += 1;
            battery.advance(RigTime::ZERO + Span(DAY.0 * days));
            battery.stroke(Span::seconds(250));
        }
        days
    }

    #[test]
    fn a_full_battery_lasts_about_six_years() {
        let days = used_up(BatteryParams::default());
        assert!((6 * 365..6 * 365 + 60).contains(&days), "{days}");
    }

    #[test]
    fn the_voltage_slopes_and_then_falls_over_a_knee() {
        let mut battery = Battery::new(BatteryParams::default());
        let mut rest = |percent: f64| {
            battery.set_percent(percent);
            battery.voltage(false).0
        };
        let [full, half, knee, end] = [100.0, 50.0, 12.0, 0.0].map(&mut rest);
        assert!(full > half && half > knee && knee > end);
        assert!((full - knee) / 88.0 < 0.2 * (knee - end) / 12.0, "{full} {knee} {end}");
        assert_eq!((rest(-5.0), rest(f64::NAN), rest(250.0)), (end, end, full));
    }

    #[test]
    fn the_motor_pulls_the_voltage_down_and_an_old_cell_more_than_a_new_one() {
        let mut battery = Battery::new(BatteryParams::default());
        let sag = |battery: &Battery| battery.voltage(false).0 - battery.voltage(true).0;
        assert!((sag(&battery) - 0.09).abs() < 1e-9);
        battery.set_percent(0.0);
        assert!((sag(&battery) - 0.18).abs() < 1e-9);
        assert!(battery.voltage(true).0 > 1.9, "the last stroke is still a whole one");
    }

    #[test]
    fn only_what_is_connected_uses_charge_however_time_is_cut() {
        let mut battery = Battery::new(BatteryParams::default());
        battery.advance(RigTime::ZERO + DAY);
        assert_eq!(battery.left(), 1.0);
        battery.connect(RigTime::ZERO + DAY);
        let mut cut = battery.clone();
        for n in 1..=1_000 {
            cut.advance(RigTime::ZERO + DAY + Span(DAY.0 / 1_000 * n));
        }
        battery.disconnect(RigTime::ZERO + DAY + DAY);
        battery.advance(RigTime::MAX);
        cut.disconnect(RigTime::ZERO + DAY + DAY);
        assert_eq!(battery, cut);
        assert!(battery.left() < 1.0);
    }
}
