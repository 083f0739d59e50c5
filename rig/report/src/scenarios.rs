//! `scenarios.csv`: one row per scenario case.

use std::io::Write;

use rig_model::fact::Fact;
use rig_model::time::RigTime;

use crate::columns::{SCENARIOS, SCHEMA_VERSION};
use crate::context::{ClosedCase, Context};
use crate::hashing::Digest;
use crate::table::Table;
use crate::view::{Closing, View, ViewError};

#[derive(Debug)]
pub struct ScenariosCsv<W: Write> {
    table: Table<W>,
    context: Context,
}

impl<W: Write> ScenariosCsv<W> {
    pub const NAME: &'static str = "scenarios.csv";

    pub fn new(out: W) -> Result<Self, ViewError> {
        Ok(Self { table: Table::new(out, SCENARIOS)?, context: Context::default() })
    }

    fn row(&mut self, closed: &ClosedCase) -> Result<(), ViewError> {
        let Context { run, dut, cases, .. } = &self.context;
        let ClosedCase { case, verdict, counts, reason, ended } = closed;
        let row = self.table.row().integer(SCHEMA_VERSION)?.text(&run.id)?.integer(cases.total())?;
        let row = row.text(&case.info.scenario)?.text(&case.info.scenario_sha256)?.text(&case.info.case)?;
        let row = row.integer(u64::from(case.info.attempt))?.text(&case.info.title)?.text(verdict.name())?.text(reason)?;
        let row = row.integer(counts.total())?.integer(counts.fail)?.integer(counts.error)?.integer(counts.aborted)?;
        let row = row.integer(counts.inconclusive)?.integer(counts.skipped)?.integer(counts.pass)?;
        let duration = RigTime(ended.0.saturating_sub(case.started.0));
        let row = row.time(case.started)?.time(*ended)?.time(duration)?;
        let row = row.text(&run.bench)?.boolean(run.simulated)?.boolean(run.evidence)?.integer(run.seed)?;
        let row = match dut {
            Some(dut) => row.text(&dut.model)?.text(&dut.serial)?.text(&dut.firmware_version)?.text(&dut.firmware_hash)?,
            None => row.text("")?.text("")?.text("")?.text("")?,
        };
        row.text(&run.all_warnings())?.text(&run.marks())?.end()?;
        self.table.flush()
    }
}

impl<W: Write + std::fmt::Debug + Send> View for ScenariosCsv<W> {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn take(&mut self, _seq: u64, fact: &Fact) -> Result<(), ViewError> {
        match self.context.take(fact) {
            Some(closed) => self.row(&closed),
            None => Ok(()),
        }
    }

    fn finish(&mut self, closing: Closing) -> Result<Digest, ViewError> {
        if let Some(closed) = self.context.finish(closing) {
            self.row(&closed)?;
        }
        self.table.finish()
    }
}
