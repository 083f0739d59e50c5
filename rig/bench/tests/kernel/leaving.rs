//! Every way out of a run leaves the outputs safe, and soon: this is the one thing that is timed here. The time is taken from just before the
//! cause to the first look at the chip that found all outputs safe, and they have to stay so.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};

use crate::setup::{Ended, Plan, Run, Setup};

/// The safety deadline: outputs are safe this soon after whatever ended the run.
const DEADLINE: Duration = Duration::from_millis(100);
/// The same for a run that can't do anything any more, whose supervisor has to find that out.
const DEADLINE_WITHOUT_RUN: Duration = Duration::from_millis(250);
/// Only ends a test that fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// Power on, flow under way, occluder closed and leak open, until something ends it. Steps go on, so that the record does.
const ENDLESS: &str = "scenario: LEAVING-01
title: It infuses with all outputs away from their safe levels
time_limit: 2 min
steps:
  - program: { bolus: 15 µL, over: 12 s }
  - start
  - expect: { volume: flow.tip, reaches: 1 µL, within: 10 s }
  - set: { leak: open }
  - set: { occluder: closed }
  - repeat: 4000
    steps: [ wait: 20 ms ]
  - check: { state: stopped }
";

struct Out {
    setup: Setup,
    run: Run,
}

impl Out {
    fn started(scenario: &str) -> Self {
        let setup = Setup::new(Plan::default());
        let mut run = setup.run(scenario);
        setup.wait_for_danger(&mut run);
        Self { setup, run }
    }

    /// Does what ends the run and measures.
    fn by(&mut self, what: &str, deadline: Duration, cause: impl FnOnce(&mut Setup, &Run)) {
        let began = Instant::now();
        cause(&mut self.setup, &self.run);
        self.safe_within(what, deadline, began);
    }

    fn safe_within(&self, what: &str, deadline: Duration, cause: Instant) {
        let took = self.setup.safe_after(cause);
        println!("{what}: outputs safe after {:.1} ms", took.as_secs_f64() * 1e3);
        assert!(took <= deadline, "{what}: outputs were safe only after {took:?}; {deadline:?} are allowed");
    }

    /// How the run ended; nobody holds the lines any more.
    fn end(self) -> Ended {
        let ended = self.run.end();
        self.setup.wait_until_released();
        assert!(self.setup.safe(), "{}", ended.said);
        ended
    }
}

fn stopped_by(signal: Signal) {
    let mut out = Out::started(ENDLESS);
    out.by(signal.as_str(), DEADLINE, |_, run| run.signal(signal));
    let ended = out.end();
    ended.expect(5, &["bench shown safe", signal.as_str()]);
    assert!(ended.whole);
    let safe = ended.facts("safe");
    assert!(safe.iter().all(|fact| fact["body"]["lines_safe"] == true && fact["body"]["stop_acknowledged"] == true), "{safe:?}");
}

#[test]
fn sigint() {
    stopped_by(Signal::SIGINT);
}

#[test]
fn sigterm() {
    stopped_by(Signal::SIGTERM);
}

#[test]
fn sighup() {
    stopped_by(Signal::SIGHUP);
}

#[test]
fn a_second_ctrl_c() {
    let mut out = Out::started(ENDLESS);
    out.by("SIGINT twice", DEADLINE, |_, run| {
        run.signal(Signal::SIGINT);
        // Two signals that wait at once are one.
        std::thread::sleep(Duration::from_millis(30));
        run.signal(Signal::SIGINT);
    });
    out.end().expect(7, &["the safe-down was given up (SIGINT came while it was under way)"]);
}

#[test]
fn a_run_that_is_killed() {
    let mut out = Out::started(ENDLESS);
    out.by("SIGKILL of the run", DEADLINE_WITHOUT_RUN, |_, run| run.signal(Signal::SIGKILL));
    let ended = out.end();
    assert_eq!((ended.code, ended.whole), (None, false));
    assert!(!ended.facts("case_started").is_empty(), "what was recorded is there");
}

#[test]
fn a_run_that_stands_still() {
    let mut out = Out::started(ENDLESS);
    out.by("SIGSTOP of the run", DEADLINE_WITHOUT_RUN, |_, run| run.signal(Signal::SIGSTOP));
    // It wakes up and learns that it was taken to be dead.
    out.run.signal(Signal::SIGCONT);
    let ended = out.end();
    ended.expect(4, &["the run said nothing for 150 ms, so the outputs were made safe"]);
    assert!(ended.whole);
}

#[test]
fn a_supervisor_that_is_killed() {
    let mut out = Out::started(ENDLESS);
    out.by("SIGKILL of the supervisor", DEADLINE, |_, run| kill(run.supervisor(), Signal::SIGKILL).unwrap());
    let ended = out.end();
    // The pump was stopped and flow seen to stop, but nobody could say any more where the lines are.
    ended.expect(7, &["the lines channel is gone"]);
    assert!(ended.whole);
}

#[test]
fn a_board_that_is_unplugged() {
    let mut out = Out::started(ENDLESS);
    out.by("board unplugged", DEADLINE, |setup, _| setup.board.unplug());
    let ended = out.end();
    ended.expect(4, &["hung up"]);
    assert!(ended.whole);
}

#[test]
fn a_chip_with_sensors_that_is_unplugged() {
    let mut out = Out::started(ENDLESS);
    out.by("sensor chip unplugged", DEADLINE, |setup, _| setup.sensors.unplug().unwrap());
    let ended = out.end();
    ended.expect(7, &["the sensors can't be read any more"]);
    assert!(ended.whole);
}

#[test]
fn a_disk_that_is_full() {
    let setup = Setup::new(Plan::default());
    let reports = setup.folder.path().join("small");
    fs::create_dir(&reports).unwrap();
    assert!(Command::new("mount").args(["-t", "tmpfs", "-o", "size=1M", "tmpfs"]).arg(&reports).status().unwrap().success());
    let mut run = setup.run_into(ENDLESS, &reports);
    setup.wait_for_danger(&mut run);
    let full = fs::write(reports.join("filler"), vec![0; 2 << 20]).unwrap_err();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    // The journal still has room in its last block: the cause is the first piece that does not fit, which comes when it has grown for the last time.
    let journal = run.record().join("journal.jsonl.partial");
    let size = || fs::metadata(&journal).map_or(0, |file| file.len());
    let (mut grown, mut last) = (size(), Instant::now());
    while !setup.safe() {
        let now = Instant::now();
        let is = size();
        if is != grown {
            (grown, last) = (is, now);
        }
        assert!(last.elapsed() < PATIENCE, "the run goes on without a record");
        std::thread::sleep(Duration::from_millis(1));
    }
    let out = Out { setup, run };
    out.safe_within("disk full", DEADLINE, last);
    out.end().expect(4, &["No space left on device"]);
    assert!(Command::new("umount").arg(&reports).status().unwrap().success());
}

/// When the limit comes is only known within the run: the time is that between the record's own stamps.
#[test]
fn a_time_limit() {
    let limit = Duration::from_secs(6);
    let endless = "scenario: LEAVING-02
title: It waits for what does not come, and has time for ever
time_limit: 6 s
steps:
  - set: { leak: open }
  - set: { occluder: closed }
  - expect: { state: fault, within: 1 min }
";
    let out = Out::started(endless);
    let ended = out.end();
    ended.expect(4, &["bench shown safe", "time limit"]);
    let at = |fact: &serde_json::Value| Duration::from_nanos(fact["t"].as_u64().unwrap());
    let due = at(ended.facts("case_started")[0]) + limit;
    let safe_down = at(ended.facts("safe_down")[0]);
    let answers = ended.facts("done");
    let last = answers.iter().map(|fact| at(fact)).filter(|at| *at > safe_down).max().unwrap();
    println!("time limit: outputs safe after {:.1} ms", (last - due).as_secs_f64() * 1e3);
    assert!(last - due <= DEADLINE, "{:?} from the limit to the last line's answer", last - due);
}
