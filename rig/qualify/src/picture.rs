//! The kill matrix as one picture: defects down, grouped by family; scenarios across, grouped by folder. Self-contained SVG.

use maud::{Markup, PreEscaped, html};

use crate::matrix::{Cell, Matrix, Standing, Status};
use crate::setup::{Pump, Scenario};

/// Of one cell, px.
const CELL: usize = 16;
/// What a letter of each size takes at most, px.
const LETTER: usize = 7;
const MARGIN: usize = 16;
/// Between two groups.
const GAP: usize = 8;
const TITLE: usize = 84;
/// Of the text to the right of the cells.
const REMARK: usize = 430;
const REMARK_LETTERS: usize = 70;
/// Of the legend, which a picture of few scenarios must have room for.
const LEGEND: usize = 1_080;

struct Layout {
    left: usize,
    /// Of each scenario's column.
    columns: Vec<usize>,
    /// Of each family: its name, where it is written, and its defects with their rows.
    families: Vec<Family>,
    width: usize,
    height: usize,
}

struct Family {
    name: String,
    y: usize,
    /// Where the names of the scenarios stand: above each family, as nobody sees the top of the picture from its middle.
    heads: usize,
    /// Index of the defect, top of its row.
    rows: Vec<(usize, usize)>,
}

/// Every defect with every scenario, and beside it the check that catches it first.
pub fn picture(matrix: &Matrix) -> String {
    let layout = layout(matrix);
    let defects: Vec<(&Pump, &Standing)> = matrix.defects().collect();
    let caught = matrix.with_status(Status::Caught).count();
    let title = format!("{} defective pumps in {} scenarios: {caught} caught", defects.len(), layout.columns.len());
    let drawn = html! {
        (PreEscaped("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"))
        svg xmlns="http://www.w3.org/2000/svg" width=(layout.width) height=(layout.height) viewBox={ "0 0 " (layout.width) " " (layout.height) }
            font-family="DejaVu Sans, Verdana, sans-serif" font-size="11" {
            title { (title) }
            rect width="100%" height="100%" fill="#ffffff" {}
            text x=(MARGIN) y=(MARGIN + 12) font-size="16" font-weight="bold" { (title) }
            (legend())
            @for family in &layout.families {
                @for (i, scenario) in matrix.setup.scenarios.iter().enumerate() { (column(scenario, layout.columns[i], family.heads)) }
                text x=(MARGIN) y=(family.y) font-weight="bold" { (family.name) }
                @for (i, y) in &family.rows { (row(matrix, defects[*i], *y, &layout)) }
            }
        }
    };
    drawn.into_string()
}

fn layout(matrix: &Matrix) -> Layout {
    let longest = |lengths: &mut dyn Iterator<Item = usize>| lengths.max().unwrap_or(0);
    let left = MARGIN + longest(&mut matrix.setup.pumps.iter().map(|p| p.id.chars().count())) * LETTER + GAP;
    // Written at 60°: most of its length goes up.
    let heads = longest(&mut matrix.setup.scenarios.iter().map(|s| s.id.chars().count())) * LETTER;
    let mut x = left;
    let mut columns = Vec::new();
    for (i, scenario) in matrix.setup.scenarios.iter().enumerate() {
        let before = i.checked_sub(1).map(|before| folder(&matrix.setup.scenarios[before]));
        x += if before.is_some_and(|before| before != folder(scenario)) { GAP } else { 0 };
        columns.push(x);
        x += CELL;
    }
    let mut families: Vec<Family> = Vec::new();
    let mut names: Vec<&str> = Vec::new();
    for pump in &matrix.setup.pumps {
        if !names.contains(&&*pump.family) {
            names.push(&pump.family);
        }
    }
    let mut y = TITLE;
    for name in names {
        y += heads * 9 / 10 + GAP;
        let of_family = matrix.setup.pumps.iter().enumerate().filter(|(_, p)| p.family == name);
        let rows: Vec<(usize, usize)> = of_family.enumerate().map(|(nth, (i, _))| (i, y + nth * CELL)).collect();
        let below = y + rows.len() * CELL;
        families.push(Family { name: name.to_owned(), y: y - 6, heads: y - 4, rows });
        y = below + GAP;
    }
    // The heads lean to the right, above the remarks.
    let width = (x + GAP + REMARK.max(heads / 2)).max(LEGEND) + MARGIN;
    Layout { left, columns, families, width, height: y + MARGIN }
}

fn folder(scenario: &Scenario) -> &str {
    scenario.file.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn colour(cell: Cell) -> &'static str {
    match cell {
        Cell::Caught => "#4daf7c",
        Cell::Sometimes => "#b7dd9a",
        Cell::OtherFail => "#f2b134",
        Cell::Hung | Cell::Died => "#30303a",
        Cell::NotPlayed => "#ffffff",
        Cell::Error => "#b58cc9",
        Cell::Inconclusive => "#a9cfe8",
        Cell::Skipped => "#cfcfcf",
        Cell::NotApplicable => "#e2e2e2",
        Cell::Pass => "#f1f1ee",
    }
}

/// For those who can't tell the colours, and for print.
fn letter(cell: Cell) -> &'static str {
    match cell {
        Cell::Caught | Cell::Pass => "",
        Cell::Sometimes => "~",
        Cell::OtherFail => "o",
        Cell::Hung => "H",
        Cell::Died => "D",
        Cell::NotPlayed => "?",
        Cell::Error => "E",
        Cell::Inconclusive => "i",
        Cell::Skipped => "–",
        Cell::NotApplicable => "/",
    }
}

const FIRST: &str = "#0b6b43";

fn legend() -> Markup {
    let words = |cell| match cell {
        Cell::Caught => "caught",
        Cell::Sometimes => "with some seeds",
        Cell::OtherFail => "fails otherwise",
        Cell::Hung => "hung",
        Cell::Died => "broke down",
        Cell::NotPlayed => "not played",
        Cell::Error => "error",
        Cell::Inconclusive => "inconclusive",
        Cell::Skipped => "skipped",
        Cell::NotApplicable => "not on this bench",
        Cell::Pass => "pass",
    };
    let entries = std::iter::once((FIRST, "1", "caught first")).chain(Cell::ALL.into_iter().map(|c| (colour(c), letter(c), words(c))));
    let mut x = MARGIN;
    let mut drawn = Vec::new();
    for (fill, mark, word) in entries {
        drawn.push(html! {
            (square(x, MARGIN + 26, fill, mark, ""))
            text x=(x + CELL + 4) y=(MARGIN + 38) { (word) }
        });
        x += CELL + 14 + word.len() * LETTER;
    }
    html! { @for entry in drawn { (entry) } }
}

fn square(x: usize, y: usize, fill: &str, mark: &str, tip: &str) -> Markup {
    let dark = fill == FIRST || fill == colour(Cell::Hung);
    html! {
        rect x=(x) y=(y) width=(CELL - 1) height=(CELL - 1) fill=(fill) stroke=[(fill == colour(Cell::NotPlayed)).then_some("#c8c8c8")] {
            @if !tip.is_empty() { title { (tip) } }
        }
        @if !mark.is_empty() {
            text x=(x + CELL / 2) y=(y + 12) text-anchor="middle" fill=(if dark { "#ffffff" } else { "#202020" }) pointer-events="none" { (mark) }
        }
    }
}

fn column(scenario: &Scenario, x: usize, top: usize) -> Markup {
    let (x, y) = (x + CELL - 4, top);
    html! {
        text x=(x) y=(y) transform={ "rotate(-60 " (x) " " (y) ")" } {
            (scenario.id)
            title { (scenario.title) }
        }
    }
}

fn row(matrix: &Matrix, (pump, standing): (&Pump, &Standing), y: usize, layout: &Layout) -> Markup {
    let caught = standing.status == Status::Caught;
    let first = standing.first.as_ref().map(|c| c.scenario);
    let tip = |i: usize, cell: Cell| format!("{} in {}: {}", pump.id, matrix.setup.scenarios[i].id, cell.name());
    let right = layout.columns.last().map_or(layout.left, |x| x + CELL) + GAP;
    html! {
        @if !caught { rect x=(MARGIN) y=(y) width=(layout.left - MARGIN) height=(CELL - 1) fill="#f6c9c2" {} }
        text x=(layout.left - GAP) y=(y + 12) text-anchor="end" font-weight=[(!caught).then_some("bold")] {
            (pump.id)
            title { (pump.wrong) ": " (pump.harm) }
        }
        @for (i, cell) in standing.cells.iter().enumerate() {
            @if first == Some(i) {
                (square(layout.columns[i], y, FIRST, "1", &tip(i, *cell)))
            } @else {
                (square(layout.columns[i], y, colour(*cell), letter(*cell), &tip(i, *cell)))
            }
        }
        text x=(right) y=(y + 12) fill=(if caught { "#404040" } else { "#a01c0c" }) { (remark(matrix, pump, standing)) }
    }
}

/// The check that catches it first, or what it would do.
fn remark(matrix: &Matrix, pump: &Pump, standing: &Standing) -> String {
    let first = standing.first.as_ref().map(|c| {
        let requirements: Vec<&str> = c.requirements.iter().map(|r| &**r).collect();
        format!("{} {} in {}", c.quantity, requirements.join(" "), matrix.setup.scenarios[c.scenario].id)
    });
    let text = match (standing.status, first) {
        (Status::Caught, Some(first)) => first,
        (status, _) => format!("{}: {}", status.name(), pump.harm),
    };
    match text.char_indices().nth(REMARK_LETTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
