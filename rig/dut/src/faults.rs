//! Disturbances of the link that a scenario asks for, between the raw bytes and the protocol.

use std::collections::VecDeque;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use rig_model::scenario::LinkFault;
use rig_model::time::RigTime;

/// Faults armed or messages held back at the same time, at the most: far more than a scenario arms between two commands.
pub const MAX_FAULTS: usize = 256;
/// Bytes of garbage before one command, at the most: six seconds of a line at 115200 baud.
pub const MAX_GARBAGE: u32 = 65_536;

/// A fault waits for the next message of a command that was begun after it; `command` counts the commands begun before it.
#[derive(Debug, Clone, Copy)]
struct Armed {
    command: u64,
    fault: LinkFault,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Direction {
    ToPump,
    FromPump,
}

#[derive(Debug, Clone)]
struct Held {
    due: RigTime,
    direction: Direction,
    message: Vec<u8>,
}

/// Each frame is spoilt with this probability.
#[derive(Debug)]
struct Interference {
    per_million: u32,
    until: RigTime,
}

#[derive(Debug)]
pub(crate) struct Faults {
    commands: VecDeque<Armed>,
    replies: VecDeque<Armed>,
    held: Vec<Held>,
    /// State of the generator of garbage, never 0.
    random: u64,
    interference: Option<Interference>,
    /// Frames that were hit since this was last asked.
    hits: u32,
    /// Which frames interference spoils: the same in a replay, another in a run of another seed.
    draws: ChaCha8Rng,
}

impl Faults {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            commands: VecDeque::new(),
            replies: VecDeque::new(),
            held: Vec::new(),
            random: 0x9E37_79B9_7F4A_7C15,
            interference: None,
            hits: 0,
            draws: ChaCha8Rng::seed_from_u64(seed),
        }
    }

    /// `false` when there are too many of them, or too much of it: then the fault will not happen.
    pub(crate) fn arm(&mut self, now: RigTime, command: u64, fault: LinkFault) -> bool {
        if let LinkFault::Interference { per_million, lasts } = fault {
            self.interference = Some(Interference { per_million, until: now.saturating_add(lasts) });
            return true;
        }
        if self.commands.len() + self.replies.len() + self.held.len() >= MAX_FAULTS {
            return false;
        }
        let armed = Armed { command, fault };
        match fault {
            LinkFault::Garbage(bytes) if bytes > MAX_GARBAGE => return false,
            LinkFault::LoseNextReply | LinkFault::CorruptNextReply | LinkFault::DuplicateNextReply | LinkFault::DelayNextReply(_) => {
                self.replies.push_back(armed);
            }
            LinkFault::LoseNextCommand
            | LinkFault::CorruptNextCommand
            | LinkFault::DuplicateNextCommand
            | LinkFault::DelayNextCommand(_)
            | LinkFault::Garbage(_) => self.commands.push_back(armed),
            LinkFault::Interference { .. } => {}
        }
        true
    }

    /// Sends the message of the command with this running number, with what waits for it.
    pub(crate) fn send(&mut self, now: RigTime, command: u64, mut message: Vec<u8>, delimiter: u8, mut tx: impl FnMut(Vec<u8>)) {
        let mut garbage = Vec::new();
        let fault = loop {
            match take(&mut self.commands, command) {
                Some(LinkFault::Garbage(bytes)) => garbage.extend((0..bytes).map(|_| self.garbage_byte(delimiter))),
                fault => break fault,
            }
        };
        self.hits += u32::from(fault.is_some() || !garbage.is_empty());
        if !garbage.is_empty() {
            tx(garbage);
        }
        match fault {
            Some(LinkFault::LoseNextCommand) => {}
            Some(LinkFault::DelayNextCommand(span)) => self.hold(now.saturating_add(span), Direction::ToPump, message),
            Some(LinkFault::CorruptNextCommand) => {
                corrupt(&mut message, delimiter);
                tx(message);
            }
            Some(LinkFault::DuplicateNextCommand) => {
                tx(message.clone());
                tx(message);
            }
            _ => tx(message),
        }
    }

    /// Whether frames are being spoilt at random.
    pub(crate) fn interferes(&self, now: RigTime) -> bool {
        self.interference.as_ref().is_some_and(|i| now < i.until)
    }

    /// Spoils a whole frame, of either direction, if interference is on and its draw says so.
    pub(crate) fn interfere(&mut self, now: RigTime, message: &mut [u8], delimiter: u8) {
        let Some(interference) = self.interference.as_ref().filter(|i| now < i.until) else { return };
        // A delimiter alone carries nothing that could be spoilt.
        if message.iter().all(|byte| *byte == delimiter) {
            return;
        }
        // Bias of one in four thousand of a draw of 32 bits: nothing against what a real line's is known to.
        if self.draws.next_u32() % 1_000_000 < interference.per_million {
            corrupt(message, delimiter);
            self.hits += 1;
        }
    }

    /// How many frames were lost, held back, spoilt, doubled or sent behind garbage since this was last asked.
    pub(crate) fn take_hits(&mut self) -> u32 {
        std::mem::take(&mut self.hits)
    }

    /// Whether messages from the pump must be looked at one by one.
    pub(crate) fn awaits_reply(&self) -> bool {
        !self.replies.is_empty()
    }

    /// Hears the reply to the command with this running number, as often as it is to be heard now.
    pub(crate) fn hear(&mut self, now: RigTime, command: u64, mut message: Vec<u8>, delimiter: u8, mut rx: impl FnMut(&[u8])) {
        let fault = take(&mut self.replies, command);
        self.hits += u32::from(fault.is_some());
        match fault {
            Some(LinkFault::LoseNextReply) => {}
            Some(LinkFault::DelayNextReply(span)) => self.hold(now.saturating_add(span), Direction::FromPump, message),
            Some(LinkFault::CorruptNextReply) => {
                corrupt(&mut message, delimiter);
                rx(&message);
            }
            Some(LinkFault::DuplicateNextReply) => {
                rx(&message);
                rx(&message);
            }
            _ => rx(&message),
        }
    }

    /// When the next message that is held back is due.
    pub(crate) fn next_due(&self) -> Option<RigTime> {
        self.held.iter().map(|held| held.due).min()
    }

    /// A message that is due, the earliest first.
    pub(crate) fn take_due(&mut self, now: RigTime) -> Option<(Direction, Vec<u8>)> {
        let (index, _) = self.held.iter().enumerate().filter(|(_, held)| held.due <= now).min_by_key(|(_, held)| held.due)?;
        let Held { direction, message, .. } = self.held.remove(index);
        Some((direction, message))
    }

    /// Disarms everything and drops what is held back.
    pub(crate) fn clear(&mut self) {
        self.commands.clear();
        self.replies.clear();
        self.held.clear();
        self.interference = None;
    }

    /// The line is dead: what was on its way is gone. What is armed still waits for its command.
    pub(crate) fn drop_held(&mut self) {
        self.held.clear();
    }

    fn hold(&mut self, due: RigTime, direction: Direction, message: Vec<u8>) {
        self.held.push(Held { due, direction, message });
    }

    /// xorshift64: the same garbage in every run.
    fn garbage_byte(&mut self, delimiter: u8) -> u8 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let byte = (self.random >> 32) as u8;
        if byte == delimiter { !byte } else { byte }
    }
}

fn take(armed: &mut VecDeque<Armed>, command: u64) -> Option<LinkFault> {
    armed.front().filter(|armed| armed.command < command)?;
    armed.pop_front().map(|armed| armed.fault)
}

/// Flips one bit in the middle of the message, so that the message's end stays where it is. The highest bit if it can be:
/// in a text protocol without a checksum that is still seen to be wrong.
fn corrupt(message: &mut [u8], delimiter: u8) {
    let middle = message.len() / 2;
    let byte = message.get_mut(..=middle).and_then(|head| head.iter_mut().rev().find(|byte| **byte != delimiter));
    if let Some(byte) = byte {
        *byte ^= if *byte ^ 0x80 == delimiter { 0x40 } else { 0x80 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rig_model::time::Span;

    fn spoilt(seed: u64, per_million: u32) -> Vec<bool> {
        let mut faults = Faults::new(seed);
        assert!(faults.arm(RigTime::ZERO, 0, LinkFault::Interference { per_million, lasts: Span::seconds(1) }));
        let mut frame = || {
            let mut message = *b"status\n";
            faults.interfere(RigTime::ZERO, &mut message, b'\n');
            message != *b"status\n"
        };
        (0..10_000).map(|_| frame()).collect()
    }

    #[test]
    fn frames_are_spoilt_as_often_as_stated_and_the_same_ones_in_a_replay() {
        let count = |spoilt: &[bool]| spoilt.iter().filter(|s| **s).count();
        // 500 ± 5 standard deviations.
        assert!((391..=609).contains(&count(&spoilt(7, 50_000))));
        assert_eq!((count(&spoilt(7, 0)), count(&spoilt(7, 1_000_000))), (0, 10_000));
        assert_eq!(spoilt(7, 50_000), spoilt(7, 50_000));
        assert_ne!(spoilt(7, 50_000), spoilt(8, 50_000));
    }
}
