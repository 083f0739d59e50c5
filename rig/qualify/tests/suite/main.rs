//! Outcomes in, matrix and views out.

mod desk;
mod matrix;
mod parts;
mod views;
