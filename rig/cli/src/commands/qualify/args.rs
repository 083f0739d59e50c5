//! What `rig qualify` is asked.

use std::path::PathBuf;

use rig_model::scenario::Scenario;
use rig_qualify::Partition;

use super::FIRST_SEED;
use super::benches::Also;
use super::mutants::Sample;

#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub suite: SuiteArgs,
    /// Scenarios of this file or folder on this other simulated bench besides, whose pump is another one; may be repeated
    #[arg(long, value_name = "BENCH=PATH")]
    pub also: Vec<Also>,
    /// Only this defect; may be repeated; `none` plays the sound pump only, `help` lists them
    #[arg(long, value_name = "ID")]
    pub defect: Vec<String>,
    /// Without the defects that are patches of the firmware, which must be built first
    #[arg(long)]
    pub without_patches: bool,
    /// Generated mutants besides: the list that `cargo mutants --list --json --diff` makes of the firmware
    #[arg(long, value_name = "FILE")]
    pub mutants: Option<PathBuf>,
    /// Of the mutants only every Nth, from the Kth on: a sample that is the same for the same list
    #[arg(long, value_name = "K/N", requires = "mutants")]
    pub mutants_sample: Option<Sample>,
    /// Which mutants may survive, and why: a TOML file of `[[mutant]]` with `name` and `why`
    #[arg(long, value_name = "FILE", requires = "mutants")]
    pub explained: Option<PathBuf>,
    /// Program that plays pumps in processes of their own, and then plays all defective ones; for tests
    #[arg(long, value_name = "PROGRAM", hide = true)]
    pub worker: Option<PathBuf>,
    /// With how many seeds each defective pump is played; caught is what is caught with every one
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub seeds: u64,
    /// With how many seeds the sound pump is played besides, each with a bench that is drawn within its specification
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=1_000_000))]
    pub sound_seeds: u64,
    /// The first seed
    #[arg(long, value_name = "S", default_value_t = FIRST_SEED)]
    pub seed: u64,
    /// Plays at a time; as many as there are cores without
    #[arg(long, value_name = "J", value_parser = clap::value_parser!(u16).range(1..=1_024))]
    pub jobs: Option<u16>,
    /// Processor time in seconds that a pump in a process of its own may take for one scenario; 10, and 1 for each day of its time limit, without
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
    /// Only part K of N, for several machines; `--merge` puts them together
    #[arg(long, value_name = "K/N")]
    pub partition: Option<Partition>,
    /// Take over from an earlier qualification what can't have changed: its folder
    #[arg(long, value_name = "DIR")]
    pub since: Option<PathBuf>,
    /// Put the parts in these folders together instead of playing
    #[arg(long, value_name = "DIR", num_args = 1.., conflicts_with_all = ["paths", "tag", "without_tag", "bench", "also", "defect", "without_patches", "mutants", "mutants_sample", "worker", "limit", "seeds", "sound_seeds", "seed", "jobs", "partition", "since"])]
    pub merge: Vec<PathBuf>,
    /// Folder for the files; made if it is not there
    #[arg(long, value_name = "DIR", default_value = "reports/suite-qualification")]
    pub out: PathBuf,
}

/// Which scenarios on which bench.
#[derive(Debug, Clone, clap::Args)]
pub struct SuiteArgs {
    /// Scenario files or folders; all of `scenarios/` but `soak`, `calibration` and `external` without
    pub paths: Vec<PathBuf>,
    /// Only scenarios with this tag; may be repeated
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    /// No scenario with this tag; may be repeated
    #[arg(long, value_name = "TAG")]
    pub without_tag: Vec<String>,
    /// File of a simulated bench; the one that `rig run` takes without
    #[arg(long, value_name = "FILE")]
    pub bench: Option<PathBuf>,
}

impl SuiteArgs {
    pub fn wants(&self, scenario: &Scenario) -> bool {
        let has = |tags: &[String]| scenario.tags.iter().any(|t| tags.contains(t));
        (self.tag.is_empty() || has(&self.tag)) && !has(&self.without_tag)
    }
}
