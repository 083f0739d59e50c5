//! A checked bench description.

use crate::Name;
use crate::deed::Deed;
use crate::quantity::{Concentration, Flow, Length, Pressure, Temperature, Volume};
use crate::time::Span;
use crate::verdict::Rule;

mod instrument;

pub use instrument::{
    Accuracy, Certificate, CertifiedRange, DrugSensor, FlowSensor, Instrument, KCurve, KPoint, PressureSensor, Reference, Witness,
};

#[derive(Debug, Clone, PartialEq)]
pub struct Bench {
    pub name: String,
    pub kind: BenchKind,
    /// Who reads and drives the lines of a real bench.
    pub backend: LineBackend,
    pub supervision: Supervision,
    pub link: Link,
    pub dut: DutExpected,
    pub lines: Vec<Line>,
    pub channels: Vec<Channel>,
    pub safe_down: SafeDown,
    /// The rule for checks that neither their scenario nor a requirement gives one.
    pub rule: Option<Rule>,
    /// By how much the rig's clock may run wrong, either way, in millionths.
    pub clock_ppm: f64,
    /// The simulated plumbing; absent on a real bench.
    pub plant: Option<Plant>,
}

impl Bench {
    /// What is taken for a clock of which the bench file says nothing: an undisciplined crystal is within ±50, and a time daemon that
    /// slews it stays within as much again.
    pub const CLOCK_PPM: f64 = 100.0;

    pub fn channel(&self, name: &str) -> Option<&Channel> {
        self.channels.iter().find(|c| &*c.name == name)
    }
    pub fn line(&self, name: &str) -> Option<&Line> {
        self.lines.iter().find(|l| &*l.name == name)
    }
    /// Whether the bench file itself says so. What a real bench finds simulated when it looks is another matter.
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

/// How the lines of a real bench are reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LineBackend {
    /// The kernel's GPIO character device: it owns the lines, numbers the edges of each, and lets them go when their process dies.
    #[default]
    Gpiochip,
    /// The registers of a Raspberry Pi.
    Rppal,
}

/// What happens to the outputs when nobody is left to order them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Supervision {
    /// A run that says nothing for this long is taken to be dead, and the outputs are made safe.
    pub silence: Span,
    /// Device of a hardware watchdog that restarts the machine when the supervisor itself no longer runs.
    pub watchdog: Option<String>,
}

impl Supervision {
    /// Fifteen rounds of the run's loop; with the supervisor's own round outputs are safe well within 250 ms.
    pub const SILENCE: Span = Span::milliseconds(150);
}

impl Default for Supervision {
    fn default() -> Self {
        Self { silence: Self::SILENCE, watchdog: None }
    }
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
#[derive(Debug, Clone, PartialEq)]
pub struct DutExpected {
    pub model: String,
    pub serial: Option<String>,
    /// The boards of the approved plan under which the run is played; any where there is none. No bench file says this.
    pub serials: Vec<String>,
    pub stroke: Option<Stroke>,
    pub own: OwnRates,
    pub firmware: Option<ExpectedFirmware>,
}

/// What the pump decides by itself, as its maker states it: nothing of it is said when a programme is written. The defaults are the implant's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OwnRates {
    /// Of the mode that keeps the catheter open.
    pub minimum: Flow,
    /// Of a priming bolus.
    pub priming: Flow,
    /// A basal rate above this must be confirmed,
    pub soft_basal: Flow,
    /// and a bolus above this.
    pub soft_bolus: Volume,
}

impl Default for OwnRates {
    fn default() -> Self {
        Self { minimum: Flow(2.0), priming: Flow(6_000.0), soft_basal: Flow(500.0), soft_bolus: Volume(500.0) }
    }
}

/// The firmware that the board must run, told by the build hash that it answers with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExpectedFirmware {
    /// Where the image is; in a bench file from the folder of that file.
    pub image: Option<String>,
    /// Hexadecimal, in small letters; the board must tell one of them. Empty as long as the image has not been read, and then any board will do.
    pub build_hashes: Vec<String>,
}

/// The smallest delivery of the pump, as its maker states it: for what is planned before a run and shown beside its curves, never for a verdict.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stroke {
    pub volume: Volume,
    pub duration: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    pub name: Name,
    /// The position to which every way out returns it.
    pub safe_active: bool,
    /// Where it is, on a real bench.
    pub gpio: Option<Gpio>,
    /// What it does to pump and patient while it is active, if that is stated: injections are played through it.
    pub does: Option<Deed>,
}

/// One GPIO line of a real bench.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gpio {
    /// Label of the chip, which stays the same when its number changes.
    pub chip: String,
    pub offset: u32,
    /// What the kernel must call the line, if that is stated.
    pub line_name: Option<String>,
    pub active_low: bool,
    pub bias: Bias,
    pub drive: Drive,
    /// Edges closer than this are dropped by the kernel, unseen; none unless stated.
    pub debounce: Option<Span>,
}

/// The resistor that the chip itself puts on an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Bias {
    /// As the board's device tree left it.
    #[default]
    AsIs,
    Disabled,
    PullUp,
    PullDown,
}

/// How an output drives its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Drive {
    #[default]
    PushPull,
    OpenDrain,
    OpenSource,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Channel {
    pub name: Name,
    pub instrument: Instrument,
    pub certificate: Option<Certificate>,
    /// How it reaches the rig, where that is not by the simulated plumbing.
    pub wiring: Option<Wiring>,
}

impl Channel {
    /// Under which name the readings come that were taken with the valve shut, before all others.
    pub fn at_rest(&self) -> Name {
        format!("{}/at_rest", self.name).into()
    }

    /// Under which name the readings of a balance come that it does not call stable: they are recorded, and no rest is made of them.
    pub fn unstable(&self) -> Name {
        format!("{}/unstable", self.name).into()
    }

    /// Under which name the edges of the second line come that carries the same pulses, if there is one.
    pub fn second(&self) -> Option<Name> {
        match &self.wiring {
            Some(Wiring::Edges(EdgeWiring { second: Some(_), .. })) => Some(format!("{}/second", self.name).into()),
            _ => None,
        }
    }
}

/// How a channel reaches the rig.
#[derive(Debug, Clone, PartialEq)]
pub enum Wiring {
    /// As edges of GPIO lines.
    Edges(EdgeWiring),
    /// As readings of an instrument on a bus.
    Bus(Bus),
    /// As replies of an instrument on a serial port of its own.
    Serial(SerialInstrument),
}

/// A laboratory instrument on a serial port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SerialInstrument {
    /// Device path, the stable one; absent where the bench hosts the instrument itself.
    pub path: Option<String>,
    pub baud: u32,
    pub parity: Parity,
    /// The serial number that must answer, if that is stated.
    pub serial: Option<String>,
    /// The instrument sends by itself, as often as it likes; otherwise it is asked for each reading.
    pub repeats: bool,
}

/// The bit beside the eight of each byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Parity {
    #[default]
    None,
    Even,
    Odd,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EdgeWiring {
    pub line: Gpio,
    /// Another line that is wired to the same output of the sensor.
    pub second: Option<Gpio>,
    pub direction: Option<Direction>,
}

/// How a pulse sensor tells which way the fluid goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Direction {
    /// A level beside the pulses: active while fluid comes back.
    Level(Gpio),
    /// A second phase, a quarter of a period off: inactive at the pulse's rising edge while fluid goes forward.
    Quadrature(Gpio),
}

/// An instrument on I²C or SPI.
#[derive(Debug, Clone, PartialEq)]
pub struct Bus {
    /// Device path of the bus.
    pub path: String,
    pub device: Device,
    pub read_every: Span,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Device {
    /// 12 bit on SPI, inputs 0 to 7.
    Mcp3208 { input: u8, calibration: TwoPoints },
    /// 16 bit on I²C, inputs 0 to 3.
    Ads1115 { address: u8, input: u8, calibration: TwoPoints },
    /// Thermal flow sensor on I²C.
    Slf3s0600f { liquid: Liquid },
}

/// Two readings of a converter at two known pressures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TwoPoints {
    pub low: (i32, Pressure),
    pub high: (i32, Pressure),
}

/// What a thermal flow sensor is calibrated for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Liquid {
    Water,
    Isopropanol,
}

/// How flow is shown to have stopped at the end of each case.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SafeDown {
    pub dwell: Span,
    /// Upper bound of the volume that may come out in the dwell.
    pub at_most: Volume,
}

/// Parameters of the simulated plumbing; see `rig-plant` for the physics. SOURCES: lumped model of reservoir, line and catheter.
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
    /// By how much the true K-factor of each flow sensor is above the stated one, as a fraction: what a calibration has to find.
    pub k_error: f64,
    /// The same of the flow sensor at the tip; as all others unless stated.
    pub k_error_tip: Option<f64>,
    /// By how much the pump's clock goes fast on its first day, in millionths; negative: slow.
    pub pump_clock_ppm: f64,
    /// Time a relay takes to move.
    pub relay_delay: Span,
    /// Time from a byte's end to its arrival at the other side, beyond its length at the baud rate.
    pub link_delay: Span,
    pub inside: Inside,
    pub drug: DrugInLine,
    pub valves: HeadValves,
}

/// Where the pump is, and what that does to its head.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Inside {
    /// The catheter's tip above the pump; negative: below.
    pub head: Length,
    /// At which `gain` and `resistance` hold.
    pub temperature: Temperature,
    /// By how much the gain rises with temperature, % per °C.
    pub gain_percent_per_kelvin: f64,
    /// By how much the gain rises as the ambient pressure falls, % per kPa.
    pub gain_percent_per_kpa: f64,
}

impl Default for Inside {
    /// SOURCES 5.4: ±1 % per °C, and 1 to 2 % per 1,000 m, which are 11.5 kPa.
    fn default() -> Self {
        Self { head: Length(0.0), temperature: Temperature(37.0), gain_percent_per_kelvin: 1.0, gain_percent_per_kpa: 0.1 }
    }
}

/// What the pump holds on its first day, and how a change of it gets to the tip.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DrugInLine {
    pub concentration: Concentration,
    /// Inner diameter of the line.
    pub bore: Length,
    /// Molecular diffusion of the drug, cm²/s.
    pub diffusion: f64,
}

impl Default for DrugInLine {
    /// SOURCES 5.2 and 5.6: 0.0022 mL/cm, 5e-10 m²/s.
    fn default() -> Self {
        Self { concentration: Concentration(1_000.0), bore: Length(0.053), diffusion: 5e-6 }
    }
}

/// What the valves of the pump head do when they are asked too much, or leak.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeadValves {
    /// Conductance of an outlet valve that leaks back, µL/(h·kPa).
    pub back_flow: f64,
    /// What each mL over the capacity adds to the reservoir's pressure, kPa.
    pub overfill_kpa_per_ml: f64,
    /// Up to this the head's valves hold a reservoir that is too full.
    pub overfill_holds: Pressure,
    /// What they let through beyond.
    pub overfill_flow: Flow,
}

impl Default for HeadValves {
    /// Assumptions: five mL too many lift the valves.
    fn default() -> Self {
        Self { back_flow: 5.0, overfill_kpa_per_ml: 10.0, overfill_holds: Pressure(50.0), overfill_flow: Flow(100.0) }
    }
}
