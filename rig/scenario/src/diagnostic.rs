//! What is wrong with a file, and where: collected while reading, shown at the end, all of it at once.

use std::collections::BTreeSet;
use std::fmt;

use crate::limits::{MAX_DIAGNOSTICS, MAX_MESSAGE, MAX_NAME, MAX_SHOWN_COLUMNS};

/// One error in a file, with everything needed to show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// The line itself, cut to a readable length around the place, control characters replaced.
    pub source_line: String,
    pub message: String,
    /// What to do about it, as a sentence.
    pub suggestion: Option<String>,
    /// Characters to underline, from `column`.
    pub underline: usize,
    /// Characters that were cut off before the shown part of the line.
    cut: usize,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        writeln!(f, "error: {}", self.message)?;
        write!(f, "{margin}--> {}:{}:{}", self.file, self.line, self.column)?;
        if !self.source_line.is_empty() {
            let indent = " ".repeat((self.column - 1).saturating_sub(self.cut));
            writeln!(f, "\n{margin} |\n{number} | {}", self.source_line)?;
            write!(f, "{margin} | {indent}{}", "^".repeat(self.underline.max(1)))?;
        }
        match &self.suggestion {
            Some(help) => write!(f, "\n{margin} = help: {help}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Diagnostic {}

/// A place in one of the files: line from 1, column from 0, both in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub file: usize,
    pub line: usize,
    pub column: usize,
    pub length: usize,
}

impl Place {
    pub const fn top(file: usize) -> Self {
        Self { file, line: 1, column: 0, length: 1 }
    }

    /// `length` characters of this place, `offset` characters in.
    pub const fn part(self, offset: usize, length: usize) -> Self {
        Self { column: self.column + offset, length, ..self }
    }
}

/// Takes errors as they are found, each once, whatever number of cases trips over it.
#[derive(Debug, Default)]
pub(crate) struct Reporter {
    files: Vec<(String, String)>,
    found: BTreeSet<(Place, String, Option<String>)>,
    more: usize,
    /// Errors reported, the same one as often as it was met.
    met: usize,
}

impl Reporter {
    /// Makes a file known; its text is shown with errors.
    pub fn add_file(&mut self, path: &str, text: &str) -> usize {
        self.files.push((path.to_owned(), text.to_owned()));
        self.files.len() - 1
    }

    pub fn error(&mut self, at: Place, message: impl Into<String>) {
        self.push(at, message.into(), None);
    }

    pub fn error_with_help(&mut self, at: Place, message: impl Into<String>, help: impl Into<String>) {
        self.push(at, message.into(), Some(help.into()));
    }

    /// Errors met so far, also those met before in another case; to see whether a part was read without any.
    pub fn count(&self) -> usize {
        self.met
    }

    /// All errors in the order of files and lines.
    pub fn finish(self) -> Vec<Diagnostic> {
        let lines: Vec<Vec<&str>> = self.files.iter().map(|(_, text)| text.lines().collect()).collect();
        let show = |(at, message, suggestion): (Place, String, Option<String>)| {
            let line = lines[at.file].get(at.line.saturating_sub(1)).copied().unwrap_or("");
            diagnostic(self.files[at.file].0.clone(), at, line, message, suggestion)
        };
        let mut all: Vec<Diagnostic> = self.found.into_iter().map(show).collect();
        if let (Some(last), 1..) = (all.last().cloned(), self.more) {
            let message = format!("and {} more errors, which are not shown", self.more);
            all.push(Diagnostic { message, suggestion: None, source_line: String::new(), ..last });
        }
        all
    }

    fn push(&mut self, at: Place, message: String, help: Option<String>) {
        self.met += 1;
        let short = |text: String| if text.len() > MAX_MESSAGE { text.chars().take(MAX_MESSAGE).chain(['…']).collect() } else { text };
        let (message, help) = (short(message), help.map(short));
        if self.found.len() < MAX_DIAGNOSTICS {
            self.found.insert((at, message, help));
        } else if !self.found.contains(&(at, message, help)) {
            self.more += 1;
        }
    }
}

fn diagnostic(file: String, at: Place, line: &str, message: String, suggestion: Option<String>) -> Diagnostic {
    let cut = if at.column >= MAX_SHOWN_COLUMNS { at.column - MAX_SHOWN_COLUMNS / 4 } else { 0 };
    // A control character in a file must not reach a terminal: it could hide or recolour what follows.
    let source_line: String = line.chars().skip(cut).take(MAX_SHOWN_COLUMNS).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let room = source_line.chars().count().saturating_sub(at.column - cut);
    let message = message.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    Diagnostic {
        file,
        line: at.line,
        column: at.column + 1,
        source_line: source_line.trim_end().to_owned(),
        message,
        suggestion,
        underline: at.length.clamp(1, room.max(1)),
        cut,
    }
}

/// The nearest of the words, if one is near enough to have been meant.
pub(crate) fn nearest<'a>(word: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    /// Below this, Jaro–Winkler calls almost any two short words alike.
    const NEAR: f64 = 0.8;
    // The comparison is quadratic in length, and nothing in the vocabularies is longer than a name.
    if word.len() > MAX_NAME {
        return None;
    }
    let lower = word.to_lowercase();
    words
        .into_iter()
        .filter(|w| w.len() <= MAX_NAME)
        .map(|w| (strsim::jaro_winkler(&lower, &w.to_lowercase()), w))
        .filter(|(near, _)| *near >= NEAR)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, w)| w)
}

/// "`a`, `b` or `c`".
pub(crate) fn one_of<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<String> = words.into_iter().map(|w| format!("`{w}`")).collect();
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// Help for a word that is none of these: the nearest, or the list.
pub(crate) fn help_for(word: &str, words: &[&str]) -> String {
    match nearest(word, words.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("it may be {}", one_of(words.iter().copied())),
    }
}
