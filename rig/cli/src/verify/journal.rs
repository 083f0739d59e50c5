//! One pass over the journal: its chain, its header, every event and verdict derived again, and every report made again and held against its file.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, BufReader, Read, Write};

use rig_evidence::{FileDigest, Head, Sha256Hex};
use rig_model::event::{Event, RunEnded};
use rig_model::fact::{Body, Fact, Header, Note, WallClock};
use rig_model::time::RigTime;
use rig_model::verdict::Verdict;
use rig_record::{Cut, End, JournalReader, ReadError};
use rig_report::{HashingWriter, Palette, Summary};
use rig_runner::{Difference, Replay, Runner};

use super::files::Files;
use super::findings::Fault;
use super::header;
use super::reports::{Compared, Report};
use crate::commands::replay::{fields_that_differ, value};
use crate::inputs;

/// What one pass over a journal gave.
#[derive(Debug)]
pub struct Journal {
    pub header: Box<Header>,
    pub version: u32,
    pub lines: u64,
    /// Last link of its chain; none in version 1.
    pub head: Option<Sha256Hex>,
    pub digest: FileDigest,
    /// Where it is cut off, if it is.
    pub cut: Option<Cut>,
    pub ended: Option<RunEnded>,
    /// What follows from it, also where it is cut off.
    pub verdict: Option<Verdict>,
    /// Why the run is no evidence after all, in its own words.
    pub late: Vec<String>,
    /// What was noted of the clock on the wall last, and when.
    pub clock: Option<(RigTime, WallClock)>,
    /// The reports as they are there, by name; empty where they were not looked at.
    pub reports: BTreeMap<String, Report>,
}

impl Journal {
    /// How far it goes.
    pub fn end(&self) -> Head {
        Head { lines: self.lines, link: self.head, complete: self.cut.is_none() }
    }
}

/// Whether the reports are looked at: they are there once a run was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reports {
    Compared,
    NotYet,
}

/// Where a fault in the journal leaves the person who looks for it.
pub const CHANGED: &str =
    "keep this folder as it is and take the run from a copy that is intact; if there is none, the run has to be played again";

/// Reads the whole journal. The first fault ends it.
pub fn pass(files: &dyn Files, name: &str, reports: Reports) -> Result<Journal, Fault> {
    let mut input = Hashed::new(files.open(name).map_err(|error| not_readable(name, &error))?);
    let mut reader = JournalReader::new(BufReader::with_capacity(BUFFER, &mut input));
    let first = match reader.next() {
        Some(fact) => fact.map_err(|error| unreadable(name, &error))?.1,
        None => return Err(Fault::new(name, "it holds not even its first line", CHANGED).line(1)),
    };
    let Body::Header(header) = &first.body else { return Err(Fault::new(name, "it does not begin with a header", CHANGED).line(1)) };
    let header = header.clone();
    let bench = header::check(name, &header)?;
    let not_understood = |error: anyhow::Error| {
        let next = format!("verify with the version that made the run: {}", header.tool);
        Fault::new(name, format!("what was played can't be made out: {error:#}"), next).line(1)
    };
    let plan = inputs::plan_of_record(&header).map_err(not_understood)?;
    let runner = Runner::new(plan).map_err(|error| not_understood(error.into()))?;
    let compared = (reports == Reports::Compared).then(|| Compared::new(files, &bench, Vec::new()));
    let summary = Summary::new(Palette::plain());
    let mut follow =
        Follow { name, tool: &header.tool, replay: Replay::new(runner), compared, summary, ended: None, late: Vec::new(), clock: None };
    follow.take(1, &first)?;
    for fact in reader.by_ref() {
        let (line, fact) = fact.map_err(|error| unreadable(name, &error))?;
        follow.take(line, &fact)?;
    }
    let cut = match reader.end() {
        Some(End::CutOff(cut)) => Some(cut),
        Some(End::Complete) | None => None,
    };
    let (lines, version) = (reader.lines(), reader.version().unwrap_or(rig_record::VERSION));
    let head = reader.head().and_then(|head| Sha256Hex::parse(&head.to_string()));
    let Outcome { ended, verdict, mut reports, late, clock } = follow.finish(lines, cut)?;
    if !late.is_empty() && !reports.is_empty() {
        reports = marked(files, name, Compared::new(files, &bench, late.clone()))?;
    }
    let digest = input.finish().map_err(|error| not_readable(name, &error))?;
    Ok(Journal { version, lines, head, digest, cut, ended, verdict, late, clock, reports, header })
}

/// The reports of a run that turned out to be no evidence while it was played were made once more, with that in every row; so they are here.
fn marked(files: &dyn Files, name: &str, mut compared: Compared) -> Result<BTreeMap<String, Report>, Fault> {
    let input = files.open(name).map_err(|error| not_readable(name, &error))?;
    let mut reader = JournalReader::new(BufReader::with_capacity(BUFFER, input));
    for fact in reader.by_ref() {
        compared.take(&fact.map_err(|error| unreadable(name, &error))?.1);
    }
    compared.finish(reader.end() == Some(End::Complete))
}

/// Large enough that reading is worth its system call and hashing goes over long pieces.
const BUFFER: usize = 256 * 1024;

/// What is done with each fact.
struct Follow<'a> {
    name: &'a str,
    tool: &'a str,
    replay: Replay,
    compared: Option<Compared>,
    summary: Summary,
    ended: Option<RunEnded>,
    /// Why the run is no evidence after all.
    late: Vec<String>,
    clock: Option<(RigTime, WallClock)>,
}

struct Outcome {
    ended: Option<RunEnded>,
    verdict: Option<Verdict>,
    reports: BTreeMap<String, Report>,
    late: Vec<String>,
    clock: Option<(RigTime, WallClock)>,
}

/// How this program calls itself in a header.
const TOOL: &str = concat!("pump-rig ", env!("CARGO_PKG_VERSION"));

impl Follow<'_> {
    fn take(&mut self, line: u64, fact: &Fact) -> Result<(), Fault> {
        self.replay.take(fact).map_err(|difference| not_derived(self.name, self.tool, line, &difference))?;
        if let Some(compared) = &mut self.compared {
            compared.take(fact);
        }
        self.summary.take(fact);
        match &fact.body {
            Body::Event(Event::RunEnded(ended)) => self.ended = Some(ended.clone()),
            Body::Note(Note::NotEvidence { why }) => self.late.push(why.clone()),
            Body::Note(Note::WallClock(clock)) => self.clock = Some((fact.at, clock.clone())),
            _ => {}
        }
        Ok(())
    }

    /// After the last of so many facts.
    fn finish(self, lines: u64, cut: Option<Cut>) -> Result<Outcome, Fault> {
        let Self { name, tool, replay, compared, mut summary, ended, late, clock } = self;
        if cut.is_none() {
            replay.finish().map_err(|difference| not_derived(name, tool, lines + 1, &difference))?;
        }
        let reports = compared.map_or_else(|| Ok(BTreeMap::new()), |compared| compared.finish(cut.is_none()))?;
        summary.finish(if cut.is_none() { rig_report::End::Complete } else { rig_report::End::Cut });
        Ok(Outcome { ended, verdict: summary.verdict(), reports, late, clock })
    }
}

pub fn not_readable(name: &str, error: &io::Error) -> Fault {
    Fault::new(name, format!("it can't be read: {error}"), "see that the disk is sound and that you may read the file")
}

fn unreadable(name: &str, error: &ReadError) -> Fault {
    match error {
        ReadError::Io { source, .. } => not_readable(name, source).line(error.line()),
        ReadError::Chain { line, found, expected } => {
            let what = "the chain is broken: this line was changed, or lines before it were removed, added or moved";
            Fault::new(name, what, CHANGED).line(*line).differs(format!("the link {expected}"), format!("the link {found}"))
        }
        ReadError::Version { line: 1, found, .. } => {
            let what = format!("it has format version {found}, and this program knows 1 and {}", rig_record::VERSION);
            Fault::new(name, what, "verify it with the version that made it, or a later one").line(1)
        }
        _ => Fault::new(name, chain(error), CHANGED).line(error.line()),
    }
}

/// An error and what it came from, in one line.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}

fn not_derived(name: &str, tool: &str, line: u64, difference: &Difference) -> Fault {
    let what = "it does not follow from the inputs before it: derived again, something else stands in its place";
    let next = match tool {
        TOOL => CHANGED.to_owned(),
        tool => format!("the run was made by {tool} and this is {TOOL}: verify it with that version before anything is concluded"),
    };
    let fault = Fault::new(name, what, next).line(line);
    let fact = |fact: &Option<Fact>| fact.as_ref().map(value);
    match (fact(&difference.replayed), fact(&difference.recorded)) {
        (Some(expected), Some(found)) if expected["fact"]["kind"] == found["fact"]["kind"] => {
            let fields = fields_that_differ(&expected, &found);
            let [expected, found] = [true, false].map(|first| {
                let shown =
                    fields.iter().map(|(field, a, b)| format!("{} {}", field.trim_start_matches("fact."), if first { a } else { b }));
                shown.collect::<Vec<_>>().join(", ")
            });
            fault.differs(expected, found)
        }
        (expected, found) => {
            let [expected, found] = [expected, found].map(|fact| fact.map_or_else(|| "nothing".to_owned(), |fact| fact.to_string()));
            fault.differs(expected, found)
        }
    }
}

/// Hashes all that is read through it, so that no file is read twice.
struct Hashed {
    input: Box<dyn Read + Send>,
    hash: HashingWriter<io::Sink>,
}

impl Read for Hashed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.hash.write_all(&buffer[..read])?;
        Ok(read)
    }
}

impl Hashed {
    fn new(input: Box<dyn Read + Send>) -> Self {
        Self { input, hash: HashingWriter::new(io::sink()) }
    }

    /// Of all of it: what nobody has read yet is read.
    fn finish(mut self) -> io::Result<FileDigest> {
        io::copy(&mut self, &mut io::sink())?;
        let digest = self.hash.digest();
        let sha256 = Sha256Hex::parse(&digest.sha256).ok_or_else(|| io::Error::other("a digest that is none"))?;
        Ok(FileDigest { sha256, bytes: digest.bytes })
    }
}

/// SHA-256 and size of a file that nothing else is to be done with.
pub fn digest(files: &dyn Files, name: &str) -> Result<FileDigest, Fault> {
    files.open(name).and_then(|input| Hashed::new(input).finish()).map_err(|error| not_readable(name, &error))
}
