//! `rig deviation`: a signed note to one row of a run, which it never changes.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use rig_evidence::{Disposition, Signed};

use super::sign::{By, add, words};
use crate::failure::{Failure, OrExit, USAGE};
use crate::folder::RunFolder;
use crate::signing::Signable;
use crate::terminal::Terminal;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The run's folder
    run: PathBuf,
    /// Which row of results.csv
    #[arg(long, value_name = "N")]
    row: u64,
    /// Number of the problem report
    #[arg(long, value_name = "ID", value_parser = words)]
    id: String,
    /// What is to become of it
    #[arg(long, value_enum)]
    disposition: Choice,
    /// What there is to say about it
    #[arg(long, visible_alias = "meaning", value_name = "TEXT", value_parser = words)]
    note: String,
    #[command(flatten)]
    by: By,
}

/// `Disposition` as the command line takes it.
#[derive(Debug, Clone, Copy)]
struct Choice(Disposition);

impl ValueEnum for Choice {
    fn value_variants<'a>() -> &'a [Self] {
        const ALL: [Choice; 5] = {
            let [a, b, c, d, e] = Disposition::ALL;
            [Choice(a), Choice(b), Choice(c), Choice(d), Choice(e)]
        };
        &ALL
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        let help = match self.0 {
            Disposition::Open => "nothing is decided; stays in every list until it is closed",
            Disposition::AcceptAsIs => "the result stands as it is",
            Disposition::Retest => "the case is to be played again, this row is not to be relied on",
            Disposition::FirmwareDefect => "the firmware is at fault and to be mended",
            Disposition::BenchFault => "the bench was at fault",
        };
        Some(clap::builder::PossibleValue::new(self.0.name()).help(help))
    }
}

pub fn run(args: &Args, terminal: &Terminal) -> Result<u8, Failure> {
    let run = Signable::open(&args.run)?;
    has_row(&run.folder, args.row).or_exit(USAGE)?;
    let what = Signed::Deviation { row: args.row, id: args.id.clone(), disposition: args.disposition.0 };
    add(&run, &args.by, &args.note, what, terminal)
}

/// Whether results.csv has the row.
fn has_row(folder: &RunFolder, wanted: u64) -> Result<()> {
    let path = folder.path().join("results.csv");
    let reading = || format!("failed to read `{}`", path.display());
    let mut reader = csv::Reader::from_path(&path).with_context(reading)?;
    let column =
        reader.headers().with_context(reading)?.iter().position(|name| name == "row").context("results.csv has no column `row`")?;
    let mut rows = 0;
    for record in reader.records() {
        let record = record.with_context(reading)?;
        if record.get(column) == Some(&wanted.to_string()) {
            return Ok(());
        }
        rows += 1;
    }
    let rows = if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") };
    bail!("nothing was signed: results.csv of this run has no row {wanted}; it has {rows}, the number is in its column `row`")
}
