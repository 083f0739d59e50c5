//! The words that scenario files, tables and journals have for what a pump can be in, say and refuse.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::quantity::Dimension;

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
        /// A bolus that the patient asked for.
        PatientBolus = "patient_bolus",
        /// The rest of the old drug goes out at a rate of its own.
        Bridge = "bridge",
        /// Stopped by command, and meant to be.
        ShutDown = "shut_down",
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
        MotorStall = "motor_stall",
        ReplaceSoon = "replace_soon",
        EndOfService = "end_of_service",
        RefillDiscrepancy = "refill_discrepancy",
        DoseLimit = "dose_limit",
        WatchdogReset = "watchdog_reset",
        StoppedTooLong = "stopped_too_long",
        LowSupply = "low_supply",
        AlarmRepeated = "alarm_repeated",
        Overheated = "overheated",
    }
}

vocabulary! {
    /// Non-critical: the pump goes on. Critical: the patient must act.
    AlarmClass {
        NonCritical = "non_critical",
        Critical = "critical",
    }
}

impl Alarm {
    /// Which tone it must sound (SOURCES: SynchroMed family). A critical alarm stops the delivery.
    pub fn class(self) -> AlarmClass {
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
        NotConfirmed = "not_confirmed",
        NothingToConfirm = "nothing_to_confirm",
        ConfirmationMismatch = "confirmation_mismatch",
        ConcentrationUnknown = "concentration_unknown",
        ConcentrationOutOfRange = "concentration_out_of_range",
        ScheduleOverlap = "schedule_overlap",
        ScheduleFull = "schedule_full",
        Contradiction = "contradiction",
        LockedOut = "locked_out",
        LimitReached = "limit_reached",
        ClockNotSet = "clock_not_set",
        NoRefillSession = "no_refill_session",
        DoseOutOfRange = "dose_out_of_range",
        EndOfService = "end_of_service",
    }
}

vocabulary! {
    /// What the basal delivery of a pump is.
    TherapyMode {
        None = "none",
        Continuous = "continuous",
        Schedule = "schedule",
        Microdose = "microdose",
        Minimum = "minimum",
    }
}

vocabulary! {
    /// What an entry of a pump's log is about.
    LogKind {
        PowerOn = "power_on",
        FactoryReset = "factory_reset",
        BasalProgrammed = "basal_programmed",
        BolusProgrammed = "bolus_programmed",
        PrimingProgrammed = "priming_programmed",
        Started = "started",
        Stopped = "stopped",
        DoseDone = "dose_done",
        DoseCut = "dose_cut",
        Refilled = "refilled",
        AlarmOn = "alarm_on",
        AlarmOff = "alarm_off",
        Acknowledged = "acknowledged",
        ConcentrationProgrammed = "concentration_programmed",
        Confirmed = "confirmed",
        Discarded = "discarded",
        StepProgrammed = "step_programmed",
        MicrodoseProgrammed = "microdose_programmed",
        MinimumProgrammed = "minimum_programmed",
        PatientBolusProgrammed = "patient_bolus_programmed",
        LimitProgrammed = "limit_programmed",
        BridgeProgrammed = "bridge_programmed",
        ClockSet = "clock_set",
        PatientBolusStarted = "patient_bolus_started",
        PatientBolusDenied = "patient_bolus_denied",
        RefillBegun = "refill_begun",
        Withdrawn = "withdrawn",
        PainScore = "pain_score",
        PatientEvent = "patient_event",
        Silenced = "silenced",
        ShutDown = "shut_down",
        StallBegan = "stall_began",
        StallEnded = "stall_ended",
        Watchdog = "watchdog",
        SupplyLow = "supply_low",
        Refused = "refused",
        BasalWas = "basal_was",
        Battery = "battery",
        MemoryAltered = "memory_altered",
    }
}

vocabulary! {
    /// A number that a pump tells about its therapy.
    Reported {
        /// What the pump believes its reservoir holds.
        Reservoir = "reservoir",
        /// The rate of the continuous delivery in force.
        BasalRate = "basal_rate",
        /// Not yet begun of the bolus, priming or bridge that runs.
        BolusLeft = "bolus_left",
        /// Until the reservoir is empty.
        ReservoirLasts = "reservoir_lasts",
        /// What the reservoir should hold at a refill.
        Expected = "expected_residual",
        Concentration = "concentration",
        InPeriod = "delivered_in_period",
        Activations = "activations",
        LockedOut = "locked_out_for",
        Battery = "battery_voltage",
        BatteryLasts = "battery_lasts",
        Stalls = "stalls",
        Temperature = "temperature",
        /// Parts programmed and not yet in force.
        Programmed = "parts_programmed",
        /// The pump's time of the week.
        Clock = "clock",
    }
}

impl Reported {
    pub const fn dimension(self) -> Dimension {
        match self {
            Self::Reservoir | Self::BolusLeft | Self::Expected | Self::InPeriod => Dimension::Volume,
            Self::ReservoirLasts | Self::LockedOut | Self::BatteryLasts | Self::Clock => Dimension::Time,
            Self::BasalRate => Dimension::Flow,
            Self::Concentration => Dimension::Concentration,
            Self::Activations | Self::Stalls | Self::Programmed => Dimension::Count,
            Self::Battery => Dimension::Voltage,
            Self::Temperature => Dimension::Temperature,
        }
    }
}
