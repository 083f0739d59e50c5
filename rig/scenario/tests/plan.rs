//! Test plans: what a good one says, and where a bad one is wrong.
#![allow(clippy::disallowed_methods, reason = "the test reads the project's example")]

use rig_scenario::{PlannedFirmware, TestPlan, parse_plan};

const PLAN: &str = r#"plan = "PLAN-1"
title = "Release 1.4"
why = """
Because
of this."""

[[test]]
name = "accuracy"
duts = ["SN-0001", "SN-0002"]
firmware = "00112233AABBCCDDEEFF00112233AABBCCDDEEFF"
bench = "rig/benches/pi.toml"
scenarios = ["scenarios/trial"]
repeats = 3
"#;

fn good(text: &str) -> TestPlan {
    parse_plan("p.toml", text).unwrap_or_else(|found| panic!("{}", found[0]))
}

/// Each error as line, column, message and help.
fn bad(text: &str) -> Vec<String> {
    let show = |d: &rig_scenario::Diagnostic| {
        let help = d.suggestion.as_ref().map_or_else(String::new, |help| format!(" | {help}"));
        format!("{}:{} {}{help}", d.line, d.column, d.message)
    };
    parse_plan("p.toml", text).expect_err("errors").iter().map(show).collect()
}

#[test]
fn a_good_plan_is_read_as_it_stands() {
    let plan = good(PLAN);
    assert_eq!((&*plan.id, plan.revision, &*plan.title, &*plan.why), ("PLAN-1", 1, "Release 1.4", "Because\nof this."));
    let test = &plan.tests[0];
    assert_eq!(test.duts, ["SN-0001", "SN-0002"]);
    assert_eq!(
        test.firmware,
        PlannedFirmware::Hash("00112233aabbccddeeff00112233aabbccddeeff".to_owned()),
        "hashes are compared in lower case"
    );
    assert_eq!((&*test.name, test.repeats, test.tags.len(), &test.filter), ("accuracy", 3, 0, &None));
    let image = good(
        &PLAN.replace("firmware = \"00112233AABBCCDDEEFF00112233AABBCCDDEEFF\"", "image = \"fw.bin\"\ntags = \"smoke\"\nfilter = \"slow\""),
    );
    assert_eq!(image.tests[0].firmware, PlannedFirmware::Image("fw.bin".to_owned()));
    assert_eq!((&image.tests[0].tags[..], image.tests[0].filter.as_deref()), (&["smoke".to_owned()][..], Some("slow")));
    let second = good(&PLAN.replace("[[test]]", "revision = 2\nchanges = \"A board more.\"\n[[test]]"));
    assert_eq!((second.revision, second.changes.as_deref()), (2, Some("A board more.")));
}

#[test]
fn a_bad_plan_says_where() {
    let mut missed = Vec::new();
    let test = PLAN.split_once("[[test]]").expect("a test").1;
    for (what, text, expected) in [
        ("unknown key", PLAN.replace("repeats", "repeat"), "13:1 unknown key `repeat` in `[[test]]` | did you mean `repeats`?"),
        ("unknown key above", PLAN.replace("title", "titel"), "2:1 unknown key `titel` in a test plan | did you mean `title`?"),
        ("no repeats", PLAN.replace("repeats = 3", "repeats = 0"), "13:11 `repeats` wants a whole number from 1 to 1000"),
        ("too many", PLAN.replace("repeats = 3", "repeats = 1001"), "13:11 `repeats` wants a whole number from 1 to 1000"),
        ("half a repeat", PLAN.replace("repeats = 3", "repeats = 1.5"), "13:11 `repeats` wants a whole number from 1 to 1000"),
        ("a unit", PLAN.replace("repeats = 3", "repeats = \"3 s\""), "13:11 `repeats` wants a plain number; `3 s` is a time"),
        ("empty why", PLAN.replace("Because\nof this.", " "), "3:7 `why` says nothing"),
        ("serial twice", PLAN.replace("SN-0002", "SN-0001"), "9:20 `SN-0001` stands twice in `duts`"),
        ("no serial", PLAN.replace("[\"SN-0001\", \"SN-0002\"]", "[]"), "9:8 `duts` is an empty list"),
        ("empty serial", PLAN.replace("SN-0002", ""), "9:20 `duts` says nothing"),
        ("escape in a serial", PLAN.replace("SN-0002", "\\u001b[2J"), "9:20 `duts` has a control character in it"),
        ("no scenario", PLAN.replace("[\"scenarios/trial\"]", "[]"), "12:13 `scenarios` is an empty list"),
        ("no test", PLAN.split_once("[[test]]").expect("a test").0.to_owned(), "1:1 a test plan lacks `test`"),
        ("no tests", format!("{}test = []\n", PLAN.split_once("[[test]]").expect("a test").0), "7:8 a plan without a `[[test]]` plans"),
        ("test twice", format!("{PLAN}[[test]]{test}"), "15:8 the test `accuracy` stands twice"),
        (
            "no firmware",
            PLAN.replace("firmware = \"00112233AABBCCDDEEFF00112233AABBCCDDEEFF\"\n", ""),
            "7:1 `[[test]]` does not say which firmware is tested | ",
        ),
        ("both", PLAN.replace("bench =", "image = \"x\"\nbench ="), "11:1 `firmware` and `image` can't stand together"),
        ("no hash", PLAN.replace("00112233AABBCCDDEEFF00112233AABBCCDDEEFF", "v1.2"), "10:12 `v1.2` is no build hash | 40 or 64"),
        ("a short hash", PLAN.replace("AABBCCDDEEFF00112233AABBCCDDEEFF", ""), "10:12 `00112233` is no build hash | 40 or 64"),
        ("no name", PLAN.replace("\"PLAN-1\"", "\"plan one\""), "1:8 `plan one` is not a name"),
        ("silent revision", PLAN.replace("[[test]]", "revision = 2\n[[test]]"), "7:1 a later revision says what has changed"),
        ("no TOML", PLAN.replace("why = ", "why : "), "3:5 not TOML: "),
        ("not a list", PLAN.replace("[[test]]", "[test]"), "7:1 `test` wants a list, not a map"),
    ] {
        let found = bad(&text);
        if !found.iter().any(|line| line.starts_with(expected)) {
            missed.push(format!("{what}: {found:#?}"));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
    assert!(bad(&format!("# {}", "x".repeat(1 << 20)))[0].contains("at most 1024 KiB"));
}

#[test]
fn all_errors_come_in_one_go() {
    let found = bad(&PLAN.replace("title", "titel").replace("repeats = 3", "repeats = 0").replace("SN-0002", "SN-0001"));
    assert_eq!(found.len(), 4, "{found:#?}");
}
