//! A simulated board as a process of its own, in real time: its serial line on a pty or a TCP port, beside it the lines,
//! pulses and readings of its bench on a control channel, and perhaps a balance under its catheter on another pty.
//!
//! It lives as long as the rig listens on the control channel: no board goes on infusing, even in simulation, for a rig that is gone.

mod balance;
mod clock;
mod control;
mod host;
mod lines;
mod port;
mod pty;

pub use balance::BalanceOptions;
pub use clock::monotonic_ns;
pub use host::{Announcement, Ended, HostError, Options, run, terminated};
pub use lines::LinesPort;
pub use port::LinkPort;
