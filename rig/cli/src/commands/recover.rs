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
        let why = format!("there is no {}: name the folder in which runs are kept (`--out` of `rig run`)", ledger.display());
        return Err(failure(USAGE, why));
    }
    let recovery = recover(reports, Look::AtAll).or_exit(BENCH)?;
    recovery.closed.iter().for_each(|run| say::out(&run.told));
    recovery.alive.iter().for_each(say::out);
    if recovery.closed.is_empty() && recovery.failed.is_empty() {
        say::out("no run is left that was cut off");
    }
    let missing = recovery.missing(reports);
    for trouble in recovery.failed.iter().chain(&missing) {
        say::err(format_args!("error: {trouble}"));
    }
    Ok(if recovery.failed.is_empty() && missing.is_none() { 0 } else { BENCH })
}
