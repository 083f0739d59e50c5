//! Volume from mass: a balance that evaporates, wanders, shakes and rounds, on benches whose densities and diameters are drawn.

use std::sync::LazyLock;

use rig_metrology::{BalanceFigures, Measured, Rest, RestFit, Weighing, over_time, water_density};
use rig_model::quantity::Volume;
use rig_model::time::Span;
use rig_model::weighing::{Air, Liquid, Tube};

use crate::cases::{Case, Sample, at, drawn};
use crate::draws::Draws;

pub const BENCHES: usize = 10_000;

pub const CASES: &[Case] = &[
    Case { name: "volume from mass", measure: weighed, even: true },
    Case { name: "volume from mass, few terms", measure: only_scatter, even: true },
    Case { name: "mean flow from mass", measure: flow, even: true },
];

/// What each case shows on its benches.
pub static SAMPLES: LazyLock<Vec<Vec<Sample>>> =
    LazyLock::new(|| (101..).zip(CASES).map(|(seed, case)| drawn(seed, BENCHES, case.measure)).collect());

/// Readings of one rest, one each second.
const READINGS: u32 = 160;
/// How long the delivery takes, s.
const DELIVERY: u32 = 160;

/// How the balance errs, and what is stated of it.
struct Scale {
    noise: f64,
    resolution: f64,
    expanded: f64,
    sensitivity_ppm: f64,
    wander: f64,
    start_stop: f64,
}

const FULL: Scale = Scale { noise: 0.015, resolution: 0.01, expanded: 0.05, sensitivity_ppm: 50.0, wander: 0.02, start_stop: 0.02 };

fn weighed(draws: &mut Draws) -> Sample {
    (weigh(&FULL, 50.0, draws), 50.0)
}

/// Nothing but the scatter of the two lines: all of the uncertainty has few degrees of freedom.
fn only_scatter(draws: &mut Draws) -> Sample {
    let scale = Scale { noise: 0.2, resolution: 0.0, expanded: 0.0, sensitivity_ppm: 0.0, wander: 0.0, start_stop: 0.0 };
    (weigh(&scale, 50.0, draws), 50.0)
}

fn flow(draws: &mut Draws) -> Sample {
    let window = Span::minutes(3);
    let clock = 1.0 + 1e-6 * draws.within(100.0);
    let flow = over_time(weigh(&FULL, 50.0, draws), window, 100.0).expect("a window");
    (flow, 50.0 / (window.as_hours() / clock))
}

/// A delivery of `truth` µL of water between two rests.
fn weigh(scale: &Scale, truth: f64, draws: &mut Draws) -> Measured {
    let (temperature, tube) = (20.0 + draws.within(0.5), Tube { tube: 1.0, tube_half_width: 0.05, vessel: 10.0, vessel_half_width: 0.3 });
    let rho = water_density(temperature).expect("in range") + draws.within(0.01);
    let air = 1.2 + draws.within(0.15);
    let share = (1.0 + draws.within(tube.tube_half_width)) / (10.0 + draws.within(tube.vessel_half_width));
    // mg that the balance shows for each µL: what weighs, less what the air and the liquid around the tube carry.
    let per_microlitre =
        rho / 1e3 * (1.0 - air / rho) / (1.0 - air / 8_000.0) / (1.0 - share * share) * (1.0 + 1e-6 * draws.within(scale.sensitivity_ppm));
    let passed = truth + draws.within(scale.start_stop);
    let certificate = scale.expanded / 2.0 * draws.normal();
    let evaporation = -2.0 + 0.5 * draws.normal();
    let step = scale.wander / 60.0;
    let (mut before, mut after) = (RestFit::new(scale.resolution), RestFit::new(scale.resolution));
    let mut drift = 0.0;
    let mut show = |second: u32, mass: f64, draws: &mut Draws| {
        drift += step * draws.normal();
        let mass = mass + evaporation * f64::from(second) / 3_600.0 + drift + scale.noise * draws.normal();
        if scale.resolution == 0.0 { mass } else { (mass / scale.resolution).round() * scale.resolution }
    };
    for second in 0..READINGS {
        before.push(at(f64::from(second)), show(second, 5_000.0, draws)).expect("a reading");
    }
    for second in READINGS..READINGS + DELIVERY {
        show(second, 0.0, draws);
    }
    for second in READINGS + DELIVERY..2 * READINGS + DELIVERY {
        let mass = 5_000.0 + per_microlitre * passed + certificate;
        after.push(at(f64::from(second)), show(second, mass, draws)).expect("a reading");
    }
    let (before, after): (Rest, Rest) = (before.finish().expect("enough"), after.finish().expect("enough"));
    let Scale { resolution, expanded, sensitivity_ppm, wander, start_stop, .. } = *scale;
    let balance =
        BalanceFigures { resolution, expanded: Some(expanded), sensitivity_ppm, wander, rest_rate_at_most: 10.0, certificate: None };
    let liquid = Liquid::Water { celsius: 20.0, half_width: 0.5 };
    let weighing = Weighing { before, after, balance, liquid, air: Air::Assumed, tube: Some(tube), start_stop: Volume(start_stop) };
    weighing.volume().expect("weighed")
}
