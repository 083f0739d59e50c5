//! Texas Instruments ADS1115: 16 bits, four inputs, on I²C (data sheet SBAS444).

use std::error::Error;
use std::path::Path;

use embedded_hal::delay::DelayNs;
use embedded_hal::i2c::I2c;
use rig_model::time::Span;

use super::error::{InstrumentError, Place};
use super::{Conversion, End, Probe};

const NAME: &str = "ADS1115";
/// The four that its ADDR pin can choose.
const ADDRESSES: std::ops::RangeInclusive<u8> = 0x48..=0x4b;

const CONVERSION: u8 = 0;
const CONFIG: u8 = 1;

/// Written: begin a conversion. Read: none is under way.
const OS: u16 = 0x8000;
const SINGLE_SHOT: u16 = 0x0100;
const COMPARATOR_OFF: u16 = 0x0003;
/// What the configuration register holds after power-up or a reset.
const AFTER_RESET: u16 = 0x8583;

/// The data sheet allows the oscillator 10 %, and a wake-up of 25 µs; the first look comes when a conversion is due by the slowest.
const SLOWEST: f64 = 1.1;
/// Further looks at the ready bit, a quarter of a conversion apart: after two conversion times in all it does not come any more.
const LOOKS: u32 = 4;

/// Full-scale range of the input, ± volts. The input itself must stay between ground and supply: at a supply of 3.3 V the codes' ends
/// are out of reach in the two widest ranges, so that saturation shows only in ±2.048 V and below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FullScale {
    V6_144 = 0,
    V4_096 = 1,
    V2_048 = 2,
    V1_024 = 3,
    V0_512 = 4,
    V0_256 = 5,
}

/// Conversions a second. Slower is quieter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataRate {
    Hz8 = 0,
    Hz16 = 1,
    Hz32 = 2,
    Hz64 = 3,
    Hz128 = 4,
    Hz250 = 5,
    Hz475 = 6,
    Hz860 = 7,
}

impl DataRate {
    fn per_second(self) -> f64 {
        [8.0, 16.0, 32.0, 64.0, 128.0, 250.0, 475.0, 860.0][self as usize]
    }

    /// The longest that one conversion may take.
    fn conversion_us(self) -> u32 {
        (SLOWEST * 1e6 / self.per_second()) as u32 + 25
    }
}

/// How an input is converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdsSettings {
    /// AIN0 to AIN3, against ground.
    pub input: u8,
    pub full_scale: FullScale,
    pub rate: DataRate,
}

impl AdsSettings {
    fn register(self) -> u16 {
        let input = 0b100 | u16::from(self.input);
        input << 12 | (self.full_scale as u16) << 9 | SINGLE_SHOT | (self.rate as u16) << 5 | COMPARATOR_OFF
    }
}

/// One single-ended input of an ADS1115, converted when asked.
#[derive(Debug)]
pub struct Ads1115<B, D> {
    bus: B,
    delay: D,
    place: Place,
    address: u8,
    settings: AdsSettings,
}

impl<B, D> Ads1115<B, D> {
    /// `path` is that of `bus`, for messages.
    pub fn new(bus: B, delay: D, path: &Path, address: u8, settings: AdsSettings) -> Result<Self, InstrumentError> {
        let wrong = |what| Err(InstrumentError::Setting { instrument: NAME, what });
        if !ADDRESSES.contains(&address) {
            return wrong(format!("address 0x{address:02x} is not one of 0x48 to 0x4b"));
        }
        if settings.input > 3 {
            return wrong(format!("input {} is not one of 0 to 3", settings.input));
        }
        Ok(Self { bus, delay, place: Place { instrument: NAME, bus: path.to_owned(), address: Some(address) }, address, settings })
    }
}

impl<B, D> Ads1115<B, D>
where
    B: I2c,
    B::Error: Error + Send + Sync + 'static,
    D: DelayNs,
{
    /// Converts once. The configuration is read back before and after the result is fetched: a device that was reset in between has
    /// nothing but zeros to give, which would pass for a pressure.
    pub fn convert(&mut self) -> Result<Conversion, InstrumentError> {
        self.configure(OS)?;
        self.until_ready()?;
        let code = self.register(CONVERSION)? as i16;
        self.ready()?;
        Ok(match code {
            i16::MIN => Conversion::Saturated(End::Low),
            i16::MAX => Conversion::Saturated(End::High),
            code => Conversion::Code(i32::from(code)),
        })
    }

    /// Has it keep its settings, without a conversion: it has no identity, but this tells it from other devices at these addresses.
    pub fn probe(&mut self) -> Result<Probe, InstrumentError> {
        self.configure(0)?;
        self.ready()?;
        Ok(Probe {
            place: self.place.clone(),
            identity: None,
            sentence: format!("{} keeps its configuration 0x{:04x}", self.place, self.settings.register()),
        })
    }

    fn configure(&mut self, start: u16) -> Result<(), InstrumentError> {
        let [high, low] = (start | self.settings.register()).to_be_bytes();
        self.bus.write(self.address, &[CONFIG, high, low]).map_err(|error| InstrumentError::i2c(&self.place, error))
    }

    fn until_ready(&mut self) -> Result<(), InstrumentError> {
        let conversion = self.settings.rate.conversion_us();
        for wait in std::iter::once(conversion).chain(std::iter::repeat_n(conversion / LOOKS, LOOKS as usize)) {
            self.delay.delay_us(wait);
            if self.ready()? {
                return Ok(());
            }
        }
        Err(InstrumentError::NotReady { place: self.place.clone(), waited: Span::microseconds(2 * i64::from(conversion)) })
    }

    /// Whether no conversion is under way; an error unless this is still the device that was set up.
    fn ready(&mut self) -> Result<bool, InstrumentError> {
        let found = self.register(CONFIG)?;
        let (ready, settings) = (found & OS != 0, found & !OS);
        let place = || self.place.clone();
        if settings == self.settings.register() {
            return Ok(ready);
        }
        Err(match found {
            AFTER_RESET => InstrumentError::Restarted { place: place() },
            // Never of this device; it is what a controller reads, with an acknowledge, while something holds SDA low.
            0 => InstrumentError::Stuck { place: place() },
            _ => InstrumentError::OtherDevice {
                place: place(),
                found: format!("configured as 0x{:04x} it answers 0x{settings:04x}", self.settings.register()),
            },
        })
    }

    fn register(&mut self, register: u8) -> Result<u16, InstrumentError> {
        let mut answer = [0; 2];
        self.bus.write_read(self.address, &[register], &mut answer).map_err(|error| InstrumentError::i2c(&self.place, error))?;
        Ok(u16::from_be_bytes(answer))
    }
}
