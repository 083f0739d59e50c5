//! The journal reader takes any bytes without a panic, and what it reads is written back so that it reads the same.
//! Run with `cargo +nightly fuzz run journal` in `rig/record`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rig_record::{JournalReader, JournalWriter};

fuzz_target!(|bytes: &[u8]| {
    let mut facts = Vec::new();
    for fact in JournalReader::new(bytes) {
        match fact {
            Ok((_, fact)) => facts.push(fact),
            Err(_) => break,
        }
    }
    let mut writer = JournalWriter::new(Vec::new());
    for fact in &facts {
        writer.write(fact).expect("a Vec takes all that is written");
    }
    let again: Vec<_> = JournalReader::new(&writer.into_inner()[..]).map(|fact| fact.expect("its own lines are good").1).collect();
    assert_eq!(again, facts);
});
