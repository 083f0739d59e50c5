//! What is planned before a run: each finding once, and remedies that are held against their own advice.

use rig_engine::{Finding, How, Improvement, Origin, Planned, Remedy, Undecided, Weak, plan};
use rig_model::bench::{Bench, FlowSensor, Instrument, KCurve, KPoint, Stroke};
use rig_model::dut::{Alarm, PumpState, Verb};
use rig_model::quantity::{Concentration, Dimension, Flow, Mass, Pressure, Volume};
use rig_model::scenario::*;
use rig_model::time::Span;
use rig_model::verdict::{DecisionRule, Limits, Rule, StatedBy};

use crate::desk::{self, LINE, TIP, case, command, expect, watched};

/// Of 10 pulses/µL and 0.5 %, with a pump of 1 µL strokes in half a second.
fn bench() -> Bench {
    let mut bench = desk::bench();
    bench.dut.stroke = Some(Stroke { volume: Volume(1.0), duration: Span::milliseconds(500) });
    bench
}

fn with_sensor(change: impl Fn(&mut FlowSensor)) -> Bench {
    let mut bench = bench();
    for channel in &mut bench.channels {
        if let Instrument::Flow(sensor) = &mut channel.instrument {
            change(sensor);
        }
    }
    bench
}

fn window(on: &str, until: Until, during: impl IntoIterator<Item = StepKind>) -> StepKind {
    let during = desk::steps("during", during);
    StepKind::Measure(Measure {
        name: "w".into(),
        channel: on.into(),
        during,
        until,
        rolling: Vec::new(),
        drug: None,
        curve: None,
        delivery: None,
    })
}

fn over(span: Span) -> StepKind {
    window(TIP, Until::Elapsed(span), [])
}

/// Until the pump has stopped by itself.
fn delivered() -> StepKind {
    let until = Until::Condition {
        what: Some(Condition::State(PumpState::Stopped)),
        then_quiet_for: Some(Span::seconds(10)),
        within: Span::hours(1),
    };
    window(TIP, until, [command(Verb::Start)])
}

fn bolus(volume: f64, over: Span) -> [StepKind; 2] {
    [command(Verb::ProgramBolus { volume: Volume(volume), over }), delivered()]
}

fn basal(rate: f64) -> [StepKind; 2] {
    [command(Verb::ProgramBasal { rate: Flow(rate) }), command(Verb::Start)]
}

fn of(quantity: WindowQuantity, dimension: Dimension, nominal: Option<f64>, lower: Option<f64>, upper: Option<f64>) -> StepKind {
    let subject = Subject::Window { window: "w".into(), quantity };
    let limits = Limits { lower, upper };
    StepKind::Check(Box::new(Check { subject, dimension, limits, nominal, rule: None, verifies: Vec::new() }))
}

fn volume_is(nominal: f64, percent: f64) -> StepKind {
    let room = nominal * percent / 100.0;
    of(WindowQuantity::Volume, Dimension::Volume, Some(nominal), Some(nominal - room), Some(nominal + room))
}

fn flow_is(nominal: f64, percent: f64) -> StepKind {
    let room = nominal * percent / 100.0;
    of(WindowQuantity::MeanFlow, Dimension::Flow, Some(nominal), Some(nominal - room), Some(nominal + room))
}

fn at_most(upper: f64) -> StepKind {
    of(WindowQuantity::Volume, Dimension::Volume, None, None, Some(upper))
}

fn known(steps: impl IntoIterator<Item = StepKind>) -> Case {
    let mut case = case(steps);
    case.given.factory_reset = true;
    case
}

/// The finding of the last check of these steps.
fn last(steps: impl IntoIterator<Item = StepKind>, bench: &Bench) -> Finding {
    let case = known(steps);
    plan(&case, bench).last().expect("a check").finding.clone()
}

#[track_caller]
fn remedy(finding: &Finding) -> Remedy {
    match finding {
        Finding::Undecidable(Undecided { remedy, .. }) => remedy.clone(),
        other => panic!("not undecidable: {other:?}"),
    }
}

fn decidable(finding: &Finding) -> bool {
    matches!(finding, Finding::Decidable { .. })
}

#[track_caller]
fn range(finding: &Finding, words: &str) {
    match finding {
        Finding::Range { why, .. } => assert!(why.contains(words), "{why}"),
        other => panic!("in range: {other:?}"),
    }
}

#[test]
fn whole_strokes_need_a_longer_window_and_no_longer_one_than_told() {
    let asked = |span| last(basal(20.0).into_iter().chain([over(span), flow_is(20.0, 5.0)]), &bench());
    let finding = asked(Span::hours(1));
    let Finding::Undecidable(Undecided { weak, remedy: Remedy::Window { was, at_least } }) = finding else { panic!("{finding:?}") };
    assert_eq!((weak, was), (Weak::WholeStrokes, Span::hours(1)));
    assert!(at_least > was && decidable(&asked(at_least)), "{at_least}");
    assert!(!decidable(&asked(at_least - Span::minutes(15))), "{at_least} is more than it takes");
}

#[test]
fn a_delivery_that_is_too_small() {
    let asked = |volume: f64, bench: &Bench| last(bolus(volume, Span::seconds(10)).into_iter().chain([volume_is(volume, 5.0)]), bench);
    let Remedy::Delivery { volume, deliveries } = remedy(&asked(1.0, &bench())) else { panic!() };
    assert!(decidable(&asked(volume, &bench())) && !decidable(&asked(volume * 0.9, &bench())), "{volume}");
    // In % of 1 µL: √(0.5² + 8.165²/n) + 10/√n ≤ 5, that is 1/√n ≤ 0.2722 and n ≥ 13.5.
    assert_eq!(deliveries, Some(14));
    // A K-factor errs in all deliveries alike. With 4.5 % n would have to be 429; if it averaged out, 15 would do.
    let common = |percent| remedy(&asked(1.0, &with_sensor(|s| s.k_uncertainty_percent = Some(percent))));
    assert!(matches!(common(4.5), Remedy::Delivery { deliveries: None, .. }), "{:?}", common(4.5));
    assert!(!matches!(common(8.0), Remedy::Delivery { .. }), "{:?}", common(8.0));
}

#[test]
fn what_no_length_helps_is_a_component() {
    let asked = |percent| {
        let bench = with_sensor(|s| s.k_uncertainty_percent = Some(percent));
        last(basal(20.0).into_iter().chain([over(Span::hours(72)), flow_is(20.0, 5.0)]), &bench)
    };
    let Remedy::Component(Improvement { component, from, to, unit, how }) = remedy(&asked(6.0)) else { panic!() };
    assert_eq!((&*component, from, &*unit, how), ("K-factor", 6.0, "%", How::Expanded));
    assert!(decidable(&asked(to)) && !decidable(&asked(to + 0.1)), "{to}");
}

#[test]
fn a_sensor_that_counts_too_coarsely() {
    // Nothing flows; ± 1/√6 pulse, k = 2, is 0.082 µL at 10 pulses/µL.
    let asked = |k: f64| last([over(Span::minutes(1)), at_most(0.05)], &with_sensor(|s| s.k_factor = k));
    let Remedy::Component(Improvement { component, to, how, .. }) = remedy(&asked(10.0)) else { panic!() };
    assert_eq!((&*component, to, how), ("counting", 17.0, How::More));
    assert!(decidable(&asked(17.0)) && !decidable(&asked(16.0)));
}

#[test]
fn limits_without_room() {
    let finding = last(basal(20.0).into_iter().chain([over(Span::hours(24)), at_most(480.0)]), &bench());
    assert_eq!(finding, Finding::Undecidable(Undecided { weak: Weak::Limits, remedy: Remedy::None }));
}

#[test]
fn the_expected_value_of_one_limit_is_what_is_programmed() {
    let case = known(basal(20.0).into_iter().chain([over(Span::hours(10)), at_most(210.0)]));
    let bench = bench();
    let planned = plan(&case, &bench);
    let Planned { expected: Some(expected), window, test_uncertainty_ratio, .. } = planned.last().unwrap() else { panic!() };
    assert!((expected.value - 200.0).abs() < 1e-9 && expected.from == Origin::Programme, "{expected:?}");
    assert_eq!(*window, Some(Span::hours(10)));
    // 10 µL of room over 2 √(0.0408² + 0.5²) µL.
    assert!((test_uncertainty_ratio.unwrap() - 10.0 / 1.003_3).abs() < 0.01, "{test_uncertainty_ratio:?}");
}

#[test]
fn what_cannot_be_known() {
    let unknown = |steps: Vec<StepKind>| match last(steps, &bench()) {
        Finding::Unknown { why, .. } => why,
        other => panic!("{other:?}"),
    };
    let air = StepKind::Plant(rig_model::input::PlantChange::AirBubble { volume: Volume(1.0) });
    let steps = basal(20.0).into_iter().chain([air, over(Span::hours(10)), at_most(210.0)]).collect();
    assert!(unknown(steps).contains("changes the plumbing"));
    assert!(unknown(vec![expect(Condition::Alarm(Alarm::Occlusion), Span::seconds(2))]).contains("when it comes"));
    // A limit that not even nothing is surely below needs no expected value.
    let at_once = last([expect(Condition::Alarm(Alarm::Occlusion), Span::milliseconds(5))], &bench());
    assert!(matches!(remedy(&at_once), Remedy::Component(_)), "{at_once:?}");
    // Without a factory reset the pump may do what an earlier scenario programmed.
    let case = case([over(Span::hours(10)), at_most(210.0)]);
    assert!(matches!(plan(&case, &bench()).last().unwrap().finding, Finding::Unknown { .. }));
}

#[test]
fn sensors_beyond_their_range() {
    let asked = |bench: &Bench| last(bolus(20.0, Span::seconds(20)).into_iter().chain([volume_is(20.0, 5.0)]), bench);
    range(&asked(&with_sensor(|s| s.max_flow = 7_000.0)), "valid from 0 µL/h to 7000 µL/h");
    range(&asked(&with_sensor(|s| s.max_flow = 7_900.0)), "taken to be saturated from 7110 µL/h");
    range(&asked(&with_sensor(|s| s.min_flow = 8_000.0)), "within a stroke the flow is 7200 µL/h");
    let points = [(100.0, 9.0), (5_000.0, 10.0)].map(|(flow, k_factor)| KPoint { flow, k_factor });
    range(&asked(&with_sensor(|s| s.curve = KCurve::new(&points).unwrap())), "valid from 100 µL/h to 5000 µL/h");
    // Without a stroke only the mean is known, 3,600 µL/h here; and where nothing flows nothing is out of range.
    let no_stroke = |max| {
        let mut bench = with_sensor(|s| s.max_flow = max);
        bench.dut.stroke = None;
        bench
    };
    range(&asked(&no_stroke(3_000.0)), "states no stroke");
    assert!(decidable(&asked(&no_stroke(7_000.0))));
    assert!(decidable(&last([over(Span::minutes(1)), at_most(0.5)], &with_sensor(|s| s.max_flow = 10.0))));
}

#[test]
fn strokes_that_can_not_be_told_apart() {
    let in_strokes = WindowQuantity::MeanFlowIn(Rolling::Strokes(20));
    let asked = |rate: f64, bench: &Bench| {
        let check = of(in_strokes, Dimension::Flow, Some(rate), Some(rate * 0.9), Some(rate * 1.1));
        last(basal(rate).into_iter().chain([over(Span::hours(24)), check]), bench)
    };
    assert!(decidable(&asked(20.0, &bench())));
    range(&asked(20.0, &with_sensor(|s| s.k_factor = 0.5)), "0.50 pulses in a stroke");
    range(&asked(20.0, &with_sensor(|s| s.stroke_gap = Span::milliseconds(40))), "a pulse every 50 ms");
    range(&asked(4_000.0, &bench()), "400 ms lie between two strokes");
}

#[test]
fn pressure_and_thermal_sensors() {
    let pressure = |upper, bench: &Bench| {
        let check = of(WindowQuantity::MaxPressure, Dimension::Pressure, Some(70.0), Some(60.0), Some(upper));
        last([window(LINE, Until::Elapsed(Span::minutes(1)), []), check], bench)
    };
    assert!(decidable(&pressure(80.0, &bench())));
    range(&pressure(400.0, &bench()), "limit of 400 kPa");
    let mut silent = bench();
    if let Instrument::Pressure(sensor) = &mut silent.channels[2].instrument {
        sensor.uncertainty = None;
    }
    assert_eq!(pressure(80.0, &silent), Finding::Unstated { component: "pressure sensor".into() });
    if let Instrument::Pressure(sensor) = &mut silent.channels[2].instrument {
        sensor.uncertainty = Some(Pressure(20.0));
    }
    assert!(matches!(remedy(&pressure(80.0, &silent)), Remedy::Component(Improvement { how: How::Expanded, .. })));
    let thermal = with_sensor(|s| s.resolution = 6.0);
    let asked = |rate: f64| last(basal(rate).into_iter().chain([over(Span::hours(24)), flow_is(rate, 5.0)]), &thermal);
    range(&asked(20.0), "in steps of 6 µL/h");
    assert!(decidable(&asked(4_000.0)));
}

#[test]
fn uncertainties_that_nobody_states() {
    let silent = with_sensor(|s| s.k_uncertainty_percent = None);
    let asked = |rule: Option<Rule>, bench: &Bench| {
        let mut check = volume_is(20.0, 5.0);
        if let StepKind::Check(check) = &mut check {
            check.rule = rule;
        }
        last(bolus(20.0, Span::seconds(20)).into_iter().chain([check]), bench)
    };
    assert_eq!(asked(None, &silent), Finding::Unstated { component: "K-factor".into() });
    assert!(decidable(&asked(Some(DecisionRule::Simple.into()), &silent)), "which does not ask for it");
    let by_bench = Bench { rule: Some(Rule { stated_by: StatedBy::Bench, ..DecisionRule::Simple.into() }), ..silent };
    assert!(decidable(&asked(None, &by_bench)), "the bench's rule is the check's where it has none");
}

#[test]
fn counts_and_states_are_exact() {
    let check = |subject| {
        let limits = Limits { lower: Some(1.0), upper: Some(1.0) };
        StepKind::Check(Box::new(Check { subject, dimension: Dimension::Count, limits, nominal: None, rule: None, verifies: Vec::new() }))
    };
    for subject in [Subject::Restarts, Subject::State(PumpState::Stopped), Subject::AlarmCount { alarm: Alarm::Occlusion }] {
        assert_eq!(last([check(subject)], &bench()), Finding::Exact);
    }
    assert_eq!(last([desk::hold(Condition::NoAlarm, Span::seconds(1))], &bench()), Finding::Exact);
    assert!(plan(&case(basal(20.0)), &bench()).is_empty(), "an accepted command that verifies nothing has no row");
}

/// SOURCES 2.4 as the project plays it: the fullest day is one of 500 µL of basal and six boluses of 100 µL.
#[test]
fn the_fullest_of_many_windows_is_found() {
    let bolus = |volume| command(Verb::ProgramBolus { volume: Volume(volume), over: Span::minutes(2) });
    let rest = |hours| StepKind::Wait(Span::hours(hours));
    let round = [StepKind::Wait(Span::hours(2)), bolus(100.0), command(Verb::Start), StepKind::Wait(Span::minutes(90))];
    let mut steps = vec![bolus(200.0), command(Verb::Start), rest(10)];
    steps.extend([bolus(100.0), command(Verb::Start), rest(14)]);
    steps.extend([command(Verb::ProgramBasal { rate: Flow(500.0 / 24.0) }), command(Verb::Start)]);
    steps.push(StepKind::Repeat { times: 6, steps: desk::steps("round", round) });
    steps.push(rest(4));
    let day = |at_most| Watched::VolumeInAny { channel: TIP.into(), window: Span::hours(24), at_most: Volume(at_most) };
    let case = watched(known(steps), day(1_160.0));
    let bench = bench();
    let watch = plan(&case, &bench).pop().unwrap();
    // Six rounds of 3.5 h and 4 h more: 24 h take all six boluses in, with the basal rate all through.
    assert!((watch.expected.unwrap().value - 1_100.0).abs() < 1e-6, "{:?}", watch.expected);
    assert!(decidable(&watch.finding));
    let tight = watched(Case { watch: Vec::new(), ..case.clone() }, day(1_101.0));
    assert!(matches!(plan(&tight, &bench).pop().unwrap().finding, Finding::Undecidable(_)));
}

#[test]
fn a_repeat_is_told_once_and_one_without_end_is_left() {
    let round = [over(Span::hours(24)), flow_is(20.0, 5.0)];
    let times = |times| StepKind::Repeat { times, steps: desk::steps("round", round.clone()) };
    let day = Watched::VolumeInAny { channel: TIP.into(), window: Span::hours(24), at_most: Volume(500.0) };
    for (rounds, known_to_the_end) in [(3, true), (100_000, false)] {
        let steps = basal(20.0).into_iter().chain([times(rounds), over(Span::hours(1)), at_most(30.0)]);
        let case = watched(known(steps), day.clone());
        let bench = bench();
        let planned = plan(&case, &bench);
        assert_eq!(planned.len(), 3, "{planned:#?}");
        assert!(decidable(&planned[0].finding));
        assert_eq!(planned[1..].iter().all(|p| decidable(&p.finding)), known_to_the_end, "{planned:#?}");
    }
}

fn planned_volume(steps: Vec<StepKind>) -> Option<f64> {
    let case = known(steps.into_iter().chain([delivered(), at_most(1e6)]));
    plan(&case, &bench()).last().and_then(|p| p.expected).filter(|e| e.from == Origin::Programme).map(|e| e.value)
}

#[test]
fn doses_in_mass_are_laid_out_by_their_concentration() {
    let of = |concentration| command(Verb::ProgramConcentration { concentration: Concentration(concentration) });
    let dose = || command(Verb::ProgramBolusDose { dose: Mass(200.0), over: Span::minutes(2) });
    let confirm = || command(Verb::Confirm);
    assert_eq!(planned_volume(vec![of(1_000.0), dose(), confirm()]), Some(200.0));
    assert_eq!(planned_volume(vec![of(500.0), confirm(), dose(), confirm()]), Some(400.0));
    assert_eq!(planned_volume(vec![dose(), confirm()]), None, "nobody knows of what");
    let wait = StepKind::Wait(Span::minutes(11));
    assert_eq!(planned_volume(vec![of(1_000.0), dose(), wait]), None, "a pump may have forgotten it");
}

#[test]
fn what_was_programmed_before_a_refill_with_another_drug_is_not_laid_out() {
    let of = |concentration| command(Verb::ProgramConcentration { concentration: Concentration(concentration) });
    let bolus = || command(Verb::ProgramBolus { volume: Volume(200.0), over: Span::minutes(2) });
    let confirm = || command(Verb::Confirm);
    let refilled = |concentration| {
        let (withdrawn, filled) = (Volume(1_000.0), Volume(20_000.0));
        command(Verb::EndRefill { withdrawn, filled, concentration: Some(Concentration(concentration)) })
    };
    assert_eq!(planned_volume(vec![of(1_000.0), confirm(), bolus(), refilled(1_000.0)]), Some(200.0));
    assert_eq!(planned_volume(vec![of(1_000.0), confirm(), bolus(), refilled(2_000.0)]), None);
}

#[test]
fn what_a_therapy_makes_of_a_window_is_known_only_in_the_run() {
    for verb in [Verb::PatientBolus, Verb::Discard, Verb::ProgramLimit { volume: Volume(100.0), in_any: Span::hours(1) }] {
        let steps = basal(1_000.0).into_iter().chain([command(verb.clone()), over(Span::hours(1)), at_most(1e6)]);
        assert!(matches!(last(steps, &bench()), Finding::Unknown { .. }), "{verb}");
    }
    for quantity in [WindowQuantity::Drug, WindowQuantity::MaxConcentration] {
        let check = of(quantity, Dimension::Mass, None, None, Some(1e6));
        let steps = basal(1_000.0).into_iter().chain([over(Span::hours(1)), check]);
        assert!(matches!(last(steps, &bench()), Finding::Unknown { .. }), "{quantity:?}");
    }
    // The pump stands still from the beginning of the session on.
    let refill = [command(Verb::BeginRefill), StepKind::Wait(Span::seconds(10)), over(Span::hours(1)), at_most(1.0)];
    let steps = basal(1_000.0).into_iter().chain(refill);
    assert!(matches!(last(steps, &bench()), Finding::Decidable { .. }));
}
