//! Which files a scenario is made of, and their hashes.

use std::collections::{BTreeMap, BTreeSet};

use rig_model::fact::SourceText;

/// The scenario file and the fragments that it includes, those of fragments too: hash by name. The folder need not be the same on two benches.
pub fn texts_of(files: &[SourceText], file: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut wanted = BTreeSet::from([file]);
    while let Some(path) = wanted.pop_first() {
        let Some(source) = files.iter().find(|f| f.path == path) else { continue };
        found.insert(name_of(path).to_owned(), source.sha256.clone());
        let included = included(&source.text);
        let more = files.iter().filter(|f| included.contains(name_of(&f.path)) && !found.contains_key(name_of(&f.path)));
        wanted.extend(more.map(|f| f.path.as_str()));
    }
    found
}

/// The names of files that are in one and not in the other, or differ.
pub fn differing(a: &BTreeMap<String, String>, b: &BTreeMap<String, String>) -> Vec<String> {
    let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    names.into_iter().filter(|name| a.get(*name) != b.get(*name)).cloned().collect()
}

/// Names of the files behind `include:`; what a comment mentions is none.
fn included(text: &str) -> BTreeSet<&str> {
    let behind = text.lines().filter_map(|line| line.split_once("include:")).filter(|(before, _)| !before.contains('#'));
    behind.filter_map(|(_, path)| path.split([',', '}', '#']).next()).map(|path| name_of(path.trim().trim_matches(['"', '\'']))).collect()
}

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_included_belongs_to_a_scenario() {
        let text = "# See k-factor-curve.yaml, and include: other.yaml\nsteps:\n  - include: ../fragments/settle.yaml # then rest\n  - include: \"a b.yaml\"\n  - { include: x.yaml, with: { lasting: 1 h } }\n";
        assert_eq!(included(text), BTreeSet::from(["settle.yaml", "a b.yaml", "x.yaml"]));
    }
}
