//! What the bench and people do around the pump.

use rig_model::input::{Actuation, PlantChange};
use rig_model::time::{RigTime, Span};

use crate::band::{CLOCK, LATENCY};
use crate::bridge::Bridge;
use crate::course::Basal;
use crate::oracle::{Dipped, Oracle};
use crate::surroundings::Effect;

/// Below this a supply makes the pump begin anew, V; a little above what its maker states.
const BROWN_OUT: f64 = 2.0;

/// A press shorter than the first certainly counts for nothing, one longer than the second certainly counts.
const PRESSED: (Span, Span) = (Span::milliseconds(30), Span::milliseconds(150));

impl Oracle {
    pub(crate) fn actuate(&mut self, now: RigTime, id: u64, what: &Actuation) {
        self.come_to(now);
        self.moving.push((id, what.clone()));
        match what {
            Actuation::Line { line, active: false } if &**line == "power" => {
                // From now on nothing can be demanded; that nothing may flow begins when it is done.
                self.end_lower();
                self.change();
            }
            Actuation::Line { line, active } if &**line == "button" => self.button(now, *active),
            Actuation::Line { line, active } => {
                let effect = self.surroundings.line(line, *active);
                self.surrounded(now, effect);
            }
            Actuation::Plant(PlantChange::Fresh { .. }) => {
                self.end_lower();
                self.change();
            }
            Actuation::Plant(PlantChange::Button { held, .. }) => {
                let (from, to) = PRESSED;
                if *held >= from {
                    self.pressed(now, now + *held + LATENCY, *held >= to);
                }
            }
            Actuation::Plant(change) => self.changed(now, change),
        }
    }

    /// The same for what a bench can't do itself and somebody sets up by hand before the steps.
    pub(crate) fn set_up(&mut self, now: RigTime, change: &PlantChange) {
        self.come_to(now);
        self.changed(now, change);
    }

    fn changed(&mut self, now: RigTime, change: &PlantChange) {
        if let PlantChange::PumpClock { ppm } = change {
            let skew = CLOCK + ppm.abs() * 1e-6;
            let let_off = self.let_off.as_mut();
            [&mut self.upper, &mut self.lower].into_iter().chain(let_off).for_each(|course| course.skew = skew);
            self.change();
        } else {
            let effect = self.surroundings.change(change, BROWN_OUT);
            self.surrounded(now, effect);
        }
    }

    pub(crate) fn done(&mut self, now: RigTime, id: u64) {
        let Some(n) = self.moving.iter().position(|(moving, _)| *moving == id) else { return };
        match self.moving.swap_remove(n).1 {
            Actuation::Line { line, active: false } if &*line == "power" => {
                self.come_to(now);
                self.unpowered();
            }
            Actuation::Plant(PlantChange::Fresh { .. }) => {
                self.come_to(now);
                self.unpowered();
                // A board as on its first day remembers nothing.
                self.prescription.reset();
            }
            _ => {}
        }
    }

    fn unpowered(&mut self) {
        self.end_upper();
        self.end_lower();
        self.clock = None;
        self.alarms = 0;
        self.resets = None;
        self.forgets();
        self.change();
    }

    fn surrounded(&mut self, now: RigTime, effect: Effect) {
        match effect {
            Effect::Nothing => {}
            // What the line makes of it has passed by the time a delivery is begun.
            Effect::Settles if !self.begun => {}
            Effect::Settles | Effect::Line | Effect::Hindered => self.meters.iter_mut().for_each(|meter| meter.touch_line()),
            Effect::Free => {
                self.meters.iter_mut().for_each(|meter| meter.touch_line());
                self.excuse();
            }
            Effect::Dipped(lasts) => {
                // Where doses begin by themselves nobody knows when the next one does.
                let basal = self.lower.basal().filter(|basal| !matches!(basal, Basal::Microdose { .. })).cloned();
                let doubted = self.prescription.bridge.as_ref().and_then(Bridge::doubted);
                let over = now + lasts + Span::seconds(1);
                let dipped = self.resets.filter(|_| self.lower.runs()).map(|resets| Dipped { basal, resets, doubted, over });
                // Of what was under way before an earlier dip the pump has said nothing yet.
                let earlier = self.dipped.take().map(|earlier| Dipped { over: over.max(earlier.over), ..earlier });
                self.dipped = dipped.or(earlier);
                self.end_lower();
            }
            Effect::Broken => {
                self.dipped = None;
                self.end_lower();
            }
        }
        self.change();
        if matches!(effect, Effect::Broken | Effect::Dipped(_)) {
            self.excuse();
        }
    }

    fn button(&mut self, now: RigTime, active: bool) {
        if active {
            self.button_since = Some(now);
        } else if let Some(since) = self.button_since.take() {
            let held = now - since;
            if held >= PRESSED.0 {
                self.pressed(since, now + LATENCY, held >= PRESSED.1);
            }
        }
    }

    pub(crate) fn prompted(&mut self, now: RigTime, text: &str) {
        self.come_to(now);
        if self.blind_below.is_none() {
            // Whatever was done may have kept the pump from delivering, or have been a press of its button.
            let why = format!("from {:.3} s on somebody may have done by hand what only they know: {text}", now.seconds());
            self.blind_below = Some((now, why));
            self.end_lower();
            self.let_off = None;
            self.change();
        }
        self.by_hand.get_or_insert_with(|| text.to_owned());
        self.button_by_hand(now);
    }

    /// Where the patient has a bolus to ask for, the button may be pressed by hand at any time, and as often as one likes.
    pub(crate) fn button_by_hand(&mut self, now: RigTime) {
        if let Some(text) = self.by_hand.as_ref().filter(|_| self.prescription.patient.is_some()) {
            let why = format!("from {:.3} s on somebody may have pressed the pump's button by hand: {text}", now.seconds());
            self.blind = Some((now, why));
        }
    }
}
