//! Reports that are made anew in the folder of their run: what was signed is not written over, and a manifest that changes is entered into the ledger.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rig_evidence::{Closing, Entry, Head, Ledger, Manifest, Numbered, Statement};

use crate::commands::run::now_utc;
use crate::folder::{JOURNAL, RunFolder};
use crate::keeping::Keeping;
use crate::rebuild::Rebuilt;
use crate::verify::head_text;
use crate::{ledger, say, signing};

/// Gives the reports of `rebuilt` their final names in the folder of their run.
pub fn close(record: &RunFolder, rebuilt: &Rebuilt) -> Result<()> {
    // Nobody signs meanwhile.
    let _signing = signing::lock(record.path())?;
    let path = record.path().join(Manifest::NAME);
    let before = match std::fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(error).with_context(|| format!("failed to read `{}`", path.display())),
    };
    if let Some(why) = journal_changed(record, before.as_deref(), rebuilt)? {
        record.remove_beginnings()?;
        bail!(
            "the journal in `{}` is not the one with which the run was closed ({why}): it is the journal that was changed, and nothing was \
             written; take it from a copy, or see with `rig report --out` what this one says",
            record.path().display(),
        );
    }
    let same = before.as_ref() == Some(&rebuilt.contents.manifest()?);
    if !same && is_signed(record)? {
        record.remove_beginnings()?;
        bail!(
            "the run in `{}` is signed, and its reports would not come out as they were signed ({}): nothing was written; `rig report --out` \
             writes them elsewhere",
            record.path().display(),
            difference(before.as_deref(), rebuilt)
        );
    }
    if let Some(before) = before.as_ref().filter(|_| !same) {
        say::err(format_args!("the reports are not those that were here before: {}", difference(Some(before), rebuilt)));
    }
    // A run that was cut off keeps the name of its journal: `rig recover` closes it.
    if record.is_cut() {
        let reports = rebuilt.contents.files.keys().map(String::as_str).filter(|name| *name != JOURNAL);
        return record.complete(reports, Keeping::Synced);
    }
    let manifest_sha256 = rebuilt.contents.close(record, Keeping::Synced)?;
    if same {
        return Ok(());
    }
    let closing = Closing {
        utc: now_utc(),
        verdict: rebuilt.summary.verdict().map(|v| v.name().to_owned()),
        exit_code: rebuilt.exit_code,
        manifest_sha256: Some(manifest_sha256),
        journal: Some(rebuilt.head().clone()),
    };
    enter(record, &rebuilt.contents.run_id, closing)
}

/// A journal is never written to after its end: where manifest or ledger have another one, no report may be made of it in the run's name.
fn journal_changed(record: &RunFolder, manifest: Option<&str>, rebuilt: &Rebuilt) -> Result<Option<String>> {
    let differs = |place: String, said: &Head| {
        let now = rebuilt.head();
        (said != now).then(|| format!("{place} has {}, and there are {}", head_text(said), head_text(now)))
    };
    if let Some(Ok(manifest)) = manifest.map(Manifest::parse) {
        if manifest.run_id != rebuilt.contents.run_id {
            return Ok(Some(format!("{} is of run {}", Manifest::NAME, rig_report::printable(&manifest.run_id))));
        }
        if let Some(why) = differs(Manifest::NAME.to_owned(), &manifest.journal) {
            return Ok(Some(why));
        }
    }
    let (reports, name) = place(record)?;
    let ledger = Ledger::read(&ledger::read(&reports)?);
    let began_here = |n: &&Numbered| matches!(&n.line.entry, Entry::Started { folder, .. } if *folder == name);
    let run_id = ledger.lines.iter().find(began_here).map_or(&*rebuilt.contents.run_id, |n| &*n.line.run_id);
    let closings = ledger.of_run(run_id).filter_map(|n| match &n.line.entry {
        Entry::Ended(closing) | Entry::Recovered(closing) => Some((n.number, closing)),
        Entry::Started { .. } | Entry::Signed { .. } => None,
    });
    // Without a manifest the record could not be written whole, and the line tells what should have been in it.
    let closings = closings.filter(|(_, closing)| closing.manifest_sha256.is_some());
    let mut heads = closings.filter_map(|(line, closing)| Some((line, closing.journal.as_ref()?)));
    Ok(heads.find_map(|(line, said)| differs(format!("line {line} of {}", Ledger::NAME), said)))
}

/// The folder of reports in which the run lies, and the name of the run's folder there.
fn place(record: &RunFolder) -> Result<(PathBuf, String)> {
    let folder = record.path().canonicalize().with_context(|| format!("failed to find `{}`", record.path().display()))?;
    let reports = folder.parent().unwrap_or(Path::new("/")).to_owned();
    Ok((reports, RunFolder::open(&folder).name()))
}

fn is_signed(record: &RunFolder) -> Result<bool> {
    let path = record.path().join(Statement::FOLDER);
    match std::fs::read_dir(&path) {
        Ok(mut entries) => Ok(entries.next().is_some()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).with_context(|| format!("failed to list `{}`", path.display())),
    }
}

/// The first file that is another one, in words.
fn difference(before: Option<&str>, rebuilt: &Rebuilt) -> String {
    let Some(Ok(before)) = before.map(Manifest::parse) else { return format!("there was no {} of this layout", Manifest::NAME) };
    let now = &rebuilt.contents.files;
    let changed = |name: &String| before.files.get(name).map(|d| d.sha256.to_string()) != now.get(name).map(|d| d.sha256.clone());
    match before.files.keys().chain(now.keys()).find(|name| changed(name)) {
        Some(name) => format!("{name} differs"),
        None => format!("{} differs", Manifest::NAME),
    }
}

/// Where the ledger beside the run knows it. A folder that was copied elsewhere has none, and needs none.
fn enter(record: &RunFolder, run_id: &str, closing: Closing) -> Result<()> {
    let reports = place(record)?.0;
    let known = rig_evidence::Roll::read(&ledger::read(&reports)?).runs.iter().any(|run| run.run_id == run_id);
    if known { ledger::add(&reports, run_id, Entry::Recovered(closing), Keeping::Synced) } else { Ok(()) }
}
