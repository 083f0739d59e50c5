//! Lines of the journal and files of the folder, removed, doubled, swapped, moved, added and taken from another run.

use rig_evidence::Manifest;

use super::super::files::Memory;
use super::support::{OTHER, RUN, fault, put, text, verified};
use crate::folder::JOURNAL;

fn journal_of(lines: &[&str]) -> Memory {
    let mut run = RUN.clone();
    put(&mut run, JOURNAL, lines.concat());
    run
}

#[track_caller]
fn is_found(lines: &[&str], at: usize) {
    let fault = fault(&journal_of(lines));
    assert_eq!((&*fault.file, fault.line), (JOURNAL, Some(at as u64 + 1)), "{fault:?}");
}

#[test]
fn every_line_removed_doubled_swapped_and_moved() {
    let whole = text(&RUN, JOURNAL);
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    for at in 0..lines.len() {
        let mut changed = lines.clone();
        changed.remove(at);
        is_found(&changed, at);
        let mut changed = lines.clone();
        changed.insert(at, lines[at]);
        is_found(&changed, at + 1);
        let next = (at + 1) % lines.len();
        let mut changed = lines.clone();
        changed.swap(at, next);
        is_found(&changed, at.min(next));
        let mut changed = lines.clone();
        let line = changed.remove(at);
        let to = at * 7 % lines.len();
        changed.insert(to, line);
        if to != at {
            is_found(&changed, at.min(to));
        }
    }
}

/// A chain does not show what is missing at its end; the manifest does.
#[test]
fn lines_missing_at_the_end() {
    let whole = text(&RUN, JOURNAL);
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    for left in 1..lines.len() {
        let fault = fault(&journal_of(&lines[..left]));
        assert_eq!((&*fault.file, fault.line), (JOURNAL, Some(left as u64 + 1)), "{fault:?}");
        assert_eq!(&*fault.what, "lines are missing at its end");
    }
}

#[test]
fn a_torn_journal() {
    let whole = RUN.0[JOURNAL].clone();
    for cut in [1, 2, 70, 100, whole.len() / 2, whole.len() - 1] {
        let mut run = RUN.clone();
        put(&mut run, JOURNAL, &whole[..whole.len() - cut]);
        assert_eq!(fault(&run).file, JOURNAL, "{cut} bytes less");
    }
    let mut run = RUN.clone();
    put(&mut run, JOURNAL, "");
    assert_eq!(&*fault(&run).what, "it holds not even its first line");
}

#[test]
fn every_file_removed_emptied_and_taken_from_another_run() {
    for name in RUN.0.keys() {
        let mut run = RUN.clone();
        run.0.remove(name);
        // Without its manifest a run is one that was not closed, and a whole journal tells that it was.
        assert_eq!((fault(&run).file, fault(&run).line), (name.clone(), None));
        put(&mut run, name, "");
        assert_eq!(fault(&run).file, *name);
        if RUN.0[name] != OTHER.0[name] {
            put(&mut run, name, &OTHER.0[name]);
            // Another run's journal is whole: it is the manifest of this run that tells, and by the run's id.
            let at_fault = if name == JOURNAL { Manifest::NAME } else { name };
            assert_eq!(fault(&run).file, at_fault, "{name}");
        }
    }
}

#[test]
fn any_two_files_swapped() {
    let names: Vec<&String> = RUN.0.keys().collect();
    for (i, a) in names.iter().enumerate() {
        for b in &names[i + 1..] {
            let mut run = RUN.clone();
            put(&mut run, a, &RUN.0[*b]);
            put(&mut run, b, &RUN.0[*a]);
            let file = fault(&run).file;
            assert!(file == **a || file == **b, "{a} and {b}: {file}");
        }
    }
}

#[test]
fn a_file_that_does_not_belong_there() {
    for name in ["notes.txt", "results.csv.partial", "journal.jsonl.partial", "more/", ".hidden"] {
        let mut run = RUN.clone();
        put(&mut run, name, "");
        let fault = fault(&run);
        assert_eq!(fault.file, name);
        assert!(fault.what.contains("put there after the run was closed"), "{fault:?}");
    }
    let mut run = RUN.clone();
    put(&mut run, "signed/notes.txt", "");
    assert_eq!(fault(&run).file, "signed/notes.txt");
}

#[test]
fn a_run_that_was_cut_off() {
    let whole = text(&RUN, JOURNAL);
    for lines in [1, 10, 20] {
        let mut run = Memory::default();
        put(&mut run, "journal.jsonl.partial", whole.split_inclusive('\n').take(lines).collect::<String>() + "{\"v\":2");
        put(&mut run, "results.csv.partial", "half a li");
        let findings = verified(&run);
        assert!(findings.intact() && findings.not_closed, "{findings:?}");
        let ends = format!("ends after {lines} line{} and 6 bytes of the next", if lines == 1 { "" } else { "s" });
        assert!(findings.cut_off.as_ref().unwrap().contains(&ends), "{findings:?}");
    }
}

/// A run that lost its power before its first line was whole is closed all the same, and there is nothing but its manifest.
#[test]
fn a_run_of_which_nothing_was_recorded() {
    let mut manifest = super::support::manifest_of(&RUN);
    manifest.journal = rig_evidence::Head { lines: 0, link: None, complete: false };
    manifest.files.retain(|name, _| name == JOURNAL);
    let torn = b"{\"v\":2,\"se";
    manifest
        .files
        .insert(JOURNAL.to_owned(), rig_evidence::FileDigest { sha256: rig_evidence::Sha256Hex::of(torn), bytes: torn.len() as u64 });
    let mut run = Memory::default();
    put(&mut run, JOURNAL, torn);
    put(&mut run, Manifest::NAME, manifest.render().unwrap());
    let findings = verified(&run);
    assert!(findings.intact() && findings.cut_off.is_some(), "{findings:?}");
    put(&mut run, JOURNAL, "{\"v\":2,\"sf");
    assert_eq!(fault(&run).file, JOURNAL);
    run.0.remove(JOURNAL);
    assert_eq!(fault(&run).file, JOURNAL);
}

/// A manifest that says that nothing was recorded hides nothing that was.
#[test]
fn a_run_of_which_nothing_is_said_to_be_recorded() {
    let mut manifest = super::support::manifest_of(&RUN);
    manifest.journal = rig_evidence::Head { lines: 0, link: None, complete: false };
    let mut run = RUN.clone();
    put(&mut run, Manifest::NAME, manifest.render().unwrap());
    let fault = fault(&run);
    assert_eq!(fault.file, Manifest::NAME);
    assert!(fault.what.contains("the end of `journal.jsonl` is not so"), "{fault:?}");
}
