//! The literal lines of the format's versions. If this fails do not change the test: journals of these versions lie in archives.
#![allow(clippy::unwrap_used)]

mod common;

use common::{every_kind, every_kind_of_version_2, written};
use rig_model::budget::{Component, Distribution, Origin};
use rig_model::event::Event;
use rig_model::fact::{Body, Fact, Header, Note};
use rig_model::input::{Action, Input};
use rig_model::verdict::{CheckRow, Family, StatedBy};
use rig_record::{End, JournalReader, JournalWriter};
use serde::Deserialize;

const V1: &str = include_str!("golden/v1.jsonl");
const V2: &str = include_str!("golden/v2.jsonl");

#[test]
fn every_kind_is_written_as_it_always_was() {
    let written = written(&every_kind_of_version_2());
    for (number, (written, golden)) in written.lines().zip(V2.lines()).enumerate() {
        assert_eq!(written, golden, "line {}", number + 1);
    }
    assert_eq!(written, V2);
}

#[track_caller]
fn is_read(text: &str, version: u32, meant: Vec<Fact>) {
    let mut reader = JournalReader::new(text.as_bytes());
    let facts: Vec<(u64, Fact)> = reader.by_ref().collect::<Result<_, _>>().unwrap();
    let expected: Vec<(u64, Fact)> = (1..).zip(meant).collect();
    assert_eq!(facts, expected);
    assert_eq!((reader.end(), reader.version()), (Some(End::Complete), Some(version)));
    let last = text.lines().last().unwrap();
    assert_eq!(reader.head().is_some_and(|head| last.ends_with(&format!(",\"chain\":\"{head}\"}}"))), version > 1);
}

#[test]
fn every_kind_is_read_as_it_was_meant() {
    is_read(V2, 2, every_kind_of_version_2());
}

/// Nothing writes it any more.
#[test]
fn version_1_is_read_as_it_was_meant() {
    is_read(V1, 1, every_kind());
}

#[test]
fn there_is_a_line_of_every_kind() {
    let kinds = [variants::<Input>(), variants::<Action>(), variants::<Event>(), variants::<Note>()].concat();
    for kind in kinds.iter().filter(|kind| *kind != "header") {
        assert!(V2.contains(&format!(",\"kind\":\"{kind}\"")), "{kind}");
    }
}

/// serde names all variants in its complaint about one that it does not know.
fn variants<'de, T: Deserialize<'de> + std::fmt::Debug>() -> Vec<String> {
    let complaint = serde_json::from_str::<T>(r#"{"kind":"?"}"#).unwrap_err().to_string();
    complaint.split(", expected ").nth(1).unwrap().split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// They came later and are written only where there is something to say, so that older readers read all else.
#[test]
fn what_a_real_bench_says_of_itself_comes_back() {
    let said = common::header();
    let real = Header {
        simulated_because: vec!["the port is a pty".to_owned()],
        warnings: vec!["flow.tip: its K-factor rests on no certificate".to_owned()],
        machine: Some("Raspberry Pi 5".to_owned()),
        ..said
    };
    let mut writer = JournalWriter::new(Vec::new());
    let fact = common::fact(0, Body::Header(Box::new(real)));
    writer.write(&fact).unwrap();
    let text = String::from_utf8(writer.into_inner()).unwrap();
    for words in [
        r#""simulated_because":["the port is a pty"]"#,
        r#""warnings":["flow.tip: its K-factor rests on no certificate"]"#,
        r#""machine":"Raspberry Pi 5""#,
    ] {
        assert!(text.contains(words), "`{words}` is not in {text}");
    }
    assert_eq!(JournalReader::new(text.as_bytes()).next().unwrap().unwrap().1, fact);
    let unsaid = ["simulated_because", "warnings", "machine"];
    assert!(unsaid.iter().all(|key| !V1.contains(&format!("{key:?}"))), "nothing is said where there is nothing to say");
}

/// So did these of a judged row; a row of an older journal has what they are when nothing is said.
#[test]
fn what_a_row_rests_on_comes_back() {
    let old = common::row();
    assert_eq!((old.guard_factor, old.rule_stated_by, old.family, old.test_uncertainty_ratio), (1.0, StatedBy::Default, None, None));
    let component = Component {
        name: "time stamps".into(),
        estimate: 0.0,
        unit: "s".into(),
        distribution: Distribution::Triangular,
        standard_uncertainty: None,
        sensitivity: -0.1,
        dof: Some(9.0),
        origin: Origin::Assumed,
        certificate: Some("CAL-0001".into()),
        common: true,
        bound: Some(1e-5),
    };
    let row = CheckRow {
        guard_factor: 0.5,
        rule_stated_by: StatedBy::Requirement,
        family: Some(Family { members: 7, risk: 0.0455 }),
        test_uncertainty_ratio: Some(1.0 / 3.0),
        budget: vec![component],
        ..old
    };
    let mut writer = JournalWriter::new(Vec::new());
    let facts = [common::fact(0, Body::Header(Box::new(common::header()))), common::fact(1, Body::Event(Event::Check(Box::new(row))))];
    facts.iter().for_each(|fact| writer.write(fact).unwrap());
    let read: Vec<Fact> = JournalReader::new(&writer.into_inner()[..]).map(|read| read.unwrap().1).collect();
    assert_eq!(read, facts);
}
