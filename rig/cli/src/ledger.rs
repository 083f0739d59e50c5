//! `ledger.jsonl` on the disk: read and continued by one process at a time.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rig_evidence::{Entry, Ledger, Roll, next_line, next_number};
use rig_model::fact::Header;
use rig_report::printable;

use crate::folder::{RunFolder, name_of};
use crate::keeping::Keeping;
use crate::{reports, say};

/// A line is far shorter than this, so that the end of a long ledger has its last line, and as a rule the start of a run.
const END: u64 = 64 * 1024;
/// A line of this length is none of the rig's, and is not held in memory.
const MAX_LINE: u64 = 64 * 1024 * 1024;
/// What is kept of such a line: enough to see that it is none.
const KEPT: usize = 1024;

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
        if !held.has_last_line() {
            held.read_from(length.saturating_sub(MAX_LINE))?;
        }
        if !held.has_last_line() && length > MAX_LINE {
            let path = held.path.display();
            let next = "it is damaged: keep it as it is under another name, and take it from a copy";
            bail!("the last line of the ledger of runs {path} is longer than {} MiB, which none of the rig's is; {next}", MAX_LINE >> 20);
        }
        Ok(held)
    }

    fn has_last_line(&self) -> bool {
        self.end.iter().rev().skip(1).any(|byte| *byte == b'\n')
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
        let whole = read_lines(&self.file).with_context(|| format!("failed to read {}", self.path.display()))?;
        Ok(Roll::read(&whole).next_number)
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
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("failed to open the ledger of runs {}", path.display())),
    };
    // Not while somebody is in the middle of a line.
    file.lock_shared().with_context(|| format!("failed to lock {}", path.display()))?;
    read_lines(&file).with_context(|| format!("failed to read {}", path.display()))
}

/// All lines; of one that is far too long its beginning, which is told as a fault like any other line that is none.
fn read_lines(mut file: &File) -> std::io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(0))?;
    let mut reader = BufReader::with_capacity(1 << 18, file);
    let mut bytes = Vec::new();
    loop {
        let start = bytes.len();
        if (&mut reader).take(MAX_LINE).read_until(b'\n', &mut bytes)? == 0 {
            return Ok(bytes);
        }
        if (bytes.len() - start) as u64 == MAX_LINE && !bytes.ends_with(b"\n") {
            bytes.truncate(start + KEPT);
            let ended = reader.skip_until(b'\n')? > 0;
            bytes.extend(ended.then_some(b'\n'));
        }
    }
}

/// What is wrong with a ledger, the first of it, in a sentence.
pub fn first_fault(reports: &Path, ledger: &Ledger) -> Option<String> {
    let (first, more) = ledger.faults.split_first()?;
    let more = if more.is_empty() { String::new() } else { format!(", and {} more", more.len()) };
    let path = reports.join(Ledger::NAME);
    let what = printable(&first.to_string());
    Some(format!("the ledger of runs {} is damaged, {what}{more}; `rig verify {}` tells all", path.display(), reports.display()))
}

/// A run's folder of which the ledger beside it knows nothing.
#[derive(Debug)]
pub struct Unknown {
    /// Its name.
    pub folder: String,
    /// As its header has it.
    pub number: Option<u64>,
    /// It was cut off, or is going on.
    pub is_cut: bool,
}

/// The runs in a folder of reports that the ledger does not know, by folder or id. One that has been given another name than a run gets was put there
/// by somebody, and is none of them.
pub fn unknown(reports: &Path, ledger: &[u8]) -> Result<Vec<Unknown>> {
    let roll = Roll::read(ledger);
    let (mut folders, mut ids) = (BTreeSet::new(), BTreeSet::new());
    for run in &roll.runs {
        folders.insert(run.folder);
        ids.insert(run.run_id);
    }
    let mut found = Vec::new();
    for run in reports::runs(reports).map_err(|failure| failure.error)? {
        let folder = RunFolder::open(&run);
        if run == reports || folders.contains(folder.name().as_str()) || !folder.journal().exists() {
            continue;
        }
        let header = reports::open(&run, &[]).ok().map(|opened| opened.header);
        let of_here = match &header {
            Some(h) => folder.name() == name_of(&h.started_utc, &h.bench, &h.run_id) && !ids.contains(h.run_id.as_str()),
            // One that was killed before the ledger had its start has an empty journal: nothing was played in it.
            None => RunFolder::is_name_of_run(&folder.name()) && std::fs::metadata(folder.journal()).is_ok_and(|file| file.len() > 0),
        };
        if of_here {
            let number = header.and_then(|header| header.provenance.number);
            found.push(Unknown { folder: folder.name(), number, is_cut: folder.is_cut() });
        }
    }
    Ok(found)
}

/// What there is to say about runs that no line of the ledger knows.
pub fn told(reports: &Path, unknown: &[Unknown]) -> Option<String> {
    let first = unknown.first()?;
    let (n, path) = (unknown.len(), reports.join(Ledger::NAME));
    let runs = if n == 1 { "1 run lies".to_owned() } else { format!("{n} runs lie") };
    let (path, name) = (path.display(), printable(&first.folder));
    Some(format!(
        "{runs} in {} that {path} does not know ({name}{}): it was removed or replaced, or the run was put there; bring back the ledger from a copy",
        reports.display(),
        if n == 1 { "" } else { " …" }
    ))
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
    let number = ledger.next_number()?.max(above_the_unknown(reports, &ledger));
    let folder = RunFolder::create(reports, &header.started_utc, &header.bench, &header.run_id)?;
    let entered = enter(&mut ledger, reports, header, &folder, number, keeping);
    if entered.is_err() {
        // It did not begin, and nothing is in it.
        let _ = std::fs::remove_file(folder.journal()).and_then(|()| std::fs::remove_dir(folder.path()));
    }
    Ok(Begun { number, journal: entered?, folder })
}

/// A number that no run has which lies there without the ledger, and a word about them. Only a ledger that is empty is worth the search.
fn above_the_unknown(reports: &Path, ledger: &Held) -> u64 {
    if ledger.length > 0 {
        return 0;
    }
    match unknown(reports, &[]) {
        Ok(unknown) => {
            if let Some(told) = told(reports, &unknown) {
                say::err(format_args!("warning: {told}"));
            }
            unknown.iter().filter_map(|run| run.number).max().map_or(0, |highest| highest.saturating_add(1))
        }
        Err(error) => {
            say::err(format_args!("warning: there is no ledger, and runs without one can't be looked for: {error:#}"));
            0
        }
    }
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
