//! What a run has left, held against what it had said and against the same run that was not killed.

use std::fs;
use std::path::Path;

use rig_evidence::{Manifest, Sha256Hex};
use rig_model::fact::{Body, Fact};
use rig_record::JournalReader;
use serde_json::Value;

use crate::support::{Outcome, Row, WHOLE, journal, names, rig, table};

/// How far a run came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// Killed before it was entered into the ledger.
    NotBegun,
    Cut,
    /// It closed itself.
    Closed,
}

impl Left {
    pub fn name(self) -> &'static str {
        match self {
            Self::NotBegun => "not begun",
            Self::Cut => "cut off",
            Self::Closed => "closed by itself",
        }
    }
}

/// The rows of the run that was not killed.
pub struct Reference(Vec<(String, String, String)>);

impl Reference {
    pub fn of(folder: &Path) -> Self {
        Self(rows(&table(&folder.join("results.csv"))))
    }
}

fn rows(table: &[Row]) -> Vec<(String, String, String)> {
    table.iter().map(|row| (row["step"].clone(), row["check"].clone(), row["verdict"].clone())).collect()
}

fn facts(folder: &Path, what: &str) -> Vec<Fact> {
    let text = journal(folder);
    JournalReader::new(text.as_bytes()).map(|read| read.unwrap_or_else(|e| panic!("{what}: {e}")).1).collect()
}

fn events(facts: &[Fact]) -> Vec<(i64, Value)> {
    let event = |fact: &Fact| match &fact.body {
        Body::Event(event) => Some((fact.at.0, serde_json::to_value(event).unwrap()["kind"].clone())),
        _ => None,
    };
    facts.iter().filter_map(event).collect()
}

/// Whatever had been said of a step that was completed is in the journal, and in the same words.
pub fn holds_what_was_said(folder: &Path, said: &[u8], what: &str) {
    let recorded = events(&facts(folder, what));
    let said = String::from_utf8_lossy(said);
    // A line that is torn was not said.
    let said: Vec<(i64, Value)> = said
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'))
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        // What comes first is said of the whole run, and is no event of it.
        .filter(|event| event["kind"] != "evidence")
        .map(|event| (event["t"].as_i64().unwrap(), event["kind"].clone()))
        .collect();
    let completed =
        said.iter().rposition(|(_, kind)| ["step_ended", "case_ended", "safe"].iter().any(|k| kind == k)).map_or(0, |at| at + 1);
    assert!(recorded.len() >= completed, "{what}: {completed} events were completed and only {} are recorded", recorded.len());
    let both = recorded.len().min(said.len());
    assert_eq!(recorded[..both], said[..both], "{what}");
}

/// Everything is whole, and nothing is PASS that had not passed.
pub fn is_closed(folder: &Path, reference: Option<&Reference>, again: &Path, what: &str) {
    let manifest = Manifest::parse(&fs::read_to_string(folder.join(Manifest::NAME)).unwrap()).unwrap();
    for (name, told) in &manifest.files {
        assert_eq!(told.sha256, Sha256Hex::of(fs::read(folder.join(name)).unwrap()), "{what}: {name}");
    }
    let facts = facts(folder, what);
    assert_eq!(manifest.journal.lines, facts.len() as u64, "{what}");
    if facts.is_empty() {
        assert_eq!(names(folder), ["journal.jsonl", "manifest.json"], "{what}");
        return;
    }
    assert_eq!(names(folder), WHOLE, "{what}");
    let results = rows(&table(&folder.join("results.csv")));
    if let Some(Reference(whole)) = reference {
        let complete = manifest.journal.complete;
        // A run that was told to end makes rows of its own for what it did not reach, and none of them is PASS.
        let same = results.iter().zip(whole).take_while(|(a, b)| a == b).count();
        assert!(same == results.len() || (complete && results[same..].iter().all(|row| row.2 != "PASS")), "{what}: {results:#?}");
    }
    let ended = facts.iter().filter(|f| matches!(&f.body, Body::Event(rig_model::event::Event::CaseEnded(_)))).count();
    let passed = table(&folder.join("scenarios.csv")).iter().filter(|case| case["verdict"] == "PASS").count();
    assert!(passed <= ended, "{what}: a case is PASS that had not ended");

    let _ = fs::remove_dir_all(again);
    let report = Outcome::of(rig(["report"]).arg(folder).arg("--out").arg(again));
    let code = report.code.unwrap_or_else(|| panic!("{what}: {report:#?}"));
    assert!(manifest.journal.complete || [1, 5].contains(&code), "{what}: {report:#?}");
    for name in WHOLE.into_iter().filter(|name| *name != "journal.jsonl") {
        assert!(fs::read(folder.join(name)).unwrap() == fs::read(again.join(name)).unwrap(), "{what}: {name}");
    }
    let replay = Outcome::of(rig(["replay"]).arg(folder));
    assert!(replay.stdout.starts_with("identical"), "{what}: {replay:#?}");
}

/// A folder that the ledger does not know: no fact was recorded in it.
pub fn has_nothing(folder: &Path) {
    let names = names(folder);
    assert!(names.is_empty() || names == ["journal.jsonl.partial"], "{}: {names:?}", folder.display());
    assert!(names.is_empty() || journal(folder).is_empty(), "{}", folder.display());
}
