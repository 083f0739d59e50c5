//! `rig approve PLAN.toml`: what is signed, and what never is.

use std::process::{Command, Stdio};

use rig_evidence::{ApprovedPlan, Sha256Hex};

use crate::place::*;
use crate::support::{names, project};

#[test]
fn a_plan_is_signed_with_all_that_it_comes_to() {
    let place = Place::new();
    let outcome = place.approve_as(ANN, &["--name", "Ann Example"]);
    outcome.expect(0, &[]);
    for words in ["STILL-01 [rate=20 µL/h]: 2 checks", "still: 1 time on each board", "bench `sim` is simulated", "to be played 2 times"] {
        assert!(outcome.stdout.contains(words), "{words}: {outcome:#?}");
    }
    let plan = ApprovedPlan::parse(&place.read(APPROVED)).unwrap();
    assert_eq!((&*plan.approver, &*plan.name, &*plan.meaning), ("ann@x", "Ann Example", "It may be played"));
    assert_eq!(plan.plan.text, crate::place::plan());
    let hash = |name: &str| Sha256Hex::of(place.read(name));
    let test = &plan.tests[0];
    let files: Vec<(&str, Sha256Hex)> = test.files.iter().map(|f| (&*f.path, f.sha256)).collect();
    let expected = ["scenarios/still.yaml", "scenarios/fragments/settle.yaml"].map(|name| (name, hash(name)));
    assert_eq!(files, expected);
    assert_eq!((&*test.bench, test.bench_file.sha256), ("sim", hash("bench.toml")));
    assert_eq!(plan.requirements.map(|r| r.sha256), Some(hash("scenarios/requirements.csv")));
    let cases: Vec<(&str, usize)> = test.cases.iter().map(|c| (&*c.case, c.checks)).collect();
    assert_eq!(cases, [("rate=20 µL/h", 2), ("rate=30 µL/h", 2)]);
    assert!(!names(place.path()).iter().any(|name| name.contains("partial")));
}

#[test]
fn public_tools_check_an_approval() {
    let place = Place::new();
    place.approve();
    let arguments = ["-Y", "verify", "-f", "reports/allowed_signers", "-I", "ann@x", "-n", "rig-approver", "-s", SIGNATURE];
    let check = || {
        let plan = std::fs::File::open(place.file(APPROVED)).unwrap();
        Command::new("ssh-keygen")
            .args(arguments)
            .current_dir(place.path())
            .stdin(plan)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap()
            .success()
    };
    assert!(check());
    place.change(APPROVED, "\"repeats\": 1", "\"repeats\": 2");
    assert!(!check());
}

#[test]
fn an_approved_plan_is_never_written_over() {
    let place = Place::new();
    place.approve();
    let before = place.read(APPROVED);
    place.approve_as(ANN, &[]).expect(2, &["`plan.approved.json` is approved already", "a new revision is a new file"]);
    assert_eq!(place.read(APPROVED), before);
    place.approve_as(ANN, &["--out", "second.json"]).expect(0, &[]);
    std::fs::remove_file(place.file(SIGNATURE)).unwrap();
    place.approve_as(ANN, &[]).expect(2, &["without a signature, as an approval leaves it that was cut off"]);
    std::fs::remove_file(place.file("second.json")).unwrap();
    place.approve_as(ANN, &["--out", "second.json"]).expect(2, &["has a signature already, but is not there itself"]);
}

#[test]
fn only_an_approver_approves() {
    let place = Place::new();
    for (person, words) in [
        (BOB, "`bob@x` may not sign as approver"),
        (CAT, "`cat@x` might sign until"),
        (BENCH, "is a bench's and never a person's"),
        (EVE, "is not among the allowed signers"),
    ] {
        let refused = place.approve_as(person, &[]);
        refused.expect(2, &["nothing was approved", words, "these may sign as approver"]);
        assert_eq!(refused.stdout, "", "nobody reads a plan that he may not approve");
        assert!(!place.file(APPROVED).exists(), "{words}");
    }
    place.approve_as(ANN, &["--reports", "elsewhere"]).expect(2, &["no file of allowed signers at `elsewhere/allowed_signers`"]);
    place.approve_as(ANN, &["--principal", "bob@x"]).expect(2, &["nothing was approved"]);
    place.approve_as(ANN, &["--name", "\u{1b}[2J"]).expect(2, &[]);
    place.rig(&["approve", "plan.toml", "--key", "key-1", "--meaning", " "]).expect(2, &["it must say something"]);
    assert!(!place.file(APPROVED).exists());
}

#[test]
fn bad_plans_are_refused_with_all_that_is_wrong() {
    for (from, to, words) in [
        ("repeats", "repeat", &["plan.toml:11:1", "unknown key `repeat`", "did you mean `repeats`?"][..]),
        ("repeats = 1", "repeats = 0", &["a whole number from 1 to 1000"]),
        ("[\"scenarios\"]", "[\"none.yaml\"]", &["failed to open `none.yaml`"]),
        ("[\"scenarios\"]", "[]", &["`scenarios` is an empty list"]),
        ("[\"SN-0001\"]", "[\"SN-0001\", \"SN-0001\"]", &["`SN-0001` stands twice in `duts`"]),
        ("\"To see whether it stands still.\"", "\"\"", &["`why` says nothing"]),
        ("bench.toml", "none.toml", &["failed to open `none.toml`"]),
        ("repeats", "model = \"X\"\nrepeats", &["test `still`: it names the model `X`, its bench file `RP-1 reference`"]),
        ("repeats", "filter = \"fast\"\nrepeats", &["test `still`: no case matches"]),
        ("repeats", "tags = \"none\"\nrepeats", &["test `still`: no case matches"]),
        ("firmware = ", "image = \"none.bin\" # ", &["the firmware image `none.bin`"]),
    ] {
        let place = Place::new();
        place.change("plan.toml", from, to);
        place.approve_as(ANN, &[]).expect(2, words);
        assert!(!place.file(APPROVED).exists(), "{to}");
    }
}

#[test]
fn what_the_bench_can_not_play_is_not_approved() {
    let place = Place::new();
    place.change("bench.toml", "model = \"RP-1 reference\"", "model = \"RP-1 reference\"\nserial = \"SN-0002\"");
    place.approve_as(ANN, &[]).expect(2, &["its boards are SN-0001, and the bench file takes only SN-0002"]);
    let place = Place::new();
    place.change("bench.toml", "[[line]]\nname = \"leak\"\nsafe = \"closed\"\n", "");
    place.change("scenarios/still.yaml", "steps:\n", "steps:\n  - set: { leak: closed }\n");
    place.approve_as(ANN, &[]).expect(2, &["STILL-01 rate=20 µL/h would be skipped on bench `sim`: ", "leak"]);
    let place = Place::new();
    place.change("scenarios/still.yaml", "state: stopped", "state: stoped");
    place.approve_as(ANN, &[]).expect(2, &["did you mean `stopped`?", "still.yaml:7:"]);
}

#[test]
fn what_the_bench_can_not_decide_is_approved_only_in_so_many_words() {
    let place = Place::new();
    let bolus = "scenario: BOLUS-01\ntitle: t\ntime_limit: 20 min\nsteps:\n  - program: { bolus: 5 µL, over: 10 s }\n  - measure: dose\n    \
                 on: flow.tip\n    for: 1 min\n    during: [start]\n  - check: { volume_of: dose, is: 5 µL ± 0.1 % }\n";
    place.write("scenarios/bolus.yaml", bolus);
    place.approve_as(ANN, &[]).expect(2, &["BOLUS-01 steps.3", "undecidable", "`--allow-undecidable`"]);
    assert!(!place.file(APPROVED).exists());
    place.approve_as(ANN, &["--allow-undecidable"]).expect(0, &["undecidable"]);
    let plan = ApprovedPlan::parse(&place.read(APPROVED)).unwrap();
    assert!(plan.tests[0].undecidable[0].contains("BOLUS-01"), "it is in what was signed");
}

#[test]
fn an_image_is_told_by_its_hash() {
    let place = Place::new();
    place.write("fw.bin", "firmware");
    place.change("plan.toml", "firmware = ", "image = \"fw.bin\" # ");
    place.approve();
    let plan = ApprovedPlan::parse(&place.read(APPROVED)).unwrap();
    let hash = Sha256Hex::of("firmware").to_string();
    assert!(plan.tests[0].firmware.build_hashes.contains(&hash[..40].to_owned()), "{:?}", plan.tests[0].firmware);
    assert_eq!(plan.tests[0].firmware.image.as_ref().map(|i| i.sha256.to_string()), Some(hash));
}

#[test]
fn the_example_is_a_plan_that_can_be_approved() {
    let read = |name: &str| std::fs::read_to_string(project().join("rig/docs").join(name)).unwrap();
    assert!(read("plans.md").contains(&format!("```toml\n{}```", read("plan-example.toml"))), "the page shows another text");
    let place = Place::new();
    let plan = project().join("rig/docs/plan-example.toml");
    let (key, signers) = (place.file("key-1"), place.file("reports/allowed_signers"));
    let out = place.file("example.json");
    let outcome = crate::support::Outcome::of(
        crate::support::rig(["approve"])
            .arg(plan)
            .args(["--meaning", "It may be played", "--key"])
            .arg(key)
            .arg("--signers")
            .arg(signers)
            .arg("--out")
            .arg(out),
    );
    outcome.expect(0, &[]);
}
