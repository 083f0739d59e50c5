//! Reservoir and pump head: strokes of constant flow, less and less fluid in them as the reservoir runs out, or as there is air in it.
//!
//! Air in the reservoir is drawn in the proportion in which it is there. A reservoir over its capacity has a pressure that rises with what is
//! too much; where that lifts the valves of the head, a constant flow gets through until they hold again.

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
    /// Air in the reservoir, µL.
    pub(crate) air: f64,
    /// Air drawn instead of fluid, µL.
    pub(crate) air_drawn: f64,
    /// Fluid that came out of the head, µL.
    pub(crate) pumped: f64,
    pub(crate) gain: f64,
    /// What temperature and ambient pressure make of the gain: a factor.
    pub(crate) surroundings: f64,
    /// A flow that is always there, µL/s.
    pub(crate) extra: f64,
    /// Below this the head draws air too, µL.
    empty_below: f64,
    pub(crate) capacity: f64,
    overfill: Overfill,
    /// The reservoir's pressure lifts the valves of the head.
    spilling: bool,
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
    /// The part of the air that comes out of the reservoir.
    of_reservoir: f64,
}

/// What a reservoir does that is too full.
#[derive(Debug, Clone, Copy)]
struct Overfill {
    /// kPa for each µL over the capacity.
    stiffness: f64,
    /// The pressure up to which the valves hold, kPa, and what the reservoir then holds, µL.
    holds: f64,
    holds_volume: f64,
    /// What gets through beyond, µL/s.
    flow: f64,
}

/// What next changes by itself in the head.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Ends {
    /// Nothing is left in the reservoir.
    Fluid,
    /// The valves hold again.
    Spill,
}

impl Head {
    pub(crate) fn new(config: &rig_model::bench::Plant, noise: Noise) -> Self {
        let capacity = config.reservoir_capacity.0.max(0.0);
        let (stiffness, holds) = (config.valves.overfill_kpa_per_ml.max(0.0) / 1e3, config.valves.overfill_holds.0.max(0.0));
        // A reservoir that never resists is never too full: the division gives an infinite volume, or none to speak of.
        let holds_volume = if stiffness > 0.0 { capacity + holds / stiffness } else { f64::INFINITY };
        Self {
            reservoir: capacity,
            air: 0.0,
            capacity,
            overfill: Overfill { stiffness, holds, holds_volume, flow: config.valves.overfill_flow.0.max(0.0) / 3600.0 },
            spilling: false,
            surroundings: 1.0,
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
        let gain = self.gain * self.surroundings;
        let swept = (nominal.0 * gain * (1.0 + self.deviation * self.noise.normal())).max(0.0);
        let share = self.air_share();
        let fluid = (swept * self.efficiency() * (1.0 - share)).min(self.reservoir);
        let of_reservoir = (swept * share).min(self.air);
        let duration = duration.max(SHORTEST_STROKE);
        let seconds = duration.as_seconds();
        self.stroke = (pressure < STALL_PRESSURE).then_some(Stroke {
            ends: now.saturating_add(duration),
            fluid: fluid / seconds,
            air: (swept - fluid) / seconds,
            of_reservoir: of_reservoir / seconds,
        });
    }

    /// How much of what is in the reservoir is air, 0 to 1.
    fn air_share(&self) -> f64 {
        if self.air > 0.0 { self.air / (self.air + self.reservoir) } else { 0.0 }
    }

    /// Pressure of the reservoir above ambient, kPa: none up to its capacity.
    pub(crate) fn pressure(&self) -> f64 {
        ((self.reservoir + self.air - self.capacity) * self.overfill.stiffness).max(0.0)
    }

    /// Decides whether the valves are lifted, with `line` kPa behind them.
    pub(crate) fn feel(&mut self, line: f64) {
        self.spilling = self.too_full() && line < self.overfill.holds;
    }

    /// Air in the reservoir in `seconds`, µL.
    pub(crate) fn air_after(&self, seconds: f64) -> f64 {
        (self.air - self.stroke.map_or(0.0, |s| s.of_reservoir) * seconds).max(0.0)
    }

    /// The pressure of the line at which lifted valves shut.
    pub(crate) fn shuts_at(&self) -> Option<f64> {
        self.spilling.then_some(self.overfill.holds)
    }

    /// More than rounding above what the valves hold.
    fn too_full(&self) -> bool {
        self.reservoir + self.air > self.overfill.holds_volume * (1.0 + 1e-12)
    }

    /// Whether nothing is on its way out of the head: then a leaking outlet valve lets fluid back.
    pub(crate) fn rests(&self) -> bool {
        self.stroke.is_none() && self.flow() == 0.0
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
        let by_itself = if self.reservoir > 0.0 { self.extra + if self.spilling { self.overfill.flow } else { 0.0 } } else { 0.0 };
        self.stroke.map_or(0.0, |s| s.fluid) + by_itself
    }

    /// Seconds until something ends, if something flows: the fluid (by the extra flow, or because the reservoir was emptied in mid-stroke), or
    /// what a reservoir that was too full lets through.
    pub(crate) fn lasts(&self) -> Option<(f64, Ends)> {
        let flow = self.flow();
        if flow <= 0.0 {
            return None;
        }
        let empty = (self.reservoir / flow, Ends::Fluid);
        if !self.spilling {
            return Some(empty);
        }
        let all = flow + self.stroke.map_or(0.0, |s| s.of_reservoir);
        let spilt = ((self.reservoir + self.air - self.overfill.holds_volume) / all, Ends::Spill);
        Some(if spilt.0 < empty.0 { spilt } else { empty })
    }

    /// Fluid and air drawn in the next `seconds`, µL.
    pub(crate) fn draws(&self, seconds: f64) -> (f64, f64) {
        (self.flow() * seconds, self.stroke.map_or(0.0, |s| s.air) * seconds)
    }

    pub(crate) fn advance(&mut self, seconds: f64) {
        let (fluid, air) = self.draws(seconds);
        self.reservoir = (self.reservoir - fluid).max(0.0);
        self.air = self.air_after(seconds);
        self.pumped += fluid;
        self.air_drawn += air;
    }

    /// Nothing is left: the rest of a stroke is air.
    pub(crate) fn run_out(&mut self) {
        self.reservoir = 0.0;
        self.stroke = self.stroke.map(|s| Stroke { fluid: 0.0, air: s.air + s.fluid, ..s });
    }

    /// The valves hold again.
    pub(crate) fn spilt(&mut self) {
        self.reservoir = self.reservoir.min((self.overfill.holds_volume - self.air).max(0.0));
        self.spilling = false;
    }

    /// Draws out fluid and then air, µL in all, or what there is; how much fluid.
    pub(crate) fn withdraw(&mut self, volume: f64) -> f64 {
        let fluid = volume.clamp(0.0, self.reservoir);
        self.reservoir -= fluid;
        self.air = (self.air - (volume.max(0.0) - fluid)).max(0.0);
        fluid
    }
}
