//! The project's own catalogue of defects: it can be read, and each pump in it differs from the sound one by something.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "the tests read the project's files")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rig_model::defect::{Asked, Defect, Made, Seam, Told};
use rig_scenario::{DefectGround, Requirements, SourceFile, parse_defects};
use rig_sim::Fitted;

fn scenarios() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios")
}

fn names(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|e| e == ending)).collect();
    found.sort();
    found
}

fn catalogue() -> Vec<Defect> {
    let folder = scenarios().join("defects");
    let requirements = std::fs::read_to_string(scenarios().join("requirements.csv")).unwrap();
    let requirements = Requirements::parse("requirements.csv", &requirements).unwrap();
    let patches = names(&folder.join("patches"), "patch");
    let patches: BTreeSet<String> = patches.iter().map(|p| format!("patches/{}", p.file_name().unwrap().to_string_lossy())).collect();
    let files = names(&folder, "toml");
    let files = files.iter().map(|p| SourceFile { path: p.display().to_string(), text: std::fs::read_to_string(p).unwrap() }).collect();
    let constants = rig_sim::constants();
    let ground = DefectGround { constants: &constants, requirements: Some(&requirements), patches: &patches };
    let defects = parse_defects(files, ground).unwrap_or_else(|found| {
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        panic!("{}", found.join("\n"))
    });
    let used: BTreeSet<String> =
        defects.iter().filter_map(|d| if let Made::Patch(path) = &d.made { Some(path.to_string()) } else { None }).collect();
    assert_eq!(used, patches, "each patch belongs to a defect");
    defects
}

#[test]
fn the_catalogue_is_large_and_made_in_all_ways() {
    let defects = catalogue();
    let made = |key| defects.iter().filter(|d| d.made.key() == key).count();
    assert!(defects.len() >= 110, "{}", defects.len());
    assert!(made("constants") >= 35 && made("seam") >= 45 && made("patch") >= 30);
    assert!(defects.iter().filter(|d| d.field.is_some()).count() >= 30, "what real pumps have had");
}

#[test]
fn each_altered_constant_is_another_than_the_sound_pumps() {
    let sound = Fitted::default().config();
    for defect in catalogue() {
        let Made::Constants(constants) = &defect.made else { continue };
        for (name, value) in constants {
            let mut altered = sound.clone();
            altered.alter(name, *value).unwrap();
            assert_ne!(altered, sound, "{}: {name}", defect.id);
        }
    }
}

/// No seam is there for nothing.
#[test]
fn each_kind_of_seam_makes_a_pump_of_the_catalogue() {
    let defects = catalogue();
    let used: BTreeSet<&str> =
        defects.iter().filter_map(|d| if let Made::Seam(seams) = &d.made { Some(seams) } else { None }).flatten().map(Seam::what).collect();
    let unused: Vec<&str> = Seam::KINDS.iter().map(|kind| kind.what).filter(|what| !used.contains(what)).collect();
    assert_eq!(unused, [""; 0]);
}

fn page() -> String {
    std::fs::read_to_string(scenarios().join("../rig/docs/defects.md")).unwrap()
}

#[test]
fn the_page_tells_each_seam_with_its_amounts() {
    let page = page();
    for kind in Seam::KINDS {
        let row = page.lines().find(|line| line.starts_with(&format!("| `{}` | {} |", kind.what, kind.does)));
        let row = row.unwrap_or_else(|| panic!("the page lacks `{}`: {}", kind.what, kind.does));
        for amount in kind.amounts {
            assert!(row.contains(&format!("`{}`: ", amount.name)), "`{}` lacks `{}`", kind.what, amount.name);
        }
    }
    for word in Asked::WORDS.iter().chain(Told::WORDS) {
        assert!(page.contains(&format!("`{word}`")), "the page lacks `{word}`");
    }
}

#[test]
fn the_pages_example_is_read_and_is_a_pump_of_the_catalogue() {
    let page = page();
    let example = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let file = SourceFile { path: "example.toml".into(), text: example.to_owned() };
    let ground = DefectGround { constants: &[], requirements: None, patches: &BTreeSet::new() };
    let defects = parse_defects(vec![file], ground).unwrap();
    let pumps = catalogue();
    let pump = pumps.iter().find(|d| d.id == defects[0].id).unwrap();
    assert_eq!((&pump.made, &pump.wrong), (&defects[0].made, &defects[0].wrong));
    assert!(page.contains(&format!("has {} pumps", pumps.len())), "{}", pumps.len());
}
