//! The checks that scenarios hold today.

use rig_model::Name;
use rig_model::requirement::Requirement;
use rig_model::scenario::{Expected, Scenario, Step, StepKind};
use rig_model::verdict::{Limits, Rule};

use super::gather::Key;

/// One thing that is judged in one case of a scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct TracedCheck {
    pub key: Key,
    /// The scenario's file.
    pub file: String,
    /// As a row of the record says it; what a watcher, a wait or a command is judged by is in it too.
    pub text: String,
    /// Of a measured value; absent for states, alarms, replies and watchers, whose text says all.
    pub limits: Option<Limits>,
    /// As the check or one of its requirements states it; nothing where that is left to the bench or the default.
    pub rule: Option<Rule>,
    pub verifies: Vec<Name>,
}

/// All checks of a scenario, case by case in the order of its steps, watchers first: what has limits or a state to be compared with, and
/// whatever else verifies a requirement.
pub fn checks_of(scenario: &Scenario, requirements: &[Requirement]) -> Vec<TracedCheck> {
    let mut found = Vec::new();
    for case in &scenario.cases {
        let of = |step: &Name| Key { scenario: scenario.id.to_string(), case: case.label.clone(), step: step.clone() };
        let mut add = |step: &Name, text: &str, limits: Option<Limits>, rule: Option<Rule>, verifies: &[Name]| {
            let by_requirement = || requirements.iter().filter(|r| verifies.contains(&r.id)).find_map(|r| r.rule);
            found.push(TracedCheck {
                key: of(step),
                file: scenario.file.clone(),
                text: text.to_owned(),
                limits,
                rule: rule.or_else(by_requirement),
                verifies: verifies.to_vec(),
            });
        };
        for watch in &case.watch {
            add(&watch.path, &watch.text, None, watch.rule, &watch.verifies);
        }
        for_each(&case.steps, &mut |step| of_step(step, &mut add));
        for_each(&case.finally, &mut |step| of_step(step, &mut add));
    }
    found
}

type Add<'a> = dyn FnMut(&Name, &str, Option<Limits>, Option<Rule>, &[Name]) + 'a;

fn of_step(step: &Step, add: &mut Add<'_>) {
    match &step.kind {
        StepKind::Check(check) => {
            let limited = check.limits.lower.is_some() || check.limits.upper.is_some();
            add(&step.path, &step.text, limited.then_some(check.limits), check.rule, &check.verifies);
        }
        StepKind::Command { verb, expect, verifies } if !verifies.is_empty() || *expect != Expected::Accepted => {
            let answer = match expect {
                Expected::Accepted => "accepted".to_owned(),
                Expected::Refused(refusal) => format!("refused: {refusal}"),
            };
            add(&step.path, &format!("`{verb}` is {answer}"), None, None, verifies);
        }
        StepKind::Expect { verifies, .. } | StepKind::Hold { verifies, .. } if !verifies.is_empty() => {
            add(&step.path, &step.text, None, None, verifies);
        }
        _ => {}
    }
}

/// Steps in windows and repeats too.
fn for_each(steps: &[Step], take: &mut dyn FnMut(&Step)) {
    for step in steps {
        take(step);
        match &step.kind {
            StepKind::Measure(measure) => for_each(&measure.during, take),
            StepKind::Repeat { steps, .. } => for_each(steps, take),
            _ => {}
        }
    }
}
