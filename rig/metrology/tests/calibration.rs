//! K-factors from weighed deliveries: by hand, and from thousands of simulated calibrations with known truth.

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use rig_metrology::{AsFound, Calibration, Measured, NotCalibrated, PulseFlows, WeighedPulses, as_found, calibrate, grubbs, grubbs_limit};
use rig_model::bench::{Accuracy, FlowSensor, KCurve, KPoint};
use rig_model::budget::{Component, Distribution, Origin};
use rig_model::quantity::Flow;
use rig_model::time::Span;

/// An error of a volume, µL.
fn row(name: &'static str, u: f64, dof: Option<f64>, common: bool) -> Component {
    Component {
        name: name.into(),
        estimate: 0.0,
        unit: "µL".into(),
        distribution: Distribution::Normal,
        standard_uncertainty: Some(u),
        sensitivity: 1.0,
        dof,
        origin: Origin::Derived,
        certificate: None,
        common,
        bound: None,
    }
}

/// A delivery of 200 µL that errs by `single` in itself and by `density` and `balance` with all others.
fn delivery(pulses: i64, volume: f64, flow: f64, [single, density, balance]: [f64; 3]) -> WeighedPulses {
    let rate = flow * pulses as f64 / volume;
    let budget = vec![row("rest", single, None, false), row("density", density, None, true), row("balance", balance, None, true)];
    let rates = PulseFlows { median: rate, least: 0.9 * rate, greatest: 1.1 * rate };
    WeighedPulses { pulses, rates, volume: Measured::new(volume, budget) }
}

#[track_caller]
fn near(is: f64, should: f64, within: f64) {
    assert!((is - should).abs() <= within, "{is} is not {should} ± {within}");
}

#[test]
fn three_deliveries_by_hand() {
    // K = 9.99, 10, 10.01: s = 0.01. Expected of each: 0.002 µL are 0.0001 pulses/µL, counting is 1/(√6 · 200) = 0.00204.
    let deliveries: Vec<_> = [1_998, 2_000, 2_002].map(|n| delivery(n, 200.0, 7_200.0, [0.002, 0.06, 0.08])).into();
    let found = calibrate(&deliveries).unwrap();
    let [point] = found.points() else { panic!("one flow") };
    near(point.k.estimate.value, 10.0, 1e-12);
    near(point.scatter, 0.01, 1e-12);
    near(point.expected_scatter, (0.0001f64.powi(2) + (1.0 / (6f64.sqrt() * 200.0)).powi(2)).sqrt(), 1e-9);
    assert!(point.scatter_chance < 1.0 / 300.0, "5 times as much as expected: {}", point.scatter_chance);
    assert_eq!(point.flow, Flow(7_200.0));
    near(point.greatest.0 / point.least.0, 1.1 / 0.9, 1e-9);
    // u² = (0.01/√3)² + (10 · 0.06/200)² + (10 · 0.08/200)²: s/√n has 2 degrees of freedom, the balance does not average out.
    let repeatability = 0.01 / 3f64.sqrt();
    let variance = repeatability.powi(2) + 0.003f64.powi(2) + 0.004f64.powi(2);
    near(point.k.estimate.standard_uncertainty, variance.sqrt(), 1e-9);
    near(point.k.estimate.effective_dof, variance.powi(2) / (repeatability.powi(4) / 2.0), 1e-4);
    // Student's factor for 2 degrees of freedom is 4.5265 (GUM G.2: 4.53), and goes with the part that has them.
    near(point.k.estimate.expanded(), ((4.5265 * repeatability).powi(2) + 4.0 * 0.005f64.powi(2)).sqrt(), 1e-6);
    let names: Vec<&str> = point.k.budget.iter().map(|c| &*c.name).collect();
    assert_eq!(names, ["repeatability", "density", "balance"]);
    // What the balance's certificate says in mg is not the same fraction of every volume: the density is.
    near(found.reference_percent(), 200.0 * 0.06 / 200.0, 1e-12);
    assert_eq!((found.linearity_percent(), found.curve_residual_percent(), found.curve()), (None, None, None));
}

#[test]
fn deliveries_that_lie_close_by_chance_are_known_no_better_than_they_are() {
    let deliveries: Vec<_> = [2_000; 4].map(|n| delivery(n, 200.0, 7_200.0, [0.2, 0.0, 0.0])).into();
    let found = calibrate(&deliveries).unwrap();
    let point = &found.points()[0];
    assert_eq!((point.scatter, point.scatter_chance), (0.0, 1.0));
    near(point.k.estimate.standard_uncertainty, point.expected_scatter / 2.0, 1e-12);
    assert!(point.expected_scatter > 0.01);
}

#[test]
fn points_are_in_the_order_of_flow_and_flows_within_a_tenth_are_one() {
    let at = |flow: f64, pulses: i64| delivery(pulses, 200.0, flow, [0.02, 0.1, 0.0]);
    let mut deliveries = vec![at(7_200.0, 2_040), at(1_000.0, 2_000), at(3_000.0, 2_010)];
    for _ in 0..2 {
        deliveries.extend([at(1_050.0, 2_000), at(7_300.0, 2_040), at(3_100.0, 2_010)]);
    }
    let found = calibrate(&deliveries).unwrap();
    let flows: Vec<f64> = found.points().iter().map(|p| p.flow.0.round()).collect();
    assert_eq!(flows, [1_033.0, 3_067.0, 7_267.0]);
    assert_eq!(found.points()[0].deliveries, [1, 3, 6]);
    near(found.k_factor(), (10.0 + 10.05 + 10.2) / 3.0, 1e-12);
    near(found.linearity_percent().unwrap(), 100.0 * (10.2 / (30.25 / 3.0) - 1.0), 1e-9);
    let line = 10.0 + 0.2 * (9_200.0 - 3_100.0) / (21_800.0 - 3_100.0);
    near(found.curve_residual_percent().unwrap(), 100.0 * (10.05 / line - 1.0f64).abs(), 1e-9);
    let curve = found.curve().unwrap();
    assert_eq!(curve.points().len(), 3);
    near(curve.points()[2].k_factor, 10.2, 1e-12);
}

#[test]
fn what_is_no_calibration_says_why() {
    let good = || (0..3).map(|_| delivery(2_000, 200.0, 7_200.0, [0.02, 0.1, 0.0])).collect::<Vec<_>>();
    let with = |change: &dyn Fn(&mut Vec<WeighedPulses>)| {
        let mut deliveries = good();
        change(&mut deliveries);
        calibrate(&deliveries).unwrap_err()
    };
    assert_eq!(calibrate(&[]).unwrap_err(), NotCalibrated::NoDelivery);
    assert!(matches!(with(&|d| drop(d.pop())), NotCalibrated::TooFew { n: 2, .. }));
    assert!(matches!(with(&|d| d.push(delivery(2_000, 200.0, 1_000.0, [0.02, 0.1, 0.0]))), NotCalibrated::TooFew { n: 1, .. }));
    for bad in [0.0, -200.0, f64::NAN, f64::INFINITY] {
        assert_eq!(with(&|d| d[1].volume.estimate.value = bad), NotCalibrated::Volume(2), "{bad}");
    }
    assert_eq!(with(&|d| d[1].volume.estimate.standard_uncertainty = f64::NAN), NotCalibrated::Volume(2));
    assert_eq!(with(&|d| d[1].volume.budget.clear()), NotCalibrated::Volume(2), "what is common is not known");
    let unstated = with(&|d| d[2].volume.budget[2].standard_uncertainty = None);
    assert_eq!(unstated, NotCalibrated::Unstated { delivery: 3, what: "balance".into() });
    for pulses in [0, -5] {
        assert_eq!(with(&|d| d[0].pulses = pulses), NotCalibrated::Pulses(1));
    }
    for rate in [0.0, f64::NAN, f64::INFINITY] {
        assert_eq!(with(&|d| d[0].rates.median = rate), NotCalibrated::Pulses(1), "{rate}");
    }
    let many = (1..=17).flat_map(|i| (0..3).map(move |_| delivery(2_000, 200.0, 1_000.0 * 1.2f64.powi(i), [0.02, 0.1, 0.0])));
    assert_eq!(calibrate(&many.collect::<Vec<_>>()).unwrap_err(), NotCalibrated::TooManyPoints(17));
}

#[test]
fn a_delivery_that_contradicts_the_others_is_named_and_not_left_out() {
    let near_ten = [2_000, 2_001, 1_999, 2_002, 1_998, 2_000, 2_001];
    let mut deliveries: Vec<_> = near_ten.map(|n| delivery(n, 200.0, 7_200.0, [0.02, 0.1, 0.0])).into();
    assert!(calibrate(&deliveries).is_ok());
    deliveries[4] = delivery(2_040, 200.0, 7_200.0, [0.02, 0.1, 0.0]);
    let NotCalibrated::Disagreement { delivery, k, others } = calibrate(&deliveries).unwrap_err() else { panic!("the fifth is off") };
    assert_eq!(delivery, 5);
    near(k, 10.2, 1e-12);
    near(others, 10.0025, 1e-12);
    // As far from the others, measured against their scatter, but well within what its own budget leaves open.
    let loose: Vec<_> =
        [2_000, 2_000, 2_000, 2_000, 2_000, 2_000, 2_002].map(|n| self::delivery(n, 200.0, 7_200.0, [1.0, 0.1, 0.0])).into();
    assert!(calibrate(&loose).is_ok());
}

/// ISO 5725-2, table 5: one largest or one smallest, upper 1 % and upper 5 %. The table's last digit is not always the nearest.
#[test]
fn the_limits_of_grubbs_are_those_of_the_standard() {
    for (n, one, five) in
        [(3, 1.155, 1.155), (4, 1.496, 1.481), (5, 1.764, 1.715), (6, 1.973, 1.887), (10, 2.482, 2.290), (20, 3.001, 2.709)]
    {
        near(grubbs_limit(n, 0.01).unwrap(), one, 1e-3);
        near(grubbs_limit(n, 0.05).unwrap(), five, 1e-3);
    }
    assert_eq!((grubbs_limit(2, 0.01), grubbs(&[1.0, 2.0]), grubbs(&[1.0; 5])), (None, None, None));
}

fn sensor(k: f64) -> FlowSensor {
    FlowSensor {
        k_factor: k,
        k_uncertainty_percent: Some(0.5),
        curve: KCurve::default(),
        accuracy: Accuracy::default(),
        min_flow: 0.0,
        max_flow: 20_000.0,
        stroke_gap: Span::seconds(1),
        bidirectional: false,
        zero_uncertainty: 0.0,
        resolution: 0.0,
        stamp_half_width: FlowSensor::STAMP_HALF_WIDTH,
        witness: Default::default(),
    }
}

#[test]
fn as_found_beside_what_the_bench_went_by() {
    let found = calibrate(&(0..3).map(|_| delivery(2_020, 200.0, 7_200.0, [0.02, 0.1, 0.0])).collect::<Vec<_>>()).unwrap();
    let point = &found.points()[0];
    let against = |sensor: &FlowSensor| as_found(point, sensor).unwrap();
    let off = against(&sensor(10.0));
    near(off.deviation_percent, 1.0, 1e-9);
    assert!(!off.within() && off.stated_percent == Some(0.5));
    assert!(against(&sensor(10.06)).within());
    // A linearity of ±1.2 % is stated too: 2 · √(0.25² + 1.2²/3) = 1.47 %.
    let wide = FlowSensor { accuracy: Accuracy { linearity_percent: 1.2, ..Accuracy::default() }, ..sensor(10.0) };
    near(against(&wide).stated_percent.unwrap(), (0.25 + 4.0 * 0.48f64).sqrt(), 1e-9);
    assert!(against(&wide).within());
    assert!(!against(&FlowSensor { k_uncertainty_percent: None, ..sensor(10.1) }).within(), "nothing was stated to be within of");
    let points = [(1_000.0, 10.0), (7_000.0, 10.1)].map(|(flow, k_factor)| KPoint { flow, k_factor });
    let short = FlowSensor { curve: KCurve::new(&points).unwrap(), ..sensor(10.0) };
    assert_eq!(as_found(point, &short), None::<AsFound>);
}

struct Draws(ChaCha8Rng);

impl Draws {
    fn uniform(&mut self) -> f64 {
        ((self.0.next_u64() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

/// One calibration of a sensor of this K-factor, `n` deliveries at each of two flows. `beyond` is what the sensor scatters relatively, of which
/// no budget says anything.
fn simulated(draws: &mut Draws, k: f64, n: usize, beyond: f64) -> Result<Calibration, NotCalibrated> {
    // 0.1 µL in each delivery of 200 µL, 0.1 % in all of them, 0.05 µL from the balance's certificate.
    let u = [0.1, 0.2, 0.05];
    let (density, balance) = (u[1] * draws.normal(), u[2] * draws.normal());
    let mut deliveries = Vec::new();
    for flow in [1_000.0, 7_200.0] {
        for _ in 0..n {
            let truth = 200.0 * (1.0 + 0.005 * draws.normal());
            // The pulse under way at the start has any phase.
            let pulses = truth * k * (1.0 + beyond * draws.normal());
            let pulses = (pulses + draws.uniform()).floor() as i64;
            let shown = truth + u[0] * draws.normal() + density * truth / 200.0 + balance;
            let mut delivery = delivery(pulses, shown, flow, u);
            delivery.volume.budget[1].sensitivity = shown / 200.0;
            deliveries.push(delivery);
        }
    }
    calibrate(&deliveries)
}

#[test]
fn the_stated_interval_holds_the_true_k_factor() {
    let mut draws = Draws(ChaCha8Rng::seed_from_u64(1));
    for (n, beyond) in [(3, 0.0), (3, 0.003), (5, 0.003), (10, 0.0), (10, 0.003)] {
        let (mut all, mut held, mut errors, mut widths) = (0u32, 0u32, Vec::new(), 0.0);
        let mut refused = 0;
        for _ in 0..2_000 {
            let k = 9.0 + 2.0 * draws.uniform();
            let found = match simulated(&mut draws, k, n, beyond) {
                Ok(found) => found,
                Err(NotCalibrated::Disagreement { .. }) => {
                    refused += 1;
                    continue;
                }
                Err(other) => panic!("{other}"),
            };
            for point in found.points() {
                let estimate = point.k.estimate;
                let error = (estimate.value - k).abs();
                all += 1;
                held += u32::from(error <= estimate.expanded());
                errors.push(error / k);
                widths += estimate.expanded() / k;
            }
        }
        let coverage = f64::from(held) / f64::from(all);
        errors.sort_by(f64::total_cmp);
        let needed = errors[(errors.len() as f64 * 0.9545) as usize];
        let ratio = widths / f64::from(all) / needed;
        assert!(coverage >= 0.94, "{n} deliveries, {beyond} beyond: {coverage}");
        // Where the scatter is all from few deliveries Student's factor is the price of not knowing it.
        assert!(n < 10 || ratio <= 1.3, "{n} deliveries, {beyond} beyond: {ratio} times as wide as needed");
        assert!(refused < 40, "of 2,000 calibrations with two points one in 150 is refused by chance: {refused}");
    }
}
