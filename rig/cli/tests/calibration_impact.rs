//! `rig calibration`: what is due when, and what rests on a certificate that is in doubt.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "the tests run the program and read its files")]

mod signing;
mod support;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use support::{Outcome, Row, Run, folder, journal, project, reports, rig, table, write};

const BOLUS: &str = "scenario: IMPACT-01
title: A bolus
time_limit: 1 h
given: { pump: factory_reset, reservoir: 20 mL, catheter: primed }
steps:
  - program: { bolus: 10 µL, over: 8 s }
  - measure: dose
    on: flow.tip
    until: { pump: stopped, then_quiet_for: 20 s }
    within: 2 min
    during: [start]
  - check: { volume_of: dose, is: 10 µL ± 15 % }
  - check: { state: stopped }
finally:
  - stop
";

fn calibration(more: &[&str]) -> Outcome {
    Outcome::of(rig(["calibration"]).args(more))
}

#[track_caller]
fn says(outcome: &Outcome, code: i32, words: &[&str]) {
    outcome.expect(code, &[]);
    for words in words {
        assert!(outcome.stdout.contains(words), "`{words}` is not in:\n{}", outcome.stdout);
    }
}

/// The simulated bench, with a change in it.
fn bench(dir: &Path, from: &str, to: &str) -> PathBuf {
    let sim = fs::read_to_string(project().join("rig/benches/sim.toml")).unwrap();
    assert!(sim.contains(from), "{from}");
    write(dir, "bench.toml", sim.replacen(from, to, 1))
}

#[test]
fn due_dates_have_their_exit_codes() {
    says(&calibration(&["--on", "2027-01-01"]), 0, &["sim flow.tip", "SIM-FLOW-TIP", "of 2025-01-01  due 2099-12-31", "0 overdue"]);
    // It holds on its due day and no longer; all four of the bench have the same.
    says(&calibration(&["--on", "2099-12-01"]), 3, &["30 d", "0 overdue or lacking something, 4 due within 30 d"]);
    says(&calibration(&["--on", "2099-12-01", "--within", "29 d"]), 0, &["0 due within 29 d"]);
    says(&calibration(&["--on", "2099-12-31"]), 3, &["0 d"]);
    says(&calibration(&["--on", "2100-01-01"]), 1, &["-1 d", "certificate SIM-FLOW-TIP ran out on 2099-12-31", "4 overdue"]);
    says(&calibration(&["--on", "2024-12-31"]), 1, &["certificate SIM-FLOW-TIP is of 2025-01-01, which is still to come"]);
    let outcome =
        calibration(&["--on", "2099-12-01", "--json", "--bench", "rig/benches/sim.toml", "--bench", "rig/benches/sim-balance.toml"]);
    says(&outcome, 3, &[]);
    let lines: Vec<Value> = outcome.stdout.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.len(), 9, "alarm lines are not calibrated");
    assert!(lines.iter().all(|l| l["days_left"] == 30 && l["lacks"].as_array().unwrap().is_empty()), "{lines:#?}");
}

#[test]
fn what_is_missing_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let tip = "certificate = { id = \"SIM-FLOW-TIP\", date = \"2025-01-01\", due = \"2099-12-31\", range = \"0 µL/h to 2 L/h\", instrument = \"simulated, number 1\" }\n";
    for (from, to, words) in [
        (tip, String::new(), "it has no certificate"),
        (tip, tip.replace("date = \"2025-01-01\", ", ""), "certificate SIM-FLOW-TIP has no date of calibration"),
        (tip, tip.replace("to 2 L/h", "to 1 L/h"), "certificate SIM-FLOW-TIP covers 0 to 1000000 µL/h"),
        ("uncertainty = \"0.5 kPa\"\n", String::new(), "nobody states its uncertainty"),
        (
            tip,
            tip.replace(" }", ", reference = \"SCALE-9\", reference_uncertainty = \"0.1 %\" }"),
            "its reference SCALE-9 is the certificate of no channel",
        ),
    ] {
        let bench = bench(dir.path(), from, &to);
        says(&calibration(&["--on", "2027-01-01", "--bench", bench.to_str().unwrap()]), 1, &[words]);
    }
    for (arguments, words) in [
        (&["--bench", "none.toml"][..], "failed to open `none.toml`"),
        (&["--within", "1 h"], "it is told in whole days"),
        (&["--within", "30"], "--within"),
        (&["--on", "01.01.2027"], "a date is written 2027-06-30"),
        (&["--since", "2027-01-01"], "--impact"),
    ] {
        calibration(arguments).expect(2, &[words]);
    }
}

/// A run whose flow sensor was calibrated with a balance that another certificate names.
fn played(dir: tempfile::TempDir) -> Run {
    let tip = "id = \"SIM-FLOW-TIP\", date = \"2025-01-01\", due = \"2099-12-31\", range = \"0 µL/h to 2 L/h\", instrument = \"simulated, number 1\"";
    let bench = bench(dir.path(), tip, &format!("{tip}, reference = \"SCALE-9\", reference_uncertainty = \"0.1 %\""));
    let scenario = write(dir.path(), "s.yaml", BOLUS);
    let run = Run::with(dir, &[scenario.to_str().unwrap(), "--seed", "1", "--bench", bench.to_str().unwrap()]);
    run.outcome.expect(0, &[]);
    run
}

fn impact(run: &Run, certificate: &str, more: &[&str]) -> Outcome {
    Outcome::of(rig(["calibration", "--impact", certificate, "--reports"]).arg(reports(run.dir.path())).args(more))
}

#[test]
fn every_row_that_rests_on_a_certificate_is_found() {
    let run = played(tempfile::tempdir().unwrap());
    let out = run.dir.path().join("impact.csv");
    let outcome = impact(&run, "SIM-FLOW-TIP", &["--out", out.to_str().unwrap()]);
    let expected: Vec<Row> = run.table("results.csv").into_iter().filter(|r| r["certificates"].contains("SIM-FLOW-TIP")).collect();
    // The volume, and what the dose oracle made of the same pulses.
    assert_eq!(expected.len(), 2);
    says(
        &outcome,
        1,
        &[
            "volume of `dose` is 10 µL ± 15 %",
            "(by SIM-FLOW-TIP)  not evidence",
            "rest on SIM-FLOW-TIP: 2 PASS; 0 of the runs are evidence",
        ],
    );
    let found = table(&out);
    assert_eq!(found.len(), 2);
    for column in [
        "run_id",
        "row",
        "scenario",
        "step",
        "check",
        "value",
        "unit",
        "expanded_uncertainty",
        "verdict",
        "firmware_sha256",
        "dut_serial",
        "evidence",
    ] {
        assert_eq!(found[0][column], expected[0][column], "{column}");
    }
    // By way of the reference, as the run's own bench file has it.
    says(&impact(&run, "SCALE-9", &[]), 1, &["(by SIM-FLOW-TIP)", "rest on SCALE-9: 2 PASS"]);
    let outcome = impact(&run, "SCALE-9", &["--json"]);
    let lines: Vec<Value> = outcome.stdout.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!((&lines[0]["through"][0], &lines[0]["row"], &lines[2]["rows"]), (&"SIM-FLOW-TIP".into(), &1.into(), &2.into()));
}

#[test]
fn nothing_found_is_said_only_where_all_was_read() {
    let run = played(tempfile::tempdir().unwrap());
    says(&impact(&run, "SIM-PRESSURE-LINE", &[]), 0, &["no row rests on SIM-PRESSURE-LINE"]);
    says(&impact(&run, "SIM-FLOW-TIP", &["--since", "2999-01-01"]), 0, &["no row rests on SIM-FLOW-TIP since 2999-01-01"]);
    says(&impact(&run, "SIM-FLOW-TIP", &["--since", "2020-01-01"]), 1, &["since 2020-01-01"]);
    let out = run.dir.path().join("none.csv");
    impact(&run, "CAL-0", &["--out", out.to_str().unwrap()])
        .expect(2, &["no run was measured with a certificate `CAL-0`", "SCALE-9, SIM-DRUG-TIP, SIM-FLOW-PUMP, SIM-FLOW-TIP"]);
    assert!(!out.exists(), "a table of nothing would look like an answer");
    let there = write(run.dir.path(), "there.csv", "mine");
    impact(&run, "SIM-FLOW-TIP", &["--out", there.to_str().unwrap()]).expect(2, &["must not be there yet"]);
    assert_eq!(fs::read_to_string(there).unwrap(), "mine");

    let whole = journal(&folder(&reports(run.dir.path())).unwrap());
    let damaged = whole.replacen("\"verdict\":\"PASS\"", "\"verdict\":\"FAIL\"", 1);
    write(&reports(run.dir.path()).join("x"), "journal.jsonl", damaged);
    let outcome = impact(&run, "SIM-PRESSURE-LINE", &[]);
    says(&outcome, 4, &["no row rests on"]);
    outcome.expect(4, &["the chain is broken"]);
    says(&impact(&run, "SIM-FLOW-TIP", &[]), 1, &[]);
}

#[test]
fn a_row_in_doubt_tells_its_deviations() {
    let run = played(tempfile::tempdir().unwrap());
    let row = run.table("results.csv").into_iter().find(|r| r["certificates"].contains("SIM-FLOW-TIP")).unwrap()["row"].clone();
    let lab = signing::Lab::on(run.dir);
    lab.people();
    let words = ["--id", "PR-9", "--note", "a bubble", "--disposition", "open", "--row", &row];
    lab.by("deviation", "anna", "operator", &words).expect(0, &[]);
    let out = lab.path("impact.csv");
    let mut command = rig(["calibration", "--impact", "SIM-FLOW-TIP", "--reports"]);
    let outcome = Outcome::of(command.arg(reports(lab.dir())).arg("--out").arg(&out));
    says(&outcome, 1, &["not evidence  deviations: PR-9 open\n", "2 rows of 1 run rest on"]);
    assert_eq!(table(&out)[0]["deviations"], "PR-9 open");
}
