//! Single quantities that somebody writes elsewhere than in a file, such as on the command line.

use rig_model::quantity::Dimension;
use rig_model::time::Span;

use crate::exact::{Quantity, article};
use crate::expression::{Scope, evaluate};

/// A value in the base unit of its dimension.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measure {
    pub value: f64,
    pub dimension: Dimension,
}

/// A quantity as scenario files have it, of one of these dimensions: `20.8 µL/h`, `0.5 mL/day`, `15 %`. The error says what is wrong, and what
/// to do where that is known.
pub fn quantity(text: &str, wanted: &[Dimension]) -> Result<Measure, String> {
    let Quantity { value, dimension } = read(text, wanted)?;
    Ok(Measure { value: Quantity { value, dimension }.to_f64(), dimension })
}

/// A length of time, to the nearest nanosecond: `30 s`, `1.5 h`.
pub fn span(text: &str) -> Result<Span, String> {
    read(text, &[Dimension::Time])?.to_span().ok_or_else(|| format!("`{text}` is longer than ten years"))
}

fn read(text: &str, wanted: &[Dimension]) -> Result<Quantity, String> {
    let single = match wanted {
        [one] => Some(*one),
        _ => None,
    };
    let quantity = evaluate(text, &Scope::new(), single).map_err(|trouble| match trouble.help {
        Some(help) => format!("{}; {help}", trouble.message),
        None => trouble.message,
    })?;
    if wanted.contains(&quantity.dimension) {
        return Ok(quantity);
    }
    let names: Vec<String> = wanted.iter().map(|d| article(*d)).collect();
    Err(format!("`{text}` is {}; {} is wanted here", article(quantity.dimension), names.join(" or ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_of_a_command_line() {
        assert_eq!(quantity("0.5 mL/day", &[Dimension::Flow]), Ok(Measure { value: 500.0 / 24.0, dimension: Dimension::Flow }));
        let stroke = [Dimension::Volume, Dimension::Time];
        assert_eq!(quantity("1 uL", &stroke), Ok(Measure { value: 1.0, dimension: Dimension::Volume }));
        assert_eq!(quantity("2 min", &stroke), Ok(Measure { value: 120.0, dimension: Dimension::Time }));
        assert_eq!(span("1.5 h"), Ok(Span::minutes(90)));
        for (text, wanted, words) in [
            ("20.8", &[Dimension::Flow][..], "`20.8` has no unit; a flow is wanted here; units of flow: nL/h, µL/h"),
            ("20.8 ul/h", &[Dimension::Flow], "unknown unit `ul/h`; did you mean `µL/h`?"),
            ("20.8 mL", &[Dimension::Flow], "`20.8 mL` is a volume; a flow is wanted here"),
            ("3", &stroke, "`3` is a plain number; a volume or a time is wanted here"),
            ("0,5 mL/h", &[Dimension::Flow], "a comma in a number; the decimal sign is a point"),
            ("", &[Dimension::Flow], "a number was expected here"),
        ] {
            let error = quantity(text, wanted).expect_err(text);
            assert!(error.starts_with(words), "{text}: {error}");
        }
        assert_eq!(span("4000 d"), Err("`4000 d` is longer than ten years".to_owned()));
    }
}
