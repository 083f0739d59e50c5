//! Tells the program which sources it is built from: commit, changes that were not committed, target, profile, and the hash of `Cargo.lock`.
//!
//! Without git, or outside a checkout of this very project, the commit stays empty and the build goes on.

#![allow(clippy::disallowed_methods, reason = "a build script asks git and reads the lock file")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

fn main() -> Result<(), Box<dyn Error>> {
    let project = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("../..").canonicalize()?;
    let sources = sources(&project)?;
    sources.iter().for_each(|path| watch(&project.join(path)));
    let lock = std::fs::read(project.join("Cargo.lock")).map(|text| hex(&Sha256::digest(text))).unwrap_or_default();
    let checkout = Checkout::of(&project);
    let commit = checkout.as_ref().and_then(|c| c.git(&["rev-parse", "HEAD"])).unwrap_or_default();
    // Where git does not answer there is no commit either, and a build of no commit is no better than a changed one.
    let uncommitted = checkout.as_ref().and_then(|c| c.changed(&sources)).unwrap_or(true);
    checkout.iter().for_each(Checkout::watch);
    let (target, profile) = (std::env::var("TARGET")?, std::env::var("PROFILE")?);
    let short = match (commit.get(..12), uncommitted) {
        (Some(commit), false) => commit.to_owned(),
        (Some(commit), true) => format!("{commit}+"),
        (None, _) => "unknown commit".to_owned(),
    };
    for (name, value) in [
        ("COMMIT", commit),
        ("UNCOMMITTED", if uncommitted { "yes" } else { "no" }.to_owned()),
        ("TARGET", target),
        ("PROFILE", profile),
        ("LOCK_SHA256", lock),
        ("SHORT", short),
    ] {
        println!("cargo::rustc-env=RIG_{name}={value}");
    }
    Ok(())
}

/// What the program is made of, in paths from the project's folder: tests and documents are not part of it.
fn sources(project: &Path) -> std::io::Result<Vec<String>> {
    let mut sources: Vec<String> = ["Cargo.toml", "Cargo.lock", ".cargo", "rig/benches"].map(str::to_owned).into();
    for folder in ["rig", "firmware-under-test"] {
        let Ok(entries) = std::fs::read_dir(project.join(folder)) else { continue };
        for entry in entries {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if project.join(folder).join(&name).join("Cargo.toml").exists() {
                sources.extend(["Cargo.toml", "build.rs", "src"].map(|part| format!("{folder}/{name}/{part}")));
            }
        }
    }
    // Another package of sources than this workspace has fewer of them; a path that is not there would be built anew each time.
    sources.retain(|path| project.join(path).exists());
    sources.sort();
    Ok(sources)
}

/// The project as git has it.
struct Checkout {
    folder: PathBuf,
}

impl Checkout {
    /// Nothing where git finds no checkout, or that of something around the project.
    fn of(project: &Path) -> Option<Self> {
        let checkout = Self { folder: project.to_owned() };
        let top = checkout.git(&["rev-parse", "--show-toplevel"])?;
        (Path::new(&top).canonicalize().ok()?.as_path() == project).then_some(checkout)
    }

    fn git(&self, arguments: &[&str]) -> Option<String> {
        // Without locks: to look must not touch the index, which is watched.
        let output = Command::new("git").arg("--no-optional-locks").args(arguments).current_dir(&self.folder).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn changed(&self, sources: &[String]) -> Option<bool> {
        let mut arguments = vec!["status", "--porcelain", "--untracked-files=all", "--"];
        arguments.extend(sources.iter().map(String::as_str));
        self.git(&arguments).map(|changes| !changes.is_empty())
    }

    /// The files by which git tells another commit; in a worktree they lie elsewhere, and a packed branch has no file of its own.
    fn watch(&self) {
        let branch = self.git(&["symbolic-ref", "--quiet", "HEAD"]);
        let names = ["HEAD", "logs/HEAD", "index", "packed-refs"].map(str::to_owned).into_iter().chain(branch);
        for path in names.filter_map(|name| self.git(&["rev-parse", "--git-path", &name])) {
            let path = self.folder.join(path);
            if path.exists() {
                watch(&path);
            }
        }
    }
}

fn watch(path: &Path) {
    println!("cargo::rerun-if-changed={}", path.display());
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
