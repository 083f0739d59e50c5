//! The stream of facts and the sink that takes it. Everything that is ever shown, counted or judged is in it.

use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::input::{Action, Input};
use crate::time::RigTime;

/// One entry of the journal, before it has a number.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// When it happened, at its source.
    pub at: RigTime,
    /// When it reached the rig, where that is a different thing. Not part of what must be equal between machines.
    pub arrival: Option<RigTime>,
    pub body: Body,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// Always the first fact, and only that.
    Header(Box<Header>),
    Input(Input),
    Action(Action),
    Event(Event),
    /// About the record itself: nothing is concluded from it, and a replay passes over it.
    Note(Note),
}

/// What the rig notes down of its own surroundings. The words of `kind` share the journal with those of inputs, actions and events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
pub enum Note {
    /// The clock on the wall at the end of a run in real time.
    WallClock(WallClock),
    /// Why the run is no evidence after all, as came to light while it was played; in a sentence without a semicolon.
    NotEvidence { why: String },
}

/// What a run is, so that it can be played again: everything that the events follow from, besides the inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Name and version of the tool.
    pub tool: String,
    pub run_id: String,
    /// ISO 8601, UTC.
    pub started_utc: String,
    pub bench: String,
    pub simulated: bool,
    /// What the rig found on a real bench that is no hardware, in sentences.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub simulated_because: Vec<String>,
    /// What everybody who reads a report of the run must know of the bench, in sentences without a semicolon: calibration that is missing,
    /// has run out, or states no uncertainty.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub warnings: Vec<String>,
    /// Whether the run may be labelled evidence. Never for anything simulated.
    pub evidence: bool,
    pub seed: u64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub defect: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub operator: Option<String>,
    pub allow_skipped: bool,
    /// Inputs were delayed and batched at random on their way to the rig.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub delivery_delay: bool,
    /// The dose oracle watches each case and gives rows of its own.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub dose_oracle: bool,
    /// The cases that were asked for, in order.
    pub cases: Vec<CaseRef>,
    pub bench_file: SourceText,
    /// Every scenario and fragment file that was read, and every certificate to which the bench file refers by file.
    pub files: Vec<SourceText>,
    /// The computer at a real bench, as it names itself: model, SoC, revision.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub machine: Option<String>,
    /// Host, target, kernel: not part of what must be equal between machines.
    pub host: String,
    /// Where tool, firmware and permission come from. Not part of what must be equal between machines.
    #[serde(skip_serializing_if = "Provenance::is_empty", default)]
    pub provenance: Box<Provenance>,
}

/// What an auditor asks of a run besides what was played: by which build of the rig, on which firmware image, by whose leave, under which sky.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Number of the run in the ledger of its reports folder, from 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub number: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rig: Option<RigBuild>,
    /// The clock on the wall as the run began.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub clock: Option<WallClock>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub environment: Option<Environment>,
    /// The image that the board must run.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub firmware: Option<FirmwareImage>,
    /// The test plan that was approved before the run.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub approval: Option<Approval>,
    /// The runs that this one repeats.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub rerun_of: Vec<Predecessor>,
    /// Why the run is no evidence, in sentences without a semicolon; empty only where [`Header::evidence`] is set.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub not_evidence: Vec<String>,
}

impl Provenance {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The program that plays, as it was built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RigBuild {
    pub version: String,
    /// Commit of its sources, hexadecimal; absent where it was not built in a checkout.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub commit: Option<String>,
    /// Sources that differed from the commit.
    pub uncommitted: bool,
    /// Target triple and profile.
    pub target: String,
    pub profile: String,
    /// SHA-256 of `Cargo.lock`, hexadecimal.
    pub lock_sha256: String,
    /// SHA-256 of the running executable, hexadecimal; absent where it can't be read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub executable_sha256: Option<String>,
}

/// The clock on the wall, which serves people, due dates and signatures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WallClock {
    /// ISO 8601, UTC.
    pub utc: String,
    /// Whether the kernel says that something disciplines it.
    pub synchronised: bool,
    /// The kernel's estimate of its greatest error, in ms; absent where it has none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub max_error_ms: Option<f64>,
    /// What drives the kernel's clock, as it names it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub source: Option<String>,
}

/// The air around the bench and the liquid in it, as the operator stated them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    /// In °C.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub temperature: Option<f64>,
    /// Relative, in %.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub humidity: Option<f64>,
    /// Absolute, in hPa.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub air_pressure: Option<f64>,
    /// What is pumped, with its lot.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub liquid: Option<String>,
}

/// A firmware image, and by which build hashes a board shows that it runs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirmwareImage {
    pub path: String,
    /// Of the file, hexadecimal.
    pub sha256: String,
    pub bytes: u64,
    /// Build hashes, hexadecimal, of which the board must tell one: what the image says of itself, and the beginning of its SHA-256.
    pub build_hashes: Vec<String>,
}

/// A test plan and the signature that approves it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The approved plan as it was read.
    pub document: SourceText,
    /// SSHSIG over its bytes, armored.
    pub signature: String,
    /// Which of the plan's tests is played.
    pub test: String,
}

/// A run that came before and is repeated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Predecessor {
    pub run_id: String,
    pub folder: String,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseRef {
    pub file: String,
    pub scenario: String,
    pub case: String,
}

/// The text of a file as it was read, with its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceText {
    pub path: String,
    /// Hexadecimal.
    pub sha256: String,
    pub text: String,
}

/// Why a sink did not take a fact.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct SinkError {
    pub what: String,
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Takes facts in their order: the journal, and the views beside it.
pub trait FactSink {
    fn record(&mut self, fact: &Fact) -> Result<(), SinkError>;
}

/// Keeps all facts; for tests and short runs.
impl FactSink for Vec<Fact> {
    fn record(&mut self, fact: &Fact) -> Result<(), SinkError> {
        self.push(fact.clone());
        Ok(())
    }
}
