//! How the lines and channels of a real bench are wired, and who watches over its outputs.

use std::collections::BTreeMap;

use rig_model::bench::{
    BenchKind, Bias, Bus, Channel, Device, Direction, Drive, EdgeWiring, Gpio, Line, LineBackend, Liquid, Supervision, TwoPoints, Wiring,
};
use rig_model::quantity::Pressure;

use crate::bench::{BenchReader, DRUG, THERMAL};
use crate::bench_grammar::{BACKENDS, BIASES, CONVERTERS, DRIVES, INPUT_LINE, LIQUIDS, POINT, SUPERVISOR};
use crate::diagnostic::Place;
use crate::limits::{MAX_SILENCE, MIN_SILENCE};
use crate::node::Node;
use crate::read::{Fields, Sign};

/// Keys of a GPIO line; what only a real bench has.
const GPIO: [&str; 6] = ["chip", "offset", "line_name", "active_low", "bias", "debounce"];
/// Keys of an instrument on a bus; what only a real bench has.
const ON_A_BUS: [&str; 7] = ["converter", "bus", "address", "input", "read_every", "low", "high"];
/// Lines beside a pulse channel's own.
const BESIDE: [&str; 3] = ["second", "direction", "quadrature"];
/// The widest GPIO controllers have a few hundred lines.
const MAX_OFFSET: u64 = 1_023;
/// An I²C address has seven bits.
const MAX_ADDRESS: u64 = 127;
/// Where an ADS1115 answers unless its address pin says otherwise.
const ADS1115_ADDRESS: u64 = 0x48;

impl BenchReader<'_> {
    pub(crate) fn backend(&mut self, fields: &Fields<'_>) -> Option<LineBackend> {
        let Some(node) = fields.get("lines") else { return Some(LineBackend::default()) };
        if self.kind != BenchKind::Pi {
            self.read.out.error(fields.key_at("lines"), "a simulated bench has no `lines`");
        }
        match self.read.choice(node, "lines", BACKENDS)? {
            "rppal" => Some(LineBackend::Rppal),
            _ => Some(LineBackend::Gpiochip),
        }
    }

    pub(crate) fn supervision(&mut self, node: &Node) -> Option<Supervision> {
        let fields = self.read.map(node, SUPERVISOR, "`[supervisor]`")?;
        let silence = match fields.get("silence") {
            None => Supervision::SILENCE,
            Some(node) => {
                let silence = self.read.time(node, "silence", Sign::Positive)?;
                if !(MIN_SILENCE..=MAX_SILENCE).contains(&silence) {
                    let help = "shorter, and a busy machine makes the bench safe for nothing; longer, and a dead run goes on infusing";
                    self.read.out.error_with_help(node.at, format!("`silence` is from {MIN_SILENCE} to {MAX_SILENCE}"), help);
                }
                silence
            }
        };
        let watchdog = fields.get("watchdog").and_then(|n| self.read.text(n, "watchdog")).map(str::to_owned);
        Some(Supervision { silence, watchdog })
    }

    /// Chip and offset on a real bench; on a simulated one there are none.
    pub(crate) fn gpio(&mut self, fields: &Fields<'_>) -> Option<Gpio> {
        if self.kind != BenchKind::Pi {
            self.only_on_a_real_bench(fields, &GPIO);
            return None;
        }
        for key in ["chip", "offset", "active_low"] {
            if fields.get(key).is_none() {
                self.read.out.error(fields.at, format!("a line of a real bench lacks `{key}`"));
            }
        }
        self.pin(fields)
    }

    pub(crate) fn drive(&mut self, fields: &Fields<'_>) -> Drive {
        match fields.get("drive").and_then(|n| self.read.choice(n, "drive", DRIVES)) {
            Some("open_drain") => Drive::OpenDrain,
            Some("open_source") => Drive::OpenSource,
            _ => Drive::PushPull,
        }
    }

    pub(crate) fn wiring(&mut self, sensor: &str, fields: &Fields<'_>) -> Option<Wiring> {
        match sensor {
            "pressure" => self.converter(fields).map(Wiring::Bus),
            THERMAL => self.thermal(fields).map(Wiring::Bus),
            "balance" => self.balance_port(fields),
            DRUG => None,
            _ => self.edges(fields).map(Wiring::Edges),
        }
    }

    fn edges(&mut self, fields: &Fields<'_>) -> Option<EdgeWiring> {
        let line = self.gpio(fields);
        if self.kind != BenchKind::Pi {
            self.only_on_a_real_bench(fields, &BESIDE);
            return None;
        }
        let second = self.line_beside(fields, "second");
        let level = self.line_beside(fields, "direction");
        let quadrature = self.line_beside(fields, "quadrature");
        if let (Some(_), Some(_)) = (fields.get("direction"), fields.get("quadrature")) {
            self.read.out.error(fields.key_at("quadrature"), "a sensor tells its direction by a level or by a second phase, not by both");
        }
        if second.is_some() && fields.get("quadrature").is_some() {
            self.read.out.error(fields.key_at("second"), "the second phase is a witness already: take `second` out");
        }
        let direction = level.map(Direction::Level).or(quadrature.map(Direction::Quadrature));
        Some(EdgeWiring { line: line?, second, direction })
    }

    fn line_beside(&mut self, fields: &Fields<'_>, key: &str) -> Option<Gpio> {
        let fields = self.read.map(fields.get(key)?, INPUT_LINE, &format!("`{key}`"))?;
        self.pin(&fields)
    }

    fn pin(&mut self, fields: &Fields<'_>) -> Option<Gpio> {
        let chip = fields.get("chip").and_then(|n| self.read.text(n, "chip")).map(str::to_owned);
        let offset = fields.get("offset").and_then(|n| self.read.whole(n, "offset", 0, MAX_OFFSET));
        let line_name = fields.get("line_name").and_then(|n| self.read.text(n, "line_name")).map(str::to_owned);
        let active_low = fields.get("active_low").and_then(|n| self.switch(n, "active_low"));
        let bias = match fields.get("bias").and_then(|n| self.read.choice(n, "bias", BIASES)) {
            Some("pull_up") => Bias::PullUp,
            Some("pull_down") => Bias::PullDown,
            Some(_) => Bias::Disabled,
            None => Bias::AsIs,
        };
        let debounce = fields.get("debounce").and_then(|n| self.read.time(n, "debounce", Sign::Positive));
        let offset = u32::try_from(offset?).ok()?;
        Some(Gpio { chip: chip?, offset, line_name, active_low: active_low?, bias, drive: Drive::PushPull, debounce })
    }

    fn converter(&mut self, fields: &Fields<'_>) -> Option<Bus> {
        if self.kind != BenchKind::Pi {
            self.only_on_a_real_bench(fields, &ON_A_BUS);
            return None;
        }
        let mut complete = true;
        for key in ["converter", "bus", "input", "read_every", "low", "high"] {
            if fields.get(key).is_none() {
                self.read.out.error(fields.at, format!("a pressure channel of a real bench lacks `{key}`"));
                complete = false;
            }
        }
        let converter = fields.get("converter").and_then(|n| self.read.choice(n, "converter", CONVERTERS))?;
        let path = fields.get("bus").and_then(|n| self.read.text(n, "bus"));
        let inputs = if converter == "mcp3208" { 7 } else { 3 };
        let input = fields.get("input").and_then(|n| self.read.whole(n, "input", 0, inputs));
        let address = fields.get("address").map_or(Some(ADS1115_ADDRESS), |n| self.read.whole(n, "address", 0, MAX_ADDRESS));
        if converter == "mcp3208" && fields.get("address").is_some() {
            self.read.out.error(fields.key_at("address"), "an MCP3208 is on SPI and has no address");
        }
        let read_every = fields.get("read_every").and_then(|n| self.read.time(n, "read_every", Sign::Positive));
        let calibration = self.calibration(fields);
        if !complete {
            return None;
        }
        let (input, calibration) = (u8::try_from(input?).ok()?, calibration?);
        let device = match converter {
            "mcp3208" => Device::Mcp3208 { input, calibration },
            _ => Device::Ads1115 { address: u8::try_from(address?).ok()?, input, calibration },
        };
        Some(Bus { path: path?.to_owned(), device, read_every: read_every? })
    }

    fn calibration(&mut self, fields: &Fields<'_>) -> Option<TwoPoints> {
        let (low, high) = (fields.get("low").and_then(|n| self.point(n)), fields.get("high").and_then(|n| self.point(n)));
        let (low, high) = (low?, high?);
        if low.0 == high.0 || low.1 >= high.1 {
            let help = "two different codes, and the lower pressure in `low`";
            self.read.out.error_with_help(fields.key_at("high"), "the two points of the calibration make no line", help);
            return None;
        }
        Some(TwoPoints { low, high })
    }

    fn point(&mut self, node: &Node) -> Option<(i32, Pressure)> {
        let fields = self.read.map(node, POINT, "a point of the calibration")?;
        // Single-ended converters of at most 16 bit.
        let code = fields.get("code").and_then(|n| self.read.whole(n, "code", 0, 65_535));
        let pressure = fields.get("pressure").and_then(|n| self.read.pressure(n, "pressure"));
        Some((i32::try_from(code?).ok()?, pressure?))
    }

    fn thermal(&mut self, fields: &Fields<'_>) -> Option<Bus> {
        if self.kind != BenchKind::Pi {
            self.read.out.error(fields.at, format!("a simulated bench has no sensor `{THERMAL}`"));
            return None;
        }
        for key in ["bus", "read_every"] {
            if fields.get(key).is_none() {
                self.read.out.error(fields.at, format!("a thermal flow channel lacks `{key}`"));
            }
        }
        let path = fields.get("bus").and_then(|n| self.read.text(n, "bus"));
        let read_every = fields.get("read_every").and_then(|n| self.read.time(n, "read_every", Sign::Positive));
        let liquid = match fields.get("liquid").and_then(|n| self.read.choice(n, "liquid", LIQUIDS))? {
            "isopropanol" => Liquid::Isopropanol,
            _ => Liquid::Water,
        };
        Some(Bus { path: path?.to_owned(), device: Device::Slf3s0600f { liquid }, read_every: read_every? })
    }

    fn only_on_a_real_bench(&mut self, fields: &Fields<'_>, keys: &[&str]) {
        if let Some(key) = keys.iter().find(|key| fields.get(key).is_some()) {
            self.read.out.error(fields.key_at(key), format!("a simulated bench has no `{key}`"));
        }
    }

    /// Two things on one pin is a slip of the pen that hardware does not forgive.
    pub(crate) fn each_pin_once(&mut self, lines: &[Line], channels: &[Channel], at: Place) {
        let mut taken: BTreeMap<(&str, u32), String> = BTreeMap::new();
        let outputs = lines.iter().filter_map(|l| Some((l.gpio.as_ref()?, format!("line `{}`", l.name))));
        let inputs = channels.iter().flat_map(|c| pins(c).into_iter().map(|(gpio, what)| (gpio, format!("{what} of `{}`", c.name))));
        for (gpio, what) in outputs.chain(inputs) {
            if let Some(first) = taken.get(&(gpio.chip.as_str(), gpio.offset)) {
                self.read.out.error(at, format!("{what} and {first} are both on line {} of {}", gpio.offset, gpio.chip));
            } else {
                taken.insert((&gpio.chip, gpio.offset), what);
            }
        }
    }
}

/// The pins of a channel, each with what it carries.
fn pins(channel: &Channel) -> Vec<(&Gpio, &'static str)> {
    let Some(Wiring::Edges(EdgeWiring { line, second, direction })) = &channel.wiring else { return Vec::new() };
    let direction = direction.as_ref().map(|d| match d {
        Direction::Level(gpio) => (gpio, "the direction"),
        Direction::Quadrature(gpio) => (gpio, "the second phase"),
    });
    let mut pins = vec![(line, "the line")];
    pins.extend(second.as_ref().map(|gpio| (gpio, "the second line")));
    pins.extend(direction);
    pins
}
