//! Finds and reads scenario files, fragments, requirements and bench files.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rig_scenario::{Loader, SourceFile};

/// A larger file is no scenario; it is refused before it is read.
const MAX_FILE: u64 = 1024 * 1024;
/// Where scenarios are looked for when no path is given.
pub const DEFAULT_SCENARIOS: &str = "scenarios";
/// Below `scenarios/`, these are not played by default: they take long, or are no scenarios.
const NOT_BY_DEFAULT: [&str; 3] = ["soak", "fragments", "defects"];

/// The scenario files that are asked for: the paths given, or all of `scenarios/` but `soak`.
pub fn scenario_files(paths: &[PathBuf]) -> Result<Vec<SourceFile>> {
    let mut found = Vec::new();
    if paths.is_empty() {
        let root = Path::new(DEFAULT_SCENARIOS);
        if !root.is_dir() {
            bail!("no folder `{DEFAULT_SCENARIOS}` here; run `rig` in the project's folder, or name scenario files or folders");
        }
        walk(root, true, &mut found)?;
    }
    for path in paths {
        let meta = std::fs::metadata(path).with_context(|| format!("failed to open `{}`", path.display()))?;
        if meta.is_dir() { walk(path, false, &mut found)? } else { found.push(path.clone()) }
    }
    if found.is_empty() {
        bail!("no scenario file (*.yaml) found");
    }
    found.into_iter().map(|path| Ok(SourceFile { text: read(&path)?, path: path.display().to_string() })).collect()
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
    std::fs::read_to_string(path).with_context(|| format!("failed to read `{}` as UTF-8 text", path.display()))
}

/// Loads the fragments that scenario files include.
#[derive(Debug, Default)]
pub struct Disk;

impl Loader for Disk {
    fn load(&mut self, path: &str) -> Result<String, String> {
        read(Path::new(path)).map_err(|e| format!("{e:#}"))
    }
}
