//! Generated mutants of the firmware: the list of them, their builds, and what people have said of those that survive.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use rig_model::Name;
use rig_qualify::{Behaviour, Explained, Judged, Make, Pump};
use rig_sim::Unit;
use rig_variants::{Patch, VariantError};
use serde::Deserialize;

use super::catalogue::How;
use super::prove::sha256;
use crate::defects::workshop;
use crate::failure::{BENCH, Failure, OrExit, USAGE, failure};

/// What all of them are grouped under.
const FAMILY: &str = "mutants";
/// Lists of all mutants with their diffs have a few MB.
const MAX_LIST: u64 = 256 * 1024 * 1024;

/// A list as `cargo mutants --list --json --diff` makes it.
pub struct Mutants {
    file: PathBuf,
    patches: Vec<Patch>,
}

/// What has become of mutants.
pub struct Built {
    pub pumps: Vec<(Pump, How)>,
    /// Those that the compiler refuses, by name: they are no pumps.
    pub not_compiled: Vec<Name>,
}

/// What survives, and why that is as it should be.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExplanationFile {
    #[serde(default)]
    mutant: Vec<Survivor>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Survivor {
    name: String,
    behaviour: Behaviour,
    why: String,
}

/// What is said of mutants, by their names.
pub type Explanations = BTreeMap<String, Explained>;

/// Every Nth of a list, from its Kth on: the same ones of the same list, whoever asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    from: usize,
    every: usize,
}

/// A list has fewer mutants than this.
const MAX_EVERY: usize = 100_000;

impl Sample {
    /// Whether it has the mutant with this number, from 0.
    fn has(self, number: usize) -> bool {
        number % self.every == self.from - 1
    }
}

impl FromStr for Sample {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/').and_then(|(from, every)| Some((from.parse().ok()?, every.parse().ok()?)));
        match parts {
            Some((from, every)) if 1 <= from && from <= every && every <= MAX_EVERY => Ok(Self { from, every }),
            _ => Err(format!(
                "`{text}` is no sample: K/N, every Nth from the Kth on, with K from 1 to N and N at most {MAX_EVERY}, e.g. `1/12`"
            )),
        }
    }
}

impl Mutants {
    /// # Errors
    /// A file that is no such list, lists nothing, or names a mutant twice.
    pub fn read(file: &Path) -> Result<Self, Failure> {
        let read = || -> Result<Vec<Patch>> {
            let size = std::fs::metadata(file)?.len();
            if size > MAX_LIST {
                bail!("it has {} MB", size / 1_000_000);
            }
            let patches = rig_variants::mutants(&std::fs::read_to_string(file)?)?;
            let twice = patches.iter().enumerate().find(|(i, p)| patches[..*i].iter().any(|before| before.name == p.name));
            if let Some((_, patch)) = twice {
                bail!("the mutant `{}` stands twice", patch.name);
            }
            Ok(patches)
        };
        let patches = read().with_context(|| format!("`{}` is no list of mutants", file.display())).or_exit(USAGE)?;
        if patches.is_empty() {
            return Err(failure(USAGE, format!("nothing to qualify against: `{}` lists no mutant", file.display())));
        }
        Ok(Self { file: file.to_owned(), patches })
    }

    /// All of them, or those of a sample, built.
    pub fn pumps(&self, mut explained: Explanations, sample: Option<Sample>) -> Result<Built, Failure> {
        let (numbers, asked): (Vec<usize>, Vec<Patch>) =
            self.patches.iter().cloned().enumerate().filter(|(n, _)| sample.is_none_or(|sample| sample.has(*n))).unzip();
        let built = workshop().builds(&asked).context("failed to build the mutants").or_exit(BENCH)?;
        let (mut pumps, mut not_compiled) = (Vec::new(), Vec::new());
        for ((n, patch), built) in numbers.into_iter().zip(&asked).zip(built) {
            let pump = of_mutant(patch, explained.remove(&patch.name));
            match built {
                Ok(_) => pumps.push((pump, How::Alone(self.arguments(n)))),
                Err(VariantError::NotCompiled { .. }) => not_compiled.push(pump.id),
                Err(error) => pumps.push(not(pump, error.to_string())),
            }
        }
        for name in explained.keys().filter(|name| !self.patches.iter().any(|patch| patch.name == **name)) {
            tracing::warn!("`{name}` is explained, but there is no such mutant");
        }
        Ok(Built { pumps, not_compiled })
    }

    /// Which mutant a process of its own plays.
    fn arguments(&self, number: usize) -> Vec<String> {
        vec!["--mutants".to_owned(), self.file.display().to_string(), "--mutant".to_owned(), number.to_string()]
    }

    /// The one with this number, from 0.
    pub fn unit(&self, number: usize) -> Result<Unit> {
        let patch = self.patches.get(number).context("there is no such mutant")?;
        let built = workshop().builds(std::slice::from_ref(patch))?.pop().context("nothing was built")?;
        Ok(Unit::built(built?))
    }
}

/// What a file says of mutants.
///
/// # Errors
/// A file that can't be read, a mutant without a reason or named twice.
pub fn explained(file: &Path) -> Result<Explanations, Failure> {
    let read = || -> Result<Explanations> {
        let ExplanationFile { mutant } = toml::from_str(&crate::files::read(file)?)?;
        let mut all = Explanations::new();
        for Survivor { name, behaviour, why } in mutant {
            if why.trim().is_empty() {
                bail!("the mutant `{name}` has no reason");
            }
            if all.insert(name.clone(), Explained { behaviour, why }).is_some() {
                bail!("the mutant `{name}` stands twice");
            }
        }
        Ok(all)
    };
    read().with_context(|| format!("`{}` explains no mutants", file.display())).or_exit(USAGE)
}

fn of_mutant(patch: &Patch, explained: Option<Explained>) -> Pump {
    Pump {
        id: patch.name.as_str().into(),
        family: FAMILY.to_owned(),
        wrong: patch.name.clone(),
        harm: String::new(),
        hazards: Vec::new(),
        field: String::new(),
        judged: Judged::ByAny,
        made: Make::Mutant,
        sha256: sha256(&patch.text),
        explained,
        unplayable: None,
    }
}

/// A pump that can't be played.
pub fn not(pump: Pump, why: String) -> (Pump, How) {
    (Pump { unplayable: Some(why.clone()), ..pump }, How::Not(why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_every_nth() {
        let has = |text: &str| {
            let sample: Sample = text.parse().unwrap();
            (0..10).filter(|n| sample.has(*n)).collect::<Vec<_>>()
        };
        assert_eq!(has("1/4"), [0, 4, 8]);
        assert_eq!(has("4/4"), [3, 7]);
        assert_eq!(has("1/1"), (0..10).collect::<Vec<_>>());
        for bad in ["0/4", "5/4", "1/0", "1", "a/b", "1/100001", ""] {
            assert!(bad.parse::<Sample>().is_err(), "{bad}");
        }
    }
}
