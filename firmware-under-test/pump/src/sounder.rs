//! The alarm output: which pattern sounds and when its next edge is.

use pump_link::AlarmClass;

use crate::Output;
use crate::time::Micros;

/// At power-on, so that the patient and the bench hear that the sounder works.
pub const CHIRP_US: u64 = 50_000;
pub const BEEP_US: u64 = 300_000;
/// Between the two beeps of a critical alarm.
pub const PAUSE_US: u64 = 200_000;
/// About once an hour: DOMAIN §2.2.
pub const NON_CRITICAL_EVERY_US: u64 = 3_600_000_000;
/// 10 min: DOMAIN §2.2.
pub const CRITICAL_EVERY_US: u64 = 600_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pattern {
    Chirp,
    Alarm(AlarmClass),
}

impl Pattern {
    /// Level, and how long until the next step; the alarms' patterns repeat.
    const fn steps(self) -> &'static [(bool, u64)] {
        match self {
            Self::Chirp => &[(true, CHIRP_US), (false, 0)],
            Self::Alarm(AlarmClass::NonCritical) => &[(true, BEEP_US), (false, NON_CRITICAL_EVERY_US - BEEP_US)],
            Self::Alarm(AlarmClass::Critical) => {
                &[(true, BEEP_US), (false, PAUSE_US), (true, BEEP_US), (false, CRITICAL_EVERY_US - 2 * BEEP_US - PAUSE_US)]
            }
        }
    }
}

#[derive(Debug, Clone, Default)]
pub struct Sounder {
    playing: Option<Pattern>,
    step: usize,
    due: Option<Micros>,
    line: bool,
}

impl Sounder {
    pub const fn due(&self) -> Option<Micros> {
        self.due
    }

    pub fn chirp(&mut self, now: Micros, out: &mut dyn FnMut(Output<'_>)) {
        self.play(Pattern::Chirp, now, out);
    }

    /// The class that is to sound from now on. The same as before keeps its rhythm; another begins at once.
    pub fn sound(&mut self, class: Option<AlarmClass>, now: Micros, out: &mut dyn FnMut(Output<'_>)) {
        match (class, self.playing) {
            (None, None | Some(Pattern::Chirp)) => {}
            (None, Some(Pattern::Alarm(_))) => {
                self.playing = None;
                self.due = None;
                self.set(false, out);
            }
            (Some(class), Some(Pattern::Alarm(playing))) if class == playing => {}
            (Some(class), _) => self.play(Pattern::Alarm(class), now, out),
        }
    }

    /// The next edge. Steps count from when the last one really was, so that a late caller hears no burst of edges.
    pub fn advance(&mut self, now: Micros, out: &mut dyn FnMut(Output<'_>)) {
        let Some(pattern) = self.playing else {
            self.due = None;
            return;
        };
        let next = self.step.saturating_add(1);
        self.step = if next < pattern.steps().len() { next } else { 0 };
        self.enter(pattern, now, out);
        if pattern == Pattern::Chirp && !self.line {
            self.playing = None;
            self.due = None;
        }
    }

    fn play(&mut self, pattern: Pattern, now: Micros, out: &mut dyn FnMut(Output<'_>)) {
        // A pattern begins with a rising edge, even where another one has the line up.
        self.set(false, out);
        self.playing = Some(pattern);
        self.step = 0;
        self.enter(pattern, now, out);
    }

    fn enter(&mut self, pattern: Pattern, now: Micros, out: &mut dyn FnMut(Output<'_>)) {
        if let Some((level, wait)) = pattern.steps().get(self.step) {
            self.set(*level, out);
            self.due = Some(now.plus(*wait));
        }
    }

    fn set(&mut self, level: bool, out: &mut dyn FnMut(Output<'_>)) {
        if self.line != level {
            self.line = level;
            out(Output::AlarmLine(level));
        }
    }
}
