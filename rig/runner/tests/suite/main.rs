//! The runner driven by hand and on the simulated board: order, losses, ways out, the record, and its replay.
#![allow(clippy::unwrap_used)]

mod late;
mod leaving;
mod order;
mod replay;
mod safe_down;
mod sink;
mod stand;
mod text_pump;
