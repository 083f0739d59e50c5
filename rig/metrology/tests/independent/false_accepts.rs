//! Pumps whose true value lies exactly at a tolerance limit: how often each rule lets them pass, and how often it fails those that conform.

use rig_metrology::{COVERAGE, Gate, Pulses, judge, normal_cdf};
use rig_model::time::Span;
use rig_model::verdict::{DecisionRule, Limits, Rule, Verdict};

use crate::cases::{CASES, Sample, drawn};
use crate::draws::Draws;
use crate::scale;
use crate::truth::{PLAIN, Stated};

/// At 2.275 %, what k = 2 leaves beyond a limit, the share of so many has a standard deviation of 0.07 %: 2.5 % are three of them away.
const BENCHES: usize = 40_000;
/// The most that may pass at a limit, and the most that may fail there although it conforms.
const AT_MOST: f64 = 0.025;

const GUARDED: DecisionRule = DecisionRule::Guarded;

/// Where the true value lies: at the upper or the lower of two limits, or at the only one. The other limit is too far away to matter.
fn at_limits(truth: f64, expanded: f64) -> [Limits; 4] {
    let far = 40.0 * expanded;
    let limits = |lower, upper| Limits { lower, upper };
    [limits(Some(truth - far), Some(truth)), limits(None, Some(truth)), limits(Some(truth), Some(truth + far)), limits(Some(truth), None)]
}

/// The share of the samples that get this verdict at each of the four limits.
fn shares(samples: &[Sample], rule: Rule, verdict: Verdict) -> [f64; 4] {
    let mut counts = [0.0; 4];
    for (measured, truth) in samples {
        for (count, limits) in counts.iter_mut().zip(at_limits(*truth, measured.estimate.expanded())) {
            *count += f64::from(u8::from(judge(measured, limits, rule).verdict == verdict)) / samples.len() as f64;
        }
    }
    counts
}

fn percent(shares: [f64; 4]) -> String {
    shares.map(|share| format!("{:5.2}", 100.0 * share)).join(" ")
}

/// What is wrong with one measurand.
fn wrong(name: &str, even: bool, samples: &[Sample]) -> Vec<String> {
    let of = |rule: DecisionRule, verdict| shares(samples, rule.into(), verdict);
    let guarded = of(GUARDED, Verdict::Pass);
    let (pass, fail) = (of(DecisionRule::ThreeWay, Verdict::Pass), of(DecisionRule::ThreeWay, Verdict::Fail));
    let simple = of(DecisionRule::Simple, Verdict::Pass);
    println!("{name:28} guarded PASS {}  three-way FAIL {}  simple PASS {}", percent(guarded), percent(fail), percent(simple));
    let mut wrong = Vec::new();
    if guarded != pass {
        wrong.push(format!("{name}: guarded and three-way let different ones pass"));
    }
    if guarded.iter().chain(&fail).any(|share| *share > AT_MOST) {
        wrong.push(format!("{name}: guarded PASS {guarded:?}, three-way FAIL {fail:?}"));
    }
    // Four standard deviations of the share, and 1 % for errors that are not quite symmetrical.
    let four = 2.0 / (samples.len() as f64).sqrt() + 0.01;
    if even && simple.iter().any(|share| (share - 0.5).abs() > four) {
        wrong.push(format!("{name}: simple PASS {simple:?}"));
    }
    wrong
}

#[test]
fn at_a_limit_a_guarded_pass_is_rare_and_so_is_a_fail() {
    let wrong: Vec<String> =
        (201..).zip(CASES).flat_map(|(seed, case)| wrong(case.name, case.even, &drawn(seed, BENCHES, case.measure))).collect();
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn so_it_is_on_a_balance() {
    let cases = scale::CASES.iter().zip(&*scale::SAMPLES);
    let wrong: Vec<String> = cases.flat_map(|(case, samples)| wrong(case.name, case.even, samples)).collect();
    assert_eq!(wrong, Vec::<String>::new());
}

/// A volume of which only the K-factor is in doubt, by U in % of it.
fn only_k(k_percent: f64, draws: &mut Draws) -> Sample {
    let stated = Stated { k_percent, ..PLAIN };
    let bench = stated.bench(draws);
    let pulses = Pulses { net: 100.0 * stated.k_factor * bench.relative, k_factor: stated.k_factor };
    (stated.meter(&stated.sensor()).volume(pulses, Gate::Interpolated, Span::minutes(8)), 100.0)
}

/// With V = 100 (1 + e) µL and U = c V for a relative U of c, guard bands r U let pass at the upper limit what has e ≤ −r c/(1 + r c), and at the
/// lower one what has e ≥ r c/(1 − r c); e is normal with c/2.
#[test]
fn the_risk_of_a_guard_band_is_the_computed_one() {
    for (seed, (c, r)) in (401..).zip([(0.01, 1.0), (0.01, 0.5), (0.01, 0.0), (0.01, 1.5), (0.02, 1.0), (0.05, 1.0), (0.1, 1.0)]) {
        let samples = drawn(seed, 100_000, |draws| only_k(100.0 * c, draws));
        let got = shares(&samples, Rule { guard_factor: r, ..GUARDED.into() }, Verdict::Pass);
        let upper = normal_cdf(-2.0 * r / (1.0 + r * c));
        let lower = normal_cdf(-2.0 * r / (1.0 - r * c));
        println!("U = {c} r = {r}: {} computed {:.4} {:.4}", percent(got), 100.0 * upper, 100.0 * lower);
        for (share, p) in got.into_iter().zip([upper, upper, lower, lower]) {
            let four = 4.0 * (p * (1.0 - p) / 1e5).sqrt();
            assert!((share - p).abs() <= four, "c = {c}, r = {r}: {share} is not {p} ± {four}");
        }
    }
    // U in proportion to the value lets a little more than 2.275 % pass at the upper limit: up to U = 2 % of the value it stays below 2.5 %.
    assert!(normal_cdf(-2.0 / 1.02) <= AT_MOST && normal_cdf(-2.0) < (1.0 - COVERAGE) / 2.0 + 1e-12);
}

/// Counted volumes lie on a lattice, one pulse apart. Over all places of a limit between two counts the risk is the one above. At a single
/// place it is that of a guard band up to half a pulse longer or shorter, which matters where the K-factor blurs the lattice by no more than a
/// few pulses; without any blur 18 % pass at the worst place, where a count is short by just more than 0.816 pulses.
#[test]
fn a_limit_between_two_counts() {
    for (seed, k_percent) in (501..).zip([0.0, 0.1, 0.4, 1.0, 2.0]) {
        let stated = Stated { k_percent, ..PLAIN };
        let sensor = stated.sensor();
        let volume = |net: u64| stated.meter(&sensor).volume(Pulses::counted(net, 0, &sensor), Gate::Free, Span::minutes(8));
        // Limits in pulses. The largest count that passes at one of them, and the chance of it or less.
        let passes = |limit: f64, net: u64| volume(net).estimate.value + volume(net).estimate.expanded() <= limit / stated.k_factor;
        let risk = |limit: f64| {
            let largest = (900..=1_001).rev().find(|net| passes(limit, *net)).expect("a count") as f64;
            let phases = (0..200).map(|i| (f64::from(i) + 0.5) / 200.0);
            phases.map(|phase| normal_cdf((largest + 1.0 - phase - limit) / (limit * k_percent / 200.0))).sum::<f64>() / 200.0
        };
        let risks: Vec<(f64, f64)> = (0..100).map(|i| 1_000.003 + f64::from(i) / 100.0).map(|limit| (limit, risk(limit))).collect();
        let mean = risks.iter().map(|(_, risk)| risk).sum::<f64>() / 100.0;
        let (limit, worst) = *risks.iter().max_by(|a, b| a.1.total_cmp(&b.1)).expect("places");
        let samples = drawn(seed, BENCHES, |draws| {
            let bench = stated.bench(draws);
            (volume(bench.counted(draws.uniform(), limit * bench.relative)), limit / stated.k_factor)
        });
        let [share, ..] = shares(&samples, GUARDED.into(), Verdict::Pass);
        println!("U of K {k_percent} %: {:.2} %, at the worst place {:.2} %, seen {:.2} %", 100.0 * mean, 100.0 * worst, 100.0 * share);
        assert!(mean <= AT_MOST, "{k_percent}: {mean}");
        // Four standard deviations, and the width of the step at the worst place.
        let four = 4.0 * (worst / BENCHES as f64).sqrt() + 0.005;
        assert!((share - worst).abs() <= four && worst < 0.19, "{k_percent}: {share} is not {worst} ± {four}");
    }
}
