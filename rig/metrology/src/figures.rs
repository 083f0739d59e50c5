//! Budgets of the figures by which pumps are known: errors in %, shares, spreads, several deliveries, compliance.

use std::borrow::Cow;

use rig_model::budget::{Component, Origin};

use crate::estimate::Estimate;
use crate::measured::{Measured, rectangular};
use crate::sensor::{FlowMeter, clock};

impl Measured {
    /// The error in % against what it should be: 100 (value − `expected`)/`expected`, with the budget in %. `expected` is known exactly and not 0.
    pub fn percent_error(self, expected: f64) -> Self {
        let value = 100.0 * (self.estimate.value / expected - 1.0);
        let sound = self.estimate.is_sound();
        Self::new(value, self.per(expected / 100.0).budget).only_if(sound)
    }

    /// Less another value. Nothing that both have in common is taken to cancel: for two values of one instrument, which errs the same way in
    /// both, that is more than the true uncertainty, and never less. The rows of the other are named after `whose`.
    pub fn less(self, other: Self, whose: &str) -> Self {
        let value = self.estimate.value - other.estimate.value;
        // Such as a reading beyond its instrument's range: a value that nothing vouches for, without a budget that would say so.
        let unfounded = |m: &Self| !m.estimate.is_sound() && m.unstated().is_none();
        if unfounded(&self) || unfounded(&other) {
            return Estimate::new(value, f64::INFINITY, f64::INFINITY).into();
        }
        let mut budget = self.budget;
        let turned = |c: Component| Component { name: Cow::Owned(format!("{whose}: {}", c.name)), sensitivity: -c.sensitivity, ..c };
        budget.extend(other.budget.into_iter().map(turned));
        Self::new(value, budget)
    }
}

/// A row of the budget of a time: an instant that is known to within ± `half_width_s`.
pub fn instant(name: &'static str, half_width_s: f64) -> Component {
    rectangular(name, half_width_s, "s", 1.0, Origin::Derived)
}

/// A row of the budget of a volume: what may have flowed within ± `half_width_s` around the instant that divides it, at `flow` in µL/s.
pub fn divided_at(name: &'static str, half_width_s: f64, flow: f64) -> Component {
    rectangular(name, half_width_s, "s", flow, Origin::Derived)
}

/// A row of the budget of a reading that stands for a later instant: it may have changed by this much since, in kPa.
pub fn aged(change: f64) -> Component {
    rectangular("age of the reading", change.abs(), "kPa", 1.0, Origin::Derived)
}

/// How much a clock goes fast against the rig's, in %: it told `told_s` from one instant to another that lie `elapsed_s` apart, each known to
/// within ± its half width in s. `None` where no time passed.
pub fn clock_error(told_s: f64, elapsed_s: f64, half_widths_s: (f64, f64), clock_ppm: f64) -> Option<Measured> {
    let ratio = (elapsed_s > 0.0).then(|| told_s / elapsed_s)?;
    let per_second = 100.0 * ratio / elapsed_s;
    let at = |name, half_width| rectangular(name, half_width, "s", per_second, Origin::Derived);
    let budget = vec![at("first status", half_widths_s.0), at("last status", half_widths_s.1), clock(clock_ppm, 100.0 * ratio)];
    Some(Measured::new(100.0 * (ratio - 1.0), budget))
}

/// How many of 100 values lie within a limit, if `low` of 100 surely do, by their uncertainties, and `high` of 100 may.
pub fn share(at: f64, low: f64, high: f64) -> Measured {
    let half_width = (at - low).max(high - at).max(0.0);
    Measured::new(at, vec![rectangular("values near the limit", half_width, "%", 1.0, Origin::Derived)])
}

/// The sample standard deviation in % of n ≥ 2 errors in %, each of which counting may have moved by up to `counting_percent`.
///
/// A standard deviation is a seminorm: errors within ± b move it by no more than b √(n/(n − 1)). What errs in the K-factor scales it.
pub fn spread(sd_percent: f64, n: u64, counting_percent: f64, meter: &FlowMeter<'_>, k_factor: f64) -> Measured {
    let n = n.max(2) as f64;
    let mut budget = vec![rectangular("counting", counting_percent * (n / (n - 1.0)).sqrt(), "%", 1.0, Origin::Derived)];
    meter.relative(sd_percent, k_factor, &mut budget);
    Measured::new(sd_percent, budget)
}

/// The mean of values that were measured one after another by one instrument. What errs in each by itself averages out over them; what is
/// common to all doesn't. `None` for no values, or if their budgets are not made of the same rows.
pub fn mean_of(values: &[Measured]) -> Option<Measured> {
    let first = values.first()?;
    let n = values.len() as f64;
    if values.iter().any(|v| v.budget.len() != first.budget.len()) {
        return None;
    }
    let row = |(i, c): (usize, &Component)| {
        let rows = || values.iter().map(|v| &v.budget[i]);
        if rows().any(|r| r.name != c.name || r.common != c.common || r.standard_uncertainty.is_some() != c.standard_uncertainty.is_some())
        {
            return None;
        }
        // In units of the first row's uncertainty, which is that of all rows of one instrument.
        let u = c.standard_uncertainty.filter(|u| *u > 0.0);
        let weight = |r: &Component| u.zip(r.standard_uncertainty).map_or(r.sensitivity, |(u, own)| r.sensitivity * own / u);
        let sensitivity =
            if c.common { rows().map(weight).sum::<f64>() / n } else { rows().map(|r| weight(r) * weight(r)).sum::<f64>().sqrt() / n };
        let bound = rows().map(|r| r.bound).sum::<Option<f64>>().map(|b| b / n);
        Some(Component { sensitivity, bound, ..c.clone() })
    };
    let budget: Option<Vec<Component>> = first.budget.iter().enumerate().map(row).collect();
    let mean = values.iter().map(|v| v.estimate.value).sum::<f64>() / n;
    Some(Measured::new(mean, budget?))
}

/// Why there is no compliance.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum ComplianceError {
    #[error("the pressure fell by {fall_kpa:.2} kPa, which is not more than its uncertainty of {uncertainty_kpa:.2} kPa")]
    NoFall { fall_kpa: f64, uncertainty_kpa: f64 },
}

/// Compliance in µL/kPa of what let out `volume` while its pressure fell from `before` to `after`: V/(P_before − P_after).
///
/// A fall that its own uncertainty may explain is none: the quotient would be any number. Errors that both pressures have in common are not
/// taken to cancel.
pub fn compliance(volume: Measured, before: Measured, after: Measured) -> Result<Measured, ComplianceError> {
    let fall = before.less(after, "after");
    let (fall_kpa, uncertainty_kpa) = (fall.estimate.value, fall.estimate.expanded());
    // So that a fall that is no number is refused; one of which nobody states the uncertainty is kept, and judged as such.
    let known = uncertainty_kpa.is_finite() || fall.unstated().is_some();
    if !(fall_kpa > 0.0 && known) || (uncertainty_kpa.is_finite() && fall_kpa <= uncertainty_kpa) {
        return Err(ComplianceError::NoFall { fall_kpa, uncertainty_kpa });
    }
    let value = volume.estimate.value / fall_kpa;
    let per_fall = |c: Component| Component {
        sensitivity: -c.sensitivity * value / fall_kpa,
        bound: c.bound.map(|b| b * value.abs() / fall_kpa),
        name: Cow::Owned(format!("pressure: {}", c.name)),
        ..c
    };
    let mut budget = volume.per(fall_kpa).budget;
    budget.extend(fall.budget.into_iter().map(per_fall));
    Ok(Measured::new(value, budget))
}

#[cfg(test)]
mod tests {
    use rig_model::bench::PressureSensor;
    use rig_model::quantity::Pressure;
    use rig_model::time::Span;

    use super::*;
    use crate::sensor::tests::sensor;
    use crate::sensor::{Gate, Pulses, pressure};

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-12 * b.abs().max(1.0)
    }

    fn volume(pulses: u64) -> Measured {
        let sensor = sensor(10.0, 1.0);
        let meter = FlowMeter { sensor: &sensor, certificate: None, clock_ppm: 0.0 };
        meter.volume(Pulses::counted(pulses, 0, &sensor), Gate::Free, Span::hours(1))
    }

    fn u(m: &Measured, name: &str) -> f64 {
        m.budget.iter().find(|c| c.name == name).unwrap().contribution().unwrap()
    }

    #[test]
    fn a_clock_is_known_as_well_as_its_link_answers() {
        // 1,000.1 s told in 1,000 s: +0.01 %. 0.3 s and 0.4 s over 1,000 s: √(0.09/3 + 0.16/3) · 0.1 %/s; the rig's own clock ±20 ppm.
        let told = clock_error(1_000.1, 1_000.0, (0.3, 0.4), 20.0).unwrap();
        assert!((told.estimate.value - 0.01).abs() < 1e-12);
        let stamps = 0.100_01 * (0.25f64 / 3.0).sqrt();
        let clock = 100.01 * 20e-6 / 3f64.sqrt();
        assert!(close(told.estimate.standard_uncertainty, stamps.hypot(clock)));
        assert_eq!(clock_error(1.0, 0.0, (0.0, 0.0), 20.0), None);
    }

    #[test]
    fn an_error_in_percent_has_its_budget_in_percent() {
        // 1,020 pulses of 0.1 µL where 100 µL were asked for: +2 %; K-factor 0.51 µL, counting 0.0408 µL, of 100 µL.
        let error = volume(1_020).percent_error(100.0);
        assert!(close(error.estimate.value, 2.0));
        assert!(close(u(&error, "K-factor"), 0.51) && close(u(&error, "counting"), 0.1 / 6f64.sqrt()));
    }

    #[test]
    fn the_error_of_what_nothing_vouches_for_is_vouched_for_by_nothing() {
        let beyond = Measured::from(Estimate::new(300.0, f64::INFINITY, f64::INFINITY));
        assert!(!beyond.clone().percent_error(100.0).estimate.is_sound());
        assert!(!beyond.percent_error(100.0).with(instant("opened", 0.1)).estimate.is_sound());
    }

    #[test]
    fn what_an_end_of_a_delivery_holds_back_does_not_average_out() {
        let accuracy = rig_model::bench::Accuracy { start_stop: rig_model::quantity::Volume(0.2), ..Default::default() };
        let sensor = rig_model::bench::FlowSensor { accuracy, ..sensor(10.0, 1.0) };
        let meter = FlowMeter { sensor: &sensor, certificate: None, clock_ppm: 0.0 };
        let one = meter.volume(Pulses::counted(1_000, 0, &sensor), Gate::Free, Span::hours(1));
        assert!(close(u(&mean_of(&vec![one; 25]).unwrap(), "start and stop"), 0.2 / 3f64.sqrt()));
    }

    #[test]
    fn over_many_deliveries_counting_averages_out_and_the_k_factor_does_not() {
        let mean = mean_of(&vec![volume(1_000); 25]).unwrap();
        assert_eq!(mean.estimate.value, 100.0);
        assert!(close(u(&mean, "counting"), 0.1 / 6f64.sqrt() / 5.0));
        assert!(close(u(&mean, "K-factor"), 0.5));
        // Of unequal ones: K-factor by the mean.
        assert!(close(u(&mean_of(&[volume(500), volume(1_500)]).unwrap(), "K-factor"), 0.5));
        assert_eq!(mean_of(&[]), None);
        assert_eq!(mean_of(&[volume(1), crate::certain(1.0)]), None, "not of one instrument");
    }

    #[test]
    fn a_share_reaches_from_what_surely_lies_inside_to_what_may() {
        let measured = share(80.0, 70.0, 85.0);
        assert_eq!(measured.estimate.value, 80.0);
        assert!(close(measured.estimate.standard_uncertainty, 10.0 / 3f64.sqrt()));
        assert!(measured.estimate.expanded() > 10.0, "with k = 2 it covers all of it");
        assert_eq!(share(100.0, 100.0, 100.0).estimate.expanded(), 0.0);
    }

    #[test]
    fn a_spread_is_moved_by_counting_and_scaled_by_the_k_factor() {
        let sensor = sensor(10.0, 1.0);
        let meter = FlowMeter { sensor: &sensor, certificate: None, clock_ppm: 0.0 };
        let sd = spread(4.0, 2, 0.5, &meter, 10.0);
        assert!(close(u(&sd, "counting"), 0.5 * 2f64.sqrt() / 3f64.sqrt()) && close(u(&sd, "K-factor"), 0.02));
    }

    #[test]
    fn compliance_by_hand() {
        let gauge =
            PressureSensor { uncertainty: Some(Pressure(0.5)), resolution: Pressure(0.0), min: Pressure(-10.0), max: Pressure(200.0) };
        let p = |kpa| pressure(kpa, &gauge, None);
        // 9 µL out of 61 kPa down to 1 kPa: 0.15 µL/kPa.
        let c = compliance(volume(90), p(61.0), p(1.0)).unwrap();
        assert!(close(c.estimate.value, 0.15));
        // Counting 0.0408 µL and K-factor 0.045 µL over 60 kPa; each pressure 0.25 kPa times 0.15/60.
        let expected = (1.0f64 / 600.0 + 0.045 * 0.045).sqrt() / 60.0;
        let expected = expected.hypot(0.25 * 2f64.sqrt() * 0.15 / 60.0);
        assert!(close(c.estimate.standard_uncertainty, expected), "{} {expected}", c.estimate.standard_uncertainty);
        // Less a blank of the same: nothing is left, and nothing cancels.
        let none = c.clone().less(c, "blank");
        assert!(none.estimate.value == 0.0 && close(none.estimate.standard_uncertainty, expected * 2f64.sqrt()));
        assert_eq!(none.budget.len(), 8);
        for (before, after) in [(1.0, 61.0), (30.0, 30.0), (30.6, 30.0), (f64::NAN, 1.0), (61.0, f64::NAN), (300.0, 1.0)] {
            assert!(compliance(volume(90), p(before), p(after)).is_err(), "{before} {after}");
        }
    }
}
