//! The dose oracle beside the engine: it hears what the engine hears and wants, and has the last word in each case.

use rig_engine::{Effect, Stimulus};
use rig_model::dut::Verb;
use rig_model::event::{CaseEnded, Event};
use rig_model::verdict::{Reason, Verdict};
use rig_oracle::{Heard, Oracle};

use crate::runner::Runner;

/// What reaches the engine reaches the oracle first.
pub(crate) fn overhear(oracle: &mut Oracle, now: rig_model::time::RigTime, stimulus: &Stimulus<'_>) {
    let heard = match *stimulus {
        Stimulus::Report(report) => Heard::Report(report),
        Stimulus::Ended { id, verb, outcome, .. } => Heard::Ended { id, verb, outcome },
        Stimulus::Edges(edges) => Heard::Edges(edges),
        Stimulus::Lost(lost) => Heard::Lost(lost),
        Stimulus::Done { id } => Heard::Done { id },
        Stimulus::Silent
        | Stimulus::Disturbed { .. }
        | Stimulus::Reading { .. }
        | Stimulus::Failed { .. }
        | Stimulus::LinkDown { .. }
        | Stimulus::LinkUp
        | Stimulus::Answer { .. } => return,
    };
    oracle.hear(now, heard);
}

impl Runner {
    /// Tells the oracle what the engine wants. Where the case ends its rows go out first, and the verdict is that of both.
    pub(crate) fn past_the_oracle(&mut self, effect: Effect) -> Effect {
        let now = self.now;
        if let Effect::Event(Event::CaseEnded(ended)) = effect {
            let ended = self.oracle_ends(ended);
            self.case_verdict = Some(ended.verdict);
            return Effect::Event(Event::CaseEnded(ended));
        }
        let Some(oracle) = &mut self.oracle else { return effect };
        match &effect {
            Effect::Command { verb: Verb::Status | Verb::Identify | Verb::ReadLog | Verb::Therapy, .. } => {}
            Effect::Command { id, verb } => oracle.hear(now, Heard::Command { id: *id, verb }),
            Effect::Actuate { id, what } => oracle.hear(now, Heard::Actuate { id: *id, what }),
            Effect::Prompt { text, change, .. } => oracle.hear(now, Heard::Prompt { text, change: change.as_ref() }),
            Effect::LinkFault(_) | Effect::Event(_) => {}
        }
        effect
    }

    fn oracle_ends(&mut self, mut ended: CaseEnded) -> CaseEnded {
        let Some(mut oracle) = self.oracle.take() else { return ended };
        // Who stops a run in its first seconds has left a channel no time to show itself alive.
        let left_no_time = ended.counts.aborted > 0;
        for mut row in oracle.judge(self.now, &self.flowed) {
            if left_no_time && row.reason_code == Reason::ChannelNotAlive {
                (row.verdict, row.reason_code) = (Verdict::Skipped, Reason::NotReached);
                row.reason = format!("stopped before that: {}", row.reason);
            }
            self.checks.add(row.verdict);
            ended.counts.add(row.verdict);
            self.event(Event::Check(Box::new(row)));
        }
        self.flowed.extend(oracle.alive());
        ended.verdict = ended.counts.worst().unwrap_or(ended.verdict);
        ended
    }
}
