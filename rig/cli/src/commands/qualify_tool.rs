//! `rig qualify-tool`: shows on the user's own machine that this very program computes, judges, speaks and keeps records as it should: that pumps
//! with known defects FAIL, that a sound one passes, and that altered records are found. Needs nothing but the program.

mod item;
mod link;
mod metrology;
mod pumps;
mod report;
mod signatures;
mod tampering;
mod verdicts;

use std::path::PathBuf;

use crate::commands::sign::{By, words};
use crate::failure::{BENCH, Failure, OrExit};
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
    /// What a signature to the report means, in your words
    #[arg(long, value_name = "TEXT", default_value = "I qualified this program on this machine", value_parser = words)]
    meaning: String,
    /// Who signs the report; nobody without a key
    #[command(flatten)]
    by: Option<By>,
}

pub fn run(args: &Args, terminal: &Terminal) -> Result<u8, Failure> {
    // Whoever may not sign is told before anything is played.
    let mut signer = args.by.as_ref().map(|by| report::Signer::of(by, &args.meaning, &args.out)).transpose()?;
    let mut items = Items::default();
    metrology::play(&mut items);
    verdicts::play(&mut items);
    link::play(&mut items);
    pumps::play(&mut items).or_exit(BENCH)?;
    signatures::play(&mut items);
    tampering::play(&mut items, terminal).or_exit(BENCH)?;
    let report = report::Report::of(items, signer.as_ref());
    let path = report.write(&args.out, signer.as_mut())?;
    if terminal.json {
        say::text(&report.json().or_exit(BENCH)?);
    } else {
        say::text(&report.text());
        let signed = if signer.is_some() { "signed" } else { "not signed, for want of a --key" };
        say::out(format_args!("report: {} ({signed})", path.display()));
    }
    Ok(if report.qualified() { 0 } else { NOT_QUALIFIED })
}
