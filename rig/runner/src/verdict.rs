//! From verdicts to the exit code of the run.

use rig_model::verdict::{Counts, Verdict};

/// The documented exit codes of a run.
///
/// 0 everything asked for ran and is PASS, 1 a FAIL, 3 INCONCLUSIVE at worst, 4 ERROR, 5 ABORTED, 6 something was SKIPPED or nothing ran,
/// 7 the bench was not shown safe (over all others). 2, bad usage or bad files, never gets as far as a run.
pub fn exit_code(cases: &Counts, allow_skipped: bool, safe: bool) -> u8 {
    if !safe {
        return 7;
    }
    let ran = cases.total() - cases.skipped;
    match cases.worst() {
        Some(Verdict::Fail) => 1,
        Some(Verdict::Error) => 4,
        Some(Verdict::Aborted) => 5,
        Some(Verdict::Inconclusive) => 3,
        Some(Verdict::Skipped) if allow_skipped && ran > 0 => 0,
        Some(Verdict::Pass) => 0,
        Some(Verdict::Skipped) | None => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_reason() {
        let counts = |verdicts: &[Verdict]| {
            let mut counts = Counts::default();
            verdicts.iter().for_each(|v| counts.add(*v));
            counts
        };
        use Verdict::{Aborted, Error, Fail, Inconclusive, Pass, Skipped};
        for (verdicts, allow, safe, code) in [
            (&[Pass, Pass][..], false, true, 0),
            (&[Pass, Skipped], false, true, 6),
            (&[Pass, Skipped], true, true, 0),
            (&[Skipped], true, true, 6),
            (&[], true, true, 6),
            (&[Pass, Inconclusive, Skipped], true, true, 3),
            (&[Inconclusive, Aborted], false, true, 5),
            (&[Aborted, Error], false, true, 4),
            (&[Error, Fail, Aborted], false, true, 1),
            (&[Pass], false, false, 7),
            (&[Fail], false, false, 7),
        ] {
            assert_eq!(exit_code(&counts(verdicts), allow, safe), code, "{verdicts:?} allow={allow} safe={safe}");
        }
    }
}
