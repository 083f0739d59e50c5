//! Units of the columns of foreign records, as headers and flags write them.

use std::fmt;

/// What a column holds, with the factor from its unit to s, µL or mg.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unit {
    pub symbol: &'static str,
    pub kind: Kind,
    pub factor: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Time,
    Volume,
    Mass,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Time => "time",
            Self::Volume => "volume",
            Self::Mass => "mass",
        })
    }
}

const fn unit(symbol: &'static str, kind: Kind, factor: f64) -> Unit {
    Unit { symbol, kind, factor }
}

const UNITS: [Unit; 13] = [
    unit("ms", Kind::Time, 1e-3),
    unit("s", Kind::Time, 1.0),
    unit("min", Kind::Time, 60.0),
    unit("h", Kind::Time, 3_600.0),
    unit("d", Kind::Time, 86_400.0),
    unit("nL", Kind::Volume, 1e-3),
    unit("µL", Kind::Volume, 1.0),
    unit("mL", Kind::Volume, 1e3),
    unit("L", Kind::Volume, 1e6),
    unit("µg", Kind::Mass, 1e-3),
    unit("mg", Kind::Mass, 1.0),
    unit("g", Kind::Mass, 1e3),
    unit("kg", Kind::Mass, 1e6),
];

/// Other ways to write them that mean nothing else.
const ALSO: [(&str, &str); 10] = [
    ("sec", "s"),
    ("secs", "s"),
    ("seconds", "s"),
    ("minutes", "min"),
    ("hr", "h"),
    ("hours", "h"),
    ("days", "d"),
    ("µl", "µL"),
    ("microl", "µL"),
    ("gram", "g"),
];

impl Unit {
    /// As written; headers write `ul` and `ml` too, so small and capital letters are the same here, and `u` is the micro sign.
    pub fn read(text: &str) -> Option<Self> {
        let plain = text.trim().to_lowercase().replace('μ', "µ");
        let plain = plain.strip_prefix('u').filter(|rest| !rest.is_empty()).map_or(plain.clone(), |rest| format!("µ{rest}"));
        let symbol = ALSO.iter().find(|(also, _)| *also == plain).map_or(plain.as_str(), |(_, symbol)| symbol);
        UNITS.into_iter().find(|unit| unit.symbol.to_lowercase() == symbol.to_lowercase())
    }

    /// The symbols of some kinds, as help shows them.
    pub fn symbols(kinds: &[Kind]) -> String {
        let symbols: Vec<&str> = UNITS.iter().filter(|unit| kinds.contains(&unit.kind)).map(|unit| unit.symbol).collect();
        symbols.join(", ")
    }
}

/// mg/µL, of a density as people write it: `0.998 g/mL`, `998 kg/m³`.
pub fn density(text: &str) -> Result<f64, String> {
    const UNITS: [(&str, f64); 5] = [("g/mL", 1.0), ("mg/µL", 1.0), ("mg/uL", 1.0), ("kg/m³", 1e-3), ("kg/m3", 1e-3)];
    let known = || "a density is written in g/mL or kg/m³: `0.998 g/mL`".to_owned();
    let text = text.trim();
    let (number, factor) = UNITS.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor))).ok_or_else(known)?;
    let number: f64 = number.trim().parse().map_err(|_| known())?;
    let density = number * factor;
    // No liquid is outside this; a factor of a thousand is.
    if (0.1..=20.0).contains(&density) { Ok(density) } else { Err(format!("no liquid has a density of `{text}`")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_read_as_headers_write_them() {
        for (text, symbol) in [
            ("s", "s"),
            ("sec", "s"),
            ("MIN", "min"),
            ("hr", "h"),
            ("ul", "µL"),
            ("uL", "µL"),
            ("μL", "µL"),
            ("µl", "µL"),
            ("ml", "mL"),
            ("mg", "mg"),
            ("ug", "µg"),
            (" g ", "g"),
        ] {
            assert_eq!(Unit::read(text).map(|unit| unit.symbol), Some(symbol), "{text}");
        }
        for text in ["", "u", "m", "cc", "bar", "volume"] {
            assert_eq!(Unit::read(text), None, "{text}");
        }
        assert_eq!(Unit::symbols(&[Kind::Mass]), "µg, mg, g, kg");
    }

    #[test]
    fn densities() {
        for text in ["0.998 g/mL", "998 kg/m³", "998kg/m3", "0.998 mg/µL"] {
            assert!((density(text).unwrap() - 0.998).abs() < 1e-12, "{text}");
        }
        for text in ["0.998", "998 g/mL", "g/mL", "0 g/mL", "-1 g/mL", "NaN g/mL", "0,998 g/mL"] {
            density(text).expect_err(text);
        }
    }
}
