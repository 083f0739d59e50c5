//! How long the trumpet family takes: `cargo bench -p rig-metrology` computes start-up graph, trumpet and hour statistics of both window families from
//! 10,000,000 raw edges, streamed, and the trumpets with NumPy (`trumpet.py`) from the same edges, and holds both results against each other.
//!
//! `PYTHON` names another interpreter than `python3`.

#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "a benchmark reads the clock, starts a process and makes a file")]

use std::error::Error;
use std::fs::{File, remove_file};
use std::io::{BufWriter, Write};
use std::process::Command;
use std::time::Instant;

use rig_metrology::{CurvePlan, Curves, Method, Periods, PulseSampler, curves};
use rig_model::quantity::{Flow, Volume};
use rig_model::time::{RigTime, Span};

const EDGES: i64 = 10_000_000;
const HOURS: i64 = 72;
const RATE: Flow = Flow(1_000.0);
/// The limit in s.
const LIMIT: f64 = 1.0;
const RUNS: usize = 9;

fn main() -> Result<(), Box<dyn Error>> {
    let edges = edges();
    let mut took = Vec::new();
    let mut found = Vec::new();
    for _ in 0..RUNS {
        let began = Instant::now();
        found = family(&edges)?;
        took.push(began.elapsed().as_secs_f64());
    }
    took.sort_by(f64::total_cmp);
    let ours = took[RUNS / 2];
    let kept: usize = plans().iter().map(|plan| (HOURS * 3_600_000_000_000 / plan.method.sample().0) as usize * size_of::<f64>()).sum();
    let met = if ours <= LIMIT { "met" } else { "MISSED" };
    println!("trumpet family, {EDGES} edges in {HOURS} h, both window families: {ours:.4} s (median of {RUNS}), limit {LIMIT} s: {met}");
    println!("kept beside the edges: {kept} bytes, {:.5} of their size", kept as f64 / (EDGES * 8) as f64);
    match numpy(&edges, &found)? {
        Some((version, theirs)) => {
            println!("NumPy {version}: {theirs:.4} s; NumPy takes {:.1} times as long, with the same results", theirs / ours)
        }
        None => println!("no comparison: there is no Python with NumPy here; `PYTHON` may name one"),
    }
    Ok(())
}

fn pulse() -> Volume {
    Volume(RATE.0 * HOURS as f64 / EDGES as f64)
}

fn plans() -> [CurvePlan; 2] {
    let analysed = |method| CurvePlan { periods: Periods::StabilisationAndAnalysis, ..CurvePlan::new(method, RATE) };
    [Method::Volumetric, Method::Ambulatory].map(analysed)
}

/// In one pass.
fn family(edges: &[i64]) -> Result<Vec<Curves>, Box<dyn Error>> {
    let plans = plans();
    let mut samplers =
        [PulseSampler::new(RigTime::ZERO, plans[0].method.sample())?, PulseSampler::new(RigTime::ZERO, plans[1].method.sample())?];
    let pulse = pulse();
    for &at in edges {
        samplers.iter_mut().for_each(|sampler| sampler.push(RigTime(at), pulse));
    }
    let end = RigTime::ZERO + Span::hours(HOURS);
    samplers.into_iter().zip(&plans).map(|(sampler, plan)| Ok(curves(&sampler.finish(end)?, plan)?)).collect()
}

/// Near-periodic, each up to nine tenths of an interval late, in ns and in order; from a multiplicative generator of Park and Miller.
fn edges() -> Vec<i64> {
    let interval = HOURS * 3_600_000_000_000 / EDGES;
    let mut state: i64 = 20_260_101;
    let late = |_| {
        state = state * 48_271 % 2_147_483_647;
        state % (interval * 9 / 10)
    };
    (0..EDGES).zip((0..EDGES).map(late)).map(|(i, late)| i * interval + late).collect()
}

/// NumPy's version and median time; `None` if it isn't there. An error if it finds other curves.
fn numpy(edges: &[i64], ours: &[Curves]) -> Result<Option<(String, f64)>, Box<dyn Error>> {
    let file = std::env::temp_dir().join(format!("trumpet-{}.edges", std::process::id()));
    let mut out = BufWriter::new(File::create(&file)?);
    edges.iter().try_for_each(|at| out.write_all(&at.to_ne_bytes()))?;
    out.flush()?;
    let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    let mut command = Command::new(python);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/trumpet.py")).arg(&file);
    let output = command.args([HOURS as f64, RATE.0, pulse().0, RUNS as f64].map(|x| x.to_string())).output();
    remove_file(&file)?;
    let Ok(output) = output else { return Ok(None) };
    let (text, trouble) = (String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?);
    if trouble.contains("No module named 'numpy'") {
        return Ok(None);
    }
    if !output.status.success() {
        return Err(trouble.into());
    }
    let mut lines = text.lines();
    let (version, took) = lines.next().and_then(|line| line.split_once(' ')).ok_or("NumPy said nothing")?;
    let points = ours.iter().flat_map(|curves| &curves.trumpets).flat_map(|trumpet| &trumpet.points);
    for point in points {
        let (max, min) = lines.next().and_then(|line| line.split_once(' ')).ok_or("NumPy said too little")?;
        let same = |theirs: &str, ours: f64| theirs.parse::<f64>().is_ok_and(|theirs| (theirs - ours).abs() < 1e-7);
        if !same(max, point.max_percent) || !same(min, point.min_percent) {
            return Err(format!(
                "NumPy has {max} and {min} % for {}, the rig {} and {}",
                point.window, point.max_percent, point.min_percent
            )
            .into());
        }
    }
    Ok(Some((version.to_owned(), took.parse()?)))
}
