//! What `rig trace` says on the terminal: counts, findings, and one line for each requirement.

use std::fmt::Write;

use super::csv::names;
use super::finding::{Finding, Kind};
use super::link::Status;
use super::matrix::{Matrix, Traced};
use crate::palette::{Palette, printable};
use rig_model::verdict::Verdict;

/// Findings of one kind that are shown; the rest are counted. All of them are in the tables.
const SHOWN: usize = 12;
/// As wide as lines get, as far as there are blanks to break them at.
const WIDTH: usize = 110;
/// Where the rest of a broken line begins.
const INDENT: usize = 6;
const WORDS: [&str; 11] =
    ["pass", "fail", "not_shown", "not_run", "stale", "suspect", "uncovered", "planned", "review", "analysis", "absent"];

pub fn trace_text(matrix: &Matrix, palette: Palette) -> String {
    let mut out = String::new();
    for traced in &matrix.requirements {
        requirement(&mut out, traced, palette);
    }
    for kind in Kind::ALL {
        findings(&mut out, matrix, kind, palette);
    }
    writeln!(out, "\n{}", broken(&counts(matrix), 0, INDENT)).expect("a String takes all that is written");
    writeln!(out, "{}", sources(matrix)).expect("a String takes all that is written");
    out
}

fn requirement(out: &mut String, traced: &Traced, palette: Palette) {
    let style = match traced.status() {
        Some(Status::Pass) => palette.of(Verdict::Pass),
        Some(Status::Fail) => palette.of(Verdict::Fail),
        Some(_) => palette.of(Verdict::Inconclusive),
        None => palette.dim,
    };
    let word = traced.word();
    let checks = match traced.links.len() {
        0 => printable(&traced.requirement.why),
        n => {
            let pass = traced.links.iter().filter(|l| l.status == Status::Pass).count();
            let scenarios: std::collections::BTreeSet<&str> = traced.links.iter().map(|l| l.check.key.scenario.as_str()).collect();
            let mark = if traced.without_evidence() { "not evidence  " } else { "" };
            format!("{pass} of {n}  {mark}{}", scenarios.into_iter().collect::<Vec<_>>().join(" "))
        }
    };
    let id = &traced.requirement.id;
    // Measured without its colour, which takes no room.
    let begun = format!("{id:<12} {word:<10} ").chars().count();
    let checks = broken(&checks, begun, 24);
    writeln!(out, "{id:<12} {style}{word:<10}{style:#} {checks}").expect("a String takes all that is written");
}

fn findings(out: &mut String, matrix: &Matrix, kind: Kind, palette: Palette) {
    let found: Vec<&Finding> = matrix.of(kind).collect();
    if found.is_empty() {
        return;
    }
    let style = if matrix.counts(kind) { palette.strong } else { palette.dim };
    writeln!(out, "\n{style}{} ({}){style:#}", kind.title(), found.len()).expect("a String takes all that is written");
    // What is planned stands above, and of what does not count the number will do: the tables hold it.
    let shown = match kind {
        Kind::Planned | Kind::NotEvidence | Kind::Untraced => 0,
        _ => SHOWN,
    };
    for finding in found.iter().take(shown) {
        writeln!(out, "  {}", broken(&printable(&words(finding)), 2, INDENT)).expect("a String takes all that is written");
    }
    if found.len() > shown && shown > 0 {
        writeln!(out, "  and {} more", found.len() - shown).expect("a String takes all that is written");
    }
}

/// A finding in one line.
fn words(finding: &Finding) -> String {
    let requirements = if finding.requirements.is_empty() { String::new() } else { format!("{}  ", names(&finding.requirements)) };
    let Some(key) = &finding.key else { return format!("{requirements}{}", finding.what) };
    let case = if key.case.is_empty() { String::new() } else { format!(" [{}]", key.case) };
    format!("{requirements}{}{case} {}  {}", key.scenario, key.step, finding.what)
}

fn counts(matrix: &Matrix) -> String {
    let parts = WORDS.iter().map(|word| (matrix.count(word), word)).filter(|(n, _)| *n > 0);
    let parts: Vec<String> = parts.map(|(n, word)| format!("{n} {word}")).collect();
    format!("{}: {}", many(matrix.requirements.len() as u64, "requirement"), parts.join(", "))
}

fn sources(matrix: &Matrix) -> String {
    let mut text = format!("{}, {} of them evidence", many(matrix.runs, "run"), matrix.evidence_runs);
    for firmware in &matrix.firmware {
        write!(text, "; firmware {} {}", firmware.version, firmware.hash).expect("a String takes all that is written");
    }
    if matrix.firmware.is_empty() {
        text += "; no firmware that was asked for was seen";
    }
    if matrix.other_firmware > 0 {
        write!(text, "; {}", many(matrix.other_firmware as u64, "other build")).expect("a String takes all that is written");
    }
    if matrix.with_defect > 0 {
        let n = many(matrix.with_defect, "run");
        write!(text, "\nleft out: {n} of pumps with a defect put in, which qualify the suite").expect("a String takes all that is written");
    }
    if matrix.without_requirements > 0 {
        let n = many(matrix.without_requirements, "run");
        write!(text, "\nthe texts of the requirements are not in the records of {n}: whether they have changed since is not known")
            .expect("a String takes all that is written");
    }
    for remark in &matrix.remarks {
        write!(text, "\n{remark}").expect("a String takes all that is written");
    }
    printable_lines(&text)
}

pub(super) fn many(n: u64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

fn printable_lines(text: &str) -> String {
    text.lines().map(|line| broken(&printable(line), 0, INDENT)).collect::<Vec<_>>().join("\n")
}

/// Breaks a text at blanks, so that no line is wider than [`WIDTH`]. It begins in column `begun`; further lines are indented.
fn broken(text: &str, begun: usize, indent: usize) -> String {
    let mut out = String::with_capacity(text.len());
    let mut column = begun;
    // Several blanks in a row are kept within a line, and lost at its end.
    for (at, word) in text.split(' ').enumerate() {
        let width = word.chars().count();
        if at > 0 && !word.is_empty() && column + 1 + width > WIDTH && column > indent {
            out.truncate(out.trim_end().len());
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent));
            column = indent;
        } else if at > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += width;
    }
    out
}
