//! Signing a run and noting deviations to it: with OpenSSH as the counterpart, and with everything that must be refused.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "the tests run the program and read its files")]

mod signing;
mod support;

use std::fs;

use signing::{Lab, good, ssh};
use support::{Outcome, names, rig, table, write};

#[test]
fn what_the_rig_signs_ssh_keygen_alone_verifies() {
    let lab = Lab::new();
    lab.key("anna", "ed25519");
    lab.key("bert", "ecdsa");
    lab.p384("carl");
    lab.allow(
        "anna namespaces=\"rig-operator\" anna\nbert namespaces=\"rig-reviewer\" bert\ncarl,c@lab namespaces=\"rig-approver\" carl\n",
    );
    let outcome = lab.sign("anna", "operator", &["--meaning", "I ran it as the protocol says", "--name", "Anna Muster"]);
    outcome.expect(0, &[]);
    for shown in
        ["operator: Anna Muster (anna)", "I ran it as the protocol says", "covers   manifest.json", "signed/0001-operator.json", "PASS"]
    {
        assert!(outcome.stdout.contains(shown), "`{shown}` is not in:\n{}", outcome.stdout);
    }
    lab.sign("bert", "reviewer", &["--meaning", "I went through it"]).expect(0, &[]);
    let json = lab.sign("carl", "approver", &["--meaning", "released", "--principal", "c@lab", "--json"]);
    json.expect(0, &[]);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((&json["statement"]["signer"], &json["statement"]["number"]), (&"c@lab".into(), &3.into()), "{json}");
    assert_eq!(
        names(&lab.run().join("signed")),
        [
            "0001-operator.json",
            "0001-operator.json.sig",
            "0002-reviewer.json",
            "0002-reviewer.json.sig",
            "0003-approver.json",
            "0003-approver.json.sig"
        ]
    );
    let statements = [
        ("0001-operator.json", "anna", "operator"),
        ("0002-reviewer.json", "bert", "reviewer"),
        ("0003-approver.json", "c@lab", "approver"),
    ];
    for (name, who, role) in statements {
        assert!(lab.verified_by_openssh(name, who, role), "{name}");
        assert!(!lab.verified_by_openssh(name, "somebody", role), "{name}");
        assert!(!lab.verified_by_openssh(name, who, "bench"), "{name}");
    }
    assert!(good(&lab), "and the rig itself does");
    // One byte of what was signed.
    let text = lab.read("signed/0002-reviewer.json").replace("through it", "through At");
    write(&lab.run(), "signed/0002-reviewer.json", text);
    assert!(!lab.verified_by_openssh("0002-reviewer.json", "bert", "reviewer"));
    assert!(!good(&lab));
}

#[test]
fn each_signature_is_in_the_ledger_of_runs() {
    let lab = Lab::of_people();
    lab.sign("anna", "operator", &["--meaning", "ran"]).expect(0, &[]);
    let ledger = fs::read_to_string(lab.run().parent().unwrap().join("ledger.jsonl")).unwrap();
    let last: serde_json::Value = serde_json::from_str(ledger.lines().last().unwrap()).unwrap();
    let hash = |name: &str| rig_evidence::Sha256Hex::of(fs::read(lab.run().join(name)).unwrap()).to_string();
    assert_eq!((&last["kind"], &last["statement"]), (&"signed".into(), &"signed/0001-operator.json".into()), "{last}");
    assert_eq!(last["sha256"], hash("signed/0001-operator.json"));
    assert_eq!(last["signature_sha256"], hash("signed/0001-operator.json.sig"));
    let before = ledger.lines().rev().nth(1).unwrap();
    assert_eq!(last["previous"], rig_evidence::Sha256Hex::of(before).to_string());
    // Where there is none the run is signed all the same, and that is told.
    fs::remove_file(lab.run().parent().unwrap().join("ledger.jsonl")).unwrap();
    lab.sign("bert", "reviewer", &["--meaning", "seen"]).expect(0, &["no ledger of runs in"]);
}

#[test]
fn what_ssh_keygen_signs_the_rig_accepts() {
    let lab = Lab::of_people();
    lab.sign("anna", "operator", &["--meaning", "ran"]).expect(0, &[]);
    // The signature made anew by OpenSSH, over the same statement; with p256 it is another one.
    let signed = lab.run().join("signed");
    for hash in ["sha512", "sha256"] {
        fs::remove_file(signed.join("0001-operator.json.sig")).unwrap();
        ssh("ssh-keygen", &["-q", "-Y", "sign", "-O", &format!("hashalg={hash}"), "-n", "rig-operator", "-f"])
            .arg(lab.path("anna"))
            .arg(signed.join("0001-operator.json"))
            .output()
            .unwrap();
        assert!(good(&lab), "{hash}");
    }
    lab.sign("bert", "reviewer", &["--meaning", "seen"]).expect(0, &[]);
}

#[test]
fn who_may_not_sign_is_told_who_may() {
    let lab = Lab::of_people();
    for name in ["eve", "olga", "bench", "late", "early", "plain"] {
        lab.key(name, "ed25519");
    }
    lab.allow(
        "anna namespaces=\"rig-operator\" anna\nbench namespaces=\"rig-bench\" bench\nbenno namespaces=\"rig-operator\" bench\n\
         late namespaces=\"rig-operator\",valid-before=\"20200101Z\" late\nearly namespaces=\"rig-operator\",valid-after=\"29990101Z\" early\nplain plain\n*@lab namespaces=\"rig-operator\" olga\n",
    );
    let refused = |key: &str, role: &str, words: &[&str]| {
        let outcome = lab.sign(key, role, &["--meaning", "x"]);
        outcome.expect(2, words);
        assert!(outcome.stderr.contains("nothing was signed"), "{}", outcome.stderr);
    };
    refused("eve", "operator", &["is not among the allowed signers", "these may sign as operator", "anna with SHA256:"]);
    refused("anna", "reviewer", &["may not sign as reviewer", "nobody may sign as reviewer"]);
    refused("bench", "operator", &["is a bench's and never a person's: line 2"]);
    refused("late", "operator", &["might sign until 2020-01-01T00:00:00Z", "line 4"]);
    refused("early", "operator", &["may sign only from 2999-01-01T00:00:00Z"]);
    refused("plain", "operator", &["may not sign as operator", "line 6"]);
    refused("olga", "operator", &["--principal"]);
    lab.sign("anna", "operator", &["--meaning", "x", "--principal", "bert"]).expect(2, &["is not `bert`'s", "`anna`"]);
    assert!(!lab.run().join("signed").exists());
    lab.sign("olga", "operator", &["--meaning", "x", "--principal", "olga@lab"]).expect(0, &[]);
    let bench = Outcome::of(rig(["sign", "--role", "bench", "--meaning", "x", "--key", "k"]).arg(lab.run()));
    bench.expect(2, &["operator, reviewer, approver"]);
}

#[test]
fn a_file_of_signers_that_is_missing_or_wrong_is_told_by_line() {
    let lab = Lab::of_people();
    write(lab.dir(), "allowed", "anna namespaces=\"rig-operator\" ssh-rsa AAAA\n\nbert \x1b[2J\n");
    lab.sign("anna", "operator", &["--meaning", "x"]).expect(2, &["allowed:1: keys of type `ssh-rsa`", "allowed:3: a control character"]);
    write(lab.dir(), "allowed", b"\xff\xfe");
    lab.sign("anna", "operator", &["--meaning", "x"]).expect(2, &["save the file as UTF-8"]);
    fs::remove_file(lab.path("allowed")).unwrap();
    lab.sign("anna", "operator", &["--meaning", "x"]).expect(2, &["there is no file of allowed signers", "RIG_SIGNERS"]);
    // Without any word about it, it is beside the ledger.
    lab.allow_at("reports/allowed_signers", "anna namespaces=\"rig-operator\" anna\n");
    let mut command = rig(["sign", "--role", "operator", "--meaning", "x", "--key"]);
    Outcome::of(command.arg(lab.path("anna")).arg(lab.run())).expect(0, &[]);
    // And the environment may name it.
    let mut command = rig(["sign", "--role", "operator", "--meaning", "x", "--key"]);
    command.arg(lab.path("anna")).arg(lab.run()).env("RIG_SIGNERS", lab.path("elsewhere"));
    Outcome::of(&mut command).expect(2, &["has signed that already"]);
    let mut command = rig(["sign", "--role", "reviewer", "--meaning", "x", "--key"]);
    command.arg(lab.path("bert")).arg(lab.run()).env("RIG_SIGNERS", lab.path("elsewhere"));
    Outcome::of(&mut command).expect(2, &["there is no file of allowed signers", "elsewhere"]);
}

#[test]
fn nobody_reviews_what_they_ran() {
    let check = |header: Option<&str>, first: (&str, &str), second: (&str, &str, &[&str]), words: &[&str]| {
        let lab = Lab::with_operator(header);
        lab.people();
        // Anna has two names and two keys, and Dora uses Anna's.
        lab.key("anna2", "ed25519");
        lab.allow("anna,dora namespaces=\"rig-*,!rig-bench\" anna\nanna namespaces=\"rig-reviewer,rig-operator\" anna2\nbert namespaces=\"rig-reviewer\" bert\n");
        lab.sign(first.0, first.1, &["--meaning", "x"]).expect(0, &[]);
        let (key, role, more) = second;
        lab.sign(key, role, &[&["--meaning", "x"], more].concat()).expect(2, words);
        assert_eq!(names(&lab.run().join("signed")).len(), 2);
    };
    check(None, ("anna", "operator"), ("anna", "reviewer", &[]), &["`anna` is operator and reviewer"]);
    check(None, ("anna", "operator"), ("anna2", "reviewer", &[]), &["`anna` is operator and reviewer"]);
    check(None, ("anna", "operator"), ("anna", "reviewer", &["--principal", "dora"]), &["with the same key"]);
    check(None, ("anna", "reviewer"), ("anna2", "operator", &[]), &["`anna` is operator and reviewer"]);
    check(Some("Bert"), ("anna", "operator"), ("bert", "reviewer", &[]), &["is the operator `Bert` whom the record names"]);
}

#[test]
fn a_signature_that_covers_nothing_new_is_not_made() {
    let lab = Lab::of_people();
    lab.sign("anna", "operator", &["--meaning", "ran"]).expect(0, &[]);
    lab.sign("anna", "operator", &["--meaning", "really"]).expect(2, &["has signed that already", "0001-operator.json"]);
    lab.sign("bert", "reviewer", &["--meaning", "seen"]).expect(0, &[]);
    lab.sign("anna", "operator", &["--meaning", "ran, and reviewed by then"]).expect(0, &[]);
    assert!(good(&lab));
}

#[test]
fn meaning_and_name_say_something_in_one_line() {
    let lab = Lab::of_people();
    let long = "x".repeat(2001);
    for text in ["", "  ", "two\nlines", "\x1b[2J", &long] {
        lab.sign("anna", "operator", &["--meaning", text]).expect(2, &["it must say something"]);
        lab.sign("anna", "operator", &["--meaning", "x", "--name", text]).expect(2, &["it must say something"]);
    }
}

#[test]
fn a_run_that_is_not_intact_is_not_signed() {
    let check = |code: i32, harm: &dyn Fn(&Lab), words: &[&str]| {
        let lab = Lab::of_people();
        lab.sign("anna", "operator", &["--meaning", "ran"]).expect(0, &[]);
        lab.sign("carl", "approver", &["--meaning", "ok"]).expect(0, &[]);
        harm(&lab);
        let before = signing::everything(&lab.run());
        lab.sign("bert", "reviewer", &["--meaning", "seen"]).expect(code, &[&["nothing was signed"], words].concat());
        assert_eq!(signing::everything(&lab.run()), before, "and nothing was touched");
    };
    let replace = |name: &'static str, from: &'static str, to: &'static str| {
        move |lab: &Lab| {
            let text = lab.read(name);
            assert!(text.contains(from), "{name}: {from}");
            write(&lab.run(), name, text.replacen(from, to, 1));
        }
    };
    let rename = |from: &'static str, to: &'static str| move |lab: &Lab| fs::rename(lab.run().join(from), lab.run().join(to)).unwrap();
    let remove = |name: &'static str| move |lab: &Lab| fs::remove_file(lab.run().join(name)).unwrap();
    check(2, &rename("journal.jsonl", "journal.jsonl.partial"), &["was cut off", "rig recover"]);
    check(2, &remove("manifest.json"), &["was cut off"]);
    check(4, &replace("results.csv", "PASS", "FAIL"), &["`results.csv` was changed"]);
    check(4, &remove("junit.xml"), &["failed to open `junit.xml`"]);
    check(4, &replace("manifest.json", "\"budgets.csv\"", "\"../budgets.csv\""), &["is no file of this folder"]);
    check(4, &replace("journal.jsonl", "stopped", "stOpped"), &["line"]);
    check(4, &replace("manifest.json", "\"v\": 1", "\"v\":  1"), &["in another spelling"]);
    check(4, &replace("manifest.json", "\"run_id\": \"", "\"run_id\": \"0"), &["is about run", "and the journal is run"]);
    check(
        4,
        &replace("signed/0001-operator.json", "ran", "ram"),
        &["0002-approver.json", "covers `signed/0001-operator.json` with SHA-256"],
    );
    check(4, &remove("signed/0001-operator.json.sig"), &["has no signature"]);
    check(4, &remove("signed/0001-operator.json"), &["statement 1 is missing"]);
    check(4, &rename("signed/0001-operator.json", "signed/0003-operator.json"), &["is missing before it"]);
    check(4, &|lab| drop(write(&lab.run(), "signed/notes.txt", "x")), &["signed/notes.txt: it does not belong there"]);
    check(4, &|lab| drop(write(&lab.run(), "signed/\x1b[2J", "x")), &["it does not belong there"]);
    check(4, &|lab| fs::create_dir(lab.run().join("signed/0003-operator.json")).unwrap(), &["0003-operator.json"]);
    check(4, &|lab| drop(write(&lab.run(), "signed/x.partial", "x")), &["cut off"]);
}

/// Whatever instant a signing was killed at, the next one mends it or goes on from before it.
#[test]
fn a_signing_that_was_cut_off_is_mended() {
    let lab = Lab::of_people();
    lab.sign("anna", "operator", &["--meaning", "ran"]).expect(0, &[]);
    let signed = lab.run().join("signed");
    let [text, signature] = ["0001-operator.json", "0001-operator.json.sig"].map(|name| fs::read(signed.join(name)).unwrap());
    let state = |files: &[(&str, &[u8])]| {
        fs::remove_dir_all(&signed).unwrap();
        fs::create_dir(&signed).unwrap();
        files.iter().for_each(|(name, bytes)| drop(write(&signed, name, bytes)));
    };
    let half = text.len() / 2;
    for before in [
        &[][..],
        &[("0001-operator.json.sig.partial", &signature[..20])],
        &[("0001-operator.json.sig.partial", &signature), ("0001-operator.json.partial", &text[..half])],
        &[("0001-operator.json.sig.partial", &signature), ("0001-operator.json.partial", &text)],
    ] {
        state(before);
        let outcome = lab.sign("bert", "reviewer", &["--meaning", "seen"]);
        outcome.expect(0, if before.is_empty() { &[] } else { &["is removed"] });
        assert_eq!(names(&signed), ["0001-reviewer.json", "0001-reviewer.json.sig"]);
        assert!(good(&lab));
    }
    state(&[("0001-operator.json.sig", &signature), ("0001-operator.json.partial", &text)]);
    lab.sign("bert", "reviewer", &["--meaning", "seen"]).expect(0, &["a signing that was cut off is completed"]);
    assert_eq!(names(&signed).len(), 4);
    assert!(good(&lab));
    let ledger = fs::read_to_string(lab.run().parent().unwrap().join("ledger.jsonl")).unwrap();
    assert_eq!(ledger.matches("signed/0001-operator.json").count(), 2, "at the time, and when it was mended");
    // A statement that is not what was signed is not given its name.
    let other = String::from_utf8(text).unwrap().replace("ran", "ram").into_bytes();
    state(&[("0001-operator.json.sig", &signature), ("0001-operator.json.partial", &other)]);
    lab.sign("bert", "reviewer", &["--meaning", "seen"]).expect(4, &["its signature is not good"]);
}

#[test]
fn deviations_are_noted_and_never_change_a_row() {
    let lab = Lab::of_people();
    let rows = fs::read(lab.run().join("results.csv")).unwrap();
    let note = |key: &str, role: &str, disposition: &str, more: &[&str]| {
        let words = ["--id", "PR-123", "--note", "a bubble in the line", "--disposition", disposition];
        lab.by("deviation", key, role, &[&words, more].concat())
    };
    note("anna", "operator", "open", &["--row", "2"]).expect(0, &[]);
    note("anna", "operator", "open", &["--row", "99"]).expect(2, &["has no row 99", "it has 2 rows"]);
    note("anna", "operator", "open", &["--row", "0"]).expect(2, &["has no row 0"]);
    note("anna", "operator", "forgotten", &["--row", "2"]).expect(2, &["accept-as-is", "bench-fault"]);
    note("anna", "reviewer", "open", &["--row", "2"]).expect(2, &["may not sign as reviewer"]);
    let report = Outcome::of(rig(["report"]).arg(lab.run()).arg("--out").arg(lab.path("views")));
    report.expect(0, &[]);
    let open = "deviations that are open: 1\n  row 2: PR-123: open: a bubble in the line (anna, operator, ";
    assert!(report.stdout.contains(open), "{}", report.stdout);
    let explained = |row: &str| Outcome::of(rig(["explain"]).arg(lab.run()).arg(row)).stdout;
    assert!(explained("2").contains("Deviations\n  row 2: PR-123: open"), "{}", explained("2"));
    assert!(!explained("1").contains("PR-123"));
    note("bert", "reviewer", "bench-fault", &["--row", "2"]).expect(0, &[]);
    note("bert", "reviewer", "retest", &["--row", "1"]).expect(0, &[]);
    let report = Outcome::of(rig(["report"]).arg(lab.run()).arg("--out").arg(lab.path("views")));
    assert!(!report.stdout.contains("deviations"), "{}", report.stdout);
    let both = explained("2");
    assert!(both.contains("PR-123: open") && both.contains("PR-123: bench fault"), "{both}");
    let json = Outcome::of(rig(["explain", "--json"]).arg(lab.run()).arg("2")).stdout;
    assert!(json.lines().nth(1).unwrap().contains("\"disposition\":\"open\""), "{json}");
    assert_eq!(fs::read(lab.run().join("results.csv")).unwrap(), rows);
    assert_eq!(table(&lab.run().join("results.csv")).len(), 2);
    assert!(lab.verified_by_openssh("0001-deviation.json", "anna", "operator"));
    assert!(good(&lab));
}

/// The commands of the guide, as they stand there but for the place of the file of signers and the time.
#[test]
fn the_guides_commands_check_a_run_without_the_rig() {
    let lab = Lab::of_people();
    lab.sign("anna", "operator", &["--meaning", "ran"]).expect(0, &[]);
    lab.sign("bert", "reviewer", &["--meaning", "seen"]).expect(0, &[]);
    let page = fs::read_to_string(support::project().join("rig/docs/signing.md")).unwrap();
    let section = page.split("## ").find(|section| section.starts_with("Checking with ssh-keygen alone")).unwrap();
    let commands: Vec<&str> =
        section.split("```").skip(1).step_by(2).flat_map(|block| block.strip_prefix("sh\n").unwrap().lines()).collect();
    assert_eq!(commands.iter().filter(|c| c.starts_with("ssh-keygen -Y verify")).count(), 3, "{commands:?}");
    let utc = chrono::Utc::now().format("%Y%m%d%H%M%SZ").to_string();
    let run = |line: &str| {
        let line = line.replace("ALLOWED", lab.path("allowed").to_str().unwrap()).replace("20261125101500Z", &utc);
        let outcome = ssh("sh", &["-ec", &line]).current_dir(lab.run()).output().unwrap();
        (outcome.status.success(), String::from_utf8(outcome.stdout).unwrap())
    };
    let mut said = Vec::new();
    for line in &commands {
        let (success, stdout) = run(line);
        assert!(success, "`{line}`: {stdout}");
        said.push(stdout);
    }
    assert!(said[0].starts_with("Good \"rig-operator\" signature for anna with "), "{said:?}");
    // Every hash that is printed is in the statement that covers it.
    let hashes: Vec<&str> = said[3].lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert!(hashes.len() == 3 && hashes.iter().all(|hash| said[4].contains(hash)), "{said:?}");
    // And none of it says so of something else.
    let text = lab.read("signed/0002-reviewer.json").replace("seen", "sEen");
    write(&lab.run(), "signed/0002-reviewer.json", text);
    assert!(run(commands[0]).0 && !run(commands[1]).0 && !run(commands[2]).0);
}

/// The power went between a signature and its line in the ledger: whoever comes next enters it.
#[test]
fn a_signature_that_is_not_in_the_ledger_is_entered() {
    let lab = Lab::of_people();
    let at = lab.run().parent().unwrap().to_owned();
    let path = at.join("ledger.jsonl");
    lab.sign("anna", "operator", &["--meaning", "ran"]).expect(0, &[]);
    let whole = fs::read_to_string(&path).unwrap();
    let without: String = whole.lines().take(2).map(|line| format!("{line}\n")).collect();
    fs::write(&path, &without).unwrap();
    Outcome::of(rig(["recover"]).arg(&at)).expect(0, &["signed/0001-operator.json", "it is now"]);
    assert_eq!(fs::read_to_string(&path).unwrap(), whole);
    let again = Outcome::of(rig(["recover"]).arg(&at));
    again.expect(0, &[]);
    assert!(!again.stderr.contains("it is now") && fs::read_to_string(&path).unwrap() == whole, "{again:#?}");
    fs::write(&path, &without).unwrap();
    lab.sign("bert", "reviewer", &["--meaning", "seen"]).expect(0, &["signed/0001-operator.json", "it is now"]);
    let both = fs::read_to_string(&path).unwrap();
    assert!(both.starts_with(&whole) && both.lines().count() == 4, "{both}");
    // What is no signature is not entered.
    fs::write(&path, &without).unwrap();
    fs::write(lab.run().join("signed/0002-reviewer.json.sig"), "garbage").unwrap();
    Outcome::of(rig(["recover"]).arg(&at)).expect(0, &[]);
    assert_eq!(fs::read_to_string(&path).unwrap(), whole);
}

/// A run is closed anew where the ledger lost its end, and never so that a signature breaks.
#[test]
fn recovery_leaves_what_was_signed() {
    let lab = Lab::of_people();
    let at = lab.run().parent().unwrap().to_owned();
    let path = at.join("ledger.jsonl");
    let manifest = lab.read("manifest.json");
    // As an older rig might have written it, without one of the files.
    let mut older = rig_evidence::Manifest::parse(&manifest).unwrap();
    older.files.remove("junit.xml").unwrap();
    let other = older.render().unwrap();
    let start_only = format!("{}\n", fs::read_to_string(&path).unwrap().lines().next().unwrap());
    let recover = || Outcome::of(rig(["recover"]).arg(&at));
    write(&lab.run(), "manifest.json", &other);
    lab.sign("anna", "operator", &["--meaning", "ran"]).expect(0, &[]);
    fs::write(&path, &start_only).unwrap();
    let before = signing::everything(&lab.run());
    recover().expect(4, &["it is signed, and its reports would not come out as they were signed"]);
    assert_eq!(signing::everything(&lab.run()), before);
    // The same again does no harm, but not while somebody signs.
    fs::remove_dir_all(lab.run().join("signed")).unwrap();
    write(&lab.run(), "manifest.json", &manifest);
    lab.sign("anna", "operator", &["--meaning", "ran"]).expect(0, &[]);
    fs::write(&path, &start_only).unwrap();
    let held = fs::File::open(lab.run().join("manifest.json")).unwrap();
    held.lock().unwrap();
    recover().expect(4, &["somebody else is signing or closing"]);
    drop(held);
    recover().expect(0, &[]);
    assert!(good(&lab));
}
