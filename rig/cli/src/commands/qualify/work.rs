//! Units on all cores. What comes of them does not depend on who plays which, and when.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use anyhow::Result;
use nix::time::{ClockId, clock_gettime};
use rig_model::Name;
use rig_model::verdict::Verdict;
use rig_qualify::{CaseOutcome, DrawnBench, Ending, Played, Unit, Whose};

use super::benches::Benches;
use super::catalogue::{Catalogue, How};
use super::draw;
use super::play::{Desk, Keep, Outcome, Ready};
use super::process::Alone;
use super::progress::Bar;

/// A unit to be played, and the key that its outcome is kept under.
#[derive(Debug, Clone)]
pub struct Task {
    pub unit: Unit,
    pub key: String,
}

/// What the machine took. In no file that must be the same on another one.
#[derive(Debug, Clone)]
pub struct Times {
    pub jobs: usize,
    pub wall: Duration,
    /// Plays and processor time of each scenario; of pumps in this process.
    pub scenarios: BTreeMap<Name, (u64, Duration)>,
}

impl Times {
    pub fn line(&self) -> String {
        let plays: u64 = self.scenarios.values().map(|(n, _)| n).sum();
        let processor: Duration = self.scenarios.values().map(|(_, t)| *t).sum();
        let (wall, jobs) = (self.wall.as_secs_f64(), self.jobs);
        let workers = if jobs == 1 { "1 worker".to_owned() } else { format!("{jobs} workers") };
        let rate = plays as f64 / wall.max(1e-9);
        format!("{plays} plays in {wall:.2} s on {workers} ({:.2} s of processor, {rate:.0} plays a second)", processor.as_secs_f64())
    }
}

/// A pump in a process of its own plays everything there; all else is a unit at a time.
enum Batch {
    Here(usize),
    /// Arguments that name the pump, the bench, and what is played there.
    Alone(Vec<String>, usize, Vec<usize>),
    Not(usize, Ending),
}

struct Told {
    task: usize,
    played: Played,
    took: Option<Duration>,
}

pub struct Workers<'a> {
    pub benches: &'a Benches,
    pub catalogue: &'a Catalogue,
    pub jobs: usize,
    pub limit: Option<Duration>,
    /// Plays pumps in processes of their own.
    pub program: PathBuf,
}

impl Workers<'_> {
    /// Plays all tasks; the outcomes come in their order.
    ///
    /// # Errors
    /// When the scenarios, which were read before, can't be read again.
    pub fn play(&self, tasks: &[Task], bar: &Bar) -> Result<(Vec<Played>, Times)> {
        let began = Instant::now();
        let batches = self.batches(tasks);
        let jobs = self.jobs.min(batches.len()).max(1);
        let next = AtomicUsize::new(0);
        let (send, told) = channel::<Told>();
        let mut outcomes: Vec<Option<Played>> = vec![None; tasks.len()];
        let mut scenarios: BTreeMap<Name, (u64, Duration)> = BTreeMap::new();
        quietly(|| {
            std::thread::scope(|scope| {
                let workers: Vec<_> = (0..jobs)
                    .map(|_| {
                        let send = send.clone();
                        let (next, batches) = (&next, &batches);
                        let work = move || self.work(tasks, batches, next, &send);
                        std::thread::Builder::new().name(PUMP.to_owned()).spawn_scoped(scope, work)
                    })
                    .collect::<Result<_, _>>()?;
                drop(send);
                for Told { task, played, took } in told {
                    bar.played(&played.unit.scenario);
                    if let Some(took) = took {
                        let sum = scenarios.entry(played.unit.scenario.clone()).or_default();
                        *sum = (sum.0 + 1, sum.1 + took);
                    }
                    outcomes[task] = Some(played);
                }
                let ended = workers.into_iter().map(|w| w.join().unwrap_or_else(|_| Err(anyhow::anyhow!("a worker broke down"))));
                ended.collect::<Result<Vec<()>>>()
            })
        })?;
        bar.close();
        Ok((outcomes.into_iter().flatten().collect(), Times { jobs, wall: began.elapsed(), scenarios }))
    }

    /// The long ones first, so that at the end no worker is left alone with one.
    fn batches(&self, tasks: &[Task]) -> Vec<Batch> {
        let mut alone: BTreeMap<(&[String], usize), Vec<usize>> = BTreeMap::new();
        let mut batches = Vec::new();
        for (i, task) in tasks.iter().enumerate() {
            let bench = self.benches.of(&task.unit.scenario).map_or(0, |(bench, _)| bench);
            match self.how(&task.unit.whose, bench) {
                Some(How::Alone(pump)) => alone.entry((pump, bench)).or_default().push(i),
                Some(How::Not(why)) => batches.push(Batch::Not(i, Ending::NotPlayed(why.clone()))),
                Some(How::NotHere(why)) => batches.push(Batch::Not(i, Ending::NotApplicable(why.clone()))),
                Some(How::Here(_)) | None => batches.push(Batch::Here(i)),
            }
        }
        let limit = |batch: &Batch| match batch {
            Batch::Here(i) => self.benches.time_limit(&tasks[*i].unit.scenario).0,
            Batch::Alone(..) | Batch::Not(..) => 0,
        };
        batches.sort_by_key(|batch| std::cmp::Reverse(limit(batch)));
        alone.into_iter().map(|((pump, bench), of)| Batch::Alone(pump.to_vec(), bench, of)).chain(batches).collect()
    }

    fn how(&self, whose: &Whose, bench: usize) -> Option<&How> {
        match whose {
            Whose::Defect(id) => self.catalogue.how(id, bench),
            Whose::Sound | Whose::Drawn => None,
        }
    }

    fn work(&self, tasks: &[Task], batches: &[Batch], next: &AtomicUsize, send: &Sender<Told>) -> Result<()> {
        let desks = self.benches.desks()?;
        while let Some(batch) = batches.get(next.fetch_add(1, Ordering::Relaxed)) {
            let tell = |task: usize, outcome: Outcome, drawn: Option<DrawnBench>, took: Option<Duration>| {
                let Task { unit, key } = tasks[task].clone();
                let Outcome { ending, cases } = outcome;
                // Nobody to tell means that the whole is being given up.
                let _ = send.send(Told { task, played: Played { unit, key, ending, cases, drawn }, took });
            };
            match batch {
                Batch::Here(task) => {
                    let before = processor_time();
                    let (outcome, drawn) = self.here(&desks, &tasks[*task].unit);
                    tell(*task, outcome, drawn, Some(processor_time().saturating_sub(before)));
                }
                Batch::Alone(pump, bench, of) => {
                    let units = of.iter().map(|i| (*i, &tasks[*i].unit));
                    self.alone(&desks[*bench], (pump, *bench), units, |i, o| tell(i, o, None, None));
                }
                Batch::Not(task, ending) => tell(*task, Outcome { ending: ending.clone(), cases: Vec::new() }, None, None),
            }
        }
        Ok(())
    }

    fn here(&self, desks: &[Desk], unit: &Unit) -> (Outcome, Option<DrawnBench>) {
        let found = self.benches.of(&unit.scenario).and_then(|(bench, id)| Some((bench, &desks[bench], desks[bench].plan(id)?)));
        let Some((bench, desk, ready)) = found else { return (not_played("there is no such scenario"), None) };
        match &unit.whose {
            Whose::Sound => (ready.play(&desk.bench, unit.seed, None, Keep::Alarms), None),
            Whose::Drawn => {
                let draw::Drawn { bench: drawn, text, told } =
                    match draw::bench(&desk.bench, &self.benches.all()[bench].bench_text, unit.seed) {
                        Ok(drawn) => drawn,
                        Err(error) => return (not_played(&format!("its bench: {error:#}")), None),
                    };
                let outcome = ready.play(&Arc::new(drawn), unit.seed, None, Keep::Alarms);
                let clean = outcome.ending == Ending::Whole && outcome.cases.iter().all(clean);
                (outcome, (!clean).then(|| DrawnBench { told: told.join("; "), text }))
            }
            Whose::Defect(id) => match self.catalogue.how(id, bench) {
                Some(How::Here(pump)) => (ready.play(&desk.bench, unit.seed, Some(pump), Keep::Fails), None),
                _ => (not_played("it is no pump of this process"), None),
            },
        }
    }

    fn alone<'u>(
        &self,
        desk: &Desk,
        (pump, bench): (&[String], usize),
        units: impl Iterator<Item = (usize, &'u Unit)>,
        tell: impl Fn(usize, Outcome),
    ) {
        let given = &self.benches.all()[bench];
        let mut process = None;
        for (i, unit) in units {
            let started = match process.take() {
                Some(running) => Ok(running),
                None => Alone::start(&self.program, pump, given, self.limit),
            };
            let outcome = match started {
                Ok(mut running) => {
                    let id = self.benches.of(&unit.scenario).map_or("", |(_, id)| id);
                    let time_limit = desk.plan(id).map_or(rig_model::time::Span::ZERO, Ready::time_limit);
                    let outcome = running.play(id, unit.seed, time_limit, self.limit);
                    // One that hung was killed, and one that died is gone.
                    process = Some(running).filter(|_| outcome.ending == Ending::Whole);
                    outcome
                }
                Err(error) => not_played(&format!("{error:#}")),
            };
            tell(i, outcome);
        }
    }
}

/// Nothing in it speaks against a sound pump.
fn clean(case: &CaseOutcome) -> bool {
    case.rows.is_empty() && !matches!(case.verdict, Verdict::Fail | Verdict::Error | Verdict::Aborted)
}

fn not_played(why: &str) -> Outcome {
    Outcome { ending: Ending::NotPlayed(why.to_owned()), cases: Vec::new() }
}

/// Of this thread.
fn processor_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}

/// The name of the threads in which pumps may break down.
const PUMP: &str = "pump";

/// What a pump says when it breaks down is in its outcome; it needs not be on the terminal, a thousand times.
fn quietly<T>(work: impl FnOnce() -> T) -> T {
    let usual = std::sync::Arc::new(std::panic::take_hook());
    let told = usual.clone();
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().name() != Some(PUMP) {
            told(panic);
        }
    }));
    let done = work();
    drop(std::panic::take_hook());
    if let Ok(usual) = std::sync::Arc::try_unwrap(usual) {
        std::panic::set_hook(usual);
    }
    done
}
