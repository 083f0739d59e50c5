//! What a run has to do with the runs before it: those that were cut off are closed first, and a run says which ones it repeats.

use std::path::Path;

use rig_model::fact::{Header, Predecessor};

use crate::commands::report;
use crate::failure::{Failure, USAGE, failure};
use crate::folder::RunFolder;
use crate::recovery::{self, Look, Recovery};
use crate::say;

#[derive(Debug, Clone, clap::Args)]
pub struct Rerun {
    /// The run (its folder) that this one repeats; goes into the record
    #[arg(long, value_name = "RUN", requires = "reason")]
    rerun_of: Option<std::path::PathBuf>,
    /// Why it is repeated
    #[arg(long, value_name = "TEXT", requires = "rerun_of")]
    reason: Option<String>,
}

impl Rerun {
    /// The run that is named, with the reason.
    pub fn predecessor(&self) -> Result<Option<Predecessor>, Failure> {
        let (Some(run), Some(reason)) = (&self.rerun_of, &self.reason) else { return Ok(None) };
        let reason = reason.trim();
        if reason.is_empty() {
            return Err(failure(USAGE, "`--reason` says nothing: say in a few words why the run is repeated"));
        }
        let folder = RunFolder::open(run);
        let header = report::open(&folder).map_err(|f| Failure { code: USAGE, ..f })?.header;
        let name = run.canonicalize().map_or_else(|_| folder.name(), |path| RunFolder::open(&path).name());
        Ok(Some(Predecessor { run_id: header.run_id, folder: name, reason: reason.to_owned() }))
    }
}

/// Closes what was cut off in `reports`, and says so. Nothing of it keeps the next run from being played.
pub fn close_what_was_cut_off(reports: &Path) -> Recovery {
    let recovery = recovery::recover(reports, Look::AtOpen).unwrap_or_else(|error| {
        say::err(format_args!("warning: runs that were cut off can't be looked for: {error:#}"));
        Recovery::default()
    });
    recovery.closed.iter().for_each(|run| say::err(&run.told));
    let missing = recovery.missing(reports);
    recovery.failed.iter().chain(&missing).chain(&recovery.damaged).for_each(|trouble| say::err(format_args!("warning: {trouble}")));
    recovery
}

/// Notes down in the header which runs it repeats.
pub fn link(header: &mut Header, named: Option<&Predecessor>, recovery: &Recovery) {
    let mut repeated: Vec<Predecessor> = named.cloned().into_iter().collect();
    for run in recovery.repeated_by(header) {
        if repeated.iter().all(|known| known.run_id != run.run_id) {
            repeated.push(run);
        }
    }
    header.provenance.rerun_of = repeated;
}
