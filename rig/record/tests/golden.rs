//! The literal lines of format version 1. If this fails do not change the test: journals of this version lie in archives.
#![allow(clippy::unwrap_used)]

mod common;

use common::every_kind;
use rig_model::fact::Fact;
use rig_record::{End, JournalReader, JournalWriter};

const V1: &str = include_str!("golden/v1.jsonl");

#[test]
fn every_kind_is_written_as_it_always_was() {
    let mut writer = JournalWriter::new(Vec::new());
    for fact in every_kind() {
        writer.write(&fact).unwrap();
    }
    let written = String::from_utf8(writer.into_inner()).unwrap();
    for (number, (written, golden)) in written.lines().zip(V1.lines()).enumerate() {
        assert_eq!(written, golden, "line {}", number + 1);
    }
    assert_eq!(written, V1);
}

#[test]
fn every_kind_is_read_as_it_was_meant() {
    let mut reader = JournalReader::new(V1.as_bytes());
    let facts: Vec<(u64, Fact)> = reader.by_ref().collect::<Result<_, _>>().unwrap();
    let expected: Vec<(u64, Fact)> = (1..).zip(every_kind()).collect();
    assert_eq!(facts, expected);
    assert_eq!(reader.end(), Some(End::Complete));
}
