//! What is approved, in words.

use rig_report::printable;
use rig_scenario::TestPlan;

use super::weigh::Weighed;
use crate::say;

/// Everything that a name is put to.
pub fn plan(plan: &TestPlan, tests: &[Weighed]) {
    say::out(format_args!("{} revision {}: {}", plan.id, plan.revision, printable(&plan.title)));
    say::out(format_args!("why: {}", printable(plan.why.trim())));
    if let Some(changes) = &plan.changes {
        say::out(format_args!("changes: {}", printable(changes.trim())));
    }
    if let Some(requirements) = tests.iter().find_map(|t| t.requirements.as_ref()) {
        say::out(format_args!("requirements: {} {}", requirements.path, short(&requirements.sha256.to_string())));
    }
    tests.iter().for_each(test);
    let cases: usize = tests.iter().map(|t| t.checks.len()).sum();
    let played: u64 = tests.iter().map(|t| t.checks.len() as u64 * t.test.duts.len() as u64 * t.test.repeats).sum();
    say::out(format_args!(
        "in all: {} with {}, to be played {}",
        count(tests.len() as u64, "test"),
        count(cases as u64, "case"),
        count(played, "time")
    ));
}

fn test(weighed: &Weighed) {
    let test = &weighed.test;
    say::out(format_args!("\ntest {}: {} on each board", test.name, count(test.repeats, "time")));
    say::out(format_args!("  boards: {} ({})", printable(&test.duts.join(", ")), printable(&test.model)));
    let image =
        test.firmware.image.as_ref().map_or_else(String::new, |i| format!(" ({} {})", printable(&i.path), short(&i.sha256.to_string())));
    say::out(format_args!("  firmware: {}{image}", test.firmware.build_hashes.join(" or ")));
    say::out(format_args!("  bench: {}, {} {}", test.bench, printable(&test.bench_file.path), short(&test.bench_file.sha256.to_string())));
    for file in &test.certificates {
        say::out(format_args!("  certificate: {} {}", printable(&file.path), short(&file.sha256.to_string())));
    }
    for file in &test.files {
        say::out(format_args!("  file: {} {}", printable(&file.path), short(&file.sha256.to_string())));
    }
    for (case, checks) in &weighed.checks {
        let label = if case.case.is_empty() { String::new() } else { format!(" [{}]", case.case) };
        say::out(format_args!("  {}{label}: {}", case.scenario, count(checks.len() as u64, "check")));
        checks.iter().for_each(|check| say::out(format_args!("    {}", printable(check))));
    }
    weighed.warnings.iter().for_each(|warning| say::out(format_args!("  warning: {}", printable(warning))));
}

/// Enough of a hash to tell it from another.
fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

pub fn count(n: u64, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}
