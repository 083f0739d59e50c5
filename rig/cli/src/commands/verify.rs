//! `rig verify`: whether runs are as they were recorded, and say what follows from what was measured.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context;
use chrono::Utc;
use rig_evidence::{Ledger, Signers};
use rig_report::printable;
use serde::Serialize;

use crate::allowed::SignersFile;
use crate::failure::{BENCH, Failure, OrExit, USAGE, failure};
use crate::terminal::Terminal;
use crate::verify::{self, Beside, Disk, Fault, Findings};

mod reports;
mod tell;

/// Something is not as it must be.
const FAULT: u8 = 4;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folders of runs, or a folder of reports with its ledger
    #[arg(required = true, value_name = "RUN")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    signers: SignersFile,
}

pub fn run(args: &Args, terminal: &Terminal) -> Result<u8, Failure> {
    let mut outcome = Outcome::default();
    for path in &args.paths {
        if path.join(Ledger::NAME).is_file() && !is_run(path) {
            reports::verify(path, signers(&args.signers, path)?.as_ref(), terminal, &mut outcome)?;
            continue;
        }
        if !is_run(path) {
            return Err(nothing_there(path));
        }
        let real = path.canonicalize().ok();
        let name = real.as_deref().and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
        let reports = real.as_deref().and_then(|path| Some(path.parent()?.to_owned())).unwrap_or_default();
        let signers = signers(&args.signers, &reports)?;
        let ledger = ledger(&reports)?;
        let mut findings = one(path, &path.display().to_string(), beside(signers.as_ref(), ledger.as_ref(), name.as_deref()))?;
        findings.faults.extend(ledger.iter().flat_map(verify::ledger_faults));
        outcome.add(&findings);
        tell::run(&findings, terminal);
    }
    outcome.exit()
}

fn beside<'a>(signers: Option<&'a Signers>, ledger: Option<&'a Ledger>, folder: Option<&'a str>) -> Beside<'a> {
    Beside { signers, ledger, folder, now: Some(Utc::now()) }
}

/// Why a folder is neither a run's nor one of reports.
fn nothing_there(path: &Path) -> Failure {
    let runs = if path.is_dir() { reports::strangers(path, &BTreeSet::new()).unwrap_or_default() } else { Vec::new() };
    let folder = path.display();
    match &runs[..] {
        [] => failure(
            USAGE,
            format!(
                "there is no journal.jsonl in `{folder}`, and no ledger.jsonl: name the folder of one run, as `rig run` shows it at its end, or \
                 the folder of reports"
            ),
        ),
        [first, ..] => failure(
            BENCH,
            format!(
                "{} is missing in `{folder}`, although {} there ({}): without it nothing shows that no run was removed or replaced; take it from \
                 a copy, or name the runs to verify each by itself",
                Ledger::NAME,
                if runs.len() == 1 { "a run lies".to_owned() } else { format!("{} runs lie", runs.len()) },
                printable(first),
            ),
        ),
    }
}

/// How all of them together came out.
#[derive(Debug, Default, Serialize)]
struct Outcome {
    intact: u64,
    /// Runs, and faults of a ledger.
    faulty: u64,
    not_closed: u64,
    /// Runs that are intact but for signatures of which nothing says who may make them.
    not_checked: u64,
    #[serde(skip)]
    unproven: u64,
}

impl Outcome {
    fn add(&mut self, findings: &Findings) {
        self.unproven += findings.unproven;
        match findings {
            _ if !findings.intact() => self.faulty += 1,
            _ if findings.unproven > 0 => self.not_checked += 1,
            _ if findings.not_closed => self.not_closed += 1,
            _ => self.intact += 1,
        }
    }

    fn exit(&self) -> Result<u8, Failure> {
        if self.faulty > 0 {
            return Ok(FAULT);
        }
        if self.unproven > 0 {
            let signed = verify::count(self.unproven, "signature");
            return Err(failure(
                USAGE,
                format!("{signed} not checked: nothing says who may sign as what; name the file of allowed signers with `--signers`"),
            ));
        }
        Ok(if self.not_closed > 0 { FAULT } else { 0 })
    }
}

fn is_run(path: &Path) -> bool {
    ["journal.jsonl", "journal.jsonl.partial", "manifest.json"].iter().any(|name| path.join(name).symlink_metadata().is_ok())
}

fn one(path: &Path, called: &str, beside: Beside<'_>) -> Result<Findings, Failure> {
    let found = verify::run(&Disk(path.to_owned()), called, beside);
    let found = found.with_context(|| format!("failed to list `{}`", path.display())).or_exit(BENCH)?;
    // It was there a moment ago.
    Ok(found.unwrap_or_else(|| {
        let fault = Fault::new("journal.jsonl", "it is missing", "take the run from a copy that is intact");
        Findings { run: called.to_owned(), faults: vec![fault], ..Findings::default() }
    }))
}

/// The ledger in a folder, if there is one.
fn ledger(folder: &Path) -> Result<Option<Ledger>, Failure> {
    if !folder.join(Ledger::NAME).is_file() {
        return Ok(None);
    }
    let bytes = crate::ledger::read(folder).or_exit(BENCH)?;
    Ok(Some(Ledger::read(&bytes)))
}

/// The file that is named, or the one beside the ledger, if there is one.
fn signers(named: &SignersFile, folder: &Path) -> Result<Option<Signers>, Failure> {
    if named.signers.is_none() && !named.path(folder).exists() {
        return Ok(None);
    }
    Ok(Some(named.read(folder)?.signers))
}
