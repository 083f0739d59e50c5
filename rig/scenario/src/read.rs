//! Typed reading of the tree: maps against their tables, scalars as quantities, words and names. Every mistake is reported and reading goes on.

use rig_model::Name;
use rig_model::quantity::{Dimension, Flow, Pressure, Volume};
use rig_model::time::Span;

use crate::diagnostic::{Place, Reporter, help_for, one_of};
use crate::exact::{Quantity, article, units_of};
use crate::expression::{Scope, Trouble, Value, evaluate, looks_like_quantity, unknown_parameter};
use crate::grammar::{Form, Key};
use crate::limits::{MAX_NAME, MAX_TEXT, MAX_VALUES};
use crate::node::{Entry, Kind, Node};

/// A map whose keys are known to be allowed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'n> {
    pub at: Place,
    /// No key was unknown or missing. Otherwise what seems to be left out may only be misspelled.
    pub sound: bool,
    entries: &'n [Entry],
}

impl<'n> Fields<'n> {
    pub fn get(&self, key: &str) -> Option<&'n Node> {
        self.entries.iter().find(|e| e.key == key).map(|e| &e.value)
    }

    pub fn key_at(&self, key: &str) -> Place {
        self.entries.iter().find(|e| e.key == key).map_or(self.at, |e| e.key_at)
    }
}

/// What stands behind a number's sign or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    Any,
    NotNegative,
    Positive,
}

/// Reads with the parameters in scope.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    pub out: &'a mut Reporter,
    pub scope: Scope,
}

impl Reader<'_> {
    /// A map with these keys; unknown and missing ones are reported.
    pub fn map<'n>(&mut self, node: &'n Node, keys: &[Key], place: &str) -> Option<Fields<'n>> {
        let entries = self.entries(node, place)?;
        let before = self.out.count();
        let names: Vec<&str> = keys.iter().map(|k| k.name).collect();
        self.report_unknown(entries, &names, place);
        self.report_missing(node.at, entries, keys, place);
        Some(Fields { at: node.at, sound: self.out.count() == before, entries })
    }

    /// A map that is one of several forms; which one, its head's value, and its fields.
    pub fn form<'n, 'f>(&mut self, node: &'n Node, forms: &'f [Form], place: &str) -> Option<(&'f Form, &'n Node, Fields<'n>)> {
        let entries = self.entries(node, place)?;
        let heads: Vec<&str> = forms.iter().map(|f| f.head.name).collect();
        // A key that heads one form may be a plain key of another (`volume` of `refill`): the first in the file decides.
        let Some(head) = entries.iter().find(|e| heads.contains(&e.key.as_str())) else {
            match entries.first() {
                Some(first) => {
                    self.out.error_with_help(first.key_at, format!("unknown key `{}` in {place}", first.key), help_for(&first.key, &heads));
                }
                None => self.out.error_with_help(
                    node.at,
                    format!("{place} says nothing"),
                    format!("it has one of {}", one_of(heads.iter().copied())),
                ),
            }
            return None;
        };
        let form = forms.iter().find(|f| f.head.name == head.key)?;
        let before = self.out.count();
        let names: Vec<&str> = std::iter::once(form.head.name).chain(form.more.iter().map(|k| k.name)).collect();
        for entry in entries.iter().filter(|e| heads.contains(&e.key.as_str()) && !names.contains(&e.key.as_str())) {
            let message = format!("`{}` and `{}` can't stand together in {place}", head.key, entry.key);
            self.out.error_with_help(entry.key_at, message, "make two of it");
        }
        let unknown = |e: &&Entry| !names.contains(&e.key.as_str()) && !heads.contains(&e.key.as_str());
        for entry in entries.iter().filter(unknown) {
            let message = format!("unknown key `{}` beside `{}`", entry.key, head.key);
            self.out.error_with_help(entry.key_at, message, help_for(&entry.key, &names));
        }
        self.report_missing(head.key_at, entries, form.more, &format!("`{}`", head.key));
        Some((form, &head.value, Fields { at: head.key_at, sound: self.out.count() == before, entries }))
    }

    /// The items of a list; the node itself as the only item where single values are allowed.
    pub fn list<'n>(&mut self, node: &'n Node, key: &str) -> Option<&'n [Node]> {
        match &node.kind {
            Kind::List(items) => Some(items),
            _ => {
                self.out.error_with_help(
                    node.at,
                    format!("`{key}` wants a list, not {}", node.what()),
                    "a list is `[a, b]`, or lines that begin with `- `",
                );
                None
            }
        }
    }

    /// One value or a list of them.
    pub fn one_or_more<'n>(&mut self, node: &'n Node, key: &str) -> &'n [Node] {
        match &node.kind {
            Kind::List(items) if items.is_empty() => {
                self.out.error(node.at, format!("`{key}` is an empty list"));
                items
            }
            Kind::List(items) if items.len() > MAX_VALUES => {
                self.out.error(node.at, format!("`{key}` has more than {MAX_VALUES} values"));
                &[]
            }
            Kind::List(items) => items,
            _ => std::slice::from_ref(node),
        }
    }

    /// A map with free keys.
    pub fn entries<'n>(&mut self, node: &'n Node, place: &str) -> Option<&'n [Entry]> {
        match &node.kind {
            Kind::Map(entries) => Some(entries),
            _ => {
                self.out.error_with_help(
                    node.at,
                    format!("{place} wants a map, not {}", node.what()),
                    "a map is `{ key: value }`, or lines of `key: value`",
                );
                None
            }
        }
    }

    /// The text of a scalar as written.
    pub fn text<'n>(&mut self, node: &'n Node, key: &str) -> Option<&'n str> {
        match node.scalar() {
            Some(text) if text.len() > MAX_TEXT => {
                self.out.error(node.at, format!("`{key}` is longer than {MAX_TEXT} characters"));
                None
            }
            Some(text) if !text.trim().is_empty() => Some(text),
            _ => {
                self.out.error(node.at, format!("`{key}` wants a value, not {}", node.what()));
                None
            }
        }
    }

    /// A word, put in where `$name` stands.
    pub fn word(&mut self, node: &Node, key: &str) -> Option<String> {
        let text = self.text(node, key)?;
        let Some(name) = text.strip_prefix('$') else {
            return Some(text.to_owned());
        };
        match self.scope.get(name) {
            Some(Value::Word(word)) => return Some(word.clone()),
            Some(Value::Quantity(quantity)) => {
                self.out.error(node.at, format!("`{key}` wants a word; `${name}` is {}", article(quantity.dimension)));
            }
            None => {
                let (message, help) = unknown_parameter(name, &self.scope);
                self.out.error_with_help(node.at, message, help);
            }
        }
        None
    }

    /// One of these words.
    pub fn choice(&mut self, node: &Node, key: &str, words: &[&'static str]) -> Option<&'static str> {
        let word = self.word(node, key)?;
        let found = words.iter().copied().find(|w| *w == word);
        if found.is_none() {
            self.out.error_with_help(node.at, format!("`{key}` can't be `{word}`"), help_for(&word, words));
        }
        found
    }

    /// A name: ASCII letters, digits, `.`, `_`, `-`, beginning with a letter.
    pub fn name(&mut self, node: &Node, key: &str) -> Option<Name> {
        let word = self.word(node, key)?;
        let good = word.len() <= MAX_NAME
            && word.starts_with(|c: char| c.is_ascii_alphabetic())
            && word.chars().all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c));
        if !good {
            let help = format!("a name begins with a letter and has letters, digits, `.`, `-` and `_`, at most {MAX_NAME}");
            self.out.error_with_help(node.at, format!("`{word}` is not a name"), help);
            return None;
        }
        Some(word.into())
    }

    /// A quantity of any dimension. `wanted` only serves the messages.
    pub fn any_quantity(&mut self, node: &Node, key: &str, wanted: Option<Dimension>) -> Option<Quantity> {
        let text = self.text(node, key)?;
        if let Some(wanted) = wanted.filter(|_| !looks_like_quantity(text.trim_start())) {
            let help = match wanted {
                Dimension::Count => "for example `12`".to_owned(),
                wanted => format!("for example `2 {}`; units of {}: {}", wanted.unit(), wanted.name(), units_of(wanted)),
            };
            self.out.error_with_help(node.at, format!("`{key}` wants {}; `{text}` is a word", article(wanted)), help);
            return None;
        }
        let result = evaluate(text, &self.scope, wanted);
        self.or_trouble(node, 0, result)
    }

    /// A quantity of this dimension.
    pub fn quantity(&mut self, node: &Node, key: &str, wanted: Dimension, sign: Sign) -> Option<Quantity> {
        let quantity = self.any_quantity(node, key, Some(wanted))?;
        self.fits(node, key, quantity, wanted, sign)
    }

    /// A quantity of one of these dimensions; the first is the one that messages about its text speak of.
    pub fn one_of(&mut self, node: &Node, key: &str, wanted: &[Dimension], sign: Sign) -> Option<Quantity> {
        let quantity = self.any_quantity(node, key, wanted.first().copied())?;
        if wanted.contains(&quantity.dimension) {
            return self.fits(node, key, quantity, quantity.dimension, sign);
        }
        let names: Vec<String> = wanted.iter().map(|d| format!("{} ({})", article(*d), units_of(*d))).collect();
        let text = node.scalar().unwrap_or_default();
        self.out.error(node.at, format!("`{key}` wants {}; `{text}` {}", names.join(" or "), found(quantity)));
        None
    }

    /// 0 % to 100 %, in %.
    pub fn share(&mut self, node: &Node, key: &str) -> Option<f64> {
        let share = self.quantity(node, key, Dimension::Ratio, Sign::NotNegative)?.to_f64();
        if share > 100.0 {
            self.out.error(node.at, format!("`{key}` is at most 100 %"));
            return None;
        }
        Some(share)
    }

    /// How much a clock goes fast, in parts per million; less than half of all time either way.
    pub fn clock(&mut self, node: &Node, key: &str) -> Option<f64> {
        let percent = self.quantity(node, key, Dimension::Ratio, Sign::Any)?.to_f64();
        if percent.abs() > 50.0 {
            self.out.error(node.at, format!("`{key}` is at most 50 % fast or slow"));
            return None;
        }
        Some(percent * 1e4)
    }

    pub fn time(&mut self, node: &Node, key: &str, sign: Sign) -> Option<Span> {
        let quantity = self.quantity(node, key, Dimension::Time, sign)?;
        let span = quantity.to_span();
        if span.is_none() {
            self.out.error(node.at, format!("`{key}` is longer than ten years"));
        }
        span
    }

    pub fn volume(&mut self, node: &Node, key: &str) -> Option<Volume> {
        self.quantity(node, key, Dimension::Volume, Sign::NotNegative).map(|q| Volume(q.to_f64()))
    }

    pub fn flow(&mut self, node: &Node, key: &str) -> Option<Flow> {
        self.quantity(node, key, Dimension::Flow, Sign::NotNegative).map(|q| Flow(q.to_f64()))
    }

    pub fn pressure(&mut self, node: &Node, key: &str) -> Option<Pressure> {
        self.quantity(node, key, Dimension::Pressure, Sign::Any).map(|q| Pressure(q.to_f64()))
    }

    /// A whole number from 1 (or 0) to `most`.
    pub fn whole(&mut self, node: &Node, key: &str, least: u64, most: u64) -> Option<u64> {
        let quantity = self.quantity(node, key, Dimension::Count, Sign::Any)?;
        let number = quantity.value.is_integer().then(|| u64::try_from(quantity.value.to_integer()).ok()).flatten();
        let fits = number.filter(|n| (least..=most).contains(n));
        if fits.is_none() {
            self.out.error(node.at, format!("`{key}` wants a whole number from {least} to {most}"));
        }
        fits
    }

    /// The value of a parameter: arithmetic, or a word.
    pub fn value(&mut self, node: &Node, key: &str) -> Option<Value> {
        let text = self.text(node, key)?;
        if let Some(value) = text.strip_prefix('$').and_then(|name| self.scope.get(name)) {
            return Some(value.clone());
        }
        if looks_like_quantity(text) {
            return self.any_quantity(node, key, None).map(Value::Quantity);
        }
        if text.len() > MAX_NAME {
            self.out.error(node.at, format!("`{key}` is neither a quantity nor a word of at most {MAX_NAME} characters"));
            return None;
        }
        Some(Value::Word(text.to_owned()))
    }

    /// Sees to dimension and sign of a value.
    pub fn fits(&mut self, node: &Node, key: &str, quantity: Quantity, wanted: Dimension, sign: Sign) -> Option<Quantity> {
        if quantity.dimension != wanted {
            let text = node.scalar().unwrap_or_default();
            let units = if wanted == Dimension::Count { String::new() } else { format!(" ({})", units_of(wanted)) };
            let message = format!("`{key}` wants {}{units}; `{text}` {}", article(wanted), found(quantity));
            match (wanted, quantity.dimension) {
                (Dimension::Time, Dimension::Length) => self.out.error_with_help(node.at, message, "`m` is metres; minutes are `min`"),
                (Dimension::Length, Dimension::Time) => self.out.error_with_help(node.at, message, "`min` is minutes; metres are `m`"),
                _ => self.out.error(node.at, message),
            }
            return None;
        }
        let zero = num_traits::Zero::is_zero(&quantity.value);
        let negative = *quantity.value.numer() < 0;
        let bad = match sign {
            Sign::Any => false,
            Sign::NotNegative => negative,
            Sign::Positive => negative || zero,
        };
        if bad {
            let limit = if sign == Sign::Positive { "must be more than zero" } else { "can't be negative" };
            self.out.error(node.at, format!("`{key}` {limit}"));
            return None;
        }
        Some(quantity)
    }

    /// Reports trouble in a text that stands `offset` characters inside the node's.
    pub fn or_trouble<T>(&mut self, node: &Node, offset: usize, result: Result<T, Trouble>) -> Option<T> {
        let trouble = match result {
            Ok(value) => return Some(value),
            Err(trouble) => trouble,
        };
        let at = node.part(offset + trouble.offset, trouble.length);
        match trouble.help {
            Some(help) => self.out.error_with_help(at, trouble.message, help),
            None => self.out.error(at, trouble.message),
        }
        None
    }

    fn report_unknown(&mut self, entries: &[Entry], names: &[&str], place: &str) {
        for entry in entries.iter().filter(|e| !names.contains(&e.key.as_str())) {
            self.out.error_with_help(entry.key_at, format!("unknown key `{}` in {place}", entry.key), help_for(&entry.key, names));
        }
    }

    fn report_missing(&mut self, at: Place, entries: &[Entry], keys: &[Key], place: &str) {
        for key in keys.iter().filter(|k| k.needed && entries.iter().all(|e| e.key != k.name)) {
            self.out.error(at, format!("{place} lacks `{}` ({})", key.name, key.doc.trim_matches(|c| c == '…' || c == ' ')));
        }
    }
}

/// What a quantity is, where another one was wanted.
fn found(quantity: Quantity) -> String {
    match quantity.dimension {
        Dimension::Count => "has no unit".to_owned(),
        other => format!("is {}", article(other)),
    }
}
