//! The reference pump as a pure state machine: bytes, pressure readings and time in; strokes, bytes, tones, settings and the next wake-up out.
//!
//! Integers only, no heap, and no path that panics: the lints below make slips of that kind errors of the build.
//! Between wake-ups nothing runs, as in an implant that sleeps: whoever drives it may jump from one wake-up to the next.
#![no_std]
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::float_arithmetic
    )
)]

#[cfg(test)]
extern crate std;

mod alarm;
mod alter;
mod command;
mod config;
mod delivery;
mod device;
mod log;
mod machine;
mod occlusion;
mod recall;
mod settings;
mod sounder;
mod therapy;
mod time;

pub use alter::{AlterError, CONSTANTS};
pub use config::{
    BASAL_MAX_NL_H, BASAL_MIN_NL_H, BOLUS_DURATION_MAX_MS, BOLUS_MAX_NL, BOLUS_MIN_NL, BOLUS_RATE_MAX_NL_H, Config, EMPTY_NL, LOW_NL,
    Limits, OCCLUSION_PA, PRIMING_RATE_NL_H, ReservoirSize, STROKE_NL, STROKE_US, Stroke,
};
pub use device::ResetCause;
pub use log::{LOG_KEPT, LOG_STORED};
pub use occlusion::{CONFIRM_US, SAMPLE_EVERY_US};
pub use settings::STORE_LEN;
pub use sounder::{BEEP_US, CHIRP_US, CRITICAL_EVERY_US, NON_CRITICAL_EVERY_US, PAUSE_US};
pub use time::Micros;

pub use machine::{PLAUSIBLE_PA, SELF_TEST_US};

use machine::Machine;
use pump_link::Decoder;

/// What happens to the pump.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input<'a> {
    /// From the serial line, in pieces of any length.
    Bytes(&'a [u8]),
    /// Line pressure over ambient, in Pa: the answer to [`Output::SamplePressure`].
    Pressure { pascal: i32 },
    /// The patient's button, at its edges, as its contact bounces.
    Button { pressed: bool },
    /// The answer to [`Output::SampleSupply`]: battery voltage under the load of the moment, and the temperature inside in tenths of a degree.
    Supply { millivolt: u32, temperature_dc: i16 },
    /// The answer to [`Output::SampleRotor`]: whether the rotor turned in the stroke that has just ended.
    Rotor { turned: bool },
    /// The answer to [`Output::ReadStore`]: what the non-volatile memory holds.
    Stored(&'a [u8]),
    /// The time of [`Pump::next_wakeup`] has come. Too early or once too often does no harm.
    Wakeup,
}

/// What the pump does, at the instant of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output<'a> {
    /// To the serial line.
    Send(&'a [u8]),
    /// The motor begins one stroke now. The pump itself keeps the time of its end.
    Stroke { volume_nl: u32, duration_us: u32 },
    /// The motor stops within the stroke in progress.
    AbortStroke,
    /// Level of the alarm output; sent at its edges.
    AlarmLine(bool),
    /// Read the line pressure and hand it in, now or later, as [`Input::Pressure`].
    SamplePressure,
    /// Read battery voltage and temperature and hand them in as [`Input::Supply`].
    SampleSupply,
    /// Ask the tachometer about the stroke that has just ended; the answer is [`Input::Rotor`].
    SampleRotor,
    /// Read the non-volatile block back and hand it in as [`Input::Stored`].
    ReadStore,
    /// Replace the whole non-volatile block by these [`STORE_LEN`] bytes.
    Store(&'a [u8]),
}

/// The pump from one power-on to the next loss of power.
#[derive(Debug, Clone)]
pub struct Pump {
    decoder: Decoder,
    machine: Machine,
}

impl Pump {
    /// Power comes on, at 0 of the pump's own clock. `stored` is what the non-volatile memory holds: the last
    /// [`Output::Store`] of the power-on before, or `None` if it was never written.
    pub fn power_on(config: Config, stored: Option<&[u8]>, cause: ResetCause) -> Self {
        Self { decoder: Decoder::new(), machine: Machine::power_on(config, stored, cause) }
    }

    /// First does all that is due at or before `now`, then takes the input. A `now` before that of the last call counts as that one.
    pub fn handle(&mut self, now: Micros, input: Input<'_>, out: &mut dyn FnMut(Output<'_>)) {
        let Self { decoder, machine } = self;
        let now = machine.advance(now, out);
        match input {
            Input::Bytes(bytes) => decoder.push(bytes, |message| {
                if let Ok(message) = message {
                    machine.on_message(now, message, out);
                }
            }),
            Input::Pressure { pascal } => machine.on_pressure(now, pascal, out),
            Input::Wakeup | Input::Button { .. } | Input::Supply { .. } | Input::Rotor { .. } | Input::Stored(_) => {}
        }
        machine.settle(now, out);
    }

    /// When it wants to be called next if nothing happens until then; `None` sleeps until the next input.
    pub fn next_wakeup(&self) -> Option<Micros> {
        self.machine.next_wakeup()
    }

    /// Received bytes that were no message.
    pub const fn skipped_bytes(&self) -> u64 {
        self.decoder.skipped()
    }
}
