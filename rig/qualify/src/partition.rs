//! One qualification spread over several machines, and put together again.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::outcome::Played;
use crate::setup::{Setup, Unit};

/// Part K of N, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partition {
    part: usize,
    of: usize,
}

/// More machines than this play no suite.
const MAX_PARTS: usize = 10_000;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no part of a whole: K/N with K from 1 to N and N at most {MAX_PARTS}, e.g. `2/4`")]
pub struct PartitionError {
    text: String,
}

impl FromStr for Partition {
    type Err = PartitionError;

    fn from_str(text: &str) -> Result<Self, PartitionError> {
        let parts = text.split_once('/').and_then(|(part, of)| Some((part.parse().ok()?, of.parse().ok()?)));
        match parts {
            Some((part, of)) if 1 <= part && part <= of && of <= MAX_PARTS => Ok(Self { part, of }),
            _ => Err(PartitionError { text: text.to_owned() }),
        }
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.part, self.of)
    }
}

impl Partition {
    /// The units of this part. Scenarios differ in length by far more than pumps do, so that each part gets some of each scenario.
    pub fn of(self, setup: &Setup) -> Vec<Unit> {
        let rounds = setup.scenarios.len().max(1);
        let mine = |i: usize| (i % rounds + i / rounds) % self.of == self.part - 1;
        setup.units().into_iter().enumerate().filter(|(i, _)| mine(*i)).map(|(_, unit)| unit).collect()
    }
}

/// Why parts make no whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnionError {
    #[error("{missing} of {all} outcomes are in none of the parts, e.g. {example}")]
    Missing { missing: usize, all: usize, example: String },
    #[error("two parts have another outcome of {unit}")]
    Differ { unit: String },
}

/// The outcomes of the whole, in the order of the setup, whatever part they come from. Outcomes of something else are left out.
///
/// # Errors
/// When something was played in no part, or came out otherwise in two.
pub fn union(setup: &Setup, parts: impl IntoIterator<Item = Played>) -> Result<Vec<Played>, UnionError> {
    let mut found: BTreeMap<Unit, Played> = BTreeMap::new();
    for played in parts {
        let unit = played.unit.clone();
        if let Some(other) = found.get(&unit)
            && *other != played
        {
            return Err(UnionError::Differ { unit: unit.to_string() });
        }
        found.insert(unit, played);
    }
    let units = setup.units();
    let all = units.len();
    let mut missing = units.iter().filter(|unit| !found.contains_key(unit));
    if let Some(example) = missing.next() {
        return Err(UnionError::Missing { missing: 1 + missing.count(), all, example: example.to_string() });
    }
    Ok(units.into_iter().filter_map(|unit| found.remove(&unit)).collect())
}
