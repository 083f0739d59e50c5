//! The K-factor of a flow sensor from deliveries that were weighed: K = N/V, at the instantaneous flow at which its pulses came.
//!
//! Deliveries at one flow make a point. Its K-factor is their mean. What errs in each delivery by itself (counting, the two rests, what hangs at
//! the tip) averages out with their number, and shows in their scatter: the standard uncertainty of the mean is s/√n with n − 1 degrees of freedom,
//! and never less than what the deliveries' own budgets make of it. What the balance errs in all of them alike (its certificate, densities,
//! diameters) does not average out.

mod found;
mod pulses;

use rig_model::bench::{KCurve, KPoint};
use rig_model::budget::{Component, Distribution, Origin};
use rig_model::quantity::Flow;

use crate::agreement::CHANCE_LIMIT;
use crate::estimate::{Estimate, combine, t_factor};
use crate::gravimetry::BALANCE_ROW;
use crate::measured::Measured;
use crate::quantile::{chi_square_cdf, student_quantile};

pub use found::{AsFound, as_found};
pub use pulses::{MAX_CALIBRATION_PULSES, PulseFlow, PulseFlows};

/// A standard deviation of fewer says next to nothing: Student's factor of two deliveries is 14.
pub const MIN_DELIVERIES: usize = 3;
/// Flows that differ by no more than this are one point: a sensor's K-factor does not change by what matters over a tenth of its flow.
const ONE_POINT: f64 = 1.1;

/// One delivery that passed the sensor and was weighed.
#[derive(Debug, Clone, PartialEq)]
pub struct WeighedPulses {
    /// Forward less reverse.
    pub pulses: i64,
    /// Pulses per hour at the pulses, see [`PulseFlow`]: over K they are the flow.
    pub rates: PulseFlows,
    /// Gravimetric, in µL, with its budget.
    pub volume: Measured,
}

/// The K-factor at one flow.
#[derive(Debug, Clone, PartialEq)]
pub struct CalibratedPoint {
    /// Instantaneous flow at the pulses (the mean of the deliveries' medians), and the flows between which nine tenths of them came.
    pub flow: Flow,
    pub least: Flow,
    pub greatest: Flow,
    /// Pulses per µL.
    pub k: Measured,
    /// Which deliveries, as they were given.
    pub deliveries: Vec<usize>,
    /// Standard deviation of their K-factors, pulses/µL, and what their own budgets let expect.
    pub scatter: f64,
    pub expected_scatter: f64,
    /// How often chance makes the scatter as large as this, if the budgets are right.
    pub scatter_chance: f64,
    /// Relative standard uncertainty that all volumes of the balance have in common, whatever their size.
    pub shared: f64,
}

/// The K-factor of a sensor, point by point in the order of flow.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    points: Vec<CalibratedPoint>,
}

/// Why there is no K-factor. Deliveries count from 1.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum NotCalibrated {
    #[error("there is no delivery")]
    NoDelivery,
    #[error("delivery {0} has no sound gravimetric volume above zero with a budget")]
    Volume(usize),
    #[error("{what} of delivery {delivery} is stated by nobody: its volume has no uncertainty")]
    Unstated { delivery: usize, what: String },
    #[error("delivery {0} has no pulses, or none of them came close enough to another to tell a flow")]
    Pulses(usize),
    #[error("{n} deliveries at {flow}: a point needs {MIN_DELIVERIES} at the least")]
    TooFew { flow: Flow, n: usize },
    #[error(
        "delivery {delivery} gives {k:.5} pulses/µL and the others at its flow {others:.5}: chance makes such a difference less than once in 300. \
         Find out why, and calibrate again; nothing is left out by itself"
    )]
    Disagreement { delivery: usize, k: f64, others: f64 },
    #[error("{0} points are more than the {max} that a K-factor curve may have", max = KCurve::MAX_POINTS)]
    TooManyPoints(usize),
}

/// K-factors from deliveries, which may be in any order and at any flows.
///
/// # Errors
/// A delivery is not sound, there are too few at one flow, or one contradicts the others ([`grubbs`]).
pub fn calibrate(deliveries: &[WeighedPulses]) -> Result<Calibration, NotCalibrated> {
    for (i, delivery) in deliveries.iter().enumerate() {
        sound(i + 1, delivery)?;
    }
    let points = groups(deliveries).into_iter().map(|group| point(deliveries, group)).collect::<Result<Vec<_>, _>>()?;
    match points.len() {
        0 => Err(NotCalibrated::NoDelivery),
        n if n > KCurve::MAX_POINTS => Err(NotCalibrated::TooManyPoints(n)),
        _ => Ok(Calibration { points }),
    }
}

fn sound(number: usize, delivery: &WeighedPulses) -> Result<(), NotCalibrated> {
    let Measured { estimate, budget, .. } = &delivery.volume;
    if let Some(unstated) = delivery.volume.unstated() {
        return Err(NotCalibrated::Unstated { delivery: number, what: unstated.name.to_string() });
    }
    if !(estimate.is_sound() && estimate.value > 0.0) || budget.is_empty() {
        return Err(NotCalibrated::Volume(number));
    }
    let PulseFlows { median, least, greatest } = delivery.rates;
    let told = least > 0.0 && least <= greatest && greatest.is_finite() && median > 0.0 && median.is_finite();
    if delivery.pulses <= 0 || !told { Err(NotCalibrated::Pulses(number)) } else { Ok(()) }
}

/// Deliveries of one flow each, in the order of flow.
fn groups(deliveries: &[WeighedPulses]) -> Vec<Vec<usize>> {
    let flow = |i: usize| deliveries[i].rates.median / deliveries[i].k();
    let mut order: Vec<usize> = (0..deliveries.len()).collect();
    order.sort_by(|a, b| flow(*a).total_cmp(&flow(*b)));
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for i in order {
        match groups.last_mut() {
            Some(group) if flow(i) <= ONE_POINT * flow(group[0]) => group.push(i),
            _ => groups.push(vec![i]),
        }
    }
    groups.iter_mut().for_each(|group| group.sort_unstable());
    groups
}

fn point(all: &[WeighedPulses], group: Vec<usize>) -> Result<CalibratedPoint, NotCalibrated> {
    let own: Vec<&WeighedPulses> = group.iter().map(|i| &all[*i]).collect();
    let ks: Vec<f64> = own.iter().map(|d| d.k()).collect();
    let mean_of = |values: &dyn Fn(&WeighedPulses) -> f64| own.iter().map(|d| values(d)).sum::<f64>() / own.len() as f64;
    let flow = Flow(mean_of(&|d| d.rates.median / d.k()));
    if own.len() < MIN_DELIVERIES {
        return Err(NotCalibrated::TooFew { flow, n: own.len() });
    }
    let (n, k) = (own.len() as f64, mean_of(&WeighedPulses::k));
    let scatter = (ks.iter().map(|x| (x - k) * (x - k)).sum::<f64>() / (n - 1.0)).sqrt();
    let expected = expected(&own, k);
    let expected_scatter = expected.standard_uncertainty * n.sqrt();
    if let Some(off) = grubbs(&ks).filter(|off| (ks[*off] - k).abs() > expected_scatter) {
        let others = (k * n - ks[off]) / (n - 1.0);
        return Err(NotCalibrated::Disagreement { delivery: group[off] + 1, k: ks[off], others });
    }
    let ratio = scatter / expected_scatter;
    let scatter_chance = if expected_scatter > 0.0 { 1.0 - chi_square_cdf((n - 1.0) * ratio * ratio, n - 1.0) } else { 0.0 };

    let mut budget = vec![repeatability(k, scatter / n.sqrt(), n - 1.0, &expected)];
    let common = common(&own);
    let shared: f64 = common.iter().filter(|c| c.name != BALANCE_ROW).filter_map(Component::contribution).map(|u| u * u).sum();
    budget.extend(common);
    Ok(CalibratedPoint {
        flow,
        least: Flow(own.iter().map(|d| d.rates.least / d.k()).fold(f64::INFINITY, f64::min)),
        greatest: Flow(own.iter().map(|d| d.rates.greatest / d.k()).fold(0.0, f64::max)),
        k: expanded_part_by_part(Measured::new(k, budget)),
        deliveries: group,
        scatter,
        expected_scatter,
        scatter_chance,
        shared: shared.sqrt() / k,
    })
}

impl WeighedPulses {
    /// Pulses per µL.
    pub fn k(&self) -> f64 {
        self.pulses as f64 / self.volume.estimate.value
    }

    /// ∂K/∂V, pulses/µL per µL.
    fn to_volume(&self) -> f64 {
        -self.k() / self.volume.estimate.value
    }
}

/// The mean with what its deliveries' own budgets say of errors that each of them makes by itself. Two deliveries in a row share the rest between
/// them, which takes from the error of the mean and is left aside.
fn expected(own: &[&WeighedPulses], k: f64) -> Estimate {
    let n = own.len() as f64;
    let mut parts = Vec::new();
    for delivery in own {
        // Counting at a gate that no pulse starts: triangular, 1/√6 of a pulse.
        parts.push((1.0 / (6f64.sqrt() * delivery.volume.estimate.value * n), f64::INFINITY));
        let single = delivery.volume.budget.iter().filter(|c| !c.common);
        parts.extend(single.filter_map(|c| Some((c.contribution()? * delivery.to_volume().abs() / n, c.dof.unwrap_or(f64::INFINITY)))));
    }
    combine(k, &parts)
}

/// With U² = Σ (kᵢ·uᵢ)², each part with the factor of its own degrees of freedom. A few deliveries beside a balance that is known from elsewhere are
/// where the effective degrees of freedom of Welch and Satterthwaite promise too much: of three deliveries the interval would hold 93 %.
fn expanded_part_by_part(k: Measured) -> Measured {
    let part = |c: &Component| {
        c.contribution().map_or(f64::INFINITY, |u| if u == 0.0 { 0.0 } else { u * t_factor(c.dof.unwrap_or(f64::INFINITY)) })
    };
    let expanded = k.budget.iter().map(|c| part(c) * part(c)).sum::<f64>().sqrt();
    let u = k.estimate.standard_uncertainty;
    let factor = if u > 0.0 { (expanded / u).max(k.estimate.coverage_factor) } else { k.estimate.coverage_factor };
    Measured { estimate: Estimate { coverage_factor: factor, ..k.estimate }, ..k }
}

/// The larger of what the deliveries scatter and what they were expected to: a few may lie close together by chance.
fn repeatability(k: f64, observed: f64, dof: f64, expected: &Estimate) -> Component {
    let seen = observed > expected.standard_uncertainty;
    let (u, dof) = if seen { (observed, dof) } else { (expected.standard_uncertainty, expected.effective_dof) };
    Component {
        name: "repeatability".into(),
        estimate: k,
        unit: "pulses/µL".into(),
        distribution: Distribution::Student,
        standard_uncertainty: Some(u),
        sensitivity: 1.0,
        dof: Some(dof).filter(|dof| dof.is_finite()),
        origin: Origin::Derived,
        certificate: None,
        common: false,
        bound: None,
    }
}

/// What errs in all deliveries alike: each component once, with the mean of what it adds to the deliveries' K-factors.
fn common(own: &[&WeighedPulses]) -> Vec<Component> {
    let mut rows: Vec<Component> = Vec::new();
    for delivery in own {
        for c in delivery.volume.budget.iter().filter(|c| c.common) {
            let Some(u) = c.standard_uncertainty.filter(|u| *u > 0.0) else { continue };
            let sensitivity = delivery.to_volume() * c.sensitivity / own.len() as f64;
            match rows.iter_mut().find(|row| row.name == c.name) {
                // Another delivery may state another uncertainty of it: in terms of the first.
                Some(row) => row.sensitivity += sensitivity * u / row.standard_uncertainty.unwrap_or(u),
                None => rows.push(Component { sensitivity, bound: None, ..c.clone() }),
            }
        }
    }
    rows
}

/// Which of these values chance puts as far from their mean less than once in 300, if they come from one normal distribution (Grubbs' test, two
/// sides; ISO 5725-2, 7.3.4).
pub fn grubbs(values: &[f64]) -> Option<usize> {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let s = (values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0)).sqrt();
    let (farthest, distance) =
        values.iter().map(|x| (x - mean).abs()).enumerate().fold((0, 0.0), |most, (i, d)| if d > most.1 { (i, d) } else { most });
    (s > 0.0 && distance / s > grubbs_limit(values.len(), CHANCE_LIMIT)?).then_some(farthest)
}

/// What the largest of |x − mean|/s of n values exceeds with this probability; `None` below three.
pub fn grubbs_limit(n: usize, chance: f64) -> Option<f64> {
    let count = n as f64;
    let t = (n >= 3).then(|| student_quantile(1.0 - chance / (2.0 * count), count - 2.0))?;
    Some((count - 1.0) / count.sqrt() * (t * t / (count - 2.0 + t * t)).sqrt())
}

impl Calibration {
    /// At least one.
    pub fn points(&self) -> &[CalibratedPoint] {
        &self.points
    }

    /// One K-factor for all flows of the points: their mean, pulses/µL.
    pub fn k_factor(&self) -> f64 {
        self.points.iter().map(|p| p.k.estimate.value).sum::<f64>() / self.points.len() as f64
    }

    /// Expanded relative uncertainty in %, the largest of the points'.
    pub fn expanded_percent(&self) -> f64 {
        self.points.iter().map(|p| 100.0 * p.k.estimate.expanded() / p.k.estimate.value).fold(0.0, f64::max)
    }

    /// By how much a point strays from the one K-factor at the most, in %; `None` of a single point, which tells nothing of other flows.
    pub fn linearity_percent(&self) -> Option<f64> {
        let k = self.k_factor();
        let strays = self.points.iter().map(|p| 100.0 * (p.k.estimate.value / k - 1.0).abs());
        strays.reduce(f64::max).filter(|_| self.points.len() >= 2)
    }

    /// By how much a point between two others strays from the straight line through them at the most, in %; `None` below three points.
    pub fn curve_residual_percent(&self) -> Option<f64> {
        let stray = |three: &[CalibratedPoint]| {
            let [low, middle, high] = [0, 1, 2].map(|i| (three[i].flow.0, three[i].k.estimate.value));
            let line = low.1 + (high.1 - low.1) * (middle.0 - low.0) / (high.0 - low.0);
            100.0 * (middle.1 / line - 1.0).abs()
        };
        self.points.windows(3).map(stray).reduce(f64::max)
    }

    /// Expanded (k = 2) relative uncertainty in % that all volumes of the balance have in common. The least of the points': taking too much of it
    /// off a difference would make two results disagree that don't.
    pub fn reference_percent(&self) -> f64 {
        self.points.iter().map(|p| 200.0 * p.shared).fold(f64::INFINITY, f64::min)
    }

    /// The points as a curve; `None` of a single one, and where pulses come no faster as the flow grows.
    pub fn curve(&self) -> Option<KCurve> {
        let points: Vec<KPoint> = self.points.iter().map(|p| KPoint { flow: p.flow.0, k_factor: p.k.estimate.value }).collect();
        KCurve::new(&points)
    }
}
