//! Every message of protocol versions 1 and 2, byte for byte.
//!
//! If this fails, do not change the test: the wire has changed. Bump `PROTOCOL_VERSION` and add a table for the new version.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/golden.rs"]
mod golden;

use golden::Sent;
use pump_link::{
    Alarm, Decoder, LogCode, MAX_FRAME, PROTOCOL_VERSION, REPLY_WITHIN_MS, Refusal, State, decode_from_pump, decode_request, encode,
};

#[test]
fn the_table_is_that_of_this_version() {
    assert_eq!((PROTOCOL_VERSION, REPLY_WITHIN_MS), (2, 500));
}

/// So that nobody adds a word and forgets its bytes.
#[test]
fn every_code_is_in_the_table() {
    let golden = golden::all();
    let requests = |code: u8| golden.iter().any(|golden| matches!(golden.message, Sent::Request(_)) && says_command(golden.says, code));
    for code in 0..32 {
        assert!(requests(code), "command {code}");
    }
    let heard = |what: String| golden.iter().any(|golden| format!("{} ", golden.says).contains(&what));
    for code in Refusal::ALL.iter().map(|refusal| refusal.code()) {
        assert!(heard(format!(" refused {code} ")), "refusal {code}");
    }
    for code in Alarm::ALL.iter().map(|alarm| alarm.code()) {
        assert!(heard(format!(" alarm_on {code} ")), "alarm {code}");
    }
    for code in State::ALL.iter().map(|state| state.code()) {
        assert!(heard(format!(" state {code} ")), "state {code}");
    }
    for code in LogCode::ALL.iter().map(|code| code.code()).filter(|code| *code > LogCode::Acknowledged.code()) {
        assert!(heard(format!(" {code} {}]", u32::from(code) * u32::from(code))), "log code {code}");
    }
}

fn says_command(says: &str, code: u8) -> bool {
    says.split(' ').nth(2) == COMMANDS.get(usize::from(code)).copied()
}

const COMMANDS: [&str; 32] = [
    "identify",
    "status",
    "factory_reset",
    "program_basal",
    "program_bolus",
    "program_priming",
    "start",
    "stop",
    "acknowledge",
    "refill",
    "read_log",
    "program_concentration",
    "program_basal_dose",
    "program_bolus_dose",
    "program_step",
    "program_microdose",
    "program_minimum",
    "program_patient_bolus",
    "program_limit",
    "program_bridge",
    "set_clock",
    "read_back",
    "confirm",
    "discard",
    "patient_bolus",
    "begin_refill",
    "end_refill",
    "silence",
    "record_pain",
    "record_event",
    "shut_down",
    "therapy",
];

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
