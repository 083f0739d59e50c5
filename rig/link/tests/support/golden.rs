//! The bytes of every message of protocol version 1, which are those of version 2 too, and what a reader of `rig/docs/link.md` makes of them.
//! What version 2 adds is in `golden_v2.rs`.
//!
//! If a test on these bytes fails, do not change the bytes: the wire has changed. Bump `PROTOCOL_VERSION` and add a table for the new version.
#![allow(dead_code, clippy::unwrap_used, reason = "each test file uses a part of it, and a test may panic")]

use pump_link::{Alarm, Alarms, Command, FromPump, Identity, LogCode, LogEntry, Notice, Refusal, Request, Response, State, Status};

#[path = "golden_v2.rs"]
mod v2;

pub enum Sent {
    Request(Request),
    FromPump(FromPump),
}

pub struct Golden {
    pub message: Sent,
    /// The frame with its delimiter.
    pub bytes: &'static str,
    pub says: &'static str,
}

fn request(session: u32, seq: u16, command: Command, bytes: &'static str, says: &'static str) -> Golden {
    Golden { message: Sent::Request(Request { session, seq, command }), bytes, says }
}

fn reply(session: u32, seq: u16, response: Response, bytes: &'static str, says: &'static str) -> Golden {
    Golden { message: Sent::FromPump(FromPump::Reply { session, seq, response }), bytes, says }
}

fn notice(number: u32, uptime_us: u64, notice: Notice, bytes: &'static str, says: &'static str) -> Golden {
    Golden { message: Sent::FromPump(FromPump::Notice { number, uptime_us, notice }), bytes, says }
}

pub fn all() -> Vec<Golden> {
    requests().into_iter().chain(replies()).chain(refusals()).chain(notices()).chain(v2::all()).collect()
}

#[rustfmt::skip]
fn requests() -> Vec<Golden> {
    vec![
        request(1, 1, Command::Identify, "03 01 01 05 64 82 98 e7 00", "request 1/1 identify"),
        request(1, 2, Command::Status, "08 01 02 01 31 e1 b2 bb 00", "request 1/2 status"),
        request(1, 3, Command::FactoryReset, "08 01 03 02 ca 81 a0 3b 00", "request 1/3 factory_reset"),
        request(1, 4, Command::ProgramBasal { rate_nl_h: 20_833 }, "0b 01 04 03 e1 a2 01 42 2f bd de 00", "request 1/4 program_basal 20833"),
        request(1, 5, Command::ProgramBolus { volume_nl: 200_000, duration_ms: 120_000 }, "0e 01 05 04 c0 9a 0c c0 a9 07 64 b0 5b fd 00", "request 1/5 program_bolus 200000 120000"),
        request(1, 6, Command::ProgramPriming { volume_nl: 400_000 }, "0b 01 06 05 80 b5 18 bf ae eb a9 00", "request 1/6 program_priming 400000"),
        request(1, 7, Command::Start, "08 01 07 06 d7 80 a1 58 00", "request 1/7 start"),
        request(1, 8, Command::Stop, "08 01 08 07 8e ac 3e a8 00", "request 1/8 stop"),
        request(1, 9, Command::Acknowledge, "08 01 09 08 5e 80 9a 21 00", "request 1/9 acknowledge"),
        request(1, 10, Command::Refill { volume_nl: 20_000_000 }, "0c 01 0a 09 80 da c4 09 ee 39 9d 2c 00", "request 1/10 refill 20000000"),
        request(1, 11, Command::ReadLog { from: 0 }, "04 01 0b 0a 05 12 bf 42 6f 00", "request 1/11 read_log 0"),
        request(u32::MAX, u16::MAX, Command::ProgramBolus { volume_nl: u32::MAX, duration_ms: 0 }, "0f ff ff ff ff 0f ff ff 03 04 ff ff ff ff 0f 05 05 b1 6a 77 00", "request 4294967295/65535 program_bolus 4294967295 0"),
    ]
}

#[rustfmt::skip]
fn replies() -> Vec<Golden> {
    let identity = Identity {
        model: "RP-1 reference".try_into().unwrap(),
        serial: "SN-0001".try_into().unwrap(),
        firmware_version: "0.1.0".try_into().unwrap(),
        build_hash: [0xA0, 0xA1, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7, 0xA8, 0xA9, 0xAA, 0xAB, 0xAC, 0xAD, 0xAE, 0xAF, 0x00, 0x01, 0x02, 0x03],
        protocol_version: 1,
    };
    let status = Status {
        state: State::Bolus,
        alarms: Alarms(0b101),
        reservoir_nl: 19_800_000,
        delivered_nl: 5_000_000_000,
        basal_nl_h: 20_833,
        bolus_left_nl: 199_000,
        strokes: 300,
        resets: 2,
        uptime_us: 259_200_000_000,
    };
    let entries = [
        LogEntry { number: 1, uptime_us: 0, code: LogCode::PowerOn, value: 0 },
        LogEntry { number: 2, uptime_us: 1_000_000, code: LogCode::DoseCut, value: 97_000 },
    ];
    vec![
        reply(1, 1, Response::Identity(identity), "01 03 01 01 2e 0e 52 50 2d 31 20 72 65 66 65 72 65 6e 63 65 07 53 4e 2d 30 30 30 31 05 30 2e 31 2e 30 a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 aa ab ac ad ae af 09 01 02 03 01 36 2c c1 ff 00", "reply 1/1 identity 'RP-1 reference' 'SN-0001' '0.1.0' a0a1a2a3a4a5a6a7a8a9aaabacadaeaf00010203 1"),
        reply(1, 2, Response::Status(status), "01 22 01 02 01 03 05 c0 bf b8 09 80 e4 97 d0 12 e1 a2 01 d8 92 0c ac 02 02 80 c0 98 cc c5 07 a1 7f 8e b7 00", "reply 1/2 status state 3 alarms 5 19800000 5000000000 20833 199000 300 2 259200000000"),
        reply(1, 3, Response::Accepted, "01 08 01 03 02 c4 87 a5 e5 00", "reply 1/3 accepted"),
        reply(1, 4, Response::Log { entries: entries.into_iter().collect() }, "01 06 01 04 04 02 01 01 01 0d 02 c0 84 3d 08 e8 f5 05 ff 89 e2 26 00", "reply 1/4 log [1 0 0 0] [2 1000000 8 97000]"),
        reply(1, 5, Response::Log { entries: [].into_iter().collect() }, "01 04 01 05 04 05 97 97 39 1c 00", "reply 1/5 log"),
    ]
}

#[rustfmt::skip]
fn refusals() -> Vec<Golden> {
    use Refusal::*;
    vec![
        reply(7, 300, Response::Refused(RateOutOfRange), "01 05 07 ac 02 03 05 a3 5c f6 2c 00", "reply 7/300 refused 0"),
        reply(7, 300, Response::Refused(VolumeOutOfRange), "01 0a 07 ac 02 03 01 35 6c f1 5b 00", "reply 7/300 refused 1"),
        reply(7, 300, Response::Refused(DurationOutOfRange), "01 0a 07 ac 02 03 02 8f 3d f8 c2 00", "reply 7/300 refused 2"),
        reply(7, 300, Response::Refused(NothingProgrammed), "01 0a 07 ac 02 03 03 19 0d ff b5 00", "reply 7/300 refused 3"),
        reply(7, 300, Response::Refused(AlreadyRunning), "01 0a 07 ac 02 03 04 ba 98 9b 2b 00", "reply 7/300 refused 4"),
        reply(7, 300, Response::Refused(AlarmLatched), "01 0a 07 ac 02 03 05 2c a8 9c 5c 00", "reply 7/300 refused 5"),
        reply(7, 300, Response::Refused(SelfTestRunning), "01 0a 07 ac 02 03 06 96 f9 95 c5 00", "reply 7/300 refused 6"),
        reply(7, 300, Response::Refused(OutOfOrder), "01 06 07 ac 02 03 07 04 c9 92 b2 00", "reply 7/300 refused 7"),
        reply(7, 300, Response::Refused(ReservoirTooLow), "01 0a 07 ac 02 03 08 91 d4 2d 22 00", "reply 7/300 refused 8"),
        reply(7, 300, Response::Refused(UnknownCommand), "01 0a 07 ac 02 03 09 07 e4 2a 55 00", "reply 7/300 refused 9"),
        reply(7, 300, Response::Refused(Malformed), "01 0a 07 ac 02 03 0a bd b5 23 cc 00", "reply 7/300 refused 10"),
    ]
}

#[rustfmt::skip]
fn notices() -> Vec<Golden> {
    vec![
        notice(1, 1_000_000, Notice::Restarted, "0b 01 01 c0 84 3d 03 e8 1f 6e 24 00", "notice 1 at 1000000 restarted"),
        notice(2, 1_000_000, Notice::State(State::SelfTest), "07 01 02 c0 84 3d 02 05 37 a8 78 e3 00", "notice 2 at 1000000 state 0"),
        notice(2, 1_000_000, Notice::State(State::Stopped), "0c 01 02 c0 84 3d 02 01 a1 98 7f 94 00", "notice 2 at 1000000 state 1"),
        notice(2, 1_000_000, Notice::State(State::Infusing), "0c 01 02 c0 84 3d 02 02 1b c9 76 0d 00", "notice 2 at 1000000 state 2"),
        notice(2, 1_000_000, Notice::State(State::Bolus), "0c 01 02 c0 84 3d 02 03 8d f9 71 7a 00", "notice 2 at 1000000 state 3"),
        notice(2, 1_000_000, Notice::State(State::Priming), "0c 01 02 c0 84 3d 02 04 2e 6c 15 e4 00", "notice 2 at 1000000 state 4"),
        notice(2, 1_000_000, Notice::State(State::Halted), "0c 01 02 c0 84 3d 02 05 b8 5c 12 93 00", "notice 2 at 1000000 state 5"),
        notice(2, 1_000_000, Notice::State(State::Fault), "0c 01 02 c0 84 3d 02 06 02 0d 1b 0a 00", "notice 2 at 1000000 state 6"),
        notice(3, 0, Notice::AlarmOn(Alarm::LowReservoir), "03 01 03 01 01 05 43 71 f7 e9 00", "notice 3 at 0 alarm_on 0"),
        notice(3, 0, Notice::AlarmOn(Alarm::EmptyReservoir), "03 01 03 01 06 01 d5 41 f0 9e 00", "notice 3 at 0 alarm_on 1"),
        notice(3, 0, Notice::AlarmOn(Alarm::Occlusion), "03 01 03 01 06 02 6f 10 f9 07 00", "notice 3 at 0 alarm_on 2"),
        notice(3, 0, Notice::AlarmOn(Alarm::SelfTestFailed), "03 01 03 01 06 03 f9 20 fe 70 00", "notice 3 at 0 alarm_on 3"),
        notice(3, 0, Notice::AlarmOn(Alarm::SettingsCorrupted), "03 01 03 01 06 04 5a b5 9a ee 00", "notice 3 at 0 alarm_on 4"),
        notice(u32::MAX, u64::MAX, Notice::AlarmOff(Alarm::Occlusion), "17 01 ff ff ff ff 0f ff ff ff ff ff ff ff ff ff 01 01 02 76 87 0c af 00", "notice 4294967295 at 18446744073709551615 alarm_off 2"),
    ]
}
