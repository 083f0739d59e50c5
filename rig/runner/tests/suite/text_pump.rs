//! A pump that speaks in lines of text: `7 stop` is answered by `7 OK`; what it says unasked begins with `!`.

use rig_dut::{Item, Protocol, Reply, Request};
use rig_model::dut::{DutIdentity, DutReport, PumpState, PumpStatus, Refusal, Verb};
use rig_model::quantity::{Flow, Volume};

#[derive(Debug, Default)]
pub struct TextPump {
    line: Vec<u8>,
}

impl Protocol for TextPump {
    fn delimiter(&self) -> u8 {
        b'\n'
    }

    fn encode(&mut self, request: Request<'_>, out: &mut Vec<u8>) -> Result<(), Refusal> {
        out.extend_from_slice(format!("{} {}\n", request.tag, request.verb.name()).as_bytes());
        Ok(())
    }

    fn push(&mut self, bytes: &[u8], each: &mut dyn FnMut(Item)) {
        for byte in bytes {
            match byte {
                b'\n' => {
                    let line = std::mem::take(&mut self.line);
                    if !line.is_empty() {
                        each(read(&line).unwrap_or(Item::Garbage { bytes: line.len() as u64 }));
                    }
                }
                byte => self.line.push(*byte),
            }
        }
    }

    fn tag_of(&self, message: &[u8]) -> Option<u16> {
        match read(message.strip_suffix(b"\n")?) {
            Some(Item::Reply { tag, .. }) => Some(tag),
            _ => None,
        }
    }

    fn reset(&mut self) -> u64 {
        std::mem::take(&mut self.line).len() as u64
    }
}

/// The pump's answer to a request, if it is one: `None` for a lone delimiter.
pub fn answer(request: &str) -> Option<String> {
    let (tag, verb) = request.split_once(' ')?;
    Some(match verb {
        "identify" => format!("{tag} ME 0001\n"),
        "status" => format!("{tag} FINE stopped\n"),
        _ => format!("{tag} OK\n"),
    })
}

fn read(line: &[u8]) -> Option<Item> {
    let words: Vec<_> = std::str::from_utf8(line).ok()?.split(' ').collect();
    let reply = match words[..] {
        ["!", "HELLO"] => return Some(Item::Notice(DutReport::Restarted)),
        ["!", state] => return Some(Item::Notice(DutReport::State(PumpState::from_word(state)?))),
        [_, "OK"] => Reply::Accepted,
        [_, "ME", serial] => Reply::Identity(identity(serial)),
        [_, "FINE", state] => Reply::Status(status(PumpState::from_word(state)?)),
        _ => return None,
    };
    Some(Item::Reply { tag: words[0].parse().ok()?, reply })
}

fn identity(serial: &str) -> DutIdentity {
    let text = |s: &str| s.to_owned();
    DutIdentity { model: text("T"), serial: text(serial), firmware_version: text("1"), firmware_hash: text("ab"), protocol_version: 1 }
}

fn status(state: PumpState) -> PumpStatus {
    PumpStatus {
        state,
        alarms: Vec::new(),
        reservoir: Volume(20_000.0),
        delivered: Volume(0.0),
        basal: Flow(0.0),
        bolus_left: Volume(0.0),
        strokes: 0,
        resets: 0,
        uptime_us: 0,
    }
}

/// The line that this verb is sent as, without its tag.
pub fn asks(bytes: &[u8], verb: &Verb) -> bool {
    String::from_utf8_lossy(bytes).lines().any(|line| line.split_once(' ').is_some_and(|(_, v)| v == verb.name()))
}
