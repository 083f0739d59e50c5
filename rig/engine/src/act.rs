//! What is asked of pump and bench, and what is known by having asked it.

use rig_model::dut::Verb;
use rig_model::event::Event;
use rig_model::input::{Actuation, PlantChange};
use rig_model::time::{RigTime, Span};

use crate::Effect;
use crate::engine::Engine;
use crate::wait::Wait;
use crate::weighing::Scale;
use crate::window::Data;

/// Firmware that the scenario hangs is silent until its watchdog has reset it and its self-test is over: two seconds and one in the reference
/// pump; a board may take longer.
const HANG_OUTAGE: Span = Span::seconds(10);

/// A silence that the scenario itself brought about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outage {
    /// A silence that is found later is the pump's.
    pub until: RigTime,
    /// Restarts before it.
    pub restarts: u64,
}

/// What the scenario did with the pump's power: the restart that follows is its own doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Power {
    Left,
    Off,
    OnAgain,
}

impl Engine {
    pub(crate) fn command(&mut self, verb: Verb) -> u64 {
        let id = self.memory.take_id();
        // Whether it is answered or not: the pump may have heard it.
        self.memory.started |= verb == Verb::Start;
        if verb == Verb::Start {
            self.bench_touched(self.now);
            self.scale.iter_mut().for_each(Scale::told_to_start);
        }
        if matches!(verb, Verb::Acknowledge | Verb::Silence | Verb::FactoryReset) {
            // Of a beep that sounds, what cut it short is what came first.
            let met = self.tones.begun().zip(self.hushed).is_some_and(|(tone, at)| tone.met_by_command(at));
            self.hushed = if met { self.hushed } else { Some(self.now) };
        }
        if verb != Verb::Status {
            self.say(Event::Command { id, verb: verb.clone() });
        }
        self.effects.push_back(Effect::Command { id, verb });
        id
    }

    pub(crate) fn ask_status(&mut self) {
        self.ask(Verb::Status);
    }

    /// Asks the pump for something that the instruction needs; what it told before is not the answer.
    pub(crate) fn ask(&mut self, verb: Verb) {
        match verb {
            Verb::Therapy => self.pump.therapy = None,
            Verb::ReadBack => self.pump.read_back = None,
            Verb::ReadLog => self.books.log = None,
            _ => {}
        }
        self.asked = self.now;
        let id = self.command(verb);
        self.wait = Wait::Status { id };
    }

    /// What a balance had at rest until now is one rest; the next one begins when it has settled.
    pub(crate) fn bench_touched(&mut self, at: RigTime) {
        let Some(scale) = &mut self.scale else { return };
        let ended = scale.touched(at);
        for window in self.windows.iter_mut().flatten().filter(|w| w.is_open()) {
            if let Some(Data::Weight(weight)) = window.data_of(&scale.channel) {
                weight.rest_ended(ended);
            }
        }
    }

    pub(crate) fn actuate(&mut self, now: RigTime, what: Actuation) {
        self.acts += 1;
        self.bench_touched(now);
        if let Actuation::Line { line, active } = &what
            && &**line == "power"
        {
            if !active {
                self.pump.forget(now);
                self.books.restarted();
            }
            self.power = match (active, self.power) {
                (false, _) => Power::Off,
                (true, Power::Off) => Power::OnAgain,
                (true, as_before) => as_before,
            };
        }
        if matches!(what, Actuation::Plant(PlantChange::Hang)) {
            // A question that was asked within it may be given up after it.
            let link = &self.bench.link;
            let question = Span(link.reply_timeout.0.saturating_mul(i64::from(link.transmissions)));
            let until = now.saturating_add(HANG_OUTAGE).saturating_add(question);
            self.outage = Some(Outage { until, restarts: self.pump.restarts });
        }
        let id = self.memory.take_id();
        // A real bench plays an injection through a line, and a needle takes its time.
        let works_for = if let Actuation::Plant(change) = &what { self.bench.works_for(change) } else { Span::ZERO };
        self.effects.push_back(Effect::Actuate { id, what });
        self.wait = Wait::Actuation { id, until: now + works_for + crate::play::ACTUATION_WITHIN };
    }
}
