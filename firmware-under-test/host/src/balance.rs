//! A balance under the tip of the hosted board's catheter, on a serial line of its own.

use std::io;

use rig_model::bench::{Bench, Instrument, SerialInstrument, Wiring};
use rig_model::quantity::Volume;
use rig_model::time::RigTime;
use rig_plant::balance::BalanceParams;
use rig_plant::sics::{Sics, SicsParams};

use crate::port::{LinkPort, Port};

/// No real one has this serial number.
const SERIAL: &str = "SIM-BALANCE";

/// A balance to be hosted beside the board.
#[derive(Debug, Clone)]
pub struct BalanceOptions {
    pub port: LinkPort,
    pub balance: BalanceParams,
    pub sics: SicsParams,
}

impl BalanceOptions {
    /// A semi-micro balance.
    pub fn usual(port: LinkPort) -> Self {
        Self { port, balance: BalanceParams::semi_micro(), sics: SicsParams::new(SERIAL) }
    }

    /// The balance of this bench, or the usual one where it has none.
    pub fn of(bench: &Bench, port: LinkPort) -> Self {
        let usual = Self::usual(port);
        let found = bench.channels.iter().find_map(|c| match &c.instrument {
            Instrument::Balance(stated) => Some((stated, &c.wiring)),
            _ => None,
        });
        let Some((stated, wiring)) = found else { return usual };
        let serial = match wiring {
            Some(Wiring::Serial(SerialInstrument { serial: Some(serial), .. })) => serial.as_str(),
            _ => SERIAL,
        };
        let dropped_replies = stated.simulated.map_or(0.0, |s| s.dropped_replies);
        let sics = SicsParams { repeat_every: stated.read_every, dropped_replies, ..SicsParams::new(serial) };
        Self { balance: BalanceParams::of(stated), sics, ..usual }
    }
}

#[derive(Debug)]
pub(crate) struct HostedBalance {
    sics: Sics,
    port: Port,
    said: Vec<u8>,
}

impl HostedBalance {
    pub fn new(options: BalanceOptions, port: Port, seed: u64) -> Self {
        let sics = Sics::new(options.balance, options.sics, seed, RigTime::ZERO);
        Self { sics, port, said: Vec::new() }
    }

    /// When it next has something to say by itself.
    pub fn next_event(&self) -> Option<RigTime> {
        self.sics.next_event()
    }

    /// Waits for bytes to it. May be cancelled.
    pub async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.port.read(buffer).await
    }

    /// Lets it see what has been delivered by now, and takes what it was sent; what it says goes out, as far as somebody takes it.
    pub fn advance(&mut self, now: RigTime, delivered: Volume, received: &[u8]) -> io::Result<()> {
        self.sics.advance(now, delivered, &mut self.said);
        self.sics.receive(received, &mut self.said);
        let taken = self.port.write(&self.said)?;
        if taken < self.said.len() {
            tracing::debug!(lost = self.said.len() - taken, "nobody took these bytes of the balance");
        }
        self.said.clear();
        Ok(())
    }
}

/// For ever where there is no balance.
pub(crate) async fn read(balance: &mut Option<HostedBalance>, buffer: &mut [u8]) -> io::Result<usize> {
    match balance {
        Some(balance) => balance.read(buffer).await,
        None => std::future::pending().await,
    }
}
