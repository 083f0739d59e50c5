//! What can go wrong between the rig and an instrument, each with the place and the thing to do next.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use embedded_hal::{i2c, spi};
use rig_model::time::Span;

/// Which instrument on which bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub instrument: &'static str,
    pub bus: PathBuf,
    /// On I²C.
    pub address: Option<u8>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            Some(address) => write!(f, "{} at 0x{address:02x} on {}", self.instrument, self.bus.display()),
            None => write!(f, "{} on {}", self.instrument, self.bus.display()),
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstrumentError {
    #[error("bus {bus} is not there: switch it on (`sudo raspi-config`, Interface Options), or correct the path in the bench file")]
    BusMissing { bus: PathBuf },
    #[error("bus {bus} may not be opened by this user: join the group that owns it (`ls -l {bus}`) and log in again")]
    BusDenied { bus: PathBuf },
    #[error("bus {bus} can't be used: check that the path in the bench file is the device of an I²C or SPI bus")]
    BusUnusable {
        bus: PathBuf,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    #[error("{bus} is no I²C bus by its name: the bench file wants a path such as /dev/i2c-1")]
    NotI2c { bus: PathBuf },

    #[error("{instrument}: {what}: correct the bench file")]
    Setting { instrument: &'static str, what: String },

    #[error("{place} does not answer: check its supply, its wiring and its address (`i2cdetect` lists who answers)")]
    Absent { place: Place },
    #[error(
        "{place} is out of reach because the bus hangs, SDA or SCL held low: switch the instruments off and on, then unplug them one by one"
    )]
    Stuck { place: Place },
    #[error(
        "{place} sent word {word} with a wrong checksum: shorten the cable, keep it from motors and relays, or slow the bus down; \
         if all words are wrong, another device may be at this address"
    )]
    Checksum { place: Place, word: usize },
    #[error("{place} was not ready within {waited}: check its supply; if that is sound, replace it")]
    NotReady { place: Place, waited: Span },
    #[error("{place} is not what is there: {found}: connect the right instrument or correct the bench file")]
    OtherDevice { place: Place, found: String },
    #[error(
        "{place} has lost its settings since it was set up: its supply was interrupted or the bus was reset; check the supply, then begin again"
    )]
    Restarted { place: Place },
    #[error("{place} could not be spoken to: look at the cause; `dmesg` may know more")]
    Transfer {
        place: Place,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl InstrumentError {
    /// A bus that could not be opened.
    pub(super) fn unopened(bus: &Path, source: io::Error) -> Self {
        let bus = bus.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => Self::BusMissing { bus },
            io::ErrorKind::PermissionDenied => Self::BusDenied { bus },
            _ => Self::BusUnusable { bus, source: source.into() },
        }
    }

    /// A transfer on I²C that failed.
    pub(super) fn i2c<E: i2c::Error + Error + Send + Sync + 'static>(place: &Place, error: E) -> Self {
        let place = place.clone();
        match error.kind() {
            i2c::ErrorKind::NoAcknowledge(_) => Self::Absent { place },
            i2c::ErrorKind::Bus | i2c::ErrorKind::ArbitrationLoss => Self::Stuck { place },
            _ => Self::Transfer { place, source: error.into() },
        }
    }

    /// A transfer on SPI that failed; nobody acknowledges there, so it can only be the bus itself.
    pub(super) fn spi<E: spi::Error + Error + Send + Sync + 'static>(place: &Place, error: E) -> Self {
        Self::Transfer { place: place.clone(), source: error.into() }
    }
}
