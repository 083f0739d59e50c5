//! Leaving makes the bench safe: stop the pump, lines to their safe levels, and measure that flow has stopped.

use std::collections::BTreeSet;

use rig_model::Name;
use rig_model::bench::{Bench, FlowSensor, Instrument};
use rig_model::event::SafeShown;
use rig_model::input::{Edges, Lost};
use rig_model::quantity::Volume;
use rig_model::time::{RigTime, Span};

/// A stored volume may still come out of the line when the occluder opens; the dwell begins again with it, this often at the most.
const MAX_DWELLS: i64 = 5;
/// Lines that have not answered by then are not known to be safe.
const LINES_WITHIN: Span = Span::seconds(2);
/// The lines don't wait for the stop's answer any longer than this: a pump that is well answers in a few milliseconds, and outputs are safe
/// within 100 ms of whatever made it necessary.
const STOP_HEAD_START: Span = Span::milliseconds(50);

/// What the safe-down wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    Stop { id: u64 },
    Line { id: u64, line: Name, active: bool },
}

#[derive(Debug)]
pub struct SafeDown {
    stage: Stage,
    /// The stop's command; its answer may come at any time.
    stop: u64,
    stop_acknowledged: bool,
    /// Lines asked for and not yet answered.
    outstanding: Vec<u64>,
    lines_failed: Vec<String>,
    channels: Vec<Flow>,
}

#[derive(Debug)]
enum Stage {
    Stopping { until: RigTime },
    Lines { until: RigTime },
    Dwell { began: RigTime, last: RigTime },
    Done(SafeShown),
}

#[derive(Debug)]
struct Flow {
    name: Name,
    /// The least that one pulse may stand for is 1 / K; the most, with the K-factor's uncertainty, is this, in µL.
    most_per_pulse: f64,
    /// What a sensor that errs at rest may have missed in the dwell, µL.
    at_rest: f64,
    alive: bool,
    pulses: u64,
    /// Pulses of this dwell may be missing, and there is no time left for another dwell.
    lost: bool,
}

impl SafeDown {
    pub fn new(now: RigTime, bench: &Bench, alive: &BTreeSet<Name>, id: u64) -> (Self, Wish) {
        let channels = bench.channels.iter().filter_map(|c| match &c.instrument {
            Instrument::Flow(s) => Some(Flow {
                name: c.name.clone(),
                most_per_pulse: most_per_pulse(s),
                at_rest: s.zero_uncertainty * bench.safe_down.dwell.as_hours(),
                alive: alive.contains(&c.name),
                pulses: 0,
                lost: false,
            }),
            Instrument::Pressure(_) | Instrument::Drug(_) | Instrument::Balance(_) | Instrument::Alarm => None,
        });
        let this = Self {
            stage: Stage::Stopping { until: now + STOP_HEAD_START },
            stop: id,
            stop_acknowledged: false,
            outstanding: Vec::new(),
            lines_failed: Vec::new(),
            channels: channels.collect(),
        };
        (this, Wish::Stop { id })
    }

    pub fn next_deadline(&self, bench: &Bench) -> Option<RigTime> {
        match &self.stage {
            Stage::Stopping { until } | Stage::Lines { until } => Some(*until),
            Stage::Dwell { began, last } => Some((*began + bench.safe_down.dwell).min(*last)),
            Stage::Done(_) => None,
        }
    }

    /// The stop was answered, or not.
    pub fn ended(&mut self, now: RigTime, id: u64, accepted: bool, bench: &Bench, next_id: &mut dyn FnMut() -> u64) -> Vec<Wish> {
        if id != self.stop {
            return Vec::new();
        }
        self.stop_acknowledged = accepted;
        if matches!(self.stage, Stage::Stopping { .. }) { self.move_lines(now, bench, next_id) } else { Vec::new() }
    }

    pub fn answered(&mut self, now: RigTime, id: u64, failed: Option<&str>, bench: &Bench) {
        let Some(place) = self.outstanding.iter().position(|o| *o == id) else { return };
        self.outstanding.remove(place);
        self.lines_failed.extend(failed.map(str::to_owned));
        if self.outstanding.is_empty() && matches!(self.stage, Stage::Lines { .. }) {
            self.begin_dwell(now, bench);
        }
    }

    pub fn edges(&mut self, edges: &Edges, bench: &Bench) {
        let Some(n) = self.channels.iter().position(|c| c.name == edges.channel) else { return };
        self.channels[n].alive = true;
        if !matches!(self.stage, Stage::Dwell { .. }) {
            return;
        }
        // Pulse by pulse, so that it doesn't matter in which batches they came.
        for at in edges.times() {
            self.channels[n].pulses += 1;
            // Too much for this dwell: begin again after it, as long as there is time.
            if upper_bound(&self.channels[n]) > bench.safe_down.at_most.0 {
                self.dwell_again(at, bench);
            }
        }
    }

    /// The bench itself has failed: nothing that its lines have answered can be relied on.
    pub fn bench_failed(&mut self, why: &str) {
        self.lines_failed.push(why.to_owned());
    }

    /// Facts of the dwell are missing: what was not counted may have flowed.
    pub fn lost(&mut self, now: RigTime, lost: &Lost, bench: &Bench) {
        if !matches!(self.stage, Stage::Dwell { .. }) {
            return;
        }
        for flow in self.channels.iter_mut().filter(|c| lost.channel.as_ref().is_none_or(|name| *name == c.name)) {
            flow.lost = true;
        }
        if self.channels.iter().any(|c| c.lost) {
            self.dwell_again(now, bench);
        }
    }

    /// Begins the dwell again at `at`, as long as there is time for a whole one.
    fn dwell_again(&mut self, at: RigTime, bench: &Bench) {
        if let Stage::Dwell { last, .. } = self.stage
            && at + bench.safe_down.dwell <= last
        {
            self.stage = Stage::Dwell { began: at, last };
            self.channels.iter_mut().for_each(|c| (c.pulses, c.lost) = (0, false));
        }
    }

    pub fn tick(&mut self, now: RigTime, bench: &Bench, started: bool, next_id: &mut dyn FnMut() -> u64) -> Vec<Wish> {
        match self.stage {
            Stage::Stopping { until } if now >= until => return self.move_lines(now, bench, next_id),
            Stage::Lines { until } if now >= until => {
                self.lines_failed.push(format!("{} lines did not answer", self.outstanding.len()));
                self.begin_dwell(now, bench);
            }
            Stage::Dwell { began, last } if now >= (began + bench.safe_down.dwell).min(last) => {
                self.stage = Stage::Done(self.judge(now - began, bench, started));
            }
            _ => {}
        }
        Vec::new()
    }

    pub fn shown(&self) -> Option<&SafeShown> {
        match &self.stage {
            Stage::Done(shown) => Some(shown),
            _ => None,
        }
    }

    fn move_lines(&mut self, now: RigTime, bench: &Bench, next_id: &mut dyn FnMut() -> u64) -> Vec<Wish> {
        let wishes: Vec<Wish> =
            bench.lines.iter().map(|l| Wish::Line { id: next_id(), line: l.name.clone(), active: l.safe_active }).collect();
        self.outstanding = wishes.iter().filter_map(|w| if let Wish::Line { id, .. } = w { Some(*id) } else { None }).collect();
        self.stage = Stage::Lines { until: now + LINES_WITHIN };
        if wishes.is_empty() {
            self.begin_dwell(now, bench);
        }
        wishes
    }

    fn begin_dwell(&mut self, now: RigTime, bench: &Bench) {
        self.stage = Stage::Dwell { began: now, last: now + Span(bench.safe_down.dwell.0 * MAX_DWELLS) };
    }

    fn judge(&self, dwell: Span, bench: &Bench, started: bool) -> SafeShown {
        let lines_safe = self.lines_failed.is_empty();
        let lost: Vec<&str> = self.channels.iter().filter(|c| c.alive && c.lost).map(|c| &*c.name).collect();
        let alive = self.channels.iter().filter(|c| c.alive);
        let at_most = alive.map(upper_bound).reduce(f64::max).map(Volume).filter(|_| lost.is_empty());
        let allowed = bench.safe_down.at_most;
        let bounded = at_most.is_some_and(|v| v.0 <= allowed.0);
        // Strokes may be further apart than the dwell is long: silence alone shows nothing of a pump that may still run.
        let off = bench.line("power").is_some_and(|l| !l.safe_active);
        let (shown, reason) = match (lines_safe, at_most) {
            (false, _) => (false, self.lines_failed.join("; ")),
            _ if !self.stop_acknowledged && !off => {
                (false, "the pump did not acknowledge the stop, and the bench can't switch it off".into())
            }
            _ if !lost.is_empty() => (false, format!("facts of {} were lost while flow was to be shown to have stopped", lost.join(", "))),
            (true, Some(v)) if bounded => (true, format!("at most {v} in {dwell}")),
            (true, Some(v)) => (false, format!("up to {v} came in {dwell}")),
            (true, None) if !started => (true, "no flow sensor was shown to be alive, but the pump was never started in this run".into()),
            (true, None) => (false, "no flow sensor was shown to be alive, so nothing shows that flow has stopped".into()),
        };
        SafeShown { shown, stop_acknowledged: self.stop_acknowledged, lines_safe, dwell, at_most, allowed, reason }
    }
}

/// The most that can have come when this many pulses were counted: one more may be under way.
fn upper_bound(flow: &Flow) -> f64 {
    (flow.pulses + 1) as f64 * flow.most_per_pulse + flow.at_rest
}

/// The most that one pulse may stand for, µL: at the least K-factor that the sensor has anywhere, and with all that is stated of it added up.
/// Where nobody states the K-factor's uncertainty a pulse is taken for twice its volume: a sensor further off would be none.
fn most_per_pulse(sensor: &FlowSensor) -> f64 {
    let accuracy = &sensor.accuracy;
    let temperature = accuracy.temperature_percent_per_kelvin * accuracy.temperature_band;
    let percent = sensor.k_uncertainty_percent.unwrap_or(100.0) + accuracy.linearity_percent + temperature + accuracy.missed_percent;
    let k_factor = sensor.curve.points().iter().map(|p| p.k_factor).fold(sensor.k_factor, f64::min);
    (1.0 + percent / 100.0) / k_factor
}
