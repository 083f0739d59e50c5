//! Stored settings that are altered behind the pump's back: every field, at rest and while it runs.

mod support;

use pump_core::{Config, Input, stored_fields};
use pump_link::{Alarm, Alarms, Command, LogCode, Notice, Refusal, State};
use support::{Did, HOUR, SECOND, Table};

const CORRUPTED: Alarms = Alarms::NONE.with(Alarm::SettingsCorrupted);

fn alter(table: &mut Table, byte: usize, mask: u8) {
    table.memory.as_mut().expect("the pump has stored something")[byte] ^= mask;
}

fn running() -> Table {
    let mut table = Table::ready();
    table.accepted(Command::RecordPain { score: 7 });
    table.infuse(36_000);
    table.run_for(150 * SECOND);
    table
}

#[test]
fn every_stored_field_is_missed_at_power_on() {
    for (name, place) in stored_fields() {
        for byte in [place.start, place.end - 1] {
            let mut table = running();
            alter(&mut table, byte, 1);
            table.power_cycle();
            table.run_to(SECOND);
            assert_eq!((table.state(), table.status().alarms), (State::Fault, CORRUPTED), "{name}, byte {byte}");
            table.refused(Command::Start, Refusal::OutOfOrder);
        }
    }
}

#[test]
fn every_stored_field_is_missed_while_the_pump_runs() {
    for (name, place) in stored_fields() {
        for byte in [place.start, place.end - 1] {
            let mut table = running();
            alter(&mut table, byte, 0x80);
            table.run_for(100 * SECOND);
            // With the next stroke, before its block is written.
            assert_eq!(table.times_of(&Did::Notice(Notice::AlarmOn(Alarm::SettingsCorrupted))), [201 * SECOND], "{name}");
            assert_eq!((table.state(), table.status().alarms), (State::Fault, CORRUPTED), "{name}");
            let log = table.log(0);
            assert!(log.contains(&(LogCode::MemoryAltered, byte as u32)), "{name}: {log:?}");
        }
    }
}

#[test]
fn every_stored_field_is_missed_within_an_hour_while_the_pump_stands() {
    for (name, place) in stored_fields() {
        let mut table = running();
        table.accepted(Command::ShutDown);
        table.run_for(SECOND);
        alter(&mut table, place.start, 4);
        table.run_to(SECOND + HOUR - 1);
        assert_eq!(table.state(), State::ShutDown, "{name}");
        table.run_to(SECOND + HOUR);
        assert_eq!(table.state(), State::Fault, "{name}");
    }
}

#[test]
fn a_memory_that_altered_once_is_not_trusted_after_a_power_on() {
    let mut table = running();
    alter(&mut table, 3, 0xFF);
    table.run_for(100 * SECOND);
    table.power_cycle();
    table.run_to(SECOND);
    assert_eq!((table.state(), table.status().alarms), (State::Fault, CORRUPTED));
    table.accepted(Command::FactoryReset);
    assert_eq!((table.state(), table.status().alarms), (State::Stopped, Alarms::NONE));
    table.infuse(36_000);
    table.run_for(3 * HOUR);
    assert_eq!(table.state(), State::Infusing);
}

#[test]
fn a_memory_that_takes_no_writes_is_found_in_the_self_test() {
    let mut table = Table::power_on(Config::default(), None);
    alter(&mut table, 0, 0);
    table.memory = Some(vec![0xFF; table.memory.as_ref().expect("it has stored something").len()]);
    table.run_to(SECOND);
    assert_eq!(table.state(), State::Fault);
}

#[test]
fn a_memory_that_takes_no_writes_any_more_is_told_once_and_again_after_a_reset() {
    let mut table = running();
    table.writable = false;
    table.run_for(HOUR);
    assert_eq!((table.state(), table.strokes().len()), (State::Fault, 3), "the second block after the last that was taken");
    assert_eq!(table.log(0).iter().filter(|entry| entry.0 == LogCode::MemoryAltered).count(), 1);
    table.accepted(Command::FactoryReset);
    assert_eq!(table.state(), State::Fault);
}

#[test]
fn a_memory_that_can_not_be_read_back_is_believed() {
    let mut table = running();
    table.readable = false;
    table.run_for(100 * SECOND);
    alter(&mut table, 3, 0xFF);
    table.run_for(HOUR);
    assert_eq!(table.state(), State::Infusing);
    table.handle(Input::Stored(&[1, 2, 3]));
    assert_eq!(table.state(), State::Fault, "an answer that comes late counts");
    let mut table = running();
    table.handle(Input::Stored(&[1, 2, 3]));
    assert_eq!(table.state(), State::Infusing, "one that nobody asked for does not");
}
