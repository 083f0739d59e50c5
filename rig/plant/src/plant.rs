//! The plumbing of a simulated bench, moved from event to event.

use rig_model::bench::{self, Channel};
use rig_model::input::Edges;
use rig_model::quantity::{Concentration, Flow, Pressure, Volume};
use rig_model::time::{RigTime, Span};

use crate::drug::DrugLine;
use crate::head::{Ends, Head, STALL_PRESSURE};
use crate::line::{Path, Point, Stretch};
use crate::noise::Noise;
use crate::photometer::Photometer;
use crate::sensor::{Clock, Place, Sensor};
use crate::valves::Valves;

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
    pub(crate) head: Head,
    sensors: Vec<Sensor>,
    photometer: Option<Photometer>,
    pub(crate) drug: DrugLine,
    pub(crate) line: Stretch,
    /// Where `now` is in `line`.
    pub(crate) here: Point,
    /// Start of `line`, ns, and what is on top of it, 0 to 1.
    start: i64,
    fraction: f64,
    /// The first level of pressure that `line` passes.
    level: Option<(Point, f64)>,
    pub(crate) valves: Valves,
    pub(crate) dead_volume: f64,
    /// The part of the dead volume that no fluid has reached.
    pub(crate) dry: f64,
    /// Fluid out of the tip and out of the leak before `line` began.
    pub(crate) delivered: f64,
    pub(crate) leaked: f64,
    /// Fluid lost where the catheter came off, and back in the reservoir, before `line` began.
    pub(crate) lost: f64,
    pub(crate) returned: f64,
    /// What needles put beside the pump, µL.
    pub(crate) in_pocket: f64,
    pressure_deviation: f64,
    pressure_noise: Noise,
}

/// Why a stretch of the line ends by itself.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Event {
    StrokeEnds(RigTime),
    ReservoirRunsOut,
    /// The valves of the head hold again what is in a reservoir that was too full.
    SpillEnds,
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
        let valves = Valves::new(config);
        let sensors = channels.iter().zip(SENSORS..).filter_map(|(channel, stream)| Sensor::new(channel, config, Noise::new(seed, stream)));
        let mut streams = channels.iter().zip(SENSORS..);
        let mut plant = Self {
            now: at,
            head: Head::new(config, Noise::new(seed, STROKES)),
            sensors: sensors.collect(),
            photometer: streams.find_map(|(channel, stream)| Photometer::new(channel, Noise::new(seed, stream))),
            drug: DrugLine::new(config),
            line: Stretch::new(valves.plumbing(None), valves.tip(), 0.0),
            here: Point::default(),
            start: at.0,
            fraction: 0.0,
            level: None,
            valves,
            dead_volume: config.dead_volume.0.max(0.0),
            dry: 0.0,
            delivered: 0.0,
            leaked: 0.0,
            lost: 0.0,
            returned: 0.0,
            in_pocket: 0.0,
            pressure_deviation: config.pressure_noise.0,
            pressure_noise: Noise::new(seed, PRESSURE),
        };
        plant.begin(valves.tip());
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
        self.change_now(|plant, pressure| {
            plant.head.start(volume, duration, plant.now, pressure);
            pressure
        });
    }

    /// The pump head stops where it is; what it has not moved stays in the reservoir.
    pub fn abort_stroke(&mut self) {
        self.change_now(|plant, pressure| {
            plant.head.end_stroke();
            pressure
        });
    }

    /// Closes or opens the occluder at the tip.
    pub fn set_occluder(&mut self, closed: bool) {
        self.change_now(|plant, pressure| {
            plant.valves.occluded = closed;
            pressure
        });
    }

    /// Opens or closes the leak between pump head and tip.
    pub fn set_leak(&mut self, open: bool) {
        self.change_now(|plant, pressure| {
            plant.valves.leaking = open;
            pressure
        });
    }

    /// One reading of the bench's pressure channel: the true pressure and noise. Its range is not enforced here.
    pub fn read_pressure(&mut self) -> Pressure {
        Pressure(self.line_pressure().0 + self.pressure_deviation * self.pressure_noise.normal())
    }

    /// Appends the photometer's readings that the last advance brought.
    pub fn drug_readings(&mut self, out: &mut Vec<(RigTime, Concentration)>) {
        if let Some(photometer) = &mut self.photometer {
            photometer.hand_over(self.now, out);
        }
    }

    /// One reading of the photometer; nothing where the bench has none.
    pub fn read_drug(&mut self) -> Option<Concentration> {
        let concentration = self.tip_concentration().0;
        self.photometer.as_mut().map(|photometer| Concentration(photometer.read(concentration)))
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
        self.change_now(|plant, pressure| {
            plant.head.extra = flow.0.max(0.0) / 3600.0;
            pressure
        });
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

    /// Ends the present stretch, makes a change that may use the pressure and says what it is then, and begins the next.
    pub(crate) fn change_now(&mut self, change: impl FnOnce(&mut Self, f64) -> f64) {
        let pressure = self.end(self.here, self.elapsed(self.now));
        (self.start, self.fraction) = (self.now.0, 0.0);
        let pressure = change(self, pressure);
        self.begin(pressure);
    }

    /// The first event not later than `to`.
    fn next_event(&self, to: RigTime) -> Option<(Point, Event)> {
        let stroke_ends = self.head.stroke_ends().filter(|ends| *ends <= to);
        let horizon = self.elapsed(stroke_ends.unwrap_or(to));
        let mut first = stroke_ends.map(|ends| (horizon, Event::StrokeEnds(ends)));
        let mut point = None;
        if let Some((t, ends)) = self.head.lasts().filter(|(t, _)| *t < horizon) {
            let event = if ends == Ends::Fluid { Event::ReservoirRunsOut } else { Event::SpillEnds };
            first = Some((t, event));
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
        let mut pressure = self.end(point, point.t);
        (self.start, self.fraction) = (start, fraction);
        match event {
            Event::StrokeEnds(_) => self.head.end_stroke(),
            Event::ReservoirRunsOut => self.head.run_out(),
            Event::SpillEnds => self.head.spilt(),
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
        if let Some(photometer) = &mut self.photometer
            && self.dry <= 0.0
        {
            photometer.watch(&self.line, &to, clock, &self.drug);
        }
    }

    /// Books what the present stretch moved up to `at` and gives the pressure there. It lasted `seconds`, which are more than those of a point
    /// at which everything has come to rest.
    fn end(&mut self, at: Point, seconds: f64) -> f64 {
        for sensor in &mut self.sensors {
            sensor.end(&self.line, &at);
        }
        let out = self.line.out(&at);
        self.drug.advance(out, seconds, self.dry > 0.0);
        if self.dry > 0.0 {
            self.dry = (self.dry - out).clamp(0.0, self.dead_volume);
        } else {
            self.delivered += out;
        }
        let leaked = self.line.leaked(&at);
        let lost = leaked * self.valves.lost_share();
        self.leaked += leaked - lost;
        self.lost += lost;
        let returned = self.line.returned(&at);
        self.returned += returned;
        self.head.advance(at.t);
        self.head.reservoir += returned;
        self.line.pressure(&at)
    }

    /// Begins a stretch at `start` with the present valves and flow.
    fn begin(&mut self, pressure: f64) {
        self.head.feel(pressure);
        let inflow = self.head.flow();
        self.line = Stretch::new(self.valves.plumbing(None), pressure, inflow);
        // A valve that leaks back does so while nothing goes out through it, and into a lower pressure.
        let reservoir = self.head.pressure();
        if self.valves.leaks_back && self.head.rests() && (pressure > reservoir || (pressure == reservoir && self.line.limit > reservoir)) {
            self.line = Stretch::new(self.valves.plumbing(Some(reservoir)), pressure, inflow);
        }
        self.here = Point::default();
        self.level = self.first_level();
        for sensor in &mut self.sensors {
            sensor.begin(&self.line, inflow, self.dry <= 0.0);
        }
        self.drug.begin(self.line.tip_limit);
        let concentration = self.tip_concentration().0;
        if let Some(photometer) = &mut self.photometer {
            photometer.begin(concentration, self.start.saturating_add(1));
        }
    }

    fn first_level(&self) -> Option<(Point, f64)> {
        let stall = self.head.stroke_ends().map(|_| STALL_PRESSURE);
        // At the far end's pressure the flow turns round; the closed forms for what goes there hold for one direction.
        let (tip, back) = (self.line.tip(), self.line.back());
        let open = |path: &Path| path.conductance > 0.0;
        let turns = [tip, back].into_iter().filter(open).map(|path| path.reference);
        // What leaves by each way beyond the range of a sensor there.
        let ranges = self.sensors.iter().flat_map(|sensor| {
            let path = if sensor.place == Place::Tip { tip } else { back };
            let width = if open(&path) { sensor.max_flow / path.conductance } else { 0.0 };
            [path.reference - width, path.reference + width].into_iter().filter(move |_| open(&path))
        });
        // The pressure at which an outlet valve begins to leak back from nothing.
        let leaks = (self.valves.leaks_back && self.head.rests()).then(|| self.head.pressure());
        let others = stall.into_iter().chain(self.head.shuts_at()).chain(leaks);
        let nearest = ranges.chain(others).chain(turns).filter(|level| self.line.passes(*level)).min_by(|a, b| {
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
