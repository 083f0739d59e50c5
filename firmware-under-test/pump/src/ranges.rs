//! The hard limits: what is refused at the programming of a part, whatever else holds.

use pump_link::{Command, Refusal};

use crate::basal::rate_within;
use crate::config::Config;
use crate::prescription::{Bridge, LimitRule, Microdose, PatientRule};
use crate::recall::Answer;
use crate::schedule::{MINUTES_PER_DAY, Step};

const ALL_DAYS: u8 = 0x7f;

/// Doses in mass are checked when they are converted.
pub fn check(part: &Command, config: &Config) -> Answer {
    match *part {
        Command::ProgramBasal { rate_nl_h } => rate(rate_nl_h, config),
        Command::ProgramBolus { volume_nl, duration_ms } => dose(volume_nl, duration_ms, config),
        Command::ProgramPriming { volume_nl } => volume(volume_nl, config),
        Command::ProgramConcentration { ng_per_ul } => concentration(ng_per_ul, config),
        Command::ProgramStep { days, minute, rate_nl_h, bolus_nl, bolus_ms } => {
            step(&Step { days, minute, rate_nl_h, bolus_nl, bolus_ms }, config)
        }
        Command::ProgramMicrodose { volume_nl, duration_ms, every_s } => microdose(&Microdose { volume_nl, duration_ms, every_s }, config),
        Command::ProgramPatientBolus { volume_nl, duration_ms, first_after_s, lockout_s, activations, period_s } => {
            patient(&PatientRule { volume_nl, duration_ms, first_after_s, lockout_s, activations, period_s }, config)
        }
        Command::ProgramLimit { volume_nl, period_s } => limit(&LimitRule { volume_nl, period_s }, config),
        Command::ProgramBridge { volume_nl, rate_nl_h } => bridge(&Bridge { volume_nl, rate_nl_h }, config),
        _ => Ok(()),
    }
}

pub fn rate(rate_nl_h: u32, config: &Config) -> Answer {
    let limits = &config.limits;
    when((limits.basal_min_nl_h..=limits.basal_max_nl_h).contains(&rate_nl_h), Refusal::RateOutOfRange)
}

pub fn volume(volume_nl: u32, config: &Config) -> Answer {
    let limits = &config.limits;
    when((limits.bolus_min_nl..=limits.bolus_max_nl).contains(&volume_nl), Refusal::VolumeOutOfRange)
}

/// Of a bolus of any kind: neither too big, nor too fast, nor too long.
pub fn dose(volume_nl: u32, duration_ms: u32, config: &Config) -> Answer {
    volume(volume_nl, config)?;
    duration(volume_nl, duration_ms, config)
}

pub fn duration(volume_nl: u32, duration_ms: u32, config: &Config) -> Answer {
    let limits = &config.limits;
    let slow_enough = rate_within(volume_nl, u64::from(duration_ms), 0, u64::from(limits.bolus_rate_max_nl_h));
    when(slow_enough && duration_ms <= limits.bolus_duration_max_ms, Refusal::DurationOutOfRange)
}

pub fn concentration(ng_per_ul: u32, config: &Config) -> Answer {
    let rules = &config.rules;
    let range = rules.concentration_min_ng_ul..=rules.concentration_max_ng_ul;
    when(range.contains(&ng_per_ul), Refusal::ConcentrationOutOfRange)
}

/// A step has a day and a time of it, a rate or 0, and a bolus that the pump head can do beside the rate, or none.
pub fn step(step: &Step, config: &Config) -> Answer {
    let some_day = step.days != 0 && step.days & !ALL_DAYS == 0;
    when(some_day && step.minute < MINUTES_PER_DAY, Refusal::DurationOutOfRange)?;
    if step.rate_nl_h > 0 {
        rate(step.rate_nl_h, config)?;
    }
    if step.bolus_nl == 0 {
        return when(step.bolus_ms == 0, Refusal::VolumeOutOfRange);
    }
    dose(step.bolus_nl, step.bolus_ms, config)?;
    let reach = config.stroke.max_rate_nl_h();
    when(rate_within(step.bolus_nl, u64::from(step.bolus_ms), step.rate_nl_h, reach), Refusal::RateOutOfRange)
}

/// Whether it fits its period is for the confirmation to say. Microdoses are a basal delivery: their mean is a basal rate.
pub fn microdose(microdose: &Microdose, config: &Config) -> Answer {
    dose(microdose.volume_nl, microdose.duration_ms, config)?;
    when((1..=config.rules.period_max_s).contains(&microdose.every_s), Refusal::DurationOutOfRange)?;
    let every_ms = u64::from(microdose.every_s).saturating_mul(1_000);
    let slow_enough = rate_within(microdose.volume_nl, every_ms, 0, u64::from(config.limits.basal_max_nl_h));
    when(slow_enough, Refusal::RateOutOfRange)
}

pub fn patient(rule: &PatientRule, config: &Config) -> Answer {
    dose(rule.volume_nl, rule.duration_ms, config)?;
    let longest = config.rules.period_max_s;
    when(rule.first_after_s <= longest && rule.lockout_s <= longest, Refusal::DurationOutOfRange)?;
    period(rule.period_s, config)?;
    when(rule.activations <= config.rules.activations_max, Refusal::LimitReached)
}

pub fn limit(rule: &LimitRule, config: &Config) -> Answer {
    when((config.limits.bolus_min_nl..=config.rules.limit_max_nl).contains(&rule.volume_nl), Refusal::VolumeOutOfRange)?;
    period(rule.period_s, config)
}

pub fn bridge(bridge: &Bridge, config: &Config) -> Answer {
    volume(bridge.volume_nl, config)?;
    rate(bridge.rate_nl_h, config)
}

fn period(period_s: u32, config: &Config) -> Answer {
    when((config.rules.period_min_s..=config.rules.period_max_s).contains(&period_s), Refusal::DurationOutOfRange)
}

const fn when(holds: bool, refusal: Refusal) -> Answer {
    if holds { Ok(()) } else { Err(refusal) }
}
