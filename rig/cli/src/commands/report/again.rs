//! Reports that are made anew in the folder of their run: what was signed is not written over, and a manifest that changes is entered into the ledger.

use std::path::Path;

use anyhow::{Context, Result, bail};
use rig_evidence::{Closing, Entry, Manifest, Statement};

use crate::commands::run::now_utc;
use crate::folder::{JOURNAL, RunFolder};
use crate::keeping::Keeping;
use crate::rebuild::Rebuilt;
use crate::{ledger, say};

/// Gives the reports of `rebuilt` their final names in the folder of their run.
pub fn close(record: &RunFolder, rebuilt: &Rebuilt) -> Result<()> {
    let path = record.path().join(Manifest::NAME);
    let before = match std::fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(error).with_context(|| format!("failed to read `{}`", path.display())),
    };
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
    let folder = record.path().canonicalize().with_context(|| format!("failed to find `{}`", record.path().display()))?;
    let reports = folder.parent().unwrap_or(Path::new("/"));
    let known = rig_evidence::Roll::read(&ledger::read(reports)?).runs.iter().any(|run| run.run_id == run_id);
    if known { ledger::add(reports, run_id, Entry::Recovered(closing), Keeping::Synced) } else { Ok(()) }
}
