//! `budgets.csv`: what each judged value rests on, one row per component of its uncertainty budget.

use std::io::Write;

use rig_model::budget::Component;
use rig_model::event::Event;
use rig_model::fact::{Body, Fact};
use rig_model::verdict::CheckRow;

use crate::columns::{BUDGETS, SCHEMA_VERSION};
use crate::context::Context;
use crate::hashing::Digest;
use crate::table::Table;
use crate::view::{Closing, View, ViewError};

#[derive(Debug)]
pub struct BudgetsCsv<W: Write> {
    table: Table<W>,
    context: Context,
}

impl<W: Write> BudgetsCsv<W> {
    pub const NAME: &'static str = "budgets.csv";

    pub fn new(out: W) -> Result<Self, ViewError> {
        Ok(Self { table: Table::new(out, BUDGETS)?, context: Context::default() })
    }

    fn rows(&mut self, check: &CheckRow) -> Result<(), ViewError> {
        let shares = shares(&check.budget);
        for (number, component) in check.budget.iter().enumerate() {
            self.row(check, component, shares.as_ref().map(|shares| shares[number]))?;
        }
        Ok(())
    }

    fn row(&mut self, check: &CheckRow, component: &Component, share: Option<f64>) -> Result<(), ViewError> {
        let Context { run, case, checks, .. } = &self.context;
        let row = self.table.row().integer(SCHEMA_VERSION)?.text(&run.id)?.integer(checks.total())?;
        let row = match case {
            Some(case) => row.text(&case.info.scenario)?.text(&case.info.case)?.integer(u64::from(case.info.attempt))?,
            None => row.text("")?.text("")?.text("")?,
        };
        let row = row.text(&check.step)?.text(&check.check)?.text(&check.quantity)?.text(&check.statistic)?;
        let row = row.number(check.value)?.text(&check.unit)?;
        let row = row.text(&component.name)?.number(component.estimate)?.text(&component.unit)?.text(component.distribution.name())?;
        let row = row.number(component.standard_uncertainty)?.boolean(component.standard_uncertainty.is_some())?;
        let row = row.number(component.sensitivity)?.number(component.contribution())?.number(share)?.number(component.dof)?;
        let row = row.text(component.origin.name())?.text(component.certificate.as_deref().unwrap_or_default())?;
        row.boolean(component.common)?.number(component.bound)?.boolean(run.evidence)?.end()
    }
}

impl<W: Write + std::fmt::Debug + Send> View for BudgetsCsv<W> {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn take(&mut self, _seq: u64, fact: &Fact) -> Result<(), ViewError> {
        let closed = self.context.take(fact);
        if let Body::Event(Event::Check(check)) = &fact.body {
            self.rows(check)?;
        }
        if closed.is_some() { self.table.flush() } else { Ok(()) }
    }

    fn finish(&mut self, _closing: Closing) -> Result<Digest, ViewError> {
        self.table.finish()
    }
}

/// Each component's share of the variance in %. `None` when one of them is not known, for then the variance isn't either, or when it is zero.
pub(crate) fn shares(budget: &[Component]) -> Option<Vec<f64>> {
    let squares: Vec<f64> = budget.iter().map(|c| c.contribution().map(|u| u * u)).collect::<Option<_>>()?;
    let variance: f64 = squares.iter().sum();
    (variance > 0.0 && variance.is_finite()).then(|| squares.iter().map(|square| square / variance * 100.0).collect())
}

/// Names of the components whose uncertainty nobody states although the value depends on them.
pub(crate) fn unstated(budget: &[Component]) -> Vec<&str> {
    budget.iter().filter(|c| c.contribution().is_none()).map(|c| &*c.name).collect()
}
