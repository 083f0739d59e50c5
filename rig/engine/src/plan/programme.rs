//! What a case asks of the pump, laid out in time before anything is played.
//!
//! A pump that does exactly what it is told is followed through the steps: when it infuses, at which rate, and how much comes through each
//! measured window. Where that can't be told (a valve was moved, a step waits for an alarm) it is not guessed.

mod course;
mod elapse;

use std::collections::BTreeMap;

use rig_model::bench::Bench;
use rig_model::dut::Verb;
use rig_model::input::PlantChange;
use rig_model::scenario::{Case, Expected, Step, StepKind, Subject};

pub use self::course::{Course, members};
use crate::books::FORGOTTEN_AFTER;

/// Steps followed in one case, each round of a repeat counted: a year of days with five steps each is a tenth of it.
const MAX_STEPS: u32 = 20_000;
/// Rounds of a repeat that are looked at; those that follow are like them, and are followed for their volume only.
const ROUNDS: u32 = 2;
/// A pump that was stopped has finished its stroke after that.
const SETTLED_S: f64 = 2.0;

const SURROUNDINGS: &str = "how much air pressure and warmth move a sound pump shows in the run only";

/// A pump that does what it is told.
#[derive(Debug)]
pub struct Programme<'c> {
    bench: &'c Bench,
    steps: u32,
    now: f64,
    basal: Option<f64>,
    pending: Option<Dose>,
    /// When something was last programmed.
    programmed_at: f64,
    /// In force, and put aside, µg/mL.
    concentration: Option<f64>,
    new_concentration: Option<f64>,
    infusing: Option<f64>,
    dose: Option<Running>,
    /// When the rate last changed.
    rate_since: f64,
    settled_at: f64,
    lines: BTreeMap<&'c str, bool>,
    /// Why nothing can be told any more of what comes out.
    unknown: Option<String>,
    /// What has moved the pump away from what it is told.
    swayed: Option<String>,
    seen: Seen,
    /// Volume so far over time: points of straight lines.
    volume: Vec<(f64, f64)>,
    courses: BTreeMap<&'c str, Course>,
    /// Inside a round that is followed for its volume only.
    passing: bool,
    /// Inside a repeat.
    nested: bool,
    /// The repeat is longer than what is followed.
    cut: bool,
}

#[derive(Debug, Clone, Copy)]
struct Dose {
    volume: f64,
    over_s: Option<f64>,
}

#[derive(Debug, Clone, Copy)]
struct Running {
    rate: f64,
    until: f64,
}

/// What has been seen so far; a window takes the difference.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    /// Waits that end nobody knows when, and those of them during which something flowed.
    untimed: u32,
    unmeasured: u32,
    /// Times at which strokes came that a window may cut.
    strokes: u32,
    doses: u32,
    last_dose: Option<Dose>,
    fastest: f64,
}

impl<'c> Programme<'c> {
    /// Follows the case; `look` is shown each step that is judged, with what is known by then.
    pub fn follow(case: &'c Case, bench: &'c Bench, look: &mut dyn FnMut(&'c Step, &Self)) -> Self {
        let given = &case.given;
        let unknown = match (given.catheter_primed, given.air_bubble) {
            (Some(false), _) => Some("the catheter is full of air at first".to_owned()),
            (_, Some(bubble)) if bubble.0 > 0.0 => Some("there is air in the line".to_owned()),
            _ => None,
        };
        let mut programme = Self {
            bench,
            steps: 0,
            now: 0.0,
            basal: None,
            pending: None,
            programmed_at: 0.0,
            concentration: None,
            new_concentration: None,
            infusing: None,
            dose: None,
            rate_since: 0.0,
            settled_at: 0.0,
            lines: bench.lines.iter().map(|l| (&*l.name, l.safe_active)).collect(),
            unknown,
            swayed: (given.temperature.is_some() || given.ambient.is_some()).then(|| SURROUNDINGS.to_owned()),
            seen: Seen::default(),
            volume: vec![(0.0, 0.0)],
            courses: BTreeMap::new(),
            passing: false,
            nested: false,
            cut: false,
        };
        // Forgotten programmes are known to be gone; others may be left in the pump.
        if !given.factory_reset {
            programme.unknown.get_or_insert_with(|| "the pump may still have a programme of its own".to_owned());
        }
        programme.play(&case.steps, look);
        programme.play(&case.finally, look);
        programme
    }

    /// Whether the step may have been played before.
    pub fn in_repeat(&self) -> bool {
        self.nested
    }

    pub fn course(&self, window: &str) -> Option<&Course> {
        self.courses.get(window)
    }

    fn play(&mut self, steps: &'c [Step], look: &mut dyn FnMut(&'c Step, &Self)) {
        for step in steps {
            self.steps += 1;
            if self.passing && self.steps > MAX_STEPS {
                self.cut = true;
                return self.lose_track("the case is too long to be laid out".to_owned());
            }
            self.step(step, look);
        }
    }

    fn step(&mut self, step: &'c Step, look: &mut dyn FnMut(&'c Step, &Self)) {
        match &step.kind {
            StepKind::Command { verb, expect: Expected::Accepted, .. } => self.command(verb),
            StepKind::Wait(span) => self.pass(span.as_seconds()),
            StepKind::Expect { what, within, .. } => self.wait_for(what, *within),
            StepKind::Hold { lasts, .. } => self.pass(lasts.as_seconds()),
            StepKind::Measure(measure) => self.measure(measure, look),
            StepKind::Check(check) => {
                if let Subject::State(state) = check.subject {
                    self.is_in(state);
                }
            }
            StepKind::Set { line, active } => self.set(step, line, *active),
            // Fluid for the pump to draw is what it expects.
            StepKind::Plant(PlantChange::Reservoir { .. }) => {}
            // Another drug, or another charge of the battery, changes no volume.
            StepKind::Plant(PlantChange::Drug { .. } | PlantChange::Battery { .. }) => {}
            StepKind::Plant(PlantChange::Ambient { .. } | PlantChange::Temperature { .. }) => {
                self.swayed.get_or_insert_with(|| SURROUNDINGS.to_owned());
            }
            StepKind::Plant(_) => self.lose_track(format!("{} changes the plumbing", step.path)),
            StepKind::Prompt { .. } => self.lose_track(format!("at {} an operator does something", step.path)),
            StepKind::Repeat { times, steps } => self.repeat(*times, steps, look),
            StepKind::Command { .. } | StepKind::LinkFault(_) | StepKind::Mark { .. } => {}
        }
        if !self.passing {
            look(step, self);
        }
    }

    fn repeat(&mut self, times: u32, steps: &'c [Step], look: &mut dyn FnMut(&'c Step, &Self)) {
        let passing = self.passing;
        // Of repeats in repeats one round is looked at, or their rounds would multiply.
        let looked_at = if std::mem::replace(&mut self.nested, true) { 1 } else { ROUNDS };
        let outermost = looked_at == ROUNDS;
        for round in 0..times {
            self.passing = passing || round >= looked_at;
            self.play(steps, look);
            if self.cut {
                break;
            }
        }
        self.passing = passing;
        self.cut = false;
        self.nested = !outermost;
    }

    fn command(&mut self, verb: &Verb) {
        match verb {
            Verb::Start => self.start(),
            // It finishes its stroke first.
            Verb::Stop | Verb::ShutDown | Verb::BeginRefill => {
                self.halt();
                self.settled_at = self.now + SETTLED_S;
            }
            Verb::FactoryReset => {
                self.halt();
                (self.basal, self.pending) = (None, None);
                (self.concentration, self.new_concentration) = (None, None);
            }
            Verb::Confirm => self.confirm(),
            Verb::EndRefill { concentration: Some(concentration), .. } => {
                if self.concentration != Some(concentration.0) {
                    // What was programmed for another drug can't be started any more; the first that is told leaves the rate in force.
                    self.basal = self.basal.filter(|_| self.concentration.is_none());
                    self.pending = None;
                }
                self.new_concentration = Some(concentration.0);
                self.confirm();
            }
            Verb::PatientBolus | Verb::Discard => self.lose_track(format!("what comes of `{}` is known only in the run", verb.name())),
            Verb::Identify
            | Verb::Status
            | Verb::Acknowledge
            | Verb::Refill { .. }
            | Verb::ReadLog
            | Verb::SetClock { .. }
            | Verb::ReadBack
            | Verb::EndRefill { .. }
            | Verb::Silence
            | Verb::RecordPain { .. }
            | Verb::RecordEvent { .. }
            | Verb::Therapy => {}
            programme => self.put_aside(programme),
        }
    }

    fn put_aside(&mut self, verb: &Verb) {
        self.programmed_at = self.now;
        // 1 µg/mL is 1e-3 µg/µL.
        let concentration = self.new_concentration.or(self.concentration).filter(|c| *c > 0.0);
        match (verb, concentration) {
            (Verb::ProgramBasal { rate }, _) => self.basal = Some(rate.0),
            (Verb::ProgramBolus { volume, over }, _) => self.pending = Some(Dose { volume: volume.0, over_s: Some(over.as_seconds()) }),
            (Verb::ProgramPriming { volume }, _) => self.pending = Some(Dose { volume: volume.0, over_s: None }),
            (Verb::ProgramConcentration { concentration }, _) => self.new_concentration = Some(concentration.0),
            (Verb::ProgramBasalDose { rate }, Some(c)) => self.basal = Some(rate.0 / c * 1e3),
            (Verb::ProgramBolusDose { dose, over }, Some(c)) => {
                self.pending = Some(Dose { volume: dose.0 / c * 1e3, over_s: Some(over.as_seconds()) });
            }
            (Verb::ProgramMinimum, _) => self.basal = Some(self.bench.dut.own.minimum.0),
            _ => self.lose_track(format!("what comes of `{}` is known only in the run", verb.name())),
        }
    }

    /// Another drug stops the pump at once; nothing starts again by itself.
    fn confirm(&mut self) {
        let Some(new) = self.new_concentration.take() else { return };
        if self.concentration.is_none() && self.rate() > 0.0 {
            self.lose_track("a concentration is told to a pump that runs".to_owned());
        }
        if self.concentration.replace(new).is_some_and(|old| old != new) {
            self.halt();
            self.settled_at = self.now + SETTLED_S;
        }
    }

    fn start(&mut self) {
        if self.pending.is_some() && self.now - self.programmed_at > FORGOTTEN_AFTER.as_seconds() {
            return self.lose_track(format!("what is not started within {FORGOTTEN_AFTER} a pump may have forgotten"));
        }
        if self.basal.is_none() && self.pending.is_none() {
            return self.lose_track("something is started that this scenario has not programmed".to_owned());
        }
        self.infusing = self.basal;
        let Some(dose) = self.pending.take() else { return self.note_rate() };
        self.seen.doses += 1;
        self.seen.last_dose = Some(dose);
        match dose.over_s {
            Some(over) if over > 0.0 => self.dose = Some(Running { rate: dose.volume / over * 3_600.0, until: self.now + over }),
            // At the pump's own rate, which nobody states.
            _ => {
                let volume = self.total() + dose.volume;
                self.volume.push((self.now, volume));
                self.seen.untimed += 1;
            }
        }
        self.note_rate();
    }

    fn lose_track(&mut self, why: String) {
        self.unknown.get_or_insert(why);
    }

    fn set(&mut self, step: &Step, line: &str, active: bool) {
        match self.lines.get_mut(line) {
            _ if line == "power" && !active => self.halt(),
            // What is on again stands still until it is started.
            _ if line == "power" => {}
            Some(position) if *position == active => {}
            Some(position) => {
                *position = active;
                self.lose_track(format!("{} moves the {line}", step.path));
            }
            None => {}
        }
    }

    /// The smallest delivery of the pump and how long it takes, in µL and µL/h, where the bench states it.
    pub fn stroke(&self) -> Option<(f64, f64)> {
        let stroke = self.bench.dut.stroke?;
        Some((stroke.volume.0, stroke.volume.0 / stroke.duration.as_hours()))
    }
}
