//! How much of an approved plan has been played, and how it went: each attempt is kept, and none is hidden by a later one.

use std::collections::BTreeMap;

use rig_model::verdict::Verdict;
use serde::Serialize;

use crate::plan::ApprovedPlan;

/// A run that its header says was played under the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlayedRun {
    pub run_id: String,
    /// In the ledger, by which runs are in order; absent where no line of it knows the run.
    pub number: Option<u64>,
    pub folder: String,
    /// ISO 8601, UTC.
    pub started_utc: String,
    /// Name of the plan's test.
    pub test: String,
    /// Of the board that answered; absent where none did.
    pub serial: Option<String>,
    /// Why it counts for nothing, in sentences; none for evidence.
    pub not_evidence: Vec<String>,
    /// Whether it came to its own end.
    pub ended: bool,
    /// It ended without the bench being shown safe.
    pub not_safe: bool,
    /// Ids of the runs that it repeats, each for a reason that is in its record.
    pub rerun_of: Vec<String>,
    /// The cases that began, in order.
    pub cases: Vec<PlayedCase>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlayedCase {
    pub scenario: String,
    pub case: String,
    /// Absent where the run was cut off before the case ended, and nothing had failed by then.
    pub verdict: Option<Verdict>,
    /// Why it is not to be relied on: what people noted to its rows last.
    pub doubts: Vec<String>,
}

/// How far a plan has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Completeness {
    /// For each test, board and case of the plan, in its order.
    pub cells: Vec<Cell>,
    /// Runs under the plan that count for nothing, with the reasons.
    pub aside: Vec<Aside>,
}

/// One case on one board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cell {
    pub test: String,
    pub dut: String,
    pub scenario: String,
    pub case: String,
    /// How often the plan has it played.
    pub wanted: u64,
    /// In the order in which they began.
    pub attempts: Vec<Attempt>,
}

/// One time that a case was played as evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attempt {
    pub run_id: String,
    pub folder: String,
    pub started_utc: String,
    /// ABORTED where the run was cut off.
    pub verdict: Verdict,
    /// The run had no end.
    pub cut_off: bool,
    /// The run ended without the bench being shown safe.
    pub not_safe: bool,
    /// Why it is not to be relied on, in sentences: it completes nothing then, and a FAIL stays one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<String>,
    /// Ids of the runs that its run repeats.
    pub rerun_of: Vec<String>,
    /// A later run that repeats this one, says why, and judged this case on this board; only for an attempt that told nothing of the board.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeated_by: Option<String>,
}

/// A run that does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Aside {
    pub run_id: String,
    pub folder: String,
    pub why: Vec<String>,
    /// It ended without the bench being shown safe.
    pub not_safe: bool,
    /// What its cases came to nevertheless.
    pub verdicts: Vec<(String, Verdict)>,
}

impl Completeness {
    /// Of all runs under the plan, in whatever order they were found.
    pub fn of(plan: &ApprovedPlan, runs: &[PlayedRun]) -> Self {
        let mut cells = empty_cells(plan);
        let mut aside = Vec::new();
        let mut runs: Vec<&PlayedRun> = runs.iter().collect();
        // A copy comes after the run that the ledger knows.
        runs.sort_by_key(|run| (run.number.is_none(), run.number, &run.started_utc, &run.folder));
        let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
        for run in runs {
            let mut why = run.not_evidence.clone();
            if let Some(first) = seen.insert(&run.run_id, &run.folder) {
                why.push(format!("it is the run in `{first}` once more"));
            }
            why.extend(foreign(plan, run));
            if !why.is_empty() {
                aside.push(set_aside(run, why));
                continue;
            }
            for case in &run.cases {
                let mine = |c: &&mut Cell| {
                    c.test == run.test && Some(&c.dut) == run.serial.as_ref() && c.scenario == case.scenario && c.case == case.case
                };
                if let Some(cell) = cells.iter_mut().find(mine) {
                    cell.attempts.push(Attempt::of(run, case));
                }
            }
        }
        cells.iter_mut().for_each(Cell::find_repeats);
        Self { cells, aside }
    }

    /// How often cases are played in all when the plan is complete.
    pub fn wanted(&self) -> u64 {
        self.cells.iter().map(|c| c.wanted).sum()
    }

    /// How many of them are missing yet.
    pub fn missing(&self) -> u64 {
        self.cells.iter().map(Cell::missing).sum()
    }

    /// The worst of all attempts; SKIPPED at the best where something is missing.
    pub fn verdict(&self) -> Verdict {
        let worst = self.cells.iter().filter_map(Cell::verdict).max();
        let missing = (self.missing() > 0).then_some(Verdict::Skipped);
        worst.max(missing).unwrap_or(Verdict::Skipped)
    }
}

impl Cell {
    /// How often the board was judged.
    pub fn judged(&self) -> u64 {
        self.attempts.iter().filter(|a| a.judges()).count() as u64
    }

    /// What told nothing of the board is made good by a later attempt at the same case on the same board, in a run that names the one it repeats.
    fn find_repeats(&mut self) {
        for at in 0..self.attempts.len() {
            let (before, later) = self.attempts.split_at_mut(at + 1);
            let attempt = &mut before[at];
            if !told_of_the_board(attempt.verdict) {
                let by = later.iter().find(|l| l.judges() && l.rerun_of.contains(&attempt.run_id));
                attempt.repeated_by = by.map(|by| by.run_id.clone());
            }
        }
    }

    pub fn missing(&self) -> u64 {
        self.wanted.saturating_sub(self.judged())
    }

    /// The worst of its attempts, but for those that told nothing of the board and were repeated for a stated reason.
    pub fn verdict(&self) -> Option<Verdict> {
        self.attempts.iter().filter(|a| a.repeated_by.is_none()).map(|a| a.verdict).max()
    }
}

impl Attempt {
    fn of(run: &PlayedRun, case: &PlayedCase) -> Self {
        Self {
            run_id: run.run_id.clone(),
            folder: run.folder.clone(),
            started_utc: run.started_utc.clone(),
            verdict: case.verdict.unwrap_or(Verdict::Aborted),
            cut_off: !run.ended,
            not_safe: run.not_safe,
            doubts: case.doubts.clone(),
            rerun_of: run.rerun_of.clone(),
            repeated_by: None,
        }
    }

    /// It told something of the board that can be relied on; a FAIL always can.
    fn judges(&self) -> bool {
        told_of_the_board(self.verdict) && (self.doubts.is_empty() || self.verdict == Verdict::Fail)
    }
}

/// INCONCLUSIVE is told of the board too: to play until it becomes PASS would be to choose the result.
fn told_of_the_board(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Pass | Verdict::Fail | Verdict::Inconclusive)
}

fn empty_cells(plan: &ApprovedPlan) -> Vec<Cell> {
    let mut cells = Vec::new();
    for test in &plan.tests {
        for dut in &test.duts {
            cells.extend(test.cases.iter().map(|case| Cell {
                test: test.name.clone(),
                dut: dut.clone(),
                scenario: case.scenario.clone(),
                case: case.case.clone(),
                wanted: test.repeats,
                attempts: Vec::new(),
            }));
        }
    }
    cells
}

/// Why a run is not one that the plan wants.
fn foreign(plan: &ApprovedPlan, run: &PlayedRun) -> Option<String> {
    let Some(test) = plan.test(&run.test) else { return Some(format!("the plan has no test `{}`", run.test)) };
    match &run.serial {
        None => Some("no board said who it is".to_owned()),
        Some(serial) if !test.duts.contains(serial) => Some(format!("its board {serial} is not in the plan")),
        Some(_) => None,
    }
}

fn set_aside(run: &PlayedRun, why: Vec<String>) -> Aside {
    let name = |c: &PlayedCase| format!("{} {}", c.scenario, c.case).trim_end().to_owned();
    let verdicts = run.cases.iter().map(|c| (name(c), c.verdict.unwrap_or(Verdict::Aborted))).collect();
    Aside { run_id: run.run_id.clone(), folder: run.folder.clone(), why, not_safe: run.not_safe, verdicts }
}
