//! Pulse flow sensors: an edge each time another 1/K has passed.

use rig_model::Name;
use rig_model::bench::{Channel, FlowSensor, Instrument};
use rig_model::input::{Edges, Sense};
use rig_model::time::RigTime;

use crate::line::{Path, Point, Stretch};
use crate::noise::{CLIP, Noise};

/// Edges in one batch at the most, so that a batch fits a line of the wire form and of a journal.
pub const MAX_BATCH: usize = 1024;

/// How long after a pulse its double comes, ns: a bounce of the pick-up.
const BOUNCE_NS: i64 = 50_000;

/// Jitter beyond this is no jitter, ns. It bounds the edges that wait for their stamp.
const MAX_JITTER_NS: f64 = 10e6;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// At the outlet of the pump head.
    Pump,
    /// At the catheter tip.
    Tip,
}

/// What a sensor sees during one stretch.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Sight {
    Nothing,
    /// A constant flow, µL/s.
    Steady(f64),
    /// What leaves the line at the tip; `comes_in`: it enters there.
    Tip {
        comes_in: bool,
    },
    /// What goes back into the reservoir.
    Back,
}

#[derive(Debug, Clone)]
pub(crate) struct Sensor {
    channel: Name,
    pub(crate) place: Place,
    /// Pulses per µL.
    k: f64,
    /// µL/s; at more the sensor keeps to the pulse frequency of this.
    pub(crate) max_flow: f64,
    bidirectional: bool,
    sight: Sight,
    backwards: bool,
    /// Pulses still to go from the start of the stretch to the next edge, 0 to 1.
    left: f64,
    /// Edges of this stretch so far, and the point of the last.
    seen: u64,
    at: Point,
    noise: Noise,
    jitter_ns: f64,
    missed: f64,
    extra: f64,
    /// Stamped edges not yet handed over, in time order.
    stamped: Vec<(i64, Sense)>,
    last_stamp: i64,
    next_number: u64,
}

/// A piece of a stretch on the clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    /// Start of the stretch, ns; `fraction` in 0 to 1 on top.
    pub(crate) start: i64,
    pub(crate) fraction: f64,
    /// Edges lie in (after, until], ns.
    pub(crate) after: i64,
    pub(crate) until: i64,
}

impl Clock {
    /// The first whole nanosecond not before `t` seconds into the stretch.
    pub(crate) fn stamp(&self, t: f64) -> i64 {
        let ns = self.fraction + t * 1e9;
        let whole = ns as i64;
        let up = whole + i64::from((whole as f64) < ns);
        self.start.saturating_add(up).clamp(self.after + 1, self.until)
    }
}

impl Sensor {
    /// `None` for channels that are no flow sensor of this plumbing.
    pub(crate) fn new(channel: &Channel, plant: &rig_model::bench::Plant, mut noise: Noise) -> Option<Self> {
        let Instrument::Flow(FlowSensor { k_factor, max_flow, bidirectional, .. }) = channel.instrument else { return None };
        let place = match channel.name.rsplit('.').next() {
            Some("pump") => Place::Pump,
            Some("tip") => Place::Tip,
            _ => return None,
        };
        let k_error = plant.k_error_tip.filter(|_| place == Place::Tip).unwrap_or(plant.k_error);
        Some(Self {
            channel: channel.name.clone(),
            place,
            k: (k_factor * (1.0 + k_error)).max(0.0),
            max_flow: max_flow.max(0.0) / 3600.0,
            bidirectional,
            sight: Sight::Nothing,
            backwards: false,
            left: noise.uniform(),
            seen: 0,
            at: Point::default(),
            noise,
            jitter_ns: (plant.edge_jitter.0 as f64).clamp(0.0, MAX_JITTER_NS),
            missed: plant.missed_pulses,
            extra: plant.extra_pulses,
            stamped: Vec::new(),
            last_stamp: i64::MIN,
            next_number: 0,
        })
    }

    /// A new stretch begins. `wet`: fluid, not air, is at the tip.
    pub(crate) fn begin(&mut self, stretch: &Stretch, inflow: f64, wet: bool) {
        self.seen = 0;
        self.at = Point::default();
        let backwards;
        (self.sight, backwards) = match self.place {
            Place::Pump if stretch.plumbing.back_conductance > 0.0 => {
                let (sight, _) = self.sight_of(stretch, &stretch.back(), |_| Sight::Back);
                (sight, true)
            }
            Place::Pump => (Sight::Steady(inflow.min(self.max_flow)), false),
            Place::Tip if !wet => (Sight::Nothing, self.backwards),
            Place::Tip => self.sight_of(stretch, &stretch.tip(), |comes_in| Sight::Tip { comes_in }),
        };
        if backwards != self.backwards {
            self.backwards = backwards;
            self.left = 1.0 - self.left;
        }
    }

    /// The flow is on one side of each level (none, ± the range) all through a stretch: its start or, from the level itself, its limit tells
    /// which. `by` is told whether what leaves by this way in truth comes in there.
    fn sight_of(&self, stretch: &Stretch, path: &Path, by: impl Fn(bool) -> Sight) -> (Sight, bool) {
        let Path { reference, conductance: g, .. } = *path;
        let over = |level: f64| if stretch.start == level { stretch.limit > level } else { stretch.start > level };
        if g == 0.0 || (stretch.start == reference && stretch.limit == reference) {
            (Sight::Nothing, self.backwards)
        } else if over(reference + self.max_flow / g) {
            (Sight::Steady(self.max_flow), false)
        } else if over(reference) {
            (by(false), false)
        } else if over(reference - self.max_flow / g) {
            (by(true), true)
        } else {
            (Sight::Steady(-self.max_flow), true)
        }
    }

    /// Stamps the edges up to the point `to` of the stretch.
    pub(crate) fn watch(&mut self, stretch: &Stretch, to: &Point, clock: Clock) {
        let moved = self.moved(stretch, to);
        if moved <= 0.0 || moved < self.left {
            return;
        }
        let edges = 1 + (moved - self.left) as u64;
        while self.seen < edges {
            let volume = (self.left + self.seen as f64) / self.k;
            let t = match self.sight {
                Sight::Nothing => break,
                Sight::Steady(flow) => volume / flow.abs(),
                Sight::Tip { comes_in } => {
                    let volume = if comes_in { -volume } else { volume };
                    self.at = stretch.when_out(volume, &self.at, to);
                    self.at.t
                }
                Sight::Back => {
                    self.at = stretch.when_through(&stretch.back(), volume, &self.at, to);
                    self.at.t
                }
            };
            self.seen += 1;
            self.pulse(clock.stamp(t));
        }
    }

    /// The stretch ends at the point `at`, up to which it was watched.
    pub(crate) fn end(&mut self, stretch: &Stretch, at: &Point) {
        self.left = (self.left + self.seen as f64 - self.moved(stretch, at)).clamp(0.0, 1.0);
        self.seen = 0;
    }

    /// Appends the edges not later than `to`.
    pub(crate) fn hand_over(&mut self, to: RigTime, out: &mut Vec<Edges>) {
        let due = self.stamped.partition_point(|(ns, _)| *ns <= to.0);
        if due == 0 {
            return;
        }
        for run in self.stamped[..due].chunk_by(|a, b| a.1 == b.1).flat_map(|run| run.chunks(MAX_BATCH)) {
            let then = run.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
            let (first, sense) = run[0];
            out.push(Edges { channel: self.channel.clone(), sense, first_number: self.next_number, first: RigTime(first), then });
            self.next_number += run.len() as u64;
        }
        self.stamped.drain(..due);
    }

    /// Pulses since the start of the stretch, whichever way.
    fn moved(&self, stretch: &Stretch, at: &Point) -> f64 {
        match self.sight {
            Sight::Nothing => 0.0,
            Sight::Steady(flow) => self.k * flow.abs() * at.t,
            Sight::Tip { .. } => self.k * stretch.out(at).abs(),
            Sight::Back => self.k * stretch.returned(at).abs(),
        }
    }

    /// One pulse at its true time: perhaps missed, perhaps doubled. A stamp is never earlier than its pulse, so jitter rides on a
    /// constant latency of as much as it can take away.
    fn pulse(&mut self, true_ns: i64) {
        if self.missed > 0.0 && self.noise.uniform() < self.missed {
            return;
        }
        let mut ns = true_ns;
        if self.jitter_ns > 0.0 {
            ns += ((CLIP + self.noise.normal()) * self.jitter_ns + 0.5) as i64;
        }
        self.stamp(ns);
        if self.extra > 0.0 && self.noise.uniform() < self.extra {
            self.stamp(ns + BOUNCE_NS);
        }
    }

    fn stamp(&mut self, ns: i64) {
        let ns = ns.max(self.last_stamp.saturating_add(1));
        self.last_stamp = ns;
        let sense = if self.backwards && self.bidirectional { Sense::Reverse } else { Sense::Forward };
        self.stamped.push((ns, sense));
    }
}
