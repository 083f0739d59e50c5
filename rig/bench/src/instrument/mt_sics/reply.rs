//! What one line of the balance says.

use std::fmt;

/// Characters of a weight: right aligned, with decimal point and sign.
const WEIGHT: usize = 10;

/// A reply, as the manual writes it.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// To `S`, `SI` and `SIR`, which the balance does not tell apart.
    Weight(Weighed),
    Zero(Adjusted),
    ZeroNow(Adjusted),
    Tare(Adjusted),
    TareNow(Adjusted),
    /// To `I4` and `@`, and by itself when it was switched on.
    Serial(String),
    /// `ES`: it does not know this command, or does not allow it.
    Syntax,
    /// `ET`: the command came to it damaged.
    Transmission,
    /// `EL`: it can't carry this out.
    Logical,
}

/// What is on the pan.
#[derive(Debug, Clone, PartialEq)]
pub enum Weighed {
    Mass {
        /// Net, in mg.
        mg: f64,
        /// Whether the balance found it to be at rest.
        stable: bool,
    },
    Overload,
    Underload,
    /// It is busy (taring, adjusting), or did not come to rest in its own time.
    NotNow,
    /// `S L`.
    NotAllowed,
    /// Its own error instead of a weight: number and origin, such as `10b`.
    Fault(String),
}

/// What became of a zero or a tare.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Adjusted {
    Done {
        /// Whether the balance was at rest.
        stable: bool,
        /// The new tare in mg; none for a zero.
        tare_mg: Option<f64>,
    },
    NotNow,
    NotAllowed,
    /// The load is above or below what may be taken for zero or tare.
    Above,
    Below,
}

/// Why a line is no reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Damage {
    /// The beginning of the line, printable.
    NoReply(String),
    /// Well formed, but in a unit that is not of mass or not known here.
    Unit(String),
}

/// Reads one line without its end. Strict: anything that is not exactly a reply is damage.
pub fn read(line: &[u8]) -> Result<Reply, Damage> {
    let no_reply = || Damage::NoReply(line.iter().take(24).flat_map(|byte| byte.escape_ascii()).map(char::from).collect());
    let text = std::str::from_utf8(line).ok().filter(|text| text.chars().all(|c| (' '..='~').contains(&c))).ok_or_else(no_reply)?;
    match text {
        "ES" => return Ok(Reply::Syntax),
        "ET" => return Ok(Reply::Transmission),
        "EL" => return Ok(Reply::Logical),
        _ => {}
    }
    let (id, rest) = text.split_once(' ').ok_or_else(no_reply)?;
    let status = rest.as_bytes().first().map(|byte| char::from(*byte)).ok_or_else(no_reply)?;
    let parameters = match &rest[1..] {
        "" => None,
        more => Some(more.strip_prefix(' ').ok_or_else(no_reply)?),
    };
    match (id, status, parameters) {
        ("S", 'S' | 'D', Some(value)) => weight(value, status == 'S'),
        ("S", _, None) => status_only(status).map(Ok),
        ("T" | "TI", 'S' | 'D', Some(value)) if status == 'S' || id == "TI" => tare(id, value, status == 'S'),
        ("T" | "TI", _, None) => not_adjusted(status).map(|adjusted| Ok(of_tare(id, adjusted))),
        ("Z", 'A', None) => Some(Ok(Reply::Zero(Adjusted::Done { stable: true, tare_mg: None }))),
        ("ZI", 'S' | 'D', None) => Some(Ok(Reply::ZeroNow(Adjusted::Done { stable: status == 'S', tare_mg: None }))),
        ("Z", _, None) => not_adjusted(status).map(|adjusted| Ok(Reply::Zero(adjusted))),
        ("ZI", _, None) => not_adjusted(status).map(|adjusted| Ok(Reply::ZeroNow(adjusted))),
        ("I4", 'A', Some(value)) => quoted(value).map(|serial| Ok(Reply::Serial(serial))),
        _ => None,
    }
    .unwrap_or_else(|| Err(no_reply()))
}

fn status_only(status: char) -> Option<Reply> {
    let weighed = match status {
        '+' => Weighed::Overload,
        '-' => Weighed::Underload,
        'I' => Weighed::NotNow,
        'L' => Weighed::NotAllowed,
        _ => return None,
    };
    Some(Reply::Weight(weighed))
}

fn not_adjusted(status: char) -> Option<Adjusted> {
    match status {
        '+' => Some(Adjusted::Above),
        '-' => Some(Adjusted::Below),
        'I' => Some(Adjusted::NotNow),
        'L' => Some(Adjusted::NotAllowed),
        _ => None,
    }
}

fn of_tare(id: &str, adjusted: Adjusted) -> Reply {
    if id == "T" { Reply::Tare(adjusted) } else { Reply::TareNow(adjusted) }
}

fn tare(id: &str, value: &str, stable: bool) -> Option<Result<Reply, Damage>> {
    mass(value).map(|mg| mg.map(|mg| of_tare(id, Adjusted::Done { stable, tare_mg: Some(mg) })))
}

fn weight(value: &str, stable: bool) -> Option<Result<Reply, Damage>> {
    // An internal error comes in the place of a stable weight, without a unit.
    if stable && let Some(fault) = value.trim_start().strip_prefix("Error ") {
        return (value.len() == WEIGHT).then(|| Ok(Reply::Weight(Weighed::Fault(fault.to_owned()))));
    }
    mass(value).map(|mg| mg.map(|mg| Reply::Weight(Weighed::Mass { mg, stable })))
}

/// `    100.00 g` in mg: ten characters, a space, the unit. `None` where it has not that form.
fn mass(value: &str) -> Option<Result<f64, Damage>> {
    let (number, unit) = value.split_at_checked(WEIGHT)?;
    let unit = unit.strip_prefix(' ').filter(|unit| (1..=5).contains(&unit.len()) && !unit.contains(' '))?;
    // Outside its fine range a balance with two ranges leaves the last decimal away.
    let number = number.strip_suffix(' ').unwrap_or(number).trim_start();
    if !is_decimal(number) {
        return None;
    }
    // Shifting the point in the text keeps the value the nearest to what was shown.
    let scaled = |exponent: i32| format!("{number}e{exponent}").parse::<f64>().ok();
    let mg = match unit {
        "kg" => scaled(6),
        "g" => scaled(3),
        "mg" => scaled(0),
        // One metric carat is 200 mg.
        "ct" => scaled(0).map(|ct| ct * 200.0),
        _ => return Some(Err(Damage::Unit(unit.to_owned()))),
    };
    mg.map(Ok)
}

/// A sign directly before the first digit, no superfluous zeros before it, digits on both sides of the point.
fn is_decimal(number: &str) -> bool {
    let digits = number.strip_prefix('-').unwrap_or(number);
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    all_digits(whole) && all_digits(decimals) && (whole == "0" || !whole.starts_with('0'))
}

/// `"text"`; a quotation mark in the text has a backslash before it.
fn quoted(value: &str) -> Option<String> {
    let inner = value.strip_prefix('"')?.strip_suffix('"')?;
    let mut text = String::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => text.push(chars.next()?),
            '"' => return None,
            _ => text.push(c),
        }
    }
    Some(text)
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoReply(start) => write!(f, "`{start}` is no reply of MT-SICS: look at cable, baud rate and parity"),
            Self::Unit(unit) => write!(f, "the balance weighs in `{unit}`: set its host unit to g, mg, kg or ct"),
        }
    }
}

impl std::error::Error for Damage {}
