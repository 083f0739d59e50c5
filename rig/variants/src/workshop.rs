//! Builds variants: all that are not there yet in one go, by `cargo`, and keeps them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use rig_sim::Build;
use serde::Deserialize;
use thiserror::Error;

use crate::loaded::Loaded;
use crate::patch::{Patch, PatchError, apply};
use crate::sources;

/// Characters of a hash by which a variant is called in its workspace.
const KEY: usize = 16;
/// Lines of the compiler's that are shown.
const SHOWN: usize = 30;

/// Why one variant can't be had.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VariantError {
    #[error("`{name}`: the patch can't be applied: {why}")]
    Patch { name: String, why: PatchError },
    /// The compiler refuses it, here as anywhere.
    #[error("`{name}`: the patched firmware does not compile:\n{said}")]
    NotCompiled { name: String, said: String },
    /// Something on this machine was in the way; it may be built on another one, or later.
    #[error("`{name}`: the patched firmware can't be built here:\n{said}")]
    NotBuilt { name: String, said: String },
    #[error("`{name}`: the patched firmware can't be loaded: {why}")]
    Load { name: String, why: String },
}

/// One variant, or why it can't be had.
pub type Built = Result<Arc<dyn Build>, VariantError>;

/// Why none can be had.
#[derive(Debug, Error)]
pub enum WorkshopError {
    #[error(
        "this program is linked statically and can load no patched firmware; build it where it is to qualify (`cargo build --release`), or choose a defect without a patch"
    )]
    Static,
    #[error(
        "patched firmware is built by `cargo`, which can't be started here ({0}); install Rust (https://rustup.rs), or choose a defect without a patch"
    )]
    NoCargo(io::Error),
    #[error("`cargo` could not build the patched firmware:\n{0}")]
    Cargo(String),
    #[error("the folder for patched firmware, `{folder}`, can't be used")]
    Folder { folder: PathBuf, source: io::Error },
}

/// A folder in which variants are built and kept.
#[derive(Debug, Clone)]
pub struct Workshop {
    folder: PathBuf,
}

struct Wanted {
    hash: String,
    sources: BTreeMap<String, String>,
}

impl Workshop {
    /// Nothing is made until something is asked for.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Whether a patch fits the sources; builds nothing.
    ///
    /// # Errors
    /// It does not.
    pub fn fits(patch: &Patch) -> Result<(), VariantError> {
        wanted(patch).map(|_| ())
    }

    /// The firmware of each patch, in their order.
    ///
    /// # Errors
    /// Nothing can be built at all. What is wrong with single patches is told in their place.
    pub fn builds(&self, patches: &[Patch]) -> Result<Vec<Built>, WorkshopError> {
        if !Loaded::POSSIBLE {
            return Err(WorkshopError::Static);
        }
        let wanted: Vec<Result<Wanted, VariantError>> = patches.iter().map(wanted).collect();
        let mut said: BTreeMap<String, Failed> = BTreeMap::new();
        let missing = |w: &&Wanted| !self.file(&w.hash).exists();
        if wanted.iter().flatten().any(|w| missing(&w)) {
            let in_folder = |source| WorkshopError::Folder { folder: self.folder.clone(), source };
            fs::create_dir_all(&self.folder).map_err(in_folder)?;
            // Another program may build here too.
            let lock = File::create(self.folder.join("lock")).map_err(in_folder)?;
            lock.lock().map_err(in_folder)?;
            let mut hashes = BTreeSet::new();
            let missing: Vec<&Wanted> = wanted.iter().flatten().filter(missing).filter(|w| hashes.insert(w.hash.clone())).collect();
            if !missing.is_empty() {
                said = self.build(&missing)?;
            }
        }
        let load = |(patch, wanted): (&Patch, Result<Wanted, VariantError>)| {
            let Wanted { hash, .. } = wanted?;
            let (name, file) = (patch.name.clone(), self.file(&hash));
            if let Some(failed) = said.get(&hash) {
                return Err(failed.of(name));
            }
            let loaded = Loaded::open(&name, &file).map_err(|why| VariantError::Load { name, why })?;
            Ok(Arc::new(loaded) as Arc<dyn Build>)
        };
        Ok(patches.iter().zip(wanted).map(load).collect())
    }

    fn file(&self, hash: &str) -> PathBuf {
        self.folder.join(format!("{hash}.so"))
    }

    /// Builds what is missing; what was said of those that were not built, by hash.
    fn build(&self, missing: &[&Wanted]) -> Result<BTreeMap<String, Failed>, WorkshopError> {
        let work = self.folder.join("work");
        let in_work = |source| WorkshopError::Folder { folder: work.clone(), source };
        let variants: Vec<(&str, &BTreeMap<String, String>)> = missing.iter().map(|w| (key(&w.hash), &w.sources)).collect();
        lay_out(&work, &sources::workspace(&variants)).map_err(in_work)?;
        let target = self.folder.join("target");
        // With what has been fetched before; only if that is not enough, from the network.
        let mut ran = cargo(&work, &target, &["--offline"])?;
        if !ran.compiled {
            ran = cargo(&work, &target, &[])?;
        }
        if !ran.compiled {
            return Err(WorkshopError::Cargo(first_lines(&ran.stderr)));
        }
        let mut said = BTreeMap::new();
        for wanted in missing {
            let key = key(&wanted.hash);
            match ran.files.get(key) {
                Some(file) => {
                    let place = self.file(&wanted.hash);
                    let partial = place.with_extension("partial");
                    fs::copy(file, &partial).and_then(|_| fs::rename(&partial, &place)).map_err(in_work)?;
                }
                None => {
                    let (refused, words) = (ran.refused.contains(key), ran.errors.get(key).unwrap_or(&ran.stderr));
                    said.insert(wanted.hash.clone(), Failed { refused, said: first_lines(words) });
                }
            }
        }
        for wanted in missing {
            forget(&target.join("release"), key(&wanted.hash));
        }
        Ok(said)
    }
}

/// Why there is no library of a variant.
struct Failed {
    /// By the compiler, for its text.
    refused: bool,
    said: String,
}

impl Failed {
    fn of(&self, name: String) -> VariantError {
        let said = self.said.clone();
        if self.refused { VariantError::NotCompiled { name, said } } else { VariantError::NotBuilt { name, said } }
    }
}

fn wanted(patch: &Patch) -> Result<Wanted, VariantError> {
    let sources = apply(&patch.text, &sources::pump()).map_err(|why| VariantError::Patch { name: patch.name.clone(), why })?;
    Ok(Wanted { hash: sources::hash(&sources), sources })
}

fn key(hash: &str) -> &str {
    &hash[..KEY]
}

fn lay_out(work: &Path, files: &BTreeMap<String, String>) -> io::Result<()> {
    for folder in ["pumps", "slots"] {
        match fs::remove_dir_all(work.join(folder)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    for (path, text) in files {
        let path = work.join(path);
        fs::create_dir_all(path.parent().unwrap_or(work))?;
        fs::write(path, text)?;
    }
    fs::write(work.join("Cargo.lock"), sources::LOCK)
}

/// Removes what the compiler left of a variant: thousands of mutants would fill a disk twice. What can't be removed does no harm.
fn forget(release: &Path, key: &str) {
    for folder in ["", "deps", "build", ".fingerprint"] {
        let Ok(entries) = fs::read_dir(release.join(folder)) else { continue };
        for path in entries.flatten().map(|entry| entry.path()).filter(|path| path.to_string_lossy().contains(key)) {
            let _ = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        }
    }
}

/// What `cargo` did.
struct Ran {
    /// It came as far as the compiler.
    compiled: bool,
    /// Libraries and errors, by key of the variant.
    files: BTreeMap<String, PathBuf>,
    errors: BTreeMap<String, String>,
    /// Of which the compiler named a place in the text that is wrong. A full disk, a compiler that breaks down or a linker that is missing has no place there.
    refused: BTreeSet<String>,
    stderr: String,
}

/// A line of `cargo build --message-format json`; other keys are of no concern.
#[derive(Debug, Deserialize)]
struct Line {
    reason: String,
    #[serde(default)]
    target: Option<Target>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
    #[serde(default)]
    message: Option<Message>,
}

#[derive(Debug, Deserialize)]
struct Target {
    name: String,
}

#[derive(Debug, Deserialize)]
struct Message {
    level: String,
    #[serde(default)]
    spans: Vec<serde::de::IgnoredAny>,
    rendered: Option<String>,
}

fn cargo(work: &Path, target: &Path, more: &[&str]) -> Result<Ran, WorkshopError> {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let target = std::path::absolute(target).map_err(|source| WorkshopError::Folder { folder: target.to_owned(), source })?;
    let mut command = Command::new(program);
    command.args(["build", "--release", "--workspace", "--keep-going", "--message-format", "json", "--target-dir"]).arg(target).args(more);
    // A program that `cargo` started hands on what that was told.
    command.current_dir(work).env_remove("CARGO_TARGET_DIR").env_remove("CARGO_ENCODED_RUSTFLAGS").env("RUSTFLAGS", "--cap-lints=allow");
    let output = command.output().map_err(WorkshopError::NoCargo)?;
    let mut ran = Ran {
        compiled: false,
        files: BTreeMap::new(),
        errors: BTreeMap::new(),
        refused: BTreeSet::new(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    };
    for line in output.stdout.split(|byte| *byte == b'\n') {
        let Ok(line) = serde_json::from_slice::<Line>(line) else { continue };
        ran.compiled |= matches!(line.reason.as_str(), "compiler-artifact" | "compiler-message");
        let name = line.target.map(|target| target.name.replace('_', "-")).unwrap_or_default();
        let Some(key) = name.strip_prefix("slot-").or_else(|| name.strip_prefix("pump-")) else { continue };
        match (line.reason.as_str(), line.message) {
            ("compiler-artifact", _) if name.starts_with("slot-") => {
                ran.files.extend(line.filenames.into_iter().next().map(|file| (key.to_owned(), file)));
            }
            ("compiler-message", Some(Message { level, spans, rendered: Some(text) })) if level.starts_with("error") => {
                // A compiler that breaks down says so in its level, and may name the place that it was at.
                if level == "error" && !spans.is_empty() {
                    ran.refused.insert(key.to_owned());
                }
                ran.errors.entry(key.to_owned()).or_default().push_str(&text);
            }
            _ => {}
        }
    }
    Ok(ran)
}

fn first_lines(text: &str) -> String {
    text.lines().take(SHOWN).map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}
