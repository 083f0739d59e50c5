//! The journal: every fact of a run, one JSON object a line, each chained to the one before, written once and read back strictly.
//!
//! Pure over [`std::io::Write`] and [`std::io::BufRead`]; the format is described in `rig/docs/record.md`.

mod chain;
mod frequent;
mod kind;
mod read;
mod tagged;
mod write;

pub use chain::Link;
pub use read::{Cut, End, JournalReader, ReadError};
pub use write::{JournalWriter, WriteError};

/// Version of the journal's line format that is written. Version 1, without a chain, is read as well; every other is refused.
pub const VERSION: u32 = 2;

/// Longest line in bytes, its newline included. The longest is the header, which holds the text of every scenario
/// file and of the bench file; 64 MiB is room for some thousand of them, and bounds what a reader must hold.
pub const MAX_LINE: usize = 64 * 1024 * 1024;
