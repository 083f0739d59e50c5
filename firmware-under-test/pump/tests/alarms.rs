//! Occlusion, reservoir and tones, with exact times.

mod support;

use pump_core::{Input, Micros};
use pump_link::{Alarm, Alarms, Command, LogCode, Notice, Refusal, Response, State};
use support::{Did, HOUR, SECOND, Table};

const START: u64 = SECOND;

fn critical_tone(at: u64) -> [(u64, bool); 4] {
    [(at, true), (at + 300_000, false), (at + 500_000, true), (at + 800_000, false)]
}

/// 20 mL/h would be too fast to reach; a nearly empty reservoir is told to the pump instead.
fn with_reservoir(volume_nl: u32) -> Table {
    let mut table = Table::ready();
    table.accepted(Command::Refill { volume_nl });
    table.did.clear();
    table
}

#[test]
fn pressure_is_read_at_the_start_at_each_strokes_end_and_every_minute_while_running() {
    let mut table = Table::ready();
    table.infuse(36_000);
    table.run_for(130 * SECOND);
    assert_eq!(table.times_of(&Did::Sample), [0, 60_000_000, 100_500_000, 120_000_000].map(|us| START + us));
    table.accepted(Command::ShutDown);
    table.did.clear();
    table.run_for(HOUR);
    assert_eq!(table.did, []);
}

#[test]
fn two_readings_above_the_threshold_a_second_apart_are_an_occlusion() {
    let mut table = Table::ready();
    table.infuse(36_000);
    table.run_for(90 * SECOND);
    table.pressure = Some(69_001);
    table.run_for(40 * SECOND);
    let at = START + 101_500_000;
    assert_eq!(table.times_of(&Did::Sample), [START, START + 60_000_000, START + 100_500_000, at]);
    let alarm: Vec<_> = table.did.iter().filter(|(time, _)| *time == at).map(|(_, did)| did.clone()).collect();
    assert_eq!(
        alarm,
        [Did::Sample, Did::Line(true), Did::Notice(Notice::AlarmOn(Alarm::Occlusion)), Did::Notice(Notice::State(State::Halted))]
    );
    let status = table.status();
    assert_eq!((status.state, status.alarms), (State::Halted, Alarms::NONE.with(Alarm::Occlusion)));
}

#[test]
fn at_the_threshold_or_once_above_it_is_no_occlusion() {
    let mut table = Table::ready();
    table.infuse(36_000);
    table.pressure = Some(69_000);
    table.run_for(1_000 * SECOND);
    table.pressure = Some(90_000);
    table.run_to(START + 1_000_500_000);
    table.pressure = Some(10_000);
    table.run_for(1_000 * SECOND);
    // The confirming sample was taken, and was low.
    assert!(table.times_of(&Did::Sample).contains(&(START + 1_001_500_000)));
    assert_eq!(table.state(), State::Infusing);
}

#[test]
fn readings_closer_than_a_second_do_not_confirm() {
    let mut table = Table::ready();
    table.accepted(Command::ProgramBolus { volume_nl: 100_000, duration_ms: 60_000 });
    table.accepted(Command::Start);
    table.pressure = Some(80_000);
    table.run_for(5 * SECOND);
    // First high reading at 0.5 s; 1.1 s is too near; 1.5 s confirms, within the stroke begun at 1.2 s.
    assert_eq!(table.times_of(&Did::Notice(Notice::AlarmOn(Alarm::Occlusion))), [START + 1_500_000]);
    assert_eq!(table.times_of(&Did::Abort), [START + 1_500_000]);
    assert_eq!(table.strokes().len(), 3);
}

#[test]
fn an_answer_that_comes_late_still_counts() {
    let mut table = Table::ready();
    table.infuse(36_000);
    table.pressure = None;
    table.run_to(START + 100_600_000);
    table.handle(Input::Pressure { pascal: 80_000 });
    table.run_to(START + 101_700_000);
    assert!(table.times_of(&Did::Sample).contains(&(START + 101_600_000)));
    table.handle(Input::Pressure { pascal: 80_000 });
    assert_eq!(table.times_of(&Did::Notice(Notice::AlarmOn(Alarm::Occlusion))), [START + 101_700_000]);
}

fn start_bolus(table: &mut Table) -> u64 {
    table.accepted(Command::ProgramBolus { volume_nl: 100_000, duration_ms: 60_000 });
    table.accepted(Command::Start);
    table.now
}

fn occlusions(table: &Table) -> Vec<u64> {
    table.times_of(&Did::Notice(Notice::AlarmOn(Alarm::Occlusion)))
}

#[test]
fn into_a_line_that_is_still_closed_no_stroke_begins() {
    let mut table = Table::ready();
    start_bolus(&mut table);
    table.pressure = Some(80_000);
    table.run_for(5 * SECOND);
    for turn in 1..=5 {
        table.accepted(Command::Acknowledge);
        table.did.clear();
        if turn == 4 {
            table.power_cycle();
        }
        table.run_for(300 * SECOND);
        table.did.clear();
        let at = start_bolus(&mut table);
        table.run_for(60 * SECOND);
        assert_eq!((occlusions(&table), table.strokes()), (vec![at + SECOND], vec![]));
        assert_eq!(table.state(), State::Halted);
    }
    // Open again: all is as at first.
    table.accepted(Command::Acknowledge);
    table.pressure = Some(69_000);
    table.did.clear();
    let at = start_bolus(&mut table);
    table.run_for(60 * SECOND);
    assert_eq!((occlusions(&table), table.strokes().len(), table.strokes()[0]), (vec![], 100, (at, 1_000)));
}

#[test]
fn a_basal_delivery_is_held_as_well() {
    let mut table = Table::ready();
    table.pressure = Some(80_000);
    table.infuse(36_000);
    let at = table.now;
    table.run_for(10 * SECOND);
    assert_eq!((occlusions(&table), table.strokes()), (vec![at + SECOND], vec![]));
}

#[test]
fn small_boluses_that_end_before_a_second_reading_do_not_add_up() {
    let mut table = Table::ready();
    for (pascal, strokes) in [(0, 1), (60_000, 1), (70_000, 0)] {
        table.pressure = Some(pascal);
        table.did.clear();
        table.accepted(Command::ProgramBolus { volume_nl: 1_000, duration_ms: 2_000 });
        table.accepted(Command::Start);
        table.run_for(5 * SECOND);
        assert_eq!((table.strokes().len(), occlusions(&table).len()), (strokes, 1 - strokes), "{pascal} Pa");
    }
}

#[test]
fn a_single_high_reading_at_the_start_delays_a_second_and_no_more() {
    let mut table = Table::ready();
    table.pressure = Some(80_000);
    let at = start_bolus(&mut table);
    table.pressure = Some(0);
    table.run_for(61 * SECOND);
    let strokes = table.strokes();
    assert_eq!((occlusions(&table), strokes.len(), strokes[0].0), (vec![], 100, at + SECOND));
    assert_eq!(strokes[99].0, at + 59_400_000, "it ends in its time");
    assert_eq!(table.state(), State::Stopped);
    // A stop in that second ends the waiting.
    table.pressure = Some(80_000);
    start_bolus(&mut table);
    table.accepted(Command::Stop);
    table.pressure = Some(0);
    table.did.clear();
    let at = start_bolus(&mut table);
    assert_eq!(table.strokes(), [(at, 1_000)]);
}

#[test]
fn a_board_that_answers_nothing_is_believed_unless_it_has_told_of_a_closed_line() {
    // No answer at all.
    let mut table = Table::ready();
    table.pressure = None;
    let at = start_bolus(&mut table);
    table.run_for(2 * SECOND);
    assert_eq!((table.strokes()[0].0, occlusions(&table)), (at + SECOND, vec![]));
    // An answer that comes late.
    table.accepted(Command::Stop);
    table.run_for(SECOND);
    table.did.clear();
    let at = start_bolus(&mut table);
    table.run_for(100_000);
    assert_eq!(table.strokes(), []);
    table.handle(Input::Pressure { pascal: 0 });
    assert_eq!(table.strokes(), [(at + 100_000, 1_000)]);
    // One that tells of a closed line, and then none.
    table.accepted(Command::Stop);
    table.run_for(SECOND);
    table.did.clear();
    table.pressure = Some(80_000);
    let at = start_bolus(&mut table);
    table.pressure = None;
    table.run_for(10 * SECOND);
    assert_eq!((occlusions(&table), table.strokes()), (vec![at + 2 * SECOND], vec![]));
}

#[test]
fn an_occlusion_is_latched_until_it_is_acknowledged_and_cuts_the_bolus_off() {
    let mut table = Table::ready();
    table.accepted(Command::ProgramBasal { rate_nl_h: 36_000 });
    table.accepted(Command::ProgramBolus { volume_nl: 100_000, duration_ms: 60_000 });
    table.accepted(Command::Start);
    table.pressure = Some(80_000);
    table.run_for(10 * SECOND);
    table.pressure = Some(0);
    table.refused(Command::Start, Refusal::AlarmLatched);
    table.run_for(HOUR);
    assert_eq!((table.state(), table.strokes().len()), (State::Halted, 3));
    table.accepted(Command::Acknowledge);
    assert_eq!((table.state(), table.status().alarms), (State::Stopped, Alarms::NONE));
    assert_eq!(table.times_of(&Did::Notice(Notice::AlarmOff(Alarm::Occlusion))), [table.now]);
    let Response::Log { entries } = table.ask(Command::ReadLog { from: 4 }) else { panic!("no log") };
    let told: Vec<_> = entries.iter().map(|entry| (entry.code, entry.value)).collect();
    assert_eq!(
        told,
        [
            (LogCode::Started, 3),
            (LogCode::DoseCut, 97_000),
            (LogCode::AlarmOn, 2),
            (LogCode::Refused, u32::from(Command::Start.code()) << 8 | u32::from(Refusal::AlarmLatched.code())),
            (LogCode::Acknowledged, 0b100),
            (LogCode::AlarmOff, 2)
        ]
    );
    let before = table.strokes().len();
    table.accepted(Command::Start);
    table.run_for(250 * SECOND);
    assert_eq!((table.state(), table.strokes().len() - before), (State::Infusing, 2), "the basal rate alone");
}

#[test]
fn critical_tone_two_beeps_every_ten_minutes_until_acknowledged() {
    let mut table = Table::ready();
    table.infuse(36_000);
    table.pressure = Some(80_000);
    table.run_for(2 * HOUR);
    let at = table.times_of(&Did::Notice(Notice::AlarmOn(Alarm::Occlusion)))[0];
    let expected: Vec<_> = (0..12).flat_map(|n| critical_tone(at + n * 600 * SECOND)).collect();
    assert_eq!(table.edges(), expected);
    table.accepted(Command::Acknowledge);
    table.accepted(Command::ShutDown);
    table.did.clear();
    let acknowledged = table.now;
    table.run_for(HOUR);
    assert_eq!(table.edges(), []);
    assert_eq!(table.pump.next_wakeup(), Some(Micros(acknowledged / HOUR * HOUR + 2 * HOUR + START)), "but for its hourly look at itself");
}

#[test]
fn acknowledging_silences_a_beep_in_the_middle() {
    let mut table = with_reservoir(1_999_000);
    assert_eq!(table.status().alarms, Alarms::NONE.with(Alarm::LowReservoir));
    let mut table = with_reservoir(2_000_000);
    table.infuse(36_000);
    table.run_for(100_600_000);
    table.accepted(Command::Acknowledge);
    assert_eq!(table.edges(), [(START + 100_500_000, true), (START + 100_600_000, false)]);
}

#[test]
fn low_reservoir_is_one_beep_every_hour_and_the_pump_goes_on() {
    let mut table = with_reservoir(2_000_000);
    table.infuse(36_000);
    table.run_for(4 * HOUR);
    let at = START + 100_500_000;
    assert_eq!(table.times_of(&Did::Notice(Notice::AlarmOn(Alarm::LowReservoir))), [at]);
    let expected: Vec<_> = (0..4).flat_map(|n| [(at + n * HOUR, true), (at + n * HOUR + 300_000, false)]).collect();
    assert_eq!(table.edges(), expected);
    assert_eq!(table.state(), State::Infusing);
    table.accepted(Command::Acknowledge);
    assert!(table.status().alarms.contains(Alarm::LowReservoir), "acknowledged, and still low");
    table.did.clear();
    table.run_for(4 * HOUR);
    assert_eq!(table.edges(), []);
    table.accepted(Command::Refill { volume_nl: 2_000_000 });
    assert_eq!(table.times_of(&Did::Notice(Notice::AlarmOff(Alarm::LowReservoir))), [table.now]);
}

#[test]
fn empty_stops_after_the_stroke_and_stays_until_acknowledged_and_refilled() {
    for acknowledge_first in [true, false] {
        let mut table = with_reservoir(501_000);
        table.infuse(36_000);
        table.run_for(HOUR);
        // 501 → 500 is not below 500 µL; the second stroke is.
        let at = START + 200_500_000;
        assert_eq!(table.strokes(), [(START + 100_000_000, 1_000), (START + 200_000_000, 1_000)]);
        assert_eq!(table.times_of(&Did::Notice(Notice::AlarmOn(Alarm::EmptyReservoir))), [at]);
        assert_eq!((table.state(), table.status().reservoir_nl), (State::Halted, 499_000));
        table.refused(Command::Start, Refusal::AlarmLatched);
        let steps = [Command::Acknowledge, Command::Refill { volume_nl: 20_000_000 }];
        let (first, second) = if acknowledge_first { (steps[0], steps[1]) } else { (steps[1], steps[0]) };
        table.accepted(first);
        assert_eq!(table.state(), State::Halted);
        table.accepted(second);
        assert_eq!((table.state(), table.status().alarms), (State::Stopped, Alarms::NONE));
        table.accepted(Command::Start);
        assert_eq!(table.state(), State::Infusing);
    }
}

#[test]
fn start_is_refused_below_the_empty_threshold() {
    let mut table = with_reservoir(499_999);
    table.accepted(Command::ProgramBasal { rate_nl_h: 36_000 });
    table.refused(Command::Start, Refusal::ReservoirTooLow);
    table.accepted(Command::Refill { volume_nl: 500_000 });
    table.accepted(Command::Start);
}

#[test]
fn a_critical_tone_pre_empts_a_non_critical_one_with_an_edge_of_its_own() {
    let mut table = Table::ready();
    table.infuse(36_000);
    table.run_for(99 * SECOND);
    table.pressure = Some(80_000);
    // High at 100.5 s, occlusion at 101.5 s; the low warning begins to beep 0.1 s before.
    table.run_to(START + 101_400_000);
    table.accepted(Command::Refill { volume_nl: 1_000_000 });
    table.run_for(HOUR);
    let at = START + 101_500_000;
    let mut expected = vec![(at - 100_000, true), (at, false)];
    expected.extend((0..6).flat_map(|n| critical_tone(at + n * 600 * SECOND)));
    assert_eq!(table.edges()[..26], expected[..]);
}
