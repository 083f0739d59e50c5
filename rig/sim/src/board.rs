//! One simulated bench: board, plumbing, power switch, relays and serial line.

use std::collections::VecDeque;

use pump_core::{Input as PumpInput, Micros, ResetCause};
use rig_model::bench::{Bench, Line};
use rig_model::input::{Action, Actuation, Input, PlantChange, Source};
use rig_model::quantity::Volume;
use rig_model::time::{RigTime, Span};

use crate::faults::Misdeed;
use crate::firmware::{Running, Unit};
use crate::side::Side;
use crate::uart::Uart;

/// No effect of an action is earlier than this after it.
const SOONEST: Span = Span::nanoseconds(1);

/// Inputs that the firmware may bring upon itself at one instant: a reading it asked for, a wake-up that is due at once.
/// A few follow each other; firmware that never comes to rest goes on a microsecond later.
const MAX_FOLLOW_UPS: usize = 16;

/// Actuations on their way at the most. The rig waits for each; more than this is a broken caller, told by `Failed`.
const MAX_ACTUATIONS: usize = 1_024;

/// A raw input as it happens at its source.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrival {
    pub source: Source,
    /// When it happened; of a batch of edges, the first one's time.
    pub at: RigTime,
    pub input: Input,
}

/// One simulated bench: the pump's firmware logic, plumbing and instruments, perhaps a defect; with power switch, relays
/// and serial line as the rig has them. It starts with power off.
///
/// Lines: `power` (what the pump stored survives), `occluder` and `leak` (valves), `refill` (going active, the needle fills the reservoir
/// to its capacity at once), `button` and `heartbeat` (accepted; this pump has no patient button, and no watchdog is simulated).
#[derive(Debug)]
pub struct Board {
    pump: Option<Powered>,
    side: Side,
    to_pump: Uart,
    actuations: VecDeque<(RigTime, u64, Actuation)>,
    relay_delay: Span,
    lines: Vec<Line>,
    now: RigTime,
    /// What had left the tip when the bench was last made fresh.
    delivered_before: Volume,
}

#[derive(Debug)]
struct Powered {
    pump: Running,
    since: RigTime,
    /// When the firmware wants to be woken.
    wake: Option<RigTime>,
    /// It stands still, and nothing reaches it any more.
    hung: bool,
}

/// Something that happens by itself. At equal times in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Actuation,
    ToRig,
    ToPump,
    Defect,
    Wakeup,
    Reading,
    Weighing,
}

impl Board {
    /// A bench as on its first day at the instant `at`, its noise drawn from `seed`; with this unit, or with the sound pump.
    ///
    /// # Panics
    /// When the bench has no simulated plumbing (`bench.plant`).
    pub fn new(bench: &Bench, seed: u64, unit: Option<&Unit>, at: RigTime) -> Self {
        let params = bench.plant.as_ref().expect("a simulated board needs the parameters of its plumbing");
        let mut board = Self {
            pump: None,
            side: Side::new(bench, params, seed, unit, at),
            to_pump: Uart::new(bench.link.baud, params.link_delay),
            actuations: VecDeque::new(),
            relay_delay: params.relay_delay.max(SOONEST),
            lines: bench.lines.clone(),
            now: at,
            delivered_before: Volume(0.0),
        };
        board.lines_safe();
        board
    }

    /// When something next happens by itself: bytes arrive, a relay moves, the pump wakes, the pressure is read.
    /// Single pulses are not told; they come with the batches of [`Board::advance`].
    pub fn next_event(&self) -> Option<RigTime> {
        Some(self.next_due().0)
    }

    /// The first pulse of a flow sensor up to `until`, if nothing else happens before. Costs as much as letting that time pass.
    pub fn next_pulse(&self, until: RigTime) -> Option<RigTime> {
        let mut edges = Vec::new();
        self.side.plant.clone().advance(until, &mut edges);
        edges.iter().map(|e| e.first).min()
    }

    /// Lets time pass and appends all inputs later than the last advance and not later than `to`, ordered by time and source.
    /// An earlier `to` changes nothing.
    pub fn advance(&mut self, to: RigTime, out: &mut Vec<Arrival>) {
        let first = out.len();
        loop {
            let (at, due) = self.next_due();
            if at > to {
                break;
            }
            self.now = self.now.max(at);
            self.happen(due, out);
        }
        self.now = self.now.max(to);
        self.side.flow_to(self.now, out);
        if out.len() > first + 1 {
            out[first..].sort_by_key(|arrival| (arrival.at, arrival.source));
        }
    }

    /// Takes an action of the rig at `at`, not before the last advance. What it causes is at least 1 ns later. Prompts are not the
    /// board's to answer.
    pub fn act(&mut self, at: RigTime, action: &Action) {
        let at = at.max(self.now);
        match action {
            Action::Tx(bytes) => self.to_pump.send(at, bytes.0.clone()),
            Action::Actuate { id, what } if self.actuations.len() < MAX_ACTUATIONS => {
                self.actuations.push_back((at + self.relay_delay, *id, what.clone()));
            }
            Action::Actuate { .. } | Action::Prompt { .. } => {}
        }
    }

    /// The instant of the last advance.
    pub fn now(&self) -> RigTime {
        self.now
    }

    /// Whether the pump has power.
    pub fn powered(&self) -> bool {
        self.pump.is_some()
    }

    /// What has left the tip since this board was made, fresh benches included: what a vessel under the tip has in it.
    pub fn delivered_in_all(&self) -> Volume {
        Volume(self.delivered_before.0 + self.side.plant.delivered_at_tip().0)
    }

    /// The plumbing, for tests that ask what truly happened.
    pub fn plant(&self) -> &rig_plant::Plant {
        &self.side.plant
    }

    fn next_due(&self) -> (RigTime, Due) {
        let pump = self.pump.as_ref();
        let mut next = (self.side.next_reading, Due::Reading);
        let mut earlier = |at: Option<RigTime>, due| next = at.map_or(next, |at| next.min((at, due)));
        earlier(self.side.weighed.as_ref().map(|weighed| weighed.next()), Due::Weighing);
        earlier(pump.and_then(|p| p.wake), Due::Wakeup);
        earlier(self.side.faults.next(), Due::Defect);
        earlier(self.to_pump.next_arrival().map(|at| pump.map_or(at, |p| p.tick_after(at))), Due::ToPump);
        earlier(self.side.to_rig.next_arrival(), Due::ToRig);
        earlier(self.actuations.front().map(|(at, ..)| *at), Due::Actuation);
        next
    }

    fn happen(&mut self, due: Due, out: &mut Vec<Arrival>) {
        match due {
            Due::Actuation => {
                if let Some((_, id, what)) = self.actuations.pop_front() {
                    self.actuate(id, &what, out);
                }
            }
            Due::ToRig => out.extend(self.side.received(self.now)),
            Due::ToPump => {
                if let Some((at, bytes)) = self.to_pump.receive(self.now) {
                    let heard = self.side.faults.bytes_to_pump(at, &bytes);
                    self.feed(PumpInput::Bytes(&heard), out);
                }
            }
            Due::Defect => {
                if let Some(misdeed) = self.side.faults.take() {
                    self.misbehave(misdeed, out);
                }
            }
            Due::Wakeup => self.feed(PumpInput::Wakeup, out),
            Due::Reading => {
                self.side.flow_to(self.now, out);
                self.side.sample(self.now, out);
            }
            Due::Weighing => {
                self.side.flow_to(self.now, out);
                self.side.weigh(self.now, out);
            }
        }
    }

    fn actuate(&mut self, id: u64, what: &Actuation, out: &mut Vec<Arrival>) {
        self.side.flow_to(self.now, out);
        let done = match what {
            Actuation::Line { line, active } => self.set_line(line, *active, out),
            Actuation::Plant(PlantChange::Fresh { seed }) => {
                self.fresh(*seed, out);
                Ok(())
            }
            Actuation::Plant(change) => {
                self.side.plant.change(change);
                Ok(())
            }
        };
        let input = match done {
            Ok(()) => Input::Done { id },
            Err(why) => Input::Failed { id, why },
        };
        out.push(Arrival { source: Source::Bench, at: self.now, input });
    }

    fn set_line(&mut self, line: &str, active: bool, out: &mut Vec<Arrival>) -> Result<(), String> {
        if !self.lines.iter().any(|l| &*l.name == line) {
            return Err(format!("the bench has no line `{line}`"));
        }
        match line {
            "power" if active && self.pump.is_none() => self.power_on(out),
            "power" if !active => self.power_off(out),
            "power" | "button" | "heartbeat" => {}
            "occluder" => self.side.plant.set_occluder(active),
            "leak" => self.side.plant.set_leak(active),
            "refill" if active => self.side.refill(),
            "refill" => {}
            _ => return Err(format!("nothing of the simulated bench is on line `{line}`")),
        }
        Ok(())
    }

    /// Everything new, power off, lines safe.
    fn fresh(&mut self, seed: u64, out: &mut Vec<Arrival>) {
        self.power_off(out);
        self.to_pump.clear();
        self.delivered_before = self.delivered_in_all();
        self.side.refresh(seed, self.now);
        self.lines_safe();
    }

    /// Moves the valves to their safe positions; the power stays off whatever its line says.
    fn lines_safe(&mut self) {
        let safe = |name: &str| self.lines.iter().any(|l| &*l.name == name && l.safe_active);
        self.side.plant.set_occluder(safe("occluder"));
        self.side.plant.set_leak(safe("leak"));
    }

    fn power_on(&mut self, out: &mut Vec<Arrival>) {
        if self.side.faults.dead() {
            return;
        }
        let pump = self.side.power_on(self.now, ResetCause::PowerOn);
        self.pump = Some(Powered { pump, since: self.now, wake: None, hung: false });
        self.settle(out);
    }

    fn power_off(&mut self, out: &mut Vec<Arrival>) {
        if self.pump.take().is_some() {
            self.side.power_lost(self.now, out);
        }
    }

    fn misbehave(&mut self, misdeed: Misdeed, out: &mut Vec<Arrival>) {
        self.side.flow_to(self.now, out);
        match misdeed {
            Misdeed::Stroke(volume, duration) | Misdeed::StrokeAtRest(volume, duration, _) => self.side.plant.stroke(volume, duration),
            Misdeed::Command(bytes) => self.feed(PumpInput::Bytes(&bytes), out),
            Misdeed::Reply(bytes) => self.side.to_rig.send(self.now, bytes),
            Misdeed::Dribble(flow) => self.side.plant.set_extra_flow(flow),
            Misdeed::Plant(change) => self.side.plant.change(&change),
            Misdeed::Tone(on) => self.side.sound(self.now, on, out),
            Misdeed::BeepWithout(_) => self.side.sound(self.now, true, out),
            Misdeed::Button(pressed) => self.feed(PumpInput::Button { pressed }, out),
            Misdeed::ButtonByItself(_) => self.feed(PumpInput::Button { pressed: true }, out),
            Misdeed::BrownOut => {
                self.power_off(out);
                self.power_on(out);
            }
            Misdeed::PowerLost => {
                self.side.faults.dies();
                self.power_off(out);
            }
            Misdeed::Hang => {
                if let Some(powered) = &mut self.pump {
                    powered.hung = true;
                    powered.wake = None;
                }
            }
        }
    }

    /// Gives the firmware an input, and then what it brought upon itself. A board without power takes nothing.
    fn feed(&mut self, input: PumpInput<'_>, out: &mut Vec<Arrival>) {
        let Some(powered) = self.pump.as_mut().filter(|powered| !powered.hung) else { return };
        self.side.flow_to(self.now, out);
        powered.handle(self.now, input, &mut self.side, out);
        self.settle(out);
    }

    fn settle(&mut self, out: &mut Vec<Arrival>) {
        let Some(powered) = self.pump.as_mut().filter(|powered| !powered.hung) else { return };
        for _ in 0..MAX_FOLLOW_UPS {
            if std::mem::take(&mut self.side.sample_wanted) {
                let pascal = self.side.sample_for_pump(self.now, out);
                powered.handle(self.now, PumpInput::Pressure { pascal }, &mut self.side, out);
            } else if powered.wake_at().is_some_and(|at| at <= self.now) {
                powered.handle(self.now, PumpInput::Wakeup, &mut self.side, out);
            } else {
                break;
            }
        }
        powered.wake = powered.wake_at().map(|at| if at > self.now { at } else { self.now + Span::microseconds(1) });
    }
}

impl Powered {
    fn handle(&mut self, now: RigTime, input: PumpInput<'_>, side: &mut Side, out: &mut Vec<Arrival>) {
        let uptime = (now - self.since).0 / 1_000;
        self.pump.handle(Micros(uptime.unsigned_abs()), input, &mut |output| side.output(now, output, out));
        side.release_tones(now, out);
    }

    /// The first tick of the pump's clock not before `at`. Bytes are handled then, so that what they cause, a stroke above
    /// all, begins and ends on the clock by which the firmware reckons.
    fn tick_after(&self, at: RigTime) -> RigTime {
        let part = (at - self.since).0.rem_euclid(1_000);
        if part == 0 { at } else { at + Span(1_000 - part) }
    }

    /// The rig time at which the pump's clock shows its next wake-up.
    fn wake_at(&self) -> Option<RigTime> {
        let uptime = i64::try_from(self.pump.next_wakeup()?.0).unwrap_or(i64::MAX / 1_000);
        Some(self.since.saturating_add(Span(uptime.saturating_mul(1_000))))
    }
}
