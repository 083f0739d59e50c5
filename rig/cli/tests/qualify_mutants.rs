//! Generated mutants that are no pumps, and those that only could not be built; and what the nightly script makes of exit codes.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "the tests run the program and read its files")]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::{Outcome, project, rig, write};

/// A program of this name that is started instead of `cargo`.
fn cargo(folder: &Path, does: &str) -> PathBuf {
    let path = write(folder, "cargo", format!("#!/bin/sh\n{does}\n"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// A list of one mutant, which changes what is added to a time.
fn list(folder: &Path) -> PathBuf {
    let file = "firmware-under-test/pump/src/time.rs";
    let text = fs::read_to_string(project().join(file)).unwrap();
    let (line, before) = text.lines().enumerate().find(|(_, line)| line.contains("saturating_add(us)")).unwrap();
    let diff = format!("--- {file}\n+++ replace\n@@ -{0} +{0} @@\n-{before}\n+{1}\n", line + 1, before.replace("us", "them"));
    write(folder, "mutants.json", serde_json::json!([{ "file": file, "name": "m", "diff": diff }]).to_string())
}

/// `rig qualify` of the smoke run against this mutant besides others, where the compiler says that with an error in these places.
fn qualify(places: &str, besides: &[&str]) -> (Outcome, String) {
    let dir = tempfile::tempdir().unwrap();
    let says = "for key in $(ls pumps); do\nprintf '{\"reason\":\"compiler-message\",\"target\":{\"name\":\"pump-%s\"},\
                \"message\":{\"level\":\"error\",\"spans\":[PLACES],\"rendered\":\"error: no such thing\"}}\\n' $key\ndone\nexit 101";
    let cargo = cargo(dir.path(), &says.replace("PLACES", places));
    let out = dir.path().join("out");
    let mut command = rig(["qualify"]);
    command.arg(project().join("scenarios/smoke/smoke.yaml")).args(besides).arg("--mutants").arg(list(dir.path())).arg("--out").arg(&out);
    let outcome = Outcome::of(command.current_dir(dir.path()).env("CARGO", cargo).env("XDG_CACHE_HOME", dir.path()));
    (outcome, fs::read_to_string(out.join("qualification.json")).unwrap_or_default())
}

#[test]
fn a_mutant_that_does_not_compile_is_no_pump() {
    let (outcome, setup) = qualify("{}", &["--defect", "wrong_gain"]);
    outcome.expect(0, &[]);
    let told = "1 defect, 1 caught: 100.0 %\n1 generated mutant does not compile and is no pump\n";
    assert!(outcome.stdout.contains(told), "{outcome:#?}");
    let setup: serde_json::Value = serde_json::from_str(&setup).unwrap();
    assert_eq!((&setup["not_compiled"], setup["pumps"].as_array().unwrap().len()), (&serde_json::json!(["m"]), 1));
    let (outcome, _) = qualify("{}", &["--defect", "none"]);
    outcome.expect(2, &["nothing to qualify against: of the mutants that are asked for none compiles (1 do not)"]);
}

/// A full disk, or a compiler that broke down, says nothing of the mutant: no place in its text is wrong.
#[test]
fn a_mutant_that_could_not_be_built_here_was_not_played() {
    let (outcome, setup) = qualify("", &["--defect", "none"]);
    outcome.expect(6, &[]);
    assert!(outcome.stdout.contains("not caught, and not played in full: 1\n  m\n"), "{outcome:#?}");
    assert!(outcome.stdout.contains("`m`: the patched firmware can't be built here:"), "{outcome:#?}");
    assert!(!setup.contains("not_compiled") && !outcome.stdout.contains("does not compile"));
}

/// What was not played hides nothing that was played.
#[test]
fn the_night_ends_with_the_code_that_says_more() {
    for (codes, code) in [("0 0 0", 0), ("6 0 0", 6), ("6 0 1", 1), ("1 6 6", 1), ("0 6 4", 4), ("0 1 0", 1)] {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "codes", codes.replace(' ', "\n"));
        cargo(
            dir.path(),
            "case \"$1 $2\" in\n'mutants --version') echo cargo-mutants 27.1.0 ;;\n'run --release') read -r code <\"$CODES\"; \
             sed -i 1d \"$CODES\"; exit \"$code\" ;;\nesac",
        );
        let path = format!("{}:{}", dir.path().display(), std::env::var("PATH").unwrap());
        let mut night = Command::new(project().join(".ci/nightly"));
        night.arg(dir.path().join("out")).env("PATH", path).env("CODES", dir.path().join("codes"));
        let outcome = Outcome::of(&mut night);
        assert_eq!(outcome.code, Some(code), "{codes}: {outcome:#?}");
    }
}
