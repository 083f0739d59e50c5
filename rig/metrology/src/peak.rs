//! The highest pulse rate over a fixed number of pulse intervals.

use std::collections::VecDeque;

use rig_model::time::{RigTime, Span};

/// Intervals to average over at the most: two strokes of a 1 µL pump on the finest sensor in use are 100 pulses.
pub const MAX_PEAK_INTERVALS: u32 = 1_024;

/// Watches the pulses of a channel for the shortest time that `intervals` pulse intervals took.
#[derive(Debug, Clone)]
pub struct PeakRate {
    intervals: usize,
    recent: VecDeque<RigTime>,
    peak: Option<Peak>,
}

/// The fastest run of pulses so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peak {
    pub intervals: u32,
    /// What the intervals took together; zero for pulses that all carry one time stamp.
    pub elapsed: Span,
    /// The pulse that ended them.
    pub at: RigTime,
}

impl Peak {
    /// Pulses per second; infinite for pulses that all carry one time stamp.
    pub fn pulses_per_s(&self) -> f64 {
        f64::from(self.intervals) / self.elapsed.as_seconds()
    }
}

impl PeakRate {
    /// Averages over 1 to [`MAX_PEAK_INTERVALS`] intervals; outside that there is never a peak.
    pub fn new(intervals: u32) -> Self {
        let intervals = if intervals <= MAX_PEAK_INTERVALS { intervals as usize } else { 0 };
        Self { intervals, recent: VecDeque::with_capacity(intervals + 1), peak: None }
    }

    /// The next forward pulse, in time order.
    pub fn push(&mut self, at: RigTime) {
        if self.intervals == 0 {
            return;
        }
        if self.recent.len() == self.intervals
            && let Some(first) = self.recent.pop_front()
        {
            let elapsed = at - first;
            if self.peak.is_none_or(|peak| elapsed < peak.elapsed) {
                self.peak = Some(Peak { intervals: self.intervals as u32, elapsed, at });
            }
        }
        self.recent.push_back(at);
    }

    /// `None` until there was one pulse more than there are intervals.
    pub fn peak(&self) -> Option<Peak> {
        self.peak
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fastest_run_is_kept() {
        let mut rate = PeakRate::new(3);
        for (ms, peak) in [
            (0, None),
            (100, None),
            (200, None),
            (300, Some((300, 300))),
            (310, Some((210, 310))),
            (320, Some((120, 320))),
            (600, Some((120, 320))),
            (900, Some((120, 320))),
        ] {
            rate.push(RigTime::ZERO + Span::milliseconds(ms));
            let got = rate.peak().map(|p| (p.elapsed, p.at));
            assert_eq!(got, peak.map(|(took, at)| (Span::milliseconds(took), RigTime::ZERO + Span::milliseconds(at))), "{ms}");
        }
        assert_eq!(rate.peak().unwrap().pulses_per_s(), 25.0);
    }

    #[test]
    fn absurd_interval_counts_have_no_peak() {
        for n in [0, MAX_PEAK_INTERVALS + 1] {
            let mut rate = PeakRate::new(n);
            (0..5_000).for_each(|t| rate.push(RigTime(t)));
            assert_eq!(rate.peak(), None);
        }
        let mut one_stamp = PeakRate::new(1);
        one_stamp.push(RigTime(5));
        one_stamp.push(RigTime(5));
        assert_eq!(one_stamp.peak().unwrap().pulses_per_s(), f64::INFINITY);
    }
}
