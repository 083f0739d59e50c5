//! The prescription: what is programmed and waits to be read back and confirmed, and what is in force.

use crate::settings::{Block, take};

/// What of the therapy survives a loss of power.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kept {}

impl Kept {
    /// Name and length of each field, in their order in the block.
    pub const FIELDS: &'static [(&'static str, usize)] = &[];
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
pub struct Therapy {
    pub kept: Kept,
}
