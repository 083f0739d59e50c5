//! What can go wrong at the seams of the firmware (its bytes, readings, strokes, tones, memory, power), and how much of it: the one table that
//! the reader of the catalogue, the simulated board and the page of the format go by.

use crate::Name;

/// An amount of a seam as a catalogue gives it.
#[derive(Debug, Clone, PartialEq)]
pub enum Given {
    Number(f64),
    Word(Name),
}

/// What an amount may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Inclusive, in this unit; empty for a plain number.
    Number {
        unit: &'static str,
        least: f64,
        most: f64,
    },
    /// A whole number, inclusive.
    Whole {
        least: f64,
        most: f64,
    },
    Word(&'static [&'static str]),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Amount {
    pub name: &'static str,
    pub kind: Kind,
}

/// One line of the table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SeamKind {
    pub what: &'static str,
    /// What it does, with its amounts in it by name.
    pub does: &'static str,
    pub amounts: &'static [Amount],
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name { $($(#[$vdoc])* $variant),* }

        impl $name {
            pub const WORDS: &'static [&'static str] = &[$($word),*];
        }

        impl Take for $name {
            fn take(given: &Given) -> Option<Self> {
                match given {
                    $(Given::Word(word) if &**word == $word => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

trait Take: Sized {
    fn take(given: &Given) -> Option<Self>;
}

impl Take for f64 {
    fn take(given: &Given) -> Option<Self> {
        match given {
            Given::Number(number) if number.is_finite() => Some(*number),
            _ => None,
        }
    }
}

/// Whole and not negative; the table's range keeps it far from the end of the type.
impl Take for u32 {
    fn take(given: &Given) -> Option<Self> {
        match given {
            Given::Number(number) if number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(number) => Some(*number as u32),
            _ => None,
        }
    }
}

words! {
    /// A command that something happens to.
    Asked {
        Start = "start",
        Stop = "stop",
        Acknowledge = "acknowledge",
        Silence = "silence",
        Refill = "refill",
        ProgramBasal = "program_basal",
        ProgramBolus = "program_bolus",
        /// Any that programs.
        Program = "program",
        Confirm = "confirm",
        Discard = "discard",
        PatientBolus = "patient_bolus",
        SetClock = "set_clock",
        Record = "record",
        ShutDown = "shut_down",
        Any = "any",
    }
}

words! {
    /// Which tones.
    Tones {
        Any = "any",
        Critical = "critical",
        NonCritical = "non_critical",
    }
}

words! {
    /// A number that the pump tells.
    Told {
        Reservoir = "reservoir",
        Delivered = "delivered",
        BasalRate = "basal_rate",
        BolusLeft = "bolus_left",
        Uptime = "uptime",
        Activations = "activations",
        InPeriod = "in_period",
        LockedOut = "locked_out",
        ReservoirLasts = "reservoir_lasts",
        ExpectedResidual = "expected_residual",
        Concentration = "concentration",
        BatteryVoltage = "battery_voltage",
        BatteryLasts = "battery_lasts",
        Stalls = "stalls",
        Temperature = "temperature",
        Clock = "clock",
        LogTime = "log_time",
    }
}

words! {
    /// A number that the pump stores.
    Stored {
        BasalRate = "basal_rate",
        Reservoir = "reservoir",
    }
}

macro_rules! seams {
    ($($variant:ident = $what:literal, $does:literal $({ $($amount:ident: $ty:ty = $kind:expr),* $(,)? })?;)*) => {
        /// One thing that goes wrong at a seam of the firmware, and how much of it.
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub enum Seam {
            $(#[doc = $does] $variant $({ $($amount: $ty),* })?),*
        }

        impl Seam {
            /// All that there are.
            pub const KINDS: &'static [SeamKind] = &[$(SeamKind {
                what: $what,
                does: $does,
                amounts: &[$($(Amount { name: stringify!($amount), kind: $kind }),*)?],
            }),*];

            /// `None` if there is no such seam, or an amount is missing or of another kind. Ranges are for the reader to see to.
            pub fn of(what: &str, amounts: &[(Name, Given)]) -> Option<Self> {
                let _get = |name: &str| amounts.iter().find(|(n, _)| &**n == name).map(|(_, given)| given);
                match what {
                    $($what => Some(Self::$variant $({ $($amount: <$ty as Take>::take(_get(stringify!($amount))?)?),* })?),)*
                    _ => None,
                }
            }

            /// Its name in a catalogue.
            pub const fn what(&self) -> &'static str {
                match self { $(Self::$variant $({ $($amount: _),* })? => $what),* }
            }
        }
    };
}

const fn number(unit: &'static str, least: f64, most: f64) -> Kind {
    Kind::Number { unit, least, most }
}
const fn whole(least: u32, most: u32) -> Kind {
    Kind::Whole { least: least as f64, most: most as f64 }
}
/// A factor.
const FACTOR: Kind = number("", 0.0, 100.0);
const STROKES: Kind = whole(1, 1_000_000);
const ANY_STROKES: Kind = whole(0, 1_000_000);
const SECONDS: Kind = number("s", 0.0, 1e7);
const KPA: Kind = number("kPa", -100.0, 1_000.0);
const FLOW: Kind = number("µL/h", -10_000.0, 100_000.0);
const ASKED: Kind = Kind::Word(Asked::WORDS);
const TONES: Kind = Kind::Word(Tones::WORDS);
const TOLD: Kind = Kind::Word(Told::WORDS);
const STORED: Kind = Kind::Word(Stored::WORDS);

seams! {
    // Strokes.
    Gain = "gain", "each stroke moves `by` times its volume" { by: f64 = FACTOR };
    GainDrift = "gain_drift", "strokes move more and more, or less and less: `by` times their volume after `over_h` hours since the pump was new, linearly, and so on"
        { by: f64 = FACTOR, over_h: f64 = number("h", 0.01, 100_000.0) };
    GainWhenFull = "gain_when_full", "strokes move `by` times their volume while more than `above_ml` is in the reservoir" { by: f64 = FACTOR, above_ml: f64 = number("mL", 0.0, 100.0) };
    GainWhenLow = "gain_when_low", "strokes move `by` times their volume while less than `below_ml` is in the reservoir" { by: f64 = FACTOR, below_ml: f64 = number("mL", 0.0, 100.0) };
    GainUnderPressure = "gain_under_pressure", "strokes move `by` times their volume against more than `above_kpa`" { by: f64 = FACTOR, above_kpa: f64 = KPA };
    GainInBolus = "gain_in_bolus", "strokes of a bolus move `by` times their volume" { by: f64 = FACTOR };
    GainInBasal = "gain_in_basal", "strokes of a basal delivery move `by` times their volume" { by: f64 = FACTOR };
    GainInPriming = "gain_in_priming", "strokes of a priming move `by` times their volume" { by: f64 = FACTOR };
    GainInPatientBolus = "gain_in_patient_bolus", "strokes of a patient bolus move `by` times their volume" { by: f64 = FACTOR };
    GainAfterPause = "gain_after_pause", "the first stroke after a pause of `pause_s` moves `by` times its volume" { by: f64 = FACTOR, pause_s: f64 = SECONDS };
    StrokeNoise = "stroke_noise", "strokes scatter by `percent` (standard deviation)" { percent: f64 = number("%", 0.0, 100.0) };
    StrokeLost = "stroke_lost", "every `every`th stroke moves nothing, though the rotor turns" { every: u32 = STROKES };
    StrokeLostUnderLoad = "stroke_lost_under_load", "strokes against more than `above_kpa` move nothing; the rotor stands still" { above_kpa: f64 = KPA };
    StrokeLostInBolus = "stroke_lost_in_bolus", "every `every`th stroke of a bolus moves nothing, and the rotor stands still" { every: u32 = STROKES };
    FirstStrokesLost = "first_strokes_lost", "the first `strokes` after a rest move nothing" { strokes: u32 = STROKES };
    Stall = "stall", "after every `every` strokes the rotor stands still for `strokes`" { every: u32 = STROKES, strokes: u32 = STROKES };
    StrokesAfterStop = "strokes_after_stop", "a stop is followed by `strokes` more, one each `every_s`" { strokes: u32 = whole(1, 1_000), every_s: f64 = SECONDS };
    StrokesAtRest = "strokes_at_rest", "a stroke each `every_s` while it is stopped" { every_s: f64 = number("s", 1.0, 1e7) };
    Dribble = "dribble", "lets `at` through after it has stopped" { at: f64 = FLOW };
    FreeFlow = "free_flow", "from its stroke `after_strokes` on `at` flows by itself, stopped or not" { at: f64 = FLOW, after_strokes: u32 = ANY_STROKES };
    BackFlow = "back_flow", "after each stroke its outlet valve lets fluid back for `for_s`, as fast as the plumbing states" { for_s: f64 = number("s", 0.01, 3_600.0) };
    // Readings.
    PressureScaled = "pressure_scaled", "reads `by` times the pressure" { by: f64 = FACTOR };
    PressureOffset = "pressure_offset", "reads `kpa` more than the pressure" { kpa: f64 = number("kPa", -1_000.0, 2_000.0) };
    PressureStuck = "pressure_stuck", "always reads a pressure of `kpa`" { kpa: f64 = number("kPa", -200.0, 2_000.0) };
    PressureStuckAfter = "pressure_stuck_after", "reads the pressure as it was after `strokes` strokes, from then on" { strokes: u32 = STROKES };
    PressureLate = "pressure_late", "reads the pressure as it was `by` readings before" { by: u32 = whole(1, 1_000) };
    PressureSpikes = "pressure_spikes", "each `every`th reading is of `kpa`, and so are the `readings` from it on" { every: u32 = whole(1, 1_000_000), readings: u32 = whole(1, 1_000), kpa: f64 = KPA };
    SupplyStuck = "supply_stuck", "always reads a supply of `volt`" { volt: f64 = number("V", 0.0, 20.0) };
    SupplyOffset = "supply_offset", "reads `volt` more than the supply has" { volt: f64 = number("V", -10.0, 10.0) };
    TemperatureStuck = "temperature_stuck", "always reads a temperature of `celsius`" { celsius: f64 = number("°C", -100.0, 200.0) };
    RotorAlwaysTurned = "rotor_always_turned", "takes the rotor as turned, whatever it did";
    RotorNeverTurned = "rotor_never_turned", "takes the rotor as standing still after its stroke `after_strokes`" { after_strokes: u32 = ANY_STROKES };
    RotorMisses = "rotor_misses", "notices only each `every`th stroke in which the rotor stands still" { every: u32 = whole(2, 1_000) };
    // Tones.
    ToneMuted = "tone_muted", "`which` tones are not sounded, but for the first `after` beeps since the self-test" { which: Tones = TONES, after: u32 = whole(0, 1_000) };
    ToneLate = "tone_late", "`which` tones come `by_s` late" { which: Tones = TONES, by_s: f64 = SECONDS };
    ToneSingle = "tone_single", "of two beeps in a row the second is not sounded";
    ToneDoubled = "tone_doubled", "each beep is followed by a second one";
    ToneShort = "tone_short", "beeps end after `s`" { s: f64 = number("s", 0.001, 10.0) };
    ToneStuck = "tone_stuck", "once on, the sounder stays on";
    ToneWithout = "tone_without", "a beep each `every_s` without any alarm" { every_s: f64 = number("s", 1.0, 1e7) };
    // Commands and replies.
    RepeatedStart = "repeated_start", "a start that is sent again is carried out again, `after_s` after the bolus" { after_s: f64 = SECONDS };
    CommandTwice = "command_twice", "`which` is carried out a second time, `after_s` later" { which: Asked = ASKED, after_s: f64 = SECONDS };
    CommandIgnored = "command_ignored", "`which` is answered as accepted and not carried out, each `every`th time" { which: Asked = ASKED, every: u32 = whole(1, 1_000) };
    CommandLate = "command_late", "`which` is answered as accepted and carried out `by_s` later" { which: Asked = ASKED, by_s: f64 = SECONDS };
    CommandUnanswered = "command_unanswered", "`which` is carried out and never answered" { which: Asked = ASKED };
    DoseScaled = "dose_scaled", "a bolus, priming or step is taken as `by` times its volume" { by: f64 = FACTOR };
    RateScaled = "rate_scaled", "a basal rate is taken as `by` times what it is" { by: f64 = FACTOR };
    TimeScaled = "time_scaled", "a bolus takes `by` times its time" { by: f64 = FACTOR };
    ToldScaled = "told_scaled", "`which` is told as `by` times what it is" { which: Told = TOLD, by: f64 = FACTOR };
    ToldStuck = "told_stuck", "`which` is told as it was first since power-on, a factory reset or a refill" { which: Told = TOLD };
    AlarmsHidden = "alarms_hidden", "`which` alarms are neither reported nor in the status" { which: Tones = TONES };
    StateHidden = "state_hidden", "tells that it is stopped, whatever it does";
    RefusalsHidden = "refusals_hidden", "answers `accepted` to what it refused";
    ReasonWrong = "reason_wrong", "tells the reason with code `code` for each refusal" { code: u32 = whole(0, 24) };
    LogHoles = "log_holes", "leaves out each `every`th entry of its log" { every: u32 = whole(2, 1_000) };
    LogAltered = "log_altered", "tells entries of code `code` with `by` times their value" { code: u32 = whole(0, 255), by: f64 = FACTOR };
    LogForgets = "log_forgets", "leaves entries of code `code` out of its log" { code: u32 = whole(0, 255) };
    Deaf = "deaf", "hears no command from `after_s` after power-on" { after_s: f64 = SECONDS };
    Mute = "mute", "answers no more from `after_s` after power-on" { after_s: f64 = SECONDS };
    DeafAfterGarbage = "deaf_after_garbage", "hears nothing for `for_s` after a frame that was spoilt" { for_s: f64 = SECONDS };
    // Power and memory.
    Resets = "resets", "its supply browns out in its stroke `after_strokes` after power-on" { after_strokes: u32 = STROKES };
    ResetsInBolus = "resets_in_bolus", "its supply browns out in the stroke `after_strokes` of each bolus" { after_strokes: u32 = STROKES };
    DiesInBolus = "dies_in_bolus", "its battery collapses for good in the stroke `after_strokes` of a bolus" { after_strokes: u32 = STROKES };
    Hangs = "hangs", "its firmware stands still from its stroke `after_strokes` after power-on, and no watchdog wakes it" { after_strokes: u32 = STROKES };
    RunsOn = "runs_on", "keeps the motor turning through a loss of power: a stroke each `every_s`, `strokes` of them" { strokes: u32 = whole(1, 10_000), every_s: f64 = number("s", 0.1, 1e6) };
    MemoryNotStored = "memory_not_stored", "after a loss of power its memory holds what the first `writes` have left there, and nothing since" { writes: u32 = whole(0, 1_000_000) };
    MemoryStale = "memory_stale", "after a loss of power its memory holds what was stored `by` writes before" { by: u32 = whole(1, 100) };
    MemoryScaled = "memory_scaled", "when it first loses power, `which` in its memory becomes `by` times what it was, the checksum made right" { which: Stored = STORED, by: f64 = FACTOR };
    MemoryLost = "memory_lost", "after a loss of power its memory is as on its first day";
    ClockFast = "clock_fast", "its clock goes `percent` too fast" { percent: f64 = number("%", -50.0, 100.0) };
    // The patient's button.
    ButtonIgnored = "button_ignored", "each `every`th press of the button is not felt" { every: u32 = whole(1, 1_000) };
    ButtonDoubled = "button_doubled", "each press of the button is felt again `after_s` later" { after_s: f64 = number("s", 0.1, 1e6) };
    ButtonStuck = "button_stuck", "the button stays pressed once it was";
    ButtonByItself = "button_by_itself", "the button is pressed by nobody, each `every_s`" { every_s: f64 = number("s", 1.0, 1e7) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_seam_is_made_of_its_amounts_and_of_nothing_less() {
        for kind in Seam::KINDS {
            let amounts: Vec<(Name, Given)> = kind
                .amounts
                .iter()
                .map(|amount| {
                    let given = match amount.kind {
                        Kind::Number { least, .. } | Kind::Whole { least, .. } => Given::Number(least),
                        Kind::Word(words) => Given::Word(words[0].into()),
                    };
                    (Name::from(amount.name), given)
                })
                .collect();
            assert_eq!(Seam::of(kind.what, &amounts).expect(kind.what).what(), kind.what);
            assert!(kind.amounts.iter().all(|amount| kind.does.contains(&format!("`{}`", amount.name))), "{}", kind.what);
            if !amounts.is_empty() {
                assert_eq!(Seam::of(kind.what, &amounts[1..]), None, "{}", kind.what);
            }
        }
        assert_eq!(Seam::of("gains", &[]), None);
    }

    #[test]
    fn names_are_used_once() {
        let mut names: Vec<&str> = Seam::KINDS.iter().map(|kind| kind.what).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
