//! One flow channel: its pulses against both bounds.

use std::sync::Arc;

use rig_metrology::{EffectiveK, FlowMeter, Gate, Measured, PeakRate, Pulses, RollingCount, hidden_in_bins, rate};
use rig_model::Name;
use rig_model::bench::{Bench, FlowSensor, Instrument};
use rig_model::input::{Lost, Sense};
use rig_model::time::{RigTime, Span};
use rig_model::verdict::DecisionRule;

use crate::band::{LINE_AT_REST, LINE_TOUCHED, STROKES, TOLERANCE};
use crate::drift::{Drift, Extreme};

/// The channel at the pump's outlet: what passes here was moved by the pump, whatever the line makes of it. What is missing is looked for here only.
pub(crate) const OUTLET: &str = "flow.pump";

/// Edges in a rolling window that are counted one by one; a day at 1 mL/h with 10 pulses/µL is 240,000.
const ROLLING_EDGES: usize = 1 << 17;

/// Intervals over which a flow above the sensor's range is looked for.
const PEAK_INTERVALS: u32 = 4;
const NEAR_SATURATION: f64 = 0.9;

#[derive(Debug)]
pub(crate) struct Meter {
    pub name: Name,
    pub certificate: Option<Name>,
    sensor: FlowSensor,
    clock_ppm: f64,
    stroke: f64,
    /// µL.
    per_pulse: f64,
    /// Expanded, as a fraction of a large volume.
    relative: f64,
    /// Expanded, µL/ns.
    zero: f64,
    k: EffectiveK,
    peak: PeakRate,
    /// As little as it may have been, and as much.
    over: [Drift; 2],
    /// As much as it may have been, and as little; at the outlet only.
    short: Option<[Drift; 2]>,
    at: RigTime,
    allowed: f64,
    owed: f64,
    line_touched: bool,
    /// What comes is not held against the pump.
    open: bool,
    pub pulses: u64,
    /// Of all pulses, µL.
    pub volume: f64,
    /// When some were first told to be lost, and why.
    pub lost: Option<(RigTime, String)>,
    pub spurious: bool,
    limit: Option<Limit>,
    /// The worst of limits that are no longer in force.
    passed: Option<Candidate>,
}

/// A volume that is not to be exceeded in any period.
#[derive(Debug)]
struct Limit {
    volume: f64,
    window: Span,
    since: RigTime,
    count: RollingCount,
}

/// A span of time that one bound is judged by.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    /// By how much the delivered volume is beyond the bound.
    pub beyond: Measured,
    pub from: RigTime,
    pub to: RigTime,
    pub pulses: i64,
    pub delivered: f64,
    pub bound: f64,
    /// The bound is the limit of a period.
    pub of_limit: bool,
}

impl Meter {
    /// `None` for a channel that measures no flow.
    pub fn new(channel: &rig_model::bench::Channel, bench: &Arc<Bench>, at: RigTime, stroke: f64) -> Option<Self> {
        let Instrument::Flow(sensor) = &channel.instrument else { return None };
        let certificate = channel.certificate.as_ref().map(|c| c.id.clone());
        let meter = FlowMeter { sensor, certificate: certificate.as_ref(), clock_ppm: bench.clock_ppm };
        let many = meter.volume(Pulses { net: 1e6, k_factor: sensor.k_factor }, Gate::Free, Span::ZERO).estimate;
        let simple = bench.rule.is_some_and(|rule| rule.rule == DecisionRule::Simple);
        let relative = if simple || !many.is_sound() { 0.0 } else { many.expanded() / many.value };
        let drifts = || [(); 2].map(|()| Drift::new(at, -STROKES * stroke));
        Some(Self {
            name: channel.name.clone(),
            certificate,
            sensor: *sensor,
            clock_ppm: bench.clock_ppm,
            stroke,
            per_pulse: many.value / 1e6,
            relative,
            zero: if simple { 0.0 } else { sensor.zero_uncertainty / 3.6e12 },
            k: EffectiveK::new(sensor),
            peak: PeakRate::new(PEAK_INTERVALS),
            over: drifts(),
            short: (&*channel.name == OUTLET).then(drifts),
            at,
            allowed: 0.0,
            owed: 0.0,
            line_touched: false,
            open: false,
            pulses: 0,
            volume: 0.0,
            lost: None,
            spurious: false,
            limit: None,
            passed: None,
        })
    }

    pub fn is_outlet(&self) -> bool {
        self.short.is_some()
    }

    /// It resolves nothing better than the other, and its zero may be off by more.
    pub fn is_coarser_than(&self, other: &Self) -> bool {
        self.zero > other.zero && self.relative >= other.relative
    }

    /// What the line may have stored on its way to this channel.
    fn stored(&self) -> f64 {
        match (self.is_outlet(), self.line_touched) {
            (true, _) => 0.0,
            (false, false) => LINE_AT_REST,
            (false, true) => LINE_TOUCHED,
        }
    }

    pub fn touch_line(&mut self) {
        self.line_touched = true;
    }

    /// What comes from now on is not held against the pump, or is again.
    pub fn leave_open(&mut self, open: bool) {
        self.open = open;
    }

    /// The same for as long as it takes: the span begins anew.
    pub fn set_open(&mut self, at: RigTime, open: bool) {
        self.open = open;
        self.over.iter_mut().for_each(|drift| drift.begin(at));
    }

    /// The bounds have come this far.
    #[inline]
    pub fn settle(&mut self, at: RigTime, allowed: f64, owed: f64) {
        let drawn = self.zero * (at.0 - self.at.0) as f64;
        let more = allowed - self.allowed;
        for (drift, drawn) in self.over.iter_mut().zip([-drawn, drawn]) {
            drift.draw(drawn);
            drift.fall(more, at);
            // Without a pulse as well: something may have come that the zero hides.
            if drawn > 0.0 && !self.open {
                drift.note(at);
            }
        }
        if let Some(short) = &mut self.short {
            let more = owed - self.owed;
            if more != 0.0 || drawn != 0.0 {
                // Where nothing had to come nothing more can be missing.
                let most = if more == 0.0 { 0.0 } else { drawn };
                for (drift, drawn) in short.iter_mut().zip([-drawn, most]) {
                    drift.draw(drawn);
                    drift.fall(-more, at);
                    drift.note_pending(at);
                }
            }
        }
        (self.at, self.allowed, self.owed) = (at, allowed, owed);
    }

    /// Where the bounds were at an instant between the last one at which they were settled and one at which they have come this far. At each
    /// change of a rate they are settled, so that they rise evenly in between.
    #[cold]
    pub fn on_the_way(&self, at: RigTime, (to, allowed, owed): (RigTime, f64, f64)) -> (RigTime, f64, f64) {
        let whole = (to.0 - self.at.0) as f64;
        let part = if whole > 0.0 { ((at.0 - self.at.0) as f64 / whole).clamp(0.0, 1.0) } else { 0.0 };
        (at.max(self.at), self.allowed + part * (allowed - self.allowed), self.owed + part * (owed - self.owed))
    }

    /// One pulse, the bounds having been settled up to it.
    #[inline]
    pub fn pulse(&mut self, at: RigTime, sense: Sense) {
        self.pulses += 1;
        self.k.push(at, sense);
        let net = if sense == Sense::Reverse { -1 } else { 1 };
        if net > 0 {
            self.peak.push(at);
        }
        if !self.sensor.curve.points().is_empty() {
            self.per_pulse = 1.0 / self.k.k_factor();
        }
        let volume = self.per_pulse * net as f64;
        self.volume += volume;
        let weights = [1.0 - self.relative, 1.0 + self.relative];
        for (drift, weight) in self.over.iter_mut().zip(weights).filter(|_| !self.open) {
            drift.pulse(net, volume);
            drift.rise(volume * weight);
            drift.note(at);
        }
        for (drift, weight) in self.short.iter_mut().flatten().zip([weights[1], weights[0]]) {
            drift.pulse(net, volume);
            drift.fall(volume * weight, at);
        }
        if let Some(limit) = self.limit.as_mut().filter(|_| !self.open) {
            limit.count.push(at, net);
        }
    }

    /// Boluses that are under way hold this volume: what is not yet delivered of it is not forgotten, and what came of it early neither.
    pub fn set_alive(&mut self, at: RigTime, volume: f64) {
        let floor = -(STROKES * self.stroke + volume);
        let stored = self.stored();
        self.over.iter_mut().for_each(|drift| drift.set_floor(floor - stored, at));
        self.short.iter_mut().flatten().for_each(|drift| drift.set_floor(floor, at));
    }

    /// The rate changed: the stroke that was under way may count for either.
    pub fn rate_changed(&mut self, at: RigTime) {
        let stroke = self.stroke;
        self.over.iter_mut().chain(self.short.iter_mut().flatten()).for_each(|drift| drift.fall(stroke, at));
    }

    /// Nothing that is missing up to now can still be excused.
    pub fn commit(&mut self) {
        self.short.iter_mut().flatten().for_each(Drift::commit);
    }

    /// What was missing since the last word of the pump is excused, and what is missing from now on is counted anew. How much that was, µL.
    pub fn excuse(&mut self, at: RigTime) -> f64 {
        let missing = self.short.as_ref().map_or(0.0, |[least, _]| least.above_floor());
        for drift in self.short.iter_mut().flatten() {
            drift.pending = None;
            drift.begin(at);
        }
        missing
    }

    /// From now on no more than this in any period of this length; `None` lifts it.
    pub fn set_limit(&mut self, at: RigTime, limit: Option<(f64, Span)>) {
        let old = self.of_limit();
        self.passed = worse(self.passed.take(), old);
        self.limit = limit.map(|(volume, window)| Limit { volume, window, since: at, count: RollingCount::new(window, at, ROLLING_EDGES) });
    }

    pub fn lost(&mut self, at: RigTime, lost: &Lost) {
        self.lost.get_or_insert_with(|| (at, lost.why.clone()));
        self.spurious |= lost.spurious;
    }

    /// Why the pulses can't be turned into a volume, if so.
    pub fn out_of_range(&self) -> Option<String> {
        if let Some(peak) = self.peak.peak()
            && let Some(flow) = rate(peak.intervals.into(), peak.elapsed, self.sensor.k_factor)
            && flow >= self.sensor.max_flow * NEAR_SATURATION
        {
            return Some(format!("the flow reached {flow:.0} µL/h; the sensor's K-factor holds up to {:.0} µL/h", self.sensor.max_flow));
        }
        let (pulses, slowest, fastest) = self.k.outside()?;
        Some(format!("{pulses} pulses came at {slowest:.0} … {fastest:.0} µL/h, where the sensor's K-factor does not hold"))
    }

    /// The spans in which most came beyond what was allowed.
    pub fn excess(&self) -> Vec<Candidate> {
        let weights = [1.0 - self.relative, 1.0 + self.relative];
        let spans = self.over.iter().zip(weights).filter_map(|(drift, weight)| {
            let extreme = drift.best?;
            let bound = extreme.volume * weight + extreme.drawn - extreme.level;
            let beyond = self.measured(&extreme).above(bound).extreme_of(self.pulses.max(1));
            Some(candidate(&extreme, beyond, bound))
        });
        spans.chain(self.passed.clone()).chain(self.of_limit()).collect()
    }

    /// The spans in which most was missing of what had to flow.
    pub fn shortfall(&self) -> Vec<Candidate> {
        let weights = [1.0 + self.relative, 1.0 - self.relative];
        let spans = self.short.iter().flatten().zip(weights).filter_map(|(drift, weight)| {
            let extreme = drift.best?;
            let bound = extreme.level - extreme.drawn + extreme.volume * weight;
            let measured = self.measured(&extreme).taken_from(bound);
            Some(candidate(&extreme, measured.extreme_of(self.pulses.max(1)), bound))
        });
        spans.collect()
    }

    fn of_limit(&self) -> Option<Candidate> {
        let limit = self.limit.as_ref()?;
        let net = limit.count.current_max().max(0);
        let volume = net as f64 * self.per_pulse;
        let extreme = Extreme { level: 0.0, from: limit.since, to: self.at, pulses: net, volume, drawn: 0.0 };
        let bound = limit.volume * (1.0 + TOLERANCE) + STROKES * self.stroke + self.stored();
        let hidden = limit.count.bin_error();
        let measured = self.measured(&extreme);
        let measured = if hidden == 0 { measured } else { measured.with(hidden_in_bins(hidden, 1.0 / self.per_pulse, 1.0)) };
        let beyond = measured.above(bound).extreme_of(self.pulses.max(1));
        let to = limit.since.saturating_add(limit.window).min(self.at);
        Some(Candidate { beyond, from: limit.since, to, pulses: net, delivered: volume, bound, of_limit: true })
    }

    fn measured(&self, extreme: &Extreme) -> Measured {
        let meter = FlowMeter { sensor: &self.sensor, certificate: self.certificate.as_ref(), clock_ppm: self.clock_ppm };
        let pulses = Pulses { net: extreme.pulses as f64, k_factor: self.k.k_factor() };
        meter.volume(pulses, Gate::Free, extreme.to - extreme.from)
    }
}

fn candidate(extreme: &Extreme, beyond: Measured, bound: f64) -> Candidate {
    Candidate { beyond, from: extreme.from, to: extreme.to, pulses: extreme.pulses, delivered: extreme.volume, bound, of_limit: false }
}

fn worse(a: Option<Candidate>, b: Option<Candidate>) -> Option<Candidate> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if b.beyond.estimate.value > a.beyond.estimate.value { b } else { a }),
        (a, b) => a.or(b),
    }
}
