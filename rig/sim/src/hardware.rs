//! The board around the firmware: battery and supply, thermometer, tachometer, button, memory, watchdog; and what can be done to them.

use std::collections::VecDeque;

use pump_core::{BROWN_OUT_MV, stored_fields};
use rig_model::quantity::{Temperature, Voltage};
use rig_model::time::{RigTime, Span};
use rig_plant::battery::{Battery, BatteryParams};

use crate::faults::seal;
use crate::pump_clock::PumpClock;

/// The hardware resets a firmware that has given no sign of life for this long.
pub(crate) const WATCHDOG: Span = Span::seconds(2);
/// While the line `supply` is active.
const PULLED_DOWN: Voltage = Voltage(1.8);
/// A battery that gave way under the motor's load recovers within this.
const RECOVERS_AFTER: Span = Span::milliseconds(10);
/// Contact to contact while a button bounces: a few milliseconds in all, as small tactile switches do.
const BOUNCE: Span = Span::microseconds(200);
/// Bounces of the button where nobody says how many.
pub(crate) const USUAL_BOUNCES: u32 = 4;
/// Bounces at each end at the most: more are no press.
const MAX_BOUNCES: u32 = 1_000;

#[derive(Debug)]
pub(crate) struct Hardware {
    pub clock: PumpClock,
    params: BatteryParams,
    battery: Battery,
    /// On the first day, and now.
    usual: Temperature,
    /// Of its clock on the first day.
    usual_ppm: f64,
    temperature: Temperature,
    rotor_held: bool,
    /// Whether the rotor turned in the last stroke, and when that ends.
    turned: bool,
    stroke_ends: RigTime,
    /// The supply is held at this voltage, until then.
    dip: Option<(Voltage, RigTime)>,
    /// The battery gave way under the load of a stroke that has begun.
    pub gave_way: bool,
    /// Edges of the button that are to come.
    button: VecDeque<(RigTime, bool)>,
    pub supply_wanted: bool,
    pub rotor_wanted: bool,
    /// What the memory held when the firmware asked for it, and whether it still waits for that.
    pub read_back: Vec<u8>,
    pub read_back_wanted: bool,
}

impl Hardware {
    /// As on the first day, with a clock that goes so many ppm fast.
    pub fn new(params: BatteryParams, inside: Temperature, clock_ppm: f64) -> Self {
        Self {
            clock: PumpClock::new(clock_ppm),
            params,
            battery: Battery::new(params),
            usual: inside,
            usual_ppm: clock_ppm,
            temperature: inside,
            rotor_held: false,
            turned: true,
            stroke_ends: RigTime(i64::MIN),
            dip: None,
            gave_way: false,
            button: VecDeque::new(),
            supply_wanted: false,
            rotor_wanted: false,
            read_back: Vec::new(),
            read_back_wanted: false,
        }
    }

    pub fn refresh(&mut self) {
        *self = Self::new(self.params, self.usual, self.usual_ppm);
    }

    pub fn power_on(&mut self, at: RigTime) {
        self.clock.start(at);
        self.battery.connect(at);
    }

    pub fn power_lost(&mut self, at: RigTime) {
        self.battery.disconnect(at);
        self.stroke_ends = RigTime(i64::MIN);
        (self.supply_wanted, self.rotor_wanted, self.read_back_wanted, self.gave_way) = (false, false, false, false);
    }

    /// The motor is told to make a stroke now; whether the rotor turns.
    pub fn stroke(&mut self, at: RigTime, duration: Span) -> bool {
        self.turned = !self.rotor_held;
        self.stroke_ends = at + duration;
        self.battery.advance(at);
        self.battery.stroke(duration);
        self.gave_way |= millivolt(self.voltage(at)) < BROWN_OUT_MV;
        self.turned
    }

    /// The motor stops within its stroke.
    pub fn abort_stroke(&mut self, at: RigTime) {
        self.stroke_ends = self.stroke_ends.min(at);
    }

    /// Holds the rotor, or lets it go. Whether a stroke ends by that.
    pub fn hold_rotor(&mut self, at: RigTime, held: bool) -> bool {
        self.rotor_held = held;
        let within = held && self.stroke_ends > at;
        self.turned &= !within;
        within
    }

    pub fn set_battery(&mut self, percent: f64) {
        self.battery.set_percent(percent);
    }

    pub fn set_temperature(&mut self, inside: Temperature) {
        self.temperature = inside;
    }

    /// The supply is held at this voltage from now on.
    pub fn dip(&mut self, to: Voltage, until: RigTime) {
        self.dip = Some((to, until));
    }

    /// The line `supply`: while it is active the supply is pulled down below what the firmware needs.
    pub fn pull_down(&mut self) {
        self.dip = Some((PULLED_DOWN, RigTime::MAX));
    }

    /// Whether a dip that lasted until now, or until it was let go, has ended.
    pub fn dip_ends(&mut self) {
        self.dip = None;
    }

    /// The battery is let alone for a moment.
    pub fn recover(&mut self, at: RigTime) {
        self.gave_way = false;
        if self.dip.is_none() {
            self.dip = Some((Voltage(0.0), at + RECOVERS_AFTER));
        }
    }

    pub fn dip_until(&self) -> Option<RigTime> {
        self.dip.map(|(_, until)| until).filter(|until| *until < RigTime::MAX)
    }

    /// Whether the firmware can run.
    pub fn supplied(&self, at: RigTime) -> bool {
        millivolt(self.voltage(at)) >= BROWN_OUT_MV
    }

    /// The supply in mV under the load of the moment, and the temperature inside in tenths of a degree.
    pub fn supply(&mut self, at: RigTime) -> (u32, i16) {
        self.supply_wanted = false;
        self.battery.advance(at);
        // A cast holds at the ends of the range.
        (millivolt(self.voltage(at)), (self.temperature.0 * 10.0).round() as i16)
    }

    /// Whether the rotor was free to turn in the last stroke.
    pub fn rotor(&mut self) -> bool {
        self.rotor_wanted = false;
        self.turned
    }

    /// The memory is read now.
    pub fn read(&mut self, stored: Option<&[u8]>) {
        self.read_back.clear();
        self.read_back.extend_from_slice(stored.unwrap_or_default());
        self.read_back_wanted = true;
    }

    /// The button is pressed now for this long; its contact bounces so often at each end, and has settled before it is let go.
    pub fn press(&mut self, at: RigTime, held: Span, bounces: u32) {
        let settled = self.contact(at, true, bounces);
        self.contact(settled.max(at.saturating_add(held)), false, bounces);
    }

    /// One end of a press; when the contact has settled.
    pub fn contact(&mut self, at: RigTime, pressed: bool, bounces: u32) -> RigTime {
        let mut at = self.button.back().map_or(at, |(last, _)| at.max(*last));
        self.button.push_back((at, pressed));
        for _ in 0..bounces.min(MAX_BOUNCES) {
            for level in [!pressed, pressed] {
                at += BOUNCE;
                self.button.push_back((at, level));
            }
        }
        at
    }

    pub fn next_edge(&self) -> Option<RigTime> {
        self.button.front().map(|(at, _)| *at)
    }

    pub fn edge(&mut self) -> Option<bool> {
        self.button.pop_front().map(|(_, pressed)| pressed)
    }

    fn voltage(&self, at: RigTime) -> Voltage {
        let voltage = self.battery.voltage(self.stroke_ends > at);
        self.dip.map_or(voltage, |(dip, _)| if dip < voltage { dip } else { voltage })
    }
}

/// Turns over the bits of `mask` in the first byte of one field of the stored block, and makes the block's checksum right again if it is to be sealed.
///
/// # Errors
/// When there is no such field, or nothing was ever stored; as words for the rig's user.
pub(crate) fn alter(stored: Option<&mut Vec<u8>>, field: &str, mask: u8, sealed: bool) -> Result<(), String> {
    let Some((_, place)) = stored_fields().find(|(name, _)| *name == field) else {
        let names: Vec<_> = stored_fields().map(|(name, _)| name).collect();
        return Err(format!("the pump stores no field `{field}`; it stores {}", names.join(", ")));
    };
    let block = stored.ok_or("the pump has stored nothing yet; power it on first")?;
    let byte = block.get_mut(place.start).ok_or("the pump has stored less than it knows to store")?;
    *byte ^= mask;
    if sealed {
        seal(block);
    }
    Ok(())
}

/// To the nearest; a cast holds at the ends of the range.
fn millivolt(voltage: Voltage) -> u32 {
    (voltage.0 * 1e3).round() as u32
}
