//! Delivery delay: inputs reach the rig late and in batches, as on a busy host. Verdicts must not notice.

use std::collections::VecDeque;

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use rig_model::input::Source;
use rig_model::time::{RigTime, Span};

use crate::board::Arrival;

/// How much later than they happen inputs are delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryDelay {
    pub seed: u64,
    /// No input is held longer than this. At least 1 ns.
    pub max: Span,
}

/// Inputs on their way to the rig: each source in its own order, each input released at a random time.
#[derive(Debug)]
pub(crate) struct Held {
    noise: ChaCha8Rng,
    max: Span,
    /// By [`Source::ALL`]; release times never decrease within a source.
    sources: [VecDeque<(RigTime, Arrival)>; Source::ALL.len()],
}

impl Held {
    pub fn new(delay: DeliveryDelay) -> Self {
        Self {
            noise: ChaCha8Rng::seed_from_u64(delay.seed),
            max: Span(delay.max.0.max(1)),
            sources: std::array::from_fn(|_| VecDeque::new()),
        }
    }

    /// Takes an input that has happened. One that would overtake the input before it is released together with that one,
    /// which makes the batches.
    pub fn hold(&mut self, arrival: Arrival) {
        let wait = Span((self.noise.next_u64() % (self.max.0 as u64 + 1)) as i64);
        let queue = &mut self.sources[arrival.source as usize];
        let earliest = queue.back().map_or(RigTime::ZERO, |(release, _)| *release);
        queue.push_back(((arrival.at + wait).max(earliest), arrival));
    }

    /// When the next input is released.
    pub fn next_release(&self) -> Option<RigTime> {
        self.sources.iter().filter_map(|queue| queue.front().map(|(release, _)| *release)).min()
    }

    /// Hands out everything released up to `now`, by source and in the order of each.
    pub fn release(&mut self, now: RigTime, mut each: impl FnMut(Arrival)) {
        for queue in &mut self.sources {
            while queue.front().is_some_and(|(release, _)| *release <= now) {
                if let Some((_, arrival)) = queue.pop_front() {
                    each(arrival);
                }
            }
        }
    }

    /// Nothing of this source up to this time is missing: just before the earliest input still held, or `now`.
    pub fn watermark(&self, source: Source, now: RigTime) -> RigTime {
        self.sources[source as usize].front().map_or(now, |(_, arrival)| RigTime(arrival.at.0 - 1))
    }
}

#[cfg(test)]
mod tests {
    use rig_model::input::Input;

    use super::*;

    fn done(at: i64) -> Arrival {
        Arrival { source: Source::Bench, at: RigTime(at), input: Input::Done { id: at as u64 } }
    }

    #[test]
    fn order_is_kept_the_limit_too_and_watermarks_tell_the_truth() {
        let mut held = Held::new(DeliveryDelay { seed: 3, max: Span(50) });
        let mut came = Vec::new();
        for now in 1..=1_500 {
            let now = RigTime(now);
            if now.0 % 7 == 0 && now.0 <= 1_400 {
                held.hold(done(now.0));
            }
            held.release(now, |arrival| {
                assert!(now >= arrival.at && now <= arrival.at + Span(50), "{arrival:?} released at {now:?}");
                came.push(arrival.at.0);
            });
            let missing = came.last().map_or(7, |last| last + 7);
            let truth = if missing <= now.0.min(1_400) { missing - 1 } else { now.0 };
            assert_eq!(held.watermark(Source::Bench, now), RigTime(truth));
            assert_eq!(held.watermark(Source::Link, now), now);
        }
        assert_eq!(came, (1..=200).map(|n| n * 7).collect::<Vec<_>>());
    }
}
