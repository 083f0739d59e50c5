//! Setups and outcomes, written shortly.

use rig_model::Name;
use rig_model::time::Span;
use rig_model::verdict::Verdict;
use rig_qualify::{CaseOutcome, Ending, Judged, Make, Played, Pump, Row, Scenario, SeedRange, Setup, Unit, Whose};

pub fn names(words: &str) -> Vec<Name> {
    words.split_whitespace().map(Name::from).collect()
}

pub fn pump(id: &str, requirements: &str) -> Pump {
    Pump {
        id: id.into(),
        family: "gain".to_owned(),
        wrong: format!("{id} is wrong"),
        harm: "overdose".to_owned(),
        hazards: names("HAZ-OVERDOSE"),
        field: String::new(),
        judged: Judged::By { requirements: names(requirements), quantities: names("answer") },
        made: Make::Seam,
        sha256: String::new(),
        explained: None,
        unplayable: None,
    }
}

pub fn scenario(id: &str) -> Scenario {
    Scenario {
        id: id.into(),
        title: format!("{id} shows something"),
        file: format!("scenarios/trial/{id}.yaml"),
        tags: vec!["trial".to_owned()],
        sha256: String::new(),
        cases: vec![String::new()],
        besides: None,
    }
}

/// Scenarios A, B and C; defects as given.
pub fn setup(pumps: Vec<Pump>, seeds: u64) -> Setup {
    Setup {
        version: Setup::VERSION,
        tool: "test".to_owned(),
        program_sha256: String::new(),
        bench: None,
        bench_sha256: String::new(),
        scenarios: ["A", "B", "C"].map(scenario).into(),
        pumps,
        not_compiled: Vec::new(),
        seeds: SeedRange { first: 1, count: seeds },
        sound_seeds: SeedRange { first: 1, count: 0 },
    }
}

pub fn row(verdict: Verdict, at_s: i64, quantity: &str, requirements: &str) -> Row {
    Row {
        verdict,
        step: format!("steps.{quantity}").into(),
        check: format!("{quantity} is right"),
        quantity: quantity.to_owned(),
        requirements: names(requirements),
        at: Span::seconds(at_s),
        reason: String::new(),
    }
}

pub fn fail(at_s: i64, quantity: &str, requirements: &str) -> Row {
    row(Verdict::Fail, at_s, quantity, requirements)
}

/// Of the defect with this id, or of the sound pump for `-`; a case that takes 10 s.
pub fn played(id: &str, scenario: &str, seed: u64, rows: Vec<Row>) -> Played {
    let verdict = rows.iter().map(|r| r.verdict).max().unwrap_or(Verdict::Pass);
    let whose = if id == "-" { Whose::Sound } else { Whose::Defect(id.into()) };
    let unit = Unit { whose, seed, scenario: scenario.into() };
    let case = CaseOutcome { case: String::new(), verdict, lasted: Span::seconds(10), reason: String::new(), rows, inconclusive: 0 };
    Played { key: format!("{unit:?}"), unit, ending: Ending::Whole, cases: vec![case], drawn: None }
}

/// Everything that the setup plays is PASS, but for what is given.
pub fn all(setup: &Setup, but: Vec<Played>) -> Vec<Played> {
    let of_unit = |unit: &Unit| but.iter().find(|p| p.unit == *unit).cloned();
    let pass = |unit: &Unit| Played { unit: unit.clone(), ..played("-", &unit.scenario, unit.seed, Vec::new()) };
    let keyed = |p: Played| Played { key: format!("{:?}", p.unit), ..p };
    setup.units().iter().map(|unit| keyed(of_unit(unit).unwrap_or_else(|| pass(unit)))).collect()
}
