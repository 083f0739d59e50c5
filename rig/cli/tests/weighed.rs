//! Whole runs with a balance on a serial line of its own, in real time: weighed, with replies that are lost, and unplugged.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "the tests run the program and read its files")]

mod support;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use support::{Outcome, Run, folder, journal, project, reports, rig, table, write};
use tempfile::TempDir;

const BENCH: &str = "rig/benches/process-balance.toml";
const SCENARIO: &str = "scenarios/calibration/balance-smoke.yaml";

/// The project's bench with one line changed.
fn changed(dir: &Path, from: &str, to: &str) -> PathBuf {
    let text = fs::read_to_string(project().join(BENCH)).unwrap();
    assert!(text.contains(from), "the bench file no longer has `{from}`");
    write(dir, "bench.toml", text.replacen(from, to, 1))
}

fn bodies(journal: &str, kind: &str) -> Vec<Value> {
    let facts = journal.lines().map(|l| serde_json::from_str::<Value>(l).unwrap());
    facts.filter(|f| f["kind"] == kind).map(|f| f["body"].clone()).collect()
}

/// What was read of the balance, and what was lost of it.
fn readings_and_losses(journal: &str) -> (usize, Vec<Value>) {
    let readings = bodies(journal, "reading").into_iter().filter(|b| b["channel"] == "balance").count();
    (readings, bodies(journal, "lost").into_iter().map(|b| b["what"].clone()).filter(|what| what["channel"] == "balance").collect())
}

/// A run of the scenario that goes on while others do.
fn start(bench: &Path) -> (TempDir, Child) {
    let dir = tempfile::tempdir().unwrap();
    let mut command = Run::command(dir.path(), &[SCENARIO, "--bench", bench.to_str().unwrap(), "--seed", "3"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    (dir, child)
}

/// Its end: the bolus was weighed, and nothing of the balance lost. How often it was read at rest.
fn weighed((dir, child): (TempDir, Child)) -> usize {
    let run = Run { dir, outcome: child.wait_with_output().unwrap().into() };
    run.outcome.expect(0, &[]);
    assert!(run.outcome.stdout.contains("bench shown safe"), "{:#?}", run.outcome);
    let row = run.table("results.csv").into_iter().find(|r| r["check"].starts_with("volume of `dose`")).expect("a row of the dose");
    assert_eq!(row["verdict"], "PASS", "{row:#?}");
    let volume: f64 = row["value"].parse().unwrap();
    // The pump's strokes have noise of half a per cent each; the balance sees what the tip gave to 0.2 µL.
    assert!((volume - 20.0).abs() < 0.6, "{row:#?}");
    let told = run.table("events.csv").into_iter().find(|e| e["kind"] == "weighed").expect("the two are compared");
    assert!(told["detail"].contains("flow.tip 20") && told["detail"].contains(": agree, E_n"), "{told:#?}");
    Outcome::of(rig(["replay"]).arg(run.folder())).expect(0, &[]);
    let (readings, lost) = readings_and_losses(&journal(&run.folder()));
    assert_eq!(lost, Vec::<Value>::new());
    readings
}

/// Replies that are lost now and then cost readings and no verdict. Both runs at once: each takes more than a minute.
#[test]
fn a_bolus_is_weighed_over_the_balances_own_line_also_if_replies_are_lost() {
    let files = tempfile::tempdir().unwrap();
    let dropping = changed(files.path(), "dropped_replies = \"0 %\"", "dropped_replies = \"10 %\"");
    let (all, some) = (start(Path::new(BENCH)), start(&dropping));
    let (all, some) = (weighed(all), weighed(some));
    // Two rests of 128 at the least; what is not at rest has another name.
    assert!(all > some && some > 256, "{all}, {some}");
}

/// A balance in a process of its own, which can be taken away while a run goes on. Ends with the test, however that ends.
struct Separate {
    child: Child,
    port: PathBuf,
}

impl Separate {
    fn host(dir: &Path) -> Self {
        let port = dir.join("ttyBALANCE");
        let mut command = rig(["host", "--bench", BENCH, "--balance"]);
        let mut child = command.arg(&port).env("TMPDIR", dir).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let announced: Value = serde_json::from_str(&line).unwrap();
        // It serves as long as somebody listens to its lines.
        let mut lines = UnixStream::connect(announced["lines"].as_str().unwrap()).unwrap();
        std::thread::spawn(move || {
            let mut unheeded = [0; 4_096];
            while lines.read(&mut unheeded).is_ok_and(|n| n > 0) {}
        });
        Self { child, port }
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }
}

impl Drop for Separate {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A bench whose balance is on this port.
fn on_port(dir: &Path, port: &Path) -> PathBuf {
    changed(dir, "serial = \"SIM-BALANCE\"", &format!("serial = \"SIM-BALANCE\"\nport = \"{}\"", port.display()))
}

/// The run of a bench whose balance gets this signal while the first rest goes on.
fn ends_without_its_balance(signal: Signal, why: &str) {
    let files = tempfile::tempdir().unwrap();
    let balance = Separate::host(files.path());
    let bench = on_port(files.path(), &balance.port);
    let (dir, mut child) = start(&bench);
    let mut lines = BufReader::new(child.stderr.as_mut().unwrap()).lines();
    assert!(lines.by_ref().map_while(Result::ok).any(|l| l.contains("steps.1 wait")), "the run never came to its first step");
    balance.signal(signal);
    let outcome = Outcome::from(child.wait_with_output().unwrap());
    outcome.expect(4, &[]);
    assert!(outcome.stdout.contains(why) && outcome.stdout.contains("bench shown safe"), "{outcome:#?}");

    let folder = folder(&reports(dir.path())).unwrap();
    assert_eq!(table(&folder.join("scenarios.csv"))[0]["verdict"], "ERROR");
    let journal = journal(&folder);
    assert!(bodies(&journal, "safe").last().is_some_and(|s| s["lines_safe"] == true));
    let (readings, lost) = readings_and_losses(&journal);
    assert!(readings > 0 && lost.last().is_some_and(|l| l["why"].as_str().unwrap().contains(why)), "{readings} readings, {lost:#?}");
    assert!(bodies(&journal, "command").iter().all(|b| b["verb"] != "start"), "nothing is delivered that nobody can weigh");
    Outcome::of(rig(["replay"]).arg(&folder)).expect(0, &[]);
}

#[test]
fn an_unplugged_balance_ends_the_run_safely() {
    ends_without_its_balance(Signal::SIGKILL, "is gone");
}

#[test]
fn a_balance_that_falls_silent_ends_the_run_safely() {
    ends_without_its_balance(Signal::SIGSTOP, "5 readings of the balance were lost one after another");
}

fn look(dir: &Path, bench: &Path) -> (Outcome, Value) {
    let mut command = rig(["doctor", "--look-only", "--json", "--bench"]);
    command.arg(bench).arg("--out").arg(reports(dir)).env("TMPDIR", dir).env("PUMP_RIG_STATE", dir);
    let outcome = Outcome::of(&mut command);
    let report: Value = serde_json::from_str(&outcome.stdout).unwrap_or_else(|e| panic!("{e}: {outcome:#?}"));
    let of_balance = report["findings"].as_array().unwrap().iter().find(|f| f["what"] == "balance").cloned();
    (outcome, of_balance.unwrap_or_default())
}

#[track_caller]
fn expect(found: &(Outcome, Value), code: i32, state: &str, words: &str, remedy: &str) {
    found.0.expect(code, &[]);
    let text = |key: &str| found.1[key].as_str().unwrap_or_default();
    assert_eq!(text("state"), state, "{found:#?}");
    assert!(text("words").contains(words) && text("remedy").contains(remedy), "{found:#?}");
}

#[test]
fn the_doctor_asks_the_balance_who_it_is_and_what_it_shows() {
    let dir = tempfile::tempdir().unwrap();
    let balance = Separate::host(dir.path());
    let bench = on_port(dir.path(), &balance.port);
    let found = look(dir.path(), &bench);
    let shows = format!("balance SIM-BALANCE on {} shows ", balance.port.display());
    expect(&found, 0, "good", &shows, "");
    assert!(found.1["simulated"].as_str().is_some_and(|why| why.contains("is a pseudo-terminal")), "{found:#?}");

    // Another balance than the one whose certificate is in the file.
    let text = fs::read_to_string(&bench).unwrap().replace("serial = \"SIM-BALANCE\"", "serial = \"B021002593\"");
    let other = write(dir.path(), "other.toml", text);
    let words = format!("balance SIM-BALANCE answers on {}, and the bench file names B021002593", balance.port.display());
    expect(&look(dir.path(), &other), 4, "bad", &words, "connect the right one");
    // A run is refused before anything is moved.
    let mut run = Run::command(dir.path(), &[SCENARIO, "--bench", other.to_str().unwrap()]);
    Outcome::of(&mut run).expect(4, &["channel `balance` can't be read", "SIM-BALANCE answers and not B021002593"]);

    // Somebody has its port.
    let taken = nix::fcntl::Flock::lock(fs::File::open(&balance.port).unwrap(), nix::fcntl::FlockArg::LockExclusiveNonblock).unwrap();
    expect(&look(dir.path(), &bench), 4, "bad", "is in use by another program", "fuser");
    drop(taken);
}

#[test]
fn the_doctor_says_what_to_do_about_a_balance_that_is_not_there() {
    let dir = tempfile::tempdir().unwrap();
    let missing = on_port(dir.path(), &dir.path().join("nothing"));
    let named = "the balance is plugged in and that the balance's `port`";
    expect(&look(dir.path(), &missing), 4, "bad", "is not there", named);

    let pty = nix::pty::openpty(None, None).unwrap();
    let port = nix::unistd::ttyname(&pty.slave).unwrap();
    let silent = on_port(dir.path(), &port);
    let words = format!("no balance answers on {}", port.display());
    expect(&look(dir.path(), &silent), 4, "bad", &words, "MT-SICS, and its baud rate and parity");

    // One that the bench hosts itself is nothing to look at.
    let found = look(dir.path(), Path::new(BENCH));
    found.0.expect(0, &[]);
    assert_eq!(found.1, Value::Null);
}
