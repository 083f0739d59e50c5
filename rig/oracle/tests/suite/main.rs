//! The oracle by itself: orders and deliveries made up for it, no pump and no plumbing.
#![allow(clippy::unwrap_used)]

mod band;
mod bed;
mod bridges;
mod excused;
mod prescriptions;
mod steps;
