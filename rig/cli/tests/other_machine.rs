//! The program built for another machine makes the same facts of the same scenarios as this one, and each derives the other's verdicts again.
//! Needs that program, so that `cargo test` leaves it out; `.ci/pi` runs it.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "the tests run the program and read its files")]

mod support;

use std::path::Path;
use std::process::{Command, Stdio};

use support::{Outcome, Run, first_difference, folder, journal, project, reports, rig};
use tempfile::TempDir;

/// How to start the other one: words that arguments can follow, such as `qemu-aarch64-static /path/to/rig`.
const OTHER: &str = "RIG_OTHER";

fn other<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let words = std::env::var(OTHER).unwrap_or_else(|_| panic!("{OTHER} is not set; `.ci/pi` builds the other program and sets it"));
    let mut words = words.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or_else(|| panic!("{OTHER} is empty")));
    command
        .args(words)
        .args(arguments)
        .current_dir(project())
        .stdin(Stdio::null())
        .env("NO_COLOR", "1")
        .env("CI", "1")
        .env_remove("RIG_LOG");
    command
}

/// `rig run` on the other one, in folders of its own.
fn other_run(arguments: &[&str]) -> Run {
    let dir = TempDir::new().unwrap();
    let mut command = other(["run"]);
    command.args(arguments).arg("--out").arg(reports(dir.path())).env("TMPDIR", dir.path());
    let outcome = Outcome::of(&mut command);
    Run { dir, outcome }
}

fn host(run: &Run) -> String {
    let header: serde_json::Value = serde_json::from_str(journal(&run.folder()).lines().next().unwrap()).unwrap();
    header["body"]["host"].to_string()
}

fn replayed(command: &mut Command, folder: &Path) {
    let outcome = Outcome::of(command.arg(folder));
    outcome.expect(0, &[]);
    assert!(outcome.stdout.starts_with("identical: "), "{outcome:#?}");
}

#[track_caller]
fn same_on_both(code: i32, arguments: &[&str]) {
    let (here, there) = (Run::of(arguments), other_run(arguments));
    here.outcome.expect(code, &[]);
    there.outcome.expect(code, &[]);
    assert_ne!(host(&here), host(&there), "{OTHER} names a program for this machine, which proves nothing");
    assert_eq!(first_difference(&journal(&here.folder()), &journal(&there.folder())), None, "the first line that differs");
    replayed(&mut rig(["replay"]), &there.folder());
    replayed(&mut other(["replay"]), &folder(&reports(here.dir.path())).unwrap());
}

#[test]
fn the_smoke_scenarios_are_the_same_run() {
    same_on_both(0, &["scenarios/smoke", "--seed", "7"]);
}

#[test]
fn a_run_that_fails_fails_in_the_same_way() {
    same_on_both(1, &["scenarios/smoke", "--seed", "7", "--defect", "wrong_gain"]);
}

#[test]
fn the_main_job_is_the_same_run() {
    same_on_both(0, &["--seed", "7"]);
}

/// The comparison itself: noise of another seed is another run.
#[test]
fn another_seed_is_seen_behind_the_header() {
    let (here, there) = (Run::of(&["scenarios/smoke", "--seed", "7"]), other_run(&["scenarios/smoke", "--seed", "8"]));
    let there = journal(&there.folder()).replacen("\"seed\":8", "\"seed\":7", 1);
    let (line, ..) = first_difference(&journal(&here.folder()), &there).expect("a difference");
    assert!(line > 1, "the headers differ, and nothing was learnt of what follows");
}
