//! Whether two measurements of one thing agree.

use std::fmt;

use crate::estimate::Estimate;
use crate::quantile::student_cdf;

/// A difference that chance makes less often than this is not believed: once in 300, |z| > 2.935 for a normal error.
pub const CHANCE_LIMIT: f64 = 1.0 / 300.0;

/// How two results of one quantity compare (ISO 13528, 9.7, with U = 2u).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Agreement {
    /// First less second, in their unit.
    pub difference: f64,
    /// Of the difference.
    pub standard_uncertainty: f64,
    /// The difference over its expanded uncertainty, with the sign of the difference: within ±1 they agree.
    pub e_n: f64,
    /// How often chance alone makes a difference as large as this, either way.
    pub chance: f64,
}

/// How it is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agrees {
    /// |E_n| ≤ 1.
    Yes,
    /// It is to be reported: chance makes as much less than once in 22, but more than once in 300.
    Hardly,
    /// One of the two is wrong, or its uncertainty is: no verdict rests on either.
    No,
}

/// Why two results can't be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotComparable {
    /// One of them is no number, or its uncertainty is not known.
    Unsound,
    /// More covariance than the two have variance.
    Covariance,
}

impl Agreement {
    pub fn agrees(&self) -> Agrees {
        if self.e_n.abs() <= 1.0 {
            Agrees::Yes
        } else if self.chance >= CHANCE_LIMIT {
            Agrees::Hardly
        } else {
            Agrees::No
        }
    }
}

/// Compares `a` with `b`, whose errors have this covariance (in the square of their unit; 0 for independent ones, see [`shared`]).
///
/// u² = u_a² + u_b² − 2 cov. The chance is that of Student's distribution with the effective degrees of freedom of the difference.
///
/// # Errors
/// One of the two is not sound, or the covariance is more than there can be.
pub fn agreement(a: &Estimate, b: &Estimate, covariance: f64) -> Result<Agreement, NotComparable> {
    if !(a.is_sound() && b.is_sound()) {
        return Err(NotComparable::Unsound);
    }
    let (u_a, u_b) = (a.standard_uncertainty, b.standard_uncertainty);
    // A correlation coefficient beyond ±1; a little more is rounding.
    if covariance.is_nan() || covariance.abs() > u_a * u_b * (1.0 + 1e-9) {
        return Err(NotComparable::Covariance);
    }
    let variance = (u_a * u_a + u_b * u_b - 2.0 * covariance).max(0.0);
    let difference = a.value - b.value;
    let standard_uncertainty = variance.sqrt();
    let (e_n, chance) = match (difference == 0.0, standard_uncertainty == 0.0) {
        (true, _) => (0.0, 1.0),
        (false, true) => (f64::INFINITY.copysign(difference), 0.0),
        (false, false) => {
            let z = difference / standard_uncertainty;
            (z / 2.0, 2.0 * student_cdf(-z.abs(), dof(a, b, variance)))
        }
    };
    Ok(Agreement { difference, standard_uncertainty, e_n, chance })
}

/// The covariance of two volumes that share one relative error, such as that of a balance and of a K-factor that was found with it.
pub fn shared(a: f64, b: f64, relative_standard_uncertainty: f64) -> f64 {
    a * b * relative_standard_uncertainty * relative_standard_uncertainty
}

/// Welch–Satterthwaite. What the two share must be known from elsewhere (infinitely many degrees of freedom), as a certificate is.
fn dof(a: &Estimate, b: &Estimate, variance: f64) -> f64 {
    let spent =
        |e: &Estimate| e.standard_uncertainty * e.standard_uncertainty * e.standard_uncertainty * e.standard_uncertainty / e.effective_dof;
    let spent = spent(a) + spent(b);
    if spent > 0.0 { (variance * variance / spent).max(1.0) } else { f64::INFINITY }
}

impl fmt::Display for NotComparable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unsound => "one of the two has no value, or an uncertainty that nobody states",
            Self::Covariance => "the two can't share more uncertainty than each of them has",
        })
    }
}

impl std::error::Error for NotComparable {}
