//! The patient's bolus: lockouts, activations, what it interrupts, and the button.

mod support;

use pump_core::Input;
use pump_link::{Alarm, Command, LogCode, Notice, Refusal, Response, State};
use support::{Did, HOUR, SECOND, Table};

const MINUTE: u64 = 60 * SECOND;
const START: u64 = SECOND;

fn bolus(volume_nl: u32, duration_ms: u32) -> Command {
    Command::ProgramBolus { volume_nl, duration_ms }
}

fn rule(first_after_s: u32, lockout_s: u32, activations: u16, period_s: u32) -> Command {
    Command::ProgramPatientBolus { volume_nl: 4_000, duration_ms: 8_000, first_after_s, lockout_s, activations, period_s }
}

fn infusing_with(rule: Command) -> Table {
    let mut table = Table::ready();
    table.prescribe(&[Command::ProgramBasal { rate_nl_h: 20_000 }, rule]);
    table.accepted(Command::Start);
    table.did.clear();
    table
}

/// Presses as one edge down and one up.
fn press(table: &mut Table, us: u64) {
    table.handle(Input::Button { pressed: true });
    table.run_for(us);
    table.handle(Input::Button { pressed: false });
}

#[test]
fn lockouts_and_activations_to_the_second() {
    // First after 10 min, 4 min from one to the next, 3 in an hour.
    let mut table = infusing_with(rule(600, 240, 3, 3_600));
    for (at, answer) in [
        (0, Some(Refusal::LockedOut)),
        (599_999_999, Some(Refusal::LockedOut)),
        (600_000_000, None),
        (600_000_001, Some(Refusal::LockedOut)),
        (839_999_999, Some(Refusal::LockedOut)),
        (840_000_000, None),
        (1_080_000_000, None),
        (1_320_000_000, Some(Refusal::LimitReached)),
        (4_199_999_999, Some(Refusal::LimitReached)),
        // The first one is an hour old.
        (4_200_000_000, None),
        (4_439_999_999, Some(Refusal::LockedOut)),
        (4_440_000_000, None),
    ] {
        table.run_to(START + at);
        let expected = answer.map_or(Response::Accepted, Response::Refused);
        assert_eq!(table.ask(Command::PatientBolus), expected, "at {at} µs");
    }
    assert!(!table.status().alarms.contains(Alarm::DoseLimit), "too many is no dose limit");
    let told: Vec<_> =
        table.log(0).into_iter().filter(|(code, _)| matches!(code, LogCode::PatientBolusStarted | LogCode::PatientBolusDenied)).collect();
    let denied = |why: Refusal| (LogCode::PatientBolusDenied, u32::from(why.code()));
    assert_eq!(told[..4], [denied(Refusal::LockedOut), denied(Refusal::LockedOut), (LogCode::PatientBolusStarted, 4_000), told[0]]);
    assert_eq!(told.len(), 12);
}

#[test]
fn activations_and_lockout_are_told() {
    let mut table = infusing_with(rule(600, 240, 3, 3_600));
    assert_eq!((table.therapy().locked_out_s, table.therapy().activations), (600, 0));
    table.run_for(599 * SECOND + 1);
    assert_eq!(table.therapy().locked_out_s, 1);
    table.run_to(START + 600 * SECOND);
    assert_eq!(table.therapy().locked_out_s, 0);
    table.accepted(Command::PatientBolus);
    assert_eq!((table.therapy().locked_out_s, table.therapy().activations), (240, 1));
    table.run_for(HOUR);
    assert_eq!((table.therapy().locked_out_s, table.therapy().activations), (0, 0));
}

#[test]
fn it_interrupts_a_bolus_which_then_goes_on_with_what_was_left() {
    let mut table = Table::ready();
    table.prescribe(&[rule(0, 240, 3, 3_600)]);
    table.accepted(bolus(6_000, 60_000));
    table.accepted(Command::Start);
    table.run_for(24 * SECOND);
    table.accepted(Command::PatientBolus);
    assert_eq!((table.state(), table.status().bolus_left_nl), (State::PatientBolus, 3_000));
    table.run_for(MINUTE);
    // Strokes of the clinician's at 0, 10, 20 s; the patient's at 24, 26, 28, 30 s, the last of which ends at 30.5 s: the rest comes 6.5 s later.
    let expected = [0, 10_000, 20_000, 24_000, 26_000, 28_000, 30_000, 36_500, 46_500, 56_500].map(|ms| (START + ms * 1_000, 1_000));
    assert_eq!(table.strokes(), expected);
    let states: Vec<_> = table
        .did
        .iter()
        .filter_map(|(at, did)| if let Did::Notice(Notice::State(state)) = did { Some((at - START, *state)) } else { None })
        .collect();
    assert_eq!(states, [(0, State::Bolus), (24_000_000, State::PatientBolus), (30_500_000, State::Bolus), (57_000_000, State::Stopped)]);
    let done: Vec<_> = table.log(0).into_iter().filter(|(code, _)| *code == LogCode::DoseDone).collect();
    assert_eq!(done, [(LogCode::DoseDone, 4_000), (LogCode::DoseDone, 6_000)]);
}

#[test]
fn the_basal_rate_goes_on_below_it() {
    let mut table = infusing_with(rule(0, 240, 3, 3_600));
    table.run_for(178 * SECOND);
    table.accepted(Command::PatientBolus);
    table.run_for(3 * MINUTE);
    // The basal stroke of 180 s waits for that of the bolus.
    let expected = [178_000, 180_000, 180_500, 182_000, 184_000].map(|ms| (START + ms * 1_000, 1_000));
    assert_eq!(table.strokes(), expected);
}

#[test]
fn where_nothing_runs_or_an_alarm_stands_there_is_none() {
    let mut table = Table::ready();
    table.refused(Command::PatientBolus, Refusal::OutOfOrder);
    table.prescribe(&[rule(0, 0, 3, 3_600)]);
    table.refused(Command::PatientBolus, Refusal::OutOfOrder);
    table.accepted(Command::ProgramPriming { volume_nl: 10_000 });
    table.accepted(Command::Start);
    table.refused(Command::PatientBolus, Refusal::OutOfOrder);
    table.run_for(MINUTE);
    table.infuse(20_000);
    table.pressure = Some(80_000);
    table.run_for(5 * MINUTE);
    assert_eq!(table.state(), State::Halted);
    table.refused(Command::PatientBolus, Refusal::AlarmLatched);
    table.pressure = Some(0);
    table.accepted(Command::Acknowledge);
    table.accepted(Command::ShutDown);
    table.refused(Command::PatientBolus, Refusal::OutOfOrder);
    let mut table = Table::ready();
    table.infuse(20_000);
    table.refused(Command::PatientBolus, Refusal::NothingProgrammed);
}

#[test]
fn one_runs_at_a_time_and_a_stop_cuts_it_off() {
    let mut table = infusing_with(rule(0, 0, 3, 3_600));
    table.accepted(Command::PatientBolus);
    table.refused(Command::PatientBolus, Refusal::AlreadyRunning);
    table.run_for(3 * SECOND);
    table.accepted(Command::Stop);
    table.run_for(HOUR);
    assert_eq!(table.strokes().len(), 2);
    assert!(table.log(0).contains(&(LogCode::DoseCut, 2_000)));
}

#[test]
fn a_reservoir_that_can_not_give_all_of_it_gives_none() {
    let mut table = infusing_with(rule(0, 0, 3, 3_600));
    table.accepted(Command::Refill { volume_nl: 503_999 });
    table.refused(Command::PatientBolus, Refusal::ReservoirTooLow);
    table.accepted(Command::Refill { volume_nl: 504_000 });
    table.accepted(Command::PatientBolus);
}

#[test]
fn the_rule_holds_from_its_confirmation_on_and_anew_after_a_refill() {
    let mut table = infusing_with(rule(600, 0, 64, 3_600));
    table.run_for(10 * MINUTE);
    table.accepted(Command::PatientBolus);
    table.run_for(MINUTE);
    table.prescribe(&[rule(600, 0, 64, 3_600)]);
    table.refused(Command::PatientBolus, Refusal::LockedOut);
    table.run_for(10 * MINUTE);
    table.accepted(Command::PatientBolus);
    table.run_for(MINUTE);
    table.accepted(Command::Refill { volume_nl: 20_000_000 });
    table.refused(Command::PatientBolus, Refusal::LockedOut);
    table.run_for(10 * MINUTE);
    table.accepted(Command::PatientBolus);
    table.run_for(MINUTE);
    table.prescribe(&[rule(0, 0, 0, 3_600)]);
    table.refused(Command::PatientBolus, Refusal::NothingProgrammed);
}

#[test]
fn after_a_loss_of_power_the_lockout_begins_anew() {
    let mut table = infusing_with(rule(600, 240, 2, 3_600));
    table.run_for(5 * MINUTE);
    table.power_cycle();
    table.run_to(SECOND);
    // What was left of the first lockout when it was last stored, that is at the stroke of 180 s.
    assert_eq!(table.therapy().locked_out_s, 600 - 180 - 1);
    table.accepted(Command::Start);
    table.run_to(420 * SECOND);
    table.accepted(Command::PatientBolus);
    table.run_for(5 * MINUTE);
    table.power_cycle();
    table.run_to(SECOND);
    assert_eq!((table.therapy().locked_out_s, table.therapy().activations), (239, 1));
    table.accepted(Command::Start);
    table.run_to(240 * SECOND);
    table.accepted(Command::PatientBolus);
    table.run_to(HOUR - 1);
    table.refused(Command::PatientBolus, Refusal::LimitReached);
    table.run_to(HOUR);
    table.accepted(Command::PatientBolus);
}

#[test]
fn without_a_rule_what_the_patient_had_is_not_forgotten_with_the_power() {
    let withdrawn = rule(0, 240, 0, 3_600);
    for (hours, activations) in [(0, 2), (24 * 7 - 1, 1), (24 * 7, 0)] {
        let mut table = infusing_with(rule(0, 240, 2, 3_600));
        table.accepted(Command::PatientBolus);
        table.run_for(20 * MINUTE);
        table.accepted(Command::PatientBolus);
        table.run_for(MINUTE);
        table.prescribe(&[withdrawn]);
        table.accepted(Command::Stop);
        table.run_for(hours * HOUR + 50 * MINUTE * u64::from(hours > 0));
        for _ in 0..2 {
            table.power_cycle();
            table.run_to(SECOND);
        }
        table.prescribe(&[rule(0, 240, 2, 3_600)]);
        let locked = if activations > 0 { 239 } else { 0 };
        assert_eq!((table.therapy().activations, table.therapy().locked_out_s), (activations, locked), "after {hours} h");
    }
}

#[test]
fn the_button_is_heard_after_fifty_milliseconds_and_once() {
    let mut table = infusing_with(rule(0, 60, 60, 3_600));
    press(&mut table, 49_999);
    table.run_for(SECOND);
    assert_eq!(table.times_of(&Did::Notice(Notice::State(State::PatientBolus))), []);
    let down = table.now;
    for edge in 1..=6 {
        table.handle(Input::Button { pressed: edge % 2 == 1 });
        table.run_for(4_000);
    }
    table.handle(Input::Button { pressed: true });
    table.run_for(20 * MINUTE);
    table.handle(Input::Button { pressed: false });
    assert_eq!(table.times_of(&Did::Notice(Notice::State(State::PatientBolus))), [down + 24_000 + 50_000]);
    table.run_for(49_999);
    press(&mut table, 300_000);
    assert_eq!(table.state(), State::Infusing, "the contact bounced");
    table.run_for(50_000);
    press(&mut table, 300_000);
    assert_eq!(table.state(), State::PatientBolus);
}

#[test]
fn a_press_that_is_denied_is_in_the_log() {
    let mut table = Table::ready();
    press(&mut table, 300_000);
    assert_eq!(table.log(0).last(), Some(&(LogCode::PatientBolusDenied, u32::from(Refusal::OutOfOrder.code()))));
    let mut table = Table::power_on(pump_core::Config::default(), None);
    press(&mut table, 300_000);
    table.run_to(HOUR);
    assert!(table.log(0).contains(&(LogCode::PatientBolusDenied, u32::from(Refusal::SelfTestRunning.code()))));
    assert_eq!(table.strokes(), []);
}
