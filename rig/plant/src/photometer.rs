//! A photometer at the tip: it reports when the concentration has changed by a step.

use rig_model::bench::{Channel, DrugSensor, Instrument};
use rig_model::quantity::Concentration;
use rig_model::time::RigTime;

use crate::drug::DrugLine;
use crate::line::{Point, Stretch};
use crate::noise::Noise;
use crate::sensor::Clock;

/// Halvings of a volume until the place of a step in it is known to the last bit.
const HALVINGS: usize = 60;

/// Readings in one stretch at the most; the step is as fine as the range by then.
const MAX_READINGS: usize = 10_000;

/// How the stated uncertainty (k = 2) is made up: of what all readings of a bench have in common and of what each has for itself, both as
/// standard deviations over half of it. Together two thirds of what is stated, and cut off at the whole.
const IN_COMMON: f64 = 0.6;
const EACH: f64 = 0.3;

#[derive(Debug, Clone)]
pub(crate) struct Photometer {
    /// µg/mL.
    step: f64,
    /// Expanded uncertainty, a fraction.
    uncertainty: f64,
    /// What all readings err by, in standard uncertainties.
    in_common: f64,
    noise: Noise,
    /// The concentration of the last report; none before the first.
    last: Option<f64>,
    /// What had left the tip in this stretch at the last report, µL, and where that was.
    out: f64,
    at: Point,
    stamped: Vec<(i64, f64)>,
    last_stamp: i64,
}

impl Photometer {
    pub(crate) fn new(channel: &Channel, mut noise: Noise) -> Option<Self> {
        let Instrument::Drug(DrugSensor { step, uncertainty_percent, .. }) = channel.instrument else { return None };
        Some(Self {
            step: step.0.max(1e-9),
            uncertainty: uncertainty_percent.unwrap_or(0.0).max(0.0) / 100.0,
            in_common: IN_COMMON * noise.normal(),
            noise,
            last: None,
            out: 0.0,
            at: Point::default(),
            stamped: Vec::new(),
            last_stamp: i64::MIN,
        })
    }

    /// A stretch begins, at `at` ns, with this concentration at the tip.
    pub(crate) fn begin(&mut self, concentration: f64, at: i64) {
        (self.out, self.at) = (0.0, Point::default());
        if self.last.is_none_or(|last| (concentration - last).abs() >= self.step) {
            self.report(concentration, at);
        }
    }

    /// Looks on up to the point `to` of the stretch.
    pub(crate) fn watch(&mut self, stretch: &Stretch, to: &Point, clock: Clock, drug: &DrugLine) {
        if drug.uniform() && stretch.start >= stretch.plumbing.tip && stretch.limit >= stretch.plumbing.tip {
            return;
        }
        let end = stretch.out(to);
        for _ in 0..MAX_READINGS {
            let Some(last) = self.last else { return };
            let after = drug.at_tip(end);
            if (after - last).abs() < self.step {
                return;
            }
            let target = if after > last { last + self.step } else { last - self.step };
            let (mut low, mut high) = (self.out, end);
            for _ in 0..HALVINGS {
                let middle = low + 0.5 * (high - low);
                let passed = if after > last { drug.at_tip(middle) >= target } else { drug.at_tip(middle) <= target };
                if passed {
                    high = middle;
                } else {
                    low = middle;
                }
            }
            // A jump is reported once.
            let there = drug.at_tip(high);
            let concentration = if (there - target).abs() > 0.5 * self.step { there } else { target };
            (self.at, self.out) = (stretch.when_out(high, &self.at, to), high);
            self.report(concentration, clock.stamp(self.at.t));
        }
    }

    /// What it shows of this concentration, µg/mL; to be told.
    pub(crate) fn read(&mut self, concentration: f64) -> f64 {
        self.last = Some(concentration);
        let error = (self.in_common + EACH * self.noise.normal()) * self.uncertainty / 2.0;
        concentration * (1.0 + error.clamp(-self.uncertainty, self.uncertainty))
    }

    /// Appends the readings not later than `to`.
    pub(crate) fn hand_over(&mut self, to: RigTime, out: &mut Vec<(RigTime, Concentration)>) {
        let due = self.stamped.partition_point(|(ns, _)| *ns <= to.0);
        out.extend(self.stamped.drain(..due).map(|(ns, value)| (RigTime(ns), Concentration(value))));
    }

    fn report(&mut self, concentration: f64, at: i64) {
        let at = at.max(self.last_stamp.saturating_add(1));
        self.last_stamp = at;
        let shown = self.read(concentration);
        self.stamped.push((at, shown));
    }
}
