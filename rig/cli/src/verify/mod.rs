//! Whether a run's record is as it was written, and says what follows from it: the checks of `rig verify`, over a folder on the disk or in memory.
//!
//! One pass over the journal checks its chain, derives every event and verdict again, and makes every report again; then come the manifest, what was
//! signed, and what the ledger says. Nothing is written, and nothing but the files is asked.

mod claim;
mod compare;
mod dates;
mod files;
mod findings;
mod header;
mod journal;
mod ledger;
mod manifest;
mod reports;
mod signatures;

use std::collections::BTreeSet;
use std::io::{BufReader, Read as _};

use chrono::{DateTime, Utc};
use rig_evidence::{Entry, Head, Ledger, Manifest, Numbered, Sha256Hex, Signers};
use rig_record::{Cut, JournalReader};

pub use files::{Disk, Files, Memory};
pub use findings::{Fault, Findings, count, head_text};
pub use ledger::faults as ledger_faults;

use crate::folder::JOURNAL;
use claim::{AtEnd, Claim};
use journal::{CHANGED, Journal, Reports};
use ledger::Seen;
use signatures::Signable;

/// What is known beside a run's folder.
#[derive(Debug, Clone, Copy, Default)]
pub struct Beside<'a> {
    pub signers: Option<&'a Signers>,
    pub ledger: Option<&'a Ledger>,
    /// What the run's folder is called, beside that ledger.
    pub folder: Option<&'a str>,
    /// What this machine takes the time for.
    pub now: Option<DateTime<Utc>>,
}

/// The journal of a run that was not closed yet.
const PARTIAL: &str = "journal.jsonl.partial";

/// Goes through one run. `None` where there is none.
pub fn run(files: &dyn Files, called: &str, beside: Beside<'_>) -> std::io::Result<Option<Findings>> {
    let names = files.names()?;
    let mut findings = Findings { run: called.to_owned(), ..Findings::default() };
    let links = files.links()?;
    if !links.is_empty() {
        findings.faults = links.iter().map(link).collect();
        return Ok(Some(findings));
    }
    let journal = [JOURNAL, PARTIAL].into_iter().find(|name| names.contains(*name));
    let gone_through = match journal {
        _ if !names.contains(Manifest::NAME) && journal.is_none() => return Ok(None),
        _ if let Some(manifest) = of_nothing(files, &names) => {
            nothing_recorded(files, &names, &manifest, beside, &mut findings);
            Ok(())
        }
        None => Err(Fault::new(JOURNAL, "it is missing", CHANGED)),
        Some(PARTIAL) if !names.contains(Manifest::NAME) && is_without_a_line(files, PARTIAL) && not_begun(beside, &mut findings) => Ok(()),
        Some(journal) => go_through(files, &names, journal, beside, &mut findings),
    };
    if let Err(fault) = gone_through {
        findings.faults.insert(0, fault);
    }
    Ok(Some(findings))
}

/// What a link leads to lies elsewhere, may be another thing tomorrow, and is in no copy of the folder.
fn link(name: &String) -> Fault {
    let next = "put the file itself there, if it is the run's own; then verify it again";
    Fault::new(name, "it is a link to another place, and no file of the run's folder", next)
}

/// The manifest of a run that was cut off before its first line was whole.
fn of_nothing(files: &dyn Files, names: &BTreeSet<String>) -> Option<(Vec<u8>, Manifest)> {
    let manifest = names.contains(Manifest::NAME).then(|| manifest::read(files).ok()).flatten();
    // Whatever the manifest says: where there is a first line, the run is gone through.
    manifest.filter(|(_, manifest)| manifest.journal.lines == 0 && !manifest.journal.complete && !begins(files, JOURNAL))
}

/// It can be read, and not one line of it is whole.
fn is_without_a_line(files: &dyn Files, journal: &str) -> bool {
    files.open(journal).is_ok_and(|input| !BufReader::new(input).bytes().map_while(Result::ok).any(|byte| byte == b'\n'))
}

fn begins(files: &dyn Files, journal: &str) -> bool {
    files.open(journal).is_ok_and(|input| JournalReader::new(BufReader::new(input)).next().is_some_and(|fact| fact.is_ok()))
}

fn nothing_recorded(
    files: &dyn Files,
    names: &BTreeSet<String>,
    (text, manifest): &(Vec<u8>, Manifest),
    beside: Beside<'_>,
    findings: &mut Findings,
) {
    findings.run_id.clone_from(&manifest.run_id);
    findings.manifest_sha256 = Some(Sha256Hex::of(text).to_string());
    findings.faults = manifest::check_alone(files, names, manifest);
    findings.cut_off =
        Some("the run was cut off before its first line was recorded, and recovered: nothing was played, and nothing passed".to_owned());
    let statements = signatures::statements(files, names, &manifest.run_id, text, findings);
    let nothing = Head { lines: 0, link: None, complete: false };
    let seen = Seen {
        run_id: &manifest.run_id,
        header: None,
        folder: beside.folder,
        journal: nothing,
        verdict: None,
        exit_code: None,
        manifest: text,
        statements: &statements,
    };
    in_ledger(beside.ledger, &seen, findings);
}

fn in_ledger(ledger: Option<&Ledger>, seen: &Seen<'_>, findings: &mut Findings) {
    match ledger {
        Some(ledger) => ledger::check(ledger, seen, findings),
        None => findings.remarks.push("there is no ledger beside it: that it was not replaced as a whole is not shown".to_owned()),
    }
}

/// What can't be gone beyond comes back; all else that is wrong is among the findings.
fn go_through(files: &dyn Files, names: &BTreeSet<String>, name: &str, beside: Beside<'_>, findings: &mut Findings) -> Result<(), Fault> {
    // Without a manifest the run was not closed, and its reports are not there or may be half written.
    let closed = names.contains(Manifest::NAME);
    let journal = journal::pass(files, name, if closed { Reports::Compared } else { Reports::NotYet })?;
    findings.run_id.clone_from(&journal.header.run_id);
    findings.head = journal.head.as_ref().map(Sha256Hex::to_string);
    tell_journal(&journal, findings);
    if journal.version == 1 {
        let next = "`rig replay` shows whether its verdicts follow from its inputs; to be shown unchanged a run has to be played again";
        return Err(Fault::new(name, "format version 1 has no chain: what it holds can't be shown to be unchanged", next));
    }
    if !closed {
        return not_closed(name, &journal, beside, findings);
    }
    let (text, manifest) = manifest::read(files)?;
    findings.manifest_sha256 = Some(Sha256Hex::of(&text).to_string());
    let faults = manifest::check(files, names, &manifest, &journal);
    if faults.is_empty() {
        findings.covered("reports", format!("{} made again, the same to the byte", count(journal.reports.len() as u64, "file")));
        findings.covered("manifest", format!("{}, none missing, none besides", count(manifest.files.len() as u64, "file")));
    }
    findings.faults.extend(faults);
    if let Some(cut) = journal.cut {
        findings.cut_off = Some(format!("the run was cut off, and recovered: {}", cut_off(&cut)));
    }
    let claim = claimed(name, &journal, findings);
    let signed = Signable { header: &journal.header, manifest: &text, claims: claim == Claim::Stands };
    let statements = signatures::check(files, names, &signed, beside, findings);
    let seen = Seen {
        run_id: &journal.header.run_id,
        header: Some(&journal.header),
        folder: beside.folder,
        journal: journal.end(),
        verdict: journal.verdict,
        exit_code: journal.ended.as_ref().map(|ended| ended.exit_code),
        manifest: &text,
        statements: &statements,
    };
    in_ledger(beside.ledger, &seen, findings);
    Ok(())
}

/// Holds a claim to be evidence against the end of the record.
fn claimed(name: &str, journal: &Journal, findings: &mut Findings) -> Claim {
    let claim = Claim::of(&journal.header, AtEnd { complete: journal.cut.is_none(), late: &journal.late, clock: journal.clock.as_ref() });
    match &claim {
        Claim::None | Claim::Stands => {}
        Claim::GivenUp(why) => findings.warnings.push(why.clone()),
        Claim::False(why) => {
            let next = "it is no evidence, whatever it claims: play it again with `rig run --evidence`";
            findings.faults.push(Fault::new(name, format!("it claims to be evidence, but {why}"), next).line(journal.lines));
        }
    }
    claim
}

fn tell_journal(journal: &Journal, findings: &mut Findings) {
    let chain = if journal.version == 1 { "no chain" } else { "the chain whole" };
    findings.covered("journal", format!("{}, {chain}", count(journal.lines, "line")));
    let verdict = journal.ended.as_ref().map_or_else(String::new, |ended| {
        let verdict = ended.verdict.map_or_else(|| "nothing was judged".to_owned(), |verdict| verdict.to_string());
        format!(", the verdicts of {} too: {verdict}", count(ended.checks.total(), "check"))
    });
    findings.covered("replay", format!("every event derived again{verdict}"));
    if !journal.header.evidence {
        let why = journal.header.provenance.not_evidence.first().map_or_else(String::new, |why| format!(": {why}"));
        findings.remarks.push(format!("it is no evidence and does not claim to be{why}"));
    }
}

/// The run is still being played, or was cut off and nobody has recovered it.
fn not_closed(name: &str, journal: &Journal, beside: Beside<'_>, findings: &mut Findings) -> Result<(), Fault> {
    let how = journal.cut.as_ref().map_or_else(|| "its journal is whole".to_owned(), cut_off);
    if no_room(beside.ledger, &journal.header.run_id, &how, findings) {
        return Ok(());
    }
    if name == JOURNAL && journal.cut.is_none() {
        let next = "take it from a copy: its SHA-256 is in the ledger and in every signature";
        return Err(Fault::new(Manifest::NAME, "it is missing, although the run was closed", next));
    }
    if let Some(ledger) = beside.ledger {
        let known = ledger.of_run(&journal.header.run_id).any(|n| !matches!(n.line.entry, Entry::Started { .. }));
        if known {
            return Err(Fault::new(Manifest::NAME, "it is missing, although the ledger has the run as closed", CHANGED));
        }
    }
    let how = match &journal.cut {
        Some(cut) => format!("the run was not closed: {}", cut_off(cut)),
        None => "the run came to its end, and was not closed".to_owned(),
    };
    findings.cut_off = Some(format!("{how}; `rig recover` closes it, if it is not being played"));
    findings.not_closed = true;
    Ok(())
}

/// Says that a run ended without its record being written, if that is so and nobody has closed it since.
fn no_room(ledger: Option<&Ledger>, run_id: &str, how: &str, findings: &mut Findings) -> bool {
    let closings = ledger.into_iter().flat_map(|ledger| ledger.of_run(run_id)).filter_map(|n| match &n.line.entry {
        Entry::Ended(closing) | Entry::Recovered(closing) => Some((n.number, closing)),
        Entry::Started { .. } | Entry::Signed { .. } => None,
    });
    let Some((line, _)) = closings.last().filter(|(_, closing)| closing.manifest_sha256.is_none()) else { return false };
    findings.cut_off = Some(format!(
        "the run was not closed: it ended, and there was no room for its record, or its disk failed (line {line} of the ledger); {how}; once \
         there is room, `rig recover` closes it"
    ));
    findings.not_closed = true;
    true
}

/// A run of which not even the first line was recorded, and that nobody has closed, as far as the ledger knows.
fn not_begun(beside: Beside<'_>, findings: &mut Findings) -> bool {
    let (Some(ledger), Some(name)) = (beside.ledger, beside.folder) else { return false };
    let began_here = |n: &&Numbered| matches!(&n.line.entry, Entry::Started { folder, .. } if folder == name);
    let Some(started) = ledger.lines.iter().find(began_here) else { return false };
    let run_id = &started.line.run_id;
    let how = "its journal holds not even its first line";
    if no_room(beside.ledger, run_id, how, findings) {
        return true;
    }
    let open = !ledger.of_run(run_id).any(|n| matches!(n.line.entry, Entry::Ended(_) | Entry::Recovered(_)));
    if open {
        findings.cut_off = Some(format!("the run was not closed: {how}; `rig recover` closes it, if it is not being played"));
        findings.not_closed = true;
    }
    open
}

fn cut_off(cut: &Cut) -> String {
    let torn = if cut.bytes == 0 { String::new() } else { format!(" and {} of the next", count(cut.bytes, "byte")) };
    format!("its journal ends after {}{torn}", count(cut.line - 1, "line"))
}

#[cfg(test)]
mod tests;
