//! A straight line through the readings of a balance while the pump stands still, in bounded memory.

use std::fmt;

use rig_model::time::RigTime;

/// Blocks whose means are compared with the line: from this number on, and below twice as many. Readings of a balance depend on their
/// neighbours (its filter, its drift, its rounding), so that dividing their scatter by √n would promise too much; means of long blocks don't.
const BLOCKS: usize = 16;
/// With fewer readings in a block its mean would remember the block before.
const MIN_BLOCK: u64 = 8;
/// Readings that are needed at the least.
pub const MIN_REST_READINGS: u64 = BLOCKS as u64 * MIN_BLOCK;

/// The indication of a balance while nothing is delivered: a line through its middle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rest {
    /// The first and the last reading.
    pub from: RigTime,
    pub to: RigTime,
    /// The mean time of the readings, at which height and slope of the line are not correlated.
    pub middle: RigTime,
    /// The line there, mg.
    pub indication: f64,
    /// Its slope, mg/h; negative as liquid evaporates.
    pub rate: f64,
    /// Standard uncertainties from the scatter of the blocks' means, mg and mg/h, and their degrees of freedom.
    pub u_indication: f64,
    pub u_rate: f64,
    pub dof: f64,
}

impl Rest {
    /// The line at an instant, mg.
    pub fn indication_at(&self, at: RigTime) -> f64 {
        self.indication + self.rate * (at - self.middle).as_hours()
    }
}

/// Why readings are no rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoRest {
    /// How many there were.
    TooFew(u64),
    /// One was no number: overload, or out of range.
    NoNumber,
    /// They go back in time, or stand still in it.
    OutOfOrder,
    /// The readings of whole blocks have one time.
    NoTime,
}

/// Collects readings. The least-squares line is of all of them; its uncertainty comes from means of at most 31 blocks.
#[derive(Debug, Clone)]
pub struct RestFit {
    resolution: f64,
    /// The first reading: times and masses are kept from there, which keeps their digits.
    first: Option<(RigTime, f64)>,
    last: RigTime,
    all: Sums,
    blocks: Vec<Mean>,
    /// Readings in a full block.
    per_block: u64,
    /// The block that is being filled.
    filling: Mean,
}

/// Mean time (h) and mean mass (mg) of some readings.
#[derive(Debug, Clone, Copy, Default)]
struct Mean {
    n: u64,
    t: f64,
    m: f64,
}

impl Mean {
    fn add(&mut self, t: f64, m: f64) {
        self.n += 1;
        let n = self.n as f64;
        self.t += (t - self.t) / n;
        self.m += (m - self.m) / n;
    }
}

/// Sums of squares about the means (Welford), for a line.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    mean: Mean,
    tt: f64,
    tm: f64,
}

impl Sums {
    fn add(&mut self, t: f64, m: f64) {
        let before = self.mean;
        self.mean.add(t, m);
        self.tt += (t - before.t) * (t - self.mean.t);
        self.tm += (t - before.t) * (m - self.mean.m);
    }
}

impl RestFit {
    /// `resolution` is the step of the indication, mg: the line is not known better than to it.
    pub fn new(resolution: f64) -> Self {
        Self {
            resolution,
            first: None,
            last: RigTime::ZERO,
            all: Sums::default(),
            blocks: Vec::with_capacity(2 * BLOCKS),
            per_block: MIN_BLOCK,
            filling: Mean::default(),
        }
    }

    /// The next reading, mg.
    ///
    /// # Errors
    /// It is no number, or not later than the one before; it is not taken then.
    pub fn push(&mut self, at: RigTime, mg: f64) -> Result<(), NoRest> {
        if !mg.is_finite() {
            return Err(NoRest::NoNumber);
        }
        let (began, zero) = *self.first.get_or_insert((at, mg));
        if self.all.mean.n > 0 && at <= self.last {
            return Err(NoRest::OutOfOrder);
        }
        self.last = at;
        let (t, m) = ((at - began).as_hours(), mg - zero);
        self.all.add(t, m);
        self.filling.add(t, m);
        if self.filling.n == self.per_block {
            self.blocks.push(std::mem::take(&mut self.filling));
            if self.blocks.len() == 2 * BLOCKS {
                self.merge();
            }
        }
        Ok(())
    }

    pub fn readings(&self) -> u64 {
        self.all.mean.n
    }

    /// The line through what was collected.
    ///
    /// # Errors
    /// There were too few readings for one.
    pub fn finish(&self) -> Result<Rest, NoRest> {
        let Some((began, zero)) = self.first.filter(|_| self.blocks.len() >= BLOCKS) else {
            return Err(NoRest::TooFew(self.readings()));
        };
        let rate = self.all.tm / self.all.tt;
        let mut means = Sums::default();
        self.blocks.iter().for_each(|block| means.add(block.t, block.m));
        if !(self.all.tt > 0.0 && means.tt > 0.0) {
            return Err(NoRest::NoTime);
        }
        let slope = means.tm / means.tt;
        let off = |block: &Mean| block.m - means.mean.m - slope * (block.t - means.mean.t);
        let k = self.blocks.len() as f64;
        let scatter = self.blocks.iter().map(|block| off(block) * off(block)).sum::<f64>() / (k - 2.0);
        // A balance that shows the same step for ever has no scatter: each end of the line is within half a step all the same.
        let length = (self.last - began).as_hours();
        let rounding = self.resolution / 6f64.sqrt() / length;
        Ok(Rest {
            from: began,
            to: self.last,
            middle: began + rig_model::time::Span((self.all.mean.t * 3.6e12).round() as i64),
            indication: zero + self.all.mean.m,
            rate,
            u_indication: (scatter / k).sqrt(),
            u_rate: (scatter / means.tt + rounding * rounding).sqrt(),
            dof: k - 2.0,
        })
    }

    /// Two blocks become one.
    fn merge(&mut self) {
        let pairs = self.blocks.chunks_exact(2).map(|pair| Mean {
            n: pair[0].n + pair[1].n,
            t: f64::midpoint(pair[0].t, pair[1].t),
            m: f64::midpoint(pair[0].m, pair[1].m),
        });
        self.blocks = pairs.collect();
        self.per_block *= 2;
    }
}

impl fmt::Display for NoRest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFew(n) => {
                write!(
                    f,
                    "a rest of the balance needs {MIN_REST_READINGS} readings and not {n}: let the pump stand still for longer, or read more often"
                )
            }
            Self::NoNumber => f.write_str("a reading of the balance was no number: look for overload"),
            Self::OutOfOrder => f.write_str("readings of the balance are not in the order of time"),
            Self::NoTime => f.write_str("readings of the balance have all one time"),
        }
    }
}

impl std::error::Error for NoRest {}
