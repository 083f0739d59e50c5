//! Any text as a bench file: no panic, and errors or a bench.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rig_scenario::parse_bench;

fuzz_target!(|text: &str| {
    if let Err(diagnostics) = parse_bench("b.toml", text) {
        assert!(!diagnostics.is_empty());
    }
});
