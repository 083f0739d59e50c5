//! A folder of reports: its ledger, every run that the ledger knows, and what lies there that it does not know.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context;
use rig_evidence::{Entry, Ledger, Signers};
use rig_report::printable;
use serde_json::json;

use super::{Outcome, beside, is_run, ledger, one, tell};
use crate::failure::{BENCH, Failure, OrExit};
use crate::folder::RunFolder;
use crate::say;
use crate::terminal::Terminal;
use crate::verify::{Fault, Findings, count, ledger_faults};

pub fn verify(path: &Path, signers: Option<&Signers>, terminal: &Terminal, outcome: &mut Outcome) -> Result<(), Failure> {
    let ledger = ledger(path)?.unwrap_or_default();
    let mut faults: Vec<Fault> = ledger_faults(&ledger).collect();
    let mut known = BTreeSet::new();
    for entry in &ledger.lines {
        let Entry::Started { number, folder, .. } = &entry.line.entry else { continue };
        let at = path.join(folder);
        // A name from a file: it must be that of a folder beside it, and of no other place.
        let inside = at.parent() == Some(path) && at.file_name().is_some_and(|name| *name == **folder);
        if !inside || !known.insert(folder.clone()) {
            faults.push(Fault::new(Ledger::NAME, format!("`{folder}` can't be the folder of run {number}"), MISSING).line(entry.number));
        } else if !is_run(&at) {
            let what = format!("run {number} ({}) is missing: there is no record in `{folder}`", entry.line.run_id);
            faults.push(Fault::new(Ledger::NAME, what, MISSING).line(entry.number));
        } else {
            let mut findings = one(&at, folder, beside(signers, Some(&ledger), Some(folder)))?;
            other_run(&mut findings, &entry.line.run_id);
            outcome.add(&findings);
            tell::briefly(&findings, terminal);
        }
    }
    // What somebody gave a name of his own was put there by somebody, as an example or to be kept; a run that was made here has a run's name.
    let (made_here, put_there): (Vec<_>, Vec<_>) = strangers(path, &known)?.into_iter().partition(|name| RunFolder::is_name_of_run(name));
    faults.extend(made_here.into_iter().map(|name| {
        let what = "it holds the record of a run, and no line of the ledger knows it";
        Fault::new(format!("{name}/"), what, "find out where it comes from: it was put there, or its lines were removed from the ledger")
    }));
    outcome.faulty += faults.len() as u64;
    for name in put_there.iter().filter(|_| !terminal.json) {
        let name = printable(name);
        say::out(format_args!(
            "note: {name}/ holds the record of a run that is no matter of this ledger; `rig verify` looks at it by its name"
        ));
    }
    summary(path, &ledger, &faults, outcome, terminal);
    Ok(())
}

const MISSING: &str = "no command removes a run: take it from a copy, and find out who removed it";

/// A run that was put in the place of another, both of which the ledger may know.
fn other_run(findings: &mut Findings, run_id: &str) {
    if !findings.run_id.is_empty() && findings.run_id != run_id {
        let what = "another run lies in the folder that the ledger has for it";
        findings
            .faults
            .insert(0, Fault::new("journal.jsonl", what, "put each run into its own folder").line(1).differs(run_id, &findings.run_id));
    }
}

/// Folders that hold a record and are in no line.
pub fn strangers(path: &Path, known: &BTreeSet<String>) -> Result<Vec<String>, Failure> {
    let listing = || format!("failed to list `{}`", path.display());
    let mut names = Vec::new();
    for entry in std::fs::read_dir(path).with_context(listing).or_exit(BENCH)? {
        let entry = entry.with_context(listing).or_exit(BENCH)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !known.contains(&name) && is_run(&entry.path()) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn summary(path: &Path, ledger: &Ledger, faults: &[Fault], outcome: &Outcome, terminal: &Terminal) {
    let lines = ledger.lines.len() as u64;
    if terminal.json {
        return say::out(json!({ "reports": path.display().to_string(), "ledger_lines": lines, "faults": faults, "runs": outcome }));
    }
    faults.iter().for_each(tell::fault);
    let Outcome { intact, faulty, not_closed, not_checked, .. } = outcome;
    let not_checked = if *not_checked == 0 { String::new() } else { format!(", {not_checked} with signatures that were not checked") };
    let chain = if ledger.faults.is_empty() { ", the chain whole" } else { "" };
    say::out(format_args!(
        "ledger: {}{chain}; runs: {intact} intact, {not_closed} not closed{not_checked}; faults: {faulty}",
        count(lines, "line")
    ));
}
