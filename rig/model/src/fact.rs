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
