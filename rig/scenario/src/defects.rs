//! The catalogue of defective pumps: TOML files, each a family of them, to checked [`Defect`]s.

use std::collections::{BTreeMap, BTreeSet};

use rig_model::Name;
use rig_model::defect::{Constant, Defect, Given, Kind as AmountKind, Made, Seam, SeamKind};

use crate::SourceFile;
use crate::diagnostic::{Diagnostic, Place, Reporter, help_for, nearest};
use crate::expression::Scope;
use crate::grammar::{Key, Ty};
use crate::limits::{MAX_DEFECTS, MAX_FILE_BYTES, MAX_SEAMS};
use crate::node::{Kind, Node};
use crate::read::{Fields, Reader};
use crate::requirements::Requirements;
use crate::toml_tree;

const fn must(name: &'static str, ty: Ty, doc: &'static str) -> Key {
    Key { name, ty, needed: true, doc }
}
const fn may(name: &'static str, ty: Ty, doc: &'static str) -> Key {
    Key { name, ty, needed: false, doc }
}

const CATALOGUE: &[Key] = &[
    may("about", Ty::Text, "what the pumps of this family have in common"),
    must("defect", Ty::List(&Ty::Map(DEFECT)), "defective pumps"),
];

const DEFECT: &[Key] = &[
    must("id", Ty::Name, "the name that `--defect` takes"),
    must("wrong", Ty::Text, "what is wrong with this pump"),
    must("harm", Ty::Text, "what it would do to a patient"),
    must("hazards", Ty::List(&Ty::Name), "hazards of the table of requirements"),
    may("field", Ty::Text, "the failure of real pumps that it stands for, with its source"),
    must("requirements", Ty::List(&Ty::Name), "a FAIL of a check that verifies one of these catches it"),
    may("quantities", Ty::List(&Ty::Name), "quantities of rows without a requirement whose FAIL catches it too"),
    may("constants", Ty::Text, "constants of the firmware with other values"),
    may("seam", Ty::Text, "what goes wrong at the seams of the firmware"),
    may("patch", Ty::Text, "a change of the firmware's sources"),
];

/// The ways in which a pump is made; each defect has exactly one.
const MADE: [&str; 3] = ["constants", "seam", "patch"];

/// What the files may refer to.
#[derive(Debug, Clone, Copy)]
pub struct DefectGround<'g> {
    /// Constants that the firmware can be built with other values of.
    pub constants: &'g [Constant],
    /// The table of requirements; without one, neither they nor hazards are looked up.
    pub requirements: Option<&'g Requirements>,
    /// Paths of the patch files that there are, from the folder of the catalogue.
    pub patches: &'g BTreeSet<String>,
}

/// Reads a catalogue, file by file; all errors of all files at once. The defects come in the order of the files.
///
/// # Errors
/// Everything that is wrong, with its place.
pub fn parse_defects(files: Vec<SourceFile>, ground: DefectGround<'_>) -> Result<Vec<Defect>, Vec<Diagnostic>> {
    let mut out = Reporter::default();
    let mut found = Vec::new();
    let mut first: BTreeMap<Name, String> = BTreeMap::new();
    for SourceFile { path, text } in files {
        if text.len() > MAX_FILE_BYTES {
            let file = out.add_file(&path, "");
            out.error(Place::top(file), format!("the file has {} KiB; at most {} KiB are taken", text.len() / 1024, MAX_FILE_BYTES / 1024));
            continue;
        }
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let file = out.add_file(&path, text);
        let Some(root) = toml_tree::parse(file, text, &mut out) else { continue };
        let family = path.rsplit(['/', '\\']).next().unwrap_or_default();
        let family = Name::from(family.strip_suffix(".toml").unwrap_or(family));
        let read = Reader { out: &mut out, scope: Scope::new() };
        DefectReader { read, ground, family, file: &path, first: &mut first }.catalogue(&root, &mut found);
    }
    if found.len() > MAX_DEFECTS {
        out.error(Place::top(0), format!("the catalogue has {} defects; at most {MAX_DEFECTS} are taken", found.len()));
    }
    let diagnostics = out.finish();
    if diagnostics.is_empty() { Ok(found) } else { Err(diagnostics) }
}

struct DefectReader<'a> {
    read: Reader<'a>,
    ground: DefectGround<'a>,
    family: Name,
    file: &'a str,
    /// Ids and the files in which they stood first.
    first: &'a mut BTreeMap<Name, String>,
}

impl DefectReader<'_> {
    fn catalogue(&mut self, root: &Node, found: &mut Vec<Defect>) {
        let Some(fields) = self.read.map(root, CATALOGUE, "a catalogue of defects") else { return };
        fields.get("about").map(|n| self.sentence(n, "about"));
        let items = fields.get("defect").and_then(|n| self.read.list(n, "defect")).unwrap_or_default();
        for item in items {
            found.extend(self.defect(item));
        }
    }

    fn defect(&mut self, node: &Node) -> Option<Defect> {
        let fields = self.read.map(node, DEFECT, "a defect")?;
        let id = fields.get("id").and_then(|n| self.id(n));
        let wrong = fields.get("wrong").and_then(|n| self.sentence(n, "wrong"));
        let harm = fields.get("harm").and_then(|n| self.sentence(n, "harm"));
        let hazards = fields.get("hazards").map(|n| self.hazards(n));
        let field = fields.get("field").map_or(Some(None), |n| self.sentence(n, "field").map(Some));
        let requirements = fields.get("requirements").map(|n| self.requirements(n));
        let quantities = fields.get("quantities").map_or_else(Vec::new, |n| self.names(n, "quantities", |_| true, &[]));
        let made = self.made(&fields);
        Some(Defect {
            id: id?,
            family: self.family.clone(),
            wrong: wrong?,
            harm: harm?,
            hazards: hazards?,
            field: field?,
            requirements: requirements?,
            quantities,
            made: made?,
        })
    }

    fn id(&mut self, node: &Node) -> Option<Name> {
        let id = self.read.name(node, "id")?;
        if &*id == "help" {
            self.read.out.error(node.at, "a defect can't have the id `help`: `--defect help` lists them");
            return None;
        }
        if let Some(file) = self.first.get(&id) {
            self.read.out.error(node.at, format!("the id `{id}` stands twice; first in {file}"));
            return None;
        }
        self.first.insert(id.clone(), self.file.to_owned());
        Some(id)
    }

    /// One line of prose: it stands in tables and on terminals.
    fn sentence(&mut self, node: &Node, key: &str) -> Option<String> {
        let text = self.read.text(node, key)?;
        if let Some(c) = text.chars().find(|c| c.is_control()) {
            let help = "write it in one line, without tabs";
            self.read.out.error_with_help(node.at, format!("`{key}` holds the control character U+{:04X}", u32::from(c)), help);
            return None;
        }
        Some(text.trim().to_owned())
    }

    fn hazards(&mut self, node: &Node) -> Vec<Name> {
        let known = self.ground.requirements;
        let all: BTreeSet<&str> = known.iter().flat_map(|r| r.iter()).flat_map(|r| r.hazards.iter().map(|h| &**h)).collect();
        self.names(node, "hazards", |name| known.is_none() || all.contains(name), &all.iter().copied().collect::<Vec<_>>())
    }

    fn requirements(&mut self, node: &Node) -> Vec<Name> {
        let known = self.ground.requirements;
        let all: Vec<&str> = known.iter().flat_map(|r| r.ids()).collect();
        self.names(node, "requirements", |name| known.is_none_or(|r| r.get(name).is_some()), &all)
    }

    fn names(&mut self, node: &Node, key: &str, known: impl Fn(&str) -> bool, all: &[&str]) -> Vec<Name> {
        let mut names: Vec<Name> = Vec::new();
        for item in self.read.one_or_more(node, key) {
            let Some(name) = self.read.name(item, key) else { continue };
            if names.contains(&name) {
                self.read.out.error(item.at, format!("`{name}` stands twice"));
            } else if known(&name) {
                names.push(name);
            } else {
                let help = match nearest(&name, all.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("{key} are those of the table of requirements (requirements.csv)"),
                };
                self.read.out.error_with_help(item.at, format!("the table of requirements has no `{name}` among its {key}"), help);
            }
        }
        names
    }

    fn made(&mut self, fields: &Fields<'_>) -> Option<Made> {
        let given: Vec<&str> = MADE.into_iter().filter(|key| fields.get(key).is_some()).collect();
        let help = "a defect has exactly one of `constants`, `seam` and `patch`";
        match given[..] {
            ["constants"] => self.constants(fields.get("constants")?),
            ["seam"] => self.seams(fields.get("seam")?),
            ["patch"] => self.patch(fields.get("patch")?),
            [] if fields.sound => {
                self.read.out.error_with_help(fields.at, "the defect does not say how it is made", help);
                None
            }
            [] => None,
            [.., last] => {
                self.read.out.error_with_help(fields.key_at(last), "the defect is made in more than one way", help);
                None
            }
        }
    }

    fn constants(&mut self, node: &Node) -> Option<Made> {
        let mut constants = Vec::new();
        let before = self.read.out.count();
        self.constants_of(node, "", &mut constants);
        if constants.is_empty() && self.read.out.count() == before {
            self.read.out.error_with_help(node.at, "`constants` is empty", "for example `constants = { low_nl = 0 }`");
        }
        (self.read.out.count() == before).then_some(Made::Constants(constants))
    }

    /// Names with dots are tables in TOML, with or without quotation marks.
    fn constants_of(&mut self, node: &Node, prefix: &str, found: &mut Vec<(Name, i64)>) {
        for entry in self.read.entries(node, "`constants`").unwrap_or_default() {
            let name = format!("{prefix}{}", entry.key);
            if matches!(entry.value.kind, Kind::Map(_)) {
                self.constants_of(&entry.value, &format!("{name}."), found);
                continue;
            }
            let Some(constant) = self.ground.constants.iter().find(|c| c.name == name) else {
                let names: Vec<&str> = self.ground.constants.iter().map(|c| c.name).collect();
                self.read.out.error_with_help(entry.key_at, format!("the firmware has no constant `{name}`"), help_for(&name, &names));
                continue;
            };
            let number = whole_number(&entry.value).filter(|n| (constant.least..=constant.most).contains(n));
            match number {
                Some(number) => found.push((name.into(), number)),
                None => {
                    let message = format!("`{name}` wants a whole number from {} to {}", constant.least, constant.most);
                    self.read.out.error(entry.value.at, message);
                }
            }
        }
    }

    fn seams(&mut self, node: &Node) -> Option<Made> {
        let items = self.read.list(node, "seam")?;
        if items.is_empty() || items.len() > MAX_SEAMS {
            let help = "for example `seam = [{ what = \"gain\", by = 1.12 }]`";
            self.read.out.error_with_help(node.at, format!("`seam` wants one to {MAX_SEAMS} things that go wrong"), help);
            return None;
        }
        let seams: Vec<Seam> = items.iter().filter_map(|item| self.seam(item)).collect();
        (seams.len() == items.len()).then_some(Made::Seam(seams))
    }

    fn seam(&mut self, node: &Node) -> Option<Seam> {
        let entries = self.read.entries(node, "a seam")?;
        let Some(what) = node.get("what") else {
            self.read.out.error_with_help(node.at, "the seam lacks `what`", "for example `{ what = \"gain\", by = 1.12 }`");
            return None;
        };
        let word = self.read.text(what, "what")?;
        let Some(kind) = Seam::KINDS.iter().find(|kind| kind.what == word) else {
            let names: Vec<&str> = Seam::KINDS.iter().map(|kind| kind.what).collect();
            let help = nearest(word, names.iter().copied()).map(|near| format!("did you mean `{near}`?"));
            let help = help.unwrap_or_else(|| "the seams that there are stand in rig/docs/defects.md".to_owned());
            self.read.out.error_with_help(what.at, format!("there is no seam `{word}`"), help);
            return None;
        };
        let before = self.read.out.count();
        let names: Vec<&str> = std::iter::once("what").chain(kind.amounts.iter().map(|a| a.name)).collect();
        for entry in entries.iter().filter(|e| !names.contains(&e.key.as_str())) {
            let message = format!("the seam `{word}` has no `{}`", entry.key);
            self.read.out.error_with_help(entry.key_at, message, help_for(&entry.key, &names));
        }
        let amounts: Vec<(Name, Given)> = self.amounts(node, kind);
        (self.read.out.count() == before).then(|| Seam::of(word, &amounts)).flatten()
    }

    fn amounts(&mut self, node: &Node, kind: &SeamKind) -> Vec<(Name, Given)> {
        let mut amounts = Vec::new();
        for amount in kind.amounts {
            let Some(value) = node.get(amount.name) else {
                let message = format!("the seam `{}` lacks `{}`", kind.what, amount.name);
                self.read.out.error_with_help(node.at, message, format!("what it does: {}", kind.does));
                continue;
            };
            let given = match amount.kind {
                AmountKind::Number { unit, least, most } => self.number(value, amount.name, unit, (least, most)),
                AmountKind::Whole { least, most } => self.number(value, amount.name, "", (least, most)).filter(|number| {
                    let whole = number.fract() == 0.0;
                    if !whole {
                        self.read.out.error(value.at, format!("`{}` wants a whole number", amount.name));
                    }
                    whole
                }),
                AmountKind::Word(words) => {
                    let word = self.read.choice(value, amount.name, words);
                    amounts.extend(word.map(|word| (amount.name.into(), Given::Word(word.into()))));
                    continue;
                }
            };
            amounts.extend(given.map(|number| (amount.name.into(), Given::Number(number))));
        }
        amounts
    }

    fn number(&mut self, node: &Node, key: &str, unit: &str, (least, most): (f64, f64)) -> Option<f64> {
        let number = node.scalar().and_then(|text| text.replace('_', "").parse::<f64>().ok()).filter(|n| (least..=most).contains(n));
        if number.is_none() {
            let unit = if unit.is_empty() { String::new() } else { format!(", in {unit}, without the unit") };
            self.read.out.error(node.at, format!("`{key}` wants a number from {least} to {most}{unit}"));
        }
        number
    }

    fn patch(&mut self, node: &Node) -> Option<Made> {
        let path = self.read.text(node, "patch")?;
        if self.ground.patches.contains(path) {
            return Some(Made::Patch(path.into()));
        }
        let help = match nearest(path, self.ground.patches.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "a path from the folder of the catalogue, for example `patches/naive_limit.patch`".to_owned(),
        };
        self.read.out.error_with_help(node.at, format!("there is no patch `{path}`"), help);
        None
    }
}

fn whole_number(node: &Node) -> Option<i64> {
    match node.scalar()? {
        "true" => Some(1),
        "false" => Some(0),
        text => text.replace('_', "").parse().ok(),
    }
}
