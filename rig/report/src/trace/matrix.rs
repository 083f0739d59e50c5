//! The matrix: each requirement with its links, and all findings.

use std::collections::{BTreeMap, BTreeSet};

use rig_model::Name;
use rig_model::requirement::{Requirement, Verification};
use rig_model::verdict::Verdict;

use super::checks::TracedCheck;
use super::deviation::{RowDeviation, Says};
use super::finding::{Finding, Kind};
use super::gather::{Firmware, Key, Seen, Verdicts};
use super::link::{self, Link, Status};

/// The steps of the dose oracle's rows begin with it.
const ORACLE: &str = "oracle.";

/// What requirements and scenarios say today, and which firmware is asked for.
#[derive(Debug)]
pub struct Today {
    pub requirements: Vec<Requirement>,
    pub checks: Vec<TracedCheck>,
    /// The builds in question: those that the user named, or the one that was seen last. Empty where nothing fits.
    pub firmware: Vec<Firmware>,
    /// Only runs that are evidence count.
    pub evidence_only: bool,
    /// A requirement whose check is only planned does not count.
    pub allow_planned: bool,
    /// What must be known of the folder of runs, in sentences: that there is no ledger, so that nobody knows which runs are missing.
    pub remarks: Vec<String>,
}

/// A requirement and what verifies it.
#[derive(Debug, Clone, PartialEq)]
pub struct Traced {
    pub requirement: Requirement,
    pub links: Vec<Link>,
}

#[derive(Debug)]
pub struct Matrix {
    pub requirements: Vec<Traced>,
    /// Checks that verify nothing.
    pub untraced: Vec<Link>,
    pub findings: Vec<Finding>,
    pub firmware: Vec<Firmware>,
    /// Builds that were seen besides.
    pub other_firmware: usize,
    pub runs: u64,
    pub evidence_runs: u64,
    pub without_requirements: u64,
    pub with_defect: u64,
    /// As in [`Today`].
    pub remarks: Vec<String>,
    /// As in [`Today`].
    pub allow_planned: bool,
}

impl Traced {
    /// The worst of its links; nothing where it has none.
    pub fn status(&self) -> Option<Status> {
        self.links.iter().map(|l| l.status).max()
    }

    /// Whether a verdict that counts is of a run that is no evidence.
    pub fn without_evidence(&self) -> bool {
        self.links.iter().filter_map(|l| l.counted.as_ref()).any(|seen| !seen.run.evidence)
    }

    /// One word for it: that of its links, or why it has none.
    pub fn word(&self) -> &'static str {
        match (self.status(), self.requirement.verification) {
            (Some(status), _) => status.name(),
            (None, Verification::Test) => Kind::Uncovered.name(),
            (None, other) => other.name(),
        }
    }
}

impl Matrix {
    /// `found` are findings that only the one who reads the files can have: damaged records, cut ones.
    pub fn new(today: Today, verdicts: &Verdicts, deviations: &[RowDeviation], found: Vec<Finding>) -> Self {
        let known: BTreeMap<Name, Requirement> = today.requirements.iter().map(|r| (r.id.clone(), r.clone())).collect();
        let besides = watched_besides(&today.checks, verdicts);
        let mut links: Vec<Link> =
            today.checks.into_iter().chain(besides).map(|c| link_of(c, verdicts, &today.firmware, &known, today.evidence_only)).collect();
        links.sort_by(|a, b| a.check.key.cmp(&b.check.key));
        let requirements = today
            .requirements
            .into_iter()
            .map(|requirement| {
                let links = links.iter().filter(|l| l.check.verifies.contains(&requirement.id)).cloned().collect();
                Traced { requirement, links }
            })
            .collect();
        let mut matrix = Self {
            requirements,
            untraced: links.iter().filter(|l| l.check.verifies.is_empty()).cloned().collect(),
            findings: found,
            other_firmware: verdicts.firmware.keys().filter(|f| !today.firmware.contains(f)).count(),
            firmware: today.firmware,
            runs: verdicts.runs,
            evidence_runs: verdicts.evidence_runs,
            without_requirements: verdicts.without_requirements,
            with_defect: verdicts.with_defect,
            remarks: today.remarks,
            allow_planned: today.allow_planned,
        };
        matrix.uncovered();
        matrix.of_links(&links, &known);
        matrix.deviations(&links, verdicts, deviations);
        matrix.elsewhere(&links, verdicts);
        matrix.findings.sort_by_key(|f| f.kind);
        matrix
    }

    pub fn of(&self, kind: Kind) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |f| f.kind == kind)
    }

    /// How many requirements have this word.
    pub fn count(&self, word: &str) -> usize {
        self.requirements.iter().filter(|r| r.word() == word).count()
    }

    /// Whether findings of this kind stand in the way of "all is covered, fresh and PASS" here.
    pub fn counts(&self, kind: Kind) -> bool {
        kind.counts() && !(self.allow_planned && kind == Kind::Planned)
    }

    /// 0: every requirement that is this rig's to cover is covered, fresh and PASS. 1: a FAIL. 6: anything else that counts.
    pub fn exit_code(&self) -> u8 {
        match self.findings.iter().map(|f| f.kind).filter(|k| self.counts(*k)).min() {
            Some(Kind::Fail) => 1,
            Some(_) => 6,
            None => 0,
        }
    }

    fn uncovered(&mut self) {
        for traced in self.requirements.iter().filter(|t| t.links.is_empty()) {
            let Requirement { id, text, verification, why, .. } = &traced.requirement;
            let (kind, what) = match verification {
                Verification::Test => (Kind::Uncovered, text.clone()),
                Verification::Planned => (Kind::Planned, why.clone()),
                // Not this rig's to cover.
                Verification::Review | Verification::Analysis | Verification::Absent => continue,
            };
            self.findings.push(Finding { kind, requirements: vec![id.clone()], key: None, run: None, what });
        }
    }

    fn of_links(&mut self, links: &[Link], known: &BTreeMap<Name, Requirement>) {
        let mut untraced = BTreeSet::new();
        for link in links {
            let of = |kind: Kind, what: String| Finding { run: run_of(link), ..finding(kind, link, what) };
            for id in link.check.verifies.iter().filter(|id| !known.contains_key(*id)) {
                let what = format!("`{id}` is not in the table of requirements ({})", link.check.file);
                self.findings.push(of(Kind::Unknown, what));
            }
            if link.check.verifies.is_empty() {
                // Once for a check, whatever the number of cases.
                if untraced.insert((link.check.key.scenario.clone(), link.check.key.step.clone())) {
                    self.findings.push(of(Kind::Untraced, link.check.text.clone()));
                }
            }
            self.findings.extend(of_status(link).map(|(kind, what)| of(kind, what)));
            let no_evidence = link.counted.as_ref().is_some_and(|seen| !seen.run.evidence);
            if no_evidence && !link.check.verifies.is_empty() {
                self.findings.push(of(Kind::NotEvidence, link.check.text.clone()));
            }
        }
    }

    fn deviations(&mut self, links: &[Link], verdicts: &Verdicts, deviations: &[RowDeviation]) {
        let mut told = BTreeSet::new();
        for deviation in deviations {
            // A copy of a run says the same again.
            if !told.insert((&deviation.run_id, deviation.row, &deviation.id, &deviation.disposition)) {
                continue;
            }
            let row = verdicts.noted.get(&(deviation.run_id.clone(), deviation.row));
            let counts = || {
                let rests_on_it = |seen: &Seen| seen.deviations.iter().any(|d| **d == *deviation);
                links.iter().any(|l| !l.check.verifies.is_empty() && l.counted.as_ref().is_some_and(rests_on_it))
            };
            let kind = match deviation.says {
                Says::Open => Kind::Deviation,
                Says::DiscardsRow if counts() => Kind::Discarded,
                Says::FirmwareDefect if !deviation.with_defect && row.is_none_or(|r| self.firmware.contains(&r.firmware)) => {
                    Kind::FirmwareDefect
                }
                Says::DiscardsRow | Says::FirmwareDefect | Says::Closed => Kind::Decided,
            };
            self.findings.push(Finding {
                kind,
                requirements: row.map(|r| r.requirements.clone()).unwrap_or_default(),
                key: row.map(|r| r.key.clone()),
                run: Some(deviation.folder.clone()),
                what: deviation.sentence(),
            });
        }
    }

    /// Rows that belong to no check of today: a scenario that is gone or has changed, or a step that is judged only when it goes wrong. Whoever
    /// takes a check away does not take its FAIL away; of all others those are told that were to verify something.
    fn elsewhere(&mut self, links: &[Link], verdicts: &Verdicts) {
        let there: BTreeSet<&Key> = links.iter().map(|l| &l.check.key).collect();
        for (key, of_firmware) in verdicts.seen.iter().filter(|(key, _)| !there.contains(key)) {
            for standing in of_firmware.values() {
                let failed = standing.worst.verdict == Verdict::Fail && self.firmware.contains(&standing.worst.firmware);
                let (kind, seen) = if failed { (Kind::Fail, &standing.worst) } else { (Kind::Gone, &standing.latest) };
                // An oracle that had nothing to say of a case is no check that somebody took away.
                let silent = key.step.starts_with(ORACLE) && seen.verdict == Verdict::Skipped;
                let what = match (failed, seen.requirements.is_empty() || silent) {
                    (false, true) => continue,
                    (true, true) => format!("{}: {} (row {} of run {})", seen.check, seen.reason, seen.row, seen.run.run_id),
                    (_, false) => format!("{}: {}; no scenario here has this check any more", seen.check, seen.verdict),
                };
                let requirements = seen.requirements.clone();
                self.findings.push(Finding { kind, requirements, key: Some(key.clone()), run: Some(seen.run.folder.clone()), what });
            }
        }
    }
}

/// Checks that no file states: what watches each case besides, from its first moment to its last (`oracle.excess`, `oracle.shortfall`). They
/// are known from the rows that they gave in cases of today; one that could say nothing of its case is none.
fn watched_besides(checks: &[TracedCheck], verdicts: &Verdicts) -> Vec<TracedCheck> {
    let files: BTreeMap<(&str, &str), &str> =
        checks.iter().map(|c| ((c.key.scenario.as_str(), c.key.case.as_str()), c.file.as_str())).collect();
    let of_oracle = verdicts.seen.iter().filter(|(key, _)| key.step.starts_with(ORACLE));
    let found = of_oracle.filter_map(|(key, standings)| {
        let file = files.get(&(key.scenario.as_str(), key.case.as_str()))?;
        let seen = standings.values().map(|standing| &standing.latest).find(|seen| seen.verdict != Verdict::Skipped)?;
        let (text, verifies) = (seen.check.clone(), seen.requirements.clone());
        Some(TracedCheck { key: key.clone(), file: (*file).to_owned(), text, limits: None, rule: None, verifies })
    });
    found.collect()
}

fn link_of(
    check: TracedCheck,
    verdicts: &Verdicts,
    firmware: &[Firmware],
    known: &BTreeMap<Name, Requirement>,
    evidence_only: bool,
) -> Link {
    let of_firmware = verdicts.seen.get(&check.key);
    let without_rows = verdicts.without_rows.get(&(check.key.scenario.clone(), check.key.case.clone()));
    link::link(check, of_firmware, without_rows, firmware, known, evidence_only)
}

fn finding(kind: Kind, link: &Link, what: String) -> Finding {
    Finding { kind, requirements: link.check.verifies.clone(), key: Some(link.check.key.clone()), run: None, what }
}

fn run_of(link: &Link) -> Option<String> {
    link.worst.as_ref().or(link.counted.as_ref()).map(|seen| seen.run.folder.clone())
}

/// What its status alone says. A check that verifies no requirement is none of the matrix, but its FAIL is.
fn of_status(link: &Link) -> Option<(Kind, String)> {
    let text = &link.check.text;
    let counted = link.counted.as_ref();
    if link.check.verifies.is_empty() && link.status != Status::Fail {
        return None;
    }
    Some(match link.status {
        Status::Pass => return None,
        Status::Fail => {
            let failed = link.worst.as_ref().or(counted)?;
            let after = match (&link.worst, counted) {
                (Some(_), Some(seen)) => format!("; {} in run {} takes nothing back", seen.verdict, seen.run.run_id),
                _ => String::new(),
            };
            (Kind::Fail, format!("{text}: {} (row {} of run {}){after}", failed.reason, failed.row, failed.run.run_id))
        }
        Status::NotShown => {
            let seen = counted?;
            let why = match (seen.verdict, link::discarded(seen)) {
                (Verdict::Pass, Some(deviation)) => &format!("deviation {}", deviation.words()),
                (Verdict::Pass, None) => "in a run that is no evidence",
                _ => &seen.reason,
            };
            (Kind::NotShown, format!("{text}: {} ({why})", seen.verdict))
        }
        Status::NotRun => match &link.without_rows {
            Some(case) => (Kind::NotRun, format!("{text}: the case was {} ({})", case.verdict, case.reason)),
            None => (Kind::NotRun, text.clone()),
        },
        Status::Stale => {
            let seen = counted?;
            let Firmware { version, hash } = &seen.firmware;
            let firmware =
                if version.is_empty() { "a board that did not say what it runs".to_owned() } else { format!("{version} {hash}") };
            (Kind::Stale, format!("{text}: {} is of {firmware}", seen.verdict))
        }
        Status::Suspect => (Kind::Suspect, format!("{text}: {}", link.suspicions.join("; "))),
    })
}
