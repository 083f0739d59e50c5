//! Records as runs on hardware and as evidence would have left them: tests have no hardware, and make them of what a simulated bench left.

use rig_evidence::*;
use rig_model::fact::{Approval, Environment, FirmwareImage, Header, RigBuild, SourceText, WallClock};

/// A real bench whose certificates hold on any day on which tests run.
pub fn bench() -> String {
    include_str!("../../../benches/pi.toml").replace("2026-07-01", "2020-01-01").replace("2027-06-30", "2099-12-31")
}

/// A header against whose claim nothing stands, if its approved plan is of this bench; with a plan of its own if it has none.
pub fn real(header: &mut Header) {
    let (text, path) = (bench(), "bench.toml".to_owned());
    (header.simulated, header.evidence, header.bench) = (false, true, "pi".to_owned());
    header.bench_file = SourceText { path, sha256: Sha256Hex::of(&text).to_string(), text };
    header.operator = Some("A. Ngo".to_owned());
    let provenance = &mut header.provenance;
    provenance.not_evidence.clear();
    provenance.rig = Some(RigBuild {
        version: "1".to_owned(),
        commit: Some("ab".to_owned()),
        uncommitted: false,
        target: "aarch64".to_owned(),
        profile: "release".to_owned(),
        lock_sha256: "cd".to_owned(),
        executable_sha256: Some("ef".to_owned()),
    });
    provenance.clock = Some(WallClock { utc: String::new(), synchronised: true, max_error_ms: None, source: None });
    provenance.environment = Some(Environment {
        temperature: Some(22.5),
        humidity: Some(41.0),
        air_pressure: Some(1009.0),
        liquid: Some("water, lot 17".to_owned()),
    });
    if provenance.approval.is_none() {
        let (path, sha256, build_hashes) = ("fw.bin".to_owned(), "f".repeat(64), vec!["ab".repeat(20)]);
        header.provenance.firmware = Some(FirmwareImage { path, sha256, bytes: 1, build_hashes });
        header.provenance.approval = Some(approval(header));
    }
}

/// Of a plan that approves exactly what the header says.
fn approval(header: &Header) -> Approval {
    let text = |text: &str| text.to_owned();
    let file = |f: &SourceText| FileHash { path: f.path.clone(), sha256: Sha256Hex::of(&f.text) };
    let case =
        |c: &rig_model::fact::CaseRef| ApprovedCase { scenario: c.scenario.clone(), case: c.case.clone(), file: c.file.clone(), checks: 1 };
    let test = ApprovedTest {
        name: text("t"),
        duts: vec![text("SN-0001")],
        model: text("RP-1 reference"),
        firmware: ApprovedFirmware { build_hashes: vec!["ab".repeat(20)], image: None },
        bench: header.bench.clone(),
        bench_file: file(&header.bench_file),
        certificates: Vec::new(),
        selection: PlanSelection { paths: vec![text("scenarios")], tags: Vec::new(), filter: None },
        files: header.files.iter().map(file).collect(),
        cases: header.cases.iter().map(case).collect(),
        repeats: 1,
        undecidable: Vec::new(),
    };
    let plan = ApprovedPlan {
        v: ApprovedPlan::VERSION,
        id: text("P"),
        revision: 1,
        title: text("t"),
        why: text("w"),
        changes: None,
        approver: text("a"),
        name: text("a"),
        utc: text("2020-01-01T00:00:00Z"),
        meaning: text("m"),
        rig: text("r"),
        plan: PlanText { path: text("p"), sha256: Sha256Hex::of(""), text: text("") },
        requirements: None,
        tests: vec![test],
    };
    let plan = plan.render().expect("JSON");
    let document = SourceText { path: text("p.approved.json"), sha256: Sha256Hex::of(&plan).to_string(), text: plan };
    Approval { document, signature: String::new(), test: text("t") }
}
