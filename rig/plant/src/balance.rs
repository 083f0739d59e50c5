//! A laboratory balance under the tip of the catheter, with a vessel on its pan.
//!
//! ```text
//! load  = vessel + s · (ρ · V − evaporation · t)          s = (1 − ρa/ρ) / (1 − ρa/ρb) / (1 − (d/D)²) · (1 + sensitivity error)
//! shown = round(settle(load) + drift + noise − zero − tare)
//! ```
//!
//! ρ is the liquid's density, ρa that of the air, ρb that of the weights by which the balance was adjusted. The tube of diameter d dips into the
//! liquid in a vessel of diameter D: as the liquid rises its buoyancy on the tube grows, and weighs on the pan. Settling is a first-order lag.
//!
//! The balance converts on a fixed grid of time, and a reading is the last conversion. Everything random belongs to a conversion, a
//! minute or a burst and not to a reading, so that looking more often changes nothing but what is seen. Between two looks the delivered
//! volume is taken to have grown evenly.

use rig_model::quantity::Volume;
use rig_model::time::{RigTime, Span};
use rig_model::weighing;

use crate::noise::Noise;

/// Streams of noise, away from those of the plumbing.
const CONVERSIONS: u64 = 1 << 32;
const WANDER: u64 = CONVERSIONS + 1;
const BURSTS: u64 = CONVERSIONS + 2;
const SHAKING: u64 = CONVERSIONS + 3;

/// The steps in which the drift walks.
const WANDER_STEP: Span = Span::minutes(1);
/// Bursts come no more often than this on average: each costs a draw.
const BURSTS_APART: f64 = 1.0;
/// No part of the vessel's cross-section above this is taken by the tube.
const WIDEST_TUBE: f64 = 0.99;

/// What a balance and its surroundings are like. Masses in mg as the balance shows them, unless a name says otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct BalanceParams {
    /// Density of the delivered liquid, kg/m³.
    pub liquid_density: f64,
    /// Density of the air around, kg/m³.
    pub air_density: f64,
    /// Density of the weights by which the balance was adjusted, kg/m³.
    pub weights_density: f64,
    /// Outer diameter of the tube in the liquid, mm; zero where it ends above.
    pub tube_diameter: f64,
    /// Inner diameter of the vessel, mm.
    pub vessel_diameter: f64,
    /// What stands on the pan from the beginning, mg.
    pub vessel: f64,
    /// Liquid that evaporates, mg/h.
    pub evaporation: f64,
    /// Relative error of the balance's sensitivity, ppm.
    pub sensitivity_error_ppm: f64,
    /// Standard deviation of one conversion, mg.
    pub noise: f64,
    /// Steady drift, mg/h.
    pub drift: f64,
    /// Random walk, mg in one hour as a standard deviation.
    pub wander: f64,
    /// Mean time between bursts of vibration; none if zero.
    pub vibration_every: Span,
    pub vibration_lasts: Span,
    /// Standard deviation that a burst adds to a conversion, mg.
    pub vibration: f64,
    /// Time constant with which the indication follows the load.
    pub settling: Span,
    /// The step of the indication (d), mg.
    pub resolution: f64,
    /// At rest is what changes by no more than so many steps for so long.
    pub rest_steps: f64,
    pub rest_for: Span,
    /// From one conversion to the next.
    pub conversion: Span,
    /// Gross load above which it shows overload, mg.
    pub capacity: f64,
    /// Gross load below which it shows underload, mg; negative.
    pub underload: f64,
    /// How far from where it was switched on zero may be set, mg.
    pub zero_range: f64,
}

impl BalanceParams {
    /// A semi-micro balance of 0.01 mg on a stone table, with pure water at 20 °C under an oil film. SOURCES 4.2 and 5.8.
    pub fn semi_micro() -> Self {
        Self {
            liquid_density: 998.207,
            air_density: 1.2,
            weights_density: 8_000.0,
            tube_diameter: 1.0,
            vessel_diameter: 10.0,
            vessel: 5_000.0,
            evaporation: 0.1,
            sensitivity_error_ppm: 0.0,
            noise: 0.015,
            drift: 0.0,
            wander: 0.02,
            vibration_every: Span::ZERO,
            vibration_lasts: Span::seconds(3),
            vibration: 1.0,
            settling: Span::milliseconds(500),
            resolution: 0.01,
            rest_steps: 2.0,
            rest_for: Span::seconds(1),
            conversion: Span::milliseconds(100),
            capacity: 120_000.0,
            underload: -1_000.0,
            zero_range: 2_000.0,
        }
    }

    /// The balance that a bench file describes: what is stated of liquid, air and tube is taken as true.
    pub fn of(bench: &weighing::Balance) -> Self {
        let ideal = Self::semi_micro().undisturbed();
        let air_density = match bench.air {
            weighing::Air::Stated { density, .. } => density,
            weighing::Air::Assumed | weighing::Air::Measured { .. } => ideal.air_density,
        };
        let (tube_diameter, vessel_diameter) = bench.tube.map_or((0.0, ideal.vessel_diameter), |t| (t.tube, t.vessel));
        let stated = Self {
            air_density,
            tube_diameter,
            vessel_diameter,
            wander: bench.wander,
            resolution: bench.resolution,
            capacity: bench.max,
            underload: bench.min,
            ..ideal
        };
        let Some(simulated) = bench.simulated else { return stated };
        Self {
            liquid_density: simulated.liquid_density,
            noise: simulated.noise,
            drift: simulated.drift,
            evaporation: simulated.evaporation,
            sensitivity_error_ppm: simulated.sensitivity_error_ppm,
            vibration_every: simulated.vibration_every,
            vibration: simulated.vibration,
            ..stated
        }
    }

    /// The same without anything that disturbs it.
    pub fn undisturbed(self) -> Self {
        Self { evaporation: 0.0, noise: 0.0, drift: 0.0, wander: 0.0, vibration_every: Span::ZERO, sensitivity_error_ppm: 0.0, ..self }
    }

    /// What the balance shows for one mg of liquid that came into the vessel.
    fn shown_per_mg(&self) -> f64 {
        let buoyancy = (1.0 - self.air_density / self.liquid_density) / (1.0 - self.air_density / self.weights_density);
        let taken = (self.tube_diameter / self.vessel_diameter).clamp(0.0, WIDEST_TUBE);
        buoyancy / (1.0 - taken * taken) * (1.0 + self.sensitivity_error_ppm * 1e-6)
    }
}

/// What the balance shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reading {
    Mass {
        /// Net, a whole number of steps, mg.
        mg: f64,
        /// At rest.
        stable: bool,
    },
    Overload,
    Underload,
}

/// Why zero or tare was not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutOfRange {
    Above,
    Below,
}

/// The balance, moved from look to look.
#[derive(Debug, Clone)]
pub struct Balance {
    params: BalanceParams,
    start: RigTime,
    /// The last look: when, what had been delivered (µL), and the settled indication then (mg).
    now: RigTime,
    delivered: f64,
    settled: f64,
    /// The last conversion.
    conversion: Conversion,
    zero: f64,
    tare: f64,
    noise: Noise,
    wander: Wander,
    bursts: Bursts,
}

#[derive(Debug, Clone, Copy)]
struct Conversion {
    number: u64,
    /// Gross, mg.
    gross: f64,
    stable: bool,
}

impl Balance {
    /// Switched on at the instant `at` with an empty pan, then loaded with the vessel; at rest.
    pub fn new(params: BalanceParams, seed: u64, at: RigTime) -> Self {
        let settled = params.vessel;
        let wander = Wander::new(params.wander, seed, at);
        let bursts = Bursts::new(&params, seed, at);
        let noise = Noise::new(seed, CONVERSIONS);
        let conversion = Conversion { number: 0, gross: settled, stable: true };
        let mut balance =
            Self { params, start: at, now: at, delivered: 0.0, settled, conversion, zero: 0.0, tare: 0.0, noise, wander, bursts };
        balance.conversion = balance.convert(0, settled, 0.0, 0.0);
        balance
    }

    /// What it shows at `at`, when `delivered` has left the tip since the beginning. An earlier `at` changes nothing.
    pub fn reading(&mut self, at: RigTime, delivered: Volume) -> Reading {
        if at > self.now {
            self.follow(at, delivered.0);
        }
        self.shown()
    }

    /// When it converts next; before that a reading is the same.
    pub fn next_conversion(&self) -> RigTime {
        self.time_of(self.conversion.number + 1)
    }

    /// Makes the present load zero, and forgets the tare.
    pub fn set_zero(&mut self) -> Result<(), OutOfRange> {
        let gross = self.conversion.gross;
        if gross.abs() > self.params.zero_range {
            return Err(if gross > 0.0 { OutOfRange::Above } else { OutOfRange::Below });
        }
        (self.zero, self.tare) = (gross, 0.0);
        Ok(())
    }

    /// Makes the present load, from zero on, the tare, and tells it in mg, a whole number of steps.
    pub fn set_tare(&mut self) -> Result<f64, OutOfRange> {
        let load = self.conversion.gross - self.zero;
        if self.conversion.gross > self.params.capacity {
            return Err(OutOfRange::Above);
        }
        if load < 0.0 {
            return Err(OutOfRange::Below);
        }
        self.tare = load;
        Ok(self.rounded(load))
    }

    /// Zero and tare are as after switching on.
    pub fn switch_on(&mut self) {
        self.zero = 0.0;
        self.tare = 0.0;
    }

    pub fn params(&self) -> &BalanceParams {
        &self.params
    }

    fn shown(&self) -> Reading {
        let Conversion { gross, stable, .. } = self.conversion;
        if gross > self.params.capacity {
            Reading::Overload
        } else if gross < self.params.underload {
            Reading::Underload
        } else {
            Reading::Mass { mg: self.rounded(gross - self.zero - self.tare), stable }
        }
    }

    fn rounded(&self, mg: f64) -> f64 {
        // Adding zero makes a negative zero a positive one.
        (mg / self.params.resolution).round() * self.params.resolution + 0.0
    }

    fn time_of(&self, conversion: u64) -> RigTime {
        RigTime(self.start.0.saturating_add(self.params.conversion.0.max(1).saturating_mul(conversion as i64)))
    }

    /// The load, in mg as it will be shown, when so much was delivered so long after the start.
    fn load(&self, delivered: f64, seconds: f64) -> f64 {
        // kg/m³ is 0.001 mg/µL.
        let liquid = delivered * self.params.liquid_density * 1e-3 - self.params.evaporation / 3_600.0 * seconds;
        self.params.vessel + self.params.shown_per_mg() * liquid
    }

    fn follow(&mut self, at: RigTime, delivered: f64) {
        let elapsed = |t: RigTime| (t - self.start).as_seconds();
        let length = (at - self.now).as_seconds();
        let (from, to) = (self.load(self.delivered, elapsed(self.now)), self.load(delivered, elapsed(at)));
        let slope = (to - from) / length;
        let number = (at - self.start).0 as u64 / self.params.conversion.0.max(1) as u64;
        if number > self.conversion.number {
            let t = (self.time_of(number) - self.now).as_seconds();
            let load = from + slope * t;
            let settled = self.settle(from, slope, t);
            self.conversion = self.convert(number, settled, load - settled, slope);
        }
        self.settled = self.settle(from, slope, length);
        (self.now, self.delivered) = (at, delivered);
    }

    /// The indication `t` s after the last look, when the load grows evenly from `from`: dy/dt = (x − y)/τ in closed form.
    fn settle(&self, from: f64, slope: f64, t: f64) -> f64 {
        let tau = self.params.settling.as_seconds();
        let lag = if tau > 0.0 { libm::exp(-t / tau) } else { 0.0 };
        let behind = slope * tau;
        from + slope * t - behind + (self.settled - from + behind) * lag
    }

    fn convert(&mut self, number: u64, settled: f64, lag: f64, slope: f64) -> Conversion {
        let at = self.time_of(number);
        let shaken = self.bursts.at(at, self.params.rest_for);
        let disturbed = self.params.noise * self.noise.normal_at(number)
            + self.wander.at(at)
            + self.params.drift * (at - self.start).as_hours()
            + if shaken.now { self.params.vibration * self.bursts.shaking.normal_at(number) } else { 0.0 };
        let change = slope.abs() * self.params.rest_for.as_seconds() + lag.abs();
        let stable = !shaken.lately && change <= self.params.rest_steps * self.params.resolution;
        Conversion { number, gross: settled + disturbed, stable }
    }
}

/// A random walk in steps of a minute, straight in between.
#[derive(Debug, Clone)]
struct Wander {
    noise: Noise,
    step: f64,
    /// The minute that has begun: when, and the values at its two ends.
    began: RigTime,
    from: f64,
    to: f64,
}

impl Wander {
    fn new(per_hour: f64, seed: u64, at: RigTime) -> Self {
        let mut noise = Noise::new(seed, WANDER);
        let step = per_hour * (WANDER_STEP.as_hours()).sqrt();
        let to = step * noise.normal();
        Self { noise, step, began: at, from: 0.0, to }
    }

    fn at(&mut self, at: RigTime) -> f64 {
        while at - self.began >= WANDER_STEP {
            self.began += WANDER_STEP;
            self.from = self.to;
            self.to += self.step * self.noise.normal();
        }
        let part = (at - self.began).0 as f64 / WANDER_STEP.0 as f64;
        self.from + (self.to - self.from) * part
    }
}

/// Bursts of vibration at random times: somebody walks by, a door falls shut.
#[derive(Debug, Clone)]
struct Bursts {
    gaps: Noise,
    shaking: Noise,
    /// Mean pause in s; none without bursts.
    every: Option<f64>,
    lasts: Span,
    /// The last burst that has begun, and the next.
    last: Option<RigTime>,
    next: RigTime,
}

#[derive(Debug, Clone, Copy)]
struct Shaken {
    now: bool,
    lately: bool,
}

impl Bursts {
    fn new(params: &BalanceParams, seed: u64, at: RigTime) -> Self {
        let every = (params.vibration_every > Span::ZERO).then(|| params.vibration_every.as_seconds().max(BURSTS_APART));
        let lasts = params.vibration_lasts;
        let mut bursts = Self { gaps: Noise::new(seed, BURSTS), shaking: Noise::new(seed, SHAKING), every, lasts, last: None, next: at };
        bursts.next = bursts.after(at);
        bursts
    }

    fn after(&mut self, at: RigTime) -> RigTime {
        let Some(every) = self.every else { return RigTime::MAX };
        at.saturating_add(Span::from_seconds(-every * libm::log(self.gaps.uniform())))
    }

    fn at(&mut self, at: RigTime, lately: Span) -> Shaken {
        while self.next <= at {
            self.last = Some(self.next);
            self.next = self.after(self.next + self.lasts);
        }
        let within = |more: Span| self.last.is_some_and(|last| at < last.saturating_add(self.lasts).saturating_add(more));
        Shaken { now: within(Span::ZERO), lately: within(lately) }
    }
}
