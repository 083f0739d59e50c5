//! TOML text to the same tree that YAML is read into, so that both have the same checks and the same diagnostics.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostic::{Place, Reporter};
use crate::node::{Entry, Kind, Node, Scalar};

/// The tree of a TOML file; all syntax errors are reported, and then there is none.
pub(crate) fn parse(file: usize, text: &str, out: &mut Reporter) -> Option<Node> {
    let lines = Lines::new(file, text);
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let at = error.span().map_or(Place::top(file), |span| lines.place(span));
        out.error(at, format!("not TOML: {}", error.message().trim()));
    }
    errors.is_empty().then(|| lines.table(Place::top(file), root.get_ref()))
}

/// Where lines begin, to find places from bytes.
struct Lines<'t> {
    file: usize,
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    fn new(file: usize, text: &'t str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(i, _)| i + 1)).collect();
        Self { file, text, starts }
    }

    fn place(&self, span: std::ops::Range<usize>) -> Place {
        let line = self.starts.partition_point(|start| *start <= span.start).max(1);
        let start = self.starts[line - 1];
        let characters = |range: std::ops::Range<usize>| self.text.get(range).map_or(0, |t| t.chars().count());
        let end = span.end.min(self.starts.get(line).copied().unwrap_or(self.text.len()));
        Place { file: self.file, line, column: characters(start..span.start), length: characters(span.start..end.max(span.start)).max(1) }
    }

    fn table(&self, at: Place, table: &DeTable<'_>) -> Node {
        let mut entries: Vec<Entry> = table
            .iter()
            .map(|(key, value)| Entry { key: key.get_ref().to_string(), key_at: self.place(key.span()), value: self.value(value) })
            .collect();
        // The library keeps tables sorted by name; errors are shown in the order of the file anyway, and so is everything else here.
        entries.sort_by_key(|e| e.key_at);
        Node { at, kind: Kind::Map(entries) }
    }

    fn value(&self, value: &Spanned<DeValue<'_>>) -> Node {
        let at = self.place(value.span());
        let text = match value.get_ref() {
            DeValue::Table(table) => return self.table(at, table),
            DeValue::Array(items) => {
                return Node { at, kind: Kind::List(items.iter().map(|item| self.value(item)).collect()) };
            }
            DeValue::String(text) => {
                let text = text.to_string();
                let offset = (text.chars().count() + 2 == at.length).then_some(1);
                return Node { at, kind: Kind::Scalar(Scalar { text, offset }) };
            }
            DeValue::Integer(number) => number.to_string(),
            DeValue::Float(number) => number.to_string(),
            DeValue::Boolean(switch) => switch.to_string(),
            DeValue::Datetime(date) => date.to_string(),
        };
        Node { at, kind: Kind::Scalar(Scalar { text, offset: None }) }
    }
}
