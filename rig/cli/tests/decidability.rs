//! What a bench can't decide is told before the run, and what is called decidable comes out so.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "the tests run the program and write its files")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use support::{Outcome, Row, Run, project, rig, write};
use tempfile::TempDir;

/// The simulated bench with something else in its file.
fn bench(dir: &Path, changes: &[(&str, &str)]) -> PathBuf {
    let mut text = fs::read_to_string(project().join("rig/benches/sim.toml")).unwrap();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    write(dir, "bench.toml", text)
}

/// What is planned for each step of each case of the project, but for those that take long.
fn planned(bench: &Path) -> BTreeMap<(String, String, String), Value> {
    let outcome = Outcome::of(rig(["check", "--json", "--bench"]).arg(bench));
    outcome.expect(0, &[]);
    let text = |line: &Value, key: &str| line[key].as_str().unwrap().to_owned();
    let lines = outcome.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.map(|l| ((text(&l, "scenario"), text(&l, "case"), text(&l, "step")), l)).collect()
}

/// Scenarios whose pump the plan can follow: nothing happens to it that shows in the run only.
const FOLLOWED: [&str; 19] = [
    "BENCH-FIRST-01",
    "FAULT-GARBAGE-01",
    "FAULT-LINK-01",
    "FAULT-OCCLUSION-01",
    "FAULT-PARTIAL-01",
    "FAULT-POWER-CUT-01",
    "IMPLANT-CONTINUOUS-01",
    "IMPLANT-CURVE-01",
    "IMPLANT-CURVE-02",
    "IMPLANT-MAXIMUM-01",
    "IMPLANT-PRIMING-01",
    "LIMITS-REFUSALS-01",
    "REFILL-EMPTY-01",
    "SMOKE-01",
    "TRIAL-ACCURACY-01",
    "TRIAL-BOLUS-01",
    "TRIAL-SCRIPT-01",
    "SOAK-90-DAYS",
    "SOAK-WORKLOAD-72H",
];

/// The dose oracle's rows belong to no check of a scenario.
fn planned_for(row: &Row) -> bool {
    !row["step"].starts_with("oracle.")
}

/// Each row of a run that was planned, with its plan; whatever was called decidable is PASS.
fn played(changes: &[(&str, &str)], seed: &str) -> Vec<(Value, Row)> {
    let dir = tempfile::tempdir().unwrap();
    let bench = bench(dir.path(), changes);
    let plan = planned(&bench);
    let run = Run::of(&["--bench", bench.to_str().unwrap(), "--seed", seed]);
    let with_plan = |row: Row| {
        let key = (row["scenario"].clone(), row["case"].clone(), row["step"].clone());
        let plan = plan.get(&key).unwrap_or_else(|| panic!("{key:?} was not planned"));
        let sound = plan["finding"] != "decidable" || row["verdict"] == "PASS";
        assert!(sound, "{key:?} was called decidable: {plan:#}\n{row:#?}");
        (plan.clone(), row)
    };
    run.table("results.csv").into_iter().filter(planned_for).map(with_plan).collect()
}

/// How many rows there are of each finding and verdict.
fn outcomes<'r>(rows: impl IntoIterator<Item = &'r (Value, Row)>) -> BTreeMap<(String, String), usize> {
    let mut found = BTreeMap::new();
    for (plan, row) in rows {
        *found.entry((plan["finding"].as_str().unwrap().to_owned(), row["verdict"].clone())).or_default() += 1;
    }
    found
}

/// Whether it is PASS by luck: of two extremes this one lies well within and the other does not, or one stroke less or more in the window would have
/// been too near to a limit to tell.
fn lucky(row: &Row, rows: &[(Value, Row)]) -> bool {
    let place = |row: &Row| (row["scenario"].clone(), row["case"].clone(), row["step"].clone());
    if rows.iter().any(|(_, other)| place(other) == place(row) && other["verdict"] == "INCONCLUSIVE") {
        return true;
    }
    let number = |key: &str| row[key].parse::<f64>().ok();
    let (Some(value), Some(u), Some(window)) = (number("value"), number("expanded_uncertainty"), number("window_s")) else { return false };
    let stroke = match row["quantity"].as_str() {
        "volume" => 1.0,
        "mean_flow" => 3_600.0 / window,
        _ => return false,
    };
    let (low, high) = (number("lower_limit").unwrap_or(f64::MIN), number("upper_limit").unwrap_or(f64::MAX));
    value - stroke - u < low || value + stroke + u > high
}

/// The reference pump delivers what it is asked for: on benches from good to bad whatever is called decidable is PASS.
#[test]
fn what_is_called_decidable_is_pass_of_a_sound_pump() {
    let uncertain = |percent| ("k_uncertainty = \"1 %\"", percent);
    let pulses = |k| ("k_factor = \"10 pulses/µL\"", k);
    for changes in [
        &[][..],
        &[uncertain("k_uncertainty = \"2.4 %\"")],
        &[uncertain("k_uncertainty = \"4.4 %\"")],
        &[pulses("k_factor = \"2 pulses/µL\"")],
        &[pulses("k_factor = \"7.3 pulses/µL\""), uncertain("k_uncertainty = \"3 %\"")],
        &[("uncertainty = \"0.5 kPa\"", "uncertainty = \"9 kPa\"")],
        &[("bidirectional = true", "bidirectional = true\nstart_stop = \"0.3 µL\"")],
    ] {
        let found = outcomes(&played(changes, "1"));
        let decidable = found.iter().filter(|((finding, _), _)| finding == "decidable").map(|(_, n)| n).sum::<usize>();
        assert!(decidable > 50, "{changes:?}: {found:?}");
        if changes.is_empty() {
            assert!(found.keys().all(|(finding, verdict)| finding != "undecidable" && verdict == "PASS"), "{found:?}");
        }
    }
}

#[test]
fn what_is_called_undecidable_is_inconclusive() {
    let bad = [("k_uncertainty = \"1 %\"", "k_uncertainty = \"6 %\"")];
    let rows = played(&bad, "1");
    let all = outcomes(&rows);
    assert!(
        all.keys().all(|(finding, verdict)| finding != "undecidable" || ["INCONCLUSIVE", "PASS"].contains(&verdict.as_str())),
        "{all:?}"
    );
    // Those that the plan follows from beginning to end; of a pump out of sight more than a stroke is reckoned with.
    let followed: Vec<&(Value, Row)> = rows.iter().filter(|(_, row)| FOLLOWED.contains(&row["scenario"].as_str())).collect();
    let undecidable = |verdict: &str| {
        let wanted = |(plan, row): &&&(Value, Row)| plan["finding"] == "undecidable" && row["verdict"] == verdict;
        followed.iter().filter(wanted).map(|(_, row)| row).collect::<Vec<_>>()
    };
    assert!(undecidable("INCONCLUSIVE").len() > 40, "{:?}", outcomes(followed.iter().copied()));
    for row in undecidable("PASS") {
        assert!(lucky(row, &rows), "{row:#?}");
    }
    let dir = tempfile::tempdir().unwrap();
    let plan = planned(&bench(dir.path(), &bad));
    let of_five_per_cent: Vec<&Value> = plan.values().filter(|l| l["check"].as_str().unwrap().contains("± 5 %")).collect();
    assert!(of_five_per_cent.len() > 20);
    assert!(of_five_per_cent.iter().all(|l| l["finding"] != "decidable"), "{of_five_per_cent:#?}");
    let followed = |l: &&&Value| FOLLOWED.contains(&l["scenario"].as_str().unwrap());
    assert!(of_five_per_cent.iter().filter(followed).all(|l| l["finding"] == "undecidable"), "{of_five_per_cent:#?}");
}

/// The U that was planned is that of the run.
#[test]
fn plan_and_run_make_the_same_budget() {
    let plan = planned(&project().join("rig/benches/sim.toml"));
    let run = Run::of(&["--filter", "TRIAL-BOLUS", "--seed", "1"]);
    let mut compared = 0;
    for row in run.table("results.csv").into_iter().filter(planned_for) {
        let plan = &plan[&(row["scenario"].clone(), row["case"].clone(), row["step"].clone())];
        let (Some(planned), Ok(measured)) = (plan["expanded_uncertainty"].as_f64(), row["expanded_uncertainty"].parse::<f64>()) else {
            continue;
        };
        if plan["finding"] == "decidable" {
            assert!((measured / planned - 1.0).abs() < 0.02, "{planned} and {measured}: {row:#?}");
            assert_eq!(plan["decision_rule"], Value::from(row["decision_rule"].clone()));
            compared += 1;
        }
    }
    assert!(compared >= 4, "{compared}");
}

const STEPS: &str = "  - program: { basal: 20 µL/h }
  - measure: w
    on: flow.tip
    for: 24 h
    during: [start]
";

/// A scenario of one check on a day at 20 µL/h.
fn place(check: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let head = "scenario: A-01\ntitle: t\ntime_limit: 30 h\ngiven: { pump: factory_reset, reservoir: 20 mL, catheter: primed }\nsteps:\n";
    write(dir.path(), "a.yaml", format!("{head}{STEPS}  - check: {{ {check} }}\n"));
    dir
}

/// `rig check` on a bench with these changes finds these words, and with `--require-decidable` ends in this exit code.
#[track_caller]
fn found(check: &str, changes: &[(&str, &str)], code: i32, words: &[&str]) {
    let dir = place(check);
    let bench = bench(dir.path(), changes);
    let scenario = dir.path().join("a.yaml");
    let arguments: [&Path; 4] = [Path::new("check"), Path::new("--bench"), &bench, &scenario];
    let told = Outcome::of(&mut rig(arguments));
    told.expect(0, &[]);
    for words in words {
        assert!(told.stdout.contains(words), "`{words}` is not in:\n{}", told.stdout);
    }
    Outcome::of(rig(arguments).arg("--require-decidable")).expect(code, &[]);
}

#[test]
fn each_finding_is_told_with_what_to_do() {
    let within = "mean_flow_of: w, is: 20 µL/h ± 5 %";
    found(within, &[], 0, &["1 check with a limit: 1 decidable, 0 not"]);
    found(
        "mean_flow_of: w, is: 20 µL/h ± 1 %",
        &[],
        2,
        &["a.yaml: A-01 steps.3", "against 19.8 … 20.2 µL/h (three-way, default)", "flow.tip, K-factor: U 1 % → at most 0."],
    );
    found("mean_flow_of: w, in_every: 1 h, is: 20 µL/h ± 5 %", &[], 2, &["one stroke more or less", "measure for at least "]);
    found(
        "volume_of: w, at_most: 480 µL",
        &[],
        2,
        &["expected 480 ± 4.9 µL (as programmed)", "no room inside the limits", "no measurement would do"],
    );
    found(within, &[("k_uncertainty = \"1 %\"\n", "")], 2, &["unstated", "nobody states the uncertainty of: K-factor"]);
    found(
        within,
        &[("max_flow = \"2 L/h\"", "max_flow = \"7 mL/h\"")],
        2,
        &["out of range: within a stroke the flow is 7200 µL/h", "take a sensor"],
    );
    found("onset_delay_of: w, at_most: 5 min", &[], 0, &["0 decidable, 0 not, 1 known only in the run"]);
    let stroke = "stroke_volume = \"1 µL\"\nstroke_duration = \"500 ms\"\n";
    found(within, &[(stroke, "")], 0, &["states no `stroke_volume`"]);
}

#[test]
fn all_shows_what_can_be_decided_too() {
    let dir = place("volume_of: w, at_most: 500 µL");
    let told = Outcome::of(rig(["check", "--all"]).arg(dir.path().join("a.yaml")));
    told.expect(0, &[]);
    assert!(told.stdout.contains("decidable: expected 480 ± 4.9 µL (as programmed) against at most 500 µL"), "{}", told.stdout);
    assert!(told.stdout.contains("test uncertainty ratio 4.2"), "{}", told.stdout);
}

#[test]
fn a_run_tells_it_first_and_goes_on_or_not_as_it_is_told() {
    let dir = place("mean_flow_of: w, is: 20 µL/h ± 1 %");
    let scenario = dir.path().join("a.yaml");
    let scenario = scenario.to_str().unwrap();
    let run = Run::of(&[scenario, "--seed", "1"]);
    run.outcome.expect(3, &["1 check can't be decided on bench `sim`", "A-01 steps.3", "K-factor: U 1 %"]);
    assert_eq!(run.table("results.csv")[0]["verdict"], "INCONCLUSIVE");
    let refused = Run::of(&[scenario, "--require-decidable"]);
    refused.outcome.expect(2, &["K-factor: U 1 %", "nothing was played", "--require-decidable"]);
    assert!(!support::reports(refused.dir.path()).exists(), "nothing is made");
    // What is decidable is played without a word.
    let good = place("mean_flow_of: w, is: 20 µL/h ± 5 %");
    let run = Run::of(&[good.path().join("a.yaml").to_str().unwrap(), "--seed", "1", "--require-decidable"]);
    run.outcome.expect(0, &[]);
    assert!(!run.outcome.stderr.contains("decided"), "{}", run.outcome.stderr);
}

/// Many findings don't bury the terminal.
#[test]
fn a_run_tells_the_first_few() {
    let dir = tempfile::tempdir().unwrap();
    let bench = bench(dir.path(), &[("k_uncertainty = \"1 %\"", "k_uncertainty = \"6 %\"")]);
    let refused = Run::of(&["--bench", bench.to_str().unwrap(), "--require-decidable", "scenarios/implant"]);
    refused.outcome.expect(2, &["more: rig check --bench", "scenarios/implant"]);
    assert!(refused.outcome.stderr.lines().count() < 20, "{}", refused.outcome.stderr);
}

/// The page's example says what the page says that it says.
#[test]
fn the_page_shows_real_output() {
    let page = fs::read_to_string(project().join("rig/docs/decidability.md")).unwrap();
    let block = |language: &str| page.split(&format!("```{language}\n")).nth(1).unwrap().split("```").next().unwrap();
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "example.yaml", block("yaml"));
    let shown = block("shell-session").strip_prefix("$ rig check example.yaml\n").unwrap();
    let outcome = Outcome::of(rig(["check", "example.yaml"]).current_dir(dir.path()));
    assert_eq!(outcome.stdout, shown);
}
