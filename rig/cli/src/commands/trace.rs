//! `rig trace`: requirement ↔ scenario ↔ check ↔ verdict ↔ firmware ↔ run, and what in it is missing or can't be relied on.

mod read;
mod show;

use std::path::{Path, PathBuf};

use anyhow::Context;
use rig_model::requirement::Requirement;
use rig_report::Palette;
use rig_report::trace::{Firmware, Matrix, Today, Verdicts, checks_of, trace_csv, trace_html, trace_text};

use crate::allowed::SignersFile;
use crate::commands::run::now_utc;
use crate::failure::{BENCH, Failure, OrExit, USAGE, failure};
use crate::folder::{JOURNAL, RunFolder};
use crate::keeping::Keeping;
use crate::terminal::Terminal;
use crate::{files, inputs, reports, say, signed};

const TABLE: &str = "trace.csv";
const PAGE: &str = "trace.html";
/// Fewer digits of a build hash could mean any build.
const LEAST_DIGITS: usize = 6;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Scenario files or folders; all of `scenarios/`, those that take long included, without
    paths: Vec<PathBuf>,
    /// Where the runs are
    #[arg(long, value_name = "FOLDER", default_value = "reports")]
    reports: PathBuf,
    /// The table of requirements
    #[arg(long, value_name = "FILE.csv", default_value = inputs::REQUIREMENTS)]
    requirements: PathBuf,
    /// The firmware in question: its version, or the beginning of its build hash; the one that was seen last without
    #[arg(long, value_name = "VERSION|HASH")]
    firmware: Option<String>,
    /// Only runs that are evidence show anything
    #[arg(long)]
    evidence_only: bool,
    /// Requirements whose check is only planned are told and don't count
    #[arg(long)]
    allow_planned: bool,
    /// Write trace.csv and trace.html into this folder
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    #[command(flatten)]
    signers: SignersFile,
}

pub fn run(args: &Args, terminal: &Terminal) -> Result<u8, Failure> {
    let wanted = args.firmware.as_deref().map(wanted).transpose()?;
    let everything = vec![PathBuf::from(files::DEFAULT_SCENARIOS)];
    let paths = if args.paths.is_empty() { &everything } else { &args.paths };
    let mut errors = inputs::Errors::default();
    let requirements = inputs::requirements(&args.requirements, &mut errors);
    let suite = inputs::scenarios(paths, &mut errors);
    let (Some(requirements), true) = (requirements, errors.is_empty()) else {
        say::err(&errors);
        return Ok(USAGE);
    };
    let requirements: Vec<Requirement> = requirements.iter().cloned().collect();
    let mut found = read::Found::new(signed::signers(&args.signers, &folder_of_runs(&args.reports))?);
    for run in reports::runs(&args.reports)? {
        found.add(&run, &suite);
    }
    let one_run = RunFolder::open(&args.reports).journal().exists();
    let remark = if one_run { None } else { found.held_against(&args.reports).or_exit(BENCH)? };
    if let Some(short) = wanted.as_deref().filter(|text| text.len() < LEAST_DIGITS && text.bytes().all(|b| b.is_ascii_hexdigit())) {
        say::err(format_args!("note: `{short}` is taken as a version: of a build hash at least {LEAST_DIGITS} digits are needed"));
    }
    let firmware = firmware(&found.verdicts, wanted.as_deref());
    let checks = suite.scenarios.iter().flat_map(|s| checks_of(s, &requirements)).collect();
    let today = Today {
        requirements,
        checks,
        firmware,
        evidence_only: args.evidence_only,
        allow_planned: args.allow_planned,
        remarks: remark.into_iter().collect(),
    };
    let matrix = Matrix::new(today, &found.verdicts, &found.deviations, found.findings);
    if let Some(out) = &args.out {
        write(out, &matrix)?;
    }
    if terminal.json {
        show::json(&matrix);
    } else {
        say::text(&trace_text(&matrix, if terminal.colour { Palette::ansi() } else { Palette::plain() }));
    }
    Ok(matrix.exit_code())
}

/// The folder with the ledger and the allowed signers, also where one run is named.
fn folder_of_runs(reports: &Path) -> PathBuf {
    if !RunFolder::open(reports).journal().exists() {
        return reports.to_owned();
    }
    let run = reports.canonicalize().unwrap_or_else(|_| reports.to_owned());
    run.parent().unwrap_or(&run).to_owned()
}

fn wanted(text: &str) -> Result<String, Failure> {
    let text = text.trim().to_lowercase();
    if text.is_empty() {
        return Err(failure(USAGE, "`--firmware` wants a version as the board tells it, or the beginning of its build hash"));
    }
    Ok(text)
}

/// The builds that fit what is asked for, or the one that was seen last.
fn firmware(verdicts: &Verdicts, wanted: Option<&str>) -> Vec<Firmware> {
    let seen = verdicts.firmware();
    match wanted {
        None => seen.first().map(|f| (*f).clone()).into_iter().collect(),
        Some(wanted) => {
            let by_hash = |f: &Firmware| wanted.len() >= LEAST_DIGITS && f.hash.to_lowercase().starts_with(wanted);
            seen.into_iter().filter(|f| f.version.to_lowercase() == wanted || by_hash(f)).cloned().collect()
        }
    }
}

fn write(out: &Path, matrix: &Matrix) -> Result<(), Failure> {
    if out.join(JOURNAL).exists() {
        let words = format!("`{}` is the folder of a run, whose files are the record of that run: name another folder", out.display());
        return Err(failure(USAGE, words));
    }
    std::fs::create_dir_all(out).with_context(|| format!("failed to make `{}`", out.display())).or_exit(USAGE)?;
    let folder = RunFolder::open(out);
    let writing = |name: &str| format!("failed to write `{}`", out.join(name).display());
    let table = folder.partial(TABLE).with_context(|| writing(TABLE)).or_exit(BENCH)?;
    trace_csv(table, matrix).with_context(|| writing(TABLE)).or_exit(BENCH)?;
    let mut page = folder.partial(PAGE).with_context(|| writing(PAGE)).or_exit(BENCH)?;
    let text = trace_html(matrix, &now_utc());
    std::io::Write::write_all(&mut page, text.as_bytes())
        .and_then(|()| std::io::Write::flush(&mut page))
        .with_context(|| writing(PAGE))
        .or_exit(BENCH)?;
    folder.complete([TABLE, PAGE], Keeping::Synced).or_exit(BENCH)
}
