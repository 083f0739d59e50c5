//! `ledger.jsonl`: one chained line for everything that ever began, ended or was signed in a reports folder, so that what was removed is missed.

use serde::{Deserialize, Serialize};

use crate::hash::Sha256Hex;
use crate::manifest::Head;

/// One line. Version 1 knows only starts, and says so by having no `kind`.
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
    /// It came to its end and was closed by itself.
    Ended(Closing),
    /// It had been cut off, and was closed afterwards from what there was.
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
    pub lines: Vec<LedgerLine>,
    /// Where it stops being whole, if it does: what comes after that is not in `lines`.
    pub fault: Option<Fault>,
}

/// What is wrong with a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// From 1.
    pub line: u64,
    pub what: String,
}
