//! Puts the inputs of all sources into one order: by source time, then by the fixed order of sources.

use std::collections::VecDeque;

use rig_model::input::{Input, Source};
use rig_model::time::{RigTime, Span};

/// Inputs that may wait for the slowest source. At 100,000 edges/s in batches of ten this is more than ten seconds.
const MAX_WAITING: usize = 1 << 17;

#[derive(Debug, Clone)]
pub struct Arrived {
    pub at: RigTime,
    pub arrival: Option<RigTime>,
    pub input: Input,
}

/// One source's inputs, waiting for their turn.
#[derive(Debug)]
struct Lane {
    waiting: VecDeque<Arrived>,
    watermark: RigTime,
}

#[derive(Debug)]
pub struct Order {
    lanes: [Lane; Source::ALL.len()],
}

/// Why an input was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotTaken {
    /// It is older than its source had promised, or than what was processed already.
    TooLate,
    /// The queue is full.
    Overflow,
}

impl Order {
    pub fn new() -> Self {
        let lane = || Lane { waiting: VecDeque::new(), watermark: RigTime(-1) };
        Self { lanes: [lane(), lane(), lane(), lane()] }
    }

    /// Takes an input that is later than `processed`.
    pub fn offer(&mut self, source: Source, arrived: Arrived, processed: RigTime) -> Result<(), NotTaken> {
        let lane = &mut self.lanes[source as usize];
        if arrived.at <= lane.watermark || arrived.at < processed {
            return Err(NotTaken::TooLate);
        }
        if lane.waiting.len() >= MAX_WAITING {
            return Err(NotTaken::Overflow);
        }
        // Sources deliver in order; what comes out of it is put into its place rather than refused while that is still possible.
        if lane.waiting.back().is_none_or(|last| last.at <= arrived.at) {
            lane.waiting.push_back(arrived);
        } else {
            let place = lane.waiting.iter().rposition(|a| a.at <= arrived.at).map_or(0, |i| i + 1);
            lane.waiting.insert(place, arrived);
        }
        Ok(())
    }

    /// Every input of this source with a time up to `at` has been offered.
    pub fn watermark(&mut self, source: Source, at: RigTime) {
        let lane = &mut self.lanes[source as usize];
        lane.watermark = lane.watermark.max(at);
    }

    /// Up to here nothing is missing from any source.
    pub fn horizon(&self) -> RigTime {
        self.lanes.iter().map(|l| l.watermark).min().unwrap_or(RigTime::MAX)
    }

    /// When the next input is due, if it may be processed already.
    pub fn next_at(&self) -> Option<RigTime> {
        let horizon = self.horizon();
        self.head().map(|i| self.lanes[i].waiting[0].at).filter(|at| *at <= horizon)
    }

    /// Takes the next input. Of a batch of edges only the part that nothing else can come between is taken:
    /// up to the next input of another source, the next `deadline`, and `patience` after its first edge.
    pub fn take(&mut self, deadline: Option<RigTime>, patience: Span) -> Option<Arrived> {
        let horizon = self.horizon();
        let i = self.head()?;
        let mut arrived = self.lanes[i].waiting.pop_front()?;
        if let Input::Edges(edges) = &mut arrived.input {
            if edges.then.is_empty() {
                arrived.at = edges.first;
                return Some(arrived);
            }
            // At equal times the sources before this one come first.
            let last_before = |(j, lane): (usize, &Lane)| lane.waiting.front().map(|a| if j < i { RigTime(a.at.0 - 1) } else { a.at });
            let others = self.lanes.iter().enumerate().filter(|(j, _)| *j != i).filter_map(last_before).min();
            let until = [Some(horizon), deadline, others, Some(edges.first.saturating_add(patience))].into_iter().flatten().min();
            let until = until.unwrap_or(RigTime::MAX).max(edges.first);
            if let Some(rest) = edges.split_after(until) {
                let rest = Arrived { at: rest.first, arrival: arrived.arrival, input: Input::Edges(rest) };
                let lane = &mut self.lanes[i];
                let place = lane.waiting.iter().position(|a| a.at > rest.at).unwrap_or(lane.waiting.len());
                lane.waiting.insert(place, rest);
            }
            arrived.at = edges.last();
        }
        Some(arrived)
    }

    fn head(&self) -> Option<usize> {
        let heads = self.lanes.iter().enumerate().filter_map(|(i, l)| l.waiting.front().map(|a| (a.at, i)));
        heads.min().map(|(_, i)| i)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rig_model::input::{Edges, Sense};

    fn done(at: i64, id: u64) -> Arrived {
        Arrived { at: RigTime(at), arrival: None, input: Input::Done { id } }
    }

    fn edges(first: i64, then: &[i64]) -> Arrived {
        let edges = Edges { then: then.to_vec(), ..Edges::single("flow.tip".into(), Sense::Forward, 0, RigTime(first)) };
        Arrived { at: RigTime(first), arrival: None, input: Input::Edges(edges) }
    }

    fn all_to(order: &mut Order, at: i64) {
        Source::ALL.into_iter().for_each(|s| order.watermark(s, RigTime(at)));
    }

    #[test]
    fn nothing_is_processed_before_every_source_has_passed_it() {
        let mut order = Order::new();
        order.offer(Source::Link, done(10, 1), RigTime::ZERO).unwrap();
        Source::ALL[..3].iter().for_each(|s| order.watermark(*s, RigTime(20)));
        assert_eq!(order.next_at(), None, "the sensors may still tell of something earlier");
        order.watermark(Source::Sensors, RigTime(10));
        assert_eq!(order.next_at(), Some(RigTime(10)));
    }

    #[test]
    fn a_late_input_is_not_taken() {
        let mut order = Order::new();
        order.watermark(Source::Link, RigTime(10));
        assert_eq!(order.offer(Source::Link, done(10, 1), RigTime::ZERO), Err(NotTaken::TooLate));
        assert_eq!(order.offer(Source::Bench, done(4, 1), RigTime(5)), Err(NotTaken::TooLate));
        assert_eq!(order.offer(Source::Link, done(11, 1), RigTime(5)), Ok(()));
    }

    #[test]
    fn a_batch_is_cut_where_something_else_comes_between() {
        let mut order = Order::new();
        order.offer(Source::Sensors, edges(10, &[10, 10, 10]), RigTime::ZERO).unwrap();
        order.offer(Source::Bench, done(25, 1), RigTime::ZERO).unwrap();
        all_to(&mut order, 35);
        let mut took = Vec::new();
        while order.next_at().is_some() {
            let arrived = order.take(Some(RigTime(15)), Span::MAX).unwrap();
            took.push((arrived.at.0, if let Input::Edges(e) = arrived.input { e.count() } else { 0 }));
        }
        assert_eq!(took, [(10, 1), (20, 1), (25, 0), (30, 1)], "the last edge is beyond the horizon");
    }

    #[test]
    fn a_batch_is_cut_before_an_earlier_source_of_the_same_instant() {
        let mut order = Order::new();
        order.offer(Source::Sensors, edges(10, &[10, 10]), RigTime::ZERO).unwrap();
        order.offer(Source::Link, done(20, 1), RigTime::ZERO).unwrap();
        all_to(&mut order, 40);
        let mut next = || order.take(None, Span::MAX).map(|a| a.at.0);
        assert_eq!([next(), next(), next(), next()], [Some(10), Some(20), Some(30), None]);
    }
}
