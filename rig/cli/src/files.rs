//! Finds and reads scenario files, fragments, requirements and bench files.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rig_scenario::{Loader, SourceFile};

/// A larger file is no scenario; it is refused before it is read.
const MAX_FILE: u64 = 1024 * 1024;
/// Where scenarios are looked for when no path is given.
pub const DEFAULT_SCENARIOS: &str = "scenarios";
/// Below `scenarios/`, these are not played by default: they take long, need a balance or another pump, or are no scenarios.
const NOT_BY_DEFAULT: [&str; 5] = ["soak", "calibration", "external", "fragments", "defects"];

/// The files that were found: those with a text, and why the others have none.
#[derive(Debug, Default)]
pub struct Found {
    pub sources: Vec<SourceFile>,
    pub unreadable: Vec<anyhow::Error>,
}

/// The scenario files that are asked for: the paths given, or all of `scenarios/` but `soak`, `calibration` and `external`. One that can't be read doesn't hide the others.
pub fn scenario_files(paths: &[PathBuf]) -> Found {
    let mut found = Found::default();
    let mut files = Vec::new();
    let default = [PathBuf::from(DEFAULT_SCENARIOS)];
    let by_default = paths.is_empty();
    if by_default && !default[0].is_dir() {
        let why = "no folder `scenarios` here: run `rig` in the project's folder, or name scenario files or folders";
        found.unreadable.push(anyhow::Error::msg(why));
        return found;
    }
    for path in if by_default { &default[..] } else { paths } {
        let listed = match std::fs::metadata(path) {
            Ok(meta) if meta.is_dir() => walk(path, by_default, &mut files),
            Ok(_) => {
                files.push(path.clone());
                Ok(())
            }
            Err(error) => Err(error).with_context(|| format!("failed to open `{}`", path.display())),
        };
        found.unreadable.extend(listed.err());
    }
    if files.is_empty() && found.unreadable.is_empty() {
        let places: Vec<String> = paths.iter().map(|p| format!("`{}`", p.display())).collect();
        found.unreadable.push(anyhow::anyhow!("no scenario file (*.yaml) in {}", places.join(", ")));
    }
    for path in files {
        match read(&path) {
            Ok(text) => found.sources.push(SourceFile { text, path: path.display().to_string() }),
            Err(error) => found.unreadable.push(error),
        }
    }
    found
}

fn walk(folder: &Path, by_default: bool, found: &mut Vec<PathBuf>) -> Result<()> {
    let listing = || format!("failed to list `{}`", folder.display());
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder).with_context(listing)?.map(|e| e.map(|e| e.path())).collect::<Result<_, _>>().with_context(listing)?;
    entries.sort();
    for path in entries {
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        if path.is_dir() {
            if !name.starts_with('.') && !(NOT_BY_DEFAULT.contains(&name) && (by_default || name == "fragments")) {
                walk(&path, by_default, found)?;
            }
        } else if matches!(path.extension().and_then(|e| e.to_str()), Some("yaml" | "yml")) {
            found.push(path);
        }
    }
    Ok(())
}

/// Reads a text file of bounded size.
pub fn read(path: &Path) -> Result<String> {
    let size = std::fs::metadata(path).with_context(|| format!("failed to open `{}`", path.display()))?.len();
    if size > MAX_FILE {
        bail!("`{}` has {} MB; scenario and bench files have at most 1 MiB", path.display(), size / 1_000_000);
    }
    let bytes = std::fs::read(path).with_context(|| format!("failed to read `{}`", path.display()))?;
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        bail!("this is UTF-16 text, which spreadsheets call Unicode text; save the file as UTF-8 (CSV UTF-8)\n --> {}:1:1", path.display());
    }
    String::from_utf8(bytes).map_err(|error| {
        let (line, column) = place(error.as_bytes(), error.utf8_error().valid_up_to());
        anyhow::anyhow!("this is not UTF-8 text; save the file as UTF-8\n --> {}:{line}:{column}", path.display())
    })
}

/// Line and column, from 1, of a byte before which all is text.
fn place(bytes: &[u8], offset: usize) -> (usize, usize) {
    let before = String::from_utf8_lossy(&bytes[..offset]);
    let line = before.rsplit('\n').next().unwrap_or_default();
    (before.matches('\n').count() + 1, line.chars().count() + 1)
}

/// Loads the fragments that scenario files include.
#[derive(Debug, Default)]
pub struct Disk;

impl Loader for Disk {
    fn load(&mut self, path: &str) -> Result<String, String> {
        read(Path::new(path)).map_err(|e| format!("{e:#}"))
    }
}
