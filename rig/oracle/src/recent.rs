//! What came out lately, in bounded memory.

use rig_model::time::{RigTime, Span};

/// What came out in the period of a limit, in bins: never too little by more than the tolerance of a bin.
#[derive(Debug)]
pub(crate) struct Recent {
    bins: [f64; Self::BINS],
    width: i64,
    current: i64,
}

impl Recent {
    const BINS: usize = 64;

    pub fn new(window: Span) -> Self {
        Self { bins: [0.0; Self::BINS], width: (window.0 / (Self::BINS as i64 - 1)).max(1), current: 0 }
    }

    pub fn add(&mut self, at: RigTime, volume: f64) {
        let bin = at.0 / self.width;
        let stale = (bin - self.current).clamp(0, Self::BINS as i64);
        for n in 0..stale {
            self.bins[((bin - n).rem_euclid(Self::BINS as i64)) as usize] = 0.0;
        }
        self.current = self.current.max(bin);
        self.bins[(bin.rem_euclid(Self::BINS as i64)) as usize] += volume;
    }

    pub fn sum(&mut self, at: RigTime) -> f64 {
        self.add(at, 0.0);
        self.bins.iter().sum()
    }

    /// All of it as if it had come just now.
    pub fn as_of_now(&mut self, at: RigTime) {
        let sum = self.sum(at);
        self.bins = [0.0; Self::BINS];
        self.add(at, sum);
    }

    /// When the sum may next become less.
    pub fn next(&self, at: RigTime) -> RigTime {
        RigTime((at.0 / self.width + 1) * self.width)
    }
}
