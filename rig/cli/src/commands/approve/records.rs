//! Finds the runs that were played under a plan: through the ledger, which knows each that ever began, and then of those under the plan how each
//! case ended. A run that is not as it was closed is named and does not count, whatever plan it says that it is under.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rig_evidence::{
    ApprovedTest, Closing, Deviation, Disposition, Entry, Extent, Head, Ledger, Manifest, PlayedCase, PlayedRun, open_deviations,
};
use rig_model::dut::DutIdentity;
use rig_model::event::Event;
use rig_model::fact::{Body, Header, Note};
use rig_model::verdict::Verdict;
use rig_record::{End, JournalReader};

use crate::commands::run::NOT_SAFE;
use crate::folder::RunFolder;
use crate::plan::Approved;
use crate::{closing, ledger, marks, signed};

/// What lies in a folder of reports.
#[derive(Debug, Default)]
pub struct Records {
    pub runs: Vec<PlayedRun>,
    /// Records that can't be read, are not as they were closed, or are not there any more, in sentences.
    pub damaged: Vec<String>,
    /// By the folder of a run under the plan: its deviations that stand open, a line each.
    pub open: BTreeMap<String, Vec<String>>,
    /// Nothing was ever entered here, or all of it was taken away.
    pub no_ledger: bool,
}

/// A run as the ledger has it.
struct Entered<'l> {
    number: u64,
    run_id: &'l str,
    started_utc: &'l str,
    folder: &'l str,
    closings: Vec<&'l Closing>,
}

/// The facts that count here.
const KINDS: &[&str] = &["dut_identified", "case_started", "check", "case_ended", "run_ended", "not_evidence"];

/// Looks through the ledger for the runs that may be under the plan, and through the folder for runs that it does not know.
pub fn under(approved: &Approved, reports: &Path) -> Result<Records> {
    let mut found = Records::default();
    let bytes = ledger::read(reports)?;
    let ledger = Ledger::read(&bytes);
    found.damaged.extend(ledger.faults.iter().take(1).map(|f| format!("{}: line {}: {}", Ledger::NAME, f.line, f.what)));
    found.no_ledger = ledger.lines.is_empty();
    let entered = entered(&ledger);
    // Before its approval nothing can have been played under a plan.
    for run in entered.iter().filter(|run| *run.started_utc >= *approved.plan.utc) {
        if let Err(error) = found.take(approved, reports, run) {
            found.damaged.push(format!("{} (run {} of the ledger): {error:#}", run.folder, run.number));
        }
    }
    let known: BTreeSet<&str> = entered.iter().map(|run| run.folder).collect();
    for folder in folders(reports)?.iter().map(|path| RunFolder::open(path)).filter(|f| !known.contains(&*f.name())) {
        found.unknown(approved, &folder);
    }
    Ok(found)
}

/// Each run that the ledger knows, in the order of their starts.
fn entered(ledger: &Ledger) -> Vec<Entered<'_>> {
    let mut closings: BTreeMap<&str, Vec<&Closing>> = BTreeMap::new();
    for numbered in &ledger.lines {
        if let Entry::Ended(closing) | Entry::Recovered(closing) = &numbered.line.entry {
            closings.entry(&numbered.line.run_id).or_default().push(closing);
        }
    }
    let lines = ledger.lines.iter().map(|numbered| &numbered.line);
    lines
        .filter_map(|line| {
            let Entry::Started { number, started_utc, folder } = &line.entry else { return None };
            let closings = closings.get(&*line.run_id).cloned().unwrap_or_default();
            Some(Entered { number: *number, run_id: &line.run_id, started_utc, folder, closings })
        })
        .collect()
}

/// Folders in which something of a run lies, in their order; none where there is no folder of reports.
fn folders(reports: &Path) -> Result<Vec<PathBuf>> {
    let listing = || format!("failed to list `{}`", reports.display());
    let entries = match std::fs::read_dir(reports) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(listing)?,
    };
    let mut folders: Vec<PathBuf> = entries.map(|e| e.map(|e| e.path())).collect::<Result<_, _>>().with_context(listing)?;
    let of_a_run = |f: &PathBuf| f.is_dir() && (RunFolder::open(f).journal().exists() || f.join(Manifest::NAME).exists());
    folders.retain(of_a_run);
    folders.sort();
    Ok(folders)
}

impl Records {
    /// A run that the ledger knows: it must be there, and be the one that was closed.
    fn take(&mut self, approved: &Approved, reports: &Path, entered: &Entered<'_>) -> Result<()> {
        let folder = RunFolder::open(&reports.join(entered.folder));
        if !folder.path().is_dir() {
            bail!("it is gone: it may have been played under this plan");
        }
        if !folder.journal().exists() {
            // Closed as a run of which not even a first line was left.
            if entered.closings.last().is_some_and(|closing| closing.journal.is_none()) {
                return Ok(());
            }
            bail!("its journal is gone: it may have been played under this plan");
        }
        let Read { gathered, run_id, head, deviations } = read(approved, &folder)?;
        if run_id != entered.run_id {
            bail!("the journal in it is that of run {run_id}, and not of {}: another was put in its place", entered.run_id);
        }
        as_closed(&head, &entered.closings)?;
        let Some(mut gathered) = gathered else { return Ok(()) };
        gathered.not_safe |= entered.closings.iter().any(|closing| closing.exit_code == Some(NOT_SAFE));
        self.add(approved, gathered, &folder, &deviations);
        Ok(())
    }

    /// A run that no line of the ledger knows was put here, or its lines were taken out. It counts for nothing, and is shown.
    fn unknown(&mut self, approved: &Approved, folder: &RunFolder) {
        let why = format!("no line of {} knows it", Ledger::NAME);
        let read = if folder.journal().exists() { read(approved, folder).map(Some) } else { Ok(None) };
        match read {
            Ok(read) => {
                self.damaged.push(format!("{}: {why}", folder.name()));
                if let Some(Read { gathered: Some(mut gathered), deviations, .. }) = read {
                    gathered.noted.push(why);
                    self.add(approved, gathered, folder, &deviations);
                }
            }
            Err(error) => self.damaged.push(format!("{}: {why}, and it can't be read: {error:#}", folder.name())),
        }
    }

    fn add(&mut self, approved: &Approved, gathered: Gathered, folder: &RunFolder, deviations: &[Deviation]) {
        self.damaged.extend(gathered.troubles.iter().map(|why| format!("{}: its signed statements: {why}", folder.name())));
        let open: Vec<String> = open_deviations(deviations).into_iter().map(signed::line).collect();
        if !open.is_empty() {
            self.open.insert(folder.name(), open);
        }
        self.runs.push(gathered.run(approved, folder.name()));
    }
}

/// Whether a journal that goes so far is the one with which its run was closed. One that was never closed is still being played, or was cut off.
fn as_closed(head: &Head, closings: &[&Closing]) -> Result<()> {
    let mut told = closings.iter().filter_map(|closing| closing.journal.as_ref());
    // A journal that was whole at one time is the same for ever; one that was not may be read further later.
    let whole = told.clone().find(|closed| closed.complete);
    if let Some(expected) = whole.or(told.next_back()).filter(|expected| *expected != head) {
        let show = |head: &Head| {
            format!("{} lines with the head {}", head.lines, head.link.map_or_else(|| "none".to_owned(), |link| link.to_string()))
        };
        bail!("its journal is not the one with which it was closed: it has {}, expected {}", show(head), show(expected));
    }
    Ok(())
}

/// A journal that was read to its end, with its chain.
struct Read {
    /// Only of a run under the plan.
    gathered: Option<Gathered>,
    run_id: String,
    head: Head,
    deviations: Vec<Deviation>,
}

/// Reads all of it, even if it is under no plan: that its header says so is worth as much as its chain.
fn read(approved: &Approved, folder: &RunFolder) -> Result<Read> {
    let path = folder.journal();
    let reading = || format!("failed to read `{}`", path.display());
    let file = File::open(&path).with_context(reading)?;
    let mut journal = JournalReader::new(BufReader::with_capacity(1 << 18, file)).only(KINDS);
    let (_, first) = journal.next().context("its journal is empty")?.with_context(reading)?;
    let Body::Header(header) = first.body else { bail!("its journal does not begin with a header") };
    let run_id = header.run_id.clone();
    let approval = header.provenance.approval.as_ref();
    let (mut gathered, mut deviations) = (None, Vec::new());
    if approval.is_some_and(|a| a.document.text == approved.document.text) {
        let noted = signed::noted(folder, &run_id).context("its signed statements can't be read")?;
        gathered = Some(Gathered::of(header, doubts(&noted.all), noted.troubles));
        deviations = noted.all;
    }
    for fact in journal.by_ref() {
        let (_, fact) = fact.with_context(reading)?;
        match (&mut gathered, fact.body) {
            (Some(gathered), Body::Event(event)) => gathered.event(event),
            (Some(gathered), Body::Note(Note::NotEvidence { why })) => gathered.noted.push(why),
            _ => {}
        }
    }
    let head = closing::head(journal.lines(), journal.head(), journal.end() == Some(End::Complete));
    Ok(Read { gathered, run_id, head, deviations })
}

/// By row, what was noted last to it under a number and means that it is not to be relied on.
fn doubts(all: &[Deviation]) -> BTreeMap<u64, Vec<String>> {
    let mut last: BTreeMap<(u64, &str), Disposition> = BTreeMap::new();
    last.extend(all.iter().map(|d| ((d.row, &*d.id), d.disposition)));
    let mut doubts: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for ((row, id), disposition) in last {
        if matches!(disposition, Disposition::Retest | Disposition::BenchFault) {
            doubts.entry(row).or_default().push(format!("row {row}: {id}: {disposition}"));
        }
    }
    doubts
}

/// What was read of a run so far.
struct Gathered {
    header: Box<Header>,
    board: Option<DutIdentity>,
    noted: Vec<String>,
    cases: Vec<PlayedCase>,
    ended: bool,
    not_safe: bool,
    /// Rows so far.
    rows: u64,
    /// Why rows are not to be relied on, by their numbers.
    doubts: BTreeMap<u64, Vec<String>>,
    /// What is wrong with the statements.
    troubles: Vec<String>,
}

impl Gathered {
    fn of(header: Box<Header>, doubts: BTreeMap<u64, Vec<String>>, troubles: Vec<String>) -> Self {
        let (board, noted, cases) = (None, Vec::new(), Vec::new());
        Self { header, board, noted, cases, ended: false, not_safe: false, rows: 0, doubts, troubles }
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::DutIdentified(identity) => _ = self.board.get_or_insert(identity),
            Event::CaseStarted(case) => {
                self.cases.push(PlayedCase { scenario: case.scenario, case: case.case, verdict: None, doubts: Vec::new() });
            }
            Event::Check(row) => self.row(row.verdict),
            Event::CaseEnded(ended) => {
                if let Some(case) = self.cases.last_mut() {
                    case.verdict = Some(ended.verdict);
                }
            }
            Event::RunEnded(ended) => {
                self.ended = true;
                self.not_safe = !ended.safe || ended.exit_code == NOT_SAFE;
            }
            _ => {}
        }
    }

    fn row(&mut self, verdict: Verdict) {
        self.rows += 1;
        let Some(case) = self.cases.last_mut() else { return };
        // A FAIL that was proven stays one, even if the case never ended.
        if verdict == Verdict::Fail {
            case.verdict = Some(Verdict::Fail);
        }
        case.doubts.extend(self.doubts.remove(&self.rows).unwrap_or_default());
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
            not_safe: self.not_safe,
            rerun_of: self.header.provenance.rerun_of.iter().map(|before| before.run_id.clone()).collect(),
            cases: self.cases,
            run_id: self.header.run_id,
            started_utc: self.header.started_utc,
        }
    }

    /// What the record says of itself, and what it is in the light of the plan, whatever it says.
    fn not_evidence(&self, approved: &Approved, test: &ApprovedTest) -> Vec<String> {
        let header = &self.header;
        let mut why = marks::claim_holds(header);
        why.extend(self.noted.iter().cloned());
        let differences = approved.plan.differences(test, header, Extent::Part);
        let told: Vec<String> = differences.into_iter().filter(|d| !why.contains(d)).collect();
        why.extend(told);
        let told = self.board.as_ref().map(|b| &b.firmware_hash);
        if let Some(told) = told.filter(|told| !test.firmware.build_hashes.contains(told)) {
            why.push(format!("its board runs firmware {told}, which is not the plan's"));
        }
        why
    }
}
