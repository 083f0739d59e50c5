//! The sensors of a real bench: edges of GPIO lines, and instruments on buses, each on a thread of its own; one stream of facts in the end.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use rig_model::Name;
use rig_model::bench::{Bench, Bus, Channel, Device, Liquid, TwoPoints, Wiring};
use rig_model::input::{Input, Lost, Real};
use rig_model::time::{RigTime, Span};

use crate::clock::Clock;
use crate::error::BenchError;
use crate::instrument::{
    Ads1115, AdsSettings, Calibration, Conversion, DataRate, Delay, End, Fluid, FullScale, I2cBus, InstrumentError, Mcp3208, Point, Poll,
    PollError, Poller, Reading, Schedule, Slf3s, open_spi,
};

/// Readings that wait to be taken: at 50 a second of ten instruments ten seconds.
const QUEUE: usize = 5_000;
/// A transfer takes a millisecond or two, a conversion of a slow converter some more; a bus that takes this long is stuck.
const DEADLINE: Span = Span::milliseconds(500);
/// How long a transfer may hold back what the other sensors have said. What comes later is a loss of its own channel; outputs are to be safe
/// within 100 ms of any cause, and nothing is handled before the sensors have passed it.
const WAITED_FOR: Span = Span::milliseconds(40);
/// One failure is a glitch on the bus and a loss; five in a row are an instrument that is gone.
const FAILURES: u32 = 5;
/// 1 MHz, what an MCP3208 takes at 2.7 V.
const SPI_HZ: u32 = 1_000_000;
/// Time for a valve to shut and for the fluid to come to rest before a zero is taken.
pub(crate) const REST: Span = Span::seconds(1);
/// Readings that a zero is made of.
const ZERO_SAMPLES: usize = rig_runner::ZERO_SAMPLES;

type Read = Box<dyn FnMut() -> Result<Real, InstrumentError> + Send>;

/// An instrument on a bus that is open and answers.
pub(crate) struct OnBus {
    channel: Name,
    read: Read,
    every: Span,
    /// Readings that were taken at rest.
    zero: Vec<Real>,
}

/// All instruments on buses, open.
///
/// # Errors
/// The first that can't be had, with what to do about it.
pub(crate) fn open(bench: &Bench) -> Result<Vec<OnBus>, BenchError> {
    let on_bus = bench.channels.iter().filter_map(|c| if let Some(Wiring::Bus(bus)) = &c.wiring { Some((c, bus)) } else { None });
    let open = |(channel, bus): (&Channel, &Bus)| {
        let read = reader(bus).map_err(|source| BenchError::Instrument { channel: channel.name.to_string(), source })?;
        Ok(OnBus { channel: channel.name.clone(), read, every: bus.read_every, zero: Vec::new() })
    };
    on_bus.map(open).collect()
}

/// The thermal flow channels, whose zero is to be taken.
pub(crate) fn thermal(bench: &Bench) -> Vec<Name> {
    let is_thermal = |c: &&Channel| matches!(&c.wiring, Some(Wiring::Bus(Bus { device: Device::Slf3s0600f { .. }, .. })));
    bench.channels.iter().filter(is_thermal).map(|c| c.name.clone()).collect()
}

/// Takes the zero of each of these; nothing may flow meanwhile. Blocks for some seconds.
pub(crate) fn take_zeros(thermal: &[Name], instruments: &mut [OnBus]) -> Result<(), BenchError> {
    for instrument in instruments.iter_mut().filter(|i| thermal.contains(&i.channel)) {
        for _ in 0..ZERO_SAMPLES {
            std::thread::sleep(crate::clock::duration(instrument.every));
            let failed = |source| BenchError::Instrument { channel: instrument.channel.to_string(), source };
            instrument.zero.push((instrument.read)().map_err(failed)?);
        }
    }
    Ok(())
}

fn reader(bus: &Bus) -> Result<Read, InstrumentError> {
    let path = Path::new(&bus.path);
    Ok(match bus.device {
        Device::Mcp3208 { input, calibration } => {
            let mut converter = Mcp3208::new(open_spi(path, SPI_HZ)?, path, input)?;
            let line = line(calibration)?;
            Box::new(move || converter.convert().map(|code| pressure(&line, code)))
        }
        Device::Ads1115 { address, input, calibration } => {
            // Bridges with an amplifier give up to some volts; 128 conversions a second are the converter's own choice.
            let settings = AdsSettings { input, full_scale: FullScale::V4_096, rate: DataRate::Hz128 };
            let mut converter = Ads1115::new(I2cBus::open(path)?, Delay, path, address, settings)?;
            let line = line(calibration)?;
            Box::new(move || converter.convert().map(|code| pressure(&line, code)))
        }
        Device::Slf3s0600f { liquid } => {
            let mut sensor = Slf3s::new(I2cBus::open(path)?, Delay, path);
            let identity = sensor.start(match liquid {
                Liquid::Water => Fluid::Water,
                Liquid::Isopropanol => Fluid::Isopropanol,
            })?;
            tracing::info!("flow sensor on {}: {identity}", bus.path);
            // Air or saturation is no measured flow: the integral has a hole there, and that is a loss.
            Box::new(move || sensor.read().map(|sample| Real(sample.measured().unwrap_or(f64::NAN))))
        }
    })
}

fn line(TwoPoints { low, high }: TwoPoints) -> Result<Calibration, InstrumentError> {
    let point = |(code, pressure): (i32, rig_model::quantity::Pressure)| Point { code, kpa: pressure.0 };
    Calibration::new(point(low), point(high)).map_err(|e| InstrumentError::Setting { instrument: "pressure sensor", what: e.to_string() })
}

/// Outside its range, which the bench file states, the value says so by itself; at the end of the scale it is anything beyond.
fn pressure(line: &Calibration, conversion: Conversion) -> Real {
    Real(match line.read(conversion) {
        Reading::Value(kpa) | Reading::Outside(kpa) => kpa,
        Reading::Saturated(End::High) => f64::INFINITY,
        Reading::Saturated(End::Low) => f64::NEG_INFINITY,
    })
}

/// What an instrument said.
pub(crate) struct Said {
    pub at: RigTime,
    pub input: Input,
}

/// The running pollers. Dropping this ends them.
pub(crate) struct Pollers {
    _pollers: Vec<Poller>,
    said: Receiver<Result<Said, String>>,
    /// Why an instrument was given up.
    pub gone: Option<String>,
    /// For each when the transfer began that is under way, in ns of rig time; the end of the scale when none is.
    busy: Vec<Arc<AtomicI64>>,
    /// What was read at rest, to be told first.
    at_rest: Vec<Said>,
}

const IDLE: i64 = i64::MAX;

impl Pollers {
    pub fn none() -> Self {
        Self { _pollers: Vec::new(), said: sync_channel(0).1, gone: None, busy: Vec::new(), at_rest: Vec::new() }
    }

    pub fn start(bench: &Bench, instruments: Vec<OnBus>, clock: Clock) -> std::io::Result<Self> {
        let (to, said) = sync_channel(QUEUE);
        let mut this = Self { said, ..Self::none() };
        for OnBus { channel, mut read, every, zero } in instruments {
            let at_rest = bench.channel(&channel).map_or_else(|| channel.clone(), Channel::at_rest);
            let told = |value| Said { at: RigTime::ZERO, input: Input::Reading { channel: at_rest.clone(), value } };
            this.at_rest.extend(zero.into_iter().map(told));
            let busy = Arc::new(AtomicI64::new(IDLE));
            let (begins, ends) = (Arc::clone(&busy), Arc::clone(&busy));
            let read = move || {
                begins.store(clock.now().0, Ordering::SeqCst);
                read()
            };
            let to = to.clone();
            let deliver = move |poll: Poll<Real>| {
                tell(&to, &channel, poll);
                ends.store(IDLE, Ordering::SeqCst);
            };
            let schedule = Schedule { period: every, deadline: DEADLINE, failures: FAILURES };
            this._pollers.push(Poller::start(clock, schedule, read, deliver)?);
            this.busy.push(busy);
        }
        Ok(this)
    }

    /// What was said until now.
    pub fn take(&mut self) -> Vec<Said> {
        let mut all = std::mem::take(&mut self.at_rest);
        for said in self.said.try_iter().take(QUEUE) {
            match said {
                Ok(said) => all.push(said),
                Err(why) => self.gone = Some(why),
            }
        }
        all
    }

    /// Nothing older than this will be said, as far as these are concerned; a transfer that takes too long is not waited for. To be asked before
    /// [`Pollers::take`].
    pub fn complete(&self, now: RigTime) -> RigTime {
        let began = self.busy.iter().map(|busy| busy.load(Ordering::SeqCst)).min().unwrap_or(IDLE);
        RigTime(began).max(now - WAITED_FOR) - Span::nanoseconds(1)
    }
}

fn tell(to: &SyncSender<Result<Said, String>>, channel: &Name, poll: Poll<Real>) {
    let gone = match &poll.result {
        Err(error @ PollError::GivenUp { last, .. }) => Some(format!("{channel}: {error}: {last}")),
        _ => None,
    };
    let lost = |why: String| Input::Lost { what: Lost::because(why).of(channel.clone()) };
    let input = match poll.result {
        Ok(value) => Input::Reading { channel: channel.clone(), value },
        Err(error) => {
            tracing::warn!("{channel}: {error}");
            lost(error.to_string())
        }
    };
    // Full only if the thread that takes them stands still; then the source as a whole falls silent, which is told.
    let told = to.try_send(Ok(Said { at: poll.at, input })).and_then(|()| gone.map_or(Ok(()), |why| to.try_send(Err(why))));
    if told.is_err() {
        tracing::error!("a reading of {channel} found no room");
    }
}
