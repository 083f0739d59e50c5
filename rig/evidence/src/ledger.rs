//! `ledger.jsonl`: one chained line for everything that ever began, ended or was signed in a reports folder, so that what was removed is missed.
//!
//! Nothing is ever taken out of it. A line that a loss of power tore is completed by a newline and stays, as a fault that is told, and the chain
//! goes on from its bytes.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::hash::Sha256Hex;
use crate::manifest::Head;
use crate::roll;

/// One line. Version 1 knows only starts, and says so by having no `kind` and no number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerLine {
    pub v: u32,
    pub run_id: String,
    #[serde(flatten)]
    pub entry: Entry,
    /// SHA-256 of the line before, without its newline; of nothing for the first.
    pub previous: Sha256Hex,
}

/// What happened to a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Entry {
    Started {
        /// Number of the run in this ledger, from 1.
        number: u64,
        started_utc: String,
        folder: String,
    },
    /// It came to its end and was closed by itself. Without a manifest its record could not be written, and is closed later.
    Ended(Closing),
    /// It was closed afterwards from what there was: it had been cut off, or its reports were made anew and came out otherwise.
    Recovered(Closing),
    /// A statement about it was signed.
    Signed {
        /// The statement's name in the run's folder.
        statement: String,
        sha256: Sha256Hex,
        signature_sha256: Sha256Hex,
    },
}

/// How a run was closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Closing {
    pub utc: String,
    /// PASS, FAIL …; absent where nothing was judged.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub verdict: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub exit_code: Option<u8>,
    /// Of `manifest.json`; absent where it could not be written.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub manifest_sha256: Option<Sha256Hex>,
    /// How far the journal goes; absent where none was found.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub journal: Option<Head>,
}

/// A ledger as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ledger {
    /// Every line that can be read, behind a fault as well, in order.
    pub lines: Vec<Numbered>,
    /// What is wrong with it, in order; at most [`Ledger::MOST_FAULTS`].
    pub faults: Vec<Fault>,
}

/// A line of the ledger and its number in the file, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbered {
    pub number: u64,
    pub line: LedgerLine,
}

/// What is wrong with a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// From 1.
    pub line: u64,
    /// What is there and what was expected: a fragment that reads after "line 3:".
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

/// As version 1 wrote it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FirstVersion {
    v: u32,
    run_id: String,
    started_utc: String,
    folder: String,
    previous: Sha256Hex,
}

impl LedgerLine {
    /// As the file holds it, without its newline.
    ///
    /// # Errors
    /// None that can happen: there is nothing in it that JSON can't express.
    pub fn render(&self) -> Result<String, serde_json::Error> {
        match &self.entry {
            Entry::Started { started_utc, folder, .. } if self.v == 1 => serde_json::to_string(&FirstVersion {
                v: 1,
                run_id: self.run_id.clone(),
                started_utc: started_utc.clone(),
                folder: folder.clone(),
                previous: self.previous,
            }),
            _ => serde_json::to_string(self),
        }
    }

    /// `number` is what a run of version 1, which tells none, is counted as. Takes exactly what [`Self::render`] gives.
    fn parse(text: &str, number: u64) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Versioned {
            v: u32,
        }
        let wrong = |error: serde_json::Error| format!("it is no line of a ledger: {error}");
        let line = match serde_json::from_str::<Versioned>(text).map_err(wrong)?.v {
            1 => {
                let FirstVersion { v, run_id, started_utc, folder, previous } = serde_json::from_str(text).map_err(wrong)?;
                Self { v, run_id, entry: Entry::Started { number, started_utc, folder }, previous }
            }
            Ledger::VERSION => serde_json::from_str(text).map_err(wrong)?,
            other => return Err(format!("it has version {other}, expected 1 or {}", Ledger::VERSION)),
        };
        if line.render().map_err(wrong)? != text {
            return Err("it is not as the rig writes it: the same content in another spelling".to_owned());
        }
        Ok(line)
    }
}

impl Ledger {
    /// Version of the lines that are written.
    pub const VERSION: u32 = 2;
    /// Name of the file, in the folder of reports.
    pub const NAME: &str = "ledger.jsonl";
    /// More are not told: whoever reads them knows enough.
    pub const MOST_FAULTS: usize = 100;

    /// Reads all of the file and holds every line against the chain. A fault ends nothing: what comes after it is read as well.
    pub fn read(bytes: &[u8]) -> Self {
        let mut ledger = Self::default();
        let mut previous = Sha256Hex::of("");
        let mut numbers = roll::Numbers::default();
        for (number, (text, whole)) in (1..).zip(lines(bytes)) {
            let parsed = std::str::from_utf8(text).map_err(|_| "it is no UTF-8 text".to_owned());
            let parsed = parsed.and_then(|text| LedgerLine::parse(text, numbers.next()));
            if !whole {
                ledger.fault(number, "it does not end in a newline: a loss of power tore it off, or it is being written".to_owned());
            }
            match parsed {
                Ok(line) => {
                    if line.previous != previous {
                        ledger.fault(number, not_chained(&line.previous, &previous, number));
                    }
                    if let Some(wrong) = line.start().and_then(|n| numbers.started(n)) {
                        ledger.fault(number, wrong);
                    }
                    ledger.lines.push(Numbered { number, line });
                }
                Err(what) => {
                    numbers.unreadable();
                    ledger.fault(number, what);
                }
            }
            previous = Sha256Hex::of(text);
        }
        ledger
    }

    /// What of it concerns one run, in order.
    pub fn of_run<'l>(&'l self, run_id: &'l str) -> impl Iterator<Item = &'l Numbered> {
        self.lines.iter().filter(move |n| n.line.run_id == run_id)
    }

    fn fault(&mut self, line: u64, what: String) {
        if self.faults.len() < Self::MOST_FAULTS {
            self.faults.push(Fault { line, what });
        }
    }
}

impl LedgerLine {
    fn start(&self) -> Option<u64> {
        match self.entry {
            Entry::Started { number, .. } => Some(number),
            Entry::Ended(_) | Entry::Recovered(_) | Entry::Signed { .. } => None,
        }
    }
}

fn not_chained(found: &Sha256Hex, expected: &Sha256Hex, line: u64) -> String {
    let before = match line {
        1 => "it is the first line, so that this should be the SHA-256 of nothing; lines before it were removed".to_owned(),
        _ => format!("line {} was changed, or lines between them were removed, added or put in another order", line - 1),
    };
    format!("its `previous` is {found}, expected {expected}: {before}")
}

/// What is to be appended to a ledger that holds `bytes` so far (its last line suffices), newline included.
///
/// # Errors
/// None that can happen: there is nothing in it that JSON can't express.
pub fn next_line(bytes: &[u8], run_id: &str, entry: Entry) -> Result<String, serde_json::Error> {
    let whole = bytes.is_empty() || bytes.ends_with(b"\n");
    let text = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let last = text.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = LedgerLine { v: Ledger::VERSION, run_id: run_id.to_owned(), entry, previous: Sha256Hex::of(last) };
    // What was torn keeps its bytes and gets its newline.
    let begin = if whole { "" } else { "\n" };
    Ok(format!("{begin}{}\n", line.render()?))
}

/// Each line without its newline, and whether it had one.
pub(crate) fn lines(bytes: &[u8]) -> impl Iterator<Item = (&[u8], bool)> {
    bytes.split_inclusive(|byte| *byte == b'\n').map(|line| match line.strip_suffix(b"\n") {
        Some(line) => (line, true),
        None => (line, false),
    })
}

#[cfg(test)]
#[path = "ledger/tests.rs"]
pub(crate) mod tests;
