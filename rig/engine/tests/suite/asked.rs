//! Checks for which the pump is asked: what it tells of its therapy, what it has put aside, its log, its clock.

use rig_engine::{Memory, Stimulus};
use rig_model::dut::*;
use rig_model::event::Event;
use rig_model::input::PlantChange;
use rig_model::quantity::{Concentration, Flow, Mass, MassFlow, Volume};
use rig_model::scenario::*;
use rig_model::time::Span;
use rig_model::verdict::Reason::*;
use rig_model::verdict::Verdict::*;

use crate::desk::*;

const TEN: Span = Span::seconds(10);

fn taken(_: &Verb) -> Option<Outcome> {
    Some(Outcome::Accepted)
}

fn no_therapy(verb: &Verb) -> Option<Outcome> {
    let unknown = matches!(verb, Verb::Therapy | Verb::ReadBack | Verb::ReadLog);
    Some(if unknown { Outcome::Refused(Refusal::UnknownCommand) } else { Outcome::Accepted })
}

fn reported(what: Reported, lower: f64, upper: f64) -> StepKind {
    check(Subject::Reported(what), Some(lower), Some(upper))
}

fn entry(number: u32, uptime_s: f64, code: LogKind, value: u32) -> LogEntry {
    LogEntry { number, uptime_us: (uptime_s * 1e6) as u64, what: code.to_string(), code: Some(code), value: Some(value) }
}

fn reset(mut case: Case) -> Case {
    case.given.factory_reset = true;
    case
}

#[test]
fn what_the_pump_tells_is_compared_as_it_is() {
    let mut desk = Desk::begin(&case([
        StepKind::Wait(TEN),
        reported(Reported::Activations, 2.0, 2.0),
        reported(Reported::Activations, 3.0, 3.0),
        reported(Reported::Reservoir, 19_000.0, 21_000.0),
        reported(Reported::Concentration, 0.0, 1e6),
        check(Subject::Mode(TherapyMode::Schedule), None, None),
        check(Subject::Mode(TherapyMode::None), None, None),
    ]));
    desk.therapy = Therapy { mode: TherapyMode::Schedule, reported: vec![(Reported::Activations, 2.0)] };
    desk.end();
    assert_eq!(desk.of("steps.2"), [(Pass, WithinLimits)]);
    assert_eq!(desk.of("steps.3"), [(Fail, BeyondLimits)]);
    assert_eq!(desk.of("steps.4"), [(Pass, WithinLimits)]);
    assert_eq!(desk.of("steps.5"), [(Fail, NotObserved)], "the pump answers that it has none");
    assert_eq!((desk.of("steps.6"), desk.of("steps.7")), (vec![(Pass, Observed)], vec![(Fail, NotObserved)]));
    let rows = desk.rows();
    let row = |step: &str| rows.iter().find(|r| &*r.step == step).unwrap();
    assert_eq!((&*row("steps.2").quantity, row("steps.2").value), ("reported_activations", Some(2.0)));
    assert_eq!((&*row("steps.6").quantity, row("steps.6").value_text.as_deref(), &*row("steps.6").unit), ("mode", Some("schedule"), ""));
    assert_eq!(desk.commanded(&Verb::Therapy).len(), 5, "each check asks anew");
}

#[test]
fn a_pump_that_would_not_tell_fails_the_check_and_no_more() {
    let subjects = [
        Subject::Reported(Reported::Stalls),
        Subject::Mode(TherapyMode::None),
        Subject::ReadBack,
        Subject::Logged { kind: LogKind::Started, value: None },
        Subject::LogInOrder,
    ];
    for subject in subjects {
        // Entries before the case need no log where the pump has forgotten all.
        let steps = case([check(subject.clone(), Some(0.0), Some(9.0)), check(Subject::State(PumpState::Stopped), None, None)]);
        let mut desk = Desk::begin_with(&reset(steps), Memory::default(), no_therapy);
        desk.end();
        assert_eq!((desk.of("steps.1"), desk.of("steps.2")), (vec![(Fail, Refused)], vec![(Pass, Observed)]), "{subject:?}");
    }
}

#[test]
fn a_pump_that_says_nothing_is_no_answer() {
    let silent = |verb: &Verb| if matches!(verb, Verb::Therapy) { None } else { taken(verb) };
    let mut desk = Desk::begin_with(&case([reported(Reported::Stalls, 0.0, 0.0)]), Memory::default(), silent);
    desk.to(s(1));
    let id =
        desk.said.iter().rev().find_map(|(_, e)| if let rig_engine::Effect::Command { id, .. } = e { Some(*id) } else { None }).unwrap();
    desk.tell(s(2), Stimulus::Ended { id, verb: &Verb::Therapy, outcome: &Outcome::Unanswered, transmissions: 3 }).end();
    assert_eq!(desk.of("steps.1"), [(Fail, Unresponsive), (Skipped, NotReached)]);
}

#[test]
fn silence_while_the_scenario_itself_disturbs_the_link_blames_nobody() {
    let silent = |verb: &Verb| if matches!(verb, Verb::Therapy) { None } else { taken(verb) };
    let interference = |lasts| StepKind::LinkFault(LinkFault::Interference { per_million: 900_000, lasts });
    for (lasts, expected) in [(Span::hours(1), (Error, DataLost)), (Span::milliseconds(500), (Fail, Unresponsive))] {
        let steps = [interference(lasts), StepKind::Wait(Span::seconds(1)), reported(Reported::Stalls, 0.0, 0.0)];
        let mut desk = Desk::begin_with(&case(steps), Memory::default(), silent);
        desk.to(s(1)).report(s(1), DutReport::State(PumpState::Stopped));
        let id = desk
            .said
            .iter()
            .rev()
            .find_map(|(_, e)| if let rig_engine::Effect::Command { id, .. } = e { Some(*id) } else { None })
            .unwrap();
        desk.tell(s(2), Stimulus::Ended { id, verb: &Verb::Therapy, outcome: &Outcome::Unanswered, transmissions: 16 }).end();
        assert_eq!(desk.of("steps.3")[0], expected, "{lasts}");
    }
}

/// Hangs at 1 s, restarts at 3 s if it does, and was last heard then.
fn hung(restarts: bool, steps: impl IntoIterator<Item = StepKind>) -> Desk {
    let hang = [StepKind::Wait(Span::seconds(1)), StepKind::Plant(PlantChange::Hang)];
    let mut desk = Desk::begin(&case(hang.into_iter().chain(steps)));
    desk.to(s(1)).tell(ms(2_400), Stimulus::Silent);
    if restarts {
        desk.report(s(3), DutReport::Restarted);
        let back = DutReport::Status(PumpStatus { uptime_us: 1_000_000, ..status(PumpState::Halted) });
        desk.report(s(4), back);
    }
    desk
}

#[test]
fn firmware_that_the_scenario_hangs_is_silent_until_its_watchdog_has_reset_it() {
    let wait = || [StepKind::Wait(Span::minutes(1))];
    let silent = |restarts, at: &[i64]| {
        let mut desk = hung(restarts, wait());
        for at in at {
            desk.tell(s(*at), Stimulus::Silent);
        }
        desk.end().of("steps.3")
    };
    assert_eq!(silent(true, &[]), []);
    assert_eq!(silent(true, &[5])[0], (Fail, Unresponsive), "it was up again");
    assert_eq!(silent(false, &[5, 8]), []);
    assert_eq!(silent(false, &[5, 8, 13])[0], (Fail, Unresponsive), "no watchdog takes that long");
}

#[test]
fn a_question_into_a_hang_is_asked_again_and_a_command_blames_nobody() {
    let silent = |verb: &Verb| if matches!(verb, Verb::Therapy | Verb::ShutDown) { None } else { taken(verb) };
    let last = |desk: &Desk| {
        let id = |(_, e): &(_, _)| if let rig_engine::Effect::Command { id, .. } = e { Some(*id) } else { None };
        desk.said.iter().rev().find_map(id).unwrap()
    };
    let unanswered = |desk: &mut Desk, verb: &Verb, at: i64| {
        let id = last(desk);
        desk.tell(s(at), Stimulus::Ended { id, verb, outcome: &Outcome::Unanswered, transmissions: 3 });
    };
    let mut desk =
        Desk::begin_with(&case([StepKind::Plant(PlantChange::Hang), reported(Reported::Stalls, 0.0, 0.0)]), Memory::default(), silent);
    unanswered(&mut desk, &Verb::Therapy, 2);
    assert_eq!((desk.commanded(&Verb::Therapy), desk.of("steps.2")), (vec![s(0), s(2)], vec![]));
    unanswered(&mut desk, &Verb::Therapy, 12);
    assert_eq!(desk.of("steps.2")[0], (Fail, Unresponsive));

    let mut desk = Desk::begin_with(&case([StepKind::Plant(PlantChange::Hang), command(Verb::ShutDown)]), Memory::default(), silent);
    unanswered(&mut desk, &Verb::ShutDown, 2);
    assert_eq!(desk.of("steps.2")[0], (Error, DataLost));
}

fn parts() -> [Verb; 6] {
    let step = ScheduleStep {
        days: Days::ALL,
        from: Span::hours(8),
        rate: Flow(30.0),
        bolus: Some(StepBolus { volume: Volume(20.0), over: Span::minutes(1) }),
    };
    let patient = PatientBolus {
        volume: Volume(100.0),
        over: Span::minutes(2),
        first_after: Span::hours(10),
        lockout: Span::hours(4),
        activations: 6,
        in_any: Span::hours(24),
    };
    [
        Verb::ProgramConcentration { concentration: Concentration(1_000.0) },
        // On the wire this rate ends at whole nL/h.
        Verb::ProgramBasalDose { rate: MassFlow(500.0 / 24.0) },
        Verb::ProgramBolusDose { dose: Mass(200.0), over: Span::minutes(2) },
        Verb::ProgramStep(Box::new(step)),
        Verb::ProgramPatientBolus(Box::new(patient)),
        Verb::ProgramLimit { volume: Volume(1_200.0), in_any: Span::hours(24) },
    ]
}

/// As the wire rounds them.
fn told() -> Vec<Verb> {
    let mut told = parts().to_vec();
    told[1] = Verb::ProgramBasalDose { rate: MassFlow(20.833) };
    told
}

fn read_back_after(
    verbs: impl IntoIterator<Item = Verb>,
    wait: Span,
    told: Vec<Verb>,
) -> (Vec<(rig_model::verdict::Verdict, rig_model::verdict::Reason)>, String) {
    let steps = verbs.into_iter().map(command).chain([StepKind::Wait(wait), check(Subject::ReadBack, None, None)]);
    let mut asked = case(steps);
    asked.time_limit = Span::hours(1);
    let last = asked.steps.last().unwrap().path.to_string();
    let mut desk = Desk::begin(&reset(asked));
    desk.read_back = told;
    desk.end();
    let reason = desk.rows().iter().find(|r| *r.step == *last).unwrap().reason.clone();
    (desk.of(&last), reason)
}

#[test]
fn what_is_read_back_is_what_was_programmed_as_the_wire_rounds_it() {
    let same = read_back_after(parts(), TEN, told());
    assert_eq!(same, (vec![(Pass, Observed)], "the pump reads back the 6 parts that were programmed".to_owned()));

    let mut altered = told();
    altered[5] = Verb::ProgramLimit { volume: Volume(1_200.001), in_any: Span::hours(24) };
    let (found, why) = read_back_after(parts(), TEN, altered);
    assert_eq!(found, [(Fail, NotObserved)]);
    assert_eq!(
        why,
        "the pump does not read back: program limit 1200 µL in any 1 d; but: program limit 1200 µL in any 1 d (they differ in digits not shown)"
    );

    let mut short = told();
    short.pop();
    assert_eq!(read_back_after(parts(), TEN, short).0, [(Fail, NotObserved)]);
    let mut long = told();
    long.push(Verb::ProgramMinimum);
    assert_eq!(read_back_after(parts(), TEN, long).0, [(Fail, NotObserved)]);
    let mut turned = told();
    turned.swap(0, 5);
    assert_eq!(read_back_after(parts(), TEN, turned).0, [(Fail, NotObserved)], "the order decides which word is the last");
}

#[test]
fn what_was_confirmed_started_discarded_or_forgotten_is_not_read_back() {
    let basal = |rate| Verb::ProgramBasal { rate: Flow(rate) };
    for end in [Verb::Confirm, Verb::Start, Verb::Discard, Verb::FactoryReset] {
        let verbs = || [basal(20.0), end.clone()];
        assert_eq!(read_back_after(verbs(), TEN, vec![]).0, [(Error, NoData)], "{end}: nothing was compared");
        assert_eq!(read_back_after(verbs(), TEN, vec![basal(20.0)]).0, [(Fail, NotObserved)], "{end}");
        let later = [basal(20.0), end.clone(), basal(30.0)];
        assert_eq!(read_back_after(later, TEN, vec![basal(30.0)]).0, [(Pass, Observed)], "{end}");
    }
    assert_eq!(read_back_after([basal(20.0)], Span::minutes(9), vec![basal(20.0)]).0, [(Pass, Observed)]);
    assert_eq!(read_back_after([basal(20.0)], Span::minutes(11), vec![]).0, [(Error, NoData)]);
    assert_eq!(read_back_after([basal(20.0)], Span::minutes(11), vec![basal(20.0)]).0, [(Fail, NotObserved)]);
}

#[test]
fn what_was_put_aside_for_another_drug_is_not_read_back_after_the_refill() {
    let basal = Verb::ProgramBasal { rate: Flow(20.0) };
    let told = |concentration| Verb::ProgramConcentration { concentration: Concentration(concentration) };
    let refilled = |concentration| {
        let (withdrawn, filled) = (Volume(1_000.0), Volume(20_000.0));
        Verb::EndRefill { withdrawn, filled, concentration: Some(Concentration(concentration)) }
    };
    let play = |before: Vec<Verb>, concentration| {
        let verbs: Vec<Verb> = before.into_iter().chain([basal.clone(), refilled(concentration)]).collect();
        read_back_after(verbs, TEN, vec![basal.clone()]).0
    };
    assert_eq!(play(vec![told(1_000.0), Verb::Confirm], 1_000.0), [(Pass, Observed)], "the same drug");
    assert_eq!(play(vec![told(1_000.0), Verb::Confirm], 2_000.0), [(Fail, NotObserved)]);
    assert_eq!(play(vec![], 1_000.0), [(Fail, NotObserved)], "the first that is told");
}

#[test]
fn what_the_last_word_replaced_may_be_read_back_or_not() {
    let basal = |rate| Verb::ProgramBasal { rate: Flow(rate) };
    let both = [basal(20.0), basal(30.0)];
    for (told, expected) in [
        (vec![basal(20.0), basal(30.0)], (Pass, Observed)),
        (vec![basal(30.0)], (Pass, Observed)),
        (vec![basal(20.0)], (Fail, NotObserved)),
        (vec![basal(30.0), basal(20.0)], (Fail, NotObserved)),
    ] {
        assert_eq!(read_back_after(both.clone(), TEN, told.clone()).0, [expected], "{told:?}");
    }
}

#[test]
fn what_was_refused_was_not_programmed() {
    let refused = |verb: &Verb| match verb {
        Verb::ProgramMinimum => Some(Outcome::Refused(Refusal::Contradiction)),
        verb => taken(verb),
    };
    let minimum = StepKind::Command { verb: Verb::ProgramMinimum, expect: Expected::Refused(Refusal::Contradiction), verifies: vec![] };
    let mut desk = Desk::begin_with(&reset(case([minimum, check(Subject::ReadBack, None, None)])), Memory::default(), refused);
    assert_eq!(desk.end().of("steps.2"), [(Error, NoData)]);
    let told = |told| {
        let mut desk = Desk::begin(&reset(case([StepKind::Wait(TEN), check(Subject::ReadBackNothing, None, None)])));
        desk.read_back = told;
        desk.end().of("steps.2")
    };
    assert_eq!((told(vec![]), told(vec![Verb::ProgramMinimum])), (vec![(Pass, Observed)], vec![(Fail, NotObserved)]));
}

fn logged(kind: LogKind, value: Option<u32>, is: f64) -> StepKind {
    check(Subject::Logged { kind, value: value.map(EntryValue::exactly) }, Some(is), Some(is))
}

#[test]
fn entries_are_counted_since_the_case_began() {
    let steps = || {
        case([
            StepKind::Wait(TEN),
            logged(LogKind::PainScore, None, 2.0),
            logged(LogKind::PainScore, Some(6), 1.0),
            logged(LogKind::PainScore, None, 3.0),
        ])
    };
    let pain = |number, value| entry(number, f64::from(number), LogKind::PainScore, value);
    // A pump that remembers what was before the case.
    let mut desk = Desk::begin(&case([StepKind::Wait(TEN)]));
    desk.end();
    let mut old = Desk::begin_with(&steps(), desk.engine.into_memory(), taken);
    assert_eq!(old.commanded(&Verb::ReadLog), [ms(0)], "the log is read before the first step");
    old.log = vec![pain(1, 6), pain(2, 3)];
    old.end();
    assert_eq!(
        (old.of("steps.2"), old.of("steps.3"), old.of("steps.4")),
        (vec![(Pass, WithinLimits)], vec![(Pass, WithinLimits)], vec![(Fail, BeyondLimits)])
    );
    // One that has forgotten them.
    let mut desk = Desk::begin(&reset(steps()));
    assert!(desk.commanded(&Verb::ReadLog).is_empty());
    desk.log = vec![entry(40, 0.0, LogKind::FactoryReset, 0), pain(41, 6), pain(42, 3)];
    desk.end();
    assert_eq!((desk.of("steps.2"), desk.of("steps.3")), (vec![(Pass, WithinLimits)], vec![(Pass, WithinLimits)]));
}

#[test]
fn a_value_may_be_near_the_one_that_is_asked_for() {
    let pain = |number, value| entry(number, f64::from(number), LogKind::PainScore, value);
    for (is, within, counted) in [(5, 0, 0.0), (5, 1, 1.0), (5, 2, 2.0), (0, 6, 2.0), (0, 5, 1.0)] {
        let value = Some(EntryValue { is, within });
        let count = check(Subject::Logged { kind: LogKind::PainScore, value }, Some(counted), Some(counted));
        let mut desk = Desk::begin(&reset(case([StepKind::Wait(TEN), count])));
        desk.log = vec![entry(40, 0.0, LogKind::FactoryReset, 0), pain(41, 6), pain(42, 3)];
        assert_eq!(desk.end().of("steps.2"), [(Pass, WithinLimits)], "{is} ± {within}");
    }
}

#[test]
fn a_log_that_lacks_its_first_entries_proves_only_too_many() {
    let pain = |number| entry(number, 1.0, LogKind::PainScore, 5);
    for (is, expected) in [(2.0, (Error, NoData)), (3.0, (Error, NoData)), (1.0, (Fail, BeyondLimits))] {
        let mut desk = Desk::begin(&reset(case([StepKind::Wait(TEN), logged(LogKind::PainScore, None, is)])));
        desk.log = vec![pain(70), pain(71)];
        assert_eq!(desk.end().of("steps.2"), [expected], "{is}");
    }
    // Nothing at all is no log that was kept since: it does not show that something is not in it, and lacks what should be.
    let empty = |is| {
        let mut desk = Desk::begin(&reset(case([logged(LogKind::PainScore, None, is)])));
        desk.end().of("steps.1")
    };
    assert_eq!((empty(0.0), empty(1.0)), (vec![(Error, NoData)], vec![(Fail, NotObserved)]));
}

#[test]
fn a_log_with_holes_proves_only_too_many() {
    let pain = |number| entry(number, f64::from(number), LogKind::PainScore, 5);
    for (is, expected) in [(2.0, (Error, NoData)), (9.0, (Error, NoData)), (1.0, (Fail, BeyondLimits))] {
        let mut desk = Desk::begin(&reset(case([StepKind::Wait(TEN), logged(LogKind::PainScore, None, is)])));
        desk.log = vec![entry(1, 0.0, LogKind::FactoryReset, 0), pain(2), pain(10)];
        assert_eq!(desk.end().of("steps.2"), [expected], "{is}");
    }
    // An entry that comes twice is one.
    let mut desk = Desk::begin(&reset(case([StepKind::Wait(TEN), logged(LogKind::PainScore, None, 1.0)])));
    desk.log = vec![entry(1, 0.0, LogKind::FactoryReset, 0), pain(2), pain(2)];
    assert_eq!(desk.end().of("steps.2"), [(Error, NoData)]);
}

#[test]
fn a_log_is_in_order_or_not() {
    use LogKind::{FactoryReset, PainScore, PowerOn, Started, Stopped};
    let sound = vec![
        entry(6, 4.0, FactoryReset, 0),
        entry(7, 5.0, Started, 0),
        entry(8, 9.0, Stopped, 0),
        entry(9, 0.1, PowerOn, 2),
        entry(10, 3.0, Started, 0),
    ];
    let with = |change: fn(&mut Vec<LogEntry>)| {
        let mut log = sound.clone();
        change(&mut log);
        log
    };
    for (log, expected) in [
        (sound.clone(), (Pass, Observed)),
        (with(|log| drop(log.remove(2))), (Fail, NotObserved)),
        (with(|log| log[2].number = 7), (Fail, NotObserved)),
        (with(|log| log[4].uptime_us = 0), (Fail, NotObserved)),
        (vec![], (Error, NoData)),
        // In order as far as it goes, but it goes not back to the case's beginning, or holds nothing to be in order.
        (with(|log| drop(log.remove(0))), (Error, NoData)),
        (with(|log| log.truncate(1)), (Error, NoData)),
        // The patient's entries outlive the others.
        (vec![entry(3, 1.0, PainScore, 5), entry(90, 40.0, Started, 0), entry(91, 50.0, Stopped, 0)], (Error, NoData)),
        (vec![entry(3, 1.0, PainScore, 5), entry(90, 40.0, Started, 0), entry(92, 50.0, Stopped, 0)], (Fail, NotObserved)),
    ] {
        let mut desk = Desk::begin(&reset(case([StepKind::Wait(TEN), check(Subject::LogInOrder, None, None)])));
        desk.log = log.clone();
        assert_eq!(desk.end().of("steps.2"), [expected], "{log:?}");
    }
}

#[test]
fn the_order_of_a_log_is_judged_from_where_the_case_began() {
    let old = || vec![entry(2, 1.0, LogKind::Started, 0), entry(5, 2.0, LogKind::Stopped, 0)];
    let before = case([StepKind::Wait(TEN), check(Subject::LogInOrder, None, None)]);
    for (numbers, expected) in
        [(&[6, 7][..], (Pass, Observed)), (&[7, 8], (Fail, NotObserved)), (&[6], (Error, NoData)), (&[], (Error, NoData))]
    {
        let late = |verb: &Verb| if matches!(verb, Verb::ReadLog) { None } else { taken(verb) };
        let mut desk = Desk::begin_with(&before, Memory::default(), late);
        let told = |desk: &mut Desk, at, log: Vec<LogEntry>| {
            let id = |(_, e): &(_, _)| if let rig_engine::Effect::Command { id, .. } = e { Some(*id) } else { None };
            let id = desk.said.iter().rev().find_map(id).unwrap();
            desk.tell(s(at), Stimulus::Report(&DutReport::Log(log)));
            desk.tell(s(at), Stimulus::Ended { id, verb: &Verb::ReadLog, outcome: &Outcome::Accepted, transmissions: 1 });
        };
        told(&mut desk, 1, old());
        desk.to(s(12));
        told(&mut desk, 13, old().into_iter().chain(numbers.iter().map(|n| entry(*n, f64::from(*n), LogKind::Started, 0))).collect());
        assert_eq!(desk.end().of("steps.2"), [expected], "{numbers:?}");
    }
}

#[test]
fn what_the_patient_entered_is_a_figure_and_no_verdict() {
    let mut desk = Desk::begin(&reset(case([StepKind::Wait(TEN), command(Verb::ReadLog), command(Verb::ReadLog)])));
    desk.to(s(9));
    desk.status.uptime_us = 5_000_000;
    desk.log = vec![
        entry(1, 0.0, LogKind::FactoryReset, 0),
        entry(2, 3.5, LogKind::PainScore, 6),
        entry(3, 4.0, LogKind::PatientEvent, 2),
        entry(4, 4.5, LogKind::Started, 1),
    ];
    desk.end();
    let told: Vec<_> = desk.events().filter_map(|(_, e)| if let Event::Figures(told) = e { Some(told) } else { None }).collect();
    let [told] = &told[..] else { panic!("once, however often the log is read: {told:?}") };
    let figures: Vec<_> = told.figures.iter().map(|f| (&*f.name, f.value, &*f.note)).collect();
    assert_eq!(&*told.of, "patient");
    // The clock was read at 0 s of the run, when it told 0 s: what it said later is not known yet when the log is told.
    assert_eq!(
        figures,
        [
            ("pain_score", Some(6.0), "entry 2, 3.5 s after power-on, 3.5 s of the run"),
            ("patient_event", Some(2.0), "entry 3, 4.0 s after power-on, 4.0 s of the run"),
        ]
    );
    assert!(desk.rows().is_empty() || desk.rows().iter().all(|r| &*r.step == "run"), "{:?}", desk.rows());
}

fn clock_case(lower: f64, upper: f64) -> Case {
    case([StepKind::Wait(Span::seconds(100)), check(Subject::ClockError, Some(lower), Some(upper))])
}

fn clock_row(ppm: f64, lower: f64, upper: f64, uptime_us: u64) -> Vec<(rig_model::verdict::Verdict, rig_model::verdict::Reason)> {
    let bench = rig_model::bench::Bench { clock_ppm: ppm, ..bench() };
    let mut desk = Desk::begin_on(bench, &clock_case(lower, upper), Memory::default(), taken);
    desk.to(s(99));
    desk.status.uptime_us = uptime_us;
    desk.end();
    desk.of("steps.2")
}

#[test]
fn the_pumps_clock_is_compared_with_the_rigs() {
    // 100.005 s in 100 s.
    assert_eq!(clock_row(1.0, 0.004, 0.006, 100_005_000), [(Pass, WithinLimits)]);
    assert_eq!(clock_row(1.0, -0.001, 0.001, 100_005_000), [(Fail, BeyondLimits)]);
    assert_eq!(clock_row(50.0, 0.004, 0.006, 100_005_000), [(Inconclusive, Undecidable)], "the rig's own clock is no better");
}

#[test]
fn a_clock_that_began_anew_is_read_from_there() {
    let mut desk = Desk::begin(&case([StepKind::Wait(Span::seconds(100)), check(Subject::ClockError, Some(-1.0), Some(1.0))]));
    desk.to(s(50)).report(s(50), DutReport::Restarted);
    desk.status.uptime_us = 50_000_000;
    assert_eq!(desk.end().of("steps.2"), [(Error, NoData)], "read once since then");
    let twice = [StepKind::Wait(TEN), check(Subject::State(PumpState::Stopped), None, None), StepKind::Wait(TEN)];
    let mut desk = Desk::begin(&case(twice.into_iter().chain([check(Subject::ClockError, Some(-1.0), Some(1.0))])));
    desk.to(s(5)).report(s(5), DutReport::Restarted);
    desk.status.uptime_us = 3_000_000;
    desk.to(s(15));
    desk.status.uptime_us = 13_000_000;
    assert_eq!(desk.end().of("steps.4"), [(Pass, WithinLimits)]);
}

#[test]
fn a_lost_link_hides_no_clock_but_its_latency_counts() {
    // The status is asked for at 10 s and answered at 12 s: a second either way over some ten.
    let late = |verb: &Verb| if matches!(verb, Verb::Status) { None } else { taken(verb) };
    let mut desk =
        Desk::begin_with(&case([StepKind::Wait(TEN), check(Subject::ClockError, Some(-8.0), Some(8.0))]), Memory::default(), late);
    let answer = |desk: &mut Desk, at: i64, uptime_us: u64| {
        let id = desk
            .said
            .iter()
            .rev()
            .find_map(|(_, e)| if let rig_engine::Effect::Command { id, .. } = e { Some(*id) } else { None })
            .unwrap();
        let status = PumpStatus { uptime_us, ..status(PumpState::Stopped) };
        desk.tell(s(at), Stimulus::Report(&DutReport::Status(status)));
        desk.tell(s(at), Stimulus::Ended { id, verb: &Verb::Status, outcome: &Outcome::Accepted, transmissions: 1 });
    };
    answer(&mut desk, 0, 1_000_000);
    desk.to(s(11));
    answer(&mut desk, 12, 12_000_000);
    desk.end();
    assert_eq!(desk.of("steps.2"), [(Inconclusive, Undecidable)]);
    let rows = desk.rows();
    let row = rows.iter().find(|r| &*r.step == "steps.2").unwrap();
    assert!(row.value.is_some_and(|v| v.abs() < 1e-9) && row.expanded_uncertainty.is_some_and(|u| (10.0..11.0).contains(&u)), "{row:?}");
}

#[test]
fn the_basal_rate_is_what_the_status_tells() {
    let rate = |lower, upper| reported(Reported::BasalRate, lower, upper);
    let mut desk = Desk::begin(&case([StepKind::Wait(TEN), rate(19.0, 21.0), rate(39.0, 41.0)]));
    desk.status.basal = Flow(20.0);
    desk.end();
    assert_eq!((desk.of("steps.2"), desk.of("steps.3")), (vec![(Pass, WithinLimits)], vec![(Fail, BeyondLimits)]));
    assert!(desk.commanded(&Verb::Therapy).is_empty());
}

#[test]
fn what_is_left_of_a_bolus_is_what_the_status_tells() {
    let left = |lower, upper| reported(Reported::BolusLeft, lower, upper);
    let mut desk = Desk::begin(&case([StepKind::Wait(TEN), left(49.0, 51.0), left(0.0, 1.0)]));
    desk.status.bolus_left = Volume(50.0);
    desk.end();
    assert_eq!((desk.of("steps.2"), desk.of("steps.3")), (vec![(Pass, WithinLimits)], vec![(Fail, BeyondLimits)]));
    assert!(desk.commanded(&Verb::Therapy).is_empty());
}

/// A mark at 10 s, a score; at 3,610 s the pump's clock is read, which then tells 3,700 s, and then the log.
fn logged_at(log: Vec<LogEntry>, lower: f64, upper: f64) -> Vec<(rig_model::verdict::Verdict, rig_model::verdict::Reason)> {
    logged_at_uptime(3_700, log, lower, upper)
}

fn logged_at_uptime(
    uptime_s: u64,
    log: Vec<LogEntry>,
    lower: f64,
    upper: f64,
) -> Vec<(rig_model::verdict::Verdict, rig_model::verdict::Reason)> {
    let told = Subject::LoggedAt { kind: LogKind::PainScore, value: Some(EntryValue::exactly(6)), mark: "said".into() };
    let mut asked = case([
        StepKind::Wait(TEN),
        StepKind::Mark { name: "said".into() },
        command(Verb::RecordPain { score: 6 }),
        StepKind::Wait(Span::hours(1)),
        check(Subject::State(PumpState::Stopped), None, None),
        check(told, Some(lower), Some(upper)),
    ]);
    asked.time_limit = Span::hours(2);
    let mut desk = Desk::begin(&reset(asked));
    desk.to(s(11));
    desk.status.uptime_us = uptime_s * 1_000_000;
    desk.log = log;
    desk.end().of("steps.6")
}

#[test]
fn the_time_of_an_entry_is_judged_against_the_rigs() {
    let log = |at_s| {
        vec![entry(1, 80.0, LogKind::FactoryReset, 0), entry(2, at_s, LogKind::PainScore, 6), entry(3, 3_699.0, LogKind::PainScore, 1)]
    };
    assert_eq!(logged_at(log(100.2), -1.0, 1.0), [(Pass, WithinLimits)]);
    // 1 % ahead: a second of a hundred.
    assert_eq!(logged_at(log(101.2), -1.0, 1.0), [(Fail, BeyondLimits)]);
    assert_eq!(logged_at(log(98.8), -1.0, 1.0), [(Fail, BeyondLimits)]);
    assert_eq!(logged_at(log(101.0), -1.0, 1.0), [(Inconclusive, Undecidable)], "a mark is 5 ms wide");
}

#[test]
fn an_entry_that_is_missing_or_of_another_power_on_has_no_time() {
    let reset = || entry(1, 80.0, LogKind::FactoryReset, 0);
    assert_eq!(logged_at(vec![reset()], -1.0, 1.0), [(Fail, NotObserved)]);
    assert_eq!(
        logged_at(vec![reset(), entry(5, 90.0, LogKind::Started, 0)], -1.0, 1.0),
        [(Error, NoData)],
        "it may be one of those missing"
    );
    let before = vec![reset(), entry(2, 100.0, LogKind::PainScore, 6), entry(3, 0.0, LogKind::PowerOn, 2)];
    assert_eq!(logged_at(before, -1.0, 1.0), [(Error, NoData)]);
    assert_eq!(logged_at(vec![], -1.0, 1.0), [(Error, NoData)]);
}

#[test]
fn what_a_log_lost_before_the_power_on_excuses_no_entry_behind_it() {
    // The mark is at 100 s of the pump's clock.
    let log = |second: u32| vec![entry(7, 0.0, LogKind::PowerOn, 2), entry(second, 90.0, LogKind::Started, 0)];
    assert_eq!(logged_at(log(8), -1.0, 1.0), [(Fail, NotObserved)], "whole since a power-on before the mark");
    assert_eq!(logged_at(log(9), -1.0, 1.0), [(Error, NoData)], "it may be the one that is missing");
    assert_eq!(logged_at(vec![entry(8, 90.0, LogKind::Started, 0)], -1.0, 1.0), [(Error, NoData)], "no power-on is left in the log");
    assert_eq!(logged_at_uptime(3_590, log(8), -1.0, 1.0), [(Error, NoData)], "it may be of before the power-on");
}

#[test]
fn messages_that_were_disturbed_are_counted_from_the_first_step() {
    let hit = |messages: &[u32]| {
        let mut desk = Desk::begin(&case([StepKind::Wait(TEN), check(Subject::DisturbedFrames, Some(2.0), None)]));
        for messages in messages {
            desk.tell(s(5), Stimulus::Disturbed { messages: *messages });
        }
        desk.end().of("steps.2")
    };
    assert_eq!((hit(&[]), hit(&[1]), hit(&[1, 1])), (vec![(Fail, BeyondLimits)], vec![(Fail, BeyondLimits)], vec![(Pass, WithinLimits)]));
}
