//! From a check, expectation or watcher to the question that its row will answer, and the finding.

use rig_metrology::k_factor_at;
use rig_model::bench::{Bench, Channel, FlowSensor, Instrument};
use rig_model::quantity::Dimension;
use rig_model::scenario::{Check, Expected as Answer, Rolling, Step, StepKind, Subject, Watch, Watched};
use rig_model::time::{RigTime, Span};
use rig_model::verdict::{Limits, Rule};

use super::in_window::{Window, in_window};
use super::programme::{Course, Programme, members};
use super::question::{Flow, Lever, Question, Route};
use super::{Expected, Finding, Origin, Planned, figures, range, remedy};
use crate::check::{MARK_HALF_WIDTH_S, TONE_HALF_WIDTH_S, quantity_name};
use crate::condition::seen_on;
use crate::engine::link_resolution;
use crate::flow::flow_meter;
use crate::row;
use crate::watch::Watcher;
use crate::window::ROLLING_EDGES;

/// Why nothing is expected of a drug.
pub(super) const DRUG_SHOWS: &str = "what the photometer reads, and when, shows in the run only";

/// The name of a quantity for which the pump is asked.
fn asked_name(subject: &Subject) -> &'static str {
    crate::asked::quantity_name(subject).unwrap_or("reported")
}

pub(super) fn known_in_the_run<'c>(blank: Planned<'c>, why: &str) -> Planned<'c> {
    Planned { finding: Finding::Unknown { why: why.to_owned(), passes: Limits::default() }, ..blank }
}

/// The window that a check is about, as the programme makes one expect it.
pub fn course<'p>(check: &Check, programme: &'p Programme<'_>) -> Option<&'p Course> {
    match &check.subject {
        Subject::Window { window, .. } => programme.course(window),
        _ => None,
    }
}

pub fn check<'c>(step: &'c Step, check: &'c Check, bench: &'c Bench, programme: &Programme<'_>) -> Option<Planned<'c>> {
    let rule = row::rule_for(check.rule, bench);
    let clock = bench.clock_ppm;
    let (link, mark) = (("alarm's report", link_resolution(bench)), ("mark", MARK_HALF_WIDTH_S));
    let by_itself = |quantity, instants| {
        let blank = blank(step, quantity, Some(check.dimension), check.limits, rule);
        instants_asked(blank, Route::Instants(instants, clock), stated(check))
    };
    let exact = |quantity, dimension| Some(blank(step, quantity, dimension, check.limits, rule));
    match &check.subject {
        Subject::Window { window, quantity } => {
            let course = programme.course(window)?;
            let channel = bench.channel(&course.channel)?;
            let blank = Planned {
                channel: Some(channel.name.clone()),
                window: course.length,
                ..blank(step, quantity_name(*quantity), Some(check.dimension), check.limits, rule)
            };
            Some(in_window(blank, check, *quantity, &Window { channel, course, programme }, bench))
        }
        Subject::StopDelay { channel, .. } => {
            let blank =
                Planned { channel: Some(channel.clone()), ..blank(step, "condition_delay", Some(check.dimension), check.limits, rule) };
            Some(figures::stop_delay(blank, check, channel, bench, programme))
        }
        Subject::PressureAtAlarm { channel, .. } => {
            let blank = blank(step, "pressure_at_alarm", Some(check.dimension), check.limits, rule);
            Some(pressure(Planned { channel: Some(channel.clone()), ..blank }, bench.channel(channel)?, stated(check)))
        }
        Subject::Compliance(windows) => {
            let channel = programme.course(&windows.release).and_then(|course| bench.channel(&course.channel));
            Some(figures::compliance(blank(step, "compliance", Some(check.dimension), check.limits, rule), channel))
        }
        Subject::ConditionDelay { .. } => Some(by_itself("condition_delay", vec![mark, link])),
        Subject::SignalDelay { .. } => Some(by_itself("signal_delay", vec![link, ("first edge of the tone", TONE_HALF_WIDTH_S)])),
        Subject::Between { .. } => Some(by_itself("time", vec![("first mark", MARK_HALF_WIDTH_S), ("second mark", MARK_HALF_WIDTH_S)])),
        Subject::AlarmCount { .. } => exact("alarm_count", Some(Dimension::Count)),
        Subject::Restarts => exact("restarts", Some(Dimension::Count)),
        Subject::DisturbedFrames => exact("disturbed_frames", Some(Dimension::Count)),
        Subject::State(_) => exact("state", None),
        Subject::AlarmActive { .. } => exact("alarm", None),
        Subject::ReservoirReported => exact("reservoir", Some(Dimension::Volume)),
        Subject::ClockError => Some(known_in_the_run(
            blank(step, "clock_error", Some(check.dimension), check.limits, rule),
            "how long the pump was on by then, and how fast its link answered, shows in the run only",
        )),
        Subject::LoggedAt { .. } => Some(known_in_the_run(
            blank(step, "log_time", Some(check.dimension), check.limits, rule),
            "how fast the link answered when the pump's clock was read shows in the run only",
        )),
        Subject::TonePeriod { .. } => Some(by_itself(
            "tone_period",
            vec![("first edge of the tone before", TONE_HALF_WIDTH_S), ("first edge of the tone", TONE_HALF_WIDTH_S)],
        )),
        Subject::Mode(_) | Subject::ReadBack | Subject::ReadBackNothing | Subject::LogInOrder => exact(asked_name(&check.subject), None),
        Subject::Reported(_) | Subject::Logged { .. } | Subject::ToneCount { .. } => {
            exact(asked_name(&check.subject), Some(check.dimension))
        }
    }
}

/// Steps other than checks that give a row.
pub fn other<'c>(step: &'c Step, bench: &Bench) -> Option<Planned<'c>> {
    match &step.kind {
        // An accepted command that verifies nothing leaves no row.
        StepKind::Command { expect: Answer::Accepted, verifies, .. } if verifies.is_empty() => None,
        StepKind::Command { .. } => Some(blank(step, "answer", None, Limits::default(), Rule::default())),
        StepKind::Hold { .. } => Some(blank(step, "level", None, Limits::default(), Rule::default())),
        StepKind::Expect { what, within, .. } => {
            let limits = Limits { lower: None, upper: Some(within.as_seconds()) };
            let blank = blank(step, "delay", Some(Dimension::Time), limits, row::rule_for(None, bench));
            let alarm = bench.channels.iter().find(|c| c.instrument == Instrument::Alarm).map(|c| &c.name);
            let resolution = if seen_on(what, alarm).is_none() { link_resolution(bench) } else { 0.0 };
            let route = Route::Instants(vec![("what the link tells", resolution)], bench.clock_ppm);
            Some(instants_asked(blank, route, None))
        }
        _ => None,
    }
}

/// A watcher; one without a limit of its own counts, and is exact.
pub fn watch<'c>(watch: &'c Watch, bench: &'c Bench, programme: &Programme<'_>) -> Planned<'c> {
    let watcher = Watcher::new(watch, bench, RigTime::ZERO);
    let blank = Planned {
        step: watch.path.clone(),
        text: &watch.text,
        quantity: watcher.quantity(),
        channel: None,
        dimension: Some(watcher.dimension()),
        limits: watcher.limits(),
        rule: row::rule_for(watch.rule, bench),
        expected: None,
        window: None,
        measured: None,
        test_uncertainty_ratio: None,
        finding: Finding::Exact,
    };
    let (name, window) = match &watch.what {
        Watched::VolumeInAny { channel, window, .. } => (channel, *window),
        Watched::MaxFlow { channel, over, .. } => (channel, *over),
        Watched::MaxPressure { channel, .. } => (channel, Span::ZERO),
        Watched::DrugInAny { channel, window, .. } => {
            let blank = Planned { channel: Some(channel.clone()), window: Some(*window), ..blank };
            return known_in_the_run(blank, DRUG_SHOWS);
        }
        Watched::NoAlarm { .. } | Watched::NoReverseFlow { .. } | Watched::NoRestart | Watched::NeverState(_) => return blank,
    };
    let blank = Planned { channel: Some(name.clone()), ..blank };
    match bench.channel(name).map(|c| (c, &c.instrument)) {
        Some((channel, Instrument::Flow(sensor))) => {
            fullest_window(Planned { window: Some(window), ..blank }, channel, sensor, window, bench, programme)
        }
        Some((channel, Instrument::Pressure(_))) => pressure(blank, channel, None),
        _ => blank,
    }
}

/// The fullest of all windows of one length.
fn fullest_window<'c>(
    blank: Planned<'c>,
    channel: &'c Channel,
    sensor: &'c FlowSensor,
    window: Span,
    bench: &'c Bench,
    programme: &Programme<'_>,
) -> Planned<'c> {
    let mean = blank.dimension == Some(Dimension::Flow);
    let per = if mean { window.as_hours() } else { 1.0 };
    let (fullest, total) = match programme.fullest(window) {
        Ok((most, total)) => (Ok(most), total),
        Err(why) => (Err(why), 0.0),
    };
    let rate = fullest.as_ref().ok().filter(|v| **v > 0.0).map(|v| v / window.as_hours());
    let flow = flow(channel, sensor, window, bench, programme, rate);
    let nothing = fullest == Ok(0.0);
    let finding = range::of_flow(channel, sensor, programme.stroke(), rate, nothing);
    let stroke = programme.stroke().map_or(0.0, |(volume, _)| volume);
    let value = fullest.map(|most| Expected { value: most / per, from: Origin::Programme });
    let hidden = hidden(&flow, window, programme.stroke(), value.as_ref().map_or(0.0, |e| e.value * per) * flow.k);
    let flow = Flow { hidden, ..flow };
    let question = Question {
        route: if mean { Route::MeanFlow(flow) } else { Route::Volume(flow) },
        dimension: if mean { Dimension::Flow } else { Dimension::Volume },
        limits: blank.limits,
        rule: blank.rule,
        members: members(Rolling::Every(window), total * flow.k, None),
        strokes: if nothing { 0.0 } else { stroke / per },
        pulse: if nothing { 0.0 } else { 1.0 / flow.k / per },
        lever: if mean { Lever::Window(window) } else { Lever::Nothing },
    };
    answer(blank, &question, value, finding)
}

/// Pulses that the bins of a very long record hide at either end of a window.
pub(super) fn hidden(flow: &Flow<'_>, window: Span, stroke: Option<(f64, f64)>, pulses: f64) -> u64 {
    if pulses <= ROLLING_EDGES as f64 {
        return 0;
    }
    // A bin is 2/capacity of the window wide; a stroke puts its pulses close together.
    let bin = window.as_hours() * 2.0 / ROLLING_EDGES as f64;
    let mean = pulses / window.as_hours();
    let at = stroke.map_or(mean, |(_, rate)| (rate * flow.k).max(mean));
    (at * bin).ceil() as u64 + 1
}

pub(super) fn pressure<'c>(blank: Planned<'c>, channel: &'c Channel, stated: Option<(f64, Origin)>) -> Planned<'c> {
    let Instrument::Pressure(sensor) = &channel.instrument else { return blank };
    let value = stated.map(expected_of).ok_or_else(|| "nobody knows the pressure before the run".to_owned());
    let finding = range::of_pressure(channel, sensor, blank.limits, value.as_ref().ok().map(|e| e.value));
    // However many readings are compared, an error of resolution is bounded; more than there are cost nothing.
    let many = if blank.quantity == "max_pressure" || stated.is_none() { 1_000_000 } else { 1 };
    let question = Question {
        route: Route::Pressure(sensor, channel.certificate.as_ref().map(|c| &c.id)),
        dimension: Dimension::Pressure,
        limits: blank.limits,
        rule: blank.rule,
        members: many,
        strokes: 0.0,
        pulse: 0.0,
        lever: Lever::Nothing,
    };
    answer(blank, &question, value, finding)
}

fn instants_asked<'c>(blank: Planned<'c>, route: Route<'_>, stated: Option<(f64, Origin)>) -> Planned<'c> {
    let value = stated.map(expected_of).ok_or_else(|| "nobody knows before the run when it comes".to_owned());
    let (limits, rule) = (blank.limits, blank.rule);
    let question =
        Question { route, dimension: Dimension::Time, limits, rule, members: 1, strokes: 0.0, pulse: 0.0, lever: Lever::Nothing };
    answer(blank, &question, value, None)
}

/// The finding, with the budget that goes with it.
pub fn answer<'c>(blank: Planned<'c>, question: &Question<'_>, value: Result<Expected, String>, finding: Option<Finding>) -> Planned<'c> {
    let decided = remedy::decide(question, value);
    Planned {
        expected: decided.expected,
        measured: decided.measured,
        test_uncertainty_ratio: decided.test_uncertainty_ratio,
        finding: finding.unwrap_or(decided.finding),
        ..blank
    }
}

pub fn stated(check: &Check) -> Option<(f64, Origin)> {
    match (check.nominal, check.limits) {
        (Some(nominal), _) => Some((nominal, Origin::Nominal)),
        (None, Limits { lower: Some(lower), upper: Some(upper) }) => Some(((lower + upper) / 2.0, Origin::Middle)),
        _ => None,
    }
}

pub(super) fn expected_of((value, from): (f64, Origin)) -> Expected {
    Expected { value, from }
}

pub(super) fn flow<'a>(
    channel: &'a Channel,
    sensor: &'a FlowSensor,
    length: Span,
    bench: &'a Bench,
    programme: &Programme<'_>,
    rate: Option<f64>,
) -> Flow<'a> {
    let meter = flow_meter(bench, &channel.name, sensor);
    let at = programme.stroke().map(|(_, flow)| flow).or(rate);
    let k = at.and_then(|at| k_factor_at(&sensor.curve, at)).unwrap_or(sensor.k_factor);
    Flow { meter, k, length, hidden: 0 }
}

fn blank<'c>(step: &'c Step, quantity: &'static str, dimension: Option<Dimension>, limits: Limits, rule: Rule) -> Planned<'c> {
    Planned {
        step: step.path.clone(),
        text: &step.text,
        quantity,
        channel: None,
        dimension,
        limits,
        rule,
        expected: None,
        window: None,
        measured: None,
        test_uncertainty_ratio: None,
        finding: Finding::Exact,
    }
}
