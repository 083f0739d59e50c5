//! What the case waits for, and until when.

use rig_model::scenario::{Condition, Until};
use rig_model::time::{RigTime, Span};

use crate::condition::{Since, deadline};
use crate::engine::Engine;
use crate::program::{Instruction, MeasurePlan, Op};
use crate::window::Window;

/// What the current instruction waits for.
#[derive(Debug)]
pub(crate) enum Wait {
    /// The next instruction may be played.
    Ready,
    Reply {
        id: u64,
    },
    /// A status that the instruction needs before it can go on.
    Status {
        id: u64,
    },
    Actuation {
        id: u64,
        until: RigTime,
    },
    Prompt {
        id: u64,
        until: RigTime,
    },
    Timer {
        until: RigTime,
    },
    Expect {
        since: Since,
        until: RigTime,
    },
    Hold {
        since: Since,
        until: RigTime,
    },
    /// A beep has begun that counts in the check.
    Tone,
    /// The steps in the window have ended.
    Closing {
        began: RigTime,
        met_at: Option<RigTime>,
    },
    Finished,
}

impl Engine {
    pub fn next_deadline(&self) -> Option<RigTime> {
        let wait = match &self.wait {
            Wait::Actuation { until, .. } | Wait::Prompt { until, .. } | Wait::Timer { until } => Some(*until),
            // Past its end a hold waits for what a beep turns out to be, which the listener knows.
            Wait::Hold { until, .. } => Some(*until).filter(|until| self.judged < *until),
            Wait::Expect { since, until } => {
                let own = self.waited_condition().and_then(|what| deadline(what, since, &self.channels));
                Some(own.map_or(*until, |d| d.min(*until)))
            }
            Wait::Closing { began, met_at } => self.closing_deadline(*began, *met_at),
            Wait::Ready if self.yielded.is_some() => self.yielded,
            Wait::Ready | Wait::Reply { .. } | Wait::Status { .. } | Wait::Tone => None,
            Wait::Finished => return None,
        };
        // Asked for at every instant of a run: no iterator over three.
        let own = self.tones.next_deadline().map_or(self.deadline, |at| at.min(self.deadline));
        Some(wait.map_or(own, |at| at.min(own)))
    }

    /// How far apart two edges of one batch may be without the engine having to look between them.
    pub fn patience(&self) -> Span {
        match (&self.wait, self.waited_condition()) {
            (Wait::Expect { .. }, Some(Condition::Quiet { lasts, .. })) => *lasts,
            // The first pulse breaks it.
            (Wait::Hold { .. }, Some(Condition::Quiet { .. })) => Span::ZERO,
            (Wait::Expect { .. } | Wait::Hold { .. }, Some(Condition::Volume { .. })) => Span::ZERO,
            (Wait::Closing { .. }, _) => match &self.closing_plan().measure.until {
                Until::Condition { what: Some(Condition::Volume { .. }), .. } => Span::ZERO,
                Until::Condition { then_quiet_for: Some(quiet), .. } => *quiet,
                _ => Span::MAX,
            },
            _ => Span::MAX,
        }
    }

    pub fn finished(&self) -> bool {
        matches!(self.wait, Wait::Finished)
    }

    pub(crate) fn instruction(&self) -> &Instruction {
        &self.program.code[self.pc.min(self.program.code.len() - 1)]
    }

    pub(crate) fn instruction_window(&self) -> Option<&Window> {
        match self.instruction().op {
            Op::Close(n) => self.windows[n].as_ref(),
            _ => None,
        }
    }

    pub(crate) fn closing_plan(&self) -> &MeasurePlan {
        match self.instruction().op {
            Op::Close(n) => &self.program.measures[n],
            _ => unreachable!("only a Close instruction waits for the end of a window"),
        }
    }

    pub(crate) fn waited_condition(&self) -> Option<&Condition> {
        match &self.instruction().op {
            Op::Expect { what, .. } | Op::Hold { what, .. } => Some(what),
            _ => None,
        }
    }
}
