//! The cheapest scenarios that still catch everything: a weighted set cover, exact where that is quick.

use rig_model::time::Span;

use crate::matrix::Matrix;

/// Branches that are tried before the best that was found is taken. A catalogue of a hundred defects takes a few hundred.
const MAX_BRANCHES: u32 = 200_000;

/// What each scenario costs beside its rig time, so that of two ways that take the same time the one with fewer scenarios is better.
const EACH: Span = Span::milliseconds(1);

/// Scenarios that together catch every defect that any scenario catches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subset {
    /// Indices into the suite, in its order.
    pub scenarios: Vec<usize>,
    /// Rig time of the sound pump in all of them.
    pub lasts: Span,
    /// No choice takes less than this; the same as `lasts` where the choice is shown to be the best.
    pub at_least: Span,
}

impl Subset {
    pub fn exact(&self) -> bool {
        self.lasts == self.at_least
    }
}

/// The subset with the least rig time.
pub fn smallest(matrix: &Matrix) -> Subset {
    let catching: Vec<Vec<usize>> = matrix.defects().map(|(_, s)| s.caught_by().collect::<Vec<_>>()).filter(|by| !by.is_empty()).collect();
    let costs: Vec<i64> = (0..matrix.setup.scenarios.len()).map(|i| matrix.lasted(i).0.max(0).saturating_add(EACH.0)).collect();
    let Cover { chosen, bound } = cover(&catching, &costs);
    let lasts = Span(chosen.iter().map(|i| matrix.lasted(*i).0).sum());
    let exact = chosen.iter().map(|i| costs[*i]).sum::<i64>() == bound;
    // The bound counts what each scenario costs beside its time; there are no more of them than in the choice.
    let at_least = if exact { lasts } else { Span((bound - EACH.0.saturating_mul(costs.len() as i64)).clamp(0, lasts.0)) };
    Subset { scenarios: chosen, lasts, at_least }
}

struct Cover {
    chosen: Vec<usize>,
    /// No cover costs less.
    bound: i64,
}

/// `catching` has for each defect the scenarios that catch it, never none.
fn cover(catching: &[Vec<usize>], costs: &[i64]) -> Cover {
    let best = greedy(catching, costs);
    let least_cost = cost(&best, costs);
    let open: Vec<usize> = (0..catching.len()).collect();
    let root = lower_bound(catching, costs, &open);
    let mut search = Search { catching, costs, best, least_cost, branches: 0 };
    search.branch(&mut Vec::new(), 0, &open);
    let Search { mut best, least_cost, branches, .. } = search;
    best.sort_unstable();
    let bound = if branches < MAX_BRANCHES { least_cost } else { root };
    Cover { chosen: best, bound }
}

fn cost(chosen: &[usize], costs: &[i64]) -> i64 {
    chosen.iter().map(|i| costs[*i]).sum()
}

/// At each step the scenario that costs least for each defect that it adds.
fn greedy(catching: &[Vec<usize>], costs: &[i64]) -> Vec<usize> {
    let mut open: Vec<usize> = (0..catching.len()).collect();
    let mut chosen = Vec::new();
    while !open.is_empty() {
        let adds = |s: usize| open.iter().filter(|d| catching[**d].contains(&s)).count() as i128;
        let price = |s: &usize| adds(*s);
        let better = |a: &usize, b: &usize| {
            let (of_a, of_b) = (price(a), price(b));
            // a costs less for each than b: cost(a)/adds(a) < cost(b)/adds(b), without a division.
            (i128::from(costs[*a]) * of_b).cmp(&(i128::from(costs[*b]) * of_a)).then(a.cmp(b))
        };
        let Some(next) = (0..costs.len()).filter(|s| adds(*s) > 0).min_by(better) else { break };
        open.retain(|d| !catching[*d].contains(&next));
        chosen.push(next);
    }
    chosen
}

/// Defects of which no two are caught by the same scenario each need one of their own, the cheapest at least.
fn lower_bound(catching: &[Vec<usize>], costs: &[i64], open: &[usize]) -> i64 {
    let mut by_choice: Vec<usize> = open.to_vec();
    by_choice.sort_by_key(|d| (catching[*d].len(), *d));
    let mut used = vec![false; costs.len()];
    let mut bound = 0;
    for d in by_choice {
        if catching[d].iter().all(|s| !used[*s]) {
            catching[d].iter().for_each(|s| used[*s] = true);
            bound += catching[d].iter().map(|s| costs[*s]).min().unwrap_or(0);
        }
    }
    bound
}

struct Search<'a> {
    catching: &'a [Vec<usize>],
    costs: &'a [i64],
    best: Vec<usize>,
    least_cost: i64,
    branches: u32,
}

impl Search<'_> {
    fn branch(&mut self, chosen: &mut Vec<usize>, spent: i64, open: &[usize]) {
        self.branches += 1;
        if self.branches >= MAX_BRANCHES {
            return;
        }
        // The defect that the fewest scenarios catch leaves the fewest ways to go on.
        let Some(hardest) = open.iter().min_by_key(|d| (self.catching[**d].len(), **d)) else {
            if spent < self.least_cost {
                (self.best, self.least_cost) = (chosen.clone(), spent);
            }
            return;
        };
        if spent + lower_bound(self.catching, self.costs, open) >= self.least_cost {
            return;
        }
        let mut ways = self.catching[*hardest].clone();
        ways.sort_by_key(|s| (self.costs[*s], *s));
        for scenario in ways {
            let left: Vec<usize> = open.iter().copied().filter(|d| !self.catching[*d].contains(&scenario)).collect();
            chosen.push(scenario);
            self.branch(chosen, spent + self.costs[scenario], &left);
            chosen.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(catching: &[&[usize]], costs: &[i64], chosen: &[usize], bound: i64) {
        let catching: Vec<Vec<usize>> = catching.iter().map(|by| by.to_vec()).collect();
        let found = cover(&catching, costs);
        assert_eq!((found.chosen.as_slice(), found.bound), (chosen, bound), "{catching:?}");
    }

    #[test]
    fn the_cheapest_choice_is_found() {
        check(&[], &[5, 5], &[], 0);
        check(&[&[0, 1]], &[5, 4], &[1], 4);
        // One dear scenario against two cheap ones, both ways.
        check(&[&[0, 2], &[1, 2]], &[3, 3, 5], &[2], 5);
        check(&[&[0, 2], &[1, 2]], &[2, 2, 5], &[0, 1], 4);
        // By price for each defect 2 would be taken first, and then both others.
        check(&[&[0, 2], &[0, 2], &[1, 2], &[1, 2], &[0], &[1]], &[4, 4, 3], &[0, 1], 8);
    }

    /// Against every subset there is.
    #[test]
    fn nothing_is_cheaper() {
        let mut state = 12_345_u64;
        let mut next = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        for _ in 0..200 {
            let scenarios = 2 + next(7) as usize;
            let costs: Vec<i64> = (0..scenarios).map(|_| 1 + next(20) as i64).collect();
            let catching: Vec<Vec<usize>> = (0..1 + next(12))
                .map(|_| {
                    let mut by: Vec<usize> = (0..scenarios).filter(|_| next(3) == 0).collect();
                    by.push(next(scenarios as u64) as usize);
                    by.sort_unstable();
                    by.dedup();
                    by
                })
                .collect();
            let covers = |set: u32| catching.iter().all(|by| by.iter().any(|s| set & (1 << s) != 0));
            let price = |set: u32| (0..scenarios).filter(|s| set & (1 << s) != 0).map(|s| costs[s]).sum::<i64>();
            let least = (0..1u32 << scenarios).filter(|set| covers(*set)).map(price).min().unwrap_or(0);
            let found = cover(&catching, &costs);
            assert_eq!(cost(&found.chosen, &costs), least, "{catching:?} {costs:?}");
            assert_eq!(found.bound, least);
            assert!(lower_bound(&catching, &costs, &(0..catching.len()).collect::<Vec<_>>()) <= least);
        }
    }
}
