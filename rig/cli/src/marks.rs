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

#[cfg(test)]
mod tests {
    use rig_model::fact::{Fact, FactSink};
    use rig_model::time::RigTime;
    use rig_report::{Palette, Summary};

    use super::*;
    use crate::inputs::{self, Errors};
    use crate::progress::Progress;
    use crate::recorder::Recorder;
    use crate::terminal::Terminal;

    /// A live run that was to be evidence, on a bench that would do, and that loses its clock before it ends.
    #[test]
    fn a_live_run_has_its_reports_made_anew() {
        let (bench, _) = inputs::bench(None, &mut Errors::default()).expect("the embedded bench");
        let text = r#"{"tool":"t","run_id":"r","started_utc":"2026-11-25T22:00:00Z","bench":"b","simulated":false,"evidence":true,"seed":1,
            "allow_skipped":false,"cases":[],"bench_file":{"path":"b.toml","sha256":"","text":""},"files":[],"host":"h"}"#;
        let header: Header = serde_json::from_str(text).expect("a header");
        let fact = |body| Fact { at: RigTime::ZERO, arrival: None, body };
        let dir = tempfile::tempdir().expect("a folder");
        let folder = RunFolder::create(dir.path(), "now", "b", "r").expect("a folder");
        let terminal = Terminal { json: false, colour: false, live: false, verbose: 0 };
        let summary = Summary::new(Palette::plain());
        let journal = folder.hold_journal().expect("a journal");
        let mut recorder = Recorder::create(folder.clone(), "r".into(), journal, &bench, summary, Progress::new(&terminal));
        let why = "the clock was lost".to_owned();
        for body in [Body::Header(Box::new(header)), Body::Note(Note::NotEvidence { why })] {
            recorder.record(&fact(body)).expect("it is recorded");
        }
        let recorded = recorder.close();
        assert_eq!(recorded.troubles, [""; 0]);
        let package = std::fs::read_to_string(folder.path().join("datapackage.json")).expect("the package");
        assert!(package.contains("\"evidence\": false") && package.contains("\"the clock was lost\""), "{package}");
        let delivery = std::fs::read_to_string(folder.path().join("delivery.csv")).expect("the table");
        assert!(delivery.lines().skip(1).all(|row| row.ends_with(",false")) && delivery.lines().count() > 1, "{delivery}");
        let again = recorded.summary.render();
        assert!(again.contains("NOT EVIDENCE: the clock was lost"), "{again}");
    }
}
