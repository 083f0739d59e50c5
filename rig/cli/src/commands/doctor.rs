//! `rig doctor`: is the bench fit for a run? First by looking, then by trying.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::anyhow;
use rig_bench::inspect::{self, Finding, Ground, State};
use rig_bench::{BenchLock, BenchState, OnMark, wedged};
use rig_model::bench::{Bench, BenchKind};
use rig_model::fact::SourceText;
use serde::Serialize;

use crate::commands::run::{Given, Job, NOT_SAFE, now_utc};
use crate::failure::{BENCH, Failure, OrExit, USAGE, failure};
use crate::inputs::Suite;
use crate::terminal::Terminal;
use crate::{inputs, say};

mod pulses;
mod scenario;
mod seen;
mod show;
mod stress;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Bench file
    #[arg(long, value_name = "FILE")]
    bench: PathBuf,
    /// Only look: move nothing
    #[arg(long, conflicts_with_all = ["deliver", "recover"])]
    look_only: bool,
    /// Deliver this volume and compare it, which shows the flow sensors alive
    #[arg(long, value_name = "VOLUME", conflicts_with = "recover")]
    deliver: Option<String>,
    /// Prove a bench safe that a run has left without, so that runs are let on it again
    #[arg(long)]
    recover: bool,
    /// Count and show the edges of this channel's lines, until Ctrl-C
    #[arg(long, value_name = "CHANNEL", conflicts_with_all = ["look_only", "deliver", "recover", "stress"])]
    pulses: Option<String>,
    /// End `--pulses` after this many seconds
    #[arg(long = "for", value_name = "SECONDS", requires = "pulses", value_parser = seconds)]
    length: Option<Duration>,
    /// Drive an output into an input at rising rates until edges are lost; they must be wired to each other, and to nothing else
    #[arg(long, requires = "wired", conflicts_with_all = ["look_only", "deliver", "recover"])]
    stress: bool,
    /// Output and input of `--stress`: names of the bench file, or offsets on its chip
    #[arg(long = "loop", value_name = "OUT:IN", requires = "stress")]
    wired: Option<String>,
    /// Where the run folder of what is tried is made
    #[arg(long, value_name = "FOLDER", default_value = "reports")]
    out: PathBuf,
}

/// What a doctor's visit came to.
#[derive(Debug, Serialize)]
struct Report {
    bench: String,
    /// Whether a run can be played; warnings do not forbid it.
    fit: bool,
    exit_code: u8,
    findings: Vec<Finding>,
    /// The record of what was tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<PathBuf>,
}

pub fn run(args: &Args, terminal: &Terminal) -> Result<u8, Failure> {
    let mut errors = inputs::Errors::default();
    // A bench that was not shown safe is made safe first, whatever its certificates say.
    let loaded = if args.recover {
        inputs::bench(Some(&args.bench), &mut errors)
    } else {
        inputs::certified_bench(Some(&args.bench), &mut errors).map(|certified| (certified.bench, certified.text))
    };
    let Some((bench, bench_text)) = loaded else {
        say::err(&errors);
        return Ok(USAGE);
    };
    if args.pulses.is_some() || args.stress {
        // A run that has the bench has its lines too, and a bench that was not shown safe is to be made safe first.
        let BenchState { lock, mark } = BenchState::of(&bench);
        let _lock = BenchLock::take(&lock, &now_utc()).or_exit(BENCH)?;
        if let (Some(wedged), true) = (wedged(&mark).or_exit(NOT_SAFE)?, args.stress) {
            let because = wedged.because.unwrap_or_else(|| "its run did not come to its end".to_owned());
            return Err(failure(NOT_SAFE, format!("the bench was not shown safe ({because}): `rig doctor --recover` comes first")));
        }
        return lines_alone(args, bench, terminal);
    }
    if bench.kind == BenchKind::Sim {
        return Err(failure(USAGE, format!("there is nothing to look at on bench `{}`: all of it is simulated", bench.name)));
    }
    Visit { args, bench, bench_text, found: Vec::new(), record: None }.make(terminal)
}

/// Only lines, without a board and without a run.
fn lines_alone(args: &Args, bench: Bench, terminal: &Terminal) -> Result<u8, Failure> {
    let bench = real(bench)?;
    match (&args.pulses, &args.wired) {
        (Some(channel), _) => pulses::run(&bench, channel, args.length, terminal),
        (None, Some(wired)) => stress::run(&bench, wired, terminal),
        (None, None) => Err(failure(USAGE, "`--stress` wants `--loop OUT:IN`")),
    }
}

/// Lines are what only a real bench has.
fn real(bench: Bench) -> Result<Bench, Failure> {
    if bench.kind == BenchKind::Pi {
        return Ok(bench);
    }
    Err(failure(USAGE, format!("bench `{}` has no lines to look at: it is simulated", bench.name)))
}

struct Visit<'a> {
    args: &'a Args,
    bench: Bench,
    bench_text: SourceText,
    found: Vec<Finding>,
    record: Option<PathBuf>,
}

impl Visit<'_> {
    fn make(mut self, terminal: &Terminal) -> Result<u8, Failure> {
        self.found = inspect::inspect(&self.bench, &Ground::default(), &self.args.out);
        show::findings(&self.found, terminal);
        let mark = BenchState::of(&self.bench).mark;
        let marked = wedged(&mark).or_exit(NOT_SAFE)?;
        if let (Some(wedged), false) = (&marked, self.args.recover) {
            let remedy = format!("look at the bench, then `rig doctor --bench {} --recover`", self.args.bench.display());
            self.add(vec![Finding::bad("safety", format!("{wedged} (mark {})", mark.display()), remedy)], terminal);
            return Ok(self.end(NOT_SAFE, terminal));
        }
        if marked.is_none() && self.args.recover {
            self.add(vec![Finding::good("safety", "the bench is not marked; that it is safe is shown all the same")], terminal);
        }
        if self.worst() == State::Bad || self.args.look_only {
            return Ok(self.end(0, terminal));
        }
        let suite = self.scenario().or_exit(USAGE)?;
        let code = self.play(&suite, terminal)?;
        Ok(self.end(code, terminal))
    }

    fn scenario(&self) -> anyhow::Result<Suite> {
        if self.args.recover { scenario::recovery() } else { scenario::trial(&self.bench, self.args.deliver.as_deref()) }
    }

    /// Through the ordinary runner, recorder and safe-down. Gives the exit code as far as the bench's safety decides it.
    fn play(&mut self, suite: &Suite, terminal: &Terminal) -> Result<u8, Failure> {
        let cases = suite.scenarios.iter().map(|scenario| (scenario, 0)).collect();
        let job = Job {
            bench: self.bench.clone(),
            bench_text: self.bench_text.clone(),
            suite,
            cases,
            defect: None,
            bench_file: Some(&self.args.bench),
            out: &self.args.out,
            seed: None,
            operator: None,
            allow_skipped: false,
            delivery_delay: None,
            given: Given::default(),
            on_mark: if self.args.recover { OnMark::Recover } else { OnMark::Refuse },
            bench_key: None,
            rerun_of: None,
        };
        // One object at the end is all that machines are told.
        let played = job.play(&Terminal { json: false, ..*terminal })?;
        let seen = seen::Seen::of(&played.folder)?;
        let mut found = seen.findings(&self.bench);
        found.extend(played.troubles().iter().map(|trouble| Finding { state: State::Bad, ..Finding::good("run", trouble.clone()) }));
        self.add(found, terminal);
        self.record = Some(played.folder.path().to_owned());
        Ok(if played.code == NOT_SAFE { NOT_SAFE } else { 0 })
    }

    fn add(&mut self, found: Vec<Finding>, terminal: &Terminal) {
        show::findings(&found, terminal);
        self.found.extend(found);
    }

    fn worst(&self) -> State {
        self.found.iter().map(|finding| finding.state).max().unwrap_or(State::Good)
    }

    /// `code` stands over what was found.
    fn end(self, code: u8, terminal: &Terminal) -> u8 {
        let exit_code = if code == 0 && self.worst() == State::Bad { BENCH } else { code };
        let report = Report { bench: self.bench.name.clone(), fit: exit_code == 0, exit_code, findings: self.found, record: self.record };
        if terminal.json {
            // Strings, numbers and booleans: there is nothing in it that JSON can't hold.
            say::out(serde_json::to_string(&report).expect("a report is plain data"));
        } else {
            show::closing(&report, self.args.look_only);
        }
        exit_code
    }
}

fn seconds(text: &str) -> anyhow::Result<Duration> {
    let number: f64 = text.trim_end_matches('s').trim_end().parse()?;
    Duration::try_from_secs_f64(number).ok().filter(|length| !length.is_zero()).ok_or_else(|| anyhow!("a length of time is above zero"))
}
