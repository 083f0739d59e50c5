//! Calibration that is missing, has run out, or states no uncertainty is told in every report, until a run asks for it beforehand.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "the tests run the program and read its files")]

mod support;

use std::fs;

use serde_json::Value;
use support::{Outcome, Run, SHORT, WHOLE, journal, project, rig, write};

const EXPIRED: &str = "flow.pump: certificate SIM-FLOW-PUMP ran out on 2020-02-29";
const MISSING: &str = "flow.tip: its K-factor rests on no certificate";
const UNSTATED: &str = "pressure.line: nobody states its uncertainty";

/// The simulated bench with one of each.
fn bench() -> String {
    let sim = fs::read_to_string(project().join("rig/benches/sim.toml")).unwrap();
    let pump = |date: &str, due: &str| format!("id = \"SIM-FLOW-PUMP\", date = \"{date}\", due = \"{due}\"");
    let bad = sim.replace(&pump("2025-01-01", "2099-12-31"), &pump("2019-02-28", "2020-02-29"));
    let bad = bad
        .replace("certificate = { id = \"SIM-FLOW-TIP\", date = \"2025-01-01\", due = \"2099-12-31\", range = \"0 µL/h to 2 L/h\", instrument = \"simulated, number 1\" }\n", "")
        .replace("uncertainty = \"0.5 kPa\"\n", "");
    assert_eq!(bad.lines().count() + 2, sim.lines().count());
    bad
}

#[test]
fn every_report_of_the_run_tells_it() {
    let dir = tempfile::tempdir().unwrap();
    let (bench, short) = (write(dir.path(), "bench.toml", bench()), write(dir.path(), "short.yaml", SHORT));
    let run = Run::with(dir, &[short.to_str().unwrap(), "--seed", "7", "--bench", bench.to_str().unwrap(), "-v"]);
    // It warns and forbids nothing.
    run.outcome.expect(0, &[&format!("warning: {EXPIRED}")]);
    let header: Value = serde_json::from_str(journal(&run.folder()).lines().next().unwrap()).unwrap();
    assert_eq!(header["body"]["warnings"].as_array().unwrap().len(), 3);
    let read = |name: &str| fs::read_to_string(run.folder().join(name)).unwrap();
    for words in [EXPIRED, MISSING, UNSTATED] {
        assert!(run.outcome.stdout.contains(&format!("\nwarning: {words}")), "{}", run.outcome.stdout);
        assert!(run.table("results.csv").iter().all(|row| row["warnings"].contains(words)), "{words}");
        assert!(run.table("scenarios.csv").iter().all(|row| row["warnings"].contains(words)), "{words}");
        assert!(run.table("events.csv").iter().any(|row| row["kind"] == "warning" && row["detail"].contains(words)), "{words}");
        assert!(read("junit.xml").contains(&format!("<property name=\"warning\" value=\"{words}")), "{}", read("junit.xml"));
    }

    // Later, when more may have run out, it is still what was so at the start of the run.
    let out = run.dir.path().join("again");
    Outcome::of(rig(["report"]).arg(run.folder()).arg("--out").arg(&out)).expect(0, &[]);
    for name in WHOLE.into_iter().filter(|name| *name != "journal.jsonl") {
        assert!(read(name) == fs::read_to_string(out.join(name)).unwrap(), "{name} differs");
    }
    Outcome::of(rig(["replay"]).arg(run.folder())).expect(0, &[]);

    let checked = Outcome::of(rig(["check", "scenarios/smoke", "--bench"]).arg(&bench));
    checked.expect(0, &[]);
    assert!([EXPIRED, MISSING, UNSTATED].iter().all(|words| checked.stdout.contains(&format!("warning: {words}"))), "{}", checked.stdout);
}

#[test]
fn the_simulated_benches_have_nothing_to_tell() {
    for bench in ["rig/benches/sim.toml", "rig/benches/process.toml"] {
        let checked = Outcome::of(&mut rig(["check", "scenarios/smoke", "--bench", bench]));
        checked.expect(0, &[]);
        assert!(!checked.stdout.contains("warning"), "{}", checked.stdout);
    }
    let run = Run::of(&["scenarios/smoke", "--seed", "7"]);
    run.outcome.expect(0, &[]);
    assert!(run.table("results.csv").iter().all(|row| row["warnings"].is_empty()));
    assert!(!run.outcome.stdout.contains("warning") && !journal(&run.folder()).contains("\"warnings\""));
}

#[test]
fn a_day_that_is_none_is_an_error_of_the_bench_file() {
    let dir = tempfile::tempdir().unwrap();
    let bench = write(dir.path(), "bench.toml", bench().replace("2020-02-29", "2027-02-30"));
    let short = write(dir.path(), "short.yaml", SHORT);
    let outcome = Outcome::of(rig(["run"]).arg(short).arg("--bench").arg(bench).arg("--out").arg(dir.path().join("reports")));
    outcome.expect(2, &["the calendar has no day `2027-02-30`", "bench.toml:"]);
}

/// A rule that a requirement states is part of the record: a verdict follows from it.
#[test]
fn a_requirements_rule_is_replayed() {
    let dir = tempfile::tempdir().unwrap();
    write(
        dir.path(),
        "scenarios/requirements.csv",
        "id,text,source,hazard,class,rule\nREQ-A-01,It delivers,S-1,HAZ-OVERDOSE,delivery,guarded 0.5\n",
    );
    let smoke = fs::read_to_string(project().join("scenarios/smoke/smoke.yaml")).unwrap();
    let lines = smoke.lines().map(|line| if line.contains("volume_of: ") { with_requirement(line) } else { without_requirement(line) });
    write(dir.path(), "scenarios/one.yaml", lines.collect::<Vec<_>>().join("\n") + "\n");
    let run = |arguments: &[&str]| Outcome::of(rig(arguments).current_dir(dir.path()));
    run(&["run", "--seed", "7"]).expect(0, &[]);
    let folder = support::folder(&support::reports(dir.path())).unwrap();
    let rows = support::table(&folder.join("results.csv"));
    let ruled: Vec<_> = rows.iter().filter(|row| row["rule_stated_by"] == "requirement").collect();
    assert!(!ruled.is_empty() && ruled.iter().all(|row| row["decision_rule"] == "guarded" && row["guard_factor"] == "0.5"), "{rows:#?}");
    let replayed = Outcome::of(rig(["replay"]).arg(&folder));
    assert_eq!(replayed.code, Some(0), "{replayed:#?}");
    // The catalogue may change, the record doesn't.
    write(dir.path(), "scenarios/requirements.csv", "id,text,source,hazard,class\nREQ-A-01,It delivers,S-1,HAZ-OVERDOSE,delivery\n");
    Outcome::of(rig(["replay"]).arg(&folder).current_dir(dir.path())).expect(0, &[]);
}

fn with_requirement(line: &str) -> String {
    without_requirement(line).replace(" }", ", verifies: REQ-A-01 }")
}

fn without_requirement(line: &str) -> String {
    match line.split_once(", verifies: ") {
        Some((before, _)) => format!("{before} }}"),
        None => line.to_owned(),
    }
}
