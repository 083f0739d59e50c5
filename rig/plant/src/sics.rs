//! A simulated balance's side of the wire: commands of MT-SICS in, replies out, after the reference manual of the command set.
//!
//! Of level 0 and 1 it knows `@`, `I4`, `S`, `SI`, `SIR`, `Z`, `ZI`, `T` and `TI`. Anything else is a syntax error, as on a balance that
//! lacks the command.

use rig_model::quantity::Volume;
use rig_model::time::{RigTime, Span};

use crate::balance::{Balance, BalanceParams, OutOfRange, Reading};
use crate::noise::Noise;

/// Its stream of noise.
const REPLIES: u64 = (1 << 32) + 16;

/// Characters of a command at the most; all that it knows are shorter by far.
const LONGEST_COMMAND: usize = 64;

/// The unit in which it tells weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Gram,
    Milligram,
    Kilogram,
}

impl Unit {
    const fn symbol(self) -> &'static str {
        match self {
            Self::Gram => "g",
            Self::Milligram => "mg",
            Self::Kilogram => "kg",
        }
    }

    const fn milligrams(self) -> f64 {
        match self {
            Self::Gram => 1e3,
            Self::Milligram => 1.0,
            Self::Kilogram => 1e6,
        }
    }
}

/// How its interface is set, and what goes wrong on it.
#[derive(Debug, Clone, PartialEq)]
pub struct SicsParams {
    pub serial: String,
    pub unit: Unit,
    /// From one reading of `SIR` to the next.
    pub repeat_every: Span,
    /// How long `S`, `Z` and `T` wait for rest.
    pub rest_limit: Span,
    /// Probability that a reply is lost on its way.
    pub dropped_replies: f64,
}

impl SicsParams {
    pub fn new(serial: impl Into<String>) -> Self {
        Self {
            serial: serial.into(),
            unit: Unit::Gram,
            repeat_every: Span::milliseconds(200),
            rest_limit: Span::seconds(20),
            dropped_replies: 0.0,
        }
    }
}

/// What waits for rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waiting {
    Weight,
    Zero,
    Tare,
}

impl Waiting {
    const fn id(self) -> char {
        match self {
            Self::Weight => 'S',
            Self::Zero => 'Z',
            Self::Tare => 'T',
        }
    }
}

/// A balance with its interface.
#[derive(Debug, Clone)]
pub struct Sics {
    balance: Balance,
    params: SicsParams,
    decimals: usize,
    command: Vec<u8>,
    /// Whether the command that is coming in is too long already.
    too_long: bool,
    /// What it waits to carry out, and until when.
    waiting: Option<(Waiting, RigTime)>,
    /// When the next of a repetition is due.
    repeat: Option<RigTime>,
    /// The last two ends of time: what had been delivered at `now`.
    now: RigTime,
    delivered: Volume,
    losses: Noise,
}

impl Sics {
    pub fn new(balance: BalanceParams, params: SicsParams, seed: u64, at: RigTime) -> Self {
        let decimals = decimals(balance.resolution / params.unit.milligrams());
        Self {
            balance: Balance::new(balance, seed, at),
            params,
            decimals,
            command: Vec::new(),
            too_long: false,
            waiting: None,
            repeat: None,
            now: at,
            delivered: Volume(0.0),
            losses: Noise::new(seed, REPLIES),
        }
    }

    /// When something next happens by itself, if anything does.
    pub fn next_event(&self) -> Option<RigTime> {
        let waiting = self.waiting.map(|(_, until)| self.balance.next_conversion().min(until));
        [waiting, self.repeat].into_iter().flatten().min()
    }

    /// Lets time pass until `to`, at which `delivered` has left the tip in all, and appends what is said meanwhile.
    pub fn advance(&mut self, to: RigTime, delivered: Volume, out: &mut Vec<u8>) {
        while let Some(at) = self.next_event().filter(|at| *at <= to) {
            let volume = self.delivered_at(at, to, delivered);
            self.move_to(at, volume);
            self.look_for_rest(out);
            if self.repeat.is_some_and(|due| due <= at) {
                self.repeat = Some(at + self.params.repeat_every.max(Span::milliseconds(1)));
                self.weight_now(out);
            }
        }
        self.move_to(to, delivered);
    }

    /// Takes bytes that came at the instant of the last advance, and appends the replies.
    pub fn receive(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        for byte in bytes {
            if *byte == b'\n' {
                let command = std::mem::take(&mut self.command);
                if std::mem::take(&mut self.too_long) {
                    self.say("EL", out);
                } else {
                    self.obey(&command, out);
                }
            } else if self.command.len() < LONGEST_COMMAND {
                self.command.push(*byte);
            } else {
                self.too_long = true;
            }
        }
    }

    /// Switched off and on again: zero and tare are forgotten, and it says who it is.
    pub fn switch_on(&mut self, out: &mut Vec<u8>) {
        self.balance.switch_on();
        self.cancel(out);
    }

    fn delivered_at(&self, at: RigTime, to: RigTime, delivered: Volume) -> Volume {
        let whole = (to - self.now).0;
        if whole <= 0 {
            return delivered;
        }
        let part = (at - self.now).0 as f64 / whole as f64;
        Volume(self.delivered.0 + (delivered.0 - self.delivered.0) * part)
    }

    fn move_to(&mut self, at: RigTime, delivered: Volume) {
        if at > self.now {
            self.balance.reading(at, delivered);
            (self.now, self.delivered) = (at, delivered);
        }
    }

    fn shown(&mut self) -> Reading {
        self.balance.reading(self.now, self.delivered)
    }

    fn obey(&mut self, line: &[u8], out: &mut Vec<u8>) {
        let Some(command) = line.strip_suffix(b"\r").and_then(|command| std::str::from_utf8(command).ok()) else {
            return self.say("ET", out);
        };
        if !command.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
            return self.say("ET", out);
        }
        match (command, self.waiting) {
            ("@", _) => self.cancel(out),
            ("I4", _) => self.name(out),
            ("S" | "SI" | "SIR", Some(_)) => self.say("S I", out),
            ("Z" | "ZI" | "T" | "TI", Some(_)) => self.say(&format!("{command} I"), out),
            ("S", None) => {
                self.repeat = None;
                self.wait(Waiting::Weight, out);
            }
            ("SI", None) => {
                self.repeat = None;
                self.weight_now(out);
            }
            ("SIR", None) => {
                self.repeat = Some(self.now + self.params.repeat_every);
                self.weight_now(out);
            }
            ("Z", None) => self.wait(Waiting::Zero, out),
            ("T", None) => self.wait(Waiting::Tare, out),
            ("ZI", None) => self.zero("ZI", out),
            ("TI", None) => self.tare("TI", out),
            _ => {
                // These say so themselves when they get a parameter.
                let id = command.split(' ').next().unwrap_or_default();
                match id {
                    "S" | "SI" | "SIR" => self.say("S L", out),
                    "T" | "TI" => self.say(&format!("{id} L"), out),
                    _ => self.say("ES", out),
                }
            }
        }
    }

    fn cancel(&mut self, out: &mut Vec<u8>) {
        (self.waiting, self.repeat) = (None, None);
        self.name(out);
    }

    fn name(&mut self, out: &mut Vec<u8>) {
        let serial = self.params.serial.replace('\\', "\\\\").replace('"', "\\\"");
        self.say(&format!("I4 A \"{serial}\""), out);
    }

    fn wait(&mut self, what: Waiting, out: &mut Vec<u8>) {
        self.waiting = Some((what, self.now + self.params.rest_limit));
        self.look_for_rest(out);
    }

    fn look_for_rest(&mut self, out: &mut Vec<u8>) {
        let Some((what, until)) = self.waiting else { return };
        let reading = self.shown();
        if let Reading::Mass { stable: false, .. } = reading {
            if self.now >= until {
                self.waiting = None;
                self.say(&format!("{} I", what.id()), out);
            }
            return;
        }
        self.waiting = None;
        match what {
            Waiting::Weight => self.tell(reading, out),
            Waiting::Zero => self.zero("Z", out),
            Waiting::Tare => self.tare("T", out),
        }
    }

    fn weight_now(&mut self, out: &mut Vec<u8>) {
        if self.waiting.is_some() {
            return self.say("S I", out);
        }
        let reading = self.shown();
        self.tell(reading, out);
    }

    fn tell(&mut self, reading: Reading, out: &mut Vec<u8>) {
        let line = match reading {
            Reading::Mass { mg, stable } => format!("S {} {}", if stable { 'S' } else { 'D' }, self.weight(mg)),
            Reading::Overload => "S +".to_owned(),
            Reading::Underload => "S -".to_owned(),
        };
        self.say(&line, out);
    }

    fn zero(&mut self, id: &str, out: &mut Vec<u8>) {
        let stable = matches!(self.shown(), Reading::Mass { stable: true, .. });
        let status = match self.balance.set_zero() {
            Ok(()) if id == "Z" => 'A',
            Ok(()) if stable => 'S',
            Ok(()) => 'D',
            Err(OutOfRange::Above) => '+',
            Err(OutOfRange::Below) => '-',
        };
        self.say(&format!("{id} {status}"), out);
    }

    fn tare(&mut self, id: &str, out: &mut Vec<u8>) {
        let stable = matches!(self.shown(), Reading::Mass { stable: true, .. });
        let line = match self.balance.set_tare() {
            Ok(mg) => format!("{id} {} {}", if stable { 'S' } else { 'D' }, self.weight(mg)),
            Err(OutOfRange::Above) => format!("{id} +"),
            Err(OutOfRange::Below) => format!("{id} -"),
        };
        self.say(&line, out);
    }

    /// Ten characters, right aligned, and the unit.
    fn weight(&self, mg: f64) -> String {
        format!("{:>10.*} {}", self.decimals, mg / self.params.unit.milligrams(), self.params.unit.symbol())
    }

    fn say(&mut self, line: &str, out: &mut Vec<u8>) {
        if self.params.dropped_replies > 0.0 && self.losses.uniform() < self.params.dropped_replies {
            return;
        }
        out.extend_from_slice(line.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
}

/// As many as the step needs, and no more than fit.
fn decimals(step: f64) -> usize {
    const MOST: usize = 8;
    let mut scaled = step;
    for decimals in 0..MOST {
        if (scaled - scaled.round()).abs() < 1e-6 * scaled && scaled >= 0.5 {
            return decimals;
        }
        scaled *= 10.0;
    }
    MOST
}
