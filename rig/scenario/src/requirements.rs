//! The requirements that checks verify: `id,text,source,hazard,class`, one a row; and, where the table has them, `rule` and `verification`.

use std::collections::BTreeMap;

use rig_model::Name;
use rig_model::requirement::{Requirement, Verification};
use rig_model::verdict::{DecisionRule, Rule, StatedBy};

use crate::diagnostic::{Diagnostic, Place, Reporter};
use crate::limits::{MAX_FILE_BYTES, MAX_NAME};

/// All requirements, by id.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Requirements {
    rows: BTreeMap<Name, Requirement>,
}

const COLUMNS: [&str; 7] = ["id", "text", "source", "hazard", "class", "rule", "verification"];
/// The last two columns may be missing, one or both.
const NEEDED: usize = 5;

impl Requirements {
    /// Reads the table; all errors at once. Several hazards in one cell are separated by blanks or semicolons. A cell that a spreadsheet
    /// would take for a formula is a text like any other.
    pub fn parse(path: &str, text: &str) -> Result<Self, Vec<Diagnostic>> {
        let mut out = Reporter::default();
        let mut rows = BTreeMap::new();
        if text.len() > MAX_FILE_BYTES {
            let file = out.add_file(path, "");
            out.error(Place::top(file), format!("the file has {} KiB; at most {} KiB are taken", text.len() / 1024, MAX_FILE_BYTES / 1024));
            return Err(out.finish());
        }
        // Spreadsheets put a byte order mark before UTF-8.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let file = out.add_file(path, text);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        match reader.headers() {
            Ok(headers) => columns(file, headers, &mut out),
            Err(why) => out.error(Place::top(file), format!("not CSV: {why}")),
        }
        if out.count() > 0 {
            // Cells under other columns would all be wrong.
            return Err(out.finish());
        }
        for record in reader.records() {
            match record {
                Ok(record) => {
                    let at = Place { line: record.position().map_or(1, |p| p.line() as usize), ..Place::top(file) };
                    let mut row = Row { at, record: &record, out: &mut out };
                    if let Some(row) = row.read() {
                        add(row, at, &mut rows, &mut out);
                    }
                }
                Err(why) => not_csv(file, &why, &mut out),
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

fn columns(file: usize, headers: &csv::StringRecord, out: &mut Reporter) {
    if (NEEDED..=COLUMNS.len()).any(|n| headers.iter().eq(COLUMNS[..n].iter().copied())) {
        return;
    }
    let first = headers.iter().next().unwrap_or_default();
    let help = if headers.len() == 1 && first.contains([';', '\t']) {
        "the cells are separated by commas, and those with a comma in them are in quotation marks".to_owned()
    } else {
        let found: Vec<&str> = headers.iter().collect();
        format!("found: {}", found.join(","))
    };
    let message = format!("the columns must be {}; the last two may be missing", COLUMNS.join(","));
    out.error_with_help(Place::top(file), message, help);
}

fn not_csv(file: usize, why: &csv::Error, out: &mut Reporter) {
    let line = why.position().map_or(1, |p| p.line() as usize);
    let at = Place { line, ..Place::top(file) };
    match why.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            let help = "a text with a comma in it is put into quotation marks";
            out.error_with_help(at, format!("the row has {len} cells, and the table {expected_len} columns"), help);
        }
        _ => out.error(at, format!("not CSV: {why}")),
    }
}

fn add(row: Requirement, at: Place, rows: &mut BTreeMap<Name, Requirement>, out: &mut Reporter) {
    let id = row.id.clone();
    if rows.insert(id.clone(), row).is_some() {
        out.error(at, format!("the requirement `{id}` stands twice"));
    }
}

/// A row on its way to become a requirement.
struct Row<'r> {
    at: Place,
    record: &'r csv::StringRecord,
    out: &'r mut Reporter,
}

impl<'r> Row<'r> {
    fn read(&mut self) -> Option<Requirement> {
        let before = self.out.count();
        self.no_control_characters();
        let id = self.cell(0);
        if id.is_empty() || self.cell(1).is_empty() {
            self.wrong("a requirement has an id and a text", None);
            return None;
        }
        self.name("id", id);
        let hazards: Vec<&str> = self.cell(3).split([' ', ';']).filter(|h| !h.is_empty()).collect();
        hazards.iter().for_each(|hazard| self.name("hazard", hazard));
        let class = self.cell(4);
        if !class.is_empty() {
            self.name("class", class);
        }
        let rule = self.rule();
        let (verification, why) = self.verification();
        if self.out.count() > before {
            return None;
        }
        Some(Requirement {
            id: id.into(),
            text: self.cell(1).into(),
            source: self.cell(2).into(),
            hazards: hazards.into_iter().map(Name::from).collect(),
            class: class.into(),
            rule,
            verification,
            why,
        })
    }

    fn cell(&self, column: usize) -> &'r str {
        self.record.get(column).unwrap_or_default().trim()
    }

    fn wrong(&mut self, message: impl Into<String>, help: Option<&str>) {
        match help {
            Some(help) => self.out.error_with_help(self.at, message, help),
            None => self.out.error(self.at, message),
        }
    }

    /// They would work a terminal, or break a line where nobody sees it.
    fn no_control_characters(&mut self) {
        for (cell, column) in self.record.iter().zip(COLUMNS) {
            if let Some(c) = cell.chars().find(|c| c.is_control()) {
                let help = "write the text in one line, without tabs; a spreadsheet puts line breaks into cells with Alt+Enter";
                self.wrong(format!("the {column} holds the control character U+{:04X}", u32::from(c)), Some(help));
            }
        }
    }

    /// Ids stand in tables, several in a cell.
    fn name(&mut self, what: &str, name: &str) {
        let good = name.len() <= MAX_NAME
            && name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c));
        if !good {
            let help = format!("a name begins with a letter and has letters, digits, `.`, `-` and `_`, at most {MAX_NAME}");
            self.wrong(format!("the {what} `{name}` is not a name"), Some(&help));
        }
    }

    fn rule(&mut self) -> Option<Rule> {
        let text = self.cell(5);
        let found = rule(text);
        if found.is_none() && !text.is_empty() {
            let help = "`simple`, `guarded`, `guarded 0.5` (a guard band of 0.5·U) or `three-way`";
            self.wrong(format!("`{text}` is not a decision rule"), Some(help));
        }
        found
    }

    /// The word, and behind a colon why it is not `test`.
    fn verification(&mut self) -> (Verification, String) {
        let text = self.cell(6);
        let (word, why) = text.split_once(':').map_or((text, ""), |(word, why)| (word.trim(), why.trim()));
        let found = if word.is_empty() { Some(Verification::Test) } else { Verification::ALL.into_iter().find(|v| v.name() == word) };
        match found {
            None => {
                let help = "`test`, `planned: why`, `review: why`, `analysis: why` or `absent: why`";
                self.wrong(format!("`{word}` is no kind of verification"), Some(help));
            }
            Some(Verification::Test) if why.is_empty() => {}
            Some(Verification::Test) => self.wrong("what is verified by `test` needs no reason", None),
            Some(other) if why.is_empty() => {
                let help = format!("`{0}: why`, with the reason why no check of this rig verifies it", other.name());
                self.wrong(format!("`{}` needs a reason", other.name()), Some(&help));
            }
            Some(_) => {}
        }
        (found.unwrap_or_default(), why.to_owned())
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
