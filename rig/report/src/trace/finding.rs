//! What is missing in the trace, or can't be relied on.

use rig_model::Name;
use serde::Serialize;

use super::gather::Key;

/// In the order in which they are shown: what somebody must look at first comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A check of the firmware in question is FAIL in some run, whatever came after.
    Fail,
    /// A deviation that is not closed.
    Deviation,
    /// A verdict that would count, of a row that by its deviation is not to be relied on.
    Discarded,
    /// A deviation that finds the firmware in question at fault.
    FirmwareDefect,
    /// A run that the ledger knows and that is not there.
    GoneRun,
    /// A record that can't be read to its end.
    Damaged,
    /// No check verifies the requirement.
    Uncovered,
    /// A verdict that counts is neither PASS nor FAIL.
    NotShown,
    /// A check that no run has judged.
    NotRun,
    /// The verdict is of another firmware.
    Stale,
    /// Requirement, scenario, limit or rule are no longer what they were.
    Suspect,
    /// A check names a requirement that the table does not have.
    Unknown,
    /// No check verifies the requirement, and the table says that one is wanted.
    Planned,
    /// A verdict of a run that is no evidence.
    NotEvidence,
    /// A record that was cut off.
    CutOff,
    /// Any other deviation: it is decided, and touches no verdict that counts.
    Decided,
    /// A check that verifies no requirement.
    Untraced,
    /// A verdict on a check that there is no more.
    Gone,
}

impl Kind {
    pub const ALL: [Self; 18] = [
        Self::Fail,
        Self::Deviation,
        Self::Discarded,
        Self::FirmwareDefect,
        Self::GoneRun,
        Self::Damaged,
        Self::Uncovered,
        Self::NotShown,
        Self::NotRun,
        Self::Stale,
        Self::Suspect,
        Self::Unknown,
        Self::Planned,
        Self::NotEvidence,
        Self::CutOff,
        Self::Decided,
        Self::Untraced,
        Self::Gone,
    ];

    /// The word of `trace.csv` and of the JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Uncovered => "uncovered",
            Self::Planned => "planned",
            Self::NotShown => "not_shown",
            Self::NotRun => "not_run",
            Self::Stale => "stale",
            Self::Suspect => "suspect",
            Self::Deviation => "deviation",
            Self::Discarded => "discarded",
            Self::FirmwareDefect => "firmware_defect",
            Self::Decided => "decided",
            Self::Unknown => "unknown",
            Self::Damaged => "damaged",
            Self::GoneRun => "gone_run",
            Self::NotEvidence => "not_evidence",
            Self::CutOff => "cut_off",
            Self::Untraced => "untraced",
            Self::Gone => "gone",
        }
    }

    /// As a heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Fail => "FAIL",
            Self::Uncovered => "requirements that no check verifies",
            Self::Planned => "requirements whose check is only planned",
            Self::NotShown => "checks that did not show conformity",
            Self::NotRun => "checks that no run has judged",
            Self::Stale => "verdicts of another firmware",
            Self::Suspect => "suspect links: something changed since the verdict",
            Self::Deviation => "open deviations",
            Self::Discarded => "verdicts of rows that by a deviation are not to be relied on",
            Self::FirmwareDefect => "deviations that find the firmware at fault",
            Self::Decided => "other deviations, which are decided",
            Self::Unknown => "requirements that checks name and the table does not have",
            Self::Damaged => "records that can't be read to their end",
            Self::GoneRun => "runs that the ledger knows and that are not there",
            Self::NotEvidence => "verdicts of runs that are no evidence",
            Self::CutOff => "records that were cut off: what was proven by then stands",
            Self::Untraced => "checks that verify no requirement",
            Self::Gone => "verdicts on checks that there are no more",
        }
    }

    /// Whether it stands in the way of "all is covered, fresh and PASS".
    pub const fn counts(self) -> bool {
        !matches!(self, Self::NotEvidence | Self::CutOff | Self::Decided | Self::Untraced | Self::Gone)
    }
}

/// One of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    pub kind: Kind,
    /// The requirement or requirements that it touches.
    pub requirements: Vec<Name>,
    pub key: Option<Key>,
    /// Folder of the run.
    pub run: Option<String>,
    /// In a sentence.
    pub what: String,
}
