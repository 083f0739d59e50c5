//! What survives a loss of power: one block of fixed length with its CRC-32, little-endian.
//!
//! | bytes | field |
//! |---|---|
//! | 0 | version of this layout, 2 |
//! | 1..5 | rate of the continuous mode in nL/h, 0 in another mode |
//! | 5..9 | reservoir in nL |
//! | 9..17 | delivered in nL |
//! | 17..21 | resets |
//! | 21..25, 25..29 | active and acknowledged alarms |
//! | 29..33 | number of the last log entry |
//! | 33 | how many of the following log entries are used |
//! | 34..170 | 8 log entries of 17 bytes: number, uptime in µs, code, value |
//! | from 170 | what is kept of the therapy, then of the device |
//! | the last 4 | CRC-32 of all before |

use core::ops::Range;

use heapless::Vec;
use pump_link::{Alarms, LogCode, LogEntry, crc32};

use crate::alarm::KEPT;
use crate::config::Config;
use crate::log::LOG_STORED;
use crate::{device, therapy};

const VERSION: u8 = 2;
const ENTRY_LEN: usize = 4 + 8 + 1 + 4;
const FIXED_LEN: usize = 34 + LOG_STORED * ENTRY_LEN;
const BODY_LEN: usize = FIXED_LEN + therapy::Kept::LEN + device::Kept::LEN;
/// Length of the block in bytes.
pub const STORE_LEN: usize = BODY_LEN + 4;

/// The fields before those of therapy and device, with their lengths, in their order.
const FIELDS: [(&str, usize); 9] = [
    ("version", 1),
    ("basal_rate", 4),
    ("reservoir", 4),
    ("delivered", 8),
    ("resets", 4),
    ("alarms", 4),
    ("acknowledged", 4),
    ("last_log_number", 4),
    ("log", 1 + LOG_STORED * ENTRY_LEN),
];

/// Every field of the stored block, by name and place, in their order and without gaps: for those who read a block, or corrupt one to see that it is noticed.
pub fn stored_fields() -> impl Iterator<Item = (&'static str, Range<usize>)> {
    let parts = FIELDS.iter().chain(therapy::Kept::FIELDS).chain(device::Kept::FIELDS).chain(&[("checksum", 4)]);
    parts.scan(0_usize, |start, (name, len)| {
        let end = start.saturating_add(*len);
        Some((*name, core::mem::replace(start, end)..end))
    })
}

pub type Block = Vec<u8, STORE_LEN>;

/// Written at the start of each stroke (before the volume is out, so that the pump never believes in more drug than there is) and with each change.
/// That is up to 2 blocks a second, for a memory that bears it, such as FRAM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    pub reservoir_nl: u32,
    pub delivered_nl: u64,
    pub resets: u32,
    /// Latched alarms outlive a loss of power; the others are found again.
    pub alarms: Alarms,
    pub acknowledged: Alarms,
    pub last_log_number: u32,
    pub log: Vec<LogEntry, LOG_STORED>,
    pub therapy: therapy::Kept,
    pub device: device::Kept,
}

impl Settings {
    pub fn to_block(&self) -> Block {
        let mut block = Vec::new();
        put(&mut block, &[VERSION]);
        put(&mut block, &self.therapy.continuous_nl_h().to_le_bytes());
        put(&mut block, &self.reservoir_nl.to_le_bytes());
        put(&mut block, &self.delivered_nl.to_le_bytes());
        put(&mut block, &self.resets.to_le_bytes());
        put(&mut block, &self.alarms.0.to_le_bytes());
        put(&mut block, &self.acknowledged.0.to_le_bytes());
        put(&mut block, &self.last_log_number.to_le_bytes());
        put(&mut block, &[u8::try_from(self.log.len()).unwrap_or(0)]);
        for entry in &self.log {
            put(&mut block, &entry.number.to_le_bytes());
            put(&mut block, &entry.uptime_us.to_le_bytes());
            put(&mut block, &[entry.code.code()]);
            put(&mut block, &entry.value.to_le_bytes());
        }
        // Shorter than its capacity, so this can't fail; the CRC's length test would find it.
        let _ = block.resize(FIXED_LEN, 0);
        self.therapy.put(&mut block);
        self.device.put(&mut block);
        let checksum = crc32(&block);
        put(&mut block, &checksum.to_le_bytes());
        block
    }

    /// `None` if it is not what a pump of this configuration has written.
    pub fn from_block(block: &[u8], config: &Config) -> Option<Self> {
        let (mut body, checksum) = block.split_last_chunk::<4>()?;
        if body.len() != BODY_LEN || crc32(body) != u32::from_le_bytes(*checksum) || take(&mut body)? != [VERSION] {
            return None;
        }
        let basal = u32::from_le_bytes(take(&mut body)?);
        let reservoir_nl = u32::from_le_bytes(take(&mut body)?);
        let delivered_nl = u64::from_le_bytes(take(&mut body)?);
        let resets = u32::from_le_bytes(take(&mut body)?);
        let alarms = u32::from_le_bytes(take(&mut body)?);
        let acknowledged = u32::from_le_bytes(take(&mut body)?);
        let last_log_number = u32::from_le_bytes(take(&mut body)?);
        let [used] = take(&mut body)?;
        let mut log = Vec::new();
        for _ in 0..used {
            log.push(take_entry(&mut body)?).ok()?;
        }
        let unused = LOG_STORED.saturating_sub(log.len()).saturating_mul(ENTRY_LEN);
        body = body.get(unused..)?;
        let therapy = therapy::Kept::take(&mut body)?.with_continuous_nl_h(basal);
        let device = device::Kept::take(&mut body)?;
        if !therapy.believable(config) || reservoir_nl > config.reservoir.capacity_nl() {
            return None;
        }
        let alarms = Alarms(alarms & KEPT.0);
        Some(Self {
            reservoir_nl,
            delivered_nl,
            resets,
            alarms,
            acknowledged: Alarms(acknowledged & alarms.0),
            last_log_number,
            log,
            therapy,
            device,
        })
    }
}

pub fn put(block: &mut Block, bytes: &[u8]) {
    // The capacity is the sum of all that is put in; `a_block_has_its_length` holds it to that.
    let _ = block.extend_from_slice(bytes);
}

pub fn take<const N: usize>(body: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = body.split_first_chunk::<N>()?;
    *body = rest;
    Some(*head)
}

fn take_entry(body: &mut &[u8]) -> Option<LogEntry> {
    let number = u32::from_le_bytes(take(body)?);
    let uptime_us = u64::from_le_bytes(take(body)?);
    let [code] = take(body)?;
    let value = u32::from_le_bytes(take(body)?);
    Some(LogEntry { number, uptime_us, code: LogCode::from_code(code)?, value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Log;
    use crate::time::Micros;

    fn continuous(rate_nl_h: u32) -> therapy::Kept {
        let mut kept = therapy::Kept::default();
        (kept.prescription.mode, kept.prescription.rate_nl_h) = (pump_link::Mode::Continuous, rate_nl_h);
        kept
    }

    fn full() -> Settings {
        let mut log = Log::default();
        for n in 0..20 {
            log.write(Micros(n), LogCode::Acknowledged, u32::MAX);
        }
        Settings {
            reservoir_nl: 19_999_000,
            delivered_nl: 1 << 40,
            resets: 3,
            alarms: Alarms(0b110),
            acknowledged: Alarms(0b10),
            last_log_number: log.last_number(),
            log: log.newest().copied().collect(),
            therapy: continuous(20_833),
            device: device::Kept::default(),
        }
    }

    #[test]
    fn a_block_has_its_length_and_comes_back() {
        let block = full().to_block();
        assert_eq!(block.len(), STORE_LEN);
        assert_eq!(STORE_LEN, 174 + therapy::Kept::LEN + device::Kept::LEN);
        assert_eq!(Settings::from_block(&block, &Config::default()), Some(full()));
        let empty = Settings { log: Vec::new(), therapy: therapy::Kept::default(), ..full() };
        assert_eq!(empty.to_block().len(), STORE_LEN);
        assert_eq!(Settings::from_block(&empty.to_block(), &Config::default()), Some(empty));
    }

    #[test]
    fn the_fields_fill_the_block() {
        let mut end = 0;
        let mut names = std::collections::BTreeSet::new();
        for (name, place) in stored_fields() {
            assert_eq!(place.start, end, "{name}");
            assert!(!place.is_empty() && names.insert(name), "{name}");
            end = place.end;
        }
        assert_eq!(end, STORE_LEN);
        let block = full().to_block();
        let (_, basal) = stored_fields().find(|(name, _)| *name == "basal_rate").expect("a field of that name");
        assert_eq!(block[basal], 20_833_u32.to_le_bytes());
    }

    #[test]
    fn every_flipped_bit_is_found() {
        let block = full().to_block();
        for bit in 0..STORE_LEN * 8 {
            let mut broken = block.clone();
            broken[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Settings::from_block(&broken, &Config::default()), None, "bit {bit}");
        }
        assert_eq!(Settings::from_block(&[], &Config::default()), None);
        assert_eq!(Settings::from_block(&block[1..], &Config::default()), None);
    }

    #[test]
    fn values_beyond_the_limits_are_not_believed() {
        for settings in [
            Settings { therapy: continuous(1_999), ..full() },
            Settings { therapy: continuous(1_000_001), ..full() },
            Settings { therapy: continuous(0), ..full() },
            Settings { reservoir_nl: 20_000_001, ..full() },
        ] {
            assert_eq!(Settings::from_block(&settings.to_block(), &Config::default()), None);
        }
    }
}
