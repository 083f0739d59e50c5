//! The pressure filter: when to read the line pressure, when readings make an occlusion, and that no delivery begins into a line that is closed.

use crate::config::Config;
use crate::time::{Micros, earlier};

#[derive(Debug, Clone, Default)]
pub struct Occlusion {
    next_sample: Option<Micros>,
    confirm: Option<Micros>,
    high_since: Option<Micros>,
    /// No reading since the start has shown the line open, and no stroke begins before one does. Until then the answer must have come.
    waits_until: Option<Micros>,
}

impl Occlusion {
    /// A reading is asked for now, before the first stroke: what a closed line still holds would come on top of what is pumped into it.
    pub fn start(&mut self, now: Micros, config: &Config) {
        *self = Self {
            next_sample: Some(now.plus(config.sample_every_us)),
            waits_until: Some(now.plus(config.confirm_us.max(1))),
            ..Self::default()
        };
    }

    pub fn stop(&mut self) {
        *self = Self::default();
    }

    /// No stroke may begin.
    pub const fn waiting(&self) -> bool {
        self.waits_until.is_some()
    }

    /// The answer has not come in time; whether that makes an occlusion. A board that does not answer is believed to be in order, but not after
    /// it has said that the line is closed.
    pub fn overdue(&mut self, now: Micros) -> bool {
        self.waits_until.take_if(|until| *until <= now).is_some() && self.high_since.is_some()
    }

    pub const fn watching(&self) -> bool {
        self.next_sample.is_some()
    }

    pub fn due(&self) -> Option<Micros> {
        earlier(self.waits_until, earlier(self.next_sample, self.confirm))
    }

    /// A reading is asked for now: it serves all that is due by now.
    pub fn sampled(&mut self, now: Micros, config: &Config) {
        self.confirm.take_if(|due| *due <= now);
        if let Some(due) = self.next_sample.filter(|due| *due <= now) {
            let next = due.plus(config.sample_every_us);
            self.next_sample = Some(if next > now { next } else { now.plus(config.sample_every_us.max(1)) });
        }
    }

    /// Takes a reading in Pa; whether it makes an occlusion.
    pub fn reading(&mut self, now: Micros, pascal: i32, config: &Config) -> bool {
        if !self.watching() {
            return false;
        }
        if pascal <= config.occlusion_pa {
            *self = Self { next_sample: self.next_sample, ..Self::default() };
            return false;
        }
        match self.high_since {
            Some(since) => now.since(since) >= config.confirm_us,
            None => {
                self.high_since = Some(now);
                self.confirm = Some(now.plus(config.confirm_us));
                // For the second reading, and as long again for its answer.
                self.waits_until = self.waits_until.map(|_| now.plus(config.confirm_us.max(1).saturating_mul(2)));
                false
            }
        }
    }
}
