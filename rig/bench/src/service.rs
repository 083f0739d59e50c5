//! As a service of systemd a run says when it is ready and, again and again, that it lives. Outside of systemd nobody asks.

use std::time::{Duration, Instant};

use sd_notify::NotifyState;

/// What systemd is told. The loop that moves the outputs tells it, so that a loop that hangs falls silent.
#[derive(Debug)]
pub struct Service {
    every: Option<Duration>,
    told: Instant,
}

impl Service {
    /// The run is about to begin; nothing has moved yet.
    pub fn begin() -> Self {
        tell(NotifyState::Ready);
        // Twice as often as systemd wants to hear it.
        Self { every: sd_notify::watchdog_enabled().map(|limit| limit / 2), told: Instant::now() }
    }

    /// To be called in each round.
    pub fn alive(&mut self) {
        if self.every.is_some_and(|every| self.told.elapsed() >= every) {
            self.told = Instant::now();
            tell(NotifyState::Watchdog);
        }
    }
}

/// A systemd that does not hear it restarts the service, which says more than a message here could.
fn tell(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!("systemd can't be told how the run is: {error}");
    }
}
