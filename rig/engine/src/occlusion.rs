//! What an occlusion shows: the delay from the measured stop of flow, the pressure at the alarm, the compliance of what was closed off.

use rig_metrology::{Measured, aged, compliance, duration, pressure};
use rig_model::Name;
use rig_model::bench::{Instrument, PressureSensor};
use rig_model::dut::Alarm;
use rig_model::scenario::{ComplianceWindows, Subject};
use rig_model::time::{RigTime, Span};
use rig_model::verdict::{CheckRow, Reason, Verdict};

use crate::check::{find, spoilt};
use crate::condition::ChannelView;
use crate::engine::Engine;
use crate::flow::{meter, net_volume};
use crate::pump::Onset;
use crate::row;
use crate::window::{Data, FlowData, PressureData, Window};

/// A reading before a release stands for what was held only if it is no older.
const HELD_NOT_LONGER_THAN: Span = Span::seconds(10);

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

/// What a check asks of an onset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    Signal,
    Stop,
    Pressure,
}

impl About {
    pub fn of(subject: &Subject) -> Self {
        match subject {
            Subject::StopDelay { .. } => Self::Stop,
            Subject::PressureAtAlarm { .. } => Self::Pressure,
            _ => Self::Signal,
        }
    }
}

/// The onset that a check was about, and how often the pump or the bench had been told something by then.
#[derive(Debug, Clone, Copy)]
pub struct Judged {
    pub onset: RigTime,
    pub acts: u64,
}

/// The alarm's last onset, or why it answers for nothing that came later: it was acknowledged; this step has judged it before, as in a
/// repeat; or another step has judged the same of it before the pump or the bench was told anything more.
pub fn onset(engine: &Engine, path: &Name, alarm: Alarm, about: About) -> Result<Onset, String> {
    let onset = engine.pump.last_onset(alarm).ok_or_else(|| format!("the pump told no alarm {alarm}"))?;
    let again = || format!("the pump told no other alarm {alarm} than that at {}, which was judged before", onset.reported - RigTime::ZERO);
    if engine.acknowledged.is_some_and(|at| at >= onset.reported) {
        return Err(format!("the pump told no alarm {alarm} since its alarms were acknowledged"));
    }
    if engine.signals_judged.get(path).is_some_and(|at| *at >= onset.reported) {
        return Err(again());
    }
    match engine.onsets_judged.get(&(alarm, about)) {
        Some(judged) if judged.onset >= onset.reported && judged.acts != engine.acts => Err(again()),
        _ => Ok(*onset),
    }
}

/// What the channel had shown when the alarm was reported.
fn shown<'e>(engine: &'e Engine, onset: Onset, channel: &Name) -> Option<&'e ChannelView> {
    let shown = engine.at_alarm.get(&onset.alarm).filter(|a| a.reported == onset.reported)?;
    shown.channels.iter().find(|c| c.name == *channel)
}

/// That the pump told no alarm is the board's fault only if the rig heard all it told.
pub fn no_onset(engine: &Engine, row: CheckRow, why: &str) -> CheckRow {
    match engine.lost_since(None, engine.steps_began) {
        Some(lost) => row::decide(row, Verdict::Error, Reason::DataLost, format!("{why}, but {lost}")),
        None => row::decide(row, Verdict::Fail, Reason::NotObserved, why),
    }
}

/// Which onset the row is about: there may have been several.
fn about(row: CheckRow, onset: Onset) -> CheckRow {
    let at = onset.reported - RigTime::ZERO;
    CheckRow { reason: format!("{}; of the alarm that was reported at {at} of rig time", row.reason), ..row }
}

pub fn stop_delay(engine: &Engine, path: &Name, alarm: Alarm, channel: &Name, row: CheckRow) -> CheckRow {
    let row = row::on_channel(row, &engine.bench, channel);
    match onset(engine, path, alarm, About::Stop) {
        Ok(onset) => about(delay_of(engine, onset, channel, row), onset),
        Err(why) => no_onset(engine, row, &why),
    }
}

fn delay_of(engine: &Engine, onset: Onset, channel: &Name, row: CheckRow) -> CheckRow {
    let view = shown(engine, onset, channel);
    let Some((last, view)) = view.and_then(|v| Some((v.last_pulse.filter(|p| p.at >= engine.steps_began)?, v))) else {
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
    let silence = (onset.reported - last.at).as_seconds();
    let instants = [("last pulse", pulse_s), ("alarm's report", engine.link_resolution())];
    let measured = duration(silence, &instants, engine.bench.clock_ppm);
    let Some(pause) = view.longest_pause.filter(|pause| stroke_gap(engine, channel).is_some_and(|gap| *pause > gap)) else {
        let why =
            "fewer than two strokes had come since the last start or program, so that nothing tells a stop from a pause between strokes";
        return row::decide(row, Verdict::Error, Reason::NoData, why);
    };
    if silence - engine.link_resolution() <= pause.as_seconds() {
        let why = format!("flow had not stopped when the alarm was reported: {pause} without a pulse had been seen before");
        return row::decide(row, Verdict::Error, Reason::NoData, why);
    }
    row::measured(row, measured)
}

fn stroke_gap(engine: &Engine, channel: &Name) -> Option<Span> {
    match engine.bench.channel(channel)?.instrument {
        Instrument::Flow(sensor) => Some(sensor.stroke_gap),
        _ => None,
    }
}

pub fn pressure_at_alarm(engine: &Engine, path: &Name, alarm: Alarm, channel: &Name, not_older_than: Span, row: CheckRow) -> CheckRow {
    let mut row = row::on_channel(row, &engine.bench, channel);
    row.statistic = "last".into();
    match onset(engine, path, alarm, About::Pressure) {
        Ok(onset) => about(pressure_of(engine, onset, channel, not_older_than, row), onset),
        Err(why) => no_onset(engine, row, &why),
    }
}

fn pressure_of(engine: &Engine, onset: Onset, channel: &Name, not_older_than: Span, mut row: CheckRow) -> CheckRow {
    row.ended = onset.reported;
    let earliest = RigTime(onset.reported.0.saturating_sub(not_older_than.0));
    if let Some(why) = engine.lost_since(Some(channel), earliest).or_else(|| engine.lost_since(None, onset.reported)) {
        return row::decide(row, Verdict::Error, Reason::DataLost, why);
    }
    let [before, last] = shown(engine, onset, channel).map_or([None, None], |v| v.readings);
    let Some((at, value)) = last.filter(|(at, _)| *at >= earliest) else {
        let why = format!("no reading of {channel} came in the {not_older_than} before the alarm's report");
        return row::decide(row, Verdict::Error, Reason::NoData, why);
    };
    row.started = at;
    let Some((sensor, certificate)) = gauge(engine, channel) else {
        return row::decide(row, Verdict::Error, Reason::NoData, format!("{channel} measures no pressure"));
    };
    let sound = |value: f64| (sensor.min.0..=sensor.max.0).contains(&value);
    if !sound(value) {
        let why = "the last reading before the alarm's report was no number or outside the instrument's range";
        return row::decide(row, Verdict::Error, Reason::OutOfRange, why);
    }
    let measured = pressure(value, sensor, certificate);
    let age = onset.reported - at;
    if age == Span::ZERO {
        return row::measured(row, measured);
    }
    // The line may have gone on filling as fast as between the two last readings.
    let Some((then, earlier)) = before.filter(|(then, p)| sound(*p) && *then < at) else {
        let why = format!("the last reading is {age} old, and no sound one before it tells how fast the pressure rose");
        return row::decide(row, Verdict::Error, Reason::NoData, why);
    };
    let change = (value - earlier) / (at - then).as_seconds() * age.as_seconds();
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
    // A channel that was never alive speaks for none of the four.
    let names = [release, pressure, blank, blank_pressure].into_iter();
    let dead = names.filter_map(|name| find(engine, name)).map(|w| &w.channel).find(|c| !engine.memory.alive.contains(*c));
    row.channel = dead.cloned().or(row.channel);
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

/// The last reading before the release began, which must not be old, and the last of all, which must come after what the release let out:
/// any others show another fall.
fn ends(
    engine: &Engine,
    flow: &Window,
    data: &FlowData,
    gauge_window: &Window,
    readings: &PressureData,
) -> Result<(Measured, Measured), String> {
    let (sensor, certificate) = gauge(engine, &gauge_window.channel).ok_or("the channel measures no pressure")?;
    let until = data.last.unwrap_or(flow.opened);
    let earliest = gauge_window.opened.max(RigTime(flow.opened.0.saturating_sub(HELD_NOT_LONGER_THAN.0)));
    let held = flow.shown.iter().find(|(channel, at, _)| *channel == gauge_window.channel && *at >= earliest);
    let (_, _, held) = held.ok_or_else(|| format!("no reading of the pressure came in the {HELD_NOT_LONGER_THAN} before it"))?;
    let last = readings.last.filter(|(at, _)| *at >= until && *at > flow.opened).ok_or("no reading of the pressure came after it")?;
    Ok((pressure(*held, sensor, certificate), pressure(last.1, sensor, certificate)))
}
