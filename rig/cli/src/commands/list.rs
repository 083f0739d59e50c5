//! `rig list`: the scenarios and their cases.

use std::path::PathBuf;

use crate::commands::run::Selection;
use crate::failure::{Failure, USAGE};
use crate::terminal::Terminal;
use crate::{files, inputs, say};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    selection: Selection,
}

pub fn run(args: &Args, terminal: &Terminal) -> Result<u8, Failure> {
    let everything = vec![PathBuf::from(files::DEFAULT_SCENARIOS)];
    let paths = if args.selection.paths.is_empty() { &everything } else { &args.selection.paths };
    let mut errors = inputs::Errors::default();
    let suite = inputs::suite(paths, &mut errors);
    if !errors.is_empty() {
        say::err(&errors);
        return Ok(USAGE);
    }
    for (scenario, case) in args.selection.cases(&suite) {
        let label = &scenario.cases[case].label;
        if terminal.json {
            let line = serde_json::json!({
                "scenario": &*scenario.id, "case": label, "title": scenario.title, "tags": scenario.tags, "file": scenario.file,
            });
            say::out(line);
        } else {
            let name = format!("{} {label}", scenario.id);
            say::out(format_args!("{:<44} {:<20} {}", name.trim_end(), scenario.tags.join(","), scenario.title));
        }
    }
    Ok(0)
}
