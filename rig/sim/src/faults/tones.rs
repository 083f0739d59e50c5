//! A sounder that is silent, late, or says something else than the firmware.

use std::sync::Arc;

use pump_link::State;
use rig_model::defect::{Seam, Tones as Which};
use rig_model::time::{RigTime, Span};

use super::{Faults, Misdeed, concerns, seconds};

/// As long as the reference pump's.
pub(super) const BEEP: Span = Span::milliseconds(300);
const PAUSE: Span = Span::milliseconds(200);
/// Two beeps within this are one tone.
const TOGETHER: Span = Span::seconds(1);

#[derive(Debug, Default)]
pub(super) struct Tones {
    /// Beeps since the self-test that one of the seams would mute.
    muted: u32,
    off_at: Option<RigTime>,
    on: bool,
}

impl Faults {
    /// Whether it takes the rest of what the firmware does at this instant to know what a tone is.
    pub fn holds_tones(&self) -> bool {
        let by_class = |seam: &Seam| matches!(seam, Seam::ToneMuted { which, .. } | Seam::ToneLate { which, .. } if *which != Which::Any);
        self.seams.iter().any(by_class)
    }

    /// The firmware moves the sounder; how it moves, if at all.
    pub fn tone(&mut self, at: RigTime, on: bool) -> Option<bool> {
        if self.none() {
            return Some(on);
        }
        if self.state.is_none_or(|state| state == State::SelfTest) {
            return Some(on);
        }
        let seams = Arc::clone(&self.seams);
        let level = seams.iter().try_fold(on, |level, seam| self.through(*seam, at, level));
        if on != self.tones.on {
            self.tones.on = on;
            self.tones.off_at = (!on).then_some(at);
        }
        level
    }

    fn through(&mut self, seam: Seam, at: RigTime, on: bool) -> Option<bool> {
        match seam {
            Seam::ToneMuted { which, after } if on && concerns(which, self.class()) => {
                self.tones.muted += 1;
                Some(self.tones.muted <= after)
            }
            Seam::ToneLate { which, by_s } if concerns(which, self.class()) || !on => {
                self.plan(at + seconds(by_s), Misdeed::Tone(on));
                None
            }
            Seam::ToneSingle if on => Some(self.tones.off_at.is_none_or(|off| at - off > TOGETHER)),
            Seam::ToneDoubled if !on && self.tones.on => {
                self.plan(at + PAUSE, Misdeed::Tone(true));
                self.plan(at + PAUSE + BEEP, Misdeed::Tone(false));
                Some(false)
            }
            Seam::ToneShort { s } if on => {
                self.plan(at + seconds(s), Misdeed::Tone(false));
                Some(true)
            }
            Seam::ToneStuck if !on => None,
            _ => Some(on),
        }
    }
}
