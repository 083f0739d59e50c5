//! The oracle by itself: orders and deliveries made up for it, no pump and no plumbing.
#![allow(clippy::unwrap_used)]

mod around;
mod band;
mod bed;
mod before;
mod bridges;
mod by_hand;
mod excused;
mod prescriptions;
mod steps;
mod thermal;
