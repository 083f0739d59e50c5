//! Each defect shows, and shows only where it should.
#![allow(clippy::unwrap_used)]

#[expect(dead_code, reason = "the other test file needs all of it")]
mod desk;

use desk::Desk;
use pump_link::{Alarm, Command, Notice, Response};
use rig_model::input::Sense;
use rig_model::time::{RigTime, Span};
use rig_sim::Defect;

/// What a board does in a fixed course of events, by name.
type Portrait = Vec<(&'static str, String)>;

fn portrait(defect: Option<Defect>) -> Portrait {
    let mut portrait = Vec::new();
    bolus(defect, &mut portrait);
    stop(defect, &mut portrait);
    occlusion(defect, &mut portrait);
    low_reservoir(defect, &mut portrait);
    portrait
}

/// 30 µL in 1 min, the start sent twice.
fn bolus(defect: Option<Defect>, portrait: &mut Portrait) {
    let mut desk = Desk::ready(defect);
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
fn stop(defect: Option<Defect>, portrait: &mut Portrait) {
    let mut desk = Desk::ready(defect);
    desk.command(Command::ProgramBasal { rate_nl_h: 1_000_000 });
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
fn occlusion(defect: Option<Defect>, portrait: &mut Portrait) {
    let mut desk = Desk::ready(defect);
    let chirps = desk.edges("alarm", Sense::On, RigTime(-1));
    desk.line("occluder", true);
    desk.command(Command::ProgramBasal { rate_nl_h: 1_000_000 });
    desk.command(Command::Start);
    desk.wait(Span::minutes(3));
    let alarm = desk.notices.iter().any(|(_, n)| *n == Notice::AlarmOn(Alarm::Occlusion));
    portrait.push(("occlusion reported", alarm.to_string()));
    portrait.push(("strokes into it", desk.status().map_or("unknown".into(), |s| s.strokes.to_string())));
    portrait.push(("occlusion beeps", (desk.edges("alarm", Sense::On, RigTime(-1)) - chirps).to_string()));
}

/// Two strokes above the threshold of the warning.
fn low_reservoir(defect: Option<Defect>, portrait: &mut Portrait) {
    let mut desk = Desk::ready(defect);
    let chirps = desk.edges("alarm", Sense::On, RigTime(-1));
    desk.command(Command::Refill { volume_nl: 2_001_000 });
    desk.command(Command::ProgramBasal { rate_nl_h: 1_000_000 });
    desk.command(Command::Start);
    desk.wait(Span::seconds(20));
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

#[test]
fn each_defect_shows_where_it_should_and_nowhere_else() {
    let sound = portrait(None);
    for defect in Defect::ALL {
        let expected: &[(&str, &str)] = match defect {
            Defect::WrongGain => &[("bolus", "34 µL"), ("strokes into it", "10")],
            Defect::UnderDelivery => &[("bolus", "26 µL"), ("strokes into it", "12")],
            Defect::DeafToPressure => &[("occlusion reported", "false"), ("strokes into it", "50"), ("occlusion beeps", "0")],
            Defect::LateOcclusion => &[("strokes into it", "18")],
            Defect::DoubleBolus => &[("bolus", "60 µL"), ("reported use", "Some(60000) nL")],
            Defect::NoLowWarning => &[("low reported", "false"), ("low beeps", "0")],
            Defect::DribblesAfterStop => &[("bolus", "32 µL"), ("after the stop", "10 pulses")],
            Defect::SilentSounder => &[("occlusion beeps", "0"), ("low beeps", "0")],
            Defect::SlowStop => &[("after the stop", "50 pulses")],
            Defect::SlowStart => &[("bolus", "27 µL"), ("strokes into it", "14")],
            Defect::StuckReservoirCount => &[("reported use", "Some(0) nL")],
            Defect::ResetsMidway => &[("bolus", "20 µL"), ("reported use", "Some(20000) nL"), ("resets", "Some(1)"), ("chirps", "3")],
            Defect::Mute => {
                &[("reported use", "None nL"), ("resets", "None"), ("occlusion reported", "false"), ("strokes into it", "unknown")]
            }
        };
        let seen = portrait(Some(*defect));
        let different: Vec<_> = seen.iter().filter(|fact| !sound.contains(fact)).map(|(n, v)| (*n, v.as_str())).collect();
        assert_eq!(different, expected, "{defect}");
    }
}
