//! Volume from mass: densities against values computed elsewhere (`golden/gravimetry.py`), the budget against a Monte Carlo evaluation, and
//! whole weighings with known truth.

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use rig_metrology::{
    BalanceFigures, MIN_REST_READINGS, Measured, NoRest, NotWeighed, Rest, RestFit, Weighing, air_density, water_density, z_factor,
};
use rig_model::budget::{Distribution, Origin};
use rig_model::quantity::Volume;
use rig_model::time::{RigTime, Span};
use rig_model::weighing::{Air, Liquid, Tube};

const GOLDEN: &str = include_str!("golden/gravimetry.csv");

/// The rows of one kind: three arguments and the value.
fn golden(kind: &str) -> Vec<([f64; 3], f64)> {
    let mut reader = csv::Reader::from_reader(GOLDEN.as_bytes());
    let rows = reader.records().map(|row| row.expect("a row"));
    let number = |text: &str| text.parse().unwrap_or(f64::NAN);
    rows.filter(|row| &row[0] == kind).map(|row| ([number(&row[1]), number(&row[2]), number(&row[3])], number(&row[4]))).collect()
}

#[track_caller]
fn near(is: f64, should: f64, within: f64) {
    assert!((is - should).abs() <= within, "{is} is not {should} ± {within}");
}

#[test]
fn densities_and_z_are_those_computed_elsewhere() {
    let water = golden("water");
    assert_eq!(water.len(), 11);
    for ([t, ..], density) in water {
        near(water_density(t).expect("in range"), density, 1e-10);
    }
    for ([t, air, _], z) in golden("z") {
        near(z_factor(water_density(t).expect("in range"), air, 8_000.0).expect("sound"), z, 1e-13);
    }
    let air = golden("air");
    assert_eq!(air.len(), 7);
    for ([t, p, h], density) in air {
        near(air_density(t, p, h).expect("in range"), density, 2e-4 * density);
    }
}

#[test]
fn tables_of_handbooks() {
    // The formula to four decimals, as handbooks print it.
    for (t, density) in [(0.0, 999.8428), (4.0, 999.9749), (10.0, 999.7027), (20.0, 998.2067), (25.0, 997.0470), (40.0, 992.2152)] {
        near(water_density(t).expect("in range"), density, 5.1e-5);
    }
    // SOURCES 4.2.
    for (t, z) in [(18.0, 1.002_46), (20.0, 1.002_85), (22.0, 1.003_29), (25.0, 1.004_02), (37.0, 1.007_78)] {
        near(z_factor(water_density(t).expect("in range"), 1.2, 8_000.0).expect("sound"), z, 5e-6);
    }
    // The plain m/0.998 of IEC 60601-2-24 reads 0.085 % less.
    near((1.0 / 0.998 / 1.002_851_79 - 1.0) * 100.0, -0.085, 5e-4);
}

#[test]
fn outside_their_range_there_is_no_density() {
    for t in [-0.1, 40.1, f64::NAN, f64::INFINITY] {
        assert_eq!(water_density(t), None);
    }
    for (t, p, h) in
        [(9.9, 100.0, 50.0), (30.1, 100.0, 50.0), (20.0, 89.0, 50.0), (20.0, 1013.0, 50.0), (20.0, 100.0, 81.0), (20.0, 100.0, -1.0)]
    {
        assert_eq!(air_density(t, p, h), None, "{t} {p} {h}");
    }
    for (liquid, air, weights) in
        [(0.0, 1.2, 8e3), (1.0, 1.2, 8e3), (998.0, -1.0, 8e3), (998.0, 1.2, 1.0), (f64::NAN, 1.2, 8e3), (998.0, f64::NAN, 8e3)]
    {
        assert_eq!(z_factor(liquid, air, weights), None, "{liquid} {air} {weights}");
    }
}

fn s(seconds: f64) -> RigTime {
    RigTime::ZERO + Span::from_seconds(seconds)
}

fn rest(from: f64, to: f64, indication: f64, rate: f64) -> Rest {
    let middle = s(f64::midpoint(from, to));
    Rest { from: s(from), to: s(to), middle, indication, rate, u_indication: 0.004, u_rate: 0.3, dof: 14.0 }
}

/// 100 µL in two minutes between two rests of five minutes, on a balance of 0.01 mg; water evaporates from a dish.
fn delivery() -> Weighing<'static> {
    // 5 µL/h evaporate, which is 5.0 mg/h in round figures.
    let rate = -5.0;
    let gained = 100.0 / 1.002_851_79 / 0.99;
    let before = rest(0.0, 300.0, 1_000.0, rate);
    // From middle to middle 420 s; it evaporated all the time.
    let after = rest(420.0, 720.0, 1_000.0 + gained + rate * 420.0 / 3_600.0, rate);
    Weighing {
        before,
        after,
        // Repeatability 0.015 mg of either reading and the certificate's part: U of a difference 0.05 mg.
        balance: BalanceFigures {
            resolution: 0.01,
            expanded: Some(0.05),
            sensitivity_ppm: 0.0,
            wander: 0.0,
            rest_rate_at_most: 10.0,
            certificate: None,
        },
        liquid: Liquid::Water { celsius: 20.0, half_width: 0.5 },
        air: Air::Assumed,
        // 1 % of the vessel's section, known to 10 % of itself: half of that from either diameter would do as well.
        tube: Some(Tube { tube: 1.0, tube_half_width: 0.05, vessel: 10.0, vessel_half_width: 0.0 }),
        start_stop: Volume(0.2),
    }
}

fn contribution(measured: &Measured, name: &str) -> f64 {
    let row = measured.budget.iter().find(|c| c.name == name).unwrap_or_else(|| panic!("no row `{name}`"));
    row.contribution().expect("stated")
}

#[test]
fn the_worked_example_of_the_domain() {
    // SOURCES 4.5: 100 µL, single delivery, 0.01 mg: dominated by start and stop ±0.2 µL, the tube and evaporation, U = 0.27 µL. It states
    // these; the rest is what such a balance has, with evaporation from an open dish known to 6 % by either rest.
    let measured = delivery().volume().expect("weighed");
    near(measured.estimate.value, 100.0, 1e-6);
    near(measured.estimate.expanded(), 0.27, 0.005);
    // Where it comes from: 0.2/√3, 0.1/√3, 0.025 mg · Z · f, 0.01/√6 · Z · f, 0.3 mg/h by lever arms of (150 + 60) s, twice.
    let factor = 1.002_851_79 * 0.99;
    for (name, u) in [
        ("start and stop", 0.2 / 3f64.sqrt()),
        ("diameter of the tube", 100.0 / 0.99 * 2.0 * 0.01 / 1.0 * 0.05 / 3f64.sqrt()),
        ("balance", 0.025 * factor),
        ("resolution", 0.01 / 6f64.sqrt() * factor),
        ("rate at rest before", 0.3 * 210.0 / 3_600.0 * factor),
        ("rate at rest after", 0.3 * 210.0 / 3_600.0 * factor),
        ("indication before", 0.004 * factor),
        ("change of the rate at rest", 0.0),
        // 0.2067 kg/m³ per K, ±0.5 K: 60 ppm of 100 µL.
        ("temperature of the water", 100.0 * 0.2067 * 0.5 / 997.007 / 3f64.sqrt()),
        ("density of water", 100.0 * 0.01 / 997.007 / 3f64.sqrt()),
        ("density of the air", 100.0 * (1.0 / 997.007 - 1.0 / 7_998.8) * 0.15 / 3f64.sqrt()),
    ] {
        near(contribution(&measured, name), u, 2e-5);
    }
    let of = |name| contribution(&measured, name).powi(2) / measured.estimate.standard_uncertainty.powi(2);
    assert!(of("start and stop") > 0.7 && of("diameter of the tube") > 0.15);
    assert!(measured.budget.iter().all(|c| c.origin != Origin::Certificate));
}

#[test]
fn evaporation_is_added_and_not_forgotten() {
    let still = |rate_before, rate_after| {
        let (before, after) = (rest(0.0, 600.0, 0.0, rate_before), rest(4_200.0, 4_800.0, 0.0, rate_after));
        Weighing { before, after, tube: None, start_stop: Volume(0.0), ..delivery() }.volume().expect("weighed")
    };
    // 4200 s from middle to middle at 3.6 mg/h.
    near(still(-3.6, -3.6).estimate.value, 4.2 * 1.002_851_79, 1e-6);
    let changed = still(-3.0, -4.2);
    near(changed.estimate.value, 4.2 * 1.002_851_79, 1e-6);
    // 0.6 mg/h either way, over the hour in between.
    near(contribution(&changed, "change of the rate at rest"), 0.6 / 3f64.sqrt() * 1.002_851_79, 1e-6);
}

#[test]
fn what_drips_at_rest_is_not_taken_for_evaporation() {
    // A fifth of 100 µL/h drips before, after, or both: its drops would be taken off what the pump delivered.
    let rates = |before, after, wander| {
        let balance = BalanceFigures { rest_rate_at_most: 2.0, wander, ..delivery().balance };
        let of = |rest: Rest, rate| Rest { rate, ..rest };
        Weighing { before: of(delivery().before, before), after: of(delivery().after, after), balance, ..delivery() }.volume()
    };
    for (before, after, why) in [
        (20.0, 20.0, NotWeighed::Gains(20.0)),
        (-0.1, 20.0, NotWeighed::Gains(20.0)),
        (1.5, -0.1, NotWeighed::Gains(1.5)),
        (-2.1, -0.1, NotWeighed::RestRate { rate: -2.1, at_most: 2.0 }),
        (-0.1, f64::NEG_INFINITY, NotWeighed::RestRate { rate: f64::NEG_INFINITY, at_most: 2.0 }),
        (-1.9, 0.8, NotWeighed::RatesDiffer { before: -1.9, after: 0.8 }),
    ] {
        assert_eq!(rates(before, after, 0.0).expect_err("refused"), why, "{why}");
    }
    assert!(rates(f64::NAN, 0.0, 0.0).is_err());
    assert!(NotWeighed::Gains(20.0).to_string().contains("it leaks, or something drips onto the pan"));
    // u = 0.3 mg/h with 14 degrees of freedom: up to 0.96 mg/h may be chance. And so may all be of a balance that wanders.
    for (before, after, wander) in [(-1.9, -1.9, 0.0), (0.9, 0.9, 0.0), (-1.9, 0.0, 0.0), (1.5, -0.1, 0.2), (-1.9, 0.8, 0.3)] {
        assert!(rates(before, after, wander).is_ok(), "{before} {after} {wander}");
    }
}

#[test]
fn what_nobody_states_gives_no_verdict() {
    let unstated = BalanceFigures { expanded: None, ..delivery().balance };
    let measured = Weighing { balance: unstated, ..delivery() }.volume().expect("weighed");
    assert_eq!(measured.unstated().expect("the balance").name, "balance");
    assert!(!measured.estimate.is_sound());
    let liquid = Liquid::Stated { density: 1_004.0, expanded: None };
    let measured = Weighing { liquid, ..delivery() }.volume().expect("weighed");
    assert_eq!(measured.unstated().expect("the liquid").name, "density of the liquid");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let tube = |tube, vessel| Some(Tube { tube, tube_half_width: 0.0, vessel, vessel_half_width: 0.0 });
    let balance = |resolution, expanded| BalanceFigures { resolution, expanded, ..delivery().balance };
    for (wrong, why) in [
        (Weighing { before: delivery().after, after: delivery().before, ..delivery() }, NotWeighed::OutOfOrder),
        (Weighing { liquid: Liquid::Water { celsius: 45.0, half_width: 0.5 }, ..delivery() }, NotWeighed::WaterTemperature(45.0)),
        (Weighing { liquid: Liquid::Stated { density: -1.0, expanded: None }, ..delivery() }, NotWeighed::Density),
        (Weighing { liquid: Liquid::Stated { density: 1.0, expanded: Some(0.1) }, ..delivery() }, NotWeighed::Density),
        (Weighing { air: Air::Measured { celsius: 20.0, pressure: 1_013.0, humidity: 50.0 }, ..delivery() }, NotWeighed::AirCondition),
        (Weighing { tube: tube(10.0, 10.0), ..delivery() }, NotWeighed::Diameters),
        (Weighing { tube: tube(f64::NAN, 10.0), ..delivery() }, NotWeighed::Diameters),
        (Weighing { balance: balance(-0.01, None), ..delivery() }, NotWeighed::Balance),
        (Weighing { balance: balance(0.01, Some(f64::NAN)), ..delivery() }, NotWeighed::Balance),
    ] {
        assert_eq!(wrong.volume().expect_err("refused"), why, "{why}");
    }
    let above = Weighing { tube: tube(0.0, 10.0), ..delivery() }.volume().expect("no tube at all");
    near(above.estimate.value, Weighing { tube: None, ..delivery() }.volume().expect("weighed").estimate.value, 1e-12);
    assert!(above.estimate.is_sound());
}

/// Draws for the tests; the generator is a specified one.
struct Draws(ChaCha8Rng);

impl Draws {
    fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    fn uniform(&mut self) -> f64 {
        ((self.0.next_u64() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    /// Within ±1.
    fn rectangular(&mut self) -> f64 {
        2.0 * self.uniform() - 1.0
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

/// The model written out once more, without a derivative.
#[allow(clippy::too_many_arguments, reason = "each is an input of the model")]
fn model(before: (f64, f64), after: (f64, f64), change: f64, off: f64, celsius: f64, formula: f64, air: f64, share: f64, ends: f64) -> f64 {
    let (at_before, at_after) = (before.0 + before.1 * 150.0 / 3_600.0, after.0 - after.1 * 150.0 / 3_600.0);
    let mass = at_after - at_before - ((before.1 + after.1) / 2.0 + change) * 120.0 / 3_600.0 + off;
    let rho = water_density(celsius).expect("in range") + formula;
    mass * 1e3 / rho * (1.0 - air / 8_000.0) / (1.0 - air / rho) * (1.0 - share) + ends
}

#[test]
fn the_linear_budget_agrees_with_a_monte_carlo_evaluation() {
    // JCGM 101. Rates at rest that differ, so that each row counts.
    let mut weighing = delivery();
    weighing.after.rate = -7.0;
    weighing.tube = Some(Tube { tube: 1.0, tube_half_width: 0.05, vessel: 10.0, vessel_half_width: 0.3 });
    let linear = weighing.volume().expect("weighed").estimate;
    let (b, a) = (weighing.before, weighing.after);
    let mut draws = Draws::new(1);
    let n = 200_000;
    let values: Vec<f64> = (0..n)
        .map(|_| {
            let d = &mut draws;
            let before = (b.indication + b.u_indication * d.normal(), b.rate + b.u_rate * d.normal());
            let after = (a.indication + a.u_indication * d.normal(), a.rate + a.u_rate * d.normal());
            let off = 0.025 * d.normal() + 0.005 * (d.rectangular() + d.rectangular());
            model(
                before,
                after,
                1.0 * d.rectangular(),
                off,
                20.0 + 0.5 * d.rectangular(),
                0.01 * d.rectangular(),
                1.2 + 0.15 * d.rectangular(),
                ((1.0 + 0.05 * d.rectangular()) / (10.0 + 0.3 * d.rectangular())).powi(2),
                0.2 * d.rectangular(),
            )
        })
        .collect();
    let mean = values.iter().sum::<f64>() / f64::from(n);
    let deviation = (values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / f64::from(n - 1)).sqrt();
    near(mean, linear.value, 4.0 * deviation / f64::from(n).sqrt() + 1e-3);
    // Four standard errors of a standard deviation.
    near(deviation / linear.standard_uncertainty, 1.0, 4.0 / (2.0 * f64::from(n)).sqrt());
    // The interval holds what it promises, and is not wide for nothing.
    let inside = values.iter().filter(|v| (**v - linear.value).abs() <= linear.expanded()).count() as f64 / f64::from(n);
    assert!((0.95..0.99).contains(&inside), "{inside}");
}

#[test]
fn a_rest_is_a_line() {
    let mut fit = RestFit::new(0.0);
    // Exactly −2 mg/h from 500 mg on.
    for n in 0..1_000 {
        let t = f64::from(n) * 0.5;
        fit.push(s(t), 500.0 - 2.0 * t / 3_600.0).expect("a reading");
    }
    let rest = fit.finish().expect("enough");
    assert_eq!((rest.from, rest.to, rest.middle), (s(0.0), s(499.5), s(249.75)));
    near(rest.rate, -2.0, 1e-9);
    near(rest.indication_at(s(3_600.0)), 498.0, 1e-9);
    near(rest.u_rate, 0.0, 1e-9);
    assert!(rest.dof >= 14.0 && rest.dof <= 29.0);
}

#[test]
fn a_balance_that_shows_one_step_is_not_known_better_than_to_it() {
    let mut fit = RestFit::new(0.01);
    for n in 0..256 {
        fit.push(s(f64::from(n)), 12.34).expect("a reading");
    }
    let rest = fit.finish().expect("enough");
    near(rest.u_rate, 0.01 / 6f64.sqrt() / (255.0 / 3_600.0), 1e-9);
}

#[test]
fn what_is_no_rest() {
    let mut fit = RestFit::new(0.01);
    assert_eq!(fit.finish(), Err(NoRest::TooFew(0)));
    fit.push(s(1.0), 1.0).expect("a reading");
    for (at, mg, why) in [
        (2.0, f64::NAN, NoRest::NoNumber),
        (2.0, f64::INFINITY, NoRest::NoNumber),
        (1.0, 1.0, NoRest::OutOfOrder),
        (0.0, 1.0, NoRest::OutOfOrder),
    ] {
        assert_eq!(fit.push(s(at), mg), Err(why));
    }
    for n in 2..MIN_REST_READINGS {
        fit.push(s(n as f64), 1.0).expect("a reading");
    }
    assert_eq!(fit.finish(), Err(NoRest::TooFew(MIN_REST_READINGS - 1)));
    fit.push(s(1e6), 1.0).expect("a reading");
    assert!(fit.finish().is_ok());
}

/// White noise of 1 mg, and noise that remembers: neighbours correlate by `memory`.
fn noisy_rest(draws: &mut Draws, readings: u32, memory: f64) -> Rest {
    let mut fit = RestFit::new(0.0);
    let mut state = draws.normal();
    for n in 0..readings {
        state = memory * state + (1.0 - memory * memory).sqrt() * draws.normal();
        fit.push(s(f64::from(n)), -0.5 * f64::from(n) / 3_600.0 + state).expect("a reading");
    }
    fit.finish().expect("enough")
}

#[test]
fn scatter_is_told_honestly_with_and_without_memory() {
    let mut draws = Draws::new(5);
    for (readings, memory, least) in
        [(128, 0.0, 0.94), (MIN_REST_READINGS as u32, 0.5, 0.93), (1_000, 0.0, 0.94), (4_096, 0.9, 0.93), (6_000, 0.9, 0.93)]
    {
        let rests: Vec<Rest> = (0..2_000).map(|_| noisy_rest(&mut draws, readings, memory)).collect();
        let held = |right: &dyn Fn(&Rest) -> bool| rests.iter().filter(|r| right(r)).count() as f64 / rests.len() as f64;
        let rate = held(&|r| (r.rate + 0.5).abs() <= rig_metrology::t_factor(r.dof) * r.u_rate);
        let truth = -0.5 * f64::from(readings - 1) / 2.0 / 3_600.0;
        let indication = held(&|r| (r.indication - truth).abs() <= rig_metrology::t_factor(r.dof) * r.u_indication);
        // Four standard errors of a share of 2000 are 0.02.
        assert!(rate > least - 0.01 && indication > least - 0.01, "{readings} {memory}: {rate} {indication}");
        assert!(rate < 0.98 && indication < 0.98, "not too careful either");
    }
}

/// One bench of many: its errors are drawn once, then it weighs a delivery of `truth` µL.
fn bench(draws: &mut Draws, truth: f64) -> Measured {
    let off = 1.0 + 50e-6 * draws.rectangular();
    let rho = water_density(20.0 + 0.5 * draws.rectangular()).expect("in range") + 0.01 * draws.rectangular();
    let air = 1.2 + 0.15 * draws.rectangular();
    let tube = 1.0 + 0.05 * draws.rectangular();
    let per_microlitre = rho / 1e3 * (1.0 - air / rho) / (1.0 - air / 8_000.0) / (1.0 - tube * tube / 100.0) * off;
    let certificate = 0.025 * draws.normal();
    let ends = 0.02 * draws.rectangular();
    let evaporation = -2.0 + 0.5 * draws.normal();
    let walk = 0.02 * (1.0f64 / 3_600.0).sqrt();
    let (mut before, mut after) = (RestFit::new(0.01), RestFit::new(0.01));
    let mut drift = 0.0;
    for second in 0..1_800 {
        drift += walk * draws.normal();
        let delivered = if second < 600 { 0.0 } else { ((f64::from(second) - 600.0) / 600.0).min(1.0) * (truth + ends) };
        let mut mass = 5_000.0 + per_microlitre * delivered + evaporation * f64::from(second) / 3_600.0 + drift + 0.015 * draws.normal();
        if second >= 600 {
            mass += certificate;
        }
        let shown = (mass / 0.01).round() * 0.01;
        match second {
            0..=600 => before.push(s(f64::from(second)), shown).expect("a reading"),
            1_200.. => after.push(s(f64::from(second)), shown).expect("a reading"),
            _ => {}
        }
    }
    let balance = BalanceFigures {
        resolution: 0.01,
        expanded: Some(0.05),
        sensitivity_ppm: 50.0,
        wander: 0.02,
        rest_rate_at_most: 10.0,
        certificate: None,
    };
    let (before, after) = (before.finish().expect("enough"), after.finish().expect("enough"));
    Weighing { before, after, balance, start_stop: Volume(0.02), ..delivery() }.volume().expect("weighed")
}

#[test]
fn the_interval_holds_the_truth_on_many_benches() {
    let mut draws = Draws::new(11);
    let benches: Vec<Measured> = (0..2_000).map(|_| bench(&mut draws, 50.0)).collect();
    let held = benches.iter().filter(|m| (m.estimate.value - 50.0).abs() <= m.estimate.expanded()).count() as f64 / 2_000.0;
    assert!(held >= 0.94, "{held}");
    let mut errors: Vec<f64> = benches.iter().map(|m| (m.estimate.value - 50.0).abs()).collect();
    errors.sort_by(f64::total_cmp);
    let needed = errors[1_900];
    let stated = benches.iter().map(|m| m.estimate.expanded()).sum::<f64>() / 2_000.0;
    assert!(stated <= 1.3 * needed, "{stated} where {needed} would do");
    assert!(benches.iter().all(|m| m.budget.iter().all(|c| c.distribution != Distribution::Student || c.dof.is_some())));
}
