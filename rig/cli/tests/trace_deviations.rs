//! Deviations that people signed, in the trace.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "the tests run the program and read its files")]

mod signing;
mod support;

use std::fs;

use signing::Lab;
use support::{Outcome, SHORT, reports, rig, write};

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
    assert!(open.stdout.contains("open deviations (1)\n  SHORT-01 steps.4  PR-123, row 2 of run "), "{}", open.stdout);
    assert!(open.stdout.contains(": a bubble in the line\n"), "{}", open.stdout);
    note("bert", "reviewer", "bench-fault");
    trace().expect(0, &[]);

    // A statement that was taken away leaves its mark.
    fs::remove_file(lab.run().join("signed/0001-deviation.json")).unwrap();
    let broken = trace();
    broken.expect(6, &[]);
    assert!(broken.stdout.contains("its signed statements: "), "{}", broken.stdout);
}
