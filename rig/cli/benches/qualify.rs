//! How fast the suite is qualified: `cargo bench -p pump-rig --bench qualify` plays with the release binary and prints a table.
//!
//! A slow machine makes a row say MISSED; the exit code tells only whether all could be run.

#![allow(clippy::disallowed_methods, reason = "a benchmark reads the clock, starts processes and makes files")]

#[path = "workload/table.rs"]
#[allow(dead_code, reason = "each benchmark uses its part")]
mod table;

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use nix::sys::resource::{Usage, UsageWho, getrusage};

use crate::table::Row;

/// How often each thing is run; the least disturbed one counts, because what else a shared machine does is not the rig's.
const RUNS: usize = 3;
/// Defects that the target is for.
const DEFECTS: f64 = 100.0;
/// Seeds of the sound pump by which the scaling is measured: enough that the start of the workers does not count.
const SCALING_SEEDS: &str = "20";
const NINETY_DAYS: &str = "scenarios/soak/ninety-days.yaml";

#[derive(Debug, Clone, Copy)]
struct Figures {
    wall_s: f64,
    processor_s: f64,
}

fn main() -> ExitCode {
    match benchmarks() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn benchmarks() -> Result<()> {
    let cores = std::thread::available_parallelism()?.get();
    let suite = qualify(&["--defect", "none", "--jobs", "1"], RUNS)?;
    let soak = qualify(&[NINETY_DAYS, "--defect", "none", "--jobs", "1"], RUNS)?;
    let defects = number_of_defects()?;
    let all = qualify(&["--jobs", "2"], 1)?;
    let each = all.wall_s / defects * DEFECTS;
    let mut rows = vec![
        Row::new("suite without soak, once, wall time", suite.wall_s, "s").at_most(3.0).aim(1.0).note(suite.note()),
        Row::new("suite × 100 defects on 2 cores, wall time", each, "s")
            .at_most(120.0)
            .aim(60.0)
            .note(format!("from {defects:.0} defects, {}", all.note())),
        Row::new("90 days of soak, one seed, wall time", soak.wall_s, "s").at_most(6.0).note(soak.note()),
    ];
    rows.extend(scaling(cores)?);
    print!("{}", table::render(&rows));
    Ok(())
}

/// The same work on more and more cores.
fn scaling(cores: usize) -> Result<Vec<Row>> {
    const NAMES: [(usize, &str); 5] = [
        (1, "20 seeds, 1 job, wall time"),
        (2, "20 seeds, 2 jobs, times as fast as 1"),
        (4, "20 seeds, 4 jobs, times as fast as 1"),
        (8, "20 seeds, 8 jobs, times as fast as 1"),
        (16, "20 seeds, 16 jobs, times as fast as 1"),
    ];
    let mut rows = Vec::new();
    let mut alone = None;
    for (jobs, name) in NAMES.into_iter().filter(|(jobs, _)| *jobs <= cores) {
        let jobs_text = jobs.to_string();
        let figures = qualify(&["--defect", "none", "--sound-seeds", SCALING_SEEDS, "--jobs", &jobs_text], RUNS)?;
        rows.push(match alone {
            None => Row::new(name, figures.wall_s, "s").note(figures.note()),
            Some(one) => Row::new(name, one / figures.wall_s, "").note(figures.note()),
        });
        alone.get_or_insert(figures.wall_s);
    }
    Ok(rows)
}

impl Figures {
    fn note(self) -> String {
        format!("{:.2} s of processor", self.processor_s)
    }
}

fn qualify(arguments: &[&str], runs: usize) -> Result<Figures> {
    let mut best: Option<Figures> = None;
    for _ in 0..runs {
        let figures = once(arguments)?;
        best =
            Some(best.map_or(figures, |b| Figures {
                wall_s: b.wall_s.min(figures.wall_s),
                processor_s: b.processor_s.min(figures.processor_s),
            }));
    }
    best.context("nothing was run")
}

fn once(arguments: &[&str]) -> Result<Figures> {
    let out = tempfile::tempdir()?;
    let mut rig = rig();
    rig.arg("qualify").args(arguments).arg("--out").arg(out.path()).stdout(Stdio::null());
    let (began, before) = (Instant::now(), processor(&getrusage(UsageWho::RUSAGE_CHILDREN)?));
    let status = rig.status().context("failed to run `rig qualify`")?;
    let (wall_s, after) = (began.elapsed().as_secs_f64(), processor(&getrusage(UsageWho::RUSAGE_CHILDREN)?));
    // Survivors and false alarms are for others to find; here it has only to be played.
    ensure!(matches!(status.code(), Some(0 | 1 | 6)), "`rig qualify {}` ended with {status}", arguments.join(" "));
    Ok(Figures { wall_s, processor_s: after - before })
}

fn number_of_defects() -> Result<f64> {
    let out = rig().args(["qualify", "--defect", "help"]).output()?;
    Ok(String::from_utf8_lossy(&out.stdout).lines().count() as f64)
}

fn processor(usage: &Usage) -> f64 {
    let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    seconds(usage.user_time()) + seconds(usage.system_time())
}

fn rig() -> Command {
    let mut rig = Command::new(env!("CARGO_BIN_EXE_rig"));
    rig.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."));
    rig
}
