//! Arithmetic on quantities: numbers with units, `$parameters`, `+ - * /` and parentheses. Nothing else.

use std::collections::BTreeMap;

use num_traits::CheckedMul;
use rig_model::quantity::Dimension;

use crate::diagnostic::nearest;
use crate::exact::{Fraction, Quantity, unit, unit_meant, units_of, with_micro};
use crate::limits::{MAX_DIGITS, MAX_EXPRESSION, MAX_PARENTHESES};

/// What a parameter stands for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Quantity(Quantity),
    /// A word of a vocabulary, a channel, a line, a name.
    Word(String),
}

/// The parameters that may be used, by name.
pub(crate) type Scope = BTreeMap<String, Value>;

/// Why a text has no value: characters from its beginning, how many of them, what and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub offset: usize,
    pub length: usize,
    pub message: String,
    pub help: Option<String>,
}

/// The value of the text. `wanted` only serves the messages.
pub(crate) fn evaluate(text: &str, scope: &Scope, wanted: Option<Dimension>) -> Result<Quantity, Trouble> {
    let chars: Vec<char> = text.chars().take(MAX_EXPRESSION + 1).collect();
    let mut parser = Parser { chars: &chars, at: 0, scope, wanted, open: 0 };
    if chars.len() > MAX_EXPRESSION {
        return Err(parser.trouble(0, MAX_EXPRESSION, format!("a quantity has at most {MAX_EXPRESSION} characters"), None));
    }
    let value = parser.sum()?;
    parser.skip_spaces();
    if parser.at < chars.len() {
        let rest: String = chars[parser.at..].iter().collect();
        return Err(parser.trouble(parser.at, chars.len() - parser.at, format!("`{}` is too much here", rest.trim()), None));
    }
    Ok(value)
}

/// Whether a text means a quantity rather than a word.
pub(crate) fn looks_like_quantity(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit() || "$(+-.".contains(c))
}

/// The names of all parameters that a text mentions.
pub(crate) fn mentioned(text: &str) -> impl Iterator<Item = &str> {
    text.split('$').skip(1).map(|rest| {
        let end = rest.find(|c: char| !is_name(c)).unwrap_or(rest.len());
        &rest[..end]
    })
}

struct Parser<'a> {
    chars: &'a [char],
    at: usize,
    scope: &'a Scope,
    wanted: Option<Dimension>,
    open: usize,
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

impl Parser<'_> {
    fn sum(&mut self) -> Result<Quantity, Trouble> {
        let start = self.at;
        let mut value = self.product()?;
        while let Some(op) = self.operator(&['+', '-', '−']) {
            let other = self.product()?;
            let result = if op == '+' { value.add(other) } else { value.sub(other) };
            value = self.or_whole(result, start)?;
        }
        Ok(value)
    }

    fn product(&mut self) -> Result<Quantity, Trouble> {
        let start = self.at;
        let mut value = self.signed()?;
        while let Some(op) = self.operator(&['*', '×', '/']) {
            let other = self.signed()?;
            let result = if op == '/' { value.div(other) } else { value.mul(other) };
            value = self.or_whole(result, start)?;
        }
        Ok(value)
    }

    fn signed(&mut self) -> Result<Quantity, Trouble> {
        match self.operator(&['-', '−']) {
            Some(_) => Ok(self.primary()?.negated()),
            None => self.primary(),
        }
    }

    fn primary(&mut self) -> Result<Quantity, Trouble> {
        self.skip_spaces();
        match self.peek() {
            Some('(') => self.parentheses(),
            Some('$') => self.parameter(),
            Some(c) if c.is_ascii_digit() || c == '.' => self.number(),
            Some(c) => {
                let help = self.wanted.filter(|d| *d != Dimension::Count).map(|d| format!("for example `2 {}`", d.unit()));
                Err(self.trouble(self.at, 1, format!("a number was expected, not `{c}`"), help))
            }
            None => Err(self.trouble(self.at.saturating_sub(1), 1, "a number was expected here".to_owned(), None)),
        }
    }

    fn parentheses(&mut self) -> Result<Quantity, Trouble> {
        let start = self.at;
        self.open += 1;
        if self.open > MAX_PARENTHESES {
            return Err(self.trouble(start, 1, format!("more than {MAX_PARENTHESES} parentheses in each other"), None));
        }
        self.at += 1;
        let value = self.sum()?;
        self.skip_spaces();
        if self.peek() != Some(')') {
            return Err(self.trouble(start, 1, "this parenthesis is not closed".to_owned(), None));
        }
        self.at += 1;
        self.open -= 1;
        Ok(value)
    }

    fn parameter(&mut self) -> Result<Quantity, Trouble> {
        let start = self.at;
        self.at += 1;
        let name = self.take(is_name);
        match self.scope.get(&name) {
            Some(Value::Quantity(quantity)) => Ok(*quantity),
            Some(Value::Word(word)) => {
                let message = format!("`${name}` is the word `{word}`; a quantity is wanted here");
                Err(self.trouble(start, self.at - start, message, None))
            }
            None => {
                let (message, help) = unknown_parameter(&name, self.scope);
                Err(self.trouble(start, self.at - start, message, Some(help)))
            }
        }
    }

    fn number(&mut self) -> Result<Quantity, Trouble> {
        let start = self.at;
        let value = self.digits()?;
        let number_end = self.at;
        self.skip_spaces();
        let unit_start = self.at;
        let written = self.unit();
        if written.is_empty() {
            self.at = number_end;
            return self.plain_number(value, start, number_end);
        }
        let Some((dimension, factor)) = unit(&written) else {
            let message = format!("unknown unit `{written}`");
            return Err(self.trouble(unit_start, self.at - unit_start, message, unit_meant(&written, self.wanted)));
        };
        match value.checked_mul(&factor) {
            Some(value) => Ok(Quantity { value, dimension }),
            None => Err(self.trouble(start, self.at - start, "the number is too large".to_owned(), None)),
        }
    }

    /// A number without a unit: a count or factor. That a unit is missing is only known where it is used.
    fn plain_number(&self, value: Fraction, start: usize, end: usize) -> Result<Quantity, Trouble> {
        let alone = start == 0 && end == self.chars.len();
        if let (true, Some(wanted)) = (alone, self.wanted.filter(|d| *d != Dimension::Count)) {
            let written: String = self.chars[start..end].iter().collect();
            let message = format!("`{written}` has no unit; a {} is wanted here", wanted.name());
            return Err(self.trouble(start, end - start, message, Some(format!("units of {}: {}", wanted.name(), units_of(wanted)))));
        }
        Ok(Quantity { value, dimension: Dimension::Count })
    }

    fn digits(&mut self) -> Result<Fraction, Trouble> {
        let start = self.at;
        let whole = self.take(|c| c.is_ascii_digit());
        let mut part = String::new();
        if self.peek() == Some('.') {
            self.at += 1;
            part = self.take(|c| c.is_ascii_digit());
        } else if self.peek() == Some(',') {
            let help = Some("the decimal sign is a point: `0.2 mL`".to_owned());
            return Err(self.trouble(start, self.at + 1 - start, "a comma in a number".to_owned(), help));
        }
        let digits = format!("{whole}{part}");
        if digits.is_empty() || digits.len() > MAX_DIGITS {
            let message = if digits.is_empty() { "a number was expected".to_owned() } else { format!("more than {MAX_DIGITS} digits") };
            return Err(self.trouble(start, (self.at - start).max(1), message, None));
        }
        let numerator: i128 = digits.parse().expect("at most 18 decimal digits fit 128 bits");
        let denominator = (0..part.len()).fold(1_i128, |d, _| d * 10);
        Ok(Fraction::new(numerator, denominator))
    }

    /// Letters, with `/` and more letters right behind: `mL/h`. A `/` before anything else is a division.
    fn unit(&mut self) -> String {
        if self.peek() == Some('%') {
            self.at += 1;
            return "%".to_owned();
        }
        let letter = |c: char| c.is_alphabetic() || c == 'µ' || c == '°';
        let mut written = self.take(letter);
        let next = self.chars.get(self.at + 1).copied();
        if !written.is_empty() && self.peek() == Some('/') && next.is_some_and(letter) {
            self.at += 1;
            written = format!("{written}/{}", self.take(letter));
        }
        written
    }

    fn take(&mut self, wanted: impl Fn(char) -> bool) -> String {
        let start = self.at;
        while self.peek().is_some_and(&wanted) {
            self.at += 1;
        }
        self.chars[start..self.at].iter().collect()
    }

    fn operator(&mut self, operators: &[char]) -> Option<char> {
        self.skip_spaces();
        let found = self.peek().filter(|c| operators.contains(c))?;
        self.at += 1;
        Some(found)
    }

    fn skip_spaces(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn or_whole(&self, result: Result<Quantity, String>, start: usize) -> Result<Quantity, Trouble> {
        result.map_err(|message| self.trouble(start, self.at - start, message, None))
    }

    fn trouble(&self, offset: usize, length: usize, message: String, help: Option<String>) -> Trouble {
        Trouble { offset, length, message, help }
    }
}

/// Message and help for a parameter that is not there.
pub(crate) fn unknown_parameter(name: &str, scope: &Scope) -> (String, String) {
    let help = match nearest(name, scope.keys().map(String::as_str)) {
        Some(near) => format!("did you mean `${near}`?"),
        None => "parameters are named in `parameters:` or `for_each:`, and in a fragment in its own `parameters:`".to_owned(),
    };
    (format!("unknown parameter `${name}`"), help)
}

/// A quantity as a matrix label shows it: as written, with the micro sign of the table.
pub(crate) fn label(text: &str) -> String {
    text.split_whitespace()
        .map(|part| if part.starts_with(['u', 'μ']) && unit(part).is_some() { with_micro(part) } else { part.to_owned() })
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope() -> Scope {
        let value = |text| Value::Quantity(evaluate(text, &Scope::new(), None).expect("a value"));
        [("dose", value("0.2 mL")), ("rate", value("0.5 mL/day")), ("n", value("3")), ("ch", Value::Word("flow.tip".into()))]
            .map(|(name, value)| (name.to_owned(), value))
            .into()
    }

    #[test]
    fn arithmetic() {
        for (text, value, dimension) in [
            ("0.2 mL", 200.0, Dimension::Volume),
            ("$dose * 2", 400.0, Dimension::Volume),
            ("2 × $dose", 400.0, Dimension::Volume),
            ("$dose - 50 uL", 150.0, Dimension::Volume),
            ("$rate * 24 h", 500.0, Dimension::Volume),
            ("($rate + 1 µL/h) * 24 h", 524.0, Dimension::Volume),
            ("10 mL / 2 h", 5000.0, Dimension::Flow),
            ("10 mL/2 h", 5000.0, Dimension::Flow),
            ("$dose / $rate", 34560.0, Dimension::Time),
            ("$dose / 50 µL", 4.0, Dimension::Count),
            ("5 % * $dose", 10.0, Dimension::Volume),
            ("-1.5 kPa", -1.5, Dimension::Pressure),
            ("2 - -3", 5.0, Dimension::Count),
            ("1mL/min", 60_000.0, Dimension::Flow),
            ("0.2 mg / (1 mg/mL)", 200.0, Dimension::Volume),
            ("0.5 mg/day * 24 h", 500.0, Dimension::Mass),
            ("37 °C", 37.0, Dimension::Temperature),
            ("0.5 m", 50.0, Dimension::Length),
            ("5 min", 300.0, Dimension::Time),
            ("$n", 3.0, Dimension::Count),
        ] {
            let found = evaluate(text, &scope(), None).expect(text);
            assert_eq!((found.to_f64(), found.dimension), (value, dimension), "{text}");
        }
    }

    #[test]
    fn troubles_point_at_their_place() {
        for (text, offset, length, message) in [
            ("2 ml", 2, 2, "unknown unit `ml`"),
            ("$dise * 2", 0, 5, "unknown parameter `$dise`"),
            ("$dose * $dose", 0, 13, "a volume times a volume is nothing that a pump has"),
            ("2 mL + 3 s", 0, 10, "a time can't be added to a volume"),
            ("(2 mL", 0, 1, "this parenthesis is not closed"),
            ("2 mL )", 5, 1, "`)` is too much here"),
            ("1 mL / 0", 0, 8, "division by zero"),
            ("0,2 mL", 0, 2, "a comma in a number"),
            ("1234567890123456789 mL", 0, 19, "more than 18 digits"),
            ("$ch", 0, 3, "`$ch` is the word `flow.tip`; a quantity is wanted here"),
            ("12", 0, 2, "`12` has no unit; a volume is wanted here"),
            ("", 0, 1, "a number was expected here"),
        ] {
            let trouble = evaluate(text, &scope(), Some(Dimension::Volume)).expect_err(text);
            assert_eq!((trouble.offset, trouble.length, &*trouble.message), (offset, length, message), "{text}");
        }
    }
}
