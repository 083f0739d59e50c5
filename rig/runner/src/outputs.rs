//! Carries what session, engine and safe-down want to each other, to the bench and to the record.

use rig_dut::Output;
use rig_engine::{Effect, Stimulus};
use rig_model::dut::{Outcome, Verb};
use rig_model::event::Event;
use rig_model::fact::{Body, Fact};
use rig_model::input::{Action, Actuation, Bytes, PlantChange};

use crate::runner::{Phase, Runner};
use crate::safe_down::Wish;

impl Runner {
    /// Carries outputs of session and engine to each other until both are quiet.
    pub(crate) fn settle(&mut self) {
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

    pub(crate) fn engine_effect(&mut self) -> Option<Effect> {
        match &mut self.phase {
            Phase::Case(engine) => engine.poll_effect(),
            _ => None,
        }
    }

    pub(crate) fn session_said(&mut self, output: Output) {
        match output {
            Output::Tx(bytes) => self.act(Action::Tx(Bytes(bytes))),
            Output::Report(report) => self.tell(Stimulus::Report(&report)),
            Output::Garbage { bytes } => self.event(Event::Garbage { bytes }),
            Output::Silent => self.tell(Stimulus::Silent),
            Output::Disturbed { messages } => self.tell(Stimulus::Disturbed { messages }),
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

    pub(crate) fn engine_wants(&mut self, effect: Effect) {
        let effect = self.past_the_oracle(effect);
        match effect {
            Effect::Command { id, verb } => self.session.command(self.now, id, verb),
            Effect::Actuate { id, what } => self.actuate(id, what),
            Effect::Prompt { id, text, .. } => self.act(Action::Prompt { id, text }),
            Effect::LinkFault(fault) => self.session.fault(self.now, fault),
            Effect::Event(event) => {
                if let Event::Check(row) = &event {
                    self.checks.add(row.verdict);
                }
                self.event(event);
            }
        }
    }

    pub(crate) fn wish(&mut self, wishes: Vec<Wish>) {
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

    pub(crate) fn actuate(&mut self, id: u64, what: Actuation) {
        match &what {
            Actuation::Line { line, active: true } if &**line == "power" => self.powering_on = Some(id),
            Actuation::Line { line, active: false } if &**line == "power" => self.session.suspend(self.now),
            Actuation::Plant(PlantChange::Fresh { .. }) => self.refreshing = Some(id),
            _ => {}
        }
        self.act(Action::Actuate { id, what });
    }

    pub(crate) fn act(&mut self, action: Action) {
        self.actions.push(action.clone());
        self.outbox.push(Fact { at: self.now, arrival: None, body: Body::Action(action) });
    }

    pub(crate) fn event(&mut self, event: Event) {
        self.outbox.push(Fact { at: self.now, arrival: None, body: Body::Event(event) });
    }
}
