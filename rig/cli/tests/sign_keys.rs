//! The keys that sign: files of every kind, passphrases, and the ssh-agent with all that can be wrong with one.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "the tests run the program and play agents")]

mod signing;
mod support;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use signing::{Lab, good, ssh};
use support::{Outcome, Run, folder, names, project, reports, write};

const MEANING: [&str; 2] = ["--meaning", "ran"];

fn sign(lab: &Lab, key: &str) -> Outcome {
    lab.sign(key, "operator", &MEANING)
}

fn sign_with_agent(lab: &Lab, key: &str, socket: &Path) -> Outcome {
    Outcome::of(lab.command("sign", key, "operator", &MEANING).env("SSH_AUTH_SOCK", socket))
}

#[test]
fn files_that_are_no_key_to_sign_with_are_refused() {
    let lab = Lab::of_people();
    let refused = |key: &str, words: &[&str]| {
        sign(&lab, key).expect(2, words);
        assert!(!lab.run().join("signed").exists());
    };
    refused("missing", &["failed to read the key", "missing"]);
    refused(".", &["is no file; expected a key"]);
    let public = fs::read_to_string(lab.path("anna.pub")).unwrap();
    let private = fs::read_to_string(lab.path("anna")).unwrap();
    for (name, text, why) in [
        ("empty", String::new(), "is no key"),
        ("garbage", "yes\n".to_owned(), "is no key to sign with"),
        ("two", format!("{public}{public}"), "is no key"),
        ("cut", private[..private.len() / 2].to_owned(), "is not a whole private key"),
        ("head", "-----BEGIN OPENSSH PRIVATE KEY-----\n".to_owned(), "is not a whole private key"),
        ("pem", "-----BEGIN EC PRIVATE KEY-----\n".to_owned(), "ssh-keygen -p -f"),
        ("putty", "PuTTY-User-Key-File-3: ssh-ed25519\n".to_owned(), "ssh-keygen -p -f"),
        ("certificate", include_str!("../../evidence/src/tests/vectors/anna-cert.pub").to_owned(), "certificates are not supported"),
        ("long", "x".repeat(100_000), "is no key"),
    ] {
        write(lab.dir(), name, text);
        refused(name, &[why]);
    }
    write(lab.dir(), "binary", b"\xff\xfe\x00");
    refused("binary", &["is no key"]);
    lab.key("rita", "rsa");
    refused("rita", &["`ssh-rsa`, which is not supported", "ssh-keygen -t ed25519"]);
    refused("rita.pub", &["keys of type `ssh-rsa` are not supported"]);
}

#[test]
fn a_private_key_that_others_may_read_is_warned_of() {
    let lab = Lab::of_people();
    fs::set_permissions(lab.path("anna"), fs::Permissions::from_mode(0o644)).unwrap();
    sign(&lab, "anna").expect(0, &["others may read the private key", "chmod 600"]);
    lab.sign("bert", "reviewer", &["--meaning", "seen"]).expect(0, &[]);
    let outcome = lab.sign("carl", "approver", &["--meaning", "fine"]);
    assert!(!outcome.stderr.contains("others may read"), "{}", outcome.stderr);
}

fn protect(lab: &Lab, passphrase: &str) {
    let changed = ssh("ssh-keygen", &["-q", "-p", "-P", "", "-N", passphrase, "-f"]).arg(lab.path("anna")).output().unwrap();
    assert!(changed.status.success(), "{changed:?}");
}

/// In a terminal of its own, with somebody who types.
fn typed(command: &Command, typed: &str) -> Outcome {
    let quoted = |word: &std::ffi::OsStr| format!("'{}'", word.to_str().unwrap());
    let line: Vec<String> = std::iter::once(command.get_program()).chain(command.get_args()).map(quoted).collect();
    let mut terminal = Command::new("script");
    terminal.args(["-qec", &line.join(" "), "/dev/null"]).current_dir(project()).env("NO_COLOR", "1");
    let mut child = terminal.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut stdout = BufReader::new(stdout);
    // Nothing is typed before it is asked for: what comes earlier is thrown away.
    let mut seen = Vec::new();
    while !seen.ends_with(b"passphrase of ") {
        let mut byte = [0];
        stdout.read_exact(&mut byte).unwrap_or_else(|_| panic!("not asked: {}", String::from_utf8_lossy(&seen)));
        seen.extend(byte);
    }
    stdout.read_until(b':', &mut seen).unwrap();
    stdin.write_all(typed.as_bytes()).unwrap();
    stdout.read_to_end(&mut seen).unwrap();
    drop(stdin);
    let status = child.wait().unwrap();
    Outcome { code: status.code(), signal: None, stdout: String::new(), stderr: String::from_utf8(seen).unwrap() }
}

#[test]
fn a_passphrase_is_asked_for_on_a_terminal_and_not_shown() {
    let lab = Lab::of_people();
    protect(&lab, "correct horse");
    sign(&lab, "anna").expect(2, &["has a passphrase, and there is no terminal", "ssh-add", "anna.pub"]);
    let command = lab.command("sign", "anna", "operator", &MEANING);
    let wrong = typed(&command, "battery staple\n");
    wrong.expect(2, &["is not the passphrase of"]);
    assert!(!wrong.stderr.contains("staple"), "{}", wrong.stderr);
    typed(&command, "\n").expect(2, &["is not the passphrase of"]);
    assert!(!lab.run().join("signed").exists());
    typed(&command, "correct horse\n").expect(0, &["signed: "]);
    assert!(good(&lab));
}

/// Who may not sign is not asked for a passphrase first.
#[test]
fn no_passphrase_is_asked_of_who_may_not_sign() {
    let lab = Lab::of_people();
    protect(&lab, "correct horse");
    lab.sign("anna", "reviewer", &MEANING).expect(2, &["may not sign as reviewer"]);
}

/// A real ssh-agent; ended with the test.
struct Agent(Child, PathBuf);

impl Agent {
    fn start(dir: &Path) -> Self {
        let socket = dir.join("agent");
        let mut command = ssh("ssh-agent", &["-D", "-a"]);
        let mut child = command.arg(&socket).stdout(Stdio::piped()).spawn().unwrap();
        // It says where it listens once it does.
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
        assert!(said.contains("SSH_AUTH_SOCK"), "{said}");
        Self(child, socket)
    }

    fn add(&self, key: &Path) {
        let added = ssh("ssh-add", &["-q"]).arg(key).env("SSH_AUTH_SOCK", &self.1).output().unwrap();
        assert!(added.status.success(), "{added:?}");
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn a_key_in_the_agent_signs_without_its_file() {
    let lab = Lab::of_people();
    lab.key("dora", "ecdsa");
    lab.allow("anna namespaces=\"rig-operator\" anna\ndora namespaces=\"rig-operator\" dora\n");
    let agent = Agent::start(lab.dir());
    sign_with_agent(&lab, "anna.pub", &agent.1).expect(2, &["does not have this key; it has none"]);
    agent.add(&lab.path("dora"));
    sign_with_agent(&lab, "anna.pub", &agent.1).expect(2, &["does not have this key; it has those called dora"]);
    agent.add(&lab.path("anna"));
    for key in ["anna", "dora"] {
        fs::remove_file(lab.path(key)).unwrap();
        sign_with_agent(&lab, &format!("{key}.pub"), &agent.1).expect(0, &[]);
    }
    assert!(good(&lab));
    assert!(lab.verified_by_openssh("0001-operator.json", "anna", "operator"));
    assert!(lab.verified_by_openssh("0002-operator.json", "dora", "operator"));
    let socket = agent.1.clone();
    drop(agent);
    sign_with_agent(&lab, "anna.pub", &socket).expect(2, &["no ssh-agent answers at", "agent"]);
}

#[test]
fn without_an_agent_a_public_key_signs_nothing() {
    let lab = Lab::of_people();
    sign(&lab, "anna.pub").expect(2, &["is a public key", "SSH_AUTH_SOCK names none", "or name the private key's file"]);
    sign_with_agent(&lab, "anna.pub", &lab.path("nowhere")).expect(2, &["no ssh-agent answers at", "nowhere", "No such file"]);
    sign_with_agent(&lab, "anna.pub", &lab.path("anna")).expect(2, &["no ssh-agent answers at", "refused"]);
    assert!(!lab.run().join("signed").exists());
}

/// Something that listens where an agent should, for each of so many callers.
fn listen(dir: &Path, name: &str, callers: usize, answer: impl Fn(UnixStream) + Send + 'static) -> PathBuf {
    let socket = dir.join(name);
    let listener = UnixListener::bind(&socket).unwrap();
    std::thread::spawn(move || listener.incoming().take(callers).for_each(|caller| answer(caller.unwrap())));
    socket
}

#[test]
fn what_is_no_agent_is_told() {
    let lab = Lab::of_people();
    let hangs_up = listen(lab.dir(), "hangs-up", 1, drop);
    sign_with_agent(&lab, "anna.pub", &hangs_up).expect(2, &["hung up in the middle"]);
    let garbage = listen(lab.dir(), "garbage", 1, |mut caller| {
        caller.read_exact(&mut [0; 5]).unwrap();
        caller.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    });
    sign_with_agent(&lab, "anna.pub", &garbage).expect(2, &["is no ssh-agent, or it is broken"]);
    assert!(!lab.run().join("signed").exists());
}

/// Has anna's key until it is to sign with it.
fn refuses_to_sign(lab: &Lab) -> PathBuf {
    let public = fs::read_to_string(lab.path("anna.pub")).unwrap();
    let blob = ssh_key::PublicKey::from_openssh(&public).unwrap().to_bytes().unwrap();
    let string = |bytes: &[u8]| [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat();
    let has = string(&[&[12, 0, 0, 0, 1][..], &string(&blob), &string(b"anna")].concat());
    listen(lab.dir(), "refuses", usize::MAX, move |mut caller| {
        let mut size = [0; 4];
        caller.read_exact(&mut size).unwrap();
        let mut request = vec![0; u32::from_be_bytes(size) as usize];
        caller.read_exact(&mut request).unwrap();
        caller.write_all(if request[0] == 11 { &has } else { &[0, 0, 0, 1, 5] }).unwrap();
    })
}

#[test]
fn an_agent_that_refuses_leaves_nothing_behind() {
    let lab = Lab::of_people();
    let socket = refuses_to_sign(&lab);
    sign_with_agent(&lab, "anna.pub", &socket).expect(4, &["has the key and refused to sign"]);
    assert!(!lab.run().join("signed").exists());
}

fn benched(lab: &Lab, key: &str, more: &[(&str, PathBuf)]) -> (Outcome, PathBuf) {
    let dir = lab.path("bench");
    let file = write(&dir, "short.yaml", support::SHORT);
    let key = lab.path(key);
    let mut command = Run::command(&dir, &[file.to_str().unwrap(), "--seed", "7", "--bench-key", key.to_str().unwrap()]);
    let outcome = Outcome::of(command.envs(more.iter().map(|(name, value)| (name, value))));
    (outcome, reports(&dir))
}

#[test]
fn the_bench_signs_what_it_recorded() {
    let lab = Lab::of_people();
    lab.key("bench-3", "ed25519");
    lab.allow("bench-3 namespaces=\"rig-bench\" bench-3\nanna namespaces=\"rig-operator\" anna\n");
    let (outcome, reports) = benched(&lab, "bench-3", &[("RIG_SIGNERS", lab.path("allowed"))]);
    outcome.expect(0, &[]);
    let signed = folder(&reports).unwrap().join("signed");
    assert_eq!(names(&signed), ["0001-bench.json", "0001-bench.json.sig"]);
    let mut command = ssh("ssh-keygen", &["-Y", "verify", "-I", "bench-3", "-n", "rig-bench", "-f"]);
    command.arg(lab.path("allowed")).arg("-s").arg(signed.join("0001-bench.json.sig"));
    assert!(command.stdin(fs::File::open(signed.join("0001-bench.json")).unwrap()).output().unwrap().status.success());
    let ledger = fs::read_to_string(reports.join("ledger.jsonl")).unwrap();
    assert_eq!(ledger.matches("signed/0001-bench.json").count(), 1, "{ledger}");
}

#[test]
fn a_benchs_key_that_can_not_sign_is_told_before_anything_is_played() {
    let lab = Lab::of_people();
    let check = |key: &str, more: &[(&str, PathBuf)], words: &[&str]| {
        let (outcome, reports) = benched(&lab, key, more);
        outcome.expect(2, words);
        assert!(outcome.stderr.contains("nothing was played"), "{}", outcome.stderr);
        assert!(!reports.exists());
    };
    check("missing", &[], &["failed to read the key"]);
    check("anna", &[("RIG_SIGNERS", lab.path("allowed"))], &["may not sign as bench", "nobody may sign as bench"]);
    check("anna.pub", &[], &["SSH_AUTH_SOCK names none"]);
    check("anna.pub", &[("SSH_AUTH_SOCK", lab.path("nowhere"))], &["no ssh-agent answers at"]);
    protect(&lab, "correct horse");
    check("anna", &[], &["has a passphrase, and there is no terminal"]);
}

#[test]
fn a_bench_that_fails_to_sign_keeps_its_record() {
    let lab = Lab::of_people();
    let socket = refuses_to_sign(&lab);
    let (outcome, reports) = benched(&lab, "anna.pub", &[("SSH_AUTH_SOCK", socket)]);
    outcome.expect(4, &["the bench could not sign the record", "refused to sign"]);
    let run = folder(&reports).unwrap();
    assert!(run.join("manifest.json").exists() && !run.join("signed").exists());
    assert!(outcome.stdout.contains("record: "), "{}", outcome.stdout);
}
