//! Recognises tones on the alarm line: one beep is a non-critical alarm, two in quick succession a critical one.

use rig_model::dut::AlarmClass;
use rig_model::input::{Edges, Sense};
use rig_model::time::{RigTime, Span};

/// A shorter first beep is the chirp of a self-test and says only that the wire is alive.
const SHORTEST_BEEP: Span = Span::milliseconds(150);
/// Two beeps that begin within this time are one critical tone; a single one is known to be single when it has passed.
const PAIR_WITHIN: Span = Span::seconds(1);
/// A critical tone's second beep begins this long after its first: a beep of 300 ms and a pause of 200 ms, as the reference pump's page states them
/// (rig/docs/pump.md, `tones.beep_us` and `tones.pause_us`). What comes to the pump later has not kept it from its second beep.
const SECOND_BEEP: Span = Span::milliseconds(500);
/// What goes over the link takes no longer, either way: a command that was sent just before a beep may still arrive in it, and the report of an
/// alarm's end comes after the tone was cut. A frame of 64 bytes at 19,200 Bd takes 33 ms; the rest is the adapter's.
const LINK_DELAY: Span = Span::milliseconds(50);

/// A recognised tone and when its first edge came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tone {
    pub class: AlarmClass,
    pub began: RigTime,
}

impl Tone {
    /// Whether a command that was sent then may have reached the pump between the tone's first edge and the one with which its second beep is due.
    pub fn met_by_command(self, sent: RigTime) -> bool {
        sent >= self.began - LINK_DELAY && sent <= self.began + SECOND_BEEP
    }

    /// Whether an alarm of which the end was told then may have ended before the tone's second beep was due.
    pub fn met_by_end(self, told: RigTime) -> bool {
        told >= self.began && told <= self.began + SECOND_BEEP + LINK_DELAY
    }
}

/// A beep that is longer than this is no beep any more: the line stays active.
const LONGEST_BEEP: Span = Span::seconds(5);

#[derive(Debug, Default)]
pub struct ToneListener {
    /// Since when the line is active.
    active: Option<RigTime>,
    /// The last time that it was active for longer than any beep lasts.
    stuck: Option<(RigTime, RigTime)>,
    pending: Option<Pending>,
    /// Edges before this belong to a tone that was recognised already.
    deaf_until: Option<RigTime>,
}

#[derive(Debug, Clone, Copy)]
struct Pending {
    began: RigTime,
}

impl ToneListener {
    /// Takes a batch of edges of the alarm channel; edges of an alarm line come few at a time.
    pub fn edges(&mut self, edges: &Edges, mut heard: impl FnMut(Tone)) {
        for at in edges.times() {
            match edges.sense {
                Sense::On => self.on(at, &mut heard),
                _ => self.off(at),
            }
        }
    }

    pub fn next_deadline(&self) -> Option<RigTime> {
        self.pending.map(|p| p.began + PAIR_WITHIN)
    }

    pub fn tick(&mut self, now: RigTime) -> Option<Tone> {
        let pending = self.pending.filter(|p| p.began + PAIR_WITHIN <= now)?;
        self.pending = None;
        Some(Tone { class: AlarmClass::NonCritical, began: pending.began })
    }

    /// Nothing more is waited for: what has begun counts as it stands.
    pub fn flush(&mut self) -> Option<Tone> {
        self.pending.take().map(|p| Tone { class: AlarmClass::NonCritical, began: p.began })
    }

    /// The beep of which it is not known yet what it is, as the tone that it is if no other follows.
    pub fn begun(&self) -> Option<Tone> {
        self.pending.map(|p| Tone { class: AlarmClass::NonCritical, began: p.began })
    }

    /// Whether a beep has begun of which it is not known yet what it is.
    pub fn undecided(&self) -> bool {
        self.pending.is_some()
    }

    /// Whether the line, active since before `from`, stayed so for longer than any beep lasts, up to `until`.
    pub fn stayed_active(&self, from: RigTime, until: RigTime) -> bool {
        let too_long = |on: RigTime, off: RigTime| on < from && off - from > LONGEST_BEEP;
        self.active.is_some_and(|on| too_long(on, until)) || self.stuck.is_some_and(|(on, off)| too_long(on, off))
    }

    fn on(&mut self, at: RigTime, heard: &mut impl FnMut(Tone)) {
        self.active.get_or_insert(at);
        if self.deaf_until.is_some_and(|until| at < until) {
            return;
        }
        match self.pending.take() {
            Some(first) => {
                self.deaf_until = Some(first.began + PAIR_WITHIN);
                heard(Tone { class: AlarmClass::Critical, began: first.began });
            }
            None => self.pending = Some(Pending { began: at }),
        }
    }

    fn off(&mut self, at: RigTime) {
        if let Some(on) = self.active.take().filter(|on| at - *on > LONGEST_BEEP) {
            self.stuck = Some((on, at));
        }
        if self.pending.is_some_and(|p| at - p.began < SHORTEST_BEEP) {
            self.pending = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listen(edges: &[(Sense, i64)], then_ms: i64) -> Vec<Tone> {
        let mut listener = ToneListener::default();
        let mut heard = Vec::new();
        for (i, (sense, ms)) in edges.iter().enumerate() {
            let at = RigTime::ZERO + Span::milliseconds(*ms);
            heard.extend(listener.tick(at - Span(1)));
            listener.edges(&Edges::single("alarm".into(), *sense, i as u64, at), |t| heard.push(t));
        }
        heard.extend(listener.tick(RigTime::ZERO + Span::milliseconds(then_ms)));
        heard
    }

    fn tone(class: AlarmClass, ms: i64) -> Tone {
        Tone { class, began: RigTime::ZERO + Span::milliseconds(ms) }
    }

    #[test]
    fn a_line_that_stays_active_is_no_beep() {
        let at = |s: i64| RigTime::ZERO + Span::seconds(s);
        let mut listener = ToneListener::default();
        listener.edges(&Edges::single("alarm".into(), Sense::On, 0, at(0)), |_| {});
        assert!(!listener.stayed_active(at(1), at(6)) && listener.stayed_active(at(1), at(7)));
        listener.edges(&Edges::single("alarm".into(), Sense::Off, 1, at(10)), |_| {});
        assert!(listener.stayed_active(at(1), at(20)) && !listener.stayed_active(at(6), at(20)));
        listener.edges(&Edges::single("alarm".into(), Sense::On, 2, at(30)), |_| {});
        listener.edges(&Edges::single("alarm".into(), Sense::Off, 3, at(31)), |_| {});
        assert!(!listener.stayed_active(at(30), at(40)), "a beep comes to its end");
    }

    #[test]
    fn beeps_are_told_apart() {
        use AlarmClass::{Critical, NonCritical};
        use Sense::{Off, On};
        assert_eq!(listen(&[(On, 0), (Off, 50)], 5_000), [], "a chirp is no tone");
        assert_eq!(listen(&[(On, 10), (Off, 310)], 1_009), [], "a second beep may still come");
        assert_eq!(listen(&[(On, 10), (Off, 310)], 1_010), [tone(NonCritical, 10)]);
        assert_eq!(listen(&[(On, 10), (Off, 310), (On, 510), (Off, 810)], 5_000), [tone(Critical, 10)]);
        assert_eq!(listen(&[(On, 0)], 2_000), [tone(NonCritical, 0)], "a line stuck active is heard");
        assert_eq!(
            listen(&[(On, 0), (Off, 300), (On, 500), (Off, 800), (On, 600_000), (Off, 600_300)], 700_000),
            [tone(Critical, 0), tone(NonCritical, 600_000)]
        );
    }
}
