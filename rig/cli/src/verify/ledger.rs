//! The ledger of a reports folder against the runs that lie there: what it says of a run, and which runs are missing or unknown.

use rig_evidence::{Chain, Closing, Entry, Head, Ledger, Numbered, Sha256Hex};
use rig_model::fact::Header;
use rig_model::verdict::Verdict;

use super::findings::{Fault, Findings, count, head_text};
use crate::commands::run::{FAIL, NOT_SAFE};
use crate::failure::BENCH;

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
    /// Absent where nothing was recorded.
    pub header: Option<&'a Header>,
    /// What its folder is called, where it lies beside the ledger.
    pub folder: Option<&'a str>,
    /// Of the journal as it lies there.
    pub journal: Head,
    /// What follows from the journal; also of a run that was cut off.
    pub verdict: Option<Verdict>,
    /// The run's own word, if it came to its end.
    pub exit_code: Option<u8>,
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
    findings.faults.extend(lines.iter().flat_map(|n| started(n, run)));
    let closings: Vec<Closed<'_>> = lines.iter().filter_map(|n| Closed::of(n)).collect();
    let told = lines.iter().any(|n| n.line.v > 1);
    match closings.last() {
        Some(last) => {
            findings.faults.extend(last.manifest(run));
            findings.faults.extend(closings.iter().flat_map(|closed| closed.faults(run)));
            findings.warnings.extend(afterwards(&closings, run));
        }
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
        findings.covered("ledger", format!("{}: as it was closed, {}", places(&lines), count(signed, "signature")));
    }
    if told {
        let known = |file: &String| lines.iter().any(|n| matches!(&n.line.entry, Entry::Signed { statement, .. } if statement == file));
        let unknown = run.statements.statements.iter().map(|signed| signed.statement.file()).filter(|file| !known(file));
        findings.warnings.extend(unknown.map(|file| format!("{file} is not in the ledger: that it was removed would not be seen")));
    }
}

/// The lines about a run, of which there may be many.
fn places(lines: &[&Numbered]) -> String {
    let numbers: Vec<String> = lines.iter().map(|n| n.number.to_string()).collect();
    match &numbers[..] {
        [first, .., last] if numbers.len() > MOST_NAMED => format!("{} lines from {first} to {last}", numbers.len()),
        _ => format!("line {}", numbers.join(", ")),
    }
}

/// More lines of the ledger are counted.
const MOST_NAMED: usize = 8;

/// What the line of the run's start says, against what the run says of itself.
fn started(n: &Numbered, run: &Seen<'_>) -> Vec<Fault> {
    let Entry::Started { number, started_utc, folder } = &n.line.entry else { return Vec::new() };
    let differs = |what: &str, expected: String, found: String| {
        let what = || format!("{what} is not the one with which it was started");
        (expected != found).then(|| Fault::new(Ledger::NAME, what(), OTHER).line(n.number).differs(expected, found))
    };
    // A line of the first version tells no number.
    let numbers = run.header.and_then(|header| header.provenance.number).filter(|_| n.line.v > 1);
    let number = numbers.and_then(|found| differs("the run's number", number.to_string(), found.to_string()));
    let utc = run.header.and_then(|header| differs("when the run says that it began", started_utc.clone(), header.started_utc.clone()));
    let folder = run.folder.and_then(|found| differs("the run's folder", folder.clone(), found.to_owned()));
    number.into_iter().chain(utc).chain(folder).collect()
}

fn never_closed(run_id: &str) -> Fault {
    Fault::new(
        Ledger::NAME,
        format!("run {run_id} was started and never closed"),
        "`rig recover` closes a run that was cut off; one that is being played closes itself",
    )
}

/// A line of the ledger in which the run was closed.
struct Closed<'l> {
    line: u64,
    /// By itself, and not afterwards.
    by_itself: bool,
    closing: &'l Closing,
}

/// What may stand for an exit code in place of the runner's: a record or signature that could not be written, a bench that was not shown safe.
const TROUBLE: [u8; 2] = [BENCH, NOT_SAFE];

impl<'l> Closed<'l> {
    fn of(n: &'l Numbered) -> Option<Self> {
        let (by_itself, closing) = match &n.line.entry {
            Entry::Ended(closing) => (true, closing),
            Entry::Recovered(closing) => (false, closing),
            Entry::Started { .. } | Entry::Signed { .. } => return None,
        };
        Some(Self { line: n.number, by_itself, closing })
    }

    /// The run ended, and its record could not be written: what was kept of it may be less than what the line says.
    fn unwritten(&self) -> bool {
        self.by_itself && self.closing.manifest_sha256.is_none()
    }

    fn differs(&self, what: &str, expected: impl ToString, found: impl ToString) -> Option<Fault> {
        let (expected, found) = (expected.to_string(), found.to_string());
        (expected != found).then(|| Fault::new(Ledger::NAME, what, OTHER).line(self.line).differs(expected, found))
    }

    fn manifest(&self, run: &Seen<'_>) -> Option<Fault> {
        let expected = self.closing.manifest_sha256?;
        self.differs("the run's manifest is not the one with which it was closed", expected, Sha256Hex::of(run.manifest))
    }

    /// A journal is never written to after its end, so that every closing must have it as it is.
    fn faults(&self, run: &Seen<'_>) -> Vec<Fault> {
        let Closing { journal, verdict, exit_code, .. } = self.closing;
        let journal =
            journal.as_ref().filter(|said| !self.unwritten() || (said.lines, said.complete) == (run.journal.lines, run.journal.complete));
        let journal = journal.and_then(|said| {
            self.differs("the run's journal is not the one with which it was closed", head_text(said), head_text(&run.journal))
        });
        if self.unwritten() {
            return journal.into_iter().collect();
        }
        let verdict = verdict.as_ref().zip(run.verdict);
        let verdict = verdict
            .and_then(|(expected, found)| self.differs("the run's verdict is not the one with which it was closed", expected, found));
        let exit_code = exit_code.zip(run.exit_code).filter(|(told, _)| !(self.by_itself && self.is_of_trouble(*told, run)));
        let exit_code = exit_code
            .and_then(|(expected, found)| self.differs("the run's exit code is not the one with which it was closed", expected, found));
        journal.into_iter().chain(verdict).chain(exit_code).collect()
    }

    fn is_of_trouble(&self, code: u8, run: &Seen<'_>) -> bool {
        TROUBLE.contains(&code) || code == FAIL && run.verdict == Some(Verdict::Fail)
    }
}

/// That a run was closed otherwise than by itself and once, as far as that is no fault.
fn afterwards(closings: &[Closed<'_>], run: &Seen<'_>) -> Vec<String> {
    let mut told = Vec::new();
    let mut before: Option<&Closed<'_>> = None;
    for closed in closings {
        let Closed { line, closing: Closing { utc, verdict, manifest_sha256, .. }, .. } = closed;
        let what = match before.map(|before| before.closing) {
            _ if closed.unwritten() => {
                let kept = run.verdict.map_or_else(|| "nothing", Verdict::name);
                let verdict = verdict.as_deref().filter(|verdict| *verdict != kept);
                verdict
                    .map(|verdict| format!("its record could not be written whole: it ended with {verdict}, and what was kept says {kept}"))
            }
            Some(before) if before.manifest_sha256 != *manifest_sha256 => Some("its reports were made anew".to_owned()),
            None if run.journal.complete && !closed.by_itself => Some("it came to its end, and was closed afterwards".to_owned()),
            _ => None,
        };
        told.extend(what.map(|what| format!("{what}, on {utc} (line {line} of the ledger)")));
        if !closed.unwritten() {
            before = Some(closed);
        }
    }
    told
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
