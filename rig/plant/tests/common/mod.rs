//! A bench's plumbing and channels as the tests want them: SOURCES defaults, no noise.
#![allow(dead_code, reason = "each test file uses its own part")]

use rig_model::bench::{Channel, FlowSensor, Instrument, Plant as Config};
use rig_model::input::Edges;
use rig_model::quantity::{Pressure, Volume};
use rig_model::time::{RigTime, Span};
use rig_plant::Plant;

pub fn config() -> Config {
    Config {
        reservoir_capacity: Volume(20_000.0),
        reservoir_empty: Volume(500.0),
        dead_volume: Volume(400.0),
        compliance: 0.15,
        resistance: 2.9e11,
        tip_pressure: Pressure(0.0),
        ambient_pressure: Pressure(101.3),
        gain: 1.0,
        stroke_noise_percent: 0.0,
        leak: 0.0,
        pressure_noise: Pressure(0.0),
        edge_jitter: Span::ZERO,
        missed_pulses: 0.0,
        extra_pulses: 0.0,
        k_error: 0.0,
        k_error_tip: None,
        pump_clock_ppm: 0.0,
        relay_delay: Span::ZERO,
        link_delay: Span::ZERO,
        inside: Default::default(),
        drug: Default::default(),
        valves: Default::default(),
    }
}

pub fn sensor() -> FlowSensor {
    FlowSensor {
        k_factor: 10.0,
        k_uncertainty_percent: Some(1.0),
        curve: Default::default(),
        accuracy: Default::default(),
        min_flow: 0.0,
        max_flow: 20_000.0,
        stroke_gap: Span::seconds(2),
        bidirectional: true,
        zero_uncertainty: 0.0,
        resolution: 0.0,
        stamp_half_width: FlowSensor::STAMP_HALF_WIDTH,
        witness: Default::default(),
    }
}

pub fn channel(name: &str, sensor: FlowSensor) -> Channel {
    Channel { name: name.into(), instrument: Instrument::Flow(sensor), certificate: None, wiring: None }
}

pub fn channels() -> Vec<Channel> {
    vec![channel("flow.pump", sensor()), channel("flow.tip", sensor())]
}

pub fn plant(config: &Config) -> Plant {
    Plant::new(config, &channels(), 1, RigTime::ZERO)
}

pub fn seconds(s: f64) -> RigTime {
    RigTime::ZERO + Span::from_seconds(s)
}

/// A flow of `rate` µL/h in one stroke that lasts as long as the rest of the test.
pub fn infuse(plant: &mut Plant, rate: f64, hours: i64) {
    plant.stroke(Volume(rate * hours as f64), Span::hours(hours));
}

pub fn edges(plant: &mut Plant, to: RigTime) -> Vec<Edges> {
    let mut out = Vec::new();
    plant.advance(to, &mut out);
    out
}

pub fn count(edges: &[Edges], channel: &str) -> u64 {
    edges.iter().filter(|e| &*e.channel == channel).map(Edges::count).sum()
}

/// Asserts equality within a relative error.
#[track_caller]
pub fn near(is: f64, should: f64, relative: f64) {
    assert!((is - should).abs() <= relative * should.abs(), "{is} is not {should} within {relative}");
}
