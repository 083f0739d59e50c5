//! Start-up graph, trumpet curve and hour statistics: the curves by which infusion pumps are known.
//!
//! Each is computed from the cumulative volume at the sample instants. The error of a window is that of the difference of two of
//! them, so that a window costs one subtraction whatever its length, and nothing adds up.

mod method;
mod stroke;

use std::ops::Range;

use rig_model::quantity::{Flow, Volume};
use rig_model::time::Span;

use crate::series::VolumeSeries;

pub use method::{CurveError, CurvePlan, CustomMethod, Method, Periods, WITHIN_PERCENT};
pub use stroke::{MAX_RECORDED_STROKES, PulsatilityFloor, StrokePoint, StrokeRecord, pulsatility_floor, stroke_cycle};

/// Limits are inclusive, and pulses are discrete: windows often lie on a limit exactly, and the last digit of a quotient must not decide.
const ROUNDING_PERCENT: f64 = 1e-9;

/// All of one record under one plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Curves {
    /// The flow in each sample of T0, in order.
    pub start_up: Vec<StartUpPoint>,
    /// Overall error in T1; `None` where nothing was left out, so that there is no T1.
    pub a: Option<OverallError>,
    /// Overall error in T2.
    pub b: OverallError,
    /// Of T1 and T2 where they are the second and the last hour; of T2 alone where it is the analysis period.
    pub trumpets: Vec<Trumpet>,
    /// Of the whole record, less what the method leaves out where T1 is the stabilisation period; `None` without one whole hour, or if an
    /// hour is no whole number of samples.
    pub hours: Option<HourStatistics>,
}

/// T1 or T2, whatever the naming scheme makes of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    T1,
    T2,
}

impl Period {
    pub const fn name(self) -> &'static str {
        match self {
            Self::T1 => "T1",
            Self::T2 => "T2",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StartUpPoint {
    /// End of the sample, since the start of the record.
    pub at: Span,
    /// Mean flow in the sample, µL/h.
    pub flow: Flow,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OverallError {
    /// Since the start of the record.
    pub from: Span,
    pub to: Span,
    pub volume: Volume,
    /// Mean flow, µL/h.
    pub flow: Flow,
    /// 100 (flow − rate)/rate.
    pub error_percent: f64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Trumpet {
    pub period: Period,
    /// Of its analysis period, since the start of the record.
    pub from: Span,
    pub to: Span,
    /// One for each window length of the method, in its order.
    pub points: Vec<TrumpetPoint>,
    /// The same with windows of whole strokes that are whole numbers of samples too; empty if no stroke cycle was told, or no window in the
    /// period is a whole multiple of both. Lengths that come to the same window once.
    pub strokes: Vec<StrokePoint>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrumpetPoint {
    /// P.
    pub window: Span,
    /// m, the windows of this length: at least one.
    pub windows: usize,
    /// Ep(max), the greatest error of all windows, in %.
    pub max_percent: f64,
    /// Ep(min), the least.
    pub min_percent: f64,
    /// Mean of all windows' errors.
    pub mean_percent: f64,
    /// How many of 100 windows err by no more than the plan's limit.
    pub within_percent: f64,
    /// What a perfect pump of whole strokes would show; `None` if no stroke cycle was told.
    pub floor: Option<PulsatilityFloor>,
}

/// Of consecutive whole hours, counted from the beginning of what is analysed; a last one that is not whole is left out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HourStatistics {
    /// At least one.
    pub hours: usize,
    pub mean_percent: f64,
    /// Sample standard deviation; `None` for a single hour.
    pub sd_percent: Option<f64>,
    pub min_percent: f64,
    pub max_percent: f64,
    /// How many of 100 hours err by no more than the plan's limit.
    pub within_percent: f64,
}

/// The curves of a record. It must be sampled at the method's interval, and hold all periods; windows are whole multiples of the interval
/// and no longer than the period that they lie in. All else is an error.
pub fn curves(series: &VolumeSeries, plan: &CurvePlan) -> Result<Curves, CurveError> {
    plan.check()?;
    if series.step() != plan.method.sample() {
        return Err(CurveError::OtherSample { has: series.step(), wants: plan.method.sample() });
    }
    let layout = plan.layout(series.samples())?;
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
