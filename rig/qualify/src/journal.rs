//! Outcomes as lines of JSON: what parts and later qualifications are made of.

use std::io::{self, BufRead, Write};

use crate::outcome::Played;

#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error("read outcomes")]
    Read(#[from] io::Error),
    #[error("line {line} is no outcome")]
    Line { line: usize, source: serde_json::Error },
}

/// One outcome a line, in the order given.
///
/// # Errors
/// When `out` does not take it.
pub fn write_outcomes(mut out: impl Write, outcomes: &[Played]) -> io::Result<()> {
    for outcome in outcomes {
        serde_json::to_writer(&mut out, outcome)?;
        out.write_all(b"\n")?;
    }
    out.flush()
}

/// # Errors
/// When `from` can't be read, or a line is something else.
pub fn read_outcomes(from: impl BufRead) -> Result<Vec<Played>, JournalError> {
    let mut outcomes = Vec::new();
    for (i, line) in from.lines().enumerate() {
        outcomes.push(serde_json::from_str(&line?).map_err(|source| JournalError::Line { line: i + 1, source })?);
    }
    Ok(outcomes)
}
