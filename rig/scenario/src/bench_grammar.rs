//! The keys of bench files.

use rig_model::bench::Plant;
use rig_model::quantity::Dimension::{self, Flow, Pressure, Ratio, Time, Volume};

use crate::bench::BenchReader;
use crate::grammar::{Key, Ty};
use crate::node::Node;
use crate::read::Sign;

const fn must(name: &'static str, ty: Ty, doc: &'static str) -> Key {
    Key { name, ty, needed: true, doc }
}
const fn may(name: &'static str, ty: Ty, doc: &'static str) -> Key {
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
];

pub(crate) const LINK: &[Key] = &[
    must("protocol", Ty::OneOf(PROTOCOLS), "session type"),
    may("path", Ty::Text, "device path"),
    must("baud", Ty::Number, "bits a second"),
    must("reply_timeout", Ty::Quantity(Time), "how long to wait for a reply"),
    must("transmissions", Ty::Number, "of one command, at the most"),
    must("poll_every", Ty::Quantity(Time), "how often the status is asked for"),
];

pub(crate) const DUT: &[Key] =
    &[must("model", Ty::Text, "model that must answer"), may("serial", Ty::Text, "serial number that must answer")];

pub(crate) const LINE: &[Key] = &[
    must("name", Ty::Name, "the line's name"),
    must("safe", Ty::Text, "the position to which every way out returns the line"),
    may("chip", Ty::Text, "GPIO chip label"),
    may("offset", Ty::Number, "line offset on the chip"),
    may("active_low", Ty::Switch, "active at low level"),
];

const CHIP: Key = may("chip", Ty::Text, "GPIO chip label");
const OFFSET: Key = may("offset", Ty::Number, "line offset on the chip");
const ACTIVE_LOW: Key = may("active_low", Ty::Switch, "active at low level");
const NAME: Key = must("name", Ty::Name, "the channel's name");
const SENSOR: Key = must("sensor", Ty::Text, "`flow`, `pressure` or `alarm`");
const CERTIFIED: Key = may("certificate", Ty::Map(CERTIFICATE), "calibration certificate");

/// Keys of a channel by its sensor.
pub(crate) const CHANNEL: &[(&str, &[Key])] = &[
    (
        "flow",
        &[
            NAME,
            SENSOR,
            must("k_factor", Ty::Text, "pulses per volume"),
            must("k_uncertainty", Ty::Quantity(Ratio), "expanded (k = 2) uncertainty of the K-factor"),
            must("max_flow", Ty::Quantity(Flow), "instantaneous flow up to which the K-factor is valid"),
            must("stroke_gap", Ty::Quantity(Time), "a longer pause separates two strokes"),
            must("bidirectional", Ty::Switch, "whether the sensor tells the direction"),
            CERTIFIED,
            CHIP,
            OFFSET,
            ACTIVE_LOW,
        ],
    ),
    (
        "pressure",
        &[
            NAME,
            SENSOR,
            must("uncertainty", Ty::Quantity(Pressure), "expanded (k = 2) uncertainty of a reading"),
            must("min", Ty::Quantity(Pressure), "lowest valid reading"),
            must("max", Ty::Quantity(Pressure), "highest valid reading"),
            CERTIFIED,
        ],
    ),
    ("alarm", &[NAME, SENSOR, CHIP, OFFSET, ACTIVE_LOW]),
];

pub(crate) const CERTIFICATE: &[Key] =
    &[must("id", Ty::Name, "number of the certificate"), must("due", Ty::Text, "date of the next calibration")];

pub(crate) const SAFE_DOWN: &[Key] = &[
    must("dwell", Ty::Quantity(Time), "how long is watched"),
    must("at_most", Ty::Quantity(Volume), "upper bound of what may come out meanwhile"),
];

pub(crate) const PER_VOLUME: &[(&str, f64)] = &[("pulses/µL", 1.0), ("pulses/mL", 0.001), ("pulses/L", 0.000_001)];
const COMPLIANCE: &[(&str, f64)] = &[("µL/kPa", 1.0), ("mL/kPa", 1_000.0)];
const RESISTANCE: &[(&str, f64)] = &[("Pa·s/m³", 1.0), ("Pa s/m3", 1.0)];
const CONDUCTANCE: &[(&str, f64)] = &[("µL/(h·kPa)", 1.0), ("µL/h/kPa", 1.0)];

const PLANT: &[Key] = &[
    must("reservoir_capacity", Ty::Quantity(Volume), "what the reservoir holds when full"),
    must("reservoir_empty", Ty::Quantity(Volume), "below this the pump head draws less and less"),
    must("dead_volume", Ty::Quantity(Volume), "pump tubing and catheter"),
    must("compliance", Ty::Text, "of the line, in µL/kPa"),
    must("resistance", Ty::Text, "of the catheter, in Pa·s/m³"),
    must("tip_pressure", Ty::Quantity(Pressure), "at the catheter's tip"),
    must("ambient_pressure", Ty::Quantity(Pressure), "absolute"),
    must("gain", Ty::Number, "true stroke volume over nominal"),
    must("stroke_noise", Ty::Quantity(Ratio), "standard deviation of one stroke's volume"),
    must("leak", Ty::Text, "conductance of the open leak valve, in µL/(h·kPa)"),
    must("pressure_noise", Ty::Quantity(Pressure), "standard deviation of a reading"),
    must("edge_jitter", Ty::Quantity(Time), "standard deviation of a pulse's time stamp"),
    must("missed_pulses", Ty::Quantity(Ratio), "probability that a pulse is missed"),
    must("extra_pulses", Ty::Quantity(Ratio), "probability that a pulse is doubled"),
    must("relay_delay", Ty::Quantity(Time), "time a relay takes to move"),
    must("link_delay", Ty::Quantity(Time), "from a byte's end to its arrival"),
];

impl BenchReader<'_> {
    pub fn plant(&mut self, node: &Node) -> Option<Plant> {
        let fields = self.read.map(node, PLANT, "`[plant]`")?;
        let read = &mut self.read;
        let mut volume = |key: &str| fields.get(key).and_then(|n| read.volume(n, key));
        let (capacity, empty, dead) = (volume("reservoir_capacity"), volume("reservoir_empty"), volume("dead_volume"));
        let mut pressure = |key: &str| fields.get(key).and_then(|n| read.pressure(n, key));
        let (tip, ambient, noise) = (pressure("tip_pressure"), pressure("ambient_pressure"), pressure("pressure_noise"));
        let mut number = |key: &str, dimension: Dimension| {
            fields.get(key).and_then(|n| read.quantity(n, key, dimension, Sign::NotNegative)).map(|q| q.to_f64())
        };
        let (gain, stroke_noise) = (number("gain", Dimension::Count), number("stroke_noise", Ratio));
        let (missed, extra) = (number("missed_pulses", Ratio), number("extra_pulses", Ratio));
        let mut time = |key: &str| fields.get(key).and_then(|n| read.time(n, key, Sign::NotNegative));
        let (jitter, relay, link) = (time("edge_jitter"), time("relay_delay"), time("link_delay"));
        let mut compound = |key: &str, units| fields.get(key).and_then(|n| self.compound(n, key, units));
        let (compliance, resistance) = (compound("compliance", COMPLIANCE), compound("resistance", RESISTANCE));
        let leak = compound("leak", CONDUCTANCE);
        let (missed, extra) = (missed?, extra?);
        if missed > 100.0 || extra > 100.0 {
            self.read.out.error(fields.at, "a probability is at most 100 %");
            return None;
        }
        Some(Plant {
            reservoir_capacity: capacity?,
            reservoir_empty: empty?,
            dead_volume: dead?,
            compliance: compliance?,
            resistance: resistance?,
            tip_pressure: tip?,
            ambient_pressure: ambient?,
            gain: gain?,
            stroke_noise_percent: stroke_noise?,
            leak: leak?,
            pressure_noise: noise?,
            edge_jitter: jitter?,
            missed_pulses: missed / 100.0,
            extra_pulses: extra / 100.0,
            relay_delay: relay?,
            link_delay: link?,
        })
    }
}
