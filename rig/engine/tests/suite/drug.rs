//! Drug through a flow channel: pulses times what the photometer reads, and what of it is known.

use rig_engine::Memory;
use rig_model::dut::Outcome;
use rig_model::quantity::Mass;
use rig_model::scenario::WindowQuantity::{Drug, DrugIn, LastConcentration, MaxConcentration};
use rig_model::scenario::*;
use rig_model::time::Span;
use rig_model::verdict::Reason::*;
use rig_model::verdict::Verdict::{self, *};

use crate::desk::*;

const MINUTE: Span = Span::minutes(1);

fn begin(case: &Case) -> Desk {
    Desk::begin_on(bench_with_photometer(), case, Memory::default(), |_| Some(Outcome::Accepted))
}

/// A window of two minutes, and a check of it.
fn window(quantity: WindowQuantity, lower: Option<f64>, upper: Option<f64>) -> Case {
    let in_every = if let DrugIn(span) = quantity { vec![span] } else { vec![] };
    let measure = measure_drug(Until::Elapsed(MINUTE + MINUTE), &in_every);
    case([StepKind::Wait(Span::seconds(10)), measure, check(of_window(quantity), lower, upper)])
}

/// 50 strokes of 12 pulses, 60 µL, in 100 s; 1 mg/mL at first, 2 mg/mL from the 25th on.
fn deliver(desk: &mut Desk) {
    desk.photometer(s(1), 1_000.0);
    for n in 0..50 {
        match n {
            25 => drop(desk.photometer(s(12 + 2 * n), 2_000.0)),
            n if n % 20 == 0 => drop(desk.photometer(s(12 + 2 * n), if n < 25 { 1_000.0 } else { 2_000.0 })),
            _ => {}
        }
        desk.stroke(ms(12_100 + 2_000 * n));
    }
}

fn played(quantity: WindowQuantity, lower: f64, upper: f64) -> Desk {
    let mut desk = begin(&window(quantity, Some(lower), Some(upper)));
    deliver(&mut desk);
    desk.end();
    desk
}

fn value(desk: &Desk) -> (String, Option<f64>, Option<f64>) {
    let rows = desk.rows();
    let row = rows.iter().find(|r| &*r.step == "steps.3").unwrap();
    (row.quantity.clone(), row.value, row.expanded_uncertainty)
}

#[test]
fn drug_is_volume_times_what_the_photometer_read() {
    // 25 strokes of 1.2 µL at 1 mg/mL and 25 at 2 mg/mL: 30 + 60 µg; of those between the reading of 1 and that of 2 the middle is taken.
    let sound = played(Drug, 80.0, 110.0);
    let (quantity, drug, u) = value(&sound);
    assert_eq!((sound.of("steps.3"), &*quantity), (vec![(Pass, WithinLimits)], "drug"));
    assert!(drug.is_some_and(|d| (d - 93.0).abs() < 0.1), "four strokes came between the readings: {drug:?}");
    assert!(u.is_some_and(|u| (3.0..6.0).contains(&u)), "{u:?}");
    let budget: Vec<String> = sound.rows()[0].budget.iter().map(|c| c.name.to_string()).collect();
    assert_eq!(budget, ["counting", "K-factor", "photometer", "between readings"]);
    assert_eq!(played(Drug, 120.0, 130.0).of("steps.3"), [(Fail, BeyondLimits)]);
    assert_eq!(played(Drug, 80.0, 93.5).of("steps.3"), [(Inconclusive, Undecidable)]);
}

#[test]
fn without_a_reading_no_drug_is_known() {
    let mut never = begin(&window(Drug, None, Some(1_000.0)));
    never.stroke(s(20));
    assert_eq!(never.end().of("steps.3"), [(Error, NoData)]);

    let mut late = begin(&window(Drug, None, Some(1_000.0)));
    late.stroke(s(20)).photometer(s(30), 1_000.0).stroke(s(40));
    assert_eq!(late.end().of("steps.3"), [(Error, NoData)], "what came before the first reading is not known");

    let mut no_flow = begin(&window(Drug, None, Some(1_000.0)));
    no_flow.photometer(s(1), 1_000.0);
    assert_eq!(no_flow.end().of("steps.3"), [(Error, ChannelNotAlive)], "a flow sensor that never lived");

    let mut desk = Desk::begin(&window(Drug, None, Some(1_000.0)));
    desk.stroke(s(20));
    assert_eq!(desk.end().of("steps.3"), [(Error, NoData)], "a bench without a photometer");
}

#[test]
fn a_photometer_that_fell_silent_hides_what_came_then() {
    let long = case([measure_drug(Until::Elapsed(Span::minutes(9)), &[]), check(of_window(Drug), None, Some(1_000.0))]);
    for (last, expected) in [(s(10), (Error, NoData)), (s(360), (Pass, WithinLimits))] {
        let mut desk = begin(&long);
        desk.photometer(s(1), 1_000.0).photometer(last, 1_000.0).stroke(s(400));
        assert_eq!(desk.end().of("steps.2"), [expected], "last reading at {last:?}");
    }
}

#[test]
fn bad_or_lost_readings_are_no_drug() {
    for bad in [f64::NAN, f64::INFINITY, -30.0, 20_000.0] {
        let mut desk = begin(&window(Drug, None, Some(1_000.0)));
        desk.photometer(s(1), 1_000.0).photometer(s(20), bad).stroke(s(30));
        assert_eq!(desk.end().of("steps.3"), [(Error, OutOfRange)], "{bad}");
    }
    let mut desk = begin(&window(Drug, None, Some(1_000.0)));
    desk.photometer(s(1), 1_000.0).lose(s(20), Some(PHOTOMETER)).stroke(s(30));
    assert_eq!(desk.end().of("steps.3"), [(Error, DataLost)]);
}

#[test]
fn lost_pulses_prove_only_too_much() {
    for (upper, expected) in [(10.0, (Fail, BeyondLimits)), (1_000.0, (Error, DataLost))] {
        let mut desk = begin(&window(Drug, None, Some(upper)));
        deliver(&mut desk);
        desk.lose(s(115), Some(TIP));
        assert_eq!(desk.end().of("steps.3"), [expected], "{upper}");
    }
}

#[test]
fn concentrations_of_a_window() {
    let last = played(LastConcentration, 1_900.0, 2_100.0);
    assert_eq!((last.of("steps.3"), value(&last).0, value(&last).1), (vec![(Pass, WithinLimits)], "concentration".into(), Some(2_000.0)));
    assert_eq!(played(LastConcentration, 900.0, 1_100.0).of("steps.3"), [(Fail, BeyondLimits)]);
    assert_eq!(played(LastConcentration, 1_900.0, 2_010.0).of("steps.3"), [(Inconclusive, Undecidable)]);
    let most = played(MaxConcentration, 0.0, 2_200.0);
    assert_eq!((most.of("steps.3"), value(&most).0), (vec![(Pass, WithinLimits)], "max_concentration".into()));
    assert_eq!(played(MaxConcentration, 0.0, 1_500.0).of("steps.3"), [(Fail, BeyondLimits)]);
    assert_eq!(played(MaxConcentration, 0.0, 2_010.0).of("steps.3"), [(Inconclusive, Undecidable)]);
    let mut never = begin(&window(LastConcentration, None, Some(1_000.0)));
    never.stroke(s(20));
    assert_eq!(never.end().of("steps.3"), [(Error, ChannelNotAlive)]);
}

#[test]
fn the_reading_before_the_window_still_holds() {
    let mut desk = begin(&window(LastConcentration, Some(900.0), Some(1_100.0)));
    desk.photometer(s(5), 1_000.0).stroke(s(20));
    assert_eq!(desk.end().of("steps.3"), [(Pass, WithinLimits)]);
}

#[test]
fn a_concentration_of_long_ago_is_none() {
    let asked = |quantity| {
        case([
            StepKind::Wait(Span::seconds(10)),
            measure_drug(Until::Elapsed(Span::minutes(8)), &[]),
            check(of_window(quantity), None, Some(1_100.0)),
        ])
    };
    for (last, quantity, expected) in [
        (s(311), LastConcentration, (Pass, WithinLimits)),
        (s(309), LastConcentration, (Error, NoData)),
        (s(311), MaxConcentration, (Pass, WithinLimits)),
        (s(309), MaxConcentration, (Error, NoData)),
    ] {
        let mut desk = begin(&asked(quantity));
        desk.photometer(s(5), 1_000.0).stroke(s(20)).photometer(last, 1_000.0);
        assert_eq!(desk.end().of("steps.3"), [expected], "{quantity:?} {last:?}");
    }
    // What was too much stays so.
    let mut desk = begin(&asked(MaxConcentration));
    desk.photometer(s(5), 2_000.0).stroke(s(20));
    assert_eq!(desk.end().of("steps.3"), [(Fail, BeyondLimits)]);
}

#[test]
fn extremes_of_drug_in_windows() {
    // 20 s hold ten strokes: 12 µg at first, 24 µg later, none in the last seconds.
    let ten = DrugIn(Span::seconds(20));
    for (lower, upper, expected) in [
        (None, Some(30.0), vec![(Pass, WithinLimits)]),
        (None, Some(15.0), vec![(Fail, BeyondLimits)]),
        (None, Some(24.5), vec![(Inconclusive, Undecidable)]),
        (Some(11.0), None, vec![(Fail, BeyondLimits)]),
        (Some(-1.0), Some(30.0), vec![(Pass, WithinLimits), (Pass, WithinLimits)]),
    ] {
        let mut desk = begin(&window(ten, lower, upper));
        deliver(&mut desk);
        assert_eq!(desk.end().of("steps.3"), expected, "{lower:?} {upper:?}");
    }
    let mut desk = begin(&window(DrugIn(Span::minutes(3)), None, Some(1_000.0)));
    deliver(&mut desk);
    assert_eq!(desk.end().of("steps.3"), [(Error, NoData)], "longer than what was measured");
}

fn watching(at_most: f64) -> Case {
    let what = Watched::DrugInAny { channel: TIP.into(), window: Span::seconds(20), at_most: Mass(at_most) };
    watched(case([StepKind::Wait(Span::minutes(2)), check(Subject::State(rig_model::dut::PumpState::Stopped), None, None)]), what)
}

#[test]
fn a_watcher_sees_the_fullest_window_of_drug() {
    let verdicts: [(f64, (Verdict, rig_model::verdict::Reason)); 3] =
        [(30.0, (Pass, WithinLimits)), (15.0, (Fail, BeyondLimits)), (24.5, (Inconclusive, Undecidable))];
    for (at_most, expected) in verdicts {
        let mut desk = begin(&watching(at_most));
        deliver(&mut desk);
        assert_eq!(desk.end().of("watch.1"), [expected], "{at_most}");
    }
}

#[test]
fn a_watcher_of_drug_needs_both_its_channels() {
    let mut no_readings = begin(&watching(30.0));
    no_readings.stroke(s(20));
    assert_eq!(no_readings.end().of("watch.1"), [(Error, ChannelNotAlive)]);
    let mut no_pulses = begin(&watching(30.0));
    no_pulses.photometer(s(1), 1_000.0);
    assert_eq!(no_pulses.end().of("watch.1"), [(Error, ChannelNotAlive)]);
    let mut late = begin(&watching(30.0));
    late.stroke(s(20)).photometer(s(30), 1_000.0);
    assert_eq!(late.end().of("watch.1"), [(Error, NoData)]);
    let mut bad = begin(&watching(30.0));
    bad.photometer(s(1), 1_000.0).photometer(s(2), f64::NAN).stroke(s(20));
    assert_eq!(bad.end().of("watch.1"), [(Error, OutOfRange)]);
    for (channel, at_most, expected) in
        [(PHOTOMETER, 30.0, (Error, DataLost)), (TIP, 30.0, (Error, DataLost)), (TIP, 15.0, (Fail, BeyondLimits))]
    {
        let mut lost = begin(&watching(at_most));
        deliver(&mut lost);
        lost.lose(s(115), Some(channel));
        assert_eq!(lost.end().of("watch.1"), [expected], "{channel} {at_most}");
    }
    let mut without = Desk::begin(&watching(30.0));
    without.stroke(s(20));
    assert_eq!(without.end().of("watch.1"), [(Error, NoData)]);
}
