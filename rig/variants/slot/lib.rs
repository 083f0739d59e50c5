//! One variant of the pump behind a C interface: bytes in, bytes out. `rig/variants/src/wire.rs` and `loaded.rs` are the other end.
//!
//! A panic of the variant ends it, as it would stop a microcontroller: from then on it answers nothing.

use std::panic::{AssertUnwindSafe, catch_unwind};

use pump_core::{Config, Input, Micros, Output, Pump, ResetCause};

const VERSION: u32 = 1;
/// No wake-up wanted.
const NEVER: u64 = u64::MAX;

pub struct Slot {
    /// Nothing once it is dead.
    pump: Option<Pump>,
    out: Vec<u8>,
}

#[repr(C)]
pub struct Answer {
    alive: u8,
    next_wakeup: u64,
    /// Valid until the next call.
    out: *const u8,
    out_len: usize,
}

#[unsafe(no_mangle)]
pub extern "C" fn slot_version() -> u32 {
    VERSION
}

/// # Safety
/// Each pointer is to as many bytes as the length behind it says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slot_power_on(
    fitted: *const u8,
    fitted_len: usize,
    stored: *const u8,
    stored_len: usize,
    has_stored: u8,
    cause: u8,
) -> *mut Slot {
    std::panic::set_hook(Box::new(|_| {}));
    let fitted = unsafe { bytes(fitted, fitted_len) };
    let stored = (has_stored != 0).then(|| unsafe { bytes(stored, stored_len) });
    let cause = match cause {
        1 => ResetCause::Watchdog,
        2 => ResetCause::BrownOut,
        _ => ResetCause::PowerOn,
    };
    let pump = catch_unwind(|| Pump::power_on(config(fitted), stored, cause)).ok();
    Box::into_raw(Box::new(Slot { pump, out: Vec::new() }))
}

/// # Safety
/// `slot` is of `slot_power_on` and was not dropped; `input` is to `input_len` bytes; nobody else uses the slot meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slot_handle(slot: *mut Slot, now: u64, input: *const u8, input_len: usize) -> Answer {
    let slot = unsafe { &mut *slot };
    let input = unsafe { bytes(input, input_len) };
    slot.out.clear();
    if let (Some(pump), Some(input)) = (slot.pump.as_mut(), decoded(input)) {
        let out = &mut slot.out;
        let handled = catch_unwind(AssertUnwindSafe(|| pump.handle(Micros(now), input, &mut |output| put(output, out))));
        if handled.is_err() {
            slot.pump = None;
        }
    }
    answer(slot)
}

/// # Safety
/// As of `slot_handle`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slot_look(slot: *mut Slot) -> Answer {
    let slot = unsafe { &mut *slot };
    slot.out.clear();
    answer(slot)
}

/// # Safety
/// `slot` is of `slot_power_on`, and not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slot_drop(slot: *mut Slot) {
    drop(unsafe { Box::from_raw(slot) });
}

fn answer(slot: &mut Slot) -> Answer {
    let next = slot.pump.as_ref().map(|pump| catch_unwind(AssertUnwindSafe(|| pump.next_wakeup())));
    let next_wakeup = match next {
        Some(Ok(next)) => next.map_or(NEVER, |at| at.0),
        Some(Err(_)) => {
            slot.pump = None;
            NEVER
        }
        None => NEVER,
    };
    Answer { alive: u8::from(slot.pump.is_some()), next_wakeup, out: slot.out.as_ptr(), out_len: slot.out.len() }
}

/// # Safety
/// `start` is to `length` bytes that live as long as the call, or `length` is 0.
unsafe fn bytes<'a>(start: *const u8, length: usize) -> &'a [u8] {
    if length == 0 { &[] } else { unsafe { std::slice::from_raw_parts(start, length) } }
}

fn config(fitted: &[u8]) -> Config {
    let mut config = Config::default();
    for line in String::from_utf8_lossy(fitted).lines() {
        match line.split_once('=') {
            Some(("serial", serial)) => {
                if let Ok(serial) = serial.try_into() {
                    config.identity.serial = serial;
                }
            }
            Some(("trial", _)) => config = Config::trial(),
            Some((name, value)) => {
                if let Ok(value) = value.parse() {
                    let _ = config.alter(name, value);
                }
            }
            None => {}
        }
    }
    config
}

fn decoded(input: &[u8]) -> Option<Input<'_>> {
    let (kind, content) = input.split_first()?;
    Some(match (kind, content) {
        (0, received) => Input::Bytes(received),
        (1, content) => Input::Pressure { pascal: i32::from_le_bytes(content.try_into().ok()?) },
        (2, [pressed]) => Input::Button { pressed: *pressed != 0 },
        (3, [a, b, c, d, e, f]) => {
            Input::Supply { millivolt: u32::from_le_bytes([*a, *b, *c, *d]), temperature_dc: i16::from_le_bytes([*e, *f]) }
        }
        (4, [turned]) => Input::Rotor { turned: *turned != 0 },
        (5, block) => Input::Stored(block),
        (6, []) => Input::Wakeup,
        _ => return None,
    })
}

fn put(output: Output<'_>, out: &mut Vec<u8>) {
    let mut write = |kind: u8, content: &[u8]| {
        out.push(kind);
        out.extend_from_slice(&(content.len() as u32).to_le_bytes());
        out.extend_from_slice(content);
    };
    match output {
        Output::Send(bytes) => write(0, bytes),
        Output::Stroke { volume_nl, duration_us } => {
            let [a, b, c, d] = volume_nl.to_le_bytes();
            let [e, f, g, h] = duration_us.to_le_bytes();
            write(1, &[a, b, c, d, e, f, g, h]);
        }
        Output::AbortStroke => write(2, &[]),
        Output::AlarmLine(level) => write(3, &[u8::from(level)]),
        Output::SamplePressure => write(4, &[]),
        Output::SampleSupply => write(5, &[]),
        Output::SampleRotor => write(6, &[]),
        Output::ReadStore => write(7, &[]),
        Output::Store(block) => write(8, block),
    }
}
