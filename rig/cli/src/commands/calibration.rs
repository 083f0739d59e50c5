//! `rig calibration`: what of a bench's calibration is due when; with `--impact`, what rests on a certificate that is in doubt.

mod due;
mod impact;

use std::path::{Path, PathBuf};

use chrono::{NaiveDate, Utc};

use crate::failure::Failure;
use crate::inputs::{self, Errors};
use crate::terminal::Terminal;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Bench file; may be repeated. The simulated bench without
    #[arg(long, value_name = "FILE")]
    bench: Vec<PathBuf>,
    /// What is due within this time is told with exit code 3
    #[arg(long, value_name = "TIME", default_value = "30 d", value_parser = days)]
    within: i64,
    /// As on this day, ISO 8601; today without
    #[arg(long, value_name = "DATE", value_parser = date, conflicts_with = "impact")]
    on: Option<NaiveDate>,
    /// Every run and row whose value rests on this certificate, directly or by a reference
    #[arg(long, value_name = "CERTIFICATE")]
    impact: Option<String>,
    /// Only runs that began on this day or later, ISO 8601
    #[arg(long, value_name = "DATE", value_parser = date, requires = "impact")]
    since: Option<NaiveDate>,
    /// Where the runs are
    #[arg(long, value_name = "FOLDER", default_value = "reports", requires = "impact")]
    reports: PathBuf,
    /// Write the rows in doubt to this file, which must not be there yet
    #[arg(long, value_name = "FILE.csv", requires = "impact")]
    out: Option<PathBuf>,
}

pub fn run(args: &Args, terminal: &Terminal) -> Result<u8, Failure> {
    match &args.impact {
        Some(certificate) => impact::run(certificate, args, terminal),
        None => due::run(args, terminal),
    }
}

/// Day of the wall clock, UTC.
fn today() -> NaiveDate {
    Utc::now().date_naive()
}

/// The bench files that are named, whatever their certificates say; or the simulated bench.
fn benches(paths: &[PathBuf], errors: &mut Errors) -> Vec<(Option<PathBuf>, rig_model::bench::Bench)> {
    let paths: Vec<Option<&Path>> = if paths.is_empty() { vec![None] } else { paths.iter().map(|p| Some(p.as_path())).collect() };
    let read = |path: Option<&Path>| inputs::bench(path, errors).map(|(bench, _)| (path.map(Path::to_owned), bench));
    paths.into_iter().filter_map(read).collect()
}

fn date(text: &str) -> Result<NaiveDate, String> {
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| text.len() == 10);
    date.ok_or_else(|| "a date is written 2027-06-30".to_owned())
}

/// A time in whole days.
fn days(text: &str) -> Result<i64, String> {
    let span = rig_scenario::span(text)?;
    let day = rig_model::time::Span::hours(24);
    if span.0 < 0 || span.0 % day.0 != 0 { Err("it is told in whole days, such as `30 d`".to_owned()) } else { Ok(span.0 / day.0) }
}
