//! The clock on the wall at both ends of a run. Measured times do not rest on it; the day of a calibration and the time of a signature do.

use std::time::{Duration, Instant, SystemTime};

use chrono::{DateTime, SecondsFormat, Utc};
use rig_bench::inspect::{Ground, wall_clock};
use rig_model::bench::Bench;
use rig_model::fact::{Body, Fact, Note, WallClock};
use rig_model::time::RigTime;
use rig_scenario::calibration_gaps;

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
    /// Its certificates may run out meanwhile.
    bench: Bench,
}

impl ClockWatch {
    pub fn begin(evidence: bool, bench: Bench) -> Self {
        Self { wall: SystemTime::now(), monotonic: Instant::now(), evidence, bench }
    }

    /// What the record notes of the clock at the end of the run.
    pub fn end(self, at: RigTime) -> Vec<Fact> {
        let (wall, elapsed) = (SystemTime::now(), self.monotonic.elapsed());
        let clock = state_at(wall);
        let mut notes = Vec::new();
        if self.evidence {
            let day = DateTime::<Utc>::from(wall).format("%Y-%m-%d").to_string();
            let spoiled = spoiled(&clock, self.wall, wall, elapsed).into_iter().chain(no_longer_calibrated(&self.bench, &day));
            notes.extend(spoiled.map(|why| Note::NotEvidence { why }));
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

/// Of a bench that was calibrated when the run began.
fn no_longer_calibrated(bench: &Bench, day: &str) -> Vec<String> {
    let gaps = calibration_gaps(bench, day).into_iter();
    gaps.map(|gap| format!("{} (the run ended on {day})", gap.replace(';', ","))).collect()
}

fn moved(started: SystemTime, ended: SystemTime, elapsed: Duration) -> Option<String> {
    let expected = started.checked_add(elapsed)?;
    let (by, way) = match ended.duration_since(expected) {
        Ok(ahead) => (ahead, "forward"),
        Err(behind) => (behind.duration(), "back"),
    };
    let allowed = AT_LEAST.max(elapsed / 1_000_000 * MILLIONTHS);
    let seconds = |time: Duration| time.as_millis() as f64 / 1e3;
    (by > allowed).then(|| format!("the clock on the wall was moved {way} by {} s during the run", seconds(by)))
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

    fn bench() -> Bench {
        rig_scenario::parse_bench("pi.toml", include_str!("../../benches/pi.toml")).expect("a good file")
    }

    #[test]
    fn a_certificate_that_runs_out_during_the_run_is_told() {
        assert_eq!(no_longer_calibrated(&bench(), "2027-06-30"), [""; 0]);
        let found = no_longer_calibrated(&bench(), "2027-07-01");
        assert_eq!(found[0], "flow.pump: certificate YOUR-CERTIFICATE-1 ran out on 2027-06-30 (the run ended on 2027-07-01)");
        assert_eq!(found.len(), 3, "{found:?}");
        // The day is that of the clock at the end.
        let old = include_str!("../../benches/pi.toml").replace("2026-07-01", "2019-07-01").replace("2027-06-30", "2020-06-30");
        let old = rig_scenario::parse_bench("pi.toml", &old).expect("a good file");
        let ran_out = |evidence: bool| {
            let notes = ClockWatch::begin(evidence, old.clone()).end(RigTime(7)).into_iter();
            notes.filter(|f| matches!(&f.body, Body::Note(Note::NotEvidence { why }) if why.contains("ran out on 2020-06-30"))).count()
        };
        assert_eq!((ran_out(true), ran_out(false)), (3, 0));
    }

    #[test]
    fn only_evidence_is_spoiled() {
        let notes = |evidence: bool| ClockWatch { evidence, ..ClockWatch::begin(false, bench()) }.end(RigTime(7));
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
