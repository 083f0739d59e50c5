//! What can go wrong between the rig and the hardware, each with the thing to do next.

use std::path::PathBuf;

use rig_model::fact::SinkError;
use rig_model::time::Span;

use crate::balance::BalanceError;
use crate::gpio::LineError;
use crate::instrument::InstrumentError;
use crate::mark::Wedged;
use crate::serial::PortOf;

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BenchError {
    #[error("bench `{bench}` can't be played here: {why}")]
    Unsupported { bench: String, why: String },

    #[error("serial port {path} is not there: check that the {} is plugged in and that {} of the bench file names it", .of.owner(), .of.key())]
    PortMissing { path: PathBuf, of: PortOf },
    #[error("serial port {path} is in use by another program: end it (`fuser {path}` names it) and run again")]
    PortBusy { path: PathBuf },
    #[error("serial port {path} may not be opened by this user: join the group that owns it (`ls -l {path}`) and log in again")]
    PortDenied { path: PathBuf },
    #[error("serial port {path} can't be used ({why}): check that {} and {} of the bench file fit the device", .of.key(), .of.settings())]
    PortUnusable { path: PathBuf, of: PortOf, why: String },

    #[error("process `{command}` can't be started: check that the program is there and may be run")]
    HostNotStarted {
        command: String,
        #[source]
        source: std::io::Error,
    },
    #[error("firmware process `{command}` did not announce its link within {limit}{}", said(.stderr))]
    HostSilent { command: String, limit: Span, stderr: String },
    #[error("firmware process `{command}` ended before it announced its link ({status}){}", said(.stderr))]
    HostEnded { command: String, status: String, stderr: String },
    #[error("firmware process `{command}` announced `{text}` and not its link and lines: check its version")]
    HostAnnouncement {
        command: String,
        text: String,
        #[source]
        source: serde_json::Error,
    },
    #[error("lines channel {name} can't be reached: check that the process at its other end is running")]
    LinesUnreachable {
        name: String,
        #[source]
        source: std::io::Error,
    },

    #[error("lines channel {name} is not what it should be ({why}): check that the processes at its two ends are of one version")]
    LinesUnfit { name: String, why: String },
    #[error("{what} was not carried out: {why}")]
    NotMoved { what: String, why: String },
    #[error("the outputs can't be owned: {why}")]
    OutputsRefused { why: String },
    #[error("the inputs can't be read")]
    Inputs {
        #[source]
        source: LineError,
    },
    #[error("channel `{channel}` can't be read")]
    Instrument {
        channel: String,
        #[source]
        source: InstrumentError,
    },
    #[error("the process that hosts the board announced no balance, which bench `{bench}` has: check its version")]
    NoBalanceHosted { bench: String },
    #[error("channel `{channel}` can't be read")]
    Balance {
        channel: String,
        #[source]
        source: BalanceError,
    },
    #[error("a thread for the sensors can't be started")]
    Thread {
        #[source]
        source: std::io::Error,
    },

    #[error("the bench is in use by another run ({holder}; lock {path}): wait for it, or end that process")]
    LockHeld { path: PathBuf, holder: String },
    #[error(
        "bench lock {path} can't be taken: check that its folder is there and may be written (where the package is installed: by the group `rig`)"
    )]
    LockFailed {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the bench is not shown safe ({wedged}; mark {mark}): look at it, then `rig doctor --recover --bench FILE` proves it safe")]
    Wedged { mark: PathBuf, wedged: Wedged },
    #[error("the mark {path}, which says that the bench is not shown safe, can't be read or written: check its folder")]
    MarkFailed {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("signals can't be listened to, so the run could not be stopped safely: run it where signals work")]
    Signals {
        #[source]
        source: std::io::Error,
    },

    #[error("the safe-down was given up ({why}), so look whether flow has stopped; lines were driven to their safe levels and {lines}")]
    NotShownSafe { why: String, lines: String },
    #[error("facts could not be recorded, so the run was stopped and made safe without them: make room where the record goes")]
    Sink {
        #[source]
        source: SinkError,
    },
}

fn said(stderr: &str) -> String {
    if stderr.is_empty() { ": run it by hand to see why".to_owned() } else { format!(": it said `{stderr}`") }
}
