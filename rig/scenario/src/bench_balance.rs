//! The balance of a bench: what is stated of it, of the liquid and of the air.

use rig_model::bench::{BenchKind, Parity, SerialInstrument, Wiring};
use rig_model::quantity::{Dimension, Volume};
use rig_model::time::Span;
use rig_model::weighing::{Air, Balance, Liquid, SimulatedBalance, Tube};

use crate::bench::BenchReader;
use crate::bench_grammar::PARTS;
use crate::grammar::{Key, Ty};
use crate::node::Node;
use crate::read::{Fields, Sign};

const fn must(name: &'static str, ty: Ty, doc: &'static str) -> Key {
    Key { name, ty, needed: true, doc }
}
const fn may(name: &'static str, ty: Ty, doc: &'static str) -> Key {
    Key { name, ty, needed: false, doc }
}

pub(crate) const MASS: &[(&str, f64)] = &[("mg", 1.0), ("µg", 0.001), ("g", 1_000.0)];
const MASS_RATE: &[(&str, f64)] = &[("mg/h", 1.0), ("µg/h", 0.001)];
const DENSITY: &[(&str, f64)] = &[("kg/m³", 1.0), ("kg/m3", 1.0), ("g/mL", 1_000.0), ("g/cm³", 1_000.0)];
const LENGTH: &[(&str, f64)] = &[("mm", 1.0), ("µm", 0.001)];
const CELSIUS: &[(&str, f64)] = &[("°C", 1.0)];

/// Density of pure water at 20 °C, kg/m³.
const WATER_AT_20: f64 = 998.207;
/// MT-SICS balances leave the factory with this.
const BAUD: u64 = 9_600;
/// All sensors wait for a weight that is on the wire, and a slower line would hold back what the flow sensors say.
const SLOWEST: u64 = 4_800;
/// Readings before a balance has come to rest are none; a minute is more than the slowest filter takes.
const SETTLE: Span = Span::seconds(10);
const READ_EVERY: Span = Span::seconds(1);

/// Keys of a balance channel behind those that all channels have.
pub(crate) const BALANCE: &[Key] = &[
    must("name", Ty::Name, "the channel's name"),
    must("sensor", Ty::Text, "`balance`"),
    may("beside", Ty::Name, "the flow channel whose liquid falls onto the pan"),
    must("resolution", Ty::Text, "the step of its indication"),
    may("uncertainty", Ty::Text, "expanded (k = 2) uncertainty of the difference of two indications"),
    may("sensitivity", Ty::Text, "how far its sensitivity may be off, either way"),
    may("wander", Ty::Text, "how far it wanders in one hour, as a standard deviation"),
    may("rest_rate_at_most", Ty::Text, "how fast its indication may change at rest; 2 mg/h if nothing is said"),
    must("min", Ty::Text, "lowest valid indication"),
    must("max", Ty::Text, "highest valid indication"),
    must("liquid", Ty::Map(LIQUID), "what is delivered"),
    may("air", Ty::Map(AIR), "the air around"),
    may("tube", Ty::Map(TUBE), "a tube that dips into the liquid"),
    may("start_stop", Ty::Quantity(Dimension::Volume), "what both ends of a delivery together may hold back or add"),
    may("settle", Ty::Quantity(Dimension::Time), "from the last delivery to an indication at rest"),
    may("read_every", Ty::Quantity(Dimension::Time), "time from one reading to the next"),
    may("certificate", Ty::Map(crate::bench_grammar::CERTIFICATE), "calibration certificate"),
    may("port", Ty::Text, "device path of the serial port"),
    may("baud", Ty::Number, "bits a second"),
    may("parity", Ty::Text, "`none`, `even` or `odd`; the protocol has no checksum, so set `even` at both ends"),
    may("serial", Ty::Text, "serial number that must answer"),
    may("repeats", Ty::Switch, "the balance sends by itself"),
    may("simulated", Ty::Map(SIMULATED), "how it behaves on a simulated bench"),
];

const LIQUID: &[Key] = &[
    may("water", Ty::Text, "pure water of this temperature"),
    may("within", Ty::Text, "how far its temperature may be off"),
    may("density", Ty::Text, "density of another liquid"),
    may("uncertainty", Ty::Text, "expanded (k = 2) uncertainty of the density"),
];
const AIR: &[Key] = &[
    may("density", Ty::Text, "density of the air"),
    may("uncertainty", Ty::Text, "expanded (k = 2) uncertainty of the density"),
    may("temperature", Ty::Text, "temperature of the air"),
    may("pressure", Ty::Quantity(Dimension::Pressure), "absolute pressure of the air"),
    may("humidity", Ty::Quantity(Dimension::Ratio), "relative humidity"),
];
const TUBE: &[Key] = &[
    must("outer", Ty::Text, "outer diameter of the tube"),
    may("outer_within", Ty::Text, "how far it may be off"),
    must("vessel", Ty::Text, "inner diameter of the vessel"),
    may("vessel_within", Ty::Text, "how far it may be off"),
];
const SIMULATED: &[Key] = &[
    may("density", Ty::Text, "true density of the liquid; that of water at 20 °C if nothing is said"),
    must("noise", Ty::Text, "standard deviation of one conversion"),
    must("drift", Ty::Text, "steady drift"),
    must("evaporation", Ty::Text, "liquid that evaporates"),
    may("sensitivity_error", Ty::Text, "by how much it shows too much"),
    may("vibration", Ty::Text, "standard deviation that a burst of vibration adds"),
    may("vibration_every", Ty::Quantity(Dimension::Time), "mean time between bursts"),
    may("dropped_replies", Ty::Quantity(Dimension::Ratio), "probability that a reply does not come"),
];

impl BenchReader<'_> {
    pub(crate) fn balance(&mut self, fields: &Fields<'_>) -> Option<Balance> {
        let resolution = self.amount(fields, "resolution", MASS);
        let uncertainty = self.amount(fields, "uncertainty", MASS);
        let sensitivity = self.amount(fields, "sensitivity", PARTS);
        let wander = self.amount(fields, "wander", MASS);
        let rest_rate = self.amount(fields, "rest_rate_at_most", MASS_RATE);
        let (min, max) = (self.signed(fields, "min", MASS), self.signed(fields, "max", MASS));
        let liquid = fields.get("liquid").and_then(|n| self.liquid(n));
        let air = fields.get("air").map_or(Some(Air::Assumed), |n| self.air(n));
        let tube = fields.get("tube").map_or(Some(None), |n| self.tube(n).map(Some));
        let start_stop = fields.get("start_stop").map_or(Some(Volume(0.0)), |n| self.read.volume(n, "start_stop"));
        let settle = fields.get("settle").map_or(Some(SETTLE), |n| self.read.time(n, "settle", Sign::Positive));
        let read_every = fields.get("read_every").map_or(Some(READ_EVERY), |n| self.read.time(n, "read_every", Sign::Positive));
        let beside = fields.get("beside").map_or(Some(None), |n| self.read.name(n, "beside").map(Some));
        let simulated = self.simulated_balance(fields);
        let (min, max) = (min?, max?);
        if min >= max {
            self.read.out.error(fields.key_at("min"), "`min` lies below `max`");
        }
        Some(Balance {
            beside: beside?,
            resolution: resolution??,
            uncertainty: uncertainty?,
            sensitivity_ppm: sensitivity?.unwrap_or(0.0),
            wander: wander?.unwrap_or(0.0),
            rest_rate_at_most: rest_rate?.unwrap_or(Balance::REST_RATE_AT_MOST),
            min,
            max,
            liquid: liquid?,
            air: air?,
            tube: tube?,
            start_stop: start_stop?,
            settle: settle?,
            read_every: read_every?,
            simulated: simulated?,
        })
    }

    /// The serial port of a balance on a real bench, or of the process that plays one.
    pub(crate) fn balance_port(&mut self, fields: &Fields<'_>) -> Option<Wiring> {
        let keys = ["port", "baud", "parity", "serial", "repeats"];
        if self.kind == BenchKind::Sim {
            if let Some(key) = keys.iter().find(|key| fields.get(key).is_some()) {
                self.read.out.error(fields.key_at(key), format!("a balance on the simulated bench has no `{key}`"));
            }
            return None;
        }
        let path = fields.get("port").and_then(|n| self.read.text(n, "port")).map(str::to_owned);
        if path.is_none() && self.kind == BenchKind::Pi {
            self.read.out.error_with_help(fields.at, "a balance lacks `port`", "the stable path of its port, below /dev/serial/by-id");
        }
        let baud = fields.get("baud").map_or(Some(BAUD), |n| self.read.whole(n, "baud", SLOWEST, 4_000_000));
        let parity = fields.get("parity").map_or(Some(Parity::None), |n| self.parity(n));
        let serial = fields.get("serial").and_then(|n| self.read.text(n, "serial")).map(str::to_owned);
        let repeats = fields.get("repeats").map_or(Some(false), |n| self.switch(n, "repeats"));
        let instrument = SerialInstrument { path, baud: u32::try_from(baud?).ok()?, parity: parity?, serial, repeats: repeats? };
        Some(Wiring::Serial(instrument))
    }

    fn parity(&mut self, node: &Node) -> Option<Parity> {
        Some(match self.read.choice(node, "parity", &["none", "even", "odd"])? {
            "even" => Parity::Even,
            "odd" => Parity::Odd,
            _ => Parity::None,
        })
    }

    fn liquid(&mut self, node: &Node) -> Option<Liquid> {
        let fields = self.read.map(node, LIQUID, "`liquid`")?;
        let (water, within) = (self.amount(&fields, "water", CELSIUS), self.amount(&fields, "within", &[("K", 1.0), ("°C", 1.0)]));
        let (density, expanded) = (self.amount(&fields, "density", DENSITY), self.amount(&fields, "uncertainty", DENSITY));
        match (water?, within?, density?, expanded?) {
            (Some(celsius), within, None, None) if celsius <= 40.0 => Some(Liquid::Water { celsius, half_width: within.unwrap_or(0.0) }),
            (None, None, Some(density), expanded) if density > 0.0 => Some(Liquid::Stated { density, expanded }),
            _ => {
                let help = "`{ water = \"20 °C\", within = \"0.5 K\" }` from 0 °C to 40 °C, or `{ density = \"1004 kg/m³\", uncertainty = \"1 kg/m³\" }`";
                self.read.out.error_with_help(node.at, "`liquid` is water of a temperature, or has a density", help);
                None
            }
        }
    }

    fn air(&mut self, node: &Node) -> Option<Air> {
        let fields = self.read.map(node, AIR, "`air`")?;
        let (density, expanded) = (self.amount(&fields, "density", DENSITY), self.amount(&fields, "uncertainty", DENSITY));
        let celsius = self.amount(&fields, "temperature", CELSIUS);
        let pressure = fields.get("pressure").map_or(Some(None), |n| self.read.pressure(n, "pressure").map(Some));
        let humidity = fields
            .get("humidity")
            .map_or(Some(None), |n| self.read.quantity(n, "humidity", Dimension::Ratio, Sign::NotNegative).map(|q| Some(q.to_f64())));
        match (density?, expanded?, celsius?, pressure?, humidity?) {
            (Some(density), expanded, None, None, None) if density > 0.0 => Some(Air::Stated { density, expanded }),
            (None, None, Some(celsius), Some(pressure), Some(humidity)) => Some(Air::Measured { celsius, pressure: pressure.0, humidity }),
            _ => {
                let help =
                    "`{ density = \"1.2 kg/m³\", uncertainty = \"0.02 kg/m³\" }`, or `temperature`, `pressure` and `humidity` together";
                self.read.out.error_with_help(node.at, "`air` has a density, or what it is computed from", help);
                None
            }
        }
    }

    fn tube(&mut self, node: &Node) -> Option<Tube> {
        let fields = self.read.map(node, TUBE, "`tube`")?;
        let mut length = |key| self.amount(&fields, key, LENGTH);
        let (tube, tube_half_width) = (length("outer"), length("outer_within"));
        let (vessel, vessel_half_width) = (length("vessel"), length("vessel_within"));
        let (tube, vessel) = (tube??, vessel??);
        if tube >= vessel {
            self.read.out.error(node.at, "the tube is thinner than the vessel is wide");
            return None;
        }
        Some(Tube { tube, tube_half_width: tube_half_width?.unwrap_or(0.0), vessel, vessel_half_width: vessel_half_width?.unwrap_or(0.0) })
    }

    #[expect(clippy::option_option, reason = "the outer one is a file with errors, the inner one a key that is not there")]
    fn simulated_balance(&mut self, fields: &Fields<'_>) -> Option<Option<SimulatedBalance>> {
        let Some(node) = fields.get("simulated") else {
            if self.kind == BenchKind::Sim {
                let help = "`simulated = { noise = \"0.015 mg\", drift = \"0 mg/h\", evaporation = \"0.1 mg/h\" }`";
                self.read.out.error_with_help(fields.at, "a balance on the simulated bench lacks `simulated`", help);
            }
            return Some(None);
        };
        if self.kind == BenchKind::Pi {
            self.read.out.error(node.at, "a balance of a real bench is not simulated");
            return None;
        }
        let fields = self.read.map(node, SIMULATED, "`simulated`")?;
        let (noise, drift) = (self.amount(&fields, "noise", MASS), self.signed(&fields, "drift", MASS_RATE));
        let evaporation = self.amount(&fields, "evaporation", MASS_RATE);
        let error = fields.get("sensitivity_error").map_or(Some(0.0), |n| self.number_of(n, "sensitivity_error", PARTS));
        let vibration = self.amount(&fields, "vibration", MASS);
        let every = fields.get("vibration_every").map_or(Some(Span::ZERO), |n| self.read.time(n, "vibration_every", Sign::Positive));
        let dropped = fields.get("dropped_replies").map_or(Some(0.0), |n| {
            self.read.quantity(n, "dropped_replies", Dimension::Ratio, Sign::NotNegative).map(|q| q.to_f64() / 100.0)
        });
        let density = self.amount(&fields, "density", DENSITY);
        Some(Some(SimulatedBalance {
            liquid_density: density?.unwrap_or(WATER_AT_20),
            noise: noise??,
            drift: drift?,
            evaporation: evaporation??,
            sensitivity_error_ppm: error?,
            vibration_every: every?,
            vibration: vibration?.unwrap_or(0.0),
            dropped_replies: dropped?,
        }))
    }

    /// A number that is not negative with one of these units, if the key is there.
    #[expect(clippy::option_option, reason = "the outer one is a file with errors, the inner one a key that is not there")]
    fn amount(&mut self, fields: &Fields<'_>, key: &str, units: &[(&str, f64)]) -> Option<Option<f64>> {
        let Some(node) = fields.get(key) else { return Some(None) };
        self.compound(node, key, units).map(Some)
    }

    fn signed(&mut self, fields: &Fields<'_>, key: &str, units: &[(&str, f64)]) -> Option<f64> {
        self.number_of(fields.get(key)?, key, units)
    }
}
