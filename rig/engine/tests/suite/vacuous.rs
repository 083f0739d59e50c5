//! Nothing that rests on silence is a PASS unless the channel was shown to speak.

use rig_model::dut::{Alarm, AlarmClass, DutReport};
use rig_model::input::Sense;
use rig_model::quantity::{Flow, Pressure, Volume};
use rig_model::scenario::{Condition, Rolling, StepKind, Until, Watched, WindowQuantity};
use rig_model::time::Span;
use rig_model::verdict::Reason::{self, *};
use rig_model::verdict::Verdict::{self, *};

use crate::desk::*;

const TEN: Span = Span::seconds(10);

fn silent_quantities() -> [WindowQuantity; 7] {
    [
        WindowQuantity::Volume,
        WindowQuantity::ReverseVolume,
        WindowQuantity::MeanFlow,
        WindowQuantity::LastPulse,
        WindowQuantity::Strokes,
        WindowQuantity::VolumeIn(Rolling::Every(Span::seconds(2))),
        WindowQuantity::MeanFlowIn(Rolling::Every(Span::seconds(2))),
    ]
}

#[test]
fn no_pulse_is_little_only_from_a_living_sensor() {
    for quantity in silent_quantities() {
        let window = measure(TIP, Until::Elapsed(TEN), []);
        let check = check(of_window(quantity), None, Some(1_000.0));
        let case = case([window, check, StepKind::Wait(TEN)]);
        // When the sensor gives its only pulse, if ever: never, after the check, before the window.
        for (pulse, expected) in [(None, (Error, ChannelNotAlive)), (Some(s(15)), (Pass, WithinLimits))] {
            let mut desk = Desk::begin(&case);
            desk.edges(TIP, Sense::Forward, pulse).end();
            assert_eq!(desk.of("steps.2"), [expected], "{quantity:?}, pulse at {pulse:?}");
            assert_eq!(desk.ended().verdict, expected.0);
        }
    }
}

#[test]
fn a_sensor_alive_in_an_earlier_case_is_alive() {
    let silent = case([measure(TIP, Until::Elapsed(TEN), []), volume_at_most(1.0)]);
    let mut first = Desk::begin(&silent);
    first.edges("flow.pump", Sense::Forward, [s(1)]).end();
    assert_eq!(first.of("steps.2"), [(Error, ChannelNotAlive)], "another channel's pulse proves nothing");
    let mut first = Desk::begin(&case([StepKind::Wait(TEN)]));
    first.edges(TIP, Sense::Forward, [s(1)]).end();
    let memory = first.engine.into_memory();
    let mut second = Desk::begin_with(&silent, memory, |_| Some(rig_model::dut::Outcome::Accepted));
    assert_eq!(second.end().of("steps.2"), [(Pass, WithinLimits)]);
}

#[test]
fn too_little_blames_the_pump_only_if_the_sensor_lives() {
    for (pulse, expected) in [(None, (Error, ChannelNotAlive)), (Some(s(15)), (Fail, BeyondLimits))] {
        let check = check(of_window(WindowQuantity::Volume), Some(5.0), None);
        let mut desk = Desk::begin(&case([measure(TIP, Until::Elapsed(TEN), []), check, StepKind::Wait(TEN)]));
        desk.edges(TIP, Sense::Forward, pulse).end();
        assert_eq!(desk.of("steps.2"), [expected], "pulse at {pulse:?}");
    }
}

#[test]
fn silence_that_is_waited_for_needs_a_living_channel() {
    let volume = Condition::Volume { channel: TIP.into(), reaches: Volume(1.0) };
    let critical = Condition::Tone(AlarmClass::Critical);
    type Alive = (Verdict, Reason);
    let steps: [(StepKind, &str, Sense, Alive); 4] = [
        (expect(quiet(Span::seconds(1)), TEN), TIP, Sense::Forward, (Pass, WithinLimits)),
        (hold(quiet(Span::seconds(1)), TEN), TIP, Sense::Forward, (Pass, Observed)),
        (expect(volume, TEN), TIP, Sense::Forward, (Fail, NotObserved)),
        (expect(critical, TEN), ALARM, Sense::Off, (Fail, NotObserved)),
    ];
    for (step, channel, sense, alive) in steps {
        let played = |at| Desk::begin(&case([step.clone(), StepKind::Wait(TEN)])).edges(channel, sense, at).end().of("steps.1");
        assert_eq!(played(None), [(Error, ChannelNotAlive)], "{step:?}");
        assert_eq!(played(Some(s(11))), [alive], "{step:?}");
    }
}

#[test]
fn watchers_need_what_they_watch() {
    let tip = || TIP.into();
    let at_most = Volume(5.0);
    let watchers: [(Watched, Option<(&str, Sense)>); 6] = [
        (Watched::NoAlarm { only: vec![] }, Some((ALARM, Sense::Off))),
        (Watched::NoAlarm { only: vec![Alarm::Occlusion] }, Some((ALARM, Sense::Off))),
        (Watched::NoReverseFlow { channel: tip() }, Some((TIP, Sense::Forward))),
        (Watched::VolumeInAny { channel: tip(), window: TEN, at_most }, Some((TIP, Sense::Forward))),
        (Watched::MaxFlow { channel: tip(), at_most: Flow(9_000.0), over: TEN }, Some((TIP, Sense::Forward))),
        (Watched::MaxPressure { channel: LINE.into(), at_most: Pressure(90.0) }, None),
    ];
    for (what, alive) in watchers {
        let case = watched(case([StepKind::Wait(TEN), hold(Condition::NoAlarm, TEN)]), what.clone());
        let dead = Desk::begin(&case).end().of("watch.1");
        let no_reading = alive.is_none();
        assert_eq!(dead, [(Error, if no_reading { NoData } else { ChannelNotAlive })], "{what:?}");
        let mut desk = Desk::begin(&case);
        match alive {
            Some((channel, sense)) => desk.edges(channel, sense, [s(5)]),
            None => desk.reading(s(5), 20.0),
        };
        assert_eq!(desk.end().of("watch.1"), [(Pass, WithinLimits)], "{what:?}");
    }
}

#[test]
fn an_alarm_on_the_link_is_forbidden_whatever_the_wire_does() {
    let mut desk = Desk::begin(&watched(case([StepKind::Wait(TEN)]), Watched::NoAlarm { only: vec![] }));
    assert_eq!(desk.report(s(1), DutReport::AlarmOn(Alarm::LowReservoir)).end().of("watch.1"), [(Fail, Forbidden)]);
}

#[test]
fn readings_that_are_none() {
    let window = || measure(LINE, Until::Elapsed(TEN), []);
    let quantities = [WindowQuantity::MaxPressure, WindowQuantity::MeanPressure, WindowQuantity::LastPressure];
    for quantity in quantities {
        let case = case([window(), check(of_window(quantity), None, Some(100.0))]);
        let played = |readings: &[f64]| {
            let mut desk = Desk::begin(&case);
            readings.iter().enumerate().for_each(|(n, value)| _ = desk.reading(s(1 + n as i64), *value));
            desk.end().of("steps.2")
        };
        assert_eq!(played(&[20.0, 30.0]), [(Pass, WithinLimits)], "{quantity:?}");
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 300.1, -50.1, 1e300] {
            for readings in [&[bad][..], &[20.0, bad], &[bad, 20.0], &[20.0, bad, 20.0]] {
                assert_eq!(played(readings), [(Error, OutOfRange)], "{quantity:?} of {readings:?}");
            }
        }
        assert_eq!(played(&[]), [(Error, ChannelNotAlive)], "{quantity:?} of nothing");
        assert_eq!(played(&[300.0, -50.0, 300.0]), [(Fail, BeyondLimits)], "the instrument's range is inclusive");
    }
}

#[test]
fn a_window_that_was_never_opened() {
    let mut desk = Desk::begin(&case([volume_at_most(1.0)]));
    assert_eq!(desk.end().of("steps.1"), [(Error, NoData)]);
    // Asked for while it is open.
    let mut desk = Desk::begin(&case([measure(TIP, Until::StepsDone, [volume_at_most(1.0)])]));
    assert_eq!(desk.end().of("during.1"), [(Error, ChannelNotAlive)]);
    let mut desk = Desk::begin(&case([measure(TIP, Until::StepsDone, [StepKind::Wait(TEN), volume_at_most(1.0)])]));
    assert_eq!(desk.edges(TIP, Sense::Forward, [s(1)]).end().of("during.2"), [(Error, NoData)]);
}
