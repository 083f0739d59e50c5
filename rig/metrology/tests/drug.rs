//! Drug through a flow channel, against concentrations that are known at every instant.

use rig_metrology::{DrugIntegrator, DrugMeter, DrugSum, FlowMeter, Measured, NotDosed};
use rig_model::bench::{Accuracy, DrugSensor, FlowSensor};
use rig_model::quantity::Concentration;
use rig_model::time::{RigTime, Span};

const K: f64 = 10.0;
const HOUR_S: i64 = 3_600;

fn at(seconds: f64) -> RigTime {
    RigTime::ZERO + Span::from_seconds(seconds)
}

fn flow() -> FlowSensor {
    FlowSensor {
        k_factor: K,
        k_uncertainty_percent: Some(1.0),
        curve: Default::default(),
        accuracy: Accuracy::default(),
        min_flow: 0.0,
        max_flow: 1e6,
        stroke_gap: Span::milliseconds(500),
        bidirectional: true,
        zero_uncertainty: 0.0,
        resolution: 0.0,
        stamp_half_width: FlowSensor::STAMP_HALF_WIDTH,
        witness: Default::default(),
    }
}

fn photometer(step: f64) -> DrugSensor {
    DrugSensor { uncertainty_percent: Some(2.0), step: Concentration(step), every: Span::minutes(1), max: Concentration(1e5) }
}

fn mass(sum: DrugSum, most: f64) -> Measured {
    let (flow, sensor) = (flow(), photometer(20.0));
    let flow = FlowMeter { sensor: &flow, certificate: None, clock_ppm: 100.0 };
    DrugMeter { flow, sensor: &sensor, certificate: None }.mass(sum, K, Span::hours(1), Concentration(most))
}

/// A pump at one pulse in 0.36 s (1 mL/h) for an hour, a photometer that tells steps of 20 µg/mL, and what truly came in pulses·µg/mL.
fn play(concentration: impl Fn(f64) -> f64, windows: &[Span]) -> (DrugIntegrator, f64, Vec<(f64, f64)>) {
    let sensor = photometer(20.0);
    let mut gathered = DrugIntegrator::new(&sensor, at(0.0), Some((at(-1.0), concentration(0.0))), windows);
    let (mut told, mut told_at, mut truth, mut pulses) = (concentration(0.0), -1.0, 0.0, Vec::new());
    for tick in 1..=(HOUR_S * 100) {
        let t = tick as f64 / 100.0;
        let now = concentration(t);
        if (now - told).abs() >= 20.0 || t - told_at >= 60.0 {
            (told, told_at) = (now, t);
            gathered.reading(at(t), now);
        }
        if tick % 36 == 0 {
            gathered.pulse(at(t), 1);
            truth += now;
            pulses.push((t, now));
        }
    }
    gathered.close(at(HOUR_S as f64));
    (gathered, truth, pulses)
}

/// A concentration over time.
type Course = (&'static str, fn(f64) -> f64);

/// Constant, none, a front in ten seconds, a slow decline, an oscillation of half a step that nobody sees, a jump.
fn courses() -> [Course; 6] {
    [
        ("constant", |_| 1_000.0),
        ("none", |_| 0.0),
        ("front", |t| ((t - 1_800.0) / 10.0 * 1_000.0).clamp(0.0, 1_000.0)),
        ("decline", |t| 1_000.0 * (-t / 1_200.0).exp()),
        ("unseen", |t| 1_000.0 + 9.0 * (t / 7.0).sin()),
        ("jump", |t| if t < 1_800.0 { 2_000.0 } else { 500.0 }),
    ]
}

#[test]
fn what_truly_came_lies_within_what_is_stated() {
    for (name, concentration) in courses() {
        let (gathered, truth, _) = play(concentration, &[]);
        assert_eq!(gathered.trouble(), None, "{name}");
        let sum = gathered.sum();
        assert!((sum.weighted - truth).abs() <= sum.half_width, "{name}: {sum:?}, truly {truth}");
        // 10,000 pulses, one step each, and what changes of the concentration add.
        assert!(sum.half_width <= 10_000.0 * 20.0 * 1.6, "{name}: {sum:?}");
    }
}

#[test]
fn extremes_of_windows_lie_within_what_bins_leave() {
    let window = Span::minutes(10);
    for (name, concentration) in courses() {
        let (gathered, _, pulses) = play(concentration, &[window]);
        let sums: Vec<f64> = pulses
            .iter()
            .filter(|(from, _)| *from <= 3_000.0)
            .step_by(7)
            .map(|(from, _)| pulses.iter().filter(|(t, _)| t >= from && *t < from + 600.0).map(|(_, c)| c).sum())
            .collect();
        let (most, least) = (sums.iter().copied().fold(0.0, f64::max), sums.iter().copied().fold(f64::INFINITY, f64::min));
        let family = gathered.windows(window).expect("it was asked for");
        assert!(family.complete());
        let ((upper, upper_bins), (lower, lower_bins)) = (family.most(), family.least().expect("an hour holds ten minutes"));
        assert!((upper.weighted - most).abs() <= upper.half_width + upper_bins, "{name}: {upper:?} {upper_bins}, truly {most}");
        assert!((lower.weighted - least).abs() <= lower.half_width + lower_bins, "{name}: {lower:?} {lower_bins}, truly {least}");
        // Bins are no more than a window and a half in a hundred.
        assert!(upper_bins <= 0.015 * most + 1.0 && lower_bins <= 0.015 * most + 1.0, "{name}: {upper_bins} {lower_bins}");
    }
}

#[test]
fn windows_are_complete_only_where_one_fits() {
    let (gathered, ..) = play(|_| 1.0, &[Span::hours(1), Span::hours(2)]);
    assert!(gathered.windows(Span::hours(1)).expect("asked for").complete());
    assert!(!gathered.windows(Span::hours(2)).expect("asked for").complete());
    assert!(gathered.windows(Span::hours(3)).is_none());
}

#[test]
fn years_of_silence_cost_nothing() {
    let sensor = photometer(20.0);
    let window = Span::milliseconds(1);
    let mut gathered = DrugIntegrator::new(&sensor, at(0.0), Some((at(0.0), 100.0)), &[window]);
    gathered.pulse(at(1.0), 1);
    gathered.reading(at(2.0), 100.0);
    gathered.pulse(at(1e8), 1);
    gathered.reading(at(1e8 + 1.0), 100.0);
    gathered.close(at(2e8));
    let family = gathered.windows(window).expect("asked for");
    assert_eq!((family.most().0.weighted, family.least().map(|least| least.0.weighted)), (100.0, Some(0.0)));
}

#[test]
fn the_budget_by_hand() {
    // 1,000 pulses of 0.1 µL at 1 mg/mL: 100 µg.
    let measured = mass(DrugSum { weighted: 1e6, half_width: 2e4 }, 1_000.0);
    let names: Vec<&str> = measured.budget.iter().map(|c| &*c.name).collect();
    assert_eq!(names, ["counting", "K-factor", "photometer", "between readings"]);
    let close = |a: f64, b: f64| (a - b).abs() < 1e-9 * b.abs().max(1.0);
    assert!(close(measured.estimate.value, 100.0));
    // A pulse is 0.102 µg at the most; 0.5 % of the K-factor; 1 % of the photometer; 2 µg between readings.
    let variance: f64 = (0.102f64 / 6f64.sqrt()).powi(2) + 0.5f64.powi(2) + 1.0 + (2.0 / 3f64.sqrt()).powi(2);
    assert!(close(measured.estimate.standard_uncertainty, variance.sqrt()));
    // Nothing of no drug, give or take a pulse of the smallest step.
    let none = mass(DrugSum::default(), 0.0);
    assert_eq!(none.estimate.value, 0.0);
    assert!(close(none.estimate.standard_uncertainty, 0.002 / 6f64.sqrt()));
}

#[test]
fn what_nobody_states_is_named() {
    let (flow, sensor) = (flow(), DrugSensor { uncertainty_percent: None, ..photometer(20.0) });
    let meter = DrugMeter { flow: FlowMeter { sensor: &flow, certificate: None, clock_ppm: 100.0 }, sensor: &sensor, certificate: None };
    let measured = meter.mass(DrugSum { weighted: 1e6, half_width: 2e4 }, K, Span::hours(1), Concentration(1_000.0));
    assert_eq!(measured.unstated().map(|c| &*c.name), Some("photometer"));
    assert!(!meter.concentration(1_000.0).estimate.is_sound());
}

#[test]
fn a_photometer_vouches_for_its_range_only() {
    let (flow, sensor) = (flow(), photometer(20.0));
    let meter = DrugMeter { flow: FlowMeter { sensor: &flow, certificate: None, clock_ppm: 100.0 }, sensor: &sensor, certificate: None };
    let inside = meter.concentration(1_000.0).estimate;
    assert!((inside.standard_uncertainty - (100.0f64 + 400.0 / 3.0).sqrt()).abs() < 1e-9, "{inside:?}");
    for outside in [-20.1, 1e5 + 1.0, f64::NAN, f64::INFINITY] {
        assert!(!meter.concentration(outside).estimate.is_sound(), "{outside}");
    }
}

#[test]
fn what_was_not_seen_is_told() {
    let sensor = photometer(20.0);
    let gathered = |before: Option<f64>| DrugIntegrator::new(&sensor, at(0.0), before.map(|c| (at(-1.0), c)), &[]);

    let mut never = gathered(None);
    never.pulse(at(1.0), 1);
    never.close(at(2.0));
    assert_eq!(never.trouble(), Some(NotDosed::NoReading));

    let mut late = gathered(None);
    late.pulse(at(1.0), 1);
    late.pulse(at(1.5), 1);
    late.reading(at(2.0), 100.0);
    late.pulse(at(3.0), 1);
    late.close(at(4.0));
    assert_eq!(late.trouble(), Some(NotDosed::Before(2)));

    // A pulse long after the last reading is known only if one follows soon.
    for (next, trouble) in [(Some(1_050.0), false), (Some(1_061.0), true), (None, true)] {
        let mut silent = gathered(Some(100.0));
        silent.pulse(at(1_000.0), 1);
        next.into_iter().for_each(|next| silent.reading(at(next), 100.0));
        silent.close(at(1_100.0));
        let found = silent.trouble();
        assert_eq!(matches!(found, Some(NotDosed::Silent { .. })), trouble, "{found:?}");
    }
    // Nothing came: silence hides nothing.
    let mut idle = gathered(Some(100.0));
    idle.close(at(10_000.0));
    assert_eq!((idle.trouble(), idle.sum()), (None, DrugSum::default()));
}

#[test]
fn a_batch_of_pulses_may_reach_beyond_the_next_reading() {
    let sensor = photometer(20.0);
    let mut gathered = DrugIntegrator::new(&sensor, at(0.0), Some((at(0.0), 100.0)), &[]);
    (1..=4).for_each(|n| gathered.pulse(at(f64::from(n)), 1));
    gathered.pulse(at(5.0), -1);
    gathered.reading(at(2.5), 100.0);
    gathered.reading(at(2.6), 500.0);
    gathered.close(at(6.0));
    // Two at 100 µg/mL, two less one at 500.
    assert_eq!(gathered.sum().weighted, 700.0);
    assert_eq!(gathered.sum().half_width, 100.0);
}
