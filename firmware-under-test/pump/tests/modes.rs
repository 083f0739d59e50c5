//! The modes of delivery, stroke by stroke.

mod support;

use pump_link::{Command, Mode, Refusal, State};
use support::{HOUR, SECOND, Table};

const MINUTE: u64 = 60 * SECOND;
const START: u64 = SECOND;

fn step(days: u8, minute: u16, rate_nl_h: u32) -> Command {
    Command::ProgramStep { days, minute, rate_nl_h, bolus_nl: 0, bolus_ms: 0 }
}

#[test]
fn microdoses_come_once_in_each_period_and_the_first_at_the_start() {
    let mut table = Table::ready();
    table.prescribe(&[Command::ProgramMicrodose { volume_nl: 2_500, duration_ms: 6_000, every_s: 1_800 }]);
    table.accepted(Command::Start);
    assert_eq!((table.state(), table.therapy().mode), (State::Infusing, Mode::Microdose));
    table.run_for(2 * HOUR - 1);
    let strokes: Vec<_> =
        (0..4).flat_map(|n| [(0, 1_000), (2, 1_000), (4, 500)].map(|(s, volume)| (START + n * 30 * MINUTE + s * SECOND, volume))).collect();
    assert_eq!(table.strokes(), strokes);
}

#[test]
fn a_schedule_follows_the_week() {
    let mut table = Table::ready();
    table.prescribe(&[step(0x7f, 480, 60_000), step(0b1, 600, 120_000)]);
    table.refused(Command::Start, Refusal::ClockNotSet);
    table.accepted(Command::SetClock { second_of_week: 7 * 3_600 });
    table.accepted(Command::Start);
    table.run_for(24 * HOUR);
    assert_eq!(table.strokes().len(), 120 + 14 * 120);
    assert_eq!(table.strokes()[0], (START + HOUR + MINUTE, 1_000));
}
