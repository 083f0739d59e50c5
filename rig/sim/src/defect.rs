//! The catalogue of defective pumps: what is wrong with each, and the harm it would do.
//!
//! A suite that has not been seen to fail on a pump that deserves it shows nothing.

use std::fmt;

macro_rules! catalogue {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $wrong:literal, $hazard:literal;)*) => {
        /// One way in which a pump can be wrong. All are brought about at the seams of the firmware (its bytes, readings,
        /// strokes, tones, power and build constants), never inside it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Defect { $($(#[$doc])* $variant),* }

        impl Defect {
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name that `--defect` takes.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// What is wrong with this pump.
            pub const fn wrong(self) -> &'static str {
                match self { $(Self::$variant => $wrong),* }
            }

            /// What it would do to a patient.
            pub const fn hazard(self) -> &'static str {
                match self { $(Self::$variant => $hazard),* }
            }

            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|d| d.name() == name)
            }
        }
    };
}

catalogue! {
    WrongGain = "wrong_gain", "each stroke is 12 % too large", "overdose";
    UnderDelivery = "under_delivery", "each stroke is 15 % too small", "pain or withdrawal from underdose";
    DeafToPressure = "deaf_to_pressure", "its pressure sensor always reads 2 kPa", "a blocked catheter is not noticed";
    LateOcclusion = "late_occlusion", "its pressure sensor reads 60 % of the pressure", "a blocked catheter is noticed late and a larger bolus is released";
    DoubleBolus = "double_bolus", "a command that is sent again is carried out again", "a bolus is delivered twice";
    NoLowWarning = "no_low_warning", "never warns of a low reservoir", "therapy ends without notice";
    DribblesAfterStop = "dribbles_after_stop", "lets fluid through after it has stopped", "drug flows while the pump is believed to be off";
    SilentSounder = "silent_sounder", "logs and reports its alarms, but sounds none after its self-test", "the patient does not learn of the alarm";
    SlowStop = "slow_stop", "makes five more strokes after a stop", "drug flows after the clinician stopped it";
    SlowStart = "slow_start", "its first three strokes after a rest move nothing", "therapy begins late, and every bolus lacks a part";
    StuckReservoirCount = "stuck_reservoir_count", "the reservoir volume that it reports never goes down", "refills are planned on a wrong volume";
    ResetsMidway = "resets_midway", "its supply browns out after every 20th stroke", "therapy stops unnoticed";
    Mute = "mute", "answers no more from 30 s after power-on", "the clinician can neither read nor stop it";
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_defect_is_found_by_its_name_and_says_what_it_does() {
        for defect in Defect::ALL {
            assert_eq!(Defect::from_name(defect.name()), Some(*defect));
            assert!(!defect.wrong().is_empty() && !defect.hazard().is_empty());
        }
        assert_eq!(Defect::from_name("wrong-gain"), None);
    }
}
