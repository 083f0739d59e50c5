//! Second witnesses of the pulses. The kernel's running number shows most losses, but edges that coalesce before they are numbered leave no
//! gap, and bounce is numbered like any other edge. Delivery comes in strokes, with silence between them and bursts far above the mean:
//! nothing here assumes a steady flow.

use std::collections::VecDeque;

use rig_model::Name;
use rig_model::bench::{Bench, Channel, Instrument, Witness};
use rig_model::input::{Edges, Lost};
use rig_model::time::{RigTime, Span};

/// Two lines on one wire are stamped within the interrupt latency of one another: far below a millisecond, some on a loaded board.
const SAME_PULSE: Span = Span::milliseconds(5);
/// How long a pulse of one line may wait for that of the other while neither is due: batches come every 10 ms.
const LATE_BATCH: Span = Span::seconds(1);
/// Pulses of one line that wait for the other: a second at the kernel's fastest. More only come while one of the lines is dead.
const MAX_ALONE: usize = 8_192;
/// Strokes around the one that is looked at: two before it, two after it.
const NEIGHBOURS: usize = 5;

/// Holds the pulses of each channel against what they must be.
#[derive(Debug, Default)]
pub(crate) struct Witnesses {
    channels: Vec<Watched>,
}

#[derive(Debug)]
struct Watched {
    name: Name,
    witness: Witness,
    last: Option<RigTime>,
    strokes: Option<Strokes>,
    second: Option<Second>,
}

impl Witnesses {
    pub fn new(bench: &Bench) -> Self {
        Self { channels: bench.channels.iter().filter_map(Watched::new).collect() }
    }

    /// Whether these edges are a second line's, which only bears witness.
    pub fn is_second(&self, channel: &Name) -> bool {
        self.channels.iter().any(|c| c.second.as_ref().is_some_and(|s| s.name == *channel))
    }

    /// What these edges show to be wrong.
    pub fn edges(&mut self, edges: &Edges, found: &mut Vec<Lost>) {
        for watched in &mut self.channels {
            if watched.name == edges.channel {
                watched.edges(edges, found);
            } else if let Some(second) = watched.second.as_mut().filter(|s| s.name == edges.channel) {
                edges.times().for_each(|at| second.pulse(at, Line::Second));
                second.overdue(&watched.name, edges.last() - LATE_BATCH, found);
            }
        }
    }

    /// All edges up to `at` have been seen.
    pub fn seen(&mut self, at: RigTime, found: &mut Vec<Lost>) {
        for watched in &mut self.channels {
            if let Some(second) = &mut watched.second {
                second.overdue(&watched.name, at, found);
            }
        }
    }
}

impl Watched {
    fn new(channel: &Channel) -> Option<Self> {
        let Instrument::Flow(sensor) = &channel.instrument else { return None };
        let second = channel.second().map(|name| Second { name, alone: [VecDeque::new(), VecDeque::new()] });
        let strokes = sensor.witness.stroke_spread_percent.map(|spread| Strokes::new(spread, sensor.stroke_gap));
        let witness = sensor.witness;
        let watched = Self { name: channel.name.clone(), witness, last: None, strokes, second };
        (watched.second.is_some() || witness != Witness::default()).then_some(watched)
    }

    fn edges(&mut self, edges: &Edges, found: &mut Vec<Lost>) {
        let mut too_close = 0;
        for at in edges.times() {
            if let (Some(shortest), Some(last)) = (self.witness.shortest_interval, self.last)
                && at - last < shortest
            {
                too_close += 1;
            }
            self.last = Some(at);
            if let Some(odd) = self.strokes.as_mut().and_then(|strokes| strokes.pulse(at)) {
                found.push(odd.told(&self.name));
            }
            if let Some(second) = &mut self.second {
                second.pulse(at, Line::First);
            }
        }
        if let Some(shortest) = self.witness.shortest_interval.filter(|_| too_close > 0) {
            let why = format!("bounce or glitches: pulses came less than {shortest} apart, which this sensor can't make");
            found.push(Lost { channel: Some(self.name.clone()), count: Some(too_close), spurious: true, why });
        }
        if let Some(second) = &mut self.second {
            second.overdue(&self.name, edges.last() - LATE_BATCH, found);
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    First,
    Second,
}

/// Matches each pulse of one line with that of the other.
#[derive(Debug)]
struct Second {
    name: Name,
    /// Pulses that only one of the lines has told yet, by line.
    alone: [VecDeque<RigTime>; 2],
}

impl Second {
    fn pulse(&mut self, at: RigTime, line: Line) {
        let [first, second] = &mut self.alone;
        let (own, other) = if line == Line::First { (first, second) } else { (second, first) };
        match other.iter().position(|told| (told.0 - at.0).abs() <= SAME_PULSE.0) {
            Some(same) => drop(other.remove(same)),
            // Full, the other line is dead: what is in here already tells it.
            None if own.len() < MAX_ALONE => own.push_back(at),
            None => {}
        }
    }

    /// Tells the pulses that stayed alone although the other line was heard beyond them.
    fn overdue(&mut self, channel: &Name, heard: RigTime, found: &mut Vec<Lost>) {
        for (n, (had, lacks)) in [("first", "second"), ("second", "first")].into_iter().enumerate() {
            let late = self.alone[n].iter().take_while(|told| **told + SAME_PULSE < heard).count();
            if late == 0 {
                continue;
            }
            self.alone[n].drain(..late);
            let why = format!("its two lines differ: the {had} told pulses that the {lacks} did not");
            // The first line is the one that is counted: what it has too much may be bounce, what it lacks was lost.
            found.push(Lost { channel: Some(channel.clone()), count: Some(late as u64), spurious: n == 0, why });
        }
    }
}

/// The pulses of each stroke beside those of the strokes around it.
#[derive(Debug)]
struct Strokes {
    spread_percent: f64,
    gap: Span,
    last: Option<RigTime>,
    now: u64,
    /// Whole strokes, the latest last.
    whole: VecDeque<u64>,
}

/// A stroke that its neighbours do not bear out.
struct Odd {
    pulses: u64,
    usual: u64,
}

impl Strokes {
    fn new(spread_percent: f64, gap: Span) -> Self {
        Self { spread_percent, gap, last: None, now: 0, whole: VecDeque::new() }
    }

    fn pulse(&mut self, at: RigTime) -> Option<Odd> {
        let begins = self.last.is_some_and(|last| at - last > self.gap);
        self.last = Some(at);
        if !begins {
            self.now += 1;
            return None;
        }
        self.whole.push_back(std::mem::replace(&mut self.now, 1));
        if self.whole.len() < NEIGHBOURS {
            return None;
        }
        // The middle one against the four around it: a stroke that was stopped half-way is the last of its kind and is not looked at.
        let middle = self.whole[NEIGHBOURS / 2];
        let mut sorted: Vec<u64> = self.whole.iter().copied().collect();
        self.whole.pop_front();
        sorted.sort_unstable();
        let usual = sorted[NEIGHBOURS / 2];
        let differs = (middle as f64 - usual as f64).abs() * 100.0 > self.spread_percent * usual as f64;
        differs.then_some(Odd { pulses: middle, usual })
    }
}

impl Odd {
    fn told(&self, channel: &Name) -> Lost {
        let Self { pulses, usual } = self;
        let why = format!("a stroke gave {pulses} pulses and those around it {usual}: pulses were lost, or came that were none");
        Lost { channel: Some(channel.clone()), count: Some(pulses.abs_diff(*usual)), spurious: pulses > usual, why }
    }
}

#[cfg(test)]
mod tests {
    use rig_model::input::Sense;

    use super::*;

    const TIP: &str = "flow.tip";

    fn witnesses(witness: Witness, second: bool) -> Witnesses {
        let strokes = witness.stroke_spread_percent.map(|spread| Strokes::new(spread, Span::seconds(1)));
        let second = second.then(|| Second { name: "flow.tip/second".into(), alone: [VecDeque::new(), VecDeque::new()] });
        Witnesses { channels: vec![Watched { name: TIP.into(), witness, last: None, strokes, second }] }
    }

    fn pulses(channel: &str, times_ms: &[i64]) -> Edges {
        let at = |ms: i64| RigTime::ZERO + Span::milliseconds(ms);
        let then = times_ms.windows(2).map(|pair| (at(pair[1]) - at(pair[0])).0).collect();
        Edges { then, ..Edges::single(channel.into(), Sense::Forward, 1, at(times_ms[0])) }
    }

    fn told(found: &[Lost]) -> Vec<(Option<u64>, bool)> {
        found.iter().map(|lost| (lost.count, lost.spurious)).collect()
    }

    #[test]
    fn pulses_that_the_sensor_can_not_make_are_counted_and_told() {
        let mut witnesses = witnesses(Witness { shortest_interval: Some(Span::milliseconds(2)), ..Witness::default() }, false);
        let mut found = Vec::new();
        // A burst far above the mean after minutes of silence is a stroke and nothing else.
        witnesses.edges(&pulses(TIP, &[10, 12, 14, 170_000, 170_002]), &mut found);
        assert_eq!(told(&found), []);
        witnesses.edges(&pulses(TIP, &[170_003, 180_000, 180_001, 180_010]), &mut found);
        assert_eq!(told(&found), [(Some(2), true)], "one across two batches, one within");
    }

    /// Strokes of these many pulses, 100 s apart.
    fn strokes(counts: &[i64]) -> Vec<(Option<u64>, bool)> {
        let mut witnesses = witnesses(Witness { stroke_spread_percent: Some(30.0), ..Witness::default() }, false);
        let mut found = Vec::new();
        for (n, count) in counts.iter().enumerate() {
            let times: Vec<i64> = (0..*count).map(|i| n as i64 * 100_000 + i * 50).collect();
            witnesses.edges(&pulses(TIP, &times), &mut found);
        }
        told(&found)
    }

    #[test]
    fn a_stroke_is_held_against_those_around_it() {
        assert_eq!(strokes(&[10, 10, 11, 9, 10, 10, 10, 10]), []);
        assert_eq!(strokes(&[10, 10, 10, 6, 10, 10, 10, 10]), [(Some(4), false)], "four were lost, or never came");
        assert_eq!(strokes(&[10, 10, 10, 14, 10, 10, 10, 10]), [(Some(4), true)], "four too many");
        assert_eq!(strokes(&[10, 10, 10, 10, 10, 4]), [], "the last was stopped half-way");
        assert_eq!(strokes(&[10, 10, 10, 10, 10, 20, 20, 20, 20, 20]), [], "another stroke volume is none of the sensor's faults");
    }

    #[test]
    fn two_lines_of_one_sensor_must_agree() {
        let second = "flow.tip/second";
        for (what, first, other, expected) in [
            ("both", vec![0, 50, 100], vec![0, 50, 100], vec![]),
            ("within the interrupt's latency", vec![0, 50, 100], vec![4, 53, 99], vec![]),
            ("the second saw one that the first lost", vec![0, 100], vec![0, 50, 100], vec![(Some(1), false)]),
            ("the first saw one that was none", vec![0, 20, 50], vec![0, 50], vec![(Some(1), true)]),
            ("one each", vec![0, 20, 50], vec![0, 35, 50], vec![(Some(1), true), (Some(1), false)]),
            ("a dead second line", vec![0, 20, 50], vec![], vec![(Some(3), true)]),
        ] {
            for second_comes_first in [false, true] {
                let mut witnesses = witnesses(Witness::default(), true);
                let mut found = Vec::new();
                let mut lines = [(TIP, &first), (second, &other)];
                if second_comes_first {
                    lines.reverse();
                }
                for (channel, times) in lines.into_iter().filter(|(_, times)| !times.is_empty()) {
                    witnesses.edges(&pulses(channel, times), &mut found);
                }
                assert_eq!(told(&found), [], "{what}: not told before the other line could be heard");
                witnesses.seen(RigTime::ZERO + Span::seconds(1), &mut found);
                assert_eq!(told(&found), expected, "{what}");
                assert!(witnesses.is_second(&second.into()) && !witnesses.is_second(&TIP.into()));
            }
        }
    }

    #[test]
    fn memory_is_bounded_while_a_line_is_dead() {
        let mut witnesses = witnesses(Witness::default(), true);
        for n in 0..20 {
            let times: Vec<i64> = (0..1_000).map(|i| n * 1_000 + i).collect();
            witnesses.edges(&pulses(TIP, &times), &mut Vec::new());
        }
        let alone = &witnesses.channels[0].second.as_ref().unwrap().alone;
        assert!(alone[0].len() <= MAX_ALONE && alone[1].is_empty());
    }
}
