//! Start-up graph, trumpet curve and hour statistics as plain data: the variants of the method, each by its name, and what comes of them.
//!
//! Test methods based on IEC 60601-2-24. What is computed is in `rig-metrology`.

use serde::{Deserialize, Serialize};

use crate::quantity::{Flow, Volume};
use crate::time::Span;

/// Sample interval, window lengths and what is left out at the beginning. Test methods based on IEC 60601-2-24.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// For volumetric and syringe pumps: samples of 0.5 min; windows of 1, 2, 5, 11, 19 and 31 min.
    Volumetric,
    /// For low flow: samples of 15 min; windows of 15, 60, 150, 330, 570 and 930 min; the first 24 h are left out.
    Ambulatory,
    /// Of one's own; to be told with its figures.
    Custom(CustomMethod),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomMethod {
    pub sample: Span,
    /// Whole multiples of the sample interval, in the order in which they are to be shown.
    pub windows: Vec<Span>,
    /// Left out of the analysis at the beginning of the record.
    pub excluded: Span,
}

const fn minutes<const N: usize>(list: [i64; N]) -> [Span; N] {
    let mut spans = [Span::ZERO; N];
    let mut i = 0;
    while i < N {
        spans[i] = Span::minutes(list[i]);
        i += 1;
    }
    spans
}

const VOLUMETRIC: [Span; 6] = minutes([1, 2, 5, 11, 19, 31]);
const AMBULATORY: [Span; 6] = minutes([15, 60, 150, 330, 570, 930]);
const HOUR: Span = Span::hours(1);

impl Method {
    /// As tables have it: `volumetric`, `ambulatory`, `custom`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Volumetric => "volumetric",
            Self::Ambulatory => "ambulatory",
            Self::Custom(_) => "custom",
        }
    }

    /// S.
    pub const fn sample(&self) -> Span {
        match self {
            Self::Volumetric => Span::seconds(30),
            Self::Ambulatory => Span::minutes(15),
            Self::Custom(custom) => custom.sample,
        }
    }

    /// The window lengths P.
    pub fn windows(&self) -> &[Span] {
        match self {
            Self::Volumetric => &VOLUMETRIC,
            Self::Ambulatory => &AMBULATORY,
            Self::Custom(custom) => &custom.windows,
        }
    }

    /// Left out at the beginning under [`Periods::StabilisationAndAnalysis`]. The volumetric method has its analysis begin with the
    /// second hour.
    pub const fn excluded(&self) -> Span {
        match self {
            Self::Volumetric => HOUR,
            Self::Ambulatory => Span::hours(24),
            Self::Custom(custom) => custom.excluded,
        }
    }

    /// The naming of the periods that goes with the method where none is asked for.
    pub const fn usual_periods(&self) -> Periods {
        match self {
            Self::Volumetric => Periods::SecondAndLastHour,
            Self::Ambulatory | Self::Custom(_) => Periods::StabilisationAndAnalysis,
        }
    }
}

/// What T1 and T2 are. Two schemes are in use, and they don't mean the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Periods {
    /// As in the text of IEC 60601-2-24 and GB 9706.27: T0 the first 2 h; T1 the second hour, with error A; T2 the last hour, with
    /// error B. There is a trumpet for each of T1 and T2.
    SecondAndLastHour,
    /// As in manuals of ambulatory pumps (CADD): T1 the stabilisation period, which is left out of the trumpet, with error A; T2 the
    /// analysis period, which is all the rest, with error B and the trumpet.
    StabilisationAndAnalysis,
}

impl Periods {
    /// As tables have it: `second_and_last_hour`, `stabilisation_and_analysis`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SecondAndLastHour => "second_and_last_hour",
            Self::StabilisationAndAnalysis => "stabilisation_and_analysis",
        }
    }
}

/// Everything that has to be agreed on before a curve means anything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CurvePlan {
    pub method: Method,
    pub periods: Periods,
    /// The set rate r, above zero.
    pub rate: Flow,
    /// Windows and hours are counted that err by this or less, in %. 15 is usual.
    pub within_percent: f64,
    /// The time from one stroke of the pump to the next at the set rate, where it is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub stroke_cycle: Option<Span>,
}

/// What [`CurvePlan::within_percent`] is where nobody says otherwise.
pub const WITHIN_PERCENT: f64 = 15.0;

/// Why there is no curve.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CurveError {
    #[error("the set rate must be a positive number, not {0}")]
    Rate(Flow),
    #[error("the limit for windows must be a number of % that is not negative, not {0}")]
    Within(f64),
    #[error("the sample interval must be longer than nothing, not {0}")]
    Sample(Span),
    #[error("the stroke cycle must be longer than nothing, not {0}")]
    Stroke(Span),
    #[error("there are no windows")]
    NoWindows,
    #[error("a window of {window} is not a whole multiple of the sample interval of {sample}")]
    WindowNotMultiple { window: Span, sample: Span },
    #[error("the {excluded} to be left out are not a whole multiple of the sample interval of {sample}")]
    ExcludedNotMultiple { excluded: Span, sample: Span },
    #[error(
        "an hour is not a whole multiple of the sample interval of {sample}, so there is no second and no last hour; \
             name the periods after stabilisation and analysis"
    )]
    HourNotMultiple { sample: Span },
    #[error(
        "the second hour lies in the first {excluded}, which this method leaves out; name the periods after stabilisation and analysis"
    )]
    SecondHourExcluded { excluded: Span },
    #[error("a window of {window} is longer than its analysis period of {period}")]
    WindowTooLong { window: Span, period: Span },
    #[error("the record of {has} is shorter than the {needs} of {what}")]
    RecordTooShort { has: Span, needs: Span, what: &'static str },
    #[error("the record of {has} ends with the {excluded} that are left out: nothing of it is left to analyse")]
    NothingLeft { has: Span, excluded: Span },
    #[error("the record is sampled every {has}, the method asks for {wants}")]
    OtherSample { has: Span, wants: Span },
}

impl CurvePlan {
    /// With the usual periods and limit, and no stroke.
    pub fn new(method: Method, rate: Flow) -> Self {
        let periods = method.usual_periods();
        Self { method, periods, rate, within_percent: WITHIN_PERCENT, stroke_cycle: None }
    }

    /// Whether there can be a curve of this plan at all, from a record that is long enough.
    pub fn check(&self) -> Result<(), CurveError> {
        let (sample, excluded) = (self.method.sample(), self.method.excluded());
        if !(self.rate.0 > 0.0 && self.rate.0.is_finite()) {
            return Err(CurveError::Rate(self.rate));
        }
        if !(self.within_percent >= 0.0 && self.within_percent.is_finite()) {
            return Err(CurveError::Within(self.within_percent));
        }
        if sample <= Span::ZERO {
            return Err(CurveError::Sample(sample));
        }
        if let Some(cycle) = self.stroke_cycle.filter(|cycle| *cycle <= Span::ZERO) {
            return Err(CurveError::Stroke(cycle));
        }
        if self.method.windows().is_empty() {
            return Err(CurveError::NoWindows);
        }
        if let Some(&window) = self.method.windows().iter().find(|w| w.0 <= 0 || w.0 % sample.0 != 0) {
            return Err(CurveError::WindowNotMultiple { window, sample });
        }
        if excluded.0 < 0 || excluded.0 % sample.0 != 0 {
            return Err(CurveError::ExcludedNotMultiple { excluded, sample });
        }
        match self.periods {
            Periods::SecondAndLastHour if excluded > HOUR => Err(CurveError::SecondHourExcluded { excluded }),
            Periods::SecondAndLastHour if HOUR.0 % sample.0 != 0 => Err(CurveError::HourNotMultiple { sample }),
            Periods::SecondAndLastHour => self.windows_fit(HOUR),
            Periods::StabilisationAndAnalysis => Ok(()),
        }
    }

    /// The shortest record that has a curve of this plan.
    pub fn shortest_record(&self) -> Span {
        match self.periods {
            Periods::SecondAndLastHour => Span::hours(2),
            Periods::StabilisationAndAnalysis => {
                let longest = self.method.windows().iter().copied().max().unwrap_or(Span::ZERO);
                (self.method.excluded() + longest).max(self.start_up().unwrap_or(Span::ZERO))
            }
        }
    }

    /// Whether each window has room in a period of this length.
    pub fn windows_fit(&self, period: Span) -> Result<(), CurveError> {
        match self.method.windows().iter().find(|window| **window > period) {
            Some(&window) => Err(CurveError::WindowTooLong { window, period }),
            None => Ok(()),
        }
    }

    /// T0, of the start-up graph; `None` is the whole record.
    pub fn start_up(&self) -> Option<Span> {
        match (&self.method, self.periods) {
            (_, Periods::SecondAndLastHour) | (Method::Volumetric, _) => Some(Span::hours(2)),
            (method, Periods::StabilisationAndAnalysis) => Some(method.excluded()).filter(|excluded| *excluded > Span::ZERO),
        }
    }
}

/// All of one record under one plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Curves {
    /// The flow in each sample of T0, in order.
    pub start_up: Vec<StartUpPoint>,
    /// Overall error in T1; `None` where nothing was left out, so that there is no T1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub a: Option<OverallError>,
    /// Overall error in T2.
    pub b: OverallError,
    /// Of T1 and T2 where they are the second and the last hour; of T2 alone where it is the analysis period.
    pub trumpets: Vec<Trumpet>,
    /// Of the whole record, less what the method leaves out where T1 is the stabilisation period; `None` without one whole hour, or if an
    /// hour is no whole number of samples.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hours: Option<HourStatistics>,
}

/// T1 or T2, whatever the naming scheme makes of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct StartUpPoint {
    /// End of the sample, since the start of the record.
    pub at: Span,
    /// Mean flow in the sample, µL/h.
    pub flow: Flow,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
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

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trumpet {
    pub period: Period,
    /// Of its analysis period, since the start of the record.
    pub from: Span,
    pub to: Span,
    /// One for each window length of the method, in its order.
    pub points: Vec<TrumpetPoint>,
    /// The same with windows of whole strokes that are whole numbers of samples too; empty if no stroke cycle was told, or no window in the
    /// period is a whole multiple of both. Lengths that come to the same window once.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub strokes: Vec<StrokePoint>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
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
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub floor: Option<PulsatilityFloor>,
}

/// Of consecutive whole hours, counted from the beginning of what is analysed; a last one that is not whole is left out.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct HourStatistics {
    /// At least one.
    pub hours: usize,
    pub mean_percent: f64,
    /// Sample standard deviation; `None` for a single hour.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sd_percent: Option<f64>,
    pub min_percent: f64,
    pub max_percent: f64,
    /// How many of 100 hours err by no more than the plan's limit.
    pub within_percent: f64,
}

/// The errors that a pump of perfect mean flow shows in windows of one length, only because its strokes come whole.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PulsatilityFloor {
    /// %; not below 0.
    pub max_percent: f64,
    /// %; not above 0.
    pub min_percent: f64,
}

/// One point of a trumpet whose windows hold whole strokes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct StrokePoint {
    /// The window length that it stands for.
    pub instead_of: Span,
    /// Strokes in each window.
    pub strokes: u32,
    /// Its `window` is `strokes` times the stroke cycle; its floor is nothing.
    pub point: TrumpetPoint,
}

/// The time from stroke to stroke, volume over rate; `None` unless both are positive and it is longer than nothing.
pub fn stroke_cycle(stroke: Volume, rate: Flow) -> Option<Span> {
    let seconds = stroke.0 / rate.0 * 3_600.0;
    let sound = stroke.0 > 0.0 && rate.0 > 0.0 && seconds.is_finite();
    sound.then(|| Span::from_seconds(seconds)).filter(|cycle| *cycle > Span::ZERO)
}
