//! The largest rise of a running sum above any value that it had before: how far a delivery strayed from its orders in the worst span of time.

use rig_model::time::RigTime;

/// A level that rises by one thing and falls by another, and never falls below its floor. At each instant it is the largest excess of
/// the rise over the fall in any span that ends now, less what the floor allows.
#[derive(Debug, Clone)]
pub(crate) struct Drift {
    pub level: f64,
    floor: f64,
    from: RigTime,
    pulses: i64,
    volume: f64,
    /// What was added to the level for a zero that may be off, µL.
    drawn: f64,
    pub best: Option<Extreme>,
    /// Highest since it was last committed.
    pub pending: Option<Extreme>,
}

/// The level at its highest, and the span that led to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Extreme {
    pub level: f64,
    pub from: RigTime,
    pub to: RigTime,
    /// Net pulses in the span, and their volume in µL.
    pub pulses: i64,
    pub volume: f64,
    /// How much of the level is there for a zero that may be off, µL; negative where it was taken from it.
    pub drawn: f64,
}

impl Drift {
    pub fn new(at: RigTime, floor: f64) -> Self {
        let mut drift = Self { level: floor, floor, from: at, pulses: 0, volume: 0.0, drawn: 0.0, best: None, pending: None };
        // Nothing in no time is a span like any other.
        drift.note(at);
        drift
    }

    pub fn fall(&mut self, by: f64, at: RigTime) {
        self.level -= by;
        if self.level < self.floor {
            self.begin(at);
        }
    }

    pub fn rise(&mut self, by: f64) {
        self.level += by;
    }

    /// A flow by which the sensor's zero may be off has drawn the level up by so much, or down; a `fall` behind it sees to the floor.
    pub fn draw(&mut self, by: f64) {
        self.level += by;
        self.drawn += by;
    }

    pub fn pulse(&mut self, net: i64, volume: f64) {
        self.pulses += net;
        self.volume += volume;
    }

    pub fn set_floor(&mut self, floor: f64, at: RigTime) {
        self.floor = floor;
        if self.level < floor {
            self.begin(at);
        }
    }

    /// What has gathered in the span that ends now.
    pub fn above_floor(&self) -> f64 {
        self.level - self.floor
    }

    /// The span begins anew: what was before no longer counts.
    pub fn begin(&mut self, at: RigTime) {
        (self.level, self.from, self.pulses, self.volume, self.drawn) = (self.floor, at, 0, 0.0, 0.0);
    }

    fn here(&self, at: RigTime) -> Extreme {
        Extreme { level: self.level, from: self.from, to: at, pulses: self.pulses, volume: self.volume, drawn: self.drawn }
    }

    pub fn note(&mut self, at: RigTime) {
        if self.best.is_none_or(|best| self.level > best.level) {
            self.best = Some(self.here(at));
        }
    }

    pub fn note_pending(&mut self, at: RigTime) {
        if self.pending.is_none_or(|pending| self.level > pending.level) {
            self.pending = Some(self.here(at));
        }
    }

    /// What was pending can no longer be excused.
    pub fn commit(&mut self) {
        if let Some(pending) = self.pending.take()
            && self.best.is_none_or(|best| pending.level > best.level)
        {
            self.best = Some(pending);
        }
    }
}
