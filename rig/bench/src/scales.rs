//! The balance of a bench as a task: its readings and losses become facts of its channel beside those of the other sensors.

use std::path::{Path, PathBuf};

use rig_model::bench::{Bench, Channel, Instrument, Parity, SerialInstrument, Wiring};
use rig_model::input::Source;
use rig_model::time::{RigTime, Span};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::balance::{self, Balance, BalanceError, Told};
use crate::clock::{Clock, duration};
use crate::error::BenchError;
use crate::feed::{Feed, Heard};
use crate::instrument::mt_sics::{Mode, Settings, Weighed};

/// What waits for the loop: at ten readings a second, each with its promise, more than a minute.
const CAPACITY: usize = 8_192;
/// A balance that sends by itself does so some times a second, and this often at the least.
const LONGEST_PAUSE: Span = Span::seconds(2);
/// Bits on the wire for one byte: start, eight, stop.
const BITS: u32 = 10;
/// For the first reading, after which the balance is given up by itself.
const FIRST_READING: Span = Span::seconds(30);

/// The line to a balance, as the bench file describes it.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    channel: Channel,
    path: PathBuf,
    parity: balance::Parity,
    settings: Settings,
}

/// A balance that is open and has said that it is the right one.
#[derive(Debug)]
pub(crate) struct Scales {
    line: Line,
    balance: Balance,
}

/// What the loop hears of a balance, and its end.
#[derive(Debug)]
pub(crate) struct Weighing {
    pub channel: Channel,
    pub from: mpsc::Receiver<Heard>,
    end: JoinSet<String>,
}

impl Line {
    /// The balance of the bench, if it has one on a serial line. `hosted` is where the bench's own process offers it.
    pub fn of(bench: &Bench, hosted: Option<&Path>) -> Result<Option<Self>, BenchError> {
        let found = bench.channels.iter().find_map(|c| match (&c.instrument, &c.wiring) {
            (Instrument::Balance(stated), Some(Wiring::Serial(serial))) => Some((c, stated.read_every, serial)),
            _ => None,
        });
        let Some((channel, every, serial)) = found else { return Ok(None) };
        let path = serial.path.as_ref().map(PathBuf::from).or_else(|| hosted.map(Path::to_owned));
        let path = path.ok_or_else(|| BenchError::NoBalanceHosted { bench: bench.name.clone() })?;
        let settings = settings(serial, every);
        let parity = match serial.parity {
            Parity::None => balance::Parity::None,
            Parity::Even => balance::Parity::Even,
            Parity::Odd => balance::Parity::Odd,
        };
        Ok(Some(Self { channel: channel.clone(), path, parity, settings }))
    }

    /// The same line at another path.
    pub fn on(self, path: &Path) -> Self {
        Self { path: path.to_owned(), ..self }
    }

    /// Opens the port and waits until the balance has said who it is.
    pub async fn open(self) -> Result<Scales, BenchError> {
        let mut balance = Balance::open(&self.path, self.parity, self.settings.clone(), Clock::start())?;
        let told = balance.next().await.map_err(|source| self.failed(source))?;
        if let Told::Ready { serial } = told {
            tracing::info!("balance {serial} is on {}", self.path.display());
        }
        Ok(Scales { line: self, balance })
    }

    fn failed(&self, source: BalanceError) -> BenchError {
        BenchError::Balance { channel: self.channel.name.to_string(), source }
    }

    /// What the balance is and shows: its serial number and its first reading.
    pub async fn look(self) -> Result<(String, Weighed), BenchError> {
        let mut balance = Balance::open(&self.path, self.parity, self.settings.clone(), Clock::start())?;
        let mut name = String::new();
        let first = async {
            loop {
                match balance.next().await {
                    Ok(Told::Ready { serial }) => name = serial,
                    Ok(Told::Reading { weighed, .. }) => return Ok(weighed),
                    // Too many of them end it.
                    Ok(Told::Lost { .. } | Told::Answered { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
        };
        // Only one that is busy with itself all the time says so for ever.
        let first = timeout(duration(FIRST_READING), first).await.unwrap_or(Ok(Weighed::NotNow));
        first.map_err(|source| self.failed(source)).map(|weighed| (name, weighed))
    }
}

fn settings(serial: &SerialInstrument, every: Span) -> Settings {
    Settings {
        serial: serial.serial.clone(),
        mode: if serial.repeats { Mode::Repeat { silence: LONGEST_PAUSE } } else { Mode::Poll { every } },
        baud: serial.baud,
        bits_per_byte: BITS + u32::from(serial.parity != Parity::None),
        ..Settings::new()
    }
}

impl Scales {
    #[cfg(test)]
    pub fn over(bench: &Bench, port: tokio_serial::SerialStream) -> Self {
        let path = Path::new("/dev/ttyBALANCE");
        let line = Line::of(bench, Some(path)).expect("it has a path").expect("the bench has a balance");
        let balance = Balance::over(port, path, line.settings.clone(), Clock::start());
        Self { line, balance }
    }

    /// Reads it from now on, by this clock.
    pub fn start(self, clock: Clock) -> Weighing {
        let Self { line: Line { channel, settings, .. }, balance } = self;
        let (feed, from) = Feed::new("the balance", CAPACITY);
        let mut end = JoinSet::new();
        end.spawn(serve(balance.anew(settings, clock), channel.clone(), feed));
        Weighing { channel, from, end }
    }
}

impl Weighing {
    /// Why it has ended, once its feed has.
    pub async fn why(&mut self) -> String {
        match self.end.join_next().await {
            Some(Ok(why)) => why,
            Some(Err(panic)) => panic.to_string(),
            None => "its task has ended".to_owned(),
        }
    }
}

/// Until the balance is gone: why.
async fn serve(mut balance: Balance, channel: Channel, mut feed: Feed) -> String {
    loop {
        match balance.look().await {
            Ok(Some(told)) => {
                if let Told::Lost { why, .. } = &told {
                    tracing::warn!("{}: {why}", channel.name);
                }
                // A weight that was on the wire when rig time began is of no run.
                if let Some((at, input)) = told.fact(&channel).filter(|(at, _)| *at >= RigTime::ZERO) {
                    feed.input(Source::Sensors, at, None, input);
                }
            }
            Ok(None) => {}
            Err(error) => return with_cause(&error),
        }
        feed.watermark(Source::Sensors, balance.complete());
    }
}

fn with_cause(error: &BalanceError) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{error}{cause}")
}

/// What all sensors together have promised, where a balance speaks for itself beside the rest of them.
#[derive(Debug)]
pub(crate) struct Promises {
    others: RigTime,
    /// Absent where there is no balance, or none any more.
    balance: Option<RigTime>,
}

/// Which of the two promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whence {
    Balance,
    Others,
}

/// Before anything was promised.
const NOTHING: RigTime = RigTime(-1);

impl Promises {
    pub fn new(with_balance: bool) -> Self {
        Self { others: NOTHING, balance: with_balance.then_some(NOTHING) }
    }

    /// What holds for both once one of them has promised this.
    pub fn made(&mut self, whence: Whence, at: RigTime) -> RigTime {
        match (whence, &mut self.balance) {
            (Whence::Balance, Some(balance)) => *balance = at.max(*balance),
            (Whence::Balance, None) => {}
            (Whence::Others, _) => self.others = at.max(self.others),
        }
        self.balance.map_or(self.others, |balance| balance.min(self.others))
    }

    /// Nobody waits for the balance any more.
    pub fn without_balance(&mut self) {
        self.balance = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_sensors_have_promised_what_the_slower_of_two_has() {
        let mut promises = Promises::new(true);
        assert_eq!(promises.made(Whence::Others, RigTime(50)), NOTHING);
        assert_eq!(promises.made(Whence::Balance, RigTime(20)), RigTime(20));
        assert_eq!(promises.made(Whence::Balance, RigTime(10)), RigTime(20), "a promise is never taken back");
        assert_eq!(promises.made(Whence::Balance, RigTime(60)), RigTime(50));
        promises.without_balance();
        assert_eq!(promises.made(Whence::Others, RigTime(70)), RigTime(70));
        assert_eq!(Promises::new(false).made(Whence::Others, RigTime(5)), RigTime(5));
    }

    #[test]
    fn the_line_is_as_the_bench_file_says() {
        let serial = SerialInstrument { path: None, baud: 4_800, parity: Parity::Even, serial: Some("B1".to_owned()), repeats: false };
        let polled = settings(&serial, Span::milliseconds(100));
        assert_eq!((polled.baud, polled.bits_per_byte, polled.serial.as_deref()), (4_800, 11, Some("B1")));
        assert_eq!(polled.mode, Mode::Poll { every: Span::milliseconds(100) });
        let plain = settings(&SerialInstrument { parity: Parity::None, repeats: true, ..serial }, Span::milliseconds(100));
        assert_eq!((plain.bits_per_byte, plain.mode), (10, Mode::Repeat { silence: LONGEST_PAUSE }));
    }
}
