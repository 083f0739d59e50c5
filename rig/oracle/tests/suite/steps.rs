//! Doses that a schedule's steps begin with: they wait for what is more urgent, and they end with their mode.
use crate::bed::{Bed, HOUR, SECOND, basal, bolus, check, limit, patient, s};
use rig_model::dut::{Days, Refusal, ScheduleStep, StepBolus, Verb};
use rig_model::input::PlantChange;
use rig_model::quantity::{Flow, Volume};
use rig_model::time::Span;
use rig_model::verdict::Verdict::{Fail, Pass};

const M: i64 = 60 * SECOND;

/// A step of 20 µL/h, with a dose in µL over s.
fn step(from_h: i64, dose: Option<(f64, f64)>) -> Verb {
    let bolus = dose.map(|(volume, over)| StepBolus { volume: Volume(volume), over: Span(s(over)) });
    Verb::ProgramStep(Box::new(ScheduleStep { days: Days::ALL, from: Span::hours(from_h), rate: Flow(20.0), bolus }))
}

/// From 7:00 of the pump's clock at 0 h on.
fn started(bed: &mut Bed, steps: &[Verb]) {
    bed.prescribe(SECOND, [&[step(0, None)][..], steps].concat());
    bed.say(10 * SECOND, Verb::SetClock { time_of_week: Span(7 * HOUR + 10 * SECOND) }).say(M, Verb::Start);
}

/// A dose begins with a stroke, where a rate first has to come together.
fn gives(bed: &mut Bed, from: i64, to: i64, rate: f64) {
    let stroke = s(3_600.0 / rate);
    bed.flows(from - stroke + SECOND, to - stroke + SECOND, rate);
}

#[test]
fn a_dose_waits_for_a_bolus_and_the_next_one_for_it() {
    // 200 µL and 50 µL fall due at 1 h and 2 h; a bolus of 60 µL goes out from 0.5 h to 2.5 h.
    let steps = [step(8, Some((200.0, 600.0))), step(9, Some((50.0, 300.0)))];
    const BOLUS_AT: i64 = HOUR / 2;
    const FIRST: i64 = BOLUS_AT + 2 * HOUR;
    let case = |doses: &'static [(i64, f64, f64)]| {
        let steps = steps.clone();
        move |bed: &mut Bed| {
            started(bed, &steps);
            bed.say(BOLUS_AT - M, bolus(60.0, 7_200.0)).say(BOLUS_AT, Verb::Start).bolus(BOLUS_AT, 60.0, 7_200.0).flows(M, 6 * HOUR, 20.0);
            for (at, volume, over) in doses {
                bed.bolus(*at, *volume, *over);
            }
        }
    };
    check("both wait", 6.0, (Pass, Pass), case(&[(FIRST, 200.0, 600.0), (FIRST + 600 * SECOND, 50.0, 300.0)]));
    check("neither waits", 6.0, (Pass, Pass), case(&[(HOUR, 200.0, 600.0), (2 * HOUR, 50.0, 300.0)]));
    check("the second one is lost", 6.0, (Pass, Fail), case(&[(FIRST, 200.0, 600.0)]));
    check("the first one is lost", 6.0, (Pass, Fail), case(&[(FIRST, 50.0, 300.0)]));
    check("the second one comes twice", 6.0, (Fail, Pass), case(&[(FIRST, 200.0, 600.0), (FIRST + 600 * SECOND, 100.0, 600.0)]));
    check("they come an hour late", 6.0, (Fail, Fail), case(&[(FIRST + HOUR, 200.0, 600.0), (FIRST + HOUR + 600 * SECOND, 50.0, 300.0)]));
}

#[test]
fn a_dose_under_way_goes_on_behind_a_bolus_and_a_press() {
    // 120 µL in an hour from 1 h on. At 1.25 h a bolus of half an hour, at 1.5 h the patient's.
    let case = |rest: f64| {
        move |bed: &mut Bed| {
            bed.prescribe(SECOND, [step(0, None), step(8, Some((120.0, 3_600.0))), patient()]);
            bed.say(10 * SECOND, Verb::SetClock { time_of_week: Span(7 * HOUR + 10 * SECOND) }).say(M, Verb::Start).flows(
                M,
                5 * HOUR,
                20.0,
            );
            gives(bed, HOUR, HOUR + 900 * SECOND, 120.0);
            bed.say(75 * M - SECOND, bolus(90.0, 1_800.0)).say(75 * M, Verb::Start).bolus(75 * M, 45.0, 900.0);
            bed.plant(90 * M, PlantChange::Button { held: Span::milliseconds(400), bounces: 0 }).bolus(90 * M + SECOND, 50.0, 120.0);
            bed.bolus(92 * M + SECOND, 45.0, 900.0).bolus(107 * M + SECOND, rest, rest * 30.0);
        }
    };
    check("it goes on", 5.0, (Pass, Pass), case(90.0));
    check("it does not", 5.0, (Pass, Fail), case(0.0));
    check("it begins anew", 5.0, (Fail, Pass), case(120.0));
}

#[test]
fn a_microdose_that_is_held_up_takes_the_place_of_those_that_fall_due() {
    let case = |doses: &'static [i64]| {
        move |bed: &mut Bed| {
            let dose = Verb::ProgramMicrodose { volume: Volume(20.0), over: Span::minutes(1), every: Span::minutes(30) };
            bed.prescribe(SECOND, [dose]).say(M, Verb::Start);
            bed.say(10 * M, bolus(100.0, 6_000.0)).say(11 * M, Verb::Start).bolus(11 * M, 100.0, 6_000.0);
            for at in doses {
                bed.bolus(*at * M, 20.0, 60.0);
            }
        }
    };
    // The bolus is over at 111 min; doses fall due at 1, 31, 61, 91, 121 and 151 min.
    check("one is given for three", 2.8, (Pass, Pass), case(&[1, 111, 121, 151]));
    check("none is", 2.8, (Pass, Fail), case(&[1, 121, 151]));
}

#[test]
fn a_new_mode_ends_a_dose_under_way() {
    // 500 µL over 6 h from 1 h on; the new mode from 2 h on.
    let case = |goes_on: f64, ends: i64, mode: Verb| {
        move |bed: &mut Bed| {
            started(bed, &[step(8, Some((500.0, 21_600.0)))]);
            bed.flows(M, 2 * HOUR, 20.0);
            gives(bed, HOUR, ends, 500.0 / 6.0);
            bed.prescribe(2 * HOUR - M, [mode.clone()]);
            bed.say(2 * HOUR, Verb::Start).flows(2 * HOUR, 7 * HOUR, if mode == basal(30.0) { 30.0 } else { 2.0 });
            bed.flows(2 * HOUR + SECOND, 7 * HOUR, goes_on);
        }
    };
    check("it ends", 7.0, (Pass, Pass), case(0.0, 2 * HOUR, Verb::ProgramMinimum));
    check("it goes on", 7.0, (Fail, Pass), case(500.0 / 6.0, 2 * HOUR, Verb::ProgramMinimum));
    check("it ends at a rate", 7.0, (Pass, Pass), case(0.0, 2 * HOUR, basal(30.0)));
    check("a tenth of it goes on", 7.0, (Fail, Pass), case(8.0, 2 * HOUR, basal(30.0)));
    check("it ended half an hour before", 7.0, (Pass, Fail), case(0.0, 2 * HOUR - 30 * M, basal(30.0)));
}

#[test]
fn a_start_that_is_refused_ends_no_dose() {
    let case = |ends: i64| {
        move |bed: &mut Bed| {
            started(bed, &[step(8, Some((500.0, 21_600.0)))]);
            bed.flows(M, 8 * HOUR, 20.0);
            gives(bed, HOUR, ends, 500.0 / 6.0);
            bed.prescribe(2 * HOUR - M, [Verb::ProgramMinimum]).refused(2 * HOUR, Verb::Start, Refusal::ReservoirTooLow);
        }
    };
    check("it goes on", 8.0, (Pass, Pass), case(7 * HOUR));
    check("it ends", 8.0, (Pass, Fail), case(2 * HOUR));
}

/// The first dose of a new mode of microdoses is none of the old one.
#[test]
fn new_microdoses_begin_while_the_old_one_ends() {
    let dose = |volume: f64, minutes: i64, every: i64| Verb::ProgramMicrodose {
        volume: Volume(volume),
        over: Span::minutes(minutes),
        every: Span::minutes(every),
    };
    let case = |goes_on: f64| {
        move |bed: &mut Bed| {
            bed.prescribe(SECOND, [dose(100.0, 50, 60)]).say(M, Verb::Start).flows(M, 21 * M, 120.0);
            bed.prescribe(20 * M, [dose(30.0, 1, 120)]).say(21 * M, Verb::Start);
            bed.bolus(21 * M, 30.0, 60.0).bolus(141 * M, 30.0, 60.0).flows(22 * M, 51 * M, goes_on);
        }
    };
    check("it ends", 2.5, (Pass, Pass), case(0.0));
    check("it goes on", 2.5, (Fail, Pass), case(120.0));
}

/// What is left of a step's dose leaves no room for a bolus under the limit: a pump that takes it gives what it must refuse.
#[test]
fn what_is_left_of_a_dose_counts_against_the_limit() {
    let case = |volume: f64| {
        move |bed: &mut Bed| {
            started(bed, &[step(8, Some((400.0, 21_600.0))), limit(800.0, 24)]);
            bed.flows(M, 8 * HOUR, 20.0);
            gives(bed, HOUR, 7 * HOUR, 400.0 / 6.0);
            bed.say(HOUR + 10 * M, bolus(volume, 300.0)).say(HOUR + 11 * M, Verb::Start).bolus(HOUR + 11 * M, volume, 300.0);
        }
    };
    check("it has room", 8.0, (Pass, Pass), case(100.0));
    check("it has none", 1.5, (Fail, Pass), case(450.0));
}
