//! The line between two events in closed form.
//!
//! With g = g_tip + g_leak + g_back the pressure tends to P∞, and every other quantity follows from the depth
//! y = −ln((P∞ − P)/(P∞ − P₀)): the pressure is P₀ + (P∞ − P₀)(1 − e⁻ʸ), and time, by partial fractions of
//! dt = C(P) dP / (g (P∞ − P)), is
//!
//! ```text
//! g·t = (C + A/u∞²) y + (A/u∞)(1/u₀ − 1/u) + (A/u∞²) ln(u/u₀)        u = P + P_amb,  A = V_air·P_amb
//! ```
//!
//! which without air is y = t/RC. What leaves by each way follows from conservation. With nowhere to go (g = 0) the
//! line only stores: a quadratic.

/// Beyond this depth e⁻ʸ is lost in the rounding of a pressure: the line has settled.
const SETTLED: f64 = 40.0;

/// A root is found when a step in depth is this small: what is then left is of the order of its cube, 1e-12 of a time constant.
const ROOT_STEP: f64 = 1e-4;

/// A step this short takes a short series instead of an exponential: its last term left out is below the rounding.
const SHORT_STEP: f64 = 1e-2;

/// Steps of a bracketed root at the most: bisection alone would be down to the last bit by then.
const ROOT_STEPS: usize = 80;

/// Valves, catheter and bubble.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plumbing {
    /// Without air, µL/kPa.
    pub(crate) compliance: f64,
    /// kPa, absolute.
    pub(crate) ambient: f64,
    /// Volume of the air bubble at ambient pressure, µL.
    pub(crate) bubble: f64,
    /// kPa above ambient.
    pub(crate) tip: f64,
    /// µL/(s·kPa); zero while the occluder is closed.
    pub(crate) tip_conductance: f64,
    /// µL/(s·kPa); zero while the leak valve is closed.
    pub(crate) leak_conductance: f64,
    /// Back through the pump head, µL/(s·kPa); zero while its outlet valve is tight.
    pub(crate) back_conductance: f64,
    /// The reservoir's pressure, kPa above ambient.
    pub(crate) back_pressure: f64,
}

/// One way out of the line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Path {
    /// µL/(s·kPa).
    pub(crate) conductance: f64,
    /// The pressure at its far end, kPa above ambient.
    pub(crate) reference: f64,
    /// The flow through it after for ever, µL/s.
    limit_flow: f64,
}

/// The line from one event on, as long as no other comes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stretch {
    pub(crate) plumbing: Plumbing,
    /// Pressure at the start, kPa.
    pub(crate) start: f64,
    /// Pressure after for ever, kPa; infinite if it only rises.
    pub(crate) limit: f64,
    /// Flow from the pump head, µL/s.
    inflow: f64,
    /// Flow at the tip after for ever, µL/s.
    pub(crate) tip_limit: f64,
    /// All ways out together, µL/(s·kPa).
    conductance: f64,
    /// P_amb · V_air, µL·kPa.
    air: f64,
}

/// An instant of a stretch.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Point {
    /// Since the start, s.
    pub(crate) t: f64,
    depth: f64,
    /// Pressure over that at the start, kPa.
    pub(crate) rise: f64,
}

impl Stretch {
    pub(crate) fn new(plumbing: Plumbing, start: f64, inflow: f64) -> Self {
        let Plumbing { tip, tip_conductance: tip_g, leak_conductance: leak_g, back_conductance: back_g, back_pressure, .. } = plumbing;
        let conductance = tip_g + leak_g + back_g;
        // What the tip would have to take at its own pressure, µL/s.
        let at_tip = inflow - leak_g * tip + back_g * (back_pressure - tip);
        let limit = if tip_g > 0.0 {
            tip + at_tip / conductance
        } else if conductance > 0.0 {
            (inflow + back_g * back_pressure) / conductance
        } else if inflow > 0.0 {
            f64::INFINITY
        } else {
            start
        };
        let tip_limit = if tip_g > 0.0 { tip_g * (at_tip / conductance) } else { 0.0 };
        Self { plumbing, start, limit, inflow, tip_limit, conductance, air: plumbing.ambient * plumbing.bubble }
    }

    pub(crate) fn at_time(&self, t: f64) -> Point {
        if self.conductance == 0.0 {
            return Point { t, depth: 0.0, rise: self.rise_when_stored(self.inflow * t) };
        }
        if self.air > 0.0 {
            return self.with_air_at(t);
        }
        let depth = t * self.conductance / self.plumbing.compliance;
        Point { t, depth, rise: self.rise(depth) }
    }

    /// Pressure, kPa. Held between start and limit, so that rounding can't make a settled line flow back.
    pub(crate) fn pressure(&self, at: &Point) -> f64 {
        let p = self.start + at.rise;
        if at.depth > SETTLED {
            self.limit
        } else if self.limit >= self.start {
            p.min(self.limit)
        } else {
            p.max(self.limit)
        }
    }

    /// Whether nothing changes any more from this point on.
    pub(crate) fn is_still(&self, at: &Point) -> bool {
        let settled = at.depth > SETTLED || self.start == self.limit;
        let flows = [self.inflow, self.tip_limit, self.plumbing.leak_conductance * self.limit, self.back().limit_flow];
        settled && flows == [0.0; 4]
    }

    /// The way out through the tip.
    pub(crate) fn tip(&self) -> Path {
        Path { conductance: self.plumbing.tip_conductance, reference: self.plumbing.tip, limit_flow: self.tip_limit }
    }

    /// The way back into the reservoir.
    pub(crate) fn back(&self) -> Path {
        let Plumbing { back_conductance: conductance, back_pressure: reference, .. } = self.plumbing;
        let limit_flow = if conductance > 0.0 { conductance * (self.limit - reference) } else { 0.0 };
        Path { conductance, reference, limit_flow }
    }

    /// Volume out by this way since the start, µL; negative if it came in.
    pub(crate) fn through(&self, path: &Path, at: &Point) -> f64 {
        if path.conductance == 0.0 {
            return 0.0;
        }
        path.limit_flow * at.t - path.conductance / self.conductance * self.stored(at)
    }

    /// Volume through the tip since the start, µL; negative if it came in.
    pub(crate) fn out(&self, at: &Point) -> f64 {
        self.through(&self.tip(), at)
    }

    /// Volume that went back into the reservoir since the start, µL.
    pub(crate) fn returned(&self, at: &Point) -> f64 {
        self.through(&self.back(), at)
    }

    /// Volume through the leak since the start, µL.
    pub(crate) fn leaked(&self, at: &Point) -> f64 {
        if self.plumbing.leak_conductance == 0.0 {
            return 0.0;
        }
        self.plumbing.leak_conductance * (self.limit * at.t - self.stored(at) / self.conductance)
    }

    /// Volume that the line took up since the start, µL.
    pub(crate) fn stored(&self, at: &Point) -> f64 {
        let u = self.start + self.plumbing.ambient;
        at.rise * (self.plumbing.compliance + self.air / (u * (u + at.rise)))
    }

    /// Whether the pressure passes `level` (kPa) on its way; not if it starts there.
    pub(crate) fn passes(&self, level: f64) -> bool {
        (self.start < level && level < self.limit) || (self.start > level && level > self.limit)
    }

    /// When it passes it.
    pub(crate) fn reaches(&self, level: f64) -> Option<Point> {
        if !self.passes(level) {
            return None;
        }
        let rise = level - self.start;
        if self.conductance == 0.0 {
            let t = self.stored(&Point { t: 0.0, depth: 0.0, rise }) / self.inflow;
            return Some(Point { t, depth: 0.0, rise });
        }
        let depth = -libm::log((self.limit - level) / (self.limit - self.start));
        Some(Point { t: self.time(depth, rise), depth, rise })
    }

    /// When `volume` (µL, with its sign) has passed the tip: between `from` and `to`, which must hold that instant.
    /// The flow must not change its direction in between.
    pub(crate) fn when_out(&self, volume: f64, from: &Point, to: &Point) -> Point {
        self.when_through(&self.tip(), volume, from, to)
    }

    /// The same for any way out.
    #[inline]
    pub(crate) fn when_through(&self, path: &Path, volume: f64, from: &Point, to: &Point) -> Point {
        let sign = if volume < 0.0 { -1.0 } else { 1.0 };
        let scale = sign * path.conductance / self.conductance;
        self.root((from.depth, to.depth), *from, |at| {
            let pressure = self.start + at.rise;
            let (c, per_kpa) = self.compliance(pressure);
            let (over, pace) = (pressure - path.reference, self.limit - pressure);
            (sign * (self.through(path, at) - volume), scale * over * c, scale * pace * (c + over * per_kpa))
        })
    }

    /// Compliance at a pressure, air included, µL/kPa, and how it changes with pressure.
    fn compliance(&self, pressure: f64) -> (f64, f64) {
        if self.air == 0.0 {
            return (self.plumbing.compliance, 0.0);
        }
        let u = pressure + self.plumbing.ambient;
        let of_air = self.air / (u * u);
        (self.plumbing.compliance + of_air, -2.0 * of_air / u)
    }

    fn at_depth(&self, depth: f64) -> Point {
        let rise = self.rise(depth);
        Point { t: self.time(depth, rise), depth, rise }
    }

    /// The point at a depth less than [`SHORT_STEP`] from that of another.
    fn near(&self, at: &Point, depth: f64) -> Point {
        let s = depth - at.depth;
        // 1 − e⁻ˢ
        let part = s * (1.0 - s / 2.0 * (1.0 - s / 3.0 * (1.0 - s / 4.0 * (1.0 - s / 5.0 * (1.0 - s / 6.0)))));
        let rise = at.rise + (self.limit - self.start - at.rise) * part;
        Point { t: self.time(depth, rise), depth, rise }
    }

    fn rise(&self, depth: f64) -> f64 {
        let whole = self.limit - self.start;
        if depth > SETTLED { whole } else { -whole * libm::expm1(-depth) }
    }

    fn time(&self, depth: f64, rise: f64) -> f64 {
        let c = self.plumbing.compliance;
        if self.air == 0.0 {
            return depth * c / self.conductance;
        }
        let (u_0, u_limit) = (self.start + self.plumbing.ambient, self.limit + self.plumbing.ambient);
        let per_square = self.air / (u_limit * u_limit);
        let squeezed = self.air / u_limit * (rise / (u_0 * (u_0 + rise)));
        ((c + per_square) * depth + squeezed + per_square * libm::log1p(rise / u_0)) / self.conductance
    }

    /// The inverse of [`Self::time`] with air: its slope lies between the compliances at start and limit.
    fn with_air_at(&self, t: f64) -> Point {
        let (a, b) = (self.compliance(self.start).0, self.compliance(self.limit).0);
        let target = t * self.conductance;
        let bracket = (target / a.max(b), target / a.min(b));
        let found = self.root(bracket, self.at_depth(target / b), |at| {
            let pressure = self.start + at.rise;
            let (c, per_kpa) = self.compliance(pressure);
            (at.t * self.conductance - target, c, per_kpa * (self.limit - pressure))
        });
        Point { t, ..found }
    }

    /// The rise that stores `volume`: r·(C + A/(u₀(u₀+r))) = volume, its only root above −u₀, in the form that doesn't cancel.
    pub(crate) fn rise_when_stored(&self, volume: f64) -> f64 {
        let (c, u_0) = (self.plumbing.compliance, self.start + self.plumbing.ambient);
        if self.air == 0.0 {
            return volume / c;
        }
        let b = c * u_0 + self.air / u_0 - volume;
        let root = (b * b + 4.0 * c * volume * u_0).sqrt();
        if b >= 0.0 { 2.0 * volume * u_0 / (b + root) } else { (root - b) / (2.0 * c) }
    }
    /// The root of a function that rises with depth, in a bracket. `f` gives its value and two derivatives in depth; each step goes to the
    /// root of that parabola (Cauchy's method, which unlike Newton's stands a slope of zero), or to the middle when that leaves the bracket.
    #[inline]
    fn root(&self, bracket: (f64, f64), start: Point, f: impl Fn(&Point) -> (f64, f64, f64)) -> Point {
        let (mut low, mut high) = bracket;
        let mut at = start;
        for i in 0..ROOT_STEPS {
            let (value, slope, curve) = f(&at);
            if value < 0.0 {
                low = at.depth;
            } else {
                high = at.depth;
            }
            let under_root = slope * slope - 2.0 * value * curve;
            let next = at.depth - 2.0 * value / (slope + under_root.max(0.0).sqrt());
            // A NaN (no slope at all) fails both comparisons.
            let next = if next >= low && next <= high { next } else { low + 0.5 * (high - low) };
            let step = (next - at.depth).abs();
            // The first step always exactly, so that roots found one from the other don't add up their rounding.
            at = if i > 0 && step <= SHORT_STEP { self.near(&at, next) } else { self.at_depth(next) };
            if step <= ROOT_STEP {
                break;
            }
        }
        at
    }
}
