//! What has begun to flow within the last period: the memory of the rolling limit.
//!
//! Each stroke is remembered with its time, so that the limit is exact to the stroke, as long as the limit's volume is no more than [`KEPT`]
//! strokes. Above that, strokes that begin within a [`KEPT`]th of the period are remembered as one that began with the last of them: such a
//! memory forgets late and never early, so the limit errs to the safe side, by a two-thousandth of the period at the most.

use heapless::Deque;

use crate::prescription::LimitRule;
use crate::time::Micros;

/// 2 mL in single strokes of 1 µL; 32 KiB.
pub const KEPT: usize = 2_048;

/// So many memories of the same span fill a period, with one to spare.
const TURNS: u64 = KEPT as u64 - 1;

#[derive(Debug, Clone, Copy)]
struct Begun {
    /// The latest of its strokes.
    at: Micros,
    volume_nl: u32,
    /// How much of it was no basal delivery.
    bolus_nl: u32,
}

#[derive(Clone, Default)]
pub struct Memory {
    begun: Deque<Begun, KEPT>,
    /// When the newest of them began, if it is more than one stroke.
    newest_since: Micros,
    volume_nl: u32,
    bolus_nl: u32,
}

impl core::fmt::Debug for Memory {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Memory {{ {} entries, {} nL, {} nL of boluses }}", self.begun.len(), self.volume_nl, self.bolus_nl)
    }
}

impl Memory {
    /// After a power-on: nobody knows how long the power was off, so all of it counts as begun just now.
    pub fn restored(volume_nl: u32, bolus_nl: u32) -> Self {
        let mut memory = Self::default();
        if volume_nl > 0 {
            memory.push(Begun { at: Micros::ZERO, volume_nl, bolus_nl });
        }
        memory
    }

    /// Begun in the period that ends now: all, and what was no basal delivery.
    pub fn used(&self, now: Micros, rule: LimitRule) -> (u32, u32) {
        let over = self.begun.iter().take_while(|begun| rule.is_over(begun.at, now));
        over.fold((self.volume_nl, self.bolus_nl), |(volume, bolus), begun| {
            (volume.saturating_sub(begun.volume_nl), bolus.saturating_sub(begun.bolus_nl))
        })
    }

    /// Whether a stroke of this volume may begin now.
    pub fn allows(&mut self, volume_nl: u32, now: Micros, rule: LimitRule) -> bool {
        while self.begun.front().is_some_and(|begun| rule.is_over(begun.at, now)) {
            if let Some(begun) = self.begun.pop_front() {
                self.volume_nl = self.volume_nl.saturating_sub(begun.volume_nl);
                self.bolus_nl = self.bolus_nl.saturating_sub(begun.bolus_nl);
            }
        }
        self.volume_nl.saturating_add(volume_nl) <= rule.volume_nl
    }

    /// When there is room for a stroke of this volume, after [`Memory::allows`] has said that there is none now.
    pub fn room_at(&self, volume_nl: u32, now: Micros, rule: LimitRule) -> Micros {
        let mut left = self.volume_nl;
        for begun in &self.begun {
            left = left.saturating_sub(begun.volume_nl);
            if left.saturating_add(volume_nl) <= rule.volume_nl {
                return begun.at.plus(rule.period_us()).max(now.plus(1));
            }
        }
        // A stroke that is more than the limit never has room.
        now.plus(rule.period_us())
    }

    /// A stroke begins.
    pub fn record(&mut self, volume_nl: u32, is_bolus: bool, now: Micros, rule: LimitRule, stroke_nl: u32) {
        let bolus_nl = if is_bolus { volume_nl } else { 0 };
        let together_us =
            if u64::from(rule.volume_nl) <= u64::from(stroke_nl).saturating_mul(KEPT as u64) { 0 } else { rule.period_us() / TURNS };
        let joins = self.begun.is_full() || now.since(self.newest_since) < together_us;
        match self.begun.back_mut().filter(|_| joins) {
            Some(newest) => {
                newest.at = now;
                newest.volume_nl = newest.volume_nl.saturating_add(volume_nl);
                newest.bolus_nl = newest.bolus_nl.saturating_add(bolus_nl);
                self.volume_nl = self.volume_nl.saturating_add(volume_nl);
                self.bolus_nl = self.bolus_nl.saturating_add(bolus_nl);
            }
            None => {
                self.newest_since = now;
                self.push(Begun { at: now, volume_nl, bolus_nl });
            }
        }
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }

    fn push(&mut self, begun: Begun) {
        self.volume_nl = self.volume_nl.saturating_add(begun.volume_nl);
        self.bolus_nl = self.bolus_nl.saturating_add(begun.bolus_nl);
        // There is room: a full memory joins.
        let _ = self.begun.push_back(begun);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000;
    const RULE: LimitRule = LimitRule { volume_nl: 3_000, period_s: 60 };

    #[test]
    fn to_the_stroke() {
        let mut memory = Memory::default();
        for second in [0, 10, 20] {
            assert!(memory.allows(1_000, Micros(second * SECOND), RULE));
            memory.record(1_000, second == 10, Micros(second * SECOND), RULE, 1_000);
        }
        let now = Micros(30 * SECOND);
        assert_eq!(memory.used(now, RULE), (3_000, 1_000));
        assert!(!memory.allows(1_000, now, RULE));
        assert_eq!(memory.room_at(1_000, now, RULE), Micros(60 * SECOND));
        assert_eq!(memory.room_at(2_000, now, RULE), Micros(70 * SECOND));
        assert_eq!(memory.room_at(3_001, now, RULE), Micros(90 * SECOND));
        assert!(!memory.allows(1_000, Micros(60 * SECOND - 1), RULE));
        assert!(memory.allows(1_000, Micros(60 * SECOND), RULE));
        assert_eq!(memory.used(Micros(70 * SECOND), RULE), (1_000, 0));
    }

    #[test]
    fn a_big_limit_forgets_late_and_never_early() {
        // 10 mL in 2047 s: 10,000 strokes, five a second.
        let rule = LimitRule { volume_nl: 10_000_000, period_s: 2_047 };
        let mut memory = Memory::default();
        let mut exact = std::collections::VecDeque::new();
        for n in 0..30_000_u64 {
            let now = Micros(n * 200_000);
            while exact.front().is_some_and(|at: &Micros| at.plus(rule.period_us()) <= now) {
                exact.pop_front();
            }
            memory.allows(0, now, rule);
            let (used, _) = memory.used(now, rule);
            let truly = 1_000 * exact.len() as u32;
            assert!((truly..=truly + 6_000).contains(&used), "{used} of {truly}");
            if memory.allows(1_000, now, rule) {
                memory.record(1_000, false, now, rule, 1_000);
                exact.push_back(now);
            }
        }
        assert!(memory.begun.len() < KEPT);
    }

    #[test]
    fn a_full_memory_forgets_late() {
        let rule = LimitRule { volume_nl: 2_048_000, period_s: 604_800 };
        let mut memory = Memory::default();
        for n in 0..3_000 {
            memory.record(100, true, Micros(n * SECOND), rule, 1_000);
        }
        assert_eq!(memory.used(Micros(3_000 * SECOND), rule), (300_000, 300_000));
        assert_eq!(memory.used(Micros(2_999 * SECOND + rule.period_us() - 1), rule).0, 100 * (3_000 - 2_047));
    }

    #[test]
    fn after_a_loss_of_power_all_counts_as_just_begun() {
        let memory = Memory::restored(2_500, 1_500);
        assert_eq!(memory.used(Micros(60 * SECOND - 1), RULE), (2_500, 1_500));
        assert_eq!(memory.used(Micros(60 * SECOND), RULE), (0, 0));
    }
}
