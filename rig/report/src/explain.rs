//! One row of a run explained: what was measured, by which rule it was judged, and what its uncertainty is made of.

use std::fmt::Write;

use rig_model::quantity::{Dimension, Figures};
use rig_model::verdict::{CheckRow, Condition, DecisionRule, Limits, StatedBy};
use serde_json::{Value, json};

use crate::budgets::{shares, unstated};
use crate::context::Run;
use crate::find::Place;
use crate::palette::{Palette, printable};

mod combined;
mod table;

use combined::Combined;

/// A row of a run with all that it says of itself.
#[derive(Debug)]
pub struct Explanation {
    run: Run,
    place: Place,
    combined: Option<Combined>,
}

impl Explanation {
    pub(crate) fn new(run: Run, place: Place) -> Self {
        let combined = Combined::of(&place.row);
        Self { run, place, combined }
    }

    /// Whether the budget, combined here and now, gives the uncertainty that the row states; `true` where there is no budget.
    pub fn agrees(&self) -> bool {
        self.combined.as_ref().is_none_or(|combined| combined.agrees)
    }

    /// Its number in `results.csv`.
    pub fn row(&self) -> u64 {
        self.place.number
    }

    /// As one object: the row as the journal has it, and what follows from its budget. What is infinite or not known is null.
    pub fn json(&self) -> Value {
        let Self { run, place, combined } = self;
        let row = &*place.row;
        let shares = shares(&row.budget);
        let components = row.budget.iter().enumerate().map(|(number, component)| {
            let share = shares.as_ref().map(|shares| shares[number]);
            json!({ "component": component.name, "contribution": component.contribution(), "share_percent": share })
        });
        let estimate = combined.as_ref().map(|combined| combined.measured.estimate);
        json!({
            "run_id": run.id,
            "bench": run.bench,
            "simulated": run.simulated,
            "evidence": run.evidence,
            "not_evidence": run.not_evidence,
            "warnings": run.warnings,
            "row": place.number,
            "scenario": place.scenario,
            "case": place.case,
            "attempt": place.attempt,
            "check": row,
            "components": components.collect::<Vec<_>>(),
            "combined": estimate.map(|estimate| json!({
                "standard_uncertainty": estimate.standard_uncertainty,
                "effective_dof": estimate.effective_dof,
                "coverage_factor": estimate.coverage_factor,
                "expanded_uncertainty": estimate.expanded(),
            })),
            "agrees": self.agrees(),
            "largest": combined::largest(row).map(|largest| largest.0),
            "unstated": unstated(&row.budget),
            "no_budget_because": row.budget.is_empty().then(|| no_budget(row)),
        })
    }

    /// As text, with a line for each fact, the budget as a table, and how it is combined.
    pub fn render(&self, palette: Palette) -> String {
        let Self { place, combined, .. } = self;
        let row = &*place.row;
        let (style, strong, dim) = (palette.of(row.verdict), palette.strong, palette.dim);
        let mut out = String::new();
        line(&mut out, format_args!("{strong}{} {}{strong:#}, row {}", place.case_name(), printable(&row.step), place.number));
        line(&mut out, format_args!("{}", printable(&row.check)));
        line(&mut out, format_args!("{style}{}{style:#} {}", row.verdict, printable(&row.reason)));
        out.push('\n');
        for (name, words) in self.facts() {
            line(&mut out, format_args!("{dim}{name:<13}{dim:#}{words}"));
        }
        out.push('\n');
        match combined {
            None => line(&mut out, format_args!("No budget: {}.", no_budget(row))),
            Some(combined) => {
                line(&mut out, format_args!("{strong}Budget{strong:#} of {}", value(row)));
                out.push('\n');
                out.push_str(&table::table(row));
                out.push('\n');
                combined.lines(row).iter().for_each(|words| line(&mut out, format_args!("{words}")));
            }
        }
        let doubtful = palette.doubtful;
        for why in &self.run.not_evidence {
            line(&mut out, format_args!("{doubtful}NOT EVIDENCE{doubtful:#}: {}", printable(why)));
        }
        for warning in &self.run.warnings {
            line(&mut out, format_args!("{doubtful}warning{doubtful:#}: {}", printable(warning)));
        }
        out
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let row = &*self.place.row;
        let mut facts = vec![("measured", what(row)), ("value", value(row))];
        facts.extend(self.uncertainty().map(|words| ("uncertainty", words)));
        facts.extend(nominal(row).map(|words| ("nominal", words)));
        if row.limits != Limits::default() {
            facts.push(("limits", limits(row.limits, &row.unit)));
            facts.push(("rule", format!("{}, {}", row.rule.name(), stated_by(row.rule_stated_by))));
            facts.push(("guard band", guard_band(row)));
            facts.push(("acceptance", acceptance(row)));
        }
        facts.extend(row.condition.map(|condition| ("condition", condition_words(condition).to_owned())));
        facts.extend(row.probability_of_conformity.map(|p| ("conformity", conformity(p, row))));
        facts.extend(row.test_uncertainty_ratio.map(|ratio| {
            let room = if row.limits.lower.is_some() && row.limits.upper.is_some() { "half the tolerance" } else { "room to the limit" };
            ("TUR", format!("{} = {room} / U; planning advice, never a verdict", Figures(ratio)))
        }));
        facts.extend(row.family.map(|family| {
            let risk = Figures(family.risk * 100.0);
            ("family", format!("extreme of {}; for each limit the risk of a wrong verdict on all together is {risk} %", family.members))
        }));
        facts.push(("verdict", format!("{}, {}", row.verdict, reason_code(row))));
        for (name, names) in [("verifies", &row.requirements), ("certificates", &row.certificates)] {
            if !names.is_empty() {
                facts.push((name, printable(&names.join(", "))));
            }
        }
        facts
    }

    fn uncertainty(&self) -> Option<String> {
        let row = &*self.place.row;
        let missing = unstated(&row.budget);
        if !missing.is_empty() {
            return Some(format!("not known: nobody states that of {}", missing.join(", ")));
        }
        let (u, expanded) = (row.standard_uncertainty?, row.expanded_uncertainty?);
        if u == 0.0 {
            return Some("none: the value is exact".to_owned());
        }
        let dof = row.effective_dof.map_or_else(|| "∞".to_owned(), |dof| Figures(dof).to_string());
        let k = row.coverage_factor.map_or_else(String::new, |k| format!(", k = {}", Figures(k)));
        let covers = if row.family.is_some() { "" } else { " (covers 95.45 %)" };
        Some(format!("u = {}, ν_eff = {dof}{k}, U = k·u = {}{covers}", of(u, &row.unit), of(expanded, &row.unit)))
    }
}

/// A number with its unit; counts have none.
fn of(x: f64, unit: &str) -> String {
    if unit.is_empty() || unit == Dimension::Count.unit() { Figures(x).to_string() } else { format!("{} {unit}", Figures(x)) }
}

fn what(row: &CheckRow) -> String {
    let mut words = printable(&row.quantity);
    if let Some(channel) = &row.channel {
        write!(words, " on {}", printable(channel)).expect("a String takes all that is written");
    }
    if row.statistic != "single" {
        write!(words, ", {}", printable(&row.statistic)).expect("a String takes all that is written");
    }
    if let Some(n) = row.n {
        write!(words, ", n = {n}").expect("a String takes all that is written");
    }
    if let Some(window) = row.window_s {
        write!(words, ", window {}", of(window, "s")).expect("a String takes all that is written");
    }
    write!(words, ", from {} to {} of rig time", of(row.started.seconds(), "s"), of(row.ended.seconds(), "s"))
        .expect("a String takes all that is written");
    words
}

fn value(row: &CheckRow) -> String {
    match (row.value, row.expanded_uncertainty, &row.value_text) {
        (Some(value), Some(u), _) if u > 0.0 => format!("{} ± {}", Figures(value), of(u, &row.unit)),
        (Some(value), ..) => of(value, &row.unit),
        (None, _, Some(text)) => printable(text),
        (None, _, None) => "none".to_owned(),
    }
}

fn nominal(row: &CheckRow) -> Option<String> {
    let nominal = row.nominal?;
    let words = of(nominal, &row.unit);
    match row.value {
        Some(value) if nominal != 0.0 => Some(format!("{words}; the value is off by {} %", Figures((value - nominal) / nominal * 100.0))),
        _ => Some(words),
    }
}

fn limits(limits: Limits, unit: &str) -> String {
    match (limits.lower, limits.upper) {
        (Some(lower), Some(upper)) => format!("{} … {}", Figures(lower), of(upper, unit)),
        (Some(lower), None) => format!("at least {}", of(lower, unit)),
        (None, Some(upper)) => format!("at most {}", of(upper, unit)),
        (None, None) => "none".to_owned(),
    }
}

fn stated_by(by: StatedBy) -> &'static str {
    match by {
        StatedBy::Check => "stated by the check",
        StatedBy::Requirement => "stated by the requirement that it verifies",
        StatedBy::Bench => "stated by the bench file",
        StatedBy::Default => "stated by nobody: the default",
    }
}

fn guard_band(row: &CheckRow) -> String {
    let factor = if row.rule == DecisionRule::Guarded { row.guard_factor } else { 1.0 };
    let of_u = if factor == 1.0 { "w = U".to_owned() } else { format!("w = {}·U", Figures(factor)) };
    let band = match row.expanded_uncertainty {
        _ if row.rule == DecisionRule::Simple => return "none: PASS within the limits, otherwise FAIL".to_owned(),
        Some(0.0) => return "none is needed: the value is exact".to_owned(),
        Some(expanded) => format!("{of_u} = {}", of(factor * expanded, &row.unit)),
        None => of_u,
    };
    match row.rule {
        DecisionRule::ThreeWay => format!("{band}: PASS within the limits less w, FAIL beyond them by more than w, otherwise INCONCLUSIVE"),
        DecisionRule::Guarded | DecisionRule::Simple => format!("{band}: PASS within the limits less w, otherwise FAIL"),
    }
}

fn acceptance(row: &CheckRow) -> String {
    match row.acceptance {
        Limits { lower: None, upper: None } => "none: no value was held against them".to_owned(),
        Limits { lower: Some(lower), upper: Some(upper) } if lower > upper => "empty: nothing could pass at this uncertainty".to_owned(),
        acceptance => limits(acceptance, &row.unit),
    }
}

fn condition_words(condition: Condition) -> &'static str {
    match condition {
        Condition::Within => "the value itself is within the limits",
        Condition::Beyond => "the value itself is beyond the limits",
    }
}

fn conformity(p: f64, row: &CheckRow) -> String {
    let with = if row.family.is_some() { "; with U/2 for u, so that it holds for all together" } else { "" };
    format!("p = {} that the true value is within the limits (JCGM 106{with})", Figures(p))
}

/// The word of the published vocabulary.
fn reason_code(row: &CheckRow) -> String {
    serde_json::to_value(row.reason_code).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Why a row has no budget.
fn no_budget(row: &CheckRow) -> &'static str {
    match (row.value, &row.value_text, row.standard_uncertainty) {
        (None, Some(_), _) => "what the pump says is compared as it is, and nothing was measured",
        (None, None, _) => "there is no value; the reason is above",
        (Some(_), _, None) => "the instrument can't vouch for the value; the reason is above",
        (Some(_), _, Some(0.0)) => "the value is known for certain: it was counted, or is what the pump says of itself",
        (Some(_), _, Some(_)) => "the record has none; records made before budgets were kept have the combined uncertainty only",
    }
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(out, "{text}").expect("a String takes all that is written");
}
