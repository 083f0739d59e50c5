//! What a bench can't decide of the cases that it is asked to play, told before they are played.

use std::fmt;
use std::path::{Path, PathBuf};

use rig_engine::{Finding, Planned, plan, words};
use rig_model::bench::Bench;
use rig_model::quantity::{Dimension, Figures};
use rig_model::scenario::Scenario;

use crate::say;

/// Below this chance that a sound pump is PASS, luck has a part in it.
const SURE: f64 = 0.95;

/// The findings of one case.
#[derive(Debug)]
pub struct CasePlan<'s> {
    scenario: &'s Scenario,
    label: &'s str,
    planned: Vec<Planned<'s>>,
}

impl CasePlan<'_> {
    /// Each check, expectation and watcher once, in brief: step, what is judged, limits and rule.
    pub fn briefly(&self) -> impl ExactSizeIterator<Item = String> + '_ {
        self.planned.iter().map(|p| {
            let rule = if p.finding == Finding::Exact { "exact" } else { p.rule.rule.name() };
            format!("{}: {} ({rule})", p.step, p.text)
        })
    }
}

/// How many checks of each kind.
#[derive(Debug, Default, Clone, Copy)]
pub struct Tally {
    pub bad: usize,
    decidable: usize,
    unsure: usize,
    unknown: usize,
    exact: usize,
}

/// Plans the cases that the bench can play; what it lacks for the others is told elsewhere.
pub fn plans<'s>(cases: impl Iterator<Item = (&'s Scenario, usize)>, bench: &'s Bench) -> Vec<CasePlan<'s>> {
    cases
        .map(|(scenario, i)| (scenario, &scenario.cases[i]))
        .filter(|(_, case)| rig_scenario::lacking(case, bench).is_empty())
        .map(|(scenario, case)| CasePlan { scenario, label: &case.label, planned: plan(case, bench) })
        .collect()
}

pub fn tally(plans: &[CasePlan<'_>]) -> Tally {
    let mut tally = Tally::default();
    for finding in plans.iter().flat_map(|p| &p.planned).map(|p| &p.finding) {
        match finding {
            Finding::Decidable { chance } => {
                tally.decidable += 1;
                tally.unsure += usize::from(*chance < SURE);
            }
            Finding::Exact => tally.exact += 1,
            Finding::Unknown { .. } => tally.unknown += 1,
            Finding::Undecidable(_) | Finding::Range { .. } | Finding::Unstated { .. } => tally.bad += 1,
        }
    }
    tally
}

/// Each finding as a text of its own: what the bench can't decide, or with `everything` all checks.
pub fn texts<'p>(plans: &'p [CasePlan<'_>], everything: bool) -> impl Iterator<Item = String> + 'p {
    let wanted = move |p: &&Planned<'_>| if everything { p.finding != Finding::Exact } else { p.finding.is_bad() };
    plans.iter().flat_map(move |case| case.planned.iter().filter(wanted).map(move |p| text(case, p)))
}

/// For `rig run`, before anything is played: the first few, and where to see all.
pub fn tell_before_run(plans: &[CasePlan<'_>], bench: &Bench, bench_file: Option<&Path>, paths: &[PathBuf]) {
    const SHOWN: usize = 3;
    let bad = tally(plans).bad;
    if bad == 0 {
        return;
    }
    say::err(format_args!("{} can't be decided on bench `{}`:", checks(bad), bench.name));
    texts(plans, false).take(SHOWN).for_each(say::err);
    if bad > SHOWN {
        let file = bench_file.map_or_else(String::new, |f| format!(" --bench {}", f.display()));
        let paths: String = paths.iter().map(|p| format!(" {}", p.display())).collect();
        say::err(format_args!("and {} more: rig check{file}{paths}", bad - SHOWN));
    }
}

/// One object for each check, for programs.
pub fn tell_json(plans: &[CasePlan<'_>]) {
    for case in plans {
        for p in &case.planned {
            let (finding, remedy) = words(p);
            let chance = if let Finding::Decidable { chance } = p.finding { Some(chance) } else { None };
            say::out(serde_json::json!({
                "file": case.scenario.file, "scenario": &*case.scenario.id, "case": case.label, "step": &*p.step, "check": p.text,
                "finding": p.finding.name(), "words": finding, "remedy": remedy, "quantity": p.quantity, "channel": p.channel.as_deref(),
                "unit": p.dimension.map(Dimension::unit), "lower_limit": p.limits.lower, "upper_limit": p.limits.upper,
                "decision_rule": p.rule.rule, "rule_stated_by": p.rule.stated_by, "expected": p.expected.map(|e| e.value),
                "expected_from": p.expected.map(|e| e.from.to_string()), "window_s": p.window.map(rig_model::time::Span::as_seconds),
                "expanded_uncertainty": p.expanded(), "test_uncertainty_ratio": p.test_uncertainty_ratio, "chance": chance,
            }));
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bad, decidable, unsure, unknown, exact } = self;
        write!(f, "{} with a limit: {decidable} decidable", checks(bad + decidable + unknown))?;
        if *unsure > 0 {
            write!(f, " ({unsure} of them narrowly: by what the bench itself may err a sound pump can miss PASS)")?;
        }
        write!(f, ", {bad} not, {unknown} known only in the run; {exact} more are exact")
    }
}

fn checks(n: usize) -> String {
    if n == 1 { "1 check".to_owned() } else { format!("{n} checks") }
}

fn text(case: &CasePlan<'_>, p: &Planned<'_>) -> String {
    let (finding, remedy) = words(p);
    let label = if case.label.is_empty() { String::new() } else { format!(" [{}]", case.label) };
    let state = p.finding.name().replace('_', " ");
    let mut text = format!("{}: {}{label} {}\n    {}\n    {state}: {finding}", case.scenario.file, case.scenario.id, p.step, p.text);
    if let Some(remedy) = remedy {
        text += &format!("\n    → {remedy}");
    }
    if let Finding::Decidable { chance } = p.finding {
        let ratio = p.test_uncertainty_ratio.map_or_else(|| "–".to_owned(), |r| Figures((r * 10.0).round() / 10.0).to_string());
        text += &format!("; test uncertainty ratio {ratio}");
        if chance < SURE {
            text += &format!("; a sound pump is PASS in {:.0} % of benches", chance * 100.0);
        }
    }
    text
}
