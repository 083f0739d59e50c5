//! The table that is printed.

use std::fmt::Write;

/// One measured value against its target.
#[derive(Debug)]
pub struct Row {
    what: &'static str,
    value: f64,
    unit: &'static str,
    target: Target,
    aim: Option<f64>,
    note: String,
}

#[derive(Debug, Clone, Copy)]
enum Target {
    None,
    AtMost(f64),
    AtLeast(f64),
}

impl Row {
    pub fn new(what: &'static str, value: f64, unit: &'static str) -> Self {
        Self { what, value, unit, target: Target::None, aim: None, note: String::new() }
    }

    pub fn at_most(self, most: f64) -> Self {
        Self { target: Target::AtMost(most), ..self }
    }

    pub fn at_least(self, least: f64) -> Self {
        Self { target: Target::AtLeast(least), ..self }
    }

    /// A stricter upper limit that is hoped for.
    pub fn aim(self, most: f64) -> Self {
        Self { aim: Some(most), ..self }
    }

    pub fn note(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }

    /// Target, value over target, and what that means.
    fn judged(&self) -> [String; 3] {
        let (sign, limit, met) = match self.target {
            Target::None => return ["-".to_owned(), "-".to_owned(), "-".to_owned()],
            Target::AtMost(most) => ("≤", most, self.value <= most),
            Target::AtLeast(least) => ("≥", least, self.value >= least),
        };
        let aim = match self.aim {
            Some(aim) if self.value <= aim => format!(", aim of {aim} {} met", self.unit),
            Some(aim) => format!(", aim of {aim} {} missed", self.unit),
            None => String::new(),
        };
        let word = if met { "ok" } else { "MISSED" };
        [format!("{sign} {limit} {}", self.unit), format!("{:.2}", self.value / limit), format!("{word}{aim}")]
    }

    fn cells(&self) -> [String; 6] {
        let value = format!("{} {}", three_figures(self.value), self.unit);
        let [target, ratio, met] = self.judged();
        [self.what.to_owned(), value, target, ratio, met, self.note.clone()]
    }
}

/// A Markdown table, aligned for a terminal.
pub fn render(rows: &[Row]) -> String {
    let head = ["what", "value", "target", "ratio", "met", "note"].map(str::to_owned);
    let cells: Vec<[String; 6]> = std::iter::once(head).chain(rows.iter().map(Row::cells)).collect();
    let width = |column: usize| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 6] = std::array::from_fn(width);
    let mut text = String::new();
    for (i, row) in cells.iter().enumerate() {
        for (cell, width) in row.iter().zip(widths) {
            write!(text, "| {cell:width$} ").expect("a String takes all that is written");
        }
        text.push_str("|\n");
        if i == 0 {
            widths.iter().for_each(|width| text.push_str(&format!("|{}", "-".repeat(width + 2))));
            text.push_str("|\n");
        }
    }
    text
}

fn three_figures(value: f64) -> String {
    let decimals = if value == 0.0 { 0 } else { (2 - value.abs().log10().floor() as i32).clamp(0, 6) };
    format!("{value:.*}", decimals as usize)
}
