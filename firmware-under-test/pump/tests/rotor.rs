//! The rotor that does not turn: found in three strokes, told, and over when somebody says that he knows.

mod support;

use pump_core::{Config, Input};
use pump_link::{Alarm, Alarms, Command, LogCode, Notice, Refusal, Response, State};
use support::{Did, HOUR, SECOND, Table};

const START: u64 = SECOND;
const STALL: Did = Did::Notice(Notice::AlarmOn(Alarm::MotorStall));

fn stalled() -> Table {
    let mut table = Table::ready();
    table.infuse(36_000);
    table.run_for(150 * SECOND);
    table.rotor = Some(false);
    table.run_for(HOUR);
    table
}

#[test]
fn three_strokes_in_a_row_that_did_not_turn_stop_the_pump() {
    let mut table = stalled();
    // One stroke turned, at 100 s; those at 200, 300 and 400 s did not.
    let at = START + 400_500_000;
    assert_eq!(table.times_of(&STALL), [at]);
    assert_eq!(table.strokes().len(), 4);
    assert_eq!((table.state(), table.status().alarms), (State::Halted, Alarms::NONE.with(Alarm::MotorStall)));
    assert_eq!(table.status().delivered_nl, 4_000, "what was ordered counts as delivered");
    assert_eq!(table.therapy().stalls, 1);
    table.refused(Command::Start, Refusal::AlarmLatched);
    assert_eq!(table.edges()[0], (at, true));
}

#[test]
fn two_that_did_not_turn_and_one_that_did_are_no_stall() {
    let mut table = Table::ready();
    table.infuse(36_000);
    for _ in 0..20 {
        table.rotor = Some(false);
        table.run_for(200 * SECOND);
        table.rotor = Some(true);
        table.run_for(100 * SECOND);
    }
    assert_eq!((table.state(), table.therapy().stalls), (State::Infusing, 0));
}

#[test]
fn it_goes_on_when_the_field_is_gone_and_the_alarm_acknowledged() {
    let mut table = stalled();
    table.rotor = Some(true);
    table.accepted(Command::Acknowledge);
    assert_eq!((table.state(), table.status().alarms), (State::Stopped, Alarms::NONE));
    table.accepted(Command::Start);
    table.did.clear();
    table.run_for(150 * SECOND);
    assert_eq!((table.state(), table.strokes().len()), (State::Infusing, 1));
    let told: Vec<_> = table.log(0).into_iter().filter(|(code, _)| matches!(code, LogCode::StallBegan | LogCode::StallEnded)).collect();
    // The first stroke after the start ends after 100.5 s, that is 49.5 s ago.
    let lasted = table.now - 49_500_000 - (START + 400_500_000);
    assert_eq!(told, [(LogCode::StallBegan, 3), (LogCode::StallEnded, (lasted / SECOND) as u32)]);
}

#[test]
fn acknowledged_in_the_field_it_stalls_again_and_is_counted_again() {
    let mut table = stalled();
    for count in 2..=4 {
        table.accepted(Command::Acknowledge);
        table.accepted(Command::Start);
        table.run_for(HOUR);
        assert_eq!((table.state(), table.therapy().stalls), (State::Halted, count));
    }
    table.power_cycle();
    table.run_to(SECOND);
    assert_eq!((table.state(), table.therapy().stalls), (State::Halted, 4), "told again after a loss of power");
}

#[test]
fn the_last_strokes_of_a_bolus_are_watched_too() {
    let mut table = Table::ready();
    table.rotor = Some(false);
    table.accepted(Command::ProgramBolus { volume_nl: 3_000, duration_ms: 3_000 });
    table.accepted(Command::Start);
    table.run_for(10 * SECOND);
    assert_eq!(table.times_of(&STALL), [START + 2_500_000]);
    assert_eq!(table.state(), State::Halted);
}

#[test]
fn a_late_answer_counts_and_no_answer_is_no_stall() {
    let mut table = Table::ready();
    table.rotor = None;
    table.infuse(36_000);
    table.run_for(2 * HOUR);
    assert_eq!((table.state(), table.strokes().len()), (State::Infusing, 72));
    for _ in 0..3 {
        assert_eq!(table.state(), State::Infusing);
        table.handle(Input::Rotor { turned: false });
    }
    assert_eq!(table.state(), State::Halted);
}

#[test]
fn the_number_of_strokes_is_a_constant_of_the_configuration() {
    let mut config = Config::default();
    config.watch.stall_strokes = 1;
    let mut table = Table::ready_with(config);
    table.rotor = Some(false);
    table.infuse(36_000);
    table.run_for(101 * SECOND);
    assert_eq!((table.state(), table.strokes().len()), (State::Halted, 1));
    let Response::Therapy(told) = table.ask(Command::Therapy) else { panic!("no answer") };
    assert_eq!(told.stalls, 1);
}
