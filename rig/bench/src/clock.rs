//! Rig time from `CLOCK_MONOTONIC`, the one clock that every process on this machine shares.

use nix::time::{ClockId, clock_gettime};
use rig_model::time::{RigTime, Span};

/// Rig time 0 is the moment at which this was made. The kernel's GPIO edge stamps and the firmware host's stamps are of
/// the same clock, so that they become rig time by a subtraction.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    epoch_ns: i64,
}

impl Clock {
    pub fn start() -> Self {
        Self { epoch_ns: monotonic_ns() }
    }

    /// For tests of what happens late in a run.
    #[cfg(test)]
    pub fn started_before(ago: Span) -> Self {
        Self { epoch_ns: monotonic_ns() - ago.0 }
    }

    /// Never earlier than what it said before.
    pub fn now(&self) -> RigTime {
        self.from_monotonic(monotonic_ns())
    }

    /// Rig time of a stamp of `CLOCK_MONOTONIC` in ns; negative for what happened before the run.
    pub fn from_monotonic(&self, ns: i64) -> RigTime {
        RigTime(ns.saturating_sub(self.epoch_ns))
    }

    /// How long it is from now until `at`; zero when it has passed.
    pub fn until(&self, at: RigTime) -> std::time::Duration {
        duration(Span(at.0.saturating_sub(self.now().0)))
    }

    /// The stamp of `CLOCK_MONOTONIC`, in ns, of rig time 0.
    pub fn epoch_ns(&self) -> i64 {
        self.epoch_ns
    }
}

/// A negative span is no time at all.
pub(crate) fn duration(span: Span) -> std::time::Duration {
    std::time::Duration::from_nanos(u64::try_from(span.0).unwrap_or(0))
}

pub(crate) fn monotonic_ns() -> i64 {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("every Linux has CLOCK_MONOTONIC, and the argument is a valid address");
    now.tv_sec() * 1_000_000_000 + now.tv_nsec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_of_the_shared_clock_become_rig_time() {
        let clock = Clock { epoch_ns: 5_000 };
        for (stamp, at) in [(5_000, 0), (5_001, 1), (4_000, -1_000), (i64::MIN, i64::MIN)] {
            assert_eq!(clock.from_monotonic(stamp), RigTime(at));
        }
        assert_eq!(clock.until(RigTime(i64::MIN)), std::time::Duration::ZERO);
    }

    #[test]
    fn it_never_goes_back() {
        let clock = Clock::start();
        let mut last = RigTime::ZERO;
        for _ in 0..1_000 {
            let now = clock.now();
            assert!(now >= last);
            last = now;
        }
    }
}
