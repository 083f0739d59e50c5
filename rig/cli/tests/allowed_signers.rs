//! The file of allowed signers: the rig and OpenSSH read it alike, but where the rig means to be stricter.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "the tests run ssh-keygen")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rig_evidence::{Role, Signers};

fn vectors() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../evidence/src/tests/vectors").canonicalize().unwrap()
}

fn key(owner: &str) -> String {
    if owner == "token" {
        return fs::read_to_string(vectors().join("token.pub")).unwrap().trim().to_owned();
    }
    let keys = fs::read_to_string(vectors().join("keys.pub")).unwrap();
    keys.lines().find_map(|line| line.strip_suffix(&format!(" {owner}"))).unwrap().to_owned()
}

const NOW: &str = "2026-11-25T12:00:00Z";

/// Whether a committed signature is good by a file of signers: by the rig, and by ssh-keygen.
fn both(file: &str, principal: &str, signature: &str, role: Role) -> (bool, bool) {
    let [signature, text] = [signature, "text"].map(|name| vectors().join(name));
    let signers = Signers::parse(file);
    let (bytes, message) = (fs::read(&signature).unwrap(), fs::read(&text).unwrap());
    let ours = signers.is_ok_and(|signers| signers.verify(&bytes, &message, role, principal, NOW.parse().unwrap()).is_ok());
    let dir = tempfile::tempdir().unwrap();
    let allowed = dir.path().join("allowed");
    fs::write(&allowed, file).unwrap();
    let mut command = Command::new("ssh-keygen");
    command.args(["-Y", "verify", "-O", "verify-time=20261125120000Z", "-n", role.namespace(), "-I", principal, "-f"]).arg(allowed);
    let output = command.arg("-s").arg(signature).stdin(Stdio::from(fs::File::open(text).unwrap())).output();
    (ours, output.expect("ssh-keygen; on Debian: apt-get install openssh-client").status.success())
}

/// A line for anna's key.
fn anna(beginning: &str) -> String {
    format!("{beginning} {}\n", key("anna"))
}

fn check(file: &str, principal: &str) -> (bool, bool) {
    both(file, principal, "anna.operator.sig", Role::Operator)
}

#[test]
fn both_take_the_committed_signatures() {
    for (owner, signature, role) in [
        ("anna", "anna.operator.sig", Role::Operator),
        ("anna", "anna.sha256.sig", Role::Operator),
        ("bert", "bert.reviewer.sig", Role::Reviewer),
        ("carl", "carl.approver.sig", Role::Approver),
        ("bench", "bench.bench.sig", Role::Bench),
        ("token", "token.operator.sig", Role::Operator),
    ] {
        let file = format!("{owner} namespaces=\"{}\" {}\n", role.namespace(), key(owner));
        assert_eq!(both(&file, owner, signature, role), (true, true), "{signature}");
        assert_eq!(both(&file, "eve", signature, role), (false, false), "{signature}");
    }
}

#[test]
fn both_read_a_line_alike() {
    let n = "namespaces=\"rig-operator\"";
    for (file, good) in [
        (anna(&format!("anna {n}")), true),
        (anna(&format!("anna {n}")).trim_end().to_owned(), true),
        (anna(&format!("\n# someone\n \t \n  anna\t{n}\t")), true),
        (anna(&format!("anna {n}")).replace('\n', " her laptop, \"new\" # 2\n"), true),
        (anna(&format!("anna {n}")).replace('\n', "\r\n"), true),
        (anna("anna NameSpaces=\"rig-operator\""), true),
        (anna("anna namespaces=\"file,rig-operator\""), true),
        (anna("anna namespaces=\"rig-*,!rig-bench\""), true),
        (anna("anna namespaces=\"rig-operato?,!x\""), true),
        (anna("anna namespaces=\"!rig-operator,rig-*\""), false),
        (anna("anna namespaces=\"!rig-bench\""), false),
        (anna("anna namespaces=\"rig-reviewer\""), false),
        (anna("anna namespaces=\"RIG-OPERATOR\""), false),
        (anna(&format!("bert,anna {n}")), true),
        (anna(&format!("Anna {n}")), false),
        (anna(&format!("a* {n}")), true),
        (anna(&format!("*,!anna {n}")), false),
        (anna(&format!("!bert,* {n}")), true),
        (anna(&format!("!bert {n}")), false),
        (anna(&format!("?nna {n}")), true),
        (anna(&format!("nna {n}")), false),
        (anna(&format!("anna {n},valid-after=\"20261125Z\"")), true),
        (anna(&format!("anna valid-after=\"20261125120000Z\",{n}")), true),
        (anna(&format!("anna valid-after=\"20261125120001Z\",{n}")), false),
        (anna(&format!("anna valid-before=\"202611251200Z\",{n}")), true),
        (anna(&format!("anna valid-before=\"20261125115959Z\",{n}")), false),
        (anna(&format!("anna {n},valid-after=\"20260101Z\",valid-before=\"20270101Z\"")), true),
        // The first line does not allow it, the second does.
        (format!("{}{}", anna("anna namespaces=\"rig-reviewer\""), anna(&format!("anna {n}"))), true),
        (format!("anna {n} {}\n", key("bert")), false),
        (String::new(), false),
    ] {
        assert_eq!(check(&file, "anna"), (good, good), "{file}");
    }
}

/// What ssh-keygen lets through, and the rig does not: so the guide says.
#[test]
fn the_rig_is_stricter_where_it_says_so() {
    for file in [
        anna("anna"),
        format!("{}{}", anna("anna namespaces=\"rig-operator\""), anna("bench namespaces=\"rig-bench\"")),
        anna("anna namespaces=\"rig-*\""),
        anna("anna namespaces=\"rig-operator\",valid-after=\"20200101\""),
        anna("anna namespaces=\"rig-operator\",,valid-after=\"20200101Z\""),
        format!("{}bert sings {}\n", anna("anna namespaces=\"rig-operator\""), key("bert")),
        format!("{}rita namespaces=\"rig-operator\" {}\n", anna("anna namespaces=\"rig-operator\""), key("rita")),
    ] {
        assert_eq!(check(&file, "anna"), (false, true), "{file}");
    }
}

/// And nothing is the other way round.
#[test]
fn nothing_is_good_for_the_rig_that_is_not_for_ssh_keygen() {
    for wrong in [
        anna("anna namespaces=rig-operator"),
        anna("anna namespaces=\"rig-operator"),
        anna("anna namespaces=\"rig-operator\",namespaces=\"rig-operator\""),
        anna("anna namespaces=\"rig-operator\" sings"),
        anna("anna namespaces=\"rig-operator\",valid-after=\"2020Z\""),
        anna("anna namespaces=\"rig-operator\",valid-after=\"20270101Z\",valid-before=\"20260101Z\""),
        anna("anna cert-authority,namespaces=\"rig-operator\""),
        "anna\n".to_owned(),
        "anna namespaces=\"rig-operator\" ssh-ed25519\n".to_owned(),
    ] {
        assert_eq!(check(&wrong, "anna"), (false, false), "{wrong}");
    }
}
