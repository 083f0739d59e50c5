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
mod announce;
mod basal;
mod clock;
mod command;
mod config;
mod delivery;
mod device;
mod diary;
mod dose;
mod flow;
mod gauge;
mod limit;
mod log;
mod machine;
mod occlusion;
mod patient;
mod prescription;
mod programming;
mod ranges;
mod recall;
mod refill;
mod rules;
mod schedule;
mod settings;
mod sounder;
mod staging;
mod therapy;
mod thresholds;
mod time;

pub use alter::{AlterError, CONSTANTS};
pub use config::*;
pub use device::ResetCause;
pub use diary::DIARY_KEPT;
pub use log::{LOG_KEPT, LOG_STORED};
pub use machine::PLAUSIBLE_PA;
pub use settings::{STORE_LEN, stored_fields};
pub use time::Micros;

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
    /// The answer to [`Output::SampleSupply`], or unasked when the supply dips: battery voltage under the load of the moment, and the
    /// temperature inside in tenths of a degree.
    Supply { millivolt: u32, temperature_dc: i16 },
    /// The answer to [`Output::SampleRotor`]: whether the rotor turned in the stroke that has just ended.
    Rotor { turned: bool },
    /// The answer to [`Output::ReadStore`]: what the non-volatile memory held at that output.
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
    /// Read the line pressure and hand it in, now or later, as [`Input::Pressure`]. After a start the first stroke waits for it.
    SamplePressure,
    /// Read battery voltage and temperature and hand them in as [`Input::Supply`].
    SampleSupply,
    /// Ask the tachometer about the stroke that has just ended; the answer is [`Input::Rotor`].
    SampleRotor,
    /// Read the non-volatile block back at once, before a [`Output::Store`] that may follow, and hand it in, now or later, as [`Input::Stored`].
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
            Input::Supply { millivolt, temperature_dc } => machine.on_supply(now, millivolt, temperature_dc, out),
            Input::Rotor { turned } => machine.on_rotor(now, turned, out),
            Input::Stored(held) => machine.on_stored(now, held, out),
            Input::Button { pressed } => machine.on_button(now, pressed),
            Input::Wakeup => {}
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
