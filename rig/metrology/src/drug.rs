//! Drug that comes with a flow: pulses of a flow sensor, each with the concentration that a photometer at the same place read.
//!
//! A photometer tells a reading when what it sees has changed by a step, and from time to time. Between two readings the concentration lies
//! within the two, a step beyond either at the most. What came between them is taken with their mean, and may err by all of that.

use std::collections::VecDeque;
use std::fmt;

use rig_model::Name;
use rig_model::bench::DrugSensor;
use rig_model::budget::{Component, Origin};
use rig_model::quantity::Concentration;
use rig_model::time::{RigTime, Span};

use crate::estimate::Estimate;
use crate::k_curve::usable;
use crate::measured::{Measured, certified, rectangular};
use crate::sensor::{FlowMeter, Gate, counting};

/// Pulses that may wait for the photometer's next reading: an hour at 6 mL/h with 10 pulses/µL, where readings come each minute.
pub const MAX_WAITING_PULSES: usize = 1 << 16;
/// What came later after a reading than this many of the longest pauses that the photometer states came unseen, unless the next reading
/// follows it within one.
const SILENT_AFTER: f64 = 3.0;
/// Bins to one window of a family: what one bin holds is not known to lie in a window or not.
const BINS: usize = 144;
/// 1 µg/mL is so many µg/µL.
const PER_MICROLITRE: f64 = 1e-3;

/// Pulses, each times the concentration that it came with, in pulses·µg/mL.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct DrugSum {
    /// At best estimate.
    pub weighted: f64,
    /// How far it may be off, either way.
    pub half_width: f64,
}

impl DrugSum {
    fn add(&mut self, other: Self) {
        self.weighted += other.weighted;
        self.half_width += other.half_width;
    }
}

/// Why the drug in a window can't be told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NotDosed {
    NoReading,
    /// So many pulses came before the first reading.
    Before(u64),
    /// It told nothing for so long, in s, though something should come at the latest after so long.
    Silent {
        seconds: f64,
        every: Span,
    },
    /// More pulses came between two readings than are kept.
    TooMany,
}

impl fmt::Display for NotDosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoReading => f.write_str("the photometer told no reading"),
            Self::Before(pulses) => write!(f, "{pulses} pulses came before the photometer's first reading"),
            Self::Silent { seconds, every } => {
                write!(f, "a pulse came {seconds:.1} s after the photometer's last reading, and it states one every {every} at the least")
            }
            Self::TooMany => write!(f, "more than {MAX_WAITING_PULSES} pulses came between two readings of the photometer"),
        }
    }
}

/// Gathers the drug of one stretch of time. Pulses and readings come each in the order of their times; a batch of pulses may reach beyond
/// the next reading.
#[derive(Debug, Clone)]
pub struct DrugIntegrator {
    step: f64,
    every: Span,
    from: RigTime,
    last: Option<(RigTime, f64)>,
    /// Pulses since the last reading.
    waiting: VecDeque<(RigTime, i8)>,
    sum: DrugSum,
    windows: Vec<DrugWindows>,
    most: Option<f64>,
    readings: u64,
    trouble: Option<NotDosed>,
}

impl DrugIntegrator {
    /// `before` is the photometer's last reading up to then, which still holds; `windows` are lengths of rolling windows.
    pub fn new(sensor: &DrugSensor, from: RigTime, before: Option<(RigTime, f64)>, windows: &[Span]) -> Self {
        let mut gathered = Self {
            step: sensor.step.0,
            every: sensor.every,
            from,
            last: None,
            waiting: VecDeque::new(),
            sum: DrugSum::default(),
            windows: windows.iter().map(|window| DrugWindows::new(*window, from)).collect(),
            most: None,
            readings: 0,
            trouble: None,
        };
        gathered.last = before;
        gathered.most = before.map(|(_, value)| value);
        gathered
    }

    /// A pulse forward (1) or back (−1).
    pub fn pulse(&mut self, at: RigTime, net: i8) {
        if self.waiting.len() >= MAX_WAITING_PULSES {
            self.trouble.get_or_insert(NotDosed::TooMany);
            return;
        }
        self.waiting.push_back((at, net));
    }

    /// A sound reading in µg/mL.
    pub fn reading(&mut self, at: RigTime, value: f64) {
        self.readings += 1;
        self.most = Some(self.most.map_or(value, |most| most.max(value)));
        let Some(last) = self.last.replace((at, value)) else {
            let unread = self.waiting.iter().take_while(|(pulse, _)| *pulse <= at).count();
            self.waiting.drain(..unread);
            if unread > 0 {
                self.trouble.get_or_insert(NotDosed::Before(unread as u64));
            }
            return;
        };
        self.settle(last, Some((at, value)));
    }

    /// Nothing more comes. Once is enough.
    pub fn close(&mut self, at: RigTime) {
        match self.last {
            Some(last) => self.settle(last, None),
            None => self.trouble = Some(NotDosed::NoReading),
        }
        self.windows.iter_mut().for_each(|windows| windows.close(at));
    }

    /// Why what was gathered is not to be used.
    pub fn trouble(&self) -> Option<NotDosed> {
        self.trouble
    }

    pub fn sum(&self) -> DrugSum {
        self.sum
    }

    /// Extremes over all windows of this length; `None` if it was not asked for.
    pub fn windows(&self, length: Span) -> Option<&DrugWindows> {
        self.windows.iter().find(|windows| windows.window == length)
    }

    /// The last reading, which may be from before the beginning.
    pub fn last(&self) -> Option<f64> {
        self.last.map(|(_, value)| value)
    }

    /// When and for how long nothing was read by `at` that tells what came last; `None` where the last reading still holds.
    pub fn stale(&self, at: RigTime) -> Option<NotDosed> {
        let Some((last, _)) = self.last else { return Some(NotDosed::NoReading) };
        let seconds = (at - last).as_seconds();
        (seconds > SILENT_AFTER * self.every.as_seconds()).then_some(NotDosed::Silent { seconds, every: self.every })
    }

    /// The highest reading, that before the beginning with them.
    pub fn most(&self) -> Option<f64> {
        self.most
    }

    /// Readings since the beginning.
    pub fn readings(&self) -> u64 {
        self.readings
    }

    /// What came up to the next reading, or after the last, came between these.
    fn settle(&mut self, (last, a): (RigTime, f64), next: Option<(RigTime, f64)>) {
        let (until, b) = next.unwrap_or((RigTime::MAX, a));
        let (mean, half) = ((a + b) / 2.0, self.step + (b - a).abs() / 2.0);
        let seen_until = last + Span::from_seconds(SILENT_AFTER * self.every.as_seconds());
        let seen_from = next.map(|(at, _)| at - self.every);
        while let Some((at, net)) = self.waiting.front().copied().filter(|(at, _)| *at <= until) {
            self.waiting.pop_front();
            if at > seen_until && seen_from.is_none_or(|from| at < from) {
                self.trouble.get_or_insert(NotDosed::Silent { seconds: (at - last).as_seconds(), every: self.every });
            }
            let net = f64::from(net);
            let came = DrugSum { weighted: net * mean, half_width: net.abs() * half };
            self.sum.add(came);
            self.windows.iter_mut().for_each(|windows| windows.add(at.max(self.from), came));
        }
    }
}

/// The most and the least drug in any window of one length, in bounded memory: what comes is put into bins of time, so that what lies in a
/// window is known up to the bin at either end.
#[derive(Debug, Clone)]
pub struct DrugWindows {
    window: Span,
    bin: Span,
    from: RigTime,
    /// Number of the bin that is being filled.
    filling: i64,
    current: DrugSum,
    bins: VecDeque<DrugSum>,
    most: Bounds,
    least: Option<Bounds>,
    closed: Option<RigTime>,
}

/// An extreme of windows lies between the two.
#[derive(Debug, Clone, Copy, Default)]
struct Bounds {
    inner: DrugSum,
    outer: DrugSum,
}

impl Bounds {
    /// The middle between the two, and what is between them as a width of its own.
    fn middle(self) -> (DrugSum, f64) {
        let weighted = (self.inner.weighted + self.outer.weighted) / 2.0;
        let half_width = self.inner.half_width.max(self.outer.half_width);
        (DrugSum { weighted, half_width }, (self.outer.weighted - self.inner.weighted).abs() / 2.0)
    }
}

impl DrugWindows {
    fn new(window: Span, from: RigTime) -> Self {
        // Rounded up, so that a window is never longer than its bins together.
        let bin = Span((window.0 / BINS as i64 + i64::from(window.0 % BINS as i64 != 0)).max(1));
        let (current, most) = (DrugSum::default(), Bounds::default());
        Self { window, bin, from, filling: 0, current, bins: VecDeque::new(), most, least: None, closed: None }
    }

    fn add(&mut self, at: RigTime, came: DrugSum) {
        self.fill_to((at - self.from).0 / self.bin.0);
        self.current.add(came);
    }

    fn fill_to(&mut self, bin: i64) {
        // After so many empty bins one more changes nothing.
        let mut left = (bin - self.filling).clamp(0, BINS as i64 + 2);
        self.filling = self.filling.max(bin);
        while left > 0 {
            left -= 1;
            let full = std::mem::take(&mut self.current);
            self.push(full);
        }
    }

    fn push(&mut self, bin: DrugSum) {
        if self.bins.len() > BINS {
            self.bins.pop_front();
        }
        self.bins.push_back(bin);
        let of_last = |n: usize| {
            let mut sum = DrugSum::default();
            self.bins.iter().rev().take(n).for_each(|bin| sum.add(*bin));
            sum
        };
        let (less, same, more) = (of_last(BINS - 1), of_last(BINS), of_last(BINS + 1));
        let fuller = |a: DrugSum, b: DrugSum| if b.weighted > a.weighted { b } else { a };
        self.most = Bounds { inner: fuller(self.most.inner, same), outer: fuller(self.most.outer, more) };
        if self.bins.len() >= BINS {
            let emptier = |a: DrugSum, b: DrugSum| if b.weighted < a.weighted { b } else { a };
            let least = self.least.unwrap_or(Bounds { inner: less, outer: same });
            self.least = Some(Bounds { inner: emptier(least.inner, less), outer: emptier(least.outer, same) });
        }
    }

    fn close(&mut self, at: RigTime) {
        self.fill_to((at - self.from).0 / self.bin.0);
        let rest = std::mem::take(&mut self.current);
        // What is left belongs to the fullest windows; a bin that is not full says nothing of the emptiest.
        let least = self.least;
        self.push(rest);
        self.least = least;
        self.closed = Some(at);
    }

    /// The fullest window and half the range that bins leave, in pulses·µg/mL. Windows that began before the first pulse count with what
    /// came in them.
    pub fn most(&self) -> (DrugSum, f64) {
        self.most.middle()
    }

    /// The emptiest of all windows between beginning and close; `None` where none is that long.
    pub fn least(&self) -> Option<(DrugSum, f64)> {
        self.least.map(Bounds::middle)
    }

    /// Whether one window at the least lies between beginning and close.
    pub fn complete(&self) -> bool {
        self.closed.is_some_and(|at| at - self.from >= self.window)
    }

    /// How many there are, as far as bins can tell them apart.
    pub fn count(&self) -> u64 {
        2 * u64::try_from(self.filling + 1).unwrap_or(1)
    }
}

/// A flow sensor with the photometer at its place, as budgets know them.
#[derive(Debug, Clone, Copy)]
pub struct DrugMeter<'a> {
    pub flow: FlowMeter<'a>,
    pub sensor: &'a DrugSensor,
    pub certificate: Option<&'a Name>,
}

impl DrugMeter<'_> {
    /// Drug in µg. Its budget is that of the volume, each part with the concentration that it can have come with (`most` at the most), the
    /// photometer's certificate, and what happened between its readings.
    pub fn mass(&self, sum: DrugSum, k_factor: f64, window: Span, most: Concentration) -> Measured {
        let k = usable(k_factor);
        let value = self.flow.with_missed(sum.weighted / k) * PER_MICROLITRE;
        let per_volume = (most.0.max(0.0) + self.sensor.step.0) * PER_MICROLITRE;
        let pulses = counting(0.0, k, Gate::Free);
        let bound = pulses.bound.map(|bound| bound * per_volume);
        let mut budget = vec![Component { sensitivity: pulses.sensitivity * per_volume, bound, ..pulses }];
        self.flow.relative(value, k, &mut budget);
        let start_stop = self.flow.sensor.accuracy.start_stop.0;
        if start_stop != 0.0 {
            let row = rectangular("start and stop", start_stop, "µL", per_volume, Origin::Datasheet);
            budget.push(Component { common: true, bound: None, ..row });
        }
        let zero = self.flow.sensor.zero_uncertainty;
        if zero != 0.0 {
            budget.push(certified("zero", 0.0, "µL/h", Some(zero), window.as_hours() * per_volume, self.flow.certificate));
        }
        budget.push(self.photometer(value));
        budget.push(rectangular("between readings", sum.half_width / k * PER_MICROLITRE, "µg", 1.0, Origin::Derived));
        Measured::new(value, budget)
    }

    /// The same of an extreme of windows, with half the range that their bins leave.
    pub fn extreme_mass(&self, (sum, bins): (DrugSum, f64), k_factor: f64, window: Span, most: Concentration, members: u64) -> Measured {
        let row = rectangular("bins of time", bins / usable(k_factor) * PER_MICROLITRE, "µg", 1.0, Origin::Derived);
        self.mass(sum, k_factor, window, most).with(row).extreme_of(members)
    }

    /// Concentration in µg/mL by a reading, and up to the next one. Outside the photometer's range it is kept to be shown, and no verdict
    /// rests on it.
    pub fn concentration(&self, reading: f64) -> Measured {
        if !in_range(reading, self.sensor) {
            return Estimate::new(reading, f64::INFINITY, f64::INFINITY).into();
        }
        let step = rectangular("between readings", self.sensor.step.0, "µg/mL", 1.0, Origin::Datasheet);
        Measured::new(reading, vec![self.photometer(reading), step])
    }

    fn photometer(&self, value: f64) -> Component {
        certified("photometer", 0.0, "%", self.sensor.uncertainty_percent, value / 100.0, self.certificate)
    }
}

/// Whether a reading is one that the photometer can vouch for. Around zero it may show a step less than nothing.
pub fn in_range(reading: f64, sensor: &DrugSensor) -> bool {
    reading >= -sensor.step.0 && reading <= sensor.max.0
}
