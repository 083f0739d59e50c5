//! Any fact comes back as it was, and no bytes make the reader panic.
#![allow(clippy::unwrap_used)]

mod common;

use common::{header, row};
use proptest::prelude::*;
use rig_model::event::Event;
use rig_model::fact::{Body, Fact};
use rig_model::input::{Action, Bytes, Edges, Input, Lost, Real, Sense};
use rig_model::time::RigTime;
use rig_model::verdict::CheckRow;
use rig_record::{End, JournalReader, JournalWriter};

const V1: &str = include_str!("golden/v1.jsonl");
const V2: &str = include_str!("golden/v2.jsonl");

fn any_sense() -> impl Strategy<Value = Sense> {
    prop_oneof![Just(Sense::Forward), Just(Sense::Reverse), Just(Sense::On), Just(Sense::Off)]
}

fn any_edges() -> impl Strategy<Value = Edges> {
    (any::<String>(), any_sense(), any::<u64>(), any::<i64>(), any::<Vec<i64>>()).prop_map(|(channel, sense, first_number, first, then)| {
        Edges { channel: channel.into(), sense, first_number, first: RigTime(first), then }
    })
}

fn any_input() -> impl Strategy<Value = Input> {
    let lost = (any::<Option<String>>(), any::<Option<u64>>(), any::<String>());
    prop_oneof![
        any::<Vec<u8>>().prop_map(|bytes| Input::Rx(Bytes(bytes))),
        any_edges().prop_map(Input::Edges),
        (any::<String>(), any::<u64>()).prop_map(|(channel, bits)| Input::Reading { channel: channel.into(), value: real(bits) }),
        lost.prop_map(|(channel, count, why)| Input::Lost { what: Lost { channel: channel.map(Into::into), count, spurious: false, why } }),
        (any::<u64>(), any::<String>()).prop_map(|(id, why)| Input::Failed { id, why }),
        (any::<u64>(), any::<Option<String>>()).prop_map(|(id, operator)| Input::Answer { id, operator }),
        Just(Input::LinkUp),
    ]
}

/// Any number; all NaNs are one word in the journal.
fn real(bits: u64) -> Real {
    let x = f64::from_bits(bits);
    Real(if x.is_nan() { f64::NAN } else { x })
}

fn finite() -> impl Strategy<Value = f64> {
    any::<u64>().prop_map(f64::from_bits).prop_filter("finite", |x| x.is_finite())
}

fn any_row() -> impl Strategy<Value = CheckRow> {
    (any::<String>(), prop::option::of(finite()), prop::option::of(finite()), any::<Vec<String>>(), any::<i64>()).prop_map(
        |(text, value, nominal, names, at)| CheckRow {
            check: text.clone(),
            reason: text,
            value,
            nominal,
            requirements: names.into_iter().map(Into::into).collect(),
            started: RigTime(at),
            ..row()
        },
    )
}

fn any_fact() -> impl Strategy<Value = Fact> {
    let body = prop_oneof![
        4 => any_input().prop_map(Body::Input),
        1 => any::<Vec<u8>>().prop_map(|bytes| Body::Action(Action::Tx(Bytes(bytes)))),
        1 => any_row().prop_map(|row| Body::Event(Event::Check(Box::new(row)))),
        1 => any::<String>().prop_map(|name| Body::Event(Event::Mark { name: name.into() })),
    ];
    (any::<i64>(), any::<Option<i64>>(), body).prop_map(|(at, arrival, body)| Fact { at: RigTime(at), arrival: arrival.map(RigTime), body })
}

/// The line that serde makes of a fact, without any of the writer's short cuts, up to its link.
fn plain_line(seq: u64, fact: &Fact) -> String {
    let tagged = match &fact.body {
        Body::Header(_) => unreachable!("not among the arbitrary facts"),
        Body::Input(input) => serde_json::to_string(input),
        Body::Action(action) => serde_json::to_string(action),
        Body::Event(event) => serde_json::to_string(event),
        Body::Note(note) => serde_json::to_string(note),
    }
    .unwrap();
    let arrival = fact.arrival.map_or(String::new(), |at| format!(",\"at\":{}", at.0));
    let entries = tagged.strip_prefix('{').unwrap().strip_suffix('}').unwrap();
    format!("{{\"v\":2,\"seq\":{seq},\"t\":{}{arrival},{entries},\"chain\":\"", fact.at.0)
}

proptest! {
    #[test]
    fn any_fact_survives(facts in prop::collection::vec(any_fact(), 0..8)) {
        let mut writer = JournalWriter::new(Vec::new());
        let facts: Vec<Fact> = std::iter::once(common::fact(0, Body::Header(Box::new(header())))).chain(facts).collect();
        for fact in &facts {
            writer.write(fact).unwrap();
        }
        prop_assert_eq!(writer.lines(), facts.len() as u64);
        let bytes = writer.into_inner();
        let read: Vec<Fact> = JournalReader::new(&bytes[..]).map(|fact| fact.unwrap().1).collect();
        prop_assert_eq!(&read, &facts);
        let text = String::from_utf8(bytes).unwrap();
        for (seq, (line, fact)) in (1..).zip(text.lines().zip(&facts)).skip(1) {
            prop_assert_eq!(line.split_at(line.len() - 66).0, plain_line(seq, fact));
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in any::<Vec<u8>>()) {
        for _ in JournalReader::new(&bytes[..]) {}
    }

    #[test]
    fn no_damage_makes_the_reader_panic(damage in prop::collection::vec((0..V1.len(), any::<u8>()), 1..5)) {
        for golden in [V1, V2] {
            let mut bytes = golden.as_bytes().to_vec();
            for (at, byte) in &damage {
                bytes[*at] = *byte;
            }
            let read = JournalReader::new(&bytes[..]).take_while(Result::is_ok).count();
            prop_assert!(read <= golden.lines().count());
        }
    }

    /// Whatever is cut out, put in or written over: the lines up to there are read as they were, and nothing after them.
    #[test]
    fn nothing_behind_a_change_is_read(at in 0..V2.len(), length in 0..300usize, put in any::<Vec<u8>>()) {
        let whole = V2.as_bytes();
        let end = (at + length).min(whole.len());
        let changed = [&whole[..at], &put, &whole[end..]].concat();
        prop_assume!(changed != whole);
        let unchanged = changed.iter().zip(whole).take_while(|(a, b)| a == b).filter(|(byte, _)| **byte == b'\n').count();
        let mut reader = JournalReader::new(&changed[..]);
        let read: Vec<Fact> = reader.by_ref().map_while(Result::ok).map(|(_, fact)| fact).collect();
        prop_assert_eq!(&read[..], &common::every_kind_of_version_2()[..unchanged.min(read.len())]);
        prop_assert!(reader.end() != Some(End::Complete));
    }
}
