//! Reservoir and pump head: strokes of constant flow, less and less fluid in them as the reservoir runs out.

use rig_model::quantity::Volume;
use rig_model::time::{RigTime, Span};

use crate::noise::Noise;

/// A head can't push against more than this, kPa: far above any alarm threshold, and a limit to what an unnoticed occlusion builds up.
pub(crate) const STALL_PRESSURE: f64 = 500.0;

/// No stroke is shorter: a flow without bound has no pressure.
const SHORTEST_STROKE: Span = Span::microseconds(1);

#[derive(Debug, Clone)]
pub(crate) struct Head {
    /// Fluid in the reservoir, µL.
    pub(crate) reservoir: f64,
    /// Air drawn instead of fluid, µL.
    pub(crate) air_drawn: f64,
    /// Fluid that came out of the head, µL.
    pub(crate) pumped: f64,
    pub(crate) gain: f64,
    /// A flow that is always there, µL/s.
    pub(crate) extra: f64,
    /// Below this the head draws air too, µL.
    empty_below: f64,
    /// Relative standard deviation of a stroke's volume.
    deviation: f64,
    noise: Noise,
    stroke: Option<Stroke>,
}

#[derive(Debug, Clone, Copy)]
struct Stroke {
    ends: RigTime,
    /// µL/s.
    fluid: f64,
    air: f64,
}

impl Head {
    pub(crate) fn new(config: &rig_model::bench::Plant, noise: Noise) -> Self {
        Self {
            reservoir: config.reservoir_capacity.0.max(0.0),
            air_drawn: 0.0,
            pumped: 0.0,
            gain: config.gain,
            extra: 0.0,
            empty_below: config.reservoir_empty.0.max(0.0),
            deviation: config.stroke_noise_percent / 100.0,
            noise,
            stroke: None,
        }
    }

    /// Begins a stroke against `pressure` (kPa); one that is still running ends here.
    pub(crate) fn start(&mut self, nominal: Volume, duration: Span, now: RigTime, pressure: f64) {
        let swept = (nominal.0 * self.gain * (1.0 + self.deviation * self.noise.normal())).max(0.0);
        let fluid = (swept * self.efficiency()).min(self.reservoir);
        let duration = duration.max(SHORTEST_STROKE);
        let seconds = duration.as_seconds();
        self.stroke = (pressure < STALL_PRESSURE).then_some(Stroke {
            ends: now.saturating_add(duration),
            fluid: fluid / seconds,
            air: (swept - fluid) / seconds,
        });
    }

    /// The fraction of a stroke that is fluid: 1 above `empty_below`, falling linearly to 0 at nothing.
    fn efficiency(&self) -> f64 {
        if self.reservoir >= self.empty_below { 1.0 } else { self.reservoir / self.empty_below }
    }

    pub(crate) fn end_stroke(&mut self) {
        self.stroke = None;
    }

    pub(crate) fn stroke_ends(&self) -> Option<RigTime> {
        self.stroke.map(|s| s.ends)
    }

    /// Fluid out of the head now, µL/s.
    pub(crate) fn flow(&self) -> f64 {
        self.stroke.map_or(0.0, |s| s.fluid) + if self.reservoir > 0.0 { self.extra } else { 0.0 }
    }

    /// Seconds until nothing is left, if something flows: by the extra flow, or because the reservoir was emptied in mid-stroke.
    pub(crate) fn lasts(&self) -> Option<f64> {
        let flow = self.flow();
        (flow > 0.0).then(|| self.reservoir / flow)
    }

    /// Fluid and air drawn in the next `seconds`, µL.
    pub(crate) fn draws(&self, seconds: f64) -> (f64, f64) {
        (self.flow() * seconds, self.stroke.map_or(0.0, |s| s.air) * seconds)
    }

    pub(crate) fn advance(&mut self, seconds: f64) {
        let (fluid, air) = self.draws(seconds);
        self.reservoir = (self.reservoir - fluid).max(0.0);
        self.pumped += fluid;
        self.air_drawn += air;
    }

    /// Nothing is left: the rest of a stroke is air.
    pub(crate) fn run_out(&mut self) {
        self.reservoir = 0.0;
        self.stroke = self.stroke.map(|s| Stroke { fluid: 0.0, air: s.air + s.fluid, ..s });
    }
}
