//! What is ordered to flow at each instant: a basal rate and what runs on top of it, for one of the two bounds.

use rig_model::time::{RigTime, Span};

use crate::band::{self, CLOCK, LATENCY, timing};
use crate::week::Week;

const HOUR: f64 = 3.6e12;
/// No stroke of a bolus is longer, ns.
const LONGEST: f64 = 24.0 * HOUR;

/// Which bound: what may have flowed, or what must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Upper,
    Lower,
}

/// What flows between boluses.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Basal {
    /// µL/h.
    Constant(f64),
    Weekly(Box<Week>),
    /// The first at `next`, as far as it is known.
    Microdose {
        volume: f64,
        over: Span,
        every: Span,
        next: RigTime,
        slack: Span,
    },
}

/// A volume that flows at an even rate from an instant on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Ramp {
    tag: u64,
    from: RigTime,
    left: f64,
    /// µL/ns.
    rate: f64,
    /// Part of the basal delivery, and something more urgent has held it up: it goes on behind that, and behind those held up before it.
    held: bool,
}

/// A bolus that began by itself: a step's, or a microdose.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spawned {
    pub tag: u64,
    pub volume: f64,
    /// When it is over at the latest.
    pub until: RigTime,
}

#[derive(Debug, Clone)]
pub(crate) struct Course {
    side: Side,
    stroke: f64,
    at: RigTime,
    basal: Option<Basal>,
    /// The basal rate that may hold instead, as long as it is not known which.
    other: Option<Basal>,
    basal_from: RigTime,
    ramps: Vec<Ramp>,
    /// Ramps of clinician boluses stand still until then: a patient bolus comes first.
    paused_until: RigTime,
    /// What was held up goes on from then on at the latest, if nothing more urgent is under way.
    free_from: RigTime,
    /// The next step bolus is looked for after this nominal instant.
    spawned_to: RigTime,
    pub spawned: Vec<Spawned>,
    /// µL/ns, until `until`.
    pub rate: f64,
    pub until: RigTime,
    /// The pump's clock may run wrong by this fraction.
    pub skew: f64,
}

/// A bolus of a patient has this bit in its tag.
pub(crate) const PATIENT: u64 = 1 << 63;
/// Doses that begin by themselves, as parts of the basal delivery: a step's, and a microdose. No command and no press has these tags.
pub(crate) const STEP: u64 = 1 << 62;
pub(crate) const MICRODOSE: u64 = 1 << 61;
/// One of them, while a start waits for its answer that would end it.
pub(crate) const ENDING: u64 = 1 << 60;

pub(crate) const fn is_basal(tag: u64) -> bool {
    matches!(tag, STEP | MICRODOSE | ENDING)
}

/// Which ramps flow.
#[derive(Debug, Clone, Copy)]
struct Gate {
    at: RigTime,
    paused: bool,
    /// Doses of the basal delivery stand still.
    busy: bool,
    /// Of those that were held up only this one goes on.
    first_held: Option<usize>,
}

impl Gate {
    fn lets(self, n: usize, ramp: &Ramp) -> bool {
        let waits = is_basal(ramp.tag) && (self.busy || ramp.held && self.first_held != Some(n));
        ramp.from <= self.at && !(self.paused && ramp.tag & PATIENT == 0) && !waits
    }
}

impl Course {
    pub fn new(side: Side, stroke: f64, at: RigTime) -> Self {
        Self {
            side,
            stroke,
            at,
            basal: None,
            other: None,
            basal_from: at,
            ramps: Vec::new(),
            paused_until: at,
            free_from: at,
            spawned_to: at,
            spawned: Vec::new(),
            rate: 0.0,
            until: RigTime::MAX,
            skew: CLOCK,
        }
    }

    /// Nothing is ordered any more.
    pub fn stop(&mut self) {
        self.basal = None;
        self.other = None;
        self.ramps.clear();
    }

    pub fn runs(&self) -> bool {
        self.basal.is_some() || self.other.is_some() || !self.ramps.is_empty()
    }

    pub fn basal(&self) -> Option<&Basal> {
        self.basal.as_ref()
    }

    /// From when on the basal delivery flows.
    pub fn basal_from(&self) -> RigTime {
        self.basal_from
    }

    /// A basal delivery is under way, and nothing comes before it.
    pub fn basal_flows(&self) -> bool {
        self.basal.is_some() && self.at >= self.basal_from
    }

    /// The basal rate from `from` on.
    pub fn set_basal(&mut self, basal: Option<Basal>, from: RigTime) {
        self.basal_from = from;
        self.basal = basal;
        self.other = None;
        self.look_for_steps();
    }

    /// This rate may hold as well.
    pub fn or_basal(&mut self, basal: Option<Basal>) {
        self.other = basal;
        self.look_for_steps();
    }

    /// Whichever it was, it is the first one.
    pub fn not_other(&mut self) {
        self.other = None;
    }

    /// What was perhaps in force is.
    pub fn take_other(&mut self, from: RigTime) {
        let other = self.other.take();
        self.basal = other;
        self.basal_from = from;
    }

    fn look_for_steps(&mut self) {
        let near = match (&self.basal, &self.other) {
            (_, Some(Basal::Weekly(week))) | (Some(Basal::Weekly(week)), None) => week.slack(self.at, self.skew),
            _ => 0,
        };
        self.spawned_to = match self.side {
            Side::Upper => RigTime(self.at.0 - near),
            Side::Lower => RigTime(self.at.0 + near),
        };
    }

    /// A bolus that begins at `at`: for the upper bound at the earliest, for the lower one at the latest.
    pub fn bolus(&mut self, tag: u64, at: RigTime, volume: f64, over: Span) {
        let over = over.max(Span::milliseconds(1));
        let rate = volume / over.0 as f64;
        match self.side {
            Side::Upper => {
                // At once what it may be early by, and the stroke that it begins with.
                let ahead = (rate * timing(over).0 as f64).min(volume);
                self.ramps.push(Ramp { tag, from: at, left: ahead + self.stroke, rate: f64::INFINITY, held: false });
                self.ramps.push(Ramp { tag, from: at, left: volume - ahead, rate, held: false });
            }
            // A microdose that is held up takes the place of this one.
            Side::Lower if tag == MICRODOSE && self.waits(tag) => {}
            // Less the stroke that it may still be short of: a bolus that is no whole number of strokes ends with a part of one.
            Side::Lower => {
                self.ramps.push(Ramp { tag, from: at + timing(over), left: (volume - self.stroke).max(0.0), rate, held: self.waits(tag) })
            }
        }
    }

    /// One of this kind has been held up and is not through.
    fn waits(&self, tag: u64) -> bool {
        is_basal(tag) && self.ramps.iter().any(|ramp| ramp.tag == tag && ramp.held)
    }

    /// The doses of the basal delivery that have begun; they end with it, or are put back if it goes on.
    pub fn take_doses(&mut self) -> Vec<Ramp> {
        self.ramps.extract_if(.., |ramp| is_basal(ramp.tag)).collect()
    }

    pub fn put_back(&mut self, doses: Vec<Ramp>) {
        self.ramps.extend(doses);
    }

    /// The doses of the basal delivery that have begun may be about to end.
    pub fn mark_doses(&mut self) {
        self.ramps.iter_mut().filter(|ramp| is_basal(ramp.tag)).for_each(|ramp| ramp.tag = ENDING);
    }

    /// They have ended, or go on.
    pub fn end_marked(&mut self, ended: bool) {
        if ended {
            self.drop_bolus(ENDING);
        } else {
            self.ramps.iter_mut().filter(|ramp| ramp.tag == ENDING).for_each(|ramp| ramp.tag = STEP);
        }
    }

    /// What is still to come of doses of steps that have fallen due, µL.
    pub fn left_of_steps(&self) -> f64 {
        self.ramps.iter().filter(|ramp| ramp.tag == STEP).map(|ramp| ramp.left.max(0.0)).sum()
    }

    /// Clinician boluses stand still up to then.
    pub fn pause_until(&mut self, until: RigTime) {
        self.paused_until = self.paused_until.max(until);
        self.free_from = self.free_from.max(until);
    }

    /// It was refused.
    pub fn drop_bolus(&mut self, tag: u64) {
        self.ramps.retain(|ramp| ramp.tag != tag);
    }

    /// Goes on to `to`, no later than [`Self::until`].
    pub fn advance(&mut self, to: RigTime) {
        let dt = (to.0 - self.at.0) as f64;
        if dt <= 0.0 {
            return;
        }
        let gate = self.gate();
        for (n, ramp) in self.ramps.iter_mut().enumerate() {
            if gate.lets(n, ramp) {
                ramp.left -= ramp.rate * dt;
            }
        }
        self.at = to;
    }

    fn paused(&self) -> bool {
        self.side == Side::Lower && self.at < self.paused_until
    }

    fn gate(&self) -> Gate {
        // The upper bound lets everything flow at its earliest.
        let lower = self.side == Side::Lower;
        let first_held = self.ramps.iter().position(|ramp| ramp.held).filter(|_| self.at >= self.free_from);
        Gate { at: self.at, paused: self.paused(), busy: lower && self.is_busy(), first_held }
    }

    /// Something that comes before the doses of the basal delivery is under way.
    fn is_busy(&self) -> bool {
        self.ramps.iter().any(|ramp| !is_basal(ramp.tag))
    }

    /// Ramps that are through go; those that something more urgent is ahead of are held up.
    fn hold(&mut self) {
        let at = self.at;
        let (stroke, free_from) = (self.stroke, &mut self.free_from);
        self.ramps.retain(|ramp| {
            let through = ramp.left <= 1e-6;
            if through && (ramp.held || !is_basal(ramp.tag)) {
                // This bound is a stroke short of it, and it may end and the next one begin as late as any bolus.
                let late = Span((stroke / ramp.rate).min(LONGEST) as i64) + LATENCY + timing(Span::minutes(1));
                *free_from = (*free_from).max(at.saturating_add(late));
            }
            !through
        });
        if self.is_busy() || self.paused() {
            self.ramps.iter_mut().filter(|ramp| is_basal(ramp.tag)).for_each(|ramp| ramp.held = true);
        }
    }

    /// Finds out what flows from now on, and until when. What is due at once is returned, in µL.
    pub fn plan(&mut self) -> f64 {
        let mut until = self.spawn();
        let at = self.at;
        let mut at_once = 0.0;
        self.ramps.retain(|ramp| {
            let now = ramp.from <= at && ramp.rate.is_infinite();
            at_once += if now { ramp.left } else { 0.0 };
            !now && (ramp.left > 1e-6 || self.side == Side::Lower)
        });
        if self.side == Side::Lower {
            self.hold();
        }
        let mut rate = 0.0;
        let gate = self.gate();
        for (n, ramp) in self.ramps.iter().enumerate() {
            if ramp.from > at {
                until = until.min(ramp.from);
            } else if gate.lets(n, ramp) {
                rate += ramp.rate;
                until = until.min(RigTime(at.0.saturating_add(((ramp.left / ramp.rate).ceil() as i64).max(1))));
            }
        }
        if gate.paused {
            until = until.min(self.paused_until);
        }
        if at < self.free_from && self.ramps.iter().any(|ramp| ramp.held) {
            until = until.min(self.free_from);
        }
        if at < self.basal_from && self.basal.is_some() {
            until = until.min(self.basal_from);
        } else {
            let (basal, change) = self.basal_rate(self.basal.as_ref());
            let (other, other_change) = self.basal_rate(self.other.as_ref());
            rate += basal.max(other) / HOUR;
            until = until.min(change).min(other_change);
        }
        (self.rate, self.until) = (rate, until);
        at_once
    }

    fn basal_rate(&self, basal: Option<&Basal>) -> (f64, RigTime) {
        match basal {
            Some(Basal::Constant(rate)) => (*rate, RigTime::MAX),
            Some(Basal::Weekly(week)) => (week.rate(self.at, self.side, self.skew), week.next_change(self.at, self.skew)),
            Some(Basal::Microdose { .. }) | None => (0.0, RigTime::MAX),
        }
    }

    /// Begins what begins by itself, and says when the next of it is due.
    fn spawn(&mut self) -> RigTime {
        let mut due = RigTime::MAX;
        let mut begun: Vec<(u64, RigTime, f64, Span, i64)> = Vec::new();
        let (at, side, skew) = (self.at, self.side, self.skew);
        let shift = |slack: i64| if side == Side::Upper { -slack } else { slack };
        for basal in [&mut self.basal, &mut self.other].into_iter().flatten() {
            match basal {
                Basal::Constant(_) => {}
                Basal::Microdose { volume, over, every, next, slack } => {
                    // Each dose begins a period after the last: what the clock is off by grows with them.
                    while next.0 + shift(slack.0) <= at.0 {
                        begun.push((MICRODOSE, *next, *volume, *over, slack.0));
                        *next += *every;
                        *slack = Span(slack.0 + (every.0 as f64 * skew) as i64);
                    }
                    due = due.min(RigTime(next.0 + shift(slack.0)));
                }
                Basal::Weekly(week) => {
                    while let Some((nominal, bolus)) = week.next_bolus(self.spawned_to) {
                        let slack = week.slack(nominal, skew);
                        if nominal.0 + shift(slack) > at.0 {
                            due = due.min(RigTime(nominal.0 + shift(slack)));
                            break;
                        }
                        begun.push((STEP, nominal, bolus.volume.0, bolus.over, slack));
                        self.spawned_to = nominal;
                    }
                }
            }
        }
        for (tag, nominal, volume, over, slack) in begun {
            self.bolus(tag, self.at, volume, over);
            let until = RigTime(nominal.0 + slack) + over + timing(over) + band::LATENCY;
            self.spawned.push(Spawned { tag, volume, until });
        }
        due
    }
}
