//! The link of the reference pump: frames, messages and codes. `rig/docs/link.md` is the same contract for an implementer in any language.
//!
//! ```
//! use pump_link::{Command, Decoder, MAX_FRAME, Request, decode_request, encode};
//!
//! let request = Request { session: 7, seq: 1, command: Command::Start };
//! let mut buffer = [0; MAX_FRAME];
//! let frame = encode(&request, &mut buffer).expect("a request fits a frame");
//!
//! let mut decoder = Decoder::new();
//! decoder.push(frame, |message| assert_eq!(decode_request(message.unwrap()), Ok(request)));
//! assert_eq!(decoder.skipped(), 0);
//! ```
//!
//! It is part of the firmware: like there, no path panics, and the lints below make slips of that kind errors of the build.
#![no_std]
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::float_arithmetic
    )
)]

#[cfg(test)]
extern crate std;

mod checksum;
mod codes;
mod frame;
mod message;

pub use checksum::crc32;
pub use codes::{Alarm, AlarmClass, Alarms, LogCode, Refusal, State};
pub use frame::{Decoder, EncodeError, FrameError, MAX_FRAME, MAX_MESSAGE, encode};
pub use message::{
    Command, DecodeError, FromPump, Identity, LOG_PAGE, LogEntry, Message, Mode, Notice, READ_BACK_PAGE, Request, RequestError, Response,
    Status, TEXT_LEN, Text, Therapy, decode_from_pump, decode_request, parts_checksum,
};

/// The version of messages and rules of this crate, as told in [`Identity`]. Any change of a byte on the wire is a new version.
pub const PROTOCOL_VERSION: u16 = 2;

/// The pump answers within this many milliseconds of the last byte of a request; after that the sender may send again.
/// Chosen well above a frame's 18 ms at 115200 baud plus a stroke's housekeeping, and short enough for three tries in 2 s.
pub const REPLY_WITHIN_MS: u32 = 500;
