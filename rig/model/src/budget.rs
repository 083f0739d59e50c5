//! Uncertainty budgets after the GUM (JCGM 100): what a value rests on, and how well each part of it is known.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Name;

/// One input quantity of a measured value: a row of its budget.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Component {
    /// What it is: `K-factor`, `counting`, `clock` …
    pub name: Cow<'static, str>,
    /// Best estimate of the input quantity, in `unit`; 0 for an error whose best estimate is that there is none.
    pub estimate: f64,
    pub unit: Cow<'static, str>,
    pub distribution: Distribution,
    /// One standard deviation of the input quantity, in `unit`. Absent when nobody states it: then the value's uncertainty is not known either.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub standard_uncertainty: Option<f64>,
    /// ∂(value)/∂(input quantity), in the value's unit per `unit`.
    pub sensitivity: f64,
    /// Degrees of freedom of the standard uncertainty; absent for infinitely many.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub dof: Option<f64>,
    pub origin: Origin,
    /// The certificate that states it, where there is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub certificate: Option<Name>,
    /// It errs the same way in every measurement of this bench: no repetition averages it out.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub common: bool,
    /// The most that it can add to or take from the value, in the value's unit, where that is bounded (a count, a time stamp).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub bound: Option<f64>,
}

impl Component {
    /// What it contributes to the value's standard uncertainty, in the value's unit; absent when its own is not stated.
    pub fn contribution(&self) -> Option<f64> {
        // An error that the value does not depend on costs nothing, stated or not.
        if self.sensitivity == 0.0 { Some(0.0) } else { self.standard_uncertainty.map(|u| self.sensitivity.abs() * u) }
    }
}

/// The probability distribution that is taken for an input quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Distribution {
    Normal,
    /// Between two bounds, each value as likely as the other: a/√3 of the half width a.
    Rectangular,
    /// The sum of two rectangular ones: a/√6.
    Triangular,
    /// Student's, of a mean or a fit.
    Student,
}

impl Distribution {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Rectangular => "rectangular",
            Self::Triangular => "triangular",
            Self::Student => "student",
        }
    }
}

/// Where a component's uncertainty comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A calibration certificate.
    Certificate,
    /// What the bench file states of an instrument or of the set-up: a data sheet, or the bench's own assessment.
    Datasheet,
    /// Computed from how the measurement was made.
    Derived,
    /// Nobody states it; a value that the rig's documentation gives a reason for.
    Assumed,
}

impl Origin {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::Datasheet => "datasheet",
            Self::Derived => "derived",
            Self::Assumed => "assumed",
        }
    }
}

impl fmt::Display for Distribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
