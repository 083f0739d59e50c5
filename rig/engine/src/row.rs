//! Makes the judged row from an estimate and its limits.

use rig_metrology::{Measured, judge, proven_fail, test_uncertainty_ratio};
use rig_model::Name;
use rig_model::bench::Bench;
use rig_model::quantity::{Dimension, Figures};
use rig_model::scenario::Check;
use rig_model::time::RigTime;
use rig_model::verdict::{CheckRow, Condition, DecisionRule, Limits, Reason, Rule, StatedBy, Verdict};

/// A row with everything but its verdict.
pub fn blank(path: &Name, text: &str, quantity: &str, started: RigTime, ended: RigTime) -> CheckRow {
    CheckRow {
        step: path.clone(),
        check: text.to_owned(),
        requirements: Vec::new(),
        quantity: quantity.to_owned(),
        channel: None,
        nominal: None,
        value: None,
        value_text: None,
        unit: String::new(),
        n: None,
        statistic: "single".into(),
        window_s: None,
        standard_uncertainty: None,
        effective_dof: None,
        coverage_factor: None,
        expanded_uncertainty: None,
        limits: Limits::default(),
        rule: DecisionRule::default(),
        guard_factor: 1.0,
        rule_stated_by: StatedBy::Default,
        acceptance: Limits::default(),
        probability_of_conformity: None,
        family: None,
        test_uncertainty_ratio: None,
        budget: Vec::new(),
        verdict: Verdict::Error,
        condition: None,
        reason_code: Reason::NoData,
        reason: String::new(),
        certificates: Vec::new(),
        started,
        ended,
    }
}

/// Says the verdict without a comparison.
pub fn decide(mut row: CheckRow, verdict: Verdict, code: Reason, reason: impl Into<String>) -> CheckRow {
    row.verdict = verdict;
    row.reason_code = code;
    row.reason = reason.into();
    row
}

/// Fills in what the check states: nominal value, limits, rule, requirements, unit.
pub fn of_check(row: CheckRow, check: &Check, bench: &Bench) -> CheckRow {
    let row = CheckRow {
        unit: check.dimension.unit().to_owned(),
        nominal: check.nominal,
        limits: check.limits,
        requirements: check.verifies.clone(),
        ..row
    };
    ruled(row, check.rule, bench)
}

/// With the rule that the scenario or a requirement states, or else the bench's, or else the default.
pub fn ruled(row: CheckRow, stated: Option<Rule>, bench: &Bench) -> CheckRow {
    let Rule { rule, guard_factor, stated_by } = rule_for(stated, bench);
    CheckRow { rule, guard_factor, rule_stated_by: stated_by, ..row }
}

/// The first that is stated: the check's or its requirement's, the bench's, the default.
pub fn rule_for(stated: Option<Rule>, bench: &Bench) -> Rule {
    stated.or(bench.rule).unwrap_or_default()
}

fn rule_of(row: &CheckRow) -> Rule {
    Rule { rule: row.rule, guard_factor: row.guard_factor, stated_by: row.rule_stated_by }
}

/// Names the channel and its certificate.
pub fn on_channel(mut row: CheckRow, bench: &Bench, channel: &Name) -> CheckRow {
    row.certificates = bench.channel(channel).and_then(|c| c.certificate.as_ref()).map(|c| c.id.clone()).into_iter().collect();
    row.channel = Some(channel.clone());
    row
}

/// Judges the value against the row's limits.
pub fn measured(mut row: CheckRow, measured: Measured) -> CheckRow {
    let judgement = judge(&measured, row.limits, rule_of(&row));
    let unstated = measured.unstated().map(|c| c.name.clone());
    fill(&mut row, measured);
    row.acceptance = judgement.acceptance;
    row.probability_of_conformity = judgement.probability_of_conformity.filter(|p| p.is_finite());
    row.verdict = judgement.verdict;
    row.condition = judgement.condition;
    row.reason_code = judgement.reason_code;
    row.reason = sentence(&row);
    if let Some(family) = row.family {
        row.reason += &format!(" (extreme of {}, risk {:.1} % for all together)", family.members, family.risk * 100.0);
    }
    if let Some(name) = unstated {
        row.reason += &format!("; nobody states the uncertainty of: {name}");
    }
    row
}

/// Part of the data is missing: only a lower bound that already proves FAIL is a verdict of the board.
pub fn partly_lost(mut row: CheckRow, at_least: Option<Measured>, otherwise: (Verdict, Reason), why: &str) -> CheckRow {
    if let Some(bound) = at_least
        && proven_fail(&bound, row.limits, rule_of(&row))
    {
        fill(&mut row, bound);
        row.condition = Some(Condition::Beyond);
        let reason = format!("at least {} came, which is beyond the limit already, although {why}", value_text(&row));
        return decide(row, Verdict::Fail, Reason::BeyondLimits, reason);
    }
    decide(row, otherwise.0, otherwise.1, why)
}

fn fill(row: &mut CheckRow, measured: Measured) {
    let Measured { estimate, budget, family } = measured;
    let finite = |x: f64| x.is_finite().then_some(x);
    row.value = finite(estimate.value);
    row.standard_uncertainty = finite(estimate.standard_uncertainty);
    row.effective_dof = finite(estimate.effective_dof);
    row.coverage_factor = finite(estimate.coverage_factor).filter(|_| row.standard_uncertainty.is_some());
    row.expanded_uncertainty = finite(estimate.expanded());
    row.test_uncertainty_ratio = test_uncertainty_ratio(&estimate, row.limits, row.nominal);
    row.family = family;
    row.budget = budget;
}

fn sentence(row: &CheckRow) -> String {
    let two_sided = row.limits.lower.is_some() && row.limits.upper.is_some();
    let relation = match (row.reason_code, two_sided) {
        (Reason::WithinLimits, true) => "is within",
        (Reason::WithinLimits, false) => "is",
        (Reason::BeyondLimits, true) => "is not within",
        (Reason::BeyondLimits, false) => "is not",
        (Reason::Undecidable, _) => "lies too near to the limit to tell:",
        (Reason::UncertaintyMissing, _) => "is not known well enough to tell:",
        _ => "can't be compared with",
    };
    format!("{} {relation} {}", value_text(row), limits_text(row.limits, &row.unit))
}

fn value_text(row: &CheckRow) -> String {
    let Some(value) = row.value else { return "no value".into() };
    let unit = if row.unit == Dimension::Count.unit() { String::new() } else { format!(" {}", row.unit) };
    match row.expanded_uncertainty {
        Some(u) if u > 0.0 => format!("{} ± {}{unit}", Figures(value), Figures(round_up(u))),
        _ => format!("{}{unit}", Figures(value)),
    }
}

pub fn limits_text(limits: Limits, unit: &str) -> String {
    let unit = if unit == Dimension::Count.unit() { String::new() } else { format!(" {unit}") };
    match (limits.lower, limits.upper) {
        (Some(l), Some(u)) => format!("{} … {}{unit}", Figures(l), Figures(u)),
        (Some(l), None) => format!("at least {}{unit}", Figures(l)),
        (None, Some(u)) => format!("at most {}{unit}", Figures(u)),
        (None, None) => "no limits".into(),
    }
}

/// An uncertainty is told with two figures, rounded up.
pub fn round_up(u: f64) -> f64 {
    let scale = 10f64.powf(u.log10().floor() - 1.0);
    (u / scale).ceil() * scale
}
