//! Another maker, deliberately different: lines of text, quantities with decimal points, no session number, no checksum.
//!
//! `12 SET RATE 20.8` is answered by `OK 12` or `NO 12 rate_out_of_range`; what the pump says unasked begins with `!`.

use rig_dut::{Item, Protocol, Reply, Request, Session};
use rig_model::bench::Link;
use rig_model::dut::{Alarm, DutIdentity, DutReport, LogEntry, PumpState, PumpStatus, Refusal, Verb};
use rig_model::quantity::{Flow, Volume};
use rig_model::time::Span;

use super::{LOG, Say, Wire};

/// Longest line of this maker.
const MAX_LINE: usize = 512;

/// All that a second maker adds to the rig.
#[derive(Debug, Default)]
pub struct TextLines {
    line: Vec<u8>,
    overlong: u64,
}

impl Protocol for TextLines {
    fn delimiter(&self) -> u8 {
        b'\n'
    }

    fn encode(&mut self, Request { tag, verb, from }: Request<'_>, out: &mut Vec<u8>) -> Result<(), Refusal> {
        let line = match verb {
            Verb::Identify => "WHO".to_owned(),
            Verb::Status => "HOW".to_owned(),
            Verb::FactoryReset => "FORGET".to_owned(),
            Verb::ProgramBasal { rate } if rate.0.is_finite() => format!("SET RATE {}", rate.0),
            Verb::ProgramBasal { .. } => return Err(Refusal::RateOutOfRange),
            Verb::ProgramBolus { volume, over } => format!("SET BOLUS {} IN {}", finite(volume)?, over.as_seconds()),
            Verb::ProgramPriming { volume } => format!("SET PRIME {}", finite(volume)?),
            Verb::Start => "GO".to_owned(),
            Verb::Stop => "HALT".to_owned(),
            Verb::Acknowledge => "ACK".to_owned(),
            Verb::Refill { volume } => format!("FILLED {}", finite(volume)?),
            Verb::ReadLog => format!("LOG {from}"),
            // This pump knows no more.
            _ => return Err(Refusal::UnknownCommand),
        };
        out.extend_from_slice(format!("{tag} {line}\n").as_bytes());
        Ok(())
    }

    fn push(&mut self, bytes: &[u8], each: &mut dyn FnMut(Item)) {
        for byte in bytes {
            if *byte != b'\n' {
                if self.line.len() < MAX_LINE {
                    self.line.push(*byte)
                } else {
                    self.overlong += 1
                }
                continue;
            }
            let length = self.line.len() as u64 + std::mem::take(&mut self.overlong);
            if length > 0 {
                each(read(&self.line).unwrap_or(Item::Garbage { bytes: length + 1 }));
            }
            self.line.clear();
        }
    }

    fn tag_of(&self, message: &[u8]) -> Option<u16> {
        match read(message.strip_suffix(b"\n")?) {
            Some(Item::Reply { tag, .. }) => Some(tag),
            _ => None,
        }
    }

    fn reset(&mut self) -> u64 {
        let unfinished = self.line.len() as u64 + std::mem::take(&mut self.overlong);
        self.line.clear();
        unfinished
    }
}

fn finite(volume: &Volume) -> Result<f64, Refusal> {
    Some(volume.0).filter(|v| v.is_finite()).ok_or(Refusal::VolumeOutOfRange)
}

fn read(line: &[u8]) -> Option<Item> {
    let words: Vec<_> = std::str::from_utf8(line).ok()?.split(' ').collect();
    let notice = |report| Some(Item::Notice(report));
    match words[..] {
        ["!", "ALARM", alarm] => return notice(DutReport::AlarmOn(Alarm::from_word(alarm)?)),
        ["!", "CLEAR", alarm] => return notice(DutReport::AlarmOff(Alarm::from_word(alarm)?)),
        ["!", "STATE", state] => return notice(DutReport::State(PumpState::from_word(state)?)),
        ["!", "HELLO"] => return notice(DutReport::Restarted),
        _ => {}
    }
    let (kind, tag, rest) = (words.first()?, words.get(1)?.parse().ok()?, words.get(2..)?);
    let reply = match (*kind, rest) {
        ("OK", []) => Reply::Accepted,
        ("NO", [refusal]) => Reply::Refused(Refusal::from_word(refusal)?),
        ("ME", [model, serial, version, hash]) => Reply::Identity(DutIdentity {
            model: (*model).to_owned(),
            serial: (*serial).to_owned(),
            firmware_version: (*version).to_owned(),
            firmware_hash: (*hash).to_owned(),
            protocol_version: 1,
        }),
        ("FINE", [state, reservoir]) => Reply::Status(PumpStatus {
            state: PumpState::from_word(state)?,
            alarms: Vec::new(),
            reservoir: Volume(reservoir.parse().ok()?),
            delivered: Volume(0.0),
            basal: Flow(0.0),
            bolus_left: Volume(0.0),
            strokes: 0,
            resets: 0,
            uptime_us: 0,
        }),
        ("LOG", [next, entries @ ..]) => {
            let entry = |text: &&str| {
                text.parse().ok().map(|number| LogEntry { number, uptime_us: 0, what: (*text).to_owned(), code: None, value: None })
            };
            Reply::Log { next: next.parse().ok(), entries: entries.iter().map(entry).collect::<Option<_>>()? }
        }
        _ => return None,
    };
    Some(Item::Reply { tag, reply })
}

/// The pump's side.
#[derive(Default)]
pub struct TextPump {
    line: Vec<u8>,
}

impl Wire for TextPump {
    fn session(&self, link: &Link) -> Session {
        Session::with_protocol(Box::<TextLines>::default(), link)
    }

    fn hear(&mut self, bytes: &[u8]) -> Vec<(u16, Verb, u32)> {
        self.line.extend_from_slice(bytes);
        let mut heard = Vec::new();
        while let Some(end) = self.line.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.line.drain(..=end).collect();
            heard.extend(understand(&line[..end]));
        }
        heard
    }

    fn say(&self, what: &Say) -> Vec<u8> {
        let line = match what {
            Say::Accepted(tag) => format!("OK {tag}"),
            Say::Refused(tag, refusal) => format!("NO {tag} {refusal}"),
            Say::Identity(tag) => format!("ME {tag} PUMP-20 0001 1.2.3 abab"),
            Say::Status(tag) => format!("FINE {tag} stopped 20000"),
            Say::Log(tag, from, to) => {
                let next = if *to < LOG { (to + 1).to_string() } else { "-".into() };
                (*from..=*to).fold(format!("LOG {tag} {next}"), |line, number| format!("{line} {number}"))
            }
            Say::Notice(DutReport::AlarmOn(alarm)) => format!("! ALARM {alarm}"),
            Say::Notice(DutReport::AlarmOff(alarm)) => format!("! CLEAR {alarm}"),
            Say::Notice(DutReport::State(state)) => format!("! STATE {state}"),
            Say::Notice(DutReport::Restarted) => "! HELLO".into(),
            Say::Notice(other) => panic!("the script says {other:?}"),
            Say::Garbage => "what?".into(),
        };
        (line + "\n").into_bytes()
    }
}

fn understand(line: &[u8]) -> Option<(u16, Verb, u32)> {
    let words: Vec<_> = std::str::from_utf8(line).ok()?.split(' ').collect();
    let volume = |text: &str| text.parse().ok().map(Volume);
    let verb = match words.get(1..)? {
        ["WHO"] => Verb::Identify,
        ["HOW"] => Verb::Status,
        ["FORGET"] => Verb::FactoryReset,
        ["SET", "RATE", rate] => Verb::ProgramBasal { rate: Flow(rate.parse().ok()?) },
        ["SET", "BOLUS", v, "IN", s] => Verb::ProgramBolus { volume: volume(v)?, over: Span::from_seconds(s.parse().ok()?) },
        ["SET", "PRIME", v] => Verb::ProgramPriming { volume: volume(v)? },
        ["GO"] => Verb::Start,
        ["HALT"] => Verb::Stop,
        ["ACK"] => Verb::Acknowledge,
        ["FILLED", v] => Verb::Refill { volume: volume(v)? },
        ["LOG", from] => return Some((words[0].parse().ok()?, Verb::ReadLog, from.parse().ok()?)),
        _ => return None,
    };
    Some((words[0].parse().ok()?, verb, 0))
}
