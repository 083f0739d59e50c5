// What must hold for any bytes at all. One body for the fuzz target and for the property test that runs with `cargo test`.

/// The first byte says into which pieces the rest is split.
pub fn decoder_body(data: &[u8]) {
    let Some((split, stream)) = data.split_first() else { return };
    let whole = told(&[stream]);
    let pieces: Vec<&[u8]> = stream.chunks(usize::from(*split).max(1)).collect();
    assert_eq!(whole, told(&pieces), "another split gives other messages");
}

fn told(pieces: &[&[u8]]) -> (Vec<Result<Vec<u8>, pump_link::FrameError>>, u64) {
    let mut decoder = pump_link::Decoder::new();
    let mut messages = Vec::new();
    for piece in pieces {
        decoder.push(piece, |message| messages.push(message.map(<[u8]>::to_vec)));
    }
    for message in messages.iter().flatten() {
        assert!(message.len() <= pump_link::MAX_MESSAGE);
        // May be nonsense behind a right checksum, but must not panic.
        let _ = pump_link::decode_request(message);
        let _ = pump_link::decode_from_pump(message);
    }
    (messages, decoder.skipped())
}
