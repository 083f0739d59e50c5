//! Strategies for every message.

use proptest::prelude::*;
use pump_link::{
    Alarm, Alarms, Command, FromPump, Identity, LOG_PAGE, LogCode, LogEntry, Notice, Refusal, Request, Response, State, Status, TEXT_LEN,
    Text,
};

pub fn request() -> impl Strategy<Value = Request> {
    let command = prop_oneof![
        Just(Command::Identify),
        Just(Command::Status),
        Just(Command::FactoryReset),
        any::<u32>().prop_map(|rate_nl_h| Command::ProgramBasal { rate_nl_h }),
        any::<(u32, u32)>().prop_map(|(volume_nl, duration_ms)| Command::ProgramBolus { volume_nl, duration_ms }),
        any::<u32>().prop_map(|volume_nl| Command::ProgramPriming { volume_nl }),
        Just(Command::Start),
        Just(Command::Stop),
        Just(Command::Acknowledge),
        any::<u32>().prop_map(|volume_nl| Command::Refill { volume_nl }),
        any::<u32>().prop_map(|from| Command::ReadLog { from }),
    ];
    (any::<u32>(), any::<u16>(), command).prop_map(|(session, seq, command)| Request { session, seq, command })
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

fn entry() -> impl Strategy<Value = LogEntry> {
    (any::<u32>(), any::<u64>(), prop::sample::select(LogCode::ALL), any::<u32>()).prop_map(|(number, uptime_us, code, value)| LogEntry {
        number,
        uptime_us,
        code,
        value,
    })
}
