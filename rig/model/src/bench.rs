//! A checked bench description.

use crate::Name;
use crate::quantity::{Pressure, Volume};
use crate::time::Span;

#[derive(Debug, Clone, PartialEq)]
pub struct Bench {
    pub name: String,
    pub kind: BenchKind,
    pub link: Link,
    pub dut: DutExpected,
    pub lines: Vec<Line>,
    pub channels: Vec<Channel>,
    pub safe_down: SafeDown,
    /// The simulated plumbing; absent on a real bench.
    pub plant: Option<Plant>,
}

impl Bench {
    pub fn channel(&self, name: &str) -> Option<&Channel> {
        self.channels.iter().find(|c| &*c.name == name)
    }
    pub fn line(&self, name: &str) -> Option<&Line> {
        self.lines.iter().find(|l| &*l.name == name)
    }
    pub fn simulated(&self) -> bool {
        self.kind != BenchKind::Pi
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BenchKind {
    /// Board and plumbing in this process, virtual clock.
    Sim,
    /// The firmware as a process of its own behind a serial line, real clock.
    Process,
    /// A real board, lines and sensors on GPIO.
    Pi,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// Which session type speaks with the board: `pump-link`.
    pub protocol: String,
    /// Device path; absent where the bench hosts the firmware itself.
    pub path: Option<String>,
    pub baud: u32,
    /// How long to wait for a reply before sending again.
    pub reply_timeout: Span,
    /// Transmissions of one command at the most, the first included.
    pub transmissions: u32,
    /// How often the status is asked for when nothing else is said.
    pub poll_every: Span,
}

/// The board that must answer; another one is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DutExpected {
    pub model: String,
    pub serial: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub name: Name,
    /// The position to which every way out returns it.
    pub safe_active: bool,
    /// GPIO chip label, offset and polarity, on a real bench.
    pub gpio: Option<Gpio>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gpio {
    pub chip: String,
    pub offset: u32,
    pub active_low: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Channel {
    pub name: Name,
    pub instrument: Instrument,
    pub certificate: Option<Certificate>,
    pub gpio: Option<Gpio>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Instrument {
    /// A pulse flow sensor.
    Flow(FlowSensor),
    /// An analogue pressure reading in kPa.
    Pressure(PressureSensor),
    /// The alarm output of the pump.
    Alarm,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FlowSensor {
    /// Pulses per µL.
    pub k_factor: f64,
    /// Expanded (k = 2) relative uncertainty of the K-factor, in %.
    pub k_uncertainty_percent: f64,
    /// Instantaneous flow above which the K-factor is not valid, µL/h.
    pub max_flow: f64,
    /// A pause longer than this separates two strokes.
    pub stroke_gap: Span,
    /// Whether the sensor tells the direction of flow.
    pub bidirectional: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PressureSensor {
    /// Expanded (k = 2) uncertainty of one reading.
    pub uncertainty: Pressure,
    pub min: Pressure,
    pub max: Pressure,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    pub id: Name,
    /// ISO 8601 date.
    pub due: String,
}

/// How flow is shown to have stopped at the end of each case.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SafeDown {
    pub dwell: Span,
    /// Upper bound of the volume that may come out in the dwell.
    pub at_most: Volume,
}

/// Parameters of the simulated plumbing; see `rig-plant` for the physics. DOMAIN: lumped model of reservoir, line and catheter.
#[derive(Debug, Clone, PartialEq)]
pub struct Plant {
    /// What the reservoir holds when full, µL.
    pub reservoir_capacity: Volume,
    /// Below this the pump head draws less and less, µL.
    pub reservoir_empty: Volume,
    /// Volume of pump tubing and catheter, µL.
    pub dead_volume: Volume,
    /// µL/kPa.
    pub compliance: f64,
    /// Pa·s/m³.
    pub resistance: f64,
    pub tip_pressure: Pressure,
    pub ambient_pressure: Pressure,
    /// True stroke volume over nominal.
    pub gain: f64,
    /// Standard deviation of one stroke's volume, in %.
    pub stroke_noise_percent: f64,
    /// Leak conductance between the two flow channels when the leak valve is open, µL/(h·kPa).
    pub leak: f64,
    /// Standard deviation of a pressure reading.
    pub pressure_noise: Pressure,
    /// Standard deviation of a pulse's time stamp, ns.
    pub edge_jitter: Span,
    /// Probability that a pulse is missed, that one is doubled.
    pub missed_pulses: f64,
    pub extra_pulses: f64,
    /// Time a relay takes to move.
    pub relay_delay: Span,
    /// Time from a byte's end to its arrival at the other side, beyond its length at the baud rate.
    pub link_delay: Span,
}
