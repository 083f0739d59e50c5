//! What `rig trace` takes from the folder of runs: run by run, in memory that does not grow with their number.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use rig_model::Name;
use rig_model::fact::{Body, Header};
use rig_model::requirement::Requirement;
use rig_record::{End, JournalReader};
use rig_report::trace::{Finding, FindingKind, Gather, OpenDeviation, RunInfo, Verdicts};
use rig_scenario::Requirements;

use crate::failure::{BENCH, Failure, OrExit, USAGE, failure};
use crate::folder::RunFolder;
use crate::inputs::{REQUIREMENTS, Suite};
use crate::texts::{differing, texts_of};

/// Everything that was found in a folder of runs.
#[derive(Debug, Default)]
pub struct Found {
    pub verdicts: Verdicts,
    pub findings: Vec<Finding>,
    pub deviations: Vec<OpenDeviation>,
    /// Tables of requirements by the hash of their text: hundreds of runs have a few.
    tables: BTreeMap<String, Option<Arc<BTreeMap<Name, Requirement>>>>,
    /// Ids of runs, so that a copy counts once.
    ids: BTreeSet<String>,
}

/// Each run in a folder, in the order of names; or the folder itself where it is one run.
pub fn runs(reports: &Path) -> Result<Vec<PathBuf>, Failure> {
    if RunFolder::open(reports).journal().exists() {
        return Ok(vec![reports.to_owned()]);
    }
    let listing = || format!("failed to list the runs in `{}`", reports.display());
    let entries = std::fs::read_dir(reports).with_context(listing).or_exit(USAGE)?;
    let mut runs = Vec::new();
    for entry in entries {
        let path = entry.with_context(listing).or_exit(BENCH)?.path();
        let hidden = path.file_name().is_none_or(|n| n.to_string_lossy().starts_with('.'));
        if !hidden && path.is_dir() {
            runs.push(path);
        }
    }
    runs.sort();
    Ok(runs)
}

impl Found {
    /// Takes a run. One that can't be read is a finding, and what could be read of it before stands.
    pub fn add(&mut self, run: &Path, suite: &Suite) -> Result<(), Failure> {
        let folder = RunFolder::open(run);
        let path = folder.journal();
        if !path.exists() {
            if ["results.csv", "manifest.json"].iter().any(|name| run.join(name).exists()) {
                self.finding(FindingKind::Damaged, run, "it holds no journal".to_owned());
            }
            return Ok(());
        }
        let reading = || format!("failed to open `{}`", path.display());
        let file = File::open(&path).with_context(reading).or_exit(BENCH)?;
        let mut journal = JournalReader::new(BufReader::with_capacity(1 << 18, file)).only(Gather::KINDS);
        let header = match journal.next() {
            Some(Ok((_, fact))) => match fact.body {
                Body::Header(header) => header,
                _ => return Err(failure(BENCH, format!("`{}` does not begin with a header", path.display()))),
            },
            Some(Err(error)) => {
                self.finding(FindingKind::Damaged, run, format!("nothing of it counts: failed to {error}"));
                return Ok(());
            }
            None => {
                self.finding(FindingKind::CutOff, run, "not even its first line was recorded".to_owned());
                return Ok(());
            }
        };
        if !self.ids.insert(header.run_id.clone()) {
            tracing::warn!("`{}` is a copy of a run that was read already ({})", run.display(), header.run_id);
            return Ok(());
        }
        if header.defect.is_some() {
            self.verdicts.leave_out();
            return Ok(());
        }
        self.open_deviations(&folder, &header);
        let mut gather = Gather::new(self.info(run, &header, suite));
        for fact in journal.by_ref() {
            match fact {
                Ok((_, fact)) => gather.take(&fact),
                Err(error) => self.finding(FindingKind::Damaged, run, format!("what came before stands: failed to {error}")),
            }
        }
        if let Some(End::CutOff(cut)) = journal.end() {
            self.finding(FindingKind::CutOff, run, format!("its record ends at line {}", cut.line));
        }
        self.verdicts.add(gather);
        Ok(())
    }

    fn finding(&mut self, kind: FindingKind, run: &Path, what: String) {
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
            evidence: header.evidence && !header.simulated,
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

    /// Of the statements that people signed.
    fn open_deviations(&mut self, _folder: &RunFolder, _header: &Header) {}
}

pub fn by_id(table: &Requirements) -> BTreeMap<Name, Requirement> {
    table.iter().map(|r| (r.id.clone(), r.clone())).collect()
}
