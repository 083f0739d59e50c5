//! Plays a runner against a bench in real time, and leaves the bench safe.

use std::ffi::OsString;
use std::path::PathBuf;

use rig_model::bench::Bench;
use rig_model::fact::{FactSink, SinkError};
use rig_model::input::Action;
use rig_model::time::{RigTime, Span};
use rig_runner::Runner;

use crate::error::BenchError;
use crate::feed::Heard;
use crate::lock::BenchLock;
use crate::mark::{Ending, Mark, Marking, SafeWitness};
use crate::ports::Ports;
use crate::prompt::Operator;
use crate::service::Service;
use crate::signals::StopRequests;

/// The longest sleep of the loop. Sources make promises as often, so that nothing is judged later for it.
const ROUND: Span = Span::milliseconds(10);
/// For the stop command with all its transmissions, the lines, and the steps that a scenario has in `finally`.
const SAFE_DOWN_LIMIT: Span = Span::seconds(60);
/// A safe-down may begin its dwell anew while fluid still comes, five times at the most; one more is for the case that was under way.
const SAFE_DOWN_DWELLS: i64 = 6;

/// What a bench in real time needs besides its description.
#[derive(Debug)]
pub struct ProcessOptions {
    /// Program and arguments of the bench's own process: the firmware with its plumbing, or the supervisor of a real bench.
    pub host_command: Vec<OsString>,
    /// The file whose lock says that the bench is in use; the same for all runs on this bench.
    pub lock: PathBuf,
    /// When the run began, as the next one is told that finds the bench in use.
    pub since: String,
    /// The mark of a real bench; a simulated one dies with its process and needs none.
    pub marking: Option<Marking>,
    /// Who answers prompts; without one nobody is there.
    pub operator: Option<Operator>,
    /// Who is told that the loop turns.
    pub service: Service,
}

/// Plays the run to its end. The outcome is the runner's; an error here is what kept it from being played, recorded or made safe.
///
/// The first of `stops` ends the run by its safe-down, the second ends the waiting for that. If the sink fails the run goes on without it,
/// to its safe end. Whatever way this is left (also by a panic, or by being dropped) the lines are driven to their safe levels and the firmware process ends.
///
/// # Errors
/// The bench can't be opened or is in use; the safe-down was given up; or the sink failed.
pub async fn play(
    runner: &mut Runner,
    bench: &Bench,
    options: ProcessOptions,
    sink: &mut dyn FactSink,
    stops: &mut StopRequests,
) -> Result<(), BenchError> {
    let ProcessOptions { host_command, lock, since, marking, operator, service } = options;
    let _lock = BenchLock::take(&lock, &since)?;
    let mark = marking.map(Mark::make).transpose()?;
    match Ports::open(bench, &host_command, operator).await {
        Ok(ports) => play_marked(runner, ports, mark, Leaving { limit: safe_down_limit(bench), service }, sink, stops).await,
        Err(error) => mark.map_or(Ok(()), |mark| mark.end(&Ending::Untouched)).and(Err(error)),
    }
}

/// On ports that are open, for a bench whose mark is made, if it has one.
pub(crate) async fn play_marked(
    runner: &mut Runner,
    ports: Ports,
    mark: Option<Mark>,
    leaving: Leaving,
    sink: &mut dyn FactSink,
    stops: &mut StopRequests,
) -> Result<(), BenchError> {
    let mut witness = SafeWitness::new(sink);
    let played = play_on(runner, ports, leaving, &mut witness, stops).await;
    let ending = witness.ending(runner.ended().is_some_and(|ended| ended.safe), played.as_ref().err());
    let marked = mark.map_or(Ok(()), |mark| mark.end(&ending));
    // What kept the run from its end says more than a mark that could not be changed.
    played.and(marked)
}

/// What the loop is held to.
#[derive(Debug)]
pub(crate) struct Leaving {
    /// For the whole safe-down.
    pub limit: Span,
    pub service: Service,
}

/// The same on ports that are open.
pub(crate) async fn play_on(
    runner: &mut Runner,
    mut ports: Ports,
    leaving: Leaving,
    sink: &mut dyn FactSink,
    stops: &mut StopRequests,
) -> Result<(), BenchError> {
    let Leaving { limit, service } = leaving;
    let mut playing = Playing { limit, service, until: None, sink_error: None };
    let gave_up = playing.play(runner, &mut ports, sink, stops).await;
    let real = ports.is_real();
    let closed = ports.close().await;
    match (gave_up, playing.sink_error) {
        (Err(why), _) => {
            let lines = closed.map_or_else(|why| format!("did not all answer: {why}"), |()| "answered".to_owned());
            Err(BenchError::NotShownSafe { why, lines })
        }
        (Ok(()), Some(source)) => Err(BenchError::Sink { source }),
        (Ok(()), None) => {
            if let (Err(why), true) = (&closed, real) {
                // The supervisor is gone, or a line did not read back: whoever is next at the bench must look.
                let lines = format!("did not all answer: {why}");
                return Err(BenchError::NotShownSafe { why: "the lines were not seen safe at the very end".to_owned(), lines });
            }
            if let Err(why) = closed {
                // Whether the bench is safe was measured and told by the runner; this is about the levels at the very end.
                tracing::warn!("lines were not all seen at their safe levels at the end: {why}");
            }
            Ok(())
        }
    }
}

struct Playing {
    limit: Span,
    service: Service,
    /// When the safe-down is given up, once the run is being stopped.
    until: Option<RigTime>,
    sink_error: Option<SinkError>,
}

impl Playing {
    /// Until the runner has finished, or (`Err`) why it was not waited for.
    async fn play(
        &mut self,
        runner: &mut Runner,
        ports: &mut Ports,
        sink: &mut dyn FactSink,
        stops: &mut StopRequests,
    ) -> Result<(), String> {
        let clock = ports.clock();
        let mut heard: Vec<Heard> = Vec::new();
        let mut actions: Vec<Action> = Vec::new();
        let mut listening = true;
        loop {
            ports.beat();
            self.service.alive();
            ports.take(&mut heard);
            for heard in heard.drain(..) {
                match heard {
                    Heard::Input { source, at, arrival, input } => runner.offer(source, at, arrival, input),
                    Heard::Watermark { source, at } => runner.watermark(source, at),
                }
            }
            let now = clock.now();
            if let Err(error) = runner.run(now, sink, &mut actions) {
                // The runner stops by itself and goes on without the sink.
                tracing::error!("facts can't be recorded any more: {error}");
                self.until.get_or_insert(now + self.limit);
                self.sink_error.get_or_insert(error);
            }
            actions.drain(..).for_each(|action| ports.carry_out(action));
            if runner.finished() {
                return Ok(());
            }
            if self.until.is_some_and(|until| now >= until) {
                return Err(format!("it took longer than {}", self.limit));
            }
            tokio::select! {
                () = ports.wait(wake(now, runner.next_deadline())) => {}
                why = stops.recv(), if listening => match why {
                    Some(why) => self.stop(runner, clock.now(), &why)?,
                    None => listening = false,
                },
            }
        }
    }

    fn stop(&mut self, runner: &mut Runner, now: RigTime, why: &str) -> Result<(), String> {
        if self.until.is_some() {
            return Err(format!("{why} came while it was under way"));
        }
        tracing::info!("{why}: the run is being stopped and the bench made safe");
        self.until = Some(now + self.limit);
        runner.stop(now, why);
        Ok(())
    }
}

/// A deadline that has passed waits for a watermark and is no reason to spin.
fn wake(now: RigTime, deadline: Option<RigTime>) -> RigTime {
    let round = now + ROUND;
    deadline.filter(|at| *at > now).map_or(round, |at| at.min(round))
}

fn safe_down_limit(bench: &Bench) -> Span {
    Span(bench.safe_down.dwell.0.saturating_mul(SAFE_DOWN_DWELLS).saturating_add(SAFE_DOWN_LIMIT.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loop_neither_oversleeps_a_deadline_nor_spins_on_one_that_waits_for_a_watermark() {
        let now = RigTime(1_000_000_000);
        let (soon, round) = (now + Span::milliseconds(1), now + ROUND);
        for (deadline, until) in
            [(None, round), (Some(soon), soon), (Some(RigTime::MAX), round), (Some(now), round), (Some(RigTime::ZERO), round)]
        {
            assert_eq!(wake(now, deadline), until);
        }
    }
}
