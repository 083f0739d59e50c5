//! Reads a journal back, strictly, one fact at a time in flat memory.

use std::borrow::Cow;
use std::io::{self, BufRead, Read};

use rig_model::event::Event;
use rig_model::fact::{Body, Fact, Note};
use rig_model::input::{Action, Input};
use rig_model::time::RigTime;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::chain::{self, Link};
use crate::frequent;
use crate::kind::{self, Class};
use crate::tagged::Tagged;
use crate::{MAX_LINE, VERSION};

/// Iterates over the facts of a journal with their numbers. Stops for good at the first error.
///
/// A torn last line is no error: a run that lost its power ends in one. It is left out, and [`JournalReader::end`] tells.
#[derive(Debug)]
pub struct JournalReader<R: BufRead> {
    input: R,
    line: Vec<u8>,
    /// Number of the last fact that was read.
    seq: u64,
    /// Of the first line, and so of all.
    version: Option<u32>,
    link: Option<Link>,
    run_ended: bool,
    /// The kinds whose facts are given; all without.
    only: Option<Kinds>,
    state: State,
}

/// Words of the journal's list of kinds.
type Kinds = &'static [&'static str];

#[derive(Debug, Clone, Copy)]
enum State {
    Reading,
    Ended(End),
    Failed,
}

/// How a journal ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The last fact is the end of the run.
    Complete,
    /// The run was still going on.
    CutOff(Cut),
}

/// Where a journal was cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Number of the first line that is not there or not whole, from 1.
    pub line: u64,
    /// How many bytes of it are there.
    pub bytes: u64,
}

/// Why a journal can't be read on. `line` counts from 1.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("read line {line} of the journal")]
    Io {
        line: u64,
        #[source]
        source: io::Error,
    },
    #[error("read line {line} of the journal: it has more than {MAX_LINE} bytes, the most that a line may have")]
    TooLong { line: u64 },
    #[error("read line {line} of the journal: expected UTF-8 text")]
    NotText {
        line: u64,
        #[source]
        source: std::str::Utf8Error,
    },
    #[error("read line {line} of the journal: expected one JSON object with v, seq, t, kind, body and chain")]
    Envelope {
        line: u64,
        #[source]
        source: serde_json::Error,
    },
    #[error("read line {line} of the journal: format version {found}, expected {expected}")]
    Version { line: u64, found: u64, expected: u32 },
    #[error("read line {line} of the journal: sequence number {found}, expected {expected}")]
    Sequence { line: u64, found: u64, expected: u64 },
    #[error(
        "read line {line} of the journal: it does not end in its link to the line before, as every line of format version {version} does"
    )]
    Unchained { line: u64, version: u64 },
    #[error("read line {line} of the journal: chain is {found}, expected null, as in every line of format version 1")]
    Chained { line: u64, found: String },
    /// Every link before this one was right.
    #[error(
        "read line {line} of the journal: the chain is broken: its link is {found}, expected {expected}; this line was changed, or lines \
         before it were removed, added or moved"
    )]
    Chain { line: u64, found: String, expected: Link },
    #[error("read line {line} of the journal: unknown kind `{found}`, expected one of format version {VERSION}")]
    Kind { line: u64, found: String },
    #[error("read line {line} of the journal: the body is not that of kind `{kind}`")]
    Body {
        line: u64,
        kind: String,
        #[source]
        source: serde_json::Error,
    },
    #[error("read line {line} of the journal: unknown field `{field}` in kind `{kind}`")]
    Field { line: u64, kind: String, field: String },
    #[error("read line {line} of the journal: kind `{found}`, expected the header first")]
    NoHeader { line: u64, found: String },
    #[error("read line {line} of the journal: a second header, expected one on line 1 only")]
    SecondHeader { line: u64 },
    #[error("read line {line} of the journal: expected nothing after the end of the run")]
    AfterEnd { line: u64 },
}

impl ReadError {
    /// The line that can't be read, from 1.
    pub fn line(&self) -> u64 {
        match self {
            Self::Io { line, .. }
            | Self::TooLong { line }
            | Self::NotText { line, .. }
            | Self::Envelope { line, .. }
            | Self::Version { line, .. }
            | Self::Sequence { line, .. }
            | Self::Unchained { line, .. }
            | Self::Chained { line, .. }
            | Self::Chain { line, .. }
            | Self::Kind { line, .. }
            | Self::Body { line, .. }
            | Self::Field { line, .. }
            | Self::NoHeader { line, .. }
            | Self::SecondHeader { line }
            | Self::AfterEnd { line } => *line,
        }
    }
}

impl<R: BufRead> JournalReader<R> {
    pub fn new(input: R) -> Self {
        Self { input, line: Vec::new(), seq: 0, version: None, link: None, run_ended: false, only: None, state: State::Reading }
    }

    /// Gives only the header and facts of these kinds. Chain, version and numbers of the lines of all others are checked, and what is in
    /// them is not looked at: a long run is read several times as fast.
    #[must_use]
    pub fn only(mut self, kinds: Kinds) -> Self {
        self.only = Some(kinds);
        self
    }

    /// How the journal ended; `None` until all of it was read, and after an error.
    pub fn end(&self) -> Option<End> {
        match self.state {
            State::Ended(end) => Some(end),
            State::Reading | State::Failed => None,
        }
    }

    /// Format version of the journal; `None` before its first fact was read.
    pub fn version(&self) -> Option<u32> {
        self.version
    }

    /// The link of the last line that was read; none in version 1, which has no chain.
    pub fn head(&self) -> Option<Link> {
        self.link
    }

    /// Number of the last fact that was read.
    pub fn lines(&self) -> u64 {
        self.seq
    }

    /// The next line, with its fact unless it is one that is passed over.
    fn read(&mut self) -> Result<Option<(u64, Option<Fact>)>, ReadError> {
        let line = self.seq + 1;
        self.line.clear();
        let most = MAX_LINE as u64 + 1;
        let read = (&mut self.input).take(most).read_until(b'\n', &mut self.line).map_err(|source| ReadError::Io { line, source })?;
        if read > MAX_LINE {
            return Err(ReadError::TooLong { line });
        }
        let Some(text) = self.line.strip_suffix(b"\n") else {
            let complete = self.run_ended && read == 0;
            let end = if complete { End::Complete } else { End::CutOff(Cut { line, bytes: read as u64 }) };
            self.state = State::Ended(end);
            return Ok(None);
        };
        if self.run_ended {
            return Err(ReadError::AfterEnd { line });
        }
        let text = std::str::from_utf8(text).map_err(|source| ReadError::NotText { line, source })?;
        let Parsed { version, fact, link } = parse(text, line, self.version, self.link, self.only)?;
        self.version = Some(version);
        self.link = link;
        self.run_ended = matches!(fact, Some(Fact { body: Body::Event(Event::RunEnded(_)), .. }));
        self.seq = line;
        Ok(Some((line, fact)))
    }
}

impl<R: BufRead> Iterator for JournalReader<R> {
    type Item = Result<(u64, Fact), ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        while let State::Reading = self.state {
            match self.read() {
                Ok(Some((line, Some(fact)))) => return Some(Ok((line, fact))),
                Ok(Some((_, None)) | None) => {}
                Err(error) => {
                    self.state = State::Failed;
                    return Some(Err(error));
                }
            }
        }
        None
    }
}

/// The outer object of a line, up to its place in the chain.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope<'a> {
    v: u64,
    seq: u64,
    t: i64,
    #[serde(default, deserialize_with = "present")]
    at: Option<i64>,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "present")]
    body: Option<&'a RawValue>,
    /// Null in version 1; a link in hexadecimal since. Never absent.
    #[serde(borrow)]
    chain: &'a RawValue,
}

/// A field that may be absent, but not null.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

struct Parsed {
    version: u32,
    /// Nothing where the line is passed over.
    fact: Option<Fact>,
    link: Option<Link>,
}

/// Version 1 has no chain; its lines end like this.
const UNCHAINED: &str = ",\"chain\":null}";

/// `version` and `before` are the version and the link of the line before.
///
/// The chain is checked before anything else of a line that ends in a link: that the line was changed is the truth of it, whatever has become of its JSON.
fn parse(text: &str, line: u64, version: Option<u32>, before: Option<Link>, only: Option<Kinds>) -> Result<Parsed, ReadError> {
    let Some((head, digits)) = chain::split(text).filter(|_| version != Some(1)) else {
        let head = text.strip_suffix(UNCHAINED).filter(|_| version == Some(1));
        let fact = match head.and_then(|head| without_serde(head, 1, line, only)) {
            Some(fact) => fact,
            None => Some(parse_envelope(text, line, version)?),
        };
        return Ok(Parsed { version: 1, fact, link: None });
    };
    let link = Link::of(before, head.as_bytes());
    if link.digits() != digits.as_bytes() {
        return Err(broken(text, line, digits, link));
    }
    let head = Some(head).filter(|_| version.is_some());
    let fact = match head.and_then(|head| without_serde(head, VERSION, line, only)) {
        Some(fact) => fact,
        None => Some(parse_envelope(text, line, version)?),
    };
    Ok(Parsed { version: VERSION, fact, link: Some(link) })
}

/// What can be told of a line without serde: that it is passed over, or its fact if it is one of the frequent ones; `None` if nothing can.
fn without_serde(head: &str, version: u32, line: u64, only: Option<Kinds>) -> Option<Option<Fact>> {
    if let Some(wanted) = only {
        let (v, seq, kind) = frequent::envelope(head)?;
        let known = matches!(kind::class_of(kind)?, Class::Input | Class::Action | Class::Event | Class::Note);
        // The end of the run is what the end of the journal is known by.
        let passed = known && (v, seq) == (version, line) && !wanted.contains(&kind) && kind != "run_ended";
        return passed.then_some(None);
    }
    let (v, seq, fact) = frequent::parse(head)?;
    ((v, seq) == (version, line)).then_some(Some(fact))
}

/// A first line may be of a later version, in which links are other ones; every other line must be of the version of the first.
fn broken(text: &str, line: u64, digits: &str, expected: Link) -> ReadError {
    match version_of(text) {
        Some(found) if line == 1 && !is_known(found) => ReadError::Version { line, found, expected: VERSION },
        _ => ReadError::Chain { line, found: digits.to_owned(), expected },
    }
}

fn parse_envelope(text: &str, line: u64, version: Option<u32>) -> Result<Fact, ReadError> {
    let other = |found| !is_known(found) || version.is_some_and(|version| found != u64::from(version));
    let wrong_version = |found| ReadError::Version { line, found, expected: version.unwrap_or(VERSION) };
    let envelope: Envelope = serde_json::from_str(text).map_err(|source| match version_of(text) {
        // A line of another version may have other fields; say that it is another version rather than what differs.
        Some(found) if other(found) => wrong_version(found),
        _ => ReadError::Envelope { line, source },
    })?;
    if other(envelope.v) {
        return Err(wrong_version(envelope.v));
    }
    // Version 1 writes null there, and every other version a link at the very end of the line.
    match (envelope.v, envelope.chain.get()) {
        (1, "null") => {}
        (1, found) => return Err(ReadError::Chained { line, found: found.to_owned() }),
        (version, _) if chain::split(text).is_none() => return Err(ReadError::Unchained { line, version }),
        _ => {}
    }
    if envelope.seq != line {
        return Err(ReadError::Sequence { line, found: envelope.seq, expected: line });
    }
    let kind = &*envelope.kind;
    let class = kind::class_of(kind).ok_or_else(|| ReadError::Kind { line, found: kind.to_owned() })?;
    match (line, class) {
        (1, Class::Header) | (2.., Class::Input | Class::Action | Class::Event | Class::Note) => {}
        (_, Class::Header) => return Err(ReadError::SecondHeader { line }),
        _ => return Err(ReadError::NoHeader { line, found: kind.to_owned() }),
    }
    let body = parse_body(class, Tagged { kind, body: envelope.body.map(RawValue::get) }, line)?;
    Ok(Fact { at: RigTime(envelope.t), arrival: envelope.at.map(RigTime), body })
}

/// What a line says its version is, if it is JSON that says so.
fn version_of(text: &str) -> Option<u64> {
    #[derive(Deserialize)]
    struct Versioned {
        v: u64,
    }
    serde_json::from_str::<Versioned>(text).ok().map(|versioned| versioned.v)
}

fn is_known(version: u64) -> bool {
    version == 1 || version == u64::from(VERSION)
}

fn parse_body(class: Class, tagged: Tagged<'_>, line: u64) -> Result<Body, ReadError> {
    let mut unknown = None;
    let mut ignored = |path: serde_ignored::Path<'_>| {
        unknown.get_or_insert_with(|| path.to_string());
    };
    let body = match class {
        Class::Header => {
            let mut deserializer = serde_json::Deserializer::from_str(tagged.body.unwrap_or("null"));
            serde_ignored::deserialize(&mut deserializer, &mut ignored).map(Body::Header)
        }
        Class::Input => serde_ignored::deserialize::<_, _, Input>(tagged, &mut ignored).map(Body::Input),
        Class::Action => serde_ignored::deserialize::<_, _, Action>(tagged, &mut ignored).map(Body::Action),
        Class::Event => serde_ignored::deserialize::<_, _, Event>(tagged, &mut ignored).map(Body::Event),
        Class::Note => serde_ignored::deserialize::<_, _, Note>(tagged, &mut ignored).map(Body::Note),
    };
    match (body, unknown) {
        (Err(source), _) => Err(ReadError::Body { line, kind: tagged.kind.to_owned(), source }),
        (Ok(_), Some(field)) => Err(ReadError::Field { line, kind: tagged.kind.to_owned(), field }),
        (Ok(body), None) => Ok(body),
    }
}
