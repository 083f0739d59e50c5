//! The prescription in force: what it is made of, what becomes of it when parts are confirmed, and when its parts can't all hold.

use pump_link::{Command, Mode, Refusal};

use crate::basal::{Basis, rate_within};
use crate::config::Config;
use crate::dose::Programme;
use crate::ranges;
use crate::schedule::{Schedule, Step};
use crate::time::Micros;

/// No more than this in any period of this length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LimitRule {
    pub volume_nl: u32,
    pub period_s: u32,
}

impl LimitRule {
    pub const fn period_us(&self) -> u64 {
        us(self.period_s)
    }

    /// Whether what began at `at` belongs to no period that ends now: two strokes a whole period apart are in none together.
    pub fn is_over(&self, at: Micros, now: Micros) -> bool {
        at.plus(self.period_us()) <= now
    }
}

/// What the patient may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PatientRule {
    pub volume_nl: u32,
    pub duration_ms: u32,
    pub first_after_s: u32,
    pub lockout_s: u32,
    pub activations: u16,
    pub period_s: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Microdose {
    pub volume_nl: u32,
    pub duration_ms: u32,
    pub every_s: u32,
}

/// What is left of the old drug, and the rate at which it goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bridge {
    pub volume_nl: u32,
    pub rate_nl_h: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Prescription {
    pub mode: Mode,
    /// Of the continuous mode.
    pub rate_nl_h: u32,
    pub schedule: Schedule,
    pub microdose: Microdose,
    /// 0: not known.
    pub ng_per_ul: u32,
    pub patient: Option<PatientRule>,
    pub limit: Option<LimitRule>,
    /// For the next change of concentration.
    pub bridge: Option<Bridge>,
}

/// What parts make of a prescription.
#[derive(Debug, Clone)]
pub struct Revised {
    pub prescription: Prescription,
    /// The bolus or priming among them, for the next start.
    pub dose: Option<Programme>,
    /// Whether a basal mode is among them.
    pub mode_is_new: bool,
    pub new_patient_rule: bool,
}

impl Prescription {
    /// The basal delivery, for a start.
    pub fn basis(&self, config: &Config) -> Option<Basis> {
        match self.mode {
            Mode::None => None,
            Mode::Continuous => Some(Basis::Rate { mode: Mode::Continuous, rate_nl_h: self.rate_nl_h }),
            Mode::Minimum => Some(Basis::Rate { mode: Mode::Minimum, rate_nl_h: config.rules.minimum_nl_h }),
            Mode::Schedule => Some(Basis::Schedule(self.schedule.clone())),
            Mode::Microdose => Some(Basis::Microdose(self.microdose)),
        }
    }

    /// The prescription with these parts, the later before the earlier. Steps replace all steps before.
    pub fn revised(&self, parts: &[Command], config: &Config) -> Result<Revised, Refusal> {
        let mut revised = Revised { prescription: self.clone(), dose: None, mode_is_new: false, new_patient_rule: false };
        let concentration = |part: &Command| if let Command::ProgramConcentration { ng_per_ul } = part { Some(*ng_per_ul) } else { None };
        if let Some(ng_per_ul) = parts.iter().rev().find_map(concentration) {
            revised.prescription.ng_per_ul = ng_per_ul;
        }
        let mut first_step = true;
        for part in parts {
            let new_schedule = matches!(part, Command::ProgramStep { .. }) && core::mem::take(&mut first_step);
            if new_schedule {
                revised.prescription.schedule = Schedule::default();
            }
            revised.add(part, config)?;
        }
        Ok(revised)
    }

    /// Parts that can't both hold.
    pub fn contradicts_itself(&self, dose: Option<Programme>, config: &Config) -> bool {
        let basis = self.basis(config);
        let peak = basis.as_ref().map_or(0, Basis::peak_nl_h);
        let reach = config.stroke.max_rate_nl_h();
        let too_fast = |volume_nl, ms: u64| !rate_within(volume_nl, ms, peak, reach);
        let micro = if self.mode == Mode::Microdose { self.microdose } else { Microdose::default() };
        let steps = if self.mode == Mode::Schedule { self.schedule.steps.as_slice() } else { &[] };
        let beyond = |volume_nl: u32| self.limit.is_some_and(|limit| volume_nl > limit.volume_nl);

        let microdose = self.mode == Mode::Microdose && u64::from(micro.duration_ms) >= u64::from(micro.every_s).saturating_mul(1_000);
        // Its rates are within their range one by one; what its boluses add to them must not take it beyond for ever.
        let schedule = self.mode == Mode::Schedule && self.schedule.is_beyond(config.limits.basal_max_nl_h);
        let limit = beyond(micro.volume_nl) || steps.iter().any(|step| beyond(step.bolus_nl));
        let patient = self.patient.is_some_and(|rule| {
            let between = u64::from(rule.lockout_s).saturating_mul(u64::from(rule.activations.saturating_sub(1)));
            let out_of_reach = rule.lockout_s > rule.period_s || between > u64::from(rule.period_s);
            out_of_reach || beyond(rule.volume_nl) || too_fast(rule.volume_nl, u64::from(rule.duration_ms))
        });
        let dose = dose
            .is_some_and(|dose| beyond(dose.volume_nl) || !dose.kind.holds_basal() && too_fast(dose.volume_nl, dose.duration_us / 1_000));
        microdose || schedule || limit || patient || dose
    }
}

impl Revised {
    fn add(&mut self, part: &Command, config: &Config) -> Result<(), Refusal> {
        let new = &mut self.prescription;
        match *part {
            Command::ProgramBasal { rate_nl_h } => (new.mode, new.rate_nl_h) = (Mode::Continuous, rate_nl_h),
            Command::ProgramBasalDose { ng_per_h } => {
                (new.mode, new.rate_nl_h) = (Mode::Continuous, basal_of(ng_per_h, new.ng_per_ul, config)?);
            }
            Command::ProgramMinimum => new.mode = Mode::Minimum,
            Command::ProgramMicrodose { volume_nl, duration_ms, every_s } => {
                (new.mode, new.microdose) = (Mode::Microdose, Microdose { volume_nl, duration_ms, every_s });
            }
            Command::ProgramStep { days, minute, rate_nl_h, bolus_nl, bolus_ms } => {
                new.mode = Mode::Schedule;
                new.schedule.add(Step { days, minute, rate_nl_h, bolus_nl, bolus_ms }, config.rules.steps_max)?;
            }
            Command::ProgramBolus { volume_nl, duration_ms } => self.dose = Some(Programme::bolus(volume_nl, duration_ms)),
            Command::ProgramBolusDose { ng, duration_ms } => {
                let volume_nl = bolus_of(ng, new.ng_per_ul, config)?;
                ranges::duration(volume_nl, duration_ms, config)?;
                self.dose = Some(Programme::bolus(volume_nl, duration_ms));
            }
            Command::ProgramPriming { volume_nl } => self.dose = Some(Programme::priming(volume_nl, config.rules.priming_rate_nl_h)),
            Command::ProgramBridge { volume_nl, rate_nl_h } => new.bridge = Some(Bridge { volume_nl, rate_nl_h }),
            Command::ProgramLimit { volume_nl, period_s } => new.limit = Some(LimitRule { volume_nl, period_s }),
            Command::ProgramPatientBolus { volume_nl, duration_ms, first_after_s, lockout_s, activations, period_s } => {
                let rule = PatientRule { volume_nl, duration_ms, first_after_s, lockout_s, activations, period_s };
                new.patient = (activations > 0).then_some(rule);
                self.new_patient_rule = true;
            }
            _ => {}
        }
        let is_mode = matches!(
            part,
            Command::ProgramBasal { .. }
                | Command::ProgramBasalDose { .. }
                | Command::ProgramMinimum
                | Command::ProgramMicrodose { .. }
                | Command::ProgramStep { .. }
        );
        self.mode_is_new |= is_mode;
        Ok(())
    }
}

/// A basal rate in mass as one in volume, to the nearest nL/h.
pub fn basal_of(ng_per_h: u32, ng_per_ul: u32, config: &Config) -> Result<u32, Refusal> {
    let limits = &config.limits;
    volume_of(ng_per_h, ng_per_ul)?
        .filter(|rate| (limits.basal_min_nl_h..=limits.basal_max_nl_h).contains(rate))
        .ok_or(Refusal::DoseOutOfRange)
}

/// A bolus in mass as one in volume, to the nearest nL.
pub fn bolus_of(ng: u32, ng_per_ul: u32, config: &Config) -> Result<u32, Refusal> {
    let limits = &config.limits;
    volume_of(ng, ng_per_ul)?.filter(|volume| (limits.bolus_min_nl..=limits.bolus_max_nl).contains(volume)).ok_or(Refusal::DoseOutOfRange)
}

fn volume_of(ng: u32, ng_per_ul: u32) -> Result<Option<u32>, Refusal> {
    const NL_PER_UL: u64 = 1_000;
    let half = u64::from(ng_per_ul) / 2;
    let nl = u64::from(ng).saturating_mul(NL_PER_UL).saturating_add(half).checked_div(u64::from(ng_per_ul));
    nl.map(|nl| u32::try_from(nl).ok()).ok_or(Refusal::ConcentrationUnknown)
}

pub const fn us(seconds: u32) -> u64 {
    (seconds as u64).saturating_mul(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masses_become_the_nearest_volume_or_are_refused() {
        let config = Config::default();
        for (ng_per_h, ng_per_ul, rate) in [
            (20_833, 1_000, Ok(20_833)),
            (20_833, 2_000, Ok(10_417)),
            (20_833, 0, Err(Refusal::ConcentrationUnknown)),
            (0, 1_000, Err(Refusal::DoseOutOfRange)),
            (1_999, 1_000, Err(Refusal::DoseOutOfRange)),
            (2_000, 1_000, Ok(2_000)),
            (1_000_000, 1_000, Ok(1_000_000)),
            (1_000_001, 1_000, Err(Refusal::DoseOutOfRange)),
            (u32::MAX, 1, Err(Refusal::DoseOutOfRange)),
            (u32::MAX, 50_000, Err(Refusal::DoseOutOfRange)),
        ] {
            assert_eq!(basal_of(ng_per_h, ng_per_ul, &config), rate, "{ng_per_h} ng/h of {ng_per_ul} ng/µL");
        }
        assert_eq!(bolus_of(200_000, 1_000, &config), Ok(200_000));
        assert_eq!(bolus_of(999, 1_000, &config), Err(Refusal::DoseOutOfRange));
        assert_eq!(bolus_of(1_000_001, 1_000, &config), Err(Refusal::DoseOutOfRange));
    }
}
