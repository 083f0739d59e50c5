//! One comparison as it will be made: the budget that a value will have on this bench, and whether it would pass.

use std::borrow::Cow;

use rig_metrology::{FlowMeter, Gate, Measured, Pulses, Start, certain, duration, hidden_in_bins, judge, pressure};
use rig_model::Name;
use rig_model::bench::PressureSensor;
use rig_model::budget::{Component, Distribution};
use rig_model::quantity::Dimension;
use rig_model::time::Span;
use rig_model::verdict::{Limits, Rule, Verdict};

use super::How;
use crate::window::PEAK_INTERVALS;

/// How a value comes about, which decides what its budget is.
#[derive(Debug, Clone)]
pub enum Route<'a> {
    Volume(Flow<'a>),
    MeanFlow(Flow<'a>),
    /// The flow over windows of whole strokes, each of so many pulses.
    StrokesFlow(Flow<'a>, f64),
    StrokesVolume(Flow<'a>),
    /// Over a few pulses.
    MaxFlow(Flow<'a>),
    /// From an instant or a pulse to a pulse; one pulse takes so long.
    PulseTime(Flow<'a>, Start, f64),
    /// What the pump says less what was measured; so much comes through.
    ReservoirError(Flow<'a>, f64),
    Pressure(&'a PressureSensor, Option<&'a Name>),
    /// Between instants that are known to within so much.
    Instants(Vec<(&'static str, f64)>, f64),
}

/// A window on a flow sensor.
#[derive(Debug, Clone, Copy)]
pub struct Flow<'a> {
    pub meter: FlowMeter<'a>,
    /// Pulses per µL at the flow that comes.
    pub k: f64,
    pub length: Span,
    /// Pulses that bins hide at either end of a rolling window.
    pub hidden: u64,
}

/// A limit or two, an expected value, and the budget between them.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    pub route: Route<'a>,
    pub dimension: Dimension,
    pub limits: Limits,
    pub rule: Rule,
    /// The extreme of so many windows is judged, each side by itself; 1 for a single value.
    pub members: u64,
    /// How far from the expected value a pump may be that does exactly what it is told, because it delivers whole strokes.
    pub strokes: f64,
    /// The same because pulses are whole.
    pub pulse: f64,
    /// What a longer measurement would be.
    pub lever: Lever,
}

/// What can be made longer or larger, with what it is now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Lever {
    Nothing,
    /// The time over which is measured.
    Window(Span),
    /// The number of strokes in a window.
    Strokes(u32),
    /// The volume of one delivery.
    Delivery(f64),
}

/// Something else than what the case and the bench state.
#[derive(Debug, Clone, Copy)]
pub struct Change<'n> {
    /// So many times as long, or as much.
    pub scale: f64,
    /// One component, by name, or all of them, with so many times its uncertainty.
    pub component: Option<(Option<&'n str>, f64)>,
    /// The mean of so many deliveries.
    pub deliveries: u32,
}

impl Change<'_> {
    pub const NONE: Self = Self { scale: 1.0, component: None, deliveries: 1 };
}

impl Question<'_> {
    /// As it will be measured if the value is this one; `None` where it can't be measured at all.
    pub fn measured(&self, value: f64, change: Change<'_>) -> Option<Measured> {
        let base = self.base(value, change.scale)?;
        if change.component.is_none() && change.deliveries == 1 {
            return Some(base.extreme_of(self.members));
        }
        let root = f64::from(change.deliveries).sqrt();
        let mut budget = base.budget;
        for component in &mut budget {
            let better = match change.component {
                Some((None, factor)) => factor,
                Some((Some(name), factor)) if name == component.name => factor,
                _ => 1.0,
            };
            // What errs in all deliveries alike stays.
            let factor = if component.common { better } else { better / root };
            component.standard_uncertainty = component.standard_uncertainty.map(|u| u * factor);
            component.bound = component.bound.map(|b| b * factor);
        }
        Some(Measured::new(base.estimate.value, budget).extreme_of(self.members))
    }

    /// Whether a pump that does exactly what it is told would pass, whatever the place of its strokes and pulses in the window.
    pub fn passes(&self, expected: f64, change: Change<'_>) -> bool {
        let shrink = match change.component {
            Some((None, factor)) => factor,
            Some((Some("counting"), factor)) => factor,
            _ => 1.0,
        };
        let flow = self.dimension == Dimension::Flow;
        let per = if flow { change.scale } else { 1.0 };
        let aside = (self.strokes + self.pulse * shrink / f64::from(change.deliveries).sqrt()) / per;
        let scaled = if flow || matches!(self.lever, Lever::Nothing) { 1.0 } else { change.scale };
        let expected = expected * scaled;
        let limits = Limits { lower: self.limits.lower.map(|l| l * scaled), upper: self.limits.upper.map(|u| u * scaled) };
        let least = if expected >= 0.0 && self.dimension != Dimension::Pressure { 0.0 } else { f64::NEG_INFINITY };
        let least = if matches!(self.route, Route::ReservoirError(..)) { f64::NEG_INFINITY } else { least };
        let (low, high) = ((expected - aside).max(least), expected + aside);
        let sides = if self.members > 1 {
            [(high, Limits { lower: None, ..limits }), (low, Limits { upper: None, ..limits })]
        } else {
            [(high, limits), (low, limits)]
        };
        let asked = |limits: &Limits| limits.lower.is_some() || limits.upper.is_some();
        sides
            .iter()
            .filter(|(_, limits)| asked(limits))
            .all(|(value, limits)| self.measured(*value, change).is_some_and(|m| judge(&m, *limits, self.rule).verdict == Verdict::Pass))
    }

    pub fn flow(&self) -> Option<&Flow<'_>> {
        match &self.route {
            Route::Volume(flow)
            | Route::MeanFlow(flow)
            | Route::StrokesFlow(flow, _)
            | Route::StrokesVolume(flow)
            | Route::MaxFlow(flow)
            | Route::PulseTime(flow, ..)
            | Route::ReservoirError(flow, _) => Some(flow),
            Route::Pressure(..) | Route::Instants(..) => None,
        }
    }

    fn base(&self, value: f64, scale: f64) -> Option<Measured> {
        match &self.route {
            Route::Volume(flow) => Some(flow.binned(flow.volume(value, Gate::Free, scale), 1.0)),
            Route::MeanFlow(flow) => {
                let length = scaled(flow.length, scale);
                let net = value * length.as_hours() * flow.k;
                let mean = flow.meter.mean_flow(Pulses { net, k_factor: flow.k }, Gate::Free, length)?;
                Some(flow.binned(mean, length.as_hours()))
            }
            Route::StrokesFlow(flow, pulses) => flow.rate(value, (pulses * scale).round().max(1.0)),
            Route::StrokesVolume(flow) => Some(flow.volume(value, Gate::Free, scale)),
            Route::MaxFlow(flow) => flow.rate(value, f64::from(PEAK_INTERVALS)),
            // Nothing came at all.
            Route::PulseTime(_, Start::Instant, _) if value == 0.0 => Some(certain(0.0)),
            Route::PulseTime(flow, start, pulse_s) => Some(flow.meter.time_of_pulses(value, *start, *pulse_s)),
            Route::ReservoirError(flow, through) => Some(flow.volume(*through, Gate::Free, scale).taken_from(through + value)),
            Route::Pressure(sensor, certificate) => Some(pressure(value, sensor, *certificate)),
            Route::Instants(instants, clock_ppm) => Some(duration(value, instants, *clock_ppm)),
        }
    }
}

impl Flow<'_> {
    fn volume(&self, value: f64, gate: Gate, scale: f64) -> Measured {
        self.meter.volume(Pulses { net: value * self.k, k_factor: self.k }, gate, scaled(self.length, scale))
    }

    /// Over so many pulses, which take as long as that flow needs for them.
    fn rate(&self, value: f64, pulses: f64) -> Option<Measured> {
        let elapsed = Span::from_seconds(pulses / (self.k * value) * 3_600.0);
        self.meter.rate_from_edges(pulses as u64, elapsed, self.k)
    }

    fn binned(&self, measured: Measured, per: f64) -> Measured {
        if self.hidden == 0 { measured } else { measured.with(hidden_in_bins(self.hidden, self.k, per)) }
    }
}

fn scaled(length: Span, scale: f64) -> Span {
    if scale == 1.0 { length } else { Span::from_seconds(length.as_seconds() * scale) }
}

/// A component's own words for how well it is known: the figure, its unit, and what the figure is.
pub fn figure(component: &Component, question: &Question<'_>) -> Option<(f64, Cow<'static, str>, How)> {
    let u = component.standard_uncertainty?;
    if matches!(&*component.name, "counting" | "first pulse" | "last pulse") {
        return Some((question.flow()?.k, "pulses/µL".into(), How::More));
    }
    if component.name == "K-factor" {
        return Some((200.0 * u / component.estimate, "%".into(), How::Expanded));
    }
    let (figure, how) = match component.distribution {
        Distribution::Normal | Distribution::Student => (2.0 * u, How::Expanded),
        Distribution::Rectangular => (u * 3f64.sqrt(), How::HalfWidth),
        // Of two ends, each of which lies within so much.
        Distribution::Triangular => (u * 1.5f64.sqrt(), How::HalfWidth),
    };
    Some((figure, component.unit.clone(), how))
}
