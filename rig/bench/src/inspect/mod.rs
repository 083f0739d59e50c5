//! Compares a bench with what is there, and moves nothing.

mod access;
mod balance;
mod buses;
mod clock;
mod lines;
mod machine;
mod port;

use std::fmt;
use std::path::{Path, PathBuf};

use nix::sys::statvfs::statvfs;
use rig_model::bench::{Bench, BenchKind};
use serde::Serialize;

pub use clock::wall_clock;

/// A night of records on a busy bench takes some 100 MB; below this the next ones may not fit.
const DISK_LOW: u64 = 1_000_000_000;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub what: String,
    pub state: State,
    /// What was found, for people.
    pub words: String,
    /// What to do about it; often a command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// Why it is no hardware, if it is none: a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub simulated: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Good,
    /// A run can be played, but somebody should know.
    Warning,
    /// A run can't be played, or its record would be worth nothing.
    Bad,
}

impl Finding {
    pub fn good(what: impl Into<String>, words: impl Into<String>) -> Self {
        Self { what: what.into(), state: State::Good, words: words.into(), remedy: None, simulated: None }
    }

    pub fn warning(what: impl Into<String>, words: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { state: State::Warning, remedy: Some(remedy.into()), ..Self::good(what, words) }
    }

    pub fn bad(what: impl Into<String>, words: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { state: State::Bad, remedy: Some(remedy.into()), ..Self::good(what, words) }
    }

    /// From an error that says what to do behind its first colon, as those of this crate do.
    fn of_error(what: &str, error: &dyn fmt::Display) -> Self {
        let text = error.to_string();
        match text.split_once(": ") {
            Some((words, remedy)) if !remedy.is_empty() => Self::bad(what, words, remedy),
            _ => Self { state: State::Bad, ..Self::good(what, text) },
        }
    }

    fn simulated(self, why: Option<String>) -> Self {
        Self { simulated: why, ..self }
    }
}

/// The machine under the bench, as its kernel shows it in files.
#[derive(Debug, Clone)]
pub struct Ground {
    root: PathBuf,
}

impl Default for Ground {
    /// This machine.
    fn default() -> Self {
        Self { root: "/".into() }
    }
}

impl Ground {
    /// The same files below another folder.
    pub fn below(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    fn path(&self, absolute: &str) -> PathBuf {
        self.root.join(absolute.trim_start_matches('/'))
    }

    /// The text of a file without what surrounds it. Most of what is asked for is there on some machines only.
    fn text(&self, absolute: &str) -> Option<String> {
        let bytes = std::fs::read(self.path(absolute)).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        Some(text.trim_matches(|c: char| c.is_whitespace() || c == '\0').to_owned()).filter(|text| !text.is_empty())
    }
}

/// Everything that can be seen without moving anything. Reports would go to `reports`.
pub fn inspect(bench: &Bench, ground: &Ground, reports: &Path) -> Vec<Finding> {
    let mut found = machine::look(bench, ground);
    found.push(disk(reports));
    match bench.kind {
        BenchKind::Sim => {}
        BenchKind::Process => {
            found.push(
                Finding::good("plumbing", "simulated beside the firmware's own process").simulated(Some("as the bench file says".into())),
            );
            found.extend(bench.link.path.is_some().then(|| port::look(bench, ground)));
            found.extend(balance::look(bench, ground));
        }
        BenchKind::Pi => {
            found.push(port::look(bench, ground));
            found.extend(lines::look(bench));
            found.extend(buses::look(bench, ground));
            found.extend(balance::look(bench, ground));
            found.extend(watchdog(bench, ground));
        }
    }
    found
}

/// What of a real bench is no hardware, in sentences. It is found here and not taken from the bench file.
pub fn simulated(bench: &Bench, ground: &Ground) -> Vec<String> {
    if bench.kind != BenchKind::Pi {
        return Vec::new();
    }
    let mut why: Vec<String> = machine::virtual_machine(ground).into_iter().collect();
    why.extend(port::simulated(bench, ground));
    why.extend(balance::simulated(bench, ground));
    why.extend(lines::simulated(bench));
    why
}

/// The computer as it names itself, if it is a Raspberry Pi: model, SoC, revision, serial number.
pub fn machine(ground: &Ground) -> Option<String> {
    machine::identity(ground)
}

fn disk(reports: &Path) -> Finding {
    // The folder may not have been made yet.
    let absolute = std::path::absolute(reports).unwrap_or_else(|_| reports.to_owned());
    let there = absolute.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("/"));
    let what = "disk";
    match statvfs(there) {
        Ok(disk) => room(reports, disk.blocks_available().saturating_mul(disk.fragment_size())),
        Err(error) => Finding::bad(what, format!("{}: {error}", there.display()), "name another folder with `--out`"),
    }
}

fn room(folder: &Path, free: u64) -> Finding {
    let words = format!("{:.1} GB free for reports in {}", free as f64 / 1e9, folder.display());
    if free < DISK_LOW {
        return Finding::warning("disk", words, "make room, or name another folder with `--out`");
    }
    Finding::good("disk", words)
}

fn watchdog(bench: &Bench, ground: &Ground) -> Option<Finding> {
    let path = bench.supervision.watchdog.as_ref()?;
    let what = "hardware watchdog";
    Some(if ground.path(path).exists() {
        // To open it would start it.
        Finding::good(what, format!("{path} is there; not opened, which would start it"))
    } else {
        Finding::bad(
            what,
            format!("{path} is not there"),
            "take `watchdog` out of `[supervisor]`, or load the driver of the machine's watchdog",
        )
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A root with these files.
    pub fn ground(files: &[(&str, &str)]) -> (tempfile::TempDir, Ground) {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join(path.trim_start_matches('/'));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let ground = Ground::below(dir.path());
        (dir, ground)
    }

    #[test]
    fn a_disk_that_is_nearly_full_is_told() {
        let folder = Path::new("/somewhere");
        assert_eq!(room(folder, DISK_LOW).state, State::Good);
        let low = room(folder, DISK_LOW - 1);
        assert_eq!((low.state, low.words.as_str()), (State::Warning, "1.0 GB free for reports in /somewhere"));
        // A folder that is still to be made is on the disk of the one above it.
        assert!(disk(&std::env::temp_dir().join("not/made/yet")).words.contains(&std::env::temp_dir().display().to_string()));
    }

    #[test]
    fn an_error_is_parted_into_what_is_so_and_what_to_do() {
        let found = Finding::of_error("x", &"the port is not there: plug it in: now");
        assert_eq!((found.words.as_str(), found.remedy.as_deref()), ("the port is not there", Some("plug it in: now")));
        let plain = Finding::of_error("x", &"nothing more is known");
        assert_eq!((plain.state, plain.words.as_str(), plain.remedy), (State::Bad, "nothing more is known", None));
    }
}
