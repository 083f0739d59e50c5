//! Volume from mass: what a balance under the catheter's tip says was delivered.
//!
//! ```text
//! V = (ΔI − r · Δt) · Z · f        Z = 1/ρ · (1 − ρa/ρb) / (1 − ρa/ρ)        f = 1 − (d/D)²
//! ```
//!
//! ΔI is the change of the indication over the delivery, Δt its length, r the rate at which the indication changes when nothing is delivered
//! (evaporation and the balance's own drift), ρ the liquid's density, ρa that of the air, ρb that of the weights by which the balance is
//! adjusted. The tube of diameter d dips into the liquid in a vessel of diameter D; as the liquid rises, so does its buoyancy on the tube.
//!
//! The pump stands still before and after, long enough for a straight line through the readings ([`RestFit`]). The lines give the indication at
//! the two ends of the delivery, and the rate in between as the mean of both. A pump that drips while it should stand still would be taken for
//! evaporation, and its drops be taken off its delivery: rates at rest that evaporation and drift don't explain give no volume.

mod density;
mod rest;

use std::fmt;

use rig_model::Name;
use rig_model::budget::{Component, Distribution, Origin};
use rig_model::quantity::Volume;
use rig_model::time::RigTime;
use rig_model::weighing::{Air, Balance, Liquid, Tube};

use crate::estimate::combine;
use crate::measured::{Measured, certified, rectangular};

pub use density::{AIR_DENSITY, WEIGHTS_DENSITY, air_density, water_density, z_factor};
pub use rest::{MIN_REST_READINGS, NoRest, Rest, RestFit};

use density::Known;

/// The row of a budget that does not grow with the volume.
pub(crate) const BALANCE_ROW: &str = "balance";

/// f = 1 − (d/D)²: what of the indication is liquid, and not the tube's buoyancy in it.
pub fn tube_factor(tube: &Tube) -> f64 {
    1.0 - share(tube)
}

/// Rates are told from chance at one and a half times their expanded uncertainty: by chance alone a sound weighing is refused about once in
/// 300, and with k = 2 it would be once in 25.
const CHANCE: f64 = 1.5;

fn share(tube: &Tube) -> f64 {
    (tube.tube / tube.vessel) * (tube.tube / tube.vessel)
}

/// What is stated of the balance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BalanceFigures<'a> {
    /// The step of its indication, mg.
    pub resolution: f64,
    /// Expanded (k = 2) uncertainty of the difference of two indications as the certificate states it for this load, mg; absent when nobody
    /// states it.
    pub expanded: Option<f64>,
    /// How far its sensitivity may be off, half width in ppm of the difference.
    pub sensitivity_ppm: f64,
    /// How far it wanders in one hour, mg as a standard deviation, growing with the square root of time.
    pub wander: f64,
    /// How fast its indication may change at rest by evaporation and its own drift, up or down, mg/h.
    pub rest_rate_at_most: f64,
    pub certificate: Option<&'a Name>,
}

/// One delivery on the balance.
#[derive(Debug, Clone, PartialEq)]
pub struct Weighing<'a> {
    /// The pump stands still before and after.
    pub before: Rest,
    pub after: Rest,
    pub balance: BalanceFigures<'a>,
    pub liquid: Liquid,
    pub air: Air,
    /// Absent where the tube ends above the liquid.
    pub tube: Option<Tube>,
    /// What either end of the delivery may hold back or add (a drop at the tip), half width for both together.
    pub start_stop: Volume,
}

impl<'a> Weighing<'a> {
    /// A delivery between two rests, on this balance of a bench.
    pub fn on(balance: &Balance, certificate: Option<&'a Name>, before: Rest, after: Rest) -> Self {
        let Balance { resolution, uncertainty, sensitivity_ppm, wander, rest_rate_at_most, liquid, air, tube, start_stop, .. } = *balance;
        let balance = BalanceFigures { resolution, expanded: uncertainty, sensitivity_ppm, wander, rest_rate_at_most, certificate };
        Self { before, after, balance, liquid, air, tube, start_stop }
    }
}

/// Why a delivery has no gravimetric volume.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NotWeighed {
    /// The pump stood still again before it had stood still: the two are in the wrong order, or overlap.
    OutOfOrder,
    /// Of the water, °C.
    WaterTemperature(f64),
    /// Temperature, pressure or humidity of the air are outside the range of the formula.
    AirCondition,
    /// A density is not a positive number, or the air is denser than the liquid.
    Density,
    /// The tube is as wide as the vessel, or a diameter is no positive number.
    Diameters,
    /// A figure of the balance is negative or no number.
    Balance,
    /// The indication grows at rest by more than chance and the balance's wandering explain. mg/h.
    Gains(f64),
    /// The indication changes faster at rest than the bench says that it may. mg/h.
    RestRate { rate: f64, at_most: f64 },
    /// Before and after the delivery it changes so differently that nothing is known of the time in between. mg/h.
    RatesDiffer { before: f64, after: f64 },
}

impl Weighing<'_> {
    /// Volume in µL that left the tip between the two rests, with its budget.
    ///
    /// # Errors
    /// What was stated makes no sense, or is outside the range in which it is known.
    pub fn volume(&self) -> Result<Measured, NotWeighed> {
        let elapsed = hours(self.before.to, self.after.from);
        if elapsed < 0.0 {
            return Err(NotWeighed::OutOfOrder);
        }
        self.check()?;
        self.check_rests()?;
        let (liquid, air) = (density::of_liquid(&self.liquid)?, density::of_air(&self.air)?);
        let z = z_factor(liquid.value, air.value, WEIGHTS_DENSITY).ok_or(NotWeighed::Density)?;
        let factor = z * self.tube.as_ref().map_or(1.0, tube_factor);

        let rate = f64::midpoint(self.before.rate, self.after.rate);
        let mass = self.after.indication_at(self.after.from) - self.before.indication_at(self.before.to) - rate * elapsed;
        let value = mass * factor;
        let mut budget = self.indications(factor, elapsed);
        self.balance_rows(mass, factor, elapsed, &mut budget);
        density_rows(value, &liquid, &air, &mut budget);
        self.tube_rows(mass * z, &mut budget);
        if self.start_stop.0 != 0.0 {
            budget.push(rectangular("start and stop", self.start_stop.0, "µL", 1.0, Origin::Datasheet));
        }
        Ok(Measured::new(value, budget))
    }

    fn check(&self) -> Result<(), NotWeighed> {
        let BalanceFigures { resolution, expanded, sensitivity_ppm, wander, rest_rate_at_most, .. } = self.balance;
        if ![resolution, expanded.unwrap_or(0.0), sensitivity_ppm, wander, rest_rate_at_most].iter().all(|x| x.is_finite() && *x >= 0.0) {
            return Err(NotWeighed::Balance);
        }
        let sound =
            |t: &Tube| t.tube >= 0.0 && t.tube < t.vessel && t.vessel.is_finite() && t.tube_half_width >= 0.0 && t.vessel_half_width >= 0.0;
        if self.tube.as_ref().is_some_and(|tube| !sound(tube)) { Err(NotWeighed::Diameters) } else { Ok(()) }
    }

    /// Whether the two rests are what evaporation and the balance's drift make of them.
    fn check_rests(&self) -> Result<(), NotWeighed> {
        let BalanceFigures { wander, rest_rate_at_most: at_most, .. } = self.balance;
        let (before, after) = (&self.before, &self.after);
        // What a line through readings may rise or fall by chance: its own scatter, and the tilt of a random walk.
        let by_chance = |rests: &[&Rest]| {
            let parts = rests.iter().flat_map(|rest| [(rest.u_rate, rest.dof), (wander * tilt(rest).sqrt(), f64::INFINITY)]);
            CHANCE * combine(0.0, &parts.collect::<Vec<_>>()).expanded()
        };
        for rest in [before, after] {
            if rest.rate > by_chance(&[rest]) {
                return Err(NotWeighed::Gains(rest.rate));
            }
            // A rate that is no number is none that the bench allows.
            if rest.rate.is_nan() || rest.rate.abs() > at_most {
                return Err(NotWeighed::RestRate { rate: rest.rate, at_most });
            }
        }
        let apart = (before.rate - after.rate).abs();
        if apart > at_most && apart > by_chance(&[before, after]) {
            return Err(NotWeighed::RatesDiffer { before: before.rate, after: after.rate });
        }
        Ok(())
    }

    /// How long before and after the delivery the middle of each rest is, from the middle of the delivery, in h: by that time a wrong rate is
    /// multiplied.
    fn levers(&self, elapsed: f64) -> [f64; 2] {
        [hours(self.before.middle, self.before.to) + elapsed / 2.0, hours(self.after.from, self.after.middle) + elapsed / 2.0]
    }

    /// The two lines: their heights, their slopes, and what the slopes differ by.
    fn indications(&self, factor: f64, elapsed: f64) -> Vec<Component> {
        let [lever_before, lever_after] = self.levers(elapsed);
        let fitted = |name: &'static str, estimate, unit: &'static str, u, dof, sensitivity| Component {
            distribution: Distribution::Student,
            standard_uncertainty: Some(u),
            dof: Some(dof),
            estimate,
            bound: None,
            ..rectangular(name, 0.0, unit, sensitivity, Origin::Derived)
        };
        let (before, after) = (&self.before, &self.after);
        vec![
            fitted("indication before", before.indication, "mg", before.u_indication, before.dof, -factor),
            fitted("indication after", after.indication, "mg", after.u_indication, after.dof, factor),
            fitted("rate at rest before", before.rate, "mg/h", before.u_rate, before.dof, -factor * lever_before),
            fitted("rate at rest after", after.rate, "mg/h", after.u_rate, after.dof, -factor * lever_after),
            rectangular("change of the rate at rest", (before.rate - after.rate).abs() / 2.0, "mg/h", factor * elapsed, Origin::Derived),
        ]
    }

    fn balance_rows(&self, mass: f64, factor: f64, elapsed: f64, budget: &mut Vec<Component>) {
        let BalanceFigures { resolution, expanded, sensitivity_ppm, wander, certificate, .. } = self.balance;
        budget.push(certified(BALANCE_ROW, mass, "mg", expanded, factor, certificate));
        if resolution != 0.0 {
            // Two roundings, each within half a step.
            let two = Component {
                distribution: Distribution::Triangular,
                standard_uncertainty: Some(resolution / 6f64.sqrt()),
                ..rectangular("resolution", resolution, "mg", factor, Origin::Datasheet)
            };
            budget.push(two);
        }
        if sensitivity_ppm != 0.0 {
            let row = rectangular("sensitivity of the balance", sensitivity_ppm, "ppm", mass * factor * 1e-6, Origin::Datasheet);
            budget.push(Component { common: true, bound: None, ..row });
        }
        if wander != 0.0 {
            // A random walk: its own length, and what it tilts the lines by.
            let [before, after] = self.levers(elapsed);
            let u = wander * (elapsed + before * before * tilt(&self.before) + after * after * tilt(&self.after)).sqrt();
            budget.push(Component {
                distribution: Distribution::Normal,
                standard_uncertainty: Some(u),
                bound: None,
                ..rectangular("drift of the balance", 0.0, "mg", factor, Origin::Datasheet)
            });
        }
    }

    fn tube_rows(&self, untouched: f64, budget: &mut Vec<Component>) {
        let Some(tube) = self.tube else { return };
        let share = share(&tube);
        for (name, diameter, half_width, sensitivity) in [
            ("diameter of the tube", tube.tube, tube.tube_half_width, -2.0 * untouched * share / tube.tube),
            ("diameter of the vessel", tube.vessel, tube.vessel_half_width, 2.0 * untouched * share / tube.vessel),
        ] {
            if half_width != 0.0 {
                // A tube of no diameter has no share, and the quotient above no value.
                let sensitivity = if share == 0.0 { 0.0 } else { sensitivity };
                let row = rectangular(name, half_width, "mm", sensitivity, Origin::Datasheet);
                budget.push(Component { estimate: diameter, common: true, bound: None, ..row });
            }
        }
    }
}

/// Densities: d(ln Z)/dρ = −1/(ρ − ρa), d(ln Z)/dρa = 1/(ρ − ρa) − 1/(ρb − ρa). The liquid's temperature is part of its density.
fn density_rows(value: f64, liquid: &Known, air: &Known, budget: &mut Vec<Component>) {
    let apart = 1.0 / (liquid.value - air.value);
    let to_air = apart - 1.0 / (WEIGHTS_DENSITY - air.value);
    let rows = liquid.parts.iter().map(|part| (part, -value * apart)).chain(air.parts.iter().map(|part| (part, value * to_air)));
    budget.extend(rows.map(|(part, sensitivity)| Component {
        sensitivity: part.sensitivity * sensitivity,
        common: true,
        bound: None,
        ..part.clone()
    }));
}

/// The slope of a line through a random walk over a length S has a variance of 6/(5 S) of that of one hour, and no scatter shows it.
fn tilt(rest: &Rest) -> f64 {
    1.2 / hours(rest.from, rest.to).max(f64::MIN_POSITIVE)
}

fn hours(from: RigTime, to: RigTime) -> f64 {
    (to - from).as_hours()
}

impl fmt::Display for NotWeighed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfOrder => f.write_str("the rest after the delivery began before the rest before it had ended"),
            Self::WaterTemperature(t) => write!(f, "the density of water is known from 0 °C to 40 °C, and not at {t} °C"),
            Self::AirCondition => {
                f.write_str("the density of air is known from 10 °C to 30 °C, 90 kPa to 110 kPa and up to 80 % humidity: state it")
            }
            Self::Density => f.write_str("the densities of liquid and air are not such that the liquid lies on the pan"),
            Self::Diameters => f.write_str("the diameter of the tube must be below that of the vessel"),
            Self::Balance => f.write_str("a figure of the balance is negative or no number"),
            Self::Gains(rate) => {
                write!(f, "the balance gains {rate:.2} mg/h while the pump stands still: it leaks, or something drips onto the pan")
            }
            Self::RestRate { rate, at_most } => write!(
                f,
                "the indication changes by {rate:.2} mg/h while the pump stands still, where the bench allows {at_most} mg/h                  (`rest_rate_at_most`): cover the liquid, or wait until the balance has settled"
            ),
            Self::RatesDiffer { before, after } => write!(
                f,
                "the indication changes by {before:.2} mg/h before the delivery and by {after:.2} mg/h after it: nothing is known of the time \
                 in between"
            ),
        }
    }
}

impl std::error::Error for NotWeighed {}
