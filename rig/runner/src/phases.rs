//! From case to safe-down to the next case, to the end of the run.

use rig_engine::Engine;
use rig_model::event::{CaseEnded, CaseStarted, Event, RunEnded};
use rig_model::verdict::{Counts, Verdict};
use rig_oracle::Oracle;

use crate::runner::{Phase, Runner};
use crate::safe_down::SafeDown;
use crate::verdict::exit_code;

/// The bench or the data is at fault.
const ERROR: u8 = 4;

impl Runner {
    /// Goes on when case or safe-down is done; `false` when there is nothing to go on to now.
    pub(crate) fn next_phase(&mut self) -> bool {
        match &self.phase {
            Phase::Case(engine) if engine.finished() => {
                let Phase::Case(engine) = std::mem::replace(&mut self.phase, Phase::BeforeFirst) else { return false };
                if let Some(verdict) = self.case_verdict.take() {
                    self.cases.add(verdict);
                }
                self.memory = engine.into_memory();
                let latency = self.session.take_latency();
                latency.into_iter().for_each(|latency| self.event(Event::LinkLatency(latency)));
                self.begin_safe_down();
                true
            }
            Phase::SafeDown(safe) => {
                let Some(shown) = safe.shown().cloned() else { return false };
                self.safe &= shown.shown;
                self.event(Event::Safe(shown));
                self.begin_case();
                true
            }
            _ => false,
        }
    }

    pub(crate) fn begin_safe_down(&mut self) {
        let why = self.stopping.clone().map_or_else(|| "the case has ended".into(), |(_, why)| why);
        self.event(Event::SafeDown { why });
        // What the scenario did to the link ends with it: nothing may eat the stop, or reach the next case.
        self.session.clear_faults();
        let id = self.memory.take_id();
        let (safe, wish) = SafeDown::new(self.now, &self.plan.bench, &self.memory.alive, id);
        self.phase = Phase::SafeDown(safe);
        self.wish(vec![wish]);
    }

    /// Begins the next case that can be played, or ends the run.
    pub(crate) fn begin_case(&mut self) {
        while let Some(planned) = self.plan.cases.get(self.next_case).cloned() {
            self.next_case += 1;
            let case = &planned.scenario.cases[planned.case];
            self.event(Event::CaseStarted(CaseStarted {
                scenario: planned.scenario.id.to_string(),
                scenario_sha256: planned.scenario.sha256.clone(),
                title: planned.scenario.title.clone(),
                case: case.label.clone(),
                attempt: 1,
                number: self.next_case as u64,
                of: self.plan.cases.len() as u64,
                time_limit: case.time_limit,
                hazards: planned.scenario.hazards.clone(),
            }));
            if let Some((verdict, why)) = self.stopping.clone() {
                self.not_played(verdict, format!("not begun: {why}"));
            } else if planned.lacking.is_empty() {
                let seed = self.plan.header.seed.wrapping_add(0x9e37_79b9_7f4a_7c15u64.wrapping_mul(self.next_case as u64));
                // Seeds stay below 2^53 so that every reader of the journal keeps them whole.
                let memory = std::mem::take(&mut self.memory);
                let mut engine = Box::new(Engine::new(case, self.plan.bench.clone(), seed >> 11, memory));
                engine.start(self.now);
                self.oracle = self.plan.header.dose_oracle.then(|| Box::new(Oracle::new(self.plan.bench.clone(), self.now)));
                self.phase = Phase::Case(engine);
                return;
            } else {
                self.not_played(Verdict::Skipped, format!("the bench lacks: {}", planned.lacking.join("; ")));
            }
        }
        self.end_run();
    }

    pub(crate) fn not_played(&mut self, verdict: Verdict, reason: String) {
        self.cases.add(verdict);
        self.event(Event::CaseEnded(CaseEnded { verdict, counts: Counts::default(), reason }));
    }

    pub(crate) fn end_run(&mut self) {
        let mut code = exit_code(&self.cases, self.plan.header.allow_skipped, self.safe);
        if code == 0 && matches!(self.stopping, Some((Verdict::Error, _))) {
            // Every case was judged, but the bench failed behind the last of them.
            code = ERROR;
        }
        if self.journal_failed {
            code = crate::runner::unrecorded(code);
        }
        let ended = RunEnded { verdict: self.cases.worst(), checks: self.checks, cases: self.cases, safe: self.safe, exit_code: code };
        self.event(Event::RunEnded(ended.clone()));
        self.phase = Phase::Ended(ended);
    }
}
