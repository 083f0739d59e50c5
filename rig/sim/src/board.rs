//! One simulated bench: board, plumbing, power switch, relays and serial line.

mod outside;
mod power;

use std::collections::VecDeque;

use pump_core::{Input as PumpInput, Micros, ResetCause};
use rig_model::bench::{Bench, Line};
use rig_model::input::{Action, Actuation, Input, Source};
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
/// to its capacity at once), `button` (the patient's, whose contact bounces), `magnet` (active: its field holds the rotor), `supply` (active: the
/// supply is pulled down below what the firmware needs), `heartbeat` (accepted; the board has a watchdog of its own).
#[derive(Debug)]
pub struct Board {
    pump: Option<Powered>,
    side: Side,
    to_pump: Uart,
    actuations: VecDeque<(RigTime, u64, Actuation)>,
    relay_delay: Span,
    lines: Vec<Line>,
    now: RigTime,
    /// Why the firmware begins when the supply is good again; nothing while the power is switched off.
    waits_for_supply: Option<ResetCause>,
    /// What had left the tip when the bench was last made fresh.
    delivered_before: Volume,
}

#[derive(Debug)]
struct Powered {
    pump: Running,
    /// When the firmware wants to be woken.
    wake: Option<RigTime>,
    /// It stands still; then the watchdog resets it, if there is one.
    hung_until: Option<RigTime>,
}

/// Something that happens by itself. At equal times in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Actuation,
    ToRig,
    /// A dip of the supply is over.
    Supply,
    Watchdog,
    ToPump,
    Button,
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
            waits_for_supply: None,
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
        let tick = |at| if pump.is_some() { self.side.hardware.clock.tick_after(at) } else { at };
        earlier(self.side.hardware.next_edge().map(tick), Due::Button);
        earlier(self.to_pump.next_arrival().map(tick), Due::ToPump);
        earlier(pump.and_then(|p| p.hung_until).filter(|at| *at < RigTime::MAX), Due::Watchdog);
        earlier(self.side.hardware.dip_until(), Due::Supply);
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
            Due::Button => {
                let edge = self.side.hardware.edge();
                if let Some(pressed) = edge.and_then(|pressed| self.side.faults.button(self.now, pressed)) {
                    self.feed(PumpInput::Button { pressed }, out);
                }
            }
            Due::Supply => {
                self.side.hardware.dip_ends();
                self.supply_returns(out);
            }
            Due::Watchdog => self.reset(ResetCause::Watchdog, out),
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
            Misdeed::BrownOut => self.reset(ResetCause::BrownOut, out),
            Misdeed::PowerLost => {
                self.side.faults.dies();
                self.power_off(out);
            }
            // No watchdog wakes it.
            Misdeed::Hang => self.hang(RigTime::MAX),
        }
    }

    /// Gives the firmware an input, and then what it brought upon itself. A board without power takes nothing, nor does firmware that stands still.
    fn feed(&mut self, input: PumpInput<'_>, out: &mut Vec<Arrival>) {
        let Some(powered) = self.pump.as_mut().filter(|powered| powered.hung_until.is_none()) else { return };
        self.side.flow_to(self.now, out);
        powered.handle(self.now, input, &mut self.side, out);
        self.settle(out);
    }

    fn settle(&mut self, out: &mut Vec<Arrival>) {
        for _ in 0..MAX_FOLLOW_UPS {
            let Some(powered) = self.pump.as_mut().filter(|powered| powered.hung_until.is_none()) else { return };
            if !powered.follow_up(self.now, &mut self.side, out) {
                break;
            }
        }
        if self.side.hardware.gave_way {
            self.brown_out(out);
            self.side.hardware.recover(self.now);
        }
        self.wake_as_wanted();
    }

    fn wake_as_wanted(&mut self) {
        let Some(powered) = self.pump.as_mut().filter(|powered| powered.hung_until.is_none()) else { return };
        let wake = powered.wake_at(&self.side);
        powered.wake = wake.map(|at| if at > self.now { at } else { self.now + Span::microseconds(1) });
    }
}

impl Powered {
    fn handle(&mut self, now: RigTime, input: PumpInput<'_>, side: &mut Side, out: &mut Vec<Arrival>) {
        let uptime = Micros(side.hardware.clock.shows(now));
        self.pump.handle(uptime, input, &mut |output| side.output(now, output, out));
        side.release_tones(now, out);
    }

    /// Answers what the firmware has asked for, or wakes it if it wants to be woken now; whether there was anything.
    fn follow_up(&mut self, now: RigTime, side: &mut Side, out: &mut Vec<Arrival>) -> bool {
        if std::mem::take(&mut side.sample_wanted) {
            let pascal = side.sample_for_pump(now, out);
            self.handle(now, PumpInput::Pressure { pascal }, side, out);
        } else if side.hardware.rotor_wanted {
            let rotor = side.rotor();
            self.handle(now, rotor, side, out);
        } else if side.hardware.supply_wanted {
            let supply = side.supply(now);
            self.handle(now, supply, side, out);
        } else if std::mem::take(&mut side.hardware.read_back_wanted) {
            let held = std::mem::take(&mut side.hardware.read_back);
            self.handle(now, PumpInput::Stored(&held), side, out);
            // The buffer is used again, unless there is another answer in its place.
            if !side.hardware.read_back_wanted {
                side.hardware.read_back = held;
            }
        } else if self.wake_at(side).is_some_and(|at| at <= now) {
            self.handle(now, PumpInput::Wakeup, side, out);
        } else {
            return false;
        }
        true
    }

    /// The rig time at which the pump's clock shows its next wake-up.
    fn wake_at(&self, side: &Side) -> Option<RigTime> {
        Some(side.hardware.clock.when(self.pump.next_wakeup()?.0))
    }
}
