use super::*;

fn closing() -> Closing {
    Closing {
        utc: "2031-02-03T04:05:06Z".to_owned(),
        verdict: Some("FAIL".to_owned()),
        exit_code: Some(1),
        manifest_sha256: Some(Sha256Hex::of("manifest")),
        journal: Some(Head { lines: 9, link: Some(Sha256Hex::of("link")), complete: true }),
    }
}

fn started(number: u64) -> Entry {
    Entry::Started { number, started_utc: "2031-02-03T04:05:06Z".to_owned(), folder: format!("20310203T040506Z_sim_{number}") }
}

fn signed() -> Entry {
    let statement = "signed/0001-operator.json".to_owned();
    Entry::Signed { statement, sha256: Sha256Hex::of("statement"), signature_sha256: Sha256Hex::of("signature") }
}

fn unknown() -> Closing {
    Closing { utc: "2031-02-03T05:00:00Z".to_owned(), verdict: None, exit_code: None, manifest_sha256: None, journal: None }
}

fn add(text: &mut Vec<u8>, run_id: &str, entry: Entry) {
    let line = next_line(text, run_id, entry).unwrap();
    text.extend_from_slice(line.as_bytes());
}

/// One line of each kind.
pub(crate) fn whole() -> Vec<u8> {
    let first = FIRST.replace("PREVIOUS", &Sha256Hex::of("").to_string());
    let mut text = first.into_bytes();
    add(&mut text, "b", started(2));
    add(&mut text, "b", Entry::Ended(closing()));
    add(&mut text, "c", started(3));
    add(&mut text, "c", Entry::Recovered(unknown()));
    add(&mut text, "b", signed());
    text
}

const FIRST: &str = "{\"v\":1,\"run_id\":\"a\",\"started_utc\":\"2031-01-01T00:00:00Z\",\"folder\":\"f\",\"previous\":\"PREVIOUS\"}\n";

/// If this fails, do not change the test: ledgers that lie on disks are like this.
#[test]
fn the_lines_are_these() {
    let text = String::from_utf8(whole()).unwrap();
    let lines: Vec<String> = text.lines().map(|l| l.split_once(",\"previous\":").unwrap().0.to_owned()).collect();
    assert_eq!(
        lines[1],
        r#"{"v":2,"run_id":"b","kind":"started","number":2,"started_utc":"2031-02-03T04:05:06Z","folder":"20310203T040506Z_sim_2""#
    );
    assert_eq!(
        lines[2],
        r#"{"v":2,"run_id":"b","kind":"ended","utc":"2031-02-03T04:05:06Z","verdict":"FAIL","exit_code":1,"manifest_sha256":"MANIFEST","journal":{"lines":9,"link":"LINK","complete":true}"#
            .replace("MANIFEST", &Sha256Hex::of("manifest").to_string())
            .replace("LINK", &Sha256Hex::of("link").to_string())
    );
    assert_eq!(lines[4], r#"{"v":2,"run_id":"c","kind":"recovered","utc":"2031-02-03T05:00:00Z""#);
    assert!(lines[5].starts_with(r#"{"v":2,"run_id":"b","kind":"signed","statement":"signed/0001-operator.json","sha256":""#));
    let previous = Sha256Hex::of(text.lines().nth(4).unwrap()).to_string();
    assert!(text.ends_with(&format!(",\"previous\":\"{previous}\"}}\n")), "SHA-256 of the line before, without its newline");
}

#[test]
fn what_was_written_is_read() {
    let ledger = Ledger::read(&whole());
    assert_eq!(ledger.faults, []);
    let entries: Vec<&Entry> = ledger.lines.iter().map(|n| &n.line.entry).collect();
    let old = Entry::Started { number: 1, started_utc: "2031-01-01T00:00:00Z".to_owned(), folder: "f".to_owned() };
    assert_eq!(entries, [&old, &started(2), &Entry::Ended(closing()), &started(3), &Entry::Recovered(unknown()), &signed()]);
    assert_eq!(ledger.of_run("b").map(|n| n.number).collect::<Vec<_>>(), [2, 3, 6]);
    assert_eq!(Ledger::read(b""), Ledger::default());
}

#[test]
fn any_byte_but_the_last_lines_that_is_changed_is_found() {
    let whole = whole();
    let last = whole[..whole.len() - 1].iter().rposition(|b| *b == b'\n').unwrap();
    for at in 0..whole.len() {
        for change in [1, 0x20, 0x80] {
            let mut altered = whole.clone();
            altered[at] ^= change;
            let sound = Ledger::read(&altered).faults.is_empty();
            assert!(!sound || at > last, "byte {at}: {}", String::from_utf8_lossy(&altered));
        }
    }
}

#[test]
fn lines_that_are_removed_added_or_swapped_are_found() {
    let whole = whole();
    let text = std::str::from_utf8(&whole).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let faults = |lines: &[&str]| Ledger::read(lines.concat().as_bytes()).faults;
    for at in 0..lines.len() {
        let mut without = lines.clone();
        without.remove(at);
        // That the last one is missing shows in the folder of the run, or in the numbers of the next runs.
        assert_eq!(faults(&without).is_empty(), at == lines.len() - 1, "{at}");
        let mut twice = lines.clone();
        twice.insert(at, lines[at]);
        assert!(!faults(&twice).is_empty(), "{at}");
        for with in 0..at {
            let mut swapped = lines.clone();
            swapped.swap(at, with);
            assert!(!faults(&swapped).is_empty(), "{at} {with}");
        }
    }
    assert!(!faults(&lines[1..]).is_empty());
}

#[test]
fn a_torn_line_stays_is_told_and_the_chain_goes_on_from_it() {
    let whole = whole();
    let lines = whole.iter().filter(|b| **b == b'\n').count();
    let before = whole[..whole.len() - 1].iter().rposition(|b| *b == b'\n').unwrap() + 1;
    for end in before..whole.len() {
        let mut text = whole[..end].to_vec();
        let ledger = Ledger::read(&text);
        assert_eq!(ledger.lines.len(), if end == whole.len() - 1 { lines } else { lines - 1 });
        assert_eq!(ledger.faults.is_empty(), end == before, "cut at {end}");
        add(&mut text, "d", started(4));
        add(&mut text, "d", Entry::Ended(closing()));
        let ledger = Ledger::read(&text);
        assert!(ledger.lines.iter().any(|n| n.line.entry == started(4)));
        match end {
            end if end == before || end == whole.len() - 1 => assert_eq!(ledger.faults, [], "cut at {end}"),
            _ => {
                let told: Vec<u64> = ledger.faults.iter().map(|f| f.line).collect();
                // The torn line may have been the start of a run: its number is not given again, which a writer heeds and this test does not.
                assert_eq!(told, [lines as u64, lines as u64 + 1], "cut at {end}: {:?}", ledger.faults);
                assert!(ledger.faults[1].what.contains("number 4, expected 5"));
            }
        }
    }
}

#[test]
fn what_no_rig_has_written_is_told() {
    let expect = |text: &str, words: &str| {
        let faults = Ledger::read(text.as_bytes()).faults;
        assert!(faults.iter().any(|f| f.what.contains(words)), "{text}: {faults:?}");
    };
    let whole = String::from_utf8(whole()).unwrap();
    expect(&whole.replacen("{\"v\":2", "{\"v\":3", 1), "it has version 3, expected 1 or 2");
    expect(&whole.replacen("\"number\":2", "\"number\": 2", 1), "another spelling");
    expect(&whole.replacen("\"number\":2", "\"number\":2,\"more\":1", 1), "another spelling");
    expect(&whole.replacen("\"number\":2", "\"number\":3", 1), "its run has number 3, expected 2");
    expect("\n", "no line of a ledger");
    expect("\0\0\0\n", "no line of a ledger");
    let many = "\n".repeat(1_000);
    assert_eq!(Ledger::read(many.as_bytes()).faults.len(), Ledger::MOST_FAULTS);
    assert_eq!(Ledger::read(b"\xff\n").faults[0].to_string(), "line 1: it is no UTF-8 text");
}
