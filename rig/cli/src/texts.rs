//! Which files a scenario is made of, and their hashes.

use std::collections::{BTreeMap, BTreeSet};

use rig_model::fact::SourceText;

/// The scenario file and the fragments whose names its text mentions, those of fragments included: hash by name. The folder need not be
/// the same on two benches.
pub fn texts_of(files: &[SourceText], file: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut wanted = BTreeSet::from([file]);
    while let Some(path) = wanted.pop_first() {
        let Some(source) = files.iter().find(|f| f.path == path) else { continue };
        found.insert(name_of(path).to_owned(), source.sha256.clone());
        let mentioned = files.iter().filter(|f| source.text.contains(name_of(&f.path)) && !found.contains_key(name_of(&f.path)));
        wanted.extend(mentioned.map(|f| f.path.as_str()));
    }
    found
}

/// The names of files that are in one and not in the other, or differ.
pub fn differing(a: &BTreeMap<String, String>, b: &BTreeMap<String, String>) -> Vec<String> {
    let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    names.into_iter().filter(|name| a.get(*name) != b.get(*name)).cloned().collect()
}

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
