//! Each kind of seam shows where it should and nowhere else.
#![allow(clippy::unwrap_used)]

#[expect(dead_code, reason = "the other test files need the rest of it")]
#[path = "../desk/mod.rs"]
mod desk;
mod shows;

use desk::Desk;
use pump_link::{Alarm, Command, Notice, Response};
use rig_model::defect::Seam;
use rig_model::input::{Input, PlantChange, Sense};
use rig_model::quantity::{Pressure, Temperature, Volume};
use rig_model::time::{RigTime, Span};
use rig_sim::Unit;
use shows::SHOWS;

/// What a board does in a fixed course of events, by name.
type Portrait = Vec<(&'static str, String)>;

fn portrait(unit: Option<&Unit>) -> Portrait {
    let mut portrait = Vec::new();
    basal(unit, &mut portrait);
    bolus(unit, &mut portrait);
    patient(unit, &mut portrait);
    occlusion(unit, &mut portrait);
    power_cut(unit, &mut portrait);
    hardware(unit, &mut portrait);
    talk(unit, &mut portrait);
    portrait
}

fn volume(desk: &Desk, since: RigTime) -> String {
    format!("{} µL", (desk.edges("flow.pump", Sense::Forward, since) + 5) / 10)
}

fn beeps(desk: &Desk) -> String {
    let edges = desk.seen.iter().filter_map(|a| if let Input::Edges(e) = &a.input { Some((e, e.first)) } else { None });
    let alarm: Vec<(Sense, i64)> = edges.filter(|(e, _)| &*e.channel == "alarm").map(|(e, at)| (e.sense, at.0 / 1_000_000)).collect();
    let on: i64 = alarm.windows(2).filter(|w| w[0].0 == Sense::On).map(|w| w[1].1 - w[0].1).sum();
    format!("{}, {on} ms", alarm.iter().filter(|(sense, _)| *sense == Sense::On).count())
}

/// From the first alarm that was told to the first beep that is not the self-test's.
fn tone_after(desk: &Desk) -> String {
    let alarm = desk.notices.iter().find(|(_, n)| matches!(n, Notice::AlarmOn(_))).map(|(at, _)| *at);
    let edges = desk.seen.iter().filter_map(|a| if let Input::Edges(e) = &a.input { Some(e) } else { None });
    let beep = edges.filter(|e| &*e.channel == "alarm" && e.sense == Sense::On).nth(1).map(|e| e.first);
    match (alarm, beep) {
        (Some(alarm), Some(beep)) => format!("{:.1} s", (beep - alarm).as_seconds().abs()),
        _ => "nothing".into(),
    }
}

fn told(desk: &Desk, alarm: Alarm) -> bool {
    desk.notices.iter().any(|(_, n)| *n == Notice::AlarmOn(alarm))
}

/// Three hours at 20 µL/h, a stop, and a minute of rest.
fn basal(unit: Option<&Unit>, portrait: &mut Portrait) {
    let mut desk = Desk::ready(unit);
    desk.command(Command::ProgramBasal { rate_nl_h: 20_000 });
    desk.command(Command::Start);
    desk.wait(Span::minutes(180));
    portrait.push(("three hours", volume(&desk, RigTime(-1))));
    portrait.push((
        "told of it",
        desk.status().map_or("nothing".into(), |s| format!("{:?}, {} nL/h, {} min", s.state, s.basal_nl_h, s.uptime_us / 60_000_000)),
    ));
    portrait.push(("stop", format!("{:?}", desk.command(Command::Stop))));
    desk.wait(Span::seconds(2));
    let since = desk.now;
    desk.wait(Span::minutes(1));
    portrait.push(("after the stop", format!("{} pulses", desk.edges("flow.pump", Sense::Forward, since))));
    portrait.push(("stopped", desk.status().map_or("unknown".into(), |s| format!("{:?}", s.state))));
    portrait.push(("backwards", (desk.edges("flow.pump", Sense::Reverse, RigTime(-1)) > 0).to_string()));
}

/// 30 µL in a minute, and the priming of 20 µL before it.
fn bolus(unit: Option<&Unit>, portrait: &mut Portrait) {
    let mut desk = Desk::ready(unit);
    desk.plant(PlantChange::Reservoir { volume: Volume(3_000.0) });
    desk.command(Command::ProgramPriming { volume_nl: 20_000 });
    desk.command(Command::Start);
    desk.wait(Span::seconds(30));
    portrait.push(("priming", volume(&desk, RigTime(-1))));
    let since = desk.now;
    desk.command(Command::ProgramBolus { volume_nl: 30_000, duration_ms: 60_000 });
    desk.command(Command::Start);
    desk.repeat(Command::Start);
    desk.wait(Span::seconds(32));
    portrait.push(("half a bolus", volume(&desk, since)));
    portrait.push(("left of it", desk.status().map_or("nothing".into(), |s| format!("{} nL", s.bolus_left_nl))));
    desk.wait(Span::minutes(3));
    portrait.push(("bolus", volume(&desk, since)));
    portrait.push(("account", desk.status().map_or("nothing".into(), |s| format!("{}, {}", s.reservoir_nl, s.delivered_nl))));
    portrait.push(("resets", desk.status().map_or("unknown".into(), |s| s.resets.to_string())));
}

/// One bolus of the patient's by button on top of 20 µL/h, another press within the lockout, and one after it.
fn patient(unit: Option<&Unit>, portrait: &mut Portrait) {
    let mut desk = Desk::ready(unit);
    for part in [
        Command::ProgramBasal { rate_nl_h: 20_000 },
        Command::ProgramPatientBolus {
            volume_nl: 10_000,
            duration_ms: 30_000,
            first_after_s: 0,
            lockout_s: 600,
            activations: 3,
            period_s: 7_200,
        },
    ] {
        desk.command(part);
    }
    if let Some(Response::ReadBack { checksum, .. }) = desk.command(Command::ReadBack { from: 0 }) {
        desk.command(Command::Confirm { checksum });
    }
    desk.command(Command::Start);
    desk.wait(Span::seconds(10));
    for _ in 0..2 {
        desk.plant(PlantChange::Button { held: Span::milliseconds(300), bounces: 0 });
        desk.wait(Span::minutes(2));
    }
    desk.wait(Span::minutes(8));
    desk.plant(PlantChange::Button { held: Span::milliseconds(300), bounces: 0 });
    desk.wait(Span::minutes(2));
    if let Some(Response::Therapy(therapy)) = desk.command(Command::Therapy) {
        portrait.push(("asked", format!("{} times, locked out for {} s", therapy.activations, therapy.locked_out_s)));
        portrait.push(("lasts", format!("{} min", therapy.reservoir_lasts_min)));
    } else {
        portrait.push(("asked", "unknown".into()));
    }
    desk.wait(Span::minutes(30));
    portrait.push(("by the patient", volume(&desk, RigTime(-1))));
}

/// The catheter closed at the tip while 200 µL/h flow, and a quarter of an hour of alarm.
fn occlusion(unit: Option<&Unit>, portrait: &mut Portrait) {
    let mut desk = Desk::ready(unit);
    desk.command(Command::ProgramBasal { rate_nl_h: 200_000 });
    desk.command(Command::Start);
    desk.wait(Span::minutes(5));
    portrait.push(("falsely", told(&desk, Alarm::Occlusion).to_string()));
    desk.line("occluder", true);
    desk.wait(Span::minutes(20));
    portrait.push(("occlusion told", told(&desk, Alarm::Occlusion).to_string()));
    portrait.push(("strokes", desk.status().map_or("unknown".into(), |s| s.strokes.to_string())));
    portrait.push(("beeps", beeps(&desk)));
    portrait.push(("tone after", tone_after(&desk)));
    portrait.push(("acknowledged", format!("{:?}", desk.command(Command::Acknowledge))));
    portrait.push(("alarms", desk.status().map_or("unknown".into(), |s| format!("{:?}, {:b}", s.state, s.alarms.0))));
}

/// The power is cut under way, and comes back.
fn power_cut(unit: Option<&Unit>, portrait: &mut Portrait) {
    let mut desk = Desk::ready(unit);
    desk.command(Command::Refill { volume_nl: 2_010_000 });
    desk.command(Command::ProgramBasal { rate_nl_h: 200_000 });
    desk.command(Command::Start);
    desk.wait(Span::minutes(6));
    portrait.push(("low told", told(&desk, Alarm::LowReservoir).to_string()));
    portrait.push(("low beeps", beeps(&desk)));
    desk.line("power", false);
    let since = desk.now;
    desk.wait(Span::minutes(1));
    portrait.push(("without power", volume(&desk, since)));
    desk.line("power", true);
    desk.wait(Span::seconds(5));
    let now = desk.status();
    portrait.push(("remembered", now.map_or("nothing".into(), |s| format!("{}, {} nL/h", s.reservoir_nl, s.basal_nl_h))));
}

/// Heat, a weak battery and a rotor that is held, one after the other.
fn hardware(unit: Option<&Unit>, portrait: &mut Portrait) {
    let mut desk = Desk::ready(unit);
    desk.plant(PlantChange::TipPressure { pressure: Pressure(8.0) });
    desk.command(Command::ProgramBasal { rate_nl_h: 200_000 });
    desk.command(Command::Start);
    desk.wait(Span::minutes(2));
    portrait.push(("against 8 kPa", volume(&desk, RigTime(-1))));
    desk.plant(PlantChange::Temperature { inside: Temperature(45.0) });
    desk.wait(Span::minutes(130));
    portrait.push(("heat told", told(&desk, Alarm::Overheated).to_string()));
    let mut desk = Desk::ready(unit);
    desk.plant(PlantChange::Battery { percent: 3.0 });
    desk.wait(Span::minutes(130));
    portrait.push(("battery told", format!("{} {}", told(&desk, Alarm::ReplaceSoon), told(&desk, Alarm::EndOfService))));
    if let Some(Response::Therapy(t)) = desk.command(Command::Therapy) {
        portrait.push(("volts", format!("{} mV, {} d, {} d°C", t.battery_mv, t.battery_days, t.temperature_dc)));
    }
    let mut desk = Desk::ready(unit);
    desk.plant(PlantChange::Rotor { held: true });
    desk.command(Command::ProgramBasal { rate_nl_h: 200_000 });
    desk.command(Command::Start);
    desk.wait(Span::minutes(3));
    portrait.push(("stall told", told(&desk, Alarm::MotorStall).to_string()));
    if let Some(Response::Therapy(t)) = desk.command(Command::Therapy) {
        portrait.push(("stalls", t.stalls.to_string()));
    }
}

/// Commands that are refused, entries of the patient, and the log of it.
fn talk(unit: Option<&Unit>, portrait: &mut Portrait) {
    let mut desk = Desk::ready(unit);
    portrait.push(("refused", format!("{:?}", desk.command(Command::ProgramBasal { rate_nl_h: 1 }))));
    for command in
        [Command::RecordPain { score: 6 }, Command::SetClock { second_of_week: 100_000 }, Command::ProgramBasal { rate_nl_h: 30_000 }]
    {
        desk.command(command);
    }
    desk.wait(Span::minutes(1));
    let log = desk.command(Command::ReadLog { from: 0 });
    let entries = if let Some(Response::Log { entries }) = log {
        entries.iter().map(|e| format!("{}:{}={}", e.number, e.code.code(), e.value)).collect()
    } else {
        vec![]
    };
    portrait.push(("log", entries.join(" ")));
    if let Some(Response::Therapy(t)) = desk.command(Command::Therapy) {
        portrait.push(("clock", format!("{} s", t.clock_s)));
    }
    desk.spoil();
    portrait.push(("after garbage", desk.status().is_some().to_string()));
}

#[test]
fn the_sound_pump_is_as_it_should_be() {
    let expected = [
        ("three hours", "59 µL"),
        ("told of it", "Infusing, 20000 nL/h, 180 min"),
        ("stop", "Some(Accepted)"),
        ("after the stop", "0 pulses"),
        ("stopped", "Stopped"),
        ("backwards", "false"),
        ("priming", "20 µL"),
        ("half a bolus", "16 µL"),
        ("left of it", "13000 nL"),
        ("bolus", "30 µL"),
        ("account", "19950000, 50000"),
        ("resets", "0"),
        ("asked", "2 times, locked out for 481 s"),
        ("lasts", "58428 min"),
        ("by the patient", "34 µL"),
        ("falsely", "false"),
        ("occlusion told", "true"),
        ("strokes", "27"),
        ("beeps", "5, 1250 ms"),
        ("tone after", "0.0 s"),
        ("acknowledged", "Some(Accepted)"),
        ("alarms", "Stopped, 0"),
        ("low told", "true"),
        ("low beeps", "2, 350 ms"),
        ("without power", "0 µL"),
        ("remembered", "1990000, 200000 nL/h"),
        ("against 8 kPa", "6 µL"),
        ("heat told", "true"),
        ("battery told", "true false"),
        ("volts", "2400 mV, 63 d, 370 d°C"),
        ("stall told", "true"),
        ("stalls", "1"),
        ("refused", "Some(Refused(RateOutOfRange))"),
        ("log", "1:0=0 2:35=768 3:27=6 4:22=100000 5:2=30000"),
        ("clock", "100060 s"),
        ("after garbage", "true"),
    ];
    assert_eq!(portrait(None), expected.map(|(name, value)| (name, value.to_owned())));
}

#[test]
fn each_seam_shows_where_it_should_and_nowhere_else() {
    let sound = portrait(None);
    for (seam, expected) in SHOWS {
        let seen = portrait(Some(&Unit::with(&[*seam])));
        let different: Vec<_> = seen.iter().filter(|fact| !sound.contains(fact)).map(|(n, v)| (*n, v.as_str())).collect();
        assert_eq!(different, *expected, "{seam:?}");
    }
}

#[test]
fn every_kind_of_seam_is_among_them() {
    let missing: Vec<&str> =
        Seam::KINDS.iter().map(|kind| kind.what).filter(|what| SHOWS.iter().all(|(seam, _)| seam.what() != *what)).collect();
    assert_eq!(missing, [""; 0]);
}
