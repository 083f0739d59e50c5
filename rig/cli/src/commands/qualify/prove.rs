//! From what is asked to outcomes: what is qualified, what of it is known already, and what is played.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use rig_model::bench::{Bench, BenchKind};
use rig_model::fact::SourceText;
use rig_model::scenario::Scenario;
use rig_model::time::Span;
use rig_qualify::{Matrix, Partition, Played, Reusable, SeedRange, Setup, Sound, Unit, Whose, union};
use sha2::{Digest, Sha256};

use super::args::{Args, SuiteArgs};
use super::benches::Benches;
use super::catalogue;
use super::folder::{self, Earlier};
use super::play::Desk;
use super::progress::Bar;
use super::work::{Task, Times, Workers};
use crate::build;
use crate::failure::{BENCH, Failure, OrExit, USAGE, failure};
use crate::inputs::{self, Suite};
use crate::ledger::hex;
use crate::terminal::Terminal;

/// The bench and the scenarios that are asked for.
pub struct Given {
    pub args: SuiteArgs,
    /// Without pumps and seeds.
    pub setup: Setup,
    suite: Suite,
    scenarios: Vec<Arc<Scenario>>,
    pub bench: Bench,
    pub bench_text: SourceText,
}

impl Given {
    /// # Errors
    /// Files that can't be read, or of which nothing is left to play.
    pub fn read(args: &SuiteArgs) -> Result<Self, Failure> {
        let mut errors = inputs::Errors::default();
        let bench = inputs::certified_bench(args.bench.as_deref(), &mut errors);
        let suite = inputs::suite(&args.paths, &mut errors);
        let (Some(certified), true) = (bench, errors.is_empty()) else { return Err(errors.failure()) };
        if certified.bench.kind != BenchKind::Sim {
            return Err(failure(USAGE, "thousands of runs are played in virtual time: name a bench of `kind = \"sim\"`, or none"));
        }
        let scenarios: Vec<Arc<Scenario>> = suite.scenarios.iter().filter(|s| args.wants(s)).cloned().collect();
        if scenarios.is_empty() {
            return Err(failure(USAGE, "nothing to play: no scenario has these tags; `rig list` shows what there is"));
        }
        // Without it outcomes of another program could be taken over for this one's.
        let Some(program_sha256) = build::executable() else {
            return Err(failure(
                BENCH,
                "the program can't read its own file (/proc/self/exe), by which earlier outcomes are known to be its own",
            ));
        };
        let setup = Setup {
            version: Setup::VERSION,
            tool: concat!("pump-rig ", env!("CARGO_PKG_VERSION")).to_owned(),
            program_sha256,
            bench: args.bench.as_ref().map(|path| path.display().to_string()),
            bench_sha256: sha256(&format!("{:?}", certified.bench)),
            scenarios: scenarios.iter().map(|s| of_scenario(s)).collect(),
            pumps: Vec::new(),
            not_compiled: Vec::new(),
            seeds: SeedRange { first: 0, count: 0 },
            sound_seeds: SeedRange { first: 0, count: 0 },
        };
        Ok(Self { args: args.clone(), setup, suite, scenarios, bench: certified.bench, bench_text: certified.text })
    }

    /// As its file calls it.
    pub fn bench_name(&self) -> &str {
        &self.bench.name
    }

    /// Everything read anew from the same texts, so that no two workers share a name.
    pub fn desk(&self) -> Result<Desk> {
        let bench = rig_scenario::parse_bench(&self.bench_text.path, &self.bench_text.text);
        let bench: Bench = bench.map_err(|_| anyhow!("the bench file, which was read before, can't be read"))?;
        let again = self.suite.again()?;
        let wanted: Vec<Arc<Scenario>> = again.into_iter().filter(|s| self.args.wants(s)).collect();
        Desk::new(bench, &self.bench_text, &wanted)
    }

    /// Of all cases of a scenario together.
    pub fn time_limit(&self, scenario: &str) -> Span {
        let cases = self.scenarios.iter().filter(|s| &*s.id == scenario).flat_map(|s| &s.cases);
        Span(cases.fold(0, |sum: i64, c| sum.saturating_add(c.time_limit.0)))
    }
}

fn of_scenario(scenario: &Scenario) -> rig_qualify::Scenario {
    rig_qualify::Scenario {
        id: scenario.id.clone(),
        title: scenario.title.clone(),
        file: scenario.file.clone(),
        tags: scenario.tags.clone(),
        // As it is played: with its fragments, its parameters put in, and the rules of the requirements that it verifies.
        sha256: sha256(&format!("{scenario:?}")),
        cases: scenario.cases.iter().map(|c| c.label.clone()).collect(),
        besides: None,
    }
}

pub fn sha256(text: &str) -> String {
    hex(&Sha256::digest(text))
}

/// A qualification, or a part of one.
pub struct Proof {
    pub setup: Setup,
    pub part: Option<Partition>,
    /// In the order of the setup's units.
    pub outcomes: Vec<Played>,
    /// How many of them were taken over.
    pub reused: usize,
    pub earlier: Option<Earlier>,
    pub times: Option<Times>,
    /// Which catalogue of defects was read, if one was.
    pub catalogue: Option<String>,
}

impl Proof {
    pub fn matrix(&self) -> Matrix {
        Matrix::of(&self.setup, &self.outcomes)
    }

    pub fn sound(&self) -> Sound {
        Sound::of(&self.setup, &self.outcomes)
    }
}

pub fn play(args: &Args, terminal: &Terminal) -> Result<Proof, Failure> {
    let earlier = args.since.as_ref().map(|path| folder::read(path)).transpose()?;
    let benches = Benches::read(args)?;
    let catalogue = catalogue::catalogue(args, &benches)?;
    let setup = Setup {
        pumps: catalogue.pumps.iter().map(|(pump, _)| pump.clone()).collect(),
        not_compiled: catalogue.not_compiled.clone(),
        seeds: SeedRange { first: args.seed, count: args.seeds },
        sound_seeds: SeedRange { first: args.seed, count: args.sound_seeds },
        ..benches.setup.clone()
    };
    let units = args.partition.map_or_else(|| setup.units(), |part| part.of(&setup));
    let keys = Keys::of(&setup);
    let reusable = Reusable::new(earlier.iter().flat_map(|e| e.outcomes.iter().cloned()));
    let tasks: Vec<Task> = units.into_iter().map(|unit| Task { key: keys.of_unit(&unit), unit }).collect();
    // What has the same key is the same unit; the name of its scenario or pump may still be another one.
    let known = |task: &Task| reusable.get(&task.key).map(|p| Played { unit: task.unit.clone(), ..p.clone() });
    let (mut outcomes, mut open) = (Vec::with_capacity(tasks.len()), Vec::new());
    for task in tasks {
        let found = known(&task);
        open.extend(found.is_none().then(|| task.clone()));
        outcomes.push((task.unit, found));
    }
    let reused = outcomes.len() - open.len();
    let jobs = args.jobs.map_or_else(cores, usize::from);
    let program = args.worker.clone().map_or_else(std::env::current_exe, Ok).context("failed to find this program").or_exit(BENCH)?;
    let workers = Workers { benches: &benches, catalogue: &catalogue, jobs, limit: args.limit.map(Duration::from_secs), program };
    let (played, times) = workers.play(&open, &Bar::new(terminal, open.len())).or_exit(BENCH)?;
    let mut played = played.into_iter();
    // In the order of the units: what was played came in the order in which it was asked for.
    let outcomes = outcomes.into_iter().filter_map(|(_, known)| known.or_else(|| played.next())).collect();
    Ok(Proof { setup, part: args.partition, outcomes, reused, earlier, times: Some(times), catalogue: catalogue.told })
}

/// Puts parts together.
pub fn merge(args: &Args) -> Result<Proof, Failure> {
    let parts = args.merge.iter().map(|path| folder::read(path)).collect::<Result<Vec<_>, _>>()?;
    let Some(first) = parts.first() else { return Err(failure(USAGE, "`--merge` puts folders together: name them")) };
    if let Some(other) = parts.iter().find(|p| p.setup != first.setup) {
        let (a, b) = (first.path.display(), other.path.display());
        let what = difference(&first.setup, &other.setup);
        return Err(failure(USAGE, format!("{a} and {b} are parts of different qualifications: {what} differ")));
    }
    let setup = first.setup.clone();
    let keys = Keys::of(&setup);
    for part in &parts {
        // The two files of a folder may be of two qualifications: somebody copied one, or the writing of the second was cut off.
        if let Some(foreign) = part.outcomes.iter().find(|played| keys.of_unit(&played.unit) != played.key) {
            return Err(failure(USAGE, folder::other(&part.path, &foreign.unit)));
        }
    }
    let outcomes = union(&setup, parts.into_iter().flat_map(|p| p.outcomes)).or_exit(USAGE)?;
    Ok(Proof { setup, part: None, outcomes, reused: 0, earlier: None, times: None, catalogue: None })
}

fn difference(a: &Setup, b: &Setup) -> &'static str {
    if (&a.tool, &a.program_sha256) != (&b.tool, &b.program_sha256) {
        "the programs"
    } else if a.bench_sha256 != b.bench_sha256 || besides(a).ne(besides(b)) {
        "the benches"
    } else if a.scenarios != b.scenarios {
        "the scenarios"
    } else if (&a.pumps, &a.not_compiled) != (&b.pumps, &b.not_compiled) {
        "the defective pumps"
    } else {
        "the seeds"
    }
}

/// The other benches, scenario by scenario.
fn besides(setup: &Setup) -> impl Iterator<Item = &str> {
    setup.scenarios.iter().filter_map(|s| s.besides.as_ref()).map(|b| &*b.sha256)
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// What the outcome of each unit depends on, in 64 hexadecimal digits.
struct Keys {
    program: String,
    /// Each with its bench.
    scenarios: BTreeMap<String, String>,
    pumps: BTreeMap<String, String>,
}

impl Keys {
    fn of(setup: &Setup) -> Self {
        let bench = |s: &rig_qualify::Scenario| s.besides.as_ref().map_or(&setup.bench_sha256, |b| &b.sha256).clone();
        Self {
            program: format!("{}\n{}\n", setup.version, setup.program_sha256),
            scenarios: setup.scenarios.iter().map(|s| (s.id.to_string(), format!("{}\n{}", s.sha256, bench(s)))).collect(),
            pumps: setup.pumps.iter().map(|p| (p.id.to_string(), p.sha256.clone())).collect(),
        }
    }

    fn of_unit(&self, unit: &Unit) -> String {
        let pump = match &unit.whose {
            Whose::Sound => "sound",
            Whose::Drawn => "drawn",
            Whose::Defect(id) => self.pumps.get(&**id).map_or("", String::as_str),
        };
        let scenario = self.scenarios.get(&*unit.scenario).map_or("", String::as_str);
        sha256(&format!("{}{pump}\n{scenario}\n{}\n", self.program, unit.seed))
    }
}

/// Where a false alarm comes from, and how to see it again.
pub fn command(setup: &Setup, unit: &Unit) -> String {
    let scenario = setup.scenario(&unit.scenario).map(|i| &setup.scenarios[i]);
    let file = scenario.map_or("", |s| &s.file);
    let besides = scenario.and_then(|s| s.besides.as_ref()).map(|b| &b.bench);
    let bench = besides.or(setup.bench.as_ref()).map_or_else(String::new, |path| format!(" --bench {path}"));
    match unit.whose {
        Whose::Drawn => format!("rig qualify {file} --defect none --sound-seeds 1 --seed {}{bench}", unit.seed),
        Whose::Sound | Whose::Defect(_) => format!("rig run {file} --seed {}{bench}", unit.seed),
    }
}
