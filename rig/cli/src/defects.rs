//! The catalogue of defective pumps: where it is found, what is in it, and the units that are made of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use include_dir::{Dir, include_dir};
use rig_model::bench::{Bench, BenchKind, Instrument};
use rig_model::defect::{Defect, Made};
use rig_report::printable;
use rig_scenario::{DefectGround, Diagnostic, Requirements, SourceFile, parse_defects};
use rig_sim::Unit;
use rig_variants::{Patch, Workshop};

use crate::failure::{BENCH, Failure, OrExit, USAGE, failure};
use crate::files;
use crate::inputs::{Errors, REQUIREMENTS};

/// The suite as it was when this program was built.
pub static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../scenarios");
/// Where a catalogue is looked for.
pub const CATALOGUE: &str = "scenarios/defects";
/// So many names are offered for one that is not there.
const NEAR: usize = 5;

/// All defective pumps that there are.
#[derive(Debug)]
pub struct Catalogue {
    /// In the order of the files.
    pub defects: Vec<Defect>,
    /// Texts of the patches, by path from the catalogue's folder.
    patches: BTreeMap<String, String>,
    /// Where it was found; none where it is part of the program.
    folder: Option<PathBuf>,
}

/// A defective pump, ready to be put onto a simulated bench.
#[derive(Debug, Clone)]
pub struct DefectivePump {
    pub defect: Defect,
    pub unit: Unit,
}

impl Catalogue {
    /// The one of the project in whose folder the program runs, or the one that is part of the program.
    ///
    /// # Errors
    /// Everything that is wrong with its files, exit code 2.
    pub fn here() -> Result<Self, Failure> {
        let folder = Path::new(CATALOGUE);
        if folder.is_dir() { Self::of_folder(folder, Path::new(REQUIREMENTS)).or_exit(USAGE) } else { Self::built_in().or_exit(BENCH) }
    }

    /// The one that is part of the program.
    ///
    /// # Errors
    /// The program was not built from a sound checkout.
    pub fn built_in() -> Result<Self> {
        let text = |path: &Path| {
            let file = BUILT_IN.get_file(path).and_then(|file| file.contents_utf8());
            file.map(str::to_owned).ok_or_else(|| anyhow!("`{}` is no part of this program", path.display()))
        };
        let mut files = Vec::new();
        let mut patches = BTreeMap::new();
        if let Some(folder) = BUILT_IN.get_dir("defects") {
            for file in every_file(folder) {
                place(file.path().strip_prefix("defects")?, text(file.path())?, CATALOGUE, &mut files, &mut patches);
            }
        }
        let known = parsed_requirements("scenarios/requirements.csv", &text(Path::new("requirements.csv"))?)?;
        Self::read(files, patches, Some(&known), None).context("the program's own catalogue of defects can't be read")
    }

    /// The files of a folder.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn of_folder(folder: &Path, requirements: &Path) -> Result<Self> {
        let mut files = Vec::new();
        let mut patches = BTreeMap::new();
        for path in walk(folder)? {
            let text = files::read(&path)?;
            place(path.strip_prefix(folder)?, text, &folder.display().to_string(), &mut files, &mut patches);
        }
        let known = requirements.exists().then(|| parsed_requirements(&requirements.display().to_string(), &files::read(requirements)?));
        Self::read(files, patches, known.transpose()?.as_ref(), Some(folder))
    }

    fn read(
        files: Vec<SourceFile>,
        patches: BTreeMap<String, String>,
        requirements: Option<&Requirements>,
        folder: Option<&Path>,
    ) -> Result<Self> {
        let paths: BTreeSet<String> = patches.keys().cloned().collect();
        let constants = rig_sim::constants();
        let ground = DefectGround { constants: &constants, requirements, patches: &paths };
        let defects = parse_defects(files, ground).map_err(|found| told(&found))?;
        Ok(Self { defects, patches, folder: folder.map(Path::to_owned) })
    }

    /// Which one it is, for people.
    pub fn told(&self) -> String {
        let count = match self.defects.len() {
            1 => "1 defect".to_owned(),
            n => format!("{n} defects"),
        };
        match &self.folder {
            Some(folder) => format!("{}, {count}", folder.display()),
            None => format!("the program's own, {count} (there is no folder {CATALOGUE} here)"),
        }
    }

    /// # Errors
    /// There is none of that name; the nearest are named, exit code 2.
    pub fn find(&self, id: &str) -> Result<&Defect, Failure> {
        if let Some(defect) = self.defects.iter().find(|d| &*d.id == id) {
            return Ok(defect);
        }
        let mut near: Vec<(f64, &Defect)> = self.defects.iter().map(|d| (strsim::jaro_winkler(&d.id, id), d)).collect();
        near.sort_by(|a, b| b.0.total_cmp(&a.0));
        let near: Vec<String> = near.iter().take(NEAR).map(|(_, defect)| line(defect)).collect();
        let id = printable(id);
        Err(failure(USAGE, format!("there is no defect `{id}`; near to it are\n{}\n`--defect help` lists all", near.join("\n"))))
    }

    /// One line for each.
    pub fn list(&self) -> String {
        self.defects.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    /// The pumps of these defects, in their order. All patched ones are built in one go.
    pub fn pumps(&self, defects: &[&Defect]) -> Vec<Result<DefectivePump>> {
        let patches: Vec<Patch> = defects.iter().filter_map(|defect| self.patch_of(defect)).collect();
        let mut built = if patches.is_empty() { Ok(Vec::new()) } else { workshop().builds(&patches) }.map(Vec::into_iter);
        let pump = |defect: &&Defect| {
            let unit = match Unit::of(&defect.made) {
                Some(unit) => unit,
                None => match &mut built {
                    Ok(built) => Unit::built(built.next().ok_or_else(|| anyhow!("defect `{}` has no patch", defect.id))??),
                    Err(error) => return Err(anyhow!("defect `{}`: {error}", defect.id)),
                },
            };
            Ok(DefectivePump { defect: (*defect).clone(), unit })
        };
        defects.iter().map(pump).collect()
    }

    /// # Errors
    /// A patch that does not apply or can't be built.
    pub fn pump(&self, defect: &Defect) -> Result<DefectivePump> {
        self.pumps(&[defect]).pop().unwrap_or_else(|| Err(anyhow!("defect `{}` can't be made", defect.id)))
    }

    /// The patch that a defect is made by, under the defect's name.
    pub fn patch_of(&self, defect: &Defect) -> Option<Patch> {
        let Made::Patch(path) = &defect.made else { return None };
        Some(Patch { name: defect.id.to_string(), text: self.patch(path)?.to_owned() })
    }

    /// The text of a patch of this catalogue.
    pub fn patch(&self, path: &str) -> Option<&str> {
        self.patches.get(path).map(String::as_str)
    }
}

/// Where patched firmware is built and kept: with what else is built, in the project's folder; elsewhere where the user's caches are.
pub fn workshop() -> Workshop {
    let cache = || {
        let home = std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
        std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or(home).unwrap_or_else(std::env::temp_dir).join("pump-rig")
    };
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let here = Path::new("Cargo.toml").exists().then(|| target.unwrap_or_else(|| "target".into()));
    Workshop::at(here.unwrap_or_else(cache).join("defects"))
}

/// The pump of that name for this bench.
///
/// # Errors
/// There is none, or it can't be on this bench (exit code 2), or can't be built (4).
pub fn named(name: Option<&str>, bench: &Bench) -> Result<Option<DefectivePump>, Failure> {
    let Some(name) = name else { return Ok(None) };
    let catalogue = Catalogue::here()?;
    let defect = catalogue.find(name)?;
    applies(defect, bench).map_err(|why| failure(USAGE, format!("the defect `{}` {why}", defect.id)))?;
    catalogue.pump(defect).or_exit(BENCH).map(Some)
}

/// Whether a defect can be put into the pump of this bench, or why not.
///
/// # Errors
/// A sentence that goes on from the defect's name.
pub fn applies(defect: &Defect, bench: &Bench) -> Result<(), String> {
    if bench.kind == BenchKind::Pi {
        return Err("can only be put into a simulated pump; this bench has a real one".to_owned());
    }
    let Made::Seam(seams) = &defect.made else { return Ok(()) };
    // By the table's own names, so that no seam of the kind is left out.
    let one_of = |kind: &str| seams.iter().any(|seam| seam.what().starts_with(kind));
    if one_of("button_") && bench.line("button").is_none() {
        return Err("is one of the patient's button, and this bench has no line `button`".to_owned());
    }
    if one_of("tone_") && !bench.channels.iter().any(|channel| channel.instrument == Instrument::Alarm) {
        return Err("is one of the sounder, and no channel of this bench hears it".to_owned());
    }
    Ok(())
}

fn line(defect: &Defect) -> String {
    format!("  {:<28} {}", defect.id, defect.wrong)
}

fn told(found: &[Diagnostic]) -> anyhow::Error {
    let mut errors = Errors::default();
    errors.diagnostics(found);
    errors.failure().error
}

fn parsed_requirements(path: &str, text: &str) -> Result<Requirements> {
    Requirements::parse(path, text).map_err(|found| told(&found))
}

fn every_file<'d>(folder: &'d Dir<'d>) -> Vec<&'d include_dir::File<'d>> {
    let below = folder.dirs().flat_map(every_file);
    folder.files().chain(below).collect()
}

fn walk(folder: &Path) -> Result<Vec<PathBuf>> {
    let listing = || format!("failed to list `{}`", folder.display());
    let entries = std::fs::read_dir(folder).with_context(listing)?.map(|e| e.map(|e| e.path()));
    let mut entries: Vec<PathBuf> = entries.collect::<Result<_, _>>().with_context(listing)?;
    entries.sort();
    let mut found = Vec::new();
    for path in entries {
        if path.is_dir() {
            found.extend(walk(&path)?);
        } else {
            found.push(path);
        }
    }
    Ok(found)
}

/// Puts a file where it belongs by its ending; others are of no concern.
fn place(inside: &Path, text: String, folder: &str, files: &mut Vec<SourceFile>, patches: &mut BTreeMap<String, String>) {
    let name: Vec<_> = inside.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    let name = name.join("/");
    match inside.extension().and_then(|ending| ending.to_str()) {
        // Mutants that survive, explained: no family of pumps.
        Some("toml") if name == "survivors.toml" => {}
        Some("toml") => files.push(SourceFile { path: format!("{folder}/{name}"), text }),
        Some("patch") => {
            patches.insert(name, text);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use rig_model::defect::Seam;

    use super::*;
    use crate::inputs;

    /// Every seam of the button and of the sounder there is, on benches that have neither.
    #[test]
    fn a_defect_of_what_the_bench_lacks_is_refused() {
        let (mut bench, _) = inputs::bench(None, &mut Errors::default()).expect("the program's own bench");
        let all = Catalogue::built_in().expect("the program's own catalogue");
        let refused =
            |bench: &Bench| all.defects.iter().filter(|d| applies(d, bench).is_err()).map(|d| &d.made).cloned().collect::<Vec<_>>();
        let made_by = |kinds: &[&str]| {
            let of_kind = |s: &Seam| kinds.iter().any(|kind| s.what().starts_with(kind));
            let made = all.defects.iter().map(|d| &d.made);
            made.filter(|made| matches!(made, Made::Seam(seams) if seams.iter().any(of_kind))).cloned().collect::<Vec<_>>()
        };
        assert_eq!(refused(&bench), []);
        bench.lines.retain(|line| &*line.name != "button");
        assert_eq!(refused(&bench), made_by(&["button_"]));
        bench.channels.retain(|channel| channel.instrument != Instrument::Alarm);
        assert_eq!(refused(&bench), made_by(&["button_", "tone_"]));
        assert!(made_by(&["button_"]).len() >= 3 && made_by(&["tone_"]).len() >= 5, "the catalogue has all kinds of both");
    }
}
