//! Deliveries of several units taken together: a one-way random-effects model.
//!
//! Each unit has a mean of its own, drawn from all units of its kind, and its deliveries scatter about it. What one delivery of another
//! unit will be depends on both variances, and the few units that were tested say little about the first however often each delivered.
//!
//! Units that delivered different numbers of times are taken by their unweighted means (Thomas and Hultquist 1978): each unit counts the
//! same, and the harmonic mean of the numbers stands for the number of repeats. With equal numbers that is the usual analysis of variance.

use rig_model::verdict::Limits;

use crate::quantile::chi_square_quantile;
use crate::tolerance::{Content, NoTolerance, ToleranceInterval, mean_and_sd, tolerance_factor, tolerance_interval};

/// What one unit delivered, in the unit of the values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UnitFigures {
    pub n: usize,
    pub mean: f64,
    /// Of its own deliveries; absent for a single one.
    pub sd: Option<f64>,
    pub min: f64,
    pub max: f64,
    /// For the deliveries of this unit and no other; absent for a single delivery.
    pub tolerance: Option<ToleranceInterval>,
}

/// What all units delivered.
#[derive(Debug, Clone, PartialEq)]
pub struct Pooled {
    /// In the order in which they were given.
    pub units: Vec<UnitFigures>,
    /// Deliveries of all units.
    pub n: usize,
    /// Mean of the units' means.
    pub mean: f64,
    /// Standard deviation from unit to unit, with the part taken out that their own scatter brings about; 0 where that is all. Absent
    /// for a single unit, and where each unit delivered once, so that the two can't be told apart.
    pub between_sd: Option<f64>,
    /// Standard deviation of a unit about its own mean, the same for all by the model; absent where each unit delivered once.
    pub within_sd: Option<f64>,
    /// Standard deviation of one delivery of a random unit; absent for a single unit.
    pub total_sd: Option<f64>,
    pub min: f64,
    pub max: f64,
    /// For one delivery of a random unit; absent for a single unit, of which nothing follows for others.
    pub tolerance: Option<ToleranceInterval>,
}

/// Why values can't be pooled.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum NotPooled {
    #[error("there is no unit to pool")]
    NoUnit,
    #[error("unit {0} has no value")]
    Empty(usize),
    #[error(transparent)]
    Tolerance(#[from] NoTolerance),
}

/// Pools the values of each unit, all in one unit of measurement. The values are what was measured: an error that all deliveries of a
/// bench share, such as that of its K-factor, is in none of the standard deviations and has to be told beside them.
pub fn pool(units: &[Vec<f64>], content: Content) -> Result<Pooled, NotPooled> {
    if units.is_empty() {
        return Err(NotPooled::NoUnit);
    }
    if let Some(empty) = units.iter().position(Vec::is_empty) {
        return Err(NotPooled::Empty(empty));
    }
    let figures = units.iter().map(|values| unit_figures(values, content)).collect::<Result<Vec<_>, _>>()?;
    let sizes: Vec<usize> = figures.iter().map(|u| u.n).collect();
    let model = match figures.len() {
        1 => None,
        _ => Some(Factors::new(&sizes, content)?.evaluate(&figures)),
    };
    let n = sizes.iter().sum();
    let alone = figures[0];
    let variances = model.as_ref().map(|m| m.variances);
    Ok(Pooled {
        n,
        mean: model.as_ref().map_or(alone.mean, |m| m.mean),
        between_sd: variances.and_then(|v| v.between).map(f64::sqrt),
        within_sd: variances.map_or(alone.sd, |v| v.within.map(f64::sqrt)),
        total_sd: variances.map(|v| v.total.sqrt()),
        min: figures.iter().map(|u| u.min).fold(f64::INFINITY, f64::min),
        max: figures.iter().map(|u| u.max).fold(f64::NEG_INFINITY, f64::max),
        tolerance: model.map(|m| m.tolerance),
        units: figures,
    })
}

fn unit_figures(values: &[f64], content: Content) -> Result<UnitFigures, NoTolerance> {
    let (mean, sd) = mean_and_sd(values);
    // One value has no interval; a value that is no number is an error however many there are.
    let tolerance = match tolerance_interval(values, content) {
        Ok(interval) => Some(interval),
        Err(NoTolerance::TooFew(_)) => None,
        Err(error) => return Err(error),
    };
    let sd = (values.len() > 1).then_some(sd);
    let min = values.iter().copied().fold(f64::INFINITY, f64::min);
    let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Ok(UnitFigures { n: values.len(), mean, sd, min, max, tolerance })
}

/// Squared deviates that depend on the numbers of deliveries alone.
///
/// The interval is that of Hoffman and Kringle (J. Biopharm. Stat. 15 (2005) 283): an upper bound of the total variance by the modified
/// large-sample method, widened for the error of the mean. Three things are on the safe side of it: no variance is taken to be
/// negative; the bound's deviate for the variance between units is the one that makes the interval exact where units alone differ; and
/// the error of the mean takes that variance at its upper bound too. The original falls up to 2 % short of the confidence with many
/// deliveries of three units; this one falls short by less than 1 % in every design that `pool/coverage.rs` simulates.
struct Factors {
    units: f64,
    /// Harmonic mean of the numbers of deliveries.
    repeats: f64,
    /// Degrees of freedom within units.
    dof_within: f64,
    /// Squared, of the coverage asked for in a known distribution.
    deviate: f64,
    /// By how much of itself the estimated variance may be too small: of the units' means, and within units.
    between: f64,
    within: f64,
}

struct Evaluated {
    mean: f64,
    variances: Variances,
    tolerance: ToleranceInterval,
}

#[derive(Clone, Copy)]
struct Variances {
    between: Option<f64>,
    within: Option<f64>,
    total: f64,
}

impl Factors {
    /// For two units or more, each with one delivery or more.
    fn new(sizes: &[usize], content: Content) -> Result<Self, NoTolerance> {
        let units = sizes.len() as f64;
        let repeats = units / sizes.iter().map(|n| 1.0 / *n as f64).sum::<f64>();
        let dof_within = sizes.iter().map(|n| *n as f64 - 1.0).sum::<f64>();
        let deviate = content.two_sided_deviate() * content.two_sided_deviate();
        let k = tolerance_factor(sizes.len(), content)?;
        let between = k * k / (deviate * (1.0 + 1.0 / units)) - 1.0;
        let within = match dof_within {
            0.0 => 0.0,
            dof => dof / chi_square_quantile(1.0 - content.confidence(), dof) - 1.0,
        };
        Ok(Self { units, repeats, dof_within, deviate, between, within })
    }

    fn evaluate(&self, figures: &[UnitFigures]) -> Evaluated {
        let means: Vec<f64> = figures.iter().map(|u| u.mean).collect();
        let (mean, of_means) = mean_and_sd(&means);
        let of_means = of_means * of_means;
        let squares: f64 = figures.iter().map(|u| (u.n as f64 - 1.0) * u.sd.unwrap_or(0.0) * u.sd.unwrap_or(0.0)).sum();
        let within = if self.dof_within > 0.0 { squares / self.dof_within } else { 0.0 };
        // Means that differ less than their own scatter explains do so by chance: no variance is below zero.
        let between = (of_means - within / self.repeats).max(0.0);
        let of_means = between + within / self.repeats;
        // The variance of one delivery is that of the means and the part of the scatter that their averaging took away.
        let averaged = (1.0 - 1.0 / self.repeats) * within;
        let total = of_means + averaged;
        let (over_means, over_averaged) = (self.between * of_means, self.within * averaged);
        let bound = total + (over_means * over_means + over_averaged * over_averaged).sqrt();
        let bound_of_means = of_means + over_means;
        let share = if bound_of_means > 0.0 { bound_of_means / (bound_of_means + averaged) } else { 0.0 };
        let half = (self.deviate * (1.0 + share / self.units) * bound).sqrt();
        let told_apart = self.dof_within > 0.0;
        let variances = Variances { between: told_apart.then_some(between), within: told_apart.then_some(within), total };
        let factor = if total > 0.0 { half / total.sqrt() } else { 0.0 };
        Evaluated { mean, variances, tolerance: ToleranceInterval { lower: mean - half, upper: mean + half, factor } }
    }
}

/// How a tolerance interval lies to the limits, with the error in mind that all deliveries share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Inside the limits, also when moved by the common expanded uncertainty to either side.
    Within,
    /// Inside, but not when moved.
    Undecided,
    /// It reaches over a limit.
    Beyond,
}

/// Compares an interval with limits (inclusive; one side may be absent). `common` is the expanded uncertainty that all deliveries share:
/// no number of them makes it smaller. `None` without limits, or where a number is not finite.
pub fn standing(interval: &ToleranceInterval, common: f64, limits: Limits) -> Option<Standing> {
    let numbers = [Some(interval.lower), Some(interval.upper), Some(common), limits.lower, limits.upper];
    let none = limits.lower.is_none() && limits.upper.is_none();
    if none || common < 0.0 || !numbers.into_iter().flatten().all(f64::is_finite) {
        return None;
    }
    let inside = |by: f64| {
        limits.lower.is_none_or(|lower| interval.lower - by >= lower) && limits.upper.is_none_or(|upper| interval.upper + by <= upper)
    };
    Some(match (inside(common), inside(0.0)) {
        (true, _) => Standing::Within,
        (false, true) => Standing::Undecided,
        (false, false) => Standing::Beyond,
    })
}

#[cfg(test)]
mod coverage;

#[cfg(test)]
mod tests {
    use super::*;

    fn close(got: impl Into<Option<f64>>, expected: f64) {
        let got = got.into().expect("a figure");
        assert!((got - expected).abs() <= 1e-12 * expected.abs().max(1.0), "{got} is not {expected}");
    }

    /// Worked by hand: unit means 10, 13, 10; scatter within 2, 0, 2 (squares about the mean), so 4/3 with 3 degrees of freedom.
    #[test]
    fn the_variances_of_a_small_table() {
        let pooled = pool(&[vec![9.0, 11.0], vec![13.0, 13.0], vec![11.0, 9.0]], Content::P95_C95).unwrap();
        assert_eq!((pooled.n, pooled.units.len(), pooled.min, pooled.max), (6, 3, 9.0, 13.0));
        close(pooled.mean, 11.0);
        close(pooled.within_sd, (4.0f64 / 3.0).sqrt());
        // Means: variance 3; less 4/3 over 2 repeats.
        close(pooled.between_sd, (3.0f64 - 2.0 / 3.0).sqrt());
        close(pooled.total_sd, (3.0f64 - 2.0 / 3.0 + 4.0 / 3.0).sqrt());
        close(pooled.units[0].sd, 2f64.sqrt());
        assert_eq!((pooled.units[1].mean, pooled.units[1].sd), (13.0, Some(0.0)));
    }

    #[test]
    fn units_that_differ_less_than_their_scatter_explains() {
        let pooled = pool(&[vec![9.0, 11.0], vec![11.0, 9.0]], Content::P95_C95).unwrap();
        close(pooled.between_sd, 0.0);
        close(pooled.within_sd, 2f64.sqrt());
        close(pooled.total_sd, 2f64.sqrt());
    }

    /// Where each unit delivers once, they are a plain sample, and the interval is the exact one.
    #[test]
    fn one_delivery_each_is_a_plain_sample() {
        let values = [9.0, 10.5, 11.0, 9.7];
        let pooled = pool(&values.map(|v| vec![v]), Content::P95_C95).unwrap();
        let (plain, together) = (tolerance_interval(&values, Content::P95_C95).unwrap(), pooled.tolerance.unwrap());
        close(together.lower, plain.lower);
        close(together.upper, plain.upper);
        close(together.factor, plain.factor);
        assert_eq!((pooled.between_sd, pooled.within_sd, pooled.units[0].tolerance), (None, None, None));
        close(pooled.total_sd, mean_and_sd(&values).1);
    }

    /// Repeats of the same few units don't narrow the interval to what repeats of many units would.
    #[test]
    fn repeats_do_not_stand_for_units() {
        let units = |n: usize| {
            let scatter = |i: usize| if i.is_multiple_of(2) { 0.01 } else { -0.01 };
            [9.0, 10.0, 11.0].map(|mean| (0..n).map(|i| mean + scatter(i)).collect::<Vec<_>>())
        };
        let width = |n| {
            let interval = pool(&units(n), Content::P95_C95).unwrap().tolerance.unwrap();
            interval.upper - interval.lower
        };
        let exact = tolerance_factor(3, Content::P95_C95).unwrap();
        for n in [2, 20, 200] {
            assert!((width(n) / (2.0 * exact) - 1.0).abs() < 0.001, "{n}: {}", width(n));
        }
    }

    #[test]
    fn one_unit_says_nothing_of_others() {
        let pooled = pool(&[vec![9.0, 10.0, 11.0]], Content::P95_C95).unwrap();
        assert_eq!((pooled.tolerance, pooled.between_sd, pooled.total_sd), (None, None, None));
        assert_eq!((pooled.mean, pooled.within_sd), (10.0, Some(1.0)));
        assert!(pooled.units[0].tolerance.is_some(), "of its own deliveries it does");
    }

    #[test]
    fn what_is_no_sample_is_refused() {
        assert_eq!(pool(&[], Content::P95_C95), Err(NotPooled::NoUnit));
        assert_eq!(pool(&[vec![1.0], vec![]], Content::P95_C95), Err(NotPooled::Empty(1)));
        for bad in [f64::NAN, f64::INFINITY] {
            for units in [vec![vec![1.0, 2.0], vec![bad]], vec![vec![bad]]] {
                let refused = pool(&units, Content::P95_C95);
                assert!(matches!(refused, Err(NotPooled::Tolerance(NoTolerance::NoNumber { .. }))), "{refused:?}");
            }
        }
    }

    #[test]
    fn a_common_error_moves_the_whole_interval() {
        let interval = ToleranceInterval { lower: 9.5, upper: 10.5, factor: 3.0 };
        let both = |lower, upper| Limits { lower: Some(lower), upper: Some(upper) };
        let at_most = Limits { lower: None, upper: Some(10.5) };
        for (common, limits, expected) in [
            (0.0, both(9.5, 10.5), Some(Standing::Within)),
            (0.25, both(9.25, 10.75), Some(Standing::Within)),
            (0.25, both(9.26, 10.75), Some(Standing::Undecided)),
            (0.0, both(9.5, 10.4), Some(Standing::Beyond)),
            (0.0, at_most, Some(Standing::Within)),
            (0.1, at_most, Some(Standing::Undecided)),
            (0.0, Limits::default(), None),
            (f64::NAN, at_most, None),
            (f64::INFINITY, at_most, None),
            (-1.0, at_most, None),
        ] {
            assert_eq!(standing(&interval, common, limits), expected, "{common} {limits:?}");
        }
    }
}
