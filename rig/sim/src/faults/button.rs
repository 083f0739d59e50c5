//! The patient's button.

use std::sync::Arc;

use rig_model::defect::Seam;
use rig_model::time::{RigTime, Span};

use super::{Faults, Misdeed, seconds};

/// A press that the firmware takes for one.
pub(super) const PRESS: Span = Span::milliseconds(300);

#[derive(Debug, Default)]
pub(super) struct Button {
    presses: u32,
    /// This press is not felt.
    ignored: bool,
}

impl Faults {
    /// The contact moves; how the firmware feels it, if at all.
    pub fn button(&mut self, at: RigTime, pressed: bool) -> Option<bool> {
        if self.none() {
            return Some(pressed);
        }
        self.button.presses += u32::from(pressed);
        let seams = Arc::clone(&self.seams);
        for seam in seams.iter() {
            match *seam {
                Seam::ButtonIgnored { every } => {
                    if pressed {
                        self.button.ignored = self.button.presses.is_multiple_of(every);
                    }
                    if self.button.ignored {
                        return None;
                    }
                }
                Seam::ButtonDoubled { after_s } if pressed => {
                    self.plan(at + seconds(after_s), Misdeed::Button(true));
                    self.plan(at + seconds(after_s) + PRESS, Misdeed::Button(false));
                }
                Seam::ButtonStuck if !pressed => return None,
                _ => {}
            }
        }
        Some(pressed)
    }
}
