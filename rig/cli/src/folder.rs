//! The folder of one run: files stream into `*.partial` and are renamed at the close.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::keeping::Keeping;

/// Where the reports of a run grow, and where they end up.
#[derive(Debug, Clone)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// Makes `reports/<started>_<bench>_<short id>/`; never one that is there already.
    pub fn create(reports: &Path, started: &str, bench: &str, run_id: &str) -> Result<Self> {
        let path = reports.join(name_of(started, bench, run_id));
        std::fs::create_dir(&path).with_context(|| format!("failed to make the run's folder `{}`", path.display()))?;
        Ok(Self { path })
    }

    /// Whether a folder is called as runs are called: when it began, its bench, the beginning of its id.
    pub fn is_name_of_run(name: &str) -> bool {
        let parts = name.split_once('_').zip(name.rsplit_once('_'));
        parts.is_some_and(|((stamp, _), (before, id))| {
            before.len() > stamp.len()
                && stamp.len() == "20260102T030405Z".len()
                && stamp.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'T' | b'Z'))
                && id.len() == 8
                && id.bytes().all(|b| b.is_ascii_hexdigit())
        })
    }

    /// A folder that is there already.
    pub fn open(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn name(&self) -> String {
        self.path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// Where the journal is: under its final name, or still under its partial one.
    pub fn journal(&self) -> PathBuf {
        let path = self.path.join(JOURNAL);
        if path.exists() { path } else { self.path.join(partial(JOURNAL)) }
    }

    /// Makes the journal's file and holds it: who holds it is alive, and the kernel lets go of it when he dies.
    pub fn hold_journal(&self) -> Result<File> {
        let path = self.path.join(partial(JOURNAL));
        let made = || format!("failed to make the journal `{}`", path.display());
        let file = OpenOptions::new().write(true).create_new(true).open(&path).with_context(made)?;
        file.try_lock().with_context(|| format!("failed to lock the journal `{}`", path.display()))?;
        Ok(file)
    }

    /// Holds a journal that is there already; `None` while the process that writes it lives.
    pub fn take_journal(&self) -> io::Result<Option<File>> {
        let file = File::open(self.journal())?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Opens a file of the run for writing, under its partial name.
    pub fn partial(&self, name: &str) -> io::Result<BufWriter<File>> {
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(self.path.join(partial(name)))?;
        Ok(BufWriter::with_capacity(BUFFER, file))
    }

    /// Gives files that are whole their final names, in this order.
    pub fn complete<'n>(&self, names: impl IntoIterator<Item = &'n str>, keeping: Keeping) -> Result<()> {
        let names: Vec<&str> = names.into_iter().collect();
        for name in &names {
            let from = self.path.join(partial(name));
            keeping.file(&from).with_context(|| format!("the disk does not keep `{}`", from.display()))?;
        }
        for name in names {
            let (from, to) = (self.path.join(partial(name)), self.path.join(name));
            std::fs::rename(&from, &to).with_context(|| format!("failed to rename `{}` to `{name}`", from.display()))?;
        }
        keeping.folder(&self.path).with_context(|| format!("the disk does not keep the names in `{}`", self.path.display()))
    }

    /// Whether the journal still has its partial name.
    pub fn is_cut(&self) -> bool {
        self.path.join(partial(JOURNAL)).exists()
    }

    /// Takes away the beginnings of reports that nobody completes any more; never the journal.
    pub fn remove_beginnings(&self) -> Result<()> {
        let listing = || format!("failed to list `{}`", self.path.display());
        for entry in std::fs::read_dir(&self.path).with_context(listing)? {
            let path = entry.with_context(listing)?.path();
            let is_journal = path.file_name().is_some_and(|name| name == partial(JOURNAL).as_str());
            if path.extension().is_some_and(|e| e == PARTIAL) && !is_journal {
                std::fs::remove_file(&path).with_context(|| format!("failed to remove `{}`", path.display()))?;
            }
        }
        Ok(())
    }

    /// That nobody writes the run who is still alive.
    pub fn refuse_if_alive(&self) -> Result<()> {
        let journal = self.journal();
        if journal.exists() && self.take_journal().with_context(|| format!("failed to lock `{}`", journal.display()))?.is_none() {
            bail!("the run in `{}` is still going on: wait for its end, or name another folder with --out", self.path.display());
        }
        Ok(())
    }
}

/// Of the folder that a run gets.
pub fn name_of(started: &str, bench: &str, run_id: &str) -> String {
    let stamp: String = started.chars().filter(|c| !matches!(c, '-' | ':')).collect();
    let short: String = run_id.chars().take(8).collect();
    let bench: String = bench.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' }).collect();
    format!("{stamp}_{bench}_{short}")
}

pub const JOURNAL: &str = "journal.jsonl";

/// Large enough that a write is worth its system call, small against the memory a run may take.
const BUFFER: usize = 128 * 1024;

const PARTIAL: &str = "partial";

pub fn partial(name: &str) -> String {
    format!("{name}.{PARTIAL}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_known_by_its_name() {
        for name in ["20261125T192107Z_sim_1674c600", "20261125T194716Z_my_bench_e8978598"] {
            assert!(RunFolder::is_name_of_run(name), "{name}");
        }
        for name in
            ["sample", "", "_", "20261125T192107Z_1674c600", "20261125T192107Z_sim_1674c60g", "2026-11-25T19_sim_1674c600", "a_b_1674c600"]
        {
            assert!(!RunFolder::is_name_of_run(name), "{name}");
        }
    }
}
