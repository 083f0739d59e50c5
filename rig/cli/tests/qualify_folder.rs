//! The folder of a qualification: a set-up never stands beside outcomes that are not its own, and if it does, that is noticed.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "the tests run the program and change its files")]

mod support;

use std::fs;
use std::path::Path;

use support::{Outcome, rig, write};

const SETUP: &str = "qualification.json";
const OUTCOMES: &str = "outcomes.jsonl";

/// `rig qualify` of a scenario against one pump, into this folder.
fn qualify(scenario: &Path, out: &Path) -> Outcome {
    Outcome::of(rig(["qualify", "--defect", "wrong_gain"]).arg(scenario).arg("--out").arg(out))
}

fn merge(folders: &[&Path], out: &Path) -> Outcome {
    Outcome::of(rig(["qualify", "--merge"]).args(folders).arg("--out").arg(out))
}

#[test]
fn outcomes_of_another_set_up_are_no_part_of_this_one() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two, out) = (dir.path().join("one"), dir.path().join("two"), dir.path().join("out"));
    let smoke = fs::read_to_string(support::project().join("scenarios/smoke/smoke.yaml")).unwrap();
    let scenario = write(dir.path(), "smoke.yaml", &smoke);
    assert_eq!(qualify(&scenario, &one).code, Some(0));
    // The same units, of another text.
    write(dir.path(), "smoke.yaml", smoke.replacen("title: ", "title: Again, ", 1));
    assert_eq!(qualify(&scenario, &two).code, Some(0));
    assert_eq!(merge(&[&one], &out).code, Some(0), "a whole is the whole of itself");
    fs::copy(two.join(SETUP), one.join(SETUP)).unwrap();
    let words = [
        &*format!("`{}`: `{OUTCOMES}` is of another qualification than the `{SETUP}` beside it", one.display()),
        "e.g. the outcome of the sound pump in SMOKE-01 with seed 1; play this one again",
    ];
    merge(&[&one], &out).expect(2, &words);
    merge(&[&two, &one], &out).expect(2, &words);
}

#[test]
fn the_set_up_is_written_when_its_outcomes_are() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let smoke = support::project().join("scenarios/smoke/smoke.yaml");
    assert_eq!(qualify(&smoke, &out).code, Some(0));
    let before = fs::read_to_string(out.join(SETUP)).unwrap();
    // The outcomes of the next one can't be written.
    fs::remove_file(out.join(OUTCOMES)).unwrap();
    fs::create_dir(out.join(OUTCOMES)).unwrap();
    write(&out.join(OUTCOMES), "something", "else");
    qualify(&support::project().join("scenarios/trial/bolus.yaml"), &out).expect(4, &["failed to write to"]);
    assert_eq!(fs::read_to_string(out.join(SETUP)).unwrap(), before);
}
