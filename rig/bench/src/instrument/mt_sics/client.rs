//! One conversation with one balance: what to send when, and what the replies are worth. Time and bytes come in as values.

use std::collections::VecDeque;

use rig_model::time::{RigTime, Span};

use super::lines::{Line, Lines};
use super::reply::{Adjusted, Reply, Weighed, read};
use super::settings::{Mode, Settings};

/// Something that the balance is to do beside being read. In [`Mode::Poll`] nothing is read until it has answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// `Z`: the next load at rest is zero.
    Zero,
    /// `ZI`: at once.
    ZeroNow,
    /// `T`, `TI`: the same for the tare.
    Tare,
    TareNow,
    /// `S`: the next weight at rest. Not in [`Mode::Repeat`], which it would end, and whose readings say themselves whether they are at rest.
    AtRest,
}

impl Order {
    const fn command(self) -> &'static str {
        match self {
            Self::Zero => "Z",
            Self::ZeroNow => "ZI",
            Self::Tare => "T",
            Self::TareNow => "TI",
            Self::AtRest => "S",
        }
    }

    const fn waits_for_rest(self) -> bool {
        matches!(self, Self::Zero | Self::Tare | Self::AtRest)
    }
}

/// What became of an [`Order`].
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    Adjusted(Adjusted),
    Weighed(Weighed),
    /// `ES`, `ET` or `EL`: it was not carried out.
    Refused(&'static str),
    /// No answer, or one that can't be read. It may have been carried out all the same, and is not sent again: a zero at another time is
    /// another zero.
    Unknown,
}

/// Why an order is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the balance has not answered yet, or is given up")]
    NotReady,
    #[error("an order is under way")]
    Busy,
    #[error("a balance that repeats its readings is not asked for one")]
    Repeating,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// To be sent now, as one piece.
    Transmit(Vec<u8>),
    /// The balance is there and is the right one.
    Ready {
        serial: String,
    },
    /// When its first byte was sent, which is when the balance had the value.
    Reading {
        at: RigTime,
        weighed: Weighed,
    },
    /// Readings that did not come for so long that more than they may be lost; noticed at `at`.
    Lost {
        at: RigTime,
        why: String,
    },
    Answered {
        order: Order,
        answer: Answer,
    },
    /// The last.
    Failed(Failure),
}

/// Why the balance is given up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    #[error("no balance answers ({last}): look at power, cable, baud rate, parity and that its interface is set to MT-SICS")]
    Silent { last: String },
    #[error("balance {found} answers and not {expected}, which the bench file names")]
    Another { expected: String, found: String },
    #[error("{failures} readings of the balance were lost one after another, the last because {last}")]
    GivenUp { failures: u32, last: String },
}

/// What a reply is waited for to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Command {
    /// `@`, the beginning: what was said before is forgotten.
    Cancel,
    /// `I4`: who is there. After a lost reply also the fence behind which no late reply can come any more.
    Serial,
    Weigh,
    Repeat,
    Order(Order),
}

impl Command {
    const fn text(self) -> &'static str {
        match self {
            Self::Cancel => "@",
            Self::Serial => "I4",
            Self::Weigh => "SI",
            Self::Repeat => "SIR",
            Self::Order(order) => order.command(),
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Asked {
    command: Command,
    until: RigTime,
    transmissions: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    Opening,
    /// The balance of this serial number answers.
    Open(String),
    Failed,
}

/// Give it what was received, then poll until there is nothing left, then wait for bytes or until it is due.
#[derive(Debug)]
pub struct Client {
    settings: Settings,
    lines: Lines,
    phase: Phase,
    asked: Option<Asked>,
    /// What is to be asked next, before anything else.
    next: Option<Command>,
    order: Option<Order>,
    /// When the next reading is due, or in a repetition missing.
    due: RigTime,
    /// Since when a reading has been asked for that has not come.
    missing_since: Option<RigTime>,
    /// What is received now came some time ago, nobody knows when.
    late: bool,
    /// Answers to `@` and `I4` that may still come, because they were asked for more often than they were answered.
    names_due: u32,
    repeating: bool,
    failures: u32,
    outputs: VecDeque<Output>,
}

impl Client {
    pub fn new(settings: Settings, now: RigTime) -> Self {
        Self {
            settings,
            lines: Lines::default(),
            phase: Phase::Opening,
            asked: None,
            next: Some(Command::Cancel),
            order: None,
            due: now,
            missing_since: None,
            late: false,
            names_due: 0,
            repeating: false,
            failures: 0,
            outputs: VecDeque::new(),
        }
    }

    /// Bytes of the balance, the last of which came at `at`.
    pub fn received(&mut self, at: RigTime, bytes: &[u8]) {
        for byte in bytes {
            match self.lines.push(*byte) {
                None => {}
                Some(_) if self.phase == Phase::Failed => {}
                Some(Line::Broken { bytes }) => self.damaged(at, format!("{bytes} bytes came that are no line")),
                Some(Line::Whole(line)) => match read(&line) {
                    Ok(reply) => self.replied(at, line.len(), reply),
                    Err(damage) => self.damaged(at, damage.to_string()),
                },
            }
        }
    }

    /// The same if the port was not looked at for so long that nobody knows when they came: what a weight among them says was true at some
    /// other time, and it is asked for again.
    pub fn received_late(&mut self, at: RigTime, bytes: &[u8]) {
        self.late = true;
        self.received(at, bytes);
        self.late = false;
    }

    /// What is to be done next, or has come about; `None` when there is nothing until [`Client::due`].
    pub fn poll(&mut self, now: RigTime) -> Option<Output> {
        if self.outputs.is_empty() && self.phase != Phase::Failed {
            self.go_on(now);
        }
        self.outputs.pop_front()
    }

    /// When it wants to be polled if nothing is received before.
    pub fn due(&self) -> RigTime {
        match (&self.phase, self.asked) {
            (Phase::Failed, _) => RigTime::MAX,
            (_, Some(asked)) if self.repeating => asked.until.min(self.due),
            (_, Some(asked)) => asked.until,
            (_, None) => self.due,
        }
    }

    /// To be done as soon as nothing else is waited for. One at a time.
    pub fn order(&mut self, order: Order, now: RigTime) -> Result<(), Refused> {
        if !matches!(self.phase, Phase::Open(_)) {
            return Err(Refused::NotReady);
        }
        if self.order.is_some() {
            return Err(Refused::Busy);
        }
        if order == Order::AtRest && matches!(self.settings.mode, Mode::Repeat { .. }) {
            return Err(Refused::Repeating);
        }
        self.order = Some(order);
        if self.asked.is_none() {
            self.go_on(now);
        }
        Ok(())
    }

    fn go_on(&mut self, now: RigTime) {
        if let Some(asked) = self.asked.filter(|asked| now >= asked.until) {
            self.unanswered(asked, now, format!("{} was not answered in time", asked.command.text()));
        }
        match self.asked {
            _ if self.phase == Phase::Failed => {}
            None => match self.next_command(now) {
                Some(command) => self.ask(command, 1, now),
                None => self.watch_repetition(now),
            },
            Some(_) => self.watch_repetition(now),
        }
    }

    fn next_command(&mut self, now: RigTime) -> Option<Command> {
        if let Some(next) = self.next.take() {
            return Some(next);
        }
        if let Some(order) = self.order {
            return Some(Command::Order(order));
        }
        match self.settings.mode {
            Mode::Repeat { .. } if !self.repeating => Some(Command::Repeat),
            // The one that did not come, before the next.
            Mode::Poll { .. } if self.missing_since.is_some() => Some(Command::Weigh),
            Mode::Poll { every } if now >= self.due => {
                self.missing_since = Some(now);
                // The next is due on the same grid, and not before now.
                let behind = (now - self.due).0 / every.0.max(1);
                self.due = self.due.saturating_add(Span(every.0.max(1).saturating_mul(behind + 1)));
                Some(Command::Weigh)
            }
            _ => None,
        }
    }

    fn watch_repetition(&mut self, now: RigTime) {
        if self.repeating && now >= self.due {
            self.repeating = false;
            self.lose(now, "the balance has stopped repeating its readings".to_owned());
        }
    }

    fn ask(&mut self, command: Command, transmissions: u32, now: RigTime) {
        let limit = match command {
            Command::Order(order) if order.waits_for_rest() => self.settings.rest_limit,
            _ => self.settings.reply_limit,
        };
        self.asked = Some(Asked { command, until: now.saturating_add(limit), transmissions });
        self.outputs.push_back(Output::Transmit(format!("{}\r\n", command.text()).into_bytes()));
    }

    fn replied(&mut self, at: RigTime, length: usize, reply: Reply) {
        let command = self.asked.map(|asked| asked.command);
        match (reply, command) {
            (Reply::Serial(serial), command) => self.named(at, serial, command),
            (Reply::Weight(weighed), Some(Command::Order(Order::AtRest))) => self.answer(Order::AtRest, Answer::Weighed(weighed)),
            (Reply::Weight(weighed), Some(Command::Weigh)) => {
                self.asked = None;
                self.weighed(at, length, weighed);
            }
            (Reply::Weight(weighed), command) if self.repeating || command == Some(Command::Repeat) => {
                self.repeats(at, command);
                self.weighed(at, length, weighed);
            }
            (Reply::Zero(adjusted), Some(Command::Order(order @ Order::Zero)))
            | (Reply::ZeroNow(adjusted), Some(Command::Order(order @ Order::ZeroNow)))
            | (Reply::Tare(adjusted), Some(Command::Order(order @ Order::Tare)))
            | (Reply::TareNow(adjusted), Some(Command::Order(order @ Order::TareNow))) => self.answer(order, Answer::Adjusted(adjusted)),
            (Reply::Syntax, Some(command)) => self.refused(at, command, "ES (not understood)"),
            (Reply::Transmission, Some(command)) => self.refused(at, command, "ET (badly received)"),
            (Reply::Logical, Some(command)) => self.refused(at, command, "EL (can't be done)"),
            // Late, or somebody has pressed a key of the balance: an answer to nothing that was asked says nothing about now.
            (Reply::Weight(_) | Reply::Zero(_) | Reply::ZeroNow(_) | Reply::Tare(_) | Reply::TareNow(_), _) => {}
            (Reply::Syntax | Reply::Transmission | Reply::Logical, None) => {}
        }
    }

    /// The balance tells its serial number: asked, or because it was switched on.
    fn named(&mut self, at: RigTime, serial: String, command: Option<Command>) {
        let expected = match &self.phase {
            Phase::Open(open) => Some(open.clone()),
            _ => self.settings.serial.clone(),
        };
        if let Some(expected) = expected.filter(|expected| *expected != serial) {
            return self.fail(Failure::Another { expected, found: serial });
        }
        match (command, &self.phase) {
            (Some(Command::Cancel), _) => {
                self.answered_with_name();
                self.next = Some(Command::Serial);
            }
            (Some(Command::Serial), Phase::Opening) => {
                self.answered_with_name();
                self.due = at;
                self.phase = Phase::Open(serial.clone());
                self.outputs.push_back(Output::Ready { serial });
            }
            (Some(Command::Serial), _) => self.answered_with_name(),
            (_, Phase::Open(_)) if self.names_due > 0 => self.names_due -= 1,
            (_, Phase::Open(_)) => {
                self.repeating = false;
                if let Some(Command::Order(order)) = command {
                    self.answer(order, Answer::Unknown);
                }
                (self.asked, self.missing_since) = (None, None);
                self.lose(at, "the balance was switched on again, and its zero is another".to_owned());
            }
            _ => {}
        }
    }

    /// It was asked more than once perhaps, and each may still be answered; after the next weight, which nothing overtakes, none is.
    fn answered_with_name(&mut self) {
        self.names_due += self.asked.map_or(0, |asked| asked.transmissions.saturating_sub(1));
        self.asked = None;
    }

    fn repeats(&mut self, at: RigTime, command: Option<Command>) {
        if command == Some(Command::Repeat) {
            self.asked = None;
        }
        self.repeating = true;
        if let Mode::Repeat { silence } = self.settings.mode {
            self.due = at.saturating_add(silence);
        }
    }

    fn weighed(&mut self, at: RigTime, length: usize, weighed: Weighed) {
        if self.late {
            return;
        }
        (self.missing_since, self.names_due) = (None, 0);
        match weighed {
            Weighed::Mass { .. } | Weighed::Overload | Weighed::Underload => {
                self.failures = 0;
                self.outputs.push_back(Output::Reading { at: self.begun(at, length), weighed });
            }
            // It may adjust itself for a minute: no reading, and no reason to give it up.
            Weighed::NotNow => self.outputs.push_back(Output::Lost { at, why: "the balance is busy".to_owned() }),
            Weighed::NotAllowed => self.lose(at, "the balance does not allow to be read".to_owned()),
            Weighed::Fault(fault) => self.lose(at, format!("the balance shows its error {fault}: see its manual")),
        }
    }

    /// When the first byte of a line was sent that was complete at `at`.
    fn begun(&self, at: RigTime, length: usize) -> RigTime {
        let bits = (length as i64 + 2) * i64::from(self.settings.bits_per_byte);
        at - Span(bits * 1_000_000_000 / i64::from(self.settings.baud.max(1)))
    }

    fn answer(&mut self, order: Order, answer: Answer) {
        (self.asked, self.order) = (None, None);
        self.outputs.push_back(Output::Answered { order, answer });
    }

    fn damaged(&mut self, at: RigTime, why: String) {
        match self.asked {
            // What a conversation that was broken off left on the line is no loss of this one.
            _ if self.phase == Phase::Opening => {}
            Some(asked @ Asked { command: Command::Weigh | Command::Serial | Command::Order(_), .. }) => self.unanswered(asked, at, why),
            _ => self.lose(at, why),
        }
    }

    fn refused(&mut self, at: RigTime, command: Command, with: &'static str) {
        match (command, self.asked) {
            (Command::Order(order), _) => self.answer(order, Answer::Refused(with)),
            (_, Some(asked)) => self.unanswered(asked, at, format!("the balance answered {} with {with}", command.text())),
            (_, None) => {}
        }
    }

    fn unanswered(&mut self, asked: Asked, now: RigTime, why: String) {
        self.asked = None;
        match asked.command {
            // Asking twice who is there does no harm.
            Command::Cancel | Command::Serial if self.phase == Phase::Opening => match asked.transmissions < self.settings.transmissions {
                true => self.ask(asked.command, asked.transmissions + 1, now),
                false => self.fail(Failure::Silent { last: why }),
            },
            Command::Cancel | Command::Serial => {
                self.ask(asked.command, asked.transmissions + 1, now);
                self.missing(now, &why);
            }
            Command::Repeat => self.lose(now, why),
            Command::Weigh => {
                // Its reply may still come, and must not be taken for that to the next: nothing overtakes the serial number.
                self.next = Some(Command::Serial);
                self.missing(now, &why);
            }
            Command::Order(order) => {
                self.next = Some(Command::Serial);
                self.missing_since.get_or_insert(now);
                self.answer(order, Answer::Unknown);
            }
        }
    }

    /// A reading still has not come.
    fn missing(&mut self, now: RigTime, why: &str) {
        if let Some(since) = self.missing_since.filter(|since| now - *since >= self.settings.silence) {
            self.missing_since = Some(now);
            self.lose(now, format!("no reading came for {}, the last time because {why}", now - since));
        }
    }

    fn lose(&mut self, at: RigTime, why: String) {
        self.failures += 1;
        self.outputs.push_back(Output::Lost { at, why: why.clone() });
        if self.failures >= self.settings.failures {
            self.fail(Failure::GivenUp { failures: self.failures, last: why });
        }
    }

    fn fail(&mut self, failure: Failure) {
        self.phase = Phase::Failed;
        (self.asked, self.next, self.order, self.repeating) = (None, None, None, false);
        self.lines.clear();
        self.outputs.push_back(Output::Failed(failure));
    }
}
