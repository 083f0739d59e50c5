//! A pump on a table: its clock is turned from wake-up to wake-up, its frames are decoded, and all that it does is kept with its time.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, clippy::large_enum_variant, reason = "a test's tool")]

use std::collections::VecDeque;

use pump_core::{Config, Input, Micros, Output, Pump, ResetCause, SELF_TEST_US};
use pump_link::{
    Command, Decoder, FromPump, LogCode, LogEntry, MAX_FRAME, Notice, Refusal, Request, Response, State, Status, Therapy, decode_from_pump,
    encode,
};

pub const SECOND: u64 = 1_000_000;
pub const HOUR: u64 = 3_600 * SECOND;

/// What the pump did. Settings are kept in [`Table::memory`].
#[derive(Debug, Clone, PartialEq)]
pub enum Did {
    Stroke { volume_nl: u32, duration_us: u32 },
    Abort,
    Line(bool),
    Sample,
    Notice(Notice),
    Reply { seq: u16, response: Response },
}

/// What the pump asked of its board.
#[derive(Debug)]
enum Question {
    Pressure,
    Supply,
    Rotor,
    /// What the memory held when it was asked.
    Memory(Vec<u8>),
}

pub struct Table {
    pub pump: Pump,
    pub now: u64,
    pub session: u32,
    pub seq: u16,
    /// Answers each sample at once; `None` leaves it unanswered.
    pub pressure: Option<i32>,
    /// Voltage in mV and temperature in tenths of a degree, answered at once; `None` leaves the question unanswered.
    pub supply: Option<(u32, i16)>,
    /// Whether the rotor turns.
    pub rotor: Option<bool>,
    /// Whether the memory can be read back.
    pub readable: bool,
    /// Whether it takes writes.
    pub writable: bool,
    /// How often it asked for its supply.
    pub asked_supply: u32,
    pub memory: Option<Vec<u8>>,
    pub did: Vec<(u64, Did)>,
    pub notices: Vec<u32>,
    decoder: Decoder,
    config: Config,
}

impl Table {
    pub fn power_on(config: Config, memory: Option<Vec<u8>>) -> Self {
        let mut table = Self {
            pump: Pump::power_on(config.clone(), memory.as_deref(), ResetCause::PowerOn),
            now: 0,
            session: 1,
            seq: 0,
            pressure: Some(0),
            supply: Some((3_150, 370)),
            rotor: Some(true),
            readable: true,
            writable: true,
            asked_supply: 0,
            memory,
            did: Vec::new(),
            notices: Vec::new(),
            decoder: Decoder::new(),
            config,
        };
        table.run_to(0);
        table
    }

    /// Past its self-test, at 1 s, with an empty record.
    pub fn ready() -> Self {
        Self::ready_with(Config::default())
    }

    pub fn ready_with(config: Config) -> Self {
        let mut table = Self::power_on(config, None);
        table.run_to(SELF_TEST_US);
        table.did.clear();
        table
    }

    pub fn power_cycle(&mut self) {
        self.reset(ResetCause::PowerOn);
    }

    pub fn reset(&mut self, cause: ResetCause) {
        self.pump = Pump::power_on(self.config.clone(), self.memory.as_deref(), cause);
        self.now = 0;
        self.decoder.reset();
        self.did.clear();
        self.run_to(0);
    }

    /// From wake-up to wake-up, up to and with this time.
    pub fn run_to(&mut self, until: u64) {
        while let Some(due) = self.pump.next_wakeup().filter(|due| due.0 <= until) {
            assert!(due.0 >= self.now, "a wake-up in the past: {due:?} at {}", self.now);
            self.now = due.0;
            self.handle(Input::Wakeup);
            assert!(self.pump.next_wakeup().is_none_or(|next| next > due), "asks to be woken at {due:?} again");
        }
        self.now = self.now.max(until);
    }

    pub fn run_for(&mut self, us: u64) {
        self.run_to(self.now + us);
    }

    pub fn handle(&mut self, input: Input<'_>) {
        let mut asked = self.feed(input);
        while let Some(question) = asked.pop_front() {
            self.asked_supply += u32::from(matches!(question, Question::Supply));
            let more = match question {
                Question::Pressure => self.pressure.map(|pascal| self.feed(Input::Pressure { pascal })),
                Question::Supply => self.supply.map(|(millivolt, temperature_dc)| self.feed(Input::Supply { millivolt, temperature_dc })),
                Question::Rotor => self.rotor.map(|turned| self.feed(Input::Rotor { turned })),
                Question::Memory(held) => self.readable.then(|| self.feed(Input::Stored(&held))),
            };
            asked.extend(more.into_iter().flatten());
        }
    }

    fn feed(&mut self, input: Input<'_>) -> VecDeque<Question> {
        let Self { pump, now, memory, did, notices, decoder, writable, .. } = self;
        let mut asked = VecDeque::new();
        pump.handle(Micros(*now), input, &mut |output| {
            let what = match output {
                Output::Send(bytes) => {
                    decoder.push(bytes, |message| match decode_from_pump(message.unwrap()).unwrap() {
                        FromPump::Reply { seq, response, .. } => did.push((*now, Did::Reply { seq, response })),
                        FromPump::Notice { number, uptime_us, notice } => {
                            assert_eq!(uptime_us, *now);
                            notices.push(number);
                            did.push((*now, Did::Notice(notice)));
                        }
                    });
                    return;
                }
                Output::Store(_) if !*writable => return,
                Output::Store(block) => return *memory = Some(block.to_vec()),
                Output::Stroke { volume_nl, duration_us } => Did::Stroke { volume_nl, duration_us },
                Output::AbortStroke => Did::Abort,
                Output::AlarmLine(level) => Did::Line(level),
                Output::SamplePressure => {
                    asked.push_back(Question::Pressure);
                    Did::Sample
                }
                Output::SampleSupply => return asked.push_back(Question::Supply),
                Output::SampleRotor => return asked.push_back(Question::Rotor),
                Output::ReadStore => return asked.push_back(Question::Memory(memory.clone().unwrap_or_default())),
            };
            did.push((*now, what));
        });
        asked
    }

    /// Sends a new request now; what it is answered. The reply is not kept in the record.
    pub fn ask(&mut self, command: Command) -> Response {
        self.seq = self.seq.wrapping_add(1);
        self.send(Request { session: self.session, seq: self.seq, command })
    }

    pub fn send(&mut self, request: Request) -> Response {
        let mut buffer = [0; MAX_FRAME];
        let frame = encode(&request, &mut buffer).unwrap();
        self.handle(Input::Bytes(frame));
        let place = self.did.iter().rposition(|(_, did)| matches!(did, Did::Reply { .. })).expect("the pump answers at once");
        match self.did.remove(place) {
            (_, Did::Reply { seq, response }) if seq == request.seq => response,
            other => panic!("answered with {other:?}"),
        }
    }

    pub fn accepted(&mut self, command: Command) {
        assert_eq!(self.ask(command), Response::Accepted, "{command:?}");
    }

    pub fn refused(&mut self, command: Command, why: Refusal) {
        assert_eq!(self.ask(command), Response::Refused(why), "{command:?}");
    }

    pub fn status(&mut self) -> Status {
        match self.ask(Command::Status) {
            Response::Status(status) => status,
            other => panic!("{other:?}"),
        }
    }

    pub fn entries(&mut self) -> Vec<LogEntry> {
        let mut told: Vec<LogEntry> = Vec::new();
        loop {
            let from = told.last().map_or(0, |entry| entry.number + 1);
            match self.ask(Command::ReadLog { from }) {
                Response::Log { entries } if entries.is_empty() => return told,
                Response::Log { entries } => told.extend(entries),
                other => panic!("{other:?}"),
            }
        }
    }

    pub fn state(&mut self) -> State {
        self.status().state
    }

    pub fn infuse(&mut self, rate_nl_h: u32) {
        self.accepted(Command::ProgramBasal { rate_nl_h });
        if rate_nl_h > self.config.rules.soft_basal_nl_h {
            self.confirm();
        }
        self.accepted(Command::Start);
    }

    /// All that is put aside, page by page, and its checksum.
    pub fn read_back(&mut self) -> (Vec<Command>, u32) {
        let mut all = Vec::new();
        let mut from = 0;
        loop {
            let Response::ReadBack { next, checksum, parts } = self.ask(Command::ReadBack { from }) else { panic!("no read-back") };
            all.extend(parts);
            if next == 0 {
                return (all, checksum);
            }
            from = next;
        }
    }

    /// Reads back and confirms.
    pub fn confirm(&mut self) {
        let (_, checksum) = self.read_back();
        self.accepted(Command::Confirm { checksum });
    }

    /// What the pump answers to the confirmation of all that was read back.
    pub fn ask_confirm(&mut self) -> Response {
        let (_, checksum) = self.read_back();
        self.ask(Command::Confirm { checksum })
    }

    /// Programs all these parts and confirms them.
    pub fn prescribe(&mut self, parts: &[Command]) {
        for part in parts {
            self.accepted(*part);
        }
        self.confirm();
    }

    pub fn therapy(&mut self) -> Therapy {
        match self.ask(Command::Therapy) {
            Response::Therapy(therapy) => therapy,
            other => panic!("{other:?}"),
        }
    }

    /// All entries of the log from this number on: code and value.
    pub fn log(&mut self, from: u32) -> Vec<(LogCode, u32)> {
        let (mut all, mut from) = (Vec::new(), from);
        while let Response::Log { entries } = self.ask(Command::ReadLog { from }) {
            let Some(last) = entries.last() else { break };
            from = last.number + 1;
            all.extend(entries.iter().map(|entry| (entry.code, entry.value)));
        }
        all
    }

    /// Start and volume of each stroke of the record.
    pub fn strokes(&self) -> Vec<(u64, u32)> {
        self.did
            .iter()
            .filter_map(|(at, did)| if let Did::Stroke { volume_nl, .. } = did { Some((*at, *volume_nl)) } else { None })
            .collect()
    }

    pub fn times_of(&self, what: &Did) -> Vec<u64> {
        self.did.iter().filter(|(_, did)| did == what).map(|(at, _)| *at).collect()
    }

    pub fn notices_of_alarms(&self) -> Vec<Notice> {
        let alarm = |did: &Did| match did {
            Did::Notice(notice @ (Notice::AlarmOn(_) | Notice::AlarmOff(_))) => Some(*notice),
            _ => None,
        };
        self.did.iter().filter_map(|(_, did)| alarm(did)).collect()
    }

    pub fn edges(&self) -> Vec<(u64, bool)> {
        self.did.iter().filter_map(|(at, did)| if let Did::Line(level) = did { Some((*at, *level)) } else { None }).collect()
    }
}
