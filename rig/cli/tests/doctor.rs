//! `rig doctor` on the process bench, and on a real bench that is not there; and the mark of a bench that was not shown safe.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "the tests run the program")]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use support::{Outcome, folder, journal, project, reports, rig, write};

const PROCESS: &str = "rig/benches/process.toml";
/// Nobody's account, on every Linux.
const NOBODY: u32 = 65_534;

fn doctor(dir: &Path, bench: &Path, arguments: &[&str]) -> Command {
    let mut command = rig(["doctor", "--bench"]);
    command.arg(bench).args(arguments).arg("--out").arg(reports(dir));
    command.env("TMPDIR", dir).env("PUMP_RIG_STATE", dir).env_remove("LC_ALL").env_remove("LC_CTYPE").env("LANG", "C");
    command
}

fn visit(dir: &Path, bench: &Path, arguments: &[&str]) -> Outcome {
    Outcome::of(&mut doctor(dir, bench, arguments))
}

/// The findings of a visit in JSON, by what they are about.
fn findings(outcome: &Outcome) -> Vec<(String, String, String)> {
    let report: Value = serde_json::from_str(&outcome.stdout).unwrap_or_else(|e| panic!("{e}: {outcome:#?}"));
    assert_eq!(outcome.code.map(i64::from), report["exit_code"].as_i64(), "{outcome:#?}");
    assert_eq!(report["fit"].as_bool(), Some(outcome.code == Some(0)), "{outcome:#?}");
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
    let all = report["findings"].as_array().unwrap();
    all.iter().map(|f| (text(f, "what"), text(f, "state"), format!("{} → {}", text(f, "words"), text(f, "remedy")))).collect()
}

#[track_caller]
fn found(all: &[(String, String, String)], what: &str, state: &str, words: &str) {
    let hit = all.iter().any(|(w, s, text)| w == what && s == state && text.contains(words));
    assert!(hit, "no `{what}` that is {state} with `{words}` in {all:#?}");
}

/// A bench of kind `pi` whose hardware is not there, with this port.
fn pi(dir: &Path, port: &str) -> PathBuf {
    let text = format!(
        r#"name = "pi"
kind = "pi"
[link]
protocol = "pump-link"
path = "{port}"
baud = 115200
reply_timeout = "500 ms"
transmissions = 3
poll_every = "2 s"
[dut]
model = "RP-1 reference"
[[line]]
name = "power"
safe = "off"
chip = "no-such-chip"
offset = 17
active_low = false
[[channel]]
name = "flow.tip"
sensor = "flow"
k_factor = "10 pulses/µL"
k_uncertainty = "1 %"
max_flow = "2 L/h"
stroke_gap = "1 s"
bidirectional = false
chip = "no-such-chip"
offset = 5
active_low = true
[[channel]]
name = "pressure.line"
sensor = "pressure"
uncertainty = "1 kPa"
min = "-20 kPa"
max = "220 kPa"
converter = "ads1115"
bus = "/dev/i2c-250"
input = 0
read_every = "100 ms"
low = {{ code = 410, pressure = "0 kPa" }}
high = {{ code = 3686, pressure = "200 kPa" }}
[safe_down]
dwell = "5 s"
at_most = "1.5 µL"
"#
    );
    write(dir, "pi.toml", text)
}

#[test]
fn the_process_bench_is_fit_and_its_trial_is_recorded_like_any_run() {
    let dir = tempfile::tempdir().unwrap();
    let outcome = visit(dir.path(), Path::new(PROCESS), &["--deliver", "5 µL"]);
    outcome.expect(0, &[]);
    for line in [
        "ok   board                    RP-1 reference SN-0001",
        "ok   line power               moved",
        "and the board restarted",
        "ok   line occluder",
        "ok   flow.pump                alive, and quiet at rest",
        "ok   flow.tip                 alive, and quiet at rest",
        "ok   pressure.line            reads ",
        "ok   alarm                    the chirp",
        "ok   delivery                 ",
        " µL is within 4.5 … 5.5 µL",
        "ok   safety                   at most",
        "bench process: fit for a run; 0 bad",
    ] {
        assert!(outcome.stdout.contains(line), "`{line}` is not in:\n{}", outcome.stdout);
    }
    let record = folder(&reports(dir.path())).expect("a run folder");
    assert!(outcome.stdout.contains(&format!("record: {}", record.display())), "{outcome:#?}");
    Outcome::of(rig(["replay"]).arg(&record)).expect(0, &[]);
}

#[test]
fn a_pump_that_delivers_too_much_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(project().join(PROCESS)).unwrap();
    assert!(text.contains("gain = 1.0") || text.contains("gain = 1"), "{text}");
    let text = text.replace("gain = 1.0", "gain = 1.3").replace("gain = 1\n", "gain = 1.3\n");
    let bench = write(dir.path(), "bench.toml", text);
    let outcome = visit(dir.path(), &bench, &["--deliver", "5 µL", "--json"]);
    outcome.expect(4, &[]);
    let all = findings(&outcome);
    found(&all, "volume of `delivered` is 5 µL ± 10 %", "bad", "FAIL: 6.");
    found(&all, "trial", "bad", "FAIL");
    found(&all, "flow.tip", "good", "alive, and quiet");
}

#[test]
fn another_board_than_the_bench_file_names_is_bad() {
    let dir = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(project().join(PROCESS)).unwrap().replace("model = \"RP-1 reference\"", "model = \"RP-2\"");
    let bench = write(dir.path(), "bench.toml", text);
    let outcome = visit(dir.path(), &bench, &["--json"]);
    outcome.expect(4, &[]);
    found(&findings(&outcome), "trial", "bad", "ERROR");
}

/// Both ends of a pty behind which nobody answers, and the device of the far one.
fn silent_port() -> (nix::pty::OpenptyResult, PathBuf) {
    let pty = nix::pty::openpty(None, None).unwrap();
    let device = nix::unistd::ttyname(&pty.slave).unwrap();
    (pty, device)
}

#[test]
fn a_board_that_does_not_answer_is_bad() {
    let dir = tempfile::tempdir().unwrap();
    let (_pty, port) = silent_port();
    let text = fs::read_to_string(project().join(PROCESS)).unwrap();
    let text = text.replace("baud = 115200", &format!("baud = 115200\npath = \"{}\"", port.display())).replace("2 s", "300 ms");
    let bench = write(dir.path(), "bench.toml", text);
    let outcome = visit(dir.path(), &bench, &["--json"]);
    outcome.expect(4, &[]);
    let all = findings(&outcome);
    found(&all, "serial port", "good", "opens");
    found(&all, "board", "bad", "did not say who it is → check its supply");
}

#[test]
fn a_run_finds_by_itself_that_its_port_is_no_hardware() {
    let dir = tempfile::tempdir().unwrap();
    let (_pty, port) = silent_port();
    let bench = pi(dir.path(), port.to_str().unwrap());
    let mut run = rig(["run", "scenarios/smoke", "--bench"]);
    run.arg(&bench).arg("--out").arg(reports(dir.path())).env("PUMP_RIG_STATE", dir.path());
    // Its lines are not there: nothing is played, but the record is begun.
    Outcome::of(&mut run).expect(4, &["no-such-chip"]);
    let journal = journal(&folder(&reports(dir.path())).expect("a run folder"));
    let header: Value = serde_json::from_str(journal.lines().next().unwrap()).unwrap();
    let reasons = header["body"]["simulated_because"].as_array().unwrap();
    let of_port = reasons.iter().filter_map(Value::as_str).any(|why| why.contains(&format!("{} is a pseudo-terminal", port.display())));
    assert!(of_port && header["body"]["simulated"] == true, "{header:#}");
}

#[test]
fn to_look_moves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let outcome = visit(dir.path(), Path::new(PROCESS), &["--look-only", "--json"]);
    outcome.expect(0, &[]);
    found(&findings(&outcome), "plumbing", "good", "simulated");
    assert_eq!(folder(&reports(dir.path())), None);
}

#[test]
fn bad_files_and_bad_usage_end_in_2() {
    let dir = tempfile::tempdir().unwrap();
    let bench = write(dir.path(), "bench.toml", "name = 1\n");
    visit(dir.path(), &bench, &[]).expect(2, &["bench.toml"]);
    visit(dir.path(), Path::new("rig/benches/sim.toml"), &[]).expect(2, &["nothing to look at"]);
    visit(dir.path(), Path::new(PROCESS), &["--deliver", "5 kPa"]).expect(2, &["does not fit this bench"]);
    visit(dir.path(), Path::new(PROCESS), &["--pulses", "flow.tip"]).expect(2, &["no lines to look at"]);
    visit(dir.path(), Path::new(PROCESS), &["--stress"]).expect(2, &["--loop"]);
    let pi = pi(dir.path(), "/dev/null");
    visit(dir.path(), &pi, &["--pulses", "flow.tpi"]).expect(2, &["no pulses of `flow.tpi`; it has those of `flow.tip`"]);
    visit(dir.path(), &pi, &["--stress", "--loop", "20"]).expect(2, &["`20` is no loop"]);
}

#[test]
fn a_real_bench_that_is_not_there_is_told_thing_by_thing() {
    let dir = tempfile::tempdir().unwrap();
    let bench = pi(dir.path(), "/dev/serial/by-id/nothing");
    let outcome = visit(dir.path(), &bench, &["--json"]);
    outcome.expect(4, &[]);
    let all = findings(&outcome);
    found(&all, "serial port", "bad", "is not there → check that the board is plugged in");
    found(&all, "chip no-such-chip", "bad", "there is no GPIO chip labelled `no-such-chip`");
    found(&all, "pressure.line", "bad", "bus /dev/i2c-250 is not there → switch it on");
    assert_eq!(folder(&reports(dir.path())), None, "nothing is tried on a bench that is not there");
    visit(dir.path(), &bench, &["--pulses", "flow.tip"]).expect(4, &["no GPIO chip labelled `no-such-chip`"]);
    visit(dir.path(), &bench, &["--stress", "--loop", "20:21"]).expect(4, &["no GPIO chip labelled `no-such-chip`"]);
}

#[test]
fn a_port_that_this_user_may_not_open_has_its_command() {
    let dir = tempfile::tempdir().unwrap();
    let port = write(dir.path(), "port", "");
    fs::set_permissions(&port, fs::Permissions::from_mode(0o000)).unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let bench = pi(dir.path(), port.to_str().unwrap());
    let mut command = doctor(dir.path(), &bench, &["--json"]);
    if nix::unistd::geteuid().is_root() {
        // Root may open everything. Nobody has to reach the program, which may lie where only root does.
        let program = dir.path().join("rig");
        fs::copy(env!("CARGO_BIN_EXE_rig"), &program).unwrap();
        let arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
        let mut as_nobody = Command::new(program);
        as_nobody.args(arguments).current_dir(dir.path()).env("PUMP_RIG_STATE", dir.path()).uid(NOBODY).gid(NOBODY);
        command = as_nobody;
    }
    let outcome = Outcome::of(&mut command);
    outcome.expect(4, &[]);
    found(&findings(&outcome), "serial port", "bad", "may not be opened by this user → ");
    found(&findings(&outcome), "serial port", "bad", "sudo chmod g+rw");
}

/// What a run leaves that was killed.
fn mark(dir: &Path) -> PathBuf {
    let text = r#"{"run":"0123-4567","since":"2031-02-03T04:05:06Z","because":"up to 9 µL came in 5 s"}"#;
    write(dir, "rig-pi.wedged", text)
}

#[test]
fn a_marked_bench_refuses_runs_and_visits_and_says_how_to_recover() {
    let dir = tempfile::tempdir().unwrap();
    let bench = pi(dir.path(), "/dev/null");
    let mark = mark(dir.path());
    let mut run = rig(["run", "scenarios/smoke", "--bench"]);
    run.arg(&bench).arg("--out").arg(reports(dir.path())).env("PUMP_RIG_STATE", dir.path());
    let words = ["0123-4567", "2031-02-03T04:05:06Z", "up to 9 µL came in 5 s", "rig doctor --recover", mark.to_str().unwrap()];
    Outcome::of(&mut run).expect(7, &words);
    let record = folder(&reports(dir.path())).expect("a run folder");
    assert!(journal(&record).contains("up to 9 µL came"), "the refusal is in the record");

    let outcome = visit(dir.path(), &bench, &["--json"]);
    outcome.expect(7, &[]);
    found(&findings(&outcome), "safety", "bad", "up to 9 µL came in 5 s");
    found(&findings(&outcome), "safety", "bad", "--recover");

    // A bench that is not even there is not recovered.
    visit(dir.path(), &bench, &["--recover", "--json"]).expect(4, &[]);
    assert!(mark.exists());
}

#[test]
fn a_run_that_can_not_open_its_bench_leaves_no_mark_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let bench = pi(dir.path(), "/dev/null");
    let mut run = rig(["run", "scenarios/smoke", "--bench"]);
    run.arg(&bench).arg("--out").arg(reports(dir.path())).env("PUMP_RIG_STATE", dir.path());
    Outcome::of(&mut run).expect(4, &["no-such-chip"]);
    assert!(!dir.path().join("rig-pi.wedged").exists());
    assert!(dir.path().join("rig-pi.lock").exists(), "the lock is where the mark would be");
}

#[test]
fn what_recovery_plays_shows_a_bench_safe() {
    let dir = tempfile::tempdir().unwrap();
    let outcome = visit(dir.path(), Path::new(PROCESS), &["--recover", "--json"]);
    outcome.expect(0, &[]);
    found(&findings(&outcome), "safety", "good", "not marked");
    found(&findings(&outcome), "safety", "good", "the pump was never started in this run");
    found(&findings(&outcome), "board", "good", "RP-1 reference");
}
