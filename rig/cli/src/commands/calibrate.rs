//! `rig calibrate`: the K-factor of a flow sensor from weighed deliveries, as a certificate that a person approves.

mod approve;
mod draft;
mod read;
mod show;

use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use clap::{Subcommand, ValueEnum};
use rig_metrology::{Calibration, NotCalibrated, WeighedPulses, calibrate};
use rig_report::printable;

use crate::certificate::{self, Certificate, Status};
use crate::commands::calibrate::draft::Facts;
use crate::commands::calibrate::read::Record;
use crate::failure::{BENCH, Failure, OrExit, USAGE, failure};
use crate::terminal::Terminal;

/// The sensor was not as good as the bench had stated.
const OUT_OF_TOLERANCE: u8 = 1;

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Args {
    #[command(subcommand)]
    approve: Option<What>,
    #[command(flatten)]
    draft: Option<Draft>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Put a person's name to a draft certificate: from then on a bench file may refer to it
    Approve(approve::Args),
}

#[derive(Debug, clap::Args)]
pub struct Draft {
    /// The runs' folders
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// The flow channel whose sensor is calibrated
    #[arg(long, value_name = "CHANNEL")]
    channel: String,
    /// In which condition the sensor was: before anything was done to it, or after
    #[arg(long = "as", value_enum, value_name = "CONDITION")]
    condition: As,
    /// Serial number of the sensor
    #[arg(long, value_name = "SERIAL", value_parser = words)]
    sensor: Option<String>,
    /// Number of the certificate; channel and day of the first run without
    #[arg(long, value_name = "ID", value_parser = id)]
    id: Option<String>,
    /// Date of the next calibration
    #[arg(long, value_name = "DATE", value_parser = date)]
    due: Option<String>,
    /// The certificate; one with the other condition is added to. Without, the certificate's number with `.toml`
    #[arg(long, value_name = "FILE.toml")]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum As {
    Found,
    Left,
}

impl As {
    fn words(self) -> &'static str {
        match self {
            Self::Found => "as found",
            Self::Left => "as left",
        }
    }
}

pub fn run(args: &Args, terminal: &Terminal) -> Result<u8, Failure> {
    match (&args.approve, &args.draft) {
        (Some(What::Approve(args)), _) => approve::run(args),
        (None, Some(args)) => draft(args, terminal),
        (None, None) => Err(failure(USAGE, "name the runs to calibrate with, or `approve`")),
    }
}

fn draft(args: &Draft, terminal: &Terminal) -> Result<u8, Failure> {
    let records = args.runs.iter().map(|run| read::record(run, &args.channel)).collect::<Result<Vec<_>, _>>()?;
    fit_together(&records)?;
    let first = &records[0];
    let facts = Facts::of(first, args)?;
    let path = args.out.clone().unwrap_or_else(|| PathBuf::from(format!("{}.toml", facts.id)));
    let before = before(&path, &facts, args.condition)?;
    let calibration = calibration(&records)?;
    let condition = draft::condition(&records, &calibration, args.condition);
    let within = condition.within_stated;
    let certificate = draft::add(before.unwrap_or_else(|| facts.certificate()), condition, args.condition);
    in_order(&certificate)?;
    certificate.write(&path).or_exit(BENCH)?;
    if terminal.json {
        show::json(&certificate);
    } else {
        show::text(&certificate, args.condition, &path);
    }
    if within == Some(false) {
        show::out_of_tolerance();
        return Ok(OUT_OF_TOLERANCE);
    }
    Ok(0)
}

/// Runs that make one calibration: each once, of one bench, with one statement of sensor and balance.
fn fit_together(records: &[Record]) -> Result<(), Failure> {
    let (first, rest) = (&records[0], &records[1..]);
    for (i, record) in records.iter().enumerate() {
        for before in &records[..i] {
            let (a, b) = (&before.header, &record.header);
            if a.run_id == b.run_id {
                return Err(failure(
                    USAGE,
                    format!("`{}` and `{}` are the same run ({}): give each once", before.folder, record.folder, a.run_id),
                ));
            }
            if a.simulated && (a.seed, &a.bench_file.sha256, &a.cases) == (b.seed, &b.bench_file.sha256, &b.cases) {
                let words =
                    format!("`{}` and `{}` are one simulated run played twice: the second adds nothing", before.folder, record.folder);
                return Err(failure(USAGE, words));
            }
        }
    }
    for record in rest {
        let same = record.header.bench == first.header.bench
            && record.header.simulated == first.header.simulated
            && record.flow == first.flow
            && record.balance == first.balance;
        if !same {
            let words = format!(
                "`{}` and `{}` are not of one bench: their bench files don't say the same of `{}` and `{}`",
                first.folder, record.folder, first.flow.name, first.balance.name
            );
            return Err(failure(USAGE, words));
        }
    }
    Ok(())
}

/// The certificate that is there already, if this condition may be added to it.
fn before(path: &Path, facts: &Facts, condition: As) -> Result<Option<Certificate>, Failure> {
    if !path.exists() {
        return Ok(None);
    }
    let (certificate, _) = certificate::read(path).or_exit(USAGE)?;
    let refuse = |why: String| Err(failure(USAGE, format!("`{}` {why}", path.display())));
    if certificate.status == Status::Approved {
        return refuse("is approved already: nothing is added to it; name another file for a new certificate".to_owned());
    }
    let there = match condition {
        As::Found => certificate.as_found.is_some(),
        As::Left => certificate.as_left.is_some(),
    };
    if there {
        return refuse(format!("has the sensor {} already, and that is not written over", condition.words()));
    }
    let certificate = facts.filled_in(certificate);
    if let Some(why) = facts.contradicts(&certificate) {
        return refuse(format!("is of something else: {why}"));
    }
    Ok(Some(certificate))
}

fn calibration(records: &[Record]) -> Result<Calibration, Failure> {
    let deliveries: Vec<_> = records.iter().flat_map(|r| r.deliveries.iter().map(move |d| (r, d))).collect();
    let weighed: Vec<WeighedPulses> = deliveries.iter().map(|(_, d)| d.measured.clone()).collect();
    calibrate(&weighed).map_err(|why| {
        let which = match &why {
            NotCalibrated::Volume(n) | NotCalibrated::Pulses(n) => Some(*n),
            NotCalibrated::Unstated { delivery, .. } | NotCalibrated::Disagreement { delivery, .. } => Some(*delivery),
            _ => None,
        };
        let place = which.and_then(|n| deliveries.get(n.checked_sub(1)?)).map_or_else(String::new, |(record, d)| {
            let case = if d.case.is_empty() { String::new() } else { format!(" [{}]", d.case) };
            format!("; it is number {} of `{}`, window `{}` in {}{case}", d.number, record.folder, d.window, d.scenario)
        });
        let left_out: Vec<String> = records.iter().flat_map(|r| &r.left_out).map(show::left_out).collect();
        let left_out = if left_out.is_empty() { String::new() } else { format!("\nleft out: {}", left_out.join("\nleft out: ")) };
        failure(BENCH, printable_lines(&format!("there is no K-factor: {why}{place}{left_out}")))
    })
}

/// Line by line: names come from files.
fn printable_lines(text: &str) -> String {
    text.lines().map(printable).collect::<Vec<_>>().join("\n")
}

/// What was found came before what was left, or was it.
fn in_order(certificate: &Certificate) -> Result<(), Failure> {
    let first = |c: &certificate::Condition| c.run.iter().map(|r| r.started_utc.clone()).min();
    match (certificate.as_found.as_ref().and_then(first), certificate.as_left.as_ref().and_then(first)) {
        (Some(found), Some(left)) if found > left => {
            Err(failure(USAGE, format!("the sensor was found at {found}, after it was left at {left}: the two conditions are mixed up")))
        }
        _ => Ok(()),
    }
}

fn words(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err("it must say something, in one line".to_owned());
    }
    Ok(text.to_owned())
}

/// As bench files can name it.
fn id(text: &str) -> Result<String, String> {
    let good = text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c));
    if good { Ok(text.to_owned()) } else { Err("it begins with a letter and has letters, digits, `.`, `-` and `_`, at most 64".to_owned()) }
}

fn date(text: &str) -> Result<String, String> {
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| text.len() == 10);
    date.map(|d| d.to_string()).ok_or_else(|| "a date is written 2027-06-30".to_owned())
}
