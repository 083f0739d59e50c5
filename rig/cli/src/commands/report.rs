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
use crate::recorder::flow_channels;
use crate::terminal::Terminal;
use crate::{inputs, marks, say};

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
    let mut journal = open(&record)?;
    let bench = inputs::bench_of_record(&journal.header).or_exit(BENCH)?;
    let out = RunFolder::open(args.out.as_deref().unwrap_or(&args.run));
    std::fs::create_dir_all(out.path()).with_context(|| format!("failed to make `{}`", out.path().display())).or_exit(BENCH)?;

    let late = marks::late(&record, &journal.header)?;
    let mut views = Views::new(flow_channels(&bench), |name| out.partial(name)).marked(late);
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
    say::text(&summary.render());
    if let Some(error) = trouble {
        let error = anyhow::Error::new(error);
        say::err(format_args!(
            "error: the journal can't be read to its end: {error:#}; what was proven by then stands, nothing else passed"
        ));
    } else if !complete {
        say::err("the journal is cut off: what was proven by then stands, nothing else passed");
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
