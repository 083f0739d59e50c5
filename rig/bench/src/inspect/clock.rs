//! The clock on the wall: what the kernel says of it. Measured times do not rest on it; due dates and signatures do.

use std::ffi::c_long;

use rig_model::fact::WallClock;
use rtime_clock::adjtime::{Timex, adjtimex};

use super::Ground;
use super::machine::CLOCKSOURCE;

/// `STA_UNSYNC` of `linux/timex.h`: nothing disciplines the clock, or nothing has for so long that the kernel no longer vouches for it.
const UNSYNCHRONISED: i32 = 0x40;
/// Beyond this the kernel's estimate is no estimate any more (`NTP_PHASE_LIMIT`), in µs.
const NO_ESTIMATE_US: c_long = 16_000_000;

/// State of the clock at `utc`, which the caller has read from it. Where the kernel does not answer the clock is not synchronised.
pub fn wall_clock(ground: &Ground, utc: String) -> WallClock {
    let mut kernel = Timex::new();
    let answered = adjtimex(&mut kernel).is_ok();
    let (synchronised, max_error_ms) = if answered { state(kernel.0.status, kernel.0.maxerror) } else { (false, None) };
    WallClock { utc, synchronised, max_error_ms, source: ground.text(CLOCKSOURCE) }
}

fn state(status: i32, max_error_us: c_long) -> (bool, Option<f64>) {
    let estimate = (0..NO_ESTIMATE_US).contains(&max_error_us).then_some(max_error_us as f64 / 1e3);
    (status & UNSYNCHRONISED == 0, estimate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_says() {
        for (status, max_error, expected) in [
            (0x2001, 1_500, (true, Some(1.5))),
            (0x2041, 1_500, (false, Some(1.5))),
            (0x40, 16_000_000, (false, None)),
            (0x40, -1, (false, None)),
        ] {
            assert_eq!(state(status, max_error), expected, "{status:#x} {max_error}");
        }
    }
}
