//! A folder of runs, for those who read all of them: which there are, and each journal for the facts of a few kinds.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use anyhow::Context;
use rig_model::fact::{Body, Fact, Header};
use rig_record::JournalReader;

use crate::failure::{BENCH, Failure, OrExit, USAGE};
use crate::folder::RunFolder;

/// Each run in a folder, in the order of names; or the folder itself where it is one run.
pub fn runs(reports: &Path) -> Result<Vec<PathBuf>, Failure> {
    if RunFolder::open(reports).journal().exists() {
        return Ok(vec![reports.to_owned()]);
    }
    let listing = || format!("failed to list the runs in `{}`", reports.display());
    let entries = std::fs::read_dir(reports).with_context(listing).or_exit(USAGE)?;
    let mut runs = Vec::new();
    for entry in entries {
        let path = entry.with_context(listing).or_exit(BENCH)?.path();
        let hidden = path.file_name().is_none_or(|n| n.to_string_lossy().starts_with('.'));
        if !hidden && path.is_dir() {
            runs.push(path);
        }
    }
    runs.sort();
    Ok(runs)
}

/// A journal at its second line, of which only some kinds of facts are read.
pub struct Opened {
    pub journal: JournalReader<BufReader<File>>,
    pub first: Fact,
    pub header: Box<Header>,
}

/// What a folder of runs may hold that is no readable run.
pub enum Unreadable {
    /// No run at all: nothing of one is there.
    NoRun,
    /// A run that recorded nothing.
    Empty,
    /// Why, in a sentence.
    Damaged(String),
}

pub fn open(run: &Path, kinds: &'static [&'static str]) -> Result<Opened, Unreadable> {
    let path = RunFolder::open(run).journal();
    if !path.exists() {
        let was_a_run = ["results.csv", "manifest.json"].iter().any(|name| run.join(name).exists());
        return Err(if was_a_run { Unreadable::Damaged("it holds no journal".to_owned()) } else { Unreadable::NoRun });
    }
    let file = File::open(&path).map_err(|e| Unreadable::Damaged(format!("failed to open its journal: {e}")))?;
    let mut journal = JournalReader::new(BufReader::with_capacity(1 << 18, file)).only(kinds);
    let first = match journal.next() {
        None => return Err(Unreadable::Empty),
        Some(Err(error)) => return Err(Unreadable::Damaged(format!("failed to {:#}", anyhow::Error::new(error)))),
        Some(Ok((_, first))) => first,
    };
    match first.body.clone() {
        Body::Header(header) => Ok(Opened { journal, first, header }),
        _ => Err(Unreadable::Damaged("its journal does not begin with a header".to_owned())),
    }
}
