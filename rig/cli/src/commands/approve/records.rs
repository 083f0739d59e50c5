//! Finds the runs that were played under a plan: each journal's header, and of those under the plan how each case ended.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rig_evidence::{ApprovedTest, Extent, Ledger, PlayedCase, PlayedRun, Roll};
use rig_model::dut::DutIdentity;
use rig_model::event::Event;
use rig_model::fact::{Body, Header, Note};
use rig_model::verdict::Verdict;
use rig_record::{JournalReader, MAX_LINE};

use crate::folder::RunFolder;
use crate::ledger;
use crate::plan::Approved;

/// What lies in a folder of reports.
#[derive(Debug, Default)]
pub struct Records {
    pub runs: Vec<PlayedRun>,
    /// Records that can't be read or are not there any more, in sentences.
    pub damaged: Vec<String>,
}

/// Looks through the folder's runs; one without a journal is none.
pub fn under(approved: &Approved, reports: &Path) -> Result<Records> {
    let mut found = Records::default();
    let listing = || format!("failed to list `{}`", reports.display());
    let entries = match std::fs::read_dir(reports) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(found),
        entries => entries.with_context(listing)?,
    };
    let mut folders: Vec<PathBuf> = entries.map(|e| e.map(|e| e.path())).collect::<Result<_, _>>().with_context(listing)?;
    folders.sort();
    for folder in folders.into_iter().filter(|f| f.is_dir()) {
        let folder = RunFolder::open(&folder);
        if !folder.journal().exists() {
            continue;
        }
        match run(approved, &folder) {
            Ok(run) => found.runs.extend(run),
            Err(error) => found.damaged.push(format!("{}: {error:#}", folder.name())),
        }
    }
    found.damaged.extend(gone(approved, reports)?);
    Ok(found)
}

/// What the ledger knows and the folder does not have: a run that began after the approval may have been one under the plan.
fn gone(approved: &Approved, reports: &Path) -> Result<Vec<String>> {
    let bytes = ledger::read(reports)?;
    let faults = Ledger::read(&bytes).faults;
    let mut found: Vec<String> = faults.iter().take(1).map(|f| format!("{}: line {}: {}", Ledger::NAME, f.line, f.what)).collect();
    let runs = Roll::read(&bytes).runs;
    let gone = runs.iter().filter(|run| *run.started_utc >= *approved.plan.utc && !reports.join(run.folder).is_dir());
    found.extend(gone.map(|run| {
        format!("{}: the ledger has it as run {}, and it is gone: it may have been played under this plan", run.folder, run.number)
    }));
    Ok(found)
}

/// Nothing for a run that has nothing to do with the plan.
fn run(approved: &Approved, folder: &RunFolder) -> Result<Option<PlayedRun>> {
    let path = folder.journal();
    let reading = || format!("failed to read `{}`", path.display());
    let mut journal = BufReader::new(File::open(&path).with_context(reading)?);
    // Most runs are of no plan or of another: a look at the first line is enough for them.
    let mut first = Vec::new();
    (&mut journal).take(MAX_LINE as u64).read_until(b'\n', &mut first).with_context(reading)?;
    let digits = approved.document.sha256.as_bytes();
    if !first.windows(digits.len()).any(|w| w == digits) {
        return Ok(None);
    }
    journal.rewind().with_context(reading)?;
    let mut gathered: Option<Gathered> = None;
    for fact in JournalReader::new(journal) {
        let (_, fact) = fact.with_context(reading)?;
        match (&mut gathered, fact.body) {
            (None, Body::Header(header)) => {
                let approval = header.provenance.approval.as_ref();
                if approval.is_none_or(|a| a.document.text != approved.document.text) {
                    return Ok(None);
                }
                gathered = Some(Gathered::of(header));
            }
            (Some(gathered), Body::Event(event)) => gathered.event(event),
            (Some(gathered), Body::Note(Note::NotEvidence { why })) => gathered.noted.push(why),
            _ => {}
        }
    }
    Ok(gathered.map(|g| g.run(approved, folder.name())))
}

/// What was read of a run so far.
struct Gathered {
    header: Box<Header>,
    board: Option<DutIdentity>,
    noted: Vec<String>,
    cases: Vec<PlayedCase>,
    ended: bool,
}

impl Gathered {
    fn of(header: Box<Header>) -> Self {
        Self { header, board: None, noted: Vec::new(), cases: Vec::new(), ended: false }
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::DutIdentified(identity) => _ = self.board.get_or_insert(identity),
            Event::CaseStarted(case) => {
                self.cases.push(PlayedCase { scenario: case.scenario, case: case.case, verdict: None });
            }
            Event::Check(row) if row.verdict == Verdict::Fail => self.failed_now(),
            Event::CaseEnded(ended) => {
                if let Some(case) = self.cases.last_mut() {
                    case.verdict = Some(ended.verdict);
                }
            }
            Event::RunEnded(_) => self.ended = true,
            _ => {}
        }
    }

    /// A FAIL that was proven stays one, even if the case never ended.
    fn failed_now(&mut self) {
        if let Some(case) = self.cases.last_mut() {
            case.verdict = Some(Verdict::Fail);
        }
    }

    fn run(self, approved: &Approved, folder: String) -> PlayedRun {
        let approval = self.header.provenance.approval.as_ref();
        let name = approval.map(|a| a.test.clone()).unwrap_or_default();
        let why = approved.plan.test(&name).map(|test| self.not_evidence(approved, test)).unwrap_or_default();
        PlayedRun {
            folder,
            test: name,
            serial: self.board.map(|b| b.serial),
            not_evidence: why,
            ended: self.ended,
            rerun_of: self.header.provenance.rerun_of.iter().map(|before| before.run_id.clone()).collect(),
            cases: self.cases,
            run_id: self.header.run_id,
            started_utc: self.header.started_utc,
        }
    }

    /// What the record says of itself, and what it is in the light of the plan, whatever it says.
    fn not_evidence(&self, approved: &Approved, test: &ApprovedTest) -> Vec<String> {
        let header = &self.header;
        let mut why = header.provenance.not_evidence.clone();
        why.extend(self.noted.iter().cloned());
        if header.simulated && why.is_empty() {
            why.push("the bench is simulated".to_owned());
        }
        if !header.evidence && why.is_empty() {
            why.push("it was not played as evidence".to_owned());
        }
        let differences = approved.plan.differences(test, header, Extent::Part);
        why.extend(differences.into_iter().filter(|d| !header.provenance.not_evidence.contains(d)));
        let told = self.board.as_ref().map(|b| &b.firmware_hash);
        if let Some(told) = told.filter(|told| !test.firmware.build_hashes.contains(told)) {
            why.push(format!("its board runs firmware {told}, which is not the plan's"));
        }
        why
    }
}
