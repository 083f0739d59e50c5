//! What one maker's pump needs: how its requests are written and its messages read.

use std::fmt;

use rig_model::dut::{DutIdentity, DutReport, LogEntry, PumpStatus, Refusal, Therapy, Verb};

/// One pump protocol, without I/O and without time. Retransmission, time limits, polls and link faults are the session's.
///
/// A message in either direction ends with the delimiter, which lies nowhere else in it, and an empty message does no harm: the session
/// sends a lone delimiter where the board may have half a message in its buffer.
pub trait Protocol: fmt::Debug {
    fn delimiter(&self) -> u8;

    /// Appends the request as one message, its delimiter included.
    ///
    /// # Errors
    /// A quantity that the protocol has no room for is refused here, with the word that the pump would use.
    fn encode(&mut self, request: Request<'_>, out: &mut Vec<u8>) -> Result<(), Refusal>;

    /// Takes the next bytes from the board and hands over what they complete. Any split of the bytes gives the same items.
    fn push(&mut self, bytes: &[u8], each: &mut dyn FnMut(Item));

    /// The tag of the request that a whole message, its delimiter included, replies to; `None` for anything else.
    /// Asked only while a fault waits for a reply, so it may be slow.
    fn tag_of(&self, message: &[u8]) -> Option<u16>;

    /// Forgets an unfinished message, and says how many bytes it had.
    fn reset(&mut self) -> u64;
}

/// One request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Request<'a> {
    /// New for each request, the same again for a retransmission; the reply must carry it.
    pub tag: u16,
    pub verb: &'a Verb,
    /// For what comes in pages ([`Verb::ReadLog`], [`Verb::ReadBack`]): the entries or parts with this number and later ones.
    pub from: u32,
}

/// What bytes from the board turned out to be.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// The reply to the request with this tag, of this session.
    Reply { tag: u16, reply: Reply },
    /// Unasked: [`DutReport::AlarmOn`], [`DutReport::AlarmOff`], [`DutReport::State`], [`DutReport::Restarted`].
    Notice(DutReport),
    /// A sound reply, but to someone else's request.
    Stray,
    /// Bytes that are no message.
    Garbage { bytes: u64 },
}

/// The contents of a reply.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    Identity(DutIdentity),
    Status(PumpStatus),
    Accepted,
    Refused(Refusal),
    /// A part of the log; `next` is where the following part begins, if there is more.
    Log {
        entries: Vec<LogEntry>,
        next: Option<u32>,
    },
    /// A part of what is programmed and not yet in force; `next` as above.
    ReadBack {
        parts: Vec<Verb>,
        next: Option<u32>,
    },
    Therapy(Therapy),
}

impl Reply {
    /// Whether it is an answer to this question at all.
    pub(crate) fn fits(&self, verb: &Verb) -> bool {
        match self {
            Self::Refused(_) => true,
            Self::Identity(_) => matches!(verb, Verb::Identify),
            Self::Status(_) => matches!(verb, Verb::Status),
            Self::Log { .. } => matches!(verb, Verb::ReadLog),
            Self::ReadBack { .. } => matches!(verb, Verb::ReadBack),
            Self::Therapy(_) => matches!(verb, Verb::Therapy),
            Self::Accepted => !matches!(verb, Verb::Identify | Verb::Status | Verb::ReadLog | Verb::ReadBack | Verb::Therapy),
        }
    }
}
