//! The doses of a schedule's steps: those that have to wait, what ends them, and how they count against the limit.

mod support;

use pump_link::{Alarm, Command, LogCode, Notice, Refusal, State};
use support::{Did, HOUR, SECOND, Table};

const MINUTE: u64 = 60 * SECOND;
const START: u64 = SECOND;
const DAY_S: u32 = 86_400;
const DAILY: u8 = 0x7f;
const MONDAY: u8 = 1;

/// A step of no rate.
fn step(days: u8, minute: u16, bolus_nl: u32, bolus_ms: u32) -> Command {
    Command::ProgramStep { days, minute, rate_nl_h: 0, bolus_nl, bolus_ms }
}

fn bolus(volume_nl: u32, duration_ms: u32) -> Command {
    Command::ProgramBolus { volume_nl, duration_ms }
}

fn limit(volume_nl: u32) -> Command {
    Command::ProgramLimit { volume_nl, period_s: DAY_S }
}

/// Programs, confirms, and starts at this minute of Monday.
fn started(parts: &[Command], minute: u32) -> Table {
    let mut table = Table::ready();
    table.prescribe(parts);
    table.accepted(Command::SetClock { second_of_week: minute * 60 });
    table.accepted(Command::Start);
    table
}

/// What of the table's log tells of ends of doses.
fn ends(table: &mut Table) -> Vec<(LogCode, u32)> {
    table.log(0).into_iter().filter(|(code, _)| matches!(code, LogCode::DoseDone | LogCode::DoseCut)).collect()
}

/// When strokes began, in s from the start.
fn seconds(table: &Table) -> Vec<f64> {
    table.strokes().iter().map(|(at, _)| (at - START) as f64 / 1e6).collect()
}

#[test]
fn another_mode_ends_the_dose_of_a_step() {
    for (parts, rate_nl_h) in [
        (&[Command::ProgramMinimum][..], 2_000),
        (&[Command::ProgramBasal { rate_nl_h: 3_000 }], 3_000),
        (&[Command::ProgramStep { days: DAILY, minute: 0, rate_nl_h: 4_000, bolus_nl: 0, bolus_ms: 0 }], 4_000),
    ] {
        // 0.5 mL in 500 strokes over 6 h, the first at 8:00.
        let mut table = started(&[step(DAILY, 480, 500_000, 21_600_000)], 479);
        table.run_for(MINUTE + HOUR);
        assert_eq!(table.strokes().len(), 84);
        table.prescribe(parts);
        assert_eq!(table.state(), State::Bolus, "what runs goes on to the start");
        table.accepted(Command::Start);
        assert_eq!((table.state(), table.status().bolus_left_nl), (State::Infusing, 0));
        assert_eq!(ends(&mut table), [(LogCode::DoseCut, 416_000)]);
        table.run_for(5 * HOUR);
        assert_eq!(table.strokes().len() as u32, 84 + 5 * rate_nl_h / 1_000);
    }
}

#[test]
fn a_bolus_alone_ends_no_dose_of_a_step() {
    let mut table = started(&[step(DAILY, 480, 10_000, 600_000)], 479);
    table.run_for(2 * MINUTE);
    table.accepted(bolus(5_000, 10_000));
    table.accepted(Command::Start);
    table.run_for(15 * MINUTE);
    assert_eq!(ends(&mut table), [(LogCode::DoseDone, 5_000), (LogCode::DoseDone, 10_000)]);
}

#[test]
fn another_mode_ends_a_microdose_that_is_under_way() {
    let mut table = started(&[Command::ProgramMicrodose { volume_nl: 100_000, duration_ms: 3_000_000, every_s: 3_600 }], 0);
    table.run_for(10 * MINUTE);
    let before = table.strokes().len();
    table.accepted(Command::ProgramBasal { rate_nl_h: 6_000 });
    table.accepted(Command::Start);
    table.run_for(HOUR);
    assert_eq!(table.strokes().len() - before, 6);
    assert_eq!(ends(&mut table), [], "microdoses are not told one by one");
}

/// The pump head is free for a rate that it could not do beside the dose which ends with its mode.
#[test]
fn a_rate_is_not_refused_for_the_dose_that_it_ends() {
    let mut table = started(&[step(DAILY, 480, 1_000_000, 546_000)], 480 - 1);
    table.run_for(2 * MINUTE);
    table.prescribe(&[Command::ProgramBasal { rate_nl_h: 1_000_000 }]);
    table.accepted(Command::Start);
    assert_eq!(table.state(), State::Infusing);
}

#[test]
fn doses_of_steps_that_fall_due_behind_a_bolus_are_given_one_after_the_other() {
    let steps = [step(DAILY, 480, 3_000, 30_000), step(DAILY, 540, 2_000, 40_000), step(DAILY, 550, 1_500, 30_000)];
    let mut table = started(&steps, 450);
    // From 7:30 to 9:30: all three fall due meanwhile or before those ahead of them are through.
    table.accepted(bolus(120_000, 7_200_000));
    table.accepted(Command::Start);
    table.run_for(3 * HOUR);
    // The bolus's last stroke begins a minute before its end.
    let free = 7_140.5;
    assert_eq!(seconds(&table)[120..], [0.0, 10.0, 20.0, 20.5, 40.5, 41.0, 56.0].map(|s| free + s));
    assert_eq!(
        ends(&mut table),
        [(LogCode::DoseDone, 120_000), (LogCode::DoseDone, 3_000), (LogCode::DoseDone, 2_000), (LogCode::DoseDone, 1_500)]
    );
    table.run_for(24 * HOUR);
    assert_eq!(table.strokes().len(), 127 + 7, "the next day nothing waits");
}

#[test]
fn what_waits_is_told_when_it_is_cut() {
    let steps = [step(DAILY, 480, 3_000, 30_000), step(DAILY, 540, 2_000, 40_000)];
    let waiting = || {
        let mut table = started(&steps, 450);
        table.accepted(bolus(120_000, 7_200_000));
        table.accepted(Command::Start);
        let free = table.therapy().reservoir_lasts_min;
        table.run_for(HOUR + 45 * MINUTE);
        assert!(table.therapy().reservoir_lasts_min < free, "and is taken off what the reservoir has");
        table
    };
    let mut table = waiting();
    table.accepted(Command::Stop);
    assert_eq!(ends(&mut table), [(LogCode::DoseCut, 14_000), (LogCode::DoseCut, 3_000), (LogCode::DoseCut, 2_000)]);
    table.run_for(SECOND);
    table.accepted(Command::Start);
    table.run_for(HOUR);
    assert_eq!(table.strokes().len(), 106, "nothing of it comes back");
    let mut table = waiting();
    table.accepted(Command::ProgramBasal { rate_nl_h: 2_000 });
    table.accepted(Command::Start);
    assert_eq!(ends(&mut table), [(LogCode::DoseCut, 3_000), (LogCode::DoseCut, 2_000)], "the bolus goes on");
    table.run_for(HOUR);
    assert_eq!(table.strokes().len(), 120 + 2);
}

/// For more than a day boluses of the patient, and between them one of the clinician, leave the head to no step's dose.
#[test]
fn seventeen_doses_of_steps_wait_and_what_is_beyond_is_told_at_once() {
    let steps: Vec<Command> = (0..16).map(|n| step(DAILY, n, 1_000 + u32::from(n), 2_000)).collect();
    let patient = Command::ProgramPatientBolus {
        volume_nl: 100_000,
        duration_ms: 21_600_000,
        first_after_s: 0,
        lockout_s: 0,
        activations: 64,
        period_s: DAY_S,
    };
    let mut table = started(&[&steps[..], &[patient]].concat(), 1_430);
    table.accepted(bolus(100_000, 21_600_000));
    table.accepted(Command::Start);
    for _ in 0..5 {
        table.accepted(Command::PatientBolus);
        table.run_for(6 * HOUR);
    }
    let told = ends(&mut table);
    let cut: Vec<_> = (1..16).map(|n| (LogCode::DoseCut, 1_000 + n)).collect();
    assert_eq!(told.iter().filter(|(code, _)| *code == LogCode::DoseCut).copied().collect::<Vec<_>>(), cut);
    table.run_for(7 * HOUR);
    let done: Vec<_> = (0..16).chain([0]).map(|n| (LogCode::DoseDone, 1_000 + n)).collect();
    assert_eq!(ends(&mut table)[told.len() + 1..], done);
}

/// What is put aside fits the limit and is begun, or is refused.
fn starts(table: &mut Table, fits: bool) {
    if fits {
        table.accepted(Command::Start);
    } else {
        table.refused(Command::Start, Refusal::LimitReached);
    }
}

/// 0.4 mL on Monday from 8:00 to 14:00 is under way, and 0.5 mL is the limit of a day.
#[test]
fn what_is_left_of_a_steps_dose_counts_against_the_limit() {
    for (volume_nl, fits) in [(100_000, true), (101_000, false)] {
        let mut table = started(&[step(MONDAY, 480, 400_000, 21_600_000), limit(500_000)], 479);
        table.run_for(11 * MINUTE);
        table.accepted(bolus(volume_nl, 300_000));
        starts(&mut table, fits);
        table.run_for(8 * HOUR);
        assert_eq!(ends(&mut table).iter().filter(|(code, _)| *code == LogCode::DoseCut).count(), 0);
        assert_eq!(table.times_of(&Did::Notice(Notice::AlarmOn(Alarm::DoseLimit))).len(), usize::from(!fits));
    }
}

/// Monday has two doses, and the first of them is still in the period when the second is through.
#[test]
fn what_came_before_counts_as_long_as_it_is_in_the_period() {
    for (volume_nl, fits) in [(40_000, true), (41_000, false)] {
        let steps = [step(MONDAY, 60, 260_000, 3_600_000), step(MONDAY, 480, 200_000, 21_600_000)];
        let mut table = started(&[&steps[..], &[limit(500_000)]].concat(), 59);
        table.run_for(7 * HOUR + 11 * MINUTE);
        table.accepted(bolus(volume_nl, 300_000));
        starts(&mut table, fits);
        table.run_for(8 * HOUR);
        assert_eq!(ends(&mut table).iter().filter(|(code, _)| *code == LogCode::DoseCut).count(), 0);
    }
}

/// A dose that comes each day is no more than itself in any day: what is left of today's, and of tomorrow's what falls into the period.
#[test]
fn a_daily_dose_counts_once_in_each_period() {
    for at in [30 * MINUTE, HOUR, 3 * HOUR, 5 * HOUR + 59 * MINUTE, 7 * HOUR] {
        for (volume_nl, fits) in [(100_000, true), (102_000, false)] {
            let mut table = started(&[step(DAILY, 480, 400_000, 21_600_000), limit(500_000)], 479);
            table.run_for(24 * HOUR + MINUTE + at);
            table.accepted(bolus(volume_nl, 60_000));
            if fits {
                table.accepted(Command::Start);
            } else {
                table.refused(Command::Start, Refusal::LimitReached);
            }
            table.run_for(48 * HOUR);
            assert_eq!(ends(&mut table).iter().filter(|(code, _)| *code == LogCode::DoseCut).count(), 0, "{at}");
        }
    }
}

/// The rest of a dose that ends with its mode is not in the way of a bolus that is started with the new one.
#[test]
fn what_ends_with_its_mode_does_not_count() {
    let mut table = started(&[step(MONDAY, 480, 400_000, 21_600_000), limit(500_000)], 479);
    table.run_for(11 * MINUTE);
    table.prescribe(&[Command::ProgramMinimum]);
    table.accepted(bolus(300_000, 300_000));
    table.accepted(Command::Start);
    table.run_for(HOUR);
    assert_eq!(ends(&mut table).iter().map(|(code, _)| *code).collect::<Vec<_>>(), [LogCode::DoseCut, LogCode::DoseDone]);
}

/// 0.3 mL of the old drug and a day of the rate have room in 0.5 mL, once.
#[test]
fn a_new_rate_beside_a_bridge_counts_what_is_left_of_it_once() {
    let mut table = Table::ready();
    table.prescribe(&[Command::ProgramConcentration { ng_per_ul: 1_000 }, limit(500_000)]);
    table.prescribe(&[
        Command::ProgramConcentration { ng_per_ul: 2_000 },
        Command::ProgramBasal { rate_nl_h: 5_000 },
        Command::ProgramBridge { volume_nl: 300_000, rate_nl_h: 15_000 },
    ]);
    table.accepted(Command::Start);
    table.run_for(HOUR);
    table.accepted(Command::ProgramBasal { rate_nl_h: 5_500 });
    table.accepted(Command::Start);
    assert_eq!((table.state(), table.status().alarms.contains(Alarm::DoseLimit)), (State::Bridge, false));
    table.accepted(bolus(68_000, 60_000));
    table.accepted(Command::Start);
    table.run_for(25 * HOUR);
    assert_eq!(table.times_of(&Did::Notice(Notice::AlarmOn(Alarm::DoseLimit))), []);
}
