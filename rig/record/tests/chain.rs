//! What the chain of a journal shows, and what it can't show without its head being kept elsewhere.
#![allow(clippy::unwrap_used)]

mod common;

use common::{every_kind_of_version_2, written};
use rig_model::fact::Fact;
use rig_record::{Cut, End, JournalReader, JournalWriter, ReadError};
use sha2::{Digest, Sha256};

const V1: &str = include_str!("golden/v1.jsonl");
const V2: &str = include_str!("golden/v2.jsonl");

/// How many lines can be read, and why no more.
fn read(journal: &[u8]) -> (u64, Result<End, ReadError>) {
    let mut reader = JournalReader::new(journal);
    let error = reader.by_ref().find_map(Result::err);
    (reader.lines(), error.map_or_else(|| Ok(reader.end().expect("it was read to its end")), Err))
}

/// The line at which reading stops with an error.
fn fault(journal: &[u8]) -> u64 {
    let (lines, result) = read(journal);
    assert!(result.is_err(), "{result:?}");
    lines + 1
}

fn lines() -> Vec<&'static str> {
    V2.split_inclusive('\n').collect()
}

fn cut_before(line: usize) -> End {
    End::CutOff(Cut { line: line as u64, bytes: 0 })
}

/// Another byte that might well stand in its place.
fn plausible(byte: u8) -> u8 {
    match byte {
        b'9' => b'0',
        b'0'..=b'8' => byte + 1,
        b'z' | b'Z' => byte - 1,
        b'a'..=b'y' | b'A'..=b'Y' => byte + 1,
        b'\n' => b' ',
        _ => b'\n',
    }
}

#[test]
fn any_changed_byte_is_found_in_its_line() {
    let mut journal = V2.as_bytes().to_vec();
    let mut line = 1;
    for at in 0..journal.len() {
        let byte = journal[at];
        for other in [byte ^ 1, plausible(byte), b'"'] {
            if other == byte {
                continue;
            }
            journal[at] = other;
            if at + 1 == journal.len() {
                // Without its line end the last line is one that a power failure tore.
                assert_eq!(read(&journal).1.unwrap(), End::CutOff(Cut { line, bytes: journal.len() as u64 - last_line_start() }));
            } else {
                assert_eq!(fault(&journal), line, "byte {at} `{}` made `{}`", byte.escape_ascii(), other.escape_ascii());
            }
        }
        journal[at] = byte;
        line += u64::from(byte == b'\n');
    }
}

fn last_line_start() -> u64 {
    (V2.len() - lines().last().unwrap().len()) as u64
}

/// The truth of a changed line is that it was changed, whatever has become of its JSON; only what is no text, or ends in no link, is told as that.
#[test]
fn a_changed_line_is_told_as_a_broken_chain() {
    let line = |n: usize| lines()[n - 1];
    for (n, changed) in [
        (2, line(2).replace("001fff", "001ffe")),
        (2, line(2).replace("{\"v\":2", "\"v\":2")),
        (2, line(2).replace("\"v\":2", "\"v\":3")),
        (2, line(2).replace("\"seq\":2", "\"seq\":3")),
        (2, line(2).replace("\"rx\"", "\"telegram\"")),
        (1, line(1).replace("\"simulated\":false", "\"simulated\":true")),
        (1, line(1).replace("\"v\":2", "\"v\":1")),
    ] {
        assert_ne!(changed, line(n));
        let before: String = lines()[..n - 1].concat();
        let (_, result) = read((before + &changed).as_bytes());
        assert!(matches!(result, Err(ReadError::Chain { line, .. }) if line == n as u64), "{changed}: {result:?}");
    }
    let (_, result) = read((line(1).to_owned() + &line(2).replace("001fff", "001ffe")).as_bytes());
    let error = result.unwrap_err().to_string();
    assert!(error.starts_with("read line 2 of the journal: the chain is broken: its link is "), "{error}");
    assert!(error.ends_with("; this line was changed, or lines before it were removed, added or moved"), "{error}");
}

#[test]
fn a_removed_line_is_found_where_it_was() {
    let lines = lines();
    for gone in 0..lines.len() {
        let left = [&lines[..gone], &lines[gone + 1..]].concat().concat();
        let (read, result) = read(left.as_bytes());
        assert_eq!(read, gone as u64);
        match result {
            Err(ReadError::Chain { line, .. }) => assert_eq!(line, gone as u64 + 1),
            // Nothing in a journal says what came after it: that takes the head, which the manifest keeps.
            Ok(end) => assert_eq!((gone, end), (lines.len() - 1, cut_before(lines.len()))),
            other => panic!("line {gone}: {other:?}"),
        }
    }
}

#[test]
fn a_doubled_line_is_found_as_the_second_of_the_two() {
    let lines = lines();
    for twice in 1..=lines.len() {
        let doubled = [&lines[..twice], &lines[twice - 1..]].concat().concat();
        assert_eq!(fault(doubled.as_bytes()), twice as u64 + 1);
    }
}

#[test]
fn moved_lines_are_found_at_the_first_that_is_out_of_place() {
    for from in 0..lines().len() {
        for to in 0..lines().len() {
            if from == to {
                continue;
            }
            let mut moved = lines();
            let line = moved.remove(from);
            moved.insert(to, line);
            assert_eq!(fault(moved.concat().as_bytes()), from.min(to) as u64 + 1, "{from} to {to}");
        }
    }
    let reversed: String = lines().into_iter().rev().collect();
    assert_eq!(fault(reversed.as_bytes()), 1);
}

/// New numbers make a gap no less of one.
#[test]
fn a_line_that_is_not_from_this_run_is_found_whatever_its_number() {
    let lines = lines();
    let other = written(&every_kind_of_version_2()[..30]).replace("SMOKE-01", "SMOKE-02");
    for (n, foreign) in (2..).zip(other.split_inclusive('\n').skip(1)) {
        let foreign = foreign.replace("closed", "opened").replace("\"t\":", "\"t\":1");
        let put_in = [&lines[..n - 1], &[foreign.as_str()], &lines[n..]].concat().concat();
        assert_eq!(fault(put_in.as_bytes()), n as u64);
    }
    let removed = [&lines[..5], &[&*lines[6].replace("\"seq\":7", "\"seq\":6")]].concat().concat();
    assert!(matches!(read(removed.as_bytes()).1, Err(ReadError::Chain { line: 6, .. })));
}

#[test]
fn versions_do_not_mix() {
    let (old, new): (Vec<&str>, Vec<&str>) = (V1.split_inclusive('\n').collect(), lines());
    for n in 1..old.len() {
        let (at, result) = read([&new[..n], &old[n..]].concat().concat().as_bytes());
        assert!(matches!(result, Err(ReadError::Version { found: 1, expected: 2, .. })), "{n}: {result:?}");
        assert_eq!(at, n as u64);
        let (at, result) = read([&old[..n], &new[n..]].concat().concat().as_bytes());
        assert!(matches!(result, Err(ReadError::Version { found: 2, expected: 1, .. })), "{n}: {result:?}");
        assert_eq!(at, n as u64);
    }
    // Of a version to come not even the links can be judged.
    let (_, result) = read(V2.replace("{\"v\":2,", "{\"v\":3,").as_bytes());
    assert!(matches!(result, Err(ReadError::Version { line: 1, found: 3, expected: 2 })), "{result:?}");
}

#[test]
fn a_line_without_its_link_is_no_line_of_version_2() {
    let lines = lines();
    let null = |line: &str| format!("{},\"chain\":null}}\n", line.split_once(",\"chain\":\"").unwrap().0);
    let not_last = |line: &str| {
        let (head, link) = line.rsplit_once(",\"chain\":").unwrap();
        format!("{{\"chain\":{},{}}}\n", link.trim_end_matches(['}', '\n']), &head[1..])
    };
    for n in 0..lines.len() {
        for changed in [null(lines[n]), not_last(lines[n])] {
            let (at, result) = read([&lines[..n], &[&*changed]].concat().concat().as_bytes());
            assert!(matches!(result, Err(ReadError::Unchained { version: 2, .. })), "{changed}: {result:?}");
            assert_eq!(at, n as u64);
        }
    }
    let error = read(null(lines[0]).as_bytes()).1.unwrap_err();
    assert_eq!(
        error.to_string(),
        "read line 1 of the journal: it does not end in its link to the line before, as every line of format version 2 does"
    );
}

#[test]
fn a_torn_last_line_is_left_out_and_breaks_nothing() {
    let whole: String = lines()[..20].concat();
    for torn in 1..lines()[20].len() {
        let journal = whole.clone() + lines()[20].get(..torn).unwrap_or("{");
        let (read, result) = read(journal.as_bytes());
        assert_eq!(read, 20);
        assert!(matches!(result, Ok(End::CutOff(Cut { line: 21, .. }))), "{result:?}");
    }
}

/// Whoever changes a line and makes every link after it anew leaves a good chain. Only its head gives it away, to those who hold the old one.
#[test]
fn a_tail_made_anew_is_found_only_by_the_head() {
    let facts = every_kind_of_version_2();
    let head_of = |facts: &[Fact]| {
        let mut writer = JournalWriter::new(Vec::new());
        facts.iter().for_each(|fact| writer.write(fact).unwrap());
        let head = writer.head().unwrap();
        (writer.into_inner(), head)
    };
    let (journal, head) = head_of(&facts);
    for changed in 0..facts.len() {
        let mut forged = facts.clone();
        forged[changed].arrival = Some(rig_model::time::RigTime(99));
        let (forged_journal, forged_head) = head_of(&forged);
        assert_eq!(read(&forged_journal).1.unwrap(), End::Complete, "the chain alone does not tell");
        assert_ne!(forged_head, head, "line {changed}");
        let same = journal.iter().zip(&forged_journal).take_while(|(a, b)| a == b).filter(|(byte, _)| **byte == b'\n').count();
        assert_eq!(same, changed, "every line from the change on is another one");
    }
}

/// The chain as an auditor computes it, by nothing but what the page on the record says.
#[test]
fn an_auditor_needs_nothing_of_ours() {
    let mut before = String::new();
    for line in V2.lines() {
        let (text, link) = line.rsplit_once(",\"chain\":\"").unwrap();
        let digest = Sha256::digest(format!("{before}{text}"));
        let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(format!("{digits}\"}}"), link, "{line}");
        before = digits;
    }
    let mut reader = JournalReader::new(V2.as_bytes());
    assert!(reader.by_ref().all(|fact| fact.is_ok()));
    assert_eq!(reader.head().unwrap().to_string(), before);
}
