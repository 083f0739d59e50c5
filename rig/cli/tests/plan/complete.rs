//! `rig approve status`: what counts, what is missing, and what stays bad. Evidence can't be made here, and so records are made of it: those of
//! simulated runs, with another header.

use std::fs;
use std::path::Path;

use rig_model::event::Event;
use rig_model::fact::{Body, Fact, Header};
use rig_model::verdict::Verdict;
use rig_record::{JournalReader, JournalWriter};
use serde_json::Value;

use crate::place::*;
use crate::support::{Outcome, table};

fn planned(repeats: u32) -> Place {
    let place = Place::new();
    place.change("plan.toml", "repeats = 1", &format!("repeats = {repeats}"));
    place.approve();
    place
}

/// Writes a journal anew, with another header and other facts.
fn rewrite(folder: &Path, header: impl Fn(&mut Header), keep: impl Fn(&mut Fact) -> bool) {
    let path = folder.join("journal.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let mut writer = JournalWriter::new(Vec::new());
    for fact in JournalReader::new(text.as_bytes()) {
        let (_, mut fact) = fact.unwrap();
        if let Body::Header(found) = &mut fact.body {
            header(found);
        }
        if !keep(&mut fact) {
            break;
        }
        writer.write(&fact).unwrap();
    }
    fs::write(&path, writer.into_inner()).unwrap();
}

/// As if the bench had been a real one.
fn real(header: &mut Header) {
    header.simulated = false;
    header.evidence = true;
    header.provenance.not_evidence.clear();
}

/// A run under the plan, made evidence; with this verdict for its first case.
fn play(place: &Place, verdict: Verdict) -> std::path::PathBuf {
    let before = place.runs();
    place.run(&[]).expect(0, &[]);
    let folder = place.runs().into_iter().find(|f| !before.contains(f)).unwrap();
    let first = std::cell::Cell::new(true);
    rewrite(&folder, real, |fact| {
        if let Body::Event(Event::CaseEnded(ended)) = &mut fact.body
            && first.replace(false)
        {
            ended.verdict = verdict;
        }
        true
    });
    folder
}

#[track_caller]
fn says(outcome: &Outcome, code: i32, words: &[&str]) {
    outcome.expect(code, &[]);
    for words in words {
        assert!(outcome.stdout.contains(words), "{words}: {outcome:#?}");
    }
}

#[test]
fn a_plan_is_complete_when_everything_was_played_as_often_as_planned() {
    let place = planned(2);
    says(&place.status(&[]), 6, &["0 of 4 played as evidence, 4 missing", "STILL-01 [rate=20 µL/h] (2 of 2 missing)"]);
    play(&place, Verdict::Pass);
    says(&place.status(&[]), 6, &["2 of 4 played as evidence, 2 missing; at worst PASS", "(1 of 2 missing)", "    PASS "]);
    play(&place, Verdict::Pass);
    says(&place.status(&[]), 0, &["4 of 4 played as evidence, complete; at worst PASS"]);
    let lines: Vec<Value> = place.status(&["--json"]).stdout.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0]["attempts"].as_array().unwrap().len(), 2);
    assert_eq!((&lines[2]["kind"], &lines[2]["missing"], &lines[2]["verdict"]), (&"plan".into(), &0.into(), &"PASS".into()));
}

#[test]
fn the_worst_attempt_decides() {
    for (verdict, code, sum) in [
        (Verdict::Fail, 1, "4 of 4 played as evidence, complete; at worst FAIL"),
        (Verdict::Inconclusive, 3, "4 of 4 played as evidence, complete; at worst INCONCLUSIVE"),
        (Verdict::Error, 4, "3 of 4 played as evidence, 1 missing; at worst ERROR"),
        (Verdict::Aborted, 5, "3 of 4 played as evidence, 1 missing; at worst ABORTED"),
        (Verdict::Skipped, 6, "3 of 4 played as evidence, 1 missing; at worst SKIPPED"),
    ] {
        let place = planned(2);
        play(&place, verdict);
        play(&place, Verdict::Pass);
        says(&place.status(&[]), code, &[sum, verdict.name(), "    PASS "]);
    }
}

#[test]
fn what_was_cut_off_is_listed_and_a_fail_in_it_stays() {
    let place = planned(1);
    let folder = play(&place, Verdict::Pass);
    let cut = |failed: bool| {
        rewrite(
            &folder,
            |_| {},
            |fact| {
                if let (Body::Event(Event::Check(row)), true) = (&mut fact.body, failed) {
                    row.verdict = Verdict::Fail;
                }
                !matches!(fact.body, Body::Event(Event::CaseEnded(_)))
            },
        );
    };
    cut(false);
    says(&place.status(&[]), 5, &["0 of 2 played as evidence, 2 missing; at worst ABORTED", "ABORTED", "the run was cut off"]);
    cut(true);
    says(&place.status(&[]), 1, &["1 of 2 played as evidence, 1 missing; at worst FAIL", "the run was cut off"]);
}

#[test]
fn an_error_is_made_good_by_a_run_that_repeats_it_for_a_reason() {
    let place = planned(1);
    let first = play(&place, Verdict::Error);
    let second = play(&place, Verdict::Pass);
    says(&place.status(&[]), 4, &["2 of 2 played as evidence, complete; at worst ERROR"]);
    let id = |folder: &Path| table(&folder.join("results.csv"))[0]["run_id"].clone();
    let before = rig_model::fact::Predecessor { run_id: id(&first), folder: "f".to_owned(), reason: "a tube had come off".to_owned() };
    rewrite(&second, |h| h.provenance.rerun_of = vec![before.clone()], |_| true);
    says(&place.status(&[]), 0, &["2 of 2 played as evidence, complete; at worst PASS", "ERROR", "repeated by run"]);
}

#[test]
fn what_is_no_evidence_does_not_count() {
    let place = planned(1);
    place.run(&[]).expect(0, &[]);
    let folder = place.runs().pop().unwrap();
    says(&place.status(&[]), 6, &["no evidence, and not counted:", "2 cases, at worst PASS", "0 of 2 played as evidence"]);
    type Change = fn(&mut Header);
    let changes: [(Change, &str); 3] = [
        (|h| h.bench = "other".to_owned(), "the bench is called `other`, in the plan `sim`"),
        (|h| h.started_utc = "2001-01-01T00:00:00Z".to_owned(), "the run began at 2001-01-01T00:00:00Z, before the plan was approved"),
        (|h| h.evidence = false, "it was not played as evidence"),
    ];
    let whole = fs::read(folder.join("journal.jsonl")).unwrap();
    for (change, words) in changes {
        let header = |h: &mut Header| {
            real(h);
            change(h);
        };
        rewrite(&folder, header, |_| true);
        says(&place.status(&[]), 6, &[words, "0 of 2 played as evidence"]);
        fs::write(folder.join("journal.jsonl"), &whole).unwrap();
    }
    let other_board = |fact: &mut Fact| {
        if let Body::Event(Event::DutIdentified(identity)) = &mut fact.body {
            identity.firmware_hash = "ab".repeat(20);
        }
        true
    };
    rewrite(&folder, real, other_board);
    says(&place.status(&[]), 6, &["its board runs firmware abababab", "0 of 2 played as evidence"]);
}

#[test]
fn a_damaged_record_is_named() {
    let place = planned(1);
    let folder = play(&place, Verdict::Pass);
    says(&place.status(&[]), 0, &[]);
    let path = folder.join("journal.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("\"verdict\":\"PASS\"", "\"verdict\":\"FAIL\"", 1)).unwrap();
    let name = folder.file_name().unwrap().to_str().unwrap();
    says(&place.status(&[]), 4, &["can't be read", name, "the chain is broken"]);
}

#[test]
fn a_run_that_was_removed_is_missed() {
    let place = planned(1);
    let failed = play(&place, Verdict::Fail);
    play(&place, Verdict::Pass);
    says(&place.status(&[]), 1, &[]);
    fs::remove_dir_all(&failed).unwrap();
    let name = failed.file_name().unwrap().to_str().unwrap();
    says(&place.status(&[]), 4, &["2 of 2 played as evidence, complete", name, "it is gone: it may have been played under this plan"]);
    let ledger = place.read("reports/ledger.jsonl");
    place.write("reports/ledger.jsonl", ledger.split_once('\n').unwrap().1);
    says(&place.status(&[]), 4, &["ledger.jsonl: line 1: "]);
}

#[test]
fn a_run_repeats_another_by_its_own_word() {
    let place = planned(1);
    let first = play(&place, Verdict::Error);
    let again = place.run(&["--rerun-of", first.to_str().unwrap(), "--reason", "a tube had come off"]);
    again.expect(0, &[]);
    let folder = place.runs().into_iter().find(|f| *f != first).unwrap();
    rewrite(&folder, real, |_| true);
    says(&place.status(&[]), 0, &["2 of 2 played as evidence, complete; at worst PASS", "repeated by run"]);
}

#[test]
fn a_folder_without_runs_is_an_empty_one() {
    let place = planned(1);
    let signers = place.file("reports/allowed_signers").display().to_string();
    says(&place.status(&["--reports", "nowhere", "--signers", &signers]), 6, &["0 of 2 played as evidence"]);
}
