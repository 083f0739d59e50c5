//! A volume record on a grid of sample instants: what start-up graph and trumpet curve are computed from.
//!
//! The volume at a grid instant is all that came up to and with that instant, so that a sample holds what came in the half-open
//! stretch (previous instant, instant]: samples that follow each other share no pulse and lose none. Pulses are discrete and are
//! never spread over samples. Memory is one number for each sample; no pulse is kept.

use rig_model::quantity::Volume;
use rig_model::time::{RigTime, Span};

/// Samples of one record at the most: four years at the interval of 0.5 min. 32 MiB.
pub const MAX_SAMPLES: usize = 1 << 22;

/// Cumulative volume at equally spaced instants.
#[derive(Debug, Clone, PartialEq)]
pub struct VolumeSeries {
    start: RigTime,
    step: Span,
    /// µL since the start, at the start and at the end of each sample: one more than there are samples.
    cumulative: Vec<f64>,
}

/// Why there is no record on a grid.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SeriesError {
    #[error("the sample interval must be longer than nothing, not {0}")]
    Step(Span),
    #[error("the times must increase: {at} comes after {before}")]
    NotIncreasing { at: RigTime, before: RigTime },
    #[error("the volume at {0} is not a finite number")]
    NotFinite(RigTime),
    #[error("the record has more than {MAX_SAMPLES} samples")]
    TooLong,
    #[error("the record of {has} is too short: it does not hold one whole sample of {step}")]
    TooShort { has: Span, step: Span },
    #[error("the record has no samples")]
    Empty,
}

impl VolumeSeries {
    /// From volumes in µL at the instants `start`, `start + step`, … in that order. They are taken relative to the first.
    pub fn from_cumulative(start: RigTime, step: Span, volumes: Vec<f64>) -> Result<Self, SeriesError> {
        positive(step)?;
        if volumes.len() > MAX_SAMPLES + 1 {
            return Err(SeriesError::TooLong);
        }
        let Some(&first) = volumes.first() else { return Err(SeriesError::Empty) };
        if let Some(i) = volumes.iter().position(|v| !v.is_finite()) {
            return Err(SeriesError::NotFinite(RigTime(start.0.saturating_add(step.0.saturating_mul(i as i64)))));
        }
        if volumes.len() < 2 {
            return Err(SeriesError::TooShort { has: Span::ZERO, step });
        }
        Ok(Self { start, step, cumulative: volumes.into_iter().map(|v| v - first).collect() })
    }

    pub fn start(&self) -> RigTime {
        self.start
    }

    /// The sample interval S.
    pub fn step(&self) -> Span {
        self.step
    }

    /// At least one.
    pub fn samples(&self) -> usize {
        self.cumulative.len() - 1
    }

    /// From the start to the end of the last sample.
    pub fn length(&self) -> Span {
        Span(self.step.0 * self.samples() as i64)
    }

    /// Volume in µL since the start, at the start (0) and at the end of each sample: one more than there are samples.
    pub fn cumulative(&self) -> &[f64] {
        &self.cumulative
    }
}

fn positive(step: Span) -> Result<(), SeriesError> {
    if step > Span::ZERO { Ok(()) } else { Err(SeriesError::Step(step)) }
}

/// Makes a record of raw pulses, one at a time in time order.
#[derive(Debug, Clone)]
pub struct PulseSampler {
    start: RigTime,
    step: Span,
    /// End of the sample that is being filled.
    end: RigTime,
    latest: RigTime,
    /// µL that came in it so far. Summed apart from the whole, so that a long record keeps its last digits.
    in_sample: f64,
    cumulative: Vec<f64>,
    trouble: Option<SeriesError>,
}

impl PulseSampler {
    /// Sampling begins at `start`; what came up to and with that instant belongs to no sample.
    pub fn new(start: RigTime, step: Span) -> Result<Self, SeriesError> {
        positive(step)?;
        Ok(Self {
            start,
            step,
            end: start.saturating_add(step),
            latest: RigTime(i64::MIN),
            in_sample: 0.0,
            cumulative: vec![0.0],
            trouble: None,
        })
    }

    /// The next pulse with its volume, negative for one of reverse flow. Pulses may share an instant. What is wrong with one is told at the end.
    #[inline]
    pub fn push(&mut self, at: RigTime, volume: Volume) {
        if at < self.latest || !volume.0.is_finite() {
            self.object(at, volume);
            return;
        }
        self.latest = at;
        if at > self.end {
            self.close_up_to(at);
        }
        if at > self.start {
            self.in_sample += volume.0;
        }
    }

    /// The record up to `end`. A sample that is not whole by then is not in it, nor is what came in it or later.
    pub fn finish(mut self, end: RigTime) -> Result<VolumeSeries, SeriesError> {
        // An instant later than the end: samples that end with it are whole.
        self.close_up_to(end.saturating_add(Span(1)));
        if let Some(trouble) = self.trouble {
            return Err(trouble);
        }
        let has = Span(end.0.saturating_sub(self.start.0));
        let whole = has.0.max(0) / self.step.0;
        if whole == 0 {
            return Err(SeriesError::TooShort { has, step: self.step });
        }
        // Pulses later than the end have closed more samples than there are.
        self.cumulative.truncate(whole as usize + 1);
        Ok(VolumeSeries { start: self.start, step: self.step, cumulative: self.cumulative })
    }

    /// Completes the samples that end before `at`.
    fn close_up_to(&mut self, at: RigTime) {
        while at > self.end && self.trouble.is_none() {
            if self.cumulative.len() > MAX_SAMPLES {
                self.trouble = Some(SeriesError::TooLong);
                return;
            }
            let before = self.cumulative[self.cumulative.len() - 1];
            self.cumulative.push(before + self.in_sample);
            self.in_sample = 0.0;
            self.end = self.end.saturating_add(self.step);
        }
    }

    #[cold]
    fn object(&mut self, at: RigTime, volume: Volume) {
        let found = if volume.0.is_finite() { SeriesError::NotIncreasing { at, before: self.latest } } else { SeriesError::NotFinite(at) };
        self.trouble.get_or_insert(found);
    }
}

/// Makes a record of cumulative volumes that something else has measured, at instants of its own.
///
/// The grid begins at the first of them. A grid instant at which there is no reading gets a value by linear interpolation between
/// the readings on both sides; how many those are, and how far apart readings are at most, comes with the result, to be told.
#[derive(Debug, Clone)]
pub struct RecordSampler {
    step: Span,
    /// The latest reading; none at the beginning.
    latest: Option<(RigTime, f64)>,
    start: RigTime,
    next: RigTime,
    cumulative: Vec<f64>,
    readings: usize,
    interpolated: usize,
    widest: Span,
}

/// A foreign record on the grid.
#[derive(Debug, Clone, PartialEq)]
pub struct Resampled {
    pub series: VolumeSeries,
    pub readings: usize,
    /// Grid instants that lay between two readings.
    pub interpolated: usize,
    /// The longest time between two readings. Windows shorter than that partly show straight lines.
    pub widest: Span,
}

impl RecordSampler {
    pub fn new(step: Span) -> Result<Self, SeriesError> {
        positive(step)?;
        Ok(Self {
            step,
            latest: None,
            start: RigTime::ZERO,
            next: RigTime::ZERO,
            cumulative: Vec::new(),
            readings: 0,
            interpolated: 0,
            widest: Span::ZERO,
        })
    }

    /// The next reading: an instant later than the one before, and the volume that had come by then since any fixed instant.
    pub fn push(&mut self, at: RigTime, volume: Volume) -> Result<(), SeriesError> {
        if !volume.0.is_finite() {
            return Err(SeriesError::NotFinite(at));
        }
        self.readings += 1;
        let Some((before, volume_before)) = self.latest.replace((at, volume.0)) else {
            (self.start, self.next) = (at, at.saturating_add(self.step));
            self.cumulative.push(volume.0);
            return Ok(());
        };
        if at <= before {
            return Err(SeriesError::NotIncreasing { at, before });
        }
        self.widest = self.widest.max(at - before);
        while self.next <= at {
            if self.cumulative.len() > MAX_SAMPLES {
                return Err(SeriesError::TooLong);
            }
            let value = if self.next == at {
                volume.0
            } else {
                self.interpolated += 1;
                let part = (self.next - before).0 as f64 / (at - before).0 as f64;
                volume_before + (volume.0 - volume_before) * part
            };
            self.cumulative.push(value);
            self.next = self.next.saturating_add(self.step);
        }
        Ok(())
    }

    /// The record up to the last grid instant that a reading reached.
    pub fn finish(self) -> Result<Resampled, SeriesError> {
        let Some((last, _)) = self.latest else { return Err(SeriesError::Empty) };
        if self.cumulative.len() < 2 {
            return Err(SeriesError::TooShort { has: last - self.start, step: self.step });
        }
        let series = VolumeSeries::from_cumulative(self.start, self.step, self.cumulative)?;
        Ok(Resampled { series, readings: self.readings, interpolated: self.interpolated, widest: self.widest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(s: f64) -> RigTime {
        RigTime::ZERO + Span::from_seconds(s)
    }

    /// Pulses of 1 µL at these seconds, sampled every 10 s from `start` to `end`.
    fn pulses(start: f64, end: f64, at: &[f64]) -> Result<Vec<f64>, SeriesError> {
        let mut sampler = PulseSampler::new(seconds(start), Span::seconds(10)).unwrap();
        at.iter().for_each(|s| sampler.push(seconds(*s), Volume(1.0)));
        sampler.finish(seconds(end)).map(|series| series.cumulative().to_vec())
    }

    #[test]
    fn a_pulse_belongs_to_the_sample_that_ends_with_it() {
        assert_eq!(pulses(0.0, 30.0, &[0.0, 5.0, 10.0, 10.000000001, 30.0]), Ok(vec![0.0, 2.0, 3.0, 4.0]));
        // Before the start, and after the last whole sample.
        assert_eq!(pulses(100.0, 129.9, &[3.0, 100.0, 101.0, 125.0, 180.0]), Ok(vec![0.0, 1.0, 1.0]));
        // A pause fills samples with nothing, and so does the end.
        assert_eq!(pulses(0.0, 50.0, &[1.0, 35.0]), Ok(vec![0.0, 1.0, 1.0, 1.0, 2.0, 2.0]));
        assert_eq!(pulses(0.0, 20.0, &[]), Ok(vec![0.0, 0.0, 0.0]));
    }

    #[test]
    fn reverse_pulses_take_away() {
        let mut sampler = PulseSampler::new(RigTime::ZERO, Span::seconds(10)).unwrap();
        for (at, volume) in [(1.0, 0.5), (2.0, -0.25), (11.0, -0.5)] {
            sampler.push(seconds(at), Volume(volume));
        }
        assert_eq!(sampler.finish(seconds(20.0)).unwrap().cumulative(), [0.0, 0.25, -0.25]);
    }

    #[test]
    fn pulses_that_are_no_record() {
        let refused = |end, at: &[f64]| pulses(0.0, end, at).unwrap_err();
        assert_eq!(refused(20.0, &[5.0, 4.0]), SeriesError::NotIncreasing { at: seconds(4.0), before: seconds(5.0) });
        assert_eq!(refused(9.9, &[5.0]), SeriesError::TooShort { has: Span::from_seconds(9.9), step: Span::seconds(10) });
        assert_eq!(pulses(50.0, 20.0, &[]).unwrap_err(), SeriesError::TooShort { has: -Span::seconds(30), step: Span::seconds(10) });
        assert_eq!(refused(1e9, &[5.0]), SeriesError::TooLong);
        let mut sampler = PulseSampler::new(RigTime::ZERO, Span::seconds(10)).unwrap();
        sampler.push(seconds(3.0), Volume(f64::NAN));
        sampler.push(seconds(2.0), Volume(1.0));
        assert_eq!(sampler.finish(seconds(20.0)), Err(SeriesError::NotFinite(seconds(3.0))), "the first trouble is told");
        for step in [Span::ZERO, -Span::seconds(1)] {
            assert_eq!(PulseSampler::new(RigTime::ZERO, step).unwrap_err(), SeriesError::Step(step));
            assert_eq!(RecordSampler::new(step).unwrap_err(), SeriesError::Step(step));
        }
    }

    /// Readings (s, µL) sampled every 10 s.
    fn resampled(readings: &[(f64, f64)]) -> Result<Resampled, SeriesError> {
        let mut sampler = RecordSampler::new(Span::seconds(10))?;
        readings.iter().try_for_each(|(at, volume)| sampler.push(seconds(*at), Volume(*volume)))?;
        sampler.finish()
    }

    #[test]
    fn readings_on_the_grid_are_taken_as_they_are() {
        let record = resampled(&[(7.0, 100.0), (17.0, 101.0), (27.0, 103.5)]).unwrap();
        assert_eq!(record.series.cumulative(), [0.0, 1.0, 3.5]);
        assert_eq!((record.series.start(), record.series.length()), (seconds(7.0), Span::seconds(20)));
        assert_eq!((record.readings, record.interpolated, record.widest), (3, 0, Span::seconds(10)));
    }

    #[test]
    fn readings_beside_the_grid_are_joined_by_straight_lines() {
        let record = resampled(&[(0.0, 0.0), (4.0, 4.0), (36.0, 8.0), (39.0, 9.0)]).unwrap();
        assert_eq!(record.series.cumulative(), [0.0, 4.75, 6.0, 7.25]);
        assert_eq!((record.readings, record.interpolated, record.widest), (4, 3, Span::seconds(32)));
    }

    #[test]
    fn readings_that_are_no_record() {
        let twice = SeriesError::NotIncreasing { at: seconds(5.0), before: seconds(5.0) };
        assert_eq!(resampled(&[(0.0, 0.0), (5.0, 0.0), (5.0, 1.0)]), Err(twice));
        assert!(matches!(resampled(&[(0.0, 0.0), (5.0, f64::NAN)]), Err(SeriesError::NotFinite(_))));
        assert!(matches!(resampled(&[(0.0, f64::INFINITY)]), Err(SeriesError::NotFinite(_))));
        assert_eq!(resampled(&[(0.0, 0.0), (9.0, 1.0)]), Err(SeriesError::TooShort { has: Span::seconds(9), step: Span::seconds(10) }));
        assert_eq!(resampled(&[(0.0, 0.0)]), Err(SeriesError::TooShort { has: Span::ZERO, step: Span::seconds(10) }));
        assert_eq!(resampled(&[]), Err(SeriesError::Empty));
        assert_eq!(resampled(&[(0.0, 0.0), (1e9, 1.0)]), Err(SeriesError::TooLong));
    }

    #[test]
    fn volumes_that_are_no_series() {
        let of = |volumes: &[f64]| VolumeSeries::from_cumulative(RigTime::ZERO, Span::seconds(10), volumes.to_vec());
        assert_eq!(of(&[5.0, 6.0]).unwrap().cumulative(), [0.0, 1.0]);
        assert_eq!(of(&[]), Err(SeriesError::Empty));
        assert!(matches!(of(&[1.0]), Err(SeriesError::TooShort { .. })));
        assert_eq!(of(&[1.0, f64::NAN]), Err(SeriesError::NotFinite(seconds(10.0))));
    }
}
