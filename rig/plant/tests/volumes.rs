//! No volume is made or lost, and the reservoir empties as told.

mod common;

use common::*;
use proptest::prelude::*;
use rig_model::bench::Plant as Config;
use rig_model::input::{Edges, PlantChange};
use rig_model::quantity::{Flow, Pressure, Volume};
use rig_model::time::{RigTime, Span};
use rig_plant::Plant;

#[test]
fn strokes_draw_less_and_less_below_empty() {
    // 100 µL left of 500: a fifth of a stroke is fluid.
    let mut plant = plant(&config());
    plant.change(&PlantChange::Reservoir { volume: Volume(100.0) });
    plant.stroke(Volume(1.0), Span::milliseconds(500));
    edges(&mut plant, seconds(1.0));
    near(plant.pumped().0, 0.2, 1e-12);
    near(plant.air_drawn().0, 0.8, 1e-12);
    near(plant.reservoir().0, 99.8, 1e-12);
}

#[test]
fn from_empty_on_the_reservoir_falls_exponentially() {
    let mut plant = plant(&config());
    plant.change(&PlantChange::Reservoir { volume: Volume(501.0) });
    for i in 0..1_001 {
        plant.stroke(Volume(1.0), Span::milliseconds(500));
        edges(&mut plant, seconds(f64::from(i + 1)));
    }
    // One whole stroke, then 1000 of which each leaves 499/500 of what there is.
    near(plant.reservoir().0, 500.0 * (499.0_f64 / 500.0).powi(1_000), 1e-9);
    near(plant.air_drawn().0 + plant.pumped().0, 1_001.0, 1e-9);
}

#[test]
fn gain_scales_strokes_and_abort_leaves_the_rest() {
    let mut plant = plant(&config());
    plant.set_gain(0.9);
    plant.stroke(Volume(1.0), Span::milliseconds(500));
    edges(&mut plant, seconds(0.1));
    near(plant.pumped().0, 0.18, 1e-12);
    plant.abort_stroke();
    edges(&mut plant, seconds(10.0));
    near(plant.pumped().0, 0.18, 1e-12);
    near(plant.delivered_at_tip().0, 0.18, 1e-12);
    assert_eq!(plant.gain(), 0.9);
}

#[test]
fn stroke_noise_has_its_spread_and_no_bias() {
    let mut plant = plant(&Config { stroke_noise_percent: 2.0, ..config() });
    let mut volumes = Vec::new();
    for i in 0..4_000 {
        let before = plant.pumped().0;
        plant.stroke(Volume(1.0), Span::milliseconds(500));
        edges(&mut plant, seconds(f64::from(i + 1)));
        volumes.push(plant.pumped().0 - before);
    }
    let mean = volumes.iter().sum::<f64>() / 4_000.0;
    let deviation = (volumes.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / 4_000.0).sqrt();
    // Four standard errors: 0.02/√4000 and 0.02/√8000.
    assert!((mean - 1.0).abs() < 0.001_27, "{mean}");
    assert!((deviation - 0.02).abs() < 0.000_9, "{deviation}");
}

#[test]
fn a_reservoir_emptied_in_mid_stroke_gives_no_more() {
    let mut plant = plant(&config());
    plant.stroke(Volume(1.0), Span::milliseconds(500));
    edges(&mut plant, seconds(0.2));
    plant.change(&PlantChange::Reservoir { volume: Volume(0.1) });
    edges(&mut plant, seconds(10.0));
    near(plant.pumped().0, 0.5, 1e-12);
    near(plant.delivered_at_tip().0, 0.5, 1e-12);
    near(plant.air_drawn().0, 0.5, 1e-12);
    assert_eq!(plant.reservoir(), Volume(0.0));
}

#[derive(Debug, Clone)]
enum Act {
    Wait(f64),
    Stroke(f64, i64),
    Abort,
    Occluder(bool),
    Leak(bool),
    Resistance(f64),
    Tip(f64),
    Extra(f64),
    Refill(f64),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => (1e-4..100.0).prop_map(Act::Wait),
        4 => (0.1..5.0, 50..2_000_i64).prop_map(|(volume, ms)| Act::Stroke(volume, ms)),
        1 => Just(Act::Abort),
        2 => any::<bool>().prop_map(Act::Occluder),
        1 => any::<bool>().prop_map(Act::Leak),
        1 => (0.5..1_000.0).prop_map(Act::Resistance),
        1 => (-5.0..20.0).prop_map(Act::Tip),
        1 => (0.0..500.0).prop_map(Act::Extra),
        1 => (0.0..1_000.0).prop_map(Act::Refill),
    ]
}

proptest! {
    /// In = out + stored + leaked, and the sensors count what passed them.
    #[test]
    fn volumes_balance(acts in prop::collection::vec(act(), 1..60), bubble in prop_oneof![Just(0.0), 0.1..50.0], seed: u64) {
        let config = Config { leak: 30.0, tip_pressure: Pressure(1.2), ..config() };
        let wide = rig_model::bench::FlowSensor { max_flow: 1e9, ..sensor() };
        let mut plant = Plant::new(&config, &[channel("flow.pump", wide), channel("flow.tip", wide)], seed, RigTime::ZERO);
        plant.change(&PlantChange::AirBubble { volume: Volume(bubble) });
        let stored = |p: f64| 0.15 * p + bubble * (1.0 - 101.3 / (101.3 + p));
        let (mut now, mut seen, mut refilled) = (RigTime::ZERO, Vec::<Edges>::new(), 20_000.0);
        for act in acts {
            match act {
                Act::Wait(s) => { now += Span::from_seconds(s); plant.advance(now, &mut seen) }
                Act::Stroke(volume, ms) => plant.stroke(Volume(volume), Span::milliseconds(ms)),
                Act::Abort => plant.abort_stroke(),
                Act::Occluder(closed) => plant.set_occluder(closed),
                Act::Leak(open) => plant.set_leak(open),
                Act::Resistance(factor) => plant.change(&PlantChange::Resistance { factor }),
                Act::Tip(kpa) => plant.change(&PlantChange::TipPressure { pressure: Pressure(kpa) }),
                Act::Extra(flow) => plant.set_extra_flow(Flow(flow)),
                Act::Refill(volume) => {
                    refilled += volume - plant.reservoir().0;
                    plant.change(&PlantChange::Reservoir { volume: Volume(volume) });
                }
            }
            let kept = stored(plant.line_pressure().0) - stored(1.2);
            let (pumped, out, leaked) = (plant.pumped().0, plant.delivered_at_tip().0, plant.leaked().0);
            let whole = pumped.abs() + out.abs() + leaked.abs() + kept.abs() + 1.0;
            prop_assert!((pumped - out - leaked - kept).abs() <= 1e-9 * whole, "{pumped} in, {out} out, {leaked} leaked, {kept} kept");
            prop_assert!((refilled - plant.reservoir().0 - pumped).abs() <= 1e-9 * refilled.max(1.0));
        }
        let net = |name: &str| -> f64 {
            let of = |sense| seen.iter().filter(|e| &*e.channel == name && e.sense == sense).map(Edges::count).sum::<u64>() as f64;
            of(rig_model::input::Sense::Forward) - of(rig_model::input::Sense::Reverse)
        };
        prop_assert!((net("flow.pump") - 10.0 * plant.pumped().0).abs() <= 1.0 + 1e-6);
        prop_assert!((net("flow.tip") - 10.0 * plant.delivered_at_tip().0).abs() <= 1.0 + 1e-6);
        let times = |name: &str| seen.iter().filter(|e| &*e.channel == name).flat_map(|e| e.times().collect::<Vec<_>>()).collect::<Vec<_>>();
        for name in ["flow.pump", "flow.tip"] {
            prop_assert!(times(name).windows(2).all(|pair| pair[0] < pair[1]));
        }
    }
}
