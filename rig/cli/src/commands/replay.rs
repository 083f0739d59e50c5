//! `rig replay`: derive all events again from the raw inputs, in a fresh process, and compare.

use std::path::PathBuf;

use anyhow::Context;
use rig_model::fact::{Body, Fact};
use rig_runner::{Difference, Replay, Runner};
use serde_json::Value;

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
    say::out(format_args!("different at line {line}"));
    if let (Some(recorded), Some(replayed)) = (&difference.recorded, &difference.replayed) {
        for (field, recorded, replayed) in fields_that_differ(&value(recorded), &value(replayed)) {
            say::out(format_args!("  {field}: recorded {recorded}, replayed {replayed}"));
        }
    }
    let show = |fact: &Option<Fact>| fact.as_ref().map_or_else(|| "nothing".to_owned(), |f| value(f).to_string());
    say::out(format_args!("  recorded: {}", show(&difference.recorded)));
    say::out(format_args!("  replayed: {}", show(&difference.replayed)));
    DIFFERENT
}

/// A fact as the journal has it.
pub fn value(fact: &Fact) -> Value {
    let body = match &fact.body {
        Body::Header(header) => serde_json::to_value(header),
        Body::Input(input) => serde_json::to_value(input),
        Body::Action(action) => serde_json::to_value(action),
        Body::Event(event) => serde_json::to_value(event),
        Body::Note(note) => serde_json::to_value(note),
    };
    serde_json::json!({ "t": fact.at, "fact": body.unwrap_or_else(|e| Value::String(e.to_string())) })
}

/// Paths of the leaves that differ, with both values.
pub fn fields_that_differ(a: &Value, b: &Value) -> Vec<(String, Value, Value)> {
    let (Value::Object(left), Value::Object(right)) = (a, b) else {
        return if a == b { Vec::new() } else { vec![(String::new(), a.clone(), b.clone())] };
    };
    let names: std::collections::BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    let of = |map: &serde_json::Map<String, Value>, name: &str| map.get(name).cloned().unwrap_or(Value::Null);
    let differ = |name: &String| {
        let inner = fields_that_differ(&of(left, name), &of(right, name));
        inner
            .into_iter()
            .map(|(path, a, b)| (if path.is_empty() { name.clone() } else { format!("{name}.{path}") }, a, b))
            .collect::<Vec<_>>()
    };
    names.into_iter().flat_map(differ).collect()
}
