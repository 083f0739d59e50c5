//! Bad usage and bad files: the exit code, what is wrong, where it is, and what to do; all of it in one go, and nothing is played.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "the tests run the program and write its files")]

mod support;

use std::path::Path;

use support::{Outcome, SHORT, names, project, rig, write};
use tempfile::TempDir;

/// A folder with bad files in it; `rig` runs there.
struct Place(TempDir);

impl Place {
    fn with(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        files.iter().for_each(|(name, text)| drop(write(dir.path(), name, text)));
        Self(dir)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn run(&self, arguments: &[&str]) -> Outcome {
        Outcome::of(rig(arguments).current_dir(self.path()))
    }

    /// `rig run` refuses; it says all of these words, and has made no folder for reports.
    #[track_caller]
    fn refused(&self, arguments: &[&str], words: &[&str]) {
        let before = names(self.path());
        self.run(&[&["run"], arguments].concat()).expect(2, words);
        assert_eq!(names(self.path()), before, "nothing is made of bad files");
    }
}

fn scenario(id: &str, steps: &str) -> String {
    format!("scenario: {id}\ntitle: t\ntime_limit: 5 min\nsteps:\n{steps}")
}

const CHECK: &str = "  - check: { state: stopped }\n";

#[test]
fn each_mistake_in_a_scenario_is_shown_with_its_place() {
    let ring = "fragment: ring\nsteps:\n  - include: ring.yaml\n";
    let bomb = "a: &a [x, x, x, x]\nb: &b [*a, *a, *a, *a]\nc: &c [*b, *b, *b, *b]\nd: [*c, *c, *c, *c]\n";
    let cases: &[(&str, String, &[&str])] = &[
        (
            "unknown key",
            scenario("A-01", CHECK).replace("steps", "stepz"),
            &["unknown key `stepz`", "bad.yaml:4:1", "4 | stepz:", "did you mean `steps`?"],
        ),
        (
            "missing unit",
            scenario("A-01", CHECK).replace("5 min", "5"),
            &["`5` has no unit", "bad.yaml:3:13", "3 | time_limit: 5", "units of time"],
        ),
        (
            "wrong dimension",
            scenario("A-01", &format!("  - program: {{ basal: 5 mL }}\n{CHECK}")),
            &["`5 mL` is a volume", "bad.yaml:5:23", "wants a flow"],
        ),
        ("missing fragment", scenario("A-01", "  - include: parts/none.yaml\n"), &["parts/none.yaml", "bad.yaml:5:14", "can't be read"]),
        ("circular include", scenario("A-01", &format!("  - include: ring.yaml\n{CHECK}")), &["ring.yaml:3:14", "ring"]),
        ("no check", scenario("A-01", "  - wait: 5 s\n"), &["a scenario without a check can't pass", "bad.yaml:4:1"]),
        ("YAML bomb", bomb.to_owned(), &["anchors and aliases are not taken", "bad.yaml:1:4"]),
        ("not a scenario", "just a text\n".to_owned(), &["bad.yaml:1:1"]),
        ("empty file", String::new(), &["bad.yaml:1:1"]),
    ];
    for (what, text, words) in cases {
        let place = Place::with(&[("bad.yaml", text), ("ring.yaml", ring)]);
        let outcome = place.run(&["run", "bad.yaml"]);
        eprintln!("{what}: {outcome:#?}");
        place.refused(&["bad.yaml"], words);
        // The same words without playing.
        place.run(&["check", "bad.yaml"]).expect(2, words);
    }
}

#[test]
fn two_scenarios_of_one_id_name_both_files() {
    let place = Place::with(&[("one.yaml", SHORT), ("two.yaml", SHORT)]);
    place.refused(&["one.yaml", "two.yaml"], &["two.yaml:1:11", "the id `SHORT-01` is that of one.yaml too"]);
}

#[test]
fn a_file_of_100_mb_is_refused_unread() {
    let place = Place::with(&[]);
    let file = std::fs::File::create(place.path().join("big.yaml")).unwrap();
    file.set_len(100_000_000).unwrap();
    place.refused(&["big.yaml"], &["`big.yaml` has 100 MB", "at most 1 MiB"]);
    std::fs::rename(place.path().join("big.yaml"), place.path().join("big.toml")).unwrap();
    write(place.path(), "good.yaml", SHORT);
    place.refused(&["good.yaml", "--bench", "big.toml"], &["`big.toml` has 100 MB"]);
}

#[test]
fn a_file_that_is_no_text_is_told_with_its_place() {
    let place = Place::with(&[]);
    write(place.path(), "latin.yaml", b"scenario: A-01\ntitle: 5 \xb5L\n");
    place.refused(&["latin.yaml"], &["not UTF-8", "latin.yaml:2:10"]);
}

#[test]
fn files_that_are_not_there_are_named() {
    let place = Place::with(&[("notes.txt", "")]);
    place.refused(&["none.yaml"], &["failed to open `none.yaml`"]);
    place.refused(&["."], &["no scenario file (*.yaml) in `.`"]);
    place.refused(&[], &["no folder `scenarios` here", "name scenario files or folders"]);
    write(place.path(), "good.yaml", SHORT);
    place.refused(&["good.yaml", "--bench", "none.toml"], &["failed to open `none.toml`"]);
}

#[test]
fn all_errors_of_all_files_come_in_one_go() {
    let place = Place::with(&[
        ("a.yaml", &scenario("A-01", CHECK).replace("steps", "stepz")),
        ("b.yaml", &scenario("B-01", "  - wait: 5\n  - wait: 5 mL\n")),
        ("c.yaml", SHORT),
        ("bench.toml", &sim_bench().replace("baud", "bawd")),
    ]);
    write(place.path(), "d.yaml", b"\xff");
    let words = ["a.yaml:4:1", "b.yaml:5:11", "b.yaml:6:11", "d.yaml:1:1", "bench.toml:", "did you mean `baud`?", "none.yaml", " errors"];
    place.refused(&["a.yaml", "b.yaml", "c.yaml", "d.yaml", "none.yaml", "--bench", "bench.toml"], &words);
    let outcome = place.run(&["check", "a.yaml", "b.yaml", "c.yaml", "d.yaml", "none.yaml", "--bench", "bench.toml"]);
    outcome.expect(2, &words);
    let counted = outcome.stderr.lines().filter(|l| l.starts_with("error: ")).count();
    assert!(outcome.stderr.ends_with(&format!("{counted} errors\n")), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains("error: error"), "{}", outcome.stderr);
}

fn sim_bench() -> String {
    std::fs::read_to_string(project().join("rig/benches/sim.toml")).unwrap()
}

#[test]
fn each_mistake_in_a_bench_file_is_shown_with_its_place() {
    let without_safe: String = sim_bench().lines().filter(|l| !l.starts_with("safe = \"off\"")).map(|l| format!("{l}\n")).collect();
    let line = 1 + without_safe.lines().position(|l| l == "[[line]]").unwrap();
    let place = format!("bench.toml:{line}:1");
    let cases: &[(String, &[&str])] = &[
        (without_safe, &["`[[line]]` lacks `safe`", &place, "2 errors"]),
        (sim_bench().replace("\nbaud", "\nbawd"), &["unknown key `bawd`", "did you mean `baud`?", "bench.toml:"]),
        (sim_bench().replace("\"20 mL\"", "\"20\""), &["`20` has no unit", "bench.toml:"]),
        (sim_bench().replace("kind = \"sim\"", "kind = \"simm\""), &["simm", "bench.toml:5:8"]),
        ("name = ".to_owned(), &["bench.toml:1:"]),
    ];
    for (text, words) in cases {
        let place = Place::with(&[("bench.toml", text), ("good.yaml", SHORT)]);
        place.refused(&["good.yaml", "--bench", "bench.toml"], words);
    }
}

#[test]
fn an_unknown_defect_is_answered_with_those_that_there_are() {
    let place = Place::with(&[("good.yaml", SHORT)]);
    place.refused(&["good.yaml", "--defect", "wrong-gain"], &["there is no defect `wrong-gain`", "wrong_gain  ", "each stroke is 12 %"]);
    place.run(&["host", "--defect", "mutee"]).expect(2, &["there is no defect `mutee`", "  mute  ", "`--defect help` lists all"]);
}

#[test]
fn a_wrong_option_is_bad_usage() {
    Place::with(&[]).run(&["run", "--sed", "7"]).expect(2, &["--seed"]);
}

#[test]
fn nothing_selected_is_no_success() {
    let place = Place::with(&[("good.yaml", SHORT)]);
    place.run(&["run", "good.yaml", "--tag", "smoke"]).expect(6, &["nothing to play", "rig list"]);
    place.run(&["run", "good.yaml", "--filter", "LONG", "--allow-skipped"]).expect(6, &["nothing to play"]);
    assert_eq!(names(place.path()), ["good.yaml"]);
}

#[test]
fn what_the_bench_lacks_is_skipped_visibly() {
    let needs = scenario("NEEDS-01", "  - set: { button: pressed }\n  - check: { state: stopped }\n");
    let bench = sim_bench().replace("name = \"button\"\nsafe = \"released\"", "name = \"heartbeat\"\nsafe = \"off\"");
    let place = Place::with(&[("needs.yaml", &needs), ("short.yaml", SHORT), ("bench.toml", &bench)]);
    let run = |arguments: &[&str]| place.run(&[&["run", "--bench", "bench.toml", "--out", "reports"], arguments].concat());

    let skipped = run(&["needs.yaml", "short.yaml"]);
    skipped.expect(6, &[]);
    assert!(skipped.stdout.contains("SKIPPED") && skipped.stdout.contains("button"), "{}", skipped.stdout);
    run(&["needs.yaml", "short.yaml", "--allow-skipped"]).expect(0, &[]);
    run(&["needs.yaml", "--allow-skipped"]).expect(6, &[]);

    let checked = place.run(&["check", "needs.yaml", "--bench", "bench.toml"]);
    checked.expect(0, &[]);
    assert!(checked.stdout.contains("would skip it"), "{}", checked.stdout);
}
