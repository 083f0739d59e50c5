//! Ways out of a run: stop requests, trouble, cases left over, and the exit code of each.

use rig_model::dut::Verb;
use rig_model::event::Event;
use rig_model::fact::Fact;
use rig_model::input::{Action, Actuation, BENCH_ITSELF, Input, Source};
use rig_model::scenario::{Case, Expected, StepKind};
use rig_model::time::{RigTime, Span};
use rig_model::verdict::Reason::NotReached;
use rig_model::verdict::Verdict::{self, Aborted, Error, Fail, Pass, Skipped};

use crate::stand::*;
use crate::text_pump::answer;

fn cases(facts: &[Fact]) -> Vec<Verdict> {
    events(facts).filter_map(|(_, e)| if let Event::CaseEnded(ended) = e { Some(ended.verdict) } else { None }).collect()
}

#[test]
fn a_stop_tells_the_pump_at_once_and_leaves_the_rest() {
    for (at, expected, code) in [
        (RigTime::ZERO, vec![Aborted, Aborted], 5),
        (RigTime(1), vec![Aborted, Aborted], 5),
        (s(5), vec![Aborted, Aborted], 5),
        // In the first safe-down: the first case is judged already.
        (s(20), vec![Pass, Aborted], 5),
        (s(3_600), vec![Pass, Pass], 0),
    ] {
        let (stand, facts) = Stand::new(vec![infusion(), infusion()]).pulses([s(3), s(4)]).stop_at(at).play();
        assert_eq!((cases(&facts), stand.ended().exit_code), (expected, code), "stopped at {at:?}");
        let begun = stand.done.iter().any(|(when, _)| *when < at);
        if at > RigTime(1) && begun && code == 5 {
            assert!(stand.sent(&Verb::Stop).contains(&at), "{:?}", stand.sent(&Verb::Stop));
        }
        if begun {
            assert!(stand.last_lines().iter().all(|(line, (_, active))| *active == (line == "shut")), "{:?}", stand.last_lines());
        }
    }
}

/// When each line was first ordered to its safe level, from this instant on.
fn let_go(stand: &Stand, cause: RigTime) -> Vec<(String, RigTime)> {
    let mut first: Vec<(String, RigTime)> = Vec::new();
    for (at, action) in stand.done.iter().filter(|(at, _)| *at >= cause) {
        if let Action::Actuate { what: Actuation::Line { line, active }, .. } = action
            && *active == (&**line == "shut")
            && first.iter().all(|(known, _)| known != &**line)
        {
            first.push((line.to_string(), *at));
        }
    }
    first
}

#[test]
fn outputs_are_safe_at_the_cause_whatever_finally_waits_for() {
    let mut slow = infusion();
    slow.finally = steps("finally", [StepKind::Wait(Span::seconds(30))]);
    let mut short = slow.clone();
    short.time_limit = Span::seconds(5);
    let cause = s(5);
    let hang_up = Input::LinkDown { why: "unplugged".into() };
    let gone = Input::Failed { id: BENCH_ITSELF, why: "the sensors can't be read any more".into() };
    let stand = |case: &Case| Stand::new(vec![case.clone()]).pulses([s(3), s(4)]);
    for (what, stand) in [
        ("a stop", stand(&slow).stop_at(cause)),
        ("link lost", stand(&slow).at(cause, Source::Link, hang_up)),
        ("the bench itself", stand(&slow).at(cause, Source::Bench, gone)),
        ("time limit", stand(&short)),
    ] {
        let (stand, _) = stand.play();
        let moved = let_go(&stand, cause);
        let order: Vec<&str> = moved.iter().map(|(line, _)| line.as_str()).collect();
        assert_eq!(order, ["power", "occluder", "shut"], "{what}: in the order of the bench file");
        assert!(moved.iter().all(|(_, at)| *at == cause), "{what}: {moved:?}");
        assert!(stand.ended().exit_code != 0);
    }
}

#[test]
fn what_was_let_go_is_not_taken_up_again_by_finally() {
    let mut again = infusion();
    let on = |line: &str, active| StepKind::Set { line: line.into(), active };
    let start = StepKind::Command { verb: Verb::Start, expect: Expected::Accepted, verifies: vec![] };
    again.finally = steps("finally", [on("power", true), start, on("occluder", false), StepKind::Wait(Span::seconds(1))]);
    let (stand, facts) = Stand::new(vec![again]).pulses([s(3), s(4)]).stop_at(s(5)).play();
    assert_eq!(of(&facts, "finally.1"), [(Skipped, NotReached)]);
    assert_eq!(of(&facts, "finally.2"), [(Skipped, NotReached)]);
    assert_eq!(of(&facts, "finally.3"), [], "a safe level may be asked for");
    assert!(stand.sent(&Verb::Start).iter().all(|at| *at < s(5)));
    assert!(stand.last_lines().iter().all(|(line, (_, active))| *active == (line == "shut")));
}

#[test]
fn a_bench_that_fails_behind_the_last_case_is_no_success() {
    let gone = Input::Failed { id: BENCH_ITSELF, why: "the lines channel is gone".into() };
    let (stand, facts) = Stand::new(vec![infusion()]).pulses([s(3), s(4)]).at(s(20), Source::Bench, gone).play();
    assert_eq!(cases(&facts), [Pass], "what was judged stays");
    assert_eq!((stand.ended().exit_code, stand.ended().safe), (7, false), "what its lines had answered is worth nothing any more");
}

#[test]
fn the_bench_itself_ends_the_run_as_an_error() {
    let gone = Input::Failed { id: BENCH_ITSELF, why: "the lines channel is gone".into() };
    let (stand, facts) = Stand::new(vec![infusion(), infusion()]).pulses([s(3), s(4)]).at(s(5), Source::Bench, gone).play();
    assert_eq!((cases(&facts), stand.ended().exit_code), (vec![Error, Error], 4));
}

#[test]
fn a_second_stop_changes_nothing() {
    let once = Stand::new(vec![infusion()]).pulses([s(3)]).stop_at(s(5)).play().1;
    let twice = Stand::new(vec![infusion()]).pulses([s(3)]).stop_at(s(5)).stop_at(s(6)).play().1;
    assert!(once == twice);
}

#[test]
fn a_proven_fail_outlives_every_way_out() {
    // 60 pulses, 6 µL, although at most 5 µL are allowed; then trouble before the check is reached.
    let pulses = || (0..60).map(|n| s(3) + Span::milliseconds(40 * n));
    let stand = || Stand::new(vec![infusion()]).pulses(pulses());
    let hang_up = Input::LinkDown { why: "unplugged".into() };
    let (stopped, facts) = stand().stop_at(s(7)).play();
    assert_eq!((cases(&facts), stopped.ended().exit_code), (vec![Fail], 1), "stopped");
    let (unplugged, facts) = stand().at(s(7), Source::Link, hang_up).play();
    assert_eq!((cases(&facts), unplugged.ended().exit_code), (vec![Fail], 1), "link down");
}

#[test]
fn whose_fault() {
    let hang_up = || Input::LinkDown { why: "unplugged".into() };
    let mute: Answer = |request, now| if now > s(4) { None } else { answer(request) };
    // Another pump sits there from the second power-on on.
    let replaced: Answer = |request, now| match request.strip_suffix(" identify") {
        Some(tag) if now > s(30) => Some(format!("{tag} ME 0002\n")),
        _ => answer(request),
    };
    let stuck: Relay = |_, now| if now < RigTime(5) { Some(Err("stuck")) } else { Some(Ok(())) };
    type Row<'a> = (&'a str, Option<Answer>, Option<Relay>, &'a [Verdict], u8);
    let changes: [Row<'_>; 5] = [
        ("nothing", None, None, &[Pass, Pass], 0),
        ("port hangs up", None, None, &[Error, Error], 4),
        ("pump falls silent", Some(mute), None, &[Fail, Fail], 1),
        ("pump replaced", Some(replaced), None, &[Pass, Error], 4),
        ("relay stuck", None, Some(stuck), &[Error, Pass], 4),
    ];
    for (what, pump, relay, expected, code) in changes {
        let mut stand = Stand::new(vec![infusion(), infusion()]).pulses([s(3), s(35), s(50)]);
        if what == "port hangs up" {
            stand = stand.at(s(4), Source::Link, hang_up());
        }
        stand.pump = pump.unwrap_or(stand.pump);
        stand.relay = relay.unwrap_or(stand.relay);
        let (stand, facts) = stand.play();
        assert_eq!((&cases(&facts)[..], stand.ended().exit_code), (expected, code), "{what}");
        assert_eq!(safe_downs(&facts).len(), 2, "{what}: each case is made safe before the next");
    }
}

#[test]
fn a_bench_that_could_not_be_opened_is_an_error_for_every_case() {
    let mut stand = Stand::new(vec![infusion(), infusion()]);
    stand.runner.refuse("the port is busy");
    let (stand, facts) = stand.play();
    assert_eq!((cases(&facts), stand.ended().exit_code, stand.done.len()), (vec![Error, Error], 4, 0));
}
