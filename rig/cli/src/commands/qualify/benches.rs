//! The benches of a qualification: the one that it is of, and those on which some scenarios are played besides.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::Result;
use rig_model::Name;
use rig_model::time::Span;
use rig_qualify::{Besides, Setup};

use super::args::{Args, SuiteArgs};
use super::play::Desk;
use super::prove::Given;
use crate::failure::{Failure, USAGE, failure};

/// `BENCH=PATH`: scenarios of this path on this bench.
#[derive(Debug, Clone)]
pub struct Also {
    bench: PathBuf,
    path: PathBuf,
}

impl FromStr for Also {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((bench, path)) if !bench.is_empty() && !path.is_empty() => Ok(Self { bench: bench.into(), path: path.into() }),
            _ => Err(format!("`{text}` is no bench with scenarios: BENCH=PATH, e.g. `rig/benches/sim-trial.toml=scenarios/trial`")),
        }
    }
}

/// Everything that is played, by bench. The first is the one of the setup.
pub struct Benches {
    all: Vec<Given>,
    /// For each scenario of the qualification: on which of the benches, and its own id.
    played: BTreeMap<Name, (usize, Name)>,
    /// Without pumps and seeds.
    pub setup: Setup,
}

impl Benches {
    /// # Errors
    /// Files that can't be read, nothing to play, or one scenario twice on the same bench.
    pub fn read(args: &Args) -> Result<Self, Failure> {
        let first = Given::read(&args.suite)?;
        let setup = Setup { scenarios: Vec::new(), ..first.setup.clone() };
        let mut benches = Self { all: Vec::new(), played: BTreeMap::new(), setup };
        benches.add(first, None)?;
        for Also { bench, path } in &args.also {
            let suite = SuiteArgs { paths: vec![path.clone()], bench: Some(bench.clone()), ..args.suite.clone() };
            let given = Given::read(&suite)?;
            let besides = Besides { bench: bench.display().to_string(), sha256: given.setup.bench_sha256.clone() };
            benches.add(given, Some(&besides))?;
        }
        Ok(benches)
    }

    fn add(&mut self, given: Given, besides: Option<&Besides>) -> Result<(), Failure> {
        for scenario in &given.setup.scenarios {
            let id = besides.map_or_else(|| scenario.id.clone(), |_| Besides::id(&scenario.id, given.bench_name()));
            if self.played.insert(id.clone(), (self.all.len(), scenario.id.clone())).is_some() {
                let what = format!("{} would be played twice on benches named `{}`", scenario.id, given.bench_name());
                return Err(failure(USAGE, format!("{what}; name each scenario once for each bench (`--also BENCH=PATH`)")));
            }
            self.setup.scenarios.push(rig_qualify::Scenario { id, besides: besides.cloned(), ..scenario.clone() });
        }
        self.all.push(given);
        Ok(())
    }

    /// In the order of the desks.
    pub fn all(&self) -> &[Given] {
        &self.all
    }

    /// On which bench a scenario of the qualification is played, and what it is called there.
    pub fn of(&self, scenario: &str) -> Option<(usize, &str)> {
        self.played.get(scenario).map(|(bench, id)| (*bench, &**id))
    }

    /// Of all cases of a scenario together.
    pub fn time_limit(&self, scenario: &str) -> Span {
        self.of(scenario).map_or(Span::ZERO, |(bench, id)| self.all[bench].time_limit(id))
    }

    /// One for each bench; everything read anew from the same texts.
    pub fn desks(&self) -> Result<Vec<Desk>> {
        self.all.iter().map(Given::desk).collect()
    }
}
