//! Continuity of flow: pauses, reverse flow, the first delivery after a command and what still comes after a stop.
//!
//! One pass over the pulses in constant memory.

use rig_model::quantity::Volume;
use rig_model::time::{RigTime, Span};

/// Watches the pulses of one window. Starts and stops are told in time order among them, and only those that the pump accepted.
///
/// Silence between a stop and the next start is what was asked for: it is left out of what is judged for gaps, and nothing else is.
#[derive(Debug, Clone)]
pub struct Continuity {
    command: Option<RigTime>,
    /// Whether something had come before the command.
    before_command: bool,
    /// The first stop, and the first start after it.
    stop: Option<RigTime>,
    restart: Option<RigTime>,
    /// The first forward pulse after the command.
    answered: Option<RigTime>,
    latest: Option<RigTime>,
    /// How long the latest forward pulse came after the one before it.
    interval: Option<Span>,
    /// The stretch that is going on; while the pump is stopped the one that the last stop ended.
    stretch: Gap,
    stopped: bool,
    to_first: Option<Gap>,
    between: Option<Gap>,
    at_commands: Option<Gap>,
    reverse: f64,
    after_stop: f64,
    /// The last forward pulse between the stop and the next start, and how long it came after the one before it.
    after_run: Option<(RigTime, Option<Span>)>,
}

/// A stretch without delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    pub from: RigTime,
    pub to: RigTime,
    pub begins: End,
    pub ends: End,
    /// How long the pulse that it begins with came after the one before it.
    pub interval: Option<Span>,
}

/// What a stretch begins or ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Pulse,
    /// A start or a stop.
    Command,
    /// The opening or the closing of the window.
    Window,
}

impl Gap {
    pub fn length(self) -> Span {
        self.to - self.from
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ContinuityFigures {
    /// The longest pause between two forward pulses without a stop between them; of equals the first.
    pub between_pulses: Option<Gap>,
    /// From the opening of the window to the first forward pulse; `None` without one, or if a stop came before it.
    pub to_first: Option<Gap>,
    /// The longest stretch that a start began, or that a stop ended with a start behind it.
    pub at_commands: Option<Gap>,
    /// The last stretch: from the last forward pulse, or what else it begins with, up to the stop after which nothing was started, or to the
    /// closing.
    pub from_last: Gap,
    /// Volume of all reverse pulses; not negative.
    pub reverse: Volume,
    /// From the first start to the first forward pulse after it; `None` without a start, or if none came.
    pub first_delivery: Option<Span>,
    /// Whether a forward pulse came between the opening and the first start.
    pub before_command: bool,
    /// From the first stop to the last forward pulse before the next start: nothing if none came; `None` without a stop.
    pub after_run: Option<Span>,
    /// How long that pulse came after the one before it.
    pub after_run_interval: Option<Span>,
    /// Net volume from the first stop to the next start; `None` without a stop.
    pub after_run_volume: Option<Volume>,
    /// How long the pump was watched after the first stop: up to the next start or the closing.
    pub watched_after_stop: Option<Span>,
}

impl ContinuityFigures {
    /// The longest of all stretches without delivery, those at the window's ends and at starts and stops included.
    pub fn longest(&self) -> Gap {
        [self.to_first, self.between_pulses, self.at_commands, Some(self.from_last)].into_iter().flatten().fold(self.from_last, longer)
    }
}

fn longer(one: Gap, other: Gap) -> Gap {
    if other.length() > one.length() { other } else { one }
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
            command: None,
            before_command: false,
            stop: None,
            restart: None,
            answered: None,
            latest: None,
            interval: None,
            stretch: Gap { from: opened, to: opened, begins: End::Window, ends: End::Window, interval: None },
            stopped: false,
            to_first: None,
            between: None,
            at_commands: None,
            reverse: 0.0,
            after_stop: 0.0,
            after_run: None,
        }
    }

    /// The pump was started. For the first delivery the first counts.
    pub fn command(&mut self, at: RigTime) {
        if self.command.is_none() {
            (self.command, self.before_command) = (Some(at), self.latest.is_some());
        }
        if self.stop.is_some() {
            self.restart.get_or_insert(at);
        }
        if self.stopped {
            self.at_commands = Some(self.at_commands.map_or(self.stretch, |longest| longer(longest, self.stretch)));
            self.stretch = Gap { from: at, to: at, begins: End::Command, ends: End::Window, interval: None };
            self.stopped = false;
        }
    }

    /// The pump was stopped, or the programmed end had come. For what runs after it the first counts.
    pub fn stop(&mut self, at: RigTime) {
        self.stop.get_or_insert(at);
        if !self.stopped {
            self.stretch = Gap { to: at, ends: End::Command, ..self.stretch };
            self.stopped = true;
        }
    }

    /// The next pulse in time order with its volume, negative for one of reverse flow. A pulse at the very instant of a command or stop was
    /// on its way before it.
    pub fn push(&mut self, at: RigTime, volume: Volume) {
        let runs_after = self.stop.is_some_and(|stop| at > stop) && self.restart.is_none_or(|restart| at <= restart);
        if runs_after {
            self.after_stop += volume.0;
        }
        if volume.0 < 0.0 {
            self.reverse -= volume.0;
            return;
        }
        match self.command {
            Some(command) if at > command => _ = self.answered.get_or_insert(at),
            Some(_) => self.before_command = true,
            None => {}
        }
        self.interval = self.latest.map(|latest| at - latest);
        self.latest = Some(at);
        if runs_after {
            self.after_run = Some((at, self.interval));
        }
        self.ends_stretch(at);
    }

    fn ends_stretch(&mut self, at: RigTime) {
        let Gap { from, to, begins, .. } = self.stretch;
        let asked_for = if self.stopped { at > to } else { begins == End::Command && at <= from };
        if asked_for {
            return;
        }
        let gap = Gap { to: at, ends: End::Pulse, ..self.stretch };
        let longest = match begins {
            End::Window => &mut self.to_first,
            End::Pulse => &mut self.between,
            End::Command => &mut self.at_commands,
        };
        *longest = Some(longest.map_or(gap, |longest| longer(longest, gap)));
        self.stretch = Gap { from: at, to: to.max(at), begins: End::Pulse, ends: self.stretch.ends, interval: self.interval };
    }

    /// The figures of the window that closed then.
    pub fn figures(&self, closed: RigTime) -> ContinuityFigures {
        let Gap { from, to, .. } = self.stretch;
        let from_last = match self.stopped && to <= closed {
            true => self.stretch,
            false => Gap { to: closed.max(from), ends: End::Window, ..self.stretch },
        };
        let until = self.restart.map_or(closed, |restart| restart.min(closed));
        ContinuityFigures {
            between_pulses: self.between,
            to_first: self.to_first,
            at_commands: self.at_commands,
            from_last,
            reverse: Volume(self.reverse),
            first_delivery: self.answered.zip(self.command).map(|(answered, command)| answered - command),
            before_command: self.before_command,
            after_run: self.stop.map(|stop| self.after_run.map_or(Span::ZERO, |(at, _)| at - stop)),
            after_run_interval: self.after_run.and_then(|(_, interval)| interval),
            after_run_volume: self.stop.map(|_| Volume(self.after_stop)),
            watched_after_stop: self.stop.map(|stop| until.max(stop) - stop),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::End::{Command, Pulse, Window};
    use super::*;

    fn at(s: f64) -> RigTime {
        RigTime::ZERO + Span::from_seconds(s)
    }

    /// Where it lies, and what it begins and ends with.
    fn place(gap: Gap) -> (f64, f64, End, End) {
        ((gap.from - RigTime::ZERO).as_seconds(), (gap.to - RigTime::ZERO).as_seconds(), gap.begins, gap.ends)
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
        let between = figures.between_pulses.unwrap();
        assert_eq!(place(between), (61.0, 90.0, Pulse, Pulse), "of two that are equal the first; reverse flow is no delivery");
        assert_eq!(between.interval, Some(Span::seconds(1)));
        assert_eq!(place(figures.to_first.unwrap()), (10.0, 60.0, Window, Pulse));
        assert_eq!(place(figures.from_last), (119.0, 130.0, Pulse, Window));
        assert_eq!((figures.longest(), figures.reverse), (figures.to_first.unwrap(), Volume(0.5)));
        assert_eq!((figures.first_delivery, figures.after_run, figures.after_run_volume), (None, None, None));
        assert_eq!(figures.longest().in_strokes(Span::seconds(20)), Some(2.5));
        assert_eq!(figures.longest().in_strokes(Span::ZERO), None);
    }

    #[test]
    fn a_window_without_a_pulse_is_one_pause() {
        let figures = watched(Some(12.0), Some(40.0), &[], 100.0);
        assert_eq!((figures.to_first, figures.between_pulses, place(figures.from_last)), (None, None, (10.0, 40.0, Window, Command)));
        assert_eq!((figures.first_delivery, figures.after_run, figures.after_run_volume), (None, Some(Span::ZERO), Some(Volume(0.0))));
        assert_eq!(place(watched(None, None, &[(20.0, -1.0)], 100.0).from_last), (10.0, 100.0, Window, Window));
    }

    #[test]
    fn command_and_stop() {
        // A pulse with the command's own time stamp was on its way before; so was one with the stop's.
        let pulses = [(11.0, 1.0), (20.0, 1.0), (22.5, 1.0), (40.0, 1.0), (41.0, 1.0), (43.0, 1.0), (44.0, -1.0)];
        let figures = watched(Some(20.0), Some(40.0), &pulses, 100.0);
        assert_eq!(figures.first_delivery, Some(Span::from_seconds(2.5)));
        assert_eq!(figures.after_run, Some(Span::seconds(3)));
        assert_eq!(figures.after_run_volume, Some(Volume(0.5)));
        assert_eq!(figures.after_run_interval, Some(Span::seconds(2)));
        assert_eq!(figures.watched_after_stop, Some(Span::seconds(60)));
        assert!(figures.before_command);
        assert_eq!(place(figures.between_pulses.unwrap()), (22.5, 40.0, Pulse, Pulse), "after the stop silence is no pause");
        assert_eq!(place(figures.from_last), (40.0, 40.0, Pulse, Command));
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

    #[test]
    fn a_start_after_a_stop_is_judged_again() {
        let mut continuity = Continuity::new(at(0.0));
        continuity.stop(at(5.0));
        continuity.push(at(6.0), Volume(1.0));
        continuity.command(at(20.0));
        // The first gap after the start, and a longer one between pulses.
        continuity.push(at(27.0), Volume(1.0));
        continuity.push(at(28.0), Volume(1.0));
        continuity.push(at(58.0), Volume(1.0));
        let figures = continuity.figures(at(80.0));
        assert_eq!(figures.to_first, None, "what runs after a stop ends no silence");
        assert_eq!(place(figures.at_commands.unwrap()), (20.0, 27.0, Command, Pulse));
        assert_eq!(place(figures.longest()), (28.0, 58.0, Pulse, Pulse));
        assert_eq!(place(figures.from_last), (58.0, 80.0, Pulse, Window));
        // What came after the start is no after-run.
        assert_eq!((figures.after_run, figures.after_run_volume), (Some(Span::seconds(1)), Some(Volume(1.0))));
        assert_eq!(figures.watched_after_stop, Some(Span::seconds(15)));
        // Silence from the start to the closing; the one between stop and start is left out.
        continuity.stop(at(81.0));
        continuity.command(at(500.0));
        assert_eq!(place(continuity.figures(at(540.0)).longest()), (500.0, 540.0, Command, Window));
    }
}
