//! `rig approve status`: how much of a plan has been played as evidence, with each attempt, and what is missing.

use std::path::{Path, PathBuf};

use rig_evidence::{Aside, Attempt, Cell, Completeness};
use rig_model::verdict::Verdict;
use rig_report::printable;
use serde_json::json;

use super::records::{self, Records};
use super::show::count;
use crate::allowed::SignersFile;
use crate::failure::{BENCH, Failure, OrExit};
use crate::plan::Approved;
use crate::say;
use crate::terminal::Terminal;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The approved plan
    #[arg(value_name = "PLAN.approved.json")]
    plan: PathBuf,
    /// Where the runs are
    #[arg(long, value_name = "FOLDER", default_value = "reports")]
    reports: PathBuf,
    #[command(flatten)]
    signers: SignersFile,
}

pub fn run(args: &Args, terminal: &Terminal) -> Result<u8, Failure> {
    let approved = Approved::read(&args.plan, &args.signers, &args.reports)?;
    let records = records::under(&approved, &args.reports).or_exit(BENCH)?;
    let found = Completeness::of(&approved.plan, &records.runs);
    let open = open_of_counted(&found, &records);
    if records.no_ledger {
        let path = args.reports.join(rig_evidence::Ledger::NAME);
        say::err(format_args!("no run was ever entered in `{}`, or it was taken away", path.display()));
    }
    if terminal.json {
        tell_json(&approved, &found, &records.damaged, &open);
    } else {
        tell(&approved, &found, &records.damaged, &open);
    }
    Ok(exit_code(&found, &records.damaged))
}

/// Deviations that stand open of the runs that count, a line each.
fn open_of_counted(found: &Completeness, records: &Records) -> Vec<String> {
    let aside = |folder: &String| found.aside.iter().any(|a| a.folder == *folder);
    let of = records.open.iter().filter(|(folder, _)| !aside(folder));
    of.flat_map(|(folder, lines)| lines.iter().map(move |line| format!("{folder}: {line}"))).collect()
}

/// A FAIL first, then a record that can't be read, which may hide one.
fn exit_code(found: &Completeness, damaged: &[String]) -> u8 {
    match found.verdict() {
        Verdict::Fail => 1,
        _ if !damaged.is_empty() => BENCH,
        Verdict::Error => BENCH,
        Verdict::Aborted => 5,
        Verdict::Inconclusive => 3,
        Verdict::Skipped => 6,
        Verdict::Pass => 0,
    }
}

/// For the end of a run under the plan: in a few lines where the plan stands now.
pub fn tell_briefly(approved: &Approved, reports: &Path) {
    match records::under(approved, reports) {
        Ok(Records { runs, damaged, .. }) => {
            let found = Completeness::of(&approved.plan, &runs);
            say::out(format_args!("plan {}: {}", approved.plan.id, sum(&found)));
            damaged.iter().for_each(|why| say::err(format_args!("damaged or gone: {}", printable(why))));
        }
        Err(error) => say::err(format_args!("the plan's completeness can't be told: {error:#}")),
    }
}

/// "2 of 6 played as evidence, 4 missing; at worst PASS".
fn sum(found: &Completeness) -> String {
    let (wanted, missing) = (found.wanted(), found.missing());
    let open = if missing == 0 { "complete".to_owned() } else { format!("{missing} missing") };
    let worst = found.cells.iter().filter_map(Cell::verdict).max();
    let worst = worst.map_or_else(String::new, |v| format!("; at worst {v}"));
    format!("{} of {wanted} played as evidence, {open}{worst}", wanted - missing)
}

fn tell(approved: &Approved, found: &Completeness, damaged: &[String], open: &[String]) {
    say::out(format_args!("{approved}: {}", printable(&approved.plan.title)));
    let mut last = None;
    for cell in &found.cells {
        if last.replace((&cell.test, &cell.dut)) != Some((&cell.test, &cell.dut)) {
            say::out(format_args!("\ntest {}, board {}", printable(&cell.test), printable(&cell.dut)));
        }
        let missing = if cell.missing() == 0 { String::new() } else { format!(" ({} of {} missing)", cell.missing(), cell.wanted) };
        say::out(format_args!("  {}{missing}", case_name(&cell.scenario, &cell.case)));
        cell.attempts.iter().for_each(|a| say::out(format_args!("    {}", attempt(a))));
    }
    if !found.aside.is_empty() {
        say::out("\nno evidence, and not counted:");
    }
    found.aside.iter().for_each(tell_aside);
    if !open.is_empty() {
        say::out("\ndeviations that are open:");
    }
    open.iter().for_each(|line| say::out(format_args!("  {}", printable(line))));
    if !damaged.is_empty() {
        say::out("\ndamaged or gone; `rig verify` tells more:");
    }
    damaged.iter().for_each(|why| say::out(format_args!("  {}", printable(why))));
    say::out(format_args!("\n{}", sum(found)));
}

fn case_name(scenario: &str, case: &str) -> String {
    printable(&if case.is_empty() { scenario.to_owned() } else { format!("{scenario} [{case}]") })
}

const NOT_SHOWN_SAFE: &str = "the bench was not shown safe at the end";

fn attempt(a: &Attempt) -> String {
    let cut = if a.cut_off { ", the run was cut off" } else { "" };
    let again = a.repeated_by.as_ref().map_or_else(String::new, |by| format!(", repeated by run {by}"));
    let unsafe_end = if a.not_safe { format!(", {NOT_SHOWN_SAFE}") } else { String::new() };
    let doubted = if a.doubts.is_empty() { String::new() } else { format!(", not to be relied on ({})", a.doubts.join(", ")) };
    printable(&format!("{:<12} {}{cut}{unsafe_end}{doubted}{again}", a.verdict, a.folder))
}

fn tell_aside(aside: &Aside) {
    say::out(format_args!("  {}", printable(&aside.folder)));
    aside.why.iter().for_each(|why| say::out(format_args!("    {}", printable(why))));
    if aside.not_safe {
        say::out(format_args!("    {NOT_SHOWN_SAFE}"));
    }
    let worst = aside.verdicts.iter().map(|(_, verdict)| *verdict).max();
    if let Some(worst) = worst {
        say::out(format_args!("    {}, at worst {worst}", count(aside.verdicts.len() as u64, "case")));
    }
}

fn tell_json(approved: &Approved, found: &Completeness, damaged: &[String], open: &[String]) {
    for cell in &found.cells {
        let mut line = json!(cell);
        line["kind"] = "cell".into();
        line["missing"] = cell.missing().into();
        line["verdict"] = json!(cell.verdict());
        say::out(line);
    }
    for aside in &found.aside {
        let mut line = json!(aside);
        line["kind"] = "aside".into();
        say::out(line);
    }
    open.iter().for_each(|line| say::out(json!({ "kind": "open_deviation", "what": line })));
    damaged.iter().for_each(|why| say::out(json!({ "kind": "damaged", "why": why })));
    let (plan, sha256) = (&approved.plan, &approved.document.sha256);
    say::out(json!({
        "kind": "plan", "plan": plan.id, "revision": plan.revision, "sha256": sha256, "wanted": found.wanted(),
        "missing": found.missing(), "verdict": found.verdict(), "damaged": damaged.len(),
        "open_deviations": open.len(),
    }));
}
