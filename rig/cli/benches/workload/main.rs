//! How fast and how large whole runs are: `cargo bench -p pump-rig` plays the simulated bench with the release binary and prints a table.
//!
//! What each row means is in `rig/docs/benchmarks.md`. A slow machine makes a row say MISSED; the exit code tells only whether all could be run.

#![allow(clippy::disallowed_methods, reason = "a benchmark reads the clock, starts processes and makes files")]

mod measure;
mod scenarios;
mod table;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;

use crate::measure::{Bench, Figures, median, once_for_parent};
use crate::table::Row;

/// The 72 h run, and how often each thing is run: short things often, because that is where the machine's noise is largest.
const WORKLOAD: &str = "scenarios/soak/workload-72h.yaml";
const WORKLOAD_HOURS: f64 = 72.0;
const NINETY_DAYS: &str = "scenarios/soak/ninety-days.yaml";
const LONG_RUNS: usize = 3;
const SHORT_RUNS: usize = 15;
/// Rig days between which the marginal cost is compared, and how often each is run.
const GROWTH_DAYS: [(u32, usize); 4] = [(3, 48), (10, 24), (30, 12), (90, 4)];
const CHECKS: u32 = 1000;

fn main() -> ExitCode {
    let result = match once_for_parent() {
        Some(result) => result,
        None => benchmarks(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn benchmarks() -> Result<()> {
    let bench = Bench::new()?;
    let (workload, mut rows) = workload(&bench)?;
    rows.extend(ninety_days(&bench, &workload)?);
    rows.extend(growth(&bench)?);
    rows.extend(checks(&bench)?);
    rows.push(start_up(&bench)?);
    rows.push(suite(&bench)?);
    print!("{}", table::render(&rows));
    Ok(())
}

/// The benchmark workload of three days.
fn workload(bench: &Bench) -> Result<(Figures, Vec<Row>)> {
    let (figures, volume) = bench.played_and_counted(Path::new(WORKLOAD), SHORT_RUNS)?;
    let real_time = WORKLOAD_HOURS * 3600.0 / figures.wall_s;
    println!("workload: {} polls, {} edges, {} pressure readings in {WORKLOAD_HOURS} h", volume.polls, volume.edges, volume.readings);
    let wall = Row::new("72 h, whole process, wall time", figures.wall_s, "s").at_most(0.25).aim(0.05);
    let verified = bench.verified(Path::new(WORKLOAD), SHORT_RUNS)?;
    let rows = vec![
        wall.note(format!("{:.3} s of processor", figures.cpu_s)),
        Row::new("72 h, times real time", real_time / 1e6, "million").at_least(1.0),
        Row::new("72 h, peak memory", figures.peak_mb, "MB").at_most(64.0),
        Row::new("72 h, `rig verify` of it, wall time", verified.wall_s, "s")
            .at_most(0.3)
            .note(format!("{:.3} s of processor", verified.cpu_s)),
        Row::new("72 h, `rig verify` of it, peak memory", verified.peak_mb, "MB").at_most(64.0),
    ];
    Ok((figures, rows))
}

fn ninety_days(bench: &Bench, workload: &Figures) -> Result<[Row; 5]> {
    let figures = bench.played(Path::new(NINETY_DAYS), LONG_RUNS)?;
    let verified = bench.verified(Path::new(NINETY_DAYS), LONG_RUNS)?;
    let growth = (figures.peak_mb / workload.peak_mb - 1.0) * 100.0;
    let wall = Row::new("90 days, whole process, wall time", figures.wall_s, "s").at_most(6.0).aim(2.0);
    Ok([
        wall.note(format!("{:.2} s of processor", figures.cpu_s)),
        Row::new("90 days, peak memory", figures.peak_mb, "MB").at_most(64.0),
        Row::new("90 days, `rig verify` of it, wall time", verified.wall_s, "s").note(format!("{:.2} s of processor", verified.cpu_s)),
        Row::new("90 days, `rig verify` of it, peak memory", verified.peak_mb, "MB").at_most(64.0),
        Row::new("90 days, peak memory over that of 72 h", growth, "%").at_most(10.0),
    ])
}

/// Processor time, because what a shared machine does to the wall clock is not the rig's; of several runs the least disturbed one.
fn growth(bench: &Bench) -> Result<[Row; 2]> {
    let files = GROWTH_DAYS.map(|(days, _)| bench.scenario(&format!("growth-{days}.yaml"), &scenarios::days(days)));
    let files = files.into_iter().collect::<Result<Vec<_>>>()?;
    let mut least = [f64::INFINITY; GROWTH_DAYS.len()];
    let mut peaks = [0.0; GROWTH_DAYS.len()];
    let rounds = GROWTH_DAYS.map(|(_, runs)| runs).into_iter().min().unwrap_or(1);
    for _ in 0..rounds {
        // All lengths in turn, so that a machine that is busy for a while is busy for all of them.
        for (i, file) in files.iter().enumerate() {
            for _ in 0..GROWTH_DAYS[i].1 / rounds {
                let figures = bench.played(file, 1)?;
                least[i] = least[i].min(figures.cpu_s);
                peaks[i] = figures.peak_mb.max(peaks[i]);
            }
        }
    }
    let hours = |i: usize| f64::from(GROWTH_DAYS[i].0) * 24.0;
    let per_hour = |i: usize| (least[i + 1] - least[i]) / (hours(i + 1) - hours(i)) * 1e6;
    let costs: Vec<f64> = (0..GROWTH_DAYS.len() - 1).map(per_hour).collect();
    let (low, high) = costs.iter().fold((f64::INFINITY, 0.0f64), |(low, high), c| (low.min(*c), high.max(*c)));
    let listed: Vec<String> = costs.iter().map(|c| format!("{c:.0}")).collect();
    let cost = Row::new("3 to 90 days, spread of the cost of one more rig hour", (high / low - 1.0) * 100.0, "%").at_most(10.0);
    let memory = (peaks[GROWTH_DAYS.len() - 1] / peaks[0] - 1.0) * 100.0;
    Ok([
        cost.note(format!("{} µs of processor per rig hour", listed.join(", "))),
        Row::new("3 to 90 days, growth of peak memory", memory, "%").at_most(10.0),
    ])
}

fn checks(bench: &Bench) -> Result<[Row; 2]> {
    let few = bench.scenario("checks-0.yaml", &scenarios::checks(0))?;
    let many = bench.scenario("checks-1000.yaml", &scenarios::checks(CHECKS))?;
    let (mut walls, mut each, mut parse) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..SHORT_RUNS {
        let (without, with) = (bench.played(&few, 1)?, bench.played(&many, 1)?);
        let parsing = bench.checked(&many)?.cpu_s - bench.checked(&few)?.cpu_s;
        walls.push(with.wall_s * 1e3);
        parse.push(parsing * 1e6 / f64::from(CHECKS));
        each.push((with.cpu_s - without.cpu_s) * 1e6 / f64::from(CHECKS));
    }
    let (whole, parsing) = (median(&mut each), median(&mut parse));
    let row = Row::new("one more check, in engine and record", whole - parsing, "µs").at_most(20.0);
    Ok([
        Row::new("1000 checks in one scenario, whole process, wall time", median(&mut walls), "ms").at_most(50.0),
        row.note(format!("processor; and {parsing:.1} µs to parse it")),
    ])
}

fn start_up(bench: &Bench) -> Result<Row> {
    let file = bench.scenario("shortest.yaml", scenarios::SHORTEST)?;
    let figures = bench.played(&file, SHORT_RUNS)?;
    let row = Row::new("shortest scenario, whole process, wall time", figures.wall_s * 1e3, "ms").at_most(20.0);
    Ok(row.note("above start-up to first step"))
}

/// All of `scenarios/` but `soak`, as `rig` plays it without arguments.
fn suite(bench: &Bench) -> Result<Row> {
    let figures = bench.suite()?;
    Ok(Row::new("default suite, once, wall time", figures.wall_s, "s").note(format!("{:.2} s of processor", figures.cpu_s)))
}
