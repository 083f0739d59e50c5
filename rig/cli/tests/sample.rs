//! `reports/sample` is a run as this program makes it today: rebuilt, replayed and played again it is the same.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "the tests run the program and read its files")]

mod support;

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use support::{Outcome, Run, WHOLE, first_difference, journal, names, project, rig};

const MAKE: &str =
    "make it anew: `cargo run --release -- scenarios/smoke --seed 7 --out target/sample`, and put the run's folder in its place";

fn sample() -> PathBuf {
    let sample = project().join("reports/sample");
    assert!(sample.is_dir(), "there is no reports/sample; {MAKE}");
    assert_eq!(names(&sample), WHOLE, "{MAKE}");
    sample
}

#[test]
fn its_reports_are_rebuilt_byte_for_byte() {
    let out = tempfile::tempdir().unwrap();
    Outcome::of(rig(["report"]).arg(sample()).arg("--out").arg(out.path())).expect(0, &[]);
    for name in WHOLE.into_iter().filter(|n| *n != "journal.jsonl") {
        let same = fs::read(sample().join(name)).unwrap() == fs::read(out.path().join(name)).unwrap();
        assert!(same, "{name} is not what is made of the journal today; {MAKE}");
    }
}

#[test]
fn its_verdicts_are_derived_again() {
    let outcome = Outcome::of(rig(["replay"]).arg(sample()));
    assert_eq!(outcome.code, Some(0), "{outcome:#?}; {MAKE}");
    assert!(outcome.stdout.starts_with("identical: "), "{outcome:#?}");
}

#[test]
fn played_again_it_is_the_same_run() {
    let recorded = journal(&sample());
    let header: Value = serde_json::from_str(recorded.lines().next().unwrap()).unwrap();
    let seed = header["body"]["seed"].to_string();
    let run = Run::of(&["scenarios/smoke", "--seed", &seed]);
    run.outcome.expect(0, &[]);
    assert_eq!(first_difference(&recorded, &journal(&run.folder())), None, "the first line that differs; {MAKE}");
}
