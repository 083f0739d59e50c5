//! A serial port, opened for this program alone by its device path.

use std::path::Path;

pub use tokio_serial::Parity;
use tokio_serial::{ClearBuffer, ErrorKind, SerialPort as _, SerialPortBuilderExt as _, SerialStream};

use crate::error::BenchError;

/// Whose port it is, which says where in the bench file it is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortOf {
    Board,
    Balance,
}

impl PortOf {
    pub(crate) const fn owner(self) -> &'static str {
        match self {
            Self::Board => "board",
            Self::Balance => "balance",
        }
    }

    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Board => "`link.path`",
            Self::Balance => "the balance's `port`",
        }
    }

    pub(crate) const fn settings(self) -> &'static str {
        match self {
            Self::Board => "`link.baud`",
            Self::Balance => "its `baud` and `parity`",
        }
    }
}

/// Opens the board's port raw, 8N1, exclusively (`TIOCEXCL`, which root gets past, and `flock`, which it does not) and empty of what was received before.
/// Must be called within a tokio runtime.
pub fn open(path: &Path, baud: u32) -> Result<SerialStream, BenchError> {
    open_with_parity(path, baud, Parity::None, PortOf::Board)
}

/// The same with a parity bit beside the eight. A byte whose parity is wrong is read as 0.
pub fn open_with_parity(path: &Path, baud: u32, parity: Parity, of: PortOf) -> Result<SerialStream, BenchError> {
    let name = path.to_string_lossy();
    let port = tokio_serial::new(&*name, baud).parity(parity).open_native_async().map_err(|e| refusal(path, of, &e))?;
    port.clear(ClearBuffer::Input).map_err(|e| refusal(path, of, &e))?;
    Ok(port)
}

fn refusal(path: &Path, of: PortOf, error: &tokio_serial::Error) -> BenchError {
    use std::io::ErrorKind::{NotFound, PermissionDenied};
    let path = path.to_owned();
    match error.kind() {
        // What `serialport` makes of EBUSY and of a lock that is held.
        ErrorKind::NoDevice => BenchError::PortBusy { path },
        ErrorKind::Io(NotFound) => BenchError::PortMissing { path, of },
        ErrorKind::Io(PermissionDenied) => BenchError::PortDenied { path },
        _ => BenchError::PortUnusable { path, of, why: error.to_string() },
    }
}
