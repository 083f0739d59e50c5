//! A run that this program plays, held in memory, and what a forger would do to it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use clap::Parser;
use rig_evidence::{Closing, Entry, FileDigest, Head, Ledger, Manifest, Sha256Hex, next_line};
use rig_record::{End, JournalReader};

use super::super::files::Memory;
use super::super::{Beside, Fault, Files, Findings, run};
use crate::folder::JOURNAL;

/// A defective pump's bolus: short, with a FAIL in it.
const SCENARIO: &str = "scenario: TAMPER-01
title: A bolus of which too much comes
time_limit: 10 min
given: { pump: factory_reset, reservoir: 20 mL, catheter: primed }
steps:
  - program: { bolus: 10 µL, over: 8 s }
  - measure: dose
    on: flow.tip
    until: { pump: stopped, then_quiet_for: 10 s }
    within: 5 min
    during: [start]
  - check: { volume_of: dose, is: 10 µL ± 5 % }
finally:
  - stop
";

/// The run that nearly all tests change.
pub static RUN: LazyLock<Memory> = LazyLock::new(|| play(SCENARIO, &["--seed", "7", "--defect", "wrong_gain"]));
/// The same, played another time.
pub static OTHER: LazyLock<Memory> = LazyLock::new(|| play(SCENARIO, &["--seed", "8", "--defect", "wrong_gain"]));

pub fn play(scenario: &str, more: &[&str]) -> Memory {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("tamper.yaml");
    std::fs::write(&file, scenario).unwrap();
    played(&file, more)
}

pub fn played(scenario: &Path, more: &[&str]) -> Memory {
    let dir = tempfile::tempdir().unwrap();
    let reports = dir.path().join("reports");
    let words = ["rig", "run", "--out", reports.to_str().unwrap(), scenario.to_str().unwrap()];
    let cli = crate::Cli::try_parse_from(words.iter().chain(more)).unwrap();
    let terminal = crate::terminal::Terminal { colour: false, json: false, verbose: 0, live: false };
    let Some(crate::Command::Run(args)) = cli.command else { panic!("it is a run") };
    crate::commands::run::run(&args, &terminal).unwrap();
    let folder = std::fs::read_dir(&reports).unwrap().map(|entry| entry.unwrap().path()).find(|path| path.is_dir()).unwrap();
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(path).unwrap().into()));
    Memory(files.collect())
}

/// The ledger that has this run as it is.
pub fn ledger_of(run: &Memory) -> Ledger {
    let manifest = manifest_of(run);
    let mut bytes = Vec::new();
    let first = JournalReader::new(&run.0[JOURNAL][..]).next().unwrap().unwrap().1;
    let rig_model::fact::Body::Header(header) = first.body else { panic!("a header") };
    let started = Entry::Started { number: 1, started_utc: header.started_utc, folder: "folder".into() };
    let closing = Closing {
        utc: "2026-01-02T03:04:06Z".into(),
        verdict: None,
        exit_code: None,
        manifest_sha256: Some(Sha256Hex::of(&run.0[Manifest::NAME])),
        journal: Some(manifest.journal),
    };
    for entry in [started, Entry::Ended(closing)] {
        let line = next_line(&bytes, &manifest.run_id, entry).unwrap();
        bytes.extend(line.as_bytes());
    }
    Ledger::read(&bytes)
}

pub fn manifest_of(run: &Memory) -> Manifest {
    Manifest::parse(std::str::from_utf8(&run.0[Manifest::NAME]).unwrap()).unwrap()
}

/// Makes the manifest anew of what is there.
pub fn close(run: &mut Memory) {
    run.0.remove(Manifest::NAME);
    let mut reader = JournalReader::new(&run.0[JOURNAL][..]);
    let header = reader.next().unwrap().unwrap().1;
    let rig_model::fact::Body::Header(header) = header.body else { panic!("a header") };
    reader.by_ref().for_each(|fact| drop(fact.unwrap()));
    let digest = |bytes: &[u8]| FileDigest { sha256: Sha256Hex::of(bytes), bytes: bytes.len() as u64 };
    let manifest = Manifest {
        v: Manifest::VERSION,
        run_id: header.run_id,
        journal: Head {
            lines: reader.lines(),
            link: reader.head().and_then(|head| Sha256Hex::parse(&head.to_string())),
            complete: reader.end() == Some(End::Complete),
        },
        files: run.0.iter().map(|(name, bytes)| (name.clone(), digest(bytes))).collect::<BTreeMap<_, _>>(),
    };
    put(run, Manifest::NAME, manifest.render().unwrap());
}

pub fn put(run: &mut Memory, name: &str, bytes: impl AsRef<[u8]>) {
    run.0.insert(name.to_owned(), bytes.as_ref().into());
}

pub fn text(run: &Memory, name: &str) -> String {
    String::from_utf8(run.0[name].to_vec()).unwrap()
}

/// The journal with every link made anew.
pub fn chained_anew<'l>(lines: impl IntoIterator<Item = &'l str>) -> String {
    let mut before = String::new();
    let mut anew = String::new();
    for line in lines {
        let text = line.rsplit_once(",\"chain\":").unwrap().0;
        before = Sha256Hex::of(format!("{before}{text}")).to_string();
        anew += &format!("{text},\"chain\":\"{before}\"}}\n");
    }
    anew
}

pub fn verified(files: &dyn Files) -> Findings {
    verified_beside(files, Beside::default())
}

pub fn verified_beside(files: &dyn Files, beside: Beside<'_>) -> Findings {
    run(files, "run", beside).unwrap().expect("a journal")
}

/// The first fault, which must be there.
#[track_caller]
pub fn fault(files: &dyn Files) -> Fault {
    verified(files).faults.into_iter().next().expect("a fault")
}

/// Another byte that might well stand in its place.
pub fn plausible(byte: u8) -> u8 {
    match byte {
        b'9' => b'0',
        b'0'..=b'8' => byte + 1,
        b'f' => b'a',
        b'z' | b'Z' => byte - 1,
        b'a'..=b'y' | b'A'..=b'Y' => byte + 1,
        b'\n' => b' ',
        b'\r' => b'\n',
        b',' => b';',
        _ => b'0',
    }
}

pub fn with_byte(bytes: &[u8], at: usize, byte: u8) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    changed[at] = byte;
    changed
}
