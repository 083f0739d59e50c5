//! How far each source has come, and what is promised for those that fall behind or die: nothing may wait for them for ever.

use rig_model::input::Source;
use rig_model::time::{RigTime, Span};

/// A source that says nothing for this long is lost. Sources speak every 10 ms; a Pi with its SD card busy stalls for a second or two.
pub const LAG_LIMIT: Span = Span::seconds(5);

#[derive(Debug, Default)]
pub(crate) struct Pace {
    lanes: [Lane; Source::ALL.len()],
}

#[derive(Debug, Default, Clone, Copy)]
struct Lane {
    /// What the source itself has promised.
    promised: RigTime,
    /// The latest time of anything that was passed on for it.
    latest: RigTime,
    lagging: bool,
    dead: bool,
}

impl Pace {
    pub fn input(&mut self, source: Source, at: RigTime) {
        let lane = self.lane(source);
        lane.latest = lane.latest.max(at);
    }

    pub fn watermark(&mut self, source: Source, at: RigTime) {
        let lane = self.lane(source);
        lane.promised = lane.promised.max(at);
        lane.latest = lane.latest.max(at);
    }

    /// The first instant that the source has not vouched for: a loss of what it did not say is told there, before anything is judged
    /// on a promise that the rig makes in its place.
    pub fn first_missing(&mut self, source: Source) -> RigTime {
        let lane = self.lane(source);
        lane.latest = lane.latest.max(lane.promised) + Span::nanoseconds(1);
        lane.latest
    }

    /// A time for an input that the rig makes itself in the name of a source: later than everything passed on for it.
    pub fn stamp(&mut self, source: Source, now: RigTime) -> RigTime {
        let lane = self.lane(source);
        lane.latest = now.max(lane.latest + Span::nanoseconds(1));
        lane.latest
    }

    pub fn declare_dead(&mut self, source: Source) {
        self.lane(source).dead = true;
    }

    pub fn is_dead(&self, source: Source) -> bool {
        self.lanes[source as usize].dead
    }

    /// The sources that have begun to lag since this was last asked. Each is told once, until it has caught up.
    pub fn newly_lagging(&mut self, now: RigTime) -> Vec<(Source, Span)> {
        let mut newly = Vec::new();
        for source in Source::ALL {
            let lane = self.lane(source);
            let lag = now - lane.promised;
            let lags = source != Source::Operator && !lane.dead && lag > LAG_LIMIT;
            if lags && !lane.lagging {
                newly.push((source, lag));
            }
            lane.lagging = lags;
        }
        newly
    }

    /// What the rig promises at `now` in the place of the sources that can't: the operator, who is the rig itself, the dead, and the lagging.
    /// A source that lags is not waited for any longer than [`LAG_LIMIT`]; it can still catch up.
    pub fn forced(&mut self, now: RigTime) -> Vec<(Source, RigTime)> {
        let mut forced = Vec::new();
        for source in Source::ALL {
            let lane = self.lane(source);
            let at = match lane.dead || source == Source::Operator {
                true => now,
                false if lane.lagging => now - LAG_LIMIT,
                false => continue,
            };
            lane.latest = lane.latest.max(at);
            forced.push((source, at));
        }
        forced
    }

    fn lane(&mut self, source: Source) -> &mut Lane {
        &mut self.lanes[source as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NS: Span = Span::nanoseconds(1);

    #[test]
    fn a_source_that_lags_is_told_once_and_waited_for_no_longer() {
        let mut pace = Pace::default();
        let at = RigTime::ZERO + Span::seconds(60);
        for source in Source::ALL {
            pace.watermark(source, at);
        }
        assert_eq!(pace.newly_lagging(at + LAG_LIMIT), []);
        let late = at + LAG_LIMIT + NS;
        [Source::Bench, Source::Link].into_iter().for_each(|s| pace.watermark(s, late));
        assert_eq!(pace.newly_lagging(late), [(Source::Sensors, LAG_LIMIT + NS)]);
        assert_eq!(pace.newly_lagging(late), [], "it is told once");
        assert_eq!(pace.forced(late), [(Source::Operator, late), (Source::Sensors, at + NS)]);

        pace.watermark(Source::Sensors, late);
        assert_eq!(pace.newly_lagging(late), []);
        assert_eq!(pace.forced(late), [(Source::Operator, late)]);
    }

    #[test]
    fn a_dead_source_keeps_up_with_now() {
        let mut pace = Pace::default();
        pace.declare_dead(Source::Sensors);
        let now = RigTime::ZERO + Span::hours(1);
        [Source::Bench, Source::Link].into_iter().for_each(|s| pace.watermark(s, now));
        assert_eq!(pace.newly_lagging(now), [], "its death was told when it died");
        assert_eq!(pace.forced(now), [(Source::Operator, now), (Source::Sensors, now)]);
    }

    #[test]
    fn what_the_rig_says_for_a_source_is_later_than_what_was_promised_for_it() {
        let mut pace = Pace::default();
        pace.watermark(Source::Bench, RigTime(100));
        assert_eq!(pace.stamp(Source::Bench, RigTime(90)), RigTime(101));
        assert_eq!(pace.stamp(Source::Bench, RigTime(90)), RigTime(102));
        assert_eq!(pace.stamp(Source::Bench, RigTime(200)), RigTime(200));
    }
}
