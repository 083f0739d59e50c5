//! What was so before is not what is asked for: old alarms, tones and states, a pump without power, a command that never reached it.

use rig_engine::{Memory, Stimulus};
use rig_model::dut::{Alarm, AlarmClass, DutReport, Outcome, PumpState, Refusal, Verb};
use rig_model::input::{LINK, Lost, Sense};
use rig_model::quantity::Flow;
use rig_model::scenario::*;
use rig_model::time::Span;
use rig_model::verdict::Reason::*;
use rig_model::verdict::Verdict::*;

use crate::desk::*;

const TEN: Span = Span::seconds(10);

fn power(active: bool) -> StepKind {
    StepKind::Set { line: "power".into(), active }
}

#[test]
fn an_alarm_that_is_active_already_is_not_the_one_that_is_waited_for() {
    let steps = [StepKind::Wait(TEN), expect(Condition::Alarm(Alarm::Occlusion), TEN), hold(Condition::Alarm(Alarm::Occlusion), TEN)];
    for (reported, expected) in [(s(5), (Fail, NotObserved)), (s(15), (Pass, WithinLimits))] {
        let mut desk = Desk::begin(&case(steps.clone()));
        desk.report(reported, DutReport::AlarmOn(Alarm::Occlusion)).end();
        assert_eq!(desk.of("steps.2"), [expected], "told at {reported:?}");
        assert_eq!(desk.of("steps.3"), [(Pass, Observed)], "as a level it counts whenever it began");
    }
}

#[test]
fn a_window_waits_for_an_alarm_that_begins_in_it() {
    let until = Until::Condition { what: Some(Condition::Alarm(Alarm::Occlusion)), then_quiet_for: None, within: TEN };
    for (reported, expected) in [(s(5), vec![(Fail, WindowNotEnded)]), (s(12), vec![])] {
        let mut desk = Desk::begin(&case([
            StepKind::Wait(TEN),
            measure(TIP, until.clone(), []),
            hold(Condition::Quiet { channel: TIP.into(), lasts: Span(0) }, Span(0)),
        ]));
        desk.report(reported, DutReport::AlarmOn(Alarm::Occlusion)).end();
        assert_eq!(desk.of("steps.2"), expected, "told at {reported:?}");
    }
}

#[test]
fn each_tone_meets_one_expectation() {
    let tone = || expect(Condition::Tone(AlarmClass::Critical), TEN);
    for (second, expected) in [(None, (Fail, NotObserved)), (Some(s(3)), (Pass, WithinLimits))] {
        let mut desk = Desk::begin(&case([tone(), tone()]));
        desk.edges(ALARM, Sense::On, [s(1), ms(1_500)]);
        second.into_iter().for_each(|at| {
            desk.edges(ALARM, Sense::On, [at, at + Span::milliseconds(500)]);
        });
        desk.end();
        assert_eq!((desk.of("steps.1"), desk.of("steps.2")), (vec![(Pass, WithinLimits)], vec![expected]), "second tone {second:?}");
    }
}

#[test]
fn a_signal_delay_in_a_repeat_is_about_the_alarm_of_its_round() {
    let delay = check(Subject::SignalDelay { alarm: Alarm::Occlusion }, None, Some(5.0));
    let round = StepKind::Repeat { times: 2, steps: steps("r", [StepKind::Wait(TEN), delay]) };
    let mut desk = Desk::begin(&case([round]));
    desk.report(s(5), DutReport::AlarmOn(Alarm::Occlusion)).edges(ALARM, Sense::On, [ms(5_001), ms(5_501)]).end();
    assert_eq!(desk.of("r.2"), [(Pass, WithinLimits), (Fail, NotObserved)]);
}

#[test]
fn a_pump_that_is_switched_off_says_nothing() {
    let conditions = [Condition::State(PumpState::Stopped), Condition::NoAlarm, Condition::Alarm(Alarm::Occlusion)];
    for what in conditions {
        for step in [expect(what.clone(), TEN), hold(what.clone(), TEN)] {
            let mut desk = Desk::begin(&case([command(Verb::Stop), power(false), step]));
            desk.end();
            assert_eq!(desk.of("steps.3"), [(Error, NoData)], "{what:?}");
        }
    }
    let alarms = Subject::AlarmCount { alarm: Alarm::Occlusion };
    for subject in [Subject::State(PumpState::Stopped), Subject::ReservoirReported, Subject::Restarts, alarms] {
        let mut desk = Desk::begin(&case([command(Verb::Stop), power(false), check(subject.clone(), Some(0.0), Some(0.0))]));
        desk.end();
        assert_eq!(desk.of("steps.3"), [(Error, NoData)], "{subject:?}");
    }
    for what in [Watched::NoRestart, Watched::NeverState(vec![PumpState::Fault])] {
        let mut desk = Desk::begin(&watched(case([command(Verb::Stop), power(false), StepKind::Wait(TEN)]), what.clone()));
        desk.end();
        assert_eq!(desk.of("watch.1"), [(Error, DataLost)], "{what:?}");
    }
}

#[test]
fn the_last_word_on_a_level_is_the_pumps() {
    let steps = case([hold(Condition::NoAlarm, TEN)]);
    for case in [steps.clone(), watched(case([StepKind::Wait(TEN)]), Watched::NoRestart)] {
        let mut desk = Desk::begin(&case);
        desk.answer = |verb| (*verb != Verb::Status).then_some(Outcome::Accepted);
        desk.state(ms(1), PumpState::Stopped).to(s(10));
        assert_eq!(desk.commanded(&Verb::Status).last(), Some(&s(10)), "it is asked once more at the end");
        let id = desk.engine.take_id() - 1;
        desk.tell(s(12), Stimulus::Ended { id, verb: &Verb::Status, outcome: &Outcome::Unanswered, transmissions: 3 }).end();
        assert_eq!(desk.ended().verdict, Fail);
        assert!(!desk.rows().iter().any(|r| r.verdict == Pass), "{:?}", desk.rows());
    }
}

#[test]
fn a_refusal_that_the_pump_never_gave_is_not_its_refusal() {
    let verb = Verb::ProgramBasal { rate: Flow(1e12) };
    let refused = Outcome::Refused(Refusal::RateOutOfRange);
    for (transmissions, expected) in [(0, (Error, Lacking)), (1, (Pass, Observed))] {
        let step =
            StepKind::Command { verb: verb.clone(), expect: Expected::Refused(Refusal::RateOutOfRange), verifies: vec!["REQ-R".into()] };
        let answer = |verb: &Verb| (!matches!(verb, Verb::ProgramBasal { .. })).then_some(Outcome::Accepted);
        let mut desk = Desk::begin_with(&case([step]), Memory::default(), answer);
        let id = desk.engine.take_id() - 1;
        desk.tell(s(1), Stimulus::Ended { id, verb: &verb, outcome: &refused, transmissions }).end();
        assert_eq!(desk.of("steps.1")[0], expected, "{transmissions} transmissions");
    }
}

#[test]
fn a_rig_that_did_not_listen_blames_nobody_for_silence() {
    for (stalled, expected) in [(false, (Fail, Unresponsive)), (true, (Error, DataLost))] {
        let mut desk = Desk::begin(&case([StepKind::Wait(TEN)]));
        desk.state(s(1), PumpState::Stopped);
        if stalled {
            let lost = Lost {
                channel: Some(LINK.into()),
                count: None,
                spurious: false,
                why: "the rig did not look at the serial port for 4 s".into(),
            };
            desk.tell(s(2), Stimulus::Lost(&lost));
        }
        desk.tell(s(6), Stimulus::Silent).end();
        assert_eq!(desk.of("steps.1")[0], expected, "stalled: {stalled}");
    }
}

#[test]
fn a_beep_in_the_last_second_is_heard() {
    let mut desk = Desk::begin(&watched(case([StepKind::Wait(TEN)]), Watched::NoAlarm { only: Vec::new() }));
    desk.edges(ALARM, Sense::Off, [s(1)]).edges(ALARM, Sense::On, [ms(9_800)]).end();
    assert_eq!(desk.of("watch.1"), [(Fail, Forbidden)]);
}

#[test]
fn steps_without_time_leave_room_for_a_stop() {
    let round = StepKind::Repeat { times: 50_000, steps: steps("r", [StepKind::Mark { name: "here".into() }]) };
    let mut desk = Desk::begin(&case([round, StepKind::Wait(TEN)]));
    assert!(desk.said.len() < 10_000, "{} effects in one go", desk.said.len());
    assert_eq!(desk.engine.next_deadline(), Some(desk.now), "it goes on as soon as it is let");
    desk.abort(desk.now).end();
    assert_eq!(desk.ended().verdict, Aborted);
}
