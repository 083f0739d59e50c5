//! Every message of protocol version 1, byte for byte.
//!
//! If this fails, do not change the test: the wire has changed. Bump `PROTOCOL_VERSION` and add a table for the new version.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/golden.rs"]
mod golden;

use golden::Sent;
use pump_link::{Decoder, MAX_FRAME, PROTOCOL_VERSION, REPLY_WITHIN_MS, decode_from_pump, decode_request, encode};

#[test]
fn the_table_is_that_of_this_version() {
    assert_eq!((PROTOCOL_VERSION, REPLY_WITHIN_MS), (1, 500));
}

#[test]
fn every_message_is_written_as_these_bytes() {
    for golden in golden::all() {
        let mut buffer = [0; MAX_FRAME];
        let frame = match &golden.message {
            Sent::Request(request) => encode(request, &mut buffer),
            Sent::FromPump(message) => encode(message, &mut buffer),
        };
        assert_eq!(hex(frame.unwrap()), golden.bytes, "{}", golden.says);
    }
}

#[test]
fn these_bytes_are_read_as_every_message() {
    for golden in golden::all() {
        let mut heard = 0;
        let mut decoder = Decoder::new();
        decoder.push(&bytes(golden.bytes), |message| {
            heard += 1;
            match &golden.message {
                Sent::Request(request) => assert_eq!(decode_request(message.unwrap()), Ok(*request)),
                Sent::FromPump(expected) => assert_eq!(decode_from_pump(message.unwrap()).as_ref(), Ok(expected)),
            }
        });
        assert_eq!((heard, decoder.skipped()), (1, 0), "{}", golden.says);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

fn bytes(hex: &str) -> Vec<u8> {
    hex.split(' ').map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
}
