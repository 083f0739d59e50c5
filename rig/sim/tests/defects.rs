//! Each defect shows, and shows only where it should.
#![allow(clippy::unwrap_used)]

#[expect(dead_code, reason = "the other test file needs all of it")]
mod desk;

use desk::Desk;
use pump_link::{Alarm, Command, Notice, Response};
use rig_model::defect::{Seam, Told, Tones};
use rig_model::input::Sense;
use rig_model::time::{RigTime, Span};
use rig_sim::Unit;

/// What a board does in a fixed course of events, by name.
type Portrait = Vec<(&'static str, String)>;

fn portrait(unit: Option<&Unit>) -> Portrait {
    let mut portrait = Vec::new();
    bolus(unit, &mut portrait);
    stop(unit, &mut portrait);
    occlusion(unit, &mut portrait);
    low_reservoir(unit, &mut portrait);
    portrait
}

/// 30 µL in 1 min, the start sent twice.
fn bolus(unit: Option<&Unit>, portrait: &mut Portrait) {
    let mut desk = Desk::ready(unit);
    let before = desk.status().map(|s| s.reservoir_nl);
    desk.command(Command::ProgramBolus { volume_nl: 30_000, duration_ms: 60_000 });
    desk.command(Command::Start);
    desk.repeat(Command::Start);
    desk.wait(Span::minutes(4));
    let pulses = desk.edges("flow.pump", Sense::Forward, RigTime(-1));
    let status = desk.status();
    portrait.push(("bolus", format!("{} µL", (pulses + 5) / 10)));
    portrait.push(("reported use", format!("{:?} nL", status.and_then(|s| Some(before? - s.reservoir_nl)))));
    portrait.push(("resets", format!("{:?}", status.map(|s| s.resets))));
    portrait.push(("chirps", desk.edges("alarm", Sense::On, RigTime(-1)).to_string()));
}

/// A minute of basal rate, then a stop.
fn stop(unit: Option<&Unit>, portrait: &mut Portrait) {
    let mut desk = Desk::ready(unit);
    desk.command(Command::ProgramBasal { rate_nl_h: 500_000 });
    desk.command(Command::Start);
    desk.wait(Span::seconds(20));
    let stopped = desk.command(Command::Stop);
    desk.wait(Span::seconds(1));
    let since = desk.now;
    desk.wait(Span::minutes(2));
    portrait.push(("stop accepted", (stopped == Some(Response::Accepted)).to_string()));
    portrait.push(("after the stop", format!("{} pulses", desk.edges("flow.pump", Sense::Forward, since))));
}

/// The catheter closed at the tip: 10.2 µL from 1.2 kPa to 69 kPa at 0.15 µL/kPa.
fn occlusion(unit: Option<&Unit>, portrait: &mut Portrait) {
    let mut desk = Desk::ready(unit);
    let chirps = desk.edges("alarm", Sense::On, RigTime(-1));
    desk.line("occluder", true);
    desk.command(Command::ProgramBasal { rate_nl_h: 500_000 });
    desk.command(Command::Start);
    desk.wait(Span::minutes(6));
    let alarm = desk.notices.iter().any(|(_, n)| *n == Notice::AlarmOn(Alarm::Occlusion));
    portrait.push(("occlusion reported", alarm.to_string()));
    portrait.push(("strokes into it", desk.status().map_or("unknown".into(), |s| s.strokes.to_string())));
    portrait.push(("occlusion beeps", (desk.edges("alarm", Sense::On, RigTime(-1)) - chirps).to_string()));
}

/// Two strokes above the threshold of the warning.
fn low_reservoir(unit: Option<&Unit>, portrait: &mut Portrait) {
    let mut desk = Desk::ready(unit);
    let chirps = desk.edges("alarm", Sense::On, RigTime(-1));
    desk.command(Command::Refill { volume_nl: 2_001_000 });
    desk.command(Command::ProgramBasal { rate_nl_h: 500_000 });
    desk.command(Command::Start);
    desk.wait(Span::seconds(40));
    let warned = desk.notices.iter().any(|(_, n)| *n == Notice::AlarmOn(Alarm::LowReservoir));
    portrait.push(("low reported", warned.to_string()));
    portrait.push(("low beeps", (desk.edges("alarm", Sense::On, RigTime(-1)) - chirps).to_string()));
}

#[test]
fn a_sound_board_is_sound() {
    let expected = [
        ("bolus", "30 µL"),
        ("reported use", "Some(30000) nL"),
        ("resets", "Some(0)"),
        ("chirps", "1"),
        ("stop accepted", "true"),
        ("after the stop", "0 pulses"),
        ("occlusion reported", "true"),
        ("strokes into it", "11"),
        ("occlusion beeps", "2"),
        ("low reported", "true"),
        ("low beeps", "1"),
    ];
    assert_eq!(portrait(None), expected.map(|(name, value)| (name, value.to_owned())));
}

/// What is wrong, and what of the portrait it changes.
type Shows = (Unit, &'static [(&'static str, &'static str)]);

fn low_nl(value: i64) -> Unit {
    Unit { constants: vec![("low_nl".into(), value)], ..Unit::default() }
}

/// The first pumps of the catalogue, which other tests have pinned.
fn first_pumps() -> Vec<Shows> {
    let with = |seam| Unit::with(&[seam]);
    vec![
        (with(Seam::Gain { by: 1.12 }), &[("bolus", "34 µL"), ("strokes into it", "10")]),
        (with(Seam::Gain { by: 0.85 }), &[("bolus", "26 µL"), ("strokes into it", "12")]),
        (with(Seam::PressureStuck { kpa: 2.0 }), &[("occlusion reported", "false"), ("strokes into it", "50"), ("occlusion beeps", "0")]),
        (with(Seam::PressureScaled { by: 0.6 }), &[("strokes into it", "18")]),
        (with(Seam::RepeatedStart { after_s: 0.5 }), &[("bolus", "60 µL"), ("reported use", "Some(60000) nL")]),
        (low_nl(0), &[("low reported", "false"), ("low beeps", "0")]),
        (with(Seam::Dribble { at: 30.0 }), &[("bolus", "32 µL"), ("after the stop", "10 pulses")]),
        (with(Seam::ToneMuted { which: Tones::Any, after: 0 }), &[("occlusion beeps", "0"), ("low beeps", "0")]),
        (with(Seam::StrokesAfterStop { strokes: 5, every_s: 2.0 }), &[("after the stop", "50 pulses")]),
        (with(Seam::FirstStrokesLost { strokes: 3 }), &[("bolus", "27 µL"), ("strokes into it", "14")]),
        (with(Seam::ToldStuck { which: Told::Reservoir }), &[("reported use", "Some(0) nL")]),
        (
            with(Seam::Resets { after_strokes: 20 }),
            &[("bolus", "20 µL"), ("reported use", "Some(20000) nL"), ("resets", "Some(1)"), ("chirps", "3")],
        ),
        (
            with(Seam::Mute { after_s: 30.0 }),
            &[("reported use", "None nL"), ("resets", "None"), ("occlusion reported", "false"), ("strokes into it", "unknown")],
        ),
    ]
}

#[test]
fn each_defect_shows_where_it_should_and_nowhere_else() {
    let sound = portrait(None);
    for (unit, expected) in first_pumps() {
        let seen = portrait(Some(&unit));
        let different: Vec<_> = seen.iter().filter(|fact| !sound.contains(fact)).map(|(n, v)| (*n, v.as_str())).collect();
        assert_eq!(different, expected, "{unit:?}");
    }
}
