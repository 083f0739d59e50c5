//! The run: case after case, each made safe before the next.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use rig_dut::{Session, UnknownProtocol};
use rig_engine::{Engine, Memory};
use rig_model::Name;
use rig_model::bench::{Bench, BenchKind};
use rig_model::event::RunEnded;
use rig_model::fact::{Body, Fact, FactSink, Header, SinkError};
use rig_model::input::{Action, BENCH_ITSELF, Input, LINK, Lost, Source};
use rig_model::scenario::Scenario;
use rig_model::time::{RigTime, Span};
use rig_model::verdict::{Counts, Verdict};
use rig_oracle::Oracle;

use crate::order::{Arrived, NotTaken, Order};
use crate::safe_down::SafeDown;
use crate::thermal::Thermals;
use crate::witness::Witnesses;

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

/// Plays a [`Plan`]; see the crate's description for how a driver uses it.
#[derive(Debug)]
pub struct Runner {
    pub(crate) plan: Plan,
    pub(crate) order: Order,
    /// Source time up to which everything has been processed.
    pub(crate) now: RigTime,
    /// The last instant at which a deadline was handled.
    pub(crate) ticked: RigTime,
    pub(crate) session: Session,
    pub(crate) phase: Phase,
    /// The next case to play.
    pub(crate) next_case: usize,
    pub(crate) memory: Memory,
    pub(crate) checks: Counts,
    pub(crate) cases: Counts,
    pub(crate) safe: bool,
    /// Why no further case is begun, and what becomes of those left.
    pub(crate) stopping: Option<(Verdict, String)>,
    pub(crate) journal_failed: bool,
    /// When and why the end of the run was asked for, until that is taken.
    pub(crate) stop_asked: Option<(RigTime, String)>,
    /// Losses: taken at once, before anything that waits for its turn.
    pub(crate) interjected: VecDeque<(Option<RigTime>, Input)>,
    pub(crate) next_edge: BTreeMap<Name, u64>,
    pub(crate) witnesses: Witnesses,
    pub(crate) thermals: Thermals,
    /// Watches the case that is being played, where the header says so.
    pub(crate) oracle: Option<Box<Oracle>>,
    /// Flow channels on which the oracle has seen pulses in this run.
    pub(crate) flowed: BTreeSet<Name>,
    /// What the case that has just ended came to, the oracle's rows included.
    pub(crate) case_verdict: Option<Verdict>,
    pub(crate) powering_on: Option<u64>,
    pub(crate) refreshing: Option<u64>,
    pub(crate) ticks_here: u32,
    pub(crate) outbox: Vec<Fact>,
    pub(crate) actions: Vec<Action>,
}

/// Where the run is.
#[derive(Debug)]
pub(crate) enum Phase {
    NotBegun,
    /// The header is written; the first case begins with the first deadline.
    BeforeFirst,
    Case(Box<Engine>),
    SafeDown(SafeDown),
    Ended(RunEnded),
}

impl Runner {
    pub fn new(plan: Plan) -> Result<Self, UnknownProtocol> {
        let session = Session::new(&plan.bench.link, session_number(&plan))?;
        Ok(Self::with_session(plan, session))
    }

    /// For a pump whose session type the caller brings.
    pub fn with_session(plan: Plan, session: Session) -> Self {
        let witnesses = Witnesses::new(&plan.bench);
        let thermals = Thermals::new(&plan.bench);
        Self {
            plan,
            order: Order::new(),
            now: RigTime::ZERO,
            ticked: RigTime(-1),
            session,
            phase: Phase::NotBegun,
            next_case: 0,
            memory: Memory::default(),
            checks: Counts::default(),
            cases: Counts::default(),
            safe: true,
            stopping: None,
            journal_failed: false,
            stop_asked: None,
            interjected: VecDeque::new(),
            next_edge: BTreeMap::new(),
            witnesses,
            thermals,
            oracle: None,
            flowed: BTreeSet::new(),
            case_verdict: None,
            powering_on: None,
            refreshing: None,
            ticks_here: 0,
            outbox: Vec::new(),
            actions: Vec::new(),
        }
    }

    /// The number under which the ledger has the run: given when all else is settled, so that nothing is numbered that can't be played.
    pub fn set_number(&mut self, number: u64) {
        self.plan.header.provenance.number = Some(number);
    }

    /// An input, with the time at which it happened at its source and, where that is another thing, when it arrived.
    pub fn offer(&mut self, source: Source, at: RigTime, arrival: Option<RigTime>, input: Input) {
        let channel = match &input {
            Input::Edges(edges) => Some(edges.channel.clone()),
            Input::Reading { channel, .. } => Some(channel.clone()),
            _ => (source == Source::Link).then(|| LINK.into()),
        };
        if matches!(input, Input::Failed { id: BENCH_ITSELF, .. }) {
            // What makes outputs safe waits for no other source.
            return self.interjected.push_back((arrival, input));
        }
        let count = if let Input::Edges(edges) = &input { edges.count() } else { 1 };
        let why = match self.order.offer(source, Arrived { at, arrival, input }, self.now) {
            Ok(()) => return,
            Err(NotTaken::TooLate) => format!("inputs of {source:?} came after their time had been judged"),
            Err(NotTaken::Overflow) => format!("too many inputs of {source:?} were waiting for the other sources"),
        };
        self.lose(arrival, Lost { channel, count: Some(count), spurious: false, why });
    }

    /// Remembers a loss for the next [`Runner::run`]; a flood of one kind is one fact.
    fn lose(&mut self, arrival: Option<RigTime>, lost: Lost) {
        for (_, input) in &mut self.interjected {
            if let Input::Lost { what } = input
                && what.channel == lost.channel
                && what.why == lost.why
            {
                what.count = what.count.zip(lost.count).map(|(a, b)| a.saturating_add(b));
                return;
            }
        }
        self.interjected.push_back((arrival, Input::Lost { what: lost }));
    }

    /// Promises that every input of this source up to `at` has been offered.
    pub fn watermark(&mut self, source: Source, at: RigTime) {
        self.order.watermark(source, at);
    }

    /// Asks for the end of the run; taken at the next [`Runner::run`], before anything that waits for its turn.
    pub fn stop(&mut self, now: RigTime, why: &str) {
        if self.stopping.is_none() {
            self.stop_asked.get_or_insert_with(|| (now, why.to_owned()));
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
        match (own, self.session.next_deadline()) {
            (Some(own), Some(session)) => Some(own.min(session)),
            (own, session) => own.or(session),
        }
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

    /// How far apart two edges may be without the run having to look between them; zero where each edge may end a wait.
    pub fn patience(&self) -> Span {
        if let Phase::Case(engine) = &self.phase { engine.patience() } else { Span::MAX }
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
            // Once the journal is gone nothing but the way out matters.
            if self.finished() || first_error.is_some() {
                break;
            }
            if let Some((arrival, input)) = self.interjected.pop_front() {
                // One nanosecond on, so that a replay puts it after the deadlines that were judged before it came.
                let at = if self.ticked == self.now { RigTime(self.now.0 + 1) } else { self.now };
                self.take(Arrived { at, arrival, input }, sink, &mut first_error);
                continue;
            }
            let next_deadline = self.next_deadline();
            let deadline = next_deadline.filter(|at| *at <= self.order.horizon());
            match (self.order.next_at(), deadline) {
                (Some(at), deadline) if deadline.is_none_or(|d| at <= d) => {
                    let Some(arrived) = self.order.take(next_deadline, self.patience()) else { break };
                    self.take(arrived, sink, &mut first_error);
                }
                (_, Some(deadline)) => {
                    self.due(deadline);
                    self.write(sink, &mut first_error);
                }
                _ => {
                    let Some(arrived) = self.stop_request() else { break };
                    self.take(arrived, sink, &mut first_error);
                }
            }
        }
        if let Some(error) = first_error {
            self.journal_failed = true;
            if let Phase::Ended(ended) = &mut self.phase {
                ended.exit_code = unrecorded(ended.exit_code);
            }
            self.stop(now, &format!("the journal can't be written: {error}"));
            // The rest goes unrecorded, but it is done: stopping the pump never waits for a disk.
            self.process(now, &mut Nowhere)?;
            return Err(error);
        }
        Ok(())
    }

    /// The request to stop, once all that could be processed has been. It comes at the horizon: at an earlier instant its replies
    /// would be late before the pump could give them.
    fn stop_request(&mut self) -> Option<Arrived> {
        let (arrival, why) = self.stop_asked.take()?;
        let passed = self.order.horizon();
        // Before any source has promised anything, the first case has not begun either: a replay must not begin it before the request.
        let untouched = passed < self.now && self.ticked < self.now;
        let at = if untouched { self.now } else { RigTime(self.now.max(passed).0 + 1) };
        Some(Arrived { at, arrival: Some(arrival), input: Input::StopRequest { why } })
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
        if self.outbox.is_empty() {
            return;
        }
        for fact in self.outbox.drain(..) {
            record(sink, &fact, self.journal_failed, error);
        }
    }

    pub(crate) fn move_to(&mut self, at: RigTime) {
        if at > self.now {
            self.now = at;
            self.ticks_here = 0;
        }
    }

    pub(crate) fn begin(&mut self) {
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
    pub(crate) fn due(&mut self, at: RigTime) {
        self.move_to(at);
        self.ticked = self.now;
        self.ticks_here += 1;
        if self.ticks_here > MAX_TICKS_AT_ONE_INSTANT {
            self.ticks_here = 0;
            self.interjected.push_back((None, Input::StopRequest { why: "the rig made no progress at one instant".into() }));
            return;
        }
        let now = self.now;
        let mut found = Vec::new();
        self.witnesses.seen(now, &mut found);
        found.iter().for_each(|lost| self.lost(lost));
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
}

/// The pump tells a repeated command by session and sequence number: another run must be another session. A simulated bench is fresh
/// with each case; there the seed alone says what happens.
fn session_number(plan: &Plan) -> u32 {
    if plan.bench.kind == BenchKind::Sim {
        return (plan.header.seed ^ (plan.header.seed >> 32)) as u32;
    }
    // FNV-1a: any two run ids give different numbers but for one time in four thousand million.
    plan.header.run_id.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// A run whose record is not whole is an ERROR at best.
pub(crate) fn unrecorded(code: u8) -> u8 {
    if matches!(code, 1 | 7) { code } else { 4 }
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
