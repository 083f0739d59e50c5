//! Which alarms are active, which of them were acknowledged or silenced, and what of that is to be heard.

use heapless::Deque;
use pump_link::{Alarm, AlarmClass, Alarms};

use crate::config::Tones;
use crate::time::{Micros, earlier};

/// Those that hold the pump in [`pump_link::State::Halted`].
pub const LATCHED: Alarms = Alarms::NONE
    .with(Alarm::EmptyReservoir)
    .with(Alarm::Occlusion)
    .with(Alarm::MotorStall)
    .with(Alarm::EndOfService)
    .with(Alarm::WatchdogReset)
    .with(Alarm::AlarmRepeated)
    .with(Alarm::Overheated);
/// Those that outlive a loss of power; the others are found again. What a withdrawn volume was held against, and what a limit refused, can't be.
pub const KEPT: Alarms = LATCHED.with(Alarm::SettingsCorrupted).with(Alarm::RefillDiscrepancy).with(Alarm::DoseLimit);
/// Those that tell of something that is over when it is told: an acknowledgement ends them.
pub const ONCE: Alarms = Alarms::NONE
    .with(Alarm::Occlusion)
    .with(Alarm::MotorStall)
    .with(Alarm::WatchdogReset)
    .with(Alarm::AlarmRepeated)
    .with(Alarm::StoppedTooLong)
    .with(Alarm::RefillDiscrepancy);
/// Those that a factory reset does not forgive: a self-test that failed takes a good one, a spent battery another pump.
pub const BEYOND_RESET: Alarms = Alarms::NONE.with(Alarm::SelfTestFailed).with(Alarm::EndOfService);

/// Acknowledgements remembered: more than three of each of two alarms that take turns.
const REMEMBERED: usize = 8;

#[derive(Debug, Clone, Default)]
pub struct AlarmBoard {
    pub active: Alarms,
    /// Always some of the active ones.
    pub acknowledged: Alarms,
    /// Active ones that are not heard for the moment.
    silenced: Alarms,
    silent_until: Option<Micros>,
    /// When acknowledged critical ones that are still active are told again.
    announce_again: Option<Micros>,
    /// When each was raised, by its code.
    raised: [Micros; Alarm::ALL.len()],
    /// The last that were acknowledged, and when they had been raised.
    answered: Deque<(Alarm, Micros), REMEMBERED>,
}

impl AlarmBoard {
    pub fn restored(active: Alarms, acknowledged: Alarms) -> Self {
        Self { active, acknowledged, ..Self::default() }
    }

    /// Whether it is new.
    pub fn raise(&mut self, alarm: Alarm, now: Micros) -> bool {
        let new = !self.active.contains(alarm);
        self.active = self.active.with(alarm);
        if new && let Some(raised) = self.raised.get_mut(usize::from(alarm.code())) {
            *raised = now;
        }
        new
    }

    /// Whether it was active.
    pub fn clear(&mut self, alarm: Alarm) -> bool {
        let was = self.active.contains(alarm);
        self.active = self.active.without(alarm);
        self.acknowledged = self.acknowledged.without(alarm);
        self.silenced = self.silenced.without(alarm);
        was
    }

    /// Active and not acknowledged.
    pub fn unanswered(&self) -> Alarms {
        self.active.minus(self.acknowledged)
    }

    /// Whether it is to be heard at the moment.
    pub fn heard(&self, alarm: Alarm) -> bool {
        self.unanswered().minus(self.silenced).contains(alarm)
    }

    /// The worst class that is still to be heard.
    pub fn sounding(&self) -> Option<AlarmClass> {
        self.unanswered().minus(self.silenced).iter().map(Alarm::class).max()
    }

    pub fn latched(&self) -> bool {
        self.active.iter().any(|alarm| LATCHED.contains(alarm))
    }

    /// None of those that are to be heard now is heard for a while.
    pub fn silence(&mut self, now: Micros, tones: &Tones) {
        self.silenced = self.unanswered();
        self.silent_until = Some(now.plus(tones.silence_us));
    }

    /// All that is active is acknowledged. Whether one of them was raised and acknowledged too often in too short a time.
    pub fn acknowledge(&mut self, now: Micros, tones: &Tones) -> bool {
        let mut repeated = false;
        for alarm in self.unanswered().iter() {
            let raised = self.raised.get(usize::from(alarm.code())).copied().unwrap_or_default();
            if self.answered.is_full() {
                self.answered.pop_front();
            }
            // There is room now.
            let _ = self.answered.push_back((alarm, raised));
            let recent = |entry: &&(Alarm, Micros)| entry.0 == alarm && now.since(entry.1) <= tones.repeated_within_us;
            repeated |= self.answered.iter().filter(recent).count() >= usize::from(tones.repeated_times);
        }
        if repeated {
            self.answered.clear();
        }
        self.acknowledged = self.active;
        self.remember_critical(now, tones);
        repeated
    }

    /// Critical ones that stay although they were acknowledged will be told again.
    pub fn remember_critical(&mut self, now: Micros, tones: &Tones) {
        self.announce_again = (!self.answered_critical().is_empty()).then(|| now.plus(tones.announce_again_us));
    }

    /// The end of a silence, or the time to tell again.
    pub fn due(&self) -> Option<Micros> {
        earlier(self.silent_until, self.announce_again)
    }

    /// What is heard or told again because its time has come: the alarms to announce once more.
    pub fn advance(&mut self, now: Micros) -> Alarms {
        if self.silent_until.take_if(|until| *until <= now).is_some() {
            self.silenced = Alarms::NONE;
        }
        if self.announce_again.take_if(|at| *at <= now).is_none() {
            return Alarms::NONE;
        }
        let again = self.answered_critical();
        self.acknowledged = self.acknowledged.minus(again);
        again
    }

    fn answered_critical(&self) -> Alarms {
        let critical = |alarm: &Alarm| alarm.class() == AlarmClass::Critical;
        self.acknowledged.iter().filter(critical).fold(Alarms::NONE, Alarms::with)
    }
}
