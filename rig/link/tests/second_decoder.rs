//! A decoder written from `rig/docs/link.md` and from nothing else: no codec, checksum or COBS of the crate or its dependencies.
//! If both agree, the page says what goes over the wire.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/arbitrary.rs"]
mod arbitrary;
#[path = "support/golden.rs"]
mod golden;

use proptest::prelude::*;
use pump_link::{Command, FromPump, MAX_FRAME, Message, Notice, Request, Response, encode};

/// Section 2, backwards. `None` for a broken frame.
fn message_of(frame: &[u8]) -> Option<Vec<u8>> {
    let (delimiter, mut rest) = frame.split_last()?;
    if *delimiter != 0 || rest.len() > 197 || rest.contains(&0) {
        return None;
    }
    let mut plain = Vec::new();
    while let Some((n, behind)) = rest.split_first() {
        let piece = usize::from(*n) - 1;
        plain.extend_from_slice(behind.get(..piece)?);
        rest = &behind[piece..];
        if !rest.is_empty() {
            plain.push(0);
        }
    }
    let message = plain.len().checked_sub(4).filter(|length| *length >= 1)?;
    let sum = checksum(&plain[..message]);
    let told = (0..4).map(|i| u32::from(plain[message + i]) << (8 * i)).sum::<u32>();
    plain.truncate(message);
    (sum == told).then_some(plain)
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut remainder = 0xFFFF_FFFF_u32;
    for byte in bytes {
        remainder ^= u32::from(*byte);
        for _ in 0..8 {
            // 0x04C11DB7 with its bits reversed.
            remainder = (remainder >> 1) ^ if remainder & 1 == 1 { 0xEDB8_8320 } else { 0 };
        }
    }
    remainder ^ 0xFFFF_FFFF
}

/// Section 3.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().expect("a field is missing");
        self.0 = rest;
        *first
    }

    fn number(&mut self) -> u64 {
        let mut value = 0;
        for place in (0..).step_by(7) {
            let byte = self.byte();
            value |= u64::from(byte & 0x7F) << place;
            if byte & 0x80 == 0 {
                break;
            }
        }
        value
    }

    fn text(&mut self) -> String {
        let length = self.number();
        assert!(length <= 24);
        String::from_utf8((0..length).map(|_| self.byte()).collect()).unwrap()
    }

    fn numbers(&mut self, count: usize) -> String {
        (0..count).map(|_| self.number().to_string()).collect::<Vec<_>>().join(" ")
    }
}

/// Section 4.1.
fn read_request(message: &[u8]) -> String {
    let mut fields = Fields(message);
    let address = format!("{}/{}", fields.number(), fields.number());
    let (name, arguments) = match fields.number() {
        0 => ("identify", 0),
        1 => ("status", 0),
        2 => ("factory_reset", 0),
        3 => ("program_basal", 1),
        4 => ("program_bolus", 2),
        5 => ("program_priming", 1),
        6 => ("start", 0),
        7 => ("stop", 0),
        8 => ("acknowledge", 0),
        9 => ("refill", 1),
        10 => ("read_log", 1),
        other => panic!("command {other}"),
    };
    let arguments = fields.numbers(arguments);
    assert!(fields.0.is_empty(), "bytes left over");
    format!("request {address} {name} {arguments}").trim_end().to_owned()
}

/// Section 4.2.
fn read_from_pump(message: &[u8]) -> String {
    let mut fields = Fields(message);
    let said = match fields.number() {
        0 => format!("reply {}/{} {}", fields.number(), fields.number(), read_response(&mut fields)),
        1 => {
            let (number, uptime) = (fields.number(), fields.number());
            let what = match fields.number() {
                0 => format!("alarm_on {}", fields.number()),
                1 => format!("alarm_off {}", fields.number()),
                2 => format!("state {}", fields.number()),
                3 => "restarted".to_owned(),
                other => panic!("notice {other}"),
            };
            format!("notice {number} at {uptime} {what}")
        }
        other => panic!("message {other}"),
    };
    assert!(fields.0.is_empty(), "bytes left over");
    said
}

fn read_response(fields: &mut Fields<'_>) -> String {
    match fields.number() {
        0 => {
            let names = format!("'{}' '{}' '{}'", fields.text(), fields.text(), fields.text());
            let hash: String = (0..20).map(|_| format!("{:02x}", fields.byte())).collect();
            format!("identity {names} {hash} {}", fields.number())
        }
        1 => format!("status state {} alarms {} {}", fields.number(), fields.byte(), fields.numbers(7)),
        2 => "accepted".to_owned(),
        3 => format!("refused {}", fields.number()),
        4 => {
            let count = fields.number();
            assert!(count <= 8);
            (0..count).fold("log".to_owned(), |said, _| format!("{said} [{}]", fields.numbers(4)))
        }
        other => panic!("response {other}"),
    }
}

#[test]
fn every_golden_message_says_what_the_page_says() {
    for golden in golden::all() {
        let frame: Vec<u8> = golden.bytes.split(' ').map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
        let message = message_of(&frame).expect("an unbroken frame");
        let said = if golden.says.starts_with("request") { read_request(&message) } else { read_from_pump(&message) };
        assert_eq!(said, golden.says);
    }
}

#[test]
fn the_pages_examples_are_golden_bytes() {
    let page = include_str!("../../docs/link.md");
    let golden: Vec<String> = golden::all().iter().map(|golden| golden.bytes.to_uppercase()).collect();
    let examples: Vec<_> = page.lines().filter_map(|line| line.strip_prefix("| frame | `")?.strip_suffix("` |")).collect();
    assert_eq!(examples.len(), 3);
    for example in examples {
        assert!(golden.iter().any(|bytes| bytes == example), "{example}");
    }
}

#[test]
fn the_pages_numbers_are_those_of_the_crate() {
    let page = include_str!("../../docs/link.md");
    for words in [
        format!("protocol version {}", pump_link::PROTOCOL_VERSION),
        format!("3 to {} bytes", pump_link::MAX_MESSAGE),
        format!("at most {MAX_FRAME} bytes with its delimiter"),
        format!("within **{} ms**", pump_link::REPLY_WITHIN_MS),
        format!("at most {}, then that many bytes of UTF-8", pump_link::TEXT_LEN),
        format!("above, at most {}", pump_link::LOG_PAGE),
    ] {
        assert!(page.contains(&words), "{words}");
    }
}

#[test]
fn the_check_value_of_the_checksum() {
    assert_eq!(checksum(b"123456789"), 0xCBF4_3926);
}

fn read_frame_of(message: &impl Message, read: fn(&[u8]) -> String) -> String {
    let mut buffer = [0; MAX_FRAME];
    read(&message_of(encode(message, &mut buffer).unwrap()).expect("an unbroken frame"))
}

fn said_by_request(request: &Request) -> String {
    let Request { session, seq, command } = request;
    let command = match command {
        Command::Identify => "identify".to_owned(),
        Command::Status => "status".to_owned(),
        Command::FactoryReset => "factory_reset".to_owned(),
        Command::ProgramBasal { rate_nl_h } => format!("program_basal {rate_nl_h}"),
        Command::ProgramBolus { volume_nl, duration_ms } => format!("program_bolus {volume_nl} {duration_ms}"),
        Command::ProgramPriming { volume_nl } => format!("program_priming {volume_nl}"),
        Command::Start => "start".to_owned(),
        Command::Stop => "stop".to_owned(),
        Command::Acknowledge => "acknowledge".to_owned(),
        Command::Refill { volume_nl } => format!("refill {volume_nl}"),
        Command::ReadLog { from } => format!("read_log {from}"),
    };
    format!("request {session}/{seq} {command}")
}

fn said_by_pump(message: &FromPump) -> String {
    match message {
        FromPump::Notice { number, uptime_us, notice } => {
            let what = match notice {
                Notice::AlarmOn(alarm) => format!("alarm_on {}", alarm.code()),
                Notice::AlarmOff(alarm) => format!("alarm_off {}", alarm.code()),
                Notice::State(state) => format!("state {}", state.code()),
                Notice::Restarted => "restarted".to_owned(),
            };
            format!("notice {number} at {uptime_us} {what}")
        }
        FromPump::Reply { session, seq, response } => format!("reply {session}/{seq} {}", said_by_response(response)),
    }
}

fn said_by_response(response: &Response) -> String {
    match response {
        Response::Identity(identity) => {
            let hash: String = identity.build_hash.iter().map(|byte| format!("{byte:02x}")).collect();
            let (model, serial, firmware) = (&identity.model, &identity.serial, &identity.firmware_version);
            format!("identity '{model}' '{serial}' '{firmware}' {hash} {}", identity.protocol_version)
        }
        Response::Status(s) => {
            let amounts = format!("{} {} {} {}", s.reservoir_nl, s.delivered_nl, s.basal_nl_h, s.bolus_left_nl);
            let counts = format!("{} {} {}", s.strokes, s.resets, s.uptime_us);
            format!("status state {} alarms {} {amounts} {counts}", s.state.code(), s.alarms.0)
        }
        Response::Accepted => "accepted".to_owned(),
        Response::Refused(refusal) => format!("refused {}", refusal.code()),
        Response::Log { entries } => entries.iter().fold("log".to_owned(), |said, entry| {
            format!("{said} [{} {} {} {}]", entry.number, entry.uptime_us, entry.code.code(), entry.value)
        }),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_read_the_same_from_any_request(request in arbitrary::request()) {
        prop_assert_eq!(read_frame_of(&request, read_request), said_by_request(&request));
    }

    #[test]
    fn both_read_the_same_from_anything_the_pump_says(message in arbitrary::from_pump()) {
        prop_assert_eq!(read_frame_of(&message, read_from_pump), said_by_pump(&message));
    }
}
