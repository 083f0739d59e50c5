//! Every byte of every file, changed in one bit and to another plausible character.

use std::io::Write;

use rig_evidence::Manifest;

use super::super::compare::compare;
use super::super::files::{Files, Memory};
use super::super::journal::{Journal, Reports, pass};
use super::super::manifest;
use super::super::reports::Report;
use super::support::{RUN, fault, plausible, put, verified, with_byte};
use crate::folder::JOURNAL;

#[test]
fn an_untouched_run_is_intact() {
    let findings = verified(&*RUN);
    assert_eq!(findings.faults, []);
    let checks: Vec<&str> = findings.checks.iter().map(|covered| covered.check).collect();
    assert_eq!(checks, ["journal", "replay", "reports", "manifest", "signatures"]);
    assert_eq!(findings.cut_off, None);
    assert!(findings.head.is_some() && findings.manifest_sha256.is_some());
}

/// The journal: the line in which the byte lies is named.
#[test]
fn every_byte_of_the_journal() {
    let bytes = &RUN.0[JOURNAL];
    let ends: Vec<usize> = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at).collect();
    let line = |at: usize| ends.partition_point(|end| *end < at) as u64 + 1;
    let part = |first: usize| {
        let mut run = RUN.clone();
        for at in (first..bytes.len()).step_by(THREADS) {
            for other in [bytes[at] ^ 1, plausible(bytes[at])] {
                put(&mut run, JOURNAL, with_byte(bytes, at, other));
                let fault = fault(&run);
                assert_eq!((&*fault.file, fault.line), (JOURNAL, Some(line(at))), "byte {at} made {}: {fault:?}", other.escape_ascii());
            }
        }
    };
    std::thread::scope(|scope| (0..THREADS).for_each(|first| drop(scope.spawn(move || part(first)))));
}

/// It is some ten thousand verifications.
const THREADS: usize = 4;

/// What one pass over the untouched journal gives, and all that the views wrote in it.
fn journal() -> (Journal, Memory) {
    let journal = pass(&*RUN, JOURNAL, Reports::Compared).unwrap();
    assert!(journal.reports.values().all(|report| report.difference.is_none()), "the files are what the views wrote");
    let expected = Memory(journal.reports.keys().map(|name| (name.clone(), RUN.0[name].clone())).collect());
    (journal, expected)
}

/// The reports: held against what follows from the journal, as in a whole verification, but without going through the journal each time.
#[test]
fn every_byte_of_every_report() {
    let (mut journal, expected) = journal();
    let manifest = manifest::read(&*RUN).unwrap().1;
    let names = RUN.names().unwrap();
    assert_eq!(expected.0.len() + 2, names.len(), "every file is the journal, the manifest, or made of the journal");
    for (name, bytes) in &expected.0 {
        let mut line = 1;
        for at in 0..bytes.len() {
            for other in [bytes[at] ^ 1, plausible(bytes[at])] {
                let (mut writer, comparison) = compare(Box::new(std::io::Cursor::new(with_byte(bytes, at, other))));
                writer.write_all(bytes).unwrap();
                let (digest, difference) = comparison.finish().unwrap();
                let untouched = journal.reports.insert(name.clone(), Report { digest, difference }).unwrap();
                let faults = manifest::check(&*RUN, &names, &manifest, &journal);
                assert_eq!(faults.len(), 1, "{name} byte {at}: {faults:?}");
                assert_eq!((&faults[0].file, faults[0].line), (name, Some(line)), "byte {at}: {faults:?}");
                journal.reports.insert(name.clone(), untouched);
            }
            line += u64::from(bytes[at] == b'\n');
        }
    }
}

/// The same through the whole verification, here and there.
#[test]
fn bytes_of_reports_here_and_there() {
    for (name, bytes) in RUN.0.iter().filter(|(name, _)| *name != JOURNAL && *name != Manifest::NAME) {
        for at in (0..bytes.len()).step_by(1 + bytes.len() / 5) {
            let mut run = RUN.clone();
            put(&mut run, name, with_byte(bytes, at, plausible(bytes[at])));
            assert_eq!(fault(&run).file, *name, "byte {at}");
        }
    }
}

/// The manifest: named itself, since all else fits together.
#[test]
fn every_byte_of_the_manifest() {
    let journal = journal().0;
    let bytes = &RUN.0[Manifest::NAME];
    let names = RUN.names().unwrap();
    let mut run = RUN.clone();
    for at in 0..bytes.len() {
        for other in [bytes[at] ^ 1, plausible(bytes[at]), b'"'] {
            if other == bytes[at] {
                continue;
            }
            put(&mut run, Manifest::NAME, with_byte(bytes, at, other));
            let fault = match manifest::read(&run) {
                Err(fault) => fault,
                Ok((_, manifest)) => manifest::check(&run, &names, &manifest, &journal).into_iter().next().expect("a fault"),
            };
            assert_eq!(fault.file, Manifest::NAME, "byte {at} made {}: {fault:?}", other.escape_ascii());
        }
    }
}
