//! `rig trace --json`: an object for each requirement, for each finding, and one for all of it.

use rig_report::trace::{FindingKind, Matrix, RowDeviation};
use serde_json::json;

use crate::say;

pub fn json(matrix: &Matrix) {
    for traced in &matrix.requirements {
        let checks: Vec<_> = traced
            .links
            .iter()
            .map(|link| {
                let key = &link.check.key;
                json!({
                    "scenario": key.scenario, "case": key.case, "step": &*key.step, "status": link.status.name(),
                    "verdict": link.counted.as_ref().map(|s| s.verdict), "run_id": link.counted.as_ref().map(|s| &s.run.run_id),
                    "row": link.counted.as_ref().map(|s| s.row), "evidence": link.counted.as_ref().map(|s| s.run.evidence),
                    "worst": link.worst.as_ref().map(|s| s.verdict), "suspicions": link.suspicions,
                    "deviations": link.deviations().into_iter().map(RowDeviation::words).collect::<Vec<_>>(),
                })
            })
            .collect();
        say::out(json!({ "requirement": &*traced.requirement.id, "status": traced.word(), "checks": checks }));
    }
    for finding in &matrix.findings {
        let key = finding.key.as_ref();
        let requirements: Vec<&str> = finding.requirements.iter().map(|r| &**r).collect();
        say::out(json!({
            "finding": finding.kind.name(), "requirements": requirements, "scenario": key.map(|k| &k.scenario), "case": key.map(|k| &k.case),
            "step": key.map(|k| &*k.step), "run": finding.run, "what": finding.what,
        }));
    }
    let counts: serde_json::Map<_, _> = FindingKind::ALL.iter().map(|k| (k.name().to_owned(), matrix.of(*k).count().into())).collect();
    let firmware: Vec<_> = matrix.firmware.iter().map(|f| json!({ "version": f.version, "hash": f.hash })).collect();
    say::out(json!({
        "requirements": matrix.requirements.len(), "findings": counts, "firmware": firmware, "runs": matrix.runs,
        "evidence_runs": matrix.evidence_runs, "left_out_with_defect": matrix.with_defect, "remarks": matrix.remarks, "exit_code": matrix.exit_code(),
    }));
}
