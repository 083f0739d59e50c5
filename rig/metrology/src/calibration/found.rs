//! What was found beside what the bench has gone by.

use rig_model::bench::FlowSensor;

use super::CalibratedPoint;
use crate::k_curve::k_factor_at;

/// A point as it was found, against the K-factor by which the bench has told volumes until now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AsFound {
    /// The bench's K-factor at the point's flow, pulses/µL.
    pub stated: f64,
    /// 100 (found/stated − 1): by so many % the volumes were too large that the bench has told.
    pub deviation_percent: f64,
    /// Expanded relative uncertainty that the bench has stated for it, in %; absent when nobody has.
    pub stated_percent: Option<f64>,
}

impl AsFound {
    /// Whether the sensor was as good as it was said to be; not, if nothing was said.
    pub fn within(&self) -> bool {
        self.stated_percent.is_some_and(|u| self.deviation_percent.abs() <= u)
    }
}

/// `None` where the bench's curve does not reach to the point's flow.
pub fn as_found(point: &CalibratedPoint, sensor: &FlowSensor) -> Option<AsFound> {
    let stated = if sensor.curve.points().is_empty() { Some(sensor.k_factor) } else { k_factor_at(&sensor.curve, point.flow.0) }
        .filter(|k| *k > 0.0)?;
    let accuracy = &sensor.accuracy;
    let half_widths = [accuracy.linearity_percent, accuracy.temperature_percent_per_kelvin * accuracy.temperature_band];
    let rectangular: f64 = half_widths.iter().map(|a| a * a / 3.0).sum();
    Some(AsFound {
        stated,
        deviation_percent: 100.0 * (point.k.estimate.value / stated - 1.0),
        stated_percent: sensor.k_uncertainty_percent.map(|u| 2.0 * (u * u / 4.0 + rectangular).sqrt()),
    })
}
