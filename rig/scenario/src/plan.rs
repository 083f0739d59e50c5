//! The test plan: what a person approves before it is played.

use std::collections::BTreeSet;

use rig_model::Name;

use crate::bench_provenance::HASH_DIGITS;
use crate::diagnostic::{Diagnostic, Place, Reporter};
use crate::expression::Scope;
use crate::grammar::{Key, Ty};
use crate::limits::{MAX_FILE_BYTES, MAX_PLAN_ITEMS, MAX_PLAN_REPEATS, MAX_PLAN_TESTS};
use crate::node::Node;
use crate::read::{Fields, Reader};
use crate::toml_tree;

/// A plan file, checked as far as its own text goes. Nothing that it names was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestPlan {
    pub id: Name,
    /// From 1.
    pub revision: u64,
    pub title: String,
    /// Why it is tested like this: why these boards, these scenarios and so many repeats.
    pub why: String,
    /// What is other than in the revision before, and why; there is one from the second revision on.
    pub changes: Option<String>,
    /// One or more, each name once.
    pub tests: Vec<PlannedTest>,
}

/// Scenarios to be played with one firmware on one bench, on each of some boards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedTest {
    pub name: Name,
    /// Serial numbers, one or more, each once.
    pub duts: Vec<String>,
    /// What the bench file names as the board's model, where the plan says it too.
    pub model: Option<String>,
    pub firmware: PlannedFirmware,
    /// Path of the bench file.
    pub bench: String,
    /// Paths of scenario files and folders, as `rig run` takes them; one or more.
    pub scenarios: Vec<String>,
    /// Only scenarios with one of these tags; all where there is none.
    pub tags: Vec<String>,
    /// Only cases whose name holds this.
    pub filter: Option<String>,
    /// How often each case is played on each board: 1 to 1,000.
    pub repeats: u64,
}

/// By what a board shows that it runs the firmware that is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlannedFirmware {
    /// Its build hash as it is read back, hexadecimal in lower case.
    Hash(String),
    /// Path of the image, which is looked at when the plan is approved.
    Image(String),
}

const fn must(name: &'static str, ty: Ty, doc: &'static str) -> Key {
    Key { name, ty, needed: true, doc }
}
const fn may(name: &'static str, ty: Ty, doc: &'static str) -> Key {
    Key { name, ty, needed: false, doc }
}

const PLAN: &[Key] = &[
    must("plan", Ty::Name, "the plan's id"),
    must("title", Ty::Text, "what is tested, in one line"),
    must("why", Ty::Text, "why these boards, these scenarios and so many repeats"),
    may("revision", Ty::Number, "which revision of the plan, from 1"),
    may("changes", Ty::Text, "what is other than in the revision before, and why"),
    must("test", Ty::List(&Ty::Map(TEST)), "what is played: at least one `[[test]]`"),
];

const TEST: &[Key] = &[
    must("name", Ty::Name, "the test's name, each once"),
    must("duts", Ty::OneOrMore(&Ty::Text), "serial numbers of the boards"),
    may("model", Ty::Text, "model of the boards"),
    may("firmware", Ty::Text, "build hash that the board must tell"),
    may("image", Ty::Text, "firmware image that the board must run"),
    must("bench", Ty::Text, "path of the bench file"),
    must("scenarios", Ty::OneOrMore(&Ty::Text), "scenario files and folders"),
    may("tags", Ty::OneOrMore(&Ty::Text), "only scenarios with one of these tags"),
    may("filter", Ty::Text, "only cases whose name holds this"),
    must("repeats", Ty::Number, "how often each case is played on each board"),
];

/// Reads a plan file; all errors at once.
///
/// # Errors
/// Everything that is wrong with it, each with its place.
pub fn parse_plan(path: &str, text: &str) -> Result<TestPlan, Vec<Diagnostic>> {
    let mut out = Reporter::default();
    if text.len() > MAX_FILE_BYTES {
        let file = out.add_file(path, "");
        out.error(Place::top(file), format!("the file has {} KiB; at most {} KiB are taken", text.len() / 1024, MAX_FILE_BYTES / 1024));
        return Err(out.finish());
    }
    let file = out.add_file(path, text);
    let root = toml_tree::parse(file, text, &mut out);
    let found = root.and_then(|root| PlanReader { read: Reader { out: &mut out, scope: Scope::new() } }.plan(&root));
    let diagnostics = out.finish();
    match found {
        Some(plan) if diagnostics.is_empty() => Ok(plan),
        _ => Err(diagnostics),
    }
}

struct PlanReader<'a> {
    read: Reader<'a>,
}

impl PlanReader<'_> {
    fn plan(&mut self, root: &Node) -> Option<TestPlan> {
        let fields = self.read.map(root, PLAN, "a test plan")?;
        let id = fields.get("plan").and_then(|n| self.name(n, "plan"));
        let title = self.line(&fields, "title");
        let why = self.prose(&fields, "why");
        let revision = fields.get("revision").map_or(Some(1), |n| self.read.whole(n, "revision", 1, MAX_PLAN_REPEATS));
        let changes = fields.get("changes").map(|_| self.prose(&fields, "changes"));
        if revision.is_some_and(|revision| revision > 1) && changes.is_none() {
            let help = "`changes = \"…\"` says what is other than in the revision before, and why";
            self.read.out.error_with_help(fields.key_at("revision"), "a later revision says what has changed", help);
        }
        let tests = self.tests(&fields);
        let changes = match changes {
            Some(changes) => Some(changes?),
            None => None,
        };
        Some(TestPlan { id: id?, revision: revision?, title: title?, why: why?, changes, tests: tests? })
    }

    fn tests(&mut self, fields: &Fields<'_>) -> Option<Vec<PlannedTest>> {
        let node = fields.get("test")?;
        let items = self.read.list(node, "test")?;
        if items.is_empty() {
            self.read.out.error(node.at, "a plan without a `[[test]]` plans nothing");
        }
        if items.len() > MAX_PLAN_TESTS {
            self.read.out.error(node.at, format!("more than {MAX_PLAN_TESTS} tests; make several plans of it"));
            return None;
        }
        let mut names = BTreeSet::new();
        let mut tests = Vec::new();
        for item in items {
            let Some(test) = self.test(item) else { continue };
            if !names.insert(test.name.clone()) {
                let at = item.get("name").map_or(item.at, |n| n.at);
                self.read.out.error(at, format!("the test `{}` stands twice", test.name));
            }
            tests.push(test);
        }
        (tests.len() == items.len() && !tests.is_empty()).then_some(tests)
    }

    fn test(&mut self, node: &Node) -> Option<PlannedTest> {
        let fields = self.read.map(node, TEST, "`[[test]]`")?;
        let name = fields.get("name").and_then(|n| self.name(n, "name"));
        let duts = self.lines(&fields, "duts");
        let model = fields.get("model").map(|_| self.line(&fields, "model"));
        let firmware = self.firmware(&fields);
        let bench = self.line(&fields, "bench");
        let scenarios = self.lines(&fields, "scenarios");
        let tags = fields.get("tags").map_or(Some(Vec::new()), |_| self.lines(&fields, "tags"));
        let filter = fields.get("filter").map(|_| self.line(&fields, "filter"));
        let repeats = fields.get("repeats").and_then(|n| self.read.whole(n, "repeats", 1, MAX_PLAN_REPEATS));
        let stated = |field: Option<Option<String>>| field.map_or(Some(None), |text| text.map(Some));
        Some(PlannedTest {
            name: name?,
            duts: duts?,
            model: stated(model)?,
            firmware: firmware?,
            bench: bench?,
            scenarios: scenarios?,
            tags: tags?,
            filter: stated(filter)?,
            repeats: repeats?,
        })
    }

    /// Exactly one of the two ways to say it.
    fn firmware(&mut self, fields: &Fields<'_>) -> Option<PlannedFirmware> {
        match (fields.get("firmware"), fields.get("image")) {
            (Some(hash), None) => {
                let text = self.line(fields, "firmware")?.to_ascii_lowercase();
                let good = HASH_DIGITS.contains(&text.len()) && text.chars().all(|c| c.is_ascii_hexdigit());
                if !good {
                    let help = "40 or 64 hexadecimal digits, as the board tells it: `firmware_sha256` in results.csv";
                    self.read.out.error_with_help(hash.at, format!("`{text}` is no build hash"), help);
                    return None;
                }
                Some(PlannedFirmware::Hash(text))
            }
            (None, Some(_)) => self.line(fields, "image").map(PlannedFirmware::Image),
            (Some(_), Some(_)) => {
                self.read.out.error_with_help(fields.key_at("image"), "`firmware` and `image` can't stand together", "keep one of them");
                None
            }
            (None, None) => {
                let help = "`firmware = \"build hash\"` as the board tells it, or `image = \"path\"` of the file that it runs";
                self.read.out.error_with_help(fields.at, "`[[test]]` does not say which firmware is tested", help);
                None
            }
        }
    }

    /// A name, without the parameters that scenarios have.
    fn name(&mut self, node: &Node, key: &str) -> Option<Name> {
        self.read.text(node, key)?;
        self.read.name(node, key)
    }

    /// One line of text.
    fn line(&mut self, fields: &Fields<'_>, key: &str) -> Option<String> {
        self.printable(fields.get(key)?, key, |_| false)
    }

    /// Text that may have several lines.
    fn prose(&mut self, fields: &Fields<'_>, key: &str) -> Option<String> {
        self.printable(fields.get(key)?, key, |c| c == '\n' || c == '\r' || c == '\t')
    }

    /// One text or a list of them, each once.
    fn lines(&mut self, fields: &Fields<'_>, key: &str) -> Option<Vec<String>> {
        let node = fields.get(key)?;
        let items = match &node.kind {
            crate::node::Kind::List(items) if items.len() > MAX_PLAN_ITEMS => {
                self.read.out.error(node.at, format!("`{key}` has more than {MAX_PLAN_ITEMS} values"));
                return None;
            }
            crate::node::Kind::List(items) if items.is_empty() => {
                self.read.out.error(node.at, format!("`{key}` is an empty list"));
                return None;
            }
            crate::node::Kind::List(items) => items.as_slice(),
            _ => std::slice::from_ref(node),
        };
        let mut seen = BTreeSet::new();
        let mut all = Vec::new();
        for item in items {
            let Some(text) = self.printable(item, key, |_| false) else { continue };
            if !seen.insert(text.clone()) {
                self.read.out.error(item.at, format!("`{text}` stands twice in `{key}`"));
            }
            all.push(text);
        }
        (all.len() == items.len()).then_some(all)
    }

    fn printable(&mut self, node: &Node, key: &str, allowed: fn(char) -> bool) -> Option<String> {
        if node.scalar().is_some_and(|text| text.trim().is_empty()) {
            self.read.out.error(node.at, format!("`{key}` says nothing"));
            return None;
        }
        let text = self.read.text(node, key)?.trim();
        if text.chars().any(|c| c.is_control() && !allowed(c)) {
            self.read.out.error(node.at, format!("`{key}` has a control character in it"));
            return None;
        }
        Some(text.to_owned())
    }
}
