//! Every way in which a run can end before its time: the folder, the disk, the signals.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "the tests run the program and read its files")]

mod support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use support::{Outcome, Run, SHORT, WHOLE, folder, journal, names, reports, rig, table, write};

/// Only ends a test that fails; nothing is asserted about how long things take.
const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn reports_that_have_no_place_are_told_before_anything_is_played() {
    let dir = tempfile::tempdir().unwrap();
    let file = write(dir.path(), "file", "");
    for (out, why) in
        [(file.clone(), "File exists"), (file.join("below"), "Not a directory"), (PathBuf::from("/proc/reports"), "/proc/reports")]
    {
        let outcome = Outcome::of(rig(["run", "scenarios/smoke", "--out"]).arg(&out));
        outcome.expect(4, &["failed to make the folder", &out.display().to_string(), why]);
        assert!(outcome.stdout.is_empty(), "{outcome:#?}");
    }
    // A folder that may not be written; `root` may write all but what the kernel itself guards.
    let outcome = Outcome::of(&mut rig(["run", "scenarios/smoke", "--out", "/proc/self"]));
    outcome.expect(4, &["failed to", "/proc/self"]);
}

/// As on a full disk: a file may grow to so many blocks of 512 or 1024 bytes (shells differ) and no further.
fn limited(blocks: u32, dir: &Path, arguments: &[&str]) -> Outcome {
    let inner = Run::command(dir, arguments);
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("ulimit -f {blocks}; exec \"$@\"")).arg("sh").arg(inner.get_program()).args(inner.get_args());
    command.current_dir(support::project()).env("TMPDIR", dir).env("NO_COLOR", "1").stdin(Stdio::null());
    Outcome::of(&mut command)
}

#[test]
fn a_disk_that_is_full_in_mid_run_ends_it_and_keeps_what_was_recorded() {
    // The journal of this run has some 5 MB, its header some 30 KB, all other files together less than 0.5 MB.
    let trial = ["scenarios/smoke", "scenarios/trial", "scenarios/implant/continuous-72h.yaml", "--seed", "7"];
    for blocks in [200, 1500] {
        let dir = tempfile::tempdir().unwrap();
        let outcome = limited(blocks, dir.path(), &trial);
        outcome.expect(4, &["record can't be written", "make room", "File too large"]);
        cut_record(dir.path(), 5);
    }
}

/// A FAIL that was recorded is not hidden by the disk.
#[test]
fn a_disk_that_is_full_after_a_fail_still_says_fail() {
    let dir = tempfile::tempdir().unwrap();
    let arguments = ["scenarios/smoke", "scenarios/implant/continuous-72h.yaml", "--seed", "7", "--defect", "wrong_gain"];
    limited(1500, dir.path(), &arguments).expect(1, &["record can't be written"]);
    cut_record(dir.path(), 1);
}

/// The journal kept its partial name, and `rig report` reads it up to there.
fn cut_record(dir: &Path, code: i32) {
    let run = folder(&reports(dir)).expect("a run folder");
    let names = names(&run);
    assert!(names.contains(&"journal.jsonl.partial".to_owned()) && !names.contains(&"journal.jsonl".to_owned()), "{names:?}");
    let out = dir.join("views");
    let report = Outcome::of(rig(["report"]).arg(&run).arg("--out").arg(&out));
    report.expect(code, &["the journal is cut off"]);
    assert!(report.stdout.contains("the record is cut off"), "{report:#?}");
    assert!(!table(&out.join("results.csv")).is_empty());
    assert!(table(&out.join("scenarios.csv")).iter().any(|r| r["verdict"] == "ABORTED"));
    // It had told its end to the ledger, and is closed all the same once there is room.
    let recovered = Outcome::of(rig(["recover"]).arg(reports(dir)));
    recovered.expect(0, &[]);
    assert!(recovered.stdout.contains("was cut off") && recovered.stdout.contains("is closed now"), "{recovered:#?}");
    assert_eq!(support::names(&run), WHOLE);
    assert!(fs::read(run.join("results.csv")).unwrap() == fs::read(out.join("results.csv")).unwrap());
}

/// A run under way.
struct Going {
    child: Child,
    dir: tempfile::TempDir,
}

impl Going {
    fn start(arguments: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let child = Run::command(dir.path(), arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        Self { child, dir }
    }

    /// Waits for a line of progress that holds these words.
    fn until(&mut self, words: &str) {
        let mut lines = BufReader::new(self.child.stderr.as_mut().unwrap()).lines();
        let found = lines.by_ref().map_while(Result::ok).any(|l| l.contains(words));
        assert!(found, "`{words}` was never said");
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }

    /// The process that hosts the board.
    fn host(&self) -> u32 {
        let own = self.child.id();
        let children = fs::read_to_string(format!("/proc/{own}/task/{own}/children")).unwrap();
        let mut children = children.split_whitespace();
        let host = children.next().expect("a host process").parse().unwrap();
        assert_eq!(children.next(), None);
        host
    }

    fn end(self) -> (Outcome, tempfile::TempDir) {
        (self.child.wait_with_output().unwrap().into(), self.dir)
    }
}

/// Polls for a fact that comes true.
fn wait_for(what: &str, mut fact: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !fact() {
        assert!(Instant::now() < until, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn is_gone(process: u32) -> bool {
    // What has ended but was not waited for yet by its new parent is gone too.
    fs::read_to_string(format!("/proc/{process}/stat"))
        .map_or(true, |stat| stat.rsplit(')').next().is_some_and(|s| s.trim().starts_with('Z')))
}

fn bodies(journal: &str, kind: &str) -> Vec<Value> {
    let facts = journal.lines().map(|l| serde_json::from_str::<Value>(l).unwrap());
    facts.filter(|f| f["kind"] == kind).map(|f| f["body"].clone()).collect()
}

const PROCESS: [&str; 5] = ["rig/cli/tests/support/infusing.yaml", "--bench", "rig/benches/process.toml", "--seed", "3"];
/// The second bolus of that scenario is under way from here on.
const INFUSING: &str = "steps.4.during.1 start";

fn stopped_by(signal: Signal) {
    let mut run = Going::start(&PROCESS);
    run.until(INFUSING);
    let host = run.host();
    run.signal(signal);
    let (outcome, dir) = run.end();
    outcome.expect(5, &[]);
    assert!(outcome.stdout.contains("bench shown safe") && outcome.stdout.contains(signal.as_str()), "{outcome:#?}");
    wait_for("the host process ends", || is_gone(host));

    let folder = folder(&reports(dir.path())).unwrap();
    assert_eq!(names(&folder), WHOLE);
    let journal = journal(&folder);
    // The pump is told to stop, then loses its power at once: nobody waits for its answer.
    let told = bodies(&journal, "command");
    assert!(told.iter().any(|b| b["verb"] == "stop"), "the pump was told to stop: {told:#?}");
    let safe = bodies(&journal, "safe");
    assert!(safe.last().is_some_and(|s| s["lines_safe"] == true), "{safe:#?}");
    assert_eq!(table(&folder.join("scenarios.csv"))[0]["verdict"], "ABORTED");
    Outcome::of(rig(["replay"]).arg(&folder)).expect(0, &[]);
}

#[test]
fn sigint_ends_a_run_in_real_time_safely() {
    stopped_by(Signal::SIGINT);
}

#[test]
fn sigterm_ends_a_run_in_real_time_safely() {
    stopped_by(Signal::SIGTERM);
}

#[test]
fn sighup_ends_a_run_in_real_time_safely() {
    stopped_by(Signal::SIGHUP);
}

/// Whoever owns the outputs makes them safe while the run stands still, and the run can't undo that when it wakes up.
#[test]
fn a_run_that_stood_still_finds_its_outputs_safe_and_ends_as_an_error() {
    let files = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(support::project().join("rig/benches/process.toml")).unwrap();
    let bench = write(files.path(), "bench.toml", text.replace("silence = \"2 s\"", "silence = \"500 ms\""));
    let mut run = Going::start(&[PROCESS[0], "--bench", bench.to_str().unwrap(), "--seed", "3"]);
    run.until(INFUSING);
    run.signal(Signal::SIGSTOP);
    std::thread::sleep(Duration::from_secs(2));
    run.signal(Signal::SIGCONT);
    let (outcome, dir) = run.end();
    outcome.expect(4, &[]);
    assert!(outcome.stdout.contains("the run said nothing for 500 ms, so the outputs were made safe"), "{outcome:#?}");
    assert!(outcome.stdout.contains("bench shown safe"), "{outcome:#?}");
    let journal = journal(&folder(&reports(dir.path())).unwrap());
    let refused = bodies(&journal, "failed").into_iter().filter(|b| b["why"].as_str().is_some_and(|w| w.contains("said nothing"))).count();
    assert!(refused > 0, "told by the owner of the outputs");
}

/// The terminal that hung up can't be written any more either, and that must not end the safe-down.
#[test]
fn a_run_whose_terminal_is_gone_goes_on_to_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let mut child =
        Run::command(dir.path(), &[&PROCESS[..], &["-v"]].concat()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(lines.by_ref().map_while(Result::ok).any(|l| l.contains(INFUSING)));
    drop(lines);
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGHUP).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(5));
    assert_eq!(names(&folder(&reports(dir.path())).unwrap()), WHOLE);
}

#[test]
fn a_reader_that_goes_away_does_not_end_a_run() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = Run::command(dir.path(), &["scenarios/trial", "--json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let outcome = Outcome::from(child.wait_with_output().unwrap());
    outcome.expect(0, &[]);
    assert_eq!(names(&folder(&reports(dir.path())).unwrap()), WHOLE);
}

#[test]
fn the_host_does_not_outlive_a_rig_that_was_killed() {
    let mut run = Going::start(&PROCESS);
    run.until(INFUSING);
    let host = run.host();
    run.signal(Signal::SIGKILL);
    let (outcome, dir) = run.end();
    assert_eq!(outcome.signal, Some(Signal::SIGKILL as i32));
    wait_for("the host process ends by itself", || is_gone(host));
    // What was concluded by then is there.
    let report = Outcome::of(rig(["report"]).arg(folder(&reports(dir.path())).unwrap()));
    report.expect(5, &["the journal is cut off"]);
    // And the bench is free again.
    let short = write(dir.path(), "short.yaml", SHORT);
    let out = dir.path().join("more");
    let again = Outcome::of(rig(["run", "--bench", "rig/benches/process.toml", "--out"]).arg(out).arg(short).env("TMPDIR", dir.path()));
    again.expect(0, &[]);
}

#[test]
fn signals_end_a_long_run_in_virtual_time_too() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let run = Going::start(&["scenarios/soak", "--seed", "7"]);
        let out = reports(run.dir.path());
        let is_long = || folder(&out).and_then(|f| fs::metadata(f.join("journal.jsonl.partial")).ok()).is_some_and(|m| m.len() > 1_000_000);
        wait_for("the run is under way", is_long);
        run.signal(signal);
        let (outcome, dir) = run.end();
        outcome.expect(5, &[]);
        assert!(outcome.stdout.contains(signal.as_str()) && outcome.stdout.contains("bench shown safe"), "{outcome:#?}");
        let folder = folder(&reports(dir.path())).unwrap();
        assert_eq!(names(&folder), WHOLE);
        assert!(table(&folder.join("scenarios.csv")).iter().all(|r| r["verdict"] == "ABORTED"));
        Outcome::of(rig(["replay"]).arg(&folder)).expect(0, &[]);
    }
}

/// Before the pump has power it can't answer the stop, and is not to blame for it.
#[test]
fn a_run_that_is_stopped_before_the_pump_has_power_is_aborted_and_no_more() {
    let mut run = Going::start(&PROCESS);
    run.until("let the supply run down");
    run.signal(Signal::SIGINT);
    let (outcome, dir) = run.end();
    outcome.expect(5, &[]);
    assert!(outcome.stdout.contains("bench shown safe"), "{outcome:#?}");
    assert!(table(&folder(&reports(dir.path())).unwrap().join("results.csv")).iter().all(|r| r["verdict"] != "FAIL"));
}

/// The second run on a bench is told who has it.
#[test]
fn a_bench_in_use_is_not_taken() {
    let mut first = Going::start(&PROCESS);
    first.until("given.2 ");
    let short = write(first.dir.path(), "short.yaml", SHORT);
    let mut second = rig(["run", "--bench", "rig/benches/process.toml", "--out"]);
    second.arg(first.dir.path().join("second")).arg(short).env("TMPDIR", first.dir.path());
    Outcome::of(&mut second).expect(4, &["the bench is in use by another run", &format!("pid {} since 2", first.child.id())]);
    first.signal(Signal::SIGINT);
    first.end().0.expect(5, &[]);
}
