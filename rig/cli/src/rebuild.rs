//! All reports of a run again, from its journal.

use anyhow::Result;
use rig_evidence::Head;
use rig_model::bench::Bench;
use rig_model::event::Event;
use rig_model::fact::Body;
use rig_record::{Cut, ReadError};
use rig_report::{End, Palette, ReportError, Summary, Views};

use crate::closing::{self, Contents};
use crate::commands::report::{OpenJournal, digest_of};
use crate::folder::{JOURNAL, RunFolder};
use crate::marks;
use crate::recorder::flow_channels;

/// Reports that lie in their folder under partial names.
pub struct Rebuilt {
    pub contents: Contents,
    pub summary: Summary,
    /// The run's own word, if it came to its end.
    pub exit_code: Option<u8>,
    /// Views that failed.
    pub errors: Vec<ReportError>,
    /// Why the journal could not be read to its end.
    pub unreadable: Option<ReadError>,
    /// Where it was cut off.
    pub cut: Option<Cut>,
}

impl Rebuilt {
    pub fn complete(&self) -> bool {
        self.contents.journal.complete
    }

    pub fn head(&self) -> &Head {
        &self.contents.journal
    }
}

/// Makes the reports of the run in `record` anew, in `out`.
pub fn rebuild(record: &RunFolder, mut journal: OpenJournal, bench: &Bench, out: &RunFolder, palette: Palette) -> Result<Rebuilt> {
    let late = marks::late(record, &journal.header).map_err(|failure| failure.error)?;
    let mut views = Views::new(flow_channels(bench), |name| out.partial(name)).marked(late);
    let mut summary = Summary::new(palette);
    let first = marks::marked(&journal.first);
    views.take(&first);
    summary.take(&first);
    let (mut unreadable, mut exit_code) = (None, None);
    for fact in journal.reader.by_ref() {
        match fact {
            Ok((_, fact)) => {
                views.take(&fact);
                summary.take(&fact);
                if let Body::Event(Event::RunEnded(ended)) = &fact.body {
                    exit_code = Some(ended.exit_code);
                }
            }
            Err(error) => unreadable = Some(error),
        }
    }
    let (complete, cut) = match journal.reader.end() {
        Some(rig_record::End::Complete) => (true, None),
        Some(rig_record::End::CutOff(cut)) => (false, Some(cut)),
        None => (false, None),
    };
    let end = if complete { End::Complete } else { End::Cut };
    summary.finish(end);
    let finished = views.finish(end);
    let head = closing::head(journal.reader.lines(), journal.reader.head(), complete);
    let mut contents = Contents { run_id: journal.header.run_id.clone(), journal: head, files: finished.files };
    contents.files.insert(JOURNAL.to_owned(), digest_of(record)?);
    Ok(Rebuilt { contents, summary, exit_code: exit_code.filter(|_| complete), errors: finished.errors, unreadable, cut })
}
