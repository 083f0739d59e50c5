//! Programming in two steps: what is put aside, read back, confirmed, refused or forgotten.

mod support;

use pump_link::{Command, LogCode, Refusal, Response, State, parts_checksum};
use support::{HOUR, SECOND, Table};

const MINUTE: u64 = 60 * SECOND;
const DAILY: u8 = 0x7f;

fn basal(rate_nl_h: u32) -> Command {
    Command::ProgramBasal { rate_nl_h }
}

fn bolus(volume_nl: u32, duration_ms: u32) -> Command {
    Command::ProgramBolus { volume_nl, duration_ms }
}

fn concentration(ng_per_ul: u32) -> Command {
    Command::ProgramConcentration { ng_per_ul }
}

fn step(days: u8, minute: u16, rate_nl_h: u32, bolus_nl: u32, bolus_ms: u32) -> Command {
    Command::ProgramStep { days, minute, rate_nl_h, bolus_nl, bolus_ms }
}

fn microdose(volume_nl: u32, duration_ms: u32, every_s: u32) -> Command {
    Command::ProgramMicrodose { volume_nl, duration_ms, every_s }
}

/// 0.1 mL over 2 min; lockout, activations, period.
fn patient(lockout_s: u32, activations: u16, period_s: u32) -> Command {
    Command::ProgramPatientBolus { volume_nl: 100_000, duration_ms: 120_000, first_after_s: 0, lockout_s, activations, period_s }
}

fn limit(volume_nl: u32, period_s: u32) -> Command {
    Command::ProgramLimit { volume_nl, period_s }
}

fn bridge(volume_nl: u32, rate_nl_h: u32) -> Command {
    Command::ProgramBridge { volume_nl, rate_nl_h }
}

fn basal_dose(ng_per_h: u32) -> Command {
    Command::ProgramBasalDose { ng_per_h }
}

fn bolus_dose(ng: u32, duration_ms: u32) -> Command {
    Command::ProgramBolusDose { ng, duration_ms }
}

#[test]
fn what_is_put_aside_is_read_back_in_its_order_and_takes_no_effect() {
    let mut table = Table::ready();
    table.infuse(20_000);
    let parts: Vec<_> = [concentration(1_000), basal(30_000), bolus(10_000, 60_000), limit(2_000_000, 86_400)]
        .into_iter()
        .chain((0..12).map(|n| step(DAILY, n * 60, 20_000, 0, 0)))
        .collect();
    for (n, part) in (1..).zip(&parts) {
        table.accepted(*part);
        assert_eq!(table.therapy().programmed, n);
    }
    assert_eq!(table.read_back(), (parts.clone(), parts_checksum(&parts)));
    assert_eq!(table.ask(Command::ReadBack { from: 16 }), table.ask(Command::ReadBack { from: u32::MAX }));
    assert_eq!((table.status().basal_nl_h, table.therapy().ng_per_ul, table.state()), (20_000, 0, State::Infusing));
    table.accepted(Command::Discard);
    assert_eq!(table.read_back(), (vec![], 0));
}

#[test]
fn what_must_be_confirmed_keeps_a_start_from_beginning() {
    for (part, needed) in [
        (basal(500_000), false),
        (basal(500_001), true),
        (bolus(500_000, 600_000), false),
        (bolus(500_001, 600_000), true),
        (Command::ProgramPriming { volume_nl: 1_000_000 }, false),
        (concentration(1_000), true),
        (step(DAILY, 0, 20_000, 0, 0), true),
        (microdose(5_000, 10_000, 1_800), true),
        (Command::ProgramMinimum, true),
        (patient(14_400, 6, 86_400), true),
        (limit(1_000_000, 86_400), true),
        (bridge(200_000, 10_000), true),
    ] {
        let mut table = Table::ready();
        table.accepted(basal(20_000));
        table.accepted(part);
        if !needed {
            table.accepted(Command::Start);
            continue;
        }
        table.refused(Command::Start, Refusal::NotConfirmed);
        assert_eq!(table.state(), State::Stopped);
        table.confirm();
        table.accepted(Command::SetClock { second_of_week: 0 });
        table.accepted(Command::Start);
        assert_eq!(table.therapy().programmed, 0, "{part:?}");
    }
}

#[test]
fn only_what_was_read_back_as_it_is_can_be_confirmed() {
    let mut table = Table::ready();
    table.refused(Command::Confirm { checksum: 0 }, Refusal::NothingToConfirm);
    let parts = [basal(20_000), limit(1_000_000, 86_400)];
    for part in parts {
        table.accepted(part);
    }
    let right = parts_checksum(&parts);
    table.refused(Command::Confirm { checksum: 0 }, Refusal::ConfirmationMismatch);
    table.refused(Command::Confirm { checksum: right }, Refusal::ConfirmationMismatch);
    let (_, checksum) = table.read_back();
    assert_eq!(checksum, right);
    table.refused(Command::Confirm { checksum: right ^ 1 }, Refusal::ConfirmationMismatch);
    // Altered between read-back and confirmation, perhaps by another programmer.
    table.accepted(basal(30_000));
    table.refused(Command::Confirm { checksum }, Refusal::ConfirmationMismatch);
    let altered = parts_checksum(&[parts[0], parts[1], basal(30_000)]);
    table.refused(Command::Confirm { checksum: altered }, Refusal::ConfirmationMismatch);
    table.confirm();
    assert_eq!(table.status().basal_nl_h, 30_000, "the last one counts");
    table.refused(Command::Confirm { checksum: altered }, Refusal::NothingToConfirm);
    // The same parts as in a read-back of before: they were not read this time.
    for part in parts {
        table.accepted(part);
    }
    table.refused(Command::Confirm { checksum: right }, Refusal::ConfirmationMismatch);
}

#[test]
fn after_an_alteration_all_pages_must_be_read_again() {
    let mut table = Table::ready();
    for n in 0..6 {
        table.accepted(step(DAILY, n, 20_000, 0, 0));
    }
    table.read_back();
    table.accepted(step(DAILY, 6, 20_000, 0, 0));
    let Response::ReadBack { next: 0, checksum, .. } = table.ask(Command::ReadBack { from: 5 }) else { panic!("no last page") };
    table.refused(Command::Confirm { checksum }, Refusal::ConfirmationMismatch);
    table.confirm();
}

#[test]
fn a_refused_part_changes_nothing_of_what_is_put_aside() {
    let mut table = Table::ready();
    table.accepted(basal(20_000));
    let (_, checksum) = table.read_back();
    table.refused(basal(0), Refusal::RateOutOfRange);
    table.accepted(Command::Confirm { checksum });
}

#[test]
fn ten_minutes_without_programming_forget_what_was_put_aside() {
    let mut table = Table::ready();
    table.infuse(20_000);
    table.accepted(basal(30_000));
    table.accepted(limit(1_000_000, 86_400));
    table.run_for(10 * MINUTE - 1);
    assert_eq!(table.therapy().programmed, 2);
    table.accepted(bolus(1_000, 60_000));
    table.run_for(10 * MINUTE - 1);
    assert_eq!(table.therapy().programmed, 3);
    table.run_for(1);
    assert_eq!(table.therapy().programmed, 0);
    assert_eq!(table.log(0).last(), Some(&(LogCode::Discarded, 3)));
    table.refused(Command::Confirm { checksum: 0 }, Refusal::NothingToConfirm);
    table.refused(Command::Start, Refusal::AlreadyRunning);
    assert_eq!((table.state(), table.status().basal_nl_h), (State::Infusing, 20_000));
}

#[test]
fn what_is_put_aside_does_not_outlive_a_loss_of_power_and_what_is_in_force_does() {
    let mut table = Table::ready();
    let rule = patient(14_400, 6, 86_400);
    table.prescribe(&[concentration(1_000), basal(20_000), rule, limit(2_000_000, 86_400)]);
    table.accepted(basal(30_000));
    table.power_cycle();
    table.run_to(SECOND);
    let told = table.therapy();
    assert_eq!((told.programmed, told.ng_per_ul), (0, 1_000));
    table.accepted(Command::Start);
    assert_eq!(table.status().basal_nl_h, 20_000);
    table.accepted(Command::PatientBolus);
    table.accepted(Command::FactoryReset);
    assert_eq!(table.therapy().ng_per_ul, 0);
    table.refused(Command::Start, Refusal::NothingProgrammed);
}

#[test]
fn the_ranges_of_every_part_are_inclusive_and_what_is_beyond_them_is_refused() {
    use Refusal::{ConcentrationOutOfRange, DurationOutOfRange, LimitReached, RateOutOfRange, VolumeOutOfRange};
    let rule = |volume_nl, duration_ms, first_after_s, lockout_s| Command::ProgramPatientBolus {
        volume_nl,
        duration_ms,
        first_after_s,
        lockout_s,
        activations: 1,
        period_s: 604_800,
    };
    for (part, refusal) in [
        (concentration(0), Some(ConcentrationOutOfRange)),
        (concentration(1), None),
        (concentration(50_000), None),
        (concentration(50_001), Some(ConcentrationOutOfRange)),
        (concentration(u32::MAX), Some(ConcentrationOutOfRange)),
        (step(0, 0, 20_000, 0, 0), Some(DurationOutOfRange)),
        (step(0x80, 0, 20_000, 0, 0), Some(DurationOutOfRange)),
        (step(0x7f, 1_439, 20_000, 0, 0), None),
        (step(0x7f, 1_440, 20_000, 0, 0), Some(DurationOutOfRange)),
        (step(1, 0, 0, 0, 0), None),
        (step(1, 0, 1_999, 0, 0), Some(RateOutOfRange)),
        (step(1, 0, 1_000_000, 0, 0), None),
        (step(1, 0, 1_000_001, 0, 0), Some(RateOutOfRange)),
        (step(1, 0, 20_000, 999, 60_000), Some(VolumeOutOfRange)),
        (step(1, 0, 20_000, 0, 1), Some(VolumeOutOfRange)),
        (step(1, 0, 20_000, 1_000, 0), Some(DurationOutOfRange)),
        (step(1, 0, 20_000, 1_000, 21_600_001), Some(DurationOutOfRange)),
        (step(1, 0, 600_000, 220_000, 120_000), None),
        (step(1, 0, 600_001, 220_000, 120_000), Some(RateOutOfRange)),
        (microdose(999, 10_000, 60), Some(VolumeOutOfRange)),
        (microdose(1_000_001, 3_600_000, 86_400), Some(VolumeOutOfRange)),
        (microdose(5_000, 0, 60), Some(DurationOutOfRange)),
        (microdose(5_000, 10_000, 0), Some(DurationOutOfRange)),
        (microdose(5_000, 10_000, 604_800), None),
        (microdose(5_000, 10_000, 604_801), Some(DurationOutOfRange)),
        // 1 mL/h on the mean, and what is above it.
        (microdose(1_000_000, 550_000, 3_600), None),
        (microdose(1_000_000, 550_000, 3_599), Some(RateOutOfRange)),
        (microdose(1_000_000, 550_000, 555), Some(RateOutOfRange)),
        (microdose(5_000, 10_000, 18), None),
        (microdose(5_001, 10_000, 18), Some(RateOutOfRange)),
        (microdose(1_000, 10_000, 1), Some(RateOutOfRange)),
        (rule(999, 60_000, 0, 0), Some(VolumeOutOfRange)),
        (rule(100_000, 0, 0, 0), Some(DurationOutOfRange)),
        (rule(100_000, 120_000, 604_800, 604_800), None),
        (rule(100_000, 120_000, 604_801, 0), Some(DurationOutOfRange)),
        (rule(100_000, 120_000, 0, 604_801), Some(DurationOutOfRange)),
        (patient(0, 64, 60), None),
        (patient(0, 65, 60), Some(LimitReached)),
        (patient(0, 1, 59), Some(DurationOutOfRange)),
        (patient(0, 1, 604_801), Some(DurationOutOfRange)),
        (limit(999, 60), Some(VolumeOutOfRange)),
        (limit(0, 60), Some(VolumeOutOfRange)),
        (limit(168_000_000, 604_800), None),
        (limit(168_000_001, 604_800), Some(VolumeOutOfRange)),
        (limit(1_000, 59), Some(DurationOutOfRange)),
        (limit(1_000, 604_801), Some(DurationOutOfRange)),
        (bridge(999, 10_000), Some(VolumeOutOfRange)),
        (bridge(1_000_000, 1_000_000), None),
        (bridge(200_000, 1_999), Some(RateOutOfRange)),
        (Command::SetClock { second_of_week: u32::MAX }, Some(DurationOutOfRange)),
    ] {
        let expected = refusal.map_or(Response::Accepted, Response::Refused);
        assert_eq!(Table::ready().ask(part), expected, "{part:?}");
    }
}

#[test]
fn doses_in_mass_are_converted_and_held_to_the_same_limits() {
    use Refusal::{ConcentrationUnknown, DoseOutOfRange, DurationOutOfRange, RateOutOfRange};
    let mut table = Table::ready();
    table.refused(basal_dose(20_833), ConcentrationUnknown);
    table.refused(bolus_dose(200_000, 120_000), ConcentrationUnknown);
    table.accepted(concentration(1_000));
    for (part, refusal) in [
        (basal_dose(0), Some(DoseOutOfRange)),
        (basal_dose(1_999), Some(DoseOutOfRange)),
        (basal_dose(2_000), None),
        (basal_dose(1_000_000), None),
        (basal_dose(1_000_001), Some(DoseOutOfRange)),
        (basal_dose(u32::MAX), Some(DoseOutOfRange)),
        (bolus_dose(0, 120_000), Some(DoseOutOfRange)),
        (bolus_dose(999, 120_000), Some(DoseOutOfRange)),
        (bolus_dose(1_000_001, 3_600_000), Some(DoseOutOfRange)),
        (bolus_dose(u32::MAX, u32::MAX), Some(DoseOutOfRange)),
        (bolus_dose(220_001, 120_000), Some(DurationOutOfRange)),
        // The last basal rate put aside was 1 mL/h.
        (bolus_dose(220_000, 120_000), Some(RateOutOfRange)),
        (bolus_dose(200_000, 120_000), None),
    ] {
        assert_eq!(table.ask(part), refusal.map_or(Response::Accepted, Response::Refused), "{part:?}");
    }
    // 0.5 mg/day of 2 mg/mL, in a wrong unit as 0.5 mg/h.
    table.accepted(Command::Discard);
    table.accepted(concentration(2_000));
    table.accepted(basal_dose(20_833));
    table.accepted(basal_dose(500_000));
    table.accepted(bolus_dose(200_000, 120_000));
    table.confirm();
    table.accepted(Command::Start);
    let status = table.status();
    assert_eq!((status.basal_nl_h, status.bolus_left_nl), (250_000, 99_000));
}

#[test]
fn a_dose_is_converted_by_the_concentration_that_is_confirmed_with_it() {
    let mut table = Table::ready();
    table.accepted(concentration(1_000));
    table.accepted(basal_dose(20_000));
    table.accepted(concentration(4_000));
    table.confirm();
    assert_eq!(table.status().basal_nl_h, 5_000);
    table.accepted(basal_dose(20_000));
    table.accepted(concentration(20_000));
    assert_eq!(table.ask_confirm(), Response::Refused(Refusal::DoseOutOfRange), "1 µL/h");
    assert_eq!(table.therapy().ng_per_ul, 4_000);
}

#[test]
fn what_can_not_hold_together_is_refused_at_the_confirmation() {
    let fast = Command::ProgramPatientBolus {
        volume_nl: 220_000,
        duration_ms: 120_000,
        first_after_s: 0,
        lockout_s: 600,
        activations: 6,
        period_s: 86_400,
    };
    for (parts, holds) in [
        (&[microdose(2_000, 10_000, 11)][..], true),
        (&[microdose(2_000, 10_000, 10)], false),
        (&[microdose(5_000, 10_000, 1_800), limit(4_999, 86_400)], false),
        (&[microdose(5_000, 10_000, 1_800), limit(5_000, 86_400)], true),
        (&[patient(14_400, 6, 86_400), limit(100_000, 86_400)], true),
        (&[limit(99_999, 86_400), patient(14_400, 6, 86_400)], false),
        (&[step(1, 0, 20_000, 50_000, 60_000), limit(49_999, 86_400)], false),
        // The mode that is replaced contradicts no more.
        (&[step(1, 0, 20_000, 50_000, 60_000), limit(49_999, 86_400), basal(20_000)], true),
        (&[patient(86_401, 1, 86_400)], false),
        (&[patient(86_400, 1, 86_400)], true),
        (&[patient(28_800, 4, 86_400)], true),
        (&[patient(28_801, 4, 86_400)], false),
        (&[basal(600_000), fast], true),
        (&[basal(600_001), fast], false),
        (&[fast, step(1, 0, 600_001, 0, 0)], false),
        (&[step(1, 0, 600_000, 0, 0), bolus(220_000, 120_000)], true),
        // A day's rates and boluses of 24 mL are 1 mL/h.
        (&[step(DAILY, 0, 500_000, 1_000_000, 600_000), step(DAILY, 60, 1_000_000, 0, 0)], false),
        (&[step(DAILY, 0, 500_000, 500_000, 600_000), step(DAILY, 60, 1_000_000, 0, 0)], true),
        (&[step(DAILY, 0, 500_000, 1_000_000, 600_000), step(DAILY, 60, 1_000_000, 0, 0), basal(20_000)], true),
        (&[bolus(300_000, 600_000), limit(300_000, 86_400)], true),
        (&[bolus(300_001, 600_000), limit(300_000, 86_400)], false),
        (&[limit(300_000, 86_400), Command::ProgramPriming { volume_nl: 300_001 }], false),
    ] {
        let mut table = Table::ready();
        for part in parts {
            table.accepted(*part);
        }
        let expected = if holds { Response::Accepted } else { Response::Refused(Refusal::Contradiction) };
        assert_eq!(table.ask_confirm(), expected, "{parts:?}");
        assert_eq!(table.therapy().programmed, if holds { 0 } else { parts.len() as u32 }, "a refused confirmation changes nothing");
    }
}

#[test]
fn a_contradiction_with_what_is_in_force_is_one_too() {
    let mut table = Table::ready();
    table.prescribe(&[patient(14_400, 6, 86_400)]);
    table.accepted(limit(99_999, 86_400));
    assert_eq!(table.ask_confirm(), Response::Refused(Refusal::Contradiction));
    table.accepted(Command::Discard);
    table.prescribe(&[patient(14_400, 0, 86_400), limit(99_999, 86_400)]);
}

#[test]
fn a_limit_that_the_bolus_which_waits_would_pass_is_a_contradiction() {
    let mut table = Table::ready();
    table.prescribe(&[basal(20_000), bolus(300_001, 600_000)]);
    table.accepted(limit(300_000, 86_400));
    assert_eq!(table.ask_confirm(), Response::Refused(Refusal::Contradiction));
    table.accepted(Command::Discard);
    table.prescribe(&[limit(300_000, 86_400)]);
    table.accepted(Command::Start);
    assert_eq!((table.state(), table.status().bolus_left_nl), (State::Infusing, 0));
}

#[test]
fn a_dose_that_the_concentration_makes_too_fast_is_not_confirmed() {
    let mut table = Table::ready();
    table.accepted(concentration(2_000));
    table.accepted(bolus_dose(400_000, 120_000));
    table.accepted(concentration(1_700));
    assert_eq!(table.ask_confirm(), Response::Refused(Refusal::DurationOutOfRange), "235 µL in 2 min");
    assert_eq!(table.therapy().ng_per_ul, 0);
    table.accepted(concentration(1_819));
    table.confirm();
    table.accepted(Command::Start);
    assert_eq!(table.status().bolus_left_nl, 218_901);
}

#[test]
fn a_bolus_that_was_confirmed_and_not_begun_is_discarded_with_the_rest() {
    let mut table = Table::ready();
    table.infuse(20_000);
    table.prescribe(&[bolus(300_000, 600_000)]);
    table.accepted(basal(30_000));
    table.accepted(Command::Discard);
    assert_eq!(table.log(0).last(), Some(&(LogCode::Discarded, 2)));
    table.refused(Command::Start, Refusal::AlreadyRunning);
    table.accepted(Command::Stop);
    table.run_for(2 * SECOND);
    table.accepted(Command::Start);
    assert_eq!((table.state(), table.status().basal_nl_h, table.status().bolus_left_nl), (State::Infusing, 20_000, 0));
}

#[test]
fn a_bolus_that_was_confirmed_and_not_begun_is_forgotten_after_ten_minutes() {
    for (wait, comes) in [(599, true), (600, false)] {
        let mut table = Table::ready();
        table.infuse(20_000);
        table.accepted(bolus(300_000, 600_000));
        table.run_for(500 * SECOND);
        table.confirm();
        table.run_for(wait * SECOND);
        let answer = if comes { Response::Accepted } else { Response::Refused(Refusal::AlreadyRunning) };
        assert_eq!(table.ask(Command::Start), answer, "{wait} s");
        assert_eq!(table.status().bolus_left_nl > 0, comes, "{wait} s");
        assert_eq!(table.log(0).contains(&(LogCode::Discarded, 1)), !comes, "{wait} s");
    }
    // Who goes on with it has ten minutes more.
    let mut table = Table::ready();
    table.prescribe(&[basal(20_000), bolus(300_000, 600_000)]);
    table.run_for(599 * SECOND);
    table.prescribe(&[limit(2_000_000, 86_400)]);
    table.run_for(599 * SECOND);
    table.accepted(Command::Start);
    assert_eq!(table.state(), State::Bolus);
}

#[test]
fn steps_that_meet_and_too_many_are_refused_when_they_are_programmed() {
    let mut table = Table::ready();
    table.accepted(step(DAILY, 480, 20_000, 0, 0));
    table.refused(step(1, 480, 30_000, 0, 0), Refusal::ScheduleOverlap);
    table.refused(step(1, 470, 30_000, 10_000, 600_001), Refusal::ScheduleOverlap);
    table.accepted(step(1, 470, 30_000, 10_000, 600_000));
    for n in 0..14 {
        table.accepted(step(DAILY, n, 20_000, 0, 0));
    }
    table.refused(step(DAILY, 1_000, 20_000, 0, 0), Refusal::ScheduleFull);
    table.confirm();
    // Steps replace all steps before.
    table.prescribe(&[step(DAILY, 480, 40_000, 0, 0)]);
    table.accepted(Command::SetClock { second_of_week: 9 * 3_600 });
    assert_eq!(table.status().basal_nl_h, 40_000);
    table.accepted(Command::SetClock { second_of_week: 3_600 });
    assert_eq!(table.status().basal_nl_h, 0);
}

#[test]
fn no_more_than_thirty_two_parts() {
    let mut table = Table::ready();
    for _ in 0..32 {
        table.accepted(Command::ProgramMinimum);
    }
    table.refused(Command::ProgramMinimum, Refusal::ScheduleFull);
    table.confirm();
}

#[test]
fn the_log_tells_of_every_change_before_and_after() {
    let mut table = Table::ready();
    table.prescribe(&[concentration(1_000), basal_dose(20_000)]);
    table.accepted(Command::Start);
    let from = table.log(0).len() as u32 + 1;
    let parts = [step(DAILY, 0, 30_000, 0, 0), step(DAILY, 60, 40_000, 0, 0), limit(2_000_000, 86_400), patient(14_400, 6, 86_400)];
    table.prescribe(&parts);
    table.accepted(Command::SetClock { second_of_week: 5 });
    table.accepted(Command::Start);
    table.accepted(bridge(200_000, 10_000));
    table.accepted(Command::Discard);
    table.accepted(Command::Discard);
    assert_eq!(
        table.log(from),
        [
            (LogCode::BasalWas, 20_000),
            (LogCode::StepProgrammed, 30_000),
            (LogCode::StepProgrammed, 40_000),
            (LogCode::LimitProgrammed, 2_000_000),
            (LogCode::PatientBolusProgrammed, 100_000),
            (LogCode::Confirmed, parts_checksum(&parts)),
            (LogCode::ClockSet, 5),
            (LogCode::Started, u32::from(State::Infusing.code())),
            (LogCode::BridgeProgrammed, 200_000),
            (LogCode::Discarded, 1),
        ]
    );
}

#[test]
fn in_the_self_test_and_out_of_order_nothing_is_programmed() {
    let all = [
        concentration(1_000),
        basal_dose(20_000),
        bolus_dose(20_000, 60_000),
        step(DAILY, 0, 20_000, 0, 0),
        microdose(5_000, 10_000, 1_800),
        Command::ProgramMinimum,
        patient(14_400, 6, 86_400),
        limit(1_000_000, 86_400),
        bridge(200_000, 10_000),
        Command::SetClock { second_of_week: 0 },
        Command::Confirm { checksum: 0 },
        Command::Discard,
        Command::PatientBolus,
        Command::BeginRefill,
        Command::EndRefill { withdrawn_nl: 0, filled_nl: 0, ng_per_ul: 0 },
    ];
    let mut table = Table::power_on(pump_core::Config::default(), None);
    for command in all.into_iter().chain([Command::ReadBack { from: 0 }, Command::Therapy]) {
        table.refused(command, Refusal::SelfTestRunning);
    }
    table.pressure = Some(i32::MAX);
    table.power_cycle();
    table.run_to(HOUR);
    assert_eq!(table.state(), State::Fault);
    for command in all {
        table.refused(command, Refusal::OutOfOrder);
    }
    assert_eq!(table.read_back(), (vec![], 0));
    assert_eq!(table.therapy().programmed, 0);
}
