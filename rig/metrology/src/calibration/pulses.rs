//! At which flow the pulses of a delivery came.

use rig_model::time::{RigTime, Span};

/// Pulses of one delivery at the most: a millilitre has 10,000 at 10 pulses/µL, and each is kept to the end of its window.
pub const MAX_CALIBRATION_PULSES: usize = 1 << 20;

/// Of the instantaneous rates of pulses, one in twenty is lower and one in twenty higher than what is told.
const ASIDE: usize = 20;

/// Gathers the times from pulse to pulse within strokes.
#[derive(Debug, Clone)]
pub struct PulseFlow {
    gap: Span,
    last: Option<RigTime>,
    intervals: Vec<Span>,
    too_many: bool,
}

/// Pulses per hour at the pulses of a delivery.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PulseFlows {
    /// Half of the pulses came slower, half faster: the flow at which most of the volume came, whatever lies between two strokes.
    pub median: f64,
    /// Nine tenths of the pulses came between these.
    pub least: f64,
    pub greatest: f64,
}

impl PulseFlow {
    /// A pause longer than `gap` lies between two strokes and tells no flow.
    pub fn new(gap: Span) -> Self {
        Self { gap, last: None, intervals: Vec::new(), too_many: false }
    }

    /// The next pulse, in time order, whichever way.
    pub fn push(&mut self, at: RigTime) {
        if let Some(interval) = self.last.map(|last| at - last).filter(|i| *i > Span::ZERO && *i <= self.gap) {
            self.too_many |= self.intervals.len() >= MAX_CALIBRATION_PULSES;
            if !self.too_many {
                self.intervals.push(interval);
            }
        }
        self.last = Some(at);
    }

    /// `None` if no two pulses came close together, or more than [`MAX_CALIBRATION_PULSES`].
    pub fn rates(mut self) -> Option<PulseFlows> {
        let n = self.intervals.len();
        if n == 0 || self.too_many {
            return None;
        }
        self.intervals.sort_unstable();
        let rate = |interval: &Span| 1.0 / interval.as_hours();
        let aside = n / ASIDE;
        Some(PulseFlows {
            median: rate(&self.intervals[n / 2]),
            least: rate(&self.intervals[n - 1 - aside]),
            greatest: rate(&self.intervals[aside]),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_tell_no_flow_and_most_of_the_pulses_tell_it() {
        let mut pulses = PulseFlow::new(Span::seconds(1));
        // Two strokes of nine intervals of 50 ms, one of 100 ms between them and its pause.
        let stroke = |from: i64| (0..10).map(move |i| from + 50 * i);
        for ms in stroke(0).chain([550]).chain(stroke(5_000)) {
            pulses.push(RigTime::ZERO + Span::milliseconds(ms));
        }
        let rates = pulses.rates().unwrap();
        assert_eq!(rates, PulseFlows { median: 72_000.0, least: 36_000.0, greatest: 72_000.0 }, "of nineteen none is set aside");
    }

    #[test]
    fn single_pulses_tell_nothing() {
        let mut pulses = PulseFlow::new(Span::seconds(1));
        for s in [0, 2, 4, 4] {
            pulses.push(RigTime::ZERO + Span::seconds(s));
        }
        assert_eq!(pulses.rates(), None);
    }
}
