//! From a check, expectation or watcher to the question that its row will answer, and the finding.

use rig_metrology::{Start, k_factor_at};
use rig_model::bench::{Bench, Channel, FlowSensor, Instrument};
use rig_model::quantity::Dimension;
use rig_model::scenario::{Check, Expected as Answer, Rolling, Step, StepKind, Subject, Watch, Watched, WindowQuantity};
use rig_model::time::{RigTime, Span};
use rig_model::verdict::{Limits, Rule};

use super::programme::{Course, Programme, members};
use super::question::{Flow, Lever, Question, Route};
use super::{Expected, Finding, Origin, Planned, figures, range, remedy};
use crate::check::{MARK_HALF_WIDTH_S, TONE_HALF_WIDTH_S, flow_meter, quantity_name, resolved};
use crate::condition::seen_on;
use crate::engine::link_resolution;
use crate::row;
use crate::watch::Watcher;
use crate::window::ROLLING_EDGES;

/// Why nothing is expected of a drug.
const DRUG_SHOWS: &str = "what the photometer reads, and when, shows in the run only";

/// The name of a quantity for which the pump is asked.
fn asked_name(subject: &Subject) -> &'static str {
    crate::asked::quantity_name(subject).unwrap_or("reported")
}

fn known_in_the_run<'c>(blank: Planned<'c>, why: &str) -> Planned<'c> {
    Planned { finding: Finding::Unknown { why: why.to_owned(), passes: Limits::default() }, ..blank }
}

/// Everything that is asked of one window.
struct Window<'c, 'p> {
    channel: &'c Channel,
    course: &'p Course,
    programme: &'p Programme<'p>,
}

/// What is expected of a window, and how far a pump of whole strokes may be from it.
struct Expectation {
    value: Result<Expected, String>,
    strokes: f64,
    pulse: f64,
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

fn in_window<'c>(blank: Planned<'c>, check: &'c Check, quantity: WindowQuantity, window: &Window<'c, '_>, bench: &'c Bench) -> Planned<'c> {
    match &window.channel.instrument {
        Instrument::Pressure(_) => pressure(blank, window.channel, stated(check)),
        Instrument::Flow(sensor) => flow_asked(blank, check, quantity, sensor, window, bench),
        // Its uncertainty hangs on how long it stands still before and after, and how it drifts meanwhile.
        Instrument::Balance(_) => {
            let why = "how well the balance rests before and after the delivery shows in the run only".to_owned();
            Planned { finding: Finding::Unknown { why, passes: Limits::default() }, ..blank }
        }
        // A photometer is read beside a flow channel; windows are on that one.
        Instrument::Drug(_) | Instrument::Alarm => blank,
    }
}

fn flow_asked<'c>(
    blank: Planned<'c>,
    check: &'c Check,
    quantity: WindowQuantity,
    sensor: &'c FlowSensor,
    window: &Window<'c, '_>,
    bench: &'c Bench,
) -> Planned<'c> {
    let Window { channel, course, programme } = *window;
    let stroke = programme.stroke();
    let nothing = course.through == Ok(0.0);
    let rate = Some(course.fastest).filter(|rate| *rate > 0.0).or_else(|| nominal_rate(check, quantity, course));
    let mut finding = range::of_flow(channel, sensor, stroke, rate, nothing);
    let by_strokes = matches!(
        quantity,
        WindowQuantity::Strokes
            | WindowQuantity::VolumeIn(Rolling::Strokes(_))
            | WindowQuantity::MeanFlowIn(Rolling::Strokes(_))
            | WindowQuantity::Trumpet { window: Rolling::Strokes(_), .. }
    );
    if by_strokes && finding.is_none() && !nothing {
        finding = range::of_strokes(channel, sensor, stroke, rate);
    }
    if quantity == WindowQuantity::Strokes {
        return Planned { finding: finding.unwrap_or(Finding::Exact), ..blank };
    }
    let length = course.length.unwrap_or(course.longest);
    // What the sensor can't resolve the run will not judge.
    let row = row::of_check(row::blank(&blank.step, "", "", RigTime::ZERO, RigTime::ZERO), check, bench);
    if let Err(why) = resolved(&row, quantity, length, sensor) {
        let remedy = "take a finer sensor, or a check at a higher flow".to_owned();
        return Planned { finding: Finding::Range { why: why.to_string(), remedy }, ..blank };
    }
    if matches!(
        quantity,
        WindowQuantity::Drug | WindowQuantity::DrugIn(_) | WindowQuantity::LastConcentration | WindowQuantity::MaxConcentration
    ) {
        return finding.map_or_else(|| known_in_the_run(blank.clone(), DRUG_SHOWS), |finding| Planned { finding, ..blank.clone() });
    }
    if let Some(why) = course.swayed.as_ref().filter(|_| finding.is_none() && !nothing) {
        return known_in_the_run(blank, why);
    }
    if figures::is_figure(quantity) {
        let flow = flow(channel, sensor, length, bench, programme, rate);
        return figures::figure(blank, check, quantity, &figures::Known { course, flow, stroke, bench }, finding);
    }
    let span = match quantity {
        WindowQuantity::VolumeIn(Rolling::Every(span)) | WindowQuantity::MeanFlowIn(Rolling::Every(span)) => span,
        _ => length,
    };
    let flow = flow(channel, sensor, span, bench, programme, rate);
    let asked = expectation(check, quantity, course, &flow, stroke);
    let through = course.through.clone().ok().or_else(|| nominal_rate(check, quantity, course).map(|r| r * length.as_hours()));
    let (route, members, lever) = match route(quantity, flow, course, stroke, rate, through) {
        Ok(found) => found,
        Err(why) => return Planned { finding: finding.unwrap_or(Finding::Unknown { why, passes: Limits::default() }), ..blank },
    };
    let lever = if matches!(&asked.value, Ok(Expected { value, .. }) if *value > 0.0) { lever } else { Lever::Nothing };
    let question = Question {
        route,
        dimension: check.dimension,
        limits: check.limits,
        rule: blank.rule,
        members,
        strokes: asked.strokes,
        pulse: asked.pulse,
        lever,
    };
    answer(blank, &question, asked.value, finding)
}

/// How the value comes about, of how many it is the extreme, and what could be made longer.
fn route<'a>(
    quantity: WindowQuantity,
    flow: Flow<'a>,
    course: &Course,
    stroke: Option<(f64, f64)>,
    rate: Option<f64>,
    through: Option<f64>,
) -> Result<(Route<'a>, u64, Lever), String> {
    let pulses = through.map(|v| (v * flow.k).abs());
    // Of more windows than there can be the uncertainty is larger, never smaller.
    let family = |rolling| members(rolling, pulses.unwrap_or(1e6), stroke.zip(through).map(|((volume, _), v)| v / volume));
    let by_clock = course.length.filter(|_| course.dose.is_none()).map_or(Lever::Nothing, Lever::Window);
    Ok(match quantity {
        WindowQuantity::Volume => {
            let lever = course.dose.map_or(by_clock, |(volume, _)| Lever::Delivery(volume));
            (Route::Volume(flow), 1, lever)
        }
        WindowQuantity::ReverseVolume => (Route::Volume(flow), 1, Lever::Nothing),
        WindowQuantity::MeanFlow => (Route::MeanFlow(flow), 1, by_clock),
        WindowQuantity::VolumeIn(rolling @ Rolling::Every(span)) => {
            let flow = Flow { hidden: hidden(&flow, span, stroke, in_span(course, span, through) * flow.k), ..flow };
            (Route::Volume(flow), family(rolling), Lever::Window(span))
        }
        WindowQuantity::MeanFlowIn(rolling @ Rolling::Every(span)) => {
            let flow = Flow { hidden: hidden(&flow, span, stroke, in_span(course, span, through) * flow.k), ..flow };
            (Route::MeanFlow(flow), family(rolling), Lever::Window(span))
        }
        WindowQuantity::VolumeIn(rolling @ Rolling::Strokes(n)) => (Route::StrokesVolume(flow), family(rolling), Lever::Strokes(n)),
        WindowQuantity::MeanFlowIn(rolling @ Rolling::Strokes(n)) => {
            let pulses = f64::from(n) * stroke.map_or(1.0, |(volume, _)| volume * flow.k);
            (Route::StrokesFlow(flow, pulses.round().max(1.0)), family(rolling), Lever::Strokes(n))
        }
        WindowQuantity::MaxFlow => {
            let forward = pulses.ok_or("nobody knows how much comes through the window")?;
            (Route::MaxFlow(flow), forward.ceil() as u64, Lever::Nothing)
        }
        WindowQuantity::DeliveryTime | WindowQuantity::OnsetDelay | WindowQuantity::LastPulse => {
            let at = stroke.map(|(_, flow)| flow).or(rate).ok_or("nobody knows at which flow the pulses come")?;
            let start = if quantity == WindowQuantity::DeliveryTime { Start::Pulse } else { Start::Instant };
            (Route::PulseTime(flow, start, 3_600.0 / (flow.k * at)), 1, Lever::Nothing)
        }
        WindowQuantity::ReservoirError => {
            let through = course.through.clone().map_err(|why| format!("how much comes through the window can't be told: {why}"))?;
            (Route::ReservoirError(flow, through), 1, Lever::Nothing)
        }
        _ => {
            return Err("it is no quantity of a flow channel with a budget".to_owned());
        }
    })
}

/// The value of a sound pump: what the check states, or for a single limit what the scenario programmes.
fn expectation(check: &Check, quantity: WindowQuantity, course: &Course, flow: &Flow<'_>, stroke: Option<(f64, f64)>) -> Expectation {
    let stroke_volume = stroke.map_or(0.0, |(volume, _)| volume);
    let programmed = programmed(quantity, course);
    let value = match (stated(check), programmed) {
        (Some((nominal, Origin::Nominal)), _) => Ok(Expected { value: nominal, from: Origin::Nominal }),
        (_, Ok(programmed)) => Ok(programmed),
        (Some(middle), Err(_)) => Ok(expected_of(middle)),
        (None, Err(why)) => Err(why),
    };
    let something = !matches!(&value, Ok(Expected { value, .. }) if *value == 0.0);
    let hours = |length: Span| length.as_hours();
    let one_pulse = if something { 1.0 / flow.k } else { 0.0 };
    // Where nothing is expected of a pump that is out of sight it stands still.
    let cut = if course.cuts_strokes && (something || course.through.is_ok()) { stroke_volume } else { 0.0 };
    let (strokes, pulse) = match quantity {
        WindowQuantity::Volume => (cut, one_pulse),
        WindowQuantity::MeanFlow => (cut / hours(flow.length), one_pulse / hours(flow.length)),
        WindowQuantity::VolumeIn(Rolling::Every(_)) => (stroke_volume, one_pulse),
        WindowQuantity::MeanFlowIn(Rolling::Every(span)) => (stroke_volume / hours(span), one_pulse / hours(span)),
        WindowQuantity::VolumeIn(Rolling::Strokes(_)) => (0.0, one_pulse),
        WindowQuantity::MeanFlowIn(Rolling::Strokes(n)) => {
            let relative = stroke.map_or(0.0, |(volume, _)| one_pulse / (volume * f64::from(n)));
            (0.0, value.as_ref().map_or(0.0, |e| e.value.abs()) * relative)
        }
        // The first and the last stroke lie within the programmed time, up to one period of strokes short of it.
        WindowQuantity::DeliveryTime => match course.dose {
            Some((volume, Some(over))) => (over * (stroke_volume / volume).min(1.0), 0.0),
            _ => (0.0, 0.0),
        },
        // Account and measurement may stand on either side of a stroke.
        WindowQuantity::ReservoirError => (stroke_volume, 1.0 / flow.k),
        _ => (0.0, 0.0),
    };
    Expectation { value, strokes, pulse }
}

/// What is programmed through the window.
fn programmed(quantity: WindowQuantity, course: &Course) -> Result<Expected, String> {
    let programmed = |value| Ok(Expected { value, from: Origin::Programme });
    let steady = course.steady.ok_or_else(|| match &course.through {
        Err(why) => why.clone(),
        Ok(_) => "the rate does not stay the same in the window".to_owned(),
    });
    match quantity {
        WindowQuantity::Volume => course.through.clone().and_then(programmed),
        WindowQuantity::ReverseVolume | WindowQuantity::ReservoirError => programmed(0.0),
        WindowQuantity::MeanFlow => match course.length {
            Some(length) if length > Span::ZERO => programmed(course.through.clone()? / length.as_hours()),
            _ => Err("nobody knows how long the window is".to_owned()),
        },
        WindowQuantity::VolumeIn(Rolling::Every(span)) => programmed(steady? * span.as_hours()),
        WindowQuantity::MeanFlowIn(_) => programmed(steady?),
        _ => Err("the programme does not tell it".to_owned()),
    }
}

fn in_span(course: &Course, span: Span, through: Option<f64>) -> f64 {
    let length = course.length.unwrap_or(course.longest).as_hours();
    course.steady.map(|rate| rate * span.as_hours()).or_else(|| through.map(|v| v * (span.as_hours() / length).min(1.0))).unwrap_or(0.0)
}

/// Pulses that the bins of a very long record hide at either end of a window.
fn hidden(flow: &Flow<'_>, window: Span, stroke: Option<(f64, f64)>, pulses: f64) -> u64 {
    if pulses <= ROLLING_EDGES as f64 {
        return 0;
    }
    // A bin is 2/capacity of the window wide; a stroke puts its pulses close together.
    let bin = window.as_hours() * 2.0 / ROLLING_EDGES as f64;
    let mean = pulses / window.as_hours();
    let at = stroke.map_or(mean, |(_, rate)| (rate * flow.k).max(mean));
    (at * bin).ceil() as u64 + 1
}

/// The rate that a check states of its own.
fn nominal_rate(check: &Check, quantity: WindowQuantity, course: &Course) -> Option<f64> {
    let nominal = check.nominal.filter(|n| *n > 0.0)?;
    match quantity {
        WindowQuantity::MeanFlow | WindowQuantity::MeanFlowIn(_) => Some(nominal),
        WindowQuantity::VolumeIn(Rolling::Every(span)) => Some(nominal / span.as_hours()),
        WindowQuantity::Volume => course.length.filter(|l| *l > Span::ZERO).map(|l| nominal / l.as_hours()),
        _ => None,
    }
}

fn pressure<'c>(blank: Planned<'c>, channel: &'c Channel, stated: Option<(f64, Origin)>) -> Planned<'c> {
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

fn expected_of((value, from): (f64, Origin)) -> Expected {
    Expected { value, from }
}

fn flow<'a>(
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
