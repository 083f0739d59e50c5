//! What came out of a verification: what was covered, and what is wrong.

use rig_evidence::Head;
use serde::Serialize;

/// One thing that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// In the run's folder.
    pub file: String,
    /// From 1; absent where the file as a whole is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// In a sentence without a full stop.
    pub what: Box<str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    /// What to do next.
    pub next: Box<str>,
}

impl Fault {
    pub fn new(file: impl Into<String>, what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { file: file.into(), line: None, what: what.into().into(), expected: None, found: None, next: next.into().into() }
    }

    pub fn line(self, line: u64) -> Self {
        Self { line: Some(line), ..self }
    }

    pub fn differs(self, expected: impl ToString, found: impl ToString) -> Self {
        Self { expected: Some(shortened(&expected.to_string())), found: Some(shortened(&found.to_string())), ..self }
    }

    pub fn place(&self) -> String {
        match self.line {
            Some(line) => format!("{} line {line}", self.file),
            None => self.file.clone(),
        }
    }
}

/// A line of a journal may have megabytes; so many characters say enough.
const SHOWN: usize = 600;

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text.to_owned(),
    }
}

/// A check that found nothing wrong, and what it covered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Covered {
    pub check: &'static str,
    pub covered: String,
    /// One by one, where that is told.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub each: Vec<String>,
}

/// Of one run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Findings {
    /// As it was named on the command line, or its folder's name in the ledger.
    pub run: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub run_id: String,
    pub checks: Vec<Covered>,
    /// The first is the one to look at; the others may follow from it.
    pub faults: Vec<Fault>,
    /// The run did not come to its end: how its record ends, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut_off: Option<String>,
    /// What must be known even of one run among many, in sentences: nothing of it is a fault, and each may hide one.
    pub warnings: Vec<String>,
    /// What must be known beside, in sentences.
    pub remarks: Vec<String>,
    /// Intact as far as it goes, and nobody has closed it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub not_closed: bool,
    /// How many signatures were not checked because nobody said who may sign.
    #[serde(skip_serializing_if = "is_zero")]
    pub unproven: u64,
    /// Last link of the journal's chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest_sha256: Option<String>,
}

impl Findings {
    pub fn covered(&mut self, check: &'static str, covered: impl Into<String>) {
        self.checks.push(Covered { check, covered: covered.into(), each: Vec::new() });
    }

    /// A check of which each thing that it covered has a line of its own.
    pub fn each(&mut self, check: &'static str, covered: String, each: impl IntoIterator<Item = String>) {
        self.checks.push(Covered { check, covered, each: each.into_iter().collect() });
    }

    pub fn intact(&self) -> bool {
        self.faults.is_empty()
    }
}

/// `1 line`, `2 lines`.
pub fn count(n: u64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// How far a journal goes, in words.
pub fn head_text(head: &Head) -> String {
    let Head { lines, link, complete } = head;
    let link = link.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string);
    let end = if *complete { "the end of the run" } else { "no end of the run" };
    format!("{}, the head {link}, {end}", count(*lines, "line"))
}
