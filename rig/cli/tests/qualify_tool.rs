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
    outcome.expect(0, &[]);
    assert!(outcome.stdout.contains("\nQUALIFIED") && outcome.stdout.contains("0 not"), "{outcome:#?}");
    let report = report(&dir.path().join("reports/qualification"));
    assert_eq!((&report["qualified"], &report["failed"]), (&Value::Bool(true), &Value::from(0)));
    let items = report["items"].as_array().unwrap();
    assert!(items.iter().all(|item| item["passed"] == true && item["expected"] != "" && item["found"] != ""));
    for group in ["metrology", "verdicts", "link", "pumps", "tampering"] {
        assert!(items.iter().any(|item| item["group"] == group), "nothing of {group} was shown");
    }
    let first = std::fs::read_to_string(support::project().join("scenarios/defects/first.toml")).unwrap();
    for defect in first.lines().filter_map(|line| line.strip_prefix("id = ")).map(|id| id.trim_matches('"')) {
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

/// Signed by whom the allowed signers let sign; nobody else's key is taken, and nothing is played for it.
#[test]
fn the_report_is_signed_by_those_who_may() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    for name in ["olga", "stranger"] {
        let made =
            std::process::Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"]).arg(at(name)).status();
        assert!(made.unwrap().success());
    }
    let key = std::fs::read_to_string(at("olga.pub")).unwrap();
    std::fs::write(at("signers"), format!("olga@lab namespaces=\"rig-operator\" {key}")).unwrap();
    let qualify = |who: &str, more: &[&str]| {
        let mut command = rig(["qualify-tool", "--key"]);
        command.arg(at(who)).args(["--signers"]).arg(at("signers")).args(more).arg("--out").arg(at(&format!("of-{who}")));
        Outcome::of(&mut command)
    };
    qualify("stranger", &["--role", "operator"]).expect(2, &["olga@lab"]);
    qualify("olga", &["--role", "reviewer"]).expect(2, &["rig-reviewer"]);
    qualify("olga", &[]).expect(2, &["--role"]);
    assert!(!at("of-stranger").exists() && !at("of-olga").exists(), "nothing was written");
    let outcome = qualify("olga", &["--role", "operator", "--name", "Olga Open"]);
    outcome.expect(0, &[]);
    assert!(outcome.stdout.contains("\nQUALIFIED") && outcome.stdout.contains("(signed)"), "{outcome:#?}");
    let signed = report(&at("of-olga"));
    assert_eq!((&signed["signer"]["name"], &signed["signer"]["role"]), (&Value::from("Olga Open"), &Value::from("operator")));
    let name = names(&at("of-olga")).into_iter().find(|name| name.ends_with(".json")).unwrap();
    let mut check = std::process::Command::new("ssh-keygen");
    check.args(["-Y", "verify", "-I", "olga@lab", "-n", "rig-operator", "-f"]).arg(at("signers"));
    check.arg("-s").arg(at(&format!("of-olga/{name}.sig"))).stdin(std::fs::File::open(at(&format!("of-olga/{name}"))).unwrap());
    assert!(check.status().unwrap().success());
}
