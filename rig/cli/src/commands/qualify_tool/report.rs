//! The report of a qualification: as JSON for the file and its signature, as text for people.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use chrono::Utc;
use rig_evidence::Role;
use rig_model::bench::BenchKind;
use rig_model::fact::RigBuild;
use rig_report::printable;
use serde::Serialize;

use super::{Group, Item, Items};
use crate::build;
use crate::commands::run::{host, now_utc};
use crate::commands::sign::{By, principal};
use crate::failure::{BENCH, Failure, OrExit, USAGE};
use crate::keys::SigningKey;

/// Of the JSON's layout.
const VERSION: u32 = 1;

#[derive(Debug, Serialize)]
pub struct Report {
    v: u32,
    tool: &'static str,
    /// ISO 8601, UTC.
    utc: String,
    /// Machine and kernel.
    host: String,
    build: RigBuild,
    /// Who signs it; absent where nobody does.
    #[serde(skip_serializing_if = "Option::is_none")]
    signer: Option<Words>,
    qualified: bool,
    passed: usize,
    failed: usize,
    items: Vec<Item>,
}

/// What is signed besides the findings.
#[derive(Debug, Clone, Serialize)]
struct Words {
    role: Role,
    principal: String,
    name: String,
    meaning: String,
}

/// A person with a key that may sign.
#[derive(Debug)]
pub struct Signer {
    words: Words,
    key: SigningKey,
}

impl Signer {
    pub fn of(by: &By, meaning: &str, out: &Path) -> Result<Self, Failure> {
        let mut key = SigningKey::open(&by.key).or_exit(USAGE)?;
        // Qualifications lie in a folder of their own in the folder of reports, where the allowed signers are looked for.
        let reports = out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let allowed = by.signers.read(reports)?;
        let principal = principal(&allowed, &key, by, Utc::now()).or_exit(USAGE)?;
        key.unlock().or_exit(USAGE)?;
        let name = by.name.clone().unwrap_or_else(|| principal.clone());
        Ok(Self { words: Words { role: by.role.into(), principal, name, meaning: meaning.to_owned() }, key })
    }
}

impl Report {
    pub fn of(items: Items, signer: Option<&Signer>) -> Self {
        let failed = items.0.iter().filter(|item| !item.passed).count();
        // A pack of which a part was not shown shows nothing.
        let whole = Group::ALL.into_iter().all(|group| items.0.iter().any(|item| item.group == group));
        Self {
            v: VERSION,
            tool: concat!("pump-rig ", env!("CARGO_PKG_VERSION")),
            utc: now_utc(),
            host: host(),
            build: build::build(BenchKind::Process),
            signer: signer.map(|signer| signer.words.clone()),
            qualified: failed == 0 && whole,
            passed: items.0.len() - failed,
            failed,
            items: items.0,
        }
    }

    pub fn qualified(&self) -> bool {
        self.qualified
    }

    pub fn json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// What failed, item by item, and counts of the rest.
    pub fn text(&self) -> String {
        let mut out = format!("Qualification of {} on {}, {}\n\n", self.tool, printable(&self.host), self.utc);
        for group in Group::ALL {
            let of = |passed: bool| self.items.iter().filter(|item| item.group == group && item.passed == passed).count();
            let word = if of(false) == 0 && of(true) > 0 { "PASS" } else { "FAIL" };
            // Writing to a String can't fail.
            let _ = writeln!(out, "{word}  {}: {} shown, {} not", group.title(), of(true), of(false));
        }
        for item in self.items.iter().filter(|item| !item.passed) {
            let (expected, found) = (printable(&item.expected), printable(&item.found));
            let _ =
                write!(out, "\n{} ({}): {}\n  expected {expected}\n  found    {found}\n", item.id, item.requirement, printable(&item.what));
        }
        let verdict = if self.qualified {
            "QUALIFIED: on this machine the program does what its qualification pack knows."
        } else {
            "NOT QUALIFIED: don't use this program on this machine; keep the report, and see rig/docs/validation.md."
        };
        let _ = write!(out, "\n{verdict}\n");
        out
    }

    /// Writes the report beside those of earlier qualifications, with its signature, and gives back where.
    pub fn write(&self, folder: &Path, signer: Option<&mut Signer>) -> Result<PathBuf, Failure> {
        let stamp: String = self.utc.chars().filter(|c| !matches!(c, '-' | ':')).collect();
        let path = folder.join(format!("{stamp}_qualification.json"));
        let text = self.json().or_exit(BENCH)?;
        write_whole(folder, &path, text.as_bytes()).or_exit(BENCH)?;
        if let Some(Signer { words, key }) = signer {
            let signature = key.sign(words.role, text.as_bytes()).or_exit(BENCH)?;
            let mut beside = path.clone().into_os_string();
            beside.push(".sig");
            write_whole(folder, Path::new(&beside), &signature).or_exit(BENCH)?;
        }
        Ok(path)
    }
}

fn write_whole(folder: &Path, path: &Path, bytes: &[u8]) -> Result<()> {
    let writing = || format!("failed to write `{}`", path.display());
    fs::create_dir_all(folder).with_context(|| format!("failed to make the folder `{}`", folder.display()))?;
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let mut file = fs::File::create(&partial).with_context(writing)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).with_context(writing)?;
    fs::rename(&partial, path).with_context(writing)
}
