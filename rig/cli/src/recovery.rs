//! Closes the runs that were cut off: by a signal that no program survives, by a loss of power, by a disk that took no more.
//!
//! The ledger names the runs that began and have no end. One whose journal is held is alive. Every other is closed from what there is: its journal gets its
//! final name, byte for byte as it was left, its reports are made of that, and the ledger says so. Done twice it does no harm.

use std::fs::{File, TryLockError};
use std::path::{Component, Path};

use anyhow::{Context, Result, anyhow, bail};
use rig_evidence::{Closed, Closing, Entry, Head, Ledger, Listed, Manifest, Roll};
use rig_model::fact::{Header, Predecessor};
use rig_report::{Palette, printable};

use crate::closing::Contents;
use crate::commands::report::{self, chain, digest_of};
use crate::commands::run::now_utc;
use crate::folder::{JOURNAL, RunFolder};
use crate::keeping::Keeping;
use crate::rebuild::{Rebuilt, rebuild};
use crate::verify::head_text;
use crate::{inputs, ledger, signed, signing};

/// Why a run that was recovered is played again.
const WAS_CUT_OFF: &str = "it was cut off";
/// More missing folders are counted and not named.
const MOST_NAMED: usize = 5;

/// What became of the runs without an end.
#[derive(Debug, Default)]
pub struct Recovery {
    pub closed: Vec<Recovered>,
    /// Runs that are still going on.
    pub alive: Vec<String>,
    /// In sentences: why runs could not be closed.
    pub failed: Vec<String>,
    /// Runs whose folders are not there.
    pub missing: Vec<String>,
    /// What is wrong with the ledger itself, in a sentence.
    pub damaged: Option<String>,
}

/// A run that was cut off and is closed now.
#[derive(Debug)]
pub struct Recovered {
    /// Which one, why, and where it is, in a sentence.
    pub told: String,
    pub run_id: String,
    pub folder: String,
    /// Absent where not even that was recorded.
    pub header: Option<Box<Header>>,
    /// It had come to its end, and only its reports were not whole.
    pub complete: bool,
}

impl Recovery {
    /// The one sentence about missing folders.
    pub fn missing(&self, reports: &Path) -> Option<String> {
        let (first, rest) = self.missing.split_at(self.missing.len().min(MOST_NAMED));
        let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
        let count = self.missing.len();
        let runs = if count == 1 { "1 run is" } else { &format!("{count} runs are") };
        (count > 0).then(|| {
            let names = printable(&first.join(", "));
            format!("{runs} in the ledger of {} but not in the folder: {names}{more}; bring back what was moved", reports.display())
        })
    }

    /// The runs closed here that asked for what `header` asks for, and are so played again by it.
    pub fn repeated_by(&self, header: &Header) -> Vec<Predecessor> {
        let repeated = self.closed.iter().filter(|run| !run.complete && run.header.as_deref().is_some_and(|old| same_again(old, header)));
        let predecessor =
            |run: &Recovered| Predecessor { run_id: run.run_id.clone(), folder: run.folder.clone(), reason: WAS_CUT_OFF.to_owned() };
        repeated.map(predecessor).collect()
    }
}

/// Whether a run asks for what another one asked for: the same cases on the same bench and the same firmware image, by the same leave. The seed may be
/// another.
fn same_again(old: &Header, new: &Header) -> bool {
    let leave = |h: &Header| h.provenance.approval.as_ref().map(|a| (a.document.sha256.clone(), a.test.clone()));
    let image = |h: &Header| h.provenance.firmware.as_ref().map(|f| f.sha256.clone());
    old.bench == new.bench
        && old.bench_file.sha256 == new.bench_file.sha256
        && old.cases == new.cases
        && old.defect == new.defect
        && old.evidence == new.evidence
        && leave(old) == leave(new)
        && image(old) == image(new)
}

/// Which folders of runs are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Those of the runs without an end: quick, for the start of a run.
    AtOpen,
    /// Those of all runs.
    AtAll,
}

/// Closes every run of the ledger in `reports` that was cut off.
///
/// # Errors
/// The ledger can't be read. What can't be done about a single run is in the result.
pub fn recover(reports: &Path, look: Look) -> Result<Recovery> {
    let mut recovery = Recovery::default();
    let bytes = ledger::read(reports)?;
    let known = Ledger::read(&bytes);
    recovery.damaged = ledger::first_fault(reports, &known);
    let roll = Roll::read(&bytes);
    for run in roll.runs.iter().filter(|run| look == Look::AtAll || run.is_open()) {
        let folder = RunFolder::open(&reports.join(run.folder));
        if !is_plain(run.folder) {
            recovery.failed.push(format!(
                "run {}: the ledger has `{}` as its folder, which is no name of one",
                run.number,
                printable(run.folder)
            ));
        } else if !folder.path().is_dir() {
            recovery.missing.push(run.folder.to_owned());
        } else if run.is_open() && !is_of_old_and_closed(run, &folder) {
            match recover_one(reports, run, &folder) {
                Ok(Done::Closed(closed)) => recovery.closed.push(*closed),
                Ok(Done::Alive) => recovery.alive.push(format!("run {} is still going on: {}", run.number, folder.path().display())),
                Ok(Done::ByOthers) => {}
                Err(error) => recovery.failed.push(format!(
                    "run {} was cut off and can't be closed: {error:#}; `rig recover {}` tries again",
                    run.number,
                    reports.display()
                )),
            }
        } else if look == Look::AtAll
            && let Err(error) = signing::enter_missing(folder.path(), run.run_id, &known)
        {
            recovery.failed.push(format!("run {}: what was signed can't be held against the ledger: {error:#}", run.number));
        }
    }
    Ok(recovery)
}

enum Done {
    Closed(Box<Recovered>),
    /// Its process lives.
    Alive,
    /// Somebody else is at it, or was quicker.
    ByOthers,
}

/// Nothing that leads elsewhere.
fn is_plain(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None))
}

/// Before the ledger told ends, a run that had a manifest had one.
fn is_of_old_and_closed(run: &Listed<'_>, folder: &RunFolder) -> bool {
    run.closed == Closed::Untold && !folder.is_cut() && folder.path().join(Manifest::NAME).exists()
}

fn recover_one(reports: &Path, run: &Listed<'_>, folder: &RunFolder) -> Result<Done> {
    // Two that start at once must not both do it.
    let of_folder = File::open(folder.path()).with_context(|| format!("failed to open `{}`", folder.path().display()))?;
    match of_folder.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(Done::ByOthers),
        Err(TryLockError::Error(error)) => return Err(error).with_context(|| format!("failed to lock `{}`", folder.path().display())),
    }
    let has_journal = folder.journal().exists();
    let _held = if has_journal {
        let taken = folder.take_journal().with_context(|| format!("failed to lock `{}`", folder.journal().display()))?;
        let Some(journal) = taken else { return Ok(Done::Alive) };
        Some(journal)
    } else {
        None
    };
    let now = ledger::read(reports)?;
    if !Roll::read(&now).runs.iter().any(|known| known.run_id == run.run_id && known.is_open()) {
        return Ok(Done::ByOthers);
    }
    let recovered = close(reports, run, folder, has_journal)?;
    Ok(Done::Closed(Box::new(recovered)))
}

fn close(reports: &Path, run: &Listed<'_>, folder: &RunFolder, has_journal: bool) -> Result<Recovered> {
    let path = folder.path().display().to_string();
    let opened = if has_journal { report::open(folder).map_err(|failure| failure.error) } else { Err(anyhow!("it has no journal")) };
    let (contents, header, how, rebuilt) = match opened.and_then(|journal| with_bench(run, journal)) {
        Ok((journal, bench)) => {
            let header = journal.header.clone();
            let rebuilt = rebuild(folder, journal, &bench, folder, Palette::plain())?;
            (rebuilt.contents.clone(), Some(header), how_it_ended(&rebuilt), Some(rebuilt))
        }
        // Not even its first line: there is nothing to make reports of, but it is closed all the same.
        Err(error) => (nothing(run, folder, has_journal)?, None, printable(&format!("{error:#}")), None),
    };
    // What was signed is not written over, and nobody signs meanwhile.
    let _signing = signing::lock(folder.path())?;
    if let Err(error) = closed_with_this_journal(folder, &contents).and_then(|()| leaves_what_was_signed(folder, &contents)) {
        folder.remove_beginnings()?;
        return Err(error);
    }
    let manifest_sha256 = contents.close(folder, Keeping::Synced)?;
    folder.remove_beginnings()?;
    let verdict = rebuilt.as_ref().and_then(|r| r.summary.verdict());
    let closing = Closing {
        utc: now_utc(),
        verdict: verdict.map(|v| v.name().to_owned()),
        exit_code: rebuilt.as_ref().and_then(|r| r.exit_code),
        manifest_sha256: Some(manifest_sha256),
        journal: has_journal.then(|| contents.journal.clone()),
    };
    ledger::add(reports, run.run_id, Entry::Recovered(closing), Keeping::Synced)?;
    let verdict = verdict.map_or("without a verdict", |v| v.name());
    let failed = rebuilt.iter().flat_map(|r| &r.errors).map(|e| format!("; failed to {}", chain(e)));
    let told = format!(
        "run {} of {} {how}; it is closed now, {verdict}: {path}{}",
        run.number,
        printable(run.started_utc),
        failed.collect::<String>()
    );
    let complete = rebuilt.as_ref().is_some_and(Rebuilt::complete);
    Ok(Recovered { told, run_id: run.run_id.to_owned(), folder: run.folder.to_owned(), header, complete })
}

/// Where the run had been closed already, its journal is the one that it was closed with: only the ledger may lack its end.
fn closed_with_this_journal(folder: &RunFolder, contents: &Contents) -> Result<()> {
    let text = std::fs::read_to_string(folder.path().join(Manifest::NAME)).unwrap_or_default();
    let Ok(before) = Manifest::parse(&text) else { return Ok(()) };
    let (said, now) = (&before.journal, &contents.journal);
    if said == now {
        return Ok(());
    }
    let path = folder.path().display();
    bail!(
        "the ledger lacks its end, and its journal is not the one with which it was closed ({} has {}, and there are {}): the journal was changed, \
         or the ledger cut, and nothing was written; take `{path}` from a copy",
        Manifest::NAME,
        head_text(said),
        head_text(now)
    )
}

fn leaves_what_was_signed(folder: &RunFolder, contents: &Contents) -> Result<()> {
    if signed::files(folder.path())?.is_empty() {
        return Ok(());
    }
    let path = folder.path().join(Manifest::NAME);
    let before = std::fs::read(&path).with_context(|| format!("it is signed, and `{}` can't be read", path.display()))?;
    if before != contents.manifest()?.as_bytes() {
        let path = folder.path().display();
        bail!(
            "it is signed, and its reports would not come out as they were signed: nothing was written; `rig verify {path}` tells what differs"
        );
    }
    Ok(())
}

/// The journal with its bench, if it is that of this run.
fn with_bench(run: &Listed<'_>, journal: report::OpenJournal) -> Result<(report::OpenJournal, rig_model::bench::Bench)> {
    if journal.header.run_id != run.run_id {
        return Err(anyhow!("its journal is that of another run, {}", journal.header.run_id));
    }
    let bench = inputs::bench_of_record(&journal.header)?;
    Ok((journal, bench))
}

fn how_it_ended(rebuilt: &Rebuilt) -> String {
    match (&rebuilt.unreadable, rebuilt.cut) {
        (Some(error), _) => format!("was cut off and its journal can't be read to its end ({})", printable(&chain(error))),
        (None, Some(cut)) if cut.bytes > 0 => format!("was cut off in the middle of line {} of its journal", cut.line),
        (None, Some(cut)) => format!("was cut off after line {} of its journal", cut.line - 1),
        (None, None) => "had come to its end, but its reports were not whole".to_owned(),
    }
}

/// The contents of a run of which nothing can be read.
fn nothing(run: &Listed<'_>, folder: &RunFolder, has_journal: bool) -> Result<Contents> {
    let journal = Head { lines: 0, link: None, complete: false };
    let mut contents = Contents { run_id: run.run_id.to_owned(), journal, files: Default::default() };
    if has_journal {
        contents.files.insert(JOURNAL.to_owned(), digest_of(folder)?);
    }
    Ok(contents)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_asks_for_the_same_is_a_run_again() {
        let old: serde_json::Value = serde_json::json!({
            "tool": "t", "run_id": "r", "started_utc": "2026-11-25T22:00:00Z", "bench": "b", "simulated": false, "evidence": true, "seed": 1,
            "defect": "d", "allow_skipped": false, "cases": [{"file": "f", "scenario": "s", "case": ""}], "host": "h", "files": [],
            "bench_file": {"path": "b.toml", "sha256": "1", "text": ""},
            "provenance": {
                "approval": {"document": {"path": "p", "sha256": "2", "text": ""}, "signature": "", "test": "1"},
                "firmware": {"path": "i", "sha256": "3", "bytes": 1, "build_hashes": []},
            },
        });
        let header = |value: &serde_json::Value| serde_json::from_value::<Header>(value.clone()).unwrap();
        assert!(same_again(&header(&old), &header(&old)));
        let with = |pointer: &str, value: serde_json::Value| {
            let mut other = old.clone();
            *other.pointer_mut(pointer).unwrap() = value;
            same_again(&header(&old), &header(&other))
        };
        assert!(with("/seed", 2.into()) && with("/run_id", "x".into()));
        for pointer in [
            "/bench",
            "/bench_file/sha256",
            "/cases/0/case",
            "/defect",
            "/provenance/approval/document/sha256",
            "/provenance/approval/test",
            "/provenance/firmware/sha256",
        ] {
            assert!(!with(pointer, "9".into()), "{pointer}");
        }
        assert!(!with("/evidence", false.into()));
        assert!(!with("/defect", serde_json::Value::Null) && !with("/provenance/approval", serde_json::Value::Null));
    }
}
