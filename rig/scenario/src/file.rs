//! One scenario file: its head, its matrix, and its cases one after another.

use std::collections::{BTreeMap, BTreeSet};

use rig_model::Name;
use rig_model::scenario::{Case, Rolling, Scenario, Step, StepKind, Until};
use rig_model::time::Span;

use crate::diagnostic::Reporter;
use crate::expression::{Scope, Value, label};
use crate::given::given;
use crate::grammar::SCENARIO;
use crate::library::{Library, unused_parameters};
use crate::limits::MAX_CASES;
use crate::lower::{Lower, Window};
use crate::node::{Entry, Kind, Node};
use crate::read::{Fields, Reader, Sign};
use crate::requirements::Requirements;

/// Reads a scenario from its tree; `None` after any error.
pub(crate) fn scenario(
    path: &str,
    sha256: &str,
    root: &Node,
    library: &mut Library<'_>,
    known: Option<&Requirements>,
    out: &mut Reporter,
) -> Option<Scenario> {
    let before = out.count();
    let mut read = Reader { out, scope: Scope::new() };
    let fields = read.map(root, SCENARIO, "a scenario")?;
    let id = fields.get("scenario").and_then(|n| read.name(n, "scenario"));
    let title = fields.get("title").and_then(|n| read.text(n, "title"));
    let tags = names(&mut read, &fields, "tags");
    let hazards = hazards(&mut read, &fields, known);
    unused_parameters(root, root.entries("parameters"), read.out);
    unused_parameters(root, root.entries("for_each"), read.out);
    unused_columns(root, read.out);
    let assignments = assignments(&mut read, &fields);
    let mut cases = Vec::new();
    let mut steps_of_file = 0;
    for (label, matrix) in assignments {
        let scope = parameters(&mut read, &fields, matrix);
        let mut lower = Lower {
            read: Reader { out: read.out, scope },
            library,
            known,
            including: vec![path.to_owned()],
            finally: false,
            repeat: 1,
            windows: BTreeMap::new(),
            marks: BTreeSet::new(),
            steps_of_case: 0,
            steps_played: 0,
            steps_of_file,
            judged: false,
        };
        cases.extend(case(&mut lower, label, &fields));
        steps_of_file = lower.steps_of_file;
    }
    if out.count() > before {
        return None;
    }
    let tags = tags.iter().map(|t| t.to_string()).collect();
    Some(Scenario { id: id?, title: title?.trim().to_owned(), file: path.to_owned(), sha256: sha256.to_owned(), tags, hazards, cases })
}

fn case(lower: &mut Lower<'_, '_>, label: String, fields: &Fields<'_>) -> Option<Case> {
    let before = lower.read.out.count();
    let limit = fields.get("time_limit");
    let time_limit = limit.and_then(|n| lower.read.time(n, "time_limit", Sign::Positive));
    let given = fields.get("given").and_then(|n| given(&mut lower.read, n)).unwrap_or_default();
    let watch = fields.get("watch").map(|n| lower.watches(n)).unwrap_or_default();
    let mut steps = fields.get("steps").map(|n| lower.steps(n, "steps")).unwrap_or_default();
    lower.finally = true;
    let finally = fields.get("finally").map(|n| lower.steps(n, "finally")).unwrap_or_default();
    if lower.read.out.count() > before {
        return None;
    }
    if !lower.judged {
        let at = fields.key_at("steps");
        let help = "add a `check`, an `expect`, or `verifies:` to a command or watcher";
        lower.read.out.error_with_help(at, "a scenario without a check can't pass", help);
        return None;
    }
    let time_limit = time_limit?;
    let least = least_time(&steps);
    if let Some(node) = limit.filter(|_| least > time_limit) {
        let message = format!("the steps take {least} at the least, and the time limit is {time_limit}");
        lower.read.out.error(node.at, message);
        return None;
    }
    fill_rolling(&mut steps, &lower.windows);
    Some(Case { label, time_limit, given, watch, steps, finally })
}

fn names(read: &mut Reader<'_>, fields: &Fields<'_>, key: &str) -> Vec<Name> {
    let items = fields.get(key).and_then(|n| read.list(n, key)).unwrap_or_default();
    items.iter().filter_map(|n| read.name(n, key)).collect()
}

fn hazards(read: &mut Reader<'_>, fields: &Fields<'_>, known: Option<&Requirements>) -> Vec<Name> {
    let hazards = names(read, fields, "hazards");
    if let (Some(known), Some(node)) = (known, fields.get("hazards")) {
        for hazard in hazards.iter().filter(|h| !known.has_hazard(h)) {
            read.out.error_with_help(node.at, format!("no requirement controls the hazard `{hazard}`"), "name it in requirements.csv");
        }
    }
    hazards
}

/// One assignment of the matrix: its label and its values.
type Assignment = (String, Vec<(String, Value)>);

/// All assignments; a single empty one where there is no matrix, none after an error in it.
fn assignments(read: &mut Reader<'_>, fields: &Fields<'_>) -> Vec<Assignment> {
    let before = read.out.count();
    let Some(node) = fields.get("for_each") else {
        return vec![(String::new(), Vec::new())];
    };
    let found = match &node.kind {
        Kind::Map(keys) => product(read, node, keys),
        Kind::List(maps) => maps.iter().map(|map| one_assignment(read, map)).collect(),
        Kind::Scalar(_) => {
            read.out.error(node.at, "`for_each` wants a map of lists, or a list of maps");
            None
        }
    };
    let mut found: Vec<Assignment> = found.unwrap_or_default();
    if found.is_empty() && read.out.count() == before {
        read.out.error(node.at, "`for_each` gives no case at all");
    }
    if found.len() > MAX_CASES {
        read.out.error(node.at, format!("the matrix gives {} cases; at most {MAX_CASES} are taken", found.len()));
        found.clear();
    }
    let mut labels = BTreeSet::new();
    for (label, _) in &found {
        if !labels.insert(label.as_str()) {
            read.out.error(node.at, format!("the case `{label}` stands twice in the matrix"));
        }
    }
    if read.out.count() > before { Vec::new() } else { found }
}

/// Every value of each key with every value of the others; the last key changes fastest.
fn product(read: &mut Reader<'_>, node: &Node, keys: &[Entry]) -> Option<Vec<Assignment>> {
    let mut all: Vec<Assignment> = vec![(String::new(), Vec::new())];
    for entry in keys {
        let items = read.list(&entry.value, &entry.key)?;
        // Seen before it is built: the product of a few lists can be larger than memory.
        if all.len().saturating_mul(items.len()) > MAX_CASES {
            read.out.error(node.at, format!("the matrix gives more than {MAX_CASES} cases"));
            return None;
        }
        let values: Vec<Assignment> = items.iter().filter_map(|item| assigned(read, entry, item)).collect();
        all = all.iter().flat_map(|before| values.iter().map(move |value| joined(before, value))).collect();
    }
    Some(all)
}

fn one_assignment(read: &mut Reader<'_>, map: &Node) -> Option<Assignment> {
    let entries = read.entries(map, "a case of `for_each`")?;
    let parts: Option<Vec<Assignment>> = entries.iter().map(|entry| assigned(read, entry, &entry.value)).collect();
    Some(parts?.iter().fold((String::new(), Vec::new()), |all, part| joined(&all, part)))
}

fn assigned(read: &mut Reader<'_>, entry: &Entry, item: &Node) -> Option<Assignment> {
    parameter_name(read, entry)?;
    let value = read.value(item, &entry.key)?;
    let label = format!("{}={}", entry.key, label(item.scalar().unwrap_or_default()));
    Some((label, vec![(entry.key.clone(), value)]))
}

fn joined(a: &Assignment, b: &Assignment) -> Assignment {
    let label = if a.0.is_empty() { b.0.clone() } else { format!("{}, {}", a.0, b.0) };
    (label, a.1.iter().chain(&b.1).cloned().collect())
}

/// The values of the matrix with the parameters put on, each of which may use the ones before it.
fn parameters(read: &mut Reader<'_>, fields: &Fields<'_>, matrix: Vec<(String, Value)>) -> Scope {
    read.scope = matrix.into_iter().collect();
    let entries = fields.get("parameters").and_then(|n| read.entries(n, "`parameters`")).unwrap_or_default();
    for entry in entries {
        if parameter_name(read, entry).is_none() {
            continue;
        }
        let value = read.value(&entry.value, &entry.key);
        if read.scope.contains_key(&entry.key) {
            read.out.error(entry.key_at, format!("`{}` stands in `for_each` too", entry.key));
        }
        read.scope.extend(value.map(|v| (entry.key.clone(), v)));
    }
    std::mem::take(&mut read.scope)
}

fn parameter_name(read: &mut Reader<'_>, entry: &Entry) -> Option<()> {
    let good = entry.key.starts_with(|c: char| c.is_ascii_alphabetic()) && entry.key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !good {
        let help = "a parameter's name begins with a letter and has letters, digits and `_`";
        read.out.error_with_help(entry.key_at, format!("`{}` is not a parameter's name", entry.key), help);
    }
    good.then_some(())
}

/// Columns of a matrix written as a list of maps: each key must be used, and each map must have the same keys.
fn unused_columns(root: &Node, out: &mut Reporter) {
    let Some(Kind::List(maps)) = root.get("for_each").map(|n| &n.kind) else { return };
    let mut entries = maps.iter().filter_map(|map| match &map.kind {
        Kind::Map(entries) => Some((map.at, entries)),
        _ => None,
    });
    let Some((_, first)) = entries.next() else { return };
    unused_parameters(root, first, out);
    let keys = |entries: &[Entry]| entries.iter().map(|e| e.key.clone()).collect::<BTreeSet<String>>();
    for (at, _) in entries.filter(|(_, entries)| keys(entries) != keys(first)) {
        out.error(at, "every case of `for_each` has the same keys");
    }
}

/// What the steps take if the pump answers at once and every condition holds at once.
fn least_time(steps: &[Step]) -> Span {
    let add = |total: i64, step: &Step| {
        let least = match &step.kind {
            StepKind::Wait(span) => span.0,
            StepKind::Hold { lasts, .. } => lasts.0,
            StepKind::Measure(measure) => match measure.until {
                Until::Elapsed(span) => least_time(&measure.during).0.max(span.0),
                _ => least_time(&measure.during).0,
            },
            StepKind::Repeat { times, steps } => least_time(steps).0.saturating_mul(i64::from(*times)),
            _ => 0,
        };
        total.saturating_add(least)
    };
    Span(steps.iter().fold(0, add))
}

/// Tells each window which extremes and which windows of strokes the checks behind it ask for, so that they are gathered while it is open.
fn fill_rolling(steps: &mut [Step], windows: &BTreeMap<Name, Window>) {
    for step in steps {
        match &mut step.kind {
            StepKind::Measure(measure) => {
                let rolling: Vec<Rolling> = windows.get(&measure.name).map(|w| w.rolling.clone()).unwrap_or_default();
                measure.rolling = rolling;
                measure.drug = windows.get(&measure.name).and_then(|w| w.drug.clone());
                if let (Some(curve), Some(window)) = (&mut measure.curve, windows.get(&measure.name)) {
                    curve.strokes.clone_from(&window.strokes);
                }
                fill_rolling(&mut measure.during, windows);
            }
            StepKind::Repeat { steps, .. } => fill_rolling(steps, windows),
            _ => {}
        }
    }
}
