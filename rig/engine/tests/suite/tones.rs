//! Tones that must come, must not, and how often they do.

use rig_model::dut::{Alarm, AlarmClass, DutReport, Verb};
use rig_model::input::Sense;
use rig_model::scenario::*;
use rig_model::time::Span;
use rig_model::verdict::Reason::{self, *};
use rig_model::verdict::Verdict::{self, *};

use crate::desk::*;

use AlarmClass::{Critical, NonCritical};

const TEN: Span = Span::seconds(10);

/// A chirp at 1 ms, which shows that the line lives, then these tones.
fn heard(steps: impl IntoIterator<Item = StepKind>, tones: &[(i64, AlarmClass)]) -> Desk {
    let mut desk = Desk::begin(&case(steps));
    desk.edges(ALARM, Sense::On, [ms(1)]).edges(ALARM, Sense::Off, [ms(50)]);
    for (at, class) in tones {
        desk.tone(ms(*at), *class);
    }
    desk
}

#[test]
fn no_tone_is_no_tone_of_that_class_in_that_time() {
    let played = |class, tones: &[(i64, AlarmClass)]| {
        heard([StepKind::Wait(TEN), hold(Condition::NoTone(class), TEN), StepKind::Wait(TEN)], tones).end().of("steps.2")
    };
    let pass: (Verdict, Reason) = (Pass, Observed);
    let fail = (Fail, NotObserved);
    for (class, tones, expected) in [
        (None, &[][..], pass),
        (None, &[(5_000, Critical), (21_000, Critical)], pass),
        (None, &[(15_000, NonCritical)], fail),
        (None, &[(15_000, Critical)], fail),
        (Some(Critical), &[(15_000, NonCritical)], pass),
        (Some(Critical), &[(15_000, Critical)], fail),
        (Some(NonCritical), &[(15_000, Critical)], pass),
        // One that began before and is heard to its end.
        (None, &[(9_800, Critical)], pass),
        // At the last instants: what it is shows after the hold.
        (None, &[(19_900, NonCritical)], fail),
        (Some(Critical), &[(19_900, NonCritical)], pass),
        (Some(Critical), &[(19_900, Critical)], fail),
    ] {
        assert_eq!(played(class, tones), [expected], "{class:?} {tones:?}");
    }
}

#[test]
fn a_chirp_is_no_tone_and_a_line_that_stays_active_is_one() {
    let steps = || [StepKind::Wait(TEN), hold(Condition::NoTone(None), TEN)];
    let mut desk = heard(steps(), &[]);
    desk.edges(ALARM, Sense::On, [s(15)]).edges(ALARM, Sense::Off, [ms(15_050)]);
    assert_eq!(desk.end().of("steps.2"), [(Pass, Observed)]);
    let mut desk = heard(steps(), &[]);
    desk.edges(ALARM, Sense::On, [s(5)]);
    assert_eq!(desk.end().of("steps.2"), [(Fail, NotObserved)], "since before it began");
}

/// A tone does not say of which alarm it is. One that an alarm which is allowed may have sounded is not held against the pump.
#[test]
fn a_tone_is_forbidden_where_no_alarm_that_is_allowed_may_be_behind_it() {
    // Occlusion is critical and allowed, as is a low reservoir, which is not critical; everything else is forbidden.
    let only: Vec<Alarm> = Alarm::ALL.iter().copied().filter(|a| ![Alarm::Occlusion, Alarm::LowReservoir].contains(a)).collect();
    let of = |before: &[(i64, DutReport)], tone: (i64, AlarmClass), after: &[(i64, DutReport)], acknowledged: &[i64]| {
        let mut steps = Vec::new();
        let mut since = 0;
        for at in acknowledged {
            steps.extend([StepKind::Wait(Span::milliseconds(at - since)), command(Verb::Acknowledge)]);
            since = *at;
        }
        steps.push(StepKind::Wait(TEN));
        let mut desk = Desk::begin(&watched(case(steps), Watched::NoAlarm { only: only.clone() }));
        desk.edges(ALARM, Sense::On, [ms(1)]).edges(ALARM, Sense::Off, [ms(50)]);
        for (at, report) in before {
            desk.report(ms(*at), report.clone());
        }
        let beeps: &[i64] = if tone.1 == Critical { &[0, 500] } else { &[0] };
        desk.edges(ALARM, Sense::On, [ms(tone.0)]);
        let (early, late): (Vec<_>, Vec<_>) = after.iter().partition(|(at, _)| *at < tone.0 + 300);
        for (at, report) in early {
            desk.report(ms(*at), report.clone());
        }
        desk.edges(ALARM, Sense::Off, [ms(tone.0 + 300)]);
        for beep in &beeps[1..] {
            desk.edges(ALARM, Sense::On, [ms(tone.0 + beep)]).edges(ALARM, Sense::Off, [ms(tone.0 + beep + 300)]);
        }
        for (at, report) in late {
            desk.report(ms(*at), report.clone());
        }
        desk.end().of("watch.1")[0].0
    };
    let on = |at, alarm| (at, DutReport::AlarmOn(alarm));
    let off = |at, alarm| (at, DutReport::AlarmOff(alarm));
    let (occlusion, low) = (Alarm::Occlusion, Alarm::LowReservoir);
    for (before, class, after, acknowledged, expected, why) in [
        (&[][..], Critical, &[][..], &[][..], Fail, "nothing is active"),
        (&[on(2_000, occlusion)], Critical, &[], &[], Pass, "the occlusion sounds"),
        (&[on(2_000, low)], Critical, &[], &[], Fail, "what is not critical sounds as if it were"),
        (&[on(2_000, low)], NonCritical, &[], &[], Pass, "the low reservoir sounds"),
        (&[on(2_000, low)], NonCritical, &[off(5_100, low)], &[], Pass, "it ends while it sounds"),
        (&[on(2_000, low), off(4_900, low)], NonCritical, &[], &[], Fail, "it had ended before"),
        (&[on(2_000, occlusion)], NonCritical, &[], &[], Fail, "a critical alarm sounds as if it were none"),
        (&[on(2_000, occlusion)], NonCritical, &[off(5_100, occlusion)], &[], Pass, "its end cuts the tone short"),
        (&[on(2_000, occlusion)], NonCritical, &[], &[5_200], Pass, "it is acknowledged before the second beep"),
        (&[on(2_000, occlusion)], Critical, &[off(5_200, occlusion)], &[], Pass, "it ends while it sounds"),
        (&[on(2_000, occlusion)], NonCritical, &[], &[4_980], Pass, "the acknowledgement was on its way when the beep began"),
        (&[on(2_000, occlusion)], NonCritical, &[], &[4_900], Fail, "it had arrived before the beep began"),
        (&[on(2_000, occlusion)], NonCritical, &[], &[5_500], Pass, "it is acknowledged when the second beep is due"),
        (&[on(2_000, occlusion)], NonCritical, &[], &[5_520], Fail, "the second beep was due before the pump can have heard of it"),
        (&[on(2_000, occlusion)], NonCritical, &[], &[5_900], Fail, "long due, and the tone not decided yet"),
        (&[on(2_000, occlusion)], NonCritical, &[off(5_901, occlusion)], &[5_900], Fail, "nor does the end that comes of it explain it"),
        (&[on(2_000, occlusion)], NonCritical, &[], &[5_200, 5_700], Pass, "what came first cut it short"),
        (&[on(2_000, occlusion)], NonCritical, &[off(5_800, occlusion)], &[5_200], Pass, "and its end is told late"),
        (
            &[on(2_000, occlusion)],
            NonCritical,
            &[off(5_540, occlusion)],
            &[],
            Pass,
            "it ends at the last instant, and the report takes its time",
        ),
        (&[on(2_000, occlusion)], NonCritical, &[off(5_600, occlusion)], &[], Fail, "it ends after the second beep was due"),
    ] {
        assert_eq!(of(before, (5_000, class), after, acknowledged), expected, "{why}");
    }
}

#[test]
fn no_tone_of_a_dead_line_is_nothing() {
    let mut dead = Desk::begin(&case([hold(Condition::NoTone(None), TEN)]));
    assert_eq!(dead.end().of("steps.1"), [(Error, ChannelNotAlive)]);
    let mut lost = heard([StepKind::Wait(TEN), hold(Condition::NoTone(None), TEN)], &[]);
    lost.lose(s(15), Some(ALARM));
    assert_eq!(lost.end().of("steps.2"), [(Error, DataLost)]);
    let mut without = bench();
    without.channels.retain(|c| &*c.name != ALARM);
    let steps = case([hold(Condition::NoTone(None), TEN)]);
    let mut desk = Desk::begin_on(without, &steps, Default::default(), |_| Some(rig_model::dut::Outcome::Accepted));
    assert_eq!(desk.end().of("steps.1"), [(Error, NoData)]);
}

#[test]
fn tones_are_counted_from_the_first_step() {
    let count = |class, is| check(Subject::ToneCount { class }, Some(is), Some(is));
    let steps = || [StepKind::Wait(Span::seconds(60)), count(Critical, 2.0), count(NonCritical, 1.0), count(Critical, 3.0)];
    let mut desk = heard(steps(), &[(5_000, Critical), (20_000, NonCritical), (40_000, Critical)]);
    desk.end();
    let found = ["steps.2", "steps.3", "steps.4"].map(|step| desk.of(step)[0]);
    assert_eq!(found, [(Pass, WithinLimits), (Pass, WithinLimits), (Fail, BeyondLimits)]);
    let mut lost = heard(steps(), &[(5_000, Critical)]);
    lost.lose(s(30), Some(ALARM));
    assert_eq!(lost.end().of("steps.2"), [(Error, DataLost)]);
    let mut dead = Desk::begin(&case([StepKind::Wait(TEN), count(Critical, 0.0)]));
    assert_eq!(dead.end().of("steps.2"), [(Error, ChannelNotAlive)]);
}

#[test]
fn the_period_of_a_tone_is_from_the_last_but_one_to_the_last() {
    let period = |lower, upper| check(Subject::TonePeriod { class: Critical }, lower, upper);
    let steps = |lower, upper| [StepKind::Wait(Span::seconds(100)), period(Some(lower), Some(upper))];
    let tones = [(5_000, Critical), (20_000, NonCritical), (50_000, Critical), (80_000, Critical)];
    for (lower, upper, expected) in
        [(29.0, 31.0, (Pass, WithinLimits)), (40.0, 50.0, (Fail, BeyondLimits)), (29.0, 30.001, (Inconclusive, Undecidable))]
    {
        assert_eq!(heard(steps(lower, upper), &tones).end().of("steps.2"), [expected], "{lower} {upper}");
    }
    let rows = |desk: &Desk| desk.rows().iter().find(|r| &*r.step == "steps.2").map(|r| (r.quantity.clone(), r.value));
    assert_eq!(rows(heard(steps(29.0, 31.0), &tones).end()), Some(("tone_period".to_owned(), Some(30.0))));
}

#[test]
fn one_tone_is_no_period_unless_it_is_too_long_already() {
    let steps = |upper| [StepKind::Wait(Span::seconds(100)), check(Subject::TonePeriod { class: Critical }, None, Some(upper))];
    for (upper, expected) in [(60.0, (Fail, BeyondLimits)), (600.0, (Error, NoData))] {
        assert_eq!(heard(steps(upper), &[(5_000, Critical)]).end().of("steps.2"), [expected], "{upper}");
    }
    assert_eq!(heard(steps(60.0), &[]).end().of("steps.2"), [(Error, NoData)], "nobody knows of an alarm");
    let mut alarmed = heard(steps(60.0), &[]);
    alarmed.report(s(5), DutReport::AlarmOn(Alarm::Occlusion));
    assert_eq!(alarmed.end().of("steps.2"), [(Fail, NotObserved)], "the line works, and nothing was heard");
    let mut dead = Desk::begin(&case(steps(60.0)));
    dead.report(s(5), DutReport::AlarmOn(Alarm::Occlusion));
    assert_eq!(dead.end().of("steps.2"), [(Error, NoData)]);
    let mut lost = heard(steps(60.0), &[(5_000, Critical), (50_000, Critical)]);
    lost.lose(s(70), Some(ALARM));
    assert_eq!(lost.end().of("steps.2"), [(Error, DataLost)]);
}

#[test]
fn a_beep_that_sounds_when_tones_are_counted_is_waited_for() {
    let counted = |class, at_most, tones: &[(i64, AlarmClass)]| {
        let steps = [StepKind::Wait(TEN), check(Subject::ToneCount { class }, None, Some(at_most)), StepKind::Wait(TEN)];
        heard(steps, tones).end().of("steps.2")
    };
    assert_eq!(counted(NonCritical, 0.0, &[(9_900, NonCritical)]), [(Fail, BeyondLimits)]);
    assert_eq!(counted(Critical, 0.0, &[(9_900, Critical)]), [(Fail, BeyondLimits)]);
    assert_eq!(counted(Critical, 0.0, &[(9_900, NonCritical)]), [(Pass, WithinLimits)]);
    assert_eq!(counted(NonCritical, 0.0, &[(10_500, NonCritical)]), [(Pass, WithinLimits)], "it began later");
}
