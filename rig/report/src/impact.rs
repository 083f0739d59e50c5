//! `impact.csv`: every row whose value rests on a certificate, directly or through a reference; what an out-of-tolerance finding puts in doubt.
//!
//! No view of a run: it is made of many.

use std::collections::BTreeMap;
use std::io::Write;

use rig_model::Name;
use rig_model::bench::Bench;
use rig_model::event::Event;
use rig_model::fact::{Body, Fact};
use rig_model::verdict::{CheckRow, Verdict};

use crate::columns::{Column, Kind};
use crate::context::Context;
use crate::hashing::Digest;
use crate::table::Table;
use crate::view::ViewError;

/// Version of the table; columns are only ever added at the end, with a new version.
pub const IMPACT_VERSION: u64 = 1;

const fn column(name: &'static str, kind: Kind, unit: Option<&'static str>, description: &'static str) -> Column {
    Column { name, kind, unit, description }
}

const AS_UNIT: Option<&str> = Some("as column unit");

pub const IMPACT: &[Column] = &[
    column("schema_version", Kind::Integer, None, "version of this table"),
    column("certificate", Kind::String, None, "the certificate that is in doubt"),
    column(
        "through",
        Kind::String,
        None,
        "certificates by which the value rests on it, separated by semicolons; the certificate itself where it does directly",
    ),
    column("run_id", Kind::String, None, "the run"),
    column("folder", Kind::String, None, "its folder"),
    column("row", Kind::Integer, None, "number of the row in its results.csv"),
    column("started_utc", Kind::Datetime, None, "start of the run, ISO 8601, UTC"),
    column("bench", Kind::String, None, "name of the bench"),
    column("simulated", Kind::Boolean, None, "whether any part of the bench was simulated"),
    column("evidence", Kind::Boolean, None, "whether the run may be used as evidence"),
    column("scenario", Kind::String, None, "identifier of the scenario"),
    column("case", Kind::String, None, "assignment of the scenario's matrix; empty where it has none"),
    column("attempt", Kind::Integer, None, "which attempt at the case, from 1"),
    column("step", Kind::String, None, "where in the scenario the check stands"),
    column("check", Kind::String, None, "the check as a person would say it"),
    column("requirements", Kind::String, None, "requirements that the check verifies, separated by semicolons"),
    column("quantity", Kind::String, None, "name of the measured quantity"),
    column("channel", Kind::String, None, "channel that measured it"),
    column("value", Kind::Number, AS_UNIT, "the measured value, unrounded"),
    column("unit", Kind::String, None, "unit of value, uncertainty and limits"),
    column("expanded_uncertainty", Kind::Number, AS_UNIT, "expanded uncertainty of the value as it was stated then"),
    column("lower_limit", Kind::Number, AS_UNIT, "lower tolerance limit, inclusive"),
    column("upper_limit", Kind::Number, AS_UNIT, "upper tolerance limit, inclusive"),
    column("verdict", Kind::String, None, "the verdict that is in doubt"),
    column("firmware_version", Kind::String, None, "firmware version, as read back from the board"),
    column("firmware_sha256", Kind::String, None, "build hash, as read back from the board"),
    column("dut_model", Kind::String, None, "model, as read back from the board"),
    column("dut_serial", Kind::String, None, "serial number, as read back from the board"),
    column(
        "deviations",
        Kind::String,
        None,
        "problem reports that were signed to the row, each with its disposition, separated by semicolons",
    ),
];

/// A row in doubt, with all that its row in `results.csv` needs to be found.
#[derive(Debug, Clone, PartialEq)]
pub struct InDoubt {
    pub run_id: String,
    pub started_utc: String,
    pub bench: String,
    pub simulated: bool,
    pub evidence: bool,
    pub row: u64,
    pub scenario: String,
    pub case: String,
    pub attempt: u32,
    pub dut_model: String,
    pub dut_serial: String,
    pub firmware_version: String,
    pub firmware_hash: String,
    /// Certificates by which it rests on the one in question.
    pub through: Vec<Name>,
    /// Problem reports that were signed to it, each with its disposition; empty until whoever reads the statements fills it.
    pub deviations: Vec<String>,
    /// Without its budget.
    pub check: Box<CheckRow>,
}

/// Takes the facts of one run and says which of its rows are in doubt.
#[derive(Debug)]
pub struct Impact {
    context: Context,
    /// The certificate in question and those that rest on it.
    doubted: Vec<Name>,
    found: Vec<InDoubt>,
}

impl Impact {
    /// The kinds of facts that matter; a journal may be read for these only.
    pub const KINDS: &'static [&'static str] = &["case_started", "dut_identified", "check", "case_ended", "not_evidence"];

    /// `bench` is that of the run, which says which certificate had which as its reference; without it only the certificate itself is looked for.
    pub fn new(certificate: &Name, bench: Option<&Bench>) -> Self {
        Self { context: Context::default(), doubted: doubted(certificate, bench), found: Vec::new() }
    }

    pub fn take(&mut self, fact: &Fact) {
        self.context.take(fact);
        if let Body::Event(Event::Check(row)) = &fact.body {
            self.row(row);
        }
    }

    /// All rows of the run that are in doubt, in their order. Whether it is evidence is known at its end only.
    pub fn finish(self) -> Vec<InDoubt> {
        let evidence = self.context.run.evidence;
        self.found.into_iter().map(|found| InDoubt { evidence, ..found }).collect()
    }

    fn row(&mut self, row: &CheckRow) {
        let through: Vec<Name> = self.doubted.iter().filter(|id| rests_on(row, id)).cloned().collect();
        // Only a value, or what was concluded without one, can be in doubt.
        let concluded = row.value.is_some() || matches!(row.verdict, Verdict::Pass | Verdict::Fail);
        if through.is_empty() || !concluded {
            return;
        }
        let Context { run, dut, case, checks, .. } = &self.context;
        let case = case.as_ref().map(|case| &case.info);
        let dut = dut.as_ref();
        self.found.push(InDoubt {
            run_id: run.id.clone(),
            started_utc: run.started_utc.clone(),
            bench: run.bench.clone(),
            simulated: run.simulated,
            evidence: run.evidence,
            row: checks.total(),
            scenario: case.map(|c| c.scenario.clone()).unwrap_or_default(),
            case: case.map(|c| c.case.clone()).unwrap_or_default(),
            attempt: case.map_or(1, |c| c.attempt),
            dut_model: dut.map(|d| d.model.clone()).unwrap_or_default(),
            dut_serial: dut.map(|d| d.serial.clone()).unwrap_or_default(),
            firmware_version: dut.map(|d| d.firmware_version.clone()).unwrap_or_default(),
            firmware_hash: dut.map(|d| d.firmware_hash.clone()).unwrap_or_default(),
            through,
            deviations: Vec::new(),
            check: Box::new(CheckRow { budget: Vec::new(), ..row.clone() }),
        });
    }
}

/// As the row says it, or a part of its budget.
fn rests_on(row: &CheckRow, certificate: &Name) -> bool {
    row.certificates.contains(certificate) || row.budget.iter().any(|part| part.certificate.as_ref() == Some(certificate))
}

/// The certificate, and every certificate of the bench that had it, or one of those, as its reference.
fn doubted(certificate: &Name, bench: Option<&Bench>) -> Vec<Name> {
    let references: BTreeMap<&Name, &Name> = bench
        .into_iter()
        .flat_map(|b| &b.channels)
        .filter_map(|c| c.certificate.as_ref())
        .filter_map(|c| Some((&c.id, &c.reference.as_ref()?.certificate)))
        .collect();
    let mut doubted = vec![certificate.clone()];
    // Each round adds at least one of finitely many, also where two name each other.
    while let Some(next) = references.iter().find(|(id, of)| doubted.contains(of) && !doubted.contains(id)).map(|(id, _)| (*id).clone()) {
        doubted.push(next);
    }
    doubted
}

/// Writes the table row by row.
#[derive(Debug)]
pub struct ImpactCsv<W: Write> {
    table: Table<W>,
    certificate: Name,
}

impl<W: Write> ImpactCsv<W> {
    pub fn new(out: W, certificate: Name) -> Result<Self, ViewError> {
        Ok(Self { table: Table::new(out, IMPACT)?, certificate })
    }

    pub fn row(&mut self, folder: &str, found: &InDoubt) -> Result<(), ViewError> {
        let check = &found.check;
        let row = self.table.row().integer(IMPACT_VERSION)?.text(&self.certificate)?.names(&found.through)?;
        let row = row.text(&found.run_id)?.text(folder)?.integer(found.row)?.text(&found.started_utc)?.text(&found.bench)?;
        let row = row.boolean(found.simulated)?.boolean(found.evidence)?.text(&found.scenario)?.text(&found.case)?;
        let row = row.integer(u64::from(found.attempt))?.text(&check.step)?.text(&check.check)?.names(&check.requirements)?;
        let row = row.text(&check.quantity)?.text(check.channel.as_deref().unwrap_or_default())?;
        let row = row.number(check.value)?.text(&check.unit)?.number(check.expanded_uncertainty)?;
        let row = row.number(check.limits.lower)?.number(check.limits.upper)?.text(check.verdict.name())?;
        let row = row.text(&found.firmware_version)?.text(&found.firmware_hash)?;
        row.text(&found.dut_model)?.text(&found.dut_serial)?.text(&found.deviations.join("; "))?.end()
    }

    pub fn finish(mut self) -> Result<Digest, ViewError> {
        self.table.finish()
    }
}
