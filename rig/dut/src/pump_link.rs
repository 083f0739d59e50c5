//! The protocol of the reference pump: `pump-link` messages in the words of the model. Units on the wire are nL, nL/h and ms.

use pump_link::{Command, Decoder, FromPump, LOG_PAGE, MAX_FRAME, Notice, Response, decode_from_pump, encode};
use rig_model::dut::{Alarm, DutIdentity, DutReport, LogEntry, PumpState, PumpStatus, Refusal, Verb};
use rig_model::quantity::{Flow, Volume};
use rig_model::time::Span;

use crate::protocol::{Item, Protocol, Reply, Request};

#[derive(Debug)]
pub struct PumpLink {
    session: u32,
    decoder: Decoder,
    /// Bytes that the decoder had skipped when garbage was last told.
    told: u64,
    /// Length of the message that is not complete yet.
    unfinished: u64,
}

impl PumpLink {
    /// `session` must differ from that of the last opening of the link, so that numbers aren't taken for those of before.
    pub fn new(session: u32) -> Self {
        Self { session, decoder: Decoder::new(), told: 0, unfinished: 0 }
    }
}

impl Protocol for PumpLink {
    fn delimiter(&self) -> u8 {
        0
    }

    fn encode(&mut self, request: Request<'_>, out: &mut Vec<u8>) -> Result<(), Refusal> {
        let command = command(request.verb, request.log_from)?;
        let mut buffer = [0; MAX_FRAME];
        let request = pump_link::Request { session: self.session, seq: request.tag, command };
        out.extend_from_slice(encode(&request, &mut buffer).expect("MAX_FRAME bytes hold any request"));
        Ok(())
    }

    fn push(&mut self, bytes: &[u8], each: &mut dyn FnMut(Item)) {
        // One message at a time, so that garbage is told in its place among the messages however the bytes were split.
        for piece in bytes.split_inclusive(|byte| *byte == 0) {
            self.unfinished += piece.len() as u64;
            let mut undecoded = 0;
            self.decoder.push(piece, |message| {
                let Ok(message) = message else { return };
                match decode_from_pump(message) {
                    Ok(message) => each(item(self.session, &message)),
                    Err(_) => undecoded = self.unfinished,
                }
            });
            let skipped = self.decoder.skipped();
            let garbage = skipped - std::mem::replace(&mut self.told, skipped) + undecoded;
            if garbage > 0 {
                each(Item::Garbage { bytes: garbage });
            }
            if piece.ends_with(&[0]) {
                self.unfinished = 0;
            }
        }
    }

    fn tag_of(&self, message: &[u8]) -> Option<u16> {
        let mut tag = None;
        Decoder::new().push(message, |message| {
            if let Ok(Ok(FromPump::Reply { session, seq, .. })) = message.map(decode_from_pump)
                && session == self.session
            {
                tag = Some(seq);
            }
        });
        tag
    }

    fn reset(&mut self) -> u64 {
        self.decoder.reset();
        self.told = self.decoder.skipped();
        std::mem::take(&mut self.unfinished)
    }
}

fn command(verb: &Verb, log_from: u32) -> Result<Command, Refusal> {
    Ok(match *verb {
        Verb::Identify => Command::Identify,
        Verb::Status => Command::Status,
        Verb::FactoryReset => Command::FactoryReset,
        Verb::ProgramBasal { rate } => Command::ProgramBasal { rate_nl_h: whole(rate.0 * 1e3).ok_or(Refusal::RateOutOfRange)? },
        Verb::ProgramBolus { volume, over } => Command::ProgramBolus { volume_nl: nanolitres(volume)?, duration_ms: milliseconds(over)? },
        Verb::ProgramPriming { volume } => Command::ProgramPriming { volume_nl: nanolitres(volume)? },
        Verb::Start => Command::Start,
        Verb::Stop => Command::Stop,
        Verb::Acknowledge => Command::Acknowledge,
        Verb::Refill { volume } => Command::Refill { volume_nl: nanolitres(volume)? },
        Verb::ReadLog => Command::ReadLog { from: log_from },
    })
}

fn nanolitres(volume: Volume) -> Result<u32, Refusal> {
    whole(volume.0 * 1e3).ok_or(Refusal::VolumeOutOfRange)
}

fn milliseconds(span: Span) -> Result<u32, Refusal> {
    whole(span.0 as f64 / 1e6).ok_or(Refusal::DurationOutOfRange)
}

/// To the nearest whole number; `None` where the wire has no room for it, and for what is no number.
fn whole(x: f64) -> Option<u32> {
    let x = x.round();
    (x >= 0.0 && x <= f64::from(u32::MAX)).then_some(x as u32)
}

fn item(own_session: u32, message: &FromPump) -> Item {
    match message {
        FromPump::Reply { session, .. } if *session != own_session => Item::Stray,
        FromPump::Reply { seq, response, .. } => Item::Reply { tag: *seq, reply: reply(response) },
        FromPump::Notice { notice, .. } => Item::Notice(match *notice {
            Notice::AlarmOn(alarm) => DutReport::AlarmOn(alarm_word(alarm)),
            Notice::AlarmOff(alarm) => DutReport::AlarmOff(alarm_word(alarm)),
            Notice::State(state) => DutReport::State(state_word(state)),
            Notice::Restarted => DutReport::Restarted,
        }),
    }
}

fn reply(response: &Response) -> Reply {
    match response {
        Response::Identity(identity) => Reply::Identity(DutIdentity {
            model: identity.model.as_str().to_owned(),
            serial: identity.serial.as_str().to_owned(),
            firmware_version: identity.firmware_version.as_str().to_owned(),
            firmware_hash: identity.build_hash.iter().map(|byte| format!("{byte:02x}")).collect(),
            protocol_version: identity.protocol_version,
        }),
        Response::Status(status) => Reply::Status(PumpStatus {
            state: state_word(status.state),
            alarms: status.alarms.iter().map(alarm_word).collect(),
            reservoir: Volume(f64::from(status.reservoir_nl) / 1e3),
            delivered: Volume(status.delivered_nl as f64 / 1e3),
            basal: Flow(f64::from(status.basal_nl_h) / 1e3),
            bolus_left: Volume(f64::from(status.bolus_left_nl) / 1e3),
            strokes: status.strokes,
            resets: status.resets,
            uptime_us: status.uptime_us,
        }),
        Response::Accepted => Reply::Accepted,
        Response::Refused(refusal) => Reply::Refused(refusal_word(*refusal)),
        Response::Log { entries } => {
            // A page that isn't full is the last one.
            let next = entries.last().filter(|_| entries.len() == LOG_PAGE).and_then(|last| last.number.checked_add(1));
            Reply::Log { entries: entries.iter().map(log_entry).collect(), next }
        }
    }
}

fn log_entry(entry: &pump_link::LogEntry) -> LogEntry {
    use pump_link::LogCode;
    let value = entry.value;
    let volume = Volume(f64::from(value) / 1e3);
    let alarm = || u8::try_from(value).ok().and_then(pump_link::Alarm::from_code).map_or("unknown", |a| alarm_word(a).word());
    let state = || u8::try_from(value).ok().and_then(pump_link::State::from_code).map_or("unknown", |s| state_word(s).word());
    let what = match entry.code {
        LogCode::PowerOn => format!("power on, {value} resets"),
        LogCode::FactoryReset => "factory reset".to_owned(),
        LogCode::BasalProgrammed => format!("basal programmed: {}", Flow(f64::from(value) / 1e3)),
        LogCode::BolusProgrammed => format!("bolus programmed: {volume}"),
        LogCode::PrimingProgrammed => format!("priming programmed: {volume}"),
        LogCode::Started => format!("started: {}", state()),
        LogCode::Stopped => format!("stopped: {}", state()),
        LogCode::DoseDone => format!("dose done: {volume}"),
        LogCode::DoseCut => format!("dose cut: {volume} left"),
        LogCode::Refilled => format!("refilled: {volume}"),
        LogCode::AlarmOn => format!("alarm on: {}", alarm()),
        LogCode::AlarmOff => format!("alarm off: {}", alarm()),
        LogCode::Acknowledged => {
            let alarms = pump_link::Alarms(u8::try_from(value).unwrap_or(0));
            format!("acknowledged: {}", alarms.iter().map(|a| alarm_word(a).word()).collect::<Vec<_>>().join(", "))
        }
    };
    LogEntry { number: entry.number, uptime_us: entry.uptime_us, what }
}

fn state_word(state: pump_link::State) -> PumpState {
    use pump_link::State;
    match state {
        State::SelfTest => PumpState::SelfTest,
        State::Stopped => PumpState::Stopped,
        State::Infusing => PumpState::Infusing,
        State::Bolus => PumpState::Bolus,
        State::Priming => PumpState::Priming,
        State::Halted => PumpState::Halted,
        State::Fault => PumpState::Fault,
    }
}

fn alarm_word(alarm: pump_link::Alarm) -> Alarm {
    use pump_link::Alarm as Code;
    match alarm {
        Code::LowReservoir => Alarm::LowReservoir,
        Code::EmptyReservoir => Alarm::EmptyReservoir,
        Code::Occlusion => Alarm::Occlusion,
        Code::SelfTestFailed => Alarm::SelfTestFailed,
        Code::SettingsCorrupted => Alarm::SettingsCorrupted,
    }
}

fn refusal_word(refusal: pump_link::Refusal) -> Refusal {
    use pump_link::Refusal as Code;
    match refusal {
        Code::RateOutOfRange => Refusal::RateOutOfRange,
        Code::VolumeOutOfRange => Refusal::VolumeOutOfRange,
        Code::DurationOutOfRange => Refusal::DurationOutOfRange,
        Code::NothingProgrammed => Refusal::NothingProgrammed,
        Code::AlreadyRunning => Refusal::AlreadyRunning,
        Code::AlarmLatched => Refusal::AlarmLatched,
        Code::SelfTestRunning => Refusal::SelfTestRunning,
        Code::OutOfOrder => Refusal::OutOfOrder,
        Code::ReservoirTooLow => Refusal::ReservoirTooLow,
        Code::UnknownCommand => Refusal::UnknownCommand,
        Code::Malformed => Refusal::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_become_whole_numbers_of_the_wire() {
        let bolus = |volume, over| command(&Verb::ProgramBolus { volume: Volume(volume), over }, 0);
        let two = Span::minutes(2);
        for (volume, over, expected) in [
            (200.0, two, Ok((200_000, 120_000))),
            (0.000_4, two, Ok((0, 120_000))),
            (0.000_6, two, Ok((1, 120_000))),
            (20.833_333, Span::microseconds(1_500), Ok((20_833, 2))),
            (4_294_967.295, two, Ok((u32::MAX, 120_000))),
            (4_294_967.296, two, Err(Refusal::VolumeOutOfRange)),
            (-1.0, two, Err(Refusal::VolumeOutOfRange)),
            (f64::NAN, two, Err(Refusal::VolumeOutOfRange)),
            (f64::INFINITY, two, Err(Refusal::VolumeOutOfRange)),
            (1.0, -Span::seconds(1), Err(Refusal::DurationOutOfRange)),
            (1.0, Span::hours(2_000), Err(Refusal::DurationOutOfRange)),
        ] {
            let expected = expected.map(|(volume_nl, duration_ms)| Command::ProgramBolus { volume_nl, duration_ms });
            assert_eq!(bolus(volume, over), expected, "{volume} over {over}");
        }
        let basal = |rate| command(&Verb::ProgramBasal { rate: Flow(rate) }, 0);
        assert_eq!(basal(500.0 / 24.0), Ok(Command::ProgramBasal { rate_nl_h: 20_833 }));
        assert_eq!(basal(1e7), Err(Refusal::RateOutOfRange));
    }

    #[test]
    fn vocabularies_are_the_same_words() {
        assert!(pump_link::State::ALL.iter().map(|s| state_word(*s)).eq(PumpState::ALL.iter().copied()));
        assert!(pump_link::Alarm::ALL.iter().map(|a| alarm_word(*a)).eq(Alarm::ALL.iter().copied()));
        assert!(pump_link::Refusal::ALL.iter().map(|r| refusal_word(*r)).eq(Refusal::ALL.iter().copied()));
    }

    #[test]
    fn the_log_reads_as_words() {
        use pump_link::LogCode;
        for (code, value, what) in [
            (LogCode::PowerOn, 3, "power on, 3 resets"),
            (LogCode::BasalProgrammed, 20_833, "basal programmed: 20.833 µL/h"),
            (LogCode::BolusProgrammed, 200_000, "bolus programmed: 200 µL"),
            (LogCode::Started, 2, "started: infusing"),
            (LogCode::AlarmOn, 2, "alarm on: occlusion"),
            (LogCode::AlarmOn, 700, "alarm on: unknown"),
            (LogCode::Acknowledged, 5, "acknowledged: low_reservoir, occlusion"),
        ] {
            let entry = log_entry(&pump_link::LogEntry { number: 4, uptime_us: 5, code, value });
            assert_eq!((entry.number, entry.uptime_us, entry.what.as_str()), (4, 5, what));
        }
    }

    #[test]
    fn garbage_is_told_in_its_place() {
        let message = FromPump::Reply { session: 7, seq: 3, response: Response::Accepted };
        let mut buffer = [0; MAX_FRAME];
        let frame = encode(&message, &mut buffer).unwrap();
        let foreign = FromPump::Reply { session: 8, seq: 3, response: Response::Accepted };
        let mut buffer = [0; MAX_FRAME];
        let foreign = encode(&foreign, &mut buffer).unwrap();
        let stream = [b"xyz\0", frame, b"\0\0", b"1\0", foreign, b"ab"].concat();

        let accepted = Item::Reply { tag: 3, reply: Reply::Accepted };
        let expected = [Item::Garbage { bytes: 4 }, accepted, Item::Garbage { bytes: 2 }, Item::Stray];
        for split in 1..stream.len() {
            let mut link = PumpLink::new(7);
            let mut items = Vec::new();
            stream.chunks(split).for_each(|chunk| link.push(chunk, &mut |item| items.push(item)));
            assert_eq!(items, expected, "in pieces of {split}");
            assert_eq!(link.reset(), 2);
            assert_eq!(link.tag_of(frame), Some(3));
            assert_eq!(link.tag_of(foreign), None);
        }
    }

    #[test]
    fn a_sound_frame_that_says_nothing_known_is_garbage() {
        // Variant 9 of `FromPump`, with its checksum, in COBS by hand.
        let crc = pump_link::crc32(&[9]).to_le_bytes();
        assert!(!crc.contains(&0));
        let stream = [&[6, 9][..], &crc, &[0]].concat();
        let mut items = Vec::new();
        PumpLink::new(7).push(&stream, &mut |item| items.push(item));
        assert_eq!(items, [Item::Garbage { bytes: 7 }]);
    }
}
