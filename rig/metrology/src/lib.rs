//! From pulses and readings to judged values: estimates with their uncertainty, decision rules, and the accumulators that
//! keep what a run of any length needs in bounded memory.
//!
//! Pure arithmetic: no clock, no file, nothing that differs from machine to machine (`libm` for everything that is not
//! exactly rounded by IEEE 754).

mod agreement;
mod calibration;
mod continuity;
mod curve;
mod decision;
mod deliveries;
mod drug;
mod estimate;
mod figures;
mod gravimetry;
mod integrate;
mod k_curve;
mod measured;
mod peak;
mod pool;
mod quantile;
mod rolling;
mod root;
mod sensor;
mod series;
mod strokes;
mod tolerance;
mod zero;

pub use agreement::{Agreement, Agrees, CHANCE_LIMIT, NotComparable, agreement, shared};
pub use calibration::{
    AsFound, CalibratedPoint, Calibration, MAX_CALIBRATION_PULSES, MIN_DELIVERIES, NotCalibrated, PulseFlow, PulseFlows, WeighedPulses,
    as_found, calibrate, grubbs, grubbs_limit,
};
pub use continuity::{Continuity, ContinuityFigures, End, Gap};
pub use curve::{
    CurveError, CurvePlan, Curves, CustomMethod, HourStatistics, MAX_RECORDED_STROKES, Method, OverallError, Period, Periods,
    PulsatilityFloor, StartUpPoint, StrokePoint, StrokeRecord, Trumpet, TrumpetPoint, WITHIN_PERCENT, curves, pulsatility_floor,
    stroke_cycle,
};
pub use decision::{Judgement, judge, proven_fail, test_uncertainty_ratio};
pub use deliveries::{AfterEnd, DELIVERIES_BY_DEFAULT, DeliveriesError, Delivery, DeliveryAccuracy, delivery_accuracy};
pub use drug::{DrugIntegrator, DrugMeter, DrugSum, DrugWindows, MAX_WAITING_PULSES, NotDosed, in_range};
pub use estimate::{Estimate, combine, exact, t_factor};
pub use figures::{ComplianceError, aged, clock_error, compliance, divided_at, instant, mean_of, share, spread};
pub use gravimetry::{
    AIR_DENSITY, BalanceFigures, MIN_REST_READINGS, NoRest, NotWeighed, Rest, RestFit, WEIGHTS_DENSITY, Weighing, air_density,
    water_density, z_factor,
};
pub use integrate::{FlowIntegrator, MAX_PULSES_BETWEEN_READINGS, NotIntegrated, TooCoarse, resolves};
pub use k_curve::{EffectiveK, k_factor_at};
pub use measured::{Measured, certain};
pub use peak::{MAX_PEAK_INTERVALS, Peak, PeakRate};
pub use pool::{NotPooled, Pooled, Standing, UnitFigures, pool, standing};
pub use quantile::{
    COVERAGE, chi_square_cdf, chi_square_quantile, coverage_factor, family_coverage_factor, normal_cdf, normal_quantile, student_cdf,
    student_quantile,
};
pub use rolling::{Extremes, MAX_EDGES, RollingCount};
pub use sensor::{FlowMeter, Gate, Pulses, Start, duration, hidden_in_bins, over_time, pressure, rate};
pub use series::{MAX_SAMPLES, PulseSampler, RecordSampler, Resampled, SeriesError, VolumeSeries};
pub use strokes::{MAX_STROKES, StrokeExtremes, StrokeWindow, StrokeWindows};
pub use tolerance::{Content, NoTolerance, ToleranceInterval, tolerance_factor, tolerance_interval};
pub use zero::{MIN_ZERO_SAMPLES, NoZero, ZeroOffset};
