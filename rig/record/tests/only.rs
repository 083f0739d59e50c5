//! Reading only some kinds: the same facts as the strict reader gives of them, and the same faults found in the lines that are passed over.
#![allow(clippy::unwrap_used, reason = "tests")]

use rig_model::event::Event;
use rig_model::fact::{Body, Fact};
use rig_record::{End, JournalReader};

const WHOLE: [&str; 2] = [include_str!("golden/v1.jsonl"), include_str!("golden/v2.jsonl")];

fn checks(text: &str) -> (Vec<(u64, Fact)>, Option<End>, Option<String>) {
    let mut reader = JournalReader::new(text.as_bytes()).only(&["check", "case_ended"]);
    let mut facts = Vec::new();
    let mut error = None;
    for fact in reader.by_ref() {
        match fact {
            Ok(fact) => facts.push(fact),
            Err(why) => error = Some(why.to_string()),
        }
    }
    (facts, reader.end(), error)
}

#[test]
fn the_facts_are_those_of_the_strict_reader() {
    for text in WHOLE {
        let wanted = |f: &Fact| matches!(f.body, Body::Header(_) | Body::Event(Event::Check(_) | Event::CaseEnded(_) | Event::RunEnded(_)));
        let strict: Vec<(u64, Fact)> = JournalReader::new(text.as_bytes()).map(Result::unwrap).filter(|(_, f)| wanted(f)).collect();
        assert!(strict.len() > 3, "{strict:?}");
        let (facts, end, error) = checks(text);
        assert_eq!((facts, end, error), (strict, Some(End::Complete), None));
    }
}

/// In every line that is passed over.
#[test]
fn what_is_passed_over_is_still_chained_and_numbered() {
    let lines: Vec<&str> = WHOLE[1].lines().collect();
    for i in 1..lines.len() - 1 {
        let mut changed: Vec<String> = lines.iter().map(|l| (*l).to_owned()).collect();
        changed[i] = changed[i].replacen("\"t\":", "\"t\":1", 1);
        let (_, end, error) = checks(&(changed.join("\n") + "\n"));
        assert_eq!(end, None);
        assert!(error.unwrap().contains(&format!("read line {} of the journal: the chain is broken", i + 1)));
    }
    let v1: Vec<&str> = WHOLE[0].lines().collect();
    let without: Vec<&str> = v1.iter().enumerate().filter(|(i, _)| *i != 4).map(|(_, l)| *l).collect();
    let (_, _, error) = checks(&(without.join("\n") + "\n"));
    assert!(error.unwrap().contains("read line 5 of the journal: sequence number 6, expected 5"));
    let unknown = WHOLE[0].replacen("\"kind\":\"rx\"", "\"kind\":\"tea\"", 1);
    assert!(checks(&unknown).2.unwrap().contains("unknown kind `tea`"));
}

#[test]
fn a_cut_is_told() {
    let text = WHOLE[1];
    let cut = &text[..text.len() - 3];
    assert!(matches!(checks(cut).1, Some(End::CutOff(_))));
}
