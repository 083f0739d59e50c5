//! The hardware around the pump head: battery, temperature, rotor and stored memory, and what becomes of their alarms.
//!
//! Questions go out as outputs and are answered by inputs. A board that never answers is believed to be in order: nothing is raised by silence
//! alone, so that a board without a tachometer or a gauge still pumps. What it does answer must be plausible.

use pump_link::{Alarm, LogCode, State, Therapy};

use crate::Output;
use crate::config::{Config, PLAUSIBLE_DC, PLAUSIBLE_MV};
use crate::diary::Diary;
use crate::gauge::{Counted, Gauge};
use crate::machine::{Machine, Out};
use crate::settings::{Block, put, take};
use crate::time::{Micros, earlier};

/// Why the firmware begins anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ResetCause {
    #[default]
    PowerOn,
    /// The hardware's watchdog was not served in time.
    Watchdog,
    /// The supply fell below what the microcontroller needs, and came back.
    BrownOut,
}

/// What of the device's state survives a loss of power.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kept {
    pub battery: Counted,
    /// Stalls since the first power-on.
    pub stalls: u32,
    /// Stopped on purpose: nobody is reminded of it.
    pub shut_down: bool,
    pub diary: Diary,
}

impl Kept {
    /// Name and length of each field, in their order in the block.
    pub const FIELDS: &'static [(&'static str, usize)] =
        &[("battery_used", 8), ("battery_daily", 8), ("stalls", 4), ("shut_down", 1), ("diary", Diary::LEN)];
    /// Bytes in the block.
    pub const LEN: usize = 8 + 8 + 4 + 1 + Diary::LEN;

    pub fn put(&self, block: &mut Block) {
        put(block, &self.battery.used_uc.to_le_bytes());
        put(block, &self.battery.daily_uc.to_le_bytes());
        put(block, &self.stalls.to_le_bytes());
        put(block, &[u8::from(self.shut_down)]);
        self.diary.put(block);
    }

    /// `None` if it is not what a pump of this kind has written.
    pub fn take(body: &mut &[u8]) -> Option<Self> {
        let used_uc = u64::from_le_bytes(take(body)?);
        let daily_uc = u64::from_le_bytes(take(body)?);
        let stalls = u32::from_le_bytes(take(body)?);
        let shut_down = match take(body)? {
            [0] => false,
            [1] => true,
            _ => return None,
        };
        Some(Self { battery: Counted { used_uc, daily_uc }, stalls, shut_down, diary: Diary::take(body)? })
    }
}

/// One answer to [`Output::SampleSupply`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Reading {
    millivolt: u32,
    temperature_dc: i16,
    /// With the motor running.
    loaded: bool,
}

#[derive(Debug, Clone, Default)]
pub struct Device {
    pub cause: ResetCause,
    pub kept: Kept,
    gauge: Gauge,
    last: Option<Reading>,
    /// When battery, temperature and memory are looked at next; not before the self-test is over.
    check: Option<Micros>,
    /// When something beyond its limit is looked at again.
    check_again: Option<Micros>,
    /// When the patient is reminded that nothing runs.
    remind: Option<Micros>,
    strokes_to_load: u32,
    /// The voltage at rest is wanted, at power-on and with each look: the gauge goes by it, and by no dip of the supply.
    rest_wanted: bool,
    /// Strokes in a row that did not turn the rotor.
    still: u8,
    stalled_since: Option<Micros>,
    /// When it was first found too warm, of the findings without one between them that was not.
    hot_since: Option<Micros>,
    /// Found once; the next finding of the same kind counts.
    spent: bool,
    implausible: bool,
    /// The low supply was one under the motor's load.
    low_under_load: bool,
    /// The block as it was last written.
    written: Option<Block>,
    /// As it was when the memory was asked for it; no second question before the answer.
    asked: Option<Block>,
}

impl Device {
    pub fn restored(cause: ResetCause, kept: Kept) -> Self {
        Self { cause, gauge: Gauge::restored(kept.battery), kept, rest_wanted: true, ..Self::default() }
    }

    pub fn due(&self) -> Option<Micros> {
        earlier(self.check, earlier(self.check_again, self.remind))
    }

    /// The device's part of what a follow-up visit asks for. A battery that was never read is told as 0 mV, an inside as 0 degrees.
    pub fn fill(&self, config: &Config, told: &mut Therapy) {
        told.battery_mv = self.last.map_or(0, |last| last.millivolt);
        told.battery_days = self.gauge.left_days(&config.battery);
        told.stalls = self.kept.stalls;
        told.temperature_dc = self.last.map_or(0, |last| last.temperature_dc);
    }

    /// Before the block is replaced: reads back what the memory made of the last one. `block` is what it holds next.
    pub fn store(&mut self, block: Block, out: Out<'_>) {
        self.read_back(out);
        out(Output::Store(&block));
        self.written = Some(block);
    }

    pub fn remind_at(&mut self, at: Option<Micros>) {
        self.remind = at;
    }

    fn read_back(&mut self, out: Out<'_>) {
        if self.asked.is_none() && self.written.is_some() {
            self.asked.clone_from(&self.written);
            out(Output::ReadStore);
        }
    }

    fn plausible(reading: &Reading) -> bool {
        PLAUSIBLE_MV.contains(&reading.millivolt) && PLAUSIBLE_DC.contains(&reading.temperature_dc)
    }
}

impl Machine {
    /// The first things that the firmware looks at after power-on.
    pub(crate) fn test_device(&mut self, out: Out<'_>) {
        out(Output::SampleSupply);
    }

    /// The self-test is over: what the reset and the readings in it mean.
    pub(crate) fn device_tested(&mut self, now: Micros, out: Out<'_>) {
        match self.device.cause {
            ResetCause::PowerOn => {}
            ResetCause::Watchdog => {
                self.note(now, LogCode::Watchdog, self.resets);
                self.raise(Alarm::WatchdogReset, now, out);
            }
            ResetCause::BrownOut => {
                self.note(now, LogCode::SupplyLow, self.device.last.map_or(0, |last| last.millivolt));
                self.raise(Alarm::LowSupply, now, out);
            }
        }
        if self.device.implausible {
            self.raise(Alarm::SelfTestFailed, now, out);
        } else if let Some(reading) = self.device.last {
            self.judge(reading, now, out);
        }
        self.device.read_back(out);
        self.device.check = Some(now.plus(self.config.watch.check_every_us));
        self.alarms.remember_critical(now, &self.config.tones);
        if self.has_mode() {
            self.remind_later(now);
        }
    }

    /// What is due of the hardware: the hourly look, a second look, a reminder.
    pub(crate) fn advance_device(&mut self, now: Micros, out: Out<'_>) {
        let watch = self.config.watch;
        let hourly = self.device.check.take_if(|due| *due <= now).is_some();
        if hourly {
            self.device.check = Some(now.plus(watch.check_every_us.max(1)));
            // What is over at rest, too, is not counted again after a loss of power.
            self.unsaved = true;
            self.device.gauge.idle_until(now, &self.config.battery);
            self.device.read_back(out);
        }
        if hourly | self.device.check_again.take_if(|due| *due <= now).is_some() {
            self.device.rest_wanted = true;
            if !self.delivery.stroke_in_progress() {
                out(Output::SampleSupply);
            }
        }
        if self.device.remind.take_if(|due| *due <= now).is_some() {
            self.remind(now, out);
        }
    }

    /// A stroke has ended: what is asked of it, and of the battery that rests now.
    pub(crate) fn ask_after_stroke(&mut self, out: Out<'_>) {
        out(Output::SampleRotor);
        if self.device.rest_wanted {
            out(Output::SampleSupply);
        }
    }

    /// A stroke has begun: its charge is counted, and now and then the voltage is read while the motor runs.
    pub(crate) fn stroke_loads_battery(&mut self, volume_nl: u32, out: Out<'_>) {
        self.device.gauge.stroke(volume_nl, &self.config.stroke, &self.config.battery);
        self.device.strokes_to_load = match self.device.strokes_to_load.checked_sub(1) {
            Some(left) => left,
            None => {
                out(Output::SampleSupply);
                self.config.watch.load_every_strokes.saturating_sub(1)
            }
        };
    }

    pub(crate) fn on_supply(&mut self, now: Micros, millivolt: u32, temperature_dc: i16, out: Out<'_>) {
        let reading = Reading { millivolt, temperature_dc, loaded: self.delivery.stroke_in_progress() };
        let plausible = Device::plausible(&reading);
        // In the self-test one is enough; later a second one must agree.
        let confirmed = core::mem::replace(&mut self.device.implausible, !plausible);
        if plausible {
            self.device.last = Some(reading);
        }
        match (self.state, plausible) {
            (State::SelfTest, _) => {}
            (_, true) => self.judge(reading, now, out),
            (_, false) if confirmed => self.halt(Alarm::SelfTestFailed, now, out),
            (_, false) => self.look_again(now),
        }
    }

    fn judge(&mut self, reading: Reading, now: Micros, out: Out<'_>) {
        self.judge_temperature(reading.temperature_dc, now, out);
        self.judge_supply(reading, now, out);
        if !reading.loaded && core::mem::take(&mut self.device.rest_wanted) {
            self.device.gauge.rest_voltage(reading.millivolt, &self.config.battery);
            self.judge_battery(now, out);
        }
    }

    /// A reading above the limit counts a minute after the first, whatever was read between them in a bolus: delivery into a fever is worse stopped
    /// for a slip of the sensor.
    fn judge_temperature(&mut self, temperature_dc: i16, now: Micros, out: Out<'_>) {
        let watch = self.config.watch;
        let hot = temperature_dc > watch.hot_dc;
        let since = self.device.hot_since.take().unwrap_or(now);
        self.device.hot_since = hot.then_some(since);
        let confirmed = now.since(since) >= watch.check_again_us;
        if hot && confirmed && !self.alarms.active.contains(Alarm::Overheated) {
            self.halt(Alarm::Overheated, now, out);
        } else if temperature_dc <= watch.hot_dc.saturating_sub(watch.hot_hysteresis_dc)
            && self.alarms.acknowledged.contains(Alarm::Overheated)
        {
            self.clear(Alarm::Overheated, now, out);
            self.release(now, out);
        }
        if hot || self.alarms.active.contains(Alarm::Overheated) {
            self.look_again(now);
        }
    }

    /// A supply that was low under load is good again when it is so under load, or when the warning was acknowledged.
    fn judge_supply(&mut self, reading: Reading, now: Micros, out: Out<'_>) {
        let watch = self.config.watch;
        let active = self.alarms.active.contains(Alarm::LowSupply);
        if reading.millivolt < watch.low_supply_mv {
            self.device.low_under_load = reading.loaded;
            if !active {
                self.note(now, LogCode::SupplyLow, reading.millivolt);
                self.raise(Alarm::LowSupply, now, out);
            }
            self.look_again(now);
        } else if active && reading.millivolt >= watch.low_supply_mv.saturating_add(watch.low_supply_hysteresis_mv) {
            let comparable = reading.loaded || !self.device.low_under_load;
            // A brown-out is over before anybody can know of it: the warning stays until somebody does.
            let known = self.device.cause != ResetCause::BrownOut || self.alarms.acknowledged.contains(Alarm::LowSupply);
            if comparable && known {
                self.clear(Alarm::LowSupply, now, out);
            }
        }
    }

    fn judge_battery(&mut self, now: Micros, out: Out<'_>) {
        let limits = self.config.battery;
        let left = self.device.gauge.left_permille(&limits);
        let spent = self.device.gauge.spent(&limits);
        if self.device.gauge.left_days(&limits) <= limits.replace_soon_days && !self.alarms.active.contains(Alarm::ReplaceSoon) {
            self.note(now, LogCode::Battery, left);
            self.raise(Alarm::ReplaceSoon, now, out);
        }
        let confirmed = core::mem::replace(&mut self.device.spent, spent);
        if !spent || self.alarms.active.contains(Alarm::EndOfService) {
            return;
        }
        if confirmed {
            self.note(now, LogCode::Battery, left);
            self.halt(Alarm::EndOfService, now, out);
        } else {
            self.look_again(now);
        }
    }

    /// A cause that may be gone is looked for when somebody says that he knows.
    pub(crate) fn look_after_acknowledging(&mut self, now: Micros, out: Out<'_>) {
        if self.device.cause == ResetCause::BrownOut && self.device.last.is_none() {
            // Nothing can tell that the supply is good again; that this firmware runs has to do.
            self.clear(Alarm::LowSupply, now, out);
        }
        if self.alarms.active.contains(Alarm::LowSupply) || self.alarms.active.contains(Alarm::Overheated) {
            out(Output::SampleSupply);
        }
    }

    fn look_again(&mut self, now: Micros) {
        self.device.check_again = Some(now.plus(self.config.watch.check_again_us.max(1)));
    }

    /// Whether the rotor turned in the stroke that has just ended.
    pub(crate) fn on_rotor(&mut self, now: Micros, turned: bool, out: Out<'_>) {
        if turned {
            self.device.still = 0;
            if let Some(since) = self.device.stalled_since.take() {
                let seconds = u32::try_from(now.since(since) / 1_000_000).unwrap_or(u32::MAX);
                self.note(now, LogCode::StallEnded, seconds);
            }
            return;
        }
        self.device.still = self.device.still.saturating_add(1);
        if self.device.still >= self.config.watch.stall_strokes && !self.alarms.active.contains(Alarm::MotorStall) {
            self.device.kept.stalls = self.device.kept.stalls.saturating_add(1);
            self.device.stalled_since = Some(self.device.stalled_since.unwrap_or(now));
            self.note(now, LogCode::StallBegan, u32::from(self.device.still));
            self.device.still = 0;
            self.halt(Alarm::MotorStall, now, out);
        }
    }

    /// What the memory held when it was asked. A pump whose memory can't be trusted is out of order until its factory reset, also after a
    /// power-on: the alarm is stored with what is still in RAM.
    pub(crate) fn on_stored(&mut self, now: Micros, held: &[u8], out: Out<'_>) {
        let Some(asked) = self.device.asked.take() else { return };
        // Said once: what is stored from then on may be read back wrong again and again.
        let known = self.settings_corrupted || self.alarms.active.contains(Alarm::SettingsCorrupted);
        if *held == *asked || known {
            return;
        }
        let altered = held.iter().zip(&asked).position(|(held, written)| held != written);
        let place = altered.unwrap_or(held.len().min(asked.len()));
        self.note(now, LogCode::MemoryAltered, u32::try_from(place).unwrap_or(u32::MAX));
        self.halt(Alarm::SettingsCorrupted, now, out);
    }

    /// What the stored block has of the gauge.
    pub(crate) fn count_battery(&mut self) {
        self.device.kept.battery = self.device.gauge.counted;
    }
}
