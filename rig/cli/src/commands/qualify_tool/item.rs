//! One thing that is shown, with what was expected and what was found.

use std::fmt;

use serde::Serialize;

/// Which part of the qualification an item belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// Known answers of the arithmetic behind every value.
    Metrology,
    /// Known verdicts.
    Verdicts,
    /// Known bytes of the link.
    Link,
    /// Pumps that are known to be sound or defective.
    Pumps,
    /// Known signatures.
    Signatures,
    /// Records that were altered.
    Tampering,
}

impl Group {
    pub const ALL: [Self; 6] = [Self::Metrology, Self::Verdicts, Self::Link, Self::Pumps, Self::Signatures, Self::Tampering];

    /// What its items' ids begin with.
    fn prefix(self) -> &'static str {
        match self {
            Self::Metrology => "MET",
            Self::Verdicts => "VER",
            Self::Link => "LNK",
            Self::Pumps => "PMP",
            Self::Signatures => "SIG",
            Self::Tampering => "TMP",
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Metrology => "Known answers of the arithmetic",
            Self::Verdicts => "Known verdicts",
            Self::Link => "Known bytes of the link",
            Self::Pumps => "Pumps that are known to be sound or defective",
            Self::Signatures => "Known signatures",
            Self::Tampering => "Records that were altered",
        }
    }
}

#[derive(Debug, Clone, Serialize)]
pub struct Item {
    pub id: String,
    pub group: Group,
    /// The user requirement of `rig/docs/validation.md` that it shows.
    pub requirement: &'static str,
    /// What is shown, and from where the expectation is taken.
    pub what: String,
    pub expected: String,
    pub found: String,
    pub passed: bool,
}

/// Items in the order in which they were shown, numbered within their group.
#[derive(Debug, Default)]
pub struct Items(pub Vec<Item>);

impl Items {
    pub fn add(&mut self, group: Group, requirement: &'static str, what: impl Into<String>, expected: String, found: String, passed: bool) {
        let number = self.0.iter().filter(|item| item.group == group).count() + 1;
        let id = format!("{}-{number:02}", group.prefix());
        self.0.push(Item { id, group, requirement, what: what.into(), expected, found, passed });
    }

    /// Two things that must be the same when they are written.
    pub fn same(
        &mut self,
        group: Group,
        requirement: &'static str,
        what: impl Into<String>,
        expected: impl fmt::Display,
        found: impl fmt::Display,
    ) {
        let (expected, found) = (expected.to_string(), found.to_string());
        let passed = expected == found;
        self.add(group, requirement, what, expected, found, passed);
    }

    /// A number that must be within `within` of what is expected; NaN never is.
    pub fn close(&mut self, requirement: &'static str, what: impl Into<String>, expected: f64, within: f64, found: f64) {
        let passed = (found - expected).abs() <= within;
        self.add(Group::Metrology, requirement, what, format!("{expected} ± {within}"), found.to_string(), passed);
    }
}
