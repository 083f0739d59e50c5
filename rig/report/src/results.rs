//! `results.csv`: one row per check.

use std::io::Write;

use rig_model::event::Event;
use rig_model::fact::{Body, Fact};
use rig_model::verdict::{CheckRow, Condition};

use crate::budgets::unstated;
use crate::columns::{RESULTS, SCHEMA_VERSION};
use crate::context::Context;
use crate::hashing::Digest;
use crate::table::Table;
use crate::view::{Closing, View, ViewError};

#[derive(Debug)]
pub struct ResultsCsv<W: Write> {
    table: Table<W>,
    context: Context,
}

impl<W: Write> ResultsCsv<W> {
    pub const NAME: &'static str = "results.csv";

    pub fn new(out: W) -> Result<Self, ViewError> {
        Ok(Self { table: Table::new(out, RESULTS)?, context: Context::default() })
    }

    fn row(&mut self, check: &CheckRow) -> Result<(), ViewError> {
        let Context { run, dut, case, checks, .. } = &self.context;
        let case = case.as_ref().map(|case| &case.info);
        let row = self.table.row().integer(SCHEMA_VERSION)?.text(&run.id)?.integer(checks.total())?;
        let row = row.text(&run.started_utc)?.text(&run.bench)?.boolean(run.simulated)?.boolean(run.evidence)?;
        let row = match case {
            Some(case) => row.text(&case.scenario)?.text(&case.scenario_sha256)?.text(&case.case)?.integer(u64::from(case.attempt))?,
            None => row.text("")?.text("")?.text("")?.text("")?,
        };
        let row = row.text(&check.step)?.text(&check.check)?.names(&check.requirements)?;
        let row = row.names(case.map_or(&[], |case| &case.hazards))?;
        let row = row.text(&check.quantity)?.text(check.channel.as_deref().unwrap_or_default())?;
        let row = row.number(check.nominal)?.number(check.value)?.text(check.value_text.as_deref().unwrap_or_default())?;
        let row = row.text(&check.unit)?.number(error_percent(check))?.integer(check.n)?.text(&check.statistic)?;
        let row = row.number(check.window_s)?.number(check.standard_uncertainty)?.number(check.effective_dof)?;
        let row = row.number(check.coverage_factor)?.number(check.expanded_uncertainty)?;
        let row = row.number(check.limits.lower)?.number(check.limits.upper)?.text(check.rule.name())?;
        let row = row.number(check.acceptance.lower)?.number(check.acceptance.upper)?.number(check.probability_of_conformity)?;
        let row = row.text(check.verdict.name())?.text(check.condition.map_or("", condition))?;
        let row = row.text(&reason_code(check)?)?.text(&check.reason)?.names(&check.certificates)?;
        let row = row.time(check.started)?.time(check.ended)?.integer(run.seed)?;
        let row = match dut {
            Some(dut) => row.text(&dut.model)?.text(&dut.serial)?.text(&dut.firmware_version)?.text(&dut.firmware_hash)?,
            None => row.text("")?.text("")?.text("")?.text("")?,
        };
        let row = row.text(&run.operator)?.number(check.guard_factor)?.text(check.rule_stated_by.name())?;
        let row = row.integer(check.family.map(|family| family.members))?.number(check.family.map(|family| family.risk))?;
        let row = row.number(check.test_uncertainty_ratio)?.text(&unstated(&check.budget).join(";"))?;
        row.text(&run.all_warnings())?.text(&run.marks())?.end()
    }
}

impl<W: Write + std::fmt::Debug + Send> View for ResultsCsv<W> {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn take(&mut self, _seq: u64, fact: &Fact) -> Result<(), ViewError> {
        let closed = self.context.take(fact);
        if let Body::Event(Event::Check(check)) = &fact.body {
            self.row(check)?;
        }
        // What was judged should be on the disk before the next case may take the machine down.
        if closed.is_some() { self.table.flush() } else { Ok(()) }
    }

    fn finish(&mut self, _closing: Closing) -> Result<Digest, ViewError> {
        self.table.finish()
    }
}

/// Where there is a nominal value to be off from.
fn error_percent(check: &CheckRow) -> Option<f64> {
    let (value, nominal) = (check.value?, check.nominal?);
    (nominal != 0.0).then(|| (value - nominal) / nominal * 100.0)
}

fn condition(condition: Condition) -> &'static str {
    match condition {
        Condition::Within => "within",
        Condition::Beyond => "beyond",
    }
}

/// The word of the published vocabulary, which is the one that the journal uses.
fn reason_code(check: &CheckRow) -> Result<String, ViewError> {
    let quoted = serde_json::to_string(&check.reason_code)?;
    Ok(quoted.trim_matches('"').to_owned())
}
