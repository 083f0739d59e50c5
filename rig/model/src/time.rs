//! Rig time: nanoseconds since the run began, from one monotonic clock.

use std::fmt;
use std::ops::{Add, AddAssign, Neg, Sub};

use serde::{Deserialize, Serialize};

/// An instant: nanoseconds since the run began. Never mixed with the clock of the board under test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RigTime(pub i64);

/// A signed length of time in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Span(pub i64);

impl RigTime {
    pub const ZERO: Self = Self(0);
    /// Later than any instant of a run (292 years).
    pub const MAX: Self = Self(i64::MAX);

    /// Seconds since the run began, for people and for CSV.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// The instant `span` later, held at the ends of the scale instead of wrapping round.
    pub fn saturating_add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Span {
    pub const ZERO: Self = Self(0);
    pub const MAX: Self = Self(i64::MAX);

    pub const fn nanoseconds(n: i64) -> Self {
        Self(n)
    }
    pub const fn microseconds(n: i64) -> Self {
        Self(n * 1_000)
    }
    pub const fn milliseconds(n: i64) -> Self {
        Self(n * 1_000_000)
    }
    pub const fn seconds(n: i64) -> Self {
        Self(n * 1_000_000_000)
    }
    pub const fn minutes(n: i64) -> Self {
        Self::seconds(n * 60)
    }
    pub const fn hours(n: i64) -> Self {
        Self::seconds(n * 3_600)
    }

    /// To the nearest nanosecond, held at the ends of the scale.
    pub fn from_seconds(s: f64) -> Self {
        Self((s * 1e9).round() as i64)
    }
    pub fn as_seconds(self) -> f64 {
        self.0 as f64 / 1e9
    }
    pub fn as_hours(self) -> f64 {
        self.0 as f64 / 3.6e12
    }
}

impl Add<Span> for RigTime {
    type Output = Self;
    fn add(self, span: Span) -> Self {
        Self(self.0 + span.0)
    }
}
impl AddAssign<Span> for RigTime {
    fn add_assign(&mut self, span: Span) {
        self.0 += span.0;
    }
}
impl Sub<Span> for RigTime {
    type Output = Self;
    fn sub(self, span: Span) -> Self {
        Self(self.0 - span.0)
    }
}
impl Sub for RigTime {
    type Output = Span;
    fn sub(self, earlier: Self) -> Span {
        Span(self.0 - earlier.0)
    }
}
impl Add for Span {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}
impl Sub for Span {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}
impl Neg for Span {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl fmt::Display for Span {
    /// The largest two of days, hours, minutes and seconds that say it: `3 d`, `1 h 30 min`, `2.5 s`, `40 ms`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 0 {
            return write!(f, "-{}", Span(self.0.saturating_neg()));
        }
        if self.0 < 1_000_000 {
            return write!(f, "{} µs", self.0 as f64 / 1e3);
        }
        if self.0 < 1_000_000_000 {
            return write!(f, "{} ms", self.0 as f64 / 1e6);
        }
        let ms = (self.0 + 500_000) / 1_000_000;
        let parts = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min")];
        let Some(i) = parts.iter().position(|(size, _)| ms >= *size) else {
            return write!(f, "{} s", ms as f64 / 1e3);
        };
        let (size, unit) = parts[i];
        write!(f, "{} {unit}", ms / size)?;
        let rest = ms % size;
        match parts.get(i + 1) {
            Some((next, unit)) if rest >= *next => write!(f, " {} {unit}", rest / next),
            None if rest > 0 => write!(f, " {} s", rest as f64 / 1e3),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for RigTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Span(self.0).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_as_people_write_them() {
        for (span, text) in [
            (Span::hours(72), "3 d"),
            (Span::minutes(90), "1 h 30 min"),
            (Span::milliseconds(2_500), "2.5 s"),
            (Span::milliseconds(40), "40 ms"),
            (Span::seconds(61), "1 min 1 s"),
            (-Span::seconds(2), "-2 s"),
            (Span::microseconds(20), "20 µs"),
        ] {
            assert_eq!(span.to_string(), text);
        }
    }
}
