//! The serial line between rig and board: each byte takes ten bit times, writes queue behind each other, chunks stay whole.

use std::collections::VecDeque;

use rig_model::time::{RigTime, Span};

/// Start bit, eight data bits, stop bit.
const BITS_PER_BYTE: i64 = 10;

/// Chunks on the way in one direction at the most. A board that answers and reports has a handful; beyond this a
/// broken one talks without end, and a real line would long have lost bytes.
const MAX_CHUNKS: usize = 4_096;

#[derive(Debug)]
pub(crate) struct Uart {
    byte_ns: i64,
    delay: Span,
    /// When the sender has sent all that it was given.
    idle_at: RigTime,
    /// When each chunk arrives; times never decrease.
    chunks: VecDeque<(RigTime, Vec<u8>)>,
}

impl Uart {
    pub fn new(baud: u32, delay: Span) -> Self {
        let byte_ns = (BITS_PER_BYTE * 1_000_000_000 / i64::from(baud.max(1))).max(1);
        Self { byte_ns, delay: Span(delay.0.max(0)), idle_at: RigTime(i64::MIN), chunks: VecDeque::new() }
    }

    /// Sends bytes from `at` on. They arrive together, after the last of them and the delay; later than `at` in any case.
    pub fn send(&mut self, at: RigTime, bytes: Vec<u8>) {
        if bytes.is_empty() || self.chunks.len() >= MAX_CHUNKS {
            return;
        }
        self.idle_at = self.idle_at.max(at) + Span(self.byte_ns * bytes.len() as i64);
        self.chunks.push_back((self.idle_at + self.delay, bytes));
    }

    pub fn next_arrival(&self) -> Option<RigTime> {
        self.chunks.front().map(|(at, _)| *at)
    }

    /// The next chunk that arrives no later than `to`.
    pub fn receive(&mut self, to: RigTime) -> Option<(RigTime, Vec<u8>)> {
        if self.next_arrival()? > to {
            return None;
        }
        self.chunks.pop_front()
    }

    /// The sender lost its power: what it had not sent entirely is gone, the rest still arrives.
    pub fn sender_dies(&mut self, at: RigTime) {
        let delay = self.delay;
        self.chunks.retain(|(arrives, _)| *arrives - delay <= at);
        self.idle_at = at;
    }

    pub fn clear(&mut self) {
        self.chunks.clear();
        self.idle_at = RigTime(i64::MIN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uart() -> Uart {
        Uart::new(1_000_000, Span::microseconds(100))
    }

    #[test]
    fn bytes_take_their_time_and_queue() {
        let mut line = uart();
        line.send(RigTime(0), vec![1, 2, 3]);
        line.send(RigTime(5_000), vec![4]);
        line.send(RigTime(1_000_000), vec![5]);
        assert_eq!(line.next_arrival(), Some(RigTime(130_000)));
        assert_eq!(line.receive(RigTime(129_999)), None);
        assert_eq!(line.receive(RigTime(130_000)), Some((RigTime(130_000), vec![1, 2, 3])));
        assert_eq!(line.receive(RigTime(2_000_000)), Some((RigTime(140_000), vec![4])));
        assert_eq!(line.receive(RigTime(2_000_000)), Some((RigTime(1_110_000), vec![5])));
    }

    #[test]
    fn a_dead_sender_leaves_only_what_it_had_sent() {
        let mut line = uart();
        line.send(RigTime(0), vec![1]);
        line.send(RigTime(0), vec![2]);
        line.sender_dies(RigTime(10_000));
        assert_eq!(line.receive(RigTime::MAX), Some((RigTime(110_000), vec![1])));
        assert_eq!(line.receive(RigTime::MAX), None);
    }
}
