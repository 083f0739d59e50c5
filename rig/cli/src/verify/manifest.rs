//! The manifest against the journal and against what lies in the folder: every file there, none besides, each as it was when the run was closed.

use std::collections::{BTreeMap, BTreeSet};

use rig_evidence::{FileDigest, Manifest, ManifestError, Statement};

use super::compare::Difference;
use super::files::Files;
use super::findings::{Fault, count, head_text};
use super::journal::{CHANGED, Journal, digest, not_readable};
use super::reports::Report;
use crate::folder::JOURNAL;

/// What to do about a report that is not what follows from the journal.
const REBUILD: &str =
    "the journal stands: `rig report RUN --out FOLDER` writes what follows from it into another folder; find out who changed this one";

/// Reads it: its text, and what it says.
pub fn read(files: &dyn Files) -> Result<(Vec<u8>, Manifest), Fault> {
    let bytes = files.read(Manifest::NAME).map_err(|error| not_readable(Manifest::NAME, &error))?;
    let text = std::str::from_utf8(&bytes).map_err(|_| Fault::new(Manifest::NAME, "it is not UTF-8 text", CHANGED))?;
    match Manifest::parse(text) {
        Ok(manifest) => Ok((bytes, manifest)),
        Err(error) => {
            let next = "keep this folder as it is and take the manifest from a copy; its SHA-256 is in the ledger and in every signature";
            let fault = Fault::new(Manifest::NAME, error.to_string(), next);
            Err(match error {
                ManifestError::Json(error) if error.line() > 0 => fault.line(error.line() as u64),
                _ => fault,
            })
        }
    }
}

/// All that does not fit: the journal first, then what the manifest is wrong about, then file by file.
pub fn check(files: &dyn Files, names: &BTreeSet<String>, manifest: &Manifest, journal: &Journal) -> Vec<Fault> {
    of_journal(manifest, journal).into_iter().chain(of_files(files, names, manifest, &journal.reports)).collect()
}

/// What does not fit of a run of which nothing was recorded, so that there is nothing but the manifest to hold its files against.
pub fn check_alone(files: &dyn Files, names: &BTreeSet<String>, manifest: &Manifest) -> Vec<Fault> {
    let journal = manifest.files.get(JOURNAL).and_then(|said| match digest(files, JOURNAL) {
        Ok(found) if found == *said => None,
        Ok(found) => Some(Fault::new(JOURNAL, "it was changed after the run was closed", CHANGED).differs(shown(said), shown(&found))),
        Err(fault) => Some(fault),
    });
    journal.into_iter().chain(of_files(files, names, manifest, &BTreeMap::new())).collect()
}

fn of_files(files: &dyn Files, names: &BTreeSet<String>, manifest: &Manifest, reports: &BTreeMap<String, Report>) -> Vec<Fault> {
    let mut faults = Vec::new();
    let known: BTreeSet<&str> = manifest.files.keys().chain(reports.keys()).map(String::as_str).filter(|name| *name != JOURNAL).collect();
    for name in known {
        faults.extend(of_file(files, names, name, manifest.files.get(name), reports.get(name)));
    }
    let strangers = names.iter().filter(|name| !manifest.files.contains_key(*name) && *name != Manifest::NAME && !is_signed(name));
    faults.extend(strangers.filter(|name| !reports.contains_key(*name) && *name != JOURNAL).map(|name| {
        Fault::new(name, "the manifest does not know it: it was put there after the run was closed", "move it out of the run's folder")
    }));
    faults.sort_by_key(|fault| fault.file != Manifest::NAME);
    faults
}

/// What lies in the folder of statements has checks of its own.
fn is_signed(name: &str) -> bool {
    name.strip_prefix(Statement::FOLDER).is_some_and(|rest| rest.starts_with('/'))
}

fn of_journal(manifest: &Manifest, journal: &Journal) -> Option<Fault> {
    if manifest.run_id != journal.header.run_id {
        let next = "one of the two is of another run: take both from the same copy";
        let fault = Fault::new(Manifest::NAME, "it is of another run than the journal", next);
        return Some(fault.differs(&journal.header.run_id, &manifest.run_id));
    }
    let said = &manifest.journal;
    let (expected, found) = (head_text(said), head_text(&journal.end()));
    // Of a journal the chain tells every byte, so that with the right head, or the right hash, it is the manifest that is wrong about the other.
    let digest = manifest.files.get(JOURNAL);
    match (expected == found, digest == Some(&journal.digest)) {
        (true, true) => None,
        (true, false) => {
            let found = digest.map_or_else(|| "no entry".to_owned(), shown);
            let fault = Fault::new(
                Manifest::NAME,
                format!("its entry for `{JOURNAL}` is not that of the file, whose head is the right one"),
                CHANGED,
            );
            Some(fault.differs(shown(&journal.digest), found))
        }
        (false, true) => {
            let what = format!("what it says of the end of `{JOURNAL}` is not so, although the file is the one that it was made of");
            Some(Fault::new(Manifest::NAME, what, CHANGED).differs(found, expected))
        }
        (false, false) => {
            let short = journal.lines < said.lines;
            let what =
                if short { "lines are missing at its end" } else { "it is another journal than the one with which the run was closed" };
            Some(Fault::new(JOURNAL, what, CHANGED).line(journal.lines + u64::from(short)).differs(expected, found))
        }
    }
}

fn shown(digest: &FileDigest) -> String {
    format!("SHA-256 {}, {}", digest.sha256, count(digest.bytes, "byte"))
}

fn of_file(files: &dyn Files, names: &BTreeSet<String>, name: &str, said: Option<&FileDigest>, report: Option<&Report>) -> Option<Fault> {
    if !names.contains(name) {
        return Some(Fault::new(name, "it is missing", if report.is_some() { REBUILD } else { CHANGED }));
    }
    let found = match report.map(|report| Ok(report.digest.clone())).unwrap_or_else(|| digest(files, name)) {
        Ok(found) => found,
        Err(fault) => return Some(fault),
    };
    let as_closed = said == Some(&found);
    if let Some(difference) = report.and_then(|report| report.difference.as_ref()) {
        return Some(not_derived(name, difference, as_closed));
    }
    match (said, report) {
        _ if as_closed => None,
        (None, _) => Some(Fault::new(Manifest::NAME, format!("it has no entry for `{name}`"), CHANGED)),
        // The file is what follows from the journal, so that the manifest is the one of the two that is wrong.
        (Some(said), Some(_)) => {
            let what = format!("its entry for `{name}` is not that of the file, which is what follows from the journal");
            Some(Fault::new(Manifest::NAME, what, CHANGED).differs(shown(&found), shown(said)))
        }
        (Some(said), None) => {
            Some(Fault::new(name, "it was changed after the run was closed", CHANGED).differs(shown(said), shown(&found)))
        }
    }
}

fn not_derived(name: &str, difference: &Difference, as_closed: bool) -> Fault {
    let what = match as_closed {
        true => "it is not what follows from the journal, although the manifest has it so",
        false => "it is not what follows from the journal, and was changed after the run was closed",
    };
    let fault = Fault::new(name, what, REBUILD).line(difference.line);
    if difference.expected == difference.found {
        return fault.differs("another line end, or other bytes far into the line", &difference.found);
    }
    fault.differs(&difference.expected, &difference.found)
}
