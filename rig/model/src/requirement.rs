//! What must be shown of a pump, and how.

use crate::Name;
use crate::verdict::Rule;

/// One row of the table of requirements.
#[derive(Debug, Clone, PartialEq)]
pub struct Requirement {
    pub id: Name,
    pub text: String,
    /// Where it comes from: ids of the published requirement catalogues.
    pub source: String,
    /// The hazards that it controls.
    pub hazards: Vec<Name>,
    /// What it is about: delivery, alarm, link …
    pub class: String,
    /// The decision rule by which conformity is to be shown, if it states one.
    pub rule: Option<Rule>,
    pub verification: Verification,
    /// Why it is not verified by a test of this rig, or not yet; empty for those that are.
    pub why: String,
}

/// How conformity with a requirement is to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verification {
    /// By checks in scenarios.
    #[default]
    Test,
    /// By checks that nobody has written yet, or of something that the pump does not do yet.
    Planned,
    /// By people who read: no rig can observe it.
    Review,
    /// By calculation, data sheet or another laboratory.
    Analysis,
    /// By nothing here: the pump has no such function, by design, and something else controls the hazard.
    Absent,
}

impl Verification {
    pub const ALL: [Self; 5] = [Self::Test, Self::Planned, Self::Review, Self::Analysis, Self::Absent];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Planned => "planned",
            Self::Review => "review",
            Self::Analysis => "analysis",
            Self::Absent => "absent",
        }
    }
}
