//! What an out-of-tolerance finding puts in doubt: every run and row whose value rests on the certificate.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::BufWriter;
use std::path::Path;

use anyhow::Context;
use rig_model::Name;
use rig_model::bench::Bench;
use rig_model::quantity::{Dimension, Figures};
use rig_model::verdict::Counts;
use rig_record::End;
use rig_report::{Impact, ImpactCsv, InDoubt, printable};

use super::{Args, benches};
use crate::failure::{BENCH, Failure, OrExit, USAGE, failure};
use crate::folder::RunFolder;
use crate::inputs::{self, Errors};
use crate::reports::{self, Opened, Unreadable};
use crate::terminal::Terminal;
use crate::{say, signed};

/// Rows are in doubt.
const IN_DOUBT: u8 = 1;

/// What was found so far, in memory that does not grow with runs.
#[derive(Default)]
struct Found {
    rows: u64,
    runs: u64,
    evidence: u64,
    verdicts: Counts,
    duts: BTreeSet<String>,
    /// All certificates that any run was measured with.
    known: BTreeSet<Name>,
    /// Records that could not be read to their end.
    unread: u64,
}

pub fn run(certificate: &str, args: &Args, terminal: &Terminal) -> Result<u8, Failure> {
    let id: Name = certificate.trim().into();
    let mut errors = Errors::default();
    let benches = if args.bench.is_empty() { Vec::new() } else { benches(&args.bench, &mut errors) };
    if !errors.is_empty() {
        say::err(&errors);
        return Ok(USAGE);
    }
    let mut found = Found::default();
    benches.iter().for_each(|(_, bench)| found.know(bench));
    let mut table = args.out.as_deref().map(|out| table(out, &id)).transpose()?;
    for run in reports::runs(&args.reports)? {
        let rows = found.run(&run, &id, args);
        let folder = run.display().to_string();
        for row in &rows {
            if let Some(table) = &mut table {
                table.row(&folder, row).or_exit(BENCH)?;
            }
            if terminal.json { json(&folder, row) } else { text(&folder, row) }
        }
    }
    table.map(ImpactCsv::finish).transpose().or_exit(BENCH)?;
    if found.rows == 0 && !found.known.contains(&id) {
        return Err(unknown(&id, &found, args.out.as_deref()));
    }
    found.tell(&id, args, terminal);
    Ok(match (found.rows, found.unread) {
        (0, 0) => 0,
        // Nobody knows what the records hold that can't be read.
        (0, _) => BENCH,
        _ => IN_DOUBT,
    })
}

fn table(out: &Path, id: &Name) -> Result<ImpactCsv<BufWriter<std::fs::File>>, Failure> {
    let writing = || format!("failed to write `{}`: it must not be there yet", out.display());
    let file = OpenOptions::new().write(true).create_new(true).open(out).with_context(writing).or_exit(USAGE)?;
    ImpactCsv::new(BufWriter::new(file), id.clone()).or_exit(BENCH)
}

fn unknown(id: &Name, found: &Found, out: Option<&Path>) -> Failure {
    // A table of nothing would look like an answer.
    if let Some(out) = out {
        let _ = std::fs::remove_file(out);
    }
    let known: Vec<&str> = found.known.iter().map(|id| &**id).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    let unread = if found.unread > 0 { format!("; {} records could not be read to their end", found.unread) } else { String::new() };
    failure(USAGE, printable(&format!("no run was measured with a certificate `{id}`; these are known: {known}{unread}")))
}

impl Found {
    fn know(&mut self, bench: &Bench) {
        let certificates = bench.channels.iter().filter_map(|c| c.certificate.as_ref());
        for certificate in certificates {
            self.known.insert(certificate.id.clone());
            self.known.extend(certificate.reference.as_ref().map(|r| r.certificate.clone()));
        }
    }

    /// The rows of a run that are in doubt.
    fn run(&mut self, run: &Path, id: &Name, args: &Args) -> Vec<InDoubt> {
        let Opened { mut journal, first, header } = match reports::open(run, Impact::KINDS) {
            Ok(opened) => opened,
            Err(Unreadable::NoRun) => return Vec::new(),
            Err(Unreadable::Empty) => return self.unread(run, "not even its first line was recorded"),
            Err(Unreadable::Damaged(why)) => return self.unread(run, &why),
        };
        let bench = inputs::bench_of_record(&header);
        match &bench {
            Ok(bench) => self.know(bench),
            Err(_) => {
                self.unread(run, "its bench file can't be read by this version of `rig`: only the certificate itself was looked for");
            }
        }
        // Dates and times of this form are in the order of their texts.
        if args.since.is_some_and(|since| header.started_utc < since.to_string()) {
            return Vec::new();
        }
        let mut impact = Impact::new(id, bench.as_ref().ok());
        impact.take(&first);
        for fact in journal.by_ref() {
            match fact {
                Ok((_, fact)) => impact.take(&fact),
                Err(error) => {
                    self.unread(run, &format!("failed to {:#}", anyhow::Error::new(error)));
                }
            }
        }
        if let Some(End::CutOff(cut)) = journal.end() {
            say::err(printable(&format!("`{}` was cut off at line {}: what was judged by then is looked at", run.display(), cut.line)));
        }
        let mut rows = impact.finish();
        if !rows.is_empty() {
            for deviation in signed::last_words(&RunFolder::open(run), &header.run_id) {
                let of_row = rows.iter_mut().filter(|row| row.row == deviation.row);
                of_row.for_each(|row| row.deviations.push(format!("{} {}", deviation.id, deviation.disposition)));
            }
        }
        self.count(&rows);
        rows
    }

    fn unread(&mut self, run: &Path, why: &str) -> Vec<InDoubt> {
        self.unread += 1;
        say::err(printable(&format!("`{}`: {why}", run.display())));
        Vec::new()
    }

    fn count(&mut self, rows: &[InDoubt]) {
        let Some(first) = rows.first() else { return };
        self.runs += 1;
        self.evidence += u64::from(first.evidence);
        for row in rows {
            self.rows += 1;
            self.verdicts.add(row.check.verdict);
            self.duts.insert(format!("{} {}", row.dut_model, row.dut_serial));
        }
    }

    fn tell(&self, id: &Name, args: &Args, terminal: &Terminal) {
        let since = args.since.map(|d| d.to_string());
        let verdicts: Vec<String> = rig_model::verdict::Verdict::ALL
            .iter()
            .map(|v| (self.verdicts.of(*v), v))
            .filter(|(n, _)| *n > 0)
            .map(|(n, v)| format!("{n} {v}"))
            .collect();
        if terminal.json {
            return say::out(serde_json::json!({
                "certificate": &**id, "since": since, "rows": self.rows, "runs": self.runs, "evidence_runs": self.evidence,
                "boards": self.duts, "verdicts": self.verdicts, "unread": self.unread,
            }));
        }
        let since = since.map(|d| format!(" since {d}")).unwrap_or_default();
        if self.rows == 0 {
            return say::out(printable(&format!("no row rests on {id}{since}")));
        }
        let boards: Vec<&str> = self.duts.iter().map(String::as_str).collect();
        say::out("");
        say::out(printable(&format!(
            "{} of {} rest on {id}{since}: {}; {} of the runs are evidence; boards: {}",
            many(self.rows, "row"),
            many(self.runs, "run"),
            verdicts.join(", "),
            self.evidence,
            boards.join(", ")
        )));
    }
}

fn many(n: u64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

fn text(folder: &str, found: &InDoubt) {
    let InDoubt { row, scenario, case, check, through, evidence, deviations, .. } = found;
    let case = if case.is_empty() { String::new() } else { format!(" [{case}]") };
    let unit = if check.unit == Dimension::Count.unit() { "" } else { &check.unit };
    let value = match (check.value, check.expanded_uncertainty) {
        (Some(value), Some(u)) => format!("{} ± {} {unit}", Figures(value), Figures(u)),
        (Some(value), None) => format!("{} {unit}", Figures(value)),
        (None, _) => check.value_text.clone().unwrap_or_default(),
    };
    let through: Vec<&str> = through.iter().map(|id| &**id).collect();
    let mark = if *evidence { "" } else { "  not evidence" };
    let deviations = if deviations.is_empty() { String::new() } else { format!("  deviations: {}", deviations.join("; ")) };
    let (step, what, verdict) = (&check.step, &check.check, check.verdict);
    let (by, value) = (through.join(", "), value.trim_end());
    say::out(printable(&format!("{folder} row {row}  {scenario}{case} {step}  {what}: {value}  {verdict}  (by {by}){mark}{deviations}")));
}

fn json(folder: &str, found: &InDoubt) {
    let InDoubt { run_id, row, scenario, case, check, through, evidence, simulated, .. } = found;
    let through: Vec<&str> = through.iter().map(|id| &**id).collect();
    say::out(serde_json::json!({
        "run_id": run_id, "folder": folder, "row": row, "started_utc": found.started_utc, "scenario": scenario, "case": case,
        "step": &*check.step, "check": check.check, "value": check.value, "unit": check.unit,
        "expanded_uncertainty": check.expanded_uncertainty, "verdict": check.verdict, "through": through, "evidence": evidence,
        "simulated": simulated, "firmware_version": found.firmware_version, "firmware_sha256": found.firmware_hash,
        "dut_model": found.dut_model, "dut_serial": found.dut_serial, "deviations": found.deviations,
    }));
}
