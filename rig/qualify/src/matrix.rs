//! The kill matrix: which scenario notices which defective pump, by which check first, and what nobody notices.

use std::collections::BTreeMap;

use rig_model::Name;
use rig_model::time::Span;
use rig_model::verdict::Verdict;

use crate::outcome::{CaseOutcome, Ending, Played, Row};
use crate::setup::{Pump, Setup, Unit, Whose};

/// What one scenario makes of one pump, over all seeds. In the order in which one shows before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cell {
    /// Every check that the bench can do is PASS.
    Pass,
    /// The bench that the scenario is played on besides can't have this pump.
    NotApplicable,
    /// The bench lacks what the scenario needs.
    Skipped,
    Inconclusive,
    /// ERROR or ABORTED: that shows nothing of the pump.
    Error,
    /// It was not played.
    NotPlayed,
    /// The program that held the pump broke down.
    Died,
    /// It never came to an end.
    Hung,
    /// FAIL, but of checks that verify something else than the pump breaks, or that the sound pump fails as well.
    OtherFail,
    /// Caught with some seeds and not with others.
    Sometimes,
    /// FAIL for a reason that belongs to the pump, with every seed.
    Caught,
}

impl Cell {
    pub const ALL: [Self; 11] = [
        Self::Caught,
        Self::Sometimes,
        Self::OtherFail,
        Self::Hung,
        Self::Died,
        Self::NotPlayed,
        Self::Error,
        Self::Inconclusive,
        Self::Skipped,
        Self::NotApplicable,
        Self::Pass,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Caught => "caught",
            Self::Sometimes => "sometimes",
            Self::OtherFail => "other_fail",
            Self::Hung => "hung",
            Self::Died => "died",
            Self::NotPlayed => "not_played",
            Self::Error => "error",
            Self::Inconclusive => "inconclusive",
            Self::Skipped => "skipped",
            Self::NotApplicable => "not_applicable",
            Self::Pass => "pass",
        }
    }
}

/// Whether a defect is noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// With every seed.
    Caught,
    /// With some seeds and not with others: one night's run may miss it.
    Sometimes,
    Survived,
    /// Some of it was not played, though a bench could have this pump, and what was did not catch it.
    NotPlayed,
}

impl Status {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Caught => "caught",
            Self::Sometimes => "sometimes",
            Self::Survived => "survived",
            Self::NotPlayed => "not_played",
        }
    }
}

/// A FAIL for a reason that belongs to the pump.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catch {
    /// Index into the suite.
    pub scenario: usize,
    pub case: String,
    pub step: Name,
    pub check: String,
    pub quantity: String,
    pub requirements: Vec<Name>,
    /// In rig time since the start of the case.
    pub at: Span,
    pub seed: u64,
}

/// How one defect fares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub status: Status,
    /// Of how many seeds it was caught with.
    pub caught_with: u64,
    /// The first by order of the suite, then of rig time, with the first seed that shows it.
    pub first: Option<Catch>,
    /// One for each scenario, in the order of the suite.
    pub cells: Vec<Cell>,
    /// Every check that caught it, in that order; once, however often it is repeated.
    pub catches: Vec<Catch>,
    /// The scenarios, as indices into the suite, in which it did not pass and with some seed came out otherwise than the sound pump.
    pub otherwise: Vec<usize>,
}

impl Standing {
    /// The scenarios that catch it with every seed, as indices into the suite.
    pub fn caught_by(&self) -> impl Iterator<Item = usize> {
        self.with(Cell::Caught)
    }

    /// Whether nothing speaks against its being no other pump than the sound one, as it is said to be.
    pub fn is_as_sound(&self, pump: &Pump) -> bool {
        self.status == Status::Survived && pump.is_the_same() && self.otherwise.is_empty()
    }

    pub fn with(&self, cell: Cell) -> impl Iterator<Item = usize> {
        self.cells.iter().enumerate().filter(move |(_, c)| **c == cell).map(|(i, _)| i)
    }
}

#[derive(Debug, Clone)]
pub struct Matrix {
    pub setup: Setup,
    standings: Vec<Standing>,
    /// What the sound pump took in rig time, of each scenario.
    lasted: Vec<Span>,
}

type Found<'p> = BTreeMap<&'p Unit, &'p Played>;

impl Matrix {
    /// Outcomes may come in any order. What is missing counts as not played.
    pub fn of(setup: &Setup, outcomes: &[Played]) -> Self {
        let found: Found<'_> = outcomes.iter().map(|p| (&p.unit, p)).collect();
        let standings = setup.pumps.iter().map(|pump| standing(setup, pump, &found)).collect();
        let sound = |scenario: &Name| Unit { whose: Whose::Sound, seed: setup.seeds.first, scenario: scenario.clone() };
        let lasted = setup.scenarios.iter().map(|s| found.get(&sound(&s.id)).map_or(Span::ZERO, |p| p.lasted())).collect();
        Self { setup: setup.clone(), standings, lasted }
    }

    /// The defects with how they fare, in the order of the catalogue.
    pub fn defects(&self) -> impl Iterator<Item = (&Pump, &Standing)> {
        self.setup.pumps.iter().zip(&self.standings)
    }

    pub fn with_status(&self, status: Status) -> impl Iterator<Item = (&Pump, &Standing)> {
        self.defects().filter(move |(_, s)| s.status == status)
    }

    /// Rig time that the sound pump takes in the scenario with this index; zero where it was not played.
    pub fn lasted(&self, scenario: usize) -> Span {
        self.lasted.get(scenario).copied().unwrap_or(Span::ZERO)
    }

    /// The defects that this scenario catches, as indices.
    pub fn caught_by(&self, scenario: usize) -> Vec<usize> {
        let caught = self.standings.iter().enumerate().filter(|(_, s)| s.cells.get(scenario) == Some(&Cell::Caught));
        caught.map(|(i, _)| i).collect()
    }

    /// The defects that this scenario catches and no other.
    pub fn only_by(&self, scenario: usize) -> Vec<&Pump> {
        let alone = |s: &Standing| s.caught_by().eq([scenario]);
        self.defects().filter(|(_, s)| alone(s)).map(|(pump, _)| pump).collect()
    }

    /// The defects that this scenario catches first.
    pub fn first_for(&self, scenario: usize) -> usize {
        self.standings.iter().filter(|s| s.first.as_ref().is_some_and(|c| c.scenario == scenario)).count()
    }
}

/// What one unit shows of the pump.
struct Shown {
    cell: Cell,
    catches: Vec<Catch>,
}

fn standing(setup: &Setup, pump: &Pump, found: &Found<'_>) -> Standing {
    let mut cells: Vec<Vec<Cell>> = vec![Vec::new(); setup.scenarios.len()];
    let mut catches: Vec<Catch> = Vec::new();
    let mut otherwise = std::collections::BTreeSet::new();
    let mut caught_with = 0;
    for seed in setup.seeds.each() {
        let mut caught = false;
        for (i, scenario) in setup.scenarios.iter().enumerate() {
            let unit = |whose| Unit { whose, seed, scenario: scenario.id.clone() };
            let sound = found.get(&unit(Whose::Sound)).copied();
            let played = found.get(&unit(Whose::Defect(pump.id.clone()))).copied();
            if played.zip(sound).is_some_and(|(played, sound)| came_out_otherwise(played, sound)) {
                otherwise.insert(i);
            }
            let shown = shown(i, pump, played, sound);
            caught |= shown.cell == Cell::Caught;
            cells[i].push(shown.cell);
            catches.extend(shown.catches);
        }
        caught_with += u64::from(caught);
    }
    let first_seed = catches.first().map(|c| c.seed);
    let first = catches.iter().filter(|c| Some(c.seed) == first_seed).min_by_key(|c| c.scenario).cloned();
    let cells: Vec<Cell> = cells.iter().map(|of_seeds| over_seeds(of_seeds)).collect();
    let status = if setup.seeds.count > 0 && caught_with == setup.seeds.count {
        Status::Caught
    } else if caught_with > 0 {
        Status::Sometimes
    } else if pump.unplayable.is_some() || cells.contains(&Cell::NotPlayed) || cells.iter().all(|c| *c == Cell::NotApplicable) {
        Status::NotPlayed
    } else {
        Status::Survived
    };
    catches.sort_by_key(|c| c.scenario);
    let mut seen = std::collections::BTreeSet::new();
    catches.retain(|c| seen.insert((c.scenario, c.case.clone(), c.step.clone(), c.quantity.clone())));
    Standing { status, caught_with, first, cells, catches, otherwise: otherwise.into_iter().collect() }
}

/// Whether something was said of the pump that was not said of the sound one in the same scenario with the same seed.
fn came_out_otherwise(played: &Played, sound: &Played) -> bool {
    let same_end = std::mem::discriminant(&played.ending) == std::mem::discriminant(&sound.ending);
    match played.ending {
        Ending::NotPlayed(_) | Ending::NotApplicable(_) => return false,
        Ending::Hung | Ending::Died(_) if !same_end => return true,
        _ => {}
    }
    let of_sound = |case: &CaseOutcome| sound.cases.iter().find(|s| s.case == case.case);
    let other = |case: &CaseOutcome, sound: &CaseOutcome| {
        (case.verdict != Verdict::Pass && case.verdict != sound.verdict) || case.inconclusive > sound.inconclusive
    };
    played.cases.iter().any(|case| of_sound(case).is_some_and(|sound| other(case, sound)))
}

fn over_seeds(cells: &[Cell]) -> Cell {
    let caught = cells.iter().filter(|c| **c == Cell::Caught).count();
    match cells.iter().max() {
        None => Cell::NotPlayed,
        Some(_) if caught > 0 && caught < cells.len() => Cell::Sometimes,
        Some(worst) => *worst,
    }
}

fn shown(scenario: usize, pump: &Pump, played: Option<&Played>, sound: Option<&Played>) -> Shown {
    let nothing = |cell| Shown { cell, catches: Vec::new() };
    let Some(played) = played else { return nothing(Cell::NotPlayed) };
    match &played.ending {
        Ending::Whole => {}
        Ending::Hung => return nothing(Cell::Hung),
        Ending::Died(_) => return nothing(Cell::Died),
        Ending::NotPlayed(_) => return nothing(Cell::NotPlayed),
        Ending::NotApplicable(_) => return nothing(Cell::NotApplicable),
    }
    let catches: Vec<Catch> = played.cases.iter().flat_map(|case| of_case(scenario, pump, played.unit.seed, case, sound)).collect();
    let cell = match played.verdict() {
        _ if !catches.is_empty() => Cell::Caught,
        Some(Verdict::Fail) => Cell::OtherFail,
        Some(Verdict::Error | Verdict::Aborted) => Cell::Error,
        Some(Verdict::Inconclusive) => Cell::Inconclusive,
        Some(Verdict::Skipped) => Cell::Skipped,
        Some(Verdict::Pass) => Cell::Pass,
        None => Cell::NotPlayed,
    };
    Shown { cell, catches }
}

/// The rows of a case that catch the pump, the earliest first.
fn of_case(scenario: usize, pump: &Pump, seed: u64, case: &CaseOutcome, sound: Option<&Played>) -> Vec<Catch> {
    let sound = sound.and_then(|p| p.cases.iter().find(|c| c.case == case.case));
    let also_sound = |row: &Row| {
        let same = |s: &&Row| s.verdict == Verdict::Fail && s.step == row.step && s.quantity == row.quantity;
        sound.is_some_and(|c| c.rows.iter().any(|s| same(&s)))
    };
    let belongs = |row: &&Row| row.verdict == Verdict::Fail && pump.judged.belongs(&row.quantity, &row.requirements) && !also_sound(row);
    let catch = |row: &Row| Catch {
        scenario,
        case: case.case.clone(),
        step: row.step.clone(),
        check: row.check.clone(),
        quantity: row.quantity.clone(),
        requirements: row.requirements.clone(),
        at: row.at,
        seed,
    };
    let mut catches: Vec<Catch> = case.rows.iter().filter(belongs).map(catch).collect();
    catches.sort_by_key(|c| c.at);
    catches
}
