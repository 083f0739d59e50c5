//! Non-volatile memory that has something else in it, after a loss of power, than it was given.

use std::collections::VecDeque;

use pump_core::stored_fields;
use pump_link::crc32;
use rig_model::defect::{Seam, Stored};

use super::Faults;

const CRC_LEN: usize = 4;

#[derive(Debug, Default)]
pub(super) struct Memory {
    writes: u32,
    /// The newest last; no more of them than are ever asked for.
    past: VecDeque<Vec<u8>>,
    /// The last one that is kept for good.
    kept: Option<Vec<u8>>,
    scaled: bool,
}

impl Faults {
    /// The pump has stored a block. While it has power it reads back what it stored.
    pub fn stored(&mut self, block: &[u8]) {
        let memory = &mut self.lasting.memory;
        memory.writes = memory.writes.saturating_add(1);
        for seam in self.seams.iter() {
            match *seam {
                Seam::MemoryNotStored { writes } if memory.writes <= writes => memory.kept = Some(block.to_vec()),
                Seam::MemoryStale { by } => {
                    memory.past.push_back(block.to_vec());
                    while memory.past.len() > by as usize + 1 {
                        memory.past.pop_front();
                    }
                }
                _ => {}
            }
        }
    }

    /// Power is lost: what the memory holds from now on.
    pub fn forget(&mut self, stored: &mut Option<Vec<u8>>) {
        let memory = &mut self.lasting.memory;
        for seam in self.seams.iter() {
            match *seam {
                Seam::MemoryNotStored { writes } if memory.writes > writes => stored.clone_from(&memory.kept),
                Seam::MemoryStale { .. } if !memory.past.is_empty() => {
                    memory.past.truncate(1);
                    *stored = memory.past.front().cloned();
                }
                Seam::MemoryScaled { which, by } if !memory.scaled => {
                    if let Some(block) = stored {
                        memory.scaled = true;
                        scale(block, which, by);
                    }
                }
                _ => {}
            }
        }
    }

    /// Power comes back: what the memory then holds.
    pub fn remember(&self, stored: &mut Option<Vec<u8>>) {
        if self.seams.contains(&Seam::MemoryLost) {
            *stored = None;
        }
    }
}

/// Makes a number of the block `by` times what it was, and the checksum at the block's end right again.
fn scale(block: &mut [u8], which: Stored, by: f64) {
    let name = match which {
        Stored::BasalRate => "basal_rate",
        Stored::Reservoir => "reservoir",
    };
    let place = stored_fields().find(|(field, _)| *field == name).and_then(|(_, place)| block.get_mut(place));
    let Some(Ok(number)) = place.map(<&mut [u8; 4]>::try_from) else { return };
    // A number that is too large for its place is the largest that has room there.
    *number = ((f64::from(u32::from_le_bytes(*number)) * by).round() as u32).to_le_bytes();
    seal(block);
}

/// Makes the checksum at the block's end that of all before it.
pub(crate) fn seal(block: &mut [u8]) {
    let Some(body) = block.len().checked_sub(CRC_LEN) else { return };
    let (content, checksum) = block.split_at_mut(body);
    checksum.copy_from_slice(&crc32(content).to_le_bytes());
}
