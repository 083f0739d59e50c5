//! One table: every subject of a check against everything that can be wrong with its data is never a PASS.

use rig_engine::Stimulus;
use rig_model::dut::{Alarm, DutReport, Outcome, PumpState, Verb};
use rig_model::input::Sense;
use rig_model::quantity::Volume;
use rig_model::scenario::{Rolling, StepKind, Subject, Until, WindowQuantity};
use rig_model::time::Span;
use rig_model::verdict::{Reason, Verdict};

use crate::desk::*;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Wrong {
    Nothing,
    /// No pulse, no reading, no answer.
    Missing,
    NotANumber,
    LostOnChannel,
    LostAnywhere,
    OutOfRange,
}

/// What a subject lives on.
#[derive(Debug, Clone, Copy, PartialEq)]
enum On {
    Flow,
    Pressure,
    Alarm,
    /// What the pump told in the past.
    Told,
    /// A status that is asked for by the check itself: what was lost before doesn't touch it.
    Asked,
}

fn subjects() -> Vec<(On, Subject)> {
    use WindowQuantity::*;
    let every = Rolling::Every(Span::seconds(2));
    let flow = [Volume, ReverseVolume, MeanFlow, VolumeIn(every), MeanFlowIn(every), VolumeIn(Rolling::Strokes(1))];
    let times = [MeanFlowIn(Rolling::Strokes(1)), DeliveryTime, OnsetDelay, LastPulse, Strokes, MaxFlow, ReservoirError];
    let alarm = Alarm::Occlusion;
    let from = || "a".into();
    let mut all: Vec<_> = flow.into_iter().chain(times).map(|q| (On::Flow, of_window(q))).collect();
    all.extend([MaxPressure, MeanPressure, LastPressure].map(|q| (On::Pressure, of_window(q))));
    all.extend([
        (On::Alarm, Subject::SignalDelay { alarm }),
        (On::Told, Subject::ConditionDelay { alarm, from: from() }),
        (On::Told, Subject::AlarmCount { alarm }),
        (On::Told, Subject::Restarts),
        (On::Asked, Subject::State(PumpState::Stopped)),
        (On::Asked, Subject::AlarmActive { alarm, active: true }),
        (On::Asked, Subject::ReservoirReported),
    ]);
    all
}

/// Marks, a window of 10 s with two strokes, readings, an alarm and its tone in it, and the check, within limits that are very wide.
fn played(on: On, subject: &Subject, wrong: Wrong) -> Desk {
    let mark = |name: &str| StepKind::Mark { name: name.into() };
    let during = [StepKind::Wait(Span::seconds(10))];
    let channel = if on == On::Pressure { LINE } else { TIP };
    let steps = [mark("a"), measure(channel, Until::StepsDone, during), mark("b"), check(subject.clone(), Some(-1e12), Some(1e12))];
    let mut desk = Desk::begin(&case(steps));
    if wrong == Wrong::Missing {
        desk.answer = |verb| if *verb == Verb::Status { Some(Outcome::Unanswered) } else { Some(Outcome::Accepted) };
        desk.tell(s(5), Stimulus::Silent);
        desk.end();
        return desk;
    }
    desk.stroke(s(1)).reading(s(2), 20.0).report(s(3), DutReport::AlarmOn(Alarm::Occlusion)).edges(
        ALARM,
        Sense::On,
        [ms(3_100), ms(3_600)],
    );
    match wrong {
        Wrong::LostOnChannel if on == On::Alarm => desk.lose(s(4), Some(ALARM)),
        Wrong::LostOnChannel => desk.lose(s(4), Some(channel)),
        Wrong::LostAnywhere => desk.lose(s(4), None),
        Wrong::NotANumber => desk.reading(s(4), f64::NAN),
        Wrong::OutOfRange => desk.edges(TIP, Sense::Forward, (0..12).map(|n| s(4) + Span::milliseconds(15 * n))).reading(s(5), 1e6),
        Wrong::Nothing | Wrong::Missing => &mut desk,
    };
    match wrong {
        Wrong::NotANumber => desk.status.reservoir = Volume(f64::NAN),
        Wrong::OutOfRange => desk.status.reservoir = Volume(f64::INFINITY),
        _ => {}
    }
    desk.stroke(s(6)).end();
    desk
}

/// Whether this can be wrong with this subject at all.
fn can_be(on: On, subject: &Subject, wrong: Wrong) -> bool {
    let status = matches!(subject, Subject::ReservoirReported | Subject::Window { quantity: WindowQuantity::ReservoirError, .. });
    match wrong {
        Wrong::Nothing => false,
        Wrong::Missing => true,
        Wrong::NotANumber => on == On::Pressure || status,
        Wrong::OutOfRange => matches!(on, On::Pressure | On::Flow) || status,
        Wrong::LostOnChannel => matches!(on, On::Pressure | On::Flow | On::Alarm),
        Wrong::LostAnywhere => on != On::Asked,
    }
}

#[test]
fn unsound_data_never_pass() {
    let wrongs = [Wrong::Missing, Wrong::NotANumber, Wrong::LostOnChannel, Wrong::LostAnywhere, Wrong::OutOfRange];
    let mut tried = 0;
    for (on, subject) in subjects() {
        let sound = played(on, &subject, Wrong::Nothing).of("steps.4");
        let all_pass = sound.iter().all(|row| row.0 == Verdict::Pass);
        assert!(!sound.is_empty() && all_pass, "{subject:?} on sound data: {sound:?}");
        for wrong in wrongs.into_iter().filter(|wrong| can_be(on, &subject, *wrong)) {
            let desk = played(on, &subject, wrong);
            let rows = desk.of("steps.4");
            assert!(!rows.is_empty(), "{subject:?} {wrong:?} left no row");
            assert!(rows.iter().all(|row| row.0 != Verdict::Pass), "{subject:?} {wrong:?}: {rows:?}");
            assert_ne!(desk.ended().verdict, Verdict::Pass);
            let expected = match wrong {
                Wrong::LostOnChannel | Wrong::LostAnywhere => Some((Verdict::Error, Reason::DataLost)),
                Wrong::NotANumber | Wrong::OutOfRange => Some((Verdict::Error, Reason::OutOfRange)),
                Wrong::Missing | Wrong::Nothing => None,
            };
            if let Some(expected) = expected {
                assert!(rows.iter().all(|row| *row == expected), "{subject:?} {wrong:?}: {rows:?}");
            }
            tried += 1;
        }
    }
    assert_eq!(tried, 82, "a subject more or less: see that the table still holds all");
}

#[test]
fn what_can_be_wrong_elsewhere_does_not_matter() {
    for (on, subject) in subjects() {
        let wrongs = [Wrong::NotANumber, Wrong::LostOnChannel, Wrong::LostAnywhere, Wrong::OutOfRange];
        for wrong in wrongs.into_iter().filter(|wrong| !can_be(on, &subject, *wrong)) {
            let rows = played(on, &subject, wrong).of("steps.4");
            assert!(rows.iter().all(|row| row.0 == Verdict::Pass), "{subject:?} {wrong:?}: {rows:?}");
        }
    }
}
