//! The curves and figures that views show: told when a window has closed, and when a check was about an alarm or about deliveries.

use std::borrow::Cow;

use rig_metrology::{FlowMeter, Gate, Measured};
use rig_model::Name;
use rig_model::curve::Period;
use rig_model::dut::{LogEntry, LogKind};
use rig_model::event::{CurvesTold, Event, Figure, FiguresTold};
use rig_model::scenario::{Check, DeliveryFigure, HourStatistic, Subject, WindowQuantity};
use rig_model::verdict::{CheckRow, Limits};

use crate::check::spoilt;
use crate::continuity;
use crate::curve::CurveData;
use crate::engine::Engine;
use crate::flow::meter;
use crate::window::{Data, FlowData, Window};

impl Engine {
    /// What a window that has just closed, or was cut off, shows.
    pub(crate) fn tell_window(&mut self, n: usize) {
        let Some(window) = &self.windows[n] else { return };
        let Data::Flow(flow) = &window.data else { return };
        if self.program.measures[n].measure.delivery.is_some() {
            self.deliveries[n].add(window, spoilt(&self.bench, window));
        }
        let meter = meter(self, window, flow);
        let spoilt = spoilt(&self.bench, window).map(|(_, _, why)| why);
        let mut figures = continuity_figures(&meter, window, flow, self.link_resolution());
        let mut curves = None;
        if let Some(curve) = flow.curve.as_deref() {
            figures.extend(curve_figures(&meter, curve, spoilt.as_deref()));
            if let (Some(Ok(computed)), None) = (&curve.outcome, &spoilt) {
                let (window, channel) = (window.name.clone(), window.channel.clone());
                curves = Some(CurvesTold { window, channel, plan: curve.plan.clone(), curves: computed.curves.clone() });
            }
        }
        if let Some(why) = spoilt {
            // Numbers of data that are known to be incomplete are no figures.
            figures.iter_mut().for_each(|f| *f = Figure { value: None, expanded_uncertainty: None, note: why.clone(), ..f.clone() });
        }
        let told = FiguresTold { of: window.name.clone(), channel: Some(window.channel.clone()), figures };
        curves.into_iter().for_each(|told| self.say(Event::Curves(Box::new(told))));
        self.say(Event::Figures(Box::new(told)));
    }

    /// What was judged of an alarm or of a release.
    pub(crate) fn tell_row(&mut self, check: &Check, row: &CheckRow) {
        let of: Name = match &check.subject {
            Subject::ConditionDelay { alarm, .. }
            | Subject::StopDelay { alarm, .. }
            | Subject::SignalDelay { alarm }
            | Subject::PressureAtAlarm { alarm, .. } => alarm.word().into(),
            Subject::Compliance(windows) => windows.release.clone(),
            _ => return,
        };
        let method = match &check.subject {
            Subject::ConditionDelay { from, .. } => format!("from the mark {from}"),
            Subject::StopDelay { .. } => "from the measured stop of flow".to_owned(),
            Subject::Compliance(windows) => format!("less the blank {}", windows.blank),
            _ => String::new(),
        };
        let note = if row.value.is_none() { row.reason.clone() } else { row.step.to_string() };
        let figure = Figure {
            name: Cow::Owned(row.quantity.clone()),
            value: row.value,
            unit: Cow::Owned(row.unit.clone()),
            expanded_uncertainty: row.expanded_uncertainty,
            n: row.n,
            method,
            note,
        };
        self.say(Event::Figures(Box::new(FiguresTold { of, channel: row.channel.clone(), figures: vec![figure] })));
    }

    /// What the patient entered, as it stands in the pump's log: told once, and judged by nobody but a clinician.
    pub(crate) fn tell_patient(&mut self, log: &[LogEntry]) {
        let told = self.books.told;
        // Of an entry of an earlier power-on nobody knows when by the rig's clock.
        let powered_on = log.iter().rev().find(|entry| entry.code == Some(LogKind::PowerOn)).map_or(0, |entry| entry.number);
        let figure = |entry: &LogEntry| {
            let name = match entry.code {
                Some(LogKind::PainScore) => "pain_score",
                Some(LogKind::PatientEvent) => "patient_event",
                _ => return None,
            };
            let by_pump = entry.uptime_us as f64 / 1e6;
            let sample = self.books.clock.map(|(_, last)| last).filter(|_| entry.number > powered_on);
            let by_rig = sample.map(|last| {
                let ago = (last.uptime_us as f64 - entry.uptime_us as f64) / 1e6;
                format!(", {:.1} s of the run", (last.asked.seconds() + last.heard.seconds()) / 2.0 - ago)
            });
            let note = format!("entry {}, {by_pump:.1} s after power-on{}", entry.number, by_rig.unwrap_or_default());
            let blank = figure_of(name, "1", Err(note), None);
            Some(Figure { value: entry.value.map(f64::from), ..blank })
        };
        let new = log.iter().filter(|entry| told.is_none_or(|told| entry.number > told));
        let figures: Vec<Figure> = new.filter_map(figure).collect();
        self.books.told = told.max(log.last().map(|entry| entry.number));
        if !figures.is_empty() {
            self.say(Event::Figures(Box::new(FiguresTold { of: "patient".into(), channel: None, figures })));
        }
    }

    /// All figures of deliveries that a check was about, once for so many of them.
    pub(crate) fn tell_deliveries(&mut self, check: &Check) {
        let Subject::Window { window, quantity: WindowQuantity::Deliveries { at_least, .. } } = &check.subject else { return };
        let Some(n) = self.program.measures.iter().position(|p| p.measure.name == *window) else { return };
        let Some(asked) = self.program.measures[n].measure.delivery else { return };
        let deliveries = &self.deliveries[n];
        if deliveries.told == deliveries.count() {
            return;
        }
        let Some(open) = self.windows[n].as_ref() else { return };
        let Data::Flow(flow) = &open.data else { return };
        let meter = meter(self, open, flow);
        let (count, spoilt, link_s) = (deliveries.count() as u64, deliveries.spoilt().map(|(_, _, why)| why), self.link_resolution());
        let of = |(name, unit, figure)| {
            let value = match &spoilt {
                Some(why) => Err(why.clone()),
                None => deliveries.value(&meter, &asked, figure, *at_least, link_s).map(|v| v.measured),
            };
            figure_of(name, unit, value, count)
        };
        let mut figures: Vec<Figure> = DELIVERY_FIGURES.map(of).into();
        let limit = format!("within ±{} % of {}", asked.within_percent, asked.volume);
        figures.iter_mut().filter(|f| f.note.is_empty()).for_each(|f| f.note.clone_from(&limit));
        let sd = deliveries.sd().filter(|_| spoilt.is_none());
        figures.push(Figure { value: sd.map(|sd| sd.0), ..figure_of("deliveries_sd", "µL", Err(String::new()), count) });
        let told = FiguresTold { of: window.clone(), channel: Some(open.channel.clone()), figures };
        self.deliveries[n].told = self.deliveries[n].count();
        self.say(Event::Figures(Box::new(told)));
    }
}

const DELIVERY_FIGURES: [(&str, &str, DeliveryFigure); 6] = [
    ("deliveries_mean_error", "%", DeliveryFigure::MeanError),
    ("deliveries_max_error", "%", DeliveryFigure::MaxError),
    ("deliveries_min_error", "%", DeliveryFigure::MinError),
    ("deliveries_within", "%", DeliveryFigure::Within),
    ("deliveries_after_end_mean", "µL", DeliveryFigure::AfterEndMean),
    ("deliveries_after_end_max", "µL", DeliveryFigure::AfterEndMax),
];

fn figure_of(name: &'static str, unit: &'static str, value: Result<Measured, String>, n: impl Into<Option<u64>>) -> Figure {
    let (measured, note) = match value {
        Ok(measured) => (Some(measured.estimate), String::new()),
        Err(why) => (None, why),
    };
    let finite = |x: f64| x.is_finite().then_some(x);
    Figure {
        name: name.into(),
        value: measured.and_then(|m| finite(m.value)),
        unit: unit.into(),
        expanded_uncertainty: measured.and_then(|m| finite(m.expanded())),
        n: n.into(),
        method: String::new(),
        note,
    }
}

fn continuity_figures(meter: &FlowMeter<'_>, window: &Window, flow: &FlowData, link_s: f64) -> Vec<Figure> {
    let closed = window.closed.unwrap_or(window.opened);
    let mut figures = Vec::new();
    let length = match continuity::longest_gap(meter, window, flow, link_s) {
        Ok((measured, place)) => {
            let note = continuity::place_of_gap(window, flow, place);
            figures.push(Figure { note, ..figure_of("longest_gap", "s", Ok(measured), flow.forward) });
            Some(place.length())
        }
        Err(missing) => {
            figures.push(figure_of("longest_gap", "s", Err(missing.why), flow.forward));
            None
        }
    };
    if let Some(((period, from), length)) = stroke_period(flow).zip(length) {
        let strokes = length.as_seconds() / period;
        let note = format!("stroke period {period:.3} s, {from}");
        figures.push(Figure { value: Some(strokes), note, ..figure_of("longest_gap_in_strokes", "1", Err(String::new()), None) });
    }
    let mut of = |name, unit, quantity| match continuity::value(meter, window, flow, quantity, Limits::default(), link_s) {
        Ok(measured) => figures.push(figure_of(name, unit, Ok(measured), None)),
        Err(missing) => figures.push(figure_of(name, unit, Err(missing.why), None)),
    };
    if flow.commands.start.is_some() {
        of("start_latency", "s", WindowQuantity::StartLatency);
    }
    if flow.commands.stop.is_some() {
        of("after_run_time", "s", WindowQuantity::AfterRunTime);
        of("after_run_volume", "µL", WindowQuantity::AfterRunVolume);
    }
    if flow.sensor.bidirectional {
        let reverse = meter.volume(flow.pulses(flow.reverse, 0), Gate::Free, window.length(closed));
        figures.push(figure_of("reverse_volume", "µL", Ok(reverse), flow.reverse));
    }
    figures
}

/// In s, and where it is known from: the set rate, or the strokes that were seen.
fn stroke_period(flow: &FlowData) -> Option<(f64, &'static str)> {
    if let Some(cycle) = flow.curve.as_ref().and_then(|c| c.plan.stroke_cycle) {
        return Some((cycle.as_seconds(), "of the set rate"));
    }
    let between = flow.strokes.strokes().checked_sub(1).filter(|n| *n > 0)?;
    let seconds = (flow.last? - flow.first?).as_seconds() / between as f64;
    (seconds > 0.0).then_some((seconds, "mean of the strokes seen"))
}

fn curve_figures(meter: &FlowMeter<'_>, curve: &CurveData, spoilt: Option<&str>) -> Vec<Figure> {
    let method = format!("{}, {}", curve.plan.method.name(), curve.plan.periods.name());
    let within = format!("within ±{} %", curve.plan.within_percent);
    let mut figures = Vec::new();
    for (name, quantity) in CURVE_FIGURES {
        let value = match (spoilt, curve.values(meter, quantity)) {
            (Some(why), _) => Err(why.to_owned()),
            (None, Ok(mut values)) => values.pop().ok_or_else(String::new),
            (None, Err(why)) => Err(why),
        };
        let n = value.as_ref().ok().and_then(|v| v.n);
        let note = if quantity == WindowQuantity::HourError(HourStatistic::Within) { within.clone() } else { String::new() };
        let figure = figure_of(name, "%", value.map(|v| v.measured), n);
        let note = if figure.note.is_empty() { note } else { figure.note.clone() };
        figures.push(Figure { method: method.clone(), note, ..figure });
    }
    if let Some(Ok(computed)) = &curve.outcome {
        let periods = [("volume_t1", "mean_flow_t1", computed.curves.a), ("volume_t2", "mean_flow_t2", Some(computed.curves.b))];
        for (volume, flow, overall) in periods.into_iter().filter_map(|(v, f, o)| Some((v, f, o?))) {
            let note = format!("from {} to {} of the record", overall.from, overall.to);
            let of = |name, unit, value| {
                let figure = figure_of(name, unit, Err(String::new()), None);
                Figure { value: Some(value), method: method.clone(), note: note.clone(), ..figure }
            };
            figures.push(of(volume, "µL", overall.volume.0));
            figures.push(of(flow, "µL/h", overall.flow.0));
        }
    }
    figures
}

const CURVE_FIGURES: [(&str, WindowQuantity); 7] = [
    ("overall_error_a", WindowQuantity::OverallError(Period::T1)),
    ("overall_error_b", WindowQuantity::OverallError(Period::T2)),
    ("hour_mean_error", WindowQuantity::HourError(HourStatistic::Mean)),
    ("hour_sd_error", WindowQuantity::HourError(HourStatistic::Sd)),
    ("hour_max_error", WindowQuantity::HourError(HourStatistic::Max)),
    ("hour_min_error", WindowQuantity::HourError(HourStatistic::Min)),
    ("hours_within", WindowQuantity::HourError(HourStatistic::Within)),
];
