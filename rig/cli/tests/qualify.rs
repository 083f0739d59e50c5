//! `rig qualify`: what catches a defective pump, what is no catch, and that neither parts, cores nor earlier runs change a byte.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "the tests run the program and read its files")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use support::{Outcome, Row, rig, table, write};
use tempfile::TempDir;

const SMOKE: &str = "scenarios/smoke/smoke.yaml";
const BOLUS: &str = "scenarios/trial/bolus.yaml";

/// `rig qualify` with these arguments, and the folder that it has written.
struct Qualified {
    dir: TempDir,
    outcome: Outcome,
}

impl Qualified {
    #[track_caller]
    fn of(arguments: &[&str], code: i32) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let outcome = Outcome::of(rig(["qualify"]).args(arguments).arg("--out").arg(dir.path()));
        assert_eq!(outcome.code, Some(code), "{arguments:?}: {outcome:#?}");
        Self { dir, outcome }
    }

    fn path(&self) -> &str {
        self.dir.path().to_str().unwrap()
    }

    fn table(&self, name: &str) -> Vec<Row> {
        table(&self.dir.path().join(name))
    }

    /// Every file but the one that tells what the machine took.
    fn files(&self) -> BTreeMap<String, String> {
        let read = |name: &String| (name.clone(), fs::read_to_string(self.dir.path().join(name)).unwrap());
        support::names(self.dir.path()).iter().filter(|name| *name != "times.csv").map(read).collect()
    }

    #[track_caller]
    fn says(&self, words: &[&str]) {
        words.iter().for_each(|words| assert!(self.outcome.stdout.contains(words), "`{words}` is not in:\n{}", self.outcome.stdout));
    }
}

#[test]
fn the_good_pump_alone() {
    let good = Qualified::of(&[SMOKE, BOLUS, "--defect", "none", "--sound-seeds", "3"], 0);
    good.says(&["false alarms: 0 (4 seeds, 2 scenarios, 8 plays)\n"]);
    assert!(good.table("false-alarms.csv").is_empty() && good.table("defects.csv").is_empty());
    assert_eq!(good.table("scenarios.csv").len(), 2);
    assert_eq!(good.files()["outcomes.jsonl"].lines().count(), 8);
}

/// A scenario must not lean on another that has shown its sensors to be alive: here each is a run of its own.
#[test]
fn every_scenario_of_the_suite_passes_alone() {
    let good = Qualified::of(&["--defect", "none", "--sound-seeds", "1"], 0);
    good.says(&["false alarms: 0 ("]);
    assert!(good.table("scenarios.csv").len() > 80, "the default selection is the whole suite but the long ones");
}

#[test]
fn a_defect_is_caught_by_a_check_that_is_about_it_and_by_no_other() {
    // The smoke run measures a bolus; it never waits for the reservoir to run low.
    let found = Qualified::of(&[SMOKE, "--defect", "wrong_gain", "--defect", "no_low_warning"], 1);
    found.says(&[
        "catalogue: scenarios/defects, ",
        "2 defects, 1 caught: 50.0 %\n",
        "survivors: 1\n  no_low_warning: never warns of a low reservoir\n    harm: ",
    ]);
    let rows = found.table("defects.csv");
    let gain = rows.iter().find(|r| r["defect"] == "wrong_gain").unwrap();
    assert_eq!(
        ["status", "first_scenario", "first_quantity", "first_requirements", "caught_by"].map(|c| gain[c].as_str()),
        ["caught", "SMOKE-01", "volume", "REQ-BOL-01", "SMOKE-01"]
    );
    let matrix = found.table("kill-matrix.csv");
    assert_eq!(
        matrix.iter().map(|r| (r["defect"].as_str(), r["SMOKE-01"].as_str())).collect::<Vec<_>>(),
        [("wrong_gain", "caught"), ("no_low_warning", "pass")]
    );
    assert!(found.files()["kill-matrix.svg"].contains(">no_low_warning<"));
    Qualified::of(&[SMOKE, "--defect", "wrong_gain"], 0);
}

/// A pump that finds out that its memory is wrong is another one than a pump that believes it.
#[test]
fn pumps_that_believe_a_wrong_memory_are_caught_by_what_they_remember() {
    let defects = ["stores_little", "stores_late", "rate_altered", "account_altered", "memory_lost"];
    let named = defects.iter().flat_map(|id| ["--defect", id]);
    let found = Qualified::of(&["scenarios/faults/power-cut-after-a-change.yaml"].into_iter().chain(named).collect::<Vec<_>>(), 0);
    let caught = found.table("defects.csv");
    for (id, checks) in [
        ("stores_little", &["reservoir_error", "reported_basal_rate"][..]),
        ("stores_late", &["reported_basal_rate", "volume"]),
        ("rate_altered", &["reported_basal_rate", "volume"]),
        ("account_altered", &["reservoir_error"]),
        ("memory_lost", &["reservoir_error", "reported_basal_rate"]),
    ] {
        let row = caught.iter().find(|r| r["defect"] == id).unwrap();
        let by: Vec<&str> = row["caught_by_checks"].split(';').filter_map(|check| check.split(' ').next_back()).collect();
        assert_eq!(by, checks, "{id}");
    }
}

/// A pump that fails checks of a scenario which verify something else than it breaks.
#[test]
fn a_fail_of_an_unrelated_check_is_no_catch() {
    let dir = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(support::project().join(BOLUS)).unwrap();
    let file = write(dir.path(), "bolus.yaml", text.replace("REQ-BOL-01", "REQ-ALM-03").replace("REQ-BOL-03", "REQ-ALM-03"));
    let found = Qualified::of(&[file.to_str().unwrap(), "--defect", "wrong_gain"], 1);
    assert_eq!(found.table("kill-matrix.csv")[0]["TRIAL-BOLUS-01"], "other_fail");
    found.says(&["0 caught", "    other_fail: TRIAL-BOLUS-01\n"]);
}

const SOME: [&str; 8] = [SMOKE, BOLUS, "--defect", "wrong_gain", "--defect", "mute", "--sound-seeds", "2"];

#[test]
fn neither_cores_nor_parts_change_a_byte() {
    let whole = Qualified::of(&[&SOME[..], &["--seeds", "2", "--jobs", "1"]].concat(), 0);
    let on_three = Qualified::of(&[&SOME[..], &["--seeds", "2", "--jobs", "3"]].concat(), 0);
    assert_eq!(whole.files(), on_three.files());
    let part = |k: &str| Qualified::of(&[&SOME[..], &["--seeds", "2", "--partition", k]].concat(), 0);
    let parts = ["1/3", "2/3", "3/3"].map(part);
    parts[1].says(&["part 2/3: ", "rig qualify --merge"]);
    let merged = Qualified::of(&["--merge", parts[2].path(), parts[0].path(), parts[1].path()], 0);
    assert_eq!(whole.files(), merged.files());
    let lacking = Outcome::of(&mut rig(["qualify", "--merge", parts[0].path(), parts[2].path(), "--out", merged.path()]));
    lacking.expect(2, &["are in none of the parts"]);
    let other = Qualified::of(&[SMOKE, "--defect", "none"], 0);
    let mixed = Outcome::of(&mut rig(["qualify", "--merge", parts[0].path(), other.path(), "--out", merged.path()]));
    mixed.expect(2, &["are parts of different qualifications: the scenarios differ"]);
}

#[test]
fn what_could_not_change_is_taken_over_and_nothing_is_other_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let text = |file: &str| fs::read_to_string(support::project().join(file)).unwrap();
    let smoke = text("scenarios/smoke/smoke.yaml");
    write(dir.path(), "smoke.yaml", &smoke);
    write(dir.path(), "short.yaml", support::SHORT);
    let arguments = |defects: &[&'static str]| -> Vec<String> {
        let named = defects.iter().flat_map(|d| ["--defect", d]);
        [dir.path().to_str().unwrap(), "--sound-seeds", "1"].into_iter().chain(named).map(str::to_owned).collect()
    };
    let run = |defects: &[&'static str], since: Option<&str>| {
        let arguments = arguments(defects);
        let since: Vec<&str> = since.iter().flat_map(|dir| ["--since", dir]).collect();
        Qualified::of(&arguments.iter().map(String::as_str).chain(since).collect::<Vec<_>>(), 1)
    };
    let first = run(&["wrong_gain", "no_low_warning"], None);
    let again = run(&["wrong_gain", "no_low_warning"], Some(first.path()));
    again.says(&[": 8 of 8 plays were taken over"]);
    assert_eq!(again.files(), first.files());

    // A check more in one scenario, and a defect more.
    write(dir.path(), "short.yaml", support::SHORT.replace("1500 ms", "2 s"));
    let full = run(&["wrong_gain", "no_low_warning", "stuck_reservoir_count"], None);
    let since = run(&["wrong_gain", "no_low_warning", "stuck_reservoir_count"], Some(&format!("{}/outcomes.jsonl", first.path())));
    since.says(&[": 4 of 10 plays were taken over", "  stuck_reservoir_count: survived, was not in the catalogue\n"]);
    assert_eq!(since.files(), full.files());
    // And from what was taken over itself.
    let one = [dir.path().to_str().unwrap(), "--sound-seeds", "1", "--defect", "wrong_gain", "--since", since.path()];
    Qualified::of(&one, 0).says(&[": 6 of 6 plays were taken over"]);
}

/// The external pump of a trial is another one, and a scenario on its bench is a column of its own.
#[test]
fn scenarios_on_another_bench_count_as_any_other() {
    fn some<'a>(also: &'a str, more: &[&'a str]) -> Vec<&'a str> {
        [&[SMOKE, "--defect", "wrong_gain", "--defect", "button_stuck", "--also", also], more].concat()
    }
    let dir = tempfile::tempdir().unwrap();
    let trial = fs::read_to_string(support::project().join("rig/benches/sim-trial.toml")).unwrap();
    let bench = write(dir.path(), "trial.toml", &trial);
    let also = format!("{}={BOLUS}", bench.display());
    let whole = Qualified::of(&some(&also, &["--sound-seeds", "2", "--jobs", "1"]), 1);
    // Two on the bench and two that are drawn around it, and on the other one: the sound pump, and two that are not.
    whole.says(&["false alarms: 0 (3 seeds, 2 scenarios, 4 plays)\n"]);
    let matrix = whole.table("kill-matrix.csv");
    let of = |defect: &str, column: &str| matrix.iter().find(|r| r["defect"] == defect).unwrap()[column].clone();
    assert_eq!([of("wrong_gain", "SMOKE-01"), of("wrong_gain", "TRIAL-BOLUS-01@sim-trial")], ["caught", "caught"]);
    let row = &whole.table("scenarios.csv")[1];
    assert_eq!([&row["scenario"], &row["file"], &row["bench"]], ["TRIAL-BOLUS-01@sim-trial", BOLUS, &bench.display().to_string()]);

    // Neither cores, parts, processes of their own nor an earlier run change a byte.
    assert_eq!(whole.files(), Qualified::of(&some(&also, &["--sound-seeds", "2", "--jobs", "3"]), 1).files());
    let alone = ["--sound-seeds", "2", "--worker", env!("CARGO_BIN_EXE_rig")];
    assert_eq!(whole.files(), Qualified::of(&some(&also, &alone), 1).files());
    let parts = ["1/2", "2/2"].map(|k| Qualified::of(&some(&also, &["--sound-seeds", "2", "--partition", k]), 0));
    assert_eq!(whole.files(), Qualified::of(&["--merge", parts[1].path(), parts[0].path()], 1).files());
    let again = Qualified::of(&some(&also, &["--sound-seeds", "2", "--since", whole.path()]), 1);
    again.says(&[": 8 of 8 plays were taken over"]);
    assert_eq!(whole.files(), again.files());

    // After a change of that bench only what is played on it is played anew.
    write(dir.path(), "trial.toml", trial.replace("tip_pressure = \"1.2 kPa\"", "tip_pressure = \"1.1 kPa\""));
    let since = Qualified::of(&some(&also, &["--sound-seeds", "2", "--since", whole.path()]), 1);
    since.says(&[": 5 of 8 plays were taken over"]);
    let other = Outcome::of(&mut rig(["qualify", "--merge", parts[0].path(), since.path(), "--out", since.path()]));
    other.expect(2, &["are parts of different qualifications: the benches differ"]);
}

#[test]
fn a_defect_that_another_bench_can_not_have_stands_as_the_others_say() {
    let dir = tempfile::tempdir().unwrap();
    let trial = fs::read_to_string(support::project().join("rig/benches/sim-trial.toml")).unwrap();
    let button = "[[line]]\nname = \"button\"\nsafe = \"released\"\n";
    assert!(trial.contains(button));
    let bench = write(dir.path(), "trial.toml", trial.replace(button, ""));
    let also = format!("{}={BOLUS}", bench.display());
    let found = Qualified::of(&[SMOKE, "--defect", "wrong_gain", "--defect", "button_stuck", "--also", &also], 1);
    let matrix = found.table("kill-matrix.csv");
    let stuck = matrix.iter().find(|r| r["defect"] == "button_stuck").unwrap();
    assert_eq!([&stuck["SMOKE-01"], &stuck["TRIAL-BOLUS-01@sim-trial"], &stuck["status"]], ["pass", "not_applicable", "survived"]);
}

/// What is said against the sound pump on another bench is played again there.
#[test]
fn a_false_alarm_on_another_bench_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(support::project().join(BOLUS)).unwrap();
    let file = write(dir.path(), "bolus.yaml", text.replace("is: $dose ± 5 %", "is: $dose * 1.2 ± 5 %"));
    let also = format!("rig/benches/sim-trial.toml={}", file.display());
    let found = Qualified::of(&[SMOKE, "--defect", "none", "--also", &also], 1);
    let alarm = &found.table("false-alarms.csv")[0];
    assert_eq!(alarm["scenario"], "TRIAL-BOLUS-01@sim-trial");
    assert_eq!(alarm["command"], format!("rig run {} --seed 1 --bench rig/benches/sim-trial.toml", file.display()));
}

/// A worker that greets as it must, and then does something else than play.
fn worker(dir: &Path, then: &str) -> String {
    let sound = env!("CARGO_BIN_EXE_rig");
    let path =
        write(dir, "worker", format!("#!/bin/sh\n[ \"$2 $3\" = '--defect wrong_gain' ] || exit 9\n{sound} \"$@\" </dev/null\n{then}\n"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_pump_that_hangs_or_breaks_down_is_ended_and_never_caught() {
    let sound = env!("CARGO_BIN_EXE_rig");
    for (then, code, cell, status) in [
        ("while :; do :; done", 1, "hung", "survived"),
        ("read question; kill -SEGV $$", 1, "died", "survived"),
        ("read question; exit 0", 1, "died", "survived"),
        ("read question; echo nonsense; read question", 1, "died", "survived"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let found = Qualified::of(&[SMOKE, "--defect", "wrong_gain", "--worker", &worker(dir.path(), then), "--limit", "1"], code);
        let row = &found.table("kill-matrix.csv")[0];
        assert_eq!((row["SMOKE-01"].as_str(), row["status"].as_str()), (cell, status), "{then}");
        found.says(&["1 defect, 0 caught: 0.0 %\n", &format!("{cell}: SMOKE-01\n")]);
    }
    // One that is as it should be, and one that can't even begin.
    let whole = Qualified::of(&[SMOKE, "--defect", "wrong_gain", "--worker", sound], 0);
    assert_eq!(whole.files(), Qualified::of(&[SMOKE, "--defect", "wrong_gain"], 0).files());
    for bad in ["/bin/false", "/nowhere"] {
        let found = Qualified::of(&[SMOKE, "--defect", "wrong_gain", "--worker", bad], 6);
        assert_eq!(found.table("kill-matrix.csv")[0]["status"], "not_played");
    }
}

#[test]
fn what_the_bench_lacks_is_told() {
    let skipped = Qualified::of(&["scenarios/calibration/balance-smoke.yaml", "--defect", "none"], 6);
    skipped.says(&["skipped: ", "balance"]);
}

/// A false alarm on a drawn bench is played again with a journal, from the bench file that is left of it.
#[test]
fn what_is_said_on_a_drawn_bench_is_said_again_by_a_run_on_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(support::project().join(BOLUS)).unwrap();
    // A fifth more than the pump is asked for.
    let file = write(dir.path(), "bolus.yaml", text.replace("is: $dose ± 5 %", "is: $dose * 1.2 ± 5 %"));
    let file = file.to_str().unwrap();
    let found = Qualified::of(&[file, "--defect", "none", "--sound-seeds", "3", "--seed", "40"], 1);
    let alarms = found.table("false-alarms.csv");
    let alarm = alarms.iter().find(|r| r["bench"] == "drawn").unwrap();
    let drawn = found.dir.path().join(&alarm["bench_file"]);
    found.says(&[&format!("with a journal: rig run {file} --seed {} --bench {}", alarm["seed"], drawn.display())]);
    assert!(alarm["drawn"].contains("k_error_tip ") && alarm["drawn"].contains("pump_clock "), "{alarm:?}");
    let run = support::Run::of(&[file, "--seed", &alarm["seed"], "--bench", drawn.to_str().unwrap()]);
    let steps = run.table("results.csv");
    let again = steps.iter().find(|r| r["step"] == alarm["step"] && r["verdict"] == "FAIL").unwrap();
    assert_eq!(again["reason"], alarm["reason"], "to the last figure");
    // Nothing is left of it where nothing is said.
    let mut command = rig(["qualify", BOLUS, "--defect", "none", "--sound-seeds", "3", "--seed", "40", "--out"]);
    let quiet = Outcome::of(command.arg(found.path()));
    assert_eq!(quiet.code, Some(0), "{quiet:#?}");
    assert!(!drawn.exists());
}

/// Nothing to hold the suite against is no success.
#[test]
fn without_a_defective_pump_nothing_is_shown() {
    let patched = "acknowledged_hides_new";
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let list = write(dir.path(), "mutants.json", "[]");
    let arguments = |more: &[&str]| Outcome::of(rig(["qualify", SMOKE]).args(more).arg("--out").arg(&out));
    arguments(&["--without-patches", "--defect", patched])
        .expect(2, &[&format!("the defect `{patched}` is a patch"), "`--without-patches`"]);
    arguments(&["--defect", "none", "--mutants", list.to_str().unwrap()]).expect(2, &["nothing to qualify against: ", "lists no mutant"]);
    // A folder of defects without any, and no such folder, where the program's own are taken and told.
    let smoke = support::project().join(SMOKE);
    let elsewhere = |more: &[&str]| Outcome::of(rig(["qualify"]).arg(&smoke).args(more).arg("--out").arg(&out).current_dir(dir.path()));
    let own = elsewhere(&["--defect", "wrong_gain"]);
    assert_eq!(own.code, Some(0), "{own:#?}");
    assert!(
        own.stdout.starts_with("catalogue: the program's own, ") && own.stdout.contains("(there is no folder scenarios/defects here)"),
        "{own:#?}"
    );
    fs::create_dir_all(dir.path().join("scenarios/defects")).unwrap();
    elsewhere(&[])
        .expect(2, &["nothing to qualify against: no defective pump is left to play (scenarios/defects, 0 defects)", "--defect none"]);
    assert_eq!(elsewhere(&["--defect", "none"]).code, Some(0));
    // What is wrong with it is told once.
    write(&dir.path().join("scenarios/defects"), "odd.toml", "odd = 1\n");
    let odd = elsewhere(&[]);
    odd.expect(2, &["error: ", "odd"]);
    assert!(!odd.stderr.contains("error: error:"), "{odd:#?}");
}

#[test]
fn bad_usage() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().to_str().unwrap();
    let none = dir.path().join("none");
    let none = none.to_str().unwrap();
    let cases: &[(&[&str], &[&str])] = &[
        (&[SMOKE, "--defect", "wrong_gian"], &["there is no defect `wrong_gian`", "wrong_gain"]),
        (&[SMOKE, "--defect", "none", "--defect", "mute"], &["stands alone"]),
        (&[SMOKE, "--partition", "3/2"], &["`3/2` is no part of a whole"]),
        (&[SMOKE, "--partition", "half"], &["K/N with K from 1 to N"]),
        (&[SMOKE, "--seeds", "0"], &["0 is not in 1..=1000000"]),
        (&[SMOKE, "--jobs", "0"], &["0 is not in 1..=1024"]),
        (&[SMOKE, "--since", none], &["is no folder that `rig qualify` has written"]),
        (&["--merge", none], &["is no folder that `rig qualify` has written"]),
        (&["--merge", none, "--seed", "3"], &["cannot be used with"]),
        (&[SMOKE, "--tag", "nothing"], &["no scenario has these tags"]),
        (&[SMOKE, "--bench", "rig/benches/pi.toml"], &["`kind = \"sim\"`"]),
        (&[SMOKE, "--explained", none], &["--mutants"]),
        (&[SMOKE, "--also", "rig/benches/sim-trial.toml"], &["is no bench with scenarios: BENCH=PATH"]),
        (&[SMOKE, "--also", "rig/benches/pi.toml=scenarios/trial"], &["`kind = \"sim\"`"]),
        (&[SMOKE, "--also", "rig/benches/sim-trial.toml=nowhere"], &["failed to open"]),
        (
            &[
                SMOKE,
                "--also",
                "rig/benches/sim-trial.toml=scenarios/trial",
                "--also",
                "rig/benches/sim-trial.toml=scenarios/trial/bolus.yaml",
            ],
            &["TRIAL-BOLUS-01 would be played twice on benches named `sim-trial`"],
        ),
        (&["--merge", none, "--also", "a=b"], &["cannot be used with"]),
        (&[SMOKE, "--mutants", none], &["is no list of mutants"]),
        (&[SMOKE, "--mutants", none, "--mutants-sample", "3/2"], &["`3/2` is no sample", "every Nth"]),
        (&[SMOKE, "--mutants-sample", "1/2"], &["--mutants"]),
        (&[none], &["failed to open"]),
    ];
    let twice = "[[mutant]]\nname = \"m\"\nbehaviour = \"same\"\nwhy = \"w\"\n".repeat(2);
    let bad = [
        (&*twice, "the mutant `m` stands twice"),
        ("[[mutant]]\nname = \"m\"\nbehaviour = \"same\"\nwhy = \" \"\n", "the mutant `m` has no reason"),
        ("[[mutant]]\nname = \"m\"\nwhy = \"w\"\n", "missing field `behaviour`"),
        ("[[mutant]]\nname = \"m\"\nbehaviour = \"alike\"\nwhy = \"w\"\n", "expected `same` or `differs`"),
    ];
    let files = tempfile::tempdir().unwrap();
    let list = write(files.path(), "mutants.json", r#"[{"file":"firmware-under-test/pump/src/log.rs","name":"m","diff":"@@"}]"#);
    for (text, words) in bad {
        let file = write(files.path(), "explained.toml", text);
        let mut refused = rig(["qualify", SMOKE, "--mutants"]);
        refused.arg(&list).arg("--explained").arg(file).args(["--out", out]);
        Outcome::of(&mut refused).expect(2, &["explains no mutants", words]);
    }
    for (arguments, words) in cases {
        let refused = Outcome::of(rig(["qualify"]).args(*arguments).args(["--out", out]));
        refused.expect(2, words);
        assert!(!refused.stderr.contains("error: error:"), "{refused:#?}");
    }
    assert!(support::names(dir.path()).is_empty(), "nothing is left of what was refused");
}
