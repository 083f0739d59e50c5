//! Start-up graph, trumpet curve and hour statistics: the curves by which infusion pumps are known.
//!
//! Each is computed from the cumulative volume at the sample instants. The error of a window is that of the difference of two of
//! them, so that a window costs one subtraction whatever its length, and nothing adds up.

mod layout;
mod stroke;

use std::ops::Range;

use rig_model::quantity::{Flow, Volume};
use rig_model::time::Span;

use crate::series::VolumeSeries;

pub use rig_model::curve::*;
pub use stroke::{MAX_RECORDED_STROKES, StrokeRecord, pulsatility_floor};

/// Limits are inclusive, and pulses are discrete: windows often lie on a limit exactly, and the last digit of a quotient must not decide.
const ROUNDING_PERCENT: f64 = 1e-9;

/// The curves of a record. It must be sampled at the method's interval, and hold all periods; windows are whole multiples of the interval
/// and no longer than the period that they lie in. All else is an error.
pub fn curves(series: &VolumeSeries, plan: &CurvePlan) -> Result<Curves, CurveError> {
    plan.check()?;
    if series.step() != plan.method.sample() {
        return Err(CurveError::OtherSample { has: series.step(), wants: plan.method.sample() });
    }
    let layout = layout::layout(plan, series.samples())?;
    let of = Analysis { volumes: series.cumulative(), step: series.step(), plan };
    let trumpets = match plan.periods {
        Periods::SecondAndLastHour => {
            layout.t1.iter().map(|t1| of.trumpet(Period::T1, t1)).chain([of.trumpet(Period::T2, &layout.t2)]).collect()
        }
        Periods::StabilisationAndAnalysis => vec![of.trumpet(Period::T2, &layout.t2)],
    };
    let analysed = match plan.periods {
        Periods::SecondAndLastHour => 0..series.samples(),
        Periods::StabilisationAndAnalysis => layout.t2.clone(),
    };
    Ok(Curves {
        start_up: of.start_up(&layout.t0),
        a: layout.t1.as_ref().map(|t1| of.overall(t1)),
        b: of.overall(&layout.t2),
        trumpets,
        hours: of.hours(&analysed),
    })
}

struct Analysis<'a> {
    volumes: &'a [f64],
    step: Span,
    plan: &'a CurvePlan,
}

impl Analysis<'_> {
    fn start_up(&self, t0: &Range<usize>) -> Vec<StartUpPoint> {
        let hours = self.step.as_hours();
        t0.clone().map(|i| StartUpPoint { at: self.span(i + 1), flow: Flow((self.volumes[i + 1] - self.volumes[i]) / hours) }).collect()
    }

    fn overall(&self, period: &Range<usize>) -> OverallError {
        let volume = self.volumes[period.end] - self.volumes[period.start];
        let flow = volume / self.span(period.len()).as_hours();
        OverallError {
            from: self.span(period.start),
            to: self.span(period.end),
            volume: Volume(volume),
            flow: Flow(flow),
            error_percent: 100.0 * (flow / self.plan.rate.0 - 1.0),
        }
    }

    fn trumpet(&self, period: Period, range: &Range<usize>) -> Trumpet {
        let cycle = self.plan.stroke_cycle;
        let floor = |window| cycle.and_then(|cycle| pulsatility_floor(window, cycle));
        let windows = self.plan.method.windows();
        let points = windows.iter().filter_map(|&window| self.point(range, window, floor(window))).collect();
        let mut strokes: Vec<StrokePoint> = Vec::new();
        for &instead_of in windows {
            let Some(cycle) = cycle else { break };
            let Some((window, count)) = stroke::aligned(instead_of, cycle, self.step, self.span(range.len())) else { continue };
            if strokes.iter().all(|point| point.strokes != count) {
                let point = self.point(range, window, floor(window));
                strokes.extend(point.map(|point| StrokePoint { instead_of, strokes: count, point }));
            }
        }
        Trumpet { period, from: self.span(range.start), to: self.span(range.end), points, strokes }
    }

    /// `None` for a window longer than the range.
    fn point(&self, range: &Range<usize>, window: Span, floor: Option<PulsatilityFloor>) -> Option<TrumpetPoint> {
        let samples = (window.0 / self.step.0) as usize;
        let volumes = &self.volumes[range.start..=range.end];
        let expected = self.plan.rate.0 * window.as_hours();
        let mut tally = Tally::new(self.plan.within_percent);
        for (begin, end) in volumes.iter().zip(volumes.get(samples..)?) {
            tally.add(100.0 * ((end - begin) / expected - 1.0));
        }
        tally.point(window, floor)
    }

    fn hours(&self, range: &Range<usize>) -> Option<HourStatistics> {
        const HOUR: Span = Span::hours(1);
        if HOUR.0 % self.step.0 != 0 {
            return None;
        }
        let samples = (HOUR.0 / self.step.0) as usize;
        let marks = self.volumes[range.start..=range.end].iter().step_by(samples);
        let mut tally = Tally::new(self.plan.within_percent);
        for (begin, end) in marks.clone().zip(marks.skip(1)) {
            tally.add(100.0 * ((end - begin) / self.plan.rate.0 - 1.0));
        }
        let point = tally.point(HOUR, None)?;
        Some(HourStatistics {
            hours: point.windows,
            mean_percent: point.mean_percent,
            sd_percent: tally.sd(),
            min_percent: point.min_percent,
            max_percent: point.max_percent,
            within_percent: point.within_percent,
        })
    }

    fn span(&self, samples: usize) -> Span {
        Span(self.step.0 * samples as i64)
    }
}

/// Extremes, mean, spread and share within a limit of errors in %, one at a time.
#[derive(Debug, Clone)]
pub(crate) struct Tally {
    limit: f64,
    n: usize,
    within: usize,
    max: f64,
    min: f64,
    mean: f64,
    /// Sum of squared differences from the mean (Welford), so that no digits cancel.
    squares: f64,
}

impl Tally {
    pub fn new(within_percent: f64) -> Self {
        let limit = within_percent + ROUNDING_PERCENT;
        Self { limit, n: 0, within: 0, max: f64::NEG_INFINITY, min: f64::INFINITY, mean: 0.0, squares: 0.0 }
    }

    pub fn add(&mut self, error: f64) {
        self.n += 1;
        self.within += usize::from(error.abs() <= self.limit);
        self.max = self.max.max(error);
        self.min = self.min.min(error);
        let before = error - self.mean;
        self.mean += before / self.n as f64;
        self.squares += before * (error - self.mean);
    }

    pub fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// The least and the greatest so far; infinite for none.
    pub fn min(&self) -> f64 {
        self.min
    }

    pub fn max(&self) -> f64 {
        self.max
    }

    /// Sample standard deviation; `None` for less than two.
    pub fn sd(&self) -> Option<f64> {
        (self.n > 1).then(|| (self.squares / (self.n - 1) as f64).sqrt())
    }

    /// `None` for none.
    pub fn point(&self, window: Span, floor: Option<PulsatilityFloor>) -> Option<TrumpetPoint> {
        (self.n > 0).then(|| TrumpetPoint {
            window,
            windows: self.n,
            max_percent: self.max,
            min_percent: self.min,
            mean_percent: self.mean,
            within_percent: 100.0 * self.within as f64 / self.n as f64,
            floor,
        })
    }
}
