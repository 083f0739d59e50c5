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
use crate::sensors::{Pollers, Said};

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

    /// How many edges of this line are missing before this one.
    fn missing(&mut self, role: Role, edge: &Edge) -> u32 {
        let last = std::mem::replace(&mut self.seen[role as usize], edge.number);
        edge.number.wrapping_sub(last).wrapping_sub(1)
    }

    fn edge(&mut self, role: Role, at: RigTime, edge: &Edge) -> Option<Pulse> {
        let missing = self.missing(role, edge);
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
    pub fn start(inputs: Box<dyn Inputs>, decoders: Decoders, pollers: Pollers, clock: Clock, feed: Feed) -> std::io::Result<Self> {
        let ends = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&ends);
        let thread = std::thread::Builder::new().name("edges".to_owned()).spawn(move || {
            let mut reading = Reading { inputs, decoders, pollers, clock, feed, held: Vec::new(), said: Vec::new() };
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
    pollers: Pollers,
    clock: Clock,
    feed: Feed,
    /// Edges that others may still come before.
    held: Vec<Edge>,
    /// The same of instruments on buses.
    said: Vec<Said>,
}

impl Reading {
    fn run(&mut self, ends: &AtomicBool) -> Result<(), LineError> {
        self.decoders.prime(&mut *self.inputs)?;
        while !ends.load(Ordering::Relaxed) {
            // Taken before the look: what is stamped until then, and not still on its way, is in the queues.
            let now = self.clock.now();
            let complete = (now - ON_ITS_WAY).min(self.pollers.complete(now));
            self.inputs.wait(duration(ROUND), &mut self.held)?;
            self.said.extend(self.pollers.take());
            self.pass_on(complete);
            if let Some(gone) = self.pollers.gone.take() {
                return Err(LineError::Failed { what: "an instrument".to_owned(), why: gone });
            }
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
        self.said.sort_by_key(|said| said.at);
        let ready = self.said.partition_point(|said| said.at <= complete);
        for Said { at, input } in self.said.drain(..ready) {
            self.feed.input(Source::Sensors, at, None, input);
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

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};
    use std::time::Duration;

    use super::*;
    use crate::feed::Heard;

    const PATIENCE: Duration = Duration::from_secs(60);

    fn decoder(kind: Kind) -> Decoder {
        Decoder::new("flow.tip".into(), kind)
    }

    /// Edges as (role, number, rising) to pulses as (sense, number).
    fn decoded(kind: Kind, edges: &[(Role, u32, bool)]) -> Vec<(Sense, u64)> {
        let mut decoder = decoder(kind);
        let edge = |number, rising| Edge { input: 0, at_ns: 0, number, rising };
        let pulses = edges.iter().filter_map(|(role, number, rising)| decoder.edge(*role, RigTime::ZERO, &edge(*number, *rising)));
        pulses.map(|pulse| (pulse.sense, pulse.number)).collect()
    }

    #[test]
    fn numbers_have_a_gap_where_the_line_had_one() {
        use Role::Pulses;
        let pulses = decoded(Kind::Pulses, &[(Pulses, 1, true), (Pulses, 2, true), (Pulses, 6, true)]);
        assert_eq!(pulses, [(Sense::Forward, 1), (Sense::Forward, 2), (Sense::Forward, 6)]);
        let wrapped = decoded(Kind::Pulses, &[(Pulses, u32::MAX, true), (Pulses, 0, true), (Pulses, 1, true)]);
        assert_eq!(wrapped.iter().map(|p| p.1).collect::<Vec<_>>(), [4_294_967_295, 4_294_967_296, 4_294_967_297]);
        let tone = decoded(Kind::Tone, &[(Pulses, 1, true), (Pulses, 2, false), (Pulses, 4, false)]);
        assert_eq!(tone, [(Sense::On, 1), (Sense::Off, 2), (Sense::Off, 4)]);
    }

    #[test]
    fn the_level_beside_tells_the_direction() {
        use Role::{Beside, Pulses};
        let pulses =
            decoded(Kind::Level, &[(Pulses, 1, true), (Beside, 1, true), (Pulses, 2, true), (Beside, 2, false), (Pulses, 3, true)]);
        assert_eq!(pulses, [(Sense::Forward, 1), (Sense::Reverse, 2), (Sense::Forward, 3)]);
        let turn_lost = decoded(Kind::Level, &[(Pulses, 1, true), (Beside, 2, true), (Pulses, 2, true)]);
        assert_eq!(turn_lost[1].1, 3, "a lost edge of the level is as bad as a lost pulse");
    }

    #[test]
    fn quadrature_counts_forward_and_back_and_a_tremble_as_nothing() {
        use Role::{Beside, Pulses};
        let period_forward =
            |n: u32| [(Pulses, 2 * n + 1, true), (Beside, 2 * n + 1, true), (Pulses, 2 * n + 2, false), (Beside, 2 * n + 2, false)];
        let forward = decoded(Kind::Quadrature, &[period_forward(0), period_forward(1)].concat());
        assert_eq!(forward, [(Sense::Forward, 1), (Sense::Forward, 2)]);
        let back = [(Beside, 1, true), (Pulses, 1, true), (Beside, 2, false), (Pulses, 2, false)];
        assert_eq!(decoded(Kind::Quadrature, &back), [(Sense::Reverse, 1)]);
        let tremble: Vec<_> = (0..6).map(|n| (Pulses, n + 1, n % 2 == 0)).collect();
        let net: i64 = decoded(Kind::Quadrature, &tremble).iter().map(|p| if p.0 == Sense::Forward { 1 } else { -1 }).sum();
        assert_eq!(net, 0);
    }

    /// Lines whose edges the test makes.
    struct Made {
        edges: Receiver<Vec<Edge>>,
    }

    impl Inputs for Made {
        fn wait(&mut self, timeout: Duration, edges: &mut Vec<Edge>) -> Result<(), LineError> {
            use std::sync::mpsc::RecvTimeoutError::{Disconnected, Timeout};
            match self.edges.recv_timeout(timeout) {
                Ok(made) => edges.extend(made.into_iter().chain(self.edges.try_iter().flatten())),
                Err(Timeout) => {}
                Err(Disconnected) => return Err(LineError::Failed { what: "flow.tip".into(), why: "its GPIO chip is gone".into() }),
            }
            Ok(())
        }

        fn is_active(&mut self, _: usize) -> Result<bool, LineError> {
            Ok(false)
        }
    }

    fn reader() -> (std::sync::mpsc::Sender<Vec<Edge>>, tokio::sync::mpsc::Receiver<Heard>, Reader, Clock) {
        let decoders = Decoders {
            channels: vec![Decoder::new("one".into(), Kind::Pulses), Decoder::new("two".into(), Kind::Pulses)],
            inputs: vec![(0, Role::Pulses), (1, Role::Pulses)],
        };
        let (make, edges) = channel();
        let clock = Clock::start();
        let (feed, heard) = Feed::new("the sensors", CAPACITY);
        (make, heard, Reader::start(Box::new(Made { edges }), decoders, Pollers::none(), clock, feed).unwrap(), clock)
    }

    /// All inputs until this many edges have come, and whether any came after a watermark that had passed it.
    fn edges_of(heard: &mut tokio::sync::mpsc::Receiver<Heard>, wanted: u64) -> (Vec<Edges>, bool) {
        let (mut all, mut count, mut promised, mut kept) = (Vec::new(), 0, RigTime(i64::MIN), true);
        let until = std::time::Instant::now() + PATIENCE;
        while count < wanted && std::time::Instant::now() < until {
            match heard.try_recv() {
                Ok(Heard::Watermark { at, .. }) => promised = promised.max(at),
                Ok(Heard::Input { at, input: Input::Edges(edges), .. }) => {
                    kept &= at > promised;
                    count += edges.count();
                    all.push(edges);
                }
                Ok(other) => panic!("{other:?}"),
                Err(_) => std::thread::sleep(Duration::from_millis(1)),
            }
        }
        (all, kept)
    }

    #[test]
    fn lines_are_put_into_one_order_of_time_and_promises_are_kept() {
        let (make, mut heard, reader, clock) = reader();
        // A little ahead, so that both batches are there before either is due, however busy the machine is.
        let now = clock.epoch_ns() + clock.now().0 + 500_000_000;
        let edge = |input, at_ns, number| Edge { input, at_ns, number, rising: true };
        make.send(vec![edge(1, now + 30, 1), edge(1, now + 40, 2)]).unwrap();
        make.send(vec![edge(0, now + 10, 1), edge(0, now + 35, 2)]).unwrap();
        let (all, kept) = edges_of(&mut heard, 4);
        assert!(kept, "{all:?}");
        let count = |channel: &str| all.iter().filter(|e| &*e.channel == channel).map(Edges::count).sum::<u64>();
        assert_eq!((count("one"), count("two")), (2, 2));
        drop(reader);
    }

    #[test]
    fn a_hundred_thousand_edges_a_second_are_all_passed_on() {
        let (make, mut heard, _reader, clock) = reader();
        // Five seconds' worth, as the kernel would give them: some in each look.
        let began = clock.epoch_ns() + clock.now().0;
        let feeding = std::thread::spawn(move || {
            for look in 0..1_000u32 {
                let edges = (0..500).map(|n| {
                    let number = look * 500 + n + 1;
                    Edge { input: 0, at_ns: began + i64::from(number) * 10, number, rising: true }
                });
                make.send(edges.collect()).unwrap();
            }
            make
        });
        let (all, _) = edges_of(&mut heard, 500_000);
        assert_eq!(all.iter().map(Edges::count).sum::<u64>(), 500_000);
        let mut next = 1;
        for edges in &all {
            assert_eq!(edges.first_number, next);
            next += edges.count();
        }
        drop(feeding.join().unwrap());
    }

    #[test]
    fn lines_that_fail_end_the_thread_with_the_reason() {
        let (make, mut heard, mut reader, _) = reader();
        drop(make);
        while heard.blocking_recv().is_some() {}
        assert!(reader.why().contains("its GPIO chip is gone"));
    }
}
