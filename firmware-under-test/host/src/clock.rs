//! The host's monotonic clock, the same one that the rig and the kernel's edge stamps use.

use nix::time::{ClockId, clock_gettime};
use rig_model::time::RigTime;

/// CLOCK_MONOTONIC in nanoseconds.
pub fn monotonic_ns() -> i64 {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("POSIX makes this clock mandatory");
    now.tv_sec() * 1_000_000_000 + now.tv_nsec()
}

/// The board's time: nanoseconds of the monotonic clock since the host began.
#[derive(Debug, Clone, Copy)]
pub struct BoardClock {
    start_ns: i64,
}

impl BoardClock {
    pub fn start() -> Self {
        Self { start_ns: monotonic_ns() }
    }

    pub fn now(self) -> RigTime {
        RigTime(monotonic_ns() - self.start_ns)
    }

    /// The monotonic nanoseconds of a board time, as they travel to the rig.
    pub fn monotonic(self, at: RigTime) -> i64 {
        at.0 + self.start_ns
    }
}
