//! Findings for people: a line each, and what to do about it below.

use rig_bench::inspect::{Finding, State};

use super::Report;
use crate::say;
use crate::terminal::Terminal;

/// Longer names push their words to the right.
const WIDTH: usize = 24;

pub fn findings(found: &[Finding], terminal: &Terminal) {
    if terminal.json {
        return;
    }
    let signs = signs();
    for finding in found {
        let sign = signs[finding.state as usize];
        say::out(format_args!("{sign} {:<WIDTH$} {}", finding.what, finding.words));
        let indent = sign.chars().count();
        if let Some(why) = &finding.simulated {
            say::out(format_args!("{:indent$} {:<WIDTH$} simulated: {why}", "", ""));
        }
        if let Some(remedy) = &finding.remedy {
            say::out(format_args!("{:indent$} {:<WIDTH$} → {remedy}", "", ""));
        }
    }
}

pub fn closing(report: &Report, look_only: bool) {
    let count = |state| report.findings.iter().filter(|finding| finding.state == state).count();
    let (bad, warnings) = (count(State::Bad), count(State::Warning));
    let verdict = match (report.fit, look_only) {
        (true, true) => "fit, as far as looking tells",
        (true, false) => "fit for a run",
        (false, _) => "NOT FIT FOR A RUN",
    };
    say::out(format_args!("\nbench {}: {verdict}; {bad} bad, {warnings} to be known", report.bench));
    if let Some(record) = &report.record {
        say::out(format_args!("record: {}", record.display()));
    }
}

/// Good, warning, bad: signs where the locale has them, words elsewhere.
fn signs() -> [&'static str; 3] {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(|name| std::env::var(name).ok()).find(|value| !value.is_empty());
    let unicode = locale.is_some_and(|locale| locale.to_lowercase().replace('-', "").contains("utf8"));
    if unicode { ["✓", "!", "✗"] } else { ["ok  ", "warn", "BAD "] }
}
