//! One check with what stands of its verdicts.

use std::collections::BTreeMap;

use rig_model::Name;
use rig_model::quantity::Figures;
use rig_model::requirement::Requirement;
use rig_model::verdict::{Limits, Rule, StatedBy, Verdict};

use super::checks::TracedCheck;
use super::deviation::{RowDeviation, Says};
use super::gather::{Firmware, RunInfo, Seen, SeenCase, Standing};

/// What a check is worth today. The order is that in which one hides another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// PASS on the firmware in question, and nothing has changed since.
    Pass,
    /// PASS, but of texts or limits that are other ones today.
    Suspect,
    /// Only on another firmware.
    Stale,
    /// Never judged.
    NotRun,
    /// Neither PASS nor FAIL; by a deviation not to be relied on; or, where only evidence counts, in no run that is evidence.
    NotShown,
    /// FAIL in some run on the firmware in question, or the last that is known of it.
    Fail,
}

impl Status {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Suspect => "suspect",
            Self::Stale => "stale",
            Self::NotRun => "not_run",
            Self::NotShown => "not_shown",
            Self::Fail => "fail",
        }
    }
}

/// A check and the verdicts that stand for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    pub check: TracedCheck,
    pub status: Status,
    /// The verdict that counts: on the firmware in question, of a run that is evidence if there is one; or else on another firmware.
    pub counted: Option<Seen>,
    /// The latest on the same firmware, where it is not the one that counts.
    pub latest: Option<Seen>,
    /// The worst on the same firmware, where it is worse than the one that counts.
    pub worst: Option<Seen>,
    /// In how many runs it was judged on that firmware.
    pub runs: u64,
    /// What is no longer as it was when it was judged, in sentences.
    pub suspicions: Vec<String>,
    /// How the case ended that left no row.
    pub without_rows: Option<SeenCase>,
}

/// All verdicts on a check, and which firmware is asked for.
pub(super) fn link(
    check: TracedCheck,
    of_firmware: Option<&BTreeMap<Firmware, Standing>>,
    without_rows: Option<&SeenCase>,
    wanted: &[Firmware],
    requirements: &BTreeMap<Name, Requirement>,
    evidence_only: bool,
) -> Link {
    let none = BTreeMap::new();
    let all = of_firmware.unwrap_or(&none);
    let when = |s: &&Standing| (s.latest.run.started_utc.clone(), s.latest.run.run_id.clone());
    let current = all.iter().filter(|(firmware, _)| wanted.contains(firmware)).map(|(_, s)| s).max_by_key(when);
    // Of several builds that are asked for, a FAIL on any counts.
    let fails = all.iter().filter(|(firmware, _)| wanted.contains(firmware)).map(|(_, s)| s).find(|s| s.worst.verdict == Verdict::Fail);
    let standing = current.or_else(|| all.values().max_by_key(when));
    let Some(standing) = standing else {
        let without_rows = without_rows.cloned();
        let blank = (None, None, None, 0, Vec::new());
        let (counted, latest, worst, runs, suspicions) = blank;
        return Link { check, status: Status::NotRun, counted, latest, worst, runs, suspicions, without_rows };
    };
    let counted = standing.counted().clone();
    let worst = fails.map_or(&standing.worst, |s| &s.worst);
    let suspicions = suspicions(&check, &counted, requirements);
    let failed = worst.verdict == Verdict::Fail && (current.is_some() || counted.verdict == Verdict::Fail);
    let status = match (failed, current.is_some(), counted.verdict) {
        (true, ..) => Status::Fail,
        (false, false, _) => Status::Stale,
        (false, true, Verdict::Pass) if discarded(&counted).is_some() => Status::NotShown,
        (false, true, Verdict::Pass) if evidence_only && !counted.run.evidence => Status::NotShown,
        (false, true, Verdict::Pass) if suspicions.is_empty() => Status::Pass,
        (false, true, Verdict::Pass) => Status::Suspect,
        (false, true, _) => Status::NotShown,
    };
    let latest = (standing.latest != counted).then(|| standing.latest.clone());
    let worst = (worst.verdict > counted.verdict).then(|| worst.clone());
    Link { check, status, latest, worst, runs: standing.runs, suspicions, without_rows: None, counted: Some(counted) }
}

/// The deviation by which a verdict is not to be relied on.
pub(super) fn discarded(seen: &Seen) -> Option<&RowDeviation> {
    seen.deviations.iter().map(|d| &**d).find(|d| d.says == Says::DiscardsRow)
}

impl Link {
    /// What people signed to the verdicts that stand here, each once.
    pub fn deviations(&self) -> Vec<&RowDeviation> {
        let mut all: Vec<&RowDeviation> = Vec::new();
        for deviation in [&self.counted, &self.latest, &self.worst].into_iter().flatten().flat_map(|seen| &seen.deviations) {
            if !all.contains(&&**deviation) {
                all.push(deviation);
            }
        }
        all
    }
}

/// What is other today than when the verdict was given.
fn suspicions(check: &TracedCheck, seen: &Seen, requirements: &BTreeMap<Name, Requirement>) -> Vec<String> {
    let mut found: Vec<String> = check.verifies.iter().filter_map(|id| requirement(id, &seen.run, requirements.get(id)?)).collect();
    found.extend(check.verifies.iter().filter(|id| !seen.requirements.contains(id)).map(|id| format!("it did not verify {id} then")));
    let files = seen.run.changed_files.get(&check.key.scenario).map(Vec::as_slice).unwrap_or_default();
    found.extend(files.iter().map(|file| format!("the scenario has changed: {file}")));
    // A command that was not reached is told in other words.
    if seen.check != check.text && seen.verdict != Verdict::Skipped {
        found.push(format!("the check was `{}`", seen.check));
    }
    found.extend(limits(check.limits, seen.limits));
    found.extend(rule(check.rule, seen.rule));
    found
}

/// A record that holds no requirements says nothing of them.
fn requirement(id: &Name, run: &RunInfo, today: &Requirement) -> Option<String> {
    let then = run.requirements.as_ref()?.get(id);
    let Some(then) = then else { return Some(format!("{id} was not in the table then")) };
    (then.text != today.text).then(|| format!("the text of {id} was `{}`", then.text))
}

/// The row of an extreme has one of the check's two limits.
fn limits(today: Option<Limits>, then: Limits) -> Option<String> {
    let today = today?;
    // Written and read as decimals; no limit is changed by a billionth of itself.
    let same = |a: f64, b: f64| (a - b).abs() <= 1e-12 * a.abs().max(b.abs());
    let kept = |then: Option<f64>, today: Option<f64>| then.is_none_or(|then| today.is_some_and(|today| same(then, today)));
    // A row that has none (it was not reached) says nothing; a limit that was added is in the check's text.
    let unchanged = kept(then.lower, today.lower) && kept(then.upper, today.upper);
    let figure = |x: Option<f64>| x.map_or("none".to_owned(), |x| Figures(x).to_string());
    (!unchanged).then(|| {
        let (was, is) = ((figure(then.lower), figure(then.upper)), (figure(today.lower), figure(today.upper)));
        format!("the limits were {} and {}, and are {} and {}", was.0, was.1, is.0, is.1)
    })
}

/// What bench or default chose is not the scenario's to change.
fn rule(today: Option<Rule>, then: Rule) -> Option<String> {
    let stated = matches!(then.stated_by, StatedBy::Check | StatedBy::Requirement);
    let words = |rule: Rule| match rule.guard_factor {
        1.0 => rule.rule.name().to_owned(),
        r => format!("{} {}", rule.rule.name(), Figures(r)),
    };
    match today {
        Some(today) if (today.rule, today.guard_factor) == (then.rule, then.guard_factor) => None,
        Some(today) => Some(format!("the decision rule was {}, and is {}", words(then), words(today))),
        None if stated => Some(format!("the decision rule {} was stated then, and is no longer", words(then))),
        None => None,
    }
}
