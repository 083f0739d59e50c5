//! Where the facts of a live run go: the journal first, then the views, then the terminal.

use std::fs::File;
use std::io::BufWriter;

use rig_model::bench::{Bench, BenchKind, Instrument};
use rig_model::event::Event;
use rig_model::fact::{Body, Fact, FactSink, Note, SinkError};
use rig_record::{JournalWriter, WriteError};
use rig_report::{Digest, End, FlowChannel, HashingWriter, Summary, Views};

use crate::clock::ClockWatch;
use crate::folder::{JOURNAL, RunFolder};
use crate::marks;
use crate::progress::Progress;

type JournalFile = BufWriter<HashingWriter<File>>;

/// Takes facts as they come. Only the journal may make a run fail; a view that fails is named at the end and can be rebuilt.
pub struct Recorder {
    folder: RunFolder,
    journal: JournalWriter<JournalFile>,
    keeping: Keeping,
    views: Views,
    summary: Summary,
    progress: Progress,
    channels: Vec<FlowChannel>,
    /// Until the run has ended.
    clock: Option<ClockWatch>,
    /// Why the run is no evidence after all.
    late: Vec<String>,
}

/// How soon the journal is out of the program's hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keeping {
    /// Virtual time: in large pieces.
    InPieces,
    /// Simulated in real time: with the system at each step's end.
    Flushed,
    /// A real bench: on the disk at each step's end.
    Synced,
}

impl Keeping {
    fn of(kind: BenchKind) -> Self {
        match kind {
            BenchKind::Sim => Self::InPieces,
            BenchKind::Process => Self::Flushed,
            BenchKind::Pi => Self::Synced,
        }
    }
}

/// What is left when a run has been recorded.
pub struct Recorded {
    pub summary: Summary,
    /// What went wrong with the views, in sentences.
    pub troubles: Vec<String>,
}

impl Recorder {
    pub fn create(folder: RunFolder, bench: &Bench, summary: Summary, progress: Progress) -> std::io::Result<Self> {
        let file = folder.partial(JOURNAL)?.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        let journal = JournalWriter::new(BufWriter::with_capacity(1 << 18, HashingWriter::new(file)));
        let channels = flow_channels(bench);
        let views = Views::new(channels.clone(), |name| folder.partial(name));
        let keeping = Keeping::of(bench.kind);
        Ok(Self { folder, journal, keeping, views, summary, progress, channels, clock: None, late: Vec::new() })
    }

    /// Notes the clock on the wall at the end of the run.
    pub fn watching(self, clock: Option<ClockWatch>) -> Self {
        Self { clock, ..self }
    }

    pub fn progress(&mut self) -> &mut Progress {
        &mut self.progress
    }

    /// Closes the record. A journal that could not be written keeps its partial name, and so does every view that failed.
    pub fn close(mut self, end: End) -> Recorded {
        self.progress.close();
        self.summary.finish(end);
        let mut troubles = Vec::new();
        let journal = match close_journal(self.journal) {
            Ok(digest) => Some((JOURNAL.to_owned(), digest)),
            Err(error) => {
                troubles.push(format!("the journal is not whole: {error}"));
                None
            }
        };
        let end = if journal.is_some() { end } else { End::Cut };
        let views = if self.late.is_empty() {
            Some(self.views)
        } else {
            // Their files are written anew.
            drop(self.views);
            marks::views(&self.folder, self.channels, self.late).map_err(|error| troubles.push(format!("{error:#}"))).ok()
        };
        let Some(views) = views else { return Recorded { summary: self.summary, troubles } };
        let finished = views.finish(end, journal, |name| self.folder.partial(name));
        troubles.extend(finished.errors.iter().map(|e| format!("{e}; `rig report {}` builds it again", self.folder.path().display())));
        if let Err(error) = self.folder.complete(finished.files.keys().map(String::as_str)) {
            troubles.push(format!("{error:#}"));
        }
        Recorded { summary: self.summary, troubles }
    }
}

impl Recorder {
    /// A step has ended: what was recorded until then must not be lost any more.
    fn keep(&mut self) -> Result<(), SinkError> {
        if self.keeping == Keeping::InPieces {
            return Ok(());
        }
        self.journal.flush().map_err(|e| SinkError { what: e.to_string(), source: Some(Box::new(e)) })?;
        if self.keeping == Keeping::Synced {
            let file = self.journal.get_ref().get_ref().get_ref();
            file.sync_data()
                .map_err(|e| SinkError { what: format!("the disk does not keep the journal: {e}"), source: Some(Box::new(e)) })?;
        }
        Ok(())
    }
}

impl FactSink for Recorder {
    fn record(&mut self, fact: &Fact) -> Result<(), SinkError> {
        if matches!(fact.body, Body::Event(Event::RunEnded(_)))
            && let Some(clock) = self.clock.take()
        {
            clock.end(fact.at).iter().try_for_each(|note| self.take(note))?;
        }
        self.take(fact)
    }
}

impl Recorder {
    fn take(&mut self, fact: &Fact) -> Result<(), SinkError> {
        if let Body::Note(Note::NotEvidence { why }) = &fact.body {
            self.late.push(why.clone());
        }
        self.journal.record(fact)?;
        if matches!(fact.body, Body::Event(Event::StepEnded { .. } | Event::Check(_) | Event::Safe(_))) {
            self.keep()?;
        }
        self.views.take(fact);
        self.summary.take(fact);
        self.progress.take(fact);
        Ok(())
    }
}

fn close_journal(mut journal: JournalWriter<JournalFile>) -> Result<Digest, WriteError> {
    journal.flush()?;
    Ok(journal.get_ref().get_ref().digest())
}

/// The flow channels as the delivery view needs them.
pub fn flow_channels(bench: &Bench) -> Vec<FlowChannel> {
    let flow = |c: &rig_model::bench::Channel| match &c.instrument {
        Instrument::Flow(sensor) => Some(FlowChannel { name: c.name.clone(), k_factor: sensor.k_factor }),
        Instrument::Pressure(_) | Instrument::Balance(_) | Instrument::Alarm => None,
    };
    bench.channels.iter().filter_map(flow).collect()
}
