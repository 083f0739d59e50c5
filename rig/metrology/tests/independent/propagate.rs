//! Propagation of distributions (JCGM 101): each input of a budget is drawn from the distribution that its row states, the model is computed as it
//! is and not as a straight line, and u and U are held against what comes out.

use rig_metrology::{
    BalanceFigures, COVERAGE, Gate, Measured, Pulses, Rest, Start, Weighing, duration, over_time, pressure, water_density,
};
use rig_model::bench::PressureSensor;
use rig_model::budget::{Component, Distribution};
use rig_model::quantity::{Pressure, Volume};
use rig_model::time::Span;
use rig_model::weighing::{Air, Liquid, Tube};

use crate::cases::at;
use crate::draws::Draws;
use crate::truth::{FULL, Stated};

const DRAWS: usize = 50_000;

/// The inputs of one draw: best estimate and what was drawn to be off from it, by the row's name.
struct Inputs<'m> {
    measured: &'m Measured,
    off: Vec<f64>,
}

impl Inputs<'_> {
    /// How far the input of this name is off, in its unit; the row must be there, so that a renamed one is missed.
    fn off(&self, name: &str) -> f64 {
        let row = self.measured.budget.iter().position(|c| c.name == name);
        self.off[row.unwrap_or_else(|| panic!("no row `{name}`"))]
    }
}

fn draw(component: &Component, draws: &mut Draws) -> f64 {
    let u = component.standard_uncertainty.expect("stated");
    u * match component.distribution {
        Distribution::Normal => draws.normal(),
        Distribution::Rectangular => draws.within(3f64.sqrt()),
        Distribution::Triangular => draws.triangular(6f64.sqrt()),
        Distribution::Student => draws.student(component.dof.expect("stated") as u32),
    }
}

/// u within four standard errors of a standard deviation and `beyond`, and U within 1.3 of what is needed and never less than 94 % of it. Each row
/// must be read by the model, so that none is left out.
#[track_caller]
fn agree(name: &str, seed: u64, measured: &Measured, beyond: f64, model: impl Fn(&Inputs<'_>) -> f64) {
    let mut draws = Draws::new(seed);
    let best = model(&Inputs { measured, off: vec![0.0; measured.budget.len()] });
    assert!((best - measured.estimate.value).abs() <= 1e-9 * best.abs(), "{name}: {best} is not {}", measured.estimate.value);
    for (i, row) in measured.budget.iter().enumerate() {
        let u = row.standard_uncertainty.expect("stated");
        let off = (0..measured.budget.len()).map(|j| if i == j { u / 100.0 } else { 0.0 }).collect();
        let slope = (model(&Inputs { measured, off }) - best) / (u / 100.0);
        // The sign of an error that may lie either way is nobody's.
        let close = (slope.abs() - row.sensitivity.abs()).abs() <= 2e-3 * row.sensitivity.abs() + 1e-9;
        assert!(u == 0.0 || close, "{name}: the sensitivity to {} is {slope} and not {}", row.name, row.sensitivity);
    }
    let mut errors: Vec<f64> = (0..DRAWS)
        .map(|_| model(&Inputs { measured, off: measured.budget.iter().map(|c| draw(c, &mut draws)).collect() }) - best)
        .collect();
    let scatter = (errors.iter().map(|e| e * e).sum::<f64>() / DRAWS as f64).sqrt();
    let ratio = scatter / measured.estimate.standard_uncertainty;
    errors.iter_mut().for_each(|e| *e = e.abs());
    errors.sort_by(f64::total_cmp);
    let width = measured.estimate.expanded() / errors[(DRAWS as f64 * COVERAGE) as usize];
    println!("{name:28} u {ratio:.4}  U {width:.3}");
    let within = 4.0 / (2.0 * DRAWS as f64).sqrt() + beyond;
    assert!((ratio - 1.0).abs() <= within, "{name}: the draws scatter by {ratio} u, not 1 ± {within}");
    assert!((0.96..1.3).contains(&width), "{name}: U is {width} times what is needed");
}

/// A sensor that also has a zero.
const WITH_ZERO: Stated = Stated { zero: 0.6, ..FULL };

fn volume_model(inputs: &Inputs<'_>, net: f64) -> f64 {
    let k = 10.0 + inputs.off("K-factor");
    let linearity = 1.0 + inputs.off("linearity of the K-factor") / 100.0;
    let temperature = 1.0 + 0.1 / 100.0 * inputs.off("temperature");
    // Half of the 0.3 % that may be missing.
    let missed = 1.0 + (0.15 + inputs.off("missed pulses")) / 100.0;
    (net + inputs.off("counting")) / k * linearity * temperature * missed + inputs.off("start and stop") + inputs.off("zero")
}

#[test]
fn volumes_and_flows() {
    let sensor = WITH_ZERO.sensor();
    let meter = WITH_ZERO.meter(&sensor);
    let pulses = |n| Pulses::counted(n, 0, &sensor);
    // One hour, so that a zero in µL/h is as much in µL.
    let hour = Span::hours(1);
    for (seed, (gate, n, net)) in
        (1..).zip([(Gate::Free, 1_000, 1_000.0), (Gate::EdgeStarted, 50, 50.5), (Gate::Interpolated, 1_000, 1_000.0)])
    {
        agree(&format!("volume, {gate:?}"), seed, &meter.volume(pulses(n), gate, hour), 0.002, |i| volume_model(i, net));
    }
    let flow = meter.mean_flow(pulses(208), Gate::Free, hour).expect("a window");
    agree("mean flow", 4, &flow, 0.002, |i| volume_model(i, 208.0) / (1.0 + 1e-6 * i.off("clock")));
    let taken = meter.volume(pulses(1_000), Gate::Free, hour).taken_from(103.0);
    agree("reservoir error", 5, &taken, 0.002, |i| 103.0 - volume_model(i, 1_000.0));
    let coarse = Stated { stamp: Span::milliseconds(1), zero: 0.0, ..FULL };
    let sensor = coarse.sensor();
    let rate = coarse.meter(&sensor).rate_from_edges(4, Span::milliseconds(200), sensor.k_factor).expect("intervals");
    agree("rate", 6, &rate, 0.002, |i| {
        let elapsed = 0.2 + i.off("time stamps");
        let missed = 1.0 + (0.15 + i.off("missed pulses")) / 100.0;
        let relative = (1.0 + i.off("linearity of the K-factor") / 100.0) * (1.0 + 0.001 * i.off("temperature")) * missed;
        4.0 / ((10.0 + i.off("K-factor")) * elapsed * (1.0 + 1e-6 * i.off("clock"))) * relative * 3_600.0
    });
}

#[test]
fn times_and_pressures() {
    let sensor = FULL.sensor();
    let meter = FULL.meter(&sensor);
    let clock = |i: &Inputs<'_>| 1.0 + 1e-6 * i.off("clock");
    agree("onset, last pulse", 11, &meter.time_of_pulses(120.0, Start::Instant, 0.06), 0.0, |i| {
        120.0 * clock(i) + i.off("last pulse") + i.off("time stamps")
    });
    agree("pulse to pulse", 12, &meter.time_of_pulses(120.0, Start::Pulse, 0.06), 0.0, |i| {
        120.0 * clock(i) + i.off("first and last pulse") + i.off("time stamps")
    });
    agree("duration", 13, &duration(2.0, &[("mark", 0.005), ("report", 0.0066)], 100.0), 0.0, |i| {
        2.0 * clock(i) + i.off("mark") + i.off("report")
    });
    let gauge = PressureSensor { uncertainty: Some(Pressure(0.5)), resolution: Pressure(1.2), min: Pressure(-10.0), max: Pressure(200.0) };
    agree("pressure", 14, &pressure(40.0, &gauge, None), 0.0, |i| 40.0 + i.off("pressure sensor") + i.off("resolution"));
}

/// Rates at rest that differ, diameters in doubt, a balance that wanders: a weighing in which each row counts.
fn weighing() -> Weighing<'static> {
    let rest = |from: f64, indication, rate| Rest {
        from: at(from),
        to: at(from + 300.0),
        middle: at(from + 150.0),
        indication,
        rate,
        u_indication: 0.01,
        u_rate: 0.3,
        dof: 14.0,
    };
    Weighing {
        before: rest(0.0, 1_000.0, -5.0),
        after: rest(420.0, 1_100.0, -7.0),
        balance: BalanceFigures {
            resolution: 0.01,
            expanded: Some(0.05),
            sensitivity_ppm: 50.0,
            wander: 0.02,
            rest_rate_at_most: 10.0,
            certificate: None,
        },
        liquid: Liquid::Water { celsius: 20.0, half_width: 0.5 },
        air: Air::Assumed,
        tube: Some(Tube { tube: 1.0, tube_half_width: 0.05, vessel: 10.0, vessel_half_width: 0.3 }),
        start_stop: Volume(0.05),
    }
}

/// The same by another way: liquid in grams, buoyancies as masses, the two lines each to its end of the delivery.
fn weighed_model(i: &Inputs<'_>) -> f64 {
    let lever = 150.0 / 3_600.0;
    let gone_h = 120.0 / 3_600.0;
    let (rate_before, rate_after) = (-5.0 + i.off("rate at rest before"), -7.0 + i.off("rate at rest after"));
    let before = 1_000.0 + i.off("indication before") + rate_before * lever;
    let after = 1_100.0 + i.off("indication after") - rate_after * lever;
    let evaporated = ((rate_before + rate_after) / 2.0 + i.off("change of the rate at rest")) * gone_h;
    let shown = after - before - evaporated + i.off("balance") + i.off("resolution") + i.off("drift of the balance");
    let shown = shown * (1.0 + 1e-6 * i.off("sensitivity of the balance"));
    let rho = water_density(20.0 + i.off("temperature of the water")).expect("in range") + i.off("density of water");
    let air = 1.2 + i.off("density of the air");
    let share = (1.0 + i.off("diameter of the tube")) / (10.0 + i.off("diameter of the vessel"));
    // What one µL shows: its mass less that of the air that it displaces, as weights of 8000 kg/m³ in the same air, and the tube's buoyancy.
    let one = (rho - air) / 1e3 / (1.0 - air / 8_000.0) / (1.0 - share * share);
    shown / one + i.off("start and stop")
}

#[test]
fn volume_and_flow_from_mass() {
    let volume = weighing().volume().expect("weighed");
    // Student's with 14 degrees of freedom scatters by √(14/12) of the scale that u is.
    let tails = |measured: &Measured| {
        let few: f64 = measured.budget.iter().filter(|c| c.dof.is_some()).filter_map(Component::contribution).map(|u| u * u).sum();
        (1.0 + few / measured.estimate.standard_uncertainty.powi(2) / 6.0).sqrt() - 1.0
    };
    agree("volume from mass", 21, &volume, 0.002 + tails(&volume), weighed_model);
    let flow = over_time(volume.clone(), Span::minutes(2), 100.0).expect("a window");
    agree("mean flow from mass", 22, &flow, 0.002 + tails(&flow), |i| weighed_model(i) / (120.0 / 3_600.0) / (1.0 + 1e-6 * i.off("clock")));
}
