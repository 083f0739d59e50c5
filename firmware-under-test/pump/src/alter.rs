//! Every number of the configuration by its name, so that pumps can be made that differ from the sound one in a constant.

use core::num::NonZeroU32;

use crate::config::{Config, ReservoirSize};

/// Why a constant was left as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlterError {
    Unknown,
    /// It holds from the first to the second.
    OutOfRange(i64, i64),
}

/// What a number of the configuration can be: the values that its type has room for.
trait Number: Sized {
    const LEAST: i64;
    const MOST: i64;
    fn of(value: i64) -> Option<Self>;
}

macro_rules! numbers {
    ($($ty:ty: $least:expr, $most:expr;)*) => { $(
        impl Number for $ty {
            const LEAST: i64 = $least;
            const MOST: i64 = $most;
            fn of(value: i64) -> Option<Self> {
                Self::try_from(value).ok()
            }
        }
    )* };
}

numbers! {
    u8: 0, u8::MAX as i64;
    u16: 0, u16::MAX as i64;
    u32: 0, u32::MAX as i64;
    u64: 0, i64::MAX;
    i16: i16::MIN as i64, i16::MAX as i64;
    i32: i32::MIN as i64, i32::MAX as i64;
}

impl Number for NonZeroU32 {
    const LEAST: i64 = 1;
    const MOST: i64 = u32::MAX as i64;
    fn of(value: i64) -> Option<Self> {
        u32::try_from(value).ok().and_then(Self::new)
    }
}

impl Number for bool {
    const LEAST: i64 = 0;
    const MOST: i64 = 1;
    fn of(value: i64) -> Option<Self> {
        match value {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

/// In mL.
impl Number for ReservoirSize {
    const LEAST: i64 = 20;
    const MOST: i64 = 100;
    fn of(value: i64) -> Option<Self> {
        match value {
            20 => Some(Self::Ml20),
            40 => Some(Self::Ml40),
            100 => Some(Self::Ml100),
            _ => None,
        }
    }
}

fn set<N: Number>(number: &mut N, value: i64) -> Result<(), AlterError> {
    *number = N::of(value).filter(|_| (N::LEAST..=N::MOST).contains(&value)).ok_or(AlterError::OutOfRange(N::LEAST, N::MOST))?;
    Ok(())
}

const fn range<N: Number>(_: &dyn Fn(&Config) -> N) -> (i64, i64) {
    (N::LEAST, N::MOST)
}

macro_rules! constants {
    ($($($field:ident).+),* $(,)?) => {
        /// Name, least and most value of each. A field of a part is named behind the part and a dot.
        pub const CONSTANTS: &[(&str, i64, i64)] = &[$({
            let (least, most) = range(&|config| config.$($field).+);
            (constants!(@name $($field).+), least, most)
        }),*];

        impl Config {
            /// Gives the constant of this name another value, in its own unit. Values that the pump can't work with are taken too: that is what for.
            ///
            /// # Errors
            /// When there is no such constant, or it can't hold the value.
            pub fn alter(&mut self, name: &str, value: i64) -> Result<(), AlterError> {
                match name {
                    $(constants!(@name $($field).+) => set(&mut self.$($field).+, value),)*
                    _ => Err(AlterError::Unknown),
                }
            }
        }
    };
    (@name $field:ident) => { stringify!($field) };
    (@name $part:ident.$field:ident) => { concat!(stringify!($part), ".", stringify!($field)) };
}

// All but the identity. A field that is missing here fails `no_number_is_forgotten`.
constants! {
    reservoir,
    stroke.volume_nl,
    stroke.duration_us,
    limits.basal_min_nl_h,
    limits.basal_max_nl_h,
    limits.bolus_min_nl,
    limits.bolus_max_nl,
    limits.bolus_rate_max_nl_h,
    limits.bolus_duration_max_ms,
    rules.soft_basal_nl_h,
    rules.soft_bolus_nl,
    rules.forget_programme_us,
    rules.concentration_min_ng_ul,
    rules.concentration_max_ng_ul,
    rules.minimum_nl_h,
    rules.priming_rate_nl_h,
    rules.button_us,
    rules.period_min_s,
    rules.period_max_s,
    rules.limit_max_nl,
    rules.activations_max,
    rules.steps_max,
    rules.parts_max,
    rules.discrepancy_percent,
    rules.discrepancy_min_nl,
    low_nl,
    empty_nl,
    occlusion_pa,
    sample_every_us,
    confirm_us,
    self_test_us,
    tones.chirp_us,
    tones.beep_us,
    tones.pause_us,
    tones.critical_every_us,
    tones.non_critical_every_us,
    tones.silence_us,
    tones.announce_again_us,
    tones.repeated_within_us,
    tones.repeated_times,
    tones.remind_after_us,
    tones.remind_every_us,
    watch.stall_strokes,
    watch.check_every_us,
    watch.check_again_us,
    watch.load_every_strokes,
    watch.hot_dc,
    watch.hot_hysteresis_dc,
    watch.low_supply_mv,
    watch.low_supply_hysteresis_mv,
    battery.capacity_uc,
    battery.idle_na,
    battery.stroke_uc,
    battery.daily_uc,
    battery.replace_soon_days,
    battery.spent_permille,
}

#[cfg(test)]
mod tests {
    use std::format;
    use std::string::String;
    use std::vec::Vec;

    use super::*;

    /// The names of all leaves of a value, from how it is printed with `{:#?}`.
    fn leaves(printed: &str) -> Vec<String> {
        let mut path: Vec<&str> = Vec::new();
        let mut found = Vec::new();
        for line in printed.lines().skip(1) {
            let line = line.trim();
            match line.split_once(": ") {
                Some((name, rest)) if rest.ends_with('{') || rest.ends_with('[') => path.push(name),
                Some((name, _)) => found.push(path.iter().copied().chain([name]).collect::<Vec<_>>().join(".")),
                None if line.starts_with(['}', ']']) => {
                    path.pop();
                }
                None => {}
            }
        }
        found
    }

    #[test]
    fn no_number_is_forgotten() {
        let fields: Vec<String> =
            leaves(&format!("{:#?}", Config::default())).into_iter().filter(|name| !name.starts_with("identity.")).collect();
        let known: Vec<&str> = CONSTANTS.iter().map(|(name, ..)| *name).collect();
        assert_eq!(known, fields, "left: src/alter.rs; right: the fields of `Config`, in their order");
    }

    #[test]
    fn each_number_is_altered_and_nothing_else() {
        for (name, least, most) in CONSTANTS {
            let mut config = Config::default();
            assert_eq!(config.alter(name, *least), Ok(()), "{name}");
            let low = config.clone();
            assert_eq!(config.alter(name, *most), Ok(()), "{name}");
            assert_ne!(config, low, "{name}");
            for beyond in [least - 1, most.saturating_add(1)].into_iter().filter(|v| v < least || v > most) {
                assert_eq!(config.alter(name, beyond), Err(AlterError::OutOfRange(*least, *most)), "{name}");
            }
        }
        assert_eq!(Config::default().alter("low", 0), Err(AlterError::Unknown));
        let mut config = Config::default();
        assert_eq!(config.alter("limits.bolus_max_nl", 5), Ok(()));
        assert_eq!(config.limits.bolus_max_nl, 5);
        config.limits.bolus_max_nl = Config::default().limits.bolus_max_nl;
        assert_eq!(config, Config::default());
    }
}
