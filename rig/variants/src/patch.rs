//! A unified diff, and what becomes of sources by it.

use std::collections::BTreeMap;

use thiserror::Error;

/// A change of the pump's sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    /// Of the defect or mutant, for messages.
    pub name: String,
    /// A unified diff of files below `firmware-under-test/pump/src/`; empty for none.
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PatchError {
    #[error("it is no unified diff: {0}")]
    NoDiff(String),
    #[error("it changes `{0}`; only files in {PLACE} can be changed, and none added or removed")]
    OtherFile(String),
    #[error("it no longer fits `{0}`: that file has changed since; make the patch anew")]
    NoFit(String),
    #[error("it changes nothing")]
    NoChange,
}

/// Where the files of a patch lie in the project.
pub const PLACE: &str = "firmware-under-test/pump/src/";

/// The sources with the patch applied, by name below [`PLACE`].
///
/// # Errors
/// The patch is none, is of other files, or does not fit.
pub fn apply(patch: &str, sources: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, PatchError> {
    let mut changed = sources.clone();
    for part in parts(patch) {
        let diff = diffy::Patch::from_str(&part).map_err(|why| PatchError::NoDiff(why.to_string()))?;
        let path = diff.modified().or(diff.original()).unwrap_or_default();
        let name = name_of(path).ok_or_else(|| PatchError::OtherFile(path.to_owned()))?;
        let text = changed.get(name).ok_or_else(|| PatchError::OtherFile(path.to_owned()))?;
        let after = diffy::apply(text, &diff).map_err(|_| PatchError::NoFit(name.to_owned()))?;
        changed.insert(name.to_owned(), after);
    }
    if !patch.trim().is_empty() && changed == *sources {
        return Err(PatchError::NoChange);
    }
    Ok(changed)
}

/// The diffs of single files; what stands before the first is a text for people.
fn parts(patch: &str) -> Vec<String> {
    let lines: Vec<&str> = patch.split_inclusive('\n').collect();
    let begins = |n: usize| lines[n].starts_with("--- ") && lines.get(n + 1).is_some_and(|next| next.starts_with("+++ "));
    let starts: Vec<usize> = (0..lines.len()).filter(|n| begins(*n)).collect();
    let ends = starts.iter().skip(1).copied().chain([lines.len()]);
    let part = |(start, end): (usize, usize)| {
        let kept = lines[start..end].iter().filter(|line| !line.starts_with("diff ") && !line.starts_with("index "));
        kept.copied().collect::<String>()
    };
    if starts.is_empty() && !patch.trim().is_empty() {
        vec![patch.to_owned()]
    } else {
        starts.iter().copied().zip(ends).map(part).collect()
    }
}

/// Below [`PLACE`], with or without the letters that git puts before a path. What tools add behind a path ends at a tab or blank.
fn name_of(path: &str) -> Option<&str> {
    let path = path.split(['\t', ' ']).next()?;
    let path = path.strip_prefix("a/").or_else(|| path.strip_prefix("b/")).unwrap_or(path);
    path.strip_prefix(PLACE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources() -> BTreeMap<String, String> {
        [("time.rs", "one\ntwo\nthree\nfour\n"), ("log.rs", "a\nb\n")].map(|(n, t)| (n.to_owned(), t.to_owned())).into()
    }

    fn diff(name: &str, before: &str, after: &str) -> String {
        format!("--- a/{PLACE}{name}\n+++ b/{PLACE}{name}\n@@ -1,2 +1,2 @@\n-{before}\n+{after}\n two\n")
    }

    #[test]
    fn a_patch_changes_what_it_says_and_nothing_else() {
        let patched = apply(&format!("Why it is so.\n{}", diff("time.rs", "one", "1")), &sources()).unwrap();
        assert_eq!((patched["time.rs"].as_str(), patched["log.rs"].as_str()), ("1\ntwo\nthree\nfour\n", "a\nb\n"));
        assert_eq!(apply("", &sources()), Ok(sources()));
        let both = format!("{}--- a/{PLACE}log.rs\n+++ b/{PLACE}log.rs\n@@ -1,2 +1,2 @@\n-a\n+A\n b\n", diff("time.rs", "one", "1"));
        let patched = apply(&both, &sources()).unwrap();
        assert_eq!((patched["time.rs"].as_str(), patched["log.rs"].as_str()), ("1\ntwo\nthree\nfour\n", "A\nb\n"));
    }

    #[test]
    fn what_does_not_fit_is_told() {
        assert_eq!(apply(&diff("time.rs", "eins", "1"), &sources()), Err(PatchError::NoFit("time.rs".into())));
        assert!(matches!(apply(&diff("new.rs", "one", "1"), &sources()), Err(PatchError::OtherFile(_))));
        let elsewhere = diff("time.rs", "one", "1").replace(PLACE, "rig/link/src/");
        assert!(matches!(apply(&elsewhere, &sources()), Err(PatchError::OtherFile(_))));
        assert!(matches!(apply("some words\n", &sources()), Err(PatchError::NoDiff(_) | PatchError::OtherFile(_))));
        let above = diff("../../../x", "one", "1");
        assert!(matches!(apply(&above, &sources()), Err(PatchError::OtherFile(_))));
    }
}
