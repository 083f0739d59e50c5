//! Programmes, strokes and stops, with exact times.

mod support;

use pump_core::{Config, Micros};
use pump_link::{Alarm, Command, LogCode, Notice, Refusal, Response, State};
use support::{Did, HOUR, SECOND, Table};

const START: u64 = SECOND;

fn bolus(volume_nl: u32, duration_ms: u32) -> Command {
    Command::ProgramBolus { volume_nl, duration_ms }
}

#[test]
fn a_basal_rate_begins_one_period_after_the_start_and_does_not_drift() {
    let mut table = Table::ready();
    table.infuse(20_833);
    assert_eq!(table.state(), State::Infusing);
    table.run_for(72 * HOUR);
    let strokes = table.strokes();
    // 72 h · 20.833 µL/h = 1499.976 µL.
    assert_eq!(strokes.len(), 1_499);
    for (n, (at, volume)) in (1_u64..).zip(strokes) {
        assert_eq!(at - START, (n * 3_600_000_000_000).div_ceil(20_833));
        assert_eq!(volume, 1_000);
    }
    let status = table.status();
    assert_eq!((status.delivered_nl, status.strokes, status.reservoir_nl), (1_499_000, 1_499, 18_501_000));
    assert_eq!((status.basal_nl_h, status.uptime_us), (20_833, START + 72 * HOUR));
}

#[test]
fn a_bolus_is_spread_evenly_and_ends_in_its_time() {
    let mut table = Table::ready();
    table.accepted(bolus(200_000, 120_000));
    assert_eq!(table.did, []);
    table.accepted(Command::Start);
    assert_eq!(table.status().bolus_left_nl, 199_000);
    table.run_for(HOUR);
    let strokes: Vec<_> = (0..200).map(|n| (START + n * 600_000, 1_000)).collect();
    assert_eq!(table.strokes(), strokes);
    let end = START + 199 * 600_000 + 500_000;
    assert_eq!(table.times_of(&Did::Notice(Notice::State(State::Stopped))), [end]);
    assert!(end < START + 120 * SECOND);
    let status = table.status();
    assert_eq!((status.state, status.delivered_nl, status.bolus_left_nl), (State::Stopped, 200_000, 0));
    table.refused(Command::Start, Refusal::NothingProgrammed);
}

#[test]
fn a_dose_that_is_no_multiple_of_a_stroke_ends_with_a_smaller_and_shorter_one() {
    let mut table = Table::ready();
    table.accepted(bolus(2_250, 9_000));
    table.accepted(Command::Start);
    table.run_for(HOUR);
    let strokes: Vec<_> = table.did.iter().filter(|(_, did)| matches!(did, Did::Stroke { .. })).cloned().collect();
    let stroke = |s: u64, volume_nl, duration_us| (START + s * SECOND, Did::Stroke { volume_nl, duration_us });
    assert_eq!(strokes, [stroke(0, 1_000, 500_000), stroke(3, 1_000, 500_000), stroke(6, 250, 125_000)]);
}

#[test]
fn a_bolus_runs_on_top_of_the_basal_rate() {
    let mut table = Table::ready();
    table.infuse(36_000);
    table.run_for(150 * SECOND);
    table.accepted(bolus(4_000, 100_000));
    assert_eq!(table.state(), State::Infusing, "programmed is not started");
    table.accepted(Command::Start);
    assert_eq!(table.state(), State::Bolus);
    let began = table.now;
    table.run_for(HOUR);
    let expected_bolus = [0, 25, 50, 75].map(|s| began + s * SECOND);
    let strokes: Vec<_> = table.strokes().iter().map(|(at, _)| *at).collect();
    // The basal stroke that falls together with one of the bolus waits for it: 200 s after the start.
    let basal: Vec<_> = strokes.iter().copied().filter(|at| !expected_bolus.contains(at)).collect();
    let expected: Vec<_> = (1..=37).map(|n| START + n * 100 * SECOND + if n == 2 { 500_000 } else { 0 }).collect();
    assert_eq!(basal, expected);
    assert_eq!(strokes.len(), 4 + 37);
    assert_eq!(table.times_of(&Did::Notice(Notice::State(State::Infusing))), [START, began + 75_500_000]);
}

#[test]
fn stroke_follows_stroke_without_overlap_at_the_highest_combined_rate() {
    let mut table = Table::ready();
    table.accepted(Command::ProgramBasal { rate_nl_h: 1_000_000 });
    table.accepted(bolus(1_000_000, 580_646));
    table.confirm();
    table.accepted(Command::Start);
    table.run_for(582 * SECOND);
    let strokes = table.strokes();
    assert!(strokes.windows(2).all(|pair| pair[1].0 - pair[0].0 >= 500_000));
    let end = table.times_of(&Did::Notice(Notice::State(State::Infusing)));
    // Within its 580.646 s but for one basal stroke that can be in the way.
    assert!(end.len() == 1 && end[0] <= START + 580_646_000 + 500_000, "{end:?}");
    table.run_for(HOUR);
    // 4182 s of basal at 1 mL/h, whole strokes of it, and the bolus.
    assert_eq!(table.status().delivered_nl, 1_000_000 + 1_161_000);
}

#[test]
fn a_beep_within_a_stroke_does_not_let_the_next_one_begin_early() {
    let mut table = Table::ready();
    table.accepted(Command::ProgramBasal { rate_nl_h: 1_000_000 });
    table.accepted(bolus(1_000_000, 580_646));
    table.confirm();
    table.accepted(Command::Start);
    // The basal stroke of 3.98 s is in the way of the bolus stroke due at 4.06 s when the beep ends at 4.1 s.
    table.run_for(3_800_000);
    table.accepted(Command::Refill { volume_nl: 1_900_000 });
    table.run_for(10 * SECOND);
    assert_eq!(table.edges(), [(START + 3_800_000, true), (START + 4_100_000, false)]);
    assert!(table.strokes().windows(2).all(|pair| pair[1].0 - pair[0].0 >= 500_000), "{:?}", table.strokes());
}

#[test]
fn a_new_basal_rate_takes_effect_at_the_start_and_keeps_the_fraction() {
    let mut table = Table::ready();
    table.infuse(20_000);
    table.run_for(90 * SECOND);
    table.accepted(Command::ProgramBasal { rate_nl_h: 40_000 });
    assert_eq!(table.status().basal_nl_h, 20_000);
    table.run_for(30 * SECOND);
    table.accepted(Command::Start);
    assert_eq!(table.status().basal_nl_h, 40_000);
    table.run_for(150 * SECOND);
    // 120 s of 180 have come together; the rest takes 30 s, then one each 90 s.
    assert_eq!(table.strokes(), [150, 240].map(|s| (START + s * SECOND, 1_000)));
    table.refused(Command::Start, Refusal::AlreadyRunning);
}

#[test]
fn stop_finishes_the_stroke_and_keeps_the_basal_rate() {
    let mut table = Table::ready();
    table.accepted(Command::ProgramBasal { rate_nl_h: 3_600 });
    table.accepted(bolus(10_000, 10_000));
    table.accepted(Command::Start);
    table.run_for(3_200_000);
    table.accepted(Command::Stop);
    assert_eq!(table.state(), State::Bolus, "a stroke is in progress");
    table.refused(Command::Start, Refusal::AlreadyRunning);
    table.accepted(Command::Stop);
    table.run_for(HOUR);
    assert_eq!(table.strokes(), [0, 1, 2, 3].map(|s| (START + s * SECOND, 1_000)));
    assert_eq!(table.times_of(&Did::Abort), []);
    assert_eq!(table.times_of(&Did::Notice(Notice::State(State::Stopped))), [START + 3_500_000]);
    assert_eq!((table.state(), table.status().bolus_left_nl), (State::Stopped, 0));
    table.accepted(Command::Start);
    assert_eq!(table.state(), State::Infusing);
    assert_eq!(table.pump.next_wakeup().map(|due| due.0), Some(table.now + 60 * SECOND));
}

#[test]
fn stop_between_strokes_is_at_once() {
    let mut table = Table::ready();
    table.infuse(20_000);
    table.run_for(100 * SECOND);
    table.accepted(Command::Stop);
    assert_eq!(table.times_of(&Did::Notice(Notice::State(State::Stopped))), [START + 100 * SECOND]);
    assert_eq!(table.pump.next_wakeup(), Some(Micros(table.now + 600 * SECOND)), "a stopped pump sleeps until it reminds of it");
}

#[test]
fn priming_runs_alone_at_its_own_rate_and_then_the_basal_rate_begins() {
    let mut table = Table::ready();
    table.accepted(Command::ProgramBasal { rate_nl_h: 36_000 });
    table.accepted(Command::ProgramPriming { volume_nl: 400_000 });
    table.accepted(Command::Start);
    assert_eq!(table.state(), State::Priming);
    table.refused(Command::ProgramPriming { volume_nl: 1_000 }, Refusal::AlreadyRunning);
    table.run_for(340 * SECOND);
    let end = START + 399 * 600_000 + 500_000;
    let mut expected: Vec<_> = (0..400).map(|n| (START + n * 600_000, 1_000)).collect();
    expected.push((end + 100 * SECOND, 1_000));
    assert_eq!(table.strokes(), expected);
    assert_eq!(table.times_of(&Did::Notice(Notice::State(State::Infusing))), [end]);
}

#[test]
fn limits_are_inclusive_and_what_is_beyond_them_is_refused() {
    use Refusal::{DurationOutOfRange, RateOutOfRange, VolumeOutOfRange};
    let basal = |rate_nl_h| Command::ProgramBasal { rate_nl_h };
    let refill = |volume_nl| Command::Refill { volume_nl };
    let prime = |volume_nl| Command::ProgramPriming { volume_nl };
    for (command, refusal) in [
        (basal(0), Some(RateOutOfRange)),
        (basal(1_999), Some(RateOutOfRange)),
        (basal(2_000), None),
        (basal(1_000_000), None),
        (basal(1_000_001), Some(RateOutOfRange)),
        (bolus(999, 60_000), Some(VolumeOutOfRange)),
        (bolus(1_000, 60_000), None),
        (bolus(1_000_000, 3_600_000), None),
        (bolus(1_000_001, 3_600_000), Some(VolumeOutOfRange)),
        (bolus(220_000, 120_000), None),
        (bolus(220_001, 120_000), Some(DurationOutOfRange)),
        (bolus(1_000, 0), Some(DurationOutOfRange)),
        (bolus(1_000, 21_600_000), None),
        (bolus(1_000, 21_600_001), Some(DurationOutOfRange)),
        (prime(999), Some(VolumeOutOfRange)),
        (prime(1_000_000), None),
        (prime(1_000_001), Some(VolumeOutOfRange)),
        (refill(20_000_000), None),
        (refill(20_000_001), Some(VolumeOutOfRange)),
    ] {
        let expected = refusal.map_or(Response::Accepted, Response::Refused);
        assert_eq!(Table::ready().ask(command), expected, "{command:?}");
    }
}

#[test]
fn bolus_and_basal_together_must_be_within_the_pump_heads_reach() {
    // 6.6 mL/h of bolus leaves 0.6 mL/h.
    for (basal, refused) in [(600_000, false), (600_001, true)] {
        let mut one = Table::ready();
        one.accepted(Command::ProgramBasal { rate_nl_h: basal });
        let mut other = Table::ready();
        other.accepted(bolus(220_000, 120_000));
        let expected = if refused { Response::Refused(Refusal::RateOutOfRange) } else { Response::Accepted };
        assert_eq!(one.ask(bolus(220_000, 120_000)), expected);
        assert_eq!(other.ask(Command::ProgramBasal { rate_nl_h: basal }), expected);
        if !refused {
            other.confirm();
        }
        other.accepted(Command::Start);
        assert_eq!(other.ask(Command::ProgramBasal { rate_nl_h: basal }), expected, "also beside the running bolus");
    }
}

#[test]
fn the_rate_in_force_counts_beside_a_bolus_until_a_lower_one_is_started() {
    let mut table = Table::ready();
    table.infuse(1_000_000);
    table.accepted(Command::ProgramBasal { rate_nl_h: 2_000 });
    table.refused(bolus(220_000, 120_000), Refusal::RateOutOfRange);
    table.accepted(Command::Start);
    table.accepted(bolus(220_000, 120_000));
}

#[test]
fn start_needs_something_new() {
    let mut table = Table::ready();
    table.refused(Command::Start, Refusal::NothingProgrammed);
    table.infuse(20_000);
    table.refused(Command::Start, Refusal::AlreadyRunning);
    table.accepted(bolus(10_000, 60_000));
    table.accepted(Command::Start);
    table.accepted(bolus(10_000, 60_000));
    table.refused(Command::Start, Refusal::AlreadyRunning);
    table.run_for(60 * SECOND);
    table.accepted(Command::Start);
    assert_eq!(table.state(), State::Bolus);
}

#[test]
fn programming_does_not_disturb_what_runs() {
    let mut quiet = Table::ready();
    let mut busy = Table::ready();
    for table in [&mut quiet, &mut busy] {
        table.infuse(36_000);
    }
    for n in 0..50 {
        busy.run_for(7 * SECOND);
        busy.accepted(Command::ProgramBasal { rate_nl_h: 40_000 + n });
        busy.accepted(bolus(10_000, 60_000));
        busy.refused(bolus(0, 0), Refusal::VolumeOutOfRange);
    }
    quiet.run_to(busy.now);
    assert_eq!(quiet.strokes(), busy.strokes());
}

#[test]
fn factory_reset_stops_at_once_and_forgets() {
    let mut table = Table::ready();
    table.accepted(Command::Refill { volume_nl: 5_000_000 });
    table.accepted(Command::ProgramBasal { rate_nl_h: 20_000 });
    table.accepted(bolus(10_000, 10_000));
    table.accepted(Command::Start);
    table.run_for(1_200_000);
    table.accepted(Command::FactoryReset);
    assert_eq!(table.times_of(&Did::Abort), [START + 1_200_000]);
    assert_eq!(table.times_of(&Did::Notice(Notice::State(State::Stopped))), [START + 1_200_000]);
    let status = table.status();
    assert_eq!((status.delivered_nl, status.reservoir_nl, status.basal_nl_h), (0, 20_000_000, 0));
    let Response::Log { entries } = table.ask(Command::ReadLog { from: 0 }) else { panic!("no log") };
    assert_eq!(entries.iter().map(|entry| entry.code).collect::<Vec<_>>(), [LogCode::FactoryReset]);
    table.refused(Command::Start, Refusal::NothingProgrammed);
    assert_eq!(table.pump.next_wakeup(), Some(Micros(SECOND + HOUR)));
}

#[test]
fn the_log_tells_a_bolus_from_its_programme_to_its_end() {
    let mut table = Table::ready();
    table.accepted(bolus(3_000, 3_000));
    table.accepted(Command::Start);
    table.run_for(10 * SECOND);
    table.accepted(bolus(3_000, 3_000));
    table.accepted(Command::Start);
    table.run_for(SECOND + 100_000);
    table.accepted(Command::Stop);
    let Response::Log { entries } = table.ask(Command::ReadLog { from: 2 }) else { panic!("no log") };
    let told: Vec<_> = entries.iter().map(|entry| (entry.uptime_us - START, entry.code, entry.value)).collect();
    assert_eq!(
        told,
        [
            (0, LogCode::BolusProgrammed, 3_000),
            (0, LogCode::Started, 3),
            (2_500_000, LogCode::DoseDone, 3_000),
            (10_000_000, LogCode::BolusProgrammed, 3_000),
            (10_000_000, LogCode::Started, 3),
            (11_100_000, LogCode::Stopped, 3),
            (11_100_000, LogCode::DoseCut, 1_000),
        ]
    );
}

#[test]
fn a_bigger_reservoir_takes_more() {
    let mut table = Table::ready_with(Config { reservoir: pump_core::ReservoirSize::Ml40, ..Config::default() });
    assert_eq!(table.status().reservoir_nl, 40_000_000);
    table.accepted(Command::Refill { volume_nl: 40_000_000 });
    assert!(!table.status().alarms.contains(Alarm::LowReservoir));
}

#[test]
fn a_late_caller_loses_no_dose_and_gets_no_burst() {
    let mut table = Table::ready();
    table.accepted(bolus(10_000, 10_000));
    table.accepted(Command::Start);
    // Nobody woke the pump for a minute.
    table.now += 60 * SECOND;
    table.handle(pump_core::Input::Wakeup);
    table.run_for(60 * SECOND);
    let strokes = table.strokes();
    assert_eq!(strokes.len(), 10);
    assert!(strokes[1..].windows(2).all(|pair| pair[1].0 - pair[0].0 == 500_000), "{strokes:?}");
}
