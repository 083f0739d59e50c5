//! `rig report`: all views of a run again, from its journal.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use rig_model::fact::{Body, Fact, Header};
use rig_model::verdict::Verdict;
use rig_record::JournalReader;
use rig_report::{HashingWriter, Palette};

use crate::failure::{BENCH, Failure, OrExit, USAGE, failure};
use crate::folder::{JOURNAL, RunFolder};
use crate::keeping::Keeping;
use crate::rebuild::{Rebuilt, rebuild};
use crate::terminal::Terminal;
use crate::{inputs, say, signed};

mod again;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The run's folder
    run: PathBuf,
    /// Write the reports into this folder instead of the run's own
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

/// A journal opened at its second line.
pub struct OpenJournal {
    pub reader: JournalReader<BufReader<File>>,
    pub first: Fact,
    pub header: Box<Header>,
}

pub fn run(args: &Args, terminal: &Terminal) -> Result<u8, Failure> {
    let record = RunFolder::open(&args.run);
    let journal = open(&record)?;
    let run_id = journal.header.run_id.clone();
    let bench = inputs::bench_of_record(&journal.header).or_exit(BENCH)?;
    let out = RunFolder::open(args.out.as_deref().unwrap_or(&args.run));
    std::fs::create_dir_all(out.path()).with_context(|| format!("failed to make `{}`", out.path().display())).or_exit(BENCH)?;
    let in_place = is_same(out.path(), record.path());
    if in_place {
        record.refuse_if_alive().or_exit(BENCH)?;
    }
    let palette = if terminal.colour { Palette::ansi() } else { Palette::plain() };
    let rebuilt = rebuild(&record, journal, &bench, &out, palette).or_exit(BENCH)?;
    if in_place { again::close(&record, &rebuilt) } else { rebuilt.contents.close(&out, Keeping::AtLeisure).map(drop) }.or_exit(BENCH)?;
    say::text(&rebuilt.summary.render());
    signed::tell_open(&record, &run_id);
    tell_how_it_ends(&rebuilt);
    if let Some(error) = rebuilt.errors.first() {
        return Err(failure(BENCH, error.to_string()));
    }
    Ok(match (rebuilt.exit_code, rebuilt.summary.verdict()) {
        (Some(code), _) => code,
        (_, Some(Verdict::Fail)) => 1,
        (_, Some(Verdict::Aborted)) => 5,
        _ => BENCH,
    })
}

fn tell_how_it_ends(rebuilt: &Rebuilt) {
    if let Some(error) = &rebuilt.unreadable {
        let error = rig_report::printable(&chain(error));
        say::err(format_args!("error: the journal can't be read to its end: {error}; what was proven by then stands, nothing else passed"));
    } else if !rebuilt.complete() {
        say::err("the journal is cut off: what was proven by then stands, nothing else passed");
    }
}

/// An error and what it came from, in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}

fn is_same(a: &Path, b: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    real(a).is_some_and(|a| Some(a) == real(b))
}

pub fn digest_of(record: &RunFolder) -> anyhow::Result<rig_report::Digest> {
    let path = record.journal();
    let reading = || format!("failed to read `{}`", path.display());
    let mut file = File::open(&path).with_context(reading)?;
    let mut hash = HashingWriter::new(std::io::sink());
    std::io::copy(&mut file, &mut hash).with_context(reading)?;
    Ok(hash.digest())
}

/// Opens the journal of a run and reads its header. No journal is bad usage; one that has no header is bad data.
pub fn open(folder: &RunFolder) -> Result<OpenJournal, Failure> {
    let path = folder.journal();
    if !path.exists() {
        let run = folder.path().display();
        return Err(failure(
            USAGE,
            format!("there is no {JOURNAL} in `{run}`: name the folder of one run, as `rig run` shows it at its end"),
        ));
    }
    let file = File::open(&path).with_context(|| format!("failed to open the journal `{}`", path.display())).or_exit(BENCH)?;
    let mut reader = JournalReader::new(BufReader::with_capacity(1 << 18, file));
    let nothing = || anyhow!("the journal `{}` holds not even its first line: nothing of this run was recorded", path.display());
    let (_, first) = reader.next().ok_or_else(nothing).or_exit(BENCH)?.with_context(|| format!("`{}`", path.display())).or_exit(BENCH)?;
    let Body::Header(header) = first.body.clone() else {
        return Err(failure(BENCH, format!("`{}` does not begin with a header", path.display())));
    };
    Ok(OpenJournal { reader, first, header })
}
