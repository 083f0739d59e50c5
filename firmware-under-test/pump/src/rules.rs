//! What a prescription may be: soft limits, ranges and times of the therapy. Volumes in nL, rates in nL/h, unless the name says another unit.

use crate::config::{BASAL_MIN_NL_H, PRIMING_RATE_NL_H};

/// Above these a programme must be read back and confirmed: half of what the pump can do (SOURCES §3, L R6.5.0(9)).
pub const SOFT_BASAL_NL_H: u32 = 500_000;
pub const SOFT_BOLUS_NL: u32 = 500_000;
/// 10 min without further programming clear what was not confirmed: SOURCES §3, G 2.2.5.
pub const FORGET_PROGRAMME_US: u64 = 600_000_000;
/// 1 µg/mL (baclofen, clonidine) to 50 mg/mL, twice the strongest of SOURCES §2.4.
pub const CONCENTRATION_MIN_NG_UL: u32 = 1;
pub const CONCENTRATION_MAX_NG_UL: u32 = 50_000;
/// A press shorter than this is a bounce.
pub const BUTTON_US: u64 = 50_000;
/// Periods of limits and of patient boluses, and lockouts: a minute to a week.
pub const PERIOD_MIN_S: u32 = 60;
pub const PERIOD_MAX_S: u32 = 7 * 86_400;
/// 24 mL/day for a week.
pub const LIMIT_MAX_NL: u32 = 168_000_000;
/// Ten a day for a week, as studies have given them (SOURCES §2.1), and within what is remembered.
pub const ACTIVATIONS_MAX: u16 = 64;
pub const STEPS_MAX: u8 = 16;
pub const PARTS_MAX: u8 = 32;
/// Drained and expected differ by more than this: suspect the pump (SOURCES §2.3, S64).
pub const DISCREPANCY_PERCENT: u32 = 20;
/// Below this a difference is a matter of the syringe and the needle.
pub const DISCREPANCY_MIN_NL: u32 = 500_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    pub soft_basal_nl_h: u32,
    pub soft_bolus_nl: u32,
    /// What is programmed and not in force is forgotten this long after the last part of it.
    pub forget_programme_us: u64,
    pub concentration_min_ng_ul: u32,
    pub concentration_max_ng_ul: u32,
    /// The rate of the mode that keeps the catheter open.
    pub minimum_nl_h: u32,
    pub priming_rate_nl_h: u32,
    pub button_us: u64,
    pub period_min_s: u32,
    pub period_max_s: u32,
    pub limit_max_nl: u32,
    pub activations_max: u16,
    /// At most [`STEPS_MAX`].
    pub steps_max: u8,
    /// At most [`PARTS_MAX`].
    pub parts_max: u8,
    pub discrepancy_percent: u32,
    pub discrepancy_min_nl: u32,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            soft_basal_nl_h: SOFT_BASAL_NL_H,
            soft_bolus_nl: SOFT_BOLUS_NL,
            forget_programme_us: FORGET_PROGRAMME_US,
            concentration_min_ng_ul: CONCENTRATION_MIN_NG_UL,
            concentration_max_ng_ul: CONCENTRATION_MAX_NG_UL,
            minimum_nl_h: BASAL_MIN_NL_H,
            priming_rate_nl_h: PRIMING_RATE_NL_H,
            button_us: BUTTON_US,
            period_min_s: PERIOD_MIN_S,
            period_max_s: PERIOD_MAX_S,
            limit_max_nl: LIMIT_MAX_NL,
            activations_max: ACTIVATIONS_MAX,
            steps_max: STEPS_MAX,
            parts_max: PARTS_MAX,
            discrepancy_percent: DISCREPANCY_PERCENT,
            discrepancy_min_nl: DISCREPANCY_MIN_NL,
        }
    }
}
