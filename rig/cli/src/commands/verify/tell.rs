//! What was found, in words or as JSON.

use rig_report::printable;
use serde_json::json;

use crate::say;
use crate::terminal::Terminal;
use crate::verify::{Fault, Findings};

/// One run, with everything that was covered.
pub fn run(findings: &Findings, terminal: &Terminal) {
    if terminal.json {
        return json(findings);
    }
    say::out(format_args!("{}  {}", word(findings), printable(&findings.run)));
    if findings.intact() && findings.unproven > 0 {
        say::out(format_args!("  {NOT_CHECKED}"));
    }
    if let Some((first, others)) = findings.faults.split_first() {
        fault(first);
        others
            .iter()
            .take(MOST)
            .for_each(|other| say::out(format_args!("  also: {}", printable(&format!("{}: {}", other.place(), other.what)))));
        if others.len() > MOST {
            say::out(format_args!("  and {} more", others.len() - MOST));
        }
        return;
    }
    for covered in &findings.checks {
        say::out(format_args!("  {:<11} {}", covered.check, printable(&covered.covered)));
        covered.each.iter().for_each(|each| say::out(format_args!("  {:<11}   {}", "", printable(each))));
    }
    remarks(findings);
    let printed = [("head of the chain", &findings.head), ("SHA-256 of the manifest", &findings.manifest_sha256)];
    for (what, value) in printed.iter().filter_map(|(what, value)| Some((what, value.as_ref()?))) {
        say::out(format_args!("  {what:<24} {value}"));
    }
}

/// One run among many.
pub fn briefly(findings: &Findings, terminal: &Terminal) {
    if terminal.json {
        return json(findings);
    }
    let replay = findings.checks.iter().find(|covered| covered.check == "replay").map_or("", |covered| &covered.covered);
    say::out(format_args!(
        "{}  {}  {}",
        word(findings),
        printable(&findings.run),
        printable(replay.rsplit(": ").next().unwrap_or_default())
    ));
    findings.faults.iter().take(MOST).for_each(fault);
    if findings.intact() && findings.unproven > 0 {
        say::out(format_args!("  {NOT_CHECKED}"));
    }
    if let Some(cut) = &findings.cut_off {
        say::out(format_args!("  {}", clauses(cut, 2)));
    }
    findings.warnings.iter().for_each(|warning| say::out(format_args!("  note: {}", clauses(warning, 8))));
}

/// Why a run with signatures is not called intact.
const NOT_CHECKED: &str = "nothing says who may sign as what: name the file of allowed signers with `--signers`";

/// Enough to see what was done.
const MOST: usize = 20;

fn word(findings: &Findings) -> &'static str {
    match findings {
        _ if !findings.intact() => "NOT INTACT",
        _ if findings.unproven > 0 => "signatures not checked",
        _ if findings.not_closed => "intact as far as it goes",
        _ if findings.cut_off.is_some() => "intact: cut off, recovered",
        _ => "intact",
    }
}

fn remarks(findings: &Findings) {
    for remark in findings.cut_off.iter().chain(&findings.warnings).chain(&findings.remarks) {
        say::out(format_args!("  {:<11} {}", "note", clauses(remark, 14)));
    }
}

pub fn fault(fault: &Fault) {
    say::out(format_args!("  {}: {}", printable(&fault.place()), printable(&fault.what)));
    let shown = [("expected:", fault.expected.as_deref()), ("found:", fault.found.as_deref())];
    for (what, text) in shown.iter().filter_map(|(what, text)| Some((what, (*text)?))) {
        say::out(format_args!("    {what:<9} {}", printable(text)));
    }
    say::out(format_args!("    {:<9} {}", "next:", clauses(&fault.next, 14)));
}

/// Each clause of a long sentence in a line of its own, so that none is too long to be read.
fn clauses(text: &str, indent: usize) -> String {
    printable(text).replace("; ", &format!(";\n{:indent$}", ""))
}

fn json(findings: &Findings) {
    let mut value = json!(findings);
    value["intact"] = json!(findings.intact() && findings.unproven == 0);
    say::out(value);
}
