//! Rows of windows on a flow channel: volumes, flows, times of pulses, extremes of windows within.

use rig_metrology::{Extremes, FlowMeter, Gate, Measured, Start, StrokeWindow, TooCoarse, certain, hidden_in_bins, resolves};
use rig_model::bench::{Bench, FlowSensor};
use rig_model::quantity::Flow;
use rig_model::scenario::{Rolling, WindowQuantity};
use rig_model::time::{RigTime, Span};
use rig_model::verdict::{CheckRow, Limits, Reason, Verdict};

use crate::engine::Engine;
use crate::row;
use crate::window::{Family, FlowData, Window};

/// The sensor of a window, with what its budgets need of the bench.
pub fn meter<'e>(engine: &'e Engine, window: &Window, flow: &'e FlowData) -> FlowMeter<'e> {
    flow_meter(&engine.bench, &window.channel, &flow.sensor)
}

pub fn flow_meter<'b>(bench: &'b Bench, channel: &str, sensor: &'b FlowSensor) -> FlowMeter<'b> {
    let certificate = bench.channel(channel).and_then(|c| c.certificate.as_ref()).map(|c| &c.id);
    FlowMeter { sensor, certificate, clock_ppm: bench.clock_ppm }
}

pub fn flow_row(meter: &FlowMeter<'_>, window: &Window, flow: &FlowData, quantity: WindowQuantity, mut row: CheckRow) -> CheckRow {
    row.n = Some(flow.forward + flow.reverse);
    let length = window.length(window.opened);
    let pulse_s = flow.time_of_a_pulse();
    let from_opening = |at: RigTime| Some(meter.time_of_pulses((at - window.opened).as_seconds(), Start::Instant, pulse_s?));
    let measured = match quantity {
        WindowQuantity::Volume => Some(net_volume(meter, window, flow, row.ended)),
        WindowQuantity::ReverseVolume => Some(meter.volume(flow.pulses(flow.reverse, 0), Gate::Free, length)),
        WindowQuantity::MeanFlow => meter.mean_flow(flow.pulses(flow.forward, flow.reverse), Gate::Free, length),
        WindowQuantity::DeliveryTime => {
            let ends = flow.first.zip(flow.last).zip(pulse_s);
            ends.map(|((a, b), pulse_s)| meter.time_of_pulses((b - a).as_seconds(), Start::Pulse, pulse_s))
        }
        WindowQuantity::OnsetDelay => flow.first.and_then(from_opening),
        WindowQuantity::LastPulse => flow.last.map_or_else(|| Some(certain(0.0)), from_opening),
        WindowQuantity::Strokes => Some(certain(flow.strokes.strokes() as f64)),
        WindowQuantity::MaxFlow => max_flow(meter, flow),
        WindowQuantity::ReservoirError => reservoir_error(meter, window, flow),
        _ => None,
    };
    let bound = measured.clone().filter(|_| bounds_from_below(quantity));
    if let Err(why) = resolved(&row, quantity, length, &flow.sensor) {
        return row::partly_lost(row, bound.filter(|_| !window.spurious), (Verdict::Error, Reason::TooCoarse), &why.to_string());
    }
    if let Some(why) = &window.lost {
        return row::partly_lost(row, bound.filter(|_| !window.spurious), (Verdict::Error, Reason::DataLost), why);
    }
    if let Some(why) = &window.cut {
        // A mean over a part is no bound of the mean over the whole.
        let bound = bound.filter(|_| quantity != WindowQuantity::MeanFlow);
        return row::partly_lost(row, bound, (Verdict::Skipped, Reason::NotReached), &format!("the window was cut off: {why}"));
    }
    judged_in_range(flow, bound, measured, row)
}

/// The row of a window that nothing else spoils: what was measured, if the flow stayed within the sensor's range.
pub fn judged_in_range(flow: &FlowData, bound: Option<Measured>, measured: Option<Measured>, row: CheckRow) -> CheckRow {
    if let Some(why) = flow.out_of_range() {
        return row::partly_lost(row, bound, (Verdict::Error, Reason::OutOfRange), &why);
    }
    match measured {
        Some(measured) => row::measured(row, measured),
        None => row::decide(row, Verdict::Error, Reason::NoData, "too little came through the channel to compute it"),
    }
}

/// Whether the row's limits lie far enough apart for the steps in which the sensor tells flow.
pub fn resolved(row: &CheckRow, quantity: WindowQuantity, length: Span, sensor: &FlowSensor) -> Result<(), TooCoarse> {
    let hours = match quantity {
        WindowQuantity::MeanFlow => 1.0,
        WindowQuantity::Volume | WindowQuantity::ReverseVolume => length.as_hours(),
        _ => return Ok(()),
    };
    if sensor.resolution == 0.0 {
        return Ok(());
    }
    let flow = |limit: Option<f64>| limit.map(|limit| Flow(limit / hours));
    resolves(Flow(sensor.resolution), flow(row.limits.lower), flow(row.limits.upper))
}

/// What came for certain is a lower bound of a volume and of a mean flow, and of nothing else.
fn bounds_from_below(quantity: WindowQuantity) -> bool {
    matches!(quantity, WindowQuantity::Volume | WindowQuantity::ReverseVolume | WindowQuantity::MeanFlow)
}

pub fn net_volume(meter: &FlowMeter<'_>, window: &Window, flow: &FlowData, now: RigTime) -> Measured {
    meter.volume(flow.pulses(flow.forward, flow.reverse), Gate::Free, window.length(now))
}

/// The highest flow over [`crate::window::PEAK_INTERVALS`] pulses: the extreme of as many as there were pulses.
fn max_flow(meter: &FlowMeter<'_>, flow: &FlowData) -> Option<Measured> {
    let peak = flow.peak.peak()?;
    let measured = meter.rate_from_edges(peak.intervals.into(), peak.elapsed, flow.k.k_factor())?;
    Some(measured.extreme_of(flow.forward))
}

/// What the pump says it took from its reservoir, less what was measured.
fn reservoir_error(meter: &FlowMeter<'_>, window: &Window, flow: &FlowData) -> Option<Measured> {
    let (Some(before), Some(after)) = window.reservoir else { return None };
    Some(net_volume(meter, window, flow, window.opened).taken_from(before.0 - after.0))
}

pub fn rolling_rows(
    meter: &FlowMeter<'_>,
    window: &Window,
    flow: &FlowData,
    rolling: Rolling,
    quantity: WindowQuantity,
    row: CheckRow,
) -> Vec<CheckRow> {
    let Some(family) = flow.rolling.iter().find(|f| f.rolling == rolling) else {
        return vec![row::decide(row, Verdict::Error, Reason::NoData, "the windows were not gathered")];
    };
    let Some(extremes) = extremes(meter, family, flow, quantity) else {
        let why = "what was measured is shorter than one such window";
        return vec![row::decide(row, Verdict::Error, Reason::NoData, why)];
    };
    let sides = [("maximum-of-windows", extremes.most, true), ("minimum-of-windows", extremes.least, false)];
    let wanted = sides.into_iter().filter(|(_, _, upper)| if *upper { row.limits.upper.is_some() } else { row.limits.lower.is_some() });
    wanted
        .map(|(statistic, measured, upper)| {
            let limits = if upper { Limits { lower: None, ..row.limits } } else { Limits { upper: None, ..row.limits } };
            let row =
                CheckRow { statistic: statistic.into(), limits, n: Some(extremes.windows), window_s: extremes.length_s, ..row.clone() };
            // The most that was seen in windows of fixed length is a lower bound of the most that came.
            let bound = Some(measured.clone()).filter(|_| upper && matches!(rolling, Rolling::Every(_)) && !window.spurious);
            match (&window.lost, flow.out_of_range(), &window.cut) {
                (Some(why), ..) => row::partly_lost(row, bound, (Verdict::Error, Reason::DataLost), why),
                (None, Some(why), _) => row::partly_lost(row, bound, (Verdict::Error, Reason::OutOfRange), &why),
                (None, None, Some(why)) => row::partly_lost(row, bound, (Verdict::Skipped, Reason::NotReached), why),
                (None, None, None) => row::measured(row, measured),
            }
        })
        .collect()
}

struct Sides {
    most: Measured,
    least: Measured,
    windows: u64,
    length_s: Option<f64>,
}

fn extremes(meter: &FlowMeter<'_>, family: &Family, flow: &FlowData, quantity: WindowQuantity) -> Option<Sides> {
    let mean = matches!(quantity, WindowQuantity::MeanFlowIn(_));
    if let (Rolling::Every(span), Some(counts)) = (family.rolling, family.counts) {
        let of = |net: i64| {
            let pulses = flow.pulses(net.max(0) as u64, net.min(0).unsigned_abs());
            let measured = if mean { meter.mean_flow(pulses, Gate::Free, span) } else { Some(meter.volume(pulses, Gate::Free, span)) };
            let per = if mean { span.as_hours() } else { 1.0 };
            measured.map(|m| binned(m, &counts, pulses.k_factor, per).extreme_of(counts.windows))
        };
        return Some(Sides { most: of(counts.max)?, least: of(counts.min)?, windows: counts.windows, length_s: Some(span.as_seconds()) });
    }
    let strokes = family.strokes.as_ref()?;
    let flow_of = |w: &StrokeWindow| meter.rate_from_edges(w.pulses.max(0) as u64, w.elapsed(), flow.k.k_factor());
    // A stroke begins anywhere between two pulses, and so does the one after the last.
    let volume_of = |w: &StrokeWindow| Some(meter.volume(flow.pulses(w.pulses.max(0) as u64, 0), Gate::Free, w.elapsed()));
    let (most, least) = if mean {
        (flow_of(&strokes.fastest)?, flow_of(&strokes.slowest)?)
    } else {
        (volume_of(&strokes.largest)?, volume_of(&strokes.smallest)?)
    };
    let windows = strokes.windows;
    Some(Sides { most: most.extreme_of(windows), least: least.extreme_of(windows), windows, length_s: None })
}

/// Adds what the bins of a very long record may hide at either end of a window, `per` 1 for a volume and the window's hours for a flow.
fn binned(measured: Measured, counts: &Extremes, k_factor: f64, per: f64) -> Measured {
    if counts.bin_error == 0 { measured } else { measured.with(hidden_in_bins(counts.bin_error, k_factor, per)) }
}
