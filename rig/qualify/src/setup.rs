//! What is qualified: scenarios in the order of the suite, defective pumps, seeds, and the units of work that follow from them.

use std::fmt;

use rig_model::Name;
use rig_model::defect::{Defect, Made};
use serde::{Deserialize, Serialize};

/// Everything that the outcomes depend on. Two qualifications with the same setup give the same files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setup {
    /// Of this layout.
    pub version: u32,
    /// Name and version of the tool.
    pub tool: String,
    /// SHA-256 of the program, which holds the sound firmware; hexadecimal.
    pub program_sha256: String,
    /// The bench file as it was named; none where it is the program's own.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub bench: Option<String>,
    pub bench_sha256: String,
    /// In the order of the suite; behind it those that are played on other benches besides.
    pub scenarios: Vec<Scenario>,
    /// The defective pumps, in the order of their catalogue; the sound one is always played beside them.
    pub pumps: Vec<Pump>,
    /// Generated mutants that the compiler refuses, by name: they are no pumps, and there is nothing of them to play.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub not_compiled: Vec<Name>,
    /// With which every defective pump and the sound one are played on the bench as its file describes it.
    pub seeds: SeedRange,
    /// With which the sound pump is played on benches that are drawn within the specification.
    pub sound_seeds: SeedRange,
}

impl Setup {
    pub const VERSION: u32 = 1;

    /// All units, in the one order that decides nothing but the order of lines.
    pub fn units(&self) -> Vec<Unit> {
        let mut units = Vec::new();
        let mut add = |whose: &Whose, seed: u64| {
            // What is drawn is drawn around the one bench of the setup.
            let played = self.scenarios.iter().filter(|s| *whose != Whose::Drawn || s.besides.is_none());
            units.extend(played.map(|s| Unit { whose: whose.clone(), seed, scenario: s.id.clone() }));
        };
        let whose = std::iter::once(Whose::Sound).chain(self.pumps.iter().map(|p| Whose::Defect(p.id.clone())));
        for whose in whose {
            self.seeds.each().for_each(|seed| add(&whose, seed));
        }
        self.sound_seeds.each().for_each(|seed| add(&Whose::Drawn, seed));
        units
    }

    pub fn scenario(&self, id: &str) -> Option<usize> {
        self.scenarios.iter().position(|s| &*s.id == id)
    }
}

/// `count` seeds from `first` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeedRange {
    pub first: u64,
    pub count: u64,
}

impl SeedRange {
    pub fn each(self) -> impl Iterator<Item = u64> {
        (0..self.count).map(move |i| self.first.wrapping_add(i))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scenario {
    /// Its own, or of one that is played on another bench besides [`Besides::id`].
    pub id: Name,
    pub title: String,
    pub file: String,
    pub tags: Vec<String>,
    /// SHA-256 of the checked scenario with everything that it includes; hexadecimal.
    pub sha256: String,
    /// Labels, in order; one empty label where there is no matrix.
    pub cases: Vec<String>,
    /// The bench that it is played on, where that is not the one of the setup.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub besides: Option<Besides>,
}

/// Another bench than the one of the setup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Besides {
    /// The bench file as it was named.
    pub bench: String,
    /// Of the bench as it was read; hexadecimal.
    pub sha256: String,
}

impl Besides {
    /// What a scenario is called that is played on the bench of this name besides. No id of a scenario has an `@` of its own.
    pub fn id(scenario: &str, bench: &str) -> Name {
        format!("{scenario}@{bench}").into()
    }
}

/// A pump that is known to be defective.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pump {
    pub id: Name,
    /// What it is grouped with in tables and picture.
    pub family: String,
    pub wrong: String,
    pub harm: String,
    pub hazards: Vec<Name>,
    pub field: String,
    pub judged: Judged,
    pub made: Make,
    /// SHA-256 of all that makes it other than the sound one; hexadecimal.
    pub sha256: String,
    /// Of a generated mutant: what people have said of why nothing notices it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub explained: Option<Explained>,
    /// Why it can't be played, if it can't.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub unplayable: Option<String>,
}

/// Why nothing notices a generated mutant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Explained {
    pub behaviour: Behaviour,
    pub why: String,
}

/// How what a mutant does differs from what the sound pump does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Behaviour {
    /// In nothing that goes into the pump or comes out of it: it is no other pump, and no suite could catch it.
    Same,
    /// In something that no requirement forbids or that no rig can see. It counts as not caught.
    Differs,
}

impl Pump {
    /// Whether it is known to do nothing else than the sound pump.
    pub fn is_the_same(&self) -> bool {
        self.explained.as_ref().is_some_and(|e| e.behaviour == Behaviour::Same)
    }

    /// A pump of the catalogue.
    pub fn of(defect: &Defect, sha256: String) -> Self {
        let made = match &defect.made {
            Made::Constants(_) => Make::Constants,
            Made::Seam(_) => Make::Seam,
            Made::Patch(_) => Make::Patch,
        };
        Self {
            id: defect.id.clone(),
            family: defect.family.to_string(),
            wrong: defect.wrong.clone(),
            harm: defect.harm.clone(),
            hazards: defect.hazards.clone(),
            field: defect.field.clone().unwrap_or_default(),
            judged: Judged::By { requirements: defect.requirements.clone(), quantities: defect.quantities.clone() },
            made,
            sha256,
            explained: None,
            unplayable: None,
        }
    }
}

/// Which FAIL is for a reason that belongs to the pump.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Judged {
    /// Of a check that verifies one of these requirements, or of a row of one of these quantities that verifies no requirement at all.
    By { requirements: Vec<Name>, quantities: Vec<Name> },
    /// Of any check: nobody has said what a generated mutant would break.
    ByAny,
}

impl Judged {
    /// Whether a FAIL of a check of this quantity that verifies these requirements belongs to the pump.
    pub fn belongs(&self, quantity: &str, verifies: &[Name]) -> bool {
        match self {
            Self::By { quantities, .. } if verifies.is_empty() => quantities.iter().any(|q| **q == *quantity),
            Self::By { requirements, .. } => verifies.iter().any(|r| requirements.contains(r)),
            Self::ByAny => true,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Make {
    Constants,
    Seam,
    Patch,
    Mutant,
}

impl Make {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Constants => "constants",
            Self::Seam => "seam",
            Self::Patch => "patch",
            Self::Mutant => "mutant",
        }
    }
}

/// Which pump on which bench.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whose {
    /// The sound pump on the bench of the file.
    Sound,
    /// A defective pump on the bench of the file.
    Defect(Name),
    /// The sound pump on a bench that is drawn from the seed.
    Drawn,
}

/// One scenario, with all of its cases, played once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Unit {
    pub whose: Whose,
    pub seed: u64,
    pub scenario: Name,
}

/// For people.
impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pump = match &self.whose {
            Whose::Sound => "the sound pump",
            Whose::Drawn => "the sound pump on a drawn bench",
            Whose::Defect(id) => id,
        };
        write!(f, "{pump} in {} with seed {}", self.scenario, self.seed)
    }
}
