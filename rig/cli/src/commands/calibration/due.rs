//! What is due when: one line for each channel that measures.

use std::path::Path;

use chrono::NaiveDate;
use rig_model::bench::{Bench, Certificate, Channel, Instrument};
use rig_report::printable;
use rig_scenario::{calibration_gaps, calibration_warnings};

use super::{Args, benches, today};
use crate::certificate::referred;
use crate::failure::{Failure, USAGE};
use crate::inputs::Errors;
use crate::say;
use crate::terminal::Terminal;

/// Overdue, or something is missing.
const OVERDUE: u8 = 1;
/// Due soon.
const SOON: u8 = 3;

/// A channel and what its calibration lacks.
struct Line {
    bench: String,
    channel: String,
    certificate: Option<Certificate>,
    days_left: Option<i64>,
    /// In sentences.
    lacks: Vec<String>,
}

pub fn run(args: &Args, terminal: &Terminal) -> Result<u8, Failure> {
    let mut errors = Errors::default();
    let benches = benches(&args.bench, &mut errors);
    if !errors.is_empty() {
        say::err(&errors);
        return Ok(USAGE);
    }
    let day = args.on.unwrap_or_else(today);
    let all: Vec<&Channel> = benches.iter().flat_map(|(_, bench)| &bench.channels).collect();
    let lines: Vec<Line> = benches.iter().flat_map(|(path, bench)| lines(path.as_deref(), bench, &all, day)).collect();
    for line in &lines {
        if terminal.json { json(line, day) } else { text(line) }
    }
    let soon = |line: &&Line| line.days_left.is_some_and(|left| (0..=args.within).contains(&left));
    let (lacking, due) = (lines.iter().filter(|l| !l.lacks.is_empty()).count(), lines.iter().filter(soon).count());
    if !terminal.json {
        let within = args.within;
        say::out(format_args!("\n{} channels on {day}: {lacking} overdue or lacking something, {due} due within {within} d", lines.len()));
    }
    Ok(match (lacking, due) {
        // Where nothing measures nothing is calibrated.
        (0, 0) if !lines.is_empty() => 0,
        (0, 1..) => SOON,
        _ => OVERDUE,
    })
}

fn lines(path: Option<&Path>, bench: &Bench, all: &[&Channel], day: NaiveDate) -> Vec<Line> {
    let date = day.to_string();
    let told: Vec<String> = calibration_gaps(bench, &date).into_iter().chain(calibration_warnings(bench, &date)).collect();
    let refused = referred(bench, path.and_then(Path::parent).unwrap_or(Path::new(""))).refused;
    let measures = bench.channels.iter().filter(|c| !matches!(c.instrument, Instrument::Alarm));
    measures
        .map(|channel| {
            let certificate = channel.certificate.clone();
            let days_left = certificate.as_ref().and_then(|c| days_left(c, day));
            // Both tell of a certificate that has run out.
            let mut lacks: Vec<String> = Vec::new();
            let of_channel = format!("{}: ", channel.name);
            let named = format!("channel `{}`: ", channel.name);
            let of = told.iter().filter_map(|t| t.strip_prefix(&of_channel)).chain(refused.iter().filter_map(|t| t.strip_prefix(&named)));
            for why in of.map(str::to_owned).chain(certificate.as_ref().and_then(|c| reference(c, all))) {
                if !lacks.contains(&why) {
                    lacks.push(why);
                }
            }
            Line { bench: bench.name.clone(), channel: channel.name.to_string(), certificate, days_left, lacks }
        })
        .collect()
}

/// Until the last day on which it holds; less than 0 after it.
fn days_left(certificate: &Certificate, day: NaiveDate) -> Option<i64> {
    let due = NaiveDate::parse_from_str(&certificate.due, "%Y-%m-%d").ok()?;
    Some((due - day).num_days())
}

/// What is wrong with the reference that a calibration was made with, as far as the bench files tell.
fn reference(certificate: &Certificate, all: &[&Channel]) -> Option<String> {
    let reference = &certificate.reference.as_ref()?.certificate;
    let known = all.iter().filter_map(|c| c.certificate.as_ref()).find(|c| c.id == *reference);
    let Some(known) = known else {
        return Some(format!("its reference {reference} is the certificate of no channel of these bench files"));
    };
    let date = certificate.date.as_ref()?;
    // Dates of this form are in the order of their texts.
    (*known.due < **date).then(|| format!("it was made on {date} with {reference}, which had run out on {}", known.due))
}

fn text(line: &Line) {
    let certificate = line.certificate.as_ref();
    let reference = certificate.and_then(|c| c.reference.as_ref()).map(|r| format!("  reference {}", r.certificate)).unwrap_or_default();
    let id = certificate.map_or("no certificate", |c| &c.id);
    let date = certificate.and_then(|c| c.date.as_deref()).unwrap_or("-");
    let (due, left) = (certificate.map_or("-", |c| &c.due), line.days_left.map_or_else(|| "-".to_owned(), |d| format!("{d} d")));
    let place = format!("{} {}", line.bench, line.channel);
    let head = format!("{place:<28} {id:<20} of {date:<10}  due {due:<10}  {left:>8}{reference}");
    say::out(printable(head.trim_end()));
    for why in &line.lacks {
        say::out(printable(&format!("  {why}")));
    }
}

fn json(line: &Line, day: NaiveDate) {
    let certificate = line.certificate.as_ref();
    say::out(serde_json::json!({
        "bench": line.bench, "channel": line.channel, "on": day.to_string(), "certificate": certificate.map(|c| &*c.id),
        "date": certificate.and_then(|c| c.date.as_ref()), "due": certificate.map(|c| &c.due), "days_left": line.days_left,
        "reference": certificate.and_then(|c| c.reference.as_ref()).map(|r| &*r.certificate), "lacks": line.lacks,
    }));
}
