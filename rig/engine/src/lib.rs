//! The scenario interpreter: measured windows, watchers and checks of one case at a time.
//!
//! Pure: [`Engine::handle`] and [`Engine::tick`] take rig time and what happened; effects come out in order. The engine speaks of pumps,
//! never of one pump's bytes, and reads no clock.

mod act;
mod asked;
mod books;
mod check;
mod condition;
mod continuity;
mod curve;
mod deliveries;
mod drug;
mod ending;
mod engine;
mod figure;
mod flow;
mod happened;
mod occlusion;
mod plan;
mod play;
mod program;
mod pump;
mod row;
mod told;
mod tone;
mod wait;
mod watch;
mod weighing;
mod window;

pub use engine::Engine;
pub use plan::{Expected, Finding, How, Improvement, Origin, Planned, Remedy, Undecided, Weak, plan, words};

use std::collections::BTreeSet;

use rig_model::Name;
use rig_model::dut::{DutIdentity, DutReport, Outcome, Verb};
use rig_model::event::Event;
use rig_model::input::{Actuation, Edges, Lost, PlantChange};
use rig_model::scenario::LinkFault;

/// What the engine is told, in the order of source time.
#[derive(Debug, Clone, Copy)]
pub enum Stimulus<'a> {
    Report(&'a DutReport),
    Ended {
        id: u64,
        verb: &'a Verb,
        outcome: &'a Outcome,
        transmissions: u32,
    },
    /// A status poll went unanswered in all its transmissions.
    Silent,
    /// So many more messages were hit by disturbances that the scenario asked for.
    Disturbed {
        messages: u32,
    },
    Edges(&'a Edges),
    Reading {
        channel: &'a Name,
        value: f64,
    },
    Done {
        id: u64,
    },
    Failed {
        id: u64,
        why: &'a str,
    },
    LinkDown {
        why: &'a str,
    },
    LinkUp,
    Lost(&'a Lost),
    Answer {
        id: u64,
        operator: Option<&'a str>,
    },
}

/// What the engine wants done or said.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    Command {
        id: u64,
        verb: Verb,
    },
    Actuate {
        id: u64,
        what: Actuation,
    },
    /// Somebody is asked to do something by hand; `change`: what that comes to, where it is the case's `given`.
    Prompt {
        id: u64,
        text: String,
        change: Option<PlantChange>,
    },
    LinkFault(LinkFault),
    Event(Event),
}

/// What one case hands on to the next within a run.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    /// Channels that were shown to be alive.
    pub alive: BTreeSet<Name>,
    /// Who answered first; another one later is refused.
    pub identity: Option<DutIdentity>,
    /// The next id of a command, actuation or prompt.
    pub next_id: u64,
    /// Whether the pump was ever told to start in this run.
    pub started: bool,
}

impl Memory {
    /// An id that no other command, actuation or prompt of the run has.
    pub fn take_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }
}
