//! The balance of a simulated bench: what it shows, as often as the bench reads it.

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use rig_model::Name;
use rig_model::bench::{Bench, Instrument};
use rig_model::input::{Input, Real, Source};
use rig_model::quantity::Volume;
use rig_model::time::{RigTime, Span};
use rig_model::weighing;
use rig_plant::balance::{Balance, BalanceParams, Reading};

use crate::board::Arrival;

#[derive(Debug)]
pub(crate) struct Weighed {
    channel: Name,
    /// Under which name readings come that are not at rest.
    unstable: Name,
    stated: Box<weighing::Balance>,
    balance: Balance,
    /// Which replies do not come.
    losses: ChaCha8Rng,
    every: Span,
    next: RigTime,
}

impl Weighed {
    /// `None` on a bench without a balance.
    pub fn new(bench: &Bench, seed: u64, at: RigTime) -> Option<Self> {
        let (channel, stated) = bench.channels.iter().find_map(|c| match &c.instrument {
            Instrument::Balance(stated) => Some((c, stated.clone())),
            _ => None,
        })?;
        let (channel, unstable) = (channel.name.clone(), channel.unstable());
        let balance = Balance::new(BalanceParams::of(&stated), seed, at);
        let every = stated.read_every.max(Span::nanoseconds(1));
        Some(Self { channel, unstable, balance, losses: ChaCha8Rng::seed_from_u64(seed), every, next: at + every, stated })
    }

    /// Another vessel, as on the bench's first day.
    pub fn refresh(&mut self, seed: u64, at: RigTime) {
        self.balance = Balance::new(BalanceParams::of(&self.stated), seed, at);
        self.losses = ChaCha8Rng::seed_from_u64(seed);
    }

    /// When it is read next.
    pub fn next(&self) -> RigTime {
        self.next
    }

    /// Reads it, `delivered` having left the tip.
    pub fn read(&mut self, at: RigTime, delivered: Volume) -> Option<Arrival> {
        self.next = at + self.every;
        let (channel, mg) = match self.balance.reading(at, delivered) {
            Reading::Mass { mg, stable: true } => (self.channel.clone(), mg),
            Reading::Mass { mg, stable: false } => (self.unstable.clone(), mg),
            Reading::Overload | Reading::Underload => (self.channel.clone(), f64::NAN),
        };
        let dropped = self.stated.simulated.map_or(0.0, |s| s.dropped_replies);
        // 53 random bits are a number from 0 to 1.
        let draw = (self.losses.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
        let input = Input::Reading { channel, value: Real(mg) };
        (draw >= dropped).then_some(Arrival { source: Source::Sensors, at, input })
    }
}
