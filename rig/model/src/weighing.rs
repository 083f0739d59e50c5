//! A laboratory balance on a bench: what is stated of it, of the liquid that falls onto its pan, and of what is around.

use crate::Name;
use crate::quantity::Volume;
use crate::time::Span;

/// A balance under the catheter's tip, with a vessel on its pan. Masses in mg.
#[derive(Debug, Clone, PartialEq)]
pub struct Balance {
    /// The flow channel whose liquid falls onto the pan, where there is one: the two are compared.
    pub beside: Option<Name>,
    /// The step of its indication.
    pub resolution: f64,
    /// Expanded (k = 2) uncertainty of the difference of two indications; absent when nobody states it.
    pub uncertainty: Option<f64>,
    /// How far its sensitivity may be off, half width in millionths.
    pub sensitivity_ppm: f64,
    /// How far it wanders in one hour, as a standard deviation; it grows with the square root of time.
    pub wander: f64,
    /// How fast its indication may change at rest, up or down, mg/h: what evaporates and how it drifts. What changes faster is something else.
    pub rest_rate_at_most: f64,
    /// Indications outside of this say nothing.
    pub min: f64,
    pub max: f64,
    pub liquid: Liquid,
    pub air: Air,
    /// Absent where the tube ends above the liquid.
    pub tube: Option<Tube>,
    /// What both ends of a delivery together may hold back or add, a drop at the tip, half width.
    pub start_stop: Volume,
    /// How long after the last delivery, or after whatever else touches the bench, the indication has settled.
    pub settle: Span,
    pub read_every: Span,
    /// How it behaves on a simulated bench; absent on a real one.
    pub simulated: Option<SimulatedBalance>,
}

impl Balance {
    /// mg/h, where nobody states another: an open dish loses 5 mg/h, one under an oil film far less.
    pub const REST_RATE_AT_MOST: f64 = 2.0;
}

/// What is delivered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Liquid {
    /// Pure water at this temperature in °C, within a half width.
    Water { celsius: f64, half_width: f64 },
    /// Density in kg/m³ at the temperature that it has, with its expanded (k = 2) uncertainty; absent when nobody states it.
    Stated { density: f64, expanded: Option<f64> },
}

/// The air around the balance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Air {
    /// Nobody measured it: 1.2 kg/m³ ± 0.15 kg/m³.
    Assumed,
    Stated {
        density: f64,
        expanded: Option<f64>,
    },
    /// °C, kPa and % relative humidity, measured.
    Measured {
        celsius: f64,
        pressure: f64,
        humidity: f64,
    },
}

/// A tube that dips into the liquid. Diameters and their half widths in mm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tube {
    /// Outer diameter of the tube.
    pub tube: f64,
    pub tube_half_width: f64,
    /// Inner diameter of the vessel.
    pub vessel: f64,
    pub vessel_half_width: f64,
}

/// What a simulated balance does that a perfect one would not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SimulatedBalance {
    /// What the liquid's density truly is, kg/m³.
    pub liquid_density: f64,
    /// Standard deviation of one conversion, mg.
    pub noise: f64,
    /// Steady drift, mg/h.
    pub drift: f64,
    /// Liquid that evaporates, mg/h.
    pub evaporation: f64,
    /// Relative error of its sensitivity, millionths.
    pub sensitivity_error_ppm: f64,
    /// Mean time between bursts of vibration; none if zero.
    pub vibration_every: Span,
    /// Standard deviation that a burst adds to a conversion, mg.
    pub vibration: f64,
    /// Probability that a reply does not come.
    pub dropped_replies: f64,
}
