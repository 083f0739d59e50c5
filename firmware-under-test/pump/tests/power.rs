//! Self-test, loss of power and stored settings.

mod support;

use pump_core::{Config, Micros, STORE_LEN};
use pump_link::{Alarm, Alarms, Command, LogCode, Notice, Refusal, Response, State};
use support::{Did, HOUR, SECOND, Table};

#[test]
fn the_self_test_takes_a_second_chirps_and_lets_nothing_flow() {
    let mut table = Table::power_on(Config::default(), None);
    assert_eq!(table.state(), State::SelfTest);
    assert!(matches!(table.ask(Command::Identify), Response::Identity(_)));
    for command in [
        Command::FactoryReset,
        Command::ProgramBasal { rate_nl_h: 20_000 },
        Command::ProgramBolus { volume_nl: 1_000, duration_ms: 1_000 },
        Command::ProgramPriming { volume_nl: 1_000 },
        Command::Start,
        Command::Stop,
        Command::Acknowledge,
        Command::Refill { volume_nl: 1_000_000 },
        Command::ReadLog { from: 0 },
    ] {
        table.refused(command, Refusal::SelfTestRunning);
    }
    table.run_to(HOUR);
    assert_eq!(
        table.did,
        [
            (0, Did::Line(true)),
            (0, Did::Sample),
            (50_000, Did::Line(false)),
            (SECOND, Did::Notice(Notice::Restarted)),
            (SECOND, Did::Notice(Notice::State(State::Stopped))),
        ]
    );
    assert_eq!(table.notices, [1, 2]);
    assert_eq!(table.pump.next_wakeup(), Some(Micros(SECOND + HOUR)), "for its hourly look at itself");
    table.accepted(Command::ProgramBasal { rate_nl_h: 20_000 });
}

#[test]
fn settings_come_back_and_the_pump_stays_stopped() {
    let mut table = Table::ready();
    table.accepted(Command::Refill { volume_nl: 10_000_000 });
    table.infuse(36_000);
    table.run_for(1_000 * SECOND + 200_000);
    assert_eq!(table.strokes().len(), 10);
    table.power_cycle();
    table.run_to(SECOND);
    let status = table.status();
    assert_eq!((status.state, status.basal_nl_h), (State::Stopped, 36_000));
    assert_eq!((status.reservoir_nl, status.delivered_nl, status.strokes), (9_990_000, 10_000, 0));
    assert_eq!((status.resets, status.uptime_us), (1, SECOND));
    table.run_for(10 * HOUR);
    assert_eq!(table.strokes(), []);
    table.accepted(Command::Start);
    assert_eq!(table.state(), State::Infusing);
    table.power_cycle();
    assert_eq!(table.status().resets, 2);
}

#[test]
fn the_newest_log_entries_outlive_a_loss_of_power() {
    let mut table = Table::ready();
    for _ in 0..20 {
        table.accepted(Command::Refill { volume_nl: 10_000_000 });
    }
    table.power_cycle();
    table.run_to(SECOND);
    let mut entries = Vec::new();
    while let Response::Log { entries: page } = table.ask(Command::ReadLog { from: entries.last().map_or(0, |(number, _)| number + 1) }) {
        if page.is_empty() {
            break;
        }
        entries.extend(page.iter().map(|entry| (entry.number, entry.code)));
    }
    let mut expected: Vec<_> = (14..=21).map(|number| (number, LogCode::Refilled)).collect();
    expected.push((22, LogCode::PowerOn));
    assert_eq!(entries, expected);
}

#[test]
fn latched_alarms_outlive_a_loss_of_power() {
    let mut table = Table::ready();
    table.infuse(36_000);
    table.pressure = Some(80_000);
    table.run_for(200 * SECOND);
    table.pressure = Some(0);
    table.power_cycle();
    table.run_to(SECOND);
    assert_eq!((table.state(), table.status().alarms), (State::Halted, Alarms::NONE.with(Alarm::Occlusion)));
    assert_eq!(table.times_of(&Did::Notice(Notice::AlarmOn(Alarm::Occlusion))), [SECOND]);
    assert_eq!(table.edges()[2..], [(SECOND, true)]);
    table.accepted(Command::Acknowledge);
    assert_eq!(table.state(), State::Stopped);
}

#[test]
fn a_low_reservoir_is_found_again() {
    let mut table = Table::ready();
    table.accepted(Command::Refill { volume_nl: 1_000_000 });
    table.power_cycle();
    table.run_to(SECOND);
    assert_eq!((table.state(), table.status().alarms), (State::Stopped, Alarms::NONE.with(Alarm::LowReservoir)));
}

#[test]
fn corrupted_settings_put_the_pump_out_of_order_until_a_factory_reset() {
    let mut table = Table::ready();
    table.infuse(36_000);
    let broken = table.memory.as_mut().unwrap();
    broken[6] ^= 0x10;
    let broken = broken.clone();
    table.power_cycle();
    table.run_to(SECOND);
    assert_eq!((table.state(), table.status().alarms), (State::Fault, Alarms::NONE.with(Alarm::SettingsCorrupted)));
    assert_eq!(table.times_of(&Did::Notice(Notice::AlarmOn(Alarm::SettingsCorrupted))), [SECOND]);
    assert_eq!(table.edges()[2..], [(SECOND, true)]);
    for command in [Command::Start, Command::Stop, Command::ProgramBasal { rate_nl_h: 20_000 }, Command::Refill { volume_nl: 1 }] {
        table.refused(command, Refusal::OutOfOrder);
    }
    assert!(matches!(table.ask(Command::ReadLog { from: 0 }), Response::Log { .. }));
    table.accepted(Command::Acknowledge);
    assert_eq!(table.state(), State::Fault, "silenced, and still out of order");
    table.run_for(HOUR);
    assert_eq!((table.strokes(), table.memory.as_ref()), (vec![], Some(&broken)), "the evidence is left alone");
    table.accepted(Command::FactoryReset);
    let status = table.status();
    assert_eq!((status.state, status.alarms, status.basal_nl_h), (State::Stopped, Alarms::NONE, 0));
    assert_eq!(table.memory.as_ref().map(Vec::len), Some(STORE_LEN));
    table.power_cycle();
    table.run_to(SECOND);
    assert_eq!(table.state(), State::Stopped);
}

#[test]
fn a_pressure_sensor_that_reads_nonsense_fails_the_self_test() {
    for (pascal, state) in [(1_000_000, State::Stopped), (1_000_001, State::Fault), (-100_000, State::Stopped), (-100_001, State::Fault)] {
        let mut table = Table::power_on(Config::default(), None);
        table.pressure = Some(pascal);
        table.power_cycle();
        table.run_to(SECOND);
        assert_eq!(table.state(), state, "{pascal} Pa");
        if state == State::Fault {
            table.accepted(Command::FactoryReset);
            assert_eq!(table.state(), State::Fault, "only a good self-test clears it");
            table.refused(Command::Start, Refusal::OutOfOrder);
        }
    }
}

#[test]
fn settings_are_stored_at_each_stroke_and_not_by_queries() {
    let mut table = Table::ready();
    table.infuse(36_000);
    table.memory = None;
    table.run_for(99 * SECOND);
    table.status();
    table.ask(Command::ReadLog { from: 0 });
    assert_eq!(table.memory, None);
    table.run_for(SECOND);
    assert_eq!(table.memory.as_ref().map(Vec::len), Some(STORE_LEN));
}
