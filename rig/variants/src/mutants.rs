//! Generated variants: the list that `cargo mutants --list --json --diff` makes, as patches.

use serde::Deserialize;
use thiserror::Error;

use crate::patch::{PLACE, Patch};

#[derive(Debug, Error)]
pub enum MutantsError {
    #[error("it is no list of mutants as `cargo mutants --list --json --diff` makes it: {0}")]
    NoList(#[from] serde_json::Error),
    #[error("mutant {0} has no diff; make the list with `--diff`")]
    NoDiff(usize),
    #[error("mutant {number} is of `{file}`, and not of a file in {PLACE}")]
    OtherFile { number: usize, file: String },
}

/// One entry of the list. What else stands there does not matter here.
#[derive(Debug, Deserialize)]
struct Entry {
    file: String,
    name: String,
    #[serde(default)]
    diff: Option<String>,
}

/// The patches of a list, in its order, each with the name that the tool gave it.
///
/// # Errors
/// The text is no such list, or one of its mutants is of another file than the pump's.
pub fn mutants(json: &str) -> Result<Vec<Patch>, MutantsError> {
    let entries: Vec<Entry> = serde_json::from_str(json)?;
    let patch = |(n, entry): (usize, Entry)| {
        let number = n + 1;
        let file = entry.file.clone();
        let name = file.strip_prefix(PLACE).or_else(|| file.strip_prefix("src/")).ok_or(MutantsError::OtherFile { number, file: file.clone() })?;
        let diff = entry.diff.filter(|diff| !diff.trim().is_empty()).ok_or(MutantsError::NoDiff(number))?;
        // The tool names both sides in its own way; what is changed is the hunks.
        let hunks = diff.find("@@").map(|start| &diff[start..]).ok_or(MutantsError::NoDiff(number))?;
        Ok(Patch { name: entry.name, text: format!("--- a/{PLACE}{name}\n+++ b/{PLACE}{name}\n{hunks}") })
    };
    entries.into_iter().enumerate().map(patch).collect()
}
