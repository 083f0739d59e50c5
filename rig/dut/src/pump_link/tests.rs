//! Verbs, commands and words, without a pump.

use rig_model::dut::{Alarm, Days, LogKind, PatientBolus, PumpState, ScheduleStep, StepBolus};

use super::*;

#[test]
fn quantities_become_whole_numbers_of_the_wire() {
    let bolus = |volume, over| stateless(&Verb::ProgramBolus { volume: Volume(volume), over });
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
    let basal = |rate| stateless(&Verb::ProgramBasal { rate: Flow(rate) });
    assert_eq!(basal(500.0 / 24.0), Ok(Command::ProgramBasal { rate_nl_h: 20_833 }));
    assert_eq!(basal(1e7), Err(Refusal::RateOutOfRange));
}

#[test]
fn vocabularies_are_the_same_words() {
    assert!(pump_link::State::ALL.iter().map(|s| state_word(*s)).eq(PumpState::ALL.iter().copied()));
    assert!(pump_link::Alarm::ALL.iter().map(|a| alarm_word(*a)).eq(Alarm::ALL.iter().copied()));
    assert!(pump_link::Refusal::ALL.iter().map(|r| refusal_word(*r)).eq(Refusal::ALL.iter().copied()));
    // Word by word, since the kinds of log entries are told by their place.
    let snake = |code: &pump_link::LogCode| {
        let capital = |c: char| if c.is_uppercase() { format!("_{}", c.to_lowercase()) } else { c.to_string() };
        format!("{code:?}").chars().map(capital).collect::<String>().trim_start_matches('_').to_owned()
    };
    assert!(pump_link::LogCode::ALL.iter().map(snake).eq(LogKind::ALL.iter().map(|kind| kind.word().to_owned())));
    assert!(pump_link::LogCode::ALL.iter().map(|code| kind(*code)).eq(LogKind::ALL.iter().copied()));
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

fn programmes() -> Vec<(Verb, Command)> {
    let (volume, over) = (Volume(100.0), Span::minutes(2));
    let step = |bolus| Verb::ProgramStep(Box::new(ScheduleStep { days: Days(0b001_1111), from: Span::hours(8), rate: Flow(30.0), bolus }));
    let in_step = |bolus_nl, bolus_ms| Command::ProgramStep { days: 0b001_1111, minute: 480, rate_nl_h: 30_000, bolus_nl, bolus_ms };
    let patient =
        PatientBolus { volume, over, first_after: Span::hours(10), lockout: Span::hours(4), activations: 6, in_any: Span::hours(24) };
    vec![
        (Verb::ProgramBasal { rate: Flow(20.833) }, Command::ProgramBasal { rate_nl_h: 20_833 }),
        (Verb::ProgramBolus { volume, over }, Command::ProgramBolus { volume_nl: 100_000, duration_ms: 120_000 }),
        (Verb::ProgramPriming { volume }, Command::ProgramPriming { volume_nl: 100_000 }),
        (Verb::ProgramConcentration { concentration: Concentration(1_000.0) }, Command::ProgramConcentration { ng_per_ul: 1_000 }),
        (Verb::ProgramBasalDose { rate: MassFlow(20.833) }, Command::ProgramBasalDose { ng_per_h: 20_833 }),
        (Verb::ProgramBolusDose { dose: Mass(200.0), over }, Command::ProgramBolusDose { ng: 200_000, duration_ms: 120_000 }),
        (step(None), in_step(0, 0)),
        (step(Some(StepBolus { volume: Volume(20.0), over: Span::minutes(1) })), in_step(20_000, 60_000)),
        (
            Verb::ProgramMicrodose { volume: Volume(5.0), over: Span::seconds(10), every: Span::minutes(30) },
            Command::ProgramMicrodose { volume_nl: 5_000, duration_ms: 10_000, every_s: 1_800 },
        ),
        (Verb::ProgramMinimum, Command::ProgramMinimum),
        (
            Verb::ProgramPatientBolus(Box::new(patient)),
            Command::ProgramPatientBolus {
                volume_nl: 100_000,
                duration_ms: 120_000,
                first_after_s: 36_000,
                lockout_s: 14_400,
                activations: 6,
                period_s: 86_400,
            },
        ),
        (
            Verb::ProgramLimit { volume: Volume(1_200.0), in_any: Span::hours(24) },
            Command::ProgramLimit { volume_nl: 1_200_000, period_s: 86_400 },
        ),
        (Verb::ProgramBridge { volume, rate: Flow(10.0) }, Command::ProgramBridge { volume_nl: 100_000, rate_nl_h: 10_000 }),
    ]
}

#[test]
fn every_programme_becomes_its_command_and_is_read_back_as_itself() {
    for (asked, command) in programmes() {
        assert_eq!(PumpLink::new(1).command(&asked, 0), Ok(command), "{asked}");
        assert_eq!(verb(&command), Some(asked));
    }
    assert_eq!(verb(&Command::Start), None);
}

#[test]
fn a_read_back_comes_in_pages_of_verbs() {
    let (verbs, parts): (Vec<_>, Vec<_>) = programmes().into_iter().unzip();
    for (from, next) in [(0, Some(5)), (5, Some(10)), (10, None)] {
        let page = &parts[from..next.map_or(parts.len(), |next| next as usize)];
        let response = Response::ReadBack { next: next.unwrap_or(0), checksum: 9, parts: page.iter().copied().collect() };
        assert_eq!(reply(&response), Reply::ReadBack { parts: verbs[from..from + page.len()].to_vec(), next });
    }
    let foreign = Response::ReadBack { next: 0, checksum: 9, parts: [Command::Start].into_iter().collect() };
    assert_eq!(reply(&foreign), Reply::Refused(Refusal::Malformed), "what programs nothing is not believed");
    let endless = Response::ReadBack { next: 5, checksum: 9, parts: [].into_iter().collect() };
    assert_eq!(reply(&endless), Reply::Refused(Refusal::Malformed), "a page with nothing on it is the last");
    let nothing = Response::ReadBack { next: 0, checksum: 9, parts: [].into_iter().collect() };
    assert_eq!(reply(&nothing), Reply::ReadBack { parts: Vec::new(), next: None });
}

#[test]
fn a_confirmation_carries_the_checksum_of_the_last_read_back() {
    let mut link = PumpLink::new(7);
    assert_eq!(link.command(&Verb::Confirm, 0), Ok(Command::Confirm { checksum: 0 }), "nothing was read back");
    for (session, checksum, carried) in [(7, 0xDEBD_2F42, 0xDEBD_2F42), (8, 5, 0xDEBD_2F42), (7, 6, 6)] {
        let response = Response::ReadBack { next: 0, checksum, parts: [Command::ProgramMinimum].into_iter().collect() };
        let mut buffer = [0; MAX_FRAME];
        let frame = encode(&FromPump::Reply { session, seq: 3, response }, &mut buffer).unwrap();
        link.push(frame, &mut |_| {});
        assert_eq!(link.command(&Verb::Confirm, 0), Ok(Command::Confirm { checksum: carried }));
    }
}
