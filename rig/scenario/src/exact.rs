//! Quantities as exact fractions of their base units, so that 0.2 mL ± 5 % is 190 µL to 210 µL and nothing beside it.

use num_rational::Ratio;
use num_traits::{CheckedAdd, CheckedDiv, CheckedMul, CheckedSub};
use rig_model::quantity::{Dimension, Figures, UNITS};
use rig_model::time::Span;

use crate::limits::MAX_SPAN_SECONDS;

/// An exact fraction. 128 bits hold the product of any three numbers that a file can write.
pub(crate) type Fraction = Ratio<i128>;

/// A value in the base unit of its dimension.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Quantity {
    pub value: Fraction,
    pub dimension: Dimension,
}

impl Quantity {
    /// The nearest floating-point number, in the base unit: exactly rounded while both parts fit 53 bits, within two units of the last place beyond.
    pub fn to_f64(self) -> f64 {
        *self.value.numer() as f64 / *self.value.denom() as f64
    }

    /// A time as rig time has it, to the nearest nanosecond; `None` beyond ten years either way.
    pub fn to_span(self) -> Option<Span> {
        let limit = Fraction::from_integer(i128::from(MAX_SPAN_SECONDS));
        if self.value > limit || self.value < -limit {
            return None;
        }
        let nanoseconds = self.value.checked_mul(&Fraction::from_integer(1_000_000_000))?;
        i64::try_from(nanoseconds.round().to_integer()).ok().map(Span)
    }

    /// As people write it: `200 µL`, `2 min`, `5 %`, `12`.
    pub fn show(self) -> String {
        match (self.dimension, self.to_span()) {
            (Dimension::Time, Some(span)) => span.to_string(),
            (Dimension::Count, _) => Figures(self.to_f64()).to_string(),
            _ => format!("{} {}", Figures(self.to_f64()), self.dimension.unit()),
        }
    }

    pub fn add(self, other: Self) -> Result<Self, String> {
        self.same(other, "added to", Fraction::checked_add)
    }

    pub fn sub(self, other: Self) -> Result<Self, String> {
        self.same(other, "subtracted from", Fraction::checked_sub)
    }

    pub fn mul(self, other: Self) -> Result<Self, String> {
        use Dimension::{Compliance, Concentration, Count, Flow, Mass, MassFlow, Pressure, Ratio, Time, Volume};
        let (dimension, scale) = match (self.dimension, other.dimension) {
            (Count, d) | (d, Count) => (d, Fraction::from_integer(1)),
            (Ratio, d) | (d, Ratio) => (d, Fraction::new(1, 100)),
            (Compliance, Pressure) | (Pressure, Compliance) => (Volume, Fraction::from_integer(1)),
            (Flow, Time) | (Time, Flow) => (Volume, Fraction::new(1, SECONDS_PER_HOUR)),
            (MassFlow, Time) | (Time, MassFlow) => (Mass, Fraction::new(1, SECONDS_PER_HOUR)),
            (Concentration, Volume) | (Volume, Concentration) => (Mass, Fraction::new(1, MICROLITRES)),
            (Concentration, Flow) | (Flow, Concentration) => (MassFlow, Fraction::new(1, MICROLITRES)),
            (a, b) => return Err(format!("{} times {} is nothing that a pump has", article(a), article(b))),
        };
        let value = self.value.checked_mul(&other.value).and_then(|v| v.checked_mul(&scale));
        value.map(|value| Self { value, dimension }).ok_or_else(too_large)
    }

    pub fn div(self, other: Self) -> Result<Self, String> {
        use Dimension::{Compliance, Concentration, Count, Flow, Mass, MassFlow, Pressure, Ratio, Time, Volume};
        let one = Fraction::from_integer(1);
        let (dimension, scale) = match (self.dimension, other.dimension) {
            (d, Count) => (d, one),
            (d, Ratio) if d != Ratio => (d, Fraction::from_integer(100)),
            (a, b) if a == b => (Count, one),
            (Volume, Pressure) => (Compliance, one),
            (Volume, Compliance) => (Pressure, one),
            (Volume, Time) => (Flow, Fraction::from_integer(SECONDS_PER_HOUR)),
            (Volume, Flow) => (Time, Fraction::from_integer(SECONDS_PER_HOUR)),
            (Mass, Time) => (MassFlow, Fraction::from_integer(SECONDS_PER_HOUR)),
            (Mass, MassFlow) => (Time, Fraction::from_integer(SECONDS_PER_HOUR)),
            (Mass, Concentration) => (Volume, Fraction::from_integer(MICROLITRES)),
            (MassFlow, Concentration) => (Flow, Fraction::from_integer(MICROLITRES)),
            (Mass, Volume) | (MassFlow, Flow) => (Concentration, Fraction::from_integer(MICROLITRES)),
            (a, b) => return Err(format!("{} divided by {} is nothing that a pump has", article(a), article(b))),
        };
        if *other.value.numer() == 0 {
            return Err("division by zero".to_owned());
        }
        let value = self.value.checked_div(&other.value).and_then(|v| v.checked_mul(&scale));
        value.map(|value| Self { value, dimension }).ok_or_else(too_large)
    }

    pub fn negated(self) -> Self {
        Self { value: -self.value, ..self }
    }

    fn same(self, other: Self, verb: &str, op: fn(&Fraction, &Fraction) -> Option<Fraction>) -> Result<Self, String> {
        if self.dimension != other.dimension {
            return Err(format!("{} can't be {verb} {}", article(other.dimension), article(self.dimension)));
        }
        op(&self.value, &other.value).map(|value| Self { value, ..self }).ok_or_else(too_large)
    }
}

const SECONDS_PER_HOUR: i128 = 3_600;
/// In a millilitre, by which concentrations go.
const MICROLITRES: i128 = 1_000;

fn too_large() -> String {
    "the numbers are too large or have too many digits".to_owned()
}

/// "a volume", "a ratio" …
pub(crate) fn article(dimension: Dimension) -> String {
    match dimension {
        Dimension::Count => "a plain number".to_owned(),
        other => format!("a {}", other.name()),
    }
}

/// The units of a dimension, as help shows them.
pub(crate) fn units_of(dimension: Dimension) -> String {
    let units: Vec<&str> = UNITS.iter().filter(|(_, d, _, _)| *d == dimension).map(|(unit, ..)| *unit).collect();
    units.join(", ")
}

/// A unit as a file writes it: dimension and exact factor to the base unit.
pub(crate) fn unit(written: &str) -> Option<(Dimension, Fraction)> {
    let symbol = with_micro(written);
    UNITS
        .iter()
        .find(|(unit, ..)| *unit == symbol)
        .map(|(_, dimension, up, down)| (*dimension, Fraction::new((*up).into(), (*down).into())))
}

/// `u` and the Greek letter mu (U+03BC) stand for the micro sign (U+00B5) that the table has.
pub(crate) fn with_micro(written: &str) -> String {
    let mut rest = written.chars();
    match rest.next() {
        Some('u' | 'µ' | 'μ') if written.chars().count() > 1 => format!("µ{}", rest.as_str()),
        _ => written.to_owned(),
    }
}

/// What somebody who wrote this unit may have meant.
pub(crate) fn unit_meant(written: &str, wanted: Option<Dimension>) -> Option<String> {
    /// Common in the field or in other tools, and not in the table.
    const OTHERS: &[(&str, &str)] = &[
        ("sec", "s"),
        ("secs", "s"),
        ("second", "s"),
        ("seconds", "s"),
        ("mins", "min"),
        ("minute", "min"),
        ("minutes", "min"),
        ("hr", "h"),
        ("hrs", "h"),
        ("hour", "h"),
        ("hours", "h"),
        ("day", "d"),
        ("days", "d"),
        ("cc", "mL"),
        ("mcl", "µL"),
        ("ml/d", "mL/day"),
        ("µl/d", "µL/day"),
        ("ml/hr", "mL/h"),
        ("µl/hr", "µL/h"),
        ("bar", "kPa"),
        ("mbar", "kPa"),
        ("psi", "kPa"),
        ("mmhg", "kPa"),
        ("percent", "%"),
        ("mcg", "µg"),
        ("mcg/ml", "µg/mL"),
        ("mcg/h", "µg/h"),
        ("mcg/day", "µg/day"),
        ("µg/d", "µg/day"),
        ("mg/d", "mg/day"),
        ("µg/hr", "µg/h"),
        ("mg/hr", "mg/h"),
        ("mg/l", "µg/mL"),
        ("g/l", "mg/mL"),
        ("c", "°C"),
        ("degc", "°C"),
        ("°", "°C"),
        ("ºc", "°C"),
        ("f", "°C"),
        ("volt", "V"),
        ("atm", "kPa"),
        ("cmh2o", "kPa"),
    ];
    let symbol = with_micro(written);
    let fits = |d: &Dimension| wanted.is_none_or(|w| w == *d);
    let same_letters = UNITS.iter().filter(|(_, d, ..)| fits(d)).find(|(unit, ..)| unit.to_lowercase() == symbol.to_lowercase());
    if let Some((unit, ..)) = same_letters.or_else(|| UNITS.iter().find(|(unit, ..)| unit.to_lowercase() == symbol.to_lowercase())) {
        return Some(format!("did you mean `{unit}`?"));
    }
    if let Some((_, meant)) = OTHERS.iter().find(|(other, _)| *other == symbol.to_lowercase()) {
        return Some(format!("did you mean `{meant}`?"));
    }
    wanted.map(|d| format!("{} is written in {}", article(d), units_of(d)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flow_times_time_is_volume_exactly() {
        let (dimension, day) = unit("mL/day").expect("a unit");
        let rate = Quantity { value: Fraction::new(1, 2) * day, dimension };
        let three_days = Quantity { value: Fraction::from_integer(3 * 86_400), dimension: Dimension::Time };
        let volume = rate.mul(three_days).expect("fits");
        assert_eq!((volume.to_f64(), volume.dimension), (1500.0, Dimension::Volume));
        assert_eq!(volume.div(rate).expect("fits"), three_days);
        assert_eq!(volume.div(three_days).expect("fits"), rate);
        assert!(volume.add(rate).is_err());
    }

    #[test]
    fn drug_is_flow_times_time_times_concentration_exactly() {
        let of = |number: i128, written: &str| {
            let (dimension, factor) = unit(written).expect("a unit");
            Quantity { value: Fraction::from_integer(number) * factor, dimension }
        };
        let (dose, concentration, rate) = (of(2, "mg"), of(500, "ug/mL"), of(3, "mg/day"));
        assert_eq!(dose.div(concentration).expect("fits"), of(4, "mL"));
        assert_eq!(of(4, "mL").mul(concentration).expect("fits"), dose);
        assert_eq!(dose.div(of(4, "mL")).expect("fits"), concentration);
        assert_eq!(rate.mul(of(16, "h")).expect("fits"), dose);
        assert_eq!(dose.div(rate).expect("fits"), of(16, "h"));
        assert_eq!(dose.div(of(16, "h")).expect("fits"), rate);
        assert_eq!(rate.div(concentration).expect("fits"), of(6, "mL/day"));
        assert_eq!(concentration.mul(of(6, "mL/day")).expect("fits"), rate);
        assert_eq!(rate.div(of(6, "mL/day")).expect("fits"), concentration);
        assert!(dose.mul(concentration).is_err() && dose.add(of(1, "mL")).is_err());
    }

    #[test]
    fn units_that_look_alike_are_told_apart() {
        use Dimension::{Concentration, Length, Mass, Temperature, Time, Voltage, Volume};
        for (written, dimension) in [
            ("m", Length),
            ("mm", Length),
            ("min", Time),
            ("ms", Time),
            ("mg", Mass),
            ("ug", Mass),
            ("mL", Volume),
            ("mV", Voltage),
            ("µg/mL", Concentration),
            ("°C", Temperature),
        ] {
            assert_eq!(unit(written).map(|(d, _)| d), Some(dimension), "{written}");
        }
        assert_eq!(unit_meant("degC", None).as_deref(), Some("did you mean `°C`?"));
        assert_eq!(unit_meant("mcg", Some(Mass)).as_deref(), Some("did you mean `µg`?"));
        assert_eq!(unit_meant("minutes", Some(Time)).as_deref(), Some("did you mean `min`?"));
    }

    #[test]
    fn micro_is_written_in_three_ways() {
        for written in ["µL", "μL", "uL"] {
            assert_eq!(unit(written), unit("µL"), "{written}");
        }
        assert_eq!(unit("ul"), None);
        assert_eq!(unit_meant("ul", None).as_deref(), Some("did you mean `µL`?"));
        assert_eq!(unit_meant("ML", Some(Dimension::Volume)).as_deref(), Some("did you mean `mL`?"));
        assert_eq!(unit_meant("mpa", None).as_deref(), Some("did you mean `MPa`?"));
    }
}
