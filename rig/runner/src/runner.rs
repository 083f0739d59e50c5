//! The run: case after case, each made safe before the next.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use rig_dut::{Output, Session, UnknownProtocol};
use rig_engine::{Effect, Engine, Memory, Stimulus};
use rig_model::Name;
use rig_model::bench::Bench;
use rig_model::dut::{Outcome, Verb};
use rig_model::event::{CaseEnded, CaseStarted, Event, RunEnded};
use rig_model::fact::{Body, Fact, FactSink, Header, SinkError};
use rig_model::input::{Action, Actuation, Bytes, Edges, Input, Lost, PlantChange, Source};
use rig_model::scenario::Scenario;
use rig_model::time::{RigTime, Span};
use rig_model::verdict::{Counts, Verdict};

use crate::order::{Arrived, NotTaken, Order};
use crate::safe_down::{SafeDown, Wish};
use crate::verdict::exit_code;

/// Deadlines that may fall due at one instant before the loop is taken to have gone astray.
const MAX_TICKS_AT_ONE_INSTANT: u32 = 100_000;

/// What a run plays.
#[derive(Debug, Clone)]
pub struct Plan {
    pub header: Header,
    pub bench: Arc<Bench>,
    pub cases: Vec<PlannedCase>,
}

#[derive(Debug, Clone)]
pub struct PlannedCase {
    pub scenario: Arc<Scenario>,
    /// Which of the scenario's cases.
    pub case: usize,
    /// What the bench lacks for it, in sentences; not empty means SKIPPED.
    pub lacking: Vec<String>,
}

/// No actuation has this id: a failure with it is the bench's as a whole.
const BENCH_ITSELF: u64 = 0;

/// Plays a [`Plan`]; see the crate's description for how a driver uses it.
#[derive(Debug)]
pub struct Runner {
    plan: Plan,
    order: Order,
    /// Source time up to which everything has been processed.
    now: RigTime,
    session: Session,
    phase: Phase,
    /// The next case to play.
    next_case: usize,
    memory: Memory,
    checks: Counts,
    cases: Counts,
    safe: bool,
    /// Why no further case is begun, and what becomes of those left.
    stopping: Option<(Verdict, String)>,
    journal_failed: bool,
    /// Stop requests and losses: taken at once, before anything that waits for its turn.
    interjected: VecDeque<(Option<RigTime>, Input)>,
    next_edge: BTreeMap<Name, u64>,
    powering_on: Option<u64>,
    refreshing: Option<u64>,
    ticks_here: u32,
    outbox: Vec<Fact>,
    actions: Vec<Action>,
}

#[derive(Debug)]
enum Phase {
    NotBegun,
    /// The header is written; the first case begins with the first deadline.
    BeforeFirst,
    Case(Box<Engine>),
    SafeDown(SafeDown),
    Ended(RunEnded),
}

impl Runner {
    pub fn new(plan: Plan) -> Result<Self, UnknownProtocol> {
        let seed = plan.header.seed;
        // The pump tells a repeated command by session and sequence number: another run must be another session.
        let session = Session::new(&plan.bench.link, (seed ^ (seed >> 32)) as u32)?;
        Ok(Self::with_session(plan, session))
    }

    /// For a pump whose session type the caller brings.
    pub fn with_session(plan: Plan, session: Session) -> Self {
        Self {
            plan,
            order: Order::new(),
            now: RigTime::ZERO,
            session,
            phase: Phase::NotBegun,
            next_case: 0,
            memory: Memory::default(),
            checks: Counts::default(),
            cases: Counts::default(),
            safe: true,
            stopping: None,
            journal_failed: false,
            interjected: VecDeque::new(),
            next_edge: BTreeMap::new(),
            powering_on: None,
            refreshing: None,
            ticks_here: 0,
            outbox: Vec::new(),
            actions: Vec::new(),
        }
    }

    /// An input, with the time at which it happened at its source and, where that is another thing, when it arrived.
    pub fn offer(&mut self, source: Source, at: RigTime, arrival: Option<RigTime>, input: Input) {
        let channel = match &input {
            Input::Edges(edges) => Some(edges.channel.clone()),
            Input::Reading { channel, .. } => Some(channel.clone()),
            _ => None,
        };
        let count = if let Input::Edges(edges) = &input { edges.count() } else { 1 };
        let why = match self.order.offer(source, Arrived { at, arrival, input }, self.now) {
            Ok(()) => return,
            Err(NotTaken::TooLate) => format!("an input of {source:?} came after its time, {at} into the run, had been judged"),
            Err(NotTaken::Overflow) => format!("too many inputs of {source:?} were waiting for the other sources"),
        };
        self.interjected.push_back((arrival, Input::Lost { what: Lost { channel, count: Some(count), why } }));
    }

    /// Promises that every input of this source up to `at` has been offered.
    pub fn watermark(&mut self, source: Source, at: RigTime) {
        self.order.watermark(source, at);
    }

    /// Asks for the end of the run; taken at the next [`Runner::run`], before anything that waits for its turn.
    pub fn stop(&mut self, now: RigTime, why: &str) {
        if self.stopping.is_none() {
            self.stopping = Some((Verdict::Aborted, why.to_owned()));
            self.interjected.push_back((Some(now), Input::StopRequest { why: why.to_owned() }));
        }
    }

    /// The bench could not be opened: every case is ERROR. Only before the first [`Runner::run`].
    pub fn refuse(&mut self, why: &str) {
        self.interjected.push_back((None, Input::Failed { id: BENCH_ITSELF, why: why.to_owned() }));
    }

    /// Processes all that may be processed, writes the facts, and appends what the bench is to do now.
    ///
    /// # Errors
    /// The sink did not take a fact. The run is being ended from then on and goes on without the sink; the error is given once.
    pub fn run(&mut self, now: RigTime, sink: &mut dyn FactSink, actions: &mut Vec<Action>) -> Result<(), SinkError> {
        let result = self.process(now, sink);
        actions.append(&mut self.actions);
        result
    }

    /// When [`Runner::run`] should be called again if no input comes before.
    pub fn next_deadline(&self) -> Option<RigTime> {
        let own = match &self.phase {
            Phase::Case(engine) => engine.next_deadline(),
            Phase::SafeDown(safe) => safe.next_deadline(&self.plan.bench),
            Phase::NotBegun | Phase::BeforeFirst => Some(self.now),
            Phase::Ended(_) => return None,
        };
        let session = self.session.next_deadline();
        own.into_iter().chain(session).min()
    }

    pub fn finished(&self) -> bool {
        matches!(self.phase, Phase::Ended(_))
    }

    /// How the run ended, once it has.
    pub fn ended(&self) -> Option<&RunEnded> {
        match &self.phase {
            Phase::Ended(ended) => Some(ended),
            _ => None,
        }
    }

    /// Source time up to which everything has been processed.
    pub fn now(&self) -> RigTime {
        self.now
    }

    pub fn bench(&self) -> &Arc<Bench> {
        &self.plan.bench
    }

    // ---- the loop ------------------------------------------------------------------------------------------------

    fn process(&mut self, now: RigTime, sink: &mut dyn FactSink) -> Result<(), SinkError> {
        let mut first_error = None;
        self.begin();
        self.write(sink, &mut first_error);
        loop {
            if self.finished() {
                break;
            }
            if let Some((arrival, input)) = self.interjected.pop_front() {
                // One nanosecond on, so that a replay puts it after the deadlines that were judged before it came.
                let at = RigTime(self.now.0 + 1);
                self.take(Arrived { at, arrival, input }, sink, &mut first_error);
                continue;
            }
            let deadline = self.next_deadline().filter(|at| *at <= self.order.horizon());
            match (self.order.next_at(), deadline) {
                (Some(at), deadline) if deadline.is_none_or(|d| at <= d) => {
                    let patience = if let Phase::Case(engine) = &self.phase { engine.patience() } else { Span::MAX };
                    let Some(arrived) = self.order.take(self.next_deadline(), patience) else { break };
                    self.take(arrived, sink, &mut first_error);
                }
                (_, Some(deadline)) => {
                    self.due(deadline);
                    self.write(sink, &mut first_error);
                }
                _ => break,
            }
        }
        if let Some(error) = first_error {
            self.journal_failed = true;
            self.stop(now, &format!("the journal can't be written: {error}"));
            // The rest goes unrecorded, but it is done: stopping the pump never waits for a disk.
            self.process(now, &mut Nowhere)?;
            return Err(error);
        }
        Ok(())
    }

    /// Takes one input: journal first, then DUT session, engine and safe-down.
    fn take(&mut self, arrived: Arrived, sink: &mut dyn FactSink, error: &mut Option<SinkError>) {
        self.move_to(arrived.at);
        let fact = Fact { at: self.now, arrival: arrived.arrival, body: Body::Input(arrived.input) };
        record(sink, &fact, self.journal_failed, error);
        let Body::Input(input) = fact.body else { return };
        self.apply(&input);
        self.write(sink, error);
    }

    fn write(&mut self, sink: &mut dyn FactSink, error: &mut Option<SinkError>) {
        for fact in self.outbox.drain(..) {
            record(sink, &fact, self.journal_failed, error);
        }
    }

    fn move_to(&mut self, at: RigTime) {
        if at > self.now {
            self.now = at;
            self.ticks_here = 0;
        }
    }

    fn begin(&mut self) {
        if matches!(self.phase, Phase::NotBegun) {
            let header = Box::new(self.plan.header.clone());
            self.outbox.push(Fact { at: self.now, arrival: None, body: Body::Header(header) });
            if self.plan.bench.line("power").is_some() {
                self.session.suspend(self.now);
            }
            self.phase = Phase::BeforeFirst;
        }
    }

    /// Handles what is due at `at`.
    fn due(&mut self, at: RigTime) {
        self.move_to(at);
        self.ticks_here += 1;
        if self.ticks_here > MAX_TICKS_AT_ONE_INSTANT {
            self.ticks_here = 0;
            self.interjected.push_back((None, Input::StopRequest { why: "the rig made no progress at one instant".into() }));
            return;
        }
        let now = self.now;
        self.session.tick(now);
        match &mut self.phase {
            Phase::Case(engine) => engine.tick(now),
            Phase::SafeDown(safe) => {
                let memory = &mut self.memory;
                let started = memory.started;
                let wishes = safe.tick(now, &self.plan.bench, started, &mut || memory.take_id());
                self.wish(wishes);
            }
            Phase::BeforeFirst => self.begin_case(),
            Phase::NotBegun | Phase::Ended(_) => {}
        }
        self.settle();
    }

    // ---- inputs --------------------------------------------------------------------------------------------------

    fn apply(&mut self, input: &Input) {
        let now = self.now;
        match input {
            Input::Rx(bytes) => self.session.receive(now, &bytes.0),
            Input::Edges(edges) => self.edges(edges),
            Input::Reading { channel, value } => self.tell(Stimulus::Reading { channel, value: value.0 }),
            Input::Done { id } => self.done(*id),
            Input::Failed { id, why } => self.failed(*id, why),
            Input::LinkDown { why } => {
                self.session.link_down(now, why);
                self.tell(Stimulus::LinkDown { why });
            }
            Input::LinkUp => {
                self.session.link_up(now);
                self.tell(Stimulus::LinkUp);
            }
            Input::Lost { what } => self.lost(what),
            Input::StopRequest { why } => self.stop_now(why),
            Input::Answer { id, operator } => self.tell(Stimulus::Answer { id: *id, operator: operator.as_deref() }),
        }
        self.settle();
    }

    fn edges(&mut self, edges: &Edges) {
        let expected = self.next_edge.get_mut(&edges.channel);
        let next = edges.first_number + edges.count();
        match expected {
            Some(number) => {
                let missing = edges.first_number.wrapping_sub(*number);
                *number = next;
                if missing != 0 {
                    let why = "the source's running number jumped".to_owned();
                    self.lost(&Lost { channel: Some(edges.channel.clone()), count: Some(missing).filter(|n| *n < 1 << 40), why });
                }
            }
            None => {
                self.next_edge.insert(edges.channel.clone(), next);
            }
        }
        if let Phase::SafeDown(safe) = &mut self.phase {
            safe.edges(edges, &self.plan.bench);
        }
        self.tell(Stimulus::Edges(edges));
    }

    fn lost(&mut self, lost: &Lost) {
        self.event(Event::DataLost(lost.clone()));
        self.tell(Stimulus::Lost(lost));
    }

    fn done(&mut self, id: u64) {
        if self.powering_on == Some(id) {
            self.powering_on = None;
            self.session.resume(self.now);
        }
        if self.refreshing == Some(id) {
            self.refreshing = None;
            self.next_edge.clear();
        }
        if let Phase::SafeDown(safe) = &mut self.phase {
            safe.answered(self.now, id, None, &self.plan.bench);
        }
        self.tell(Stimulus::Done { id });
    }

    fn failed(&mut self, id: u64, why: &str) {
        if id == BENCH_ITSELF {
            self.stopping.get_or_insert_with(|| (Verdict::Error, why.to_owned()));
        }
        if let Phase::SafeDown(safe) = &mut self.phase {
            safe.answered(self.now, id, Some(why), &self.plan.bench);
        }
        self.tell(Stimulus::Failed { id, why });
    }

    fn stop_now(&mut self, why: &str) {
        self.stopping.get_or_insert_with(|| (Verdict::Aborted, why.to_owned()));
        if matches!(self.phase, Phase::BeforeFirst) {
            return;
        }
        // The pump is told at once; `finally` and the safe-down follow.
        let id = self.memory_id();
        self.session.command(self.now, id, Verb::Stop);
        if let Phase::Case(engine) = &mut self.phase {
            engine.abort(self.now, why);
        }
    }

    fn memory_id(&mut self) -> u64 {
        match &mut self.phase {
            Phase::Case(engine) => engine.take_id(),
            _ => self.memory.take_id(),
        }
    }

    fn tell(&mut self, stimulus: Stimulus<'_>) {
        if let Phase::Case(engine) = &mut self.phase {
            engine.handle(self.now, stimulus);
        }
    }

    // ---- outputs -------------------------------------------------------------------------------------------------

    /// Carries outputs of session and engine to each other until both are quiet.
    fn settle(&mut self) {
        loop {
            if let Some(output) = self.session.poll_output() {
                self.session_said(output);
            } else if let Some(effect) = self.engine_effect() {
                self.engine_wants(effect);
            } else if !self.next_phase() {
                return;
            }
        }
    }

    fn engine_effect(&mut self) -> Option<Effect> {
        match &mut self.phase {
            Phase::Case(engine) => engine.poll_effect(),
            _ => None,
        }
    }

    fn session_said(&mut self, output: Output) {
        match output {
            Output::Tx(bytes) => self.act(Action::Tx(Bytes(bytes))),
            Output::Report(report) => self.tell(Stimulus::Report(&report)),
            Output::Garbage { bytes } => self.event(Event::Garbage { bytes }),
            Output::Silent => self.tell(Stimulus::Silent),
            Output::Ended { id, verb, outcome, transmissions } => {
                if let Phase::SafeDown(safe) = &mut self.phase {
                    let memory = &mut self.memory;
                    let accepted = outcome == Outcome::Accepted;
                    let wishes = safe.ended(self.now, id, accepted, &self.plan.bench, &mut || memory.take_id());
                    self.event(Event::Answered { id, verb, outcome, transmissions });
                    self.wish(wishes);
                } else {
                    self.tell(Stimulus::Ended { id, verb: &verb, outcome: &outcome, transmissions });
                }
            }
        }
    }

    fn engine_wants(&mut self, effect: Effect) {
        match effect {
            Effect::Command { id, verb } => self.session.command(self.now, id, verb),
            Effect::Actuate { id, what } => self.actuate(id, what),
            Effect::Prompt { id, text } => self.act(Action::Prompt { id, text }),
            Effect::LinkFault(fault) => self.session.fault(fault),
            Effect::Event(event) => {
                if let Event::Check(row) = &event {
                    self.checks.add(row.verdict);
                }
                self.event(event);
            }
        }
    }

    fn wish(&mut self, wishes: Vec<Wish>) {
        for wish in wishes {
            match wish {
                Wish::Stop { id } => {
                    self.event(Event::Command { id, verb: Verb::Stop });
                    self.session.command(self.now, id, Verb::Stop);
                }
                Wish::Line { id, line, active } => self.actuate(id, Actuation::Line { line, active }),
            }
        }
    }

    fn actuate(&mut self, id: u64, what: Actuation) {
        match &what {
            Actuation::Line { line, active: true } if &**line == "power" => self.powering_on = Some(id),
            Actuation::Line { line, active: false } if &**line == "power" => self.session.suspend(self.now),
            Actuation::Plant(PlantChange::Fresh { .. }) => self.refreshing = Some(id),
            _ => {}
        }
        self.act(Action::Actuate { id, what });
    }

    fn act(&mut self, action: Action) {
        self.actions.push(action.clone());
        self.outbox.push(Fact { at: self.now, arrival: None, body: Body::Action(action) });
    }

    fn event(&mut self, event: Event) {
        self.outbox.push(Fact { at: self.now, arrival: None, body: Body::Event(event) });
    }

    // ---- phases --------------------------------------------------------------------------------------------------

    /// Goes on when case or safe-down is done; `false` when there is nothing to go on to now.
    fn next_phase(&mut self) -> bool {
        match &self.phase {
            Phase::Case(engine) if engine.finished() => {
                let Phase::Case(engine) = std::mem::replace(&mut self.phase, Phase::BeforeFirst) else { return false };
                if let Some(verdict) = engine.counts().worst() {
                    self.cases.add(verdict);
                }
                self.memory = engine.into_memory();
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

    fn begin_safe_down(&mut self) {
        let why = self.stopping.clone().map_or_else(|| "the case has ended".into(), |(_, why)| why);
        self.event(Event::SafeDown { why });
        let id = self.memory.take_id();
        let (safe, wish) = SafeDown::new(self.now, &self.plan.bench, &self.memory.alive, id);
        self.phase = Phase::SafeDown(safe);
        self.wish(vec![wish]);
    }

    /// Begins the next case that can be played, or ends the run.
    fn begin_case(&mut self) {
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
                self.phase = Phase::Case(engine);
                return;
            } else {
                self.not_played(Verdict::Skipped, format!("the bench lacks: {}", planned.lacking.join("; ")));
            }
        }
        self.end_run();
    }

    fn not_played(&mut self, verdict: Verdict, reason: String) {
        self.cases.add(verdict);
        self.event(Event::CaseEnded(CaseEnded { verdict, counts: Counts::default(), reason }));
    }

    fn end_run(&mut self) {
        let mut code = exit_code(&self.cases, self.plan.header.allow_skipped, self.safe);
        if self.journal_failed && !matches!(code, 1 | 7) {
            code = 4;
        }
        let ended = RunEnded { verdict: self.cases.worst(), checks: self.checks, cases: self.cases, safe: self.safe, exit_code: code };
        self.event(Event::RunEnded(ended.clone()));
        self.phase = Phase::Ended(ended);
    }

    // ---- replay --------------------------------------------------------------------------------------------------

    /// Writes header and first events as a run's first call does.
    pub(crate) fn replay_begin(&mut self, out: &mut VecDeque<Fact>) {
        self.begin();
        self.drain(out);
    }

    /// Takes a recorded input in its recorded place, after the deadlines before it.
    pub(crate) fn replay_input(&mut self, fact: &Fact, input: &Input, out: &mut VecDeque<Fact>) {
        while self.next_deadline().is_some_and(|at| at < fact.at) {
            self.replay_deadline(out);
        }
        self.move_to(fact.at);
        out.push_back(fact.clone());
        self.apply(input);
        self.drain(out);
    }

    /// Handles the next deadline.
    pub(crate) fn replay_deadline(&mut self, out: &mut VecDeque<Fact>) {
        if let Some(at) = self.next_deadline() {
            self.due(at);
            self.drain(out);
        }
    }

    fn drain(&mut self, out: &mut VecDeque<Fact>) {
        out.extend(self.outbox.drain(..));
        self.actions.clear();
    }
}

/// Where facts go after the journal has failed.
struct Nowhere;

impl FactSink for Nowhere {
    fn record(&mut self, _: &Fact) -> Result<(), SinkError> {
        Ok(())
    }
}

fn record(sink: &mut dyn FactSink, fact: &Fact, journal_failed: bool, error: &mut Option<SinkError>) {
    if journal_failed || error.is_some() {
        return;
    }
    if let Err(failure) = sink.record(fact) {
        *error = Some(failure);
    }
}
