//! `rig run`: play scenarios on a bench and write the record.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{SecondsFormat, Utc};
use rig_bench::OnMark;
use rig_bench::inspect::{self, Ground};
use rig_evidence::{Closing, Entry};
use rig_model::bench::{Bench, BenchKind};
use rig_model::fact::{CaseRef, Header, Predecessor, SourceText};
use rig_model::scenario::Scenario;
use rig_model::verdict::Verdict;
use rig_report::{Palette, Summary};
use rig_runner::Runner;

use crate::allowed::SignersFile;
use crate::clock::ClockWatch;
use crate::defects::{self, Catalogue, DefectivePump};
use crate::failure::{BENCH, Failure, OrExit, USAGE, failure};
use crate::folder::RunFolder;
use crate::gate::Asked;
use crate::inputs::{CertifiedBench, Suite};
use crate::keeping::Keeping;
use crate::ledger::Begun;
use crate::progress::Progress;
use crate::recorder::{Recorded, Recorder};
use crate::terminal::Terminal;
use crate::{decidability, environment, firmware, inputs, ledger, say};

mod again;
pub mod bench_key;
mod given;
mod plan;
mod play;

pub use given::Given;

/// A check is FAIL.
pub const FAIL: u8 = 1;
/// Nothing was there to be played.
const NOTHING_RAN: u8 = 6;
/// The bench was not shown safe.
pub const NOT_SAFE: u8 = 7;

#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    #[command(flatten)]
    selection: Selection,
    /// Bench file; without, everything is simulated in virtual time
    #[arg(long, value_name = "FILE")]
    bench: Option<PathBuf>,
    /// Seed of all simulated noise; a fresh one without
    #[arg(long)]
    seed: Option<u64>,
    /// Where run folders are made
    #[arg(long, value_name = "FOLDER", default_value = "reports")]
    out: PathBuf,
    /// Play against a pump with this defect (simulated and process benches); `help` lists them
    #[arg(long, value_name = "NAME")]
    defect: Option<String>,
    /// Exit 0 although something was SKIPPED, as long as something ran
    #[arg(long)]
    allow_skipped: bool,
    /// Delay and batch the inputs at random by up to this many milliseconds of rig time (simulated bench): no verdict may change
    #[arg(long, value_name = "MS")]
    delivery_delay: Option<u32>,
    /// Who runs this and answers prompts
    #[arg(long, value_name = "NAME", value_parser = given::operator)]
    operator: Option<String>,
    /// Play nothing if the bench could not decide a check (exit code 2); for runs that are to be evidence
    #[arg(long)]
    require_decidable: bool,
    /// Play under this approved plan: its scenarios on its bench, or those of them that are named; see `rig approve`
    #[arg(long, value_name = "PLAN.approved.json")]
    plan: Option<PathBuf>,
    /// Which of the plan's tests; needed where it has several
    #[arg(long, value_name = "NAME")]
    test: Option<String>,
    /// Play only if nothing stands against the run's being evidence; otherwise name everything that does (exit code 2)
    #[arg(long)]
    evidence: bool,
    /// The firmware image that the board must run; one that tells another build hash is refused
    #[arg(long, value_name = "IMAGE")]
    firmware: Option<PathBuf>,
    #[command(flatten)]
    environment: environment::Stated,
    #[command(flatten)]
    bench_key: bench_key::BenchKeyFile,
    #[command(flatten)]
    signers: SignersFile,
    #[command(flatten)]
    rerun: again::Rerun,
}

/// Which scenarios and cases.
#[derive(Debug, Clone, clap::Args)]
pub struct Selection {
    /// Scenario files or folders; all of `scenarios/` but `soak`, `calibration` and `external` without
    pub paths: Vec<PathBuf>,
    /// Only scenarios with this tag; may be repeated
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    /// Only cases whose name, as `rig list` or a summary shows it, holds this text; small and capital letters are the same
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,
}

impl Selection {
    /// The cases asked for, in the order of their files.
    pub fn cases<'s>(&self, suite: &'s Suite) -> Vec<(&'s Arc<Scenario>, usize)> {
        let tagged = |s: &Scenario| self.tag.is_empty() || s.tags.iter().any(|t| self.tag.contains(t));
        let all = suite.scenarios.iter().filter(|s| tagged(s)).flat_map(|s| (0..s.cases.len()).map(move |i| (s, i)));
        let named = |s: &Scenario, i: usize| {
            let plain = |text: &str| text.to_lowercase().replace(['[', ']'], "");
            let name = plain(&format!("{} {}", s.id, s.cases[i].label));
            self.filter.as_ref().is_none_or(|wanted| name.contains(&plain(wanted)))
        };
        all.filter(|(s, i)| named(s, *i)).collect()
    }
}

pub fn run(args: &Args, terminal: &Terminal) -> Result<u8, Failure> {
    if args.defect.as_deref() == Some("help") {
        say::out(Catalogue::here()?.list());
        return Ok(0);
    }
    let under = plan::Under::of(args)?;
    let bench_file = args.bench.as_deref().or(under.as_ref().map(plan::Under::bench));
    let paths = under.as_ref().map_or(&args.selection.paths[..], plan::Under::paths);
    let mut errors = inputs::Errors::default();
    let bench = inputs::certified_bench(bench_file, &mut errors);
    let mut suite = inputs::suite(paths, &mut errors);
    let (Some(CertifiedBench { bench, text: bench_text, certificates }), true) = (bench, errors.is_empty()) else {
        say::err(&errors);
        return Ok(USAGE);
    };
    suite.files.extend(certificates);
    let defect = defects::named(args.defect.as_deref(), &bench)?;
    let selected = match &under {
        Some(under) => under.cases(&suite, &args.selection)?,
        None => args.selection.cases(&suite),
    };
    if selected.is_empty() {
        say::err("nothing to play: no case matches; `rig list` shows what there is");
        if args.selection.paths.is_empty() {
            say::err("scenarios/soak is played only when it is named: `rig run scenarios/soak`");
        }
        return Ok(NOTHING_RAN);
    }
    let firmware = firmware::named(args.firmware.as_deref(), &bench, bench_file).or_exit(USAGE)?;
    let unapproved = undecidable(args, under.as_ref(), &selected, &bench, (bench_file, paths))?;
    let bench_key = args.bench_key.open(&args.signers, &bench.name, &args.out)?;
    let predecessor = args.rerun.predecessor()?;
    let job = Job {
        bench,
        bench_text,
        suite: &suite,
        cases: selected,
        defect: defect.as_ref(),
        bench_file,
        out: &args.out,
        seed: args.seed,
        operator: args.operator.as_deref(),
        allow_skipped: args.allow_skipped,
        delivery_delay: args.delivery_delay,
        given: Given {
            asked: if args.evidence { Asked::Evidence } else { Asked::Nothing },
            firmware,
            environment: args.environment.environment(),
            undecided: unapproved,
        },
        on_mark: OnMark::Refuse,
        bench_key: bench_key.as_ref(),
        rerun_of: predecessor.as_ref(),
        under: under.as_ref(),
    };
    let played = job.play(terminal)?;
    played.tell(terminal);
    if let Some(under) = &under {
        under.tell(&args.out, terminal);
    }
    Ok(played.code)
}

/// Tells which checks the bench can't decide; how many of them nobody has approved.
fn undecidable(
    args: &Args,
    under: Option<&plan::Under>,
    selected: &[(&Arc<Scenario>, usize)],
    bench: &Bench,
    (bench_file, paths): (Option<&Path>, &[PathBuf]),
) -> Result<usize, Failure> {
    let plans = decidability::plans(selected.iter().map(|(s, i)| (&***s, *i)), bench);
    decidability::tell_before_run(&plans, bench, bench_file, paths);
    let undecided = decidability::tally(&plans).bad;
    // What can't be decided and stands in the plan was approved with it.
    let unapproved = match under {
        Some(under) if !args.require_decidable => under.not_approved(decidability::texts(&plans, false)),
        _ => undecided,
    };
    if args.require_decidable && !args.evidence && undecided > 0 {
        return Err(failure(USAGE, "nothing was played, because `--require-decidable` wants every check to be decidable on this bench"));
    }
    Ok(unapproved)
}

/// What is played on which bench, and where its record goes.
pub struct Job<'a> {
    pub bench: Bench,
    pub bench_text: SourceText,
    pub suite: &'a Suite,
    pub cases: Vec<(&'a Arc<Scenario>, usize)>,
    pub defect: Option<&'a DefectivePump>,
    pub bench_file: Option<&'a Path>,
    pub out: &'a Path,
    pub seed: Option<u64>,
    pub operator: Option<&'a str>,
    pub allow_skipped: bool,
    /// In ms.
    pub delivery_delay: Option<u32>,
    pub given: Given,
    pub on_mark: OnMark,
    /// Signs the record.
    pub bench_key: Option<&'a bench_key::BenchKey>,
    /// The run that is named as the one repeated.
    pub rerun_of: Option<&'a Predecessor>,
    /// The approved plan under which it is played.
    pub under: Option<&'a plan::Under>,
}

/// A run that has ended and was recorded as far as that was possible.
pub struct Played {
    pub code: u8,
    pub folder: RunFolder,
    summary: Summary,
    /// What went wrong beside the pump, in sentences.
    troubles: Vec<String>,
}

impl Played {
    pub fn troubles(&self) -> &[String] {
        &self.troubles
    }

    /// Says how it ended and where its record is.
    pub fn tell(&self, terminal: &Terminal) {
        if !terminal.json {
            say::text(&self.summary.render());
            say::out(format_args!("record: {}", self.folder.path().display()));
        }
        for trouble in &self.troubles {
            say::err(format_args!("error: {trouble}"));
        }
    }
}

impl Job<'_> {
    pub fn play(self, terminal: &Terminal) -> Result<Played, Failure> {
        let recovery = again::close_what_was_cut_off(self.out);
        let mut header = self.header();
        let differences = self.under.map(|under| under.take_over(&mut header));
        let mut header = self.at_the_gate(header, differences.as_deref())?;
        again::link(&mut header, self.rerun_of, &recovery);
        let plan = inputs::plan(header.clone(), self.bench.clone(), &self.suite.scenarios).or_exit(USAGE)?;
        let runner = Runner::new(plan).or_exit(USAGE)?;
        record(&self, terminal, header, runner)
    }

    fn header(&self) -> Header {
        let bench = &self.bench;
        let ground = Ground::default();
        let simulated_because = inspect::simulated(bench, &ground);
        let started_utc = now_utc();
        let case = |(s, i): &(&Arc<Scenario>, usize)| CaseRef {
            file: s.file.clone(),
            scenario: s.id.to_string(),
            case: s.cases[*i].label.clone(),
        };
        Header {
            tool: concat!("pump-rig ", env!("CARGO_PKG_VERSION")).to_owned(),
            run_id: uuid::Uuid::new_v4().to_string(),
            warnings: inputs::warnings(bench, &started_utc),
            started_utc,
            bench: bench.name.clone(),
            simulated: bench.simulated() || !simulated_because.is_empty(),
            simulated_because,
            evidence: false,
            seed: self.seed.unwrap_or_else(fresh_seed),
            defect: self.defect.map(|pump| pump.defect.id.to_string()),
            operator: self.operator.map(str::to_owned),
            allow_skipped: self.allow_skipped,
            delivery_delay: self.delivery_delay.is_some(),
            dose_oracle: true,
            cases: self.cases.iter().map(case).collect(),
            bench_file: self.bench_text.clone(),
            files: self.suite.files.clone(),
            machine: (bench.kind == BenchKind::Pi).then(|| inspect::machine(&ground)).flatten(),
            host: host(),
            provenance: Box::new(self.provenance()),
        }
    }
}

/// Enters the run into the ledger, plays, closes the record, and enters that.
fn record(job: &Job<'_>, terminal: &Terminal, mut header: Header, mut runner: Runner) -> Result<Played, Failure> {
    let bench = &job.bench;
    let Begun { number, folder, journal } = ledger::begin(job.out, &header, Keeping::of(bench.kind)).or_exit(BENCH)?;
    header.provenance.number = Some(number);
    runner.set_number(number);
    // Held until the ledger has the end of the run: until then it is alive.
    let held = journal.try_clone().or_exit(BENCH)?;
    let palette = if terminal.colour { Palette::ansi() } else { Palette::plain() };
    let progress = Progress::new(terminal);
    let progress = if bench.kind == BenchKind::Sim { progress } else { progress.in_real_time() };
    let mut recorder = Recorder::create(folder.clone(), header.run_id.clone(), journal, bench, Summary::new(palette), progress)
        .watching((bench.kind != BenchKind::Sim).then(|| ClockWatch::begin(header.evidence, bench.clone())));
    tracing::info!(seed = header.seed, folder = %folder.path().display(), "run begins");

    let played = play::play(runner, &header, job, &mut recorder);
    let recorded = recorder.close();
    let mut troubles = recorded.troubles.clone();
    troubles.extend(played.error.map(|error| format!("{error:#}")));
    troubles.extend(job.bench_key.and_then(|key| key.sign(&folder, &header).err()).map(|error| format!("{error:#}")));
    let mut code = exit_code(played.exit_code, &troubles, &recorded.summary);
    let entered = ledger::add(job.out, &header.run_id, Entry::Ended(ended(&recorded, code)), Keeping::of(bench.kind));
    drop(held);
    if let Err(error) = entered {
        troubles.push(format!("the end of the run is not in the ledger: {error:#}; the next run, or `rig recover`, enters it"));
        code = exit_code(Some(code), &troubles, &recorded.summary);
    }
    Ok(Played { code, folder, summary: recorded.summary, troubles })
}

fn ended(recorded: &Recorded, code: u8) -> Closing {
    Closing {
        utc: now_utc(),
        verdict: recorded.summary.verdict().map(|v| v.name().to_owned()),
        exit_code: Some(code),
        manifest_sha256: recorded.manifest,
        journal: Some(recorded.journal.clone()),
    }
}

/// The exit code of a run whose own word is `told`, if it came to its end.
fn exit_code(told: Option<u8>, troubles: &[String], summary: &Summary) -> u8 {
    match told {
        Some(code) if troubles.is_empty() => code,
        Some(NOT_SAFE) => NOT_SAFE,
        // What was recorded as FAIL before the trouble stays one.
        _ if summary.verdict() == Some(Verdict::Fail) => FAIL,
        _ => BENCH,
    }
}

pub fn now_utc() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Below 2^53, so that every reader of the journal keeps it whole.
fn fresh_seed() -> u64 {
    let (high, _) = uuid::Uuid::new_v4().as_u64_pair();
    high >> 11
}

pub fn host() -> String {
    let read = |path| std::fs::read_to_string(path).map(|s| s.trim().to_owned()).unwrap_or_default();
    format!("{} {} {}", std::env::consts::ARCH, read("/proc/sys/kernel/ostype"), read("/proc/sys/kernel/osrelease"))
}
