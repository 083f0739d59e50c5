//! `rig check`: every error of every file in one go.

use std::path::PathBuf;

use crate::failure::{Failure, USAGE};
use crate::{files, inputs, say};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Scenario files or folders; all of `scenarios/` without
    paths: Vec<PathBuf>,
    /// Bench file; the embedded simulated bench without
    #[arg(long, value_name = "FILE")]
    bench: Option<PathBuf>,
}

pub fn run(args: &Args) -> Result<u8, Failure> {
    let everything = [PathBuf::from(files::DEFAULT_SCENARIOS)];
    let paths = if args.paths.is_empty() { &everything[..] } else { &args.paths };
    let mut errors = inputs::Errors::default();
    let bench = inputs::certified_bench(args.bench.as_deref(), &mut errors);
    let suite = inputs::suite(paths, &mut errors);
    if !errors.is_empty() {
        say::err(&errors);
        return Ok(USAGE);
    }
    let cases: usize = suite.scenarios.iter().map(|s| s.cases.len()).sum();
    say::out(format_args!("well formed: {} scenarios with {cases} cases in all", suite.scenarios.len()));
    if let Some(inputs::CertifiedBench { bench, .. }) = bench {
        tell_lacking(&suite, &bench);
    }
    Ok(0)
}

fn tell_lacking(suite: &inputs::Suite, bench: &rig_model::bench::Bench) {
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
