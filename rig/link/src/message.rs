//! The messages: requests to the pump, replies and notices from it. Volumes in nL, rates in nL/h, times of the pump in µs since its power-on.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::checksum::Crc32;
use crate::codes::{Alarm, Alarms, LogCode, Refusal, State};

/// Something that goes into a frame.
pub trait Message: Serialize + sealed::Sealed {}
impl Message for Request {}
impl Message for FromPump {}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Request {}
    impl Sealed for super::FromPump {}
}

/// To the pump.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Chosen by the sender when it opens the link, so that its numbers aren't taken for those of the one before.
    pub session: u32,
    /// One more for each new request, wrapping; the same again for a retransmission.
    pub seq: u16,
    pub command: Command,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    Identify,
    Status,
    FactoryReset,
    ProgramBasal {
        rate_nl_h: u32,
    },
    ProgramBolus {
        volume_nl: u32,
        duration_ms: u32,
    },
    ProgramPriming {
        volume_nl: u32,
    },
    Start,
    Stop,
    Acknowledge,
    /// The volume that the reservoir now holds.
    Refill {
        volume_nl: u32,
    },
    /// Entries from this number on, a page at most.
    ReadLog {
        from: u32,
    },
    /// What the reservoir's drug is of, from the next confirmation on; 1 ng/µL is 1 µg/mL.
    ProgramConcentration {
        ng_per_ul: u32,
    },
    /// A basal rate in mass.
    ProgramBasalDose {
        ng_per_h: u32,
    },
    ProgramBolusDose {
        ng: u32,
        duration_ms: u32,
    },
    /// One step of a week's schedule: from this minute of the day on, on these days (bit 0: Monday … bit 6: Sunday), this rate, begun with this
    /// bolus (0 nL: none). Rates hold until the next step of the same day, the last one of a day until midnight; where no step holds the rate is 0.
    ProgramStep {
        days: u8,
        minute: u16,
        rate_nl_h: u32,
        bolus_nl: u32,
        bolus_ms: u32,
    },
    /// This volume in this time, again and again, and nothing in between.
    ProgramMicrodose {
        volume_nl: u32,
        duration_ms: u32,
        every_s: u32,
    },
    /// The pump's least rate, which keeps the catheter open.
    ProgramMinimum,
    /// What the patient may ask for.
    ProgramPatientBolus {
        volume_nl: u32,
        duration_ms: u32,
        /// From the confirmation, or a refill, to the first.
        first_after_s: u32,
        /// From the start of one to the start of the next.
        lockout_s: u32,
        /// At the most, in any period of this length.
        activations: u16,
        period_s: u32,
    },
    /// No more than this in any period of this length, whatever it is made of.
    ProgramLimit {
        volume_nl: u32,
        period_s: u32,
    },
    /// After a change of concentration: this volume, which still is the old drug, at this rate, before the basal rate begins.
    ProgramBridge {
        volume_nl: u32,
        rate_nl_h: u32,
    },
    /// The time of the week, from Monday 0:00.
    SetClock {
        second_of_week: u32,
    },
    /// What is programmed and not yet in force, from this part on, a page at most.
    ReadBack {
        from: u32,
    },
    /// What was read back is right and is to be in force.
    Confirm {
        checksum: u32,
    },
    /// Forget what is programmed and not yet in force.
    Discard,
    /// As the patient's button does.
    PatientBolus,
    /// The needle is in: from here on the account of the reservoir waits for what is found.
    BeginRefill,
    /// What came out, what went in, and what it is of; 0 ng/µL: as before.
    EndRefill {
        withdrawn_nl: u32,
        filled_nl: u32,
        ng_per_ul: u32,
    },
    /// No tone for two minutes, whatever is active; a new alarm sounds at once.
    Silence,
    /// 0 to 10, as the patient says.
    RecordPain {
        score: u8,
    },
    RecordEvent {
        code: u8,
    },
    /// Stop, and be meant to be stopped.
    ShutDown,
    /// What a follow-up visit asks for.
    Therapy,
}

impl Command {
    /// How many there are: the first code that is unknown.
    const COUNT: u32 = 32;

    /// Its code on the wire.
    pub fn code(&self) -> u8 {
        // The longest command takes 31 bytes.
        let mut buffer = [0; 48];
        postcard::to_slice(self, &mut buffer).ok().and_then(|bytes| bytes.first().copied()).unwrap_or(u8::MAX)
    }

    /// Whether it may change what the pump does or remembers; the others may be repeated at will.
    pub const fn changes_state(&self) -> bool {
        !matches!(self, Self::Identify | Self::Status | Self::ReadLog { .. } | Self::ReadBack { .. } | Self::Therapy)
    }
}

/// Bytes of the longest command.
const MAX_COMMAND: usize = 32;

/// The checksum of what is programmed and not yet in force: CRC-32 over the commands as they go over the wire, one after the other. 0 for none.
pub fn parts_checksum<'a>(parts: impl IntoIterator<Item = &'a Command>) -> u32 {
    let mut crc = Crc32::new();
    for part in parts {
        let mut buffer = [0; MAX_COMMAND];
        // Every command fits: the longest one is 29 bytes.
        if let Ok(bytes) = postcard::to_slice(part, &mut buffer) {
            crc.update(bytes);
        }
    }
    crc.finish()
}

/// From the pump.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromPump {
    /// To the request with the same session and number.
    Reply { session: u32, seq: u16, response: Response },
    /// Unasked. Numbered from 1 since power-on, so that a lost one is seen.
    Notice { number: u32, uptime_us: u64, notice: Notice },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Response {
    Identity(Identity),
    Status(Status),
    Accepted,
    Refused(Refusal),
    Log {
        entries: heapless::Vec<LogEntry, LOG_PAGE>,
    },
    /// Parts from the one that was asked for; `next` is where the next page begins, 0 after the last one; the checksum is of all parts.
    ReadBack {
        next: u32,
        checksum: u32,
        parts: heapless::Vec<Command, READ_BACK_PAGE>,
    },
    Therapy(Therapy),
}

/// Longest text of an identity, in bytes of UTF-8: what fits a type plate.
pub const TEXT_LEN: usize = 24;
pub type Text = heapless::String<TEXT_LEN>;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    pub model: Text,
    pub serial: Text,
    pub firmware_version: Text,
    /// First 20 bytes of the SHA-256 of the build, or its SHA-1.
    pub build_hash: [u8; 20],
    pub protocol_version: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    pub state: State,
    pub alarms: Alarms,
    pub reservoir_nl: u32,
    /// Since the last factory reset.
    pub delivered_nl: u64,
    /// In force while running, else the rate that a start would resume; 0 for none.
    pub basal_nl_h: u32,
    /// Left of the running bolus or priming; 0 with none running.
    pub bolus_left_nl: u32,
    /// Since power-on.
    pub strokes: u64,
    /// How often power came on again since the memory was first written.
    pub resets: u32,
    pub uptime_us: u64,
}

/// What is in force, and what has become of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Therapy {
    pub mode: Mode,
    /// 0: not known.
    pub ng_per_ul: u32,
    /// Delivered in the present period of the limit; 0 without one.
    pub in_period_nl: u32,
    /// Patient boluses in their present period.
    pub activations: u16,
    /// Until the next patient bolus may be asked for; 0: at once, or never.
    pub locked_out_s: u32,
    /// Until the reservoir is empty at what is in force, patient boluses not counted; `u32::MAX` while nothing is.
    pub reservoir_lasts_min: u32,
    /// What the reservoir should hold, from the beginning of a refill session to its end; otherwise 0.
    pub expected_nl: u32,
    pub battery_mv: u32,
    /// Until the battery is spent, as it has been used so far.
    pub battery_days: u32,
    /// Stalls since the first power-on.
    pub stalls: u32,
    /// Second of the week; `u32::MAX`: not set since the power came on.
    pub clock_s: u32,
    /// Inside the pump, in tenths of a degree Celsius.
    pub temperature_dc: i16,
    /// Parts programmed and not yet in force.
    pub programmed: u32,
}

/// What the basal delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Mode {
    #[default]
    None,
    Continuous,
    Schedule,
    Microdose,
    Minimum,
}

/// Parts in one reply at the most: a page of the longest ones takes 166 bytes, within one COBS block.
pub const READ_BACK_PAGE: usize = 5;

/// Entries in one reply at the most: a full page is the longest message, and is to stay below the 254 bytes of one COBS block.
pub const LOG_PAGE: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// From 1, without gaps; older ones are overwritten.
    pub number: u32,
    /// Of the power-on in which it was written; each begins with [`LogCode::PowerOn`].
    pub uptime_us: u64,
    pub code: LogCode,
    pub value: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notice {
    AlarmOn(Alarm),
    AlarmOff(Alarm),
    State(State),
    /// The self-test after a power-on is over.
    Restarted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DecodeError {
    #[error("decode a message: its bytes are no message of protocol version {version}", version = crate::PROTOCOL_VERSION)]
    Malformed,
    #[error("decode a message: {0} bytes are left over at its end")]
    LeftOver(usize),
}

/// What a request that can't be understood still says about itself, so that it can be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RequestError {
    #[error("decode a request: session and number are missing")]
    Unaddressed,
    #[error("decode a request: command code {code} is unknown")]
    UnknownCommand { session: u32, seq: u16, code: u32 },
    #[error("decode a request: the fields of its command are malformed")]
    Malformed { session: u32, seq: u16 },
}

/// Decodes the message of a frame that the pump sent.
pub fn decode_from_pump(message: &[u8]) -> Result<FromPump, DecodeError> {
    match postcard::take_from_bytes(message) {
        Ok((decoded, [])) => Ok(decoded),
        Ok((_, rest)) => Err(DecodeError::LeftOver(rest.len())),
        Err(_) => Err(DecodeError::Malformed),
    }
}

/// Decodes the message of a frame that the pump received.
pub fn decode_request(message: &[u8]) -> Result<Request, RequestError> {
    let ((session, seq), body) = postcard::take_from_bytes::<(u32, u16)>(message).map_err(|_| RequestError::Unaddressed)?;
    match postcard::take_from_bytes::<Command>(body) {
        Ok((command, [])) => Ok(Request { session, seq, command }),
        Ok(_) => Err(RequestError::Malformed { session, seq }),
        Err(_) => Err(match postcard::take_from_bytes::<u32>(body) {
            Ok((code, _)) if code >= Command::COUNT => RequestError::UnknownCommand { session, seq, code },
            _ => RequestError::Malformed { session, seq },
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_is_not_understood_can_still_be_answered() {
        for (message, error) in [
            (&[][..], RequestError::Unaddressed),
            (&[0x80], RequestError::Unaddressed),
            (&[7, 1], RequestError::Malformed { session: 7, seq: 1 }),
            (&[7, 1, 32], RequestError::UnknownCommand { session: 7, seq: 1, code: 32 }),
            (&[7, 1, 0xC8, 0x01, 5], RequestError::UnknownCommand { session: 7, seq: 1, code: 200 }),
            (&[7, 1, 3], RequestError::Malformed { session: 7, seq: 1 }),
            (&[7, 1, 6, 0], RequestError::Malformed { session: 7, seq: 1 }),
        ] {
            assert_eq!(decode_request(message), Err(error), "{message:?}");
        }
    }

    #[test]
    fn bytes_left_over_are_an_error() {
        assert_eq!(decode_from_pump(&[1, 1, 0, 3, 9, 9]), Err(DecodeError::LeftOver(2)));
        assert_eq!(decode_from_pump(&[2]), Err(DecodeError::Malformed));
    }

    #[test]
    fn the_checksum_of_parts_is_that_of_their_bytes() {
        let bolus = Command::ProgramBolus { volume_nl: 200_000, duration_ms: 120_000 };
        assert_eq!(parts_checksum([]), 0);
        assert_eq!(parts_checksum([&bolus, &Command::ProgramMinimum]), crate::crc32(&[4, 0xc0, 0x9a, 0x0c, 0xc0, 0xa9, 0x07, 0x10]));
        let m = u32::MAX;
        let longest = Command::ProgramPatientBolus {
            volume_nl: m,
            duration_ms: m,
            first_after_s: m,
            lockout_s: m,
            activations: u16::MAX,
            period_s: m,
        };
        assert_ne!(parts_checksum([&longest]), 0, "fits the buffer");
    }

    #[test]
    fn the_last_command_has_the_last_code() {
        let mut buffer = [0; 8];
        let bytes = postcard::to_slice(&Command::Therapy, &mut buffer).unwrap();
        assert_eq!(u32::from(bytes[0]), Command::COUNT - 1);
    }
}
