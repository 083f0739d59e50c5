//! What the pump says: of all of it only that a critical alarm has stopped it, or that it began anew.

use rig_model::dut::{Alarm, AlarmClass, DutReport, PumpState};
use rig_model::time::RigTime;

use crate::course::{Basal, Course};
use crate::oracle::{Dipped, Oracle};

impl Oracle {
    pub(crate) fn report(&mut self, now: RigTime, report: &DutReport) {
        match report {
            DutReport::AlarmOn(alarm) => self.alarm(now, *alarm),
            DutReport::AlarmOff(alarm) => self.alarms &= !bit(*alarm),
            DutReport::Restarted => {
                // Its next status tells a count that is already accounted for.
                self.resets = None;
                self.restarted(now);
            }
            DutReport::Status(status) => {
                let known = self.resets;
                if self.resets.replace(status.resets).is_some_and(|known| known != status.resets) {
                    self.restarted(now);
                }
                self.went_on(now, known == Some(status.resets) && matches!(status.state, PumpState::Infusing | PumpState::Bridge));
                let known = self.alarms;
                for alarm in &status.alarms {
                    self.alarm(now, *alarm);
                }
                self.alarms = status.alarms.iter().map(|alarm| bit(*alarm)).sum();
                if self.alarms & !known == 0 {
                    // It speaks, and of no alarm: what is missing up to now is not excused by one.
                    self.move_to(now);
                    let (allowed, owed) = (self.allowed, self.owed);
                    for meter in self.meters.iter_mut().filter(|meter| meter.is_outlet()) {
                        meter.settle(now, allowed, owed);
                        meter.commit();
                    }
                }
            }
            _ => {}
        }
    }

    /// A dip that did not reset the pump excuses nothing any more once the pump has said that it goes on. What else it says until then, that
    /// it gives a bolus or stands still, leaves that open.
    fn went_on(&mut self, now: RigTime, infusing: bool) {
        let said = |dipped: &mut Dipped| now >= dipped.over && infusing;
        let Some(Dipped { basal, resets, doubted, .. }) = self.dipped.take_if(said) else { return };
        if self.resets == Some(resets) && !self.lower.runs() {
            self.come_to(now);
            if let Some(bridge) = &mut self.prescription.bridge {
                bridge.doubted_only(doubted);
            }
            let goes_on = |course: &mut Course| !matches!(course.basal(), Some(Basal::Microdose { .. }));
            if let Some(course) = self.let_off.take_if(goes_on) {
                self.lower = course;
            } else if basal.is_some() {
                let (_, from) = self.behind_bridge();
                self.lower.set_basal(basal, from);
            }
            self.change();
        }
    }

    pub(crate) fn alarmed(&self) -> bool {
        any_critical(self.alarms)
    }

    fn alarm(&mut self, now: RigTime, alarm: Alarm) {
        let known = self.alarms & bit(alarm) != 0;
        self.alarms |= bit(alarm);
        if known || !is_critical(alarm) {
            return;
        }
        self.come_to(now);
        self.dipped = None;
        self.end_lower();
        self.end_upper();
        self.change();
        self.excuse();
    }

    /// Nothing flows any more before the next start. That something is missing then is not excused: it had no reason to.
    fn restarted(&mut self, now: RigTime) {
        self.dipped = None;
        self.asked.iter_mut().filter_map(|asked| asked.ended.as_mut()).for_each(|ended| ended.dipped = None);
        self.come_to(now);
        self.end_upper();
        self.change();
        self.clock = None;
        self.forgets();
    }
}

/// Whether one of them stops the delivery.
fn any_critical(alarms: u32) -> bool {
    Alarm::ALL.iter().any(|alarm| is_critical(*alarm) && alarms & bit(*alarm) != 0)
}

fn bit(alarm: Alarm) -> u32 {
    1 << (alarm as u32)
}

fn is_critical(alarm: Alarm) -> bool {
    alarm.class() == AlarmClass::Critical
}
