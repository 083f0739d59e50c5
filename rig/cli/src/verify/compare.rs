//! A writer that holds what is written to it against a file that is there already, in one pass and flat memory.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rig_evidence::{FileDigest, Sha256Hex};
use rig_report::HashingWriter;

/// What a line is shown of at the most.
const SHOWN: usize = 2000;
const BUFFER: usize = 64 * 1024;

/// Given to a view in the place of its file. Its other end is a [`Comparison`].
#[derive(Debug)]
pub struct Comparing(Arc<Mutex<State>>);

/// What became of the file that a view was held against.
#[derive(Debug)]
pub struct Comparison(Arc<Mutex<State>>);

/// The first line in which a file is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// From 1.
    pub line: u64,
    /// What should be there; nothing where the file should have ended.
    pub expected: String,
    pub found: String,
}

struct State {
    found: Box<dyn BufRead + Send>,
    hash: HashingWriter<io::Sink>,
    scratch: Vec<u8>,
    line: u64,
    /// Of the line that is being compared, as far as both agree.
    so_far: Line,
    /// What should be there and what is there, from where both stop to agree.
    differ: Option<(Line, Line)>,
}

/// The beginning of a line that arrives in pieces.
#[derive(Debug, Clone, Default)]
struct Line {
    bytes: Vec<u8>,
    ended: bool,
}

impl Line {
    fn push(&mut self, bytes: &[u8]) {
        if self.ended {
            return;
        }
        let end = bytes.iter().position(|byte| *byte == b'\n');
        self.ended = end.is_some();
        let room = SHOWN.saturating_sub(self.bytes.len());
        self.bytes.extend(bytes[..end.unwrap_or(bytes.len())].iter().take(room));
    }

    fn text(&self) -> String {
        let line = self.bytes.strip_suffix(b"\r").unwrap_or(&self.bytes);
        if line.is_empty() && !self.ended { "nothing".to_owned() } else { String::from_utf8_lossy(line).into_owned() }
    }
}

/// Both ends of a comparison with a file.
pub fn compare(found: Box<dyn Read + Send>) -> (Comparing, Comparison) {
    let state = Arc::new(Mutex::new(State {
        found: Box::new(BufReader::with_capacity(BUFFER, found)),
        hash: HashingWriter::new(io::sink()),
        scratch: Vec::new(),
        line: 1,
        so_far: Line::default(),
        differ: None,
    }));
    (Comparing(state.clone()), Comparison(state))
}

impl Comparison {
    /// All that should be there was written. Reads what is left of the file.
    pub fn finish(self) -> io::Result<(FileDigest, Option<Difference>)> {
        let mut state = lock(&self.0);
        let state = &mut *state;
        let mut rest = Line::default();
        loop {
            let bytes = state.found.fill_buf()?;
            let n = bytes.len();
            if n == 0 {
                break;
            }
            rest.push(bytes);
            state.hash.write_all(bytes)?;
            state.found.consume(n);
        }
        if state.differ.is_none() && (rest.ended || !rest.bytes.is_empty()) {
            state.differ = Some((state.so_far.clone(), state.so_far.clone()));
        }
        let line = state.line;
        let difference = state.differ.take().map(|(expected, mut found)| {
            found.push(&rest.bytes);
            found.ended |= rest.ended;
            Difference { line, expected: expected.text(), found: found.text() }
        });
        let digest = state.hash.digest();
        let sha256 = Sha256Hex::parse(&digest.sha256).ok_or_else(|| io::Error::other("a digest that is none"))?;
        Ok((FileDigest { sha256, bytes: digest.bytes }, difference))
    }
}

impl Write for Comparing {
    fn write(&mut self, expected: &[u8]) -> io::Result<usize> {
        lock(&self.0).take(expected)?;
        Ok(expected.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl State {
    fn take(&mut self, expected: &[u8]) -> io::Result<()> {
        self.scratch.resize(expected.len(), 0);
        let there = fill(&mut self.found, &mut self.scratch)?;
        let found = &self.scratch[..there];
        self.hash.write_all(found)?;
        if let Some((should, is)) = &mut self.differ {
            should.push(expected);
            is.push(found);
            return Ok(());
        }
        let same = if expected == found { there } else { expected.iter().zip(found).take_while(|(a, b)| a == b).count() };
        let agreed = &expected[..same];
        if let Some(last) = agreed.iter().rposition(|byte| *byte == b'\n') {
            self.line += agreed.iter().filter(|byte| **byte == b'\n').count() as u64;
            self.so_far = Line::default();
            self.so_far.push(&agreed[last + 1..]);
        } else {
            self.so_far.push(agreed);
        }
        if same < expected.len() {
            let (mut should, mut is) = (self.so_far.clone(), self.so_far.clone());
            should.push(&expected[same..]);
            is.push(&found[same..]);
            self.differ = Some((should, is));
        }
        Ok(())
    }
}

/// How much there was.
fn fill(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match from.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// A view that panicked while it held the lock left nothing half done that matters here.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("line", &self.line).field("differ", &self.differ).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes `expected` in pieces of `size` against `found`.
    fn compared(expected: &str, found: &str, size: usize) -> Option<(u64, String, String)> {
        let (mut writer, comparison) = compare(Box::new(io::Cursor::new(found.as_bytes().to_vec())));
        expected.as_bytes().chunks(size).for_each(|piece| writer.write_all(piece).unwrap());
        let (digest, difference) = comparison.finish().unwrap();
        assert_eq!(digest, FileDigest { sha256: Sha256Hex::of(found), bytes: found.len() as u64 }, "the file is hashed whatever is in it");
        difference.map(|d| (d.line, d.expected, d.found))
    }

    #[test]
    fn the_first_line_that_differs_is_told_with_both() {
        for (expected, found, difference) in [
            ("", "", None),
            ("a\r\nb\r\n", "a\r\nb\r\n", None),
            ("a\r\nb,1\r\nc\r\n", "a\r\nb,2\r\nc\r\n", Some((2, "b,1", "b,2"))),
            ("a\nbcd\nc\n", "a\nb\nc\n", Some((2, "bcd", "b"))),
            ("a\nb\nc\n", "a\nb\n", Some((3, "c", "nothing"))),
            ("a\nb\n", "a\nb\nc\n", Some((3, "nothing", "c"))),
            ("a\nb\n", "a\nb\n\n", Some((3, "nothing", ""))),
            ("a\nb\n", "a\nb", Some((2, "b", "b"))),
            ("a\nb", "a\nb\n", Some((2, "b", "b"))),
            ("a\n", "", Some((1, "a", "nothing"))),
            ("", "a", Some((1, "nothing", "a"))),
        ] {
            for size in [1, 2, 3, 100] {
                let difference = difference.map(|(line, a, b): (u64, &str, &str)| (line, a.to_owned(), b.to_owned()));
                assert_eq!(compared(expected, found, size), difference, "{expected:?} against {found:?} in pieces of {size}");
            }
        }
    }

    #[test]
    fn a_line_of_any_length_is_shown_in_part() {
        let (expected, found) = ("x".repeat(100_000), "y".repeat(1_000_000));
        let (line, a, b) = compared(&expected, &found, 4096).unwrap();
        assert_eq!((line, a.len(), b.len()), (1, SHOWN, SHOWN));
    }
}
