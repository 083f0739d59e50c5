//! One line for each thing worth telling while a run goes on.

use rig_model::event::{Comparability, Event};
use rig_model::fact::{Body, Fact};
use rig_model::verdict::Verdict;

use crate::context::Context;
use crate::describe::{counts, measured, safe_words};
use crate::palette::{Palette, printable};

#[derive(Debug)]
pub struct Progress {
    palette: Palette,
    context: Context,
}

impl Progress {
    pub fn new(palette: Palette) -> Self {
        Self { palette, context: Context::default() }
    }

    /// `[1 h 30 min] TRIAL-BOLUS-01 steps.3 measure dose`; `None` for what is not worth a line.
    pub fn line(&mut self, fact: &Fact) -> Option<String> {
        let Body::Event(event) = &fact.body else {
            self.context.take(fact);
            return None;
        };
        let closed = self.context.take(fact);
        let text = self.text(event)?;
        let dim = self.palette.dim;
        let case = self.context.case.as_ref().or(closed.as_ref().map(|closed| &closed.case));
        let case = case.map_or(String::new(), |case| format!("{} ", case.name()));
        Some(format!("{dim}[{}]{dim:#} {}{text}", fact.at, printable(&case)))
    }

    fn text(&self, event: &Event) -> Option<String> {
        let text = match event {
            // Its verdict is coloured, so that only the rest may be cleaned.
            Event::Check(row) => {
                let rest = format!("{} {}: {}", row.step, row.check, measured(row));
                return Some(format!("{} {}", self.verdict(row.verdict), printable(&rest)));
            }
            Event::CaseEnded(end) => {
                let reason = if end.reason.is_empty() { String::new() } else { format!(": {}", end.reason) };
                return Some(format!("{} ({}){}", self.verdict(end.verdict), counts(&end.counts), printable(&reason)));
            }
            Event::CaseStarted(case) => format!("({} of {}) {}", case.number, case.of, case.title),
            Event::StepStarted { step, what } => format!("{step} {what}"),
            Event::AlarmOn { alarm } => format!("alarm {alarm}"),
            Event::AlarmOff { alarm } => format!("alarm {alarm} off"),
            Event::PumpRestarted => "the pump restarted".to_owned(),
            Event::LinkDown { why } => format!("link down: {why}"),
            Event::LinkUp => "link up".to_owned(),
            Event::DataLost(lost) => format!("data lost: {}", lost.why),
            Event::Prompted { text, .. } => format!("operator: {text}"),
            Event::SafeDown { why } => format!("making the bench safe: {why}"),
            Event::Safe(safe) if !safe.shown => format!("safe state {}", safe_words(safe)),
            Event::Weighed(weighed) if weighed.against.outcome == Comparability::Disagree => {
                format!("{} and {} disagree on window {}", weighed.flow, weighed.balance, weighed.window)
            }
            Event::Weighed(_) => return None,
            Event::DutIdentified(dut) => format!("{} {} firmware {}", dut.model, dut.serial, dut.firmware_version),
            Event::StepEnded { .. } | Event::Command { .. } | Event::Answered { .. } | Event::PumpState { .. } => return None,
            Event::Tone { .. }
            | Event::Log { .. }
            | Event::Garbage { .. }
            | Event::LinkLatency(_)
            | Event::Mark { .. }
            | Event::Noticed { .. } => return None,
            Event::WindowOpened { .. } | Event::WindowClosed(_) | Event::ChannelAlive { .. } | Event::Answer { .. } => return None,
            Event::Safe(_) | Event::RunEnded(_) => return None,
        };
        Some(printable(&text))
    }

    fn verdict(&self, verdict: Verdict) -> String {
        let style = self.palette.of(verdict);
        format!("{style}{verdict}{style:#}")
    }
}
