//! `pool.csv`: deliveries of several runs taken together, by unit and all of them.
//!
//! No view of a run: it is made of many. What it says is computed by `rig-metrology`; here it becomes a table.

use std::io::Write;

use serde::Serialize;

use crate::columns::{Column, Kind};
use crate::table::Table;
use crate::view::ViewError;

/// Version of the table; columns are only ever added at the end, with a new version.
pub const POOL_VERSION: u64 = 1;

/// One row: the values of one check, of one unit or of all.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct PoolRow {
    /// `unit` or `together`.
    pub scope: &'static str,
    pub scenario: String,
    pub scenario_sha256: String,
    pub case: String,
    pub step: String,
    pub check: String,
    pub quantity: String,
    pub statistic: String,
    pub channel: String,
    pub unit: String,
    /// Empty in a row of all units.
    pub dut_model: String,
    pub dut_serial: String,
    pub units: u64,
    pub n: u64,
    pub nominal: Option<f64>,
    pub mean: Option<f64>,
    pub sd: Option<f64>,
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub error_percent: Option<f64>,
    pub between_sd: Option<f64>,
    pub within_sd: Option<f64>,
    pub coverage: f64,
    pub confidence: f64,
    pub tolerance_factor: Option<f64>,
    pub tolerance_lower: Option<f64>,
    pub tolerance_upper: Option<f64>,
    pub common_uncertainty: Option<f64>,
    pub lower_limit: Option<f64>,
    pub upper_limit: Option<f64>,
    /// `within`, `undecided`, `beyond`, or empty.
    pub standing: &'static str,
    /// Values that were judged FAIL; they are in the figures.
    pub fail: u64,
    pub left_out: u64,
    pub left_out_why: String,
    pub firmware_sha256: String,
    pub certificates: String,
    pub simulated: bool,
    pub evidence: bool,
}

const fn column(name: &'static str, kind: Kind, unit: Option<&'static str>, description: &'static str) -> Column {
    Column { name, kind, unit, description }
}

const AS_UNIT: Option<&str> = Some("as column unit");

pub const POOL: &[Column] = &[
    column("schema_version", Kind::Integer, None, "version of this table"),
    column("scope", Kind::String, None, "unit: the deliveries of one DUT; together: those of all"),
    column("scenario", Kind::String, None, "identifier of the scenario"),
    column("scenario_sha256", Kind::String, None, "SHA-256 of the scenario file, the same in all runs"),
    column("case", Kind::String, None, "assignment of the scenario's matrix; empty where it has none, or where cases are pooled"),
    column("step", Kind::String, None, "where in the scenario the check stands"),
    column("check", Kind::String, None, "the check as a person would say it"),
    column("quantity", Kind::String, None, "name of the measured quantity"),
    column("statistic", Kind::String, None, "which statistic each value is"),
    column("channel", Kind::String, None, "channel that measured it"),
    column("unit", Kind::String, None, "unit of all values, limits and deviations of the row"),
    column("dut_model", Kind::String, None, "model of the DUT; empty in a row of all"),
    column("dut_serial", Kind::String, None, "serial number of the DUT; empty in a row of all"),
    column("units", Kind::Integer, None, "number of DUTs"),
    column("n", Kind::Integer, None, "number of values"),
    column("nominal", Kind::Number, AS_UNIT, "the value that was asked for; empty where there is none or it was not always the same"),
    column("mean", Kind::Number, AS_UNIT, "mean; of all units the mean of their means"),
    column(
        "sd",
        Kind::Number,
        AS_UNIT,
        "standard deviation; of all units that of one delivery of a random unit; empty where there is none",
    ),
    column("min", Kind::Number, AS_UNIT, "least value"),
    column("max", Kind::Number, AS_UNIT, "greatest value"),
    column("error_percent", Kind::Number, Some("%"), "(mean - nominal) / nominal * 100"),
    column("between_sd", Kind::Number, AS_UNIT, "standard deviation from unit to unit; empty where it can't be told apart"),
    column("within_sd", Kind::Number, AS_UNIT, "standard deviation of a unit about its own mean; empty where it can't be told apart"),
    column("coverage", Kind::Number, None, "share of all deliveries that the tolerance interval holds, 0 to 1"),
    column("confidence", Kind::Number, None, "confidence with which it does, 0 to 1"),
    column("tolerance_factor", Kind::Number, None, "half the interval's width over sd"),
    column("tolerance_lower", Kind::Number, AS_UNIT, "lower end of the two-sided tolerance interval; empty where there is none"),
    column("tolerance_upper", Kind::Number, AS_UNIT, "upper end of it"),
    column(
        "common_uncertainty",
        Kind::Number,
        AS_UNIT,
        "expanded uncertainty (k = 2) that the deliveries of a bench share; not reduced by n",
    ),
    column("lower_limit", Kind::Number, AS_UNIT, "lower tolerance limit of the check, inclusive"),
    column("upper_limit", Kind::Number, AS_UNIT, "upper tolerance limit of the check, inclusive"),
    column("standing", Kind::String, None, "within, undecided or beyond: the tolerance interval against the limits"),
    column("fail", Kind::Integer, None, "number of values that were judged FAIL; they are in the figures"),
    column("left_out", Kind::Integer, None, "number of rows that have no whole value and are in no figure"),
    column("left_out_why", Kind::String, None, "their verdicts and reasons, with numbers"),
    column("firmware_sha256", Kind::String, None, "build hash of the firmware; several, separated by semicolons, where that was allowed"),
    column("certificates", Kind::String, None, "calibration certificates that the values rest on, separated by semicolons"),
    column("simulated", Kind::Boolean, None, "whether any part of any of the benches was simulated"),
    column("evidence", Kind::Boolean, None, "whether all runs may be used as evidence; never for anything simulated"),
];

/// Writes the table.
pub fn pool_csv(out: impl Write, rows: &[PoolRow]) -> Result<(), ViewError> {
    let mut table = Table::new(out, POOL)?;
    for r in rows {
        let row = table.row().integer(POOL_VERSION)?.text(r.scope)?.text(&r.scenario)?.text(&r.scenario_sha256)?.text(&r.case)?;
        let row = row.text(&r.step)?.text(&r.check)?.text(&r.quantity)?.text(&r.statistic)?.text(&r.channel)?.text(&r.unit)?;
        let row = row.text(&r.dut_model)?.text(&r.dut_serial)?.integer(r.units)?.integer(r.n)?;
        let row = row.number(r.nominal)?.number(r.mean)?.number(r.sd)?.number(r.min)?.number(r.max)?.number(r.error_percent)?;
        let row = row.number(r.between_sd)?.number(r.within_sd)?.number(r.coverage)?.number(r.confidence)?;
        let row = row.number(r.tolerance_factor)?.number(r.tolerance_lower)?.number(r.tolerance_upper)?;
        let row = row.number(r.common_uncertainty)?.number(r.lower_limit)?.number(r.upper_limit)?.text(r.standing)?;
        let row = row.integer(r.fail)?.integer(r.left_out)?.text(&r.left_out_why)?;
        let row = row.text(&r.firmware_sha256)?.text(&r.certificates)?;
        row.boolean(r.simulated)?.boolean(r.evidence)?.end()?;
    }
    table.finish().map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_a_cell_for_each_column_and_no_formula() {
        let mut out = Vec::new();
        let row = PoolRow { scope: "unit", check: "=1+1".into(), mean: Some(-0.5), ..PoolRow::default() };
        pool_csv(&mut out, &[row]).unwrap();
        let text = String::from_utf8(out).unwrap();
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        assert_eq!(reader.headers().unwrap().len(), POOL.len());
        let row = reader.records().next().unwrap().unwrap();
        assert_eq!((&row[6], &row[16]), ("'=1+1", "-0.5"));
    }

    #[test]
    fn the_page_describes_every_column() {
        let page = include_str!("../../docs/pool.md");
        for column in POOL {
            assert!(page.contains(&format!("| `{}` | {} |", column.name, column.description)), "{}", column.name);
        }
    }
}
