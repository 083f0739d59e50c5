//! `events.csv`: what happened, one row each, as it comes.

use std::io::Write;

use rig_model::fact::Fact;

use crate::columns::EVENTS;
use crate::context::Context;
use crate::describe::describe;
use crate::hashing::Digest;
use crate::table::Table;
use crate::view::{Closing, View, ViewError};

#[derive(Debug)]
pub struct EventsCsv<W: Write> {
    table: Table<W>,
    context: Context,
}

impl<W: Write> EventsCsv<W> {
    pub const NAME: &'static str = "events.csv";

    pub fn new(out: W) -> Result<Self, ViewError> {
        Ok(Self { table: Table::new(out, EVENTS)?, context: Context::default() })
    }
}

impl<W: Write + std::fmt::Debug + Send> View for EventsCsv<W> {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn take(&mut self, seq: u64, fact: &Fact) -> Result<(), ViewError> {
        // The end of a case is still a row of that case.
        let closed = self.context.take(fact);
        let Some(entry) = describe(&fact.body) else { return Ok(()) };
        let case = self.context.case.as_ref().map(|case| &case.info).or(closed.as_ref().map(|closed| &closed.case.info));
        let (scenario, case) = case.map_or(("", ""), |case| (case.scenario.as_str(), case.case.as_str()));
        let row = self.table.row().integer(seq)?.time(fact.at)?.text(scenario)?.text(case)?;
        row.text(entry.kind)?.text(&entry.subject)?.text(&entry.detail)?.boolean(self.context.run.evidence)?.end()
    }

    fn finish(&mut self, _closing: Closing) -> Result<Digest, ViewError> {
        self.table.finish()
    }
}
