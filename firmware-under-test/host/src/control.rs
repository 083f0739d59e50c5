//! The real-time loop around a hosted board: bytes on its serial line, everything else on the control channel.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use rig_model::bench::{Bench, Line};
use rig_model::input::{Action, Actuation, BENCH_ITSELF, Bytes, Input, Source};
use rig_model::time::{RigTime, Span};
use rig_plant::wire::{Deadman, Down, Up, VERSION, rebase};
use rig_sim::{Arrival, Board};
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};

use crate::balance::{self, HostedBalance};
use crate::clock::BoardClock;
use crate::host::{Ended, HostError};
use crate::lines::{LineReader, Reading, Writing};
use crate::port::Port;

/// How often the rig is told that nothing older will come. It bounds how late a deadline is judged, and costs 100 short lines a second.
const WATERMARK_EVERY: Duration = Duration::from_millis(10);

/// A rig that doesn't read for this long is stuck; a pipe of facts that nobody takes must not hold up the board for ever.
const TAKEN_WITHIN: Duration = Duration::from_secs(5);

/// Longest sleep when the board has nothing to do; watermarks come far sooner.
const LONGEST_SLEEP: Span = Span::seconds(1);

/// The id of what the host orders by itself: above all that the rig counts up to, and above its last resorts.
const UNASKED: u64 = u64::MAX;

/// Bytes taken from the serial line at a time: more than a frame.
const CHUNK: usize = 1_024;

pub(crate) struct Control {
    board: Board,
    clock: BoardClock,
    port: Port,
    balance: Option<HostedBalance>,
    lines: LineReader,
    writing: Writing,
    arrivals: Vec<Arrival>,
    /// The bench's lines with their safe positions, and whether the rig is still there to order them.
    bench_lines: Vec<Line>,
    deadman: Deadman,
    /// What is to go up, as text.
    up: Vec<u8>,
}

/// What woke the loop.
enum Woken {
    Stop,
    Line(Option<String>),
    Bytes(usize),
    Balance(usize),
    Board,
    Watermark,
    Silence,
}

impl Control {
    pub fn new(
        bench: &Bench,
        board: Board,
        clock: BoardClock,
        port: Port,
        balance: Option<HostedBalance>,
        reading: Reading,
        writing: Writing,
    ) -> Self {
        let (bench_lines, deadman) = (bench.lines.clone(), Deadman::new(bench.supervision.silence));
        let lines = LineReader::new(reading);
        Self { board, clock, port, balance, lines, writing, arrivals: Vec::new(), bench_lines, deadman, up: Vec::new() }
    }

    pub async fn serve(mut self, mut stop: Pin<&mut impl Future<Output = ()>>) -> Result<Ended, HostError> {
        let mut watermarks = interval(WATERMARK_EVERY);
        watermarks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut chunk, mut to_balance) = ([0; CHUNK], [0; CHUNK]);
        self.greet()?;
        loop {
            let (due, silent_at) = (self.board_due(), self.silent_at());
            let woken = tokio::select! {
                () = &mut stop => Woken::Stop,
                line = self.lines.next() => Woken::Line(line.map_err(|source| HostError::LinesFailed { source })?),
                n = self.port.read(&mut chunk) => Woken::Bytes(n.map_err(|source| HostError::LinkFailed { source })?),
                n = balance::read(&mut self.balance, &mut to_balance) => Woken::Balance(n.map_err(|source| HostError::BalanceFailed { source })?),
                () = sleep_until(due) => Woken::Board,
                _ = watermarks.tick() => Woken::Watermark,
                () = sleep_until(silent_at) => Woken::Silence,
            };
            let now = self.catch_up()?;
            self.weigh(now, if let Woken::Balance(n) = woken { &to_balance[..n] } else { &[] })?;
            match woken {
                Woken::Stop => return Ok(Ended::Stopped),
                Woken::Line(None) => return Ok(Ended::RigGone),
                Woken::Line(Some(line)) => self.command(now, &line)?,
                Woken::Bytes(n) => self.board.act(now, &Action::Tx(Bytes(chunk[..n].to_vec()))),
                Woken::Balance(_) | Woken::Board | Woken::Silence => {}
                Woken::Watermark => self.say(&Up::Watermark { at_ns: self.clock.monotonic(now) })?,
            }
            if self.deadman.dies(self.clock.monotonic(now)) {
                self.make_safe(now)?;
            }
            if !self.flush().await? {
                return Ok(Ended::RigGone);
            }
        }
    }

    fn greet(&mut self) -> Result<(), HostError> {
        let identity = rig_sim::identity();
        let at_ns = self.clock.monotonic(self.clock.now());
        self.say(&Up::Hello { version: VERSION, model: identity.model, serial: identity.serial, at_ns })
    }

    fn board_due(&self) -> Instant {
        let now = self.clock.now();
        let next = self.board.next_event().into_iter().chain(self.balance.as_ref().and_then(HostedBalance::next_event)).min();
        let wait = next.map_or(LONGEST_SLEEP, |at| at - now).0.clamp(0, LONGEST_SLEEP.0);
        Instant::now() + Duration::from_nanos(wait.unsigned_abs())
    }

    /// Brings the board to the present; its bytes go to the serial line, all else is written down for the rig.
    fn catch_up(&mut self) -> Result<RigTime, HostError> {
        let now = self.clock.now();
        let mut arrivals = std::mem::take(&mut self.arrivals);
        self.board.advance(now, &mut arrivals);
        for Arrival { source, at, mut input } in arrivals.drain(..) {
            if matches!(input, Input::Done { id: UNASKED } | Input::Failed { id: UNASKED, .. }) {
                continue;
            }
            if let Input::Rx(Bytes(bytes)) = &input {
                self.transmit(bytes)?;
                continue;
            }
            rebase(&mut input, Span(self.clock.monotonic(RigTime::ZERO)));
            self.say(&Up::Input { source, at_ns: self.clock.monotonic(at), input })?;
        }
        self.arrivals = arrivals;
        Ok(now)
    }

    fn weigh(&mut self, now: RigTime, received: &[u8]) -> Result<(), HostError> {
        let Some(balance) = &mut self.balance else { return Ok(()) };
        balance.advance(now, self.board.delivered_in_all(), received).map_err(|source| HostError::BalanceFailed { source })
    }

    fn transmit(&mut self, bytes: &[u8]) -> Result<(), HostError> {
        let taken = self.port.write(bytes).map_err(|source| HostError::LinkFailed { source })?;
        if taken < bytes.len() {
            tracing::debug!(lost = bytes.len() - taken, "nobody took these bytes of the serial line");
        }
        Ok(())
    }

    /// A line that is not understood must not keep the next one, which may make the bench safe, from being carried out.
    fn command(&mut self, now: RigTime, line: &str) -> Result<(), HostError> {
        match Down::decode(line) {
            Ok(Down::Beat) => self.deadman.beat(self.clock.monotonic(now)),
            Ok(Down::Actuate { id, what }) if self.deadman.is_dead() && !self.is_safe(&what) => {
                return self.fail(now, id, format!("not moved: {}", self.deadman.verdict()));
            }
            Ok(Down::Actuate { id, what }) => self.board.act(now, &Action::Actuate { id, what }),
            Err(error) => tracing::warn!(%error, "a line of the rig is passed over"),
        }
        Ok(())
    }

    fn silent_at(&self) -> Instant {
        let due = self.deadman.due_ns().map_or(LONGEST_SLEEP.0, |due| due - self.clock.monotonic(self.clock.now()));
        Instant::now() + Duration::from_nanos(due.clamp(0, LONGEST_SLEEP.0).unsigned_abs())
    }

    fn is_safe(&self, what: &Actuation) -> bool {
        matches!(what, Actuation::Line { line, active } if self.bench_lines.iter().any(|l| l.name == *line && l.safe_active == *active))
    }

    /// The rig is dead, or as good as dead.
    fn make_safe(&mut self, now: RigTime) -> Result<(), HostError> {
        tracing::error!("{}", self.deadman.verdict());
        for line in &self.bench_lines {
            // No order of the rig has this id; the answers are for nobody.
            let what = Actuation::Line { line: line.name.clone(), active: line.safe_active };
            self.board.act(now, &Action::Actuate { id: UNASKED, what });
        }
        self.fail(now, BENCH_ITSELF, self.deadman.verdict())
    }

    fn fail(&mut self, now: RigTime, id: u64, why: String) -> Result<(), HostError> {
        self.say(&Up::Input { source: Source::Bench, at_ns: self.clock.monotonic(now), input: Input::Failed { id, why } })
    }

    fn say(&mut self, up: &Up) -> Result<(), HostError> {
        self.up.extend_from_slice(up.encode().map_err(|source| HostError::Wire { source })?.as_bytes());
        self.up.push(b'\n');
        Ok(())
    }

    /// Sends what was said; false when the rig is gone.
    async fn flush(&mut self) -> Result<bool, HostError> {
        if self.up.is_empty() {
            return Ok(true);
        }
        let written = timeout(TAKEN_WITHIN, self.writing.write_all(&self.up)).await;
        self.up.clear();
        match written {
            Ok(Ok(())) => Ok(true),
            Ok(Err(_gone)) => Ok(false),
            Err(late) => Err(HostError::LinesFailed { source: late.into() }),
        }
    }
}
