//! What a window on a flow channel gathers, in bounded memory.

use rig_metrology::{Continuity, EffectiveK, Extremes, PeakRate, Pulses, RollingCount, StrokeExtremes, StrokeWindows, rate};
use rig_model::bench::{FlowSensor, Stroke};
use rig_model::dut::{Outcome, Verb};
use rig_model::input::{Edges, Sense};
use rig_model::quantity::Volume;
use rig_model::scenario::{Measure, Rolling};
use rig_model::time::{RigTime, Span};

use crate::continuity::Commands;
use crate::curve::CurveData;
use crate::drug::DrugData;

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

impl FlowData {
    pub(super) fn new(sensor: FlowSensor, measure: Option<&Measure>, stroke: Option<Stroke>, at: RigTime) -> Self {
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

    pub(super) fn command(&mut self, at: RigTime, verb: &Verb) {
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

    pub(super) fn answered(&mut self, verb: &Verb, given: RigTime, outcome: &Outcome, transmissions: u32) {
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

    pub(super) fn edges(&mut self, edges: &Edges) {
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

    pub(super) fn close(&mut self, at: RigTime) {
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
    pub(super) fn compute(&mut self, at: RigTime) {
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
