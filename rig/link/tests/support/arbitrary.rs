//! Strategies for every message.

use proptest::prelude::*;
use pump_link::{
    Alarm, Alarms, Command, FromPump, Identity, LOG_PAGE, LogCode, LogEntry, Mode, Notice, READ_BACK_PAGE, Refusal, Request, Response,
    State, Status, TEXT_LEN, Text, Therapy,
};

pub fn request() -> impl Strategy<Value = Request> {
    let command = prop_oneof![
        Just(Command::Identify),
        Just(Command::Status),
        Just(Command::FactoryReset),
        Just(Command::Start),
        Just(Command::Stop),
        Just(Command::Acknowledge),
        any::<u32>().prop_map(|volume_nl| Command::Refill { volume_nl }),
        any::<u32>().prop_map(|from| Command::ReadLog { from }),
        part(),
        any::<u32>().prop_map(|second_of_week| Command::SetClock { second_of_week }),
        any::<u32>().prop_map(|from| Command::ReadBack { from }),
        any::<u32>().prop_map(|checksum| Command::Confirm { checksum }),
        Just(Command::Discard),
        Just(Command::PatientBolus),
        Just(Command::BeginRefill),
        any::<(u32, u32, u32)>().prop_map(|(withdrawn_nl, filled_nl, ng_per_ul)| Command::EndRefill { withdrawn_nl, filled_nl, ng_per_ul }),
        Just(Command::Silence),
        any::<u8>().prop_map(|score| Command::RecordPain { score }),
        any::<u8>().prop_map(|code| Command::RecordEvent { code }),
        Just(Command::ShutDown),
        Just(Command::Therapy),
    ];
    (any::<u32>(), any::<u16>(), command).prop_map(|(session, seq, command)| Request { session, seq, command })
}

/// What can be read back, too.
fn part() -> impl Strategy<Value = Command> {
    prop_oneof![
        any::<u32>().prop_map(|rate_nl_h| Command::ProgramBasal { rate_nl_h }),
        any::<(u32, u32)>().prop_map(|(volume_nl, duration_ms)| Command::ProgramBolus { volume_nl, duration_ms }),
        any::<u32>().prop_map(|volume_nl| Command::ProgramPriming { volume_nl }),
        any::<u32>().prop_map(|ng_per_ul| Command::ProgramConcentration { ng_per_ul }),
        any::<u32>().prop_map(|ng_per_h| Command::ProgramBasalDose { ng_per_h }),
        any::<(u32, u32)>().prop_map(|(ng, duration_ms)| Command::ProgramBolusDose { ng, duration_ms }),
        any::<(u8, u16, u32, u32, u32)>().prop_map(|(days, minute, rate_nl_h, bolus_nl, bolus_ms)| Command::ProgramStep {
            days,
            minute,
            rate_nl_h,
            bolus_nl,
            bolus_ms,
        }),
        any::<(u32, u32, u32)>().prop_map(|(volume_nl, duration_ms, every_s)| Command::ProgramMicrodose {
            volume_nl,
            duration_ms,
            every_s
        }),
        Just(Command::ProgramMinimum),
        any::<(u32, u32, u32, u32, u16, u32)>().prop_map(|(volume_nl, duration_ms, first_after_s, lockout_s, activations, period_s)| {
            Command::ProgramPatientBolus { volume_nl, duration_ms, first_after_s, lockout_s, activations, period_s }
        }),
        any::<(u32, u32)>().prop_map(|(volume_nl, period_s)| Command::ProgramLimit { volume_nl, period_s }),
        any::<(u32, u32)>().prop_map(|(volume_nl, rate_nl_h)| Command::ProgramBridge { volume_nl, rate_nl_h }),
    ]
}

pub fn from_pump() -> impl Strategy<Value = FromPump> {
    let reply = (any::<u32>(), any::<u16>(), response()).prop_map(|(session, seq, response)| FromPump::Reply { session, seq, response });
    let notice =
        (any::<u32>(), any::<u64>(), notice()).prop_map(|(number, uptime_us, notice)| FromPump::Notice { number, uptime_us, notice });
    prop_oneof![reply, notice]
}

fn response() -> impl Strategy<Value = Response> {
    prop_oneof![
        identity().prop_map(Response::Identity),
        status().prop_map(Response::Status),
        Just(Response::Accepted),
        prop::sample::select(Refusal::ALL).prop_map(Response::Refused),
        prop::collection::vec(entry(), 0..=LOG_PAGE).prop_map(|entries| Response::Log { entries: entries.into_iter().collect() }),
        (any::<(u32, u32)>(), prop::collection::vec(part(), 0..=READ_BACK_PAGE)).prop_map(|((next, checksum), parts)| Response::ReadBack {
            next,
            checksum,
            parts: parts.into_iter().collect()
        }),
        therapy().prop_map(Response::Therapy),
    ]
}

fn notice() -> impl Strategy<Value = Notice> {
    prop_oneof![
        prop::sample::select(Alarm::ALL).prop_map(Notice::AlarmOn),
        prop::sample::select(Alarm::ALL).prop_map(Notice::AlarmOff),
        prop::sample::select(State::ALL).prop_map(Notice::State),
        Just(Notice::Restarted),
    ]
}

fn text() -> impl Strategy<Value = Text> {
    prop::collection::vec(prop::char::range(' ', '~'), 0..=TEXT_LEN).prop_map(|letters| letters.into_iter().collect())
}

fn identity() -> impl Strategy<Value = Identity> {
    (text(), text(), text(), any::<[u8; 20]>(), any::<u16>()).prop_map(|(model, serial, firmware_version, build_hash, protocol_version)| {
        Identity { model, serial, firmware_version, build_hash, protocol_version }
    })
}

fn status() -> impl Strategy<Value = Status> {
    let amounts = (any::<u32>(), any::<u64>(), any::<u32>(), any::<u32>(), any::<u64>(), any::<u32>(), any::<u64>());
    (prop::sample::select(State::ALL), any::<u32>(), amounts).prop_map(|(state, alarms, amounts)| {
        let (reservoir_nl, delivered_nl, basal_nl_h, bolus_left_nl, strokes, resets, uptime_us) = amounts;
        Status { state, alarms: Alarms(alarms), reservoir_nl, delivered_nl, basal_nl_h, bolus_left_nl, strokes, resets, uptime_us }
    })
}

fn therapy() -> impl Strategy<Value = Therapy> {
    let mode = prop::sample::select(vec![Mode::None, Mode::Continuous, Mode::Schedule, Mode::Microdose, Mode::Minimum]);
    let dose = any::<(u32, u32, u16, u32, u32, u32)>();
    let rest = any::<(u32, u32, u32, u32, i16, u32)>();
    (mode, dose, rest).prop_map(|(mode, dose, rest)| {
        let (ng_per_ul, in_period_nl, activations, locked_out_s, reservoir_lasts_min, expected_nl) = dose;
        let (battery_mv, battery_days, stalls, clock_s, temperature_dc, programmed) = rest;
        Therapy {
            mode,
            ng_per_ul,
            in_period_nl,
            activations,
            locked_out_s,
            reservoir_lasts_min,
            expected_nl,
            battery_mv,
            battery_days,
            stalls,
            clock_s,
            temperature_dc,
            programmed,
        }
    })
}

fn entry() -> impl Strategy<Value = LogEntry> {
    (any::<u32>(), any::<u64>(), prop::sample::select(LogCode::ALL), any::<u32>()).prop_map(|(number, uptime_us, code, value)| LogEntry {
        number,
        uptime_us,
        code,
        value,
    })
}
