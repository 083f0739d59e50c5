//! The engine driven by hand, to the nanosecond: what counts, what does not, and what is never a PASS.
#![allow(clippy::unwrap_used)]

mod asked;
mod desk;
mod drug;
mod ending;
mod figures;
mod lost;
mod plan;
mod soundness;
mod stale;
mod tones;
mod unwatched;
mod vacuous;
mod weighing;
mod within;
