//! Pulses and readings to volume, flow, time and pressure, each with its budget.

use rig_model::Name;
use rig_model::bench::{FlowSensor, PressureSensor};
use rig_model::budget::{Component, Distribution, Origin};
use rig_model::time::Span;

use crate::estimate::Estimate;
use crate::k_curve::usable;
use crate::measured::{Measured, certified, rectangular};

/// How the counting window lies to the pulses, which decides what counting whole pulses costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// Opened and closed at any time: triangular over ±1 pulse, u = 1/√6 pulse.
    Free,
    /// Opened on a pulse that is not counted, so that the phase there is known: what came is the counted pulses and a part of one more, half
    /// of it at best estimate; rectangular over one pulse, u = 1/√12 pulse.
    EdgeStarted,
    /// Opened and closed on pulses: every pulse stands for its whole volume, and nothing is lost by counting.
    Interpolated,
}

/// Net pulses, and the K-factor that belongs to the flow in which they came.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pulses {
    /// Forward less reverse.
    pub net: f64,
    /// Pulses per µL.
    pub k_factor: f64,
}

impl Pulses {
    /// Of a sensor whose K-factor is the same at each flow.
    pub fn counted(forward: u64, reverse: u64, sensor: &FlowSensor) -> Self {
        Self { net: forward as f64 - reverse as f64, k_factor: sensor.k_factor }
    }

    /// µL; NaN where the K-factor is not a positive number.
    pub fn volume(self) -> f64 {
        self.net / usable(self.k_factor)
    }
}

/// A flow sensor as budgets know it: with its certificate, and the clock that its pulses are timed by.
#[derive(Debug, Clone, Copy)]
pub struct FlowMeter<'a> {
    pub sensor: &'a FlowSensor,
    pub certificate: Option<&'a Name>,
    /// How far the clock may run wrong, half width in millionths.
    pub clock_ppm: f64,
}

impl FlowMeter<'_> {
    /// Volume in µL that came through in a window.
    ///
    /// Its budget: counting; the K-factor of the certificate, its linearity and temperature; pulses that may be missing; what either end of a
    /// delivery may hold back; the zero of a sensor that is integrated. A K-factor that is not a positive number gives an estimate on which
    /// no verdict rests.
    pub fn volume(&self, pulses: Pulses, gate: Gate, window: Span) -> Measured {
        let k = usable(pulses.k_factor);
        let net = if gate == Gate::EdgeStarted { pulses.net + 0.5 } else { pulses.net };
        let value = self.with_missed(net / k);
        let mut budget = vec![counting(net, k, gate)];
        self.relative(value, k, &mut budget);
        let start_stop = self.sensor.accuracy.start_stop.0;
        if start_stop != 0.0 {
            // A drop that hangs at the tip, a valve that leaks back: the same in each delivery, so that no number of them makes it smaller.
            let row = rectangular("start and stop", start_stop, "µL", 1.0, Origin::Datasheet);
            budget.push(Component { common: true, bound: None, ..row });
        }
        if self.sensor.zero_uncertainty != 0.0 {
            budget.push(certified("zero", 0.0, "µL/h", Some(self.sensor.zero_uncertainty), window.as_hours(), self.certificate));
        }
        Measured::new(value, budget)
    }

    /// Mean flow in µL/h over a window between two instants of the rig's own clock; `None` for an empty window.
    pub fn mean_flow(&self, pulses: Pulses, gate: Gate, window: Span) -> Option<Measured> {
        over_time(self.volume(pulses, gate, window), window, self.clock_ppm)
    }

    /// Flow in µL/h by the period method, (N − 1)/(K·t): `pulses_between` is the number of intervals N − 1, that is of the pulses after
    /// the first up to and with the last, and `elapsed` the time from the first to the last. `None` without an interval.
    pub fn rate_from_edges(&self, pulses_between: u64, elapsed: Span, k_factor: f64) -> Option<Measured> {
        let value = self.with_missed(rate(pulses_between, elapsed, k_factor)?);
        let mut budget = Vec::with_capacity(6);
        self.relative(value, usable(k_factor), &mut budget);
        budget.extend(self.stamps(-value / elapsed.as_seconds()));
        budget.push(clock(self.clock_ppm, value));
        Some(Measured::new(value, budget))
    }

    /// Time in s from an instant of the rig's clock, or from a pulse, to a pulse: a pulse marks the beginning or end of flow to within the
    /// time of one pulse at that flow, `pulse_s`.
    ///
    /// A delivery begins before its first pulse and ends after its last one; a pause begins after one and ends before the other. From pulse to
    /// pulse the two errors point the same way: they add up to a triangle from 0 to two pulses. Its middle is not corrected for, since which
    /// way it points depends on what is timed; its mean square about 0 is 7/6 pulse².
    pub fn time_of_pulses(&self, value_s: f64, from: Start, pulse_s: f64) -> Measured {
        let last = rectangular("last pulse", pulse_s, "s", 1.0, Origin::Derived);
        let mut budget = vec![match from {
            Start::Instant => last,
            Start::Pulse => Component {
                name: "first and last pulse".into(),
                distribution: Distribution::Triangular,
                standard_uncertainty: Some(pulse_s * (7.0f64 / 6.0).sqrt()),
                bound: Some(2.0 * pulse_s),
                ..last
            },
        }];
        budget.extend(self.stamps(1.0));
        budget.push(clock(self.clock_ppm, value_s));
        Measured::new(value_s, budget)
    }

    /// What goes with the value: components that are stated of the K-factor.
    pub(crate) fn relative(&self, value: f64, k: f64, budget: &mut Vec<Component>) {
        let accuracy = &self.sensor.accuracy;
        let expanded = self.sensor.k_uncertainty_percent.map(|percent| k * percent / 100.0);
        budget.push(certified("K-factor", k, "pulses/µL", expanded, -value / k, self.certificate));
        let mut common = |name, half_width: f64, unit, sensitivity| {
            if half_width != 0.0 {
                budget.push(Component { common: true, bound: None, ..rectangular(name, half_width, unit, sensitivity, Origin::Datasheet) });
            }
        };
        common("linearity of the K-factor", accuracy.linearity_percent, "%", value / 100.0);
        let by_temperature = accuracy.temperature_percent_per_kelvin;
        common("temperature", if by_temperature == 0.0 { 0.0 } else { accuracy.temperature_band }, "K", value * by_temperature / 100.0);
        if accuracy.missed_percent != 0.0 {
            let half = accuracy.missed_percent / 2.0;
            let row = rectangular("missed pulses", half, "%", value / 100.0, Origin::Datasheet);
            budget.push(Component { estimate: half, common: true, bound: None, ..row });
        }
    }

    /// With half of the pulses added that may be missing. Pulses go missing one way only: without this correction every value would be too
    /// low, and at an upper limit too many would pass.
    pub(crate) fn with_missed(&self, seen: f64) -> f64 {
        seen * (1.0 + self.sensor.accuracy.missed_percent / 200.0)
    }

    /// Two time stamps, each within the same range of its pulse.
    fn stamps(&self, sensitivity: f64) -> Option<Component> {
        let half_width = self.sensor.stamp_half_width.as_seconds();
        (half_width != 0.0).then(|| Component {
            distribution: Distribution::Triangular,
            standard_uncertainty: Some(half_width * (2.0 / 3.0f64).sqrt()),
            bound: Some(2.0 * half_width * sensitivity.abs()),
            ..rectangular("time stamps", half_width, "s", sensitivity, Origin::Datasheet)
        })
    }
}

/// A volume in µL over the time in which it came, a window between two instants of the rig's own clock: mean flow in µL/h. `None` for an
/// empty window.
pub fn over_time(volume: Measured, window: Span, clock_ppm: f64) -> Option<Measured> {
    let flow = (window > Span::ZERO).then(|| volume.per(window.as_hours()))?;
    let value = flow.estimate.value;
    Some(flow.with(clock(clock_ppm, value)))
}

/// What a time that ends with a pulse begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// An instant of the rig's own clock.
    Instant,
    Pulse,
}

/// Flow in µL/h by the period method, see [`FlowMeter::rate_from_edges`]; the value alone.
pub fn rate(pulses_between: u64, elapsed: Span, k_factor: f64) -> Option<f64> {
    (pulses_between > 0 && elapsed > Span::ZERO).then(|| pulses_between as f64 / (usable(k_factor) * elapsed.as_hours()))
}

/// A length of time in s between two instants of which each is known to within ± its half width: `(name, half width in s)`.
pub fn duration(value_s: f64, instants: &[(&'static str, f64)], clock_ppm: f64) -> Measured {
    let known = instants.iter().filter(|(_, half_width)| *half_width != 0.0);
    let mut budget: Vec<Component> = known.map(|(name, half_width)| rectangular(*name, *half_width, "s", 1.0, Origin::Derived)).collect();
    budget.push(clock(clock_ppm, value_s));
    Measured::new(value_s, budget)
}

/// Pressure in kPa from one reading, or from the mean of several: their noise averages out, the certificate's part doesn't.
///
/// Outside the sensor's range the value is kept to be shown, but with infinite uncertainty: no verdict rests on it.
pub fn pressure(mean: f64, sensor: &PressureSensor, certificate: Option<&Name>) -> Measured {
    if !(sensor.min.0..=sensor.max.0).contains(&mean) {
        return Estimate::new(mean, f64::INFINITY, f64::INFINITY).into();
    }
    let mut budget = vec![certified("pressure sensor", mean, "kPa", sensor.uncertainty.map(|u| u.0), 1.0, certificate)];
    if sensor.resolution.0 != 0.0 {
        budget.push(rectangular("resolution", sensor.resolution.0 / 2.0, "kPa", 1.0, Origin::Datasheet));
    }
    Measured::new(mean, budget)
}

/// What whole bins of pulses may hide at either end of a window, in pulses.
pub fn hidden_in_bins(pulses: u64, k_factor: f64, per: f64) -> Component {
    rectangular("bins of pulses", pulses as f64, "pulses", 1.0 / (usable(k_factor) * per), Origin::Derived)
}

pub(crate) fn counting(net: f64, k: f64, gate: Gate) -> Component {
    let (distribution, pulses, bound) = match gate {
        Gate::Free => (Distribution::Triangular, 1.0 / 6f64.sqrt(), 1.0),
        Gate::EdgeStarted => (Distribution::Rectangular, 1.0 / 12f64.sqrt(), 0.5),
        Gate::Interpolated => (Distribution::Rectangular, 0.0, 0.0),
    };
    Component {
        name: "counting".into(),
        estimate: net,
        unit: "pulses".into(),
        distribution,
        standard_uncertainty: Some(pulses),
        sensitivity: 1.0 / k,
        dof: None,
        origin: Origin::Derived,
        certificate: None,
        common: false,
        bound: Some(bound / k),
    }
}

/// The rig's clock: it runs wrong by the same fraction in every measurement.
pub(crate) fn clock(ppm: f64, value: f64) -> Component {
    let origin = if ppm == rig_model::bench::Bench::CLOCK_PPM { Origin::Assumed } else { Origin::Datasheet };
    Component { common: true, bound: None, ..rectangular("clock", ppm, "ppm", value * 1e-6, origin) }
}

#[cfg(test)]
pub(crate) mod tests {
    use rig_model::bench::Accuracy;
    use rig_model::quantity::{Pressure, Volume};

    use super::*;

    pub(crate) fn sensor(k_factor: f64, k_uncertainty_percent: f64) -> FlowSensor {
        FlowSensor {
            k_factor,
            k_uncertainty_percent: Some(k_uncertainty_percent),
            curve: Default::default(),
            accuracy: Accuracy::default(),
            min_flow: 0.0,
            max_flow: 1e6,
            stroke_gap: Span::seconds(2),
            bidirectional: true,
            zero_uncertainty: 0.0,
            resolution: 0.0,
            stamp_half_width: FlowSensor::STAMP_HALF_WIDTH,
            witness: Default::default(),
        }
    }

    fn volume(forward: u64, reverse: u64, sensor: &FlowSensor, gate: Gate) -> Measured {
        meter(sensor).volume(Pulses::counted(forward, reverse, sensor), gate, Span::hours(1))
    }

    fn meter(sensor: &FlowSensor) -> FlowMeter<'_> {
        FlowMeter { sensor, certificate: None, clock_ppm: 100.0 }
    }

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-12 * b.abs().max(1.0)
    }

    #[test]
    fn pulses_needed_for_an_uncertainty() {
        // SOURCES 4.4: pulses for U (k = 2) of 5, 2, 1 and 0.5 %.
        for (gate, table) in [(Gate::Free, [17, 41, 82, 164]), (Gate::EdgeStarted, [12, 29, 58, 116])] {
            for (percent, expected) in [5.0, 2.0, 1.0, 0.5].into_iter().zip(table) {
                let enough = |n: &u64| {
                    let v = volume(*n, 0, &sensor(10.0, 0.0), gate).estimate;
                    v.expanded() / (*n as f64 / 10.0) * 100.0 <= percent
                };
                assert_eq!((1u64..).find(enough), Some(expected), "{gate:?} {percent} %");
            }
        }
    }

    #[test]
    fn volume_is_net_pulses_over_k() {
        let v = volume(2_010, 10, &sensor(10.0, 1.0), Gate::Free).estimate;
        assert_eq!(v.value, 200.0);
        // Counting 0.0408 µL, K-factor 1 µL.
        assert!(close(v.standard_uncertainty, (1.0f64 / 600.0 + 1.0).sqrt()));
        assert_eq!(v.coverage_factor, 2.0);
        assert_eq!(volume(0, 5, &sensor(10.0, 1.0), Gate::Free).estimate.value, -0.5);
        let nothing = volume(0, 0, &sensor(10.0, 1.0), Gate::Free).estimate;
        assert!(nothing.value == 0.0 && nothing.standard_uncertainty > 0.04, "nothing seen is not nothing for certain");
        assert_eq!(
            volume(100, 0, &sensor(10.0, 0.0), Gate::Interpolated).estimate.expanded(),
            0.0,
            "between two edges each pulse is whole"
        );
    }

    #[test]
    fn a_pulse_channel_of_one_per_cent_gives_the_budget_of_the_field() {
        // SOURCES 4.5: 100 µL at 4.1 pulses/µL, U_K = 1 % (k = 2), linearity ±0.5 %: U = 1.2 %, three times as much variance from the
        // K-factor (66 %) as from its linearity (22 %).
        let accuracy = Accuracy { linearity_percent: 0.5, ..Accuracy::default() };
        let v = volume(410, 0, &FlowSensor { accuracy, ..sensor(4.1, 1.0) }, Gate::Free);
        assert!((v.estimate.expanded() - 1.2).abs() < 0.05, "{}", v.estimate.expanded());
        let u = |name: &str| v.budget.iter().find(|c| c.name == name).unwrap().contribution().unwrap();
        assert!(close((u("K-factor") / u("linearity of the K-factor")).powi(2), 3.0));
    }

    #[test]
    fn every_component_counts() {
        let plain = sensor(10.0, 1.0);
        let all = Accuracy {
            linearity_percent: 0.5,
            temperature_percent_per_kelvin: 0.1,
            temperature_band: 2.0,
            missed_percent: 0.3,
            start_stop: Volume(0.2),
        };
        let v = volume(1_000, 0, &FlowSensor { accuracy: all, zero_uncertainty: 0.4, ..plain }, Gate::Free);
        let names: Vec<&str> = v.budget.iter().map(|c| &*c.name).collect();
        assert_eq!(names, ["counting", "K-factor", "linearity of the K-factor", "temperature", "missed pulses", "start and stop", "zero"]);
        // Half of the 0.3 % that may be missing is added. By hand, variances in µL²: 1/600, 0.2²/3 for start and stop, 0.2² for the zero, and in
        // proportion to the volume squared 0.5², 0.5²/3, 0.2²/3, 0.15²/3.
        assert!(close(v.estimate.value, 100.15));
        let relative = 1.0015f64 * 1.0015 * (0.25 + 0.25 / 3.0 + 0.04 / 3.0 + 0.0225 / 3.0);
        let variance: f64 = 1.0 / 600.0 + 0.04 / 3.0 + 0.04 + relative;
        assert!(close(v.estimate.standard_uncertainty, variance.sqrt()));
    }

    #[test]
    fn what_the_zero_is_off_grows_with_time() {
        let pulses = sensor(100.0, 0.0);
        let thermal = FlowSensor { zero_uncertainty: 6.0, ..pulses };
        let v = |window| meter(&thermal).volume(Pulses::counted(2_083, 0, &thermal), Gate::Free, window).estimate.expanded();
        // ±6 µL/h (k = 2) over an hour are ±6 µL, whatever has flowed; over a minute ±0.1 µL.
        assert!((v(Span::hours(1)) - 6.0).abs() < 1e-3);
        assert!((v(Span::minutes(1)) - 0.1).abs() < 1e-3);
    }

    #[test]
    fn a_broken_k_factor_is_no_measurement() {
        for k in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(!volume(100, 0, &sensor(k, 1.0), Gate::Free).estimate.is_sound(), "{k}");
        }
        assert!(!volume(100, 0, &sensor(10.0, f64::NAN), Gate::Free).estimate.is_sound());
        let unstated = volume(100, 0, &FlowSensor { k_uncertainty_percent: None, ..sensor(10.0, 1.0) }, Gate::Free);
        assert_eq!(unstated.unstated().map(|c| &*c.name), Some("K-factor"));
    }

    #[test]
    fn flows() {
        let s = sensor(10.0, 1.0);
        let v = volume(5_000, 0, &s, Gate::Free).estimate;
        let flow = meter(&s).mean_flow(Pulses::counted(5_000, 0, &s), Gate::Free, Span::hours(24)).unwrap();
        let clock = 500.0 / 24.0 * 100e-6 / 3f64.sqrt();
        assert!(close(flow.estimate.value, 500.0 / 24.0));
        assert!(close(flow.estimate.standard_uncertainty, ((v.standard_uncertainty / 24.0).powi(2) + clock * clock).sqrt()));
        for empty in [Span::ZERO, -Span::seconds(1)] {
            assert_eq!(meter(&s).mean_flow(Pulses::counted(5_000, 0, &s), Gate::Free, empty), None);
            assert_eq!(meter(&s).rate_from_edges(10, empty, 10.0), None);
        }
        assert_eq!(meter(&s).rate_from_edges(0, Span::seconds(1), 10.0), None);
        let rate = meter(&s).rate_from_edges(10, Span::seconds(1), 10.0).unwrap().estimate;
        assert!(close(rate.value, 3_600.0) && (rate.standard_uncertainty / 18.0 - 1.0).abs() < 1e-4, "{rate:?}");
    }

    #[test]
    fn times() {
        // Two instants within ±0.3 s and ±0.4 s: √(0.09/3 + 0.16/3).
        let told = duration(12.0, &[("from", 0.3), ("to", 0.4), ("exact", 0.0)], 0.0);
        assert!(close(told.estimate.standard_uncertainty, (0.25f64 / 3.0).sqrt()));
        assert_eq!(told.budget.len(), 3, "what is exact is not listed; the clock always is");
        let s = sensor(10.0, 1.0);
        let from_pulse = meter(&s).time_of_pulses(120.0, Start::Pulse, 0.06);
        let from_instant = meter(&s).time_of_pulses(120.0, Start::Instant, 0.06);
        assert!((from_pulse.estimate.standard_uncertainty / (0.06 * (7.0f64 / 6.0).sqrt()) - 1.0).abs() < 0.02);
        assert!(from_instant.estimate.standard_uncertainty < from_pulse.estimate.standard_uncertainty);
    }

    #[test]
    fn pressure_vouches_for_its_range_only() {
        let s = PressureSensor { uncertainty: Some(Pressure(0.5)), resolution: Pressure(0.0), min: Pressure(-10.0), max: Pressure(200.0) };
        for inside in [-10.0, 0.0, 200.0] {
            assert_eq!(pressure(inside, &s, None).estimate, Estimate::new(inside, 0.25, f64::INFINITY));
        }
        let coarse = PressureSensor { resolution: Pressure(1.2), ..s };
        assert!(close(pressure(10.0, &coarse, None).estimate.standard_uncertainty, (0.0625f64 + 0.12).sqrt()));
        for outside in [-10.1, 200.1, f64::NAN, f64::INFINITY] {
            assert!(!pressure(outside, &s, None).estimate.is_sound(), "{outside}");
        }
    }
}
