//! What a run in real time costs: `cargo bench -p pump-rig --bench real_time` plays the process bench with some 100 edges/s and prints memory
//! and processor time of the run's own process, minute by minute. `RIG_MINUTES` says how long; five if it is not set.

#![allow(clippy::disallowed_methods, reason = "a benchmark reads the clock, starts processes and makes files")]

#[path = "common/mod.rs"]
mod common;

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// 1 mL/h at 180 pulses/µL are 50 pulses a second, and there are two channels.
const K_FACTOR: &str = "k_factor = \"180 pulses/µL\"";
const DEFAULT_MINUTES: u64 = 5;
/// For the prelude and the safe-down around the infusion.
const AROUND: Duration = Duration::from_secs(60);
/// `_SC_CLK_TCK` of every Linux that this runs on.
const TICKS_PER_SECOND: f64 = 100.0;

fn main() -> Result<()> {
    let minutes = std::env::var("RIG_MINUTES").map_or(Ok(DEFAULT_MINUTES), |m| m.parse()).context("`RIG_MINUTES` is no number")?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = tempfile::tempdir()?;
    let (bench, scenario, out) = (folder.path().join("bench.toml"), folder.path().join("infusion.yaml"), folder.path().join("reports"));
    let text = fs::read_to_string(root.join("rig/benches/process.toml"))?;
    fs::write(&bench, text.replace("k_factor = \"10 pulses/µL\"", K_FACTOR))?;
    fs::write(&scenario, infusion(minutes))?;
    let mut run = common::run(&scenario, &bench, &out).stderr(Stdio::null()).spawn()?;
    let result = watch(&mut run, minutes);
    if result.is_err() {
        run.kill()?;
    }
    let status = run.wait()?;
    result?;
    ensure!(status.success(), "the run ended in {status}");
    println!("edges in the journal: {:.1} a second", common::edges(&out)? as f64 / (minutes as f64 * 60.0));
    Ok(())
}

fn infusion(minutes: u64) -> String {
    format!(
        "scenario: COST-01\ntitle: What a run in real time costs\ntime_limit: {} min\ngiven: {{ pump: factory_reset, reservoir: 20 mL, catheter: primed }}\n\
         steps:\n  - program: {{ basal: 1 mL/h }}\n  - measure: all\n    on: flow.tip\n    for: {minutes} min\n    during: [start]\n  \
         - check: {{ volume_of: all, at_least: 1 µL }}\nfinally:\n  - stop\n",
        minutes + 10
    )
}

fn watch(run: &mut Child, minutes: u64) -> Result<()> {
    println!("{:>7}  {:>11}  {:>13}", "minute", "memory, MB", "processor, %");
    let began = Instant::now();
    let (mut before, mut minute) = (0.0, 1);
    while minute <= minutes {
        sleep(Duration::from_secs(60 * minute).saturating_sub(began.elapsed()));
        ensure!(run.try_wait()?.is_none(), "the run ended early");
        let (memory, processor) = used(run.id())?;
        println!("{minute:>7}  {memory:>11.1}  {:>13.2}", (processor - before) / 60.0 * 100.0);
        (before, minute) = (processor, minute + 1);
    }
    let until = Instant::now() + AROUND;
    while run.try_wait()?.is_none() {
        ensure!(Instant::now() < until, "the run does not end");
        sleep(Duration::from_millis(200));
    }
    Ok(())
}

/// Resident memory in MB and processor time in s.
fn used(process: u32) -> Result<(f64, f64)> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let resident = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).and_then(|l| l.split_whitespace().next());
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name may hold spaces; what follows its bracket does not.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |n: usize| fields.get(n).and_then(|t| t.parse::<f64>().ok()).context("processor time is not told");
    let kilobytes: f64 = resident.context("memory is not told")?.parse()?;
    Ok((kilobytes * 1024.0 / 1e6, (ticks(11)? + ticks(12)?) / TICKS_PER_SECOND))
}
