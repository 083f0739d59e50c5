//! The zero offset of a flow sensor, taken anew with the valve shut.

use std::fmt;

use rig_model::quantity::Flow;

use crate::estimate::{Estimate, combine};

/// Blocks whose means are compared. Samples of a thermal sensor depend on their neighbours, so that dividing their scatter by √n would
/// promise far too much; means of blocks much longer than that memory do not.
const BLOCKS: usize = 16;
/// With fewer samples in a block its mean would remember the block before.
const MIN_BLOCK: usize = 16;
/// Samples that are needed at the least.
pub const MIN_ZERO_SAMPLES: usize = BLOCKS * MIN_BLOCK;
/// A drift counts if it is more standard uncertainties than this: by chance once in a thousand zeros.
const DRIFT_LIMIT: f64 = 4.0;

/// What the sensor shows when nothing flows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ZeroOffset {
    /// µL/h.
    pub offset: Estimate,
}

/// Why samples that were taken with the valve shut are no zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NoZero {
    /// How many there were.
    TooFew(usize),
    /// A sample was missing, saturated or out of range.
    NoNumber,
    /// The mean of a part of them.
    Flowing { mean: Flow, at_most: Flow },
    /// From the first to the last.
    Drifting { change: Flow },
}

impl ZeroOffset {
    /// From `samples` in µL/h, evenly spaced, longer than the blocks' memory: [`MIN_ZERO_SAMPLES`] at the least. `resolution` is the
    /// sensor's step, `at_most` the largest offset that a sound sensor may have: anything beyond is flow, in either direction.
    pub fn from_samples(samples: &[f64], resolution: Flow, at_most: Flow) -> Result<Self, NoZero> {
        if samples.len() < MIN_ZERO_SAMPLES {
            return Err(NoZero::TooFew(samples.len()));
        }
        if !samples.iter().all(|sample| sample.is_finite()) {
            return Err(NoZero::NoNumber);
        }
        let block = samples.len() / BLOCKS;
        // The first samples are those in which a shut valve may still settle: what does not fill a block is left out there.
        let means: Vec<f64> = samples[samples.len() - block * BLOCKS..].chunks_exact(block).map(mean).collect();
        // Strokes that come now and then would vanish in the mean of all.
        if let Some(mean) = means.iter().find(|mean| !(0.0..=at_most.0).contains(&mean.abs())) {
            return Err(NoZero::Flowing { mean: Flow(*mean), at_most });
        }
        let (change, u_change) = drift(&means);
        // Less than one step of the output is in the budget below.
        if change.abs() > resolution.0 && change.abs() > DRIFT_LIMIT * u_change {
            return Err(NoZero::Drifting { change: Flow(change) });
        }
        let offset = mean(&means);
        let scatter = means.iter().map(|m| (m - offset).powi(2)).sum::<f64>() / (BLOCKS - 1) as f64;
        // Within half a step either way, whatever the scatter: a sensor that shows the same step for ever has none.
        let step = resolution.0 / 12f64.sqrt();
        let offset = combine(offset, &[((scatter / BLOCKS as f64).sqrt(), (BLOCKS - 1) as f64), (step, f64::INFINITY)]);
        Ok(Self { offset })
    }

    pub fn correct(&self, flow: Flow) -> Flow {
        Flow(flow.0 - self.offset.value)
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// By how much the straight line of least squares rises over all blocks, and the standard uncertainty of that.
fn drift(means: &[f64]) -> (f64, f64) {
    let n = means.len() as f64;
    let (x0, y0) = ((n - 1.0) / 2.0, mean(means));
    let points = || means.iter().enumerate().map(|(i, y)| (i as f64 - x0, y - y0));
    let sxx: f64 = points().map(|(x, _)| x * x).sum();
    let slope = points().map(|(x, y)| x * y).sum::<f64>() / sxx;
    let rest: f64 = points().map(|(x, y)| (y - slope * x).powi(2)).sum();
    (slope * (n - 1.0), (rest / (n - 2.0) / sxx).sqrt() * (n - 1.0))
}

impl fmt::Display for NoZero {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFew(n) => write!(f, "a zero needs {MIN_ZERO_SAMPLES} samples and not {n}: take them for longer"),
            Self::NoNumber => f.write_str("a sample was no number: look for air in the line, then take the zero again"),
            Self::Flowing { mean, at_most } => {
                write!(f, "with the valve shut {mean} flowed, more than the offset of {at_most} that a sound sensor has: look for a leak")
            }
            Self::Drifting { change } => write!(f, "the zero drifted by {change}: wait until temperature and pressure have settled"),
        }
    }
}

impl std::error::Error for NoZero {}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: Flow = Flow(6.0);
    const AT_MOST: Flow = Flow(120.0);

    fn zero(samples: impl Iterator<Item = f64>) -> Result<ZeroOffset, NoZero> {
        ZeroOffset::from_samples(&samples.collect::<Vec<_>>(), STEP, AT_MOST)
    }

    /// Noise from a linear congruential generator, as independent as such a test needs, of mean 0 and standard deviation 1.
    fn noise() -> impl Iterator<Item = f64> {
        let mut state = 12_345_u64;
        std::iter::repeat_with(move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 11) as f64 / (1u64 << 53) as f64 - 0.5) * 12f64.sqrt()
        })
    }

    #[test]
    fn an_offset_is_found_and_taken_off() {
        let zero = zero(noise().take(1_600).map(|e| 9.0 + 20.0 * e)).unwrap();
        assert!((zero.offset.value - 9.0).abs() < 2.0, "{zero:?}");
        // 20/√1600 from the scatter and 6/√12 from the step.
        let expected = (0.5f64.powi(2) + 3.0).sqrt();
        assert!((zero.offset.standard_uncertainty / expected - 1.0).abs() < 0.2, "{zero:?}");
        assert_eq!(zero.correct(Flow(9.0)), Flow(9.0 - zero.offset.value));
    }

    #[test]
    fn a_sensor_that_stays_on_one_step_is_known_to_half_of_it() {
        let zero = zero(std::iter::repeat_n(6.0, MIN_ZERO_SAMPLES)).unwrap();
        assert_eq!(zero.offset.value, 6.0);
        assert!((zero.offset.standard_uncertainty - 3f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn memory_from_sample_to_sample_is_not_ignored() {
        // A first-order process whose neighbours correlate by 0.9: the mean is √19 times worse known than √n says.
        let mut state = 0.0;
        let samples: Vec<f64> = noise()
            .map(|e| {
                state = 0.9 * state + e;
                10.0 * state
            })
            .take(6_400)
            .collect();
        let n = samples.len() as f64;
        let deviation = (samples.iter().map(|s| s * s).sum::<f64>() / n).sqrt();
        let naive = deviation / n.sqrt();
        let zero = ZeroOffset::from_samples(&samples, Flow(0.0), AT_MOST).unwrap();
        let ratio = zero.offset.standard_uncertainty / naive;
        assert!((3.0..6.0).contains(&ratio), "{ratio}, expected 4.4");
        assert!(zero.offset.value.abs() < zero.offset.expanded());
        assert!((zero.offset.effective_dof - 15.0).abs() < 1e-9);
    }

    #[test]
    fn flow_is_no_zero() {
        assert!(matches!(zero(noise().take(1_600).map(|e| 130.0 + e)), Err(NoZero::Flowing { .. })));
        assert!(matches!(zero(noise().take(1_600).map(|e| e - 130.0)), Err(NoZero::Flowing { .. })));
        // A single stroke: the mean of all is 60 µL/h and would pass.
        let stroke = (0..1_600).map(|i| if (800..832).contains(&i) { 3_000.0 } else { 0.0 });
        assert!(matches!(zero(stroke), Err(NoZero::Flowing { .. })));
    }

    #[test]
    fn a_drift_is_no_zero() {
        let drifting = |change: f64| zero(noise().take(1_600).enumerate().map(move |(i, e)| change * i as f64 / 1_600.0 + 5.0 * e));
        assert!(matches!(drifting(40.0), Err(NoZero::Drifting { .. })));
        assert!(matches!(drifting(-40.0), Err(NoZero::Drifting { .. })));
        assert!(drifting(3.0).is_ok(), "less than one step");
        assert!(drifting(0.0).is_ok());
    }

    #[test]
    fn what_is_missing_is_no_zero() {
        assert_eq!(zero(std::iter::repeat_n(0.0, MIN_ZERO_SAMPLES - 1)), Err(NoZero::TooFew(255)));
        for bad in [f64::NAN, f64::INFINITY] {
            assert_eq!(zero((0..300).map(|i| if i == 7 { bad } else { 0.0 })), Err(NoZero::NoNumber));
        }
        let without_limit = ZeroOffset::from_samples(&[0.0; 256], STEP, Flow(f64::NAN));
        assert!(matches!(without_limit, Err(NoZero::Flowing { .. })), "a limit that is no number lets nothing through");
    }
}
