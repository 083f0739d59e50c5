//! `junit.xml` against the structure of the Jenkins schema (junit-10), read with an XML parser of its own.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;

use common::{check, event, fact, header, report, row, small_run};
use proptest::prelude::*;
use quick_xml::events::{BytesStart, Event as Xml};
use rig_model::event::{CaseEnded, Event, RunEnded};
use rig_model::fact::{Body, Fact};
use rig_model::verdict::{CheckRow, Counts, Verdict};
use rig_report::End;

struct Element {
    name: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
    children: &'static [&'static str],
    text: bool,
}

const fn element(
    name: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
    children: &'static [&'static str],
    text: bool,
) -> Element {
    Element { name, required, optional, children, text }
}

const OUTCOME: &[&str] = &["type", "message"];

/// What the schema allows, for the elements that a report without reruns may have.
const SCHEMA: &[Element] = &[
    element("testsuites", &[], &["name", "time", "tests", "failures", "errors"], &["testsuite"], false),
    element(
        "testsuite",
        &["name", "tests", "failures", "errors"],
        &["group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"],
        &["testsuite", "properties", "testcase", "system-out", "system-err"],
        false,
    ),
    element("properties", &[], &[], &["property"], false),
    element("property", &["name", "value"], &[], &[], false),
    element("testcase", &["name"], &["time", "classname", "group"], &["skipped", "error", "failure", "system-out", "system-err"], false),
    element("failure", &[], OUTCOME, &[], true),
    element("error", &[], OUTCOME, &[], true),
    element("skipped", &[], OUTCOME, &[], true),
];

fn rule(name: &str) -> &'static Element {
    SCHEMA.iter().find(|element| element.name == name).unwrap_or_else(|| panic!("element {name} is not in the schema"))
}

fn attributes(start: &BytesStart<'_>) -> BTreeMap<String, String> {
    start
        .attributes()
        .map(|attribute| {
            let attribute = attribute.unwrap();
            (String::from_utf8(attribute.key.0.to_vec()).unwrap(), attribute.unescape_value().unwrap().into_owned())
        })
        .collect()
}

/// Panics where the document departs from the schema; returns the elements with their attributes, in document order.
fn validated(xml: &str) -> Vec<(String, BTreeMap<String, String>)> {
    let forbidden = |c: char| matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    assert!(!xml.contains(forbidden), "XML 1.0 has no such characters");
    let mut reader = quick_xml::Reader::from_str(xml);
    let (mut open, mut seen): (Vec<&'static Element>, _) = (Vec::new(), Vec::new());
    loop {
        let event = reader.read_event().unwrap();
        match &event {
            Xml::Start(start) | Xml::Empty(start) => {
                let name = String::from_utf8(start.name().0.to_vec()).unwrap();
                let rule = rule(&name);
                match open.last() {
                    Some(parent) => assert!(parent.children.contains(&rule.name), "{name} in {}", parent.name),
                    None => assert_eq!(name, "testsuites"),
                }
                let attributes = attributes(start);
                for required in rule.required {
                    assert!(attributes.contains_key(*required), "{name} without {required}");
                }
                for attribute in attributes.keys() {
                    let known = rule.required.contains(&attribute.as_str()) || rule.optional.contains(&attribute.as_str());
                    assert!(known, "{name} with {attribute}");
                }
                if let (Some(time), true) = (attributes.get("time"), name.starts_with("testsuite")) {
                    assert!(time.chars().all(|c| c.is_ascii_digit() || c == '.'), "time {time}");
                }
                seen.push((name, attributes));
                if matches!(event, Xml::Start(_)) {
                    open.push(rule);
                }
            }
            Xml::End(_) => drop(open.pop().expect("an open element")),
            Xml::Text(text) => {
                let blank = text.decode().unwrap().trim().is_empty();
                assert!(blank || open.last().expect("text in an element").text, "text in {}", open.last().unwrap().name);
            }
            Xml::GeneralRef(_) => assert!(open.last().expect("text in an element").text),
            Xml::Decl(_) => {}
            Xml::Eof => break,
            other => panic!("{other:?} is not expected here"),
        }
    }
    assert!(open.is_empty());
    seen
}

fn document(facts: &[Fact], end: End) -> Vec<(String, BTreeMap<String, String>)> {
    validated(&report(facts, end).0.text("junit.xml"))
}

/// A run of one case with these rows and verdicts.
fn run(rows: &[Verdict], case: Verdict, whole: Option<Verdict>, safe: bool) -> Vec<Fact> {
    let mut counts = Counts::default();
    rows.iter().for_each(|verdict| counts.add(*verdict));
    let mut facts = vec![fact(0, Body::Header(Box::new(header()))), event(0, common::case_started("A-01", "", 1))];
    facts.extend(rows.iter().map(|verdict| check(1, row("steps.1", *verdict, 1.0))));
    facts.push(event(2, Event::CaseEnded(CaseEnded { verdict: case, counts, reason: "because".into() })));
    facts.push(event(2, Event::RunEnded(RunEnded { verdict: whole, checks: counts, cases: Counts::default(), safe, exit_code: 0 })));
    facts
}

/// Elements of a name, of the verdicts' own types.
fn types(document: &[(String, BTreeMap<String, String>)]) -> Vec<(&str, &str)> {
    let outcomes = document.iter().filter(|(name, _)| ["failure", "error", "skipped"].contains(&name.as_str()));
    outcomes.map(|(name, attributes)| (name.as_str(), attributes["type"].as_str())).collect()
}

#[test]
fn a_whole_run_is_valid() {
    let document = document(&small_run(), End::Complete);
    assert_eq!(types(&document), [("failure", "FAIL"), ("failure", "INCONCLUSIVE"), ("skipped", "SKIPPED")]);
    assert_eq!(document[0].1["tests"], "4");
}

#[test]
fn each_verdict_has_its_outcome() {
    use Verdict::{Aborted, Error, Fail, Inconclusive, Pass, Skipped};
    for (verdict, expected) in [
        (Pass, &[][..]),
        (Fail, &[("failure", "FAIL")]),
        (Inconclusive, &[("failure", "INCONCLUSIVE")]),
        (Error, &[("error", "ERROR")]),
        (Aborted, &[("error", "ABORTED")]),
        (Skipped, &[("skipped", "SKIPPED")]),
    ] {
        assert_eq!(types(&document(&run(&[verdict], verdict, Some(verdict), true), End::Complete)), expected);
    }
}

#[test]
fn no_green_where_a_row_does_not_tell() {
    use Verdict::{Error, Pass, Skipped};
    for (rows, case, whole, safe, expected) in [
        (&[Pass][..], Error, Some(Error), true, &[("error", "ERROR")][..]),
        (&[], Skipped, Some(Skipped), true, &[("skipped", "SKIPPED")]),
        (&[Pass], Pass, Some(Pass), false, &[("error", "ERROR")]),
        (&[Pass], Pass, Some(Error), true, &[("error", "ERROR")]),
        (&[Pass], Pass, None, true, &[("skipped", "SKIPPED")]),
    ] {
        assert_eq!(types(&document(&run(rows, case, whole, safe), End::Complete)), expected, "{rows:?} {case} {whole:?} {safe}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_is_valid_xml(text in any::<String>(), ending in "[\u{0}-\u{20}<>&\"'\u{fffe}\u{ffff}]{0,6}") {
        let text = text + &ending;
        let awkward = CheckRow { check: text.clone(), reason: text.clone(), value: None, value_text: Some(text.clone()), ..row("steps.1", Verdict::Fail, 1.0) };
        let facts = [fact(0, Body::Header(Box::new(header()))), event(0, common::case_started("A-01", &text, 1)), check(1, awkward)];
        document(&facts, End::Cut);
    }
}
