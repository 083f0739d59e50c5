//! Lines out of bytes, in bounded memory.

/// Bytes of a reply at the most, without its end. The longest that is asked for is a serial number; anything longer is none.
pub const MAX_LINE: usize = 128;

/// What came between two ends of lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    /// Without its CR LF.
    Whole(Vec<u8>),
    /// Longer than a reply can be, or not ended by CR LF.
    Broken { bytes: usize },
}

#[derive(Debug, Default)]
pub(super) struct Lines {
    buffer: Vec<u8>,
    /// Bytes of a too long line that were thrown away.
    dropped: usize,
}

impl Lines {
    /// Takes one byte, and gives the line that it ends.
    pub fn push(&mut self, byte: u8) -> Option<Line> {
        if byte != b'\n' {
            // Room for the CR.
            if self.buffer.len() > MAX_LINE {
                self.dropped += std::mem::take(&mut self.buffer).len();
            }
            if self.dropped > 0 {
                self.dropped = self.dropped.saturating_add(1);
            } else {
                self.buffer.push(byte);
            }
            return None;
        }
        let mut line = std::mem::take(&mut self.buffer);
        let dropped = std::mem::take(&mut self.dropped);
        let bytes = dropped + line.len() + 1;
        match line.pop() {
            Some(b'\r') if dropped == 0 && line.len() <= MAX_LINE => Some(Line::Whole(line)),
            _ => Some(Line::Broken { bytes }),
        }
    }

    /// Forgets the beginning of a line.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}
