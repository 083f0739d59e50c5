//! `rig recover`: close the runs that were cut off, and say which runs of the ledger are missing.

use std::path::PathBuf;

use crate::failure::{BENCH, Failure, OrExit, USAGE, failure};
use crate::recovery::{Look, recover};
use crate::say;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder in which the ledger and the runs' folders are
    #[arg(default_value = "reports")]
    reports: PathBuf,
}

pub fn run(args: &Args) -> Result<u8, Failure> {
    let reports = &args.reports;
    let ledger = reports.join(rig_evidence::Ledger::NAME);
    if !ledger.exists() {
        let unknown = if reports.is_dir() { crate::ledger::unknown(reports, &[]).or_exit(BENCH)? } else { Vec::new() };
        if let Some(told) = crate::ledger::told(reports, &unknown) {
            return Err(failure(USAGE, format!("there is no {}: {told}", ledger.display())));
        }
        let why = format!("there is no {}: name the folder in which runs are kept (`--out` of `rig run`)", ledger.display());
        return Err(failure(USAGE, why));
    }
    let recovery = recover(reports, Look::AtAll).or_exit(BENCH)?;
    recovery.closed.iter().for_each(|run| say::out(&run.told));
    recovery.alive.iter().for_each(say::out);
    let bytes = crate::ledger::read(reports).or_exit(BENCH)?;
    let unknown = crate::ledger::unknown(reports, &bytes).or_exit(BENCH)?;
    let cut = unknown.iter().any(|run| run.is_cut);
    for warning in recovery.damaged.iter().chain(&crate::ledger::told(reports, &unknown)) {
        say::err(format_args!("warning: {warning}"));
    }
    if cut {
        say::err("error: a run that the ledger does not know was cut off, or is going on: without the ledger it is not closed");
    } else if recovery.closed.is_empty() && recovery.failed.is_empty() && recovery.alive.is_empty() {
        say::out("no run is left that was cut off");
    }
    let missing = recovery.missing(reports);
    for trouble in recovery.failed.iter().chain(&missing) {
        say::err(format_args!("error: {trouble}"));
    }
    Ok(if recovery.failed.is_empty() && missing.is_none() && !cut { 0 } else { BENCH })
}
