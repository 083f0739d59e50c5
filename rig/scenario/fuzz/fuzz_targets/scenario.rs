//! Any text as a scenario that includes itself as a fragment: no panic, and every diagnostic can be shown.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rig_scenario::{SourceFile, parse_scenarios};

fuzz_target!(|text: &str| {
    let mut loader = |_: &str| Ok(text.to_owned());
    let parsed = parse_scenarios(vec![SourceFile { path: "x.yaml".to_owned(), text: text.to_owned() }], &mut loader, None);
    for diagnostic in &parsed.diagnostics {
        let _ = diagnostic.to_string();
    }
});
