//! What goes between this program and a variant: inputs and outputs of the firmware as bytes, little-endian. The other end is `slot/lib.rs`.

use pump_core::{Input, Output, ResetCause};
use rig_sim::Fitted;

/// Both ends must mean the same.
pub const VERSION: u32 = 1;

/// One line for each constant, one for the serial number, and one first for the trial pump.
pub fn fitted(fitted: &Fitted) -> String {
    let serial = fitted.serial.iter().map(|serial| format!("serial={}\n", serial.replace('\n', " ")));
    let trial = fitted.trial.then(|| "trial=1\n".to_owned());
    trial.into_iter().chain(serial).chain(fitted.constants.iter().map(|(name, value)| format!("{name}={value}\n"))).collect()
}

pub fn cause(cause: ResetCause) -> u8 {
    match cause {
        ResetCause::PowerOn => 0,
        ResetCause::Watchdog => 1,
        ResetCause::BrownOut => 2,
    }
}

/// A kind, then what belongs to it.
pub fn put_input(input: Input<'_>, bytes: &mut Vec<u8>) {
    bytes.clear();
    match input {
        Input::Bytes(received) => {
            bytes.push(0);
            bytes.extend_from_slice(received);
        }
        Input::Pressure { pascal } => {
            bytes.push(1);
            bytes.extend_from_slice(&pascal.to_le_bytes());
        }
        Input::Button { pressed } => bytes.extend_from_slice(&[2, u8::from(pressed)]),
        Input::Supply { millivolt, temperature_dc } => {
            bytes.push(3);
            bytes.extend_from_slice(&millivolt.to_le_bytes());
            bytes.extend_from_slice(&temperature_dc.to_le_bytes());
        }
        Input::Rotor { turned } => bytes.extend_from_slice(&[4, u8::from(turned)]),
        Input::Stored(block) => {
            bytes.push(5);
            bytes.extend_from_slice(block);
        }
        Input::Wakeup => bytes.push(6),
    }
}

/// Hands over each output: a kind, the length of what belongs to it, and that. `None` where the bytes are none; what came before was handed over.
pub fn each_output(mut bytes: &[u8], out: &mut dyn FnMut(Output<'_>)) -> Option<()> {
    while let Some((&[kind, a, b, c, d], rest)) = bytes.split_first_chunk::<5>() {
        let length = u32::from_le_bytes([a, b, c, d]) as usize;
        let (content, rest) = rest.split_at_checked(length)?;
        bytes = rest;
        out(match (kind, content) {
            (0, sent) => Output::Send(sent),
            (1, [a, b, c, d, e, f, g, h]) => {
                Output::Stroke { volume_nl: u32::from_le_bytes([*a, *b, *c, *d]), duration_us: u32::from_le_bytes([*e, *f, *g, *h]) }
            }
            (2, []) => Output::AbortStroke,
            (3, [level]) => Output::AlarmLine(*level != 0),
            (4, []) => Output::SamplePressure,
            (5, []) => Output::SampleSupply,
            (6, []) => Output::SampleRotor,
            (7, []) => Output::ReadStore,
            (8, block) => Output::Store(block),
            _ => return None,
        });
    }
    bytes.is_empty().then_some(())
}
