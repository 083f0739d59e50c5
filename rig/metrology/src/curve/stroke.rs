//! A pump that moves whole strokes: what no window of a given length can help to show, and windows that don't show it.

use rig_model::quantity::{Flow, Volume};
use rig_model::time::{RigTime, Span};

use super::{PulsatilityFloor, StrokePoint, Tally};

/// Strokes of one record at the most: 90 days of a 1 µL pump at 1 mL/h are half of it. 64 MiB.
pub const MAX_RECORDED_STROKES: usize = 1 << 22;

/// Of windows `window` long, with strokes `cycle` apart: 100(⌊x⌋/x − 1) and 100(⌈x⌉/x − 1), with x the strokes that fit a window.
/// `None` unless both are longer than nothing.
pub fn pulsatility_floor(window: Span, cycle: Span) -> Option<PulsatilityFloor> {
    if window <= Span::ZERO || cycle <= Span::ZERO {
        return None;
    }
    let strokes = window.0 as f64 / cycle.0 as f64;
    // The cycle was rounded to the nanosecond: what is a whole number of strokes but for that is one.
    let nearest = strokes.round();
    if (strokes - nearest).abs() * cycle.0 as f64 <= nearest {
        return Some(PulsatilityFloor { max_percent: 0.0, min_percent: 0.0 });
    }
    let percent = |whole: f64| 100.0 * (whole / strokes - 1.0);
    Some(PulsatilityFloor { max_percent: percent(strokes.ceil()), min_percent: percent(strokes.floor()) })
}

/// The window nearest to `window` that is a whole multiple of both stroke cycle and sample interval, and not longer than `longest`.
/// `None` where there is none.
///
/// Nothing but an exact multiple will do: with windows one sample longer or shorter, a stroke more or less falls into some of them, and they
/// show the whole floor again.
pub(super) fn aligned(window: Span, cycle: Span, sample: Span, longest: Span) -> Option<(Span, u32)> {
    let common = common_multiple(cycle, sample, longest)?;
    let nearest = (window.0 + common.0 / 2) / common.0;
    let length = common.0 * nearest.clamp(1, longest.0 / common.0);
    // To the nearest whole number: the cycle is rounded to the nanosecond.
    Some((Span(length), u32::try_from((length + cycle.0 / 2) / cycle.0).ok()?))
}

/// Strokes that are looked through for a multiple of the sample interval. 1,000 h of 36 s; what meets so rarely is of no use.
const MAX_COMMON_STROKES: i64 = 100_000;

/// The shortest whole number of cycles that is a whole number of samples; each cycle may be half a nanosecond off.
fn common_multiple(cycle: Span, sample: Span, longest: Span) -> Option<Span> {
    let strokes = (longest.0 / cycle.0).saturating_add(1).min(MAX_COMMON_STROKES);
    (1..=strokes).find_map(|n| {
        let length = i128::from(cycle.0) * i128::from(n);
        let samples = (length + i128::from(sample.0) / 2) / i128::from(sample.0);
        let nearest = samples * i128::from(sample.0);
        let meets = samples > 0 && (nearest - length).abs() * 2 <= i128::from(n) && nearest <= i128::from(longest.0);
        meets.then(|| i64::try_from(nearest).ok().map(Span)).flatten()
    })
}

/// Where the strokes of a record begin, for windows from one stroke's first pulse to that of another: the mean flow over whole strokes,
/// whatever the sample interval. Pulses more than a gap apart belong to different strokes.
#[derive(Debug, Clone)]
pub struct StrokeRecord {
    gap: Span,
    /// First pulse of each stroke, and the net volume in µL before it.
    starts: Vec<(RigTime, f64)>,
    latest: Option<RigTime>,
    volume: f64,
    full: bool,
}

impl StrokeRecord {
    pub fn new(gap: Span) -> Self {
        Self { gap, starts: Vec::new(), latest: None, volume: 0.0, full: false }
    }

    /// The next pulse in time order with its volume, negative for one of reverse flow.
    pub fn push(&mut self, at: RigTime, volume: Volume) {
        if self.latest.is_none_or(|latest| at - latest > self.gap) {
            if self.starts.len() < MAX_RECORDED_STROKES {
                self.starts.push((at, self.volume));
            } else {
                self.full = true;
            }
        }
        self.latest = Some(at);
        self.volume += volume.0;
    }

    /// Strokes begun so far, up to [`MAX_RECORDED_STROKES`].
    pub fn strokes(&self) -> usize {
        self.starts.len()
    }

    /// Whether there were more strokes than are kept: then there is no curve of them.
    pub fn is_full(&self) -> bool {
        self.full
    }

    /// The trumpet of windows of whole strokes that begin and end between `from` and `to`, inclusive: for each length of `windows` the
    /// nearest whole number of cycles, at least one; lengths that come to the same number once. Numbers for which there is no whole window
    /// are left out. `rate` is above zero.
    pub fn trumpet(&self, from: RigTime, to: RigTime, windows: &[Span], cycle: Span, rate: Flow, within_percent: f64) -> Vec<StrokePoint> {
        let mut points: Vec<StrokePoint> = Vec::new();
        if cycle <= Span::ZERO || self.full {
            return points;
        }
        let first = self.starts.partition_point(|(at, _)| *at < from);
        let end = self.starts.partition_point(|(at, _)| *at <= to).max(first);
        let starts = &self.starts[first..end];
        for &instead_of in windows {
            let strokes = ((instead_of.0.saturating_add(cycle.0 / 2)) / cycle.0).max(1);
            let Ok(strokes) = u32::try_from(strokes) else { continue };
            if points.iter().any(|point| point.strokes == strokes) {
                continue;
            }
            let mut tally = Tally::new(within_percent);
            for (begin, end) in starts.iter().zip(starts.iter().skip(strokes as usize)) {
                tally.add(100.0 * ((end.1 - begin.1) / ((end.0 - begin.0).as_hours() * rate.0) - 1.0));
            }
            let window = Span(cycle.0.saturating_mul(i64::from(strokes)));
            let none = PulsatilityFloor { max_percent: 0.0, min_percent: 0.0 };
            points.extend(tally.point(window, Some(none)).map(|point| StrokePoint { instead_of, strokes, point }));
        }
        points
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rig_model::curve::stroke_cycle;

    /// DOMAIN 1.4: strokes of 60 min; and 0.1.4: 0.17 µL in half a minute at 0.5 mL/day.
    #[test]
    fn floors_of_the_published_example() {
        let floor = |minutes| pulsatility_floor(Span::minutes(minutes), Span::hours(1)).unwrap();
        let close =
            |got: PulsatilityFloor, max: f64, min: f64| (got.max_percent - max).abs() < 0.05 && (got.min_percent - min).abs() < 0.05;
        assert!(close(floor(31), 93.548, -100.0), "{:?}", floor(31));
        assert!(close(floor(930), 3.226, -3.226), "{:?}", floor(930));
        assert_eq!(floor(120), PulsatilityFloor { max_percent: 0.0, min_percent: 0.0 });
        assert_eq!(pulsatility_floor(Span::ZERO, Span::hours(1)), None);
        assert_eq!(pulsatility_floor(Span::hours(1), Span::ZERO), None);
    }

    #[test]
    fn whole_strokes_are_whole_although_the_cycle_is_rounded() {
        // 1 µL at 20.8 µL/h: 173.0769… s.
        let cycle = stroke_cycle(Volume(1.0), Flow(20.8)).unwrap();
        assert_eq!(cycle, Span(173_076_923_077));
        // 26 h hold 540.8 strokes, 130 h hold 2,704.
        assert!(pulsatility_floor(Span::hours(26), cycle).unwrap().max_percent > 0.03);
        assert_eq!(pulsatility_floor(Span::hours(130), cycle).unwrap().max_percent, 0.0);
        for (stroke, rate) in [(0.0, 1.0), (1.0, 0.0), (-1.0, -1.0), (f64::NAN, 1.0), (1.0, f64::INFINITY), (1e-30, 1.0)] {
            assert_eq!(stroke_cycle(Volume(stroke), Flow(rate)), None, "{stroke} {rate}");
        }
    }

    #[test]
    fn windows_of_strokes_and_samples() {
        let (minutes, hour) = (Span::minutes, Span::hours(1));
        // Strokes of 45 s and samples of 30 s meet every 90 s.
        for (window, expected) in [(1, (90, 2)), (2, (90, 2)), (5, (270, 6)), (11, (630, 14)), (31, (1_890, 42))] {
            let got = aligned(minutes(window), Span::seconds(45), Span::seconds(30), hour);
            assert_eq!(got, Some((Span::seconds(expected.0), expected.1)), "{window}");
        }
        assert_eq!(aligned(minutes(59), Span::minutes(25), Span::seconds(30), hour), Some((minutes(50), 2)), "not beyond the period");
        // 1 µL at 20.8 µL/h: thirteen strokes take 37.5 min.
        assert_eq!(aligned(minutes(5), Span(173_076_923_077), Span::seconds(30), hour), Some((Span::seconds(2_250), 13)));
        assert_eq!(aligned(minutes(5), Span(173_076_923_077), Span::seconds(30), minutes(37)), None);
        assert_eq!(aligned(minutes(5), Span(173_000_000_123), Span::seconds(30), hour), None);
        // 1 µL at 21 µL/h: seven strokes take 20 min, although one takes no whole number of nanoseconds.
        let seventh = stroke_cycle(Volume(1.0), Flow(21.0)).unwrap();
        assert_eq!(aligned(minutes(31), seventh, Span::seconds(30), hour), Some((minutes(40), 14)));
        assert_eq!(aligned(minutes(5), Span(i64::MAX), Span::seconds(30), hour), None);
    }

    /// Strokes of 4 pulses of 0.25 µL, 10 ms apart.
    fn strokes(starts_s: &[f64]) -> StrokeRecord {
        let mut record = StrokeRecord::new(Span::seconds(2));
        for start in starts_s {
            for i in 0..4 {
                record.push(RigTime::ZERO + Span::from_seconds(*start) + Span::milliseconds(10 * i), Volume(0.25));
            }
        }
        record
    }

    #[test]
    fn a_regular_pump_is_level_in_windows_of_its_strokes() {
        let record = strokes(&(0..40).map(|i| f64::from(i) * 173.0).collect::<Vec<_>>());
        let rate = Flow(3_600.0 / 173.0);
        let windows = [1, 2, 5, 11, 19, 31].map(Span::minutes);
        let points = record.trumpet(RigTime::ZERO, RigTime::MAX, &windows, Span::seconds(173), rate, 15.0);
        // 1 and 2 min both come to one stroke.
        assert_eq!(points.iter().map(|p| p.strokes).collect::<Vec<_>>(), [1, 2, 4, 7, 11]);
        assert_eq!(points.iter().map(|p| p.point.windows).collect::<Vec<_>>(), [39, 38, 36, 33, 29]);
        for StrokePoint { point, .. } in points {
            assert!(point.max_percent.abs() < 1e-9 && point.min_percent.abs() < 1e-9, "{point:?}");
            assert_eq!(point.within_percent, 100.0);
        }
    }

    #[test]
    fn an_irregular_pump_is_not() {
        // At 36 µL/h a stroke of 1 µL is due every 100 s.
        let record = strokes(&[0.0, 100.0, 180.0, 300.0, 400.0]);
        let trumpet = |from, to| {
            let (from, to) = (RigTime::ZERO + Span::seconds(from), RigTime::ZERO + Span::seconds(to));
            record.trumpet(from, to, &[Span::seconds(120)], Span::seconds(100), Flow(36.0), 15.0)
        };
        let all = trumpet(0, 400)[0];
        assert_eq!((all.strokes, all.point.windows, all.point.window), (1, 4, Span::seconds(100)));
        assert!((all.point.max_percent - 25.0).abs() < 1e-9 && (all.point.min_percent + 100.0 / 6.0).abs() < 1e-9, "{all:?}");
        assert_eq!(all.point.within_percent, 50.0);
        // A window begins and ends in the period.
        assert_eq!(trumpet(1, 299)[0].point.windows, 1);
        assert_eq!(trumpet(1, 150), []);
        assert_eq!(record.trumpet(RigTime::MAX, RigTime::ZERO, &[Span::seconds(120)], Span::seconds(100), Flow(36.0), 15.0), []);
    }
}
