//! Densities of water and air, and the factor from mass to volume.

use rig_model::budget::{Component, Distribution, Origin};
use rig_model::weighing::{Air, Liquid};

use super::NotWeighed;
use crate::measured::rectangular;

/// kg/m³ at about 20 °C and sea level: what weighing takes where nobody has measured it (OIML D 28).
pub const AIR_DENSITY: f64 = 1.2;
/// kg/m³: the density that all weights are taken to have (OIML D 28), so that it has no uncertainty.
pub const WEIGHTS_DENSITY: f64 = 8_000.0;

/// Half width in which the density of air lies from sea level to 1000 m and from 15 °C to 27 °C, kg/m³.
const AIR_ASSUMED_WITHIN: f64 = 0.15;
/// Relative standard uncertainty of the approximate formula (OIML R 111-1, E.3).
const AIR_FORMULA: f64 = 2e-4;
/// Half width for isotopes and dissolved air, kg/m³: air-saturated water is 0.0025 lighter at 20 °C, and tap water distilled anywhere differs by
/// some 0.005. The formula's own 0.0008 vanishes in it.
const WATER_WITHIN: f64 = 0.01;

/// A density in kg/m³ with what it rests on; the sensitivities are those of the density.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Known {
    pub value: f64,
    pub parts: Vec<Component>,
}

/// Density of air-free water of the composition of sea water at 101.325 kPa, in kg/m³, from 0 °C to 40 °C: Tanaka et al., Metrologia 38 (2001) 301,
/// recommended by the CIPM. `None` outside.
pub fn water_density(celsius: f64) -> Option<f64> {
    const A1: f64 = -3.983_035;
    const A2: f64 = 301.797;
    const A3: f64 = 522_528.9;
    const A4: f64 = 69.348_81;
    const A5: f64 = 999.974_950;
    let from_densest = celsius + A1;
    (0.0..=40.0).contains(&celsius).then(|| A5 * (1.0 - from_densest * from_densest * (celsius + A2) / (A3 * (celsius + A4))))
}

/// Density of moist air in kg/m³ from °C, kPa and % relative humidity: the approximate form of the CIPM's formula (OIML R 111-1:2004, E.3-1).
/// `None` outside its range.
pub fn air_density(celsius: f64, pressure: f64, humidity: f64) -> Option<f64> {
    let known = (10.0..=30.0).contains(&celsius) && (90.0..=110.0).contains(&pressure) && (0.0..=80.0).contains(&humidity);
    known.then(|| (3.484_8 * pressure - 0.009 * humidity * libm::exp(0.061 * celsius)) / (273.15 + celsius))
}

/// Z in µL/mg: the volume of liquid that makes the balance show one mg. Densities in kg/m³ of the liquid, of the air and of the weights.
/// `None` where they are no positive numbers or the liquid floats in air.
pub fn z_factor(liquid: f64, air: f64, weights: f64) -> Option<f64> {
    let sound = liquid.is_finite() && air >= 0.0 && air < liquid && weights.is_finite() && air < weights;
    sound.then(|| 1e3 / liquid * (1.0 - air / weights) / (1.0 - air / liquid))
}

pub(super) fn of_liquid(liquid: &Liquid) -> Result<Known, NotWeighed> {
    match *liquid {
        Liquid::Water { celsius, half_width } => {
            let value = water_density(celsius).ok_or(NotWeighed::WaterTemperature(celsius))?;
            let temperature = Component {
                estimate: celsius,
                ..rectangular("temperature of the water", half_width, "°C", slope(celsius), Origin::Datasheet)
            };
            let formula = Component { estimate: value, ..rectangular("density of water", WATER_WITHIN, "kg/m³", 1.0, Origin::Assumed) };
            Ok(Known { value, parts: vec![temperature, formula] })
        }
        Liquid::Stated { density, expanded } => stated("density of the liquid", density, expanded),
    }
}

pub(super) fn of_air(air: &Air) -> Result<Known, NotWeighed> {
    const NAME: &str = "density of the air";
    match *air {
        Air::Assumed => {
            let part = Component { estimate: AIR_DENSITY, ..rectangular(NAME, AIR_ASSUMED_WITHIN, "kg/m³", 1.0, Origin::Assumed) };
            Ok(Known { value: AIR_DENSITY, parts: vec![part] })
        }
        Air::Stated { density, expanded } => stated(NAME, density, expanded),
        Air::Measured { celsius, pressure, humidity } => {
            let value = air_density(celsius, pressure, humidity).ok_or(NotWeighed::AirCondition)?;
            let part = Component {
                estimate: value,
                distribution: Distribution::Normal,
                standard_uncertainty: Some(value * AIR_FORMULA),
                ..rectangular(NAME, 0.0, "kg/m³", 1.0, Origin::Derived)
            };
            Ok(Known { value, parts: vec![part] })
        }
    }
}

fn stated(name: &'static str, density: f64, expanded: Option<f64>) -> Result<Known, NotWeighed> {
    if !density.is_finite() || density <= 0.0 || expanded.is_some_and(|u| !u.is_finite() || u < 0.0) {
        return Err(NotWeighed::Density);
    }
    let part = Component {
        estimate: density,
        distribution: Distribution::Normal,
        standard_uncertainty: expanded.map(|u| u / 2.0),
        ..rectangular(name, 0.0, "kg/m³", 1.0, Origin::Datasheet)
    };
    Ok(Known { value: density, parts: vec![part] })
}

/// dρ/dt of water, kg/m³ per K, by a difference over 0.02 K that stays in the range of the formula.
fn slope(celsius: f64) -> f64 {
    let (low, high) = ((celsius - 0.01).max(0.0), (celsius + 0.01).min(40.0));
    match (water_density(low), water_density(high)) {
        (Some(at_low), Some(at_high)) => (at_high - at_low) / (high - low),
        _ => 0.0,
    }
}
