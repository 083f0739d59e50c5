//! What the patient writes down: pain scores and events, numbered with the log's own numbers, and kept beside it so that no other entry pushes them out.

use heapless::Vec;
use pump_link::{LogCode, LogEntry};

use crate::settings::{Block, put, take};

/// Entries kept, also without power: nine a day for a week.
pub const DIARY_KEPT: usize = 64;
const ENTRY_LEN: usize = 4 + 8 + 1 + 1;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Diary(Vec<LogEntry, DIARY_KEPT>);

impl Diary {
    /// Bytes in the block: how many are used, and the entries.
    pub const LEN: usize = 1 + DIARY_KEPT * ENTRY_LEN;

    /// The oldest goes when there is no room.
    pub fn write(&mut self, entry: LogEntry) {
        if self.0.is_full() {
            self.0.rotate_left(1);
            self.0.pop();
        }
        // There is room now.
        let _ = self.0.push(entry);
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &LogEntry> {
        self.0.iter()
    }

    pub fn put(&self, block: &mut Block) {
        let before = block.len();
        put(block, &[u8::try_from(self.0.len()).unwrap_or(0)]);
        for entry in &self.0 {
            put(block, &entry.number.to_le_bytes());
            put(block, &entry.uptime_us.to_le_bytes());
            put(block, &[entry.code.code(), u8::try_from(entry.value).unwrap_or(u8::MAX)]);
        }
        // Within the block's capacity, as the length of all parts is.
        let _ = block.resize(before.saturating_add(Self::LEN), 0);
    }

    /// `None` if it is not what [`Diary::put`] has written.
    pub fn take(body: &mut &[u8]) -> Option<Self> {
        let [used] = take(body)?;
        let mut diary = Self::default();
        for _ in 0..used {
            let number = u32::from_le_bytes(take(body)?);
            let uptime_us = u64::from_le_bytes(take(body)?);
            let [code, value] = take(body)?;
            let code = LogCode::from_code(code).filter(|code| matches!(code, LogCode::PainScore | LogCode::PatientEvent))?;
            diary.0.push(LogEntry { number, uptime_us, code, value: u32::from(value) }).ok()?;
        }
        let unused = DIARY_KEPT.saturating_sub(diary.0.len()).saturating_mul(ENTRY_LEN);
        *body = body.get(unused..)?;
        Some(diary)
    }
}
