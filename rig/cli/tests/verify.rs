//! `rig verify` as its users meet it: on runs and on whole folders of reports, with and without signatures, and after what people and disks do to them.
//! That every byte and every line counts is shown where the checks are, in `rig/cli/src/verify/tests`.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "the tests run the program and read its files")]

#[path = "verify/closings.rs"]
mod closings;
mod support;
#[path = "verify/told.rs"]
mod told;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use support::{Outcome, Run, SHORT, chained_anew, journal, project, reports, rig, write};
use tempfile::TempDir;

/// Some runs in one folder of reports, in the order in which they were played.
struct Lab {
    dir: TempDir,
    runs: Vec<PathBuf>,
}

impl Lab {
    fn of(runs: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let short = write(dir.path(), "short.yaml", SHORT);
        let mut lab = Self { dir, runs: Vec::new() };
        for seed in 1..=runs {
            let outcome = Outcome::of(&mut Run::command(lab.dir.path(), &[short.to_str().unwrap(), "--seed", &seed.to_string()]));
            outcome.expect(0, &[]);
            let folder = outcome.stdout.lines().find_map(|line| line.strip_prefix("record: ")).unwrap();
            lab.runs.push(folder.into());
        }
        lab
    }

    fn reports(&self) -> PathBuf {
        reports(self.dir.path())
    }

    fn change(&self, name: &str, change: impl Fn(String) -> String) {
        let path = self.runs[0].join(name);
        let before = fs::read_to_string(&path).unwrap();
        let after = change(before.clone());
        assert_ne!(before, after, "{name}");
        fs::write(path, after).unwrap();
    }
}

fn verify(path: &Path) -> Outcome {
    verify_with(path, &[])
}

fn verify_with(path: &Path, more: &[&str]) -> Outcome {
    Outcome::of(rig(["verify"]).args(more).arg(path).env_remove("RIG_SIGNERS"))
}

#[track_caller]
fn said(outcome: &Outcome, code: i32, words: &[&str]) {
    outcome.expect(code, &[]);
    for words in words {
        assert!(outcome.stdout.contains(words), "`{words}` is not in:\n{}", outcome.stdout);
    }
}

#[test]
fn a_run_as_it_was_recorded_is_intact() {
    let lab = Lab::of(1);
    let text = journal(&lab.runs[0]);
    let lines = format!("{} lines, the chain whole", text.lines().count());
    let head = text.lines().last().unwrap().rsplit_once("\"chain\":\"").unwrap().1.trim_end_matches("\"}");
    let manifest = sha256sum(&lab.runs[0].join("manifest.json"));
    let outcome = verify(&lab.runs[0]);
    said(
        &outcome,
        0,
        &["intact  ", &lines, "the verdicts of 2 checks too: PASS", "9 files made again", "nobody has signed", head, &manifest],
    );
    let outcome = verify_with(&lab.runs[0], &["--json"]);
    let found: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(
        (&found["intact"], &found["head"], &found["manifest_sha256"]),
        (&Value::from(true), &Value::from(head), &Value::from(manifest))
    );
}

fn sha256sum(path: &Path) -> String {
    let output = Command::new("sha256sum").arg(path).output().unwrap();
    String::from_utf8(output.stdout).unwrap().split(' ').next().unwrap().to_owned()
}

#[test]
fn the_first_fault_is_named_with_what_was_expected_and_found() {
    let lab = Lab::of(1);
    lab.change("results.csv", |text| text.replacen("PASS", "FAIL", 1));
    let outcome = verify(&lab.runs[0]);
    said(
        &outcome,
        4,
        &[
            "NOT INTACT  ",
            "results.csv line 2: it is not what follows from the journal",
            "expected:",
            ",PASS,",
            "found:",
            ",FAIL,",
            "rig report",
        ],
    );
    let found: Value = serde_json::from_str(&verify_with(&lab.runs[0], &["--json"]).stdout).unwrap();
    assert_eq!(
        (&found["intact"], &found["faults"][0]["file"], &found["faults"][0]["line"]),
        (&false.into(), &"results.csv".into(), &2.into())
    );
    // `rig report` makes it again, as the message says.
    Outcome::of(rig(["report"]).arg(&lab.runs[0])).expect(0, &[]);
    said(&verify(&lab.runs[0]), 0, &["intact  "]);

    lab.change("journal.jsonl", |text| text.replacen("\"tx\"", "\"tz\"", 1));
    said(&verify(&lab.runs[0]), 4, &["journal.jsonl line ", "the chain is broken: this line was changed", "the link "]);
}

#[test]
fn nothing_in_a_file_works_the_terminal() {
    let lab = Lab::of(1);
    lab.change("events.csv", |text| text.replacen("case_started", "\x1b[2Jcase_started", 1));
    let outcome = verify(&lab.runs[0]);
    said(&outcome, 4, &["events.csv line 2"]);
    assert!(!outcome.stdout.contains('\x1b'), "{outcome:?}");
}

#[test]
fn what_is_no_run_is_bad_usage() {
    let dir = tempfile::tempdir().unwrap();
    verify(dir.path()).expect(2, &["there is no journal.jsonl in", "name the folder of one run"]);
    verify(&dir.path().join("none")).expect(2, &["there is no journal.jsonl in"]);
    assert_eq!(Outcome::of(&mut rig(["verify"])).code, Some(2));
}

/// A cut-off run is intact as far as it goes, and is so again once `rig recover` has closed it.
#[test]
fn a_run_that_was_cut_off() {
    let lab = Lab::of(1);
    let run = &lab.runs[0];
    let text = journal(run);
    let cut: String = text.split_inclusive('\n').take(40).collect::<String>() + "{\"v\":2,\"seq\"";
    for entry in fs::read_dir(run).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    write(run, "journal.jsonl.partial", cut);
    // The ledger's line of the run's end was never written.
    let ledger = fs::read_to_string(lab.reports().join("ledger.jsonl")).unwrap();
    write(&lab.reports(), "ledger.jsonl", ledger.split_inclusive('\n').next().unwrap());
    said(&verify(run), 4, &["intact as far as it goes", "ends after 40 lines and 12 bytes of the next", "rig recover"]);
    said(&verify(&lab.reports()), 4, &["intact as far as it goes", "1 not closed"]);
    Outcome::of(rig(["recover"]).arg(lab.reports())).expect(0, &[]);
    said(&verify(run), 0, &["intact: cut off, recovered", "ends after 40 lines"]);
    said(&verify(&lab.reports()), 0, &["intact: cut off, recovered", "1 intact"]);
}

#[test]
fn a_folder_of_reports() {
    let lab = Lab::of(3);
    said(&verify(&lab.reports()), 0, &["ledger: 6 lines, the chain whole; runs: 3 intact, 0 not closed; faults: 0"]);

    // A run that is gone, and one that nobody started here.
    let name = lab.runs[1].file_name().unwrap().to_str().unwrap();
    fs::rename(&lab.runs[1], lab.reports().join("elsewhere")).unwrap();
    let missing = "ledger.jsonl line 3: run 2 (";
    said(
        &verify(&lab.reports()),
        4,
        &[missing, &format!("is missing: there is no record in `{name}`"), "note: elsewhere/ holds the record of a run", "faults: 1"],
    );
    let stranger = "20200102T030405Z_sim_00c0ffee";
    fs::rename(lab.reports().join("elsewhere"), lab.reports().join(stranger)).unwrap();
    let put_there = format!("{stranger}/: it holds the record of a run, and no line of the ledger knows it");
    said(&verify(&lab.reports()), 4, &[missing, &put_there, "runs: 2 intact", "faults: 2"]);
    fs::rename(lab.reports().join(stranger), &lab.runs[1]).unwrap();

    // One in the place of another.
    let aside = lab.reports().join("aside");
    for [from, to] in [[&lab.runs[0], &aside], [&lab.runs[1], &lab.runs[0]], [&aside, &lab.runs[1]]] {
        fs::rename(from, to).unwrap();
    }
    said(&verify(&lab.reports()), 4, &["another run lies in the folder that the ledger has for it"]);
    for [from, to] in [[&lab.runs[1], &aside], [&lab.runs[0], &lab.runs[1]], [&aside, &lab.runs[0]]] {
        fs::rename(from, to).unwrap();
    }
    said(&verify(&lab.reports()), 0, &[]);
}

/// Another operator in the header, and the chain made anew.
fn another_operator(lab: &Lab) {
    lab.change("journal.jsonl", |text| {
        chained_anew(&text.replacen("\"allow_skipped\":", "\"operator\":\"R. Miller\",\"allow_skipped\":", 1))
    });
}

#[test]
fn a_ledger_that_was_changed() {
    let lab = Lab::of(3);
    let path = lab.reports().join("ledger.jsonl");
    let whole = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    for (changed, place) in [
        (whole.replacen("PASS", "FAIL", 1), "ledger.jsonl line 3: its `previous` is"),
        ([&lines[..2], &lines[3..]].concat().concat(), "ledger.jsonl line 3: its `previous` is"),
        ([&lines[1..]].concat().concat(), "ledger.jsonl line 1: its `previous` is"),
        (whole.replacen("\"v\":2", "\"v\":3", 1), "ledger.jsonl line 1: it has version 3"),
    ] {
        fs::write(&path, changed).unwrap();
        said(&verify(&lab.reports()), 4, &[place]);
    }
    // Removed with their runs, the last lines leave nothing that shows: that takes a copy of the ledger's last line, kept elsewhere.
    fs::write(&path, lines[..5].concat()).unwrap();
    said(&verify(&lab.reports()), 4, &["was started and never closed"]);
}

fn keygen(dir: &Path, name: &str) -> String {
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"]).arg(dir.join(name)).stdin(Stdio::null());
    assert!(command.status().expect("ssh-keygen; on Debian: apt-get install openssh-client").success());
    fs::read_to_string(dir.join(format!("{name}.pub"))).unwrap()
}

fn sign(lab: &Lab, key: &str, role: &str) {
    let mut command = rig(["sign", "--role", role, "--meaning", "as the protocol says", "--signers"]);
    command.arg(lab.dir.path().join("allowed")).arg("--key").arg(lab.dir.path().join(key)).arg(&lab.runs[0]).env_remove("SSH_AUTH_SOCK");
    Outcome::of(&mut command).expect(0, &[]);
}

/// Anna ran the first run and Bert reviewed it.
fn signed() -> Lab {
    let lab = Lab::of(1);
    let dir = lab.dir.path();
    let allowed =
        format!("anna namespaces=\"rig-operator\" {}bert namespaces=\"rig-reviewer\" {}", keygen(dir, "anna"), keygen(dir, "bert"));
    write(dir, "allowed", allowed);
    sign(&lab, "anna", "operator");
    sign(&lab, "bert", "reviewer");
    lab
}

#[test]
fn signatures_are_told_with_who_made_them() {
    let lab = signed();
    let allowed = lab.dir.path().join("allowed");
    let allowed = ["--signers", allowed.to_str().unwrap()];
    said(
        &verify_with(&lab.runs[0], &allowed),
        0,
        &[
            "  signatures  2 signatures good:\n                operator anna (anna)\n                reviewer bert (bert)\n",
            "as it was closed, 2 signatures",
        ],
    );
    let told = verify_with(&lab.runs[0], &allowed).stdout;
    assert!(told.lines().all(|line| line.chars().count() <= 120), "{told}");
    said(&verify_with(&lab.reports(), &allowed), 0, &["1 intact"]);
    for path in [&lab.runs[0], &lab.reports()] {
        let outcome = verify(path);
        outcome.expect(2, &["2 signatures not checked", "--signers"]);
        assert!(outcome.stdout.starts_with("signatures not checked  "), "{outcome:?}");
        assert!(!outcome.stdout.contains("intact  ") && !outcome.stdout.contains("1 intact"), "{outcome:?}");
    }
    Outcome::of(rig(["verify"]).arg(&lab.runs[0]).env("RIG_SIGNERS", allowed[1])).expect(0, &[]);
    verify_with(&lab.runs[0], &["--signers", "nowhere"]).expect(2, &["nowhere"]);
    // Beside the ledger it is found without being named.
    fs::copy(allowed[1], lab.reports().join("allowed_signers")).unwrap();
    said(&verify(&lab.runs[0]), 0, &["2 signatures good"]);
}

#[test]
fn each_way_to_tamper_with_what_was_signed() {
    let lab = signed();
    let allowed = lab.dir.path().join("allowed");
    let allowed = ["--signers", allowed.to_str().unwrap()];
    let signed = lab.runs[0].join("signed");
    let found = |file: &str, words: &str| said(&verify_with(&lab.runs[0], &allowed), 4, &[file, words]);
    let files = ["0001-operator.json", "0001-operator.json.sig", "0002-reviewer.json", "0002-reviewer.json.sig"];
    let kept: Vec<Vec<u8>> = files.iter().map(|name| fs::read(signed.join(name)).unwrap()).collect();
    for (name, bytes) in files.iter().zip(&kept) {
        for at in (0..bytes.len()).step_by(1 + bytes.len() / 25) {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            fs::write(signed.join(name), changed).unwrap();
            found("signed/000", "");
        }
        fs::remove_file(signed.join(name)).unwrap();
        found(name, "");
        fs::write(signed.join(name), bytes).unwrap();
    }
    // The last signature with its statement leaves no gap: the ledger knows it.
    fs::remove_file(signed.join(files[2])).and_then(|()| fs::remove_file(signed.join(files[3]))).unwrap();
    found("signed/0002-reviewer.json: it is missing: the ledger has it on line 4", "");
    fs::write(signed.join(files[2]), &kept[2]).and_then(|()| fs::write(signed.join(files[3]), &kept[3])).unwrap();
    said(&verify_with(&lab.runs[0], &allowed), 0, &[]);
    // Somebody who is not among the signers any more, and one who may sign as something else.
    let text = fs::read_to_string(allowed[1]).unwrap();
    fs::write(allowed[1], text.lines().next().unwrap()).unwrap();
    found("signed/0002-reviewer.json.sig", "is not among the allowed signers");
    fs::write(allowed[1], text.replace("rig-reviewer", "rig-approver")).unwrap();
    found("signed/0002-reviewer.json.sig", "may not sign as reviewer");
}

/// The two ways to compute the chain that the page on the record gives, on a real journal.
#[test]
fn the_chain_is_computed_with_public_tools_as_the_page_says() {
    let lab = Lab::of(1);
    let page = fs::read_to_string(project().join("rig/docs/record.md")).unwrap();
    let block = |language: &str| page.split(&format!("```{language}\n")).nth(1).unwrap().split("```").next().unwrap().to_owned();
    let text = journal(&lab.runs[0]);
    let head = text.lines().last().unwrap().rsplit_once("\"chain\":\"").unwrap().1.trim_end_matches("\"}").to_owned();
    let shell = write(lab.dir.path(), "chain.sh", block("bash"));
    let python = write(lab.dir.path(), "chain.py", block("python"));
    let run = |command: &mut Command| {
        let output = command.current_dir(&lab.runs[0]).output().unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(run(Command::new("bash").arg(&shell)), (true, format!("{head}\n")));
    let lines = text.lines().count();
    assert_eq!(run(Command::new("python3").arg(&python).arg("journal.jsonl")), (true, format!("{lines} lines, head {head}\n")));
    let broken = text.replacen("\"t\":0", "\"t\":1", 1);
    write(&lab.runs[0], "journal.jsonl", &broken);
    let (_, shown) = run(Command::new("bash").arg(&shell));
    assert!(shown.starts_with(&format!("broken: {}", broken.lines().next().unwrap())), "{shown}");
    let (whole, shown) = run(Command::new("python3").arg(&python).arg("journal.jsonl"));
    assert!(!whole && shown.starts_with("line 1: expected the link "), "{shown}");
}

/// What the page on verification tells auditors to do with public tools, on a run that was signed.
#[test]
fn an_auditor_does_the_same_with_public_tools() {
    let lab = signed();
    let run = &lab.runs[0];
    let page = fs::read_to_string(project().join("rig/docs/verify.md")).unwrap();
    let blocks: Vec<&str> = page.split("```bash\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    let [manifest, signature, ledger] = blocks[..] else { panic!("{blocks:#?}") };
    fs::copy(lab.dir.path().join("allowed"), run.join("allowed_signers")).unwrap();
    let shell = |text: &str| {
        let script: String = text.lines().map(|line| line.trim_start_matches("   ").to_owned() + "\n").collect();
        let output = Command::new("bash").args(["-c", &script]).current_dir(run).stdin(Stdio::null()).output().unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    };
    let (whole, said) = shell(manifest);
    assert!(whole && said.contains("journal.jsonl: OK") && said.lines().count() == 10, "{said}");
    let (_, said) = shell(signature);
    assert!(said.starts_with("Good \"rig-operator\" signature for anna"), "{said}");
    let digest = said.lines().nth(1).unwrap().split(' ').next().unwrap();
    assert!(fs::read_to_string(run.join("signed/0001-operator.json")).unwrap().contains(digest));
    assert_eq!(shell(ledger), (true, String::new()));

    lab.change("results.csv", |text| text.replacen("PASS", "FAIL", 1));
    assert!(shell(manifest).1.contains("results.csv: FAILED"));
    let path = lab.reports().join("ledger.jsonl");
    fs::write(&path, fs::read_to_string(&path).unwrap().replacen("PASS", "FAIL", 1)).unwrap();
    assert!(shell(ledger).1.starts_with("broken: "));
}
