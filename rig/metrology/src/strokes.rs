//! Windows of whole strokes: the shortest stretches in which a stroke pump has a mean flow at all.

use std::collections::VecDeque;

use rig_model::time::{RigTime, Span};

/// Strokes in one window at the most: 100 mL of a 1 µL pump, more than two full reservoirs.
pub const MAX_STROKES: u32 = 100_000;

/// Sorts the pulses of a channel into strokes, which are bursts with a pause between them, and compares all windows that begin
/// with one stroke's first pulse and end with the first pulse of the n-th stroke after it.
#[derive(Debug, Clone)]
pub struct StrokeWindows {
    n: usize,
    gap: Span,
    /// First pulse of each of the last n strokes, and the net count before it.
    starts: VecDeque<(RigTime, i64)>,
    last: Option<RigTime>,
    net: i64,
    strokes: u64,
    extremes: Option<StrokeExtremes>,
}

/// One window of n whole strokes. Its pulses are those from `started` up to, but not with, `ended`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StrokeWindow {
    /// Forward less reverse.
    pub pulses: i64,
    pub started: RigTime,
    pub ended: RigTime,
}

impl StrokeWindow {
    /// Never zero: a gap lies in it.
    pub fn elapsed(&self) -> Span {
        self.ended - self.started
    }

    fn faster_than(&self, other: &Self) -> bool {
        // Pulses over time, compared crosswise so that no rounding can swap two windows.
        i128::from(self.pulses) * i128::from(other.elapsed().0) > i128::from(other.pulses) * i128::from(self.elapsed().0)
    }
}

/// The windows that stand out; of equals the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StrokeExtremes {
    /// How many windows were compared.
    pub windows: u64,
    pub fastest: StrokeWindow,
    pub slowest: StrokeWindow,
    pub largest: StrokeWindow,
    pub smallest: StrokeWindow,
}

impl StrokeWindows {
    /// Windows of `n` strokes, 1 to [`MAX_STROKES`] (outside that no window is ever complete); pulses more than `gap` apart
    /// belong to different strokes.
    pub fn new(n: u32, gap: Span) -> Self {
        let n = if n <= MAX_STROKES { n as usize } else { 0 };
        Self { n, gap, starts: VecDeque::new(), last: None, net: 0, strokes: 0, extremes: None }
    }

    /// The next pulse in time order: +1 forward, −1 reverse.
    pub fn push(&mut self, at: RigTime, net: i64) {
        if self.last.is_none_or(|last| at - last > self.gap) {
            self.begin_stroke(at);
        }
        self.last = Some(at);
        self.net += net;
    }

    /// Strokes begun so far.
    pub fn strokes(&self) -> u64 {
        self.strokes
    }

    /// `None` until a window is complete. `closed`: when the watching ended. A window that had not come to its end by then, although it
    /// was open for longer than the slowest complete one, is slower still: the pump has paused or stopped, and it counts as ended there.
    pub fn extremes(&self, closed: RigTime) -> Option<StrokeExtremes> {
        let mut extremes = self.extremes?;
        if self.starts.len() == self.n
            && let Some(&(started, net)) = self.starts.front()
            && closed > started
        {
            let open = StrokeWindow { pulses: self.net - net, started, ended: closed };
            if extremes.slowest.faster_than(&open) {
                extremes.slowest = open;
            }
        }
        Some(extremes)
    }

    fn begin_stroke(&mut self, at: RigTime) {
        self.strokes += 1;
        if self.n == 0 {
            return;
        }
        if self.starts.len() == self.n
            && let Some((started, net)) = self.starts.pop_front()
        {
            self.compare(StrokeWindow { pulses: self.net - net, started, ended: at });
        }
        self.starts.push_back((at, self.net));
    }

    fn compare(&mut self, window: StrokeWindow) {
        let Some(extremes) = &mut self.extremes else {
            self.extremes = Some(StrokeExtremes { windows: 1, fastest: window, slowest: window, largest: window, smallest: window });
            return;
        };
        extremes.windows += 1;
        if window.faster_than(&extremes.fastest) {
            extremes.fastest = window;
        }
        if extremes.slowest.faster_than(&window) {
            extremes.slowest = window;
        }
        if window.pulses > extremes.largest.pulses {
            extremes.largest = window;
        }
        if window.pulses < extremes.smallest.pulses {
            extremes.smallest = window;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(s: i64) -> RigTime {
        RigTime::ZERO + Span::seconds(s)
    }

    /// Strokes of the given pulse counts, beginning at the given seconds, pulses 10 ms apart.
    fn fed(n: u32, strokes: &[(i64, i64)]) -> StrokeWindows {
        let mut windows = StrokeWindows::new(n, Span::seconds(2));
        for (start, pulses) in strokes {
            (0..*pulses).for_each(|i| windows.push(seconds(*start) + Span::milliseconds(10 * i), 1));
        }
        windows
    }

    #[test]
    fn extremes_over_windows_of_two_strokes() {
        let windows = fed(2, &[(0, 10), (100, 10), (200, 12), (290, 9), (400, 10)]);
        assert_eq!(windows.strokes(), 5);
        let window = |pulses, from, to| StrokeWindow { pulses, started: seconds(from), ended: seconds(to) };
        // Windows: 0..200 with 20, 100..290 with 22, 200..400 with 21.
        let expected = StrokeExtremes {
            windows: 3,
            fastest: window(22, 100, 290),
            slowest: window(20, 0, 200),
            largest: window(22, 100, 290),
            smallest: window(20, 0, 200),
        };
        assert_eq!(windows.extremes(seconds(405)), Some(expected));
    }

    #[test]
    fn a_pump_that_stopped_is_slower_than_its_last_whole_window() {
        let windows = fed(2, &[(0, 10), (100, 10), (200, 10), (300, 10)]);
        let slowest = |closed| windows.extremes(seconds(closed)).unwrap().slowest;
        // The strokes at 200 and 300 s are complete when the next one begins, at 400 s if the pump goes on.
        assert_eq!(slowest(399), StrokeWindow { pulses: 20, started: seconds(0), ended: seconds(200) });
        assert_eq!(slowest(9_000), StrokeWindow { pulses: 20, started: seconds(200), ended: seconds(9_000) });
    }

    #[test]
    fn a_pause_of_exactly_the_gap_does_not_part() {
        let mut windows = StrokeWindows::new(1, Span::seconds(2));
        for ns in [0, 2_000_000_000, 4_000_000_001] {
            windows.push(RigTime(ns), 1);
        }
        assert_eq!(windows.strokes(), 2);
        assert_eq!(windows.extremes(RigTime::ZERO).unwrap().largest.pulses, 2);
    }

    #[test]
    fn reverse_pulses_count_down() {
        let mut windows = StrokeWindows::new(1, Span::seconds(2));
        for (at, net) in [(0, 1), (1, 1), (2, -1), (10, 1)] {
            windows.push(seconds(at), net);
        }
        assert_eq!(windows.extremes(RigTime::ZERO).unwrap().largest.pulses, 1);
    }

    #[test]
    fn an_incomplete_window_says_nothing() {
        assert_eq!(fed(2, &[(0, 10), (100, 10)]).extremes(seconds(9_000)), None);
        assert_eq!(fed(0, &[(0, 1), (10, 1), (20, 1)]).extremes(seconds(9_000)), None);
        assert_eq!(fed(MAX_STROKES + 1, &[(0, 1), (10, 1), (20, 1)]).extremes(seconds(9_000)), None);
        assert_eq!(StrokeWindows::new(2, Span::seconds(2)).strokes(), 0);
    }
}
