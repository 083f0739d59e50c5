//! Tolerance intervals of a normal distribution: limits that hold a stated share of all values with a stated confidence.
//!
//! The factors are exact, by numerical integration (as those of ISO 16269-6; Odeh and Owen 1980; Krishnamoorthy and Mathew 2009, chapter
//! 2), not by one of the usual approximations. Over the unknown error of the mean the integrand is smooth and falls off like a normal
//! density, which the plain trapezoidal rule integrates to the last digits.

use crate::quantile::{chi_square_cdf, normal_cdf, normal_upper};
use crate::root;

/// Distance of two nodes of the trapezoidal rule, in standard deviations of the mean.
const STEP: f64 = 0.0625;
/// Nodes on one side of zero: to 10 standard deviations, beyond which lies 10⁻²³.
const NODES: usize = 160;

/// What an interval has to hold, and how surely.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Content {
    coverage: f64,
    confidence: f64,
}

/// Why there is no tolerance interval.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum NoTolerance {
    #[error("{what} must lie between 0 and 1 (0 % and 100 %), both excluded, and is {value}")]
    Fraction { what: &'static str, value: f64 },
    #[error("a tolerance interval needs at least 2 values; there are {0}")]
    TooFew(usize),
    #[error("value {index} of the sample is {value}, which is no number to compute with")]
    NoNumber { index: usize, value: f64 },
}

impl Content {
    /// 95 % of all values with a confidence of 95 %.
    pub const P95_C95: Self = Self { coverage: 0.95, confidence: 0.95 };

    /// `coverage` is the share of all values that the interval holds, `confidence` the probability with which it does; both from 0 to 1,
    /// excluding these.
    pub fn new(coverage: f64, confidence: f64) -> Result<Self, NoTolerance> {
        for (what, value) in [("the coverage", coverage), ("the confidence", confidence)] {
            if !(value > 0.0 && value < 1.0) {
                return Err(NoTolerance::Fraction { what, value });
            }
        }
        Ok(Self { coverage, confidence })
    }

    pub fn coverage(&self) -> f64 {
        self.coverage
    }

    pub fn confidence(&self) -> f64 {
        self.confidence
    }

    /// The deviate that bounds the coverage of a known normal distribution on two sides.
    pub(crate) fn two_sided_deviate(&self) -> f64 {
        normal_upper((1.0 - self.coverage) / 2.0)
    }
}

/// The limits mean ± factor·sd of a sample, in its unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ToleranceInterval {
    pub lower: f64,
    pub upper: f64,
    /// What the standard deviation was multiplied with.
    pub factor: f64,
}

/// The two-sided interval of a sample of independent values of one normal distribution. All values equal give an interval of no width,
/// which says no more than that the instrument's steps hid the spread.
pub fn tolerance_interval(values: &[f64], content: Content) -> Result<ToleranceInterval, NoTolerance> {
    if let Some((index, value)) = values.iter().copied().enumerate().find(|(_, v)| !v.is_finite()) {
        return Err(NoTolerance::NoNumber { index, value });
    }
    let factor = tolerance_factor(values.len(), content)?;
    let (mean, sd) = mean_and_sd(values);
    Ok(ToleranceInterval { lower: mean - factor * sd, upper: mean + factor * sd, factor })
}

/// The factor k with which mean ± k·sd of `n` values is a two-sided tolerance interval.
pub fn tolerance_factor(n: usize, content: Content) -> Result<f64, NoTolerance> {
    if n < 2 {
        return Err(NoTolerance::TooFew(n));
    }
    let n = n as f64;
    let dof = n - 1.0;
    let nodes: Vec<(f64, f64)> = (0..=NODES).map(|i| node(i as f64 * STEP, n, content.coverage)).collect();
    // Too little is held where the sample's standard deviation is too small for the half width that its mean calls for.
    let risk = |k: f64| nodes.iter().map(|(weight, r)| weight * chi_square_cdf(dof * (r / k) * (r / k), dof)).sum::<f64>();
    let target = libm::log(1.0 - content.confidence);
    Ok(root::of_decreasing(content.two_sided_deviate(), |k| libm::log(risk(k)) - target))
}

/// The sample mean, `z` of its standard deviations off to either side: how much that weighs, and the half width that then holds the
/// coverage.
fn node(z: f64, n: f64, coverage: f64) -> (f64, f64) {
    let density = libm::exp(-z * z / 2.0) / (2.0 * std::f64::consts::PI).sqrt();
    let sides = if z == 0.0 { 1.0 } else { 2.0 };
    (sides * density * STEP, half_width(z / n.sqrt(), coverage))
}

/// The r with Φ(d + r) − Φ(d − r) = `coverage`: half the width of an interval around d that holds this share of the standard normal
/// distribution.
fn half_width(d: f64, coverage: f64) -> f64 {
    let target = libm::log(1.0 - coverage);
    root::of_decreasing(1.0 + d, |r| libm::log(normal_cdf(d - r) + normal_cdf(-d - r)) - target)
}

/// Of one value or more; the standard deviation with n − 1, which is 0 of one value.
pub(crate) fn mean_and_sd(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    (mean, if values.len() < 2 { 0.0 } else { (squares / (n - 1.0)).sqrt() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_of_three() {
        let interval = tolerance_interval(&[9.0, 10.0, 11.0], Content::P95_C95).unwrap();
        assert!((interval.factor - 9.789).abs() < 0.0005, "{interval:?}");
        assert_eq!((interval.lower, interval.upper), (10.0 - interval.factor, 10.0 + interval.factor));
        let still = tolerance_interval(&[2.5; 4], Content::P95_C95).unwrap();
        assert_eq!((still.lower, still.upper), (2.5, 2.5));
    }

    #[test]
    fn nothing_follows_from_too_little_or_from_no_numbers() {
        for values in [&[][..], &[1.0]] {
            assert_eq!(tolerance_interval(values, Content::P95_C95), Err(NoTolerance::TooFew(values.len())));
        }
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let refused = tolerance_interval(&[1.0, bad, 2.0], Content::P95_C95);
            assert!(matches!(refused, Err(NoTolerance::NoNumber { index: 1, .. })), "{refused:?}");
        }
        for bad in [0.0, 1.0, -0.5, 95.0, f64::NAN, f64::INFINITY] {
            assert!(matches!(Content::new(bad, 0.95), Err(NoTolerance::Fraction { what: "the coverage", .. })), "{bad}");
            assert!(matches!(Content::new(0.95, bad), Err(NoTolerance::Fraction { what: "the confidence", .. })), "{bad}");
        }
        assert_eq!(Content::new(0.95, 0.95), Ok(Content::P95_C95));
    }
}
