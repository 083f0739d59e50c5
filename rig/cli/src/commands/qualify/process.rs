//! Pumps that are programs of their own: one question a line, one answer a line, and an end to those that never come to theirs.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rig_model::time::Span;
use rig_qualify::{CaseOutcome, Ending};
use rig_sim::Unit;
use serde::{Deserialize, Serialize};

use super::args::SuiteArgs;
use super::mutants::Mutants;
use super::play::{Desk, Keep, Outcome};
use super::prove::Given;
use crate::defects;
use crate::failure::{BENCH, Failure, OrExit};

/// Processor time that any scenario may take, and for each day of its time limit: some fifty times what a sound pump takes.
const LIMIT: Duration = Duration::from_secs(10);
const LIMIT_A_DAY: Duration = Duration::from_secs(1);
/// A program that takes no processor time waits for something that never comes; on a busy machine the answer takes this much longer than its time.
const PATIENCE: u32 = 20;
/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// `USER_HZ`, in which `/proc` counts; the same on every Linux that this runs on.
const TICKS_A_SECOND: u64 = 100;

/// What it is asked.
#[derive(Debug, Serialize, Deserialize)]
struct Question {
    scenario: String,
    seed: u64,
}

/// What it says before it is asked anything: id and SHA-256 of each scenario as it has read it.
#[derive(Debug, Serialize, Deserialize)]
struct Greeting {
    scenarios: Vec<(String, String)>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Answer {
    ending: Ending,
    cases: Vec<CaseOutcome>,
}

/// A process that plays one pump.
#[derive(Debug)]
pub struct Alone {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
}

/// Why there was no answer.
enum Silence {
    Hung,
    Ended(String),
}

impl Alone {
    /// Starts it and sees that it has read the same scenarios.
    pub fn start(program: &Path, pump: &[String], given: &Given, limit: Option<Duration>) -> Result<Self> {
        let mut command = Command::new(program);
        command.arg("qualify-worker").args(pump);
        given.args.bench.iter().for_each(|bench| {
            command.arg("--bench").arg(bench);
        });
        command.args(&given.args.paths).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().with_context(|| format!("failed to start `{}`", program.display()))?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let (send, lines) = channel();
        let stdout = stdout.context("it has no standard output")?;
        std::thread::spawn(move || {
            // Whoever asked may be gone; so is the need to read on.
            let _ = BufReader::new(stdout).lines().map_while(Result::ok).try_for_each(|line| send.send(line));
        });
        let mut alone = Self { child, stdin, lines };
        alone.greet(given, limit.unwrap_or(LIMIT))?;
        Ok(alone)
    }

    fn greet(&mut self, given: &Given, limit: Duration) -> Result<()> {
        let line = match self.line(limit) {
            Ok(line) => line,
            Err(Silence::Hung) => bail!("it said nothing after its start"),
            Err(Silence::Ended(why)) => bail!("it ended before it was asked anything ({why})"),
        };
        let greeting: Greeting = serde_json::from_str(&line).context("it does not answer as a worker of this program does")?;
        for scenario in &given.setup.scenarios {
            let same = greeting.scenarios.iter().any(|(id, sha256)| **id == *scenario.id && *sha256 == scenario.sha256);
            if !same {
                bail!("{} was read otherwise by the process that plays it; it has changed since", scenario.id);
            }
        }
        Ok(())
    }

    /// Plays one scenario. After any other ending than a whole one it is of no use any more.
    pub fn play(&mut self, scenario: &str, seed: u64, time_limit: Span, limit: Option<Duration>) -> Outcome {
        let days = u32::try_from(time_limit.0 / Span::hours(24).0).unwrap_or(u32::MAX);
        let limit = limit.unwrap_or_else(|| LIMIT.saturating_add(LIMIT_A_DAY.saturating_mul(days)));
        let question = serde_json::json!(Question { scenario: scenario.to_owned(), seed });
        // One that takes no question has ended; the answer that does not come says how.
        let _ = self.stdin.as_mut().map(|stdin| writeln!(stdin, "{question}").and_then(|()| stdin.flush()));
        let ending = match self.line(limit) {
            Ok(line) => match serde_json::from_str(&line) {
                Ok(Answer { ending, cases }) => return Outcome { ending, cases },
                Err(_) => Ending::Died("it answered with something else than an outcome".to_owned()),
            },
            Err(Silence::Hung) => Ending::Hung,
            Err(Silence::Ended(why)) => Ending::Died(why),
        };
        Outcome { ending, cases: Vec::new() }
    }

    /// The next line, if it comes before the process has taken so much processor time.
    fn line(&mut self, limit: Duration) -> Result<String, Silence> {
        let (began, before) = (Instant::now(), self.processor_time());
        loop {
            match self.lines.recv_timeout(LOOK_EVERY) {
                Ok(line) => return Ok(line),
                Err(RecvTimeoutError::Disconnected) => return Err(Silence::Ended(self.ended())),
                Err(RecvTimeoutError::Timeout) => {
                    let taken = self.processor_time().saturating_sub(before);
                    if taken > limit || began.elapsed() > limit.saturating_mul(PATIENCE) {
                        self.end();
                        return Err(Silence::Hung);
                    }
                }
            }
        }
    }

    fn processor_time(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        // The name of the program, in brackets, may hold anything; user and system time are the 12th and 13th field behind it.
        let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let ticks: u64 = fields.split_whitespace().skip(11).take(2).filter_map(|f| f.parse::<u64>().ok()).sum();
        Duration::from_millis(ticks * 1_000 / TICKS_A_SECOND)
    }

    fn ended(&mut self) -> String {
        self.child.wait().map_or_else(|e| e.to_string(), how)
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        // At the end of its input it would end by itself, but it may be hung.
        self.stdin = None;
        self.end();
    }
}

fn how(status: ExitStatus) -> String {
    status.to_string()
}

/// Hidden: this program as the process that plays one pump; the sound one where none is named.
#[derive(Debug, Clone, clap::Args)]
pub struct WorkerArgs {
    pub paths: Vec<PathBuf>,
    #[arg(long, value_name = "FILE")]
    pub bench: Option<PathBuf>,
    #[arg(long, value_name = "ID")]
    pub defect: Option<String>,
    #[arg(long, value_name = "FILE", requires = "mutant")]
    pub mutants: Option<PathBuf>,
    /// Which one of the list, from 0.
    #[arg(long, value_name = "NUMBER", requires = "mutants")]
    pub mutant: Option<usize>,
}

impl WorkerArgs {
    fn unit(&self) -> Result<Option<Unit>, Failure> {
        if let (Some(file), Some(number)) = (&self.mutants, self.mutant) {
            return Mutants::read(file)?.unit(number).or_exit(BENCH).map(Some);
        }
        let Some(id) = &self.defect else { return Ok(None) };
        let catalogue = defects::Catalogue::here()?;
        Ok(Some(catalogue.pump(catalogue.find(id)?).or_exit(BENCH)?.unit))
    }
}

/// Answers questions on standard input until there are no more.
pub fn work(args: &WorkerArgs) -> Result<u8, Failure> {
    let suite = SuiteArgs { paths: args.paths.clone(), tag: Vec::new(), without_tag: Vec::new(), bench: args.bench.clone() };
    let given = Given::read(&suite)?;
    let desk = given.desk().or_exit(BENCH)?;
    let unit = args.unit()?;
    let scenarios = given.setup.scenarios.iter().map(|s| (s.id.to_string(), s.sha256.clone())).collect();
    say(&Greeting { scenarios }).or_exit(BENCH)?;
    for line in std::io::stdin().lock().lines() {
        let question: Question = serde_json::from_str(&line.or_exit(BENCH)?).or_exit(BENCH)?;
        say(&answer(&desk, unit.as_ref(), &question)).or_exit(BENCH)?;
    }
    Ok(0)
}

fn answer(desk: &Desk, unit: Option<&Unit>, question: &Question) -> Answer {
    let Some(ready) = desk.plan(&question.scenario) else {
        return Answer { ending: Ending::NotPlayed("there is no such scenario".to_owned()), cases: Vec::new() };
    };
    let Outcome { ending, cases } = ready.play(&desk.bench, question.seed, unit, Keep::Fails);
    Answer { ending, cases }
}

fn say(what: &impl Serialize) -> Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, what)?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}
