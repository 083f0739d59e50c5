//! From a check's subject to its judged rows.

use rig_metrology::{certain, duration, over_time, pressure};
use rig_model::Name;
use rig_model::bench::{Bench, Instrument};
use rig_model::curve::Period;
use rig_model::dut::{Alarm, PumpState};
use rig_model::scenario::{Check, DeliveryFigure, Subject, WindowQuantity};
use rig_model::time::RigTime;
use rig_model::verdict::{CheckRow, Reason, Verdict};

use crate::asked;
use crate::drug;
use crate::engine::Engine;
use crate::figure;
use crate::flow::{flow_row, meter, net_volume, rolling_rows};
use crate::occlusion;
use crate::pump::TONE_BEFORE_REPORT;
use crate::row;
use crate::weighing::{WeightData, disagreement, not_compared};
use crate::window::{Data, PressureData, Window};

/// Half the range around a mark in which what it stands for happened: it follows the answer to the step before it, and an actuation is
/// answered when its relay has moved.
pub const MARK_HALF_WIDTH_S: f64 = 0.005;
/// Half the range in which the first edge of a tone lies around its time stamp: edges of the alarm line are debounced.
pub const TONE_HALF_WIDTH_S: f64 = 0.003;

/// One row, or two where both extremes of rolling windows are judged.
pub fn judge(engine: &Engine, path: &Name, text: &str, check: &Check, now: RigTime) -> Vec<CheckRow> {
    let blank = |quantity: &str, started| row::of_check(row::blank(path, text, quantity, started, now), check, &engine.bench);
    let began = engine.steps_began;
    let row = match &check.subject {
        Subject::Window { window, quantity } => {
            return match find(engine, window) {
                Some(window) => in_window(engine, window, *quantity, blank(quantity_name(*quantity), window.opened)),
                None => {
                    vec![row::decide(blank(quantity_name(*quantity), began), Verdict::Error, Reason::NoData, "the window was never opened")]
                }
            };
        }
        Subject::ConditionDelay { alarm, from } => condition_delay(engine, *alarm, from, blank("condition_delay", began)),
        Subject::StopDelay { alarm, channel } => occlusion::stop_delay(engine, path, *alarm, channel, blank("condition_delay", began)),
        Subject::PressureAtAlarm { alarm, channel, not_older_than } => {
            let row = blank("pressure_at_alarm", began);
            occlusion::pressure_at_alarm(engine, path, *alarm, channel, *not_older_than, row)
        }
        Subject::Compliance(windows) => occlusion::compliance_less_blank(engine, windows, blank("compliance", now)),
        Subject::SignalDelay { alarm } => signal_delay(engine, path, *alarm, blank("signal_delay", began)),
        Subject::AlarmCount { alarm } => {
            let i = *alarm as usize;
            counted(engine, engine.pump.onset_counts[i] - engine.counts_at_start.0[i], blank("alarm_count", began))
        }
        Subject::Restarts => counted(engine, engine.pump.restarts - engine.counts_at_start.1, blank("restarts", began)),
        Subject::DisturbedFrames => {
            let row = CheckRow { statistic: "count".into(), ..blank("disturbed_frames", began) };
            row::measured(row, certain((engine.disturbed - engine.disturbed_at_start) as f64))
        }
        Subject::Between { from, to } => between(engine, from, to, blank("time", began)),
        Subject::State(state) => state_is(engine.pump.state, *state, blank("state", now)),
        Subject::AlarmActive { alarm, active } => alarm_is(engine, *alarm, *active, blank("alarm", now)),
        Subject::ReservoirReported => match &engine.pump.status {
            Some(status) => row::measured(blank("reservoir", now), certain(status.reservoir.0)),
            None => row::decide(blank("reservoir", now), Verdict::Error, Reason::NoData, "the pump told no status"),
        },
        subject @ (Subject::Reported(_)
        | Subject::Mode(_)
        | Subject::ReadBack
        | Subject::ReadBackNothing
        | Subject::Logged { .. }
        | Subject::LoggedAt { .. }
        | Subject::LogInOrder
        | Subject::ClockError
        | Subject::ToneCount { .. }
        | Subject::TonePeriod { .. }) => {
            let began = if matches!(subject, Subject::ToneCount { .. } | Subject::TonePeriod { .. } | Subject::Logged { .. }) {
                began
            } else {
                now
            };
            asked::judge(engine, subject, blank(asked::quantity_name(subject).unwrap_or("reported"), began), now)
        }
    };
    vec![row]
}

/// A check that the scenario did not come to. What its window holds may prove FAIL all the same.
pub fn not_reached(engine: &Engine, path: &Name, text: &str, check: &Check, now: RigTime) -> CheckRow {
    let row = row::of_check(row::blank(path, text, "check", now, now), check, &engine.bench);
    if let Subject::Window { window, quantity: WindowQuantity::Volume } = &check.subject
        && let Some(window) = find(engine, window)
        && let Data::Flow(flow) = &window.data
    {
        let row = row::on_channel(CheckRow { quantity: "volume".into(), started: window.opened, ..row }, &engine.bench, &window.channel);
        let bound = net_volume(&meter(engine, window, flow), window, flow, now);
        return row::partly_lost(row, Some(bound), (Verdict::Skipped, Reason::NotReached), "");
    }
    row::decide(row, Verdict::Skipped, Reason::NotReached, "")
}

pub fn find<'e>(engine: &'e Engine, name: &Name) -> Option<&'e Window> {
    engine.windows.iter().flatten().find(|w| w.name == *name)
}

fn in_window(engine: &Engine, window: &Window, quantity: WindowQuantity, row: CheckRow) -> Vec<CheckRow> {
    let mut row = row::on_channel(row, &engine.bench, &window.channel);
    row.ended = window.closed.unwrap_or(row.ended);
    row.window_s = Some(window.length(row.ended).as_seconds());
    if window.is_open() {
        return vec![row::decide(row, Verdict::Error, Reason::NoData, "the window has not closed")];
    }
    if !rests_on_volume(quantity) {
        return rows_of(engine, window, quantity, row);
    }
    if let Some(why) = disagreement(&engine.bench, window) {
        return vec![row::decide(row, Verdict::Error, Reason::Disagreement, why)];
    }
    let mut rows = rows_of(engine, window, quantity, row);
    if let Some(note) = not_compared(&engine.bench, window) {
        // Silence would be taken for agreement.
        rows.iter_mut().filter(|row| row.value.is_some()).for_each(|row| row.reason += &format!("; {note}"));
    }
    rows
}

fn rows_of(engine: &Engine, window: &Window, quantity: WindowQuantity, row: CheckRow) -> Vec<CheckRow> {
    match &window.data {
        Data::Weight(weight) => vec![weight_row(engine, window, weight, quantity, row)],
        Data::Flow(flow) => {
            let meter = meter(engine, window, flow);
            match quantity {
                WindowQuantity::VolumeIn(rolling) | WindowQuantity::MeanFlowIn(rolling) => {
                    rolling_rows(&meter, window, flow, rolling, quantity, row)
                }
                WindowQuantity::Trumpet { .. }
                | WindowQuantity::OverallError(_)
                | WindowQuantity::WindowsWithin { .. }
                | WindowQuantity::HourError(_) => figure::curve_rows(&meter, window, flow, quantity, row),
                WindowQuantity::LongestGap
                | WindowQuantity::StartLatency
                | WindowQuantity::AfterRunTime
                | WindowQuantity::AfterRunVolume => {
                    vec![figure::continuity_row(&meter, window, flow, quantity, engine.link_resolution(), row)]
                }
                WindowQuantity::Deliveries { figure, at_least } => {
                    vec![figure::deliveries_row(engine, &meter, window, (figure, at_least), row)]
                }
                WindowQuantity::Drug | WindowQuantity::DrugIn(_) | WindowQuantity::LastConcentration | WindowQuantity::MaxConcentration => {
                    drug::rows(engine, window, flow, quantity, row)
                }
                _ => vec![flow_row(&meter, window, flow, quantity, row)],
            }
        }
        Data::Pressure(data) => vec![pressure_row(engine, window, data, quantity, row)],
        Data::Edges { .. } => vec![row::decide(row, Verdict::Error, Reason::NoData, "an alarm channel has no such quantity")],
    }
}

/// What a wrong K-factor or a wrong balance makes wrong.
fn rests_on_volume(quantity: WindowQuantity) -> bool {
    !matches!(
        quantity,
        WindowQuantity::DeliveryTime
            | WindowQuantity::OnsetDelay
            | WindowQuantity::LastPulse
            | WindowQuantity::Strokes
            | WindowQuantity::LongestGap
            | WindowQuantity::StartLatency
            | WindowQuantity::AfterRunTime
            | WindowQuantity::LastConcentration
            | WindowQuantity::MaxConcentration
    )
}

fn weight_row(engine: &Engine, window: &Window, weight: &WeightData, quantity: WindowQuantity, mut row: CheckRow) -> CheckRow {
    row.n = Some(weight.readings);
    if let Some(why) = &window.lost {
        return row::decide(row, Verdict::Error, Reason::DataLost, why);
    }
    if let Some(why) = &window.cut {
        return row::decide(row, Verdict::Skipped, Reason::NotReached, format!("the window was cut off: {why}"));
    }
    let measured = match (weight.volume(), quantity) {
        (Ok(volume), WindowQuantity::Volume) => volume,
        (Ok(volume), WindowQuantity::MeanFlow) => match over_time(volume, window.length(window.opened), engine.bench.clock_ppm) {
            Some(flow) => flow,
            None => return row::decide(row, Verdict::Error, Reason::NoData, "the window has no length"),
        },
        (Ok(_), _) => return row::decide(row, Verdict::Error, Reason::NoData, "a balance has no such quantity"),
        (Err(why), _) if weight.bad > 0 => return row::decide(row, Verdict::Error, Reason::OutOfRange, why),
        (Err(why), _) => return row::decide(row, Verdict::Error, Reason::NoData, why),
    };
    row::measured(row, measured)
}

/// What spoils any value of a window that rests on its volume.
pub fn spoilt(bench: &Bench, window: &Window) -> Option<(Verdict, Reason, String)> {
    let disagrees = || disagreement(bench, window).map(|why| (Verdict::Error, Reason::Disagreement, why));
    window.spoilt().or_else(disagrees)
}

fn pressure_row(engine: &Engine, window: &Window, data: &PressureData, quantity: WindowQuantity, mut row: CheckRow) -> CheckRow {
    row.n = Some(data.n);
    row.statistic = match quantity {
        WindowQuantity::MaxPressure => "maximum",
        WindowQuantity::MeanPressure => "mean",
        _ => "last",
    }
    .into();
    let value = match quantity {
        WindowQuantity::MaxPressure => data.max,
        WindowQuantity::MeanPressure => (data.n > 0).then(|| data.sum / data.n as f64),
        WindowQuantity::LastPressure => data.last.map(|(_, value)| value),
        _ => None,
    };
    let channel = engine.bench.channel(&window.channel);
    let measured = match channel.map(|c| (&c.instrument, &c.certificate)) {
        Some((Instrument::Pressure(sensor), certificate)) => {
            let measured = value.map(|value| pressure(value, sensor, certificate.as_ref().map(|c| &c.id)));
            if quantity == WindowQuantity::MaxPressure { measured.map(|m| m.extreme_of(data.n)) } else { measured }
        }
        _ => None,
    };
    // The highest that was read is a lower bound of the highest that was there.
    let bound = measured.clone().filter(|_| quantity == WindowQuantity::MaxPressure);
    if let Some(why) = &window.lost {
        return row::partly_lost(row, bound, (Verdict::Error, Reason::DataLost), why);
    }
    if let Some(why) = data.out_of_range() {
        return row::partly_lost(row, bound, (Verdict::Error, Reason::OutOfRange), &why);
    }
    if let Some(why) = &window.cut {
        return row::partly_lost(row, bound, (Verdict::Skipped, Reason::NotReached), &format!("the window was cut off: {why}"));
    }
    match measured {
        Some(measured) => row::measured(row, measured),
        None => row::decide(row, Verdict::Error, Reason::NoData, "no reading came in the window"),
    }
}

/// What the link told of is counted at least.
fn counted(engine: &Engine, count: u64, row: CheckRow) -> CheckRow {
    let (row, count) = (CheckRow { statistic: "count".into(), ..row }, certain(count as f64));
    match engine.lost_since(None, engine.steps_began) {
        Some(why) => row::partly_lost(row, Some(count), (Verdict::Error, Reason::DataLost), why),
        None => row::measured(row, count),
    }
}

fn condition_delay(engine: &Engine, alarm: Alarm, from: &Name, row: CheckRow) -> CheckRow {
    let Some(began) = engine.marks.get(from).copied() else {
        return row::decide(row, Verdict::Error, Reason::NoData, format!("the mark `{from}` was never set"));
    };
    let row = CheckRow { started: began, ..row };
    if let Some(why) = engine.lost_since(None, began) {
        return row::decide(row, Verdict::Error, Reason::DataLost, why);
    }
    match engine.pump.onset_since(alarm, began) {
        Some(onset) => {
            let instants = [("mark", MARK_HALF_WIDTH_S), ("alarm's report", engine.link_resolution())];
            row::measured(row, duration((onset.reported - began).as_seconds(), &instants, engine.bench.clock_ppm))
        }
        None => row::decide(row, Verdict::Fail, Reason::NotObserved, format!("the pump told no alarm {alarm} after `{from}`")),
    }
}

fn signal_delay(engine: &Engine, path: &Name, alarm: Alarm, mut row: CheckRow) -> CheckRow {
    let Some(channel) = engine.alarm_channel().cloned() else {
        return row::decide(row, Verdict::Error, Reason::NoData, "the bench has no alarm channel");
    };
    row.channel = Some(channel.clone());
    let onset = match occlusion::onset(engine, path, alarm, occlusion::About::Signal) {
        Ok(onset) => onset,
        Err(why) => return occlusion::no_onset(engine, row, &why),
    };
    let row = CheckRow { started: onset.reported, ..row };
    if let Some(why) = engine.lost_since(Some(&channel), onset.reported - TONE_BEFORE_REPORT) {
        return row::decide(row, Verdict::Error, Reason::DataLost, why);
    }
    match onset.tone {
        Some(began) => {
            let instants = [("alarm's report", engine.link_resolution()), ("first edge of the tone", TONE_HALF_WIDTH_S)];
            row::measured(row, duration((began - onset.reported).as_seconds(), &instants, engine.bench.clock_ppm))
        }
        None if engine.memory.alive.contains(&channel) => {
            row::decide(row, Verdict::Fail, Reason::NotObserved, "the alarm line works, but no tone was heard")
        }
        None => row::decide(row, Verdict::Error, Reason::ChannelNotAlive, "the alarm line was never shown to be alive in this run"),
    }
}

fn between(engine: &Engine, from: &Name, to: &Name, row: CheckRow) -> CheckRow {
    match (engine.marks.get(from), engine.marks.get(to)) {
        (Some(a), Some(b)) => {
            let instants = [("first mark", MARK_HALF_WIDTH_S), ("second mark", MARK_HALF_WIDTH_S)];
            row::measured(CheckRow { started: *a, ..row }, duration((*b - *a).as_seconds(), &instants, engine.bench.clock_ppm))
        }
        _ => row::decide(row, Verdict::Error, Reason::NoData, "one of the marks was never set"),
    }
}

fn state_is(state: Option<PumpState>, wanted: PumpState, mut row: CheckRow) -> CheckRow {
    row.unit = String::new();
    let Some(state) = state else { return row::decide(row, Verdict::Error, Reason::NoData, "the pump told no state") };
    row.value_text = Some(state.to_string());
    let (verdict, code) = if state == wanted { (Verdict::Pass, Reason::Observed) } else { (Verdict::Fail, Reason::NotObserved) };
    row::decide(row, verdict, code, format!("the pump says it is {state}"))
}

fn alarm_is(engine: &Engine, alarm: Alarm, wanted: bool, mut row: CheckRow) -> CheckRow {
    row.unit = String::new();
    let active = engine.pump.alarms.contains(&alarm);
    let word = if active { "active" } else { "inactive" };
    row.value_text = Some(word.into());
    let (verdict, code) = match (active == wanted, wanted) {
        (true, _) => (Verdict::Pass, Reason::Observed),
        (false, true) => (Verdict::Fail, Reason::NotObserved),
        (false, false) => (Verdict::Fail, Reason::Forbidden),
    };
    row::decide(row, verdict, code, format!("the pump says that {alarm} is {word}"))
}

pub fn quantity_name(quantity: WindowQuantity) -> &'static str {
    match quantity {
        WindowQuantity::Volume | WindowQuantity::VolumeIn(_) => "volume",
        WindowQuantity::ReverseVolume => "reverse_volume",
        WindowQuantity::MeanFlow | WindowQuantity::MeanFlowIn(_) => "mean_flow",
        WindowQuantity::DeliveryTime => "delivery_time",
        WindowQuantity::OnsetDelay => "onset_delay",
        WindowQuantity::LastPulse => "last_pulse",
        WindowQuantity::Strokes => "strokes",
        WindowQuantity::MaxFlow => "max_flow",
        WindowQuantity::ReservoirError => "reservoir_error",
        WindowQuantity::Drug | WindowQuantity::DrugIn(_) => "drug",
        WindowQuantity::LastConcentration => "concentration",
        WindowQuantity::MaxConcentration => "max_concentration",
        WindowQuantity::MaxPressure => "max_pressure",
        WindowQuantity::MeanPressure => "mean_pressure",
        WindowQuantity::LastPressure => "last_pressure",
        WindowQuantity::Trumpet { .. } => "trumpet_error",
        WindowQuantity::OverallError(Period::T1) => "overall_error_a",
        WindowQuantity::OverallError(Period::T2) => "overall_error_b",
        WindowQuantity::WindowsWithin { .. } => "windows_within",
        WindowQuantity::HourError(_) => "hour_error",
        WindowQuantity::LongestGap => "longest_gap",
        WindowQuantity::StartLatency => "start_latency",
        WindowQuantity::AfterRunTime => "after_run_time",
        WindowQuantity::AfterRunVolume => "after_run_volume",
        WindowQuantity::Deliveries { figure, .. } => match figure {
            DeliveryFigure::MeanError | DeliveryFigure::MaxError | DeliveryFigure::MinError => "delivery_error",
            DeliveryFigure::Within => "deliveries_within",
            DeliveryFigure::AfterEndMean | DeliveryFigure::AfterEndMax => "after_end_volume",
        },
    }
}
