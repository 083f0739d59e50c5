//! `rig run --plan`: what is played, and whatever differs from what was approved.

use rig_evidence::Role;
use rig_model::fact::{Body, Header};
use rig_record::JournalReader;

use crate::place::*;
use crate::support::{Outcome, journal, table};

/// Of the run that this was.
fn header(place: &Place, run: &Outcome) -> Header {
    let folder = run.stdout.lines().find_map(|l| l.strip_prefix("record: ")).unwrap();
    let text = journal(&place.file(folder));
    let (_, first) = JournalReader::new(text.as_bytes()).next().unwrap().unwrap();
    let Body::Header(header) = first.body else { panic!("no header") };
    *header
}

fn differences(header: &Header) -> Vec<&String> {
    header.provenance.not_evidence.iter().filter(|why| why.contains("plan") || why.contains("approved")).collect()
}

#[test]
fn the_plan_is_played_as_it_was_approved() {
    let place = Place::new();
    place.approve();
    let outcome = place.run(&[]);
    outcome.expect(0, &["plan PLAN-1 revision 1, approved by ann@x (ann@x) on ", "test still, for SN-0001"]);
    assert!(outcome.stdout.contains("plan PLAN-1: 0 of 2 played as evidence, 2 missing"), "{outcome:#?}");
    let header = header(&place, &outcome);
    assert_eq!(differences(&header), Vec::<&String>::new());
    let approval = header.provenance.approval.as_ref().unwrap();
    assert_eq!((&approval.document.text, &approval.signature), (&place.read(APPROVED), &place.read(SIGNATURE)));
    assert_eq!((&*approval.test, header.cases.len()), ("still", 2));
    assert!(header.files.iter().any(|f| f.path == "scenarios/requirements.csv"), "the requirements are in the record");
    let run = place.runs()[0].display().to_string();
    let replay = place.rig(&["replay", &run]);
    replay.expect(0, &[]);
    // A part of it, by tag, by name or by path, lacks nothing.
    for part in [&["--filter", "rate=20"][..], &["scenarios/still.yaml"], &["./scenarios/still.yaml", "--filter", "rate=30"]] {
        let run = place.run(part);
        run.expect(0, &[]);
        assert_eq!(differences(&self::header(&place, &run)), Vec::<&String>::new(), "{part:?}");
    }
}

#[test]
fn whatever_has_changed_since_is_told_and_stands_in_the_record() {
    type Change = fn(&Place);
    let changes: [(&str, Change, &str); 8] = [
        ("a byte of a scenario", |p| p.change("scenarios/still.yaml", "says so", "says So"), "`scenarios/still.yaml` has changed"),
        (
            "a limit",
            |p| p.change("scenarios/still.yaml", "2 min", "3 min"),
            "`scenarios/still.yaml` has changed since it was approved: it was ",
        ),
        ("a fragment", |p| p.change("scenarios/fragments/settle.yaml", "1500", "1501"), "`scenarios/fragments/settle.yaml` has changed"),
        ("a requirement", |p| p.change("scenarios/requirements.csv", "stands", "stood"), "`scenarios/requirements.csv` has changed"),
        ("the bench", |p| p.change("bench.toml", "baud = 115200", "baud = 57600"), "`bench.toml` has changed"),
        (
            "the bench's name",
            |p| p.change("bench.toml", "name = \"sim\"", "name = \"sim-2\""),
            "the bench is called `sim-2`, in the plan `sim`",
        ),
        ("one more scenario", |p| _ = p.write("scenarios/more.yaml", crate::support::SHORT), "the case SHORT-01 is not in the plan"),
        (
            "no fragment",
            |p| p.change("scenarios/still.yaml", "  - include: fragments/settle.yaml\n", ""),
            "`scenarios/fragments/settle.yaml` (",
        ),
    ];
    for (what, change, words) in changes {
        let place = Place::new();
        place.approve();
        change(&place);
        let outcome = place.run(&[]);
        outcome.expect(0, &[words]);
        let header = header(&place, &outcome);
        assert!(differences(&header).iter().any(|why| why.starts_with(words)), "{what}: {:?}", header.provenance.not_evidence);
    }
}

#[test]
fn a_missing_fragment_is_a_bad_file() {
    let place = Place::new();
    place.approve();
    std::fs::remove_file(place.file("scenarios/fragments/settle.yaml")).unwrap();
    place.run(&[]).expect(2, &["fragments/settle.yaml", "still.yaml:9:"]);
    assert!(place.runs().is_empty());
}

#[test]
fn what_is_named_must_be_in_the_plan() {
    let place = Place::new();
    place.approve();
    place.write("other.yaml", crate::support::SHORT);
    place.run(&["other.yaml"]).expect(2, &["SHORT-01 (other.yaml) is not in test `still` of the plan PLAN-1: nothing was played"]);
    place.run(&["--filter", "rate=99"]).expect(6, &["nothing to play"]);
    place.run(&["--bench", "none.toml"]).expect(2, &["failed to open `none.toml`"]);
    place.run(&["--test", "other"]).expect(2, &["the plan PLAN-1 has no test `other`, but `still`"]);
    let elsewhere =
        crate::support::rig(["run", "--plan", APPROVED, "--out", "nowhere"]).current_dir(place.path()).env("RIG_SIGNERS", "none").output();
    crate::support::Outcome::from(elsewhere.unwrap()).expect(2, &["no file of allowed signers at `none`"]);
    place.rig(&["run", "--test", "still"]).expect(2, &["name the plan with `--plan`"]);
    assert!(place.runs().is_empty());
}

#[test]
fn a_board_of_another_serial_number_is_refused() {
    let place = Place::new();
    place.change("plan.toml", "SN-0001", "SN-0009");
    place.approve();
    place.run(&[]).expect(4, &[]);
    let rows = table(&place.runs()[0].join("results.csv"));
    let wrong = rows.iter().find(|r| r["reason_code"] == "wrong_dut").unwrap();
    assert_eq!(wrong["verdict"], "ERROR");
    assert_eq!(wrong["reason"], "serial number SN-0001 answers, which is no board of the approved plan (SN-0009)");
    assert!(rows.iter().all(|r| r["verdict"] != "PASS"), "{rows:#?}");
    place.rig(&["replay", &place.runs()[0].display().to_string()]).expect(0, &[]);
}

#[test]
fn a_board_with_another_firmware_is_refused() {
    let place = Place::new();
    place.change("plan.toml", firmware(), "00112233445566778899aabbccddeeff00112233");
    place.approve();
    place.run(&[]).expect(4, &[]);
    let rows = table(&place.runs()[0].join("results.csv"));
    let wrong = rows.iter().find(|r| r["reason_code"] == "wrong_dut").unwrap();
    assert!(wrong["reason"].ends_with("but the approved plan names 00112233445566778899aabbccddeeff00112233"), "{wrong:#?}");
    place.rig(&["replay", &place.runs()[0].display().to_string()]).expect(0, &[]);
    place.write("fw.bin", &format!("pump-build:{}\n", firmware()));
    let words = "the firmware image `fw.bin` (";
    let run = place.run(&["--firmware", "fw.bin"]);
    run.expect(0, &[words]);
    assert!(differences(&header(&place, &run)).iter().any(|why| why.starts_with(words)));
}

#[test]
fn evidence_is_not_played_where_anything_differs_from_the_plan() {
    let place = Place::new();
    place.approve();
    let before = place.run(&["--evidence"]);
    before.expect(2, &["the run would be no evidence", "the bench is simulated"]);
    assert!(!before.stderr.contains("approved test plan") && !before.stderr.contains("since it was approved"), "{before:#?}");
    place.change("scenarios/still.yaml", "says so", "says So");
    place.run(&["--evidence"]).expect(2, &["the run would be no evidence", "\n  `scenarios/still.yaml` has changed since it was approved"]);
    assert!(place.runs().is_empty());
    place.rig(&["run", "scenarios", "--evidence"]).expect(2, &["there is no approved test plan"]);
}

#[test]
fn an_approval_that_is_none_is_refused() {
    type Change = fn(&Place);
    let sign = |place: &Place, person, role| place.write(SIGNATURE, &signed(person, role, &place.read(APPROVED)));
    let changes: [(&str, Change, &str); 9] = [
        ("a byte", |p| p.change(APPROVED, "It may", "it may"), "it does not belong to this text"),
        ("a serial", |p| p.change(APPROVED, "SN-0001", "SN-0002"), "it does not belong to this text"),
        ("spelling", |p| p.change(APPROVED, "\"v\": 1,", "\"v\":  1,"), "the same content in another spelling"),
        ("no signature", |p| std::fs::remove_file(p.file(SIGNATURE)).unwrap(), "has no signature beside it"),
        ("half a signature", |p| p.change(SIGNATURE, "-----END", "----END"), "no SSH signature"),
        ("a plan that is none", |p| _ = p.write(APPROVED, &plan()), "can't be read as an approved plan"),
        (
            "the role is gone",
            |p| p.change("reports/allowed_signers", "rig-approver,rig-operator", "rig-operator"),
            "may not sign as approver",
        ),
        ("no signers", |p| std::fs::remove_file(p.file("reports/allowed_signers")).unwrap(), "there is no file of allowed signers"),
        ("the time", |p| p.change(APPROVED, "\"utc\": \"20", "\"utc\": \"30"), "it does not belong to this text"),
    ];
    for (what, change, words) in changes {
        let place = Place::new();
        place.approve();
        change(&place);
        for outcome in [place.run(&[]), place.status(&[])] {
            outcome.expect(2, &[words]);
        }
        assert!(place.runs().is_empty(), "{what}");
    }
    let place = Place::new();
    place.approve();
    for (person, role, words) in [
        (EVE, Role::Approver, "is not among the allowed signers"),
        (BOB, Role::Reviewer, "it was made for namespace `rig-reviewer`, expected `rig-approver`"),
        (BOB, Role::Approver, "is not `ann@x`'s"),
        (ANN, Role::Operator, "it was made for namespace `rig-operator`"),
    ] {
        sign(&place, person, role);
        place.run(&[]).expect(2, &["the plan `plan.approved.json` is not approved", words]);
    }
    // As if they had approved it themselves, with the rights that they have.
    for (person, name, words) in [
        (BOB, "bob@x", "`bob@x` may not sign as approver"),
        (CAT, "cat@x", "`cat@x` might sign until"),
        (BENCH, "bench-1", "is a bench's and never a person's"),
    ] {
        place.change(APPROVED, "\"approver\": \"ann@x\"", &format!("\"approver\": \"{name}\""));
        sign(&place, person, Role::Approver);
        place.run(&[]).expect(2, &[words]);
        place.change(APPROVED, &format!("\"approver\": \"{name}\""), "\"approver\": \"ann@x\"");
    }
    sign(&place, ANN, Role::Approver);
    place.run(&[]).expect(0, &[]);
}

#[test]
fn two_plans_are_not_one() {
    let place = Place::new();
    place.approve();
    place.change("plan.toml", "PLAN-1", "PLAN-2");
    place.approve_as(ANN, &["--out", "second.json"]).expect(0, &[]);
    place.run(&[]).expect(0, &[]);
    let of_second = place.rig(&["approve", "status", "second.json"]);
    of_second.expect(6, &[]);
    assert!(!of_second.stdout.contains("not counted"), "the run was under the other plan: {of_second:#?}");
    std::fs::copy(place.file("second.json.sig"), place.file(SIGNATURE)).unwrap();
    place.run(&[]).expect(2, &["it does not belong to this text"]);
}

#[test]
fn of_several_tests_one_is_named() {
    let place = Place::new();
    let first = plan();
    let second =
        first.split_once("[[test]]").unwrap().1.replace("\"still\"", "\"again\"").replace("repeats", "filter = \"rate=30\"\nrepeats");
    place.write("plan.toml", &format!("{first}\n[[test]]{second}"));
    place.approve();
    place.run(&[]).expect(2, &["has several tests: say which with `--test`, one of `still`, `again`"]);
    let run = place.run(&["--test", "again"]);
    run.expect(0, &[]);
    assert_eq!(header(&place, &run).cases.len(), 1);
}

#[test]
fn what_was_approved_as_undecidable_is_no_reason_unless_it_is_asked_for() {
    let place = Place::new();
    let bolus = "scenario: BOLUS-01\ntitle: t\ntime_limit: 20 min\nsteps:\n  - program: { bolus: 5 µL, over: 10 s }\n  - measure: dose\n    \
                 on: flow.tip\n    for: 1 min\n    during: [start]\n  - check: { volume_of: dose, is: 5 µL ± 0.1 % }\n";
    place.write("scenarios/bolus.yaml", bolus);
    place.approve_as(ANN, &["--allow-undecidable"]).expect(0, &[]);
    let asked = place.run(&["--evidence"]);
    asked.expect(2, &["the run would be no evidence"]);
    assert!(!asked.stderr.contains("of the checks can't be decided on this bench ("), "{asked:#?}");
    place.run(&["--evidence", "--require-decidable"]).expect(2, &["\n  1 of the checks can't be decided on this bench"]);
    place.run(&["--require-decidable"]).expect(2, &["`--require-decidable` wants every check to be decidable"]);
    assert!(place.runs().is_empty());
}
