//! What `rig pool` says on the terminal.

use rig_metrology::{Pooled, Standing, ToleranceInterval};
use rig_model::quantity::Figures;
use rig_model::verdict::Limits;
use rig_report::{PoolRow, printable};

use crate::commands::pool::Pool;
use crate::commands::pool::group::{Group, Place, all_equal};
use crate::{say, signed};

pub const ONE_DUT: &str = "ONE DUT IS NO VERIFICATION: of other units nothing follows from one; pool runs of several units";

/// One object for each row of the table, and one for the whole.
pub fn json(pool: &Pool, rows: &[PoolRow]) {
    for row in rows {
        say::out(serde_json::json!(row));
    }
    say::out(serde_json::json!({
        "scope": "pool",
        "runs": pool.records.iter().map(|r| &r.run_id).collect::<Vec<_>>(),
        "units": pool.duts.len(),
        "simulated_runs": pool.simulated(),
        "evidence": pool.records.iter().all(|r| r.evidence),
        "not_measured": pool.records.iter().map(|r| r.not_measured).sum::<u64>(),
        "without_rows": pool.records.iter().flat_map(|r| &r.without_rows).map(|(_, why)| why).collect::<Vec<_>>(),
        "deviations": pool.records.iter().flat_map(|r| r.deviations.iter().map(|d| serde_json::json!({ "run_id": r.run_id, "deviation": d }))).collect::<Vec<_>>(),
        "verdict": pool.verdict,
    }));
}

pub fn text(pool: &Pool) {
    for (group, pooled) in &pool.groups {
        say::text(&of_group(pool, group, pooled));
        say::out("");
    }
    for place in pool.left_out.keys().filter(|place| !pool.pooled(place)) {
        say::out(heading(place));
        if let Some((n, why)) = pool.left_out_of(place) {
            say::out(format_args!("  nothing to pool: {n} rows without a whole value ({why})\n"));
        }
    }
    say::out(counts(pool));
    for (dut, runs) in &pool.duts {
        say::out(printable(&format!("  {} {}: {}", dut.0, dut.1, many(runs.len(), "run"))));
    }
    for (record, why) in pool.records.iter().flat_map(|r| r.without_rows.iter().map(move |(_, why)| (r, why))) {
        say::out(printable(&format!("without any row, in `{}`: {why}", record.folder)));
    }
    for (record, deviation) in pool.records.iter().flat_map(|r| r.deviations.iter().map(move |d| (r, d))) {
        say::out(printable(&format!("deviation, in `{}`: {}", record.folder, signed::line(deviation))));
    }
    let not_measured: u64 = pool.records.iter().map(|r| r.not_measured).sum();
    if not_measured > 0 {
        say::out(format_args!("not pooled: {not_measured} rows of states, alarms, counts and the dose oracle, which have no spread"));
    }
    if pool.duts.len() < 2 {
        say::out(ONE_DUT);
    }
    match pool.simulated() {
        0 if pool.records.iter().all(|r| r.evidence) => {}
        0 => say::out("not all runs may be used as evidence"),
        n => say::out(format_args!("{n} of {} simulated: not evidence", many(pool.records.len(), "run"))),
    }
    say::out(format_args!("{}", pool.verdict.map_or("nothing was pooled", |v| v.name())));
}

fn counts(pool: &Pool) -> String {
    let (checks, units) = (many(pool.groups.len(), "check"), many(pool.duts.len(), "unit"));
    format!("{checks} pooled from {} of {units}", many(pool.records.len(), "run"))
}

fn many(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

fn heading(place: &Place) -> String {
    let case = if place.case.is_empty() { String::new() } else { format!(" [{}]", place.case) };
    printable(&format!("{}{case}  {} {}", place.scenario, place.step, place.check))
}

fn of_group(pool: &Pool, group: &Group, pooled: &Pooled) -> String {
    let unit = &group.kind.unit;
    let content = pool.content;
    let interval_name = format!("{}/{} interval", percent(content.coverage()), percent(content.confidence()));
    let mut lines = vec![format!("{}  ({} in {unit})", heading(&group.kind.place), group.kind.quantity)];
    lines.push(format!(
        "  {:<28} {:>5} {:>10} {:>10} {:>10} {:>10} {:>8}  {interval_name}",
        "unit", "n", "mean", "sd", "min", "max", "error"
    ));
    let line = |name: &str, n: usize, [mean, sd, min, max]: [Option<f64>; 4], interval: Option<ToleranceInterval>| {
        let error = mean.zip(group.nominal.filter(|n| *n != 0.0)).map(|(mean, nominal)| (mean - nominal) / nominal * 100.0);
        let error = error.map_or("-".to_owned(), |e| format!("{e:+.2} %"));
        let [mean, sd, min, max] = [mean, sd, min, max].map(figure);
        let interval = interval.map_or("-".to_owned(), |i| format!("{} … {}", figure(Some(i.lower)), figure(Some(i.upper))));
        format!("  {name:<28} {n:>5} {mean:>10} {sd:>10} {min:>10} {max:>10} {error:>8}  {interval}")
    };
    for (dut, u) in group.values.keys().zip(&pooled.units) {
        let name = printable(&format!("{} {}", dut.0, dut.1));
        lines.push(line(&name, u.n, [Some(u.mean), u.sd, Some(u.min), Some(u.max)], u.tolerance));
    }
    let figures = [Some(pooled.mean), pooled.total_sd, Some(pooled.min), Some(pooled.max)];
    lines.push(line(&format!("together: {}", many(pooled.units.len(), "unit")), pooled.n, figures, pooled.tolerance));
    if let (Some(between), Some(within)) = (pooled.between_sd, pooled.within_sd) {
        let (between, within) = (figure(Some(between)), figure(Some(within)));
        lines.push(format!("  sd between units {between}, within a unit {within} {unit}"));
    }
    lines.push(match group.common {
        Some(u) => format!("  common to all deliveries of a bench, not reduced by n: ± {} {unit} (k = 2)", figure(Some(u))),
        None => "  no uncertainty is known that all deliveries of a bench share: nothing follows for the limits".to_owned(),
    });
    lines.push(format!("  {}", against_limits(group, pooled)));
    if all_equal(pooled) && pooled.n > 1 {
        lines.push("  all values are equal: the instrument's steps hide the spread, and the interval says nothing of it".to_owned());
    }
    let fails: u64 = group.fails.values().sum();
    if fails > 0 {
        lines.push(format!("  {fails} of {} values are FAIL, which no pooling takes back", pooled.n));
    }
    if let Some((n, why)) = pool.left_out_of(&group.kind.place) {
        lines.push(printable(&format!("  left out: {n} rows without a whole value ({why})")));
    }
    lines.join("\n") + "\n"
}

fn against_limits(group: &Group, pooled: &Pooled) -> String {
    let Some(limits) = group.limits else {
        return "the limits are not the same in all rows: the interval is not compared with them".to_owned();
    };
    let limits = words(limits, &group.kind.unit);
    match group.standing(pooled) {
        Some(Standing::Within) => format!("within the limits ({limits}), also when moved by the common uncertainty"),
        Some(Standing::Undecided) => format!(
            "within the limits ({limits}), but not shown when moved by the common uncertainty, or by what counting hides: undecided"
        ),
        Some(Standing::Beyond) => format!("reaches beyond the limits ({limits}): not shown for other units"),
        None if pooled.units.len() < 2 => format!("one unit: nothing follows for others (limits {limits})"),
        None => format!("not compared with the limits ({limits})"),
    }
}

fn words(limits: Limits, unit: &str) -> String {
    match (limits.lower, limits.upper) {
        (Some(l), Some(u)) => format!("{} … {} {unit}", Figures(l), Figures(u)),
        (Some(l), None) => format!("at least {} {unit}", Figures(l)),
        (None, Some(u)) => format!("at most {} {unit}", Figures(u)),
        (None, None) => "none".to_owned(),
    }
}

fn percent(fraction: f64) -> String {
    Figures(fraction * 100.0).to_string()
}

fn figure(x: Option<f64>) -> String {
    x.map_or("-".to_owned(), |x| Figures(x).to_string())
}
