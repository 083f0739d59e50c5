//! Decision rules: what a value with its uncertainty says about its limits (ILAC-G8, JCGM 106).

use rig_model::verdict::{Condition, DecisionRule, Limits, Reason, Rule, Verdict};

use crate::estimate::Estimate;
use crate::measured::Measured;

/// The outcome of comparing one estimate with its limits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judgement {
    pub verdict: Verdict,
    /// Whether the value itself lies in the tolerance limits, whatever the rule makes of it; absent on an ERROR.
    pub condition: Option<Condition>,
    pub reason_code: Reason,
    /// The limits within which the rule says PASS. The lower one above the upper one: nothing could pass at this uncertainty.
    pub acceptance: Limits,
    /// Chance that the true value lies in the tolerance limits, 0 to 1, for a normal distribution; absent on an ERROR.
    pub probability_of_conformity: Option<f64>,
}

/// Judges a value, unrounded; limits are inclusive.
///
/// A value, an uncertainty or a limit that is not a finite number is an ERROR, never a PASS, and so is the absence of limits. A large
/// uncertainty leads to INCONCLUSIVE near the limits only: a gross failure is FAIL however small the uncertainty ratio.
///
/// Where nobody states an uncertainty that the value depends on, only what no uncertainty could change is said: simple acceptance, which
/// does not ask for it, and the FAIL of a value beyond its limits under the guarded rule, which no guard band would move inside.
pub fn judge(measured: &Measured, limits: Limits, rule: Rule) -> Judgement {
    let Measured { estimate, .. } = measured;
    if limits.lower.is_none() && limits.upper.is_none() {
        return error(Reason::NoData, limits);
    }
    let finite = limits.lower.is_none_or(f64::is_finite) && limits.upper.is_none_or(f64::is_finite);
    let crossed = matches!(limits, Limits { lower: Some(lower), upper: Some(upper) } if lower > upper);
    let factor = if rule.rule == DecisionRule::Guarded { rule.guard_factor } else { 1.0 };
    let unstated = measured.unstated().is_some() && estimate.value.is_finite();
    if !finite || crossed || !(estimate.is_sound() || unstated) || !(factor >= 0.0 && factor.is_finite()) {
        return error(Reason::OutOfRange, limits);
    }
    if unstated {
        return without_uncertainty(estimate.value, limits, rule.rule);
    }

    let expanded = estimate.expanded();
    let guard = if rule.rule == DecisionRule::Simple { 0.0 } else { factor * expanded };
    let condition = condition(estimate.value, limits);
    let within = |guard| within(estimate.value, limits, guard);
    let (verdict, reason_code) = match rule.rule {
        _ if within(guard) => (Verdict::Pass, Reason::WithinLimits),
        DecisionRule::Simple => (Verdict::Fail, Reason::BeyondLimits),
        DecisionRule::Guarded if condition == Condition::Within => (Verdict::Fail, Reason::Undecidable),
        DecisionRule::Guarded => (Verdict::Fail, Reason::BeyondLimits),
        DecisionRule::ThreeWay if within(-expanded) => (Verdict::Inconclusive, Reason::Undecidable),
        DecisionRule::ThreeWay => (Verdict::Fail, Reason::BeyondLimits),
    };
    Judgement {
        verdict,
        condition: Some(condition),
        reason_code,
        acceptance: Limits { lower: limits.lower.map(|l| l + guard), upper: limits.upper.map(|u| u - guard) },
        probability_of_conformity: Some(probability_of_conformity(measured, limits)),
    }
}

/// Whether what was seen for certain proves FAIL although part of the data was lost or out of range: `lower_bound` is what the value is
/// at least, so that only the upper limit can be disproved. The guarded rule says FAIL also where conformity is not shown; here the
/// bound itself has to lie beyond the limit, by its uncertainty, whatever the rule.
pub fn proven_fail(lower_bound: &Measured, limits: Limits, rule: Rule) -> bool {
    let upper_only = Limits { lower: None, upper: limits.upper };
    let rule = if rule.rule == DecisionRule::Simple { rule } else { Rule { rule: DecisionRule::ThreeWay, ..rule } };
    lower_bound.estimate.is_sound() && judge(lower_bound, upper_only, rule).verdict == Verdict::Fail
}

/// How many times the expanded uncertainty fits into the tolerance: half its width, or the distance of a single limit from `expected`.
/// Planning advice, never a verdict. `None` where the uncertainty is zero or not known, or a single limit has nothing expected beside it.
pub fn test_uncertainty_ratio(estimate: &Estimate, limits: Limits, expected: Option<f64>) -> Option<f64> {
    let room = match (limits.lower, limits.upper, expected) {
        (Some(lower), Some(upper), _) => (upper - lower) / 2.0,
        (Some(only), None, Some(expected)) | (None, Some(only), Some(expected)) => (only - expected).abs(),
        _ => return None,
    };
    let ratio = room / estimate.expanded();
    (estimate.is_sound() && ratio.is_finite()).then_some(ratio)
}

fn within(value: f64, limits: Limits, guard: f64) -> bool {
    limits.lower.is_none_or(|lower| value >= lower + guard) && limits.upper.is_none_or(|upper| value <= upper - guard)
}

fn condition(value: f64, limits: Limits) -> Condition {
    if within(value, limits, 0.0) { Condition::Within } else { Condition::Beyond }
}

fn without_uncertainty(value: f64, limits: Limits, rule: DecisionRule) -> Judgement {
    let condition = condition(value, limits);
    let (verdict, reason_code) = match (rule, condition) {
        (DecisionRule::Simple, Condition::Within) => (Verdict::Pass, Reason::WithinLimits),
        (DecisionRule::Simple | DecisionRule::Guarded, Condition::Beyond) => (Verdict::Fail, Reason::BeyondLimits),
        (DecisionRule::Guarded | DecisionRule::ThreeWay, _) => (Verdict::Inconclusive, Reason::UncertaintyMissing),
    };
    let acceptance = if rule == DecisionRule::Simple { limits } else { Limits::default() };
    Judgement { verdict, condition: Some(condition), reason_code, acceptance, probability_of_conformity: None }
}

fn error(reason_code: Reason, limits: Limits) -> Judgement {
    Judgement { verdict: Verdict::Error, condition: None, reason_code, acceptance: limits, probability_of_conformity: None }
}

/// JCGM 106, 7.2: p = Φ((TU − y)/u) − Φ((TL − y)/u). For an exact value it is 1 or 0, limits inclusive. Of an extreme of many u is the
/// half of its U, so that all members together conform at least with this probability.
fn probability_of_conformity(measured: &Measured, limits: Limits) -> f64 {
    let Estimate { value: y, standard_uncertainty, .. } = measured.estimate;
    let u = if measured.family.is_some() { measured.estimate.expanded() / 2.0 } else { standard_uncertainty };
    if u == 0.0 {
        let inside = limits.lower.is_none_or(|l| y >= l) && limits.upper.is_none_or(|l| y <= l);
        return f64::from(u8::from(inside));
    }
    let from = limits.lower.map_or(f64::NEG_INFINITY, |l| (l - y) / u);
    let to = limits.upper.map_or(f64::INFINITY, |l| (l - y) / u);
    // Both limits above the value: take the difference in the other tail, where it isn't lost to rounding.
    let p = if from > 0.0 { normal(-from) - normal(-to) } else { normal(to) - normal(from) };
    p.clamp(0.0, 1.0)
}

/// Φ, the distribution function of the standard normal distribution.
fn normal(x: f64) -> f64 {
    0.5 * libm::erfc(-x / std::f64::consts::SQRT_2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimate::exact;
    use crate::measured::certain;
    use DecisionRule::{Guarded, Simple, ThreeWay};
    use Verdict::{Error, Fail, Inconclusive, Pass};
    use rig_model::budget::{Component, Distribution, Origin};

    const FIVE: Limits = Limits { lower: Some(-5.0), upper: Some(5.0) };

    fn at(value: f64, u: f64) -> Measured {
        Estimate::new(value, u, f64::INFINITY).into()
    }

    fn judge(measured: &Measured, limits: Limits, rule: DecisionRule) -> Judgement {
        super::judge(measured, limits, rule.into())
    }

    fn unstated(value: f64) -> Measured {
        let k_factor = Component {
            name: "K-factor".into(),
            estimate: 10.0,
            unit: "pulses/µL".into(),
            distribution: Distribution::Normal,
            standard_uncertainty: None,
            sensitivity: -1.0,
            dof: None,
            origin: Origin::Datasheet,
            certificate: None,
            common: true,
            bound: None,
        };
        Measured::new(value, vec![k_factor])
    }

    fn both(lower: f64, upper: f64) -> Limits {
        Limits { lower: Some(lower), upper: Some(upper) }
    }

    #[test]
    fn vectors_of_jcgm_106() {
        // SOURCES 4.6: T = ±5 %, u = 0.6 %, U = 1.2 %. Value, probability, simple, guarded, three-way, inside the tolerance.
        for (y, p, simple, guarded, three_way, inside) in [
            (3.0, 0.9996, Pass, Pass, Pass, Condition::Within),
            (4.0, 0.9522, Pass, Fail, Inconclusive, Condition::Within),
            (4.5, 0.7977, Pass, Fail, Inconclusive, Condition::Within),
            (5.0, 0.5000, Pass, Fail, Inconclusive, Condition::Within),
            (5.5, 0.2023, Fail, Fail, Inconclusive, Condition::Beyond),
            (6.3, 0.0151, Fail, Fail, Fail, Condition::Beyond),
        ] {
            for sign in [1.0, -1.0] {
                for (rule, verdict) in [(Simple, simple), (Guarded, guarded), (ThreeWay, three_way)] {
                    let judgement = judge(&at(sign * y, 0.6), FIVE, rule);
                    assert_eq!(judgement.verdict, verdict, "{y} {rule:?}");
                    assert_eq!(judgement.condition, Some(inside));
                    let got = judgement.probability_of_conformity.unwrap();
                    assert!((got - p).abs() < 5e-5, "{y}: {got}");
                }
            }
        }
        assert_eq!(judge(&at(0.0, 0.6), FIVE, ThreeWay).acceptance, both(-3.8, 3.8));
        assert_eq!(judge(&at(0.0, 0.6), FIVE, Simple).acceptance, FIVE);
    }

    #[test]
    fn limits_are_inclusive() {
        let just = |x: f64| x.next_up();
        for (y, u, rule, verdict) in [
            (5.0, 0.0, Simple, Pass),
            (just(5.0), 0.0, Simple, Fail),
            (5.0, 0.0, ThreeWay, Pass),
            (just(5.0), 0.0, ThreeWay, Fail),
            (-5.0, 0.0, Guarded, Pass),
            // u = 0.5, so U = 1 and all of these are exact in binary.
            (4.0, 0.5, Guarded, Pass),
            (just(4.0), 0.5, Guarded, Fail),
            (4.0, 0.5, ThreeWay, Pass),
            (just(4.0), 0.5, ThreeWay, Inconclusive),
            (6.0, 0.5, ThreeWay, Inconclusive),
            (just(6.0), 0.5, ThreeWay, Fail),
            (-6.0, 0.5, ThreeWay, Inconclusive),
            (-just(6.0), 0.5, ThreeWay, Fail),
        ] {
            assert_eq!(judge(&at(y, u), FIVE, rule).verdict, verdict, "{y} ± {u} {rule:?}");
        }
    }

    #[test]
    fn one_sided_limits() {
        let least = Limits { lower: Some(0.0), upper: None };
        for (y, verdict, p) in [(2.0, Pass, 1.0), (0.0, Inconclusive, 0.5), (-2.0, Fail, 0.0)] {
            let judgement = judge(&at(y, 0.5), least, ThreeWay);
            assert_eq!((judgement.verdict, judgement.acceptance), (verdict, Limits { lower: Some(1.0), upper: None }));
            assert!((judgement.probability_of_conformity.unwrap() - p).abs() < 1e-4);
        }
    }

    #[test]
    fn a_gross_failure_is_not_masked_by_a_bad_ratio() {
        // U = 6 % against ±15 %, then a U that no value could pass with.
        for (u, y, verdict) in [(3.0, 60.0, Fail), (3.0, 21.0, Inconclusive), (10.0, 60.0, Fail), (10.0, 0.0, Inconclusive)] {
            assert_eq!(judge(&at(y, u), both(-15.0, 15.0), ThreeWay).verdict, verdict, "{y} ± {u}");
        }
    }

    #[test]
    fn nothing_that_is_no_number_passes() {
        let inf = f64::INFINITY;
        for rule in [Simple, Guarded, ThreeWay] {
            for estimate in [
                certain(f64::NAN),
                certain(inf),
                certain(-inf),
                unstated(f64::NAN),
                unstated(inf),
                at(0.0, f64::NAN),
                at(0.0, inf),
                at(0.0, -1.0),
            ] {
                let judgement = judge(&estimate, FIVE, rule);
                assert_eq!((judgement.verdict, judgement.reason_code), (Error, Reason::OutOfRange), "{estimate:?}");
                assert_eq!((judgement.condition, judgement.probability_of_conformity), (None, None));
            }
            let none = judge(&certain(0.0), Limits::default(), rule);
            assert_eq!((none.verdict, none.reason_code), (Error, Reason::NoData));
            for limits in [both(f64::NAN, 5.0), both(-5.0, f64::NAN), both(-inf, 5.0), both(-5.0, inf), both(5.0, -5.0)] {
                let judgement = judge(&exact(0.0).into(), limits, rule);
                assert_eq!((judgement.verdict, judgement.reason_code), (Error, Reason::OutOfRange), "{limits:?}");
            }
        }
    }

    #[test]
    fn what_was_seen_for_certain_can_prove_a_fail() {
        for (at_least, u, limits, proven) in [
            (6.5, 0.5, FIVE, true),
            (6.0, 0.5, FIVE, false),
            (0.0, 0.5, FIVE, false),
            // Too little so far proves nothing: more may have been lost.
            (-100.0, 0.5, FIVE, false),
            (100.0, 0.5, Limits { lower: Some(0.0), upper: None }, false),
            (f64::INFINITY, 0.5, FIVE, false),
        ] {
            for rule in [ThreeWay, Guarded] {
                assert_eq!(proven_fail(&at(at_least, u), limits, rule.into()), proven, "{at_least} {rule:?}");
            }
        }
    }

    #[test]
    fn reasons() {
        for (y, rule, reason) in [
            (0.0, ThreeWay, Reason::WithinLimits),
            (4.5, ThreeWay, Reason::Undecidable),
            (4.5, Guarded, Reason::Undecidable),
            (5.5, Guarded, Reason::BeyondLimits),
            (5.5, Simple, Reason::BeyondLimits),
            (9.0, ThreeWay, Reason::BeyondLimits),
        ] {
            assert_eq!(judge(&at(y, 0.6), FIVE, rule).reason_code, reason, "{y} {rule:?}");
        }
    }

    #[test]
    fn a_guard_band_of_a_part_of_the_uncertainty() {
        // u = 0.5, U = 1: with r = 0.5 the acceptance limits lie at ±4.5, with r = 0 at the tolerance limits, with r = 2 at ±3.
        for (r, y, verdict) in
            [(0.5, 4.5, Pass), (0.5, 4.5f64.next_up(), Fail), (0.0, 5.0, Pass), (2.0, 3.0, Pass), (2.0, 3.0f64.next_up(), Fail)]
        {
            let rule = Rule { guard_factor: r, ..Guarded.into() };
            let judgement = super::judge(&at(y, 0.5), FIVE, rule);
            assert_eq!((judgement.verdict, judgement.acceptance), (verdict, both(-5.0 + r, 5.0 - r)), "{r} {y}");
        }
        for r in [f64::NAN, -1.0, f64::INFINITY] {
            assert_eq!(super::judge(&at(0.0, 0.5), FIVE, Rule { guard_factor: r, ..Guarded.into() }).verdict, Error, "{r}");
        }
        // The others know no factor.
        assert_eq!(super::judge(&at(4.5, 0.5), FIVE, Rule { guard_factor: 0.0, ..ThreeWay.into() }).verdict, Inconclusive);
    }

    #[test]
    fn without_an_uncertainty_nothing_guarded_passes() {
        for (y, rule, verdict, reason) in [
            (0.0, Simple, Pass, Reason::WithinLimits),
            (5.1, Simple, Fail, Reason::BeyondLimits),
            (0.0, Guarded, Inconclusive, Reason::UncertaintyMissing),
            (5.1, Guarded, Fail, Reason::BeyondLimits),
            (0.0, ThreeWay, Inconclusive, Reason::UncertaintyMissing),
            (500.0, ThreeWay, Inconclusive, Reason::UncertaintyMissing),
        ] {
            let judgement = judge(&unstated(y), FIVE, rule);
            assert_eq!((judgement.verdict, judgement.reason_code), (verdict, reason), "{y} {rule:?}");
            assert_eq!(judgement.probability_of_conformity, None);
            assert!(!proven_fail(&unstated(500.0), FIVE, rule.into()));
        }
    }

    #[test]
    fn the_ratio_of_tolerance_to_uncertainty() {
        // SOURCES 4.5: U = 5.9 % against ±14.5 % is a ratio of 2.5.
        let ratio = |y, u, limits, expected| test_uncertainty_ratio(&at(y, u).estimate, limits, expected);
        assert!((ratio(0.0, 2.95, both(-14.5, 14.5), None).unwrap() - 2.457_627).abs() < 1e-6);
        assert_eq!(ratio(0.0, 0.5, Limits { lower: None, upper: Some(5.0) }, Some(3.0)), Some(2.0));
        assert_eq!(ratio(0.0, 0.5, Limits { lower: None, upper: Some(5.0) }, None), None);
        for u in [0.0, f64::NAN, f64::INFINITY] {
            assert_eq!(ratio(0.0, u, FIVE, None), None);
        }
    }
}
