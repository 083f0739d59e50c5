//! Accuracy of deliveries that were asked for one after another: boluses, each measured by itself.

use rig_model::quantity::Volume;
use rig_model::time::Span;

use crate::curve::Tally;

/// Successive deliveries of one setting, after the practice with EN 60601-2-24.
pub const DELIVERIES_BY_DEFAULT: u32 = 25;

/// One delivery as it was measured, up to where its window was closed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Delivery {
    pub volume: Volume,
    /// What of it came after its nominal end, that is the programmed start and duration; `None` where there is no such instant.
    pub after_end: Option<Volume>,
}

/// Of n deliveries of one nominal volume. Errors are 100 (volume − nominal)/nominal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DeliveryAccuracy {
    /// At least one.
    pub n: usize,
    pub mean: Volume,
    pub mean_error_percent: f64,
    /// The greatest error to the positive side; negative if all are.
    pub max_error_percent: f64,
    /// The greatest to the negative side; positive if all are.
    pub min_error_percent: f64,
    /// Sample standard deviation, µL; `None` for a single delivery. Of the pump: no part of the uncertainty of any one of them.
    pub sd: Option<Volume>,
    /// How many of 100 deliveries err by no more than the limit, inclusive.
    pub within_percent: f64,
    /// `None` unless it is known of every delivery.
    pub after_end: Option<AfterEnd>,
}

/// Volumes that came after the nominal end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AfterEnd {
    pub mean: Volume,
    pub max: Volume,
    /// The mean in % of the nominal volume.
    pub mean_percent: f64,
}

/// Why there is no accuracy.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DeliveriesError {
    #[error("there are no deliveries")]
    None,
    #[error("the nominal volume must be a positive number, not {0}")]
    Nominal(Volume),
    #[error("the limit for deliveries must be a number of % that is not negative, not {0}")]
    Within(f64),
    #[error("the volume of delivery {0} is not a finite number")]
    NotFinite(usize),
}

/// The figures of some deliveries of `nominal`; `within_percent` is the limit for the share that lies within it.
pub fn delivery_accuracy(deliveries: &[Delivery], nominal: Volume, within_percent: f64) -> Result<DeliveryAccuracy, DeliveriesError> {
    if !(nominal.0 > 0.0 && nominal.0.is_finite()) {
        return Err(DeliveriesError::Nominal(nominal));
    }
    if !(within_percent >= 0.0 && within_percent.is_finite()) {
        return Err(DeliveriesError::Within(within_percent));
    }
    let sound = |d: &Delivery| d.volume.0.is_finite() && d.after_end.is_none_or(|after| after.0.is_finite());
    if let Some(i) = deliveries.iter().position(|d| !sound(d)) {
        return Err(DeliveriesError::NotFinite(i + 1));
    }
    let mut tally = Tally::new(within_percent);
    deliveries.iter().for_each(|d| tally.add(100.0 * (d.volume.0 - nominal.0) / nominal.0));
    let errors = tally.point(Span::ZERO, None).ok_or(DeliveriesError::None)?;
    let in_volume = nominal.0 / 100.0;
    Ok(DeliveryAccuracy {
        n: errors.windows,
        mean: Volume(nominal.0 + errors.mean_percent * in_volume),
        mean_error_percent: errors.mean_percent,
        max_error_percent: errors.max_percent,
        min_error_percent: errors.min_percent,
        sd: tally.sd().map(|sd| Volume(sd * in_volume)),
        within_percent: errors.within_percent,
        after_end: after_end(deliveries, nominal),
    })
}

fn after_end(deliveries: &[Delivery], nominal: Volume) -> Option<AfterEnd> {
    let volumes = deliveries.iter().map(|d| d.after_end.map(|v| v.0)).collect::<Option<Vec<f64>>>()?;
    let max = volumes.iter().copied().reduce(f64::max)?;
    let mean = volumes.iter().sum::<f64>() / volumes.len() as f64;
    Some(AfterEnd { mean: Volume(mean), max: Volume(max), mean_percent: 100.0 * mean / nominal.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(volumes: &[f64]) -> Vec<Delivery> {
        volumes.iter().map(|v| Delivery { volume: Volume(*v), after_end: None }).collect()
    }

    #[track_caller]
    fn close(got: f64, expected: f64) {
        assert!((got - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{got} is not {expected}");
    }

    /// The layout of a CADD manual (SOURCES 1.5): 25 deliveries of 0.05 mL; mean 0.0508 mL, +1.6 %, from −3.0 to +4.2 %. The single volumes are
    /// not published; 23 of 50.843478… µL between the two extremes have the published mean.
    #[test]
    fn the_published_bolus_example() {
        let mut volumes = vec![48.5, 52.1];
        volumes.extend([(25.0 * 50.8 - 48.5 - 52.1) / 23.0; 23]);
        let figures = delivery_accuracy(&of(&volumes), Volume(50.0), 6.0).unwrap();
        assert_eq!((figures.n, figures.within_percent, figures.after_end), (25, 100.0, None));
        close(figures.mean.0, 50.8);
        close(figures.mean_error_percent, 1.6);
        close(figures.max_error_percent, 4.2);
        close(figures.min_error_percent, -3.0);
        assert_eq!(delivery_accuracy(&of(&volumes), Volume(50.0), 4.1).unwrap().within_percent, 96.0);
    }

    #[test]
    fn figures_of_a_few_by_hand() {
        // Errors −20, 0, +15 and +25 %: mean +5, deviations −25, −5, 10, 20, squares 625 + 25 + 100 + 400 = 1,150; 1,150/3.
        let figures = delivery_accuracy(&of(&[8.0, 10.0, 11.5, 12.5]), Volume(10.0), 15.0).unwrap();
        close(figures.mean.0, 10.5);
        close(figures.mean_error_percent, 5.0);
        close(figures.sd.unwrap().0, (1_150.0f64 / 3.0).sqrt() / 10.0);
        assert_eq!(figures.within_percent, 50.0, "the limit is inclusive");
        let one = delivery_accuracy(&of(&[9.0]), Volume(10.0), 15.0).unwrap();
        assert_eq!((one.n, one.sd), (1, None));
        close(one.max_error_percent, -10.0);
    }

    #[test]
    fn what_came_late() {
        let late = |volume, after: Option<f64>| Delivery { volume: Volume(volume), after_end: after.map(Volume) };
        let figures =
            delivery_accuracy(&[late(10.0, Some(0.9)), late(10.0, Some(1.4)), late(10.0, Some(1.0))], Volume(10.0), 15.0).unwrap();
        let after = figures.after_end.unwrap();
        close(after.mean.0, 1.1);
        close(after.mean_percent, 11.0);
        assert_eq!(after.max, Volume(1.4));
        let unknown = delivery_accuracy(&[late(10.0, Some(0.9)), late(10.0, None)], Volume(10.0), 15.0).unwrap();
        assert_eq!(unknown.after_end, None);
    }

    #[test]
    fn what_has_no_accuracy() {
        let refused = |volumes: &[f64], nominal, within| delivery_accuracy(&of(volumes), Volume(nominal), within).unwrap_err();
        assert_eq!(refused(&[], 10.0, 15.0), DeliveriesError::None);
        assert_eq!(refused(&[10.0, f64::NAN], 10.0, 15.0), DeliveriesError::NotFinite(2));
        for nominal in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(matches!(refused(&[10.0], nominal, 15.0), DeliveriesError::Nominal(_)), "{nominal}");
        }
        for within in [-1.0, f64::NAN, f64::INFINITY] {
            assert!(matches!(refused(&[10.0], 10.0, within), DeliveriesError::Within(_)), "{within}");
        }
        let late = [Delivery { volume: Volume(1.0), after_end: Some(Volume(f64::NAN)) }];
        assert_eq!(delivery_accuracy(&late, Volume(1.0), 15.0), Err(DeliveriesError::NotFinite(1)));
    }
}
