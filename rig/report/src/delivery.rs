//! `delivery.csv`: what each flow channel saw, on a grid of rig time that coarsens as the run grows, so that memory and file stay bounded.

use std::io::Write;

use rig_model::Name;
use rig_model::fact::{Body, Fact};
use rig_model::input::{Edges, Input, Sense};
use rig_model::time::RigTime;

use crate::cell;
use crate::columns::DELIVERY;
use crate::evidence::evidence;
use crate::hashing::Digest;
use crate::table::Table;
use crate::view::{Closing, View, ViewError};

/// Rows of one channel at the most: enough for a plot at any width of screen or paper, and 80 kB of memory.
pub const MAX_ROWS_PER_CHANNEL: usize = 10_000;

/// The grid's first interval; doubled whenever the grid is full.
const FIRST_INTERVAL_NS: i64 = 1_000_000_000;

/// A flow channel of the bench.
#[derive(Debug, Clone, PartialEq)]
pub struct FlowChannel {
    pub name: Name,
    /// Pulses per µL.
    pub k_factor: f64,
}

/// Row 0 of a channel is the run's beginning; row i is what passed up to and with `i` intervals. Written at the end of the run.
#[derive(Debug)]
pub struct DeliveryCsv<W: Write> {
    table: Table<W>,
    channels: Vec<Counter>,
    interval_ns: i64,
    last: RigTime,
    evidence: bool,
}

#[derive(Debug)]
struct Counter {
    channel: FlowChannel,
    /// Net pulses by interval; the first counts those at time 0 or before.
    pulses: Vec<i64>,
    /// The last volume that was written, and how it looks: most rows repeat it.
    volume: (i64, String),
    total: i64,
}

impl<W: Write> DeliveryCsv<W> {
    pub const NAME: &'static str = "delivery.csv";

    pub fn new(out: W, channels: Vec<FlowChannel>) -> Result<Self, ViewError> {
        let counter = |channel| Counter { channel, pulses: Vec::new(), volume: (0, "0".to_owned()), total: 0 };
        Ok(Self {
            table: Table::new(out, DELIVERY)?,
            channels: channels.into_iter().map(counter).collect(),
            interval_ns: FIRST_INTERVAL_NS,
            last: RigTime::ZERO,
            evidence: false,
        })
    }

    fn edges(&mut self, edges: &Edges) {
        let pulse = match edges.sense {
            Sense::Forward => 1,
            Sense::Reverse => -1,
            Sense::On | Sense::Off => return,
        };
        let Some(number) = self.channels.iter().position(|counter| counter.channel.name == edges.channel) else { return };
        let mut at = edges.first;
        self.count(number, at, pulse);
        for difference in &edges.then {
            at = RigTime(at.0.saturating_add(*difference));
            self.count(number, at, pulse);
        }
        self.last = self.last.max(at);
    }

    fn count(&mut self, number: usize, at: RigTime, pulse: i64) {
        let interval = self.interval_of(at);
        let pulses = &mut self.channels[number].pulses;
        if pulses.len() <= interval {
            pulses.resize(interval + 1, 0);
        }
        pulses[interval] += pulse;
    }

    /// Which interval an instant lies in, its end included; makes the grid coarser until it has one.
    fn interval_of(&mut self, at: RigTime) -> usize {
        let ns = at.0.max(0) as u64;
        loop {
            let interval = ns.div_ceil(self.interval_ns as u64) as usize;
            if interval < MAX_ROWS_PER_CHANNEL {
                return interval;
            }
            self.coarsen();
        }
    }

    fn coarsen(&mut self) {
        self.interval_ns *= 2;
        for Counter { pulses, .. } in &mut self.channels {
            for i in 1..pulses.len() {
                let into = i.div_ceil(2);
                if into != i {
                    pulses[into] += pulses[i];
                    pulses[i] = 0;
                }
            }
            pulses.truncate(pulses.len() / 2 + 1);
        }
    }

    fn rows(&mut self) -> Result<(), ViewError> {
        let mut elapsed = String::new();
        let mut before_ns = 0;
        for interval in 0..=self.interval_of(self.last) {
            // The last interval is shorter: the run ends in it.
            let at_ns = (interval as i64).saturating_mul(self.interval_ns).min(self.last.0.max(0));
            elapsed.clear();
            cell::seconds(&mut elapsed, at_ns);
            for counter in &mut self.channels {
                let pulses = counter.pulses.get(interval).copied().unwrap_or(0);
                counter.advance(pulses);
                let row = self.table.row().plain(&elapsed)?.text(&counter.channel.name)?.plain(&counter.volume.1)?;
                let row = match (interval, pulses) {
                    (0, _) => row.plain("")?,
                    (_, 0) => row.plain("0")?,
                    _ => row.number(pulses as f64 / counter.channel.k_factor * 3.6e12 / (at_ns - before_ns) as f64)?,
                };
                row.boolean(self.evidence)?.end()?;
            }
            before_ns = at_ns;
        }
        Ok(())
    }
}

impl Counter {
    fn advance(&mut self, pulses: i64) {
        self.total += pulses;
        if self.volume.0 != self.total {
            self.volume.0 = self.total;
            self.volume.1.clear();
            cell::number(&mut self.volume.1, self.total as f64 / self.channel.k_factor);
        }
    }
}

impl<W: Write + std::fmt::Debug + Send> View for DeliveryCsv<W> {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn take(&mut self, _seq: u64, fact: &Fact) -> Result<(), ViewError> {
        self.last = self.last.max(fact.at);
        match &fact.body {
            Body::Input(Input::Edges(edges)) => self.edges(edges),
            Body::Header(header) => self.evidence = evidence(header),
            _ => {}
        }
        Ok(())
    }

    fn finish(&mut self, closing: Closing) -> Result<Digest, ViewError> {
        self.last = self.last.max(closing.last);
        self.rows()?;
        self.table.finish()
    }
}
