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
    }
}

impl Alarm {
    pub const fn class(self) -> AlarmClass {
        match self {
            Self::LowReservoir => AlarmClass::NonCritical,
            Self::EmptyReservoir | Self::Occlusion | Self::SelfTestFailed | Self::SettingsCorrupted => AlarmClass::Critical,
        }
    }

    const fn bit(self) -> u8 {
        1 << self.code()
    }
}

/// A set of alarms: bit n is the alarm with code n. One raw byte on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Alarms(pub u8);

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
        assert_eq!(Refusal::from_code(11), None);
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
