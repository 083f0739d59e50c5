//! What has been prescribed: what is put aside, what is in force, and what the next start begins.

use rig_model::bench::OwnRates;
use rig_model::dut::{PatientBolus, ScheduleStep, Verb};
use rig_model::time::{RigTime, Span};

use crate::band::{FORGOTTEN_ABOUT, FORGOTTEN_AFTER};
use crate::bridge::{Bridge, Due};

/// No pump takes more steps of a schedule than this; what comes beyond is not kept.
const MAX_STEPS: usize = 64;

/// The basal delivery that a start begins.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) enum Mode {
    #[default]
    None,
    /// µL/h.
    Continuous(f64),
    Weekly(Vec<ScheduleStep>),
    Microdose {
        volume: f64,
        over: Span,
        every: Span,
    },
}

impl Mode {
    /// A rate below which it does not fall, µL/h.
    pub fn least(&self) -> f64 {
        if let Self::Continuous(rate) = self { *rate } else { 0.0 }
    }
}

/// A volume to be delivered once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Once {
    Bolus { volume: f64, over: Span },
    Priming { volume: f64 },
}

/// What a start begins.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Begin {
    pub mode: Mode,
    /// It is another one than was begun before.
    pub mode_new: bool,
    pub once: Option<Once>,
    /// What is left of the old drug, ahead of the basal delivery.
    pub bridge: Option<Due>,
    /// Whether the basal delivery certainly begins, and whether the rest does.
    pub basal_sure: bool,
    pub sure: bool,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Prescription {
    mode: Mode,
    /// It was confirmed, and not yet begun.
    mode_waits: bool,
    /// The bolus or priming that was confirmed, and not yet begun.
    waiting: Option<Once>,
    aside: Vec<Verb>,
    /// When something was last programmed or confirmed, and when the pump was last asked about it.
    programmed: RigTime,
    touched: RigTime,
    /// The power failed while something was put aside or waited for its start, or it was left for about as long as it takes to be forgotten.
    doubtful: bool,
    pub patient: Option<PatientBolus>,
    /// µL, in any period.
    pub limit: Option<(f64, Span)>,
    /// µg/mL.
    concentration: Option<f64>,
    pub bridge: Option<Bridge>,
    /// Confirmed, and for the next change of concentration: µL, µL/h.
    next_bridge: Option<(f64, f64)>,
    own: OwnRates,
    /// The pump may hold what it was told before the case beside what it is told in it: a basal rate, rules, a limit, a bridge, a concentration.
    pub remembers: bool,
}

/// What a confirmation brought into force, besides the mode.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Confirmed {
    pub patient: bool,
    pub limit: bool,
}

impl Prescription {
    /// Of a pump that may remember what it was told before.
    pub fn unknown(own: OwnRates) -> Self {
        Self { remembers: true, own, ..Self::default() }
    }

    /// The pump has forgotten everything.
    pub fn reset(&mut self) {
        *self = Self { own: self.own, ..Self::default() };
    }

    pub fn put_aside(&mut self, part: &Verb, at: RigTime) {
        if self.forgotten(at) {
            self.discard();
        }
        self.doubtful |= self.something_waits() && !self.fresh(at);
        if matches!(part, Verb::ProgramStep(_)) {
            if self.aside.iter().filter(|other| matches!(other, Verb::ProgramStep(_))).count() < MAX_STEPS {
                self.aside.push(part.clone());
            }
        } else {
            // The last of a kind is the one that counts.
            self.aside.retain(|other| !same_kind(other, part));
            self.aside.push(part.clone());
        }
        (self.programmed, self.touched) = (at, at);
    }

    pub fn touch(&mut self, at: RigTime) {
        self.touched = at;
    }

    /// By command, or because nobody went on with it: nothing of what is put aside can be started any more, nor a bolus that was confirmed. What else
    /// was confirmed is in force.
    pub fn discard(&mut self) {
        self.aside.clear();
        self.waiting = None;
        self.doubtful = false;
    }

    pub fn power_failed(&mut self) {
        self.doubtful = self.something_waits();
    }

    fn something_waits(&self) -> bool {
        !self.aside.is_empty() || self.waiting.is_some()
    }

    fn forgotten(&self, at: RigTime) -> bool {
        at - self.touched > FORGOTTEN_AFTER + FORGOTTEN_ABOUT
    }

    /// It can't be forgotten yet.
    fn fresh(&self, at: RigTime) -> bool {
        at - self.programmed < FORGOTTEN_AFTER - FORGOTTEN_ABOUT
    }

    /// Whether a confirmation now would change the concentration, and with it end the delivery.
    pub fn changes_concentration(&self, at: RigTime) -> bool {
        let another =
            |part: &Verb| matches!(part, Verb::ProgramConcentration { concentration } if self.is_another_concentration(concentration.0));
        !self.forgotten(at) && self.aside.iter().any(another)
    }

    /// One that is told again as it is changes nothing.
    pub fn is_another_concentration(&self, concentration: f64) -> bool {
        self.concentration != Some(concentration)
    }

    /// Everything that is put aside comes into force.
    pub fn confirm(&mut self, at: RigTime) -> Confirmed {
        let mut confirmed = Confirmed::default();
        if self.forgotten(at) {
            self.discard();
            return confirmed;
        }
        let changes = self.changes_concentration(at);
        if changes {
            // Before the parts come into force: what was confirmed together with the new concentration is for the new drug.
            self.drop_old_drug();
        }
        let parts = std::mem::take(&mut self.aside);
        for part in &parts {
            if let Verb::ProgramConcentration { concentration } = part {
                self.concentration = Some(concentration.0);
            }
        }
        let steps: Vec<ScheduleStep> =
            parts.iter().filter_map(|part| if let Verb::ProgramStep(step) = part { Some((**step).clone()) } else { None }).collect();
        for part in &parts {
            // All steps are one schedule, and of several modes the last one counts.
            if matches!(part, Verb::ProgramStep(_)) {
                self.set_mode(Mode::Weekly(steps.clone()));
            } else {
                self.bring_into_force(part, &mut confirmed);
            }
        }
        if changes {
            self.bridge_falls_due();
        }
        (self.programmed, self.touched) = (at, at);
        confirmed
    }

    fn bring_into_force(&mut self, part: &Verb, confirmed: &mut Confirmed) {
        match part {
            Verb::ProgramBasal { rate } => self.set_mode(Mode::Continuous(rate.0)),
            Verb::ProgramBasalDose { rate } => {
                let flow = self.volume_of(rate.0);
                self.set_mode(Mode::Continuous(flow));
            }
            Verb::ProgramMicrodose { volume, over, every } => {
                self.set_mode(Mode::Microdose { volume: volume.0, over: *over, every: *every });
            }
            Verb::ProgramMinimum => self.set_mode(Mode::Continuous(self.own.minimum.0)),
            Verb::ProgramBolus { volume, over } => self.waiting = Some(Once::Bolus { volume: volume.0, over: *over }),
            Verb::ProgramBolusDose { dose, over } => {
                let volume = self.volume_of(dose.0);
                self.waiting = Some(Once::Bolus { volume, over: *over });
            }
            Verb::ProgramPriming { volume } => self.waiting = Some(Once::Priming { volume: volume.0 }),
            Verb::ProgramBridge { volume, rate } => self.next_bridge = Some((volume.0, rate.0)),
            Verb::ProgramPatientBolus(rule) => {
                self.patient = Some((**rule).clone());
                confirmed.patient = true;
            }
            Verb::ProgramLimit { volume, in_any } => {
                self.limit = Some((volume.0, *in_any));
                confirmed.limit = true;
            }
            _ => {}
        }
    }

    fn set_mode(&mut self, mode: Mode) {
        (self.mode, self.mode_waits) = (mode, true);
    }

    /// Volumes that were prescribed for one concentration are other doses of another. The first that is ever told takes nothing out of force.
    fn drop_old_drug(&mut self) {
        if self.concentration.is_some() {
            (self.mode, self.mode_waits, self.waiting, self.patient) = (Mode::None, false, None, None);
        }
    }

    /// At the end of a refill there is a drug of another concentration.
    pub fn end_refill_with(&mut self, concentration: f64) {
        // Nobody has confirmed for the new drug what was put aside, whichever drug was in the reservoir then.
        self.aside.clear();
        self.drop_old_drug();
        self.concentration = Some(concentration);
        self.bridge_falls_due();
    }

    /// The concentration has changed, and what went out at the old one has been ended.
    fn bridge_falls_due(&mut self) {
        match (self.next_bridge.take(), &mut self.bridge) {
            (Some((volume, rate)), bridge) => *bridge = Some(Bridge::new(volume, rate)),
            (None, Some(bridge)) => bridge.again(),
            (None, None) => {}
        }
    }

    /// µL of µg; nothing where no concentration is known, since the pump must refuse it then.
    fn volume_of(&self, mass: f64) -> f64 {
        self.concentration.filter(|c| *c > 0.0).map_or(0.0, |c| mass / c * 1e3)
    }

    /// What a start at this instant begins; `None` where it must be refused. `running`: the basal delivery is under way.
    pub fn on_start(&self, at: RigTime, running: bool) -> Option<Begin> {
        let mut next = self.clone();
        if self.forgotten(at) {
            next.discard();
        }
        let parts = std::mem::take(&mut next.aside);
        if parts.iter().any(|part| needs_confirmation(part, &self.own)) {
            return None;
        }
        let mut confirmed = Confirmed::default();
        parts.iter().for_each(|part| next.bring_into_force(part, &mut confirmed));
        let bridge = next.bridge.as_ref().and_then(Bridge::due);
        if next.mode == Mode::None && next.waiting.is_none() && bridge.is_none() {
            return None;
        }
        // What was programmed long ago, or before the power failed, may be forgotten. A basal rate that stood still begins again with a plain
        // start; whether it does with one that is for a bolus only, the prescription leaves open.
        let plain = next.waiting.is_none();
        let sure = parts.is_empty() && plain || self.fresh(at) && !self.doubtful;
        let basal_sure = sure && (next.mode_waits || running || plain);
        Some(Begin { basal_sure, sure, mode: next.mode, mode_new: next.mode_waits, once: next.waiting, bridge })
    }

    /// The start was taken.
    pub fn begun(&mut self, begin: &Begin) {
        if begin.mode != self.mode {
            self.set_mode(begin.mode.clone());
        }
        self.mode_waits = false;
        self.waiting = None;
        self.discard();
    }
}

/// Whether the later part takes the place of the earlier. A pump has one dose for its next start: a bolus, by volume or in drug, or a priming.
fn same_kind(one: &Verb, other: &Verb) -> bool {
    let dose = |part: &Verb| matches!(part, Verb::ProgramBolus { .. } | Verb::ProgramBolusDose { .. } | Verb::ProgramPriming { .. });
    dose(one) && dose(other) || std::mem::discriminant(one) == std::mem::discriminant(other)
}

/// Volumes within their soft limits may be started as they are.
fn needs_confirmation(part: &Verb, own: &OwnRates) -> bool {
    match part {
        Verb::ProgramBasal { rate } => rate.0 > own.soft_basal.0,
        Verb::ProgramBolus { volume, .. } => volume.0 > own.soft_bolus.0,
        Verb::ProgramPriming { .. } => false,
        _ => true,
    }
}
