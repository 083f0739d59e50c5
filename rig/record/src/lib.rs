//! The journal: every fact of a run, one JSON object a line, written once and read back strictly.
//!
//! Pure over [`std::io::Write`] and [`std::io::BufRead`]; the format is described in `rig/docs/record.md`.

mod frequent;
mod kind;
mod read;
mod tagged;
mod write;

pub use read::{Cut, End, JournalReader, ReadError};
pub use write::{JournalWriter, WriteError};

/// Version of the journal's line format. A reader refuses every other.
pub const VERSION: u32 = 1;

/// Longest line in bytes, its newline included. The longest is the header, which holds the text of every scenario
/// file and of the bench file; 64 MiB is room for some thousand of them, and bounds what a reader must hold.
pub const MAX_LINE: usize = 64 * 1024 * 1024;
