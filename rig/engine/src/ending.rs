//! How a case ends: at its last step, where it can't go on, or out of time; and the rows that are given then.

use rig_model::dut::Verb;
use rig_model::event::{CaseEnded, Event};
use rig_model::input::Actuation;
use rig_model::scenario::Expected;
use rig_model::time::{RigTime, Span};
use rig_model::verdict::{CheckRow, Reason, Verdict};

use crate::Effect;
use crate::act::Power;
use crate::engine::{Engine, not_alive};
use crate::program::{Instruction, Op};
use crate::wait::Wait;
use crate::window::Window;
use crate::{check, row};

/// `finally` may take this long in all; then the safe-down begins whatever it was doing.
pub(crate) const FINALLY_WITHIN: Span = Span::seconds(60);

impl Engine {
    /// The current step can't go on. In `finally` the next one is played; before it, what is left is not reached.
    pub(crate) fn fail_here(&mut self, now: RigTime, what: &str, verdict: Verdict, code: Reason, why: &str) {
        if self.finished() {
            return;
        }
        if verdict == Verdict::Error {
            self.let_go();
        }
        let row = self.row_here(what, "answer", now, now);
        self.give(row::decide(row, verdict, code, why));
        if self.ending.is_some() { self.end_step() } else { self.end_main(now, why) }
    }

    /// The outputs go to their safe levels before anything else is waited for: the pump is told to stop, then every line is ordered, in the
    /// order of the bench file. What `finally` and the safe-down do comes after it.
    pub(crate) fn let_go(&mut self) {
        if self.finished() || std::mem::replace(&mut self.let_go, true) {
            return;
        }
        self.command(Verb::Stop);
        let bench = self.bench.clone();
        for line in &bench.lines {
            let id = self.memory.take_id();
            self.effects.push_back(Effect::Actuate { id, what: Actuation::Line { line: line.name.clone(), active: line.safe_active } });
            if &*line.name == "power" && !line.safe_active {
                self.pump.forget(self.now);
                self.books.restarted();
                self.power = Power::Off;
            }
        }
    }

    /// Leaves the steps for `finally`; each check that was not reached says so.
    pub(crate) fn end_main(&mut self, now: RigTime, why: &str) {
        if self.ending.is_some() {
            return self.end_step();
        }
        for n in 0..self.windows.len() {
            if self.windows[n].as_ref().is_some_and(Window::is_open) {
                self.windows[n].iter_mut().for_each(|w| w.cut(now, why));
                let closed = self.windows[n].as_ref().map(Window::describe);
                closed.into_iter().for_each(|c| self.say(Event::WindowClosed(c)));
                self.tell_window(n);
            }
        }
        // A check that is being waited for has no row of its own yet.
        for pc in self.pc.max(self.program.first_step)..self.program.first_finally {
            self.not_reached(now, pc, why);
        }
        if !self.watching {
            for watch in std::mem::take(&mut self.watch) {
                let mut row = row::blank(&watch.path, &watch.text, "watch", now, now);
                row.requirements = watch.verifies;
                self.give(row::decide(row, Verdict::Skipped, Reason::NotReached, format!("not reached: {why}")));
            }
        }
        self.loops.clear();
        self.pc = self.program.first_finally;
        self.wait = Wait::Ready;
        self.begin_finally(now, why);
    }

    pub(crate) fn not_reached(&mut self, now: RigTime, pc: usize, why: &str) {
        let Instruction { path, text, op } = &self.program.code[pc];
        let row = match op {
            Op::Check(check) => check::not_reached(self, path, text, check, now),
            Op::Command { expect, verifies, .. } if !verifies.is_empty() || *expect != Expected::Accepted => {
                let mut row = row::blank(path, text, "answer", now, now);
                row.requirements = verifies.clone();
                row::decide(row, Verdict::Skipped, Reason::NotReached, "")
            }
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

    /// Whoever stops a run in its first seconds has left a channel no time to show itself alive: that is no fault of the bench.
    fn give_at_end(&mut self, row: CheckRow) {
        let left_no_time = self.counts.aborted > 0 && matches!(row.reason_code, Reason::ChannelNotAlive | Reason::NoData);
        self.give(if left_no_time && row.verdict == Verdict::Error {
            let why = format!("stopped before that: {}", row.reason);
            row::decide(row, Verdict::Skipped, Reason::NotReached, why)
        } else {
            row
        });
    }

    /// `finally` has had its time; the safe-down can't wait for the rest of it.
    pub(crate) fn cut_finally(&mut self, now: RigTime) {
        let row = self.row_here("`finally` ends within its time limit", "time", now, now);
        self.give(row::decide(row, Verdict::Error, Reason::TimeLimit, format!("not at its end after {FINALLY_WITHIN}")));
        for pc in self.pc..self.program.code.len() {
            self.not_reached(now, pc, "`finally` had no more time");
        }
        self.finish(now);
    }

    pub(crate) fn finish(&mut self, now: RigTime) {
        if let Some(tone) = self.tones.flush() {
            self.heard(now, tone);
        }
        for watcher in std::mem::take(&mut self.watchers) {
            let row = watcher.judge(now, &self.bench, &self.memory.alive);
            self.give_at_end(row);
        }
        for row in std::mem::take(&mut self.deferred) {
            let channel = row.channel.clone();
            let alive = channel.as_ref().is_some_and(|c| self.memory.alive.contains(c));
            self.give_at_end(if alive { row } else { not_alive(row) });
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
}
