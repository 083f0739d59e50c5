//! The curves for people: what was read and how, then the tables.

use std::fmt::Write;
use std::path::Path;

use rig_metrology::{CurvePlan, Curves, HourStatistics, OverallError, Periods, Trumpet, TrumpetPoint};
use rig_model::quantity::Figures;
use rig_model::time::Span;

use super::header::{Column, Found, UnitBy};
use super::read::{Delimiter, Record};
use super::units::Kind;

/// Everything, with its line ends.
pub fn show(file: &Path, record: &Record, plan: &CurvePlan, found: &Curves) -> String {
    let mut lines = Lines(String::new());
    how_it_was_read(&mut lines, file, record);
    lines.line(format_args!("\nrate {}, method {}, periods {}", plan.rate, plan.method.name(), plan.periods.name()));
    if let Some(cycle) = plan.stroke_cycle {
        lines.line(format_args!("a stroke every {cycle}: the floor is what whole strokes alone do to a window"));
    }
    let (t1, t2) = match plan.periods {
        Periods::SecondAndLastHour => ("second hour", "last hour"),
        Periods::StabilisationAndAnalysis => ("stabilisation", "analysis"),
    };
    match &found.a {
        Some(a) => overall(&mut lines, "A", "T1", t1, a),
        None => lines.line("A    none: nothing was left out, so there is no T1"),
    }
    overall(&mut lines, "B", "T2", t2, &found.b);
    for trumpet in &found.trumpets {
        show_trumpet(&mut lines, plan, trumpet);
    }
    match &found.hours {
        Some(statistics) => hours(&mut lines, plan, statistics),
        None => lines.line("\nhours: none; the record has no whole hour, or an hour is no whole number of samples"),
    }
    lines.0
}

struct Lines(String);

impl Lines {
    fn line(&mut self, text: impl std::fmt::Display) {
        writeln!(self.0, "{text}").expect("a String takes all that is written");
    }
}

fn how_it_was_read(lines: &mut Lines, file: &Path, record: &Record) {
    let samples = &record.samples;
    let series = &samples.series;
    lines.line(format_args!(
        "{}: {} readings, {} samples of {} in {}",
        file.display(),
        samples.readings,
        series.samples(),
        series.step(),
        series.length()
    ));
    lines.line(format_args!("time is {}", said(&record.layout.time)));
    let kind = record.layout.amount.unit.kind;
    let density = record.layout.density.map(|density| format!(", made volume with {} g/mL", Figures(density))).unwrap_or_default();
    lines.line(format_args!("{kind} is {}{density}", said(&record.layout.amount)));
    if kind == Kind::Mass {
        lines.line("note: masses are taken as they are; nothing is corrected for buoyancy, evaporation or an immersed tube");
    }
    let parted = match record.form.delimiter {
        Delimiter::Comma => None,
        Delimiter::Semicolon => Some("semicolons"),
        Delimiter::Tab => Some("tabs"),
    };
    if let Some(parted) = parted {
        let decimal = if record.form.decimal_comma { ", and numbers have a decimal comma" } else { "" };
        lines.line(format_args!("note: columns are parted by {parted}{decimal}"));
    }
    if samples.interpolated > 0 {
        lines.line(format_args!(
            "note: {} of {} instants of the grid lie between readings; the volume there is interpolated linearly",
            samples.interpolated,
            series.samples() + 1
        ));
    }
    if samples.widest > series.step() {
        lines.line(format_args!("note: readings are up to {} apart; shorter windows show straight lines in part", samples.widest));
    }
    if record.open_end {
        lines.line("note: the last line has no line end; if the file was cut off, its last value may be too");
    }
}

fn said(column: &Column) -> String {
    let found = match column.found {
        Found::Told => "as told",
        Found::Guessed => "guessed by its name",
    };
    let unit = match column.unit_by {
        UnitBy::Header => "by the header",
        UnitBy::Flag => "as told",
    };
    format!("column `{}`, {found}, in {}, {unit}", column.name, column.unit.symbol)
}

/// Since the start of the record.
fn instant(at: Span) -> String {
    if at == Span::ZERO { "the start".to_owned() } else { at.to_string() }
}

fn overall(lines: &mut Lines, letter: &str, period: &str, what: &str, error: &OverallError) {
    let OverallError { from, to, volume, flow, error_percent } = error;
    let from = instant(*from);
    lines.line(format_args!("{letter}  {error_percent:+7.2} %  {period}, {what}, from {from} to {to}: {volume}, {flow}"));
}

fn show_trumpet(lines: &mut Lines, plan: &CurvePlan, trumpet: &Trumpet) {
    let within = format!("within ±{} %", Figures(plan.within_percent));
    lines.line(format_args!("\ntrumpet over {}, from {} to {}; errors in %", trumpet.period.name(), instant(trumpet.from), trumpet.to));
    let floor = if plan.stroke_cycle.is_some() { "  floor max      min" } else { "" };
    lines.line(format_args!("{:>12} {:>7} {:>9} {:>9} {:>9}{floor} {within:>15}", "window", "n", "Ep(max)", "Ep(min)", "mean"));
    trumpet.points.iter().for_each(|point| point_line(lines, point, ""));
    for stroke in &trumpet.strokes {
        let strokes = if stroke.strokes == 1 { "1 stroke".to_owned() } else { format!("{} whole strokes", stroke.strokes) };
        point_line(lines, &stroke.point, &format!("  {strokes}, instead of {}", stroke.instead_of));
    }
    if plan.stroke_cycle.is_some() && trumpet.strokes.is_empty() {
        lines.line("no window in the period is a whole number of both strokes and samples");
    }
}

fn point_line(lines: &mut Lines, point: &TrumpetPoint, after: &str) {
    let TrumpetPoint { window, windows, max_percent, min_percent, mean_percent, within_percent, floor } = point;
    let floor = floor.map(|floor| format!("  {:>+9.2} {:>+8.2}", floor.max_percent, floor.min_percent)).unwrap_or_default();
    let errors = format!("{max_percent:>+9.2} {min_percent:>+9.2} {mean_percent:>+9.2}");
    lines.line(format_args!("{:>12} {windows:>7} {errors}{floor} {within_percent:>13.1} %{after}", window.to_string()));
}

fn hours(lines: &mut Lines, plan: &CurvePlan, of: &HourStatistics) {
    let sd = of.sd_percent.map(|sd| format!(", standard deviation {sd:.2}")).unwrap_or_default();
    lines.line(format_args!(
        "\nhours: {}, mean error {:+.2} %{sd}, from {:+.2} to {:+.2} %; {:.1} % of them within ±{} %",
        of.hours,
        of.mean_percent,
        of.min_percent,
        of.max_percent,
        of.within_percent,
        Figures(plan.within_percent)
    ));
}
