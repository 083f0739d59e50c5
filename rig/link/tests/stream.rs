//! The decoder on streams: any split, any garbage, any bytes.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/arbitrary.rs"]
mod arbitrary;
#[path = "support/decoder_body.rs"]
mod body;

use proptest::prelude::*;
use pump_link::{
    Command, Decoder, EncodeError, FrameError, FromPump, Identity, LogCode, LogEntry, MAX_FRAME, MAX_MESSAGE, READ_BACK_PAGE, Request,
    Response, decode_from_pump, decode_request, encode,
};

fn frame_of(message: &impl pump_link::Message) -> Vec<u8> {
    let mut buffer = [0; MAX_FRAME];
    encode(message, &mut buffer).unwrap().to_vec()
}

fn push(decoder: &mut Decoder, bytes: &[u8]) -> Vec<Result<Vec<u8>, FrameError>> {
    let mut messages = Vec::new();
    decoder.push(bytes, |message| messages.push(message.map(<[u8]>::to_vec)));
    messages
}

const STOP: Request = Request { session: 1, seq: 2, command: Command::Stop };

#[test]
fn garbage_is_skipped_up_to_the_next_delimiter_and_counted() {
    let frame = frame_of(&STOP);
    for (before, errors, skipped) in [
        (&[][..], &[][..], 0),
        (&[0, 0, 0], &[], 0),
        (&[9, 9, 0], &[FrameError::NotEncoded], 3),
        (&[1, 0], &[FrameError::NotEncoded], 2),
        (&[6, 1, 1, 1, 1, 1, 0], &[FrameError::Checksum], 7),
        (&[[7; 197].as_slice(), &[0]].concat(), &[FrameError::NotEncoded], 198),
        (&[[7; 198].as_slice(), &[0]].concat(), &[FrameError::TooLong], 199),
        (&[[7; 5_000].as_slice(), &[0]].concat(), &[FrameError::TooLong], 5_001),
        // Cut off in the middle: the frame after the delimiter is heard.
        (&[&frame[..4], &[0]].concat(), &[FrameError::NotEncoded], 5),
    ] {
        let mut decoder = Decoder::new();
        let mut messages = push(&mut decoder, &[before, &frame].concat());
        assert_eq!(decode_request(&messages.pop().unwrap().unwrap()), Ok(STOP), "{before:?}");
        assert_eq!(messages, errors.iter().map(|error| Err(*error)).collect::<Vec<_>>(), "{before:?}");
        assert_eq!(decoder.skipped(), skipped, "{before:?}");
    }
}

#[test]
fn garbage_without_a_delimiter_takes_the_frame_behind_it_along() {
    let mut decoder = Decoder::new();
    let frame = frame_of(&STOP);
    assert!(push(&mut decoder, &[&[9, 9], &frame[..]].concat())[0].is_err());
    assert_eq!(decoder.skipped(), 2 + frame.len() as u64);
    assert!(push(&mut decoder, &frame)[0].is_ok());
}

#[test]
fn a_reset_forgets_and_counts_the_unfinished_frame() {
    let mut decoder = Decoder::new();
    let frame = frame_of(&STOP);
    push(&mut decoder, &frame[..3]);
    assert_eq!(decoder.skipped(), 0);
    decoder.reset();
    assert_eq!(decoder.skipped(), 3);
    assert!(push(&mut decoder, &frame)[0].is_ok());
}

#[test]
fn every_flipped_bit_is_noticed() {
    let frame = frame_of(&STOP);
    for bit in 0..(frame.len() - 1) * 8 {
        let mut broken = frame.clone();
        broken[bit / 8] ^= 1 << (bit % 8);
        let messages = push(&mut Decoder::new(), &broken);
        assert!(messages.iter().all(Result::is_err), "bit {bit}: {messages:?}");
    }
}

#[test]
fn the_longest_messages_fit() {
    let entry = LogEntry { number: u32::MAX, uptime_us: u64::MAX, code: LogCode::Acknowledged, value: u32::MAX };
    let log = Response::Log { entries: [entry; 8].into_iter().collect() };
    let longest = "x".repeat(24).as_str().try_into().unwrap();
    let text = |text: &pump_link::Text| text.clone();
    let identity = Response::Identity(Identity {
        model: text(&longest),
        serial: text(&longest),
        firmware_version: longest,
        build_hash: [255; 20],
        protocol_version: u16::MAX,
    });
    let part = Command::ProgramPatientBolus {
        volume_nl: u32::MAX,
        duration_ms: u32::MAX,
        first_after_s: u32::MAX,
        lockout_s: u32::MAX,
        activations: u16::MAX,
        period_s: u32::MAX,
    };
    let read_back = Response::ReadBack { next: u32::MAX, checksum: u32::MAX, parts: [part; READ_BACK_PAGE].into_iter().collect() };
    for (response, length) in [(log, 179), (identity, 108), (read_back, 166)] {
        let frame = frame_of(&FromPump::Reply { session: u32::MAX, seq: u16::MAX, response });
        // One COBS byte, four of checksum, the delimiter.
        assert_eq!(frame.len() - 6, length);
        assert!(length <= MAX_MESSAGE);
    }
}

#[test]
fn a_short_buffer_is_an_error() {
    let frame = frame_of(&STOP);
    for length in 0..frame.len() {
        assert_eq!(encode(&STOP, &mut vec![0; length]), Err(EncodeError::BufferTooShort(length)));
    }
    assert_eq!(encode(&STOP, &mut vec![0; frame.len()]), Ok(&frame[..]));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_in_any_split(data in prop::collection::vec(prop_oneof![1 => Just(0), 4 => any::<u8>()], 0..1_000)) {
        body::decoder_body(&data);
    }

    #[test]
    fn messages_come_back_from_any_split(
        messages in prop::collection::vec((prop::collection::vec(1..=255_u8, 0..250), arbitrary::from_pump()), 1..6),
        split in 1..300_usize,
    ) {
        let mut stream = Vec::new();
        let mut garbage = 0;
        for (noise, message) in &messages {
            stream.extend_from_slice(noise);
            stream.push(0);
            garbage += if noise.is_empty() { 0 } else { noise.len() as u64 + 1 };
            stream.extend_from_slice(&frame_of(message));
        }
        let mut decoder = Decoder::new();
        let heard: Vec<_> = stream.chunks(split).flat_map(|piece| push(&mut decoder, piece)).flatten().collect();
        let decoded: Vec<_> = heard.iter().map(|message| decode_from_pump(message).unwrap()).collect();
        prop_assert_eq!(decoded, messages.into_iter().map(|(_, message)| message).collect::<Vec<_>>());
        prop_assert_eq!(decoder.skipped(), garbage);
    }

    #[test]
    fn requests_come_back(request in arbitrary::request()) {
        let heard = push(&mut Decoder::new(), &frame_of(&request));
        prop_assert_eq!(decode_request(heard[0].as_ref().unwrap()), Ok(request));
    }
}
