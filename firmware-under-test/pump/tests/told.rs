//! What the pump tells: silence, priorities, what comes again, reminders, and the patient's diary.

mod support;

use pump_core::{Config, DIARY_KEPT, Input};
use pump_link::{Alarm, Alarms, Command, LogCode, Notice, Refusal, State};
use support::{Did, HOUR, SECOND, Table};

const START: u64 = SECOND;
const MINUTE: u64 = 60 * SECOND;

fn critical_tone(at: u64) -> [(u64, bool); 4] {
    [(at, true), (at + 300_000, false), (at + 500_000, true), (at + 800_000, false)]
}

fn one_beep(at: u64) -> [(u64, bool); 2] {
    [(at, true), (at + 300_000, false)]
}

/// Low reservoir, which stays; the record is empty, and the beep over.
fn low() -> Table {
    let mut table = Table::ready();
    table.accepted(Command::Refill { volume_nl: 1_500_000 });
    table.run_for(MINUTE);
    table.did.clear();
    table
}

fn occluded(table: &mut Table) -> u64 {
    table.infuse(36_000);
    table.pressure = Some(80_000);
    table.run_for(102 * SECOND);
    table.pressure = Some(0);
    table.times_of(&Did::Notice(Notice::AlarmOn(Alarm::Occlusion)))[0]
}

#[test]
fn a_silenced_alarm_returns_after_two_minutes() {
    let mut table = low();
    for _ in 0..3 {
        table.accepted(Command::Silence);
        let silent_until = table.now + 2 * MINUTE;
        table.run_for(5 * MINUTE);
        assert_eq!(table.edges(), one_beep(silent_until));
        table.did.clear();
    }
    assert_eq!(table.status().alarms, Alarms::NONE.with(Alarm::LowReservoir), "and was active all the time");
    assert_eq!(table.log(0).last(), Some(&(LogCode::Silenced, 1)));
}

#[test]
fn silence_ends_a_tone_within_it_and_is_nothing_with_nothing_to_silence() {
    let mut table = Table::ready();
    let entries = table.log(0).len();
    table.accepted(Command::Silence);
    assert_eq!(table.log(0).len(), entries);
    let at = occluded(&mut table);
    table.did.clear();
    table.run_to(at + 600 * SECOND + 100_000);
    table.accepted(Command::Silence);
    assert_eq!(table.edges(), [(at + 600 * SECOND, true), (table.now, false)]);
}

#[test]
fn a_new_alarm_sounds_at_once_in_a_silence() {
    let mut table = low();
    table.accepted(Command::Silence);
    table.handle(Input::Supply { millivolt: 2_190, temperature_dc: 370 });
    assert_eq!(table.edges(), [(table.now, true)], "of the same class");
    table.run_for(SECOND);
    table.accepted(Command::Silence);
    table.did.clear();
    let at = occluded(&mut table);
    assert_eq!(table.edges()[..4], critical_tone(at), "and of a worse one");
}

#[test]
fn a_new_alarm_of_the_class_that_sounds_is_heard_at_once() {
    let mut table = low();
    table.run_for(20 * MINUTE);
    let at = table.now;
    table.handle(Input::Supply { millivolt: 2_190, temperature_dc: 370 });
    table.supply = None;
    table.run_for(90 * MINUTE);
    assert_eq!(table.edges(), [one_beep(at), one_beep(at + HOUR)].concat(), "and the hour counts from it");
}

#[test]
fn an_acknowledged_alarm_hides_no_new_one_and_a_worse_one_is_not_disturbed() {
    let mut table = low();
    table.accepted(Command::Acknowledge);
    let at = occluded(&mut table);
    table.did.clear();
    table.handle(Input::Supply { millivolt: 2_190, temperature_dc: 370 });
    table.supply = Some((2_190, 370));
    table.run_to(at + 21 * MINUTE);
    assert_eq!(table.edges(), [critical_tone(at + 10 * MINUTE), critical_tone(at + 20 * MINUTE)].concat());
    table.accepted(Command::Acknowledge);
    table.did.clear();
    table.run_for(2 * HOUR);
    assert_eq!(table.times_of(&Did::Notice(Notice::AlarmOn(Alarm::LowReservoir))), []);
}

#[test]
fn a_critical_alarm_that_stays_is_told_again_each_day() {
    let mut table = Table::ready();
    table.accepted(Command::Refill { volume_nl: 500_000 });
    table.infuse(36_000);
    table.run_for(HOUR);
    assert_eq!(table.state(), State::Halted);
    for _ in 0..3 {
        table.accepted(Command::Acknowledge);
        table.did.clear();
        let again = table.now + 24 * HOUR;
        table.run_to(again - 1);
        assert_eq!((table.edges(), table.notices_of_alarms()), (vec![], vec![]));
        table.run_to(again + MINUTE);
        assert_eq!(table.edges(), critical_tone(again));
        assert_eq!(table.notices_of_alarms(), [Notice::AlarmOn(Alarm::EmptyReservoir)], "the low reservoir is not critical");
    }
    table.accepted(Command::Refill { volume_nl: 20_000_000 });
    table.accepted(Command::Acknowledge);
    assert_eq!(table.state(), State::Stopped);
    table.accepted(Command::Start);
    table.did.clear();
    table.run_for(30 * HOUR);
    assert_eq!(table.edges(), []);
}

#[test]
fn it_is_told_again_after_a_loss_of_power_too() {
    let mut table = Table::ready();
    table.accepted(Command::Refill { volume_nl: 500_000 });
    table.infuse(36_000);
    table.run_for(HOUR);
    table.accepted(Command::Acknowledge);
    table.power_cycle();
    table.run_to(SECOND + 24 * HOUR);
    assert!(table.edges().contains(&(SECOND + 24 * HOUR, true)));
}

#[test]
fn the_same_alarm_three_times_in_ten_minutes_stops_the_pump() {
    // Occlusions come 101.5 s after a start.
    for (pause, repeated) in [(0, true), (140 * SECOND, true), (260 * SECOND, false)] {
        let mut table = Table::ready();
        for _ in 0..2 {
            occluded(&mut table);
            table.accepted(Command::Acknowledge);
            assert_eq!(table.state(), State::Stopped);
            table.did.clear();
            table.run_for(pause);
        }
        occluded(&mut table);
        table.accepted(Command::Acknowledge);
        let expected = if repeated { (State::Halted, Alarms::NONE.with(Alarm::AlarmRepeated)) } else { (State::Stopped, Alarms::NONE) };
        assert_eq!((table.state(), table.status().alarms), expected, "{pause}");
        if repeated {
            table.refused(Command::Start, Refusal::AlarmLatched);
            table.accepted(Command::Acknowledge);
            assert_eq!(table.state(), State::Stopped);
            table.accepted(Command::Start);
        }
    }
}

#[test]
fn a_warning_that_comes_and_goes_stops_a_pump_that_runs() {
    let mut table = Table::ready();
    table.infuse(20_000);
    table.run_for(SECOND);
    for _ in 0..3 {
        assert_eq!(table.state(), State::Infusing);
        table.handle(Input::Supply { millivolt: 2_190, temperature_dc: 370 });
        table.accepted(Command::Acknowledge);
        table.run_for(MINUTE);
    }
    assert_eq!(table.state(), State::Halted);
    assert!(table.status().alarms.contains(Alarm::AlarmRepeated));
}

#[test]
fn a_pump_that_was_stopped_and_forgotten_reminds_each_hour() {
    let mut table = Table::ready();
    table.infuse(20_000);
    table.run_for(MINUTE);
    table.accepted(Command::Stop);
    let stopped = table.now;
    table.did.clear();
    table.run_for(10 * MINUTE - 1);
    assert_eq!((table.edges(), table.status().alarms), (vec![], Alarms::NONE));
    table.run_for(3 * HOUR);
    let at = stopped + 10 * MINUTE;
    assert_eq!(table.edges(), [one_beep(at), one_beep(at + HOUR), one_beep(at + 2 * HOUR)].concat());
    table.accepted(Command::Acknowledge);
    assert_eq!(table.status().alarms, Alarms::NONE);
    table.did.clear();
    table.run_for(HOUR);
    assert_eq!(table.edges(), one_beep(at + 3 * HOUR), "acknowledged, and still stopped");
    table.accepted(Command::Start);
    table.did.clear();
    table.run_for(5 * HOUR);
    assert_eq!((table.edges(), table.status().alarms), (vec![], Alarms::NONE));
}

#[test]
fn who_means_it_is_not_reminded() {
    for how in ["shut down", "never started", "a bolus that came to its end", "factory reset"] {
        let mut table = Table::ready();
        match how {
            "shut down" => {
                table.infuse(20_000);
                table.run_for(MINUTE);
                table.accepted(Command::ShutDown);
                table.run_for(SECOND);
                assert_eq!(table.state(), State::ShutDown);
                assert!(table.log(0).iter().any(|entry| *entry == (LogCode::ShutDown, u32::from(State::Infusing.code()))));
            }
            "never started" => table.accepted(Command::ProgramBasal { rate_nl_h: 20_000 }),
            "factory reset" => {
                table.infuse(20_000);
                table.accepted(Command::Stop);
                table.accepted(Command::FactoryReset);
            }
            _ => {
                table.accepted(Command::ProgramBolus { volume_nl: 2_000, duration_ms: 2_000 });
                table.accepted(Command::Start);
            }
        }
        table.did.clear();
        table.run_for(5 * HOUR);
        assert_eq!(table.edges(), [], "{how}");
    }
}

#[test]
fn a_shut_down_outlives_a_loss_of_power_and_ends_with_a_start() {
    let mut table = Table::ready();
    table.infuse(20_000);
    table.run_to(START + 180 * SECOND + 100_000);
    table.accepted(Command::ShutDown);
    assert_eq!(table.state(), State::Infusing, "the stroke in progress is finished");
    table.run_for(SECOND);
    table.power_cycle();
    table.run_to(SECOND);
    assert_eq!(table.state(), State::ShutDown);
    table.run_for(2 * HOUR);
    assert_eq!((table.strokes(), table.edges().len()), (vec![], 2), "the chirp alone");
    table.accepted(Command::Start);
    assert_eq!(table.state(), State::Infusing);
}

#[test]
fn a_therapy_that_a_loss_of_power_ended_is_missed() {
    let mut table = Table::ready();
    table.infuse(20_000);
    table.power_cycle();
    table.run_to(SECOND + HOUR);
    assert_eq!(table.times_of(&Did::Notice(Notice::AlarmOn(Alarm::StoppedTooLong))), [SECOND + 10 * MINUTE]);
}

#[test]
fn the_diary_is_told_in_its_place_and_outlives_a_loss_of_power() {
    let mut table = Table::ready();
    for score in 0..=10 {
        table.accepted(Command::RecordPain { score });
        table.run_for(MINUTE);
        table.accepted(Command::Refill { volume_nl: 10_000_000 });
    }
    table.accepted(Command::RecordEvent { code: 255 });
    table.refused(Command::RecordPain { score: 11 }, Refusal::Malformed);
    let before = table.entries();
    assert!(before.iter().map(|entry| entry.number).eq(1..=before.len() as u32), "without gaps");
    assert!(before.is_sorted_by_key(|entry| entry.uptime_us));
    table.power_cycle();
    table.run_to(SECOND);
    let after = table.entries();
    assert!(after.is_sorted_by(|a, b| a.number < b.number), "no number twice");
    let diary = |entry: &&pump_link::LogEntry| matches!(entry.code, LogCode::PainScore | LogCode::PatientEvent);
    let kept: Vec<_> = after.iter().filter(diary).collect();
    assert_eq!(kept, before.iter().filter(diary).collect::<Vec<_>>());
    assert_eq!(kept.len(), 12);
    assert_eq!((kept[6].value, kept[6].uptime_us), (6, START + 6 * MINUTE));
}

#[test]
fn a_diary_keeps_the_newest_and_the_log_does_not_push_it_out() {
    let mut table = Table::ready();
    for n in 0..100 {
        table.accepted(Command::RecordEvent { code: n });
    }
    for _ in 0..200 {
        table.accepted(Command::Refill { volume_nl: 10_000_000 });
    }
    let kept: Vec<_> = table.log(0).into_iter().filter(|(code, _)| *code == LogCode::PatientEvent).map(|(_, value)| value).collect();
    assert!(kept.iter().copied().eq(36..100));
    assert_eq!(kept.len(), DIARY_KEPT);
    table.power_cycle();
    table.run_to(SECOND);
    assert_eq!(table.log(0).iter().filter(|(code, _)| *code == LogCode::PatientEvent).count(), DIARY_KEPT);
    table.accepted(Command::FactoryReset);
    assert_eq!(table.log(0), [(LogCode::FactoryReset, 0)], "another patient's");
}

#[test]
fn refused_commands_are_logged_once() {
    let mut table = Table::ready();
    table.refused(Command::Start, Refusal::NothingProgrammed);
    let again = pump_link::Request { session: table.session, seq: table.seq, command: Command::Start };
    table.send(again);
    let refused = u32::from(Command::Start.code()) << 8 | u32::from(Refusal::NothingProgrammed.code());
    assert_eq!(table.log(0).iter().filter(|entry| **entry == (LogCode::Refused, refused)).count(), 1);
}

#[test]
fn tones_and_times_are_constants_of_the_configuration() {
    let mut config = Config::default();
    config.tones.beep_us = 1_000;
    config.tones.remind_after_us = 5_000_000;
    config.tones.remind_every_us = 10_000_000;
    config.tones.non_critical_every_us = 100_000_000;
    let mut table = Table::ready_with(config);
    table.infuse(20_000);
    table.accepted(Command::Stop);
    table.did.clear();
    table.run_for(MINUTE);
    assert_eq!(table.edges(), [(START + 5_000_000, true), (START + 5_001_000, false)]);
}

#[test]
fn the_trial_pump_is_another_configuration_of_the_same_core() {
    let mut table = Table::ready_with(Config::trial());
    let pump_link::Response::Identity(identity) = table.ask(Command::Identify) else { panic!("no identity") };
    assert_eq!(identity.model.as_str(), "RP-1T trial");
    assert_eq!(table.status().reservoir_nl, 100_000_000);
    table.refused(Command::ProgramBasal { rate_nl_h: 9_999 }, Refusal::RateOutOfRange);
    table.infuse(10_000_000);
    table.run_for(HOUR);
    assert_eq!(table.status().delivered_nl, 10_000_000);
    assert!(table.strokes().iter().all(|(_, volume)| *volume == 2_000));
}
