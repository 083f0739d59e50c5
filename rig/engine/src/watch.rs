//! Watchers: invariants from a scenario's first to its last moment, beside the steps.

use std::collections::BTreeSet;

use rig_metrology::{EffectiveK, FlowMeter, Gate, Measured, PeakRate, Pulses, RollingCount, certain, hidden_in_bins, pressure};
use rig_model::Name;
use rig_model::bench::{Bench, FlowSensor, Instrument, PressureSensor};
use rig_model::dut::{Alarm, PumpState};
use rig_model::input::{Edges, LINK, Sense};
use rig_model::quantity::Dimension;
use rig_model::scenario::{Watch, Watched, photometer_of};
use rig_model::time::{RigTime, Span};
use rig_model::verdict::{CheckRow, Limits, Reason, Verdict};

use crate::drug::DrugRolling;
use crate::pump::Change;
use crate::row;
use crate::tone::Tone;
use crate::window::{PEAK_INTERVALS, above, above_range};

/// Edges that a rolling watcher keeps exactly before it goes over to bins.
const ROLLING_EDGES: usize = 1 << 18;

#[derive(Debug)]
pub struct Watcher {
    watch: Watch,
    since: RigTime,
    lost: Option<String>,
    /// Some of what came never happened: it proves nothing.
    spurious: bool,
    /// The first violation: when and what.
    noticed: Option<(RigTime, String)>,
    gathered: Gathered,
}

#[derive(Debug)]
enum Gathered {
    /// How often the forbidden thing came.
    Events(u64),
    Reverse(u64),
    Rolling(Box<Rolling>),
    Drug(Box<DrugRolling>),
    /// The bench has no such channel.
    Nothing,
    Pressure {
        most: Option<f64>,
        n: u64,
        bad: u64,
        sensor: PressureSensor,
        certificate: Option<Name>,
    },
}

#[derive(Debug)]
struct Rolling {
    count: RollingCount,
    pulses: u64,
    /// The fullest window when the limit was last looked at.
    looked_at: i64,
    peak: PeakRate,
    k: EffectiveK,
    sensor: FlowSensor,
    certificate: Option<Name>,
    clock_ppm: f64,
    window: Span,
}

impl Watcher {
    pub fn new(watch: &Watch, bench: &Bench, since: RigTime) -> Self {
        let gathered = match &watch.what {
            Watched::NoReverseFlow { channel } => flow_sensor(bench, channel).map(|_| Gathered::Reverse(0)),
            Watched::VolumeInAny { channel, window, .. } | Watched::MaxFlow { channel, over: window, .. } => flow_sensor(bench, channel)
                .map(|sensor| {
                    Gathered::Rolling(Box::new(Rolling {
                        count: RollingCount::new(*window, since, ROLLING_EDGES),
                        pulses: 0,
                        looked_at: 0,
                        peak: PeakRate::new(PEAK_INTERVALS),
                        k: EffectiveK::new(&sensor),
                        sensor,
                        certificate: certificate(bench, channel),
                        clock_ppm: bench.clock_ppm,
                        window: *window,
                    }))
                }),
            Watched::MaxPressure { channel, .. } => match bench.channel(channel).map(|c| &c.instrument) {
                Some(Instrument::Pressure(sensor)) => {
                    Some(Gathered::Pressure { most: None, n: 0, bad: 0, sensor: *sensor, certificate: certificate(bench, channel) })
                }
                _ => None,
            },
            Watched::DrugInAny { channel, window, .. } => {
                DrugRolling::new(channel, *window, bench, since).map(|drug| Gathered::Drug(Box::new(drug)))
            }
            Watched::NoAlarm { .. } | Watched::NoRestart | Watched::NeverState(_) => Some(Gathered::Events(0)),
        };
        Self { watch: watch.clone(), since, lost: None, spurious: false, noticed: None, gathered: gathered.unwrap_or(Gathered::Nothing) }
    }

    /// The channel whose facts the watcher lives on; an alarm watcher needs the wire as well as the link.
    fn channel(&self) -> Option<Name> {
        match &self.watch.what {
            Watched::NoReverseFlow { channel }
            | Watched::VolumeInAny { channel, .. }
            | Watched::MaxFlow { channel, .. }
            | Watched::DrugInAny { channel, .. }
            | Watched::MaxPressure { channel, .. } => Some(channel.clone()),
            Watched::NoAlarm { .. } => Some("alarm".into()),
            Watched::NoRestart | Watched::NeverState(_) => None,
        }
    }

    pub fn lost(&mut self, channel: Option<&Name>, why: &str, spurious: bool) {
        let photometer = if let Gathered::Drug(drug) = &self.gathered { Some(drug.photometer()) } else { None };
        if channel.is_none() || self.channel().as_ref() == channel || (photometer.is_some() && photometer == channel) {
            self.lost.get_or_insert_with(|| why.to_owned());
            self.spurious |= spurious;
        }
        if channel.is_some_and(|c| &**c == LINK) {
            self.link_lost(why);
        }
    }

    /// The pump could not be heard: what it would have told is missing.
    pub fn link_lost(&mut self, why: &str) {
        if matches!(self.watch.what, Watched::NoAlarm { .. } | Watched::NoRestart | Watched::NeverState(_)) {
            self.lost.get_or_insert_with(|| why.to_owned());
        }
    }

    pub fn change(&mut self, now: RigTime, change: Change) -> Option<String> {
        let forbidden = match (&self.watch.what, change) {
            (Watched::NoAlarm { only }, Change::AlarmOn(alarm)) => named(only, alarm).then(|| format!("alarm {alarm}")),
            (Watched::NoRestart, Change::Restarted) => Some("the pump restarted".into()),
            (Watched::NeverState(states), Change::State { to, .. }) => states.contains(&to).then(|| format!("state {to}")),
            _ => None,
        };
        self.event(now, forbidden?)
    }

    /// State and alarms that are there when the watch begins are violations as much as those that come.
    pub fn begin(&mut self, now: RigTime, state: Option<PumpState>, alarms: &[Alarm]) -> Option<String> {
        let state = state.and_then(|to| self.change(now, Change::State { from: None, to }));
        alarms.iter().filter_map(|alarm| self.change(now, Change::AlarmOn(*alarm))).next().or(state)
    }

    /// A tone says its class only: it is forbidden unless an alarm that is allowed may be behind it.
    pub fn tone(&mut self, now: RigTime, tone: Tone, behind: &[Alarm]) -> Option<String> {
        let Watched::NoAlarm { only } = &self.watch.what else { return None };
        let explained = behind.iter().any(|alarm| !named(only, *alarm));
        let forbidden = Alarm::ALL.iter().any(|a| a.class() == tone.class && named(only, *a));
        if forbidden && !explained && tone.began >= self.since { self.event(now, format!("{} tone", tone.class)) } else { None }
    }

    pub fn edges(&mut self, channel_matches: bool, edges: &Edges) -> Option<String> {
        if !channel_matches {
            return None;
        }
        let forward = edges.sense != Sense::Reverse;
        match &mut self.gathered {
            Gathered::Reverse(count) if !forward => {
                *count += edges.count();
                self.notice(edges.first, "reverse flow".into())
            }
            Gathered::Rolling(rolling) => {
                let Rolling { count, peak, k, pulses, looked_at, .. } = &mut **rolling;
                for at in edges.times() {
                    if forward {
                        peak.push(at);
                    }
                    k.push(at, edges.sense);
                    count.push(at, if forward { 1 } else { -1 });
                }
                *pulses += edges.count();
                let fullest = count.current_max();
                // A budget at each pulse would cost more than the pulse; nothing new can be said before a window is fuller than all before.
                if fullest <= std::mem::replace(looked_at, fullest.max(*looked_at)) || self.noticed.is_some() {
                    return None;
                }
                let estimate = self.value().map(|v| v.estimate);
                if estimate.is_some_and(|v| beyond(v.value - v.expanded(), self.limits())) {
                    return self.notice(edges.last(), "more than the limit".into());
                }
                None
            }
            Gathered::Drug(drug) => {
                drug.edges(edges);
                None
            }
            _ => None,
        }
    }

    /// The last readings of all channels before the watch began.
    pub fn shown(&mut self, bench: &Bench, readings: &[(Name, RigTime, f64)]) {
        if let (Gathered::Drug(drug), Watched::DrugInAny { channel, .. }) = (&mut self.gathered, &self.watch.what) {
            drug.before(bench, self.since, channel, readings);
        }
    }

    pub fn watches(&self, channel: &str) -> bool {
        match &self.watch.what {
            Watched::NoReverseFlow { channel: c }
            | Watched::VolumeInAny { channel: c, .. }
            | Watched::MaxFlow { channel: c, .. }
            | Watched::MaxPressure { channel: c, .. } => &**c == channel,
            Watched::DrugInAny { channel: c, .. } => &**c == channel || photometer_of(c).is_some_and(|p| &*p == channel),
            _ => false,
        }
    }

    pub fn reading(&mut self, now: RigTime, value: f64) -> Option<String> {
        if let Gathered::Drug(drug) = &mut self.gathered {
            drug.reading(now, value);
        }
        let Gathered::Pressure { most, n, bad, sensor, .. } = &mut self.gathered else { return None };
        if !(value >= sensor.min.0 && value <= sensor.max.0) {
            *bad += 1;
            return None;
        }
        *n += 1;
        *most = Some(most.map_or(value, |m: f64| m.max(value)));
        let uncertainty = sensor.uncertainty.map_or(f64::INFINITY, |u| u.0);
        if beyond(value - uncertainty, self.limits()) { self.notice(now, format!("{value:.1} kPa")) } else { None }
    }

    pub fn path(&self) -> &Name {
        &self.watch.path
    }

    /// The row at the scenario's end. `alive`: channels shown to be alive in this run.
    pub fn judge(&self, now: RigTime, bench: &Bench, alive: &BTreeSet<Name>) -> CheckRow {
        let mut row = row::blank(&self.watch.path, &self.watch.text, self.quantity(), self.since, now);
        row.requirements = self.watch.verifies.clone();
        row.unit = self.dimension().unit().to_owned();
        row.limits = self.limits();
        row = row::ruled(row, self.watch.rule, bench);
        row.statistic = self.statistic().to_owned();
        row.window_s = self.window().map(Span::as_seconds);
        if let Some(channel) = self.channel().filter(|c| bench.channel(c).is_some()) {
            row = row::on_channel(row, bench, &channel);
        }
        if let Gathered::Drug(drug) = &self.gathered {
            return drug.judge(row, now, self.lost.as_deref(), self.spurious, alive);
        }
        let Some(value) = self.value() else {
            return row::decide(row, Verdict::Error, Reason::NoData, "no usable reading came from the channel");
        };
        if let Some((at, what)) = &self.noticed
            && matches!(self.gathered, Gathered::Events(_) | Gathered::Reverse(..))
            && !self.spurious
        {
            let row = row::measured(row, value);
            return row::decide(row, Verdict::Fail, Reason::Forbidden, format!("{what} at {:.3} s", at.seconds()));
        }
        if let Some(why) = &self.lost {
            return row::partly_lost(row, Some(value).filter(|_| !self.spurious), (Verdict::Error, Reason::DataLost), why);
        }
        if let Gathered::Rolling(rolling) = &self.gathered
            && let Some(flow) = above_range(&rolling.peak, &rolling.sensor)
        {
            return row::partly_lost(row, Some(value), (Verdict::Error, Reason::OutOfRange), &above(flow, &rolling.sensor));
        }
        if let Gathered::Rolling(rolling) = &self.gathered
            && let Some((pulses, slowest, fastest)) = rolling.k.outside()
        {
            let why = format!("{pulses} pulses came at {slowest:.0} … {fastest:.0} µL/h, where the sensor's K-factor does not hold");
            return row::partly_lost(row, Some(value), (Verdict::Error, Reason::OutOfRange), &why);
        }
        if let Gathered::Pressure { bad, .. } = self.gathered
            && bad > 0
        {
            let why = format!("{bad} readings were no number or outside the instrument's range");
            return row::partly_lost(row, Some(value), (Verdict::Error, Reason::OutOfRange), &why);
        }
        if let Some(channel) = self.channel().filter(|c| !alive.contains(c)) {
            let why = format!("{channel} was never shown to be alive in this run");
            return row::decide(row, Verdict::Error, Reason::ChannelNotAlive, why);
        }
        row::measured(row, value)
    }

    fn event(&mut self, now: RigTime, what: String) -> Option<String> {
        if let Gathered::Events(count) = &mut self.gathered {
            *count += 1;
        }
        self.notice(now, what)
    }

    /// Keeps the first violation, and tells of that one only.
    fn notice(&mut self, at: RigTime, what: String) -> Option<String> {
        if self.noticed.is_some() {
            return None;
        }
        self.noticed = Some((at, what.clone()));
        Some(what)
    }

    fn value(&self) -> Option<Measured> {
        match &self.gathered {
            Gathered::Events(count) => Some(certain(*count as f64)),
            Gathered::Reverse(count) => Some(certain(*count as f64)),
            // Its value needs the end of the watch.
            Gathered::Nothing | Gathered::Drug(_) => None,
            Gathered::Rolling(rolling) => rolling.fullest(matches!(self.watch.what, Watched::MaxFlow { .. })),
            Gathered::Pressure { most, n, sensor, certificate, .. } => {
                most.map(|m| pressure(m, sensor, certificate.as_ref()).extreme_of(*n))
            }
        }
    }

    pub fn limits(&self) -> Limits {
        let upper = match &self.watch.what {
            Watched::VolumeInAny { at_most, .. } => at_most.0,
            Watched::MaxFlow { at_most, .. } => at_most.0,
            Watched::MaxPressure { at_most, .. } => at_most.0,
            Watched::DrugInAny { at_most, .. } => at_most.0,
            Watched::NoReverseFlow { .. } | Watched::NoAlarm { .. } | Watched::NoRestart | Watched::NeverState(_) => 0.0,
        };
        Limits { lower: None, upper: Some(upper) }
    }

    pub fn quantity(&self) -> &'static str {
        match self.watch.what {
            Watched::NoAlarm { .. } => "alarms",
            Watched::NoReverseFlow { .. } => "reverse_pulses",
            Watched::VolumeInAny { .. } => "volume",
            Watched::MaxFlow { .. } => "mean_flow",
            Watched::MaxPressure { .. } => "pressure",
            Watched::DrugInAny { .. } => "drug",
            Watched::NoRestart => "restarts",
            Watched::NeverState(_) => "states",
        }
    }

    pub fn dimension(&self) -> Dimension {
        match self.watch.what {
            Watched::VolumeInAny { .. } => Dimension::Volume,
            Watched::MaxFlow { .. } => Dimension::Flow,
            Watched::MaxPressure { .. } => Dimension::Pressure,
            Watched::DrugInAny { .. } => Dimension::Mass,
            Watched::NoReverseFlow { .. } | Watched::NoAlarm { .. } | Watched::NoRestart | Watched::NeverState(_) => Dimension::Count,
        }
    }

    fn statistic(&self) -> &'static str {
        match self.gathered {
            Gathered::Events(_) | Gathered::Reverse(..) => "count",
            Gathered::Nothing => "single",
            Gathered::Rolling(_) | Gathered::Drug(_) => "maximum-of-windows",
            Gathered::Pressure { .. } => "maximum",
        }
    }

    fn window(&self) -> Option<Span> {
        match (&self.gathered, &self.watch.what) {
            (Gathered::Rolling(rolling), _) => Some(rolling.window),
            (Gathered::Drug(_), Watched::DrugInAny { window, .. }) => Some(*window),
            _ => None,
        }
    }
}

impl Rolling {
    /// Volume, or mean flow, of the fullest window: the extreme of all that a pulse entered or left.
    fn fullest(&self, mean: bool) -> Option<Measured> {
        let meter = FlowMeter { sensor: &self.sensor, certificate: self.certificate.as_ref(), clock_ppm: self.clock_ppm };
        let net = self.count.current_max().max(0) as u64;
        let pulses = Pulses { k_factor: self.k.k_factor(), ..Pulses::counted(net, 0, &self.sensor) };
        let measured =
            if mean { meter.mean_flow(pulses, Gate::Free, self.window) } else { Some(meter.volume(pulses, Gate::Free, self.window)) };
        let per = if mean { self.window.as_hours() } else { 1.0 };
        let hidden = self.count.bin_error();
        let measured = measured.map(|m| if hidden == 0 { m } else { m.with(hidden_in_bins(hidden, pulses.k_factor, per)) });
        measured.map(|m| m.extreme_of(self.pulses.saturating_mul(2)))
    }
}

fn named(only: &[Alarm], alarm: Alarm) -> bool {
    only.is_empty() || only.contains(&alarm)
}

fn beyond(lower_bound: f64, limits: Limits) -> bool {
    limits.upper.is_some_and(|u| lower_bound > u)
}

fn flow_sensor(bench: &Bench, channel: &str) -> Option<FlowSensor> {
    match bench.channel(channel).map(|c| &c.instrument) {
        Some(Instrument::Flow(sensor)) => Some(*sensor),
        _ => None,
    }
}

fn certificate(bench: &Bench, channel: &str) -> Option<Name> {
    bench.channel(channel).and_then(|c| c.certificate.as_ref()).map(|c| c.id.clone())
}
