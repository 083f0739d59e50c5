//! The figures of curves, continuity, deliveries and occlusions as questions.
//!
//! Errors in % are asked as the flows and volumes that they are errors of, with the limits that the percentages come to, and told in %.

use rig_metrology::{Start, pulsatility_floor};
use rig_model::Name;
use rig_model::bench::{Bench, Channel, Instrument};
use rig_model::curve::{CurvePlan, Period, Periods, stroke_cycle};
use rig_model::quantity::{Dimension, Volume};
use rig_model::scenario::{Check, DeliveryAsked, DeliveryFigure, HourStatistic, Rolling, WindowQuantity};
use rig_model::time::Span;
use rig_model::verdict::Limits;

use super::ask::{answer, stated};
use super::programme::{Course, Programme, members};
use super::question::{Flow, Lever, Question, Route};
use super::{Expected, Finding, Origin, Planned, Remedy};
use crate::engine::link_resolution;
use crate::window::PEAK_INTERVALS;

const HOUR: Span = Span::hours(1);

/// Whether it is one of them.
pub fn is_figure(quantity: WindowQuantity) -> bool {
    matches!(
        quantity,
        WindowQuantity::Trumpet { .. }
            | WindowQuantity::WindowsWithin { .. }
            | WindowQuantity::OverallError(_)
            | WindowQuantity::HourError(_)
            | WindowQuantity::LongestGap
            | WindowQuantity::StartLatency
            | WindowQuantity::AfterRunTime
            | WindowQuantity::AfterRunVolume
            | WindowQuantity::Deliveries { .. }
    )
}

/// What is known of the window and the pump.
pub struct Known<'a> {
    pub course: &'a Course,
    pub flow: Flow<'a>,
    /// µL and µL/h.
    pub stroke: Option<(f64, f64)>,
    pub bench: &'a Bench,
}

pub fn figure<'c>(blank: Planned<'c>, check: &Check, quantity: WindowQuantity, known: &Known<'_>, finding: Option<Finding>) -> Planned<'c> {
    match quantity {
        WindowQuantity::Deliveries { figure, at_least } => match known.course.delivery {
            Some(asked) => deliveries(blank, figure, at_least, &asked, known, finding),
            None => blank,
        },
        WindowQuantity::LongestGap | WindowQuantity::StartLatency | WindowQuantity::AfterRunTime => {
            time(blank, check, quantity, known, finding)
        }
        WindowQuantity::AfterRunVolume => {
            let link_s = link_resolution(known.bench);
            let strokes = known.stroke.map_or(0.0, |(volume, _)| volume);
            let route = Route::VolumeFrom(known.flow, link_s, known.stroke.map_or(0.0, |(_, flow)| flow / 3_600.0));
            let question = Question { strokes, pulse: 1.0 / known.flow.k, ..question(route, &blank, 1, Lever::Nothing) };
            answer(blank, &question, Ok(Expected { value: 0.0, from: Origin::Programme }), finding)
        }
        _ => match &known.course.curve {
            Some(plan) => errors(blank, quantity, plan, known, finding),
            None => blank,
        },
    }
}

fn question<'a>(route: Route<'a>, blank: &Planned<'_>, members: u64, lever: Lever) -> Question<'a> {
    let dimension = blank.dimension.unwrap_or(Dimension::Count);
    Question { route, dimension, limits: blank.limits, rule: blank.rule, members, strokes: 0.0, pulse: 0.0, lever }
}

fn unknown<'c>(blank: Planned<'c>, finding: Option<Finding>, why: &str) -> Planned<'c> {
    Planned { finding: finding.unwrap_or_else(|| Finding::Unknown { why: why.to_owned(), passes: Limits::default() }), ..blank }
}

/// The errors of windows, periods and hours of a curve.
fn errors<'c>(blank: Planned<'c>, quantity: WindowQuantity, plan: &CurvePlan, known: &Known<'_>, finding: Option<Finding>) -> Planned<'c> {
    let Known { course, flow, .. } = known;
    let rate = plan.rate.0;
    let record = course.length.unwrap_or(course.longest);
    let t2 = match plan.periods {
        Periods::SecondAndLastHour => HOUR,
        Periods::StabilisationAndAnalysis => record - plan.method.excluded(),
    };
    let analysed = if plan.periods == Periods::SecondAndLastHour { record } else { t2 };
    let of = |period| match (period, plan.periods) {
        (Period::T2, _) => t2,
        (Period::T1, Periods::SecondAndLastHour) => HOUR,
        (Period::T1, Periods::StabilisationAndAnalysis) => plan.method.excluded(),
    };
    let sampled = |period: Span, window: Span| ((period.0 - window.0) / plan.method.sample().0.max(1) + 1).max(1) as u64;
    let hours = (analysed.0 / HOUR.0).max(1);
    let (window, many, lever) = match quantity {
        WindowQuantity::Trumpet { period, window: Rolling::Every(span) } => (span, sampled(of(period), span), Lever::Window(span)),
        WindowQuantity::Trumpet { period, window: Rolling::Strokes(n) } => {
            return strokes(blank, n, of(period), plan, known, finding);
        }
        WindowQuantity::OverallError(period) => (of(period), 1, Lever::Nothing),
        WindowQuantity::HourError(HourStatistic::Mean) => (Span(HOUR.0 * hours), 1, Lever::Nothing),
        WindowQuantity::HourError(HourStatistic::Max | HourStatistic::Min) => (HOUR, hours as u64, Lever::Nothing),
        _ => return unknown(blank, finding, "how many lie near the limit, and how far they are spread, shows in the run only"),
    };
    let flow = Flow { length: window, ..*flow };
    let per_hour = window.as_hours();
    let flows = Planned { limits: limits_of(blank.limits, rate), dimension: Some(Dimension::Flow), ..blank.clone() };
    let question = Question {
        strokes: cycle_of(plan, known).map_or(0.0, |cycle| rate * aside(window, cycle, blank.limits) / 100.0),
        pulse: 1.0 / flow.k / per_hour,
        ..question(Route::MeanFlow(flow), &flows, many, lever)
    };
    in_percent(answer(flows, &question, expected(course, rate), finding), blank.limits, rate)
}

fn strokes<'c>(blank: Planned<'c>, n: u32, period: Span, plan: &CurvePlan, known: &Known<'_>, finding: Option<Finding>) -> Planned<'c> {
    let Some(cycle) = cycle_of(plan, known) else { return unknown(blank, finding, "no stroke volume is stated") };
    let rate = plan.rate.0;
    let pulses = rate * cycle.as_hours() * f64::from(n) * known.flow.k;
    let many = members(Rolling::Strokes(n), 0.0, Some(period.0 as f64 / cycle.0 as f64));
    let flows = Planned { limits: limits_of(blank.limits, rate), dimension: Some(Dimension::Flow), ..blank.clone() };
    let route = Route::StrokesFlow(known.flow, pulses.round().max(1.0));
    let question = Question { pulse: rate / pulses, ..question(route, &flows, many, Lever::Strokes(n)) };
    in_percent(answer(flows, &question, expected(known.course, rate), finding), blank.limits, rate)
}

fn cycle_of(plan: &CurvePlan, known: &Known<'_>) -> Option<Span> {
    plan.stroke_cycle.or_else(|| stroke_cycle(Volume(known.stroke?.0), plan.rate))
}

/// How far, in %, windows of a perfect pump lie from its mean on the side that is limited, because they hold whole strokes only. Where strokes
/// fit the window almost exactly the least jitter puts one more or less into it.
fn aside(window: Span, cycle: Span, limits: Limits) -> f64 {
    const ALMOST: f64 = 0.05;
    let strokes = window.0 as f64 / cycle.0 as f64;
    let Some(floor) = pulsatility_floor(window, cycle).filter(|_| (strokes - strokes.round()).abs() > ALMOST) else {
        return 100.0 / strokes;
    };
    let above = limits.upper.map_or(0.0, |_| floor.max_percent);
    above.max(limits.lower.map_or(0.0, |_| -floor.min_percent))
}

/// How long one pulse takes as the run will tell it: the mean of the few intervals that its peak is taken over. A sensor that gives fewer pulses
/// in a stroke takes that over the pause between strokes.
fn pulse_time(flow: &Flow<'_>, volume: f64, at: f64, rate: Option<f64>) -> f64 {
    let intervals = f64::from(PEAK_INTERVALS);
    let pulses = volume * flow.k;
    let spacing = 3_600.0 / (flow.k * at);
    let Some(rate) = rate.filter(|rate| *rate > 0.0 && pulses > 0.0 && pulses <= intervals) else { return spacing };
    let cycle = volume / rate * 3_600.0;
    let pauses = (intervals / pulses).ceil();
    (pauses * cycle / intervals).max(spacing)
}

/// What is programmed all through the window, or else the rate that the curve states.
fn expected(course: &Course, rate: f64) -> Result<Expected, String> {
    Ok(match course.steady {
        Some(steady) => Expected { value: steady, from: Origin::Programme },
        None => Expected { value: rate, from: Origin::Nominal },
    })
}

fn time<'c>(blank: Planned<'c>, check: &Check, quantity: WindowQuantity, known: &Known<'_>, finding: Option<Finding>) -> Planned<'c> {
    let Known { course, flow, stroke, bench } = known;
    let Some(at) = stroke.map(|(_, flow)| flow).or(Some(course.fastest).filter(|rate| *rate > 0.0)) else {
        return unknown(blank, finding, "nobody knows at which flow the pulses come");
    };
    let rate = course.steady.or(course.curve.as_ref().map(|plan| plan.rate.0));
    let pulse_s = pulse_time(flow, stroke.map_or(0.0, |(volume, _)| volume), at, rate);
    let period = stroke.zip(rate).map(|((volume, _), rate)| volume / rate * 3_600.0).filter(|s| s.is_finite());
    let programmed = |value: Option<f64>| value.map(|value| Expected { value, from: Origin::Programme });
    let (route, value, many) = match quantity {
        WindowQuantity::LongestGap => {
            let pulses = course.through.clone().map_or(1e6, |v| v * flow.k).ceil() as u64 + 1;
            (Route::PulseTime(*flow, Start::Pulse, pulse_s), programmed(period), pulses)
        }
        WindowQuantity::AfterRunTime => (Route::CommandTime(*flow, pulse_s, link_resolution(bench)), programmed(Some(0.0)), 1),
        _ => (Route::CommandTime(*flow, pulse_s, link_resolution(bench)), programmed(period), 1),
    };
    let stated = stated(check).map(|(value, from)| Expected { value, from });
    let value = value.or(stated).ok_or_else(|| "nobody knows before the run when it comes".to_owned());
    answer(blank.clone(), &question(route, &blank, many, Lever::Nothing), value, finding)
}

fn deliveries<'c>(
    blank: Planned<'c>,
    figure: DeliveryFigure,
    at_least: u32,
    asked: &DeliveryAsked,
    known: &Known<'_>,
    finding: Option<Finding>,
) -> Planned<'c> {
    let Known { course, flow, stroke, bench } = known;
    let nominal = asked.volume.0;
    let many = u64::from(at_least);
    let stroke_volume = stroke.map_or(0.0, |(volume, _)| volume);
    let (route, members) = match figure {
        DeliveryFigure::MeanError => (Route::Deliveries(*flow, at_least), 1),
        DeliveryFigure::MaxError | DeliveryFigure::MinError => (Route::Volume(*flow), many),
        DeliveryFigure::AfterEndMax => {
            let route = Route::VolumeFrom(*flow, link_resolution(bench), stroke.map_or(0.0, |(_, flow)| flow / 3_600.0));
            let question = Question { strokes: stroke_volume, pulse: 1.0 / flow.k, ..question(route, &blank, many, Lever::Nothing) };
            return answer(blank, &question, Ok(Expected { value: 0.0, from: Origin::Programme }), finding);
        }
        _ => return unknown(blank, finding, "how many lie near the limit, and what comes late, shows in the run only"),
    };
    let volumes = Planned { limits: limits_of(blank.limits, nominal), dimension: Some(Dimension::Volume), ..blank.clone() };
    let lever = if figure == DeliveryFigure::MeanError { Lever::Nothing } else { Lever::Delivery(nominal) };
    let cut = if course.cuts_strokes { stroke_volume } else { 0.0 };
    let pulse = 1.0 / flow.k / if figure == DeliveryFigure::MeanError { f64::from(at_least).sqrt() } else { 1.0 };
    let question = Question { strokes: cut, pulse, ..question(route, &volumes, members, lever) };
    let value = match course.dose {
        Some((volume, _)) => Expected { value: volume, from: Origin::Programme },
        None => Expected { value: nominal, from: Origin::Nominal },
    };
    in_percent(answer(volumes, &question, Ok(value), finding), blank.limits, nominal)
}

/// From the measured stop of flow on this channel.
pub fn stop_delay<'c>(blank: Planned<'c>, check: &Check, channel: &Name, bench: &Bench, programme: &Programme<'_>) -> Planned<'c> {
    let k_factor = match bench.channel(channel).map(|c| &c.instrument) {
        Some(Instrument::Flow(sensor)) => sensor.k_factor,
        _ => return blank,
    };
    let Some((_, at)) = programme.stroke() else {
        return unknown(blank, None, "nobody knows at which flow the last pulse comes, because `[dut]` states no stroke");
    };
    let instants = vec![("last pulse", 3_600.0 / (k_factor * at)), ("alarm's report", link_resolution(bench))];
    let value = stated(check).map(|(value, from)| Expected { value, from });
    let value = value.ok_or_else(|| "nobody knows before the run when it comes".to_owned());
    let question = question(Route::Instants(instants, bench.clock_ppm), &blank, 1, Lever::Nothing);
    answer(blank.clone(), &question, value, None)
}

pub fn compliance<'c>(blank: Planned<'c>, channel: Option<&Channel>) -> Planned<'c> {
    let blank = Planned { channel: channel.map(|c| c.name.clone()), ..blank };
    unknown(blank, None, "how far the pressure falls, and what comes out, shows in the run only")
}

/// The limits of what errors in % are errors of.
fn limits_of(percent: Limits, nominal: f64) -> Limits {
    let at = |limit: f64| nominal * (1.0 + limit / 100.0);
    Limits { lower: percent.lower.map(at), upper: percent.upper.map(at) }
}

/// The same in % of the nominal value.
fn in_percent<'c>(planned: Planned<'c>, limits: Limits, nominal: f64) -> Planned<'c> {
    let percent = |x: f64| 100.0 * (x / nominal - 1.0);
    let finding = match planned.finding {
        Finding::Unknown { why, passes } => {
            Finding::Unknown { why, passes: Limits { lower: passes.lower.map(percent), upper: passes.upper.map(percent) } }
        }
        Finding::Undecidable(mut undecided) => {
            if let Remedy::Budget { from, to } = &mut undecided.remedy {
                (*from, *to) = (*from * 100.0 / nominal, *to * 100.0 / nominal);
            }
            Finding::Undecidable(undecided)
        }
        other => other,
    };
    let expected = planned.expected.map(|e| Expected { value: percent(e.value), ..e });
    let measured = planned.measured.map(|m| {
        let members = m.family.map_or(1, |family| family.members);
        m.percent_error(nominal).extreme_of(members)
    });
    Planned { finding, expected, measured, limits, dimension: Some(Dimension::Ratio), ..planned }
}
