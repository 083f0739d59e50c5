//! Writes facts as lines. The polls of a long run are most of its lines, so that the frequent kinds are written by hand.

use std::io::{self, Write};

use rig_model::fact::{Body, Fact, FactSink, SinkError};
use rig_model::input::{Action, Bytes, Edges, Input, Sense};
use serde::Serialize;

use crate::chain::{AFTER, BEFORE, Link};
use crate::{MAX_LINE, VERSION, kind};

/// Gives each fact its number, from 1, and writes it as a line. A fact's number is its line's number.
///
/// Writes once per fact: give it a buffered writer where a write is dear.
#[derive(Debug)]
pub struct JournalWriter<W: Write> {
    out: W,
    line: Vec<u8>,
    lines: u64,
    link: Option<Link>,
    failed: bool,
}

/// Why a fact is not in the journal.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error("write fact {seq} to the journal")]
    Io {
        seq: u64,
        #[source]
        source: io::Error,
    },
    #[error("express fact {seq} as JSON")]
    Json {
        seq: u64,
        #[source]
        source: serde_json::Error,
    },
    #[error("write fact {seq} to the journal: its line has {bytes} bytes, the most is {MAX_LINE}")]
    TooLong { seq: u64, bytes: usize },
    /// Nothing may follow a torn line.
    #[error("write fact {seq} to the journal: an earlier write failed")]
    AfterFailure { seq: u64 },
}

impl<W: Write> JournalWriter<W> {
    pub fn new(out: W) -> Self {
        Self { out, line: Vec::with_capacity(4096), lines: 0, link: None, failed: false }
    }

    /// Writes one fact. After an I/O error the journal may end in a torn line, and nothing more is taken.
    pub fn write(&mut self, fact: &Fact) -> Result<(), WriteError> {
        let seq = self.lines + 1;
        if self.failed {
            return Err(WriteError::AfterFailure { seq });
        }
        self.line.clear();
        write_line(&mut self.line, seq, fact).map_err(|source| WriteError::Json { seq, source })?;
        let link = Link::of(self.link, &self.line);
        self.line.extend_from_slice(BEFORE.as_bytes());
        self.line.extend_from_slice(&link.digits());
        self.line.extend_from_slice(AFTER.as_bytes());
        self.line.push(b'\n');
        if self.line.len() > MAX_LINE {
            return Err(WriteError::TooLong { seq, bytes: self.line.len() });
        }
        self.out.write_all(&self.line).map_err(|source| {
            self.failed = true;
            WriteError::Io { seq, source }
        })?;
        self.lines = seq;
        self.link = Some(link);
        Ok(())
    }

    pub fn flush(&mut self) -> Result<(), WriteError> {
        self.out.flush().map_err(|source| {
            self.failed = true;
            WriteError::Io { seq: self.lines, source }
        })
    }

    /// How many lines were written, and so the number of the last fact.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// The link of the last line; absent before the first.
    pub fn head(&self) -> Option<Link> {
        self.link
    }

    pub fn get_ref(&self) -> &W {
        &self.out
    }

    /// The writer below; flush first.
    pub fn into_inner(self) -> W {
        self.out
    }
}

impl<W: Write> FactSink for JournalWriter<W> {
    fn record(&mut self, fact: &Fact) -> Result<(), SinkError> {
        self.write(fact).map_err(|error| {
            let what = error.to_string();
            // Its own words are said: what is told behind them is what led to it.
            let source = match error {
                WriteError::Io { source, .. } => Some(source.into()),
                WriteError::Json { source, .. } => Some(source.into()),
                WriteError::TooLong { .. } | WriteError::AfterFailure { .. } => None,
            };
            SinkError { what, source }
        })
    }
}

/// Up to where its link comes.
fn write_line(line: &mut Vec<u8>, seq: u64, fact: &Fact) -> serde_json::Result<()> {
    line.extend_from_slice(b"{\"v\":");
    number(line, VERSION);
    line.extend_from_slice(b",\"seq\":");
    number(line, seq);
    line.extend_from_slice(b",\"t\":");
    number(line, fact.at.0);
    if let Some(arrival) = fact.arrival {
        line.extend_from_slice(b",\"at\":");
        number(line, arrival.0);
    }
    match &fact.body {
        Body::Input(Input::Rx(bytes)) => hexadecimal(line, "rx", bytes),
        Body::Action(Action::Tx(bytes)) => hexadecimal(line, "tx", bytes),
        Body::Input(Input::Edges(batch)) => edges(line, batch)?,
        Body::Input(input) => splice(line, input)?,
        Body::Action(action) => splice(line, action)?,
        Body::Event(event) => splice(line, event)?,
        Body::Note(note) => splice(line, note)?,
        Body::Header(header) => {
            write_kind(line, kind::HEADER);
            serde_json::to_writer(&mut *line, header)?;
        }
    }
    Ok(())
}

/// Serialises `{"kind":…,"body":…}` and makes its entries those of the envelope.
fn splice(line: &mut Vec<u8>, tagged: &impl Serialize) -> serde_json::Result<()> {
    let brace = line.len();
    serde_json::to_writer(&mut *line, tagged)?;
    line[brace] = b',';
    line.pop();
    Ok(())
}

fn hexadecimal(line: &mut Vec<u8>, kind: &str, bytes: &Bytes) {
    write_kind(line, kind);
    line.push(b'"');
    let start = line.len();
    line.resize(start + 2 * bytes.0.len(), 0);
    for (pair, byte) in line[start..].as_chunks_mut().0.iter_mut().zip(&bytes.0) {
        *pair = PAIRS[usize::from(*byte)];
    }
    line.push(b'"');
}

/// The two digits of each byte.
static PAIRS: [[u8; 2]; 256] = {
    let digits = b"0123456789abcdef";
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        pairs[byte] = [digits[byte >> 4], digits[byte & 15]];
        byte += 1;
    }
    pairs
};

fn edges(line: &mut Vec<u8>, edges: &Edges) -> serde_json::Result<()> {
    write_kind(line, "edges");
    line.extend_from_slice(b"{\"channel\":");
    serde_json::to_writer(&mut *line, &*edges.channel)?;
    line.extend_from_slice(b",\"sense\":\"");
    line.extend_from_slice(match edges.sense {
        Sense::Forward => b"forward",
        Sense::Reverse => b"reverse",
        Sense::On => b"on",
        Sense::Off => b"off",
    });
    line.extend_from_slice(b"\",\"first_number\":");
    number(line, edges.first_number);
    line.extend_from_slice(b",\"first\":");
    number(line, edges.first.0);
    if !edges.then.is_empty() {
        line.extend_from_slice(b",\"then\":[");
        for (i, difference) in edges.then.iter().enumerate() {
            if i > 0 {
                line.push(b',');
            }
            number(line, *difference);
        }
        line.push(b']');
    }
    line.push(b'}');
    Ok(())
}

/// `kind` must need no escape.
fn write_kind(line: &mut Vec<u8>, kind: &str) {
    line.extend_from_slice(b",\"kind\":\"");
    line.extend_from_slice(kind.as_bytes());
    line.extend_from_slice(b"\",\"body\":");
}

fn number(line: &mut Vec<u8>, value: impl itoa::Integer) {
    line.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}
