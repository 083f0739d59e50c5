//! Edges of one channel's lines as they come, for people who look at a sensor.

use std::time::Duration;

use rig_model::Name;
use rig_model::bench::Bench;
use rig_model::time::Span;

use crate::edges;
use crate::gpio::{self, Edge, InputSpec, Inputs, LineError};

/// Intervals that one report is made of; in a flood the first of them say as much as all.
const INTERVALS: usize = 16 * 1_024;

/// The lines of a channel: its own, the second one, that of the direction. None if it has no lines.
pub fn inputs_of(bench: &Bench, channel: &str) -> Vec<InputSpec> {
    let (mut specs, _) = edges::wiring(bench);
    let beside = format!("{channel}/");
    specs.retain(|spec| *spec.name == *channel || spec.name.starts_with(&beside));
    specs
}

/// Counts edges as long as it lives; the lines are its own meanwhile.
pub struct PulseCounter {
    inputs: Box<dyn Inputs>,
    counts: Vec<LineCount>,
    edges: Vec<Edge>,
}

impl std::fmt::Debug for PulseCounter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PulseCounter").field("counts", &self.counts).finish_non_exhaustive()
    }
}

impl PulseCounter {
    /// # Errors
    /// What is wrong with the first line that can't be had.
    pub fn take(bench: &Bench, specs: &[InputSpec]) -> Result<Self, LineError> {
        let inputs = gpio::inputs(bench.backend, specs)?;
        let counts = specs.iter().map(|spec| LineCount::new(spec.name.clone())).collect();
        Ok(Self { inputs, counts, edges: Vec::new() })
    }

    /// Waits for edges, at most for this long, and counts what is there by then.
    pub fn wait(&mut self, timeout: Duration) -> Result<(), LineError> {
        self.inputs.wait(timeout, &mut self.edges)?;
        for edge in self.edges.drain(..) {
            self.counts[edge.input].edge(&edge);
        }
        Ok(())
    }

    /// Each line with what came on it since the report before, and its level now.
    pub fn report(&mut self, over: Span) -> Result<Vec<Report>, LineError> {
        let mut reports = Vec::new();
        for (n, count) in self.counts.iter_mut().enumerate() {
            reports.push(count.report(over, self.inputs.is_active(n)?));
        }
        Ok(reports)
    }
}

/// What came on one line.
#[derive(Debug, Clone, PartialEq)]
pub struct LineCount {
    name: Name,
    /// Since the beginning.
    edges: u64,
    lost: u64,
    /// The last running number, and the stamp that came with it.
    seen: u32,
    last_ns: Option<i64>,
    /// Since the report before.
    fresh: u64,
    intervals: Vec<i64>,
}

/// What came on one line since the report before, beside the counts since the beginning.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Report {
    pub line: Name,
    pub edges: u64,
    /// Left out of the kernel's running numbers: edges that were lost.
    pub lost: u64,
    pub per_second: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shortest_ns: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub median_ns: Option<i64>,
    pub active: bool,
}

impl LineCount {
    fn new(name: Name) -> Self {
        Self { name, edges: 0, lost: 0, seen: 0, last_ns: None, fresh: 0, intervals: Vec::new() }
    }

    fn edge(&mut self, edge: &Edge) {
        self.lost += u64::from(edge.number.wrapping_sub(self.seen).wrapping_sub(1));
        self.seen = edge.number;
        self.edges += 1;
        self.fresh += 1;
        if let Some(last) = self.last_ns.replace(edge.at_ns)
            && self.intervals.len() < INTERVALS
        {
            self.intervals.push(edge.at_ns - last);
        }
    }

    fn report(&mut self, over: Span, active: bool) -> Report {
        self.intervals.sort_unstable();
        let seconds = over.0.max(1) as f64 / 1e9;
        let report = Report {
            line: self.name.clone(),
            edges: self.edges,
            lost: self.lost,
            per_second: self.fresh as f64 / seconds,
            shortest_ns: self.intervals.first().copied(),
            median_ns: self.intervals.get(self.intervals.len() / 2).copied(),
            active,
        };
        self.fresh = 0;
        self.intervals.clear();
        report
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_rates_and_intervals_are_those_of_the_edges() {
        let mut count = LineCount::new("flow.tip".into());
        // Numbers 4 and 5 are missing.
        for (number, at_ns) in [(1, 0), (2, 100), (3, 300), (6, 1_300)] {
            count.edge(&Edge { input: 0, at_ns, number, rising: true });
        }
        let report = count.report(Span::seconds(2), true);
        assert_eq!((report.edges, report.lost, report.per_second), (4, 2, 2.0));
        assert_eq!((report.shortest_ns, report.median_ns, report.active), (Some(100), Some(200), true));

        count.edge(&Edge { input: 0, at_ns: 2_000, number: 7, rising: true });
        let report = count.report(Span::seconds(1), false);
        assert_eq!((report.edges, report.lost, report.per_second, report.median_ns), (5, 2, 1.0, Some(700)));
        let silent = count.report(Span::seconds(1), false);
        assert_eq!((silent.edges, silent.per_second, silent.median_ns), (5, 0.0, None));
    }

    #[test]
    fn numbers_that_wrap_are_no_gap() {
        let mut count = LineCount::new("flow.tip".into());
        count.seen = u32::MAX;
        count.edge(&Edge { input: 0, at_ns: 0, number: 0, rising: true });
        assert_eq!(count.lost, 0);
    }
}
