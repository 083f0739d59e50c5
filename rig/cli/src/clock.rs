//! The clock on the wall at both ends of a run. Measured times do not rest on it; the day of a calibration and the time of a signature do.

use std::time::{Duration, Instant, SystemTime};

use chrono::{DateTime, SecondsFormat, Utc};
use rig_bench::inspect::{Ground, wall_clock};
use rig_model::fact::{Body, Fact, Note, WallClock};
use rig_model::time::RigTime;

/// How far the clock on the wall may move against the monotonic one. A daemon that keeps it slews far less, and one that steps it has just found
/// it wrong.
const AT_LEAST: Duration = Duration::from_secs(1);
/// In millionths of the run's length: twice what an undisciplined crystal and its daemon make of it.
const MILLIONTHS: u32 = 200;

/// State of the clock now.
pub fn now() -> WallClock {
    state_at(SystemTime::now())
}

fn state_at(time: SystemTime) -> WallClock {
    let utc = DateTime::<Utc>::from(time).to_rfc3339_opts(SecondsFormat::Millis, true);
    wall_clock(&Ground::default(), utc)
}

/// Watches the clock over a run in real time.
#[derive(Debug)]
pub struct ClockWatch {
    wall: SystemTime,
    monotonic: Instant,
    /// The run is to be evidence, and the clock can still spoil it.
    evidence: bool,
}

impl ClockWatch {
    pub fn begin(evidence: bool) -> Self {
        Self { wall: SystemTime::now(), monotonic: Instant::now(), evidence }
    }

    /// What the record notes of the clock at the end of the run.
    pub fn end(self, at: RigTime) -> Vec<Fact> {
        let (wall, elapsed) = (SystemTime::now(), self.monotonic.elapsed());
        let clock = state_at(wall);
        let mut notes = Vec::new();
        if self.evidence {
            notes.extend(spoiled(&clock, self.wall, wall, elapsed).into_iter().map(|why| Note::NotEvidence { why }));
        }
        notes.insert(0, Note::WallClock(clock));
        notes.into_iter().map(|note| Fact { at, arrival: None, body: Body::Note(note) }).collect()
    }
}

/// Why what the clock said at the start of the run is no evidence after all.
fn spoiled(clock: &WallClock, started: SystemTime, ended: SystemTime, elapsed: Duration) -> Vec<String> {
    let lost = (!clock.synchronised).then(|| "the clock on the wall was no longer synchronised at the end of the run".to_owned());
    lost.into_iter().chain(moved(started, ended, elapsed)).collect()
}

fn moved(started: SystemTime, ended: SystemTime, elapsed: Duration) -> Option<String> {
    let expected = started.checked_add(elapsed)?;
    let (by, way) = match ended.duration_since(expected) {
        Ok(ahead) => (ahead, "forward"),
        Err(behind) => (behind.duration(), "back"),
    };
    let allowed = allowed(elapsed);
    let seconds = |time: Duration| time.as_millis() as f64 / 1e3;
    (by > allowed).then(|| format!("the clock on the wall was moved {way} by {} s during the run", seconds(by)))
}

/// How far the two clocks may have come apart over so much time.
pub fn allowed(elapsed: Duration) -> Duration {
    AT_LEAST.max(elapsed / 1_000_000 * MILLIONTHS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_moved_is_told_whichever_way() {
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000);
        let hours = |n: u64| Duration::from_secs(3_600 * n);
        let ahead = |elapsed: Duration, ms: u64| moved(start, start + elapsed + Duration::from_millis(ms), elapsed);
        let behind = |elapsed: Duration, ms: u64| moved(start, start + elapsed - Duration::from_millis(ms), elapsed);
        assert_eq!((ahead(hours(1), 1_000), behind(hours(1), 1_000)), (None, None));
        let words = |way: &str, s: &str| Some(format!("the clock on the wall was moved {way} by {s} s during the run"));
        assert_eq!(ahead(hours(1), 1_001), words("forward", "1.001"));
        assert_eq!(behind(hours(1), 1_001), words("back", "1.001"));
        // 72 h at 200 millionths are 51.84 s.
        assert_eq!((ahead(hours(72), 51_840), behind(hours(72), 51_840)), (None, None));
        assert_eq!(behind(hours(72), 51_841), words("back", "51.841"));
        let years = Duration::from_secs(10 * 365 * 86_400);
        assert_eq!(moved(start, start - years, hours(1)), words("back", "315363600"));
    }

    #[test]
    fn only_evidence_is_spoiled() {
        let notes = |evidence: bool| ClockWatch { evidence, ..ClockWatch::begin(false) }.end(RigTime(7));
        let quiet = notes(false);
        assert!(matches!(&quiet[..], [Fact { at: RigTime(7), body: Body::Note(Note::WallClock(_)), .. }]), "{quiet:?}");
        let synchronised = WallClock { utc: String::new(), synchronised: true, max_error_ms: None, source: None };
        let now = SystemTime::now();
        assert_eq!(spoiled(&synchronised, now, now, Duration::ZERO), [""; 0]);
        let adrift = WallClock { synchronised: false, ..synchronised };
        let words = "the clock on the wall was no longer synchronised at the end of the run";
        assert_eq!(spoiled(&adrift, now, now, Duration::ZERO), [words]);
        assert_eq!(spoiled(&adrift, now, now, Duration::from_secs(5)).len(), 2);
    }
}
