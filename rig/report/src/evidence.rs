//! Whether a run is evidence, in one place for all views: whatever a header claims, it is not if anything was simulated or any reason stands against it.

use rig_model::fact::Header;

/// Why the run is no evidence, in sentences; empty where it is.
pub fn not_evidence(header: &Header) -> Vec<String> {
    let mut reasons = header.provenance.not_evidence.clone();
    // A run of today states its reasons; one of an earlier version, or a header that somebody altered, is told what it lacks.
    if reasons.is_empty() && header.simulated {
        reasons.push("something of the bench was simulated".to_owned());
    } else if reasons.is_empty() && !header.evidence {
        reasons.push("its record does not claim to be".to_owned());
    }
    reasons
}

/// Whether the run may be used as evidence, as its header has it. What came to light later is in the notes of its journal.
pub fn evidence(header: &Header) -> bool {
    not_evidence(header).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(evidence: bool, simulated: bool, reasons: &[&str]) -> Header {
        let text = r#"{"tool":"t","run_id":"r","started_utc":"2026-11-25T22:00:00Z","bench":"b","simulated":false,"evidence":false,"seed":1,
            "allow_skipped":false,"cases":[],"bench_file":{"path":"b.toml","sha256":"","text":""},"files":[],"host":"h"}"#;
        let mut header: Header = serde_json::from_str(text).expect("a header");
        (header.evidence, header.simulated) = (evidence, simulated);
        header.provenance.not_evidence = reasons.iter().map(|r| (*r).to_owned()).collect();
        header
    }

    #[test]
    fn a_claim_alone_makes_no_evidence() {
        for (claimed, simulated, reasons, expected) in [
            (true, false, &[][..], &[][..]),
            (true, true, &[], &["something of the bench was simulated"]),
            (false, true, &[], &["something of the bench was simulated"]),
            (false, false, &[], &["its record does not claim to be"]),
            (true, false, &["a", "b"], &["a", "b"]),
            (true, true, &["a"], &["a"]),
        ] {
            let header = header(claimed, simulated, reasons);
            assert_eq!(not_evidence(&header), expected, "{claimed} {simulated} {reasons:?}");
            assert_eq!(evidence(&header), expected.is_empty());
        }
    }
}
