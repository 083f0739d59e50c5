//! Measured windows: what came through one channel between two instants.

use rig_metrology::{Continuity, EffectiveK, Extremes, PeakRate, Pulses, RollingCount, StrokeExtremes, StrokeWindows, rate};
use rig_model::Name;
use rig_model::bench::{Bench, Channel, FlowSensor, Instrument, Stroke};
use rig_model::dut::{Outcome, Verb};
use rig_model::event::WindowClosed;
use rig_model::input::{Edges, Sense};
use rig_model::quantity::{Flow, Volume};
use rig_model::scenario::{DrugAsked, Measure, Rolling, photometer_of};
use rig_model::time::{RigTime, Span};
use rig_model::verdict::{Reason, Verdict};

use crate::continuity::Commands;
use crate::curve::CurveData;
use crate::drug::DrugData;
use crate::weighing::WeightData;

/// The sensor's range is judged on the flow over this many pulse intervals: more than one jittery pair, and few enough to lie
/// within one stroke of a coarse sensor. Over a pause between strokes the mean would hide a sensor at its end.
pub const PEAK_INTERVALS: u32 = 4;
/// A saturated sensor gives pulses at the end of its range, less what the jitter of ten intervals hides.
pub const NEAR_SATURATION: f64 = 0.9;
/// After a stop or a nominal end nothing is known to have come in less than this: a delivery may end with a stroke that is under way.
pub const LEAST_TAIL: Span = Span::seconds(2);
/// Edges that one family of rolling windows keeps exactly; a day at 1 mL/h with 10 pulses/µL is 240,000.
pub const ROLLING_EDGES: usize = 1 << 18;

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

#[derive(Debug)]
pub struct FlowData {
    pub sensor: FlowSensor,
    pub forward: u64,
    pub reverse: u64,
    pub first: Option<RigTime>,
    pub last: Option<RigTime>,
    pub peak: PeakRate,
    pub k: EffectiveK,
    pub strokes: StrokeWindows,
    pub rolling: Vec<Family>,
    /// In pulses.
    pub continuity: Continuity,
    pub commands: Commands,
    /// For this long something may come after a stop or a nominal end as it should.
    pub tail: Span,
    pub curve: Option<Box<CurveData>>,
    /// Where some check asks for the drug.
    pub drug: Option<Box<DrugData>>,
    /// From the start command to the nominal end of what is delivered.
    over: Option<Span>,
    pub nominal_end: Option<RigTime>,
    /// Net pulses after the nominal end.
    pub after_end: i64,
    /// As it all would be without the command that waits for its answer.
    refused: Option<Box<Refused>>,
}

/// What is true again if the pump refuses what it was told at that instant.
#[derive(Debug)]
struct Refused {
    given: RigTime,
    continuity: Continuity,
    commands: Commands,
    nominal_end: Option<RigTime>,
    after_end: i64,
}

/// One family of rolling windows.
#[derive(Debug)]
pub struct Family {
    pub rolling: Rolling,
    gather: Gather,
    pub counts: Option<Extremes>,
    pub strokes: Option<StrokeExtremes>,
}

#[derive(Debug)]
enum Gather {
    Every(RollingCount),
    Strokes(StrokeWindows),
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

impl FlowData {
    fn new(sensor: FlowSensor, measure: Option<&Measure>, stroke: Option<Stroke>, at: RigTime) -> Self {
        let family = |rolling: &Rolling| Family {
            rolling: *rolling,
            gather: match rolling {
                Rolling::Every(span) => Gather::Every(RollingCount::new(*span, at, ROLLING_EDGES)),
                Rolling::Strokes(n) => Gather::Strokes(StrokeWindows::new(*n, sensor.stroke_gap)),
            },
            counts: None,
            strokes: None,
        };
        Self {
            sensor,
            forward: 0,
            reverse: 0,
            first: None,
            last: None,
            peak: PeakRate::new(PEAK_INTERVALS),
            k: EffectiveK::new(&sensor),
            strokes: StrokeWindows::new(1, sensor.stroke_gap),
            rolling: measure.map_or(&[][..], |m| &m.rolling).iter().map(family).collect(),
            continuity: Continuity::new(at),
            commands: Commands::default(),
            curve: measure.and_then(|m| m.curve.as_ref()).map(|asked| Box::new(CurveData::new(asked, &sensor, stroke, at))),
            drug: None,
            over: measure.and_then(|m| m.delivery).map(|asked| asked.over),
            nominal_end: None,
            after_end: 0,
            refused: None,
            tail: (sensor.stroke_gap + stroke.map_or(Span::ZERO, |stroke| stroke.duration)).max(LEAST_TAIL),
        }
    }

    /// A number of this window's pulses, at its K-factor.
    pub fn pulses(&self, forward: u64, reverse: u64) -> Pulses {
        Pulses { k_factor: self.k.k_factor(), ..Pulses::counted(forward, reverse, &self.sensor) }
    }

    /// The highest flow, µL/s; nothing of one pulse, whose whole volume counting allows for already.
    pub fn peak_flow(&self) -> f64 {
        self.time_of_a_pulse().map_or(0.0, |seconds| 1.0 / (seconds * self.k.k_factor()))
    }

    fn command(&mut self, at: RigTime, verb: &Verb) {
        if !matches!(verb, Verb::Start | Verb::Stop) {
            return;
        }
        let (continuity, commands) = (self.continuity.clone(), self.commands);
        let Self { nominal_end, after_end, .. } = *self;
        self.refused = Some(Box::new(Refused { given: at, continuity, commands, nominal_end, after_end }));
        let first = self.commands.start.is_none();
        self.commands.give(verb, at);
        if *verb == Verb::Stop {
            return self.continuity.stop(at);
        }
        self.continuity.command(at);
        if first {
            self.nominal_end = self.over.map(|over| at.saturating_add(over));
        }
    }

    fn answered(&mut self, verb: &Verb, given: RigTime, outcome: &Outcome, transmissions: u32) {
        let Some(refused) = self.refused.take_if(|refused| refused.given == given) else { return };
        if matches!(outcome, Outcome::Refused(_)) {
            let Refused { continuity, commands, nominal_end, after_end, .. } = *refused;
            (self.continuity, self.commands, self.nominal_end, self.after_end) = (continuity, commands, nominal_end, after_end);
        } else {
            self.commands.answered(verb, given, outcome, transmissions);
        }
    }

    /// Whether a start or a stop waits for its answer.
    pub fn pending(&self) -> bool {
        self.refused.is_some()
    }

    fn edges(&mut self, edges: &Edges) {
        let forward = edges.sense != Sense::Reverse;
        if forward {
            self.forward += edges.count();
        } else {
            self.reverse += edges.count();
        }
        let net = if forward { 1 } else { -1 };
        for at in edges.times() {
            for family in &mut self.rolling {
                match &mut family.gather {
                    Gather::Every(count) => count.push(at, net),
                    Gather::Strokes(strokes) => strokes.push(at, net),
                }
            }
            self.strokes.push(at, net);
            self.continuity.push(at, Volume(net as f64));
            if let Some(refused) = &mut self.refused {
                refused.continuity.push(at, Volume(net as f64));
                refused.after_end += if refused.nominal_end.is_some_and(|end| at > end) { net } else { 0 };
            }
            if let Some(curve) = &mut self.curve {
                curve.push(at, edges.sense);
            }
            if self.nominal_end.is_some_and(|end| at > end) {
                self.after_end += net;
            }
            self.k.push(at, edges.sense);
            if let Some(drug) = &mut self.drug {
                drug.gathered.pulse(at, if forward { 1 } else { -1 });
            }
            if forward {
                self.peak.push(at);
            }
        }
        self.first.get_or_insert(edges.first);
        self.last = Some(edges.last());
    }

    fn close(&mut self, at: RigTime) {
        if let Some(drug) = &mut self.drug {
            drug.gathered.close(at);
        }
        for family in &mut self.rolling {
            match &mut family.gather {
                Gather::Every(count) => family.counts = count.close(at),
                Gather::Strokes(strokes) => family.strokes = strokes.extremes(at),
            }
        }
    }

    /// Computes the curve of a window that came to its end.
    fn compute(&mut self, at: RigTime) {
        let k_factor = self.k.k_factor();
        if let Some(curve) = &mut self.curve {
            curve.close(at, k_factor);
        }
    }

    /// How long one pulse takes at the flow in a stroke, s: where flow begins or ends is not known any better. Of fewer pulses than the peak
    /// is averaged over it is their mean interval; one pulse alone tells no flow.
    pub fn time_of_a_pulse(&self) -> Option<f64> {
        if let Some(peak) = self.peak.peak() {
            return Some(1.0 / peak.pulses_per_s());
        }
        let (first, last, intervals) = (self.first?, self.last?, (self.forward + self.reverse).checked_sub(1)?);
        (intervals > 0).then(|| (last - first).as_seconds() / intervals as f64)
    }

    /// What of the flow lies where the sensor's K-factor does not hold, as a sentence.
    pub fn out_of_range(&self) -> Option<String> {
        if let Some(flow) = above_range(&self.peak, &self.sensor) {
            return Some(above(flow, &self.sensor));
        }
        let (pulses, slowest, fastest) = self.k.outside()?;
        let FlowSensor { min_flow, max_flow, .. } = self.sensor;
        Some(format!(
            "{pulses} pulses came at {slowest:.0} … {fastest:.0} µL/h; the sensor's K-factor holds from {min_flow:.0} to {max_flow:.0} µL/h"
        ))
    }
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

/// The highest flow if the sensor was driven as fast as its K-factor is valid for, or faster: a sensor at its end counts too
/// little, so that the true flow can't be told from the pulses.
pub fn above_range(peak: &PeakRate, sensor: &FlowSensor) -> Option<f64> {
    let peak = peak.peak()?;
    let flow = rate(peak.intervals.into(), peak.elapsed, sensor.k_factor)?;
    (flow >= sensor.max_flow * NEAR_SATURATION).then_some(flow)
}

pub fn above(flow: f64, sensor: &FlowSensor) -> String {
    format!("the flow reached {flow:.0} µL/h; the sensor's K-factor holds up to {:.0} µL/h", sensor.max_flow)
}
