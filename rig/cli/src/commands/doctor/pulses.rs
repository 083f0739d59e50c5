//! `rig doctor --pulses`: the edges of a channel's lines as they come.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use rig_bench::{PulseCounter, Report, inputs_of};
use rig_model::bench::{Bench, Wiring};
use rig_model::time::Span;
use serde::Serialize;

use crate::failure::{BENCH, Failure, OrExit, USAGE, failure};
use crate::say;
use crate::terminal::Terminal;

const SECOND: Duration = Duration::from_secs(1);
/// How soon Ctrl-C is heeded.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// One second of it, for machines.
#[derive(Serialize)]
struct Row<'r> {
    elapsed_s: f64,
    lines: &'r [Report],
}

pub fn run(bench: &Bench, channel: &str, length: Option<Duration>, terminal: &Terminal) -> Result<u8, Failure> {
    let specs = inputs_of(bench, channel);
    if specs.is_empty() {
        let edged = bench.channels.iter().filter(|c| matches!(c.wiring, Some(Wiring::Edges(_)))).map(|c| format!("`{}`", c.name));
        let there = edged.collect::<Vec<_>>().join(", ");
        return Err(failure(USAGE, format!("bench `{}` has no pulses of `{channel}`; it has those of {there}", bench.name)));
    }
    let ended = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, ended.clone()).context("failed to listen to signals").or_exit(BENCH)?;
    }
    let mut counter = PulseCounter::take(bench, &specs).or_exit(BENCH)?;
    let began = Instant::now();
    let mut reported = began;
    while !ended.load(Ordering::Relaxed) && length.is_none_or(|length| began.elapsed() < length) {
        counter.wait(LOOK_EVERY).or_exit(BENCH)?;
        let over = reported.elapsed();
        if over >= SECOND {
            reported = Instant::now();
            let reports = counter.report(Span(i64::try_from(over.as_nanos()).unwrap_or(i64::MAX))).or_exit(BENCH)?;
            tell(began.elapsed(), &reports, terminal);
        }
    }
    Ok(0)
}

fn tell(elapsed: Duration, reports: &[Report], terminal: &Terminal) {
    let elapsed_s = elapsed.as_secs_f64();
    if terminal.json {
        say::out(serde_json::to_string(&Row { elapsed_s, lines: reports }).expect("numbers and texts"));
        return;
    }
    for report in reports {
        let interval = |ns: Option<i64>| ns.map_or("–".to_owned(), |ns| Span(ns).to_string());
        let Report { line, edges, lost, per_second, shortest_ns, median_ns, active } = report;
        let level = if *active { "active" } else { "inactive" };
        say::out(format_args!(
            "{elapsed_s:>6.0} s  {line:<24} {edges:>9} edges  {lost:>5} lost  {per_second:>8.1} /s  shortest {}  median {}  {level}",
            interval(*shortest_ns),
            interval(*median_ns)
        ));
    }
}
