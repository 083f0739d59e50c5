//! How many edges a second a whole run takes: `cargo bench -p pump-rig --bench edges` plays an infusion on the simulated bench whose two flow sensors
//! give 36,000 pulses/µL, which at 1 mL/h are 10,000 edges a second of rig time each, and divides all edges in the journal by the time that the run took.

#![allow(clippy::disallowed_methods, reason = "a benchmark reads the clock, starts processes and makes files")]

#[path = "common/mod.rs"]
mod common;

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Result, ensure};
use nix::sys::resource::{UsageWho, getrusage};

/// So much of rig time, and so many edges of both channels in it at the least.
const SECONDS: u64 = 200;
const EDGES: u64 = 3_000_000;
/// What a bench must be able to take.
const TARGET: f64 = 100_000.0;

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
        "{edges} edges in {took:.2} s, all reports written: {rate:.0} a second, {:.1} times the target; {peak:.1} MB at most",
        rate / TARGET
    );
    Ok(())
}

fn flood() -> String {
    format!(
        "scenario: FLOOD-01\ntitle: As many edges as there are\ntime_limit: 1 h\ngiven: {{ pump: factory_reset, reservoir: 20 mL, catheter: primed }}\n\
         steps:\n  - program: {{ basal: 1 mL/h }}\n  - measure: all\n    on: flow.tip\n    for: {SECONDS} s\n    during: [start]\n  \
         - check: {{ volume_of: all, at_least: 40 µL }}\nfinally:\n  - stop\n"
    )
}
