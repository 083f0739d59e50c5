//! The runs of a ledger, without a look at its chain: what every start of a run needs to know, and at once.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::ledger::{Ledger, lines};

/// All runs that a ledger knows, in the order of their starts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Roll<'l> {
    pub runs: Vec<Listed<'l>>,
    /// What the next run is to be numbered.
    pub next_number: u64,
}

/// A run as the ledger has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<'l> {
    /// From 1.
    pub number: u64,
    pub run_id: &'l str,
    pub started_utc: &'l str,
    /// Name of its folder beside the ledger.
    pub folder: &'l str,
    pub closed: Closed,
}

/// Whether a run was closed, as far as the ledger tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// Under way, or cut off, or ended without a manifest because its record could not be written.
    No,
    Ended,
    Recovered,
    /// Version 1 of the ledger tells nothing but starts.
    Untold,
}

/// The fields that count here, not copied. None of them needs an escape in JSON; where one is escaped all the same, the rig has not written it.
#[derive(Deserialize)]
struct Line<'l> {
    v: u32,
    run_id: &'l str,
    #[serde(default)]
    kind: Option<&'l str>,
    #[serde(default)]
    number: Option<u64>,
    #[serde(default)]
    started_utc: Option<&'l str>,
    #[serde(default)]
    folder: Option<&'l str>,
    #[serde(default)]
    manifest_sha256: Option<&'l str>,
}

impl<'l> Roll<'l> {
    pub fn read(bytes: &'l [u8]) -> Self {
        let mut runs: Vec<Listed<'l>> = Vec::new();
        let mut by_id: BTreeMap<&str, usize> = BTreeMap::new();
        let mut numbers = Numbers::default();
        for (text, _) in lines(bytes) {
            let Ok(line) = serde_json::from_slice::<Line<'l>>(text) else {
                numbers.unreadable();
                continue;
            };
            let (kind, closed) = match line.v {
                1 => ("started", Closed::Untold),
                Ledger::VERSION => (line.kind.unwrap_or_default(), Closed::No),
                // Of a later rig: at least it is not taken for a run that was cut off.
                _ => continue,
            };
            match (kind, line.started_utc, line.folder) {
                ("started", Some(started_utc), Some(folder)) => {
                    let number = line.number.unwrap_or(numbers.next());
                    numbers.started(number);
                    by_id.insert(line.run_id, runs.len());
                    runs.push(Listed { number, run_id: line.run_id, started_utc, folder, closed });
                }
                ("ended" | "recovered", ..) if line.manifest_sha256.is_some() => {
                    if let Some(run) = by_id.get(line.run_id).and_then(|&i| runs.get_mut(i)) {
                        run.closed = if kind == "ended" { Closed::Ended } else { Closed::Recovered };
                    }
                }
                _ => {}
            }
        }
        Self { runs, next_number: numbers.next() }
    }
}

impl Listed<'_> {
    /// It was started and not closed, or the ledger can't tell.
    pub fn is_open(&self) -> bool {
        matches!(self.closed, Closed::No | Closed::Untold)
    }
}

/// Counts the runs of a ledger.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    last: u64,
}

impl Numbers {
    pub fn next(&self) -> u64 {
        self.last.saturating_add(1)
    }

    /// A run says that it has this number; gives what is wrong with that.
    pub fn started(&mut self, number: u64) -> Option<String> {
        let expected = self.next();
        self.last = self.last.max(number);
        (number != expected).then(|| format!("its run has number {number}, expected {expected}"))
    }

    /// A line that can't be read may have been the start of a run, whose number is not given to another.
    pub fn unreadable(&mut self) {
        self.last = self.next();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(u64, &str, &str, Closed)> {
        Roll::read(text.as_bytes()).runs.into_iter().map(|r| (r.number, r.run_id, r.folder, r.closed)).collect()
    }

    #[test]
    fn what_is_open_is_told_from_what_is_closed() {
        let text = r#"{"v":1,"run_id":"a","started_utc":"t","folder":"f-a","previous":"-"}
{"v":2,"run_id":"b","kind":"started","number":2,"started_utc":"t","folder":"f-b","previous":"-"}
{"v":2,"run_id":"c","kind":"started","number":3,"started_utc":"t","folder":"f-c","previous":"-"}
{"v":2,"run_id":"b","kind":"ended","utc":"t","previous":"-"}
{"v":2,"run_id":"c","kind":"ended","utc":"t","manifest_sha256":"-","previous":"-"}
{"v":2,"run_id":"d","kind":"star
{"v":2,"run_id":"e","kind":"started","number":5,"started_utc":"t","folder":"f-e","previous":"-"}
{"v":2,"run_id":"e","kind":"recovered","utc":"t","manifest_sha256":"-","previous":"-"}
{"v":2,"run_id":"b","kind":"signed","statement":"signed/0001-operator.json","previous":"-"}
{"v":9,"run_id":"z","kind":"started","number":9,"started_utc":"t","folder":"f-z"}
"#;
        let expected = [
            (1, "a", "f-a", Closed::Untold),
            (2, "b", "f-b", Closed::No),
            (3, "c", "f-c", Closed::Ended),
            (5, "e", "f-e", Closed::Recovered),
        ];
        assert_eq!(read(text), expected);
        let roll = Roll::read(text.as_bytes());
        assert_eq!(roll.next_number, 6);
        assert_eq!(roll.runs.iter().filter(|r| r.is_open()).map(|r| r.run_id).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(Roll::read(b"").next_number, 1);
    }
}
