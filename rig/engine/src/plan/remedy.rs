//! Whether a question can be decided, and if not, what would help.

use rig_metrology::{Measured, judge, normal_cdf, test_uncertainty_ratio};
use rig_model::time::Span;
use rig_model::verdict::{DecisionRule, Limits};

use super::question::{Change, Lever, Question, figure};
use super::{Expected, Finding, How, Improvement, Origin, Remedy, Undecided, Weak};

/// Nobody measures one check for longer than that.
const LONGEST: Span = Span::hours(24 * 90);
/// A reservoir is 20 or 40 mL.
const LARGEST_DELIVERY: f64 = 20_000.0;
/// Successive deliveries that anybody makes of one setting are 25 (SOURCES 1.5); four times as many are no plan any more.
const MOST_DELIVERIES: u32 = 100;
/// What has to be known a thousand times as well is not going to be.
const BEST: f64 = 1e-3;
/// Halvings of an interval: what is left of it is far below the figures that are told.
const HALVINGS: u32 = 40;

pub struct Decided {
    pub expected: Option<Expected>,
    pub measured: Option<Measured>,
    pub test_uncertainty_ratio: Option<f64>,
    pub finding: Finding,
}

pub fn decide(question: &Question<'_>, value: Result<Expected, String>) -> Decided {
    match value {
        Ok(expected) => known(question, expected),
        Err(why) => unknown(question, why),
    }
}

fn known(question: &Question<'_>, expected: Expected) -> Decided {
    let value = expected.value;
    let Some(measured) = question.measured(value, Change::NONE) else {
        let finding = Finding::Unknown { why: "nothing would be measured in an empty window".to_owned(), passes: Limits::default() };
        return Decided { expected: Some(expected), measured: None, test_uncertainty_ratio: None, finding };
    };
    // What does not come costs nothing; a stroke that may come all the same does.
    let fullest = question.measured(value + question.strokes + question.pulse, Change::NONE);
    let unstated = measured.unstated().or_else(|| fullest.as_ref().and_then(Measured::unstated));
    let finding = match unstated {
        Some(component) if question.rule.rule != DecisionRule::Simple => Finding::Unstated { component: component.name.to_string() },
        _ if question.passes(value, Change::NONE) && expected.from == Origin::Middle => {
            let why = "the check states limits, but no value that is expected between them".to_owned();
            Finding::Unknown { why, passes: judge(&measured, question.limits, question.rule).acceptance }
        }
        _ if question.passes(value, Change::NONE) => Finding::Decidable { chance: chance(question, &measured) },
        _ => Finding::Undecidable(undecided(question, value, &measured)),
    };
    let test_uncertainty_ratio = test_uncertainty_ratio(&measured.estimate, question.limits, Some(value));
    Decided { expected: Some(expected), measured: Some(measured), test_uncertainty_ratio, finding }
}

/// Without an expected value all that can be said is whether anything at all would pass.
fn unknown(question: &Question<'_>, why: String) -> Decided {
    let Limits { lower, upper } = question.limits;
    let limit = upper.or(lower);
    let at_limit = limit.and_then(|l| question.measured(l, Change::NONE));
    let unstated = at_limit.as_ref().and_then(|m| m.unstated()).filter(|_| question.rule.rule != DecisionRule::Simple);
    if let Some(component) = unstated {
        let finding = Finding::Unstated { component: component.name.to_string() };
        return Decided { expected: None, measured: at_limit.clone(), test_uncertainty_ratio: None, finding };
    }
    // The least that can come of what can't be less than nothing.
    let still = Question { strokes: 0.0, pulse: 0.0, ..question.clone() };
    if lower.is_none() && !still.passes(0.0, Change::NONE) {
        let best = known(&still, Expected { value: 0.0, from: Origin::Best });
        if matches!(best.finding, Finding::Undecidable(_)) {
            return best;
        }
    }
    // A little less than could be: U is taken at the limit, where it is largest.
    let passes = at_limit.as_ref().map_or_else(Limits::default, |m| judge(m, question.limits, question.rule).acceptance);
    Decided { expected: None, measured: at_limit, test_uncertainty_ratio: None, finding: Finding::Unknown { why, passes } }
}

/// Of a sound pump being PASS although the bench errs by chance within its budget.
fn chance(question: &Question<'_>, measured: &Measured) -> f64 {
    let estimate = &measured.estimate;
    let acceptance = judge(measured, question.limits, question.rule).acceptance;
    let u = if measured.family.is_some() { estimate.expanded() / 2.0 } else { estimate.standard_uncertainty };
    if !(u > 0.0 && u.is_finite()) {
        return 1.0;
    }
    let below = acceptance.upper.map_or(1.0, |upper| normal_cdf((upper - estimate.value) / u));
    let above = acceptance.lower.map_or(0.0, |lower| normal_cdf((lower - estimate.value) / u));
    (below - above).clamp(0.0, 1.0)
}

fn undecided(question: &Question<'_>, value: f64, measured: &Measured) -> Undecided {
    let even = Question { strokes: 0.0, ..question.clone() };
    let still = Question { strokes: 0.0, pulse: 0.0, ..question.clone() };
    let perfectly_known = Change { component: Some((None, BEST)), ..Change::NONE };
    let weak = match () {
        () if !still.passes(value, perfectly_known) => Weak::Limits,
        () if even.passes(value, Change::NONE) => Weak::WholeStrokes,
        () if still.passes(value, Change::NONE) => Weak::WholePulses,
        () => Weak::Uncertainty,
    };
    let remedy = match weak {
        Weak::Limits => Remedy::None,
        _ => longer(question, value).or_else(|| better(question, value, measured)).unwrap_or(Remedy::None),
    };
    Undecided { weak, remedy }
}

/// The least that must be done more of, checked with the budget that it would have.
fn longer(question: &Question<'_>, value: f64) -> Option<Remedy> {
    let passes = |scale: f64| question.passes(value, Change { scale, ..Change::NONE });
    match question.lever {
        Lever::Nothing => None,
        Lever::Window(was) => {
            let scale = least(LONGEST.as_seconds() / was.as_seconds(), passes)?;
            let at_least = rounded_up(Span::from_seconds(was.as_seconds() * scale));
            Some(Remedy::Window { was, at_least }).filter(|_| passes(at_least.as_seconds() / was.as_seconds()))
        }
        Lever::Strokes(was) => {
            let scale = least(10_000.0 / f64::from(was), passes)?;
            let at_least = (f64::from(was) * scale).ceil();
            Some(Remedy::Strokes { was, at_least: at_least as u32 }).filter(|_| passes(at_least / f64::from(was)))
        }
        Lever::Delivery(was) => {
            let scale = least(LARGEST_DELIVERY / was, passes)?;
            let volume = two_figures(was * scale, f64::ceil);
            let of_many = |n: &u32| question.passes(value, Change { deliveries: *n, ..Change::NONE });
            let deliveries = (2..=MOST_DELIVERIES).find(of_many);
            Some(Remedy::Delivery { volume, deliveries }).filter(|_| passes(volume / was))
        }
    }
}

/// The least scale above 1 that passes, up to `most`; more of it always helps as much or more.
fn least(most: f64, passes: impl Fn(f64) -> bool) -> Option<f64> {
    if most.is_nan() || most <= 1.0 || !passes(most) {
        return None;
    }
    let (mut low, mut high) = (1.0, most);
    for _ in 0..HALVINGS {
        // By ratio: from one window to ninety days there are many powers of ten.
        let middle = f64::sqrt(low * high);
        if passes(middle) { high = middle } else { low = middle }
    }
    Some(high)
}

/// The component that must be better known, and how well.
fn better(question: &Question<'_>, value: f64, measured: &Measured) -> Option<Remedy> {
    let largest = measured
        .budget
        .iter()
        .filter(|c| c.contribution().is_some_and(|u| u > 0.0))
        .max_by(|a, b| a.contribution().unwrap_or(0.0).total_cmp(&b.contribution().unwrap_or(0.0)))?;
    let greatest = |name: Option<&str>| {
        if !passes(question, value, name, BEST) {
            return None;
        }
        let (mut low, mut high) = (BEST, 1.0);
        for _ in 0..HALVINGS {
            let middle = (low + high) / 2.0;
            if passes(question, value, name, middle) { low = middle } else { high = middle }
        }
        Some(low)
    };
    if let Some(factor) = greatest(Some(&largest.name))
        && let Some((from, unit, how)) = figure(largest, question)
    {
        let to = if how == How::More { two_figures(from / factor, f64::ceil) } else { two_figures(from * factor, f64::floor) };
        let component = largest.name.to_string();
        return Some(Remedy::Component(Improvement { component, from, to, unit: unit.into_owned(), how }));
    }
    let from = measured.estimate.expanded();
    greatest(None).map(|factor| Remedy::Budget { from, to: two_figures(from * factor, f64::floor) })
}

fn passes(question: &Question<'_>, value: f64, name: Option<&str>, factor: f64) -> bool {
    question.passes(value, Change { component: Some((name, factor)), ..Change::NONE })
}

/// To a length that people would choose.
fn rounded_up(span: Span) -> Span {
    let steps = [
        (Span::minutes(2), Span::seconds(1)),
        (Span::hours(2), Span::minutes(1)),
        (Span::hours(48), Span::minutes(15)),
        (Span::MAX, Span::hours(1)),
    ];
    let step = steps.iter().find(|(up_to, _)| span <= *up_to).map_or(1, |(_, step)| step.0);
    Span(span.0.div_euclid(step).saturating_add(i64::from(span.0.rem_euclid(step) != 0)).saturating_mul(step))
}

/// With two figures, rounded to the side that helps.
fn two_figures(x: f64, round: fn(f64) -> f64) -> f64 {
    if !(x > 0.0 && x.is_finite()) {
        return x;
    }
    let scale = power_of_ten(x);
    // So that 2.4 does not become 2.3 or 2.5 because it is 2.3999… in binary.
    let figures = x / scale;
    let whole = figures.round();
    if (figures - whole).abs() < 1e-9 * whole { whole * scale } else { round(figures) * scale }
}

/// The power of ten that leaves two figures before the point.
fn power_of_ten(x: f64) -> f64 {
    let mut scale = 1.0;
    while x / scale >= 100.0 {
        scale *= 10.0;
    }
    while x / scale < 10.0 {
        scale /= 10.0;
    }
    scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_rounded_to_the_side_that_helps() {
        for (x, up, down) in [(2.31, 2.4, 2.3), (2.3, 2.3, 2.3), (0.012_31, 0.013, 0.012), (1_234.0, 1_300.0, 1_200.0), (10.0, 10.0, 10.0)]
        {
            assert!((two_figures(x, f64::ceil) / up - 1.0).abs() < 1e-12, "{x}");
            assert!((two_figures(x, f64::floor) / down - 1.0).abs() < 1e-12, "{x}");
        }
    }

    #[test]
    fn lengths_are_rounded_up() {
        for (s, rounded) in [(61.2, 62), (119.9, 120), (121.0, 180), (7_201.0, 8_100), (172_801.0, 176_400)] {
            assert_eq!(rounded_up(Span::from_seconds(s)), Span::seconds(rounded), "{s}");
        }
    }
}
