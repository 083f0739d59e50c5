//! `rig report`: all views of a run again, from its journal.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use anyhow::{Context, anyhow};
use rig_model::fact::{Body, Fact, Header};
use rig_model::verdict::Verdict;
use rig_record::JournalReader;
use rig_report::{End, HashingWriter, Palette, Summary, Views};

use crate::failure::{BENCH, Failure, OrExit, USAGE, failure};
use crate::folder::{JOURNAL, RunFolder};
use crate::inputs;
use crate::recorder::flow_channels;
use crate::terminal::Terminal;

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
    let mut journal = open(&record).or_exit(USAGE)?;
    let bench = inputs::bench_of_record(&journal.header).or_exit(USAGE)?;
    let out = RunFolder::open(args.out.as_deref().unwrap_or(&args.run));
    std::fs::create_dir_all(out.path()).with_context(|| format!("failed to make `{}`", out.path().display())).or_exit(BENCH)?;

    let mut views = Views::new(flow_channels(&bench), |name| out.partial(name));
    let mut summary = Summary::new(if terminal.colour { Palette::ansi() } else { Palette::plain() });
    views.take(&journal.first);
    summary.take(&journal.first);
    let mut trouble = None;
    let mut exit = None;
    for fact in journal.reader.by_ref() {
        match fact {
            Ok((_, fact)) => {
                views.take(&fact);
                summary.take(&fact);
                if let Body::Event(rig_model::event::Event::RunEnded(ended)) = &fact.body {
                    exit = Some(ended.exit_code);
                }
            }
            Err(error) => trouble = Some(error),
        }
    }
    let complete = trouble.is_none() && journal.reader.end() == Some(rig_record::End::Complete);
    let end = if complete { End::Complete } else { End::Cut };
    summary.finish(end);
    let digest = digest_of(&record).or_exit(BENCH)?;
    let finished = views.finish(end, [(JOURNAL.to_owned(), digest)], |name| out.partial(name));
    out.complete(finished.files.keys().map(String::as_str).filter(|name| *name != JOURNAL)).or_exit(BENCH)?;
    print!("{}", summary.render());
    if let Some(error) = trouble {
        eprintln!("error: the journal can't be read to its end: {error}");
    } else if !complete {
        eprintln!("the journal is cut off: what was proven by then stands, nothing else passed");
    }
    if let Some(error) = finished.errors.first() {
        return Err(failure(BENCH, error.to_string()));
    }
    Ok(match (exit, summary.verdict()) {
        (Some(code), _) if complete => code,
        (_, Some(Verdict::Fail)) => 1,
        (_, Some(Verdict::Aborted)) => 5,
        _ => BENCH,
    })
}

fn digest_of(record: &RunFolder) -> anyhow::Result<rig_report::Digest> {
    let path = record.journal();
    let reading = || format!("failed to read `{}`", path.display());
    let mut file = File::open(&path).with_context(reading)?;
    let mut hash = HashingWriter::new(std::io::sink());
    std::io::copy(&mut file, &mut hash).with_context(reading)?;
    Ok(hash.digest())
}

/// Opens the journal of a run and reads its header.
pub fn open(folder: &RunFolder) -> anyhow::Result<OpenJournal> {
    let path = folder.journal();
    let file = File::open(&path).with_context(|| format!("failed to open the journal `{}`", path.display()))?;
    let mut reader = JournalReader::new(BufReader::with_capacity(1 << 18, file));
    let first = reader.next().ok_or_else(|| anyhow!("the journal `{}` is empty", path.display()))?;
    let (_, first) = first.with_context(|| format!("failed to read `{}`", path.display()))?;
    let Body::Header(header) = first.body.clone() else {
        return Err(anyhow!("`{}` does not begin with a header", path.display()));
    };
    Ok(OpenJournal { reader, first, header })
}
