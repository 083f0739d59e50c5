//! The drug on its way: what has been changed in the reservoir arrives at the tip when the line's volume has gone out, and not all at once.
//!
//! Each change is a front. With x the volume that went out since, in dead volumes, the tip has got F(x) of the change:
//!
//! ```text
//! pushed through fast     F = 1 − 1/(4x²) from x = ½ on     (a paraboloid of laminar flow that does not mix)
//! infused slowly          F = Φ((x − 1)/s)                  (Taylor and Aris: s² = ⅓ f(T/τ) + 2 D T/L²)
//! ```
//!
//! T is the transit time of the line, τ the time in which diffusion across the bore evens out the velocities (a²/14.68 D = 1.09 τ), and
//! f(y) = 2(y − 1 + e⁻ʸ)/y², the share that is left of the convective variance ⅓: 1 for a push, 2τ/T for an infusion. Between the two laws lies
//! their mean by weight, f² for the first.
//!
//! Flow is seldom steady. Each front carries its spread v as a particle's whose velocity is that of the flow times a random factor of variance
//! ⅓ and correlation time τ: dv/dt = 2uw, dw/dt = u/3 − w/τ, solved in closed form for the mean flow u of a stretch. The transit time
//! for the laws is the one at which a steady flow would have made the spread that the front has.
//!
//! The drug delivered is the integral of F over volume, in closed form. Fronts add up, as the equation is linear. What is left out: fluid that comes
//! back from the patient is free of drug and leaves first; a front that goes back into the reservoir stays at the pump's outlet.

/// Fronts in one line at the most; one more, and the oldest is taken as complete: the concentration jumps by what it still lacked.
const MAX_FRONTS: usize = 8;

/// A front of which less than this is missing has passed. Of a pushed one, whose tail is long, half a per cent of the dead volume's dose is then still due.
const PASSED: f64 = 1e-4;

/// A front that has come less far than this has no spread to speak of: its transit time is that of the present flow.
const YOUNG: f64 = 0.02;

/// Slowest transit that is told apart, s: that of an ordinary line at the least rate of a pump.
const SLOWEST: f64 = 1e6;

/// What comes in at the tip and is less than this is rounding, µL: a picolitre.
const NOTHING: f64 = 1e-6;

/// a²/D over τ: so that ⅓·2τ/T is Taylor's d²/(96 D T).
const MIXING: f64 = 16.0;

/// Taylor's law holds up to this s; beyond it is the other law's weight that grows.
const WIDEST: f64 = 0.2;

/// µg in µg/mL · µL.
const PER_MICROLITRE: f64 = 1e-3;

/// The line as the drug sees it.
#[derive(Debug, Clone, Copy)]
struct Tube {
    /// Dead volume, µL.
    volume: f64,
    /// τ, s.
    evens_out: f64,
    /// 2 D/L², 1/s.
    diffuses: f64,
}

#[derive(Debug, Clone, Copy)]
struct Front {
    /// By how much the concentration changes, µg/mL.
    step: f64,
    /// How much has gone out since, in dead volumes.
    x: f64,
    /// v and w of the module's text.
    spread: f64,
    pace: f64,
    /// Since it left the reservoir, s.
    age: f64,
    law: Law,
}

/// How a front arrives, as long as the present stretch lasts.
#[derive(Debug, Clone, Copy)]
struct Law {
    /// Weight of the convective law, 0 to 1.
    pushed: f64,
    /// s.
    width: f64,
}

#[derive(Debug, Clone)]
pub(crate) struct DrugLine {
    tube: Tube,
    /// What the reservoir holds, µg/mL.
    reservoir: f64,
    /// At the tip without the fronts, µg/mL.
    base: f64,
    /// Oldest first.
    fronts: Vec<Front>,
    /// What came in at the tip and leaves first, µL.
    taken_in: f64,
    /// µg.
    delivered: f64,
}

impl DrugLine {
    pub(crate) fn new(config: &rig_model::bench::Plant) -> Self {
        let (radius, diffusion) = ((config.drug.bore.0 / 2.0).max(1e-4), config.drug.diffusion.max(1e-12));
        // A line without volume still has fronts that arrive one after the other.
        let volume = config.dead_volume.0.max(1e-6);
        // µL are mm³; radius in cm.
        let length = volume * 1e-3 / (core::f64::consts::PI * radius * radius);
        let tube = Tube { volume, evens_out: radius * radius / (MIXING * diffusion), diffuses: 2.0 * diffusion / (length * length) };
        let reservoir = config.drug.concentration.0.max(0.0);
        Self { tube, reservoir, base: reservoir, fronts: Vec::new(), taken_in: 0.0, delivered: 0.0 }
    }

    /// From now on the reservoir holds this, µg/mL.
    pub(crate) fn change(&mut self, concentration: f64) {
        let concentration = concentration.max(0.0);
        let step = concentration - self.reservoir;
        self.reservoir = concentration;
        if step == 0.0 {
            return;
        }
        if self.fronts.len() == MAX_FRONTS {
            self.base += self.fronts.remove(0).step;
        }
        let law = Law { pushed: 0.0, width: 0.0 };
        self.fronts.push(Front { step, x: 0.0, spread: 0.0, pace: 0.0, age: 0.0, law });
    }

    /// The line is full of what the reservoir holds, or empty.
    pub(crate) fn fill(&mut self) {
        self.fronts.clear();
        (self.base, self.taken_in) = (self.reservoir, 0.0);
    }

    /// A stretch begins whose flow at the tip tends to `flow`, µL/s.
    pub(crate) fn begin(&mut self, flow: f64) {
        for front in &mut self.fronts {
            front.law = self.tube.law(front, flow / self.tube.volume);
        }
    }

    /// `out` µL left the tip in `seconds`; `dry`: what left was air.
    pub(crate) fn advance(&mut self, out: f64, seconds: f64, dry: bool) {
        if !dry {
            self.delivered += self.dose(out);
            self.taken_in = self.left_of_taken_in(out);
        }
        if self.fronts.is_empty() {
            return;
        }
        for front in &mut self.fronts {
            front.advance(&self.tube, out, seconds);
        }
        while let Some(front) = self.fronts.first()
            && front.x > 1.0
            && 1.0 - front.law.share(front.x) < PASSED
        {
            self.base += self.fronts.remove(0).step;
        }
    }

    /// At the tip when `out` µL have left since the stretch began, µg/mL.
    pub(crate) fn at_tip(&self, out: f64) -> f64 {
        if self.left_of_taken_in(out) > 0.0 {
            return 0.0;
        }
        let arrived = |front: &Front| front.step * front.law.share(front.x + out / self.tube.volume);
        (self.base + self.fronts.iter().map(arrived).sum::<f64>()).max(0.0)
    }

    /// Delivered in all when `out` µL have left since the stretch began, µg.
    pub(crate) fn delivered(&self, out: f64) -> f64 {
        self.delivered + self.dose(out)
    }

    pub(crate) fn in_reservoir(&self) -> f64 {
        self.reservoir
    }

    /// Whether nothing changes at the tip, however much leaves.
    pub(crate) fn uniform(&self) -> bool {
        self.fronts.is_empty() && self.taken_in == 0.0
    }

    fn left_of_taken_in(&self, out: f64) -> f64 {
        let left = self.taken_in - out;
        if left > NOTHING { left } else { 0.0 }
    }

    /// Of the next `out` µL, µg.
    fn dose(&self, out: f64) -> f64 {
        let skipped = self.taken_in.min(out);
        if out <= 0.0 || skipped == out {
            return 0.0;
        }
        let volume = self.tube.volume;
        let of_front = |front: &Front| {
            let (from, to) = (front.x + skipped / volume, front.x + out / volume);
            front.step * (front.law.share_until(to) - front.law.share_until(from))
        };
        let of_fronts: f64 = self.fronts.iter().map(of_front).sum();
        (self.base * (out - skipped) + volume * of_fronts) * PER_MICROLITRE
    }
}

impl Front {
    fn advance(&mut self, tube: &Tube, out: f64, seconds: f64) {
        self.x = (self.x + out / tube.volume).max(0.0);
        if seconds <= 0.0 {
            return;
        }
        let (flow, times) = (out / tube.volume / seconds, seconds / tube.evens_out);
        // w tends to uτ/3; what is off decays.
        let (tends, decayed) = (flow * tube.evens_out / 3.0, -libm::expm1(-times));
        let off = self.pace - tends;
        self.spread = (self.spread + 2.0 * flow * tube.evens_out * (tends * times + off * decayed)).max(0.0);
        self.pace = tends + off * (1.0 - decayed);
        self.age += seconds;
    }
}

impl Tube {
    fn law(&self, front: &Front, flow: f64) -> Law {
        let transit = if front.x < YOUNG || front.spread == 0.0 {
            (1.0 / flow.abs()).min(SLOWEST)
        } else {
            let kept = (3.0 * front.spread / (front.x * front.x)).min(1.0);
            still_spread(kept) * self.evens_out / front.x
        };
        // When it arrives, at this pace.
        let age = if front.x < 1.0 { front.age + (1.0 - front.x) * transit } else { front.age / front.x };
        let kept = spread(transit / self.evens_out);
        let variance = kept / 3.0 + self.diffuses * age;
        Law { pushed: kept * kept, width: variance.sqrt().clamp(1e-9, WIDEST) }
    }
}

impl Law {
    /// F. Nothing flows more than twice as fast as the mean, so that nothing arrives before half of the dead volume: cut off there, the slow law lacks
    /// at most 0.04 % of the dose.
    fn share(&self, x: f64) -> f64 {
        if x < 0.5 {
            return 0.0;
        }
        self.pushed * (1.0 - 0.25 / (x * x)) + (1.0 - self.pushed) * gaussian((x - 1.0) / self.width)
    }

    /// Its integral from the start.
    fn share_until(&self, x: f64) -> f64 {
        if x < 0.5 {
            return 0.0;
        }
        let slow = |x: f64| {
            let z = (x - 1.0) / self.width;
            (x - 1.0) * gaussian(z) + self.width * libm::exp(-0.5 * z * z) / (2.0 * core::f64::consts::PI).sqrt()
        };
        self.pushed * (x + 0.25 / x - 1.0) + (1.0 - self.pushed) * (slow(x) - slow(0.5))
    }
}

/// Φ.
fn gaussian(z: f64) -> f64 {
    0.5 * libm::erfc(-z * core::f64::consts::FRAC_1_SQRT_2)
}

/// f of the module's text.
fn spread(y: f64) -> f64 {
    if y < 0.01 {
        return 1.0 - y / 3.0 * (1.0 - y / 4.0 * (1.0 - y / 5.0));
    }
    2.0 * (y + libm::expm1(-y)) / (y * y)
}

/// Its inverse. Newton's steps from the left, where f is above the value wanted: it is convex, so none overshoots.
fn still_spread(kept: f64) -> f64 {
    const STEPS: usize = 12;
    // f ≥ 1 − y/3 and f ≥ 2/y − 2/y²: where either has the value, f has it further on.
    let mut y = 3.0 * (1.0 - kept);
    if kept < 0.4 {
        y = y.max((1.0 + (1.0 - 2.0 * kept).sqrt()) / kept);
    }
    for _ in 0..STEPS {
        if y <= 0.0 {
            return 0.0;
        }
        // f' = 2(1 − e⁻ʸ)/y² − 2f/y
        let f = spread(y);
        let slope = if y < 0.01 { -1.0 / 3.0 + y / 6.0 } else { -2.0 * libm::expm1(-y) / (y * y) - 2.0 * f / y };
        let step = (kept - f) / slope;
        y += step;
        if step.abs() <= 1e-12 * y {
            break;
        }
    }
    y
}
