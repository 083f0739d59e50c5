//! The distributions behind coverage factors and tolerance intervals: normal, chi-square, Student's, each with distribution function
//! and quantile.
//!
//! The incomplete beta and gamma functions come from the crate `special`, built so that it takes every transcendental function from
//! `libm`; the error function comes from `libm` itself. Quantiles are roots of the distribution functions, in the logarithm of the
//! smaller tail, so that a risk of 10⁻⁹ is met as exactly as one of 5 %.

use std::f64::consts::SQRT_2;

use special::{Beta, Gamma};

use crate::root;

/// The coverage of two standard deviations of a normal distribution: erf(√2), told as 95.45 %. It is what k = 2 means.
pub const COVERAGE: f64 = 0.954_499_736_103_641_6;

/// From here on Student's distribution is computed from the normal one: the series for the beta function would take a number of terms
/// proportional to the degrees of freedom, and the expansion is exact to 10⁻¹¹ already.
const MANY_DOF: f64 = 1000.0;

/// Φ(x), the distribution function of the standard normal distribution; NaN for NaN.
pub fn normal_cdf(x: f64) -> f64 {
    0.5 * libm::erfc(-x / SQRT_2)
}

/// The x with Φ(x) = p; infinite at 0 and 1, NaN outside.
pub fn normal_quantile(p: f64) -> f64 {
    symmetric(p, normal_upper)
}

/// The distribution function of χ² with `dof` degrees of freedom (any real number above 0); NaN for other `dof`.
pub fn chi_square_cdf(x: f64, dof: f64) -> f64 {
    if !(dof > 0.0 && dof.is_finite()) || x.is_nan() {
        return f64::NAN;
    }
    if x <= 0.0 { 0.0 } else { (x / 2.0).inc_gamma(dof / 2.0) }
}

/// The x below which χ² with `dof` degrees of freedom stays with probability `p`; 0 and infinity at 0 and 1, NaN outside and where
/// `dof` is not above 0.
pub fn chi_square_quantile(p: f64, dof: f64) -> f64 {
    if !(dof > 0.0 && dof.is_finite() && (0.0..=1.0).contains(&p)) {
        return f64::NAN;
    }
    if p == 0.0 || p == 1.0 {
        return if p == 0.0 { 0.0 } else { f64::INFINITY };
    }
    // Wilson and Hilferty's approximation is where to look first; far in the lower tail of few degrees of freedom it fails, and the
    // search widens.
    let spread = 2.0 / (9.0 * dof);
    let guess = 1.0 - spread + normal_quantile(p) * spread.sqrt();
    let guess = (dof * guess * guess * guess).max(dof * 1e-3);
    root::of_decreasing(guess, |x| libm::log(p) - libm::log(chi_square_cdf(x, dof)))
}

/// The distribution function of Student's t with `dof` degrees of freedom (any real number above 0, or infinitely many); NaN for other
/// `dof`.
pub fn student_cdf(t: f64, dof: f64) -> f64 {
    if t < 0.0 { student_upper(-t, dof) } else { 1.0 - student_upper(t, dof) }
}

/// The t below which Student's t stays with probability `p`; infinite at 0 and 1, NaN outside and where `dof` is not above 0.
pub fn student_quantile(p: f64, dof: f64) -> f64 {
    symmetric(p, |tail| student_upper_quantile(tail, dof))
}

/// The factor k that makes k·u cover `coverage` (0 to 1, two sides) of Student's distribution; [`COVERAGE`] and infinitely many degrees
/// of freedom give 2. GUM G.3, computed, not looked up.
///
/// Below one degree of freedom nothing can be said: the factor is infinite, and no verdict rests on such an estimate. So it is for NaN
/// and for a coverage that is not between 0 and 1.
pub fn coverage_factor(dof: f64, coverage: f64) -> f64 {
    family_coverage_factor(dof, coverage, 1)
}

/// The factor for the most extreme of `comparisons` values, each with its own error: with it all of them together lie within k·u of
/// their true values with probability `coverage` at least. It spreads the risk 1 − `coverage` evenly (Bonferroni), which holds however
/// the errors hang together, as those of overlapping windows do; for independent ones it is too careful by less than half a per cent.
/// One comparison gives [`coverage_factor`], and so does none.
pub fn family_coverage_factor(dof: f64, coverage: f64, comparisons: u64) -> f64 {
    if !(coverage > 0.0 && coverage < 1.0 && dof >= 1.0) {
        return f64::INFINITY;
    }
    if dof == f64::INFINITY && coverage == COVERAGE && comparisons <= 1 {
        return 2.0;
    }
    student_upper_quantile((1.0 - coverage) / 2.0 / comparisons.max(1) as f64, dof)
}

/// A quantile of a distribution symmetric about 0, from that of its upper tail.
fn symmetric(p: f64, upper: impl Fn(f64) -> f64) -> f64 {
    match p {
        0.5 => 0.0,
        p if p < 0.5 => -upper(p),
        p => upper(1.0 - p),
    }
}

/// The x above which the normal distribution has `tail`, at most ½.
pub(crate) fn normal_upper(tail: f64) -> f64 {
    if !(0.0..=0.5).contains(&tail) {
        return f64::NAN;
    }
    if tail == 0.0 { f64::INFINITY } else { root::of_decreasing(1.0, |x| libm::log(normal_cdf(-x)) - libm::log(tail)) }
}

/// P(T > t) for t of 0 or more.
fn student_upper(t: f64, dof: f64) -> f64 {
    if dof.is_nan() || dof <= 0.0 || t.is_nan() {
        return f64::NAN;
    }
    if t == 0.0 || t == f64::INFINITY {
        return if t == 0.0 { 0.5 } else { 0.0 };
    }
    if dof >= MANY_DOF {
        return normal_cdf(-equivalent_normal(t, dof));
    }
    let x = dof / (dof + t * t);
    let (a, b) = (dof / 2.0, 0.5);
    0.5 * x.inc_beta(a, b, a.ln_beta(b))
}

fn student_upper_quantile(tail: f64, dof: f64) -> f64 {
    if dof.is_nan() || dof <= 0.0 || !(0.0..=0.5).contains(&tail) {
        return f64::NAN;
    }
    if tail == 0.0 { f64::INFINITY } else { root::of_decreasing(1.0, |t| libm::log(student_upper(t, dof)) - libm::log(tail)) }
}

/// The normal deviate with the tail of t: G. W. Hill, algorithm 395, Comm. ACM 13 (1970) 617.
fn equivalent_normal(t: f64, dof: f64) -> f64 {
    if dof == f64::INFINITY {
        return t;
    }
    let a = dof - 0.5;
    let b = 48.0 * a * a;
    let w2 = a * libm::log1p(t * t / dof);
    let w = w2.sqrt();
    let second = (((-0.4 * w2 - 3.3) * w2 - 24.0) * w2 - 85.5) / (0.8 * w2 * w2 + 100.0 + b);
    w * (((second + w2 + 3.0) / b) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_standard_deviations_are_two() {
        assert_eq!(coverage_factor(f64::INFINITY, COVERAGE), 2.0);
        assert_eq!(family_coverage_factor(f64::INFINITY, COVERAGE, 0), 2.0);
        assert!((COVERAGE - libm::erf(SQRT_2)).abs() < 1e-16);
        assert!((normal_quantile((1.0 + COVERAGE) / 2.0) - 2.0).abs() < 1e-14);
    }

    /// GUM table G.2, column 95.45 %, which has two places.
    #[test]
    fn the_factors_of_the_gum() {
        for (dof, k) in [(1.0, 13.97), (2.0, 4.53), (3.0, 3.31), (5.0, 2.65), (10.0, 2.28), (20.0, 2.13), (50.0, 2.05), (100.0, 2.025)] {
            let got = coverage_factor(dof, COVERAGE);
            let half_a_digit = if dof == 100.0 { 0.0005 } else { 0.005 };
            assert!((got - k).abs() <= half_a_digit, "{dof}: {got}");
        }
    }

    #[test]
    fn a_family_takes_more_than_one() {
        let k = |m| family_coverage_factor(f64::INFINITY, COVERAGE, m);
        let factors: Vec<f64> = [1, 2, 10, 100, 10_000].into_iter().map(k).collect();
        assert!(factors.is_sorted() && factors[1] > 2.2, "{factors:?}");
        // Independent comparisons (Šidák) would need this; the difference is small and on the safe side.
        let sidak = |m: f64| normal_quantile(0.5 + 0.5 * libm::pow(COVERAGE, 1.0 / m));
        for m in [2u64, 10, 100, 10_000] {
            let (bonferroni, sidak) = (k(m), sidak(m as f64));
            assert!(bonferroni >= sidak && bonferroni < 1.005 * sidak, "{m}: {bonferroni} {sidak}");
        }
    }

    #[test]
    fn nothing_follows_from_nonsense() {
        for dof in [0.99, 0.0, -3.0, f64::NAN] {
            assert_eq!(coverage_factor(dof, COVERAGE), f64::INFINITY, "{dof}");
        }
        for coverage in [0.0, 1.0, -0.1, 1.1, f64::NAN] {
            assert_eq!(coverage_factor(10.0, coverage), f64::INFINITY, "{coverage}");
        }
        for p in [-0.1, 1.1, f64::NAN] {
            assert!(normal_quantile(p).is_nan() && student_quantile(p, 3.0).is_nan() && chi_square_quantile(p, 3.0).is_nan(), "{p}");
        }
        for dof in [0.0, -1.0, f64::NAN] {
            assert!(student_cdf(1.0, dof).is_nan() && chi_square_cdf(1.0, dof).is_nan() && chi_square_quantile(0.5, dof).is_nan(), "{dof}");
        }
        assert_eq!((normal_quantile(0.0), normal_quantile(1.0)), (f64::NEG_INFINITY, f64::INFINITY));
        assert_eq!((student_quantile(0.0, 3.0), student_quantile(1.0, 3.0)), (f64::NEG_INFINITY, f64::INFINITY));
        assert_eq!((chi_square_quantile(0.0, 3.0), chi_square_quantile(1.0, 3.0)), (0.0, f64::INFINITY));
    }
}
