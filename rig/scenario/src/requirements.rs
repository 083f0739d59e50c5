//! The requirements that checks verify: `id,text,source,hazard,class`, one a row; and, where the table has it, `rule`.

use std::collections::BTreeMap;

use rig_model::Name;
use rig_model::verdict::{DecisionRule, Rule, StatedBy};

use crate::diagnostic::{Diagnostic, Place, Reporter};
use crate::limits::MAX_FILE_BYTES;

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub struct Requirement {
    pub id: Name,
    pub text: String,
    /// Where it comes from: ids of the published requirement catalogues.
    pub source: String,
    /// The hazards that it controls.
    pub hazards: Vec<Name>,
    /// What it is about: delivery, alarm, link …
    pub class: String,
    /// The decision rule by which conformity is to be shown, if it states one.
    pub rule: Option<Rule>,
}

/// All requirements, by id.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Requirements {
    rows: BTreeMap<Name, Requirement>,
}

const COLUMNS: [&str; 6] = ["id", "text", "source", "hazard", "class", "rule"];
/// The last column may be missing.
const NEEDED: usize = 5;

impl Requirements {
    /// Reads the table; all errors at once. Several hazards in one cell are separated by blanks or semicolons.
    pub fn parse(path: &str, text: &str) -> Result<Self, Vec<Diagnostic>> {
        let mut out = Reporter::default();
        let mut rows = BTreeMap::new();
        if text.len() > MAX_FILE_BYTES {
            let file = out.add_file(path, "");
            out.error(Place::top(file), format!("the file has {} KiB; at most {} KiB are taken", text.len() / 1024, MAX_FILE_BYTES / 1024));
            return Err(out.finish());
        }
        let file = out.add_file(path, text);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        match reader.headers() {
            Ok(headers) if headers.iter().eq(COLUMNS) || headers.iter().eq(COLUMNS[..NEEDED].iter().copied()) => {}
            Ok(_) => out.error(Place::top(file), format!("the columns must be {}, the last if there are rules", COLUMNS.join(","))),
            Err(why) => out.error(Place::top(file), format!("not CSV: {why}")),
        }
        for record in reader.records() {
            match record {
                Ok(record) => read_row(file, &record, &mut rows, &mut out),
                Err(why) => {
                    let line = why.position().map_or(1, |p| p.line() as usize);
                    out.error(Place { line, ..Place::top(file) }, format!("not CSV: {why}"));
                }
            }
        }
        let found = out.finish();
        if found.is_empty() { Ok(Self { rows }) } else { Err(found) }
    }

    pub fn get(&self, id: &str) -> Option<&Requirement> {
        self.rows.get(id)
    }

    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.rows.keys().map(|id| &**id)
    }

    /// In the order of ids.
    pub fn iter(&self) -> impl Iterator<Item = &Requirement> {
        self.rows.values()
    }

    pub fn has_hazard(&self, hazard: &str) -> bool {
        self.rows.values().any(|r| r.hazards.iter().any(|h| &**h == hazard))
    }
}

fn read_row(file: usize, record: &csv::StringRecord, rows: &mut BTreeMap<Name, Requirement>, out: &mut Reporter) {
    let line = record.position().map_or(1, |p| p.line() as usize);
    let at = Place { line, ..Place::top(file) };
    let cell = |i: usize| record.get(i).unwrap_or_default().trim();
    let id: Name = cell(0).into();
    if id.is_empty() || cell(1).is_empty() {
        out.error(at, "a requirement has an id and a text");
        return;
    }
    let hazards = cell(3).split([' ', ';']).filter(|h| !h.is_empty()).map(Name::from).collect();
    let rule = match cell(5) {
        "" => None,
        text => match rule(text) {
            Some(rule) => Some(rule),
            None => {
                let help = "`simple`, `guarded`, `guarded 0.5` (a guard band of 0.5·U) or `three-way`";
                out.error_with_help(at, format!("`{text}` is not a decision rule"), help);
                return;
            }
        },
    };
    let row = Requirement { id: id.clone(), text: cell(1).into(), source: cell(2).into(), hazards, class: cell(4).into(), rule };
    if rows.insert(id.clone(), row).is_some() {
        out.error(at, format!("the requirement `{id}` stands twice"));
    }
}

fn rule(text: &str) -> Option<Rule> {
    let (word, factor) = text.split_once(' ').map_or((text, None), |(word, factor)| (word, Some(factor)));
    let rule = match word {
        "simple" => DecisionRule::Simple,
        "guarded" => DecisionRule::Guarded,
        "three-way" => DecisionRule::ThreeWay,
        _ => return None,
    };
    // Without a guard band it would be simple acceptance by another name.
    let guard_factor = match factor {
        None => 1.0,
        Some(factor) if rule == DecisionRule::Guarded => factor.trim().parse().ok().filter(|r: &f64| *r > 0.0 && r.is_finite())?,
        Some(_) => return None,
    };
    Some(Rule { rule, guard_factor, stated_by: StatedBy::Requirement })
}
