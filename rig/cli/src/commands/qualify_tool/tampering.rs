//! Records that were altered, each in one way, and whether the verification that `rig verify` makes finds it.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use rig_evidence::{FileDigest, Manifest, Sha256Hex};
use rig_model::event::Event;
use rig_model::fact::{Body, Fact};
use rig_model::verdict::{Condition, Verdict};
use rig_record::{JournalReader, JournalWriter};

use super::{Group, Items, pumps};
use crate::folder::JOURNAL;
use crate::terminal::Terminal;
use crate::verify::{self, Beside, Files, Memory};

const FOUND: &str = "UR-08";
const DERIVED: &str = "UR-09";

/// Of a journal's lines, and of the bytes of a file, every how many-th is altered: primes, so that all kinds of lines come by.
const EVERY_LINE: usize = 7;
const EVERY_BYTE: usize = 61;

/// # Errors
/// The run that is to be altered can't be played, or its files can't be read.
pub fn play(items: &mut Items, terminal: &Terminal) -> Result<()> {
    let dir = std::env::temp_dir().join(format!("rig-qualification-{}", uuid::Uuid::new_v4()));
    let played = pumps::recorded("smoke/smoke.yaml", "wrong_gain", &dir, terminal).and_then(|folder| read(&folder));
    // Whatever became of it; what can't be removed lies in the folder for what is temporary.
    let _ = std::fs::remove_dir_all(&dir);
    let run = played.context("the run that is to be altered can't be played")?;
    items.same(Group::Tampering, FOUND, "the run as it was recorded: faults found", 0, faults(&run)?);
    journal(items, &run)?;
    files(items, &run)?;
    forged(items, &run)
}

fn read(folder: &Path) -> Result<Memory> {
    let disk = verify::Disk(folder.to_owned());
    let mut run = Memory::default();
    for name in disk.names()? {
        let mut bytes = Vec::new();
        disk.open(&name)?.read_to_end(&mut bytes).with_context(|| format!("failed to read `{name}`"))?;
        put(&mut run, &name, bytes);
    }
    Ok(run)
}

fn put(run: &mut Memory, name: &str, bytes: impl AsRef<[u8]>) {
    run.0.insert(name.to_owned(), bytes.as_ref().into());
}

/// How many faults a verification finds.
fn faults(run: &Memory) -> Result<usize> {
    let findings = verify::run(run, "qualification", Beside::default())?.ok_or_else(|| anyhow!("there is no run"))?;
    Ok(findings.faults.len())
}

/// Tries each way to alter a file, and tells how many were not found.
fn each(items: &mut Items, run: &Memory, name: &str, what: &str, altered: impl Iterator<Item = Vec<u8>>) -> Result<()> {
    let (mut tried, mut missed) = (0, 0);
    for bytes in altered {
        let mut other = run.clone();
        put(&mut other, name, bytes);
        tried += 1;
        missed += usize::from(faults(&other)? == 0);
    }
    let passed = tried > 0 && missed == 0;
    items.add(
        Group::Tampering,
        FOUND,
        format!("{name}: {what}"),
        "found each time".to_owned(),
        format!("{missed} of {tried} not found"),
        passed,
    );
    Ok(())
}

fn journal(items: &mut Items, run: &Memory) -> Result<()> {
    let whole: Arc<[u8]> = run.0.get(JOURNAL).cloned().ok_or_else(|| anyhow!("the run has no journal"))?;
    let lines: Vec<&[u8]> = whole.split_inclusive(|b| *b == b'\n').collect();
    let some = || (0..lines.len()).step_by(EVERY_LINE);
    let turned = some().map(|n| {
        let middle = lines[n].len() / 2;
        let mut line = lines[n].to_vec();
        line[middle] ^= 1;
        [lines[..n].concat(), line, lines[n + 1..].concat()].concat()
    });
    each(items, run, JOURNAL, "one bit turned over in a line", turned)?;
    each(items, run, JOURNAL, "a line left out", some().map(|n| [lines[..n].concat(), lines[n + 1..].concat()].concat()))?;
    each(items, run, JOURNAL, "a line twice", some().map(|n| [lines[..=n].concat(), lines[n..].concat()].concat()))?;
    let swapped = some().filter(|n| n + 1 < lines.len());
    let swapped = swapped.map(|n| [&lines[..n].concat(), lines[n + 1], lines[n], &lines[n + 2..].concat()].concat());
    each(items, run, JOURNAL, "two lines swapped", swapped)?;
    each(items, run, JOURNAL, "its end cut off", some().map(|n| lines[..n].concat()))
}

fn files(items: &mut Items, run: &Memory) -> Result<()> {
    for (name, whole) in run.0.iter().filter(|(name, _)| *name != JOURNAL) {
        let turned = (0..whole.len()).step_by(EVERY_BYTE.max(whole.len() / 16)).map(|at| {
            let mut bytes = whole.to_vec();
            bytes[at] ^= 1;
            bytes
        });
        each(items, run, name, "one bit turned over", turned)?;
        let mut without = run.clone();
        without.0.remove(name);
        items.same(Group::Tampering, FOUND, format!("{name}: taken away: found"), true, faults(&without)? > 0);
    }
    let mut more = run.clone();
    put(&mut more, "results-corrected.csv", "");
    items.same(Group::Tampering, FOUND, "a file that does not belong to the run: found", true, faults(&more)? > 0);
    Ok(())
}

/// A FAIL made a PASS, with chain and manifest made anew, so that all hashes hold: only what follows from the inputs can tell.
fn forged(items: &mut Items, run: &Memory) -> Result<()> {
    let whole = run.0.get(JOURNAL).ok_or_else(|| anyhow!("the run has no journal"))?;
    let mut facts = JournalReader::new(&whole[..]).map(|read| read.map(|(_, fact)| fact)).collect::<Result<Vec<Fact>, _>>()?;
    let row = facts.iter_mut().find_map(|fact| match &mut fact.body {
        Body::Event(Event::Check(row)) if row.verdict == Verdict::Fail => Some(row),
        _ => None,
    });
    let row = row.ok_or_else(|| anyhow!("the defective pump has no FAIL"))?;
    row.verdict = Verdict::Pass;
    row.condition = Some(Condition::Within);
    let mut writer = JournalWriter::new(Vec::new());
    facts.iter().try_for_each(|fact| writer.write(fact))?;
    let head = writer.head().and_then(|link| Sha256Hex::parse(&link.to_string()));
    let journal = writer.into_inner();
    let text = run.0.get(Manifest::NAME).ok_or_else(|| anyhow!("the run has no manifest"))?;
    let mut manifest = Manifest::parse(std::str::from_utf8(text)?)?;
    manifest.journal.link = head;
    manifest.files.insert(JOURNAL.to_owned(), FileDigest { sha256: Sha256Hex::of(&journal), bytes: journal.len() as u64 });
    let mut forged = run.clone();
    put(&mut forged, JOURNAL, journal);
    put(&mut forged, Manifest::NAME, manifest.render()?);
    let what = "a FAIL made a PASS, with chain and manifest made anew: found by deriving it again";
    items.same(Group::Tampering, DERIVED, what, true, faults(&forged)? > 0);
    Ok(())
}
