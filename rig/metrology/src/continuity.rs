//! Continuity of flow: pauses, reverse flow, the first delivery after a command and what still comes after a stop.
//!
//! One pass over the pulses in constant memory.

use rig_model::quantity::Volume;
use rig_model::time::{RigTime, Span};

/// Watches the pulses of one window. Commands and stops are told in time order among them.
#[derive(Debug, Clone)]
pub struct Continuity {
    opened: RigTime,
    command: Option<RigTime>,
    stop: Option<RigTime>,
    /// The first forward pulse after the command.
    answered: Option<RigTime>,
    first: Option<RigTime>,
    /// The latest forward pulse, and of those up to the stop.
    latest: Option<RigTime>,
    latest_before_stop: Option<RigTime>,
    longest: Option<Gap>,
    reverse: f64,
    after_stop: f64,
}

/// A stretch without delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    pub from: RigTime,
    pub to: RigTime,
}

impl Gap {
    pub fn length(self) -> Span {
        self.to - self.from
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ContinuityFigures {
    /// The longest pause between two forward pulses, up to the stop if there was one; of equals the first. `None` for less than two pulses.
    pub between_pulses: Option<Gap>,
    /// From the opening of the window to the first forward pulse; `None` without one.
    pub to_first: Option<Gap>,
    /// From the last forward pulse up to the stop or the closing, whichever is earlier, to that instant; without a pulse the whole stretch.
    pub from_last: Gap,
    /// Volume of all reverse pulses; not negative.
    pub reverse: Volume,
    /// From the command to the first forward pulse after it; `None` without a command, or if none came.
    pub first_delivery: Option<Span>,
    /// From the stop to the last forward pulse after it: nothing if none came; `None` without a stop.
    pub after_run: Option<Span>,
    /// Net volume after the stop; `None` without a stop.
    pub after_run_volume: Option<Volume>,
}

impl ContinuityFigures {
    /// The longest of all stretches without delivery, those at the window's ends included.
    pub fn longest(&self) -> Gap {
        let gaps = [self.to_first, self.between_pulses, Some(self.from_last)];
        gaps.into_iter().flatten().fold(self.from_last, |longest, gap| if gap.length() > longest.length() { gap } else { longest })
    }
}

impl Gap {
    /// Its length in stroke periods: about 1 is what a sound stroke pump shows. `None` unless the period is longer than nothing.
    pub fn in_strokes(self, stroke_cycle: Span) -> Option<f64> {
        (stroke_cycle > Span::ZERO).then(|| self.length().0 as f64 / stroke_cycle.0 as f64)
    }
}

impl Continuity {
    pub fn new(opened: RigTime) -> Self {
        Self {
            opened,
            command: None,
            stop: None,
            answered: None,
            first: None,
            latest: None,
            latest_before_stop: None,
            longest: None,
            reverse: 0.0,
            after_stop: 0.0,
        }
    }

    /// Delivery was asked for. Of several commands the first counts.
    pub fn command(&mut self, at: RigTime) {
        self.command.get_or_insert(at);
    }

    /// The stop was ordered, or the programmed end had come. Of several the first counts.
    pub fn stop(&mut self, at: RigTime) {
        self.stop.get_or_insert(at);
    }

    /// The next pulse in time order with its volume, negative for one of reverse flow. A pulse at the very instant of a command or stop was
    /// on its way before it.
    pub fn push(&mut self, at: RigTime, volume: Volume) {
        let stopped = self.stop.is_some_and(|stop| at > stop);
        if stopped {
            self.after_stop += volume.0;
        }
        if volume.0 < 0.0 {
            self.reverse -= volume.0;
            return;
        }
        if self.answered.is_none() && self.command.is_some_and(|command| at > command) {
            self.answered = Some(at);
        }
        self.first.get_or_insert(at);
        if !stopped {
            if let Some(from) = self.latest_before_stop {
                let gap = Gap { from, to: at };
                if self.longest.is_none_or(|longest| gap.length() > longest.length()) {
                    self.longest = Some(gap);
                }
            }
            self.latest_before_stop = Some(at);
        }
        self.latest = Some(at);
    }

    /// The figures of the window that closed then.
    pub fn figures(&self, closed: RigTime) -> ContinuityFigures {
        let end = self.stop.map_or(closed, |stop| stop.min(closed)).max(self.opened);
        let late = |stop: RigTime| self.latest.filter(|latest| *latest > stop).map_or(Span::ZERO, |latest| latest - stop);
        ContinuityFigures {
            between_pulses: self.longest,
            to_first: self.first.map(|to| Gap { from: self.opened, to }),
            from_last: Gap { from: self.latest_before_stop.unwrap_or(self.opened), to: end },
            reverse: Volume(self.reverse),
            first_delivery: self.answered.zip(self.command).map(|(answered, command)| answered - command),
            after_run: self.stop.map(late),
            after_run_volume: self.stop.map(|_| Volume(self.after_stop)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: f64) -> RigTime {
        RigTime::ZERO + Span::from_seconds(s)
    }

    fn gap(from: f64, to: f64) -> Gap {
        Gap { from: at(from), to: at(to) }
    }

    /// Opened at 10 s; pulses of 0.5 µL, negative ones given by a negative sign of the second entry.
    fn watched(command: Option<f64>, stop: Option<f64>, pulses: &[(f64, f64)], closed: f64) -> ContinuityFigures {
        let mut continuity = Continuity::new(at(10.0));
        command.into_iter().for_each(|s| continuity.command(at(s)));
        stop.into_iter().for_each(|s| continuity.stop(at(s)));
        pulses.iter().for_each(|(s, sign)| continuity.push(at(*s), Volume(0.5 * sign)));
        continuity.figures(at(closed))
    }

    #[test]
    fn pauses_between_and_at_the_ends_are_told_apart() {
        let figures = watched(None, None, &[(60.0, 1.0), (61.0, 1.0), (90.0, 1.0), (100.0, -1.0), (119.0, 1.0)], 130.0);
        assert_eq!(figures.between_pulses, Some(gap(61.0, 90.0)), "of two that are equal the first; reverse flow is no delivery");
        assert_eq!((figures.to_first, figures.from_last), (Some(gap(10.0, 60.0)), gap(119.0, 130.0)));
        assert_eq!((figures.longest(), figures.reverse), (gap(10.0, 60.0), Volume(0.5)));
        assert_eq!((figures.first_delivery, figures.after_run, figures.after_run_volume), (None, None, None));
        assert_eq!(figures.longest().in_strokes(Span::seconds(20)), Some(2.5));
        assert_eq!(figures.longest().in_strokes(Span::ZERO), None);
    }

    #[test]
    fn a_window_without_a_pulse_is_one_pause() {
        let figures = watched(Some(12.0), Some(40.0), &[], 100.0);
        assert_eq!((figures.to_first, figures.between_pulses, figures.from_last), (None, None, gap(10.0, 40.0)));
        assert_eq!((figures.first_delivery, figures.after_run, figures.after_run_volume), (None, Some(Span::ZERO), Some(Volume(0.0))));
        assert_eq!(watched(None, None, &[(20.0, -1.0)], 100.0).from_last, gap(10.0, 100.0));
    }

    #[test]
    fn command_and_stop() {
        // A pulse with the command's own time stamp was on its way before; so was one with the stop's.
        let pulses = [(11.0, 1.0), (20.0, 1.0), (22.5, 1.0), (40.0, 1.0), (41.0, 1.0), (43.0, 1.0), (44.0, -1.0)];
        let figures = watched(Some(20.0), Some(40.0), &pulses, 100.0);
        assert_eq!(figures.first_delivery, Some(Span::from_seconds(2.5)));
        assert_eq!(figures.after_run, Some(Span::seconds(3)));
        assert_eq!(figures.after_run_volume, Some(Volume(0.5)));
        assert_eq!(figures.between_pulses, Some(gap(22.5, 40.0)), "after the stop silence is no pause");
        assert_eq!(figures.from_last, gap(40.0, 40.0));
    }

    #[test]
    fn of_several_commands_the_first_counts() {
        let mut continuity = Continuity::new(at(0.0));
        continuity.command(at(1.0));
        continuity.command(at(5.0));
        continuity.push(at(6.0), Volume(1.0));
        continuity.stop(at(7.0));
        continuity.stop(at(9.0));
        continuity.push(at(8.0), Volume(1.0));
        let figures = continuity.figures(at(10.0));
        assert_eq!((figures.first_delivery, figures.after_run), (Some(Span::seconds(5)), Some(Span::seconds(1))));
    }
}
