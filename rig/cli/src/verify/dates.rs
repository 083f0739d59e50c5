//! The times that statements say, against those of the run: nobody vouches for a signer's clock, but what was signed must have been there.

use chrono::{DateTime, TimeDelta, Utc};
use rig_evidence::{Chain, Entry, Ledger, Role};
use rig_model::fact::Header;

use super::Beside;
use super::claim::time;
use super::findings::{Fault, Findings};

/// The signer's clock and the bench's may differ by so much.
const LEEWAY: TimeDelta = TimeDelta::seconds(5);
const DAY: TimeDelta = TimeDelta::days(1);

/// A key that has run out is good at a time before that, so that a statement with an impossible time proves nothing.
pub fn check(chain: &Chain, header: &Header, beside: Beside<'_>, findings: &mut Findings) {
    let started = time(&header.started_utc);
    let closed = beside.ledger.and_then(|ledger| closed(ledger, &header.run_id));
    for statement in chain.statements.iter().map(|signed| &signed.statement) {
        let Some(at) = statement.time() else { continue };
        let (file, utc) = (statement.file(), &statement.utc);
        if started.is_some_and(|started| at + LEEWAY < started) {
            let what = format!("it is dated {utc}, before the run began: there was nothing yet to be signed");
            let next = "whoever signed must look at the run and sign it again, with a clock that goes right";
            findings.faults.push(Fault::new(file, what, next).differs(format!("{} or later", header.started_utc), utc));
            continue;
        }
        // A bench signs just before the ledger gets the end of the run.
        if let Some((line, text, _)) = closed.filter(|(_, _, closed)| statement.role != Role::Bench && at + LEEWAY < *closed) {
            let why = "a clock was wrong, or the date is made up";
            findings
                .warnings
                .push(format!("{file} is dated {utc}, before the run was closed, on {text} (line {line} of the ledger): {why}"));
        }
        if beside.now.is_some_and(|now| at > now + DAY) {
            findings.warnings.push(format!("{file} is dated {utc}, which is yet to come by the clock of this machine"));
        }
    }
}

/// When the run was closed for the last time: the line, what it says, and what that is.
fn closed<'l>(ledger: &'l Ledger, run_id: &'l str) -> Option<(u64, &'l str, DateTime<Utc>)> {
    let closings = ledger.of_run(run_id).filter_map(|n| match &n.line.entry {
        Entry::Ended(closing) | Entry::Recovered(closing) => Some((n.number, &*closing.utc, time(&closing.utc)?)),
        Entry::Started { .. } | Entry::Signed { .. } => None,
    });
    closings.last()
}
