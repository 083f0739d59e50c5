//! Frames: COBS(message, CRC-32 little-endian), then one zero byte.

use thiserror::Error;

use crate::checksum::crc32;
use crate::message::Message;

/// Longest message in bytes: a full page of the log with all numbers at their largest takes 179.
pub const MAX_MESSAGE: usize = 192;
const CRC_LEN: usize = 4;
const MAX_PLAIN: usize = MAX_MESSAGE + CRC_LEN;
/// COBS adds one byte to up to 254.
const MAX_ENCODED: usize = MAX_PLAIN + 1;
/// Longest frame in bytes, its delimiter included.
pub const MAX_FRAME: usize = MAX_ENCODED + 1;
const DELIMITER: u8 = 0;

const _: () = assert!(MAX_PLAIN <= 254, "one COBS block");

#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EncodeError {
    #[error("encode a frame: the message is longer than {MAX_MESSAGE} bytes")]
    MessageTooLong,
    #[error("encode a frame: the buffer of {0} bytes is too short")]
    BufferTooShort(usize),
}

/// Writes the frame of a message, its delimiter included, and returns the part of the buffer that it takes.
/// A buffer of [`MAX_FRAME`] bytes is enough for any message.
pub fn encode<'a, M: Message>(message: &M, buffer: &'a mut [u8]) -> Result<&'a [u8], EncodeError> {
    let mut plain = [0; MAX_PLAIN];
    let (room, _) = plain.split_at_mut(MAX_MESSAGE);
    let length = postcard::to_slice(message, room).map_err(|_| EncodeError::MessageTooLong)?.len();
    // The message, its checksum, and what is left of the buffer.
    let (written, rest) = plain.split_at_mut_checked(length).ok_or(EncodeError::MessageTooLong)?;
    let checksum = crc32(written).to_le_bytes();
    *rest.first_chunk_mut().ok_or(EncodeError::MessageTooLong)? = checksum;
    let plain = plain.get(..length.saturating_add(CRC_LEN)).ok_or(EncodeError::MessageTooLong)?;

    // One COBS byte and the delimiter more; checked here because `cobs::encode` panics on a short buffer.
    let needed = plain.len().saturating_add(2);
    let too_short = EncodeError::BufferTooShort(buffer.len());
    let frame = buffer.get_mut(..needed).ok_or(too_short)?;
    let encoded = cobs::encode(plain, frame);
    *frame.get_mut(encoded).ok_or(too_short)? = DELIMITER;
    frame.get(..=encoded).ok_or(too_short)
}

/// Why the bytes up to a delimiter are no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FrameError {
    #[error("more than {MAX_FRAME} bytes without a delimiter")]
    TooLong,
    #[error("no COBS encoding of a message and its checksum")]
    NotEncoded,
    #[error("checksum is wrong")]
    Checksum,
}

/// Finds the messages in a stream of bytes. Any split of the stream gives the same messages.
///
/// Whatever is wrong, it goes on with the first byte after the next delimiter. Empty frames are idle line, not errors.
#[derive(Debug, Clone)]
pub struct Decoder {
    buffer: [u8; MAX_ENCODED],
    /// Bytes since the last delimiter, also those beyond the buffer that were not kept.
    pending: u64,
    skipped: u64,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    pub const fn new() -> Self {
        Self { buffer: [0; MAX_ENCODED], pending: 0, skipped: 0 }
    }

    /// Takes the next bytes and hands over each message that they complete, without its checksum, or why there is none.
    pub fn push(&mut self, bytes: &[u8], mut each: impl FnMut(Result<&[u8], FrameError>)) {
        let mut parts = bytes.split(|byte| *byte == DELIMITER).peekable();
        while let Some(part) = parts.next() {
            self.keep(part);
            // Behind every part but the last there is a delimiter.
            if parts.peek().is_some() && self.pending > 0 {
                each(self.finish());
            }
        }
    }

    /// Bytes so far that belong to no message, the delimiters of broken frames included. An unfinished frame is not counted yet.
    pub const fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Forgets an unfinished frame and counts it as skipped: for a port that was closed and opened again.
    pub fn reset(&mut self) {
        self.skipped = self.skipped.saturating_add(self.pending);
        self.pending = 0;
    }

    fn keep(&mut self, bytes: &[u8]) {
        let used = usize::try_from(self.pending).unwrap_or(MAX_ENCODED);
        // What does not fit is not kept; with its length alone it is no frame.
        let free = self.buffer.get_mut(used..).unwrap_or_default();
        free.iter_mut().zip(bytes).for_each(|(kept, byte)| *kept = *byte);
        self.pending = self.pending.saturating_add(bytes.len() as u64);
    }

    fn finish(&mut self) -> Result<&[u8], FrameError> {
        let pending = core::mem::take(&mut self.pending);
        match checked(&mut self.buffer, pending) {
            Ok(length) => self.buffer.get(..length).ok_or(FrameError::NotEncoded),
            Err(error) => {
                self.skipped = self.skipped.saturating_add(pending).saturating_add(1);
                Err(error)
            }
        }
    }
}

/// Decodes in place; the length of the message.
fn checked(buffer: &mut [u8; MAX_ENCODED], pending: u64) -> Result<usize, FrameError> {
    let encoded = usize::try_from(pending).ok().and_then(|pending| buffer.get_mut(..pending)).ok_or(FrameError::TooLong)?;
    let decoded = cobs::decode_in_place(encoded).map_err(|_| FrameError::NotEncoded)?;
    let (message, checksum) = encoded.get(..decoded).and_then(|plain| plain.split_last_chunk::<CRC_LEN>()).ok_or(FrameError::NotEncoded)?;
    if crc32(message) != u32::from_le_bytes(*checksum) {
        return Err(FrameError::Checksum);
    }
    Ok(message.len())
}
