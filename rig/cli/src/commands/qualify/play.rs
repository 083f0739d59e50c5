//! One scenario on one pump, in virtual time and off the record: of all facts only the judged rows are kept.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use anyhow::{Context, Result};
use rig_model::Name;
use rig_model::bench::Bench;
use rig_model::event::{CaseEnded, Event};
use rig_model::fact::{Body, CaseRef, Fact, FactSink, Header, SinkError, SourceText};
use rig_model::scenario::Scenario;
use rig_model::time::{RigTime, Span};
use rig_model::verdict::{CheckRow, Verdict};
use rig_qualify::{CaseOutcome, Ending, Row};
use rig_runner::{Plan, Runner};
use rig_sim::{Board, PlayError, Unit};

use crate::inputs;

/// Instants that any scenario may take, and for each second of its time limit. A pump at its highest rate takes some twenty a second; one that
/// takes many more for hours babbles, and need not be listened to for days.
const MOST_INSTANTS: u64 = 5_000_000;
const MOST_INSTANTS_A_SECOND: u64 = 50;

/// Scenarios ready to be played. Each worker has its own: names are shared pointers, and two cores that count the users of the same one slow each other down.
pub struct Desk {
    pub bench: Arc<Bench>,
    pub plans: Vec<Ready>,
}

pub struct Ready {
    pub id: Name,
    plan: Plan,
    /// Of all cases together.
    time_limit: Span,
}

/// What came of a play.
pub struct Outcome {
    pub ending: Ending,
    pub cases: Vec<CaseOutcome>,
}

/// Which rows are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// FAIL only.
    Fails,
    /// Everything that speaks against a sound pump, with its reason.
    Alarms,
}

impl Desk {
    /// # Errors
    /// When a scenario can't be played on this bench at all.
    pub fn new(bench: Bench, bench_text: &SourceText, scenarios: &[Arc<Scenario>]) -> Result<Self> {
        let ready = |scenario: &Arc<Scenario>| {
            let plan = inputs::plan(header(bench_text, scenario), bench.clone(), std::slice::from_ref(scenario))?;
            let time_limit = Span(scenario.cases.iter().fold(0, |sum: i64, c| sum.saturating_add(c.time_limit.0)));
            Ok(Ready { id: scenario.id.clone(), plan, time_limit })
        };
        let plans = scenarios.iter().map(ready).collect::<Result<Vec<_>>>()?;
        Ok(Self { bench: Arc::new(bench), plans })
    }

    pub fn plan(&self, scenario: &str) -> Option<&Ready> {
        self.plans.iter().find(|r| &*r.id == scenario)
    }
}

impl Ready {
    /// Of all cases together, in rig time.
    pub fn time_limit(&self) -> Span {
        self.time_limit
    }

    /// Plays it on this bench. A pump that breaks down takes nothing with it.
    pub fn play(&self, bench: &Arc<Bench>, seed: u64, unit: Option<&Unit>, keep: Keep) -> Outcome {
        let mut rows = Rows::new(keep);
        let played = catch_unwind(AssertUnwindSafe(|| self.play_or_panic(bench, seed, unit, &mut rows)));
        let ending = match played {
            Ok(Ok(ending)) => ending,
            Ok(Err(error)) => Ending::Died(format!("{error:#}")),
            Err(panic) => Ending::Died(said(&*panic)),
        };
        Outcome { ending, cases: rows.cases }
    }

    fn play_or_panic(&self, bench: &Arc<Bench>, seed: u64, unit: Option<&Unit>, rows: &mut Rows) -> Result<Ending> {
        let mut plan = self.plan.clone();
        plan.header.seed = seed;
        plan.bench = bench.clone();
        let mut board = Board::new(bench, seed, unit, RigTime::ZERO);
        let mut runner = Runner::new(plan).context("no session speaks with this board")?;
        let seconds = u64::try_from(self.time_limit.0 / 1_000_000_000).unwrap_or(0);
        let most = MOST_INSTANTS.saturating_add(seconds.saturating_mul(MOST_INSTANTS_A_SECOND));
        let mut instants = 0u64;
        let mut count = |_: RigTime| {
            instants += 1;
            if instants > most { ControlFlow::Break("it went on for too long".to_owned()) } else { ControlFlow::Continue(()) }
        };
        match rig_sim::play(&mut runner, &mut board, rows, None, &mut count) {
            Ok(()) if instants <= most => Ok(Ending::Whole),
            Ok(()) | Err(PlayError::Stalled { .. } | PlayError::Endless { .. }) => Ok(Ending::Hung),
            Err(error) => Err(error.into()),
        }
    }
}

/// What a panic said.
fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "it broke down without a word".to_owned())
}

struct Rows {
    keep: Keep,
    cases: Vec<CaseOutcome>,
    case: String,
    began: RigTime,
    rows: Vec<Row>,
    inconclusive: u64,
}

impl Rows {
    fn new(keep: Keep) -> Self {
        Self { keep, cases: Vec::new(), case: String::new(), began: RigTime::ZERO, rows: Vec::new(), inconclusive: 0 }
    }

    fn check(&mut self, row: &CheckRow) {
        let kept = match row.verdict {
            Verdict::Fail => true,
            Verdict::Error | Verdict::Aborted => self.keep == Keep::Alarms,
            Verdict::Inconclusive => {
                self.inconclusive += 1;
                false
            }
            Verdict::Pass | Verdict::Skipped => false,
        };
        if kept {
            self.rows.push(Row {
                verdict: row.verdict,
                step: row.step.clone(),
                check: row.check.clone(),
                quantity: row.quantity.clone(),
                requirements: row.requirements.clone(),
                at: row.ended - self.began,
                reason: if self.keep == Keep::Alarms { row.reason.clone() } else { String::new() },
            });
        }
    }

    fn case_ended(&mut self, at: RigTime, ended: &CaseEnded) {
        let rows = std::mem::take(&mut self.rows);
        let told = ended.verdict == Verdict::Pass || !rows.is_empty();
        self.cases.push(CaseOutcome {
            case: std::mem::take(&mut self.case),
            verdict: ended.verdict,
            lasted: at - self.began,
            reason: if told { String::new() } else { ended.reason.clone() },
            rows,
            inconclusive: std::mem::take(&mut self.inconclusive),
        });
    }

    /// A bench that a sound pump leaves unsafe speaks against it as much as any check.
    fn not_safe(&mut self, at: RigTime, why: &str) {
        let Some(case) = self.cases.last_mut().filter(|_| self.keep == Keep::Alarms) else { return };
        case.verdict = case.verdict.max(Verdict::Error);
        case.rows.push(Row {
            verdict: Verdict::Error,
            step: "safe_down".into(),
            check: "the bench is shown to be safe".to_owned(),
            quantity: "safe_down".to_owned(),
            requirements: Vec::new(),
            at: at - self.began,
            reason: why.to_owned(),
        });
    }
}

impl FactSink for Rows {
    fn record(&mut self, fact: &Fact) -> Result<(), SinkError> {
        let Body::Event(event) = &fact.body else { return Ok(()) };
        match event {
            Event::CaseStarted(case) => (self.case, self.began) = (case.case.clone(), fact.at),
            Event::Check(row) => self.check(row),
            Event::CaseEnded(ended) => self.case_ended(fact.at, ended),
            Event::Safe(safe) if !safe.shown => self.not_safe(fact.at, &safe.reason),
            _ => {}
        }
        Ok(())
    }
}

/// Of a run that nobody records: the texts, which a record would need, stay out.
fn header(bench_text: &SourceText, scenario: &Scenario) -> Header {
    let case = |label: &String| CaseRef { file: scenario.file.clone(), scenario: scenario.id.to_string(), case: label.clone() };
    Header {
        tool: concat!("pump-rig ", env!("CARGO_PKG_VERSION")).to_owned(),
        run_id: "qualification".to_owned(),
        started_utc: String::new(),
        bench: String::new(),
        simulated: true,
        simulated_because: Vec::new(),
        warnings: Vec::new(),
        evidence: false,
        seed: 0,
        defect: None,
        operator: None,
        allow_skipped: false,
        delivery_delay: false,
        dose_oracle: true,
        cases: scenario.cases.iter().map(|c| case(&c.label)).collect(),
        bench_file: SourceText { path: bench_text.path.clone(), sha256: bench_text.sha256.clone(), text: String::new() },
        files: Vec::new(),
        machine: None,
        host: String::new(),
        provenance: Box::default(),
    }
}
