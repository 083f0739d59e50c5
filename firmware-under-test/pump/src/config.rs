//! Who the pump is and what it may do. Volumes in nL, rates in nL/h, pressures in Pa, times in µs unless the name says ms.

use core::num::{NonZeroU32, NonZeroU64};

use pump_link::{Identity, PROTOCOL_VERSION, Text};

pub use crate::rules::*;
pub use crate::thresholds::*;

/// One stroke of the pump head. SOURCES §5.8: stroke volumes of 0.5 to 2 µL.
pub const STROKE_NL: NonZeroU32 = NonZeroU32::new(1_000).expect("a constant above 0");
/// 0.5 s a stroke: 7.2 mL/h with no pause, which is the most that the pump head can do.
pub const STROKE_US: NonZeroU32 = NonZeroU32::new(500_000).expect("a constant above 0");
/// 2 µL/h to 1 mL/h, that is 0.048 to 24 mL/day: SOURCES §2.1.
pub const BASAL_MIN_NL_H: u32 = 2_000;
pub const BASAL_MAX_NL_H: u32 = 1_000_000;
/// From one stroke to 1 mL, five trial doses of SOURCES §2.4.
pub const BOLUS_MIN_NL: u32 = 1_000;
pub const BOLUS_MAX_NL: u32 = 1_000_000;
/// 0.22 mL in 2 min, just above the trial dose of SOURCES §2.4; leaves the pump head room for a basal rate on top.
pub const BOLUS_RATE_MAX_NL_H: u32 = 6_600_000;
/// 6 h: SOURCES §3, L R5.3.0(5).
pub const BOLUS_DURATION_MAX_MS: u32 = 6 * 3_600_000;
/// 0.4 mL of dead volume (SOURCES §5.8) in 4 min.
pub const PRIMING_RATE_NL_H: u32 = 6_000_000;
/// Low-reservoir warning below 2 mL: SOURCES §2.1, §5.8.
pub const LOW_NL: u32 = 2_000_000;
/// Empty alarm below 0.5 mL: SOURCES §5.8 and §3, L R6.8.0(10).
pub const EMPTY_NL: u32 = 500_000;
/// Occlusion above 69 kPa (10 psi): SOURCES §3, L R7.2.0(5).
pub const OCCLUSION_PA: i32 = 69_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    pub identity: Identity,
    pub reservoir: ReservoirSize,
    pub stroke: Stroke,
    pub limits: Limits,
    pub rules: Rules,
    /// Low-reservoir warning below this.
    pub low_nl: u32,
    /// Empty alarm below this.
    pub empty_nl: u32,
    /// Occlusion above this.
    pub occlusion_pa: i32,
    /// While running the line pressure is read at least this often.
    pub sample_every_us: u64,
    /// Two readings above the threshold at least this far apart are an occlusion.
    pub confirm_us: u64,
    pub self_test_us: u64,
    pub tones: Tones,
    pub watch: Watch,
    pub battery: BatteryLimits,
}

impl Config {
    /// The external pump of a trial, on the same core: a bag of 100 mL worn on the belt, strokes of 2 µL, and the rates of SOURCES's external pumps
    /// (§2.4: 10 µL/h with less than 5 % error; §3, L R5.1.0(2): up to 10 mL/h).
    pub fn trial() -> Self {
        let reference = Self::default();
        Self {
            identity: Identity { model: text(TRIAL_MODEL), ..reference.identity },
            reservoir: ReservoirSize::Ml100,
            stroke: Stroke { volume_nl: TRIAL_STROKE_NL, duration_us: STROKE_US },
            limits: Limits {
                basal_min_nl_h: 10_000,
                basal_max_nl_h: 10_000_000,
                bolus_min_nl: 2_000,
                bolus_max_nl: 2_000_000,
                bolus_rate_max_nl_h: 13_200_000,
                bolus_duration_max_ms: BOLUS_DURATION_MAX_MS,
            },
            rules: Rules {
                soft_basal_nl_h: 5_000_000,
                soft_bolus_nl: 1_000_000,
                minimum_nl_h: 10_000,
                priming_rate_nl_h: 2 * PRIMING_RATE_NL_H,
                limit_max_nl: 10 * LIMIT_MAX_NL,
                ..reference.rules
            },
            low_nl: 5_000_000,
            empty_nl: 1_000_000,
            battery: BatteryLimits { capacity_uc: TRIAL_BATTERY_UC, stroke_uc: TRIAL_STROKE_UC, ..BatteryLimits::default() },
            ..reference
        }
    }
}

/// The model that [`Config::trial`] tells.
pub const TRIAL_MODEL: &str = "RP-1T trial";
/// Twice the implant's, so that 10 mL/h leave the pump head room for a bolus on top: it can do 14.4 mL/h.
const TRIAL_STROKE_NL: NonZeroU32 = NonZeroU32::new(2_000).expect("a constant above 0");
/// A cell five times the implant's, as there is room for it.
const TRIAL_BATTERY_UC: u64 = 5 * BATTERY_UC;
/// Twice the volume at the same pressure is twice the work.
const TRIAL_STROKE_UC: u64 = 2 * STROKE_UC;

/// The build hash as the image itself says it, between a mark and an end, so that a program on a desk finds in the file what the board tells over
/// the wire. The hash is of the sources that this firmware was built from; see `build.rs`.
static BUILD_MARK: &[u8; MARK.len() + 2 * HASH + 1] = include_bytes!(concat!(env!("OUT_DIR"), "/build_mark"));
const MARK: &str = "pump-build:";
const HASH: usize = 20;

/// Read from the mark, which the linker can't leave out for that reason: what the board tells is what the image says.
fn build_hash() -> [u8; HASH] {
    let mark = core::hint::black_box(BUILD_MARK);
    let digits = mark.get(MARK.len()..).unwrap_or_default();
    let mut hash = [0; HASH];
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        for letter in pair {
            let digit = char::from(*letter).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            *byte = *byte << 4 | digit.unwrap_or_default();
        }
    }
    hash
}

impl Default for Config {
    fn default() -> Self {
        Self {
            identity: Identity {
                model: text("RP-1 reference"),
                serial: text("SN-0001"),
                firmware_version: text(env!("CARGO_PKG_VERSION")),
                build_hash: build_hash(),
                protocol_version: PROTOCOL_VERSION,
            },
            reservoir: ReservoirSize::default(),
            stroke: Stroke::default(),
            limits: Limits::default(),
            rules: Rules::default(),
            low_nl: LOW_NL,
            empty_nl: EMPTY_NL,
            occlusion_pa: OCCLUSION_PA,
            sample_every_us: SAMPLE_EVERY_US,
            confirm_us: CONFIRM_US,
            self_test_us: SELF_TEST_US,
            tones: Tones::default(),
            watch: Watch::default(),
            battery: BatteryLimits::default(),
        }
    }
}

/// The sizes that implants come in (SOURCES §2.1), and the bag of the external pump.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReservoirSize {
    #[default]
    Ml20,
    Ml40,
    Ml100,
}

impl ReservoirSize {
    pub const fn capacity_nl(self) -> u32 {
        match self {
            Self::Ml20 => 20_000_000,
            Self::Ml40 => 40_000_000,
            Self::Ml100 => 100_000_000,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stroke {
    pub volume_nl: NonZeroU32,
    pub duration_us: NonZeroU32,
}

impl Default for Stroke {
    fn default() -> Self {
        Self { volume_nl: STROKE_NL, duration_us: STROKE_US }
    }
}

impl Stroke {
    /// A smaller stroke takes as much less time; the motor has one speed.
    pub fn duration_of(&self, volume_nl: u32) -> u32 {
        let us = u64::from(volume_nl).saturating_mul(u64::from(self.duration_us.get())) / NonZeroU64::from(self.volume_nl);
        u32::try_from(us).unwrap_or(u32::MAX).max(1)
    }

    /// Stroke upon stroke without a pause.
    pub fn max_rate_nl_h(&self) -> u64 {
        u64::from(self.volume_nl.get()).saturating_mul(crate::basal::US_PER_HOUR) / NonZeroU64::from(self.duration_us)
    }
}

/// All limits are inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub basal_min_nl_h: u32,
    pub basal_max_nl_h: u32,
    /// Also those of a priming bolus.
    pub bolus_min_nl: u32,
    pub bolus_max_nl: u32,
    pub bolus_rate_max_nl_h: u32,
    pub bolus_duration_max_ms: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            basal_min_nl_h: BASAL_MIN_NL_H,
            basal_max_nl_h: BASAL_MAX_NL_H,
            bolus_min_nl: BOLUS_MIN_NL,
            bolus_max_nl: BOLUS_MAX_NL,
            bolus_rate_max_nl_h: BOLUS_RATE_MAX_NL_H,
            bolus_duration_max_ms: BOLUS_DURATION_MAX_MS,
        }
    }
}

/// Cut to what an identity can hold.
fn text(words: &str) -> Text {
    let mut text = Text::new();
    for letter in words.chars() {
        if text.push(letter).is_err() {
            break;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_says_what_the_board_tells() {
        let (mark, rest) = BUILD_MARK.split_at(MARK.len());
        assert_eq!((mark, rest.last()), (MARK.as_bytes(), Some(&b'\n')));
        let hash = build_hash();
        for (byte, digits) in hash.iter().zip(rest.chunks(2)) {
            let text = core::str::from_utf8(digits).expect("hexadecimal digits");
            assert_eq!(u8::from_str_radix(text, 16), Ok(*byte));
        }
        assert_ne!(hash, [0; HASH]);
        assert_eq!(Config::default().identity.build_hash, hash);
    }
}
