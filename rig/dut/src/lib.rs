//! The session with the board under test: verbs to bytes and bytes to reports, with retransmission, time limits and polling in one place.
//!
//! Sans-I/O: time and bytes come in as values, outputs are taken with [`Session::poll_output`]. What a pump's bytes look like is known to
//! its [`Protocol`] alone; a second maker's pump is one more implementation of that trait and a name in [`Session::new`].

mod faults;
mod protocol;
mod pump_link;
mod session;

pub use faults::{MAX_FAULTS, MAX_GARBAGE};
pub use protocol::{Item, Protocol, Reply, Request};
pub use pump_link::PumpLink;
pub use session::{MAX_LOG_ENTRIES, MAX_QUEUE, MIN_POLL_EVERY, Output, Session, UnknownProtocol};
