//! Leaving makes the bench safe: stop, then lines, then a measured dwell; and what does not show it is told.

use rig_model::dut::Verb;
use rig_model::input::{Input, Lost, Source};
use rig_model::scenario::{LinkFault, StepKind};
use rig_model::time::{RigTime, Span};

use crate::stand::*;
use crate::text_pump::answer;

const DWELL: Span = Span::seconds(30);

/// The first pulse of a run, in the window, that shows the sensor to be alive.
fn alive() -> [RigTime; 1] {
    [s(5)]
}

#[test]
fn stop_then_lines_then_dwell() {
    let (stand, facts) = Stand::new(vec![infusion()]).pulses(alive()).play();
    let (begin, end, shown) = safe_downs(&facts)[0];
    // Window from the prelude's end, ten seconds of it; then `finally` stops the pump and asks how it is.
    let left = RigTime::ZERO + PRELUDE + RELAY_AFTER + Span::seconds(10) + Span::milliseconds(10);
    assert_eq!(begin, left);
    assert_eq!(stand.sent(&Verb::Stop), [RigTime(left.0 - 10_000_000), left], "`finally` and the safe-down");
    let moved = left + Span::milliseconds(5);
    let lines = [("occluder", false), ("power", false), ("shut", true)].map(|(line, active)| (line.to_owned(), (moved, active)));
    assert_eq!(stand.last_lines(), lines.into(), "to their safe levels, once the stop is answered");
    assert_eq!(end, moved + RELAY_AFTER + DWELL);
    assert!(shown.shown && shown.stop_acknowledged && shown.lines_safe, "{shown:?}");
    assert_eq!((shown.dwell, shown.at_most.map(|v| v.0)), (DWELL, Some(0.1)), "one pulse may be under way");
    assert_eq!((stand.ended().exit_code, stand.ended().safe), (0, true));
}

/// What the dwell of an infusion's safe-down shows: bound, how long it took, exit code.
fn dwell(stand: Stand) -> (bool, Span, u8) {
    let (stand, facts) = stand.play();
    let (begin, end, shown) = safe_downs(&facts)[0];
    assert_eq!(shown.shown, stand.ended().safe, "{shown:?}");
    (shown.shown, end - (begin + Span::milliseconds(5) + RELAY_AFTER), stand.ended().exit_code)
}

fn stand() -> Stand {
    Stand::new(vec![infusion()]).pulses(alive())
}

#[test]
fn what_flows_in_the_dwell() {
    // The dwell begins here.
    let begin = RigTime::ZERO + PRELUDE + RELAY_AFTER + Span::seconds(10) + Span::milliseconds(25);
    let each_second = |from: i64, to: i64| (from..to).map(move |n| begin + Span::seconds(n));
    // Four pulses and the one under way are 0.5 µL, which is allowed; a fifth is too much and begins the dwell anew.
    for (what, pulses, expected) in [
        ("four pulses", 1..5, (true, DWELL, 0)),
        ("five pulses", 1..6, (true, Span::seconds(5) + DWELL, 0)),
        ("stored volume for 20 s", 1..21, (true, Span::seconds(20) + DWELL, 0)),
        ("flow to the last moment", 1..200, (false, Span::seconds(5 * 30), 7)),
        ("at the last instant of the dwell", 26..31, (true, Span::seconds(30) + DWELL, 0)),
        ("after the dwell", 31..40, (true, DWELL, 0)),
    ] {
        assert_eq!(dwell(stand().pulses(each_second(pulses.start, pulses.end))), expected, "{what}");
    }
}

#[test]
fn facts_lost_in_the_dwell_show_nothing() {
    let begin = RigTime::ZERO + PRELUDE + RELAY_AFTER + Span::seconds(10) + Span::milliseconds(25);
    let lost = |channel: Option<&str>| Input::Lost {
        what: Lost { channel: channel.map(Into::into), count: None, spurious: false, why: "overflow".into() },
    };
    let at = |n| begin + Span::seconds(n);
    for (what, stand, expected) in [
        ("once", stand().at(at(10), Source::Sensors, lost(Some(TIP))), (true, Span::seconds(10) + DWELL, 0)),
        ("of any channel", stand().at(at(10), Source::Sensors, lost(None)), (true, Span::seconds(10) + DWELL, 0)),
        ("of the alarm", stand().at(at(10), Source::Sensors, lost(Some("alarm"))), (true, DWELL, 0)),
        ("before the dwell", stand().at(s(8), Source::Sensors, lost(Some("alarm"))), (true, DWELL, 0)),
        ("in the running number", stand().gap(9).pulses([at(10)]), (true, Span::seconds(10) + DWELL, 0)),
        (
            "again and again",
            (1..15).fold(stand(), |stand, n| stand.at(at(10 * n), Source::Sensors, lost(Some(TIP)))),
            (false, Span::seconds(150), 7),
        ),
    ] {
        assert_eq!(dwell(stand), expected, "{what}");
    }
}

#[test]
fn lines_that_fail_or_do_not_answer() {
    let failing: [(&str, Relay, Span); 2] = [
        ("fails", |_, now| Some(if now > s(10) { Err("stuck") } else { Ok(()) }), Span::ZERO),
        ("does not answer", |_, now| (now < s(10)).then_some(Ok(())), Span::milliseconds(1_990)),
    ];
    for (what, relay, more) in failing {
        let mut failing = stand();
        failing.relay = relay;
        assert_eq!(dwell(failing), (false, DWELL + more, 7), "{what}");
    }
}

#[test]
fn a_dead_sensor_shows_nothing_once_the_pump_was_started() {
    assert_eq!(dwell(Stand::new(vec![infusion()])), (false, DWELL, 7));
    // The pump refuses to say who it is: nothing was ever started.
    let mut never_started = Stand::new(vec![infusion()]);
    never_started.pump = |request, _| if request.ends_with("identify") { None } else { answer(request) };
    assert_eq!(dwell(never_started), (true, DWELL, 1));
}

#[test]
fn a_pump_that_no_longer_answers_may_still_be_shown_to_be_still() {
    let mut mute = stand();
    mute.pump = |request, now| if now > s(10) { None } else { answer(request) };
    let (stand, facts) = mute.play();
    let (_, _, shown) = safe_downs(&facts)[0];
    assert_eq!((shown.shown, shown.stop_acknowledged, stand.ended().exit_code), (true, false, 1), "{shown:?}");
}

#[test]
fn a_pump_that_may_still_run_is_not_safe_however_still_it_is() {
    // The safe level of its power is on, and it answers nothing from 10 s on: the next stroke may be an hour away.
    let mut bench = bench();
    bench.lines[0].safe_active = true;
    for (answers, expected) in [(true, (true, true, 0)), (false, (false, false, 7))] {
        let mut stand = stand();
        stand.runner = runner_on(bench.clone(), vec![infusion()]);
        stand.pump = if answers { |request, _| answer(request) } else { |request, now| if now > s(10) { None } else { answer(request) } };
        let (stand, facts) = stand.play();
        let (_, _, shown) = safe_downs(&facts)[0];
        assert_eq!((shown.shown, shown.stop_acknowledged, stand.ended().exit_code), expected, "{shown:?}");
    }
}

#[test]
fn what_a_scenario_did_to_the_link_ends_with_it() {
    // Far more commands would be lost than there are; `finally` is still the scenario's.
    let lose = || StepKind::LinkFault(LinkFault::LoseNextCommand);
    let mut case = infusion();
    case.steps.extend(steps("faults", std::iter::repeat_with(lose).take(20)));
    case.finally.clear();
    let (stand, facts) = Stand::new(vec![case, infusion()]).pulses(alive()).play();
    let shown: Vec<_> = safe_downs(&facts).iter().map(|(_, _, shown)| (shown.shown, shown.stop_acknowledged)).collect();
    assert_eq!((shown, stand.ended().exit_code), (vec![(true, true); 2], 0), "neither the stop nor the next case is touched");
}

#[test]
fn the_worst_case_decides_and_the_last_safe_down_does_not_mend_the_first() {
    let begin = RigTime::ZERO + PRELUDE + RELAY_AFTER + Span::seconds(10) + Span::milliseconds(25);
    let flowing = (1..200).map(|n| begin + Span::seconds(n));
    let (stand, facts) = Stand::new(vec![infusion(), infusion()]).pulses(alive()).pulses(flowing).play();
    let shown: Vec<_> = safe_downs(&facts).iter().map(|(_, _, shown)| shown.shown).collect();
    assert_eq!((shown, stand.ended().exit_code), (vec![false, true], 7));
}
