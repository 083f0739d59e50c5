//! The therapy: the prescription in force, what is programmed to follow it, what of it survives a loss of power, and what a visit is told of it.

use pump_link::{Mode, Therapy as Told};

use crate::basal::Basis;
use crate::clock::Clock;
use crate::config::Config;
use crate::dose::{Dose, Programme};
use crate::limit::Memory;
use crate::machine::Machine;
use crate::patient::Patient;
use crate::prescription::{Bridge, LimitRule, Microdose, PatientRule, Prescription, Revised};
use crate::ranges;
use crate::rules::STEPS_MAX;
use crate::schedule::{Schedule, Step};
use crate::settings::{Block, put, take};
use crate::staging::Staging;
use crate::time::Micros;

const STEP_LEN: usize = 1 + 2 + 4 + 4 + 4;
const SCHEDULE_LEN: usize = 1 + STEPS_MAX as usize * STEP_LEN;

/// What of the therapy survives a loss of power. The rate of the continuous mode has its place elsewhere in the block.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kept {
    pub prescription: Prescription,
    /// What is still to go out of a bridge that is due.
    pub bridge_left_nl: u32,
    /// In the limit's period: all, and what was no basal delivery. Counts as begun at the power-on, as nobody knows how long the power was off.
    pub in_period: (u32, u32),
    /// Patient boluses in their period, or in the longest there is while no rule is in force; they count as of the power-on, too.
    pub activations: u16,
    /// Until the first patient bolus, when it was stored.
    pub first_after_s: u32,
    /// What the reservoir should hold; only within a refill session.
    pub expected_nl: Option<u32>,
}

impl Kept {
    /// Name and length of each field, in their order in the block.
    pub const FIELDS: &'static [(&'static str, usize)] = &[
        ("mode", 1),
        ("concentration", 4),
        ("schedule", SCHEDULE_LEN),
        ("microdose", 12),
        ("patient_bolus", 22),
        ("limit", 8),
        ("bridge", 8),
        ("bridge_left", 4),
        ("in_period", 8),
        ("activations", 2),
        ("first_after", 4),
        ("refill_session", 4),
    ];
    /// Bytes in the block.
    pub const LEN: usize = 1 + 4 + SCHEDULE_LEN + 12 + 22 + 8 + 8 + 4 + 8 + 2 + 4 + 4;

    pub fn put(&self, block: &mut Block) {
        let Prescription { mode, schedule, microdose, ng_per_ul, patient, limit, bridge, rate_nl_h: _ } = &self.prescription;
        put(block, &[mode_code(*mode)]);
        put(block, &ng_per_ul.to_le_bytes());
        put_schedule(block, schedule);
        for value in [microdose.volume_nl, microdose.duration_ms, microdose.every_s] {
            put(block, &value.to_le_bytes());
        }
        let patient = patient.unwrap_or_default();
        for value in [patient.volume_nl, patient.duration_ms, patient.first_after_s, patient.lockout_s, patient.period_s] {
            put(block, &value.to_le_bytes());
        }
        put(block, &patient.activations.to_le_bytes());
        let (limit, bridge) = (limit.unwrap_or_default(), bridge.unwrap_or_default());
        for value in [limit.volume_nl, limit.period_s, bridge.volume_nl, bridge.rate_nl_h, self.bridge_left_nl] {
            put(block, &value.to_le_bytes());
        }
        put(block, &self.in_period.0.to_le_bytes());
        put(block, &self.in_period.1.to_le_bytes());
        put(block, &self.activations.to_le_bytes());
        put(block, &self.first_after_s.to_le_bytes());
        put(block, &self.expected_nl.unwrap_or(u32::MAX).to_le_bytes());
    }

    /// `None` if it is not what a pump of this kind has written.
    pub fn take(body: &mut &[u8]) -> Option<Self> {
        let [code] = take(body)?;
        let mode = *MODES.get(usize::from(code))?;
        let ng_per_ul = number(body)?;
        let schedule = take_schedule(body)?;
        let microdose = Microdose { volume_nl: number(body)?, duration_ms: number(body)?, every_s: number(body)? };
        let patient = PatientRule {
            volume_nl: number(body)?,
            duration_ms: number(body)?,
            first_after_s: number(body)?,
            lockout_s: number(body)?,
            period_s: number(body)?,
            activations: u16::from_le_bytes(take(body)?),
        };
        let limit = LimitRule { volume_nl: number(body)?, period_s: number(body)? };
        let bridge = Bridge { volume_nl: number(body)?, rate_nl_h: number(body)? };
        let prescription = Prescription {
            mode,
            rate_nl_h: 0,
            schedule,
            microdose,
            ng_per_ul,
            patient: (patient.activations > 0).then_some(patient),
            limit: (limit.volume_nl > 0).then_some(limit),
            bridge: (bridge.volume_nl > 0).then_some(bridge),
        };
        Some(Self {
            prescription,
            bridge_left_nl: number(body)?,
            in_period: (number(body)?, number(body)?),
            activations: u16::from_le_bytes(take(body)?),
            first_after_s: number(body)?,
            expected_nl: Some(number(body)?).filter(|expected| *expected != u32::MAX),
        })
    }

    /// 0 in another mode.
    pub fn continuous_nl_h(&self) -> u32 {
        if self.prescription.mode == Mode::Continuous { self.prescription.rate_nl_h } else { 0 }
    }

    pub fn with_continuous_nl_h(mut self, rate_nl_h: u32) -> Self {
        self.prescription.rate_nl_h = rate_nl_h;
        self
    }

    /// Whether all of it is within what this pump may do.
    pub fn believable(&self, config: &Config) -> bool {
        let rx = &self.prescription;
        let rate = if rx.mode == Mode::Continuous { ranges::rate(rx.rate_nl_h, config).is_ok() } else { rx.rate_nl_h == 0 };
        let microdose = rx.mode != Mode::Microdose || ranges::microdose(&rx.microdose, config).is_ok();
        let steps = rx.schedule.steps.iter().all(|step| ranges::step(step, config).is_ok());
        let patient = rx.patient.is_none_or(|rule| ranges::patient(&rule, config).is_ok());
        let limit = rx.limit.is_none_or(|rule| ranges::limit(&rule, config).is_ok());
        let bridge = rx
            .bridge
            .map_or(self.bridge_left_nl == 0, |bridge| ranges::bridge(&bridge, config).is_ok() && self.bridge_left_nl <= bridge.volume_nl);
        let expected = self.expected_nl.is_none_or(|expected| expected <= config.reservoir.capacity_nl());
        rate && microdose && steps && patient && limit && bridge && expected && !rx.contradicts_itself(None, config)
    }
}

const MODES: [Mode; 5] = [Mode::None, Mode::Continuous, Mode::Schedule, Mode::Microdose, Mode::Minimum];

const fn mode_code(mode: Mode) -> u8 {
    match mode {
        Mode::None => 0,
        Mode::Continuous => 1,
        Mode::Schedule => 2,
        Mode::Microdose => 3,
        Mode::Minimum => 4,
    }
}

fn number(body: &mut &[u8]) -> Option<u32> {
    take(body).map(u32::from_le_bytes)
}

fn put_schedule(block: &mut Block, schedule: &Schedule) {
    let before = block.len();
    put(block, &[u8::try_from(schedule.steps.len()).unwrap_or(0)]);
    for step in &schedule.steps {
        put(block, &[step.days]);
        put(block, &step.minute.to_le_bytes());
        for value in [step.rate_nl_h, step.bolus_nl, step.bolus_ms] {
            put(block, &value.to_le_bytes());
        }
    }
    // Within the block's capacity, as the length of all parts is.
    let _ = block.resize(before.saturating_add(SCHEDULE_LEN), 0);
}

fn take_schedule(body: &mut &[u8]) -> Option<Schedule> {
    let (mut field, rest) = body.split_at_checked(SCHEDULE_LEN)?;
    *body = rest;
    let [used] = take(&mut field)?;
    let mut schedule = Schedule::default();
    for _ in 0..used {
        let [days] = take(&mut field)?;
        let minute = u16::from_le_bytes(take(&mut field)?);
        let step = Step { days, minute, rate_nl_h: number(&mut field)?, bolus_nl: number(&mut field)?, bolus_ms: number(&mut field)? };
        schedule.add(step, STEPS_MAX).ok()?;
    }
    Some(schedule)
}

#[derive(Debug, Clone, Default)]
pub struct Therapy {
    pub kept: Kept,
    pub staging: Staging,
    /// The bolus or priming that was confirmed and waits for a start.
    pub next_dose: Option<Programme>,
    /// The mode was confirmed and waits for a start.
    pub mode_is_new: bool,
    pub clock: Clock,
    pub begun: Memory,
    /// The basal rate waits for room under the limit.
    pub held: bool,
    pub patient: Patient,
}

impl Therapy {
    /// After a power-on.
    pub fn restored(kept: Kept) -> Self {
        let begun = Memory::restored(kept.in_period.0, kept.in_period.1);
        let patient = Patient::restored(kept.activations, kept.first_after_s);
        Self { begun, patient, kept, ..Self::default() }
    }

    /// What survives a loss of power at this instant.
    pub fn kept(&self, now: Micros, config: &Config) -> Kept {
        let Prescription { patient, limit, .. } = self.kept.prescription;
        Kept {
            in_period: limit.map_or((0, 0), |rule| self.begun.used(now, rule)),
            activations: self.patient.remembered(patient, config.rules.period_max_s, now),
            first_after_s: self.patient.first_after_s(now),
            ..self.kept.clone()
        }
    }

    pub const fn prescription(&self) -> &Prescription {
        &self.kept.prescription
    }

    /// When what nobody went on with is forgotten: what is put aside, and a bolus that waits for its start.
    pub fn forgotten_at(&self, config: &Config) -> Option<Micros> {
        let waits = self.next_dose.is_some() || !self.staging.parts().is_empty();
        waits.then(|| self.staging.forgotten_at(config))
    }

    /// The prescription with what is put aside.
    pub fn revised(&self, config: &Config) -> Option<Revised> {
        self.kept.prescription.revised(self.staging.parts(), config).ok()
    }
}

impl Machine {
    /// Whether something is prescribed that should run.
    pub(crate) fn has_mode(&self) -> bool {
        self.therapy.prescription().mode != Mode::None
    }

    /// The basal delivery that a start would begin.
    pub(crate) fn basis_to_start(&self) -> Option<Basis> {
        let plain = !self.therapy.staging.needs_confirmation(&self.config);
        let revised = self.therapy.revised(&self.config).filter(|_| plain).map(|revised| revised.prescription);
        revised.as_ref().unwrap_or(self.therapy.prescription()).basis(&self.config)
    }

    /// In force while running, else what a start would begin.
    pub(crate) fn basal_told_nl_h(&self, now: Micros) -> u32 {
        let clock = self.therapy.clock;
        let running = self.delivery.basal_nl_h(clock, now);
        running.or_else(|| self.basis_to_start().map(|basis| basis.rate_nl_h(clock, now))).unwrap_or(0)
    }

    /// What a follow-up visit asks for.
    pub(crate) fn therapy_told(&self, now: Micros) -> Told {
        let therapy = &self.therapy;
        let rx = therapy.prescription();
        let locked_us = rx.patient.map_or(0, |rule| therapy.patient.locked_until(rule).since(now));
        let mode = if self.delivery.mode() == Mode::None { rx.mode } else { self.delivery.mode() };
        let mut told = Told {
            mode,
            ng_per_ul: rx.ng_per_ul,
            in_period_nl: rx.limit.map_or(0, |rule| therapy.begun.used(now, rule).0),
            activations: rx.patient.map_or(0, |rule| therapy.patient.activations(rule, now)),
            locked_out_s: u32::try_from(locked_us.div_ceil(1_000_000)).unwrap_or(u32::MAX),
            reservoir_lasts_min: self.reservoir_lasts_min(now),
            expected_nl: therapy.kept.expected_nl.unwrap_or(0),
            battery_mv: 0,
            battery_days: 0,
            stalls: 0,
            clock_s: therapy.clock.week_us(now).map_or(u32::MAX, |us| u32::try_from(us / 1_000_000).unwrap_or(u32::MAX)),
            temperature_dc: 0,
            programmed: u32::try_from(therapy.staging.parts().len()).unwrap_or(u32::MAX),
        };
        self.device.fill(&self.config, &mut told);
        told
    }

    /// Until the empty alarm ends delivery.
    fn reservoir_lasts_min(&self, now: Micros) -> u32 {
        let doses = self.delivery.doses();
        let doses_nl = doses.iter().map(Dose::left_nl).chain(doses.later().map(|later| later.volume_nl)).fold(0, u32::saturating_add);
        let available = self.reservoir_nl.saturating_sub(self.config.empty_nl).saturating_sub(doses_nl);
        let started = self.delivery.basis().cloned().or_else(|| self.basis_to_start());
        let lasts = started.and_then(|basis| basis.time_for(available, self.therapy.clock, now));
        lasts.and_then(|us| u32::try_from(us / 60_000_000).ok()).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_have_their_length_and_come_back() {
        assert_eq!(Kept::FIELDS.iter().map(|(_, length)| length).sum::<usize>(), Kept::LEN);
        let mut schedule = Schedule::default();
        for n in 0..16 {
            schedule.add(Step { days: 0x7f, minute: n * 60, rate_nl_h: 20_000, bolus_nl: 1_000, bolus_ms: 60_000 }, 16).unwrap();
        }
        let full = Kept {
            prescription: Prescription {
                mode: Mode::Schedule,
                rate_nl_h: 0,
                schedule,
                microdose: Microdose { volume_nl: 5_000, duration_ms: 10_000, every_s: 1_800 },
                ng_per_ul: 1_000,
                patient: Some(PatientRule {
                    volume_nl: 100_000,
                    duration_ms: 120_000,
                    first_after_s: 36_000,
                    lockout_s: 14_400,
                    activations: 6,
                    period_s: 86_400,
                }),
                limit: Some(LimitRule { volume_nl: 1_200_000, period_s: 86_400 }),
                bridge: Some(Bridge { volume_nl: 200_000, rate_nl_h: 10_000 }),
            },
            bridge_left_nl: 150_000,
            in_period: (700_000, 200_000),
            activations: 2,
            first_after_s: 0,
            expected_nl: Some(5_000_000),
        };
        for kept in [Kept::default(), full.clone()] {
            let mut block = Block::new();
            kept.put(&mut block);
            assert_eq!(block.len(), Kept::LEN);
            let mut body = &block[..];
            assert_eq!(Kept::take(&mut body), Some(kept.clone()));
            assert!(body.is_empty() && kept.believable(&Config::default()));
        }
        let unbelievable: [fn(&mut Kept); 6] = [
            |kept| kept.prescription.schedule.steps[3].rate_nl_h = 1_000_001,
            |kept| kept.bridge_left_nl = 200_001,
            |kept| kept.prescription.limit = Some(LimitRule { volume_nl: 99_999, period_s: 86_400 }),
            |kept| kept.prescription.mode = Mode::Continuous,
            |kept| kept.expected_nl = Some(20_000_001),
            |kept| kept.prescription.patient.as_mut().unwrap().period_s = 59,
        ];
        for alter in unbelievable {
            let mut kept = full.clone();
            alter(&mut kept);
            assert!(!kept.believable(&Config::default()), "{kept:?}");
        }
    }
}
