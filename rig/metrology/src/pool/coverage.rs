//! By simulation: how often the interval for one delivery of a random unit holds what it promises.

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

use super::*;
use crate::quantile::normal_cdf;

/// Simulated verifications of each design: the standard error of a confidence of 95 % is then 0.15 %.
const TRIALS: u32 = 20_000;
/// By how much the confidence may fall short of what is asked for.
const SHORT: f64 = 0.01;

struct Normal(ChaCha8Rng);

impl Normal {
    /// Box and Muller; half of each pair is thrown away.
    fn draw(&mut self) -> f64 {
        let mut uniform = || ((self.0.next_u64() >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
        (-2.0 * libm::log(uniform())).sqrt() * libm::cos(2.0 * std::f64::consts::PI * uniform())
    }
}

/// The share of simulated verifications whose interval holds the coverage; `rho` is the part of the total variance, which is 1, that
/// lies between units.
fn confidence(sizes: &[usize], rho: f64, content: Content, seed: u64) -> f64 {
    let mut normal = Normal(ChaCha8Rng::seed_from_u64(seed));
    let factors = Factors::new(sizes, content).unwrap();
    let held = (0..TRIALS).filter(|_| {
        let figures: Vec<UnitFigures> = sizes.iter().map(|n| unit(&mut normal, *n, rho)).collect();
        let interval = factors.evaluate(&figures).tolerance;
        normal_cdf(interval.upper) - normal_cdf(interval.lower) >= content.coverage()
    });
    held.count() as f64 / f64::from(TRIALS)
}

fn unit(normal: &mut Normal, n: usize, rho: f64) -> UnitFigures {
    let own = rho.sqrt() * normal.draw();
    let values: Vec<f64> = (0..n).map(|_| own + (1.0 - rho).sqrt() * normal.draw()).collect();
    let (mean, sd) = mean_and_sd(&values);
    UnitFigures { n, mean, sd: (n > 1).then_some(sd), min: mean, max: mean, tolerance: None }
}

fn check(designs: &[&[usize]], content: Content) {
    for (i, sizes) in designs.iter().enumerate() {
        for (j, rho) in [0.0, 0.02, 0.1, 0.3, 0.5, 0.8, 0.95, 1.0].into_iter().enumerate() {
            let got = confidence(sizes, rho, content, (100 * i + j) as u64);
            assert!(got >= content.confidence() - SHORT, "{sizes:?}, {rho} of the variance between units: {got}");
        }
    }
}

#[test]
fn equal_numbers_hold_what_they_promise() {
    check(&[&[2; 2], &[25; 2], &[5; 3], &[100; 3], &[1; 5], &[25; 5], &[3; 10]], Content::P95_C95);
}

#[test]
fn unequal_numbers_hold_what_they_promise() {
    check(&[&[1, 10], &[1, 1, 10], &[1, 50, 50], &[1, 1, 1, 1, 100], &[2, 2, 2, 2, 30], &[1, 2, 3, 4, 5, 6]], Content::P95_C95);
}

#[test]
fn other_contents_hold_what_they_promise() {
    check(&[&[25; 3], &[2, 20, 20]], Content::new(0.99, 0.9).unwrap());
    check(&[&[25; 3], &[2, 20, 20]], Content::new(0.9, 0.99).unwrap());
}

/// It is not safe for the price of saying nothing: for units that differ it is little wider than if each unit's true mean were known.
#[test]
fn the_interval_is_no_wider_than_few_units_make_it() {
    let mut normal = Normal(ChaCha8Rng::seed_from_u64(1));
    let factors = Factors::new(&[25; 10], Content::P95_C95).unwrap();
    let mut widths: Vec<f64> = (0..999)
        .map(|_| {
            let figures: Vec<UnitFigures> = (0..10).map(|_| unit(&mut normal, 25, 0.9)).collect();
            let interval = factors.evaluate(&figures).tolerance;
            interval.upper - interval.lower
        })
        .collect();
    widths.sort_by(f64::total_cmp);
    let exact = 2.0 * tolerance_factor(10, Content::P95_C95).unwrap();
    assert!(widths[499] < 1.02 * exact, "{} {exact}", widths[499]);
}
