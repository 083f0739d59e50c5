//! The hardware around the pump head: battery, temperature, rotor, stored memory, and what the patient writes down.

use crate::settings::{Block, take};

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
pub struct Kept {}

impl Kept {
    /// Bytes in the block.
    pub const LEN: usize = 0;

    pub fn put(&self, _block: &mut Block) {}

    /// `None` if it is not what a pump of this kind has written.
    pub fn take(body: &mut &[u8]) -> Option<Self> {
        let [] = take(body)?;
        Some(Self {})
    }
}

#[derive(Debug, Clone, Default)]
pub struct Device {
    pub cause: ResetCause,
    pub kept: Kept,
}
