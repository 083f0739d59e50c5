//! Known bytes: what the reference pump's link looks like on the wire, as `rig/docs/link.md` writes it out.

use pump_link::{Command, Decoder, MAX_FRAME, Request, decode_request, encode};

use super::{Group, Items};

const SPOKEN: &str = "UR-07";

pub fn play(items: &mut Items) {
    for (seq, command, frame, says) in [
        (1, Command::Identify, "03 01 01 05 64 82 98 e7 00", "identify"),
        (
            5,
            Command::ProgramBolus { volume_nl: 200_000, duration_ms: 120_000 },
            "0e 01 05 04 c0 9a 0c c0 a9 07 64 b0 5b fd 00",
            "program a bolus of 200 µL in 2 min",
        ),
        (7, Command::Start, "08 01 07 06 d7 80 a1 58 00", "start"),
        (8, Command::Stop, "08 01 08 07 8e ac 3e a8 00", "stop"),
    ] {
        let request = Request { session: 1, seq, command };
        let mut buffer = [0; MAX_FRAME];
        let written = encode(&request, &mut buffer).map_or_else(|error| format!("{error:?}"), hex);
        items.same(Group::Link, SPOKEN, format!("`{says}` on the wire"), frame, written);
        items.same(Group::Link, SPOKEN, format!("these bytes heard: `{says}`"), format!("{request:?}"), heard(&bytes(frame)));
        // Each single bit that a disturbance turns over.
        let sound = bytes(frame);
        let misheard = (0..sound.len() * 8).filter(|bit| {
            let mut damaged = sound.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            heard(&damaged) != "nothing"
        });
        items.same(
            Group::Link,
            SPOKEN,
            format!("`{says}` with one bit turned over, {} times: heard", sound.len() * 8),
            0,
            misheard.count(),
        );
    }
}

/// The request in these bytes.
fn heard(bytes: &[u8]) -> String {
    let mut heard = "nothing".to_owned();
    Decoder::new().push(bytes, |message| {
        if let Some(request) = message.ok().and_then(|m| decode_request(m).ok()) {
            heard = format!("{request:?}");
        }
    });
    heard
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

fn bytes(hex: &str) -> Vec<u8> {
    hex.split(' ').filter_map(|byte| u8::from_str_radix(byte, 16).ok()).collect()
}
