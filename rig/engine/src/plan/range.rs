//! Whether a sensor measures at all at the flow or pressure that is to be expected.

use rig_metrology::k_factor_at;
use rig_model::bench::{Channel, FlowSensor, PressureSensor};
use rig_model::quantity::{Flow, Pressure};
use rig_model::time::Span;
use rig_model::verdict::Limits;

use super::Finding;
use crate::window::NEAR_SATURATION;

/// The instantaneous flow against the range of the K-factor: that of a stroke where the bench states it (`stroke`: µL, µL/h), else the
/// mean rate. `nothing`: the pump stands still, and there is no flow to be measured.
pub fn of_flow(channel: &Channel, sensor: &FlowSensor, stroke: Option<(f64, f64)>, rate: Option<f64>, nothing: bool) -> Option<Finding> {
    if nothing {
        return None;
    }
    let (at, whose) = match (stroke, rate) {
        (Some((_, flow)), _) => (flow, "within a stroke the flow is"),
        (None, Some(rate)) => (rate, "the mean flow (`[dut]` states no stroke, in which it is faster) is"),
        (None, None) => return None,
    };
    let name = &channel.name;
    let (low, high) = valid(sensor);
    let near = sensor.max_flow * NEAR_SATURATION;
    let outside = at >= near || at < low || at > high || (!sensor.curve.points().is_empty() && k_factor_at(&sensor.curve, at).is_none());
    let why = if at >= near && at <= high {
        format!("{whose} {}, and {name} is taken to be saturated from {} on", Flow(at), Flow(near))
    } else {
        format!("{whose} {}, and {name} is valid from {} to {}", Flow(at), Flow(low), Flow(high))
    };
    let remedy = if at < low {
        format!("take a sensor for {name} that is valid at {}, or program a faster rate", Flow(at))
    } else {
        format!("take a sensor for {name} that is valid up to {} or more", Flow(at / NEAR_SATURATION))
    };
    outside.then_some(Finding::Range { why, remedy })
}

fn valid(sensor: &FlowSensor) -> (f64, f64) {
    let points = sensor.curve.points();
    let low = points.first().map_or(sensor.min_flow, |p| p.flow.max(sensor.min_flow));
    (low, points.last().map_or(sensor.max_flow, |p| p.flow.min(sensor.max_flow)))
}

/// Whether strokes can be told apart by their pulses: at least one pulse in each, close together inside, and a pause between.
pub fn of_strokes(channel: &Channel, sensor: &FlowSensor, stroke: Option<(f64, f64)>, rate: Option<f64>) -> Option<Finding> {
    let (volume, flow) = stroke?;
    let name = &channel.name;
    let pulses = volume * sensor.k_factor;
    let duration = volume / flow * 3_600.0;
    let spacing = duration / pulses;
    let gap = sensor.stroke_gap.as_seconds();
    let s = Span::from_seconds;
    if pulses < 1.0 {
        let why = format!("{name} gives {pulses:.2} pulses in a stroke: it can't tell strokes");
        return Some(Finding::Range {
            why,
            remedy: "take a sensor with at least one pulse for each stroke, or windows by time".to_owned(),
        });
    }
    if spacing > gap {
        let why = format!(
            "inside a stroke {name} gives a pulse every {}, and a pause longer than {} separates two strokes",
            s(spacing),
            sensor.stroke_gap
        );
        return Some(Finding::Range { why, remedy: format!("`stroke_gap` of {name} must be longer than {}", s(spacing)) });
    }
    let pause = volume / rate? * 3_600.0 - duration;
    (pause <= gap).then(|| {
        let why = format!(
            "at this rate {} lie between two strokes, and only a pause longer than {} separates them",
            s(pause.max(0.0)),
            sensor.stroke_gap
        );
        let remedy = format!("`stroke_gap` of {name} must lie between {} and {}, or take windows by time", s(spacing), s(pause.max(0.0)));
        Finding::Range { why, remedy }
    })
}

/// The limits and the expected value against the range of a pressure sensor.
pub fn of_pressure(channel: &Channel, sensor: &PressureSensor, limits: Limits, expected: Option<f64>) -> Option<Finding> {
    let range = sensor.min.0..=sensor.max.0;
    let outside = [("limit", limits.lower), ("limit", limits.upper), ("expected value", expected)]
        .into_iter()
        .find_map(|(what, value)| value.filter(|v| !range.contains(v)).map(|v| (what, v)))?;
    let (what, value) = outside;
    let why = format!(
        "the {what} of {} is not within what {} reads, {} to {}: a pressure there is no measurement",
        Pressure(value),
        channel.name,
        sensor.min,
        sensor.max
    );
    Some(Finding::Range { why, remedy: format!("take a sensor for {} that reads {}", channel.name, Pressure(value)) })
}
