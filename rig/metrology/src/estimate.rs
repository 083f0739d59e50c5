//! A measured value with its uncertainty, after the GUM (JCGM 100).

use crate::quantile::{COVERAGE, coverage_factor};

/// The best estimate of a quantity, in the base unit of its dimension, and how well it is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    pub value: f64,
    /// One standard deviation, in the unit of the value. Infinite when the instrument can't vouch for the value at all.
    pub standard_uncertainty: f64,
    /// `f64::INFINITY` where all contributions are known from certificates or from geometry.
    pub effective_dof: f64,
    /// Multiplies the standard uncertainty to an interval that covers 95.45 %.
    pub coverage_factor: f64,
}

impl Estimate {
    /// With the coverage factor that belongs to the degrees of freedom.
    pub fn new(value: f64, standard_uncertainty: f64, effective_dof: f64) -> Self {
        Self { value, standard_uncertainty, effective_dof, coverage_factor: t_factor(effective_dof) }
    }

    /// Expanded uncertainty U = k·u, in the unit of the value.
    pub fn expanded(&self) -> f64 {
        // An exactly known value stays exact whatever its coverage factor: 0 · ∞ would be NaN.
        if self.standard_uncertainty == 0.0 { 0.0 } else { self.coverage_factor * self.standard_uncertainty }
    }

    /// Whether a verdict may rest on it: a finite value with a finite uncertainty that is not negative.
    pub fn is_sound(&self) -> bool {
        self.value.is_finite() && self.standard_uncertainty >= 0.0 && self.expanded() >= 0.0 && self.expanded().is_finite()
    }
}

/// A value that is known for certain, such as a count of alarms.
pub fn exact(value: f64) -> Estimate {
    Estimate::new(value, 0.0, f64::INFINITY)
}

/// Independent contributions to one value, each a standard uncertainty in the unit of the value with its degrees of freedom,
/// combined in squares; the effective degrees of freedom after Welch–Satterthwaite (GUM G.4.1). A contribution that is negative or no number
/// makes the uncertainty NaN; one whose degrees of freedom are not above 0 leaves none for the whole. No verdict rests on either.
pub fn combine(value: f64, contributions: &[(f64, f64)]) -> Estimate {
    let counts = || contributions.iter().filter(|(u, _)| *u != 0.0);
    let variance: f64 = counts().map(|(u, _)| if *u >= 0.0 { u * u } else { f64::NAN }).sum();
    let spent: f64 = counts().map(|(u, dof)| u * u * u * u / if *dof > 0.0 { *dof } else { 0.0 }).sum();
    let dof = if spent == 0.0 { f64::INFINITY } else { variance * variance / spent };
    Estimate::new(value, variance.sqrt(), dof)
}

/// The factor k that makes k·u cover 95.45 % (two sides) of Student's distribution, for any real number of degrees of freedom. Below one
/// nothing can be said: the factor is infinite, and no verdict rests on such an estimate.
pub fn t_factor(dof: f64) -> f64 {
    // Most estimates rest on what is stated and have no end of them: asked for at every judgement.
    if dof == f64::INFINITY { 2.0 } else { coverage_factor(dof, COVERAGE) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn student_factors_are_those_of_the_gum() {
        // GUM table G.2, 95.45 %.
        for (dof, k) in [
            (f64::INFINITY, 2.0),
            (100.0, 2.025),
            (50.0, 2.05),
            (30.0, 2.09),
            (20.0, 2.13),
            (15.0, 2.18),
            (10.0, 2.28),
            (7.0, 2.43),
            (5.0, 2.65),
            (4.0, 2.87),
            (3.0, 3.31),
            (2.0, 4.53),
            (1.0, 13.97),
        ] {
            let digits = if dof == 100.0 { 1_000.0 } else { 100.0f64 };
            assert_eq!((t_factor(dof) * digits).round() / digits, k, "{dof}");
        }
        for dof in [0.99, 0.0, -3.0, f64::NAN] {
            assert_eq!(t_factor(dof), f64::INFINITY, "{dof}");
        }
    }

    #[test]
    fn contributions_add_in_squares() {
        assert_eq!(combine(7.0, &[(3.0, f64::INFINITY), (4.0, f64::INFINITY)]), Estimate::new(7.0, 5.0, f64::INFINITY));
        // Two equal contributions of 5 degrees of freedom have 10 between them.
        let two = combine(0.0, &[(1.0, 5.0), (1.0, 5.0)]);
        assert!((two.effective_dof - 10.0).abs() < 1e-12);
        assert_eq!(combine(1.0, &[]), exact(1.0));
        assert_eq!(
            combine(1.0, &[(0.0, 0.0), (3.0, f64::INFINITY)]),
            Estimate::new(1.0, 3.0, f64::INFINITY),
            "what is nothing costs nothing"
        );
        for bad in [(-1.0, f64::INFINITY), (f64::NAN, f64::INFINITY), (1.0, 0.0), (1.0, -5.0), (1.0, f64::NAN)] {
            assert!(!combine(1.0, &[(1.0, 9.0), bad]).is_sound(), "{bad:?}");
        }
    }

    #[test]
    fn soundness() {
        assert!(exact(0.0).is_sound() && exact(0.0).expanded() == 0.0);
        assert!(Estimate::new(1.0, 0.0, 0.5).is_sound(), "no uncertainty times an unknown factor");
        for bad in [
            exact(f64::NAN),
            exact(f64::INFINITY),
            Estimate::new(1.0, f64::NAN, f64::INFINITY),
            Estimate::new(1.0, f64::INFINITY, f64::INFINITY),
            Estimate::new(1.0, -1.0, f64::INFINITY),
            Estimate::new(1.0, 0.1, 0.5),
            Estimate { coverage_factor: f64::NAN, ..Estimate::new(1.0, 0.1, 9.0) },
            Estimate { coverage_factor: -2.0, ..Estimate::new(1.0, 0.1, 9.0) },
        ] {
            assert!(!bad.is_sound(), "{bad:?}");
        }
    }
}
