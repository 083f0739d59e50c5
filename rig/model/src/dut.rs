//! What scenarios can ask of a pump and what a pump can say: verbs, states, alarms and refusals, in closed vocabularies.
//!
//! These are pumps in general, never one pump's bytes; `rig-dut` translates.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::quantity::{Flow, Volume};
use crate::time::Span;

/// A command to the pump.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Who are you: model, serial number, firmware.
    Identify,
    /// Everything the pump knows about itself now.
    Status,
    /// Forget programmes, alarms, lockouts and log; stop.
    FactoryReset,
    ProgramBasal {
        rate: Flow,
    },
    ProgramBolus {
        volume: Volume,
        over: Span,
    },
    /// Fill the dead volume of the catheter at the pump's own priming rate.
    ProgramPriming {
        volume: Volume,
    },
    /// Start what is programmed.
    Start,
    /// Finish the current stroke, then stop.
    Stop,
    /// Acknowledge all active alarms.
    Acknowledge,
    /// Tell the pump the volume that its reservoir now holds.
    Refill {
        volume: Volume,
    },
    /// Read the event log.
    ReadLog,
}

impl Verb {
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Identify => "identify",
            Self::Status => "status",
            Self::FactoryReset => "factory_reset",
            Self::ProgramBasal { .. } => "program basal",
            Self::ProgramBolus { .. } => "program bolus",
            Self::ProgramPriming { .. } => "program priming",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Acknowledge => "acknowledge",
            Self::Refill { .. } => "refill",
            Self::ReadLog => "read_log",
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ProgramBasal { rate } => write!(f, "program basal {rate}"),
            Self::ProgramBolus { volume, over } => write!(f, "program bolus {volume} over {over}"),
            Self::ProgramPriming { volume } => write!(f, "program priming {volume}"),
            Self::Refill { volume } => write!(f, "refill {volume}"),
            other => f.write_str(other.name()),
        }
    }
}

macro_rules! vocabulary {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant),* }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];
            /// The word that files and reports use.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|v| v.word() == word)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.pad(self.word()) }
        }
    };
}

vocabulary! {
    /// What the pump is doing.
    PumpState {
        /// Power-on self-test; nothing flows.
        SelfTest = "self_test",
        Stopped = "stopped",
        /// Basal rate only.
        Infusing = "infusing",
        /// A bolus, with or without a basal rate below it.
        Bolus = "bolus",
        Priming = "priming",
        /// Stopped by a latched alarm.
        Halted = "halted",
        /// Out of order: self-test failed or settings corrupted.
        Fault = "fault",
    }
}

vocabulary! {
    /// What a pump can alarm about.
    Alarm {
        LowReservoir = "low_reservoir",
        EmptyReservoir = "empty_reservoir",
        Occlusion = "occlusion",
        SelfTestFailed = "self_test_failed",
        SettingsCorrupted = "settings_corrupted",
    }
}

vocabulary! {
    /// Non-critical: the pump goes on. Critical: the patient must act.
    AlarmClass {
        NonCritical = "non_critical",
        Critical = "critical",
    }
}

vocabulary! {
    /// Why a pump refuses a command.
    Refusal {
        RateOutOfRange = "rate_out_of_range",
        VolumeOutOfRange = "volume_out_of_range",
        DurationOutOfRange = "duration_out_of_range",
        NothingProgrammed = "nothing_programmed",
        AlreadyRunning = "already_running",
        AlarmLatched = "alarm_latched",
        SelfTestRunning = "self_test_running",
        OutOfOrder = "out_of_order",
        ReservoirTooLow = "reservoir_too_low",
        UnknownCommand = "unknown_command",
        Malformed = "malformed",
    }
}

/// Who answers on the link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DutIdentity {
    pub model: String,
    pub serial: String,
    pub firmware_version: String,
    /// Hash of the firmware build, hexadecimal, as read back.
    pub firmware_hash: String,
    pub protocol_version: u16,
}

/// The pump's own account of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PumpStatus {
    pub state: PumpState,
    /// Active alarms in the order of [`Alarm::ALL`].
    pub alarms: Vec<Alarm>,
    /// What the pump believes its reservoir holds.
    pub reservoir: Volume,
    /// What the pump believes it has delivered since its last factory reset.
    pub delivered: Volume,
    pub basal: Flow,
    /// What is left of the running bolus or priming.
    pub bolus_left: Volume,
    /// Strokes since power-on.
    pub strokes: u64,
    /// Reset counter, so that an unexpected restart is seen.
    pub resets: u32,
    /// The pump's own clock since power-on; never mixed with rig time.
    pub uptime_us: u64,
}

/// One line of the pump's event log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    pub number: u32,
    /// The pump's own clock.
    pub uptime_us: u64,
    pub what: String,
}

/// Something the board said, in the words of the vocabulary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DutReport {
    Identity(DutIdentity),
    Status(PumpStatus),
    Accepted,
    Refused(Refusal),
    Log(Vec<LogEntry>),
    /// Unasked: an alarm condition began or ended.
    AlarmOn(Alarm),
    AlarmOff(Alarm),
    /// Unasked: the state changed.
    State(PumpState),
    /// Unasked: the pump came out of a reset.
    Restarted,
}

/// How a verb ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Accepted,
    Refused(Refusal),
    /// No answer to any of the transmissions.
    Unanswered,
    /// The port failed.
    LinkFailed,
}
