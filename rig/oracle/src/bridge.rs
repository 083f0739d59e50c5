//! What is left of an old drug between the pump and the tip, and goes out ahead of the basal delivery: once for each change of concentration, and what
//! was cut off of it at the next start.

use rig_model::time::{RigTime, Span};

use crate::band::{TOLERANCE, timing};

/// The bridge that is in force.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bridge {
    /// As prescribed, µL and µL/h.
    volume: f64,
    rate: f64,
    /// What is still to go out, µL, at the least and at the most; what runs is still counted.
    left: (f64, f64),
    /// What goes out at the moment.
    runs: Option<Runs>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Runs {
    /// When it began, at the earliest and at the latest.
    from: (RigTime, RigTime),
    /// From then on something may have ended it.
    sure_to: Option<RigTime>,
}

/// What a start begins of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Due {
    /// µL, at the least and at the most.
    pub volume: (f64, f64),
    /// µL/h.
    pub rate: f64,
}

impl Due {
    /// In which time it goes out, at the least and at the most.
    pub fn over(&self) -> (Span, Span) {
        let at = |volume: f64| Span((volume / self.rate.max(1e-3) * 3.6e12) as i64);
        (at(self.volume.0), at(self.volume.1))
    }
}

impl Bridge {
    /// The concentration changed: all of it is due.
    pub fn new(volume: f64, rate: f64) -> Self {
        Self { volume, rate, left: (volume, volume), runs: None }
    }

    /// The concentration changed again before it was over. How much of the older drugs the line holds then is nowhere prescribed.
    pub fn again(&mut self) {
        (self.left, self.runs) = ((0.0, self.volume), None);
    }

    /// What the next start begins; nothing while it runs.
    pub fn due(&self) -> Option<Due> {
        self.runs.is_none().then_some(Due { volume: self.left, rate: self.rate })
    }

    /// It began between these two instants.
    pub fn begin(&mut self, earliest: RigTime, latest: RigTime) {
        self.runs = Some(Runs { from: (earliest, latest), sure_to: None });
    }

    /// A start that would have begun it was not answered.
    pub fn perhaps_begun(&mut self) {
        self.left.0 = 0.0;
    }

    /// When what runs is over, at the earliest and at the latest.
    pub fn ends(&self) -> Option<(RigTime, RigTime)> {
        let Runs { from, .. } = self.runs?;
        let (least, most) = Due { volume: self.left, rate: self.rate }.over();
        Some((from.0 + Span((least.0 as f64 * (1.0 - TOLERANCE)) as i64), from.1.saturating_add(most + timing(most))))
    }

    /// From now on it may have ended.
    pub fn doubt(&mut self, now: RigTime) {
        if let Some(runs) = &mut self.runs {
            runs.sure_to.get_or_insert(now);
        }
    }

    /// From when on something may have ended it.
    pub fn doubted(&self) -> Option<RigTime> {
        self.runs.and_then(|runs| runs.sure_to)
    }

    /// What was doubted since turned out to be nothing.
    pub fn doubted_only(&mut self, sure_to: Option<RigTime>) {
        if let Some(runs) = &mut self.runs {
            runs.sure_to = sure_to;
        }
    }

    /// It ended by now at the latest. Whether anything is left of it: what was ordered to go out by then has gone, to within the tolerance and the
    /// stroke that was under way.
    pub fn cut(&mut self, now: RigTime, stroke: f64) -> bool {
        let Some(Runs { from, sure_to }) = self.runs.take() else { return true };
        let ordered = |from: RigTime, to: RigTime| (to - from).max(Span::ZERO).as_hours() * self.rate;
        let gone = (
            (ordered(from.1, sure_to.unwrap_or(now)) * (1.0 - TOLERANCE) - stroke).max(0.0),
            ordered(from.0, now) * (1.0 + TOLERANCE) + stroke,
        );
        self.left = ((self.left.0 - gone.1).max(0.0), self.left.1 - gone.0);
        self.left.1 > 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: f64) -> RigTime {
        RigTime((hours * 3.6e12) as i64)
    }

    #[test]
    fn what_was_cut_off_is_due_again_and_no_more() {
        let mut bridge = Bridge::new(200.0, 10.0);
        assert_eq!(bridge.due(), Some(Due { volume: (200.0, 200.0), rate: 10.0 }));
        bridge.begin(at(1.0), at(1.0));
        assert_eq!(bridge.due(), None, "it is under way");
        assert_eq!(bridge.ends(), Some((at(19.8), at(21.0) + Span::seconds(10))));
        assert!(bridge.cut(at(11.0), 1.0));
        assert_eq!(bridge.due(), Some(Due { volume: (200.0 - 107.0, 200.0 - 93.0), rate: 10.0 }));
        bridge.begin(at(20.0), at(20.0));
        assert!(!bridge.cut(at(40.0), 1.0), "all of it has gone");
    }

    #[test]
    fn what_may_have_been_cut_off_before_may_be_left() {
        let mut bridge = Bridge::new(200.0, 10.0);
        bridge.begin(at(1.0), at(1.0));
        bridge.doubt(at(2.0));
        bridge.doubt(at(3.0));
        assert_eq!(bridge.doubted(), Some(at(2.0)));
        let mut went_on = bridge.clone();
        went_on.doubted_only(None);
        assert!(!went_on.cut(at(30.0), 1.0), "it had all the time that it takes");
        assert!(bridge.cut(at(30.0), 1.0));
        assert_eq!(bridge.due().map(|due| due.volume), Some((0.0, 200.0 - 8.4)));
        bridge.again();
        assert_eq!(bridge.due().map(|due| due.volume), Some((0.0, 200.0)));
    }
}
