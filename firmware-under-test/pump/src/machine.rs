//! The states of the pump and what moves it from one to the next: time, pressure and alarms. Commands are in `command`.

use core::ops::RangeInclusive;

use pump_link::{Alarm, Alarms, FromPump, LogCode, MAX_FRAME, Notice, State, encode};

use crate::Output;
use crate::alarm::{AlarmBoard, KEPT};
use crate::config::Config;
use crate::delivery::Delivery;
use crate::device::{Device, ResetCause};
use crate::dose::{Dose, DoseKind, Doses};
use crate::log::Log;
use crate::occlusion::Occlusion;
use crate::recall::Recall;
use crate::settings::Settings;
use crate::sounder::Sounder;
use crate::therapy::Therapy;
use crate::time::{Micros, earlier};

/// Readings of a sensor that is in order and connected, in Pa: from vacuum to ten times what the catheter bears.
pub const PLAUSIBLE_PA: RangeInclusive<i32> = -100_000..=1_000_000;
/// Things that can be due at one instant: one of each kind of timer, and a stroke's end with its sample and the next stroke.
/// None is due twice at the same time, so the limit is never met; it is here so that a slip can't hang the pump.
const MAX_DUE_AT_ONCE: u32 = 24;
/// Before the first frame, so that a frame which a loss of power cut short does not swallow it.
const DELIMITER: &[u8] = &[0];

pub(crate) type Out<'a> = &'a mut dyn FnMut(Output<'_>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SelfTest {
    Due,
    Running,
    Over,
}

#[derive(Debug, Clone)]
pub(crate) struct Machine {
    pub(crate) config: Config,
    pub(crate) state: State,
    pub(crate) delivery: Delivery,
    /// Stopped by command, with the last stroke still in progress.
    pub(crate) stopping: bool,
    pub(crate) alarms: AlarmBoard,
    pub(crate) log: Log,
    pub(crate) recall: Recall,
    pub(crate) reservoir_nl: u32,
    pub(crate) delivered_nl: u64,
    pub(crate) strokes: u64,
    pub(crate) resets: u32,
    /// To be written at the end of this call.
    pub(crate) unsaved: bool,
    pub(crate) therapy: Therapy,
    pub(crate) device: Device,
    occlusion: Occlusion,
    pub(crate) sounder: Sounder,
    self_test: SelfTest,
    /// What the memory held was no settings; it is left alone, as evidence, until the factory reset.
    pub(crate) settings_corrupted: bool,
    implausible_pressure: bool,
    notices: u32,
    now: Micros,
}

impl Machine {
    pub fn power_on(config: Config, stored: Option<&[u8]>, cause: ResetCause) -> Self {
        let settings = stored.map(|block| Settings::from_block(block, &config));
        let corrupted = settings == Some(None);
        let first = Settings {
            reservoir_nl: config.reservoir.capacity_nl(),
            delivered_nl: 0,
            resets: 0,
            alarms: Alarms::NONE,
            acknowledged: Alarms::NONE,
            last_log_number: 0,
            log: heapless::Vec::new(),
            therapy: Default::default(),
            device: Default::default(),
        };
        let resets = settings.as_ref().map_or(0, |settings| settings.as_ref().map_or(1, |settings| settings.resets.saturating_add(1)));
        let settings = settings.flatten().unwrap_or(first);
        let mut log = Log::restored(&settings.log, settings.last_log_number);
        log.write(Micros::ZERO, LogCode::PowerOn, resets);
        let tones = config.tones;
        Self {
            config,
            state: State::SelfTest,
            delivery: Delivery::default(),
            stopping: false,
            alarms: AlarmBoard::restored(settings.alarms, settings.acknowledged),
            log,
            recall: Recall::default(),
            reservoir_nl: settings.reservoir_nl,
            delivered_nl: settings.delivered_nl,
            strokes: 0,
            resets,
            unsaved: true,
            therapy: Therapy::restored(settings.therapy),
            device: Device::restored(cause, settings.device),
            occlusion: Occlusion::default(),
            sounder: Sounder::new(tones),
            self_test: SelfTest::Due,
            settings_corrupted: corrupted,
            implausible_pressure: false,
            notices: 0,
            now: Micros::ZERO,
        }
    }

    pub fn next_wakeup(&self) -> Option<Micros> {
        let pump_head = earlier(
            earlier(self.self_test_due(), self.delivery.due(self.occlusion.waiting())),
            earlier(self.occlusion.due(), self.sounder.due()),
        );
        earlier(earlier(pump_head, self.therapy_due()), earlier(self.alarms.due(), self.device.due()))
    }

    /// Does all that is due by now; the time that counts as now.
    pub fn advance(&mut self, now: Micros, out: Out<'_>) -> Micros {
        self.now = self.now.max(now);
        for _ in 0..MAX_DUE_AT_ONCE {
            if self.next_wakeup().is_none_or(|due| due > self.now) {
                break;
            }
            self.do_first_due(self.now, out);
        }
        self.now
    }

    /// After an input: what it made due at once, and the settings that it changed.
    pub fn settle(&mut self, now: Micros, out: Out<'_>) {
        self.advance(now, out);
        if core::mem::take(&mut self.unsaved) && !self.settings_corrupted {
            self.count_battery();
            let block = self.settings().to_block();
            self.device.store(block, out);
        }
    }

    pub fn on_pressure(&mut self, now: Micros, pascal: i32, out: Out<'_>) {
        if self.state == State::SelfTest {
            self.implausible_pressure |= !PLAUSIBLE_PA.contains(&pascal);
        } else if self.occlusion.reading(now, pascal, &self.config) {
            self.halt(Alarm::Occlusion, now, out);
        }
    }

    /// At equal times in this order: an ending stroke goes before the one that follows it.
    fn do_first_due(&mut self, now: Micros, out: Out<'_>) {
        let is_due = |due: Option<Micros>| due.is_some_and(|due| due <= now);
        if is_due(self.self_test_due()) {
            self.go_on_with_self_test(now, out);
        } else if self.delivery.end_stroke(now) {
            self.stroke_ended(now, out);
        } else if self.occlusion.overdue(now) {
            self.halt(Alarm::Occlusion, now, out);
        } else if is_due(self.occlusion.due()) {
            self.sample_pressure(now, out);
        } else if self.take_turn(now, out) {
            // Before the stroke that it may change.
        } else if let Some(due) = self.delivery.due_stroke(now, &self.config.stroke).filter(|_| !self.occlusion.waiting()) {
            self.begin_or_hold(due, now, out);
        } else if is_due(self.therapy_due()) {
            self.advance_therapy(now, out);
        } else if is_due(self.sounder.due()) {
            self.sounder.advance(now, out);
        } else if is_due(self.alarms.due()) {
            self.advance_alarms(now, out);
        } else if is_due(self.device.due()) {
            self.advance_device(now, out);
        }
    }

    fn self_test_due(&self) -> Option<Micros> {
        match self.self_test {
            SelfTest::Due => Some(Micros::ZERO),
            SelfTest::Running => Some(Micros(self.config.self_test_us)),
            SelfTest::Over => None,
        }
    }

    fn go_on_with_self_test(&mut self, now: Micros, out: Out<'_>) {
        if self.self_test == SelfTest::Due {
            self.self_test = SelfTest::Running;
            out(Output::Send(DELIMITER));
            self.sounder.chirp(now, out);
            out(Output::SamplePressure);
            self.test_device(out);
            return;
        }
        self.self_test = SelfTest::Over;
        self.notify(now, Notice::Restarted, out);
        // Latched before the power went: the host and the patient are told again.
        for alarm in self.alarms.active.iter() {
            self.notify(now, Notice::AlarmOn(alarm), out);
        }
        self.sound(now, out);
        if self.settings_corrupted {
            self.raise(Alarm::SettingsCorrupted, now, out);
        }
        if self.implausible_pressure {
            self.raise(Alarm::SelfTestFailed, now, out);
        }
        self.device_tested(now, out);
        self.warn_if_low(now, out);
        self.set_state(self.state_at_rest(), now, out);
    }

    pub(crate) fn stroke_begun(&mut self, volume_nl: u32, out: Out<'_>) {
        // Counted at the start and in full, also if the stroke is cut off: errs towards less in the reservoir and more in the patient.
        self.reservoir_nl = self.reservoir_nl.saturating_sub(volume_nl);
        self.delivered_nl = self.delivered_nl.saturating_add(u64::from(volume_nl));
        self.strokes = self.strokes.saturating_add(1);
        self.unsaved = true;
        out(Output::Stroke { volume_nl, duration_us: self.config.stroke.duration_of(volume_nl) });
        self.stroke_loads_battery(volume_nl, out);
    }

    fn stroke_ended(&mut self, now: Micros, out: Out<'_>) {
        self.sample_pressure(now, out);
        self.ask_after_stroke(out);
        if let Some(dose) = self.delivery.take_finished_dose(self.therapy.clock, now, &self.config.stroke) {
            self.note_dose_end(&dose, now);
        }
        if self.reservoir_nl < self.config.empty_nl {
            self.halt(Alarm::EmptyReservoir, now, out);
        } else {
            self.settle_state(now, out);
        }
        self.warn_if_low(now, out);
    }

    fn sample_pressure(&mut self, now: Micros, out: Out<'_>) {
        self.occlusion.sampled(now, &self.config);
        out(Output::SamplePressure);
    }

    /// Nothing runs any more.
    pub(crate) fn come_to_rest(&mut self, now: Micros, out: Out<'_>) {
        self.stopping = false;
        self.occlusion.stop();
        self.set_state(self.state_at_rest(), now, out);
    }

    /// A fault stops the pump at once, within a stroke.
    pub(crate) fn halt(&mut self, alarm: Alarm, now: Micros, out: Out<'_>) {
        self.stop_at_once(now, out);
        self.raise(alarm, now, out);
        self.come_to_rest(now, out);
    }

    pub(crate) fn stop_at_once(&mut self, now: Micros, out: Out<'_>) {
        if self.delivery.abort_stroke() {
            out(Output::AbortStroke);
        }
        self.cancel_delivery(now);
    }

    /// Stops after the stroke in progress, if there is one.
    pub(crate) fn stop_after_stroke(&mut self, now: Micros, out: Out<'_>) {
        self.note(now, LogCode::Stopped, u32::from(self.state.code()));
        self.cancel_delivery(now);
        self.stopping = self.delivery.stroke_in_progress();
        self.remind_later(now);
        if !self.stopping {
            self.come_to_rest(now, out);
        }
    }

    /// What was put into the delivery runs from now on.
    pub(crate) fn begin_delivery(&mut self, now: Micros, out: Out<'_>) {
        self.device.kept.shut_down = false;
        self.remind_no_more(now, out);
        if !self.occlusion.watching() {
            self.occlusion.start(now, &self.config);
            out(Output::SamplePressure);
        }
        self.note(now, LogCode::Started, u32::from(self.delivery.state().code()));
        self.set_state(self.delivery.state(), now, out);
    }

    fn cancel_delivery(&mut self, now: Micros) {
        let doses = self.delivery.cancel();
        self.note_ends(&doses, now);
        self.therapy.held = false;
    }

    /// All of these have ended, also those that had not begun.
    pub(crate) fn note_ends(&mut self, doses: &Doses, now: Micros) {
        for dose in doses.iter() {
            self.note_dose_end(dose, now);
        }
        for later in doses.later() {
            self.note(now, LogCode::DoseCut, later.volume_nl);
        }
    }

    /// Microdoses are not told one by one.
    pub(crate) fn note_dose_end(&mut self, dose: &Dose, now: Micros) {
        match dose.left_nl() {
            _ if dose.programme().kind == DoseKind::Microdose => {}
            0 => self.note(now, LogCode::DoseDone, dose.programme().volume_nl),
            left => self.note(now, LogCode::DoseCut, left),
        }
    }

    pub(crate) fn note(&mut self, now: Micros, code: LogCode, value: u32) {
        self.log.write(now, code, value);
        self.unsaved = true;
    }

    pub(crate) fn warn_if_low(&mut self, now: Micros, out: Out<'_>) {
        if self.reservoir_nl < self.config.low_nl {
            self.raise(Alarm::LowReservoir, now, out);
        }
    }

    pub(crate) fn sound(&mut self, now: Micros, out: Out<'_>) {
        self.sounder.sound(self.alarms.sounding(), now, out);
    }

    /// Where a pump with nothing running belongs.
    pub(crate) fn state_at_rest(&self) -> State {
        let active = self.alarms.active;
        if active.contains(Alarm::SelfTestFailed) || active.contains(Alarm::SettingsCorrupted) {
            State::Fault
        } else if self.alarms.latched() {
            State::Halted
        } else if self.device.kept.shut_down {
            State::ShutDown
        } else {
            State::Stopped
        }
    }

    pub(crate) fn set_state(&mut self, state: State, now: Micros, out: Out<'_>) {
        if self.state != state {
            self.state = state;
            self.notify(now, Notice::State(state), out);
        }
    }

    pub(crate) fn notify(&mut self, now: Micros, notice: Notice, out: Out<'_>) {
        self.notices = self.notices.saturating_add(1);
        send(&FromPump::Notice { number: self.notices, uptime_us: now.0, notice }, out);
    }

    fn settings(&self) -> Settings {
        let mut kept = KEPT;
        if self.alarms.acknowledged.contains(Alarm::DoseLimit) {
            // It is known, and without power nothing waits for room any more.
            kept = kept.without(Alarm::DoseLimit);
        }
        Settings {
            reservoir_nl: self.reservoir_nl,
            delivered_nl: self.delivered_nl,
            resets: self.resets,
            alarms: Alarms(self.alarms.active.0 & kept.0),
            acknowledged: Alarms(self.alarms.acknowledged.0 & kept.0),
            last_log_number: self.log.last_number(),
            log: self.log.newest().copied().collect(),
            therapy: self.therapy.kept(self.now, &self.config),
            device: self.device.kept.clone(),
        }
    }
}

pub(crate) fn send(message: &FromPump, out: Out<'_>) {
    let mut buffer = [0; MAX_FRAME];
    // Every message fits: pump-link holds its longest one against MAX_MESSAGE.
    if let Ok(frame) = encode(message, &mut buffer) {
        out(Output::Send(frame));
    }
}
