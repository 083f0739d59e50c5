//! What stands against a claim to be evidence: in the header itself, whatever it says, and in what comes to light later in the record. Reports
//! are made with the mark on every row.

use anyhow::{Context, Result};
use rig_evidence::{ApprovedPlan, Extent, Sha256Hex};
use rig_model::fact::{Approval, Body, Fact, Header, Note};
use rig_report::{FlowChannel, Views, printable};

use crate::commands::report::open;
use crate::failure::Failure;
use crate::folder::RunFolder;
use crate::gate::{self, Ask, Asked, PlanStanding};
use crate::inputs;

/// Why the run is no evidence, by its header alone: what it says of itself, and where it claims to be evidence all that the gate asks before a run,
/// asked again of what the header holds. In sentences without a semicolon; empty exactly where the claim holds.
///
/// What came to light later is in the notes of the journal, and whether the record is the one that was made is for its chain, the ledger and
/// signatures to show.
pub fn claim_holds(header: &Header) -> Vec<String> {
    let mut reasons = rig_report::not_evidence(header);
    if header.evidence {
        for why in contradictions(header) {
            if !reasons.contains(&why) {
                reasons.push(why);
            }
        }
    }
    reasons
}

/// The first fact of a journal as views are to see it: a header that claims more than holds has the reasons.
pub fn marked(first: &Fact) -> Fact {
    let mut marked = first.clone();
    if let Body::Header(header) = &mut marked.body
        && header.evidence
    {
        header.provenance.not_evidence = claim_holds(header);
    }
    marked
}

fn contradictions(header: &Header) -> Vec<String> {
    let approval = header.provenance.approval.as_ref();
    let texts = [&header.bench_file].into_iter().chain(&header.files).chain(approval.map(|a| &a.document));
    let altered = texts.filter(|file| Sha256Hex::of(&file.text).to_string() != file.sha256);
    let mut reasons: Vec<String> =
        altered.map(|file| sentence(&format!("the header's SHA-256 of `{}` is not that of the text beside it", file.path))).collect();
    let bench = match inputs::bench_of_record(header) {
        Ok(bench) => bench,
        Err(_) => {
            reasons
                .push("the bench file in its header can't be read, so that nothing shows that the bench is real and calibrated".to_owned());
            return reasons;
        }
    };
    if bench.name != header.bench {
        reasons.push("its header names another bench than its bench file".to_owned());
    }
    let differences = approval.map(|approval| differences(header, approval));
    let plan = differences.as_deref().map_or(PlanStanding::None, |differences| PlanStanding::Approved { differences });
    // What could not be decided came out INCONCLUSIVE, row by row.
    reasons.extend(gate::reasons(header, &bench, Ask { asked: Asked::Evidence, plan, undecided: 0 }));
    reasons
}

/// In what the run is not what its approved plan says; a part of a plan may be played.
fn differences(header: &Header, approval: &Approval) -> Vec<String> {
    match ApprovedPlan::parse(&approval.document.text) {
        Ok(plan) => match plan.test(&approval.test) {
            Some(test) => plan.differences(test, header, Extent::Part),
            None => vec![sentence(&format!("its approved plan has no test `{}`", approval.test))],
        },
        Err(error) => vec![sentence(&format!("its approved plan can't be read: {error}"))],
    }
}

/// Names from files, in a sentence: several reasons in one cell are separated by semicolons.
fn sentence(text: &str) -> String {
    printable(text).replace(';', ",")
}

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
    views.take(&marked(&journal.first));
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
