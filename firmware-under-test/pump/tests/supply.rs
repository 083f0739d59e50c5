//! Battery, supply, temperature and the reasons of a reset.

mod support;

use pump_core::{BATTERY_CURVE, Config, Input, ResetCause};
use pump_link::{Alarm, Alarms, Command, LogCode, Notice, Refusal, State};
use support::{Did, HOUR, SECOND, Table};

const START: u64 = SECOND;
const MINUTE: u64 = 60 * SECOND;
const FULL: (u32, i16) = (3_150, 370);

fn raised(table: &Table, alarm: Alarm) -> Vec<u64> {
    table.times_of(&Did::Notice(Notice::AlarmOn(alarm)))
}

fn cleared(table: &Table, alarm: Alarm) -> Vec<u64> {
    table.times_of(&Did::Notice(Notice::AlarmOff(alarm)))
}

/// At 20 µL/h, half an hour after the start: the voltage under load was read with the first stroke, and will be with the 21st.
fn running() -> Table {
    let mut table = Table::ready();
    table.infuse(20_000);
    table.run_for(HOUR / 2);
    table
}

fn only(alarm: Alarm) -> Alarms {
    Alarms::NONE.with(alarm)
}

#[test]
fn voltage_and_temperature_are_told() {
    let mut table = Table::power_on(Config::default(), None);
    table.run_to(START);
    assert_eq!(table.therapy().battery_mv, 3_150, "read in the self-test");
    table.supply = Some((2_900, 381));
    table.run_for(HOUR);
    let told = table.therapy();
    assert_eq!((told.battery_mv, told.temperature_dc), (2_900, 381));
    // 60 % of 5.04 C at 2.364 C a day.
    assert_eq!(told.battery_days, 1_279);
}

#[test]
fn replacement_is_warned_of_at_ninety_days_and_the_pump_goes_on() {
    let mut table = running();
    // 4.3 % are 91 days, 4.2 % are 89.
    table.supply = Some((2_465, 370));
    table.run_for(HOUR / 2 + SECOND);
    assert_eq!((table.therapy().battery_days, table.status().alarms), (91, Alarms::NONE));
    table.supply = Some((2_460, 370));
    table.run_for(HOUR);
    assert_eq!((table.therapy().battery_days, table.status().alarms), (89, only(Alarm::ReplaceSoon)));
    assert_eq!((table.state(), raised(&table, Alarm::ReplaceSoon)), (State::Infusing, vec![START + 2 * HOUR + 500_000]));
    assert!(table.log(0).contains(&(LogCode::Battery, 42)));
    table.accepted(Command::Acknowledge);
    table.did.clear();
    table.run_for(100 * HOUR);
    assert_eq!((table.edges(), table.status().alarms), (vec![], only(Alarm::ReplaceSoon)), "known, and still so");
    table.power_cycle();
    table.run_to(START);
    assert_eq!(table.status().alarms, only(Alarm::ReplaceSoon));
}

#[test]
fn counted_charge_warns_too_when_the_voltage_does_not() {
    let mut config = Config::default();
    // A hundredth of the battery lasts for 21 days at half a millilitre a day.
    config.battery.capacity_uc /= 100;
    config.battery.replace_soon_days = 5;
    let mut table = Table::ready_with(config);
    table.infuse(20_833);
    table.run_for(15 * 24 * HOUR);
    assert_eq!(table.status().alarms, Alarms::NONE);
    table.run_for(2 * 24 * HOUR);
    assert_eq!(table.status().alarms, only(Alarm::ReplaceSoon));
    table.run_for(5 * 24 * HOUR);
    assert!(table.status().alarms.contains(Alarm::EndOfService));
    assert_eq!(table.state(), State::Halted);
}

#[test]
fn what_was_counted_outlives_a_loss_of_power() {
    let mut table = Table::ready();
    table.supply = None;
    table.infuse(1_000_000);
    for _ in 0..12 {
        table.run_for(12 * HOUR);
        table.accepted(Command::Refill { volume_nl: 20_000_000 });
    }
    let before = table.therapy().battery_days;
    assert!((170..200).contains(&before), "{before} days at 24 mL/day");
    table.power_cycle();
    table.run_to(START);
    assert_eq!(table.therapy().battery_days, before);
}

#[test]
fn a_spent_battery_ends_delivery_for_good() {
    let mut table = running();
    table.supply = Some((2_150, 370));
    table.run_for(HOUR / 2 + 2 * MINUTE);
    // With the end of a stroke that was in progress. One finding may be a slip; the second, a minute later, counts.
    assert_eq!(raised(&table, Alarm::EndOfService), [START + HOUR + MINUTE + 500_000]);
    assert_eq!(table.state(), State::Halted);
    table.accepted(Command::Acknowledge);
    table.refused(Command::Start, Refusal::EndOfService);
    table.supply = Some(FULL);
    table.accepted(Command::FactoryReset);
    assert_eq!(table.state(), State::Halted, "another battery is another pump");
    table.accepted(Command::ProgramBasal { rate_nl_h: 20_000 });
    table.refused(Command::Start, Refusal::EndOfService);
    table.power_cycle();
    table.run_to(START);
    assert_eq!(table.state(), State::Halted);
    table.refused(Command::Start, Refusal::EndOfService);
}

#[test]
fn one_low_reading_is_no_end_of_service() {
    let mut table = running();
    table.supply = Some((2_150, 370));
    table.run_for(HOUR / 2 + SECOND);
    assert!(table.status().alarms.contains(Alarm::LowSupply));
    table.supply = Some(FULL);
    table.run_for(HOUR);
    assert_eq!((table.state(), raised(&table, Alarm::EndOfService)), (State::Infusing, vec![]));
}

#[test]
fn dips_of_the_supply_say_nothing_of_the_battery() {
    let mut table = running();
    for _ in 0..3 {
        // Between two strokes, as from the comparator's interrupt.
        table.run_for(7 * SECOND);
        table.handle(Input::Supply { millivolt: 2_100, temperature_dc: 370 });
    }
    table.run_for(2 * HOUR);
    assert_eq!((raised(&table, Alarm::ReplaceSoon), raised(&table, Alarm::EndOfService)), (vec![], vec![]));
    assert_eq!((table.state(), table.therapy().battery_days > 1_000), (State::Infusing, true));
}

#[test]
fn a_low_supply_is_warned_of_and_the_warning_ends_with_it() {
    let mut table = running();
    table.run_for(SECOND);
    table.handle(Input::Supply { millivolt: 2_199, temperature_dc: 370 });
    assert_eq!((table.state(), table.status().alarms.contains(Alarm::LowSupply)), (State::Infusing, true));
    assert!(table.log(0).contains(&(LogCode::SupplyLow, 2_199)));
    table.supply = Some((2_299, 370));
    table.run_for(MINUTE);
    assert_eq!(cleared(&table, Alarm::LowSupply), [], "not at the threshold, to and fro");
    table.supply = Some(FULL);
    table.run_for(HOUR);
    assert_eq!(cleared(&table, Alarm::LowSupply), [START + HOUR + 500_000]);
}

#[test]
fn the_voltage_is_read_while_the_motor_runs() {
    let mut table = Table::ready();
    table.accepted(Command::ProgramBolus { volume_nl: 100_000, duration_ms: 120_000 });
    table.supply = None;
    table.accepted(Command::Start);
    assert!(table.asked_supply > 0, "with the first stroke");
    let before = table.asked_supply;
    table.run_for(119 * SECOND);
    assert_eq!(table.asked_supply - before, 4, "each 20th of 100 strokes");
    // The battery gives way under the load although it is good at rest.
    table.supply = Some((2_150, 370));
    table.infuse(900_000);
    while !table.status().alarms.contains(Alarm::LowSupply) {
        assert!(table.now < 5 * MINUTE);
        table.run_for(4 * SECOND);
    }
    assert_eq!(table.therapy().battery_days, 2_131, "no statement on the charge");
}

#[test]
fn too_warm_twice_stops_the_pump_until_it_has_cooled_down() {
    let mut table = running();
    table.supply = Some((3_150, 420));
    table.run_for(HOUR / 2 + 10 * MINUTE);
    assert_eq!(table.status().alarms, Alarms::NONE, "42.0 °C is not above it");
    table.supply = Some((3_150, 421));
    table.run_for(HOUR + MINUTE);
    // With the load of the 21st stroke, which comes first, at 40 strokes of 180 s; and a minute later.
    assert_eq!(raised(&table, Alarm::Overheated), [START + 2 * HOUR + MINUTE + 500_000]);
    assert_eq!(table.state(), State::Halted);
    table.accepted(Command::Acknowledge);
    assert_eq!(table.state(), State::Halted, "still too warm");
    table.supply = Some((3_150, 415));
    table.run_for(10 * MINUTE);
    assert_eq!(table.state(), State::Halted, "not at the limit, to and fro");
    table.supply = Some((3_150, 410));
    table.run_for(MINUTE);
    assert_eq!((table.state(), table.status().alarms), (State::Stopped, Alarms::NONE));
    table.accepted(Command::Start);
}

#[test]
fn too_warm_for_less_than_a_minute_stops_no_bolus_however_often_it_is_read() {
    for (seconds, stops) in [(59, false), (61, true)] {
        let mut table = Table::ready();
        table.accepted(Command::ProgramBolus { volume_nl: 400_000, duration_ms: 240_000 });
        table.accepted(Command::Start);
        table.run_for(SECOND);
        table.supply = Some((3_150, 430));
        // Read with each 20th stroke, that is each 12 s, from 12 s on.
        table.run_for(11 * SECOND + seconds * SECOND);
        table.supply = Some(FULL);
        table.run_for(2 * MINUTE);
        assert_eq!((table.state() == State::Halted, raised(&table, Alarm::Overheated).len()), (stops, usize::from(stops)), "{seconds}");
    }
}

#[test]
fn a_pump_that_has_cooled_down_is_released_by_the_acknowledgement() {
    let mut table = Table::ready();
    table.infuse(20_000);
    table.supply = Some((3_150, 430));
    table.run_for(2 * HOUR);
    table.supply = Some(FULL);
    table.run_for(HOUR);
    assert_eq!(table.state(), State::Halted, "nothing restarts, nor is it forgotten");
    table.accepted(Command::Acknowledge);
    assert_eq!(table.state(), State::Stopped);
}

#[test]
fn readings_that_can_not_be_fail_the_self_test() {
    for (supply, state) in [
        ((499, 370), State::Fault),
        ((7_001, 370), State::Fault),
        ((3_000, -401), State::Fault),
        ((3_000, 851), State::Fault),
        ((2_500, 370), State::Stopped),
    ] {
        let mut table = Table::power_on(Config::default(), None);
        table.supply = Some(supply);
        table.power_cycle();
        table.run_to(START);
        assert_eq!(table.state(), state, "{supply:?}");
    }
    let mut table = Table::power_on(Config::default(), None);
    table.supply = None;
    table.power_cycle();
    table.run_to(START);
    assert_eq!(table.state(), State::Stopped, "a board without a gauge pumps");
}

#[test]
fn a_gauge_that_breaks_while_the_pump_runs_is_noticed() {
    let mut table = running();
    table.supply = Some((0, 370));
    table.run_for(HOUR / 2 + SECOND);
    assert_eq!(table.state(), State::Infusing);
    table.run_for(MINUTE);
    assert_eq!((table.state(), raised(&table, Alarm::SelfTestFailed)), (State::Fault, vec![START + HOUR + MINUTE + 500_000]));
}

#[test]
fn after_the_watchdog_nothing_flows_until_somebody_knows() {
    let mut table = Table::ready();
    table.infuse(36_000);
    table.run_for(150 * SECOND);
    table.reset(ResetCause::Watchdog);
    table.run_to(START);
    assert_eq!((table.state(), table.status().alarms), (State::Halted, only(Alarm::WatchdogReset)));
    assert!(table.log(0).ends_with(&[(LogCode::PowerOn, 1), (LogCode::Watchdog, 1), (LogCode::AlarmOn, 10)]));
    table.run_for(HOUR);
    assert_eq!(table.strokes(), []);
    assert!(table.edges().len() > 20, "a critical tone every ten minutes");
    table.refused(Command::Start, Refusal::AlarmLatched);
    table.power_cycle();
    table.run_to(START);
    assert_eq!(table.state(), State::Halted, "a loss of power does not hide it");
    table.accepted(Command::Acknowledge);
    assert_eq!(table.state(), State::Stopped);
    table.accepted(Command::Start);
}

#[test]
fn after_a_brown_out_the_low_supply_is_told_until_somebody_knows() {
    let mut table = Table::ready();
    table.infuse(36_000);
    table.run_for(150 * SECOND);
    table.reset(ResetCause::BrownOut);
    table.run_to(START);
    assert_eq!((table.state(), table.status().alarms), (State::Stopped, only(Alarm::LowSupply)));
    table.run_for(2 * HOUR);
    assert_eq!(table.strokes(), []);
    assert!(table.status().alarms.contains(Alarm::LowSupply), "the supply is good again, and nobody knows that it was not");
    table.accepted(Command::Acknowledge);
    assert!(!table.status().alarms.contains(Alarm::LowSupply));
}

#[test]
fn the_gauge_and_the_simulated_cell_know_the_same_chemistry() {
    assert!(BATTERY_CURVE.is_sorted_by(|a, b| a.0 > b.0 && a.1 > b.1), "falling");
}
