//! What runs say of checks: of each check and each firmware the latest verdict and the worst, whatever the number of runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use rig_model::Name;
use rig_model::dut::DutIdentity;
use rig_model::event::Event;
use rig_model::fact::{Body, Fact, Note};
use rig_model::requirement::Requirement;
use rig_model::verdict::{CheckRow, Limits, Rule, Verdict};

use super::deviation::RowDeviation;
use crate::context::{CUT_OFF, Context};

/// Where a check stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub scenario: String,
    /// Empty where the scenario has no matrix.
    pub case: String,
    pub step: Name,
}

/// What the board said that it runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Firmware {
    pub version: String,
    /// Build hash, hexadecimal.
    pub hash: String,
}

/// A run, as far as its rows share it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunInfo {
    pub run_id: String,
    /// Its folder, as it was found.
    pub folder: String,
    pub started_utc: String,
    pub bench: String,
    pub simulated: bool,
    pub evidence: bool,
    /// The requirements that its record holds; nothing where it holds none.
    pub requirements: Option<Arc<BTreeMap<Name, Requirement>>>,
    /// By scenario: the files (the scenario's own and its fragments) that are not what they are today.
    pub changed_files: BTreeMap<String, Vec<String>>,
}

/// A verdict of a run on a check: the worst of the rows that it gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    pub run: Arc<RunInfo>,
    /// Number of the row in its `results.csv`.
    pub row: u64,
    pub check: String,
    pub statistic: String,
    pub limits: Limits,
    pub rule: Rule,
    pub requirements: Vec<Name>,
    pub verdict: Verdict,
    pub reason: String,
    pub firmware: Firmware,
    pub dut_model: String,
    pub dut_serial: String,
    /// What people signed to this row, or to another one that the check gave in the same case.
    pub deviations: Vec<Arc<RowDeviation>>,
}

impl Seen {
    /// Order in time.
    fn when(&self) -> (&str, &str, u64) {
        (&self.run.started_utc, &self.run.run_id, self.row)
    }
}

/// A case that left no row at all.
#[derive(Debug, Clone, PartialEq)]
pub struct SeenCase {
    pub run: Arc<RunInfo>,
    pub verdict: Verdict,
    pub reason: String,
}

/// What is kept of one check on one firmware.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Standing {
    pub(super) latest: Seen,
    /// The latest in a run that is evidence.
    pub(super) evidence: Option<Seen>,
    /// The latest of the worst verdict.
    pub(super) worst: Seen,
    pub(super) runs: u64,
}

/// Of all runs. It grows with checks and firmware builds, not with runs or rows.
#[derive(Debug, Default)]
pub struct Verdicts {
    pub(super) seen: BTreeMap<Key, BTreeMap<Firmware, Standing>>,
    /// Cases without rows, the latest each, by scenario and case.
    pub(super) without_rows: BTreeMap<(String, String), SeenCase>,
    /// When each firmware was last seen.
    pub(super) firmware: BTreeMap<Firmware, String>,
    pub(super) runs: u64,
    pub(super) evidence_runs: u64,
    /// Runs that hold no requirements, so that nobody knows what the texts were.
    pub(super) without_requirements: u64,
    /// What the rows with deviations are, by run and row.
    pub(super) noted: BTreeMap<(String, u64), NotedRow>,
    /// Runs of pumps with a defect put in: they show what the suite finds, and nothing of the firmware.
    pub(super) with_defect: u64,
}

/// A row that somebody signed a deviation to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct NotedRow {
    pub(super) key: Key,
    pub(super) requirements: Vec<Name>,
    pub(super) firmware: Firmware,
}

/// Takes the facts of one run.
#[derive(Debug)]
pub struct Gather {
    run: Arc<RunInfo>,
    context: Context,
    /// Of the case that is open, then of all.
    open: BTreeMap<Name, Seen>,
    done: Vec<(Key, Seen)>,
    without_rows: Vec<((String, String), SeenCase)>,
    firmware: Vec<Firmware>,
    deviations: Vec<Arc<RowDeviation>>,
}

impl Gather {
    /// The kinds of facts that matter here; a journal may be read for these only.
    pub const KINDS: &'static [&'static str] = &["case_started", "dut_identified", "check", "case_ended", "not_evidence"];

    pub fn new(run: RunInfo) -> Self {
        Self {
            run: Arc::new(run),
            context: Context::default(),
            open: BTreeMap::new(),
            done: Vec::new(),
            without_rows: Vec::new(),
            firmware: Vec::new(),
            deviations: Vec::new(),
        }
    }

    /// What people signed to the run's rows.
    #[must_use]
    pub fn with(mut self, deviations: impl IntoIterator<Item = RowDeviation>) -> Self {
        self.deviations.extend(deviations.into_iter().map(Arc::new));
        self
    }

    pub fn take(&mut self, fact: &Fact) {
        // A case that another one follows without its end was cut off.
        if matches!(fact.body, Body::Event(Event::CaseStarted(_))) {
            self.close_unended();
        }
        let closed = self.context.take(fact);
        match &fact.body {
            Body::Event(Event::Check(row)) => self.row(row),
            Body::Event(Event::DutIdentified(dut)) => {
                let firmware = Firmware { version: dut.firmware_version.clone(), hash: dut.firmware_hash.clone() };
                if !self.firmware.contains(&firmware) {
                    self.firmware.push(firmware);
                }
            }
            Body::Event(Event::CaseEnded(_)) => {
                let Some(closed) = closed else { return };
                let (scenario, case) = (closed.case.info.scenario, closed.case.info.case);
                if self.open.is_empty() {
                    let seen = SeenCase { run: self.run.clone(), verdict: closed.verdict, reason: closed.reason };
                    self.without_rows.push(((scenario, case), seen));
                } else {
                    self.close(&scenario, &case);
                }
            }
            Body::Note(Note::NotEvidence { .. }) => self.not_evidence(),
            _ => {}
        }
    }

    /// It came to light while the run was played, and holds for all of it.
    fn not_evidence(&mut self) {
        let run = Arc::new(RunInfo { evidence: false, ..(*self.run).clone() });
        let seen = self.open.values_mut().chain(self.done.iter_mut().map(|(_, seen)| seen));
        seen.for_each(|seen| seen.run = run.clone());
        self.without_rows.iter_mut().for_each(|(_, seen)| seen.run = run.clone());
        self.run = run;
    }

    fn row(&mut self, row: &CheckRow) {
        // Every row belongs to a case.
        if self.context.case.is_none() {
            return;
        }
        let dut = self.context.dut.as_ref();
        let of_dut = |field: fn(&DutIdentity) -> &String| dut.map(field).cloned().unwrap_or_default();
        let number = self.context.checks.total();
        let seen = Seen {
            run: self.run.clone(),
            row: number,
            check: row.check.clone(),
            statistic: row.statistic.clone(),
            limits: row.limits,
            rule: Rule { rule: row.rule, guard_factor: row.guard_factor, stated_by: row.rule_stated_by },
            requirements: row.requirements.clone(),
            verdict: row.verdict,
            reason: row.reason.clone(),
            firmware: Firmware { version: of_dut(|d| &d.firmware_version), hash: of_dut(|d| &d.firmware_hash) },
            dut_model: of_dut(|d| &d.model),
            dut_serial: of_dut(|d| &d.serial),
            deviations: self.deviations.iter().filter(|d| d.row == number).cloned().collect(),
        };
        match self.open.get_mut(&row.step) {
            Some(known) if known.verdict >= seen.verdict => known.deviations.extend(seen.deviations),
            Some(known) => {
                let before = std::mem::replace(known, seen);
                known.deviations.extend(before.deviations);
            }
            None => drop(self.open.insert(row.step.clone(), seen)),
        }
    }

    fn close(&mut self, scenario: &str, case: &str) {
        for (step, seen) in std::mem::take(&mut self.open) {
            self.done.push((Key { scenario: scenario.to_owned(), case: case.to_owned(), step }, seen));
        }
    }

    /// In a case without its end only a FAIL stands.
    fn close_unended(&mut self) {
        let Some(case) = &self.context.case else { return };
        let (scenario, name) = (case.info.scenario.clone(), case.info.case.clone());
        for seen in self.open.values_mut().filter(|s| s.verdict != Verdict::Fail) {
            (seen.verdict, seen.reason) = (Verdict::Aborted, CUT_OFF.to_owned());
        }
        if self.open.is_empty() {
            let seen = SeenCase { run: self.run.clone(), verdict: Verdict::Aborted, reason: CUT_OFF.to_owned() };
            self.without_rows.push(((scenario.clone(), name.clone()), seen));
        }
        self.close(&scenario, &name);
    }
}

impl Verdicts {
    /// Puts what a run said to what is known. Call it when all that can be read of the run was taken.
    pub fn add(&mut self, mut run: Gather) {
        run.close_unended();
        let Gather { run, done, without_rows, firmware, .. } = run;
        self.runs += 1;
        self.evidence_runs += u64::from(run.evidence);
        self.without_requirements += u64::from(run.requirements.is_none());
        for firmware in firmware {
            let last = self.firmware.entry(firmware).or_default();
            if *last < run.started_utc {
                last.clone_from(&run.started_utc);
            }
        }
        for (key, seen) in done {
            for deviation in &seen.deviations {
                let row = NotedRow { key: key.clone(), requirements: seen.requirements.clone(), firmware: seen.firmware.clone() };
                self.noted.insert((deviation.run_id.clone(), deviation.row), row);
            }
            let of_firmware = self.seen.entry(key).or_default();
            match of_firmware.get_mut(&seen.firmware) {
                Some(standing) => standing.add(seen),
                None => drop(of_firmware.insert(seen.firmware.clone(), Standing::new(seen))),
            }
        }
        for (case, seen) in without_rows {
            let newer = |known: &SeenCase| known.run.started_utc <= seen.run.started_utc;
            if self.without_rows.get(&case).is_none_or(newer) {
                self.without_rows.insert(case, seen);
            }
        }
    }

    /// Counts a run that is left out because a defect had been put into its pump.
    pub fn leave_out(&mut self) {
        self.with_defect += 1;
    }

    /// Every firmware that was seen, the one that was seen last first.
    pub fn firmware(&self) -> Vec<&Firmware> {
        let mut all: Vec<(&String, &Firmware)> = self.firmware.iter().map(|(firmware, last)| (last, firmware)).collect();
        all.sort_by(|a, b| b.cmp(a));
        all.into_iter().map(|(_, firmware)| firmware).collect()
    }
}

impl Standing {
    fn new(seen: Seen) -> Self {
        let evidence = seen.run.evidence.then(|| seen.clone());
        Self { latest: seen.clone(), evidence, worst: seen, runs: 1 }
    }

    fn add(&mut self, seen: Seen) {
        self.runs += 1;
        // Of a run that lies there twice, once damaged, the whole one is read last or alone.
        let later = |known: &Seen| seen.when() >= known.when();
        if seen.run.evidence && self.evidence.as_ref().is_none_or(later) {
            self.evidence = Some(seen.clone());
        }
        if seen.verdict > self.worst.verdict || (seen.verdict == self.worst.verdict && later(&self.worst)) {
            self.worst = seen.clone();
        }
        if later(&self.latest) {
            self.latest = seen;
        }
    }

    /// What counts: a verdict of a run that is evidence before any later one that is not.
    pub(super) fn counted(&self) -> &Seen {
        self.evidence.as_ref().unwrap_or(&self.latest)
    }
}
