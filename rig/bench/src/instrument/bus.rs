//! The buses of the board, by their device paths.

use std::fmt;
use std::io;
use std::path::Path;

use embedded_hal::i2c::{self, I2c, NoAcknowledgeSource, Operation};
use linux_embedded_hal::SpidevDevice;
use linux_embedded_hal::spidev::{SpiModeFlags, Spidev, SpidevOptions};
use nix::errno::Errno;
use rppal::i2c as rpi;

use super::error::InstrumentError;

/// How long the kernel may try one transfer, in ms. The longest here is 19 bytes, 2 ms at 100 kHz; a bus that needs a tenth of a
/// second hangs.
const TRANSFER_LIMIT_MS: u32 = 100;

/// One handle on an I²C bus. Each instrument opens its own: the kernel keeps whole transfers apart.
///
/// Over rppal's functions and not over its `embedded-hal` feature, which parts a register read into two transfers, takes short
/// ones for whole, and calls every failure "other".
pub struct I2cBus {
    port: rpi::I2c,
}

impl I2cBus {
    /// `path` is `/dev/i2c-N`.
    pub fn open(path: &Path) -> Result<Self, InstrumentError> {
        let number = number(path).ok_or_else(|| InstrumentError::NotI2c { bus: path.to_owned() })?;
        let port =
            rpi::I2c::with_bus(number).and_then(|port| port.set_timeout(TRANSFER_LIMIT_MS).map(|()| port)).map_err(
                |error| match error {
                    rpi::Error::Io(source) => InstrumentError::unopened(path, source),
                    other => InstrumentError::BusUnusable { bus: path.to_owned(), source: other.into() },
                },
            )?;
        Ok(Self { port })
    }
}

impl fmt::Debug for I2cBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("I2cBus").field("number", &self.port.bus()).finish()
    }
}

/// `/dev/i2c-1` is bus 1; rppal knows buses by number.
fn number(path: &Path) -> Option<u8> {
    path.to_str()?.strip_prefix("/dev/i2c-")?.parse().ok()
}

impl i2c::ErrorType for I2cBus {
    type Error = I2cFault;
}

impl I2c for I2cBus {
    /// A write, a read, or a write and a read with a repeated start; no instrument here needs more, and more is refused.
    fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), I2cFault> {
        self.port.set_slave_address(u16::from(address))?;
        match operations {
            [Operation::Write(bytes)] => whole(self.port.write(bytes)?, bytes.len()),
            [Operation::Read(buffer)] => whole(self.port.read(buffer)?, buffer.len()),
            [Operation::Write(bytes), Operation::Read(buffer)] => Ok(self.port.write_read(bytes, buffer)?),
            _ => Err(I2cFault::Unsupported),
        }
    }
}

fn whole(moved: usize, wanted: usize) -> Result<(), I2cFault> {
    if moved == wanted { Ok(()) } else { Err(I2cFault::Short { moved, wanted }) }
}

/// A transfer that failed, by what the kernel's I²C drivers mean with their error numbers.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum I2cFault {
    #[error("no acknowledge")]
    NoAnswer(#[source] io::Error),
    #[error("the transfer did not come to its end")]
    Hung(#[source] io::Error),
    #[error("another controller holds the bus")]
    Arbitration(#[source] io::Error),
    #[error("a driver of the kernel has this address (`ls /sys/bus/i2c/devices`): unload it or take its overlay out of config.txt")]
    Owned(#[source] io::Error),
    #[error("{moved} of {wanted} bytes were moved")]
    Short { moved: usize, wanted: usize },
    #[error("this sequence of operations is not supported")]
    Unsupported,
    #[error(transparent)]
    Other(rpi::Error),
}

impl From<rpi::Error> for I2cFault {
    fn from(error: rpi::Error) -> Self {
        match error {
            rpi::Error::Io(source) => Self::from(source),
            other => Self::Other(other),
        }
    }
}

impl From<io::Error> for I2cFault {
    fn from(source: io::Error) -> Self {
        match source.raw_os_error().map(Errno::from_raw) {
            // bcm2835 and designware, the controllers of the Pi, say EREMOTEIO where the kernel's list of fault codes says ENXIO.
            Some(Errno::EREMOTEIO | Errno::ENXIO) => Self::NoAnswer(source),
            Some(Errno::ETIMEDOUT) => Self::Hung(source),
            Some(Errno::EAGAIN) => Self::Arbitration(source),
            Some(Errno::EBUSY) => Self::Owned(source),
            _ => Self::Other(rpi::Error::Io(source)),
        }
    }
}

impl i2c::Error for I2cFault {
    fn kind(&self) -> i2c::ErrorKind {
        match self {
            Self::NoAnswer(_) => i2c::ErrorKind::NoAcknowledge(NoAcknowledgeSource::Unknown),
            Self::Hung(_) => i2c::ErrorKind::Bus,
            Self::Arbitration(_) => i2c::ErrorKind::ArbitrationLoss,
            Self::Owned(_) | Self::Short { .. } | Self::Unsupported | Self::Other(_) => i2c::ErrorKind::Other,
        }
    }
}

/// A device on an SPI bus by its path, such as `/dev/spidev0.0`, in mode 0, at `clock_hz`.
pub fn open_spi(path: &Path, clock_hz: u32) -> Result<SpidevDevice, InstrumentError> {
    let mut device = Spidev::open(path).map_err(|source| InstrumentError::unopened(path, source))?;
    let options = SpidevOptions::new().bits_per_word(8).max_speed_hz(clock_hz).mode(SpiModeFlags::SPI_MODE_0).build();
    device.configure(&options).map_err(|source| InstrumentError::BusUnusable { bus: path.to_owned(), source: source.into() })?;
    Ok(SpidevDevice(device))
}

#[cfg(test)]
mod tests {
    use embedded_hal::i2c::{Error as _, ErrorKind};

    use super::*;

    #[test]
    fn a_bus_is_known_by_its_path() {
        for (path, bus) in
            [("/dev/i2c-1", Some(1)), ("/dev/i2c-22", Some(22)), ("/dev/i2c-", None), ("/dev/i2c-300", None), ("i2c-1", None)]
        {
            assert_eq!(number(Path::new(path)), bus, "{path}");
        }
    }

    #[test]
    fn a_bus_that_can_not_be_opened_says_why() {
        let refused = |path: &str| I2cBus::open(Path::new(path)).unwrap_err().to_string();
        assert!(refused("/dev/i2c-250").starts_with("bus /dev/i2c-250 is not there: switch it on"), "{}", refused("/dev/i2c-250"));
        assert!(refused("/dev/spidev0.0").contains("no I²C bus by its name"));
        let refused = |path: &str| open_spi(Path::new(path), 1_000_000).err().unwrap();
        assert!(matches!(refused("/dev/spidev250.0"), InstrumentError::BusMissing { .. }));
        assert!(matches!(refused("/dev/null"), InstrumentError::BusUnusable { .. }), "it opens, but is no bus");
        let denied = InstrumentError::unopened(Path::new("/dev/i2c-1"), io::Error::from_raw_os_error(Errno::EACCES as i32));
        assert!(denied.to_string().contains("join the group that owns it (`ls -l /dev/i2c-1`)"), "{denied}");
    }

    #[test]
    fn what_the_kernel_says_is_told_apart() {
        let kind = |errno: Errno| I2cFault::from(rpi::Error::Io(io::Error::from_raw_os_error(errno as i32))).kind();
        for errno in [Errno::EREMOTEIO, Errno::ENXIO] {
            assert!(matches!(kind(errno), ErrorKind::NoAcknowledge(_)), "{errno}");
        }
        assert_eq!(kind(Errno::ETIMEDOUT), ErrorKind::Bus);
        assert_eq!(kind(Errno::EAGAIN), ErrorKind::ArbitrationLoss);
        assert_eq!((kind(Errno::EBUSY), kind(Errno::EIO)), (ErrorKind::Other, ErrorKind::Other));
        assert!(whole(9, 9).is_ok());
        assert!(matches!(whole(6, 9), Err(I2cFault::Short { moved: 6, wanted: 9 })));
    }
}
