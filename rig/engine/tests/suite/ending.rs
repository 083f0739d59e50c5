//! How a case ends, whoever ends it: rows, counts, `finally`, and what no later trouble hides.

use rig_engine::{Effect, Memory, Stimulus};
use rig_model::bench::{Bench, DutExpected, ExpectedFirmware, Line};
use rig_model::dut::{DutReport, Outcome, PumpState, Refusal, Verb};
use rig_model::event::Event;
use rig_model::input::{PlantChange, Sense};
use rig_model::quantity::Flow;
use rig_model::scenario::{Case, Condition, Expected, StepKind, Subject, Until, Watched};
use rig_model::time::Span;
use rig_model::verdict::Reason::{self, *};
use rig_model::verdict::Verdict::{self, *};

use crate::desk::*;

const TEN: Span = Span::seconds(10);
const BASAL: Verb = Verb::ProgramBasal { rate: Flow(20.0) };

fn finally(mut case: Case, kinds: impl IntoIterator<Item = StepKind>) -> Case {
    case.finally = steps("finally", kinds);
    case
}

/// A wait in which trouble comes, then four checks that are judged when reached, and a stop at the end.
fn troubled() -> Case {
    let refused = StepKind::Command { verb: BASAL, expect: Expected::Refused(Refusal::AlarmLatched), verifies: vec!["R".into()] };
    let stopped = || Condition::State(PumpState::Stopped);
    let kinds = [
        hold(stopped(), Span::seconds(1)),
        expect(Condition::State(PumpState::Bolus), TEN),
        check(Subject::State(PumpState::Stopped), None, None),
        refused,
        hold(stopped(), TEN),
        StepKind::Repeat { times: 3, steps: steps("inner", [expect(stopped(), TEN)]) },
    ];
    finally(watched(case(kinds), Watched::NoRestart), [command(Verb::Stop)])
}

/// What happens, the step whose row says why, and that row.
type WayOut = (&'static str, fn(&mut Desk), &'static str, (Verdict, Reason));

/// Ways out of a wait at 5 s.
fn ways_out() -> Vec<WayOut> {
    vec![
        ("stop", |d| _ = d.abort(s(5)), "run", (Aborted, Stopped)),
        ("link down", |d| _ = d.tell(s(5), Stimulus::LinkDown { why: "unplugged" }), "steps.2", (Error, BenchFailed)),
        ("silence", |d| _ = d.tell(s(5), Stimulus::Silent), "steps.2", (Fail, Unresponsive)),
        ("another pump", |d| _ = d.report(s(5), DutReport::Identity(identity("0002"))), "steps.2", (Error, WrongDut)),
    ]
}

#[test]
fn whatever_ends_the_steps_finally_is_played_and_every_check_has_its_row() {
    for (what, play, step, row) in ways_out() {
        let mut desk = Desk::begin(&troubled());
        play(&mut desk);
        desk.end();
        assert_eq!(desk.of("steps.1"), [(Pass, Observed)], "{what}: what was judged stays");
        assert!(desk.of(step).contains(&row), "{what}: {:?}", desk.of(step));
        for unreached in ["steps.2", "steps.3", "steps.4", "steps.5", "inner.1"] {
            assert!(desk.of(unreached).contains(&(Skipped, NotReached)), "{what}: {unreached} {:?}", desk.of(unreached));
        }
        assert_eq!(desk.of("watch.1").len(), 1, "{what}");
        assert_eq!(desk.commanded(&Verb::Stop), [s(0), s(5), s(5)], "{what}: the pump is told before anything else, then by `finally`");
        let counts = desk.ended().counts;
        assert_eq!((counts.total(), counts.total()), (desk.rows().len() as u64, 8), "{what}");
        assert_eq!((counts.skipped, desk.ended().verdict), (5, row.0), "{what}");
    }
}

#[test]
fn before_the_first_step_watchers_are_unreached_too() {
    let case = watched(troubled(), Watched::NoAlarm { only: vec![] });
    let mut desk = Desk::begin_with(&case, Memory::default(), |verb| (*verb != Verb::Identify).then_some(Outcome::Accepted));
    desk.tell(s(1), Stimulus::LinkDown { why: "unplugged" }).end();
    for unreached in ["steps.1", "steps.2", "steps.3", "steps.4", "steps.5", "inner.1", "watch.1", "watch.2"] {
        assert_eq!(desk.of(unreached), [(Skipped, NotReached)], "{unreached}");
    }
    assert_eq!((desk.ended().counts.total(), desk.ended().verdict), (9, Error));
}

#[test]
fn a_fail_is_hidden_by_nothing() {
    for (what, play, ..) in ways_out() {
        let mut desk = Desk::begin(&case([expect(Condition::State(PumpState::Bolus), Span::seconds(1)), hold(Condition::NoAlarm, TEN)]));
        play(&mut desk);
        desk.end();
        assert_eq!((desk.of("steps.1"), desk.ended().verdict), (vec![(Fail, NotObserved)], Fail), "{what}");
    }
    let mut late = case([expect(Condition::State(PumpState::Bolus), Span::seconds(1)), StepKind::Wait(TEN)]);
    late.time_limit = Span::seconds(5);
    let mut desk = Desk::begin(&late);
    assert_eq!((desk.end().ended().verdict, desk.of("time_limit")), (Fail, vec![(Error, TimeLimit)]));
}

#[test]
fn a_window_that_was_cut_off_proves_what_came_and_nothing_else() {
    for (limit, expected) in [(0.5, (Fail, BeyondLimits)), (50.0, (Skipped, NotReached))] {
        for (what, play, ..) in ways_out() {
            let steps = [measure(TIP, Until::Elapsed(TEN), []), volume_at_most(limit)];
            let mut desk = Desk::begin(&finally(case(steps), [volume_at_most(limit)]));
            desk.stroke(s(1));
            play(&mut desk);
            desk.end();
            assert_eq!((desk.of("steps.2"), desk.of("finally.1")), (vec![expected], vec![expected]), "{what}, at most {limit} µL");
        }
    }
}

#[test]
fn answers_and_what_they_lead_to() {
    use Outcome::{Accepted, LinkFailed, Refused, Unanswered};
    let low = Refusal::ReservoirTooLow;
    let basal = |expect| StepKind::Command { verb: BASAL, expect, verifies: vec!["R".into()] };
    type Answer = fn(&Verb) -> Option<Outcome>;
    let rows: [(Answer, Expected, (Verdict, Reason), bool); 7] = [
        (|_| Some(Accepted), Expected::Accepted, (Pass, Observed), true),
        (|_| Some(Accepted), Expected::Refused(low), (Fail, NotRefused), true),
        (|v| Some(if *v == BASAL { Refused(Refusal::ReservoirTooLow) } else { Accepted }), Expected::Refused(low), (Pass, Observed), true),
        (|v| Some(if *v == BASAL { Refused(Refusal::AlarmLatched) } else { Accepted }), Expected::Refused(low), (Fail, NotRefused), true),
        (|v| Some(if *v == BASAL { Refused(Refusal::AlarmLatched) } else { Accepted }), Expected::Accepted, (Fail, Reason::Refused), false),
        (|v| Some(if *v == BASAL { Unanswered } else { Accepted }), Expected::Accepted, (Fail, Unresponsive), false),
        (|v| Some(if *v == BASAL { LinkFailed } else { Accepted }), Expected::Accepted, (Error, BenchFailed), false),
    ];
    for (answer, expected, row, goes_on) in rows {
        let case = finally(case([basal(expected), hold(Condition::NoAlarm, TEN)]), [command(Verb::Stop)]);
        let mut desk = Desk::begin_with(&case, Memory::default(), answer);
        desk.end();
        assert!(desk.of("steps.1").contains(&row), "{row:?}: {:?}", desk.of("steps.1"));
        let next = if goes_on { (Pass, Observed) } else { (Skipped, NotReached) };
        assert_eq!(desk.of("steps.2"), [next], "{row:?}");
        // A pump that answers nothing, or a link that is down, lets go first; one that refuses is left in good order.
        let stops = if matches!(row.1, Unresponsive | BenchFailed) { 2 } else { 1 };
        assert_eq!(desk.commanded(&Verb::Stop).len(), 1 + stops, "{row:?}: finally is played");
    }
}

#[test]
fn the_wrong_pump_is_an_error_from_the_first_and_after_each_restart() {
    let case = finally(case([hold(Condition::NoAlarm, TEN)]), [command(Verb::Stop)]);
    let other_before = Memory { identity: Some(identity("0009")), ..Memory::default() };
    let at_start = Desk::begin_with(&case, other_before, |_| Some(Outcome::Accepted)).end().of("given.2");
    assert_eq!(at_start, [(Error, WrongDut)], "the run began with another");
    for (told, expected) in [("0001", vec![(Pass, Observed)]), ("0002", vec![(Error, WrongDut), (Skipped, NotReached)])] {
        let mut desk = Desk::begin(&case);
        desk.report(s(1), DutReport::Restarted).report(s(2), DutReport::Identity(identity(told))).end();
        assert_eq!(desk.of("steps.1"), expected, "{told}");
    }
    let other_model = rig_model::dut::DutIdentity { model: "Q".into(), ..identity("0001") };
    let mut desk = Desk::begin(&case);
    assert_eq!(desk.report(s(1), DutReport::Identity(other_model)).end().of("steps.1")[0], (Error, WrongDut));
}

#[test]
fn a_board_that_the_plan_does_not_name_is_refused() {
    let case = finally(case([hold(Condition::NoAlarm, TEN)]), [command(Verb::Stop)]);
    let of_plan = |serials: &[&str]| {
        let mut bench = bench();
        bench.dut.serials = serials.iter().map(|&s| s.to_owned()).collect();
        let mut desk = Desk::begin_on(bench, &case, Memory::default(), |_| Some(Outcome::Accepted));
        desk.end().rows().into_iter().cloned().collect::<Vec<_>>()
    };
    assert!(of_plan(&["0009", "0001"]).iter().all(|r| r.verdict == Pass));
    let rows = of_plan(&["0002", "0003", "0004", "0005", "0006", "0007"]);
    let wrong = rows.iter().find(|r| r.reason_code == WrongDut).expect("a row that says so");
    assert_eq!(wrong.verdict, Error);
    assert!(
        wrong
            .reason
            .contains("serial number 0001 answers, which is no board of the approved plan (0002, 0003, 0004, 0005, 0006 and 1 more)")
    );
    assert!(rows.iter().all(|r| r.verdict != Pass));
}

#[test]
fn another_firmware_than_the_named_one_is_refused() {
    let case = finally(case([hold(Condition::NoAlarm, TEN)]), [command(Verb::Stop)]);
    let played = |image: Option<&str>, hashes: &[&str]| {
        let expected = ExpectedFirmware { image: image.map(str::to_owned), build_hashes: hashes.iter().map(|h| (*h).to_owned()).collect() };
        let dut = DutExpected { firmware: Some(expected), ..bench().dut };
        let mut desk = Desk::begin_on(Bench { dut, ..bench() }, &case, Memory::default(), |_| Some(Outcome::Accepted));
        desk.end();
        desk
    };
    for hashes in [&["ab"][..], &["cd", "ab"], &[]] {
        assert_eq!(played(Some("pump.elf"), hashes).of("steps.1"), [(Pass, Observed)], "{hashes:?}");
    }
    for (image, words) in [
        (Some("pump.elf"), "the board tells build hash ab (firmware 1), but `pump.elf` is cd or ef"),
        (None, "the board tells build hash ab (firmware 1), but the bench file names cd or ef"),
    ] {
        let desk = played(image, &["cd", "ef"]);
        assert_eq!(desk.of("given.2"), [(Error, WrongDut)], "{image:?}");
        let said = desk.rows().into_iter().find(|row| row.reason_code == WrongDut).expect("a row");
        assert_eq!((&*said.check, &*said.reason), ("the pump runs the firmware that was named", words));
    }
}

#[test]
fn the_bench_and_the_operator_may_not_do_it() {
    let set = StepKind::Set { line: "occluder".into(), active: true };
    for (bench, expected) in [
        ((|| Some(Ok(()))) as fn() -> _, vec![]),
        (|| Some(Err("stuck")), vec![(Error, BenchFailed)]),
        (|| None, vec![(Error, BenchFailed)]),
    ] {
        let mut desk =
            Desk::begin(&finally(case([StepKind::Wait(TEN), set.clone(), hold(Condition::NoAlarm, TEN)]), [command(Verb::Stop)]));
        desk.bench = bench;
        desk.end();
        assert_eq!(desk.of("steps.2"), expected);
        assert_eq!(desk.commanded(&Verb::Stop).len(), 2 + expected.len(), "once more, and first, when the bench is at fault");
    }
    let prompt = StepKind::Prompt { text: "look".into(), within: TEN };
    for (operator, expected) in [(Some("me"), (Pass, Observed)), (None, (Skipped, NotReached))] {
        let mut desk = Desk::begin(&case([prompt.clone(), hold(Condition::NoAlarm, TEN)]));
        let id = desk.said.iter().find_map(|(_, e)| if let Effect::Prompt { id, .. } = e { Some(*id) } else { None }).unwrap();
        desk.tell(s(1), Stimulus::Answer { id: id + 1, operator: Some("another's answer") });
        desk.tell(s(2), Stimulus::Answer { id, operator }).end();
        assert_eq!((desk.of("steps.2"), desk.ended().verdict), (vec![expected], expected.0));
    }
    let mut desk = Desk::begin(&case([prompt, hold(Condition::NoAlarm, TEN)]));
    assert_eq!(desk.end().of("steps.1"), [(Skipped, Unattended)], "nobody answers at all");
}

#[test]
fn what_a_real_bench_can_not_set_up_its_operator_declares() {
    let mut declared = case([check(Subject::State(PumpState::Stopped), None, None)]);
    declared.given.catheter_primed = Some(true);
    declared.time_limit = Span::seconds(30);
    for (operator, expected, verdict) in [(Some("me"), vec![(Pass, Observed)], Pass), (None, vec![(Skipped, NotReached)], Skipped)] {
        let mut desk = Desk::begin(&declared);
        let asked = |(_, effect): &(_, Effect)| match effect {
            Effect::Prompt { id, text, change } => Some((*id, text.clone(), change.clone())),
            _ => None,
        };
        let (id, text, change) = desk.said.iter().find_map(asked).unwrap();
        assert_eq!(text, "set up by hand, then confirm: catheter primed");
        assert_eq!(change, Some(PlantChange::Catheter { primed: true }));
        // Ten minutes at the bench are not the scenario's time.
        desk.tell(s(600), Stimulus::Answer { id, operator }).end();
        assert_eq!((desk.of("steps.1"), desk.ended().verdict), (expected, verdict), "{operator:?}");
    }
}

#[test]
fn a_bench_that_can_not_cut_the_power_stops_the_pump_first() {
    let case = case([hold(Condition::NoAlarm, TEN)]);
    let first =
        |desk: &Desk| desk.said.iter().find_map(|(_, e)| if let Effect::Command { verb, .. } = e { Some(verb.clone()) } else { None });
    type Answer = fn(&Verb) -> Option<Outcome>;
    let refused: Answer = |verb| Some(if *verb == Verb::Stop { Outcome::Refused(Refusal::OutOfOrder) } else { Outcome::Accepted });
    let unanswered: Answer = |verb| Some(if *verb == Verb::Stop { Outcome::Unanswered } else { Outcome::Accepted });
    for (answer, verdict) in [(refused, Pass), (unanswered, Fail)] {
        let mut desk = Desk::begin_with(&case, Memory::default(), answer);
        assert_eq!((desk.end().ended().verdict, first(&desk)), (verdict, Some(Verb::Stop)), "a pump at rest may refuse it");
    }
    let mut on = bench();
    on.lines.push(Line { name: "power".into(), safe_active: false, gpio: None, does: None });
    let desk = Desk::begin_on(on, &case, Memory::default(), |_| Some(Outcome::Accepted));
    assert_eq!((first(&desk), desk.commanded(&Verb::Stop)), (None, vec![]), "without power it is at rest");
}

#[test]
fn finally_has_a_limit_of_its_own() {
    let long = [StepKind::Wait(Span::seconds(61)), hold(Condition::NoAlarm, TEN), command(Verb::Stop)];
    let mut desk = Desk::begin(&finally(case([hold(Condition::NoAlarm, TEN)]), long));
    desk.end();
    assert_eq!(desk.now, s(70), "a minute after the steps");
    assert_eq!((desk.of("finally.1"), desk.of("finally.2")), (vec![(Error, TimeLimit)], vec![(Skipped, NotReached)]));
    assert_eq!(desk.ended().verdict, Error, "checks that were never judged are no PASS");
    // Whatever fails in it, the next step of it is played.
    let set = StepKind::Set { line: "occluder".into(), active: true };
    let mut desk = Desk::begin(&finally(case([hold(Condition::NoAlarm, TEN)]), [set, command(Verb::Stop)]));
    desk.bench = || Some(Err("stuck"));
    assert_eq!((desk.end().of("finally.1"), desk.commanded(&Verb::Stop)), (vec![(Error, BenchFailed)], vec![s(0), s(10), s(10)]));
}

#[test]
fn a_case_in_which_nothing_is_judged_is_an_error() {
    assert_eq!(Desk::begin(&case([StepKind::Wait(TEN)])).end().of("run"), [(Error, NoData)]);
    assert_eq!(Desk::begin(&case([])).end().of("run"), [(Error, NoData)]);
}

#[test]
fn a_restart_by_power_is_not_unbidden() {
    let set = |active| StepKind::Set { line: "power".into(), active };
    let power_cycle = [set(false), set(true), expect(Condition::Restarted, TEN), StepKind::Wait(TEN)];
    for (steps, restarts, expected) in [
        (power_cycle.to_vec(), 1, Pass),
        (power_cycle.to_vec(), 2, Fail),
        (vec![set(true), StepKind::Wait(TEN)], 1, Fail),
        (vec![StepKind::Wait(TEN)], 1, Fail),
    ] {
        let mut desk = Desk::begin(&watched(case(steps), Watched::NoRestart));
        (0..restarts).for_each(|n| _ = desk.report(s(1 + n), DutReport::Restarted));
        assert_eq!(desk.end().of("watch.1")[0].0, expected, "{restarts} restarts");
    }
}

#[test]
fn the_end_comes_once_and_last() {
    let mut desk = Desk::begin(&troubled());
    desk.edges(TIP, Sense::Forward, [s(1)]).abort(s(5)).end();
    desk.abort(s(6)).tell(s(7), Stimulus::Silent).lose(s(8), None);
    let ends = desk.events().filter(|(_, e)| matches!(e, Event::CaseEnded(_))).count();
    let checks_after = desk.events().skip_while(|(_, e)| !matches!(e, Event::CaseEnded(_))).filter(|(_, e)| matches!(e, Event::Check(_)));
    assert_eq!((ends, checks_after.count()), (1, 0));
}
