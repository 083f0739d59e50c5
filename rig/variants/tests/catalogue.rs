//! The patches of the project's catalogue of defects fit the sources, each of them.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "the tests read the project's files")]

use std::path::{Path, PathBuf};

use rig_variants::{Patch, Workshop};

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn patches() -> Vec<Patch> {
    let entries = std::fs::read_dir(project().join("scenarios/defects/patches")).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let patch = |path: &PathBuf| Patch {
        name: path.file_stem().unwrap().to_string_lossy().into_owned(),
        text: std::fs::read_to_string(path).unwrap(),
    };
    paths.iter().map(patch).collect()
}

#[test]
fn every_patch_fits() {
    let patches = patches();
    assert!(patches.len() >= 30, "{}", patches.len());
    let wrong: Vec<String> = patches.iter().filter_map(|patch| Workshop::fits(patch).err()).map(|why| why.to_string()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Keeps what it builds where `rig` looks for it.
#[test]
#[ignore = "builds every patched pump, which takes minutes; `rig qualify` does the same"]
fn every_patch_builds() {
    let built = Workshop::at(project().join("target/defects")).builds(&patches()).unwrap();
    let wrong: Vec<String> = built.into_iter().filter_map(Result::err).map(|why| why.to_string()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Tries every n-th mutant of a list as `cargo mutants --list --json --diff` makes it: `RIG_MUTANTS` names it, `RIG_MUTANTS_EVERY` is n.
#[test]
#[ignore = "needs a list of mutants, and builds some"]
fn mutants_of_a_list_fit_and_build() {
    let path = std::env::var_os("RIG_MUTANTS").expect("RIG_MUTANTS names a list");
    let every = std::env::var("RIG_MUTANTS_EVERY").map_or(50, |n| n.parse().unwrap());
    let all = rig_variants::mutants(&std::fs::read_to_string(path).unwrap()).unwrap();
    let some: Vec<Patch> = all.iter().step_by(every).cloned().collect();
    let built = Workshop::at(project().join("target/defects")).builds(&some).unwrap();
    let (sound, wrong): (Vec<_>, Vec<_>) = built.into_iter().partition(Result::is_ok);
    println!("of {} mutants {} tried, {} built", all.len(), some.len(), sound.len());
    let wrong: Vec<String> = wrong.into_iter().filter_map(Result::err).map(|why| why.to_string()).collect();
    println!("{}", wrong.join("\n"));
    assert!(!sound.is_empty());
    assert!(wrong.iter().all(|why| why.contains("does not compile")), "each fits");
}
