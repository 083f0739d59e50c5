//! The periods of a record, as ranges of its samples.

use std::ops::Range;

use rig_model::curve::{CurveError, CurvePlan, Periods};
use rig_model::time::Span;

const HOUR: Span = Span::hours(1);

/// Ranges of samples.
pub(super) struct Layout {
    pub t0: Range<usize>,
    pub t1: Option<Range<usize>>,
    pub t2: Range<usize>,
}

/// The periods of a record of so many samples, as ranges of samples.
pub(super) fn layout(plan: &CurvePlan, samples: usize) -> Result<Layout, CurveError> {
    let sample = plan.method.sample();
    let count = |span: Span| (span.0 / sample.0) as usize;
    let has = Span(sample.0 * samples as i64);
    let needs = |needs: Span, what| if has < needs { Err(CurveError::RecordTooShort { has, needs, what }) } else { Ok(()) };
    let start_up = plan.start_up().unwrap_or(has);
    needs(start_up, "the start-up period T0")?;
    let (t1, t2) = match plan.periods {
        Periods::SecondAndLastHour => (Some(count(HOUR)..count(Span::hours(2))), samples - count(HOUR)..samples),
        Periods::StabilisationAndAnalysis => {
            let excluded = plan.method.excluded();
            if has <= excluded {
                return Err(CurveError::NothingLeft { has, excluded });
            }
            (Some(0..count(excluded)).filter(|t1| !t1.is_empty()), count(excluded)..samples)
        }
    };
    plan.windows_fit(Span(sample.0 * t2.len() as i64))?;
    Ok(Layout { t0: 0..count(start_up), t1, t2 })
}
