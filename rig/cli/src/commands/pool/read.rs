//! What `rig pool` takes from the journal of one run.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, anyhow};
use rig_evidence::{Deviation, Disposition};
use rig_model::budget::Component;
use rig_model::dose::DoseRow;
use rig_model::dut::DutIdentity;
use rig_model::event::{CaseStarted, Event};
use rig_model::fact::{Body, Header, Note};
use rig_model::quantity::Dimension;
use rig_model::verdict::{CheckRow, Verdict};
use rig_record::End;

use crate::commands::report::open;
use crate::failure::{BENCH, Failure, OrExit};
use crate::folder::RunFolder;
use crate::texts::texts_of;
use crate::{marks, signed};

/// One run, as far as it matters beside others.
#[derive(Debug)]
pub struct Record {
    pub folder: String,
    pub run_id: String,
    pub simulated: bool,
    pub evidence: bool,
    /// What a simulated run follows from; two runs with the same are one run played twice.
    pub origin: (String, u64, Option<String>, Vec<(String, String)>),
    /// The text of each scenario played and of every fragment that it names: hash by path.
    pub texts: BTreeMap<String, BTreeMap<String, String>>,
    pub defect: Option<String>,
    /// The last word about each row that somebody signed a deviation to, but for those that accept the row as it is.
    pub deviations: Vec<Deviation>,
    pub rows: Vec<Row>,
    /// Checks of states, alarms and counts and what the dose oracle passed, which have no spread to be told.
    pub not_measured: u64,
    /// Cases that left no row at all: verdict and why, in words.
    pub without_rows: Vec<(Verdict, String)>,
}

/// One judged row of a measured quantity.
#[derive(Debug)]
pub struct Row {
    pub dut: Option<DutIdentity>,
    pub scenario: String,
    pub scenario_sha256: String,
    pub case: String,
    pub check: CheckRow,
    /// Expanded uncertainty that all values of this bench share, in the unit of the value.
    pub common: Option<f64>,
    /// Standard uncertainty of what errs in each value by itself, such as counting, in the unit of the value.
    pub single: f64,
}

/// Reads a run from its journal. A journal that is damaged or cut off is an error that names the file and the line: what is missing may
/// be just the deliveries that went wrong.
pub fn record(run: &Path) -> Result<Record, Failure> {
    let folder = RunFolder::open(run);
    let mut journal = open(&folder)?;
    let path = folder.journal();
    let mut record = Record::of(&journal.header, run);
    record.deviations = signed::last_words(&folder, &record.run_id);
    record.deviations.retain(|deviation| deviation.disposition != Disposition::AcceptAsIs);
    let mut played = 0;
    let (mut dut, mut case): (Option<DutIdentity>, Option<CaseStarted>) = (None, None);
    for fact in journal.reader.by_ref() {
        let (_, fact) = fact.with_context(|| format!("`{}` can't be pooled: failed to", path.display())).or_exit(BENCH)?;
        match fact.body {
            Body::Event(Event::DutIdentified(identity)) => dut = Some(identity),
            Body::Event(Event::CaseStarted(started)) => case = Some(started),
            Body::Event(Event::CaseEnded(ended)) if ended.counts.total() == 0 => {
                let name = case.as_ref().map_or("a case", |c| c.scenario.as_str());
                record.without_rows.push((ended.verdict, format!("{name} {}: {}", ended.verdict, ended.reason)));
                played += 1;
            }
            Body::Event(Event::CaseEnded(_)) => played += 1,
            Body::Note(Note::NotEvidence { .. }) => record.evidence = false,
            Body::Event(Event::Check(check)) => record.take(*check, dut.as_ref(), case.as_ref()),
            _ => {}
        }
    }
    record.without_rows.extend(
        journal
            .header
            .cases
            .iter()
            .skip(played)
            .map(|c| (Verdict::Aborted, format!("{} {}: asked for and not played", c.scenario, c.case))),
    );
    match journal.reader.end() {
        Some(End::CutOff(cut)) => Err(anyhow!(
            "`{}` is cut off at line {}: a run that did not come to its end can't be pooled, since what is missing may be what went wrong",
            path.display(),
            cut.line
        ))
        .or_exit(BENCH),
        _ => Ok(record),
    }
}

impl Record {
    fn of(header: &Header, run: &Path) -> Self {
        let cases = header.cases.iter().map(|c| (c.scenario.clone(), c.case.clone())).collect();
        let texts = header.cases.iter().map(|c| (c.scenario.clone(), texts_of(&header.files, &c.file))).collect();
        Self {
            folder: run.display().to_string(),
            run_id: header.run_id.clone(),
            simulated: header.simulated,
            evidence: marks::claim_holds(header).is_empty(),
            origin: (header.bench_file.sha256.clone(), header.seed, header.defect.clone(), cases),
            texts,
            defect: header.defect.clone(),
            deviations: Vec::new(),
            rows: Vec::new(),
            not_measured: 0,
            without_rows: Vec::new(),
        }
    }

    fn take(&mut self, check: CheckRow, dut: Option<&DutIdentity>, case: Option<&CaseStarted>) {
        let of = |field: fn(&CaseStarted) -> &String| case.map(field).cloned().unwrap_or_default();
        if DoseRow::at(&check.step).is_some() {
            // The worst of many spans has no spread between units, but what it found stands.
            if matches!(check.verdict, Verdict::Pass | Verdict::Skipped) {
                self.not_measured += 1;
            } else {
                let why = format!("{} {}: {} {}: {}", of(|c| &c.scenario), of(|c| &c.case), check.verdict.name(), check.step, check.reason);
                self.without_rows.push((check.verdict, why));
            }
            return;
        }
        let limited = check.limits.lower.is_some() || check.limits.upper.is_some();
        if !limited || check.unit == Dimension::Count.unit() {
            self.not_measured += 1;
            return;
        }
        self.rows.push(Row {
            dut: dut.filter(|d| !d.serial.is_empty()).cloned(),
            scenario: of(|c| &c.scenario),
            scenario_sha256: of(|c| &c.scenario_sha256),
            case: of(|c| &c.case),
            common: common(&check),
            single: single(&check),
            check,
        });
    }
}

/// What of the uncertainty doesn't average out over deliveries, k = 2: the components that err alike in all measurements of a bench. A row
/// without a budget (an older record) does not tell the parts apart, and all of it is taken to be common, which is on the safe side.
fn common(check: &CheckRow) -> Option<f64> {
    if check.budget.is_empty() {
        return check.expanded_uncertainty;
    }
    let parts: Option<Vec<f64>> = check.budget.iter().filter(|c| c.common).map(Component::contribution).collect();
    parts.map(|parts| 2.0 * parts.iter().map(|u| u * u).sum::<f64>().sqrt())
}

/// What errs in each value by itself: the components that are not common, in squares. Where nothing is stated, or no budget is there, all is common.
fn single(check: &CheckRow) -> f64 {
    check.budget.iter().filter(|c| !c.common).filter_map(Component::contribution).map(|u| u * u).sum::<f64>().sqrt()
}
