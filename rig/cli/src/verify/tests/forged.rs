//! Forgeries that hold together: chain, manifest and reports made anew. What gives each away is the next thing that was not.

use std::sync::Arc;

use rig_evidence::{Ledger, Manifest};
use rig_model::fact::WallClock;
use rig_model::time::RigTime;

use super::super::claim::Claim;
use super::super::files::Memory;
use super::super::findings::Findings;
use super::super::journal::{Reports, pass};
use super::super::{Beside, claimed};
use super::support::{OTHER, RUN, chained_anew, close, fault, ledger_of, manifest_of, put, text, verified_beside};
use crate::folder::JOURNAL;

/// The journal with its first FAIL made a PASS, and the chain made anew; the line, from 1.
fn without_the_fail() -> (String, u64) {
    let whole = text(&RUN, JOURNAL);
    let line = whole.lines().position(|line| line.contains("\"kind\":\"check\"") && line.contains("\"FAIL\"")).expect("a FAIL");
    let lines: Vec<String> =
        whole.lines().map(|line| if line.contains("\"FAIL\"") { line.replace("\"FAIL\"", "\"PASS\"") } else { line.to_owned() }).collect();
    (chained_anew(lines.iter().map(String::as_str)), line as u64 + 1)
}

/// A verdict that was turned in the journal, in every report and in JUnit, everything chained and hashed anew: derived again, it is another one.
#[test]
fn a_verdict_that_was_turned_everywhere() {
    let (journal, line) = without_the_fail();
    let mut run = RUN.clone();
    put(&mut run, JOURNAL, journal);
    rebuild(&mut run);
    assert!(!text(&run, "results.csv").contains("FAIL") && !text(&run, "junit.xml").contains("<failure"), "the forgery is complete");
    close(&mut run);
    let fault = fault(&run);
    assert_eq!((&*fault.file, fault.line), (JOURNAL, Some(line)), "{fault:?}");
    assert!(fault.what.starts_with("it does not follow from the inputs before it"), "{fault:?}");
    assert!(fault.expected.unwrap().contains("FAIL") && fault.found.unwrap().contains("PASS"));
}

/// Makes all reports anew of the journal, as `rig report` does.
fn rebuild(run: &mut Memory) {
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    #[derive(Debug, Clone)]
    struct Kept(Arc<Mutex<Vec<u8>>>);
    impl std::io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let journal = run.0[JOURNAL].clone();
    let mut reader = rig_record::JournalReader::new(&journal[..]);
    let first = reader.next().unwrap().unwrap().1;
    let rig_model::fact::Body::Header(header) = &first.body else { panic!("a header") };
    let channels = crate::recorder::flow_channels(&crate::inputs::bench_of_record(header).unwrap());
    let mut files = BTreeMap::new();
    let mut views = rig_report::Views::new(channels, |name| {
        let kept = Kept(Arc::default());
        files.insert(name.to_owned(), kept.clone());
        Ok(kept)
    });
    views.take(&first);
    reader.for_each(|fact| views.take(&fact.unwrap().1));
    assert!(views.finish(rig_report::End::Complete).errors.is_empty());
    for (name, kept) in files {
        put(run, &name, &*kept.0.lock().unwrap());
    }
}

/// What was measured, changed so that the verdict would be another one: what followed from it is still there.
#[test]
fn inputs_that_were_changed() {
    let whole = text(&RUN, JOURNAL);
    let tip: Vec<usize> =
        whole.lines().enumerate().filter(|(_, l)| l.contains("\"kind\":\"edges\"") && l.contains("flow.tip")).map(|(n, _)| n).collect();
    assert!(tip.len() > 3, "{tip:?}");
    for gone in tip {
        let left: Vec<String> =
            whole.lines().enumerate().filter(|(n, _)| *n != gone).enumerate().map(|(seq, (_, line))| renumbered(line, seq + 1)).collect();
        let mut run = RUN.clone();
        put(&mut run, JOURNAL, chained_anew(left.iter().map(String::as_str)));
        close(&mut run);
        let fault = fault(&run);
        assert_eq!(fault.file, JOURNAL, "{fault:?}");
        assert!(fault.line.unwrap() > gone as u64, "{fault:?}");
    }
}

fn renumbered(line: &str, seq: usize) -> String {
    let (before, rest) = line.split_once("\"seq\":").unwrap();
    format!("{before}\"seq\":{seq},{}", rest.split_once(',').unwrap().1)
}

/// A change from which nothing follows, such as when something arrived or where it was played, is told by the manifest alone, and by the ledger if that is made anew.
#[test]
fn a_header_that_was_changed() {
    let whole = text(&RUN, JOURNAL);
    let ledger = ledger_of(&RUN);
    let operator = whole.replacen("\"allow_skipped\":", "\"operator\":\"somebody else\",\"allow_skipped\":", 1);
    let mut run = RUN.clone();
    put(&mut run, JOURNAL, chained_anew(operator.lines()));
    rebuild(&mut run);
    let fault = fault(&run);
    assert_eq!((&*fault.file, &*fault.what), (JOURNAL, "it is another journal than the one with which the run was closed"));
    close(&mut run);
    assert!(verified_beside(&run, Beside::default()).intact(), "within the folder everything fits together");
    let beside = Beside { ledger: Some(&ledger), ..Beside::default() };
    let faults = verified_beside(&run, beside).faults;
    assert_eq!((&*faults[0].file, faults[0].line), (Ledger::NAME, Some(2)), "{faults:?}");
    assert_eq!(&*faults[0].what, "the run's manifest is not the one with which it was closed");
    assert!(verified_beside(&*RUN, beside).intact());
}

#[test]
fn a_text_whose_hash_is_not_its_own() {
    let whole = text(&RUN, JOURNAL);
    let changed = whole.replacen("10 µL ± 5 %", "10 µL ± 9 %", 1);
    assert_ne!(changed, whole);
    let mut run = RUN.clone();
    put(&mut run, JOURNAL, chained_anew(changed.lines()));
    close(&mut run);
    let fault = fault(&run);
    assert_eq!((&*fault.file, fault.line), (JOURNAL, Some(1)));
    assert!(fault.what.contains("SHA-256 of") && fault.what.contains("tamper.yaml"), "{fault:?}");
}

#[test]
fn what_is_simulated_can_not_be_made_evidence() {
    let whole = text(&RUN, JOURNAL);
    for (from, to, words) in [
        ("\"simulated\":true", "\"simulated\":false", "nothing is simulated, and its bench is"),
        ("\"evidence\":false", "\"evidence\":true", "claims to be evidence, but it was played without `--evidence`"),
        ("\"bench\":\"sim\"", "\"bench\":\"pi-1\"", "another bench than its bench file"),
    ] {
        let mut run = RUN.clone();
        put(&mut run, JOURNAL, chained_anew(whole.replacen(from, to, 1).lines()));
        rebuild(&mut run);
        close(&mut run);
        let fault = fault(&run);
        assert!(fault.line == Some(1) && fault.what.contains(words), "{fault:?}");
    }
}

/// A header that claims to be evidence and has everything for it still needs a clock that was noted at the end of the run.
#[test]
fn a_claim_without_a_clock_at_the_end() {
    let mut journal = pass(&*RUN, JOURNAL, Reports::NotYet).unwrap();
    let mut findings = Findings::default();
    assert_eq!((claimed(JOURNAL, &journal, &mut findings), &findings.faults[..]), (Claim::None, &[][..]));
    journal.header.evidence = true;
    claimed(JOURNAL, &journal, &mut findings);
    assert_eq!((&*findings.faults[0].file, findings.faults[0].line), (JOURNAL, Some(journal.lines)));
    assert_eq!(&*findings.faults[0].what, "it claims to be evidence, but its clock on the wall was not looked at at its end");
    let ended = chrono::DateTime::parse_from_rfc3339(&journal.header.started_utc).unwrap() + chrono::TimeDelta::minutes(2);
    let clock = WallClock { utc: ended.to_rfc3339(), synchronised: true, max_error_ms: None, source: None };
    journal.clock = Some((RigTime(120_000_000_000), clock));
    assert_eq!(claimed(JOURNAL, &journal, &mut findings), Claim::Stands);
    journal.late.push("the clock was lost".to_owned());
    assert_eq!(findings.warnings, [""; 0]);
    claimed(JOURNAL, &journal, &mut findings);
    assert!(findings.warnings[0].contains("the clock was lost"), "{findings:?}");
}

#[test]
fn a_journal_of_version_1() {
    let whole = text(&RUN, JOURNAL);
    let old: String = whole
        .lines()
        .map(|line| format!("{},\"chain\":null}}\n", line.rsplit_once(",\"chain\":").unwrap().0.replacen("\"v\":2", "\"v\":1", 1)))
        .collect();
    let mut run = RUN.clone();
    put(&mut run, JOURNAL, old);
    let fault = fault(&run);
    assert_eq!((&*fault.file, fault.line), (JOURNAL, None));
    assert!(fault.what.contains("has no chain: what it holds can't be shown to be unchanged"), "{fault:?}");
}

/// A whole run in the place of another: nothing in the folder tells, the ledger does.
#[test]
fn a_run_that_was_replaced_as_a_whole() {
    let ledger = ledger_of(&RUN);
    let beside = Beside { ledger: Some(&ledger), ..Beside::default() };
    let findings = verified_beside(&*OTHER, beside);
    assert_eq!(*findings.faults[0].what, *format!("no line of it knows run {}", manifest_of(&OTHER).run_id));
}

#[test]
fn a_manifest_that_says_the_same_in_another_spelling() {
    let same = text(&RUN, Manifest::NAME).replace("\n", " \n");
    let mut run = RUN.clone();
    put(&mut run, Manifest::NAME, same);
    assert!(fault(&run).what.contains("another spelling"));
}
