//! Verdicts, decision rules and the judged row.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Name;
use crate::budget::Component;
use crate::time::RigTime;

/// What is said of a check, a scenario case or a run.
///
/// The order is the order in which one hides another: a FAIL on sound data is hidden by nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verdict {
    /// Everything asked for was shown.
    Pass,
    /// The bench or the pump lacks what it needs.
    Skipped,
    /// Can't be decided at this uncertainty.
    Inconclusive,
    /// Stopped before it was decided.
    Aborted,
    /// The bench or the data is at fault.
    Error,
    /// The board is at fault.
    Fail,
}

impl Verdict {
    pub const ALL: [Self; 6] = [Self::Fail, Self::Error, Self::Aborted, Self::Inconclusive, Self::Skipped, Self::Pass];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Skipped => "SKIPPED",
            Self::Inconclusive => "INCONCLUSIVE",
            Self::Aborted => "ABORTED",
            Self::Error => "ERROR",
            Self::Fail => "FAIL",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How many of each verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    pub fail: u64,
    pub error: u64,
    pub aborted: u64,
    pub inconclusive: u64,
    pub skipped: u64,
    pub pass: u64,
}

impl Counts {
    pub fn add(&mut self, verdict: Verdict) {
        *self.slot(verdict) += 1;
    }

    pub fn of(&self, verdict: Verdict) -> u64 {
        *self.clone().slot(verdict)
    }

    pub fn total(&self) -> u64 {
        Verdict::ALL.iter().map(|v| self.of(*v)).sum()
    }

    /// The verdict over all that was counted; `None` when nothing was.
    pub fn worst(&self) -> Option<Verdict> {
        Verdict::ALL.into_iter().find(|v| self.of(*v) > 0)
    }

    fn slot(&mut self, verdict: Verdict) -> &mut u64 {
        match verdict {
            Verdict::Fail => &mut self.fail,
            Verdict::Error => &mut self.error,
            Verdict::Aborted => &mut self.aborted,
            Verdict::Inconclusive => &mut self.inconclusive,
            Verdict::Skipped => &mut self.skipped,
            Verdict::Pass => &mut self.pass,
        }
    }
}

/// How a measured value with expanded uncertainty U is compared with a tolerance limit TL (ILAC-G8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DecisionRule {
    /// PASS within TL, otherwise FAIL.
    Simple,
    /// PASS within TL − U, otherwise FAIL.
    Guarded,
    /// PASS within TL − U, FAIL beyond TL + U, otherwise INCONCLUSIVE.
    #[default]
    ThreeWay,
}

impl DecisionRule {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::Guarded => "guarded",
            Self::ThreeWay => "three-way",
        }
    }
}

/// A decision rule as it is applied: with its guard band, and with who chose it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    pub rule: DecisionRule,
    /// r in the guard band w = r·U of the guarded rule; 1 for the others. Not negative.
    pub guard_factor: f64,
    pub stated_by: StatedBy,
}

impl Default for Rule {
    fn default() -> Self {
        Self { rule: DecisionRule::default(), guard_factor: 1.0, stated_by: StatedBy::Default }
    }
}

impl From<DecisionRule> for Rule {
    fn from(rule: DecisionRule) -> Self {
        Self { rule, ..Self::default() }
    }
}

/// Who chose a decision rule. The first that says something is heard, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatedBy {
    /// The check in the scenario.
    Check,
    /// A requirement that the check verifies.
    Requirement,
    /// The bench file.
    Bench,
    /// Nobody.
    #[default]
    Default,
}

impl StatedBy {
    /// Taken by reference, as serde hands it out.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
    fn is_default(&self) -> bool {
        *self == Self::Default
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Requirement => "requirement",
            Self::Bench => "bench",
            Self::Default => "default",
        }
    }
}

/// Many values were compared and the extreme one judged: what that does to the risk of a wrong verdict.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Family {
    /// How many windows or readings were compared.
    pub members: u64,
    /// The chance, for each limit, that the family as a whole is judged PASS although one member is beyond it, or FAIL although none is.
    pub risk: f64,
}

/// Tolerance limits in the base unit of the quantity, inclusive. At least one is there.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Limits {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub lower: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub upper: Option<f64>,
}

/// Whether the value lies inside the tolerance limits, whatever the rule makes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    Within,
    Beyond,
}

/// Why a row is not simply the comparison of a value with its limits. A closed, published vocabulary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The value is inside the acceptance limits.
    WithinLimits,
    /// The value is outside the tolerance limits by more than the rule forgives.
    BeyondLimits,
    /// The uncertainty reaches over the limit.
    Undecidable,
    /// Nobody states an uncertainty that the value depends on.
    UncertaintyMissing,
    /// Two instruments that measured the same thing disagree by more than chance explains.
    Disagreement,
    /// The expected state, alarm or reply came in time.
    Observed,
    /// It did not come within its time.
    NotObserved,
    /// It came although it was forbidden.
    Forbidden,
    /// The pump refused a command that it should have taken.
    Refused,
    /// The pump took a command that it should have refused, or refused it for another reason.
    NotRefused,
    /// Port healthy, power on, and no answer.
    Unresponsive,
    /// The window did not end in its time.
    WindowNotEnded,
    /// Facts that the check depends on were lost.
    DataLost,
    /// The channel was never shown to be alive in this run.
    ChannelNotAlive,
    /// A reading was not a number, or outside the range of its instrument.
    OutOfRange,
    /// The instrument's steps are too large for the limits.
    TooCoarse,
    /// There is nothing to compute the value from.
    NoData,
    /// The link or another part of the bench failed.
    BenchFailed,
    /// Another pump answers than the one that the bench file names.
    WrongDut,
    /// The run was stopped.
    Stopped,
    /// An earlier step ended the scenario before this check was reached.
    NotReached,
    /// The scenario's own time limit ran out.
    TimeLimit,
    /// The bench or the pump lacks something that the scenario needs.
    Lacking,
    /// Nobody was there to answer a prompt.
    Unattended,
}

/// One judged comparison, as `results.csv` shows it. Values are in the base unit named by `unit`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckRow {
    /// Where in the scenario, e.g. `steps.4` or `watch.1`.
    pub step: Name,
    /// The check as a person would say it.
    pub check: String,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub requirements: Vec<Name>,
    /// The name of the measured quantity: `volume`, `mean_flow`, `condition_delay`, `state` …
    pub quantity: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub channel: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub nominal: Option<f64>,
    /// Absent when there is none; never NaN or infinite.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub value_text: Option<String>,
    pub unit: String,
    /// How many pulses, readings or windows the value was computed from.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub n: Option<u64>,
    /// `single`, `mean`, `maximum-of-windows`, `minimum-of-windows`, `maximum`, `count` …
    pub statistic: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub window_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub standard_uncertainty: Option<f64>,
    /// Absent for infinitely many.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub effective_dof: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub coverage_factor: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expanded_uncertainty: Option<f64>,
    pub limits: Limits,
    pub rule: DecisionRule,
    /// r in the guard band w = r·U.
    #[serde(skip_serializing_if = "is_one", default = "one")]
    pub guard_factor: f64,
    #[serde(skip_serializing_if = "StatedBy::is_default", default)]
    pub rule_stated_by: StatedBy,
    pub acceptance: Limits,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub probability_of_conformity: Option<f64>,
    /// Where the value is the extreme of many.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub family: Option<Family>,
    /// Half the width of the tolerance, or the distance of a single limit from the nominal value, over U: planning advice, never a verdict.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub test_uncertainty_ratio: Option<f64>,
    /// What the value and its uncertainty are made of; empty where nothing was measured.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub budget: Vec<Component>,
    pub verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub condition: Option<Condition>,
    pub reason_code: Reason,
    pub reason: String,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub certificates: Vec<Name>,
    pub started: RigTime,
    pub ended: RigTime,
}

fn one() -> f64 {
    1.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_one(x: &f64) -> bool {
    *x == 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fail_is_hidden_by_nothing() {
        let mut counts = Counts::default();
        assert_eq!(counts.worst(), None);
        for (add, worst) in [
            (Verdict::Pass, Verdict::Pass),
            (Verdict::Skipped, Verdict::Skipped),
            (Verdict::Inconclusive, Verdict::Inconclusive),
            (Verdict::Aborted, Verdict::Aborted),
            (Verdict::Error, Verdict::Error),
            (Verdict::Fail, Verdict::Fail),
        ] {
            counts.add(add);
            assert_eq!(counts.worst(), Some(worst));
        }
        assert_eq!(counts.total(), 6);
    }
}
