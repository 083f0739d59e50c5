//! The one loop: orders inputs in source time, feeds the DUT session and the engine, owns the safe-down and writes the facts.
//!
//! The same [`Runner`] runs under the virtual clock, under the tokio driver and under replay. Drivers [`Runner::offer`] inputs with the time
//! at which they happened, promise with [`Runner::watermark`] that nothing older will come, and carry out the actions of [`Runner::run`].

mod inputs;
mod oracle;
mod order;
mod outputs;
mod phases;
mod replay;
mod runner;
mod safe_down;
mod thermal;
mod verdict;
mod witness;

pub use replay::{Difference, Replay};
pub use runner::{Plan, PlannedCase, Runner};
pub use thermal::ZERO_SAMPLES;
pub use verdict::exit_code;
