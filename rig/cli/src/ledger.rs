//! `ledger.jsonl`: one chained line for each run ever started in a folder, so that a run that was removed is missed.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// A ledger line is far shorter; so much of the file's end is read to find the last one.
const TAIL: u64 = 64 * 1024;

#[derive(Debug, Serialize)]
struct Line<'a> {
    v: u32,
    run_id: &'a str,
    started_utc: &'a str,
    folder: &'a str,
    /// SHA-256 of the line before, without its newline; of nothing for the first.
    previous: String,
}

/// Adds the run to the ledger in `reports`.
pub fn add(reports: &Path, run_id: &str, started_utc: &str, folder: &str) -> Result<()> {
    let path = reports.join("ledger.jsonl");
    let mut file = OpenOptions::new()
        .create(true)
        .read(true)
        .append(true)
        .open(&path)
        .with_context(|| format!("failed to open the ledger of runs {}", path.display()))?;
    file.lock().with_context(|| format!("failed to lock {}", path.display()))?;
    let last = last_line(&mut file).with_context(|| format!("failed to read {}", path.display()))?;
    let previous = hex(&Sha256::digest(last.as_bytes()));
    let mut line = serde_json::to_string(&Line { v: 1, run_id, started_utc, folder, previous })?;
    line.push('\n');
    file.write_all(line.as_bytes()).with_context(|| format!("failed to write {}", path.display()))
}

/// Adds what happened to a run to the ledger in `reports`.
pub fn add_entry(reports: &Path, run_id: &str, entry: rig_evidence::Entry) -> Result<()> {
    let path = reports.join("ledger.jsonl");
    let mut file = OpenOptions::new().read(true).append(true).open(&path).with_context(|| format!("failed to open {}", path.display()))?;
    file.lock().with_context(|| format!("failed to lock {}", path.display()))?;
    let last = last_line(&mut file).with_context(|| format!("failed to read {}", path.display()))?;
    let previous = rig_evidence::Sha256Hex::of(last);
    let line = rig_evidence::LedgerLine { v: 2, run_id: run_id.to_owned(), entry, previous };
    let line = serde_json::to_string(&line)? + "\n";
    file.write_all(line.as_bytes()).and_then(|()| file.sync_all()).with_context(|| format!("failed to write {}", path.display()))
}

fn last_line(file: &mut File) -> std::io::Result<String> {
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    let text = String::from_utf8_lossy(&tail);
    Ok(text.lines().last().unwrap_or_default().to_owned())
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
