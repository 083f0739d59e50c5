//! Plays the program: each instruction as far as it goes without waiting, and what ends each wait.

use rig_metrology::duration;
use rig_model::Name;
use rig_model::dut::Verb;
use rig_model::event::Event;
use rig_model::input::Actuation;
use rig_model::scenario::{Check, Condition, LinkFault, Subject, Until};
use rig_model::time::{RigTime, Span};
use rig_model::verdict::{Limits, Reason, Verdict};

use crate::act::Power;
use crate::asked::asks;
use crate::condition::{deadline, met, quiet_at, seen_on};
use crate::ending::FINALLY_WITHIN;
use crate::engine::Engine;
use crate::program::{Instruction, Op};
use crate::wait::Wait;
use crate::watch::Watcher;
use crate::weighing::weighed;
use crate::window::{Data, Window};
use crate::{Effect, row};

/// A relay or a simulated bench that has not answered by then never will.
pub(crate) const ACTUATION_WITHIN: Span = Span::seconds(5);

/// Instructions played in one go; then what they said is taken, and a request to stop is heard.
const MAX_AT_ONCE: u32 = 1_000;

/// Why nothing can be said of a pump without power.
const SWITCHED_OFF: &str = "the pump is switched off: it can say nothing";

impl Engine {
    /// Plays instructions until one has to wait.
    pub(crate) fn play(&mut self, now: RigTime) {
        self.yielded = None;
        for _ in 0..MAX_AT_ONCE {
            if !matches!(self.wait, Wait::Ready | Wait::Finished) {
                self.resolve(now);
            }
            if !matches!(self.wait, Wait::Ready) {
                return;
            }
            if self.pc == self.program.first_step && !self.watching && self.ending.is_none() {
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
        self.yielded = Some(now);
    }

    pub(crate) fn begin_steps(&mut self, now: RigTime) {
        self.watching = true;
        self.steps_began = now;
        self.counts_at_start = (self.pump.onset_counts, self.pump.restarts);
        self.tones_at_start = self.pump.tone_counts;
        self.disturbed_at_start = self.disturbed;
        self.books.steps_begin();
        self.watchers = self.watch.iter().map(|w| Watcher::new(w, &self.bench, now)).collect();
        let shown = self.readings_shown();
        self.watchers.iter_mut().for_each(|w| w.shown(&self.bench, &shown));
        let (state, alarms) = (self.pump.state, self.pump.alarms.clone());
        self.watchers_notice(|w| w.begin(now, state, &alarms));
    }

    pub(crate) fn begin_finally(&mut self, now: RigTime, why: &str) {
        self.ending = Some(why.to_owned());
        self.deadline = now.saturating_add(FINALLY_WITHIN);
    }

    /// Why this is not done once the bench was let go: nothing leaves its safe level any more, and nothing is started.
    fn no_longer_done(&self, op: &Op) -> Option<String> {
        match op {
            _ if !self.let_go => None,
            Op::Set { line, active } if self.bench.line(line).is_some_and(|l| l.safe_active != *active) => {
                Some(format!("`{line}` stays at its safe level, because the bench was let go"))
            }
            Op::Command { verb: Verb::Start, .. } => Some("nothing is started any more, because the bench was let go".to_owned()),
            _ => None,
        }
    }

    /// Plays one instruction as far as it goes without waiting.
    pub(crate) fn begin(&mut self, now: RigTime) {
        let Instruction { path, text, op } = self.instruction().clone();
        if !matches!(op, Op::Close(_) | Op::EndLoop(_)) {
            self.say(Event::StepStarted { step: path.clone(), what: text.clone() });
        }
        if let Some(why) = self.no_longer_done(&op) {
            return self.fail_here(now, &text, Verdict::Skipped, Reason::NotReached, &why);
        }
        match op {
            Op::Command { verb, .. } => {
                self.given = Some(now);
                self.acts += 1;
                self.windows.iter_mut().flatten().filter(|w| w.is_open()).for_each(|w| w.command(now, &verb));
                let id = self.command(verb);
                self.wait = Wait::Reply { id };
            }
            Op::Rest => {
                self.acts += 1;
                let id = self.command(Verb::Stop);
                self.wait = Wait::Reply { id };
            }
            Op::Wait(span) => self.wait = Wait::Timer { until: now.saturating_add(span) },
            Op::Expect { within: span, .. } => self.wait = Wait::Expect { since: self.since(now), until: now.saturating_add(span) },
            // What is not known yet does not fail a level.
            Op::Hold { what, .. }
                if self.pump.state.is_none() && self.power != Power::Off && seen_on(&what, self.alarm_channel()).is_none() =>
            {
                self.ask_status();
            }
            Op::Hold { lasts, .. } => self.begin_hold(now, lasts),
            Op::Open(n) if self.program.measures[n].needs_reservoir => self.ask_status(),
            Op::Open(n) => {
                self.open(now, n);
                self.step_on(None);
            }
            Op::Close(_) => self.wait = Wait::Closing { began: now, met_at: None },
            Op::Confirm if self.power == Power::Off => {
                self.watchers.iter_mut().for_each(|w| w.link_lost(SWITCHED_OFF));
                self.end_step();
            }
            Op::Confirm => self.ask_status(),
            Op::Check(check) => self.begin_check(now, &check, &path, &text),
            Op::Set { line, active } => self.actuate(now, Actuation::Line { line, active }),
            Op::Plant(change) => self.actuate(now, Actuation::Plant(change)),
            Op::LinkFault(fault) => {
                if let LinkFault::Interference { lasts, .. } = fault {
                    self.disturbed_until = now.saturating_add(lasts);
                }
                self.effects.push_back(Effect::LinkFault(fault));
                self.end_step();
            }
            Op::Mark(name) => {
                self.marks.insert(name.clone(), now);
                self.say(Event::Mark { name });
                self.end_step();
            }
            Op::Prompt { text, within, change } => {
                let id = self.memory.take_id();
                self.effects.push_back(Effect::Prompt { id, text: text.clone(), change });
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

    /// Judges at once what needs neither an answer of the pump nor the end of a tone.
    fn begin_check(&mut self, now: RigTime, check: &Check, path: &Name, text: &str) {
        match asks(check) {
            Some(_) if self.power == Power::Off => {
                let row = row::blank(path, text, "status", now, now);
                self.give(row::decide(row::of_check(row, check, &self.bench), Verdict::Error, Reason::NoData, SWITCHED_OFF));
                self.end_step();
            }
            Some(verb) => self.ask(verb),
            // A beep that is sounding may be the tone that is counted.
            None if matches!(check.subject, Subject::ToneCount { .. } | Subject::TonePeriod { .. }) && self.tones.undecided() => {
                self.wait = Wait::Tone;
            }
            None => {
                self.judge_check(now, check);
                self.end_step();
            }
        }
    }

    pub(crate) fn end_loop(&mut self, first: usize) {
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
    pub(crate) fn resolve(&mut self, now: RigTime) {
        match &self.wait {
            Wait::Timer { until } if self.judged >= *until => self.end_step(),
            Wait::Actuation { until, .. } if self.judged >= *until => {
                self.fail_here(now, "the bench does what it is told", Verdict::Error, Reason::BenchFailed, "the bench did not answer");
            }
            Wait::Prompt { until, .. } if self.judged >= *until => {
                self.fail_here(now, "an operator confirms", Verdict::Skipped, Reason::Unattended, "nobody answered in time");
            }
            Wait::Tone if !self.tones.undecided() => {
                if let Op::Check(check) = self.instruction().op.clone() {
                    self.judge_check(now, &check);
                }
                self.end_step();
            }
            Wait::Expect { .. } => self.resolve_expect(now),
            Wait::Hold { .. } => self.resolve_hold(now),
            Wait::Closing { .. } => self.resolve_closing(now),
            _ => {}
        }
    }

    pub(crate) fn resolve_expect(&mut self, now: RigTime) {
        let Op::Expect { what, within, verifies } = &self.instruction().op else { return };
        let what = what.clone();
        let what = &what;
        let Wait::Expect { since, until } = &self.wait else { return };
        let (since_at, until) = (since.at, *until);
        let came = met(what, since, now, self.judged, &self.pump, &self.channels);
        if came.is_none() && self.judged < until {
            return;
        }
        let channel = seen_on(what, self.alarm_channel()).cloned();
        // Pulses that were seen for certain break a quiet whatever else was lost; all else may be hidden in what was.
        let proven = came.is_none() && matches!(what, Condition::Quiet { .. });
        let lost = self.lost_since(channel.as_ref(), since_at).filter(|_| !proven).map(str::to_owned);
        let (within, verifies) = (*within, verifies.clone());
        let text = self.instruction().text.clone();
        let mut row = self.row_here(&text, "delay", since_at, now);
        row.unit = "s".into();
        row.requirements = verifies;
        row.limits = Limits { lower: None, upper: Some(within.as_seconds()) };
        row = row::ruled(row, None, &self.bench);
        let given = self.pc < self.program.first_step;
        let off = channel.is_none() && self.power == Power::Off;
        if let (Condition::Tone(class), Some(_), Wait::Expect { since, .. }) = (what.clone(), came, &self.wait) {
            let from = since.tone_from();
            self.pump.take_tone(class, from);
        }
        match came {
            None if off => {
                self.give(row::decide(row, Verdict::Error, Reason::NoData, SWITCHED_OFF));
                self.end_step();
            }
            _ if !given && lost.is_some() => {
                self.give(row::decide(row, Verdict::Error, Reason::DataLost, lost.unwrap_or_default()));
                self.end_step();
            }
            Some(at) if !given => {
                // Edges carry the time of their source; what the link tells is older than its report by a frame.
                let resolution = if channel.is_none() { self.link_resolution() } else { 0.0 };
                let instants = [("what the link tells", resolution)];
                let row = row::measured(row, duration((at - since_at).as_seconds(), &instants, self.bench.clock_ppm));
                self.give_absence(row, channel.as_ref());
                self.end_step();
            }
            Some(_) => self.end_step(),
            None => {
                let row = row::decide(row, Verdict::Fail, Reason::NotObserved, format!("did not come within {within}"));
                self.give_absence(row, channel.as_ref());
                if given { self.end_main(now, "the pump did not become ready") } else { self.end_step() }
            }
        }
    }

    pub(crate) fn begin_hold(&mut self, now: RigTime, lasts: Span) {
        self.hold_began = now;
        self.wait = Wait::Hold { since: self.since(now), until: now.saturating_add(lasts) };
    }

    pub(crate) fn resolve_hold(&mut self, now: RigTime) {
        let Op::Hold { what, .. } = &self.instruction().op else { return };
        let Wait::Hold { since, until } = &self.wait else { return };
        let level = since.clone().always();
        let since = if matches!(what, Condition::Quiet { .. } | Condition::Alarm(_)) { &level } else { since };
        let silent = matches!(what, Condition::NoTone(_));
        let holds = met(what, since, now, self.judged, &self.pump, &self.channels).is_some();
        let holds = holds && !(silent && self.tones.stayed_active(since.at, self.judged));
        // A beep that has just begun may be the tone that must not be.
        if holds && (self.judged < *until || (silent && self.tones.undecided())) {
            return;
        }
        let over_link = seen_on(what, self.alarm_channel()).is_none();
        if holds && over_link && self.power != Power::Off {
            // The last word on it is the pump's, now: a pump that fell silent meanwhile would pass otherwise.
            self.holding = Some(since.clone());
            return self.ask_status();
        }
        self.holding = Some(since.clone());
        self.judge_hold(now, holds);
    }

    /// The row of a hold: whether it held up to its end, and still does where the pump was asked once more.
    pub(crate) fn judge_hold(&mut self, now: RigTime, held: bool) {
        let Some(since) = self.holding.take() else { return };
        let Op::Hold { what, lasts, verifies } = &self.instruction().op else { return };
        let holds = held && met(what, &since, now, self.judged, &self.pump, &self.channels).is_some();
        let channel = seen_on(what, self.alarm_channel()).cloned();
        let began = self.hold_began;
        let lost = self.lost_since(channel.as_ref(), began).filter(|_| holds).map(str::to_owned);
        let off = channel.is_none() && self.power == Power::Off;
        let (lasts, verifies) = (*lasts, verifies.clone());
        let text = self.instruction().text.clone();
        let mut row = self.row_here(&text, "level", began, now);
        row.requirements = verifies;
        let row = match lost {
            Some(why) => row::decide(row, Verdict::Error, Reason::DataLost, why),
            None if off => row::decide(row, Verdict::Error, Reason::NoData, SWITCHED_OFF),
            None if matches!(what, Condition::NoTone(_)) && channel.is_none() => {
                row::decide(row, Verdict::Error, Reason::NoData, "the bench has no alarm channel")
            }
            None if holds => row::decide(row, Verdict::Pass, Reason::Observed, format!("held for {lasts}")),
            None => row::decide(row, Verdict::Fail, Reason::NotObserved, format!("did not hold after {}", now - began)),
        };
        self.give_absence(row, channel.as_ref());
        self.end_step();
    }

    pub(crate) fn resolve_closing(&mut self, now: RigTime) {
        let Op::Close(n) = self.instruction().op else { return };
        let Some(opened) = self.windows[n].as_ref().map(|w| w.opened) else { return self.end_step() };
        let plan = &self.program.measures[n];
        let since = &self.opened[n];
        let Wait::Closing { began, met_at } = &mut self.wait else { return };
        let (ended, within) = match &plan.measure.until {
            Until::StepsDone => (true, Span::MAX),
            Until::Elapsed(span) => (self.judged >= opened.saturating_add(*span), Span::MAX),
            Until::Condition { what, then_quiet_for, within } => {
                let came = match what {
                    Some(what) => met(what, since, now, self.judged, &self.pump, &self.channels).map(|at| at.max(*began)),
                    None => Some(*began),
                };
                if met_at.is_none() {
                    *met_at = came;
                }
                let quiet = |from| then_quiet_for.is_none_or(|q| quiet_at(&plan.measure.channel, q, from, &self.channels) <= self.judged);
                (met_at.is_some_and(quiet), *within)
            }
        };
        if ended {
            return self.close(now, n, true);
        }
        if self.judged >= opened.saturating_add(within) {
            let text = format!("window `{}` ends", plan.measure.name);
            let row = self.row_here(&text, "delay", opened, now);
            self.give(row::decide(row, Verdict::Fail, Reason::WindowNotEnded, format!("not ended within {within}")));
            self.close(now, n, false);
        }
    }

    pub(crate) fn closing_deadline(&self, began: RigTime, met_at: Option<RigTime>) -> Option<RigTime> {
        let plan = self.closing_plan();
        let since = match self.instruction().op {
            Op::Close(n) => &self.opened[n],
            _ => return None,
        };
        let opened = self.instruction_window()?.opened;
        match &plan.measure.until {
            Until::StepsDone => None,
            Until::Elapsed(span) => Some(opened.saturating_add(*span)),
            Until::Condition { what, then_quiet_for, within } => {
                let limit = opened.saturating_add(*within);
                let own = match (met_at, then_quiet_for, what) {
                    (Some(at), Some(quiet), _) => Some(quiet_at(&plan.measure.channel, *quiet, at, &self.channels)),
                    (None, Some(quiet), None) => Some(quiet_at(&plan.measure.channel, *quiet, began, &self.channels)),
                    (None, _, Some(what)) => deadline(what, since, &self.channels),
                    _ => None,
                };
                Some(own.map_or(limit, |d| d.min(limit)))
            }
        }
    }

    /// The last reading of each channel.
    fn readings_shown(&self) -> Vec<(Name, RigTime, f64)> {
        self.channels.iter().filter_map(|c| c.readings[1].map(|(at, value)| (c.name.clone(), at, value))).collect()
    }

    pub(crate) fn open(&mut self, now: RigTime, n: usize) {
        let measure = &self.program.measures[n].measure;
        let Some(channel) = self.bench.channel(&measure.channel) else { return };
        let mut window = Window::open(measure, channel, &self.bench, now);
        window.shown = self.readings_shown();
        if let Some(asked) = &measure.drug {
            window.with_drug(asked, &self.bench);
        }
        self.effects.push_back(Effect::Event(Event::WindowOpened { window: window.name.clone(), channel: window.channel.clone() }));
        self.windows[n] = Some(window);
        self.opened[n] = self.since(now);
    }

    pub(crate) fn close(&mut self, now: RigTime, n: usize, ended: bool) {
        if let Some(window) = &mut self.windows[n] {
            if let Some(scale) = &self.scale
                && let Some(Data::Weight(weight)) = window.data_of(&scale.channel)
            {
                weight.close(scale.rest());
            }
            window.close(now, ended);
            let closed = window.describe();
            self.say(Event::WindowClosed(closed));
            self.tell_window(n);
        }
        let weighed = self.windows[n].as_ref().and_then(|window| weighed(&self.bench, window));
        weighed.into_iter().for_each(|weighed| self.say(Event::Weighed(weighed)));
        if self.program.measures[n].needs_reservoir { self.ask_status() } else { self.end_step() }
    }
}
