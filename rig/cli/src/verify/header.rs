//! What a header says of itself that can be derived again: hashes of texts, what is simulated, what it warns of, and whether it may be evidence.

use rig_evidence::{ApprovedPlan, Extent, Sha256Hex};
use rig_model::bench::Bench;
use rig_model::fact::{Approval, Header, SourceText};

use super::findings::Fault;
use super::journal::CHANGED;
use crate::gate::{self, Ask, Asked, PlanStanding};
use crate::inputs;

/// Holds the header against the texts in it; the bench that it describes comes back.
pub fn check(journal: &str, header: &Header) -> Result<Bench, Fault> {
    let wrong = |what: String, next: &str| Fault::new(journal, what, next).line(1);
    let approved = header.provenance.approval.iter().map(|approval| &approval.document);
    for SourceText { path, sha256, text } in [&header.bench_file].into_iter().chain(&header.files).chain(approved) {
        let expected = Sha256Hex::of(text).to_string();
        if *sha256 != expected {
            return Err(
                wrong(format!("the header's SHA-256 of `{path}` is not that of the text beside it"), CHANGED).differs(expected, sha256)
            );
        }
    }
    let version = format!("verify it with the version that made it: {}", header.tool);
    let bench = inputs::bench_of_record(header)
        .map_err(|error| wrong(format!("the bench file in the header is not understood: {error:#}"), &version))?;
    if bench.name != header.bench {
        let fault = wrong("the header names another bench than its bench file".to_owned(), CHANGED);
        return Err(fault.differs(&bench.name, &header.bench));
    }
    if !header.simulated && (bench.simulated() || !header.simulated_because.is_empty()) {
        return Err(wrong("the header says that nothing is simulated, and its bench is".to_owned(), CHANGED));
    }
    evidence(journal, header, &bench).map_or(Ok(bench), Err)
}

/// What contradicts a claim to be evidence in the header itself: all that the gate asks before a run can be asked of its header again.
fn evidence(journal: &str, header: &Header, bench: &Bench) -> Option<Fault> {
    if !header.evidence {
        return None;
    }
    let differences = header.provenance.approval.as_ref().map(|approval| differences(header, approval));
    let plan = differences.as_deref().map_or(PlanStanding::None, |differences| PlanStanding::Approved { differences });
    let ask = Ask { asked: Asked::Evidence, plan, undecided: 0 };
    let reason = header.provenance.not_evidence.first().cloned().or_else(|| gate::reasons(header, bench, ask).into_iter().next())?;
    let next = "it is no evidence, whatever it claims: play it again with `rig run --evidence`";
    Some(Fault::new(journal, format!("it claims to be evidence, but {reason}"), next).line(1))
}

/// In what the run is not what its approved plan says; a part of a plan may be played.
fn differences(header: &Header, approval: &Approval) -> Vec<String> {
    match ApprovedPlan::parse(&approval.document.text) {
        Ok(plan) => match plan.test(&approval.test) {
            Some(test) => plan.differences(test, header, Extent::Part),
            None => vec![format!("its approved plan has no test `{}`", approval.test)],
        },
        Err(error) => vec![format!("its approved plan can't be read: {error}")],
    }
}
