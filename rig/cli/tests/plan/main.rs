//! Test plans: approved, played under, told how far they are; and everything that makes an approval none.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "the tests run the program and write its files")]

#[path = "../support/mod.rs"]
mod support;

#[path = "../support/hardware.rs"]
mod hardware;

mod approve;
mod complete;
mod place;
mod under;
