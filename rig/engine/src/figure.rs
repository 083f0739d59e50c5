//! The rows of curves, continuity and deliveries.

use rig_metrology::{FlowMeter, Measured, TooCoarse, resolves};
use rig_model::quantity::Flow;
use rig_model::scenario::HourStatistic::{Sd, Within};
use rig_model::scenario::{DeliveryFigure, WindowQuantity};
use rig_model::time::Span;
use rig_model::verdict::{CheckRow, Limits, Reason, Verdict};

use crate::continuity::{self, Missing};
use crate::curve::{self, Side};
use crate::engine::Engine;
use crate::row;
use crate::window::{Data, FlowData, Window};

/// What spoils the window is said first, unless what came for certain is a bound that proves FAIL all the same.
fn unless_spoilt(window: &Window, row: CheckRow, bound: Option<Measured>, judge: impl FnOnce(CheckRow) -> CheckRow) -> CheckRow {
    match window.spoilt() {
        Some((verdict, code, why)) => row::partly_lost(row, bound.filter(|_| !window.spurious), (verdict, code), &why),
        None => judge(row),
    }
}

pub fn curve_rows(meter: &FlowMeter<'_>, window: &Window, flow: &FlowData, quantity: WindowQuantity, row: CheckRow) -> Vec<CheckRow> {
    let values = match (&flow.curve, window.cut.is_some()) {
        (_, true) => Err("the window was cut off".to_owned()),
        (Some(curve), false) => curve.values(meter, quantity),
        (None, false) => Err("no curve was asked for".to_owned()),
    };
    let values = match values {
        Ok(values) => values,
        Err(why) => {
            return vec![unless_spoilt(window, row, None, |row| row::decide(row, Verdict::Error, Reason::NoData, why))];
        }
    };
    let in_percent = !matches!(quantity, WindowQuantity::WindowsWithin { .. } | WindowQuantity::HourError(Sd | Within));
    let rate = flow.curve.as_ref().map(|c| c.plan.rate).filter(|_| in_percent);
    if let Some(Err(why)) = rate.map(|rate| resolved(row.limits, rate, flow)) {
        return vec![row::decide(row, Verdict::Error, Reason::TooCoarse, why.to_string())];
    }
    let Limits { lower, upper } = row.limits;
    let wanted = values.into_iter().filter(|v| match v.side {
        Some(Side::Upper) => upper.is_some(),
        Some(Side::Lower) => lower.is_some(),
        None => true,
    });
    let judged = |value: curve::Value| {
        let limits = match value.side {
            Some(Side::Upper) => Limits { lower: None, upper },
            Some(Side::Lower) => Limits { lower, upper: None },
            None => row.limits,
        };
        let window_s = value.window.map(Span::as_seconds);
        let row = CheckRow { statistic: value.statistic.into(), limits, n: value.n, window_s, ..row.clone() };
        let bound = Some(value.measured.clone()).filter(|_| value.from_below);
        unless_spoilt(window, row, bound, |row| row::measured(row, value.measured))
    };
    wanted.map(judged).collect()
}

/// Whether limits in % of a flow lie far enough apart, or from it, for the steps in which the sensor tells flow.
fn resolved(limits: Limits, of: Flow, flow: &FlowData) -> Result<(), TooCoarse> {
    let sensor = Flow(flow.sensor.resolution);
    if sensor.0 == 0.0 {
        return Ok(());
    }
    let at = |percent: Option<f64>| Some(Flow(of.0 * (1.0 + percent.unwrap_or(0.0) / 100.0)));
    resolves(sensor, at(limits.lower), at(limits.upper))
}

pub fn continuity_row(
    meter: &FlowMeter<'_>,
    window: &Window,
    flow: &FlowData,
    quantity: WindowQuantity,
    link_s: f64,
    row: CheckRow,
) -> CheckRow {
    let row = CheckRow { n: Some(flow.forward + flow.reverse), ..row };
    let value = continuity::value(meter, window, flow, quantity, row.limits, link_s);
    let known = value.as_ref().ok().or_else(|| value.as_ref().err()?.at_least.as_ref());
    let bound = known.filter(|_| quantity == WindowQuantity::AfterRunVolume).cloned();
    let gap = continuity::longest_gap(meter, window, flow, link_s).ok().filter(|_| quantity == WindowQuantity::LongestGap);
    unless_spoilt(window, row, bound, |row| match value {
        Ok(measured) => {
            let place = gap.map(|(_, gap)| format!("; {}", continuity::place_of_gap(window, flow, gap)));
            let row = row::measured(row, measured);
            CheckRow { reason: row.reason + &place.unwrap_or_default(), ..row }
        }
        Err(Missing { why, at_least }) => row::partly_lost(row, at_least, (Verdict::Error, Reason::NoData), &why),
    })
}

pub fn deliveries_row(
    engine: &Engine,
    meter: &FlowMeter<'_>,
    window: &Window,
    (figure, at_least): (DeliveryFigure, u32),
    row: CheckRow,
) -> CheckRow {
    let number = engine.program.measures.iter().position(|p| p.measure.name == window.name);
    let asked = number.and_then(|n| Some((&engine.deliveries[n], engine.program.measures[n].measure.delivery.as_ref()?)));
    let Some((deliveries, asked)) = asked else {
        return row::decide(row, Verdict::Error, Reason::NoData, "the window is no delivery");
    };
    let row = CheckRow { n: Some(deliveries.count() as u64), window_s: None, ..row };
    let in_percent = matches!(figure, DeliveryFigure::MeanError | DeliveryFigure::MaxError | DeliveryFigure::MinError);
    if let (Data::Flow(flow), true) = (&window.data, in_percent)
        && let Err(why) = resolved(row.limits, Flow(asked.volume.0 / asked.over.as_hours()), flow)
    {
        return row::decide(row, Verdict::Error, Reason::TooCoarse, why.to_string());
    }
    match deliveries.value(meter, asked, figure, at_least, engine.link_resolution()) {
        Ok(value) => {
            let row = CheckRow { statistic: value.statistic.into(), ..row };
            let bound = Some(value.measured.clone()).filter(|_| value.from_below && !deliveries.spurious());
            match deliveries.spoilt() {
                Some((verdict, code, why)) => row::partly_lost(row, bound, (verdict, code), &why),
                None => row::measured(row, value.measured),
            }
        }
        Err(why) => row::decide(row, Verdict::Error, Reason::NoData, why),
    }
}
