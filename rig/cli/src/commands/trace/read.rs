//! What `rig trace` takes from the folder of runs: run by run, in memory that does not grow with their number.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use rig_evidence::{Deviation, Disposition, Entry, Ledger, Numbered, Signers};
use rig_model::Name;
use rig_model::fact::Header;
use rig_model::requirement::Requirement;
use rig_record::End;
use rig_report::trace::{Finding, FindingKind, Gather, RowDeviation, RunInfo, Says, Verdicts};
use rig_scenario::Requirements;

use crate::folder::RunFolder;
use crate::inputs::{REQUIREMENTS, Suite};
use crate::reports::{self, Opened, Unreadable};
use crate::texts::{differing, texts_of};
use crate::{ledger, marks, signed};

/// Everything that was found in a folder of runs.
#[derive(Debug, Default)]
pub struct Found {
    pub verdicts: Verdicts,
    pub findings: Vec<Finding>,
    pub deviations: Vec<RowDeviation>,
    /// Who may sign; `None` where that is not known.
    signers: Option<Signers>,
    /// Ids of all runs that lie there, whatever is left of them, and names of folders that hold a run without a header.
    there: BTreeSet<String>,
    nameless: BTreeSet<String>,
    /// Tables of requirements by the hash of their text: hundreds of runs have a few.
    tables: BTreeMap<String, Option<Arc<BTreeMap<Name, Requirement>>>>,
    /// Ids of runs that were read to their end, so that a copy counts once, and a damaged one does not stand for the whole.
    whole: BTreeSet<String>,
}

impl Found {
    pub fn new(signers: Option<Signers>) -> Self {
        Self { signers, ..Self::default() }
    }

    /// Takes a run. One that can't be read is a finding, and what could be read of it before stands.
    pub fn add(&mut self, run: &Path, suite: &Suite) {
        let Opened { mut journal, header, .. } = match reports::open(run, Gather::KINDS) {
            Ok(opened) => opened,
            Err(Unreadable::NoRun) => return,
            Err(Unreadable::Empty) => {
                self.nameless.insert(RunFolder::open(run).name());
                return self.finding(FindingKind::CutOff, run, "not even its first line was recorded");
            }
            Err(Unreadable::Damaged(why)) => {
                self.nameless.insert(RunFolder::open(run).name());
                return self.finding(FindingKind::Damaged, run, &format!("nothing of it counts: {why}"));
            }
        };
        self.there.insert(header.run_id.clone());
        let deviations = self.deviations_of(run, &header);
        self.deviations.extend(deviations.iter().cloned());
        if self.whole.contains(&header.run_id) {
            tracing::warn!("`{}` is a copy of a run that was read already ({})", run.display(), header.run_id);
            return;
        }
        if header.defect.is_some() {
            return self.verdicts.leave_out();
        }
        let mut gather = Gather::new(self.info(run, &header, suite)).with(deviations);
        for fact in journal.by_ref() {
            match fact {
                Ok((_, fact)) => gather.take(&fact),
                Err(error) => {
                    let why = format!("what came before stands: failed to {:#}", anyhow::Error::new(error));
                    self.finding(FindingKind::Damaged, run, &why);
                }
            }
        }
        match journal.end() {
            Some(End::CutOff(cut)) => self.finding(FindingKind::CutOff, run, &format!("its record ends at line {}", cut.line)),
            Some(End::Complete) => drop(self.whole.insert(header.run_id.clone())),
            None => {}
        }
        self.verdicts.add(gather);
    }

    /// What the ledger says of runs that do not lie there; gives what there is to say of the ledger itself. After all runs were added.
    pub fn held_against(&mut self, reports: &Path) -> anyhow::Result<Option<String>> {
        let bytes = ledger::read(reports)?;
        if bytes.is_empty() {
            return Ok(Some(format!("there is no ledger of runs in {}: whether one was taken away is not known", reports.display())));
        }
        let known = Ledger::read(&bytes);
        let mut gone = Vec::new();
        for Numbered { line, .. } in &known.lines {
            let Entry::Started { number, started_utc, folder } = &line.entry else { continue };
            if self.there.contains(&line.run_id) || self.nameless.contains(folder) {
                continue;
            }
            let closed = known.of_run(&line.run_id).filter_map(|n| match &n.line.entry {
                Entry::Ended(closing) | Entry::Recovered(closing) => Some(closing),
                Entry::Started { .. } | Entry::Signed { .. } => None,
            });
            let verdict = match closed.last() {
                Some(closing) => closing.verdict.as_deref().unwrap_or("without a verdict"),
                None => "without an end",
            };
            gone.push((reports.join(folder), format!("run {number} of {started_utc}, {verdict}, is in the ledger and not here")));
        }
        gone.iter().for_each(|(run, what)| self.finding(FindingKind::GoneRun, run, what));
        Ok(ledger::first_fault(reports, &known))
    }

    fn finding(&mut self, kind: FindingKind, run: &Path, what: &str) {
        let run = run.display().to_string();
        self.findings.push(Finding { kind, requirements: Vec::new(), key: None, what: format!("{run}: {what}"), run: Some(run) });
    }

    fn info(&mut self, run: &Path, header: &Header, suite: &Suite) -> RunInfo {
        let mut changed_files = BTreeMap::new();
        for case in &header.cases {
            let Some(today) = suite.scenarios.iter().find(|s| *s.id == *case.scenario) else { continue };
            if !changed_files.contains_key(&case.scenario) {
                let changed = differing(&texts_of(&header.files, &case.file), &texts_of(&suite.files, &today.file));
                changed_files.insert(case.scenario.clone(), changed);
            }
        }
        changed_files.retain(|_, changed| !changed.is_empty());
        RunInfo {
            run_id: header.run_id.clone(),
            folder: run.display().to_string(),
            started_utc: header.started_utc.clone(),
            bench: header.bench.clone(),
            simulated: header.simulated,
            evidence: marks::claim_holds(header).is_empty(),
            requirements: self.requirements(header),
            changed_files,
        }
    }

    /// As the record holds them; nothing where it holds none, or none that this version of `rig` can read.
    fn requirements(&mut self, header: &Header) -> Option<Arc<BTreeMap<Name, Requirement>>> {
        let file = header.files.iter().find(|f| f.path == REQUIREMENTS || f.path.ends_with("/requirements.csv"))?;
        let parsed = || Requirements::parse(&file.path, &file.text).ok().map(|table| Arc::new(by_id(&table)));
        self.tables.entry(file.sha256.clone()).or_insert_with(parsed).clone()
    }

    /// Of the statements that people signed: only what somebody stands for opens or closes anything.
    fn deviations_of(&mut self, run: &Path, header: &Header) -> Vec<RowDeviation> {
        match signed::noted_by(&RunFolder::open(run), &header.run_id, self.signers.as_ref()) {
            Ok(noted) => {
                for trouble in &noted.troubles {
                    self.finding(FindingKind::Damaged, run, &format!("its signed statements: {trouble}"));
                }
                rig_evidence::last_words(&noted.all).into_iter().map(|deviation| of(deviation, run, header)).collect()
            }
            Err(error) => {
                self.finding(FindingKind::Damaged, run, &format!("its signed statements can't be read: {error:#}"));
                Vec::new()
            }
        }
    }
}

fn of(deviation: &Deviation, run: &Path, header: &Header) -> RowDeviation {
    RowDeviation {
        run_id: header.run_id.clone(),
        folder: run.display().to_string(),
        row: deviation.row,
        id: deviation.id.clone(),
        disposition: deviation.disposition.to_string(),
        says: match deviation.disposition {
            Disposition::Open => Says::Open,
            Disposition::Retest | Disposition::BenchFault => Says::DiscardsRow,
            Disposition::FirmwareDefect => Says::FirmwareDefect,
            Disposition::AcceptAsIs => Says::Closed,
        },
        note: deviation.note.clone(),
        with_defect: header.defect.is_some(),
    }
}

pub fn by_id(table: &Requirements) -> BTreeMap<Name, Requirement> {
    table.iter().map(|r| (r.id.clone(), r.clone())).collect()
}
