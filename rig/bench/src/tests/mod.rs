//! The ports against a pty whose other end is held here, and a lines channel that is served here.
//!
//! Nothing sleeps in order to pass: what is waited for is a fact, and [`PATIENCE`] only ends a test that fails.

mod balance;
mod deeds;
mod host;
mod leave;
mod lines;
mod link;
mod play;
mod scales;

use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::time::Duration;

use rig_model::bench::{Bench, BenchKind, DutExpected, Line, Link, SafeDown};
use rig_model::input::{Actuation, Input, Source};
use rig_model::quantity::Volume;
use rig_model::time::{RigTime, Span};
use rig_plant::wire::{Down, Up, VERSION};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;
use tokio_serial::{SerialPort as _, SerialStream};

use crate::child::Host;
use crate::clock::Clock;
use crate::feed::Heard;
use crate::lines::Channel;
use crate::link::Plan;
use crate::ports::{Parts, Ports};
use crate::scales::Scales;
use crate::serial;

const PATIENCE: Duration = Duration::from_secs(60);

struct Bed {
    dir: TempDir,
    clock: Clock,
    /// The board's end of its serial line.
    board: Option<SerialStream>,
    /// The board's end of its lines channel.
    server: Server,
    ports: Ports,
}

/// What a bed differs in.
struct Setup {
    reopen_within: Span,
    clock: Clock,
    host: Option<Host>,
    scales: Option<Scales>,
    bench: Bench,
}

impl Default for Setup {
    fn default() -> Self {
        Self { reopen_within: Span::ZERO, clock: Clock::start(), host: None, scales: None, bench: bench() }
    }
}

impl Bed {
    async fn new(setup: Setup) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let board = plug_in(&dir);
        let plan = Plan { path: device(&dir), baud: 115_200, reopen_within: setup.reopen_within };
        let port = serial::open(&plan.path, plan.baud).unwrap();
        let (lines, server) = channel(&dir).await;
        let parts = Parts { host: setup.host, port, plan, lines, sensors: None, scales: setup.scales };
        let ports = Ports::assemble(parts, &setup.bench, None, setup.clock).unwrap();
        Self { dir, clock: setup.clock, board: Some(board), server, ports }
    }

    fn unplug(&mut self) {
        self.board = None;
        std::fs::remove_file(device(&self.dir)).unwrap();
    }

    fn board(&mut self) -> &mut SerialStream {
        self.board.as_mut().unwrap()
    }

    /// Takes what the ports have to say until it is what is waited for; all of it, in its order.
    async fn hear(&mut self, wanted: impl Fn(&[Heard]) -> bool) -> Vec<Heard> {
        hear(&mut self.ports, wanted).await
    }

    /// The first input of its kind.
    async fn hear_input(&mut self, wanted: impl Fn(&Input) -> bool) -> Input {
        let all = self.hear(|heard| inputs(heard).any(&wanted)).await;
        inputs(&all).find(|i| wanted(i)).unwrap().clone()
    }
}

async fn hear(ports: &mut Ports, wanted: impl Fn(&[Heard]) -> bool) -> Vec<Heard> {
    let mut heard = Vec::new();
    let hearing = async {
        loop {
            ports.take(&mut heard);
            if wanted(&heard) {
                return;
            }
            ports.wait(ports.clock().now() + Span::milliseconds(10)).await;
        }
    };
    let late = timeout(PATIENCE, hearing).await.is_err();
    assert!(!late, "it did not come; what came was {:?}", inputs(&heard).collect::<Vec<_>>());
    heard
}

fn inputs(heard: &[Heard]) -> impl Iterator<Item = &Input> {
    heard.iter().filter_map(|h| if let Heard::Input { input, .. } = h { Some(input) } else { None })
}

fn bytes(heard: &[Heard]) -> Vec<u8> {
    inputs(heard).filter_map(|i| if let Input::Rx(bytes) = i { Some(bytes.0.as_slice()) } else { None }).flatten().copied().collect()
}

/// The latest promise for a source.
fn watermark(heard: &[Heard], of: Source) -> Option<RigTime> {
    heard.iter().filter_map(|h| if let Heard::Watermark { source, at } = h { (*source == of).then_some(*at) } else { None }).max()
}

/// Whether a promise for this source is broken later on.
fn is_in_order(heard: &[Heard], of: Source) -> bool {
    let mut promised = RigTime(i64::MIN);
    heard.iter().all(|h| match h {
        Heard::Watermark { source, at } if *source == of => {
            promised = promised.max(*at);
            true
        }
        Heard::Input { source, at, .. } if *source == of => *at > promised,
        _ => true,
    })
}

fn lost(why: &str) -> impl Fn(&Input) -> bool + '_ {
    move |input| matches!(input, Input::Lost { what } if what.why.contains(why))
}

struct Server {
    from: tokio::io::Lines<BufReader<OwnedReadHalf>>,
    to: OwnedWriteHalf,
}

impl Server {
    async fn say(&mut self, up: &Up) {
        self.say_raw(up.encode().unwrap().as_bytes()).await;
    }

    async fn say_raw(&mut self, line: &[u8]) {
        let whole = [line, b"\n"].concat();
        match self.to.write_all(&whole).await {
            // A run that has ended hears no more; the next order tells so.
            Err(gone) if gone.kind() == std::io::ErrorKind::BrokenPipe => {}
            sent => sent.unwrap(),
        }
    }

    /// The same, as far as anybody still listens.
    async fn say_if_heard(&mut self, up: &Up) {
        let line = up.encode().unwrap() + "\n";
        let _ = self.to.write_all(line.as_bytes()).await;
    }

    /// The next order; `None` at the end of the channel.
    async fn order(&mut self) -> Option<(u64, Actuation)> {
        loop {
            let line = timeout(PATIENCE, self.from.next_line()).await.expect("an order in time").unwrap()?;
            if let Down::Actuate { id, what } = Down::decode(&line).unwrap() {
                return Some((id, what));
            }
        }
    }
}

/// A device that is named as a USB adapter is: by a link that goes and comes with it.
fn plug_in(dir: &TempDir) -> SerialStream {
    let (board, port) = SerialStream::pair().unwrap();
    symlink(port.name().unwrap(), device(dir)).unwrap();
    board
}

fn device(dir: &TempDir) -> PathBuf {
    dir.path().join("ttyPUMP")
}

fn socket(dir: &TempDir) -> PathBuf {
    dir.path().join("lines.sock")
}

fn hello() -> Up {
    Up::Hello { version: VERSION, model: "REF-1".to_owned(), serial: "SIM-1".to_owned(), at_ns: 0 }
}

async fn channel(dir: &TempDir) -> (Channel, Server) {
    let listener = UnixListener::bind(socket(dir)).unwrap();
    let path = socket(dir);
    let (channel, server) = tokio::join!(Channel::connect(&path), serve_hello(listener, hello()));
    (channel.unwrap(), server)
}

async fn serve_hello(listener: UnixListener, hello: Up) -> Server {
    let (stream, _): (UnixStream, _) = listener.accept().await.unwrap();
    let (from, to) = stream.into_split();
    let mut server = Server { from: BufReader::new(from).lines(), to };
    // Not `Up::encode`: some are of another version.
    server.say_raw(serde_json::to_string(&hello).unwrap().as_bytes()).await;
    server
}

pub(crate) fn bench() -> Bench {
    let line = |name: &str, safe_active| Line { name: name.into(), safe_active, gpio: None, does: None };
    Bench {
        name: "process".to_owned(),
        kind: BenchKind::Process,
        backend: Default::default(),
        supervision: Default::default(),
        link: Link {
            protocol: "pump-link".to_owned(),
            path: None,
            baud: 115_200,
            reply_timeout: Span::milliseconds(200),
            transmissions: 3,
            poll_every: Span::seconds(1),
        },
        dut: DutExpected {
            model: "REF-1".to_owned(),
            serial: None,
            serials: Vec::new(),
            stroke: None,
            own: Default::default(),
            firmware: None,
        },
        lines: vec![line("power", false), line("occluder", false), line("vent", true)],
        channels: Vec::new(),
        safe_down: SafeDown { dwell: Span::seconds(10), at_most: Volume(1.0) },
        rule: None,
        clock_ppm: 0.0,
        plant: None,
    }
}

fn set(line: &str, active: bool) -> Actuation {
    Actuation::Line { line: line.into(), active }
}

/// The safe levels of [`bench`], in its order.
fn safe_levels() -> Vec<Actuation> {
    vec![set("power", false), set("occluder", false), set("vent", true)]
}
