//! What an occlusion shows: the delay from the measured stop of flow, the pressure at the alarm, the compliance of what was closed off.

use rig_metrology::{Measured, aged, compliance, duration, pressure};
use rig_model::Name;
use rig_model::bench::{Instrument, PressureSensor};
use rig_model::dut::Alarm;
use rig_model::scenario::ComplianceWindows;
use rig_model::time::{RigTime, Span};
use rig_model::verdict::{CheckRow, Reason, Verdict};

use crate::check::{find, meter, net_volume, spoilt};
use crate::condition::ChannelView;
use crate::engine::Engine;
use crate::pump::Onset;
use crate::row;
use crate::window::{Data, FlowData, PressureData, Window};

/// What the channels had shown when an alarm was reported.
#[derive(Debug, Clone)]
pub struct AtAlarm {
    pub reported: RigTime,
    pub channels: Vec<ChannelView>,
}

/// The last pulse before the report, and how long the one before it lay back: the flow stopped within about that of it.
#[derive(Debug, Clone, Copy)]
pub struct LastPulse {
    pub at: RigTime,
    pub interval: Option<Span>,
}

/// The alarm's last report that this check has not been about before, and what the channel had shown by then.
fn at_alarm<'e>(engine: &'e Engine, path: &Name, alarm: Alarm, channel: &Name) -> Option<(Onset, Option<&'e ChannelView>)> {
    let fresh = |o: &&Onset| engine.signals_judged.get(path).is_none_or(|at| o.reported > *at);
    let onset = engine.pump.last_onset(alarm).filter(fresh)?;
    let shown = engine.at_alarm.get(&alarm).filter(|a| a.reported == onset.reported);
    Some((*onset, shown.and_then(|a| a.channels.iter().find(|c| c.name == *channel))))
}

pub fn stop_delay(engine: &Engine, path: &Name, alarm: Alarm, channel: &Name, row: CheckRow) -> CheckRow {
    let row = row::on_channel(row, &engine.bench, channel);
    let Some((onset, view)) = at_alarm(engine, path, alarm, channel) else {
        return row::decide(row, Verdict::Fail, Reason::NotObserved, format!("the pump told no alarm {alarm}"));
    };
    let Some(last) = view.and_then(|v| v.last_pulse).filter(|p| p.at >= engine.steps_began) else {
        let why = format!("nothing had come through {channel} before the alarm, so that no flow could stop");
        return row::decide(row, Verdict::Error, Reason::NoData, why);
    };
    let row = CheckRow { started: last.at, ended: onset.reported, ..row };
    if let Some(why) = engine.lost_since(Some(channel), last.at).or_else(|| engine.lost_since(None, last.at)) {
        return row::decide(row, Verdict::Error, Reason::DataLost, why);
    }
    let Some(pulse_s) = last.interval.map(Span::as_seconds) else {
        return row::decide(row, Verdict::Error, Reason::NoData, "a single pulse had come before the alarm, which tells no flow");
    };
    let instants = [("last pulse", pulse_s), ("alarm's report", engine.link_resolution())];
    row::measured(row, duration((onset.reported - last.at).as_seconds(), &instants, engine.bench.clock_ppm))
}

pub fn pressure_at_alarm(engine: &Engine, path: &Name, alarm: Alarm, channel: &Name, not_older_than: Span, row: CheckRow) -> CheckRow {
    let mut row = row::on_channel(row, &engine.bench, channel);
    row.statistic = "last".into();
    let Some((onset, view)) = at_alarm(engine, path, alarm, channel) else {
        return row::decide(row, Verdict::Fail, Reason::NotObserved, format!("the pump told no alarm {alarm}"));
    };
    row.ended = onset.reported;
    let earliest = RigTime(onset.reported.0.saturating_sub(not_older_than.0));
    if let Some(why) = engine.lost_since(Some(channel), earliest).or_else(|| engine.lost_since(None, onset.reported)) {
        return row::decide(row, Verdict::Error, Reason::DataLost, why);
    }
    let [before, last] = view.map_or([None, None], |v| v.readings);
    let Some((at, value)) = last.filter(|(at, _)| *at >= earliest) else {
        let why = format!("no reading of {channel} came in the {not_older_than} before the alarm's report");
        return row::decide(row, Verdict::Error, Reason::NoData, why);
    };
    row.started = at;
    let Some((sensor, certificate)) = gauge(engine, channel) else {
        return row::decide(row, Verdict::Error, Reason::NoData, format!("{channel} measures no pressure"));
    };
    if !(sensor.min.0..=sensor.max.0).contains(&value) {
        let why = "the last reading before the alarm's report was no number or outside the instrument's range";
        return row::decide(row, Verdict::Error, Reason::OutOfRange, why);
    }
    let measured = pressure(value, sensor, certificate);
    // The line may have gone on filling as fast as between the two last readings.
    let age = onset.reported - at;
    let slope = before.filter(|(then, p)| p.is_finite() && *then < at).map_or(0.0, |(then, p)| (value - p) / (at - then).as_seconds());
    let change = slope * age.as_seconds();
    row::measured(row, if change == 0.0 { measured } else { measured.with(aged(change)) })
}

fn gauge<'e>(engine: &'e Engine, channel: &Name) -> Option<(&'e PressureSensor, Option<&'e Name>)> {
    let channel = engine.bench.channel(channel)?;
    match &channel.instrument {
        Instrument::Pressure(sensor) => Some((sensor, channel.certificate.as_ref().map(|c| &c.id))),
        _ => None,
    }
}

pub fn compliance_less_blank(engine: &Engine, windows: &ComplianceWindows, mut row: CheckRow) -> CheckRow {
    let ComplianceWindows { release, pressure, blank, blank_pressure } = windows;
    for name in [blank_pressure, blank, pressure, release] {
        let window = match find(engine, name) {
            Some(window) if !window.is_open() => window,
            _ => return row::decide(row, Verdict::Error, Reason::NoData, format!("the window `{name}` was not measured")),
        };
        let named: Vec<Name> = row.certificates;
        row.certificates = Vec::new();
        row = row::on_channel(row, &engine.bench, &window.channel);
        row.started = row.started.min(window.opened);
        row.certificates.extend(named);
        if let Some((verdict, code, why)) = spoilt(&engine.bench, window) {
            return row::decide(row, verdict, code, format!("`{name}`: {why}"));
        }
    }
    row.certificates.sort();
    row.certificates.dedup();
    let of = |flow: &Name, gauge: &Name| one_compliance(engine, flow, gauge).map_err(|why| format!("`{flow}`: {why}"));
    match of(release, pressure).and_then(|whole| Ok(whole.less(of(blank, blank_pressure)?, "blank"))) {
        Ok(measured) => row::measured(row, measured),
        Err(why) => row::decide(row, Verdict::Error, Reason::NoData, why),
    }
}

fn one_compliance(engine: &Engine, flow: &Name, gauge: &Name) -> Result<Measured, String> {
    let (flow, gauge) = (find(engine, flow).ok_or("not measured")?, find(engine, gauge).ok_or("not measured")?);
    let (Data::Flow(data), Data::Pressure(readings)) = (&flow.data, &gauge.data) else {
        return Err("the channels measure something else".to_owned());
    };
    let volume = net_volume(&meter(engine, flow, data), flow, data, flow.opened);
    let (before, after) = ends(engine, flow, data, gauge, readings)?;
    compliance(volume, before, after).map_err(|why| why.to_string())
}

/// The first reading, which must come before the release begins, and the last, which must come after what the release let out: any others
/// show another fall.
fn ends(
    engine: &Engine,
    flow: &Window,
    data: &FlowData,
    gauge_window: &Window,
    readings: &PressureData,
) -> Result<(Measured, Measured), String> {
    let (sensor, certificate) = gauge(engine, &gauge_window.channel).ok_or("the channel measures no pressure")?;
    let until = data.last.unwrap_or(flow.opened);
    let first = readings.first.filter(|(at, _)| *at <= flow.opened).ok_or("no reading of the pressure came before it")?;
    let last = readings.last.filter(|(at, _)| *at >= until && *at > flow.opened).ok_or("no reading of the pressure came after it")?;
    Ok((pressure(first.1, sensor, certificate), pressure(last.1, sensor, certificate)))
}
