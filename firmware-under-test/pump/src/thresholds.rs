//! What the pump watches on itself and how it sounds: the limits and times, each with its default and the reason for it.

/// Length of the power-on self-test. Well within the 70 s that SOURCES §3, G 3.4.3 allows.
pub const SELF_TEST_US: u64 = 1_000_000;

/// While running a reading of the line pressure is taken at least this often, so that low rates with minutes between strokes are watched too.
pub const SAMPLE_EVERY_US: u64 = 60_000_000;
/// Two readings above the threshold in a row, at least this far apart: a stroke's own pressure peak has decayed by then.
pub const CONFIRM_US: u64 = 1_000_000;

/// At power-on, so that the patient and the bench hear that the sounder works.
pub const CHIRP_US: u64 = 50_000;
pub const BEEP_US: u64 = 300_000;
/// Between the two beeps of a critical alarm.
pub const PAUSE_US: u64 = 200_000;
/// About once an hour: SOURCES §2.2.
pub const NON_CRITICAL_EVERY_US: u64 = 3_600_000_000;
/// 10 min: SOURCES §2.2.
pub const CRITICAL_EVERY_US: u64 = 600_000_000;
/// A silenced alarm returns within 2 min: SOURCES §3, G 2.3.1.
pub const SILENCE_US: u64 = 120_000_000;
/// A critical alarm that was acknowledged and whose cause stays is told again each day: often enough that a patient who forgot it comes to no
/// harm of withdrawal unwarned, seldom enough that one who waits for the appointment can sleep.
pub const ANNOUNCE_AGAIN_US: u64 = 24 * 3_600_000_000;
/// Three times within 10 min: SOURCES §3, L R6.5.0(22).
pub const REPEATED_WITHIN_US: u64 = 600_000_000;
pub const REPEATED_TIMES: u8 = 3;
/// 10 min of idling are told: SOURCES §3, G 2.2.2.
pub const REMIND_AFTER_US: u64 = 600_000_000;
/// As often as a non-critical tone.
pub const REMIND_EVERY_US: u64 = 3_600_000_000;

/// Strokes in a row that did not turn the rotor: one may be a missed count of the tachometer, three are not.
pub const STALL_STROKES: u8 = 3;

/// Battery, temperature and stored settings are looked at this often.
pub const CHECK_EVERY_US: u64 = 3_600_000_000;
/// And this often while one of them is beyond its limit.
pub const CHECK_AGAIN_US: u64 = 60_000_000;
/// Strokes from one reading of the supply under the motor's load to the next: once or twice in the smallest bolus of SOURCES §2.4.
pub const LOAD_EVERY_STROKES: u32 = 20;
/// Above body temperature with fever; the drug is stable, and the reservoir tight, up to here.
pub const HOT_DC: i16 = 420;
/// An overheated pump has cooled down when it is this much below the limit, so that it does not go on and off at the limit.
pub const HOT_HYSTERESIS_DC: i16 = 10;
/// The board's detector holds the microcontroller in reset below this.
pub const BROWN_OUT_MV: u32 = 1_900;
/// A warning with some reserve above the brown-out: less than the motor's load takes from a battery at its end.
pub const LOW_SUPPLY_MV: u32 = 2_200;
pub const LOW_SUPPLY_HYSTERESIS_MV: u32 = 100;
/// What a converter in order can read, in mV, and a sensor inside a patient or on a bench, in tenths of a degree.
pub const PLAUSIBLE_MV: core::ops::RangeInclusive<u32> = 500..=7_000;
pub const PLAUSIBLE_DC: core::ops::RangeInclusive<i16> = -400..=850;

/// The replacement indicator: SOURCES §2.2.
pub const REPLACE_SOON_DAYS: u32 = 90;
/// 1,400 mAh, in µC: what a cell of nominally 1,450 mAh gives for certain.
pub const BATTERY_UC: u64 = 5_040_000_000;
/// Microcontroller asleep, clock and telemetry receiver.
pub const IDLE_NA: u64 = 10_000;
/// One full stroke: 6 mA for 0.5 s.
pub const STROKE_UC: u64 = 3_000;
/// At 0.5 mL/day with 1 µL strokes, idle current included: what is assumed of the first day.
pub const DAILY_UC: u64 = 2_364_000;
/// Spent at this much of the charge: the motor still turns on it, so that the last stroke is a whole one.
pub const SPENT_PERMILLE: u32 = 5;
/// Voltage at rest in mV and charge left in ‰ of a hybrid-cathode lithium cell at body temperature: a slope, and a knee at its end.
pub const BATTERY_CURVE: [(u32, u32); 8] =
    [(3_150, 1_000), (3_000, 900), (2_900, 600), (2_800, 300), (2_700, 120), (2_550, 60), (2_350, 20), (2_100, 0)];

/// How it sounds. Times in µs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tones {
    pub chirp_us: u64,
    pub beep_us: u64,
    pub pause_us: u64,
    /// From the start of a tone to the start of the next.
    pub critical_every_us: u64,
    pub non_critical_every_us: u64,
    pub silence_us: u64,
    pub announce_again_us: u64,
    pub repeated_within_us: u64,
    pub repeated_times: u8,
    pub remind_after_us: u64,
    pub remind_every_us: u64,
}

impl Default for Tones {
    fn default() -> Self {
        Self {
            chirp_us: CHIRP_US,
            beep_us: BEEP_US,
            pause_us: PAUSE_US,
            critical_every_us: CRITICAL_EVERY_US,
            non_critical_every_us: NON_CRITICAL_EVERY_US,
            silence_us: SILENCE_US,
            announce_again_us: ANNOUNCE_AGAIN_US,
            repeated_within_us: REPEATED_WITHIN_US,
            repeated_times: REPEATED_TIMES,
            remind_after_us: REMIND_AFTER_US,
            remind_every_us: REMIND_EVERY_US,
        }
    }
}

/// What it watches on its own hardware. Times in µs, voltages in mV, temperatures in tenths of a degree Celsius.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watch {
    pub stall_strokes: u8,
    pub check_every_us: u64,
    pub check_again_us: u64,
    pub load_every_strokes: u32,
    /// Overheated above this.
    pub hot_dc: i16,
    pub hot_hysteresis_dc: i16,
    /// Low supply below this.
    pub low_supply_mv: u32,
    pub low_supply_hysteresis_mv: u32,
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            stall_strokes: STALL_STROKES,
            check_every_us: CHECK_EVERY_US,
            check_again_us: CHECK_AGAIN_US,
            load_every_strokes: LOAD_EVERY_STROKES,
            hot_dc: HOT_DC,
            hot_hysteresis_dc: HOT_HYSTERESIS_DC,
            low_supply_mv: LOW_SUPPLY_MV,
            low_supply_hysteresis_mv: LOW_SUPPLY_HYSTERESIS_MV,
        }
    }
}

/// What the gauge assumes of the battery. Charges in µC, currents in nA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatteryLimits {
    pub capacity_uc: u64,
    pub idle_na: u64,
    /// Of a stroke of full volume; a smaller one takes as much less.
    pub stroke_uc: u64,
    /// Assumed of the first day.
    pub daily_uc: u64,
    pub replace_soon_days: u32,
    pub spent_permille: u32,
}

impl Default for BatteryLimits {
    fn default() -> Self {
        Self {
            capacity_uc: BATTERY_UC,
            idle_na: IDLE_NA,
            stroke_uc: STROKE_UC,
            daily_uc: DAILY_UC,
            replace_soon_days: REPLACE_SOON_DAYS,
            spent_permille: SPENT_PERMILLE,
        }
    }
}
