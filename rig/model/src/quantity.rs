//! Quantities with their units. Base units are those of the field: µL, µL/h, kPa, µL/kPa, s, %, µg, µg/h, µg/mL, °C, cm, V, and plain counts.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a number is a number of. Each has one base unit, in which every value inside the rig is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    Volume,
    Flow,
    Pressure,
    /// Volume stored per pressure.
    Compliance,
    Time,
    Ratio,
    Count,
    /// Of drug.
    Mass,
    /// Of drug per time.
    MassFlow,
    /// Of drug per volume.
    Concentration,
    Temperature,
    Length,
    Voltage,
}

impl Dimension {
    /// The symbol of the base unit, as it is printed and as CSV columns carry it.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Volume => "µL",
            Self::Flow => "µL/h",
            Self::Pressure => "kPa",
            Self::Compliance => "µL/kPa",
            Self::Time => "s",
            Self::Ratio => "%",
            Self::Count => "1",
            Self::Mass => "µg",
            Self::MassFlow => "µg/h",
            Self::Concentration => "µg/mL",
            Self::Temperature => "°C",
            Self::Length => "cm",
            Self::Voltage => "V",
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Volume => "volume",
            Self::Flow => "flow",
            Self::Pressure => "pressure",
            Self::Compliance => "compliance",
            Self::Time => "time",
            Self::Ratio => "ratio",
            Self::Count => "count",
            Self::Mass => "mass",
            Self::MassFlow => "mass flow",
            Self::Concentration => "concentration",
            Self::Temperature => "temperature",
            Self::Length => "length",
            Self::Voltage => "voltage",
        }
    }
}

/// The units that files may use: symbol, dimension, and the factor to the base unit as an exact fraction.
/// A row's symbol is matched as written; `µ` may also be written `u`.
pub const UNITS: &[(&str, Dimension, u64, u64)] = &[
    ("nL", Dimension::Volume, 1, 1_000),
    ("µL", Dimension::Volume, 1, 1),
    ("mL", Dimension::Volume, 1_000, 1),
    ("L", Dimension::Volume, 1_000_000, 1),
    ("nL/h", Dimension::Flow, 1, 1_000),
    ("µL/h", Dimension::Flow, 1, 1),
    ("mL/h", Dimension::Flow, 1_000, 1),
    ("L/h", Dimension::Flow, 1_000_000, 1),
    ("µL/min", Dimension::Flow, 60, 1),
    ("mL/min", Dimension::Flow, 60_000, 1),
    ("µL/day", Dimension::Flow, 1, 24),
    ("mL/day", Dimension::Flow, 1_000, 24),
    ("Pa", Dimension::Pressure, 1, 1_000),
    ("kPa", Dimension::Pressure, 1, 1),
    ("MPa", Dimension::Pressure, 1_000, 1),
    ("nL/kPa", Dimension::Compliance, 1, 1_000),
    ("µL/kPa", Dimension::Compliance, 1, 1),
    ("mL/kPa", Dimension::Compliance, 1_000, 1),
    ("ns", Dimension::Time, 1, 1_000_000_000),
    ("µs", Dimension::Time, 1, 1_000_000),
    ("ms", Dimension::Time, 1, 1_000),
    ("s", Dimension::Time, 1, 1),
    ("min", Dimension::Time, 60, 1),
    ("h", Dimension::Time, 3_600, 1),
    ("d", Dimension::Time, 86_400, 1),
    ("%", Dimension::Ratio, 1, 1),
    ("ng", Dimension::Mass, 1, 1_000),
    ("µg", Dimension::Mass, 1, 1),
    ("mg", Dimension::Mass, 1_000, 1),
    ("ng/h", Dimension::MassFlow, 1, 1_000),
    ("µg/h", Dimension::MassFlow, 1, 1),
    ("mg/h", Dimension::MassFlow, 1_000, 1),
    ("µg/day", Dimension::MassFlow, 1, 24),
    ("mg/day", Dimension::MassFlow, 1_000, 24),
    ("ng/mL", Dimension::Concentration, 1, 1_000),
    ("µg/mL", Dimension::Concentration, 1, 1),
    ("mg/mL", Dimension::Concentration, 1_000, 1),
    ("°C", Dimension::Temperature, 1, 1),
    ("mm", Dimension::Length, 1, 10),
    ("cm", Dimension::Length, 1, 1),
    ("m", Dimension::Length, 100, 1),
    ("mV", Dimension::Voltage, 1, 1_000),
    ("V", Dimension::Voltage, 1, 1),
];

/// A volume in µL.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Volume(pub f64);

/// A volume flow in µL/h.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Flow(pub f64);

/// A pressure in kPa, above the ambient pressure unless a name says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pressure(pub f64);

/// A mass of drug in µg.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mass(pub f64);

/// A mass flow of drug in µg/h.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MassFlow(pub f64);

/// What a drug solution holds, in µg/mL; 1 µg/mL is 1 ng/µL.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Concentration(pub f64);

/// In °C.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Temperature(pub f64);

/// In cm.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Length(pub f64);

/// In V.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Voltage(pub f64);

macro_rules! display_with_unit {
    ($($ty:ident $dimension:ident),*) => {$(
        impl fmt::Display for $ty {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{} {}", Figures(self.0), Dimension::$dimension.unit())
            }
        }
    )*};
}
display_with_unit!(
    Volume Volume,
    Flow Flow,
    Pressure Pressure,
    Mass Mass,
    MassFlow MassFlow,
    Concentration Concentration,
    Temperature Temperature,
    Length Length,
    Voltage Voltage
);

/// A number for people: at most six significant figures, no trailing zeros, no exponent in the range benches work in.
#[derive(Debug, Clone, Copy)]
pub struct Figures(pub f64);

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let x = self.0;
        if !x.is_finite() || x == 0.0 {
            return write!(f, "{x}");
        }
        let magnitude = x.abs().log10().floor() as i32;
        if !(-6..12).contains(&magnitude) {
            return write!(f, "{x:e}");
        }
        // The same text as below, at a tenth of the cost: most limits and nominal values are whole.
        if x.fract() == 0.0 {
            return write!(f, "{}", x as i64);
        }
        let decimals = (5 - magnitude).max(0) as usize;
        let text = format!("{x:.decimals$}");
        let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
        f.write_str(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short() {
        for (x, text) in [
            (200.0, "200"),
            (20.833333333, "20.8333"),
            (0.0, "0"),
            (0.05, "0.05"),
            (-1.5, "-1.5"),
            (-3.0, "-3"),
            (1_500_000.0, "1500000"),
            (123_456_789_012.0, "123456789012"),
            (1e12, "1e12"),
        ] {
            assert_eq!(Figures(x).to_string(), text);
        }
        assert_eq!(Flow(20.8).to_string(), "20.8 µL/h");
    }
}
