//! Edges of GPIO lines to pulses and tones of channels, on a thread of its own: it takes what the kernel queued, puts the lines into one order
//! of time, and promises how far it has come.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use rig_model::Name;
use rig_model::bench::{Bench, Channel, Direction, EdgeWiring, Instrument, Wiring};
use rig_model::input::{Edges, Input, Lost, Sense, Source};
use rig_model::time::{RigTime, Span};

use crate::clock::{Clock, duration};
use crate::feed::Feed;
use crate::gpio::{Edge, InputSpec, Inputs, LineError, Watch};

/// Batches that wait for the loop: at one batch a channel every 5 ms ten seconds of ten channels.
pub const CAPACITY: usize = 16 * 1_024;
/// As often as the lines are looked at when nothing happens on them; an edge is taken at once.
const ROUND: Span = Span::milliseconds(5);
/// From the stamp in the interrupt to the queue: the kernel's own interrupt thread has to run in between. A stamp older than this is there.
const ON_ITS_WAY: Span = Span::milliseconds(10);
/// Edges of one batch, as the journal's lines stay readable and a lost one loses little.
const BATCH: usize = 1_024;

/// Which inputs a bench needs, and what becomes of their edges.
pub(crate) fn wiring(bench: &Bench) -> (Vec<InputSpec>, Decoders) {
    let mut specs = Vec::new();
    let mut decoders = Decoders::default();
    for channel in &bench.channels {
        let Some(Wiring::Edges(wiring)) = &channel.wiring else { continue };
        decoders.add(channel, wiring, &mut specs);
    }
    (specs, decoders)
}

/// What the edges of each input mean.
#[derive(Debug, Default)]
pub(crate) struct Decoders {
    channels: Vec<Decoder>,
    /// For each input its channel, and what it is to it.
    inputs: Vec<(usize, Role)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Pulses,
    /// The level, or the second phase, that tells the direction.
    Beside,
}

/// An edge of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pulse {
    at: RigTime,
    sense: Sense,
    number: u64,
}

impl Decoders {
    fn add(&mut self, channel: &Channel, wiring: &EdgeWiring, specs: &mut Vec<InputSpec>) {
        let kind = match (&channel.instrument, &wiring.direction) {
            (Instrument::Alarm, _) => Kind::Tone,
            (_, None) => Kind::Pulses,
            (_, Some(Direction::Level(_))) => Kind::Level,
            (_, Some(Direction::Quadrature(_))) => Kind::Quadrature,
        };
        let both = matches!(kind, Kind::Tone | Kind::Quadrature);
        let name = &channel.name;
        let mut input = |decoders: &mut Self, role, name: Name, gpio: &rig_model::bench::Gpio, both| {
            decoders.inputs.push((decoders.channels.len(), role));
            specs.push(InputSpec { name, gpio: gpio.clone(), watch: if both { Watch::Both } else { Watch::Rising } });
        };
        input(self, Role::Pulses, name.clone(), &wiring.line, both);
        if let Some(Direction::Level(gpio) | Direction::Quadrature(gpio)) = &wiring.direction {
            input(self, Role::Beside, format!("{name}/direction").into(), gpio, true);
        }
        self.channels.push(Decoder::new(name.clone(), kind));
        if let (Some(second), Some(gpio)) = (channel.second(), &wiring.second) {
            self.inputs.push((self.channels.len(), Role::Pulses));
            specs.push(InputSpec { name: second.clone(), gpio: gpio.clone(), watch: Watch::Rising });
            self.channels.push(Decoder::new(second, Kind::Pulses));
        }
    }

    /// The levels of the lines beside the pulses as they are now, before the first edge.
    fn prime(&mut self, inputs: &mut dyn Inputs) -> Result<(), LineError> {
        for (n, (channel, role)) in self.inputs.iter().enumerate() {
            if *role == Role::Beside {
                self.channels[*channel].beside = inputs.is_active(n)?;
            }
        }
        Ok(())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Pulses,
    Tone,
    Level,
    Quadrature,
}

/// Makes pulses of the edges of one channel's lines. Their running numbers have a gap where those of the lines had one.
#[derive(Debug)]
struct Decoder {
    channel: Name,
    kind: Kind,
    beside: bool,
    /// The last number of each of its lines: pulses, beside.
    seen: [u32; 2],
    /// The number of the next pulse, from 1.
    next: u64,
}

impl Decoder {
    fn new(channel: Name, kind: Kind) -> Self {
        Self { channel, kind, beside: false, seen: [0; 2], next: 1 }
    }

    fn edge(&mut self, role: Role, at: RigTime, edge: &Edge) -> Option<Pulse> {
        let missing = edge.number.wrapping_sub(self.seen[role as usize]).wrapping_sub(1);
        self.seen[role as usize] = edge.number;
        // A lost edge of the line beside may have been a turn: as bad as a lost pulse.
        self.next += u64::from(missing);
        let sense = match (self.kind, role, edge.rising) {
            (_, Role::Beside, active) => {
                self.beside = active;
                return None;
            }
            (Kind::Tone, _, true) => Sense::On,
            (Kind::Tone, _, false) => Sense::Off,
            (Kind::Level, ..) if self.beside => Sense::Reverse,
            (Kind::Pulses | Kind::Level, ..) => Sense::Forward,
            // At one level of the other phase only: fluid that trembles about an edge goes forward and back, and adds up to nothing.
            (Kind::Quadrature, ..) if self.beside => return None,
            (Kind::Quadrature, _, true) => Sense::Forward,
            (Kind::Quadrature, _, false) => Sense::Reverse,
        };
        let number = self.next;
        self.next += 1;
        Some(Pulse { at, sense, number })
    }
}

/// The thread. Dropping it ends the thread.
#[derive(Debug)]
pub(crate) struct Reader {
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<LineError>>,
}

impl Reader {
    /// Reads until it is dropped, or the lines fail.
    pub fn start(inputs: Box<dyn Inputs>, decoders: Decoders, clock: Clock, feed: Feed) -> std::io::Result<Self> {
        let ends = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&ends);
        let thread = std::thread::Builder::new().name("edges".to_owned()).spawn(move || {
            let mut reading = Reading { inputs, decoders, clock, feed, held: Vec::new() };
            reading.run(&told).err().unwrap_or_else(|| LineError::Failed { what: "reading edges".into(), why: "it was ended".into() })
        })?;
        Ok(Self { ends, thread: Some(thread) })
    }

    /// Why it has ended, once its feed has.
    pub fn why(&mut self) -> String {
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(error)) => error.to_string(),
            Some(Err(_)) => "its thread panicked".to_owned(),
            None => "it has ended".to_owned(),
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        // It looks every few milliseconds.
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            tracing::error!("the thread that read the edges had panicked");
        }
    }
}

struct Reading {
    inputs: Box<dyn Inputs>,
    decoders: Decoders,
    clock: Clock,
    feed: Feed,
    /// Edges that others may still come before.
    held: Vec<Edge>,
}

impl Reading {
    fn run(&mut self, ends: &AtomicBool) -> Result<(), LineError> {
        self.decoders.prime(&mut *self.inputs)?;
        while !ends.load(Ordering::Relaxed) {
            // Taken before the look: what is stamped until then, and not still on its way, is in the queues.
            let complete = self.clock.now() - ON_ITS_WAY;
            self.inputs.wait(duration(ROUND), &mut self.held)?;
            self.pass_on(complete);
        }
        Ok(())
    }

    /// Passes on what is not later than `complete`, in the order of time, and promises that this was all.
    fn pass_on(&mut self, complete: RigTime) {
        let at = |clock: &Clock, edge: &Edge| clock.from_monotonic(edge.at_ns);
        // Stable: edges of one line keep their order even if the clock that stamped them is coarse.
        self.held.sort_by_key(|edge| edge.at_ns);
        let ready = self.held.partition_point(|edge| at(&self.clock, edge) <= complete);
        let mut batches: Vec<Option<Batch>> = self.decoders.channels.iter().map(|_| None).collect();
        for edge in self.held.drain(..ready) {
            let (channel, role) = self.decoders.inputs[edge.input];
            let when = self.clock.from_monotonic(edge.at_ns);
            let first = self.decoders.channels[channel].next == 1;
            let Some(pulse) = self.decoders.channels[channel].edge(role, when, &edge) else { continue };
            if when < RigTime::ZERO {
                // From before the run: the lines were taken a little earlier.
                continue;
            }
            let name = &self.decoders.channels[channel].channel;
            if first && pulse.number > 1 {
                let why = "the first edges of the line".to_owned();
                let what = Lost::because(why).of(name.clone()).counted(pulse.number - 1);
                self.feed.input(Source::Sensors, when, None, Input::Lost { what });
            }
            add(&mut batches[channel], name, pulse, &mut self.feed);
        }
        for batch in batches.into_iter().flatten() {
            batch.pass(&mut self.feed);
        }
        self.feed.watermark(Source::Sensors, complete);
    }
}

/// Edges of one channel that lie together.
struct Batch {
    edges: Edges,
    last: RigTime,
}

impl Batch {
    fn pass(self, feed: &mut Feed) {
        feed.input(Source::Sensors, self.edges.first, None, Input::Edges(self.edges));
    }
}

/// Adds the pulse to the batch, or passes the batch on and begins another.
fn add(batch: &mut Option<Batch>, channel: &Name, pulse: Pulse, feed: &mut Feed) {
    let Pulse { at, sense, number } = pulse;
    match batch {
        Some(Batch { edges, last })
            if edges.sense == sense && edges.first_number + edges.count() == number && edges.count() < BATCH as u64 =>
        {
            edges.then.push((at - *last).0);
            *last = at;
        }
        other => {
            let new = Batch { edges: Edges::single(channel.clone(), sense, number, at), last: at };
            if let Some(whole) = other.replace(new) {
                whole.pass(feed);
            }
        }
    }
}
