//! What a header says of itself that can be derived again: hashes of texts, what is simulated, what it warns of, and whether it may be evidence.

use rig_evidence::Sha256Hex;
use rig_model::bench::Bench;
use rig_model::fact::{Header, SourceText};

use super::findings::Fault;
use super::journal::CHANGED;
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
    evidence(journal, header).map_or(Ok(bench), Err)
}

/// What contradicts a claim to be evidence in the header itself.
fn evidence(journal: &str, header: &Header) -> Option<Fault> {
    if !header.evidence {
        return None;
    }
    let claims = |why: &str| {
        let next = "it is no evidence, whatever it claims: play it again with `rig run --evidence`";
        Some(Fault::new(journal, format!("it claims to be evidence, but {why}"), next).line(1))
    };
    if header.simulated {
        claims("something in it is simulated")
    } else if header.defect.is_some() {
        claims("it was played against a pump with a defect")
    } else if let Some(reason) = header.provenance.not_evidence.first() {
        claims(&format!("its header says why it is none: {reason}"))
    } else if header.provenance.approval.is_none() {
        claims("nothing that was approved before the run is in its header")
    } else {
        None
    }
}
