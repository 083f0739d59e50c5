//! Which alarms are active and which of them were acknowledged.

use pump_link::{Alarm, AlarmClass, Alarms};

/// Those that hold the pump in [`pump_link::State::Halted`].
pub const LATCHED: Alarms = Alarms::NONE.with(Alarm::EmptyReservoir).with(Alarm::Occlusion);

#[derive(Debug, Clone, Copy, Default)]
pub struct AlarmBoard {
    pub active: Alarms,
    /// Always some of the active ones.
    pub acknowledged: Alarms,
}

impl AlarmBoard {
    /// Whether it is new.
    pub fn raise(&mut self, alarm: Alarm) -> bool {
        let new = !self.active.contains(alarm);
        self.active = self.active.with(alarm);
        new
    }

    /// Whether it was active.
    pub fn clear(&mut self, alarm: Alarm) -> bool {
        let was = self.active.contains(alarm);
        self.active = self.active.without(alarm);
        self.acknowledged = self.acknowledged.without(alarm);
        was
    }

    /// The worst class that is still to be heard.
    pub fn sounding(&self) -> Option<AlarmClass> {
        self.active.minus(self.acknowledged).iter().map(Alarm::class).max()
    }

    pub fn latched(&self) -> bool {
        self.active.iter().any(|alarm| LATCHED.contains(alarm))
    }
}
