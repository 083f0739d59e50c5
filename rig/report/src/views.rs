//! All files of a run at once.

use std::collections::BTreeMap;
use std::io::{self, Write};

use rig_model::fact::{Body, Fact, FactSink, SinkError};
use rig_model::input::{Action, Input};
use rig_model::time::RigTime;

use crate::delivery::FlowChannel;
use crate::figures_view::{CurvesOfRun, FiguresOfRun};
use crate::hashing::Digest;
use crate::view::{Closing, End, ReportError, View, ViewError};
use crate::{BudgetsCsv, CurvesCsv, DataPackage, DeliveryCsv, EventsCsv, FiguresCsv, JUnit, ResultsCsv, ScenariosCsv};

/// Feeds every view, and keeps going with the others when one fails.
#[derive(Debug)]
pub struct Views {
    /// The only one that looks at bytes, edges and readings, which are nearly all facts of a long run.
    delivery: Option<Box<dyn View>>,
    others: Vec<Box<dyn View>>,
    errors: Vec<ReportError>,
    seq: u64,
    last: RigTime,
    late: Vec<String>,
}

/// What became of the files.
#[derive(Debug)]
pub struct Finished {
    /// Every file that is whole, by name.
    pub files: BTreeMap<String, Digest>,
    /// One for each that is not.
    pub errors: Vec<ReportError>,
}

impl Views {
    /// `open` gives the writer of a file by its name; a view whose file can't be opened is left out and named in the errors.
    pub fn new<W, F>(channels: Vec<FlowChannel>, mut open: F) -> Self
    where
        W: Write + std::fmt::Debug + Send + 'static,
        F: FnMut(&str) -> io::Result<W>,
    {
        let mut views = Self { delivery: None, others: Vec::new(), errors: Vec::new(), seq: 0, last: RigTime::ZERO, late: Vec::new() };
        views.delivery = views.add(DeliveryCsv::<W>::NAME, &mut open, |out| DeliveryCsv::new(out, channels));
        let others = [
            views.add(ResultsCsv::<W>::NAME, &mut open, ResultsCsv::new),
            views.add(BudgetsCsv::<W>::NAME, &mut open, BudgetsCsv::new),
            views.add(ScenariosCsv::<W>::NAME, &mut open, ScenariosCsv::new),
            views.add(EventsCsv::<W>::NAME, &mut open, EventsCsv::new),
            views.add(CurvesCsv::<W>::NAME, &mut open, CurvesOfRun::new),
            views.add(FiguresCsv::<W>::NAME, &mut open, FiguresOfRun::new),
            views.add(JUnit::<W>::NAME, &mut open, |out| Ok(JUnit::new(out))),
            views.add(DataPackage::<W>::NAME, &mut open, |out| Ok(DataPackage::new(out))),
        ];
        views.others = others.into_iter().flatten().collect();
        views
    }

    /// Marks every row with what comes to light only later in the record: reasons why the run is no evidence, from its notes.
    pub fn marked(self, late: Vec<String>) -> Self {
        Self { late, ..self }
    }

    /// Takes the next fact; its number is one more than the last one's, as in the journal.
    pub fn take(&mut self, fact: &Fact) {
        let marked;
        let fact = match &fact.body {
            Body::Header(header) if !self.late.is_empty() => {
                let mut header = header.clone();
                header.provenance.not_evidence.extend(self.late.iter().cloned());
                marked = Fact { body: Body::Header(header), ..*fact };
                &marked
            }
            _ => fact,
        };
        self.seq += 1;
        self.last = self.last.max(fact.at);
        let errors = &mut self.errors;
        let mut alive = |view: &mut Box<dyn View>| match view.take(self.seq, fact) {
            Ok(()) => true,
            Err(source) => {
                errors.push(ReportError { view: view.name(), source });
                false
            }
        };
        if self.delivery.as_mut().is_some_and(|view| !alive(view)) {
            self.delivery = None;
        }
        if !is_bulk(&fact.body) {
            self.others.retain_mut(alive);
        }
    }

    /// The views that failed so far.
    pub fn errors(&self) -> &[ReportError] {
        &self.errors
    }

    /// Completes all files.
    pub fn finish(mut self, end: End) -> Finished {
        let closing = Closing { end, last: self.last };
        let mut files = BTreeMap::new();
        for mut view in self.delivery.into_iter().chain(self.others) {
            match view.finish(closing) {
                Ok(digest) => {
                    files.insert(view.name().to_owned(), digest);
                }
                Err(source) => self.errors.push(ReportError { view: view.name(), source }),
            }
        }
        Finished { files, errors: self.errors }
    }

    fn add<W: Write, V: View + 'static>(
        &mut self,
        name: &'static str,
        open: &mut impl FnMut(&str) -> io::Result<W>,
        view: impl FnOnce(W) -> Result<V, ViewError>,
    ) -> Option<Box<dyn View>> {
        match open(name).map_err(ViewError::Open).and_then(view) {
            Ok(view) => Some(Box::new(view)),
            Err(source) => {
                self.errors.push(ReportError { view: name, source });
                None
            }
        }
    }
}

impl FactSink for Views {
    /// Never fails: a view that does is named in [`Views::errors`], and can be rebuilt from the journal.
    fn record(&mut self, fact: &Fact) -> Result<(), SinkError> {
        self.take(fact);
        Ok(())
    }
}

fn is_bulk(body: &Body) -> bool {
    matches!(body, Body::Input(Input::Rx(_) | Input::Edges(_) | Input::Reading { .. }) | Body::Action(Action::Tx(_)))
}
