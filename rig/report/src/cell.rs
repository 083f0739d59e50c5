//! How values look in a cell.

use std::borrow::Cow;
use std::fmt::Write;

use rig_model::Name;

/// The shortest decimal that reads back to the same number, never with an exponent; nothing for NaN and the infinities.
pub(crate) fn number(out: &mut String, x: f64) {
    // Below 2^53 a whole number is the same text as an integer, which costs a fifth.
    if x.fract() == 0.0 && x.abs() < 9_007_199_254_740_992.0 {
        write!(out, "{}", x as i64).expect("a String takes all that is written");
    } else if x.is_finite() {
        // Adding zero makes −0 a plain 0.
        write!(out, "{}", x + 0.0).expect("a String takes all that is written");
    }
}

/// Nanoseconds as seconds, exactly: `-1.5`, `0`, `259200.000000001`.
pub(crate) fn seconds(out: &mut String, ns: i64) {
    let magnitude = ns.unsigned_abs();
    let sign = if ns < 0 { "-" } else { "" };
    let (whole, fraction) = (magnitude / 1_000_000_000, magnitude % 1_000_000_000);
    if fraction == 0 {
        write!(out, "{sign}{whole}").expect("a String takes all that is written");
    } else {
        write!(out, "{sign}{whole}.{fraction:09}").expect("a String takes all that is written");
        out.truncate(out.trim_end_matches('0').len());
    }
}

/// A text that spreadsheets would run as a formula gets a leading `'`, which they take as "this is text". See OWASP, CSV injection.
pub(crate) fn neutral(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// Several names in one cell.
pub(crate) fn list(out: &mut String, names: &[Name]) {
    for (i, name) in names.iter().enumerate() {
        if i > 0 {
            out.push(';');
        }
        out.push_str(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl Fn(&mut String)) -> String {
        let mut out = String::new();
        write(&mut out);
        out
    }

    #[test]
    fn numbers_are_short_and_plain() {
        for (x, text) in [
            (200.0, "200"),
            (0.1, "0.1"),
            (-0.0, "0"),
            (-1.5, "-1.5"),
            (1e21, "1000000000000000000000"),
            (1.5e-7, "0.00000015"),
            (1.0 / 3.0, "0.3333333333333333"),
            (f64::NAN, ""),
            (f64::INFINITY, ""),
        ] {
            assert_eq!(written(|out| number(out, x)), text);
        }
    }

    #[test]
    fn times_keep_every_nanosecond() {
        for (ns, text) in [
            (0, "0"),
            (1, "0.000000001"),
            (-1_500_000_000, "-1.5"),
            (259_200_000_000_001, "259200.000000001"),
            (i64::MIN, "-9223372036.854775808"),
            (i64::MAX, "9223372036.854775807"),
        ] {
            assert_eq!(written(|out| seconds(out, ns)), text);
        }
    }

    #[test]
    fn formulas_are_defused() {
        for (text, cell) in [
            ("=1+1", "'=1+1"),
            ("+49", "'+49"),
            ("-5 %", "'-5 %"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "'\r=1"),
            ("a=b", "a=b"),
            ("'=1", "'=1"),
            ("µL", "µL"),
            ("", ""),
        ] {
            assert_eq!(neutral(text), cell);
        }
    }
}
