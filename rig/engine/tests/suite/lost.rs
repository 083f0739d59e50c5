//! Facts that were lost: what depended on them is ERROR, nothing else is, and what was seen for certain may prove FAIL all the same.

use rig_engine::Stimulus;
use rig_model::dut::{Alarm, AlarmClass, DutReport, PumpState};
use rig_model::input::{Lost, Sense};
use rig_model::quantity::{Flow, Pressure, Volume};
use rig_model::scenario::{Condition, Rolling, StepKind, Subject, Until, Watched, WindowQuantity};
use rig_model::time::Span;
use rig_model::verdict::Reason::{self, *};
use rig_model::verdict::Verdict::{self, *};

use crate::desk::*;

const TEN: Span = Span::seconds(10);

/// Two windows one after the other, at 0 and 10 s, with a stroke in each at 3 s and 13 s, judged when both are over.
fn two_windows() -> Desk {
    let window = |name: &str| {
        let StepKind::Measure(mut window) = measure(TIP, Until::Elapsed(TEN), []) else { panic!() };
        window.name = name.into();
        StepKind::Measure(window)
    };
    let at_most = |name: &str| {
        let subject = Subject::Window { window: name.into(), quantity: WindowQuantity::Volume };
        check(subject, None, Some(5.0))
    };
    let case = case([window("one"), window("two"), StepKind::Wait(TEN), at_most("one"), at_most("two")]);
    let mut desk = Desk::begin(&watched(case, Watched::NoReverseFlow { channel: TIP.into() }));
    desk.stroke(s(3));
    desk
}

#[test]
fn only_what_depended_on_the_stretch_is_an_error() {
    const SOUND: (Verdict, Reason) = (Pass, WithinLimits);
    const LOST: (Verdict, Reason) = (Error, DataLost);
    let none: fn(&mut Desk) = |_| {};
    type Play<'a> = (&'a str, fn(&mut Desk), [(Verdict, Reason); 3]);
    let plays: [Play<'_>; 8] = [
        ("nothing", none, [SOUND, SOUND, SOUND]),
        ("another channel", |d| _ = d.lose(s(4), Some("flow.pump")), [SOUND, SOUND, SOUND]),
        ("in the first", |d| _ = d.lose(s(4), Some(TIP)).stroke(s(13)), [LOST, SOUND, LOST]),
        ("in the first, any channel", |d| _ = d.lose(s(4), None).stroke(s(13)), [LOST, SOUND, LOST]),
        ("in the second", |d| _ = d.stroke(s(13)).lose(s(14), Some(TIP)), [SOUND, LOST, LOST]),
        // Noticed in the second, but missing may be what came in the first: the channel's last pulse lies there.
        ("noticed in the second", |d| _ = d.lose(s(12), Some(TIP)), [LOST, LOST, LOST]),
        ("noticed after both", |d| _ = d.stroke(s(13)).lose(s(25), Some(TIP)), [SOUND, LOST, LOST]),
        ("after a later pulse", |d| _ = d.stroke(s(13)).stroke(s(22)).lose(s(25), Some(TIP)), [SOUND, SOUND, LOST]),
    ];
    for (what, play, expected) in plays {
        let mut desk = two_windows();
        play(&mut desk);
        desk.end();
        let got = ["steps.4", "steps.5", "watch.1"].map(|step| desk.of(step)[0]);
        assert_eq!(got, expected, "{what}");
    }
}

#[test]
fn a_bound_that_proves_fail_is_a_fail() {
    let every = Rolling::Every(Span::seconds(2));
    // Two strokes of 1.2 µL were seen; the upper limit is far below that or above it. The lower limit can't be proven broken.
    let bounded = [WindowQuantity::Volume, WindowQuantity::MeanFlow, WindowQuantity::VolumeIn(every), WindowQuantity::MeanFlowIn(every)];
    let unbounded = [WindowQuantity::DeliveryTime, WindowQuantity::OnsetDelay, WindowQuantity::LastPulse, WindowQuantity::Strokes];
    let quantities = bounded.into_iter().map(|q| (q, Fail)).chain(unbounded.into_iter().map(|q| (q, Error)));
    for (quantity, beyond_upper) in quantities {
        for (lower, upper, expected) in [(None, Some(1e-3), beyond_upper), (None, Some(1e6), Error), (Some(1e6), None, Error)] {
            let saturated = (0..12).map(|n| s(5) + Span::milliseconds(15 * n));
            let window = measure(TIP, Until::Elapsed(TEN), []);
            let case = case([window, check(of_window(quantity), lower, upper)]);
            let mut lost = Desk::begin(&case);
            lost.stroke(s(2)).stroke(s(4)).lose(s(6), Some(TIP)).end();
            let mut out_of_range = Desk::begin(&case);
            out_of_range.stroke(s(2)).stroke(s(4)).edges(TIP, Sense::Forward, saturated).end();
            for (desk, reason) in [(lost, DataLost), (out_of_range, OutOfRange)] {
                let reason = if expected == Fail { BeyondLimits } else { reason };
                assert_eq!(desk.of("steps.2"), [(expected, reason)], "{quantity:?} {lower:?} {upper:?}");
            }
        }
    }
}

#[test]
fn watchers_keep_what_they_have_proven() {
    let tip = || TIP.into();
    let volume = |at_most| Watched::VolumeInAny { channel: tip(), window: TEN, at_most: Volume(at_most) };
    let flow = |at_most| Watched::MaxFlow { channel: tip(), at_most: Flow(at_most), over: Span::seconds(1) };
    let pressure = |at_most| Watched::MaxPressure { channel: LINE.into(), at_most: Pressure(at_most) };
    let reverse = Watched::NoReverseFlow { channel: tip() };
    for (what, expected) in [
        (volume(0.5), Fail),
        (volume(50.0), Error),
        (flow(1_000.0), Fail),
        (flow(19_000.0), Error),
        (pressure(10.0), Fail),
        (pressure(90.0), Error),
        (reverse, Error),
        (Watched::NoAlarm { only: vec![] }, Fail),
        (Watched::NoAlarm { only: vec![Alarm::LowReservoir] }, Error),
        (Watched::NeverState(vec![PumpState::Fault]), Error),
        (Watched::NoRestart, Error),
    ] {
        let mut desk = Desk::begin(&watched(case([StepKind::Wait(TEN)]), what.clone()));
        desk.stroke(s(1)).reading(s(2), 20.0).report(s(3), DutReport::AlarmOn(Alarm::Occlusion)).edges(ALARM, Sense::Off, [s(4)]);
        assert_eq!(desk.lose(s(5), None).end().of("watch.1")[0].0, expected, "{what:?}");
    }
}

#[test]
fn a_reading_that_is_none_hides_no_pressure_that_was_read() {
    for (limit, expected) in [(10.0, (Fail, BeyondLimits)), (90.0, (Error, OutOfRange))] {
        let max = check(of_window(WindowQuantity::MaxPressure), None, Some(limit));
        let case = watched(
            case([measure(LINE, Until::Elapsed(TEN), []), max]),
            Watched::MaxPressure { channel: LINE.into(), at_most: Pressure(limit) },
        );
        let mut desk = Desk::begin(&case);
        desk.reading(s(1), 20.0).reading(s(2), f64::NAN).end();
        assert_eq!((desk.of("steps.2"), desk.of("watch.1")), (vec![expected], vec![expected]), "at most {limit}");
    }
}

#[test]
fn waiting_for_what_may_be_lost() {
    let volume = |ul| Condition::Volume { channel: TIP.into(), reaches: Volume(ul) };
    let bolus = || Condition::State(PumpState::Bolus);
    let stopped = || Condition::State(PumpState::Stopped);
    let tone = || Condition::Tone(AlarmClass::Critical);
    let second = Span::seconds(1);
    for (step, channel, expected) in [
        (expect(quiet(second), TEN), Some(TIP), (Error, DataLost)),
        (expect(quiet(second), TEN), None, (Error, DataLost)),
        (expect(quiet(second), TEN), Some("flow.pump"), (Pass, WithinLimits)),
        (expect(quiet(TEN), TEN), Some(TIP), (Fail, NotObserved)),
        (hold(quiet(second), TEN), Some(TIP), (Fail, NotObserved)),
        (expect(volume(50.0), TEN), Some(TIP), (Error, DataLost)),
        (expect(volume(50.0), TEN), Some(LINE), (Fail, NotObserved)),
        (expect(tone(), TEN), Some(ALARM), (Error, DataLost)),
        (expect(tone(), TEN), Some(TIP), (Fail, NotObserved)),
        (expect(bolus(), TEN), Some(TIP), (Fail, NotObserved)),
        (expect(bolus(), TEN), None, (Error, DataLost)),
        (expect(bolus(), TEN), Some("link"), (Error, DataLost)),
        (expect(volume(50.0), TEN), Some("link"), (Fail, NotObserved)),
        (hold(stopped(), TEN), None, (Error, DataLost)),
        (hold(stopped(), TEN), Some(TIP), (Pass, Observed)),
    ] {
        let mut desk = Desk::begin(&case([step.clone(), StepKind::Wait(TEN)]));
        desk.edges(ALARM, Sense::Off, [ms(1)]).lose(ms(200), channel).stroke(ms(300)).end();
        assert_eq!(desk.of("steps.1"), [expected], "{step:?}, lost on {channel:?}");
    }
    // What was lost before the wait began has nothing to do with it.
    let mut desk = Desk::begin(&case([StepKind::Wait(TEN), expect(quiet(second), TEN)]));
    assert_eq!(desk.stroke(s(1)).lose(s(2), Some(TIP)).end().of("steps.2"), [(Pass, WithinLimits)]);
}

#[test]
fn a_pump_that_could_not_be_heard_was_not_watched() {
    let garbled = Lost { channel: Some("link".into()), count: None, spurious: false, why: "overrun".into() };
    for what in [Watched::NoAlarm { only: vec![] }, Watched::NoRestart, Watched::NeverState(vec![PumpState::Fault])] {
        for silent in [Stimulus::Silent, Stimulus::LinkDown { why: "unplugged" }, Stimulus::Lost(&garbled)] {
            let mut desk = Desk::begin(&watched(case([StepKind::Wait(TEN)]), what.clone()));
            desk.edges(ALARM, Sense::Off, [s(1)]).tell(s(2), silent).end();
            assert_eq!(desk.of("watch.1"), [(Error, DataLost)], "{what:?} {silent:?}");
        }
    }
}

#[test]
fn a_restart_shows_even_if_the_pump_never_told_of_it() {
    let case = watched(case([StepKind::Wait(TEN), check(Subject::Restarts, None, Some(0.0))]), Watched::NoRestart);
    for (resets, expected) in [(1, (Pass, WithinLimits)), (2, (Fail, BeyondLimits))] {
        let mut desk = Desk::begin(&case);
        let polled = |state| DutReport::Status(rig_model::dut::PumpStatus { resets, ..status(state) });
        // In its self-test the pump has counted already what it will tell of afterwards.
        desk.report(s(1), DutReport::Status(status(PumpState::Stopped))).report(s(2), polled(PumpState::SelfTest));
        desk.report(s(3), polled(PumpState::Stopped)).report(s(4), polled(PumpState::Stopped)).end();
        assert_eq!(desk.of("steps.2"), [expected]);
        assert_eq!(desk.of("watch.1")[0].0, expected.0);
    }
    // Told of, and seen in the next status: one restart.
    let mut desk = Desk::begin(&case);
    let polled = DutReport::Status(status(PumpState::Stopped));
    desk.report(s(1), DutReport::Restarted).report(s(2), polled).end();
    assert_eq!(desk.rows().iter().find(|r| r.quantity == "restarts").and_then(|r| r.value), Some(1.0));
}
