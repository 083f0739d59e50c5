//! Where the facts of a live run go: the journal first, then the views, then the terminal.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter};

use rig_evidence::{Head, Sha256Hex};
use rig_model::bench::{Bench, Instrument};
use rig_model::event::Event;
use rig_model::fact::{Body, Fact, FactSink, Note, SinkError};
use rig_record::{JournalWriter, WriteError};
use rig_report::{End, Finished, FlowChannel, HashingWriter, Summary, Views};

use crate::clock::ClockWatch;
use crate::closing::{self, Contents};
use crate::folder::{JOURNAL, RunFolder};
use crate::keeping::{Keeping, Kept};
use crate::marks;
use crate::progress::Progress;

/// Takes facts as they come. Only the journal may make a run fail; a view that fails is named at the end and can be rebuilt.
pub struct Recorder<J: Kept = File> {
    folder: RunFolder,
    run_id: String,
    journal: JournalWriter<BufWriter<HashingWriter<J>>>,
    keeping: Keeping,
    /// Something of the journal could not be written or kept: whatever is kept of it after that may have a hole before it.
    lost: bool,
    /// The header is kept, so that reports can be made of the journal.
    begun: bool,
    /// The end of the run is in the journal.
    ended: bool,
    views: Views,
    summary: Summary,
    progress: Progress,
    channels: Vec<FlowChannel>,
    /// Until the run has ended.
    clock: Option<ClockWatch>,
    /// Why the run is no evidence after all.
    late: Vec<String>,
}

/// What is left when a run has been recorded.
pub struct Recorded {
    pub summary: Summary,
    /// Of the manifest; absent where the record is not whole, and is to be closed by the next run or `rig recover`.
    pub manifest: Option<Sha256Hex>,
    pub journal: Head,
    /// What went wrong, in sentences.
    pub troubles: Vec<String>,
}

impl<J: Kept> Recorder<J> {
    /// `journal` is the file that [`RunFolder::hold_journal`] made.
    pub fn create(folder: RunFolder, run_id: String, journal: J, bench: &Bench, summary: Summary, progress: Progress) -> Self {
        let journal = JournalWriter::new(BufWriter::with_capacity(1 << 18, HashingWriter::new(journal)));
        let channels = flow_channels(bench);
        let views = Views::new(channels.clone(), |name| folder.partial(name));
        let keeping = Keeping::of(bench.kind);
        let (clock, late) = (None, Vec::new());
        Self { folder, run_id, journal, keeping, lost: false, begun: false, ended: false, views, summary, progress, channels, clock, late }
    }

    /// Notes the clock on the wall at the end of the run.
    pub fn watching(self, clock: Option<ClockWatch>) -> Self {
        Self { clock, ..self }
    }

    pub fn progress(&mut self) -> &mut Progress {
        &mut self.progress
    }

    /// Closes the record. A journal that could not be written keeps its partial name, and so does every view that failed.
    pub fn close(mut self) -> Recorded {
        self.progress.close();
        let kept = if self.lost { Err(lost()) } else { self.keep() };
        let end = if kept.is_ok() && self.ended { End::Complete } else { End::Cut };
        self.summary.finish(end);
        let views = if self.late.is_empty() {
            Ok(self.views)
        } else {
            // Their files are written anew, each row with the mark.
            drop(self.views);
            marks::views(&self.folder, self.channels, self.late)
        };
        let (finished, unmarked) = match views {
            Ok(views) => (views.finish(end), None),
            Err(error) => (Finished { files: BTreeMap::new(), errors: Vec::new() }, Some(error)),
        };
        let run = self.folder.path().display();
        let mut troubles: Vec<String> = unmarked
            .map(|e| format!("no report says that the run is no evidence: {e:#}; `rig report {run}` builds them"))
            .into_iter()
            .collect();
        troubles.extend(finished.errors.iter().map(|e| format!("{e}; `rig report {run}` builds it again")));
        let journal = closing::head(self.journal.lines(), self.journal.head(), end == End::Complete);
        let mut contents = Contents { run_id: self.run_id, journal, files: finished.files };
        let closed = match kept {
            Ok(()) => {
                contents.files.insert(JOURNAL.to_owned(), self.journal.get_ref().get_ref().digest());
                contents.close(&self.folder, self.keeping).map(Some)
            }
            // What they are made of is not whole, so that there is nothing yet for a manifest to vouch for.
            Err(error) => {
                let then = format!("the next run, or `rig recover`, closes {run} with what there is");
                troubles.insert(0, format!("the journal is not whole: {error}; {then}"));
                // Of a journal without its header nobody can make them again: they are taken away when the run is closed.
                let reports = contents.files.keys().map(String::as_str).filter(|_| self.begun);
                self.folder.complete(reports, self.keeping).map(|()| None)
            }
        };
        let manifest = closed.unwrap_or_else(|error| {
            troubles.push(format!("{error:#}"));
            None
        });
        Recorded { summary: self.summary, manifest, journal: contents.journal, troubles }
    }

    /// A step has ended: what was recorded until then must not be lost any more, by the end of this process or, where it counts, of the power.
    fn keep(&mut self) -> Result<(), SinkError> {
        self.journal.flush().map_err(told)?;
        self.still_there()?;
        match self.keeping {
            Keeping::AtLeisure => Ok(()),
            Keeping::Synced => self.file().keep().map_err(|e| not_kept("the disk does not keep the journal", e)),
        }
    }

    fn still_there(&self) -> Result<(), SinkError> {
        if self.file().is_there().map_err(|e| not_kept("the journal can't be looked at", e))? {
            return Ok(());
        }
        Err(SinkError { what: format!("the journal was removed from {}", self.folder.path().display()), source: None })
    }

    fn file(&self) -> &J {
        self.journal.get_ref().get_ref().get_ref()
    }
}

impl<J: Kept> FactSink for Recorder<J> {
    fn record(&mut self, fact: &Fact) -> Result<(), SinkError> {
        if matches!(fact.body, Body::Event(Event::RunEnded(_)))
            && let Some(clock) = self.clock.take()
        {
            clock.end(fact.at).iter().try_for_each(|note| self.take(note))?;
        }
        self.take(fact)
    }
}

impl<J: Kept> Recorder<J> {
    fn take(&mut self, fact: &Fact) -> Result<(), SinkError> {
        if self.lost {
            return Err(lost());
        }
        let recorded = self.journal.record(fact).and_then(|()| match &fact.body {
            // Rows come right before the end of their step or case, and the end of the run right before everything is kept: once is enough.
            // What is played on what is known from the first moment on.
            Body::Header(_) | Body::Event(Event::StepEnded { .. } | Event::CaseEnded(_) | Event::Safe(_)) => self.keep(),
            _ => Ok(()),
        });
        self.lost |= recorded.is_err();
        recorded?;
        if let Body::Note(Note::NotEvidence { why }) = &fact.body {
            self.late.push(why.clone());
        }
        self.begun |= matches!(fact.body, Body::Header(_));
        self.ended |= matches!(fact.body, Body::Event(Event::RunEnded(_)));
        self.views.take(fact);
        self.summary.take(fact);
        self.progress.take(fact);
        Ok(())
    }
}

/// Its cause is told behind it by whoever shows the whole chain.
fn told(error: WriteError) -> SinkError {
    let what = error.to_string();
    SinkError { what, source: std::error::Error::source(&error).map(|source| source.to_string().into()) }
}

fn not_kept(what: &str, error: io::Error) -> SinkError {
    SinkError { what: what.to_owned(), source: Some(Box::new(error)) }
}

fn lost() -> SinkError {
    SinkError { what: "not all of it could be written and kept".to_owned(), source: None }
}

/// The flow channels as the delivery view needs them.
pub fn flow_channels(bench: &Bench) -> Vec<FlowChannel> {
    let flow = |c: &rig_model::bench::Channel| match &c.instrument {
        Instrument::Flow(sensor) => Some(FlowChannel { name: c.name.clone(), k_factor: sensor.k_factor }),
        Instrument::Pressure(_) | Instrument::Drug(_) | Instrument::Balance(_) | Instrument::Alarm => None,
    };
    bench.channels.iter().filter_map(flow).collect()
}

#[cfg(test)]
#[path = "recorder/tests.rs"]
mod tests;
