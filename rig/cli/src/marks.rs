//! What comes to light in a run that was to be evidence, and is none after all: its reports are made anew, with the mark on every row.

use anyhow::{Context, Result};
use rig_model::fact::{Body, Header, Note};
use rig_report::{FlowChannel, Views};

use crate::commands::report::open;
use crate::failure::Failure;
use crate::folder::RunFolder;

/// The reasons that the notes of a record give. Looked for only where a row could be marked wrongly without them.
pub fn late(record: &RunFolder, header: &Header) -> Result<Vec<String>, Failure> {
    if !header.evidence {
        return Ok(Vec::new());
    }
    // A journal that can't be read on is told by whoever reads it next.
    let facts = open(record)?.reader.map_while(Result::ok);
    Ok(facts.filter_map(|(_, fact)| if let Body::Note(Note::NotEvidence { why }) = fact.body { Some(why) } else { None }).collect())
}

/// All views again from the journal in the folder, with these marks; they are not finished yet.
pub fn views(folder: &RunFolder, channels: Vec<FlowChannel>, late: Vec<String>) -> Result<Views> {
    let mut journal = open(folder).map_err(|failure| failure.error)?;
    let mut views = Views::new(channels, |name| folder.partial(name)).marked(late);
    views.take(&journal.first);
    for fact in journal.reader.by_ref() {
        let (_, fact) = fact.context("the journal that was just written can't be read")?;
        views.take(&fact);
    }
    Ok(views)
}
