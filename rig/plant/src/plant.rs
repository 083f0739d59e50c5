//! The plumbing of a simulated bench, moved from event to event.

use rig_model::bench::{self, Channel};
use rig_model::input::{Edges, PlantChange};
use rig_model::quantity::{Flow, Pressure, Volume};
use rig_model::time::{RigTime, Span};

use crate::head::{Head, STALL_PRESSURE};
use crate::line::{Plumbing, Point, Stretch};
use crate::noise::Noise;
use crate::sensor::{Clock, Place, Sensor};

/// No line is stiffer, µL/kPa: without any compliance its pressure would jump.
const STIFFEST: f64 = 1e-6;

/// No catheter is wider, Pa·s/m³: without any resistance its flow would jump.
const WIDEST: f64 = 1e6;

/// Pa·s/m³ in kPa·s/µL.
const RESISTANCE_UNIT: f64 = 1e-12;

/// Absolute pressure at the tip at the least, as a fraction of ambient: a bubble has no volume in a vacuum.
const THINNEST: f64 = 0.01;

/// Streams of noise; the sensors have those from `SENSORS` on.
const STROKES: u64 = 0;
const PRESSURE: u64 = 1;
const SENSORS: u64 = 2;

/// Reservoir, pump head, line, catheter and sensors.
///
/// Volumes in µL, pressures in kPa above ambient, flows in µL/h. Values out of the physical range (a negative volume, a NaN) are
/// taken as the nearest that is in it.
#[derive(Debug, Clone)]
pub struct Plant {
    now: RigTime,
    head: Head,
    sensors: Vec<Sensor>,
    line: Stretch,
    /// Where `now` is in `line`.
    here: Point,
    /// Start of `line`, ns, and what is on top of it, 0 to 1.
    start: i64,
    fraction: f64,
    /// The first level of pressure that `line` passes.
    level: Option<(Point, f64)>,
    valves: Valves,
    dead_volume: f64,
    /// The part of the dead volume that no fluid has reached.
    dry: f64,
    /// Fluid out of the tip and out of the leak before `line` began.
    delivered: f64,
    leaked: f64,
    pressure_deviation: f64,
    pressure_noise: Noise,
}

/// What makes up the present [`Plumbing`].
#[derive(Debug, Clone, Copy)]
struct Valves {
    occluded: bool,
    leaking: bool,
    /// Pa·s/m³.
    resistance: f64,
    factor: f64,
    /// µL/(h·kPa).
    leak: f64,
    compliance: f64,
    ambient: f64,
    bubble: f64,
    tip: f64,
}

/// Why a stretch of the line ends by itself.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Event {
    StrokeEnds(RigTime),
    ReservoirRunsOut,
    /// Fluid arrives at the tip of an unprimed catheter.
    FrontArrives,
    /// The pressure is at a level (kPa) at which a sensor's view changes or the head stalls.
    Level(f64),
}

impl Plant {
    /// Fresh plumbing at the instant `at`: reservoir full, catheter primed, line at the pressure of the tip, valves as the patient has them.
    ///
    /// Flow channels whose name ends in `.pump` are at the outlet of the pump head, before line and leak; in `.tip`, at the tip of the catheter;
    /// others see nothing.
    pub fn new(config: &bench::Plant, channels: &[Channel], seed: u64, at: RigTime) -> Self {
        let ambient = config.ambient_pressure.0.max(1.0);
        let valves = Valves {
            occluded: false,
            leaking: false,
            resistance: config.resistance,
            factor: 1.0,
            leak: config.leak.max(0.0),
            compliance: config.compliance.max(STIFFEST),
            ambient,
            bubble: 0.0,
            tip: config.tip_pressure.0.max(ambient * (THINNEST - 1.0)),
        };
        let sensors = channels.iter().zip(SENSORS..).filter_map(|(channel, stream)| Sensor::new(channel, config, Noise::new(seed, stream)));
        let mut plant = Self {
            now: at,
            head: Head::new(config, Noise::new(seed, STROKES)),
            sensors: sensors.collect(),
            line: Stretch::new(valves.plumbing(), valves.tip, 0.0),
            here: Point::default(),
            start: at.0,
            fraction: 0.0,
            level: None,
            valves,
            dead_volume: config.dead_volume.0.max(0.0),
            dry: 0.0,
            delivered: 0.0,
            leaked: 0.0,
            pressure_deviation: config.pressure_noise.0,
            pressure_noise: Noise::new(seed, PRESSURE),
        };
        plant.begin(valves.tip);
        plant
    }

    /// Moves time on to `to` and appends the edges later than the last advance and not later than `to`: per channel in time order and
    /// numbered on, a batch for each run of one sense (long runs in several). An earlier `to` changes nothing.
    pub fn advance(&mut self, to: RigTime, out: &mut Vec<Edges>) {
        if to > self.now {
            self.move_line(to);
            self.now = to;
        }
        for sensor in &mut self.sensors {
            sensor.hand_over(self.now, out);
        }
    }

    /// The pump head begins a stroke now, at the instant of the last advance: nominally `volume` over `duration` at constant flow.
    /// The true volume is that times gain, noise and efficiency of the reservoir. A stroke still running ends here. Against more than 500 kPa the head stalls.
    pub fn stroke(&mut self, volume: Volume, duration: Span) {
        self.change_now(|plant, pressure| plant.head.start(volume, duration, plant.now, pressure));
    }

    /// The pump head stops where it is; what it has not moved stays in the reservoir.
    pub fn abort_stroke(&mut self) {
        self.change_now(|plant, _| plant.head.end_stroke());
    }

    /// Closes or opens the occluder at the tip.
    pub fn set_occluder(&mut self, closed: bool) {
        self.change_now(|plant, _| plant.valves.occluded = closed);
    }

    /// Opens or closes the leak between pump head and tip.
    pub fn set_leak(&mut self, open: bool) {
        self.change_now(|plant, _| plant.valves.leaking = open);
    }

    /// Makes a change to the plumbing now. The pressure stays as it is and relaxes from there. `Fresh` is not for this
    /// method: a fresh bench is a new `Plant`.
    pub fn change(&mut self, change: &PlantChange) {
        self.change_now(|plant, _| match *change {
            PlantChange::Reservoir { volume } => plant.head.reservoir = volume.0.max(0.0),
            PlantChange::Catheter { primed } => plant.dry = if primed { 0.0 } else { plant.dead_volume },
            PlantChange::AirBubble { volume } => plant.valves.bubble = volume.0.max(0.0),
            PlantChange::Resistance { factor } => plant.valves.factor = factor.max(0.0),
            PlantChange::TipPressure { pressure } => plant.valves.tip = pressure.0.max(plant.valves.ambient * (THINNEST - 1.0)),
            _ => {}
        });
    }

    /// The true pressure in the line.
    pub fn line_pressure(&self) -> Pressure {
        Pressure(self.line.pressure(&self.here))
    }

    /// One reading of the bench's pressure channel: the true pressure and noise. Its range is not enforced here.
    pub fn read_pressure(&mut self) -> Pressure {
        Pressure(self.line_pressure().0 + self.pressure_deviation * self.pressure_noise.normal())
    }

    /// What the reservoir truly holds.
    pub fn reservoir(&self) -> Volume {
        Volume((self.head.reservoir - self.head.draws(self.here.t).0).max(0.0))
    }

    /// Fluid that has left the tip, less what came back; the air ahead of it in an unprimed catheter doesn't count.
    pub fn delivered_at_tip(&self) -> Volume {
        Volume(self.delivered + if self.dry > 0.0 { 0.0 } else { self.line.out(&self.here) })
    }

    /// Air that the pump head has drawn instead of fluid.
    pub fn air_drawn(&self) -> Volume {
        Volume(self.head.air_drawn + self.head.draws(self.here.t).1)
    }

    /// Fluid that the pump head has moved out of the reservoir.
    pub fn pumped(&self) -> Volume {
        Volume(self.head.pumped + self.head.draws(self.here.t).0)
    }

    /// Fluid lost through the leak.
    pub fn leaked(&self) -> Volume {
        Volume(self.leaked + self.line.leaked(&self.here))
    }

    /// True stroke volume over nominal.
    pub fn gain(&self) -> f64 {
        self.head.gain
    }

    /// From the next stroke on.
    pub fn set_gain(&mut self, gain: f64) {
        self.head.gain = gain;
    }

    /// The flow that the pump head lets through at all times.
    pub fn extra_flow(&self) -> Flow {
        Flow(self.head.extra * 3600.0)
    }

    /// From now on the pump head lets this flow through at all times, strokes or not, as long as there is fluid.
    pub fn set_extra_flow(&mut self, flow: Flow) {
        self.change_now(|plant, _| plant.head.extra = flow.0.max(0.0) / 3600.0);
    }

    /// The instant of the last advance.
    pub fn now(&self) -> RigTime {
        self.now
    }

    fn move_line(&mut self, to: RigTime) {
        // Between strokes nothing moves: the state at the instant of settling is the state now.
        if self.head.stroke_ends().is_none() && self.line.is_still(&self.here) {
            return;
        }
        // Each event is passed once: the stroke ends, the front arrives, the pressure tends one way through a few levels.
        while let Some((point, event)) = self.next_event(to) {
            self.pass(point, event);
        }
        self.here = self.line.at_time(self.elapsed(to));
        self.watch(self.here, to.0);
    }

    /// Ends the present stretch, makes a change that may use the pressure, and begins the next.
    fn change_now(&mut self, change: impl FnOnce(&mut Self, f64)) {
        let pressure = self.end(self.here);
        (self.start, self.fraction) = (self.now.0, 0.0);
        change(self, pressure);
        self.begin(pressure);
    }

    /// The first event not later than `to`.
    fn next_event(&self, to: RigTime) -> Option<(Point, Event)> {
        let stroke_ends = self.head.stroke_ends().filter(|ends| *ends <= to);
        let horizon = self.elapsed(stroke_ends.unwrap_or(to));
        let mut first = stroke_ends.map(|ends| (horizon, Event::StrokeEnds(ends)));
        let mut point = None;
        if let Some(t) = self.head.lasts().filter(|t| *t < horizon) {
            first = Some((t, Event::ReservoirRunsOut));
        }
        if let Some((at, level)) = self.level
            && at.t <= first.map_or(horizon, |(t, _)| t)
        {
            (first, point) = (Some((at.t, Event::Level(level))), Some(at));
        }
        if self.dry > 0.0 {
            let last = point.unwrap_or_else(|| self.line.at_time(first.map_or(horizon, |(t, _)| t)));
            if self.line.out(&last) >= self.dry {
                return Some((self.line.when_out(self.dry, &Point::default(), &last), Event::FrontArrives));
            }
        }
        let (t, event) = first?;
        Some((point.unwrap_or_else(|| self.line.at_time(t)), event))
    }

    fn pass(&mut self, point: Point, event: Event) {
        let ns = self.fraction + point.t * 1e9;
        let whole = ns.floor();
        let (start, fraction) = match event {
            Event::StrokeEnds(at) => (at.0, 0.0),
            _ => (self.start.saturating_add(whole as i64), ns - whole),
        };
        // The instant after a fractional one is the first at which the event is seen to have happened.
        let until = if fraction > 0.0 { start.saturating_add(1) } else { start };
        self.watch(point, until);
        let mut pressure = self.end(point);
        (self.start, self.fraction) = (start, fraction);
        match event {
            Event::StrokeEnds(_) => self.head.end_stroke(),
            Event::ReservoirRunsOut => self.head.run_out(),
            Event::FrontArrives => self.dry = 0.0,
            Event::Level(level) => {
                pressure = level;
                if level >= STALL_PRESSURE {
                    self.head.end_stroke();
                }
            }
        }
        self.begin(pressure);
    }

    fn watch(&mut self, to: Point, until: i64) {
        let clock = Clock { start: self.start, fraction: self.fraction, after: self.now.0, until: until.max(self.now.0 + 1) };
        for sensor in &mut self.sensors {
            sensor.watch(&self.line, &to, clock);
        }
    }

    /// Books what the present stretch moved up to `at` and gives the pressure there.
    fn end(&mut self, at: Point) -> f64 {
        for sensor in &mut self.sensors {
            sensor.end(&self.line, &at);
        }
        let out = self.line.out(&at);
        if self.dry > 0.0 {
            self.dry = (self.dry - out).clamp(0.0, self.dead_volume);
        } else {
            self.delivered += out;
        }
        self.leaked += self.line.leaked(&at);
        self.head.advance(at.t);
        self.line.pressure(&at)
    }

    /// Begins a stretch at `start` with the present valves and flow.
    fn begin(&mut self, pressure: f64) {
        let inflow = self.head.flow();
        self.line = Stretch::new(self.valves.plumbing(), pressure, inflow);
        self.here = Point::default();
        self.level = self.first_level();
        for sensor in &mut self.sensors {
            sensor.begin(&self.line, inflow, self.dry <= 0.0);
        }
    }

    fn first_level(&self) -> Option<(Point, f64)> {
        let Plumbing { tip, tip_conductance: g, .. } = self.line.plumbing;
        let stall = self.head.stroke_ends().map(|_| STALL_PRESSURE);
        // At the pressure of the tip the flow turns round; the closed forms for what leaves there hold for one direction.
        let turn = (g > 0.0).then_some(tip);
        let tips = self.sensors.iter().filter(|s| g > 0.0 && s.place == Place::Tip);
        let ranges = tips.flat_map(|s| [tip - s.max_flow / g, tip + s.max_flow / g]);
        let nearest = ranges.chain(stall).chain(turn).filter(|level| self.line.passes(*level)).min_by(|a, b| {
            let distance = |level: &f64| (level - self.line.start).abs();
            distance(a).total_cmp(&distance(b))
        })?;
        Some((self.line.reaches(nearest)?, nearest))
    }

    /// Seconds from the start of the present stretch.
    fn elapsed(&self, at: RigTime) -> f64 {
        ((at.0.saturating_sub(self.start)) as f64 - self.fraction).max(0.0) / 1e9
    }
}

impl Valves {
    fn plumbing(&self) -> Plumbing {
        Plumbing {
            compliance: self.compliance,
            ambient: self.ambient,
            bubble: self.bubble,
            tip: self.tip,
            tip_conductance: if self.occluded { 0.0 } else { 1.0 / ((self.resistance * self.factor).max(WIDEST) * RESISTANCE_UNIT) },
            leak_conductance: if self.leaking { self.leak / 3600.0 } else { 0.0 },
        }
    }
}
