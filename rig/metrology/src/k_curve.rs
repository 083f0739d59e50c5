//! K-factors that change with the flow: interpolation between the points of a certificate, and the volume of pulses that came at many flows.

use rig_model::bench::{FlowSensor, KCurve, KPoint};
use rig_model::input::Sense;
use rig_model::time::{RigTime, Span};

/// The K-factor at this instantaneous flow in µL/h, on the straight line between the two points around it; `None` outside the points.
pub fn k_factor_at(curve: &KCurve, flow: f64) -> Option<f64> {
    let points = curve.points();
    let above = points.iter().position(|p| p.flow >= flow)?;
    let high = points[above];
    if high.flow == flow {
        return Some(high.k_factor);
    }
    let low = points[above.checked_sub(1)?];
    Some(low.k_factor + (high.k_factor - low.k_factor) * (flow - low.flow) / (high.flow - low.flow))
}

/// The K-factor at the flow that gives this many pulses per hour; outside the points the flow as the nearest one tells it.
///
/// On the straight line K = a + b·Q through two points the rate r = K·Q is a parabola in Q, and rises (`KCurve` sees to that): its root is
/// taken in the form that does not cancel.
fn k_factor_of_rate(curve: &KCurve, rate: f64) -> Result<f64, f64> {
    let points = curve.points();
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return Err(f64::NAN) };
    let rate_at = |p: &KPoint| p.flow * p.k_factor;
    if rate < rate_at(first) {
        return Err(rate / first.k_factor);
    }
    let Some(high) = points.iter().position(|p| rate_at(p) >= rate) else { return Err(rate / last.k_factor) };
    let (low, high) = (points[high.saturating_sub(1)], points[high]);
    if high.flow == low.flow {
        return Ok(high.k_factor);
    }
    let b = (high.k_factor - low.k_factor) / (high.flow - low.flow);
    let a = low.k_factor - b * low.flow;
    let flow = 2.0 * rate / (a + (a * a + 4.0 * b * rate).max(0.0).sqrt());
    Ok(a + b * flow)
}

/// A K-factor with which a volume can be computed; NaN for anything else, so that no number comes out.
pub(crate) fn usable(k_factor: f64) -> f64 {
    if k_factor > 0.0 && k_factor.is_finite() { k_factor } else { f64::NAN }
}

/// Follows the pulses of one sensor to find the K-factor that stands for all of them: pulses over the sum of their volumes, each at the
/// flow that its interval to a neighbour in the same stroke tells. A pulse without a neighbour tells no flow and takes the others' mean.
///
/// Of a sensor with a single K-factor that one comes out, exactly.
#[derive(Debug, Clone)]
pub struct EffectiveK {
    curve: KCurve,
    nominal: f64,
    /// µL/h.
    min_flow: f64,
    gap: Span,
    /// Latest pulse, and whether it still waits for a neighbour.
    last: Option<(RigTime, bool)>,
    pulses: u64,
    volume: f64,
    outside: u64,
    slowest: f64,
    fastest: f64,
}

impl EffectiveK {
    pub fn new(sensor: &FlowSensor) -> Self {
        Self {
            curve: sensor.curve,
            nominal: sensor.k_factor,
            min_flow: sensor.min_flow,
            gap: sensor.stroke_gap,
            last: None,
            pulses: 0,
            volume: 0.0,
            outside: 0,
            slowest: f64::INFINITY,
            fastest: 0.0,
        }
    }

    /// The next pulse, in time order. What comes back is not told apart: it passes the same rotor.
    pub fn push(&mut self, at: RigTime, sense: Sense) {
        let nothing_to_follow = self.curve.points().is_empty() && self.min_flow == 0.0;
        if nothing_to_follow || matches!(sense, Sense::On | Sense::Off) {
            return;
        }
        let waited = match self.last {
            Some((last, waits)) if at - last <= self.gap && at > last => {
                let interval = at - last;
                self.at_interval(interval, if waits { 2 } else { 1 });
                false
            }
            _ => true,
        };
        self.last = Some((at, waited));
    }

    /// Pulses per µL, for all pulses so far.
    pub fn k_factor(&self) -> f64 {
        if self.pulses == 0 { self.nominal } else { self.pulses as f64 / self.volume }
    }

    /// Pulses that came at a flow for which there is no K-factor (beyond the curve, or slower than the sensor's range), and the slowest and fastest flow of all, in µL/h; `None` if all lie inside.
    pub fn outside(&self) -> Option<(u64, f64, f64)> {
        (self.outside > 0).then_some((self.outside, self.slowest, self.fastest))
    }

    fn at_interval(&mut self, interval: Span, pulses: u64) {
        let rate = 1.0 / interval.as_hours();
        let found = if self.curve.points().is_empty() { Ok(self.nominal) } else { k_factor_of_rate(&self.curve, rate) };
        let found = found.and_then(|k| if rate / k < self.min_flow { Err(rate / k) } else { Ok(k) });
        match found {
            Ok(k) => {
                self.pulses += pulses;
                self.volume += pulses as f64 / k;
            }
            Err(flow) => {
                (self.slowest, self.fastest) = (self.slowest.min(flow), self.fastest.max(flow));
                self.outside += pulses;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    fn curve() -> KCurve {
        let points = [(100.0, 8.0), (1_000.0, 10.0), (10_000.0, 10.5)];
        KCurve::new(&points.map(|(flow, k_factor)| KPoint { flow, k_factor })).unwrap()
    }

    #[test]
    fn a_curve_holds_between_its_points_and_nowhere_else() {
        for (flow, k) in
            [(100.0, Some(8.0)), (550.0, Some(9.0)), (1_000.0, Some(10.0)), (10_000.0, Some(10.5)), (99.9, None), (10_000.1, None)]
        {
            assert_eq!(k_factor_at(&curve(), flow), k, "{flow}");
        }
        assert_eq!(k_factor_at(&curve(), f64::NAN), None);
        assert_eq!(k_factor_at(&KCurve::default(), 100.0), None);
    }

    #[test]
    fn what_is_no_curve_is_refused() {
        let points = |points: &[(f64, f64)]| {
            KCurve::new(&points.iter().map(|(flow, k_factor)| KPoint { flow: *flow, k_factor: *k_factor }).collect::<Vec<_>>())
        };
        for bad in [
            &[(1.0, 1.0)][..],
            &[],
            &[(1.0, 1.0), (1.0, 2.0)],
            &[(2.0, 1.0), (1.0, 1.0)],
            &[(1.0, 0.0), (2.0, 1.0)],
            &[(1.0, f64::NAN), (2.0, 1.0)],
        ] {
            assert!(points(bad).is_none(), "{bad:?}");
        }
        // Twice the flow at half the pulses: a rate would tell no flow.
        assert!(points(&[(100.0, 10.0), (200.0, 5.0)]).is_none());
        assert!(points(&(1..=17).map(|i| (f64::from(i), 1.0)).collect::<Vec<_>>()).is_none());
    }

    fn followed(pulses: &[(i64, Sense)]) -> EffectiveK {
        let sensor = FlowSensor { curve: curve(), stroke_gap: Span::seconds(20), ..crate::sensor::tests::sensor(10.0, 1.0) };
        let mut k = EffectiveK::new(&sensor);
        pulses.iter().for_each(|(at, sense)| k.push(RigTime(*at), *sense));
        k
    }

    /// The time in ns from pulse to pulse at this flow and K-factor.
    fn interval(flow: f64, k: f64) -> i64 {
        (3.6e12 / (flow * k)).round() as i64
    }

    #[test]
    fn the_k_factor_is_that_of_the_flow() {
        for (flow, k) in [(100.5, 8.0 + 0.5 / 450.0), (550.0, 9.0), (5_500.0, 10.25)] {
            let step = interval(flow, k);
            let followed = followed(&(0..20).map(|i| (i * step, Sense::Forward)).collect::<Vec<_>>());
            assert!((followed.k_factor() / k - 1.0).abs() < 1e-9, "{flow}: {}", followed.k_factor());
            assert_eq!(followed.outside(), None);
        }
    }

    #[test]
    fn each_pulse_weighs_its_own_volume() {
        // Two strokes, apart by more than the gap: 10 pulses at 550 µL/h (K = 9) and 10 at 5,500 µL/h (K = 10.25).
        let (slow, fast) = (interval(550.0, 9.0), interval(5_500.0, 10.25));
        let pulses: Vec<_> =
            (0..10).map(|i| i * slow).chain((0..10).map(|i| 60_000_000_000 + i * fast)).map(|at| (at, Sense::Forward)).collect();
        let expected = 20.0 / (10.0 / 9.0 + 10.0 / 10.25);
        assert!((followed(&pulses).k_factor() / expected - 1.0).abs() < 1e-9);
    }

    #[test]
    fn beyond_the_points_nothing_is_known() {
        let (number, slowest, fastest) = followed(&[(0, Sense::Forward), (interval(50.0, 8.0), Sense::Forward)]).outside().unwrap();
        assert_eq!(number, 2);
        assert!((slowest - 50.0).abs() < 1e-6 && (fastest - 50.0).abs() < 1e-6);
        assert_eq!(followed(&[(0, Sense::Forward)]).k_factor(), 10.0, "a pulse alone tells no flow");
    }

    #[test]
    fn a_sensor_of_one_k_factor_has_a_lower_end_too() {
        let sensor = FlowSensor { min_flow: 500.0, stroke_gap: Span::seconds(20), ..crate::sensor::tests::sensor(10.0, 1.0) };
        for (flow, outside) in [(501.0, None), (499.0, Some(2))] {
            let mut k = EffectiveK::new(&sensor);
            [0, interval(flow, 10.0)].iter().for_each(|at| k.push(RigTime(*at), Sense::Forward));
            assert_eq!((k.outside().map(|(n, ..)| n), k.k_factor()), (outside, 10.0), "{flow}");
        }
    }
}
