//! A measured value with its budget: what it rests on, combined after the GUM.

use std::borrow::Cow;

use rig_model::Name;
use rig_model::budget::{Component, Distribution, Origin};
use rig_model::verdict::Family;

use crate::estimate::{Estimate, combine, exact};
use crate::quantile::{COVERAGE, family_coverage_factor};

/// The chance that a normal error exceeds +2 standard deviations: what k = 2 leaves beyond one limit.
const ONE_SIDED_RISK: f64 = (1.0 - COVERAGE) / 2.0;

/// An estimate and the components that it was combined from.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    pub estimate: Estimate,
    pub budget: Vec<Component>,
    /// Where the value is the extreme of many.
    pub family: Option<Family>,
}

impl Measured {
    /// Combines the components in squares, with effective degrees of freedom after Welch–Satterthwaite. If one of them is not stated the
    /// uncertainty of the value is infinite, see [`Self::unstated`].
    pub fn new(value: f64, budget: Vec<Component>) -> Self {
        let stated: Option<Vec<(f64, f64)>> = budget.iter().map(|c| Some((c.contribution()?, c.dof.unwrap_or(f64::INFINITY)))).collect();
        let estimate = match stated {
            Some(contributions) => combine(value, &contributions),
            None => Estimate::new(value, f64::INFINITY, f64::INFINITY),
        };
        Self { estimate, budget, family: None }
    }

    /// The first component of which nobody states the uncertainty.
    pub fn unstated(&self) -> Option<&Component> {
        self.budget.iter().find(|c| c.contribution().is_none())
    }

    /// The same for the extreme of `members` values of one family, such as the fullest of many windows.
    ///
    /// An extreme picks the errors out that point its way. What errs in all members alike can't be picked: it keeps its factor k. What errs
    /// in each by itself is taken with the factor that spreads the risk over all members (Bonferroni, which holds however the members hang
    /// together), or with its bound where that is less, and is added as it is: of many members one is sure to come near it.
    pub fn extreme_of(self, members: u64) -> Self {
        if members <= 1 || !self.estimate.is_sound() || self.estimate.standard_uncertainty == 0.0 {
            return self;
        }
        let group = |common: bool| {
            let members = self.budget.iter().filter(|c| c.common == common);
            let contributions = members.filter_map(|c| Some((c.contribution()?, c.dof.unwrap_or(f64::INFINITY))));
            combine(0.0, &contributions.collect::<Vec<_>>())
        };
        let (common, single) = (group(true), group(false));
        let bounds: Option<f64> = self.budget.iter().filter(|c| !c.common && c.contribution() != Some(0.0)).map(|c| c.bound).sum();
        let spread = family_coverage_factor(single.effective_dof, COVERAGE, members) * single.standard_uncertainty;
        let (single, risk) = match bounds {
            Some(bound) if bound <= spread => (bound, ONE_SIDED_RISK),
            _ => (spread, 2.0 * ONE_SIDED_RISK),
        };
        let expanded = common.expanded() + single;
        // Never less than for one value alone.
        let expanded = expanded.max(self.estimate.expanded());
        let estimate = Estimate { coverage_factor: expanded / self.estimate.standard_uncertainty, ..self.estimate };
        Self { estimate, family: Some(Family { members, risk }), ..self }
    }

    /// The value divided by a number that is known exactly, or far better than all else; its budget with it.
    pub(crate) fn per(self, divisor: f64) -> Self {
        let scaled = |c: Component| Component { sensitivity: c.sensitivity / divisor, bound: c.bound.map(|b| b / divisor.abs()), ..c };
        let sound = self.estimate.is_sound();
        Self::new(self.estimate.value / divisor, self.budget.into_iter().map(scaled).collect()).only_if(sound)
    }

    /// With one more component.
    pub fn with(self, component: Component) -> Self {
        let sound = self.estimate.is_sound();
        let mut budget = self.budget;
        budget.push(component);
        Self::new(self.estimate.value, budget).only_if(sound)
    }

    /// The difference to a value that is known exactly, such as what the pump says of itself.
    pub fn taken_from(self, exact: f64) -> Self {
        let turned = |c: Component| Component { sensitivity: -c.sensitivity, ..c };
        let sound = self.estimate.is_sound();
        Self::new(exact - self.estimate.value, self.budget.into_iter().map(turned).collect()).only_if(sound)
    }

    /// By how much it is above a value that is known exactly, such as what was allowed.
    pub fn above(self, exact: f64) -> Self {
        let sound = self.estimate.is_sound();
        Self::new(self.estimate.value - exact, self.budget).only_if(sound)
    }

    /// What an instrument can't vouch for has an infinite uncertainty and no row that would say so: nothing that is computed from it is better.
    pub(crate) fn only_if(self, sound: bool) -> Self {
        if sound { self } else { Self { estimate: Estimate::new(self.estimate.value, f64::INFINITY, f64::INFINITY), ..self } }
    }
}

/// An estimate by itself, such as a count that is known for certain.
impl From<Estimate> for Measured {
    fn from(estimate: Estimate) -> Self {
        Self { estimate, budget: Vec::new(), family: None }
    }
}

/// A value that is known for certain, such as a count of alarms.
pub fn certain(value: f64) -> Measured {
    exact(value).into()
}

/// A row of a budget that lies within ± `half_width` of its estimate 0, each value as likely as the other.
pub(crate) fn rectangular(
    name: impl Into<Cow<'static, str>>,
    half_width: f64,
    unit: &'static str,
    sensitivity: f64,
    origin: Origin,
) -> Component {
    Component {
        name: name.into(),
        estimate: 0.0,
        unit: unit.into(),
        distribution: Distribution::Rectangular,
        standard_uncertainty: Some(half_width / 3f64.sqrt()),
        sensitivity,
        dof: None,
        origin,
        certificate: None,
        common: false,
        bound: Some(half_width * sensitivity.abs()),
    }
}

/// A row of a budget that a certificate states: its expanded uncertainty with k = 2.
pub(crate) fn certified(
    name: &'static str,
    estimate: f64,
    unit: &'static str,
    expanded: Option<f64>,
    sensitivity: f64,
    certificate: Option<&Name>,
) -> Component {
    Component {
        name: name.into(),
        estimate,
        unit: unit.into(),
        distribution: Distribution::Normal,
        standard_uncertainty: expanded.map(|u| u / 2.0),
        sensitivity,
        dof: None,
        origin: if certificate.is_some() { Origin::Certificate } else { Origin::Datasheet },
        certificate: certificate.cloned(),
        common: true,
        bound: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(u: f64, common: bool, bound: Option<f64>) -> Component {
        Component { common, bound, ..certified("x", 0.0, "µL", Some(2.0 * u), 1.0, None) }
    }

    #[test]
    fn components_combine_with_their_sensitivities() {
        let one = Component { sensitivity: -2.0, ..normal(1.5, true, None) };
        let measured = Measured::new(7.0, vec![one, normal(4.0, false, None)]);
        assert_eq!(measured.estimate, Estimate::new(7.0, 5.0, f64::INFINITY));
        assert_eq!(measured.clone().taken_from(10.0).estimate, Estimate::new(3.0, 5.0, f64::INFINITY));
        assert_eq!(measured.per(2.0).estimate, Estimate::new(3.5, 2.5, f64::INFINITY));
    }

    #[test]
    fn degrees_of_freedom_after_welch_and_satterthwaite() {
        // GUM G.4.1 by hand: u = (3, 4), ν = (5, ∞): 5⁴ / (3⁴/5) = 38.58.
        let few = Component { dof: Some(5.0), ..normal(3.0, false, None) };
        let measured = Measured::new(0.0, vec![few, normal(4.0, true, None)]);
        assert!((measured.estimate.effective_dof - 625.0 / 16.2).abs() < 1e-12);
    }

    #[test]
    fn what_nobody_states_is_named_and_makes_the_uncertainty_infinite() {
        let unknown = Component { standard_uncertainty: None, ..normal(1.0, true, None) };
        let measured = Measured::new(7.0, vec![normal(1.0, true, None), unknown.clone()]);
        assert!(measured.estimate.standard_uncertainty.is_infinite() && !measured.estimate.is_sound());
        assert_eq!(measured.unstated(), Some(&unknown));
        // A value that does not depend on it: nothing came, whatever the K-factor.
        let nothing = Measured::new(0.0, vec![Component { sensitivity: 0.0, ..unknown }]);
        assert_eq!((nothing.unstated(), nothing.estimate.standard_uncertainty), (None, 0.0));
    }

    #[test]
    fn an_extreme_picks_single_errors_but_not_common_ones() {
        let of = |members, single: f64, bound| {
            Measured::new(0.0, vec![normal(3.0, true, None), normal(single, false, bound)]).extreme_of(members).estimate.expanded()
        };
        assert_eq!(of(1, 4.0, None), 10.0);
        // Φ⁻¹(1 − 0.0227501319/1000) as Python's statistics.NormalDist().inv_cdf gives it.
        assert!((of(1_000, 4.0, None) - (6.0 + 4.0 * 4.077_613_788)).abs() < 1e-7, "{}", of(1_000, 4.0, None));
        // Bounded by 5: no window can be further off.
        assert!((of(1_000, 4.0, Some(5.0)) - 11.0).abs() < 1e-12);
        assert!(of(2, 4.0, None) > 10.0);
        assert_eq!(of(1_000_000, 0.0, None), 6.0);
    }
}
