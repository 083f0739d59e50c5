//! Finds the one row of a run that somebody asks about.

use rig_model::event::Event;
use rig_model::fact::{Body, Fact, Note};
use rig_model::verdict::CheckRow;

use crate::context::{Context, case_name};
use crate::explain::Explanation;
use crate::palette::printable;

/// Candidates that are shown at the most; the rest are counted. Whoever meets more has to ask for less.
const MAX_CANDIDATES: usize = 30;

/// Takes the facts of a run and keeps the rows that fit what is asked for.
///
/// That is the number of a row in `results.csv`; `SCENARIO:STEP` or `SCENARIO/CASE:STEP`; a step as `steps.4`; or a part of the check's
/// text, in whatever case. What fits in an earlier one of these ways is taken, and nothing else.
#[derive(Debug)]
pub struct Finder {
    wanted: String,
    context: Context,
    /// How the rows that are kept fit, the best way first.
    fit: Fit,
    kept: Vec<Place>,
    /// Rows that fit as well and are not kept.
    more: u64,
}

/// A row and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) number: u64,
    pub(crate) scenario: String,
    pub(crate) case: String,
    pub(crate) attempt: u32,
    pub(crate) row: Box<CheckRow>,
}

/// What came of the search.
#[derive(Debug)]
pub enum Found {
    One(Box<Explanation>),
    /// In words, with how many more there are.
    Many {
        candidates: Vec<String>,
        more: u64,
    },
    /// So many rows there are, and none fits.
    None {
        rows: u64,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Number,
    /// Scenario, case and step as they are.
    Exact,
    /// Scenario and step, and a part of the case's name.
    Case,
    Step,
    Text,
    Not,
}

impl Finder {
    pub fn new(wanted: &str) -> Self {
        Self { wanted: wanted.trim().to_owned(), context: Context::default(), fit: Fit::Not, kept: Vec::new(), more: 0 }
    }

    pub fn take(&mut self, fact: &Fact) {
        self.context.take(fact);
        if let Body::Note(Note::NotEvidence { why }) = &fact.body {
            self.context.run.late(why);
        }
        if let Body::Event(Event::Check(row)) = &fact.body {
            self.row(row);
        }
    }

    pub fn found(self) -> Found {
        let Self { context, mut kept, more, .. } = self;
        match (kept.len(), more) {
            (0, _) => Found::None { rows: context.checks.total() },
            (1, 0) => Found::One(Box::new(Explanation::new(context.run, kept.remove(0)))),
            _ => Found::Many { candidates: kept.iter().map(Place::words).collect(), more },
        }
    }

    fn row(&mut self, row: &CheckRow) {
        let (scenario, case, attempt) = self
            .context
            .case
            .as_ref()
            .map_or(("", "", 1), |case| (case.info.scenario.as_str(), case.info.case.as_str(), case.info.attempt));
        let number = self.context.checks.total();
        let fit = fit(&self.wanted, number, scenario, case, row);
        if fit == Fit::Not || fit > self.fit {
            return;
        }
        if fit < self.fit {
            (self.fit, self.more) = (fit, 0);
            self.kept.clear();
        }
        if self.kept.len() < MAX_CANDIDATES {
            let (scenario, case) = (scenario.to_owned(), case.to_owned());
            self.kept.push(Place { number, scenario, case, attempt, row: Box::new(row.clone()) });
        } else {
            self.more += 1;
        }
    }
}

impl Place {
    /// `SCENARIO [case]`, with the attempt if it is not the first.
    pub(crate) fn case_name(&self) -> String {
        printable(&case_name(&self.scenario, &self.case, self.attempt))
    }

    fn words(&self) -> String {
        let Self { number, row, .. } = self;
        let statistic = if row.statistic == "single" { String::new() } else { format!(" ({})", row.statistic) };
        format!("{number:>5}  {} {}  {}{statistic}  {}", self.case_name(), printable(&row.step), printable(&row.check), row.verdict)
    }
}

fn fit(wanted: &str, number: u64, scenario: &str, case: &str, row: &CheckRow) -> Fit {
    if wanted.is_empty() {
        return Fit::Not;
    }
    // What is a number means a number, also where no row has it: `5` must not find the check on 5 mL.
    if wanted.bytes().all(|b| b.is_ascii_digit()) {
        return if wanted.parse() == Ok(number) { Fit::Number } else { Fit::Not };
    }
    if let Some((of, step)) = wanted.rsplit_once(':')
        && *step == *row.step
    {
        let (of, part) = of.split_once('/').map_or((of, None), |(scenario, case)| (scenario, Some(case)));
        if of == scenario {
            match part {
                Some(part) if part == case => return Fit::Exact,
                Some(part) if case.contains(part) => return Fit::Case,
                None => return Fit::Exact,
                Some(_) => {}
            }
        }
    }
    if *wanted == *row.step {
        Fit::Step
    } else if row.check.to_lowercase().contains(&wanted.to_lowercase()) {
        Fit::Text
    } else {
        Fit::Not
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_how() {
        let row = |step: &str, check: &str| -> CheckRow {
            let json = serde_json::json!({
                "step": step, "check": check, "quantity": "volume", "unit": "µL", "statistic": "single", "limits": {}, "rule": "three-way",
                "acceptance": {}, "verdict": "PASS", "reason_code": "observed", "reason": "", "started": 0, "ended": 0,
            });
            serde_json::from_value(json).expect("a row as the first journals have it")
        };
        let row = row("steps.4", "volume of `dose` is 200 µL ± 5 %");
        for (wanted, expected) in [
            ("7", Fit::Number),
            ("4", Fit::Not),
            ("200", Fit::Not),
            ("A-01:steps.4", Fit::Exact),
            ("A-01/rate=2 µL/h:steps.4", Fit::Exact),
            ("A-01/2 µL/h:steps.4", Fit::Case),
            ("A-01/3 µL/h:steps.4", Fit::Not),
            ("A-02:steps.4", Fit::Not),
            ("A-01:steps.5", Fit::Not),
            ("steps.4", Fit::Step),
            ("steps", Fit::Not),
            ("VOLUME OF `dose`", Fit::Text),
            ("", Fit::Not),
        ] {
            assert_eq!(fit(wanted, 7, "A-01", "rate=2 µL/h", &row), expected, "{wanted}");
        }
    }
}
