//! The modes of delivery, stroke by stroke.

mod support;

use pump_link::{Command, LogCode, Mode, Notice, Refusal, Response, State};
use support::{Did, HOUR, SECOND, Table};

const MINUTE: u64 = 60 * SECOND;
const DAY: u64 = 24 * HOUR;
const START: u64 = SECOND;
const DAILY: u8 = 0x7f;
const MONDAY: u8 = 1;

fn step(days: u8, minute: u16, rate_nl_h: u32) -> Command {
    Command::ProgramStep { days, minute, rate_nl_h, bolus_nl: 0, bolus_ms: 0 }
}

fn begun_with(days: u8, minute: u16, rate_nl_h: u32, bolus_nl: u32, bolus_ms: u32) -> Command {
    Command::ProgramStep { days, minute, rate_nl_h, bolus_nl, bolus_ms }
}

fn clock(day: u32, minute: u32) -> Command {
    Command::SetClock { second_of_week: day * 86_400 + minute * 60 }
}

/// Programs, confirms, sets the clock to Monday 0:00, and starts.
fn started(parts: &[Command]) -> Table {
    let mut table = Table::ready();
    table.prescribe(parts);
    table.accepted(clock(0, 0));
    table.accepted(Command::Start);
    table
}

/// When strokes began, from the start.
fn times(table: &Table) -> Vec<u64> {
    table.strokes().iter().map(|(at, _)| at - START).collect()
}

/// Strokes of a basal rate between two times.
fn every(period: u64, from: u64, to: u64) -> Vec<u64> {
    (1..).map(|n| from + n * period).take_while(|at| *at <= to).collect()
}

#[test]
fn each_mode_is_told() {
    for (part, mode, basal_nl_h) in [
        (Command::ProgramBasal { rate_nl_h: 20_000 }, Mode::Continuous, 20_000),
        (Command::ProgramMinimum, Mode::Minimum, 2_000),
        (Command::ProgramMicrodose { volume_nl: 5_000, duration_ms: 10_000, every_s: 1_800 }, Mode::Microdose, 10_000),
        (step(DAILY, 0, 30_000), Mode::Schedule, 30_000),
    ] {
        let mut table = Table::ready();
        assert_eq!(table.therapy().mode, Mode::None);
        table.prescribe(&[part]);
        table.accepted(clock(0, 0));
        table.accepted(Command::Start);
        assert_eq!((table.state(), table.therapy().mode), (State::Infusing, mode));
        assert_eq!(table.status().basal_nl_h, basal_nl_h);
        table.accepted(Command::Stop);
        assert_eq!((table.therapy().mode, table.status().basal_nl_h), (mode, basal_nl_h), "it is still prescribed");
    }
}

#[test]
fn the_minimum_is_two_microlitres_an_hour() {
    let table = &mut started(&[Command::ProgramMinimum]);
    table.run_for(2 * HOUR);
    assert_eq!(times(table), every(30 * MINUTE, 0, 2 * HOUR));
}

#[test]
fn microdoses_come_once_in_each_period_and_the_first_at_the_start() {
    let mut table = started(&[Command::ProgramMicrodose { volume_nl: 2_500, duration_ms: 6_000, every_s: 1_800 }]);
    table.run_for(2 * HOUR - 1);
    let strokes: Vec<_> =
        (0..4).flat_map(|n| [(0, 1_000), (2, 1_000), (4, 500)].map(|(s, volume)| (START + n * 30 * MINUTE + s * SECOND, volume))).collect();
    assert_eq!(table.strokes(), strokes);
    assert_eq!(table.times_of(&Did::Notice(Notice::State(State::Bolus))), [], "a microdose is the basal delivery");
    assert!(table.log(0).iter().all(|(code, _)| *code != LogCode::DoseDone), "and is not told one by one");
}

#[test]
fn a_microdose_waits_for_a_bolus_and_is_not_given_twice_to_catch_up() {
    let mut table = started(&[Command::ProgramMicrodose { volume_nl: 2_000, duration_ms: 2_000, every_s: 60 }]);
    table.run_for(30 * SECOND);
    // 250 s of a bolus lie across the turns at 60, 120, 180 and 240 s.
    table.accepted(Command::ProgramBolus { volume_nl: 250_000, duration_ms: 250_000 });
    table.accepted(Command::Start);
    table.run_to(START + 310 * SECOND);
    let after: Vec<_> = times(&table).into_iter().filter(|at| *at >= 280 * SECOND).map(|at| at as f64 / 1e6).collect();
    // The one of 60 s had begun to wait for the bolus then, and takes the place of the next three; it goes on when the bolus ends at 279.5 s.
    assert_eq!(after, [280.5, 300.0, 301.0]);
    assert_eq!(times(&table).iter().filter(|at| **at == 279_500_000).count(), 1);
}

#[test]
fn a_microdose_that_was_begun_and_held_up_is_finished_and_not_begun_anew() {
    let mut table = started(&[Command::ProgramMicrodose { volume_nl: 2_000, duration_ms: 20_000, every_s: 60 }]);
    table.run_for(65 * SECOND);
    table.accepted(Command::ProgramBolus { volume_nl: 60_000, duration_ms: 60_000 });
    table.accepted(Command::Start);
    table.run_to(START + 170 * SECOND);
    let micro: Vec<_> = times(&table).into_iter().filter(|at| !(65 * SECOND..124_500_000).contains(at)).collect();
    // Held up from 65 s to the end of the bolus at 124.5 s.
    assert_eq!(micro, [0, 10_000_000, 60_000_000, 129_500_000]);
}

#[test]
fn a_late_call_does_not_move_the_microdoses_behind_it() {
    let mut table = started(&[Command::ProgramMicrodose { volume_nl: 1_000, duration_ms: 1_000, every_s: 60 }]);
    table.run_for(SECOND);
    table.now += 60 * SECOND;
    table.handle(pump_core::Input::Wakeup);
    table.run_to(START + 181 * SECOND);
    assert_eq!(times(&table), [0, 61, 120, 180].map(|s| s * SECOND));
}

#[test]
fn rates_hold_until_the_next_step_or_midnight_and_the_fraction_is_kept() {
    // Nothing until 8:00, 60 µL/h until 20:00, on Mondays 120 µL/h from 10:00 to 20:00, then 30 µL/h until midnight.
    let mut table = started(&[step(DAILY, 480, 60_000), step(MONDAY, 600, 120_000), step(DAILY, 1_200, 30_000)]);
    table.run_for(2 * DAY + 8 * HOUR + 30 * SECOND);
    let monday = [every(MINUTE, 8 * HOUR, 10 * HOUR), every(30 * SECOND, 10 * HOUR, 20 * HOUR), every(2 * MINUTE, 20 * HOUR, DAY)];
    let tuesday = [every(MINUTE, DAY + 8 * HOUR, DAY + 20 * HOUR), every(2 * MINUTE, DAY + 20 * HOUR, 2 * DAY)];
    let expected: Vec<_> = monday.into_iter().chain(tuesday).flatten().collect();
    assert_eq!(times(&table), expected);
    assert_eq!(table.status().basal_nl_h, 60_000);
    // Half a stroke has come together by 8:00:30; the clock goes to 20:00, and the rest comes at half the rate.
    table.accepted(clock(2, 1_200));
    table.run_for(MINUTE);
    assert_eq!(times(&table).last(), Some(&(2 * DAY + 8 * HOUR + 90 * SECOND)));
}

#[test]
fn a_fraction_of_a_stroke_waits_out_a_pause() {
    // 7:59 to 8:00 is half of a stroke at 30 µL/h.
    let mut table = started(&[step(MONDAY, 479, 30_000), step(MONDAY, 480, 0), step(MONDAY, 540, 60_000)]);
    table.run_for(9 * HOUR + 90 * SECOND);
    assert_eq!(times(&table), [9 * HOUR + 30 * SECOND, 9 * HOUR + 90 * SECOND]);
}

#[test]
fn a_week_is_delivered_as_it_was_programmed_and_the_next_one_alike() {
    // Workdays 8:00 to 22:00: 30 µL/h; at weekends 20 µL/h all day.
    let mut table = started(&[step(0b001_1111, 480, 30_000), step(0b001_1111, 1_320, 0), step(0b110_0000, 0, 20_000)]);
    let mut of_days = Vec::new();
    for _ in 0..14 {
        let before = table.strokes().len();
        table.run_for(DAY);
        of_days.push(table.strokes().len() - before);
    }
    assert_eq!(of_days, [[420; 5].as_slice(), &[480; 2], &[420; 5], &[480; 2]].concat());
}

#[test]
fn a_step_begins_with_its_bolus_when_the_clock_passes_it() {
    let mut table = Table::ready();
    table.prescribe(&[begun_with(DAILY, 480, 60_000, 3_000, 30_000)]);
    table.accepted(clock(0, 479));
    table.accepted(Command::Start);
    table.run_for(181 * SECOND);
    let at_eight = START + MINUTE;
    let strokes = [0, 10, 20, 60, 120].map(|s| at_eight + s * SECOND);
    assert_eq!(table.strokes(), strokes.map(|at| (at, 1_000)));
    assert_eq!(table.times_of(&Did::Notice(Notice::State(State::Bolus))), [at_eight]);
    assert_eq!(table.times_of(&Did::Notice(Notice::State(State::Infusing))), [START, at_eight + 20_500_000]);
    // Started in the midst of a step: the rate, and no bolus.
    table.accepted(Command::Stop);
    table.accepted(Command::Start);
    table.run_for(MINUTE);
    assert_eq!(table.strokes().len(), 6);
    table.run_for(DAY);
    assert_eq!(table.times_of(&Did::Notice(Notice::State(State::Bolus))), [at_eight, at_eight + DAY]);
}

#[test]
fn a_step_bolus_may_go_on_over_midnight() {
    let mut table = Table::ready();
    table.prescribe(&[begun_with(MONDAY, 1_439, 60_000, 4_000, 80_000)]);
    table.accepted(clock(0, 1_438));
    table.accepted(Command::Start);
    table.run_for(HOUR);
    let begun = START + MINUTE;
    // Four of the bolus, and one of the minute that the rate held, behind the stroke that has the head.
    let strokes: Vec<_> = [0, 20_000_000, 40_000_000, 60_000_000, 60_500_000].iter().map(|us| (begun + us, 1_000)).collect();
    assert_eq!(table.strokes(), strokes);
}

#[test]
fn a_schedule_needs_the_clock_which_a_loss_of_power_takes() {
    let mut table = Table::ready();
    assert_eq!(table.therapy().clock_s, u32::MAX);
    table.prescribe(&[step(DAILY, 0, 30_000)]);
    table.refused(Command::Start, Refusal::ClockNotSet);
    table.refused(Command::SetClock { second_of_week: 604_800 }, Refusal::DurationOutOfRange);
    table.accepted(Command::SetClock { second_of_week: 604_799 });
    table.run_for(3 * SECOND);
    assert_eq!(table.therapy().clock_s, 2);
    table.accepted(Command::Start);
    table.power_cycle();
    table.run_to(SECOND);
    assert_eq!((table.therapy().clock_s, table.therapy().mode), (u32::MAX, Mode::Schedule));
    table.refused(Command::Start, Refusal::ClockNotSet);
    table.accepted(clock(3, 0));
    table.accepted(Command::Start);
    table.run_for(2 * MINUTE);
    assert_eq!(table.strokes().len(), 1, "the steps have outlived it");
}

#[test]
fn a_confirmed_mode_takes_over_at_the_start_without_a_break() {
    let mut table = Table::ready();
    table.infuse(20_000);
    table.run_for(90 * SECOND);
    table.prescribe(&[step(DAILY, 0, 40_000)]);
    table.accepted(clock(0, 300));
    assert_eq!((table.therapy().mode, table.status().basal_nl_h), (Mode::Continuous, 20_000), "until the start");
    table.run_for(30 * SECOND);
    table.accepted(Command::Start);
    table.run_for(150 * SECOND);
    assert_eq!(times(&table), [150, 240].map(|s| s * SECOND));
    assert_eq!(table.therapy().mode, Mode::Schedule);
    table.refused(Command::Start, Refusal::AlreadyRunning);
    table.accepted(Command::ProgramBasal { rate_nl_h: 60_000 });
    table.accepted(Command::Start);
    assert_eq!((table.therapy().mode, table.status().basal_nl_h), (Mode::Continuous, 60_000));
}

#[test]
fn a_bolus_beside_a_schedule_or_microdoses_does_not_begin_them_anew() {
    let mut table = started(&[Command::ProgramMicrodose { volume_nl: 1_000, duration_ms: 1_000, every_s: 600 }]);
    table.run_for(MINUTE);
    table.accepted(Command::ProgramBolus { volume_nl: 2_000, duration_ms: 4_000 });
    table.accepted(Command::Start);
    table.run_for(19 * MINUTE - 1);
    assert_eq!(times(&table), [0, 60, 62, 600].map(|s| s * SECOND));
}

#[test]
fn the_old_drug_goes_first_at_its_own_rate_after_a_change_of_concentration() {
    let mut table = Table::ready();
    table.prescribe(&[Command::ProgramConcentration { ng_per_ul: 1_000 }, Command::ProgramBasal { rate_nl_h: 36_000 }]);
    table.accepted(Command::Start);
    table.run_for(110 * SECOND);
    table.prescribe(&[
        Command::ProgramConcentration { ng_per_ul: 2_000 },
        Command::ProgramBridge { volume_nl: 3_500, rate_nl_h: 18_000 },
        Command::ProgramBasal { rate_nl_h: 18_000 },
    ]);
    assert_eq!((table.state(), table.therapy().ng_per_ul), (State::Stopped, 2_000), "the drug has changed");
    table.run_for(HOUR);
    assert_eq!(table.strokes().len(), 1, "nothing restarts by itself");
    let began = table.now;
    table.accepted(Command::Start);
    assert_eq!((table.state(), table.status().bolus_left_nl), (State::Bridge, 2_500));
    table.run_for(HOUR);
    // 3.5 µL at 18 µL/h are 700 s in 4 strokes; the last of 0.5 µL takes 0.25 s, and the basal rate begins behind it.
    let bridge = [0, 175, 350, 525].map(|s| began + s * SECOND);
    let end = bridge[3] + 250_000;
    let expected: Vec<_> = bridge.into_iter().chain(every(200 * SECOND, end, began + HOUR)).collect();
    assert_eq!(table.strokes()[1..].iter().map(|(at, _)| *at).collect::<Vec<_>>(), expected);
    assert_eq!(table.times_of(&Did::Notice(Notice::State(State::Infusing))).last(), Some(&end));
    table.accepted(Command::Stop);
    table.accepted(Command::Start);
    assert_eq!(table.state(), State::Infusing, "one bridge for one change");
}

#[test]
fn a_bridge_that_was_cut_off_goes_on_with_what_was_left() {
    let mut table = Table::ready();
    table.prescribe(&[
        Command::ProgramConcentration { ng_per_ul: 2_000 },
        Command::ProgramBridge { volume_nl: 4_000, rate_nl_h: 36_000 },
        Command::ProgramMinimum,
    ]);
    table.accepted(Command::Start);
    table.run_for(150 * SECOND);
    table.accepted(Command::Stop);
    table.power_cycle();
    table.run_to(SECOND);
    table.accepted(Command::Start);
    assert_eq!(table.state(), State::Bridge);
    table.run_for(10 * MINUTE);
    assert_eq!(times(&table), [0, 100 * SECOND], "two of four");
    assert_eq!(table.state(), State::Infusing);
}

/// What is in the line goes out at the rate that was computed for it, and the store never holds more of a bridge than was ordered.
#[test]
fn no_other_bridge_takes_the_place_of_one_that_is_not_through() {
    let bridge = |volume_nl| Command::ProgramBridge { volume_nl, rate_nl_h: 36_000 };
    let mut table = Table::ready();
    table.prescribe(&[Command::ProgramConcentration { ng_per_ul: 2_000 }, bridge(4_000), Command::ProgramMinimum]);
    let confirm_of_another = |table: &mut Table, volume_nl| {
        table.accepted(bridge(volume_nl));
        let answer = table.ask_confirm();
        table.ask(Command::Discard);
        answer
    };
    assert_eq!(confirm_of_another(&mut table, 1_000), Response::Refused(Refusal::OutOfOrder), "before it has begun");
    table.accepted(Command::Start);
    table.run_for(150 * SECOND);
    assert_eq!(confirm_of_another(&mut table, 1_000), Response::Refused(Refusal::OutOfOrder), "after two strokes of four");
    assert_eq!(confirm_of_another(&mut table, 4_000), Response::Refused(Refusal::OutOfOrder), "nor can the same be ordered twice");
    table.accepted(Command::Stop);
    table.power_cycle();
    table.run_to(SECOND);
    table.accepted(Command::Start);
    assert_eq!(table.state(), State::Bridge);
    table.run_for(10 * MINUTE);
    assert_eq!(table.state(), State::Infusing);
    assert_eq!(confirm_of_another(&mut table, 1_000), Response::Accepted, "it waits for the next change");
    table.accepted(Command::Stop);
    table.accepted(Command::Start);
    assert_eq!(table.state(), State::Infusing);
}

/// 20 µL/h of another drug are another dose.
#[test]
fn what_was_prescribed_for_the_old_drug_can_not_be_started() {
    let patient = Command::ProgramPatientBolus {
        volume_nl: 4_000,
        duration_ms: 8_000,
        first_after_s: 0,
        lockout_s: 0,
        activations: 3,
        period_s: 3_600,
    };
    let (basal, bolus) = (Command::ProgramBasal { rate_nl_h: 20_000 }, Command::ProgramBolus { volume_nl: 2_000, duration_ms: 4_000 });
    let drug = |ng_per_ul| Command::ProgramConcentration { ng_per_ul };
    for (together, mode, patient_has) in
        [(&[][..], Mode::None, false), (&[basal], Mode::Continuous, false), (&[basal, patient], Mode::Continuous, true)]
    {
        let mut table = Table::ready();
        table.prescribe(&[basal, bolus, patient]);
        table.prescribe(&[drug(1_000)]);
        assert_eq!(table.therapy().mode, Mode::Continuous, "the first concentration is no change of drug");
        table.prescribe(&[&[drug(2_000)], together].concat());
        assert_eq!(table.therapy().mode, mode);
        if mode == Mode::None {
            table.refused(Command::Start, Refusal::NothingProgrammed);
            continue;
        }
        table.accepted(Command::Start);
        assert_eq!(table.state(), State::Infusing, "the bolus was for the old drug");
        let refused = pump_link::Response::Refused(Refusal::NothingProgrammed);
        assert_eq!(table.ask(Command::PatientBolus) != refused, patient_has);
    }
    let mut table = Table::ready();
    table.prescribe(&[drug(1_000), basal]);
    table.accepted(Command::BeginRefill);
    table.accepted(Command::EndRefill { withdrawn_nl: 20_000_000, filled_nl: 20_000_000, ng_per_ul: 2_000 });
    table.refused(Command::Start, Refusal::NothingProgrammed);
}

#[test]
fn a_concentration_in_force_is_no_change_and_stops_nothing() {
    let mut table = Table::ready();
    table.prescribe(&[Command::ProgramConcentration { ng_per_ul: 1_000 }, Command::ProgramBasal { rate_nl_h: 20_000 }]);
    table.accepted(Command::Start);
    table.prescribe(&[Command::ProgramConcentration { ng_per_ul: 1_000 }, Command::ProgramBridge { volume_nl: 4_000, rate_nl_h: 36_000 }]);
    assert_eq!(table.state(), State::Infusing);
    table.refused(Command::Start, Refusal::AlreadyRunning);
}

#[test]
fn the_time_that_the_reservoir_lasts_is_told() {
    for (parts, minutes) in [
        (&[Command::ProgramBasal { rate_nl_h: 20_000 }][..], 19_500_000 * 60 / 20_000),
        (&[Command::ProgramMinimum], 19_500_000 * 60 / 2_000),
        (&[Command::ProgramMicrodose { volume_nl: 5_000, duration_ms: 10_000, every_s: 1_800 }], 3_900 * 30),
        // 20 µL a day, from 8:00 to 9:00: enough for 975 days, and empty with the first stroke of the next.
        (&[step(DAILY, 480, 20_000), step(DAILY, 540, 0)], 975 * 1_440 + 480),
    ] {
        let mut table = Table::ready();
        assert_eq!(table.therapy().reservoir_lasts_min, u32::MAX, "nothing is in force");
        table.prescribe(parts);
        table.accepted(clock(0, 0));
        assert_eq!(table.therapy().reservoir_lasts_min, minutes, "{parts:?}");
    }
}
