//! Instruments on I²C, SPI and serial lines: what they are asked, what they answer, and how much of it may be believed.
//!
//! The drivers see the traits of `embedded-hal` and nothing of Linux, so that tests can put a model of the device behind them;
//! [`I2cBus`] and [`open_spi`] are the real buses. [`Poller`] reads one instrument on a schedule.
//! A balance on a serial line is spoken to by [`mt_sics`].

mod ads1115;
mod bus;
mod calibration;
mod error;
mod mcp3208;
pub mod mt_sics;
mod poller;
mod slf3s;
#[cfg(test)]
mod tests;

pub use ads1115::{Ads1115, AdsSettings, DataRate, FullScale};
pub use bus::{I2cBus, I2cFault, open_spi};
pub use calibration::{Calibration, CalibrationError, Point};
pub use error::{InstrumentError, Place};
pub use linux_embedded_hal::Delay;
pub use mcp3208::Mcp3208;
pub use poller::{Poll, PollError, Poller, Schedule};
pub use slf3s::{Flags, FlowSample, Fluid, Identity, RESOLUTION, Slf3s};

/// One end of a scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Low,
    High,
}

impl End {
    fn opposite(self) -> Self {
        match self {
            Self::Low => Self::High,
            Self::High => Self::Low,
        }
    }
}

/// What a converter made of the voltage at its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conversion {
    Code(i32),
    /// The code at the end of the scale: the voltage is there or anywhere beyond.
    Saturated(End),
}

/// A reading in the base unit of its quantity (kPa, µL/h), with what is known of its worth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reading {
    /// Inside the range for which the instrument is calibrated.
    Value(f64),
    /// Outside that range: good enough to be shown, not to be judged.
    Outside(f64),
    /// The instrument is at the end of its scale; the true value is there or anywhere beyond.
    Saturated(End),
}

impl Reading {
    /// The value, if a verdict may rest on it.
    pub fn measured(self) -> Option<f64> {
        match self {
            Self::Value(value) => Some(value),
            Self::Outside(_) | Self::Saturated(_) => None,
        }
    }
}

/// An instrument that answered as it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    pub place: Place,
    /// What it says that it is, as far as it can: product and serial number.
    pub identity: Option<Identity>,
    /// What was seen, for people.
    pub sentence: String,
}
