//! The approved plan: its exact text, and how a run differs from it.

use rig_evidence::*;
use rig_model::fact::{CaseRef, FirmwareImage, Header, Provenance, SourceText};

fn hashed(path: &str, text: &str) -> FileHash {
    FileHash { path: path.to_owned(), sha256: Sha256Hex::of(text) }
}

fn source(path: &str, text: &str) -> SourceText {
    SourceText { path: path.to_owned(), sha256: Sha256Hex::of(text).to_string(), text: text.to_owned() }
}

fn case(scenario: &str, case: &str) -> ApprovedCase {
    ApprovedCase { scenario: scenario.to_owned(), case: case.to_owned(), file: "s/a.yaml".to_owned(), checks: 2 }
}

fn plan() -> ApprovedPlan {
    let test = ApprovedTest {
        name: "accuracy".to_owned(),
        duts: vec!["SN-1".to_owned()],
        model: "M".to_owned(),
        firmware: ApprovedFirmware { build_hashes: vec!["00112233".to_owned()], image: None },
        bench: "pi".to_owned(),
        bench_file: hashed("b.toml", "bench"),
        certificates: vec![hashed("c.toml", "certificate")],
        selection: PlanSelection { paths: vec!["s".to_owned()], tags: Vec::new(), filter: None },
        files: vec![hashed("s/a.yaml", "a"), hashed("s/f.yaml", "fragment")],
        cases: vec![case("A-01", ""), case("A-02", "fast")],
        repeats: 2,
        undecidable: Vec::new(),
    };
    ApprovedPlan {
        v: ApprovedPlan::VERSION,
        id: "P".to_owned(),
        revision: 1,
        title: "t".to_owned(),
        why: "w".to_owned(),
        changes: None,
        approver: "ann@x".to_owned(),
        name: "Ann".to_owned(),
        utc: "2026-01-01T00:00:00Z".to_owned(),
        meaning: "I approve it".to_owned(),
        rig: "pump-rig 0".to_owned(),
        plan: PlanText { path: "p.toml".to_owned(), sha256: Sha256Hex::of("plan"), text: "plan".to_owned() },
        requirements: Some(hashed("r.csv", "requirements")),
        tests: vec![test],
    }
}

fn header() -> Header {
    let case = |scenario: &str, case: &str| CaseRef { file: "s/a.yaml".to_owned(), scenario: scenario.to_owned(), case: case.to_owned() };
    Header {
        tool: "t".to_owned(),
        run_id: "r".to_owned(),
        started_utc: "2026-01-02T00:00:00Z".to_owned(),
        bench: "pi".to_owned(),
        simulated: false,
        simulated_because: Vec::new(),
        warnings: Vec::new(),
        evidence: true,
        seed: 1,
        defect: None,
        operator: None,
        allow_skipped: false,
        delivery_delay: false,
        dose_oracle: false,
        cases: vec![case("A-01", ""), case("A-02", "fast")],
        bench_file: source("b.toml", "bench"),
        files: vec![
            source("./s/a.yaml", "a"),
            source("s//f.yaml", "fragment"),
            source("c.toml", "certificate"),
            source("r.csv", "requirements"),
        ],
        machine: None,
        host: "h".to_owned(),
        provenance: Box::default(),
    }
}

fn image(build_hash: &str) -> Provenance {
    let (path, sha256, build_hashes) = ("fw.bin".to_owned(), "f".repeat(64), vec![build_hash.to_owned()]);
    Provenance { firmware: Some(FirmwareImage { path, sha256, bytes: 1, build_hashes }), ..Provenance::default() }
}

#[test]
fn what_was_approved_differs_in_nothing() {
    let plan = plan();
    assert_eq!(plan.differences(&plan.tests[0], &header(), Extent::Whole), Vec::<String>::new());
    let mut same_image = header();
    *same_image.provenance = image("00112233");
    assert_eq!(plan.differences(&plan.tests[0], &same_image, Extent::Whole), Vec::<String>::new());
}

#[test]
fn each_difference_is_a_sentence() {
    type Change = fn(&mut Header);
    let changes: &[(&str, Change, &str)] = &[
        ("early", |h| h.started_utc = "2025-12-31T23:59:59Z".to_owned(), "the run began at 2025-12-31T23:59:59Z, before the plan was"),
        ("bench", |h| h.bench_file = source("b.toml", "other"), "`b.toml` has changed since it was approved: it was "),
        ("bench path", |h| h.bench_file.path = "x.toml".to_owned(), "the bench file is `x.toml` ("),
        ("bench name", |h| h.bench = "pi-2".to_owned(), "the bench is called `pi-2`, in the plan `pi`"),
        (
            "scenario",
            |h| h.files[0] = source("s/a.yaml", "a "),
            "`s/a.yaml` has changed since it was approved: it was ca978112ca1b, and is ",
        ),
        ("fragment", |h| h.files[1] = source("s/f.yaml", ""), "`s/f.yaml` has changed"),
        ("certificate", |h| h.files[2] = source("c.toml", ""), "`c.toml` has changed"),
        ("requirements", |h| h.files[3] = source("r.csv", ""), "`r.csv` has changed"),
        ("no fragment", |h| drop(h.files.remove(1)), "`s/f.yaml` ("),
        ("no certificate", |h| drop(h.files.remove(2)), "`c.toml` ("),
        ("no requirements", |h| drop(h.files.remove(3)), "`r.csv` ("),
        ("one more", |h| h.files.push(source("s/b;\n.yaml", "")), "`s/b\u{fffd}\u{fffd}.yaml` was added since"),
        ("another case", |h| h.cases[1].case = "slow".to_owned(), "the case A-02 [slow] is not in the plan"),
        ("no case", |h| drop(h.cases.pop()), "the case A-02 [fast] of the plan is missing"),
        ("image", |h| *h.provenance = image("44"), "the firmware image `fw.bin` (ffffffffffff) is not the plan's (00112233)"),
    ];
    let plan = plan();
    for (what, change, expected) in changes {
        let mut header = header();
        change(&mut header);
        let found = plan.differences(&plan.tests[0], &header, Extent::Whole);
        assert!(found.iter().any(|f| f.starts_with(expected)), "{what}: {found:#?}");
        assert!(found.iter().all(|f| !f.contains(';')), "{what}: {found:#?}");
    }
}

/// What an image says of itself can stand in any file.
#[test]
fn an_image_with_the_same_mark_is_another_file() {
    let mut plan = plan();
    let planned = |sha256: Sha256Hex| Some(FileHash { path: "fw.bin".to_owned(), sha256 });
    let mut header = header();
    *header.provenance = image("00112233");
    let differences = |plan: &ApprovedPlan| plan.differences(&plan.tests[0], &header, Extent::Whole);
    plan.tests[0].firmware.image = planned(Sha256Hex::parse(&"f".repeat(64)).expect("a hash"));
    assert_eq!(differences(&plan), Vec::<String>::new());
    plan.tests[0].firmware.image = planned(Sha256Hex::of("abc"));
    assert_eq!(differences(&plan), ["the firmware image `fw.bin` (ffffffffffff) is another file than the plan's `fw.bin` (ba7816bf8f01)"]);
}

#[test]
fn a_part_of_a_plan_lacks_nothing() {
    let plan = plan();
    let mut header = header();
    header.cases.pop();
    header.files.remove(1);
    assert_eq!(plan.differences(&plan.tests[0], &header, Extent::Part), Vec::<String>::new());
    header.files.remove(2);
    let found = plan.differences(&plan.tests[0], &header, Extent::Part);
    assert_eq!(found.len(), 1, "requirements belong to every part: {found:#?}");
}

#[test]
fn only_the_very_text_is_a_plan() {
    let text = plan().render().expect("JSON");
    assert_eq!(ApprovedPlan::parse(&text).expect("its own text"), plan());
    for wrong in [
        text.trim_end().to_owned(),
        text.replacen("\n  \"id\"", "\n   \"id\"", 1),
        text.replacen("\"id\"", "\"extra\": 1,\n  \"id\"", 1),
        text.replacen("\"v\": 1", "\"v\": 2", 1),
        text.replacen("\"repeats\": 2", "\"repeats\": 2, \"repeats\": 1", 1),
        String::new(),
    ] {
        assert!(ApprovedPlan::parse(&wrong).is_err(), "{wrong}");
    }
    let newer = ApprovedPlan::parse("{\"v\": 2}").expect_err("another layout");
    assert!(newer.to_string().contains("layout 2, expected 1"));
}
