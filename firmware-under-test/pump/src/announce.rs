//! What the pump tells the patient and the host by itself: alarms and their tones, silence, reminders; and what is told to it, for its diary.

use pump_link::{Alarm, Alarms, Command, LogCode, Notice, Refusal, State};

use crate::alarm::ONCE;
use crate::machine::{Machine, Out};
use crate::recall::Answer;
use crate::time::Micros;

/// The worst pain.
const MAX_PAIN: u8 = 10;

impl Machine {
    pub(crate) fn raise(&mut self, alarm: Alarm, now: Micros, out: Out<'_>) {
        if self.alarms.raise(alarm, now) {
            self.note(now, LogCode::AlarmOn, u32::from(alarm.code()));
            self.sounder.sound_anew(alarm.class(), now, out);
            self.notify(now, Notice::AlarmOn(alarm), out);
        }
    }

    /// It has happened once more, and is heard once more: also where it goes on and was acknowledged or silenced, or has its next beep in an hour.
    pub(crate) fn raise_anew(&mut self, alarm: Alarm, now: Micros, out: Out<'_>) {
        if self.alarms.heard(alarm) {
            self.sounder.sound_anew(alarm.class(), now, out);
        } else {
            self.alarms.clear(alarm);
            self.raise(alarm, now, out);
        }
    }

    pub(crate) fn clear(&mut self, alarm: Alarm, now: Micros, out: Out<'_>) {
        if self.alarms.clear(alarm) {
            self.note(now, LogCode::AlarmOff, u32::from(alarm.code()));
            self.sound(now, out);
            self.notify(now, Notice::AlarmOff(alarm), out);
        }
    }

    /// What is active now is known. Those that are over end; those whose cause stays go on without a tone.
    pub(crate) fn acknowledge(&mut self, now: Micros, out: Out<'_>) {
        let new = self.alarms.unanswered();
        let repeated = self.alarms.acknowledge(now, &self.config.tones);
        if new != Alarms::NONE {
            self.note(now, LogCode::Acknowledged, new.0);
            self.sound(now, out);
        }
        for alarm in self.alarms.active.iter().filter(|alarm| ONCE.contains(*alarm)) {
            self.clear(alarm, now, out);
        }
        self.release_limit(now, out);
        self.look_after_acknowledging(now, out);
        self.release_empty(now, out);
        if repeated {
            self.halt(Alarm::AlarmRepeated, now, out);
        }
        self.alarms.remember_critical(now, &self.config.tones);
    }

    /// No tone for a while. An alarm that comes then is heard at once.
    pub(crate) fn silence(&mut self, now: Micros, out: Out<'_>) {
        let heard = self.alarms.unanswered();
        if !heard.is_empty() {
            self.alarms.silence(now, &self.config.tones);
            self.note(now, LogCode::Silenced, heard.0);
            self.sound(now, out);
        }
    }

    /// A silence is over, or it is time to tell once more of alarms that somebody acknowledged and nobody saw to.
    pub(crate) fn advance_alarms(&mut self, now: Micros, out: Out<'_>) {
        for alarm in self.alarms.advance(now).iter() {
            self.note(now, LogCode::AlarmOn, u32::from(alarm.code()));
            self.notify(now, Notice::AlarmOn(alarm), out);
        }
        self.sound(now, out);
    }

    /// Where a pump belongs whose alarm has been cleared.
    pub(crate) fn release(&mut self, now: Micros, out: Out<'_>) {
        if self.state == State::Halted {
            self.set_state(self.state_at_rest(), now, out);
            if self.has_mode() {
                self.remind_later(now);
            }
        }
    }

    /// Nothing runs from now on, and something should.
    pub(crate) fn remind_later(&mut self, now: Micros) {
        self.device.remind_at(Some(now.plus(self.config.tones.remind_after_us)));
    }

    pub(crate) fn remind_no_more(&mut self, now: Micros, out: Out<'_>) {
        self.device.remind_at(None);
        self.clear(Alarm::StoppedTooLong, now, out);
    }

    pub(crate) fn remind(&mut self, now: Micros, out: Out<'_>) {
        if self.state == State::Stopped {
            self.raise(Alarm::StoppedTooLong, now, out);
            self.device.remind_at(Some(now.plus(self.config.tones.remind_every_us.max(1))));
        }
    }

    /// Stopped on purpose.
    pub(crate) fn shut_down(&mut self, now: Micros, out: Out<'_>) {
        self.note(now, LogCode::ShutDown, u32::from(self.state.code()));
        self.device.kept.shut_down = true;
        if self.delivery.state() != State::Stopped {
            self.stop_after_stroke(now, out);
        } else if self.state == State::Stopped && !self.stopping {
            self.set_state(self.state_at_rest(), now, out);
        }
        self.remind_no_more(now, out);
    }

    /// How much it hurts, 0 to 10. A score beyond is no score.
    pub(crate) fn record_pain(&mut self, score: u8, now: Micros) -> Answer {
        if score > MAX_PAIN {
            return Err(Refusal::Malformed);
        }
        self.write_diary(now, LogCode::PainScore, score);
        Ok(())
    }

    pub(crate) fn record_event(&mut self, code: u8, now: Micros) {
        self.write_diary(now, LogCode::PatientEvent, code);
    }

    /// After a factory reset the pump is another patient's.
    pub(crate) fn forget_patient(&mut self, now: Micros, out: Out<'_>) {
        self.device.kept.diary.clear();
        self.device.kept.shut_down = false;
        self.remind_no_more(now, out);
    }

    fn write_diary(&mut self, now: Micros, code: LogCode, value: u8) {
        let entry = self.log.number(now, code, u32::from(value));
        self.device.kept.diary.write(entry);
        self.unsaved = true;
    }

    /// Commands that were understood and not carried out are in the log, for those who ask why nothing flowed.
    pub(crate) fn note_refusal(&mut self, command: Command, answer: Answer, now: Micros) {
        if let Err(refusal) = answer {
            self.note(now, LogCode::Refused, u32::from(command.code()) << 8 | u32::from(refusal.code()));
        }
    }
}
