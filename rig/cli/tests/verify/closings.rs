//! What the ledger tells of the end of a run, against the run as it lies there.

use std::fs;
use std::path::Path;

use rig_evidence::{Closing, Entry, FileDigest, Head, Ledger, Manifest, Sha256Hex};

use super::support::{Outcome, chained_anew, names, rig, write};
use super::{Lab, another_operator, said, verify};

/// Continues the ledger by a line about the first run.
pub fn enter(lab: &Lab, entry: Entry) {
    let path = lab.reports().join("ledger.jsonl");
    let mut ledger = fs::read(&path).unwrap();
    let run_id = Ledger::read(&ledger).lines[0].line.run_id.clone();
    ledger.extend(rig_evidence::next_line(&ledger, &run_id, entry).unwrap().into_bytes());
    fs::write(path, ledger).unwrap();
}

/// How the run's own files say that it was closed.
pub fn recovered(run: &Path) -> Entry {
    let manifest = fs::read_to_string(run.join("manifest.json")).unwrap();
    Entry::Recovered(Closing {
        utc: "2031-02-03T04:05:06Z".to_owned(),
        verdict: None,
        exit_code: None,
        manifest_sha256: Some(Sha256Hex::of(&manifest)),
        journal: Some(Manifest::parse(&manifest).unwrap().journal),
    })
}

/// All of a run made anew so that it fits together: what the ledger has of it does not, whatever was added to the ledger.
#[test]
fn a_run_that_was_made_anew_is_told_by_the_ledger() {
    let lab = Lab::of(2);
    another_operator(&lab);
    let ledger = fs::read_to_string(lab.reports().join("ledger.jsonl")).unwrap();
    fs::remove_file(lab.reports().join("ledger.jsonl")).unwrap();
    fs::remove_file(lab.runs[0].join("manifest.json")).unwrap();
    Outcome::of(rig(["report"]).arg(&lab.runs[0])).expect(0, &[]);
    said(&verify(&lab.runs[0]), 0, &["there is no ledger beside it: that it was not replaced as a whole is not shown"]);

    write(&lab.reports(), "ledger.jsonl", &ledger);
    let changed = ["ledger.jsonl line 2: the run's manifest is not the one with which it was closed", "expected:", "found:"];
    said(&verify(&lab.runs[0]), 4, &changed);
    said(&verify(&lab.reports()), 4, &["1 intact"]);

    enter(&lab, recovered(&lab.runs[0]));
    let changed = ["NOT INTACT", "ledger.jsonl line 2: the run's journal is not the one with which it was closed", "expected:", "found:"];
    said(&verify(&lab.runs[0]), 4, &changed);
    said(&verify(&lab.reports()), 4, &[changed[1], "1 intact"]);
}

/// A run that failed, in whose place lies one of which nothing was recorded.
#[test]
fn a_run_that_was_emptied_is_told_by_the_ledger() {
    let lab = Lab::of(1);
    let run = &lab.runs[0];
    for name in names(run) {
        fs::remove_file(run.join(name)).unwrap();
    }
    let run_id = {
        let ledger = fs::read(lab.reports().join("ledger.jsonl")).unwrap();
        Ledger::read(&ledger).lines[0].line.run_id.clone()
    };
    let nothing = FileDigest { sha256: Sha256Hex::of(""), bytes: 0 };
    let journal = Head { lines: 0, link: None, complete: false };
    let manifest = Manifest { v: Manifest::VERSION, run_id, journal, files: [("journal.jsonl".to_owned(), nothing)].into() };
    write(run, "journal.jsonl", "");
    write(run, "manifest.json", manifest.render().unwrap());
    enter(&lab, recovered(run));
    let words = ["NOT INTACT", "ledger.jsonl line 2: the run's journal is not the one with which it was closed"];
    said(&verify(run), 4, &words);
    said(&verify(&lab.reports()), 4, &words);
}

/// A verdict or an exit code that is only in the ledger is held against the run as well.
#[test]
fn a_closing_with_another_verdict() {
    for (verdict, exit_code, words) in [(Some("FAIL"), Some(0), "verdict"), (Some("PASS"), Some(1), "exit code")] {
        let lab = Lab::of(1);
        let Entry::Recovered(closing) = recovered(&lab.runs[0]) else { unreachable!() };
        enter(&lab, Entry::Recovered(Closing { verdict: verdict.map(str::to_owned), exit_code, ..closing }));
        said(&verify(&lab.runs[0]), 4, &[&format!("ledger.jsonl line 3: the run's {words} is not the one with which it was closed")]);
    }
}

/// No report is made in the name of a run whose journal is another one than when it was closed.
#[test]
fn reports_are_not_made_in_place_of_a_journal_that_was_changed() {
    let lab = Lab::of(1);
    let report = |words: &[&str]| Outcome::of(rig(["report"]).arg(&lab.runs[0])).expect(4, words);
    another_operator(&lab);
    let before = (names(&lab.runs[0]), fs::read(lab.reports().join("ledger.jsonl")).unwrap());
    report(&[
        "is not the one with which the run was closed (manifest.json has",
        "it is the journal that was changed",
        "nothing was written",
    ]);
    assert_eq!(before, (names(&lab.runs[0]), fs::read(lab.reports().join("ledger.jsonl")).unwrap()));
    fs::remove_file(lab.runs[0].join("manifest.json")).unwrap();
    report(&["(line 2 of ledger.jsonl has"]);
    // Under another name the ledger knows it by its folder.
    lab.change("journal.jsonl", |text| {
        let at = text.find("\"run_id\":\"").unwrap() + 10;
        chained_anew(&format!("{}0000{}", &text[..at], &text[at + 4..]))
    });
    report(&["(line 2 of ledger.jsonl has"]);
    let elsewhere = lab.dir.path().join("elsewhere");
    Outcome::of(rig(["report"]).arg(&lab.runs[0]).arg("--out").arg(elsewhere)).expect(0, &[]);
}

/// Reports that another version of the rig made anew are no fault, and are told.
#[test]
fn reports_made_anew_are_told() {
    let lab = Lab::of(1);
    let manifest = fs::read_to_string(lab.runs[0].join("manifest.json")).unwrap();
    // As if an earlier version had written them otherwise.
    let ledger = fs::read_to_string(lab.reports().join("ledger.jsonl")).unwrap();
    let other = ledger.replace(&Sha256Hex::of(&manifest).to_string(), &Sha256Hex::of("other").to_string());
    assert_ne!(ledger, other);
    write(&lab.reports(), "ledger.jsonl", other);
    said(&verify(&lab.runs[0]), 4, &["the run's manifest is not the one with which it was closed"]);
    enter(&lab, recovered(&lab.runs[0]));
    let words = ["its reports were made anew, on 2031-02-03T04:05:06Z (line 3 of the ledger)"];
    said(&verify(&lab.runs[0]), 0, &words);
    said(&verify(&lab.reports()), 0, &words);
}

/// Makes the ledger anew with other entries, its chain whole.
fn rewrite(lab: &Lab, change: impl Fn(&mut Entry)) {
    let path = lab.reports().join("ledger.jsonl");
    let before = Ledger::read(&fs::read(&path).unwrap());
    let mut ledger = Vec::new();
    for numbered in before.lines {
        let mut entry = numbered.line.entry;
        change(&mut entry);
        ledger.extend(rig_evidence::next_line(&ledger, &numbered.line.run_id, entry).unwrap().into_bytes());
    }
    fs::write(path, ledger).unwrap();
}

#[test]
fn the_start_of_a_run_is_the_one_in_the_ledger() {
    let lab = Lab::of(1);
    rewrite(&lab, |entry| {
        if let Entry::Started { number, .. } = entry {
            *number = 2;
        }
    });
    said(&verify(&lab.reports()), 4, &["ledger.jsonl line 1: the run's number is not the one with which it was started"]);
    let lab = Lab::of(1);
    rewrite(&lab, |entry| {
        if let Entry::Started { started_utc, .. } = entry {
            *started_utc = "2026-01-01T00:00:00Z".to_owned();
        }
    });
    let words = "ledger.jsonl line 1: when the run says that it began is not the one with which it was started";
    said(&verify(&lab.reports()), 4, &[words, "expected: 2026-01-01T00:00:00Z"]);

    let lab = Lab::of(1);
    let elsewhere = lab.reports().join("elsewhere");
    fs::rename(&lab.runs[0], &elsewhere).unwrap();
    said(
        &verify(&elsewhere),
        4,
        &["ledger.jsonl line 1: the run's folder is not the one with which it was started", "found:    elsewhere"],
    );
}
