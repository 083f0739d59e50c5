//! The ledger of a reports folder against the runs that lie there: what it says of a run, and which runs are missing or unknown.

use rig_evidence::{Chain, Closing, Entry, Ledger, Numbered, Sha256Hex};
use rig_model::verdict::Verdict;

use super::findings::{Fault, Findings, count};

/// Where the ledger does not fit, one of the two was put in the other's place.
const OTHER: &str = "the run was changed or replaced after it was closed, or the ledger was: take both from the same copy and compare";

/// What is wrong with the ledger itself.
pub fn faults(ledger: &Ledger) -> impl Iterator<Item = Fault> {
    let next = "keep the ledger as it is, and take it from a copy: every line from there on may be of another time";
    ledger.faults.iter().map(move |fault| Fault::new(Ledger::NAME, fault.what.clone(), next).line(fault.line))
}

/// A run as it was found.
#[derive(Debug)]
pub struct Seen<'a> {
    pub run_id: &'a str,
    /// Of the journal.
    pub lines: u64,
    pub head: Option<&'a Sha256Hex>,
    pub verdict: Option<Verdict>,
    pub manifest: &'a [u8],
    pub statements: &'a Chain,
}

/// What the ledger says of one run.
pub fn check(ledger: &Ledger, run: &Seen<'_>, findings: &mut Findings) {
    let lines: Vec<&Numbered> = ledger.of_run(run.run_id).collect();
    if lines.is_empty() {
        let what = format!("no line of it knows run {}", run.run_id);
        findings.faults.push(Fault::new(
            Ledger::NAME,
            what,
            "the run was put into this folder, or its lines were removed from the ledger: compare with a copy",
        ));
        return;
    }
    let faults_before = findings.faults.len();
    let closing = lines.iter().rev().find_map(|n| match &n.line.entry {
        Entry::Ended(closing) | Entry::Recovered(closing) => Some((n.number, closing)),
        Entry::Started { .. } | Entry::Signed { .. } => None,
    });
    let told = lines.iter().any(|n| n.line.v > 1);
    match closing {
        Some((number, closing)) => findings.faults.extend(closed(number, closing, run)),
        None if told => findings.faults.push(never_closed(run.run_id)),
        None => findings.remarks.push("its ledger is of a version that tells only of starts".to_owned()),
    }
    let mut signed = 0;
    for entry in &lines {
        if let Entry::Signed { statement, sha256, signature_sha256 } = &entry.line.entry {
            signed += 1;
            let files = [(statement.clone(), sha256), (format!("{statement}.sig"), signature_sha256)];
            findings.faults.extend(files.into_iter().filter_map(|(file, expected)| covered(&file, expected, run.statements, entry.number)));
        }
    }
    if findings.faults.len() == faults_before {
        let places: Vec<String> = lines.iter().map(|n| n.number.to_string()).collect();
        findings.covered("ledger", format!("line {}: as it was closed, {}", places.join(", "), count(signed, "signature")));
    }
}

fn never_closed(run_id: &str) -> Fault {
    Fault::new(
        Ledger::NAME,
        format!("run {run_id} was started and never closed"),
        "`rig recover` closes a run that was cut off; one that is being played closes itself",
    )
}

fn closed(line: u64, closing: &Closing, run: &Seen<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut differs = |what: &str, expected: String, found: String| {
        if expected != found {
            faults.push(Fault::new(Ledger::NAME, what, OTHER).line(line).differs(expected, found));
        }
    };
    if let Some(expected) = &closing.manifest_sha256 {
        let found = Sha256Hex::of(run.manifest).to_string();
        differs("the run's manifest is not the one with which it was closed", expected.to_string(), found);
    }
    if let Some(expected) = &closing.journal {
        let show = |lines: u64, link: Option<&Sha256Hex>| {
            format!("{} with the head {}", count(lines, "line"), link.map_or_else(|| "none".to_owned(), ToString::to_string))
        };
        differs(
            "the run's journal is not the one with which it was closed",
            show(expected.lines, expected.link.as_ref()),
            show(run.lines, run.head),
        );
    }
    if let (Some(expected), Some(verdict)) = (&closing.verdict, run.verdict) {
        differs("the run's verdict is not the one with which it was closed", expected.clone(), verdict.to_string());
    }
    faults
}

/// A statement that the ledger knows must be there, and be the same.
fn covered(file: &str, expected: &Sha256Hex, chain: &Chain, line: u64) -> Option<Fault> {
    let found = chain.covers.iter().find(|covered| covered.file == file);
    match found {
        Some(found) if found.sha256 == *expected => None,
        Some(found) => {
            let fault = Fault::new(file, format!("it is not the one that the ledger has on line {line}"), OTHER);
            Some(fault.differs(expected, found.sha256))
        }
        None => Some(Fault::new(file, format!("it is missing: the ledger has it on line {line}"), OTHER)),
    }
}
