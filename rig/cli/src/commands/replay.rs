//! `rig replay`: derive all events again from the raw inputs, in a fresh process, and compare.

use std::path::PathBuf;

use anyhow::Context;
use rig_model::fact::Fact;
use rig_runner::{Difference, Replay, Runner};

use crate::commands::report::open;
use crate::failure::{BENCH, Failure, OrExit};
use crate::folder::RunFolder;
use crate::{inputs, say};

/// Record and replay differ.
const DIFFERENT: u8 = 4;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The run's folder
    run: PathBuf,
}

pub fn run(args: &Args) -> Result<u8, Failure> {
    let folder = RunFolder::open(&args.run);
    let mut journal = open(&folder)?;
    let plan = inputs::plan_of_record(&journal.header).or_exit(BENCH)?;
    let runner = Runner::new(plan).or_exit(BENCH)?;
    let mut replay = Replay::new(runner);
    let mut last = 1;
    if let Err(difference) = replay.take(&journal.first) {
        return Ok(differs(1, &difference));
    }
    for fact in journal.reader.by_ref() {
        let (line, fact) = fact.with_context(|| format!("failed to read `{}`", folder.journal().display())).or_exit(BENCH)?;
        last = line;
        if let Err(difference) = replay.take(&fact) {
            return Ok(differs(line, &difference));
        }
    }
    if journal.reader.end() != Some(rig_record::End::Complete) {
        say::out(format_args!("identical as far as the journal goes: {last} facts; it is cut off after that"));
        return Ok(BENCH);
    }
    match replay.finish() {
        Ok(()) => {
            say::out(format_args!("identical: {last} facts"));
            Ok(0)
        }
        Err(difference) => Ok(differs(last + 1, &difference)),
    }
}

fn differs(line: u64, difference: &Difference) -> u8 {
    let show = |fact: &Option<Fact>| fact.as_ref().map_or_else(|| "nothing".to_owned(), |f| format!("at {} ns: {:?}", f.at.0, f.body));
    say::out(format_args!("different at line {line}"));
    say::out(format_args!("  recorded: {}", show(&difference.recorded)));
    say::out(format_args!("  replayed: {}", show(&difference.replayed)));
    DIFFERENT
}
