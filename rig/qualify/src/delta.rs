//! What of an earlier qualification still holds, and what has changed since.

use std::collections::BTreeMap;

use rig_model::Name;

use crate::matrix::{Matrix, Status};
use crate::outcome::{Ending, Played};

/// Outcomes of an earlier qualification, by all that they depend on.
#[derive(Debug, Clone, Default)]
pub struct Reusable(BTreeMap<String, Played>);

impl Reusable {
    /// What was not played then is not kept: it may be playable now.
    pub fn new(outcomes: impl IntoIterator<Item = Played>) -> Self {
        let played = outcomes.into_iter().filter(|p| !matches!(p.ending, Ending::NotPlayed(_) | Ending::NotApplicable(_)));
        Self(played.map(|p| (p.key.clone(), p)).collect())
    }

    /// The outcome with this key. Whoever plays the same again gets the same.
    pub fn get(&self, key: &str) -> Option<&Played> {
        self.0.get(key)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// How a defect stands otherwise than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub defect: Name,
    /// Nothing where the defect is new, or gone.
    pub before: Option<Status>,
    pub now: Option<Status>,
}

/// Defects that stand otherwise than before, in the order of the present catalogue, then those that are gone.
pub fn changes(before: &Matrix, now: &Matrix) -> Vec<Change> {
    let status = |matrix: &Matrix, id: &Name| matrix.defects().find(|(pump, _)| pump.id == *id).map(|(_, standing)| standing.status);
    let gone = before.defects().map(|(pump, _)| &pump.id).filter(|id| status(now, id).is_none());
    let all = now.defects().map(|(pump, _)| &pump.id).chain(gone);
    all.map(|id| Change { defect: id.clone(), before: status(before, id), now: status(now, id) }).filter(|c| c.before != c.now).collect()
}
