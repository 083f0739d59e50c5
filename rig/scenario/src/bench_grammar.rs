//! The keys of bench files.

use rig_model::quantity::Dimension::{Concentration, Flow, Pressure, Ratio, Time, Voltage, Volume};

use crate::bench_plant::PLANT;
use crate::grammar::{Key, Ty};

pub(crate) const fn must(name: &'static str, ty: Ty, doc: &'static str) -> Key {
    Key { name, ty, needed: true, doc }
}
pub(crate) const fn may(name: &'static str, ty: Ty, doc: &'static str) -> Key {
    Key { name, ty, needed: false, doc }
}

/// Session types that there are.
pub(crate) const PROTOCOLS: &[&str] = &["pump-link"];

pub(crate) const BENCH: &[Key] = &[
    must("name", Ty::Name, "the bench's name, in reports"),
    must("kind", Ty::OneOf(&["sim", "process", "pi"]), "`sim`, `process` or `pi`"),
    must("link", Ty::Map(LINK), "the serial link"),
    must("dut", Ty::Map(DUT), "the board that must answer"),
    must("line", Ty::List(&Ty::Map(LINE)), "digital lines, with their safe levels"),
    must("channel", Ty::List(&Ty::Text), "measured quantities"),
    must("safe_down", Ty::Map(SAFE_DOWN), "how flow is shown to have stopped"),
    may("plant", Ty::Map(PLANT), "simulated plumbing"),
    may("lines", Ty::OneOf(BACKENDS), "who reads and drives the lines of a real bench"),
    may("supervisor", Ty::Map(SUPERVISOR), "what happens to the outputs when the run is dead"),
    may("decision", Ty::Map(DECISION), "the decision rule of checks that neither scenario nor requirement gives one"),
    may("clock_uncertainty", Ty::Text, "how far the rig's clock may run wrong, either way"),
];

pub(crate) const DECISION: &[Key] =
    &[must("rule", Ty::OneOf(RULES), "decision rule"), may("guard_factor", Ty::Number, "r in the guard band r·U of the guarded rule")];

pub(crate) const RULES: &[&str] = &["simple", "guarded", "three-way"];

pub(crate) const BACKENDS: &[&str] = &["gpiochip", "rppal"];

pub(crate) const SUPERVISOR: &[Key] = &[
    may("silence", Ty::Quantity(Time), "a run that says nothing for this long is dead"),
    may("watchdog", Ty::Text, "device of a hardware watchdog"),
];

pub(crate) const LINK: &[Key] = &[
    must("protocol", Ty::OneOf(PROTOCOLS), "session type"),
    may("path", Ty::Text, "device path"),
    must("baud", Ty::Number, "bits a second"),
    must("reply_timeout", Ty::Quantity(Time), "how long to wait for a reply"),
    must("transmissions", Ty::Number, "of one command, at the most"),
    must("poll_every", Ty::Quantity(Time), "how often the status is asked for"),
];

pub(crate) const DUT: &[Key] = &[
    must("model", Ty::Text, "model that must answer"),
    may("serial", Ty::Text, "serial number that must answer"),
    may("stroke_volume", Ty::Quantity(Volume), "smallest delivery of the pump"),
    may("stroke_duration", Ty::Quantity(Time), "how long one takes"),
    may("minimum_rate", Ty::Quantity(Flow), "the pump's least rate"),
    may("priming_rate", Ty::Quantity(Flow), "at which it primes"),
    may("soft_basal", Ty::Quantity(Flow), "a basal rate above this must be confirmed"),
    may("soft_bolus", Ty::Quantity(Volume), "a bolus above this must be confirmed"),
    may("firmware", Ty::Text, "firmware image that the board must run, from the bench file's folder"),
    may("build_hash", Ty::Text, "build hash that the board must tell"),
];

pub(crate) const LINE: &[Key] = &[
    must("name", Ty::Name, "the line's name"),
    must("safe", Ty::Text, "the position to which every way out returns the line"),
    CHIP,
    OFFSET,
    LINE_NAME,
    ACTIVE_LOW,
    may("drive", Ty::OneOf(DRIVES), "how the output drives its line"),
    may("does", Ty::OneOf(DEEDS), "what it does to pump and patient while it is active"),
    may("rate", Ty::Quantity(Flow), "how fast its needle works"),
    may("factor", Ty::Number, "by how much its clamp multiplies the catheter's resistance"),
    may("voltage", Ty::Quantity(Voltage), "down to which it pulls the supply"),
];

/// What a line of a real bench can do.
pub(crate) const DEEDS: &[&str] =
    &["needle_reservoir", "needle_pocket", "air", "withdraw", "disconnect", "kink", "back_flow", "magnet", "supply_dip", "button"];

pub(crate) const DRIVES: &[&str] = &["push_pull", "open_drain", "open_source"];
pub(crate) const BIASES: &[&str] = &["pull_up", "pull_down", "disabled"];

const CHIP: Key = may("chip", Ty::Text, "GPIO chip label");
const OFFSET: Key = may("offset", Ty::Number, "line offset on the chip");
const LINE_NAME: Key = may("line_name", Ty::Text, "what the kernel must call the line");
const ACTIVE_LOW: Key = may("active_low", Ty::Switch, "active at low level");
const BIAS: Key = may("bias", Ty::OneOf(BIASES), "the chip's own resistor");
const DEBOUNCE: Key = may("debounce", Ty::Quantity(Time), "closer edges are dropped by the kernel");
const BUS: Key = may("bus", Ty::Text, "device path of the bus");
const READ_EVERY: Key = may("read_every", Ty::Quantity(Time), "time from one reading to the next");

/// A line beside the channel's own.
pub(crate) const INPUT_LINE: &[Key] = &[
    must("chip", Ty::Text, "GPIO chip label"),
    must("offset", Ty::Number, "line offset on the chip"),
    LINE_NAME,
    must("active_low", Ty::Switch, "active at low level"),
    BIAS,
    DEBOUNCE,
];

/// One point of a converter's calibration.
pub(crate) const POINT: &[Key] =
    &[must("code", Ty::Number, "what the converter says"), must("pressure", Ty::Quantity(Pressure), "what the pressure is then")];

pub(crate) const CONVERTERS: &[&str] = &["mcp3208", "ads1115"];
pub(crate) const LIQUIDS: &[&str] = &["water", "isopropanol"];
const NAME: Key = must("name", Ty::Name, "the channel's name");
const SENSOR: Key = must("sensor", Ty::Text, "`flow`, `slf3s-0600f`, `pressure`, `drug`, `balance` or `alarm`");
const STROKE_GAP: Key = must("stroke_gap", Ty::Quantity(Time), "a longer pause separates two strokes");
const K_UNCERTAINTY: Key = may("k_uncertainty", Ty::Quantity(Ratio), "expanded (k = 2) uncertainty of K-factor or gain");
const CERTIFIED: Key = may("certificate", Ty::Map(CERTIFICATE), "calibration certificate");

/// One point of a K-factor curve.
pub(crate) const K_POINT: &[Key] =
    &[must("flow", Ty::Quantity(Flow), "instantaneous flow"), must("k_factor", Ty::Text, "pulses per volume there")];

/// Keys of a channel by its sensor.
pub(crate) const CHANNEL: &[(&str, &[Key])] = &[
    (
        "flow",
        &[
            NAME,
            SENSOR,
            may("k_factor", Ty::Text, "pulses per volume"),
            may("k_curve", Ty::List(&Ty::Map(K_POINT)), "pulses per volume at several flows, in place of `k_factor`"),
            K_UNCERTAINTY,
            may("k_linearity", Ty::Quantity(Ratio), "how far the K-factor may stray over the flow range, either way"),
            may("temperature_coefficient", Ty::Text, "change of the K-factor with temperature"),
            may("temperature_band", Ty::Text, "how far the temperature may lie from the certificate's, either way"),
            may("missed_pulses", Ty::Quantity(Ratio), "how many of the pulses may be missing"),
            may("start_stop", Ty::Quantity(Volume), "what both ends of a delivery together may hold back or let run out"),
            may("min_flow", Ty::Quantity(Flow), "instantaneous flow from which on the K-factor is valid"),
            must("max_flow", Ty::Quantity(Flow), "instantaneous flow up to which the K-factor is valid"),
            STROKE_GAP,
            must("bidirectional", Ty::Switch, "whether the sensor tells the direction"),
            CERTIFIED,
            CHIP,
            OFFSET,
            LINE_NAME,
            ACTIVE_LOW,
            BIAS,
            DEBOUNCE,
            may("second", Ty::Map(INPUT_LINE), "another line wired to the same pulses"),
            may("direction", Ty::Map(INPUT_LINE), "a line that is active while fluid comes back"),
            may("quadrature", Ty::Map(INPUT_LINE), "the second phase of the sensor"),
            may("shortest_interval", Ty::Quantity(Time), "pulses can't be closer than this"),
            may("stroke_spread", Ty::Quantity(Ratio), "how far one stroke's pulses may differ from its neighbours'"),
            may("stamp_uncertainty", Ty::Quantity(Time), "half the range in which a time stamp lies around its pulse"),
        ],
    ),
    (
        "slf3s-0600f",
        &[
            NAME,
            SENSOR,
            K_UNCERTAINTY,
            must("zero_uncertainty", Ty::Quantity(Flow), "expanded (k = 2) uncertainty of a reading at rest"),
            STROKE_GAP,
            must("liquid", Ty::OneOf(LIQUIDS), "what it is calibrated for"),
            CERTIFIED,
            BUS,
            READ_EVERY,
        ],
    ),
    (
        "pressure",
        &[
            NAME,
            SENSOR,
            may("uncertainty", Ty::Quantity(Pressure), "expanded (k = 2) uncertainty of a reading"),
            may("resolution", Ty::Quantity(Pressure), "step in which readings come"),
            must("min", Ty::Quantity(Pressure), "lowest valid reading"),
            must("max", Ty::Quantity(Pressure), "highest valid reading"),
            CERTIFIED,
            may("converter", Ty::OneOf(CONVERTERS), "the converter that reads it"),
            BUS,
            may("address", Ty::Number, "I²C address"),
            may("input", Ty::Number, "input of the converter"),
            READ_EVERY,
            may("low", Ty::Map(POINT), "calibration at the lower pressure"),
            may("high", Ty::Map(POINT), "calibration at the higher pressure"),
        ],
    ),
    (
        "drug",
        &[
            NAME,
            SENSOR,
            may("uncertainty", Ty::Quantity(Ratio), "expanded (k = 2) relative uncertainty of a reading"),
            must("step", Ty::Quantity(Concentration), "a change by this is reported"),
            must("every", Ty::Quantity(Time), "the latest time from one report to the next while anything happens"),
            must("max", Ty::Quantity(Concentration), "highest valid reading"),
            CERTIFIED,
        ],
    ),
    ("balance", crate::bench_balance::BALANCE),
    ("alarm", &[NAME, SENSOR, CHIP, OFFSET, LINE_NAME, ACTIVE_LOW, BIAS, DEBOUNCE]),
];

pub(crate) const CERTIFICATE: &[Key] = &[
    must("id", Ty::Name, "number of the certificate"),
    may("date", Ty::Text, "date of the calibration"),
    must("due", Ty::Text, "date of the next calibration"),
    may("range", Ty::Text, "values that the calibration covers"),
    may("instrument", Ty::Text, "type and serial number of the instrument that was calibrated"),
    may("file", Ty::Text, "the certificate itself, from the bench file's folder"),
    may("reference", Ty::Name, "certificate of the balance by which it was calibrated"),
    may("reference_uncertainty", Ty::Quantity(Ratio), "expanded (k = 2) relative uncertainty that it shares with that balance"),
];

pub(crate) const SAFE_DOWN: &[Key] = &[
    must("dwell", Ty::Quantity(Time), "how long is watched"),
    must("at_most", Ty::Quantity(Volume), "upper bound of what may come out meanwhile"),
];

pub(crate) const PER_VOLUME: &[(&str, f64)] = &[("pulses/µL", 1.0), ("pulses/mL", 0.001), ("pulses/L", 0.000_001)];
pub(crate) const PER_KELVIN: &[(&str, f64)] = &[("%/K", 1.0), ("%/°C", 1.0)];
pub(crate) const KELVIN: &[(&str, f64)] = &[("K", 1.0), ("°C", 1.0)];
/// Millionths.
pub(crate) const PARTS: &[(&str, f64)] = &[("ppm", 1.0), ("%", 10_000.0)];
