//! A journal on a disk that fails: it fills up at any byte, it does not keep what it took, it loses the file.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use rig_model::time::RigTime;
use rig_report::Palette;
use rig_sim::Board;

use super::*;
use crate::inputs::{self, Errors, Suite};
use crate::terminal::Terminal;

/// How a disk fails.
#[derive(Debug, Clone, Default)]
struct Disk {
    /// It has room for so many bytes.
    room: Option<usize>,
    /// Its so manieth sync fails, and none after it does: what could not be kept is forgotten, as Linux does it.
    sync_fails: Option<usize>,
    /// The file is removed before the so manieth look at it.
    removed: Option<usize>,
    taken: Arc<AtomicUsize>,
    syncs: Arc<AtomicUsize>,
    looks: Arc<AtomicUsize>,
}

/// The journal on such a disk.
#[derive(Debug)]
struct Failing {
    file: File,
    disk: Disk,
}

impl Write for Failing {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let taken = self.disk.taken.load(Ordering::Relaxed);
        let room = self.disk.room.map_or(buf.len(), |room| room.saturating_sub(taken).min(buf.len()));
        if room == 0 && !buf.is_empty() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let written = self.file.write(&buf[..room])?;
        self.disk.taken.fetch_add(written, Ordering::Relaxed);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Kept for Failing {
    fn keep(&self) -> io::Result<()> {
        let number = self.disk.syncs.fetch_add(1, Ordering::Relaxed);
        if self.disk.sync_fails == Some(number) { Err(io::Error::other("input/output error")) } else { Ok(()) }
    }

    fn is_there(&self) -> io::Result<bool> {
        Ok(self.disk.removed.is_none_or(|n| self.disk.looks.fetch_add(1, Ordering::Relaxed) < n))
    }
}

const SCENARIO: &str = "scenario: SHORT-01
title: A pump that stands still says so
time_limit: 2 min
steps:
  - check: { state: stopped }
  - wait: 1500 ms
  - check: { state: stopped }
finally:
  - stop
";

/// One place for all runs: its path is in their journals.
static FILES: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let files = tempfile::tempdir().unwrap();
    std::fs::write(files.path().join("short.yaml"), SCENARIO).unwrap();
    files
});

struct Ended {
    recorded: Recorded,
    failed: bool,
    /// What of the journal is on the disk, and whether under its final name.
    journal: Vec<u8>,
    named: bool,
    manifest: bool,
    /// Reports under their final names.
    reports: usize,
}

/// Plays a short run on the simulated bench, kept as on a real one, with its journal on this disk.
fn play(disk: &Disk) -> Ended {
    let dir = tempfile::tempdir().unwrap();
    let file = FILES.path().join("short.yaml");
    let mut errors = Errors::default();
    let suite: Suite = inputs::suite(&[file], &mut errors);
    let bench = inputs::certified_bench(None, &mut errors).unwrap().bench;
    assert!(errors.is_empty(), "{errors}");
    let header = header(&suite);
    let plan = inputs::plan(header, bench.clone(), &suite.scenarios).unwrap();
    let mut runner = rig_runner::Runner::new(plan).unwrap();
    let folder = RunFolder::create(dir.path(), "2031-02-03T04:05:06Z", "sim", "r1").unwrap();
    let journal = Failing { file: folder.hold_journal().unwrap(), disk: disk.clone() };
    let progress = Progress::new(&Terminal { colour: false, json: false, verbose: 0, live: false });
    let mut recorder = Recorder::create(folder.clone(), "r1".to_owned(), journal, &bench, Summary::new(Palette::plain()), progress);
    recorder.keeping = Keeping::Synced;
    let mut board = Board::new(&bench, 7, None, RigTime::ZERO);
    let failed = rig_sim::play(&mut runner, &mut board, &mut recorder, None, &mut |_| std::ops::ControlFlow::Continue(())).is_err();
    let recorded = recorder.close();
    let named = folder.path().join(JOURNAL).exists();
    let journal = std::fs::read(folder.journal()).unwrap();
    let manifest = folder.path().join("manifest.json").exists();
    let entries = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let reports = entries.filter(|name| name != JOURNAL && name != "manifest.json" && !name.ends_with(".partial")).count();
    Ended { recorded, failed, journal, named, manifest, reports }
}

fn header(suite: &Suite) -> rig_model::fact::Header {
    let source = |path: &str| rig_model::fact::SourceText { path: path.to_owned(), sha256: String::new(), text: String::new() };
    let scenario = &suite.scenarios[0];
    let case =
        rig_model::fact::CaseRef { file: scenario.file.clone(), scenario: scenario.id.to_string(), case: scenario.cases[0].label.clone() };
    rig_model::fact::Header {
        tool: "rig".to_owned(),
        run_id: "r1".to_owned(),
        started_utc: "2031-02-03T04:05:06Z".to_owned(),
        bench: "sim".to_owned(),
        simulated: true,
        simulated_because: Vec::new(),
        warnings: Vec::new(),
        evidence: false,
        seed: 7,
        defect: None,
        operator: None,
        allow_skipped: false,
        delivery_delay: false,
        dose_oracle: false,
        cases: vec![case],
        bench_file: source("sim.toml"),
        files: Vec::new(),
        machine: None,
        host: String::new(),
        provenance: Box::default(),
    }
}

/// What is on the disk is a beginning of the whole journal; nothing is called whole that is not.
#[track_caller]
fn expect_cut(ended: &Ended, whole: &[u8], why: &str) {
    assert!(whole.starts_with(&ended.journal), "{why}");
    assert!(!ended.named && !ended.manifest, "{why}");
    assert!(ended.recorded.manifest.is_none() && !ended.recorded.journal.complete, "{why}");
    assert!(ended.recorded.troubles[0].contains("the journal is not whole"), "{why}: {:?}", ended.recorded.troubles);
    let verdict = ended.recorded.summary.verdict();
    assert_ne!(verdict, Some(rig_model::verdict::Verdict::Pass), "{why}");
}

#[test]
fn a_sound_disk_is_synced_once_for_each_step_and_has_everything() {
    let disk = Disk::default();
    let ended = play(&disk);
    assert!(!ended.failed && ended.named && ended.manifest, "{:?}", ended.recorded.troubles);
    let text = String::from_utf8(ended.journal).unwrap();
    let ends = ["step_ended", "case_ended", "safe"].map(|kind| text.matches(&format!("\"kind\":\"{kind}\"")).count());
    assert_eq!(disk.syncs.load(Ordering::Relaxed), ends.iter().sum::<usize>() + 2, "and once for the header, once at the end");
    assert!(ended.recorded.journal.complete && ended.recorded.manifest.is_some());
}

#[test]
fn a_disk_that_is_full_at_any_byte_leaves_a_beginning_and_no_pass() {
    let whole = play(&Disk::default()).journal;
    let room = (0..whole.len()).step_by(whole.len() / 60).chain([whole.len() - 1]);
    for room in room {
        let ended = play(&Disk { room: Some(room), ..Disk::default() });
        expect_cut(&ended, &whole, &format!("{room} bytes"));
        assert_eq!(ended.journal.len(), room);
        // `rig recover` makes them again where there is a header, and takes away what has no final name where there is none.
        assert_eq!(ended.reports > 0, whole[..room].contains(&b'\n'), "{room} bytes: {} reports", ended.reports);
    }
}

/// The disk that failed once says that all is well afterwards. It is not believed.
#[test]
fn a_sync_that_fails_ends_the_record_whatever_comes_after_it() {
    let disk = Disk::default();
    let whole = play(&disk).journal;
    let syncs = disk.syncs.load(Ordering::Relaxed);
    for number in 0..syncs {
        let disk = Disk { sync_fails: Some(number), ..Disk::default() };
        let ended = play(&disk);
        // The last one comes when the run has ended.
        assert_eq!(ended.failed, number + 1 < syncs, "sync {number}");
        expect_cut(&ended, &whole, &format!("sync {number}"));
        assert_eq!(disk.syncs.load(Ordering::Relaxed), number + 1, "it is not asked again");
    }
}

#[test]
fn a_journal_that_is_removed_ends_the_run() {
    let ended = play(&Disk { removed: Some(3), ..Disk::default() });
    assert!(ended.failed);
    let troubles = &ended.recorded.troubles;
    assert!(troubles[0].contains("not whole") && ended.recorded.manifest.is_none(), "{troubles:?}");
}
