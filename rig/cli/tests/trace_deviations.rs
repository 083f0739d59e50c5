//! Deviations that people signed, in the trace.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "the tests run the program and read its files")]

mod signing;
mod support;

/// Long lines are broken.
fn whole(outcome: &Outcome) -> String {
    outcome.stdout.replace("\n      ", " ")
}

use std::fs;

use signing::Lab;
use support::{Outcome, Run, SHORT, reports, rig, write};

#[test]
fn a_deviation_is_open_until_somebody_closes_it() {
    let lab = Lab::of_people();
    let scenario = write(lab.dir(), "short.yaml", SHORT);
    let table =
        write(lab.dir(), "requirements.csv", "id,text,source,hazard,class,rule,verification\nREQ-A-01,T,S,HAZ-A,c,,review: by eye\n");
    let trace = || Outcome::of(rig(["trace", "--requirements"]).arg(&table).arg("--reports").arg(reports(lab.dir())).arg(&scenario));
    let note = |key: &str, role: &str, disposition: &str| {
        let words = ["--id", "PR-123", "--note", "a bubble in the line", "--disposition", disposition, "--row", "2"];
        lab.by("deviation", key, role, &words).expect(0, &[]);
    };
    trace().expect(0, &[]);
    note("anna", "operator", "open");
    let open = trace();
    open.expect(6, &[]);
    assert!(whole(&open).contains("open deviations (1)\n  SHORT-01 steps.4  PR-123 open, row 2 of run "), "{}", open.stdout);
    assert!(whole(&open).contains(": a bubble in the line\n"), "{}", open.stdout);
    note("bert", "reviewer", "bench-fault");
    let decided = trace();
    decided.expect(0, &[]);
    assert!(whole(&decided).contains("PR-123 bench fault, row 2 of run "), "{}", decided.stdout);

    // A statement that was taken away leaves its mark.
    fs::remove_file(lab.run().join("signed/0001-deviation.json")).unwrap();
    let broken = trace();
    broken.expect(6, &[]);
    assert!(whole(&broken).contains("its signed statements: "), "{}", broken.stdout);
}

/// What nobody signed closes nothing.
#[test]
fn a_deviation_is_closed_by_a_good_signature_only() {
    let lab = Lab::of_people();
    let scenario = write(lab.dir(), "short.yaml", SHORT);
    let table =
        write(lab.dir(), "requirements.csv", "id,text,source,hazard,class,rule,verification\nREQ-A-01,T,S,HAZ-A,c,,review: by eye\n");
    let trace = |more: &[&str]| {
        let mut command = rig(["trace", "--requirements"]);
        Outcome::of(command.arg(&table).arg("--reports").arg(reports(lab.dir())).args(more).arg(&scenario))
    };
    let words = ["--id", "PR-123", "--note", "a bubble", "--disposition", "open", "--row", "2"];
    lab.by("deviation", "anna", "operator", &words).expect(0, &[]);
    // The note that would close it, by somebody who has the words and no key.
    let words = ["--id", "PR-123", "--note", "closed", "--disposition", "accept-as-is", "--row", "2"];
    lab.by("deviation", "bert", "reviewer", &words).expect(0, &[]);
    let signature = lab.run().join("signed/0002-deviation.json.sig");
    let good = fs::read(&signature).unwrap();
    let closed = trace(&[]);
    closed.expect(0, &[]);
    // Somebody else's signature, garbage, and nothing.
    for forged in [fs::read(lab.run().join("signed/0001-deviation.json.sig")).unwrap(), b"garbage".to_vec(), Vec::new()] {
        fs::write(&signature, forged).unwrap();
        let outcome = trace(&[]);
        outcome.expect(6, &[]);
        assert!(whole(&outcome).contains("open deviations (1)"), "{}", outcome.stdout);
        assert!(whole(&outcome).contains("0002-deviation.json does not count: "), "{}", outcome.stdout);
        let report = Outcome::of(rig(["report"]).arg(lab.run()));
        report.expect(0, &["0002-deviation.json does not count: "]);
        assert!(report.stdout.contains("deviations that are open: 1"), "{}", report.stdout);
    }
    fs::write(&signature, &good).unwrap();
    // A good signature by somebody who may not.
    lab.allow_at("anna_alone", "anna namespaces=\"rig-operator\" anna\n");
    let alone = lab.path("anna_alone");
    let outcome = trace(&["--signers", alone.to_str().unwrap()]);
    outcome.expect(6, &[]);
    assert!(
        outcome.stdout.contains("open deviations (1)") && whole(&outcome).contains("is not among the allowed signers"),
        "{}",
        outcome.stdout
    );
    fs::copy(&alone, reports(lab.dir()).join("allowed_signers")).unwrap();
    trace(&[]).expect(6, &[]);
    trace(&["--signers", lab.path("allowed").to_str().unwrap()]).expect(0, &[]);
}

/// Whoever lists rows of runs tells what is open about them.
#[test]
fn pool_and_impact_tell_deviations() {
    let lab = Lab::of_people();
    let pooled = || Outcome::of(rig(["pool"]).arg(lab.run())).stdout;
    assert!(!pooled().contains("deviation"), "{}", pooled());
    let note = |key: &str, role: &str, disposition: &str| {
        let words = ["--id", "PR-9", "--note", "a bubble", "--disposition", disposition, "--row", "2"];
        lab.by("deviation", key, role, &words).expect(0, &[]);
    };
    note("anna", "operator", "open");
    assert!(pooled().contains("`: row 2: PR-9: open: a bubble (anna, operator, "), "{}", pooled());
    note("bert", "reviewer", "accept-as-is");
    assert!(!pooled().contains("PR-9"), "{}", pooled());
}

/// A pump with a defect put in shows nothing of the firmware, but what somebody signed to its run is told.
#[test]
fn deviations_of_runs_with_a_defect_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let scenario = write(dir.path(), "short.yaml", SHORT);
    let played = Run::with(dir, &[scenario.to_str().unwrap(), "--seed", "7", "--defect", "silent_sounder"]);
    let lab = Lab::on(played.dir);
    lab.people();
    let table =
        write(lab.dir(), "requirements.csv", "id,text,source,hazard,class,rule,verification\nREQ-A-01,T,S,HAZ-A,c,,review: by eye\n");
    let trace = || {
        let mut command = rig(["trace", "--requirements"]);
        Outcome::of(command.arg(&table).arg("--reports").arg(reports(lab.dir())).arg(&scenario))
    };
    let before = trace().code;
    let words = ["--id", "PR-5", "--note", "odd", "--disposition", "open", "--row", "1"];
    lab.by("deviation", "anna", "operator", &words).expect(0, &[]);
    let outcome = trace();
    assert_eq!((before, outcome.code), (Some(0), Some(6)), "{outcome:#?}");
    let told = whole(&outcome);
    assert!(
        told.contains("open deviations (1)\n  PR-5 open, row 1 of run ") && told.contains("whose pump had a defect put in: odd"),
        "{told}"
    );
}
