//! The page on the pump tells the constants that the pump has.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use pump_core::{CONSTANTS, Config};

#[test]
fn the_table_of_constants_is_that_of_the_firmware() {
    let page = include_str!("../../../rig/docs/pump.md");
    let rows: Vec<_> = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | ")).collect();
    let names: Vec<_> = rows.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, CONSTANTS.iter().map(|(name, ..)| *name).collect::<Vec<_>>());
    for (place, config) in [(0, Config::default()), (1, Config::trial())] {
        for (name, cells) in &rows {
            let value = cells.split(" | ").nth(place).unwrap().replace(',', "").parse().unwrap();
            let mut told = config.clone();
            told.alter(name, value).unwrap();
            assert_eq!(told, config, "{name} is not {value}");
        }
    }
}
