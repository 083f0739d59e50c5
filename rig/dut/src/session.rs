//! One conversation with one board: queue, retransmission, time limits, polls.

use std::collections::VecDeque;

use rig_model::bench::Link;
use rig_model::dut::{DutReport, LogEntry, Outcome, Verb};
use rig_model::event::LinkLatency;
use rig_model::scenario::LinkFault;
use rig_model::time::{RigTime, Span};
use thiserror::Error;

use crate::faults::{Direction, Faults};
use crate::protocol::{Item, Protocol, Reply, Request};
use crate::pump_link::PumpLink;

/// Verbs that wait for their turn, at the most. A scenario gives one at a time; a program that gives more than this without waiting
/// for an answer is in error.
pub const MAX_QUEUE: usize = 64;
/// Entries of one reading of the log at the most; a pump whose log goes on for longer than any implant's memory never comes to its end.
pub const MAX_LOG_ENTRIES: usize = 16_384;
/// The status is not asked for more often than this, whatever the bench file says: faster polls would fill a line of 9600 baud.
pub const MIN_POLL_EVERY: Span = Span::milliseconds(50);
/// Transmissions of one message, at the most, that do not count because interference was on. With one frame of five spoilt either way, one
/// message of a hundred million is given up.
const DISTURBED_TRANSMISSIONS: u32 = 16;
/// Time for a reply at the least, so that a retransmission is always later than what it repeats.
const MIN_REPLY_TIMEOUT: Span = Span::milliseconds(1);
/// Bytes of an incoming message that are looked at as one while a fault waits for a reply; longer ones can't be replies.
const MAX_INCOMING: usize = 4_096;

/// What the session wants done or has found out, in order. Take all of it after each call.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Bytes to the board.
    Tx(Vec<u8>),
    /// The board said something: notices, and the contents of replies, also of polls.
    Report(DutReport),
    /// A verb has come to its end; its report, if it has one, came before. `transmissions` counts all messages sent for it;
    /// 0 if it was refused or failed without any.
    Ended { id: u64, verb: Verb, outcome: Outcome, transmissions: u32 },
    /// Bytes that were no message.
    Garbage { bytes: u64 },
    /// A poll went unanswered in all its transmissions.
    Silent,
    /// So many more messages, of either direction, were hit by a disturbance that was asked for. Told before what follows from it.
    Disturbed { messages: u32 },
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("choose a session for the link protocol `{0}`: the known one is `pump-link`")]
pub struct UnknownProtocol(pub String);

/// Speaks with one board through its protocol. One request is outstanding at a time; verbs go before polls.
///
/// It begins with the port up and the power on. Polls begin with the first verb, [`Session::link_up`] or [`Session::resume`].
#[derive(Debug)]
pub struct Session {
    protocol: Box<dyn Protocol + Send>,
    reply_timeout: Span,
    transmissions: u32,
    poll_every: Span,

    queue: VecDeque<(u64, Verb)>,
    outstanding: Option<Exchange>,
    /// The message of the outstanding request.
    message: Vec<u8>,
    next_tag: u16,
    /// Scenario's commands begun so far.
    commands: u64,

    next_poll: Option<RigTime>,
    next_identify: Option<RigTime>,
    port_up: bool,
    power_on: bool,
    /// The board may have half a message in its buffer: a delimiter first.
    stale_line: bool,

    faults: Faults,
    /// A fault could not be armed: the next command must not look as if it had been.
    fault_missing: bool,
    incoming: Vec<u8>,
    /// Both are empty between calls of a caller that takes all outputs, so the bytes of one `receive` bound them.
    items: VecDeque<Item>,
    outputs: VecDeque<Output>,
    stray_replies: u64,
    latency: Option<LinkLatency>,
    /// Of all replies together.
    waited: Span,
}

/// The request that waits for its reply.
#[derive(Debug)]
struct Exchange {
    /// Of the verb; `None` for the session's own polls.
    id: Option<u64>,
    verb: Verb,
    tag: u16,
    /// Of this request, and of all requests of this verb.
    sent: u32,
    sent_in_all: u32,
    /// Those of this request that went out while interference was on.
    disturbed: u32,
    deadline: RigTime,
    /// The pages so far.
    log: Vec<LogEntry>,
    parts: Vec<Verb>,
    from: u32,
}

impl Session {
    /// The session for the protocol that the bench file names. `session` must differ from that of the last opening of the link.
    pub fn new(link: &Link, session: u32) -> Result<Self, UnknownProtocol> {
        match link.protocol.as_str() {
            "pump-link" => {
                let opened = Self::with_protocol(Box::new(PumpLink::new(session)), link);
                Ok(Self { faults: Faults::new(u64::from(session)), ..opened })
            }
            other => Err(UnknownProtocol(other.to_owned())),
        }
    }

    /// The session for another maker's pump.
    pub fn with_protocol(protocol: Box<dyn Protocol + Send>, link: &Link) -> Self {
        Self {
            protocol,
            reply_timeout: link.reply_timeout.max(MIN_REPLY_TIMEOUT),
            transmissions: link.transmissions.max(1),
            poll_every: link.poll_every.max(MIN_POLL_EVERY),
            queue: VecDeque::new(),
            outstanding: None,
            message: Vec::new(),
            next_tag: 1,
            commands: 0,
            next_poll: None,
            next_identify: None,
            port_up: true,
            power_on: true,
            stale_line: true,
            faults: Faults::new(0),
            fault_missing: false,
            incoming: Vec::new(),
            items: VecDeque::new(),
            outputs: VecDeque::new(),
            stray_replies: 0,
            latency: None,
            waited: Span::ZERO,
        }
    }

    /// Gives a verb to the pump, after those that wait. It ends with [`Output::Ended`] and this id, at once if there is no port or no room.
    pub fn command(&mut self, now: RigTime, id: u64, verb: Verb) {
        self.next_poll.get_or_insert(now + self.poll_every);
        if self.queue.len() >= MAX_QUEUE {
            self.outputs.push_back(Output::Ended { id, verb, outcome: Outcome::LinkFailed, transmissions: 0 });
            return;
        }
        self.queue.push_back((id, verb));
        self.begin_next(now);
    }

    /// Bytes from the board.
    pub fn receive(&mut self, now: RigTime, bytes: &[u8]) {
        let by_message = self.faults.awaits_reply() || self.faults.interferes(now);
        if !by_message && self.incoming.is_empty() {
            return self.decode(now, bytes);
        }
        let delimiter = self.protocol.delimiter();
        for piece in bytes.split_inclusive(|byte| *byte == delimiter) {
            self.incoming.extend_from_slice(piece);
            let by_message = self.faults.awaits_reply() || self.faults.interferes(now);
            if piece.ends_with(&[delimiter]) || self.incoming.len() > MAX_INCOMING || !by_message {
                let mut message = std::mem::take(&mut self.incoming);
                self.faults.interfere(now, &mut message, delimiter);
                self.tell_disturbed();
                self.hear(now, message);
            }
        }
    }

    /// The port failed: what is outstanding or waits ends with [`Outcome::LinkFailed`]. (Why is the runner's to tell.)
    pub fn link_down(&mut self, now: RigTime, _why: &str) {
        self.port_up = false;
        self.end_all(now, &Outcome::LinkFailed);
    }

    /// The port is there (again). After a failure another board may be behind it, so it is asked who it is.
    pub fn link_up(&mut self, now: RigTime) {
        let again = !std::mem::replace(&mut self.port_up, true);
        self.next_poll.get_or_insert(now + self.poll_every);
        if again {
            self.fresh_line(now);
            self.next_identify = Some(now);
            self.begin_next(now);
        }
    }

    /// The power of the board goes off on purpose: no polls, and what is outstanding or waits ends with [`Outcome::Unanswered`].
    /// A verb given from now on is sent all the same, so that its silence is observed.
    pub fn suspend(&mut self, now: RigTime) {
        self.power_on = false;
        self.end_all(now, &Outcome::Unanswered);
    }

    /// The power is on again. The board is asked who it is when it says that it has restarted, or instead of the first poll.
    pub fn resume(&mut self, now: RigTime) {
        let again = !std::mem::replace(&mut self.power_on, true);
        self.next_poll.get_or_insert(now + self.poll_every);
        if again {
            self.fresh_line(now);
            self.next_identify = Some(now + self.poll_every);
        }
    }

    /// Disturbs messages of commands that are given from now on, never polls; interference disturbs all that goes over the line, polls and
    /// notices too, and takes the place of an earlier one. More faults or garbage than there is room for make the
    /// next command end with [`Outcome::LinkFailed`] instead of going out undisturbed.
    pub fn fault(&mut self, now: RigTime, fault: LinkFault) {
        // Verbs that wait were given before.
        let begun = self.commands + self.queue.len() as u64;
        self.fault_missing |= !self.faults.arm(now, begun, fault);
    }

    /// Ends all disturbances: what is armed is disarmed, what is held back is dropped. For the way out of a scenario.
    pub fn clear_faults(&mut self) {
        self.faults.clear();
        self.fault_missing = false;
    }

    /// When [`Self::tick`] must be called next.
    pub fn next_deadline(&self) -> Option<RigTime> {
        let request = match &self.outstanding {
            Some(exchange) => Some(exchange.deadline),
            None if self.port_up && self.power_on => self.next_identify.into_iter().chain(self.next_poll).min(),
            None => None,
        };
        request.into_iter().chain(self.faults.next_due()).min()
    }

    /// Does what is due at `now`.
    pub fn tick(&mut self, now: RigTime) {
        while let Some((direction, message)) = self.faults.take_due(now) {
            match direction {
                Direction::ToPump => self.outputs.push_back(Output::Tx(message)),
                Direction::FromPump => self.decode(now, &message),
            }
        }
        if let Some(exchange) = self.outstanding.take_if(|exchange| exchange.deadline <= now) {
            // What the rig itself disturbs says nothing of the board.
            if exchange.sent < self.transmissions + exchange.disturbed.min(DISTURBED_TRANSMISSIONS) {
                self.stale_line = true;
                self.transmit(now, exchange);
            } else {
                self.finish(now, exchange, Outcome::Unanswered);
            }
        }
        self.begin_next(now);
        let idle = self.outstanding.is_none() && self.port_up && self.power_on;
        if idle && self.next_poll.is_some_and(|due| due <= now) {
            self.begin(now, None, Verb::Status);
        }
    }

    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Replies so far that no request waited for: late, repeated, of another session, or no answer to the question.
    pub fn stray_replies(&self) -> u64 {
        self.stray_replies
    }

    /// Starts the next request if none is outstanding: verbs first, then the question who the board is, if that is due.
    fn begin_next(&mut self, now: RigTime) {
        while self.outstanding.is_none()
            && let Some((id, verb)) = self.queue.pop_front()
        {
            self.begin(now, Some(id), verb);
        }
        let idle = self.outstanding.is_none() && self.port_up && self.power_on;
        if idle && self.next_identify.is_some_and(|due| due <= now) {
            self.begin(now, None, Verb::Identify);
        }
    }

    fn begin(&mut self, now: RigTime, id: Option<u64>, verb: Verb) {
        let mut exchange = Exchange {
            id,
            verb,
            tag: 0,
            sent: 0,
            sent_in_all: 0,
            disturbed: 0,
            deadline: now,
            log: Vec::new(),
            parts: Vec::new(),
            from: 0,
        };
        if id.is_some() {
            self.commands += 1;
            if !self.port_up || std::mem::take(&mut self.fault_missing) {
                return self.finish(now, exchange, Outcome::LinkFailed);
            }
        }
        if let Err(outcome) = self.encode(&mut exchange) {
            return self.finish(now, exchange, outcome);
        }
        self.transmit(now, exchange);
    }

    /// Writes the request as a new message with a new tag.
    fn encode(&mut self, exchange: &mut Exchange) -> Result<(), Outcome> {
        exchange.tag = self.next_tag;
        exchange.sent = 0;
        exchange.disturbed = 0;
        self.next_tag = self.next_tag.wrapping_add(1);
        self.message.clear();
        let request = Request { tag: exchange.tag, verb: &exchange.verb, from: exchange.from };
        self.protocol.encode(request, &mut self.message).map_err(Outcome::Refused)
    }

    fn transmit(&mut self, now: RigTime, mut exchange: Exchange) {
        exchange.sent += 1;
        exchange.sent_in_all += 1;
        exchange.disturbed += u32::from(self.faults.interferes(now));
        exchange.deadline = now.saturating_add(self.reply_timeout);
        let delimiter = self.protocol.delimiter();
        let mut bytes = Vec::with_capacity(self.message.len() + 1);
        if std::mem::take(&mut self.stale_line) {
            bytes.push(delimiter);
        }
        bytes.extend_from_slice(&self.message);
        self.faults.interfere(now, &mut bytes, delimiter);
        let tx = |bytes| self.outputs.push_back(Output::Tx(bytes));
        match exchange.id {
            Some(_) => self.faults.send(now, self.commands, bytes, delimiter, tx),
            None => self.outputs.push_back(Output::Tx(bytes)),
        }
        self.tell_disturbed();
        self.outstanding = Some(exchange);
    }

    fn tell_disturbed(&mut self) {
        match self.faults.take_hits() {
            0 => {}
            messages => self.outputs.push_back(Output::Disturbed { messages }),
        }
    }

    /// One message from the board while a fault waits for a reply.
    fn hear(&mut self, now: RigTime, message: Vec<u8>) {
        let awaited = self.outstanding.as_ref().filter(|exchange| exchange.id.is_some()).map(|exchange| exchange.tag);
        if awaited.is_none() || self.protocol.tag_of(&message) != awaited {
            return self.decode(now, &message);
        }
        let mut heard = Vec::new();
        self.faults.hear(now, self.commands, message, self.protocol.delimiter(), |bytes| heard.extend_from_slice(bytes));
        self.tell_disturbed();
        self.decode(now, &heard);
    }

    fn decode(&mut self, now: RigTime, bytes: &[u8]) {
        let Self { protocol, items, .. } = self;
        protocol.push(bytes, &mut |item| items.push_back(item));
        while let Some(item) = self.items.pop_front() {
            match item {
                Item::Reply { tag, reply } => self.reply(now, tag, reply),
                Item::Notice(report) => {
                    if report == DutReport::Restarted {
                        self.next_identify = Some(now);
                    }
                    self.outputs.push_back(Output::Report(report));
                }
                Item::Stray => self.stray_replies += 1,
                Item::Garbage { bytes } => self.garbage(bytes),
            }
        }
        self.begin_next(now);
    }

    fn reply(&mut self, now: RigTime, tag: u16, reply: Reply) {
        let answered = self.outstanding.take_if(|exchange| exchange.tag == tag && reply.fits(&exchange.verb));
        let Some(mut exchange) = answered else {
            self.stray_replies += 1;
            return;
        };
        if exchange.sent == 1 {
            self.answered_after(now - (exchange.deadline - self.reply_timeout));
        }
        let (report, outcome) = match reply {
            Reply::Accepted => (None, Outcome::Accepted),
            Reply::Refused(refusal) => (None, Outcome::Refused(refusal)),
            Reply::Status(status) => (Some(DutReport::Status(status)), Outcome::Accepted),
            Reply::Identity(identity) => {
                self.next_identify = None;
                (Some(DutReport::Identity(identity)), Outcome::Accepted)
            }
            Reply::Log { entries, next } => {
                // Only a page with nothing on it ends a log: a short one may hide what comes after it.
                let next = next.or_else(|| entries.last().and_then(|last| last.number.checked_add(1)));
                exchange.log.extend(entries);
                match next.filter(|next| *next > exchange.from) {
                    Some(next) => return self.read_on(now, exchange, next),
                    None => (Some(DutReport::Log(std::mem::take(&mut exchange.log))), Outcome::Accepted),
                }
            }
            Reply::ReadBack { parts, next } => {
                exchange.parts.extend(parts);
                match next.filter(|next| *next > exchange.from) {
                    Some(next) => return self.read_on(now, exchange, next),
                    None => (Some(DutReport::ReadBack(std::mem::take(&mut exchange.parts))), Outcome::Accepted),
                }
            }
            Reply::Therapy(therapy) => (Some(DutReport::Therapy(therapy)), Outcome::Accepted),
        };
        self.outputs.extend(report.map(Output::Report));
        self.finish(now, exchange, outcome);
    }

    /// Asks for the next page. One that never comes to its end is no answer.
    fn read_on(&mut self, now: RigTime, mut exchange: Exchange, from: u32) {
        exchange.from = from;
        if exchange.log.len() > MAX_LOG_ENTRIES || exchange.parts.len() > MAX_LOG_ENTRIES {
            return self.finish(now, exchange, Outcome::Unanswered);
        }
        match self.encode(&mut exchange) {
            Ok(()) => self.transmit(now, exchange),
            Err(outcome) => self.finish(now, exchange, outcome),
        }
    }

    /// The exchange is over; what follows it is begun by the caller.
    fn finish(&mut self, now: RigTime, exchange: Exchange, outcome: Outcome) {
        self.next_poll = Some(now.saturating_add(self.poll_every));
        match exchange.id {
            Some(id) => self.outputs.push_back(Output::Ended { id, verb: exchange.verb, outcome, transmissions: exchange.sent_in_all }),
            None => {
                if exchange.verb == Verb::Identify && self.next_identify.is_some() {
                    self.next_identify = self.next_poll;
                }
                if outcome == Outcome::Unanswered {
                    self.outputs.push_back(Output::Silent);
                }
            }
        }
    }

    fn answered_after(&mut self, took: Span) {
        let before = self.latency.unwrap_or(LinkLatency { replies: 0, least: took, mean: took, most: took });
        let replies = before.replies + 1;
        self.waited = Span(self.waited.0.saturating_add(took.0));
        let mean = Span(self.waited.0 / i64::try_from(replies).unwrap_or(i64::MAX));
        self.latency = Some(LinkLatency { replies, least: before.least.min(took), mean, most: before.most.max(took) });
    }

    /// How fast the board answered since this was last asked; nothing if it did not.
    pub fn take_latency(&mut self) -> Option<LinkLatency> {
        self.waited = Span::ZERO;
        self.latency.take()
    }

    /// Port or power is gone: nothing more is expected, and nothing that was on its way arrives.
    fn end_all(&mut self, now: RigTime, outcome: &Outcome) {
        self.faults.drop_held();
        self.next_identify = None;
        if let Some(exchange) = self.outstanding.take().filter(|exchange| exchange.id.is_some()) {
            self.finish(now, exchange, outcome.clone());
        }
        while let Some((id, verb)) = self.queue.pop_front() {
            self.commands += 1;
            self.outputs.push_back(Output::Ended { id, verb, outcome: outcome.clone(), transmissions: 0 });
        }
    }

    /// Half a message, on either side, has nothing to do with what comes now.
    fn fresh_line(&mut self, now: RigTime) {
        let unheard = std::mem::take(&mut self.incoming).len() as u64;
        let forgotten = self.protocol.reset();
        self.garbage(unheard + forgotten);
        self.stale_line = true;
        self.next_poll = Some(now.saturating_add(self.poll_every));
    }

    fn garbage(&mut self, more: u64) {
        match self.outputs.back_mut() {
            _ if more == 0 => {}
            // One output for a flood.
            Some(Output::Garbage { bytes }) => *bytes += more,
            _ => self.outputs.push_back(Output::Garbage { bytes: more }),
        }
    }
}
