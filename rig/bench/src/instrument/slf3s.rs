//! Sensirion SLF3S-0600F: thermal liquid flow sensor on I²C (data sheet "SLF3S-0600F Liquid Flow Sensor").

use std::error::Error;
use std::fmt;
use std::path::Path;

use crc::{CRC_8_NRSC_5, Crc};
use embedded_hal::delay::DelayNs;
use embedded_hal::i2c::I2c;
use rig_model::quantity::Flow;

use super::error::{InstrumentError, Place};
use super::{End, Probe, Reading};

/// The step of its output: 0.1 µL/min.
pub const RESOLUTION: Flow = Flow(UL_PER_HOUR);

const NAME: &str = "SLF3S-0600F";
const ADDRESS: u8 = 0x08;
/// General call, to every device on the bus that listens to it.
const GENERAL_CALL: u8 = 0x00;
const RESET: u8 = 0x06;

const START_WATER: u16 = 0x3608;
const START_ISOPROPANOL: u16 = 0x3615;
const STOP: u16 = 0x3ff9;
const READ_IDENTITY: [u16; 2] = [0x367c, 0xe102];

/// The last eight bits of the product number are a revision, which may change.
const PRODUCT: u32 = 0x0703_0300;
const REVISION: u32 = 0xff;

/// From a reset until it takes commands.
const POWER_UP_US: u32 = 25_000;
/// From stop until it takes commands.
const STOPPED_US: u32 = 500;
/// From start until it is warm; samples come after 12 ms, but are not accurate before this.
const WARM_US: u32 = 60_000;

/// While it is not ready it does not acknowledge. Three more tries 5 ms apart outlast the 12 ms to its first sample.
const TRIES: u32 = 4;
const RETRY_US: u32 = 5_000;

/// One step of the flow word, in µL/h.
const UL_PER_HOUR: f64 = 6.0;
/// Steps up to which it is calibrated: ±2000 µL/min.
const CALIBRATED: u16 = 20_000;
/// Steps at which its output stays: ±3250 µL/min.
const SATURATED: u16 = 32_500;
const STEPS_PER_DEGREE: f64 = 200.0;

/// CRC-8 with polynomial 0x31 and initial value 0xff, after each word of two bytes.
const CHECKSUM: Crc<u8> = Crc::<u8>::new(&CRC_8_NRSC_5);

/// The liquid for which the sensor is to use its calibration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fluid {
    Water,
    Isopropanol,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    pub product: u32,
    pub serial: u64,
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "product 0x{:08x}, serial number {}", self.product, self.serial)
    }
}

/// What the sensor signals beside a sample, each for the time since the sample before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flags {
    /// Air was in the line; flow in air is not what the sensor is calibrated for.
    pub air: bool,
    /// The flow was beyond what the sensor can give.
    pub high_flow: bool,
    /// It was read so rarely that it smooths exponentially instead of taking the mean of what came in between.
    pub smoothing: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FlowSample {
    /// µL/h, positive along the arrow on the sensor.
    pub flow: Reading,
    pub temperature_c: f64,
    pub flags: Flags,
}

impl FlowSample {
    /// The flow in µL/h, if it may be integrated into a volume.
    pub fn measured(&self) -> Option<f64> {
        self.flow.measured().filter(|_| !self.flags.air)
    }
}

#[derive(Debug)]
pub struct Slf3s<B, D> {
    bus: B,
    delay: D,
    place: Place,
}

impl<B, D> Slf3s<B, D> {
    /// `path` is that of `bus`, for messages.
    pub fn new(bus: B, delay: D, path: &Path) -> Self {
        Self { bus, delay, place: Place { instrument: NAME, bus: path.to_owned(), address: Some(ADDRESS) } }
    }
}

impl<B, D> Slf3s<B, D>
where
    B: I2c,
    B::Error: Error + Send + Sync + 'static,
    D: DelayNs,
{
    /// Makes sure that it is the right sensor, and has it measure. Returns when it is warm.
    pub fn start(&mut self, fluid: Fluid) -> Result<Identity, InstrumentError> {
        let identity = self.identify()?;
        self.command(match fluid {
            Fluid::Water => START_WATER,
            Fluid::Isopropanol => START_ISOPROPANOL,
        })?;
        self.delay.delay_us(WARM_US);
        Ok(identity)
    }

    /// The mean flow since the sample before, as long as no smoothing is flagged.
    ///
    /// A sample with a wrong checksum is not asked for again: its flags and its share of the mean went with it, and what comes next
    /// would hide that.
    pub fn read(&mut self) -> Result<FlowSample, InstrumentError> {
        let [flow, temperature, flags] = self.words()?;
        let flags = Flags { air: flags & 1 != 0, high_flow: flags & 1 << 1 != 0, smoothing: flags & 1 << 5 != 0 };
        let steps = flow as i16;
        Ok(FlowSample { flow: reading(steps, flags.high_flow), temperature_c: f64::from(temperature as i16) / STEPS_PER_DEGREE, flags })
    }

    /// Ends measuring; it is idle then and cools.
    pub fn stop(&mut self) -> Result<(), InstrumentError> {
        self.command(STOP)?;
        self.delay.delay_us(STOPPED_US);
        Ok(())
    }

    /// Resets *every* device on the bus that heeds the general call, an ADS1115 among them: only for a bus that can't be had otherwise.
    pub fn reset_bus(&mut self) -> Result<(), InstrumentError> {
        self.bus.write(GENERAL_CALL, &[RESET]).map_err(|error| InstrumentError::i2c(&self.place, error))?;
        self.delay.delay_us(POWER_UP_US);
        Ok(())
    }

    /// Leaves the sensor idle.
    pub fn probe(&mut self) -> Result<Probe, InstrumentError> {
        let identity = self.identify()?;
        Ok(Probe { place: self.place.clone(), identity: Some(identity), sentence: format!("{} is {identity}", self.place) })
    }

    /// It tells who it is only while idle, and may still measure for a run that did not come to its end.
    fn identify(&mut self) -> Result<Identity, InstrumentError> {
        match self.stop() {
            // An idle sensor need not acknowledge this.
            Ok(()) | Err(InstrumentError::Absent { .. }) => {}
            Err(other) => return Err(other),
        }
        for command in READ_IDENTITY {
            self.command(command)?;
        }
        let [product_high, product_low, serial @ ..] = self.words::<6>()?;
        let product = u32::from(product_high) << 16 | u32::from(product_low);
        let serial = serial.iter().fold(0, |number, word| number << 16 | u64::from(*word));
        if product & !REVISION != PRODUCT {
            return Err(InstrumentError::OtherDevice { place: self.place.clone(), found: format!("product number 0x{product:08x}") });
        }
        Ok(Identity { product, serial })
    }

    fn command(&mut self, command: u16) -> Result<(), InstrumentError> {
        self.bus.write(ADDRESS, &command.to_be_bytes()).map_err(|error| InstrumentError::i2c(&self.place, error))
    }

    fn words<const N: usize>(&mut self) -> Result<[u16; N], InstrumentError> {
        let mut frame = [[0; 3]; N];
        self.receive(frame.as_flattened_mut())?;
        // No frame is all zeros, the checksum of a word of zeros being 0x81; but a controller reads this while something holds SDA low.
        if frame.as_flattened().iter().all(|byte| *byte == 0) {
            return Err(InstrumentError::Stuck { place: self.place.clone() });
        }
        let mut words = [0; N];
        for (i, [high, low, checksum]) in frame.into_iter().enumerate() {
            if CHECKSUM.checksum(&[high, low]) != checksum {
                return Err(InstrumentError::Checksum { place: self.place.clone(), word: i + 1 });
            }
            words[i] = u16::from_be_bytes([high, low]);
        }
        Ok(words)
    }

    fn receive(&mut self, frame: &mut [u8]) -> Result<(), InstrumentError> {
        for _ in 1..TRIES {
            match self.bus.read(ADDRESS, frame).map_err(|error| InstrumentError::i2c(&self.place, error)) {
                Err(InstrumentError::Absent { .. }) => self.delay.delay_us(RETRY_US),
                done => return done,
            }
        }
        self.bus.read(ADDRESS, frame).map_err(|error| InstrumentError::i2c(&self.place, error)).map_err(|error| self.not_measuring(error))
    }

    /// A sensor that takes a command but gives no sample has forgotten that it was to measure.
    fn not_measuring(&mut self, error: InstrumentError) -> InstrumentError {
        match error {
            InstrumentError::Absent { place } if self.stop().is_ok() => InstrumentError::Restarted { place },
            other => other,
        }
    }
}

fn reading(steps: i16, high_flow: bool) -> Reading {
    let flow = f64::from(steps) * UL_PER_HOUR;
    if high_flow || steps.unsigned_abs() >= SATURATED {
        Reading::Saturated(if steps < 0 { End::Low } else { End::High })
    } else if steps.unsigned_abs() > CALIBRATED {
        Reading::Outside(flow)
    } else {
        Reading::Value(flow)
    }
}
