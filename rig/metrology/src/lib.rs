//! From pulses and readings to judged values: estimates with their uncertainty, decision rules, and the accumulators that
//! keep what a run of any length needs in bounded memory.
//!
//! Pure arithmetic: no clock, no file, nothing that differs from machine to machine (`libm` for everything that is not
//! exactly rounded by IEEE 754).

mod decision;
mod estimate;
mod integrate;
mod peak;
mod pool;
mod quantile;
mod rolling;
mod root;
mod sensor;
mod strokes;
mod tolerance;
mod zero;

pub use decision::{Judgement, judge, proven_fail};
pub use estimate::{Estimate, combine, duration, exact, t_factor};
pub use integrate::{FlowIntegrator, MAX_PULSES_BETWEEN_READINGS, NotIntegrated, TooCoarse, resolves};
pub use peak::{MAX_PEAK_INTERVALS, Peak, PeakRate};
pub use pool::{NotPooled, Pooled, Standing, UnitFigures, pool, standing};
pub use quantile::{
    COVERAGE, chi_square_cdf, chi_square_quantile, coverage_factor, family_coverage_factor, normal_cdf, normal_quantile, student_cdf,
    student_quantile,
};
pub use rolling::{Extremes, MAX_EDGES, RollingCount};
pub use sensor::{Gate, mean_flow, pressure, rate_from_edges, volume, with_zero};
pub use strokes::{MAX_STROKES, StrokeExtremes, StrokeWindow, StrokeWindows};
pub use tolerance::{Content, NoTolerance, ToleranceInterval, tolerance_factor, tolerance_interval};
pub use zero::{MIN_ZERO_SAMPLES, NoZero, ZeroOffset};
