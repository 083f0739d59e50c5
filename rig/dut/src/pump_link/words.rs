//! The closed vocabularies of the link in the words of the model.

use rig_model::dut::{Alarm, LogKind, PumpState, Refusal};

/// Both vocabularies have one order, which a test holds.
pub fn kind(code: pump_link::LogCode) -> LogKind {
    LogKind::ALL[usize::from(code.code())]
}

pub fn state_word(state: pump_link::State) -> PumpState {
    use pump_link::State;
    match state {
        State::SelfTest => PumpState::SelfTest,
        State::Stopped => PumpState::Stopped,
        State::Infusing => PumpState::Infusing,
        State::Bolus => PumpState::Bolus,
        State::Priming => PumpState::Priming,
        State::Halted => PumpState::Halted,
        State::Fault => PumpState::Fault,
        State::PatientBolus => PumpState::PatientBolus,
        State::Bridge => PumpState::Bridge,
        State::ShutDown => PumpState::ShutDown,
    }
}

pub fn alarm_word(alarm: pump_link::Alarm) -> Alarm {
    use pump_link::Alarm as Code;
    match alarm {
        Code::LowReservoir => Alarm::LowReservoir,
        Code::EmptyReservoir => Alarm::EmptyReservoir,
        Code::Occlusion => Alarm::Occlusion,
        Code::SelfTestFailed => Alarm::SelfTestFailed,
        Code::SettingsCorrupted => Alarm::SettingsCorrupted,
        Code::MotorStall => Alarm::MotorStall,
        Code::ReplaceSoon => Alarm::ReplaceSoon,
        Code::EndOfService => Alarm::EndOfService,
        Code::RefillDiscrepancy => Alarm::RefillDiscrepancy,
        Code::DoseLimit => Alarm::DoseLimit,
        Code::WatchdogReset => Alarm::WatchdogReset,
        Code::StoppedTooLong => Alarm::StoppedTooLong,
        Code::LowSupply => Alarm::LowSupply,
        Code::AlarmRepeated => Alarm::AlarmRepeated,
        Code::Overheated => Alarm::Overheated,
    }
}

pub fn refusal_word(refusal: pump_link::Refusal) -> Refusal {
    use pump_link::Refusal as Code;
    match refusal {
        Code::RateOutOfRange => Refusal::RateOutOfRange,
        Code::VolumeOutOfRange => Refusal::VolumeOutOfRange,
        Code::DurationOutOfRange => Refusal::DurationOutOfRange,
        Code::NothingProgrammed => Refusal::NothingProgrammed,
        Code::AlreadyRunning => Refusal::AlreadyRunning,
        Code::AlarmLatched => Refusal::AlarmLatched,
        Code::SelfTestRunning => Refusal::SelfTestRunning,
        Code::OutOfOrder => Refusal::OutOfOrder,
        Code::ReservoirTooLow => Refusal::ReservoirTooLow,
        Code::UnknownCommand => Refusal::UnknownCommand,
        Code::Malformed => Refusal::Malformed,
        Code::NotConfirmed => Refusal::NotConfirmed,
        Code::NothingToConfirm => Refusal::NothingToConfirm,
        Code::ConfirmationMismatch => Refusal::ConfirmationMismatch,
        Code::ConcentrationUnknown => Refusal::ConcentrationUnknown,
        Code::ConcentrationOutOfRange => Refusal::ConcentrationOutOfRange,
        Code::ScheduleOverlap => Refusal::ScheduleOverlap,
        Code::ScheduleFull => Refusal::ScheduleFull,
        Code::Contradiction => Refusal::Contradiction,
        Code::LockedOut => Refusal::LockedOut,
        Code::LimitReached => Refusal::LimitReached,
        Code::ClockNotSet => Refusal::ClockNotSet,
        Code::NoRefillSession => Refusal::NoRefillSession,
        Code::DoseOutOfRange => Refusal::DoseOutOfRange,
        Code::EndOfService => Refusal::EndOfService,
    }
}
