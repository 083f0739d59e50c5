//! Reports, bench and scenario of runs that are killed one after the other.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rig_evidence::{Closing, Entry, Ledger};

use crate::left::{self, Left, Reference};
use crate::support::{self, Outcome, rig, write};

/// What is played: short, with checks between its steps.
const SCENARIO: &str = "scenario: CRASH-01
title: A small dose, checked as it goes
time_limit: 10 min
steps:
  - check: { state: stopped }
  - program: { basal: 20 µL/h }
  - wait: 300 ms
  - check: { state: stopped }
  - program: { basal: 5 mL/h, refused: rate_out_of_range }
  - wait: WAIT
  - check: { state: stopped }
finally:
  - stop
";

/// Only ends a test that fails.
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bench {
    Sim,
    /// Long enough to be hit in its middle.
    SimLong,
    Process,
}

/// A folder of reports with one bench.
pub struct Place {
    dir: tempfile::TempDir,
    bench: Bench,
    takes: Duration,
    reference: Option<Reference>,
}

/// What was there before a run.
pub struct Before {
    ledger: usize,
}

impl Place {
    /// Plays once without a kill, to know what comes out and how long it takes.
    pub fn new(bench: Bench) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let scenario = SCENARIO.replace("WAIT", if bench == Bench::SimLong { "5 min" } else { "300 ms" });
        // Each repetition is a step of its own; in virtual time they cost next to nothing.
        let scenario = if bench == Bench::SimLong { repeated(&scenario) } else { scenario };
        write(dir.path(), "scenario.yaml", scenario);
        let process = fs::read_to_string(support::project().join("rig/benches/process.toml")).unwrap();
        write(dir.path(), "bench.toml", process.replace("dwell = \"5 s\"", "dwell = \"1 s\""));
        let mut place = Self { dir, bench, takes: Duration::ZERO, reference: None };
        let began = Instant::now();
        let outcome = Outcome::of(place.run().stdout(Stdio::piped()).stderr(Stdio::piped()));
        outcome.expect(0, &[]);
        place.takes = began.elapsed() * 11 / 10;
        place.reference = (bench != Bench::Process).then(|| Reference::of(&place.last_folder()));
        place
    }

    /// Somewhat longer than a run takes.
    pub fn takes(&self) -> Duration {
        self.takes
    }

    fn reports(&self) -> PathBuf {
        support::reports(self.dir.path())
    }

    fn said(&self) -> PathBuf {
        self.dir.path().join("said.jsonl")
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        write(self.dir.path(), name, text)
    }

    fn arguments(&self, command: &mut Command) {
        command.arg("run").arg(self.dir.path().join("scenario.yaml")).args(["--json", "--seed", "7", "--out"]).arg(self.reports());
        if self.bench == Bench::Process {
            command.arg("--bench").arg(self.dir.path().join("bench.toml"));
        }
        command.current_dir(support::project()).env("TMPDIR", self.dir.path()).env("NO_COLOR", "1");
        command.stdin(Stdio::null()).stdout(fs::File::create(self.said()).unwrap()).stderr(Stdio::null());
    }

    /// A run that tells its events as it goes.
    pub fn run(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rig"));
        self.arguments(&mut command);
        command
    }

    /// The same, with something done to one of its system calls.
    pub fn under_strace(&self, what: &str) -> Command {
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-o", "/dev/null", "-e"]).arg(what).arg(env!("CARGO_BIN_EXE_rig"));
        self.arguments(&mut command);
        command
    }

    fn ledger(&self) -> Vec<u8> {
        fs::read(self.reports().join(Ledger::NAME)).unwrap()
    }

    pub fn before(&self) -> Before {
        Before { ledger: self.ledger().len() }
    }

    /// The folder of the last run that began.
    pub fn last_folder(&self) -> PathBuf {
        let ledger = Ledger::read(&self.ledger());
        self.reports().join(started(ledger.lines.into_iter().map(|n| n.line.entry)).unwrap())
    }

    pub fn last_closing(&self) -> Closing {
        let closing = |entry| match entry {
            Entry::Ended(closing) | Entry::Recovered(closing) => Some(closing),
            Entry::Started { .. } | Entry::Signed { .. } => None,
        };
        Ledger::read(&self.ledger()).lines.into_iter().rev().find_map(|n| closing(n.line.entry)).unwrap()
    }

    /// Waits for an event of the run under way.
    pub fn until_it_says(&self, words: &str) {
        let until = Instant::now() + PATIENCE;
        while !fs::read_to_string(self.said()).is_ok_and(|text| text.contains(words)) {
            assert!(Instant::now() < until, "`{words}` was never said");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Holds what a run has left against what it had said, and closes it: by command, or by the next run.
    pub fn check(&self, before: &Before, what: &str, by_command: bool) -> Left {
        let text = self.ledger();
        assert!(text.len() >= before.ledger, "{what}: the ledger became shorter");
        // Only a signal in the middle of a write tears a line, and no write of a line is in two parts.
        assert!(text.is_empty() || text.ends_with(b"\n"), "{what}: the ledger is torn");
        let new = std::str::from_utf8(&text[before.ledger..]).unwrap().lines();
        let new: Vec<rig_evidence::LedgerLine> = new.map(|line| serde_json::from_str(line).unwrap()).collect();
        let Some(folder) = started(new.iter().map(|line| line.entry.clone())) else { return Left::NotBegun };
        let folder = self.reports().join(folder);
        let left = if new.iter().any(|line| matches!(&line.entry, Entry::Ended(end) if end.manifest_sha256.is_some())) {
            Left::Closed
        } else {
            Left::Cut
        };
        left::holds_what_was_said(&folder, &fs::read(self.said()).unwrap(), what);
        if by_command {
            let recovered = Outcome::of(rig(["recover"]).arg(self.reports()));
            recovered.expect(0, &[]);
            assert_eq!(recovered.stdout.contains("is closed now"), left == Left::Cut, "{what}: {recovered:#?}");
        } else {
            let next = Outcome::of(self.run().stdout(Stdio::piped()).stderr(Stdio::piped()));
            next.expect(0, if left == Left::Cut { &["is closed now"] } else { &[] });
        }
        left::is_closed(&folder, self.reference.as_ref(), &self.dir.path().join("again"), what);
        left
    }

    /// In the end: the ledger is whole and knows every folder that has anything in it, and every run is closed.
    pub fn check_all(&self) {
        let text = self.ledger();
        let ledger = Ledger::read(&text);
        assert_eq!(ledger.faults, []);
        let roll = rig_evidence::Roll::read(&text);
        assert!(roll.runs.iter().all(|run| !run.is_open()));
        assert!((1..).zip(&roll.runs).all(|(number, run)| run.number == number));
        for entry in fs::read_dir(self.reports()).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !roll.runs.iter().any(|run| Path::new(run.folder) == path.file_name().unwrap()) {
                left::has_nothing(&path);
            }
        }
    }
}

fn started(entries: impl Iterator<Item = Entry>) -> Option<String> {
    let folder = |entry| match entry {
        Entry::Started { folder, .. } => Some(folder),
        Entry::Ended(_) | Entry::Recovered(_) | Entry::Signed { .. } => None,
    };
    entries.filter_map(folder).last()
}

fn repeated(scenario: &str) -> String {
    let (head, rest) = scenario.split_once("steps:\n").unwrap();
    let (steps, last) = rest.split_once("finally:").unwrap();
    format!("{}steps:\n{}finally:{last}", head.replace("10 min", "20 h"), steps.repeat(60))
}
