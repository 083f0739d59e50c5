//! `ledger.jsonl` on the disk: read and continued by one process at a time.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rig_evidence::{Entry, Ledger, Roll, next_line, next_number};
use rig_model::fact::Header;

use crate::folder::RunFolder;
use crate::keeping::Keeping;

/// A line is far shorter than this, so that the end of a long ledger has its last line, and as a rule the start of a run.
const END: u64 = 64 * 1024;

/// The ledger of a folder of reports, with everybody else shut out as long as this lives.
#[derive(Debug)]
pub struct Held {
    path: PathBuf,
    file: File,
    length: u64,
    /// Its last bytes; all of them if it is short, or if they do not hold all of the last line.
    end: Vec<u8>,
}

impl Held {
    /// Opens it, and makes it where there is none.
    pub fn open(reports: &Path) -> Result<Self> {
        let path = reports.join(Ledger::NAME);
        let opening = || format!("failed to open the ledger of runs {}", path.display());
        let file = OpenOptions::new().create(true).read(true).append(true).open(&path).with_context(opening)?;
        file.lock().with_context(|| format!("failed to lock {}", path.display()))?;
        let length = file.metadata().with_context(|| format!("failed to read {}", path.display()))?.len();
        let mut held = Self { path, file, length, end: Vec::new() };
        held.read_from(length.saturating_sub(END))?;
        let whole_line = held.end.iter().rev().skip(1).any(|byte| *byte == b'\n');
        if !whole_line {
            held.read_from(0)?;
        }
        Ok(held)
    }

    fn read_from(&mut self, start: u64) -> Result<()> {
        self.end.clear();
        let read = self.file.seek(SeekFrom::Start(start)).and_then(|_| self.file.read_to_end(&mut self.end));
        read.with_context(|| format!("failed to read {}", self.path.display())).map(drop)
    }

    /// What the next run is to be numbered.
    fn next_number(&mut self) -> Result<u64> {
        if let Some(number) = next_number(&self.end) {
            return Ok(number);
        }
        self.read_from(0)?;
        Ok(Roll::read(&self.end).next_number)
    }

    /// Adds a line. One that can't be written whole is not left behind.
    pub fn append(&mut self, run_id: &str, entry: Entry, keeping: Keeping) -> Result<()> {
        let line = next_line(&self.end, run_id, entry)?;
        let written = self.file.write_all(line.as_bytes()).and_then(|()| match keeping {
            Keeping::AtLeisure => Ok(()),
            Keeping::Synced => self.file.sync_data(),
        });
        if let Err(error) = written {
            // Nobody else is at it, and a torn line would be told as a fault for ever.
            let _ = self.file.set_len(self.length);
            return Err(error).with_context(|| format!("failed to write {}", self.path.display()));
        }
        self.length += line.len() as u64;
        self.end.extend_from_slice(line.as_bytes());
        Ok(())
    }
}

/// What is in the ledger of a folder of reports; empty where there is none.
pub fn read(reports: &Path) -> Result<Vec<u8>> {
    let path = reports.join(Ledger::NAME);
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("failed to open the ledger of runs {}", path.display())),
    };
    // Not while somebody is in the middle of a line.
    file.lock_shared().with_context(|| format!("failed to lock {}", path.display()))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).with_context(|| format!("failed to read {}", path.display()))?;
    Ok(bytes)
}

/// Adds one line about a run to the ledger in `reports`; on the disk when it returns, if it is to be kept.
pub fn add(reports: &Path, run_id: &str, entry: Entry, keeping: Keeping) -> Result<()> {
    Held::open(reports)?.append(run_id, entry, keeping)
}

/// A run that has its number and its folder.
#[derive(Debug)]
pub struct Begun {
    pub number: u64,
    pub folder: RunFolder,
    /// The journal's file, held.
    pub journal: File,
}

/// Makes the folder of a run with its journal, and enters it into the ledger.
///
/// In this order, with the ledger held: a run that the ledger knows has a folder, and a journal that is held as long as it lives.
pub fn begin(reports: &Path, header: &Header, keeping: Keeping) -> Result<Begun> {
    let making = || format!("failed to make the folder `{}`", reports.display());
    std::fs::create_dir_all(reports).with_context(making)?;
    let mut ledger = Held::open(reports)?;
    let number = ledger.next_number()?;
    let folder = RunFolder::create(reports, &header.started_utc, &header.bench, &header.run_id)?;
    let entered = enter(&mut ledger, reports, header, &folder, number, keeping);
    if entered.is_err() {
        // It did not begin, and nothing is in it.
        let _ = std::fs::remove_file(folder.journal()).and_then(|()| std::fs::remove_dir(folder.path()));
    }
    Ok(Begun { number, journal: entered?, folder })
}

fn enter(ledger: &mut Held, reports: &Path, header: &Header, folder: &RunFolder, number: u64, keeping: Keeping) -> Result<File> {
    let journal = folder.hold_journal()?;
    for kept in [folder.path(), reports, reports.parent().unwrap_or(Path::new("."))] {
        keeping.folder(kept).with_context(|| format!("the disk does not keep the folder `{}`", kept.display()))?;
    }
    let entry = Entry::Started { number, started_utc: header.started_utc.clone(), folder: folder.name() };
    ledger.append(&header.run_id, entry, keeping)?;
    Ok(journal)
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
