//! The rolling limit: in no period does more than its volume begin to flow, whatever it is made of.

mod support;

use pump_link::{Alarm, Command, LogCode, Notice, Refusal, Response, State};
use support::{Did, HOUR, SECOND, Table};

const START: u64 = SECOND;
const DAY_S: u32 = 86_400;
const DAY: u64 = 24 * HOUR;

fn basal(rate_nl_h: u32) -> Command {
    Command::ProgramBasal { rate_nl_h }
}

fn bolus(volume_nl: u32, duration_ms: u32) -> Command {
    Command::ProgramBolus { volume_nl, duration_ms }
}

fn limit(volume_nl: u32, period_s: u32) -> Command {
    Command::ProgramLimit { volume_nl, period_s }
}

/// 0.1 mL over 2 min, whenever the patient wants it.
fn patient(activations: u16) -> Command {
    Command::ProgramPatientBolus { volume_nl: 100_000, duration_ms: 120_000, first_after_s: 0, lockout_s: 0, activations, period_s: DAY_S }
}

/// The most that began in any period, both ends of which may not belong to it.
fn most_in_any(strokes: &[(u64, u32)], period: u64) -> u32 {
    let within = |from: u64| strokes.iter().filter(|(at, _)| (from..from + period).contains(at)).map(|(_, volume)| volume).sum();
    strokes.iter().map(|(at, _)| within(*at)).max().unwrap_or(0)
}

#[test]
fn a_basal_rate_waits_rather_than_pass_the_limit() {
    let mut table = Table::ready();
    // 20 strokes an hour, and no more than 5 in 30 minutes.
    table.prescribe(&[basal(20_000), limit(5_000, 1_800)]);
    table.accepted(Command::Start);
    table.run_for(HOUR + 1);
    let burst: Vec<u64> = (1..=5).map(|n| n * 180).collect();
    // Stroke 6 would be due at 1080 s: it waits until the first one is a whole period old. So does each after it.
    let expected: Vec<_> = [burst.clone(), burst.iter().map(|s| s + 1_800).collect()].concat();
    let strokes = table.strokes();
    assert_eq!(strokes, expected.into_iter().map(|s| (START + s * SECOND, 1_000)).collect::<Vec<_>>());
    assert_eq!(table.times_of(&Did::Notice(Notice::AlarmOn(Alarm::DoseLimit))), [START + 1_080 * SECOND]);
    assert_eq!((table.state(), table.therapy().in_period_nl), (State::Infusing, 5_000));
    table.run_for(3 * DAY);
    assert_eq!(most_in_any(&table.strokes(), 1_800 * SECOND), 5_000);
}

#[test]
fn a_basal_rate_that_just_fills_the_limit_is_never_held() {
    let mut table = Table::ready();
    table.prescribe(&[basal(50_000), limit(1_200_000, DAY_S)]);
    table.accepted(Command::Start);
    table.run_for(3 * DAY);
    assert_eq!(table.strokes().len(), 3 * 1_200);
    assert_eq!(table.times_of(&Did::Notice(Notice::AlarmOn(Alarm::DoseLimit))), []);
    assert_eq!(table.therapy().in_period_nl, 1_200_000);
}

/// What has flowed leaves room for a bolus; with the basal rate of the time after it, it would not: SOURCES §3.3.
#[test]
fn a_bolus_counts_with_the_basal_rate_of_a_whole_further_period() {
    for (volume_nl, fits) in [(520_000, true), (520_001, false)] {
        let mut table = Table::ready();
        table.prescribe(&[basal(20_000), limit(1_000_000, DAY_S)]);
        table.accepted(Command::Start);
        table.run_for(HOUR);
        table.accepted(Command::Stop);
        // Nearly a whole period stands still.
        table.run_for(DAY - HOUR + 1);
        table.accepted(Command::Start);
        assert_eq!(table.therapy().in_period_nl, 20_000);
        table.accepted(bolus(volume_nl, 600_000));
        table.confirm();
        let before = table.strokes().len();
        if fits {
            table.accepted(Command::Start);
        } else {
            table.refused(Command::Start, Refusal::LimitReached);
            assert!(table.status().alarms.contains(Alarm::DoseLimit));
        }
        table.run_for(3 * DAY);
        let given = table.strokes().len() - before;
        assert_eq!(given, 3 * 480 + if fits { 520 } else { 0 });
        assert!(most_in_any(&table.strokes(), DAY) <= 1_000_000);
    }
}

#[test]
fn boluses_of_the_period_count_whoever_asked_for_them() {
    let mut table = Table::ready();
    // 480 µL of basal a day leave room for 5 boluses.
    table.prescribe(&[basal(20_000), limit(1_000_000, DAY_S), patient(64)]);
    table.accepted(bolus(100_000, 120_000));
    table.accepted(Command::Start);
    for _ in 0..4 {
        table.run_for(HOUR);
        table.accepted(Command::PatientBolus);
    }
    table.run_for(HOUR);
    table.refused(Command::PatientBolus, Refusal::LimitReached);
    assert!(table.status().alarms.contains(Alarm::DoseLimit));
    table.accepted(Command::Acknowledge);
    assert!(!table.status().alarms.contains(Alarm::DoseLimit), "nothing waits for it");
    table.accepted(bolus(20_000, 60_000));
    table.accepted(Command::Start);
    table.run_for(2 * 60 * SECOND);
    table.accepted(bolus(1_000, 60_000));
    table.refused(Command::Start, Refusal::LimitReached);
    // The first one is a whole day old.
    table.run_to(START + DAY + 120 * SECOND);
    table.accepted(Command::PatientBolus);
    table.run_for(2 * DAY);
    assert_eq!(most_in_any(&table.strokes(), DAY), 1_000_000);
}

/// Else it would begin, and be cut off.
#[test]
fn what_has_flowed_counts_even_if_the_rate_is_lower_from_now_on() {
    for (volume_nl, fits) in [(4_000, true), (4_001, false)] {
        let mut table = Table::ready();
        table.prescribe(&[basal(36_000), limit(40_000, 3_600)]);
        table.accepted(Command::Start);
        table.run_for(HOUR);
        table.accepted(basal(2_000));
        table.accepted(bolus(volume_nl, 60_000));
        assert_eq!(table.ask(Command::Start) == Response::Accepted, fits);
    }
}

#[test]
fn what_was_begun_before_the_limit_was_confirmed_does_not_count() {
    let mut table = Table::ready();
    table.accepted(bolus(400_000, 600_000));
    table.accepted(Command::Start);
    table.run_for(HOUR);
    table.prescribe(&[limit(100_000, DAY_S)]);
    assert_eq!(table.therapy().in_period_nl, 0);
    table.accepted(bolus(100_000, 120_000));
    table.accepted(Command::Start);
    table.run_for(HOUR);
    // A new volume in the same period goes on with what is remembered.
    table.prescribe(&[limit(150_000, DAY_S)]);
    assert_eq!(table.therapy().in_period_nl, 100_000);
    table.accepted(bolus(50_001, 120_000));
    table.refused(Command::Start, Refusal::LimitReached);
}

#[test]
fn a_limit_holds_from_its_confirmation_on_and_cuts_off_what_runs() {
    let mut table = Table::ready();
    table.accepted(bolus(10_000, 100_000));
    table.accepted(Command::Start);
    table.run_for(25 * SECOND);
    table.prescribe(&[limit(4_000, 600)]);
    table.run_for(HOUR);
    // Three were begun before it, and four after it.
    assert_eq!(table.strokes().len(), 7);
    assert_eq!(table.times_of(&Did::Notice(Notice::AlarmOn(Alarm::DoseLimit))), [START + 70 * SECOND]);
    assert_eq!(table.times_of(&Did::Notice(Notice::State(State::Stopped))), [START + 70 * SECOND]);
    assert!(table.log(0).contains(&(LogCode::DoseCut, 3_000)));
}

#[test]
fn schedules_and_microdoses_count_as_what_they_will_deliver() {
    let step = |minute, rate_nl_h, bolus_nl, bolus_ms| Command::ProgramStep { days: 0x7f, minute, rate_nl_h, bolus_nl, bolus_ms };
    for (mode, room) in [
        (&[Command::ProgramMicrodose { volume_nl: 5_000, duration_ms: 10_000, every_s: 1_800 }][..], 900_000 - 48 * 5_000),
        // 8 h of 30 µL/h and 20 µL.
        (&[step(480, 30_000, 20_000, 60_000), step(960, 0, 0, 0)], 900_000 - 260_000),
        (&[Command::ProgramMinimum], 900_000 - 48_000),
        (&[], 900_000),
    ] {
        for (volume_nl, fits) in [(room, true), (room + 1, false)] {
            let mut table = Table::ready();
            table.prescribe(&[limit(900_000, DAY_S)]);
            for part in mode {
                table.accepted(*part);
            }
            table.accepted(bolus(volume_nl, 3_600_000));
            table.accepted(Command::SetClock { second_of_week: 12_345 });
            if volume_nl > 900_000 {
                // No start at any time could begin it.
                assert_eq!(table.ask_confirm(), Response::Refused(Refusal::Contradiction));
                continue;
            }
            table.confirm();
            if fits {
                table.accepted(Command::Start);
                table.run_for(3 * DAY);
                assert!(most_in_any(&table.strokes(), DAY) <= 900_000);
                assert_eq!(table.times_of(&Did::Notice(Notice::AlarmOn(Alarm::DoseLimit))), [], "{mode:?}");
            } else {
                table.refused(Command::Start, Refusal::LimitReached);
            }
        }
    }
}

#[test]
fn a_priming_and_a_bridge_count_too() {
    for (part, refused) in [
        (Command::ProgramPriming { volume_nl: 100_000 }, false),
        (Command::ProgramPriming { volume_nl: 100_001 }, true),
        (Command::ProgramBridge { volume_nl: 100_000, rate_nl_h: 20_000 }, false),
        (Command::ProgramBridge { volume_nl: 100_001, rate_nl_h: 20_000 }, true),
    ] {
        let mut table = Table::ready();
        table.prescribe(&[part, Command::ProgramConcentration { ng_per_ul: 1 }, limit(580_000, DAY_S), basal(20_000)]);
        if refused {
            table.refused(Command::Start, Refusal::LimitReached);
            assert_eq!(table.strokes(), []);
        } else {
            table.accepted(Command::Start);
        }
    }
}

#[test]
fn after_a_loss_of_power_the_period_counts_as_just_begun() {
    let mut table = Table::ready();
    table.prescribe(&[limit(100_000, 3_600)]);
    table.accepted(bolus(60_000, 60_000));
    table.accepted(Command::Start);
    table.run_for(HOUR - 1);
    table.power_cycle();
    table.run_to(SECOND);
    assert_eq!(table.therapy().in_period_nl, 60_000, "nobody knows how long the power was off");
    table.accepted(bolus(40_001, 60_000));
    table.refused(Command::Start, Refusal::LimitReached);
    table.run_to(HOUR);
    table.accepted(bolus(40_001, 60_000));
    table.accepted(Command::Start);
}

#[test]
fn what_is_older_than_the_period_is_not_counted_again_after_a_loss_of_power() {
    let mut table = Table::ready();
    table.prescribe(&[limit(100_000, 3_600)]);
    table.accepted(bolus(60_000, 60_000));
    table.accepted(Command::Start);
    // Nothing happens but the hourly look at itself.
    table.run_for(3 * HOUR);
    assert_eq!(table.therapy().in_period_nl, 0);
    table.power_cycle();
    table.run_to(SECOND);
    assert_eq!(table.therapy().in_period_nl, 0);
    table.accepted(bolus(60_000, 60_000));
    table.accepted(Command::Start);
}

#[test]
fn an_unanswered_limit_outlives_a_loss_of_power_and_an_answered_one_is_over() {
    for answered in [false, true] {
        let mut table = Table::ready();
        table.prescribe(&[basal(20_000), limit(5_000, 1_800)]);
        table.accepted(Command::Start);
        table.run_for(HOUR / 2);
        if answered {
            table.accepted(Command::Acknowledge);
        }
        assert!(table.status().alarms.contains(Alarm::DoseLimit));
        table.power_cycle();
        table.run_to(SECOND);
        assert_eq!((table.state(), table.status().alarms.contains(Alarm::DoseLimit)), (State::Stopped, !answered));
        assert_eq!(table.edges().iter().filter(|(_, level)| *level).count(), 1 + usize::from(!answered), "beside the chirp");
        table.accepted(Command::Acknowledge);
        assert!(!table.status().alarms.contains(Alarm::DoseLimit), "nothing waits");
    }
}

#[test]
fn each_dose_that_the_limit_denies_is_heard() {
    let mut table = Table::ready();
    table.prescribe(&[
        basal(20_000),
        limit(5_000, 1_800),
        Command::ProgramPatientBolus {
            volume_nl: 1_000,
            duration_ms: 2_000,
            first_after_s: 0,
            lockout_s: 0,
            activations: 9,
            period_s: DAY_S,
        },
    ]);
    table.accepted(Command::Start);
    table.run_for(1_200 * SECOND);
    let raised = |table: &Table| table.times_of(&Did::Notice(Notice::AlarmOn(Alarm::DoseLimit))).len();
    assert_eq!(raised(&table), 1, "the basal rate waits");
    for (answer, told) in [(None, 0), (Some(Command::Acknowledge), 1), (Some(Command::Silence), 1), (None, 0)] {
        if let Some(answer) = answer {
            table.accepted(answer);
        }
        table.run_for(60 * SECOND);
        table.did.clear();
        table.refused(Command::PatientBolus, Refusal::LimitReached);
        table.run_for(60 * SECOND);
        assert_eq!((table.edges().iter().map(|(_, level)| *level).collect::<Vec<_>>(), raised(&table)), (vec![true, false], told));
    }
    table.accepted(Command::Acknowledge);
    assert!(table.status().alarms.contains(Alarm::DoseLimit), "the basal rate still waits");
}

#[test]
fn an_acknowledged_limit_is_told_until_nothing_waits_for_it() {
    let mut table = Table::ready();
    table.prescribe(&[basal(20_000), limit(5_000, 1_800)]);
    table.accepted(Command::Start);
    table.run_for(HOUR / 2);
    assert!(table.status().alarms.contains(Alarm::DoseLimit));
    table.accepted(Command::Acknowledge);
    assert!(table.status().alarms.contains(Alarm::DoseLimit), "the basal rate still waits");
    table.prescribe(&[limit(1_000_000, 1_800)]);
    table.run_for(HOUR);
    assert!(!table.status().alarms.contains(Alarm::DoseLimit));
}

#[test]
fn a_basal_rate_that_waits_goes_on_when_the_limit_is_raised_and_makes_up_for_nothing() {
    let mut table = Table::ready();
    table.prescribe(&[basal(20_000), limit(5_000, DAY_S)]);
    table.accepted(Command::Start);
    table.run_for(HOUR);
    assert_eq!(table.strokes().len(), 5);
    let raised = table.now;
    table.prescribe(&[limit(1_000_000, DAY_S)]);
    table.run_for(HOUR - 1);
    let times: Vec<u64> = table.strokes().iter().skip(5).map(|(at, _)| at - raised).collect();
    assert_eq!(times, (0..20).map(|n| n * 180 * SECOND).collect::<Vec<_>>());
}

#[test]
fn another_mode_ends_the_wait_of_a_basal_rate_and_with_it_the_alarm() {
    let mut table = Table::ready();
    table.prescribe(&[basal(60_000), limit(20_000, 3_600)]);
    table.accepted(Command::Start);
    table.run_for(HOUR / 2);
    assert!(table.status().alarms.contains(Alarm::DoseLimit));
    table.accepted(Command::Acknowledge);
    table.prescribe(&[Command::ProgramMicrodose { volume_nl: 2_000, duration_ms: 10_000, every_s: 7_200 }]);
    table.accepted(Command::Start);
    table.run_for(SECOND);
    assert!(table.status().alarms.contains(Alarm::DoseLimit), "the first microdose does not fit either, and is cut off");
    table.accepted(Command::Acknowledge);
    assert!(!table.status().alarms.contains(Alarm::DoseLimit), "nothing waits");
    table.run_for(10 * HOUR);
    assert!(!table.status().alarms.contains(Alarm::DoseLimit), "each of the others fits");
    // A limit that is told anew gives nothing to a rate that no longer waits.
    let before = table.strokes().len();
    table.prescribe(&[limit(30_000, 3_600)]);
    table.run_for(SECOND);
    assert_eq!(table.strokes().len(), before);
}

#[test]
fn a_stroke_that_is_more_than_the_limit_never_begins() {
    // Two strokes' worth is allowed; a bolus of one and a half is two strokes, the second a small one.
    let mut table = Table::ready();
    table.prescribe(&[limit(1_500, 60)]);
    table.accepted(bolus(1_500, 10_000));
    table.accepted(Command::Start);
    table.run_for(HOUR);
    assert_eq!(table.strokes().iter().map(|(_, volume)| *volume).collect::<Vec<_>>(), [1_000, 500]);
}
