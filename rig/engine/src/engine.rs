//! The interpreter: one case from its first given to its last `finally`.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use rig_metrology::duration;
use rig_model::Name;
use rig_model::bench::{Bench, Instrument};
use rig_model::dut::{DutIdentity, DutReport, Outcome, PumpState, Verb};
use rig_model::event::{CaseEnded, Event};
use rig_model::input::{Actuation, Edges, Lost};
use rig_model::scenario::{Case, Condition, Expected, Until};
use rig_model::time::{RigTime, Span};
use rig_model::verdict::{CheckRow, Counts, Limits, Reason, Verdict};

use crate::condition::{ChannelView, Since, deadline, met, quiet_at};
use crate::program::{Instruction, MeasurePlan, Op, Program};
use crate::pump::{Change, PumpView};
use crate::tone::{Tone, ToneListener};
use crate::watch::Watcher;
use crate::window::Window;
use crate::{Effect, Memory, Stimulus, check, row};

/// A relay or a simulated bench that has not answered by then never will.
const ACTUATION_WITHIN: Span = Span::seconds(5);
/// `finally` may take this long in all; then the safe-down begins whatever it was doing.
const FINALLY_WITHIN: Span = Span::seconds(60);

/// Plays one case.
#[derive(Debug)]
pub struct Engine {
    pub(crate) bench: Arc<Bench>,
    pub(crate) program: Program,
    time_limit: Span,
    pc: usize,
    loops: Vec<u32>,
    wait: Wait,
    deadline: RigTime,
    ending: Option<String>,
    pub(crate) pump: PumpView,
    tones: ToneListener,
    channels: Vec<ChannelView>,
    pub(crate) windows: Vec<Option<Window>>,
    pub(crate) marks: BTreeMap<Name, RigTime>,
    pub(crate) steps_began: RigTime,
    pub(crate) counts_at_start: ([u64; 5], u64),
    watch: Vec<rig_model::scenario::Watch>,
    watchers: Vec<Watcher>,
    /// Rows whose PASS rests on nothing having come, from a channel not yet shown to be alive.
    deferred: Vec<CheckRow>,
    counts: Counts,
    pub(crate) memory: Memory,
    effects: VecDeque<Effect>,
}

#[derive(Debug)]
enum Wait {
    /// The next instruction may be played.
    Ready,
    Reply { id: u64 },
    /// A status that the instruction needs before it can go on.
    Status { id: u64 },
    Actuation { id: u64, until: RigTime },
    Prompt { id: u64, until: RigTime },
    Timer { until: RigTime },
    Expect { since: Since, until: RigTime },
    Hold { since: Since, until: RigTime },
    Closing { since: Since, met_at: Option<RigTime> },
    Finished,
}

impl Engine {
    pub fn new(case: &Case, bench: Arc<Bench>, seed: u64, memory: Memory) -> Self {
        let program = Program::new(case, &bench, seed);
        let channels = bench
            .channels
            .iter()
            .map(|c| ChannelView {
                name: c.name.clone(),
                k_factor: if let Instrument::Flow(s) = &c.instrument { Some(s.k_factor) } else { None },
                net: 0,
                last_edge: None,
            })
            .collect();
        Self {
            windows: program.measures.iter().map(|_| None).collect(),
            program,
            time_limit: case.time_limit,
            pc: 0,
            loops: Vec::new(),
            wait: Wait::Ready,
            deadline: RigTime::MAX,
            ending: None,
            pump: PumpView::default(),
            tones: ToneListener::default(),
            channels,
            marks: BTreeMap::new(),
            steps_began: RigTime::ZERO,
            counts_at_start: ([0; 5], 0),
            watch: case.watch.clone(),
            watchers: Vec::new(),
            deferred: Vec::new(),
            counts: Counts::default(),
            memory,
            effects: VecDeque::new(),
            bench,
        }
    }

    /// Begins the case.
    pub fn start(&mut self, now: RigTime) {
        self.deadline = now.saturating_add(self.time_limit);
        self.play(now);
    }

    /// Takes what happened at `now`; never earlier than the instant before.
    pub fn handle(&mut self, now: RigTime, stimulus: Stimulus<'_>) {
        match stimulus {
            Stimulus::Report(report) => self.report(now, report),
            Stimulus::Ended { id, verb, outcome, transmissions } => self.ended(now, id, verb, outcome, transmissions),
            Stimulus::Silent => self.silent(now),
            Stimulus::Edges(edges) => self.edges(now, edges),
            Stimulus::Reading { channel, value } => self.reading(now, channel, value),
            Stimulus::Done { id } => self.actuated(now, id, None),
            Stimulus::Failed { id, why } => self.actuated(now, id, Some(why)),
            Stimulus::LinkDown { why } => self.link_down(now, why),
            Stimulus::LinkUp => self.say(Event::LinkUp),
            Stimulus::Lost(lost) => self.lost(lost),
            Stimulus::Answer { id, operator } => self.answered(now, id, operator),
        }
        self.play(now);
    }

    pub fn next_deadline(&self) -> Option<RigTime> {
        let wait = match &self.wait {
            Wait::Actuation { until, .. } | Wait::Prompt { until, .. } | Wait::Timer { until } => Some(*until),
            Wait::Expect { since, until } | Wait::Hold { since, until } => {
                let own = self.waited_condition().and_then(|what| deadline(what, since, &self.channels));
                Some(own.map_or(*until, |d| d.min(*until)))
            }
            Wait::Closing { since, met_at } => self.closing_deadline(since, *met_at),
            Wait::Ready | Wait::Reply { .. } | Wait::Status { .. } => None,
            Wait::Finished => return None,
        };
        [wait, self.tones.next_deadline(), Some(self.deadline)].into_iter().flatten().min()
    }

    /// Judges what is due at `now`. All inputs up to `now` have been handled.
    pub fn tick(&mut self, now: RigTime) {
        if let Some(tone) = self.tones.tick(now) {
            self.heard(now, tone);
        }
        if now >= self.deadline && !self.finished() {
            self.out_of_time(now);
        }
        self.play(now);
    }

    /// How far apart two edges of one batch may be without the engine having to look between them.
    pub fn patience(&self) -> Span {
        match (&self.wait, self.waited_condition()) {
            (Wait::Expect { .. } | Wait::Hold { .. }, Some(Condition::Quiet { lasts, .. })) => *lasts,
            (Wait::Expect { .. } | Wait::Hold { .. }, Some(Condition::Volume { .. })) => Span::ZERO,
            (Wait::Closing { .. }, _) => match &self.closing_plan().measure.until {
                Until::Condition { what: Some(Condition::Volume { .. }), .. } => Span::ZERO,
                Until::Condition { then_quiet_for: Some(quiet), .. } => *quiet,
                _ => Span::MAX,
            },
            _ => Span::MAX,
        }
    }

    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    pub fn finished(&self) -> bool {
        matches!(self.wait, Wait::Finished)
    }

    /// The run is to end: what is left is not reached, `finally` is played.
    pub fn abort(&mut self, now: RigTime, why: &str) {
        if self.ending.is_none() && !self.finished() {
            let row = row::blank(&"run".into(), "the scenario is played to its end", "run", self.steps_began, now);
            self.give(row::decide(row, Verdict::Aborted, Reason::Stopped, why));
            self.end_main(now, why);
        }
        self.play(now);
    }

    /// What the next case has to know.
    pub fn into_memory(self) -> Memory {
        self.memory
    }

    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// An id for a command that the runner gives beside the engine's.
    pub fn take_id(&mut self) -> u64 {
        self.memory.take_id()
    }

    // ---- what happened -------------------------------------------------------------------------------------------

    fn report(&mut self, now: RigTime, report: &DutReport) {
        let mut changes: [Option<Change>; 8] = [None; 8];
        let mut n = 0;
        self.pump.report(now, report, &mut |change| {
            changes[n.min(7)] = Some(change);
            n += 1;
        });
        for change in changes.into_iter().flatten() {
            self.changed(now, change);
        }
        match report {
            DutReport::Identity(identity) => self.identified(now, identity),
            DutReport::Log(entries) => self.say(Event::Log { entries: entries.clone() }),
            _ => {}
        }
    }

    fn changed(&mut self, now: RigTime, change: Change) {
        self.say(match change {
            Change::State { from, to } => Event::PumpState { from, to },
            Change::AlarmOn(alarm) => Event::AlarmOn { alarm },
            Change::AlarmOff(alarm) => Event::AlarmOff { alarm },
            Change::Restarted => Event::PumpRestarted,
        });
        self.watchers_notice(|w| w.change(now, change));
    }

    fn identified(&mut self, now: RigTime, identity: &DutIdentity) {
        self.say(Event::DutIdentified(identity.clone()));
        let expected = &self.bench.dut;
        let wrong = if identity.model != expected.model {
            Some(format!("`{}` answers, but the bench file names `{}`", identity.model, expected.model))
        } else if expected.serial.as_ref().is_some_and(|s| *s != identity.serial) {
            Some(format!("serial number {} answers, but the bench file names another", identity.serial))
        } else {
            self.memory.identity.as_ref().filter(|first| *first != identity).map(|first| {
                format!("{} {} answers, but the run began with {} {}", identity.serial, identity.firmware_version, first.serial, first.firmware_version)
            })
        };
        match wrong {
            Some(why) => self.fail_here(now, "the pump is the one that the bench file names", Verdict::Error, Reason::WrongDut, &why),
            None => self.memory.identity = Some(identity.clone()),
        }
    }

    fn ended(&mut self, now: RigTime, id: u64, verb: &Verb, outcome: &Outcome, transmissions: u32) {
        let refresh = matches!(self.wait, Wait::Status { id: waited } if waited == id);
        let reply = matches!(self.wait, Wait::Reply { id: waited } if waited == id);
        if *verb == Verb::Start && *outcome == Outcome::Accepted {
            self.memory.started = true;
        }
        if !refresh {
            self.say(Event::Answered { id, verb: verb.clone(), outcome: outcome.clone(), transmissions });
        }
        match outcome {
            Outcome::Unanswered if reply || refresh => {
                let why = format!("no answer to `{verb}` in {transmissions} transmissions, port healthy");
                self.fail_here(now, "the pump answers", Verdict::Fail, Reason::Unresponsive, &why);
            }
            Outcome::LinkFailed if reply || refresh => {
                let why = format!("`{verb}` could not be sent: the link is down");
                self.fail_here(now, "the link works", Verdict::Error, Reason::BenchFailed, &why);
            }
            _ if reply => self.replied(now, outcome),
            _ if refresh => self.refreshed(now),
            _ => {}
        }
    }

    fn replied(&mut self, now: RigTime, outcome: &Outcome) {
        let Op::Command { verb, expect, verifies } = &self.instruction().op else { return };
        let (verb, expect, verifies) = (verb.clone(), *expect, verifies.clone());
        let as_expected = match (expect, outcome) {
            (Expected::Accepted, Outcome::Accepted) => true,
            (Expected::Refused(want), Outcome::Refused(got)) => want == *got,
            _ => false,
        };
        if !as_expected || !verifies.is_empty() || matches!(expect, Expected::Refused(_)) {
            let answer = match outcome {
                Outcome::Refused(reason) => format!("refused: {reason}"),
                _ => "accepted".into(),
            };
            let wanted = match expect {
                Expected::Accepted => "accepted".to_owned(),
                Expected::Refused(reason) => format!("refused: {reason}"),
            };
            let mut row = self.row_here(&format!("`{verb}` is {wanted}"), "answer", now, now);
            row.value_text = Some(answer.clone());
            row.requirements = verifies;
            let (verdict, code) = match (as_expected, expect) {
                (true, _) => (Verdict::Pass, Reason::Observed),
                (false, Expected::Accepted) => (Verdict::Fail, Reason::Refused),
                (false, Expected::Refused(_)) => (Verdict::Fail, Reason::NotRefused),
            };
            self.give(row::decide(row, verdict, code, format!("the pump answered: {answer}")));
        }
        if !as_expected && expect == Expected::Accepted {
            return self.end_main(now, &format!("`{verb}` was refused"));
        }
        self.ask_status();
    }

    /// The status that an instruction asked for is in.
    fn refreshed(&mut self, now: RigTime) {
        match self.instruction().op.clone() {
            Op::Open(n) => {
                let held = self.pump.status.as_ref().map(|s| s.reservoir);
                self.open(now, n);
                if let Some(window) = &mut self.windows[n] {
                    window.reservoir.0 = held;
                }
                self.step_on(None);
            }
            Op::Close(n) => {
                let held = self.pump.status.as_ref().map(|s| s.reservoir);
                if let Some(window) = &mut self.windows[n] {
                    window.reservoir.1 = held;
                }
                self.end_step();
            }
            Op::Check(check) => {
                self.judge_check(now, &check);
                self.end_step();
            }
            _ => self.end_step(),
        }
    }

    fn silent(&mut self, now: RigTime) {
        self.fail_here(now, "the pump answers", Verdict::Fail, Reason::Unresponsive, "the pump no longer answers, port healthy, power on");
    }

    fn edges(&mut self, now: RigTime, edges: &Edges) {
        self.alive(&edges.channel);
        if let Some(view) = self.channels.iter_mut().find(|c| c.name == edges.channel) {
            view.edges(edges);
        }
        for window in self.windows.iter_mut().flatten().filter(|w| w.is_open() && w.channel == edges.channel) {
            window.edges(edges);
        }
        self.watchers_notice(|w| {
            let matches = w.watches(&edges.channel);
            w.edges(matches, edges)
        });
        if self.bench.channel(&edges.channel).is_some_and(|c| c.instrument == Instrument::Alarm) {
            let mut heard = Vec::new();
            self.tones.edges(edges, |tone| heard.push(tone));
            for tone in heard {
                self.heard(now, tone);
            }
        }
    }

    fn heard(&mut self, now: RigTime, tone: Tone) {
        self.pump.heard(tone);
        let channel = self.bench.channels.iter().find(|c| c.instrument == Instrument::Alarm).map_or_else(|| "alarm".into(), |c| c.name.clone());
        self.say(Event::Tone { channel, class: tone.class, began_before: now - tone.began });
        self.watchers_notice(|w| w.tone(now, tone));
    }

    fn reading(&mut self, now: RigTime, channel: &Name, value: f64) {
        if value.is_finite() {
            self.alive(channel);
        }
        for window in self.windows.iter_mut().flatten().filter(|w| w.is_open() && w.channel == *channel) {
            window.reading(value);
        }
        self.watchers_notice(|w| if w.watches(channel) { w.reading(now, value) } else { None });
    }

    fn alive(&mut self, channel: &Name) {
        if !self.memory.alive.contains(channel) {
            self.memory.alive.insert(channel.clone());
            self.say(Event::ChannelAlive { channel: channel.clone() });
        }
    }

    fn actuated(&mut self, now: RigTime, id: u64, failed: Option<&str>) {
        if !matches!(self.wait, Wait::Actuation { id: waited, .. } if waited == id) {
            return;
        }
        match failed {
            None => self.end_step(),
            Some(why) => self.fail_here(now, "the bench does what it is told", Verdict::Error, Reason::BenchFailed, why),
        }
    }

    fn answered(&mut self, now: RigTime, id: u64, operator: Option<&str>) {
        self.say(Event::Answer { id, operator: operator.map(str::to_owned) });
        if !matches!(self.wait, Wait::Prompt { id: waited, .. } if waited == id) {
            return;
        }
        match operator {
            Some(_) => self.end_step(),
            None => self.fail_here(now, "an operator confirms", Verdict::Skipped, Reason::Unattended, "nobody is there to do it"),
        }
    }

    fn link_down(&mut self, now: RigTime, why: &str) {
        self.say(Event::LinkDown { why: why.to_owned() });
        self.fail_here(now, "the link works", Verdict::Error, Reason::BenchFailed, why);
    }

    fn lost(&mut self, lost: &Lost) {
        let why = lost.count.map_or_else(|| format!("facts were lost: {}", lost.why), |n| format!("{n} facts were lost: {}", lost.why));
        for window in self.windows.iter_mut().flatten().filter(|w| w.is_open()) {
            if lost.channel.as_ref().is_none_or(|c| *c == window.channel) {
                window.lost.get_or_insert_with(|| why.clone());
            }
        }
        for watcher in &mut self.watchers {
            watcher.lost(lost.channel.as_ref(), &why);
        }
    }

    fn out_of_time(&mut self, now: RigTime) {
        if self.ending.is_some() || self.pc >= self.program.first_finally {
            return self.finish(now);
        }
        let row = row::blank(&"time_limit".into(), "the scenario ends within its time limit", "time", self.steps_began, now);
        self.give(row::decide(row, Verdict::Error, Reason::TimeLimit, format!("not at its end after {}", self.time_limit)));
        self.end_main(now, "time limit");
    }

    // ---- playing the program -------------------------------------------------------------------------------------

    /// Plays instructions until one has to wait.
    fn play(&mut self, now: RigTime) {
        loop {
            if !matches!(self.wait, Wait::Ready | Wait::Finished) {
                self.resolve(now);
            }
            if !matches!(self.wait, Wait::Ready) {
                return;
            }
            if self.pc == self.program.first_step && self.watchers.is_empty() && self.ending.is_none() {
                self.begin_steps(now);
            }
            if self.pc == self.program.first_finally && self.ending.is_none() {
                self.begin_finally(now, "done");
            }
            if self.pc >= self.program.code.len() {
                return self.finish(now);
            }
            self.begin(now);
        }
    }

    fn begin_steps(&mut self, now: RigTime) {
        self.steps_began = now;
        self.counts_at_start = (self.pump.onset_counts, self.pump.restarts);
        self.watchers = self.watch.iter().map(|w| Watcher::new(w, &self.bench, now)).collect();
        let (state, alarms) = (self.pump.state, self.pump.alarms.clone());
        self.watchers_notice(|w| w.begin(now, state, &alarms));
    }

    fn begin_finally(&mut self, now: RigTime, why: &str) {
        self.ending = Some(why.to_owned());
        self.deadline = now.saturating_add(FINALLY_WITHIN);
    }

    /// Plays one instruction as far as it goes without waiting.
    fn begin(&mut self, now: RigTime) {
        let Instruction { path, text, op } = self.instruction().clone();
        if !matches!(op, Op::Close(_) | Op::EndLoop(_)) {
            self.say(Event::StepStarted { step: path, what: text });
        }
        match op {
            Op::Command { verb, .. } => {
                let id = self.command(verb);
                self.wait = Wait::Reply { id };
            }
            Op::Wait(span) => self.wait = Wait::Timer { until: now.saturating_add(span) },
            Op::Expect { within: span, .. } => self.wait = Wait::Expect { since: self.since(now), until: now.saturating_add(span) },
            Op::Hold { lasts, .. } => self.wait = Wait::Hold { since: self.since(now), until: now.saturating_add(lasts) },
            Op::Open(n) if self.program.measures[n].needs_reservoir => self.ask_status(),
            Op::Open(n) => {
                self.open(now, n);
                self.step_on(None);
            }
            Op::Close(_) => self.wait = Wait::Closing { since: self.since(now), met_at: None },
            Op::Check(check) if check::needs_status(&check) => self.ask_status(),
            Op::Check(check) => {
                self.judge_check(now, &check);
                self.end_step();
            }
            Op::Set { line, active } => self.actuate(now, Actuation::Line { line, active }),
            Op::Plant(change) => self.actuate(now, Actuation::Plant(change)),
            Op::LinkFault(fault) => {
                self.effects.push_back(Effect::LinkFault(fault));
                self.end_step();
            }
            Op::Mark(name) => {
                self.marks.insert(name.clone(), now);
                self.say(Event::Mark { name });
                self.end_step();
            }
            Op::Prompt { text, within } => {
                let id = self.memory.take_id();
                self.effects.push_back(Effect::Prompt { id, text: text.clone() });
                self.say(Event::Prompted { id, text });
                self.wait = Wait::Prompt { id, until: now.saturating_add(within) };
            }
            Op::Loop(times) => {
                self.loops.push(times);
                self.step_on(None);
            }
            Op::EndLoop(first) => self.end_loop(first),
        }
    }

    fn end_loop(&mut self, first: usize) {
        let left = self.loops.last_mut().map_or(0, |left| {
            *left = left.saturating_sub(1);
            *left
        });
        if left > 0 {
            return self.step_on(Some(first));
        }
        self.loops.pop();
        self.end_step();
    }

    /// Whether what is waited for has come by `now`.
    fn resolve(&mut self, now: RigTime) {
        match &self.wait {
            Wait::Timer { until } if now >= *until => self.end_step(),
            Wait::Actuation { until, .. } if now >= *until => {
                self.fail_here(now, "the bench does what it is told", Verdict::Error, Reason::BenchFailed, "the bench did not answer");
            }
            Wait::Prompt { until, .. } if now >= *until => {
                self.fail_here(now, "an operator confirms", Verdict::Skipped, Reason::Unattended, "nobody answered in time");
            }
            Wait::Expect { .. } => self.resolve_expect(now),
            Wait::Hold { .. } => self.resolve_hold(now),
            Wait::Closing { .. } => self.resolve_closing(now),
            _ => {}
        }
    }

    fn resolve_expect(&mut self, now: RigTime) {
        let Op::Expect { what, within, verifies } = &self.instruction().op else { return };
        let Wait::Expect { since, until } = &self.wait else { return };
        let (since_at, until) = (since.at, *until);
        let came = met(what, since, now, &self.pump, &self.channels);
        if came.is_none() && now < until {
            return;
        }
        let channel = if let Condition::Quiet { channel, .. } = what { Some(channel.clone()) } else { None };
        let (within, verifies) = (*within, verifies.clone());
        let text = self.instruction().text.clone();
        let mut row = self.row_here(&text, "delay", since_at, now);
        row.unit = "s".into();
        row.requirements = verifies;
        row.limits = Limits { lower: None, upper: Some(within.as_seconds()) };
        let given = self.pc < self.program.first_step;
        match came {
            Some(at) if !given => {
                let row = row::measured(row, &duration((at - since_at).as_seconds(), self.link_resolution()));
                self.give_absence(row, channel.as_ref());
                self.end_step();
            }
            Some(_) => self.end_step(),
            None => {
                let row = row::decide(row, Verdict::Fail, Reason::NotObserved, format!("did not come within {within}"));
                self.give(row);
                if given { self.end_main(now, "the pump did not become ready") } else { self.end_step() }
            }
        }
    }

    fn resolve_hold(&mut self, now: RigTime) {
        let Op::Hold { what, lasts, verifies } = &self.instruction().op else { return };
        let Wait::Hold { since, until } = &self.wait else { return };
        let (since_at, until) = (since.at, *until);
        let holds = met(what, since, now, &self.pump, &self.channels).is_some();
        if holds && now < until {
            return;
        }
        let (lasts, verifies) = (*lasts, verifies.clone());
        let text = self.instruction().text.clone();
        let mut row = self.row_here(&text, "level", since_at, now);
        row.requirements = verifies;
        let row = if holds {
            row::decide(row, Verdict::Pass, Reason::Observed, format!("held for {lasts}"))
        } else {
            row::decide(row, Verdict::Fail, Reason::NotObserved, format!("did not hold after {}", now - since_at))
        };
        self.give(row);
        self.end_step();
    }

    fn resolve_closing(&mut self, now: RigTime) {
        let Op::Close(n) = self.instruction().op else { return };
        let Some(opened) = self.windows[n].as_ref().map(|w| w.opened) else { return self.end_step() };
        let plan = &self.program.measures[n];
        let Wait::Closing { since, met_at } = &mut self.wait else { return };
        let (ended, within) = match &plan.measure.until {
            Until::StepsDone => (true, Span::MAX),
            Until::Elapsed(span) => (now >= opened.saturating_add(*span), Span::MAX),
            Until::Condition { what, then_quiet_for, within } => {
                let came = match what {
                    Some(what) => met(what, since, now, &self.pump, &self.channels),
                    None => Some(since.at),
                };
                if met_at.is_none() {
                    *met_at = came;
                }
                let quiet = |from| then_quiet_for.is_none_or(|q| quiet_at(&plan.measure.channel, q, from, &self.channels) <= now);
                (met_at.is_some_and(quiet), *within)
            }
        };
        if ended {
            return self.close(now, n, true);
        }
        if now >= opened.saturating_add(within) {
            let text = format!("window `{}` ends", plan.measure.name);
            let row = self.row_here(&text, "delay", opened, now);
            self.give(row::decide(row, Verdict::Fail, Reason::WindowNotEnded, format!("not ended within {within}")));
            self.close(now, n, false);
        }
    }

    fn closing_deadline(&self, since: &Since, met_at: Option<RigTime>) -> Option<RigTime> {
        let plan = self.closing_plan();
        let opened = self.instruction_window()?.opened;
        match &plan.measure.until {
            Until::StepsDone => None,
            Until::Elapsed(span) => Some(opened.saturating_add(*span)),
            Until::Condition { what, then_quiet_for, within } => {
                let limit = opened.saturating_add(*within);
                let own = match (met_at, then_quiet_for, what) {
                    (Some(at), Some(quiet), _) => Some(quiet_at(&plan.measure.channel, *quiet, at, &self.channels)),
                    (None, _, Some(what)) => deadline(what, since, &self.channels),
                    _ => None,
                };
                Some(own.map_or(limit, |d| d.min(limit)))
            }
        }
    }

    fn open(&mut self, now: RigTime, n: usize) {
        let measure = &self.program.measures[n].measure;
        let Some(channel) = self.bench.channel(&measure.channel) else { return };
        let window = Window::open(measure, channel, now);
        self.effects.push_back(Effect::Event(Event::WindowOpened { window: window.name.clone(), channel: window.channel.clone() }));
        self.windows[n] = Some(window);
    }

    fn close(&mut self, now: RigTime, n: usize, ended: bool) {
        if let Some(window) = &mut self.windows[n] {
            window.close(now, ended);
            let closed = window.describe();
            self.say(Event::WindowClosed(closed));
        }
        if self.program.measures[n].needs_reservoir { self.ask_status() } else { self.end_step() }
    }

    // ---- endings -------------------------------------------------------------------------------------------------

    /// The current step can't go on. In `finally` the next one is played; before it, what is left is not reached.
    fn fail_here(&mut self, now: RigTime, what: &str, verdict: Verdict, code: Reason, why: &str) {
        if self.finished() {
            return;
        }
        let row = self.row_here(what, "answer", now, now);
        self.give(row::decide(row, verdict, code, why));
        if self.ending.is_some() { self.end_step() } else { self.end_main(now, why) }
    }

    /// Leaves the steps for `finally`; each check that was not reached says so.
    fn end_main(&mut self, now: RigTime, why: &str) {
        if self.ending.is_some() {
            return self.end_step();
        }
        for n in 0..self.windows.len() {
            if self.windows[n].as_ref().is_some_and(Window::is_open) {
                self.windows[n].iter_mut().for_each(|w| w.close(now, false));
                let closed = self.windows[n].as_ref().map(Window::describe);
                closed.into_iter().for_each(|c| self.say(Event::WindowClosed(c)));
            }
        }
        let from = (self.pc + 1).max(self.program.first_step).min(self.program.first_finally);
        for pc in from..self.program.first_finally {
            self.not_reached(now, pc, why);
        }
        self.loops.clear();
        self.pc = self.program.first_finally;
        self.wait = Wait::Ready;
        self.begin_finally(now, why);
    }

    fn not_reached(&mut self, now: RigTime, pc: usize, why: &str) {
        let Instruction { path, text, op } = &self.program.code[pc];
        let row = match op {
            Op::Check(check) => check::not_reached(self, path, text, check, now),
            Op::Expect { verifies, .. } | Op::Hold { verifies, .. } => {
                let mut row = row::blank(path, text, "delay", now, now);
                row.requirements = verifies.clone();
                row::decide(row, Verdict::Skipped, Reason::NotReached, "")
            }
            _ => return,
        };
        let row = if row.reason.is_empty() { CheckRow { reason: format!("not reached: {why}"), ..row } } else { row };
        self.give(row);
    }

    fn finish(&mut self, now: RigTime) {
        for watcher in std::mem::take(&mut self.watchers) {
            let row = watcher.judge(now, &self.bench, &self.memory.alive);
            self.give(row);
        }
        for row in std::mem::take(&mut self.deferred) {
            let channel = row.channel.clone();
            let alive = channel.as_ref().is_some_and(|c| self.memory.alive.contains(c));
            self.give(if alive { row } else { not_alive(row) });
        }
        if self.counts.total() == 0 {
            let row = row::blank(&"run".into(), "something is checked", "run", self.steps_began, now);
            self.give(row::decide(row, Verdict::Error, Reason::NoData, "nothing was judged"));
        }
        let verdict = self.counts.worst().unwrap_or(Verdict::Error);
        let reason = self.ending.clone().filter(|why| why != "done").unwrap_or_default();
        self.wait = Wait::Finished;
        self.say(Event::CaseEnded(CaseEnded { verdict, counts: self.counts, reason }));
    }

    // ---- small things --------------------------------------------------------------------------------------------

    fn judge_check(&mut self, now: RigTime, check: &rig_model::scenario::Check) {
        let Instruction { path, text, .. } = self.instruction().clone();
        for row in check::judge(self, &path, &text, check, now) {
            let rests_on_nothing = row.n == Some(0);
            let channel = row.channel.clone().filter(|_| rests_on_nothing);
            self.give_absence(row, channel.as_ref());
        }
    }

    /// Gives a row whose PASS may rest on nothing having come from this channel.
    fn give_absence(&mut self, row: CheckRow, channel: Option<&Name>) {
        let unproven = channel.is_some_and(|c| !self.memory.alive.contains(c));
        match (unproven, row.verdict) {
            (true, Verdict::Pass) => self.deferred.push(CheckRow { channel: channel.cloned(), ..row }),
            (true, _) => self.give(not_alive(row)),
            (false, _) => self.give(row),
        }
    }

    fn give(&mut self, row: CheckRow) {
        self.counts.add(row.verdict);
        self.say(Event::Check(Box::new(row)));
    }

    fn row_here(&self, text: &str, quantity: &str, started: RigTime, now: RigTime) -> CheckRow {
        let path = self.program.code.get(self.pc).map_or_else(|| "run".into(), |i| i.path.clone());
        row::blank(&path, text, quantity, started, now)
    }

    /// Half the range within which an instant told over the link lies: the time of a full frame, and a little.
    fn link_resolution(&self) -> f64 {
        640.0 / f64::from(self.bench.link.baud.max(1)) + 0.001
    }

    fn since(&self, now: RigTime) -> Since {
        Since::new(now, &self.pump, &self.channels)
    }

    fn command(&mut self, verb: Verb) -> u64 {
        let id = self.memory.take_id();
        if verb != Verb::Status {
            self.say(Event::Command { id, verb: verb.clone() });
        }
        self.effects.push_back(Effect::Command { id, verb });
        id
    }

    fn ask_status(&mut self) {
        let id = self.command(Verb::Status);
        self.wait = Wait::Status { id };
    }

    fn actuate(&mut self, now: RigTime, what: Actuation) {
        let id = self.memory.take_id();
        self.effects.push_back(Effect::Actuate { id, what });
        self.wait = Wait::Actuation { id, until: now + ACTUATION_WITHIN };
    }

    fn step_on(&mut self, to: Option<usize>) {
        self.pc = to.unwrap_or(self.pc + 1);
        self.wait = Wait::Ready;
    }

    fn end_step(&mut self) {
        if let Some(instruction) = self.program.code.get(self.pc) {
            let step = instruction.path.clone();
            self.say(Event::StepEnded { step });
        }
        self.step_on(None);
    }

    fn instruction(&self) -> &Instruction {
        &self.program.code[self.pc.min(self.program.code.len() - 1)]
    }

    fn instruction_window(&self) -> Option<&Window> {
        match self.instruction().op {
            Op::Close(n) => self.windows[n].as_ref(),
            _ => None,
        }
    }

    fn closing_plan(&self) -> &MeasurePlan {
        match self.instruction().op {
            Op::Close(n) => &self.program.measures[n],
            _ => unreachable!("only a Close instruction waits for the end of a window"),
        }
    }

    fn waited_condition(&self) -> Option<&Condition> {
        match &self.instruction().op {
            Op::Expect { what, .. } | Op::Hold { what, .. } => Some(what),
            _ => None,
        }
    }

    fn watchers_notice(&mut self, mut look: impl FnMut(&mut Watcher) -> Option<String>) {
        for watcher in &mut self.watchers {
            if let Some(what) = look(watcher) {
                self.effects.push_back(Effect::Event(Event::Noticed { step: watcher.path().clone(), what }));
            }
        }
    }

    fn say(&mut self, event: Event) {
        self.effects.push_back(Effect::Event(event));
    }

    /// The pump's state as last told.
    pub fn pump_state(&self) -> Option<PumpState> {
        self.pump.state
    }
}

fn not_alive(row: CheckRow) -> CheckRow {
    let channel = row.channel.clone().unwrap_or_else(|| "the channel".into());
    row::decide(row, Verdict::Error, Reason::ChannelNotAlive, format!("{channel} was never shown to be alive in this run"))
}
