//! Runs the real binary and reads what it leaves.
#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

pub type Row = BTreeMap<String, String>;

/// The project's folder.
pub fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the project's folder")
}

/// `rig`, in the project's folder, with nothing of the terminal that the tests run in.
pub fn rig<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rig"));
    command.args(arguments).current_dir(project()).stdin(Stdio::null()).env("NO_COLOR", "1").env("CI", "1").env_remove("RIG_LOG");
    for name in ["RIG_SIGNERS", "RIG_BENCH_KEY", "SSH_AUTH_SOCK"] {
        command.env_remove(name);
    }
    command
}

/// How it ended and what it said.
#[derive(Debug)]
pub struct Outcome {
    pub code: Option<i32>,
    pub signal: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Outcome {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            signal: output.status.signal(),
            stdout: String::from_utf8(output.stdout).expect("UTF-8 on standard output"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8 on standard error"),
        }
    }
}

impl Outcome {
    pub fn of(command: &mut Command) -> Self {
        command.output().expect("the program starts").into()
    }

    /// Ended with this exit code, and with all of these words in its errors.
    #[track_caller]
    pub fn expect(&self, code: i32, words: &[&str]) {
        assert_eq!((self.code, self.signal), (Some(code), None), "{self:#?}");
        for words in words {
            assert!(self.stderr.contains(words), "`{words}` is not in:\n{}", self.stderr);
        }
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
    }
}

/// A run in folders of its own.
#[derive(Debug)]
pub struct Run {
    pub dir: TempDir,
    pub outcome: Outcome,
}

impl Run {
    /// `rig run` with these arguments.
    pub fn of(arguments: &[&str]) -> Self {
        Self::with(tempfile::tempdir().expect("a folder"), arguments)
    }

    /// The same in a folder that has something in it already.
    pub fn with(dir: TempDir, arguments: &[&str]) -> Self {
        let outcome = Outcome::of(&mut Self::command(dir.path(), arguments));
        Self { dir, outcome }
    }

    /// What [`Run::of`] starts: reports, lock and sockets are all below `dir`.
    pub fn command(dir: &Path, arguments: &[&str]) -> Command {
        let mut command = rig(["run"]);
        command.args(arguments).arg("--out").arg(reports(dir)).env("TMPDIR", dir);
        command
    }

    /// The one folder that it made.
    pub fn folder(&self) -> PathBuf {
        folder(&reports(self.dir.path())).unwrap_or_else(|| panic!("no run folder: {:#?}", self.outcome))
    }

    pub fn table(&self, name: &str) -> Vec<Row> {
        table(&self.folder().join(name))
    }
}

pub fn reports(dir: &Path) -> PathBuf {
    dir.join("reports")
}

/// The only run folder in a folder of reports.
pub fn folder(reports: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(reports).ok()?.map(|e| e.expect("an entry").path());
    let mut folders: Vec<PathBuf> = entries.filter(|p| p.is_dir()).collect();
    assert!(folders.len() <= 1, "{folders:?}");
    folders.pop()
}

/// A CSV file, each row by its columns' names.
pub fn table(path: &Path) -> Vec<Row> {
    let mut reader = csv::Reader::from_path(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    reader.deserialize().collect::<Result<_, _>>().unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

pub fn journal(folder: &Path) -> String {
    let whole = folder.join("journal.jsonl");
    let path = if whole.exists() { whole } else { folder.join("journal.jsonl.partial") };
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The first line in which two journals differ, with both, or nothing. Host, start, run id and provenance, which no two runs share, are aside.
pub fn first_difference(a: &str, b: &str) -> Option<(usize, String, String)> {
    let (head_a, rest_a) = a.split_once('\n').expect("a header");
    let (head_b, rest_b) = b.split_once('\n').expect("a header");
    let (head_a, head_b) = (comparable(head_a), comparable(head_b));
    if head_a != head_b {
        return Some((1, head_a.to_string(), head_b.to_string()));
    }
    let (mut a, mut b) = (rest_a.lines(), rest_b.lines());
    for number in 2.. {
        match (a.next(), b.next()) {
            (None, None) => break,
            (a, b) if a.map(unchained) == b.map(unchained) => {}
            (a, b) => return Some((number, a.unwrap_or("nothing").to_owned(), b.unwrap_or("nothing").to_owned())),
        }
    }
    None
}

fn comparable(header: &str) -> Value {
    let mut header: Value = serde_json::from_str(header).expect("a header in JSON");
    let body = header["body"].as_object_mut().expect("a body");
    for key in ["run_id", "started_utc", "host"] {
        assert!(body.remove(key).is_some(), "the header has no `{key}`");
    }
    body.remove("provenance");
    header.as_object_mut().expect("an envelope").remove("chain");
    header
}

/// A line of a journal up to its link: the links of two runs differ from the header on.
pub fn unchained(line: &str) -> &str {
    line.rsplit_once(",\"chain\":").map_or(line, |(text, _)| text)
}

/// A journal whose chain somebody has made anew.
pub fn chained_anew(journal: &str) -> String {
    let mut link = None;
    let chained = journal.lines().map(|line| {
        let text = unchained(line);
        let next = rig_record::Link::of(link, text.as_bytes());
        link = Some(next);
        format!("{text},\"chain\":\"{next}\"}}\n")
    });
    chained.collect()
}

/// File names in a folder, sorted.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut names: Vec<String> = entries.map(|e| e.expect("an entry").file_name().into_string().expect("UTF-8")).collect();
    names.sort();
    names
}

/// What a whole run leaves.
pub const WHOLE: [&str; 11] = [
    "budgets.csv",
    "curves.csv",
    "datapackage.json",
    "delivery.csv",
    "events.csv",
    "figures.csv",
    "journal.jsonl",
    "junit.xml",
    "manifest.json",
    "results.csv",
    "scenarios.csv",
];

/// A scenario in rig time of seconds, without plumbing to wait for.
pub const SHORT: &str = "scenario: SHORT-01
title: A pump that stands still says so
time_limit: 2 min
steps:
  - check: { state: stopped }
  - program: { basal: 20 µL/h }
  - wait: 1500 ms
  - check: { state: stopped }
finally:
  - stop
";

pub fn write(dir: &Path, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("the folder");
    fs::write(&path, text).expect("the file");
    path
}
