//! Hosting: open the ports, announce them, wait for the rig, serve it, leave.

use std::fs::File;
use std::future::Future;
use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use rig_model::bench::{Bench, Instrument};
use rig_model::time::RigTime;
use rig_sim::{Board, Unit};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio::signal::unix::{SignalKind, signal};

use crate::balance::{BalanceOptions, HostedBalance};
use crate::clock::BoardClock;
use crate::control::Control;
use crate::lines::{LinesPort, Listener};
use crate::port::{LinkPort, Port};

/// How long to wait for the rig after the announcement. A rig that started this process connects at once; beyond this it is gone.
const RIG_WITHIN: Duration = Duration::from_secs(60);

/// What to host and where.
#[derive(Debug, Clone)]
pub struct Options {
    pub link: LinkPort,
    pub lines: LinesPort,
    /// Must have simulated plumbing.
    pub bench: Bench,
    /// Of all noise.
    pub seed: u64,
    /// The pump, where it is not the sound one.
    pub unit: Option<Unit>,
    /// A balance that weighs what leaves the tip.
    pub balance: Option<BalanceOptions>,
}

/// What the rig must know to connect; one line of JSON on standard output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    /// Device path or `host:port` of the board's serial line.
    pub link: String,
    /// Socket path or `host:port` of the control channel.
    pub lines: String,
    /// Device path or `host:port` of the balance's serial line, where there is a balance.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub balance: Option<String>,
}

impl Announcement {
    /// One line of JSON, without its end.
    pub fn line(&self) -> String {
        serde_json::to_string(self).expect("strings are JSON")
    }
}

/// Why the host came to its end, all being well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The rig closed the control channel.
    RigGone,
    /// `stop` came true.
    Stopped,
}

#[derive(Debug, thiserror::Error)]
pub enum HostError {
    #[error("host a board for bench `{bench}`: it has no simulated plumbing")]
    NoPlant { bench: String },
    #[error("open the serial line {port:?}")]
    Link { port: LinkPort, source: io::Error },
    #[error("open the control channel {port:?}")]
    Lines { port: LinesPort, source: io::Error },
    #[error("wait for the rig: nobody connected to the control channel within {} s", RIG_WITHIN.as_secs())]
    NobodyCame,
    #[error("open the serial line {port:?} of the balance")]
    Balance { port: LinkPort, source: io::Error },
    #[error("serve the serial line of the balance")]
    BalanceFailed { source: io::Error },
    #[error("serve the serial line")]
    LinkFailed { source: io::Error },
    #[error("serve the control channel")]
    LinesFailed { source: io::Error },
    #[error("put an input into a line for the rig")]
    Wire { source: rig_plant::wire::WireError },
}

/// Hosts a board until the rig closes the control channel or `stop` comes true. `ready` is told where to connect, once.
///
/// # Errors
/// When a port can't be opened or fails, or nobody connects within a minute.
pub async fn run(options: Options, ready: impl FnOnce(&Announcement), stop: impl Future<Output = ()>) -> Result<Ended, HostError> {
    if options.bench.plant.is_none() {
        return Err(HostError::NoPlant { bench: options.bench.name });
    }
    let link_error = |source| HostError::Link { port: options.link.clone(), source };
    let lines_error = |source| HostError::Lines { port: options.lines.clone(), source };
    let port = Port::open(&options.link).await.map_err(link_error)?;
    let listener = Listener::open(&options.lines).await.map_err(lines_error)?;
    let weighed = match options.balance {
        Some(balance) => Some(open_balance(balance, options.seed).await?),
        None => None,
    };
    let (weighed, balance) = weighed.unzip();
    ready(&Announcement { link: port.address().map_err(link_error)?, lines: listener.address().map_err(lines_error)?, balance });
    tokio::pin!(stop);
    let (reading, writing) = tokio::select! {
        accepted = tokio::time::timeout(RIG_WITHIN, listener.accept()) => accepted.map_err(|_| HostError::NobodyCame)?.map_err(lines_error)?,
        () = &mut stop => return Ok(Ended::Stopped),
    };
    let clock = BoardClock::start();
    // A balance is on its own line or nowhere: the lines channel has none of its readings.
    let mut plumbing = options.bench.clone();
    plumbing.channels.retain(|channel| !matches!(channel.instrument, Instrument::Balance(_)));
    let board = Board::new(&plumbing, options.seed, options.unit.as_ref(), RigTime::ZERO);
    tracing::info!(bench = options.bench.name, sound = options.unit.is_none(), "the rig has connected");
    Control::new(&options.bench, board, clock, port, weighed, reading, writing).serve(stop).await
}

/// A balance on its line, and where that is.
async fn open_balance(options: BalanceOptions, seed: u64) -> Result<(HostedBalance, String), HostError> {
    let error = |source| HostError::Balance { port: options.port.clone(), source };
    let port = Port::open(&options.port).await.map_err(error)?;
    let address = port.address().map_err(error)?;
    Ok((HostedBalance::new(options, port, seed), address))
}

/// Comes true when this process is asked to end: SIGTERM, SIGINT or SIGHUP, or the end of its standard input where that is
/// a pipe, as it is for a rig that holds the other end.
///
/// # Errors
/// When the signal handlers can't be installed.
pub fn terminated() -> io::Result<impl Future<Output = ()>> {
    let mut term = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    // Not a pipe: a terminal or nothing, which says nothing about a rig.
    let input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let input = Receiver::from_file(input).ok();
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = interrupt.recv() => {}
            _ = hang_up.recv() => {}
            () = closed(input) => {}
        }
    })
}

async fn closed(input: Option<Receiver>) {
    let Some(mut input) = input else { return std::future::pending().await };
    let mut unheeded = [0; 64];
    while matches!(input.read(&mut unheeded).await, Ok(n) if n > 0) {}
}
