//! The simulated bench: the pump's own firmware logic between a serial line and simulated plumbing, perhaps with a defect,
//! and the loop that plays a run against it on a virtual clock.
//!
//! Everything follows from the seed and the actions: the same ones give the same inputs, to the nanosecond, on every machine.

mod board;
mod delay;
mod faults;
mod firmware;
mod hardware;
mod photometer;
mod play;
mod pump_clock;
mod reference;
mod side;
mod uart;
mod weighed;

pub use board::{Arrival, Board};
pub use delay::DeliveryDelay;
pub use firmware::{Build, Firmware, Fitted, Unit, constants};
pub use play::{PlayError, play};
pub use reference::{LINES, PumpIdentity, identity, reference_bench};
