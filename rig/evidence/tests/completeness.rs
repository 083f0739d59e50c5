//! What counts towards a plan, and what no later attempt hides.

use rig_evidence::*;
use rig_model::verdict::Verdict::{self, *};

fn plan(repeats: u64) -> ApprovedPlan {
    let file = || FileHash { path: "f".to_owned(), sha256: Sha256Hex::of("") };
    let case = |case: &str| ApprovedCase { scenario: "A-01".to_owned(), case: case.to_owned(), file: "f".to_owned(), checks: 1 };
    let test = ApprovedTest {
        name: "t".to_owned(),
        duts: vec!["SN-1".to_owned(), "SN-2".to_owned()],
        model: "M".to_owned(),
        firmware: ApprovedFirmware { build_hashes: vec!["00112233".to_owned()], image: None },
        bench: "pi".to_owned(),
        bench_file: file(),
        certificates: Vec::new(),
        selection: PlanSelection { paths: vec!["s".to_owned()], tags: Vec::new(), filter: None },
        files: vec![file()],
        cases: vec![case(""), case("fast")],
        repeats,
        undecidable: Vec::new(),
    };
    let text = |text: &str| text.to_owned();
    ApprovedPlan {
        v: ApprovedPlan::VERSION,
        id: text("P"),
        revision: 1,
        title: text("t"),
        why: text("w"),
        changes: None,
        approver: text("a"),
        name: text("a"),
        utc: text("2026-01-01T00:00:00Z"),
        meaning: text("m"),
        rig: text("r"),
        plan: PlanText { path: text("p"), sha256: Sha256Hex::of(""), text: text("") },
        requirements: None,
        tests: vec![test],
    }
}

/// A run of both cases on that board; it begins in that second.
fn run(second: u32, serial: &str, verdicts: [Option<Verdict>; 2]) -> PlayedRun {
    let case = |(case, verdict): (&str, Option<Verdict>)| PlayedCase {
        scenario: "A-01".to_owned(),
        case: case.to_owned(),
        verdict,
        doubts: Vec::new(),
    };
    PlayedRun {
        run_id: format!("run-{second}"),
        folder: format!("folder-{second}"),
        started_utc: format!("2026-01-02T00:00:{second:02}Z"),
        test: "t".to_owned(),
        serial: Some(serial.to_owned()),
        not_evidence: Vec::new(),
        ended: verdicts.iter().all(Option::is_some),
        not_safe: false,
        rerun_of: Vec::new(),
        cases: ["", "fast"].into_iter().zip(verdicts).map(case).collect(),
    }
}

const GOOD: [Option<Verdict>; 2] = [Some(Pass), Some(Pass)];

/// Verdict, and how much is missing.
fn of(plan: &ApprovedPlan, runs: &[PlayedRun]) -> (Verdict, u64) {
    let found = Completeness::of(plan, runs);
    (found.verdict(), found.missing())
}

#[test]
fn complete_is_every_case_on_every_board_as_often_as_planned() {
    let plan = plan(2);
    assert_eq!(of(&plan, &[]), (Skipped, 8));
    let mut runs = vec![run(1, "SN-1", GOOD), run(2, "SN-1", GOOD), run(3, "SN-2", GOOD)];
    assert_eq!(of(&plan, &runs), (Skipped, 2));
    runs.push(run(4, "SN-2", GOOD));
    assert_eq!(of(&plan, &runs), (Pass, 0));
    runs.push(run(5, "SN-1", GOOD));
    let found = Completeness::of(&plan, &runs);
    assert_eq!((found.verdict(), found.cells[0].attempts.len(), found.wanted()), (Pass, 3, 8), "one more is listed too");
}

#[test]
fn nothing_later_hides_a_fail_or_what_could_not_be_decided() {
    let plan = plan(1);
    for bad in [Fail, Inconclusive] {
        let mut again = run(2, "SN-1", GOOD);
        again.rerun_of = vec!["run-1".to_owned()];
        let runs = [run(1, "SN-1", [Some(bad), Some(Pass)]), again, run(3, "SN-2", GOOD)];
        let found = Completeness::of(&plan, &runs);
        assert_eq!((found.verdict(), found.missing()), (bad, 0));
        let verdicts: Vec<Verdict> = found.cells[0].attempts.iter().map(|a| a.verdict).collect();
        assert_eq!(verdicts, [bad, Pass], "the cell shows both");
    }
}

#[test]
fn what_told_nothing_of_the_board_is_played_again_for_a_reason() {
    let plan = plan(1);
    for bad in [Some(Error), Some(Aborted), Some(Skipped), None] {
        let first = run(1, "SN-1", [bad, Some(Pass)]);
        let other = run(3, "SN-2", GOOD);
        let worst = bad.unwrap_or(Aborted);
        assert_eq!(of(&plan, &[first.clone(), other.clone()]), (worst, 1), "it fills no place");
        assert_eq!(of(&plan, &[first.clone(), run(2, "SN-1", GOOD), other.clone()]), (worst, 0), "without a reason it stays");
        let mut again = run(2, "SN-1", GOOD);
        again.rerun_of = vec!["run-1".to_owned()];
        let found = Completeness::of(&plan, &[first, again, other]);
        assert_eq!((found.verdict(), found.missing()), (Pass, 0));
        assert_eq!(found.cells[0].attempts[0].repeated_by.as_deref(), Some("run-2"), "and is listed for ever");
        assert_eq!(found.cells[0].attempts[0].cut_off, bad.is_none());
    }
}

#[test]
fn only_the_case_itself_played_again_clears_it() {
    let plan = plan(1);
    let first = [run(1, "SN-1", GOOD), run(2, "SN-1", [Some(Pass), None]), run(3, "SN-2", GOOD)];
    let with = |again: PlayedRun| of(&plan, &[&first[..], &[again]].concat());
    let repeats = |second: u32, serial: &str, verdicts| PlayedRun { rerun_of: vec!["run-2".to_owned()], ..run(second, serial, verdicts) };
    let mut part = repeats(4, "SN-1", GOOD);
    part.cases.pop();
    assert_eq!(with(part), (Aborted, 0), "another case than the one that was cut off");
    assert_eq!(with(repeats(4, "SN-2", GOOD)), (Aborted, 0), "another board");
    assert_eq!(with(repeats(4, "SN-1", [Some(Pass), Some(Error)])), (Error, 0), "it told nothing either");
    assert_eq!(with(repeats(0, "SN-1", GOOD)), (Aborted, 0), "an earlier run repeats nothing");
    let mut doubted = repeats(4, "SN-1", GOOD);
    doubted.cases[1].doubts = vec!["row 2: PR-1: retest".to_owned()];
    assert_eq!(with(doubted), (Aborted, 0), "not to be relied on");
    assert_eq!(with(repeats(4, "SN-1", GOOD)), (Pass, 0));
}

#[test]
fn what_is_not_to_be_relied_on_completes_nothing() {
    let plan = plan(1);
    for (verdict, expected) in [(Pass, (Skipped, 1)), (Inconclusive, (Inconclusive, 1)), (Fail, (Fail, 0))] {
        let mut doubted = run(1, "SN-1", [Some(verdict), Some(Pass)]);
        doubted.cases[0].doubts = vec!["row 1: PR-1: retest".to_owned()];
        assert_eq!(of(&plan, &[doubted, run(2, "SN-2", GOOD)]), expected, "{verdict}");
    }
}

#[test]
fn what_is_no_evidence_is_listed_and_does_not_count() {
    let plan = plan(1);
    type Change = fn(&mut PlayedRun);
    let changes: [(Change, &str); 5] = [
        (|r| r.not_evidence = vec!["the bench is simulated".to_owned()], "the bench is simulated"),
        (|r| r.serial = Some("SN-3".to_owned()), "its board SN-3 is not in the plan"),
        (|r| r.serial = None, "no board said who it is"),
        (|r| r.test = "u".to_owned(), "the plan has no test `u`"),
        (|r| r.run_id = "run-0".to_owned(), "it is the run in `folder-0` once more"),
    ];
    for (change, why) in changes {
        let mut aside = run(1, "SN-1", [Some(Fail), Some(Pass)]);
        change(&mut aside);
        let found = Completeness::of(&plan, &[run(0, "SN-2", GOOD), aside]);
        assert_eq!((found.verdict(), found.missing()), (Skipped, 2), "{why}");
        assert_eq!(found.aside[0].why, [why]);
        assert_eq!(found.aside[0].verdicts[0], ("A-01".to_owned(), Fail), "{why}");
    }
}
