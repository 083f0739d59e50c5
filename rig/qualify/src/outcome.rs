//! What came of one unit: a scenario played once on one pump.

use rig_model::Name;
use rig_model::time::Span;
use rig_model::verdict::Verdict;
use serde::{Deserialize, Serialize};

use crate::setup::Unit;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Played {
    #[serde(flatten)]
    pub unit: Unit,
    /// SHA-256 of everything that the outcome depends on; hexadecimal. Whoever has the same key needs not be played again.
    pub key: String,
    pub ending: Ending,
    /// As far as they were played.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub cases: Vec<CaseOutcome>,
    /// The bench that was drawn, where something speaks against the sound pump on it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub drawn: Option<DrawnBench>,
}

/// A bench that was drawn from a seed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrawnBench {
    /// What was drawn, for people.
    pub told: String,
    /// The bench file that describes it.
    pub text: String,
}

impl DrawnBench {
    /// What its file is called in the folder of the qualification.
    pub fn file_name(seed: u64) -> String {
        format!("drawn-{seed}.toml")
    }
}

impl Played {
    /// The worst of the cases, if the scenario came to its end.
    pub fn verdict(&self) -> Option<Verdict> {
        if self.ending != Ending::Whole {
            return None;
        }
        self.cases.iter().map(|c| c.verdict).max()
    }

    /// How long it took in rig time.
    pub fn lasted(&self) -> Span {
        Span(self.cases.iter().fold(0, |sum, c| sum.saturating_add(c.lasted.0)))
    }
}

/// How the playing of a unit ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Every case was judged.
    Whole,
    /// It went on for longer than any pump needs, and was ended.
    Hung,
    /// The program that held the pump broke down; why.
    Died(String),
    /// It was not begun; why.
    NotPlayed(String),
    /// The bench that the scenario is played on besides can't have this pump; why.
    NotApplicable(String),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseOutcome {
    /// Empty where the scenario has no matrix.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub case: String,
    pub verdict: Verdict,
    /// Rig time from its start to its end, ns.
    pub lasted: Span,
    /// Why it is not PASS, where no row says so.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub reason: String,
    /// Rows that are FAIL, and of the sound pump also those that are ERROR or ABORTED.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub rows: Vec<Row>,
    /// How many rows are INCONCLUSIVE.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub inconclusive: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// A judged row, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    pub verdict: Verdict,
    pub step: Name,
    /// As a person would say it.
    pub check: String,
    pub quantity: String,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub requirements: Vec<Name>,
    /// When it was decided, in rig time since the start of its case, ns.
    pub at: Span,
    /// In a sentence; kept for the sound pump only.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub reason: String,
}
