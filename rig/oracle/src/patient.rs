//! Whether the patient may have a bolus now: lockouts and allotments, decided from the rules and from what was asked for before.

use std::collections::VecDeque;

use rig_model::dut::PatientBolus;
use rig_model::time::{RigTime, Span};

use crate::band::LATENCY;

/// Boluses that are remembered; no rule allots more in its period.
const MAX_GIVEN: usize = 256;

#[derive(Debug, Clone, Default)]
pub(crate) struct Patient {
    given: VecDeque<Given>,
    /// The first lockout counts from one of these.
    anchor: Option<(RigTime, RigTime)>,
}

/// A bolus that began between two instants.
#[derive(Debug, Clone, Copy)]
struct Given {
    tag: u64,
    earliest: RigTime,
    latest: RigTime,
    /// It had to come, or came. Otherwise the pump may have denied it.
    certain: bool,
}

impl Patient {
    /// The rules came into force, or a refill began the first lockout anew.
    pub fn anew(&mut self, from: RigTime, to: RigTime) {
        self.anchor = Some((from, to));
    }

    /// A refill that may or may not begin it anew.
    pub fn perhaps_anew(&mut self, at: RigTime) {
        if let Some((_, latest)) = &mut self.anchor {
            *latest = at;
        }
    }

    /// The pump does not know how long it was without power: it may count all that was as of now.
    pub fn power_failed(&mut self, at: RigTime) {
        if let Some((_, latest)) = &mut self.anchor {
            *latest = at;
        }
        self.given.iter_mut().for_each(|given| given.latest = given.latest.max(at));
    }

    /// Asked for, and perhaps or certainly given.
    pub fn given(&mut self, tag: u64, earliest: RigTime, latest: RigTime, certain: bool) {
        if self.given.len() == MAX_GIVEN {
            self.given.pop_front();
        }
        self.given.push_back(Given { tag, earliest, latest, certain });
    }

    /// It was seen to come: whatever spoke against it, it counts.
    pub fn came(&mut self, tag: u64) {
        self.given.iter_mut().filter(|given| given.tag == tag).for_each(|given| given.certain = true);
    }

    /// The pump refused it.
    pub fn denied(&mut self, tag: u64) {
        self.given.retain(|given| given.tag != tag);
    }

    /// One that may be under way, and after which the rules would forbid another one now.
    pub fn instead_of(&self, rule: &PatientBolus, at: RigTime, under_way: impl Fn(u64) -> bool) -> Option<u64> {
        let locks = |given: &&Given| at < given.earliest + rule.lockout || rule.activations <= 1 && at < given.earliest + rule.in_any;
        self.given.iter().rev().filter(locks).map(|given| given.tag).find(|tag| under_way(*tag))
    }

    /// Whether the rules may allow one that begins at any time from `from` to `to`.
    pub fn may(&self, rule: &PatientBolus, to: RigTime, skew: f64) -> bool {
        let Some((anchor, _)) = self.anchor else { return false };
        let early = |span: Span| Span(span.0 - LATENCY.0 - (span.0 as f64 * skew) as i64);
        let certain = || self.given.iter().filter(|g| g.certain);
        to >= anchor + early(rule.first_after)
            && certain().all(|g| to >= g.earliest + early(rule.lockout))
            && (certain().filter(|g| g.earliest + early(rule.in_any) > to).count() as u32) < rule.activations
    }

    /// Whether the rules certainly allow one from `from` on.
    pub fn must(&self, rule: &PatientBolus, from: RigTime, skew: f64) -> bool {
        let Some((_, anchor)) = self.anchor else { return false };
        let late = |span: Span| Span(span.0 + LATENCY.0 + (span.0 as f64 * skew) as i64);
        from >= anchor + late(rule.first_after)
            && self.given.iter().all(|g| from >= g.latest + late(rule.lockout))
            && (self.given.iter().filter(|g| g.latest + late(rule.in_any) > from).count() as u32) < rule.activations
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rig_model::quantity::Volume;

    #[test]
    fn lockouts_and_allotments() {
        let rule = PatientBolus {
            volume: Volume(100.0),
            over: Span::minutes(2),
            first_after: Span::hours(10),
            lockout: Span::hours(4),
            activations: 2,
            in_any: Span::hours(24),
        };
        let at = |hours: f64| RigTime((hours * 3.6e12) as i64);
        let mut patient = Patient::default();
        assert!(!patient.may(&rule, at(100.0), 1e-4), "nothing was confirmed");
        patient.anew(at(0.0), at(0.0));
        let asked = |patient: &Patient, hours| (patient.may(&rule, at(hours), 1e-4), patient.must(&rule, at(hours), 1e-4));
        assert_eq!([9.9, 10.0, 10.1].map(|h| asked(&patient, h)), [(false, false), (true, false), (true, true)]);
        patient.given(0, at(10.1), at(10.1), true);
        assert_eq!([14.0, 14.1, 14.2].map(|h| asked(&patient, h)), [(false, false), (true, false), (true, true)]);
        patient.given(0, at(14.2), at(14.2), false);
        assert_eq!(asked(&patient, 18.3), (true, false), "two were perhaps given");
        patient.given(0, at(18.3), at(18.3), true);
        assert_eq!(asked(&patient, 30.0), (false, false), "two were certainly given");
        assert_eq!(asked(&patient, 34.2), (true, false), "the first is more than a day ago");
    }
}
