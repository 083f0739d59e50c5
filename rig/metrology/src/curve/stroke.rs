//! A pump that moves whole strokes: what no window of a given length can help to show, and windows that don't show it.

use rig_model::quantity::{Flow, Volume};
use rig_model::time::{RigTime, Span};

use super::{PulsatilityFloor, ROUNDING_PERCENT, StrokePoint, Tally};

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
    ///
    /// What lies before the first whole window or after the last one counts where it is worse than all of them: a pump that has stopped ends
    /// no window, and one that runs away in its last stroke doesn't either. See `Ends`.
    pub fn trumpet(&self, from: RigTime, to: RigTime, windows: &[Span], cycle: Span, rate: Flow, within_percent: f64) -> Vec<StrokePoint> {
        let mut points: Vec<StrokePoint> = Vec::new();
        if cycle <= Span::ZERO || self.full {
            return points;
        }
        let first = self.starts.partition_point(|(at, _)| *at < from);
        let end = self.starts.partition_point(|(at, _)| *at <= to).max(first);
        let (starts, ends) = (&self.starts[first..end], Ends { record: self, first, end, from, to });
        for &instead_of in windows {
            let strokes = ((instead_of.0.saturating_add(cycle.0 / 2)) / cycle.0).max(1);
            let Ok(strokes) = u32::try_from(strokes) else { continue };
            if points.iter().any(|point| point.strokes == strokes) {
                continue;
            }
            let mut tally = Tally::new(within_percent);
            for (begin, end) in starts.iter().zip(starts.iter().skip(strokes as usize)) {
                tally.add(error_percent(end.1 - begin.1, end.0 - begin.0, rate));
            }
            let window = Span(cycle.0.saturating_mul(i64::from(strokes)));
            ends.judge(strokes as usize, window, rate, &mut tally);
            let none = PulsatilityFloor { max_percent: 0.0, min_percent: 0.0 };
            points.extend(tally.point(window, Some(none)).map(|point| StrokePoint { instead_of, strokes, point }));
        }
        points
    }
}

/// The ends of a period, where windows of whole strokes reach over its edges. How much they err is not known, but how much at the least is;
/// they count as windows where that is already worse than all complete ones.
struct Ends<'a> {
    record: &'a StrokeRecord,
    /// Of the strokes of the record the first that begins in the period, and the first that begins after it.
    first: usize,
    end: usize,
    from: RigTime,
    to: RigTime,
}

impl Ends<'_> {
    /// Adds what the windows of `strokes` strokes at the edges err by, if it is worse than all that the tally holds; to none it adds nothing.
    fn judge(&self, strokes: usize, window: Span, rate: Flow, tally: &mut Tally) {
        if tally.is_empty() {
            return;
        }
        for slow in [self.at_begin(strokes), self.at_end(strokes)].into_iter().flatten() {
            let error = error_percent(slow.1, slow.0, rate);
            if error < tally.min() - ROUNDING_PERCENT {
                tally.add(error);
            }
        }
        let fast = self.running_away(strokes, window).map(|(length, volume)| error_percent(volume, length, rate));
        if let Some(error) = fast.filter(|error| *error > tally.max() + ROUNDING_PERCENT) {
            tally.add(error);
        }
    }

    /// The window that ends with the n-th stroke of the period began with a stroke before the period: it is as long as this at the least, and
    /// holds this at the most. Of a record that begins with the period, the stroke before is taken to be as large as the first one.
    fn at_begin(&self, strokes: usize) -> Option<(Span, f64)> {
        let starts = &self.record.starts;
        let first = starts.get(self.first)?;
        let last = starts[..self.end].get(self.first + strokes - 1)?;
        let before = match self.first.checked_sub(1) {
            Some(before) => first.1 - starts[before].1,
            None => starts.get(1)?.1 - first.1,
        };
        (last.0 > self.from).then(|| (last.0 - self.from, last.1 - first.1 + before))
    }

    /// The window that began with the n-th last stroke had not ended when the period did.
    fn at_end(&self, strokes: usize) -> Option<(Span, f64)> {
        let begin = self.nth_last(strokes)?;
        (self.to > begin.0).then(|| (self.to - begin.0, self.volume_at_end() - begin.1))
    }

    /// The same window from above: what its strokes delivered so far it holds whenever it ends, which a pump at its rate would need the
    /// window's length for. Where a stroke follows, the window ends there.
    fn running_away(&self, strokes: usize, window: Span) -> Option<(Span, f64)> {
        let begin = self.nth_last(strokes)?;
        let ended = self.record.starts.get(self.end).map_or_else(|| self.to.max(self.record.latest.unwrap_or(self.to)), |(at, _)| *at);
        Some(((ended - begin.0).max(window), self.volume_at_end() - begin.1))
    }

    fn nth_last(&self, strokes: usize) -> Option<&(RigTime, f64)> {
        self.record.starts[self.first..self.end].get((self.end - self.first).checked_sub(strokes)?)
    }

    /// With all of the last stroke, also where it went on after the period.
    fn volume_at_end(&self) -> f64 {
        self.record.starts.get(self.end).map_or(self.record.volume, |(_, volume)| *volume)
    }
}

fn error_percent(volume: f64, length: Span, rate: Flow) -> f64 {
    100.0 * (volume / (length.as_hours() * rate.0) - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rig_model::curve::stroke_cycle;

    /// SOURCES 1.4: strokes of 60 min; and 0.1.4: 0.17 µL in half a minute at 0.5 mL/day.
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
        let points = record.trumpet(RigTime::ZERO, RigTime::ZERO + Span::seconds(40 * 173), &windows, Span::seconds(173), rate, 15.0);
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
        // A whole window begins and ends in the period, and that is one; before and after it is at least 99 s and 119 s from stroke to stroke.
        let edges = trumpet(1, 299)[0];
        assert_eq!(edges.point.windows, 3);
        assert!(
            (edges.point.max_percent - 25.0).abs() < 1e-9 && (edges.point.min_percent - (100.0 / 1.19 - 100.0)).abs() < 1e-9,
            "{edges:?}"
        );
        assert_eq!(trumpet(1, 150), []);
        assert_eq!(record.trumpet(RigTime::MAX, RigTime::ZERO, &[Span::seconds(120)], Span::seconds(100), Flow(36.0), 15.0), []);
    }

    /// Extremes of windows of 1 and 3 strokes where one is due every 100 s, in a period from 1,000 s to 10,000 s.
    fn extremes(record: &StrokeRecord, strokes: i64) -> (f64, f64) {
        let (from, to) = (RigTime::ZERO + Span::seconds(1_000), RigTime::ZERO + Span::seconds(10_000));
        let points = record.trumpet(from, to, &[Span::seconds(100 * strokes)], Span::seconds(100), Flow(36.0), 15.0);
        (points[0].point.min_percent, points[0].point.max_percent)
    }

    fn regular(from: i64, to: i64) -> Vec<f64> {
        (from..=to).map(|i| i as f64 * 100.0 + 50.0).collect()
    }

    #[test]
    fn a_pump_that_stops_before_the_end_of_the_period_is_slow() {
        let level = |(min, max): (f64, f64)| min.abs() < 1e-9 && max.abs() < 1e-9;
        // Up to 9,950 s, and on: nothing is worse than what is complete.
        for last in [99, 130] {
            let record = strokes(&regular(0, last));
            assert!(level(extremes(&record, 1)) && level(extremes(&record, 3)), "{:?}", extremes(&record, 3));
        }
        // The last stroke at 5,050 s, and none until 4,950 s later: 1 µL and 3 µL where 49.5 µL and 51.5 µL were due.
        let stopped = strokes(&regular(0, 50));
        assert!((extremes(&stopped, 1).0 - (100.0 / 49.5 - 100.0)).abs() < 1e-9, "{:?}", extremes(&stopped, 1));
        assert!((extremes(&stopped, 3).0 - (300.0 / 51.5 - 100.0)).abs() < 1e-9, "{:?}", extremes(&stopped, 3));
        // It makes no difference that it delivers again after the period.
        let mut later = regular(0, 50);
        later.extend(regular(200, 210));
        assert_eq!(extremes(&strokes(&later), 3), extremes(&stopped, 3));
    }

    #[test]
    fn a_pump_that_begins_late_in_the_period_is_slow() {
        // The first stroke of the period at 5,050 s, with one before it at 950 s, or with nothing before: 40.5 were due.
        let late = strokes(&regular(50, 130));
        assert!((extremes(&late, 1).0 - (100.0 / 40.5 - 100.0)).abs() < 1e-9, "{:?}", extremes(&late, 1));
        assert!((extremes(&late, 3).0 - (300.0 / 42.5 - 100.0)).abs() < 1e-9, "{:?}", extremes(&late, 3));
        let mut paused = regular(0, 9);
        paused.extend(regular(50, 130));
        assert_eq!(extremes(&strokes(&paused), 3), extremes(&late, 3));
    }

    #[test]
    fn a_pump_that_runs_away_in_its_last_stroke_is_fast() {
        for to_s in [9_960, 12_000] {
            // 10 ms from pulse to pulse of 0.25 µL, without a pause any more, to the end of the period or beyond it.
            let mut record = strokes(&regular(0, 98));
            for i in 0..(to_s - 9_950) * 100 {
                record.push(RigTime::ZERO + Span::seconds(9_950) + Span::milliseconds(10 * i), Volume(0.25));
            }
            let (runaway_s, volume) = ((to_s as f64 - 0.01 - 9_950.0), (to_s - 9_950) as f64 * 25.0);
            let one = 100.0 * volume / (runaway_s / 100.0).max(1.0) - 100.0;
            assert!((extremes(&record, 1).1 / one - 1.0).abs() < 1e-9, "{:?} {one}", extremes(&record, 1));
            assert!(extremes(&record, 3).1 > 7_000.0, "{:?}", extremes(&record, 3));
        }
    }
}
