//! The bench file: TOML tables to a checked [`Bench`].

use std::collections::BTreeSet;

use rig_model::Name;
use rig_model::bench::{
    Bench, BenchKind, Channel, DutExpected, Gpio, Instrument, Line, Link, OwnRates, SafeDown, Stroke, Supervision, Wiring,
};
use rig_model::quantity::{Dimension, Flow, Volume};
use rig_model::time::Span;
use rig_model::verdict::{Rule, StatedBy};

use crate::bench_grammar::{BENCH, CHANNEL, DECISION, DUT, LINE, LINK, PARTS, PROTOCOLS, SAFE_DOWN};
use crate::diagnostic::{Diagnostic, Place, Reporter};
use crate::expression::Scope;
use crate::limits::{
    DWELL_SECONDS, MAX_BASAL_MICROLITRES_PER_HOUR, MAX_DWELL_MICROLITRES, MAX_FILE_BYTES, MAX_POLL_SECONDS, MAX_REPLY_SECONDS,
};
use crate::node::Node;
use crate::position;
use crate::read::{Fields, Reader, Sign};
use crate::toml_tree;

/// The thermal flow sensor that there is a driver for, as a bench file names it.
pub(crate) const THERMAL: &str = "slf3s-0600f";
/// A photometer at the tip.
pub(crate) const DRUG: &str = "drug";

/// Reads a bench file; all errors at once.
pub fn parse_bench(path: &str, text: &str) -> Result<Bench, Vec<Diagnostic>> {
    let mut out = Reporter::default();
    if text.len() > MAX_FILE_BYTES {
        let file = out.add_file(path, "");
        out.error(Place::top(file), format!("the file has {} KiB; at most {} KiB are taken", text.len() / 1024, MAX_FILE_BYTES / 1024));
        return Err(out.finish());
    }
    let file = out.add_file(path, text);
    let root = toml_tree::parse(file, text, &mut out);
    let found =
        root.and_then(|root| BenchReader { read: Reader { out: &mut out, scope: Scope::new() }, kind: BenchKind::Sim }.bench(&root));
    let diagnostics = out.finish();
    match found {
        Some(bench) if diagnostics.is_empty() => Ok(bench),
        _ => Err(diagnostics),
    }
}

pub(crate) struct BenchReader<'a> {
    pub read: Reader<'a>,
    pub kind: BenchKind,
}

impl BenchReader<'_> {
    fn bench(&mut self, root: &Node) -> Option<Bench> {
        let fields = self.read.map(root, BENCH, "a bench file")?;
        let kind = fields.get("kind").and_then(|n| self.read.choice(n, "kind", &["sim", "process", "pi"]));
        self.kind = match kind {
            Some("pi") => BenchKind::Pi,
            Some("process") => BenchKind::Process,
            _ => BenchKind::Sim,
        };
        let backend = self.backend(&fields);
        let supervision = fields.get("supervisor").map_or_else(|| Some(Supervision::default()), |n| self.supervision(n));
        let name = fields.get("name").and_then(|n| self.read.name(n, "name"));
        let link = fields.get("link").and_then(|n| self.link(n));
        let dut = fields.get("dut").and_then(|n| self.dut(n));
        let lines = self.all(&fields, "line", Self::line, |line| &line.name);
        let channels = self.all(&fields, "channel", Self::channel, |channel| &channel.name);
        let safe_down = fields.get("safe_down").and_then(|n| self.safe_down(n));
        let plant = match (fields.get("plant"), self.kind) {
            (Some(node), BenchKind::Pi) => {
                self.read.out.error(node.at, "a real bench has no simulated plumbing: take `[plant]` out");
                None
            }
            (Some(node), _) => Some(self.plant(node)?),
            (None, BenchKind::Pi) => None,
            (None, _) => {
                self.read.out.error(fields.at, "a simulated bench lacks `[plant]`");
                None
            }
        };
        let rule = fields.get("decision").map_or(Some(None), |n| self.decision(n).map(Some));
        let clock_ppm = fields.get("clock_uncertainty").map_or(Some(Bench::CLOCK_PPM), |n| self.compound(n, "clock_uncertainty", PARTS));
        self.each_pin_once(&lines, &channels, fields.at);
        self.balance_beside(&channels, fields.at);
        let (name, backend, supervision) = (name?.to_string(), backend?, supervision?);
        let (link, dut, safe_down) = (link?, dut?, safe_down?);
        let (kind, rule, clock_ppm) = (self.kind, rule?, clock_ppm?);
        Some(Bench { name, kind, backend, supervision, link, dut, lines, channels, safe_down, rule, clock_ppm, plant })
    }

    /// What a balance is beside is a flow channel of the same bench.
    fn balance_beside(&mut self, channels: &[Channel], at: Place) {
        let is_flow = |name: &Name| channels.iter().any(|c| c.name == *name && matches!(c.instrument, Instrument::Flow(_)));
        for channel in channels {
            if let Instrument::Balance(balance) = &channel.instrument
                && let Some(beside) = balance.beside.as_ref().filter(|name| !is_flow(name))
            {
                self.read.out.error(at, format!("`{}` is beside `{beside}`, which is no flow channel of this bench", channel.name));
            }
        }
    }

    /// The tables of an array, each name once.
    fn all<T>(&mut self, fields: &Fields<'_>, key: &str, read: fn(&mut Self, &Node) -> Option<T>, name: fn(&T) -> &Name) -> Vec<T> {
        let items = fields.get(key).and_then(|n| self.read.list(n, key)).unwrap_or_default();
        let mut seen: BTreeSet<Name> = BTreeSet::new();
        let mut all = Vec::new();
        for item in items {
            let Some(found) = read(self, item) else { continue };
            if !seen.insert(name(&found).clone()) {
                self.read.out.error(item.at, format!("the {key} `{}` stands twice", name(&found)));
            }
            all.push(found);
        }
        all
    }

    fn link(&mut self, node: &Node) -> Option<Link> {
        let fields = self.read.map(node, LINK, "`[link]`")?;
        let protocol = fields.get("protocol").and_then(|n| self.read.choice(n, "protocol", PROTOCOLS));
        let path = fields.get("path").and_then(|n| self.read.text(n, "path")).map(str::to_owned);
        // 4,000,000 Bd is the fastest that Linux names.
        let baud = fields.get("baud").and_then(|n| self.read.whole(n, "baud", 300, 4_000_000));
        let reply_timeout = self.bounded(&fields, "reply_timeout", 0, MAX_REPLY_SECONDS);
        let transmissions = fields.get("transmissions").and_then(|n| self.read.whole(n, "transmissions", 1, 10));
        let poll_every = self.bounded(&fields, "poll_every", 0, MAX_POLL_SECONDS);
        if self.kind == BenchKind::Pi && path.is_none() {
            self.read.out.error_with_help(fields.at, "`[link]` lacks `path`", "the stable path of the port, below /dev/serial/by-id");
        }
        Some(Link {
            protocol: protocol?.to_owned(),
            path,
            baud: u32::try_from(baud?).ok()?,
            reply_timeout: reply_timeout?,
            transmissions: u32::try_from(transmissions?).ok()?,
            poll_every: poll_every?,
        })
    }

    /// A length of time within bounds, both in seconds and inclusive.
    fn bounded(&mut self, fields: &Fields<'_>, key: &str, least: i64, most: i64) -> Option<Span> {
        let node = fields.get(key)?;
        let span = self.read.time(node, key, Sign::Positive)?;
        if span < Span::seconds(least) || span > Span::seconds(most) {
            let range = if least > 0 {
                format!("from {} to {}", Span::seconds(least), Span::seconds(most))
            } else {
                format!("at most {}", Span::seconds(most))
            };
            self.read.out.error(node.at, format!("`{key}` is {range}"));
        }
        Some(span)
    }

    fn dut(&mut self, node: &Node) -> Option<DutExpected> {
        let fields = self.read.map(node, DUT, "`[dut]`")?;
        let model = fields.get("model").and_then(|n| self.read.text(n, "model"))?.to_owned();
        let serial = fields.get("serial").and_then(|n| self.read.text(n, "serial")).map(str::to_owned);
        let volume = fields.get("stroke_volume").map(|n| self.read.quantity(n, "stroke_volume", Dimension::Volume, Sign::Positive));
        let duration = fields.get("stroke_duration").map(|n| self.read.time(n, "stroke_duration", Sign::Positive));
        let stroke = match (volume, duration) {
            (None, None) => None,
            (Some(volume), Some(duration)) => Some(Stroke { volume: Volume(volume?.to_f64()), duration: duration? }),
            _ => {
                self.read.out.error(fields.at, "`stroke_volume` and `stroke_duration` go together");
                None
            }
        };
        let own = self.own_rates(&fields);
        let firmware = self.expected_firmware(&fields);
        Some(DutExpected { model, serial, serials: Vec::new(), stroke, own: own?, firmware: firmware? })
    }

    fn own_rates(&mut self, fields: &Fields<'_>) -> Option<OwnRates> {
        let mut stated = |key: &str, dimension: Dimension| match fields.get(key) {
            None => Some(None),
            Some(node) => self.read.quantity(node, key, dimension, Sign::Positive).map(|quantity| Some(quantity.to_f64())),
        };
        let (minimum, priming) = (stated("minimum_rate", Dimension::Flow), stated("priming_rate", Dimension::Flow));
        let (basal, bolus) = (stated("soft_basal", Dimension::Flow), stated("soft_bolus", Dimension::Volume));
        let implant = OwnRates::default();
        let own = OwnRates {
            minimum: minimum?.map_or(implant.minimum, Flow),
            priming: priming?.map_or(implant.priming, Flow),
            soft_basal: basal?.map_or(implant.soft_basal, Flow),
            soft_bolus: bolus?.map_or(implant.soft_bolus, Volume),
        };
        self.plausible(&own, fields);
        Some(own)
    }

    /// The dose oracle lets a pump give these rates by itself: what no pump could mean would hide an overdose.
    fn plausible(&mut self, own: &OwnRates, fields: &Fields<'_>) {
        let at = |keys: [&str; 2]| fields.key_at(keys.into_iter().find(|key| fields.get(key).is_some()).unwrap_or(keys[0]));
        let told = |flow: Flow| format!("{} µL/h", flow.0);
        for (key, what, above) in [
            ("soft_basal", "the basal rate above which a start must be confirmed", own.soft_basal),
            ("priming_rate", "the rate of a priming", own.priming),
        ] {
            if own.minimum.0 >= above.0 {
                let wrong = format!("`minimum_rate` is {}, and `{key}` is {}", told(own.minimum), told(above));
                let help = format!("the least rate lies below {what}; what is not stated is the implant's");
                self.read.out.error_with_help(at(["minimum_rate", key]), wrong, help);
            }
        }
        if own.soft_basal.0 > MAX_BASAL_MICROLITRES_PER_HOUR {
            let wrong = format!("`soft_basal` is {}, at most {MAX_BASAL_MICROLITRES_PER_HOUR} µL/h", told(own.soft_basal));
            let help = "no pump that this rig is for gives a basal rate above that, so that no start would ever have to be confirmed";
            self.read.out.error_with_help(at(["soft_basal"; 2]), wrong, help);
        }
    }

    fn decision(&mut self, node: &Node) -> Option<Rule> {
        let fields = self.read.map(node, DECISION, "`[decision]`")?;
        self.read.rule(&fields, StatedBy::Bench)?
    }

    fn line(&mut self, node: &Node) -> Option<Line> {
        let fields = self.read.map(node, LINE, "`[[line]]`")?;
        let gpio = self.gpio(&fields);
        let name = fields.get("name").and_then(|n| self.read.name(n, "name"))?;
        let gpio = gpio.map(|gpio| Gpio { drive: self.drive(&fields), ..gpio });
        let safe = fields.get("safe")?;
        let word = self.read.word(safe, "safe")?;
        match position::active(&name, &word) {
            Ok(safe_active) => {
                let does = self.deed(&fields, safe_active);
                Some(Line { name, safe_active, gpio, does })
            }
            Err(help) => {
                self.read.out.error_with_help(safe.at, format!("`{word}` is not a position of `{name}`"), help);
                None
            }
        }
    }

    fn channel(&mut self, node: &Node) -> Option<Channel> {
        let (sensor, fields) = self.sensor(node)?;
        let name = fields.get("name").and_then(|n| self.read.name(n, "name").map(|name| (n, name)));
        let certificate = fields.get("certificate").and_then(|n| self.certificate(n, sensor));
        let wiring = self.wiring(sensor, &fields);
        let instrument = match sensor {
            "flow" => self.flow_sensor(&fields).map(Instrument::Flow),
            THERMAL => self.thermal_sensor(&fields).map(Instrument::Flow),
            "pressure" => self.pressure_sensor(&fields).map(Instrument::Pressure),
            DRUG => self.drug_sensor(&fields).map(Instrument::Drug),
            "balance" => self.balance(&fields).map(|balance| Instrument::Balance(Box::new(balance))),
            _ => Some(Instrument::Alarm),
        };
        let (at, name) = name?;
        let quantity = if sensor == THERMAL { "flow" } else { sensor };
        let fits = if sensor == "alarm" || sensor == "balance" { &*name == sensor } else { name.starts_with(&format!("{quantity}.")) };
        if !fits {
            let help = "channels are called by their quantity: `flow.…`, `pressure.…`, `drug.…`, and the one `alarm` and `balance`";
            self.read.out.error_with_help(at.at, format!("a {quantity} channel can't be called `{name}`"), help);
        }
        if let (Some(Instrument::Flow(sensor)), Some(Wiring::Edges(wiring))) = (&instrument, &wiring)
            && sensor.bidirectional != wiring.direction.is_some()
        {
            let help = "`bidirectional` is true when there is `direction` or `quadrature`, and only then";
            self.read.out.error_with_help(fields.key_at("bidirectional"), "the wiring does not say what `bidirectional` says", help);
        }
        Some(Channel { name, instrument: instrument?, certificate, wiring })
    }

    /// A channel's table is read by what its sensor is.
    fn sensor<'n>(&mut self, node: &'n Node) -> Option<(&'static str, Fields<'n>)> {
        let Some(sensor) = node.get("sensor") else {
            self.read.out.error_with_help(
                node.at,
                "`[[channel]]` lacks `sensor`",
                "it is `flow`, `slf3s-0600f`, `pressure`, `drug`, `balance` or `alarm`",
            );
            return None;
        };
        let sensor = self.read.choice(sensor, "sensor", &["flow", THERMAL, "pressure", DRUG, "balance", "alarm"])?;
        let keys = CHANNEL.iter().find(|(name, _)| *name == sensor).map(|(_, keys)| *keys)?;
        Some((sensor, self.read.map(node, keys, &format!("a {sensor} channel"))?))
    }

    fn safe_down(&mut self, node: &Node) -> Option<SafeDown> {
        let fields = self.read.map(node, SAFE_DOWN, "`[safe_down]`")?;
        let dwell = self.bounded(&fields, "dwell", DWELL_SECONDS.0, DWELL_SECONDS.1);
        let at_most = fields.get("at_most").and_then(|n| self.read.volume(n, "at_most"));
        if let (Some(at), Some(volume)) = (fields.get("at_most"), at_most)
            && !(volume.0 > 0.0 && volume.0 <= MAX_DWELL_MICROLITRES)
        {
            self.read
                .out
                .error(at.at, format!("`at_most` is more than nothing and at most {MAX_DWELL_MICROLITRES} µL, or it shows nothing"));
        }
        Some(SafeDown { dwell: dwell?, at_most: at_most? })
    }

    pub fn switch(&mut self, node: &Node, key: &str) -> Option<bool> {
        self.read.choice(node, key, &["true", "false"]).map(|word| word == "true")
    }

    /// A number that is not negative with one of these compound units, in the first of them.
    pub fn compound(&mut self, node: &Node, key: &str, units: &[(&str, f64)]) -> Option<f64> {
        let value = self.number_of(node, key, units)?;
        if value < 0.0 {
            self.read.out.error(node.at, format!("`{key}` is not negative"));
            return None;
        }
        Some(value)
    }

    /// A number with one of these compound units, in the first of them.
    pub fn number_of(&mut self, node: &Node, key: &str, units: &[(&str, f64)]) -> Option<f64> {
        let text = self.read.text(node, key)?;
        self.number_in(node, text, key, units)
    }

    /// The same of a part of the node's text.
    pub fn number_in(&mut self, node: &Node, text: &str, key: &str, units: &[(&str, f64)]) -> Option<f64> {
        let (number, unit) = text.split_once(' ').unwrap_or((text, ""));
        let symbol = unit.trim().replace('μ', "µ").replace("uL", "µL");
        let factor = units.iter().find(|(u, _)| *u == symbol).map(|(_, factor)| *factor);
        let value = number.parse::<f64>().ok().filter(|v| v.is_finite());
        if let (Some(value), Some(factor)) = (value, factor) {
            return Some(value * factor);
        }
        let help = format!("for example `{key} = \"10 {}\"`", units.first().map_or("", |(u, _)| *u));
        self.read.out.error_with_help(node.at, format!("`{key}` can't be `{text}`"), help);
        None
    }
}
