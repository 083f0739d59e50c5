//! Distributions and coverage factors against values computed elsewhere; `golden/distributions.py` says how.

use rig_metrology::{
    COVERAGE, chi_square_cdf, chi_square_quantile, coverage_factor, family_coverage_factor, normal_cdf, normal_quantile, student_cdf,
    student_quantile,
};

const GOLDEN: &str = include_str!("golden/distributions.csv");

/// Distribution, degrees of freedom, probability, quantile.
fn golden() -> Vec<(String, f64, f64, f64)> {
    let mut reader = csv::Reader::from_reader(GOLDEN.as_bytes());
    reader.deserialize().collect::<Result<_, _>>().expect("the table")
}

/// Within this share of the value: better than any use needs, and what the libraries' functions give with many degrees of freedom.
const CLOSE: f64 = 1e-10;

fn close(got: f64, expected: f64) -> bool {
    got == expected || (got - expected).abs() <= CLOSE * expected.abs()
}

#[test]
fn quantiles_are_those_of_another_route() {
    let mut compared = 0;
    for (distribution, dof, p, x) in golden() {
        let got = match distribution.as_str() {
            "normal" => normal_quantile(p),
            "chi_square" => chi_square_quantile(p, dof),
            "student" => student_quantile(p, dof),
            "coverage_factor" => coverage_factor(dof, COVERAGE),
            "family" => family_coverage_factor(f64::INFINITY, COVERAGE, dof as u64),
            other => panic!("unknown distribution {other}"),
        };
        assert!(close(got, x), "{distribution} {dof} {p}: {got} is not {x}");
        compared += 1;
    }
    assert!(compared > 200, "{compared}");
}

#[test]
fn distribution_functions_are_those_of_another_route() {
    for (distribution, dof, p, x) in golden() {
        let got = match distribution.as_str() {
            "normal" => normal_cdf(x),
            "chi_square" => chi_square_cdf(x, dof),
            "student" => student_cdf(x, dof),
            _ => continue,
        };
        assert!(close(got, p), "{distribution} {dof} at {x}: {got} is not {p}");
    }
}

/// Real degrees of freedom, as Welch and Satterthwaite give them: more of them never need a larger factor, and the two ways of
/// computing meet.
#[test]
fn factors_fall_with_the_degrees_of_freedom() {
    let dofs: Vec<f64> = (0..=2000).map(|i| libm::pow(10.0, f64::from(i) * 0.004)).chain([f64::INFINITY]).collect();
    let factors: Vec<f64> = dofs.iter().map(|dof| coverage_factor(*dof, COVERAGE)).collect();
    for (i, pair) in factors.windows(2).enumerate() {
        assert!(pair[0] >= pair[1] - 1e-13 && pair[1] >= 2.0 - 1e-13, "{}: {pair:?}", dofs[i]);
    }
    let below = student_quantile(0.99, 1000f64.next_down());
    assert!((below - student_quantile(0.99, 1000.0)).abs() < 1e-11);
}
