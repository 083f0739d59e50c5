//! The wire form of a simulated board's lines and readings, for a bench that runs the board as a process of its own: one JSON
//! object a line, [`Up`] from the board's process and [`Down`] to it.
//!
//! The same wire form is spoken by the process that owns the output lines of a real bench. Either of them makes the outputs safe when the
//! run falls silent ([`Deadman`]) or the channel ends.
//!
//! The first line up is the hello. Its members keep their names and meaning in every version, so that a reader of another
//! version can say which it met. All times are nanoseconds of the host's monotonic clock, which both processes share, also inside
//! an [`Input`]; [`rebase`] moves those to rig time.

use rig_model::input::{Actuation, Input, Source};
use rig_model::time::Span;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Of this wire form. A new one for any change that an old reader would misread.
pub const VERSION: u16 = 2;

/// Bytes in a line at the most, without its end: well above the largest batch of edges (1024 differences of up to 20 characters).
pub const MAX_LINE: usize = 64 * 1024;

/// From the board's process to the bench.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Up {
    /// Who is there; the first line.
    Hello {
        version: u16,
        /// Of the board that is simulated.
        model: String,
        serial: String,
        at_ns: i64,
    },
    /// It can't do what it is there for, and why; the first and only line.
    Refused { why: String },
    /// Something happened at `at_ns`.
    Input { source: Source, at_ns: i64, input: Input },
    /// Nothing older than this will come, from any source.
    Watermark { at_ns: i64 },
}

/// From the bench to the board's process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Down {
    /// The run lives. From the first one on the others are waited for.
    Beat,
    /// To be answered by an `Input` of `Done` or `Failed` with the same id.
    Actuate { id: u64, what: Actuation },
}

#[derive(Debug, thiserror::Error)]
pub enum WireError {
    #[error("a line of {bytes} bytes is longer than the {MAX_LINE} allowed")]
    TooLong { bytes: usize },
    #[error("a line is not of the wire form: {source}: `{start}`")]
    Malformed {
        /// The beginning of the line.
        start: String,
        source: serde_json::Error,
    },
    #[error("the board's process speaks version {theirs} of the wire form, not {VERSION}")]
    Version { theirs: u16 },
    #[error("a message could not be written: {0}")]
    Unwritable(#[source] serde_json::Error),
}

impl Up {
    /// One line, without its end.
    pub fn encode(&self) -> Result<String, WireError> {
        encode(self)
    }

    /// From one line, with or without its end. A hello of another version is an error.
    pub fn decode(line: &str) -> Result<Self, WireError> {
        match decode(line)? {
            Self::Hello { version, .. } if version != VERSION => Err(WireError::Version { theirs: version }),
            up => Ok(up),
        }
    }
}

impl Down {
    /// One line, without its end.
    pub fn encode(&self) -> Result<String, WireError> {
        encode(self)
    }

    /// From one line, with or without its end.
    pub fn decode(line: &str) -> Result<Self, WireError> {
        decode(line)
    }
}

/// Finds a run dead that has once begun to say that it lives. It stays dead: what made the outputs safe must not be undone by a run that wakes
/// up later and does not know.
#[derive(Debug, Clone, Copy)]
pub struct Deadman {
    silence: Span,
    /// When it was last heard, in ns of the host's monotonic clock, once it has begun.
    heard_ns: Option<i64>,
    dead: bool,
}

impl Deadman {
    pub fn new(silence: Span) -> Self {
        Self { silence, heard_ns: None, dead: false }
    }

    pub fn beat(&mut self, now_ns: i64) {
        self.heard_ns = Some(now_ns);
    }

    /// When the run will have been silent for too long; `None` before its first beat and after its death.
    pub fn due_ns(&self) -> Option<i64> {
        self.heard_ns.filter(|_| !self.dead).map(|heard| heard.saturating_add(self.silence.0))
    }

    /// Whether the run has died just now.
    pub fn dies(&mut self, now_ns: i64) -> bool {
        let dies = self.due_ns().is_some_and(|due| now_ns >= due);
        self.dead |= dies;
        dies
    }

    pub fn is_dead(&self) -> bool {
        self.dead
    }

    /// What is said of a dead run, and to it should it wake up.
    pub fn verdict(&self) -> String {
        format!("the run said nothing for {}, so the outputs were made safe", self.silence)
    }
}

/// Shifts the times inside an input, held at the ends of the scale.
pub fn rebase(input: &mut Input, by: Span) {
    if let Input::Edges(edges) = input {
        edges.first = edges.first.saturating_add(by);
    }
}

fn encode(message: &impl Serialize) -> Result<String, WireError> {
    let line = serde_json::to_string(message).map_err(WireError::Unwritable)?;
    if line.len() > MAX_LINE { Err(WireError::TooLong { bytes: line.len() }) } else { Ok(line) }
}

fn decode<T: DeserializeOwned>(line: &str) -> Result<T, WireError> {
    let line = line.trim_end_matches(['\r', '\n']);
    if line.len() > MAX_LINE {
        return Err(WireError::TooLong { bytes: line.len() });
    }
    // Enough to recognise the line by, without a wall of text in a message.
    serde_json::from_str(line).map_err(|source| WireError::Malformed { start: line.chars().take(60).collect(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_falls_silent_is_dead_once_and_for_good() {
        let mut deadman = Deadman::new(Span::nanoseconds(100));
        assert!(!deadman.dies(1_000_000), "nobody has said yet that he lives");
        deadman.beat(1_000);
        assert_eq!((deadman.due_ns(), deadman.dies(1_099)), (Some(1_100), false));
        deadman.beat(1_050);
        assert!(!deadman.dies(1_149));
        assert!(deadman.dies(1_150));
        deadman.beat(1_160);
        assert_eq!((deadman.dies(9_999), deadman.is_dead(), deadman.due_ns()), (false, true, None));
    }
}
