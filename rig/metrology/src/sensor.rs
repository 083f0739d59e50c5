//! Pulses and readings to volume, flow and pressure with their uncertainty.

use rig_model::bench::{FlowSensor, PressureSensor};
use rig_model::time::Span;

use crate::estimate::Estimate;

/// How the counting window lies to the pulses, which decides what counting whole pulses costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// Opened and closed at any time: triangular over ±1 pulse, u = 1/√6 pulse.
    Free,
    /// Opened on a pulse: rectangular over one pulse, u = 1/√12 pulse.
    EdgeStarted,
}

impl Gate {
    /// Standard uncertainty of the count, in pulses.
    pub fn counting_uncertainty(self) -> f64 {
        match self {
            Self::Free => 1.0 / 6f64.sqrt(),
            Self::EdgeStarted => 1.0 / 12f64.sqrt(),
        }
    }
}

/// Volume in µL that has come out: forward less reverse pulses, over the K-factor.
///
/// Contributions: counting, and the certificate of the K-factor, which errs the same way for each pulse. A K-factor that is
/// not a positive number gives an estimate on which no verdict rests.
pub fn volume(forward: u64, reverse: u64, sensor: &FlowSensor, gate: Gate) -> Estimate {
    let net = forward as f64 - reverse as f64;
    let k = usable_k_factor(sensor);
    let value = net / k;
    let counting = gate.counting_uncertainty() / k;
    Estimate::new(value, root_sum_square(counting, value * relative_k_uncertainty(sensor)), f64::INFINITY)
}

/// The same for a sensor that also errs at rest: what its zero may be off adds up over the time in which it was integrated.
pub fn with_zero(volume: Estimate, window: Span, sensor: &FlowSensor) -> Estimate {
    if sensor.zero_uncertainty == 0.0 {
        return volume;
    }
    let of_zero = sensor.zero_uncertainty / 2.0 * window.as_hours();
    Estimate { standard_uncertainty: root_sum_square(volume.standard_uncertainty, of_zero), ..volume }
}

/// Mean flow in µL/h over a window whose length is known far better than the volume; `None` for an empty window.
pub fn mean_flow(volume: Estimate, window: Span) -> Option<Estimate> {
    let hours = (window > Span::ZERO).then(|| window.as_hours())?;
    Some(Estimate { value: volume.value / hours, standard_uncertainty: volume.standard_uncertainty / hours, ..volume })
}

/// Flow in µL/h by the period method, (N − 1)/(K·t): `pulses_between` is the number of intervals N − 1, that is of the pulses after
/// the first up to and with the last, and `elapsed` the time from the first to the last. `None` without an interval.
pub fn rate_from_edges(pulses_between: u64, elapsed: Span, sensor: &FlowSensor) -> Option<Estimate> {
    if pulses_between == 0 || elapsed <= Span::ZERO {
        return None;
    }
    let value = pulses_between as f64 / (usable_k_factor(sensor) * elapsed.as_hours());
    // Two stamps, each rectangular: u(t) = a·√(2/3).
    let stamps = sensor.stamp_half_width.as_seconds() * (2.0 / 3.0f64).sqrt() / elapsed.as_seconds();
    Some(Estimate::new(value, value.abs() * root_sum_square(stamps, relative_k_uncertainty(sensor)), f64::INFINITY))
}

/// Pressure in kPa from one reading, or from the mean of several: their noise averages out, the certificate's part doesn't.
///
/// Outside the sensor's range the value is kept to be shown, but with infinite uncertainty: no verdict rests on it.
pub fn pressure(mean: f64, sensor: &PressureSensor) -> Estimate {
    let in_range = (sensor.min.0..=sensor.max.0).contains(&mean);
    let u = if in_range { sensor.uncertainty.0 / 2.0 } else { f64::INFINITY };
    Estimate::new(mean, u, f64::INFINITY)
}

fn usable_k_factor(sensor: &FlowSensor) -> f64 {
    if sensor.k_factor > 0.0 && sensor.k_factor.is_finite() { sensor.k_factor } else { f64::NAN }
}

/// Certificates state the expanded uncertainty, k = 2, in %.
fn relative_k_uncertainty(sensor: &FlowSensor) -> f64 {
    sensor.k_uncertainty_percent / 100.0 / 2.0
}

fn root_sum_square(a: f64, b: f64) -> f64 {
    (a * a + b * b).sqrt()
}

#[cfg(test)]
mod tests {
    use rig_model::quantity::Pressure;

    use super::*;

    fn sensor(k_factor: f64, k_uncertainty_percent: f64) -> FlowSensor {
        FlowSensor {
            k_factor,
            k_uncertainty_percent,
            max_flow: 1e6,
            stroke_gap: Span::seconds(2),
            bidirectional: true,
            zero_uncertainty: 0.0,
            resolution: 0.0,
            stamp_half_width: FlowSensor::STAMP_HALF_WIDTH,
            witness: Default::default(),
        }
    }

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-12 * b.abs().max(1.0)
    }

    #[test]
    fn pulses_needed_for_an_uncertainty() {
        // DOMAIN 4.4: pulses for U (k = 2) of 5, 2, 1 and 0.5 %.
        for (gate, table) in [(Gate::Free, [17, 41, 82, 164]), (Gate::EdgeStarted, [12, 29, 58, 116])] {
            for (percent, expected) in [5.0, 2.0, 1.0, 0.5].into_iter().zip(table) {
                let enough = |n: &u64| {
                    let v = volume(*n, 0, &sensor(10.0, 0.0), gate);
                    v.expanded() / v.value * 100.0 <= percent
                };
                assert_eq!((1u64..).find(enough), Some(expected), "{gate:?} {percent} %");
            }
        }
    }

    #[test]
    fn volume_is_net_pulses_over_k() {
        let v = volume(2_010, 10, &sensor(10.0, 1.0), Gate::Free);
        assert_eq!(v.value, 200.0);
        // Counting 0.0408 µL, K-factor 1 µL.
        assert!(close(v.standard_uncertainty, (1.0f64 / 600.0 + 1.0).sqrt()));
        assert_eq!(v.coverage_factor, 2.0);
        assert_eq!(volume(0, 5, &sensor(10.0, 1.0), Gate::Free).value, -0.5);
        let nothing = volume(0, 0, &sensor(10.0, 1.0), Gate::Free);
        assert!(nothing.value == 0.0 && nothing.standard_uncertainty > 0.04, "nothing seen is not nothing for certain");
    }

    #[test]
    fn a_pulse_channel_of_one_per_cent_gives_the_budget_of_the_field() {
        // DOMAIN 4.5: 100 µL at 4.1 pulses/µL; the K-factor's part alone is ±1 %.
        let v = volume(410, 0, &sensor(4.1, 1.0), Gate::Free);
        assert!((v.expanded() - 1.0198).abs() < 5e-4, "{}", v.expanded());
    }

    #[test]
    fn what_the_zero_is_off_grows_with_time() {
        let pulses = sensor(100.0, 0.0);
        let v = volume(2_083, 0, &pulses, Gate::Free);
        assert_eq!(with_zero(v, Span::hours(1), &pulses), v);
        let thermal = FlowSensor { zero_uncertainty: 6.0, ..pulses };
        // ±6 µL/h (k = 2) over an hour are ±6 µL, whatever has flowed; over a minute ±0.1 µL.
        assert!((with_zero(v, Span::hours(1), &thermal).expanded() - 6.0).abs() < 1e-3);
        assert!((with_zero(v, Span::minutes(1), &thermal).expanded() - 0.1).abs() < 1e-3);
    }

    #[test]
    fn a_broken_k_factor_is_no_measurement() {
        for k in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(!volume(100, 0, &sensor(k, 1.0), Gate::Free).is_sound(), "{k}");
        }
        assert!(!volume(100, 0, &sensor(10.0, f64::NAN), Gate::Free).is_sound());
    }

    #[test]
    fn flows() {
        let v = volume(5_000, 0, &sensor(10.0, 1.0), Gate::Free);
        let flow = mean_flow(v, Span::hours(24)).unwrap();
        assert!(close(flow.value, 500.0 / 24.0) && close(flow.standard_uncertainty, v.standard_uncertainty / 24.0));
        for empty in [Span::ZERO, -Span::seconds(1)] {
            assert_eq!(mean_flow(v, empty), None);
            assert_eq!(rate_from_edges(10, empty, &sensor(10.0, 1.0)), None);
        }
        assert_eq!(rate_from_edges(0, Span::seconds(1), &sensor(10.0, 1.0)), None);
        let rate = rate_from_edges(10, Span::seconds(1), &sensor(10.0, 1.0)).unwrap();
        assert!(close(rate.value, 3_600.0) && (rate.standard_uncertainty / 18.0 - 1.0).abs() < 1e-5, "{rate:?}");
    }

    #[test]
    fn pressure_vouches_for_its_range_only() {
        let s = PressureSensor { uncertainty: Pressure(0.5), min: Pressure(-10.0), max: Pressure(200.0) };
        for inside in [-10.0, 0.0, 200.0] {
            assert_eq!(pressure(inside, &s), Estimate::new(inside, 0.25, f64::INFINITY));
        }
        for outside in [-10.1, 200.1, f64::NAN, f64::INFINITY] {
            assert!(!pressure(outside, &s).is_sound(), "{outside}");
        }
    }
}
