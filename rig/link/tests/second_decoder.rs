//! A decoder written from `rig/docs/link.md` and from nothing else: no codec, checksum or COBS of the crate or its dependencies.
//! If both agree, the page says what goes over the wire.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/arbitrary.rs"]
mod arbitrary;
#[path = "support/golden.rs"]
mod golden;

use proptest::prelude::*;
use pump_link::{Command, FromPump, MAX_FRAME, Message, Mode, Notice, Request, Response, Therapy, encode};

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

    fn signed(&mut self) -> i64 {
        let zigzag = i64::try_from(self.number()).unwrap();
        if zigzag % 2 == 0 { zigzag / 2 } else { -(zigzag + 1) / 2 }
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
        20 => ("set_clock", 1),
        21 => ("read_back", 1),
        22 => ("confirm", 1),
        23 => ("discard", 0),
        24 => ("patient_bolus", 0),
        25 => ("begin_refill", 0),
        26 => ("end_refill", 3),
        27 => ("silence", 0),
        28 => return end_of_request(&address, &format!("record_pain {}", fields.byte()), &fields),
        29 => return end_of_request(&address, &format!("record_event {}", fields.byte()), &fields),
        30 => ("shut_down", 0),
        31 => ("therapy", 0),
        part => {
            let part = read_part(part, &mut fields);
            return end_of_request(&address, &part, &fields);
        }
    };
    let arguments = fields.numbers(arguments);
    end_of_request(&address, format!("{name} {arguments}").trim_end(), &fields)
}

fn end_of_request(address: &str, command: &str, rest: &Fields<'_>) -> String {
    assert!(rest.0.is_empty(), "bytes left over");
    format!("request {address} {command}")
}

/// The part of a programme with this code: section 4.1, commands 11 to 19.
fn read_part(code: u64, fields: &mut Fields<'_>) -> String {
    let (name, arguments) = match code {
        3 => ("program_basal", 1),
        4 => ("program_bolus", 2),
        5 => ("program_priming", 1),
        11 => ("program_concentration", 1),
        12 => ("program_basal_dose", 1),
        13 => ("program_bolus_dose", 2),
        14 => return format!("program_step {} {}", fields.byte(), fields.numbers(4)),
        15 => ("program_microdose", 3),
        16 => return "program_minimum".to_owned(),
        17 => ("program_patient_bolus", 6),
        18 => ("program_limit", 2),
        19 => ("program_bridge", 2),
        other => panic!("command {other}"),
    };
    format!("{name} {}", fields.numbers(arguments))
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
        1 => format!("status state {} alarms {} {}", fields.number(), fields.number(), fields.numbers(7)),
        2 => "accepted".to_owned(),
        3 => format!("refused {}", fields.number()),
        4 => {
            let count = fields.number();
            assert!(count <= 8);
            (0..count).fold("log".to_owned(), |said, _| format!("{said} [{}]", fields.numbers(4)))
        }
        5 => {
            let said = format!("read_back next {} checksum {}", fields.number(), fields.number());
            let count = fields.number();
            assert!(count <= 5);
            (0..count).fold(said, |said, _| {
                let code = fields.number();
                format!("{said} [{}]", read_part(code, fields))
            })
        }
        6 => format!("therapy mode {} {} {} {}", fields.number(), fields.numbers(10), fields.signed(), fields.number()),
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
        format!("on, at most {}", pump_link::READ_BACK_PAGE),
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
    format!("request {session}/{seq} {}", said_by_command(command))
}

fn said_by_command(command: &Command) -> String {
    match command {
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
        Command::ProgramConcentration { ng_per_ul } => format!("program_concentration {ng_per_ul}"),
        Command::ProgramBasalDose { ng_per_h } => format!("program_basal_dose {ng_per_h}"),
        Command::ProgramBolusDose { ng, duration_ms } => format!("program_bolus_dose {ng} {duration_ms}"),
        Command::ProgramStep { days, minute, rate_nl_h, bolus_nl, bolus_ms } => {
            format!("program_step {days} {minute} {rate_nl_h} {bolus_nl} {bolus_ms}")
        }
        Command::ProgramMicrodose { volume_nl, duration_ms, every_s } => format!("program_microdose {volume_nl} {duration_ms} {every_s}"),
        Command::ProgramMinimum => "program_minimum".to_owned(),
        Command::ProgramPatientBolus { volume_nl, duration_ms, first_after_s, lockout_s, activations, period_s } => {
            format!("program_patient_bolus {volume_nl} {duration_ms} {first_after_s} {lockout_s} {activations} {period_s}")
        }
        Command::ProgramLimit { volume_nl, period_s } => format!("program_limit {volume_nl} {period_s}"),
        Command::ProgramBridge { volume_nl, rate_nl_h } => format!("program_bridge {volume_nl} {rate_nl_h}"),
        Command::SetClock { second_of_week } => format!("set_clock {second_of_week}"),
        Command::ReadBack { from } => format!("read_back {from}"),
        Command::Confirm { checksum } => format!("confirm {checksum}"),
        Command::Discard => "discard".to_owned(),
        Command::PatientBolus => "patient_bolus".to_owned(),
        Command::BeginRefill => "begin_refill".to_owned(),
        Command::EndRefill { withdrawn_nl, filled_nl, ng_per_ul } => format!("end_refill {withdrawn_nl} {filled_nl} {ng_per_ul}"),
        Command::Silence => "silence".to_owned(),
        Command::RecordPain { score } => format!("record_pain {score}"),
        Command::RecordEvent { code } => format!("record_event {code}"),
        Command::ShutDown => "shut_down".to_owned(),
        Command::Therapy => "therapy".to_owned(),
    }
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
        Response::ReadBack { next, checksum, parts } => parts
            .iter()
            .fold(format!("read_back next {next} checksum {checksum}"), |said, part| format!("{said} [{}]", said_by_command(part))),
        Response::Therapy(therapy) => format!("therapy {}", said_by_therapy(therapy)),
    }
}

fn said_by_therapy(t: &Therapy) -> String {
    let mode = [Mode::None, Mode::Continuous, Mode::Schedule, Mode::Microdose, Mode::Minimum].iter().position(|mode| *mode == t.mode);
    let doses =
        format!("{} {} {} {} {} {}", t.ng_per_ul, t.in_period_nl, t.activations, t.locked_out_s, t.reservoir_lasts_min, t.expected_nl);
    let device = format!("{} {} {} {} {}", t.battery_mv, t.battery_days, t.stalls, t.clock_s, t.temperature_dc);
    format!("mode {} {doses} {device} {}", mode.expect("a known mode"), t.programmed)
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
