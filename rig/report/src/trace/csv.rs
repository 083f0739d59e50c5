//! `trace.csv`: one row for each requirement and check that verifies it.

use std::io::Write;

use rig_model::Name;
use rig_model::requirement::Requirement;

use super::deviation::RowDeviation;
use super::gather::Seen;
use super::link::Link;
use super::matrix::{Matrix, Traced};
use crate::columns::{Column, Kind};
use crate::table::{Row, Table};
use crate::view::ViewError;

/// Version of the table; columns are only ever added at the end, with a new version.
pub const TRACE_VERSION: u64 = 1;

const fn column(name: &'static str, kind: Kind, description: &'static str) -> Column {
    Column { name, kind, unit: None, description }
}

pub const TRACE: &[Column] = &[
    column("schema_version", Kind::Integer, "version of this table"),
    column("requirement", Kind::String, "id of the requirement; empty for a check that verifies none"),
    column("text", Kind::String, "its text, as it is today"),
    column("source", Kind::String, "items of the catalogues that it is written from, separated by semicolons"),
    column("hazards", Kind::String, "hazards that it controls, separated by semicolons"),
    column("class", Kind::String, "what it is about"),
    column("verification", Kind::String, "test, planned, review, analysis or absent"),
    column("verification_why", Kind::String, "why it is not verified by test"),
    column(
        "requirement_status",
        Kind::String,
        "fail, not_shown, not_run, stale, suspect or pass: the worst of its checks; uncovered, planned, review, analysis or absent without a check",
    ),
    column("scenario", Kind::String, "identifier of the scenario; empty where no check verifies the requirement"),
    column("file", Kind::String, "the scenario's file"),
    column("case", Kind::String, "assignment of the scenario's matrix; empty where it has none"),
    column("step", Kind::String, "where in the scenario the check stands"),
    column("check", Kind::String, "the check as a person would say it, as it is today"),
    column("status", Kind::String, "fail, not_shown, not_run, stale, suspect or pass"),
    column("verdict", Kind::String, "the verdict that counts: of a run that is evidence before any other, and then the latest"),
    column("reason", Kind::String, "why, for people"),
    column("run_id", Kind::String, "the run that it is of"),
    column("folder", Kind::String, "its folder"),
    column("row", Kind::Integer, "number of the row in that run's results.csv"),
    column("started_utc", Kind::Datetime, "start of that run, ISO 8601, UTC"),
    column("bench", Kind::String, "its bench"),
    column("simulated", Kind::Boolean, "whether any part of that bench was simulated"),
    column("evidence", Kind::Boolean, "whether that run is evidence; never for anything simulated"),
    column("firmware_version", Kind::String, "firmware version that the board told in that run"),
    column("firmware_sha256", Kind::String, "build hash that it told"),
    column("dut_model", Kind::String, "model that it told"),
    column("dut_serial", Kind::String, "serial number that it told"),
    column("runs", Kind::Integer, "in how many runs the check was judged on that firmware"),
    column("latest_verdict", Kind::String, "the latest verdict on that firmware, evidence or not"),
    column("latest_run_id", Kind::String, "the run that it is of"),
    column("worst_verdict", Kind::String, "the worst verdict on that firmware; a later PASS does not hide it"),
    column("worst_run_id", Kind::String, "the run that it is of"),
    column("worst_row", Kind::Integer, "number of the row in that run's results.csv"),
    column("suspicions", Kind::String, "what has changed since the verdict, separated by semicolons"),
    column(
        "deviations",
        Kind::String,
        "problem reports that were signed to these rows, each with its disposition, separated by semicolons",
    ),
];

/// Writes the table: requirement by requirement, and then the checks that verify none.
pub fn trace_csv(out: impl Write, matrix: &Matrix) -> Result<(), ViewError> {
    let mut table = Table::new(out, TRACE)?;
    for traced in &matrix.requirements {
        if traced.links.is_empty() {
            let row = of_requirement(table.row(), Some(traced))?;
            of_link(row, None)?.end()?;
        }
        for link in &traced.links {
            let row = of_requirement(table.row(), Some(traced))?;
            of_link(row, Some(link))?.end()?;
        }
    }
    for link in &matrix.untraced {
        let row = of_requirement(table.row(), None)?;
        of_link(row, Some(link))?.end()?;
    }
    table.finish().map(|_| ())
}

fn of_requirement<'t, W: Write>(row: Row<'t, W>, traced: Option<&Traced>) -> Result<Row<'t, W>, ViewError> {
    let row = row.integer(TRACE_VERSION)?;
    let Some(traced) = traced else {
        return (0..8).try_fold(row, |row, _| row.text(""));
    };
    let Requirement { id, text, source, hazards, class, verification, why, .. } = &traced.requirement;
    let row = row.text(id)?.text(text)?.text(source)?.names(hazards)?.text(class)?;
    row.text(verification.name())?.text(why)?.text(traced.word())
}

fn of_link<'t, W: Write>(row: Row<'t, W>, link: Option<&Link>) -> Result<Row<'t, W>, ViewError> {
    let Some(link) = link else {
        return (0..27).try_fold(row, |row, _| row.text(""));
    };
    let key = &link.check.key;
    let row = row.text(&key.scenario)?.text(&link.check.file)?.text(&key.case)?.text(&key.step)?.text(&link.check.text)?;
    let row = row.text(link.status.name())?;
    let row = match &link.counted {
        Some(seen) => of_seen(row, seen)?.integer(link.runs)?,
        None => (0..14).try_fold(row, |row, _| row.text(""))?,
    };
    let (latest, worst) = (link.latest.as_ref().or(link.counted.as_ref()), link.worst.as_ref().or(link.counted.as_ref()));
    let row = row.text(latest.map_or("", |seen| seen.verdict.name()))?.text(latest.map_or("", |seen| &seen.run.run_id))?;
    let row = row.text(worst.map_or("", |seen| seen.verdict.name()))?.text(worst.map_or("", |seen| &seen.run.run_id))?;
    let deviations: Vec<String> = link.deviations().into_iter().map(RowDeviation::words).collect();
    row.integer(worst.map(|seen| seen.row))?.text(&link.suspicions.join("; "))?.text(&deviations.join("; "))
}

fn of_seen<'t, W: Write>(row: Row<'t, W>, seen: &Seen) -> Result<Row<'t, W>, ViewError> {
    let run = &seen.run;
    let row = row.text(seen.verdict.name())?.text(&seen.reason)?.text(&run.run_id)?.text(&run.folder)?.integer(seen.row)?;
    let row = row.text(&run.started_utc)?.text(&run.bench)?.boolean(run.simulated)?.boolean(run.evidence)?;
    let row = row.text(&seen.firmware.version)?.text(&seen.firmware.hash)?;
    row.text(&seen.dut_model)?.text(&seen.dut_serial)
}

/// Several ids in a sentence.
pub(super) fn names(names: &[Name]) -> String {
    names.iter().map(|name| &**name).collect::<Vec<_>>().join(", ")
}
