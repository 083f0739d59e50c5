//! On 10,000 benches and more: the stated interval holds the truth, is not wider than need be, and u is what errors scatter by.

use std::ops::Range;

use crate::cases::{CASES, Sample, drawn};
use crate::scale;

/// Benches for each measurand.
const BENCHES: usize = 10_000;

/// What many measurements of one measurand show.
#[derive(Debug)]
pub struct Shown {
    /// Root of the mean square of the errors, over the root of the mean square of u.
    pub scatter: f64,
    /// The share of the intervals ± U that hold the truth.
    pub held: f64,
    /// The mean U over the half width that holds 95.45 % of the errors.
    pub width: f64,
}

impl Shown {
    pub fn of(samples: &[Sample]) -> Self {
        let n = samples.len() as f64;
        let mut errors: Vec<f64> = samples.iter().map(|(m, truth)| (m.estimate.value - truth).abs()).collect();
        let held = samples.iter().zip(&errors).filter(|((m, _), error)| **error <= m.estimate.expanded()).count() as f64 / n;
        let square: f64 = errors.iter().map(|e| e * e).sum();
        let stated: f64 = samples.iter().map(|(m, _)| m.estimate.standard_uncertainty * m.estimate.standard_uncertainty).sum();
        errors.sort_by(f64::total_cmp);
        let needed = errors[(n * rig_metrology::COVERAGE).ceil() as usize - 1];
        let width = samples.iter().map(|(m, _)| m.estimate.expanded()).sum::<f64>() / n / needed;
        Self { scatter: (square / stated).sqrt(), held, width }
    }

    /// What is wrong. The interval stated as 95 % holds the truth in 94 % at least, and is no more than 1.3 times as wide as needed. The errors
    /// scatter by u: within `scatter`.
    pub fn wrong(&self, name: &str, scatter: Range<f64>) -> Option<String> {
        println!("{name:28} u {:.3}  held {:5.2} %  width {:.2}", self.scatter, 100.0 * self.held, self.width);
        let sound = scatter.contains(&self.scatter) && self.held >= 0.94 && self.width <= 1.3;
        (!sound).then(|| format!("{name}: {self:?}"))
    }
}

#[test]
fn stated_intervals_hold_the_truth_and_are_no_wider_than_need_be() {
    // Four standard errors of a standard deviation (those of a normal distribution, larger than those of bounded ones), and 0.5 % for what is
    // not linear.
    let four = 4.0 / (2.0 * BENCHES as f64).sqrt() + 0.005;
    let wrong = (1..).zip(CASES).filter_map(|(seed, case)| {
        let samples = drawn(seed, BENCHES, case.measure);
        Shown::of(&samples).wrong(case.name, 1.0 - four..1.0 + four)
    });
    assert_eq!(wrong.collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn so_do_those_of_a_balance() {
    // u has a scatter of its own where it comes from few blocks, which is why k is larger than 2 there; that makes its mean square larger.
    let wrong = scale::CASES.iter().zip(&*scale::SAMPLES).filter_map(|(case, samples)| Shown::of(samples).wrong(case.name, 0.9..1.03));
    assert_eq!(wrong.collect::<Vec<_>>(), Vec::<String>::new());
}
