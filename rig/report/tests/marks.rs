//! Every file of a run says whether it is evidence, and what keeps it from being.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Folder, channels, rows, small_run};
use rig_model::fact::{Body, Fact, Note};
use rig_model::time::RigTime;
use rig_report::{End, Finder, Found, Palette, Summary, Views};

const TABLES: [&str; 7] = ["results.csv", "scenarios.csv", "delivery.csv", "events.csv", "budgets.csv", "curves.csv", "figures.csv"];

/// The small run on a bench that has hardware, with these reasons in its header.
fn run(reasons: &[&str]) -> Vec<Fact> {
    let mut facts = small_run();
    let Body::Header(header) = &mut facts[0].body else { panic!("a header") };
    header.simulated = false;
    header.provenance.not_evidence = reasons.iter().map(|r| (*r).to_owned()).collect();
    facts
}

fn report(facts: &[Fact], late: &[&str]) -> Folder {
    let folder = Folder::default();
    let mut views = Views::new(channels(), |name| folder.open(name)).marked(late.iter().map(|r| (*r).to_owned()).collect());
    facts.iter().for_each(|fact| views.take(fact));
    views.finish(End::Complete);
    folder
}

/// What each file says: whether it is evidence, and the reasons where it has room for them.
#[track_caller]
fn says(folder: &Folder, evidence: bool, reasons: &[&str]) {
    let evidence = evidence.to_string();
    for name in TABLES {
        let rows = rows(&folder.text(name));
        assert!(!rows.is_empty(), "{name}");
        for row in rows {
            assert_eq!(row["evidence"], evidence, "{name}");
            assert!(row.get("not_evidence").is_none_or(|cell| *cell == reasons.join("; ")), "{name}: {row:?}");
        }
    }
    for name in ["results.csv", "scenarios.csv"] {
        assert!(rows(&folder.text(name)).iter().all(|row| row.contains_key("not_evidence")), "{name}");
    }
    let package: serde_json::Value = serde_json::from_str(&folder.text("datapackage.json")).unwrap();
    assert_eq!((package["evidence"].to_string(), package["not_evidence"].clone()), (evidence.clone(), serde_json::json!(reasons)));
    let junit = folder.text("junit.xml");
    let suites = junit.matches("<testsuite ").count();
    assert_eq!(junit.matches(&format!("<property name=\"evidence\" value=\"{evidence}\"/>")).count(), suites);
    for why in reasons {
        assert_eq!(junit.matches(&format!("<property name=\"not_evidence\" value=\"{why}\"/>")).count(), suites, "{why}");
    }
    assert_eq!(junit.matches("name=\"not_evidence\"").count(), suites * reasons.len());
}

#[test]
fn a_run_that_is_evidence_says_so_everywhere() {
    says(&report(&run(&[]), &[]), true, &[]);
}

#[test]
fn a_reason_is_in_every_file() {
    says(&report(&run(&["no operator is named"]), &[]), false, &["no operator is named"]);
}

#[test]
fn what_comes_to_light_late_marks_the_rows_from_the_first_on() {
    says(&report(&run(&[]), &["the clock was lost"]), false, &["the clock was lost"]);
    says(&report(&run(&["no operator is named"]), &["the clock was lost"]), false, &["no operator is named", "the clock was lost"]);
}

/// Before the end of the run, as a live run records it.
fn with_note(mut facts: Vec<Fact>, why: &str) -> Vec<Fact> {
    let note = Fact { at: RigTime(1), arrival: None, body: Body::Note(Note::NotEvidence { why: why.to_owned() }) };
    facts.insert(facts.len() - 1, note);
    facts
}

#[test]
fn the_summary_and_an_explained_row_show_it() {
    for (facts, expected, label) in [
        (run(&[]), None, "seed 42, evidence"),
        (run(&["a"]), Some("NOT EVIDENCE: a\n"), "seed 42, not evidence"),
        (run(&["a", "b\u{1b}"]), Some("NOT EVIDENCE: a; b\u{fffd}\n"), "seed 42, not evidence"),
        (
            run(&["a", "b", "c"]),
            Some("NOT EVIDENCE: a; and 2 more reasons, which every row of results.csv names\n"),
            "seed 42, not evidence",
        ),
        (with_note(run(&[]), "late"), Some("NOT EVIDENCE: late\n"), "seed 42, not evidence"),
    ] {
        let (mut summary, mut finder) = (Summary::new(Palette::plain()), Finder::new("1"));
        for fact in &facts {
            summary.take(fact);
            finder.take(fact);
        }
        summary.finish(End::Complete);
        let text = summary.render();
        assert_eq!(text.contains("NOT EVIDENCE"), expected.is_some(), "{text}");
        assert!(expected.is_none_or(|words| text.contains(words)), "{text}");
        assert!(text.contains(label), "{text}");
        let Found::One(explanation) = finder.found() else { panic!("row 1") };
        assert_eq!(explanation.render(Palette::plain()).contains("NOT EVIDENCE: "), expected.is_some());
        assert_eq!(explanation.json()["evidence"], expected.is_none());
        assert_eq!(explanation.json()["not_evidence"].as_array().unwrap().is_empty(), expected.is_none());
    }
}
