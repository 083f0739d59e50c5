//! Measured windows: what came through one channel between two instants.

mod flow;

use rig_model::Name;
use rig_model::bench::{Bench, Channel, Instrument, Stroke};
use rig_model::dut::{Outcome, Verb};
use rig_model::event::WindowClosed;
use rig_model::input::Edges;
use rig_model::quantity::{Flow, Volume};
use rig_model::scenario::{DrugAsked, Measure, photometer_of};
use rig_model::time::{RigTime, Span};
use rig_model::verdict::{Reason, Verdict};

pub use self::flow::{Family, FlowData, NEAR_SATURATION, PEAK_INTERVALS, ROLLING_EDGES, above, above_range};
use crate::drug::DrugData;
use crate::weighing::WeightData;

#[derive(Debug)]
pub struct Window {
    pub name: Name,
    pub channel: Name,
    pub opened: RigTime,
    pub closed: Option<RigTime>,
    /// Its end came in time.
    pub ended: bool,
    /// Facts of its channel were lost while it was open.
    pub lost: Option<String>,
    /// Some of what came never happened, so that what was counted is no lower bound.
    pub spurious: bool,
    /// The scenario was left before the window's end, and why.
    pub cut: Option<String>,
    /// What the pump said its reservoir held, at opening and at closing.
    pub reservoir: (Option<Volume>, Option<Volume>),
    /// The last reading of each channel when it opened.
    pub shown: Vec<(Name, RigTime, f64)>,
    pub data: Data,
    /// What a balance beside the flow channel sees of it, or the flow channel beside the balance.
    pub beside: Option<Beside>,
}

#[derive(Debug)]
pub enum Data {
    Flow(Box<FlowData>),
    Pressure(PressureData),
    Weight(Box<WeightData>),
    /// An alarm channel; edges are counted only.
    Edges {
        count: u64,
    },
}

/// The other instrument that measures the same liquid.
#[derive(Debug)]
pub struct Beside {
    pub channel: Name,
    pub data: Data,
    /// Facts of it were lost while the window was open.
    pub lost: Option<String>,
}

#[derive(Debug, Clone, Copy, Default)]
pub struct PressureData {
    pub n: u64,
    pub sum: f64,
    pub max: Option<f64>,
    pub first: Option<(RigTime, f64)>,
    pub last: Option<(RigTime, f64)>,
    /// Readings that were no number or outside the instrument's range.
    pub bad: u64,
    pub range: (f64, f64),
}

impl Window {
    pub fn open(measure: &Measure, channel: &Channel, bench: &Bench, at: RigTime) -> Self {
        let beside = bench.channels.iter().find(|other| is_beside(channel, other) || is_beside(other, channel));
        let beside = beside.map(|other| Beside { channel: other.name.clone(), data: Data::new(other, None, None, at), lost: None });
        let data = Data::new(channel, Some(measure), bench.dut.stroke, at);
        Self {
            name: measure.name.clone(),
            channel: measure.channel.clone(),
            opened: at,
            closed: None,
            ended: false,
            lost: None,
            spurious: false,
            cut: None,
            reservoir: (None, None),
            shown: Vec::new(),
            data,
            beside,
        }
    }

    /// Whether facts of this channel are about it, and which of its data they go to.
    pub fn data_of(&mut self, channel: &Name) -> Option<&mut Data> {
        if self.channel == *channel {
            return Some(&mut self.data);
        }
        self.beside.as_mut().filter(|b| b.channel == *channel).map(|b| &mut b.data)
    }

    /// What the photometer at its place tells of the drug is gathered too.
    pub fn with_drug(&mut self, asked: &DrugAsked, bench: &Bench) {
        let before = photometer_of(&self.channel).and_then(|p| self.shown.iter().find(|(name, ..)| *name == p)).map(|(_, at, v)| (*at, *v));
        if let Data::Flow(flow) = &mut self.data {
            flow.drug = DrugData::new(&self.channel, bench, self.opened, before, &asked.in_every).map(Box::new);
        }
    }

    /// What it gathers of this photometer.
    pub fn drug_of(&mut self, channel: &Name) -> Option<&mut DrugData> {
        match &mut self.data {
            Data::Flow(flow) => flow.drug.as_deref_mut().filter(|drug| drug.channel == *channel),
            _ => None,
        }
    }

    pub fn is_open(&self) -> bool {
        self.closed.is_none()
    }

    /// A verb was given to the pump, which may refuse it.
    pub fn command(&mut self, at: RigTime, verb: &Verb) {
        if let Data::Flow(flow) = &mut self.data {
            flow.command(at, verb);
        }
    }

    /// A verb that was given then has been answered, or was not, after so many transmissions.
    pub fn answered(&mut self, verb: &Verb, given: RigTime, outcome: &Outcome, transmissions: u32) {
        if let Data::Flow(flow) = &mut self.data {
            flow.answered(verb, given, outcome, transmissions);
        }
    }

    /// What spoils any value of it.
    pub fn spoilt(&self) -> Option<(Verdict, Reason, String)> {
        if let Some(why) = &self.lost {
            return Some((Verdict::Error, Reason::DataLost, why.clone()));
        }
        if let Some(why) = &self.cut {
            return Some((Verdict::Skipped, Reason::NotReached, format!("the window was cut off: {why}")));
        }
        let beyond = match &self.data {
            Data::Flow(flow) => flow.out_of_range(),
            Data::Pressure(pressure) => pressure.out_of_range(),
            Data::Weight(_) | Data::Edges { .. } => None,
        };
        beyond.map(|why| (Verdict::Error, Reason::OutOfRange, why))
    }

    pub fn close(&mut self, at: RigTime, ended: bool) {
        self.closed = Some(at);
        self.ended = ended;
        if let Data::Flow(flow) = &mut self.data {
            flow.close(at);
            if self.cut.is_none() {
                flow.compute(at);
            }
        }
    }

    /// Closes the window before its end.
    pub fn cut(&mut self, at: RigTime, why: &str) {
        self.cut = Some(why.to_owned());
        self.close(at, false);
    }

    /// Length so far, or in all once it has closed.
    pub fn length(&self, now: RigTime) -> Span {
        self.closed.unwrap_or(now) - self.opened
    }

    pub fn describe(&self) -> WindowClosed {
        let (forward, reverse, volume) = match &self.data {
            Data::Flow(flow) => (flow.forward, flow.reverse, Some(Volume(flow.pulses(flow.forward, flow.reverse).volume()))),
            Data::Pressure(pressure) => (pressure.n, 0, None),
            Data::Weight(weight) => (weight.readings, 0, weight.volume().ok().map(|v| Volume(v.estimate.value))),
            Data::Edges { count } => (*count, 0, None),
        };
        let hours = self.length(self.opened).as_hours();
        WindowClosed {
            window: self.name.clone(),
            channel: self.channel.clone(),
            opened: self.opened,
            forward,
            reverse,
            volume,
            mean_flow: volume.filter(|_| hours > 0.0).map(|v| Flow(v.0 / hours)),
            ended: self.ended,
        }
    }
}

impl Data {
    /// Without a measure only what every window gathers.
    fn new(channel: &Channel, measure: Option<&Measure>, stroke: Option<Stroke>, at: RigTime) -> Self {
        match &channel.instrument {
            Instrument::Flow(sensor) => Self::Flow(Box::new(FlowData::new(*sensor, measure, stroke, at))),
            Instrument::Pressure(sensor) => Self::Pressure(PressureData { range: (sensor.min.0, sensor.max.0), ..PressureData::default() }),
            Instrument::Balance(balance) => Self::Weight(Box::new(WeightData::new(balance, channel.certificate.as_ref()))),
            Instrument::Drug(_) | Instrument::Alarm => Self::Edges { count: 0 },
        }
    }

    pub fn edges(&mut self, edges: &Edges) {
        match self {
            Self::Flow(flow) => flow.edges(edges),
            Self::Edges { count } => *count += edges.count(),
            Self::Pressure(_) | Self::Weight(_) => {}
        }
    }

    /// `sound`: the balance that it may come from can vouch for it.
    pub fn reading(&mut self, at: RigTime, value: f64, sound: bool) {
        match self {
            Self::Pressure(pressure) => pressure.take(at, value),
            Self::Weight(weight) => weight.reading(sound),
            Self::Flow(_) | Self::Edges { .. } => {}
        }
    }
}

/// Whether `balance` is one that weighs what comes through `flow`.
fn is_beside(flow: &Channel, balance: &Channel) -> bool {
    matches!(&balance.instrument, Instrument::Balance(b) if b.beside.as_ref() == Some(&flow.name))
}

impl PressureData {
    /// Why not all readings are pressures, as a sentence.
    pub fn out_of_range(&self) -> Option<String> {
        (self.bad > 0).then(|| format!("{} readings were no number or outside the instrument's range", self.bad))
    }

    fn take(&mut self, at: RigTime, value: f64) {
        // A comparison with NaN is false, so that NaN counts as bad here.
        if !(value >= self.range.0 && value <= self.range.1) {
            self.bad += 1;
            return;
        }
        self.n += 1;
        self.sum += value;
        self.max = Some(self.max.map_or(value, |m| m.max(value)));
        self.first.get_or_insert((at, value));
        self.last = Some((at, value));
    }
}
