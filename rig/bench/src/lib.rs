//! Hardware and real time: the tokio driver that plays a runner against a bench.
//!
//! [`play`] is the loop; [`Ports`] is the bench as the loop sees it.

// The one place, with pump-host and cli, where clocks, files, processes and sleeping are at home.
#![allow(clippy::disallowed_methods)]

pub mod balance;
mod child;
mod clock;
mod deeds;
mod edges;
mod error;
mod feed;
pub mod gpio;
pub mod inspect;
pub mod instrument;
mod lines;
mod link;
mod lock;
mod mark;
mod pace;
mod play;
mod ports;
mod prompt;
mod pulses;
mod safe;
mod scales;
mod sensors;
mod serial;
mod service;
mod signals;
mod state;
mod stress;
mod supervise;
#[cfg(test)]
mod tests;
mod writer;

pub use clock::Clock;
pub use error::BenchError;
pub use feed::Heard;
pub use lock::BenchLock;
pub use mark::{Marking, OnMark, Wedged, wedged};
pub use play::{ProcessOptions, play};
pub use ports::Ports;
pub use prompt::Operator;
pub use pulses::{PulseCounter, Report, inputs_of};
pub use serial::PortOf;
pub use service::Service;
pub use signals::{StopRequests, listen};
pub use state::BenchState;
pub use stress::{Loop, Rate, Stress, StressError, stress};
pub use supervise::{HEARTBEAT, SuperviseError, supervise};
pub use writer::{Queue, record_beside};
