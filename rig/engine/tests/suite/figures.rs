//! Curves, continuity, deliveries and occlusions: judged on what was measured, and never on what was not.

use rig_engine::{Effect, Stimulus};
use rig_model::curve::{CurvePlan, CustomMethod, Method, Period, Periods};
use rig_model::dut::{Alarm, DutReport, Outcome, Verb};
use rig_model::event::{Event, Figure};
use rig_model::input::Sense;
use rig_model::quantity::{Flow, Volume};
use rig_model::scenario::*;
use rig_model::time::{RigTime, Span};
use rig_model::verdict::Reason::{self, *};
use rig_model::verdict::Verdict::{self, *};

use crate::desk::*;

const TWO_MINUTES: Span = Span::minutes(2);

/// Strokes of 1.2 µL are due every 10 s.
fn plan() -> CurvePlan {
    let custom = CustomMethod { sample: Span::seconds(10), windows: vec![Span::seconds(10), Span::minutes(1)], excluded: Span::ZERO };
    let (method, periods) = (Method::Custom(custom), Periods::StabilisationAndAnalysis);
    CurvePlan { method, periods, rate: Flow(432.0), within_percent: 15.0, stroke_cycle: Some(Span::seconds(10)) }
}

/// A window `w` of this plan, in which the pump is started and stopped.
fn curve(length: Span) -> StepKind {
    let during = [command(Verb::Start), StepKind::Wait(Span::seconds(110)), command(Verb::Stop)];
    let StepKind::Measure(mut window) = measure(TIP, Until::Elapsed(length), during) else { panic!() };
    window.curve = Some(Box::new(CurveAsked { plan: plan(), strokes: vec![3] }));
    StepKind::Measure(window)
}

const MINUTE: Rolling = Rolling::Every(Span::minutes(1));
const TRUMPET: WindowQuantity = WindowQuantity::Trumpet { period: Period::T2, window: MINUTE };
const BY_STROKES: WindowQuantity = WindowQuantity::Trumpet { period: Period::T2, window: Rolling::Strokes(3) };
const WITHIN: WindowQuantity = WindowQuantity::WindowsWithin { period: Period::T2, window: MINUTE };
const OVERALL: WindowQuantity = WindowQuantity::OverallError(Period::T2);
const HOURS: WindowQuantity = WindowQuantity::HourError(HourStatistic::Mean);

/// What is asked of a good pump: quantity, limits.
const ASKED: [(WindowQuantity, Option<f64>, Option<f64>); 8] = [
    (TRUMPET, Some(-15.0), Some(15.0)),
    (BY_STROKES, Some(-15.0), Some(15.0)),
    (WITHIN, Some(80.0), None),
    (OVERALL, Some(-15.0), Some(15.0)),
    (WindowQuantity::LongestGap, None, Some(11.0)),
    (WindowQuantity::StartLatency, None, Some(6.0)),
    (WindowQuantity::AfterRunTime, None, Some(6.0)),
    (WindowQuantity::AfterRunVolume, None, Some(2.0)),
];

fn of(quantity: WindowQuantity, lower: Option<f64>, upper: Option<f64>) -> StepKind {
    check(of_window(quantity), lower, upper)
}

fn asking(window: StepKind) -> Case {
    let checks = ASKED.into_iter().map(|(quantity, lower, upper)| of(quantity, lower, upper));
    case(std::iter::once(window).chain(checks))
}

/// Strokes at 5 s, 15 s … 115 s: the last one after the stop.
fn strokes(desk: &mut Desk) {
    for n in 0..12 {
        desk.stroke(s(5 + 10 * n));
    }
}

fn told(desk: &Desk) -> Vec<Figure> {
    let figures = desk.events().filter_map(|(_, e)| if let Event::Figures(told) = e { Some(told.figures.clone()) } else { None });
    figures.flatten().collect()
}

fn figure(desk: &Desk, name: &str) -> Figure {
    told(desk).into_iter().find(|f| f.name == name).unwrap_or_else(|| panic!("no figure {name}: {:#?}", told(desk)))
}

fn verdicts(desk: &Desk) -> Vec<(Verdict, Reason)> {
    (2..2 + ASKED.len()).flat_map(|n| desk.of(&format!("steps.{n}"))).collect()
}

#[test]
fn a_good_pump_passes_with_its_numbers() {
    let mut desk = Desk::begin(&asking(curve(TWO_MINUTES)));
    strokes(&mut desk);
    desk.end();
    assert!(verdicts(&desk).iter().all(|v| *v == (Pass, WithinLimits)), "{:#?}", desk.rows());
    // Both extremes of both families, and six more.
    assert_eq!(desk.rows().len(), 10);
    let value = |step: &str| desk.rows().into_iter().find(|r| &*r.step == step).unwrap().value.unwrap();
    let close = |got: f64, expected: f64| assert!((got - expected).abs() < 1e-9, "{got} is not {expected}");
    close(value("steps.2"), 0.0);
    close(value("steps.5"), 0.0);
    close(value("steps.6"), 10.0 - 0.44);
    close(value("steps.7"), 5.0);
    close(value("steps.8"), 5.44);
    close(value("steps.9"), 1.2);
    close(figure(&desk, "overall_error_b").value.unwrap(), 0.0);
    close(figure(&desk, "longest_gap_in_strokes").value.unwrap(), 0.956);
    assert!(figure(&desk, "overall_error_b").expanded_uncertainty.unwrap() > 0.5, "the K-factor's at the least");
    let curves: Vec<_> = desk.events().filter(|(_, e)| matches!(e, Event::Curves(_))).collect();
    let (_, Event::Curves(curves)) = curves[0] else { panic!() };
    assert_eq!((curves.curves.start_up.len(), curves.curves.trumpets[0].points.len()), (12, 2));
    assert!(curves.curves.trumpets[0].strokes.iter().any(|p| p.strokes == 3));
    for row in desk.rows() {
        assert!(row.expanded_uncertainty.is_some() && !row.budget.is_empty(), "{row:#?}");
    }
}

#[test]
fn nothing_never_passes() {
    // A sensor that was never alive blames and acquits nobody, whatever is asked.
    let mut dead = Desk::begin(&asking(curve(TWO_MINUTES)));
    dead.end();
    assert!(verdicts(&dead).iter().all(|(v, _)| *v == Error), "{:#?}", verdicts(&dead));
    // A living one shows that nothing came: that the pump stopped at once is all that passes.
    let mut alive = Desk::begin(&{
        let mut case = asking(curve(TWO_MINUTES));
        case.steps.push(steps("later", [StepKind::Wait(Span::seconds(10))]).remove(0));
        case
    });
    alive.stroke(s(125)).end();
    let gap_and_latency = [(Fail, BeyondLimits), (Fail, BeyondLimits)];
    let expected = [(Pass, WithinLimits), (Fail, BeyondLimits), (Error, ChannelNotAlive), (Fail, BeyondLimits), (Fail, BeyondLimits)]
        .into_iter()
        .chain(gap_and_latency)
        .chain([(Pass, WithinLimits), (Pass, WithinLimits)])
        .collect::<Vec<_>>();
    assert_eq!(verdicts(&alive), expected);
}

#[test]
fn an_hour_that_is_not_whole_has_no_statistics() {
    let mut desk = Desk::begin(&case([curve(TWO_MINUTES), of(HOURS, Some(-1_000.0), Some(1_000.0))]));
    strokes(&mut desk);
    assert_eq!(desk.end().of("steps.2"), [(Error, NoData)]);
}

#[test]
fn a_record_that_is_too_short_is_an_error() {
    // The scenario was read with a deadline that would have been long enough.
    let mut desk = Desk::begin(&case([curve(Span::seconds(111)), of(TRUMPET, None, Some(1_000.0)), of(OVERALL, None, Some(1_000.0))]));
    strokes(&mut desk);
    desk.end();
    assert_eq!(desk.of("steps.2"), [(Pass, WithinLimits)], "eleven whole samples hold a minute");
    let mut plan = plan();
    if let Method::Custom(custom) = &mut plan.method {
        custom.excluded = Span::minutes(2);
    }
    let StepKind::Measure(mut window) = curve(TWO_MINUTES) else { panic!() };
    window.curve = Some(Box::new(CurveAsked { plan, strokes: vec![] }));
    let mut desk = Desk::begin(&case([StepKind::Measure(window), of(TRUMPET, None, Some(1_000.0)), of(OVERALL, None, Some(1_000.0))]));
    strokes(&mut desk);
    desk.end();
    assert_eq!((desk.of("steps.2"), desk.of("steps.3")), (vec![(Error, NoData)], vec![(Error, NoData)]));
    assert!(figure(&desk, "overall_error_b").note.contains("nothing of it is left to analyse"), "{:#?}", told(&desk));
}

#[test]
fn lost_data_are_an_error_unless_what_came_proves_fail() {
    let (most, least) = (Some(-99.0), Some(-1_000.0));
    for (quantity, lower, upper, expected) in [
        (TRUMPET, None, most, (Fail, BeyondLimits)),
        (TRUMPET, least, None, (Error, DataLost)),
        (TRUMPET, None, Some(1_000.0), (Error, DataLost)),
        (OVERALL, None, most, (Fail, BeyondLimits)),
        (OVERALL, least, None, (Error, DataLost)),
        (WITHIN, Some(0.0), None, (Error, DataLost)),
        (WindowQuantity::LongestGap, None, Some(1.0), (Error, DataLost)),
        (WindowQuantity::LongestGap, None, Some(1_000.0), (Error, DataLost)),
        (WindowQuantity::StartLatency, None, Some(1_000.0), (Error, DataLost)),
        (WindowQuantity::AfterRunTime, None, Some(1_000.0), (Error, DataLost)),
        (WindowQuantity::AfterRunVolume, None, Some(0.1), (Fail, BeyondLimits)),
        (WindowQuantity::AfterRunVolume, None, Some(1_000.0), (Error, DataLost)),
    ] {
        let mut desk = Desk::begin(&case([curve(TWO_MINUTES), of(quantity, lower, upper)]));
        strokes(&mut desk);
        desk.lose(s(116), Some(TIP)).end();
        assert_eq!(desk.of("steps.2"), [expected], "{quantity:?} {lower:?} {upper:?}");
        assert!(told(&desk).iter().all(|f| f.value.is_none() && f.note.contains("lost")), "{:#?}", told(&desk));
        assert!(!desk.events().any(|(_, e)| matches!(e, Event::Curves(_))));
    }
}

#[test]
fn a_window_that_was_cut_off_shows_nothing() {
    let mut desk = Desk::begin(&asking(curve(TWO_MINUTES)));
    desk.stroke(s(5)).abort(s(60)).end();
    assert!(verdicts(&desk).iter().all(|v| *v == (Skipped, NotReached)), "{:#?}", verdicts(&desk));
    assert!(told(&desk).iter().all(|f| f.value.is_none() && f.note.contains("cut off")), "{:#?}", told(&desk));
}

#[test]
fn a_command_that_was_sent_twice_was_taken_nobody_knows_when() {
    let mut desk =
        Desk::begin_with(&asking(curve(TWO_MINUTES)), Default::default(), |verb| (*verb != Verb::Start).then_some(Outcome::Accepted));
    let id = desk.said.iter().find_map(|(_, e)| match e {
        Effect::Command { id, verb: Verb::Start } => Some(*id),
        _ => None,
    });
    let answered = Stimulus::Ended { id: id.unwrap(), verb: &Verb::Start, outcome: &Outcome::Accepted, transmissions: 2 };
    desk.tell(s(1), answered);
    strokes(&mut desk);
    desk.end();
    assert_eq!(desk.of("steps.7"), [(Error, NoData)]);
    let row = desk.rows().into_iter().find(|r| &*r.step == "steps.7").unwrap();
    assert!(row.reason.contains("sent 2 times"), "{}", row.reason);
    assert_eq!(desk.of("steps.8"), [(Pass, WithinLimits)], "the stop was sent once");
}

const DOSE: DeliveryAsked = DeliveryAsked { volume: Volume(2.4), over: Span::seconds(6), within_percent: 15.0 };

/// Deliveries of two strokes each, every 20 s; the figure is judged behind them.
fn deliveries(rounds: u32, checks: impl IntoIterator<Item = StepKind>) -> Case {
    let window = measure(TIP, Until::Elapsed(Span::seconds(20)), [command(Verb::Start)]);
    let StepKind::Measure(mut window) = window else { panic!() };
    window.delivery = Some(DOSE);
    let repeat = StepKind::Repeat { times: rounds, steps: steps("round", [StepKind::Measure(window)]) };
    case(std::iter::once(repeat).chain(checks))
}

fn figure_of(figure: DeliveryFigure, at_least: u32, lower: Option<f64>, upper: Option<f64>) -> StepKind {
    of(WindowQuantity::Deliveries { figure, at_least }, lower, upper)
}

fn doses(desk: &mut Desk, rounds: i64) {
    for n in 0..rounds {
        desk.stroke(s(20 * n + 1)).stroke(s(20 * n + 7));
    }
}

#[test]
fn deliveries_are_judged_together() {
    use DeliveryFigure::*;
    let checks = [
        figure_of(MeanError, 4, Some(-5.0), Some(5.0)),
        figure_of(MaxError, 4, None, Some(10.0)),
        figure_of(MinError, 4, Some(-10.0), None),
        figure_of(DeliveryFigure::Within, 4, Some(90.0), None),
        // The second stroke comes after the nominal end, 6 s after the start.
        figure_of(AfterEndMax, 4, Some(1.0), Some(1.4)),
        figure_of(AfterEndMean, 4, Some(1.0), Some(1.4)),
        figure_of(AfterEndMax, 4, None, Some(1.0)),
    ];
    let mut desk = Desk::begin(&deliveries(4, checks));
    doses(&mut desk, 4);
    desk.end();
    let got: Vec<_> = (2..=8).map(|n| desk.of(&format!("steps.{n}"))[0].0).collect();
    assert_eq!(got, [Pass, Pass, Pass, Pass, Pass, Pass, Fail], "{:#?}", desk.rows());
    let [mean, most] = [0, 1].map(|n| desk.rows()[n].clone());
    assert!((mean.value.unwrap(), mean.n) == (0.0, Some(4)) && mean.family.is_none());
    assert!(mean.expanded_uncertainty < most.expanded_uncertainty, "counting averages out over four");
    assert!(mean.expanded_uncertainty.unwrap() > 0.5, "the K-factor does not");
    assert_eq!(most.family.unwrap().members, 4);
    let told = told(&desk);
    let of = |name: &str| told.iter().filter(|f| f.name == name).collect::<Vec<_>>();
    assert_eq!(of("deliveries_mean_error").len(), 1, "told once, however many checks there are");
    assert_eq!((of("deliveries_sd")[0].value, of("deliveries_after_end_max")[0].value), (Some(0.0), Some(1.2)));
}

#[test]
fn fewer_deliveries_than_asked_for_are_no_figure() {
    let anything = |figure| figure_of(figure, 5, Some(-1e9), Some(1e9));
    let figures = [DeliveryFigure::MeanError, DeliveryFigure::Within, DeliveryFigure::AfterEndMax];
    let mut desk = Desk::begin(&deliveries(4, figures.map(anything)));
    doses(&mut desk, 4);
    desk.end();
    for n in 2..=4 {
        assert_eq!(desk.of(&format!("steps.{n}")), [(Error, NoData)]);
    }
    // None came, from a sensor that was never alive.
    let mut dead = Desk::begin(&deliveries(5, [anything(DeliveryFigure::MeanError)]));
    assert_eq!(dead.end().of("steps.2"), [(Error, ChannelNotAlive)]);
}

#[test]
fn one_delivery_that_lacks_data_spoils_the_figure_of_all() {
    for (upper, expected) in [(Some(-50.0), (Fail, BeyondLimits)), (Some(50.0), (Error, DataLost))] {
        let mut desk = Desk::begin(&deliveries(3, [figure_of(DeliveryFigure::MaxError, 3, None, upper)]));
        desk.stroke(s(1)).stroke(s(7)).stroke(s(21)).stroke(s(27)).lose(s(29), Some(TIP)).stroke(s(41)).stroke(s(47)).end();
        assert_eq!(desk.of("steps.2"), [expected]);
    }
    // Noticed a round later: the channel's last edge lies in the delivery before.
    let mut desk = Desk::begin(&deliveries(2, [figure_of(DeliveryFigure::MeanError, 2, None, Some(50.0))]));
    desk.stroke(s(1)).stroke(s(7)).lose(s(21), Some(TIP)).stroke(s(22)).stroke(s(28)).end();
    let row = desk.rows()[0];
    assert!((row.verdict, row.reason_code) == (Error, DataLost) && row.reason.starts_with("delivery 1: "), "{row:#?}");
}

const HOUR: Span = Span::hours(1);

fn stop_delay(upper: f64) -> StepKind {
    check(Subject::StopDelay { alarm: Alarm::Occlusion, channel: TIP.into() }, None, Some(upper))
}

fn at_alarm(lower: f64, upper: f64) -> StepKind {
    let not_older_than = Span::seconds(10);
    check(Subject::PressureAtAlarm { alarm: Alarm::Occlusion, channel: LINE.into(), not_older_than }, Some(lower), Some(upper))
}

/// Two strokes, at 1 s and 11 s; then nothing, and the alarm at 60 s.
fn occluded(desk: &mut Desk) {
    desk.stroke(s(1)).stroke(s(11));
    desk.reading(s(55), 68.0).reading(s(58), 70.0).report(s(60), DutReport::AlarmOn(Alarm::Occlusion));
}

#[test]
fn the_condition_delay_counts_from_the_measured_stop_of_flow() {
    for (upper, expected) in [(49.0, Pass), (48.0, Fail)] {
        let mut desk = Desk::begin(&case([StepKind::Wait(Span::minutes(2)), stop_delay(upper)]));
        occluded(&mut desk);
        // What the release lets out comes later and changes nothing.
        desk.stroke(s(70)).end();
        assert_eq!(desk.of("steps.2")[0].0, expected);
        // The last pulse of the second stroke came at 11.44 s.
        assert!((desk.rows()[0].value.unwrap() - 48.56).abs() < 1e-9);
        assert_eq!(figure(&desk, "condition_delay").method, "from the measured stop of flow");
    }
}

#[test]
fn without_flow_nothing_stops_and_without_alarm_nothing_ends_the_delay() {
    let judge = |play: fn(&mut Desk)| {
        let mut desk = Desk::begin(&case([StepKind::Wait(Span::minutes(2)), stop_delay(1e6), at_alarm(-1e6, 1e6)]));
        play(&mut desk);
        desk.end();
        (desk.of("steps.2")[0], desk.of("steps.3")[0])
    };
    let alarm = |desk: &mut Desk| _ = desk.report(s(60), DutReport::AlarmOn(Alarm::Occlusion));
    assert_eq!(judge(alarm), ((Error, NoData), (Error, NoData)));
    assert_eq!(judge(|d| _ = d.stroke(s(1)).reading(s(59), 70.0)), ((Fail, NotObserved), (Fail, NotObserved)));
    let lost = |desk: &mut Desk| {
        desk.stroke(s(1)).lose(s(30), None).reading(s(56), 69.0).reading(s(59), 70.0).report(s(60), DutReport::AlarmOn(Alarm::Occlusion));
    };
    assert_eq!(judge(lost), ((Error, DataLost), (Pass, WithinLimits)), "what was lost half a minute before is no reading at the alarm");
    let at_once = |desk: &mut Desk| {
        desk.stroke(s(1)).reading(s(59), 70.0).report(s(60), DutReport::AlarmOn(Alarm::Occlusion)).lose(s(61), None);
    };
    assert_eq!(judge(at_once), ((Error, DataLost), (Error, DataLost)));
}

#[test]
fn the_pressure_at_the_alarm_is_the_last_reading_before_it() {
    let judge = |play: &dyn Fn(&mut Desk)| {
        let mut desk = Desk::begin(&case([StepKind::Wait(Span::minutes(2)), at_alarm(60.0, 85.0)]));
        play(&mut desk);
        desk.end();
        let row = desk.rows()[0].clone();
        (row.verdict, row.reason_code, row.value, row.expanded_uncertainty)
    };
    // 2 kPa in 3 s, and 2 s old: it may have risen by another 1.33 kPa. With ±0.5 kPa of the sensor: 2·√(0.25² + 1.333²/3).
    let (verdict, _, value, u) = judge(&|d| occluded(d));
    assert_eq!((verdict, value), (Pass, Some(70.0)));
    assert!((u.unwrap() - 1.618_755_809_370_385).abs() < 1e-9, "{u:?}");
    let alarm = |d: &mut Desk, at: RigTime| _ = d.report(at, DutReport::AlarmOn(Alarm::Occlusion));
    // At the same instant the link is heard first.
    let same = judge(&|d| {
        d.reading(s(50), 20.0);
        alarm(d, s(60));
        d.reading(s(60), 70.0).reading(s(61), 20.0);
    });
    assert_eq!((same.0, same.2), (Pass, Some(70.0)));
    let old = judge(&|d| {
        d.reading(s(49), 70.0);
        alarm(d, s(60));
        d.reading(s(61), 70.0);
    });
    assert_eq!((old.0, old.1), (Error, NoData));
    for bad in [f64::NAN, f64::INFINITY, 400.0] {
        let none = judge(&|d| {
            d.reading(s(55), 70.0).reading(s(58), bad);
            alarm(d, s(60));
        });
        assert_eq!((none.0, none.1), (Error, OutOfRange), "{bad}");
    }
}

fn named(name: &str, channel: &str, until: Until, during: Vec<StepKind>) -> StepKind {
    let StepKind::Measure(mut window) = measure(channel, until, during) else { panic!() };
    window.name = name.into();
    StepKind::Measure(window)
}

/// A release of 10 s in a window of pressure that begins 5 s before it and ends 5 s after it.
fn release(gauge: &str, flow: &str) -> StepKind {
    let release = named(flow, TIP, Until::Elapsed(Span::seconds(10)), vec![]);
    let wait = || StepKind::Wait(Span::seconds(5));
    named(gauge, LINE, Until::StepsDone, vec![wait(), release, wait()])
}

fn compliance(lower: f64, upper: f64) -> Case {
    let name = |n: &str| n.into();
    let windows =
        ComplianceWindows { release: name("release"), pressure: name("hold"), blank: name("blank"), blank_pressure: name("blank_hold") };
    let judged = check(Subject::Compliance(Box::new(windows)), Some(lower), Some(upper));
    let mut case = case([release("blank_hold", "blank"), release("hold", "release"), judged]);
    case.time_limit = HOUR;
    case
}

#[test]
fn the_compliance_is_that_of_the_release_less_that_of_the_blank() {
    for (upper, expected) in [(0.06, Pass), (0.03, Fail)] {
        let mut desk = Desk::begin(&compliance(0.01, upper));
        // 1.2 µL from 61 to 1 kPa: 0.02 µL/kPa; then 3.6 µL from 61 to 1 kPa: 0.06.
        desk.reading(s(1), 61.0).stroke(s(6)).reading(s(18), 1.0);
        desk.reading(s(21), 61.0).stroke(s(26)).stroke(s(28)).stroke(s(30)).reading(s(38), 1.0).end();
        assert_eq!(desk.of("steps.3")[0].0, expected, "{:#?}", desk.rows());
        let row = desk.rows()[0];
        assert!((row.value.unwrap() - 0.04).abs() < 1e-12);
        assert!(row.budget.iter().any(|c| c.name == "blank: K-factor") && row.budget.iter().any(|c| c.name.starts_with("pressure: ")));
    }
}

#[test]
fn a_release_without_its_readings_has_no_compliance() {
    type Play<'a> = (&'a str, fn(&mut Desk), (Verdict, Reason));
    let plays: [Play<'_>; 6] = [
        ("no reading before", |d| _ = d.reading(s(27), 61.0).stroke(s(28)).reading(s(38), 1.0), (Error, NoData)),
        ("no reading after", |d| _ = d.reading(s(21), 61.0).stroke(s(28)), (Error, NoData)),
        ("no fall", |d| _ = d.reading(s(21), 1.2).stroke(s(28)).reading(s(38), 1.0), (Error, NoData)),
        ("no number", |d| _ = d.reading(s(21), 61.0).stroke(s(28)).reading(s(38), f64::NAN), (Error, OutOfRange)),
        ("lost", |d| _ = d.reading(s(21), 61.0).stroke(s(28)).lose(s(29), Some(TIP)).reading(s(38), 1.0), (Error, DataLost)),
        ("readings lost", |d| _ = d.reading(s(21), 61.0).stroke(s(28)).lose(s(29), Some(LINE)).reading(s(38), 1.0), (Error, DataLost)),
    ];
    for (what, play, expected) in plays {
        let mut desk = Desk::begin(&compliance(-1e9, 1e9));
        desk.reading(s(1), 61.0).stroke(s(6)).reading(s(18), 1.0);
        play(&mut desk);
        desk.end();
        assert_eq!(desk.of("steps.3"), [expected], "{what}: {:#?}", desk.rows());
    }
    let mut dead = Desk::begin(&compliance(-1e9, 1e9));
    dead.reading(s(1), 61.0).reading(s(18), 1.0).reading(s(21), 61.0).reading(s(38), 1.0);
    assert_eq!(dead.end().of("steps.3"), [(Error, ChannelNotAlive)], "an empty blank from a sensor that was never alive");
}

#[test]
fn reverse_pulses_are_no_delivery() {
    let mut desk = Desk::begin(&case([curve(TWO_MINUTES), of(WindowQuantity::LongestGap, None, Some(11.0))]));
    desk.stroke(s(5)).edges(TIP, Sense::Reverse, (1..11).map(|n| s(10 * n))).end();
    assert_eq!(desk.of("steps.2"), [(Fail, BeyondLimits)]);
    assert_eq!(figure(&desk, "reverse_volume").value, Some(1.0));
}

/// What a bench with strokes of 1.2 µL in half a second says of the checks before the run, the last ones first.
fn planned(steps: impl IntoIterator<Item = StepKind>) -> Vec<rig_engine::Finding> {
    let mut bench = bench();
    bench.dut.stroke = Some(rig_model::bench::Stroke { volume: Volume(1.2), duration: Span::milliseconds(500) });
    let mut case = case(steps);
    case.given.factory_reset = true;
    rig_engine::plan(&case, &bench).into_iter().map(|p| p.finding).collect()
}

#[test]
fn what_can_not_be_decided_is_said_before_the_run() {
    use rig_engine::Finding;
    let basal = command(Verb::ProgramBasal { rate: Flow(432.0) });
    let checks = [
        // A stroke more or less is ±16.7 % of a minute.
        of(TRUMPET, Some(-15.0), Some(15.0)),
        of(TRUMPET, Some(-25.0), Some(25.0)),
        of(BY_STROKES, Some(-10.0), Some(10.0)),
        of(WITHIN, Some(80.0), None),
        of(WindowQuantity::LongestGap, None, Some(10.0)),
        of(WindowQuantity::LongestGap, None, Some(11.0)),
    ];
    let found = planned([basal, curve(TWO_MINUTES)].into_iter().chain(checks));
    let short: Vec<&str> = found.iter().map(Finding::name).collect();
    assert_eq!(short, ["undecidable", "decidable", "decidable", "unknown", "undecidable", "decidable"], "{found:#?}");
    let program = || command(Verb::ProgramBolus { volume: Volume(2.4), over: Span::seconds(6) });
    let one = |figure, limit| {
        let mut case = deliveries(4, [figure_of(figure, 4, None, Some(limit))]);
        let StepKind::Repeat { steps, .. } = &mut case.steps[0].kind else { panic!() };
        steps.insert(0, self::steps("program", [program()]).remove(0));
        let found = planned(case.steps.into_iter().map(|s| s.kind));
        found.last().unwrap().name()
    };
    // One pulse is 4.2 % of 2.4 µL, and 2.1 % of the mean of four.
    assert_eq!(one(DeliveryFigure::MaxError, 6.0), "undecidable");
    assert_eq!(one(DeliveryFigure::MeanError, 6.0), "decidable");
}

#[test]
fn a_pressure_that_was_held_long_ago_is_not_what_was_released() {
    for (read, expected) in [(14, (Error, NoData)), (15, (Pass, WithinLimits))] {
        let mut case = compliance(-1e9, 1e9);
        let StepKind::Measure(hold) = &mut case.steps[1].kind else { panic!() };
        hold.during[0].kind = StepKind::Wait(Span::seconds(15));
        let mut desk = Desk::begin(&case);
        desk.reading(s(1), 61.0).stroke(s(6)).reading(s(18), 1.0);
        // The hold is opened at 20 s and its release at 35 s.
        desk.reading(s(10 + read), 61.0).stroke(s(36)).reading(s(48), 1.0).end();
        assert_eq!(desk.of("steps.3"), [expected], "{:#?}", desk.rows());
    }
}

#[test]
fn a_window_within_in_which_more_flows_back_than_forth_is_below_zero() {
    for quantity in
        [WindowQuantity::VolumeIn(Rolling::Every(Span::seconds(2))), WindowQuantity::MeanFlowIn(Rolling::Every(Span::seconds(2)))]
    {
        let case = case([measure(TIP, Until::Elapsed(Span::seconds(60)), []), check(of_window(quantity), Some(0.0), None)]);
        let mut desk = Desk::begin(&case);
        desk.edges(TIP, Sense::Forward, (1..41).map(|n| ms(100 * n)))
            .edges(TIP, Sense::Reverse, (1..41).map(|n| ms(30_000 + 100 * n)))
            .end();
        assert_eq!(desk.of("steps.2"), [(Fail, BeyondLimits)], "{quantity:?}");
        assert!(desk.rows().iter().any(|row| row.value.is_some_and(|value| value < 0.0)), "{quantity:?}");
    }
}
