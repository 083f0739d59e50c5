//! The alarm output: which pattern sounds and when its next edge is.

use pump_link::AlarmClass;

use crate::Output;
use crate::config::Tones;
use crate::time::Micros;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pattern {
    Chirp,
    Alarm(AlarmClass),
}

impl Pattern {
    /// Level, and how long until the next step; the alarms' patterns repeat. `None` beyond the last step.
    fn step(self, number: usize, tones: &Tones) -> Option<(bool, u64)> {
        let beep = tones.beep_us;
        let two_beeps = beep.saturating_mul(2).saturating_add(tones.pause_us);
        match (self, number) {
            (Self::Chirp, 0) => Some((true, tones.chirp_us)),
            (Self::Chirp, 1) => Some((false, 0)),
            (Self::Alarm(_), 0) => Some((true, beep)),
            (Self::Alarm(AlarmClass::NonCritical), 1) => Some((false, tones.non_critical_every_us.saturating_sub(beep))),
            (Self::Alarm(AlarmClass::Critical), 1) => Some((false, tones.pause_us)),
            (Self::Alarm(AlarmClass::Critical), 2) => Some((true, beep)),
            (Self::Alarm(AlarmClass::Critical), 3) => Some((false, tones.critical_every_us.saturating_sub(two_beeps))),
            _ => None,
        }
    }
}

#[derive(Debug, Clone, Default)]
pub struct Sounder {
    tones: Tones,
    playing: Option<Pattern>,
    /// When the last beep began with which the pattern starts.
    began: Micros,
    step: usize,
    due: Option<Micros>,
    line: bool,
}

impl Sounder {
    pub fn new(tones: Tones) -> Self {
        Self { tones, ..Self::default() }
    }

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

    /// Something new is to be heard: this class's pattern from its beginning, unless a worse one sounds.
    pub fn sound_anew(&mut self, class: AlarmClass, now: Micros, out: &mut dyn FnMut(Output<'_>)) {
        match self.playing {
            // Two beeps close to each other are a critical alarm: the one that has just sounded serves both.
            Some(Pattern::Alarm(playing)) if playing > class || (playing == class && now.since(self.began) < self.told_apart_us()) => {}
            _ => self.play(Pattern::Alarm(class), now, out),
        }
    }

    /// The next edge. Steps count from when the last one really was, so that a late caller hears no burst of edges.
    pub fn advance(&mut self, now: Micros, out: &mut dyn FnMut(Output<'_>)) {
        let Some(pattern) = self.playing else {
            self.due = None;
            return;
        };
        let next = self.step.saturating_add(1);
        self.step = if pattern.step(next, &self.tones).is_some() { next } else { 0 };
        self.enter(pattern, now, out);
        if pattern == Pattern::Chirp && !self.line {
            self.playing = None;
            self.due = None;
        }
    }

    /// Beeps that begin further apart than this are heard as two.
    fn told_apart_us(&self) -> u64 {
        self.tones.beep_us.saturating_add(self.tones.pause_us.saturating_mul(5))
    }

    fn play(&mut self, pattern: Pattern, now: Micros, out: &mut dyn FnMut(Output<'_>)) {
        // A pattern begins with a rising edge, even where another one has the line up.
        self.set(false, out);
        self.playing = Some(pattern);
        self.step = 0;
        self.enter(pattern, now, out);
    }

    fn enter(&mut self, pattern: Pattern, now: Micros, out: &mut dyn FnMut(Output<'_>)) {
        if let Some((level, wait)) = pattern.step(self.step, &self.tones) {
            if self.step == 0 {
                self.began = now;
            }
            self.set(level, out);
            self.due = Some(now.plus(wait));
        }
    }

    fn set(&mut self, level: bool, out: &mut dyn FnMut(Output<'_>)) {
        if self.line != level {
            self.line = level;
            out(Output::AlarmLine(level));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    #[test]
    fn two_milder_alarms_in_a_row_never_sound_like_a_critical_one() {
        for (later_us, beeps) in [(1_u64, 1), (500_000, 1), (1_299_999, 1), (1_300_000, 2)] {
            let mut rises: Vec<u64> = Vec::new();
            let mut sounder = Sounder::new(Tones::default());
            let mut now = 0;
            sounder.sound_anew(AlarmClass::NonCritical, Micros(now), &mut |_| rises.push(0));
            while let Some(due) = sounder.due().filter(|due| due.0 < later_us) {
                now = due.0;
                sounder.advance(due, &mut |_| {});
            }
            assert!(now < later_us);
            sounder.sound_anew(AlarmClass::NonCritical, Micros(later_us), &mut |output| {
                if output == Output::AlarmLine(true) {
                    rises.push(later_us);
                }
            });
            assert_eq!(rises.len(), beeps, "{later_us} µs later");
        }
    }
}
