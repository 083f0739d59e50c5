//! A folder with a bench, scenarios, a plan and people who may sign.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rig_evidence::Role;
use ssh_key::private::Ed25519Keypair;
use ssh_key::{HashAlg, LineEnding, PrivateKey};
use tempfile::TempDir;

use crate::support::{Outcome, Run, SHORT, project, rig, write};

const PLAN: &str = r#"plan = "PLAN-1"
title = "Two rates"
why = "To see whether it stands still."

[[test]]
name = "still"
duts = ["SN-0001"]
firmware = "FIRMWARE"
bench = "bench.toml"
scenarios = ["scenarios"]
repeats = 1
"#;

/// The plan, for the firmware that the simulated board runs.
pub fn plan() -> String {
    PLAN.replace("FIRMWARE", firmware())
}

/// The build hash that the simulated board tells, as a run has it.
pub fn firmware() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let path = write(dir.path(), "short.yaml", SHORT);
        let run = Run::with(dir, &[path.to_str().unwrap()]);
        run.table("results.csv")[0]["firmware_sha256"].clone()
    })
}

const SCENARIO: &str = "scenario: STILL-01
title: A pump that stands still says so
time_limit: 2 min
for_each:
  rate: [20 µL/h, 30 µL/h]
steps:
  - check: { state: stopped }
  - program: { basal: $rate }
  - include: fragments/settle.yaml
finally:
  - stop
";
const FRAGMENT: &str = "fragment: settle\nsteps:\n  - wait: 1500 ms\n  - check: { state: stopped, verifies: REQ-1 }\n";
const REQUIREMENTS: &str = "id,text,source,hazard,class\nREQ-1,It stands still.,here,HAZ-1,delivery\n";

pub struct Place(pub TempDir);

/// Keys that are the same in each run of the tests, one for each person.
pub fn key(person: u8) -> PrivateKey {
    PrivateKey::from(Ed25519Keypair::from_seed(&[person; 32]))
}

pub const ANN: u8 = 1;
/// Reviews, and approves nothing.
pub const BOB: u8 = 2;
/// Might approve until 2020.
pub const CAT: u8 = 3;
/// A bench's.
pub const BENCH: u8 = 4;
/// In no file.
pub const EVE: u8 = 5;

impl Place {
    pub fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        let sim = fs::read_to_string(project().join("rig/benches/sim.toml")).unwrap();
        for (name, text) in [
            ("bench.toml", &*sim),
            ("plan.toml", &*plan()),
            ("scenarios/still.yaml", SCENARIO),
            ("scenarios/fragments/settle.yaml", FRAGMENT),
            ("scenarios/requirements.csv", REQUIREMENTS),
        ] {
            place.write(name, text);
        }
        let lines = [
            (ANN, "ann@x namespaces=\"rig-approver,rig-operator\""),
            (BOB, "bob@x namespaces=\"rig-reviewer\""),
            (CAT, "cat@x namespaces=\"rig-approver\",valid-before=\"20200101Z\""),
            (BENCH, "bench-1 namespaces=\"rig-bench,rig-approver\""),
        ];
        let line = |(person, rights): (u8, &str)| format!("{rights} {}\n", key(person).public_key().to_openssh().unwrap());
        place.write("reports/allowed_signers", &lines.map(line).concat());
        for person in [ANN, BOB, CAT, BENCH, EVE] {
            let path = place.write(&format!("key-{person}"), &key(person).to_openssh(LineEnding::LF).unwrap());
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        place
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        write(self.path(), name, text)
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    pub fn change(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "{from}");
        self.write(name, &text.replace(from, to));
    }

    /// `rig` in this folder, without signers of the machine's.
    pub fn rig(&self, arguments: &[&str]) -> Outcome {
        Outcome::of(rig(arguments).current_dir(self.path()).env_remove("RIG_SIGNERS").env("TMPDIR", self.path()))
    }

    pub fn approve_as(&self, person: u8, more: &[&str]) -> Outcome {
        let key = format!("key-{person}");
        self.rig(&[&["approve", "plan.toml", "--key", &key, "--meaning", "It may be played"], more].concat())
    }

    pub fn approve(&self) {
        self.approve_as(ANN, &[]).expect(0, &[]);
    }

    /// A run under the approved plan.
    pub fn run(&self, more: &[&str]) -> Outcome {
        self.rig(&[&["run", "--plan", APPROVED, "--seed", "1"], more].concat())
    }

    pub fn status(&self, more: &[&str]) -> Outcome {
        self.rig(&[&["approve", "status", APPROVED], more].concat())
    }

    /// Run folders, in their order.
    pub fn runs(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.file("reports")).unwrap().map(|e| e.unwrap().path());
        let mut folders: Vec<PathBuf> = entries.filter(|p| p.is_dir()).collect();
        folders.sort();
        folders
    }
}

pub const APPROVED: &str = "plan.approved.json";
pub const SIGNATURE: &str = "plan.approved.json.sig";

/// An approval by whoever has this key.
pub fn signed(person: u8, role: Role, text: &str) -> String {
    let signature = key(person).sign(role.namespace(), HashAlg::Sha512, text.as_bytes()).unwrap();
    signature.to_pem(LineEnding::LF).unwrap()
}
