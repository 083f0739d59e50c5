//! Any bytes into the decoder; the body is that of the property test in `tests/stream.rs`.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/support/decoder_body.rs"]
mod body;

fuzz_target!(|data: &[u8]| body::decoder_body(data));
