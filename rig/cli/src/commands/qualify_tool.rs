//! `rig qualify-tool`: shows on the user's own machine that this very program computes, judges, speaks and keeps records as it should: that pumps
//! with known defects FAIL, that a sound one passes, and that altered records are found. Needs nothing but the program.

mod item;
mod link;
mod metrology;
mod pumps;
mod report;
mod verdicts;

use std::path::PathBuf;

use crate::failure::{Failure, OrExit, USAGE};
use crate::say;
use crate::terminal::Terminal;

pub use item::{Group, Item, Items};

/// Something was not as it should be: this program must not be used on this machine.
const NOT_QUALIFIED: u8 = 1;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder for the report; made if it is not there
    #[arg(long, value_name = "FOLDER", default_value = "reports/qualification")]
    out: PathBuf,
}

pub fn run(args: &Args, terminal: &Terminal) -> Result<u8, Failure> {
    let mut items = Items::default();
    metrology::play(&mut items);
    verdicts::play(&mut items);
    link::play(&mut items);
    pumps::play(&mut items).or_exit(USAGE)?;
    let report = report::Report::of(items);
    let path = report.write(&args.out)?;
    if terminal.json {
        say::text(&report.json().or_exit(USAGE)?);
    } else {
        say::text(&report.text());
        say::out(format_args!("report: {}", path.display()));
    }
    Ok(if report.qualified() { 0 } else { NOT_QUALIFIED })
}
