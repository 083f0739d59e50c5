//! The arrows between the crates are those of DESIGN.md, section 3, and the pure crates bring no clock, file, thread or port with them.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "the test asks cargo")]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// Each crate and what it may depend on within the workspace; `rig-model` stands for "everything ─► model".
const ARROWS: &[(&str, &[&str])] = &[
    ("pump-link", &[]),
    ("rig-model", &[]),
    ("rig-scenario", &["rig-model"]),
    ("rig-metrology", &["rig-model"]),
    ("rig-record", &["rig-model"]),
    ("rig-plant", &["rig-model"]),
    ("rig-dut", &["rig-model", "pump-link"]),
    ("rig-engine", &["rig-model", "rig-metrology"]),
    // Another crate than the plan has; rig/docs/decisions/0025.
    ("rig-evidence", &["rig-model"]),
    // Another crate than the plan has; rig/docs/decisions/0030.
    ("rig-qualify", &["rig-model"]),
    // `rig-metrology`: readings of flow become pulses before the engine sees them; rig/docs/decisions/0018.
    // A judge beside the engine that sees neither it nor the pump; rig/docs/decisions/0028.
    ("rig-oracle", &["rig-model", "rig-metrology"]),
    ("rig-runner", &["rig-model", "rig-engine", "rig-oracle", "rig-dut", "rig-metrology"]),
    ("rig-report", &["rig-model", "rig-metrology"]),
    // `pump-link`: a defect alters bytes; rig/docs/decisions/0014.
    ("rig-sim", &["rig-model", "rig-runner", "rig-plant", "pump-core", "pump-link"]),
    // Firmware builds for the simulated board; rig/docs/decisions/0029.
    ("rig-variants", &["rig-sim", "pump-core"]),
    ("rig-bench", &["rig-model", "rig-runner", "rig-plant"]),
    ("pump-core", &["pump-link"]),
    // `rig-plant`: the wire form of lines and readings; rig/docs/decisions/0014.
    ("pump-host", &["rig-model", "rig-sim", "rig-plant"]),
    (
        "pump-rig",
        &[
            "rig-model",
            "rig-scenario",
            "rig-metrology",
            "rig-dut",
            "rig-engine",
            "rig-evidence",
            "rig-qualify",
            "rig-runner",
            "rig-record",
            "rig-report",
            "rig-plant",
            "rig-sim",
            "rig-variants",
            "rig-bench",
            "pump-host",
            // Known bytes of the link; rig/docs/decisions/0026.
            "pump-link",
        ],
    ),
];

/// What tests may see beyond that.
const FOR_TESTS: &[(&str, &[&str])] = &[
    // Views are tested with journals that were written and read.
    ("rig-report", &["rig-record"]),
    // The one loop plays whole runs on the simulated bench.
    ("rig-runner", &["rig-sim"]),
    // The simulated bench reads the project's own bench files and scenarios.
    ("rig-sim", &["rig-scenario"]),
    // Pumps that answer wrongly.
    ("pump-host", &["pump-link"]),
    // A bench is driven with variants of the pump.
    ("rig-variants", &["rig-model", "pump-link"]),
];

/// These alone may read a clock, open a file, spawn or sleep.
const IMPURE: [&str; 4] = ["rig-bench", "rig-variants", "pump-host", "pump-rig"];

/// From outside, for the pure crates: data in, data out.
const PURE: &[&str] = &[
    "anstyle",
    "chrono",
    "cobs",
    "crc",
    "csv",
    "heapless",
    "itoa",
    "libm",
    "maud",
    "num-rational",
    "num-traits",
    "postcard",
    "quick-junit",
    "rand_chacha",
    "rand_core",
    "saphyr-parser",
    "serde",
    "serde_ignored",
    "serde_json",
    "sha2",
    "special",
    "ssh-key",
    "strsim",
    "thiserror",
    "toml",
];

struct Dependency {
    of: String,
    on: String,
    for_tests: bool,
    features: Vec<String>,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// What is linked into the crates or their tests; not what only builds them.
fn dependencies() -> (BTreeSet<String>, Vec<Dependency>) {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["metadata", "--no-deps", "--format-version", "1", "--offline"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = command.output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("metadata");
    let packages = metadata["packages"].as_array().expect("packages");
    let names = packages.iter().map(|p| text(&p["name"])).collect();
    let dependencies = packages.iter().flat_map(|package| {
        let dependencies = package["dependencies"].as_array().expect("dependencies").iter().filter(|d| d["kind"] != "build");
        dependencies.map(|d| Dependency {
            of: text(&package["name"]),
            on: text(&d["name"]),
            for_tests: d["kind"] == "dev",
            features: d["features"].as_array().expect("features").iter().map(text).collect(),
        })
    });
    (names, dependencies.collect())
}

#[test]
fn no_arrow_but_those_of_the_design() {
    let (crates, dependencies) = dependencies();
    let arrows: BTreeMap<_, _> = ARROWS.iter().copied().collect();
    let for_tests: BTreeMap<_, _> = FOR_TESTS.iter().copied().collect();
    assert_eq!(crates, arrows.keys().map(|c| (*c).to_owned()).collect(), "each crate has its row");
    let mut wrong = Vec::new();
    for d in dependencies.iter().filter(|d| crates.contains(&d.on)) {
        let allowed = arrows[d.of.as_str()].contains(&d.on.as_str());
        let allowed_in_tests = d.for_tests && for_tests.get(d.of.as_str()).is_some_and(|list| list.contains(&d.on.as_str()));
        if !allowed && !allowed_in_tests {
            wrong.push(format!("{} ─► {}{}", d.of, d.on, if d.for_tests { " (tests)" } else { "" }));
        }
    }
    assert!(wrong.is_empty(), "not in DESIGN.md, section 3:\n{}", wrong.join("\n"));
}

#[test]
fn pure_crates_bring_no_clock_file_thread_or_port() {
    let (crates, dependencies) = dependencies();
    let mut wrong = Vec::new();
    for d in dependencies.iter().filter(|d| !d.for_tests && !crates.contains(&d.on) && !IMPURE.contains(&d.of.as_str())) {
        let reads_the_clock = d.on == "chrono" && d.features.iter().any(|f| matches!(f.as_str(), "clock" | "now"));
        if !PURE.contains(&d.on.as_str()) || reads_the_clock {
            wrong.push(format!("{} ─► {} {:?}", d.of, d.on, d.features));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A view can't judge, and a judge sees no bytes, not even by way of others.
#[test]
fn what_must_not_be_seen_is_not_seen_through_others_either() {
    let (_, dependencies) = dependencies();
    let reached = |from: &str| {
        let mut reached = BTreeSet::from([from.to_owned()]);
        while let Some(next) = dependencies.iter().find(|d| !d.for_tests && reached.contains(&d.of) && !reached.contains(&d.on)) {
            reached.insert(next.on.clone());
        }
        reached
    };
    for (from, never) in [
        ("rig-report", &["rig-engine", "rig-runner", "rig-dut", "pump-link"][..]),
        ("rig-engine", &["pump-link", "rig-dut", "rig-plant", "rig-sim", "rig-oracle"]),
        ("rig-oracle", &["rig-engine", "rig-dut", "pump-link", "pump-core", "rig-plant", "rig-sim"]),
        ("rig-runner", &["rig-plant", "rig-sim", "pump-core", "rig-bench", "rig-report", "rig-record"]),
        ("pump-core", &["rig-model"]),
    ] {
        let seen: Vec<_> = never.iter().filter(|n| reached(from).contains(**n)).collect();
        assert!(seen.is_empty(), "{from} sees {seen:?}");
    }
}
