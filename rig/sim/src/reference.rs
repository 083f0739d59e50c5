//! A bench for tests, and for the firmware process when it is started without a bench file: the reference pump with plumbing of ordinary size and good instruments.

use rig_model::bench::{
    Bench, BenchKind, Certificate, Channel, DrugSensor, DutExpected, FlowSensor, Instrument, Line, Link, Plant, PressureSensor, SafeDown,
};
use rig_model::quantity::{Concentration, Pressure, Volume};
use rig_model::time::Span;

/// The lines of the reference bench. All are inactive in their safe position: no power, nothing closed, nothing open.
pub const LINES: [&str; 7] = ["power", "occluder", "leak", "refill", "button", "magnet", "supply"];

/// A simulated bench with flow channels at the pump's outlet and the catheter's tip (10 pulses/µL), line pressure and alarm.
pub fn reference_bench() -> Bench {
    Bench {
        name: "sim".into(),
        kind: BenchKind::Sim,
        backend: Default::default(),
        supervision: Default::default(),
        link: Link {
            protocol: "pump-link".into(),
            path: None,
            baud: 115_200,
            reply_timeout: Span::milliseconds(250),
            transmissions: 3,
            poll_every: Span::seconds(10),
        },
        dut: DutExpected {
            model: identity().model,
            serial: None,
            serials: Vec::new(),
            stroke: None,
            own: Default::default(),
            firmware: None,
        },
        lines: LINES.iter().map(|name| Line { name: (*name).into(), safe_active: false, gpio: None, does: None }).collect(),
        channels: vec![
            channel("flow.pump", flow_sensor()),
            channel("flow.tip", flow_sensor()),
            channel("pressure.line", pressure_sensor()),
            channel("alarm", Instrument::Alarm),
            channel("drug.tip", photometer()),
        ],
        safe_down: SafeDown { dwell: Span::seconds(30), at_most: Volume(0.5) },
        rule: None,
        clock_ppm: 0.0,
        plant: Some(plant()),
    }
}

/// Who the reference pump says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PumpIdentity {
    pub model: String,
    pub serial: String,
}

/// The identity that the firmware of every simulated board is built with.
pub fn identity() -> PumpIdentity {
    let identity = pump_core::Config::default().identity;
    PumpIdentity { model: identity.model.as_str().into(), serial: identity.serial.as_str().into() }
}

fn channel(name: &str, instrument: Instrument) -> Channel {
    let certificate = (instrument != Instrument::Alarm).then(|| Certificate {
        id: format!("simulated {name}").into(),
        date: Some("2025-01-01".into()),
        due: "2099-12-31".into(),
        range: None,
        instrument: None,
        file: None,
        reference: None,
    });
    Channel { name: name.into(), instrument, certificate, wiring: None }
}

fn flow_sensor() -> Instrument {
    Instrument::Flow(FlowSensor {
        k_factor: 10.0,
        k_uncertainty_percent: Some(0.5),
        curve: Default::default(),
        accuracy: Default::default(),
        min_flow: 0.0,
        max_flow: 20_000.0,
        stroke_gap: Span::milliseconds(500),
        bidirectional: true,
        zero_uncertainty: 0.0,
        resolution: 0.0,
        stamp_half_width: FlowSensor::STAMP_HALF_WIDTH,
        witness: Default::default(),
    })
}

fn pressure_sensor() -> Instrument {
    Instrument::Pressure(PressureSensor {
        uncertainty: Some(Pressure(0.5)),
        resolution: Pressure(0.0),
        min: Pressure(-50.0),
        max: Pressure(300.0),
    })
}

fn photometer() -> Instrument {
    Instrument::Drug(DrugSensor {
        uncertainty_percent: Some(2.0),
        step: Concentration(5.0),
        every: Span::seconds(60),
        max: Concentration(50_000.0),
    })
}

/// The default parameters of SOURCES §5.8, with a modest noise.
fn plant() -> Plant {
    Plant {
        reservoir_capacity: Volume(20_000.0),
        reservoir_empty: Volume(500.0),
        dead_volume: Volume(400.0),
        compliance: 0.15,
        resistance: 2.9e11,
        tip_pressure: Pressure(1.2),
        ambient_pressure: Pressure(101.325),
        gain: 1.0,
        stroke_noise_percent: 0.5,
        leak: 5.0,
        pressure_noise: Pressure(0.1),
        edge_jitter: Span::microseconds(20),
        missed_pulses: 0.0,
        extra_pulses: 0.0,
        k_error: 0.0,
        k_error_tip: None,
        pump_clock_ppm: 0.0,
        relay_delay: Span::milliseconds(10),
        link_delay: Span::milliseconds(1),
        inside: Default::default(),
        drug: Default::default(),
        valves: Default::default(),
    }
}
