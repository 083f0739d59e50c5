//! Extremes of the pulse count over every window of a fixed length, sliding continuously.
//!
//! A window is half open, (end − length, end]: windows that follow each other share no pulse and lose none. The count as a function
//! of the end is constant between two kinds of instants, where a pulse enters (the end reaches it) and where one leaves
//! (the start reaches it), and takes at each of them the value that it keeps until the next. So comparing the values at these instants,
//! and at the first window, compares all windows.

use std::collections::VecDeque;

use rig_model::time::{RigTime, Span};

/// Pulses kept one by one: a day at the highest rate of an implant (24 mL) at 5 pulses/µL is 120,000. 4 MiB when full.
pub const MAX_EDGES: usize = 131_072;

/// The least capacity with which bins are always narrower than the window.
const MIN_CAPACITY: usize = 8;

/// Counts pulses in every window of one length inside a measured span.
///
/// Up to `capacity` pulses in a window the result is exact. From then on pulses older than the newest are kept in bins of a fixed width,
/// 2/capacity of the window, and a window that begins inside a bin is counted once with all forward and no reverse pulses of
/// that bin (for the maximum) and once the other way (for the minimum): the maximum is never too low, the minimum never too high,
/// and `bin_error` says by how much they may be off.
#[derive(Debug, Clone)]
pub struct RollingCount {
    length: Span,
    opened: RigTime,
    capacity: usize,
    /// 0: one bin for each instant.
    bin_width: i64,
    bins: VecDeque<Bin>,
    /// The oldest bin is cut by the start of the window.
    cut: bool,
    /// End of the window that is being counted; its count may still change by pulses of the same instant.
    end: RigTime,
    /// Bounds of the count in the window that ends at `end`; equal while counting is exact.
    high: i64,
    low: i64,
    /// Highest count in any window that has ended, incomplete ones included.
    highest: i64,
    bin_error: u64,
    /// The window that ends at `end` has been compared as it is.
    settled: bool,
    extremes: Option<Extremes>,
}

/// What the windows that lie wholly inside the span had at most and at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extremes {
    /// Forward less reverse pulses in the fullest window; the true value lies in `max − bin_error ..= max`.
    pub max: i64,
    /// In the emptiest window; the true value lies in `min ..= min + bin_error`.
    pub min: i64,
    /// How many windows were compared, one for each instant at which the count could change.
    pub windows: u64,
    /// End of the first window that had the maximum.
    pub max_at: RigTime,
    /// End of the first window that had the minimum.
    pub min_at: RigTime,
    pub bin_error: u64,
}

#[derive(Debug, Clone, Copy)]
struct Bin {
    first: RigTime,
    last: RigTime,
    forward: i64,
    reverse: i64,
}

impl RollingCount {
    /// Windows of length `window` (at least 1 ns) in a span that begins at `opened`. A pulse at `opened` itself belongs to what came before.
    pub fn new(window: Span, opened: RigTime, capacity: usize) -> Self {
        Self {
            length: window.max(Span::nanoseconds(1)),
            opened,
            capacity: capacity.max(MIN_CAPACITY),
            bin_width: 0,
            bins: VecDeque::new(),
            cut: false,
            end: opened,
            high: 0,
            low: 0,
            highest: 0,
            bin_error: 0,
            settled: false,
            extremes: None,
        }
    }

    /// The next pulse, in time order: +1 forward, −1 reverse. One that is older than the last is counted at the last one's time.
    pub fn push(&mut self, at: RigTime, net: i64) {
        if at <= self.opened {
            return;
        }
        let at = at.max(self.end);
        self.advance(at);
        self.high += net;
        self.low += net;
        self.settled = false;
        let bin = Bin { first: at, last: at, forward: net.max(0), reverse: (-net).max(0) };
        if self.bins.len() >= self.capacity && !self.joins_newest(at) {
            self.coarsen();
        }
        self.keep(bin);
    }

    /// The highest count in any window up to now, also in windows longer than the span so far, which count what has come.
    /// Never too low; too high by at most [`Self::bin_error`].
    pub fn current_max(&self) -> i64 {
        self.highest.max(self.high)
    }

    /// How far counts may be off because pulses had to be kept in bins; 0 while counting is exact.
    pub fn bin_error(&self) -> u64 {
        self.bin_error.max(self.high.abs_diff(self.low))
    }

    /// The span ends at `at`, all pulses up to then having been pushed; `None` if it is shorter than one window.
    pub fn close(&mut self, at: RigTime) -> Option<Extremes> {
        self.advance(at.max(self.end));
        self.settle();
        self.extremes.map(|extremes| Extremes { bin_error: self.bin_error, ..extremes })
    }

    /// Slides the window's end to `to`, stopping wherever the count changes. Pulses at `to` itself may still come.
    fn advance(&mut self, to: RigTime) {
        loop {
            let leaves = self.next_leave();
            let first_end = self.first_end();
            let next = if self.end < first_end { leaves.min(first_end) } else { leaves };
            if next > to {
                break;
            }
            self.move_end(next);
            if leaves == next {
                self.leave();
            }
        }
        self.move_end(to);
    }

    fn move_end(&mut self, to: RigTime) {
        if to > self.end {
            self.settle();
            self.end = to;
            self.settled = false;
        }
    }

    /// When the start of the window next meets a kept pulse.
    fn next_leave(&self) -> RigTime {
        let meets = |bin: &Bin| if self.cut { bin.last } else { bin.first };
        self.bins.front().map_or(RigTime::MAX, |bin| meets(bin).saturating_add(self.length))
    }

    /// The start of the window has met the oldest bin: its near end first, then its far end.
    fn leave(&mut self) {
        let Some(&Bin { first, last, forward, reverse }) = self.bins.front() else { return };
        if !self.cut {
            self.high += reverse;
            self.low -= forward;
            self.cut = true;
        }
        if first == last || last.saturating_add(self.length) <= self.end {
            self.high -= forward;
            self.low += reverse;
            self.cut = false;
            self.bins.pop_front();
        }
    }

    /// Compares the window that ends at `end`, now that all its pulses are known.
    fn settle(&mut self) {
        if std::mem::replace(&mut self.settled, true) {
            return;
        }
        let Self { high, low, end, .. } = *self;
        self.highest = self.highest.max(high);
        self.bin_error = self.bin_error.max(high.abs_diff(low));
        if end < self.first_end() {
            return;
        }
        let first = Extremes { max: high, min: low, windows: 0, max_at: end, min_at: end, bin_error: 0 };
        let extremes = self.extremes.get_or_insert(first);
        extremes.windows += 1;
        if high > extremes.max {
            (extremes.max, extremes.max_at) = (high, end);
        }
        if low < extremes.min {
            (extremes.min, extremes.min_at) = (low, end);
        }
    }

    /// End of the first window that lies wholly inside the span.
    fn first_end(&self) -> RigTime {
        self.opened.saturating_add(self.length)
    }

    fn joins_newest(&self, at: RigTime) -> bool {
        self.bins.back().is_some_and(|bin| match self.bin_width {
            0 => bin.last == at,
            width => (bin.last - self.opened).0 / width == (at - self.opened).0 / width,
        })
    }

    fn keep(&mut self, newer: Bin) {
        let joins = self.joins_newest(newer.first);
        match self.bins.back_mut() {
            Some(bin) if joins => {
                bin.last = newer.last;
                bin.forward += newer.forward;
                bin.reverse += newer.reverse;
            }
            _ => self.bins.push_back(newer),
        }
    }

    /// Happens once: at 2/capacity of the window, no more than capacity/2 + 2 bins ever lie in it.
    fn coarsen(&mut self) {
        self.bin_width = (self.length.0 / self.capacity as i64).saturating_add(1).saturating_mul(2);
        let fine = std::mem::take(&mut self.bins);
        fine.into_iter().for_each(|bin| self.keep(bin));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counted(length: i64, opened: i64, closed: i64, capacity: usize, pulses: &[(i64, i64)]) -> Option<Extremes> {
        let mut rolling = RollingCount::new(Span(length), RigTime(opened), capacity);
        pulses.iter().for_each(|(at, net)| rolling.push(RigTime(*at), *net));
        rolling.close(RigTime(closed))
    }

    /// Count in each window (end − length, end] of the span: all whole nanoseconds, between which nothing can change.
    fn oracle(length: i64, opened: i64, closed: i64, pulses: &[(i64, i64)]) -> Vec<i64> {
        let count = |end: i64| pulses.iter().filter(|(at, _)| *at > end - length && *at <= end).map(|(_, net)| net).sum();
        (opened + length..=closed).map(count).collect()
    }

    #[test]
    fn windows_are_half_open_and_inside_the_span() {
        let extremes = |max, min, max_at, min_at, windows| {
            Some(Extremes { max, min, windows, max_at: RigTime(max_at), min_at: RigTime(min_at), bin_error: 0 })
        };
        for (length, opened, closed, pulses, expected) in [
            // Two pulses one window apart are never in one window; ends 10, 11 (the first leaves), 15.
            (10, 0, 15, vec![(1, 1), (11, 1)], extremes(1, 1, 10, 10, 3)),
            (10, 0, 15, vec![(2, 1), (11, 1)], extremes(2, 1, 11, 10, 4)),
            // Nothing at all: the windows that end at 10 and at the close.
            (10, 0, 25, vec![], extremes(0, 0, 10, 10, 2)),
            // A pulse at the opening belongs to what came before, one at the close is inside.
            (10, 0, 10, vec![(0, 1), (10, 1)], extremes(1, 1, 10, 10, 1)),
            // Forward and back at one instant is nothing.
            (10, 0, 12, vec![(11, 1), (11, -1)], extremes(0, 0, 10, 10, 3)),
            // The span is shorter than the window.
            (10, 0, 9, vec![(1, 1)], None),
        ] {
            assert_eq!(counted(length, opened, closed, 64, &pulses), expected, "{pulses:?}");
        }
    }

    #[test]
    fn a_watcher_sees_the_violation_at_once() {
        let mut rolling = RollingCount::new(Span::hours(24), RigTime::ZERO, 64);
        for n in 1..=5 {
            rolling.push(RigTime(n), 1);
            assert_eq!(rolling.current_max(), n);
        }
        assert_eq!(rolling.close(RigTime(6)), None, "no whole window yet");
        assert_eq!(rolling.current_max(), 5);
        rolling.push(RigTime::ZERO + Span::hours(48), 1);
        assert_eq!(rolling.current_max(), 5, "what was is not forgotten");
    }

    #[test]
    fn memory_is_bounded_and_the_error_is_stated() {
        let mut rolling = RollingCount::new(Span(1_000_000), RigTime::ZERO, 64);
        for i in 1..=100_000 {
            rolling.push(RigTime(i * 100), 1);
            assert!(rolling.bins.len() <= 64);
        }
        // 10,000 pulses in a window, in bins of 31,252 ns: at most 313 pulses each.
        let extremes = rolling.close(RigTime(10_000_000)).unwrap();
        assert_eq!(extremes.bin_error, 313);
        assert!((10_000..=10_313).contains(&extremes.max) && (9_687..=10_000).contains(&extremes.min), "{extremes:?}");
    }

    fn pulses() -> impl Strategy<Value = Vec<(i64, i64)>> {
        let pulse = (0i64..12, prop_oneof![4 => Just(1i64), 1 => Just(-1i64)]);
        prop::collection::vec(pulse, 0..80).prop_map(|steps| {
            let mut at = 0;
            let after = |(step, net): (i64, i64)| {
                at += step;
                (at, net)
            };
            steps.into_iter().map(after).collect()
        })
    }

    proptest! {
        #[test]
        fn exact_counting_agrees_with_brute_force(pulses in pulses(), length in 1i64..60, opened in 0i64..20, rest in 0i64..40) {
            let closed = pulses.last().map_or(0, |p| p.0).max(opened) + rest;
            let inside: Vec<_> = pulses.iter().copied().filter(|(at, _)| *at > opened).collect();
            let all = oracle(length, opened, closed, &inside);
            let got = counted(length, opened, closed, 1_000, &pulses);
            prop_assert_eq!(got.map(|e| (e.max, e.min)), all.iter().max().copied().zip(all.iter().min().copied()));
            if let Some(e) = got {
                prop_assert_eq!(e.bin_error, 0);
                let first = |value| RigTime(opened + length + all.iter().position(|c| *c == value).unwrap() as i64);
                prop_assert_eq!((e.max_at, e.min_at), (first(e.max), first(e.min)));
            }
        }

        #[test]
        fn bins_bound_the_truth(pulses in pulses(), length in 1i64..200, opened in 0i64..20, rest in 0i64..40) {
            let closed = pulses.last().map_or(0, |p| p.0).max(opened) + rest;
            let inside: Vec<_> = pulses.iter().copied().filter(|(at, _)| *at > opened).collect();
            let all = oracle(length, opened, closed, &inside);
            let got = counted(length, opened, closed, MIN_CAPACITY, &pulses);
            prop_assert_eq!(got.is_some(), !all.is_empty());
            if let Some(e) = got {
                let (max, min, error) = (*all.iter().max().unwrap(), *all.iter().min().unwrap(), e.bin_error as i64);
                prop_assert!(e.max - error <= max && max <= e.max, "max {} of {:?}", max, e);
                prop_assert!(e.min <= min && min <= e.min + error, "min {} of {:?}", min, e);
            }
        }
    }
}
