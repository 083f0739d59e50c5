//! Readings of a flow sensor → volume, told as pulses, so that all that is made for pulse sensors works on thermal ones too.

use std::fmt;

use rig_model::input::Sense;
use rig_model::quantity::{Flow, Volume};
use rig_model::time::{RigTime, Span};

/// Pulses between two readings at the most. A quantum for which a sensor at full flow needs more is too small for its period; it also
/// bounds what one push may cost.
pub const MAX_PULSES_BETWEEN_READINGS: u32 = 100_000;

/// The rule of ten: an instrument is fit for limits that are at least ten of its steps apart.
const STEPS_BETWEEN_LIMITS: f64 = 10.0;

/// Integrates flow by the trapezoid rule, that is with flow taken as a straight line between two readings. Each time the volume comes
/// to the next multiple of a quantum, a pulse is due at that moment.
///
/// A pulse of the other direction is due only when a whole quantum has come back, so that noise about zero gives no pulses for ever.
/// The volume of the pulses therefore differs from the integral by less than one quantum, at any time.
#[derive(Debug, Clone)]
pub struct FlowIntegrator {
    /// µL.
    quantum: f64,
    longest_gap: Span,
    /// The latest reading, µL/h; none at the beginning and after a loss.
    latest: Option<(RigTime, f64)>,
    /// µL beyond the multiple at which the last pulse was due; less than a quantum, either way.
    beyond: f64,
}

/// Volume was not measured up to a reading; what flowed in between is not known. To be told as a loss.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NotIntegrated {
    /// The reading is missing or saturated.
    NoNumber,
    /// Longer than may be bridged by a straight line.
    Gap(Span),
    /// Not later than the reading before; it is ignored.
    OutOfOrder,
    /// More than [`MAX_PULSES_BETWEEN_READINGS`] pulses.
    TooMany,
}

impl FlowIntegrator {
    /// With one pulse for each `quantum`; readings further apart than `longest_gap` are not joined. `None` unless both are above zero.
    pub fn new(quantum: Volume, longest_gap: Span) -> Option<Self> {
        let sound = quantum.0 > 0.0 && quantum.0.is_finite() && longest_gap > Span::ZERO;
        sound.then_some(Self { quantum: quantum.0, longest_gap, latest: None, beyond: 0.0 })
    }

    /// The next reading, in time order, corrected for the zero offset; NaN for one that failed. `pulse` is called for each pulse that
    /// was due since the reading before, in time order. After an error the integral goes on from this reading, or from the next one
    /// that is a number.
    pub fn push(&mut self, at: RigTime, flow: Flow, pulse: impl FnMut(RigTime, Sense)) -> Result<(), NotIntegrated> {
        if !flow.0.is_finite() {
            self.latest = None;
            return Err(NotIntegrated::NoNumber);
        }
        let Some((before, flow_before)) = self.latest else {
            self.latest = Some((at, flow.0));
            return Ok(());
        };
        if at <= before {
            return Err(NotIntegrated::OutOfOrder);
        }
        self.latest = Some((at, flow.0));
        let elapsed = at - before;
        if elapsed > self.longest_gap {
            return Err(NotIntegrated::Gap(elapsed));
        }
        let largest = flow.0.abs().max(flow_before.abs()) * elapsed.as_hours();
        if largest / self.quantum > f64::from(MAX_PULSES_BETWEEN_READINGS) {
            return Err(NotIntegrated::TooMany);
        }
        self.segment(Line { from: before, hours: elapsed.as_hours(), start: flow_before, end: flow.0 }, at, pulse);
        Ok(())
    }

    fn segment(&mut self, line: Line, until: RigTime, mut pulse: impl FnMut(RigTime, Sense)) {
        let mut latest = line.from;
        let mut due = |at: RigTime, sense| {
            // Rounding must not put a pulse before the one before it, nor after the reading that tells it.
            latest = at.clamp(latest, until);
            pulse(latest, sense);
        };
        if line.start * line.end < 0.0 {
            let turn = line.hours * line.start / (line.start - line.end);
            self.one_way(Line { hours: turn, end: 0.0, ..line }, &mut due);
            let from = line.from + Span::from_seconds(turn * 3_600.0);
            self.one_way(Line { from, hours: line.hours - turn, start: 0.0, ..line }, &mut due);
        } else {
            self.one_way(line, &mut due);
        }
    }

    /// A stretch in which the flow does not change its direction.
    fn one_way(&mut self, line: Line, due: &mut impl FnMut(RigTime, Sense)) {
        let volume = line.volume();
        let sense = if volume < 0.0 { Sense::Reverse } else { Sense::Forward };
        let first = self.quantum - self.beyond * volume.signum();
        if volume.abs() < first {
            self.beyond += volume;
            return;
        }
        let pulses = ((volume.abs() - first) / self.quantum).floor();
        for n in 0..=pulses as u32 {
            due(line.time_of(first + f64::from(n) * self.quantum), sense);
        }
        self.beyond = (volume.abs() - first - pulses * self.quantum) * volume.signum();
    }
}

/// Flow as a straight line of time.
#[derive(Debug, Clone, Copy)]
struct Line {
    from: RigTime,
    hours: f64,
    /// µL/h.
    start: f64,
    end: f64,
}

impl Line {
    fn volume(&self) -> f64 {
        (self.start + self.end) / 2.0 * self.hours
    }

    /// When so much has flowed, in the direction of this line.
    fn time_of(&self, volume: f64) -> RigTime {
        let (start, end) = (self.start.abs(), self.end.abs());
        let rise = (end - start) / self.hours;
        // The root of start·x + rise·x²/2 = volume, in the form that does not cancel.
        let hours = 2.0 * volume / (start + (start * start + 2.0 * rise * volume).max(0.0).sqrt());
        self.from + Span::from_seconds(hours * 3_600.0)
    }
}

/// A sensor whose step is too large for limits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TooCoarse {
    pub resolution: Flow,
    /// Between the limits, or between zero and the only one.
    pub room: Flow,
}

/// Whether limits of flow can be told apart by a sensor with steps of `resolution`. Limits of a volume are to be divided by the time in
/// which it is delivered.
pub fn resolves(resolution: Flow, lower: Option<Flow>, upper: Option<Flow>) -> Result<(), TooCoarse> {
    let room = match (lower, upper) {
        (Some(lower), Some(upper)) => upper.0 - lower.0,
        (Some(only), None) | (None, Some(only)) => only.0.abs(),
        (None, None) => return Ok(()),
    };
    // So that a limit that is no number is refused.
    if room >= STEPS_BETWEEN_LIMITS * resolution.0 { Ok(()) } else { Err(TooCoarse { resolution, room: Flow(room) }) }
}

impl fmt::Display for NotIntegrated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoNumber => f.write_str("a reading of flow is missing or saturated"),
            Self::Gap(gap) => write!(f, "no reading of flow for {gap}"),
            Self::OutOfOrder => f.write_str("a reading of flow is not later than the one before it"),
            Self::TooMany => write!(f, "more than {MAX_PULSES_BETWEEN_READINGS} pulses between two readings of flow"),
        }
    }
}

impl std::error::Error for NotIntegrated {}

impl fmt::Display for TooCoarse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { resolution, room } = self;
        let needed = Flow(STEPS_BETWEEN_LIMITS * resolution.0);
        write!(f, "the sensor shows flow in steps of {resolution}, so limits must leave {needed} and not {room}: take a finer sensor")
    }
}

impl std::error::Error for TooCoarse {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GAP: Span = Span::seconds(1);

    fn ms(ms: i64) -> RigTime {
        RigTime::ZERO + Span::milliseconds(ms)
    }

    fn integrator(quantum: f64) -> FlowIntegrator {
        FlowIntegrator::new(Volume(quantum), GAP).unwrap()
    }

    fn pulses_of(integrator: &mut FlowIntegrator, readings: &[(RigTime, f64)]) -> Vec<(RigTime, Sense)> {
        let mut pulses = Vec::new();
        for (at, flow) in readings {
            integrator.push(*at, Flow(*flow), |at, sense| pulses.push((at, sense))).unwrap();
        }
        pulses
    }

    fn net(pulses: &[(RigTime, Sense)]) -> f64 {
        pulses.iter().map(|(_, sense)| if *sense == Sense::Forward { 1.0 } else { -1.0 }).sum()
    }

    /// One tenth of a µL each second is 360 µL/h.
    const TENTH: f64 = 360.0;

    #[test]
    fn steady_flow_gives_even_pulses() {
        let readings: Vec<_> = (0..=4).map(|i| (ms(500 * i), TENTH)).collect();
        let pulses = pulses_of(&mut integrator(0.025), &readings);
        let expected: Vec<_> = (1..=8).map(|i| (ms(250 * i), Sense::Forward)).collect();
        assert_eq!(pulses, expected);
    }

    #[test]
    fn a_pulse_in_a_ramp_comes_when_the_area_is_full() {
        // From 0 to 720 µL/h in 1 s: 0.1 µL in all, a quarter of it after half the time.
        let pulses = pulses_of(&mut integrator(0.025), &[(ms(0), 0.0), (ms(1_000), 2.0 * TENTH)]);
        assert_eq!(pulses.len(), 4);
        assert_eq!((pulses[0].0, pulses[3].0), (ms(500), ms(1_000)));
        let falling = pulses_of(&mut integrator(0.025), &[(ms(0), 2.0 * TENTH), (ms(1_000), 0.0)]);
        assert_eq!((falling.len(), falling[2].0), (4, ms(500)), "the ramp mirrored");
    }

    #[test]
    fn reverse_flow_gives_reverse_pulses_after_a_whole_quantum() {
        let pulses = pulses_of(&mut integrator(0.05), &[(ms(0), TENTH), (ms(500), TENTH), (ms(501), -TENTH), (ms(1_501), -TENTH)]);
        // Forward at 500 ms, and back by one and two quanta after the turn.
        assert_eq!(pulses.iter().map(|(_, sense)| *sense).collect::<Vec<_>>(), [Sense::Forward, Sense::Reverse, Sense::Reverse]);
        assert_eq!(pulses[0].0, ms(500));
        assert!((pulses[1].0 - ms(1_001)).0.abs() < 1_000_000, "{pulses:?}");
    }

    #[test]
    fn noise_about_zero_gives_no_pulses() {
        // Swings of ± half a quantum, for a day.
        let mut integrator = integrator(0.05);
        for i in 0..864_000 {
            let flow = if i % 2 == 0 { 2.4 * TENTH } else { -2.4 * TENTH };
            integrator.push(ms(100 * i), Flow(flow), |at, sense| panic!("{sense:?} at {at}")).unwrap();
        }
    }

    #[test]
    fn nothing_is_joined_over_a_loss() {
        let mut integrator = integrator(0.01);
        let mut count = 0;
        let mut push = |at, flow| integrator.push(ms(at), Flow(flow), |_, _| count += 1);
        assert_eq!(push(0, TENTH), Ok(()));
        assert_eq!(push(1_000, TENTH), Ok(()), "a gap of the limit itself is joined");
        assert_eq!(push(2_001, TENTH), Err(NotIntegrated::Gap(Span::milliseconds(1_001))));
        assert_eq!(push(2_101, TENTH), Ok(()), "it goes on from the reading after the gap");
        assert_eq!(push(2_101, TENTH), Err(NotIntegrated::OutOfOrder));
        assert_eq!(push(2_000, TENTH), Err(NotIntegrated::OutOfOrder));
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(push(2_200, bad), Err(NotIntegrated::NoNumber));
        }
        assert_eq!(push(2_300, TENTH), Ok(()), "the first after that only begins anew");
        assert_eq!(push(2_400, TENTH), Ok(()));
        assert_eq!(count, 10 + 1 + 1);
    }

    #[test]
    fn what_would_be_too_many_pulses_is_a_loss() {
        let mut integrator = integrator(1.01e-6);
        integrator.push(ms(0), Flow(TENTH), |_, _| {}).unwrap();
        let mut count = 0;
        assert_eq!(integrator.push(ms(1_000), Flow(TENTH), |_, _| count += 1), Ok(()));
        assert_eq!(count, 99_009);
        let refused = integrator.push(ms(1_500), Flow(1e300), |_, _| panic!("a pulse"));
        assert_eq!(refused, Err(NotIntegrated::TooMany));
    }

    #[test]
    fn quantum_and_gap_must_be_above_zero() {
        for (quantum, gap) in [(0.0, GAP), (-1.0, GAP), (f64::NAN, GAP), (f64::INFINITY, GAP), (0.1, Span::ZERO)] {
            assert!(FlowIntegrator::new(Volume(quantum), gap).is_none(), "{quantum} {gap}");
        }
    }

    #[test]
    fn a_basal_rate_is_too_little_for_a_thermal_sensor() {
        let step = Flow(6.0);
        let basal = Flow(500.0 / 24.0);
        let around = |flow: Flow, percent: f64| {
            resolves(step, Some(Flow(flow.0 * (1.0 - percent / 100.0))), Some(Flow(flow.0 * (1.0 + percent / 100.0))))
        };
        let refused = around(basal, 14.5).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the sensor shows flow in steps of 6 µL/h, so limits must leave 60 µL/h and not 6.04167 µL/h: take a finer sensor"
        );
        assert!(around(basal, 100.0).is_err(), "whatever the tolerance");
        assert!(resolves(step, Some(basal), None).is_err());
        assert!(resolves(step, None, Some(Flow(30.0))).is_err());
        // A bolus of 0.2 mL in 2 min.
        assert!(around(Flow(6_000.0), 5.0).is_ok());
        assert!(resolves(step, Some(Flow(0.0)), Some(Flow(60.0))).is_ok(), "the rule itself is kept");
        assert!(resolves(step, Some(Flow(f64::NAN)), Some(Flow(1e6))).is_err());
        assert!(resolves(step, None, None).is_ok());
    }

    fn readings() -> impl Strategy<Value = Vec<(RigTime, f64)>> {
        let flow = prop_oneof![Just(0.0), -3_000.0..3_000.0, -20.0..20.0];
        prop::collection::vec((1i64..1_000_000_000, flow), 2..60).prop_map(|steps| {
            let mut at = RigTime::ZERO;
            steps
                .into_iter()
                .map(|(dt, flow)| {
                    at += Span(dt);
                    (at, flow)
                })
                .collect()
        })
    }

    fn integral(readings: &[(RigTime, f64)]) -> f64 {
        readings.windows(2).map(|w| (w[0].1 + w[1].1) / 2.0 * (w[1].0 - w[0].0).as_hours()).sum()
    }

    proptest! {
        #[test]
        fn pulses_are_the_integral_within_one_quantum(readings in readings(), quantum in 1e-4f64..1.0) {
            let mut integrator = integrator(quantum);
            let mut total = 0.0;
            for (n, reading) in readings.iter().enumerate() {
                total += net(&pulses_of(&mut integrator, &[*reading]));
                let off = (total * quantum - integral(&readings[..=n])).abs();
                prop_assert!(off < quantum * (1.0 + 1e-9), "{off} of {quantum} after {n}");
            }
        }

        #[test]
        fn times_never_go_back_and_stay_between_the_readings(readings in readings(), quantum in 1e-4f64..1.0) {
            let mut integrator = integrator(quantum);
            let mut before = RigTime::ZERO;
            let mut last = readings[0].0;
            for reading in &readings {
                for (at, _) in pulses_of(&mut integrator, &[*reading]) {
                    prop_assert!(at >= last && at >= before && at <= reading.0);
                    last = at;
                }
                before = reading.0;
            }
        }

        #[test]
        fn batches_do_not_matter(readings in readings(), quantum in 1e-4f64..1.0, cut in 0usize..60) {
            let whole = pulses_of(&mut integrator(quantum), &readings);
            let (head, tail) = readings.split_at(cut.min(readings.len()));
            let mut parts = integrator(quantum);
            let mut pulses = pulses_of(&mut parts, head);
            pulses.extend(pulses_of(&mut parts, tail));
            prop_assert_eq!(whole, pulses);
        }

        /// Readings on the straight line between two others tell nothing new.
        #[test]
        fn more_readings_of_the_same_flow_move_no_pulse(readings in readings(), quantum in 1e-3f64..1.0) {
            let finer: Vec<_> = readings
                .windows(2)
                .flat_map(|w| {
                    let half = Span((w[1].0 - w[0].0).0 / 2);
                    let share = half.as_seconds() / (w[1].0 - w[0].0).as_seconds();
                    [w[0], (w[0].0 + half, w[0].1 + (w[1].1 - w[0].1) * share)]
                })
                .chain(readings.last().copied())
                .filter({
                    let mut last = None;
                    move |(at, _)| last.replace(*at) != Some(*at)
                })
                .collect();
            let (few, many) = (pulses_of(&mut integrator(quantum), &readings), pulses_of(&mut integrator(quantum), &finer));
            prop_assert!((net(&few) - net(&many)).abs() <= 1.0, "{} and {}", few.len(), many.len());
            // A pulse that only rounding puts at one side of a turn may be missing; all others are where they were, and near standstill
            // time is as ill-defined as the volume is flat.
            if few.len() == many.len() {
                for ((a, s), (b, t)) in few.iter().zip(&many) {
                    prop_assert!(s == t && (*a - *b).0.abs() < 1_000_000, "{a:?} {b:?}");
                }
            }
        }
    }
}
