//! The simulated bench's clock: it jumps from event to event, and the loop between board and runner goes round once at each.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use rig_model::fact::{FactSink, SinkError};
use rig_model::input::{Action, Input, Source};
use rig_model::time::{RigTime, Span};
use rig_runner::Runner;

use crate::board::{Arrival, Board};
use crate::delay::{DeliveryDelay, Held};

/// Rounds in a row in which the runner has a deadline that is over and yet doesn't act on it. One can be normal; each moves the
/// clock by no more than a nanosecond, so that without a limit a mistake would look like a very long run.
const MAX_IDLE_ROUNDS: u32 = 1_000;

/// Instants in one second of rig time. A serial line at its fastest brings 12,000 bytes and no flow sensor half as many pulses: a board with more is busy
/// with itself, and at that pace a day of rig time would take hours.
const MAX_INSTANTS_IN_A_SECOND: u32 = 100_000;

/// Nobody sits at a simulated bench: prompts are answered so after this time.
const ANSWER_AFTER: Span = Span::nanoseconds(1);

/// Why a simulated run did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum PlayError {
    #[error("record a fact")]
    Sink(#[from] SinkError),
    #[error("go on: from {since} on the board does more than {MAX_INSTANTS_IN_A_SECOND} things a second")]
    Endless { since: RigTime },
    #[error("go on: the runner waits at {at} for a deadline that is over")]
    Stalled { at: RigTime },
}

/// Plays the runner against the board until the runner has finished. `on_progress` is told each instant that is reached; when it
/// breaks, the run is stopped for that reason, which still makes the bench safe in simulated time.
///
/// # Errors
/// When the sink did not take a fact: the bench has been made safe nevertheless, off the record. Or when the runner makes no progress.
pub fn play(
    runner: &mut Runner,
    board: &mut Board,
    sink: &mut dyn FactSink,
    delay: Option<DeliveryDelay>,
    on_progress: &mut dyn FnMut(RigTime) -> ControlFlow<String>,
) -> Result<(), PlayError> {
    let mut bench = SimBench::new(board, delay);
    let mut stopped = false;
    let mut idle_rounds = 0;
    let mut second = (bench.now, 0u32);
    let mut sink_error = None;
    let mut deadline = runner.next_deadline();
    loop {
        let mut news = bench.deliver(runner);
        if !stopped && let ControlFlow::Break(why) = on_progress(bench.now) {
            runner.stop(bench.now, &why);
            (stopped, news) = (true, true);
        }
        // A third of all instants are the board's own business: bytes reach the pump, it wakes and goes on.
        if news || deadline.is_some_and(|at| at <= bench.now) {
            if let Err(error) = runner.run(bench.now, sink, &mut bench.actions) {
                sink_error.get_or_insert(error);
            }
            bench.carry_out();
            if runner.finished() {
                return sink_error.map_or(Ok(()), |error| Err(error.into()));
            }
            deadline = runner.next_deadline();
        }
        let idle = bench.all_delivered() && deadline.is_some_and(|at| at <= bench.now);
        idle_rounds = if idle { idle_rounds + 1 } else { 0 };
        if idle_rounds > MAX_IDLE_ROUNDS {
            return Err(PlayError::Stalled { at: bench.now });
        }
        bench.now = bench.next_instant(deadline, runner.patience());
        second = if bench.now - second.0 < Span::seconds(1) { (second.0, second.1 + 1) } else { (bench.now, 0) };
        if second.1 > MAX_INSTANTS_IN_A_SECOND {
            return Err(PlayError::Endless { since: second.0 });
        }
    }
}

/// Everything outside the runner: the board, inputs on their way, prompts not yet answered.
struct SimBench<'a> {
    board: &'a mut Board,
    now: RigTime,
    arrivals: Vec<Arrival>,
    actions: Vec<Action>,
    answers: VecDeque<(RigTime, u64)>,
    held: Option<Held>,
}

impl<'a> SimBench<'a> {
    fn new(board: &'a mut Board, delay: Option<DeliveryDelay>) -> Self {
        let now = board.now();
        Self { board, now, arrivals: Vec::new(), actions: Vec::new(), answers: VecDeque::new(), held: delay.map(Held::new) }
    }

    /// Brings the board to this instant and offers the runner what has reached the rig by now. Whether the runner may have something to do
    /// then that is no deadline of its own.
    fn deliver(&mut self, runner: &mut Runner) -> bool {
        self.board.advance(self.now, &mut self.arrivals);
        while let Some((at, id)) = self.answers.front().copied().filter(|(at, _)| *at <= self.now) {
            self.answers.pop_front();
            self.arrivals.push(Arrival { source: Source::Operator, at, input: Input::Answer { id, operator: None } });
        }
        let now = self.now;
        let Some(held) = &mut self.held else {
            let news = !self.arrivals.is_empty();
            if news {
                for Arrival { source, at, input } in self.arrivals.drain(..) {
                    runner.offer(source, at, None, input);
                }
            }
            Source::ALL.into_iter().for_each(|source| runner.watermark(source, now));
            return news;
        };
        self.arrivals.drain(..).for_each(|arrival| held.hold(arrival));
        held.release(now, |Arrival { source, at, input }| runner.offer(source, at, Some(now), input));
        Source::ALL.into_iter().for_each(|source| runner.watermark(source, held.watermark(source, now)));
        // A watermark alone may make a deadline due that is over.
        true
    }

    fn carry_out(&mut self) {
        for action in self.actions.drain(..) {
            match action {
                Action::Prompt { id, .. } => self.answers.push_back((self.now + ANSWER_AFTER, id)),
                action => self.board.act(self.now, &action),
            }
        }
    }

    fn all_delivered(&self) -> bool {
        self.held.as_ref().and_then(Held::next_release).is_none()
    }

    /// The next instant at which something happens, later than now.
    fn next_instant(&self, deadline: Option<RigTime>, patience: Span) -> RigTime {
        let soonest = self.now + Span::nanoseconds(1);
        let released = self.held.as_ref().and_then(Held::next_release);
        // A deadline that is over waits for inputs that are still held; without any, the next instant must settle it.
        let deadline = deadline.filter(|at| *at > self.now || self.all_delivered());
        let next = [self.board.next_event(), self.answers.front().map(|(at, _)| *at), released, deadline];
        let next = next.into_iter().flatten().min().unwrap_or(soonest).max(soonest);
        // Where a pulse may end a wait, what the rig then does must reach the board at that pulse, not when the batch is over.
        let pulse = if patience == Span::ZERO { self.board.next_pulse(next) } else { None };
        pulse.map_or(next, |at| at.max(soonest))
    }
}
