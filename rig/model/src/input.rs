//! What the rig receives and what it asks the bench to do. Inputs are raw: bytes, edges, readings, answers.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Name;
use crate::quantity::{Concentration, Figures, Length, Pressure, Temperature, Voltage, Volume};
use crate::time::{RigTime, Span};

/// Where an input comes from. Inputs of one source arrive in the order of their source times.
/// The order of the variants is the fixed order of sources at equal times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The supervising program itself: stop requests, answers of operators.
    Operator,
    /// Answers to actuations.
    Bench,
    /// The serial link.
    Link,
    /// Edges and readings of the channels.
    Sensors,
}

impl Source {
    pub const ALL: [Self; 4] = [Self::Operator, Self::Bench, Self::Link, Self::Sensors];
}

/// One raw fact from outside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
pub enum Input {
    /// Bytes from the board, as received.
    Rx(Bytes),
    /// A batch of edges of one channel.
    Edges(Edges),
    /// A reading of an analogue channel in its base unit (kPa).
    Reading { channel: Name, value: Real },
    /// The actuation with this id was carried out.
    Done { id: u64 },
    /// The actuation with this id failed.
    Failed { id: u64, why: String },
    /// The port failed or hung up; nothing more comes from it.
    LinkDown { why: String },
    /// The port is there (again).
    LinkUp,
    /// Facts were lost at the source.
    Lost { what: Lost },
    /// Someone wants the run to end.
    StopRequest { why: String },
    /// The answer to a prompt; `None`: nobody is there.
    Answer { id: u64, operator: Option<String> },
}

/// No actuation has this id: a failure with it is the bench's as a whole, and ends the run.
pub const BENCH_ITSELF: u64 = 0;

/// Losses of the serial link are told under this name of a channel.
pub const LINK: &str = "link";

/// What is known of facts that did not arrive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// The channel whose facts they were; absent when any channel's may be among them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub channel: Option<Name>,
    /// How many, if that is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub count: Option<u64>,
    /// Not fewer but more came than happened (bounce, glitches): what was counted is not even a lower bound.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub spurious: bool,
    pub why: String,
}

impl Lost {
    /// A loss of which nothing is known but the reason.
    pub fn because(why: impl Into<String>) -> Self {
        Self { channel: None, count: None, spurious: false, why: why.into() }
    }

    pub fn of(self, channel: Name) -> Self {
        Self { channel: Some(channel), ..self }
    }

    pub fn counted(self, count: u64) -> Self {
        Self { count: Some(count), ..self }
    }
}

/// Which edge of a line, or which way the fluid went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sense {
    /// A pulse of a flow sensor, fluid going towards the catheter tip.
    Forward,
    /// A pulse of a flow sensor, fluid coming back.
    Reverse,
    /// The alarm output went active.
    On,
    /// The alarm output went inactive.
    Off,
}

/// A batch of edges of one channel and one sense, in time order. Never empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edges {
    pub channel: Name,
    pub sense: Sense,
    /// The source's running number of the first edge of the batch (the kernel's `line_seqno`);
    /// the next batch of the same channel, of either sense, continues where this one ends.
    pub first_number: u64,
    pub first: RigTime,
    /// Time differences in nanoseconds from each edge to the next, one fewer than there are edges.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub then: Vec<i64>,
}

impl Edges {
    pub fn single(channel: Name, sense: Sense, number: u64, at: RigTime) -> Self {
        Self { channel, sense, first_number: number, first: at, then: Vec::new() }
    }

    /// How many edges; at least one.
    pub fn count(&self) -> u64 {
        1 + self.then.len() as u64
    }

    pub fn last(&self) -> RigTime {
        RigTime(self.first.0 + self.then.iter().sum::<i64>())
    }

    pub fn times(&self) -> impl Iterator<Item = RigTime> + '_ {
        let mut at = self.first;
        std::iter::once(self.first).chain(self.then.iter().map(move |d| {
            at.0 += d;
            at
        }))
    }

    /// Takes the edges later than `until` out of this batch and returns them; `None` when there are none.
    /// The first edge must not be later than `until`.
    pub fn split_after(&mut self, until: RigTime) -> Option<Self> {
        let mut at = self.first;
        let keep = self.then.iter().position(|d| {
            at.0 += d;
            at > until
        })?;
        let mut rest = self.then.split_off(keep);
        rest.remove(0);
        Some(Self {
            channel: self.channel.clone(),
            sense: self.sense,
            first_number: self.first_number + 1 + keep as u64,
            first: at,
            then: rest,
        })
    }
}

/// What the runner asks of the bench.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
pub enum Action {
    /// Bytes to the board.
    Tx(Bytes),
    /// To be answered by `Done` or `Failed` with the same id.
    Actuate { id: u64, what: Actuation },
    /// To be answered by `Answer` with the same id.
    Prompt { id: u64, text: String },
}

/// Something that the bench does around the board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actuation {
    /// Move a line to its active or inactive position.
    Line { line: Name, active: bool },
    /// Change the simulated plumbing; a real bench fails it.
    Plant(PlantChange),
}

/// Changes to the plumbing that only a simulated bench (or an operator) can make.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlantChange {
    /// A bench as on its first day: default plumbing, power off, lines safe, noise drawn from this seed.
    Fresh {
        seed: u64,
    },
    /// The reservoir truly holds this volume.
    Reservoir {
        volume: Volume,
    },
    /// The catheter is full of fluid (`primed`) or of air.
    Catheter {
        primed: bool,
    },
    /// An air bubble of this volume, at ambient pressure, sits in the line.
    AirBubble {
        volume: Volume,
    },
    /// The resistance of the catheter is multiplied by this factor (partial occlusion).
    Resistance {
        factor: f64,
    },
    /// Pressure at the tip of the catheter (CSF, head height).
    TipPressure {
        pressure: Pressure,
    },
    /// A needle injects this volume.
    Needle {
        into: NeedleSite,
        volume: Volume,
    },
    /// The needle is in the reservoir's port and draws out this volume, or all that there is.
    Withdraw {
        volume: Volume,
    },
    /// The drug in the reservoir is of this concentration; what is in the line is pushed out before it.
    Drug {
        concentration: Concentration,
    },
    /// The catheter comes off its connector, upstream of the tip's sensor (or is put on again).
    Disconnected {
        open: bool,
    },
    /// The outlet valve lets fluid back into the reservoir, as much as the bench states (or is tight again).
    BackFlow {
        open: bool,
    },
    /// The tip lies this much above the pump; negative: below.
    Head {
        height: Length,
    },
    /// Absolute pressure around pump and patient.
    Ambient {
        pressure: Pressure,
    },
    Temperature {
        inside: Temperature,
    },
    /// The supply falls to this voltage for this long.
    SupplyDip {
        to: Voltage,
        lasts: Span,
    },
    /// The battery has this much of its charge, in %.
    Battery {
        percent: f64,
    },
    /// A field holds the rotor (as in an MRI scanner), or the motor is jammed, until it is let go.
    Rotor {
        held: bool,
    },
    /// The firmware stands still from now on; only its watchdog can end that.
    Hang,
    /// The bits of this mask are turned over in the first byte of one field of the pump's stored settings; the pump's maker names the fields.
    Memory {
        field: Name,
        mask: u8,
        /// The checksum of what is stored is right again behind it: a change that no checksum shows.
        #[serde(skip_serializing_if = "std::ops::Not::not", default)]
        sealed: bool,
    },
    /// The patient presses the button for this long; its contact bounces so often at each end.
    Button {
        held: Span,
        bounces: u32,
    },
    /// The pump's clock goes this much faster than it should, in parts per million.
    PumpClock {
        ppm: f64,
    },
}

/// Where a needle's point is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NeedleSite {
    /// Through the septum.
    Reservoir,
    /// In the tissue beside the pump.
    Pocket,
    /// Through the septum, and what is injected is air.
    AirIntoReservoir,
}

impl fmt::Display for PlantChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fresh { seed } => write!(f, "fresh, seed {seed}"),
            Self::Reservoir { volume } => write!(f, "reservoir {volume}"),
            Self::Catheter { primed: true } => f.write_str("catheter primed"),
            Self::Catheter { primed: false } => f.write_str("catheter full of air"),
            Self::AirBubble { volume } => write!(f, "air bubble {volume}"),
            Self::Resistance { factor } => write!(f, "resistance × {}", Figures(*factor)),
            Self::TipPressure { pressure } => write!(f, "tip pressure {pressure}"),
            Self::Needle { into: NeedleSite::Reservoir, volume } => write!(f, "needle: {volume} into the reservoir"),
            Self::Needle { into: NeedleSite::Pocket, volume } => write!(f, "needle: {volume} into the pocket beside the pump"),
            Self::Needle { into: NeedleSite::AirIntoReservoir, volume } => write!(f, "needle: {volume} of air into the reservoir"),
            Self::Withdraw { volume } => write!(f, "needle: {volume} withdrawn"),
            Self::Drug { concentration } => write!(f, "drug of {concentration} in the reservoir"),
            Self::Disconnected { open: true } => f.write_str("catheter disconnected"),
            Self::Disconnected { open: false } => f.write_str("catheter connected"),
            Self::BackFlow { open: true } => f.write_str("outlet valve leaks back"),
            Self::BackFlow { open: false } => f.write_str("outlet valve is tight"),
            Self::Head { height } => write!(f, "tip {height} above the pump"),
            Self::Ambient { pressure } => write!(f, "ambient pressure {pressure}"),
            Self::Temperature { inside } => write!(f, "temperature {inside}"),
            Self::SupplyDip { to, lasts } => write!(f, "supply at {to} for {lasts}"),
            Self::Battery { percent } => write!(f, "battery at {} %", Figures(*percent)),
            Self::Rotor { held: true } => f.write_str("rotor held"),
            Self::Rotor { held: false } => f.write_str("rotor let go"),
            Self::Hang => f.write_str("firmware stands still"),
            Self::Memory { field, mask, sealed: false } => write!(f, "stored {field} altered by {mask:#04x}"),
            Self::Memory { field, mask, sealed: true } => write!(f, "stored {field} altered by {mask:#04x}, checksum right"),
            Self::Button { held, bounces } => write!(f, "button pressed for {held}, {bounces} bounces"),
            Self::PumpClock { ppm } => write!(f, "pump's clock {} ppm fast", Figures(*ppm)),
        }
    }
}

/// Raw bytes; hexadecimal in the journal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bytes(pub Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = String::with_capacity(self.0.len() * 2);
        for byte in &self.0 {
            text.push(DIGITS[usize::from(byte >> 4)] as char);
            text.push(DIGITS[usize::from(byte & 15)] as char);
        }
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let digit = |c: u8| (c as char).to_digit(16).map(|d| d as u8);
        let bytes = text.as_bytes();
        if bytes.len() % 2 != 0 {
            return Err(serde::de::Error::custom("odd number of hexadecimal digits"));
        }
        bytes
            .chunks_exact(2)
            .map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?))
            .collect::<Option<Vec<u8>>>()
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("not hexadecimal"))
    }
}

/// A number as an instrument gave it; NaN and the infinities survive the journal as words.
#[derive(Debug, Clone, Copy)]
pub struct Real(pub f64);

impl PartialEq for Real {
    /// The same bits: a NaN equals itself, so that a replay can be compared.
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Serialize for Real {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            x if x.is_finite() => serializer.serialize_f64(x),
            x if x.is_nan() => serializer.serialize_str("NaN"),
            x if x > 0.0 => serializer.serialize_str("inf"),
            _ => serializer.serialize_str("-inf"),
        }
    }
}

impl<'de> Deserialize<'de> for Real {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Number(f64),
            Word(String),
        }
        match Form::deserialize(deserializer)? {
            Form::Number(x) => Ok(Self(x)),
            Form::Word(word) => match word.as_str() {
                "NaN" => Ok(Self(f64::NAN)),
                "inf" => Ok(Self(f64::INFINITY)),
                "-inf" => Ok(Self(f64::NEG_INFINITY)),
                _ => Err(serde::de::Error::custom(format!("`{word}` is not a reading"))),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(first: i64, then: &[i64]) -> Edges {
        Edges { channel: "flow.tip".into(), sense: Sense::Forward, first_number: 7, first: RigTime(first), then: then.to_vec() }
    }

    #[test]
    fn a_batch_splits_between_two_edges() {
        let mut edges = batch(100, &[10, 10, 10]);
        assert_eq!(edges.split_after(RigTime(130)), None);
        let rest = edges.split_after(RigTime(115)).expect("two edges are later");
        assert_eq!(edges, batch(100, &[10]));
        assert_eq!(rest, Edges { first_number: 9, ..batch(120, &[10]) });
        assert_eq!((edges.last(), rest.last(), rest.count()), (RigTime(110), RigTime(130), 2));
        assert_eq!(rest.times().collect::<Vec<_>>(), [RigTime(120), RigTime(130)]);
    }
}
