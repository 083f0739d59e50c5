//! What truly happens: liquid flows past a sensor whose K-factor, temperature, losses and clock are not quite what is stated.

use rig_metrology::FlowMeter;
use rig_model::bench::{Accuracy, FlowSensor};
use rig_model::quantity::Volume;
use rig_model::time::{RigTime, Span};

use crate::draws::Draws;

/// What is stated of a sensor and of the clock.
#[derive(Debug, Clone, Copy)]
pub struct Stated {
    pub k_factor: f64,
    pub k_percent: f64,
    pub accuracy: Accuracy,
    pub zero: f64,
    pub stamp: Span,
    pub clock_ppm: f64,
}

/// A pulse sensor with something of everything.
pub const FULL: Stated = Stated {
    k_factor: 10.0,
    k_percent: 1.0,
    accuracy: Accuracy {
        linearity_percent: 0.5,
        temperature_percent_per_kelvin: 0.1,
        temperature_band: 2.0,
        missed_percent: 0.3,
        start_stop: Volume(0.2),
    },
    zero: 0.0,
    stamp: Span::microseconds(10),
    clock_ppm: 100.0,
};

/// A pulse sensor of which only the K-factor's uncertainty is stated, as on the bench that comes with the rig.
pub const PLAIN: Stated = Stated {
    accuracy: Accuracy {
        linearity_percent: 0.0,
        temperature_percent_per_kelvin: 0.0,
        temperature_band: 0.0,
        missed_percent: 0.0,
        start_stop: Volume(0.0),
    },
    ..FULL
};

impl Stated {
    pub fn sensor(&self) -> FlowSensor {
        FlowSensor {
            k_factor: self.k_factor,
            k_uncertainty_percent: Some(self.k_percent),
            curve: Default::default(),
            accuracy: self.accuracy,
            min_flow: 0.0,
            max_flow: 1e6,
            stroke_gap: Span::seconds(2),
            bidirectional: true,
            zero_uncertainty: self.zero,
            resolution: 0.0,
            stamp_half_width: self.stamp,
            witness: Default::default(),
        }
    }

    pub fn meter<'s>(&self, sensor: &'s FlowSensor) -> FlowMeter<'s> {
        FlowMeter { sensor, certificate: None, clock_ppm: self.clock_ppm }
    }

    /// One bench of all that this statement is true of.
    pub fn bench(&self, draws: &mut Draws) -> Bench {
        let Accuracy { linearity_percent, temperature_percent_per_kelvin, temperature_band, missed_percent, start_stop } = self.accuracy;
        let k_error = self.k_percent / 200.0 * draws.normal();
        let linearity = draws.within(linearity_percent / 100.0);
        let temperature = temperature_percent_per_kelvin / 100.0 * draws.within(temperature_band);
        Bench {
            relative: (1.0 + k_error) * (1.0 + linearity) * (1.0 + temperature),
            lost: missed_percent / 100.0 * draws.uniform(),
            which_lost: draws.uniform(),
            held_back: draws.within(start_stop.0),
            zero: self.zero / 2.0 * draws.normal(),
            clock: 1.0 + 1e-6 * draws.within(self.clock_ppm),
            stamp_s: self.stamp.as_seconds(),
        }
    }
}

/// One bench as it truly is.
#[derive(Debug, Clone, Copy)]
pub struct Bench {
    /// True over stated K-factor.
    pub relative: f64,
    /// The share of the pulses that never arrive, evenly spread, and where among them it begins.
    lost: f64,
    which_lost: f64,
    /// What an end of a delivery adds, µL.
    pub held_back: f64,
    /// Flow that a sensor at rest shows, µL/h.
    pub zero: f64,
    /// Rig time over true time.
    pub clock: f64,
    stamp_s: f64,
}

impl Bench {
    /// How many of the first `n` pulses arrive.
    pub fn arrive(&self, n: f64) -> f64 {
        n - (self.lost * n + self.which_lost).floor()
    }

    /// Pulses that arrive between two instants: the rotor stands anywhere at the first (`phase`, 0 to 1), and turns by `turned` pulses.
    pub fn counted(&self, phase: f64, turned: f64) -> u64 {
        self.arrive((phase + turned).floor()).max(0.0) as u64
    }

    /// What the rig says is the time of something that happened at `true_s`.
    pub fn stamped(&self, true_s: f64, draws: &mut Draws) -> RigTime {
        RigTime::ZERO + Span::from_seconds(true_s * self.clock + draws.within(self.stamp_s))
    }

    /// How long a window truly lasts that the rig opens and closes so far apart.
    pub fn true_seconds(&self, window: Span) -> f64 {
        window.as_seconds() / self.clock
    }
}

/// A pump: a steady flow, or strokes.
#[derive(Debug, Clone, Copy)]
pub enum Pump {
    /// µL/h.
    Steady(f64),
    /// µL in `duration_s`, once in `period_s`.
    Strokes { volume: f64, duration_s: f64, period_s: f64 },
}

/// 0.5 mL a day in strokes of 1 µL that last 0.5 s.
pub const BASAL: Pump = Pump::Strokes { volume: 1.0, duration_s: 0.5, period_s: 172.8 };

impl Pump {
    /// µL that have come after so many seconds.
    pub fn volume(&self, s: f64) -> f64 {
        match *self {
            Self::Steady(flow) => flow * s / 3_600.0,
            Self::Strokes { volume, duration_s, period_s } => {
                let strokes = (s / period_s).floor();
                volume * (strokes + ((s - strokes * period_s) / duration_s).min(1.0))
            }
        }
    }

    /// When so much has come, s.
    pub fn time(&self, came: f64) -> f64 {
        match *self {
            Self::Steady(flow) => came / flow * 3_600.0,
            Self::Strokes { volume, duration_s, period_s } => {
                let strokes = (came / volume).floor();
                strokes * period_s + (came / volume - strokes) * duration_s
            }
        }
    }
}
