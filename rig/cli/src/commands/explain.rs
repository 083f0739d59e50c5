//! `rig explain`: how one verdict of a run came about, with the uncertainty budget of its value.

use std::path::PathBuf;

use anyhow::Context;
use rig_report::{Explanation, Finder, Found, Palette};

use crate::commands::report::open;
use crate::failure::{BENCH, Failure, OrExit, USAGE, failure};
use crate::folder::RunFolder;
use crate::terminal::Terminal;
use crate::{marks, say, signed};

/// The row states another uncertainty than its budget gives.
const DIFFERENT: u8 = 4;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The run's folder
    run: PathBuf,
    /// Which check: its row in results.csv, `SCENARIO:steps.4`, `SCENARIO/CASE:steps.4`, `steps.4`, or a part of its text
    check: String,
}

pub fn run(args: &Args, terminal: &Terminal) -> Result<u8, Failure> {
    let folder = RunFolder::open(&args.run);
    let mut journal = open(&folder)?;
    let mut finder = Finder::new(&args.check);
    finder.take(&marks::marked(&journal.first));
    for fact in journal.reader.by_ref() {
        let (_, fact) = fact.with_context(|| format!("failed to read `{}`", folder.journal().display())).or_exit(BENCH)?;
        finder.take(&fact);
    }
    let found = finder.found();
    if journal.reader.end() != Some(rig_record::End::Complete) {
        say::err("the journal is cut off: a FAIL that was proven by then stands, and nothing passed");
    }
    match found {
        Found::One(explanation) => {
            let code = tell(&explanation, terminal);
            signed::tell_row(&folder, &journal.header.run_id, explanation.row(), terminal);
            Ok(code)
        }
        Found::Many { candidates, more } => {
            say::err(format_args!("`{}` may be each of these; take the number of one:", args.check));
            candidates.iter().for_each(say::err);
            if more > 0 {
                say::err(format_args!("       and {more} more"));
            }
            Ok(USAGE)
        }
        Found::None { rows } => {
            let folder = args.run.display();
            let rows = if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") };
            Err(failure(
                USAGE,
                format!("no check of `{folder}` is `{}`; results.csv has {rows}, and `check` and `step` in them", args.check),
            ))
        }
    }
}

fn tell(explanation: &Explanation, terminal: &Terminal) -> u8 {
    if terminal.json {
        say::out(explanation.json());
    } else {
        say::text(&explanation.render(if terminal.colour { Palette::ansi() } else { Palette::plain() }));
    }
    if explanation.agrees() { 0 } else { DIFFERENT }
}
