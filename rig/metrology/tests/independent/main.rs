//! Budgets and decision rules against worlds that the rig does not know: benches are drawn, liquid flows, sensors pulse and balances shake,
//! and what the rig says of it is held against what truly happened. Seeded: the same draws each time, on each machine.

mod cases;
mod coverage;
mod draws;
mod extremes;
mod false_accepts;
mod golden;
mod propagate;
mod scale;
mod truth;
mod unsound;
