//! The approved test plan: what a person gave leave to, by the SHA-256 of every file that it rests on, and how a run differs from it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};

use rig_model::fact::{CaseRef, Header, SourceText};
use serde::{Deserialize, Serialize};

use crate::hash::Sha256Hex;

/// What `PLAN.approved.json` says. These bytes are what is signed, in the namespace of [`crate::Role::Approver`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovedPlan {
    /// Version of this file's layout.
    pub v: u32,
    pub id: String,
    /// From 1.
    pub revision: u64,
    pub title: String,
    pub why: String,
    /// What is other than in the revision before.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub changes: Option<String>,
    /// Who approves, as the file of allowed signers names them (the principal).
    pub approver: String,
    /// The person's name.
    pub name: String,
    /// ISO 8601, UTC, by the approver's clock.
    pub utc: String,
    /// What the signature means, in the approver's words.
    pub meaning: String,
    /// Name and version of the tool.
    pub rig: String,
    /// The plan file as it was read.
    pub plan: PlanText,
    /// The requirements that checks name, with the rules that they state; absent where there was no such file.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub requirements: Option<FileHash>,
    pub tests: Vec<ApprovedTest>,
}

/// The text of the plan file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanText {
    pub path: String,
    pub sha256: Sha256Hex,
    pub text: String,
}

/// A file by its path, as it was when the plan was approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileHash {
    pub path: String,
    pub sha256: Sha256Hex,
}

/// One test of the plan with all that it came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovedTest {
    pub name: String,
    /// Serial numbers of the boards.
    pub duts: Vec<String>,
    pub model: String,
    pub firmware: ApprovedFirmware,
    /// The bench's name, and its file.
    pub bench: String,
    pub bench_file: FileHash,
    /// To which the bench file refers.
    pub certificates: Vec<FileHash>,
    /// How the scenarios are found: files and folders, tags, a text in the case's name.
    pub selection: PlanSelection,
    /// Scenario and fragment files that are found there.
    pub files: Vec<FileHash>,
    pub cases: Vec<ApprovedCase>,
    /// How often each case is played on each board.
    pub repeats: u64,
    /// Checks that the bench can't decide, as the approver was told and allowed.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub undecidable: Vec<String>,
}

/// By what a board shows that it runs the firmware that is meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovedFirmware {
    /// Hexadecimal, in lower case; the board must tell one of them.
    pub build_hashes: Vec<String>,
    /// The file from which they were taken.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub image: Option<FileHash>,
}

/// As `rig run` takes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanSelection {
    pub paths: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub tags: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub filter: Option<String>,
}

/// A case, and how many checks, expectations and watchers judge it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovedCase {
    pub scenario: String,
    pub case: String,
    pub file: String,
    pub checks: usize,
}

#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    #[error("it is no approved plan: {0}")]
    Json(#[from] serde_json::Error),
    #[error("it has layout {found}, expected {}", ApprovedPlan::VERSION)]
    Version { found: u32 },
    #[error("it is not as the rig writes it: the same content in another spelling")]
    Spelling,
}

/// How much of a test a run plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All of it: what is missing is a difference too.
    Whole,
    /// The cases that were named.
    Part,
}

impl ApprovedPlan {
    pub const VERSION: u32 = 1;

    /// As the file holds it: these bytes are what is signed.
    ///
    /// # Errors
    /// None that can happen: there is nothing in it that JSON can't express.
    pub fn render(&self) -> Result<String, serde_json::Error> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        Ok(text)
    }

    /// Takes exactly what [`Self::render`] gives, and so no field that it does not know.
    pub fn parse(text: &str) -> Result<Self, PlanError> {
        #[derive(Deserialize)]
        struct Versioned {
            v: u32,
        }
        // Another layout has other fields: say that it is another rather than what differs.
        let Versioned { v: found } = serde_json::from_str(text)?;
        if found != Self::VERSION {
            return Err(PlanError::Version { found });
        }
        let plan: Self = serde_json::from_str(text)?;
        if plan.render()? != text {
            return Err(PlanError::Spelling);
        }
        Ok(plan)
    }

    pub fn test(&self, name: &str) -> Option<&ApprovedTest> {
        self.tests.iter().find(|t| t.name == name)
    }

    /// In what a run that is about to be played, or was recorded, differs from a test of this plan: sentences without a semicolon, none
    /// where it is what was approved. The board's identity is not in a header, and is another matter.
    pub fn differences(&self, test: &ApprovedTest, header: &Header, extent: Extent) -> Vec<String> {
        let mut found = Vec::new();
        if header.started_utc < self.utc {
            found.push(format!("the run began at {}, before the plan was approved at {}", header.started_utc, self.utc));
        }
        found.extend(test.bench_differs(header));
        found.extend(self.files_differ(test, header, extent));
        found.extend(test.cases_differ(&header.cases, extent));
        found.extend(test.firmware_differs(header));
        found
    }

    fn files_differ(&self, test: &ApprovedTest, header: &Header, extent: Extent) -> Vec<String> {
        let always = test.certificates.iter().chain(&self.requirements);
        let approved: BTreeMap<String, &FileHash> = always.clone().chain(&test.files).map(|f| (plain(&f.path), f)).collect();
        let present: BTreeSet<String> = header.files.iter().map(|f| plain(&f.path)).collect();
        let mut found: Vec<String> = Vec::new();
        for file in &header.files {
            match approved.get(&plain(&file.path)) {
                Some(approved) => found.extend(changed(approved, file)),
                None => found.push(format!("`{}` was added since: the plan has no such file", shown(&file.path))),
            }
        }
        let wanted: Vec<&FileHash> = if extent == Extent::Whole { always.chain(&test.files).collect() } else { always.collect() };
        let missing = wanted.into_iter().filter(|f| !present.contains(&plain(&f.path)));
        found.extend(
            missing.map(|f| format!("`{}` ({}) is missing: the plan was approved with it", shown(&f.path), short(&f.sha256.to_string()))),
        );
        found
    }
}

impl ApprovedTest {
    /// Whether this case is one of the test's.
    pub fn has(&self, scenario: &str, case: &str) -> bool {
        self.cases.iter().any(|c| c.scenario == scenario && c.case == case)
    }

    fn bench_differs(&self, header: &Header) -> Vec<String> {
        let mut found = Vec::new();
        if header.bench != self.bench {
            found.push(format!("the bench is called `{}`, in the plan `{}`", shown(&header.bench), shown(&self.bench)));
        }
        if plain(&header.bench_file.path) == plain(&self.bench_file.path) {
            found.extend(changed(&self.bench_file, &header.bench_file));
        } else {
            let (now, then) = (&header.bench_file, &self.bench_file);
            found.push(format!(
                "the bench file is `{}` ({}), in the plan `{}` ({})",
                shown(&now.path),
                short(&now.sha256),
                shown(&then.path),
                short(&then.sha256.to_string())
            ));
        }
        found
    }

    fn cases_differ(&self, played: &[CaseRef], extent: Extent) -> Vec<String> {
        let name = |scenario: &str, case: &str| if case.is_empty() { shown(scenario) } else { shown(&format!("{scenario} [{case}]")) };
        let extra = played.iter().filter(|c| !self.has(&c.scenario, &c.case));
        let mut found: Vec<String> = extra.map(|c| format!("the case {} is not in the plan", name(&c.scenario, &c.case))).collect();
        if extent == Extent::Whole {
            let there = |c: &&ApprovedCase| !played.iter().any(|p| p.scenario == c.scenario && p.case == c.case);
            let missing = self.cases.iter().filter(there);
            found.extend(missing.map(|c| format!("the case {} of the plan is missing", name(&c.scenario, &c.case))));
        }
        found
    }

    /// An image that the run names must be the plan's own where the plan has one, whatever it says of itself, and else one whose hashes the plan has.
    fn firmware_differs(&self, header: &Header) -> Option<String> {
        let image = header.provenance.firmware.as_ref()?;
        if let Some(planned) = self.firmware.image.as_ref().filter(|planned| planned.sha256.to_string() != image.sha256) {
            return Some(format!(
                "the firmware image `{}` ({}) is another file than the plan's `{}` ({})",
                shown(&image.path),
                short(&image.sha256),
                shown(&planned.path),
                short(&planned.sha256.to_string())
            ));
        }
        let same = image.build_hashes.iter().any(|hash| self.firmware.build_hashes.contains(hash));
        let planned: Vec<&str> = self.firmware.build_hashes.iter().map(|h| short(h)).collect();
        (!same).then(|| {
            format!("the firmware image `{}` ({}) is not the plan's ({})", shown(&image.path), short(&image.sha256), planned.join(" or "))
        })
    }
}

/// Nothing where the file is the one that was approved.
fn changed(approved: &FileHash, file: &SourceText) -> Option<String> {
    let then = approved.sha256.to_string();
    (file.sha256 != then).then(|| {
        format!("`{}` has changed since it was approved: it was {}, and is {}", shown(&file.path), short(&then), short(&file.sha256))
    })
}

/// A path by its parts, so that `./a//b` is `a/b`.
fn plain(path: &str) -> String {
    let parts = Path::new(path).components().filter(|part| *part != Component::CurDir);
    parts.collect::<std::path::PathBuf>().display().to_string()
}

/// Enough of a hash to tell it from another, for people.
fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

/// Names from files, in a sentence: reasons are separated by semicolons where several stand in one cell.
fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || c == ';' { '\u{fffd}' } else { c }).collect()
}
