//! The closed vocabularies of the link. The discriminant is the code on the wire; codes are never reused or renumbered.

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[repr(u8)]
        pub enum $name { $($(#[$vdoc])* $variant = $code),* }

        impl $name {
            /// In the order of their codes.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            pub const fn code(self) -> u8 {
                self as u8
            }

            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

codes! {
    /// What the pump is doing.
    State {
        /// Power-on self-test; nothing flows.
        SelfTest = 0,
        Stopped = 1,
        /// Basal rate only.
        Infusing = 2,
        /// A bolus, with or without a basal rate below it.
        Bolus = 3,
        Priming = 4,
        /// Stopped by a latched alarm.
        Halted = 5,
        /// Out of order: self-test failed or settings corrupted.
        Fault = 6,
        /// A bolus that the patient asked for, with or without a basal rate below it.
        PatientBolus = 7,
        /// The rest of the old drug in the line goes out at a rate of its own after a change of concentration.
        Bridge = 8,
        /// Shut down by command: nothing is delivered, and nobody is reminded of it.
        ShutDown = 9,
    }
}

codes! {
    /// What the pump can alarm about. The code is also the bit in [`Alarms`].
    Alarm {
        LowReservoir = 0,
        EmptyReservoir = 1,
        Occlusion = 2,
        SelfTestFailed = 3,
        SettingsCorrupted = 4,
        /// The pump head was told to turn and did not.
        MotorStall = 5,
        /// The battery lasts for 90 days at the most.
        ReplaceSoon = 6,
        /// The battery is spent; delivery has ended for good.
        EndOfService = 7,
        /// What was withdrawn at a refill and what was expected differ by more than 20 %.
        RefillDiscrepancy = 8,
        /// A bolus was refused, or cut off, because its period's limit would have been passed.
        DoseLimit = 9,
        /// The watchdog has restarted the firmware.
        WatchdogReset = 10,
        /// Stopped, and neither started nor shut down for ten minutes.
        StoppedTooLong = 11,
        /// The supply was below what the firmware needs.
        LowSupply = 12,
        /// The same alarm was raised and acknowledged three times within ten minutes.
        AlarmRepeated = 13,
        /// Warmer inside than 42 °C.
        Overheated = 14,
    }
}

codes! {
    /// Non-critical: the pump goes on, a single beep. Critical: the pump has stopped, two beeps.
    AlarmClass {
        NonCritical = 0,
        Critical = 1,
    }
}

codes! {
    /// Why a command was refused. A refused command has changed nothing.
    Refusal {
        RateOutOfRange = 0,
        VolumeOutOfRange = 1,
        DurationOutOfRange = 2,
        NothingProgrammed = 3,
        AlreadyRunning = 4,
        AlarmLatched = 5,
        SelfTestRunning = 6,
        OutOfOrder = 7,
        ReservoirTooLow = 8,
        UnknownCommand = 9,
        Malformed = 10,
        /// What is programmed is beyond a soft limit, or part of a prescription: it must be read back and confirmed first.
        NotConfirmed = 11,
        NothingToConfirm = 12,
        /// What is to be confirmed is not what was read back.
        ConfirmationMismatch = 13,
        /// A dose in mass without a concentration to convert it by.
        ConcentrationUnknown = 14,
        ConcentrationOutOfRange = 15,
        /// Two steps of a schedule begin at one time, or a step's bolus lasts into the next step.
        ScheduleOverlap = 16,
        ScheduleFull = 17,
        /// Parts of a prescription that can't both hold.
        Contradiction = 18,
        /// A patient bolus within its lockout.
        LockedOut = 19,
        /// A bolus that would pass the limit of its period, in number or in volume.
        LimitReached = 20,
        ClockNotSet = 21,
        NoRefillSession = 22,
        /// A dose in mass that comes to a volume or rate out of range.
        DoseOutOfRange = 23,
        EndOfService = 24,
    }
}

codes! {
    /// What a log entry tells; the meaning of its `value` in brackets.
    LogCode {
        /// Power came on (resets).
        PowerOn = 0,
        /// (0)
        FactoryReset = 1,
        /// (nL/h)
        BasalProgrammed = 2,
        /// (nL)
        BolusProgrammed = 3,
        /// (nL)
        PrimingProgrammed = 4,
        /// (state code)
        Started = 5,
        /// By command (state code that was left).
        Stopped = 6,
        /// A bolus or priming came to its end (nL delivered).
        DoseDone = 7,
        /// A bolus or priming was cut off (nL that were left).
        DoseCut = 8,
        /// (nL in the reservoir)
        Refilled = 9,
        /// (alarm code)
        AlarmOn = 10,
        /// (alarm code)
        AlarmOff = 11,
        /// (bit mask of the alarms acknowledged)
        Acknowledged = 12,
        /// (ng/µL)
        ConcentrationProgrammed = 13,
        /// (checksum of what was confirmed)
        Confirmed = 14,
        /// What was programmed and not confirmed is forgotten (number of its parts)
        Discarded = 15,
        /// (nL/h of the step)
        StepProgrammed = 16,
        /// (nL of one microdose)
        MicrodoseProgrammed = 17,
        /// (0)
        MinimumProgrammed = 18,
        /// (nL)
        PatientBolusProgrammed = 19,
        /// (nL in the period)
        LimitProgrammed = 20,
        /// (nL)
        BridgeProgrammed = 21,
        /// (second of the week)
        ClockSet = 22,
        /// (nL)
        PatientBolusStarted = 23,
        /// (refusal code)
        PatientBolusDenied = 24,
        /// (nL expected in the reservoir)
        RefillBegun = 25,
        /// (nL withdrawn)
        Withdrawn = 26,
        /// (score, 0 to 10)
        PainScore = 27,
        /// (code of the event)
        PatientEvent = 28,
        /// (bit mask of the alarms that sound)
        Silenced = 29,
        /// (state code that was left)
        ShutDown = 30,
        /// (strokes that did not turn)
        StallBegan = 31,
        /// (seconds that it lasted)
        StallEnded = 32,
        /// After a power-on that the watchdog brought about (resets)
        Watchdog = 33,
        /// (mV)
        SupplyLow = 34,
        /// A command was refused (command code × 256 + refusal code)
        Refused = 35,
        /// Before a change: the basal rate that was in force (nL/h)
        BasalWas = 36,
        /// (battery left, ‰)
        Battery = 37,
        /// The stored settings were found altered while the pump ran (byte)
        MemoryAltered = 38,
    }
}

impl Alarm {
    pub const fn class(self) -> AlarmClass {
        match self {
            Self::LowReservoir | Self::ReplaceSoon | Self::RefillDiscrepancy | Self::DoseLimit | Self::StoppedTooLong | Self::LowSupply => {
                AlarmClass::NonCritical
            }
            Self::EmptyReservoir
            | Self::Occlusion
            | Self::SelfTestFailed
            | Self::SettingsCorrupted
            | Self::MotorStall
            | Self::EndOfService
            | Self::WatchdogReset
            | Self::AlarmRepeated
            | Self::Overheated => AlarmClass::Critical,
        }
    }

    const fn bit(self) -> u32 {
        1 << self.code()
    }
}

/// A set of alarms: bit n is the alarm with code n. A variable-length integer on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Alarms(pub u32);

impl Alarms {
    pub const NONE: Self = Self(0);

    pub const fn contains(self, alarm: Alarm) -> bool {
        self.0 & alarm.bit() != 0
    }
    pub const fn with(self, alarm: Alarm) -> Self {
        Self(self.0 | alarm.bit())
    }
    pub const fn without(self, alarm: Alarm) -> Self {
        Self(self.0 & !alarm.bit())
    }
    /// Those in this set that are not in the other.
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
    /// In the order of their codes.
    pub fn iter(self) -> impl Iterator<Item = Alarm> {
        Alarm::ALL.iter().copied().filter(move |alarm| self.contains(*alarm))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// postcard writes a variant's position, a C program reads its code: they must be the same number.
    fn position_is_code<T: Serialize + Copy>(all: &[T], code: impl Fn(T) -> u8) {
        for (position, value) in all.iter().enumerate() {
            let mut buffer = [0; 4];
            let bytes = postcard::to_slice(value, &mut buffer).unwrap();
            assert_eq!(bytes, [code(*value)]);
            assert_eq!(usize::from(code(*value)), position);
        }
    }

    #[test]
    fn codes_are_what_goes_over_the_wire() {
        position_is_code(State::ALL, State::code);
        position_is_code(Alarm::ALL, Alarm::code);
        position_is_code(AlarmClass::ALL, AlarmClass::code);
        position_is_code(Refusal::ALL, Refusal::code);
        position_is_code(LogCode::ALL, LogCode::code);
    }

    #[test]
    fn codes_come_back() {
        assert!(Refusal::ALL.iter().all(|refusal| Refusal::from_code(refusal.code()) == Some(*refusal)));
        assert_eq!(Refusal::from_code(25), None);
    }

    #[test]
    fn a_set_of_alarms() {
        let set = Alarms::NONE.with(Alarm::Occlusion).with(Alarm::LowReservoir);
        assert_eq!(set, Alarms(0b101));
        assert!(set.iter().eq([Alarm::LowReservoir, Alarm::Occlusion]));
        assert_eq!(set.without(Alarm::Occlusion), Alarms(1));
        assert_eq!(set.minus(Alarms(0b100)), Alarms(1));
        assert!(Alarms::NONE.is_empty());
    }
}
