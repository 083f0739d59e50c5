//! The tables: RFC 4180, UTF-8, one header row, `.` as decimal point. Names and order of the columns are a published interface.

use std::borrow::Cow;
use std::io::{self, Write};

use rig_model::Name;
use rig_model::time::Span;

use crate::matrix::{Catch, Cell, Matrix};
use crate::outcome::DrawnBench;
use crate::setup::{Judged, Unit, Whose};
use crate::sound::Sound;
use crate::subset::Subset;

#[derive(Debug, thiserror::Error)]
pub enum TableError {
    #[error("write a table")]
    Csv(#[from] csv::Error),
    #[error("write a table")]
    Io(#[from] io::Error),
}

fn table<W: Write>(out: W) -> csv::Writer<W> {
    csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out)
}

/// A text that spreadsheets would run as a formula gets a leading `'`, which they take as "this is text".
fn neutral(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

fn seconds(span: Span) -> String {
    let (sign, ns) = (if span.0 < 0 { "-" } else { "" }, span.0.unsigned_abs());
    let text = format!("{sign}{}.{:09}", ns / 1_000_000_000, ns % 1_000_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn names(names: &[Name]) -> String {
    names.iter().map(|n| &**n).collect::<Vec<_>>().join(";")
}

/// One row a defect, one column a scenario; each cell is one of [`Cell::name`].
///
/// # Errors
/// When `out` does not take it.
pub fn kill_matrix_csv(out: impl Write, matrix: &Matrix) -> Result<(), TableError> {
    let mut csv = table(out);
    let scenarios = matrix.setup.scenarios.iter().map(|s| neutral(&s.id));
    csv.write_record(["defect", "family", "status"].into_iter().map(Cow::Borrowed).chain(scenarios).map(Cow::into_owned))?;
    for (pump, standing) in matrix.defects() {
        let first = [neutral(&pump.id), neutral(&pump.family), Cow::Borrowed(standing.status.name())].map(Cow::into_owned);
        csv.write_record(first.into_iter().chain(standing.cells.iter().map(|cell| cell.name().to_owned())))?;
    }
    Ok(csv.flush()?)
}

const DEFECTS: [&str; 26] = [
    "defect",
    "family",
    "made",
    "wrong",
    "harm",
    "hazards",
    "field_failure",
    "requirements",
    "status",
    "caught_with_seeds",
    "seeds",
    "first_scenario",
    "first_case",
    "first_step",
    "first_check",
    "first_quantity",
    "first_requirements",
    "first_rig_time_s",
    "first_seed",
    "caught_by",
    "caught_by_checks",
    "other_fail",
    "error",
    "hung",
    "inconclusive",
    "reason",
];

/// One row a defect: how it fares, by what it is caught first, and everything else that came of it.
///
/// # Errors
/// When `out` does not take it.
pub fn defects_csv(out: impl Write, matrix: &Matrix) -> Result<(), TableError> {
    let mut csv = table(out);
    csv.write_record(DEFECTS)?;
    let id = |i: usize| matrix.setup.scenarios.get(i).map_or("", |s| &*s.id);
    let ids = |of: Vec<usize>| of.into_iter().map(id).collect::<Vec<_>>().join(";");
    for (pump, standing) in matrix.defects() {
        let requirements = match &pump.judged {
            Judged::By { requirements, quantities } => names(&[&requirements[..], quantities].concat()),
            Judged::ByAny => "any".to_owned(),
        };
        let first = standing.first.as_ref();
        let of_first = |text: fn(&Catch) -> String| first.map_or_else(String::new, text);
        let with = |cells: &[Cell]| ids((0..standing.cells.len()).filter(|i| cells.contains(&standing.cells[*i])).collect());
        let checks: Vec<String> = standing.catches.iter().map(|c| format!("{} {} {}", id(c.scenario), c.step, c.quantity)).collect();
        let text = |text: &str| neutral(text).into_owned();
        csv.write_record([
            text(&pump.id),
            text(&pump.family),
            pump.made.name().to_owned(),
            text(&pump.wrong),
            text(&pump.harm),
            text(&names(&pump.hazards)),
            text(&pump.field),
            text(&requirements),
            standing.status.name().to_owned(),
            standing.caught_with.to_string(),
            matrix.setup.seeds.count.to_string(),
            first.map_or("", |c| id(c.scenario)).to_owned(),
            text(&of_first(|c| c.case.clone())),
            text(&of_first(|c| c.step.to_string())),
            text(&of_first(|c| c.check.clone())),
            text(&of_first(|c| c.quantity.clone())),
            text(&of_first(|c| names(&c.requirements))),
            of_first(|c| seconds(c.at)),
            of_first(|c| c.seed.to_string()),
            with(&[Cell::Caught, Cell::Sometimes]),
            text(&checks.join(";")),
            with(&[Cell::OtherFail]),
            with(&[Cell::Error]),
            with(&[Cell::Hung, Cell::Died]),
            with(&[Cell::Inconclusive]),
            text(pump.unplayable.as_deref().or(pump.explained.as_ref().map(|e| &*e.why)).unwrap_or_default()),
        ])?;
    }
    Ok(csv.flush()?)
}

/// One row a scenario: what it catches, what only it catches, and what it costs.
///
/// # Errors
/// When `out` does not take it.
pub fn scenarios_csv(out: impl Write, matrix: &Matrix, subset: &Subset) -> Result<(), TableError> {
    let mut csv = table(out);
    csv.write_record([
        "scenario",
        "file",
        "title",
        "tags",
        "cases",
        "rig_time_s",
        "catches",
        "catches_first",
        "only_it_catches",
        "in_subset",
        "bench",
    ])?;
    for (i, scenario) in matrix.setup.scenarios.iter().enumerate() {
        let only: Vec<&str> = matrix.only_by(i).iter().map(|p| &*p.id).collect();
        csv.write_record([
            &*neutral(&scenario.id),
            &*neutral(&scenario.file),
            &*neutral(&scenario.title),
            &*neutral(&scenario.tags.join(";")),
            &scenario.cases.len().to_string(),
            &seconds(matrix.lasted(i)),
            &matrix.caught_by(i).len().to_string(),
            &matrix.first_for(i).to_string(),
            &*neutral(&only.join(";")),
            if subset.scenarios.contains(&i) { "true" } else { "false" },
            &*neutral(scenario.besides.as_ref().map_or("", |besides| &besides.bench)),
        ])?;
    }
    Ok(csv.flush()?)
}

/// One row for each thing that is said against the sound pump, with what was drawn and the command that plays it again.
///
/// # Errors
/// When `out` does not take it.
pub fn false_alarms_csv<'a>(
    out: impl Write,
    sound: &Sound,
    drawn: impl for<'u> Fn(&'u Unit) -> Option<&'a DrawnBench>,
    command: impl Fn(&Unit) -> String,
) -> Result<(), TableError> {
    let mut csv = table(out);
    csv.write_record([
        "bench",
        "seed",
        "scenario",
        "case",
        "step",
        "check",
        "quantity",
        "requirements",
        "verdict",
        "reason",
        "rig_time_s",
        "drawn",
        "command",
        "bench_file",
    ])?;
    for alarm in &sound.alarms {
        let bench = if alarm.unit.whose == Whose::Drawn { "drawn" } else { "as described" };
        let (row, drawn) = (alarm.row.as_ref(), drawn(&alarm.unit));
        csv.write_record([
            bench,
            &alarm.unit.seed.to_string(),
            &*neutral(&alarm.unit.scenario),
            &*neutral(&alarm.case),
            row.map_or("", |r| &*r.step),
            &*neutral(row.map_or("", |r| &r.check)),
            &*neutral(row.map_or("", |r| &r.quantity)),
            &*neutral(&row.map_or_else(String::new, |r| names(&r.requirements))),
            alarm.verdict.name(),
            &*neutral(&alarm.reason),
            &row.map_or_else(String::new, |r| seconds(r.at)),
            &*neutral(drawn.map_or("", |d| &d.told)),
            &*neutral(&command(&alarm.unit)),
            &drawn.map_or_else(String::new, |_| DrawnBench::file_name(alarm.unit.seed)),
        ])?;
    }
    Ok(csv.flush()?)
}
