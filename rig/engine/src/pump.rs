//! What the engine believes of the pump from its reports.

use std::collections::VecDeque;

use rig_model::dut::{Alarm, AlarmClass, DutReport, PumpState, PumpStatus, Therapy, Verb};
use rig_model::time::{RigTime, Span};

use crate::tone::Tone;

/// Alarm onsets kept for delays; older ones are only counted.
const MAX_ONSETS: usize = 64;
/// A tone may be heard this long before the link tells of its alarm: the frame takes its time on the wire.
pub const TONE_BEFORE_REPORT: Span = Span::seconds(2);

/// One beginning of an alarm.
#[derive(Debug, Clone, Copy)]
pub struct Onset {
    pub alarm: Alarm,
    pub reported: RigTime,
    pub tone: Option<RigTime>,
}

#[derive(Debug, Default)]
pub struct PumpView {
    pub state: Option<PumpState>,
    pub state_since: RigTime,
    pub alarms: Vec<Alarm>,
    pub status: Option<PumpStatus>,
    /// As it was last asked for.
    pub therapy: Option<Therapy>,
    pub read_back: Option<Vec<Verb>>,
    pub restarts: u64,
    /// The pump's own count of its resets, as told since its last restart.
    resets: Option<u32>,
    pub onset_counts: [u64; Alarm::ALL.len()],
    /// Tones heard, by class.
    pub tone_counts: [u64; AlarmClass::ALL.len()],
    /// When each alarm last ended.
    ended: [Option<RigTime>; Alarm::ALL.len()],
    onsets: VecDeque<Onset>,
    tones: VecDeque<Tone>,
    /// The last tone of each class that an expectation was met by: it meets no other.
    taken: [Option<RigTime>; AlarmClass::ALL.len()],
}

/// What a report changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    State { from: Option<PumpState>, to: PumpState },
    AlarmOn(Alarm),
    AlarmOff(Alarm),
    Restarted,
}

impl PumpView {
    /// Takes a report; polls that change nothing cost next to nothing.
    pub fn report(&mut self, now: RigTime, report: &DutReport, changed: &mut impl FnMut(Change)) {
        match report {
            DutReport::Status(status) => {
                // During its self-test the pump counts a reset that it will tell of when the test is over.
                if status.state != PumpState::SelfTest && self.resets.replace(status.resets).is_some_and(|known| known != status.resets) {
                    self.restarts += 1;
                    changed(Change::Restarted);
                }
                self.set_state(now, status.state, changed);
                if self.alarms != status.alarms {
                    for &alarm in Alarm::ALL {
                        self.set_alarm(now, alarm, status.alarms.contains(&alarm), changed);
                    }
                }
                self.status = Some(status.clone());
            }
            DutReport::AlarmOn(alarm) => self.set_alarm(now, *alarm, true, changed),
            DutReport::AlarmOff(alarm) => self.set_alarm(now, *alarm, false, changed),
            DutReport::State(state) => self.set_state(now, *state, changed),
            DutReport::Restarted => {
                self.restarts += 1;
                self.resets = None;
                changed(Change::Restarted);
            }
            DutReport::Therapy(therapy) => self.therapy = Some(therapy.clone()),
            DutReport::ReadBack(parts) => self.read_back = Some(parts.clone()),
            DutReport::Identity(_) | DutReport::Accepted | DutReport::Refused(_) | DutReport::Log(_) => {}
        }
    }

    /// The alarms that may have sounded this tone: those of its class that were active at some time since it began, and those of which it may be the
    /// first beep, where something ended the tone before the second one was due: the alarm's end, or (`hushed`) what was done.
    pub fn behind(&self, tone: Tone, hushed: bool) -> Vec<Alarm> {
        let may = |alarm: &Alarm| {
            let active = self.alarms.contains(alarm);
            let ended = self.ended[*alarm as usize].is_some_and(|at| at >= tone.began);
            match (alarm.class(), tone.class) {
                (AlarmClass::Critical, AlarmClass::NonCritical) => {
                    // Whoever was told in time may tell late of what came of it.
                    self.ended[*alarm as usize].is_some_and(|at| tone.met_by_end(at)) || (hushed && (active || ended))
                }
                (AlarmClass::NonCritical, AlarmClass::Critical) => false,
                _ => active || ended,
            }
        };
        Alarm::ALL.iter().copied().filter(may).collect()
    }

    pub fn heard(&mut self, tone: Tone) {
        let waiting = self.onsets.iter_mut().rev().find(|o| o.tone.is_none() && o.alarm.class() == tone.class);
        if let Some(onset) = waiting.filter(|o| tone.began >= o.reported - TONE_BEFORE_REPORT) {
            onset.tone = Some(tone.began);
        }
        self.tone_counts[tone.class as usize] += 1;
        if self.tones.len() == MAX_ONSETS {
            self.tones.pop_front();
        }
        self.tones.push_back(tone);
    }

    /// The first tone of the class that began at `since` or later and has not been taken.
    pub fn tone_since(&self, class: AlarmClass, since: RigTime) -> Option<RigTime> {
        let taken = self.taken[class as usize];
        self.tones.iter().find(|t| t.class == class && t.began >= since && Some(t.began) > taken).map(|t| t.began)
    }

    /// When the last tone of the class began, and the one before it, both since then.
    pub fn last_tones(&self, class: AlarmClass, since: RigTime) -> (Option<RigTime>, Option<RigTime>) {
        let mut tones = self.tones.iter().rev().filter(|t| t.class == class && t.began >= since).map(|t| t.began);
        (tones.next(), tones.next())
    }

    /// Whether an alarm of this class began since then.
    pub fn alarmed(&self, class: AlarmClass, since: RigTime) -> bool {
        self.onsets.iter().any(|o| o.alarm.class() == class && o.reported >= since)
    }

    /// Whether no tone of the class, or of any, has begun since then.
    pub fn silent_since(&self, class: Option<AlarmClass>, since: RigTime) -> bool {
        !self.tones.iter().any(|t| class.is_none_or(|class| t.class == class) && t.began >= since)
    }

    /// That tone has met its expectation.
    pub fn take_tone(&mut self, class: AlarmClass, since: RigTime) {
        if let Some(began) = self.tone_since(class, since) {
            self.taken[class as usize] = Some(began);
        }
    }

    /// The power is off: nothing that was told before is known any more.
    pub fn forget(&mut self, now: RigTime) {
        self.state = None;
        self.status = None;
        self.therapy = None;
        self.read_back = None;
        self.resets = None;
        for alarm in self.alarms.drain(..) {
            self.ended[alarm as usize] = Some(now);
        }
    }

    /// The first beginning of the alarm that was reported at `from` or later.
    pub fn onset_since(&self, alarm: Alarm, from: RigTime) -> Option<&Onset> {
        self.onsets.iter().find(|o| o.alarm == alarm && o.reported >= from)
    }

    pub fn last_onset(&self, alarm: Alarm) -> Option<&Onset> {
        self.onsets.iter().rev().find(|o| o.alarm == alarm)
    }

    fn set_state(&mut self, now: RigTime, to: PumpState, changed: &mut impl FnMut(Change)) {
        if self.state != Some(to) {
            let from = self.state.replace(to);
            self.state_since = now;
            changed(Change::State { from, to });
        }
    }

    fn set_alarm(&mut self, now: RigTime, alarm: Alarm, active: bool, changed: &mut impl FnMut(Change)) {
        let known = self.alarms.contains(&alarm);
        if active && !known {
            self.alarms.push(alarm);
            self.alarms.sort();
            self.onset_counts[alarm as usize] += 1;
            let tone = self.tones.iter().rev().find(|t| t.class == alarm.class() && t.began >= now - TONE_BEFORE_REPORT).map(|t| t.began);
            if self.onsets.len() == MAX_ONSETS {
                self.onsets.pop_front();
            }
            self.onsets.push_back(Onset { alarm, reported: now, tone });
            changed(Change::AlarmOn(alarm));
        } else if !active && known {
            self.alarms.retain(|a| *a != alarm);
            self.ended[alarm as usize] = Some(now);
            changed(Change::AlarmOff(alarm));
        }
    }
}
