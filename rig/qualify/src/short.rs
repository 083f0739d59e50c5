//! What can be caught where time is short: the scenarios that catch most defects within a length of rig time.

use std::collections::BTreeMap;

use rig_model::Name;
use rig_model::time::Span;

use crate::matrix::Matrix;

/// Branches that are tried before the best that was found is taken.
const MAX_BRANCHES: u32 = 20_000;

/// The choice that catches most within a length of rig time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Short {
    /// Indices into the suite, in its order.
    pub scenarios: Vec<usize>,
    /// Rig time of the sound pump in all of them.
    pub lasts: Span,
    /// Defects that these catch, out of those that any scenario catches.
    pub caught: usize,
    pub catchable: usize,
    /// No choice that takes as long catches more; the same as `caught` where the choice is shown to be the best.
    pub at_most: usize,
    /// How many of the defects that it leaves have each hazard, in the order of the hazards' names.
    pub left: Vec<(Name, usize)>,
}

impl Short {
    pub fn exact(&self) -> bool {
        self.caught == self.at_most
    }
}

/// The scenarios that catch most within this rig time.
pub fn within(matrix: &Matrix, limit: Span) -> Short {
    let defects: Vec<_> = matrix.defects().filter(|(_, s)| s.caught_by().next().is_some()).collect();
    let caught_by: Vec<Vec<usize>> = defects.iter().map(|(_, s)| s.caught_by().collect()).collect();
    let count = matrix.setup.scenarios.len();
    let catches = |i: usize| (0..defects.len()).filter(|d| caught_by[*d].contains(&i)).collect::<Vec<_>>();
    let scenarios: Vec<Way> = (0..count).map(|i| Way { scenario: i, cost: matrix.lasted(i).0.max(1), catches: catches(i) }).collect();
    let (chosen, at_most) = best(&scenarios, defects.len(), limit.0);
    let is_caught = |d: &usize| caught_by[*d].iter().any(|s| chosen.contains(s));
    let caught = (0..defects.len()).filter(is_caught).count();
    let mut left: BTreeMap<Name, usize> = BTreeMap::new();
    for d in (0..defects.len()).filter(|d| !is_caught(d)) {
        defects[d].0.hazards.iter().for_each(|hazard| *left.entry(hazard.clone()).or_default() += 1);
    }
    Short {
        lasts: Span(chosen.iter().map(|i| matrix.lasted(*i).0).sum()),
        scenarios: chosen,
        caught,
        catchable: defects.len(),
        at_most: at_most.max(caught),
        left: left.into_iter().collect(),
    }
}

/// A scenario: what it costs, and which defects it catches.
#[derive(Debug, Clone)]
struct Way {
    scenario: usize,
    cost: i64,
    catches: Vec<usize>,
}

/// The choice, in the order of the suite, and what no choice can beat.
fn best(ways: &[Way], defects: usize, limit: i64) -> (Vec<usize>, usize) {
    let open: Vec<&Way> = ways.iter().filter(|w| w.cost <= limit && !w.catches.is_empty()).collect();
    let mut search = Search { most: 0, best: Vec::new(), branches: 0 };
    let caught = vec![false; defects];
    let root = bound(&ranked(&open, &caught, limit), limit);
    search.branch(&open, &mut Vec::new(), caught, 0, limit);
    let at_most = if search.branches < MAX_BRANCHES { search.most } else { root };
    search.best.sort_unstable();
    (search.best, at_most)
}

struct Search {
    most: usize,
    best: Vec<usize>,
    branches: u32,
}

impl Search {
    fn branch(&mut self, open: &[&Way], chosen: &mut Vec<usize>, caught: Vec<bool>, count: usize, left: i64) {
        if count > self.most {
            (self.most, self.best) = (count, chosen.clone());
        }
        self.branches += 1;
        let ranked = ranked(open, &caught, left);
        if self.branches >= MAX_BRANCHES || count + bound(&ranked, left) <= self.most {
            return;
        }
        let Some(((first, adds), others)) = ranked.split_first() else { return };
        let others: Vec<&Way> = others.iter().map(|(way, _)| *way).collect();
        let mut with = caught.clone();
        first.catches.iter().for_each(|d| with[*d] = true);
        chosen.push(first.scenario);
        self.branch(&others, chosen, with, count + adds, left - first.cost);
        chosen.pop();
        self.branch(&others, chosen, caught, count, left);
    }
}

/// Those that fit and add something, with how much; what adds most for its time first.
fn ranked<'w>(open: &[&'w Way], caught: &[bool], left: i64) -> Vec<(&'w Way, usize)> {
    let adds = |way: &Way| way.catches.iter().filter(|d| !caught[**d]).count();
    let mut ranked: Vec<_> = open.iter().filter(|w| w.cost <= left).map(|w| (*w, adds(w))).filter(|(_, n)| *n > 0).collect();
    // adds(a)/cost(a) > adds(b)/cost(b), without a division.
    let worth = |n: usize, of: &Way| n as i128 * i128::from(of.cost);
    ranked.sort_by(|(a, n), (b, m)| worth(*m, a).cmp(&worth(*n, b)).then(a.scenario.cmp(&b.scenario)));
    ranked
}

/// Together they add no more than each alone, and the last may count by the part of it that still fits.
fn bound(ranked: &[(&Way, usize)], mut left: i64) -> usize {
    let mut sum = 0;
    for (way, adds) in ranked {
        if way.cost > left {
            let part = *adds as i128 * i128::from(left) / i128::from(way.cost);
            return sum + usize::try_from(part).unwrap_or(*adds) + 1;
        }
        left -= way.cost;
        sum += adds;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against every choice there is.
    #[test]
    fn nothing_catches_more_in_the_time() {
        let mut state = 77_u64;
        let mut next = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        for _ in 0..300 {
            let (scenarios, defects) = (1 + next(8) as usize, 1 + next(12) as usize);
            let ways: Vec<Way> = (0..scenarios)
                .map(|scenario| Way { scenario, cost: 1 + next(20) as i64, catches: (0..defects).filter(|_| next(3) == 0).collect() })
                .collect();
            let limit = next(50) as i64;
            let of = |set: u32| ways.iter().filter(move |w| set & (1 << w.scenario) != 0);
            let count = |set: u32| (0..defects).filter(|d| of(set).any(|w| w.catches.contains(d))).count();
            let fits = |set: &u32| of(*set).map(|w| w.cost).sum::<i64>() <= limit;
            let most = (0..1u32 << scenarios).filter(fits).map(count).max().unwrap();
            let (chosen, at_most) = best(&ways, defects, limit);
            let set = chosen.iter().fold(0, |set, i| set | (1 << i));
            assert!(fits(&set) && chosen.is_sorted(), "{ways:?} {chosen:?}");
            assert_eq!((count(set), at_most), (most, most), "{ways:?} {limit}");
        }
    }
}
