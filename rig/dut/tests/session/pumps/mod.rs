//! Two scripted pumps of different makers, and the clockwork that plays a session against one of them.

pub mod link_pump;
pub mod text_pump;

use std::collections::VecDeque;

use rig_dut::{Output, Session};
use rig_model::bench::Link;
use rig_model::dut::{DutReport, Refusal, Verb};
use rig_model::scenario::LinkFault;
use rig_model::time::{RigTime, Span};

/// The wire of one maker, seen from the pump's side.
pub trait Wire {
    fn session(&self, link: &Link) -> Session;
    /// Requests that these bytes complete: tag, verb, and the log entry asked for.
    fn hear(&mut self, bytes: &[u8]) -> Vec<(u16, Verb, u32)>;
    fn say(&self, what: &Say) -> Vec<u8>;
}

/// What a pump can say.
#[derive(Debug, Clone)]
pub enum Say {
    Accepted(u16),
    Refused(u16, Refusal),
    Identity(u16),
    Status(u16),
    /// Entries `from..=to`; a full page of [`PAGE`] is followed by another.
    Log(u16, u32, u32),
    Notice(DutReport),
    Garbage,
}

pub const PAGE: u32 = 8;
/// Entries in the scripted pumps' log: two full pages and a half.
pub const LOG: u32 = 20;

/// What happens to a session from outside.
#[derive(Debug, Clone)]
pub enum Do {
    Command(u64, Verb),
    Fault(LinkFault),
    /// The way out of a scenario: no more disturbances.
    Clear,
    LinkDown,
    LinkUp,
    Suspend,
    Resume,
    /// The pump takes so long to answer, in ms; `None`: it doesn't.
    Answer(Option<i64>),
    /// The pump says each answer twice.
    Twice,
    Refuse(Refusal),
    Say(Say),
}

pub fn link() -> Link {
    Link {
        protocol: "pump-link".into(),
        path: None,
        baud: 115_200,
        reply_timeout: Span::milliseconds(500),
        transmissions: 3,
        poll_every: Span::seconds(10),
    }
}

/// Plays what happens at the given ms until `end`, bytes from the pump in pieces of `split`, and tells everything that came out.
pub fn play(wire: &mut dyn Wire, split: usize, script: &[(i64, Do)], end: i64) -> Vec<String> {
    let mut play = Play {
        session: wire.session(&link()),
        wire,
        split,
        pending: VecDeque::new(),
        answer: Some(10),
        times: 1,
        refuse: None,
        told: Vec::new(),
    };
    let mut script: VecDeque<_> = script.iter().cloned().collect();
    loop {
        let deadline = play.session.next_deadline().map_or(i64::MAX, |at| at.0 / 1_000_000);
        let answer = play.pending.iter().map(|(at, _)| *at).min().unwrap_or(i64::MAX);
        let outside = script.front().map_or(i64::MAX, |(at, _)| *at);
        let now = deadline.min(answer).min(outside);
        if now > end {
            return play.told;
        }
        // Inputs before deadlines.
        if answer == now {
            let first = play.pending.iter().position(|(at, _)| *at == now).expect("one is due");
            let (_, bytes) = play.pending.remove(first).expect("it is there");
            bytes.chunks(play.split).for_each(|piece| play.session.receive(ms(now), piece));
        } else if outside == now {
            let (_, what) = script.pop_front().expect("one is due");
            play.happen(now, what);
        } else {
            play.session.tick(ms(now));
        }
        play.drain(now);
    }
}

struct Play<'a> {
    session: Session,
    wire: &'a mut dyn Wire,
    split: usize,
    pending: VecDeque<(i64, Vec<u8>)>,
    answer: Option<i64>,
    times: usize,
    refuse: Option<Refusal>,
    told: Vec<String>,
}

impl Play<'_> {
    fn happen(&mut self, at: i64, what: Do) {
        let now = ms(at);
        match what {
            Do::Command(id, verb) => self.session.command(now, id, verb),
            Do::Fault(fault) => self.session.fault(now, fault),
            Do::Clear => self.session.clear_faults(),
            Do::LinkDown => self.session.link_down(now, "unplugged"),
            Do::LinkUp => self.session.link_up(now),
            Do::Suspend => self.session.suspend(now),
            Do::Resume => self.session.resume(now),
            Do::Answer(after) => self.answer = after,
            Do::Twice => self.times = 2,
            Do::Refuse(refusal) => self.refuse = Some(refusal),
            Do::Say(what) => self.pending.push_back((at, self.wire.say(&what))),
        }
    }

    fn drain(&mut self, now: i64) {
        while let Some(output) = self.session.poll_output() {
            let told = match output {
                Output::Tx(bytes) => {
                    for (tag, verb, from) in self.wire.hear(&bytes) {
                        let page = if from > 0 { format!(" from {from}") } else { String::new() };
                        self.told.push(format!("{now} heard #{tag} {verb}{page}"));
                        self.answer(now, tag, &verb, from);
                    }
                    continue;
                }
                Output::Report(DutReport::Identity(identity)) => format!("identity {} {}", identity.model, identity.firmware_version),
                Output::Report(DutReport::Status(status)) => format!("status {} {}", status.state, status.reservoir),
                Output::Report(DutReport::Log(entries)) => {
                    let numbers: Vec<_> = entries.iter().map(|entry| entry.number).collect();
                    assert_eq!(numbers, (1..=LOG).collect::<Vec<_>>());
                    format!("log of {}", entries.len())
                }
                Output::Report(report) => format!("{report:?}"),
                Output::Ended { id, outcome, transmissions, .. } => format!("ended {id} {outcome:?} x{transmissions}"),
                Output::Garbage { .. } => "garbage".into(),
                Output::Silent => "silent".into(),
                // Counted in a test of its own.
                Output::Disturbed { .. } => continue,
            };
            // Garbage of one message that came in pieces is told once the message has ended, so in one line too.
            self.told.push(format!("{now} {told}"));
        }
    }

    fn answer(&mut self, now: i64, tag: u16, verb: &Verb, from: u32) {
        let Some(after) = self.answer else { return };
        let say = match (verb, self.refuse) {
            (Verb::Identify, _) => Say::Identity(tag),
            (Verb::Status, _) => Say::Status(tag),
            (Verb::ReadLog, _) => Say::Log(tag, from.max(1), (from.max(1) + PAGE - 1).min(LOG)),
            (_, Some(refusal)) => Say::Refused(tag, refusal),
            (_, None) => Say::Accepted(tag),
        };
        for _ in 0..self.times {
            self.pending.push_back((now + after, self.wire.say(&say)));
        }
    }
}

pub fn ms(at: i64) -> RigTime {
    RigTime::ZERO + Span::milliseconds(at)
}
