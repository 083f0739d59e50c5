//! The pressure filter: when to read the line pressure, and when readings make an occlusion.

use crate::time::{Micros, earlier};

/// While running a reading is taken at least this often, so that low rates with minutes between strokes are watched too.
pub const SAMPLE_EVERY_US: u64 = 60_000_000;
/// Two readings above the threshold in a row, at least this far apart: a stroke's own pressure peak has decayed by then.
pub const CONFIRM_US: u64 = 1_000_000;

#[derive(Debug, Clone, Default)]
pub struct Occlusion {
    next_sample: Option<Micros>,
    confirm: Option<Micros>,
    high_since: Option<Micros>,
}

impl Occlusion {
    pub fn start(&mut self, now: Micros) {
        *self = Self { next_sample: Some(now.plus(SAMPLE_EVERY_US)), confirm: None, high_since: None };
    }

    pub fn stop(&mut self) {
        *self = Self::default();
    }

    pub const fn watching(&self) -> bool {
        self.next_sample.is_some()
    }

    pub fn due(&self) -> Option<Micros> {
        earlier(self.next_sample, self.confirm)
    }

    /// A reading is asked for now: it serves all that is due by now.
    pub fn sampled(&mut self, now: Micros) {
        self.confirm.take_if(|due| *due <= now);
        if let Some(due) = self.next_sample.filter(|due| *due <= now) {
            let next = due.plus(SAMPLE_EVERY_US);
            self.next_sample = Some(if next > now { next } else { now.plus(SAMPLE_EVERY_US) });
        }
    }

    /// Takes a reading; whether it makes an occlusion.
    pub fn reading(&mut self, now: Micros, above_threshold: bool) -> bool {
        if !self.watching() {
            return false;
        }
        if !above_threshold {
            self.high_since = None;
            self.confirm = None;
            return false;
        }
        match self.high_since {
            Some(since) => now.since(since) >= CONFIRM_US,
            None => {
                self.high_since = Some(now);
                self.confirm = Some(now.plus(CONFIRM_US));
                false
            }
        }
    }
}
