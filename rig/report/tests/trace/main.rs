//! The trace: each finding seen once, each exit code, and that no FAIL is hidden.
#![allow(clippy::unwrap_used, reason = "tests")]

mod deviations;
mod shown;

use std::collections::BTreeMap;
use std::sync::Arc;

use rig_model::Name;
use rig_model::fact::{Body, Fact, Note};
use rig_model::requirement::{Requirement, Verification};
use rig_model::time::RigTime;
use rig_model::verdict::{DecisionRule, Limits, Rule, StatedBy};
use rig_report::Palette;
use rig_report::trace::{
    Finding, FindingKind, Firmware, Gather, Key, Matrix, RowDeviation, RunInfo, Says, Status, TRACE, Today, TracedCheck, Verdicts,
    trace_csv, trace_html, trace_text,
};
use serde_json::{Value, json};

const NEW: &str = "aaaaaaaaaa";
const OLD: &str = "bbbbbbbbbb";

fn requirement(id: &str, verification: Verification) -> Requirement {
    let why = if verification == Verification::Test { "" } else { "for a reason" };
    Requirement {
        id: id.into(),
        text: format!("The text of {id}."),
        source: "L R5.1.0(2)".into(),
        hazards: vec!["HAZ-A".into()],
        class: "delivery".into(),
        rule: None,
        verification,
        why: why.into(),
    }
}

fn check(step: &str, verifies: &[&str]) -> TracedCheck {
    TracedCheck {
        key: Key { scenario: "S-01".into(), case: String::new(), step: step.into() },
        file: "s.yaml".into(),
        text: format!("check of {step}"),
        limits: Some(Limits { lower: Some(190.0), upper: Some(210.0) }),
        rule: None,
        verifies: verifies.iter().map(|id| Name::from(*id)).collect(),
    }
}

/// A run on a day of November 2026.
#[derive(Clone)]
struct Run {
    day: u32,
    hash: &'static str,
    evidence: bool,
    requirements: Option<Vec<Requirement>>,
    changed: Vec<&'static str>,
}

impl Run {
    fn on(day: u32) -> Self {
        let requirements = Some(vec![requirement("REQ-1", Verification::Test), requirement("REQ-2", Verification::Test)]);
        Self { day, hash: NEW, evidence: true, requirements, changed: Vec::new() }
    }

    fn id(&self) -> String {
        format!("run-{}", self.day)
    }

    fn gather(&self) -> Gather {
        let by_id = |rs: &Vec<Requirement>| Arc::new(rs.iter().map(|r| (r.id.clone(), r.clone())).collect::<BTreeMap<_, _>>());
        let changed = self.changed.iter().map(|f| (*f).to_owned()).collect();
        let info = RunInfo {
            run_id: self.id(),
            folder: format!("reports/{}", self.id()),
            started_utc: format!("2026-11-{:02}T00:00:00Z", self.day),
            bench: "pi".into(),
            simulated: false,
            evidence: self.evidence,
            requirements: self.requirements.as_ref().map(by_id),
            changed_files: BTreeMap::from([("S-01".to_owned(), changed)]),
        };
        let mut gather = Gather::new(info);
        let dut = json!({"model": "RP", "serial": "SN-1", "firmware_version": "1.0", "firmware_hash": self.hash, "protocol_version": 1});
        gather.take(&event("dut_identified", dut));
        gather.take(&event("case_started", started()));
        gather
    }
}

fn started() -> Value {
    json!({"scenario": "S-01", "scenario_sha256": "", "title": "", "case": "", "attempt": 1, "number": 1, "of": 1, "time_limit": 1, "hazards": []})
}

fn ended() -> Fact {
    event(
        "case_ended",
        json!({"verdict": "PASS", "reason": "", "counts": {"fail":0,"error":0,"aborted":0,"inconclusive":0,"skipped":0,"pass":1}}),
    )
}

fn event(kind: &str, body: Value) -> Fact {
    Fact { at: RigTime(0), arrival: None, body: Body::Event(serde_json::from_value(json!({"kind": kind, "body": body})).unwrap()) }
}

fn row(step: &str, verifies: &[&str], verdict: &str) -> Fact {
    row_with(step, verifies, verdict, &json!({}))
}

fn row_with(step: &str, verifies: &[&str], verdict: &str, more: &Value) -> Fact {
    let mut body = json!({
        "step": step, "check": format!("check of {step}"), "requirements": verifies, "quantity": "volume", "unit": "µL", "statistic": "single",
        "limits": {"lower": 190.0, "upper": 210.0}, "rule": "three-way", "acceptance": {}, "verdict": verdict, "reason_code": "observed",
        "reason": format!("it is {verdict}"), "started": 0, "ended": 0,
    });
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    event("check", body)
}

/// Two requirements, each verified by a check, and what the runs said.
struct Lab {
    today: Today,
    verdicts: Verdicts,
    deviations: Vec<RowDeviation>,
    found: Vec<Finding>,
}

impl Lab {
    fn new() -> Self {
        let requirements = vec![requirement("REQ-1", Verification::Test), requirement("REQ-2", Verification::Test)];
        let checks = vec![check("steps.1", &["REQ-1"]), check("steps.2", &["REQ-2"])];
        let firmware = vec![Firmware { version: "1.0".into(), hash: NEW.into() }];
        let today = Today {
            requirements,
            checks,
            firmware,
            evidence_only: false,
            allow_planned: false,
            remarks: vec!["there is no ledger\u{1b}".into()],
        };
        Self { today, verdicts: Verdicts::default(), deviations: Vec::new(), found: Vec::new() }
    }

    /// A whole run with these verdicts on the two checks.
    fn run(self, run: &Run, verdicts: [&str; 2]) -> Self {
        self.noted(run, verdicts, &[])
    }

    /// One with deviations; its rows are 1 and 2.
    fn noted(mut self, run: &Run, verdicts: [&str; 2], deviations: &[RowDeviation]) -> Self {
        self.deviations.extend_from_slice(deviations);
        let mut gather = run.gather().with(deviations.to_vec());
        gather.take(&row("steps.1", &["REQ-1"], verdicts[0]));
        gather.take(&row("steps.2", &["REQ-2"], verdicts[1]));
        gather.take(&ended());
        self.verdicts.add(gather);
        self
    }

    fn matrix(self) -> Matrix {
        Matrix::new(self.today, &self.verdicts, &self.deviations, self.found)
    }
}

/// Kinds of the findings, each once, and the exit code.
#[track_caller]
fn says(matrix: &Matrix, kinds: &[FindingKind], code: u8) {
    let mut found: Vec<FindingKind> = matrix.findings.iter().map(|f| f.kind).collect();
    found.dedup();
    assert_eq!((found.as_slice(), matrix.exit_code()), (kinds, code), "{:#?}", matrix.findings);
}

fn words(matrix: &Matrix) -> [&'static str; 2] {
    [matrix.requirements[0].word(), matrix.requirements[1].word()]
}

/// About a row of the run of that day.
fn deviation(day: u32, row: u64, says: Says) -> RowDeviation {
    let disposition = match says {
        Says::Open => "open",
        Says::DiscardsRow => "retest",
        Says::FirmwareDefect => "firmware defect",
        Says::Closed => "accept as is",
    };
    let run_id = Run::on(day).id();
    let folder = format!("reports/{run_id}");
    RowDeviation {
        run_id,
        folder,
        row,
        id: "PR-7".into(),
        disposition: disposition.into(),
        says,
        note: "a note".into(),
        with_defect: false,
    }
}

#[test]
fn all_covered_fresh_and_pass_is_0() {
    let matrix = Lab::new().run(&Run::on(1), ["PASS", "PASS"]).matrix();
    says(&matrix, &[], 0);
    assert_eq!(words(&matrix), ["pass", "pass"]);
}

#[test]
fn a_fail_is_1_and_no_later_pass_takes_it_back() {
    let matrix = Lab::new().run(&Run::on(1), ["FAIL", "PASS"]).run(&Run::on(2), ["PASS", "PASS"]).matrix();
    says(&matrix, &[FindingKind::Fail], 1);
    let link = &matrix.requirements[0].links[0];
    assert_eq!((link.counted.as_ref().unwrap().run.run_id.as_str(), link.worst.as_ref().unwrap().run.run_id.as_str()), ("run-2", "run-1"));
    assert!(matrix.findings[0].what.contains("row 1 of run run-1); PASS in run run-2 takes nothing back"), "{:?}", matrix.findings);
    // Whatever the order in which the runs are found.
    let again = Lab::new().run(&Run::on(2), ["PASS", "PASS"]).run(&Run::on(1), ["FAIL", "PASS"]).matrix();
    says(&again, &[FindingKind::Fail], 1);
    // Of an older firmware it is history, as long as the new one was tried.
    let old = Run { hash: OLD, ..Run::on(1) };
    says(&Lab::new().run(&old, ["FAIL", "PASS"]).run(&Run::on(2), ["PASS", "PASS"]).matrix(), &[], 0);
    says(&Lab::new().run(&old, ["FAIL", "PASS"]).matrix(), &[FindingKind::Fail, FindingKind::Stale], 1);
}

#[test]
fn what_is_not_covered_is_told() {
    let mut lab = Lab::new().run(&Run::on(1), ["PASS", "PASS"]);
    lab.today.requirements.push(requirement("REQ-3", Verification::Test));
    says(&lab.matrix(), &[FindingKind::Uncovered], 6);
    let mut lab = Lab::new().run(&Run::on(1), ["PASS", "PASS"]);
    lab.today.requirements.push(requirement("REQ-3", Verification::Planned));
    let matrix = lab.matrix();
    says(&matrix, &[FindingKind::Planned], 6);
    assert_eq!(matrix.requirements[2].word(), "planned");
    // What no rig can observe, or what the pump does not have by design, is not this rig's to cover.
    let mut lab = Lab::new().run(&Run::on(1), ["PASS", "PASS"]);
    for (id, how) in [("REQ-3", Verification::Review), ("REQ-4", Verification::Analysis), ("REQ-5", Verification::Absent)] {
        lab.today.requirements.push(requirement(id, how));
    }
    let matrix = lab.matrix();
    says(&matrix, &[], 0);
    assert_eq!(matrix.requirements[2..].iter().map(|traced| traced.word()).collect::<Vec<_>>(), ["review", "analysis", "absent"]);
}

/// No scenario states them: they are known from their rows, and one that had nothing to say is no check.
#[test]
fn what_watches_each_case_besides_is_a_check_too() {
    let said = |verdict: &str| {
        let mut lab = Lab::new();
        lab.today.requirements.push(requirement("REQ-3", Verification::Test));
        let then = (["REQ-1", "REQ-2", "REQ-3"]).map(|id| requirement(id, Verification::Test)).to_vec();
        let mut gather = Run { requirements: Some(then), ..Run::on(1) }.gather();
        for fact in [row("steps.1", &["REQ-1"], "PASS"), row("steps.2", &["REQ-2"], "PASS"), row("oracle.excess", &["REQ-3"], verdict)] {
            gather.take(&fact);
        }
        gather.take(&ended());
        lab.verdicts.add(gather);
        lab.matrix()
    };
    let matrix = said("PASS");
    says(&matrix, &[], 0);
    assert_eq!(matrix.requirements[2].word(), "pass");
    says(&said("FAIL"), &[FindingKind::Fail], 1);
    says(&said("SKIPPED"), &[FindingKind::Uncovered], 6);
}

#[test]
fn a_verdict_of_another_firmware_is_stale() {
    let matrix = Lab::new().run(&Run { hash: OLD, ..Run::on(1) }, ["PASS", "PASS"]).matrix();
    says(&matrix, &[FindingKind::Stale], 6);
    assert_eq!(words(&matrix), ["stale", "stale"]);
    assert!(matrix.findings[0].what.contains("PASS is of 1.0 bbbbbbbbbb"));
}

#[test]
fn what_was_not_judged_or_not_shown_is_told() {
    let matrix = Lab::new().matrix();
    says(&matrix, &[FindingKind::NotRun], 6);
    let matrix = Lab::new().run(&Run::on(1), ["INCONCLUSIVE", "PASS"]).matrix();
    says(&matrix, &[FindingKind::NotShown], 6);
    assert_eq!(words(&matrix), ["not_shown", "pass"]);
    // Done again and shown.
    says(&Lab::new().run(&Run::on(1), ["ERROR", "PASS"]).run(&Run::on(2), ["PASS", "PASS"]).matrix(), &[], 0);
    // A case that left no row.
    let mut lab = Lab::new();
    let mut gather = Run::on(1).gather();
    gather.take(&event(
        "case_ended",
        json!({"verdict": "SKIPPED", "reason": "no balance", "counts": {"fail":0,"error":0,"aborted":0,"inconclusive":0,"skipped":1,"pass":0}}),
    ));
    lab.verdicts.add(gather);
    let matrix = lab.matrix();
    says(&matrix, &[FindingKind::NotRun], 6);
    assert!(matrix.findings[0].what.contains("the case was SKIPPED (no balance)"), "{:?}", matrix.findings);
}

#[test]
fn what_has_changed_since_is_suspect() {
    let run = Run::on(1);
    let mut other = requirement("REQ-1", Verification::Test);
    other.text = "Another text.".into();
    let of_then = Run { requirements: Some(vec![other, requirement("REQ-2", Verification::Test)]), ..run.clone() };
    let matrix = Lab::new().run(&of_then, ["PASS", "PASS"]).matrix();
    says(&matrix, &[FindingKind::Suspect], 6);
    assert_eq!(words(&matrix), ["suspect", "pass"]);
    assert_eq!(matrix.findings[0].what, "check of steps.1: the text of REQ-1 was `Another text.`");

    let changed = Run { changed: vec!["settle.yaml"], ..run.clone() };
    let matrix = Lab::new().run(&changed, ["PASS", "PASS"]).matrix();
    assert_eq!(matrix.findings[1].what, "check of steps.2: the scenario has changed: settle.yaml");

    let of_row = |more: Value| {
        let mut lab = Lab::new();
        let mut gather = run.gather();
        gather.take(&row_with("steps.1", &["REQ-1"], "PASS", &more));
        gather.take(&row("steps.2", &["REQ-2"], "PASS"));
        gather.take(&ended());
        lab.verdicts.add(gather);
        let matrix = lab.matrix();
        says(&matrix, &[FindingKind::Suspect], 6);
        matrix.findings[0].what.clone()
    };
    assert!(of_row(json!({"limits": {"lower": 180.0, "upper": 210.0}})).ends_with("the limits were 180 and 210, and are 190 and 210"));
    assert!(of_row(json!({"check": "check of 200 µL"})).ends_with("the check was `check of 200 µL`"));
    assert!(
        of_row(json!({"rule": "simple", "rule_stated_by": "check"}))
            .ends_with("the decision rule simple was stated then, and is no longer")
    );
    assert!(of_row(json!({"requirements": ["REQ-2"]})).ends_with("it did not verify REQ-1 then"));
}

#[test]
fn what_has_not_changed_is_not_suspect() {
    // The row of a maximum has one of the two limits; a bench's rule is not the scenario's; an older record holds no requirements.
    let mut lab = Lab::new();
    let mut gather = Run { requirements: None, ..Run::on(1) }.gather();
    gather.take(&row_with("steps.1", &["REQ-1"], "PASS", &json!({"limits": {"upper": 210.000_000_000_000_03}, "statistic": "maximum"})));
    gather.take(&row_with("steps.2", &["REQ-2"], "PASS", &json!({"rule": "simple", "rule_stated_by": "bench"})));
    gather.take(&ended());
    lab.verdicts.add(gather);
    let matrix = lab.matrix();
    says(&matrix, &[], 0);
    assert_eq!(matrix.without_requirements, 1);
    assert!(trace_text(&matrix, Palette::plain()).contains("not in the records of 1 run: whether they have changed since is not known"));
    // A rule that is stated today must be the one that was applied.
    let mut lab = Lab::new().run(&Run::on(1), ["PASS", "PASS"]);
    lab.today.checks[0].rule = Some(Rule { rule: DecisionRule::Guarded, guard_factor: 0.5, stated_by: StatedBy::Requirement });
    let matrix = lab.matrix();
    assert_eq!(matrix.findings[0].what, "check of steps.1: the decision rule was three-way, and is guarded 0.5");
}

#[test]
fn evidence_comes_before_what_is_none() {
    let rehearsal = Run { evidence: false, ..Run::on(2) };
    let matrix = Lab::new().run(&Run::on(1), ["PASS", "PASS"]).run(&rehearsal, ["INCONCLUSIVE", "PASS"]).matrix();
    says(&matrix, &[], 0);
    let link = &matrix.requirements[0].links[0];
    assert_eq!((link.counted.as_ref().unwrap().run.run_id.as_str(), link.latest.as_ref().unwrap().run.run_id.as_str()), ("run-1", "run-2"));

    let matrix = Lab::new().run(&rehearsal, ["PASS", "PASS"]).matrix();
    says(&matrix, &[FindingKind::NotEvidence], 0);
    assert!(matrix.requirements[0].without_evidence());
    let mut lab = Lab::new().run(&rehearsal, ["PASS", "PASS"]);
    lab.today.evidence_only = true;
    let matrix = lab.matrix();
    says(&matrix, &[FindingKind::NotShown, FindingKind::NotEvidence], 6);
    assert_eq!(words(&matrix), ["not_shown", "not_shown"]);

    // What came to light at the end of a run holds for all of it.
    let mut lab = Lab::new();
    let mut gather = Run::on(1).gather();
    gather.take(&row("steps.1", &["REQ-1"], "PASS"));
    gather.take(&row("steps.2", &["REQ-2"], "PASS"));
    gather.take(&ended());
    gather.take(&Fact { at: RigTime(0), arrival: None, body: Body::Note(Note::NotEvidence { why: "the clock was lost".into() }) });
    lab.verdicts.add(gather);
    says(&lab.matrix(), &[FindingKind::NotEvidence], 0);
}

#[test]
fn a_case_without_its_end_shows_only_its_fails() {
    let mut lab = Lab::new();
    let mut gather = Run::on(1).gather();
    gather.take(&row("steps.1", &["REQ-1"], "PASS"));
    gather.take(&row("steps.2", &["REQ-2"], "FAIL"));
    lab.verdicts.add(gather);
    let matrix = lab.matrix();
    says(&matrix, &[FindingKind::Fail, FindingKind::NotShown], 1);
    assert!(matrix.findings[1].what.contains("ABORTED (record cut off)"), "{:?}", matrix.findings);
}

#[test]
fn the_worst_row_of_a_run_is_its_verdict() {
    let mut lab = Lab::new();
    let mut gather = Run::on(1).gather();
    for verdict in ["PASS", "INCONCLUSIVE", "PASS"] {
        gather.take(&row("steps.1", &["REQ-1"], verdict));
    }
    gather.take(&row("steps.2", &["REQ-2"], "PASS"));
    gather.take(&ended());
    lab.verdicts.add(gather);
    let matrix = lab.matrix();
    assert_eq!((words(&matrix), matrix.requirements[0].links[0].counted.as_ref().unwrap().row), (["not_shown", "pass"], 2));
}

#[test]
fn checks_and_requirements_that_have_no_partner_are_told() {
    let mut lab = Lab::new().run(&Run::on(1), ["PASS", "PASS"]);
    lab.today.checks.push(check("steps.3", &[]));
    lab.today
        .checks
        .push(TracedCheck { key: Key { scenario: "S-02".into(), case: String::new(), step: "steps.1".into() }, ..check("", &["REQ-9"]) });
    let matrix = lab.matrix();
    says(&matrix, &[FindingKind::NotRun, FindingKind::Unknown, FindingKind::Untraced], 6);
    assert_eq!(matrix.of(FindingKind::Unknown).next().unwrap().what, "`REQ-9` is not in the table of requirements (s.yaml)");
    assert_eq!(matrix.untraced.len(), 1);
}

#[test]
fn a_check_that_is_gone_keeps_its_fail() {
    let gone = |verdict: &str, verifies: &[&str]| {
        let mut lab = Lab::new().run(&Run::on(1), ["PASS", "PASS"]);
        let mut gather = Run::on(2).gather();
        gather.take(&row("steps.9", verifies, verdict));
        gather.take(&ended());
        lab.verdicts.add(gather);
        lab.matrix()
    };
    says(&gone("PASS", &["REQ-1"]), &[FindingKind::Gone], 0);
    says(&gone("FAIL", &["REQ-1"]), &[FindingKind::Fail], 1);
    // A step that is judged only when it goes wrong.
    says(&gone("FAIL", &[]), &[FindingKind::Fail], 1);
    says(&gone("PASS", &[]), &[], 0);
}

/// A matrix of hundreds of runs holds no more than one of two.
#[test]
fn what_is_kept_grows_with_checks_and_not_with_runs() {
    let mut lab = Lab::new();
    for day in 1..=30 {
        lab = lab.run(&Run::on(day), ["PASS", "PASS"]);
    }
    let matrix = lab.matrix();
    let link = &matrix.requirements[0].links[0];
    assert_eq!((matrix.runs, link.runs, link.counted.as_ref().unwrap().run.run_id.as_str()), (30, 30, "run-30"));
    assert_eq!((link.status, &link.worst, &link.latest), (Status::Pass, &None, &None));
}

#[test]
fn what_is_planned_may_be_left_out_of_the_exit_code_and_nothing_else() {
    let planned = || {
        let mut lab = Lab::new().run(&Run::on(1), ["PASS", "PASS"]);
        lab.today.requirements.push(requirement("REQ-3", Verification::Planned));
        lab
    };
    says(&planned().matrix(), &[FindingKind::Planned], 6);
    let mut lab = planned();
    lab.today.allow_planned = true;
    says(&lab.matrix(), &[FindingKind::Planned], 0);
    let mut lab = planned();
    lab.today.allow_planned = true;
    lab.today.requirements.push(requirement("REQ-4", Verification::Test));
    says(&lab.matrix(), &[FindingKind::Uncovered, FindingKind::Planned], 6);
}
