//! What the rig takes for granted of the kernel's GPIO character device, and the rig itself, as the real program, on a kernel with simulated
//! lines (gpio-sim).
//! Needs that kernel and root, so it runs in a guest: `rig/bench/kernel/README.md`.

#![allow(clippy::disallowed_methods, reason = "the tests make devices, start processes and read the clock")]
#![allow(clippy::unwrap_used, reason = "what these functions do is part of the tests that call them")]

mod conformance;
mod events;
mod kills;
mod leaving;
mod losses;
mod ownership;
mod rates;
mod setup;
mod sim;
mod whole;
