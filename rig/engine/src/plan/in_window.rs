//! What is asked of one measured window, and what a sound pump makes one expect of it.

use rig_metrology::Start;
use rig_model::bench::{Bench, Channel, FlowSensor, Instrument};
use rig_model::scenario::{Check, Rolling, WindowQuantity};
use rig_model::time::{RigTime, Span};
use rig_model::verdict::Limits;

use super::ask::{DRUG_SHOWS, answer, expected_of, flow, hidden, known_in_the_run, pressure, stated};
use super::programme::{Course, Programme, members};
use super::question::{Flow, Lever, Question, Route};
use super::{Expected, Finding, Origin, Planned, figures, range};
use crate::flow::resolved;
use crate::row;

/// Everything that is asked of one window.
pub(super) struct Window<'c, 'p> {
    pub(super) channel: &'c Channel,
    pub(super) course: &'p Course,
    pub(super) programme: &'p Programme<'p>,
}

/// What is expected of a window, and how far a pump of whole strokes may be from it.
struct Expectation {
    value: Result<Expected, String>,
    strokes: f64,
    pulse: f64,
}

pub(super) fn in_window<'c>(
    blank: Planned<'c>,
    check: &'c Check,
    quantity: WindowQuantity,
    window: &Window<'c, '_>,
    bench: &'c Bench,
) -> Planned<'c> {
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
