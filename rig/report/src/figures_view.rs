//! `curves.csv` and `figures.csv` of a run: what its events tell, row by row.

use std::io::Write;

use rig_model::event::Event;
use rig_model::fact::{Body, Fact};

use crate::context::Context;
use crate::curves::{CurvesCsv, Origin};
use crate::figures::FiguresCsv;
use crate::hashing::Digest;
use crate::view::{Closing, View, ViewError};

#[derive(Debug)]
pub(crate) struct CurvesOfRun<W: Write> {
    table: CurvesCsv<W>,
    context: Context,
}

#[derive(Debug)]
pub(crate) struct FiguresOfRun<W: Write> {
    table: FiguresCsv<W>,
    context: Context,
}

impl<W: Write> CurvesOfRun<W> {
    pub(crate) fn new(out: W) -> Result<Self, ViewError> {
        Ok(Self { table: CurvesCsv::new(out)?, context: Context::default() })
    }
}

impl<W: Write> FiguresOfRun<W> {
    pub(crate) fn new(out: W) -> Result<Self, ViewError> {
        Ok(Self { table: FiguresCsv::new(out)?, context: Context::default() })
    }
}

impl<W: Write + std::fmt::Debug + Send> View for CurvesOfRun<W> {
    fn name(&self) -> &'static str {
        CurvesCsv::<W>::NAME
    }

    fn take(&mut self, _seq: u64, fact: &Fact) -> Result<(), ViewError> {
        self.context.take(fact);
        let Body::Event(Event::Curves(told)) = &fact.body else { return Ok(()) };
        self.table.write(&origin(&self.context, &told.window, &told.channel), &told.plan, &told.curves)
    }

    fn finish(&mut self, _closing: Closing) -> Result<Digest, ViewError> {
        self.table.finish()
    }
}

impl<W: Write + std::fmt::Debug + Send> View for FiguresOfRun<W> {
    fn name(&self) -> &'static str {
        FiguresCsv::<W>::NAME
    }

    fn take(&mut self, _seq: u64, fact: &Fact) -> Result<(), ViewError> {
        self.context.take(fact);
        let Body::Event(Event::Figures(told)) = &fact.body else { return Ok(()) };
        let origin = origin(&self.context, &told.of, told.channel.as_deref().unwrap_or_default());
        told.figures.iter().try_for_each(|figure| self.table.write(&origin, figure))
    }

    fn finish(&mut self, _closing: Closing) -> Result<Digest, ViewError> {
        self.table.finish()
    }
}

fn origin<'a>(context: &'a Context, window: &'a str, channel: &'a str) -> Origin<'a> {
    let (scenario, case) = context.case.as_ref().map_or(("", ""), |open| (&*open.info.scenario, &*open.info.case));
    Origin { run_id: &context.run.id, scenario, case, window, channel, evidence: context.run.evidence }
}
