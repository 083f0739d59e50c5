//! The suite follows the firmware: what it names of the firmware is all of it.
#![allow(clippy::disallowed_methods, reason = "the test reads a scenario")]

use std::path::Path;

/// A stored field that no case alters would be one whose corruption nobody looks for.
#[test]
fn the_scenario_of_altered_memory_alters_every_stored_field() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/faults/memory.yaml");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let listed = text.lines().skip_while(|line| *line != "  field:").skip(1).map_while(|line| line.strip_prefix("    - "));
    let stored: Vec<&str> = pump_core::stored_fields().map(|(name, _)| name).collect();
    assert_eq!(listed.collect::<Vec<_>>(), stored);
}
