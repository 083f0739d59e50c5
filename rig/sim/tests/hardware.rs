//! What can be done to the board around the pump: watchdog, supply, battery, rotor, memory, button, clock.
#![allow(clippy::unwrap_used)]

#[expect(dead_code, reason = "the other test files need the rest of it")]
mod desk;

use desk::{Desk, quiet_bench};
use pump_link::{Alarm, Command, LogCode, Notice, Refusal, Response, State};
use rig_model::input::{Action, Actuation, Input, PlantChange, Sense};
use rig_model::quantity::{Temperature, Voltage};
use rig_model::time::{RigTime, Span};
use rig_sim::Board;

const BASAL: Command = Command::ProgramBasal { rate_nl_h: 500_000 };
const BOLUS: Command = Command::ProgramBolus { volume_nl: 60_000, duration_ms: 120_000 };

fn infusing() -> Desk {
    let mut desk = Desk::ready(None);
    desk.accepted(BASAL);
    desk.accepted(Command::Start);
    desk.wait(Span::minutes(1));
    desk
}

fn raised(desk: &Desk, alarm: Alarm) -> Option<RigTime> {
    desk.notices.iter().find(|(_, notice)| *notice == Notice::AlarmOn(alarm)).map(|(at, _)| *at)
}

#[test]
fn the_watchdog_resets_firmware_that_stands_still() {
    let mut desk = infusing();
    assert!(desk.plant(PlantChange::Hang));
    let hung = desk.now;
    assert_eq!(desk.status(), None, "nobody answers");
    let before = desk.edges("flow.pump", Sense::Forward, hung);
    desk.wait(Span::milliseconds(1_850));
    assert_eq!(desk.status(), None, "nor just before");
    desk.wait(Span::seconds(2));
    let status = desk.status().unwrap();
    assert_eq!((status.state, status.resets), (State::Halted, 1));
    assert!(raised(&desk, Alarm::WatchdogReset).is_some_and(|at| at - hung < Span::milliseconds(3_100)));
    desk.wait(Span::hours(1));
    assert!(desk.edges("flow.pump", Sense::Forward, hung) - before <= 10, "a stroke in progress at the most");
    desk.accepted(Command::Acknowledge);
    desk.accepted(Command::Start);
}

#[test]
fn power_that_goes_while_it_stands_still_is_a_loss_of_power() {
    let mut desk = infusing();
    desk.plant(PlantChange::Hang);
    desk.line("power", false);
    desk.wait(Span::seconds(5));
    assert!(!desk.board.powered(), "the watchdog has no power either");
    desk.line("power", true);
    desk.wait(Span::milliseconds(1_500));
    assert_eq!((desk.status().unwrap().state, raised(&desk, Alarm::WatchdogReset)), (State::Stopped, None));
}

#[test]
fn a_brown_out_in_a_bolus_ends_it_and_nothing_restarts() {
    let mut desk = Desk::ready(None);
    desk.accepted(BOLUS);
    desk.accepted(Command::Start);
    desk.wait(Span::seconds(59));
    let before = desk.status().unwrap();
    assert!(desk.plant(PlantChange::SupplyDip { to: Voltage(1.8), lasts: Span::milliseconds(300) }));
    assert!(!desk.board.powered(), "while it lasts");
    desk.wait(Span::seconds(2));
    let status = desk.status().unwrap();
    assert_eq!((status.state, status.resets, status.bolus_left_nl), (State::Stopped, 1, 0));
    assert!(status.alarms.contains(Alarm::LowSupply) && before.bolus_left_nl > 20_000);
    assert!((before.delivered_nl..=before.delivered_nl + 1_000).contains(&status.delivered_nl), "none is forgotten");
    let since = desk.now;
    desk.wait(Span::hours(2));
    assert_eq!(desk.edges("flow.pump", Sense::Forward, since), 0);
}

#[test]
fn a_dip_that_the_firmware_outlives_is_told_by_it() {
    let mut desk = infusing();
    assert!(desk.plant(PlantChange::SupplyDip { to: Voltage(2.1), lasts: Span::milliseconds(300) }));
    desk.wait(Span::milliseconds(100));
    let status = desk.status().unwrap();
    assert_eq!((status.state, status.alarms.contains(Alarm::LowSupply), status.resets), (State::Infusing, true, 0));
    desk.wait(Span::hours(1));
    assert!(!desk.status().unwrap().alarms.contains(Alarm::LowSupply), "over");
}

#[test]
fn the_line_supply_holds_the_firmware_in_reset() {
    let mut desk = infusing();
    assert!(desk.line("supply", true) && !desk.board.powered());
    desk.line("power", false);
    desk.line("power", true);
    desk.wait(Span::minutes(5));
    assert!(!desk.board.powered(), "power without supply");
    desk.line("supply", false);
    desk.wait(Span::milliseconds(1_500));
    assert_eq!(desk.status().unwrap().state, State::Stopped);
    assert!(raised(&desk, Alarm::LowSupply).is_none(), "switched on, as far as it can know");
}

#[test]
fn an_old_battery_warns_and_a_spent_one_ends_delivery() {
    for (percent, alarm, state) in [
        (60.0, None, State::Infusing),
        (4.0, Some(Alarm::ReplaceSoon), State::Infusing),
        (0.3, Some(Alarm::EndOfService), State::Halted),
        (0.0, Some(Alarm::EndOfService), State::Halted),
    ] {
        let mut desk = infusing();
        assert!(desk.plant(PlantChange::Battery { percent }));
        desk.wait(Span::minutes(130));
        let status = desk.status().unwrap();
        assert_eq!(status.state, state, "{percent} %");
        assert_eq!((alarm.is_some(), status.resets), (!status.alarms.is_empty(), 0), "{percent} %: {:?}", status.alarms);
        assert!(alarm.is_none_or(|alarm| status.alarms.contains(alarm)), "{percent} %: {:?}", status.alarms);
    }
}

#[test]
fn a_held_rotor_moves_nothing_and_is_noticed() {
    for by_line in [true, false] {
        let mut desk = infusing();
        let held = |desk: &mut Desk, held| if by_line { desk.line("magnet", held) } else { desk.plant(PlantChange::Rotor { held }) };
        assert!(held(&mut desk, true));
        let since = desk.now;
        desk.wait(Span::minutes(2));
        assert_eq!(desk.edges("flow.pump", Sense::Forward, since), 0);
        let status = desk.status().unwrap();
        assert_eq!((status.state, status.alarms.contains(Alarm::MotorStall)), (State::Halted, true));
        assert!(held(&mut desk, false));
        desk.accepted(Command::Acknowledge);
        desk.accepted(Command::Start);
        desk.wait(Span::minutes(2));
        assert!(desk.edges("flow.pump", Sense::Forward, since) > 100);
        assert_eq!(desk.status().unwrap().state, State::Infusing);
    }
}

/// Caught in the midst of its stroke, each time, and let go before the next.
#[test]
fn a_stroke_that_did_not_come_to_its_end_did_not_turn() {
    let mut desk = infusing();
    for _ in 0..3 {
        let since = desk.now;
        while desk.edges("flow.pump", Sense::Forward, since) < 2 {
            desk.wait(Span::milliseconds(10));
        }
        desk.plant(PlantChange::Rotor { held: true });
        desk.plant(PlantChange::Rotor { held: false });
        desk.wait(Span::seconds(2));
        assert!((2..8).contains(&desk.edges("flow.pump", Sense::Forward, since)), "cut short");
    }
    assert!(desk.status().unwrap().alarms.contains(Alarm::MotorStall));
}

#[test]
fn a_warm_pump_stops() {
    let mut desk = infusing();
    assert!(desk.plant(PlantChange::Temperature { inside: Temperature(43.0) }));
    desk.wait(Span::minutes(70));
    let status = desk.status().unwrap();
    assert_eq!((status.state, status.alarms.contains(Alarm::Overheated)), (State::Halted, true));
}

#[test]
fn every_field_of_the_memory_can_be_altered_and_is_missed() {
    for (name, _) in pump_core::stored_fields() {
        let mut desk = infusing();
        assert!(desk.plant(PlantChange::Memory { field: name.into(), mask: 1, sealed: false }), "{name}");
        desk.wait(Span::seconds(10));
        let status = desk.status().unwrap();
        assert_eq!((status.state, status.alarms.contains(Alarm::SettingsCorrupted)), (State::Fault, true), "{name}");
    }
}

#[test]
fn a_field_whose_checksum_is_right_is_believed_if_it_can_be() {
    for (mask, state) in [(1, State::Stopped), (0xc0, State::Fault)] {
        let mut desk = Desk::ready(None);
        desk.accepted(Command::ProgramBasal { rate_nl_h: 2_000 });
        desk.accepted(Command::Start);
        desk.wait(Span::seconds(10));
        desk.line("power", false);
        assert!(desk.plant(PlantChange::Memory { field: "basal_rate".into(), mask, sealed: true }));
        desk.line("power", true);
        desk.wait(Span::seconds(3));
        assert_eq!(desk.status().unwrap().state, state, "{mask}");
    }
}

#[test]
fn a_field_that_is_not_there_is_refused_with_those_that_are() {
    let mut desk = infusing();
    let failed = |desk: &mut Desk, field: &str| {
        assert!(!desk.plant(PlantChange::Memory { field: field.into(), mask: 1, sealed: false }));
        desk.seen.iter().rev().find_map(|a| if let Input::Failed { why, .. } = &a.input { Some(why.clone()) } else { None }).unwrap()
    };
    let why = failed(&mut desk, "basal");
    assert!(why.starts_with("the pump stores no field `basal`; it stores version, basal_rate, reservoir, "), "{why}");
    assert!(why.ends_with("diary, checksum"), "{why}");
    let mut new = Desk::new(&quiet_bench(), 1, None);
    assert_eq!(failed(&mut new, "basal_rate"), "the pump has stored nothing yet; power it on first");
}

/// A patient's bolus of 5 µL, as often as is asked for.
fn with_patient_bolus() -> Desk {
    let mut desk = Desk::ready(None);
    let rule = Command::ProgramPatientBolus {
        volume_nl: 5_000,
        duration_ms: 10_000,
        first_after_s: 60,
        lockout_s: 60,
        activations: 10,
        period_s: 86_400,
    };
    desk.accepted(rule);
    let Some(Response::ReadBack { checksum, .. }) = desk.command(Command::ReadBack { from: 0 }) else { panic!("nothing read back") };
    desk.accepted(Command::Confirm { checksum });
    desk.accepted(Command::ProgramBasal { rate_nl_h: 20_000 });
    desk.accepted(Command::Start);
    desk.wait(Span::minutes(2));
    desk
}

#[test]
fn a_press_counts_once_however_the_contact_bounces() {
    for (held, bounces, started) in [(300, 0, 1), (300, 6, 1), (300, 40, 1), (20, 6, 0), (300, 100, 1)] {
        let mut desk = with_patient_bolus();
        assert!(desk.plant(PlantChange::Button { held: Span::milliseconds(held), bounces }));
        desk.wait(Span::minutes(1));
        let told = desk.log();
        let count = |code| told.iter().filter(|entry| entry.0 == code).count();
        assert_eq!((count(LogCode::PatientBolusStarted), count(LogCode::PatientBolusDenied)), (started, 0), "{held} ms, {bounces} bounces");
    }
    let mut desk = with_patient_bolus();
    desk.line("button", true);
    desk.wait(Span::milliseconds(500));
    desk.line("button", false);
    desk.wait(Span::minutes(1));
    assert_eq!(desk.log().iter().filter(|entry| entry.0 == LogCode::PatientBolusStarted).count(), 1, "by the line");
}

#[test]
fn a_clock_that_is_wrong_drifts_by_that_and_nothing_else() {
    // 100 ppm fast for 30 days of its own: strokes of 1 µL at 20 µL/h, each 180 s of the pump's time.
    let mut desk = Desk::new(&quiet_bench(), 1, None);
    desk.plant(PlantChange::PumpClock { ppm: 100.0 });
    desk.line("power", true);
    let (on, _) = desk.seen.iter().filter_map(|a| if a.input == (Input::Done { id: 2 }) { Some((a.at, 0)) } else { None }).next().unwrap();
    desk.wait(Span::seconds(2));
    desk.accepted(Command::ProgramBasal { rate_nl_h: 20_000 });
    desk.accepted(Command::Start);
    let at_start = desk.log_entries().into_iter().find(|entry| entry.code == LogCode::Started).unwrap().uptime_us;
    let first = desk.seen.len();
    desk.wait(Span::seconds(30 * 86_400 + 10));
    // The alarm of a day's tones apart, each stroke's first pulse is at the stroke's begin: 50 ms into it at 10 pulses/µL.
    let strokes = desk.first_pulses("flow.pump", first, Span::seconds(60));
    assert_eq!(strokes.len(), 14_401, "one more than the 14,400 of a right clock");
    for (n, at) in strokes.iter().enumerate() {
        // In billionths of a nanosecond, so that nothing is rounded before the end.
        let pump_us = i128::from(at_start) + 180_000_000 * (n as i128 + 1);
        let begin = (pump_us * 1_000 * 1_000_000_000).div_euclid(1_000_100_000) + 1;
        let late = at.0 as i128 - i128::from(on.0) - begin;
        assert!((0..60_000_000).contains(&late), "stroke {n} is {late} ns late");
    }
    let late = |n: usize| strokes[n].0 as i128 - (i128::from(at_start) + 180_000_000 * (n as i128 + 1)) * 1_000_000_000_000 / 1_000_100_000;
    assert!((late(0) - late(14_400)).abs() <= 2, "no drift by rounding: {} and {}", late(0), late(14_400));
}

#[test]
fn a_right_clock_costs_nothing_and_an_error_that_ends_leaves_what_it_did() {
    let mut desk = infusing();
    let uptime = |desk: &mut Desk| (desk.now, desk.status().unwrap().uptime_us);
    let (began, before) = uptime(&mut desk);
    desk.plant(PlantChange::PumpClock { ppm: -500.0 });
    desk.wait(Span::hours(10));
    desk.plant(PlantChange::PumpClock { ppm: 0.0 });
    desk.wait(Span::hours(10));
    let (ended, after) = uptime(&mut desk);
    let (rig, pump) = ((ended - began).0 / 1_000, (after - before) as i64);
    // 500 ppm of ten hours and the 20 ms of an actuation are 18.00001 s.
    assert!((rig - pump - 18_000_010).abs() <= 2, "{}", rig - pump);
}

/// A clock that is wrong from the first day is wrong again on a fresh bench, whatever it was made between.
#[test]
fn the_bench_may_have_a_pump_whose_clock_is_wrong() {
    let mut bench = quiet_bench();
    bench.plant.as_mut().unwrap().pump_clock_ppm = -500.0;
    let mut desk = Desk::new(&bench, 1, None);
    let late = |desk: &mut Desk| {
        desk.line("power", true);
        desk.wait(Span::seconds(2));
        let before = (desk.now, desk.status().unwrap().uptime_us);
        desk.wait(Span::hours(10));
        let after = (desk.now, desk.status().unwrap().uptime_us);
        (after.0 - before.0).0 / 1_000 - (after.1 - before.1) as i64
    };
    let first = late(&mut desk);
    assert!((first - 18_000_010).abs() <= 100, "500 ppm of ten hours: {first}");
    desk.plant(PlantChange::PumpClock { ppm: 0.0 });
    assert!(desk.plant(PlantChange::Fresh { seed: 2 }));
    assert!((late(&mut desk) - first).abs() <= 100);
}

#[test]
fn another_model_is_another_pump() {
    let mut bench = quiet_bench();
    bench.dut.model = pump_core::TRIAL_MODEL.into();
    let mut desk = Desk::new(&bench, 1, None);
    desk.line("power", true);
    desk.wait(Span::milliseconds(1_500));
    let Some(Response::Identity(identity)) = desk.command(Command::Identify) else { panic!("no identity") };
    assert_eq!(identity.model.as_str(), pump_core::TRIAL_MODEL);
    assert_eq!(desk.status().unwrap().reservoir_nl, 100_000_000);
    assert_eq!(desk.command(Command::ProgramBasal { rate_nl_h: 2_000 }), Some(Response::Refused(Refusal::RateOutOfRange)));
}

/// A day in which all of it happens, on the noisy bench, in steps no longer than `step`.
fn played(step: Span) -> Vec<rig_sim::Arrival> {
    let mut board = Board::new(&rig_sim::reference_bench(), 7, None, RigTime::ZERO);
    let mut out = Vec::new();
    let changes = [
        PlantChange::PumpClock { ppm: 33.0 },
        PlantChange::Button { held: Span::milliseconds(200), bounces: 5 },
        PlantChange::Battery { percent: 3.0 },
        PlantChange::SupplyDip { to: Voltage(1.0), lasts: Span::milliseconds(250) },
        PlantChange::Rotor { held: true },
        PlantChange::Hang,
        PlantChange::Memory { field: "reservoir".into(), mask: 3, sealed: false },
    ];
    let power = Actuation::Line { line: "power".into(), active: true };
    let mut now = RigTime::ZERO;
    for (id, what) in (1..).zip([power].into_iter().chain(changes.map(Actuation::Plant))) {
        board.act(now, &Action::Actuate { id, what });
        let until = now + Span::minutes(61);
        while now < until {
            now = (now + step).min(until);
            board.advance(now, &mut out);
        }
    }
    out.retain(|arrival| !matches!(arrival.input, Input::Edges(_)));
    out
}

#[test]
fn it_all_repeats_to_the_nanosecond_however_time_is_cut() {
    let whole = played(Span::hours(2));
    assert!(whole.iter().filter(|a| matches!(a.input, Input::Rx(_))).count() > 10);
    assert_eq!(whole, played(Span::hours(2)));
    assert_eq!(whole, played(Span::milliseconds(1_700)));
}
