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
        let name =
            file.strip_prefix(PLACE).or_else(|| file.strip_prefix("src/")).ok_or(MutantsError::OtherFile { number, file: file.clone() })?;
        let diff = entry.diff.filter(|diff| !diff.trim().is_empty()).ok_or(MutantsError::NoDiff(number))?;
        // The tool names both sides in its own way; what is changed is the hunks.
        let hunks = diff.find("@@").map(|start| &diff[start..]).ok_or(MutantsError::NoDiff(number))?;
        Ok(Patch { name: entry.name, text: format!("--- a/{PLACE}{name}\n+++ b/{PLACE}{name}\n{hunks}") })
    };
    entries.into_iter().enumerate().map(patch).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As version 27.1 of the tool writes it, less what is not read.
    fn entry(file: &str, diff: &str) -> String {
        format!(r#"{{"file":"{file}","name":"{file}:1:1: replace f with ()","package":"pump-core","genre":"FnValue"{diff}}}"#)
    }

    const DIFF: &str = r#","diff":"--- firmware-under-test/pump/src/time.rs\n+++ replace f with ()\n@@ -1,1 +1,1 @@\n-a\n+b\n""#;

    #[test]
    fn a_list_is_a_list_of_patches() {
        let list = format!("[{},{}]", entry("firmware-under-test/pump/src/time.rs", DIFF), entry("src/log.rs", DIFF));
        let patches = mutants(&list).unwrap();
        assert_eq!(patches[0].name, "firmware-under-test/pump/src/time.rs:1:1: replace f with ()");
        assert_eq!(patches[0].text, format!("--- a/{PLACE}time.rs\n+++ b/{PLACE}time.rs\n@@ -1,1 +1,1 @@\n-a\n+b\n"));
        assert!(patches[1].text.starts_with(&format!("--- a/{PLACE}log.rs\n")));
    }

    #[test]
    fn what_is_no_list_is_told() {
        let told = |text: &str| mutants(text).unwrap_err().to_string();
        assert!(told("{}").starts_with("it is no list of mutants"));
        assert!(told("[{}]").contains("file"));
        let good = entry("src/time.rs", DIFF);
        assert_eq!(told(&format!("[{good},{}]", entry("src/time.rs", ""))), "mutant 2 has no diff; make the list with `--diff`");
        assert_eq!(told(&format!("[{}]", entry("src/time.rs", r#","diff":"none""#))), "mutant 1 has no diff; make the list with `--diff`");
        let other = told(&format!("[{}]", entry("rig/link/src/frame.rs", DIFF)));
        assert_eq!(other, format!("mutant 1 is of `rig/link/src/frame.rs`, and not of a file in {PLACE}"));
    }
}
