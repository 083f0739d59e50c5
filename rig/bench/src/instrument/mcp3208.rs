//! Microchip MCP3208: eight inputs, 12 bits, on SPI (data sheet DS21298).

use std::error::Error;
use std::path::Path;

use embedded_hal::spi::SpiDevice;

use super::error::{InstrumentError, Place};
use super::{Conversion, End, Probe};

const NAME: &str = "MCP3208";
const FULL_SCALE: i32 = 4_095;
const INPUTS: u8 = 8;

/// One single-ended input of an MCP3208.
#[derive(Debug)]
pub struct Mcp3208<S> {
    spi: S,
    place: Place,
    input: u8,
}

impl<S> Mcp3208<S> {
    /// Clock in Hz for [`open_spi`](super::open_spi): the data sheet allows 1 MHz down to a supply of 2.7 V.
    pub const CLOCK_HZ: u32 = 1_000_000;

    /// `input` is 0 to 7; `path` is that of `spi`, for messages.
    pub fn new(spi: S, path: &Path, input: u8) -> Result<Self, InstrumentError> {
        if input >= INPUTS {
            return Err(InstrumentError::Setting { instrument: NAME, what: format!("input {input} is not one of 0 to 7") });
        }
        Ok(Self { spi, place: Place { instrument: NAME, bus: path.to_owned(), address: None }, input })
    }
}

impl<S> Mcp3208<S>
where
    S: SpiDevice,
    S::Error: Error + Send + Sync + 'static,
{
    pub fn convert(&mut self) -> Result<Conversion, InstrumentError> {
        let mut answer = [0; 3];
        self.spi.transfer(&mut answer, &command(self.input)).map_err(|error| InstrumentError::spi(&self.place, error))?;
        let [_, high, low] = answer;
        // The converter pulls its output low for one bit before it sends the code. Where nothing is connected a pull-up holds it high.
        if high & NULL_BIT != 0 {
            return Err(InstrumentError::OtherDevice { place: self.place.clone(), found: "the null bit before the code is 1".to_owned() });
        }
        Ok(match i32::from(u16::from_be_bytes([high & 0x0f, low])) {
            0 => Conversion::Saturated(End::Low),
            FULL_SCALE => Conversion::Saturated(End::High),
            code => Conversion::Code(code),
        })
    }

    /// The converter has no identity; that its null bit is there is all that can be seen.
    pub fn probe(&mut self) -> Result<Probe, InstrumentError> {
        let conversion = self.convert()?;
        let seen = match conversion {
            Conversion::Code(code) => format!("input {} gives code {code}", self.input),
            // A line that is held low looks like this too.
            Conversion::Saturated(End::Low) => format!("input {} gives code 0: check that it is connected", self.input),
            Conversion::Saturated(End::High) => format!("input {} is at full scale: check what is connected to it", self.input),
        };
        Ok(Probe { place: self.place.clone(), identity: None, sentence: format!("{} sends its null bit; {seen}", self.place) })
    }
}

const NULL_BIT: u8 = 0x10;

/// Five leading zeros, start bit, single-ended, the input's three bits: so placed that the code's eight low bits fill the last byte.
fn command(input: u8) -> [u8; 3] {
    [0b0000_0110 | input >> 2, input << 6, 0]
}
