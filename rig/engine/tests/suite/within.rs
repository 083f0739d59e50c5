//! Limits of time are inclusive, to the nanosecond, whatever else comes at the same instant.

use rig_engine::Stimulus;
use rig_model::dut::{Alarm, AlarmClass, DutReport, PumpState};
use rig_model::event::Event;
use rig_model::input::Sense;
use rig_model::quantity::Volume;
use rig_model::scenario::{Condition, StepKind, Until};
use rig_model::time::{RigTime, Span};
use rig_model::verdict::Reason::*;
use rig_model::verdict::Verdict::*;

use crate::desk::*;

const WITHIN: Span = Span::milliseconds(200);
const LIMIT: RigTime = RigTime(200_000_000);

fn later(by: i64) -> RigTime {
    RigTime(LIMIT.0 + by)
}

#[test]
fn what_the_link_tells_counts_up_to_its_deadline() {
    // A report is older than its arrival by a frame: near the limit that can't be decided, but it came. U = 2 · 6.556 ms / √3.
    let near = Span::microseconds(7_570).0;
    for (at, expected) in [
        (later(-near - 10_000), (Pass, WithinLimits)),
        (later(-near + 10_000), (Inconclusive, Undecidable)),
        (later(-1), (Inconclusive, Undecidable)),
        (later(0), (Inconclusive, Undecidable)),
        (later(1), (Fail, NotObserved)),
    ] {
        let told = [
            (Condition::State(PumpState::Bolus), DutReport::State(PumpState::Bolus)),
            (Condition::Alarm(Alarm::Occlusion), DutReport::AlarmOn(Alarm::Occlusion)),
            (Condition::Restarted, DutReport::Restarted),
        ];
        for (what, report) in told {
            let mut desk = Desk::begin(&case([expect(what.clone(), WITHIN)]));
            // Something else happens at the same instant before it, as the order of sources has it.
            desk.tell(at, Stimulus::Done { id: 999 }).reading(at, 1.0).report(at, report).end();
            assert_eq!(desk.of("steps.1"), [expected], "{what:?} at {at:?}");
        }
    }
}

#[test]
fn what_edges_tell_is_exact() {
    let volume = Condition::Volume { channel: TIP.into(), reaches: Volume(0.3) };
    let tone = Condition::Tone(AlarmClass::Critical);
    for (by, expected) in [(-1, (Pass, WithinLimits)), (0, (Pass, WithinLimits)), (1, (Fail, NotObserved))] {
        let played = |what: &Condition, channel, sense| {
            let mut desk = Desk::begin(&case([expect(what.clone(), WITHIN)]));
            desk.edges(channel, sense, [ms(10), ms(20), later(by)]).end();
            desk.of("steps.1")
        };
        assert_eq!(played(&volume, TIP, Sense::Forward), [expected], "{by} ns after the limit");
        // The first edge of two is the tone's: 10 ms, known when the second has come.
        let heard = Desk::begin(&case([expect(tone.clone(), WITHIN)])).edges(ALARM, Sense::On, [ms(10), later(by)]).end().of("steps.1");
        assert_eq!(heard, [expected], "{by} ns after the limit");
    }
}

#[test]
fn a_pulse_at_the_instant_at_which_it_would_be_quiet_breaks_the_quiet() {
    for (pulse, came_at) in [(ms(99), Some(0.199)), (ms(100), Some(0.2)), (RigTime(ms(100).0 + 1), Some(0.1))] {
        let mut desk = Desk::begin(&case([expect(quiet(Span::milliseconds(100)), WITHIN), StepKind::Wait(WITHIN)]));
        desk.tell(pulse, Stimulus::Done { id: 999 }).edges(TIP, Sense::Forward, [pulse]).end();
        let row = desk.rows()[0];
        assert_eq!((row.verdict, row.value), (Pass, came_at), "pulse at {pulse:?}");
    }
    // It would be quiet 1 ns too late.
    let mut desk = Desk::begin(&case([expect(quiet(Span::milliseconds(100)), WITHIN)]));
    desk.edges(TIP, Sense::Forward, [ms(50), RigTime(ms(100).0 + 1)]).end();
    assert_eq!(desk.of("steps.1"), [(Fail, NotObserved)]);
}

#[test]
fn a_window_ends_in_time_up_to_its_deadline() {
    let until = |quiet| Until::Condition { what: Some(Condition::State(PumpState::Stopped)), then_quiet_for: quiet, within: WITHIN };
    for (quiet, stop, expected) in [
        (None, later(0), None),
        (None, later(1), Some((Fail, WindowNotEnded))),
        (Some(Span::milliseconds(50)), ms(150), None),
        (Some(Span::milliseconds(50)), RigTime(ms(150).0 + 1), Some((Fail, WindowNotEnded))),
    ] {
        let mut desk = bolus_then(measure(TIP, until(quiet), []), stop);
        assert_eq!(desk.end().of("steps.2").first().copied(), expected, "quiet {quiet:?}, stop at {stop:?}");
    }
}

/// Waits for a bolus at 0, then plays the step, and stops the pump at this instant.
fn bolus_then(step: StepKind, stop: RigTime) -> Desk {
    let mut desk = Desk::begin(&case([expect(Condition::State(PumpState::Bolus), Span::seconds(1)), step, volume_at_most(9.0)]));
    desk.state(RigTime::ZERO, PumpState::Bolus).tell(stop, Stimulus::Done { id: 999 }).state(stop, PumpState::Stopped);
    desk
}

#[test]
fn an_edge_at_the_closing_instant_is_in_the_window() {
    for (at, pulses) in [(later(-1), 1), (later(0), 1), (later(1), 0)] {
        for until in [Until::Elapsed(WITHIN), Until::StepsDone] {
            let mut desk = Desk::begin(&case([measure(TIP, until.clone(), [StepKind::Wait(WITHIN)]), volume_at_most(9.0)]));
            desk.tell(at, Stimulus::Done { id: 999 }).edges(TIP, Sense::Forward, [at]).end();
            let n = desk.rows().iter().find(|r| &*r.step == "steps.2").and_then(|r| r.n);
            assert_eq!(n, Some(pulses), "{until:?}, edge at {at:?}");
        }
    }
}

#[test]
fn a_level_holds_to_its_last_instant() {
    for (at, expected) in [(later(0), (Fail, NotObserved)), (later(1), (Pass, Observed))] {
        let state = Condition::State(PumpState::Stopped);
        let mut desk = Desk::begin(&case([hold(state, WITHIN), StepKind::Wait(WITHIN)]));
        desk.tell(at, Stimulus::Done { id: 999 }).state(at, PumpState::Fault).end();
        assert_eq!(desk.of("steps.1"), [expected], "fault at {at:?}");
        // 50 ms without a pulse, all through 200 ms: a pulse before the level was asked for is long past.
        let mut desk = Desk::begin(&case([StepKind::Wait(WITHIN), hold(quiet(Span::milliseconds(50)), WITHIN)]));
        let pulse = at + WITHIN;
        desk.edges(TIP, Sense::Forward, [ms(1)]).edges(TIP, Sense::Forward, [pulse]).end();
        assert_eq!(desk.of("steps.2"), [expected], "pulse at {pulse:?}");
    }
}

#[test]
fn an_answer_at_the_deadline_is_an_answer() {
    for (at, expected) in [(later(0), vec![]), (later(1), vec![(Skipped, Unattended)])] {
        let prompt = StepKind::Prompt { text: "look".into(), within: WITHIN };
        let mut desk = Desk::begin(&case([prompt, hold(Condition::NoAlarm, WITHIN)]));
        let id = desk.events().find_map(|(_, e)| if let Event::Prompted { id, .. } = e { Some(*id) } else { None }).unwrap();
        desk.reading(at, 1.0).tell(at, Stimulus::Answer { id, operator: Some("me") }).end();
        assert_eq!(desk.of("steps.1"), expected, "answer at {at:?}");
    }
}

#[test]
fn a_case_may_take_all_of_its_time() {
    for (wait, expected) in [(WITHIN, vec![]), (WITHIN + Span(1), vec![(Error, TimeLimit)])] {
        // A level that the pump need not be asked about: the answer would come after the limit.
        let mut limited = case([StepKind::Wait(wait), hold(Condition::Quiet { channel: TIP.into(), lasts: Span(0) }, Span(0))]);
        limited.time_limit = WITHIN;
        let mut desk = Desk::begin(&limited);
        assert_eq!(desk.end().of("time_limit"), expected, "a wait of {wait:?}");
    }
}
