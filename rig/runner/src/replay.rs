//! Plays a recorded run again from its raw inputs and compares what follows with what was recorded.

use std::collections::VecDeque;

use rig_model::fact::{Body, Fact};
use rig_model::input::Input;

use crate::runner::Runner;

/// Feeds recorded facts to a fresh [`Runner`], one by one.
#[derive(Debug)]
pub struct Replay {
    runner: Runner,
    produced: VecDeque<Fact>,
    begun: bool,
}

/// The first place where record and replay differ.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// What the journal holds; absent when the replay went on beyond its end.
    pub recorded: Option<Fact>,
    /// What the replay made; absent when it made nothing more.
    pub replayed: Option<Fact>,
}

impl Replay {
    pub fn new(runner: Runner) -> Self {
        Self { runner, produced: VecDeque::new(), begun: false }
    }

    /// Takes the next recorded fact.
    ///
    /// # Errors
    /// The replay gives something else in its place.
    pub fn take(&mut self, recorded: &Fact) -> Result<(), Box<Difference>> {
        if !self.begun {
            self.begun = true;
            self.runner.replay_begin(&mut self.produced);
        }
        if matches!(recorded.body, Body::Note(_)) {
            return Ok(());
        }
        if let Body::Input(input) = &recorded.body {
            if let Some(extra) = self.produced.pop_front() {
                return Err(Box::new(Difference { recorded: Some(recorded.clone()), replayed: Some(extra) }));
            }
            self.runner.replay_input(recorded, input, &mut self.produced);
        }
        while self.produced.is_empty()
            && self.runner.interjected.is_empty()
            && self.runner.next_deadline().is_some_and(|at| at <= recorded.at)
        {
            self.runner.replay_deadline(&mut self.produced);
        }
        match self.produced.pop_front() {
            Some(fact) if fact == *recorded => Ok(()),
            replayed => Err(Box::new(Difference { recorded: Some(recorded.clone()), replayed })),
        }
    }

    /// The record is at its end.
    ///
    /// # Errors
    /// The replay has more.
    pub fn finish(mut self) -> Result<(), Box<Difference>> {
        match self.produced.pop_front() {
            None => Ok(()),
            extra => Err(Box::new(Difference { recorded: None, replayed: extra })),
        }
    }
}

impl Runner {
    /// Writes header and first events as a run's first call does.
    fn replay_begin(&mut self, out: &mut VecDeque<Fact>) {
        self.begin();
        self.drain(out);
    }

    /// Takes a recorded input in its recorded place, after the deadlines before it.
    fn replay_input(&mut self, fact: &Fact, input: &Input, out: &mut VecDeque<Fact>) {
        // A run that stood still at one instant was ended from within; the recorded request is the one that counts.
        while self.interjected.is_empty() && self.next_deadline().is_some_and(|at| at < fact.at) {
            self.replay_deadline(out);
        }
        self.interjected.clear();
        self.move_to(fact.at);
        out.push_back(fact.clone());
        self.apply(input);
        self.drain(out);
    }

    /// Handles the next deadline.
    fn replay_deadline(&mut self, out: &mut VecDeque<Fact>) {
        if let Some(at) = self.next_deadline() {
            self.due(at);
            self.drain(out);
        }
    }

    fn drain(&mut self, out: &mut VecDeque<Fact>) {
        out.extend(self.outbox.drain(..));
        self.actions.clear();
    }
}
