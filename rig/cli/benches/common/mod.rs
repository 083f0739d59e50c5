//! A run of the release program, and what the benchmarks want to know of its journal.

use std::fs::{File, read_dir};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// `rig run`, silent, with a seed that never changes.
pub fn run(scenario: &Path, bench: &Path, reports: &Path) -> Command {
    let mut rig = Command::new(env!("CARGO_BIN_EXE_rig"));
    rig.arg("run").arg(scenario).arg("--bench").arg(bench).args(["--seed", "20260101", "--out"]).arg(reports);
    rig.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")).stdout(Stdio::null());
    rig
}

/// The only run in this folder.
pub fn folder(reports: &Path) -> Result<PathBuf> {
    let folders = read_dir(reports)?.filter_map(|entry| Some(entry.ok()?.path()));
    folders.into_iter().find(|path| path.join("journal.jsonl").exists()).context("there is no journal")
}

/// Edges in the journal of the only run in this folder; an error if some were lost.
pub fn edges(reports: &Path) -> Result<u64> {
    let mut count = 0;
    for line in BufReader::new(File::open(folder(reports)?.join("journal.jsonl"))?).lines() {
        let line = line?;
        ensure!(!line.contains(r#""kind":"data_lost""#), "edges were lost: {line}");
        if line.contains(r#""kind":"edges""#) {
            count += edges_of(&line);
        }
    }
    Ok(count)
}

/// Edges in one batch, by its line.
fn edges_of(line: &str) -> u64 {
    let more = line.split_once(r#""then":["#).and_then(|(_, rest)| rest.split_once(']'));
    1 + more.map_or(0, |(then, _)| then.split(',').count() as u64)
}
