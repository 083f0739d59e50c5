//! `rig check`: every error of every file in one go, and what the bench could not decide.

use std::path::PathBuf;

use rig_model::bench::Bench;

use crate::commands::run::now_utc;
use crate::failure::{Failure, USAGE};
use crate::terminal::Terminal;
use crate::{decidability, files, inputs, say};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Scenario files or folders; all of `scenarios/` without
    paths: Vec<PathBuf>,
    /// Bench file; the embedded simulated bench without
    #[arg(long, value_name = "FILE")]
    bench: Option<PathBuf>,
    /// Show every check with its expected value, uncertainty and test uncertainty ratio, not only what the bench can't decide
    #[arg(long)]
    all: bool,
    /// Exit 2 if the bench could not decide a check
    #[arg(long)]
    require_decidable: bool,
}

pub fn run(args: &Args, terminal: &Terminal) -> Result<u8, Failure> {
    let everything = [PathBuf::from(files::DEFAULT_SCENARIOS)];
    let paths = if args.paths.is_empty() { &everything[..] } else { &args.paths };
    let mut errors = inputs::Errors::default();
    let bench = inputs::certified_bench(args.bench.as_deref(), &mut errors);
    let suite = inputs::suite(paths, &mut errors);
    if !errors.is_empty() {
        say::err(&errors);
        return Ok(USAGE);
    }
    let Some(inputs::CertifiedBench { bench, .. }) = bench else { return Ok(USAGE) };
    let bad = tell(args, terminal, &suite, &bench);
    Ok(if args.require_decidable && bad > 0 { USAGE } else { 0 })
}

/// Says what was found; how many checks the bench could not decide.
fn tell(args: &Args, terminal: &Terminal, suite: &inputs::Suite, bench: &Bench) -> usize {
    let cases = suite.scenarios.iter().flat_map(|s| (0..s.cases.len()).map(move |i| (&**s, i)));
    let plans = decidability::plans(cases, bench);
    let tally = decidability::tally(&plans);
    let warnings = inputs::warnings(bench, &now_utc());
    if terminal.json {
        decidability::tell_json(&plans);
        warnings.iter().for_each(|warning| say::err(format_args!("warning: {warning}")));
        return tally.bad;
    }
    let cases: usize = suite.scenarios.iter().map(|s| s.cases.len()).sum();
    let many = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    say::out(format_args!("well formed: {} with {} in all", many(suite.scenarios.len(), "scenario"), many(cases, "case")));
    warnings.iter().for_each(|warning| say::out(format_args!("warning: {warning}")));
    tell_lacking(suite, bench);
    decidability::texts(&plans, args.all).for_each(say::out);
    if bench.dut.stroke.is_none() {
        say::out("`[dut]` states no `stroke_volume` and `stroke_duration`: whole strokes, and the flow within one, are not reckoned with");
    }
    say::out(format_args!("bench `{}`: {tally}", bench.name));
    tally.bad
}

fn tell_lacking(suite: &inputs::Suite, bench: &Bench) {
    for scenario in &suite.scenarios {
        for case in &scenario.cases {
            let lacking = rig_scenario::lacking(case, bench);
            if !lacking.is_empty() {
                let name = format!("{} {}", scenario.id, case.label);
                let (name, lacking) = (name.trim_end(), lacking.join("; "));
                say::out(format_args!("{name}: bench `{}` would skip it: {lacking}", bench.name));
            }
        }
    }
}
