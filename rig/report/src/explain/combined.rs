//! How the components of a budget are combined, so that it can be followed with a pocket calculator.

use rig_metrology::{COVERAGE, Measured, family_coverage_factor, t_factor};
use rig_model::budget::Component;
use rig_model::quantity::Figures;
use rig_model::verdict::{CheckRow, Family};

use super::of;
use crate::budgets::{shares, unstated};

/// The same arithmetic on the same numbers: whatever differs by more than rounding does not come from this budget.
const ROUNDING: f64 = 1e-9;
/// What k = 2 leaves beyond one limit: the risk that the extreme of many is judged by.
const ONE_SIDED_RISK: f64 = (1.0 - COVERAGE) / 2.0;

/// A budget, combined again, beside what the row states.
#[derive(Debug)]
pub(super) struct Combined {
    pub(super) measured: Measured,
    pub(super) agrees: bool,
}

impl Combined {
    /// `None` without a budget.
    pub(super) fn of(row: &CheckRow) -> Option<Self> {
        if row.budget.is_empty() {
            return None;
        }
        let measured = Measured::new(row.value.unwrap_or(f64::NAN), row.budget.clone());
        let measured = match row.family {
            Some(family) => measured.extreme_of(family.members),
            None => measured,
        };
        let estimate = measured.estimate;
        let agrees = row.value.is_none()
            || same(row.standard_uncertainty, estimate.standard_uncertainty)
                && same(row.effective_dof, estimate.effective_dof)
                && same(row.expanded_uncertainty, estimate.expanded());
        Some(Self { measured, agrees })
    }

    pub(super) fn lines(&self, row: &CheckRow) -> Vec<String> {
        let mut lines = Vec::new();
        if row.budget.iter().any(|c| c.common) {
            lines.push("common: errs the same way in every measurement of this bench, so that repetition averages nothing out".to_owned());
        }
        let missing = unstated(&row.budget);
        if !missing.is_empty() {
            let known = contributions(row.budget.iter());
            lines.push(format!("u is not known, because nobody states the uncertainty of: {}", missing.join(", ")));
            lines.push(format!("what is stated comes to {} = {}", root(&known), of(size(&known), &row.unit)));
            return lines;
        }
        let all = contributions(row.budget.iter());
        let estimate = self.measured.estimate;
        lines.push(format!("u = {} = {}", root(&all), of(estimate.standard_uncertainty, &row.unit)));
        lines.push(self.dof(row));
        match row.family {
            Some(family) => lines.extend(self.of_many(row, family)),
            None => lines.extend(self.of_one(row)),
        }
        lines.extend(largest(row).map(|(names, share)| largest_words(&names, share)));
        if !self.agrees {
            lines.push(format!(
                "THE ROW SAYS SOMETHING ELSE: u = {}, U = {}",
                or_none(row.standard_uncertainty, &row.unit),
                or_none(row.expanded_uncertainty, &row.unit)
            ));
        }
        lines
    }

    fn dof(&self, row: &CheckRow) -> String {
        let dof = self.measured.estimate.effective_dof;
        if dof.is_infinite() {
            return "ν_eff = ∞ (Welch–Satterthwaite), as no component has limited degrees of freedom".to_owned();
        }
        let terms = row.budget.iter().filter_map(|c| Some(format!("{}⁴/{}", Figures(c.contribution()?), Figures(c.dof?))));
        let terms = terms.collect::<Vec<_>>().join(" + ");
        format!("ν_eff = u⁴ / ({terms}) = {} (Welch–Satterthwaite)", Figures(dof))
    }

    fn of_one(&self, row: &CheckRow) -> [String; 2] {
        let estimate = self.measured.estimate;
        let (k, u) = (estimate.coverage_factor, estimate.standard_uncertainty);
        [
            format!("k = {}, which covers 95.45 % at ν_eff (Student; GUM G.3)", Figures(k)),
            format!("U = k·u = {} × {} = {}", Figures(k), Figures(u), of(estimate.expanded(), &row.unit)),
        ]
    }

    /// The extreme of many: what errs in all alike keeps its factor, what errs in each by itself is picked out.
    fn of_many(&self, row: &CheckRow, family: Family) -> Vec<String> {
        let estimate = self.measured.estimate;
        let (u, expanded) = (estimate.standard_uncertainty, estimate.expanded());
        let alone = t_factor(estimate.effective_dof);
        let common = contributions(row.budget.iter().filter(|c| c.common));
        let single = contributions(row.budget.iter().filter(|c| !c.common));
        let (c, s) = (size(&common), size(&single));
        let mut lines = vec![
            format!(
                "the value is the extreme of {}: what errs in each of them by itself is picked out, what errs in all alike is not",
                family.members
            ),
            format!("  in all alike:      {} = {}, with k = {} as for one value", root(&common), of(c, &row.unit), Figures(alone)),
        ];
        let (picked, words) = if single.is_empty() {
            lines.push("  in each by itself: nothing".to_owned());
            (0.0, "0".to_owned())
        } else if family.risk < 1.5 * ONE_SIDED_RISK {
            // By bounds, which nothing exceeds: the risk is that of what errs in all alike, and else twice as large.
            let bound: f64 = row.budget.iter().filter(|c| !c.common && c.contribution() != Some(0.0)).filter_map(|c| c.bound).sum();
            let (s, b) = (of(s, &row.unit), of(bound, &row.unit));
            lines.push(format!("  in each by itself: {} = {s}, but never more than the sum of their bounds, {b}", root(&single)));
            (bound, Figures(bound).to_string())
        } else {
            let z = family_coverage_factor(f64::INFINITY, COVERAGE, family.members);
            let (risk, with) = (Figures(ONE_SIDED_RISK * 100.0), of(s, &row.unit));
            let exceeded = format!("exceeded with a chance of {risk} % / {}", family.members);
            lines.push(format!("  in each by itself: {} = {with}, with z = {}, {exceeded}", root(&single), Figures(z)));
            (z * s, format!("{} × {}", Figures(z), Figures(s)))
        };
        let sum = alone * c + picked;
        let words = format!("U = {} × {} + {words} = {}", Figures(alone), Figures(c), of(sum, &row.unit));
        if alone * u > sum {
            lines.push(format!("{words}; no less than for one value alone, k·u = {}", of(expanded, &row.unit)));
        } else {
            lines.push(words);
        }
        lines.push(format!("k = U/u = {}", Figures(estimate.coverage_factor)));
        lines
    }
}

/// The component with the largest part of the variance, or all that are equally large, and that part in %. `None` while one of them is not
/// known.
pub(super) fn largest(row: &CheckRow) -> Option<(Vec<&str>, f64)> {
    let shares = shares(&row.budget)?;
    let most = shares.iter().copied().reduce(f64::max)?;
    let named = row.budget.iter().zip(&shares).filter(|(_, share)| same(Some(**share), most));
    Some((named.map(|(c, _)| &*c.name).collect(), most))
}

fn largest_words(names: &[&str], share: f64) -> String {
    match names {
        [name] if share > 50.0 => format!("{name} dominates with {share:.2} % of the variance"),
        [name] => format!("no component dominates; the largest is {name} with {share:.2} % of the variance"),
        names => format!("no component dominates; the largest are {} with {share:.2} % of the variance each", names.join(" and ")),
    }
}

/// Those that add something.
fn contributions<'a>(components: impl Iterator<Item = &'a Component>) -> Vec<f64> {
    components.filter_map(Component::contribution).filter(|u| *u != 0.0).collect()
}

fn size(contributions: &[f64]) -> f64 {
    contributions.iter().map(|u| u * u).sum::<f64>().sqrt()
}

/// `√(3² + 4²)`.
fn root(contributions: &[f64]) -> String {
    let squares: Vec<String> = contributions.iter().map(|u| format!("{}²", Figures(*u))).collect();
    if squares.is_empty() { "0".to_owned() } else { format!("√({})", squares.join(" + ")) }
}

/// A row leaves out what is infinite.
fn same(stated: Option<f64>, found: f64) -> bool {
    match stated {
        Some(stated) => (stated - found).abs() <= ROUNDING * found.abs(),
        None => !found.is_finite(),
    }
}

fn or_none(x: Option<f64>, unit: &str) -> String {
    x.map_or_else(|| "none".to_owned(), |x| of(x, unit))
}
