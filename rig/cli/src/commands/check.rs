//! `rig check`: every error of every file in one go.

use std::path::PathBuf;

use crate::failure::{Failure, OrExit, USAGE};
use crate::{files, inputs};

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
    let sources = files::scenario_files(paths).or_exit(USAGE)?;
    let bench = inputs::bench(args.bench.as_deref());
    let suite = inputs::suite(sources);
    let mut ok = true;
    if let Err(error) = &bench {
        eprintln!("{error:#}");
        ok = false;
    }
    match (suite, bench) {
        (Err(errors), _) => {
            eprintln!("{}", inputs::together(&errors));
            ok = false;
        }
        (Ok(suite), bench) => {
            let cases: usize = suite.scenarios.iter().map(|s| s.cases.len()).sum();
            println!("{} scenarios with {cases} cases are well formed", suite.scenarios.len());
            if let Ok((bench, _)) = bench {
                tell_lacking(&suite, &bench);
            }
        }
    }
    Ok(if ok { 0 } else { USAGE })
}

fn tell_lacking(suite: &inputs::Suite, bench: &rig_model::bench::Bench) {
    for scenario in &suite.scenarios {
        for case in &scenario.cases {
            let lacking = rig_scenario::lacking(case, bench);
            if !lacking.is_empty() {
                let name = format!("{} {}", scenario.id, case.label);
                println!("{}: bench `{}` would skip it: {}", name.trim_end(), bench.name, lacking.join("; "));
            }
        }
    }
}
