//! `rig qualify-tool` shows what it says, needs nothing but the program, and says NOT QUALIFIED when something is not as it should be.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "the tests run the program and read its files")]

mod support;

use std::path::Path;

use serde_json::Value;
use support::{Outcome, names, rig};

fn report(folder: &Path) -> Value {
    let all = names(folder);
    let name = all.iter().find(|name| name.ends_with("_qualification.json")).expect("a report");
    serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap()
}

/// In an empty folder: neither scenarios nor bench files are there.
#[test]
fn the_pack_passes_and_needs_nothing_but_the_program() {
    let dir = tempfile::tempdir().unwrap();
    let outcome = Outcome::of(rig(["qualify-tool"]).current_dir(dir.path()));
    outcome.expect(0, &["QUALIFIED", "0 not"]);
    let report = report(&dir.path().join("reports/qualification"));
    assert_eq!((&report["qualified"], &report["failed"]), (&Value::Bool(true), &Value::from(0)));
    let items = report["items"].as_array().unwrap();
    assert!(items.iter().all(|item| item["passed"] == true && item["expected"] != "" && item["found"] != ""));
    for group in ["metrology", "verdicts", "link", "pumps", "tampering"] {
        assert!(items.iter().any(|item| item["group"] == group), "nothing of {group} was shown");
    }
    // Every defect of the catalogue.
    let help = Outcome::of(&mut rig(["run", "--defect", "help"]));
    for defect in help.stdout.lines().filter_map(|line| line.split_whitespace().next()) {
        let what = format!("`{defect}`");
        assert!(items.iter().any(|item| item["what"].as_str().unwrap().starts_with(&what)), "{defect} was not played");
    }
}

#[test]
fn a_folder_that_can_not_be_made_is_named() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("file"), "").unwrap();
    Outcome::of(rig(["qualify-tool", "--out"]).arg(dir.path().join("file/below"))).expect(4, &["failed to make the folder", "file/below"]);
}
