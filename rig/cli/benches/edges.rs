//! How many edges a second a whole run takes: `cargo bench -p pump-rig --bench edges` plays an infusion on the simulated bench whose two flow sensors
//! give 36,000 pulses/µL, which at 1 mL/h are 10,000 edges a second of rig time each, and divides all edges in the journal by the time that the run took,
//! and by the time that `rig verify` takes over it.

#![allow(clippy::disallowed_methods, reason = "a benchmark reads the clock, starts processes and makes files")]

#[path = "common/mod.rs"]
mod common;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Result, ensure};
use nix::sys::resource::{UsageWho, getrusage};

/// So much of rig time, and so many edges of both channels in it at the least.
const SECONDS: u64 = 200;
const EDGES: u64 = 3_000_000;
/// Edges a second: into the chained journal and all reports, and through every check of `rig verify`.
const WRITTEN: f64 = 1_000_000.0;
const VERIFIED: f64 = 2_000_000.0;
/// How often the run is verified; the middle one counts.
const TIMES: usize = 5;

fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = tempfile::tempdir()?;
    let (bench, scenario, out) = (folder.path().join("bench.toml"), folder.path().join("flood.yaml"), folder.path().join("reports"));
    let text = fs::read_to_string(root.join("rig/benches/sim.toml"))?;
    let text = text
        .replace("k_factor = \"10 pulses/µL\"", "k_factor = \"36000 pulses/µL\"")
        .replace("max_flow = \"2 L/h\"", "max_flow = \"1000 L/h\"");
    fs::write(&bench, text.replace("edge_jitter = \"50 µs\"", "edge_jitter = \"0 µs\""))?;
    fs::write(&scenario, flood())?;
    let began = Instant::now();
    let status = common::run(&scenario, &bench, &out).status()?;
    let took = began.elapsed().as_secs_f64();
    ensure!(status.success(), "the run ended in {status}");
    let peak = getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss() as f64 * 1024.0 / 1e6;
    let edges = common::edges(&out)?;
    ensure!(edges >= EDGES, "only {edges} edges came");
    let rate = edges as f64 / took;
    println!(
        "{edges} edges in {took:.2} s, chained, all reports written: {rate:.0} a second, {:.1} times the target; {peak:.1} MB at most",
        rate / WRITTEN
    );
    let mut times = (0..TIMES).map(|_| verify(&common::folder(&out)?)).collect::<Result<Vec<_>>>()?;
    times.sort_by(f64::total_cmp);
    let took = times[TIMES / 2];
    let rate = edges as f64 / took;
    let peak = getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss() as f64 * 1024.0 / 1e6;
    println!("verified in {took:.2} s: {rate:.0} a second, {:.1} times the target; {peak:.1} MB at most", rate / VERIFIED);
    Ok(())
}

/// Seconds that `rig verify` takes over a run.
fn verify(run: &Path) -> Result<f64> {
    let began = Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_rig")).arg("verify").arg(run).output()?;
    ensure!(output.status.success(), "`rig verify` ended in {}: {}", output.status, String::from_utf8_lossy(&output.stdout));
    Ok(began.elapsed().as_secs_f64())
}

fn flood() -> String {
    format!(
        "scenario: FLOOD-01\ntitle: As many edges as there are\ntime_limit: 1 h\ngiven: {{ pump: factory_reset, reservoir: 20 mL, catheter: primed }}\n\
         steps:\n  - program: {{ basal: 1 mL/h }}\n  - measure: all\n    on: flow.tip\n    for: {SECONDS} s\n    during: [start]\n  \
         - check: {{ volume_of: all, at_least: 40 µL }}\nfinally:\n  - stop\n"
    )
}
