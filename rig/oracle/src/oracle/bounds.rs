//! The two bounds in time: how they rise, and what widens, holds or lifts them.

use rig_model::time::{RigTime, Span};

use super::{Alive, Oracle};
use crate::band::{STROKES, TOLERANCE, WIDEST};
use crate::course::{PATIENT, is_basal};

impl Oracle {
    /// Both bounds go on to `at`.
    #[inline]
    pub(crate) fn move_to(&mut self, at: RigTime) {
        if at >= self.next_change {
            self.step_to(at);
        }
        self.glide(at);
    }

    /// The same where something is about to change: what has flowed by now flowed under the old orders.
    pub(crate) fn come_to(&mut self, at: RigTime) {
        self.move_to(at);
        self.advance();
    }

    pub(super) fn advance(&mut self) {
        let now = self.now;
        let let_off = self.let_off.as_mut();
        [&mut self.upper, &mut self.lower].into_iter().chain(let_off).for_each(|course| course.advance(now));
    }

    #[inline]
    fn glide(&mut self, at: RigTime) {
        let dt = (at.0 - self.now.0) as f64;
        if dt <= 0.0 {
            return;
        }
        self.now = at;
        self.allowed += self.upper.rate * dt * (1.0 + self.tolerance.0);
        // What was judged up to some instant is demanded up to there.
        if self.lower.rate != 0.0 && self.blind_below.is_none() {
            let owed = self.lower.rate * dt * (1.0 - self.tolerance.1);
            let excused = if self.held { owed } else { owed.min(self.surroundings.grace) };
            if !self.held {
                self.surroundings.grace -= excused;
            }
            self.excused += excused;
            self.owed += owed - excused;
        }
        if let Some(let_off) = &self.let_off {
            self.excused += let_off.rate * dt * (1.0 - self.tolerance.1);
        }
    }

    /// Stops at each instant at which a rate changes or a bolus is over.
    #[cold]
    fn step_to(&mut self, at: RigTime) {
        while self.next_change <= at {
            self.glide(self.next_change);
            self.change();
        }
    }

    /// Makes a change at the present instant, whatever it is: rates and floors follow.
    pub(crate) fn change(&mut self) {
        let now = self.now;
        self.advance();
        self.widen();
        let at_once = self.upper.plan();
        self.lower.plan();
        let mut let_off = RigTime::MAX;
        if let Some(course) = &mut self.let_off {
            course.plan();
            course.spawned.clear();
            let_off = course.until;
        }
        let spawned = std::mem::take(&mut self.upper.spawned);
        for begun in spawned {
            let volume = self.with_tolerance(begun.volume);
            // It waits for what comes before it, and for those that wait already.
            let ahead = self.alive.iter().filter(|alive| !is_basal(alive.tag) || alive.held).map(|alive| alive.until - now).max();
            let ahead = ahead.unwrap_or(Span::ZERO).max(Span::ZERO);
            let until = begun.until.saturating_add(ahead);
            self.alive.push(Alive { tag: begun.tag, volume, until, patient: None, held: ahead > Span::ZERO });
        }
        self.lower.spawned.clear();
        self.came_for_patient();
        self.alive.retain(|alive| alive.until > now);
        self.excuses();
        self.floors();
        // Behind the floors: what a bolus allows at once must not be forgotten at once.
        self.allowed += at_once * (1.0 + self.tolerance.0);
        let over = self.alive.iter().map(|alive| alive.until).min().unwrap_or(RigTime::MAX);
        let bin = self.recent.as_ref().map_or(RigTime::MAX, |recent| recent.next(now));
        self.next_change = self.upper.until.min(self.lower.until).min(let_off).min(over).min(bin);
    }

    /// The tolerances under the present conditions; too wide a one is said.
    fn widen(&mut self) {
        let (more, less) = self.surroundings.loss_of_accuracy();
        let (now, begun) = (self.now, self.upper.runs());
        let mut in_force = [TOLERANCE + more, TOLERANCE + less];
        for (tolerance, wide) in in_force.iter_mut().zip(&mut self.wide) {
            if *tolerance > WIDEST + 1e-9 && begun {
                let why = format!(
                    "from {:.3} s on temperature or pressure was so far from where accuracy is required that the band would be {:.0} % wide",
                    now.seconds(),
                    *tolerance * 100.0
                );
                wide.get_or_insert((now, why));
            }
        }
        in_force[1] = in_force[1].min(1.0);
        self.tolerance = (in_force[0], in_force[1]);
        self.widest = (self.widest.0.max(in_force[0]), self.widest.1.max(in_force[1]));
    }

    /// What is under way is neither forgotten nor counted against the pump before it is over.
    pub(crate) fn floors(&mut self) {
        let volume: f64 = self.alive.iter().map(|alive| alive.volume).sum();
        let (now, allowed, owed) = (self.now, self.allowed, self.owed);
        for meter in &mut self.meters {
            meter.settle(now, allowed, owed);
            meter.set_alive(now, volume);
        }
    }

    pub(crate) fn with_tolerance(&self, volume: f64) -> f64 {
        (volume + self.stroke) * (1.0 + self.tolerance.0)
    }

    /// Whether anything can be demanded of the pump now: not of an empty reservoir, nor where the limit of a period is near.
    pub(crate) fn excuses(&mut self) {
        let now = self.now;
        let full = match (self.prescription.limit, &mut self.recent) {
            (Some((limit, _)), Some(recent)) => recent.sum(now) > limit * (1.0 - TOLERANCE) - 2.0 * self.stroke,
            _ => false,
        };
        let overfilled = self.surroundings.overfilled();
        if overfilled != self.overfilled.is_some() {
            self.overfill(overfilled);
        }
        let held = full || self.surroundings.excused();
        if held != self.held {
            let (allowed, owed) = (self.allowed, self.owed);
            for meter in self.meters.iter_mut().filter(|meter| meter.is_outlet()) {
                meter.settle(now, allowed, owed);
            }
            self.held = held;
        }
    }

    /// From here on what comes is not held against the pump, or is again.
    fn overfill(&mut self, begins: bool) {
        let (now, allowed, owed) = (self.now, self.allowed, self.owed);
        for meter in &mut self.meters {
            meter.settle(now, allowed, owed);
            meter.touch_line();
            meter.set_open(now, begins);
        }
        if let Some(from) = self.overfilled.take() {
            self.unjudged.get_or_insert((from, from)).1 = now;
        }
        self.overfilled = begins.then_some(now);
    }

    /// Where a press may have been denied, what flowed tells whether it was: a bolus that came counts in lockout and allotment like one that had to.
    fn came_for_patient(&mut self) {
        let Some(came) = self.meters.iter().find(|meter| meter.is_outlet()).map(|meter| meter.volume) else { return };
        let &[Alive { tag, volume: most, until, patient: Some((before, volume)), .. }] = &*self.alive else { return };
        if until > self.now {
            return;
        }
        // What other orders allowed in that time; all of the bolus was allowed by now.
        let others = (self.allowed - before.allowed - most).max(0.0);
        if came - before.came - others > 0.5 * volume + STROKES * self.stroke {
            self.patient.came(tag & !PATIENT);
        }
    }
}
