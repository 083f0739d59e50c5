//! Tolerance factors against published tables and against another integral.

use rig_metrology::{Content, tolerance_factor};

/// n, coverage, confidence, factor.
fn table(text: &str) -> Vec<(usize, f64, f64, f64)> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.deserialize().collect::<Result<_, _>>().expect("the table")
}

fn factor(n: usize, coverage: f64, confidence: f64) -> f64 {
    tolerance_factor(n, Content::new(coverage, confidence).expect("fractions")).expect("a factor")
}

/// `golden/tolerance.py` integrates over the sample's standard deviation, the crate over its mean.
#[test]
fn factors_are_those_of_another_integral() {
    let golden = table(include_str!("golden/tolerance.csv"));
    assert!(golden.len() >= 160);
    for (n, coverage, confidence, k) in golden {
        let got = factor(n, coverage, confidence);
        assert!((got - k).abs() <= 1e-9 * k, "{n} {coverage}/{confidence}: {got} is not {k}");
    }
}

/// A sample of the exact tables of ISO 16269-6:2014, annex F, one sample (m = 1), which are rounded up in the fourth decimal; the numbers
/// were taken from the tests of the Python package `toleranceinterval` (`test_twoside_normal_factor_iso.py`).
#[test]
fn factors_are_those_of_iso_16269() {
    let published = table(include_str!("golden/tolerance_published.csv"));
    assert!(published.len() >= 55);
    for (n, coverage, confidence, k) in published {
        let got = factor(n, coverage, confidence);
        let up = (got * 1e4).ceil() / 1e4;
        assert!((up - k).abs() < 1e-9, "{n} {coverage}/{confidence}: {got} is not {k}");
    }
}

/// Meeker, Hahn and Escobar, Statistical Intervals, table J.5b: 95 % / 95 %, three decimals; taken from the same package.
#[test]
fn the_factors_that_everybody_knows() {
    let known =
        [(2, 36.519), (3, 9.789), (4, 6.341), (5, 5.077), (6, 4.422), (10, 3.393), (15, 2.965), (20, 2.760), (30, 2.555), (60, 2.335)];
    for (n, k) in known {
        let got = factor(n, 0.95, 0.95);
        assert!((got - k).abs() <= 0.0005, "{n}: {got} is not {k}");
    }
}
