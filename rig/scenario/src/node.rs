//! The tree that YAML and TOML files are read into: scalars as written, lists, maps in order, each with its place.

use crate::diagnostic::Place;

#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub at: Place,
    pub kind: Kind,
}

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    /// The text as written, quotes and escapes resolved.
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

#[derive(Debug, Clone)]
pub(crate) struct Scalar {
    pub text: String,
    /// Characters from the node's place to the text's first, if the text stands there as it is (not folded, not escaped).
    pub offset: Option<usize>,
}

#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub key: String,
    pub key_at: Place,
    pub value: Node,
}

impl Node {
    pub fn scalar(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar(scalar) => Some(&scalar.text),
            Kind::List(_) | Kind::Map(_) => None,
        }
    }

    /// A scalar that stands in no file.
    pub fn text(text: &str) -> Self {
        Self { at: Place::top(0), kind: Kind::Scalar(Scalar { text: text.to_owned(), offset: None }) }
    }

    pub fn is_empty(&self) -> bool {
        self.scalar().is_some_and(str::is_empty)
    }

    /// The place of some characters of the scalar's text, or of the whole where they can't be found in the file.
    pub fn part(&self, offset: usize, length: usize) -> Place {
        match &self.kind {
            Kind::Scalar(Scalar { offset: Some(first), .. }) => self.at.part(first + offset, length.max(1)),
            _ => self.at,
        }
    }

    /// How people call what stands here.
    pub fn what(&self) -> &'static str {
        match &self.kind {
            Kind::Scalar(scalar) if scalar.text.is_empty() => "nothing",
            Kind::Scalar(_) => "a single value",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
        }
    }

    /// Calls `visit` with every text in the tree, keys and values.
    pub fn for_each_text(&self, visit: &mut impl FnMut(&str)) {
        match &self.kind {
            Kind::Scalar(scalar) => visit(&scalar.text),
            Kind::List(items) => items.iter().for_each(|n| n.for_each_text(visit)),
            Kind::Map(entries) => entries.iter().for_each(|e| {
                visit(&e.key);
                e.value.for_each_text(visit);
            }),
        }
    }

    /// The entries of the map at this key; none if there is no map.
    pub fn entries(&self, key: &str) -> &[Entry] {
        match self.get(key).map(|n| &n.kind) {
            Some(Kind::Map(entries)) => entries,
            _ => &[],
        }
    }

    /// The value of a key of this map.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.kind {
            Kind::Map(entries) => entries.iter().find(|e| e.key == key).map(|e| &e.value),
            _ => None,
        }
    }
}
