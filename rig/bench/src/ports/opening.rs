//! How the ports of a bench are opened, in the order in which it stays safe.

use std::ffi::OsString;
use std::path::Path;

use rig_model::bench::{Bench, BenchKind};
use rig_model::input::{Actuation, Source};
use rig_model::time::Span;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_serial::SerialStream;

use super::{BEAT_EVERY, Ports};
use crate::child::{self, Host};
use crate::clock::{Clock, duration};
use crate::edges::{self, Reader};
use crate::error::BenchError;
use crate::feed::{Feed, Heard};
use crate::gpio;
use crate::lines::Channel;
use crate::link;
use crate::prompt::Operator;
use crate::scales::{self, Scales};
use crate::sensors::{self, OnBus, Pollers};
use crate::serial;

/// What ports are made of.
#[derive(Debug)]
pub(crate) struct Parts {
    // Dropped in this order: the end of the channel is what the process leaves for, and a supervisor must not be killed before it has left.
    pub lines: Channel,
    pub host: Option<Host>,
    pub port: SerialStream,
    pub plan: link::Plan,
    pub sensors: Option<Sensors>,
    pub scales: Option<Scales>,
}

/// Sensors that the rig reads itself.
#[derive(Debug)]
pub(crate) struct Sensors {
    pub from: mpsc::Receiver<Heard>,
    pub reader: Reader,
}

impl Ports {
    /// Starts the bench's own process (`command`) and opens link, lines, sensors and balance. Rig time begins when all of it is there.
    pub async fn open(bench: &Bench, command: &[OsString], operator: Option<Operator>) -> Result<Self, BenchError> {
        let parts = match bench.kind {
            BenchKind::Process => Self::simulated(bench, command).await?,
            BenchKind::Pi => Self::real(bench, command).await?,
            BenchKind::Sim => {
                let why = "it has a virtual clock, and this is real time".to_owned();
                return Err(BenchError::Unsupported { bench: bench.name.clone(), why });
            }
        };
        let (mut parts, instruments) = (parts, sensors::open(bench)?);
        let instruments = Self::at_rest(bench, &mut parts.lines, instruments).await?;
        let clock = Clock::start();
        let sensors = if bench.kind == BenchKind::Pi { Some(sensors(bench, instruments, clock)?) } else { None };
        let unreachable = |source| BenchError::LinesUnreachable { name: "of the last resort".to_owned(), source };
        Self::assemble(Parts { sensors, ..parts }, bench, operator, clock).map_err(unreachable)
    }

    /// Takes the zeros of thermal flow sensors, with the catheter shut where the bench can shut it. The pump has no power yet.
    async fn at_rest(bench: &Bench, lines: &mut Channel, mut instruments: Vec<OnBus>) -> Result<Vec<OnBus>, BenchError> {
        let thermal = sensors::thermal(bench);
        if thermal.is_empty() {
            return Ok(instruments);
        }
        let valve = bench.line("occluder");
        if let Some(valve) = valve {
            lines.carry_out(Actuation::Line { line: valve.name.clone(), active: true }).await?;
        }
        tokio::time::sleep(duration(sensors::REST)).await;
        let mut taking = tokio::task::spawn_blocking(move || sensors::take_zeros(&thermal, &mut instruments).map(|()| instruments));
        let instruments = loop {
            // From the first beat on a rig that stands still here lets the valve go.
            lines.beat_now().await?;
            if let Ok(taken) = timeout(duration(BEAT_EVERY), &mut taking).await {
                break taken.map_err(|panic| BenchError::Thread { source: std::io::Error::other(panic) })??;
            }
        };
        if let Some(valve) = valve {
            lines.carry_out(Actuation::Line { line: valve.name.clone(), active: valve.safe_active }).await?;
        }
        Ok(instruments)
    }

    /// A firmware process with simulated plumbing.
    async fn simulated(bench: &Bench, command: &[OsString]) -> Result<Parts, BenchError> {
        let (host, announced) = Host::start(command, child::ANNOUNCE_LIMIT).await?;
        let plan = match &bench.link.path {
            Some(path) => link::Plan { path: path.into(), baud: bench.link.baud, reopen_within: link::REOPEN_LIMIT },
            None => link::Plan { path: announced.link, baud: bench.link.baud, reopen_within: Span::ZERO },
        };
        let port = serial::open(&plan.path, plan.baud)?;
        let lines = Channel::connect(&announced.lines).await?;
        // It answers once the lines are listened to.
        let scales = Self::scales(bench, announced.balance.as_deref()).await?;
        Ok(Parts { host: Some(host), port, plan, lines, sensors: None, scales })
    }

    async fn scales(bench: &Bench, hosted: Option<&Path>) -> Result<Option<Scales>, BenchError> {
        match scales::Line::of(bench, hosted)? {
            Some(line) => line.open().await.map(Some),
            None => Ok(None),
        }
    }

    /// A board of its own; the outputs belong to a supervisor, and are safe before the port is opened.
    async fn real(bench: &Bench, command: &[OsString]) -> Result<Parts, BenchError> {
        let (supervisor, socket) = Host::start_on_socket(command)?;
        let lines = Channel::over(socket, "to the supervisor".to_owned(), &[Source::Bench]).await?;
        let path = bench.link.path.clone().unwrap_or_default().into();
        let plan = link::Plan { path, baud: bench.link.baud, reopen_within: link::REOPEN_LIMIT };
        let port = serial::open(&plan.path, plan.baud)?;
        let scales = Self::scales(bench, None).await?;
        Ok(Parts { host: Some(supervisor), port, plan, lines, sensors: None, scales })
    }
}

fn sensors(bench: &Bench, instruments: Vec<OnBus>, clock: Clock) -> Result<Sensors, BenchError> {
    let (specs, decoders) = edges::wiring(bench);
    let inputs = gpio::inputs(bench.backend, &specs).map_err(|source| BenchError::Inputs { source })?;
    let (feed, from) = Feed::new("the sensors", edges::CAPACITY);
    let thread = |source| BenchError::Thread { source };
    let pollers = Pollers::start(bench, instruments, clock).map_err(thread)?;
    let reader = Reader::start(inputs, decoders, pollers, clock, feed).map_err(thread)?;
    Ok(Sensors { from, reader })
}
