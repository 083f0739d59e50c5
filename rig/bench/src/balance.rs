//! A balance on a serial line, in real time: opens the port, drives the conversation, and tells what comes of it.

use std::path::{Path, PathBuf};

use rig_model::Name;
use rig_model::bench::Channel;
use rig_model::input::{Input, Lost, Real};
use rig_model::time::{RigTime, Span};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
pub use tokio_serial::Parity;
use tokio_serial::SerialStream;

use crate::clock::Clock;
use crate::error::BenchError;
use crate::instrument::mt_sics::{Answer, Client, Failure, Order, Output, Refused, Settings, Weighed};
use crate::serial::{self, PortOf};

/// More than the replies of a second.
const READ_BYTES: usize = 1_024;
/// As often as the other sources look: it delays no judgement by more than that.
const LOOK_EVERY: Span = Span::milliseconds(10);
/// What came while the port was not looked at for this long is asked for again: nobody knows when it was true.
const STALL_LIMIT: Span = Span::milliseconds(200);
/// Bytes of the longest weight with its end: ID, status, ten characters, a unit of five, spaces, CR LF.
const LONGEST_WEIGHT: i64 = 22;

/// What a balance tells.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// It is there, and is the one that was asked for. The first thing that is told.
    Ready {
        serial: String,
    },
    Reading {
        at: RigTime,
        weighed: Weighed,
    },
    /// Readings that did not come for so long that more than they may be lost, or that can't be believed.
    Lost {
        at: RigTime,
        why: String,
    },
    Answered {
        order: Order,
        answer: Answer,
    },
}

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BalanceError {
    #[error("the balance on {path} is given up")]
    GivenUp {
        path: PathBuf,
        #[source]
        source: Failure,
    },
    #[error("serial port {path} of the balance is gone ({why}): look at its cable and its power")]
    Gone { path: PathBuf, why: String },
}

/// The open line to a balance. Must be used within a tokio runtime.
#[derive(Debug)]
pub struct Balance {
    port: SerialStream,
    path: PathBuf,
    clock: Clock,
    client: Client,
    /// What is still to be sent.
    unsent: Vec<u8>,
    /// When the port was last looked at.
    looked: RigTime,
    /// How long before a line is complete its weight was true, at the most.
    lag: Span,
}

impl Balance {
    /// Opens the port for this program alone. Nothing is sent before [`Balance::next`].
    ///
    /// # Errors
    /// The port is not there, in use, or can't be set as asked.
    pub fn open(path: &Path, parity: Parity, settings: Settings, clock: Clock) -> Result<Self, BenchError> {
        let port = serial::open_with_parity(path, settings.baud, parity, PortOf::Balance)?;
        Ok(Self::over(port, path, settings, clock))
    }

    pub(crate) fn over(port: SerialStream, path: &Path, settings: Settings, clock: Clock) -> Self {
        let lag = Span(LONGEST_WEIGHT * i64::from(settings.bits_per_byte) * 1_000_000_000 / i64::from(settings.baud.max(1)));
        let now = clock.now();
        Self { port, path: path.to_owned(), clock, client: Client::new(settings, now), unsent: Vec::new(), looked: now, lag }
    }

    /// The same port with the conversation begun anew, on another clock.
    pub(crate) fn anew(self, settings: Settings, clock: Clock) -> Self {
        Self::over(self.port, &self.path, settings, clock)
    }

    /// What it tells next. Cancel safe.
    ///
    /// # Errors
    /// The port failed, another balance answered, or too many readings were lost one after another. Then it is over.
    pub async fn next(&mut self) -> Result<Told, BalanceError> {
        loop {
            if let Some(told) = self.look().await? {
                return Ok(told);
            }
        }
    }

    /// What it tells, or nothing after one look at the port, which takes some milliseconds. Cancel safe.
    pub(crate) async fn look(&mut self) -> Result<Option<Told>, BalanceError> {
        if let Some(told) = self.take()? {
            return Ok(Some(told));
        }
        let mut buffer = [0; READ_BYTES];
        let sending = !self.unsent.is_empty();
        let wake = self.client.due().min(self.looked.saturating_add(LOOK_EVERY));
        let (mut from, mut to) = tokio::io::split(&mut self.port);
        let (received, sent) = tokio::select! {
            biased;
            n = from.read(&mut buffer) => (n.map(Some), Ok(0)),
            n = to.write(&self.unsent), if sending => (Ok(None), n),
            () = tokio::time::sleep(self.clock.until(wake)) => (Ok(None), Ok(0)),
        };
        let gone = |why: String| BalanceError::Gone { path: self.path.clone(), why };
        self.unsent.drain(..sent.map_err(|error| gone(format!("writing failed: {error}")))?);
        let now = self.clock.now();
        let stalled = now - std::mem::replace(&mut self.looked, now);
        match received.map_err(|error| gone(format!("reading failed: {error}")))? {
            Some(0) => return Err(gone("hung up".to_owned())),
            Some(n) if stalled > STALL_LIMIT => {
                tracing::warn!("the rig did not look at the balance for {stalled}");
                self.client.received_late(now, &buffer[..n]);
            }
            Some(n) => self.client.received(now, &buffer[..n]),
            None => {}
        }
        self.take()
    }

    /// To be done as soon as nothing else is waited for; its answer is told. Zero and tare shift all readings after it.
    ///
    /// # Errors
    /// It can't be taken now.
    pub fn order(&mut self, order: Order) -> Result<(), Refused> {
        self.client.order(order, self.clock.now())
    }

    /// Nothing older than this will be told any more.
    pub fn complete(&self) -> RigTime {
        self.looked - self.lag - Span::nanoseconds(1)
    }

    #[cfg(test)]
    pub(crate) fn as_if_not_looked_for(&mut self, span: Span) {
        self.looked = self.looked - span;
    }

    fn take(&mut self) -> Result<Option<Told>, BalanceError> {
        while let Some(output) = self.client.poll(self.clock.now()) {
            return Ok(Some(match output {
                Output::Transmit(bytes) => {
                    self.unsent.extend(bytes);
                    continue;
                }
                Output::Ready { serial } => Told::Ready { serial },
                Output::Reading { at, weighed } => Told::Reading { at, weighed },
                Output::Lost { at, why } => Told::Lost { at, why },
                Output::Answered { order, answer } => Told::Answered { order, answer },
                Output::Failed(source) => return Err(BalanceError::GivenUp { path: self.path.clone(), source }),
            }));
        }
        Ok(None)
    }
}

impl Told {
    /// As a fact of its channel, in mg, with the time at which it happened. A reading that the balance itself does not call stable goes by
    /// another name; overload and underload are no number. An answer is no fact of the channel.
    pub fn fact(self, channel: &Channel) -> Option<(RigTime, Input)> {
        let reading = |channel: Name, mg| Input::Reading { channel, value: Real(mg) };
        let name = channel.name.clone();
        match self {
            Self::Reading { at, weighed: Weighed::Mass { mg, stable: true } } => Some((at, reading(name, mg))),
            Self::Reading { at, weighed: Weighed::Mass { mg, stable: false } } => Some((at, reading(channel.unstable(), mg))),
            Self::Reading { at, weighed: _ } => Some((at, reading(name, f64::NAN))),
            Self::Lost { at, why } => Some((at, Input::Lost { what: Lost::because(why).of(name) })),
            Self::Ready { .. } | Self::Answered { .. } => None,
        }
    }
}
