//! Non-volatile memory that keeps something else than it was given.

use std::collections::VecDeque;
use std::sync::Arc;

use pump_link::crc32;
use rig_model::defect::Seam;

use super::Faults;

const CRC_LEN: usize = 4;

#[derive(Debug, Default)]
pub(super) struct Memory {
    writes: u32,
    /// The newest last.
    past: VecDeque<Vec<u8>>,
}

impl Faults {
    /// What is stored of a block; `None`: nothing, and what was there stays.
    pub fn store(&mut self, block: &[u8]) -> Option<Vec<u8>> {
        let memory = &mut self.lasting.memory;
        memory.writes = memory.writes.saturating_add(1);
        let mut stored = Some(block.to_vec());
        for seam in self.seams.iter() {
            match *seam {
                Seam::MemoryNotStored { writes } if memory.writes > writes => stored = None,
                Seam::MemoryStale { by } => {
                    memory.past.push_back(block.to_vec());
                    while memory.past.len() > by as usize + 1 {
                        memory.past.pop_front();
                    }
                    stored = memory.past.front().cloned();
                }
                _ => {}
            }
        }
        stored
    }

    /// Power comes back: what the memory then holds.
    pub fn remember(&self, stored: &mut Option<Vec<u8>>) {
        let seams = Arc::clone(&self.seams);
        for seam in seams.iter() {
            match *seam {
                Seam::MemoryLost => *stored = None,
                Seam::MemoryAltered { byte, bits } => {
                    if let Some(block) = stored {
                        turn(block, byte as usize, bits as u8);
                    }
                }
                _ => {}
            }
        }
    }
}

/// Turns bits, and makes the checksum at the block's end right again.
fn turn(block: &mut [u8], byte: usize, bits: u8) {
    if let Some(place) = block.get_mut(byte) {
        *place ^= bits;
        seal(block);
    }
}

/// Makes the checksum at the block's end that of all before it.
pub(crate) fn seal(block: &mut [u8]) {
    let Some(body) = block.len().checked_sub(CRC_LEN) else { return };
    let (content, checksum) = block.split_at_mut(body);
    checksum.copy_from_slice(&crc32(content).to_le_bytes());
}
