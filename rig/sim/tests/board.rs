//! The board as the rig sees it: bytes, pulses, tones and answers, in order and reproducible.
#![allow(clippy::unwrap_used)]

#[expect(dead_code, reason = "the other test files need the rest of it")]
mod desk;

use desk::{Desk, quiet_bench};
use pump_link::{Alarm, Command, MAX_FRAME, Notice, Refusal, Request, Response, State, encode};
use rig_model::input::{Action, Actuation, Bytes, Input, PlantChange, Sense, Source};
use rig_model::quantity::Volume;
use rig_model::time::{RigTime, Span};
use rig_sim::{Arrival, Board, reference_bench};

const BOLUS: Command = Command::ProgramBolus { volume_nl: 30_000, duration_ms: 60_000 };
const BASAL: Command = Command::ProgramBasal { rate_nl_h: 1_000_000 };

/// Above a soft limit: programmed, read back and confirmed.
fn confirmed(desk: &mut Desk, command: Command) {
    desk.command(command);
    let Some(Response::ReadBack { checksum, .. }) = desk.command(Command::ReadBack { from: 0 }) else { panic!("no read-back") };
    assert_eq!(desk.command(Command::Confirm { checksum }), Some(Response::Accepted));
}

#[test]
fn a_board_tests_itself_and_says_who_it_is() {
    let mut desk = Desk::new(&quiet_bench(), 1, None);
    assert_eq!(desk.command(Command::Identify), None, "no power, no answer");
    assert!(desk.line("power", true));
    assert_eq!(desk.command(Command::Start), Some(Response::Refused(Refusal::SelfTestRunning)));
    desk.wait(Span::seconds(1));
    assert!(desk.notices.iter().any(|(_, n)| *n == Notice::Restarted));
    let Some(Response::Identity(identity)) = desk.command(Command::Identify) else { panic!("no identity") };
    assert_eq!(identity.model.as_str(), rig_sim::identity().model);
    assert_eq!(desk.status().unwrap().state, State::Stopped);
    assert_eq!(desk.edges("alarm", Sense::On, RigTime(-1)), 1, "the chirp");
}

/// Several simulated units can be told apart; a serial number that is too long for the link is not half told.
#[test]
fn a_board_has_the_serial_number_of_its_bench_file() {
    for (named, told) in [(None, "SN-0001"), (Some("SN-0042"), "SN-0042"), (Some(&*"9".repeat(500)), "SN-0001")] {
        let mut bench = quiet_bench();
        bench.dut.serial = named.map(str::to_owned);
        let mut desk = Desk::new(&bench, 1, None);
        desk.line("power", true);
        desk.wait(Span::seconds(1));
        let Some(Response::Identity(identity)) = desk.command(Command::Identify) else { panic!("no identity") };
        assert_eq!(identity.serial.as_str(), told);
    }
}

#[test]
fn a_vessel_under_the_tip_is_not_emptied_by_a_fresh_bench() {
    let mut desk = Desk::ready(None);
    desk.command(BOLUS);
    desk.command(Command::Start);
    desk.wait(Span::minutes(3));
    let before = desk.board.delivered_in_all().0;
    assert!((before - 30.0).abs() < 1.0, "{before}");
    assert!(desk.plant(PlantChange::Fresh { seed: 2 }));
    assert!(desk.board.plant().delivered_at_tip().0 < 1e-9);
    assert!((desk.board.delivered_in_all().0 - before).abs() < 0.01);
}

#[test]
fn every_stroke_of_a_bolus_passes_both_sensors() {
    let mut desk = Desk::ready(None);
    assert_eq!(desk.command(BOLUS), Some(Response::Accepted));
    assert_eq!(desk.command(Command::Start), Some(Response::Accepted));
    desk.wait(Span::minutes(3));
    assert_eq!(desk.status().unwrap().strokes, 30);
    for channel in ["flow.pump", "flow.tip"] {
        let pulses = desk.edges(channel, Sense::Forward, RigTime(-1));
        assert!((299..=301).contains(&pulses), "{pulses} pulses of {channel}");
        assert_eq!(desk.edges(channel, Sense::Reverse, RigTime(-1)), 0);
    }
}

#[test]
fn settings_survive_a_loss_of_power_and_the_tone_does_not() {
    let mut desk = Desk::ready(None);
    confirmed(&mut desk, BASAL);
    desk.command(Command::Refill { volume_nl: 2_000_500 });
    desk.command(Command::Start);
    while desk.edges("alarm", Sense::On, RigTime(-1)) < 2 {
        desk.wait(Span::milliseconds(10));
    }
    assert!(desk.line("power", false));
    assert_eq!(desk.edges("alarm", Sense::Off, RigTime(-1)), 2, "the tone was cut off");
    let off = desk.now;
    desk.wait(Span::minutes(2));
    assert_eq!(desk.edges("flow.pump", Sense::Forward, off), 0);
    let readings = desk.seen.iter().filter(|a| a.at > off && is_pressure(a)).count();
    assert_eq!(readings, 2, "the bench reads the pressure every minute");
    desk.line("power", true);
    desk.wait(Span::milliseconds(1_500));
    let status = desk.status().unwrap();
    assert_eq!((status.state, status.basal_nl_h, status.resets, status.delivered_nl), (State::Stopped, 1_000_000, 1, 1_000));
}

fn is_pressure(arrival: &Arrival) -> bool {
    matches!(&arrival.input, Input::Reading { channel, .. } if &**channel == "pressure.line")
}

#[test]
fn a_repeated_start_is_carried_out_once() {
    let mut desk = Desk::ready(None);
    desk.command(BOLUS);
    assert_eq!(desk.command(Command::Start), Some(Response::Accepted));
    assert_eq!(desk.repeat(Command::Start), Some(Response::Accepted));
    desk.wait(Span::minutes(5));
    assert_eq!(desk.status().unwrap().delivered_nl, 30_000);
}

#[test]
fn a_fresh_bench_forgets_everything_but_its_edge_numbers() {
    let mut desk = Desk::ready(None);
    desk.command(BOLUS);
    desk.command(Command::Start);
    desk.wait(Span::seconds(20));
    assert!(desk.plant(PlantChange::Fresh { seed: 2 }) && !desk.board.powered());
    desk.line("power", true);
    desk.wait(Span::milliseconds(1_500));
    assert_eq!(desk.status().unwrap().resets, 0);
    desk.command(BOLUS);
    desk.command(Command::Start);
    desk.wait(Span::seconds(90));
    for channel in ["flow.pump", "flow.tip", "alarm"] {
        let mut next = 0;
        for arrival in &desk.seen {
            let Input::Edges(edges) = &arrival.input else { continue };
            if &*edges.channel == channel {
                assert_eq!(edges.first_number, next, "{channel}");
                next += edges.count();
            }
        }
        assert!(next > 0);
    }
}

#[test]
fn the_valves_and_the_needle_work() {
    let mut desk = Desk::ready(None);
    assert!(!desk.line("drill", true), "no such line");
    assert!(desk.line("button", true));
    desk.plant(PlantChange::Reservoir { volume: Volume(5_000.0) });
    assert_eq!(desk.board.plant().reservoir(), Volume(5_000.0));
    desk.line("refill", true);
    assert_eq!(desk.board.plant().reservoir(), Volume(20_000.0));
    desk.line("occluder", true);
    confirmed(&mut desk, BASAL);
    desk.command(Command::Start);
    desk.wait(Span::minutes(1));
    assert!(desk.notices.iter().any(|(_, n)| *n == Notice::AlarmOn(Alarm::Occlusion)));
    let shut = desk.now;
    assert_eq!(desk.edges("flow.tip", Sense::Forward, RigTime(-1)), 0);
    desk.line("occluder", false);
    desk.wait(Span::seconds(10));
    let released = desk.board.plant().delivered_at_tip().0;
    assert!((10.0..11.0).contains(&released), "{released} µL of 0.15 µL/kPa × 69 kPa");
    assert!(desk.edges("flow.tip", Sense::Forward, shut) > 0);
}

/// A bolus on the noisy bench, played in steps no longer than `step`.
fn played(seed: u64, step: Span) -> Vec<Arrival> {
    let mut board = Board::new(&reference_bench(), seed, None, RigTime::ZERO);
    let mut out = Vec::new();
    let power_on = Action::Actuate { id: 1, what: Actuation::Line { line: "power".into(), active: true } };
    let actions = [power_on, tx(1, Command::Status), tx(2, BOLUS), tx(3, Command::Start)];
    let mut now = RigTime::ZERO;
    for (n, action) in (0..).zip(&actions) {
        board.act(now, action);
        let until = RigTime::ZERO + Span::seconds(2 + 40 * n);
        while now < until {
            let first = out.len();
            now = (now + step).min(until);
            board.advance(now, &mut out);
            assert!(out[first..].is_sorted_by_key(|a| (a.at, a.source)), "in order");
            assert!(out[first..].iter().all(|a| a.at <= now));
        }
    }
    out
}

fn tx(seq: u16, command: Command) -> Action {
    let mut buffer = [0; MAX_FRAME];
    Action::Tx(Bytes(encode(&Request { session: 7, seq, command }, &mut buffer).unwrap().to_vec()))
}

fn flattened(arrivals: &[Arrival]) -> (Vec<(RigTime, String)>, Vec<Arrival>) {
    let mut edges = Vec::new();
    let mut others = Vec::new();
    for arrival in arrivals {
        match &arrival.input {
            Input::Edges(e) => edges.extend(e.times().map(|at| (at, format!("{} {:?}", e.channel, e.sense)))),
            _ => others.push(arrival.clone()),
        }
    }
    edges.sort();
    (edges, others)
}

#[test]
fn the_same_seed_gives_the_same_inputs_however_time_is_cut() {
    let whole = played(5, Span::seconds(100));
    assert_eq!(whole, played(5, Span::seconds(100)));
    assert_eq!(flattened(&whole), flattened(&played(5, Span::milliseconds(7))));
    assert_ne!(flattened(&whole).0, flattened(&played(6, Span::seconds(100))).0);
}

#[test]
fn nothing_is_caused_before_its_cause() {
    let mut bench = quiet_bench();
    let plant = bench.plant.as_mut().unwrap();
    (plant.relay_delay, plant.link_delay) = (Span::ZERO, Span::ZERO);
    bench.link.baud = u32::MAX;
    let mut board = Board::new(&bench, 1, None, RigTime::ZERO);
    let mut out = Vec::new();
    board.advance(RigTime(500), &mut out);
    board.act(RigTime(500), &Action::Actuate { id: 1, what: Actuation::Line { line: "power".into(), active: true } });
    board.advance(RigTime(500), &mut out);
    // The photometer says from the first moment on what it sees.
    out.retain(|arrival| !matches!(arrival.input, Input::Reading { .. }));
    assert_eq!(out, []);
    assert_eq!(board.next_event(), Some(RigTime(501)));
    board.advance(RigTime(501), &mut out);
    assert_eq!(out[0], Arrival { source: Source::Bench, at: RigTime(501), input: Input::Done { id: 1 } });
}
