//! What is told beside and instead of "intact": dates that can't be, links, deviations, a record for which there was no room, a ledger that is gone.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use rig_evidence::{Covered, Ledger, Manifest, Role, Sha256Hex, Signed, Statement};

use super::closings::{enter, recovered};
use super::support::{Outcome, folder, names, project, reports, rig, write};
use super::{Lab, keygen, said, sign, signed, verify, verify_with};

/// Anna's signature as the operator, dated as she likes, without the ledger knowing of it.
fn dated(lab: &Lab, utc: &str) {
    let run = &lab.runs[0];
    let manifest = fs::read_to_string(run.join(Manifest::NAME)).unwrap();
    let statement = Statement {
        v: Statement::VERSION,
        number: 1,
        run_id: Manifest::parse(&manifest).unwrap().run_id,
        role: Role::Operator,
        signer: "anna".to_owned(),
        name: "Anna".to_owned(),
        utc: utc.to_owned(),
        meaning: "as I saw it".to_owned(),
        what: Signed::Record,
        covers: vec![Covered { file: Manifest::NAME.to_owned(), sha256: Sha256Hex::of(&manifest) }],
    };
    let file = write(run, &statement.file(), statement.render().unwrap());
    let _ = fs::remove_file(run.join(statement.signature_file()));
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-Y", "sign", "-n", "rig-operator", "-f"]).arg(lab.dir.path().join("anna")).arg(&file).stdin(Stdio::null());
    assert!(command.output().unwrap().status.success());
}

/// A run with Anna's key, whose key is good until some time, or always.
fn anna(valid_before: Option<&str>) -> Lab {
    let lab = Lab::of(1);
    let until = valid_before.map_or_else(String::new, |time| format!(",valid-before=\"{time}\""));
    let key = keygen(lab.dir.path(), "anna");
    write(&lab.reports(), "allowed_signers", format!("anna namespaces=\"rig-operator\"{until} {key}"));
    lab
}

#[test]
fn a_signature_from_before_the_run_proves_nothing() {
    for (lab, utc) in [(anna(None), "2026-01-01T00:00:00Z"), (anna(Some("20200101Z")), "2019-06-01T00:00:00Z")] {
        dated(&lab, utc);
        let words = format!("signed/0001-operator.json: it is dated {utc}, before the run began");
        said(&verify(&lab.runs[0]), 4, &["NOT INTACT", &words, "or later"]);
        said(&verify(&lab.reports()), 4, &[&words]);
    }
}

#[test]
fn a_signature_at_an_odd_time_is_told() {
    let lab = anna(None);
    let ledger = Ledger::read(&fs::read(lab.reports().join("ledger.jsonl")).unwrap());
    let rig_evidence::Entry::Ended(closing) = &ledger.lines[1].line.entry else { panic!("{ledger:?}") };
    dated(&lab, &closing.utc);
    let outcome = verify(&lab.runs[0]);
    said(&outcome, 0, &["1 signature good:", "signed/0001-operator.json is not in the ledger"]);
    assert!(!outcome.stdout.contains("is dated"), "{outcome:?}");
    said(&verify(&lab.reports()), 0, &["signed/0001-operator.json is not in the ledger"]);
    enter(&lab, recovered(&lab.runs[0]));
    let words = format!("signed/0001-operator.json is dated {}, before the run was closed, on 2031-02-03T04:05:06Z (line 3", closing.utc);
    said(&verify(&lab.runs[0]), 0, &[&words]);
    dated(&lab, "2999-01-01T00:00:00Z");
    said(&verify(&lab.reports()), 0, &["signed/0001-operator.json is dated 2999-01-01T00:00:00Z, which is yet to come"]);
}

#[test]
fn a_link_is_no_file_of_the_run() {
    for name in ["results.csv", "journal.jsonl", "manifest.json"] {
        let lab = Lab::of(1);
        let (from, to) = (lab.runs[0].join(name), lab.dir.path().join("elsewhere"));
        fs::rename(&from, &to).unwrap();
        symlink(&to, &from).unwrap();
        let words = format!("{name}: it is a link to another place, and no file of the run's folder");
        said(&verify(&lab.runs[0]), 4, &["NOT INTACT", &words]);
        said(&verify(&lab.reports()), 4, &[&words]);
    }
}

#[test]
fn a_folder_of_statements_without_any_is_told() {
    let lab = Lab::of(1);
    fs::create_dir(lab.runs[0].join("signed")).unwrap();
    for path in [&lab.runs[0], &lab.reports()] {
        said(&verify(path), 0, &["`signed/` is there and empty: if something was signed, it was removed"]);
    }
}

#[test]
fn deviations_that_are_open_are_told() {
    let lab = signed();
    let allowed = lab.dir.path().join("allowed");
    let mut command = rig(["deviation", "--row", "2", "--id", "PR-7", "--disposition", "open", "--note", "a bubble", "--role", "operator"]);
    command.arg("--key").arg(lab.dir.path().join("anna")).arg("--signers").arg(&allowed).arg(&lab.runs[0]);
    Outcome::of(&mut command).expect(0, &[]);
    for path in [&lab.runs[0], &lab.reports()] {
        said(&verify_with(path, &["--signers", allowed.to_str().unwrap()]), 0, &["deviation PR-7 of row 2 is open: a bubble"]);
        assert!(verify(path).stdout.contains("deviation PR-7 of row 2 is open: a bubble"), "whoever may sign");
    }
    sign(&lab, "bert", "reviewer");
}

/// A run with room for files of so many kB.
fn without_room(dir: &Path, room: u32) {
    let script = format!("ulimit -f {room}; exec \"$0\" run scenarios/smoke --out \"$1\"");
    let mut command = Command::new("bash");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_rig")]).arg(reports(dir)).current_dir(project()).env("TMPDIR", dir);
    Outcome::of(command.stdin(Stdio::null())).expect(4, &["the journal is not whole"]);
}

/// The whole way of a run whose disk is full: it is told as what it is, closed, and intact then.
#[test]
fn a_run_for_which_there_was_no_room() {
    // Not even the header has room in 8 kB; in 40 kB the run is cut off in its midst.
    for (room, recovered) in [(8, "cut off before its first line"), (40, "the run was cut off, and recovered: its journal ends after")] {
        let dir = tempfile::tempdir().unwrap();
        without_room(dir.path(), room);
        let run = folder(&reports(dir.path())).unwrap();
        let words = [
            "intact as far as it goes",
            "the run was not closed: it ended, and there was no room for its record",
            "`rig recover` closes it",
        ];
        said(&verify(&run), 4, &words);
        said(&verify(&reports(dir.path())), 4, &words);
        Outcome::of(rig(["recover"]).arg(reports(dir.path()))).expect(0, &[]);
        assert!(!names(&run).iter().any(|name| name.ends_with(".partial")), "{:?}", names(&run));
        said(&verify(&run), 0, &["intact: cut off, recovered", recovered]);
        said(&verify(&reports(dir.path())), 0, &["1 intact"]);
    }
}

#[test]
fn a_ledger_that_is_gone() {
    let lab = Lab::of(2);
    fs::remove_file(lab.reports().join("ledger.jsonl")).unwrap();
    verify(&lab.reports()).expect(4, &["ledger.jsonl is missing in `", "although 2 runs lie there", "take it from a copy"]);
}
