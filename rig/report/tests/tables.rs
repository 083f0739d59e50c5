//! The CSV files as a reader sees them who knows only RFC 4180 and `datapackage.json`.
#![allow(clippy::unwrap_used)]

mod common;

use common::{check, event, fact, header, report, row, rows, small_run};
use proptest::prelude::*;
use rig_model::fact::Body;
use rig_model::verdict::{CheckRow, Verdict};
use rig_report::{BUDGETS, CURVES, Column, DELIVERY, EVENTS, End, FIGURES, RESULTS, SCENARIOS};

/// As published; columns are only ever added at the end, with a new schema version.
const PUBLISHED: &str = "schema_version, run_id, row, started_utc, bench, simulated, evidence, scenario, scenario_sha256, case, attempt, step, check, \
     requirements, hazards, quantity, channel, nominal, value, value_text, unit, error_percent, n, statistic, window_s, standard_uncertainty, \
     effective_dof, coverage_factor, expanded_uncertainty, lower_limit, upper_limit, decision_rule, acceptance_lower, acceptance_upper, \
     probability_of_conformity, verdict, condition, reason_code, reason, certificates, started_s, ended_s, seed, dut_model, dut_serial, \
     firmware_version, firmware_sha256, operator, guard_factor, rule_stated_by, family_members, family_risk, test_uncertainty_ratio, \
     unstated, warnings, not_evidence";

#[test]
fn the_columns_are_those_that_were_published() {
    assert_eq!(RESULTS.iter().map(|column| column.name).collect::<Vec<_>>().join(", "), PUBLISHED);
}

const TABLES: [(&str, &[Column]); 7] = [
    ("results.csv", RESULTS),
    ("scenarios.csv", SCENARIOS),
    ("delivery.csv", DELIVERY),
    ("events.csv", EVENTS),
    ("budgets.csv", BUDGETS),
    ("curves.csv", CURVES),
    ("figures.csv", FIGURES),
];

#[test]
fn every_cell_is_of_its_columns_type_and_the_package_says_so() {
    let (folder, _) = report(&small_run(), End::Complete);
    let package: serde_json::Value = serde_json::from_str(&folder.text("datapackage.json")).unwrap();
    for (number, (name, columns)) in TABLES.into_iter().enumerate() {
        let resource = &package["resources"][number];
        assert_eq!(resource["path"], name);
        let fields = resource["schema"]["fields"].as_array().unwrap();
        let text = folder.text(name);
        assert!(text.ends_with("\r\n"), "RFC 4180 ends lines with CR LF");
        let rows = rows(&text);
        assert!(!rows.is_empty(), "{name}");
        assert_eq!(fields.len(), columns.len());
        for (field, column) in fields.iter().zip(columns) {
            assert_eq!(field["name"], column.name);
            for row in &rows {
                let cell = &row[column.name];
                let good = match field["type"].as_str().unwrap() {
                    "number" => cell.is_empty() || cell.parse::<f64>().is_ok_and(f64::is_finite) && !cell.contains(['e', 'E']),
                    "integer" => cell.is_empty() || cell.parse::<u64>().is_ok(),
                    "boolean" => cell == "true" || cell == "false",
                    "datetime" => cell.len() == 20 && cell.ends_with('Z'),
                    _ => !cell.starts_with(['=', '+', '-', '@', '\t', '\r']),
                };
                assert!(good, "{name}: `{cell}` in {}", column.name);
            }
        }
    }
}

#[test]
fn nothing_simulated_is_evidence() {
    let (folder, _) = report(&small_run(), End::Complete);
    for (name, _) in TABLES {
        for row in rows(&folder.text(name)) {
            assert_eq!(row["evidence"], "false", "{name}");
            assert!(row.get("simulated").is_none_or(|simulated| simulated == "true"), "{name}");
            let why = "something of the bench was simulated";
            assert!(row.get("not_evidence").is_none_or(|reasons| reasons == why), "{name}");
        }
    }
}

#[test]
fn the_error_needs_a_nominal_value_that_is_not_zero() {
    for (nominal, value, expected) in [
        (Some(200.0), Some(201.0), "0.5"),
        (Some(-2.0), Some(-2.0), "0"),
        (Some(0.0), Some(1.0), ""),
        (None, Some(1.0), ""),
        (Some(1.0), None, ""),
    ] {
        let row = CheckRow { nominal, value, ..row("steps.1", Verdict::Pass, 0.0) };
        let (folder, _) = report(&[check(0, row)], End::Cut);
        assert_eq!(rows(&folder.text("results.csv"))[0]["error_percent"], expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any text comes back as it was, but for the quote before a formula.
    #[test]
    fn any_text_survives_its_cell(text in any::<String>(), operator in "[=+@\\-\t\r]?[a-z\",\r\n]{0,8}") {
        let awkward = CheckRow { check: text.clone(), reason: operator.clone(), ..row("steps.1", Verdict::Pass, 1.0) };
        let facts = [
            fact(0, Body::Header(Box::new(header()))),
            event(0, common::case_started("A-01", &text, 1)),
            check(1, awkward),
        ];
        let (folder, finished) = report(&facts, End::Cut);
        prop_assert!(finished.errors.is_empty());
        let rows = rows(&folder.text("results.csv"));
        prop_assert_eq!(rows.len(), 1);
        for (cell, text) in [(&rows[0]["check"], &text), (&rows[0]["case"], &text), (&rows[0]["reason"], &operator)] {
            let expected = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.clone() };
            prop_assert_eq!(cell, &expected);
        }
    }
}

#[test]
fn the_page_describes_every_column() {
    let page = include_str!("../../docs/record.md");
    for column in RESULTS.iter().chain(SCENARIOS).chain(DELIVERY).chain(EVENTS).chain(BUDGETS) {
        let unit = match column.unit {
            Some("as column unit") => "`unit`",
            Some("as column component_unit") => "`component_unit`",
            Some(unit) => unit,
            None => "",
        };
        let line = format!("| `{}` | {} | {unit} | {} |\n", column.name, column.kind.name(), column.description);
        assert!(page.contains(&line), "rig/docs/record.md lacks {line}");
    }
}
