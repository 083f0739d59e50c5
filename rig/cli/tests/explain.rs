//! `rig explain` and `budgets.csv`: every number of a verdict can be followed back to what was measured and to what the bench file states.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "the tests run the program and read its files")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rig_metrology::{normal_quantile, student_quantile};
use serde_json::Value;
use support::{Outcome, Row, Run, chained_anew, journal, project, rig, table, write};

/// Every measurand that has a budget, and of each kind one that has none.
const EVERYTHING: &str = "scenario: EXPLAIN-01
title: Every kind of row
time_limit: 1 d
given: { pump: factory_reset, reservoir: 20 mL, catheter: primed }
watch:
  - never: { flow: flow.tip, above: 30 mL/h, over: 10 min }
  - never: { pressure: pressure.line, above: 90 kPa, rule: guarded, guard_factor: 0.5 }
  - never: { alarm: empty_reservoir }
  - always: { volume: flow.tip, in_any: 1 h, at_most: 5 mL }
steps:
  - program: { basal: 1 mL/h }
  - read_back
  - confirm
  - mark: begun
  - measure: run
    on: flow.tip
    for: 3 h
    during:
      - start
      - measure: line
        on: pressure.line
        for: 1 h
  - check: { volume_of: run, is: 3 mL ± 5 % }
  - check: { mean_flow_of: run, is: 1 mL/h ± 5 %, rule: simple }
  - check: { mean_flow_of: run, in_every: 30 min, is: 1 mL/h ± 20 % }
  - check: { volume_of: run, in_every: 40 strokes, at_most: 1 mL }
  - check: { delivery_time_of: run, is: 3 h ± 5 min }
  - check: { onset_delay_of: run, at_most: 5 min }
  - check: { max_flow_of: run, at_most: 100 mL/h }
  - check: { reservoir_error_of: run, is: 0 µL ± 300 µL }
  - check: { max_pressure_of: line, at_most: 60 kPa }
  - check: { mean_pressure_of: line, between: -5 kPa and 20 kPa }
  - mark: closed
  - check: { time_from: begun, to: closed, is: 3 h ± 1 min }
  - set: { occluder: closed }
  - expect: { alarm: occlusion, within: 1 h }
  - check: { condition_delay: occlusion, from: closed, at_most: 1 h }
  - check: { signal_delay: occlusion, at_most: 10 s }
  - check: { strokes_of: run, at_least: 10 }
  - check: { reservoir_reported: pump, at_least: 1 mL }
  - check: { alarm: occlusion }
finally: [stop]
";

fn everything() -> Run {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "everything.yaml", EVERYTHING);
    let run = Run::with(dir, &[path.to_str().unwrap(), "--seed", "3"]);
    assert!(run.outcome.code.is_some_and(|code| [0, 1, 3].contains(&code)), "{:#?}", run.outcome);
    run
}

fn explain(folder: &Path, check: &str) -> Outcome {
    Outcome::of(rig(["explain"]).arg(folder).arg(check))
}

/// What a normal error exceeds by two standard deviations: Φ(−2), as Python's `statistics.NormalDist().cdf(-2)` gives it.
const RISK: f64 = 0.022_750_131_948_179_21;

fn number(row: &Row, column: &str) -> Option<f64> {
    let cell = &row[column];
    (!cell.is_empty()).then(|| cell.parse().unwrap_or_else(|_| panic!("`{cell}` in {column}")))
}

#[track_caller]
fn close(found: f64, stated: f64, relative: f64) {
    assert!((found - stated).abs() <= relative * stated.abs(), "{found} is not {stated}");
}

/// GUM G.4 and 5.1.2, written once more from the page; the extreme of many as rig/docs/uncertainty.md says it. Gives u, ν and U.
fn combined(budget: &[&Row], family: Option<(f64, f64)>) -> (f64, f64, f64) {
    let part = |row: &Row| (number(row, "sensitivity").unwrap() * number(row, "standard_uncertainty").unwrap()).abs();
    let u = budget.iter().map(|row| part(row).powi(2)).sum::<f64>().sqrt();
    let spent: f64 = budget.iter().filter_map(|row| Some(part(row).powi(4) / number(row, "dof")?)).sum();
    let dof = if spent > 0.0 { u.powi(4) / spent } else { f64::INFINITY };
    let k = if dof.is_infinite() { 2.0 } else { student_quantile(1.0 - RISK, dof) };
    let Some((members, risk)) = family else { return (u, dof, k * u) };
    let size = |common: &str| budget.iter().filter(|row| row["common"] == common).map(|row| part(row).powi(2)).sum::<f64>().sqrt();
    let (common, single) = (size("true"), size("false"));
    let bounds: Option<f64> = budget.iter().filter(|row| row["common"] == "false").map(|row| number(row, "bound")).sum();
    let spread = -normal_quantile(RISK / members) * single;
    let (picked, expected) = match bounds {
        Some(bound) if bound <= spread => (bound, RISK),
        _ => (spread, 2.0 * RISK),
    };
    close(risk, expected, 1e-12);
    (u, dof, (k * common + picked).max(k * u))
}

/// How many rows with a budget there are, and how many of them are the extreme of many.
fn followed(results: &[Row], budgets: &[Row]) -> (u32, u32) {
    let mut of: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    budgets.iter().for_each(|row| of.entry(&row["row"]).or_default().push(row));
    let (mut all, mut families) = (0, 0);
    for row in results {
        let Some(budget) = of.remove(row["row"].as_str()) else {
            assert!(number(row, "standard_uncertainty").is_none_or(|u| u == 0.0), "an uncertainty out of nowhere: {row:?}");
            continue;
        };
        let family = number(row, "family_members").map(|members| (members, number(row, "family_risk").unwrap()));
        (all, families) = (all + 1, families + u32::from(family.is_some()));
        let (u, dof, expanded) = combined(&budget, family);
        close(u, number(row, "standard_uncertainty").unwrap(), 1e-12);
        close(expanded, number(row, "expanded_uncertainty").unwrap(), 1e-9);
        match number(row, "effective_dof") {
            Some(stated) => close(dof, stated, 1e-9),
            None => assert!(dof.is_infinite()),
        }
        for part in budget {
            assert_eq!((&part["step"], &part["check"], &part["value"]), (&row["step"], &row["check"], &row["value"]));
            close(number(part, "share_percent").unwrap(), (number(part, "contribution").unwrap() / u).powi(2) * 100.0, 1e-9);
        }
    }
    assert!(of.is_empty(), "budgets of no row: {of:?}");
    (all, families)
}

#[test]
fn the_budgets_table_gives_the_uncertainty_of_every_row() {
    let run = everything();
    let (results, budgets) = (run.table("results.csv"), run.table("budgets.csv"));
    let (_, families) = followed(&results, &budgets);
    assert!(families >= 5, "extremes with their family: {families}");
    let with: std::collections::BTreeSet<&str> = budgets.iter().map(|row| row["quantity"].as_str()).collect();
    for quantity in ["volume", "mean_flow", "delivery_time", "max_flow", "reservoir_error", "max_pressure", "condition_delay", "pressure"] {
        assert!(with.contains(quantity), "no budget of {quantity}: {with:?}");
    }
}

/// Its lines through the readings at rest have limited degrees of freedom.
#[test]
fn what_was_weighed_can_be_followed_too() {
    let arguments = ["scenarios/calibration/gravimetric-bolus.yaml", "--seed", "2", "--bench", "rig/benches/sim-balance.toml"];
    let run = Run::of(&arguments);
    run.outcome.expect(0, &[]);
    let results = run.table("results.csv");
    // The volume, and the two of the dose oracle.
    assert_eq!(followed(&results, &run.table("budgets.csv")), (3, 2));
    let row = results.iter().find(|row| row["channel"] == "balance").unwrap();
    assert!(number(row, "effective_dof").is_some());
    let outcome = explain(&run.folder(), &row["row"]);
    outcome.expect(0, &[]);
    for words in ["student", "⁴/", "(Welch–Satterthwaite)", "guarded, stated by the check", "certificate SIM-BALANCE, common"] {
        assert!(outcome.stdout.contains(words), "`{words}`: {}", outcome.stdout);
    }
}

/// The numbers behind `name = … = NUMBER unit` or in a column of the printed table.
fn first_number(text: &str) -> f64 {
    let word = text.split_whitespace().next().unwrap();
    word.parse().unwrap_or_else(|_| panic!("`{word}` is no number"))
}

/// With a pocket calculator, from nothing but what is printed: six figures in, five out.
#[test]
fn what_is_printed_can_be_followed() {
    let run = everything();
    let results = run.table("results.csv");
    let mut followed = 0;
    for row in &results {
        let outcome = explain(&run.folder(), &row["row"]);
        outcome.expect(0, &[]);
        let text = outcome.stdout;
        assert!(text.contains(&row["check"]) && text.contains(&row["reason"]), "{text}");
        let Some((_, budget)) = text.split_once("Budget of ") else {
            assert!(text.contains("\nNo budget: "), "{text}");
            continue;
        };
        followed += 1;
        let lines: Vec<&str> = budget.lines().collect();
        let head = lines[2];
        // Columns are as wide as their widest cell, counted in characters.
        let column = head.split("contribution").next().unwrap().chars().count();
        let cell = |line: &str| first_number(&line.chars().skip(column).collect::<String>());
        let parts: Vec<f64> = lines[3..].iter().take_while(|line| !line.is_empty()).map(|line| cell(line)).collect();
        let u: f64 = parts.iter().map(|part| part * part).sum::<f64>().sqrt();
        close(u, number(row, "standard_uncertainty").unwrap(), 1e-5);
        let shown = |start: &str| lines.iter().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("no {start}: {text}"));
        close(first_number(shown("u = ").rsplit_once("= ").unwrap().1), u, 1e-5);
        let expanded = shown("U = ").split(';').next().unwrap().rsplit_once("= ").unwrap().1;
        close(first_number(expanded), number(row, "expanded_uncertainty").unwrap(), 1e-5);
    }
    assert!(followed > 12, "{followed}");
}

#[test]
fn a_check_is_found_by_number_place_step_or_text() {
    let run = everything();
    let folder = run.folder();
    let results = run.table("results.csv");
    let one = results.iter().find(|row| row["check"].starts_with("delivery time")).unwrap();
    for name in [&one["row"], &one["step"], &format!("EXPLAIN-01:{}", one["step"]), "Delivery TIME of"] {
        let outcome = explain(&folder, name);
        outcome.expect(0, &[]);
        assert!(outcome.stdout.starts_with(&format!("EXPLAIN-01 {}, row {}\n", one["step"], one["row"])), "{name}: {}", outcome.stdout);
    }
    // Both extremes of the rolling windows are rows of one step.
    let step = results.iter().find(|row| row["statistic"] == "minimum-of-windows").unwrap()["step"].clone();
    let outcome = explain(&folder, &step);
    outcome.expect(2, &["may be each of these", "(maximum-of-windows)", "(minimum-of-windows)"]);
    assert_eq!(outcome.stdout, "");
    for (check, words) in [("steps.99", "no check"), ("999", "no check"), ("EXPLAIN-02:steps.4", "no check"), ("", "no check")] {
        explain(&folder, check).expect(2, &[words, &format!("{} rows", results.len())]);
    }
    explain(&folder.join("none"), "1").expect(2, &["there is no journal.jsonl"]);
}

#[test]
fn rules_and_who_stated_them_are_told() {
    let run = everything();
    for (check, words) in [
        (
            "mean flow of `run` is 1000 µL/h",
            &["simple, stated by the check", "guard band   none: PASS within the limits, otherwise FAIL"][..],
        ),
        ("watch.2", &["guarded, stated by the check", "w = 0.5·U", "extreme of "]),
        (
            "volume of `run` is",
            &["three-way, stated by nobody: the default", "acceptance", "conformity   p = ", "TUR", "K-factor dominates"],
        ),
        ("alarm occlusion is active", &["No budget: what the pump says is compared as it is"]),
        ("strokes of", &["No budget: the value is known for certain"]),
    ] {
        let outcome = explain(&run.folder(), check);
        outcome.expect(0, &[]);
        for words in words {
            assert!(outcome.stdout.contains(words), "`{words}`: {}", outcome.stdout);
        }
    }
}

#[test]
fn machines_get_the_same_in_one_object() {
    let run = everything();
    let results = run.table("results.csv");
    for row in &results {
        let outcome = Outcome::of(rig(["explain", "--json"]).arg(run.folder()).arg(&row["row"]));
        outcome.expect(0, &[]);
        let object: Value = serde_json::from_str(&outcome.stdout).unwrap();
        assert_eq!((&object["check"]["step"], &object["agrees"]), (&Value::from(row["step"].as_str()), &Value::from(true)));
        assert_eq!(object["check"]["budget"].is_null(), object["components"].as_array().unwrap().is_empty());
        assert_eq!(object["no_budget_because"].is_null(), object["combined"].is_object());
        if object["combined"].is_object() {
            assert_eq!(object["combined"]["expanded_uncertainty"].as_f64(), number(row, "expanded_uncertainty"));
        }
    }
}

/// A run of which the K-factors' uncertainty is not stated, and its rows.
fn unstated() -> Run {
    let bench = fs::read_to_string(project().join("rig/benches/sim.toml")).unwrap().replace("k_uncertainty = \"1 %\"\n", "");
    let dir = tempfile::tempdir().unwrap();
    let bench = write(dir.path(), "bench.toml", bench);
    Run::with(dir, &["scenarios/smoke", "--seed", "7", "--bench", bench.to_str().unwrap()])
}

#[test]
fn what_nobody_states_is_not_zero() {
    let run = unstated();
    run.outcome.expect(3, &[]);
    let results = run.table("results.csv");
    let row = results.iter().find(|row| row["reason_code"] == "uncertainty_missing").expect("a row without uncertainty");
    assert_eq!((row["verdict"].as_str(), row["unstated"].as_str(), row["standard_uncertainty"].as_str()), ("INCONCLUSIVE", "K-factor", ""));
    let budgets = run.table("budgets.csv");
    let of_row: Vec<&Row> = budgets.iter().filter(|part| part["row"] == row["row"]).collect();
    let k = of_row.iter().find(|part| part["component"] == "K-factor").unwrap();
    assert_eq!((k["stated"].as_str(), k["standard_uncertainty"].as_str(), k["contribution"].as_str()), ("false", "", ""));
    assert!(of_row.iter().all(|part| part["share_percent"].is_empty()), "no share of what is not known");
    let outcome = explain(&run.folder(), &row["row"]);
    outcome.expect(0, &[]);
    for words in
        ["not stated", "uncertainty  not known: nobody states that of K-factor", "u is not known", "warning: flow.tip: nobody states"]
    {
        assert!(outcome.stdout.contains(words), "`{words}`: {}", outcome.stdout);
    }
}

#[test]
fn the_journal_is_read_strictly() {
    let run = everything();
    let folder = run.folder();
    let row = run.table("results.csv").into_iter().find(|row| row["check"].starts_with("volume of `run` is")).unwrap()["row"].clone();
    let whole = journal(&folder);
    let with = |text: &str| {
        fs::write(folder.join("journal.jsonl"), text).unwrap();
        explain(&folder, &row)
    };
    // Whoever makes the uncertainty smaller has to do it in two places.
    let halved = whole.replacen(
        r#""name":"K-factor","estimate":10.0,"unit":"pulses/µL","distribution":"normal","standard_uncertainty":0.05"#,
        r#""name":"K-factor","estimate":10.0,"unit":"pulses/µL","distribution":"normal","standard_uncertainty":0.025"#,
        99,
    );
    assert_ne!(halved, whole);
    with(&halved).expect(4, &["the chain is broken"]);
    let outcome = with(&chained_anew(&halved));
    outcome.expect(4, &[]);
    assert!(outcome.stdout.contains("THE ROW SAYS SOMETHING ELSE: u = "), "{}", outcome.stdout);

    let outcome = with(&whole.replacen(r#""kind":"check""#, r#""kind":"chick""#, 1));
    outcome.expect(4, &["line ", "journal.jsonl"]);
    assert_eq!(outcome.stdout, "");

    let cut = &whole[..whole.rfind("{\"v\":2").unwrap()];
    let outcome = with(cut);
    outcome.expect(0, &["the journal is cut off"]);
    assert!(outcome.stdout.contains("Budget of"));

    // As a journal from before budgets were kept has it.
    let budgetless: String = whole.lines().map(|line| without_budget(line) + "\n").collect();
    let outcome = with(&chained_anew(&budgetless));
    outcome.expect(0, &[]);
    assert!(outcome.stdout.contains("No budget: the record has none"), "{}", outcome.stdout);
    Outcome::of(rig(["report"]).arg(&folder).arg("--out").arg(run.dir.path().join("old")));
    assert!(table(&run.dir.path().join("old/budgets.csv")).is_empty());
}

fn without_budget(line: &str) -> String {
    match line.split_once(r#","budget":["#) {
        Some((before, after)) => format!("{before}{}", after.split_once(']').unwrap().1),
        None => line.to_owned(),
    }
}
