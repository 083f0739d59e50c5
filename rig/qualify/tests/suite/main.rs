//! Outcomes in, matrix and views out.
#![allow(clippy::unwrap_used, reason = "tests")]

mod desk;
mod matrix;
mod parts;
mod views;
