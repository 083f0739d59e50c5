//! What was not watched is not shown: a record that ends too early, commands that were refused, alarms of another occlusion.

use rig_engine::Memory;
use rig_model::dut::{Alarm, DutReport, Outcome, Refusal, Verb};
use rig_model::quantity::Volume;
use rig_model::scenario::*;
use rig_model::time::Span;
use rig_model::verdict::Reason::{self, *};
use rig_model::verdict::Verdict::{self, *};

use crate::desk::*;

const GAP: WindowQuantity = WindowQuantity::LongestGap;
const LATENCY: WindowQuantity = WindowQuantity::StartLatency;
const RUN_TIME: WindowQuantity = WindowQuantity::AfterRunTime;
const RUN_VOLUME: WindowQuantity = WindowQuantity::AfterRunVolume;

fn wait(seconds: i64) -> StepKind {
    StepKind::Wait(Span::seconds(seconds))
}

fn refused(verb: Verb) -> StepKind {
    StepKind::Command { verb, expect: Expected::Refused(Refusal::AlreadyRunning), verifies: Vec::new() }
}

/// A window in which this is done, the one check of it behind it, and time for the channel to show that it is alive.
fn window(during: impl IntoIterator<Item = StepKind>, quantity: WindowQuantity, upper: f64) -> Case {
    case([measure(TIP, Until::StepsDone, during), check(of_window(quantity), None, Some(upper)), wait(10)])
}

/// The row of the check behind the window.
fn judged(desk: &mut Desk) -> (Verdict, Reason, String) {
    desk.end();
    let row = desk.rows().into_iter().find(|r| &*r.step == "steps.2").unwrap();
    (row.verdict, row.reason_code, row.reason.clone())
}

#[test]
fn a_gap_after_a_restart_is_a_gap() {
    let (stop, start) = (|| command(Verb::Stop), || command(Verb::Start));
    for (pulses, expected) in [(&[16, 26, 36, 46, 56][..], Pass), (&[16, 56], Fail), (&[46, 56], Fail), (&[16, 26], Fail), (&[], Fail)] {
        let mut desk = Desk::begin(&window([wait(5), stop(), wait(5), start(), wait(50)], GAP, 15.0));
        pulses.iter().for_each(|at| _ = desk.stroke(s(*at)));
        desk.to(s(60)).stroke(s(61));
        let (verdict, _, why) = judged(&mut desk);
        assert_eq!(verdict, expected, "{pulses:?}: {why}");
        assert!(why.contains("judged up to the closing, at 1 min"), "{why}");
    }
    // What was stopped is not judged.
    let mut desk = Desk::begin(&window([wait(5), stop(), wait(50), start(), wait(5)], GAP, 15.0));
    desk.to(s(60)).stroke(s(61));
    assert_eq!(judged(&mut desk).0, Pass);
    let mut desk = Desk::begin(&window([wait(5), stop(), wait(50)], GAP, 15.0));
    desk.to(s(55)).stroke(s(61));
    let (verdict, _, why) = judged(&mut desk);
    assert!(verdict == Pass && why.contains("from 0 µs to 5 s after the opening; judged up to the last stop, at 5 s"), "{why}");
}

#[test]
fn a_command_that_was_refused_is_none() {
    let answer = |verb: &Verb| match verb {
        Verb::Start | Verb::Stop => Some(Outcome::Refused(Refusal::AlreadyRunning)),
        _ => Some(Outcome::Accepted),
    };
    for (verb, quantity) in [(Verb::Start, LATENCY), (Verb::Stop, RUN_TIME), (Verb::Stop, RUN_VOLUME)] {
        let mut desk = Desk::begin_with(&window([refused(verb), wait(60)], quantity, 30.0), Memory::default(), answer);
        desk.stroke(s(5));
        assert_eq!(judged(&mut desk).1, NoData, "{quantity:?}");
    }
    let mut desk = Desk::begin_with(&window([refused(Verb::Stop), wait(60)], GAP, 30.0), Memory::default(), answer);
    desk.stroke(s(5));
    assert_eq!(judged(&mut desk).0, Fail, "the silence after a stop that was refused is judged");
    // Accepted against what was expected: it is one.
    let mut desk = Desk::begin(&window([refused(Verb::Stop), wait(60)], GAP, 30.0));
    desk.stroke(s(5));
    assert_eq!(judged(&mut desk).0, Pass);
}

#[test]
fn what_came_before_the_start_makes_its_answer_doubtful() {
    for (before, expected) in [(false, (Pass, WithinLimits)), (true, (Error, NoData))] {
        let mut desk = Desk::begin(&window([wait(20), command(Verb::Start), wait(40)], LATENCY, 30.0));
        if before {
            desk.stroke(s(10));
        }
        desk.stroke(s(30));
        let (verdict, code, why) = judged(&mut desk);
        assert_eq!((verdict, code), expected, "{why}");
    }
}

#[test]
fn a_record_that_ends_with_the_stop_shows_no_after_run() {
    // Length after the stop, strokes after it, quantity, limit, verdict. A stroke takes 0.44 s.
    type Row<'a> = (i64, &'a [i64], WindowQuantity, f64, (Verdict, Reason));
    let cases: [Row<'_>; 10] = [
        (0, &[], RUN_TIME, 2.0, (Error, NoData)),
        (0, &[], RUN_VOLUME, 2.0, (Error, NoData)),
        (1, &[], RUN_VOLUME, 2.0, (Error, NoData)),
        (2, &[], RUN_VOLUME, 2.0, (Pass, WithinLimits)),
        (2, &[], RUN_TIME, 2.0, (Error, NoData)),
        (3, &[], RUN_TIME, 2.0, (Pass, WithinLimits)),
        // Pulses that reach the closing bound the time from below, and the volume too.
        (10, &[9_500], RUN_TIME, 20.0, (Error, NoData)),
        (10, &[9_500], RUN_TIME, 2.0, (Fail, BeyondLimits)),
        (10, &[9_500], RUN_VOLUME, 2.0, (Error, NoData)),
        (10, &[9_500], RUN_VOLUME, 0.5, (Fail, BeyondLimits)),
    ];
    for (length, strokes, quantity, upper, expected) in cases {
        let mut desk = Desk::begin(&window([wait(20), command(Verb::Stop), wait(length)], quantity, upper));
        desk.stroke(s(5));
        strokes.iter().for_each(|after| _ = desk.stroke(s(20) + Span::milliseconds(*after)));
        let (verdict, code, why) = judged(&mut desk);
        assert_eq!((verdict, code), expected, "{length} s, {quantity:?} ≤ {upper}: {why}");
    }
    // What comes after the next start is no after-run, and no silence either.
    let restarted = |length| [wait(20), command(Verb::Stop), wait(length), command(Verb::Start), wait(60)];
    for (length, expected) in [(5, Pass), (1, Error)] {
        let mut desk = Desk::begin(&window(restarted(length), RUN_TIME, 2.0));
        desk.stroke(s(5)).stroke(s(40));
        assert_eq!(judged(&mut desk).0, expected);
    }
}

#[test]
fn the_end_of_an_after_run_is_as_wide_as_its_last_interval() {
    let mut desk = Desk::begin(&window([wait(20), command(Verb::Stop), wait(100)], RUN_TIME, 50.0));
    desk.stroke(s(5)).edges(TIP, rig_model::input::Sense::Forward, [s(25), s(33)]).end();
    let row = desk.rows().into_iter().find(|r| &*r.step == "steps.2").unwrap();
    let last = row.budget.iter().find(|c| c.name == "last pulse").unwrap();
    assert_eq!((row.value, last.bound), (Some(13.0), Some(8.0)), "{row:#?}");
    // The longest gap begins behind a pulse that came 8 s after the one before it.
    let mut desk = Desk::begin(&window([wait(120)], GAP, 1_000.0));
    desk.stroke(s(5)).edges(TIP, rig_model::input::Sense::Forward, [s(25), s(33), s(93)]).end();
    let row = desk.rows().into_iter().find(|r| &*r.step == "steps.2").unwrap();
    let ends = row.budget.iter().find(|c| c.name == "first and last pulse").unwrap();
    assert_eq!((row.value, ends.bound), (Some(60.0), Some(16.0)), "{row:#?}");
}

#[test]
fn a_delivery_whose_window_closed_early_has_no_volume_after_its_end() {
    for (length, expected) in [(4, (Error, NoData)), (7, (Error, NoData)), (9, (Pass, WithinLimits))] {
        let StepKind::Measure(mut window) = measure(TIP, Until::Elapsed(Span::seconds(length)), [command(Verb::Start)]) else { panic!() };
        window.delivery = Some(DeliveryAsked { volume: Volume(1.2), over: Span::seconds(6), within_percent: 50.0 });
        let round = steps("round", [StepKind::Measure(window)]);
        let quantity = WindowQuantity::Deliveries { figure: DeliveryFigure::AfterEndMax, at_least: 2 };
        let repeat = StepKind::Repeat { times: 2, steps: round };
        let mut desk = Desk::begin(&case([repeat, check(of_window(quantity), None, Some(1.0))]));
        desk.stroke(s(1)).stroke(s(length + 1));
        let (verdict, code, why) = judged(&mut desk);
        assert_eq!((verdict, code), expected, "{why}");
    }
}

const OCCLUSION: Alarm = Alarm::Occlusion;

fn stop_delay() -> StepKind {
    check(Subject::StopDelay { alarm: OCCLUSION, channel: TIP.into() }, None, Some(1e6))
}

fn at_alarm() -> StepKind {
    let not_older_than = Span::seconds(10);
    check(Subject::PressureAtAlarm { alarm: OCCLUSION, channel: LINE.into(), not_older_than }, Some(-1e6), Some(1e6))
}

fn signal_delay() -> StepKind {
    check(Subject::SignalDelay { alarm: OCCLUSION }, None, Some(1e6))
}

/// Two strokes, two readings and the alarm, whose report comes 50 s after this instant.
fn occluded(desk: &mut Desk, from: i64) {
    desk.stroke(s(from + 1)).stroke(s(from + 11)).reading(s(from + 45), 68.0).reading(s(from + 48), 70.0);
    desk.report(s(from + 50), DutReport::AlarmOn(OCCLUSION));
}

/// Verdict and reason of the only row of each of these steps.
fn rows<const N: usize>(desk: &Desk, steps: [usize; N]) -> [(Verdict, Reason); N] {
    steps.map(|n| desk.of(&format!("steps.{n}"))[0])
}

#[test]
fn an_alarm_that_was_acknowledged_answers_for_nothing_that_came_later() {
    let steps = [wait(60), command(Verb::Acknowledge), command(Verb::Start), wait(60), stop_delay(), at_alarm(), signal_delay()];
    let mut desk = Desk::begin(&case(steps.clone()));
    occluded(&mut desk, 0);
    desk.end();
    assert_eq!(rows(&desk, [5, 6, 7]), [(Fail, NotObserved); 3]);
    // A second one after it does.
    let mut desk = Desk::begin(&case(steps));
    occluded(&mut desk, 0);
    desk.report(s(61), DutReport::AlarmOff(OCCLUSION));
    desk.stroke(s(62)).stroke(s(72)).reading(s(115), 68.0).reading(s(118), 70.0).report(s(119), DutReport::AlarmOn(OCCLUSION)).end();
    assert_eq!(rows(&desk, [5, 6]), [(Pass, WithinLimits); 2]);
    assert!(desk.rows()[0].reason.contains("reported at 1 min 59 s"), "{}", desk.rows()[0].reason);
}

#[test]
fn an_alarm_that_was_judged_is_not_judged_again_after_the_bench_was_touched() {
    let start = || command(Verb::Start);
    let steps = [wait(60), stop_delay(), stop_delay(), at_alarm(), at_alarm(), start(), stop_delay(), at_alarm()];
    let mut desk = Desk::begin(&case(steps));
    occluded(&mut desk, 0);
    desk.end();
    assert_eq!(rows(&desk, [2, 3, 4, 5]), [(Pass, WithinLimits); 4], "two limits for one alarm are two checks of it");
    assert_eq!(rows(&desk, [7, 8]), [(Fail, NotObserved); 2]);
}

#[test]
fn without_an_alarm_lost_data_are_asked_first() {
    let mut desk = Desk::begin(&case([wait(60), stop_delay(), at_alarm(), signal_delay()]));
    desk.stroke(s(1)).stroke(s(11)).lose(s(30), None).end();
    assert_eq!(rows(&desk, [2, 3, 4]), [(Error, DataLost); 3]);
}

#[test]
fn flow_that_went_on_did_not_stop() {
    // Strokes every 10 s, the last pulse of the last one at 11.44 s: a pause of 9.56 s has been seen.
    for (report, expected) in [(20, (Error, NoData)), (21_000, (Error, NoData)), (21_100, (Pass, WithinLimits))] {
        let at = if report < 1_000 { s(report) } else { ms(report) };
        let mut desk = Desk::begin(&case([wait(60), stop_delay()]));
        desk.stroke(s(1)).stroke(s(11)).report(at, DutReport::AlarmOn(OCCLUSION)).end();
        assert_eq!(rows(&desk, [2]), [expected], "{report}: {:#?}", desk.rows());
    }
    // One stroke tells no pause; and what came before the pump was started is no pause of its strokes.
    let mut desk = Desk::begin(&case([wait(60), stop_delay()]));
    desk.stroke(s(1)).report(s(50), DutReport::AlarmOn(OCCLUSION)).end();
    assert_eq!(rows(&desk, [2]), [(Error, NoData)]);
    let mut desk = Desk::begin(&case([wait(100), command(Verb::Start), wait(60), stop_delay()]));
    desk.stroke(s(1)).stroke(s(101)).stroke(s(106)).report(s(130), DutReport::AlarmOn(OCCLUSION)).end();
    assert_eq!(rows(&desk, [4]), [(Pass, WithinLimits)]);
}

#[test]
fn a_reading_that_is_old_needs_one_before_it() {
    for (before, at, expected) in [
        (None, 59, (Error, NoData)),
        (Some(f64::NAN), 59, (Error, NoData)),
        (Some(400.0), 59, (Error, NoData)),
        (Some(69.0), 59, (Pass, WithinLimits)),
        (None, 60, (Pass, WithinLimits)),
    ] {
        let mut desk = Desk::begin(&case([wait(120), at_alarm()]));
        before.into_iter().for_each(|value| _ = desk.reading(s(55), value));
        if at == 59 {
            desk.reading(s(59), 70.0).report(s(60), DutReport::AlarmOn(OCCLUSION));
        } else {
            desk.report(s(60), DutReport::AlarmOn(OCCLUSION)).reading(s(60), 70.0);
        }
        desk.end();
        assert_eq!(rows(&desk, [2]), [expected], "{before:?} {at}");
    }
}
