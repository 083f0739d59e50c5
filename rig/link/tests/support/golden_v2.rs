//! What protocol version 2 adds: the bytes of its messages, made by hand from `rig/docs/link.md` and not by the crate.
//!
//! If a test on these bytes fails, do not change the bytes: the wire has changed. Bump `PROTOCOL_VERSION` and add a table for the new version.

use pump_link::{Alarm, Alarms, Command, Identity, LogCode, LogEntry, Mode, Notice, Refusal, Response, State, Status, Therapy};

use super::{Golden, notice, reply, request};

pub fn all() -> Vec<Golden> {
    requests().into_iter().chain(replies()).chain(refusals()).chain(notices()).chain(log()).collect()
}

#[rustfmt::skip]
fn requests() -> Vec<Golden> {
    vec![
        request(1, 1, Command::ProgramConcentration { ng_per_ul: 1_000 }, "0a 01 01 0b e8 07 6e ba 68 47 00", "request 1/1 program_concentration 1000"),
        request(1, 2, Command::ProgramBasalDose { ng_per_h: 20_833 }, "0b 01 02 0c e1 a2 01 b4 ca 9e 09 00", "request 1/2 program_basal_dose 20833"),
        request(1, 3, Command::ProgramBolusDose { ng: 200_000, duration_ms: 120_000 }, "0e 01 03 0d c0 9a 0c c0 a9 07 30 fc ac ae 00", "request 1/3 program_bolus_dose 200000 120000"),
        request(1, 4, Command::ProgramStep { days: 0b001_1111, minute: 480, rate_nl_h: 30_000, bolus_nl: 20_000, bolus_ms: 60_000 }, "14 01 04 0e 1f e0 03 b0 ea 01 a0 9c 01 e0 d4 03 96 fe 06 a3 00", "request 1/4 program_step 31 480 30000 20000 60000"),
        request(1, 5, Command::ProgramMicrodose { volume_nl: 5_000, duration_ms: 10_000, every_s: 1_800 }, "0e 01 05 0f 88 27 90 4e 88 0e eb 65 7e 1d 00", "request 1/5 program_microdose 5000 10000 1800"),
        request(1, 6, Command::ProgramMinimum, "08 01 06 10 c7 04 6e b5 00", "request 1/6 program_minimum"),
        request(1, 7, Command::ProgramPatientBolus { volume_nl: 100_000, duration_ms: 120_000, first_after_s: 36_000, lockout_s: 14_400, activations: 6, period_s: 86_400 }, "17 01 07 11 a0 8d 06 c0 a9 07 a0 99 02 c0 70 06 80 a3 05 90 fe 22 10 00", "request 1/7 program_patient_bolus 100000 120000 36000 14400 6 86400"),
        request(1, 8, Command::ProgramLimit { volume_nl: 1_200_000, period_s: 86_400 }, "0e 01 08 12 80 9f 49 80 a3 05 34 25 59 6d 00", "request 1/8 program_limit 1200000 86400"),
        request(1, 9, Command::ProgramBridge { volume_nl: 200_000, rate_nl_h: 10_000 }, "0d 01 09 13 c0 9a 0c 90 4e e3 1c 85 6b 00", "request 1/9 program_bridge 200000 10000"),
        request(1, 10, Command::SetClock { second_of_week: 28_800 }, "0b 01 0a 14 80 e1 01 d4 43 02 3e 00", "request 1/10 set_clock 28800"),
        request(1, 11, Command::ReadBack { from: 5 }, "09 01 0b 15 05 03 45 72 d2 00", "request 1/11 read_back 5"),
        request(1, 12, Command::Confirm { checksum: 0xDEBD_2F42 }, "0d 01 0c 16 c2 de f4 f5 0d 5d 93 4e 4b 00", "request 1/12 confirm 3736940354"),
        request(1, 13, Command::Discard, "08 01 0d 17 af 48 fe c8 00", "request 1/13 discard"),
        request(1, 14, Command::PatientBolus, "08 01 0e 18 fd 06 6c 73 00", "request 1/14 patient_bolus"),
        request(1, 15, Command::BeginRefill, "08 01 0f 19 2a 07 70 1d 00", "request 1/15 begin_refill"),
        request(1, 16, Command::EndRefill { withdrawn_nl: 5_000_000, filled_nl: 20_000_000, ng_per_ul: 2_000 }, "12 01 10 1a c0 96 b1 02 80 da c4 09 d0 0f c1 f5 dc e4 00", "request 1/16 end_refill 5000000 20000000 2000"),
        request(1, 17, Command::Silence, "08 01 11 1b d9 59 3f 27 00", "request 1/17 silence"),
        request(1, 18, Command::RecordPain { score: 6 }, "09 01 12 1c 06 0f 37 4e 89 00", "request 1/18 record_pain 6"),
        request(1, 19, Command::RecordEvent { code: 200 }, "09 01 13 1d c8 ce 83 4b ed 00", "request 1/19 record_event 200"),
        request(1, 20, Command::ShutDown, "08 01 14 1e 13 59 22 2a 00", "request 1/20 shut_down"),
        request(1, 21, Command::Therapy, "08 01 15 1f c4 58 3e 44 00", "request 1/21 therapy"),
        request(1, 22, Command::ProgramPatientBolus { volume_nl: u32::MAX, duration_ms: u32::MAX, first_after_s: u32::MAX, lockout_s: u32::MAX, activations: u16::MAX, period_s: u32::MAX }, "24 01 16 11 ff ff ff ff 0f ff ff ff ff 0f ff ff ff ff 0f ff ff ff ff 0f ff ff 03 ff ff ff ff 0f 3b 71 1c 53 00", "request 1/22 program_patient_bolus 4294967295 4294967295 4294967295 4294967295 65535 4294967295"),
        request(1, 23, Command::ProgramStep { days: 0xff, minute: 0, rate_nl_h: 0, bolus_nl: 0, bolus_ms: 0 }, "05 01 17 0e ff 01 01 01 05 4b db 9f fb 00", "request 1/23 program_step 255 0 0 0 0"),
    ]
}

fn status(state: State, alarms: u32) -> Response {
    Response::Status(Status {
        state,
        alarms: Alarms(alarms),
        reservoir_nl: 19_800_000,
        delivered_nl: 5_000_000_000,
        basal_nl_h: 20_833,
        bolus_left_nl: 199_000,
        strokes: 300,
        resets: 2,
        uptime_us: 259_200_000_000,
    })
}

fn read_back(next: u32, checksum: u32, parts: &[Command]) -> Response {
    Response::ReadBack { next, checksum, parts: parts.iter().copied().collect() }
}

#[rustfmt::skip]
fn replies() -> Vec<Golden> {
    let identity = Identity {
        model: "RP-1 reference".try_into().unwrap(),
        serial: "SN-0001".try_into().unwrap(),
        firmware_version: "0.1.0".try_into().unwrap(),
        build_hash: [0xA0, 0xA1, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7, 0xA8, 0xA9, 0xAA, 0xAB, 0xAC, 0xAD, 0xAE, 0xAF, 0x00, 0x01, 0x02, 0x03],
        protocol_version: 2,
    };
    let step = Command::ProgramStep { days: 0b001_1111, minute: 480, rate_nl_h: 30_000, bolus_nl: 20_000, bolus_ms: 60_000 };
    let parts = [Command::ProgramConcentration { ng_per_ul: 1_000 }, step];
    vec![
        reply(1, 1, Response::Identity(identity), "01 03 01 01 2e 0e 52 50 2d 31 20 72 65 66 65 72 65 6e 63 65 07 53 4e 2d 30 30 30 31 05 30 2e 31 2e 30 a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 aa ab ac ad ae af 09 01 02 03 02 8c 7d c8 66 00", "reply 1/1 identity 'RP-1 reference' 'SN-0001' '0.1.0' a0a1a2a3a4a5a6a7a8a9aaabacadaeaf00010203 2"),
        reply(1, 2, status(State::PatientBolus, 0x7fff), "01 24 01 02 01 07 ff ff 01 c0 bf b8 09 80 e4 97 d0 12 e1 a2 01 d8 92 0c ac 02 02 80 c0 98 cc c5 07 a9 0b 8f 48 00", "reply 1/2 status state 7 alarms 32767 19800000 5000000000 20833 199000 300 2 259200000000"),
        reply(1, 2, status(State::Bridge, 0x80), "01 23 01 02 01 08 80 01 c0 bf b8 09 80 e4 97 d0 12 e1 a2 01 d8 92 0c ac 02 02 80 c0 98 cc c5 07 28 c0 14 b2 00", "reply 1/2 status state 8 alarms 128 19800000 5000000000 20833 199000 300 2 259200000000"),
        reply(1, 2, status(State::ShutDown, 0), "01 05 01 02 01 09 1d c0 bf b8 09 80 e4 97 d0 12 e1 a2 01 d8 92 0c ac 02 02 80 c0 98 cc c5 07 87 c3 db a9 00", "reply 1/2 status state 9 alarms 0 19800000 5000000000 20833 199000 300 2 259200000000"),
        reply(1, 3, read_back(7, 0xDEBD_2F42, &parts), "01 1f 01 03 05 07 c2 de f4 f5 0d 02 0b e8 07 0e 1f e0 03 b0 ea 01 a0 9c 01 e0 d4 03 ba 4e 22 9a 00", "reply 1/3 read_back next 7 checksum 3736940354 [program_concentration 1000] [program_step 31 480 30000 20000 60000]"),
        reply(1, 4, read_back(0, 0, &[]), "01 04 01 04 05 01 01 05 29 5a 6e 94 00", "reply 1/4 read_back next 0 checksum 0"),
        reply(1, 5, Response::Therapy(Therapy { mode: Mode::Schedule, ng_per_ul: 1_000, in_period_nl: 420_000, activations: 3, locked_out_s: 7_200, reservoir_lasts_min: 57_600, expected_nl: 0, battery_mv: 2_950, battery_days: 1_200, stalls: 1, clock_s: 28_800, temperature_dc: 371, programmed: 4 }), "01 10 01 05 06 02 e8 07 a0 d1 19 03 a0 38 80 c2 03 10 86 17 b0 09 01 80 e1 01 e6 05 04 d7 c2 60 a8 00", "reply 1/5 therapy mode 2 1000 420000 3 7200 57600 0 2950 1200 1 28800 371 4"),
        reply(1, 5, Response::Therapy(Therapy { mode: Mode::None, ng_per_ul: 0, in_period_nl: 0, activations: 0, locked_out_s: 0, reservoir_lasts_min: u32::MAX, expected_nl: 5_000_000, battery_mv: 0, battery_days: 0, stalls: 0, clock_s: u32::MAX, temperature_dc: -5, programmed: 0 }), "01 04 01 05 06 01 01 01 01 0a ff ff ff ff 0f c0 96 b1 02 01 01 07 ff ff ff ff 0f 09 05 f6 f1 b9 40 00", "reply 1/5 therapy mode 0 0 0 0 0 4294967295 5000000 0 0 0 4294967295 -5 0"),
        reply(1, 5, Response::Therapy(Therapy { mode: Mode::Continuous, ng_per_ul: 1, in_period_nl: 2, activations: 3, locked_out_s: 4, reservoir_lasts_min: 5, expected_nl: 6, battery_mv: 7, battery_days: 8, stalls: 9, clock_s: 10, temperature_dc: i16::MIN, programmed: 12 }), "01 17 01 05 06 01 01 02 03 04 05 06 07 08 09 0a ff ff 03 0c 6c 45 2a 92 00", "reply 1/5 therapy mode 1 1 2 3 4 5 6 7 8 9 10 -32768 12"),
        reply(1, 5, Response::Therapy(Therapy { mode: Mode::Microdose, ng_per_ul: 1, in_period_nl: 2, activations: 3, locked_out_s: 4, reservoir_lasts_min: 5, expected_nl: 6, battery_mv: 7, battery_days: 8, stalls: 9, clock_s: 10, temperature_dc: i16::MAX, programmed: 12 }), "01 17 01 05 06 03 01 02 03 04 05 06 07 08 09 0a fe ff 03 0c 98 93 10 82 00", "reply 1/5 therapy mode 3 1 2 3 4 5 6 7 8 9 10 32767 12"),
        reply(1, 5, Response::Therapy(Therapy { mode: Mode::Minimum, ng_per_ul: 1, in_period_nl: 2, activations: 3, locked_out_s: 4, reservoir_lasts_min: 5, expected_nl: 6, battery_mv: 7, battery_days: 8, stalls: 9, clock_s: 10, temperature_dc: i16::MAX, programmed: 12 }), "01 17 01 05 06 04 01 02 03 04 05 06 07 08 09 0a fe ff 03 0c 82 9c 11 19 00", "reply 1/5 therapy mode 4 1 2 3 4 5 6 7 8 9 10 32767 12"),
    ]
}

#[rustfmt::skip]
fn refusals() -> Vec<Golden> {
    use Refusal::*;
    vec![
        reply(7, 300, Response::Refused(NotConfirmed), "01 0a 07 ac 02 03 0b 2b 85 24 bb 00", "reply 7/300 refused 11"),
        reply(7, 300, Response::Refused(NothingToConfirm), "01 0a 07 ac 02 03 0c 88 10 40 25 00", "reply 7/300 refused 12"),
        reply(7, 300, Response::Refused(ConfirmationMismatch), "01 0a 07 ac 02 03 0d 1e 20 47 52 00", "reply 7/300 refused 13"),
        reply(7, 300, Response::Refused(ConcentrationUnknown), "01 0a 07 ac 02 03 0e a4 71 4e cb 00", "reply 7/300 refused 14"),
        reply(7, 300, Response::Refused(ConcentrationOutOfRange), "01 0a 07 ac 02 03 0f 32 41 49 bc 00", "reply 7/300 refused 15"),
        reply(7, 300, Response::Refused(ScheduleOverlap), "01 0a 07 ac 02 03 10 c7 4c 41 31 00", "reply 7/300 refused 16"),
        reply(7, 300, Response::Refused(ScheduleFull), "01 0a 07 ac 02 03 11 51 7c 46 46 00", "reply 7/300 refused 17"),
        reply(7, 300, Response::Refused(Contradiction), "01 0a 07 ac 02 03 12 eb 2d 4f df 00", "reply 7/300 refused 18"),
        reply(7, 300, Response::Refused(LockedOut), "01 0a 07 ac 02 03 13 7d 1d 48 a8 00", "reply 7/300 refused 19"),
        reply(7, 300, Response::Refused(LimitReached), "01 0a 07 ac 02 03 14 de 88 2c 36 00", "reply 7/300 refused 20"),
        reply(7, 300, Response::Refused(ClockNotSet), "01 0a 07 ac 02 03 15 48 b8 2b 41 00", "reply 7/300 refused 21"),
        reply(7, 300, Response::Refused(NoRefillSession), "01 0a 07 ac 02 03 16 f2 e9 22 d8 00", "reply 7/300 refused 22"),
        reply(7, 300, Response::Refused(DoseOutOfRange), "01 0a 07 ac 02 03 17 64 d9 25 af 00", "reply 7/300 refused 23"),
        reply(7, 300, Response::Refused(EndOfService), "01 0a 07 ac 02 03 18 f5 c4 9a 3f 00", "reply 7/300 refused 24"),
    ]
}

#[rustfmt::skip]
fn notices() -> Vec<Golden> {
    vec![
        notice(2, 1_000_000, Notice::State(State::PatientBolus), "0c 01 02 c0 84 3d 02 07 94 3d 1c 7d 00", "notice 2 at 1000000 state 7"),
        notice(2, 1_000_000, Notice::State(State::Bridge), "0c 01 02 c0 84 3d 02 08 05 20 a3 ed 00", "notice 2 at 1000000 state 8"),
        notice(2, 1_000_000, Notice::State(State::ShutDown), "0c 01 02 c0 84 3d 02 09 93 10 a4 9a 00", "notice 2 at 1000000 state 9"),
        notice(3, 0, Notice::AlarmOn(Alarm::MotorStall), "03 01 03 01 06 05 cc 85 9d 99 00", "notice 3 at 0 alarm_on 5"),
        notice(3, 0, Notice::AlarmOn(Alarm::ReplaceSoon), "03 01 03 01 05 06 76 d4 94 01 00", "notice 3 at 0 alarm_on 6"),
        notice(3, 0, Notice::AlarmOn(Alarm::EndOfService), "03 01 03 01 06 07 e0 e4 93 77 00", "notice 3 at 0 alarm_on 7"),
        notice(3, 0, Notice::AlarmOn(Alarm::RefillDiscrepancy), "03 01 03 01 06 08 71 f9 2c e7 00", "notice 3 at 0 alarm_on 8"),
        notice(3, 0, Notice::AlarmOn(Alarm::DoseLimit), "03 01 03 01 06 09 e7 c9 2b 90 00", "notice 3 at 0 alarm_on 9"),
        notice(3, 0, Notice::AlarmOn(Alarm::WatchdogReset), "03 01 03 01 06 0a 5d 98 22 09 00", "notice 3 at 0 alarm_on 10"),
        notice(3, 0, Notice::AlarmOn(Alarm::StoppedTooLong), "03 01 03 01 06 0b cb a8 25 7e 00", "notice 3 at 0 alarm_on 11"),
        notice(3, 0, Notice::AlarmOn(Alarm::LowSupply), "03 01 03 01 06 0c 68 3d 41 e0 00", "notice 3 at 0 alarm_on 12"),
        notice(3, 0, Notice::AlarmOn(Alarm::AlarmRepeated), "03 01 03 01 06 0d fe 0d 46 97 00", "notice 3 at 0 alarm_on 13"),
        notice(3, 0, Notice::AlarmOn(Alarm::Overheated), "03 01 03 01 06 0e 44 5c 4f 0e 00", "notice 3 at 0 alarm_on 14"),
    ]
}

/// Numbered by its code, so that no two entries are alike.
fn page(codes: &[LogCode]) -> Response {
    let entry = |code: &LogCode| {
        let n = code.code();
        LogEntry { number: n.into(), uptime_us: u64::from(n) * 1_000_000, code: *code, value: u32::from(n) * u32::from(n) }
    };
    Response::Log { entries: codes.iter().map(entry).collect() }
}

#[rustfmt::skip]
fn log() -> Vec<Golden> {
    use LogCode::*;
    vec![
        reply(1, 6, page(&[ConcentrationProgrammed, Confirmed, Discarded, StepProgrammed, MicrodoseProgrammed, MinimumProgrammed, PatientBolusProgrammed, LimitProgrammed]), "01 49 01 06 04 08 0d c0 ba 99 06 0d a9 01 0e 80 bf d6 06 0e c4 01 0f c0 c3 93 07 0f e1 01 10 80 c8 d0 07 10 80 02 11 c0 cc 8d 08 11 a1 02 12 80 d1 ca 08 12 c4 02 13 c0 d5 87 09 13 e9 02 14 80 da c4 09 14 90 03 99 6c 3c f2 00", "reply 1/6 log [13 13000000 13 169] [14 14000000 14 196] [15 15000000 15 225] [16 16000000 16 256] [17 17000000 17 289] [18 18000000 18 324] [19 19000000 19 361] [20 20000000 20 400]"),
        reply(1, 7, page(&[BridgeProgrammed, ClockSet, PatientBolusStarted, PatientBolusDenied, RefillBegun, Withdrawn, PainScore, PatientEvent]), "01 49 01 07 04 08 15 c0 de 81 0a 15 b9 03 16 80 e3 be 0a 16 e4 03 17 c0 e7 fb 0a 17 91 04 18 80 ec b8 0b 18 c0 04 19 c0 f0 f5 0b 19 f1 04 1a 80 f5 b2 0c 1a a4 05 1b c0 f9 ef 0c 1b d9 05 1c 80 fe ac 0d 1c 90 06 d6 b2 ba dd 00", "reply 1/7 log [21 21000000 21 441] [22 22000000 22 484] [23 23000000 23 529] [24 24000000 24 576] [25 25000000 25 625] [26 26000000 26 676] [27 27000000 27 729] [28 28000000 28 784]"),
        reply(1, 8, page(&[Silenced, ShutDown, StallBegan, StallEnded, Watchdog, SupplyLow, Refused, BasalWas]), "01 49 01 08 04 08 1d c0 82 ea 0d 1d c9 06 1e 80 87 a7 0e 1e 84 07 1f c0 8b e4 0e 1f c1 07 20 80 90 a1 0f 20 80 08 21 c0 94 de 0f 21 c1 08 22 80 99 9b 10 22 84 09 23 c0 9d d8 10 23 c9 09 24 80 a2 95 11 24 90 0a d6 3f 59 bd 00", "reply 1/8 log [29 29000000 29 841] [30 30000000 30 900] [31 31000000 31 961] [32 32000000 32 1024] [33 33000000 33 1089] [34 34000000 34 1156] [35 35000000 35 1225] [36 36000000 36 1296]"),
        reply(1, 9, page(&[Battery, MemoryAltered]), "01 19 01 09 04 02 25 c0 a6 d2 11 25 d9 0a 26 80 ab 8f 12 26 a4 0b a8 9c 90 89 00", "reply 1/9 log [37 37000000 37 1369] [38 38000000 38 1444]"),
    ]
}
