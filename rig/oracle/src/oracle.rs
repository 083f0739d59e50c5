//! The two bounds and the channels that are held against them.

mod bounds;

use std::collections::BTreeSet;
use std::sync::Arc;

use rig_model::Name;
use rig_model::bench::Bench;
use rig_model::dut::{DutReport, Outcome, Verb};
use rig_model::input::{Actuation, Edges, Lost, PlantChange};
use rig_model::time::{RigTime, Span};

use crate::band::{self, TOLERANCE};
use crate::bridge::Bridge;
use crate::course::{Basal, Course, ENDING, Ramp, STEP, Side, is_basal};
use crate::meter::Meter;
use crate::patient::Patient;
use crate::prescription::{Begin, Prescription};
use crate::recent::Recent;
use crate::surroundings::Surroundings;
use crate::week::Clock;

/// What the oracle is told, in the order of source time.
#[derive(Debug, Clone, Copy)]
pub enum Heard<'a> {
    /// A verb was given to the pump's session. Queries need not be told.
    Command {
        id: u64,
        verb: &'a Verb,
    },
    Ended {
        id: u64,
        verb: &'a Verb,
        outcome: &'a Outcome,
    },
    Report(&'a DutReport),
    Edges(&'a Edges),
    Lost(&'a Lost),
    Actuate {
        id: u64,
        what: &'a Actuation,
    },
    Done {
        id: u64,
    },
    /// Somebody is asked to do something by hand; with a change it is that and nothing else, set up before the steps.
    Prompt {
        text: &'a str,
        change: Option<&'a PlantChange>,
    },
}

/// Watches one case.
#[derive(Debug)]
pub struct Oracle {
    pub(crate) bench: Arc<Bench>,
    pub(crate) stroke: f64,
    pub(crate) began: RigTime,
    pub(crate) now: RigTime,
    pub(crate) upper: Course,
    pub(crate) lower: Course,
    /// What may have flowed and what must have, with the tolerance, µL.
    pub(crate) allowed: f64,
    pub(crate) owed: f64,
    /// As fractions, under the present conditions: of the upper bound and of the lower one.
    tolerance: (f64, f64),
    /// The widest that they were.
    pub(crate) widest: (f64, f64),
    /// What would have had to come and was excused, whatever excused it, µL.
    pub(crate) excused: f64,
    /// What had to flow when something ended it: it goes on to the next start, so that it is known how much that excused.
    pub(crate) let_off: Option<Course>,
    /// After a dip that may have reset the pump: its basal delivery before, and how often it had begun anew.
    pub(crate) dipped: Option<Dipped>,
    /// Since when, and why, the band is too wide to judge by.
    pub(crate) wide: [Option<(RigTime, String)>; 2],
    /// Nothing can be demanded of the pump now.
    pub(crate) held: bool,
    /// Since when the reservoir holds more than it can, and the first and last time at which it did.
    pub(crate) overfilled: Option<RigTime>,
    pub(crate) unjudged: Option<(RigTime, RigTime)>,
    pub(crate) alive: Vec<Alive>,
    pub(crate) meters: Vec<Meter>,
    pub(crate) prescription: Prescription,
    pub(crate) patient: Patient,
    pub(crate) clock: Option<Clock>,
    pub(crate) surroundings: Surroundings,
    pub(crate) asked: Vec<Asked>,
    pub(crate) moving: Vec<(u64, Actuation)>,
    /// Critical alarms that the pump has told of, as bits in the order of [`Alarm::ALL`].
    pub(crate) alarms: u32,
    pub(crate) resets: Option<u32>,
    pub(crate) button_since: Option<RigTime>,
    /// What a step first asked somebody to do by hand.
    pub(crate) by_hand: Option<String>,
    pub(crate) recent: Option<Recent>,
    /// Something was begun in this case.
    pub(crate) begun: bool,
    /// Since when, and why, nothing can be said any more; of what is missing, or of both.
    pub(crate) blind_below: Option<(RigTime, String)>,
    pub(crate) blind: Option<(RigTime, String)>,
    next_change: RigTime,
}

/// A bolus that may be under way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Alive {
    pub tag: u64,
    /// With tolerance and first stroke, µL.
    pub volume: f64,
    /// When it is over at the latest.
    pub until: RigTime,
    /// Of a bolus of a patient that nothing else overlapped when it was asked for: what had come by then, and its volume, µL.
    pub patient: Option<(Before, f64)>,
    /// It began by itself, and something that comes before it holds it up.
    pub held: bool,
}

/// What had come at the outlet, and what was allowed, µL.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Before {
    pub came: f64,
    pub allowed: f64,
}

/// The supply dipped so deep that the pump may have begun anew.
#[derive(Debug, Clone)]
pub(crate) struct Dipped {
    pub basal: Option<Basal>,
    pub resets: u32,
    /// Of the bridge, from when on something else may have ended it.
    pub doubted: Option<RigTime>,
    /// What the pump says from then on it says after the dip.
    pub over: RigTime,
}

/// A verb that waits for its answer.
#[derive(Debug)]
pub(crate) struct Asked {
    pub id: u64,
    pub sent: RigTime,
    pub begin: Option<Begin>,
    /// What had to flow by then, and from when on; and the doses that had begun by themselves, should they end.
    pub lower_basal: (Option<Basal>, RigTime),
    pub lower_doses: Vec<Ramp>,
    pub may: bool,
    /// What it ended, should it be taken; absent where something else has ended it meanwhile.
    pub ended: Option<Ended>,
}

/// What goes on as it was if the command that ended it is refused.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Something had to flow; it goes on in [`Oracle::let_off`].
    pub lower: bool,
    /// Of the bridge, from when on something may have ended it.
    pub doubted: Option<RigTime>,
    pub dipped: Option<Dipped>,
}

impl Oracle {
    /// For a case that begins at `now`: nothing has been ordered, and what the pump remembers is not known.
    pub fn new(bench: Arc<Bench>, now: RigTime) -> Self {
        let stroke = band::stroke(&bench);
        let meters = bench.channels.iter().filter_map(|channel| Meter::new(channel, &bench, now, stroke)).collect();
        Self {
            stroke,
            began: now,
            now,
            upper: Course::new(Side::Upper, stroke, now),
            lower: Course::new(Side::Lower, stroke, now),
            allowed: 0.0,
            owed: 0.0,
            tolerance: (TOLERANCE, TOLERANCE),
            widest: (TOLERANCE, TOLERANCE),
            excused: 0.0,
            let_off: None,
            dipped: None,
            wide: [None, None],
            held: false,
            overfilled: None,
            unjudged: None,
            alive: Vec::new(),
            meters,
            prescription: Prescription::unknown(bench.dut.own),
            patient: Patient::default(),
            clock: None,
            surroundings: Surroundings::new(
                stroke,
                bench.plant.as_ref().map(|plant| plant.reservoir_capacity.0),
                bench.line("leak").is_some_and(|line| line.safe_active),
            ),
            asked: Vec::new(),
            moving: Vec::new(),
            alarms: 0,
            resets: None,
            button_since: None,
            by_hand: None,
            recent: None,
            begun: false,
            blind_below: None,
            blind: None,
            next_change: RigTime::MAX,
            bench,
        }
    }

    /// Takes what happened at `now`; never earlier than the instant before.
    pub fn hear(&mut self, now: RigTime, heard: Heard<'_>) {
        if self.blind.is_some() {
            return self.show_alive(heard);
        }
        match heard {
            Heard::Edges(edges) => self.edges(edges),
            Heard::Report(report) => self.report(now, report),
            Heard::Command { id, verb } => self.asked(now, id, verb),
            Heard::Ended { id, verb, outcome } => self.ended(now, id, verb, outcome),
            Heard::Lost(lost) => self.lost(now, lost),
            Heard::Actuate { id, what } => self.actuate(now, id, what),
            Heard::Done { id } => self.done(now, id),
            Heard::Prompt { change: Some(change), .. } => self.set_up(now, change),
            Heard::Prompt { text, change: None } => self.prompted(now, text),
        }
    }

    /// Channels on which pulses came.
    pub fn alive(&self) -> BTreeSet<Name> {
        self.meters.iter().filter(|meter| meter.pulses > 0).map(|meter| meter.name.clone()).collect()
    }

    /// Both bounds have come to their end: nothing is judged any more, but a channel on which pulses come is alive.
    fn show_alive(&mut self, heard: Heard<'_>) {
        // What is lost behind the end of both bounds is missing in neither.
        if let Heard::Edges(edges) = heard {
            for meter in self.meters.iter_mut().filter(|meter| meter.name == edges.channel) {
                meter.pulses += edges.count();
            }
        }
    }

    fn edges(&mut self, edges: &Edges) {
        let Some(n) = self.meters.iter().position(|meter| meter.name == edges.channel) else { return };
        let before = self.meters[n].volume;
        for at in edges.times() {
            self.move_to(at);
            let (now, allowed, owed) = (self.now, self.allowed, self.owed);
            let meter = &mut self.meters[n];
            // Pulses come in batches: those of another channel may have taken the bounds beyond this one already.
            let (now, allowed, owed) = if at < now { meter.on_the_way(at, (now, allowed, owed)) } else { (now, allowed, owed) };
            meter.settle(now, allowed, owed);
            meter.pulse(at, edges.sense);
        }
        if self.meters[n].is_outlet() {
            let came = self.meters[n].volume - before;
            self.surroundings.came_out(came);
            if let Some(recent) = &mut self.recent {
                recent.add(self.now, came);
            }
            self.excuses();
        }
    }

    fn lost(&mut self, now: RigTime, lost: &Lost) {
        for meter in self.meters.iter_mut().filter(|meter| lost.channel.as_ref().is_none_or(|channel| *channel == meter.name)) {
            meter.lost(now, lost);
        }
    }

    /// A delivery that was ordered to end, or that a critical alarm ended.
    pub(crate) fn end_upper(&mut self) {
        self.upper.stop();
        self.alive.clear();
        let (now, stroke) = (self.now, self.stroke);
        self.prescription.bridge.take_if(|bridge| !bridge.cut(now, stroke));
    }

    /// Something that comes before the doses of the basal delivery is under way for so long.
    pub(crate) fn hold_up(&mut self, waits: Span) {
        for alive in self.alive.iter_mut().filter(|alive| is_basal(alive.tag)) {
            (alive.until, alive.held) = (alive.until.saturating_add(waits), true);
        }
    }

    /// A start was taken that begins another basal delivery, or was not: the doses of the one before are over, to within a stroke, or go on.
    pub(crate) fn end_doses(&mut self, taken: bool) {
        let last = self.now + band::LATENCY;
        self.upper.end_marked(taken);
        for alive in self.alive.iter_mut().filter(|alive| alive.tag == ENDING) {
            match taken {
                true => alive.until = alive.until.min(last),
                false => alive.tag = STEP,
            }
        }
    }

    /// From now on nothing can be demanded, whatever becomes of the commands that wait for their answers.
    pub(crate) fn end_lower(&mut self) {
        for asked in &mut self.asked {
            (asked.ended, asked.lower_basal.0) = (None, None);
            asked.lower_doses.clear();
        }
        // What is not judged is not excused either.
        if self.lower.runs() && self.blind_below.is_none() {
            self.let_off = Some(self.lower.clone());
        }
        self.lower.stop();
        if let Some(bridge) = &mut self.prescription.bridge {
            bridge.doubt(self.now);
        }
    }

    /// What is missing up to now is excused.
    pub(crate) fn excuse(&mut self) {
        let (now, allowed, owed) = (self.now, self.allowed, self.owed);
        for meter in self.meters.iter_mut().filter(|meter| meter.is_outlet()) {
            meter.settle(now, allowed, owed);
            self.excused += meter.excuse(now);
        }
    }

    /// When what is left of an old drug has gone out, at the earliest and at the latest; now where none goes out.
    pub(crate) fn behind_bridge(&self) -> (RigTime, RigTime) {
        let (earliest, latest) = self.prescription.bridge.as_ref().and_then(Bridge::ends).unwrap_or((self.now, self.now));
        (earliest.max(self.now), latest.max(self.now))
    }

    /// The pump comes up without knowing what time it is.
    pub(crate) fn forgets(&mut self) {
        let now = self.now;
        self.prescription.power_failed();
        self.patient.power_failed(now);
        if let Some(recent) = &mut self.recent {
            recent.as_of_now(now);
        }
    }
}
