//! Nothing is lost: runs that were cut off, however it came, are closed from what there is, kept, numbered and linked.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "the tests run the program and read its files")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use rig_evidence::{Closing, Entry, Ledger, Manifest, Sha256Hex};
use rig_model::event::Event;
use rig_model::fact::{Body, Fact};
use rig_record::{End, JournalReader};
use serde_json::Value;
use support::{Outcome, Run, SHORT, WHOLE, chained_anew, journal, names, reports, rig, table, write};

/// A run with a step that passes, a row that fails, and one that comes after it.
fn small() -> (tempfile::TempDir, PathBuf, String) {
    let dir = tempfile::tempdir().unwrap();
    let scenario = SHORT.replace("  - wait", "  - program: { basal: 2 L/h }\n  - wait");
    let short = write(dir.path(), "short.yaml", scenario);
    let run = Run::with(dir, &[short.to_str().unwrap(), "--seed", "7"]);
    run.outcome.expect(1, &[]);
    let folder = run.folder();
    let journal = journal(&folder);
    (run.dir, folder, journal)
}

/// A folder of reports as it is when the run was cut off: its start in the ledger, and of its journal the first `bytes`.
fn cut(at: &Path, run: &Path, journal: &[u8]) -> (PathBuf, PathBuf) {
    let _ = fs::remove_dir_all(at);
    let ledger = fs::read_to_string(run.parent().unwrap().join("ledger.jsonl")).unwrap();
    write(at, "ledger.jsonl", format!("{}\n", ledger.lines().next().unwrap()));
    let folder = at.join(run.file_name().unwrap());
    write(&folder, "journal.jsonl.partial", journal);
    // Views had begun, too.
    write(&folder, "results.csv.partial", "schema_ver");
    write(&folder, "gone.csv.partial", "");
    (at.to_owned(), folder)
}

fn last_entry(reports: &Path) -> Entry {
    let ledger = Ledger::read(&fs::read(reports.join("ledger.jsonl")).unwrap());
    assert_eq!(ledger.faults, []);
    ledger.lines.last().unwrap().line.entry.clone()
}

fn recovered(reports: &Path) -> Closing {
    match last_entry(reports) {
        Entry::Recovered(closing) => closing,
        other => panic!("{other:?}"),
    }
}

fn recover(reports: &Path) -> Outcome {
    Outcome::of(rig(["recover"]).arg(reports))
}

/// A loss of power in effigy: whatever byte is the last that reached the disk, the facts of the whole lines are there, and none besides.
#[test]
fn a_journal_cut_at_any_byte_has_every_fact_before_it() {
    let (_dir, _, text) = small();
    let whole: Vec<Fact> = JournalReader::new(text.as_bytes()).map(|read| read.unwrap().1).collect();
    let mut lines = 0;
    for at in 0..text.len() {
        let mut reader = JournalReader::new(&text.as_bytes()[..at]);
        let facts: Vec<Fact> = reader.by_ref().map(|read| read.unwrap().1).collect();
        lines += usize::from(at > 0 && text.as_bytes()[at - 1] == b'\n');
        assert_eq!(facts.len(), lines, "cut at {at}");
        assert!(facts == whole[..lines], "cut at {at}");
        assert!(matches!(reader.end(), Some(End::CutOff(cut)) if cut.line == lines as u64 + 1), "cut at {at}");
    }
    assert_eq!(lines, whole.len() - 1);
}

/// Through the program, at the end of every line and in the middle of every one.
#[test]
fn a_run_cut_off_anywhere_is_closed_with_all_that_was_proven() {
    let (dir, run, text) = small();
    let whole_rows = table(&run.join("results.csv"));
    let facts: Vec<Fact> = JournalReader::new(text.as_bytes()).map(|read| read.unwrap().1).collect();
    let ends: Vec<usize> = text.match_indices('\n').map(|(i, _)| i + 1).collect();
    let places = ends.iter().zip(ends.iter().skip(1)).enumerate().flat_map(|(n, (&end, &next))| [(end, n + 1), ((end + next) / 2, n + 1)]);
    for (at, lines) in [(0, 0), (1, 0), (ends[0] - 1, 0)].into_iter().chain(places) {
        let (reports, folder) = cut(&dir.path().join("cut"), &run, &text.as_bytes()[..at]);
        let outcome = recover(&reports);
        outcome.expect(0, &[]);
        assert!(outcome.stdout.contains("run 1 of ") && outcome.stdout.contains("is closed now"), "cut at {at}: {outcome:#?}");
        // Untouched, under its final name.
        assert!(fs::read(folder.join("journal.jsonl")).unwrap() == text.as_bytes()[..at], "cut at {at}");
        let closing = recovered(&reports);
        let manifest = fs::read_to_string(folder.join("manifest.json")).unwrap();
        assert_eq!(closing.manifest_sha256, Some(Sha256Hex::of(&manifest)));
        let manifest = Manifest::parse(&manifest).unwrap();
        assert_eq!(closing.journal.as_ref(), Some(&manifest.journal));
        assert_eq!((manifest.journal.lines, manifest.journal.complete), (lines as u64, false), "cut at {at}");
        assert_eq!(closing.exit_code, None);
        if lines == 0 {
            assert_eq!(names(&folder), ["journal.jsonl", "manifest.json"], "cut at {at}");
            assert_eq!(closing.verdict, None);
            continue;
        }
        assert_eq!(names(&folder), WHOLE, "cut at {at}");
        for (name, told) in &manifest.files {
            assert_eq!(told.sha256, Sha256Hex::of(fs::read(folder.join(name)).unwrap()), "{name}, cut at {at}");
        }
        let checks = facts[..lines].iter().filter(|f| matches!(f.body, Body::Event(Event::Check(_)))).count();
        assert!(table(&folder.join("results.csv")) == whole_rows[..checks], "cut at {at}");
        let cases = table(&folder.join("scenarios.csv"));
        let failed = whole_rows[..checks].iter().any(|r| r["verdict"] == "FAIL");
        assert!(cases.iter().all(|c| c["verdict"] == if failed { "FAIL" } else { "ABORTED" }), "cut at {at}: {cases:#?}");
        // Nothing is done twice.
        let again = recover(&reports);
        again.expect(0, &[]);
        assert!(again.stdout.contains("no run is left"), "{again:#?}");
    }
}

/// All of it is there, only its names were not given yet.
#[test]
fn a_run_that_had_come_to_its_end_is_closed_as_it_ended() {
    let (dir, run, text) = small();
    let (reports, folder) = cut(&dir.path().join("cut"), &run, text.as_bytes());
    let outcome = recover(&reports);
    outcome.expect(0, &[]);
    assert!(outcome.stdout.contains("had come to its end, but its reports were not whole"), "{outcome:#?}");
    for name in WHOLE {
        assert!(fs::read(folder.join(name)).unwrap() == fs::read(run.join(name)).unwrap(), "{name}");
    }
    let closing = recovered(&reports);
    assert_eq!((closing.verdict.as_deref(), closing.exit_code), (Some("FAIL"), Some(1)));
}

#[test]
fn the_next_run_closes_what_was_cut_off_says_so_and_is_linked_to_it() {
    let (dir, run, text) = small();
    let half = text.match_indices('\n').nth(12).unwrap().0 + 20;
    let (at, folder) = cut(&reports(&dir.path().join("next")), &run, &text.as_bytes()[..half]);
    let short = dir.path().join("short.yaml");
    let next = Outcome::of(&mut Run::command(&dir.path().join("next"), &[short.to_str().unwrap(), "--seed", "7"]));
    next.expect(1, &["run 1 of ", "was cut off in the middle of line 14 of its journal; it is closed now, ", folder.to_str().unwrap()]);
    let name = run.file_name().unwrap().to_str().unwrap();
    assert!(next.stdout.contains(&format!("repeats {name}: it was cut off")) && next.stdout.contains("run 2, bench sim"), "{next:#?}");
    assert_eq!(names(&folder), WHOLE);
    // The link is in the record, and in what is made of it.
    let second = fs::read_dir(&at).unwrap().map(|e| e.unwrap().path()).find(|p| p.is_dir() && *p != folder).unwrap();
    let header: Value = serde_json::from_str(journal(&second).lines().next().unwrap()).unwrap();
    let predecessor = &header["body"]["provenance"]["rerun_of"][0];
    assert_eq!((predecessor["folder"].as_str(), predecessor["reason"].as_str()), (Some(name), Some("it was cut off")));
    Outcome::of(rig(["replay"]).arg(&second)).expect(0, &[]);
    // What asks for something else repeats nothing.
    let (_, _) = cut(&reports(&dir.path().join("other")), &run, &text.as_bytes()[..half]);
    let other = Outcome::of(&mut Run::command(&dir.path().join("other"), &["scenarios/smoke", "--seed", "7"]));
    other.expect(0, &["is closed now"]);
    assert!(!other.stdout.contains("repeats"), "{other:#?}");
}

#[test]
fn a_run_says_which_one_it_repeats_and_why() {
    let (dir, run, _) = small();
    let short = dir.path().join("short.yaml");
    let arguments = [short.to_str().unwrap(), "--rerun-of", run.to_str().unwrap(), "--reason"];
    let again = Outcome::of(&mut Run::command(dir.path(), &[&arguments[..], &["the leak was mended"]].concat()));
    again.expect(1, &[]);
    let name = run.file_name().unwrap().to_str().unwrap();
    assert!(again.stdout.contains(&format!("repeats {name}: the leak was mended")), "{again:#?}");
    let blank = Outcome::of(&mut Run::command(dir.path(), &[&arguments[..], &[" "]].concat()));
    blank.expect(2, &["`--reason` says nothing"]);
    let alone = Outcome::of(&mut Run::command(dir.path(), &arguments[..3]));
    alone.expect(2, &["--reason <TEXT>"]);
    let nowhere = [short.to_str().unwrap(), "--rerun-of", "nowhere", "--reason", "x"];
    Outcome::of(&mut Run::command(dir.path(), &nowhere)).expect(2, &["there is no journal.jsonl in `nowhere`"]);
    let ledger = Ledger::read(&fs::read(reports(dir.path()).join("ledger.jsonl")).unwrap());
    assert_eq!(ledger.lines.len(), 4, "what was refused has no number");
}

#[test]
fn a_missing_folder_is_said_and_stops_nothing() {
    let (dir, run, text) = small();
    let (at, folder) = cut(&reports(&dir.path().join("next")), &run, text.as_bytes());
    fs::remove_dir_all(&folder).unwrap();
    let missing = ["1 run is in the ledger of ", "but not in the folder: ", folder.file_name().unwrap().to_str().unwrap()];
    for _ in 0..2 {
        let short = dir.path().join("short.yaml");
        Outcome::of(&mut Run::command(&dir.path().join("next"), &[short.to_str().unwrap()])).expect(1, &missing);
    }
    recover(&at).expect(4, &missing);
    // A run that was closed and removed is no business of the next run, and is told by whoever asks.
    let (at, _) = (reports(dir.path()), fs::remove_dir_all(&run).unwrap());
    recover(&at).expect(4, &["1 run is in the ledger"]);
}

/// The end of a closed run cut out of the ledger, and its journal changed and chained anew: nobody closes it as if it had been cut off.
#[test]
fn a_run_that_was_closed_is_not_closed_with_another_journal() {
    let (dir, run, text) = small();
    let ledger = reports(dir.path()).join("ledger.jsonl");
    let started = fs::read_to_string(&ledger).unwrap().lines().next().unwrap().to_owned();
    let forged = chained_anew(&text.replacen("\"verdict\":\"FAIL\"", "\"verdict\":\"PASS\"", 1));
    assert_ne!(forged, text);
    for (journal, code, words) in [(&forged, 4, &["not the one with which it was closed"][..]), (&text, 0, &[])] {
        fs::write(&ledger, format!("{started}\n")).unwrap();
        fs::write(run.join("journal.jsonl"), journal).unwrap();
        let manifest = fs::read(run.join("manifest.json")).unwrap();
        recover(&reports(dir.path())).expect(code, words);
        assert_eq!(fs::read(run.join("manifest.json")).unwrap(), manifest);
        assert_eq!(names(&run), WHOLE, "no beginnings are left");
    }
}

#[test]
fn ledgers_of_the_first_version_go_on() {
    let (dir, run, text) = small();
    let at = dir.path().join("old");
    let name = run.file_name().unwrap().to_str().unwrap();
    let line = |id: &str, folder: &str, previous: &str| {
        let previous = Sha256Hex::of(previous);
        format!(r#"{{"v":1,"run_id":"{id}","started_utc":"2026-01-01T00:00:00Z","folder":"{folder}","previous":"{previous}"}}"#)
    };
    let id = serde_json::from_str::<Value>(text.lines().next().unwrap()).unwrap()["body"]["run_id"].as_str().unwrap().to_owned();
    let first = line("a", "closed", "");
    let second = line(&id, name, &first);
    write(&at, "ledger.jsonl", format!("{first}\n{second}\n"));
    write(&at, "closed/manifest.json", "{}");
    // Cut in the middle of a line, far behind the header.
    let cut = text.lines().map(|line| line.len() + 1).take(text.lines().count() / 2).sum::<usize>() - 20;
    write(&at, &format!("{name}/journal.jsonl.partial"), &text[..cut]);
    let outcome = recover(&at);
    outcome.expect(0, &[]);
    assert!(outcome.stdout.contains("run 2 of 2026-01-01T00:00:00Z"), "{outcome:#?}");
    assert_eq!(names(&at.join("closed")), ["manifest.json"], "nothing was done to it");
    assert_eq!(names(&at.join(name)), WHOLE);
    recovered(&at);
}

/// A run without a journal is closed; what can't be one is told; neither keeps the others from being closed.
#[test]
fn what_can_not_be_read_is_closed_or_told_and_holds_up_nothing() {
    let (dir, run, text) = small();
    let (at, folder) = cut(&dir.path().join("cut"), &run, text.as_bytes());
    let mut ledger = fs::read(at.join("ledger.jsonl")).unwrap();
    for (n, folder) in (2..).zip(["empty", "garbage", "../elsewhere"]) {
        let entry = Entry::Started { number: n, started_utc: "2026-01-01T00:00:00Z".to_owned(), folder: folder.to_owned() };
        let line = rig_evidence::next_line(&ledger, &format!("id-{n}"), entry).unwrap();
        ledger.extend_from_slice(line.as_bytes());
    }
    fs::write(at.join("ledger.jsonl"), ledger).unwrap();
    fs::create_dir(at.join("empty")).unwrap();
    write(&at, "garbage/journal.jsonl.partial", b"\0\0\x1b[2J\n\xff");
    write(dir.path(), "elsewhere/journal.jsonl.partial", "untouched");
    let outcome = recover(&at);
    outcome.expect(4, &["`../elsewhere` as its folder, which is no name of one"]);
    for words in ["run 1 of", "run 2 of 2026-01-01T00:00:00Z it has no journal", "run 3 of"] {
        assert!(outcome.stdout.contains(words), "`{words}` is not in {outcome:#?}");
    }
    assert!(!outcome.stdout.contains('\x1b') && !outcome.stdout.contains('\0'), "{outcome:#?}");
    assert_eq!(names(&folder), WHOLE);
    assert_eq!(names(&at.join("empty")), ["manifest.json"]);
    assert_eq!(names(&at.join("garbage")), ["journal.jsonl", "manifest.json"]);
    assert_eq!(names(&dir.path().join("elsewhere")), ["journal.jsonl.partial"]);
    assert!(matches!(Ledger::read(&fs::read(at.join("ledger.jsonl")).unwrap()).faults[..], []));
    recover(dir.path()).expect(2, &["there is no ", "ledger.jsonl"]);
}

/// What a loss of power tore off the ledger stays, and the ledger goes on.
#[test]
fn a_torn_ledger_goes_on() {
    let (dir, run, _) = small();
    let path = reports(dir.path()).join("ledger.jsonl");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 40]).unwrap();
    let short = dir.path().join("short.yaml");
    // Its end was not known any more: it is closed again.
    Outcome::of(&mut Run::command(dir.path(), &[short.to_str().unwrap()])).expect(1, &["run 1 of", "had come to its end"]);
    assert_eq!(names(&run), WHOLE);
    let bytes = fs::read(&path).unwrap();
    assert!(bytes.starts_with(&whole[..whole.len() - 40]), "nothing was taken out of it");
    let ledger = Ledger::read(&bytes);
    assert_eq!(ledger.faults.iter().map(|f| f.line).collect::<Vec<_>>(), [2]);
    assert!(matches!(ledger.lines[1].line.entry, Entry::Recovered(_)), "{ledger:#?}");
    assert!(matches!(ledger.lines[2].line.entry, Entry::Started { number: 3, .. }), "{ledger:#?}");
}

/// Nothing is written into the folder of a run that is still going on.
#[test]
fn a_living_run_is_left_alone() {
    let (dir, run, text) = small();
    let (at, folder) = cut(&dir.path().join("cut"), &run, text.as_bytes());
    let held = fs::File::open(folder.join("journal.jsonl.partial")).unwrap();
    held.lock().unwrap();
    let outcome = recover(&at);
    outcome.expect(0, &[]);
    assert!(outcome.stdout.contains("run 1 is still going on") && !outcome.stdout.contains("no run is left"), "{outcome:#?}");
    Outcome::of(rig(["sign", "--role", "operator", "--meaning", "x", "--key", "none"]).arg(&folder))
        .expect(2, &["is still going on: sign it when"]);
    Outcome::of(rig(["report"]).arg(&folder)).expect(4, &["is still going on", "--out"]);
    assert_eq!(names(&folder), ["gone.csv.partial", "journal.jsonl.partial", "results.csv.partial"]);
    drop(held);
    recover(&at).expect(0, &[]);
    assert_eq!(names(&folder), WHOLE);
}

/// A run does not need the others, nor their ledger.
#[test]
fn a_copy_of_one_folder_is_enough() {
    let (dir, run, _) = small();
    let copy = dir.path().join("copy");
    fs::create_dir(&copy).unwrap();
    for name in WHOLE {
        fs::copy(run.join(name), copy.join(name)).unwrap();
    }
    Outcome::of(rig(["report"]).arg(&copy)).expect(1, &[]);
    Outcome::of(rig(["replay"]).arg(&copy)).expect(0, &[]);
    Outcome::of(rig(["explain"]).arg(&copy).arg("1")).expect(0, &[]);
    assert_eq!(names(&copy), WHOLE);
    assert!(!dir.path().join("ledger.jsonl").exists());
}

/// Runs that lie there without their ledger are told, and their numbers not given again.
#[test]
fn a_ledger_that_was_taken_away_is_missed() {
    let (dir, run, text) = small();
    let at = reports(dir.path());
    let ledger = at.join("ledger.jsonl");
    let short = dir.path().join("short.yaml");
    let again = || Outcome::of(&mut Run::command(dir.path(), &[short.to_str().unwrap()]));
    // One that somebody keeps there, such as a sample, is no matter of the ledger.
    fs::create_dir(at.join("sample")).unwrap();
    fs::copy(run.join("journal.jsonl"), at.join("sample/journal.jsonl")).unwrap();
    again().expect(1, &[]);
    let whole = fs::read(&ledger).unwrap();
    fs::remove_file(&ledger).unwrap();
    recover(&at).expect(2, &["there is no ", "2 runs lie in ", "does not know"]);
    fs::write(&ledger, "").unwrap();
    recover(&at).expect(0, &["2 runs lie in ", "does not know"]);
    again().expect(1, &["2 runs lie in ", "does not know", "bring back the ledger"]);
    let begun = Ledger::read(&fs::read(&ledger).unwrap());
    assert!(matches!(begun.lines[0].line.entry, Entry::Started { number: 3, .. }), "{begun:#?}");
    recover(&at).expect(0, &["2 runs lie in "]);
    // One that was cut off can't be closed without it.
    fs::write(&ledger, whole.split_inclusive(|b| *b == b'\n').skip(2).collect::<Vec<_>>().concat()).unwrap();
    fs::remove_dir_all(&run).unwrap();
    write(&run, "journal.jsonl.partial", &text[..text.len() / 2]);
    let outcome = recover(&at);
    outcome.expect(4, &["2 runs lie in ", "was cut off, or is going on"]);
    assert!(!outcome.stdout.contains("no run is left"), "{outcome:#?}");
}

#[test]
fn a_damaged_ledger_is_told_and_goes_on() {
    let (dir, _, _) = small();
    let at = reports(dir.path());
    let path = at.join("ledger.jsonl");
    let whole = fs::read_to_string(&path).unwrap();
    let (first, second) = whole.split_once('\n').unwrap();
    let short = dir.path().join("short.yaml");
    let damaged = [
        (format!("{whole}garbage\n").into_bytes(), "line 3: "),
        (format!("{first}\n\0\0\n{second}").into_bytes(), "line 2: "),
        (whole.replace('\n', "\r\n").into_bytes(), "line 1: "),
        // Nobody holds such a line in memory.
        ([whole.as_bytes(), &vec![b'x'; 65 << 20], b"\n", whole.as_bytes()].concat(), "line 3: "),
    ];
    for (bytes, place) in damaged {
        fs::write(&path, bytes).unwrap();
        recover(&at).expect(0, &["ledger.jsonl is damaged, ", place]);
        Outcome::of(&mut Run::command(dir.path(), &[short.to_str().unwrap()])).expect(1, &["is damaged, ", place]);
    }
    fs::write(&path, [whole.as_bytes(), &vec![b'x'; 65 << 20]].concat()).unwrap();
    Outcome::of(&mut Run::command(dir.path(), &[short.to_str().unwrap()])).expect(4, &["the last line of the ledger", "64 MiB"]);
}
