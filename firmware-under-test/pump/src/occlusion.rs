//! The pressure filter: when to read the line pressure, and when readings make an occlusion.

use crate::config::Config;
use crate::time::{Micros, earlier};

#[derive(Debug, Clone, Default)]
pub struct Occlusion {
    next_sample: Option<Micros>,
    confirm: Option<Micros>,
    high_since: Option<Micros>,
}

impl Occlusion {
    pub fn start(&mut self, now: Micros, config: &Config) {
        *self = Self { next_sample: Some(now.plus(config.sample_every_us)), confirm: None, high_since: None };
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
            self.high_since = None;
            self.confirm = None;
            return false;
        }
        match self.high_since {
            Some(since) => now.since(since) >= config.confirm_us,
            None => {
                self.high_since = Some(now);
                self.confirm = Some(now.plus(config.confirm_us));
                false
            }
        }
    }
}
