//! A record cut off anywhere: what was shown stays, what was not is never PASS.
#![allow(clippy::unwrap_used)]

mod common;

use common::{report, rows, small_run};
use rig_model::event::Event;
use rig_model::fact::{Body, Fact};
use rig_model::verdict::Verdict;
use rig_report::{End, Palette, Summary};

fn count(facts: &[Fact], which: impl Fn(&Event) -> bool) -> usize {
    facts.iter().filter(|fact| matches!(&fact.body, Body::Event(event) if which(event))).count()
}

fn failed(facts: &[Fact]) -> bool {
    count(facts, |event| matches!(event, Event::Check(row) if row.verdict == Verdict::Fail)) > 0
}

#[test]
fn cut_after_every_fact() {
    let whole = small_run();
    for cut in 0..whole.len() {
        let facts = &whole[..cut];
        let (folder, finished) = report(facts, End::Cut);
        assert!(finished.errors.is_empty());

        let begun = count(facts, |event| matches!(event, Event::CaseStarted(_)));
        let ended = count(facts, |event| matches!(event, Event::CaseEnded(_)));
        let cases = rows(&folder.text("scenarios.csv"));
        assert_eq!(cases.len(), begun, "cut after {cut} facts: every case that began has a row");
        assert_eq!(rows(&folder.text("results.csv")).len(), count(facts, |event| matches!(event, Event::Check(_))));
        if begun > ended {
            let open = cases.last().expect("a case is open");
            let expected = if failed(facts) && begun == 2 { "FAIL" } else { "ABORTED" };
            assert_eq!((open["verdict"].as_str(), open["reason"].as_str()), (expected, "record cut off"), "cut after {cut} facts");
        }

        let mut summary = Summary::new(Palette::plain());
        facts.iter().for_each(|fact| summary.take(fact));
        summary.finish(End::Cut);
        let expected = if failed(facts) { Verdict::Fail } else { Verdict::Aborted };
        assert_eq!(summary.verdict(), Some(expected), "cut after {cut} facts");
        assert!(!summary.safe());
        assert!(summary.render().contains("the record is cut off"));

        let junit = folder.text("junit.xml");
        assert!(junit.contains(&format!("type=\"{expected}\"")), "cut after {cut} facts: CI must not see green:\n{junit}");
    }
}

#[test]
fn an_end_that_is_not_in_the_record_is_a_cut_even_when_nobody_says_so() {
    let whole = small_run();
    let (folder, _) = report(&whole[..5], End::Complete);
    assert_eq!(rows(&folder.text("scenarios.csv"))[0]["verdict"], "ABORTED");
    assert!(folder.text("junit.xml").contains("type=\"ABORTED\""));
}

#[test]
fn a_record_that_could_not_be_read_to_its_end_is_not_taken_at_its_word() {
    let mut facts = small_run();
    if let Some(Fact { body: Body::Event(Event::RunEnded(end)), .. }) = facts.last_mut() {
        end.verdict = Some(Verdict::Pass);
    }
    let mut summary = Summary::new(Palette::plain());
    facts.iter().for_each(|fact| summary.take(fact));
    summary.finish(End::Cut);
    assert_eq!(summary.verdict(), Some(Verdict::Fail));
    assert!(!summary.safe());
}
