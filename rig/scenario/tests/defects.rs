//! The catalogue of defects: what is read, and what is refused, where and why.

use std::collections::BTreeSet;

use rig_model::defect::{Asked, Constant, Defect, Made, Seam};
use rig_scenario::{DefectGround, Requirements, SourceFile, parse_defects};

const CONSTANTS: [Constant; 2] =
    [Constant { name: "low_nl", least: 0, most: 4_294_967_295 }, Constant { name: "limits.bolus_max_nl", least: 0, most: 4_294_967_295 }];
const TABLE: &str = "id,text,source,hazard,class\nREQ-INF-01,A text,S,HAZ-OVERDOSE HAZ-UNDERDOSE,c\nREQ-BOL-01,A text,S,HAZ-OVERDOSE,c\n";

fn read(files: &[(&str, &str)]) -> Result<Vec<Defect>, Vec<String>> {
    let requirements = Requirements::parse("requirements.csv", TABLE).expect("a table");
    let patches: BTreeSet<String> = ["patches/naive_limit.patch".to_owned()].into();
    let ground = DefectGround { constants: &CONSTANTS, requirements: Some(&requirements), patches: &patches };
    let files = files.iter().map(|(path, text)| SourceFile { path: (*path).to_owned(), text: (*text).to_owned() }).collect();
    parse_defects(files, ground).map_err(|found| {
        let told = |d: &rig_scenario::Diagnostic| {
            format!("{}:{}:{}: {} | {}", d.file, d.line, d.column, d.message, d.suggestion.clone().unwrap_or_default())
        };
        found.iter().map(told).collect()
    })
}

/// A defect with one line of its own.
fn with(line: &str) -> String {
    format!("[[defect]]\nid = \"d\"\nwrong = \"w\"\nharm = \"h\"\nhazards = [\"HAZ-OVERDOSE\"]\nrequirements = [\"REQ-INF-01\"]\n{line}\n")
}

fn errors(text: &str) -> Vec<String> {
    read(&[("c.toml", text)]).expect_err(text)
}

#[test]
fn a_catalogue_is_read() {
    let text = format!(
        "about = \"what they have in common\"\n{}{}{}{}",
        with("constants = { low_nl = 0, limits.bolus_max_nl = 2_000_000 }"),
        with("field = \"a failure\"\nquantities = [\"answer\"]\nseam = [{ what = \"gain\", by = 1.12 }, { what = \"resets\", after_strokes = 20 }]").replace("\"d\"", "\"e\""),
        with("patch = \"patches/naive_limit.patch\"").replace("\"d\"", "\"f\""),
        with("seam = [{ what = \"command_late\", which = \"stop\", by_s = 20 }]").replace("\"d\"", "\"g\""),
    );
    let defects = read(&[("scenarios/defects/limits.toml", &text)]).expect("a catalogue");
    let made: Vec<&Made> = defects.iter().map(|d| &d.made).collect();
    assert_eq!(*made[0], Made::Constants(vec![("low_nl".into(), 0), ("limits.bolus_max_nl".into(), 2_000_000)]));
    assert_eq!(*made[1], Made::Seam(vec![Seam::Gain { by: 1.12 }, Seam::Resets { after_strokes: 20 }]));
    assert_eq!(*made[2], Made::Patch("patches/naive_limit.patch".into()));
    assert_eq!(*made[3], Made::Seam(vec![Seam::CommandLate { which: Asked::Stop, by_s: 20.0 }]));
    let second = &defects[1];
    assert_eq!(
        (&*second.id, &*second.family, second.field.as_deref(), &*second.quantities[0]),
        ("e", "limits", Some("a failure"), "answer")
    );
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (line, expected) in [
        ("wong = \"w\"", "c.toml:7:1: unknown key `wong` in a defect | did you mean `wrong`?"),
        ("constants = { low_n = 0 }", "c.toml:7:15: the firmware has no constant `low_n` | did you mean `low_nl`?"),
        ("constants = { low_nl = 5_000_000_000 }", "c.toml:7:24: `low_nl` wants a whole number from 0 to 4294967295 | "),
        ("constants = { low_nl = 1.5 }", "c.toml:7:24: `low_nl` wants a whole number from 0 to 4294967295 | "),
        ("constants = {}", "c.toml:7:13: `constants` is empty | for example `constants = { low_nl = 0 }`"),
        ("seam = []", "c.toml:7:8: `seam` wants one to 8 things that go wrong | for example `seam = [{ what = \"gain\", by = 1.12 }]`"),
        ("seam = [{ by = 2 }]", "c.toml:7:9: the seam lacks `what` | for example `{ what = \"gain\", by = 1.12 }`"),
        ("seam = [{ what = \"gian\", by = 2 }]", "c.toml:7:18: there is no seam `gian` | did you mean `gain`?"),
        ("seam = [{ what = \"zzz\" }]", "c.toml:7:18: there is no seam `zzz` | the seams that there are stand in rig/docs/defects.md"),
        ("seam = [{ what = \"gain\" }]", "c.toml:7:9: the seam `gain` lacks `by` | what it does: each stroke moves `by` times its volume"),
        ("seam = [{ what = \"gain\", by = -1 }]", "c.toml:7:31: `by` wants a number from 0 to 100 | "),
        ("seam = [{ what = \"gain\", by = nan }]", "c.toml:7:31: `by` wants a number from 0 to 100 | "),
        (
            "seam = [{ what = \"dribble\", at = \"30 µL/h\" }]",
            "c.toml:7:34: `at` wants a number from -10000 to 100000, in µL/h, without the unit | ",
        ),
        ("seam = [{ what = \"gain\", by = 1, bye = 1 }]", "c.toml:7:34: the seam `gain` has no `bye` | did you mean `by`?"),
        ("seam = [{ what = \"stroke_lost\", every = 1.5 }]", "c.toml:7:41: `every` wants a whole number | "),
        (
            "seam = [{ what = \"tone_muted\", which = \"critcal\", after = 0 }]",
            "c.toml:7:40: `which` can't be `critcal` | did you mean `critical`?",
        ),
        (
            "patch = \"patches/naive_limits.patch\"",
            "c.toml:7:9: there is no patch `patches/naive_limits.patch` | did you mean `patches/naive_limit.patch`?",
        ),
        ("", "c.toml:1:1: the defect does not say how it is made | a defect has exactly one of `constants`, `seam` and `patch`"),
        (
            "constants = { low_nl = 0 }\npatch = \"patches/naive_limit.patch\"",
            "c.toml:8:1: the defect is made in more than one way | a defect has exactly one of `constants`, `seam` and `patch`",
        ),
        ("wrong = \"again\"\npatch = 1", "c.toml:7:1: not TOML: duplicate key | "),
    ] {
        assert_eq!(errors(&with(line))[0], expected, "{line}");
    }
    let good = with("constants = { low_nl = 0 }");
    for (from, to, expected) in [
        ("\"d\"", "\"help\"", "c.toml:2:6: a defect can't have the id `help`: `--defect help` lists them | "),
        ("\"d\"", "\"1 d\"", "c.toml:2:6: `1 d` is not a name"),
        ("\"w\"", "\"a\\nb\"", "c.toml:3:9: `wrong` holds the control character U+000A | write it in one line, without tabs"),
        (
            "REQ-INF-01",
            "REQ-INF-02",
            "c.toml:6:17: the table of requirements has no `REQ-INF-02` among its requirements | did you mean `REQ-INF-01`?",
        ),
        (
            "HAZ-OVERDOSE",
            "HAZ-OVERDOZE",
            "c.toml:5:12: the table of requirements has no `HAZ-OVERDOZE` among its hazards | did you mean `HAZ-OVERDOSE`?",
        ),
        ("[\"REQ-INF-01\"]", "[]", "c.toml:6:16: `requirements` is an empty list"),
        ("harm = \"h\"\n", "", "c.toml:1:1: a defect lacks `harm` (what it would do to a patient)"),
        ("[[defect]]", "[[defects]]", "c.toml:1:3: unknown key `defects` in a catalogue of defects | did you mean `defect`?"),
    ] {
        let found = errors(&good.replace(from, to));
        assert!(found.iter().any(|e| e.starts_with(expected)), "{from} → {to}: {found:#?}");
    }
}

#[test]
fn ids_are_used_once_in_all_files_and_all_errors_come_at_once() {
    let good = with("constants = { low_nl = 0 }");
    let found = read(&[("a.toml", &good), ("b.toml", &good)]).expect_err("an id twice");
    assert_eq!(found, ["b.toml:2:6: the id `d` stands twice; first in a.toml | "]);
    let found = read(&[("a.toml", "x = "), ("b.toml", &with("seam = [{ what = \"gian\" }]"))]).expect_err("two files");
    assert!(found.len() == 2 && found[0].starts_with("a.toml:1") && found[1].starts_with("b.toml:7"), "{found:#?}");
}
