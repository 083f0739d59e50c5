//! `junit.xml`: a suite per case, a test case per check. For CI, where anything but PASS and SKIPPED must not look green.

use std::io::Write;
use std::time::Duration;

use chrono::{DateTime, FixedOffset};
use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};
use rig_model::event::Event;
use rig_model::fact::{Body, Fact};
use rig_model::time::RigTime;
use rig_model::verdict::{CheckRow, Verdict};

use crate::context::{CUT_OFF, ClosedCase, Context};
use crate::describe::measured;
use crate::hashing::{Digest, HashingWriter};
use crate::view::{Closing, View, ViewError};

/// Test cases at the most, as the totals stand in the file's first line and all must be held until the end. CI servers give up far below this.
pub const MAX_TEST_CASES: usize = 100_000;

#[derive(Debug)]
pub struct JUnit<W: Write> {
    out: HashingWriter<W>,
    context: Context,
    report: Report,
    /// Of the case that is open.
    rows: Vec<TestCase>,
    held: usize,
}

impl<W: Write> JUnit<W> {
    pub const NAME: &'static str = "junit.xml";

    pub fn new(out: W) -> Self {
        Self { out: HashingWriter::new(out), context: Context::default(), report: Report::new("rig"), rows: Vec::new(), held: 0 }
    }

    fn check(&mut self, row: &CheckRow) -> Result<(), ViewError> {
        self.held += 1;
        if self.held > MAX_TEST_CASES {
            return Err(ViewError::TooManyTestCases { most: MAX_TEST_CASES });
        }
        let text = || format!("{}\n{}\nreason: {}", row.check, measured(row), row.reason);
        let mut test = TestCase::new(xml(&format!("{}: {}", row.step, row.check)), status(row.verdict, &row.reason, text));
        test.set_time(duration(row.started, row.ended));
        self.rows.push(test);
        Ok(())
    }

    fn suite(&mut self, closed: &ClosedCase) {
        let name = xml(&closed.case.name());
        let mut rows = std::mem::take(&mut self.rows);
        // A verdict that no row explains (the safe-down failed, nothing was reached) would otherwise be invisible here.
        if closed.case.rows.worst() != Some(closed.verdict) {
            rows.push(TestCase::new("case verdict", status(closed.verdict, &closed.reason, || closed.reason.clone())));
        }
        let time = duration(closed.case.started, closed.ended);
        self.add_suite(&name, time, rows);
    }

    /// What concerns the whole run and no case of it.
    fn run_suite(&mut self) {
        let verdict = self.context.verdict();
        let (verdict, reason) = match (&self.context.ended, verdict) {
            (None, verdict) => (verdict.unwrap_or(Verdict::Aborted), CUT_OFF),
            (Some(end), _) if !end.safe => (Verdict::Error, "the bench was not shown safe"),
            (_, None) => (Verdict::Skipped, "nothing ran"),
            (_, Some(verdict)) if self.context.cases.worst() != Some(verdict) => (verdict, "verdict of the run"),
            _ => return,
        };
        self.rows.clear();
        self.add_suite("run", Duration::ZERO, vec![TestCase::new("run verdict", status(verdict, reason, || reason.to_owned()))]);
    }

    fn add_suite(&mut self, name: &str, time: Duration, mut tests: Vec<TestCase>) {
        let run = &self.context.run;
        let mut suite = TestSuite::new(name);
        suite.set_time(time);
        if let Some(timestamp) = utc(&run.started_utc) {
            suite.set_timestamp(timestamp);
        }
        suite.add_properties(
            [
                ("run_id", xml(&run.id)),
                ("bench", xml(&run.bench)),
                ("simulated", run.simulated.to_string()),
                ("evidence", run.evidence.to_string()),
                ("seed", run.seed.to_string()),
            ]
            .map(|(name, value)| Property::new(name, value)),
        );
        suite.add_properties(run.not_evidence.iter().map(|why| Property::new("not_evidence", xml(why))));
        suite.add_properties(run.warnings.iter().map(|warning| Property::new("warning", xml(warning))));
        for test in &mut tests {
            test.classname = Some(suite.name.clone());
        }
        suite.add_test_cases(tests);
        self.report.add_test_suite(suite);
    }
}

impl<W: Write + std::fmt::Debug + Send> View for JUnit<W> {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn take(&mut self, _seq: u64, fact: &Fact) -> Result<(), ViewError> {
        if let Some(closed) = self.context.take(fact) {
            self.suite(&closed);
        }
        match &fact.body {
            Body::Event(Event::Check(row)) => self.check(row),
            _ => Ok(()),
        }
    }

    fn finish(&mut self, closing: Closing) -> Result<Digest, ViewError> {
        if let Some(closed) = self.context.finish(closing) {
            self.suite(&closed);
        }
        self.run_suite();
        // The Jenkins schema calls `skipped` what the writer calls `disabled`. Quotes are escaped in texts and values,
        // so that this can be nothing but the attribute.
        let text = self.report.to_string()?.replace(" disabled=\"", " skipped=\"");
        self.out.write_all(text.as_bytes())?;
        self.out.flush()?;
        Ok(self.out.digest())
    }
}

/// `text` is not made for a PASS, which shows none.
fn status(verdict: Verdict, reason: &str, text: impl FnOnce() -> String) -> TestCaseStatus {
    let mut status = match verdict {
        Verdict::Pass => return TestCaseStatus::success(),
        Verdict::Skipped => TestCaseStatus::skipped(),
        Verdict::Fail | Verdict::Inconclusive => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Verdict::Error | Verdict::Aborted => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    status.set_type(verdict.name()).set_message(xml(reason)).set_description(xml(&text()));
    status
}

/// Without what XML 1.0 forbids and the writer's own cleaning leaves in: U+FFFE and U+FFFF.
fn xml(text: &str) -> String {
    text.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

fn utc(iso8601: &str) -> Option<DateTime<FixedOffset>> {
    DateTime::parse_from_rfc3339(iso8601).ok()
}

fn duration(from: RigTime, to: RigTime) -> Duration {
    Duration::from_nanos(to.0.saturating_sub(from.0).max(0) as u64)
}
