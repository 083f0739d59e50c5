//! The whole folder of a small run, to the byte. `RIG_BLESS=1` writes the golden files anew; read the difference before committing it.
#![allow(clippy::unwrap_used)]

mod common;

use std::io::Write;

use common::{Folder, report, small_run};
use rig_record::{JournalReader, JournalWriter};
use rig_report::{End, HashingWriter, Palette, Progress, Summary, Views};

const GOLDEN: &[(&str, &str)] = &[
    ("results.csv", include_str!("golden/results.csv")),
    ("budgets.csv", include_str!("golden/budgets.csv")),
    ("scenarios.csv", include_str!("golden/scenarios.csv")),
    ("delivery.csv", include_str!("golden/delivery.csv")),
    ("events.csv", include_str!("golden/events.csv")),
    ("curves.csv", include_str!("golden/curves.csv")),
    ("figures.csv", include_str!("golden/figures.csv")),
    ("datapackage.json", include_str!("golden/datapackage.json")),
    ("junit.xml", include_str!("golden/junit.xml")),
];

const SUMMARY: &str = include_str!("golden/summary.txt");
const PROGRESS: &str = include_str!("golden/progress.txt");

#[expect(clippy::disallowed_methods, reason = "only a person who asks for it has the golden files written")]
fn compare(name: &str, text: &str, golden: &str) {
    if std::env::var_os("RIG_BLESS").is_some() {
        std::fs::write(format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR")), text).unwrap();
    } else {
        assert_eq!(text, golden, "{name}");
    }
}

#[test]
fn the_folder_is_as_it_was() {
    let (folder, finished) = report(&small_run(), End::Complete);
    assert!(finished.errors.is_empty(), "{:?}", finished.errors);
    assert_eq!(folder.files().len(), GOLDEN.len());
    for (name, golden) in GOLDEN {
        compare(name, &folder.text(name), golden);
    }
}

#[test]
fn the_summary_is_as_it_was() {
    let mut summary = Summary::new(Palette::plain());
    for fact in small_run() {
        summary.take(&fact);
    }
    summary.finish(End::Complete);
    compare("summary.txt", &summary.render(), SUMMARY);
}

#[test]
fn the_progress_is_as_it_was() {
    let mut progress = Progress::new(Palette::plain());
    let lines: Vec<String> = small_run().iter().filter_map(|fact| progress.line(fact)).collect();
    assert!(lines.iter().all(|line| !line.contains(char::is_control)));
    compare("progress.txt", &(lines.join("\n") + "\n"), PROGRESS);
}

#[test]
fn a_report_from_the_journal_is_the_live_one_to_the_byte() {
    let facts = small_run();
    let mut writer = JournalWriter::new(Vec::new());
    let live = Folder::default();
    let mut views = Views::new(common::channels(), |name| live.open(name));
    for fact in &facts {
        writer.write(fact).unwrap();
        views.take(fact);
    }
    views.finish(End::Complete);

    let journal = writer.into_inner();
    let rebuilt = Folder::default();
    let mut views = Views::new(common::channels(), |name| rebuilt.open(name));
    let mut reader = JournalReader::new(&journal[..]);
    for read in reader.by_ref() {
        let (seq, fact) = read.unwrap();
        views.take(&fact);
        assert_eq!(fact, facts[seq as usize - 1]);
    }
    assert_eq!(reader.end(), Some(rig_record::End::Complete));
    views.finish(End::Complete);
    assert_eq!(live.files(), rebuilt.files());
}

#[test]
fn every_file_is_told_with_its_hash() {
    let (folder, finished) = report(&small_run(), End::Complete);
    assert_eq!(finished.files.keys().collect::<Vec<_>>(), folder.files().keys().collect::<Vec<_>>());
    for (name, bytes) in folder.files() {
        let mut hashing = HashingWriter::new(std::io::sink());
        hashing.write_all(&bytes).unwrap();
        assert_eq!(finished.files[&name], hashing.digest(), "{name}");
    }
}
