//! The sound pump: whatever is said against it is a false alarm.

use std::collections::BTreeSet;

use rig_model::verdict::Verdict;

use crate::outcome::{CaseOutcome, Ending, Played, Row};
use crate::setup::{Setup, Unit, Whose};

/// A FAIL, ERROR or ABORTED of a sound pump, or a scenario that did not come to its end with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FalseAlarm {
    pub unit: Unit,
    pub case: String,
    /// Absent where no row says it.
    pub row: Option<Row>,
    /// ERROR for what did not come to its end.
    pub verdict: Verdict,
    pub reason: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sound {
    /// How many scenarios were played with how many seeds, over both kinds of bench.
    pub plays: u64,
    pub seeds: u64,
    pub alarms: Vec<FalseAlarm>,
    /// Cases that are INCONCLUSIVE at worst, and their rows.
    pub inconclusive_cases: u64,
    pub inconclusive_rows: u64,
    /// Cases that the bench lacks something for.
    pub skipped: Vec<(Unit, String)>,
    /// Plays that are missing.
    pub not_played: u64,
}

impl Sound {
    /// In the order of the setup, whatever the order of the outcomes.
    pub fn of(setup: &Setup, outcomes: &[Played]) -> Self {
        let found: std::collections::BTreeMap<&Unit, &Played> = outcomes.iter().map(|p| (&p.unit, p)).collect();
        let mut sound = Self::default();
        let mut seeds = BTreeSet::new();
        for unit in setup.units().into_iter().filter(|u| !matches!(u.whose, Whose::Defect(_))) {
            match found.get(&unit) {
                None => sound.not_played += 1,
                Some(played) => {
                    seeds.insert((unit.whose.clone(), unit.seed));
                    sound.take(played);
                }
            }
        }
        sound.seeds = seeds.len() as u64;
        sound
    }

    fn take(&mut self, played: &Played) {
        let unit = &played.unit;
        let ended = match &played.ending {
            Ending::Whole => None,
            Ending::Hung => Some("it never came to its end".to_owned()),
            Ending::Died(why) => Some(why.clone()),
            Ending::NotPlayed(_) | Ending::NotApplicable(_) => {
                self.not_played += 1;
                return;
            }
        };
        self.plays += 1;
        for case in &played.cases {
            self.case(unit, case);
        }
        if let Some(reason) = ended {
            let alarm = FalseAlarm { unit: unit.clone(), case: String::new(), row: None, verdict: Verdict::Error, reason };
            self.alarms.push(alarm);
        }
    }

    fn case(&mut self, unit: &Unit, case: &CaseOutcome) {
        self.inconclusive_rows += case.inconclusive;
        match case.verdict {
            Verdict::Pass => {}
            Verdict::Inconclusive => self.inconclusive_cases += 1,
            Verdict::Skipped => self.skipped.push((unit.clone(), case.reason.clone())),
            Verdict::Fail | Verdict::Error | Verdict::Aborted => {
                let of_row = |row: &Row| FalseAlarm {
                    unit: unit.clone(),
                    case: case.case.clone(),
                    verdict: row.verdict,
                    reason: row.reason.clone(),
                    row: Some(row.clone()),
                };
                self.alarms.extend(case.rows.iter().map(of_row));
                if case.rows.is_empty() {
                    let (case, verdict, reason) = (case.case.clone(), case.verdict, case.reason.clone());
                    self.alarms.push(FalseAlarm { unit: unit.clone(), case, row: None, verdict, reason });
                }
            }
        }
    }
}
