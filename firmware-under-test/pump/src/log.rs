//! The event log: the last entries, with numbers that are never used twice.

use heapless::{Deque, Vec};
use pump_link::{LOG_PAGE, LogCode, LogEntry};

use crate::diary::Diary;
use crate::time::Micros;

/// Entries kept while the power is on: some days of programming and alarms in 1.5 KiB.
pub const LOG_KEPT: usize = 64;
/// Entries that survive a loss of power: what led up to it, in a block that is cheap to write at each stroke.
pub const LOG_STORED: usize = 8;

#[derive(Debug, Clone, Default)]
pub struct Log {
    entries: Deque<LogEntry, LOG_KEPT>,
    last_number: u32,
}

impl Log {
    /// After a power-on.
    pub fn restored(entries: &[LogEntry], last_number: u32) -> Self {
        let mut log = Self { entries: Deque::new(), last_number };
        for entry in entries {
            log.push(*entry);
        }
        log
    }

    pub fn write(&mut self, now: Micros, code: LogCode, value: u32) {
        let entry = self.number(now, code, value);
        self.push(entry);
    }

    /// An entry with the next number, which is then taken, whoever keeps it.
    pub fn number(&mut self, now: Micros, code: LogCode, value: u32) -> LogEntry {
        self.last_number = self.last_number.saturating_add(1);
        LogEntry { number: self.last_number, uptime_us: now.0, code, value }
    }

    /// Forgets the entries, not their number.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    pub const fn last_number(&self) -> u32 {
        self.last_number
    }

    /// Those with this number and above, oldest first, with the diary's in their place.
    pub fn page(&self, from: u32, diary: &Diary) -> Vec<LogEntry, LOG_PAGE> {
        let mut page = Vec::new();
        let mut entries = self.entries.iter().filter(|entry| entry.number >= from).peekable();
        let mut written = diary.iter().filter(|entry| entry.number >= from).peekable();
        while !page.is_full() {
            let diary_first = match (entries.peek(), written.peek()) {
                (Some(entry), Some(line)) => line.number < entry.number,
                (entry, _) => entry.is_none(),
            };
            let Some(next) = (if diary_first { written.next() } else { entries.next() }) else { break };
            // There is room: the page is not full.
            let _ = page.push(*next);
        }
        page
    }

    /// The newest, oldest first.
    pub fn newest(&self) -> impl Iterator<Item = &LogEntry> {
        self.entries.iter().skip(self.entries.len().saturating_sub(LOG_STORED))
    }

    fn push(&mut self, entry: LogEntry) {
        if self.entries.is_full() {
            self.entries.pop_front();
        }
        // There is room now: the oldest has gone.
        let _ = self.entries.push_back(entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go_first_and_pages_follow_each_other() {
        let mut log = Log::default();
        for n in 1..=100 {
            log.write(Micros(n), LogCode::Refilled, 0);
        }
        let diary = Diary::default();
        let first = log.page(0, &diary);
        assert_eq!((first[0].number, first.len()), (37, LOG_PAGE));
        assert_eq!(log.page(45, &diary)[0].number, 45);
        assert_eq!(log.page(99, &diary).len(), 2);
        assert!(log.page(101, &diary).is_empty());
        assert!(log.newest().map(|entry| entry.number).eq(93..=100));
    }

    #[test]
    fn clearing_does_not_use_numbers_twice() {
        let mut log = Log::default();
        log.write(Micros(1), LogCode::Started, 0);
        log.clear();
        log.write(Micros(2), LogCode::FactoryReset, 0);
        assert_eq!(log.page(0, &Diary::default())[0].number, 2);
    }

    #[test]
    fn the_diary_is_told_in_its_place() {
        let (mut log, mut diary) = (Log::default(), Diary::default());
        for n in 1..=30 {
            match n % 3 {
                0 => diary.write(log.number(Micros(n), LogCode::PainScore, 4)),
                _ => log.write(Micros(n), LogCode::Refilled, 0),
            }
        }
        let mut told = std::vec::Vec::new();
        while let Some(page) = Some(log.page(told.len() as u32 + 1, &diary)).filter(|page| !page.is_empty()) {
            told.extend(page.iter().map(|entry| (entry.number, entry.code == LogCode::PainScore)));
        }
        assert!(told.into_iter().eq((1..=30).map(|n| (n, n % 3 == 0))));
    }
}
