//! Known verdicts: what must come of a value, its uncertainty and its limits under each rule, and what never passes.

use rig_metrology::{Estimate, Measured, certain, judge};
use rig_model::verdict::DecisionRule::{Guarded, Simple, ThreeWay};
use rig_model::verdict::Verdict::{Error, Fail, Inconclusive, Pass};
use rig_model::verdict::{Counts, Limits, Rule, StatedBy, Verdict};

use super::{Group, Items};

const JUDGED: &str = "UR-02";
const NEVER: &str = "UR-01";
/// ±5 %, the tolerance of the published vectors.
const FIVE: Limits = Limits { lower: Some(-5.0), upper: Some(5.0) };

pub fn play(items: &mut Items) {
    let rule = |rule| Rule { rule, guard_factor: 1.0, stated_by: StatedBy::Default };
    let at = |value: f64, u: f64| Measured { estimate: Estimate::new(value, u, f64::INFINITY), ..certain(value) };
    // JCGM 106 with T = ±5 %, u = 0.6 %, U = 1.2 %: value, probability of conformity, and the verdict of each rule.
    for (y, p, verdicts) in [
        (3.0, 0.9996, [Pass, Pass, Pass]),
        (4.0, 0.9522, [Pass, Fail, Inconclusive]),
        (4.5, 0.7977, [Pass, Fail, Inconclusive]),
        (5.0, 0.5000, [Pass, Fail, Inconclusive]),
        (5.5, 0.2023, [Fail, Fail, Inconclusive]),
        (6.3, 0.0151, [Fail, Fail, Fail]),
    ] {
        for (decision, expected) in [Simple, Guarded, ThreeWay].into_iter().zip(verdicts) {
            let judged = judge(&at(y, 0.6), FIVE, rule(decision));
            items.same(Group::Verdicts, JUDGED, format!("{y} % ± 1.2 % against ±5 %, {} rule", decision.name()), expected, judged.verdict);
        }
        let found = judge(&at(y, 0.6), FIVE, rule(Simple)).probability_of_conformity.unwrap_or(f64::NAN);
        let passed = (found - p).abs() < 5e-5;
        let what = format!("probability of conformity of {y} % ± 1.2 % to ±5 % (normal distribution)");
        items.add(Group::Verdicts, JUDGED, what, format!("{p} ± 0.00005"), found.to_string(), passed);
    }
    for (y, expected) in [(5.0, Pass), (5.0f64.next_up(), Fail)] {
        let judged = judge(&at(y, 0.0), FIVE, rule(ThreeWay));
        items.same(Group::Verdicts, JUDGED, format!("{y} %, known exactly, against ±5 %: limits are inclusive"), expected, judged.verdict);
    }
    for (what, value, u, limits) in [
        ("a value that is no number", f64::NAN, 0.6, FIVE),
        ("an infinite value", f64::INFINITY, 0.6, FIVE),
        ("an uncertainty that is no number", 0.0, f64::NAN, FIVE),
        ("a negative uncertainty", 0.0, -0.6, FIVE),
        ("no limits at all", 0.0, 0.6, Limits { lower: None, upper: None }),
        ("a limit that is no number", 0.0, 0.6, Limits { lower: Some(f64::NAN), upper: Some(5.0) }),
    ] {
        for decision in [Simple, Guarded, ThreeWay] {
            let judged = judge(&at(value, u), limits, rule(decision));
            items.same(Group::Verdicts, NEVER, format!("{what}, {} rule: never PASS", decision.name()), Error, judged.verdict);
        }
    }
    worst_of_all(items);
}

/// A FAIL is hidden by nothing; the others in their order.
fn worst_of_all(items: &mut Items) {
    let order = [Fail, Error, Verdict::Aborted, Inconclusive, Verdict::Skipped, Pass];
    for (i, expected) in order.into_iter().enumerate() {
        let mut counts = Counts::default();
        order[i..].iter().for_each(|verdict| counts.add(*verdict));
        let found = counts.worst().map_or_else(|| "none".to_owned(), |verdict| verdict.to_string());
        items.same(Group::Verdicts, JUDGED, format!("verdict of a case with {expected} and all that it outranks"), expected, found);
    }
}
