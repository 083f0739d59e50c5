//! What the rows of all tables share: the run, the case that is open, the board that answers, and how a case closes.

use rig_model::dut::DutIdentity;
use rig_model::event::{CaseStarted, Event, RunEnded};
use rig_model::fact::{Body, Fact, Header};
use rig_model::time::RigTime;
use rig_model::verdict::{Counts, Verdict};

use crate::evidence::{evidence, not_evidence};
use crate::view::{Closing, End};

/// The reason of a case whose end is not in the record.
pub(crate) const CUT_OFF: &str = "record cut off";

#[derive(Debug, Default)]
pub(crate) struct Context {
    pub(crate) run: Run,
    pub(crate) dut: Option<DutIdentity>,
    pub(crate) case: Option<OpenCase>,
    /// Over the cases that are closed.
    pub(crate) cases: Counts,
    /// Over all rows so far.
    pub(crate) checks: Counts,
    pub(crate) ended: Option<RunEnded>,
}

/// The part of the header that rows repeat; the texts of the files are not kept.
#[derive(Debug, Default)]
pub(crate) struct Run {
    pub(crate) id: String,
    pub(crate) started_utc: String,
    pub(crate) bench: String,
    pub(crate) simulated: bool,
    pub(crate) evidence: bool,
    pub(crate) seed: u64,
    pub(crate) operator: String,
    pub(crate) warnings: Vec<String>,
    /// Empty exactly where `evidence` is set.
    pub(crate) not_evidence: Vec<String>,
}

impl Run {
    /// In one cell.
    pub(crate) fn all_warnings(&self) -> String {
        self.warnings.join("; ")
    }

    /// One more reason, which came to light while the run was played.
    pub(crate) fn late(&mut self, why: &str) {
        self.evidence = false;
        self.not_evidence.push(why.to_owned());
    }

    /// Why it is no evidence, in one cell.
    pub(crate) fn marks(&self) -> String {
        self.not_evidence.join("; ")
    }
}

#[derive(Debug)]
pub(crate) struct OpenCase {
    pub(crate) info: CaseStarted,
    pub(crate) started: RigTime,
    /// Over its rows so far.
    pub(crate) rows: Counts,
}

impl OpenCase {
    pub(crate) fn name(&self) -> String {
        case_name(&self.info.scenario, &self.info.case, self.info.attempt)
    }
}

#[derive(Debug)]
pub(crate) struct ClosedCase {
    pub(crate) case: OpenCase,
    pub(crate) verdict: Verdict,
    pub(crate) counts: Counts,
    pub(crate) reason: String,
    pub(crate) ended: RigTime,
}

impl Context {
    /// Takes a fact and returns the case that it closed. Give each fact before making a row of it.
    pub(crate) fn take(&mut self, fact: &Fact) -> Option<ClosedCase> {
        match &fact.body {
            Body::Header(header) => self.run = Run::from(&**header),
            Body::Event(event) => return self.event(fact.at, event),
            Body::Input(_) | Body::Action(_) | Body::Note(_) => {}
        }
        None
    }

    /// The case that was still open at the end of the record.
    pub(crate) fn finish(&mut self, closing: Closing) -> Option<ClosedCase> {
        if closing.end == End::Cut {
            self.ended = None;
        }
        self.cut_off(closing.last)
    }

    /// The verdict of the run. Without its end it is never PASS; a FAIL that was shown by then stays.
    pub(crate) fn verdict(&self) -> Option<Verdict> {
        match &self.ended {
            Some(ended) => ended.verdict,
            None if self.checks.fail > 0 => Some(Verdict::Fail),
            None => self.cases.worst().max(Some(Verdict::Aborted)),
        }
    }

    fn event(&mut self, at: RigTime, event: &Event) -> Option<ClosedCase> {
        match event {
            Event::CaseStarted(info) => {
                let unended = self.cut_off(at);
                self.case = Some(OpenCase { info: info.clone(), started: at, rows: Counts::default() });
                return unended;
            }
            Event::CaseEnded(end) => {
                let case = self.case.take()?;
                self.cases.add(end.verdict);
                return Some(ClosedCase { case, verdict: end.verdict, counts: end.counts, reason: end.reason.clone(), ended: at });
            }
            Event::DutIdentified(identity) => self.dut = Some(identity.clone()),
            Event::Check(row) => {
                self.checks.add(row.verdict);
                if let Some(case) = &mut self.case {
                    case.rows.add(row.verdict);
                }
            }
            Event::RunEnded(ended) => self.ended = Some(ended.clone()),
            _ => {}
        }
        None
    }

    fn cut_off(&mut self, at: RigTime) -> Option<ClosedCase> {
        let case = self.case.take()?;
        let verdict = if case.rows.fail > 0 { Verdict::Fail } else { Verdict::Aborted };
        self.cases.add(verdict);
        Some(ClosedCase { verdict, counts: case.rows, reason: CUT_OFF.to_owned(), ended: at, case })
    }
}

impl From<&Header> for Run {
    fn from(header: &Header) -> Self {
        Self {
            id: header.run_id.clone(),
            started_utc: header.started_utc.clone(),
            bench: header.bench.clone(),
            simulated: header.simulated,
            evidence: evidence(header),
            not_evidence: not_evidence(header),
            seed: header.seed,
            operator: header.operator.clone().unwrap_or_default(),
            warnings: header.warnings.clone(),
        }
    }
}

/// How a case is called where there is one line for it: scenario, assignment of the matrix, attempt.
pub(crate) fn case_name(scenario: &str, case: &str, attempt: u32) -> String {
    let mut name = scenario.to_owned();
    if !case.is_empty() {
        name.push_str(&format!(" [{case}]"));
    }
    if attempt > 1 {
        name.push_str(&format!(" (attempt {attempt})"));
    }
    name
}
