//! `rig approve status`: what counts, what is missing, and what stays bad. Evidence can't be made here, and so records are made of it: those of
//! simulated runs, with another header.

use std::fs;
use std::path::Path;

use rig_evidence::{Entry, FileDigest, Head, Ledger, Manifest, Sha256Hex, next_line};
use rig_model::event::Event;
use rig_model::fact::{Body, Fact, Header};
use rig_model::verdict::Verdict;
use rig_record::{JournalReader, JournalWriter};
use serde_json::Value;

use crate::hardware::real;
use crate::place::*;
use crate::support::{Outcome, chained_anew, project, table};

fn planned(repeats: u32) -> Place {
    let place = Place::new();
    place.change("plan.toml", "repeats = 1", &format!("repeats = {repeats}"));
    fs::copy(project().join("rig/benches/sim.toml"), place.file("sim.toml")).unwrap();
    place.write("bench.toml", &crate::hardware::bench());
    place.approve();
    place
}

/// Played on another bench than the plan's, which is a real one.
fn simulated(place: &Place, more: &[&str]) -> std::path::PathBuf {
    let before = place.runs();
    place.run(&[&["--bench", "sim.toml"], more].concat()).expect(0, &[]);
    place.runs().into_iter().find(|f| !before.contains(f)).unwrap()
}

/// The ledger anew, as if the run had been closed with the journal that lies in its folder now.
fn close_again(folder: &Path) {
    let text = fs::read(folder.join("journal.jsonl")).unwrap();
    let mut journal = JournalReader::new(&*text);
    journal.by_ref().for_each(|fact| drop(fact.unwrap()));
    let link = journal.head().and_then(|link| Sha256Hex::parse(&link.to_string()));
    let head = Head { lines: journal.lines(), link, complete: journal.end() == Some(rig_record::End::Complete) };
    let path = folder.parent().unwrap().join(Ledger::NAME);
    let name = folder.file_name().unwrap().to_str().unwrap();
    let (mut anew, mut mine) = (String::new(), String::new());
    for numbered in Ledger::read(&fs::read(&path).unwrap()).lines {
        let mut line = numbered.line;
        match &mut line.entry {
            Entry::Started { folder, .. } if folder == name => mine.clone_from(&line.run_id),
            Entry::Ended(closing) | Entry::Recovered(closing) if line.run_id == mine => closing.journal = Some(head.clone()),
            _ => {}
        }
        anew += &next_line(anew.as_bytes(), &line.run_id, line.entry).unwrap();
    }
    fs::write(path, anew).unwrap();
}

/// The manifest anew of what lies there, so that the run can be signed.
fn manifest_again(folder: &Path) {
    let path = folder.join(Manifest::NAME);
    let mut manifest = Manifest::parse(&fs::read_to_string(&path).unwrap()).unwrap();
    let text = fs::read(folder.join("journal.jsonl")).unwrap();
    let mut journal = JournalReader::new(&*text);
    journal.by_ref().for_each(|fact| drop(fact.unwrap()));
    manifest.journal.link = journal.head().and_then(|link| Sha256Hex::parse(&link.to_string()));
    manifest.journal.lines = journal.lines();
    manifest.files.insert("journal.jsonl".into(), FileDigest { sha256: Sha256Hex::of(&text), bytes: text.len() as u64 });
    fs::write(path, manifest.render().unwrap()).unwrap();
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
    close_again(folder);
}

/// A run under the plan, made evidence; with this verdict for its first case.
fn play(place: &Place, verdict: Verdict) -> std::path::PathBuf {
    let folder = simulated(place, &[]);
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
    let folder = simulated(&place, &[]);
    says(&place.status(&[]), 6, &["no evidence, and not counted:", "2 cases, at worst PASS", "0 of 2 played as evidence"]);
    type Change = fn(&mut Header);
    let changes: [(Change, &str); 3] = [
        (|h| h.bench = "other".to_owned(), "the bench is called `other`, in the plan `pi`"),
        (|h| h.started_utc = "2001-01-01T00:00:00Z".to_owned(), "the run began at 2001-01-01T00:00:00Z, before the plan was approved"),
        (|h| h.evidence = false, "its record does not claim to be"),
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
    says(&place.status(&[]), 4, &["damaged or gone", name, "the chain is broken"]);
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
    let folder = simulated(&place, &["--rerun-of", first.to_str().unwrap(), "--reason", "a tube had come off"]);
    rewrite(&folder, real, |_| true);
    says(&place.status(&[]), 0, &["2 of 2 played as evidence, complete; at worst PASS", "repeated by run"]);
}

#[test]
fn a_folder_without_runs_is_an_empty_one() {
    let place = planned(1);
    let signers = place.file("reports/allowed_signers").display().to_string();
    says(&place.status(&["--reports", "nowhere", "--signers", &signers]), 6, &["0 of 2 played as evidence"]);
    place.status(&[]).expect(6, &["no run was ever entered in `reports/ledger.jsonl`, or it was taken away"]);
}

#[test]
fn a_run_that_a_wrong_clock_puts_before_the_approval_is_shown() {
    let place = planned(1);
    let folder = simulated(&place, &[]);
    let early = |h: &mut Header| h.started_utc = "2001-01-01T00:00:00Z".to_owned();
    rewrite(&folder, early, |_| true);
    let path = place.file("reports/ledger.jsonl");
    let mut anew = String::new();
    for numbered in Ledger::read(&fs::read(&path).unwrap()).lines {
        let mut line = numbered.line;
        if let Entry::Started { started_utc, .. } = &mut line.entry {
            *started_utc = "2001-01-01T00:00:00Z".to_owned();
        }
        anew += &next_line(anew.as_bytes(), &line.run_id, line.entry).unwrap();
    }
    fs::write(path, anew).unwrap();
    says(&place.status(&[]), 6, &["the run began at 2001-01-01T00:00:00Z, before the plan was approved"]);
}

/// Each of these hid a FAIL.
#[test]
fn a_fail_is_not_hidden_by_what_is_done_to_its_folder() {
    type Hide = fn(&Place, &Path, &Path);
    let hide: [(Hide, &str); 6] = [
        (
            |_, failed, _| fs::remove_file(failed.join("journal.jsonl")).unwrap(),
            "its journal is gone: it may have been played under this plan",
        ),
        (|place, failed, _| another_plan(place, failed, false), "the chain is broken"),
        (|place, failed, _| another_plan(place, failed, true), "its journal is not the one with which it was closed"),
        (
            |_, failed, passed| _ = fs::copy(passed.join("journal.jsonl"), failed.join("journal.jsonl")).unwrap(),
            "another was put in its place",
        ),
        (
            |place, failed, _| {
                fs::remove_dir_all(failed).unwrap();
                fs::remove_file(place.file("reports/ledger.jsonl")).unwrap();
            },
            "no line of ledger.jsonl knows it",
        ),
        (
            |_, failed, passed| {
                fs::remove_dir_all(failed).unwrap();
                fs::rename(passed, failed).unwrap();
            },
            "it is gone",
        ),
    ];
    for (hide, words) in hide {
        let place = planned(1);
        let failed = play(&place, Verdict::Fail);
        let passed = play(&place, Verdict::Pass);
        says(&place.status(&[]), 1, &[]);
        hide(&place, &failed, &passed);
        says(&place.status(&[]), 4, &["damaged or gone", words]);
    }
}

/// The header names another plan, with the chain as it was or made anew.
fn another_plan(place: &Place, folder: &Path, chained: bool) {
    let path = folder.join("journal.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let sha256 = Sha256Hex::of(place.read(APPROVED)).to_string();
    let other = text.replacen(&sha256, &sha256.chars().rev().collect::<String>(), 1);
    let other = other.replacen("\\\"id\\\": \\\"PLAN-1\\\"", "\\\"id\\\": \\\"PLAN-2\\\"", 1);
    assert!(other != text && other.contains("PLAN-2"));
    fs::write(path, if chained { chained_anew(&other) } else { other }).unwrap();
}

#[test]
fn a_copy_of_a_run_is_named_and_counts_for_nothing() {
    let place = planned(2);
    let folder = play(&place, Verdict::Pass);
    let copy = folder.with_file_name("copy");
    fs::create_dir(&copy).unwrap();
    fs::copy(folder.join("journal.jsonl"), copy.join("journal.jsonl")).unwrap();
    says(&place.status(&[]), 4, &["2 of 4 played as evidence", "copy: no line of ledger.jsonl knows it", "it is the run in `"]);
}

#[test]
fn a_claim_that_its_own_header_contradicts_does_not_count() {
    let place = planned(1);
    let folder = simulated(&place, &[]);
    let forged = |header: &mut Header| {
        (header.simulated, header.evidence) = (false, true);
        header.provenance.not_evidence.clear();
    };
    rewrite(&folder, forged, |_| true);
    says(&place.status(&[]), 6, &["0 of 2 played as evidence", "the bench is simulated (`kind = \"sim\"`)"]);
}

#[test]
fn what_people_noted_to_a_row_is_heard() {
    let place = planned(1);
    let folder = play(&place, Verdict::Pass);
    let run = folder.to_str().unwrap();
    manifest_again(&folder);
    let note = |disposition: &str| {
        let by = ["--role", "operator", "--key", "key-1", "--id", "PR-1", "--note", "a tube had come off"];
        place.rig(&[&["deviation", run, "--row", "1", "--disposition", disposition], &by[..]].concat()).expect(0, &[]);
    };
    says(&place.status(&[]), 0, &[]);
    note("open");
    says(&place.status(&[]), 0, &["deviations that are open:", "row 1: PR-1: open: a tube had come off"]);
    note("retest");
    says(&place.status(&[]), 6, &["1 of 2 played as evidence, 1 missing", "PASS ", "not to be relied on (row 1: PR-1: retest)"]);
    note("bench-fault");
    says(&place.status(&[]), 6, &["not to be relied on (row 1: PR-1: bench fault)"]);
    note("accept-as-is");
    says(&place.status(&[]), 0, &["2 of 2 played as evidence, complete"]);
}

#[test]
fn a_bench_that_was_not_shown_safe_is_told() {
    let place = planned(1);
    let folder = play(&place, Verdict::Pass);
    rewrite(
        &folder,
        |_| {},
        |fact| {
            if let Body::Event(Event::RunEnded(ended)) = &mut fact.body {
                (ended.safe, ended.exit_code) = (false, 7);
            }
            true
        },
    );
    says(&place.status(&[]), 0, &["PASS ", ", the bench was not shown safe at the end"]);
    rewrite(&folder, |h| h.evidence = false, |_| true);
    says(&place.status(&[]), 6, &["    the bench was not shown safe at the end\n"]);
}
