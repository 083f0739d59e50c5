//! Each way in which a line can be wrong has its own error, and a torn end is none.
#![allow(clippy::unwrap_used)]

mod common;

use common::{every_kind, every_kind_of_version_2, written};
use rig_model::fact::Fact;
use rig_record::{Cut, End, JournalReader, JournalWriter, MAX_LINE, ReadError};

const V1: &str = include_str!("golden/v1.jsonl");

fn header_line() -> &'static str {
    V1.lines().next().unwrap()
}

/// Reads the golden header and one more line.
fn second_line(line: &str) -> ReadError {
    let journal = format!("{}\n{line}\n", header_line());
    let mut reader = JournalReader::new(journal.as_bytes());
    assert_eq!(reader.next().expect("a header").expect("a good header").0, 1);
    let error = reader.next().expect("a second item").expect_err(line);
    assert!(reader.next().is_none(), "nothing comes after an error");
    assert_eq!(reader.end(), None);
    error
}

#[test]
fn each_wrong_line_is_named() {
    for (line, message) in [
        ("", "read line 2 of the journal: expected one JSON object with v, seq, t, kind, body and chain"),
        ("[]", "read line 2 of the journal: expected one JSON object with v, seq, t, kind, body and chain"),
        ("{", "read line 2 of the journal: expected one JSON object with v, seq, t, kind, body and chain"),
        (
            r#"{"v":1,"seq":2,"t":0,"kind":"link_up"}"#,
            "read line 2 of the journal: expected one JSON object with v, seq, t, kind, body and chain",
        ),
        (
            r#"{"v":1,"seq":2,"t":0,"kind":"link_up","chain":null,"more":1}"#,
            "read line 2 of the journal: expected one JSON object with v, seq, t, kind, body and chain",
        ),
        (
            r#"{"v":1,"seq":2,"t":0,"at":null,"kind":"link_up","chain":null}"#,
            "read line 2 of the journal: expected one JSON object with v, seq, t, kind, body and chain",
        ),
        (
            r#"{"v":1,"seq":2,"seq":2,"t":0,"kind":"link_up","chain":null}"#,
            "read line 2 of the journal: expected one JSON object with v, seq, t, kind, body and chain",
        ),
        (
            r#"{"v":1,"seq":2,"t":0,"kind":"link_up","chain":"none"}"#,
            "read line 2 of the journal: chain is \"none\", expected null, as in every line of format version 1",
        ),
        (r#"{"v":2,"number":2}"#, "read line 2 of the journal: format version 2, expected 1"),
        (r#"{"v":2,"seq":2,"t":0,"kind":"link_up","chain":null}"#, "read line 2 of the journal: format version 2, expected 1"),
        (r#"{"v":1,"seq":3,"t":0,"kind":"link_up","chain":null}"#, "read line 2 of the journal: sequence number 3, expected 2"),
        (
            r#"{"v":1,"seq":2,"t":0,"kind":"telegram","chain":null}"#,
            "read line 2 of the journal: unknown kind `telegram`, expected one of format version 2",
        ),
        (
            r#"{"v":1,"seq":2,"t":0,"kind":"done","body":{"id":-1},"chain":null}"#,
            "read line 2 of the journal: the body is not that of kind `done`",
        ),
        (r#"{"v":1,"seq":2,"t":0,"kind":"done","chain":null}"#, "read line 2 of the journal: the body is not that of kind `done`"),
        (r#"{"v":1,"seq":2,"t":0,"kind":"rx","body":"0g","chain":null}"#, "read line 2 of the journal: the body is not that of kind `rx`"),
        (r#"{"v":1,"seq":2,"t":0,"kind":"rx","body":"012","chain":null}"#, "read line 2 of the journal: the body is not that of kind `rx`"),
        (
            r#"{"v":1,"seq":2,"t":0,"kind":"done","body":{"id":1,"twice":true},"chain":null}"#,
            "read line 2 of the journal: unknown field `body.twice` in kind `done`",
        ),
        (
            r#"{"v":1,"seq":2,"t":0,"kind":"data_lost","body":{"why":"","chanel":"a"},"chain":null}"#,
            "read line 2 of the journal: unknown field `body.chanel` in kind `data_lost`",
        ),
        (&header_line().replace("\"seq\":1", "\"seq\":2"), "read line 2 of the journal: a second header, expected one on line 1 only"),
    ] {
        assert_eq!(second_line(line).to_string(), message, "{line}");
    }
}

#[test]
fn the_header_comes_first() {
    let line = "{\"v\":1,\"seq\":1,\"t\":0,\"kind\":\"link_up\",\"chain\":null}\n";
    let error = JournalReader::new(line.as_bytes()).next().unwrap().unwrap_err();
    assert_eq!(error.to_string(), "read line 1 of the journal: kind `link_up`, expected the header first");
    let unknown = header_line().replace("\"host\":", "\"hosts\":1,\"host\":") + "\n";
    let error = JournalReader::new(unknown.as_bytes()).next().unwrap().unwrap_err();
    assert_eq!(error.to_string(), "read line 1 of the journal: unknown field `hosts` in kind `header`");
}

#[test]
fn nothing_follows_the_end_of_the_run() {
    let journal = format!("{V1}\n");
    let error = JournalReader::new(journal.as_bytes()).find_map(Result::err).unwrap();
    assert_eq!(
        error.to_string(),
        format!("read line {} of the journal: expected nothing after the end of the run", V1.lines().count() + 1)
    );
}

#[test]
fn a_line_without_end_is_not_held_in_memory() {
    let endless = std::io::BufReader::new(std::io::repeat(b'x'));
    let error = JournalReader::new(endless).next().unwrap().unwrap_err();
    assert!(matches!(error, ReadError::TooLong { line: 1 }), "{error}");
    assert!(error.to_string().contains(&MAX_LINE.to_string()));
}

#[test]
fn what_is_no_text_is_named() {
    let error = JournalReader::new(&b"\xff\n"[..]).next().unwrap().unwrap_err();
    assert_eq!(error.to_string(), "read line 1 of the journal: expected UTF-8 text");
}

#[test]
fn a_journal_cut_anywhere_is_a_prefix() {
    let facts = every_kind_of_version_2();
    let journal = written(&facts);
    for cut in 0..journal.len() {
        let left = &journal.as_bytes()[..cut];
        let whole = left.iter().filter(|b| **b == b'\n').count();
        let torn = cut - left.iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
        let mut reader = JournalReader::new(left);
        let read: Vec<Fact> = reader.by_ref().map(|fact| fact.unwrap().1).collect();
        assert_eq!(read, facts[..whole], "cut after {cut} bytes");
        assert_eq!(reader.end(), Some(End::CutOff(Cut { line: whole as u64 + 1, bytes: torn as u64 })), "cut after {cut} bytes");
    }
}

/// Takes this many bytes, then nothing more.
struct Full(usize);

impl std::io::Write for Full {
    fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
        let n = buf.len().min(self.0);
        self.0 -= n;
        if n == 0 { Err(std::io::ErrorKind::StorageFull.into()) } else { Ok(n) }
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_named_and_nothing_follows_the_torn_line() {
    let facts = every_kind();
    let mut writer = JournalWriter::new(Full(written(&facts[..1]).len() + 10));
    writer.write(&facts[0]).unwrap();
    let error = writer.write(&facts[1]).unwrap_err();
    assert_eq!(error.to_string(), "write fact 2 to the journal");
    assert_eq!(std::error::Error::source(&error).expect("an I/O error").to_string(), "no storage space");
    assert_eq!(writer.write(&facts[1]).unwrap_err().to_string(), "write fact 2 to the journal: an earlier write failed");
    assert_eq!(writer.lines(), 1);
}
