//! A claim to be evidence against the end of the record: what the run found out while it was played, and its clock on the wall.

use std::time::Duration;

use chrono::{DateTime, Utc};
use rig_model::fact::{Header, WallClock};
use rig_model::time::RigTime;

use crate::clock::allowed;

/// Between the header and the first moment of rig time the bench is opened, its ports and its board.
const OPENING: Duration = Duration::from_secs(30);

/// How the record of a run ends.
#[derive(Debug, Clone, Copy)]
pub struct AtEnd<'a> {
    pub complete: bool,
    /// Why it is no evidence after all, as came to light while it was played.
    pub late: &'a [String],
    /// What was noted of the clock last, and when.
    pub clock: Option<&'a (RigTime, WallClock)>,
}

/// What a claim to be evidence is worth at the end of the record.
#[derive(Debug, PartialEq, Eq)]
pub enum Claim {
    /// None is made.
    None,
    /// Nothing at the end of the record stands against it.
    Stands,
    /// The run itself says that it does not hold, or never came to where that is decided.
    GivenUp(String),
    /// The record is not that of a run that may claim it.
    False(String),
}

impl Claim {
    pub fn of(header: &Header, end: AtEnd<'_>) -> Self {
        if !header.evidence {
            return Self::None;
        }
        if !end.complete {
            let why = "nobody looked at its clock at its end, so that its claim to be evidence does not hold";
            return Self::GivenUp(format!("it was cut off, and {why}"));
        }
        if let Some(why) = end.late.first() {
            return Self::GivenUp(format!("it is no evidence after all, as it says itself: {why}"));
        }
        let Some((at, clock)) = end.clock else {
            return Self::False("its clock on the wall was not looked at at its end".to_owned());
        };
        if !clock.synchronised {
            return Self::False("its clock on the wall was not synchronised at its end".to_owned());
        }
        moved(header, *at, clock).map_or(Self::Stands, Self::False)
    }
}

fn moved(header: &Header, at: RigTime, clock: &WallClock) -> Option<String> {
    let (Some(started), Some(ended)) = (time(&header.started_utc), time(&clock.utc)) else {
        return Some(format!("the times `{}` and `{}` are none", header.started_utc, clock.utc));
    };
    let elapsed = Duration::from_nanos(u64::try_from(at.0).unwrap_or_default());
    let allowed = allowed(elapsed);
    let by = (ended - started).as_seconds_f64() - elapsed.as_secs_f64();
    let may = -allowed.as_secs_f64()..=(allowed + OPENING).as_secs_f64();
    (!may.contains(&by)).then(|| {
        let (started, ended) = (&header.started_utc, &clock.utc);
        format!(
            "it began at {started} and ended at {ended} on the wall, after {:.3} s of rig time: {by:+.3} s too many",
            elapsed.as_secs_f64()
        )
    })
}

/// A time as headers and notes have it.
pub fn time(text: &str) -> Option<DateTime<Utc>> {
    Some(DateTime::parse_from_rfc3339(text).ok()?.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(evidence: bool) -> Header {
        let text = r#"{"tool":"t","run_id":"r","started_utc":"2026-11-25T22:00:00Z","bench":"b","simulated":false,"evidence":true,"seed":1,
            "allow_skipped":false,"cases":[],"bench_file":{"path":"b.toml","sha256":"","text":""},"files":[],"host":""}"#;
        Header { evidence, ..serde_json::from_str(text).unwrap() }
    }

    fn claim(seconds: i64, utc: &str, synchronised: bool) -> Claim {
        let clock = (RigTime(seconds * 1_000_000_000), WallClock { utc: utc.to_owned(), synchronised, max_error_ms: None, source: None });
        Claim::of(&header(true), AtEnd { complete: true, late: &[], clock: Some(&clock) })
    }

    #[test]
    fn a_claim_needs_a_clock_that_was_looked_at() {
        let end = AtEnd { complete: true, late: &[], clock: None };
        assert_eq!(Claim::of(&header(true), end), Claim::False("its clock on the wall was not looked at at its end".to_owned()));
        assert_eq!(Claim::of(&header(false), end), Claim::None);
        let cut = Claim::of(&header(true), AtEnd { complete: false, ..end });
        assert!(matches!(&cut, Claim::GivenUp(why) if why.contains("nobody looked at its clock")), "{cut:?}");
        let late = Claim::of(&header(true), AtEnd { late: &["the clock was lost".to_owned()], ..end });
        assert!(
            matches!(&late, Claim::GivenUp(why) if why.contains("no evidence after all") && why.contains("the clock was lost")),
            "{late:?}"
        );
    }

    #[test]
    fn a_claim_needs_a_clock_that_went_right() {
        assert_eq!(claim(3600, "2026-11-25T23:00:02.500Z", true), Claim::Stands, "the bench took a moment to open");
        assert_eq!(claim(3600, "2026-11-25T22:59:59.001Z", true), Claim::Stands);
        assert_eq!(claim(259_200, "2026-11-28T21:59:09.000Z", true), Claim::Stands, "three days at 200 millionths are 51.84 s");
        for (seconds, utc, words) in [
            (3600, "2026-11-25T22:59:58.900Z", "-1.100 s too many"),
            (3600, "2026-11-25T23:00:31.100Z", "+31.100 s too many"),
            (259_200, "2026-11-28T21:59:08.000Z", "-52.000 s too many"),
            (3600, "yesterday", "are none"),
        ] {
            let claim = claim(seconds, utc, true);
            assert!(matches!(&claim, Claim::False(why) if why.contains(words)), "{claim:?}");
        }
        assert_eq!(
            claim(3600, "2026-11-25T23:00:00.000Z", false),
            Claim::False("its clock on the wall was not synchronised at its end".to_owned())
        );
    }
}
