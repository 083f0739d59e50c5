//! The folder of one run: files stream into `*.partial` and are renamed at the close.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Where the reports of a run grow, and where they end up.
#[derive(Debug, Clone)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// Makes `reports/<started>_<bench>_<short id>/`; never one that is there already.
    pub fn create(reports: &Path, started: &str, bench: &str, run_id: &str) -> Result<Self> {
        std::fs::create_dir_all(reports).with_context(|| format!("failed to make the folder `{}`", reports.display()))?;
        let stamp: String = started.chars().filter(|c| !matches!(c, '-' | ':')).collect();
        let short: String = run_id.chars().take(8).collect();
        let bench: String = bench.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' }).collect();
        let path = reports.join(format!("{stamp}_{bench}_{short}"));
        std::fs::create_dir(&path).with_context(|| format!("failed to make the run's folder `{}`", path.display()))?;
        Ok(Self { path })
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

    /// Opens a file of the run for writing, under its partial name.
    pub fn partial(&self, name: &str) -> io::Result<BufWriter<File>> {
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(self.path.join(partial(name)))?;
        Ok(BufWriter::with_capacity(BUFFER, file))
    }

    /// Gives files that are whole their final names.
    pub fn complete<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Result<()> {
        for name in names {
            let (from, to) = (self.path.join(partial(name)), self.path.join(name));
            std::fs::rename(&from, &to).with_context(|| format!("failed to rename `{}` to `{name}`", from.display()))?;
        }
        Ok(())
    }
}

pub const JOURNAL: &str = "journal.jsonl";

/// Large enough that a write is worth its system call, small against the memory a run may take.
const BUFFER: usize = 128 * 1024;

fn partial(name: &str) -> String {
    format!("{name}.partial")
}
