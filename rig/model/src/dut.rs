//! What scenarios can ask of a pump and what a pump can say: verbs, states, alarms and refusals, in closed vocabularies.
//!
//! These are pumps in general, never one pump's bytes; `rig-dut` translates.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::quantity::{Concentration, Flow, Mass, MassFlow, Volume};
use crate::time::Span;

mod words;

pub use words::{Alarm, AlarmClass, LogKind, PumpState, Refusal, Reported, TherapyMode};

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
    /// What the drug in the reservoir is of.
    ProgramConcentration {
        concentration: Concentration,
    },
    ProgramBasalDose {
        rate: MassFlow,
    },
    ProgramBolusDose {
        dose: Mass,
        over: Span,
    },
    /// One step of a week's schedule of rates.
    ProgramStep(Box<ScheduleStep>),
    /// This volume in this time, again and again, and nothing in between.
    ProgramMicrodose {
        volume: Volume,
        over: Span,
        every: Span,
    },
    /// The pump's least rate.
    ProgramMinimum,
    ProgramPatientBolus(Box<PatientBolus>),
    /// No more than this in any period of this length, whatever it is made of.
    ProgramLimit {
        volume: Volume,
        in_any: Span,
    },
    /// The rest of the old drug, at a rate of its own, before the basal rate begins.
    ProgramBridge {
        volume: Volume,
        rate: Flow,
    },
    /// The pump's time of the week, from Monday 0:00.
    SetClock {
        time_of_week: Span,
    },
    /// What is programmed and not yet in force.
    ReadBack,
    /// What was read back last is to be in force.
    Confirm,
    /// Forget what is programmed and not yet in force.
    Discard,
    /// What the patient's button does, from the programmer.
    PatientBolus,
    BeginRefill,
    EndRefill {
        withdrawn: Volume,
        filled: Volume,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        concentration: Option<Concentration>,
    },
    /// No tone for a while, whatever is active.
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
    /// What a follow-up visit asks for: a [`Therapy`].
    Therapy,
}

/// From a time of the day on, on some days, this rate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScheduleStep {
    pub days: Days,
    /// From midnight, whole minutes.
    pub from: Span,
    pub rate: Flow,
    /// The step begins with it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub bolus: Option<StepBolus>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct StepBolus {
    pub volume: Volume,
    pub over: Span,
}

/// Days of the week: bit 0 is Monday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Days(pub u8);

impl Days {
    pub const NAMES: [&'static str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    pub const ALL: Self = Self(0x7f);
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::ALL {
            return f.write_str("daily");
        }
        if self.0 == 0 {
            return f.write_str("no day");
        }
        let days: Vec<&str> = Self::NAMES.iter().enumerate().filter(|(bit, _)| self.0 >> bit & 1 == 1).map(|(_, name)| *name).collect();
        f.write_str(&days.join(" "))
    }
}

/// What the patient may ask for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PatientBolus {
    pub volume: Volume,
    pub over: Span,
    /// From the confirmation, or a refill, to the first.
    pub first_after: Span,
    /// From the start of one to the start of the next.
    pub lockout: Span,
    /// At the most, in any period of this length.
    pub activations: u32,
    pub in_any: Span,
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
            Self::ProgramConcentration { .. } => "program concentration",
            Self::ProgramBasalDose { .. } => "program basal dose",
            Self::ProgramBolusDose { .. } => "program bolus dose",
            Self::ProgramStep(_) => "program step",
            Self::ProgramMicrodose { .. } => "program microdose",
            Self::ProgramMinimum => "program minimum",
            Self::ProgramPatientBolus(_) => "program patient bolus",
            Self::ProgramLimit { .. } => "program limit",
            Self::ProgramBridge { .. } => "program bridge",
            Self::SetClock { .. } => "set clock",
            Self::ReadBack => "read_back",
            Self::Confirm => "confirm",
            Self::Discard => "discard",
            Self::PatientBolus => "patient bolus",
            Self::BeginRefill => "begin refill",
            Self::EndRefill { .. } => "end refill",
            Self::Silence => "silence",
            Self::RecordPain { .. } => "record pain",
            Self::RecordEvent { .. } => "record event",
            Self::ShutDown => "shut_down",
            Self::Therapy => "therapy",
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
            Self::ProgramConcentration { concentration } => write!(f, "program concentration {concentration}"),
            Self::ProgramBasalDose { rate } => write!(f, "program basal {rate}"),
            Self::ProgramBolusDose { dose, over } => write!(f, "program bolus {dose} over {over}"),
            Self::ProgramStep(step) => {
                write!(f, "program {} from {} {}", step.rate, step.from, step.days)?;
                step.bolus.map_or(Ok(()), |bolus| write!(f, ", begun with {} over {}", bolus.volume, bolus.over))
            }
            Self::ProgramMicrodose { volume, over, every } => write!(f, "program {volume} over {over} every {every}"),
            Self::ProgramPatientBolus(bolus) => write!(
                f,
                "program patient bolus {} over {}, first after {}, lockout {}, {} in any {}",
                bolus.volume, bolus.over, bolus.first_after, bolus.lockout, bolus.activations, bolus.in_any
            ),
            Self::ProgramLimit { volume, in_any } => write!(f, "program limit {volume} in any {in_any}"),
            Self::ProgramBridge { volume, rate } => write!(f, "program bridge {volume} at {rate}"),
            Self::SetClock { time_of_week } => write!(f, "set clock {time_of_week} after Monday 0:00"),
            Self::EndRefill { withdrawn, filled, concentration } => {
                write!(f, "end refill, {withdrawn} withdrawn, {filled} filled")?;
                concentration.map_or(Ok(()), |concentration| write!(f, ", {concentration}"))
            }
            Self::RecordPain { score } => write!(f, "record pain {score}"),
            Self::RecordEvent { code } => write!(f, "record event {code}"),
            other => f.write_str(other.name()),
        }
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
    /// Absent where the protocol has no word for it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub code: Option<LogKind>,
    /// As the pump keeps it; its unit is in `what`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub value: Option<u32>,
}

/// What a follow-up visit asks a pump for. Numbers in base units; absent where the pump has none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Therapy {
    pub mode: TherapyMode,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub reported: Vec<(Reported, f64)>,
}

impl Therapy {
    pub fn get(&self, what: Reported) -> Option<f64> {
        self.reported.iter().find(|(item, _)| *item == what).map(|(_, value)| *value)
    }
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
    /// What is programmed and not yet in force, in the order in which it was programmed.
    ReadBack(Vec<Verb>),
    Therapy(Therapy),
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
