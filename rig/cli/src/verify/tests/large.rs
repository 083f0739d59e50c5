//! The run of three days, changed at places that a seed chooses.

use std::path::Path;

use super::super::files::Memory;
use super::support::{fault, plausible, played, put, verified, with_byte};
use crate::folder::JOURNAL;

const SEED: u64 = 20_260_101;
const CHANGES: usize = 12;

/// The next number of a sequence that a seed begins (splitmix64).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn line_at(bytes: &[u8], at: usize) -> u64 {
    bytes[..at].iter().filter(|byte| **byte == b'\n').count() as u64 + 1
}

#[test]
fn three_days_changed_here_and_there() {
    let workload = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/soak/workload-72h.yaml");
    let whole: Memory = played(&workload, &["--seed", "7"]);
    assert_eq!(verified(&whole).faults, []);
    let bytes = whole.0[JOURNAL].clone();
    let mut seed = SEED;
    let mut run = whole.clone();
    for _ in 0..CHANGES {
        let at = next(&mut seed) as usize % bytes.len();
        put(&mut run, JOURNAL, with_byte(&bytes, at, plausible(bytes[at])));
        assert_eq!((&*fault(&run).file, fault(&run).line), (JOURNAL, Some(line_at(&bytes, at))), "seed {SEED}, byte {at}");
    }
    for name in ["delivery.csv", "events.csv", "results.csv"] {
        let bytes = &whole.0[name];
        let at = next(&mut seed) as usize % bytes.len();
        let mut run = whole.clone();
        put(&mut run, name, with_byte(bytes, at, plausible(bytes[at])));
        assert_eq!((fault(&run).file, fault(&run).line), (name.to_owned(), Some(line_at(bytes, at))), "seed {SEED}, byte {at}");
    }
}
