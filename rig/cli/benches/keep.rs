//! What it costs to keep a check: `cargo bench -p pump-rig --bench keep` writes the facts of many checks into a chained journal, as a real bench does in
//! pieces and with a sync after each, and divides by their number.

#![allow(clippy::disallowed_methods, reason = "a benchmark reads the clock and writes files")]

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use rig_model::event::Event;
use rig_model::fact::{Body, Fact};
use rig_model::time::RigTime;
use rig_record::{JournalReader, JournalWriter};

/// Limits per check: in pieces, and with a sync, µs.
const BATCHED: f64 = 50.0;
const SYNCED: f64 = 2000.0;
const CHECKS: usize = 20_000;
const SYNCS: usize = 500;
/// The middle one of so many times counts.
const TIMES: usize = 5;

fn main() -> Result<()> {
    // On the disk that the build is on: many a `/tmp` is memory, on which a sync costs nothing.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let facts = facts_of_a_check()?;
    println!("a check: {} facts in {} bytes", facts.len(), written(&facts, 1, File::create(folder.path().join("one"))?, false)?);
    let median = |checks: usize, sync: bool| -> Result<f64> {
        let mut times = Vec::new();
        for _ in 0..TIMES {
            let file = File::create(folder.path().join("journal.jsonl"))?;
            let began = Instant::now();
            written(&facts, checks, file, sync)?;
            times.push(began.elapsed().as_secs_f64() * 1e6 / checks as f64);
        }
        times.sort_by(f64::total_cmp);
        Ok(times[TIMES / 2])
    };
    for (what, took, limit) in [("in pieces", median(CHECKS, false)?, BATCHED), ("with a sync after each", median(SYNCS, true)?, SYNCED)] {
        println!("{what}: {took:.1} µs a check, limit {limit:.0} µs{}", if took <= limit { "" } else { ", MISSED" });
    }
    // What the disk takes of it, whoever writes: as many bytes as a check has, and a sync.
    let (bytes, mut file) = (vec![b'x'; 1024], File::create(folder.path().join("bare"))?);
    let began = Instant::now();
    for _ in 0..SYNCS {
        file.write_all(&bytes)?;
        file.sync_data()?;
    }
    println!("the disk alone, a kilobyte and a sync: {:.1} µs", began.elapsed().as_secs_f64() * 1e6 / SYNCS as f64);
    Ok(())
}

/// What stands in the sample between two ends of steps, with a check in it.
fn facts_of_a_check() -> Result<Vec<Fact>> {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../reports/sample/journal.jsonl");
    let bytes = std::fs::read(&sample).with_context(|| format!("failed to read {}", sample.display()))?;
    let mut step = Vec::new();
    for fact in JournalReader::new(&bytes[..]) {
        let (_, fact) = fact?;
        match &fact.body {
            Body::Event(Event::StepStarted { .. }) => step.clear(),
            Body::Event(Event::Check(_)) => {
                step.push(fact.clone());
                let end = Event::StepEnded { step: "steps.1".into() };
                step.push(Fact { at: RigTime(0), arrival: None, body: Body::Event(end) });
                return Ok(step);
            }
            _ => {}
        }
        step.push(fact);
    }
    anyhow::bail!("there is no check in {}", sample.display())
}

/// Bytes that were written.
fn written(facts: &[Fact], checks: usize, file: File, sync: bool) -> Result<u64> {
    let mut journal = JournalWriter::new(BufWriter::with_capacity(1 << 18, file));
    for _ in 0..checks {
        facts.iter().try_for_each(|fact| journal.write(fact))?;
        if sync {
            journal.flush()?;
            journal.get_ref().get_ref().sync_data()?;
        }
    }
    journal.flush()?;
    let mut out = journal.into_inner();
    out.flush()?;
    Ok(out.get_ref().metadata()?.len())
}
