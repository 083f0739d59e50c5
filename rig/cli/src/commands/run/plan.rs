//! `rig run --plan`: what is played under an approved plan, and in what it differs from it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rig_evidence::{ApprovedTest, Extent};
use rig_model::fact::Header;
use rig_model::scenario::Scenario;
use rig_report::printable;

use super::{Args, Selection};
use crate::commands::approve::status;
use crate::failure::{Failure, USAGE, failure};
use crate::inputs::Suite;
use crate::plan::Approved;
use crate::say;
use crate::terminal::Terminal;

/// The plan under which a run is played.
#[derive(Debug)]
pub struct Under {
    approved: Approved,
    test: ApprovedTest,
    /// How the plan finds its scenarios, in the paths that were named instead of its own.
    planned: Selection,
    extent: Extent,
}

impl Under {
    /// The plan that was named, if one was; its signature is good.
    pub fn of(args: &Args) -> Result<Option<Self>, Failure> {
        let Some(path) = &args.plan else {
            let lone = args.test.is_some().then(|| failure(USAGE, "`--test` names a test of a plan: name the plan with `--plan`"));
            return lone.map_or(Ok(None), Err);
        };
        let approved = Approved::read(path, &args.signers, &args.out)?;
        let test = approved.test(args.test.as_deref())?.clone();
        let named = &args.selection;
        let whole = named.paths.is_empty() && named.tag.is_empty() && named.filter.is_none();
        let paths = if named.paths.is_empty() { test.selection.paths.iter().map(PathBuf::from).collect() } else { named.paths.clone() };
        let planned = Selection { paths, tag: test.selection.tags.clone(), filter: test.selection.filter.clone() };
        let extent = if whole { Extent::Whole } else { Extent::Part };
        Ok(Some(Self { approved, test, planned, extent }))
    }

    /// The plan's bench, unless another file was named.
    pub fn bench(&self) -> &Path {
        Path::new(&self.test.bench_file.path)
    }

    pub fn paths(&self) -> &[PathBuf] {
        &self.planned.paths
    }

    /// The plan's cases, as far as they were asked for. What was asked for by name must be in the plan.
    pub fn cases<'s>(&self, suite: &'s Suite, named: &Selection) -> Result<Vec<(&'s Arc<Scenario>, usize)>, Failure> {
        let asked = named.cases(suite);
        let planned = self.planned.cases(suite);
        if self.extent == Extent::Whole {
            return Ok(planned);
        }
        let label = |s: &Scenario, i: usize| s.cases[i].label.clone();
        if let Some((s, i)) = asked.iter().find(|(s, i)| !self.test.has(&s.id, &label(s, *i))) {
            let name = format!("{} {}", s.id, label(s, *i));
            let (test, plan) = (&self.test.name, &self.approved.plan.id);
            let why = format!("{} ({}) is not in test `{test}` of the plan {plan}: nothing was played", name.trim_end(), s.file);
            return Err(failure(USAGE, why));
        }
        Ok(asked)
    }

    /// How many of the checks that can't be decided were not approved as such.
    pub fn not_approved(&self, undecidable: impl Iterator<Item = String>) -> usize {
        undecidable.filter(|text| !self.test.undecidable.contains(text)).count()
    }

    /// Puts the plan into the header, and says under which one is played; in what the run is not what was approved.
    pub fn take_over(&self, header: &mut Header) -> Vec<String> {
        let boards = printable(&self.test.duts.join(", "));
        say::err(format_args!("plan {}, test {}, for {boards}", self.approved, self.test.name));
        header.provenance.approval = Some(self.approved.approval(&self.test));
        let differences = self.approved.plan.differences(&self.test, header, self.extent);
        differences.iter().for_each(|why| say::err(format_args!("not as approved: {}", printable(why))));
        differences
    }

    /// Says where the plan stands now.
    pub fn tell(&self, reports: &Path, terminal: &Terminal) {
        if !terminal.json {
            status::tell_briefly(&self.approved, reports);
        }
    }
}
