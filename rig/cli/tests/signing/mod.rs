//! A run to be signed, people with keys, and OpenSSH.
#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use rig_evidence::{Chain, Manifest, Signers};
use tempfile::TempDir;

use crate::support::{Outcome, Run, SHORT, folder, names, reports, rig, write};

/// A folder with one run, keys and a file of allowed signers.
pub struct Lab(TempDir);

/// A program of OpenSSH, with nothing of the terminal and the agent that the tests run with.
pub fn ssh(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).env_remove("SSH_AUTH_SOCK").env_remove("SSH_ASKPASS");
    command
}

fn done(command: &mut Command) {
    let outcome = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}; on Debian: apt-get install openssh-client"));
    assert!(outcome.status.success(), "{command:?}: {}", String::from_utf8_lossy(&outcome.stderr));
}

impl Lab {
    pub fn new() -> Self {
        Self::with_operator(None)
    }

    /// Around a run that was played there.
    pub fn on(dir: TempDir) -> Self {
        Self(dir)
    }

    /// Played by an operator of that name.
    pub fn with_operator(operator: Option<&str>) -> Self {
        static RUN: OnceLock<TempDir> = OnceLock::new();
        let lab = Self(tempfile::tempdir().unwrap());
        let Some(operator) = operator else {
            let run = RUN.get_or_init(|| {
                let dir = tempfile::tempdir().unwrap();
                play(dir.path(), &[]);
                dir
            });
            copy(&reports(run.path()), &reports(lab.dir()));
            return lab;
        };
        play(lab.dir(), &["--operator", operator]);
        lab
    }

    /// Anna runs, Bert reviews, Carl approves.
    pub fn of_people() -> Self {
        let lab = Self::new();
        lab.people();
        lab
    }

    pub fn people(&self) {
        for name in ["anna", "bert", "carl"] {
            self.key(name, "ed25519");
        }
        self.allow("anna namespaces=\"rig-operator\" anna\nbert namespaces=\"rig-reviewer\" bert\ncarl namespaces=\"rig-approver\" carl\n");
    }

    pub fn dir(&self) -> &Path {
        self.0.path()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir().join(name)
    }

    pub fn run(&self) -> PathBuf {
        folder(&reports(self.dir())).unwrap()
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.run().join(name)).unwrap()
    }

    pub fn key(&self, name: &str, kind: &str) {
        done(ssh("ssh-keygen", &["-q", "-t", kind, "-N", "", "-C", name, "-f"]).arg(self.path(name)));
    }

    pub fn p384(&self, name: &str) {
        done(ssh("ssh-keygen", &["-q", "-t", "ecdsa", "-b", "384", "-N", "", "-C", name, "-f"]).arg(self.path(name)));
    }

    /// The file of signers; the last word of a line is the name of a key.
    pub fn allow(&self, lines: &str) {
        self.allow_at("allowed", lines);
    }

    pub fn allow_at(&self, file: &str, lines: &str) {
        let with_key = |line: &str| {
            let (rest, name) = line.rsplit_once(' ').unwrap();
            format!("{rest} {}", fs::read_to_string(self.path(&format!("{name}.pub"))).unwrap())
        };
        write(self.dir(), file, lines.lines().map(with_key).collect::<String>());
    }

    /// `rig sign`, or another command that signs.
    pub fn command(&self, command: &str, key: &str, role: &str, more: &[&str]) -> Command {
        let mut command = rig([command, "--role", role, "--signers"]);
        command.arg(self.path("allowed")).arg("--key").arg(self.path(key)).args(more).arg(self.run());
        command.env_remove("SSH_AUTH_SOCK");
        command
    }

    pub fn by(&self, command: &str, key: &str, role: &str, more: &[&str]) -> Outcome {
        Outcome::of(&mut self.command(command, key, role, more))
    }

    pub fn sign(&self, key: &str, role: &str, more: &[&str]) -> Outcome {
        self.by("sign", key, role, more)
    }

    /// By the command that the guide gives.
    pub fn verified_by_openssh(&self, statement: &str, who: &str, role: &str) -> bool {
        let signed = self.run().join("signed");
        let mut command = ssh("ssh-keygen", &["-Y", "verify", "-I", who, "-n", &format!("rig-{role}"), "-f"]);
        command.arg(self.path("allowed")).arg("-s").arg(signed.join(format!("{statement}.sig")));
        let text = fs::File::open(signed.join(statement)).unwrap();
        command.stdin(text).output().unwrap().status.success()
    }
}

/// A short run.
fn play(dir: &Path, more: &[&str]) {
    let file = write(dir, "short.yaml", SHORT);
    let file = file.to_str().unwrap();
    Outcome::of(&mut Run::command(dir, &[&[file, "--seed", "7"], more].concat())).expect(0, &[]);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for name in names(from) {
        let (from, to) = (from.join(&name), to.join(&name));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(from, to).unwrap();
        }
    }
}

/// Every file below a folder, with its bytes.
pub fn everything(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for name in names(folder) {
        let path = folder.join(name);
        if path.is_dir() {
            all.extend(everything(&path));
        } else {
            all.insert(path.clone(), fs::read(path).unwrap());
        }
    }
    all
}

/// Whether all statements of the run are a whole chain and signed by those who may.
pub fn good(lab: &Lab) -> bool {
    let signers = Signers::parse(&fs::read_to_string(lab.path("allowed")).unwrap()).unwrap();
    let manifest = lab.read(Manifest::NAME);
    let signed = lab.run().join("signed");
    let files: Vec<_> = names(&signed).into_iter().map(|name| (name.clone(), fs::read(signed.join(name)).unwrap())).collect();
    let chain = Chain::of(&Manifest::parse(&manifest).unwrap().run_id, manifest.as_bytes(), &files);
    chain.faults.is_empty() && !chain.statements.is_empty() && chain.signatures(&signers).iter().all(Result::is_ok)
}
