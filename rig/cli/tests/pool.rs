//! `rig pool`: several runs of several units taken together, and what may not be.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "the tests run the program and read its files")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use support::{Outcome, Row, SHORT, chained_anew, journal, project, reports, rig, table, write};
use tempfile::TempDir;

const BOLUSES: &str = "scenario: POOL-01
title: Boluses, again and again
time_limit: 1 h
parameters: { dose: 10 µL, over: 8 s }
given: { pump: factory_reset, reservoir: 20 mL, catheter: primed }
steps:
  - repeat: 4
    steps:
      - program: { bolus: $dose, over: $over }
      - measure: dose
        on: flow.tip
        until: { pump: stopped, then_quiet_for: 20 s }
        within: 2 min
        during: [start]
      - check: { volume_of: dose, is: $dose ± 15 % }
      - check: { state: stopped }
finally:
  - stop
";

/// A folder with a scenario, benches and the runs played in it.
struct Lab(TempDir);

impl Lab {
    fn new(scenario: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "scenario.yaml", scenario);
        Self(dir)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Plays the scenario on a unit with a serial number and a gain of its own, and returns the run's folder.
    fn play(&self, serial: &str, gain: &str, seed: u64) -> PathBuf {
        self.play_with(&[("gain = 1\n", &format!("gain = {gain}\n"))], serial, seed, &[])
    }

    fn play_with(&self, changes: &[(&str, &str)], serial: &str, seed: u64, more: &[&str]) -> PathBuf {
        let bench = fs::read_to_string(project().join("rig/benches/sim.toml")).unwrap();
        let named = format!("model = \"RP-1 reference\"\nserial = \"{serial}\"");
        let mut bench = bench.replace("model = \"RP-1 reference\"", &named);
        for (from, to) in changes {
            assert!(bench.contains(from), "{from}");
            bench = bench.replace(from, to);
        }
        let bench = write(self.0.path(), &format!("{serial}.toml"), bench);
        let before = self.runs();
        let mut command = rig(["run"]);
        command.arg(self.path("scenario.yaml")).arg("--bench").arg(bench).args(["--seed", &seed.to_string()]).args(more);
        let outcome = Outcome::of(command.arg("--out").arg(reports(self.0.path())).env("TMPDIR", self.0.path()));
        let made: Vec<PathBuf> = self.runs().into_iter().filter(|run| !before.contains(run)).collect();
        assert_eq!(made.len(), 1, "{outcome:#?}");
        made[0].clone()
    }

    fn runs(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(reports(self.0.path())) else { return Vec::new() };
        entries.map(|e| e.unwrap().path()).filter(|p| p.is_dir()).collect()
    }
}

fn pool<P: AsRef<Path>>(runs: &[P], more: &[&str]) -> Outcome {
    Outcome::of(rig(["pool"]).args(runs.iter().map(AsRef::as_ref)).args(more))
}

#[track_caller]
fn says(outcome: &Outcome, words: &[&str]) {
    for words in words {
        assert!(outcome.stdout.contains(words), "`{words}` is not in:\n{}", outcome.stdout);
    }
}

fn number(row: &Row, column: &str) -> f64 {
    row[column].parse().unwrap_or_else(|_| panic!("{column}: {row:?}"))
}

#[track_caller]
fn close(got: f64, expected: f64) {
    assert!((got - expected).abs() < 1e-9, "{got} is not {expected}");
}

/// Copies a run with its journal altered.
fn altered(run: &Path, to: &Path, alter: impl Fn(String) -> String) -> PathBuf {
    write(to, "journal.jsonl", chained_anew(&alter(journal(run))));
    to.to_owned()
}

#[test]
fn several_units_are_pooled_as_their_results_say() {
    let lab = Lab::new(BOLUSES);
    let mut runs = Vec::new();
    for (serial, gain) in [("SN-1", "1"), ("SN-2", "1.01"), ("SN-3", "1.02")] {
        runs.extend([lab.play(serial, gain, 1), lab.play(serial, gain, 2)]);
    }
    let out = lab.path("pool.csv");
    let outcome = pool(&runs, &["--out", out.to_str().unwrap()]);
    outcome.expect(0, &[]);
    says(
        &outcome,
        &[
            "together: 3 units",
            "1 check pooled from 6 runs of 3 units",
            "RP-1 reference SN-2: 2 runs",
            "6 of 6 runs simulated: not evidence",
        ],
    );
    says(
        &outcome,
        &[
            "not reduced by n",
            "not pooled: 36 rows of states, alarms, counts and the dose oracle",
            "within the limits (8.5 … 11.5 µL)",
            "\nPASS\n",
        ],
    );
    let rows = table(&out);
    assert_eq!(rows.iter().map(|r| r["scope"].as_str()).collect::<Vec<_>>(), ["unit", "unit", "unit", "together"]);

    let mut means = Vec::new();
    for (unit, runs) in rows.iter().zip(runs.chunks(2)) {
        let of_run = |run: &PathBuf| table(&run.join("results.csv")).into_iter().filter(|r| r["quantity"] == "volume").collect::<Vec<_>>();
        let values: Vec<f64> = runs.iter().flat_map(of_run).map(|r| number(&r, "value")).collect();
        assert_eq!((unit["n"].as_str(), values.len()), ("8", 8));
        let mean = values.iter().sum::<f64>() / 8.0;
        let sd = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 7.0).sqrt();
        close(number(unit, "mean"), mean);
        close(number(unit, "sd"), sd);
        close(number(unit, "error_percent"), (mean - 10.0) * 10.0);
        // 95 % / 95 % of 8 values: 3.746 in the published table.
        assert!((number(unit, "tolerance_factor") - 3.746).abs() < 0.0006);
        close(number(unit, "tolerance_upper"), mean + number(unit, "tolerance_factor") * sd);
        means.push(mean);
    }
    let all = &rows[3];
    assert_eq!((all["units"].as_str(), all["n"].as_str(), all["dut_serial"].as_str(), all["standing"].as_str()), ("3", "24", "", "within"));
    close(number(all, "mean"), means.iter().sum::<f64>() / 3.0);
    // K-factor: 1 % (k = 2) of the largest value, however many deliveries.
    close(number(all, "common_uncertainty"), 0.01 * number(all, "max"));
    let wider = number(all, "tolerance_upper") - number(all, "tolerance_lower");
    assert!(rows[..3].iter().all(|r| number(r, "tolerance_upper") - number(r, "tolerance_lower") < wider / 2.0), "{rows:?}");
    assert_eq!((all["simulated"].as_str(), all["evidence"].as_str()), ("true", "false"));

    // Two of them: the interval for a third is far wider than the limits, and nothing is shown.
    let two = pool(&runs[..4], &[]);
    two.expect(3, &[]);
    says(&two, &["together: 2 units", "reaches beyond the limits", "\nINCONCLUSIVE\n"]);
    // Less confidence, and it is.
    pool(&runs[..4], &["--coverage", "90%", "--confidence", "80 %"]).expect(0, &[]);
}

#[test]
fn one_unit_is_no_verification() {
    let lab = Lab::new(BOLUSES);
    let runs = [lab.play("SN-1", "1", 1), lab.play("SN-1", "1", 2)];
    let outcome = pool(&runs, &[]);
    outcome.expect(3, &[]);
    says(&outcome, &["ONE DUT IS NO VERIFICATION", "one unit: nothing follows for others", "\nINCONCLUSIVE\n"]);

    let outcome = pool(&runs, &["--json"]);
    outcome.expect(3, &["ONE DUT IS NO VERIFICATION"]);
    let lines: Vec<Value> = outcome.stdout.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.iter().map(|l| l["scope"].as_str().unwrap()).collect::<Vec<_>>(), ["unit", "together", "pool"]);
    assert_eq!((&lines[1]["tolerance_upper"], &lines[1]["n"], &lines[2]["units"]), (&Value::Null, &8.into(), &1.into()));
    assert_eq!((&lines[2]["evidence"], &lines[2]["verdict"]), (&false.into(), &"INCONCLUSIVE".into()));
}

#[test]
fn a_fail_is_not_pooled_away() {
    let lab = Lab::new(BOLUSES);
    let outcome = pool(&[lab.play("SN-1", "1", 1), lab.play("SN-2", "1", 1), lab.play("SN-3", "1.3", 1)], &[]);
    outcome.expect(1, &[]);
    says(&outcome, &["4 of 12 values are FAIL, which no pooling takes back", "\nFAIL\n"]);
}

#[test]
fn the_same_run_is_taken_once() {
    let lab = Lab::new(BOLUSES);
    let run = lab.play("SN-1", "1", 1);
    pool(&[&run, &run], &[]).expect(2, &["are the same run"]);
    let copy = altered(&run, &lab.path("copy"), |text| text);
    pool(&[&run, &copy], &[]).expect(2, &["are the same run"]);
    let again = lab.play("SN-1", "1", 1);
    pool(&[&run, &again], &[]).expect(2, &["one simulated run played twice, with seed 1"]);
}

#[test]
fn other_texts_are_other_tests() {
    let with_fragment = BOLUSES.replace("steps:\n  - repeat", "steps:\n  - include: before.yaml\n  - repeat");
    let lab = Lab::new(&with_fragment);
    let fragment = |ms: u32| write(lab.0.path(), "before.yaml", format!("fragment: before\nsteps:\n  - wait: {ms} ms\n"));
    fragment(500);
    let run = lab.play("SN-1", "1", 1);
    let same = lab.play("SN-2", "1.01", 1);
    pool(&[&run, &same], &["--coverage", "50 %", "--confidence", "50 %"]).expect(0, &[]);
    fragment(600);
    pool(&[&run, &lab.play("SN-3", "1", 1)], &[]).expect(2, &["scenario POOL-01 is not the same in all runs", "`before.yaml`"]);
    fragment(500);
    write(lab.0.path(), "scenario.yaml", with_fragment.replace("± 15 %", "± 14 %"));
    pool(&[&run, &lab.play("SN-3", "1", 1)], &[]).expect(2, &["scenario POOL-01 is not the same in all runs", "`scenario.yaml`"]);
}

#[test]
fn other_firmware_is_another_thing_under_test() {
    let lab = Lab::new(BOLUSES);
    let (one, two) = (lab.play("SN-1", "1", 1), lab.play("SN-2", "1.01", 1));
    let marker = "\"firmware_hash\":\"";
    let other = altered(&two, &lab.path("other"), |text| {
        let hash = text.split(marker).nth(1).unwrap().split('"').next().unwrap().to_owned();
        text.replace(&hash, &"ab".repeat(20))
    });
    pool(&[&one, &other], &[]).expect(2, &["different firmware", &"ab".repeat(20), "--allow-mixed-firmware"]);
    let out = lab.path("mixed.csv");
    let loose = ["--coverage", "50 %", "--confidence", "50 %"];
    pool(&[&one, &other], &[&["--allow-mixed-firmware", "--out", out.to_str().unwrap()][..], &loose].concat()).expect(0, &[]);
    assert!(table(&out)[0]["firmware_sha256"].contains(';'), "both are named");
    let defective = lab.play_with(&[], "SN-3", 1, &["--defect", "wrong_gain"]);
    pool(&[&one, &defective], &[]).expect(2, &["different firmware", "with the defect wrong_gain"]);
}

#[test]
fn a_journal_that_is_not_whole_is_not_pooled() {
    let lab = Lab::new(BOLUSES);
    let (one, two) = (lab.play("SN-1", "1", 1), lab.play("SN-2", "1", 1));
    let lines = journal(&two).lines().count();
    let cut = altered(&two, &lab.path("cut"), |text| text.lines().take(20).map(|l| format!("{l}\n")).collect());
    pool(&[&one, &cut], &[]).expect(4, &["cut/journal.jsonl` is cut off at line 21"]);
    let damaged = altered(&two, &lab.path("damaged"), |text| text.replacen("\"kind\":\"check\"", "\"kind\":\"chuck\"", 1));
    let at = journal(&damaged).lines().position(|l| l.contains("chuck")).unwrap() + 1;
    assert!(at < lines);
    pool(&[&one, &damaged], &[]).expect(4, &["damaged/journal.jsonl`", &format!("line {at} of the journal"), "unknown kind `chuck`"]);
    write(&lab.path("empty"), "journal.jsonl", "");
    pool(&[&one, &lab.path("empty")], &[]).expect(4, &["empty/journal.jsonl`"]);
    pool(&[&one, &lab.path("nowhere")], &[]).expect(2, &["there is no journal.jsonl in"]);
}

#[test]
fn what_has_no_value_is_told_and_is_no_pass() {
    let lab = Lab::new(BOLUSES);
    let good = [lab.play("SN-1", "1", 1), lab.play("SN-2", "1", 1), lab.play("SN-3", "1", 1)];
    // The flow in a stroke is beyond this sensor's range: each volume is an ERROR.
    let out_of_range = lab.play_with(&[("max_flow = \"2 L/h\"", "max_flow = \"5 mL/h\"")], "SN-4", 1, &[]);
    let out = lab.path("pool.csv");
    let outcome = pool(&[&good[0], &good[1], &good[2], &out_of_range], &["--out", out.to_str().unwrap()]);
    outcome.expect(4, &[]);
    says(&outcome, &["left out: 4 rows without a whole value (4 ERROR out_of_range)", "together: 3 units", "\nERROR\n"]);
    let all = table(&out).pop().unwrap();
    assert_eq!((all["n"].as_str(), all["left_out"].as_str(), all["left_out_why"].as_str()), ("12", "4", "4 ERROR out_of_range"));

    let outcome = pool(&[&out_of_range], &[]);
    outcome.expect(4, &[]);
    says(&outcome, &["nothing to pool: 4 rows without a whole value"]);

    // A case that the bench could not play left no row, and is not forgotten for that.
    let lacking = lab.play_with(&[("max_flow = \"2 L/h\"", "max_flow = \"1 mL/h\"")], "SN-6", 1, &[]);
    let outcome = pool(&[&good[0], &good[1], &good[2], &lacking], &[]);
    outcome.expect(6, &[]);
    says(&outcome, &["without any row, in `", "POOL-01 SKIPPED: the bench lacks", "together: 3 units", "\nSKIPPED\n"]);

    // A lower bound that proves FAIL is no measurement.
    let bound = lab.play_with(&[("max_flow = \"2 L/h\"", "max_flow = \"9 mL/h\""), ("gain = 1\n", "gain = 1.5\n")], "SN-5", 1, &[]);
    let outcome = pool(&[&good[0], &good[1], &bound], &[]);
    outcome.expect(1, &[]);
    says(&outcome, &["4 FAIL beyond_limits, only a lower bound", "together: 2 units"]);
}

#[test]
fn nothing_measured_is_nothing_pooled() {
    let lab = Lab::new(SHORT);
    let outcome = pool(&[lab.play("SN-1", "1", 1), lab.play("SN-2", "1", 1)], &[]);
    outcome.expect(6, &[]);
    says(&outcome, &["0 checks pooled from 2 runs", "not pooled: 4 rows of states", "\nSKIPPED\n"]);
}

#[test]
fn cases_of_a_scenario_are_pooled_by_their_errors() {
    let scenario =
        BOLUSES.replace("parameters: { dose: 10 µL, over: 8 s }", "for_each: { dose: [10 µL, 20 µL] }\nparameters: { over: 16 s }");
    let lab = Lab::new(&scenario);
    let runs = [lab.play("SN-1", "1", 1), lab.play("SN-2", "1.01", 1), lab.play("SN-3", "1.02", 1)];
    let (by_case, by_scenario) = (lab.path("case.csv"), lab.path("scenario.csv"));
    pool(&runs, &["--out", by_case.to_str().unwrap()]).expect(0, &[]);
    pool(&runs, &["--by", "scenario", "--out", by_scenario.to_str().unwrap()]).expect(0, &[]);
    let (by_case, by_scenario) = (table(&by_case), table(&by_scenario));
    let cases: Vec<&str> = by_case.iter().filter(|r| r["scope"] == "together").map(|r| r["case"].as_str()).collect();
    assert_eq!(cases.len(), 2, "{cases:?}");
    let all = by_scenario.last().unwrap();
    assert_eq!((by_scenario.len(), all["n"].as_str(), all["unit"].as_str(), all["lower_limit"].as_str()), (4, "24", "%", "-15"));
    let errors: f64 = by_case.iter().filter(|r| r["scope"] == "together").map(|r| number(r, "error_percent")).sum();
    close(number(all, "mean"), errors / 2.0);
}

#[test]
fn bad_usage_is_said() {
    let lab = Lab::new(BOLUSES);
    let run = lab.play("SN-1", "1", 1);
    let out = write(lab.0.path(), "there.csv", "mine");
    pool(&[&run], &["--out", out.to_str().unwrap()]).expect(2, &["is there already"]);
    assert_eq!(fs::read_to_string(&out).unwrap(), "mine");
    let nowhere = lab.path("no/such/folder.csv");
    pool(&[&run], &["--out", nowhere.to_str().unwrap()]).expect(2, &["failed to write", "folder.csv"]);
    for (value, words) in [
        ("0.95", "write it with its sign"),
        ("0 %", "between 0 % and 100 %"),
        ("100%", "between"),
        ("NaN %", "between"),
        ("x %", "expected a number"),
    ] {
        pool(&[&run], &["--coverage", value]).expect(2, &[words]);
        pool(&[&run], &["--confidence", value]).expect(2, &[words]);
    }
    pool::<&Path>(&[], &[]).expect(2, &["RUN"]);
}
