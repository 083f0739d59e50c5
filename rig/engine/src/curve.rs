//! Curves of a window: sampled while it is open, computed when it closes.
//!
//! Pulses are sampled as whole numbers and become volumes at the end, when the K-factor that stands for all of them is known.

use rig_metrology::{FlowMeter, Gate, Measured, PulseSampler, Pulses, StrokeRecord, VolumeSeries, curves, share, spread};
use rig_model::bench::{FlowSensor, Stroke};
use rig_model::curve::{CurvePlan, Curves, OverallError, Period, Trumpet, TrumpetPoint, stroke_cycle};
use rig_model::input::Sense;
use rig_model::quantity::{Flow, Volume};
use rig_model::scenario::{CurveAsked, HourStatistic, Rolling, WindowQuantity};
use rig_model::time::{RigTime, Span};

const HOUR: Span = Span::hours(1);

#[derive(Debug)]
pub struct CurveData {
    pub plan: CurvePlan,
    /// Windows of whole strokes that checks ask for.
    asked: Vec<u32>,
    /// Memory is bounded by the samples that a scenario may ask for, see `MAX_CURVE_SAMPLES` there.
    sampler: Option<PulseSampler>,
    /// Bounded by [`rig_metrology::MAX_RECORDED_STROKES`]; only where the stroke cycle is known.
    strokes: Option<StrokeRecord>,
    /// Once the window has closed.
    pub outcome: Option<Result<Computed, String>>,
}

#[derive(Debug)]
pub struct Computed {
    pub curves: Curves,
    series: VolumeSeries,
    k_factor: f64,
}

/// One value of a curve as a row has it.
pub struct Value {
    pub statistic: &'static str,
    pub measured: Measured,
    pub n: Option<u64>,
    pub window: Option<Span>,
    /// Of two extremes, the limit that this one is judged by.
    pub side: Option<Side>,
    /// What came for certain makes it a lower bound.
    pub from_below: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Upper,
    Lower,
}

impl CurveData {
    pub fn new(asked: &CurveAsked, sensor: &FlowSensor, stroke: Option<Stroke>, at: RigTime) -> Self {
        let mut plan = asked.plan.clone();
        plan.stroke_cycle = plan.stroke_cycle.or_else(|| stroke_cycle(stroke?.volume, plan.rate));
        Self {
            asked: asked.strokes.clone(),
            // A plan that a scenario has been read with has a sample interval.
            sampler: PulseSampler::new(at, plan.method.sample()).ok(),
            strokes: plan.stroke_cycle.map(|_| StrokeRecord::new(sensor.stroke_gap)),
            plan,
            outcome: None,
        }
    }

    pub fn push(&mut self, at: RigTime, sense: Sense) {
        let pulse = Volume(if sense == Sense::Reverse { -1.0 } else { 1.0 });
        if let Some(sampler) = &mut self.sampler {
            sampler.push(at, pulse);
        }
        if let Some(strokes) = &mut self.strokes {
            strokes.push(at, pulse);
        }
    }

    pub fn close(&mut self, at: RigTime, k_factor: f64) {
        let Some(sampler) = self.sampler.take() else { return };
        self.outcome = Some(self.compute(sampler, at, k_factor));
    }

    fn compute(&self, sampler: PulseSampler, at: RigTime, k_factor: f64) -> Result<Computed, String> {
        let pulses = sampler.finish(at).map_err(|why| why.to_string())?;
        let volumes = pulses.cumulative().iter().map(|n| n / k_factor).collect();
        let series = VolumeSeries::from_cumulative(pulses.start(), pulses.step(), volumes).map_err(|why| why.to_string())?;
        let mut curves = curves(&series, &self.plan).map_err(|why| why.to_string())?;
        for trumpet in &mut curves.trumpets {
            trumpet.strokes = self.of_strokes(trumpet, &series, k_factor, self.plan.within_percent);
        }
        Ok(Computed { curves, series, k_factor })
    }

    /// The trumpet of whole strokes from the pulses themselves, which no grid of samples blurs.
    fn of_strokes(&self, of: &Trumpet, series: &VolumeSeries, k_factor: f64, within: f64) -> Vec<rig_model::curve::StrokePoint> {
        let (Some(record), Some(cycle)) = (&self.strokes, self.plan.stroke_cycle) else { return Vec::new() };
        let asked = self.asked.iter().map(|n| Span(cycle.0.saturating_mul(i64::from(*n))));
        let windows: Vec<Span> = self.plan.method.windows().iter().copied().chain(asked).collect();
        let (from, to) = (series.start() + of.from, series.start() + of.to);
        record.trumpet(from, to, &windows, cycle, Flow(self.plan.rate.0 * k_factor), within)
    }

    /// The values that a check asks for; why there are none, as a sentence.
    pub fn values(&self, meter: &FlowMeter<'_>, quantity: WindowQuantity) -> Result<Vec<Value>, String> {
        let computed = match &self.outcome {
            Some(Ok(computed)) => computed,
            Some(Err(why)) => return Err(why.clone()),
            None => return Err("no curve was sampled".to_owned()),
        };
        let of = Judged { data: self, computed, meter };
        let value = |value: Option<Value>| value.map(|v| vec![v]).ok_or_else(|| "nothing could be computed".to_owned());
        match quantity {
            WindowQuantity::Trumpet { period, window } => of.extremes(period, window),
            WindowQuantity::WindowsWithin { period, window } => of.within(period, window),
            WindowQuantity::OverallError(Period::T1) => {
                let a = computed.curves.a.ok_or("nothing was left out, so there is no T1 and no error A")?;
                value(of.overall(&a))
            }
            WindowQuantity::OverallError(Period::T2) => value(of.overall(&computed.curves.b)),
            WindowQuantity::HourError(statistic) => of.hours(statistic),
            _ => Err("a curve has no such value".to_owned()),
        }
    }
}

struct Judged<'a> {
    data: &'a CurveData,
    computed: &'a Computed,
    meter: &'a FlowMeter<'a>,
}

/// Errors of windows of one length.
struct Point {
    of: TrumpetPoint,
    gate: Gate,
}

impl Judged<'_> {
    fn point(&self, curves: &Curves, period: Period, window: Rolling, within: f64) -> Option<Point> {
        let trumpet = curves.trumpets.iter().find(|t| t.period == period)?;
        match window {
            Rolling::Every(span) => trumpet.points.iter().find(|p| p.window == span).map(|of| Point { of: *of, gate: Gate::Free }),
            Rolling::Strokes(n) => {
                let points = self.data.of_strokes(trumpet, &self.computed.series, self.computed.k_factor, within);
                points.into_iter().find(|p| p.strokes == n).map(|p| Point { of: p.point, gate: Gate::Interpolated })
            }
        }
    }

    fn asked(&self, period: Period, window: Rolling) -> Result<Point, String> {
        self.point(&self.computed.curves, period, window, self.data.plan.within_percent).ok_or_else(|| match window {
            Rolling::Strokes(_) if self.data.plan.stroke_cycle.is_none() => "no stroke volume is stated".to_owned(),
            _ => format!("no such window lies in {}", period.name()),
        })
    }

    /// One window's error with its budget.
    fn window(&self, window: Span, gate: Gate, percent: f64) -> Option<Measured> {
        let k_factor = self.computed.k_factor;
        let rate = self.data.plan.rate.0;
        let net = rate * (1.0 + percent / 100.0) * window.as_hours() * k_factor;
        self.meter.mean_flow(Pulses { net, k_factor }, gate, window).map(|flow| flow.percent_error(rate))
    }

    fn extremes(&self, period: Period, window: Rolling) -> Result<Vec<Value>, String> {
        let Point { of, gate } = self.asked(period, window)?;
        let n = of.windows as u64;
        let value = |statistic, percent, side| {
            let measured = self.window(of.window, gate, percent)?.extreme_of(n);
            Some(Value { statistic, measured, n: Some(n), window: Some(of.window), side: Some(side), from_below: side == Side::Upper })
        };
        let both = [value("maximum-of-windows", of.max_percent, Side::Upper), value("minimum-of-windows", of.min_percent, Side::Lower)];
        Ok(both.into_iter().flatten().collect())
    }

    /// The share at the limit, and at the limit moved by the uncertainty of a window that lies on it.
    fn within(&self, period: Period, window: Rolling) -> Result<Vec<Value>, String> {
        let Point { of, gate } = self.asked(period, window)?;
        let limit = self.data.plan.within_percent;
        let moved = |by: f64| {
            let plan = CurvePlan { within_percent: limit + by, ..self.data.plan.clone() };
            let curves = curves(&self.computed.series, &plan).ok()?;
            self.point(&curves, period, window, limit + by).map(|p| p.of.within_percent)
        };
        let u = self.window(of.window, gate, limit).map(|m| m.estimate.expanded());
        let measured = moved_share(of.within_percent, limit, u, moved)?;
        Ok(vec![Value {
            statistic: "share-of-windows",
            measured,
            n: Some(of.windows as u64),
            window: Some(of.window),
            side: None,
            from_below: false,
        }])
    }

    fn overall(&self, overall: &OverallError) -> Option<Value> {
        let measured = self.window(overall.to - overall.from, Gate::Free, overall.error_percent)?;
        let n = (overall.volume.0 * self.computed.k_factor).round().max(0.0) as u64;
        Some(Value { statistic: "single", measured, n: Some(n), window: Some(overall.to - overall.from), side: None, from_below: true })
    }

    fn hours(&self, statistic: HourStatistic) -> Result<Vec<Value>, String> {
        let none = || "there is no whole hour in the analysed part".to_owned();
        let hours = self.computed.curves.hours.ok_or_else(none)?;
        let n = hours.hours as u64;
        let limit = self.data.plan.within_percent;
        let (name, from_below) = match statistic {
            HourStatistic::Mean => ("mean-of-hours", true),
            HourStatistic::Sd => ("sd-of-hours", false),
            HourStatistic::Max => ("maximum-of-hours", true),
            HourStatistic::Min => ("minimum-of-hours", true),
            HourStatistic::Within => ("share-of-hours", false),
        };
        let measured = match statistic {
            HourStatistic::Mean => self.window(Span(HOUR.0.saturating_mul(hours.hours as i64)), Gate::Free, hours.mean_percent),
            HourStatistic::Max => self.window(HOUR, Gate::Free, hours.max_percent).map(|m| m.extreme_of(n)),
            HourStatistic::Min => self.window(HOUR, Gate::Free, hours.min_percent).map(|m| m.extreme_of(n)),
            HourStatistic::Sd => {
                let sd = hours.sd_percent.ok_or_else(|| "a single hour has no standard deviation".to_owned())?;
                let pulse = 100.0 / (self.computed.k_factor * self.data.plan.rate.0);
                Some(spread(sd, n, pulse, self.meter, self.computed.k_factor))
            }
            HourStatistic::Within => {
                let moved = |by: f64| {
                    let plan = CurvePlan { within_percent: limit + by, ..self.data.plan.clone() };
                    curves(&self.computed.series, &plan).ok()?.hours.map(|h| h.within_percent)
                };
                let u = self.window(HOUR, Gate::Free, limit).map(|m| m.estimate.expanded());
                Some(moved_share(hours.within_percent, limit, u, moved)?)
            }
        };
        let measured = measured.ok_or_else(none)?;
        Ok(vec![Value { statistic: name, measured, n: Some(n), window: Some(HOUR), side: None, from_below }])
    }
}

/// The share within a limit, with what lies nearer to it than `u`.
fn moved_share(at: f64, limit: f64, u: Option<f64>, moved: impl Fn(f64) -> Option<f64>) -> Result<Measured, String> {
    let unknown = || "the uncertainty of a window is not known, so that nothing is known of how many lie within a limit".to_owned();
    let u = u.filter(|u| u.is_finite()).ok_or_else(unknown)?;
    // A limit below the uncertainty: of no window can it be said that it lies within.
    let low = if u > limit { 0.0 } else { moved(-u).ok_or_else(unknown)? };
    Ok(share(at, low, moved(u).ok_or_else(unknown)?))
}
