//! A budget as a table for people.

use rig_model::budget::Component;
use rig_model::quantity::Figures;
use rig_model::verdict::CheckRow;

use super::of;
use crate::budgets::shares;
use crate::palette::printable;

const NOT_STATED: &str = "not stated";
const HEAD: [&str; 9] = ["component", "estimate", "distribution", "u", "sensitivity", "contribution", "share", "ν", "from"];

/// One line for each component, in the order of the budget.
pub(super) fn table(row: &CheckRow) -> String {
    let shares = shares(&row.budget);
    let mut lines = vec![HEAD.map(str::to_owned)];
    for (number, component) in row.budget.iter().enumerate() {
        lines.push(cells(component, &row.unit, shares.as_ref().map(|shares| shares[number])));
    }
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..HEAD.len()).map(width).collect();
    let text = |line: &[String; 9]| {
        let padded = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        format!("  {}\n", padded.collect::<Vec<_>>().join("  ").trim_end())
    };
    lines.iter().map(text).collect()
}

fn cells(component: &Component, unit: &str, share: Option<f64>) -> [String; 9] {
    let Component { name, estimate, unit: its_unit, distribution, standard_uncertainty, sensitivity, dof, .. } = component;
    let its_unit = printable(its_unit);
    [
        printable(name),
        of(*estimate, &its_unit),
        distribution.to_string(),
        standard_uncertainty.map_or_else(|| NOT_STATED.to_owned(), |u| of(u, &its_unit)),
        format!("{}{}", Figures(*sensitivity), per(unit, &its_unit)),
        component.contribution().map_or_else(|| NOT_STATED.to_owned(), |u| of(u, unit)),
        share.map_or_else(|| "?".to_owned(), |share| format!("{share:.2} %")),
        dof.map_or_else(|| "∞".to_owned(), |dof| Figures(dof).to_string()),
        from(component),
    ]
}

/// The unit of a sensitivity, with a blank before it.
fn per(unit: &str, its_unit: &str) -> String {
    let whole = |unit: &str| if unit.contains(['/', ' ']) { format!("({unit})") } else { unit.to_owned() };
    if unit == its_unit { String::new() } else { format!(" {}/{}", whole(unit), whole(its_unit)) }
}

fn from(component: &Component) -> String {
    let mut words = component.origin.to_string();
    if let Some(certificate) = &component.certificate {
        words = format!("{words} {}", printable(certificate));
    }
    if component.common { words + ", common" } else { words }
}
