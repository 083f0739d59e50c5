//! The scenario language and the bench file: text in, checked model and diagnostics out. Opens no file.
//!
//! Text is read into a tree with places (`node`), the tree is read by the tables of `grammar`, arithmetic is exact
//! (`exact`), and every mistake of every file is reported in one go.

mod bench;
mod bench_balance;
mod bench_deed;
mod bench_grammar;
mod bench_plant;
mod bench_provenance;
mod bench_sensor;
mod bench_wiring;
mod calibration;
mod check;
mod check_figure;
mod check_pump;
mod command;
mod curve;
mod defects;
mod diagnostic;
mod exact;
mod expect;
mod expression;
mod file;
mod given;
mod grammar;
mod grammar_check;
mod grammar_command;
mod inject;
mod library;
pub mod limits;
mod lower;
mod needs;
mod node;
mod plan;
mod position;
mod quantity;
mod read;
mod requirements;
mod schema;
mod tolerance;
mod toml_tree;
mod watch;
mod yaml;

use std::collections::BTreeMap;

use rig_model::fact::SourceText;
use rig_model::scenario::Scenario;

pub use bench::parse_bench;
pub use calibration::{calibration_gaps, calibration_warnings};
pub use defects::{DefectGround, parse_defects};
pub use diagnostic::Diagnostic;
pub use library::Loader;
pub use needs::{Needs, lacking, needs};
pub use plan::{PlannedFirmware, PlannedTest, TestPlan, parse_plan};
pub use quantity::{Measure, quantity, span};
pub use requirements::Requirements;
pub use schema::schema;

/// A file as the caller read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    pub path: String,
    pub text: String,
}

/// What came out of a set of scenario files.
#[derive(Debug, Clone, Default)]
pub struct Parsed {
    /// The scenarios without errors, in the order of the files.
    pub scenarios: Vec<Scenario>,
    /// Every file that was read, fragments included, as it was, with its hash.
    pub files: Vec<SourceText>,
    /// Everything wrong in all of the files. Nothing may be played while there is one.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads scenario files, and the fragments that they include. A fragment among the files is no scenario; it is kept for those that include it.
pub fn parse_scenarios(files: Vec<SourceFile>, loader: &mut dyn Loader, known: Option<&Requirements>) -> Parsed {
    let mut out = diagnostic::Reporter::default();
    let mut library = library::Library::new(loader);
    let mut roots = Vec::new();
    for SourceFile { path, text } in files {
        let before = out.count();
        let Some(root) = library.read(&path, text, &mut out) else { continue };
        if root.get("fragment").is_some() && root.get("scenario").is_none() {
            library.keep_fragment(&path, Some(root), &mut out);
        } else {
            let sha256 = library.files.last().map(|f| f.sha256.clone()).unwrap_or_default();
            roots.push(Root { path, sha256, root, sound: out.count() == before });
        }
    }
    report_duplicate_ids(&roots, &mut out);
    let mut scenarios = Vec::new();
    for Root { path, sha256, root, sound } in &roots {
        let scenario = file::scenario(path, sha256, root, &mut library, known, &mut out);
        scenarios.extend(scenario.filter(|_| *sound));
    }
    Parsed { scenarios, files: library.files, diagnostics: out.finish() }
}

/// A scenario file as a tree.
struct Root {
    path: String,
    sha256: String,
    root: node::Node,
    /// Nothing was wrong with it as YAML.
    sound: bool,
}

fn report_duplicate_ids(roots: &[Root], out: &mut diagnostic::Reporter) {
    let mut first: BTreeMap<&str, &str> = BTreeMap::new();
    for Root { path, root, .. } in roots {
        let Some(node) = root.get("scenario") else { continue };
        let Some(id) = node.scalar() else { continue };
        if let Some(other) = first.get(id) {
            out.error(node.at, format!("the id `{id}` is that of {other} too"));
        } else {
            first.insert(id, path);
        }
    }
}
