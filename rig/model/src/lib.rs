//! The plain data that every part of the rig speaks: quantities, the checked scenario and bench, verbs and reports,
//! inputs, actions and events, verdicts, and the sink that takes facts.
//!
//! Nothing here reads a clock, opens a file or decides anything.

pub mod bench;
pub mod budget;
pub mod curve;
pub mod deed;
pub mod defect;
pub mod dose;
pub mod dut;
pub mod event;
pub mod fact;
pub mod input;
pub mod quantity;
pub mod requirement;
pub mod scenario;
mod subject;
pub mod time;
pub mod verdict;
pub mod weighing;

/// A shared, immutable name: a channel, a line, a window, a scenario. Cheap to clone.
pub type Name = std::sync::Arc<str>;
