//! YAML text to the tree. One document, no anchors, aliases, tags or merge keys, no key twice, bounded depth.

use std::iter::Peekable;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span, StrInput};

use crate::diagnostic::{Place, Reporter};
use crate::limits::{MAX_KEYS, MAX_NESTING};
use crate::node::{Entry, Kind, Node, Scalar};

/// The tree of a file, or `None` after an error that leaves nothing to read on with.
pub(crate) fn parse(file: usize, text: &str, out: &mut Reporter) -> Option<Node> {
    let events = Events { parser: Parser::new_from_str(text), ended: false }.peekable();
    let mut builder = Builder { file, events, out };
    let node = builder.document();
    node.map_err(|(at, message, help)| match help {
        Some(help) => builder.out.error_with_help(at, message, help),
        None => builder.out.error(at, message),
    })
    .ok()
}

type Stop = (Place, String, Option<String>);

/// The parser's events up to the first error, which ends them.
struct Events<'t> {
    parser: Parser<'t, StrInput<'t>>,
    ended: bool,
}

impl<'t> Iterator for Events<'t> {
    type Item = Result<(Event<'t>, Span), (Marker, String)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.parser.next_event()?;
        self.ended = next.is_err();
        Some(next.map_err(|e| (*e.marker(), e.info().to_owned())))
    }
}

struct Builder<'t, 'o> {
    file: usize,
    events: Peekable<Events<'t>>,
    out: &'o mut Reporter,
}

impl Builder<'_, '_> {
    fn document(&mut self) -> Result<Node, Stop> {
        let top = Place::top(self.file);
        let mut root = None;
        loop {
            let (event, span) = match self.events.peek() {
                None => break,
                Some(Err(_)) => return Err(self.failed()),
                Some(Ok((event, span))) => (event.clone(), *span),
            };
            match event {
                Event::Scalar(..) | Event::SequenceStart(..) | Event::MappingStart(..) | Event::Alias(_) => {
                    root = Some(self.node(0)?);
                    continue;
                }
                Event::DocumentStart(_) if root.is_some() => {
                    let help = "put each scenario into a file of its own".to_owned();
                    return Err((self.place(&span), "a second YAML document in one file".to_owned(), Some(help)));
                }
                _ => {}
            }
            self.events.next();
        }
        root.ok_or((top, "the file is empty".to_owned(), None))
    }

    fn node(&mut self, depth: usize) -> Result<Node, Stop> {
        let (event, span) = match self.events.next() {
            Some(Ok(next)) => next,
            Some(Err((marker, info))) => return Err(self.scan_error(&marker, &info)),
            None => return Err((Place::top(self.file), "the file ends too early".to_owned(), None)),
        };
        let at = self.place(&span);
        if depth > MAX_NESTING {
            return Err((at, format!("nested deeper than {MAX_NESTING} levels"), None));
        }
        let (anchor, tagged) = match &event {
            Event::Scalar(_, _, anchor, tag) => (*anchor, tag.is_some()),
            Event::SequenceStart(anchor, tag) | Event::MappingStart(anchor, tag) => (*anchor, tag.is_some()),
            Event::Alias(id) => (*id, false),
            _ => (0, false),
        };
        if anchor != 0 || matches!(event, Event::Alias(_)) {
            let help = "use a parameter, or a fragment with `include:`; a text that begins with `&` or `*` goes into quotes".to_owned();
            return Err((at, "YAML anchors and aliases are not taken".to_owned(), Some(help)));
        }
        if tagged {
            let help = "a text that begins with `!` goes into quotes".to_owned();
            return Err((at, "YAML tags are not taken".to_owned(), Some(help)));
        }
        let kind = match event {
            Event::Scalar(text, style, ..) => return Ok(scalar(at, &span, &text, style)),
            Event::SequenceStart(..) => Kind::List(self.list(depth)?),
            Event::MappingStart(..) => Kind::Map(self.map(depth)?),
            _ => return Err((at, "a value was expected here".to_owned(), None)),
        };
        Ok(Node { at, kind })
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Node>, Stop> {
        let mut items = Vec::new();
        while !self.at_end(&Event::SequenceEnd)? {
            items.push(self.node(depth + 1)?);
        }
        Ok(items)
    }

    fn map(&mut self, depth: usize) -> Result<Vec<Entry>, Stop> {
        let mut entries: Vec<Entry> = Vec::new();
        while !self.at_end(&Event::MappingEnd)? {
            let key = self.node(depth + 1)?;
            let value = self.node(depth + 1)?;
            let Some(name) = key.scalar() else {
                return Err((key.at, "a key must be a single word".to_owned(), None));
            };
            if entries.iter().any(|e| e.key == name) {
                self.out.error(key.at, format!("`{name}` stands twice in this map"));
                continue;
            }
            if entries.len() == MAX_KEYS {
                return Err((key.at, format!("more than {MAX_KEYS} keys in one map"), None));
            }
            entries.push(Entry { key: name.to_owned(), key_at: key.at, value });
        }
        Ok(entries)
    }

    /// Whether the next event is this end, which is then taken.
    fn at_end(&mut self, end: &Event<'_>) -> Result<bool, Stop> {
        match self.events.peek() {
            Some(Ok((event, _))) if event == end => {
                self.events.next();
                Ok(true)
            }
            Some(Ok(_)) => Ok(false),
            Some(Err(_)) => Err(self.failed()),
            None => Err((Place::top(self.file), "the file ends too early".to_owned(), None)),
        }
    }

    fn failed(&mut self) -> Stop {
        match self.events.next() {
            Some(Err((marker, info))) => self.scan_error(&marker, &info),
            _ => (Place::top(self.file), "not YAML".to_owned(), None),
        }
    }

    fn scan_error(&self, marker: &Marker, info: &str) -> Stop {
        let at = Place { file: self.file, line: marker.line().max(1), column: marker.col(), length: 1 };
        (at, format!("not YAML: {info}"), None)
    }

    fn place(&self, span: &Span) -> Place {
        let length = if span.start.line() == span.end.line() { span.len().max(1) } else { 1 };
        Place { file: self.file, line: span.start.line().max(1), column: span.start.col(), length }
    }
}

fn scalar(at: Place, span: &Span, text: &str, style: ScalarStyle) -> Node {
    let length = text.chars().count();
    let one_line = span.start.line() == span.end.line();
    // Quotes count two characters; when the lengths agree nothing was escaped or folded.
    let offset = match style {
        ScalarStyle::Plain if one_line => Some(0),
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted if one_line && span.len() == length + 2 => Some(1),
        _ => None,
    };
    let at = if style == ScalarStyle::Plain && offset.is_some() { Place { length: length.max(1), ..at } } else { at };
    let plain_null = style == ScalarStyle::Plain && matches!(text, "~" | "null" | "Null" | "NULL");
    let text = if plain_null { String::new() } else { text.to_owned() };
    Node { at, kind: Kind::Scalar(Scalar { text, offset }) }
}
